#!/usr/bin/env python3
"""The oracle itself: two DynamoDB Locals show no difference, and one that lies is caught, each lie by the answer it is in."""
import contextlib
import http.server
import io
import json
import pathlib
import re
import shutil
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import compare  # noqa: E402
import explained  # noqa: E402
import faults  # noqa: E402
import normalise  # noqa: E402
import oracle  # noqa: E402
import servers  # noqa: E402
import sequence  # noqa: E402
import wire  # noqa: E402

OPERATIONS = 400


class Liar(http.server.ThreadingHTTPServer):
    """Stands before an endpoint and changes answers: lie(call, request, answer) gives another answer or nothing."""
    daemon_threads = True

    def __init__(self, url, lie, headers=lambda headers: headers):
        super().__init__(("127.0.0.1", 0), Handler)
        self.upstream, self.lie, self.change_headers, self.lies = url, lie, headers, 0
        self.url = f"http://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        """Clients leave when they have what they want."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.upstream = wire.Endpoint(self.server.upstream)

    def finish(self):
        self.upstream.close()
        super().finish()

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        call = self.headers["X-Amz-Target"].split(".")[1]
        self.upstream.send(call, body)
        answer = self.upstream.receive()
        self.reply(answer, self.changed(call, body, answer))

    def changed(self, call, body, answer):
        try:
            request = json.loads(body)
        except ValueError:
            return answer.body
        lie = self.server.lie(call, request, answer.json()) if isinstance(request, dict) else None
        if lie is None:
            return answer.body
        self.server.lies += 1
        return json.dumps(lie).encode()

    def reply(self, answer, body):
        headers = {name: answer.headers[name] for name in ("content-type", "x-amzn-requestid", "x-amz-crc32") if name in answer.headers}
        if body != answer.body:
            headers.pop("x-amz-crc32", None)
        text = f"HTTP/1.1 {answer.status} x\r\nContent-Length: {len(body)}\r\n" + "".join(f"{name}: {value}\r\n" for name,
                                                                                          value in self.server.change_headers(headers).items())
        self.wfile.write(text.encode() + b"\r\n" + body)

    def log_message(self, *_):
        """Silence."""


# ---- lies ----

def swapped_items(call, request, answer):
    """A Query in the wrong order."""
    items = answer.get("Items")
    if call == "Query" and "IndexName" not in request and items and len(items) > 1 and items[0] != items[1]:
        return {**answer, "Items": [items[1], items[0], *items[2:]]}


def lost_item(call, request, answer):
    """A Scan that leaves out an item and says it did not."""
    if call == "Scan" and answer.get("Items"):
        return {**answer, "Items": answer["Items"][1:]}


def other_spelling(call, request, answer):
    """A number that is equal but not in DynamoDB's form."""
    if call == "GetItem" and '{"N": "1"}' in json.dumps(answer.get("Item")):
        return json.loads(json.dumps(answer).replace('{"N": "1"}', '{"N": "1.0"}'))


def other_capacity(call, request, answer):
    capacity = answer.get("ConsumedCapacity")
    if call == "PutItem" and capacity:
        return {**answer, "ConsumedCapacity": {**capacity, "CapacityUnits": capacity["CapacityUnits"] + 0.5}}


def other_text(call, request, answer):
    name = "message" if "message" in answer else "Message"
    if answer.get("__type", "").endswith("ConditionalCheckFailedException"):
        return {**answer, name: answer[name] + "."}


def other_type(call, request, answer):
    if answer.get("__type", "").endswith("TransactionCanceledException"):
        return {**answer, "__type": answer["__type"].replace("TransactionCanceled", "TransactionConflict")}


def short_page(call, request, answer):
    """The end where there is more."""
    if call == "Query" and "LastEvaluatedKey" in answer:
        return {name: value for name, value in answer.items() if name != "LastEvaluatedKey"}


def lost_record(call, request, answer):
    if call == "GetRecords" and len(answer.get("Records", [])) > 1:
        return {**answer, "Records": answer["Records"][1:]}


def other_old_image(call, request, answer):
    if call == "UpdateItem" and request.get("ReturnValues") == "ALL_OLD" and answer.get("Attributes"):
        return {**answer, "Attributes": {**answer["Attributes"], "more": {"S": "x"}}}


def no_lie(call, request, answer):
    return None


@unittest.skipIf(servers.lacks(), servers.lacks())
class OracleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.locals = [servers.DynamoDbLocal(), servers.DynamoDbLocal()]
        for server in cls.locals:
            cls.addClassCleanup(server.stop)
        cls.scripts = tempfile.mkdtemp(prefix="landfall-oracle-")
        cls.addClassCleanup(shutil.rmtree, cls.scripts)

    def run_oracle(self, ours, *more):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            status = oracle.main(["--theirs", self.locals[0].url, "--ours", ours, "--scripts", self.scripts, "--operations", str(OPERATIONS), "--seed",
                                  "harness", *more])
        return status, printed.getvalue()

    def lying(self, lie, headers=lambda headers: headers):
        server = Liar(self.locals[1].url, lie, headers)
        self.addCleanup(server.stop)
        return server

    def test_equal_endpoints_show_no_difference(self):
        for more in ([], ["--store", "relational", "--map", "shop"], ["--store", "relational", "--map", "devices"]):
            status, printed = self.run_oracle(self.locals[1].url, *more)
            self.assertEqual(status, 0, printed)
            self.assertIn(f"{OPERATIONS} operations, 0 unexplained differences", printed)

    def test_a_lie_is_seen(self):
        places = {swapped_items: "Query .Items", lost_item: "Scan .Items", other_spelling: "GetItem .Item", other_capacity: "PutItem .ConsumedCapacity",
                  other_text: "The conditional request failed.",
                  other_type: "TransactionConflictException", short_page: "Query ", lost_record: "stream ", other_old_image: "UpdateItem .Attributes"}
        for lie, place in places.items():
            with self.subTest(lie.__name__):
                server = self.lying(lie)
                status, printed = self.run_oracle(server.url, "--operations", "1500", "--kinds", "1", "--no-shrink")
                self.assertGreater(server.lies, 0, "the lie was never told")
                self.assertEqual(status, 1, printed)
                self.assertIn(place, re.search("DIFFERENCE 1: (.*)", printed)[1])

    def test_a_wrong_checksum_is_seen(self):
        server = self.lying(no_lie, lambda headers: {**headers, **({"x-amz-crc32": "1"} if "x-amz-crc32" in headers else {})})
        status, printed = self.run_oracle(server.url, "--operations", "20", "--kinds", "1", "--no-shrink")
        self.assertEqual(status, 1, printed)
        self.assertIn("faults", printed)

    def test_an_endpoint_that_goes_is_told(self):
        server = self.lying(lambda call, request, answer: sys.exit() if call == "UpdateItem" else None)
        status, printed = self.run_oracle(server.url, "--kinds", "1", "--no-shrink")
        self.assertEqual(status, 1, printed)
        self.assertIn("broken", printed)
        server.stop()
        status, printed = self.run_oracle(server.url)
        self.assertEqual(status, 1, printed)
        self.assertIn("GONE", printed)

    def test_a_difference_shrinks_to_a_script_that_shows_it(self):
        server = self.lying(other_old_image)
        _, printed = self.run_oracle(server.url, "--operations", "1000", "--kinds", "1")
        script = re.search(r"(\d+) step\(s\) show it: (\S+)", printed)
        steps = json.loads(pathlib.Path(script[2]).read_text())["steps"]
        # The table, an item, and the update that returns it.
        self.assertEqual([step["call"] for step in steps], ["CreateTable", steps[1]["call"], "UpdateItem"], printed)
        self.assertLess(len(json.dumps(steps)), 2000, steps)
        status, printed = self.run_oracle(server.url, "--replay", script[2])
        self.assertEqual(status, 1, printed)
        self.assertIn("3 steps, 1 differences", printed)
        self.assertEqual(self.run_oracle(self.locals[1].url, "--replay", script[2])[0], 0)


class GeneratorTest(unittest.TestCase):
    def test_a_seed_gives_the_same_steps(self):
        self.assertEqual(sequence.make("s", 3, 200), sequence.make("s", 3, 200))
        self.assertNotEqual(sequence.make("s", 3, 200), sequence.make("s", 4, 200))


class ExplanationTest(unittest.TestCase):
    def test_each_rule_is_in_the_guide(self):
        guide = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "compatibility.md").read_text()
        named = [*(rule.name for rule in explained.RULES), faults.NAME]
        self.assertEqual([name for name in named if f"*{name}*" not in guide], [])
        self.assertEqual([name for name in re.findall(r"^\| \*(.*?)\* \|", guide, re.MULTILINE) if name not in named], [])
        self.assertEqual(len(named), len(set(named)))

    def test_a_rule_does_not_explain_what_is_beside_it(self):
        step = {"call": "PutItem", "body": {"TableName": "t", "Item": {}}}
        texts = ("Cannot do operations on a non-existent table", "Requested resource not found")
        theirs, ours = ({"__type": "ResourceNotFoundException", "message": text} for text in texts)
        self.assertTrue(explained.explain(difference(step, theirs, ours)))
        self.assertFalse(explained.explain(difference(step, theirs, {**ours, "__type": "ValidationException"})))
        self.assertFalse(explained.explain(difference(step, theirs, {**ours, "Item": {"a": {"S": "x"}}})))

    def test_numbers_are_one_spelling_of_one_number(self):
        step = {"call": "GetItem", "body": {"TableName": "t", "Key": {}}}
        self.assertTrue(explained.explain(difference(step, {"Item": {"n": {"N": "1.0"}}}, {"Item": {"n": {"N": "1"}}}, 200)))
        self.assertFalse(explained.explain(difference(step, {"Item": {"n": {"N": "1" * 38}}}, {"Item": {"n": {"N": "1" * 37 + "2"}}}, 200)))
        self.assertFalse(explained.explain(difference(step, {"Item": {"s": {"S": "1.0"}}}, {"Item": {"s": {"S": "1"}}}, 200)))

    def test_an_index_key_has_two_faults_only_where_it_is_empty_and_of_another_type(self):
        refused = {"__type": "ValidationException"}
        theirs = {**refused, "message": "The AttributeValue for a key attribute cannot contain an empty binary value. IndexName: i, IndexKey: gs"}

        def ours(name, actual):
            return {**refused, "message": f"One or more parameter values were invalid: Type mismatch for Index Key {name} Expected: N Actual: {actual} IndexName: i"}

        def explains(value, name, actual):
            return explained.explain(difference({"call": "UpdateItem", "body": {"AttributeUpdates": {"gs": {"Value": value}}}}, theirs, ours(name, actual)))
        self.assertTrue(explains({"B": ""}, "gs", "B"))
        for wrong in (({"B": "YQ=="}, "gs", "B"), ({"B": ""}, "gn", "B"), ({"S": ""}, "gs", "S"), ({"S": ""}, "gs", "B")):
            self.assertFalse(explains(*wrong), wrong)

    def test_only_a_message_as_long_as_can_be_is_cut(self):
        step = {"call": "Query", "body": {"TableName": "t"}}

        def explains(theirs, ours):
            return explained.explain(difference(step, *({"__type": "ValidationException", "message": text} for text in (theirs, ours))))
        self.assertTrue(explains("é" * 600, "é" * 511))
        for wrong in (("é" * 600, "é" * 500), ("a" * 1023, "a" * 1022), ("a" * 1024, "b" * 1023)):
            self.assertFalse(explains(*wrong), wrong)

    def test_units_of_transactions_have_bounds(self):
        step = {"call": "TransactWriteItems", "body": {"TransactItems": [{"Put": {"TableName": "t"}}], "ReturnConsumedCapacity": "TOTAL"}}

        def units(amount):
            return {"ConsumedCapacity": [{"TableName": "t", "CapacityUnits": amount, "WriteCapacityUnits": amount}]}
        self.assertTrue(explained.explain(difference(step, units(4.0), units(2.0), 200)))
        for amount in (1.0, 3.0, 0.0):
            self.assertFalse(explained.explain(difference(step, units(4.0), units(amount), 200)), amount)


def difference(step, theirs, ours, status=400):
    return compare.Difference(step, compare.Outcome(status, theirs), compare.Outcome(status, ours), [])


class FakePair:
    """Two endpoints that refuse a request for the first fault of their list that it has; a lie is told of every request."""
    keys = {}

    def __init__(self, theirs, ours, lie=None):
        self.lists, self.lie = (theirs, ours), lie

    def outcomes(self, step):
        theirs, ours = (next((fault for fault, has in known if has(step["body"])), None) for known in self.lists)
        return [compare.Outcome(400, {"__type": "ValidationException", "message": text}) if text else compare.Outcome(200, {}) for text in (theirs, self.lie or ours)]

    def both_true(self, body):
        step = {"call": "Scan", "body": body}
        return faults.are_both_true(self, compare.compare(step, *self.outcomes(step)))


class FaultsTest(unittest.TestCase):
    LIMIT = ("Bad limit", lambda body: body.get("Limit") == 0)
    SELECT = ("Bad select", lambda body: body.get("Select") == "SOME")
    UNUSED = ("Unused value", lambda body: any(name not in body.get("UpdateExpression", "") for name in body.get("ExpressionAttributeValues", {})))
    BODY = {"TableName": "t", "Limit": 0, "Select": "SOME"}

    def test_two_faults_of_one_request_are_both_true(self):
        self.assertTrue(FakePair([self.LIMIT, self.SELECT], [self.SELECT, self.LIMIT]).both_true(self.BODY))
        self.assertTrue(FakePair([self.LIMIT, self.SELECT, self.UNUSED], [self.UNUSED, self.SELECT, self.LIMIT]).both_true(
            {**self.BODY, "ExpressionAttributeValues": {":v": {"N": "1"}}}))

    def test_a_list_that_may_not_be_empty_keeps_what_has_no_fault(self):
        empty, wrong = ("No keys", lambda body: not body.get("Keys")), ("Wrong key", lambda body: "wrong" in body["Keys"])
        self.assertTrue(FakePair([empty, self.LIMIT, wrong], [empty, wrong, self.LIMIT]).both_true({"Keys": ["a", "wrong", "b"], "Limit": 0}))

    def test_a_fault_that_only_one_side_knows_is_not(self):
        self.assertFalse(FakePair([self.LIMIT], [self.SELECT, self.LIMIT]).both_true(self.BODY))
        self.assertFalse(FakePair([self.LIMIT, self.SELECT], [self.SELECT]).both_true(self.BODY))

    def test_a_fault_that_a_request_has_not_is_not(self):
        """What the probes bring about is no proof."""
        lacks_limit = ("Bad select", lambda body: "Limit" not in body)
        self.assertFalse(FakePair([self.LIMIT, lacks_limit], [("Bad select", lambda body: True)]).both_true({"TableName": "t", "Limit": 0}))
        self.assertFalse(FakePair([self.LIMIT, self.SELECT], [self.LIMIT, self.SELECT], lie="Bad select").both_true(self.BODY))

    def test_parts_of_expressions_go_with_what_they_use(self):
        body = {"UpdateExpression": "SET #a = :v, #b = :w REMOVE #c", "ExpressionAttributeNames": {"#a": "a", "#b": "b", "#c": "c"},
                "ExpressionAttributeValues": {":v": {"N": "1"}, ":w": {"N": "2"}, ":unused": {"N": "3"}}}
        self.assertEqual(faults.without(body, [("UpdateExpression", ("piece", 0))]), {
            "UpdateExpression": "SET #b = :w REMOVE #c", "ExpressionAttributeNames": {"#b": "b", "#c": "c"},
            "ExpressionAttributeValues": {":w": {"N": "2"}, ":unused": {"N": "3"}}})
        self.assertEqual(faults.without({"L": [1, 2, 3]}, [("L", 0), ("L", 2)]), {"L": [2]})


class OrderTest(unittest.TestCase):
    def test_only_items_with_equal_keys_change_places(self):
        one, other, third = ({"g": {"S": "a"}, "pk": {"S": "1"}}, {"g": {"S": "a"}, "pk": {"S": "2"}}, {"g": {"S": "b"}, "pk": {"S": "0"}})
        self.assertEqual(normalise.tie_order([other, one, third], ["g"]), [one, other, third])
        self.assertEqual(normalise.tie_order([third, other, one], ["g"]), [third, one, other])

    def test_scans_keep_the_order_within_a_partition(self):
        items = [{"p": {"S": partition}, "s": {"N": sort}} for partition, sort in ("b1", "a2", "a1")]
        self.assertEqual(normalise.scan_order(items, ["p", "s"]), [items[1], items[2], items[0]])


if __name__ == "__main__":
    unittest.main()
