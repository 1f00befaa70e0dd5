"""Clients of the gateways, many in one process, and the history of what they did: each on a connection of its own, to any gateway, with no library that would retry
behind its back."""
import asyncio
import json
import random
import time

from linearizable import NEVER, Impossible, NotLinearizable, Operation, check

ANSWER_SECONDS_MAX = 40
RETRYABLE = {"ThrottlingException", "RequestLimitExceeded", "ProvisionedThroughputExceededException", "TransactionConflictException",
             "TransactionInProgressException", "InternalServerError", "ServiceUnavailable"}
REGISTERS = {"streamed": 4, "plain": 4}
ACCOUNTS, BALANCE, PAIRS = 5, 1000, 2


class Unanswered(Exception):
    """The connection broke, or the gateway could not say what became of the request."""


class Refused(Exception):
    def __init__(self, error, body):
        super().__init__(f"{error} {body.get('message') or body.get('Message')}")
        self.error, self.body = error, body
        self.reasons = [each["Code"] for each in body.get("CancellationReasons", [])]

    def is_retryable(self):
        return self.error in RETRYABLE or (self.error == "TransactionCanceledException" and "TransactionConflict" in self.reasons)


class Client:
    def __init__(self, ports):
        self.ports, self.streams = ports, None

    def close(self):
        if self.streams:
            self.streams[1].close()
        self.streams = None

    async def exchange(self, target, body, port):
        if port or not self.streams:
            self.close()
            self.streams = await asyncio.open_connection("127.0.0.1", port or random.choice(self.ports), limit=2 ** 25)
        reader, writer = self.streams
        payload = json.dumps(body).encode()
        writer.write(f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Target: {target}\r\n"
                     f"Content-Length: {len(payload)}\r\n\r\n".encode() + payload)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line[:15].lower() == b"content-length:")
        return int(head[9:12]), json.loads(await reader.readexactly(length))

    async def call(self, operation, port=None, **body):
        service = "DynamoDBStreams" if operation in ("DescribeStream", "GetShardIterator", "GetRecords") else "DynamoDB"
        try:
            status, answer = await asyncio.wait_for(self.exchange(f"{service}_20120810.{operation}", body, port), ANSWER_SECONDS_MAX)
        except (OSError, EOFError) as failure:
            self.close()
            raise Unanswered(str(failure)) from failure
        if status == 200:
            return answer
        if status >= 500:
            raise Unanswered(str(answer))
        raise Refused(answer.get("__type", "").rsplit("#", 1)[-1], answer)


# What the state of an item is here: (n, w), its version and the id of the write that made it, or None ------------------------------------

def state_of(item):
    return (int(item["n"]["N"]), item["w"]["S"]) if item else None


def finds(old, new):
    """An operation that found `old` and left `new`."""
    def step(state):
        if state != old:
            raise Impossible
        return new
    return step


class Puts:
    """Whatever was there."""

    def __init__(self, new):
        self.new = new

    def __call__(self, _):
        return self.new


class IfVersion:
    """Answered or not, this could only have happened at this version."""

    def __init__(self, version, new):
        self.version, self.new = version, new

    def __call__(self, state):
        if state is None or state[0] != self.version:
            raise Impossible
        return self.new


class History:
    """Operations by (table, key), and what is known besides."""

    def __init__(self):
        self.next_id, self.answers = 0, {}
        self.operations = {}    # for linearizable.check
        self.writes = {}        # (table, key): {write: (start, end)}, of those that took effect, or may have (NEVER)
        self.seen = {}          # write: (the state it made, by when it had), of those that somebody has read
        self.adds = {}          # (table, key): [acknowledged, without answer]
        self.removals = []      # (table, key, write that was there), acknowledged
        self.transfers = []     # (write, keys)
        self.snapshots = []     # {key: write} of the accounts

    def new_id(self):
        self.next_id += 1
        return f"w{self.next_id}"

    def wrote(self, table, key, write, start, end):
        self.writes.setdefault((table, key), {})[write] = (start, end)

    def add(self, table, key, start, end, step, name, write=None):
        operation = Operation(start, end, step, overwrites=isinstance(step, Puts), name=name, kind=None if write else "remove")
        operation.write = write
        self.operations.setdefault((table, key), []).append(operation)
        if write:
            self.wrote(table, key, write, start, end)

    def observe(self, table, key, start, found):
        end = time.monotonic()
        self.saw(found, end)
        self.operations.setdefault((table, key), []).append(Operation(start, end, finds(found, found), observes=True, name=f"found {found}"))

    def saw(self, state, end=NEVER):
        if state:
            _, before = self.seen.get(state[1], (state, NEVER))
            self.seen[state[1]] = (state, min(before, end))

    def check(self, final):
        """Whether it can have been: each key by itself, and the numbers, read at last, of those that are added to."""
        for table, key in self.operations:
            try:
                check(self.to_check(table, key), None)
            except NotLinearizable as failure:
                raise AssertionError(f"{table} {key}: {failure}") from failure
        for (table, key), (acknowledged, unknown) in self.adds.items():
            number = final[table, key] or 0
            assert acknowledged <= number <= acknowledged + unknown, f"{table} {key} is {number} after {acknowledged} and {unknown} additions"

    def to_check(self, table, key):
        """What is known of writes without an answer: one that somebody has seen took effect, by then. One that nobody has seen may as well not have happened: whatever
        came after it would also have come without it. But an addition counts."""
        operations, versions = [], {each.step.version for each in self.operations[table, key] if isinstance(each.step, IfVersion)}
        for each in self.operations[table, key]:
            if each.end == NEVER and each.write:
                each = self.settled(each, is_addition=each.step is add_unseen)
            if each:
                each.unseen = each.overwrites and self.is_unseen(each, versions)
                operations.append(each)
        return operations

    def is_unseen(self, operation, versions):
        """By any operation; a swap without an answer may have gone by its version."""
        state = operation.step.new
        return state is not None and self.seen.get(state[1], (state, NEVER))[1] == NEVER and state[0] not in versions

    def settled(self, operation, is_addition):
        state, end = self.seen.get(operation.write, (None, NEVER))
        if state is None:
            return Operation(operation.start, NEVER, add_unseen, name=operation.name, kind="add") if is_addition else None
        return Operation(operation.start, end, added(*state) if is_addition else operation.step, overwrites=operation.overwrites and not is_addition,
                         name=operation.name)


def added(number, write):
    def step(state):
        if (state[0] if state else 0) != number - 1:
            raise Impossible
        return (number, write)
    return step


def add_unseen(state):
    return (state[0] + 1 if state else 1, "unseen")


class Worker(Client):
    """One client of 64: does something again and again, and writes down what came of it."""

    def __init__(self, ports, history, seed):
        super().__init__(ports)
        self.history, self.random, self.versions = history, random.Random(seed), {}

    async def work(self, until):
        kinds = [self.create, self.put, self.swap, self.swap, self.remove, self.get, self.get, self.add, self.add, self.batch, self.transfer, self.sum, self.pair, self.touch]
        while time.monotonic() < until:
            kind = self.random.choice(kinds)
            try:
                await kind()
                self.count(kind, "done")
            except Unanswered:
                self.count(kind, "unanswered")
                await asyncio.sleep(0.05)
            except Refused as refused:
                if not refused.is_retryable():
                    raise
                self.count(kind, refused.error)

    def count(self, kind, what):
        answers = self.history.answers
        answers[(kind.__name__, what)] = answers.get((kind.__name__, what), 0) + 1

    def pick(self):
        table = self.random.choice(sorted(REGISTERS))
        return table, f"r{self.random.randrange(REGISTERS[table])}"

    def any_number(self):
        """Now and then one that the relational store has no column for."""
        return self.random.randrange(1000) + (2 ** 31 if self.random.random() < 0.2 else 0)

    async def change(self, operation, table, key, unknown, write=None, **body):
        """A write of one item: when it began and ended (None: its condition was refused), and what it returned. `unknown` is its step if there is no answer."""
        start = time.monotonic()
        try:
            answer = await self.call(operation, TableName=table, ReturnValues="ALL_OLD", **body,
                                     **({"ReturnValuesOnConditionCheckFailure": "ALL_OLD"} if "ConditionExpression" in body else {}))
        except Unanswered:
            self.history.add(table, key, start, NEVER, unknown, f"{operation} {write} without answer", write)
            raise
        except Refused as refused:
            if refused.error != "ConditionalCheckFailedException":
                raise
            found = state_of(refused.body.get("Item"))
            self.history.observe(table, key, start, found)
            self.versions[table, key] = found[0] if found else None
            return start, None, found
        end, found = time.monotonic(), state_of(answer.get("Attributes"))
        self.history.saw(found, end)
        return start, end, found

    async def create(self):
        (table, key), write = self.pick(), self.history.new_id()
        new = (0, write)
        start, end, old = await self.change("PutItem", table, key, finds(None, new), write, Item=item_of(key, new), ConditionExpression="attribute_not_exists(pk)")
        if end:
            self.history.add(table, key, start, end, finds(old, new), f"create {new} at {old}", write)
            assert old is None, f"{key} was created over {old}"

    async def put(self):
        (table, key), write = self.pick(), self.history.new_id()
        new = (self.any_number(), write)
        if self.random.random() < 0.5:
            start = time.monotonic()
            try:
                await self.call("PutItem", TableName=table, Item=item_of(key, new))
            except Unanswered:
                self.history.add(table, key, start, NEVER, Puts(new), f"put {new} without answer", write)
                raise
            self.history.add(table, key, start, time.monotonic(), Puts(new), f"put {new}", write)
        else:
            start, end, old = await self.change("PutItem", table, key, Puts(new), write, Item=item_of(key, new))
            self.history.add(table, key, start, end, finds(old, new), f"put {new} over {old}", write)

    async def swap(self):
        (table, key), write = self.pick(), self.history.new_id()
        version = self.versions.get((table, key))
        if version is None:
            return await self.read(table, key)
        new = (version + 1, write)
        start, end, old = await self.change("UpdateItem", table, key, IfVersion(version, new), write, Key={"pk": {"S": key}}, UpdateExpression="SET n = n + :1, w = :w",
                                          ConditionExpression="n = :n", ExpressionAttributeValues={":1": {"N": "1"}, ":n": {"N": str(version)}, ":w": {"S": write}})
        if end:
            self.history.add(table, key, start, end, finds(old, new), f"swap {old} for {new}", write)
            assert old[0] == version, f"{key} was at {old}, and a swap of {version} passed"
            self.versions[table, key] = version + 1

    async def remove(self, **condition):
        table, key = self.pick()
        if self.random.random() < 0.6:
            return
        start, end, old = await self.change("DeleteItem", table, key, Puts(None), Key={"pk": {"S": key}}, **condition)
        self.history.add(table, key, start, end, finds(old, None), f"remove {old}")
        if old:
            self.history.removals.append((table, key, old[1]))

    async def get(self):
        await self.read(*self.pick())

    async def read(self, table, key):
        start = time.monotonic()
        answer = await self.call("GetItem", TableName=table, Key={"pk": {"S": key}}, ConsistentRead=True)
        found = state_of(answer.get("Item"))
        self.history.observe(table, key, start, found)
        self.versions[table, key] = found[0] if found else None

    async def add(self):
        table, write = self.random.choice(sorted(REGISTERS)), self.history.new_id()
        key = f"c{self.random.randrange(2)}"
        start, counts = time.monotonic(), self.history.adds.setdefault((table, key), [0, 0])
        try:
            answer = await self.call("UpdateItem", TableName=table, Key={"pk": {"S": key}}, UpdateExpression="ADD n :1 SET w = :w", ReturnValues="ALL_NEW",
                                     ExpressionAttributeValues={":1": {"N": "1"}, ":w": {"S": write}})
        except Unanswered:
            counts[1] += 1
            self.history.add(table, key, start, NEVER, add_unseen, f"add {write} without answer", write)
            raise
        counts[0] += 1
        number = state_of(answer["Attributes"])[0]
        self.history.add(table, key, start, time.monotonic(), added(number, write), f"add {write}: {number}", write)

    async def batch(self):
        """Two puts that need not happen at the same moment."""
        table, key = self.pick()
        other = f"r{(int(key[1:]) + 1) % REGISTERS[table]}"
        new = {each: (self.any_number(), self.history.new_id()) for each in (key, other)}
        start = time.monotonic()
        try:
            answer = await self.call("BatchWriteItem", RequestItems={table: [{"PutRequest": {"Item": item_of(each, state)}} for each, state in new.items()]})
        except Unanswered:
            for each, state in new.items():
                self.history.add(table, each, start, NEVER, Puts(state), f"put {state} in a batch without answer", state[1])
            raise
        left = {request["PutRequest"]["Item"]["pk"]["S"] for request in answer["UnprocessedItems"].get(table, [])}
        for each, state in new.items():
            if each not in left:
                self.history.add(table, each, start, time.monotonic(), Puts(state), f"put {state} in a batch", state[1])

    # ---- transactions ----

    async def transact(self, write, items, keys):
        """Tries until it knows what became of it; the token makes that one transaction."""
        start = time.monotonic()
        while True:
            try:
                await self.call("TransactWriteItems", TransactItems=items, ClientRequestToken=write)
            except Unanswered:
                self.count(self.transact, "unanswered")
                await asyncio.sleep(0.1)
                continue
            except Refused as refused:
                if refused.is_retryable():
                    self.count(self.transact, "conflict")
                    await asyncio.sleep(0.02)
                    continue
                if refused.error == "TransactionCanceledException" and set(refused.reasons) <= {"None", "ConditionalCheckFailed"}:
                    self.count(self.transact, "condition failed")
                    return
                raise
            for key in keys:
                self.history.wrote("accounts", key, write, start, time.monotonic())
            return

    async def transfer(self):
        write, amount = self.history.new_id(), self.random.randrange(1, 40)
        giver, taker = (f"a{number}" for number in self.random.sample(range(ACCOUNTS), 2))
        await self.transact(write, [
            update("accounts", giver, "SET n = n - :x, w = :w", "n >= :x", x=amount, w=write),
            update("accounts", taker, "SET n = n + :x, w = :w", "attribute_exists(pk)", x=amount, w=write)], (giver, taker))
        self.history.transfers.append((write, (giver, taker)))

    async def pair(self):
        """Two items that are made together and go together."""
        write, number = self.history.new_id(), self.random.randrange(PAIRS)
        keys = (f"p{number}a", f"p{number}b")
        if self.random.random() < 0.5:
            actions = [{"Put": {"TableName": "accounts", "Item": item_of(key, (0, write)), "ConditionExpression": "attribute_not_exists(pk)"}} for key in keys]
        else:
            actions = [update("accounts", key, "SET n = n + :x, w = :w", "attribute_exists(pk)", x=1, w=write) for key in keys]
            if self.random.random() < 0.4:
                actions = [{"Delete": {"TableName": "accounts", "Key": {"pk": {"S": key}}, "ConditionExpression": "attribute_exists(pk)"}} for key in keys]
                keys = ()
        await self.transact(write, actions, keys)

    async def touch(self):
        """A plain write of an account amid the transfers."""
        key, write = f"a{self.random.randrange(ACCOUNTS)}", self.history.new_id()
        start = time.monotonic()
        try:
            await self.call("UpdateItem", TableName="accounts", Key={"pk": {"S": key}}, UpdateExpression="SET w = :w", ExpressionAttributeValues={":w": {"S": write}})
        except Unanswered:
            self.history.wrote("accounts", key, write, start, NEVER)
            raise
        self.history.wrote("accounts", key, write, start, time.monotonic())

    async def sum(self):
        keys = [f"a{number}" for number in range(ACCOUNTS)] + [f"p{number}{half}" for number in range(PAIRS) for half in "ab"]
        answer = await self.call("TransactGetItems", TransactItems=[{"Get": {"TableName": "accounts", "Key": {"pk": {"S": key}}}} for key in keys])
        found = {key: state_of(each.get("Item")) for key, each in zip(keys, answer["Responses"])}
        total = sum(found[f"a{number}"][0] for number in range(ACCOUNTS))
        assert total == ACCOUNTS * BALANCE, f"the balances sum up to {total}: {found}"
        for number in range(PAIRS):
            halves = found[f"p{number}a"], found[f"p{number}b"]
            assert halves[0] == halves[1], f"half a transaction was read: {halves}"
        self.history.snapshots.append({key: state[1] for key, state in found.items() if state and key.startswith("a")})


def item_of(key, state):
    return {"pk": {"S": key}, "n": {"N": str(state[0])}, "w": {"S": state[1]}}


def update(table, key, expression, condition, x, w):
    return {"Update": {"TableName": table, "Key": {"pk": {"S": key}}, "UpdateExpression": expression, "ConditionExpression": condition,
                       "ExpressionAttributeValues": {":x": {"N": str(x)}, ":w": {"S": w}}}}
