"""New code that writes rows by SQL (Kysely) and old code that writes items by the DynamoDB API, on the same things at once: DynamoDB has what the rows have."""
import json
import random
import shutil
import subprocess
import threading

from dynamodb import Client, Refused
from harness import ROOT, SECONDS_MAX, unittest
from live import MovingCase, item_of, key_of

NEW_CODE = ROOT / "tests" / "e2e" / "live" / "kysely.mjs"
WRITES, THINGS, OLD_CODE = 300, 25, 3


class OldCode(threading.Thread):
    """Puts, updates on condition and deletes, through a gateway, until it is told to stop; what else is answered is a failure."""

    def __init__(self, url, number):
        super().__init__()
        self.client, self.random, self.number = Client(url), random.Random(number), number
        self.is_over, self.written, self.failure = False, 0, None

    def run(self):
        try:
            while not self.is_over:
                self.write(self.random.randrange(THINGS))
                self.written += 1
        except Exception as failure:  # noqa: BLE001: told by who waits
            self.failure = failure
        self.client.close()

    def write(self, number):
        dice = self.random.random()
        if dice < 0.4:
            return self.client("PutItem", TableName="things", Item=item_of(number, label={"S": f"by API {self.number} {self.written}"}))
        if dice < 0.6:
            return self.client("DeleteItem", TableName="things", Key=key_of(number))
        try:
            self.client("UpdateItem", TableName="things", Key=key_of(number), UpdateExpression="SET #c = #c + :1, label = :l", ConditionExpression="attribute_exists(pk)",
                        ExpressionAttributeNames={"#c": "count"}, ExpressionAttributeValues={":1": {"N": "1"}, ":l": {"S": f"updated {self.number} {self.written}"}})
        except Refused as refused:
            if refused.type != "ConditionalCheckFailedException":
                raise

    def stop(self):
        self.is_over = True
        self.join()
        if self.failure:
            raise self.failure
        return self.written


@unittest.skipUnless(shutil.which("node") and (ROOT / "tests" / "clients" / "node_modules" / "kysely").exists(), "tools/deps check installs Node.js and Kysely")
class SqlAndApi(MovingCase):
    def write_by_sql(self):
        done = subprocess.run(["node", NEW_CODE, str(WRITES), str(THINGS)], env=self.environment, capture_output=True, text=True, timeout=SECONDS_MAX)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)["written"]

    def items_through_the_gateway(self):
        page = self.gateway("Scan", TableName="things", ConsistentRead=True)
        return {(item["pk"]["S"], item["sk"]["S"]): item for item in page["Items"]}

    def write_both_ways(self):
        old = [OldCode(self.url, number) for number in range(OLD_CODE)]
        for thread in old:
            thread.start()
        by_sql = self.write_by_sql()
        by_api = sum([thread.stop() for thread in old])
        self.assertGreater(by_sql, 0)
        self.assertGreater(by_api, 0)

    def test_both_sides_are_equal(self):
        self.writes_moved()
        self.write_both_ways()
        self.wait_for_reverse_sync()
        self.assert_same()
        self.assertEqual(self.items_through_the_gateway(), self.items_there())
        self.landfall("verify", "dynamodb://things", "--settle", "1")
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.late_write"), "0")

    def test_what_both_wrote_survives_the_way_back(self):
        self.writes_moved()
        self.write_both_ways()
        before = self.items_through_the_gateway()
        self.landfall("rollback", "writes")
        self.assertEqual(self.items_there(), before)
        self.assertEqual(self.items_through_the_gateway(), before)


if __name__ == "__main__":
    unittest.main()
