"""A round of chaos_live.py: an application at work, a plan of the move that its seed makes, and what must hold of it."""
import asyncio
import collections
import contextlib
import random
import subprocess
import time

import dynamodb
import live_proxies
from clients import BALANCE, History, item_of
from live_clients import ACCOUNTS, REGISTERS, Client, Load, check_balances, check_glances
from live_faults import LEASE_SECONDS, Faults
from live_process import Direct, Process

TABLES, BALLAST, BATCH, GATEWAYS, TRIES_MAX = (*sorted(REGISTERS), "accounts"), 200, 25, 2, 4
STEP_SECONDS_MAX = 180
AT_REST_SECONDS = 3  # in which reverse sync, which nothing holds up, sends what it has noted
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": "us-east-1", "NO_COLOR": "1"}
# Entities that may move one after the other; the last step of each is the whole table. What no entity claims stays until then.
ENTITIES = (("plain", "PlainRegister"), ("plain", "PlainCounter"), ("plain", "PlainCounter", "PlainCounter,PlainRegister"), ("streamed", "StreamedRegister"))
STATE = ("SELECT pid, state, wait_event_type, wait_event, pg_blocking_pids(pid), now() - xact_start, left(query, 200) FROM pg_stat_activity WHERE "
         "datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()", "SELECT *, clock_timestamp() FROM landfall.phase",
         "SELECT * FROM landfall.gateway", "SELECT * FROM landfall.catalog", "SELECT * FROM landfall.dirty_key", "SELECT * FROM landfall.leader",
         "SELECT count(*) FROM landfall.spool", "SELECT * FROM landfall.reverse_change LIMIT 10", "SELECT * FROM landfall.reverse_sent WHERE again_at IS NOT NULL LIMIT 10",
         "SELECT s.* FROM landfall.reverse_sent s JOIN landfall.late_write l ON s.table_name = l.table_name AND s.key::text = l.key::text",
         "SELECT * FROM landfall.shadow_difference", "SELECT at, what, detail FROM landfall.event ORDER BY id DESC LIMIT 20")
LANDED = ("UPDATE landfall.dirty_key SET settled_at = clock_timestamp() WHERE settled_at IN ({times}) AND settled_at > clock_timestamp(); "
          "UPDATE landfall.reverse_sent SET again_at = clock_timestamp() WHERE batch IN ({batches}) AND again_at > clock_timestamp()")
BEATS = "SELECT id, beat, is_behind FROM landfall.gateway WHERE journal IS NOT NULL"
WRONG = ("SELECT 'late write ' || late_write::text FROM landfall.late_write UNION ALL SELECT 'shadow difference ' || request::text || dynamodb::text || postgres::text "
         "FROM landfall.shadow_difference")


class Round(Faults):
    def __init__(self, lane, number):
        self.lane, self.number, self.landfall, self.folder = lane, number, lane.landfall, lane.folder
        seed = f"{lane.arguments.seed} {number}"
        self.random, self.plan, self.database = random.Random(seed), random.Random(f"plan of {seed}"), f"round{number}"
        self.goes_on, self.by_entity = self.plan.random() < 0.5, self.plan.random() < 0.5
        self.breaking, self.landing, self.victim, self.sends_within = asyncio.Lock(), asyncio.Lock(), asyncio.Event(), LEASE_SECONDS
        self.history, self.began, self.said, self.crossings = History(), time.monotonic(), {}, collections.Counter()
        socket = f"{lane.server.folder}/.s.PGSQL.5432"
        self.dynamodb = live_proxies.Dynamodb(lane.dynamodb_local.url, self.random)
        self.doors = [live_proxies.Postgres(socket, self.random) for _ in range(GATEWAYS + 1)]
        self.gateways, self.follower, self.load = [], None, None

    def say(self, text):
        self.lane.say(f"{self.number:3} {time.monotonic() - self.began:7.1f} s  {text}")

    async def psql(self, statement, database=None):
        server = self.lane.server
        process = await asyncio.create_subprocess_exec(server.client("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", statement,
                                                       env=server.environment(database or self.database), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        output, errors = await process.communicate()
        if process.returncode:
            raise OSError(errors.decode())
        return output.decode().strip()

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
        """The signature of a request that the proxy does not have any more may as well have expired, and the ten minutes of a token that nobody uses any more have passed.
        Of a mark that others take over in the meantime the time stays, which is why it goes by times: keys that are written all the time have another token each time."""
        while True:
            await asyncio.sleep(0.5)
            with contextlib.suppress(OSError):
                async with self.landing:
                    await self.settle_once()

    async def settle_once(self):
        found = await self.psql("SELECT coalesce(string_agg(DISTINCT quote_literal(settled_at), ','), 'NULL') FROM landfall.dirty_key WHERE settled_at > clock_timestamp(); "
                                "SELECT coalesce(string_agg(DISTINCT batch::text, ','), '0') FROM landfall.reverse_sent WHERE again_at > clock_timestamp() AND "
                                f"sent_at < clock_timestamp() - interval '{self.sends_within} s'")
        times, batches = found.splitlines()
        if (times, batches) != ("NULL", "0"):
            await self.dynamodb.landed()
            await self.load.transactions_end()
            await self.psql(LANDED.format(times=times, batches=batches))

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
        self.lane.ends[f"{' '.join(arguments[:2]) if arguments[0] in ('cutover', 'rollback') else arguments[0]} ended with {process.returncode}"] += 1
        return process.returncode, output.decode()

    async def kill_when_told(self, process):
        await self.victim.wait()
        await asyncio.sleep(self.random.uniform(0, 0.3))
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        self.victim.clear()

    async def step(self, *arguments, until="true"):
        """Again and again, as somebody would who finds it killed or refused; after some tries nothing else breaks. `until`: what the database then says of all tables."""
        for _ in range(TRIES_MAX):
            if await self.succeeds(arguments, until):
                return
        async with self.breaking:
            self.victim.clear()
            await self.wait_for(f"landfall {' '.join(arguments)} is through", lambda: self.succeeds(arguments, until))

    async def succeeds(self, arguments, until=None):
        status, output = await self.run(*arguments)
        lines = output.strip().splitlines() or [""]
        said = f"{status} {'' if status == 0 else lines[-2:]}"
        if self.said.get(arguments) != said:
            self.say(f"  {' '.join(arguments)}: {said}")
        self.said[arguments] = said
        assert status != 3, f"landfall {' '.join(arguments)} found differences:\n{output}"
        if status == 0 and (until is None or await self.holds(until)):
            self.said.pop(arguments)
            return True
        await asyncio.sleep(0.3)
        return False

    async def holds(self, condition):
        with contextlib.suppress(OSError):
            return await self.psql(f"SELECT count(*) FILTER (WHERE {condition}) FROM landfall.phase") == str(len(TABLES))
        return False

    async def wait_for(self, what, condition, deadline=None):
        deadline = deadline or time.monotonic() + STEP_SECONDS_MAX
        while not await condition():
            assert time.monotonic() < deadline, f"waited too long until {what}"
            await asyncio.sleep(0.1)

    async def is_true(self, query):
        with contextlib.suppress(OSError):
            return await self.psql(query) == "t"
        return False

    async def are_empty(self, *queries):
        with contextlib.suppress(OSError):
            return await self.psql(" UNION ALL ".join(f"(SELECT 1 FROM landfall.{query} LIMIT 1)" for query in queries)) == ""
        return False

    # ---- a rest: nothing breaks, nobody writes, both sides are equal ----

    async def rest(self):
        async with self.breaking:
            await self.load.rest()
            self.victim.clear()
            self.sends_within = AT_REST_SECONDS
            await self.apply_all()
            assert all(await asyncio.gather(*(self.succeeds(("verify", f"dynamodb://{table}", "--settle", "0")) for table in TABLES))), "verify fails at rest"
            await self.compare()
            wrong = await self.psql(WRONG)
            assert not wrong, f"at rest there is: {wrong}"
            self.sends_within = LEASE_SECONDS
            self.load.resume()

    async def apply_all(self):
        """What the proxy still holds, what journals name, what that makes others send; then what the follower has not yet read."""
        unsettled = "dirty_key", "reverse_change", "reverse_sent WHERE again_at IS NOT NULL"
        await self.dynamodb.landed()
        await self.wait_until_told()
        await self.wait_for("all is sent", lambda: self.are_empty(*unsettled))
        await self.dynamodb.landed()
        await self.wait_for("all is followed", lambda: self.succeeds(("follow", "--until-caught-up")))
        await self.wait_for("all is applied", lambda: self.are_empty("spool", *unsettled))

    async def wait_until_told(self):
        """By a beat of each gateway with a journal that comes after this."""
        async def is_told():
            with contextlib.suppress(OSError):
                rows = (await self.psql(BEATS)).splitlines()
                return all(row not in before and row.endswith("|f") for row in rows)
            return False

        before = (await self.psql(BEATS)).splitlines()
        await self.wait_for("journals are told", is_told)

    async def compare(self):
        """What is read is the same on every way."""
        direct = Direct(self.lane.dynamodb_local.url)
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

    # ---- begin and end ----

    async def make_tables(self):
        direct = Direct(self.lane.dynamodb_local.url)
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

    def make_gateway(self, number):
        gateway = Process(self, f"gateway-{number}", self.doors[number + 1], "serve", "--map", "landfall.yaml", "--upstream", "--jobs", "2")
        if self.goes_on:
            gateway.arguments += ("--on-postgres-failure", "continue", "--journal", str(gateway.journal))
        return gateway

    async def start(self):
        self.say(f"gateways {'continue' if self.goes_on else 'refuse'} without PostgreSQL, writes move {'by entity' if self.by_entity else 'whole'}")
        for proxy in (self.dynamodb, *self.doors):
            await proxy.start()
        self.environment = {**self.lane.server.environment(self.database), **CREDENTIALS, "PGHOST": "127.0.0.1", "PGPORT": str(self.doors[0].port),
                            "AWS_ENDPOINT_URL_DYNAMODB": self.dynamodb.url}
        await self.psql(f"CREATE DATABASE {self.database}", "postgres")
        await self.make_tables()
        await self.step("migrate", "up", until=None)
        self.follower = Process(self, "follower", self.doors[0], "follow", "--lease", "3")
        self.gateways = [self.make_gateway(number) for number in range(GATEWAYS)]
        await self.follower.start()
        await self.wait_for("the streams are followed", lambda: self.holds("true"))
        await asyncio.gather(*(gateway.start() for gateway in self.gateways))
        self.load = Load([gateway.port for gateway in self.gateways], self.history, self.random, self.lane.arguments.clients)

    async def go(self):
        for key in (f"a{each}" for each in range(ACCOUNTS)):
            self.history.wrote("accounts", key, "filled", self.began, self.began)
        try:
            await self.start()
            await self.move_under_load()
            await self.check()
            for process in (*self.gateways, self.follower):
                await process.stop()
        except BaseException:
            await self.tell_state()
            raise
        finally:
            await self.end()
        await self.psql(f"DROP DATABASE {self.database}", "postgres")
        self.say(f"passed: {sum(self.history.answers.values())} requests")

    async def tell_state(self):
        """What the database was about when the round failed."""
        for query in STATE:
            with contextlib.suppress(OSError):
                self.say(f"{query}:\n{await self.psql(query)}")

    async def end(self):
        if self.load:
            self.lane.failures.update(self.load.failures)
        self.lane.requests += sum(self.history.answers.values())
        for process in filter(None, (*self.gateways, self.follower)):
            if process.process and process.process.returncode is None:
                await process.kill()
        for proxy in (self.dynamodb, *self.doors):
            self.lane.broken.update({f"{what} ({type(proxy).__name__})": count for what, count in proxy.done.items() if what != "passed"})
            proxy.stop()

    # ---- the move ----

    async def run_for_a_while(self):
        await asyncio.sleep(self.random.uniform(0.3, 1.5))

    async def wait_until_readable(self):
        """DynamoDB Local's records tell the minute only, so that a stream that never pauses seems to be behind until the minute is over."""
        await self.run_for_a_while()
        await self.load.rest()
        await self.wait_for("rows are readable", lambda: self.holds("readable_at IS NOT NULL"))
        self.load.resume()

    async def cross(self, tables, *arguments, until):
        """A change of the authority over `tables`, and a rest."""
        self.crossings.update(tables)
        await self.step(*arguments, until=f"fence IS NULL AND ({until})")
        await self.run_for_a_while()
        await self.rest()

    async def move_writes(self):
        if self.by_entity:
            await self.move_entities()
        await self.cross(TABLES, "cutover", "writes", until="phase = 'postgres' AND moved_entities IS NULL")

    async def move_entities(self):
        """Of one table, one after the other; then now and then back."""
        table, *steps = self.plan.choice(ENTITIES)
        for names in steps:
            await self.move_writes_of(table, names)
        if self.plan.random() < 0.4:
            await self.cross([table], "rollback", "writes", table, until="phase = 'dual write'")

    async def move_writes_of(self, table, names):
        await self.cross([table], "cutover", "writes", table, "--entity", names, until=f"CASE WHEN table_name = '{table}' THEN phase = 'postgres' AND moved_entities = "
                         f"'{{{names}}}' ELSE phase = 'dual write' END")

    async def take_entity_back(self):
        """Of a table that has moved whole; what no entity claims goes with it."""
        back, stays = self.plan.sample(["PlainRegister", "PlainCounter"], 2)
        await self.cross(["plain"], "rollback", "writes", "plain", "--entity", back,
                         until=f"phase = 'postgres' AND moved_entities IS NOT DISTINCT FROM CASE table_name WHEN 'plain' THEN '{{{stays}}}'::text[] END")

    async def share_reads(self, percent):
        await self.step("cutover", "reads", "--percent", percent, "--shadow-percent", "30",
                        until=f"phase = 'dual write' AND reads_percent = {percent} AND reads_entities IS NULL")
        await self.run_for_a_while()

    async def move_reads(self, outlasted_at):
        for percent in ("0", "50", "100"):
            await self.share_reads(percent)
            if outlasted_at == percent:
                await self.outlast_postgres()
        await self.load.transactions_end()  # also those of the time before both sides were written, whose tokens nobody has noted
        if self.by_entity and self.plan.random() < 0.5:
            await self.move_reads_of_entities()

    async def move_reads_of_entities(self):
        """Reads come from PostgreSQL of some entities only; their writes follow, and come back."""
        table, *steps = self.plan.choice(ENTITIES)
        for percent in ("50", "100"):
            await self.step("cutover", "reads", table, "--entity", steps[-1], "--percent", percent, "--shadow-percent", "30",
                            until=f"CASE WHEN table_name = '{table}' THEN reads_percent = {percent} AND reads_entities = '{{{steps[-1]}}}' ELSE reads_entities IS NULL END")
            await self.run_for_a_while()
        await self.move_writes_of(table, steps[-1])
        await self.cross([table], "rollback", "writes", table, until="phase = 'dual write'")
        await self.share_reads("100")

    async def move(self):
        outlasted_at = self.plan.choice(["follow", "0", "50", "100", "100", "rollback"]) if self.goes_on else None
        await self.run_for_a_while()
        await asyncio.gather(*(self.step("backfill", f"dynamodb://{table}", "--lease", "1") for table in TABLES))
        await self.wait_until_readable()
        if outlasted_at == "follow":
            await self.outlast_postgres()
        await self.rest()
        await self.move_reads(outlasted_at)
        await self.move_writes()
        if self.by_entity and self.plan.random() < 0.5:
            await self.take_entity_back()
        await self.cross(TABLES, "rollback", "writes", until="phase = 'dual write'")
        if outlasted_at == "rollback":
            await self.outlast_postgres()
        await self.move_writes()

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

    # ---- what must hold ----

    async def check(self):
        worker, history = self.load.workers[0], self.history
        for table, count in REGISTERS.items():
            for key in [f"r{number}" for number in range(count + 2)] + ["c0", "c1"]:
                await worker.read(table, key)
        await worker.sum()
        history.check(worker.versions)
        items = await self.scan(worker, "accounts", True)
        check_balances(history, {key: int(items[key]["n"]["N"]) for key in (f"a{number}" for number in range(ACCOUNTS))})
        check_glances(history, self.load.glances)
        await self.check_epochs()

    async def check_epochs(self):
        """The authority has changed as often as somebody changed it."""
        rows = await self.psql("SELECT p.table_name, p.epoch, 1 + count(*) FILTER (WHERE e.what IN ('cutover writes', 'rollback writes')) FROM landfall.phase p JOIN "
                               "landfall.event e ON e.detail->>'table' = p.table_name GROUP BY p.table_name")
        for row in rows.splitlines():
            table, epoch, told = row.split("|")
            assert epoch == told == str(1 + self.crossings[table]), f"{table} is in epoch {epoch} after {told}, and {self.crossings[table]} crossings"
