"""What SDKs hide of HTTP: how errors are spelled, checksums, chunked bodies, pipelining, slow clients, what is too large, and requests that are none."""
import contextlib
import json
import socket
import ssl
import subprocess
import time
import zlib

from gateway import *
from harness import *
from test_tls import make_ca, make_certificate

BODY_BYTES_MAX = 16 * 1024 * 1024
HEAD_BYTES_MAX = 16 * 1024
ITEM = {"pk": {"S": "a"}, "n": {"N": "1"}, "text": {"S": "größer\0"}}
SERVICE, VALIDATE, DYNAMODB = "com.amazon.coral.service#", "com.amazon.coral.validate#", "com.amazonaws.dynamodb.v20120810#"


def head_of(length, target="DynamoDB_20120810.ListTables", **more):
    headers = {"Host": "localhost", "X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0", "Content-Length": length,
               **{name.replace("_", "-"): value for name, value in more.items()}}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value is not None)
    return f"POST / HTTP/1.1\r\n{lines}\r\n".encode()


def request_of(operation, body, **more):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return head_of(len(body), target_of(operation), **more) + body


def make_table(client):
    client.ask("CreateTable", TableName="things", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
               AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST")
    while client.ask("DescribeTable", TableName="things")["Table"]["TableStatus"] != "ACTIVE":
        time.sleep(0.05)


class Http(Case):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway()
        cls.addClassCleanup(cls.gateway.stop)
        cls.record = Record()
        cls.addClassCleanup(cls.record.check)
        client = Client(cls.gateway, cls.record)
        make_table(client)
        client.ask("PutItem", TableName="things", Item=ITEM)
        client.close()

    def setUp(self):
        super().setUp()
        self.client = Client(self.gateway, self.record)
        self.addCleanup(self.client.close)

    def ask(self, data):
        self.client.write(data)
        return self.client.receive()

    def answer_of(self, data):
        """The one answer to bytes that leave the connection in whatever state, perhaps before all of them are sent."""
        client = Client(self.gateway)
        try:
            with contextlib.suppress(ConnectionError):
                client.write(data)
            return client.receive()
        finally:
            client.close()

    def error(self, answer, status, kind, message=None):
        self.assertEqual((answer.status, answer.json().get("__type")), (status, kind), answer.body)
        if message is not None:
            self.assertEqual(answer.json().get("message", answer.json().get("Message")), message)

    def still_serves(self):
        self.assertEqual(self.client.ask("ListTables"), {"TableNames": ["things"]})

    # ---- answers ----

    def test_headers_of_answers(self):
        for body in ({"TableName": "things", "Key": {"pk": ITEM["pk"]}}, {"TableName": "nowhere", "Key": {"pk": ITEM["pk"]}}, {"TableName": ""}):
            answer = self.client.call("GetItem", body)
            self.assertEqual(list(answer.faults()), [])
            self.assertEqual(int(answer.headers["x-amz-crc32"]), zlib.crc32(answer.body))
            self.assertRegex(answer.headers["x-amzn-requestid"], "^[0-9A-Z]{52}$")
            self.assertEqual(answer.headers["content-type"], "application/x-amz-json-1.0")
            self.assertRegex(answer.headers["date"], "^[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} 20[0-9]{2} [0-9:]{8} GMT$")

    def test_every_request_has_an_id_of_its_own(self):
        ids = {self.client.call("ListTables", {}).headers["x-amzn-requestid"] for _ in range(50)}
        self.assertEqual(len(ids), 50)

    def test_how_errors_are_spelled(self):
        key = {"pk": ITEM["pk"]}
        for operation, body, kind, message in (
                ("GetItem", {"TableName": "nowhere", "Key": key}, DYNAMODB + "ResourceNotFoundException", "Requested resource not found"),
                ("GetItem", {"TableName": "things", "Key": {"sk": ITEM["pk"]}}, VALIDATE + "ValidationException", "The provided key element does not match the schema"),
                ("PutItem", {"TableName": "things", "Item": key, "ConditionExpression": "attribute_not_exists(pk)"},
                 DYNAMODB + "ConditionalCheckFailedException", "The conditional request failed"),
                ("CreateTable", {"TableName": "things", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST",
                                 "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}]}, DYNAMODB + "ResourceInUseException", None),
                ("Nothing", {}, SERVICE + "UnknownOperationException", None)):
            with self.subTest(operation=operation, kind=kind):
                self.error(self.client.call(operation, body), 400, kind, message)

    def test_targets(self):
        for target in (None, "", "GetItem", "DynamoDB_20120810.", "DynamoDB_20120810.getitem", "DynamoDB_20111205.GetItem", "DynamoDBStreams_20120810.GetItem",
                       "DynamoDB_20120810.GetItem.GetItem", "x" * 4000):
            with self.subTest(target=target):
                self.error(self.ask(head_of(2, target) + b"{}"), 400, SERVICE + "UnknownOperationException")
        self.still_serves()

    def test_bodies_that_are_not_json(self):
        deep = b'{"TableName":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
        for body in (b"", b" ", b"{", b"[]", b'"x"', b"null", b"{]", b'{"TableName":"things",}', b'{"TableName":things}', b'{"TableName":"things"}x', b"\xff\xfe{}",
                     b'{"TableName":"\xc3\x28"}', b'{"TableName":"\xed\xa0\x80"}', b'{"TableName":"a\nb"}', b"\0" * 100, deep):
            with self.subTest(body=body[:40]):
                answer = self.ask(request_of("DescribeTable", body))
                self.error(answer, 400, SERVICE + "SerializationException")
                self.assertEqual(list(answer.faults()), [])
        self.still_serves()

    def test_members_of_another_type(self):
        for body in ({"TableName": 1}, {"TableName": ["things"]}, {"TableName": {"S": "things"}}, {"TableName": "things", "Key": "a"},
                     {"TableName": "things", "Key": {"pk": "a"}}, {"TableName": "things", "Key": {"pk": {"S": 1}}}, {"TableName": "things", "ConsistentRead": "maybe", "Key": {}}):
            with self.subTest(body=body):
                self.error(self.client.call("GetItem", body), 400, SERVICE + "SerializationException")

    def test_any_content_type(self):
        for content_type in (None, "", "text/plain", "application/json; charset=utf-8"):
            with self.subTest(content_type=content_type):
                answer = self.ask(request_of("ListTables", {}, Content_Type=content_type))
                self.assertEqual((answer.status, answer.json()), (200, {"TableNames": ["things"]}))

    # ---- how requests arrive ----

    def test_chunked_bodies(self):
        body = json.dumps({"TableName": "things", "Key": {"pk": ITEM["pk"]}}).encode()
        for size in (1, 7, len(body)):
            pieces = [body[at:at + size] for at in range(0, len(body), size)]
            chunks = b"".join(b"%x;note=x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\nTrailer: x\r\n\r\n"
            answer = self.ask(head_of(None, target_of("GetItem"), Transfer_Encoding="chunked") + chunks)
            self.assertEqual(answer.json(), {"Item": ITEM})
        self.still_serves()

    def test_a_hundred_pipelined_requests_are_answered_in_order(self):
        def put(number):
            return request_of("PutItem", {"TableName": "things", "Item": {"pk": {"S": f"pipe{number}"}, "n": {"N": str(number)}}})

        def get(number):
            return request_of("GetItem", {"TableName": "things", "Key": {"pk": {"S": f"pipe{number}"}}})

        self.client.write(b"".join(put(number) + get(number) for number in range(50)))
        for number in range(50):
            self.assertEqual(self.client.receive().json(), {})
            self.assertEqual(self.client.receive().json()["Item"]["n"], {"N": str(number)})

    def test_errors_do_not_end_a_pipeline(self):
        self.client.write(request_of("ListTables", {}) + request_of("Nothing", {}) + request_of("ListTables", b"{") + request_of("ListTables", {}))
        self.assertEqual([self.client.receive().status for _ in range(4)], [200, 400, 400, 200])

    def test_a_request_in_drops(self):
        data = request_of("GetItem", {"TableName": "things", "Key": {"pk": ITEM["pk"]}})
        for at in range(0, len(data), 3):
            self.client.write(data[at:at + 3])
            time.sleep(0.002)
        self.assertEqual(self.client.receive().json(), {"Item": ITEM})

    def test_slow_clients_hold_up_nobody(self):
        slow = [Client(self.gateway) for _ in range(100)]
        for client in slow:
            self.addCleanup(client.close)
            client.write(head_of(1000)[:-2])
        self.still_serves()
        for client in slow:
            client.write(b"\r\n{")
        self.still_serves()

    def test_expect_100_continue(self):
        body = b"{}"
        self.client.write(head_of(len(body), Expect="100-continue"))
        self.assertEqual(self.client.read_line(), b"HTTP/1.1 100 Continue\r\n")
        self.assertEqual(self.client.read_line(), b"\r\n")
        self.client.write(body)
        self.assertEqual(self.client.receive().status, 200)

    def test_a_client_that_sends_no_more_still_gets_its_answers(self):
        self.client.write(request_of("ListTables", {}) * 3)
        self.client.socket.shutdown(socket.SHUT_WR)
        self.assertEqual([self.client.receive().status for _ in range(3)], [200, 200, 200])
        self.assertEqual(self.client.reader.read(), b"")

    def test_clients_that_go_in_the_middle(self):
        whole = request_of("GetItem", {"TableName": "things", "Key": {"pk": ITEM["pk"]}})
        for at in (1, 30, len(whole) - 1, len(whole)):
            client = Client(self.gateway)
            client.write(whole[:at])
            client.close()
        self.still_serves()

    def test_http_1_0_and_connection_close(self):
        self.client.write(request_of("ListTables", {}).replace(b"HTTP/1.1", b"HTTP/1.0"))
        self.assertEqual(self.client.receive().status, 200)
        client = Client(self.gateway)
        self.addCleanup(client.close)
        client.write(request_of("ListTables", {}, Connection="close"))
        self.assertTrue(client.reader.read().startswith(b"HTTP/1.1 200 "))

    # ---- what is too large ----

    def test_a_body_of_16_mb_and_one_byte_more(self):
        body = b"{" + b" " * (BODY_BYTES_MAX - 2) + b"}"
        self.assertEqual(self.ask(request_of("ListTables", body)).status, 200)
        self.assertEqual(self.answer_of(request_of("ListTables", body + b" ")).status, 413)
        self.assertEqual(self.answer_of(head_of(1 << 62)).status, 413)
        self.assertEqual(self.answer_of(head_of(None, Transfer_Encoding="chunked") + b"%x\r\n" % (BODY_BYTES_MAX + 1)).status, 413)
        self.still_serves()

    def test_heads_that_are_too_large(self):
        self.assertEqual(self.answer_of(head_of(2, X_Padding="x" * HEAD_BYTES_MAX) + b"{}").status, 431)
        self.assertEqual(self.answer_of(b"POST /" + b"x" * (2 * HEAD_BYTES_MAX)).status, 414)
        self.assertEqual(self.answer_of(head_of(2, **{f"X_{number}": "x" for number in range(100)}) + b"{}").status, 431)
        self.assertEqual(self.ask(head_of(2, X_Padding="x" * (HEAD_BYTES_MAX - 1000)) + b"{}").status, 200)

    # ---- what is no request of the API ----

    def test_methods(self):
        answer = self.ask(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertEqual((answer.status, answer.body), (200, b"healthy: landfall\n"))
        self.client.write(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertTrue(self.client.read_line().startswith(b"HTTP/1.1 200 "))
        self.assertEqual(dict(self.client.read_headers())["content-length"], str(len(answer.body)))
        self.still_serves()
        for method in (b"OPTIONS", b"PUT", b"DELETE", b"BREW"):
            self.assertEqual(self.answer_of(method + b" / HTTP/1.1\r\nHost: localhost\r\n\r\n").status, 501)

    def test_what_is_no_http(self):
        for data in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 60 + b"\r\n\r\n", b"hello\r\n\r\n", b"POST / HTTP/3\r\n\r\n", b"POST / HTTP/1.1\r\n\r\n",
                     head_of("2x") + b"{}", head_of("-1"), head_of(2, Transfer_Encoding="chunked") + b"{}", head_of(None, Transfer_Encoding="gzip"),
                     head_of(2, content_length=2) + b"{}", head_of(2, content_length=3) + b"{}", head_of("2, 2") + b"{}", head_of("+2") + b"{}",
                     head_of(None, Transfer_Encoding="chunked") + b"zz\r\n", head_of(None, Transfer_Encoding="chunked, chunked"),
                     b"POST / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"POST / HTTP/1.1\r\n Host: a\r\n\r\n",
                     b"POST / HTTP/1.1\r\nHost : a\r\n\r\n", b"POST / HTTP/1.1\r\nHost: a\0b\r\n\r\n"):
            with self.subTest(data=data[:60]):
                answer = self.answer_of(data)
                self.assertIn(answer.status, (400, 501, 505))
                self.assertEqual(answer.headers["connection"], "close")
        self.still_serves()


class TlsClient(Client):
    """Trusts one CA only."""

    def __init__(self, gateway, ca):
        super().__init__(gateway)
        self.context = ssl.create_default_context(cafile=ca)

    def connect(self):
        plain = socket.create_connection(self.address, SECONDS_MAX)
        self.socket = self.context.wrap_socket(plain, server_hostname=NAME)
        self.reader = self.socket.makefile("rb")

    def certificate(self):
        return self.socket.getpeercert()["serialNumber"]


NAME = "gateway.landfall.test"
SECONDS_TO_STOP = 30


class Tls(Case):
    def setUp(self):
        super().setUp()
        make_ca(self.folder, "ca")
        make_certificate(self.folder, "ca", NAME)
        self.gateway = Gateway("--tls-certificate", self.folder / "server.crt", "--tls-key", self.folder / "server.key")
        self.addCleanup(self.gateway.stop)

    def client(self):
        client = TlsClient(self.gateway, self.folder / "ca.crt")
        self.addCleanup(client.close)
        client.ask("ListTables")
        return client

    def test_new_files_are_for_new_connections(self):
        self.assertTrue(self.gateway.url.startswith("https://"))
        before = self.client()
        make_certificate(self.folder, "ca", NAME)
        deadline = time.monotonic() + SECONDS_MAX
        while self.client().certificate() == before.certificate():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        before.ask("ListTables")

    def test_files_that_cannot_be_used_leave_the_old(self):
        before = self.client().certificate()
        (self.folder / "server.key").write_text("nothing")
        deadline = time.monotonic() + SECONDS_MAX
        while "server.key" not in self.gateway.log():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.1)
        self.assertEqual(self.client().certificate(), before)

    def test_who_does_not_speak_tls_and_who_does_not_trust_us(self):
        make_ca(self.folder, "another")
        plain = Client(self.gateway)
        self.addCleanup(plain.close)
        with self.assertRaises(OSError):
            plain.call("ListTables", {})
        with self.assertRaises(ssl.SSLError):
            stranger = TlsClient(self.gateway, self.folder / "another.crt")
            self.addCleanup(stranger.close)
            stranger.connect()
        self.client()


class Stopping(DatabaseCase):
    """SIGTERM: nobody new, and everything that has begun is answered."""

    def setUp(self):
        super().setUp()
        self.gateway = Gateway(environment=self.environment)
        self.addCleanup(lambda: self.gateway.process.poll() is None and self.gateway.process.kill())
        self.client = Client(self.gateway)
        self.addCleanup(self.client.close)
        make_table(self.client)
        self.client.ask("PutItem", TableName="things", Item=ITEM)

    def wait_until_nobody_listens(self):
        deadline = time.monotonic() + SECONDS_MAX
        while time.monotonic() < deadline:
            try:
                socket.create_connection(self.client.address, SECONDS_MAX).close()
            except ConnectionRefusedError:
                return
            except ConnectionResetError:
                pass  # it closed between our SYN and its answer
            time.sleep(0.02)
        self.fail("the gateway still listens")

    def lock_rows(self):
        """Until its input ends; it says so when it has them."""
        locker = self.psql(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(lambda: (locker.communicate(), locker.wait()) if locker.poll() is None else None)
        table = self.sql("SELECT quote_ident(relname) FROM pg_class WHERE relnamespace = 'dynamodb'::regnamespace AND relkind = 'r'")
        locker.stdin.write(f"BEGIN;\nSELECT 'locked' FROM dynamodb.{table} FOR UPDATE;\n")
        locker.stdin.flush()
        self.assertEqual(locker.stdout.readline(), "locked\n")
        return locker

    def test_a_request_under_way_ends(self):
        locker = self.lock_rows()
        self.client.write(request_of("PutItem", {"TableName": "things", "Item": {**ITEM, "n": {"N": "2"}}}))
        self.wait_for("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'", "1")
        half = Client(self.gateway)
        self.addCleanup(half.close)
        request = request_of("ListTables", {})
        half.write(request[:-1])
        idle = Client(self.gateway)
        self.addCleanup(idle.close)
        idle.ask("ListTables")
        self.gateway.end()
        self.wait_until_nobody_listens()
        self.assertEqual(idle.reader.read(), b"")
        half.write(request[-1:])
        answer = half.receive()
        self.assertEqual((answer.status, answer.headers["connection"]), (200, "close"))
        locker.communicate("ROLLBACK;\n")
        answer = self.client.receive()
        self.assertEqual((answer.status, answer.headers["connection"]), (200, "close"))
        self.gateway.wait()
        self.wait_for("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'landfall%'", "0")

    def wait_for(self, query, expected):
        deadline = time.monotonic() + SECONDS_MAX
        while self.sql(query) != expected:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)

    def test_who_does_not_end_is_left_behind(self):
        half = Client(self.gateway)
        self.addCleanup(half.close)
        half.write(request_of("ListTables", {})[:-1])
        self.client.ask("ListTables")
        self.gateway.end()
        start = time.monotonic()
        self.gateway.wait()
        self.assertLess(time.monotonic() - start, SECONDS_TO_STOP)


if __name__ == "__main__":
    unittest.main()
