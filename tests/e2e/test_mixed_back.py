"""Entities of a table go back to DynamoDB, one before the other, while others stay where they have moved."""
import json

from dynamodb import Refused
from harness import unittest
from live import PHASE
from mixed import MOVED, TABLE, Application, MixedCase, item_of, key_of


class MixedBack(MixedCase):
    def test_an_application_works_on_while_one_entity_goes_back(self):
        self.reads_moved()
        application = Application(self, self.url)
        self.addCleanup(application.stop)
        application.let_work()
        self.landfall("cutover", "writes", TABLE, "--entity", "Event,Memo")
        application.let_work()
        self.assertRegex(self.back("Event"), r"^court: PostgreSQL has the authority over Memo, DynamoDB over the rest, pause \d+ ms\n$")
        self.assertEqual(self.sql(MOVED), "postgres Memo")
        self.assertEqual(self.landfall_json("status")["tables"][0]["entities"], "Memo")
        application.let_work()
        self.assert_equal_to_reference(application)
        self.assertIn("PostgreSQL has the authority already over Memo, DynamoDB over the rest", self.back("Event,Case"))
        self.assert_who_hears_of_rows()
        self.landfall("cutover", "writes", TABLE)
        application.let_work()
        self.back("Event")
        self.assertEqual(self.sql(MOVED), "postgres Case,Memo,Message,Copy")
        application.let_work()
        self.assert_equal_to_reference(application)
        self.assertRegex(self.back("Case,Memo,Message,Copy"), r"^court: DynamoDB has the authority, pause \d+ ms\n$")
        self.assertEqual(self.sql(MOVED), "dual write -")
        application.let_work()
        application.stop()
        self.wait_until_still()
        self.verify()
        self.assertIn("DynamoDB has the authority already", self.back("Event"))

    def assert_who_hears_of_rows(self):
        """Of the entity that stays reverse sync hears, and of the one that has gone back nobody."""
        for table, heard in (("memo", 3), ("event", 0)):
            rows = self.sql(f"BEGIN; UPDATE court.{table} SET count = 1 WHERE case_id = '90'; "
                            "SELECT count(*) FROM landfall.reverse_change WHERE key::text LIKE '%case|90%'; ROLLBACK")
            self.assertEqual(rows, str(heard))
        with self.assertRaisesRegex(AssertionError, "TRUNCATE does not tell reverse sync"):
            self.sql("TRUNCATE court.memo")
        self.sql("BEGIN; TRUNCATE court.event; ROLLBACK")

    def test_what_is_in_the_way(self):
        self.reads_moved()
        self.assert_each_entity_has_its_own_late_writers()
        self.forth()
        self.assert_usage()
        self.assert_only_the_keys_that_go_back_matter()
        self.assert_what_meets_goes_back_together()
        self.assert_both_sets_of_keys_are_mended()

    def assert_usage(self):
        self.assertIn("no entity Events", self.back("Events", 1))
        self.assertIn("say which table", self.landfall("rollback", "writes", "--entity", "Event", status=2))
        self.assertIn("takes back all reads of a table", self.landfall("rollback", "reads", TABLE, "--entity", "Event", status=2))
        self.assertIn('Copy { pk: "case|{case_id}", sk: "message|{id}|copy" } and Message { pk: "case|{case_id}", sk: "message|{id}" }', self.back("Message", 4))
        self.assertEqual(self.sql(MOVED), "postgres -")

    # What is not ready ------------------------------------------------------------------------------------------------------

    def assert_each_entity_has_its_own_late_writers(self):
        """What comes from before an entity moved may be a gateway's, and of another, which had moved long before, it is a late writer's."""
        self.landfall("cutover", "writes", TABLE, "--entity", "Event")
        self.sql("UPDATE landfall.phase SET moved_since = jsonb_build_object('Event', clock_timestamp() - interval '1 hour')")
        self.sql("UPDATE court.event SET count = 3 WHERE case_id = '90' AND id = '002'")
        self.forth("Event", "Memo")
        self.sql("UPDATE court.memo SET count = 3 WHERE case_id = '90' AND id = '002'")
        self.wait_until_still()
        for name in ("Memo", "Event"):
            key, item = json.dumps(key_of(name, 90, 2)), json.dumps(item_of(name, 90, 2, label={"S": "from before"}))
            self.sql("INSERT INTO landfall.spool (table_name, shard_id, sequence_number, key, item, is_removed, is_expiry, changed_at) "
                     f"SELECT table_name, '', '', '{key}', '{item}', false, false, flipped_at - interval '1 s' FROM landfall.phase")
        self.wait_until_still()
        self.assertEqual([late["key"] for late in self.landfall_json("late-writes", "list")], [key_of("Event", 90, 2)])
        self.landfall("late-writes", "drop")
        self.assertEqual(self.sql("SELECT moved_since ? 'Event' AND moved_since ? 'Memo' FROM landfall.phase"), "t")

    def assert_only_the_keys_that_go_back_matter(self):
        self.sql("UPDATE court.memo SET label = repeat('x', 410000) WHERE case_id = '90' AND id = '001'")
        self.wait_for(lambda: self.sql("SELECT count(refused) FROM landfall.reverse_change") == "1")
        late = item_of("Memo", 91, 1, label={"S": "late"})
        self.client("PutItem", TableName=TABLE, Item=late)
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.late_write WHERE resolved_at IS NULL") == "1")
        errors = self.back("Event,Memo", 4)
        self.assertRegex(errors, r"items that DynamoDB cannot hold: 1 key, such as .*at\|001\|memo")
        self.assertRegex(errors, r"late writers: 1 key, such as .*at\|001\|memo.*changed in DynamoDB")
        self.back("Event")
        self.back("Memo", 0, "--force")
        self.assertIn("DynamoDB has the authority over its key again; drop it", self.landfall("late-writes", "take", status=4))
        self.back("Case")
        self.landfall("late-writes", "drop")
        self.sql("DELETE FROM landfall.reverse_change WHERE refused IS NOT NULL")
        self.assertEqual(self.here("Memo", 91, 1), late)
        self.assertEqual(self.sql(MOVED), "postgres Message,Copy")
        self.repair(2)

    def assert_what_meets_goes_back_together(self):
        transaction = [{"Put": {"TableName": TABLE, "Item": item_of(name, 1, 1)}} for name in ("Event", "Memo")]
        self.forth()
        self.gateway("TransactWriteItems", TransactItems=transaction)
        self.assertIn("entities meet: Event and Memo have met", self.back("Event", 4))
        self.back("Case")
        again = {"TransactItems": [{"Update": {"TableName": TABLE, "Key": key_of("Event", 1, 1), "UpdateExpression": "ADD #c :one",
                                               "ExpressionAttributeNames": {"#c": "count"}, "ExpressionAttributeValues": {":one": {"N": "1"}}}}], "ClientRequestToken": "once"}
        self.gateway("TransactWriteItems", **again)
        counted = self.here("Event", 1, 1)
        self.back("Event", 0, "--force")
        self.gateway("TransactWriteItems", **again)
        self.assertEqual(self.there("Event", 1, 1), counted)
        with self.assertRaisesRegex(Refused, "different databases"):
            self.gateway("TransactWriteItems", TransactItems=transaction)
        self.back("Memo")
        self.gateway("TransactWriteItems", TransactItems=transaction)

    # Repair -----------------------------------------------------------------------------------------------------------------

    def repair(self, found):
        output = self.landfall("verify", "dynamodb://court", "--settle", "5", "--repair", "--yes")
        self.assertIn(f"{found} repaired", output)

    def assert_both_sets_of_keys_are_mended(self):
        """Messages have moved, memos have not."""
        self.assertEqual(self.sql(MOVED), "postgres Message,Copy")
        memos = [self.there("Memo", 90, number) for number in (1, 2)]
        self.change_unheard("message", "UPDATE court.message SET label = 'by SQL' WHERE case_id = '90' AND id = '001'; DELETE FROM court.message WHERE case_id = '90' AND id = '002'")
        self.sql("UPDATE court.memo SET label = 'by SQL' WHERE case_id = '90' AND id = '001'; DELETE FROM court.memo WHERE case_id = '90' AND id = '002'")
        self.landfall("verify", "dynamodb://court", "--settle", "1", status=3)
        self.repair(4)
        self.verify()
        self.assertEqual(self.there("Message", 90, 1)["label"], {"S": "by SQL"})
        self.assertIsNone(self.there("Message", 90, 2))
        self.assertEqual([self.there("Memo", 90, number) for number in (1, 2)], memos)
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.late_write WHERE resolved_at IS NULL"), "0")
        self.forth()
        self.change_unheard("memo", "DELETE FROM court.memo WHERE case_id = '90' AND id = '001'")
        self.repair(1)
        self.assertIsNone(self.there("Memo", 90, 1))
        self.assertEqual(self.sql(PHASE), "postgres")


if __name__ == "__main__":
    unittest.main()
