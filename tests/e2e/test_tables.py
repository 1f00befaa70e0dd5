"""Tables of the gateway from their making to their end: indexes on live tables, time to live, crashes in between, two gateways."""
import threading
import time

from dynamodb import Client, Refused, key, number, read_url
from harness import DatabaseCase, signal, unittest

SECONDS_OF_PATIENCE = 120
BATCH = 25


def index(name, attribute):
    return {"IndexName": name, "KeySchema": [{"AttributeName": attribute, "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}


def string(name):
    return {"AttributeName": name, "AttributeType": "S"}


class TableCase(DatabaseCase):
    def gateway(self):
        """Starts one and gives a client of it."""
        process = self.start("serve", "--listen", "127.0.0.1:0", "--jobs", "2")
        self.addCleanup(self.end, process)
        client = Client(read_url(process))
        self.addCleanup(client.close)
        client.process = process
        return client

    def end(self, process):
        if process.poll() is None:
            process.terminate()
        output, errors = process.communicate(timeout=SECONDS_OF_PATIENCE)
        if process.returncode != -signal.SIGKILL:
            self.assertEqual((process.returncode, errors), (0, ""), output)

    def wait(self, condition, what):
        deadline = time.monotonic() + SECONDS_OF_PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.05)

    def wait_until_active(self, client, name):
        def is_active():
            table = client("DescribeTable", TableName=name)["Table"]
            return table["TableStatus"] == "ACTIVE" and all(one["IndexStatus"] == "ACTIVE" for one in table.get("GlobalSecondaryIndexes", []))
        self.wait(is_active, f"{name} is not active")

    def put_many(self, client, name, numbers, item):
        numbers = list(numbers)
        for at in range(0, len(numbers), BATCH):
            requests = [{"PutRequest": {"Item": item(one)}} for one in numbers[at:at + BATCH]]
            self.assertEqual(client("BatchWriteItem", RequestItems={name: requests})["UnprocessedItems"], {})

    def count(self, client, name, **query):
        """Of a query, or of a scan, page by page."""
        found, start = 0, {}
        while True:
            page = client("Query" if query else "Scan", TableName=name, Select="COUNT", **query, **start)
            found += page["Count"]
            if "LastEvaluatedKey" not in page:
                return found
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def count_in_index(self, client, name, index_name, attribute, value):
        return self.count(client, name, IndexName=index_name, KeyConditionExpression="#a = :v", ExpressionAttributeNames={"#a": attribute},
                          ExpressionAttributeValues={":v": {"S": value}})

    def assert_refused(self, error, client, operation, **body):
        with self.assertRaises(Refused) as caught:
            client(operation, **body)
        self.assertEqual(caught.exception.type, error)
        return caught.exception.message


class Tables(TableCase):
    def test_a_name_is_free_as_soon_as_its_table_is_deleted(self):
        client = self.gateway()
        for _ in range(20):
            client.create_table("again")
            client("PutItem", TableName="again", Item=key("a"))
            self.assertEqual(client("DeleteTable", TableName="again")["TableDescription"]["TableStatus"], "DELETING")
        self.assert_refused("ResourceNotFoundException", client, "DescribeTable", TableName="again")
        self.assertEqual(client("ListTables")["TableNames"], [])
        self.assertEqual(self.sql("SELECT count(*) FROM pg_class WHERE relnamespace = 'dynamodb'::regnamespace"), "0")

    def test_protected_tables_stay(self):
        client = self.gateway()
        client.create_table("kept")
        client("UpdateTable", TableName="kept", DeletionProtectionEnabled=True)
        self.assertIn("protected against deletion", self.assert_refused("ValidationException", client, "DeleteTable", TableName="kept"))
        client("UpdateTable", TableName="kept", DeletionProtectionEnabled=False)
        client("DeleteTable", TableName="kept")

    def test_counts_and_sizes_are_exact_while_small(self):
        client = self.gateway()
        client.create_table("small")
        self.put_many(client, "small", range(60), lambda one: {**key(f"{one:02}"), "a": {"S": "x" * 10}})
        table = client("DescribeTable", TableName="small")["Table"]
        self.assertEqual((table["ItemCount"], table["TableSizeBytes"]), (60, 60 * (2 + 2 + 1 + 10)))

    def test_tags_are_kept(self):
        client = self.gateway()
        client.create_table("tagged")
        arn = client("DescribeTable", TableName="tagged")["Table"]["TableArn"]
        client("TagResource", ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}])
        client("TagResource", ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}])
        client("UntagResource", ResourceArn=arn, TagKeys=["b", "c"])
        self.assertEqual(client("ListTagsOfResource", ResourceArn=arn)["Tags"], [{"Key": "a", "Value": "2"}])


class LiveIndexes(TableCase):
    def add_index(self, client, name="by_kind", attribute="kind"):
        client("UpdateTable", TableName="live", AttributeDefinitions=[string("id"), string(attribute)],
               GlobalSecondaryIndexUpdates=[{"Create": index(name, attribute)}])

    @staticmethod
    def item(one):
        return {**key(f"{one:06}"), "kind": {"S": "even" if one % 2 == 0 else "odd"}, "other": {"S": "same"}}

    def test_an_index_is_complete_though_items_are_written_while_it_is_made(self):
        client, other = self.gateway(), self.gateway()
        client.create_table("live")
        self.put_many(client, "live", range(3000), self.item)
        stop, written = threading.Event(), []

        def write():
            while not stop.is_set():
                written.append(3000 + len(written))
                other("PutItem", TableName="live", Item=self.item(written[-1]))
                other("DeleteItem", TableName="live", Key=key(f"{written[-1] - 3000:06}"))

        writer = threading.Thread(target=write)
        writer.start()
        self.add_index(client)
        self.wait_until_active(client, "live")
        stop.set()
        writer.join()
        self.assertEqual(self.count(client, "live"), 3000)
        self.assertEqual(self.count_in_index(client, "live", "by_kind", "kind", "odd") +
                         self.count_in_index(client, "live", "by_kind", "kind", "even"), 3000)
        self.assertEqual(client("DescribeTable", TableName="live")["Table"]["GlobalSecondaryIndexes"][0]["ItemCount"], 3000)

    def test_only_one_index_is_made_at_a_time_and_columns_are_used_again(self):
        client = self.gateway()
        client.create_table("live")
        self.put_many(client, "live", range(500), self.item)
        self.assert_refused("LimitExceededException", client, "UpdateTable", TableName="live", AttributeDefinitions=[string("id"), string("kind")],
                            GlobalSecondaryIndexUpdates=[{"Create": index("one", "kind")}, {"Create": index("two", "kind")}])
        for attribute in ("kind", "other", "kind"):
            self.add_index(client, "again", attribute)
            self.wait_until_active(client, "live")
            self.assertEqual(self.count_in_index(client, "live", "again", attribute, "even" if attribute == "kind" else "same"),
                             250 if attribute == "kind" else 500)
            client("UpdateTable", TableName="live", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "again"}}])
            self.wait(lambda: "GlobalSecondaryIndexes" not in client("DescribeTable", TableName="live")["Table"], "the index is not dropped")
            self.wait_until_active(client, "live")
        self.assertEqual(client("DescribeTable", TableName="live")["Table"]["AttributeDefinitions"], [string("id")])

    def test_a_killed_gateway_leaves_work_that_the_next_one_ends(self):
        client = self.gateway()
        client.create_table("live")
        client.create_table("leaving")
        self.put_many(client, "live", range(3000), self.item)
        self.add_index(client)
        client.process.kill()
        client.process.wait()
        self.sql("UPDATE landfall.dynamodb_table SET status = 'DELETING' WHERE name = 'leaving'; UPDATE landfall.catalog SET version = version + 1")
        client = self.gateway()
        self.wait_until_active(client, "live")
        self.assertEqual(self.count_in_index(client, "live", "by_kind", "kind", "odd"), 1500)
        self.wait(lambda: client("ListTables")["TableNames"] == ["live"], "the table is not dropped")


class TimeToLive(TableCase):
    def test_items_from_before_expire_and_only_those_that_should(self):
        client = self.gateway()
        client.create_table("mortal")
        now = int(time.time())
        self.put_many(client, "mortal", range(600), lambda one: {
            **key(str(one)), "until": number(now - 1000 if one % 3 == 0 else now + 100000), "other": number(now - 1000)})
        client("UpdateTimeToLive", TableName="mortal", TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"})
        self.assertEqual(client("DescribeTimeToLive", TableName="mortal")["TimeToLiveDescription"], {"TimeToLiveStatus": "ENABLED", "AttributeName": "until"})
        self.wait(lambda: self.count(client, "mortal") == 400, "what has expired is still there")
        client("UpdateTimeToLive", TableName="mortal", TimeToLiveSpecification={"Enabled": False, "AttributeName": "until"})
        client("PutItem", TableName="mortal", Item={**key("0"), "until": number(now - 1000)})
        time.sleep(1.5)
        self.assertEqual(self.count(client, "mortal"), 401)
        client("UpdateTimeToLive", TableName="mortal", TimeToLiveSpecification={"Enabled": True, "AttributeName": "other"})
        self.wait(lambda: self.count(client, "mortal") == 1, "what has expired by the other attribute is still there")


if __name__ == "__main__":
    unittest.main()
