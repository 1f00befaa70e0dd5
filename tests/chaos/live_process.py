"""The processes of Landfall that a round of chaos_live.py works with, and DynamoDB without any."""
import asyncio
import contextlib
import re
import signal
import subprocess

import dynamodb

READY_SECONDS_MAX = 90
# DynamoDB Local looks at no signature, but wants one.
UNSIGNED = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"


class Direct:
    """DynamoDB itself."""

    def __init__(self, url):
        self.client = dynamodb.Client(url, {"Authorization": UNSIGNED})

    def close(self):
        self.client.close()

    async def call(self, operation, **body):
        return await asyncio.to_thread(self.client, operation, **body)


class Process:
    """A follower or a gateway, which comes back when something has killed it; to PostgreSQL it goes through `door`."""

    def __init__(self, round, name, door, *arguments):
        self.round, self.name, self.door, self.arguments, self.port, self.process = round, name, door, arguments, 0, None
        self.journal = round.folder / f"{round.database}-{name}"

    def journal_bytes(self):
        return (self.journal / "gateway.journal").stat().st_size

    async def start(self):
        listen = ("--listen", f"127.0.0.1:{self.port}") if self.arguments[0] == "serve" else ()
        with (self.round.folder / f"{self.name}.log").open("a") as log:
            self.process = await asyncio.create_subprocess_exec(
                self.round.landfall, *self.arguments, *listen, cwd=self.round.folder, env={**self.round.environment, "PGPORT": str(self.door.port)},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        if not listen:
            return
        line = (await asyncio.wait_for(self.process.stdout.readline(), READY_SECONDS_MAX)).decode()
        if ready := re.search(r"http://127\.0\.0\.1:(\d+)", line):
            self.port = int(ready.group(1))

    async def kill(self):
        self.send(signal.SIGKILL)
        await self.process.wait()

    def send(self, number):
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def expect_alive(self):
        if self.process.returncode is not None:
            said = (self.round.folder / f"{self.name}.log").read_text()[-1000:]
            raise AssertionError(f"{self.name} has ended by itself, with {self.process.returncode}: {said}")

    async def stop(self):
        self.expect_alive()
        self.process.terminate()
        assert await asyncio.wait_for(self.process.wait(), READY_SECONDS_MAX) == 0, f"{self.name} ended with {self.process.returncode}"
