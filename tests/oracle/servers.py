"""The two servers under comparison, started here unless a URL names one that runs: DynamoDB Local and landfall serve --ephemeral."""
import contextlib
import os
import pathlib
import re
import select
import shutil
import socket
import subprocess
import time

from wire import Endpoint, Signer

HERE = pathlib.Path(__file__).resolve().parent
EMULATOR = HERE / "node_modules" / "amplify-dynamodb-simulator" / "emulator"
SECONDS_TO_START, PORTS_TRIED = 180, 5


def lacks():
    """What DynamoDB Local needs and is not there, or nothing."""
    if not shutil.which("java"):
        return "java is not installed: tools/deps oracle"
    if not EMULATOR.exists():
        return "DynamoDB Local is not installed: tools/deps oracle"
    return None


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Process:
    """A server that ends with the run."""

    def __init__(self, command, output, **options):
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, **options)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class DynamoDbLocal(Process):
    """A heap of fixed size and the first compiler only: a run is short, and the machine has other work."""

    def __init__(self, folder=None):
        """With a folder it keeps its tables there, and may be killed and started again."""
        for _ in range(PORTS_TRIED):
            port = free_port()
            self.command = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.library.path=DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar",
                            *(["-dbPath", str(folder)] if folder else ["-inMemory"]), "-sharedDb", "-disableTelemetry", "-port", str(port)]
            self.url = f"http://127.0.0.1:{port}"
            if self.has_started():
                return
        raise RuntimeError("DynamoDB Local ends as soon as it is started")

    def has_started(self):
        """Not where somebody else has taken the port meanwhile: then it ends."""
        super().__init__(self.command, subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=EMULATOR)
        deadline = time.monotonic() + SECONDS_TO_START
        while not self.answers():
            if self.process.poll() is not None:
                return False
            if time.monotonic() > deadline:
                self.stop()
                raise RuntimeError("DynamoDB Local does not answer")
            time.sleep(0.05)
        return True

    def restart(self):
        self.process.kill()
        self.process.wait()
        if not self.has_started():
            raise RuntimeError("DynamoDB Local did not start again")

    def answers(self):
        with contextlib.closing(Endpoint(self.url)) as endpoint, contextlib.suppress(OSError):
            return endpoint.call("ListTables", {}).ok
        return False


class Landfall(Process):
    def __init__(self, binary, map_file=None):
        command = [str(binary), "serve", "--ephemeral", "--listen", "127.0.0.1:0", *(["--map", str(map_file)] if map_file else [])]
        super().__init__(command, subprocess.PIPE, text=True)
        self.url = self.read_url(time.monotonic() + SECONDS_TO_START)

    def stop(self):
        super().stop()
        self.process.stdout.close()

    def read_url(self, deadline):
        while select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
            line = self.process.stdout.readline()
            if not line:
                break
            if found := re.search(r"http://[0-9.]+:[0-9]+", line):
                return found[0]
        self.stop()
        raise RuntimeError("landfall serve did not say that it is ready")


class Running:
    """A server that somebody else started."""

    def __init__(self, url):
        self.url = url

    def stop(self):
        pass


def start(place, map_file=None):
    """place: a URL, `local` for DynamoDB Local, or the path of a landfall binary."""
    if place.startswith(("http://", "https://")):
        return Running(place)
    if place == "local":
        return DynamoDbLocal()
    return Landfall(pathlib.Path(place).resolve(), map_file)


def signer_from_environment():
    """AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, when the endpoint checks signatures."""
    secret = os.environ.get("AWS_SECRET_ACCESS_KEY")
    return Signer(os.environ.get("AWS_ACCESS_KEY_ID", "local"), secret)
