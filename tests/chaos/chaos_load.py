#!/usr/bin/env python3
"""Breaks backfill and verify at random points and looks whether anything is lost or doubled: chaos_load.py LANDFALL ROUNDS [SEED].

Each round loads an export into an empty database. While it runs, landfall is killed (-9), PostgreSQL crashes and comes back, connections are cut, or the server's
disk is full for a while; then the same command runs again, until one ends well. Then verify, broken likewise, must find every item and no difference, and every
table must hold exactly its items. Prints a summary; exit status 1 when a round fails."""
import collections
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
import harness  # noqa: E402

ITEMS = 60000
TRIES_MAX = 60
SECONDS_MAX = 120
DISK_MB = 1200
# Seconds from a command's start within which something breaks; a load takes about as long.
WINDOW = {"backfill": 0.8, "verify": 0.3}


class Disk:
    """A file system of its own for the server, so that it can be full. Needs root; without, that fault is left out and said so."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="landfall-chaos-"))
        os.chmod(self.folder, 0o755)
        self.mounted = os.getuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=755", "tmpfs", self.folder], stderr=subprocess.DEVNULL).returncode == 0

    def fill(self):
        with open(self.folder / "balloon", "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(1024 * 1024))

    def relieve(self):
        (self.folder / "balloon").unlink(missing_ok=True)

    def remove(self):
        if self.mounted:
            subprocess.run(["umount", "-l", self.folder], check=True)
        shutil.rmtree(self.folder, ignore_errors=True)


class Chaos:
    def __init__(self, landfall, seed):
        self.landfall, self.random = os.path.abspath(landfall), random.Random(seed)
        self.disk = Disk()
        self.server = harness.Server(["max_wal_size=200MB", "log_min_messages=fatal"], self.disk.folder)
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="landfall-chaos-work-"))
        self.source = self.work / "items"
        subprocess.run([self.landfall, "seed", HERE.parent / "bench" / "court.yaml", "-n", str(ITEMS), "-o", self.source], check=True, capture_output=True)
        self.faults = {"kill -9": self.kill, "crash of PostgreSQL": self.crash, "connections cut": self.cut}
        if self.disk.mounted:
            self.faults["disk full"] = self.full
        else:
            print("disk full is left out: it needs root to mount a file system of its own")
        self.broken, self.ends = collections.Counter(), collections.Counter()

    def close(self):
        self.server.stop()
        self.disk.remove()
        shutil.rmtree(self.work)

    def sql(self, statement, database="postgres"):
        return subprocess.run([self.server.client("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", statement], env=self.server.environment(database), check=True,
                              capture_output=True, text=True).stdout.strip()

    # ---- faults ----

    def kill(self, process):
        process.send_signal(signal.SIGKILL)

    def crash(self, process):
        self.server.crash()
        self.server.start()

    def cut(self, process):
        self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'landfall%'")

    def full(self, process):
        self.disk.fill()
        try:
            process.wait(SECONDS_MAX)
        finally:
            self.disk.relieve()
        self.server.run("pg_ctl", "-D", "data", "-m", "immediate", "stop") if self.is_up() else None
        self.server.start()

    def is_up(self):
        return subprocess.run([self.server.client("pg_isready"), "-q"], env=self.server.environment("postgres")).returncode == 0

    # ---- one command, until it ends well ----

    def run(self, database, *arguments):
        return subprocess.run([self.landfall, *arguments], cwd=self.work, env=self.server.environment(database), check=True, capture_output=True, text=True).stdout

    def run_broken(self, database, *arguments):
        for attempt in range(TRIES_MAX):
            # Closed and not a pipe: nobody reads while something breaks.
            with open(self.work / "output", "w+", encoding="utf-8") as output:
                process = subprocess.Popen([self.landfall, *arguments], cwd=self.work, env=self.server.environment(database), stdout=output, stderr=subprocess.DEVNULL)
                if attempt < TRIES_MAX // 2:
                    self.break_something(process, WINDOW[arguments[0]])
                status = process.wait(SECONDS_MAX)
                self.ends[f"{arguments[0]} ended with {status}"] += 1
                if status == 0:
                    output.seek(0)
                    return output.read()
        raise AssertionError(f"{arguments[0]} did not end well in {TRIES_MAX} tries")

    def break_something(self, process, window):
        if self.random.random() < 0.2:
            return
        try:
            process.wait(self.random.random() * window)
            return
        except subprocess.TimeoutExpired:
            name = self.random.choice(sorted(self.faults))
        self.broken[name] += 1
        self.faults[name](process)

    # ---- rounds ----

    def prepare(self):
        self.run("postgres", "inspect", self.source)
        self.run("postgres", "plan")

    def round(self, number):
        database = f"round{number}"
        self.sql(f"CREATE DATABASE {database}")
        self.run(database, "migrate", "up")
        self.run_broken(database, "backfill", self.source)
        result = json.loads(self.run_broken(database, "verify", self.source, "--reread", "--json"))
        rows = self.sql("SELECT (SELECT count(*) FROM court.\"case\"), (SELECT count(*) FROM court.docket_entry), (SELECT count(*) FROM court.message), "
                        "(SELECT count(*) FROM landfall.item), (SELECT sum(items) FROM landfall.segment)", database)
        case, entry, message, item, recorded = map(int, rows.split("|"))
        counts = [result["compared"], result["different"], result["missing"], result["extra"], case + entry + message + item, recorded]
        if counts != [ITEMS, 0, 0, 0, ITEMS, ITEMS]:
            raise AssertionError(f"round {number}: compared, different, missing, extra, rows, recorded are {counts}")
        self.sql(f"DROP DATABASE {database}")


def main():
    rounds, seed = int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
    print(f"seed {seed}")
    chaos, passed, start = Chaos(sys.argv[1], seed), 0, time.monotonic()
    try:
        chaos.prepare()
        for number in range(rounds):
            chaos.round(number)
            passed += 1
    finally:
        chaos.close()
        for what, count in sorted((chaos.broken + chaos.ends).items()):
            print(f"  {count:5} {what}")
        print(f"{passed} of {rounds} rounds of {ITEMS:,} items: all there, none twice, 0 differences ({time.monotonic() - start:.0f} s)")


if __name__ == "__main__":
    main()
