"""`landfall serve --upstream`: a gateway in front of DynamoDB.

DynamoDB is a second gateway, or DynamoDB Local with UPSTREAM=local. Phases are set by SQL, as `landfall cutover` sets them.
"""
import contextlib
import json
import os
import random
import signal
import socket
import struct
import threading
import time
import unittest

from gateway import Client, Gateway
from harness import DatabaseCase, SECONDS_MAX

import servers  # of tests/oracle, which gateway has put on the path

SECONDS_UNTIL_COMPARED_AGAIN = 0.5  # SHADOW_PAUSE_MS
NAMES = {"AWS_ACCESS_KEY_ID": "AKIAUPSTREAM", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}


def text(value):
    return {"S": value}


def number(value):
    return {"N": str(value)}


def key(p, s):
    return {"p": text(p), "s": text(s)}


TABLE = {
    "TableName": "Moving",
    "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "s", "KeyType": "RANGE"}],
    "AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "s", "AttributeType": "S"},
                             {"AttributeName": "g", "AttributeType": "S"}],
    "GlobalSecondaryIndexes": [{"IndexName": "ByG", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}],
    "BillingMode": "PAY_PER_REQUEST",
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
}


class Proxy:
    """Between gateway and DynamoDB: passes on, delays, drops the answer, or closes half-way, as `fault` says for each request."""

    def __init__(self, url):
        host, _, port = url.removeprefix("http://").partition(":")
        self.target = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.fault = lambda target: None
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection, contextlib.suppress(OSError, ValueError):
            while True:
                head, body = self.read(connection)
                if head is None:
                    return
                target = next((line.split(b":")[1].strip() for line in head.split(b"\r\n") if line.lower().startswith(b"x-amz-target")), b"")
                fault = self.fault(target.decode().split(".")[-1])
                if fault == "before":
                    return
                with socket.create_connection(self.target) as upstream:
                    if fault == "late":
                        time.sleep(random.uniform(0.05, 0.4))
                    upstream.sendall(head + body)
                    answer_head, answer = self.read(upstream)
                if fault == "after":
                    return
                if fault == "half":
                    connection.sendall((answer_head + answer)[:len(answer_head) + len(answer) // 2])
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                connection.sendall(answer_head + answer)

    @staticmethod
    def read(source):
        data = b""
        while b"\r\n\r\n" not in data:
            chunk = source.recv(65536)
            if not chunk:
                return None, None
            data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
        while len(body) < length:
            chunk = source.recv(65536)
            if not chunk:
                return None, None
            body += chunk
        return head + b"\r\n\r\n", body

    def close(self):
        self.listener.close()


class UpstreamCase(DatabaseCase):
    """DynamoDB for the class; a table there and here for each test, and no phase yet."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.dynamodb = cls.start_dynamodb()
        cls.tables = 0

    @classmethod
    def start_dynamodb(cls):
        if os.environ.get("UPSTREAM") == "local":
            server = servers.DynamoDbLocal()
            cls.addClassCleanup(server.stop)
            return server.url
        server = Gateway("--jobs", "1")
        cls.addClassCleanup(server.stop)
        return server.url

    def setUp(self):
        super().setUp()
        type(self).tables += 1
        self.table = f"Moving{self.tables}"
        self.environment.update(NAMES)
        self.upstream = self.client(self.dynamodb)
        self.definition = {**TABLE, "TableName": self.table}

    def client(self, url):
        client = Client(type("Server", (), {"url": url}))
        self.addCleanup(client.close)
        return client

    def gateway(self, *options, endpoint=None):
        gateway = Gateway("--jobs", "2", "--upstream", "--endpoint", endpoint or self.dynamodb, *options, environment=self.environment)
        self.addCleanup(lambda: gateway.process.poll() is None and gateway.stop())
        return gateway

    def make_table(self):
        """In PostgreSQL, as the map would, then in DynamoDB."""
        server = Gateway("--jobs", "1", environment=self.environment)
        Client(server).ask("CreateTable", **self.definition)
        server.stop()
        self.upstream.ask("CreateTable", **self.definition)

    def set_phase(self, phase, wait=True, **columns):
        names = ", ".join(columns)
        values = ", ".join(columns.values())
        updates = ", ".join(f"{name} = {value}" for name, value in {"phase": f"'{phase}'", **columns}.items())
        self.sql(f"""BEGIN; UPDATE landfall.catalog SET version = version + 1;
            INSERT INTO landfall.phase (table_name, phase, region, stream_arn{', ' + names if names else ''})
            VALUES ('{self.table}', '{phase}', 'us-east-1', 'arn'{', ' + values if names else ''})
            ON CONFLICT (table_name) DO UPDATE SET {updates}; COMMIT""")
        if wait:
            self.wait_for_all()

    def wait_for_all(self):
        self.until(lambda: self.sql("SELECT count(*) FROM landfall.gateway g, landfall.catalog c WHERE g.catalog_version < c.version "
                                    "AND beat_at > now() - interval '10 s'") == "0")

    def until(self, condition, seconds=SECONDS_MAX):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline, "it takes too long")
            time.sleep(0.05)

    def marks(self):
        return int(self.sql("SELECT count(*) FROM landfall.dirty_key"))

    def rows(self):
        """What PostgreSQL has, by key."""
        name = self.sql(f"SELECT format('dynamodb.%I', left(name, 40) || '_' || id) FROM landfall.dynamodb_table WHERE name = '{self.table}'")
        items = [json.loads(line) for line in self.sql(f"SELECT item FROM {name}").splitlines()]
        return {(item["p"]["S"], item["s"]["S"]): item for item in items}

    def items(self):
        """What DynamoDB has, by key."""
        found, start = {}, {}
        while True:
            page = self.upstream.ask("Scan", TableName=self.table, ConsistentRead=True, **start)
            found.update({(item["p"]["S"], item["s"]["S"]): item for item in page["Items"]})
            if "LastEvaluatedKey" not in page:
                return found
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def check_equal(self):
        self.until(lambda: self.marks() == 0)
        self.assertEqual(self.rows(), self.items())


class PassThrough(UpstreamCase):
    """Tables that the catalog does not know, and those in phase follow, are DynamoDB's alone."""

    def test_every_operation_goes_to_dynamodb(self):
        front = Client(self.gateway())
        front.ask("CreateTable", **self.definition)
        item = {**key("a", "1"), "n": number(1)}
        front.ask("PutItem", TableName=self.table, Item=item)
        self.assertEqual(self.upstream.ask("GetItem", TableName=self.table, Key=key("a", "1"))["Item"], item)
        updated = front.ask("UpdateItem", TableName=self.table, Key=key("a", "1"), UpdateExpression="ADD n :one",
                            ExpressionAttributeValues={":one": number(1)}, ReturnValues="UPDATED_NEW")
        self.assertEqual(updated, {"Attributes": {"n": number(2)}})
        self.assertEqual(front.ask("Query", TableName=self.table, KeyConditionExpression="p = :p",
                                   ExpressionAttributeValues={":p": text("a")})["Count"], 1)
        self.assertEqual(front.ask("Scan", TableName=self.table)["Count"], 1)
        front.ask("BatchWriteItem", RequestItems={self.table: [{"PutRequest": {"Item": key("b", "1")}}]})
        got = front.ask("BatchGetItem", RequestItems={self.table: {"Keys": [key("a", "1"), key("b", "1")]}})
        self.assertEqual(len(got["Responses"][self.table]), 2)
        front.ask("TransactWriteItems", TransactItems=[{"Delete": {"TableName": self.table, "Key": key("b", "1")}}])
        self.assertEqual(front.ask("TransactGetItems", TransactItems=[{"Get": {"TableName": self.table, "Key": key("b", "1")}}]), {"Responses": [{}]})
        self.assertEqual(front.ask("DescribeTable", TableName=self.table)["Table"]["TableName"], self.table)
        self.assertIn(self.table, front.ask("ListTables")["TableNames"])
        statement = front.ask("ExecuteStatement", Statement=f"SELECT n FROM {self.table} WHERE p = 'a' AND s = '1'")
        self.assertEqual(statement["Items"], [{"n": number(2)}])
        failed = front.call("PutItem", {"TableName": self.table, "Item": item, "ConditionExpression": "attribute_not_exists(p)"})
        self.assertEqual((failed.status, failed.json()["__type"].split("#")[-1]), (400, "ConditionalCheckFailedException"))
        front.ask("DeleteItem", TableName=self.table, Key=key("a", "1"))
        front.ask("DeleteTable", TableName=self.table)

    def test_streams_go_to_dynamodb(self):
        front = Client(self.gateway())
        front.ask("CreateTable", **self.definition)
        front.ask("PutItem", TableName=self.table, Item=key("a", "1"))
        stream = front.ask("ListStreams", TableName=self.table)["Streams"][0]["StreamArn"]

        def records():
            found = []
            for shard in front.ask("DescribeStream", StreamArn=stream)["StreamDescription"]["Shards"]:
                iterator = front.ask("GetShardIterator", StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
                found += front.ask("GetRecords", ShardIterator=iterator)["Records"]
            return found

        self.until(lambda: len(records()) == 1)

    def test_tables_of_both_sides(self):
        """A batch is split by table, a transaction is refused, and lists have both."""
        server = Gateway("--jobs", "1", environment=self.environment)
        Client(server).ask("CreateTable", **{**self.definition, "TableName": "Ours"})
        server.stop()
        front = Client(self.gateway())
        front.ask("CreateTable", **self.definition)
        front.ask("BatchWriteItem", RequestItems={"Ours": [{"PutRequest": {"Item": key("a", "1")}}], self.table: [{"PutRequest": {"Item": key("b", "1")}}]})
        self.assertEqual(list(self.items()), [("b", "1")])
        got = front.ask("BatchGetItem", ReturnConsumedCapacity="TOTAL",
                        RequestItems={"Ours": {"Keys": [key("a", "1")]}, self.table: {"Keys": [key("b", "1")]}})
        self.assertEqual(got["Responses"], {"Ours": [key("a", "1")], self.table: [key("b", "1")]})
        self.assertEqual(len(got["ConsumedCapacity"]), 2)
        mixed = front.call("TransactWriteItems", {"TransactItems": [{"Put": {"TableName": name, "Item": key("c", "1")}} for name in ("Ours", self.table)]})
        self.assertEqual(mixed.status, 400)
        self.assertIn("different databases", mixed.json()["message"])
        self.assertLess({"Ours", self.table}, {*front.ask("ListTables")["TableNames"], "more"})
        front.ask("UpdateTable", TableName="Ours", StreamSpecification={"StreamEnabled": False})

    def test_phase_follow_is_dynamodbs(self):
        self.make_table()
        front = Client(self.gateway())
        self.set_phase("follow")
        front.ask("PutItem", TableName=self.table, Item=key("a", "1"))
        self.assertEqual(self.rows(), {})
        self.assertEqual(list(self.items()), [("a", "1")])

    def test_without_upstream_the_table_is_refused(self):
        self.make_table()
        gateway = Gateway("--jobs", "1", environment=self.environment)
        self.addCleanup(gateway.stop)
        self.set_phase("follow")
        self.assertEqual(Client(gateway).call("GetItem", {"TableName": self.table, "Key": key("a", "1")}).status, 500)

    def test_dynamodb_away(self):
        proxy = Proxy(self.dynamodb)
        front = Client(self.gateway(endpoint=proxy.url))
        proxy.fault = lambda target: "before"
        self.assertEqual(front.call("GetItem", {"TableName": "any", "Key": key("a", "1")}).status, 500)
        proxy.fault = lambda target: None
        self.assertEqual(front.call("GetItem", {"TableName": "any", "Key": key("a", "1")}).status, 400)


class Writers(UpstreamCase):
    """Clients that write the table at random."""

    def setUp(self):
        super().setUp()
        self.make_table()

    def hammer(self, gateways, clients, requests, keys=40):
        statuses = []

        def one(number_of_client):
            client = self.client(gateways[number_of_client % len(gateways)].url)
            chance = random.Random(number_of_client)
            for _ in range(requests):
                statuses.append(self.any_write(client, chance, keys))

        threads = [threading.Thread(target=one, args=(n,)) for n in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return statuses

    def any_write(self, client, chance, keys):
        at = key(f"p{chance.randrange(4)}", str(chance.randrange(keys)))
        kind = chance.randrange(6)
        try:
            if kind == 0:
                return client.call("PutItem", {"TableName": self.table, "Item": {**at, "n": number(chance.randrange(1000))}}).status
            if kind == 1:
                return client.call("DeleteItem", {"TableName": self.table, "Key": at}).status
            if kind == 2:
                others = [key("q", str(chance.randrange(keys))), at]
                return client.call("BatchWriteItem", {"RequestItems": {self.table: [{"PutRequest": {"Item": {**k, "b": number(1)}}} for k in others]}}).status
            if kind == 3:
                return client.call("TransactWriteItems", {"TransactItems": [
                    {"Put": {"TableName": self.table, "Item": {**at, "t": number(1)}}},
                    {"Delete": {"TableName": self.table, "Key": key("q", str(chance.randrange(keys)))}}]}).status
            return client.call("UpdateItem", {"TableName": self.table, "Key": at, "UpdateExpression": "ADD n :one",
                                              "ExpressionAttributeValues": {":one": number(1)}}).status
        except (OSError, ValueError, Exception) as error:  # noqa: BLE001 - a gateway was killed
            client.close()
            return str(error)


class DualWrite(Writers):
    """Both sides are written, and are equal once no key is marked."""

    def test_each_kind_of_write(self):
        front = Client(self.gateway())
        self.set_phase("dual write")
        front.ask("PutItem", TableName=self.table, Item={**key("a", "1"), "n": number("1.50"), "g": text("x")})
        self.assertEqual(front.ask("UpdateItem", TableName=self.table, Key=key("a", "1"), UpdateExpression="ADD n :one",
                                   ExpressionAttributeValues={":one": number(1)}), {})
        front.ask("UpdateItem", TableName=self.table, Key=key("a", "2"), UpdateExpression="SET n = :one",
                  ExpressionAttributeValues={":one": number(1)}, ReturnValues="UPDATED_NEW")
        old = front.ask("DeleteItem", TableName=self.table, Key=key("a", "2"), ReturnValues="ALL_OLD")
        self.assertEqual(old, {"Attributes": {**key("a", "2"), "n": number(1)}})
        front.ask("BatchWriteItem", RequestItems={self.table: [{"PutRequest": {"Item": key("b", str(n))}} for n in range(10)]})
        front.ask("BatchWriteItem", RequestItems={self.table: [{"DeleteRequest": {"Key": key("b", "3")}}]})
        front.ask("TransactWriteItems", ClientRequestToken="one", TransactItems=[
            {"Put": {"TableName": self.table, "Item": key("c", "1")}}, {"Delete": {"TableName": self.table, "Key": key("b", "4")}},
            {"Update": {"TableName": self.table, "Key": key("b", "5"), "UpdateExpression": "SET n = :n", "ExpressionAttributeValues": {":n": number(5)}}},
            {"ConditionCheck": {"TableName": self.table, "Key": key("a", "1"), "ConditionExpression": "attribute_exists(p)"}}])
        front.ask("ExecuteStatement", Statement=f"INSERT INTO {self.table} VALUE {{'p': 'd', 's': '1', 'n': 1}}")
        front.ask("ExecuteStatement", Statement=f"UPDATE {self.table} SET n = 2 WHERE p = 'd' AND s = '1'")
        front.ask("BatchExecuteStatement", Statements=[{"Statement": f"DELETE FROM {self.table} WHERE p = 'b' AND s = '6'"},
                                                       {"Statement": f"INSERT INTO {self.table} VALUE {{'p': 'd', 's': '1'}}"}])
        front.ask("ExecuteTransaction", TransactStatements=[{"Statement": f"INSERT INTO {self.table} VALUE {{'p': 'e', 's': '1'}}"}])
        self.assertEqual(self.marks(), 0)
        self.assertEqual(len(self.rows()), 11)
        self.check_equal()

    def test_what_dynamodb_refuses_leaves_no_mark(self):
        front = Client(self.gateway())
        self.set_phase("dual write")
        front.ask("PutItem", TableName=self.table, Item=key("a", "1"))
        refused = front.call("PutItem", {"TableName": self.table, "Item": {**key("a", "1"), "n": number(1)}, "ConditionExpression": "attribute_not_exists(p)"})
        self.assertEqual(refused.status, 400)
        refused = front.call("TransactWriteItems", {"TransactItems": [
            {"Put": {"TableName": self.table, "Item": key("b", "1")}},
            {"ConditionCheck": {"TableName": self.table, "Key": key("z", "1"), "ConditionExpression": "attribute_exists(p)"}}]})
        self.assertIn("CancellationReasons", refused.json())
        self.assertEqual(self.marks(), 0)
        self.check_equal()

    def test_a_batch_of_which_a_statement_cannot_be_read_is_not_passed_on(self):
        """DynamoDB Local does the second one: the row would be as it was before."""
        front = Client(self.gateway())
        self.set_phase("dual write")
        front.ask("PutItem", TableName=self.table, Item=key("a", "0"))
        insert = {"Statement": f"INSERT INTO {self.table} VALUE {{'p': 'a', 's': '1'}}"}
        update = f"UPDATE {self.table} SET n = 2 WHERE p = 'a' AND s = '0'"
        for wrong in ({"Statement": update, "Parameters": [number(1)]}, {"Statement": update + " !"}, {"Statement": f"DELETE FROM {self.table} WHERE p = 'a'"}):
            with self.subTest(wrong):
                answer = front.call("BatchExecuteStatement", {"Statements": [insert, wrong]})
                self.check_equal()
                self.assertEqual((answer.status, answer.json().get("__type", "#").split("#")[1]), (400, "ValidationException"))
                self.assertEqual(sorted(self.items()), [("a", "0")])

    def test_many_clients(self):
        gateways = [self.gateway(), self.gateway()]
        self.set_phase("dual write")
        statuses = self.hammer(gateways, clients=32, requests=40)
        self.assertEqual(set(statuses) - {200, 400}, set())
        self.assertGreater(statuses.count(200), 32 * 40 // 2)
        self.check_equal()


class Repair(Writers):
    """What a gateway could not finish, the repairer does."""

    def all_settle_soon(self):
        """As if the quarter of an hour were over in which what was sent may still land."""
        self.until(lambda: self.sql("SELECT count(*) FROM landfall.dirty_key WHERE settled_at IS NULL OR repaired_at IS NULL") == "0")
        self.assertEqual(self.rows(), self.items())  # at once, too
        self.sql("UPDATE landfall.dirty_key SET settled_at = clock_timestamp()")
        self.check_equal()

    def test_a_gateway_is_killed(self):
        gateways = [self.gateway(), self.gateway()]
        self.set_phase("dual write")
        threading.Timer(1.5, lambda: gateways[0].process.send_signal(signal.SIGKILL)).start()
        self.hammer(gateways, clients=16, requests=100)
        gateways[0].process.wait()
        self.all_settle_soon()

    def test_unknown_outcomes(self):
        proxy = Proxy(self.dynamodb)
        front = Client(self.gateway(endpoint=proxy.url))
        self.set_phase("dual write")
        front.ask("PutItem", TableName=self.table, Item=key("a", "1"))
        for at, fault in enumerate(("before", "after", "half")):
            proxy.fault = lambda target, fault=fault: fault if target != "GetItem" else None
            self.assertEqual(front.call("PutItem", {"TableName": self.table, "Item": key("f", str(at))}).status, 500)
        proxy.fault = lambda target: None
        self.assertEqual(self.marks(), 3)
        self.assertEqual(sorted(self.items()), [("a", "1"), ("f", "1"), ("f", "2")])
        self.all_settle_soon()

    def test_faults_at_random(self):
        """Whatever happens between gateway and DynamoDB, what was acknowledged is on both sides."""
        proxy = Proxy(self.dynamodb)
        gateways = [self.gateway(endpoint=proxy.url), self.gateway(endpoint=proxy.url)]
        self.set_phase("dual write")
        chance = random.Random(7)
        proxy.fault = lambda target: chance.choice(["before", "after", "half", "late", "late"]) if chance.random() < 0.1 else None
        counts = [0] * 16

        def count(number_of_client):
            client = self.client(gateways[number_of_client % 2].url)
            for _ in range(40):
                answer = client.call("UpdateItem", {"TableName": self.table, "Key": key("c", str(number_of_client % 4)), "UpdateExpression": "ADD n :one",
                                                    "ExpressionAttributeValues": {":one": number(1)}})
                counts[number_of_client] += answer.status == 200
                self.assertIn(answer.status, (200, 500))

        threads = [threading.Thread(target=count, args=(n,)) for n in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        proxy.fault = lambda target: None
        self.all_settle_soon()
        for at in range(4):
            acknowledged = sum(counts[at::4])
            self.assertGreaterEqual(int(self.rows()["c", str(at)]["n"]["N"]), acknowledged)

    def test_postgres_is_away(self):
        """Nothing is sent to DynamoDB that could not be marked."""
        front = Client(self.gateway())
        self.set_phase("dual write")
        front.ask("PutItem", TableName=self.table, Item=key("a", "1"))
        self.server.crash()
        try:
            self.assertEqual(front.call("PutItem", {"TableName": self.table, "Item": key("a", "2")}).status, 500)
            self.assertEqual(list(self.items()), [("a", "1")])
        finally:
            self.server.start()
        self.until(lambda: front.call("PutItem", {"TableName": self.table, "Item": key("a", "3")}).status == 200)
        self.check_equal()


class Fence(UpstreamCase):
    """Writes wait at the fence and go on under the new phase, or under the old one when the time is up."""

    def setUp(self):
        super().setUp()
        self.make_table()
        self.gateways = [self.gateway(), self.gateway()]
        self.set_phase("dual write")
        self.client(self.gateways[0].url).ask("PutItem", TableName=self.table, Item=key("a", "0"))

    def write_behind(self, gateway, sort):
        client = self.client(gateway.url)
        status = []
        thread = threading.Thread(target=lambda: status.append(client.call("PutItem", {"TableName": self.table, "Item": key("a", sort)}).status))
        thread.start()
        return thread, status

    def test_the_authority_changes(self):
        self.set_phase("dual write", fence="'postgres'", fence_until="now() + interval '30 s'")
        held = [self.write_behind(gateway, str(at)) for at, gateway in enumerate(self.gateways, 1)]
        time.sleep(0.5)
        self.assertTrue(all(thread.is_alive() for thread, _ in held))
        self.assertEqual(self.client(self.gateways[0].url).ask("GetItem", TableName=self.table, Key=key("a", "0"), ConsistentRead=True),
                         {"Item": key("a", "0")})
        self.set_phase("postgres", epoch="2", fence="'postgres'", fence_until="now()")
        time.sleep(1)
        self.assertTrue(all(thread.is_alive() for thread, _ in held))  # until every gateway knows
        self.set_phase("postgres", fence="NULL", fence_until="NULL")
        for thread, status in held:
            thread.join()
            self.assertEqual(status, [200])
        self.assertEqual(sorted(self.rows()), [("a", "0"), ("a", "1"), ("a", "2")])
        self.assertEqual(sorted(self.items()), [("a", "0")])

    def test_the_time_is_up(self):
        self.set_phase("dual write", fence="'postgres'", fence_until="now() + interval '60 s'")
        thread, status = self.write_behind(self.gateways[0], "1")
        time.sleep(0.5)
        self.assertTrue(thread.is_alive())
        self.set_phase("dual write", wait=False, fence="'postgres'", fence_until="now() + interval '1 s'")
        thread.join()
        self.assertEqual(status, [200])
        self.assertEqual(self.sql("SELECT fence IS NULL FROM landfall.phase"), "t")
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.event WHERE what = 'fence ran out'"), "1")
        self.check_equal()


class Reads(UpstreamCase):
    """A share of eventual reads is PostgreSQL's. Each side is told from the other by items that it alone has changed."""

    PARTITIONS = 60

    def setUp(self):
        super().setUp()
        self.make_table()
        self.front = self.client(self.gateway().url)
        self.set_phase("dual write")
        for at in range(self.PARTITIONS):
            self.front.ask("PutItem", TableName=self.table, Item={**key(f"p{at}", "1"), "side": text("both"), "g": text(f"g{at % 5}")})
        for at in range(self.PARTITIONS):
            self.upstream.ask("PutItem", TableName=self.table, Item={**key(f"p{at}", "1"), "side": text("dynamodb"), "g": text(f"g{at % 5}")})

    def share(self, percent, **columns):
        self.set_phase("dual write", reads_percent=str(percent), readable_at="now()", **columns)

    def get(self, at, **options):
        return self.front.ask("GetItem", TableName=self.table, Key=key(f"p{at}", "1"), **options)["Item"]["side"]["S"]

    def gets(self):
        return [self.get(at) for at in range(self.PARTITIONS)]

    def test_the_percentage(self):
        self.assertEqual(set(self.gets()), {"dynamodb"})
        self.share(100)
        self.assertEqual(set(self.gets()), {"both"})
        self.assertEqual(self.get(1, ConsistentRead=True), "dynamodb")
        self.share(40)
        some = self.gets()
        self.assertTrue(10 < some.count("both") < 40, some)
        self.assertEqual(self.gets(), some)
        self.share(60)
        self.assertTrue(all(later == "both" for earlier, later in zip(some, self.gets()) if earlier == "both"))
        self.until(lambda: int(self.sql("SELECT coalesce(sum(reads), 0) FROM landfall.read_count WHERE kind = 'postgres'")) >= self.PARTITIONS)

    def test_rows_that_have_not_caught_up(self):
        self.set_phase("dual write", reads_percent="100")
        self.assertEqual(self.get(1), "dynamodb")

    def test_each_kind_of_read(self):
        self.share(100)
        query = {"TableName": self.table, "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": text("p1")}}
        self.assertEqual(self.front.ask("Query", **query)["Items"][0]["side"], text("both"))
        self.assertEqual(self.front.ask("Query", **query, ConsistentRead=True)["Items"][0]["side"], text("dynamodb"))
        legacy = {"TableName": self.table, "KeyConditions": {"p": {"ComparisonOperator": "EQ", "AttributeValueList": [text("p1")]}}}
        self.assertEqual(self.front.ask("Query", **legacy)["Items"][0]["side"], text("both"))
        index = {"TableName": self.table, "IndexName": "ByG", "KeyConditionExpression": "g = :g", "ExpressionAttributeValues": {":g": text("g1")}}
        self.assertEqual({item["side"]["S"] for item in self.front.ask("Query", **index)["Items"]}, {"both"})
        batch = {self.table: {"Keys": [key("p1", "1"), key("p2", "1")]}}
        got = self.front.ask("BatchGetItem", RequestItems=batch)["Responses"][self.table]
        self.assertEqual({item["side"]["S"] for item in got}, {"both"})
        self.assertEqual({item["side"]["S"] for item in self.front.ask("Scan", TableName=self.table)["Items"]}, {"both"})
        got = self.front.ask("TransactGetItems", TransactItems=[{"Get": {"TableName": self.table, "Key": key("p1", "1")}}])
        self.assertEqual(got["Responses"][0]["Item"]["side"], text("dynamodb"))

    def mark_p1(self):
        self.sql(f"""INSERT INTO landfall.dirty_key (table_name, h, sk, key, token, owner)
            SELECT '{self.table}', substr(sha256('p1'), 1, 16), '1', '{json.dumps(key("p1", "1"))}', nextval('landfall.mark_token'), id
            FROM landfall.gateway LIMIT 1""")

    def test_marked_keys_are_dynamodbs(self):
        self.share(100)
        self.mark_p1()
        query = {"TableName": self.table, "KeyConditionExpression": "p = :p AND s > :s", "ExpressionAttributeValues": {":p": text("p1"), ":s": text("0")}}
        self.assertEqual(self.get(1), "dynamodb")
        self.assertEqual(self.get(2), "both")
        self.assertEqual(self.front.ask("Query", **query)["Items"][0]["side"], text("dynamodb"))
        got = self.front.ask("BatchGetItem", RequestItems={self.table: {"Keys": [key("p1", "1"), key("p2", "1")]}})["Responses"][self.table]
        self.assertEqual({item["side"]["S"] for item in got}, {"dynamodb"})

    def test_pages_stay_on_their_side(self):
        for before, after in ((100, 0), (0, 100)):
            self.share(before)
            page = self.front.ask("Scan", TableName=self.table, Limit=7)
            self.share(after)
            found = [*page["Items"]]
            while "LastEvaluatedKey" in page:
                page = self.front.ask("Scan", TableName=self.table, Limit=7, ExclusiveStartKey=page["LastEvaluatedKey"])
                found += page["Items"]
            self.assertEqual(len(found), self.PARTITIONS)
            self.assertEqual({item["side"]["S"] for item in found}, {"both" if before else "dynamodb"})
            self.assertEqual(len({item["p"]["S"] for item in found}), self.PARTITIONS)

    def test_reads_fall_back_and_retreat(self):
        self.share(100)
        name = self.sql(f"SELECT format('%I', left(name, 40) || '_' || id) FROM landfall.dynamodb_table WHERE name = '{self.table}'")
        self.sql(f"ALTER TABLE dynamodb.{name} RENAME TO away")
        self.assertEqual(set(self.gets()), {"dynamodb"})
        self.assertEqual(self.sql("SELECT reads_percent FROM landfall.phase"), "0")
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.event WHERE what = 'reads retreated'"), "1")
        self.until(lambda: int(self.sql("SELECT coalesce(sum(reads), 0) FROM landfall.read_count WHERE kind = 'fallback'")) >= 20)
        self.sql(f"ALTER TABLE dynamodb.away RENAME TO {name}")

    def test_shadow_reads(self):
        """All partitions differ but one, and one more is brought up while its comparison pauses."""
        self.front.ask("PutItem", TableName=self.table, Item={**key("p1", "1"), "g": text("g1"), "n": number("1.0")})
        self.share(0, shadow_percent="100")
        for at in (1, 3):
            self.get_quietly(at)
        late = self.bring_up_while_compared()
        differences = f"landfall.shadow_difference WHERE coalesce(request #>> '{{Key,p,S}}', '') <> ALL ('{{{late}}}')"
        query = {"TableName": self.table, "KeyConditionExpression": "p = :p", "ExpressionAttributeValues": {":p": text("p4")}}
        self.front.ask("Query", **query)
        self.front.ask("BatchGetItem", RequestItems={self.table: {"Keys": [key("p5", "1"), key("p1", "1")]}})
        self.until(lambda: self.sql(f"SELECT count(*) FROM {differences}") == "3")
        found = self.sql(f"SELECT operation || coalesce(request #>> '{{Key,p,S}}', '') FROM {differences} ORDER BY 1").split()
        self.assertEqual(found, ["BatchGetItem", "GetItemp3", "Query"])
        self.assertEqual(self.sql(f"SELECT (dynamodb #>> '{{Item,side,S}}') || (postgres #>> '{{Item,side,S}}') FROM {differences} AND operation = 'GetItem'"), "dynamodbboth")
        self.until(lambda: self.sql("SELECT sum(reads) = (SELECT count(*) FROM landfall.shadow_difference) FROM landfall.read_count WHERE kind = 'different'") == "t")
        self.share(100, shadow_percent="100")
        self.assertEqual(self.get(6), "both")
        self.until(lambda: self.sql(f"SELECT count(*) FROM {differences}") == "4")

    def bring_up_while_compared(self):
        """One that is equal before it is compared again; those that this took too long for on this machine, which may count."""
        late = []
        for at in range(10, 30):
            began = time.monotonic()
            self.get_quietly(at)
            self.front.ask("PutItem", TableName=self.table, Item={**key(f"p{at}", "1"), "g": text("g0")})
            if time.monotonic() - began < SECONDS_UNTIL_COMPARED_AGAIN:
                break
            late.append(f"p{at}")
        return ",".join(late)

    def test_what_waits_for_its_repair_is_no_difference(self):
        self.mark_p1()
        self.share(0, shadow_percent="100")
        for at in (1, 2):
            self.get_quietly(at)
        self.until(lambda: self.sql("SELECT count(*) FROM landfall.shadow_difference") != "0")
        time.sleep(1)  # the other comparison began before this one
        self.assertEqual(self.sql("SELECT request #>> '{Key,p,S}' FROM landfall.shadow_difference"), "p2")

    def test_what_postgres_cannot_be_asked_is_no_difference(self):
        """Whoever reads one row loses the connection, each time."""
        name = self.sql(f"SELECT format('%I', left(name, 40) || '_' || id) FROM landfall.dynamodb_table WHERE name = '{self.table}'")
        self.sql(f"ALTER TABLE dynamodb.{name} RENAME TO away; CREATE VIEW dynamodb.{name} AS SELECT xmin, * FROM dynamodb.away WHERE item::text NOT LIKE '%\"p1\"%' OR "
                 "(pg_terminate_backend(pg_backend_pid()) AND pg_sleep(5) IS NOT NULL)")
        self.share(0, shadow_percent="100")
        self.get_quietly(1)
        self.until(lambda: self.get_quietly(2) or self.sql("SELECT count(*) FROM landfall.shadow_difference") != "0")
        time.sleep(1)  # the comparison of the other item began before these
        self.assertEqual(self.sql("SELECT DISTINCT request #>> '{Key,p,S}' FROM landfall.shadow_difference"), "p2")
        self.assertNotEqual(self.sql("SELECT sum(reads) FROM landfall.read_count WHERE kind = 'shadowed'"), "0")
        self.sql(f"DROP VIEW dynamodb.{name}; ALTER TABLE dynamodb.away RENAME TO {name}")

    def get_quietly(self, at):
        self.front.ask("GetItem", TableName=self.table, Key=key(f"p{at}", "1"))


MAP = """
version: 1
schema: shop
tables:
  %s:
    key: { p: S, s: S }
    entities:
      Customer:
        match: { kind: customer }
        key: { p: "c#{customer_id}", s: "c" }
        table: customer
        primary_key: [customer_id]
        columns:
          customer_id: { attr: customerId, type: text, null: false }
          email: { attr: email, type: text }
          visits: { attr: visits, type: bigint }
"""


class Mapped(UpstreamCase):
    """The same for tables of a map: rows follow, and what no entity claims is kept whole."""

    def setUp(self):
        super().setUp()
        self.write("landfall.yaml", MAP % self.table)
        self.landfall("plan")
        self.landfall("migrate", "up")
        self.definition["AttributeDefinitions"] = TABLE["AttributeDefinitions"][:2]
        del self.definition["GlobalSecondaryIndexes"]
        self.upstream.ask("CreateTable", **self.definition)
        self.front = self.client(self.gateway("--map", str(self.folder / "landfall.yaml")).url)
        self.set_phase("dual write")

    def customer(self, name, **more):
        return {**key(f"c#{name}", "c"), "kind": text("customer"), "customerId": text(name), **more}

    def test_rows_follow(self):
        for name in "abc":
            self.front.ask("PutItem", TableName=self.table, Item=self.customer(name, email=text(f"{name}@x")))
        self.front.ask("UpdateItem", TableName=self.table, Key=key("c#a", "c"), UpdateExpression="ADD visits :one", ExpressionAttributeValues={":one": number(1)})
        self.front.ask("TransactWriteItems", TransactItems=[
            {"Delete": {"TableName": self.table, "Key": key("c#b", "c")}},
            {"Put": {"TableName": self.table, "Item": {**key("odd", "1"), "anything": {"BOOL": True}}}}])
        self.assertEqual(self.sql("SELECT customer_id, email, visits FROM shop.customer ORDER BY 1").split(), ["a|a@x|1", "c|c@x|"])
        self.assertEqual(self.sql(f"SELECT item ->> 'anything' FROM landfall.item WHERE table_name = '{self.table}'"), '{"BOOL":true}')
        self.assertEqual(self.marks(), 0)
        self.set_phase("dual write", reads_percent="100", readable_at="now()")
        found = {item["p"]["S"]: item for item in self.front.ask("Scan", TableName=self.table)["Items"]}
        self.assertEqual(found, {at[0]: item for at, item in self.items().items()})
        self.assertEqual(self.front.ask("GetItem", TableName=self.table, Key=key("c#a", "c"))["Item"],
                         self.customer("a", email=text("a@x"), visits=number(1)))


if __name__ == "__main__":
    unittest.main()
