"""Reads the streams of the tables while they are written, and says what must hold of the records: every acknowledged change once, in order per key."""
import asyncio

from clients import Client, Refused, Unanswered, state_of
from linearizable import NEVER

PAUSE_SECONDS = 0.05


class Reader(Client):
    """Follows one table's stream from its beginning, over whichever gateway answers."""

    def __init__(self, ports, table):
        super().__init__(ports)
        self.table, self.records, self.numbers = table, [], {}

    async def retry(self, operation, **body):
        while True:
            try:
                return await self.call(operation, **body)
            except Unanswered:
                await asyncio.sleep(PAUSE_SECONDS)
            except Refused as refused:
                if not refused.is_retryable():
                    raise

    async def open(self):
        arn = (await self.retry("DescribeTable", TableName=self.table))["Table"]["LatestStreamArn"]
        shards = (await self.retry("DescribeStream", StreamArn=arn))["StreamDescription"]["Shards"]
        return {shard["ShardId"]: (await self.retry("GetShardIterator", StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"))["ShardIterator"]
                for shard in shards}

    def take(self, shard, record):
        data = record["dynamodb"]
        number = data["SequenceNumber"]
        assert number > self.numbers.get(shard, ""), f"{number} comes behind {self.numbers[shard]} in {shard}"
        self.numbers[shard] = number
        images = [state_of(data[name]) if name in data else None for name in ("OldImage", "NewImage")]
        event = "INSERT" if not images[0] else "MODIFY" if images[1] else "REMOVE"
        assert record["eventName"] == event, f"{record} is no {record['eventName']}"
        self.records.append((data["Keys"]["pk"]["S"], *images, number))

    async def follow(self, is_over):
        """Until `is_over(records)` after a whole turn through the shards."""
        iterators = await self.open()
        while not is_over(self.records):
            for shard, iterator in iterators.items():
                answer = await self.retry("GetRecords", ShardIterator=iterator)
                for record in answer["Records"]:
                    self.take(shard, record)
                iterators[shard] = answer["NextShardIterator"]
            await asyncio.sleep(PAUSE_SECONDS)
        self.close()


def chains_of(records):
    """{key: [new image or None]}; each change must begin where the one before has ended."""
    chains = {}
    for key, old, new, number in records:
        chain = chains.setdefault(key, [])
        before = chain[-1] if chain else None
        assert old == before, f"{number}: {key} was {before}, and the record says {old} became {new}"
        chain.append(new)
    return chains


def check_chain(table, key, chain, writes):
    """`writes`: {write: (start, end)}."""
    ids = [state[1] for state in chain if state]
    assert len(ids) == len(set(ids)), f"{table} {key}: a change comes twice"
    lost = [write for write, (_, end) in writes.items() if end != NEVER and write not in set(ids)]
    assert not lost, f"{table} {key}: acknowledged changes are not in the stream: {lost}"
    begun = 0
    for write in ids:
        assert write in writes, f"{table} {key}: nobody wrote {write}"
        start, end = writes[write]
        assert end > begun, f"{table} {key}: {write} had ended before a change ahead of it began"
        begun = max(begun, start)


def check_table(table, records, history):
    """Gives the chains."""
    chains = chains_of(records)
    writes = {key: writes for (of, key), writes in history.writes.items() if of == table}
    for key in set(chains) | set(writes):
        check_chain(table, key, chains.get(key, []), writes.get(key, {}))
    removed = {(key, old[1]) for key, old, new, _ in records if new is None}
    lost = [(key, write) for of, key, write in history.removals if of == table and (key, write) not in removed]
    assert not lost, f"{table}: acknowledged deletions are not in the stream: {lost}"
    return chains


def check_snapshots(chains, history):
    """A read of all accounts saw of each transfer both sides or none."""
    place = {key: {state[1]: number for number, state in enumerate(chain) if state} for key, chain in chains.items()}
    transfers = [(write, keys) for write, keys in history.transfers if write in place[keys[0]] or write in place[keys[1]]]
    for snapshot in history.snapshots:
        seen = {key: place[key][write] for key, write in snapshot.items()}
        for write, (one, other) in transfers:
            assert (seen[one] >= place[one][write]) == (seen[other] >= place[other][write]), f"half of transfer {write} was read: {snapshot}"
