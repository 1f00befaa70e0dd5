#!/usr/bin/env python3
"""What a PartiQL statement does to an item that is not there, and pages of a Query that end where their range does."""
import unittest

from gateway import *
from harness import *


class StatementTest(DatabaseCase):
    def setUp(self):
        super().setUp()
        self.gateway = Gateway(environment=self.environment)
        self.addCleanup(self.gateway.stop)
        self.client = Client(self.gateway)
        self.addCleanup(self.client.close)
        self.client.ask("CreateTable", TableName="things", BillingMode="PAY_PER_REQUEST",
                        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
                        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")])

    def put(self, sort):
        self.client.ask("PutItem", TableName="things", Item={"pk": {"S": "a"}, "sk": {"S": sort}, "n": {"N": "1"}})

    def test_a_deletion_of_nothing_succeeds_and_a_failed_condition_does_not(self):
        statement = "DELETE FROM things WHERE pk = 'a' AND sk = 'b' AND n = 2"
        self.assertEqual(self.client.ask("ExecuteStatement", Statement=statement), {"Items": []})
        self.assertEqual(self.client.ask("ExecuteTransaction", TransactStatements=[{"Statement": statement}]), {"Responses": []})
        self.put("b")
        answer = self.client.call("ExecuteStatement", {"Statement": statement})
        self.assertEqual((answer.status, answer.json()["__type"].split("#")[1]), (400, "ConditionalCheckFailedException"))
        self.assertEqual(self.client.ask("ExecuteStatement", Statement=statement.replace("n = 2", "n = 1")), {"Items": []})
        self.assertEqual(self.client.ask("Scan", TableName="things")["Count"], 0)

    def test_only_a_closed_range_is_known_to_be_at_its_end(self):
        self.put("b")
        for condition, goes_on in (("begins_with(sk, :s)", True), ("sk >= :s", False), ("sk BETWEEN :s AND :s", False)):
            with self.subTest(condition):
                page = self.client.ask("Query", TableName="things", Limit=1, ScanIndexForward=False, KeyConditionExpression=f"pk = :p AND {condition}",
                                       ExpressionAttributeValues={":p": {"S": "a"}, ":s": {"S": "b"}})
                self.assertEqual((page["Count"], "LastEvaluatedKey" in page), (1, goes_on))


if __name__ == "__main__":
    unittest.main()
