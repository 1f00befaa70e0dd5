"""landfall follow where gateways write both sides, where PostgreSQL has the authority, and with streams of other kinds."""
import time

from harness import unittest
from live import LiveCase


class DualWrite(LiveCase):
    """Where gateways write both sides, a record is a hint. Their part is played by SQL."""

    def setUp(self):
        super().setUp()
        self.follow_one_thing()
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
        self.follow_one_thing()
        self.sql("UPDATE landfall.phase SET phase = 'postgres', epoch = epoch + 1, flipped_at = clock_timestamp()")

    def test_who_still_writes_is_noticed_and_not_applied(self):
        self.put(1, label={"S": "late"})
        self.delete(1)
        self.put(2)
        self.assertEqual(self.catch_up()["late"], 3)
        self.assertEqual(self.sql("SELECT key -> 'pk' ->> 'S', item -> 'label' ->> 'S' FROM landfall.late_write ORDER BY id"), "thing|1|late\nthing|1|\nthing|2|number 2")
        self.assertEqual(self.sql("SELECT count(*) FROM things.thing"), "1")
        self.assertIn("there is no late write 99", self.landfall("late-writes", "take", "99", status=1))
        self.landfall("late-writes", "take", "1")
        self.assertEqual(self.sql("SELECT label FROM things.thing"), "late")
        self.assertEqual(self.landfall_json("late-writes", "take"), {"taken": 2})
        self.assert_same()
        self.assertEqual(self.sql("SELECT DISTINCT resolution FROM landfall.late_write"), "taken")

    def test_nothing_is_taken_where_dynamodb_has_the_authority(self):
        self.put(1, label={"S": "late"})
        self.catch_up()
        self.sql("UPDATE landfall.phase SET phase = 'dual write'")
        self.assertIn("has not the authority", self.landfall("late-writes", "take", status=4))
        self.assertEqual(self.sql("SELECT label FROM things.thing"), "number 1")
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.late_write WHERE resolved_at IS NULL"), "1")

    def test_of_writes_on_both_sides_before_the_authority_changed_only_the_last_is_in_the_row(self):
        for label in ("first", "second", "last"):
            self.put(1, label={"S": label})
        self.put(2)
        self.delete(2)
        self.sql("UPDATE things.thing SET label = 'last'; UPDATE landfall.phase SET flipped_at = clock_timestamp() + interval '1 minute'")
        last = self.catch_up()
        self.assertEqual((last["late"], last["applied"]), (0, 5))

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

    def test_what_the_stream_does_not_tell_cannot_be_taken(self):
        self.make("KEYS_ONLY")
        self.put(1)
        self.follow("--until-caught-up")
        self.backfill()
        self.catch_up()
        self.sql("UPDATE landfall.phase SET phase = 'postgres', epoch = epoch + 1, flipped_at = clock_timestamp() - interval '1 minute'")
        self.put(1, label={"S": "late"})
        self.delete(2)
        self.put(2)
        self.delete(2)
        self.catch_up()
        self.assertIn("does not say what was written", self.landfall("late-writes", "take", status=4))
        self.assertEqual(self.sql("SELECT label FROM things.thing"), "number 1")

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
