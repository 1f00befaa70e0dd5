"""What the end-to-end tests share: the real binary, a PostgreSQL of their own, and items to feed them.

LANDFALL names the binary. Every test gets an empty folder to run in and, with DatabaseCase, an empty database.
"""
import gzip
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
LANDFALL = os.environ.get("LANDFALL", str(ROOT / "build" / "landfall"))
COURT = ROOT / "examples" / "court"
SECONDS_MAX = 120
KEY = ["--key", "pk:S,sk:S", "--table", "things"]


def postgres_bin():
    named = os.environ.get("LANDFALL_PG_BIN")
    installed = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
    if named or installed:
        return pathlib.Path(named or installed[-1])
    return pathlib.Path(shutil.which("initdb")).parent


class Server:
    """A PostgreSQL in a temporary folder, on a socket there, run by an unprivileged user where we are root."""

    def __init__(self, settings=(), parent=None):
        self.folder = tempfile.mkdtemp(prefix="landfall-e2e-", dir=parent)
        self.bin = postgres_bin()
        self.user = self.unprivileged() if os.getuid() == 0 else None
        if self.user:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        os.chmod(self.folder, 0o755)
        self.run("initdb", "-D", "data", "-U", "landfall", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        settings = ("listen_addresses=''", "fsync=off", *settings)
        self.options = f"-k {self.folder} " + " ".join(f"-c {setting}" for setting in settings)
        self.start()

    def start(self):
        self.run("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", self.options, "start")

    def crash(self):
        """As if its machine had lost power, but for what the operating system still writes."""
        self.run("pg_ctl", "-D", "data", "-m", "immediate", "stop")

    @staticmethod
    def unprivileged():
        for name in ("postgres", "nobody"):
            try:
                return pwd.getpwnam(name)
            except KeyError:
                continue
        raise RuntimeError("no unprivileged user to run PostgreSQL as")

    def client(self, program):
        """The server's own psql and the like; some distributions hold the server alone, which PATH's then talks to."""
        own = self.bin / program
        return own if own.exists() else program

    def run(self, program, *arguments):
        as_user = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []} if self.user else {}
        subprocess.run([self.bin / program, *arguments], cwd=self.folder, check=True, stdout=subprocess.DEVNULL, timeout=SECONDS_MAX, **as_user)

    def environment(self, database):
        return {**os.environ, "PGHOST": self.folder, "PGUSER": "landfall", "PGDATABASE": database}

    def stop(self):
        self.crash()
        shutil.rmtree(self.folder)


class Case(unittest.TestCase):
    """Runs landfall in a folder that vanishes."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="landfall-e2e-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.environment = {**os.environ, "NO_COLOR": "1"}

    def start(self, *arguments):
        return subprocess.Popen([LANDFALL, *map(str, arguments)], cwd=self.folder, env=self.environment, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def landfall(self, *arguments, status=0):
        """Runs it and gives standard output, or with a status other than 0 standard error."""
        process = self.start(*arguments)
        output, errors = process.communicate(timeout=SECONDS_MAX)
        self.assertEqual(process.returncode, status, f"landfall {' '.join(map(str, arguments))}\n{output}{errors}")
        return errors if status else output

    def landfall_json(self, *arguments):
        return json.loads(self.landfall(*arguments, "--json"))

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path


class DatabaseCase(Case):
    """The same with a server for the class and an empty database for each test."""

    @classmethod
    def setUpClass(cls):
        cls.server = Server()
        cls.addClassCleanup(cls.server.stop)
        cls.databases = 0

    def setUp(self):
        super().setUp()
        type(self).databases += 1
        database = f"e2e{self.databases}"
        self.environment = {**self.server.environment("postgres"), "NO_COLOR": "1"}
        self.sql(f"CREATE DATABASE {database}")
        self.environment["PGDATABASE"] = database

    def psql(self, **streams):
        return subprocess.Popen([self.server.client("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1"], env=self.environment, text=True, **streams)

    def sql(self, statement):
        process = self.psql(stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, errors = process.communicate(statement, timeout=SECONDS_MAX)
        self.assertEqual(process.returncode, 0, errors)
        return output.strip()

    def prepare(self, source, *options):
        """Everything that comes before the load."""
        self.landfall("inspect", source, *options)
        self.landfall("plan")
        self.landfall("migrate", "up")


def thing(number, **attributes):
    """An item of a simple entity, as a line of an export."""
    item = {"pk": {"S": f"thing|{number}"}, "sk": {"S": f"thing|{number}"}, "entityName": {"S": "Thing"}, "thingId": {"S": str(number)},
            "count": {"N": str(number % 7 + 1)}, "label": {"S": f"number {number}"}, **attributes}
    return json.dumps({"Item": item}, separators=(",", ":"))


def things(count):
    return [thing(number) for number in range(count)]


def text_of(lines):
    return "".join(line + "\n" for line in lines)


def gzip_of(lines):
    return gzip.compress(text_of(lines).encode(), mtime=0)


__all__ = ["COURT", "Case", "DatabaseCase", "KEY", "LANDFALL", "ROOT", "SECONDS_MAX", "gzip_of", "signal", "text_of", "thing", "things", "unittest"]
