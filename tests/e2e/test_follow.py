"""landfall follow against a table in use: nothing lost, nothing twice, whatever is written, killed or moved meanwhile."""
import json
import signal
import time

from harness import unittest
from live import LiveCase, Writers

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
        writers.work(100)
        writers.stop()
        follower.send_signal(signal.SIGTERM)
        self.assertEqual(follower.wait(60), 0, follower.communicate())
        follower.communicate()
        self.catch_up()
        self.assert_same()
        self.landfall("verify", "dynamodb://things")

    def test_a_key_that_is_written_all_the_while_is_no_difference(self):
        """Nobody follows here: whenever verify looks, another item is in DynamoDB than in the row, until the writer ends and the row is brought up."""
        for number in range(3):
            self.put(number)
        self.follow("--until-caught-up")
        self.backfill()
        self.catch_up()
        self.put(1, label={"S": "0"})
        verify = self.start("verify", "dynamodb://things", "--settle", "4")
        ends = time.monotonic() + 9
        while time.monotonic() < ends:
            self.put(1, label={"S": str(time.monotonic_ns())})
            time.sleep(0.1)
        self.assertIsNone(verify.poll(), "the key counted as different after four seconds")
        self.sql("UPDATE things.thing SET label = 'last' WHERE thing_id = '1'")
        self.put(1, label={"S": "last"})
        output, errors = verify.communicate(timeout=60)
        self.assertEqual(verify.returncode, 0, output + errors)
        self.put(1, label={"S": "different"})
        self.landfall("verify", "dynamodb://things", "--settle", "1", status=3)

    def test_killed_at_any_moment_nothing_is_lost_or_twice(self):
        self.follow("--until-caught-up")
        self.backfill()
        writers = Writers(self, count=2)
        for number in range(ROUNDS_OF_KILLS):
            follower = self.start("follow", "dynamodb://things", "--lease", "1")
            time.sleep(0.3 + 0.25 * number)
            follower.kill()
            follower.communicate()
        writers.work(100)
        writers.stop()
        self.catch_up()
        self.assert_same()
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


if __name__ == "__main__":
    unittest.main()
