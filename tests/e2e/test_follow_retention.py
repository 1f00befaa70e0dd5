"""A backfill that takes longer than the stream keeps its records: what was captured before it began, or while it ran, is applied after it."""
import json

from harness import unittest
from live import LiveCase, item_of, key_of
from stream_server import Refusal, StreamServer
from test_follow_stream import StreamCase

ITEMS, PER_PAGE = 60, 6


class SlowTable(StreamServer):
    """A scan of its first segment goes on page by page, as far as it is let; the others are empty."""

    def __init__(self):
        super().__init__()
        self.pages_allowed = 0

    def Scan(self, body):
        if body.get("Segment", 0) != 0 or "TotalSegments" not in body:
            return {"Items": [], "Count": 0, "ScannedCount": 0}
        number = int(body["ExclusiveStartKey"]["pk"]["S"].partition("|")[2]) + 1 if "ExclusiveStartKey" in body else 0
        if number // PER_PAGE >= self.pages_allowed:
            raise Refusal("ProvisionedThroughputExceededException", "slowly")
        numbers = range(number, min(number + PER_PAGE, ITEMS))
        items = [item for item in (self.items.get(json.dumps(key_of(each), sort_keys=True)) for each in numbers) if item]
        more = {"LastEvaluatedKey": key_of(numbers[-1])} if numbers[-1] + 1 < ITEMS else {}
        return {"Items": items, "Count": len(items), "ScannedCount": len(items), **more}


class Retention(StreamCase):
    items_here, wait_for = LiveCase.items_here, staticmethod(LiveCase.wait_for)

    def setUp(self):
        super().setUp()
        self.dynamodb = SlowTable()
        self.addCleanup(self.dynamodb.stop)
        self.environment["AWS_ENDPOINT_URL_DYNAMODB"] = self.dynamodb.url

    def lose_what_is_captured(self):
        """The stream keeps nothing of what the follower has, and the follower has all."""
        shard = self.dynamodb.shards["shard-1"]
        self.wait_for(lambda: self.sql("SELECT max(sequence_number) FROM landfall.stream_shard") == f"{self.dynamodb.number:021}")
        self.dynamodb.trim("shard-1", len(shard.records))

    def change_everywhere(self, round):
        """Behind the scan, where it is, and before it."""
        for number in range(round % 3, ITEMS, 3):
            if (number + round) % 4 == 0:
                self.remove("shard-1", number)
            else:
                self.put("shard-1", number, f"round {round}")

    def test_a_backfill_that_outlives_the_stream_ends_consistent(self):
        self.dynamodb.add_shard("shard-1")
        for number in range(ITEMS):
            self.put("shard-1", number)
        follower = self.start("follow", "--json")
        self.addCleanup(follower.communicate)
        self.addCleanup(follower.terminate)
        self.wait_for(lambda: self.sql("SELECT count(*) FROM pg_tables WHERE tablename = 'stream_shard'") == "1")
        self.lose_what_is_captured()
        backfill = self.start("backfill", "dynamodb://things", "-j", "1")
        for page in range(ITEMS // PER_PAGE):
            self.change_everywhere(page)
            self.lose_what_is_captured()
            self.dynamodb.pages_allowed = page + 1
        output, errors = backfill.communicate(timeout=60)
        self.assertEqual(backfill.returncode, 0, output + errors)
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.phase WHERE readable_at IS NOT NULL") == "1")
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.spool") == "0")
        there = {(item["pk"]["S"], item["sk"]["S"]): item for item in self.dynamodb.items.values() if item}
        self.assertEqual(self.items_here(), there)
        self.assertEqual(there["thing|0", "thing|0"], item_of(0, label={"S": "round 9"}))
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.stream_shard WHERE gap IS NOT NULL"), "0")


if __name__ == "__main__":
    unittest.main()
