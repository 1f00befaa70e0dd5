"""An S3 server for tests: npm's s3rver, and before it a gate that checks each signature and cuts connections on demand.

s3rver looks at who signs, not at what is signed; the gate computes Signature Version 4 itself, as AWS documents it, and refuses what
differs. What it lets through goes on unsigned.
"""
import hashlib
import hmac
import http.client
import http.server
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import urllib.parse

MODULES = pathlib.Path(__file__).parent / "node_modules"
BUCKET = "exports"
KEY_ID, SECRET, REGION = "AKIALANDFALL", "a secret/key+", "eu-central-1"
SECONDS_MAX = 120
LEGACY_CIPHERS = {"NODE_OPTIONS": "--openssl-legacy-provider"}  # s3rver enciphers continuation tokens with DES


def hmac_of(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signature_of(request, scope, signed):
    """The signature that a request should carry; `signed` are the names of its headers that are part of it."""
    path, _, query = request.path.partition("?")
    headers = "".join(f"{name}:{' '.join(request.headers[name].split())}\n" for name in signed)
    canonical = "\n".join([request.command, urllib.parse.quote(urllib.parse.unquote(path), safe="/~"), "&".join(sorted(query.split("&"))), headers,
                           ";".join(signed), request.headers["x-amz-content-sha256"]])
    date, region, service, end = scope
    text = "\n".join(["AWS4-HMAC-SHA256", request.headers["x-amz-date"], "/".join(scope), hashlib.sha256(canonical.encode()).hexdigest()])
    key = hmac_of(hmac_of(hmac_of(hmac_of(("AWS4" + SECRET).encode(), date), region), service), end)
    return hmac_of(key, text).hex()


class Gate(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *arguments):
        pass

    def refusal(self):
        """The code of S3's error, None when the request is well signed."""
        fields = dict(part.strip().split("=", 1) for part in self.headers.get("Authorization", "").partition(" ")[2].split(",") if "=" in part)
        if not fields:
            return "AccessDenied"
        key_id, *scope = fields["Credential"].split("/")
        if key_id != KEY_ID:
            return "InvalidAccessKeyId"
        signed = fields["SignedHeaders"].split(";")
        covers_all = all(name.lower() in signed for name in self.headers if name.lower().startswith("x-amz-") or name.lower() == "host")
        return None if covers_all and hmac.compare_digest(fields["Signature"], signature_of(self, scope, signed)) else "SignatureDoesNotMatch"

    def do_GET(self):
        self.server.requests.append((self.path, self.headers.get("Range")))
        code = self.refusal()
        if code:
            return self.answer(403, [], f"<Error><Code>{code}</Code><Message>refused by the gate</Message></Error>".encode())
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream_port, timeout=SECONDS_MAX)
        upstream.request("GET", self.path, headers={name: self.headers[name] for name in ("Range", "If-Match") if name in self.headers})
        answer = upstream.getresponse()
        body = answer.read()
        upstream.close()
        headers = [(name, answer.headers[name]) for name in ("ETag", "Content-Range", "Content-Type") if name in answer.headers]
        return self.answer(answer.status, headers, body)

    def answer(self, status, headers, body):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = self.server.cut_after_bytes
        if cut and "/data/" in self.path and len(body) > cut:
            self.wfile.write(body[:cut])
            self.server.cuts += 1
            self.close_connection = True
        else:
            self.wfile.write(body)


class S3:
    """s3rver with an empty bucket, behind a gate."""

    def __init__(self):
        if not (MODULES / "s3rver").is_dir():
            raise RuntimeError("tests/e2e/node_modules lacks s3rver: run tools/deps check")
        self.folder = tempfile.mkdtemp(prefix="landfall-s3-")
        self.process = subprocess.Popen([MODULES / ".bin" / "s3rver", "-d", self.folder, "-a", "127.0.0.1", "-p", "0", "--silent", "--configure-bucket", BUCKET],
                                        env={**os.environ, **LEGACY_CIPHERS}, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.port = self.read_port()
        self.gate = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gate)
        self.gate.upstream_port, self.gate.cut_after_bytes, self.gate.cuts, self.gate.requests = self.port, 0, 0, []
        self.thread = threading.Thread(target=self.gate.serve_forever)
        self.thread.start()

    def read_port(self):
        """It listens when it says so."""
        for line in self.process.stdout:
            if found := re.search(r"listening on 127\.0\.0\.1:([0-9]+)", line):
                return int(found[1])
        raise RuntimeError("s3rver does not start")

    def put(self, key, content):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS_MAX)
        connection.request("PUT", f"/{BUCKET}/{urllib.parse.quote(key)}", body=content)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"PUT {key}: status {answer.status}")

    def put_folder(self, folder, prefix):
        for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix != ".py"):
            self.put(f"{prefix}/{path.relative_to(folder)}", path.read_bytes())

    def environment(self):
        others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**others, "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{self.gate.server_address[1]}", "AWS_ACCESS_KEY_ID": KEY_ID,
                "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": REGION, "HOME": self.folder, "no_proxy": "127.0.0.1", "AWS_EC2_METADATA_DISABLED": "true"}

    def stop(self):
        self.gate.shutdown()
        self.gate.server_close()
        self.thread.join()
        self.process.terminate()
        self.process.wait(SECONDS_MAX)
        self.process.stdout.close()
        shutil.rmtree(self.folder)
