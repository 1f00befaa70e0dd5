"""ElectroDB's models over relational tables: what it wrote to the item store is drafted into a map and loaded, and then it does the same on the rows of that map."""
import json
import pathlib
import subprocess
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from dynamodb import Client, read_url  # noqa: E402
from harness import *  # noqa: E402, F403

HERE = pathlib.Path(__file__).resolve().parent
SKIPPED, BATCH = 77, 25
INDEXES = {None: ("pk", "sk"), "gsi1": ("gsi1pk", "gsi1sk"), "gsi2": ("gsi2pk", "gsi2sk")}


class Models(DatabaseCase):
    def gateway(self, *options):
        process = self.start("serve", "--listen", "127.0.0.1:0", "--jobs", "1", *options)
        self.addCleanup(self.end, process)
        client = Client(read_url(process))
        self.addCleanup(client.close)
        client.url = f"http://127.0.0.1:{client.connection.port}"
        return client

    def end(self, process):
        process.terminate()
        output, errors = process.communicate(timeout=SECONDS_MAX)
        self.assertEqual((process.returncode, errors), (0, ""), output)

    def run_models(self, client):
        """ElectroDB's whole range, as against the item store."""
        done = subprocess.run([HERE / "run", HERE / "electrodb.test.mjs"], env={**self.environment, "GATEWAY_URL": client.url}, capture_output=True, text=True,
                              timeout=SECONDS_MAX)
        if done.returncode == SKIPPED:
            print(done.stdout, end="")
            sys.exit(SKIPPED)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def all_items(self, client, operation="Scan", **body):
        found, start = [], {}
        while True:
            page = client(operation, TableName="electro", **body, **start)
            found += page["Items"]
            if "LastEvaluatedKey" not in page:
                return found
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def export(self, client):
        """The items, and the table as DescribeTable shows it."""
        items = self.all_items(client)
        self.write("items/items.jsonl", text_of(json.dumps({"Item": item}) for item in items))
        self.write("items/table.json", json.dumps(client("DescribeTable", TableName="electro")))
        return items

    def collections(self, client, items):
        """Every collection of the table and its indexes: its items in order; those of indexes with equal keys in that of their own."""
        found = {}
        for index, (partition, sort) in INDEXES.items():
            for value in {item[partition]["S"] for item in items if partition in item and sort in item}:
                query = {"IndexName": index} if index else {}
                page = self.all_items(client, "Query", KeyConditionExpression="#p = :p", ExpressionAttributeNames={"#p": partition},
                                      ExpressionAttributeValues={":p": {"S": value}}, Limit=7, **query)
                found[index, value] = [json.dumps(item, sort_keys=True) for item in sorted(page, key=lambda item: (item[sort]["S"], item["pk"]["S"], item["sk"]["S"]))]
                self.assertEqual([item[sort] for item in page], sorted((item[sort] for item in page), key=lambda value: value["S"]))
        return found

    def test_the_same_models_on_rows(self):
        before = self.gateway("--ephemeral")
        self.run_models(before)
        items = self.export(before)
        self.landfall("inspect", "items")
        self.landfall("plan")
        self.landfall("migrate", "up")
        self.landfall("backfill", "items")
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.item"), "0")
        after = self.gateway("--map", "landfall.yaml")
        self.assertEqual(self.collections(after, items), self.collections(before, items))
        for at in range(0, len(items), BATCH):
            requests = [{"DeleteRequest": {"Key": {name: item[name] for name in ("pk", "sk")}}} for item in items[at:at + BATCH]]
            after("BatchWriteItem", RequestItems={"electro": requests})
        self.assertEqual(self.all_items(after), [])
        self.run_models(after)
        self.assertEqual(len(self.all_items(after)), len(items))
        rows = self.sql("SELECT string_agg(format('SELECT %L AS name, count(*) FROM %I.%I', relname, nspname, relname), ' UNION ALL ') "
                        "FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relkind = 'r' AND relname IN ('employee', 'room')")
        self.assertEqual(self.sql(f"SELECT sum(count) FROM ({rows}) AS t"), str(len(items)))


if __name__ == "__main__":
    unittest.main()
