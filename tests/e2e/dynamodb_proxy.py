"""A proxy in front of a DynamoDB endpoint that does to requests what AWS and networks do: throttles, fails, drops the connection, and counts capacity."""
import http.client
import http.server
import json
import random
import threading
import time

THROTTLED = json.dumps({"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
                        "message": "The level of configured provisioned throughput for the table was exceeded."})
FAILED = json.dumps({"__type": "com.amazonaws.dynamodb.v20120810#InternalServerError", "message": "Internal server error"})


class Proxy(http.server.ThreadingHTTPServer):
    """Shares of requests that are throttled, answered by 500, dropped before and dropped within the answer."""
    daemon_threads = True

    def __init__(self, upstream, throttle=0, fail=0, drop=0, cut=0, seed=1):
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream = upstream.partition("//")[2]
        self.shares = [("throttle", throttle), ("fail", fail), ("drop", drop), ("cut", cut)]
        self.random = random.Random(seed)
        self.scans_left = None  # how many pages may still be scanned before all further ones are throttled
        self.lock = threading.Lock()
        self.done = {"throttle": 0, "fail": 0, "drop": 0, "cut": 0, "pass": 0}
        self.units = []  # (when, capacity) of each scanned page
        self.items_per_page = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    def may_scan(self):
        with self.lock:
            if self.scans_left is None:
                return True
            self.scans_left -= 1
            return self.scans_left >= 0

    def choose(self, target):
        if target.endswith(".Scan") and not self.may_scan():
            return "throttle"
        with self.lock:
            dice, what = self.random.random(), "pass"
            for name, share in self.shares:
                if dice < share:
                    what = name
                    break
                dice -= share
            self.done[what] += 1
            return what

    def answer_itself(self, target, request):
        """Status and answer of what the upstream does not know; None: it is asked."""
        return None

    def note(self, target, body):
        if target.endswith(".Scan"):
            answer = json.loads(body)
            with self.lock:
                self.units.append((time.monotonic(), answer.get("ConsumedCapacity", {}).get("CapacityUnits", 0)))
                self.items_per_page.append(answer.get("Count", 0))

    def handle_error(self, request, client_address):
        pass

    def stop(self):
        self.shutdown()
        self.thread.join()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        super().setup()
        self.connection_up = http.client.HTTPConnection(self.server.upstream, timeout=60)

    def finish(self):
        self.connection_up.close()
        super().finish()

    def answer(self, status, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        request = self.rfile.read(int(self.headers["Content-Length"]))
        what = self.server.choose(self.headers["X-Amz-Target"])
        if what == "throttle":
            return self.answer(400, THROTTLED.encode())
        if what == "fail":
            return self.answer(500, FAILED.encode())
        if what == "drop":
            self.close_connection = True
            return self.connection.close()
        own = self.server.answer_itself(self.headers["X-Amz-Target"], request)
        if own:
            return self.answer(own[0], json.dumps(own[1]).encode())
        return self.forward(request, what == "cut")

    def forward(self, request, cuts):
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        self.connection_up.request("POST", "/", request, {**headers, "Host": self.headers["Host"]})
        response = self.connection_up.getresponse()
        body = response.read()
        if response.status == 200:
            self.server.note(self.headers["X-Amz-Target"], body)
        kept = [(name, value) for name, value in response.getheaders() if name.lower() in ("content-type", "x-amz-crc32", "x-amzn-requestid")]
        if not cuts:
            return self.answer(response.status, body, kept)
        self.send_response(response.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:len(body) // 2])
        self.close_connection = True

    def log_message(self, *arguments):
        pass
