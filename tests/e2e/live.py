"""Tables of DynamoDB in use, for tests of what moves them: `landfall serve --ephemeral`, or DynamoDB Local where LIVE_SERVER=local."""
import gzip
import json
import os
import pathlib
import random
import sys
import threading
import time

from dynamodb import Client, Refused, read_url
from dynamodb_proxy import Proxy
from gateway import Gateway
from harness import DatabaseCase, ROOT, SECONDS_MAX, text_of, thing, things

sys.path.append(str(ROOT / "tests" / "oracle"))
from servers import DynamoDbLocal  # noqa: E402

PHASE = "SELECT phase FROM landfall.phase"
# DynamoDB Local wants a signature, whatever it is.
HEADERS = {"Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/eu-central-1/dynamodb/aws4_request, "
                            f"SignedHeaders=host;x-amz-date;x-amz-target, Signature={'0' * 64}"}
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-central-1"}


def start_server():
    if os.environ.get("LIVE_SERVER") != "local":
        return Gateway()
    return DynamoDbLocal()


def item_of(number, **attributes):
    return json.loads(thing(number, **attributes))["Item"]


def key_of(number):
    return {"pk": {"S": f"thing|{number}"}, "sk": {"S": f"thing|{number}"}}


class LiveCase(DatabaseCase):
    """A table `things` with a stream in a DynamoDB of the class, and an empty target with the map's tables."""

    TABLE = "things"
    STREAM = "NEW_AND_OLD_IMAGES"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dynamodb = start_server()
        cls.addClassCleanup(cls.dynamodb.stop)

    def setUp(self):
        super().setUp()
        self.client = Client(self.dynamodb.url, HEADERS)
        self.addCleanup(self.client.close)
        self.environment.update(CREDENTIALS, AWS_ENDPOINT_URL_DYNAMODB=self.dynamodb.url)
        self.create_table()
        self.write("source.json", text_of(things(20)))
        self.prepare("source.json", "--key", "pk:S,sk:S", "--table", self.TABLE)

    def create_table(self):
        try:
            self.client("DeleteTable", TableName=self.TABLE)
        except Refused:
            pass
        self.wait_for(lambda: self.TABLE not in self.client("ListTables")["TableNames"])
        stream = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": self.STREAM}} if self.STREAM else {}
        self.client("CreateTable", TableName=self.TABLE, BillingMode="PAY_PER_REQUEST",
                    KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
                    AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")], **stream)
        self.wait_for(lambda: self.client("DescribeTable", TableName=self.TABLE)["Table"]["TableStatus"] == "ACTIVE")

    @staticmethod
    def wait_for(condition, seconds=SECONDS_MAX):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError("waited too long")
            time.sleep(0.05)

    def put(self, number, client=None, **attributes):
        (client or self.client)("PutItem", TableName=self.TABLE, Item=item_of(number, **attributes))

    def delete(self, number, client=None):
        (client or self.client)("DeleteItem", TableName=self.TABLE, Key=key_of(number))

    def items_there(self):
        """Items of DynamoDB, by key."""
        items, start = {}, {}
        while True:
            page = self.client("Scan", TableName=self.TABLE, ConsistentRead=True, **start)
            items.update({(item["pk"]["S"], item["sk"]["S"]): item for item in page["Items"]})
            if "LastEvaluatedKey" not in page:
                return items
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def items_here(self):
        """Items of the target, as it exports them."""
        folder = self.folder / f"export{time.monotonic_ns()}"
        self.landfall("export", "-o", folder)
        items = {}
        for path in pathlib.Path(folder).rglob("*.json.gz"):
            for line in gzip.open(path, "rt"):
                item = json.loads(line)["Item"]
                items[item["pk"]["S"], item["sk"]["S"]] = item
        return items

    def assert_same(self):
        there, here = self.items_there(), self.items_here()
        self.assertEqual(sorted(there), sorted(here))
        for key, item in there.items():
            self.assertEqual(item, here[key])

    def follow(self, *options, status=0):
        return self.landfall("follow", f"dynamodb://{self.TABLE}", *options, status=status)

    def catch_up(self):
        last = self.follow("--until-caught-up", "--json").splitlines()[-1]
        return json.loads(last)["tables"][0]

    def follow_one_thing(self):
        """To where its row may be read."""
        self.put(1)
        self.follow("--until-caught-up")
        self.backfill()
        self.catch_up()

    def wait_for_worker(self):
        """Until a follower that was started is at work."""
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.lease l JOIN landfall.worker w ON w.id = l.holder WHERE l.work = 'follow'") == "1")

    def backfill(self):
        self.landfall("backfill", f"dynamodb://{self.TABLE}")


class MovingCase(LiveCase):
    """A table of 30 things whose reads and writes have moved as far as a test wants."""

    def setUp(self):
        super().setUp()
        for number in range(30):
            self.put(number)

    def run_beside(self, *arguments):
        """A command that runs until the test is over."""
        process = self.start(*arguments)
        self.addCleanup(process.communicate)
        self.addCleanup(process.terminate)
        return process

    def follow_and_serve(self):
        self.follower = self.run_beside("follow", "dynamodb://things")
        self.wait_for_worker()
        self.proxy = Proxy(self.dynamodb.url)
        self.addCleanup(self.proxy.stop)
        self.url = read_url(self.run_beside("serve", "--map", "landfall.yaml", "--upstream", "--endpoint", self.proxy.url, "--jobs", "1", "--listen", "127.0.0.1:0"))
        self.gateway = Client(self.url)
        self.addCleanup(self.gateway.close)

    def reads_moved(self):
        self.follow_and_serve()
        self.backfill()
        self.wait_for(lambda: self.sql("SELECT readable_at IS NOT NULL FROM landfall.phase") == "t")
        self.landfall("verify", "dynamodb://things", "--settle", "1")
        self.landfall("cutover", "reads", "--percent", "100")

    def writes_moved(self):
        self.reads_moved()
        output = self.landfall("cutover", "writes", "things")
        self.assertRegex(output, r"^things: PostgreSQL has the authority, pause \d+ ms\n$")
        self.assertEqual(self.sql(PHASE), "postgres")

    def there(self, number):
        return self.client("GetItem", TableName="things", Key=key_of(number), ConsistentRead=True).get("Item")

    def wait_for_reverse_sync(self):
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.reverse_change") == "0")


class Writers:
    """Threads that put and delete things at random keys until they are told to stop."""

    def __init__(self, case, count=4, keys=200):
        self.case, self.keys, self.is_over, self.writes = case, keys, False, 0
        self.errors = []
        self.threads = [threading.Thread(target=self.run, args=(number,)) for number in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self, seed):
        client, choose = Client(self.case.dynamodb.url, HEADERS), random.Random(seed)
        try:
            while not self.is_over:
                number = choose.randrange(self.keys)
                if choose.random() < 0.3:
                    self.case.delete(number, client)
                else:
                    self.case.put(number, client, label={"S": f"{seed} {choose.random()}"}, count={"N": str(choose.randrange(7))})
                self.writes += 1
        except Exception as error:  # noqa: BLE001: told in stop
            self.errors.append(error)
        finally:
            client.close()

    def work(self, writes):
        """Until there were so many."""
        self.case.wait_for(lambda: self.errors or self.writes >= writes)

    def stop(self):
        self.is_over = True
        for thread in self.threads:
            thread.join()
        if self.errors:
            raise self.errors[0]
