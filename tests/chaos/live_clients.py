"""The application of chaos_live.py: the clients of clients.py, which can rest, and what must hold of the accounts when the answers of transfers are lost."""
import asyncio
import collections
import time
import uuid

from clients import ACCOUNTS, BALANCE, REGISTERS, Client, Puts, Refused, Unanswered, Worker, item_of, state_of, update
from linearizable import NEVER

PAUSE_SECONDS, HANGS_SECONDS, REPEATS_SECONDS, AMOUNT_MAX = 0.06, 38, 8, 40
ALWAYS = "attribute_exists(pk) OR attribute_not_exists(pk)"


class Load:
    """Clients at work; within `resting` nothing is under way."""

    def __init__(self, ports, history, random, count):
        self.is_over, self.rests, self.idle, self.go = False, False, 0, asyncio.Event()
        self.failures, self.glances, self.transactions = collections.Counter(), [], set()
        self.workers = [LiveWorker(self, ports, history, random.random()) for _ in range(count)]

    async def rest(self):
        self.go.clear()
        self.rests = True
        while self.idle < len(self.workers):
            await asyncio.sleep(0.02)

    async def transactions_end(self):
        """Those that are under way are not asked again."""
        seen = set(self.transactions)
        while seen & self.transactions:
            await asyncio.sleep(0.02)

    def resume(self):
        self.rests, self.idle = False, 0
        self.go.set()

    def stop(self):
        self.is_over = True
        self.resume()


class Transaction:
    """One that may be asked several times."""

    def __init__(self):
        self.token, self.is_unknown, self.until = str(uuid.uuid4()), False, time.monotonic() + REPEATS_SECONDS

    def is_refused(self):
        """An attempt without an answer may have come before, and have been done."""
        if self.is_unknown:
            raise Unanswered("an attempt had no answer")
        return False


class LiveWorker(Worker):
    def __init__(self, load, ports, history, seed):
        super().__init__(ports, history, seed)
        self.load = load
        self.kinds = [self.create, self.put, self.swap, self.swap, self.remove, self.get, self.get, self.glance, self.glance, self.add, self.add, self.batch,
                      self.get_some, self.look, self.transfer, self.sum, self.pair]

    async def work(self):
        while not self.load.is_over:
            if self.load.rests:
                self.load.idle += 1
                await self.load.go.wait()
                continue
            await self.once(self.random.choice(self.kinds))
            await asyncio.sleep(PAUSE_SECONDS)
        self.close()

    async def once(self, kind):
        try:
            await kind()
            self.count(kind, "done")
        except Unanswered as failure:
            self.fail(kind, what_of(failure))
            await asyncio.sleep(0.05)
        except Refused as refused:
            if not refused.is_retryable():
                raise
            self.fail(kind, refused.error)

    def fail(self, kind, what):
        self.count(kind, what)
        self.load.failures[what] += 1

    async def call(self, operation, port=None, **body):
        start = time.monotonic()
        try:
            return await super().call(operation, port, **body)
        finally:
            assert time.monotonic() - start < HANGS_SECONDS, f"{operation} had no answer for {HANGS_SECONDS} s: {body}"

    async def remove(self):
        """DynamoDB Local answers several at a time with an item that only one of them removes, but not where they have a condition."""
        if self.random.random() < 0.8:
            return await super().remove(ConditionExpression=ALWAYS)
        table, key = self.pick()
        start = time.monotonic()
        try:
            await self.call("DeleteItem", TableName=table, Key={"pk": {"S": key}})
        except Unanswered:
            self.history.add(table, key, start, NEVER, Puts(None), "remove without answer")
            raise
        self.history.add(table, key, start, time.monotonic(), Puts(None), "remove")

    async def get(self):
        await self.read(*self.random.choice([self.pick(), self.pick_for_batch()]))

    def pick_for_batch(self):
        table = self.random.choice(sorted(REGISTERS))
        return table, f"r{REGISTERS[table] + self.random.randrange(2)}"

    async def batch(self):
        """Of keys that nothing else writes: in DynamoDB Local a DeleteItem beside a BatchWriteItem may remove what came after what it returns."""
        table, key = self.pick_for_batch()
        new = {each: (self.any_number(), self.history.new_id()) for each in (key, self.random.choice(["r100", "c100"]))}
        start = time.monotonic()
        try:
            answer = await self.call("BatchWriteItem", RequestItems={table: [{"PutRequest": {"Item": item_of(each, state)}} for each, state in new.items()]})
        except Unanswered:
            self.note_batch(table, new, start, NEVER)
            raise
        left = {request["PutRequest"]["Item"]["pk"]["S"] for request in answer["UnprocessedItems"].get(table, [])}
        self.note_batch(table, {each: state for each, state in new.items() if each not in left}, start, time.monotonic())

    def note_batch(self, table, new, start, end):
        for key, state in new.items():
            self.history.add(table, key, start, end, Puts(state), f"put {state} in a batch", state[1])

    async def glance(self):
        """An eventual read."""
        table, key = self.pick()
        answer = await self.call("GetItem", TableName=table, Key={"pk": {"S": key}})
        if "Item" in answer:
            self.load.glances.append((table, key, answer["Item"]["w"]["S"]))

    async def get_some(self):
        """Keys that may be of both sides of a mixed table."""
        table, start = self.random.choice(sorted(REGISTERS)), time.monotonic()
        keys = [f"r{self.random.randrange(REGISTERS[table] + 2)}", "r100", "c100", f"c{self.random.randrange(2)}"]
        answer = await self.call("BatchGetItem", RequestItems={table: {"Keys": [{"pk": {"S": key}} for key in keys], "ConsistentRead": True}})
        self.observe_some(table, start, answer["Responses"].get(table, []), set(keys) - unprocessed(answer, table))

    async def look(self):
        """A strong Scan that is one page: what it lacks is not there."""
        table, start = self.random.choice(sorted(REGISTERS)), time.monotonic()
        answer = await self.call("Scan", TableName=table, ConsistentRead=True)
        if "LastEvaluatedKey" not in answer:
            numbers = range(REGISTERS[table] + 2)
            self.observe_some(table, start, answer["Items"], {*(f"r{number}" for number in numbers), "r100", "c100", "c0", "c1"})

    def observe_some(self, table, start, items, keys):
        found = {item["pk"]["S"]: item for item in items}
        for key in sorted(keys):
            self.history.observe(table, key, start, state_of(found.get(key)))

    async def transact(self, _write, items, _keys):
        """Whether it was done; one without an answer is sent again with its token for a while."""
        transaction = Transaction()
        self.load.transactions.add(transaction)
        try:
            while (done := await self.attempt(transaction, items)) is None:
                await asyncio.sleep(0.02)
            return done
        finally:
            self.load.transactions.discard(transaction)

    async def attempt(self, transaction, items):
        """Whether it was done, or nothing when it is to be sent again."""
        try:
            await self.call("TransactWriteItems", TransactItems=items, ClientRequestToken=transaction.token)
        except Unanswered as failure:
            transaction.is_unknown = True
            if time.monotonic() > transaction.until:
                raise
            self.fail(self.transact, what_of(failure))
            return None
        except Refused as refused:
            if refused.error == "TransactionCanceledException" and set(refused.reasons) <= {"None", "ConditionalCheckFailed"}:
                return transaction.is_refused()
            if not refused.is_retryable():
                raise
            self.fail(self.transact, refused.error)
            return None
        return True

    async def transfer(self):
        write, amount = self.history.new_id(), self.random.randrange(1, AMOUNT_MAX)
        giver, taker = (f"a{number}" for number in self.random.sample(range(ACCOUNTS), 2))
        change = [(giver, -amount), (taker, amount)]
        try:
            is_done = await self.transact(write, [
                update("accounts", giver, "SET n = n - :x, w = :w", "n >= :x", x=amount, w=write),
                update("accounts", taker, "SET n = n + :x, w = :w", "attribute_exists(pk)", x=amount, w=write)], (giver, taker))
        except Unanswered:
            self.history.transfers.append((change, False))
            raise
        if is_done:
            self.history.transfers.append((change, True))


def unprocessed(answer, table):
    return {key["pk"]["S"] for key in answer["UnprocessedKeys"].get(table, {}).get("Keys", [])}


def what_of(failure):
    """Its exception, or that there was none."""
    text = str(failure)
    return text.partition("#")[2].partition("'")[0] if "__type" in text else "no answer"


def check_balances(history, balances):
    """Each is what the acknowledged transfers make it, and some of those without an answer."""
    for key, balance in balances.items():
        amounts = [(dict(change).get(key, 0), is_done) for change, is_done in history.transfers]
        certain = BALANCE + sum(amount for amount, is_done in amounts if is_done)
        reached, zero = 1, 0  # a bit for each sum of some of those without an answer, that of 0 at `zero`
        for amount in (amount for amount, is_done in amounts if not is_done):
            reached, zero = reached << AMOUNT_MAX | reached << AMOUNT_MAX + amount, zero + AMOUNT_MAX
        place = balance - certain + zero
        assert place >= 0 and reached >> place & 1, f"{key} is {balance}, and acknowledged transfers make it {certain}"


def check_glances(history, glances):
    """An eventual read gives nothing that nobody wrote."""
    for table, key, write in glances:
        assert write in history.writes.get((table, key), {}), f"{table} {key}: nobody wrote {write}"


__all__ = ["ACCOUNTS", "REGISTERS", "Client", "Load", "Refused", "Unanswered", "check_balances", "check_glances"]
