#!/usr/bin/env python3
"""Breaks gateways under load and looks whether anything is lost, doubled or out of order: chaos_gateway.py LANDFALL ROUNDS [--store STORE] [--seed N] [--seconds N].

Each round 64 clients write few keys through two gateways on one database: conditional writes, counters, batches, transactions, reads. Meanwhile a gateway is killed
(-9) and comes back, connections to PostgreSQL are cut, PostgreSQL crashes and comes back. Then the history of each key must be linearizable, counters exact, sums
right, and the streams, which others read all the while, must hold every acknowledged change once and in order. Rounds take turns with the item store and the
relational one. Prints a summary; exit status 1 when a round fails."""
import argparse
import asyncio
import collections
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]
import harness  # noqa: E402
from clients import ACCOUNTS, BALANCE, REGISTERS, Client, History, Refused, Unanswered, Worker, item_of  # noqa: E402
from streams import Reader, check_snapshots, check_table  # noqa: E402

CLIENTS, GATEWAYS, DRAIN_SECONDS_MAX, READY_SECONDS_MAX = 64, 2, 180, 180
STREAMED = ("streamed", "accounts")
STORES = ("item", "relational")
MAP = HERE / "gateway.yaml"


class Gateway:
    """On the same port whenever it comes back."""

    def __init__(self, landfall, options, environment, log):
        self.command, self.environment, self.log, self.port = [landfall, "serve", "--jobs", "2", *options], environment, log, 0
        self.start()

    def start(self):
        self.process = subprocess.Popen([*self.command, "--listen", f"127.0.0.1:{self.port}"], env=self.environment, stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        ready = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        assert ready, f"landfall serve did not get ready: {line}"
        self.port = int(ready.group(1))

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        return self.process.wait(READY_SECONDS_MAX)


class Chaos:
    def __init__(self, landfall, seed, seconds):
        self.landfall, self.random, self.seconds = os.path.abspath(landfall), random.Random(seed), seconds
        self.work = tempfile.TemporaryDirectory(prefix="landfall-chaos-")
        self.run(dict(os.environ), "plan", "--map", MAP)
        self.server = harness.Server(["fsync=on", "log_min_messages=fatal", "max_connections=200"])
        self.log = tempfile.TemporaryFile("w+")
        self.broken, self.answers, self.records = collections.Counter(), collections.Counter(), 0
        self.faults = {"gateway killed": self.kill, "connections cut": self.cut, "crash of PostgreSQL": self.crash}

    def close(self):
        self.server.stop()
        self.work.cleanup()

    def run(self, environment, *arguments):
        subprocess.run([self.landfall, *arguments], cwd=self.work.name, env=environment, check=True, capture_output=True)

    def sql(self, statement, database="postgres"):
        subprocess.run([self.server.client("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", statement], env=self.server.environment(database), check=True,
                       capture_output=True)

    # ---- faults ----

    async def kill(self):
        gateway = self.random.choice(self.gateways)
        gateway.kill()
        await asyncio.sleep(self.random.random())
        await asyncio.to_thread(gateway.start)

    async def cut(self):
        await asyncio.to_thread(self.sql, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'landfall%' AND random() < 0.5")

    async def crash(self):
        await asyncio.to_thread(self.server.crash)
        await asyncio.to_thread(self.server.start)

    async def break_things(self, until):
        """A gateway dies in every round; what else happens is chance."""
        names = ["gateway killed"] + self.random.choices(sorted(self.faults), k=self.random.randrange(3))
        self.random.shuffle(names)
        print(f"  {', '.join(names)}", flush=True)
        for number, name in enumerate(names):
            await asyncio.sleep((until - time.monotonic()) / (len(names) + 1 - number) * self.random.uniform(0.5, 1.2))
            self.broken[name] += 1
            await self.faults[name]()

    # ---- a round ----

    def start_gateways(self, database, store):
        environment, options = self.server.environment(database), []
        self.sql(f"CREATE DATABASE {database}")
        if store == "relational":
            self.run(environment, "migrate", "up", "--map", MAP, "--to", "constraints")
            options = ["--map", MAP]
        self.gateways = [Gateway(self.landfall, options, environment, self.log) for _ in range(GATEWAYS)]
        return [gateway.port for gateway in self.gateways]

    async def create(self, client, store):
        """The map's tables are there already."""
        for table in (*REGISTERS, "accounts"):
            streams = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}} if table in STREAMED else {}
            if store == "item":
                await client.call("CreateTable", TableName=table, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                                  AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}], **streams)
            elif streams:
                await client.call("UpdateTable", TableName=table, **streams)
            while (await client.call("DescribeTable", TableName=table))["Table"]["TableStatus"] != "ACTIVE":
                await asyncio.sleep(0.05)

    async def fill(self, client, history):
        for number in range(ACCOUNTS):
            key, write, start = f"a{number}", history.new_id(), time.monotonic()
            await client.call("PutItem", TableName="accounts", Item=item_of(key, (BALANCE, write)))
            history.wrote("accounts", key, write, start, time.monotonic())

    async def read_all(self, worker):
        """Every register through every gateway, as a part of the history."""
        for gateway in self.gateways:
            worker.close()
            worker.ports = [gateway.port]
            for table, count in REGISTERS.items():
                for key in [f"r{number}" for number in range(count)] + ["c0", "c1"]:
                    await self.patiently(worker.read, table, key)
            await self.patiently(worker.sum)

    @staticmethod
    async def patiently(call, *arguments, **more):
        until = time.monotonic() + READY_SECONDS_MAX
        while True:
            try:
                return await call(*arguments, **more)
            except (Unanswered, Refused) as failure:
                if time.monotonic() > until or isinstance(failure, Refused) and not failure.is_retryable():
                    raise
                await asyncio.sleep(0.1)

    async def end_streams(self, client, history):
        """The last change of every key; who has seen these has seen all."""
        last = {}
        for table in STREAMED:
            for key in sorted(key for of, key in history.writes if of == table):
                write, start = history.new_id(), time.monotonic()
                await self.patiently(client.call, "UpdateItem", TableName=table, Key={"pk": {"S": key}}, UpdateExpression="SET n = if_not_exists(n, :0), w = :w",
                                     ExpressionAttributeValues={":0": {"N": "0"}, ":w": {"S": write}})
                history.wrote(table, key, write, start, time.monotonic())
                last[table, key] = write
        return last

    async def round(self, number, store):
        print(f"round {number}, {store} store", flush=True)
        ports, history = self.start_gateways(f"round{number}", store), History()
        client = Client(ports)
        await self.create(client, store)
        await self.fill(client, history)
        until, last = time.monotonic() + self.seconds, {}
        readers = [Reader(ports, table) for table in STREAMED]

        def is_over(table):
            return lambda records: last and {write for (of, _), write in last.items() if of == table} <= {new[1] for _, _, new, _ in records if new}

        followers = [asyncio.create_task(reader.follow(is_over(reader.table))) for reader in readers]
        workers = [Worker(ports, history, self.random.random()) for _ in range(CLIENTS)]
        try:
            await asyncio.gather(self.break_things(until), *(worker.work(until) for worker in workers))
            await self.read_all(workers[0])
            last.update(await self.end_streams(client, history))
            await asyncio.wait_for(asyncio.gather(*followers), DRAIN_SECONDS_MAX)
            again = [Reader(ports[:1], table) for table in STREAMED]
            await asyncio.wait_for(asyncio.gather(*(reader.follow(is_over(reader.table)) for reader in again)), DRAIN_SECONDS_MAX)
        finally:
            for each in (client, *workers):
                each.close()
            for task in followers:
                task.cancel()
            statuses = [gateway.stop() for gateway in self.gateways]
            self.answers.update(history.answers)
        assert statuses == [0] * GATEWAYS, f"the gateways ended with {statuses}"
        self.check(history, workers[0].versions, readers, again)
        self.sql(f"DROP DATABASE round{number}")

    # ---- what must hold ----

    def check(self, history, final, readers, again):
        for reader in readers:
            for _, _, new, _ in reader.records:
                history.saw(new)
        history.check(final)
        chains = {}
        for reader, second in zip(readers, again):
            assert by_number(reader.records) == by_number(second.records), f"the stream of {reader.table} is another one when read again"
            chains[reader.table] = check_table(reader.table, reader.records, history)
        check_snapshots(chains["accounts"], history)
        self.records += sum(len(reader.records) for reader in readers)


def by_number(records):
    return sorted(records, key=lambda record: record[3])


def read_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("landfall")
    parser.add_argument("rounds", type=int)
    parser.add_argument("--store", choices=STORES, help="of all rounds")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--seconds", type=float, default=10, help="of load in a round")
    return parser.parse_args()


def summarise(chaos, asked, passed, start):
    for what, count in sorted(chaos.broken.items()):
        print(f"  {count:7} {what}")
    for (what, answer), count in sorted(chaos.answers.items()):
        print(f"  {count:7} {what}: {answer}")
    if passed < asked:
        chaos.log.seek(0)
        print(chaos.log.read()[-4000:])
    print(f"{passed} of {asked} rounds: {sum(chaos.answers.values()):,} operations of {CLIENTS} clients linearizable, {chaos.records:,} records of streams once and "
          f"in order ({time.monotonic() - start:.0f} s)")


def main():
    arguments = read_arguments()
    print(f"seed {arguments.seed}", flush=True)
    chaos, passed, start = Chaos(arguments.landfall, arguments.seed, arguments.seconds), 0, time.monotonic()
    try:
        for number in range(arguments.rounds):
            asyncio.run(chaos.round(number, arguments.store or STORES[number % len(STORES)]))
            passed += 1
    finally:
        chaos.close()
        summarise(chaos, arguments.rounds, passed, start)


if __name__ == "__main__":
    main()
