"""A table of DynamoDB as the source: inspect, backfill with kills and several processes, verify while the table is written, pace, throttling and errors.

Each test runs against landfall's own gateway and, where Java and the emulator are, against DynamoDB Local."""
import contextlib
import json
import signal
import sys
import time
import unittest

from harness import *
from harness import LANDFALL, ROOT
from dynamodb_proxy import Proxy

sys.path.append(str(ROOT / "tests" / "oracle"))
import servers  # noqa: E402
from wire import Endpoint  # noqa: E402

ITEMS = 20000
SLOW_RATE = 60  # of the about 200 units that a scan of Things consumes
SEGMENTS_BEFORE_STOP = 8
SCANS_BEFORE_STOP = 24  # of the 64 segments with a page each
HEAVY_ITEMS = 40
HEAVY_BYTES = 100 * 1000
INTERRUPTED = 130
USAGE = 2
DIFFERENCES = 3
SOURCE = "dynamodb://Things"
KEYS = {"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}]}


def item(number, **attributes):
    return {**json.loads(thing(number))["Item"], **attributes}


def key(number):
    return {"pk": {"S": f"thing|{number}"}, "sk": {"S": f"thing|{number}"}}


class Api:
    def __init__(self, url):
        self.endpoint = Endpoint(url)

    def __call__(self, operation, **body):
        answer = self.endpoint.call(operation, body)
        if answer.status != 200:
            raise AssertionError(f"{operation}: {answer.status} {answer.body}")
        return answer.json()

    def create(self, table, **more):
        self("CreateTable", TableName=table, **{"BillingMode": "PAY_PER_REQUEST", **KEYS, **more})
        while self("DescribeTable", TableName=table)["Table"]["TableStatus"] != "ACTIVE":
            time.sleep(0.05)

    def put(self, table, items):
        items = list(items)
        for first in range(0, len(items), 25):
            left = {table: [{"PutRequest": {"Item": put}} for put in items[first:first + 25]]}
            while left:
                left = self("BatchWriteItem", RequestItems=left).get("UnprocessedItems")


class Source:
    """The tests; who inherits says against what."""
    place = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dynamodb = servers.start(cls.place)
        cls.addClassCleanup(cls.dynamodb.stop)
        cls.api = Api(cls.dynamodb.url)
        cls.addClassCleanup(lambda: cls.api.endpoint.close())
        cls.api.create("Things")
        cls.api.put("Things", (item(number) for number in range(ITEMS)))
        cls.api.create("Heavy")
        cls.api.put("Heavy", (item(number, pk={"S": "heavy"}, padding={"S": "x" * HEAVY_BYTES}) for number in range(HEAVY_ITEMS)))
        cls.api.create("Empty")

    def setUp(self):
        super().setUp()
        self.api.endpoint.close()  # the server may have closed it meanwhile
        for name in list(self.environment):
            if name.startswith("AWS_"):
                del self.environment[name]
        self.environment.update(AWS_ACCESS_KEY_ID="local", AWS_SECRET_ACCESS_KEY="secret", AWS_ENDPOINT_URL_DYNAMODB=self.dynamodb.url,
                                AWS_EC2_METADATA_DISABLED="true", HOME=str(self.folder))

    @contextlib.contextmanager
    def held_in_the_middle(self):
        """Begins no more pages than SCANS_BEFORE_STOP until the body lets it: however fast the machine is, the load is not over then."""
        with self.through() as proxy:
            proxy.scans_left = SCANS_BEFORE_STOP
            yield proxy

    @contextlib.contextmanager
    def through(self, **shares):
        proxy = Proxy(self.dynamodb.url, **shares)
        try:
            self.environment["AWS_ENDPOINT_URL_DYNAMODB"] = proxy.url
            yield proxy
        finally:
            self.environment["AWS_ENDPOINT_URL_DYNAMODB"] = self.dynamodb.url
            proxy.stop()

    def assert_all_there(self):
        self.assertEqual(self.sql("SELECT count(*), count(DISTINCT thing_id) FROM things.thing"), f"{ITEMS}|{ITEMS}")
        self.assertEqual(self.sql("SELECT sum(items) FROM landfall.segment"), str(ITEMS))
        self.assertEqual(self.landfall("verify", SOURCE), f"{ITEMS:,} items compared, 0 differences, 0 missing, 0 extra\n")

    def test_the_whole_way(self):
        drafted = self.landfall_json("inspect", SOURCE)
        self.assertEqual(drafted["items"], ITEMS)
        self.landfall("plan")
        self.landfall("migrate", "up")
        result = self.landfall_json("backfill", SOURCE)
        self.assertEqual([result[name] for name in ("items", "resumed", "unclaimed", "rejected")], [ITEMS, 0, 0, 0])
        self.assert_all_there()
        self.assertEqual(self.landfall_json("backfill", SOURCE)["resumed"], ITEMS)
        self.assertEqual(self.sql("SELECT count(*) FROM things.thing"), str(ITEMS))

    # Stopped and shared

    def wait_for_segments(self, count, *processes):
        deadline = time.monotonic() + SECONDS_MAX
        while int(self.sql("SELECT count(*) FROM landfall.segment WHERE items > 0")) < count:
            for process in processes:
                self.assertIsNone(process.poll(), "the load ended before it could be stopped")
            self.assertLess(time.monotonic(), deadline)

    def wait_until_gone(self):
        deadline = time.monotonic() + SECONDS_MAX
        while self.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'landfall%'") != "0":
            self.assertLess(time.monotonic(), deadline)

    def stop_in_the_middle(self, how):
        self.prepare(SOURCE)
        with self.held_in_the_middle():
            process = self.start("backfill", SOURCE, "--jobs", "4")
            self.wait_for_segments(SEGMENTS_BEFORE_STOP, process)
            process.send_signal(how)
            _, errors = process.communicate(timeout=SECONDS_MAX)
        self.wait_until_gone()
        before = int(self.sql("SELECT sum(items) FROM landfall.segment"))
        self.assertGreater(before, 0)
        self.assertLess(before, ITEMS)
        self.assertEqual(int(self.sql("SELECT count(*) FROM things.thing")), before, "rows and progress are one transaction")
        result = self.landfall_json("backfill", SOURCE)
        self.assertEqual([result["items"], result["resumed"]], [ITEMS, before])
        self.assert_all_there()
        return process.returncode, errors

    def test_killed(self):
        status, _ = self.stop_in_the_middle(signal.SIGKILL)
        self.assertEqual(status, -signal.SIGKILL)

    def test_goes_on_within_a_segment(self):
        """All items are in one segment, so the second run has to begin where the first was, in the middle of it."""
        self.prepare("dynamodb://Heavy")
        process = self.start("backfill", "dynamodb://Heavy", "--max-rcu", "30")
        self.wait_for_segments(1, process)
        process.kill()
        process.communicate()
        self.wait_until_gone()
        before = int(self.sql("SELECT sum(items) FROM landfall.segment"))
        with self.through() as proxy:
            self.assertEqual(self.landfall_json("backfill", "dynamodb://Heavy")["items"], HEAVY_ITEMS)
            self.assertEqual(sum(proxy.items_per_page), HEAVY_ITEMS - before, "what was loaded is not read again")
        self.assertEqual(self.landfall("verify", "dynamodb://Heavy"), f"{HEAVY_ITEMS} items compared, 0 differences, 0 missing, 0 extra\n")

    def test_pages_end_at_a_megabyte(self):
        self.prepare("dynamodb://Heavy")
        with self.through() as proxy:
            self.landfall("backfill", "dynamodb://Heavy")
            self.assertLessEqual(max(proxy.items_per_page), (1 << 20) // HEAVY_BYTES + 1)
            self.assertEqual(sum(proxy.items_per_page), HEAVY_ITEMS)
        self.assertIn(" 0 differences, 0 missing, 0 extra", self.landfall("verify", "dynamodb://Heavy"))

    def test_several_share_and_one_dies(self):
        self.prepare(SOURCE)
        with self.held_in_the_middle() as proxy:
            first, second = (self.start("backfill", SOURCE, "--jobs", "4") for _ in range(2))
            self.wait_for_segments(SEGMENTS_BEFORE_STOP, first, second)
            first.kill()
            first.communicate()
            proxy.scans_left = None
            output, errors = second.communicate(timeout=SECONDS_MAX)
        self.assertEqual(second.returncode, 0, output + errors)
        self.assert_all_there()

    # Pace and trouble

    def test_throttled_and_cut(self):
        self.prepare(SOURCE)
        with self.through(throttle=0.2, fail=0.1, drop=0.05, cut=0.05) as proxy:
            self.assertEqual(self.landfall_json("backfill", SOURCE)["items"], ITEMS)
            self.assertEqual(self.landfall("verify", SOURCE), f"{ITEMS:,} items compared, 0 differences, 0 missing, 0 extra\n")
            for what, count in proxy.done.items():
                self.assertGreater(count, 0, what)
        self.assert_all_there()

    # Verify

    def test_differences_are_found(self):
        self.prepare(SOURCE)
        self.landfall("backfill", SOURCE)
        self.sql("UPDATE things.thing SET label = 'changed' WHERE thing_id::text = '7'; DELETE FROM things.thing WHERE thing_id::text = '8';"
                 "INSERT INTO things.thing SELECT (t).* FROM (SELECT jsonb_populate_record(t, '{\"thing_id\": 900000, \"count\": 4}') AS t"
                 " FROM things.thing t WHERE thing_id::text = '9') x")
        result = json.loads(self.verify_differing("--settle", "1"))
        self.assertEqual([result[name] for name in ("compared", "different", "missing", "extra")], [ITEMS, 1, 1, 1])
        self.assertEqual([(found["kind"], found["attributes"]) for found in result["differences"]],
                         [("different", ["label"]), ("missing", []), ("extra", [])])

    def verify_differing(self, *options):
        process = self.start("verify", SOURCE, "--json", *options)
        output, errors = process.communicate(timeout=SECONDS_MAX)
        self.assertEqual(process.returncode, DIFFERENCES, output + errors)
        return output

    # What is not there

    def test_an_empty_table(self):
        self.prepare(SOURCE)
        self.write("empty.yaml", (self.folder / "landfall.yaml").read_text().replace("Things", "Empty"))
        result = self.landfall_json("backfill", "dynamodb://Empty", "--map", "empty.yaml")
        self.assertEqual([result["items"], result["resumed"]], [0, 0])
        self.assertEqual(self.landfall("verify", "dynamodb://Empty", "--map", "empty.yaml"), "0 items compared, 0 differences, 0 missing, 0 extra\n")

    def test_a_table_that_is_not_there(self):
        errors = self.landfall("inspect", "dynamodb://Nowhere", status=1)
        self.assertIn("ResourceNotFoundException", errors)
        self.assertIn(f"asking {self.dynamodb.url} (region us-east-1) for table Nowhere", errors)


class AgainstLandfall(Source, DatabaseCase):
    """With what does not depend on the server."""
    place = LANDFALL

    def test_interrupted(self):
        status, errors = self.stop_in_the_middle(signal.SIGINT)
        self.assertEqual(status, INTERRUPTED, errors)
        self.assertIn("the same command goes on from here", errors)

    def test_one_that_was_paused_does_no_harm(self):
        """Its segments are taken over; what it has read by then must not go in when it wakes."""
        self.prepare(SOURCE)
        with self.held_in_the_middle() as proxy:
            paused = self.start("backfill", SOURCE, "--jobs", "4", "--max-rcu", SLOW_RATE, "--lease", "2")
            self.wait_for_segments(SEGMENTS_BEFORE_STOP, paused)
            paused.send_signal(signal.SIGSTOP)
            proxy.scans_left = None
            self.assertEqual(self.landfall_json("backfill", SOURCE, "--lease", "2")["items"], ITEMS)
            paused.send_signal(signal.SIGCONT)
            paused.communicate(timeout=SECONDS_MAX)
        self.assert_all_there()

    def test_pace(self):
        """How much slower it is than it may be is also the machine's affair."""
        self.prepare(SOURCE)
        rate = SLOW_RATE
        with self.through() as proxy:
            began = time.monotonic()
            self.landfall("backfill", SOURCE, "--jobs", "8", "--max-rcu", rate)
        consumed = sum(units for _, units in proxy.units[:-1])
        self.assertGreater(consumed, 2 * rate, "too little for a measurement")
        self.assertGreater(proxy.units[-1][0] - began, consumed / rate - 1.5)

    def test_share_of_what_is_provisioned(self):
        self.api.create("Provisioned", BillingMode="PROVISIONED", ProvisionedThroughput={"ReadCapacityUnits": 1000, "WriteCapacityUnits": 1000})
        try:
            self.api.put("Provisioned", (item(number) for number in range(50)))
            self.assertEqual(self.landfall_json("inspect", "dynamodb://Provisioned", "--max-rcu", "20%")["items"], 50)
        finally:
            self.api("DeleteTable", TableName="Provisioned")
        self.assertIn("on demand", self.landfall("inspect", SOURCE, "--max-rcu", "20%", status=USAGE))
        for wrong in ("0", "fast", "-5", "120%", "5x"):
            self.assertIn("--max-rcu", self.landfall("inspect", SOURCE, f"--max-rcu={wrong}", status=USAGE))

    def test_throttled_for_ever_can_be_interrupted(self):
        self.prepare(SOURCE)
        with self.through() as proxy:
            proxy.shares = [("throttle", 0)]
            process = self.start("backfill", SOURCE, "--max-rcu", "100")
            self.wait_for_segments(1, process)
            proxy.shares = [("throttle", 1)]
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=SECONDS_MAX)
        self.assertEqual(process.returncode, INTERRUPTED, errors)

    def test_what_settles_is_no_difference(self):
        """The rows lag behind for a while, as with a follower."""
        self.prepare(SOURCE)
        self.landfall("backfill", SOURCE)
        self.sql("UPDATE things.thing SET label = 'old' WHERE thing_id::text IN ('7', '8'); DELETE FROM things.thing WHERE thing_id::text = '9'")
        process = self.start("verify", SOURCE, "--settle", "60")
        time.sleep(3)
        self.assertIsNone(process.poll(), "what may still settle counts already")
        self.sql("UPDATE things.thing SET label = 'number ' || thing_id WHERE thing_id::text IN ('7', '8')")
        self.landfall_put_back()
        output, errors = process.communicate(timeout=SECONDS_MAX)
        self.assertEqual(process.returncode, 0, output + errors)

    def landfall_put_back(self):
        self.sql("INSERT INTO things.thing SELECT (t).* FROM (SELECT jsonb_populate_record(t, '{\"thing_id\": 9, \"count\": 3, \"label\": \"number 9\"}') AS t"
                 " FROM things.thing t WHERE thing_id::text = '10') x")

    def test_wrong_arguments(self):
        self.assertIn("names no table", self.landfall("inspect", "dynamodb://", status=USAGE))
        self.assertIn("names no table", self.landfall("inspect", "dynamodb://a/b", status=USAGE))
        self.assertIn("no region of AWS", self.landfall("inspect", SOURCE, "--region", "not/one", status=USAGE))
        del self.environment["AWS_ENDPOINT_URL_DYNAMODB"]
        self.assertIn("no AWS region", self.landfall("inspect", SOURCE, status=USAGE))
        self.assertEqual(self.landfall_json("inspect", SOURCE, "--endpoint", self.dynamodb.url)["items"], ITEMS)

    def test_nobody_there(self):
        self.assertIn("http://127.0.0.1:1", self.landfall("inspect", SOURCE, "--endpoint", "http://127.0.0.1:1", status=1))

    def test_no_credentials(self):
        del self.environment["AWS_ACCESS_KEY_ID"]
        self.assertIn("no AWS credentials", self.landfall("inspect", SOURCE, status=1))


@unittest.skipIf(servers.lacks(), servers.lacks())
class AgainstDynamoDbLocal(Source, DatabaseCase):
    place = "local"


if __name__ == "__main__":
    unittest.main()
