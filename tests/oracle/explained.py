"""Differences that are known and right: AWS's documentation says what we answer, and DynamoDB Local answers otherwise.

A rule has a name, a predicate over (step, theirs, ours), and the reason with the page. It should hold for as little as it can: what ours must answer belongs
into the predicate. docs/compatibility.md lists the same rules for people."""
from typing import NamedTuple

import explained_items
import explained_relational
import explained_tables
import explained_transactions

GUIDE = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
API = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/"
CLIENT_FAULTS = {"ValidationException", "SerializationException"}


class Rule(NamedTuple):
    name: str
    holds: object
    reason: str
    page: str


def is_malformed_crash(step, theirs, ours):
    return (theirs.status == 500 or 'Cannot invoke "' in str(theirs.message)) and ours.status == 400 and ours.type in CLIENT_FAULTS


def is_coerced(step, theirs, ours):
    return bool(step.get("malformed")) and ours.status == 400 and ours.type == "SerializationException"


def is_tagging(step, theirs, ours):
    unknown = "UnknownOperationException"
    return step["call"] in ("TagResource", "UntagResource", "ListTagsOfResource") and theirs.type == unknown and ours.type != unknown


def is_unknown_operation(step, theirs, ours):
    return theirs.type == ours.type == "UnknownOperationException" and theirs.message == "An unknown operation was requested." and ours.message == ""


def is_empty_update(step, theirs, ours):
    body = step.get("body", {})
    return step["call"] == "UpdateItem" and not body.get("UpdateExpression") and not body.get("AttributeUpdates") and theirs.status == 500 and ours.ok


RULES = [
    Rule("Local fails on malformed requests", is_malformed_crash, "A mistake of the client is an HTTP 400 on AWS; Local answers InternalFailure with 500, or a text of Java's.",
         GUIDE + "Programming.Errors.html"),
    Rule("Local converts JSON types", is_coerced, "A member of another JSON type than the API says is a SerializationException on AWS; Local converts it or "
         "ignores it.", API + "CommonErrors.html"),
    Rule("Local fails on updates of nothing", is_empty_update,
         "UpdateItem needs no update: it makes the item if there is none. Local answers InternalFailure when UPDATED_OLD or "
         "UPDATED_NEW is asked for.", API + "API_UpdateItem.html"),
    Rule("Local explains unknown operations", is_unknown_operation, "AWS's answer to an operation that it does not know has no message.",
         GUIDE + "Programming.LowLevelAPI.html"),
    Rule("Local has no tags", is_tagging, "Local does not support tagging.", GUIDE + "DynamoDBLocal.UsageNotes.html"),
]


UNHARMED = {"Local fails deletions of nothing"}


RULES += [Rule(*rule) for rule in explained_items.RULES + explained_relational.RULES + explained_transactions.RULES + explained_tables.RULES]


def explain(difference):
    """The name of the rule that explains it, or nothing."""
    for rule in RULES:
        if rule.holds(difference.step, difference.theirs, difference.ours):
            return rule.name
    return None


def leaves_same_tables(name, step):
    """Whether a run can go on: the rule explains an operation that did nothing although one side took it."""
    return name in UNHARMED and step["call"] != "ExecuteTransaction"
