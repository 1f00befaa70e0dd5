"""Backups of the gateway's tables, and tables made from them."""
import unittest

from dynamodb import key
from test_tables import TableCase, index, string


class Backups(TableCase):
    def setUp(self):
        super().setUp()
        self.client = self.gateway()

    def make_table(self, count):
        self.client("CreateTable", TableName="source", BillingMode="PAY_PER_REQUEST", Tags=[{"Key": "a", "Value": "b"}],
                    KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "at", "KeyType": "RANGE"}],
                    AttributeDefinitions=[string(name) for name in ("id", "at", "kind", "local")],
                    GlobalSecondaryIndexes=[index("by_kind", "kind")], StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
                    LocalSecondaryIndexes=[{"IndexName": "by_local", "Projection": {"ProjectionType": "ALL"}, "KeySchema": [
                        {"AttributeName": "id", "KeyType": "HASH"}, {"AttributeName": "local", "KeyType": "RANGE"}]}])
        self.put_many(self.client, "source", range(count), lambda one: {
            **key("same"), "at": {"S": f"{one:06}"}, "kind": {"S": "even" if one % 2 == 0 else "odd"}, "local": {"S": f"{count - one:06}"}})

    def make_backup(self, name="first"):
        arn = self.client("CreateBackup", TableName="source", BackupName=name)["BackupDetails"]["BackupArn"]
        self.wait(lambda: self.describe(arn)["BackupDetails"]["BackupStatus"] == "AVAILABLE", "the backup is not made")
        return arn

    def describe(self, arn):
        return self.client("DescribeBackup", BackupArn=arn)["BackupDescription"]

    def restore(self, arn, target="target", **overrides):
        table = self.client("RestoreTableFromBackup", BackupArn=arn, TargetTableName=target, **overrides)["TableDescription"]
        self.assertEqual((table["TableStatus"], table["RestoreSummary"]["SourceBackupArn"], table["RestoreSummary"]["RestoreInProgress"]),
                         ("CREATING", arn, True))
        self.wait_until_active(self.client, target)
        return self.client("DescribeTable", TableName=target)["Table"]

    def items_by(self, table, index_name):
        query = {"KeyConditionExpression": "id = :id", "ExpressionAttributeValues": {":id": {"S": "same"}}}
        return self.client("Query", TableName=table, IndexName=index_name, Limit=100, **query)["Items"]

    def test_a_table_comes_back_as_it_was_at_the_backup(self):
        self.make_table(5000)
        arn = self.make_backup()
        expected = self.items_by("source", "by_local")
        self.put_many(self.client, "source", range(5000, 5100), lambda one: {**key("later"), "at": {"S": str(one)}})
        self.client("DeleteTable", TableName="source")
        description = self.describe(arn)
        self.assertEqual(description["SourceTableDetails"]["ItemCount"], 5000)
        self.assertEqual(description["SourceTableFeatureDetails"]["GlobalSecondaryIndexes"][0]["IndexName"], "by_kind")
        table = self.restore(arn)
        self.assertEqual((table["ItemCount"], table["TableSizeBytes"]), (5000, description["BackupDetails"]["BackupSizeBytes"]))
        self.assertFalse(table["RestoreSummary"]["RestoreInProgress"])
        self.assertNotIn("LatestStreamArn", table)
        self.assertEqual(self.client("ListTagsOfResource", ResourceArn=table["TableArn"])["Tags"], [])
        self.assertEqual(self.count_in_index(self.client, "target", "by_kind", "kind", "odd"), 2500)
        self.assertEqual(self.items_by("target", "by_local"), expected)

    def test_a_restored_table_may_have_fewer_indexes_and_another_billing_mode(self):
        self.make_table(10)
        arn = self.make_backup()
        throughput = {"ReadCapacityUnits": 3, "WriteCapacityUnits": 4}
        table = self.restore(arn, GlobalSecondaryIndexOverride=[], LocalSecondaryIndexOverride=[], BillingModeOverride="PROVISIONED",
                             ProvisionedThroughputOverride=throughput)
        self.assertEqual(table["AttributeDefinitions"], [string("id"), string("at")])
        self.assertEqual(table["ProvisionedThroughput"], {"NumberOfDecreasesToday": 0, **throughput})
        self.assert_refused("ValidationException", self.client, "RestoreTableFromBackup", BackupArn=arn, TargetTableName="other",
                            GlobalSecondaryIndexOverride=[index("unknown", "kind")])
        self.assert_refused("TableAlreadyExistsException", self.client, "RestoreTableFromBackup", BackupArn=arn, TargetTableName="target")

    def test_backups_are_listed_page_by_page_and_deleted(self):
        self.make_table(1)
        arns = [self.make_backup(f"backup{number}") for number in range(3)]
        page = self.client("ListBackups", TableName="source", Limit=2)
        self.assertEqual([one["BackupArn"] for one in page["BackupSummaries"]], arns[:2])
        page = self.client("ListBackups", ExclusiveStartBackupArn=page["LastEvaluatedBackupArn"])
        self.assertEqual([one["BackupName"] for one in page["BackupSummaries"]], ["backup2"])
        self.assertNotIn("LastEvaluatedBackupArn", page)
        self.assertEqual(self.client("ListBackups", BackupType="SYSTEM")["BackupSummaries"], [])
        self.assertEqual(self.client("ListBackups", TableName="another")["BackupSummaries"], [])
        for arn in arns:
            self.assertEqual(self.client("DeleteBackup", BackupArn=arn)["BackupDescription"]["BackupDetails"]["BackupStatus"], "DELETED")
        self.assert_refused("BackupNotFoundException", self.client, "DescribeBackup", BackupArn=arns[0])
        self.assertEqual(self.client("ListBackups")["BackupSummaries"], [])
        self.assertEqual(self.sql("SELECT count(*) FROM pg_class WHERE relname LIKE 'backup%' AND relnamespace = 'dynamodb'::regnamespace"), "0")

    def test_what_a_killed_gateway_had_begun_is_ended(self):
        self.make_table(5000)
        arn = self.make_backup()
        unfinished = self.client("CreateBackup", TableName="source", BackupName="second")["BackupDetails"]["BackupArn"]
        self.client("RestoreTableFromBackup", BackupArn=arn, TargetTableName="target")
        self.client.process.kill()
        self.client.process.wait()
        self.client = self.gateway()
        self.wait_until_active(self.client, "target")
        self.assertEqual(self.count_in_index(self.client, "target", "by_kind", "kind", "even"), 2500)
        self.wait(lambda: self.describe(unfinished)["BackupDetails"]["BackupStatus"] == "AVAILABLE", "the backup is not made")

    def test_only_tables_that_are_there_are_backed_up(self):
        self.assert_refused("TableNotFoundException", self.client, "CreateBackup", TableName="missing", BackupName="abc")


if __name__ == "__main__":
    unittest.main()
