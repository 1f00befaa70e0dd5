"""Entities of a mixed table move, one before the other, while an application works on both kinds of keys."""
import json

from dynamodb import Refused
from dynamodb_proxy import Proxy
from harness import unittest
from live import PHASE
from mixed import MOVED, TABLE, Application, MixedCase, item_of, key_of


class Mixed(MixedCase):
    def test_an_application_works_on_while_entities_move_and_come_back(self):
        self.reads_moved()
        application = Application(self, self.url)
        self.addCleanup(application.stop)
        application.let_work()
        output = self.landfall("cutover", "writes", TABLE, "--entity", "Event")
        self.assertRegex(output, r"^court: PostgreSQL has the authority over Event, DynamoDB over the rest, pause \d+ ms\n$")
        application.let_work()
        self.assert_equal_to_reference(application)
        self.assertEqual(self.sql(MOVED), "postgres Event")
        self.assertIn("already over Event", self.landfall("cutover", "writes", TABLE, "--entity", "Event"))
        self.assertEqual([(row["table"], row["entities"]) for row in self.landfall_json("status")["tables"]], [(TABLE, "Event")])
        self.assertIn("entities that stay: DynamoDB has the authority over all but Event", self.landfall("decommission", "-o", "archive", "--force", status=4))
        self.landfall("rollback", "writes")
        self.assertEqual(self.sql(MOVED), "dual write -")
        application.let_work()
        self.assert_equal_to_reference(application)
        self.landfall("cutover", "writes", TABLE, "--entity", "Event")
        self.assertIn("Event has moved already", self.landfall("cutover", "writes", TABLE, "--entity", "Memo", status=4))
        application.let_work()
        self.assert_equal_to_reference(application)
        self.landfall("cutover", "writes", TABLE, "--entity", "Memo,Event")
        self.assertEqual(self.sql(MOVED), "postgres Memo,Event")
        application.let_work()
        self.assert_equal_to_reference(application)
        self.landfall("cutover", "writes", TABLE)
        self.assertEqual(self.sql(MOVED), "postgres -")
        application.let_work()
        application.stop()
        self.wait_until_still()
        self.verify()
        self.landfall("rollback", "writes")
        self.assertEqual(self.sql(PHASE), "dual write")

    def test_a_mark_that_comes_when_its_key_has_moved_holds_up_nobody(self):
        self.reads_moved()
        self.landfall("cutover", "writes", TABLE, "--entity", "Event")
        key = key_of("Event", 1, 1)
        self.sql(f"INSERT INTO landfall.dirty_key (table_name, h, sk, key, token, owner, is_left) SELECT '{TABLE}', substr(sha256('{key['pk']['S']}'), 1, 16), "
                 f"'{key['sk']['S']}', '{json.dumps(key)}', nextval('landfall.mark_token'), id, true FROM landfall.gateway")
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.dirty_key") == "0")
        self.forth("Event", "Memo")

    def test_entities_whose_keys_may_be_the_same_move_together(self):
        self.reads_moved()
        errors = self.landfall("cutover", "writes", TABLE, "--entity", "Message", status=4)
        self.assertIn('Message { pk: "case|{case_id}", sk: "message|{id}" } and Copy { pk: "case|{case_id}", sk: "message|{id}|copy" }', errors)
        self.assertIn("no entity Messages", self.landfall("cutover", "writes", TABLE, "--entity", "Messages", status=1))
        self.assertIn("say which table", self.landfall("cutover", "writes", "--entity", "Message", status=2))
        self.landfall("cutover", "writes", TABLE, "--entity", "Message,Copy")
        self.assert_equal_to_reference()

    def test_entities_that_meet_in_a_transaction_move_together(self):
        def transaction(*names):
            return [{"Put": {"TableName": TABLE, "Item": item_of(name, 1, 1)}} for name in names]
        proxy = Proxy(self.dynamodb.url)
        self.addCleanup(proxy.stop)
        self.reads_moved(proxy.url)
        self.gateway("TransactWriteItems", TransactItems=transaction("Event", "Memo"))
        self.gateway("TransactGetItems", TransactItems=[{"Get": {"TableName": TABLE, "Key": key_of(name, 1, 1)}} for name in ("Case", "Event")])
        self.wait_until_still()
        self.assertIn("entities meet: Case and Event, Event and Memo have met", self.landfall("cutover", "writes", TABLE, "--entity", "Event", status=4))
        self.landfall("cutover", "writes", TABLE, "--entity", "Event", "--force")
        with self.assertRaisesRegex(Refused, "ValidationException: The items of this request are in different databases"):
            self.gateway("TransactWriteItems", TransactItems=transaction("Event", "Memo"))
        check = {"ConditionCheck": {"TableName": TABLE, "Key": key_of("Case", 1, 1), "ConditionExpression": "attribute_exists(pk)"}}
        with self.assertRaisesRegex(Refused, "different databases"):
            self.gateway("TransactWriteItems", TransactItems=[*transaction("Event"), check])
        with self.assertRaisesRegex(Refused, "different databases"):
            self.gateway("ExecuteTransaction", TransactStatements=[
                {"Statement": f"SELECT * FROM {TABLE} WHERE pk = ? AND sk = ?", "Parameters": [*key_of(name, 1, 1).values()]} for name in ("Case", "Event")])
        self.gateway("TransactWriteItems", TransactItems=transaction("Event"))
        self.gateway("TransactWriteItems", TransactItems=transaction("Memo", "Case"))
        self.assert_only_what_has_moved_is_late()
        self.assert_what_is_of_the_table_stays()
        self.assert_what_may_have_landed_is_repaired(proxy)

    def assert_only_what_has_moved_is_late(self):
        memo, event = item_of("Memo", 90, 1, note={"S": "past the gateway"}), item_of("Event", 90, 1, note={"S": "late"})
        for item in (memo, event):
            self.client("PutItem", TableName=TABLE, Item=item)
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.late_write") == "1")
        self.assertEqual([each["key"] for each in self.landfall_json("late-writes", "list")], [key_of("Event", 90, 1)])
        self.wait_for(lambda: self.sql("SELECT ddb_extra->'note'->>'S' FROM court.memo WHERE case_id = '90' AND id = '001'") == "past the gateway")
        self.assertEqual(self.gateway("GetItem", TableName=TABLE, Key=key_of("Memo", 90, 1))["Item"], memo)
        self.assertNotIn("note", self.gateway("GetItem", TableName=TABLE, Key=key_of("Event", 90, 1))["Item"])
        self.landfall("late-writes", "drop")
        self.wait_for(lambda: "note" not in self.client("GetItem", TableName=TABLE, Key=key_of("Event", 90, 1), ConsistentRead=True)["Item"])

    def assert_what_is_of_the_table_stays(self):
        described = self.client("DescribeTable", TableName=TABLE)["Table"]
        self.assertEqual(self.gateway("DescribeTable", TableName=TABLE)["Table"]["TableArn"], described["TableArn"])
        with self.assertRaises(Refused):
            self.gateway("DeleteTable", TableName=TABLE)
        self.sql("UPDATE court.event SET count = 77 WHERE case_id = '90' AND id = '001'")
        self.wait_for(lambda: self.client("GetItem", TableName=TABLE, Key=key_of("Event", 90, 1), ConsistentRead=True)["Item"]["count"] == {"N": "77"})

    def assert_what_may_have_landed_is_repaired(self, proxy):
        """A write of what has not moved whose answer is lost; what has moved goes on without DynamoDB."""
        proxy.shares = [("cut", 1)]
        with self.assertRaises(Refused):
            self.gateway("PutItem", TableName=TABLE, Item=item_of("Memo", 90, 2, note={"S": "cut"}))
        self.gateway("PutItem", TableName=TABLE, Item=item_of("Event", 90, 2, note={"S": "here"}))
        proxy.shares = []
        for name, note in (("memo", "cut"), ("event", "here")):
            self.wait_for(lambda name=name, note=note: self.sql(f"SELECT ddb_extra->'note'->>'S' FROM court.{name} WHERE case_id = '90' AND id = '002'") == note)


if __name__ == "__main__":
    unittest.main()
