"""What breaks in a round of chaos_live.py (live_round.py)."""
import asyncio
import contextlib
import shutil
import signal
import time

import live_proxies
from live_clients import LiveWorker, Refused, Unanswered

LEASE_SECONDS = 10  # of a gateway, as others see it
OWN_LEASE_SECONDS = 5  # as it sees it itself
GOES_ON_SECONDS_MAX = 60
AWAY_SECONDS_MAX = 7


class Faults:
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
        """It may end by itself, saying so, when it cannot reach DynamoDB before it has begun."""
        await self.follower.kill()
        await asyncio.sleep(self.random.random())
        await self.follower.start()
        leads = f"SELECT FROM landfall.lease l JOIN landfall.worker w ON w.id = l.holder WHERE w.work = 'follow' AND w.process = {self.follower.process.pid}"
        await self.wait_for("the follower follows", lambda: self.is_true(f"SELECT EXISTS ({leads})"))

    async def halt_follower(self):
        self.follower.send(signal.SIGSTOP)
        await asyncio.sleep(self.random.choice([0.5, 3]))
        self.follower.send(signal.SIGCONT)

    async def kill_command(self):
        """Those that run, or the next."""
        self.victim.set()
        await asyncio.sleep(self.random.uniform(0, 2))
        self.victim.clear()

    async def crash_postgres(self):
        async with self.without_postgres(self.gateways):
            pass

    async def hide_postgres(self):
        """For a while, from all or from one gateway."""
        async with self.without_postgres(self.choose_gateways()):
            await asyncio.sleep(self.random.uniform(0.5, AWAY_SECONDS_MAX))

    async def restart_dynamodb(self):
        await asyncio.to_thread(self.lane.dynamodb_local.restart)

    async def break_requests(self):
        self.dynamodb.shares = {kind: 0.1 for kind in self.random.sample(live_proxies.KINDS, 3)}
        await asyncio.sleep(self.random.uniform(0.5, 2))
        self.dynamodb.shares = {}

    async def break_links(self):
        kind = self.random.choice(live_proxies.LINK_KINDS)
        await asyncio.gather(*(door.disturb(kind) for door in self.doors))

    def faults(self):
        """With how often each is chosen: those that cost seconds are rare."""
        return {self.kill_gateway: 3, self.halt_gateway: 2, self.kill_follower: 4, self.halt_follower: 2, self.kill_command: 5, self.crash_postgres: 3,
                self.hide_postgres: 1, self.restart_dynamodb: 1, self.break_requests: 10, self.break_links: 10}

    async def break_things(self):
        faults = self.faults()
        while True:
            await asyncio.sleep(self.random.expovariate(1 / self.lane.arguments.calm))
            async with self.breaking:
                await self.break_one(self.random.choices(list(faults), faults.values())[0])

    async def break_one(self, fault, name=None):
        name = name or fault.__name__.replace("_", " ")
        self.lane.broken[name] += 1
        self.say(f"    {name}")
        await fault()

    # ---- without PostgreSQL ----

    def choose_gateways(self):
        return self.random.choice([self.gateways, [self.random.choice(self.gateways)]])

    @contextlib.asynccontextmanager
    async def without_postgres(self, gateways):
        server = self.lane.server
        if gateways is not self.gateways:
            gateways[0].door.shut()
        else:
            await asyncio.to_thread(server.crash)
        try:
            yield
        finally:
            gateways[0].door.is_shut = False
            if gateways is self.gateways:
                await asyncio.to_thread(server.start)

    async def outlast_postgres(self):
        """While DynamoDB has the authority gateways that were told to continue do so, whatever else breaks meanwhile; some are killed then and begin again on their
        journals, or without them."""
        async with self.breaking:
            hit = self.choose_gateways()
            dead = self.random.choice([[], self.random.sample(hit, 1), hit])
            lost = dead if self.random.random() < 0.3 else []
            await self.break_one(lambda: self.kill_without_postgres(hit, dead), f"PostgreSQL is away for {'all' if hit is self.gateways else 'one'}, {len(dead)} killed")
            for gateway in lost:
                await self.break_one(lambda: self.lose_journal(gateway), "lose journal")  # noqa: B023: awaited here
            for gateway in dead:
                await gateway.start()
        if lost:
            await self.wait_until_readable()
            await self.rest()

    async def lose_journal(self, gateway):
        """Nothing of it can land any more when a person says that it is lost."""
        shutil.rmtree(gateway.journal)
        await self.dynamodb.landed()
        id = await self.psql(f"SELECT id FROM landfall.gateway WHERE journal_place LIKE '%/{gateway.journal.name}'")
        await self.wait_for("the gateway is forgotten", lambda: self.succeeds(("gateway", "forget", id)))

    async def kill_without_postgres(self, hit, dead):
        async with self.without_postgres(hit):
            since = time.monotonic() + OWN_LEASE_SECONDS + 1
            await asyncio.gather(*(self.expect_to_go_on(gateway, since) for gateway in hit))
            await self.break_one(self.random.choice([self.break_requests, self.halt_gateway, self.halt_follower, self.restart_dynamodb]))
            for gateway in dead:
                self.say(f"    {gateway.name} is killed, with a journal of {gateway.journal_bytes()} bytes")
                await gateway.kill()

    async def expect_to_go_on(self, gateway, since):
        """A write and a strong read are answered that began after `since`."""
        probe, wanted = LiveWorker(self.load, [gateway.port], self.history, self.random.random()), {"put", "get"}
        while wanted:
            assert time.monotonic() < since + GOES_ON_SECONDS_MAX, f"{gateway.name} does not go on without PostgreSQL: no {', '.join(wanted)}"
            for kind in sorted(wanted):
                if await self.is_answered(probe, kind) > since:
                    wanted.remove(kind)
            await asyncio.sleep(0.2)
        probe.close()

    @staticmethod
    async def is_answered(probe, kind):
        """When what was answered had begun, or 0."""
        start = time.monotonic()
        try:
            await getattr(probe, kind)()
        except Unanswered:
            return 0
        except Refused as refused:
            if not refused.is_retryable():
                raise
            return 0
        return start
