"""What the tests of the gateway share: `landfall serve`, requests byte by byte, and a record of its answers.

CHECK_REPLIES names the program that compares recorded answers with api/operations.yaml (tests/tools/check_replies.c).
"""
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile

from harness import LANDFALL, ROOT, SECONDS_MAX

sys.path.append(str(ROOT / "tests" / "oracle"))
from wire import TARGETS, Answer, Broken, Endpoint, Signer  # noqa: E402

CHECK_REPLIES = os.environ.get("CHECK_REPLIES", str(ROOT / "build" / "tests" / "tools" / "check_replies"))
SECONDS_TO_START = 180
# Where it listens and whom it asks for signatures is up to each test, not to whoever runs it.
OURS = ("LANDFALL_LISTEN", "LANDFALL_AUTH", "LANDFALL_KEY_FILE", "LANDFALL_TLS_CERTIFICATE", "LANDFALL_TLS_KEY", "LANDFALL_POSTGRES", "LANDFALL_MAP")


def target_of(operation):
    return f"{TARGETS.get(operation, 'DynamoDB_20120810')}.{operation}"


class Record:
    """Answers of status 200, for check_replies."""

    def __init__(self):
        self.file = tempfile.NamedTemporaryFile(prefix="landfall-replies-")

    def keep(self, operation, status, body):
        if status == 200:
            self.file.write(target_of(operation).encode() + b"\t" + body + b"\n")

    def check(self):
        self.file.flush()
        if self.file.tell():
            done = subprocess.run([CHECK_REPLIES, self.file.name], capture_output=True, text=True, timeout=SECONDS_MAX)
            assert done.returncode == 0, done.stdout + done.stderr
        self.file.close()


class Gateway:
    """`landfall serve`, ready for requests; with --ephemeral unless the environment names a database."""

    def __init__(self, *options, environment=None, listen="127.0.0.1:0"):
        self.environment = {name: value for name, value in (environment or os.environ).items() if name not in OURS}
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            [LANDFALL, "serve", "--json", "--listen", listen, *([] if environment else ["--ephemeral"]), *map(str, options)],
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors, text=True)
        readable, _, _ = select.select([self.process.stdout], [], [], SECONDS_TO_START)
        line = self.process.stdout.readline() if readable else ""
        if not line:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            log = self.log()
            self.errors.close()
            raise RuntimeError(f"landfall serve did not start: {log}")
        self.url = json.loads(line)["endpoint"]

    def log(self):
        self.errors.seek(0)
        return self.errors.read()

    def rss_kb(self):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise RuntimeError("no VmRSS")

    def end(self):
        """Asks it to stop, once: it ends at the second word. The connections that are open may still get their answers."""
        self.process.send_signal(signal.SIGTERM)

    def stop(self):
        if self.process.poll() is None:
            self.end()
        self.wait()

    def wait(self):
        status = self.process.wait(SECONDS_MAX)
        self.process.stdout.close()
        log = self.log()
        self.errors.close()
        assert status == 0, f"landfall serve ended with {status}: {log}"


class Client(Endpoint):
    """Requests of the API, and any other bytes, on one connection."""

    def __init__(self, gateway, record=None, signer=None):
        super().__init__(gateway.url, signer)
        self.record = record

    def call(self, operation, body):
        answer = super().call(operation, body)
        if self.record:
            self.record.keep(operation, answer.status, answer.body)
        return answer

    def ask(self, operation, **body):
        """The answer, which has to be good."""
        answer = self.call(operation, body)
        assert answer.status == 200, f"{operation}: {answer.status} {answer.body}"
        return answer.json()

    def write(self, data):
        if self.socket is None:
            self.connect()
        self.socket.sendall(data)


__all__ = ["Answer", "Broken", "Client", "Gateway", "Record", "Signer", "target_of"]
