"""Differences that only the maps of the relational store bring up: their attributes have names of their own (explained.py says what a rule is)."""
import re

GUIDE = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"


def is_size(step, theirs, ours):
    """`size` as a name where Local takes it, or finds the next fault."""
    return bool(re.search(r"Expression: Attribute name is a reserved keyword; reserved keyword: size$", str(ours.message), re.IGNORECASE)) \
        and not str(theirs.message).lower().endswith("reserved keyword: size")


RULES = [
    ("Local takes size for a name", is_size, "SIZE is in the list of reserved words; Local lets an attribute be called so, because a function is, too.",
     GUIDE + "ReservedWords.html"),
]
