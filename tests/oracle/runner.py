"""Runs steps on both endpoints at once and yields what differs."""
import copy
import itertools
import json
import time
import uuid

import compare
import normalise
from compare import Outcome
from wire import Answer, Broken, Endpoint

PAGES_MAX = 60
# Requests of a BatchWriteItem.
BATCH = 25
SECONDS_TO_SETTLE = 60
SECONDS_FOR_STREAMS = 30  # in all: what is missing is missing from one step on, and would be waited for in each
SETTLED = {"ACTIVE", None}


class Unsettled(Exception):
    """An endpoint leaves a table in transition."""

    def __init__(self, side, text):
        super().__init__(text)
        self.side = side


class Pair:
    """Both endpoints, and what is known of the tables in them."""

    def __init__(self, theirs, ours, signers=(None, None)):
        self.sides = [Endpoint(theirs, signers[0]), Endpoint(ours, signers[1])]
        self.requests, self.patience = 0, SECONDS_FOR_STREAMS
        self.keys = {}
        self.salt = None

    def close(self):
        for side in self.sides:
            side.close()

    def replace_theirs(self, url):
        """Another endpoint, which holds nothing yet. It may have taken so long to start that ours has closed its idle connection."""
        self.close()
        self.sides[0] = Endpoint(url, self.sides[0].signer)

    # ---- single requests ----

    def encode(self, step, body):
        if "raw" in step:
            return step["raw"].encode()
        token = body.get("ClientRequestToken") if isinstance(body, dict) else None
        if isinstance(token, str) and token.startswith("token-"):
            # Tokens are remembered for ten minutes, and this sequence may run again before. The longest, of 36 bytes, have 25 from here.
            body = {**body, "ClientRequestToken": f"{self.salt}-{token[6:]}"}
        text = json.dumps(body)
        return text.encode() if len(text) % 2 else json.dumps(body, ensure_ascii=False).encode()

    def ask(self, call, bodies):
        """Sends each side its body, both before either has answered; gives both answers. None is not asked."""
        self.requests += 1
        for side, body in zip(self.sides, bodies):
            if body is not None:
                side.send(call, body)
        return [None if body is None else receive(side) for side, body in zip(self.sides, bodies)]

    def ask_same(self, call, body):
        return self.ask(call, [json.dumps(body).encode()] * 2)

    @staticmethod
    def outcome(step, answer):
        outcome = Outcome(answer.status, normalise.normalise(step, answer.json()))
        faults = list(answer.faults())
        if faults:
            outcome.answer["faults"] = faults
        return outcome

    # ---- steps ----

    def run(self, step):
        """A Difference, or nothing."""
        if step["call"] == "stream":
            return self.run_stream(step)
        if "segments" in step:
            return self.run_segments(step)
        theirs, ours = self.outcomes(step)
        if step["call"] in normalise.TABLE_CALLS and theirs.ok and ours.ok:
            self.settle(step)
        return compare.compare({**step, "keys": self.keys}, theirs, ours)

    def outcomes(self, step):
        return self.run_pages(step) if step.get("pages") else [self.alone(step, answer) for answer in self.run_once(step)]

    def alone(self, step, outcome):
        """A malformed reading is not followed; what it reads is as free in its order."""
        body = normalise.body_of(step)
        schema = self.keys.get(str(body.get("TableName")), {})
        if outcome.answer.keys() & {"LastEvaluatedKey", "NextToken"} and (step["call"] != "Query" or "IndexName" in body):
            # Which items are on the first page is the endpoint's own.
            return Outcome(outcome.status, {"ScannedCount": outcome.answer.get("ScannedCount")})
        return compare.combine({**step, "body": body}, [outcome], schema) if "Items" in outcome.answer else outcome

    def run_once(self, step):
        body = self.encode(step, step.get("body"))
        return [self.outcome(step, answer) for answer in self.ask(step["call"], [body, body])]

    def run_pages(self, step):
        """Each side's pages are followed by its own LastEvaluatedKey or NextToken."""
        pages, bodies, schema = [[], []], [step["body"]] * 2, self.keys.get(step["body"].get("TableName"), {})
        token = "NextToken" if step["pages"] == "NextToken" else "LastEvaluatedKey"
        start = "NextToken" if step["pages"] == "NextToken" else "ExclusiveStartKey"
        for _ in range(PAGES_MAX):
            answers = self.ask(step["call"], [body and self.encode(step, body) for body in bodies])
            for side, answer in enumerate(answers):
                if answer is None:
                    continue
                following = answer.json().get(token) if answer.ok else None
                pages[side].append(self.outcome(step, answer))
                bodies[side] = {**step["body"], start: following} if following else None
            if bodies == [None, None]:
                break
        return [compare.combine(step, found, schema) for found in pages]

    def run_segments(self, step):
        """A parallel scan: which items are in which segment is the endpoint's own; together they are all."""
        results = [[], []]
        for segment in range(step["segments"]):
            part = {**step, "body": {**step["body"], "Segment": segment, "TotalSegments": step["segments"]}}
            for side, outcome in enumerate(self.run_pages(part)):
                results[side].append(outcome)
        return compare.compare(step, *(merge_segments(step, found) for found in results))

    # ---- tables ----

    def settle(self, step):
        """Waits until the table is as the last operation left it, on both sides; a run compares states, not transitions."""
        name = step["body"].get("TableName")
        described = None
        for side in reversed(self.sides):
            described = wait_until_settled(side, name)
        self.keys.pop(name, None)
        if described:
            self.keys[name] = keys_of(described)

    def clear(self):
        """Drops all tables on both sides."""
        self.keys, self.salt = {}, uuid.uuid4().hex[:24]
        for side in self.sides:
            while names := side.call("ListTables", {}).json().get("TableNames"):
                for name in names:
                    side.call("UpdateTable", {"TableName": name, "DeletionProtectionEnabled": False}) if self.is_protected(side, name) else None
                    side.call("DeleteTable", {"TableName": name})
                    wait_until_settled(side, name)

    def require_table(self, request):
        """Makes a table where it is not there yet."""
        name = request["TableName"]
        self.salt = uuid.uuid4().hex[:24]
        for side in self.sides:
            if not side.call("DescribeTable", {"TableName": name}).ok:
                side.call("CreateTable", request)
            self.keys[name] = keys_of(wait_until_settled(side, name))

    def empty_table(self, name, key):
        """Deletes every item on both sides."""
        for side in self.sides:
            while items := side.call("Scan", {"TableName": name}).json()["Items"]:
                for start in range(0, len(items), BATCH):
                    requests = [{"DeleteRequest": {"Key": {part: item[part] for part in key}}} for item in items[start:start + BATCH]]
                    side.call("BatchWriteItem", {"RequestItems": {name: requests}})

    @staticmethod
    def is_protected(side, name):
        return side.call("DescribeTable", {"TableName": name}).json().get("Table", {}).get("DeletionProtectionEnabled")

    # ---- streams ----

    def run_stream(self, step):
        name = step["body"]["TableName"]
        theirs = read_stream(self.sides[0], name)
        began, deadline = time.monotonic(), time.monotonic() + self.patience
        while True:
            ours = read_stream(self.sides[1], name)
            if records_in(ours) >= records_in(theirs) or time.monotonic() > deadline:
                self.patience -= time.monotonic() - began
                return compare.compare(step, Outcome(200, theirs), Outcome(200, ours))
            time.sleep(0.02)


def receive(side):
    """No answer in HTTP is an answer too: one that nobody else gives."""
    try:
        return side.receive()
    except Broken as error:
        return Answer(0, {"x-amzn-requestid": ""}, json.dumps({"broken": str(error)}).encode())


def merge_segments(step, outcomes):
    failed = next((outcome for outcome in outcomes if not outcome.ok), None)
    if failed:
        return failed
    answer = {name: sum(outcome.answer.get(name, 0) for outcome in outcomes) for name in ("Count", "ScannedCount")}
    items = itertools.chain.from_iterable(outcome.answer.get("Items", []) for outcome in outcomes)
    return Outcome(200, {**answer, "Items": sorted(items, key=normalise.key_text)})


def keys_of(description):
    """{index name or None: names of its key}."""
    indexes = description.get("GlobalSecondaryIndexes", []) + description.get("LocalSecondaryIndexes", [])
    return {entry.get("IndexName"): [part["AttributeName"] for part in entry["KeySchema"]] for entry in [description, *indexes]}


def wait_until_settled(side, name):
    """The table's description once nothing in it is on its way; None when the table is gone."""
    deadline = time.monotonic() + SECONDS_TO_SETTLE
    while time.monotonic() < deadline:
        description = side.call("DescribeTable", {"TableName": name}).json().get("Table")
        if description is None or is_settled(description):
            return description
        time.sleep(0.005)
    raise Unsettled(side, f"{side.url}: table {name} stays in transition: {description}")


def is_settled(description):
    indexes = description.get("GlobalSecondaryIndexes", [])
    return description.get("TableStatus") == "ACTIVE" and all(index.get("IndexStatus") in SETTLED for index in indexes)


# ---- reading a stream ----

def read_stream(side, name):
    """Records of each key in their order, over all shards from parents to children."""
    description = side.call("DescribeTable", {"TableName": name}).json().get("Table", {})
    arn = description.get("LatestStreamArn")
    if not arn:
        return {"stream": None}
    by_key, gaps = {}, []
    for shard in shards_of(side, arn):
        for record in records_of(side, arn, shard, gaps):
            by_key.setdefault(normalise.key_text(record["dynamodb"]["Keys"]), []).append(copy.deepcopy(record))
    records = [record for found in by_key.values() for record in found]
    normalise.normalise({"call": "GetRecords"}, {"Records": records})
    return {"stream": by_key, "order": gaps}


def shards_of(side, arn):
    """Parents first."""
    shards, start = [], None
    while True:
        stream = side.call("DescribeStream", {"StreamArn": arn, **({"ExclusiveStartShardId": start} if start else {})}).json()["StreamDescription"]
        shards += stream["Shards"]
        start = stream.get("LastEvaluatedShardId")
        if not start:
            return [shard["ShardId"] for shard in sorted(shards, key=lambda shard: "ParentShardId" in shard)]


def records_of(side, arn, shard, gaps):
    """A shard from its beginning: an open one until nothing comes. Sequence numbers must grow; where they do not, that is noted."""
    iterator = side.call("GetShardIterator", {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}).json().get("ShardIterator")
    last = -1
    while iterator:
        page = side.call("GetRecords", {"ShardIterator": iterator}).json()
        for record in page.get("Records", []):
            number = int(record["dynamodb"]["SequenceNumber"])
            gaps.extend([] if number > last else [f"{number} after {last}"])
            last = number
            yield record
        iterator = page.get("NextShardIterator") if page.get("Records") else None


def records_in(stream):
    return sum(map(len, (stream["stream"] or {}).values()))
