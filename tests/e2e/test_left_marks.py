"""What is left behind when PostgreSQL is away, or a gateway is killed: it holds up nobody for long."""
import http.client
import signal
import subprocess
import threading

from dynamodb import Client, Refused, read_url
from harness import unittest
from live import PHASE, MovingCase, item_of, key_of

GATEWAYS = "SELECT count(*) FROM landfall.gateway"
MARKS = "SELECT count(*) FROM landfall.dirty_key"
WAITERS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%landfall.dirty_key%'"
# As after a settlement that PostgreSQL has lost: the row is not what DynamoDB has.
LEFT = ("BEGIN; UPDATE things.thing SET label = 'before' WHERE thing_id = '3'; INSERT INTO landfall.dirty_key (table_name, h, sk, key, token, owner, is_left) SELECT "
        "'things', substr(sha256('thing|3'), 1, 16), 'thing|3', '{\"pk\":{\"S\":\"thing|3\"},\"sk\":{\"S\":\"thing|3\"}}', nextval('landfall.mark_token'), "
        "id, true FROM landfall.gateway;\n")


class LeftMarks(MovingCase):
    def write_while_postgres_goes_away(self):
        """DynamoDB's answer comes when PostgreSQL is not there to be told."""
        self.dynamodb.process.send_signal(signal.SIGSTOP)
        writer = threading.Thread(target=self.write_once)
        writer.start()
        self.wait_for(lambda: self.sql(MARKS) == "1")
        self.server.crash()
        self.dynamodb.process.send_signal(signal.SIGCONT)
        writer.join()
        self.server.start()

    def write_once(self, number=3):
        client = Client(self.url)
        try:
            self.put(number, client, label={"S": "while PostgreSQL was away"})
        except (Refused, http.client.HTTPException, OSError):
            pass  # that nobody knows is a good answer, too
        client.close()

    def test_they_are_repaired_as_soon_as_postgres_is_back(self):
        self.reads_moved()
        self.write_while_postgres_goes_away()
        self.wait_for(lambda: self.sql(MARKS) == "0")
        self.assertEqual(self.there(3), item_of(3, label={"S": "while PostgreSQL was away"}))
        self.assert_same()
        self.put(3, self.gateway, label={"S": "and again"})
        self.assert_same()

    def take_over_and_be_refused(self, operation, **request):
        """By a writer that waits for the mark to appear, so that it is there before the repairer."""
        session, refusals = self.psql(stdin=subprocess.PIPE), []
        session.stdin.write(LEFT)
        session.stdin.flush()
        self.wait_for(lambda: self.sql("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND query LIKE 'INSERT%'") == "1")
        writer = threading.Thread(target=lambda: refusals.append(self.refused(operation, **request)))
        writer.start()
        self.wait_for(lambda: self.sql(WAITERS) == "1")
        session.communicate("COMMIT")
        writer.join()
        return refusals[0]

    def refused(self, operation, **request):
        client = Client(self.url)
        try:
            client(operation, **request)
        except Refused as refused:
            return refused.type
        finally:
            client.close()

    def test_a_write_that_is_refused_repairs_what_it_took_over(self):
        never = {"ConditionExpression": "attribute_not_exists(pk)"}
        put = {"TableName": "things", "Item": item_of(3, label={"S": "never"}), **never}
        self.reads_moved()
        self.put(3, self.gateway, label={"S": "acknowledged"})
        for operation, request, refusal in (("PutItem", put, "ConditionalCheckFailedException"),
                                            ("TransactWriteItems", {"TransactItems": [{"Put": put}]}, "TransactionCanceledException")):
            with self.subTest(operation):
                self.assertEqual(self.take_over_and_be_refused(operation, **request), refusal)
                self.wait_for(lambda: self.sql(MARKS) == "0")
                self.assertEqual(self.sql("SELECT label FROM things.thing WHERE thing_id = '3'"), "acknowledged")
        self.assertEqual(self.gateway("GetItem", TableName="things", Key=key_of(3))["Item"], item_of(3, label={"S": "acknowledged"}))

    def hold_answers(self, operation):
        """Of DynamoDB, on their way to the gateway; (one has been held, let them go)."""
        held, go = threading.Event(), threading.Event()

        def note(target, body):
            if target.endswith("." + operation) and not go.is_set():
                held.set()
                go.wait(60)

        self.proxy.note = note
        self.addCleanup(go.set)
        return held, go

    def wait_for_the_follower(self, number):
        """Until it has gone past what was written before."""
        self.put(number)
        self.wait_for(lambda: self.sql(f"SELECT count(*) FROM things.thing WHERE thing_id = '{number}'") == "1")

    def test_a_repair_that_is_late_does_not_undo_what_was_applied_since(self):
        self.reads_moved()
        self.landfall("rollback", "reads")
        held, go = self.hold_answers("GetItem")
        self.sql(LEFT + "COMMIT")
        self.assertTrue(held.wait(60))
        self.put(3, label={"S": "since"})
        self.wait_for_the_follower(50)
        go.set()
        self.wait_for(lambda: self.sql(MARKS) == "0")
        self.assert_same()

    def test_a_record_that_equals_the_row_counts_once_nobody_is_about_to_write_it(self):
        """DynamoDB removes an item by its time to live before the gateway that put it has written the row."""
        self.reads_moved()
        held, go = self.hold_answers("PutItem")
        writer = threading.Thread(target=self.write_once, args=(40,))
        writer.start()
        self.assertTrue(held.wait(60))
        self.delete(40)
        self.wait_for_the_follower(50)
        go.set()
        writer.join()
        self.wait_for(lambda: self.sql("SELECT (SELECT count(*) FROM landfall.spool) + (SELECT count(*) FROM landfall.dirty_key)") == "0")
        self.assert_same()

    def test_a_gateway_that_was_killed_is_forgotten_before_it_holds_up_a_fence(self):
        self.reads_moved()
        other = self.start("serve", "--map", "landfall.yaml", "--upstream", "--endpoint", self.proxy.url, "--jobs", "1", "--listen", "127.0.0.1:0")
        read_url(other)
        self.assertEqual(self.sql(GATEWAYS), "2")
        other.kill()
        other.communicate()
        self.wait_for(lambda: self.sql(GATEWAYS) == "1")
        self.landfall("cutover", "writes")
        self.assertEqual(self.sql(PHASE), "postgres")


if __name__ == "__main__":
    unittest.main()
