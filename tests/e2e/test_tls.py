"""TLS to PostgreSQL: a private CA, servers that it did not vouch for or that have another name, and no word about the password.

The server takes passwords over TLS only; its certificate is for NAME, which stands for 127.0.0.1 as it would by DNS.
"""
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

from harness import *
from harness import Server

FAILED, PORTS_TRIED = 1, 5
NAME, OTHER_NAME = "db.landfall.test", "other.landfall.test"
PASSWORD = "correct-horse/battery@staple"
RULES = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n"


def openssl(folder, *arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def make_ca(folder, name):
    openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.crt")


def make_certificate(folder, ca, host):
    openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={host}", "-keyout", "server.key", "-out", "server.csr")
    (folder / "names").write_text(f"subjectAltName=DNS:{host}\n")
    openssl(folder, "x509", "-req", "-days", "2", "-in", "server.csr", "-CA", f"{ca}.crt", "-CAkey", f"{ca}.key", "-CAcreateserial", "-extfile", "names",
            "-out", "server.crt")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class TcpServer(Server):
    """On a port of 127.0.0.1 too: another one where somebody has taken it before the server could."""

    def __init__(self, settings=()):
        super().__init__(("listen_addresses=127.0.0.1", *settings))

    def start(self):
        options = self.options
        for _ in range(PORTS_TRIED):
            self.port = free_port()
            self.options = f"{options} -c port={self.port}"
            with contextlib.suppress(subprocess.CalledProcessError):
                return super().start()
        raise RuntimeError("PostgreSQL does not start on any port")

    def environment(self, database):
        return {**super().environment(database), "PGPORT": str(self.port)}


class TlsServer(TcpServer):
    """Its certificates stand in a folder of its user: PostgreSQL refuses a key that others own or may read."""

    def __init__(self):
        self.certificates = pathlib.Path(tempfile.mkdtemp(prefix="landfall-e2e-tls-"))
        for ca in ("ca", "another-ca"):
            make_ca(self.certificates, ca)
        make_certificate(self.certificates, "ca", NAME)
        (self.certificates / "hba.conf").write_text(RULES)
        self.hand_over()
        super().__init__(("ssl=on", f"ssl_cert_file={self.certificates}/server.crt", f"ssl_key_file={self.certificates}/server.key",
                          f"hba_file={self.certificates}/hba.conf"))

    def hand_over(self):
        user = self.unprivileged() if os.getuid() == 0 else None
        for path in (self.certificates, *self.certificates.iterdir()):
            os.chmod(path, 0o700 if path.is_dir() else 0o600)
            if user:
                os.chown(path, user.pw_uid, user.pw_gid)

    def stop(self):
        super().stop()
        shutil.rmtree(self.certificates)


class Tls(DatabaseCase):
    @classmethod
    def setUpClass(cls):
        cls.server = TlsServer()
        cls.addClassCleanup(cls.server.stop)
        cls.plain_server = TcpServer()
        cls.addClassCleanup(cls.plain_server.stop)
        cls.databases = 0

    def setUp(self):
        super().setUp()
        self.sql(f"ALTER ROLE landfall PASSWORD '{PASSWORD}'")
        self.environment.update(HOME=str(self.folder), PGHOST=NAME, PGHOSTADDR="127.0.0.1", PGPASSWORD=PASSWORD)
        for name in ("PGSSL", "PGSSLMODE", "PGSSLROOTCERT"):
            self.environment.pop(name, None)
        self.landfall("inspect", COURT)
        self.landfall("plan")

    def verify_full(self, ca="ca"):
        self.environment.update(PGSSLMODE="verify-full", PGSSLROOTCERT=str(self.server.certificates / f"{ca}.crt"))

    def refusal(self, *arguments):
        """The error of a command that gets no connection; it never holds the password, as it is or as a URI has it."""
        errors = self.landfall(*arguments, status=FAILED)
        for part in ("correct-horse", "battery", "staple"):
            self.assertNotIn(part, errors)
        self.assertEqual(errors.count("\n"), 1, errors)
        return errors

    def test_the_whole_way_with_verify_full(self):
        self.verify_full()
        self.landfall("migrate", "up")
        self.landfall("backfill", COURT)
        self.assertRegex(self.landfall("migrate", "status"), r"\[x\] \d+_expand_constraints")
        self.assertIn("0 differences", self.landfall("verify", COURT, "--reread"))

    def test_another_ca(self):
        self.verify_full("another-ca")
        for command in (("migrate", "status"), ("backfill", COURT), ("verify",)):
            with self.subTest(command):
                self.assertIn("certificate verify failed", self.refusal(*command))

    def test_another_host_name(self):
        self.verify_full()
        self.environment["PGHOST"] = OTHER_NAME
        errors = self.refusal("migrate", "status")
        self.assertIn(NAME, errors)
        self.assertIn(f'does not match host name "{OTHER_NAME}"', errors)
        self.environment["PGSSLMODE"] = "verify-ca"
        self.landfall("migrate", "status")

    def test_a_ca_that_is_not_there(self):
        self.verify_full("no-ca")
        self.assertIn("no-ca.crt", self.refusal("migrate", "status"))

    def test_a_uri_with_everything_in_it(self):
        del self.environment["PGPASSWORD"]
        uri = f"postgresql://landfall:correct-horse%2Fbattery%40staple@{{}}/{self.environment['PGDATABASE']}?sslmode=verify-full" \
              f"&sslrootcert={self.server.certificates}/ca.crt"
        self.landfall("migrate", "status", "--postgres", uri.format(NAME))
        self.assertIn("does not match host name", self.refusal("migrate", "status", "--postgres", uri.format(OTHER_NAME)))

    def test_a_wrong_password(self):
        self.verify_full()
        self.sql("ALTER ROLE landfall PASSWORD 'changed'")
        self.assertIn("password authentication failed", self.refusal("migrate", "status"))

    def test_pgssl_means_require(self):
        """Encrypted, and nothing is checked."""
        self.environment["PGSSL"] = "true"
        self.environment["PGHOST"] = OTHER_NAME
        self.landfall("migrate", "status")
        self.environment["PGPORT"] = str(self.plain_server.port)
        self.environment["PGDATABASE"] = "postgres"
        self.assertIn("server does not support SSL, but SSL was required", self.refusal("migrate", "status"))
        del self.environment["PGSSL"]
        self.landfall("migrate", "status")

    def test_pgsslmode_wins_over_pgssl(self):
        self.environment.update(PGSSL="true", PGSSLMODE="disable")
        self.assertIn("no encryption", self.refusal("migrate", "status"))
        self.verify_full("another-ca")
        self.assertIn("certificate verify failed", self.refusal("migrate", "status"))


if __name__ == "__main__":
    unittest.main()
