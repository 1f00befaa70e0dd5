"""landfall follow against a stream that splits, closes, expires, throttles, cuts connections and loses records (stream_server.py)."""
import json
import time

from harness import DatabaseCase, SECONDS_MAX, text_of, things, unittest
from live import CREDENTIALS, item_of, key_of
from stream_server import Refusal, StreamServer


class StreamCase(DatabaseCase):
    def setUp(self):
        super().setUp()
        self.dynamodb = StreamServer()
        self.addCleanup(self.dynamodb.stop)
        self.environment.update(CREDENTIALS, AWS_ENDPOINT_URL_DYNAMODB=self.dynamodb.url)
        self.write("source.json", text_of(things(20)))
        self.prepare("source.json", "--key", "pk:S,sk:S", "--table", "things")

    def put(self, shard, number, label="a", old=None):
        self.dynamodb.write(shard, key_of(number), item_of(number, label={"S": label}), old)

    def remove(self, shard, number):
        self.dynamodb.write(shard, key_of(number), None)

    def follow(self, *options, status=0):
        return self.landfall("follow", *options, status=status)

    def catch_up(self):
        return json.loads(self.follow("--until-caught-up", "--json").splitlines()[-1])["tables"][0]

    def captured(self):
        """Sequence numbers in the order in which they were captured."""
        return [int(line) for line in self.sql("SELECT sequence_number FROM landfall.spool ORDER BY id").splitlines()]

    def drained(self):
        return self.sql("SELECT shard_id FROM landfall.stream_shard WHERE is_drained ORDER BY 1").split()


class Lineage(StreamCase):
    def test_a_parent_is_read_to_its_end_before_its_children(self):
        self.dynamodb.add_shard("shard-1")
        self.dynamodb.records_per_page = 3
        for number in range(20):
            self.put("shard-1", 1, str(number))
        self.dynamodb.split("shard-1", "shard-2", "shard-3")
        for number in range(20):
            self.put("shard-2", 1, f"child {number}")
        self.dynamodb.split("shard-2", "shard-0")  # its name tells nothing
        for number in range(20):
            self.put("shard-0", 1, f"grandchild {number}")
        self.catch_up()
        self.assertEqual(self.captured(), list(range(1, 61)))
        self.assertEqual(self.drained(), ["shard-1", "shard-2"])

    def test_shards_that_come_later_are_found(self):
        self.dynamodb.add_shard("shard-1")
        self.put("shard-1", 1)
        self.catch_up()
        follower = self.start("follow")
        for generation in range(1, 5):
            self.dynamodb.split(f"shard-{generation}", f"shard-{generation + 1}")
            self.put(f"shard-{generation + 1}", 1, str(generation))
        deadline = time.monotonic() + SECONDS_MAX
        while len(self.captured()) < 5 and time.monotonic() < deadline:
            time.sleep(0.1)
        follower.terminate()
        follower.communicate(timeout=60)
        self.assertEqual(self.captured(), [1, 2, 3, 4, 5])

    def test_hundreds_of_shards_in_many_pages(self):
        self.dynamodb.shards_per_page = 7
        for number in range(150):
            self.dynamodb.add_shard(f"shard-{number:03}")
            self.put(f"shard-{number:03}", number)
        self.assertEqual(self.catch_up()["shards"], 150)
        self.assertEqual(sorted(self.captured()), list(range(1, 151)))

    def test_the_parent_of_an_old_shard_may_be_gone_from_the_beginning(self):
        self.dynamodb.add_shard("shard-2", "shard-1")
        self.put("shard-2", 1)
        self.catch_up()
        self.assertEqual(self.captured(), [1])


class Trouble(StreamCase):
    def setUp(self):
        super().setUp()
        self.dynamodb.add_shard("shard-1")

    def test_iterators_expire(self):
        self.dynamodb.records_per_page = 5
        calls = iter(range(1000))
        self.dynamodb.on["GetRecords"] = lambda body: self.dynamodb.expire_iterators() if next(calls) % 3 == 1 else None
        for number in range(40):
            self.put("shard-1", number)
        self.catch_up()
        self.assertEqual(self.captured(), list(range(1, 41)))

    def test_answers_that_are_cut_come_again(self):
        self.dynamodb.records_per_page = 5
        self.dynamodb.cuts = 4
        for number in range(40):
            self.put("shard-1", number)
        self.catch_up()
        self.assertEqual(self.captured(), list(range(1, 41)))

    def test_throttling_is_waited_out(self):
        left = [8]

        def throttle(body):
            left[0] -= 1
            if left[0] >= 0:
                raise Refusal(["LimitExceededException", "ProvisionedThroughputExceededException"][left[0] % 2], "slow down")

        for operation in ("DescribeStream", "GetShardIterator", "GetRecords"):
            self.dynamodb.on[operation] = throttle
        self.put("shard-1", 1)
        self.catch_up()
        self.assertEqual(self.captured(), [1])

    def test_a_batch_that_comes_twice_is_there_once(self):
        """As when the process that read it died before it could tell."""
        for number in range(10):
            self.put("shard-1", number)
        self.catch_up()
        self.sql("UPDATE landfall.stream_shard SET sequence_number = '000000000000000000004'; DELETE FROM landfall.spool WHERE sequence_number > '000000000000000000004'")
        self.catch_up()
        self.assertEqual(self.captured(), list(range(1, 11)))

    def test_two_that_both_think_it_is_theirs_do_no_harm(self):
        self.dynamodb.records_per_page = 2
        self.put("shard-1", 0)
        self.catch_up()
        self.dynamodb.on["GetRecords"] = lambda body: time.sleep(0.02)
        followers = []
        for _ in range(2):
            followers.append(self.start("follow"))
            time.sleep(1)
            self.sql("UPDATE landfall.lease SET holder = NULL")
        for number in range(100):
            self.put("shard-1", number)
            if number % 20 == 0:
                self.sql("UPDATE landfall.lease SET holder = NULL")
        time.sleep(1)
        for follower in followers:
            follower.terminate()
            follower.communicate(timeout=60)
        self.dynamodb.on.clear()
        self.catch_up()
        self.assertEqual(self.captured(), list(range(1, 102)))


class Gaps(StreamCase):
    """What the stream drops before it is read fails loudly, and again, until somebody says to go on."""

    def setUp(self):
        super().setUp()
        self.dynamodb.add_shard("shard-1")
        for number in range(5):
            self.put("shard-1", number)
        self.catch_up()

    def check(self, what, captured):
        for _ in range(2):
            self.assertIn(what, self.follow("--until-caught-up", status=4))
        self.assertIn(what, self.sql("SELECT string_agg(gap, ',') FROM landfall.stream_shard"))
        self.assertNotEqual(self.sql("SELECT count(*) FROM landfall.event WHERE what = 'gap'"), "0")
        self.follow("--until-caught-up", "--skip-gaps")
        self.assertEqual(self.captured(), captured)

    def test_records_are_trimmed(self):
        for number in range(5):
            self.put("shard-1", number)
        self.dynamodb.trim("shard-1", 8)
        self.check("has dropped what follows", [1, 2, 3, 4, 5, 9, 10])

    def test_a_shard_that_was_not_read_to_its_end_is_gone(self):
        self.dynamodb.split("shard-1", "shard-2")
        self.dynamodb.drop_shard("shard-1")
        self.put("shard-2", 1)
        self.check("is gone", [1, 2, 3, 4, 5, 6])

    def test_a_shard_came_and_went_unseen(self):
        self.dynamodb.split("shard-1", "shard-2")
        self.put("shard-2", 1)
        self.dynamodb.split("shard-2", "shard-3")
        self.put("shard-3", 1)
        self.dynamodb.drop_shard("shard-2")
        self.check("came and went unread", [1, 2, 3, 4, 5, 7])

    def test_the_stream_is_switched_off(self):
        self.put("shard-1", 1)
        self.dynamodb.close_shard("shard-1")
        self.dynamodb.on["DescribeTable"] = lambda body: None
        stream = self.dynamodb.DescribeStream
        self.dynamodb.DescribeStream = lambda body: {"StreamDescription": {**stream(body)["StreamDescription"], "StreamStatus": "DISABLED"}}
        self.assertIn("switched off", self.follow(status=4))
        self.assertEqual(self.captured(), [1, 2, 3, 4, 5, 6])

    def test_rows_are_readable_again_when_a_verify_has_mended_them(self):
        self.landfall("backfill", "dynamodb://things")
        self.assertEqual(self.catch_up()["state"], "readable")
        for number in range(5):
            self.put("shard-1", number, "b")
        self.dynamodb.trim("shard-1", 8)
        self.follow("--until-caught-up", status=4)
        self.assertEqual(self.sql("SELECT readable_at IS NULL FROM landfall.phase"), "t")
        self.follow("--until-caught-up", "--skip-gaps")
        self.assertEqual(self.sql("SELECT readable_at IS NULL FROM landfall.phase"), "t")
        self.assertIn("gap in the stream: changes were lost", self.landfall("cutover", "reads", status=4))
        self.assertIn("differ", self.landfall("verify", "dynamodb://things", "--settle", "0", status=3))
        follower = self.start("follow", "--skip-gaps")
        self.landfall("verify", "dynamodb://things", "--repair", "--yes", "--settle", "5")
        self.landfall("verify", "dynamodb://things")
        follower.terminate()
        self.assertEqual(follower.wait(60), 0)
        follower.communicate()
        self.assertEqual(self.catch_up()["state"], "readable")
        self.assertNotIn("gap in the stream", self.landfall("cutover", "reads", status=4))


if __name__ == "__main__":
    unittest.main()
