"""docs/guide.md: each of its commands is run as it stands, in its order, while an application works, and what it says will be seen is seen."""
import os
import random
import re
import signal
import socket
import subprocess
import threading
import time

from dynamodb import Client
from harness import LANDFALL, ROOT, unittest
from live import CREDENTIALS, HEADERS, LiveCase

GUIDE = ROOT / "docs" / "guide.md"
SECONDS_OF_A_BLOCK = 120
TTL = "expiresAt"
NEVER = str(2**33)


def free_port():
    """Below those that the system hands out for connections, so that none takes it before the gateway does."""
    while True:
        port = random.randrange(15000, 30000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def order_of(customer, order, note="", total=1):
    return {"pk": {"S": f"customer|{customer}"}, "sk": {"S": f"order|{order}"}, "entityName": {"S": "Order"}, "customerId": {"S": str(customer)},
            "orderId": {"S": str(order)}, "total": {"N": str(total)}, "note": {"S": note or f"note {order}"}, TTL: {"N": NEVER}}


def key_of(item):
    return {"pk": item["pk"], "sk": item["sk"]}


class Step:
    """Commands between two lines of ```, and what is seen then."""

    def __init__(self, section, commands):
        self.section, self.commands, self.seen = section, commands, []


def steps_of(text):
    steps, section, block, language = [], "", None, ""
    for line in text.splitlines():
        if line.startswith("```") and block is None:
            block, language = [], line[3:]
            assert language in ("sh", ""), line
        elif line.startswith("```"):
            if language == "sh":
                steps.append(Step(section, block))
            else:
                assert not steps[-1].seen, f"what is seen comes right after its commands: {block}"
                steps[-1].seen = block
            block = None
        elif block is not None:
            block.append(line)
        elif line.startswith("## "):
            section = line[3:]
    return steps


def pattern_of(line):
    words = [".*".join(map(re.escape, word.split("…"))) for word in line.split()]
    return re.compile(r"^\s*" + r"\s+".join(words))


class Shell:
    """One for all blocks, with its background jobs; it ends at the first command that fails."""

    def __init__(self, folder, environment):
        self.log, self.folder, self.blocks = folder / "shell.log", folder, 0
        self.log_file = self.log.open("a")
        self.process = subprocess.Popen(["bash", "-e"], cwd=folder, env=environment, text=True, stdin=subprocess.PIPE, stdout=self.log_file,
                                        stderr=subprocess.STDOUT, start_new_session=True)

    def run(self, commands):
        """Where its output begins in the log."""
        self.blocks += 1
        done = self.folder / f"done-{self.blocks}"
        begin = self.log.stat().st_size
        self.process.stdin.write("\n".join([*commands, f": > {done}", ""]))
        self.process.stdin.flush()
        deadline = time.monotonic() + SECONDS_OF_A_BLOCK
        while not done.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("\n".join(commands) + "\nfailed:\n" + self.output(begin))
            time.sleep(0.02)
        return begin

    def output(self, begin):
        return self.log.read_bytes()[begin:].decode()

    def stop(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()
        self.log_file.close()


class Application:
    """Threads that each write their own customer's orders through all gateways, read them again through others, and know what must be there."""

    def __init__(self, urls, table, count=2):
        self.urls, self.table, self.is_over, self.errors, self.requests = urls, table, False, [], 0
        self.orders = {}
        self.threads = [threading.Thread(target=self.run, args=(100 + number,)) for number in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self, customer):
        clients, choose = [Client(url) for url in self.urls], random.Random(customer)
        try:
            while not self.is_over:
                self.work(choose.sample(clients, len(clients)), choose, order_of(customer, choose.randrange(200), str(choose.random()), choose.randrange(1000)))
                time.sleep(0.02)
        except Exception as error:  # noqa: BLE001: told in stop
            self.errors.append(error)
        finally:
            for client in clients:
                client.close()

    def work(self, clients, choose, item):
        name = item["pk"]["S"], item["sk"]["S"]
        if choose.random() < 0.3:
            clients[0]("DeleteItem", TableName=self.table, Key=key_of(item))
            self.orders.pop(name, None)
        else:
            condition = "attribute_exists(pk)" if name in self.orders else "attribute_not_exists(pk)"
            clients[0]("PutItem", TableName=self.table, Item=item, ConditionExpression=condition)
            self.orders[name] = item
        found = clients[1]("GetItem", TableName=self.table, Key=key_of(item), ConsistentRead=True).get("Item")
        assert found == self.orders.get(name), f"{found} instead of {self.orders.get(name)}"
        clients[1]("GetItem", TableName=self.table, Key=key_of(item))
        self.requests += 3

    def stop(self):
        self.is_over = True
        for thread in self.threads:
            thread.join()
        if self.errors:
            raise self.errors[0]


class Guide(LiveCase):
    TABLE = "Orders"
    STREAM = None

    def setUp(self):
        super(LiveCase, self).setUp()
        self.client = Client(self.dynamodb.url, HEADERS)
        self.addCleanup(self.client.close)
        self.create_table()
        self.client("UpdateTimeToLive", TableName=self.TABLE, TimeToLiveSpecification={"Enabled": True, "AttributeName": TTL})
        for number in range(300):
            self.put_order(order_of(number % 20, number // 20))
        gateways = [f"127.0.0.1:{free_port()}" for _ in range(2)]
        self.urls = [f"http://{gateway}" for gateway in gateways]
        tools = self.folder / "bin"
        tools.mkdir()
        (tools / "landfall").symlink_to(os.path.abspath(LANDFALL))
        self.environment.update(CREDENTIALS, AWS_ENDPOINT_URL_DYNAMODB=self.dynamodb.url, GATEWAY_1=gateways[0], GATEWAY_2=gateways[1],
                                PATH=f"{tools}:{os.environ['PATH']}", LANDFALL_JOBS="2")
        self.application = None

    def put_order(self, item):
        self.client("PutItem", TableName=self.TABLE, Item=item)

    # What happens besides, before the commands of a section

    def before_6(self):
        self.application = Application(self.urls, self.TABLE)
        self.addCleanup(setattr, self.application, "is_over", True)

    def before_9(self):
        self.put_order(order_of(1, "late"))
        self.client("DeleteItem", TableName=self.TABLE, Key=key_of(order_of(1, 0)))
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.late_write") == "2")
        gateway = Client(self.urls[0])
        self.addCleanup(gateway.close)
        described = gateway("DescribeTimeToLive", TableName=self.TABLE)["TimeToLiveDescription"]
        self.assertEqual(described, {"TimeToLiveStatus": "ENABLED", "AttributeName": TTL})

    def before_10(self):
        self.assertEqual(self.orders_of(1)["late"], "note late")
        self.wait_for(lambda: "Item" in self.client("GetItem", TableName=self.TABLE, Key=key_of(order_of(1, 0)), ConsistentRead=True))

    def before_12(self):
        self.application.stop()
        self.assertGreater(self.application.requests, 100)
        self.assertNotIn(self.TABLE, self.client("ListTables")["TableNames"])
        for customer in (100, 101):
            theirs = {name[1].partition("|")[2]: item["note"]["S"] for name, item in self.application.orders.items() if name[0] == f"customer|{customer}"}
            self.assertEqual(self.orders_of(customer), theirs)

    def orders_of(self, customer):
        rows = self.sql(f"SELECT order_id, note FROM {self.rows} WHERE customer_id = '{customer}'").splitlines()
        return dict(row.split("|") for row in rows)

    @property
    def rows(self):
        """The one table of the drafted map."""
        return self.sql("SELECT format('%I.%I', table_schema, table_name) FROM information_schema.columns WHERE column_name = 'order_id' AND "
                        "table_schema NOT IN ('landfall', 'dynamodb')")

    def test_each_command_does_what_the_guide_says(self):
        steps = steps_of(GUIDE.read_text())
        self.assertGreater(len(steps), 15)
        shell = Shell(self.folder, self.environment)
        self.addCleanup(shell.stop)
        done = set()
        for step in steps:
            number = step.section.partition(".")[0]
            if number not in done:
                getattr(self, f"before_{number}", lambda: None)()
                done.add(number)
            self.run_step(shell, step)
        self.assertEqual(self.sql("SELECT to_regnamespace('landfall') IS NULL"), "t")
        self.assertEqual(self.sql("SELECT count(*) FROM information_schema.columns WHERE column_name = 'ddb_extra'"), "0")
        self.assertEqual(self.orders_of(1)["late"], "note late")
        self.assertIn("the contract migration was applied", self.landfall("follow", status=4))
        self.assertIn("schema landfall is not there", self.landfall("status", status=4))
        self.assertEqual(self.sql("SELECT to_regnamespace('landfall') IS NULL"), "t")

    def run_step(self, shell, step):
        begin = shell.run(step.commands)
        for line in step.seen:
            pattern = pattern_of(line)
            self.assertTrue(any(pattern.search(seen) for seen in shell.output(begin).splitlines()), f"not seen: {line}\n{shell.output(begin)}")


if __name__ == "__main__":
    unittest.main()
