"""A backfill that is stopped or killed in the middle: the same command loads what is missing and nothing twice."""
import subprocess
import time

from harness import *

ITEMS = 36000
PADDING = "x" * 4000
INTERRUPTED = 130
CHUNKS_BEFORE = 2
NOTICE_SECONDS = 2  # a signal is looked for four times a second
# Rows of the second half wait for whoever holds the lock.
GATE = f"""
CREATE FUNCTION public.wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NEW; END';
CREATE TRIGGER gate BEFORE INSERT ON things.thing FOR EACH ROW WHEN (NEW.thing_id::text::integer >= {ITEMS // 2}) EXECUTE FUNCTION public.wait();
"""


class Resume(DatabaseCase):
    def setUp(self):
        super().setUp()
        self.write("data/items.jsonl", text_of(thing(number, padding={"S": PADDING}) for number in range(ITEMS)))
        self.prepare("data", *KEY)

    def wait_for_chunks(self, process):
        deadline = time.monotonic() + SECONDS_MAX
        while time.monotonic() < deadline:
            self.assertIsNone(process.poll(), "the load ended before it could be stopped")
            if int(self.sql("SELECT count(*) FROM landfall.segment")) >= CHUNKS_BEFORE:
                return
        self.fail("no chunk was loaded in time")

    def stop_in_the_middle(self, how):
        """Lets some chunks in, holds those behind them halfway, and sends the signal."""
        self.sql(GATE)
        holder = self.psql(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        holder.stdin.write("SELECT pg_advisory_lock(1), 'held';\n")
        holder.stdin.flush()
        self.assertEqual(holder.stdout.readline(), "|held\n")
        process = self.start("backfill", "data", *KEY, "--jobs", "2")
        self.wait_for_chunks(process)
        self.assertIn(f"\nload 1: process {process.pid} on ", self.landfall("migrate", "status"))
        process.send_signal(how)
        if how != signal.SIGKILL:
            time.sleep(NOTICE_SECONDS)
        holder.communicate(timeout=SECONDS_MAX)
        _, errors = process.communicate(timeout=SECONDS_MAX)
        return process.returncode, errors

    def assert_goes_on(self):
        self.sql("DROP TRIGGER gate ON things.thing")
        before = int(self.sql("SELECT coalesce(sum(items), 0) FROM landfall.segment"))
        self.assertGreater(before, 0)
        self.assertLess(before, ITEMS)
        self.assertEqual(int(self.sql("SELECT count(*) FROM things.thing")), before, "rows and progress are one transaction")
        result = self.landfall_json("backfill", "data", *KEY)
        self.assertEqual([result["items"], result["resumed"]], [ITEMS, before])
        self.assertEqual(self.sql("SELECT count(*), count(DISTINCT thing_id) FROM things.thing"), f"{ITEMS}|{ITEMS}")
        self.assertIn(" 0 differences, 0 missing, 0 extra", self.landfall("verify", "data", *KEY, "--reread"))

    def test_interrupted(self):
        status, errors = self.stop_in_the_middle(signal.SIGINT)
        self.assertEqual(status, INTERRUPTED, errors)
        self.assertIn("the same command goes on from here", errors)
        self.assert_goes_on()

    def test_killed(self):
        status, _ = self.stop_in_the_middle(signal.SIGKILL)
        self.assertEqual(status, -signal.SIGKILL)
        self.wait_until_gone()
        self.assert_goes_on()

    def wait_until_gone(self):
        """The server notices the death of its client when it next reads from it."""
        deadline = time.monotonic() + SECONDS_MAX
        while self.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'landfall%'") != "0":
            self.assertLess(time.monotonic(), deadline)


if __name__ == "__main__":
    unittest.main()
