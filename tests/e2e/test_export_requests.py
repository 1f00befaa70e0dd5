"""landfall follow --request-exports: Landfall asks AWS for the incremental exports of a table without a stream, which come to S3."""
import threading

from exports import ExportServer
from harness import SECONDS_MAX, unittest
from live import HEADERS, LiveCase
from s3_server import BUCKET, S3

PRECONDITION = 4
MINUTE = 60


class Requests(LiveCase):
    STREAM = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.s3 = S3()
        cls.addClassCleanup(cls.s3.stop)

    def setUp(self):
        super().setUp()
        aws = {name: value for name, value in self.s3.environment().items() if name.startswith("AWS_") or name == "no_proxy"}
        self.environment.update(aws, HOME=self.s3.folder)
        self.aws = ExportServer(self.dynamodb.url, HEADERS, lambda key, content: self.s3.put(key, content))
        self.addCleanup(self.aws.stop)
        self.environment["AWS_ENDPOINT_URL_DYNAMODB"] = self.aws.url
        self.prefix = f"team {self._testMethodName}"
        self.place = f"s3://{BUCKET}/{self.prefix}"

    def ask(self):
        process = self.start("follow", "dynamodb://things", "--exports", self.place, "--request-exports", "15")
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def captured_to(self, unix_seconds):
        self.wait_for(lambda: float(self.sql("SELECT coalesce(max(extract(epoch FROM captured_to)), 0) FROM landfall.stream_shard")) > unix_seconds - 30)

    def end(self, process):
        process.terminate()
        self.assertEqual(process.wait(SECONDS_MAX), 0)

    def specifications(self):
        return [(order["IncrementalExportSpecification"]["ExportFromTime"], order["IncrementalExportSpecification"]["ExportToTime"]) for order in self.aws.orders]

    def test_one_after_the_other(self):
        begin = self.aws.now
        self.aws.earliest = begin - 1
        self.put(1)
        follower = self.ask()
        self.wait_for_worker()
        self.backfill()
        self.put(2)
        self.aws.now = begin + 14 * MINUTE
        self.wait_for(lambda: self.sql("SELECT applies_since IS NOT NULL FROM landfall.phase") == "t")
        self.assertEqual(self.aws.orders, [], "less than is exported at a time")
        self.aws.polls = 3
        self.aws.now = begin + 20 * MINUTE
        self.captured_to(begin + 20 * MINUTE)
        self.put(1, label={"S": "later"})
        self.aws.now = begin + 60 * 60 * 30
        self.captured_to(begin + 60 * 60 * 30)
        self.wait_for(lambda: self.sql("SELECT readable_at IS NOT NULL FROM landfall.phase") == "t")
        self.assert_same()
        self.end(follower)
        day = 24 * 60 * 60
        first, second = begin + 20 * MINUTE, begin + 20 * MINUTE + day
        self.assertEqual(self.specifications(), [(begin, first), (first, second), (second, begin + 60 * 60 * 30)])
        order = self.aws.orders[0]
        self.assertEqual((order["S3Bucket"], order["S3Prefix"], order["ExportType"]), (BUCKET, self.prefix, "INCREMENTAL_EXPORT"))
        self.assertEqual(order["IncrementalExportSpecification"]["ExportViewType"], "NEW_AND_OLD_IMAGES")
        self.assertEqual(len({order["ClientToken"] for order in self.aws.orders}), 3)
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.export_request"), "0")

    def test_a_restart_does_not_ask_twice(self):
        """The answer is on its way when the process dies: the next one asks with the same token."""
        begin, arrived, held = self.aws.now, threading.Event(), threading.Event()
        self.put(1)
        follower = self.ask()
        self.wait_for_worker()
        self.aws.before_answer = lambda: (arrived.set(), held.wait(SECONDS_MAX))
        self.aws.now = begin + 15 * MINUTE
        self.assertTrue(arrived.wait(SECONDS_MAX))
        follower.kill()
        follower.wait(SECONDS_MAX)
        self.assertEqual(self.sql("SELECT export_arn IS NULL FROM landfall.export_request"), "t")
        self.aws.before_answer = None
        held.set()
        self.aws.now += 10 * MINUTE
        follower = self.ask()
        self.captured_to(begin + 15 * MINUTE)
        self.end(follower)
        self.assertEqual(self.specifications(), [(begin, begin + 15 * MINUTE)] * 2)
        self.assertEqual([len(self.aws.exports), len(self.aws.tokens)], [1, 1])
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.spool"), "1")

    def test_what_cannot_be_exported_is_said(self):
        self.aws.is_on = False
        ask = ("--exports", self.place, "--request-exports", "15")
        self.assertIn("update-continuous-backups --table-name things", self.follow(*ask, status=PRECONDITION))
        self.aws.is_on = True
        self.follow(*ask, "--until-caught-up")
        self.aws.now += 15 * MINUTE
        self.aws.fails_next = "the bucket is not ours"
        errors = self.follow(*ask, status=PRECONDITION)
        self.assertIn("S3AccessDenied: the bucket is not ours", errors)
        follower = self.ask()
        self.captured_to(self.aws.now)
        self.end(follower)
        self.assertEqual(len({order["ClientToken"] for order in self.aws.orders}), 2)
        self.aws.earliest, self.aws.now = self.aws.now + 1, self.aws.now + 3600
        self.assertIn("goes back to", self.follow(*ask, status=PRECONDITION))


if __name__ == "__main__":
    unittest.main()
