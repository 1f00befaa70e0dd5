"""landfall follow for a table without a stream: a chain of incremental exports that lie in a place."""
import json
import re
import subprocess
import time

from exports import ION_BINARY, ION_TEXT, changes_between, export_files, time_text, window_summary
from harness import SECONDS_MAX, unittest
from live import LiveCase, MovingCase, item_of, key_of

PRECONDITION = 4
MINUTE = 60
CAPTURED = "SELECT captured_to FROM landfall.stream_shard"


class ChainCase(LiveCase):
    """Exports in a folder. Their clock is the tests': what ends in an hour is ahead of all that has happened."""

    STREAM = None

    def setUp(self):
        super().setUp()
        self.place = self.folder / "exports"
        self.place.mkdir()
        self.begin = int(time.time()) - 120 * MINUTE
        self.seen, self.windows = {}, 0

    def lay(self, name, records, summary, **how):
        for key, content in export_files(name, self.TABLE, records, summary, **how).items():
            self.write(self.place / key, content)

    def lay_full(self):
        self.seen = self.items_there()
        self.lay("0-full", [{"Item": item} for item in self.seen.values()], {"exportTime": time_text(self.begin)})

    def lay_window(self, begin, end, name=None, changes=None, **how):
        """From and to in minutes since the beginning: what has changed since the window before."""
        items = self.items_there()
        changes = changes_between(self.seen, items) if changes is None else changes
        self.seen, self.windows = items, self.windows + 1
        name = name or f"1-window{self.windows:02}"
        self.lay(name, changes, window_summary(self.begin + begin * MINUTE, self.begin + end * MINUTE), **how)
        return changes

    def load_full(self):
        self.landfall("backfill", self.place / "AWSDynamoDB" / "0-full", "--key", "pk:S,sk:S")

    def follow_exports(self, *options, status=0):
        return self.follow("--exports", self.place, *options, status=status)

    def catch_up(self, *options):
        last = self.follow("--until-caught-up", "--json", *options).splitlines()[-1]
        return json.loads(last)["tables"][0]

    def age_of(self, minutes):
        """Seconds since then, and those by which clocks may differ."""
        return time.time() - self.begin - minutes * MINUTE + 10

    def time_of(self, minutes):
        return time_text(self.begin + minutes * MINUTE)


class FollowExports(ChainCase):
    def test_those_that_are_there_and_those_that_come(self):
        for number in range(6):
            self.put(number)
        self.lay_full()
        self.put(0, label={"S": "first"})
        self.delete(1)
        self.lay_window(0, 15, form=ION_TEXT)
        self.put(0, label={"S": "second"})
        self.put(1, label={"S": "again"})
        self.lay_window(15, 40, form=ION_BINARY)
        self.assertIn("follow, waits for the backfill; exports to ", self.follow_error_text("--exports", self.place, "--until-caught-up"))
        self.load_full()
        applied = self.catch_up()
        self.assertEqual((applied["by_exports"], applied["applied"], applied["state"]), (True, 4, "applies"))
        age = self.age_of(40)
        self.assertTrue(80 * MINUTE <= applied["lag_seconds"] <= age, "the end of the last window, by clocks that may differ")
        self.assert_same()
        self.assertEqual(self.sql("SELECT readable_at IS NULL FROM landfall.phase"), "t", "no export reaches beyond the backfill")
        self.assertGreaterEqual(int(re.search(r"things +1 +(\d+) +0", self.landfall("status"))[1]), 80 * MINUTE)
        self.delete(0)
        self.put(7)
        self.lay_window(40, 180)
        self.assertEqual(self.catch_up()["state"], "readable")
        self.assert_same()

    def follow_error_text(self, *options):
        process = self.start("follow", "dynamodb://things", *options)
        output, errors = process.communicate(timeout=SECONDS_MAX)
        self.assertEqual(process.returncode, 0, output + errors)
        return errors

    def test_a_gap_names_both_windows_and_what_fills_it_goes_on(self):
        self.put(1)
        self.lay_full()
        self.lay_window(0, 15)
        self.put(2)
        self.windows += 1
        between = changes_between(self.seen, self.items_there())
        self.seen = self.items_there()
        self.put(3)
        self.lay_window(30, 45)
        self.load_full()
        errors = self.follow_exports("--until-caught-up", status=PRECONDITION)
        for part in (self.time_of(0), self.time_of(15), self.time_of(30), self.time_of(45), "1-window03", "--skip-gaps"):
            self.assertIn(part, errors)
        started = self.write(self.place / "AWSDynamoDB" / "9-other" / "_started", "")
        self.follow("--until-caught-up")
        self.assertEqual(self.sql("SELECT count(*) FROM things.thing"), "1", "an export that is still being made may be what is missing")
        started.unlink()
        self.lay_window(15, 30, "1-window02", between)
        self.catch_up()
        self.assert_same()

    def test_a_gap_that_is_skipped_is_mended_by_verify(self):
        self.put(1)
        self.lay_full()
        self.load_full()
        self.put(2)
        self.seen = self.items_there()
        self.put(3)
        self.lay_window(20, 180)
        self.follow_exports("--until-caught-up", "--skip-gaps")
        self.assertEqual(self.sql("SELECT readable_at IS NULL FROM landfall.phase"), "t")
        self.assertIn(self.time_of(20), self.sql("SELECT gap FROM landfall.stream_shard"))
        follower = self.start("follow", "dynamodb://things")
        self.wait_for_worker()
        self.start("verify", "dynamodb://things", "--repair", "--yes", "--settle", "5").communicate(timeout=SECONDS_MAX)
        self.assertIn("0 missing", self.landfall("verify", "dynamodb://things", "--settle", "1"))
        self.wait_for(lambda: self.sql("SELECT readable_at IS NOT NULL FROM landfall.phase") == "t")
        follower.terminate()
        follower.communicate(timeout=SECONDS_MAX)
        self.assert_same()

    def test_duplicates_and_overlaps_are_taken_once(self):
        self.put(1)
        self.lay_full()
        self.load_full()
        self.put(2)
        first = self.lay_window(0, 15)
        self.lay_window(0, 15, "1-twin", first)
        self.put(1, label={"S": "later"})
        second = self.lay_window(10, 30)
        self.lay_window(12, 20, "1-within", [])
        self.follow_exports("--until-caught-up", "--json")
        self.assertEqual(self.sql("SELECT split_part(sequence_number, '/', 2) FROM landfall.stream_shard"), self.time_of(30).replace(".000Z", ".000000Z"))
        self.assert_same()
        self.lay_window(0, 30, "0-twin-that-comes-late", first + second)
        self.assertEqual(self.catch_up()["captured"], 0)

    def test_what_ended_before_the_full_export_is_left_out(self):
        self.put(1)
        self.lay_window(-30, -15, changes=changes_between({}, {("x", "x"): item_of(99)}))
        self.lay_full()
        self.load_full()
        self.put(2)
        self.lay_window(-5, 15)
        self.follow_exports("--until-caught-up")
        self.assert_same()

    def hold(self, table, key):
        """Who inserts that key there waits until the connection is closed."""
        self.sql(f"""CREATE FUNCTION landfall.hold() RETURNS trigger LANGUAGE plpgsql AS
                     $$BEGIN IF NEW.{key} THEN PERFORM pg_advisory_xact_lock(42); END IF; RETURN NEW; END$$;
                     CREATE TRIGGER hold BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION landfall.hold()""")
        holder = self.psql(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        holder.stdin.write("SELECT pg_advisory_lock(42), 'held';\n")
        holder.stdin.flush()
        self.assertEqual(holder.stdout.readline(), "|held\n")
        return holder

    def kill_when_held(self, *arguments):
        process = self.start(*arguments)
        self.wait_for(lambda: self.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") != "0")
        process.kill()
        process.communicate(timeout=SECONDS_MAX)

    def release(self, holder, table):
        holder.communicate("", timeout=SECONDS_MAX)
        self.wait_for(lambda: self.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42") == "0")
        self.sql(f"DROP TRIGGER hold ON {table}; DROP FUNCTION landfall.hold()")

    def test_killed_in_the_middle_of_an_export(self):
        """Each data file is a chunk; what was captured of it is not captured again."""
        self.lay_full()
        for number in range(12):
            self.put(number)
        self.lay_window(0, 15, data_files=6)
        self.put(0, label={"S": "later"})
        self.lay_window(15, 180)
        self.refuse_an_empty_place()
        holder = self.hold("landfall.spool", "key->'pk'->>'S' = 'thing|7'")
        self.kill_when_held("follow", "dynamodb://things", "--exports", self.place)
        self.release(holder, "landfall.spool")
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.spool"), "6", "three chunks of two; 7 is in the fourth")
        self.assertRegex(self.sql("SELECT sequence_number FROM landfall.stream_shard"), r"^\S+ [0-9a-f]{16} 3$")
        self.assertEqual(self.sql("SELECT captured_to <= follows_since FROM landfall.stream_shard, landfall.phase"), "t")
        self.follow("--until-caught-up")
        self.assertEqual(self.sql("SELECT count(*), count(DISTINCT key->'pk'->>'S') FROM landfall.spool"), "13|12")
        self.load_full()
        holder = self.hold("things.thing", "thing_id = '0'")
        self.kill_when_held("follow", "dynamodb://things")
        self.release(holder, "things.thing")
        self.assertEqual(self.sql("SELECT (SELECT count(*) FROM landfall.spool), (SELECT count(*) FROM things.thing)"), "13|0")
        self.assertEqual(self.catch_up()["state"], "readable")
        self.assert_same()

    def refuse_an_empty_place(self):
        """The schema is there then."""
        empty = self.folder / "empty"
        empty.mkdir()
        self.assertIn("holds no export of table things", self.follow("--exports", empty, status=PRECONDITION))
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.phase"), "0")

    def test_the_place_is_remembered_and_may_move(self):
        self.put(1)
        self.lay_full()
        self.load_full()
        self.follow_exports("--until-caught-up")
        self.put(2)
        self.lay_window(0, 180)
        moved = self.place.rename(self.folder / "moved")
        self.assertIn("exports", self.follow("--until-caught-up", status=1))
        self.follow("--exports", moved, "--until-caught-up")
        self.assertEqual(self.sql("SELECT stream_arn FROM landfall.phase"), str(moved))
        self.assert_same()
        self.assertIn("leave --enable-stream out", self.follow("--exports", moved, "--enable-stream", status=2))
        errors = self.follow("--request-exports", "15", status=PRECONDITION)
        self.assertRegex(errors, "no point-in-time recovery|S3")

    def test_a_table_that_is_followed_by_its_stream_goes_on_so(self):
        self.STREAM = "NEW_AND_OLD_IMAGES"
        self.create_table()
        self.follow("--until-caught-up")
        self.assertIn("followed by its stream", self.follow_exports(status=PRECONDITION))

    def test_a_line_that_is_no_change_stops_it(self):
        self.lay_full()
        self.load_full()
        self.put(1)
        self.lay_window(0, 180, changes=[*changes_between({}, self.items_there()), {"Keys": {"pk": {"S": "a"}}}])
        self.assertRegex(self.follow_exports("--until-caught-up", status=1), r"1-window01-1\.json\.gz:1: .*sk")


class Phases(ChainCase, MovingCase):
    """Gateways write both sides, then PostgreSQL alone, of a table whose other changes come by exports."""

    def status_of(self, what):
        return self.sql(f"SELECT {what} FROM landfall.phase")

    def wait_until_applied(self, minutes):
        self.wait_for(lambda: self.sql(f"SELECT s.captured_to > timestamptz '{self.time_of(minutes)}' - interval '1 minute' AND NOT EXISTS"
                                       " (SELECT FROM landfall.spool) FROM landfall.stream_shard s") == "t")

    def refused(self, *arguments):
        return self.landfall("cutover", *arguments, status=PRECONDITION)

    def test_writes_move_when_the_exports_have_passed_the_gateways(self):
        self.lay_full()
        self.load_full()
        self.follow_exports("--until-caught-up")
        self.follow_and_serve()
        self.put(40)
        self.lay_window(0, 180)
        self.wait_for(lambda: self.status_of("readable_at IS NOT NULL") == "t")
        self.put(41)
        self.assertIn("--percent 0", self.refused("reads", "--percent", "10"))
        self.landfall("cutover", "reads", "--percent", "0")
        self.assertEqual(self.status_of("phase, written_since IS NOT NULL"), "dual write|t")
        self.put(1, client=self.gateway, label={"S": "both"})
        self.put(2, client=self.gateway, label={"S": "both"})
        # This export knows what was before the gateways wrote, and of what they wrote only the first; 2 it has as it was.
        self.sql(f"UPDATE landfall.phase SET written_since = timestamptz '{self.time_of(200)}'")
        for step in (("reads", "--percent", "10"), ("writes", "--force")):
            self.assertIn("exports that are applied end at", self.refused(*step))
        self.lay_window(180, 240, changes=changes_between({}, {("40", ""): item_of(41), ("1", ""): item_of(2)}))
        self.wait_until_applied(240)
        self.assert_same()
        self.landfall("verify", "dynamodb://things", "--settle", "1")
        self.landfall("cutover", "reads", "--percent", "100")
        self.landfall("cutover", "writes", "things")
        self.seen = self.items_there()
        self.look_for_late_writers()

    def look_for_late_writers(self):
        self.put(3, client=self.gateway, label={"S": "ours"})
        self.delete(4, client=self.gateway)
        self.wait_for_reverse_sync()
        sent = self.lay_window(240, 300)
        self.assertEqual(len(sent), 2)
        self.put(3, client=self.gateway, label={"S": "ours, later"})
        self.put(5, label={"S": "late"})
        self.wait_for_reverse_sync()
        self.lay_window(300, 360)
        self.wait_until_applied(360)
        self.assertEqual(self.sql("SELECT key->'pk'->>'S' FROM landfall.late_write"), "thing|5")

    def test_what_reverse_sync_sent_is_known_until_the_exports_have_passed_it(self):
        """An hour later in the gateway's eyes."""
        self.lay_full()
        self.load_full()
        self.follow_exports("--until-caught-up")
        self.sql("UPDATE landfall.phase SET phase = 'postgres', flipped_at = clock_timestamp()")
        self.sql("INSERT INTO landfall.reverse_sent (table_name, h, sk, sent_at) VALUES ('things', 'a', 'a', now() - interval '90 minutes'),"
                 " ('others', 'a', 'a', now() - interval '90 minutes')")
        self.follow_and_serve()
        self.wait_for(lambda: self.sql("SELECT string_agg(table_name, ' ') FROM landfall.reverse_sent") == "things")
        self.assertIn("exports not through", self.landfall("decommission", "things", "-o", "archive", "--yes", status=PRECONDITION))
        self.lay_window(0, 180)
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.reverse_sent") == "0")

    def test_what_has_expired_is_no_late_writers(self):
        """Exports do not say who has removed an item. Gateways have put it again, under a later time, before DynamoDB's removal is known."""
        self.lay_full()
        self.load_full()
        self.follow_exports("--until-caught-up")
        self.client("UpdateTimeToLive", TableName="things", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expiresAt"})
        self.sql("UPDATE landfall.phase SET phase = 'postgres', flipped_at = clock_timestamp() - interval '1 day'")
        now = int(time.time())
        before = {number: item_of(number, **attributes) for number, attributes in enumerate((
            {"expiresAt": {"N": str(now - 3600)}}, {"expiresAt": {"N": str(now)}}, {"expiresAt": {"N": str(now + 1)}}, {}, {"expiresAt": {"S": str(now - 3600)}}))}
        self.lay_window(0, 180, changes=[*changes_between(before, {}, written=now), {"Keys": key_of(5)}])
        self.follow("--until-caught-up")
        self.assertEqual(self.sql("SELECT string_agg(key->'pk'->>'S', ' ' ORDER BY key->'pk'->>'S') FROM landfall.late_write"), "thing|2 thing|3 thing|4 thing|5")
        self.assertEqual(self.sql("SELECT string_agg(key->'pk'->>'S', ' ' ORDER BY key->'pk'->>'S') FROM landfall.reverse_change"), "thing|0 thing|1")


if __name__ == "__main__":
    unittest.main()
