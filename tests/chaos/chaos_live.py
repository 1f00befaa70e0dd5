#!/usr/bin/env python3
"""Breaks a move from DynamoDB to PostgreSQL under load: chaos_live.py LANDFALL ROUNDS [--seed N] [--clients N] [--keep].

Each round an application works on three tables through two gateways, in front of DynamoDB Local, while they go from phase `follow` over backfill, dual write and
reads to PostgreSQL, back, and forward again. Meanwhile gateways, the follower and commands are killed (-9) or halted, PostgreSQL crashes, DynamoDB Local is killed
and comes back, requests to DynamoDB are throttled, dropped, cut or land late, and connections to PostgreSQL are delayed, cut, half closed or go dumb. What must hold:
histories linearizable, no acknowledged write lost, both sides equal at each rest, all failures of kinds that clients try again, nothing that ends by itself.

What was sent to DynamoDB cannot land any more when the proxy has none of it: the quarter of an hour until its signature expires is cut short then.
Prints a summary; exit status 1 when a round fails."""
import argparse
import asyncio
import collections
import contextlib
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e"), str(HERE.parent / "oracle")]
import dynamodb  # noqa: E402
import harness  # noqa: E402
import linearizable  # noqa: E402
import live_proxies  # noqa: E402
from clients import BALANCE, History, item_of  # noqa: E402
from live_clients import ACCOUNTS, REGISTERS, Client, Load, check_balances, check_glances  # noqa: E402
from servers import DynamoDbLocal, lacks  # noqa: E402

TABLES, BALLAST, BATCH, GATEWAYS, TRIES_MAX, SKIPPED = (*sorted(REGISTERS), "accounts"), 200, 25, 2, 4, 77
STEP_SECONDS_MAX, READY_SECONDS_MAX = 180, 90
LEASE_SECONDS = 10  # of a gateway, as others see it
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": "us-east-1", "NO_COLOR": "1"}
# DynamoDB Local looks at no signature, but wants one.
UNSIGNED = "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0"
STATE = ("SELECT pid, state, wait_event_type, wait_event, pg_blocking_pids(pid), now() - xact_start, left(query, 200) FROM pg_stat_activity WHERE "
         "datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()", "SELECT *, clock_timestamp() FROM landfall.phase",
         "SELECT * FROM landfall.gateway", "SELECT * FROM landfall.catalog", "SELECT * FROM landfall.dirty_key", "SELECT * FROM landfall.leader",
         "SELECT count(*) FROM landfall.spool", "SELECT * FROM landfall.reverse_change LIMIT 10", "SELECT * FROM landfall.reverse_sent WHERE again_at IS NOT NULL LIMIT 10",
         "SELECT s.* FROM landfall.reverse_sent s JOIN landfall.late_write l ON s.table_name = l.table_name AND s.key::text = l.key::text",
         "SELECT at, what, detail FROM landfall.event ORDER BY id DESC LIMIT 20")
LANDED = ("UPDATE landfall.dirty_key SET settled_at = clock_timestamp() WHERE token IN ({tokens}) AND settled_at > clock_timestamp(); "
          "UPDATE landfall.reverse_sent SET again_at = clock_timestamp() WHERE batch IN ({batches}) AND again_at > clock_timestamp()")


class Direct:
    """DynamoDB itself."""

    def __init__(self, url):
        self.client = dynamodb.Client(url, {"Authorization": UNSIGNED})

    def close(self):
        self.client.close()

    async def call(self, operation, **body):
        return await asyncio.to_thread(self.client, operation, **body)


class Process:
    """A gateway or a follower, which comes back when something has killed it."""

    def __init__(self, chaos, name, *arguments):
        self.chaos, self.name, self.arguments, self.port, self.process = chaos, name, arguments, 0, None

    async def start(self):
        listen = ("--listen", f"127.0.0.1:{self.port}") if self.arguments[0] == "serve" else ()
        self.log = (self.chaos.folder / f"{self.name}.log").open("a")
        self.process = await asyncio.create_subprocess_exec(self.chaos.landfall, *self.arguments, *listen, cwd=self.chaos.folder, env=self.chaos.environment,
                                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log)
        if not listen:
            return
        line = (await asyncio.wait_for(self.process.stdout.readline(), READY_SECONDS_MAX)).decode()
        if ready := re.search(r"http://127\.0\.0\.1:(\d+)", line):
            self.port = int(ready.group(1))

    async def kill(self):
        self.send(signal.SIGKILL)
        await self.process.wait()

    def send(self, number):
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def expect_alive(self):
        if self.process.returncode is not None:
            said = (self.chaos.folder / f"{self.name}.log").read_text()[-1000:]
            raise AssertionError(f"{self.name} has ended by itself, with {self.process.returncode}: {said}")

    async def stop(self):
        self.expect_alive()
        self.process.terminate()
        assert await asyncio.wait_for(self.process.wait(), READY_SECONDS_MAX) == 0, f"{self.name} ended with {self.process.returncode}"


class Chaos:
    def __init__(self, landfall, arguments):
        self.landfall, self.arguments = os.path.abspath(landfall), arguments
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="landfall-chaos-"))
        shutil.copy(HERE / "gateway.yaml", self.folder / "landfall.yaml")
        subprocess.run([self.landfall, "plan"], cwd=self.folder, check=True, capture_output=True)
        self.server = harness.Server(["log_min_messages=fatal", "max_connections=200"])
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.kept = tempfile.mkdtemp(prefix="landfall-chaos-", dir=memory)
        self.dynamodb_local = DynamoDbLocal(self.kept)
        self.broken, self.failures, self.requests, self.ends = (collections.Counter() for _ in range(4))
        self.began, self.said = time.monotonic(), None

    def close(self):
        self.dynamodb_local.stop()
        self.server.stop()
        shutil.rmtree(self.kept)
        if not self.arguments.keep:
            shutil.rmtree(self.folder)

    async def psql(self, statement, database=None):
        process = await asyncio.create_subprocess_exec(self.server.client("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", statement,
                                                       env=self.server.environment(database or self.database), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, errors = await process.communicate()
        if process.returncode:
            raise OSError(errors.decode())
        return output.decode().strip()

    def say(self, text):
        print(f"{time.monotonic() - self.began:7.1f} s  {text}", flush=True)

    # ---- faults ----

    async def kill_gateway(self):
        gateway = self.random.choice(self.gateways)
        await gateway.kill()
        await asyncio.sleep(self.random.random())
        await gateway.start()

    async def halt_gateway(self):
        """Also for longer than its lease. What it had not yet sent when it was halted may land when it goes on."""
        gateway = self.random.choice(self.gateways)
        async with self.landing:
            gateway.send(signal.SIGSTOP)
            await asyncio.sleep(self.random.choice([0.5, 4, LEASE_SECONDS + 2]))
            gateway.send(signal.SIGCONT)
            await asyncio.sleep(1)

    async def kill_follower(self):
        await self.follower.kill()
        await asyncio.sleep(self.random.random())
        await self.follower.start()

    async def halt_follower(self):
        self.follower.send(signal.SIGSTOP)
        await asyncio.sleep(self.random.choice([0.5, 3]))
        self.follower.send(signal.SIGCONT)

    async def kill_command(self):
        """The one that runs, or the next."""
        self.victim.set()
        await asyncio.sleep(self.random.uniform(0, 2))
        self.victim.clear()

    async def crash_postgres(self):
        await asyncio.to_thread(self.server.crash)
        await asyncio.to_thread(self.server.start)

    async def restart_dynamodb(self):
        await asyncio.to_thread(self.dynamodb_local.restart)

    async def break_requests(self):
        self.dynamodb.shares = {kind: 0.1 for kind in self.random.sample(live_proxies.KINDS, 3)}
        await asyncio.sleep(self.random.uniform(0.5, 2))
        self.dynamodb.shares = {}

    async def break_links(self):
        await self.postgres.disturb(self.random.choice(live_proxies.LINK_KINDS))

    def faults(self):
        """With how often each is chosen: those that cost seconds are rare."""
        return {self.kill_gateway: 3, self.halt_gateway: 2, self.kill_follower: 4, self.halt_follower: 2, self.kill_command: 5, self.crash_postgres: 4,
                self.restart_dynamodb: 1, self.break_requests: 10, self.break_links: 10}

    async def break_things(self):
        faults = self.faults()
        while True:
            await asyncio.sleep(self.random.expovariate(1 / self.arguments.calm))
            async with self.breaking:
                fault = self.random.choices(list(faults), faults.values())[0]
                self.broken[fault.__name__.replace("_", " ")] += 1
                self.say(f"    {fault.__name__}")
                await fault()

    def expect_all_alive(self):
        for process in (*self.gateways, self.follower):
            process.expect_alive()

    async def watch(self):
        """Nothing ends by itself, between faults."""
        while True:
            await asyncio.sleep(1)
            async with self.breaking:
                self.expect_all_alive()

    async def settle_what_cannot_land(self):
        """The signature of a request that the proxy does not have any more may as well have expired."""
        while True:
            await asyncio.sleep(0.5)
            with contextlib.suppress(OSError):
                async with self.landing:
                    await self.settle_once()

    async def settle_once(self):
        found = await self.psql("SELECT coalesce(string_agg(token::text, ','), '0') FROM landfall.dirty_key WHERE settled_at > clock_timestamp(); "
                                "SELECT coalesce(string_agg(DISTINCT batch::text, ','), '0') FROM landfall.reverse_sent WHERE again_at > clock_timestamp() AND "
                                f"sent_at < clock_timestamp() - interval '{LEASE_SECONDS} s'")
        tokens, batches = found.splitlines()
        if (tokens, batches) != ("0", "0"):
            await self.dynamodb.landed()
            await self.psql(LANDED.format(tokens=tokens, batches=batches))

    # ---- commands ----

    async def run(self, *arguments):
        """Exit status and words of a command that may be killed."""
        process = await asyncio.create_subprocess_exec(self.landfall, *arguments, cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
                                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        killer = asyncio.create_task(self.kill_when_told(process))
        try:
            output, _ = await asyncio.wait_for(process.communicate(), STEP_SECONDS_MAX)
        finally:
            killer.cancel()
        self.ends[f"{' '.join(arguments[:2]) if arguments[0] in ('cutover', 'rollback') else arguments[0]} ended with {process.returncode}"] += 1
        return process.returncode, output.decode()

    async def kill_when_told(self, process):
        await self.victim.wait()
        await asyncio.sleep(self.random.uniform(0, 0.3))
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        self.victim.clear()

    async def step(self, *arguments, until=None):
        """Again and again, as somebody would who finds it killed or refused; after some tries nothing else breaks. `until`: what the database then says of all tables."""
        for _ in range(TRIES_MAX):
            if await self.succeeds(arguments, until):
                return
        async with self.breaking:
            self.victim.clear()
            await self.wait_for(f"landfall {' '.join(arguments)} is through", lambda: self.succeeds(arguments, until))

    async def succeeds(self, arguments, until):
        status, output = await self.run(*arguments)
        lines = output.strip().splitlines() or [""]
        if (arguments, status) != self.said:
            self.say(f"  {' '.join(arguments)}: {status} {'' if status == 0 else lines[-2:]}")
        self.said = (arguments, status)
        assert status != 3, f"landfall {' '.join(arguments)} found differences:\n{output}"
        if status == 0 and (until is None or await self.holds(until)):
            return True
        await asyncio.sleep(0.3)
        return False

    async def holds(self, condition):
        with contextlib.suppress(OSError):
            return await self.psql(f"SELECT count(*) FROM landfall.phase WHERE {condition}") == str(len(TABLES))
        return False

    async def wait_for(self, what, condition, deadline=None):
        deadline = deadline or time.monotonic() + STEP_SECONDS_MAX
        while not await condition():
            assert time.monotonic() < deadline, f"waited too long until {what}"
            await asyncio.sleep(0.1)

    async def are_empty(self, *queries):
        with contextlib.suppress(OSError):
            return await self.psql(" UNION ALL ".join(f"(SELECT 1 FROM landfall.{query} LIMIT 1)" for query in queries)) == ""
        return False

    # ---- a rest: nothing breaks, nobody writes, both sides are equal ----

    async def rest(self, is_readable=True):
        async with self.breaking:
            await self.load.rest()
            self.victim.clear()
            await self.apply_all()
            for table in TABLES:
                assert await self.succeeds(("verify", f"dynamodb://{table}", "--settle", "0"), None), f"verify of {table} fails at rest"
            await self.compare()
            wrong = await self.psql("SELECT 'late write ' || late_write::text FROM landfall.late_write UNION ALL SELECT 'shadow difference ' || request::text || dynamodb::text || "
                                    "postgres::text FROM landfall.shadow_difference")
            assert not wrong, f"at rest there is: {wrong}"
            self.load.resume()

    async def apply_all(self):
        """Also what the proxy still holds, and what the follower has not yet read."""
        for _ in range(2):
            await self.dynamodb.landed()
            await self.wait_for("all is followed", lambda: self.succeeds(("follow", "--until-caught-up"), None))
            await self.wait_for("all is applied", lambda: self.are_empty("spool", "dirty_key", "reverse_change", "reverse_sent WHERE again_at IS NOT NULL"))

    async def compare(self):
        """What is read is the same on every way."""
        direct = Direct(self.dynamodb_local.url)
        for table in TABLES:
            there = await self.scan(direct, table, True)
            for gateway in self.gateways:
                client = Client([gateway.port])
                for is_strong in (True, False):
                    here = await self.scan(client, table, is_strong)
                    wrong = [(key, there.get(key), here.get(key)) for key in {*there, *here} if there.get(key) != here.get(key)]
                    assert not wrong, f"{table}: DynamoDB has, and {gateway.name} answers: {wrong}"
                client.close()
        direct.close()

    @staticmethod
    async def scan(client, table, is_strong):
        items, start = {}, {}
        while True:
            page = await client.call("Scan", TableName=table, ConsistentRead=is_strong, **start)
            items.update((item["pk"]["S"], item) for item in page["Items"])
            if "LastEvaluatedKey" not in page:
                return items
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    # ---- a round ----

    async def make_tables(self):
        direct = Direct(self.dynamodb_local.url)
        for table in TABLES:
            with contextlib.suppress(dynamodb.Refused):
                await direct.call("DeleteTable", TableName=table)
            await direct.call("CreateTable", TableName=table, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                              AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
                              StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
        await self.fill(direct, "streamed", [item_of("r1000", (0, "filled"))])
        await self.fill(direct, "accounts", [item_of(f"a{number}", (BALANCE, "filled")) for number in range(ACCOUNTS)])
        await self.fill(direct, "plain", [item_of(f"r{number + 1000}", (number, "filled")) for number in range(BALLAST)])
        direct.close()

    @staticmethod
    async def fill(client, table, items):
        for begin in range(0, len(items), BATCH):
            await client.call("BatchWriteItem", RequestItems={table: [{"PutRequest": {"Item": item}} for item in items[begin:begin + BATCH]]})

    async def start_round(self, number):
        self.random = random.Random(f"{self.arguments.seed} {number}")
        self.database, self.breaking, self.landing, self.victim = f"round{number}", asyncio.Lock(), asyncio.Lock(), asyncio.Event()
        self.dynamodb = live_proxies.Dynamodb(self.dynamodb_local.url, self.random)
        self.postgres = live_proxies.Postgres(f"{self.server.folder}/.s.PGSQL.5432", self.random)
        await self.dynamodb.start()
        await self.postgres.start()
        self.environment = {**self.server.environment(self.database), **CREDENTIALS, "PGHOST": "127.0.0.1", "PGPORT": str(self.postgres.port),
                            "AWS_ENDPOINT_URL_DYNAMODB": self.dynamodb.url}
        await self.psql(f"CREATE DATABASE {self.database}", "postgres")
        await self.make_tables()
        await self.step("migrate", "up")
        self.follower = Process(self, "follower", "follow", "--lease", "3")
        self.gateways = [Process(self, f"gateway-{each}", "serve", "--map", "landfall.yaml", "--upstream", "--jobs", "2") for each in range(GATEWAYS)]
        await self.follower.start()
        await self.wait_for("the streams are followed", lambda: self.holds("true"))
        await asyncio.gather(*(gateway.start() for gateway in self.gateways))

    async def run_for_a_while(self):
        await asyncio.sleep(self.random.uniform(0.3, 1.5))

    async def wait_until_readable(self):
        """DynamoDB Local's records tell the minute only, so that a stream that never pauses seems to be behind until the minute is over."""
        await self.run_for_a_while()
        await self.load.rest()
        await self.wait_for("rows are readable", lambda: self.holds("readable_at IS NOT NULL"))
        self.load.resume()

    async def move(self):
        await self.run_for_a_while()
        for table in TABLES:
            await self.step("backfill", f"dynamodb://{table}", "--lease", "1")
        await self.wait_until_readable()
        await self.rest()
        for percent in ("0", "50", "100"):
            await self.step("cutover", "reads", "--percent", percent, "--shadow-percent", "30", until=f"phase = 'dual write' AND reads_percent = {percent}")
            await self.run_for_a_while()
        await self.step("cutover", "writes", until="phase = 'postgres' AND fence IS NULL")
        await self.run_for_a_while()
        await self.rest()
        await self.step("rollback", "writes", until="phase = 'dual write' AND fence IS NULL")
        await self.run_for_a_while()
        await self.rest()
        await self.step("cutover", "writes", until="phase = 'postgres' AND fence IS NULL")
        await self.run_for_a_while()
        await self.rest()

    async def move_under_load(self):
        """Ends with the load, or with the first that fails."""
        async with asyncio.TaskGroup() as tasks:
            for worker in self.load.workers:
                tasks.create_task(worker.work())
            others = [tasks.create_task(each()) for each in (self.break_things, self.settle_what_cannot_land, self.watch)]
            await self.move()
            self.load.stop()
            for other in others:
                other.cancel()

    async def round(self, number):
        start, history = time.monotonic(), History()
        await self.start_round(number)
        for key in (f"a{each}" for each in range(ACCOUNTS)):
            history.wrote("accounts", key, "filled", start, start)
        self.load = Load([gateway.port for gateway in self.gateways], history, self.random, self.arguments.clients)
        try:
            await self.move_under_load()
            await self.check(history)
            for process in (*self.gateways, self.follower):
                await process.stop()
        except BaseException:
            await self.tell_state()
            raise
        finally:
            await self.end_round(history)
        await self.psql(f"DROP DATABASE {self.database}", "postgres")
        self.say(f"round {number}: {sum(history.answers.values())} requests, {time.monotonic() - start:.0f} s")

    async def tell_state(self):
        """What the database was about when the round failed."""
        for query in STATE:
            with contextlib.suppress(OSError):
                self.say(f"{query}:\n{await self.psql(query)}")

    async def end_round(self, history):
        self.failures.update(self.load.failures)
        self.requests.update(history.answers)
        for process in (*self.gateways, self.follower):
            if process.process and process.process.returncode is None:
                await process.kill()
        for proxy in (self.dynamodb, self.postgres):
            self.broken.update({f"{what} ({type(proxy).__name__})": count for what, count in proxy.done.items() if what != "passed"})
            proxy.stop()

    # ---- what must hold ----

    async def check(self, history):
        worker = self.load.workers[0]
        for table, count in REGISTERS.items():
            for key in [f"r{number}" for number in range(count + 2)] + ["c0", "c1"]:
                await worker.read(table, key)
        await worker.sum()
        for table, key in history.operations:
            try:
                linearizable.check(history.to_check(table, key), None)
            except linearizable.NotLinearizable as failure:
                raise AssertionError(f"{table} {key}: {failure}; before: {self.told(history, table, key, failure)}") from failure
        for (table, key), (acknowledged, unknown) in history.adds.items():
            number = worker.versions[table, key] or 0
            assert acknowledged <= number <= acknowledged + unknown, f"{table} {key} is {number} after {acknowledged} and {unknown} additions"
        items = await self.scan(worker, "accounts", True)
        check_balances(history, {key: int(items[key]["n"]["N"]) for key in (f"a{number}" for number in range(ACCOUNTS))})
        check_glances(history, self.load.glances)
        await self.check_epochs()

    @staticmethod
    def told(history, table, key, failure):
        """The operations that had begun when the one that fails ended."""
        end = float(re.search(r"\[[\d.]+, ([\d.]+)\]", str(failure)).group(1))
        begun = sorted((each for each in history.to_check(table, key) if each.start <= end), key=lambda each: each.start)
        return "".join(f"\n    {each}" for each in begun[-30:])

    async def check_epochs(self):
        """The authority has changed as often as somebody changed it."""
        rows = await self.psql("SELECT p.table_name, p.epoch, 1 + count(*) FILTER (WHERE e.what IN ('cutover writes', 'rollback writes')) FROM landfall.phase p JOIN "
                               "landfall.event e ON e.detail->>'table' = p.table_name GROUP BY p.table_name")
        for row in rows.splitlines():
            table, epoch, expected = row.split("|")
            assert epoch == expected == "4", f"{table} is in epoch {epoch} after {expected} changes"


def leaves(failure):
    """Of a group of exceptions, those that tell something."""
    if isinstance(failure, BaseExceptionGroup):
        return [leaf for each in failure.exceptions for leaf in leaves(each)]
    return [failure]


def read_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("landfall")
    parser.add_argument("rounds", type=int)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--first", type=int, default=0, help="round")
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--calm", type=float, default=2, help="mean of the seconds between two faults")
    parser.add_argument("--keep", action="store_true", help="keep the folder with logs")
    return parser.parse_args()


def summarise(chaos, asked, passed, start):
    for what, count in sorted(chaos.broken.items()):
        print(f"  {count:7} {what}")
    for what, count in sorted(chaos.ends.items()):
        print(f"  {count:7} {what}")
    for what, count in sorted(chaos.failures.items()):
        print(f"  {count:7} failures that a client saw: {what}")
    print(f"{passed} of {asked} rounds: {sum(chaos.requests.values()):,} requests, {sum(chaos.failures.values())} failed, all retryable; lost 0, differences 0, seed "
          f"{chaos.arguments.seed} ({time.monotonic() - start:.0f} s)" if passed == asked else f"{passed} of {asked} rounds, seed {chaos.arguments.seed}", flush=True)


def main():
    arguments = read_arguments()
    if missing := lacks():
        print(f"skipped: {missing}")
        return SKIPPED
    print(f"seed {arguments.seed}", flush=True)
    chaos, passed, start = Chaos(arguments.landfall, arguments), 0, time.monotonic()
    try:
        for number in range(arguments.first, arguments.first + arguments.rounds):
            asyncio.run(chaos.round(number))
            passed += 1
    except (Exception, BaseExceptionGroup) as failed:
        for failure in leaves(failed):
            print(f"round {arguments.first + passed}: {type(failure).__name__}: {failure}", flush=True)
    finally:
        chaos.close()
        summarise(chaos, arguments.rounds, passed, start)
    return 0 if passed == arguments.rounds else 1


if __name__ == "__main__":
    sys.exit(main())
