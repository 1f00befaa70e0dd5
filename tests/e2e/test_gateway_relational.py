"""Tables of a map through the API of the gateway: rows are items, items are rows, and what no table takes is kept; SQL and the API see the same."""
import http.client
import json
import re
import signal
import sys
import threading
import time

from dynamodb import Client, Refused, read_url
from harness import *

sys.path.append(str(ROOT / "tests" / "oracle"))
import wire  # noqa: E402

SECONDS_OF_PATIENCE = 120
SEGMENTS = 4
FAILED, PRECONDITION = 1, 4
MAP = """
version: 1
schema: shop
tables:
  shop:
    key: { pk: S, sk: S }
    indexes: { by_state: { gpk: S, gsk: S } }
    local_indexes: { by_amount: { pk: S, amount: N } }
    entities:
      Customer:
        match: { kind: customer }
        key: { pk: "c#{customer_id}", sk: "c" }
        table: customer
        primary_key: [customer_id]
        columns:
          customer_id: { attr: customerId, type: text, null: false }
          email: { attr: email, type: text }
          level: { attr: level, type: text, check: [gold, silver] }
          expires: { attr: expires, type: timestamptz, codec: epoch_s }
        unique: [ [email] ]
      Order:
        match: { kind: order }
        key: { pk: "c#{customer_id}", sk: "o#{order_id}" }
        keys: { gpk: "state#{state}", gsk: "{order_id}" }
        table: "order"
        primary_key: [order_id]
        columns:
          order_id: { attr: orderId, type: text, null: false }
          customer_id: { attr: customerId, type: text, null: false }
          state: { attr: state, type: text, null: false }
          amount: { attr: amount, type: numeric }
        children:
          lines:
            attr: lines
            table: order_line
            columns:
              sku: { attr: sku, type: text }
              quantity: { attr: quantity, type: integer }
        foreign_keys: [ { columns: [customer_id], references: customer(customer_id), enforce: now } ]
      Draft:
        match: { kind: draft }
        key: { pk: "c#{customer_id}", sk: "o#{order_id}" }
        table: draft
        columns:
          order_id: { attr: orderId, type: text, null: false }
          customer_id: { attr: customerId, type: text, null: false }
          amount: { attr: amount, type: numeric }
"""


def text(value):
    return {"S": value}


def number(value):
    return {"N": str(value)}


def key(pk, sk):
    return {"pk": text(pk), "sk": text(sk)}


def customer(name, **more):
    return {**key(f"c#{name}", "c"), "kind": text("customer"), "customerId": text(name), **more}


def order(name, number_of, state="open", kind="order", **more):
    stated = {"state": text(state), "gpk": text(f"state#{state}"), "gsk": text(number_of)} if kind == "order" else {}
    return {**key(f"c#{name}", f"o#{number_of}"), "kind": text(kind), "customerId": text(name), "orderId": text(number_of), **stated, **more}


def lines(*skus):
    return {"L": [{"M": {"sku": text(sku), "quantity": number(at + 1)}} for at, sku in enumerate(skus)]}


ITEMS = [*(customer(name, email=text(f"{name}@x"), level=text("gold")) for name in "abc"),
         *(order(name, f"{name}{at}", ["open", "paid"][at % 2], amount=number(at), lines=lines("x", "y")) for name in "ab" for at in range(5)),
         order("c", "c9", kind="draft", amount=number("7.5")),
         {**key("odd", "one"), "anything": {"BOOL": True}}]


class Served(DatabaseCase):
    """A loaded database with a gateway on it."""
    complaint = None  # what each line of the gateway's log must be, where there may be any

    def setUp(self):
        super().setUp()
        self.write("landfall.yaml", MAP)
        self.write("items/items.jsonl", text_of(json.dumps({"Item": item}) for item in ITEMS))
        self.landfall("plan")
        self.landfall("migrate", "up")
        self.landfall("backfill", "items", "--key", "pk:S,sk:S", "--table", "shop")
        self.client = self.gateway()

    def gateway(self, is_mapped=True):
        """Starts one and gives a client of it."""
        self.process = self.start("serve", *(["--map", "landfall.yaml"] if is_mapped else []), "--listen", "127.0.0.1:0", "--jobs", "2")
        self.addCleanup(self.end, self.process)
        return self.connect(read_url(self.process))

    def connect(self, url):
        client = Client(url)
        self.addCleanup(client.close)
        client.url = url
        return client

    def end(self, process):
        if process.poll() is None:
            process.terminate()
        output, errors = process.communicate(timeout=SECONDS_OF_PATIENCE)
        self.assertEqual(process.returncode, 0, output + errors)
        self.assertEqual([line for line in errors.splitlines() if not (self.complaint and re.search(self.complaint, line))], [])

    def wait(self, condition, what):
        deadline = time.monotonic() + SECONDS_OF_PATIENCE
        while not (found := condition()):
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.05)
        return found

    def get(self, pk, sk):
        return self.client("GetItem", TableName="shop", Key=key(pk, sk)).get("Item")

    def put(self, item, **more):
        return self.client("PutItem", TableName="shop", Item=item, **more)

    def delete(self, pk, sk):
        return self.client("DeleteItem", TableName="shop", Key=key(pk, sk), ReturnValues="ALL_OLD").get("Attributes")

    def pages(self, operation, **body):
        """All items of it, page by page."""
        found, start = [], {}
        while True:
            page = self.client(operation, TableName="shop", **body, **start)
            found += page["Items"]
            if "LastEvaluatedKey" not in page:
                return found
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def query(self, condition, **values):
        more = {name: values.pop(name) for name in list(values) if name[0].isupper()}
        return self.pages("Query", KeyConditionExpression=condition, ExpressionAttributeValues={f":{name}": value for name, value in values.items()}, **more)

    def assert_same_items(self, found, expected):
        def ordered(items):
            return sorted(json.dumps(item, sort_keys=True) for item in items)
        self.assertEqual(ordered(found), ordered(expected))

    def rows(self, table):
        return self.sql(f"SELECT count(*) FROM {table}")

    def kept(self, pk):
        """Why an item is in landfall.item."""
        return self.sql(f"SELECT reason FROM landfall.item WHERE pk = convert_to('{pk}', 'UTF8')")


class Reads(Served):
    def test_items_that_were_loaded_are_answered_by_their_rows(self):
        for item in ITEMS:
            self.assertEqual(self.get(item["pk"]["S"], item["sk"]["S"]), item)
        self.assertIsNone(self.get("c#a", "o#none"))
        self.assertEqual([self.rows(table) for table in ("shop.customer", 'shop."order"', "shop.draft", "shop.order_line", "landfall.item")],
                         ["3", "10", "1", "20", "1"])
        keys = [{name: item[name] for name in ("pk", "sk")} for item in ITEMS]
        self.assert_same_items(self.client("BatchGetItem", RequestItems={"shop": {"Keys": keys}})["Responses"]["shop"], ITEMS)

    def test_a_collection_spans_entities(self):
        self.put({**key("c#a", "b"), "stray": {"NULL": True}})
        expected = sorted([item for item in ITEMS if item["pk"] == text("c#a")] + [self.get("c#a", "b")], key=lambda item: item["sk"]["S"])
        for limit in ({}, {"Limit": 1}, {"Limit": 2}):
            self.assertEqual(self.query("pk = :p", p=text("c#a"), **limit), expected)
            self.assertEqual(self.query("pk = :p", p=text("c#a"), ScanIndexForward=False, **limit), expected[::-1])
        self.assertEqual([item["sk"]["S"] for item in self.query("pk = :p AND begins_with(sk, :s)", p=text("c#a"), s=text("o#a"))], [f"o#a{at}" for at in range(5)])
        self.assertEqual([item["sk"]["S"] for item in self.query("pk = :p AND sk BETWEEN :s AND :t", p=text("c#a"), s=text("b"), t=text("o#a1"))],
                         ["b", "c", "o#a0", "o#a1"])

    def test_indexes(self):
        paid = self.query("gpk = :p", p=text("state#paid"), IndexName="by_state", Limit=3)
        self.assertEqual([item["orderId"]["S"] for item in paid], ["a1", "a3", "b1", "b3"])
        self.assertEqual(self.query("gpk = :p AND gsk > :s", p=text("state#paid"), s=text("a3"), IndexName="by_state", ScanIndexForward=False), paid[:1:-1])
        amounts = self.query("pk = :p AND amount >= :t", p=text("c#a"), t=number("1.0"), IndexName="by_amount", Limit=2)
        self.assertEqual([item["amount"]["N"] for item in amounts], ["1", "2", "3", "4"])
        self.put(customer("c", amount=number("7.25")))
        self.put(order("c", "c1", kind="draft", amount=number("8")))
        amounts = self.query("pk = :p AND amount > :t", p=text("c#c"), t=number(-1), IndexName="by_amount")
        self.assertEqual([item["amount"]["N"] for item in amounts], ["7.25", "7.5", "8"])

    def test_a_key_of_an_index_that_its_template_does_not_give(self):
        stray = {**order("a", "a0", amount=number(0), lines=lines("x", "y")), "gpk": text("elsewhere")}
        self.put(stray)
        self.assertEqual(self.sql("SELECT ddb_extra->'gpk'->>'S' FROM shop.\"order\" WHERE order_id = 'a0'"), "elsewhere")
        self.assertEqual(self.query("gpk = :p", p=text("elsewhere"), IndexName="by_state"), [stray])
        self.assertNotIn(stray, self.query("gpk = :p", p=text("state#open"), IndexName="by_state"))
        self.assertEqual(len(self.pages("Scan", IndexName="by_state", Limit=1)), 10)

    def test_scans(self):
        for limit in ({}, {"Limit": 1}, {"Limit": 4}):
            self.assert_same_items(self.pages("Scan", **limit), ITEMS)
            parts = [self.pages("Scan", TotalSegments=SEGMENTS, Segment=segment, **limit) for segment in range(SEGMENTS)]
            self.assert_same_items(sum(parts, []), ITEMS)
        self.assertEqual(len(self.pages("Scan", IndexName="by_state")), 10)
        self.assertEqual(len(self.pages("Scan", IndexName="by_amount", Limit=3)), 11)

    def test_many_and_large_items(self):
        large = "v" * 30000
        for at in range(0, 200, 20):
            self.client("BatchWriteItem", RequestItems={"shop": [{"PutRequest": {"Item": order("b", f"n{at + n:03}", note=text(large))}} for n in range(20)]})
        found = self.query("pk = :p AND begins_with(sk, :s)", p=text("c#b"), s=text("o#n"))
        self.assertEqual([item["orderId"]["S"] for item in found], [f"n{at:03}" for at in range(200)])
        page = self.client("Query", TableName="shop", KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": text("c#b")})
        self.assertLess(page["Count"], 42)
        self.assertIn("LastEvaluatedKey", page)
        self.assertEqual(len(self.pages("Scan", Limit=7)), len(ITEMS) + 200)


class TogetherInOneStatement(Served):
    """Requests that arrive while the gateway stands still are gathered; what fails for one of them fails for no other."""

    def together(self, requests):
        """(status, answer) of each, every one over a connection of its own."""
        connections = [http.client.HTTPConnection(self.client.url.partition("//")[2], timeout=SECONDS_OF_PATIENCE) for _ in requests]
        for connection in connections:
            self.addCleanup(connection.close)
            connection.connect()
        self.process.send_signal(signal.SIGSTOP)
        for connection, (operation, body) in zip(connections, requests):
            headers = {"X-Amz-Target": f"DynamoDB_20120810.{operation}", "Content-Type": "application/x-amz-json-1.0"}
            connection.request("POST", "/", json.dumps({"TableName": "shop", **body}), headers)
        self.process.send_signal(signal.SIGCONT)
        answers = [connection.getresponse() for connection in connections]
        return [(answer.status, json.loads(answer.read())) for answer in answers]

    def test_a_column_of_another_type_fails_the_requests_of_its_entity_only(self):
        self.complaint = r'reading a row of "?shop"?\."order"'
        self.sql('ALTER TABLE shop."order" ALTER COLUMN amount TYPE double precision')
        whole = [("GetItem", {"Key": key(f"c#{name}", "c")}) for name in "abc"]
        bad = [("GetItem", {"Key": key(f"c#{name}", f"o#{name}{at}")}) for name in "ab" for at in range(1, 5)]
        answers = self.together(bad + whole * 5)
        self.assertEqual([status for status, _ in answers[:len(bad)]], [500] * len(bad))
        self.assertEqual(answers[len(bad):], [(200, {"Item": ITEMS[at]}) for at in range(3)] * 5)

    def test_a_row_that_is_no_item_fails_its_own_requests_only(self):
        self.complaint = r'reading a row of "?shop"?\."?customer'
        self.sql("UPDATE shop.customer SET ddb_extra = '{\"x\": {\"N\": \"no number\"}}' WHERE customer_id = 'a'")
        requests = [("GetItem", {"Key": key(f"c#{name}", "c")}) for name in "abc" * 6]
        for at, (status, answer) in enumerate(self.together(requests)):
            self.assertEqual((status, answer.get("Item")), (200, ITEMS[at % 3]) if at % 3 else (500, None))

    def test_a_row_that_must_stay_keeps_no_other_from_going(self):
        for at in range(8):
            self.put(customer(f"n{at}"))
        names = [name for at in range(8) for name in ("a", f"n{at}")]
        answers = self.together([("DeleteItem", {"Key": key(f"c#{name}", "c")}) for name in names])
        self.assertEqual([status for status, _ in answers], [400, 200] * 8)
        self.assertEqual((self.sql("SELECT string_agg(customer_id, '' ORDER BY customer_id) FROM shop.customer")), "abc")


    def test_a_put_that_breaks_a_constraint_keeps_no_other_from_its_table(self):
        items = [customer(f"n{at}", email=text(f"n{at}@x")) for at in range(8)]
        items[3]["email"] = items[5]["email"] = text("a@x")
        self.put(items[0])
        self.put({**items[1], "kind": text("unknown")})
        self.assertEqual(self.together([("PutItem", {"Item": item}) for item in items]), [(200, {})] * 8)
        self.assertEqual([self.get(item["pk"]["S"], "c") for item in items], items)
        self.assertEqual([bool(self.kept(item["pk"]["S"])) for item in items], [at in (3, 5) for at in range(8)])

    def test_updates_of_rows_that_sql_has_changed(self):
        """Each reads its item, and is to write it, at the same time as SQL."""
        body = {"UpdateExpression": "ADD amount :n", "ExpressionAttributeValues": {":n": number(1)}}
        for at in range(8):
            self.put(order("c", f"d{at}", kind="draft", amount=number(at)))
        requests = [("UpdateItem", {"Key": key("c#c", f"o#d{at}"), **body}) for at in range(8)]
        self.assertEqual(self.together(requests * 2), [(200, {})] * 16)
        self.sql("UPDATE shop.draft SET amount = amount * 10 WHERE order_id LIKE 'd%'")
        self.assertEqual(self.together(requests), [(200, {})] * 8)
        self.assertEqual([self.get("c#c", f"o#d{at}")["amount"] for at in range(8)], [number((at + 2) * 10 + 1) for at in range(8)])
        self.assertEqual(self.rows("landfall.item"), "1")


class Writes(Served):
    def test_an_item_that_is_put_is_a_row(self):
        self.put(order("a", "new", amount=number("12.50"), lines=lines("p", "q", "r"), note=text("whole")))
        self.assertEqual(self.sql("SELECT order_id, customer_id, state, amount, ddb_extra->'note'->>'S' FROM shop.\"order\" WHERE order_id = 'new'"),
                         "new|a|open|12.5|whole")
        self.assertEqual(self.sql("SELECT string_agg(sku || quantity, ' ' ORDER BY position) FROM shop.order_line WHERE order_id = 'new'"), "p1 q2 r3")
        changed = self.client("UpdateItem", TableName="shop", Key=key("c#a", "o#new"), UpdateExpression="SET amount = amount + :n, #l[0].sku = :s REMOVE #l[2]",
                              ExpressionAttributeNames={"#l": "lines"}, ExpressionAttributeValues={":n": number(1), ":s": text("P")}, ReturnValues="ALL_NEW")
        self.assertEqual(changed["Attributes"], self.get("c#a", "o#new"))
        self.assertEqual(self.sql("SELECT o.amount, string_agg(l.sku, ' ' ORDER BY l.position) FROM shop.\"order\" o JOIN shop.order_line l USING (order_id) "
                                  "WHERE order_id = 'new' GROUP BY 1"), "13.5|P q")
        self.assertEqual(self.delete("c#a", "o#new"), changed["Attributes"])
        self.assertEqual(self.sql("SELECT count(*) FROM shop.order_line WHERE order_id = 'new'"), "0")

    def test_a_row_that_sql_inserts_is_an_item(self):
        self.sql("INSERT INTO shop.\"order\" (order_id, customer_id, state, amount) VALUES ('sql', 'a', 'paid', 3.5);"
                 "INSERT INTO shop.order_line (order_id, position, sku, quantity) VALUES ('sql', 0, 'z', 4)")
        expected = order("a", "sql", "paid", amount=number("3.5"), lines={"L": [{"M": {"sku": text("z"), "quantity": number(4)}}]})
        self.assertEqual(self.get("c#a", "o#sql"), expected)
        self.assertIn(expected, self.query("gpk = :p", p=text("state#paid"), IndexName="by_state"))
        with self.assertRaises(Refused) as refused:
            self.put(expected, ConditionExpression="attribute_not_exists(pk)")
        self.assertEqual(refused.exception.type, "ConditionalCheckFailedException")
        self.client("UpdateItem", TableName="shop", Key=key("c#a", "o#sql"), UpdateExpression="ADD amount :n", ExpressionAttributeValues={":n": number(1)})
        self.assertEqual(self.sql("SELECT amount FROM shop.\"order\" WHERE order_id = 'sql'"), "4.5")

    def test_transactions(self):
        table = {"TableName": "shop"}
        self.client("TransactWriteItems", TransactItems=[
            {"Put": {**table, "Item": customer("d", email=text("d@x"))}}, {"Put": {**table, "Item": order("d", "d1", amount=number(1))}},
            {"Delete": {**table, "Key": key("c#a", "o#a0")}},
            {"Update": {**table, "Key": key("odd", "one"), "UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": number(1)}}},
            {"ConditionCheck": {**table, "Key": key("c#b", "c"), "ConditionExpression": "attribute_exists(pk)"}}])
        answers = self.client("TransactGetItems", TransactItems=[{"Get": {**table, "Key": one}} for one in
                                                                 (key("c#d", "c"), key("c#d", "o#d1"), key("c#a", "o#a0"), key("odd", "one"))])["Responses"]
        self.assertEqual([answer.get("Item", {}).get("n", answer.get("Item", {}).get("kind")) for answer in answers],
                         [text("customer"), text("order"), None, number(1)])
        with self.assertRaises(Refused) as refused:
            self.client("TransactWriteItems", TransactItems=[
                {"Put": {**table, "Item": customer("e")}},
                {"Delete": {**table, "Key": key("c#b", "c"), "ConditionExpression": "attribute_not_exists(pk)"}}])
        self.assertEqual(refused.exception.reasons, ["None", "ConditionalCheckFailed"])
        self.assertIsNone(self.get("c#e", "c"))

    def test_what_breaks_a_constraint_is_kept_with_its_reason(self):
        broken = {"unique": (customer("u", email=text("a@x")), "customer_email_key"), "foreign key": (order("nobody", "f1"), "foreign key"),
                  "a closed set": (customer("k", level=text("tin")), "not one of the values"),
                  "check": (order("a", "k1", amount=number(-1)), "order_amount"), "not null": (order("n", "n1", kind="draft"), "")}
        broken["not null"][0].pop("orderId")
        self.sql('ALTER TABLE shop."order" ADD CONSTRAINT order_amount CHECK (amount >= 0)')
        for item, words in broken.values():
            self.put(item)
            self.assertEqual(self.get(item["pk"]["S"], item["sk"]["S"]), item)
            self.assertIn(words, self.kept(item["pk"]["S"]))
            self.assertIn(item, self.pages("Scan"))
        self.assertIn(broken["unique"][0], self.query("pk = :p", p=text("c#u")))
        self.put(customer("u", email=text("other@x")))
        self.assertEqual((self.kept("c#u"), self.sql("SELECT email FROM shop.customer WHERE customer_id = 'u'")), ("", "other@x"))
        self.put(customer("u", email=text("b@x")))
        self.assertIn("customer_email_key", self.kept("c#u"))
        self.assertEqual(self.sql("SELECT count(*) FROM shop.customer WHERE customer_id = 'u'"), "0")
        self.client("TransactWriteItems", TransactItems=[{"Put": {"TableName": "shop", "Item": one}}
                                                         for one in (customer("x", email=text("x@x")), customer("y", email=text("x@x")), order("y", "y1"))])
        self.assertEqual(len(self.query("pk = :p", p=text("c#y"))), 2)
        self.assertEqual((self.kept("c#x"), "customer_email_key" in self.kept("c#y")), ("", True))

    def test_what_was_kept_goes_to_its_table_once_nothing_is_in_its_way(self):
        for item in (customer("u", email=text("a@x")), order("late", "l1", lines=lines("x"))):
            self.put(item)
            self.assertNotEqual(self.kept(item["pk"]["S"]), "")
        self.put(customer("a", email=text("other@x")))
        self.sql("INSERT INTO shop.customer (customer_id) VALUES ('late')")
        self.wait(lambda: not self.kept("c#u") and not self.kept("c#late"), "items are still kept")
        self.assertEqual(self.sql("SELECT count(*) FROM shop.customer JOIN shop.\"order\" USING (customer_id) JOIN shop.order_line USING (order_id) "
                                  "WHERE customer_id = 'late'"), "1")
        self.assertEqual((self.get("c#u", "c"), self.rows("landfall.item")), (customer("u", email=text("a@x")), "1"))

    def test_a_row_that_others_refer_to_stays(self):
        with self.assertRaises(Refused) as refused:
            self.delete("c#a", "c")
        self.assertEqual(refused.exception.type, "ValidationException")
        self.assertIn("other rows refer to it", refused.exception.message)
        self.assertEqual(self.get("c#a", "c"), ITEMS[0])
        with self.assertRaises(Refused) as refused:
            self.put(customer("a", email=text("b@x")))
        self.assertIn("customer_email_key", refused.exception.message)
        self.assertEqual(self.get("c#a", "c"), ITEMS[0])
        with self.assertRaises(Refused):
            self.client("BatchWriteItem", RequestItems={"shop": [{"DeleteRequest": {"Key": key(f"c#{name}", "c")}} for name in "abc"]})
        self.assertEqual([self.get(f"c#{name}", "c") for name in "abc"], [ITEMS[0], ITEMS[1], None])

    def test_an_item_that_changes_its_entity_moves(self):
        self.put(order("a", "a0", kind="draft", amount=number(5)))
        self.assertEqual((self.sql("SELECT count(*) FROM shop.\"order\" WHERE order_id = 'a0'"), self.sql("SELECT amount FROM shop.draft WHERE order_id = 'a0'")),
                         ("0", "5"))
        self.client("UpdateItem", TableName="shop", Key=key("c#a", "o#a0"), UpdateExpression="SET kind = :k", ExpressionAttributeValues={":k": text("unknown")})
        self.assertEqual((self.rows("shop.draft"), self.rows("landfall.item")), ("1", "2"))
        self.assertEqual(self.get("c#a", "o#a0")["kind"], text("unknown"))
        self.put(order("a", "a0", amount=number(6)))
        self.assertEqual((self.rows("landfall.item"), self.sql("SELECT amount FROM shop.\"order\" WHERE order_id = 'a0'")), ("1", "6"))

    def test_the_primary_key_of_an_item_changes(self):
        self.put({**customer("z", email=text("z@x")), "customerId": text("w")})
        self.assertIn("customer", self.get("c#z", "c")["kind"]["S"])
        self.put({**order("a", "a0"), "orderId": text("other")})
        self.assertEqual(self.get("c#a", "o#a0")["orderId"], text("other"))

    def test_two_gateways_move_one_key_between_entities(self):
        clients = [self.client, self.gateway()]
        failures = []

        def work(client, seed):
            try:
                for at in range(60):
                    kind = ["order", "draft", "unknown"][(at + seed) % 3]
                    try:
                        client("PutItem", TableName="shop", Item=order("a", "moved", kind=kind, amount=number(at)))
                        if at % 7 == 0:
                            client("DeleteItem", TableName="shop", Key=key("c#a", "o#moved"))
                    except Refused as refused:
                        if refused.type != "TransactionConflictException":
                            raise
            except Exception as failure:
                failures.append(failure)

        threads = [threading.Thread(target=work, args=(self.connect(clients[at % 2].url), at)) for at in range(4)]
        places = "SELECT (SELECT count(*) FROM shop.\"order\" WHERE order_id = 'moved') + (SELECT count(*) FROM shop.draft WHERE order_id = 'moved') + " \
                 "(SELECT count(*) FROM landfall.item WHERE sk = 'o#moved')"
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            self.assertIn(self.sql(places), ("0", "1"))
        self.assertEqual(failures, [])
        self.put(order("a", "moved", kind="draft"))
        self.assertEqual(self.sql(places), "1")


class Streams(Served):
    """What changes in a mapped table, whoever changes it, is in its stream."""

    def setUp(self):
        super().setUp()
        self.client("UpdateTable", TableName="shop", StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
        self.endpoint = wire.Endpoint(self.client.url)
        self.addCleanup(self.endpoint.close)

    def ask(self, operation, **body):
        answer = self.endpoint.call(operation, body)
        self.assertEqual(answer.status, 200, answer.body)
        return answer.json()

    def records(self):
        """All so far: (event, old image, new image), by shards."""
        self.wait(lambda: self.sql("SELECT position >= (SELECT coalesce(max(id), 0) FROM landfall.change_in) FROM landfall.sequencer") == "t", "not numbered")
        arn = self.client("DescribeTable", TableName="shop")["Table"]["LatestStreamArn"]
        found = []
        for shard in self.ask("DescribeStream", StreamArn=arn)["StreamDescription"]["Shards"]:
            iterator = self.ask("GetShardIterator", StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
            for record in self.ask("GetRecords", ShardIterator=iterator)["Records"]:
                data = record["dynamodb"]
                image = data.get("NewImage", data.get("OldImage"))
                self.assertEqual(data["Keys"], {name: image[name] for name in ("pk", "sk")})
                found.append((record["eventName"], data.get("OldImage"), data.get("NewImage")))
        return found

    def new_records(self):
        """Since the last call."""
        found = self.records()
        seen, self.seen = getattr(self, "seen", []), found
        return [record for record in found if record not in seen]

    def test_changes_through_the_api(self):
        moved = order("a", "a0", kind="draft", amount=number(5))
        self.put(moved)
        self.assertEqual(self.new_records(), [("MODIFY", ITEMS[3], moved)])
        self.put(moved)
        self.assertEqual(self.new_records(), [])
        self.put({**key("odd", "two"), "x": number(1)})
        self.delete("odd", "two")
        self.assertEqual([event for event, _, _ in self.new_records()], ["INSERT", "REMOVE"])
        self.client("TransactWriteItems", TransactItems=[{"Put": {"TableName": "shop", "Item": customer("c", email=text("b@x"))}},
                                                         {"Delete": {"TableName": "shop", "Key": key("c#a", "o#a1")}}])
        self.assertIn("customer_email_key", self.kept("c#c"))
        self.assertCountEqual([(event, old["pk"]["S"]) for event, old, _ in self.new_records()], [("MODIFY", "c#c"), ("REMOVE", "c#a")])

    def test_changes_by_sql(self):
        self.sql("INSERT INTO shop.customer (customer_id, email) VALUES ('s', 's@x')")
        first, second = customer("s", email=text("s@x")), customer("s", email=text("t@x"))
        self.assertEqual(self.new_records(), [("INSERT", None, first)])
        self.sql("UPDATE shop.customer SET email = 't@x' WHERE customer_id = 's'; UPDATE shop.customer SET email = email WHERE customer_id = 's'")
        self.assertEqual(self.new_records(), [("MODIFY", first, second)])
        self.sql("UPDATE shop.customer SET customer_id = 'r' WHERE customer_id = 's'")
        third = customer("r", email=text("t@x"))
        self.assertCountEqual(self.new_records(), [("REMOVE", second, None), ("INSERT", None, third)])
        self.sql("DELETE FROM shop.customer WHERE customer_id = 'r'")
        self.assertEqual(self.new_records(), [("REMOVE", third, None)])
        self.sql("BEGIN; INSERT INTO shop.customer (customer_id) VALUES ('none'); ROLLBACK")
        self.assertEqual(self.new_records(), [])

    def test_rows_of_child_tables_by_sql(self):
        def lined(*skus):
            return order("a", "kids", **({"lines": lines(*skus)} if skus else {}))
        self.sql("INSERT INTO shop.\"order\" (order_id, customer_id, state) VALUES ('kids', 'a', 'open')")
        before = self.get("c#a", "o#kids")
        self.assertEqual(self.new_records(), [("INSERT", None, before)])
        self.sql("INSERT INTO shop.order_line (order_id, position, sku, quantity) VALUES ('kids', 0, 'p', 1), ('kids', 1, 'q', 2)")
        self.assertEqual(self.new_records(), [("MODIFY", before, lined("p", "q"))])
        self.sql("UPDATE shop.order_line SET sku = 'r' WHERE order_id = 'kids' AND position = 1")
        self.assertEqual(self.new_records(), [("MODIFY", lined("p", "q"), lined("p", "r"))])
        self.sql("DELETE FROM shop.order_line WHERE order_id = 'kids' AND position = 1")
        self.assertEqual(self.new_records(), [("MODIFY", lined("p", "r"), lined("p"))])
        self.sql("DELETE FROM shop.\"order\" WHERE order_id = 'kids'")
        self.assertEqual(self.new_records(), [("REMOVE", lined("p"), None)])

    def test_a_write_between_the_read_and_the_write_of_a_gateway_is_seen(self):
        """A child table's change makes the guard of a write on the parent fail."""
        version = self.sql("SELECT xmin FROM shop.\"order\" WHERE order_id = 'a0'")
        self.sql("UPDATE shop.order_line SET quantity = 5 WHERE order_id = 'a0' AND position = 0")
        self.assertNotEqual(self.sql("SELECT xmin FROM shop.\"order\" WHERE order_id = 'a0'"), version)

    def test_numbers_as_the_codec_writes_them(self):
        """The key bytes that SQL makes of numbers are those of the codec."""
        numbers = ["0", "1", "-1", "10", "12.5", "-12.5", "0.001", "-0.00123", "99999999999999999999999999999999999999", "1E125", "9E-130", "-1E-130", "100", "7E9"]
        self.client("CreateTable", TableName="numbers", BillingMode="PAY_PER_REQUEST", AttributeDefinitions=[{"AttributeName": "n", "AttributeType": "N"}],
                    KeySchema=[{"AttributeName": "n", "KeyType": "HASH"}])
        self.wait(lambda: self.client("DescribeTable", TableName="numbers")["Table"]["TableStatus"] == "ACTIVE", "not active")
        for value in numbers:
            self.client("PutItem", TableName="numbers", Item={"n": number(value)})
        table = self.sql("SELECT 'dynamodb.' || quote_ident(relname) FROM pg_class WHERE relname LIKE 'numbers%' AND relkind = 'r'")
        self.assertEqual(self.sql(f"SELECT count(*) FROM {table} WHERE pk = landfall.number_key((item->'n'->>'N')::numeric)"), str(len(numbers)))
        self.assertEqual(self.sql("SELECT landfall.number_key('NaN') IS NULL AND landfall.number_key(1E126) IS NULL AND landfall.number_key(1E-131) IS NULL"), "t")

    def test_the_stream_tells_who_deleted(self):
        self.put(customer("gone", expires=number(1000)))
        self.client("UpdateTimeToLive", TableName="shop", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"})
        self.wait(lambda: not self.get("c#gone", "c"), "what has expired is still there")
        self.assertEqual([event for event, old, new in self.records()], ["INSERT", "REMOVE"])
        self.assertEqual(self.sql("SELECT string_agg(by_ttl::text, ' ' ORDER BY id) FROM landfall.change_in"), "false true")


class Tables(Served):
    def test_time_to_live(self):
        past, future = number(int(time.time()) - 100), number(int(time.time()) + 10000)
        for name, when in (("t1", past), ("t2", future)):
            self.put(customer(name, expires=when))
        self.put({**key("odd", "t3"), "expires": past})
        self.put(customer("t4", expires=text("never")))
        self.client("UpdateTimeToLive", TableName="shop", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"})
        self.wait(lambda: not self.get("c#t1", "c") and not self.get("odd", "t3"), "what has expired is still there")
        self.assertTrue(self.get("c#t2", "c") and self.get("c#t4", "c"))
        self.sql(f"INSERT INTO shop.customer (customer_id, expires) VALUES ('t5', now() - interval '1 minute')")
        self.wait(lambda: not self.get("c#t5", "c"), "a row of SQL that has expired is still there")

    def test_the_description_stays_when_a_gateway_starts(self):
        self.client("UpdateTable", TableName="shop", StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}, DeletionProtectionEnabled=True)
        before = self.client("DescribeTable", TableName="shop")["Table"]
        self.assertEqual(before["StreamSpecification"], {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
        self.client = self.gateway()
        self.assertEqual(self.client("DescribeTable", TableName="shop")["Table"], before)

    def test_a_map_with_another_index(self):
        self.write("landfall.yaml", MAP.replace("by_state: { gpk: S, gsk: S }", "by_gsk: { gsk: S }, by_state: { gpk: S, gsk: S }"))
        self.end(self.process)
        self.client = self.gateway()
        indexes = self.client("DescribeTable", TableName="shop")["Table"]["GlobalSecondaryIndexes"]
        self.assertEqual([index["IndexName"] for index in indexes], ["by_gsk", "by_state"])
        self.assertEqual(self.query("gsk = :g", g=text("a1"), IndexName="by_gsk")[0]["orderId"], text("a1"))

    def test_an_index_has_what_it_projects(self):
        """And the table that an export makes has the same indexes."""
        self.write("landfall.yaml", MAP.replace("    entities:", "    projections: { by_state: [amount], by_amount: [] }\n    entities:", 1))
        self.end(self.process)
        self.client = self.gateway()
        table = self.client("DescribeTable", TableName="shop")["Table"]
        projections = [table[kind + "SecondaryIndexes"][0]["Projection"] for kind in ("Global", "Local")]
        self.assertEqual(projections, [{"ProjectionType": "INCLUDE", "NonKeyAttributes": ["amount"]}, {"ProjectionType": "KEYS_ONLY"}])
        keys = {**key("c#a", "o#a2"), "amount": number(2)}
        by_state = {**keys, "gpk": text("state#open"), "gsk": text("a2")}
        self.assertEqual(self.query("gpk = :g AND gsk = :s", g=text("state#open"), s=text("a2"), IndexName="by_state"), [by_state])
        of_partition = {"c": text("c#a"), "a": number(2), "IndexName": "by_amount"}
        self.assertEqual(self.query("pk = :c AND amount = :a", **of_partition), [keys])
        self.assertEqual(self.query("pk = :c AND amount = :a", **of_partition, ProjectionExpression="orderId"), [{"orderId": text("a2")}])
        with self.assertRaises(Refused):
            self.query("gpk = :g", g=text("state#open"), IndexName="by_state", ProjectionExpression="orderId")
        self.landfall("export", "-o", "back")
        exported = json.loads(next((self.folder / "back").rglob("table*.json")).read_text())
        self.assertEqual([exported[kind + "SecondaryIndexes"][0]["Projection"] for kind in ("Global", "Local")], projections)

    def test_the_schema_is_the_map_s(self):
        with self.assertRaises(Refused) as refused:
            self.client("DeleteTable", TableName="shop")
        self.assertEqual(refused.exception.type, "ValidationException")
        with self.assertRaises(Refused):
            self.client("UpdateTable", TableName="shop", AttributeDefinitions=[{"AttributeName": "n", "AttributeType": "N"}], GlobalSecondaryIndexUpdates=[
                {"Create": {"IndexName": "more", "KeySchema": [{"AttributeName": "n", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}}])

    def test_the_contract_waits_for_gateways_and_leaves_other_tables(self):
        self.client.create_table("others")
        self.client("PutItem", TableName="others", Item={"id": text("kept")})
        self.client.close()
        contract = ("migrate", "up", "--to", "contract", "--yes")
        self.assertIn("a gateway still serves these tables to applications: stop it first", self.landfall(*contract, status=FAILED))
        self.end(self.process)
        self.landfall(*contract)
        self.assertEqual(self.sql("SELECT string_agg(name, ' ') FROM landfall.dynamodb_table"), "others")
        self.assertEqual(self.sql("SELECT count(*) FROM information_schema.columns WHERE column_name = 'ddb_extra'"), "0")
        self.assertIn("the contract migration was applied", self.landfall("serve", "--map", "landfall.yaml", "--listen", "127.0.0.1:0", status=PRECONDITION))
        (self.folder / "landfall.yaml").unlink()
        self.client = self.gateway(is_mapped=False)
        self.assertEqual(self.client("Scan", TableName="others")["Items"], [{"id": text("kept")}])

    def test_the_contract_takes_the_schema_with_it(self):
        self.end(self.process)
        self.landfall("migrate", "up", "--to", "contract", "--yes")
        self.assertEqual(self.sql("SELECT to_regnamespace('landfall') IS NULL"), "t")

    def test_a_map_whose_tables_are_not_there(self):
        self.write("other.yaml", MAP.replace("schema: shop", "schema: other"))
        errors = self.landfall("serve", "--map", "other.yaml", "--listen", "127.0.0.1:0", status=PRECONDITION)
        self.assertIn("table other.customer is not there", errors)
        self.write("other.yaml", MAP.replace("level: { attr", "rank: { attr"))
        self.assertIn("has no column rank", self.landfall("serve", "--map", "other.yaml", "--listen", "127.0.0.1:0", status=FAILED))


if __name__ == "__main__":
    unittest.main()
