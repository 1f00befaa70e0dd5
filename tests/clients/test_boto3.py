"""boto3 over the gateway: clients and resources, every type, pages, batches, transactions, streams, waiters, and errors by class."""
import decimal
import pathlib
import sys
import time
import unittest

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from gateway import Gateway, Record  # noqa: E402

try:
    import boto3
    from boto3.dynamodb.conditions import Attr, Key
    from boto3.dynamodb.types import Binary
except ImportError:
    print("skipped: boto3 is not installed: tools/deps check")
    sys.exit(77)

SECONDS_TO_SETTLE = 120


def settings(gateway):
    return {"endpoint_url": gateway.url, "region_name": "us-east-1", "aws_access_key_id": "local", "aws_secret_access_key": "local"}


class Boto3(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway()
        cls.addClassCleanup(cls.gateway.stop)
        cls.record = Record()
        cls.addClassCleanup(cls.record.check)
        cls.client = boto3.client("dynamodb", **settings(cls.gateway))
        cls.resource = boto3.resource("dynamodb", **settings(cls.gateway))
        cls.streams = boto3.client("dynamodbstreams", **settings(cls.gateway))
        for client in (cls.client, cls.resource.meta.client, cls.streams):
            cls.addClassCleanup(client.close)
            client.meta.events.register("before-parse", cls.keep)
        cls.table = cls.create("things", StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})

    @classmethod
    def keep(cls, operation_model, response_dict, **_):
        cls.record.keep(operation_model.name, response_dict["status_code"], response_dict["body"])

    @classmethod
    def create(cls, name, **more):
        table = cls.resource.create_table(
            TableName=name, BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "N"},
                                  {"AttributeName": "kind", "AttributeType": "S"}],
            GlobalSecondaryIndexes=[{"IndexName": "kinds", "KeySchema": [{"AttributeName": "kind", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
                                     "Projection": {"ProjectionType": "ALL"}}], **more)
        table.wait_until_exists()
        return table

    def eventually(self, ask):
        deadline = time.monotonic() + SECONDS_TO_SETTLE
        while not (found := ask()):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        return found

    def test_an_item_of_every_type(self):
        item = {"pk": "types", "sk": 1, "text": "ü\0😀", "number": decimal.Decimal("-1.5E-20"), "bytes": Binary(b"\0\xff"), "yes": True, "none": None,
                "texts": {"a", "b"}, "numbers": {1, decimal.Decimal("2.5")}, "blobs": {Binary(b"1"), Binary(b"2")}, "list": [1, ["x", {}]], "map": {"a.b": {"c": ""}}}
        self.table.put_item(Item=item)
        self.assertEqual(self.table.get_item(Key={"pk": "types", "sk": 1}, ConsistentRead=True)["Item"], item)

    def test_update_and_condition(self):
        key = {"pk": "update", "sk": 1}
        got = self.table.update_item(Key=key, UpdateExpression="SET #n = if_not_exists(#n, :zero) + :two", ExpressionAttributeNames={"#n": "n"},
                                     ExpressionAttributeValues={":zero": 0, ":two": 2}, ReturnValues="ALL_NEW", ConditionExpression=Attr("pk").not_exists())
        self.assertEqual(got["Attributes"], {**key, "n": 2})
        with self.assertRaises(self.client.exceptions.ConditionalCheckFailedException) as failed:
            self.table.put_item(Item=key, ConditionExpression=Attr("n").lt(2), ReturnValuesOnConditionCheckFailure="ALL_OLD")
        self.assertEqual(failed.exception.response["Item"], {"pk": {"S": "update"}, "sk": {"N": "1"}, "n": {"N": "2"}})
        self.assertEqual(failed.exception.response["ResponseMetadata"]["HTTPStatusCode"], 400)
        self.assertEqual(self.table.delete_item(Key=key, ReturnValues="ALL_OLD")["Attributes"]["n"], 2)

    def test_queries_scans_and_pages(self):
        with self.table.batch_writer() as batch:
            for sk in range(59):
                batch.put_item(Item={"pk": "pages", "sk": sk, "kind": "even" if sk % 2 == 0 else "odd", "n": sk})
        got = self.table.query(KeyConditionExpression=Key("pk").eq("pages") & Key("sk").between(9, 11), ScanIndexForward=False)
        self.assertEqual([item["sk"] for item in got["Items"]], [11, 10, 9])
        got = self.table.query(IndexName="kinds", KeyConditionExpression=Key("kind").eq("even"), FilterExpression=Attr("n").gte(50), Select="COUNT")
        self.assertEqual((got["Count"], got["ScannedCount"]), (5, 30))
        pages = self.client.get_paginator("query").paginate(
            TableName="things", KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": "pages"}}, PaginationConfig={"PageSize": 7})
        self.assertEqual([int(item["sk"]["N"]) for page in pages for item in page["Items"]], list(range(59)))
        pages = list(self.client.get_paginator("scan").paginate(TableName="things", PaginationConfig={"PageSize": 20}))
        self.assertGreaterEqual(len(pages), 3)

    def test_batches_and_transactions(self):
        typed = [{"pk": {"S": "batch"}, "sk": {"N": str(sk)}} for sk in range(3)]
        self.client.batch_write_item(RequestItems={"things": [{"PutRequest": {"Item": item}} for item in typed]})
        got = self.client.batch_get_item(RequestItems={"things": {"Keys": typed}})
        self.assertEqual(len(got["Responses"]["things"]), 3)
        self.client.transact_write_items(TransactItems=[{"Delete": {"TableName": "things", "Key": typed[0]}}])
        with self.assertRaises(self.client.exceptions.TransactionCanceledException) as canceled:
            self.client.transact_write_items(TransactItems=[
                {"Delete": {"TableName": "things", "Key": typed[1]}},
                {"ConditionCheck": {"TableName": "things", "Key": typed[0], "ConditionExpression": "attribute_exists(pk)"}}])
        self.assertEqual([reason["Code"] for reason in canceled.exception.response["CancellationReasons"]], ["None", "ConditionalCheckFailed"])
        got = self.client.transact_get_items(TransactItems=[{"Get": {"TableName": "things", "Key": key}} for key in typed])
        self.assertEqual(got["Responses"], [{}, {"Item": typed[1]}, {"Item": typed[2]}])

    def test_errors_by_class(self):
        with self.assertRaises(self.client.exceptions.ResourceNotFoundException):
            self.client.describe_table(TableName="nowhere")
        with self.assertRaises(self.client.exceptions.ResourceInUseException):
            self.create("things")
        with self.assertRaises(self.client.exceptions.ClientError) as wrong:
            self.client.get_item(TableName="things", Key={"pk": {"S": "x"}})
        self.assertEqual(wrong.exception.response["Error"], {"Code": "ValidationException", "Message": "The provided key element does not match the schema"})

    def test_a_table_from_its_making_to_its_end(self):
        table = self.create("short-lived", Tags=[{"Key": "a", "Value": "1"}])
        self.assertEqual(self.client.list_tags_of_resource(ResourceArn=table.table_arn)["Tags"], [{"Key": "a", "Value": "1"}])
        self.client.update_time_to_live(TableName=table.name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"})
        self.assertIn(self.client.describe_time_to_live(TableName=table.name)["TimeToLiveDescription"]["TimeToLiveStatus"], ("ENABLED", "ENABLING"))
        self.client.update_table(TableName=table.name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "kinds"}}])
        self.eventually(lambda: "GlobalSecondaryIndexes" not in self.client.describe_table(TableName=table.name)["Table"])
        names = [name for page in self.client.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 1}) for name in page["TableNames"]]
        self.assertIn("short-lived", names)
        table.delete()
        table.wait_until_not_exists()
        self.assertGreater(self.client.describe_limits()["TableMaxReadCapacityUnits"], 0)

    def test_streams(self):
        key = {"pk": "stream", "sk": 1}
        self.table.put_item(Item=key)
        self.table.delete_item(Key=key)
        self.table.reload()
        arn = self.table.latest_stream_arn
        self.assertIn(arn, [stream["StreamArn"] for stream in self.streams.list_streams()["Streams"]])
        shards = self.streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
        iterators = [self.streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
                     for shard in shards]

        def events():
            records = [record for iterator in iterators for record in self.streams.get_records(ShardIterator=iterator)["Records"]]
            return [record["eventName"] for record in records if record["dynamodb"]["Keys"]["pk"] == {"S": "stream"}]

        self.assertEqual(self.eventually(lambda: len(events()) >= 2 and events()), ["INSERT", "REMOVE"])


if __name__ == "__main__":
    unittest.main()
