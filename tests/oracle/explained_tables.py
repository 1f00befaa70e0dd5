"""Rules of explained.py for the operations on tables: (name, predicate over (step, theirs, ours), reason, page).

Texts: each pair says how Local words a refusal and how AWS does."""
import copy
import re

API = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/"
GUIDE = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
STREAM_CALLS = {"DescribeStream", "GetShardIterator", "GetRecords"}
TABLE_CALLS = {"CreateTable", "UpdateTable", "DeleteTable", "DescribeTable", "ListTables", "UpdateTimeToLive", "DescribeTimeToLive", "ListStreams"}
UNKNOWN_CALLS = {"DescribeContinuousBackups", "UpdateContinuousBackups", "DescribeEndpoints", "CreateBackup", "ListBackups", "ListExports", "ListImports"}
INVALID = "One or more parameter values were invalid: "
CONSTRAINTS = r"\d+ validation errors? detected: .*"
NO_DEFINITION = INVALID + r"Some index key attributes are not defined in AttributeDefinitions\. Keys: \[.*\], AttributeDefinitions: \[.*\]"
NAMES = "Invalid table/index name.*"

WORDS = [
    (r"Cannot do operations on a non-existent table", r"Requested resource not found: Table: .* not found"),
    (r"Stream does not exist", r"Requested resource not found: Stream: .* not found"),
    (r"Cannot create preexisting table", r"Table already exists: .*"),
    (NAMES, r"The parameter 'TableName' is required but was not present in the request|TableName must be at least 3 characters long and at most 255 characters long|" + CONSTRAINTS),
    (r"Limit (must be greater than or equal to 1|in ListTables must be <= 100)|No Attribute Schema Defined|No defined key schema.*|Invalid StreamViewType: .*|"
     r"No Hash Key specified in schema.*|Indexes must have a projection specified|Member must satisfy enum value set.*|"
     r"Table read and write throughput must be at least 1.*|No provisioned throughput specified.*|AttributeName cannot be null when time to live.*|"
     r"Names of key attributes and attributes projected into an index must be between 1 and 255.*", CONSTRAINTS),
    (r"No Hash Key specified in schema.*|Invalid key order.*|Too many hash keys specified.*",
     r"Invalid KeySchema: The (first|second) KeySchemaElement is not a (HASH|RANGE) key type"),
    (r"Two keys can not have the same name", r"Both the Hash Key and the Range Key element in the KeySchema have the same name"),
    (r"(Hash|Range) Key not specified in Attribute Definitions.*|No Attribute Schema Defined|(Global|Local) Secondary Index (hash|range) key not specified in.*|"
     r"Local Secondary indices must have the same hash key as the main table|The number of attributes in key schema must match.*",
     NO_DEFINITION + r"|Invalid KeySchema: Some index key attribute have no definition"),
    (r"The number of attributes in key schema must match the number of attributes defined in attribute definitions\.",
     INVALID + r"(List of (Global|Local)SecondaryIndexes is empty|Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions|"
     r"Some AttributeDefinitions are not used\. AttributeDefinitions: \[.*\], keys used: \[.*\])"),
    (r"Local secondary indices must have a range key", INVALID + r"Index KeySchema does not have a range key for index: .*"),
    (r"Local Secondary indices must have the same hash key as the main table",
     INVALID + r"Index KeySchema does not have the same leading hash key as table KeySchema for index: .*"),
    (r"Local Secondary indices are not allowed on hash tables.*", INVALID + r"Table KeySchema does not have a range key, which is required.*"),
    (r"Indexes must have a projection specified", INVALID + r"Unknown ProjectionType: null"),
    (r"No attributes should be specified to be projected unless projection type is INCLUDE", INVALID + r"ProjectionType is \w+, but NonKeyAttributes is specified"),
    (r"If Projection type INCLUDE is specified.*", INVALID + r"ProjectionType is INCLUDE, but NonKeyAttributes is not specified"),
    (r"No more than 20 attributes per table can be projected.*", INVALID + r"Number of projected NonKeyAttributes exceeds the per-table limit of 100"),
    (r"Two (local|global) secondary indices have the same name|Local Secondary Indices AND Global Secondary Indices must have different names",
     INVALID + r"Duplicate index name: .*"),
    (r"GSI list is empty/invalid", INVALID + r"List of GlobalSecondaryIndexes is empty"),
    (r"No provisioned throughput specified.*",
     INVALID + r"(ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED|ProvisionedThroughput must be specified for index: .*)"),
    (r"Nothing to update", r"At least one of ProvisionedThroughput, BillingMode, .* is required"),
    (r"Update global secondary index action is null", INVALID + r"One of GlobalSecondaryIndexUpdate\.Update, .* must not be null"),
    (r"The requested throughput value equals the current value", r"The provisioned throughput for the (table|index .*) will not change\..*|" + INVALID +
     r"Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"),
    (r"TimeToLive is active on a different AttributeName", r"TimeToLive is active on a different AttributeName: current AttributeName is .*"),
    (r"Attempt to change a resource which is still in use: Index is being created.*", r"Attempt to change a resource which is still in use: Index is being created\. .*"),
]

REFUSED_BY_AWS = INVALID + r"(Some AttributeDefinitions are not used\..*|List of LocalSecondaryIndexes is empty|" \
    r"Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST|" \
    r"ProvisionedThroughput (should not|must) be specified for index: .*)|" + CONSTRAINTS


def is_worded_otherwise(step, theirs, ours):
    if step["call"] not in TABLE_CALLS | STREAM_CALLS or theirs.ok or ours.ok or theirs.type != ours.type:
        return False
    return is_same_text(theirs.message, ours.message)


def is_same_text(theirs, ours):
    return any(re.fullmatch(local, str(theirs), re.DOTALL) and re.fullmatch(aws, str(ours), re.DOTALL) for local, aws in WORDS)


def is_lenient(step, theirs, ours):
    is_taken = theirs.ok or theirs.message == "Cannot create preexisting table"
    return step["call"] in ("CreateTable", "UpdateTable") and is_taken and ours.type == "ValidationException" and \
        bool(re.fullmatch(REFUSED_BY_AWS, str(ours.message), re.DOTALL))


def description(answer):
    found = answer.get("TableDescription") or answer.get("Table")
    return copy.deepcopy(found) if isinstance(found, dict) else None


def is_old_stream(step, theirs, ours):
    """Local goes on to tell of the stream of a table that had the name before."""
    if step["call"] == "ListStreams" and theirs.ok and ours.ok:
        shown = [set(map(str, outcome.answer.get("Streams", []))) for outcome in (theirs, ours)]
        has_more = "LastEvaluatedStreamArn" in theirs.answer and bool(shown[0] - shown[1])
        return (shown[1] <= shown[0] or has_more) and "LastEvaluatedStreamArn" not in ours.answer
    one, other = description(theirs.answer), description(ours.answer)
    if step["call"] not in TABLE_CALLS or not one or not other or "LatestStreamArn" in other:
        return False
    return drop_stream(one) and one == other


def drop_stream(table):
    return [table.pop(name, None) for name in ("LatestStreamArn", "LatestStreamLabel")] != [None, None]


def is_unknown_to_local(step, theirs, ours):
    return step["call"] in UNKNOWN_CALLS and theirs.type == "UnknownOperationException" and ours.type != theirs.type


def is_early_definition(step, theirs, ours):
    """While an index is being deleted, its attributes are still defined. All else must be equal."""
    one, other = description(theirs.answer), description(ours.answer)
    if step["call"] != "UpdateTable" or not one or not other:
        return False
    if "LatestStreamArn" not in other:
        drop_stream(one)
    named, still = ({entry["AttributeName"] for entry in found.pop("AttributeDefinitions")} for found in (one, other))
    keys = {part["AttributeName"] for index in other.get("GlobalSecondaryIndexes", []) for part in index["KeySchema"]}
    return named < still and still - named <= keys and one == other


RULES = [
    ("Local words refusals of tables otherwise", is_worded_otherwise, "The same fault, in AWS's words; among several faults of a request the one that AWS tells first.",
     API + "API_CreateTable.html"),
    ("Local accepts tables that AWS refuses", is_lenient, "Attributes that no key uses, empty lists of indexes, and throughput that contradicts the billing mode "
     "are ValidationExceptions on AWS.", API + "API_CreateTable.html"),
    ("Local shows streams of earlier tables", is_old_stream, "A new table has never had a stream; LatestStreamArn is that of its own.", API + "API_TableDescription.html"),
    ("Local forgets attributes of an index before it is gone", is_early_definition, "An index that is being deleted is still described.",
     API + "API_UpdateTable.html"),
    ("Local lacks operations", is_unknown_to_local, "Local has neither backups nor exports nor endpoints.", GUIDE + "DynamoDBLocal.UsageNotes.html"),
]
