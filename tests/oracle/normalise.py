"""What legitimately differs between two DynamoDB endpoints, taken out of answers before they are compared: rules with names and reasons.

A rule gets the step and the parsed answer, and changes the answer in place. What no rule names is compared in full: numbers by DynamoDB's spelling too."""
import decimal
import json
import re
from typing import NamedTuple

TIMES = {"CreationDateTime", "LastUpdateToPayPerRequestDateTime", "CreationRequestDateTime", "ApproximateCreationDateTime", "EarliestRestorableDateTime",
         "LatestRestorableDateTime"}
ARNS = {"TableArn", "IndexArn", "LatestStreamArn", "StreamArn", "ResourceArn"}
APPROXIMATE = {"ItemCount", "TableSizeBytes", "IndexSizeBytes"}
NEWER = {"TableClassSummary", "WarmThroughput", "OnDemandThroughput", "MultiRegionConsistency", "GlobalTableVersion", "NumberOfDecreasesToday"}
ABSENT_OR_EMPTY = {"LastIncreaseDateTime", "LastDecreaseDateTime"}
STATUSES = {"TableStatus", "IndexStatus", "Backfilling", "TimeToLiveStatus"}
TABLE_CALLS = {"CreateTable", "UpdateTable", "DeleteTable"}
SETS = {"SS", "NS", "BS"}
EXACTLY = decimal.Context(prec=400)


def body_of(step):
    """Also that of a malformed request, where it is JSON all the same."""
    if "raw" not in step:
        return step["body"] if isinstance(step.get("body"), dict) else {}
    try:
        body = json.loads(step["raw"])
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {}


class Rule(NamedTuple):
    name: str
    change: object
    reason: str


def text_of(value):
    return json.dumps(value, sort_keys=True)


def walk(value):
    """Every object in an answer."""
    if isinstance(value, dict):
        yield value
        for member in list(value.values()):
            yield from walk(member)
    elif isinstance(value, list):
        for member in value:
            yield from walk(member)


def tidy_objects(step, answer):
    """The rules on single members, in one walk: sets, times, ARNs, sizes, newer members, transitions."""
    transient = step["call"] in TABLE_CALLS
    for found in walk(answer):
        for name in list(found):
            if name in SETS and isinstance(found[name], list):
                found[name].sort(key=str)
            elif name in TIMES:
                found[name] = "time" if isinstance(found[name], (int, float)) and not isinstance(found[name], bool) else found[name]
            elif name in ARNS and isinstance(found[name], str):
                found[name] = plain_arn(found[name])
            elif name in APPROXIMATE or name in NEWER or name in ABSENT_OR_EMPTY or name == "TableId" or (transient and name in STATUSES):
                del found[name]
            elif name == "LatestStreamLabel":
                found[name] = "label"


def plain_arn(arn):
    """Without region, account and the label of a stream, which is its time of creation."""
    return re.sub(r"/stream/.*", "/stream/label", re.sub(r"^arn:aws:dynamodb:[^:]*:[^:]*:", "arn:", arn))


def error_members(step, answer):
    if "__type" in answer:
        answer["__type"] = str(answer["__type"]).split("#")[-1]
    if "Message" in answer and "message" not in answer:
        answer["message"] = answer.pop("Message")
    if isinstance(answer.get("message"), str):
        answer["message"] = plain_message(answer["message"])


def plain_message(message):
    found = re.fullmatch(r"(\d+ validation errors? detected: )(.*)", message, re.DOTALL)
    if found:
        message = found[1] + "; ".join(sorted(found[2].split("; ")))
    return re.sub(r"arn:aws:dynamodb:[^\s\]]*", lambda arn: plain_arn(arn[0]), message)


def definition_order(step, answer):
    for found in walk(answer):
        for name, key in (("AttributeDefinitions", "AttributeName"), ("GlobalSecondaryIndexes", "IndexName"), ("LocalSecondaryIndexes", "IndexName")):
            if isinstance(found.get(name), list):
                found[name].sort(key=lambda entry: str(entry.get(key)))
        if isinstance(found.get("NonKeyAttributes"), list):
            found["NonKeyAttributes"].sort()


def batch_order(step, answer):
    if step["call"] == "BatchGetItem":
        for member in ("Responses", "UnprocessedKeys"):
            for name, items in (answer.get(member) or {}).items():
                (items if isinstance(items, list) else items.get("Keys", [])).sort(key=key_text)
    if step["call"] == "BatchWriteItem":
        for requests in (answer.get("UnprocessedItems") or {}).values():
            requests.sort(key=text_of)
    for collections in (answer.get("ItemCollectionMetrics") or {}).values():
        if isinstance(collections, list):
            collections.sort(key=text_of)


def capacity_order(step, answer):
    if isinstance(answer.get("ConsumedCapacity"), list):
        answer["ConsumedCapacity"].sort(key=text_of)


def opaque_tokens(step, answer):
    for name in ("ShardIterator", "NextShardIterator", "NextToken"):
        if isinstance(answer.get(name), str):
            answer[name] = "token"


def stream_identity(step, answer):
    for record in answer.get("Records", []):
        record.pop("eventID", None)
        record.pop("awsRegion", None)
        record.get("dynamodb", {}).pop("SequenceNumber", None)
    if step["call"] == "ListStreams":
        answer["Streams"] = [{"TableName": stream.get("TableName")} for stream in answer.get("Streams", [])]
        answer["Streams"] = sorted({text_of(stream) for stream in answer["Streams"]})


def collection_estimate(step, answer):
    for found in walk(answer):
        if "SizeEstimateRangeGB" in found:
            found["SizeEstimateRangeGB"] = [type(bound).__name__ for bound in found["SizeEstimateRangeGB"]]


RULES = [
    Rule("members", tidy_objects, "sets have no order; creation times, table ids, accounts and regions are each endpoint's own; item counts and sizes are "
         "updated every six hours (API_TableDescription); a table is CREATING on AWS where Local has it ACTIVE at once; members younger than Local's version"),
    Rule("error members", error_members, "SDKs read what stands behind '#' in __type, and take message or Message (Programming.Errors); several "
         "violations come in no order"),
    Rule("definition order", definition_order, "AttributeDefinitions and lists of indexes are sets"),
    Rule("batch order", batch_order, "BatchGetItem returns items in no particular order (API_BatchGetItem)"),
    Rule("capacity order", capacity_order, "one entry for each table, in no order (API_BatchWriteItem)"),
    Rule("tokens", opaque_tokens, "iterators and tokens are opaque (API_streams_GetShardIterator)"),
    Rule("stream identity", stream_identity, "event ids, regions and sequence numbers are the endpoint's own; ListStreams keeps streams of dropped tables for a day"),
    Rule("collection estimate", collection_estimate, "an estimate, updated periodically (API_ItemCollectionMetrics)"),
]


def normalise(step, answer):
    """A parsed answer, in the form in which two are compared."""
    if not isinstance(answer, dict):
        return {"answer": answer}
    for rule in RULES:
        rule.change(step, answer)
    return answer


# ---- keys ----

def plain_number(text):
    """As DynamoDB spells it in all but the exponent: without zeros that say nothing. Other texts as they are."""
    try:
        number = decimal.Decimal(text)
    except decimal.InvalidOperation:
        return text
    return str(number.normalize(EXACTLY) if number else 0) if number.is_finite() else text


def plain(value):
    """A JSON value with the numbers of its attribute values in one spelling."""
    if isinstance(value, list):
        return [plain(member) for member in value]
    if not isinstance(value, dict):
        return value
    return {name: plain_number(member) if name == "N" and isinstance(member, str) else
            sorted(map(plain_number, member)) if name == "NS" and isinstance(member, list) and all(isinstance(text, str) for text in member) else plain(member)
            for name, member in value.items()}


def key_text(value):
    """The same for all spellings of one key or item."""
    return text_of(plain(value))


# ---- order of items ----

def index_key(schema, step):
    """Names of the key attributes an operation reads by, partition key first; schema: {index name or None: names}."""
    return schema.get(step["body"].get("IndexName")) or []


def has_free_order(body):
    """Whether a statement reads from several partitions, or from an index."""
    if not str(body.get("Statement")).startswith("SELECT"):
        return False
    return bool(re.search(r"FROM +\S+\.", body["Statement"])) or not re.search(r'WHERE.* "?pk"? = ', body["Statement"])


def value_text(item, name):
    return key_text(item.get(name))


def scan_order(items, key):
    """Partitions come in an order of the endpoint's own, items within one by the sort key: each partition's items stay as they came."""
    if not key:
        return sorted(items, key=key_text)
    return sorted(items, key=lambda item: value_text(item, key[0]))


def tie_order(items, key):
    """Items of an index with equal keys come in no particular order (Query: API_Query); neighbours with equal ones are sorted, all others stay."""
    ordered, start = [], 0
    for end in range(1, len(items) + 1):
        if end == len(items) or any(plain(items[end].get(name)) != plain(items[start].get(name)) for name in key):
            ordered += sorted(items[start:end], key=key_text)
            start = end
    return ordered
