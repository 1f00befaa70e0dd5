"""Entities of a table go back to DynamoDB, one before the other, while others stay where they have moved."""
import signal
import subprocess

from dynamodb import Refused
from dynamodb_proxy import Proxy
from harness import unittest
from live import PHASE
from mixed import MOVED, TABLE, Application, MixedCase, item_of, key_of

FENCES = "SELECT count(*) FROM landfall.event WHERE what = 'fence on'"
KNOWN = "SELECT bool_and(g.catalog_version >= c.version) FROM landfall.gateway g, landfall.catalog c"


class MixedBack(MixedCase):
    def back(self, names, status=0, *options):
        return self.landfall("rollback", "writes", TABLE, "--entity", names, *options, status=status)

    def forth(self, *names):
        """Nobody moves forth what is not proven since the authority has changed last."""
        self.wait_until_still()
        self.verify()
        self.landfall("cutover", "writes", TABLE, *(("--entity", ",".join(names)) if names else ()))

    def there(self, name, case, number):
        return self.client("GetItem", TableName=TABLE, Key=key_of(name, case, number), ConsistentRead=True).get("Item")

    def here(self, name, case, number):
        return self.gateway("GetItem", TableName=TABLE, Key=key_of(name, case, number), ConsistentRead=True).get("Item")

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
        self.proxy = Proxy(self.dynamodb.url)
        self.addCleanup(self.proxy.stop)
        self.reads_moved(self.proxy.url)
        self.landfall("cutover", "writes", TABLE)
        self.assert_usage()
        self.assert_a_killed_command_is_undone_or_done()
        self.assert_only_the_keys_that_go_back_matter()
        self.assert_what_meets_goes_back_together()
        self.assert_both_sets_of_keys_are_mended()

    def assert_usage(self):
        self.assertIn("no entity Events", self.back("Events", 1))
        self.assertIn("say which table", self.landfall("rollback", "writes", "--entity", "Event", status=2))
        self.assertIn("reads move by table", self.landfall("rollback", "reads", TABLE, "--entity", "Event", status=2))
        self.assertIn('Copy { pk: "case|{case_id}", sk: "message|{id}|copy" } and Message { pk: "case|{case_id}", sk: "message|{id}" }', self.back("Message", 4))
        self.assertEqual(self.sql(MOVED), "postgres -")

    # A command that dies ----------------------------------------------------------------------------------------------------

    def begin(self, names):
        """Until all gateways hold writes."""
        fences = int(self.sql(FENCES))
        process = self.start("rollback", "writes", TABLE, "--entity", names)
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.wait_for(lambda: int(self.sql(FENCES)) > fences and self.sql(KNOWN) == "t")
        return process

    def kill(self, process):
        process.kill()
        process.wait()

    def open_transaction(self):
        writer = self.psql(stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        writer.stdin.write("BEGIN; UPDATE court.event SET count = 6 WHERE case_id = '90';\n")
        writer.stdin.flush()
        self.wait_for(lambda: self.sql("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'") != "0")
        return writer

    def assert_fence_goes(self, seconds):
        """Its time is up, so long ago: who writes takes it away."""
        self.sql(f"UPDATE landfall.phase SET fence_until = clock_timestamp() - interval '{seconds} s'")
        item = item_of("Event", 90, 5)
        self.gateway("PutItem", TableName=TABLE, Item=item)
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.phase WHERE fence IS NULL"), "1")
        self.assertEqual(self.here("Event", 90, 5), item)
        self.wait_for(lambda: self.there("Event", 90, 5) == item)

    def assert_a_killed_command_is_undone_or_done(self):
        writer = self.open_transaction()
        self.kill(self.begin("Event"))
        writer.communicate("ROLLBACK;\n")
        self.assert_fence_goes(0)
        self.assertEqual(self.sql(MOVED), "postgres -")
        self.assert_killed_before_reverse_sync_is_done()
        self.assert_killed_after_the_change()

    def assert_killed_before_reverse_sync_is_done(self):
        self.proxy.shares = [("throttle", 1)]
        self.sql("UPDATE court.event SET count = 5 WHERE case_id = '90' AND id = '001'")
        self.kill(self.begin("Event"))
        self.proxy.shares = []
        self.assert_fence_goes(0)
        self.assertEqual(self.sql(MOVED), "postgres -")
        self.wait_for(lambda: self.there("Event", 90, 1)["count"] == {"N": "5"})

    def assert_killed_after_the_change(self):
        """The gateway does not say that it knows, so that the fence is left up."""
        writer = self.open_transaction()
        process = self.begin("Event")
        self.serving.send_signal(signal.SIGSTOP)
        self.addCleanup(self.serving.send_signal, signal.SIGCONT)
        writer.communicate("ROLLBACK;\n")
        self.wait_for(lambda: self.sql(MOVED) == "postgres Case,Memo,Message,Copy")
        self.kill(process)
        self.serving.send_signal(signal.SIGCONT)
        self.assertIn("already over Case,Memo,Message,Copy", self.back("Event"))
        self.assert_fence_goes(11)
        self.forth()

    # What is not ready ------------------------------------------------------------------------------------------------------

    def assert_only_the_keys_that_go_back_matter(self):
        self.sql("UPDATE court.memo SET label = repeat('x', 410000) WHERE case_id = '90' AND id = '001'")
        self.wait_for(lambda: self.sql("SELECT count(refused) FROM landfall.reverse_change") == "1")
        late = item_of("Memo", 91, 1, label={"S": "late"})
        self.client("PutItem", TableName=TABLE, Item=late)
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.late_write") == "1")
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
        output = self.landfall("verify", "dynamodb://court", "--settle", "3", "--repair", "--yes")
        self.assertIn(f"{found} repaired", output)

    def change_unheard(self, table, statement):
        """As rows differ when something has gone wrong."""
        self.sql(f"""BEGIN; ALTER TABLE court.{table} DISABLE TRIGGER "LANDFALL_reverse"; {statement}; ALTER TABLE court.{table} ENABLE ALWAYS TRIGGER "LANDFALL_reverse"; COMMIT""")

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
