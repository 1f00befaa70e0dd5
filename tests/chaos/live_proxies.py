"""What stands between Landfall and its two sides, and breaks what goes through: whole requests to DynamoDB, and the bytes of connections to PostgreSQL."""
import asyncio
import contextlib
import json
import re

REFUSALS = {
    "throttled": (400, "ProvisionedThroughputExceededException", "The level of configured provisioned throughput for the table was exceeded."),
    "failed": (500, "InternalServerError", "Internal server error"),
}
BREAKS = (OSError, EOFError, asyncio.IncompleteReadError)


async def read_message(reader):
    """Head and body of a request or an answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    if re.search(rb"\r\ntransfer-encoding: *chunked", head, re.IGNORECASE):
        return head, await read_chunks(reader)
    length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
    return head, await reader.readexactly(int(length.group(1))) if length else b""


async def read_chunks(reader):
    body = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        data = await reader.readexactly(int(line, 16) + 2)
        body += line + data
        if int(line, 16) == 0:
            return body


def keep(tasks):
    """The loop itself keeps no task whose connection is gone."""
    task = asyncio.current_task()
    tasks.add(task)
    task.add_done_callback(tasks.discard)


def close(writer):
    """At once, with whatever has not been sent."""
    writer.transport.abort()


class Dynamodb:
    """In front of DynamoDB; `shares` says which part of the requests meets what. A request that has come here is sent on and its answer waited for even when whoever
    asked is gone by then, so that `under_way` is what may still land."""

    def __init__(self, url, random):
        self.host, self.port = url.partition("//")[2].split(":")
        self.random, self.shares, self.under_way, self.done, self.tasks = random, {}, set(), {}, set()

    async def start(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, limit=2 ** 25)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    def stop(self):
        self.server.close()

    def choose(self):
        dice, what = self.random.random(), "passed"
        for name, share in sorted(self.shares.items()):
            if dice < share:
                what = name
                break
            dice -= share
        self.done[what] = self.done.get(what, 0) + 1
        return what

    async def serve(self, reader, writer):
        keep(self.tasks)
        upstream = Upstream(self.host, self.port)
        with contextlib.suppress(*BREAKS, asyncio.CancelledError):  # at the end of a round
            while await self.serve_one(reader, writer, upstream):
                pass
        upstream.close()
        close(writer)

    async def serve_one(self, reader, writer, upstream):
        """Whether the connection goes on."""
        request = b"".join(await read_message(reader))
        mine = object()
        self.under_way.add(mine)
        try:
            return await getattr(self, self.choose())(request, writer, upstream)
        finally:
            self.under_way.discard(mine)

    async def landed(self):
        """Everything that had been sent when this began has reached DynamoDB, or never will. What lies in a socket is read meanwhile."""
        await asyncio.sleep(0.2)
        seen = set(self.under_way)
        while seen & self.under_way:
            await asyncio.sleep(0.02)

    # ---- what becomes of a request ----

    async def passed(self, request, writer, upstream):
        writer.write(await upstream.ask(request))
        await writer.drain()
        return True

    async def throttled(self, _request, writer, _upstream):
        return await self.refuse("throttled", writer)

    async def failed(self, _request, writer, _upstream):
        return await self.refuse("failed", writer)

    async def refuse(self, name, writer):
        status, type, message = REFUSALS[name]
        body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{type}", "message": message}).encode()
        writer.write(f"HTTP/1.1 {status} Refused\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        return True

    async def failed_afterwards(self, request, writer, upstream):
        await upstream.ask(request)
        return await self.refuse("failed", writer)

    async def delayed(self, request, writer, upstream):
        await asyncio.sleep(self.random.uniform(0, 0.5))
        return await self.passed(request, writer, upstream)

    async def dropped(self, _request, _writer, _upstream):
        return False

    async def cut(self, request, writer, upstream):
        """Within the answer."""
        answer = await upstream.ask(request)
        writer.write(answer[:len(answer) // 2])
        await writer.drain()
        return False

    async def half_closed(self, request, writer, upstream):
        """Done, and then nothing comes, but the connection looks open in one direction."""
        await upstream.ask(request)
        writer.write_eof()
        await asyncio.sleep(self.random.uniform(0, 1))
        return False

    async def landed_late(self, request, writer, upstream):
        """Whoever asked hears that the connection is gone, and only then it happens."""
        close(writer)
        await asyncio.sleep(self.random.uniform(0, 2))
        await upstream.ask(request)
        return False


KINDS = ("throttled", "failed", "failed_afterwards", "delayed", "dropped", "cut", "half_closed", "landed_late")


class Upstream:
    """A connection to DynamoDB that is made when it is needed."""

    def __init__(self, host, port):
        self.host, self.port, self.streams = host, port, None

    def close(self):
        if self.streams:
            close(self.streams[1])
        self.streams = None

    async def ask(self, request):
        if not self.streams:
            self.streams = await asyncio.open_connection(self.host, self.port, limit=2 ** 25)
        try:
            self.streams[1].write(request)
            return b"".join(await read_message(self.streams[0]))
        except BREAKS:
            self.close()
            raise


class Postgres:
    """A door to PostgreSQL's socket, which can be shut. `disturb` hits about half of the connections that there are."""

    def __init__(self, socket, random):
        self.socket, self.random, self.links, self.done, self.tasks, self.is_shut = socket, random, set(), {}, set(), False

    async def start(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    def stop(self):
        self.server.close()
        self.shut()

    def shut(self):
        self.is_shut = True
        for link in self.links:
            link.cut()

    async def serve(self, reader, writer):
        keep(self.tasks)
        try:
            back_reader, back_writer = await asyncio.open_unix_connection(self.socket)
        except OSError:
            return close(writer)
        if self.is_shut:
            close(writer)
            return close(back_writer)
        link = Link(writer, back_writer)
        self.links.add(link)
        try:
            with contextlib.suppress(asyncio.CancelledError):  # at the end of a round
                await asyncio.gather(link.pump(reader, back_writer, link.forth), link.pump(back_reader, writer, link.back))
        finally:
            link.cut()
            self.links.discard(link)

    async def disturb(self, kind):
        self.done[kind] = self.done.get(kind, 0) + 1
        hit = [link for link in self.links if self.random.random() < 0.5]
        for link in hit:
            getattr(link, kind)()
        if kind != "cut":
            await asyncio.sleep(self.random.uniform(0, 1.5))
        for link in hit:
            link.go_on() if kind == "delay" else link.cut()


LINK_KINDS = ("delay", "cut", "half_close", "swallow")


class Link:
    """One connection. Until they are set, nothing passes `forth` to the server, or `back`."""

    def __init__(self, client, server):
        self.client, self.server, self.forth, self.back, self.is_half_closed = client, server, asyncio.Event(), asyncio.Event(), False
        self.go_on()

    def go_on(self):
        self.forth.set()
        self.back.set()

    def delay(self):
        self.forth.clear()
        self.back.clear()

    def swallow(self):
        """What the client asks still happens, and nothing tells it so."""
        self.back.clear()

    def half_close(self):
        """The client sees the end of its connection, while the server sees nothing."""
        self.back.clear()
        self.is_half_closed = True
        with contextlib.suppress(OSError):
            self.client.write_eof()

    def cut(self):
        close(self.client)
        close(self.server)
        self.go_on()

    async def pump(self, reader, writer, passes):
        with contextlib.suppress(*BREAKS):
            while data := await reader.read(2 ** 16):
                await passes.wait()
                if self.is_half_closed and writer is self.client:
                    break
                writer.write(data)
                await writer.drain()
        self.cut()
