"""Servers that are away when a command is begun: follow and serve wait for PostgreSQL as they do at work, and wrong settings are told at once."""
import contextlib
import pathlib
import signal
import socket
import subprocess
import threading

from harness import LANDFALL, unittest
from live import LiveCase

SECONDS_TO_END = 30
WAITING = {"follow": ("follow", "dynamodb://things"), "serve": ("serve", "--listen", "127.0.0.1:0")}
PASSWORD = "correct-horse"


class Running:
    """A command that goes on, and what it says."""

    def __init__(self, case, name, **environment):
        self.case, self.said = case, case.folder / f"{name}.said"
        with self.said.open("w") as said:
            self.process = subprocess.Popen([LANDFALL, *WAITING[name]], cwd=case.folder, env={**case.environment, **environment}, stdin=subprocess.DEVNULL,
                                            stdout=said, stderr=said)
        case.addCleanup(self.kill)

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()

    def wait_for(self, text):
        self.case.wait_for(lambda: text in self.said.read_text() or self.process.poll() is not None)
        self.case.assertIsNone(self.process.poll(), self.said.read_text())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.case.assertEqual(self.process.wait(SECONDS_TO_END), 0, self.said.read_text())


class Hanger:
    """Takes connections on a port, and closes each at once."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self.hang_up)
        self.thread.start()
        return str(self.listener.getsockname()[1])

    def hang_up(self):
        with contextlib.suppress(OSError):
            while True:
                self.listener.accept()[0].close()

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()


class Waiting(LiveCase):
    def test_a_database_that_is_away_is_waited_for(self):
        self.server.crash()
        with contextlib.ExitStack() as stack:
            stack.callback(self.server.start)
            follow, serve = Running(self, "follow"), Running(self, "serve")
            for running in (follow, serve):
                running.wait_for("; trying again\n")
        serve.wait_for("ready: ")
        self.wait_for_worker()
        self.put(1)
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.spool") == "1")
        for running in (follow, serve):
            running.stop()
            troubles = [line for line in running.said.read_text().splitlines() if line.endswith("trying again")]
            self.assertTrue(all(one != other for one, other in zip(troubles, troubles[1:])), f"the same is said again: {troubles}")

    def test_connections_that_are_closed_at_once_are_made_again(self):
        with Hanger() as port:
            for name in WAITING:
                running = Running(self, name, PGHOST="127.0.0.1", PGPORT=port)
                running.wait_for("closed the connection unexpectedly")
                running.stop()

    def test_a_server_that_is_full_is_waited_for(self):
        self.sql("CREATE ROLE crowded LOGIN CONNECTION LIMIT 0")
        self.sql("CREATE DATABASE crowded OWNER crowded")
        serve = Running(self, "serve", PGUSER="crowded", PGDATABASE="crowded")
        serve.wait_for('too many connections for role "crowded"; trying again\n')
        self.sql("ALTER ROLE crowded CONNECTION LIMIT -1")
        serve.wait_for("ready: ")
        serve.stop()

    def test_wrong_settings_are_told_at_once(self):
        rules = pathlib.Path(self.server.folder) / "data" / "pg_hba.conf"
        rules.write_text("local all careful scram-sha-256\nlocal all all trust\n")
        self.sql(f"CREATE ROLE careful LOGIN PASSWORD '{PASSWORD}'; SELECT pg_reload_conf()")
        wrong = [({"PGDATABASE": "nothing"}, 'database "nothing" does not exist'), ({"PGUSER": "nobody_here"}, 'role "nobody_here" does not exist'),
                 ({"PGHOST": "nowhere.invalid"}, "could not translate host name"), ({"PGUSER": "careful", "PGPASSWORD": "wrong"}, "password authentication failed")]
        for environment, words in wrong:
            for name, command in WAITING.items():
                with self.subTest(command=name, words=words):
                    self.environment, before = {**self.environment, **environment}, self.environment
                    said = self.landfall(*command, status=1)
                    self.environment = before
                    self.assertIn(words, said)
                    self.assertNotIn("trying again", said)

    def test_what_ends_by_itself_does_not_wait(self):
        with Hanger() as port:
            self.environment.update(PGHOST="127.0.0.1", PGPORT=port)
            for command in (("follow", "--until-caught-up"), ("backfill", "dynamodb://things"), ("verify", "dynamodb://things")):
                self.assertIn("closed the connection unexpectedly", self.landfall(*command, status=1))


if __name__ == "__main__":
    unittest.main()
