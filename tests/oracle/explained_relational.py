"""Differences that the maps of the relational store bring up: their attributes have names of their own, and many items of an index equal keys (explained.py says
what a rule is)."""
import json
import re

GUIDE = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
API = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/"


def is_size(step, theirs, ours):
    """`size` as a name where Local takes it, or finds the next fault."""
    return bool(re.search(r"Expression: Attribute name is a reserved keyword; reserved keyword: size$", str(ours.message), re.IGNORECASE)) \
        and not str(theirs.message).lower().endswith("reserved keyword: size")


def items_of(outcome):
    return {json.dumps(item, sort_keys=True) for item in outcome.answer.get("Items", [])}


def is_repetition(step, theirs, ours):
    """The same items, some of them more than once, where pages of an index may end among items with equal keys."""
    paged = step["call"] in ("Query", "Scan") and step.get("pages") and {"IndexName", "Limit"} <= step["body"].keys()
    return bool(paged) and theirs.ok and ours.ok and items_of(theirs) == items_of(ours) and theirs.answer["ScannedCount"] > ours.answer["ScannedCount"]


RULES = [
    ("Local takes size for a name", is_size, "SIZE is in the list of reserved words; Local lets an attribute be called so, because a function is, too.",
     GUIDE + "ReservedWords.html"),
    ("Local repeats items of an index", is_repetition, "The next page begins behind LastEvaluatedKey; Local's begins again with items whose index key is the same.",
     API + "API_Query.html"),
]
