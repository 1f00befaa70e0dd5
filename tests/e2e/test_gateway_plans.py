"""Statements of both stores find rows by their indexes, also when they were prepared on empty tables: no plan of a request that names a key looks at all rows."""
import json
import pathlib
import re

from dynamodb import Client, read_url
from harness import *
from harness import Server
from test_gateway_relational import MAP, Served, customer, key, lines, number, order, text

SETTINGS = ("shared_preload_libraries=auto_explain", "auto_explain.log_min_duration=0", "auto_explain.log_nested_statements=off", "log_min_messages=log",
            "log_line_prefix='@@ '")
TABLES = r'(customer|"?order"?|draft|order_line|item|things_\d+|"things_\d+")'
SHOP = {"TableName": "shop"}
THINGS = {"TableName": "things"}
KEYS = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]


def nodes(plan):
    """The scans of a plan: (their line, the lines below)."""
    found = []
    for line in plan.splitlines():
        if re.search(r"(Seq|Index|Index Only|Bitmap Heap|Tid) Scan", line):
            found.append((line.strip(), []))
        elif found:
            found[-1][1].append(line.strip())
    return found


def is_by_key(line, below):
    return "Tid Scan" in line or any(each.startswith(("Index Cond:", "Recheck Cond:")) for each in below)


class Plans(DatabaseCase):
    @classmethod
    def setUpClass(cls):
        cls.server = Server(SETTINGS)
        cls.addClassCleanup(cls.server.stop)
        cls.databases = 0

    def setUp(self):
        super().setUp()
        self.write("landfall.yaml", MAP)
        self.write("items/items.jsonl", "")
        self.landfall("plan")
        self.landfall("migrate", "up", "--to", "constraints")
        process = self.start("serve", "--map", "landfall.yaml", "--listen", "127.0.0.1:0", "--jobs", "1")
        self.addCleanup(self.end, process)
        self.client = Client(read_url(process))
        self.addCleanup(self.client.close)
        self.log = pathlib.Path(self.server.folder) / "log"

    end, complaint = Served.end, None

    def plans(self, operation, body):
        """Of what a request runs."""
        before = self.log.stat().st_size
        self.client(operation, **body)
        text_of_log = self.log.read_bytes()[before:].decode()
        return [entry for entry in text_of_log.split("@@ ") if "Query Text:" in entry]

    def check(self, operation, scans=False, **body):
        """Each scan of a table of items goes by a key; `scans`: at least by an index."""
        looked = 0
        for plan in self.plans(operation, body):
            for line, below in nodes(plan):
                if not re.search(rf"Scan.* on (?:\w+\.)?{TABLES}\b", line):
                    continue
                looked += 1
                self.assertNotIn("Seq Scan", line, plan)
                self.assertTrue(scans or is_by_key(line, below), f"{operation} {body}\n{plan}")
        self.assertGreater(looked, 0, f"{operation} {body}")

    def check_reads(self, table, index, local):
        start = {**key("c#a", "o#1"), "gpk": text("g"), "gsk": text("s"), "amount": number(1)}
        self.check("GetItem", **table, Key=key("c#a", "o#1"))
        self.check("BatchGetItem", RequestItems={table["TableName"]: {"Keys": [key("c#a", "o#1"), key("odd", "c")]}})
        ranges = ["", " AND sk > :s", " AND sk BETWEEN :s AND :t", " AND begins_with(sk, :s)", " AND sk = :s"]
        values = {":p": text("c#a"), ":s": text("o#1"), ":t": text("o#2")}
        for condition in ranges:
            used = {name: value for name, value in values.items() if name in f":p{condition} "}
            for more in ({}, {"ScanIndexForward": False}, {"ExclusiveStartKey": key("c#a", "o#15")}):
                if "=" in condition and "ExclusiveStartKey" in more:
                    continue
                self.check("Query", **table, KeyConditionExpression="pk = :p" + condition, ExpressionAttributeValues=used, **more)
        for more in ({}, {"ScanIndexForward": False}, {"ExclusiveStartKey": {name: start[name] for name in ("pk", "sk", "gpk", "gsk")}}):
            self.check("Query", **table, IndexName=index, KeyConditionExpression="gpk = :g AND gsk < :s",
                       ExpressionAttributeValues={":g": text("g"), ":s": text("t")}, **more)
        for more in ({}, {"ExclusiveStartKey": {name: start[name] for name in ("pk", "sk", "amount")}}):
            self.check("Query", **table, IndexName=local, KeyConditionExpression="pk = :p AND amount > :a",
                       ExpressionAttributeValues={":p": text("c#a"), ":a": number(0)}, **more)
        self.check("TransactGetItems", TransactItems=[{"Get": {**table, "Key": key("c#a", "o#1")}}])
        self.check("Scan", True, **table)
        self.check("Scan", True, **table, TotalSegments=4, Segment=1)
        self.check("Scan", True, **table, ExclusiveStartKey=key("c#a", "o#1"))
        self.check("Scan", True, **table, IndexName=index)

    def check_writes(self, table, items):
        for item in items:
            where = {"Key": {name: item[name] for name in ("pk", "sk")}}
            for _ in range(2):
                self.check("PutItem", **table, Item=item, ConditionExpression="attribute_not_exists(x)")
            self.check("UpdateItem", **table, **where, UpdateExpression="SET x = :x", ExpressionAttributeValues={":x": number(1)})
            self.check("TransactWriteItems", TransactItems=[{"Put": {**table, "Item": item}}])
            self.check("DeleteItem", **table, **where, ReturnValues="ALL_OLD")

    def test_tables_of_a_map(self):
        self.check_reads(SHOP, "by_state", "by_amount")
        self.check_writes(SHOP, [customer("a", email=text("a@x")), order("b", "1", kind="draft"), {**key("odd", "one"), "y": number(1)}])
        self.client("PutItem", **SHOP, Item=customer("a"))
        self.check_writes(SHOP, [order("a", "1", amount=number(1), lines=lines("x", "y"))])

    def scan(self, **more):
        """The keys of all pages, and the plans of them."""
        before, found, start = self.log.stat().st_size, [], {}
        while start is not None:
            page = self.client("Scan", **SHOP, **more, **start)
            found += [(item["pk"]["S"], item["sk"]["S"]) for item in page["Items"]]
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]} if "LastEvaluatedKey" in page else None
        return found, self.log.read_bytes()[before:].decode()

    def test_a_page_of_a_scan_sorts_no_more_than_itself(self):
        """Items that no entity claims, many of them of one partition, with sort keys that differ at their ends only; as many as fit an index's entry."""
        beginning = "b" * 255
        pairs = {(f"z#{at}", f"s{at % 7}") for at in range(2000)} | {("one", f"{beginning}{at:04}") for at in range(600)} | {("one", f"{at}") for at in range(600)}
        pairs |= {("p" * 2048, "s" * 1024), ("p" * 2048, "s" * 256), ("p" * 2048, "s" * 257)}
        rows = json.dumps([{"pk": pk, "sk": sk, "item": key(pk, sk)} for pk, sk in pairs])
        self.sql("INSERT INTO landfall.item SELECT 'shop', substring(sha256(convert_to(r->>'pk', 'UTF8')) for 16), convert_to(r->>'sk', 'UTF8'), "
                 f"convert_to(r->>'pk', 'UTF8'), r->'item', 'no entity' FROM jsonb_array_elements('{rows}') AS r")
        self.sql("ANALYZE landfall.item")
        for more in ({"Limit": 150}, {}):
            found, log = self.scan(**more)
            self.assertEqual(found, sorted(pairs), more)
            self.assertRegex(log, "Index Scan using item_in_order on (landfall.)?item")
            self.assertEqual(re.findall(r"(?<!Incremental )Sort  \(.*\n.*Sort Key: .*\bt?\.?pk\b.*", log), [], more)
            self.assertNotRegex(log, r"Presorted Key: (t\.)?pk\n", more)
        found = [self.scan(Limit=100, TotalSegments=3, Segment=segment)[0] for segment in range(3)]
        self.assertEqual(sorted(sum(found, [])), sorted(pairs))

    def test_tables_without_a_map(self):
        self.client("CreateTable", **THINGS, KeySchema=KEYS, BillingMode="PAY_PER_REQUEST",
                    AttributeDefinitions=[{"AttributeName": name, "AttributeType": "N" if name == "amount" else "S"} for name in ("pk", "sk", "gpk", "gsk", "amount")],
                    GlobalSecondaryIndexes=[{"IndexName": "global", "Projection": {"ProjectionType": "ALL"}, "KeySchema": [
                        {"AttributeName": "gpk", "KeyType": "HASH"}, {"AttributeName": "gsk", "KeyType": "RANGE"}]}],
                    LocalSecondaryIndexes=[{"IndexName": "local", "Projection": {"ProjectionType": "ALL"}, "KeySchema": [
                        {"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "amount", "KeyType": "RANGE"}]}])
        self.check_reads(THINGS, "global", "local")
        self.check_writes(THINGS, [order("b", "1", kind="draft")])


if __name__ == "__main__":
    unittest.main()
