"""landfall follow against a table in use: nothing lost, nothing twice, whatever is written, killed or moved meanwhile."""
import json
import signal
import time

from harness import things, text_of, unittest
from live import LiveCase, Writers, item_of, key_of

ROUNDS_OF_KILLS = 6


class Follow(LiveCase):
    def test_what_was_written_long_before_the_backfill_is_applied_after_it(self):
        for number in range(50):
            self.put(number)
        self.assertEqual(self.catch_up()["state"], "waits for the backfill")
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.spool"), "50")
        self.delete(3)
        self.put(7, label={"S": "changed"})
        self.backfill()
        self.delete(4)
        self.put(60)
        last = self.catch_up()
        self.assertEqual((last["state"], last["captured"], last["applied"]), ("readable", 4, 54))
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.spool"), "0")
        self.assert_same()

    def test_writers_race_with_capture_backfill_and_apply(self):
        for number in range(100):
            self.put(number)
        self.follow("--until-caught-up")
        writers = Writers(self)
        follower = self.start("follow", "dynamodb://things")
        time.sleep(1)
        self.backfill()
        time.sleep(2)
        self.assertGreater(writers.stop(), 100)
        follower.send_signal(signal.SIGTERM)
        self.assertEqual(follower.wait(60), 0, follower.communicate())
        follower.communicate()
        self.catch_up()
        self.assert_same()
        self.landfall("verify", "dynamodb://things")

    def test_killed_at_any_moment_nothing_is_lost_or_twice(self):
        self.follow("--until-caught-up")
        self.backfill()
        writers = Writers(self, count=2)
        for number in range(ROUNDS_OF_KILLS):
            follower = self.start("follow", "dynamodb://things", "--lease", "1")
            time.sleep(0.3 + 0.25 * number)
            follower.kill()
            follower.communicate()
        written = writers.stop()
        self.catch_up()
        self.assert_same()
        self.assertGreater(written, 100)
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.spool"), "0")

    def test_every_record_is_captured_once(self):
        numbers = iter(range(100000))
        for _ in range(4):
            follower = self.start("follow", "dynamodb://things", "--lease", "1")
            for _ in range(60):
                self.put(next(numbers))
            follower.kill()
            follower.communicate()
        self.catch_up()
        self.assertEqual(self.sql("SELECT count(*), count(DISTINCT (shard_id, sequence_number)), count(DISTINCT key::text) FROM landfall.spool"), "240|240|240")

    def test_another_process_stands_by_and_takes_over(self):
        self.follow("--until-caught-up")
        first = self.start("follow", "dynamodb://things")
        self.wait_for_worker()
        second = self.start("follow", "dynamodb://things", "--json")
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.worker WHERE work = 'follow'") == "2")
        self.put(1)
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.spool") == "1")
        first.kill()
        first.communicate()
        self.put(2)
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.spool") == "2")
        second.send_signal(signal.SIGINT)
        output, errors = second.communicate(timeout=60)
        self.assertEqual(second.returncode, 0, errors)
        self.assertEqual(json.loads(output.splitlines()[-1])["tables"][0]["captured"], 1)

    def test_a_server_that_restarts_is_waited_for(self):
        self.follow("--until-caught-up")
        follower = self.start("follow", "dynamodb://things")
        self.wait_for_worker()
        self.server.crash()
        time.sleep(0.5)
        self.server.start()
        self.put(1)
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.spool") == "1")
        follower.terminate()
        errors = follower.communicate(timeout=60)[1]
        self.assertEqual(follower.returncode, 0, errors)
        self.assertIn("trying again", errors)

    def test_an_export_from_before_is_refused(self):
        self.follow("--until-caught-up")
        errors = self.landfall("backfill", "source.json", "--key", "pk:S,sk:S", "--table", "things", status=4)
        self.assertIn("is followed since", errors)
        self.backfill()
        self.catch_up()
        self.assertIn("dynamodb://things", self.landfall("verify", status=4))

    def test_a_scan_from_before_does_not_count(self):
        self.put(1)
        self.backfill()
        self.assertEqual(self.catch_up()["state"], "waits for the backfill")

    def test_what_is_not_there_is_told(self):
        self.assertIn("has no table other", self.landfall("follow", "dynamodb://other", status=1))
        self.assertIn("not a table in use", self.landfall("follow", "source.json", status=2))
        self.client("DeleteTable", TableName="things")
        self.assertIn("things", self.follow(status=1))


class DualWrite(LiveCase):
    """Where gateways write both sides, a record is a hint. Their part is played by SQL."""

    def setUp(self):
        super().setUp()
        self.put(1)
        self.follow("--until-caught-up")
        self.backfill()
        self.catch_up()
        self.sql("UPDATE landfall.phase SET phase = 'dual write', epoch = epoch + 1")

    def label(self, number):
        return self.sql(f"SELECT label FROM things.thing WHERE thing_id = '{number}'")

    def test_what_somebody_else_wrote_is_repaired(self):
        self.put(1, label={"S": "theirs"})
        self.put(2)
        last = self.catch_up()
        self.assertEqual((last["phase"], last["repaired"]), ("dual write", 2))
        self.delete(2)
        self.catch_up()
        self.assert_same()
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.dirty_key"), "0")

    def test_what_is_equal_is_dropped(self):
        self.put(1, label={"S": "both"})
        self.sql("UPDATE things.thing SET label = 'both'")
        last = self.catch_up()
        self.assertEqual((last["repaired"], last["applied"]), (0, 1))

    def test_a_key_that_a_gateway_has_marked_is_left_until_it_is_through(self):
        self.sql("INSERT INTO landfall.dirty_key (table_name, h, sk, key, token, owner) SELECT 'things', substr(sha256('thing|1'), 1, 16), 'thing|1',"
                 " '{\"pk\":{\"S\":\"thing|1\"},\"sk\":{\"S\":\"thing|1\"}}', nextval('landfall.mark_token'), gen_random_uuid()")
        follower = self.start("follow", "dynamodb://things")
        self.put(1, label={"S": "theirs"})
        self.put(2)
        self.wait_for(lambda: self.sql("SELECT count(*) FROM things.thing") == "2" and self.sql("SELECT count(*) FROM landfall.spool") == "1")
        time.sleep(0.5)
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.spool"), "1")
        self.sql("DELETE FROM landfall.dirty_key")
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.spool") == "0")
        follower.terminate()
        self.assertEqual(follower.wait(60), 0)
        follower.communicate()
        self.assert_same()


class LateWriters(LiveCase):
    def setUp(self):
        super().setUp()
        self.put(1)
        self.follow("--until-caught-up")
        self.backfill()
        self.catch_up()
        self.sql("UPDATE landfall.phase SET phase = 'postgres', epoch = epoch + 1, flipped_at = clock_timestamp()")

    def test_who_still_writes_is_noticed_and_not_applied(self):
        self.put(1, label={"S": "late"})
        self.delete(1)
        self.put(2)
        self.assertEqual(self.catch_up()["late"], 3)
        self.assertEqual(self.sql("SELECT key -> 'pk' ->> 'S', item -> 'label' ->> 'S' FROM landfall.late_write ORDER BY id"), "thing|1|late\nthing|1|\nthing|2|number 2")
        self.assertEqual(self.sql("SELECT count(*) FROM things.thing"), "1")

    def test_what_reverse_sync_sent_is_no_news(self):
        self.sql("UPDATE things.thing SET label = 'ours'")
        self.put(1, label={"S": "ours"})
        self.sql("INSERT INTO landfall.reverse_sent (table_name, h, sk) SELECT 'things', substr(sha256('thing|1'), 1, 16), 'thing|1'")
        self.delete(1)
        last = self.catch_up()
        self.assertEqual((last["late"], last["applied"]), (0, 2))


class Streams(LiveCase):
    """Streams of other kinds, and none."""

    def make(self, view):
        self.STREAM = view
        self.create_table()

    def test_streams_without_new_images(self):
        for view in ("KEYS_ONLY", "OLD_IMAGE", "NEW_IMAGE"):
            with self.subTest(view):
                self.sql("DROP SCHEMA IF EXISTS landfall CASCADE; DROP SCHEMA IF EXISTS things CASCADE; DROP TABLE IF EXISTS public.schema_migrations")
                self.landfall("migrate", "up")
                self.make(view)
                self.put(1)
                self.follow("--until-caught-up")
                self.backfill()
                self.put(1, label={"S": "once"})
                self.put(1, label={"S": "twice"})
                self.put(2)
                self.put(3)
                self.delete(3)
                self.catch_up()
                self.assert_same()

    def test_a_table_without_a_stream_says_how_to_get_one(self):
        self.make(None)
        errors = self.follow(status=4)
        self.assertIn("--enable-stream", errors)
        self.follow("--enable-stream", "--until-caught-up")
        self.put(1)
        self.catch_up()
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.spool"), "1")

    def test_another_stream_in_its_place_is_a_gap(self):
        self.put(1)
        self.catch_up()
        self.client("UpdateTable", TableName="things", StreamSpecification={"StreamEnabled": False})
        self.wait_for(lambda: self.client("DescribeTable", TableName="things")["Table"]["TableStatus"] == "ACTIVE")
        self.assertIn("no stream", self.follow(status=4))
        errors = self.follow("--enable-stream", status=4)
        self.assertIn("another stream", errors)
        self.follow("--skip-gaps", "--until-caught-up")
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.stream_shard WHERE gap IS NOT NULL") != "0", True)


if __name__ == "__main__":
    unittest.main()
