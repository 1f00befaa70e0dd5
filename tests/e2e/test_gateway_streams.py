"""Streams and tables of two gateways on one database: what one has changed, the other goes by at once."""
import time

from gateway import *
from harness import *

ROUNDS = 8
TABLE = {"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}], "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}], "BillingMode": "PAY_PER_REQUEST"}
STREAM = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}}
NO_STREAM = {"StreamSpecification": {"StreamEnabled": False}}


class TwoGateways(DatabaseCase):
    def setUp(self):
        super().setUp()
        self.here, self.there = (self.client_of(Gateway("--jobs", 1, environment=self.environment)) for _ in range(2))

    def client_of(self, gateway):
        self.addCleanup(gateway.stop)
        client = Client(gateway)
        self.addCleanup(client.close)
        return client

    def wait_for_table(self, client, name):
        deadline = time.monotonic() + SECONDS_MAX
        while client.call("DescribeTable", {"TableName": name}).status != 200:
            self.assertLess(time.monotonic(), deadline)

    def events(self, name, count):
        """Of the table's stream, once there are so many; in order of their numbers."""
        arn = self.there.ask("DescribeTable", TableName=name)["Table"]["LatestStreamArn"]
        shards = self.there.ask("DescribeStream", StreamArn=arn)["StreamDescription"]["Shards"]
        deadline, records = time.monotonic() + SECONDS_MAX, []
        while len(records) < count and time.monotonic() < deadline:
            iterators = [self.there.ask("GetShardIterator", StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"] for shard in shards]
            records = [record for iterator in iterators for record in self.there.ask("GetRecords", ShardIterator=iterator)["Records"]]
        return [(record["eventName"], record["dynamodb"]["Keys"]["pk"]["S"]) for record in sorted(records, key=lambda each: each["dynamodb"]["SequenceNumber"])]

    def put(self, name, key):
        self.there.ask("PutItem", TableName=name, Item={"pk": {"S": key}})

    def test_a_stream_that_is_switched_on_and_off_under_writers(self):
        for number in range(ROUNDS):
            name = f"table{number}"
            self.here.ask("CreateTable", TableName=name, **TABLE)
            self.wait_for_table(self.there, name)
            self.put(name, "before")
            self.here.ask("UpdateTable", TableName=name, **STREAM)
            self.put(name, "on")
            self.here.ask("UpdateTable", TableName=name, **NO_STREAM)
            self.put(name, "off")
            self.assertEqual(self.events(name, 1), [("INSERT", "on")])

    def test_a_table_that_goes_while_its_deletion_is_answered(self):
        for number in range(3 * ROUNDS):
            self.here.ask("CreateTable", TableName="passing", **TABLE)
            answer = self.here.ask("DeleteTable", TableName="passing")["TableDescription"]
            self.assertEqual((answer["TableName"], answer["TableStatus"]), ("passing", "DELETING"))
            while self.here.call("DescribeTable", {"TableName": "passing"}).status == 200:
                time.sleep(0.01)


if __name__ == "__main__":
    unittest.main()
