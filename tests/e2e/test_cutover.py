"""Phases of a table in use: what is refused and why, fences that end by themselves, SQL that reaches DynamoDB, and the way back."""
import json
import signal
import subprocess

from dynamodb import Refused
from harness import unittest
from live import PHASE, MovingCase, item_of, key_of

FENCE = "SELECT count(*) FROM landfall.phase WHERE fence IS NOT NULL"
FENCE_IS_KNOWN = FENCE + " AND (SELECT min(catalog_version) FROM landfall.gateway) >= (SELECT version FROM landfall.catalog)"
MARK = ("INSERT INTO landfall.dirty_key (table_name, h, sk, key, token, owner) SELECT 'things', '\\x00', '', '{\"pk\":{\"S\":\"x\"},\"sk\":{\"S\":\"x\"}}', "
        "nextval('landfall.mark_token'), id FROM landfall.gateway LIMIT 1")


class Cutover(MovingCase):
    def test_a_step_is_refused_while_one_before_it_is_missing(self):
        self.assertIn("no table of the map is moving", self.landfall("cutover", "reads", status=4))
        self.follow_and_serve()
        self.assertIn("not readable: no backfill has ended", self.landfall("cutover", "reads", "--force", status=4))
        self.assertIn("only from phase dual write", self.landfall("cutover", "writes", status=4))
        self.backfill()
        self.wait_for(lambda: self.sql("SELECT readable_at IS NOT NULL FROM landfall.phase") == "t")
        self.assertIn("parity not proven", self.landfall("cutover", "reads", status=4))
        self.landfall("cutover", "reads", "--force", "--percent", "10")
        forced = json.loads(self.sql("SELECT detail FROM landfall.event WHERE what = 'forced'"))
        self.assertIn("parity not proven", forced["overridden"])
        self.assertIn("only 10 % of its eventual reads", self.landfall("cutover", "writes", status=4))
        self.assertIn("there is no such map", self.landfall("cutover", "writes", "--map", "other.yaml", status=1))
        self.assertIn("the map has no DynamoDB table", self.landfall("cutover", "writes", "others", status=4))

    def test_reads_move_and_come_back(self):
        self.reads_moved()
        self.assertEqual(self.sql("SELECT phase, reads_percent FROM landfall.phase"), "dual write|100")
        self.landfall("rollback", "reads")
        self.assertEqual(self.sql(PHASE), "follow")
        self.put(3, label={"S": "later"})
        self.wait_for(lambda: self.sql("SELECT readable_at IS NOT NULL FROM landfall.phase") == "t")
        self.wait_for(lambda: self.sql("SELECT label FROM things.thing WHERE thing_id = '3'") == "later")
        self.assert_same()

    def test_a_fence_whose_time_is_up_leaves_everything_as_it_was(self):
        self.reads_moved()
        self.sql(MARK)
        self.assertIn("the time of the fence was up while waiting for 1 keys", self.landfall("cutover", "writes", "--fence", "4", status=4))
        self.assertEqual((self.sql(PHASE), self.sql(FENCE)), ("dual write", "0"))
        self.put(3, self.gateway, label={"S": "through"})
        self.assertEqual(self.there(3)["label"]["S"], "through")

    def test_a_fence_does_not_stand_for_what_cannot_be_settled_while_it_does(self):
        self.reads_moved()
        self.sql(MARK)
        self.sql("UPDATE landfall.dirty_key SET is_left = true, settled_at = now() + interval '5 minutes'")
        self.assertIn("keys of unknown outcome", self.landfall("cutover", "writes", status=4))
        self.assertRegex(self.landfall("cutover", "writes", "--force", status=4), r"1 keys have writes to DynamoDB that can land until \d\d:\d\d:\d\d")
        self.assertEqual((self.sql(PHASE), self.sql(FENCE)), ("dual write", "0"))

    def begin_and(self, number, status, fence):
        """The command is sent a signal while it waits under its fence."""
        self.sql(MARK)
        process = self.start("cutover", "writes", "--fence", str(fence))
        self.wait_for(lambda: self.sql(FENCE_IS_KNOWN) == "1")
        process.send_signal(number)
        process.communicate()
        self.assertEqual(process.returncode, status)

    def test_an_interrupted_cutover_takes_its_fence_away(self):
        self.reads_moved()
        self.begin_and(signal.SIGINT, 130, fence=20)
        self.assertEqual((self.sql(PHASE), self.sql(FENCE)), ("dual write", "0"))

    def test_a_killed_cutover_leaves_a_fence_that_ends_by_itself(self):
        self.reads_moved()
        self.begin_and(signal.SIGKILL, -signal.SIGKILL, fence=8)
        self.put(3, self.gateway, label={"S": "held"})
        self.assertEqual((self.sql(PHASE), self.sql(FENCE)), ("dual write", "0"))
        self.assertEqual(self.there(3)["label"]["S"], "held")
        self.sql("DELETE FROM landfall.dirty_key")
        self.landfall("cutover", "writes")
        self.assertEqual(self.sql(PHASE), "postgres")

    def test_what_sql_and_gateways_write_reaches_dynamodb(self):
        self.writes_moved()
        self.put(40, self.gateway)
        self.delete(5, self.gateway)
        self.sql("UPDATE things.thing SET label = 'by SQL' WHERE thing_id = '7'; DELETE FROM things.thing WHERE thing_id = '8'")
        self.wait_for_reverse_sync()
        self.wait_for(lambda: self.there(7)["label"]["S"] == "by SQL")
        self.assertEqual([self.there(number) is None for number in (5, 7, 8, 40)], [True, False, True, False])
        self.assert_same()
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.reverse_sent WHERE again_at IS NOT NULL"), "0")
        with self.assertRaisesRegex(AssertionError, "TRUNCATE does not tell reverse sync"):
            self.sql("TRUNCATE things.thing")

    def test_throttled_reverse_sync_arrives(self):
        self.writes_moved()
        self.proxy.shares = [("throttle", 1)]
        self.sql("UPDATE things.thing SET label = 'slowly ' || thing_id")
        self.wait_for(lambda: self.proxy.done["throttle"] > 2)
        self.proxy.shares = [("throttle", 0.5)]
        self.wait_for_reverse_sync()
        self.assert_same()

    def test_what_may_land_late_is_sent_again_and_holds_the_rollback(self):
        self.writes_moved()
        self.proxy.shares = [("cut", 1)]
        self.sql("UPDATE things.thing SET label = 'cut ' || thing_id")
        self.wait_for(lambda: self.proxy.done["cut"])
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.reverse_sent WHERE again_at IS NOT NULL") != "0")
        signed_later = "SELECT min(again_at - sent_at) > interval '15 minutes' FROM landfall.reverse_sent WHERE again_at IS NOT NULL"
        self.assertEqual(self.sql(signed_later), "t")
        self.proxy.shares = []
        self.wait_for_reverse_sync()
        self.assert_same()
        self.assertIn("answers of DynamoDB", self.landfall("rollback", "writes", "--fence", "1", status=4))
        self.sql("UPDATE landfall.reverse_sent SET again_at = clock_timestamp() WHERE again_at IS NOT NULL")
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.reverse_sent WHERE again_at IS NOT NULL") == "0")
        self.wait_for_reverse_sync()
        self.landfall("rollback", "writes")
        self.assert_same()
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.late_write"), "0")

    def test_what_was_sent_and_is_sent_again_is_no_late_write(self):
        """The follower reads the record of the first sending after the second, of another image, has been made."""
        self.writes_moved()
        self.sql("UPDATE landfall.phase SET flipped_at = flipped_at - interval '1 hour'; UPDATE things.thing SET label = 'first' WHERE thing_id = '7'")
        self.wait_for_reverse_sync()
        self.follower.send_signal(signal.SIGSTOP)
        self.addCleanup(self.follower.send_signal, signal.SIGCONT)
        self.sql("UPDATE things.thing SET label = 'second' WHERE thing_id = '7'")
        self.wait_for(lambda: self.there(7)["label"]["S"] == "second")
        self.wait_for_reverse_sync()
        self.sql("UPDATE landfall.reverse_sent SET again_at = clock_timestamp(); UPDATE things.thing SET label = 'third' WHERE thing_id = '7'")
        self.wait_for(lambda: self.there(7)["label"]["S"] == "third")
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.reverse_sent WHERE again_at IS NOT NULL") == "0")
        self.put(8, label={"S": "late"})
        self.follower.send_signal(signal.SIGCONT)
        self.wait_for(lambda: self.sql("SELECT string_agg(key -> 'pk' ->> 'S', ',') FROM landfall.late_write") != "")
        self.assertEqual(self.sql("SELECT string_agg(key -> 'pk' ->> 'S', ',') FROM landfall.late_write"), "thing|8")

    def test_what_was_sent_stays_noted_until_the_follower_has_seen_it(self):
        """It was not there for two hours, in which the tidying job has gone over what was sent."""
        self.writes_moved()
        self.follower.terminate()
        self.follower.wait(60)
        self.sql("UPDATE landfall.phase SET flipped_at = flipped_at - interval '3 hours'")
        for label in ("first", "second"):
            self.sql(f"UPDATE things.thing SET label = '{label}' WHERE thing_id = '7'")
            self.wait_for(lambda: self.there(7)["label"]["S"] == label)
        self.wait_for_reverse_sync()
        self.sql("UPDATE landfall.reverse_sent SET sent_at = sent_at - interval '2 hours'; UPDATE landfall.stream_shard SET captured_to = captured_to - interval '3 hours';"
                 "INSERT INTO landfall.reverse_sent (table_name, h, sk, sent_at) VALUES ('another', '', '', now() - interval '2 hours')")
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.reverse_sent WHERE table_name = 'another'") == "0")
        self.run_beside("follow", "dynamodb://things")
        self.wait_for(lambda: self.sql("SELECT min(captured_to) > clock_timestamp() - interval '1 minute' FROM landfall.stream_shard") == "t")
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.spool") == "0")
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.late_write"), "0")
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.reverse_sent") == "0")

    def test_a_row_that_dynamodb_cannot_hold_stays_behind_alone(self):
        self.writes_moved()
        self.sql("UPDATE things.thing SET label = 'beside' WHERE thing_id <> '7'; UPDATE things.thing SET label = repeat('x', 410000) WHERE thing_id = '7'")
        self.wait_for(lambda: self.sql("SELECT count(*) FILTER (WHERE refused IS NULL), count(refused) FROM landfall.reverse_change") == "0|1")
        self.assertEqual((self.there(6)["label"]["S"], self.there(7)["label"]["S"]), ("beside", "number 7"))
        self.assertIn("items that DynamoDB cannot hold: 1 key, such as", self.landfall("rollback", "writes", status=4))
        self.sql("UPDATE things.thing SET label = 'short' WHERE thing_id = '7'")
        self.wait_for_reverse_sync()
        self.assertEqual(self.there(7)["label"]["S"], "short")

    def test_writes_come_back_with_what_sql_wrote(self):
        self.writes_moved()
        self.sql("UPDATE things.thing SET label = 'by SQL' WHERE thing_id = '7'")
        self.landfall("rollback", "writes")
        self.assertEqual(self.sql(PHASE), "dual write")
        self.assertEqual(self.there(7)["label"]["S"], "by SQL")
        self.put(9, self.gateway, label={"S": "after"})
        self.assertEqual(self.there(9)["label"]["S"], "after")
        self.assert_same()
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.late_write"), "0")

    def test_a_rollback_waits_for_open_transactions_of_sql(self):
        self.writes_moved()
        writer = self.psql(stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        writer.stdin.write("BEGIN; UPDATE things.thing SET label = 'open' WHERE thing_id = '7';\n")
        writer.stdin.flush()
        self.wait_for(lambda: self.sql("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'") != "0")
        process = self.start("rollback", "writes")
        self.wait_for(lambda: self.sql(FENCE) == "1")
        writer.communicate("COMMIT;\n")
        output, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, output + errors)
        self.assertEqual(self.there(7)["label"]["S"], "open")

    def test_a_late_writer_is_noticed_and_overruled(self):
        self.writes_moved()
        self.put(7, label={"S": "late"})
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.late_write") == "1")
        self.assertIn("late writers", self.landfall("rollback", "writes", status=4))
        listed = self.landfall_json("late-writes", "list")
        self.assertEqual([(each["table"], each["change"], each["key"]) for each in listed], [("things", "written", key_of(7))])
        self.assertEqual(self.landfall_json("late-writes", "drop"), {"dropped": 1})
        self.wait_for(lambda: self.there(7) == item_of(7))

    def test_the_end_keeps_an_archive_and_deletes_the_table_if_asked_to(self):
        self.writes_moved()
        self.put(41, self.gateway)
        self.wait_for_reverse_sync()
        self.assertIn("where the last archive of table things goes", self.landfall("decommission", status=2))
        self.assertIn("--yes --confirm things", self.landfall("decommission", "-o", "archive", "--delete-table", status=2))
        self.landfall("decommission", "-o", "archive", "--delete-table", "--yes", "--confirm", "things")
        with self.assertRaises(Refused):
            self.client("DescribeTable", TableName="things")
        self.assertIn("things: decommissioned already", self.landfall("decommission"))
        self.put(42, self.gateway)
        self.assertEqual(self.sql("SELECT count(*) FROM things.thing"), "32")
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.reverse_change"), "0")
        self.assertTrue((self.folder / "archive").is_dir())

    def test_status_shows_the_table(self):
        self.writes_moved()
        status = self.landfall_json("status")
        self.assertEqual([(row["table"], row["phase"]) for row in status["tables"]], [("things", "postgres")])
        self.assertEqual(status["reverse"][0]["changes not sent"], "0")
        self.assertEqual(len(status["gateways"]), 1)
        self.assertIn("Reverse sync", self.landfall("status"))


if __name__ == "__main__":
    unittest.main()
