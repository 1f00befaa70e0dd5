#!/usr/bin/env python3
"""An application in use moves from DynamoDB to PostgreSQL, back, and again, with all its requests answered: move.py LANDFALL [--seconds S].

DynamoDB is DynamoDB Local. Several processes of app.mjs work through two gateways from before the first command until after the last. At each rest both sides must
be equal, and at the end every register's history linearizable. Last line: `N requests, 0 failed requests, pause M ms`.
"""
import argparse
import collections
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent.parent / "oracle")]
import history  # noqa: E402
from dynamodb import Client, Refused, read_url  # noqa: E402
from harness import Server  # noqa: E402
from servers import DynamoDbLocal, lacks  # noqa: E402

TABLE, PROCESSES, GATEWAYS = "shop", 4, 2
SECONDS_MAX, SKIPPED = 120, 77
KEYS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": "us-east-1"}
# DynamoDB Local looks at no signature, but wants one.
UNSIGNED = {"Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"}


class Failed(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Failed(text)


def wait_until(what, condition, seconds=SECONDS_MAX):
    deadline = time.monotonic() + seconds
    while not condition():
        expect(time.monotonic() < deadline, f"not within {seconds} s: {what}")
        time.sleep(0.1)


class Application:
    """The processes of app.mjs."""

    def __init__(self, folder, urls):
        self.files = [folder / f"history-{number}" for number in range(PROCESSES)]
        self.processes = [subprocess.Popen(["node", HERE / "app.mjs", urls[number % len(urls)], str(number), file], stdout=subprocess.PIPE, text=True)
                          for number, file in enumerate(self.files)]
        self.hear("runs")

    def hear(self, word):
        for process in self.processes:
            line = process.stdout.readline()
            expect(line == f"{word}\n", f"the application said {line!r} instead of {word}")

    def toggle(self):
        for process in self.processes:
            process.send_signal(signal.SIGUSR2)

    @contextlib.contextmanager
    def resting(self):
        self.toggle()
        self.hear("rests")
        yield
        self.toggle()

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            expect(process.wait(SECONDS_MAX) == 0, "the application failed")

    def kill(self):
        for process in self.processes:
            process.kill()

    def requests(self):
        return history.read(self.files)


class Move:
    def __init__(self, landfall, folder, server, dynamodb, stack, seconds):
        self.landfall, self.folder, self.dynamodb, self.stack, self.seconds, self.server = landfall, folder, dynamodb, stack, seconds, server
        self.environment = {**server.environment("postgres"), **KEYS, "AWS_ENDPOINT_URL_DYNAMODB": dynamodb.url, "NO_COLOR": "1"}
        self.began = time.monotonic()

    def direct(self, operation, **body):
        """DynamoDB itself, by a connection that has not been idle."""
        client = Client(self.dynamodb.url, UNSIGNED)
        try:
            return client(operation, **body)
        finally:
            client.close()

    def say(self, text):
        print(f"{time.monotonic() - self.began:6.1f} s  {text}", flush=True)

    def start(self, name, *arguments):
        log = (self.folder / f"{name}.log").open("w")
        process = subprocess.Popen([self.landfall, *arguments], cwd=self.folder, env=self.environment, text=True, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE if arguments[0] == "serve" else log, stderr=log)
        self.stack.callback(self.end, process)
        return process

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def run(self, *arguments, status=0):
        done = subprocess.run([self.landfall, *map(str, arguments)], cwd=self.folder, env=self.environment, text=True, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=SECONDS_MAX)
        text = (done.stdout + done.stderr).strip()
        self.say(f"landfall {' '.join(map(str, arguments))}: {text.splitlines()[-1] if text else 'done'}")
        expect(done.returncode == status, f"landfall {' '.join(map(str, arguments))}: status {done.returncode}\n{text}")
        return done.stdout if status == 0 else done.stderr

    def status(self):
        done = subprocess.run([self.landfall, "status", "--json"], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=SECONDS_MAX)
        expect(done.returncode == 0, done.stderr)
        return json.loads(done.stdout)

    def of_table(self, section, column):
        rows = [row for row in self.status()[section] if row["table"] == TABLE]
        return rows[0][column] if rows else None

    def make_table(self):
        """Made and filled as the application finds it."""
        attributes = ["pk", "sk", "gsi1pk", "gsi1sk"]
        keys = [[{"AttributeName": pair[0], "KeyType": "HASH"}, {"AttributeName": pair[1], "KeyType": "RANGE"}] for pair in (attributes[:2], attributes[2:])]
        self.direct("CreateTable", TableName=TABLE, BillingMode="PAY_PER_REQUEST", KeySchema=keys[0],
                    AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in attributes],
                    GlobalSecondaryIndexes=[{"IndexName": "gsi1", "KeySchema": keys[1], "Projection": {"ProjectionType": "ALL"}}],
                    StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
        # An update makes a register without a size: the draft has to see one, whatever is there at that moment.
        self.direct("PutItem", TableName=TABLE, Item={"pk": {"S": "register#kept"}, "sk": {"S": "state"}, "value": {"S": "kept"}})

    def load(self, seconds=None):
        time.sleep(seconds or self.seconds)

    def verify(self, application):
        """At rest: nothing is under way, and both sides and both ways to read are equal."""
        with application.resting():
            self.settle()
            self.run("verify", f"dynamodb://{TABLE}", "--settle", "1")
            through = [self.scan(Client(url)) for url in self.urls]
            direct = self.scan(self.direct)
            expect(all(items == direct for items in through), f"reads differ: {compare(direct, through)}")
        self.say(f"at rest: {len(direct)} items, read alike from DynamoDB and through {len(through)} gateways")

    def settle(self):
        wait_until("changes are applied", lambda: self.of_table("lag", "changes not applied") == "0")
        wait_until("reverse sync is done", lambda: self.of_table("reverse", "changes not sent") in (None, "0"))

    def wait_for_follower(self):
        """As an operator does before the next step: it is refused while changes wait for long."""
        wait_until("the follower is not far behind", lambda: float(self.of_table("lag", "oldest, s") or 0) < 5)

    @staticmethod
    def scan(client):
        """Every item, by key, as text."""
        items, start = {}, {}
        while True:
            page = client("Scan", TableName=TABLE, ConsistentRead=True, **start)
            items.update((f"{item['pk']['S']} {item['sk']['S']}", json.dumps(item, sort_keys=True)) for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                return items
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def say_fences(self):
        """When each fence was put up, the authority changed, and the fence taken down."""
        rows = subprocess.run([self.server.client("psql"), "-AtX", "-c", "SELECT to_char(at, 'HH24:MI:SS.MS') || '  ' || what FROM landfall.event WHERE what ~ 'fence|writes' "
                               "ORDER BY id"], env=self.environment, capture_output=True, text=True, check=True, timeout=SECONDS_MAX).stdout
        for row in rows.splitlines():
            self.say(row)

    def pause_of(self, output):
        return int(output.rsplit("pause ", 1)[1].split()[0])

    def serve(self):
        self.urls = [read_url(self.start(f"gateway-{number}", "serve", "--map", "landfall.yaml", "--upstream", "--jobs", "1", "--listen", "127.0.0.1:0"))
                     for number in range(GATEWAYS)]

    def warm_up(self, application_class):
        """The application alone with DynamoDB, so that there is something to draft a map from."""
        application = application_class(self.folder, [self.dynamodb.url])
        self.load()
        application.stop()
        return application.requests()

    def prepare(self):
        self.run("inspect", f"dynamodb://{TABLE}", "-o", "landfall.yaml")
        self.run("plan")
        self.run("migrate", "up")
        self.start("follow", "follow", f"dynamodb://{TABLE}")
        wait_until("the stream is followed", lambda: self.status()["tables"])
        self.serve()

    def to_postgres(self, application):
        self.run("backfill", f"dynamodb://{TABLE}")
        wait_until("the rows are readable", lambda: self.of_table("tables", "readable since") != "not yet")
        self.verify(application)
        for percent in (10, 50, 100):
            self.wait_for_follower()
            self.run("cutover", "reads", "--percent", percent, "--shadow-percent", 20)
            self.load()
        self.verify(application)
        return self.cut_over(application)

    def cut_over(self, application):
        self.wait_for_follower()
        pause = self.pause_of(self.run("cutover", "writes"))
        self.load()
        self.verify(application)
        return pause

    def back_and_again(self, application):
        pause = self.pause_of(self.run("rollback", "writes"))
        self.load()
        self.verify(application)
        for entity in self.entities():
            pause = max(pause, self.move_alone(entity, application))
        return max(pause, self.cut_over(application), self.take_back_alone(self.entities()[0], application))

    def entities(self):
        """Of the drafted map, with the entity that the registers are of."""
        return sorted(row.strip().rstrip(":") for row in (self.folder / "landfall.yaml").read_text().splitlines() if re.fullmatch(r" {6}\w+:", row))

    def move_alone(self, entity, application):
        """One entity's writes move while the rest stays with DynamoDB, and come back."""
        self.wait_for_follower()
        pause = self.pause_of(self.run("cutover", "writes", TABLE, "--entity", entity))
        self.load()
        self.verify(application)
        expect(self.of_table("tables", "entities") == entity, "the table is not mixed")
        pause = max(pause, self.pause_of(self.run("rollback", "writes", TABLE, "--entity", entity)))
        expect(self.of_table("tables", "phase") == "dual write", "the last entity has not taken the table back")
        self.verify(application)
        return pause

    def take_back_alone(self, entity, application):
        """One entity's writes go back while the rest stays, and move again."""
        pause = self.pause_of(self.run("rollback", "writes", TABLE, "--entity", entity))
        self.load()
        self.verify(application)
        expect(entity not in self.of_table("tables", "entities"), "the entity has not gone back")
        return max(pause, self.cut_over(application))

    def late_writer(self):
        """One that writes past the gateways is noticed, and may be overruled."""
        self.direct("PutItem", TableName=TABLE, Item={"pk": {"S": "register#late"}, "sk": {"S": "state"}, "value": {"S": "late"}, "size": {"N": "1"}})
        wait_until("the late writer is noticed", lambda: self.of_table("keys", "late writes") == "1")
        self.run("decommission", "-o", "refused", status=4)
        self.run("late-writes", "drop")
        wait_until("it is overruled", lambda: "Item" not in self.direct("GetItem", TableName=TABLE, Key={"pk": {"S": "register#late"}, "sk": {"S": "state"}}))

    def decommission(self):
        self.run("decommission", TABLE, "-o", "archive", "--delete-table", "--yes", "--confirm", TABLE)
        try:
            self.direct("DescribeTable", TableName=TABLE)
        except Refused as refused:
            expect(refused.type == "ResourceNotFoundException", str(refused))
        else:
            raise Failed("the DynamoDB table is still there")
        self.load()


def compare(direct, through):
    return [(key, direct.get(key), items.get(key)) for items in through for key in sorted({*direct, *items}) if direct.get(key) != items.get(key)][:5]


def judge(move, requests, seconds, pause):
    failed = history.failed(requests)
    for (name, error), count in collections.Counter((request["name"], request["error"]) for request in failed).most_common(10):
        move.say(f"failed {count} times: {name}: {error}")
    violations = history.check_registers(requests) + history.check_glances(requests)
    for violation in violations:
        move.say(violation)
    kinds = collections.Counter(request["outcome"] for request in requests)
    move.say(f"{len(requests) / seconds:.0f} requests a second; {kinds['refused']} refused by their condition; {len(violations)} violations")
    print(f"{len(requests)} requests, {len(failed)} failed requests, pause {pause} ms", flush=True)
    return 1 if failed or violations else 0


def move_all(move):
    move.make_table()
    requests = move.warm_up(Application)
    move.prepare()
    application = Application(move.folder, move.urls)
    move.stack.callback(application.kill)
    began = time.monotonic()
    pause = move.to_postgres(application)
    pause = max(pause, move.back_and_again(application))
    move.late_writer()
    move.decommission()
    application.stop()
    move.say_fences()
    return judge(move, application.requests(), time.monotonic() - began, pause) if requests else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("landfall")
    parser.add_argument("--seconds", type=float, default=3, help="how long the application runs between two commands")
    parser.add_argument("--keep", action="store_true", help="keep the folder with logs and histories")
    arguments = parser.parse_args()
    missing = lacks() or (None if shutil.which("node") and (HERE.parent.parent / "clients" / "node_modules" / "@aws-sdk").exists() else "node or its packages")
    if missing:
        print(f"skipped: {missing}")
        return SKIPPED
    folder = pathlib.Path(tempfile.mkdtemp(prefix="landfall-live-"))
    with contextlib.ExitStack() as stack:
        if not arguments.keep:
            stack.callback(shutil.rmtree, folder)
        server = Server()
        stack.callback(server.stop)
        dynamodb = DynamoDbLocal()
        stack.callback(dynamodb.stop)
        move = Move(os.path.abspath(arguments.landfall), folder, server, dynamodb, stack, arguments.seconds)
        try:
            return move_all(move)
        except Failed as failed:
            print(f"{failed}\nfolder: {folder}", flush=True)
            return 1


if __name__ == "__main__":
    sys.exit(main())
