"""Rules of explained.py for updates, transactions and PartiQL: (name, predicate over (step, theirs, ours), reason, page)."""
import re

from explained_items import KEY_PATH, KEY_WORDS, is_same_text
from normalise import body_of, key_text, plain, text_of

API = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/"
GUIDE = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
INVALID = "One or more parameter values were invalid: "
INDEX_KEY_FAULT = INVALID + r"(Type mismatch for Index Key .*|Size of hashkey has exceeded .*|Aggregated size of all range keys .*)|" \
    r"One or more parameter values are not valid\. The update expression attempted to update a secondary index key .*"
UPDATE_FAULT = r"The provided expression refers to an attribute that does not exist in the item|" \
    r"An operand in the update expression has an incorrect data type|The document path provided in the update expression is invalid for update|" \
    r"Number (overflow|underflow)\..*|DynamoDB only supports precision up to 38 digits|Type mismatch for attribute to update|" + INDEX_KEY_FAULT
EMPTY_KEY = r"One or more parameter values are not valid\. .*The AttributeValue for a key attribute cannot contain an empty (string|binary) value\. .*"
PARTIQL_CALLS = {"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"}


# ---- updates ----

def action_count(update):
    """Of an Update of a transaction or the body of UpdateItem; at least."""
    text = str(update.get("UpdateExpression") or "")
    sections = re.findall(r"\b(?:SET|REMOVE|ADD|DELETE)\b", text, re.IGNORECASE)
    return max(len(sections), 1 + len(re.findall(r",(?![^(]*\))", text)), len(update.get("AttributeUpdates") or {}))


def is_fault_of_update(message):
    return bool(re.fullmatch(UPDATE_FAULT, str(message), re.DOTALL))


def is_other_fault_of_update(step, theirs, ours):
    """Each must be a fault that another action of the same update can have."""
    return step["call"] == "UpdateItem" and not theirs.ok and not ours.ok and theirs.type == ours.type and \
        is_fault_of_update(theirs.message) and is_fault_of_update(ours.message) and action_count(body_of(step)) > 1


# ---- transactions ----

def is_fault_of_early_check(message):
    return is_fault_of_update(message) or bool(re.fullmatch(KEY_WORDS + "|" + KEY_PATH + "|" + INVALID + "Cannot update attribute .*", str(message), re.DOTALL))


def is_empty_key(message):
    return bool(re.fullmatch(EMPTY_KEY, str(message), re.DOTALL))


def reasons_of(outcome):
    return [(reason.get("Code"), reason.get("Message")) for reason in outcome.answer.get("CancellationReasons") or []]


def is_cancelled_for_fault(step, theirs, ours):
    """One of the reasons must be Local's message, or, where there are several actions, the fault of another; or another's key is empty, which no item can change."""
    if step["call"] == "TransactWriteItems" and theirs.type == ours.type == "ValidationException":
        return is_fault_of_update(theirs.message) and is_empty_key(ours.message) and len(body_of(step).get("TransactItems") or []) > 1
    if step["call"] not in ("TransactWriteItems", "ExecuteTransaction") or theirs.type != "ValidationException" or ours.type != "TransactionCanceledException":
        return False
    actions = [entry.get("Update") or {} for entry in body_of(step).get("TransactItems", [])]
    faults = [message for code, message in reasons_of(ours) if code == "ValidationError"]
    several = len(actions) > 1 or any(action_count(action) > 1 for action in actions) or len(statements_of(step)) > 1
    return any(is_same_text(theirs.message, message) or (is_fault_of_update(theirs.message) and is_fault_of_early_check(message) and several) for message in faults)


def is_cancelled_for_empty_key(step, theirs, ours):
    """Of statements that read: each reason is ours."""
    return step["call"] == "ExecuteTransaction" and theirs.type == "TransactionCanceledException" and ours.type == "ValidationException" and is_empty_key(
        ours.message) and {reason for reason in reasons_of(theirs) if reason[0] != "None"} == {("ValidationError", ours.message)}


def is_duplicate_reason(step, theirs, ours):
    """All else must be equal."""
    text = "Duplicate primary key exists in table"
    renamed = [("ValidationError" if code == "DuplicateItem" and message == text else code, message) for code, message in reasons_of(ours)]
    plain = [(code, message.removesuffix(".") if code == "ConditionalCheckFailed" else message) for code, message in reasons_of(theirs)]
    return step["call"] == "ExecuteTransaction" and theirs.type == ours.type == "TransactionCanceledException" and renamed != reasons_of(ours) and \
        len(plain) == len(renamed) and all(
        one == other or is_deleted_anyway(entry, one[0], other[0]) for entry, one, other in zip(statements_of(step), plain, renamed))


def key_of_action(step, entry):
    """(table, key) of an entry of TransactItems."""
    (action, body), = entry.items()
    name = body["TableName"]
    item = body["Item"] if action == "Put" else body["Key"]
    return name, {part: item[part] for part in step.get("keys", {}).get(name, {}).get(None, item) if part in item}


def key_of_statement(step, entry):
    """(table, key) of one of the oracle's statements."""
    text, parameters = entry["Statement"], entry.get("Parameters") or []
    name = re.search(r'(?:FROM|INTO|UPDATE) "?(\w+)', text)[1]
    key = {}
    for part in step.get("keys", {}).get(name, {}).get(None, []):
        found = re.search(rf"(?:'{part}': |(?<!SET )\b{part}\"? = )(\?|'[^']*'|\d+)", text)
        written = found and found[1]
        key[part] = parameters[text[:found.start(1)].count("?")] if written == "?" else {"S": written.strip("'")} if written and written[0] == "'" else {"N": written}
    return name, key


def keys_of(step):
    if step["call"] == "ExecuteTransaction":
        return [key_of_statement(step, entry) for entry in statements_of(step)]
    return [key_of_action(step, entry) for entry in body_of(step)["TransactItems"]]


def is_same_item_twice(step, theirs, ours):
    """Two keys that are equal; where Local goes on, with a number that has several spellings. Where it does not, it tells another fault."""
    if step["call"] not in ("TransactWriteItems", "ExecuteTransaction") or ours.message != "Transaction request cannot include multiple operations on one item":
        return False
    keys = keys_of(step)
    meant = [(name, key_text(key)) for name, key in keys]
    twice = [(name, text_of(key)) for name, key in keys if meant.count((name, key_text(key))) > 1]
    is_respelled = any(text_of(plain(key)) != text_of(key) for name, key in keys if meant.count((name, key_text(key))) > 1)
    return bool(twice) and (is_respelled or (not theirs.ok and len(set(twice)) < len(twice)))


# ---- PartiQL ----

def is_duplicate_type(step, theirs, ours):
    return theirs.type == "DuplicateItem" and ours.type == "DuplicateItemException" and theirs.message == ours.message


def statements_of(step):
    body = body_of(step)
    return body.get("Statements") or body.get("TransactStatements") or [body]


def is_parameter_count(step, theirs, ours):
    """Literals of the oracle's statements have no question marks."""
    return str(ours.message).endswith("Number of parameters in request and statement don't match.") and ours.type == "ValidationException" and any(
        str(entry.get("Statement")).count("?") < len(entry.get("Parameters") or []) for entry in statements_of(step))


def is_miscounted(step, theirs, ours):
    """The count is wrong indeed, and so is what Landfall tells before it counts."""
    return step["call"] in PARTIQL_CALLS and "Number of parameters in request and statement don't match" in str(theirs.message) and not ours.ok and any(
        str(entry.get("Statement")).count("?") != len(entry.get("Parameters") or []) for entry in statements_of(step))


def verdicts_of(step, outcome):
    """The code of each statement, "None" where it succeeds; nothing for other answers."""
    count = len(statements_of(step))
    if step["call"] == "BatchExecuteStatement" and outcome.ok:
        return [entry.get("Error", {}).get("Code", "None") for entry in outcome.answer["Responses"]]
    if outcome.ok and not outcome.answer.get("Items"):
        return ["None"] * count
    if outcome.type == "TransactionCanceledException":
        return [code for code, _ in reasons_of(outcome)]
    return ["ConditionalCheckFailed"] if outcome.type == "ConditionalCheckFailedException" else None


def is_deleted_anyway(entry, theirs, ours):
    return theirs == "ConditionalCheckFailed" and ours == "None" and str(entry.get("Statement")).startswith("DELETE")


def is_deletion_of_nothing(step, theirs, ours):
    """Where there is an item, the run goes on and sees that it is still there."""
    if step["call"] not in PARTIQL_CALLS:
        return False
    verdicts = [verdicts_of(step, outcome) for outcome in (theirs, ours)]
    return None not in verdicts and len(verdicts[0]) == len(verdicts[1]) and all(
        one == other or is_deleted_anyway(entry, one, other) for entry, one, other in zip(statements_of(step), *verdicts))


def is_type_of_key(step, theirs, ours):
    """Local takes the name of the type for a value of the key attribute."""
    return theirs.message == INVALID + "Condition parameter type does not match schema type" and ours.ok and step["call"] == "ExecuteStatement" and bool(
        re.search(r"\battribute_type\(", str(body_of(step).get("Statement")), re.IGNORECASE))


def is_mixed_with_wrong(step, theirs, ours):
    """Without the statements that are wrong by themselves, all are reads or all are writes."""
    if step["call"] != "BatchExecuteStatement" or not str(theirs.message).startswith("Read and write requests together") or not ours.ok:
        return False
    verdicts = verdicts_of(step, ours)
    kinds = [str(entry.get("Statement")).startswith("SELECT") for entry in statements_of(step)]
    return "ValidationError" in verdicts and len({kind for kind, verdict in zip(kinds, verdicts) if verdict != "ValidationError"}) < 2 == len(set(kinds))


def is_silent_mismatch(step, theirs, ours):
    return theirs.type == ours.type == "IdempotentParameterMismatchException" and theirs.message == "" != ours.message


def is_late_token(step, theirs, ours):
    """Ours are faults of the actions by themselves."""
    codes = {code for code, _ in reasons_of(ours)}
    is_fault = ours.type == "TransactionCanceledException" and codes <= {"None", "ValidationError"} or is_empty_key(ours.message)
    return theirs.type == "IdempotentParameterMismatchException" and is_fault


RULES = [
    ("Local tells another of several faults of an update", is_other_fault_of_update, "Which of several is told, AWS leaves open; Landfall goes through the "
     "request's own checks, then the attributes, Local through them in the order of its hash map.", API + "API_UpdateItem.html"),
    ("Local refuses transactions for what an item lacks", is_cancelled_for_fault, "What is wrong between an update and its item is a reason (ValidationError) of "
     "TransactionCanceledException.", API + "API_TransactWriteItems.html"),
    ("Local cancels reads for an empty key", is_cancelled_for_empty_key, "What is wrong with a statement by itself is a ValidationException, as in TransactGetItems.",
     API + "API_ExecuteTransaction.html"),
    ("Local calls duplicates in transactions invalid", is_duplicate_reason, "An INSERT of an item that is there is a DuplicateItem.", API + "API_BatchStatementError.html"),
    ("Local looks late for two actions on one item", is_same_item_twice, "An item may be in one action only; 2 and 2.0 are the same number, hence the same item.",
     API + "API_TransactWriteItems.html"),
    ("Local counts parameters first", is_miscounted, "Which of several faults is told, AWS leaves open.", API + "API_ExecuteStatement.html"),
    ("Local fails deletions of nothing", is_deletion_of_nothing, "A DELETE whose item is not there succeeds, whatever its condition.",
     GUIDE + "ql-reference.delete.html"),
    ("Local does not say what a token's fault is", is_silent_mismatch, "The exception has a message.", API + "API_TransactWriteItems.html"),
    ("Local looks at the token first", is_late_token, "What is wrong with an action by itself is told first.", API + "API_TransactWriteItems.html"),
    ("Local takes a type's name for a key", is_type_of_key, "attribute_type asks for the type of any attribute, of a key as well.",
     GUIDE + "ql-functions.attribute_type.html"),
    ("Landfall leaves wrong statements out of a batch", is_mixed_with_wrong, "Whether statements are reads or writes is asked of those that are right by themselves.",
     GUIDE + "ql-reference.multiplestatements.batching.html"),
    ("Local names DuplicateItemException otherwise", is_duplicate_type, "The exception is DuplicateItemException.", API + "API_ExecuteStatement.html"),
    ("Local takes parameters that no statement uses", is_parameter_count, "Each parameter stands for a question mark.", GUIDE + "ql-reference.data-types.html"),
]
