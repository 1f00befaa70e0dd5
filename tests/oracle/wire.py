"""A client of one DynamoDB endpoint that hides nothing: raw bodies in, status, headers and raw bodies out, over one connection that stays open.

send and receive are apart, so that two endpoints work on the same request at the same time. http.client would spend more time on reading headers than a server
on answering, hence the few lines of HTTP here."""
import dataclasses
import datetime
import hashlib
import hmac
import json
import socket
import urllib.parse
import zlib

TARGETS = {name: "DynamoDBStreams_20120810" for name in ("ListStreams", "DescribeStream", "GetShardIterator", "GetRecords")}
REGION = "us-east-1"
SIGNED = "host;x-amz-date;x-amz-target"
SECONDS_MAX = 60


class Broken(OSError):
    """The endpoint did not answer in HTTP."""


@dataclasses.dataclass
class Answer:
    status: int
    headers: dict
    body: bytes

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            return {"not JSON": self.body.decode("utf-8", "replace")}

    @property
    def ok(self):
        return self.status == 200

    def faults(self):
        """What is wrong with the answer whatever the other side says."""
        crc = self.headers.get("x-amz-crc32")
        if crc is not None and int(crc) != zlib.crc32(self.body):
            yield "x-amz-crc32", crc, str(zlib.crc32(self.body))
        if "x-amzn-requestid" not in self.headers:
            yield "x-amzn-requestid", None, "an id"


def hmac_sha256(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


@dataclasses.dataclass
class Signer:
    """AWS Signature Version 4; without a secret a signature that only looks like one, which DynamoDB Local does not mind."""
    access_key: str = "local"
    secret: str = None

    def scope(self, date):
        return f"{date}/{REGION}/dynamodb/aws4_request"

    def header(self, scope, signature):
        return f"AWS4-HMAC-SHA256 Credential={self.access_key}/{scope}, SignedHeaders={SIGNED}, Signature={signature}"

    def headers(self, host, target, body):
        if self.secret is None:
            return {"Authorization": self.header(self.scope("20260101"), "0" * 64)}
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        scope = self.scope(now[:8])
        canonical = f"POST\n/\n\nhost:{host}\nx-amz-date:{now}\nx-amz-target:{target}\n\n{SIGNED}\n{hashlib.sha256(body).hexdigest()}"
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = ("AWS4" + self.secret).encode()
        for part in scope.split("/"):
            key = hmac_sha256(key, part)
        return {"Authorization": self.header(scope, hmac_sha256(key, text).hex()), "X-Amz-Date": now}


class Endpoint:
    def __init__(self, url, signer=None):
        place = urllib.parse.urlsplit(url)
        self.url, self.address, self.host = url, (place.hostname, place.port), place.netloc
        self.signer = signer or Signer()
        self.socket, self.reader = None, None

    def close(self):
        if self.socket:
            self.reader.close()
            self.socket.close()
        self.socket, self.reader = None, None

    def connect(self):
        self.socket = socket.create_connection(self.address, SECONDS_MAX)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb", 1 << 16)

    def request(self, call, body):
        target = f"{TARGETS.get(call, 'DynamoDB_20120810')}.{call}"
        headers = {"Host": self.host, "X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0", "Content-Length": len(body),
                   **self.signer.headers(self.host, target, body)}
        return b"POST / HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items()).encode() + b"\r\n" + body

    def send(self, call, body):
        if self.socket is None:
            self.connect()
        try:
            self.socket.sendall(self.request(call, body))
        except OSError:
            # The server may have closed the idle connection; if it refuses the body instead, its answer is there to be read.
            if not self.has_answer():
                self.close()
                self.connect()
                self.socket.sendall(self.request(call, body))

    def has_answer(self):
        try:
            return bool(self.reader.peek(1))
        except OSError:
            return False

    def receive(self):
        try:
            answer = self.read_answer()
        except (OSError, ValueError, IndexError) as error:
            self.close()
            raise Broken(f"{self.url}: {error!r}") from error
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    def call(self, call, body):
        self.send(call, json.dumps(body).encode())
        return self.receive()

    # ---- HTTP ----

    def read_answer(self):
        status = int(self.read_line().split(b" ")[1])
        headers = dict(self.read_headers())
        return Answer(status, headers, self.read_body(headers))

    def read_line(self):
        line = self.reader.readline(1 << 16)
        if not line.endswith(b"\n"):
            raise ValueError("the connection ended within an answer")
        return line

    def read_headers(self):
        while (line := self.read_line()) not in (b"\r\n", b"\n"):
            name, _, value = line.decode("latin-1").partition(":")
            yield name.strip().lower(), value.strip()

    def read_body(self, headers):
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return b"".join(self.read_chunks())
        return self.read_exactly(int(headers.get("content-length", "0")))

    def read_chunks(self):
        while size := int(self.read_line().split(b";")[0], 16):
            yield self.read_exactly(size)
            self.read_line()
        self.read_line()

    def read_exactly(self, size):
        body = self.reader.read(size)
        if len(body) != size:
            raise ValueError("the connection ended within a body")
        return body
