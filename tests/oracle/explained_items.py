"""Rules of explained.py for the operations on items: (name, predicate over (step, theirs, ours), reason, page).

Texts: each pair says how Local words a refusal and how AWS does. Figures and spellings: both answers, with what is known to differ taken out of them, must be equal
in all the rest."""
import copy
import decimal
import re

from normalise import EXACTLY, body_of, key_text, plain, plain_number, text_of

API = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/"
GUIDE = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
INVALID = "One or more parameter values were invalid: "
KEY_FAULTS = r"The number of conditions on the keys is invalid|One of the required keys was not given a value|Invalid attribute value type|" + INVALID + \
    r"Type mismatch for key"
KEY_WORDS = INVALID + r"Missing the key .* in the item|" + INVALID + r"Type mismatch for key .* expected: [SNB] actual: .*|" \
    r"The provided key element does not match the schema"
INDEX_KEY_WORDS = INVALID + r"Type mismatch for Index Key .* Expected: [SNB] Actual: .* IndexName: .*"
SIZE_WORDS = INVALID + r"(Size of hashkey has exceeded the maximum size limit of2048 bytes|Aggregated size of all range keys has exceeded the size limit of 1024 bytes)"
START_KEY_FAULTS = r"Exclusive Start Key must have same size as table's key schema|The provided starting key is invalid|Type mismatch for attribute to update|" \
    r"The provided starting key does not match the range key predicate|The query can return at most one row and cannot be restarted.*|" + INVALID + ".*"
START_KEY_WORDS = r"The provided starting key is invalid.*|The provided starting key is outside query boundaries based on provided conditions|" \
    r"The provided starting key does not match the range key predicate|The query can return at most one row and cannot be restarted"
SEGMENT_FAULTS = r"If segment is specified, total segment must also be specified|If total segments is specified, a particular segment must also be specified.*|" \
    r"1 validation error detected: Value '\d+' at 'segment' failed to satisfy constraint.*"
SEGMENT_WORDS = r"The (TotalSegments|Segment) parameter is .*"
IN_VALUES = r"(ExpressionAttributeValues contains invalid value: |Validation failed in TransactStatements\[\d+\]: )?"
NUMBER_FAULTS = IN_VALUES + r"(A value provided cannot be converted into a number|DynamoDB only supports precision up to 38 digits)( for key .*)?"
NUMBER_WORDS = IN_VALUES + r"(The parameter cannot be converted to a numeric value.*|Attempting to store more than 38 significant digits in a Number.*)"
NULL_VALUE = IN_VALUES + r"The supplied Item contains a null AttributeValue(: .* is null)?( for key .*)?"
EMPTY_VALUE = r"(The provided starting key is invalid: )?" + IN_VALUES + \
    r"Supplied AttributeValue is empty, must contain exactly one of the supported datatypes( for key .*)?"
MESSAGE_BYTES_MAX = 1023

WORDS = [
    ("Cannot do operations on a non-existent table", "Requested resource not found"),
    (KEY_FAULTS, KEY_WORDS),
    (INVALID + "Type mismatch for Index Key|Invalid attribute value type", INDEX_KEY_WORDS),
    ("Hash primary key values must be under 2048 bytes, and range primary key values must be under 1024 bytes|" + INVALID + "Size limit exceeded", SIZE_WORDS),
    (START_KEY_FAULTS, START_KEY_WORDS),
    (SEGMENT_FAULTS, SEGMENT_WORDS),
    ("Query condition missed key schema element", "Query condition missed key schema element: .*"),
    (r".*", r"\d+ validation errors? detected: .*"),
    ("Updates on index keys must be of the same data type as the key attribute", INDEX_KEY_WORDS),
    (r"One or more parameter values are not valid\. A value specified for a secondary index key is not supported\. .*",
     r"One or more parameter values are not valid\. The update expression attempted to update a secondary index key to a value that is not supported\. .*"),
    (NUMBER_FAULTS, NUMBER_WORDS),
    (".*", "Attempted conditional constraint is not an indexable operation"),
    (r"The list of keys in RequestItems for BatchGetItem may not contain null or empty values: .*", "The provided key element does not match the schema"),
    (NULL_VALUE, EMPTY_VALUE),
    (INVALID + "ExpectedAttributeValue must not be null for Attribute: .*", INVALID + "Value must be provided when Exists is null for Attribute: .*"),
    (INVALID + "Value cannot be used when Exists is false for Attribute: .*", EMPTY_VALUE),
    (INVALID + "An (string|number|binary) set may not have a null (string|number|binary) as a member", INVALID + "An (string|number|binary) set  may not be empty"),
    (r"The conditional request failed\.", "The conditional request failed"),
    (IN_VALUES + INVALID + r"Input collection of type BS contains duplicates\.?( for key .*)?",
     IN_VALUES + INVALID + r"Input collection \[.*\]of type BS contains duplicates\.?( for key .*)?"),
    ("Where clause does not contain a mandatory equality on all key attributes", "Key attribute's data type should match its data type in table's schema: Key .*"),
    ("The batch write request list for a table cannot be null or empty|" + NUMBER_FAULTS, "Supplied AttributeValue has more than one datatypes set, .*"),
    ("Unsupported operation: VariableReference", r"Statement wasn't well formed, can't be processed: \w+"),
    ("Cannot have two attributes with the same name", INVALID + "Duplicate value in attribute name: .*"),
]


def is_worded_otherwise(step, theirs, ours):
    """Texts differ as they are known to; all else in the answers is equal, but that Local answers a wrong key of TransactGetItems without reasons, or one that is
    too long as if the request were no transaction."""
    if theirs.ok or ours.ok:
        return False
    if step["call"] == "TransactGetItems" and "CancellationReasons" not in theirs.answer and ours.type == "TransactionCanceledException" and theirs.type in (
            ours.type, "ValidationException"):
        return any(is_same_text(theirs.message, reason.get("Message")) for reason in ours.answer["CancellationReasons"])
    if theirs.type != ours.type:
        return False
    one, other = ({**stripped(step, outcome.answer, STRIPS), "message": None} for outcome in (theirs, ours))
    reasons = [answer.pop("CancellationReasons", None) for answer in (one, other)]
    return one == other and (is_same_text(theirs.message, ours.message) if reasons == [None, None] else has_same_reasons(theirs, ours))


def has_same_reasons(theirs, ours):
    """Local answers an update of a key with the reasons of this action alone; what is wrong with an action by itself is told before conditions are tried."""
    one, other = (outcome.answer.get("CancellationReasons") or [] for outcome in (theirs, ours))
    is_early = any(reason["Code"] == "ValidationError" for reason in other)
    if len(one) == 1:
        other = [reason for reason in other if reason["Code"] != "None"][:1]
    return len(one) == len(other) and all(
        is_same_reason(*pair) or (is_early and (is_condition_later(*pair) or is_taken(*pair))) for pair in zip(one, other))


def is_taken(theirs, ours):
    """Local does not mind another type of an index's key, or would only say so if no condition had failed."""
    return theirs == {"Code": "None"} and bool(re.fullmatch(INDEX_KEY_WORDS, str(ours.get("Message"))))


def is_condition_later(theirs, ours):
    return theirs["Code"] == "ConditionalCheckFailed" and (ours == {"Code": "None"} or bool(re.fullmatch(EARLY, str(ours.get("Message")))))


def is_same_reason(theirs, ours):
    one, other = ({**plain_copy(reason), "Message": None} for reason in (theirs, ours))
    return one == other and is_same_text(theirs.get("Message"), ours.get("Message"))


def plain_copy(reason):
    reason = copy.deepcopy(reason)
    plain_numbers(None, reason)
    return reason


def is_same_text(theirs, ours):
    theirs, ours = str(theirs), str(ours)
    return plain_text(theirs) == plain_text(ours) or any(
        re.fullmatch(local, theirs, re.DOTALL) and re.fullmatch(aws, ours, re.DOTALL) for local, aws in WORDS)


def plain_text(message):
    """Names that an index lacks and types come in no order, numbers have one spelling, sets with a duplicate a full stop; of two paths that overlap Local
    names the first and, as the second, the last of all; of two indexes with one key attribute either."""
    message = re.sub(r"(document paths overlap .* path one: .*), path two: .*", r"\1", message, flags=re.DOTALL)
    message = re.sub(r"valid types: \{(.*)\}", lambda types: ",".join(sorted(types[1].split(","))), message)
    message = re.sub(r"\{N:([^}]*)\}", lambda number: "{N:" + plain_number(number[1]) + "}", message.replace("contains duplicates.", "contains duplicates"))
    message = re.sub(r"(only contain non-primary key attributes: Primary key attribute: ).*", r"\1some", message)
    message = re.sub(r"(cannot contain an empty \w+ value\. IndexName: )[^,]*(, IndexKey: .*)", r"\1some\2", message)
    return re.sub(r"does not project (.*)\[(.*)\]", lambda names: names[1] + ", ".join(sorted(names[2].split(", "))), message)


# ---- what differs beside the items ----

def walk(value):
    if isinstance(value, dict):
        yield value
        for member in value.values():
            yield from walk(member)
    elif isinstance(value, list):
        for member in value:
            yield from walk(member)


def plain_numbers(step, answer):
    for found in walk(answer):
        if isinstance(found.get("N"), str):
            found["N"] = plain_number(found["N"])
        if isinstance(found.get("NS"), list):
            found["NS"] = sorted(plain_number(text) for text in found["NS"])


def without_metrics(step, answer):
    answer.pop("ItemCollectionMetrics", None)


def without_capacity(step, answer):
    if step["call"].startswith("Batch") or reads_local_index(step) or body_of(step).get("ReturnConsumedCapacity", "NONE") == "NONE":
        drop_capacity(answer)


def drop_capacity(answer):
    answer.pop("ConsumedCapacity", None)
    for page in answer.get("pages", []):
        page.pop("ConsumedCapacity", None)


def reads_local_index(step):
    return step["call"] in ("Query", "Scan") and "local" in str(body_of(step).get("IndexName"))


def without_statement_capacity(step, answer):
    if step["call"] in ("ExecuteStatement", "ExecuteTransaction"):
        drop_capacity(answer)


def without_read_units(step, answer):
    for entry in answer.get("ConsumedCapacity") or [] if step["call"] == "TransactGetItems" else []:
        entry.get("Table", {}).pop("ReadCapacityUnits", None)


def without_transaction_capacity(step, answer):
    """The figures alone: tables and indexes are compared. Whether it was read or written is in the names."""
    if step["call"] == "TransactWriteItems":
        for found in walk(answer.get("ConsumedCapacity")):
            for name in found:
                if name.endswith("CapacityUnits"):
                    found[name] = "units"
        answer.get("ConsumedCapacity", []).sort(key=lambda entry: entry["TableName"])


STRIPS = [plain_numbers, without_metrics, without_capacity, without_statement_capacity, without_read_units, without_transaction_capacity]


def stripped(step, answer, strips):
    answer = copy.deepcopy(answer)
    for strip in strips:
        strip(step, answer)
    return answer


def differs_by(strip, is_likely=lambda step, theirs, ours: True):
    """Equal when all known differences are taken out, and not without taking out this one."""
    others = [other for other in STRIPS if other is not strip]

    def holds(step, theirs, ours):
        if theirs.status != ours.status:
            return False
        both = [stripped(step, outcome.answer, STRIPS) for outcome in (theirs, ours)]
        rest = [stripped(step, outcome.answer, others) for outcome in (theirs, ours)]
        return both[0] == both[1] and rest[0] != rest[1] and is_likely(step, theirs, ours)
    return holds


def is_trimmed(step, theirs, ours):
    """All numbers of ours are as DynamoDB writes them."""
    return all(re.fullmatch(r"0|-?(?!0(?!\.)|0?$)(0|[1-9]\d*)(\.\d*[1-9])?", text, re.ASCII) for text in numbers_in(ours.answer))


def is_silent(step, theirs, ours):
    """Local tells none, and it was asked for."""
    return "ConsumedCapacity" not in theirs.answer and ("ConsumedCapacity" in ours.answer or "pages" in ours.answer) and \
        body_of(step).get("ReturnConsumedCapacity") in ("TOTAL", "INDEXES")


def is_within_bounds(step, theirs, ours):
    """Ours are even, and no less than two for each action on a table; none of Local's is more than four times as much: it may double each, and count a write twice."""
    figures = [figures_of(outcome) for outcome in (theirs, ours)]
    names = [next(iter(entry.values()))["TableName"] for entry in body_of(step)["TransactItems"]]
    return figures[0].keys() == figures[1].keys() and all(
        units % 2 == 0 and figures[0][place] <= 4 * units and (place[1] or units >= 2 * names.count(place[0])) for place, units in figures[1].items())


def figures_of(outcome):
    """{(table, index or None for the table itself): units}, as far as they are told."""
    found = {}
    for entry in outcome.answer["ConsumedCapacity"]:
        indexes = {**entry.get("GlobalSecondaryIndexes", {}), **entry.get("LocalSecondaryIndexes", {})}
        for index, units in {None: entry.get("Table", entry), **indexes}.items():
            found[entry["TableName"], index] = units["CapacityUnits"]
    return found


# ---- figures ----

def is_half_key(step, theirs, ours):
    """Local counts an index that an item enters or leaves which has only some of its key. The index must have several key attributes of its own."""
    if step["call"] not in ("PutItem", "UpdateItem", "DeleteItem") or not theirs.ok or not ours.ok or not theirs.answer.get("ConsumedCapacity") or not ours.answer.get(
            "ConsumedCapacity"):
        return step["call"] == "TransactWriteItems" and theirs.ok and ours.ok and is_half_key_of_transaction(step, theirs, ours)
    one, other = (stripped(step, outcome.answer, STRIPS) for outcome in (theirs, ours))
    wide = wide_indexes(step, body_of(step).get("TableName"))
    more = take_indexes(one["ConsumedCapacity"], other.get("ConsumedCapacity", {}), wide)
    return 0 < more <= 2 * len(wide) * table_units(ours) and one == other


def table_units(outcome):
    """Whose item an index holds has no more than the table."""
    told = outcome.answer["ConsumedCapacity"]
    return told.get("Table", told)["CapacityUnits"]


def is_half_key_of_transaction(step, theirs, ours):
    """Without these indexes the answers differ as they do for any transaction."""
    theirs, known = copy.deepcopy(theirs), {entry["TableName"]: entry for entry in ours.answer.get("ConsumedCapacity", [])}
    taken = 0
    for entry in theirs.answer.get("ConsumedCapacity", []):
        indexes, name = entry.get("GlobalSecondaryIndexes", {}), entry["TableName"]
        for index in wide_indexes(step, name) & indexes.keys() - known.get(name, {}).get("GlobalSecondaryIndexes", {}).keys():
            taken += indexes.pop(index)["CapacityUnits"] > 0
        if not indexes:
            entry.pop("GlobalSecondaryIndexes", None)
    one, other = (stripped(step, outcome.answer, STRIPS) for outcome in (theirs, ours))
    return taken > 0 and one == other and is_within_bounds(step, theirs, ours)


def wide_indexes(step, table):
    keys = step.get("keys", {}).get(table, {})
    return {name for name, key in keys.items() if name and len(set(key) - set(keys[None])) > 1}


def take_indexes(theirs, ours, names):
    """Takes the indexes of these names that are not in ours out of theirs, and their units off the total. Gives the units."""
    more = theirs["CapacityUnits"] - ours.get("CapacityUnits", 0)
    if "Table" in theirs:
        indexes = theirs.get("GlobalSecondaryIndexes", {})
        taken = [name for name in indexes if name in names and name not in ours.get("GlobalSecondaryIndexes", {})]
        more = sum(indexes.pop(name)["CapacityUnits"] for name in taken)
        if not indexes:
            theirs.pop("GlobalSecondaryIndexes", None)
    theirs["CapacityUnits"] -= more
    return more


def is_untrimmed_size(step, theirs, ours):
    """Sizes of stream records alone: Local's are larger, by a byte at most for each number that it does not trim, in two images."""
    if step["call"] != "stream" or not theirs.answer.get("stream") or not ours.answer.get("stream"):
        return False
    one, other = (stripped(step, outcome.answer, [plain_numbers]) for outcome in (theirs, ours))
    if one["stream"].keys() != other["stream"].keys() or any(len(one["stream"][key]) != len(other["stream"][key]) for key in one["stream"]):
        return False
    sizes = [[record["dynamodb"].pop("SizeBytes") for key in sorted(answer["stream"]) for record in answer["stream"][key]] for answer in (one, other)]
    spare = [untrimmed_bytes(record["dynamodb"]) for key in sorted(theirs.answer["stream"]) for record in theirs.answer["stream"][key]]
    return one == other and all(0 <= local - size <= more for local, size, more in zip(*sizes, spare))


def untrimmed_bytes(record):
    """A sum counts with the zeros that its operands had, though it is shown without them."""
    return sum(1 + (len(text) // 2 if plain_number(text) != text else 0) for text in numbers_in(record))


def is_whole_attribute(step, theirs, ours):
    """Local answers all of an attribute of which the update names a part. What ours answers must be in it, under the same attributes."""
    body = body_of(step)
    if step["call"] != "UpdateItem" or body.get("ReturnValues") not in ("UPDATED_OLD", "UPDATED_NEW") or not re.search(r"[.\[]", str(body.get("UpdateExpression"))):
        return False
    one, other = (stripped(step, outcome.answer, STRIPS) for outcome in (theirs, ours))
    whole, part = one.pop("Attributes", {}), other.pop("Attributes", {})
    return one == other and whole != part and part.keys() <= whole.keys() and is_part({"M": part}, {"M": whole})


def is_part(part, whole):
    if "M" in part and "M" in whole:
        return all(name in whole["M"] and is_part(member, whole["M"][name]) for name, member in part["M"].items())
    if "L" in part and "L" in whole:
        rest = iter(whole["L"])
        return all(any(is_part(member, other) for other in rest) for member in part["L"])
    return part == whole


def is_null_in_set(step, theirs, ours):
    """A set in the request has one; Local says so, or for numbers that it is none. Of a set that has nothing else it may first find that a condition fails."""
    sets = [found[name] for found in walk(body_of(step)) for name in ("SS", "NS", "BS") if isinstance(found.get(name), list)]
    if any(members and set(map(type, members)) == {type(None)} for members in sets) and theirs.type == "ConditionalCheckFailedException":
        return bool(re.fullmatch(r".* sets? +(should|may) not be empty", str(ours.message)))
    return any(None in members for members in sets) and bool(
        re.fullmatch(r".*set may not have a null \w+ as a member.*|" + NULL_VALUE + "|" + NUMBER_FAULTS, str(theirs.message), re.DOTALL))


def is_null_among_names(step, theirs, ours):
    names = [found["AttributesToGet"] for found in walk(body_of(step)) if isinstance(found.get("AttributesToGet"), list)]
    return theirs.message == "Empty attribute name" and any(None in found for found in names)


def is_cut_at_nul(step, theirs, ours):
    """Texts that quote a value with U+0000 end there."""
    return not theirs.ok and theirs.type == ours.type and "\0" in str(theirs.message) and all(
        is_cut(str(one), str(other)) for one, other in texts_of(theirs, ours))


def is_cut_at_length(step, theirs, ours):
    """Ours is as long as a message can be, but for a character that would have been cut itself, and is how Local's begins."""
    return not theirs.ok and theirs.type == ours.type and len(str(theirs.message).encode()) > MESSAGE_BYTES_MAX and any(
        one != other for one, other in texts_of(theirs, ours)) and all(
        one == other or MESSAGE_BYTES_MAX - 3 <= len(str(other).encode()) <= MESSAGE_BYTES_MAX and str(one).startswith(str(other))
        for one, other in texts_of(theirs, ours))


def texts_of(theirs, ours):
    one, other = (outcome.answer.get("CancellationReasons") for outcome in (theirs, ours))
    return [(theirs.message, ours.message)] if one == other else [(a.get("Message"), b.get("Message")) for a, b in zip(one or [], other or [])]


def is_cut(theirs, ours):
    """Each quoted value apart, with its numbers plain."""
    return "".join(re.sub(r"\0[^}]*\}", "", part) for part in re.split(r"(?=, upper bound)", plain_text(theirs))) == plain_text(ours)


def is_empty_last_page(step, theirs, ours):
    """All items are on the one page before it."""
    if step["call"] not in ("Query", "Scan") or not theirs.ok or not ours.ok or theirs.answer.get("pages"):
        return False
    one, other = (stripped(step, outcome.answer, [plain_numbers, drop_pages]) for outcome in (theirs, ours))
    pages = ours.answer.get("pages", [{"Count": ours.answer["Count"]}])
    return one == other and len(pages) == 1 and pages[0]["Count"] == ours.answer["Count"]


def drop_pages(step, answer):
    for name in ("ConsumedCapacity", "pages"):
        answer.pop(name, None)


# ---- what Local takes and AWS does not ----

def is_mistyped_index_key(step, theirs, ours):
    """An update can give a key attribute of an index another type, or more than 2,048 bytes."""
    reasons = [reason.get("Message") for reason in ours.answer.get("CancellationReasons") or [] if reason["Code"] != "None"]
    return step["call"] in ("UpdateItem", "TransactWriteItems", "ExecuteTransaction") and theirs.ok and not ours.ok and all(
        re.fullmatch(INDEX_KEY_WORDS + "|" + SIZE_WORDS, str(text)) for text in reasons or [ours.message])


def is_new_word(step, theirs, ours):
    """Words that were reserved after Local's list was made."""
    return theirs.ok and bool(re.search(r"Attribute name is a reserved keyword; reserved keyword: (CONVERT)$", str(ours.message), re.IGNORECASE))


def is_other_digits(step, theirs, ours):
    return not ours.ok and bool(re.search(r"cannot be converted to a numeric value: .*[^\x00-\x7f]", str(ours.message)))


LATE = r"The conditional request failed|Type mismatch for attribute to update|" + INVALID + r"Cannot update attribute .*|" \
    r"Updates on index keys must be of the same data type as the key attribute"
KEY_PATH = r"Key attributes must be scalars; list random access .*"
EARLY = KEY_PATH + r"|One or more parameter values are not valid\. The update expression attempted to update a secondary index key .*|" + INVALID + \
    r"Only DELETE action is allowed when no attribute value is specified|" + INVALID + \
    r"(ADD|DELETE) action .*not supported for the type .*|" + INVALID + r"Cannot update attribute .*|" + INDEX_KEY_WORDS


def is_late_check(step, theirs, ours):
    """AttributeUpdates, and types of index keys, are looked at before the condition."""
    if step["call"] == "BatchExecuteStatement" and theirs.ok and ours.ok:
        pairs = [(one.get("Error") or {}, other.get("Error") or {}) for one, other in zip(theirs.answer["Responses"], ours.answer["Responses"]) if one != other]
        # A deletion that has its condition refused is a rule of its own, which may hold beside this one.
        late = [(one, other) for one, other in pairs if other or one.get("Code") != "ConditionalCheckFailed"]
        return bool(late) and all(is_late_text(one.get("Message"), other.get("Message")) for one, other in late)
    return step["call"] in ("UpdateItem", "ExecuteStatement") and not theirs.ok and is_late_text(theirs.message, ours.message)


def is_late_text(theirs, ours):
    return bool(re.fullmatch(LATE, str(theirs)) and re.fullmatch(EARLY, str(ours)))


def is_unchecked_path(step, theirs, ours):
    """What a path does to a key, Local does not look for in a ConditionCheck."""
    codes = [[reason["Code"] for reason in outcome.answer.get("CancellationReasons") or []] for outcome in (theirs, ours)]
    faults = [number for number, reason in enumerate(ours.answer.get("CancellationReasons") or []) if re.fullmatch(KEY_PATH, reason.get("Message") or "")]
    return step["call"] == "TransactWriteItems" and bool(faults) and all("ConditionCheck" in body_of(step)["TransactItems"][number] for number in faults) and (
        theirs.ok or all(one == other or (one, other) == ("ConditionalCheckFailed", "None") for number, (one, other) in enumerate(zip(*codes))
                         if number not in faults))


def is_mixed_over_tables(step, theirs, ours):
    return step["call"] == "BatchGetItem" and str(theirs.message).startswith("Can not use both expression and non-expression parameters") and not any(
        "AttributesToGet" in asked and "ProjectionExpression" in asked for asked in body_of(step)["RequestItems"].values())


def is_unknown_value(step, theirs, ours):
    """Local may then find another fault."""
    return theirs.status < 500 and theirs.type != "ValidationException" == ours.type and bool(
        re.search(r"Member must satisfy enum value set|'(\[\])?' at .*Member must have length greater than or equal to \d+", str(ours.message)))


def is_late_value(step, theirs, ours):
    """The value that ours refuses is wrong: a number out of bounds, a document too deep, one without a name, none at all. Or Local tells it before another fault."""
    if theirs.status >= 500 or ours.type != "ValidationException" or theirs.type in (None, "SerializationException"):
        return False
    text = str(ours.message)
    has_bad_number = any(map(is_bad_number, numbers_in(body_of(step))))
    if has_bad_number and re.fullmatch(NUMBER_FAULTS, str(theirs.message)) or step.get("malformed") and re.fullmatch(EMPTY_VALUE + "|Supplied AttributeValue has more than one datatypes set, .*", text):
        return True
    if text == "Empty attribute name" and any("" in found for found in walk(body_of(step))):
        return True
    return (has_bad_number and bool(re.search(NUMBER_WORDS + "|Number (over|under)flow", text))) or (
        text.startswith("Nesting Levels have exceeded supported limits: Attributes in the item") and depth_of(body_of(step)) > 32)


def numbers_in(body):
    for found in walk(body):
        yield from ([found["N"]] if isinstance(found.get("N"), str) else []) + [text for text in found.get("NS") or [] if isinstance(text, str)]


def is_bad_number(text):
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text, re.ASCII):
        return True
    number = decimal.Decimal(text).normalize(EXACTLY)
    return bool(number) and (len(number.as_tuple().digits) > 38 or not -130 <= number.adjusted() <= 125)


def depth_of(value):
    """Of lists and maps within each other, in a request's JSON."""
    if isinstance(value, dict):
        return max((depth_of(member) + (name in ("M", "L")) for name, member in value.items()), default=0)
    return max(map(depth_of, value), default=0) if isinstance(value, list) else 0


def is_start_among_equals(step, theirs, ours):
    """Items of an index with equal keys come in no particular order, so what is behind one of them is each endpoint's own."""
    body = body_of(step)
    start, key = body.get("ExclusiveStartKey"), step.get("keys", {}).get(str(body.get("TableName")), {}).get(body.get("IndexName"))
    if step["call"] not in ("Query", "Scan") or not (start and key and body.get("IndexName") and theirs.ok and ours.ok):
        return False
    one, other = ({key_text(item): item for item in outcome.answer.get("Items", [])} for outcome in (theirs, ours))
    beside = [{**one, **other}[text] for text in one.keys() ^ other.keys()]
    # Of an index whose key is one attribute, all that a Query finds are equal, though the answer may leave it out.
    is_equal_anyway = step["call"] == "Query" and len(key) == 1
    return bool(beside) and all(plain(item.get(name)) == plain(start.get(name)) or is_equal_anyway and name not in item for item in beside for name in key)


def is_empty_and_mistyped(step, theirs, ours):
    """The same attribute, which the request gives an empty value of the type that ours tells."""
    if theirs.ok or theirs.type != ours.type:
        return False
    differing = [texts for texts in texts_of(theirs, ours) if not is_same_text(*texts)]
    return bool(differing) and all(is_empty_index_key(step, str(one), str(other)) for one, other in differing)


def is_empty_index_key(step, theirs, ours):
    empty = re.fullmatch(r".* cannot contain an empty (string|binary) value\.(?: IndexName: [^,]*, IndexKey: (.*))?", theirs, re.DOTALL)
    mistyped = re.fullmatch(INVALID + r"Type mismatch for Index Key (.*) Expected: [SNB] Actual: ([SB]) IndexName: .*", ours, re.DOTALL)
    return bool(empty and mistyped) and empty[2] in (None, mistyped[1]) and mistyped[2] == {"string": "S", "binary": "B"}[empty[1]] and any(
        found == {mistyped[2]: ""} for found in walk(body_of(step)))


def is_null_capacity(step, theirs, ours):
    body = body_of(step)
    without = {name: value for name, value in theirs.answer.items() if name != "ConsumedCapacity"}
    return "ReturnConsumedCapacity" in body and body["ReturnConsumedCapacity"] is None and theirs.ok and ours.ok and "ConsumedCapacity" in theirs.answer and (
        without == ours.answer)


def is_huge_limit(step, theirs, ours):
    return theirs.status == 500 and ours.ok and body_of(step).get("Limit", 0) > 2147483647


def is_same_number_twice(step, theirs, ours):
    """Local goes on, to another fault if there is one."""
    if step["call"] not in ("BatchGetItem", "BatchWriteItem") or ours.message != "Provided list of item keys contains duplicates" or theirs.status >= 500:
        return False
    return any(is_respelled(keys) for keys in keys_of_batch(step))


def is_respelled(keys):
    """Two keys are equal, and all are written differently."""
    return len({key_text(key) for key in keys}) < len(keys) == len({text_of(key) for key in keys})


def keys_of_batch(step):
    """Of each table."""
    for table, asked in body_of(step)["RequestItems"].items():
        entries = asked["Keys"] if isinstance(asked, dict) else [request[kind][part] for request in asked for kind, part in (
            ("PutRequest", "Item"), ("DeleteRequest", "Key")) if kind in request]
        yield [{name: entry[name] for name in step.get("keys", {}).get(table, {}).get(None, entry) if name in entry} for entry in entries]


def is_respelled_set(step, theirs, ours):
    """An ADD to a set of numbers. Those of the request must differ from each other."""
    sets = [found["NS"] for found in walk(body_of(step)) if isinstance(found.get("NS"), list)]
    return step["call"] in ("UpdateItem", "TransactWriteItems") and ours.ok and theirs.message == "Input collection contains duplicates" and bool(sets) and all(
        len({plain_number(text) for text in numbers}) == len(numbers) for numbers in sets)


RULES = [
    ("Each orders items of one index key", is_start_among_equals, "The order of items whose index keys are equal is not told; a start key among them is a place in it.",
     API + "API_Query.html"),
    ("Local tells of an index's key that it is empty", is_empty_and_mistyped, "A key attribute of an index has its type, and is not empty; which of the two is told, "
     "AWS leaves open.", GUIDE + "GSI.html"),
    ("Local tells capacity for null", is_null_capacity, "A member that is null is as one that is not there, hence NONE.", API + "API_DeleteItem.html"),
    ("Local has words of its own", is_worded_otherwise, "AWS names the attribute, the types and the limit; Local's texts are older or shorter.",
     GUIDE + "Programming.Errors.html"),
    ("Local keeps zeros of numbers", differs_by(plain_numbers, is_trimmed), "Leading and trailing zeros are trimmed.", GUIDE + "HowItWorks.NamingRulesDataTypes.html"),
    ("Local has no item collection metrics", differs_by(without_metrics), "Local answers none.", API + "API_ItemCollectionMetrics.html"),
    ("Local reckons some capacity otherwise", differs_by(without_capacity), "Batches: an item that is not there counts when it is read, an index's units count once; "
     "local indexes: only items that need more than the index has are read from the table; a deletion of nothing tells its capacity although nobody asked.",
     GUIDE + "read-write-operations.html"),
    ("Local tells no capacity of statements", differs_by(without_statement_capacity, is_silent), "ConsumedCapacity is in the answers of ExecuteStatement and "
     "ExecuteTransaction.", API + "API_ExecuteStatement.html"),
    ("Local leaves out read units of tables", differs_by(without_read_units), "Table of ConsumedCapacity has ReadCapacityUnits; Local tells them of TransactWriteItems only.",
     API + "API_Capacity.html"),
    ("Local reckons the capacity of transactions otherwise", differs_by(without_transaction_capacity, is_within_bounds),
     "A transactional write takes two units for each KB, of the table and of each index alike; with a single action, and for conditions, Local doubles it.",
     GUIDE + "transaction-apis.html"),
    ("Local counts indexes for half a key", is_half_key, "An item is in an index when it has all of the index's key attributes.", GUIDE + "GSI.html"),
    ("Local knows that a page of a megabyte was the last", is_empty_last_page, "LastEvaluatedKey does not necessarily mean that there is more.", API + "API_Query.html"),
    ("Local counts zeros of numbers", is_untrimmed_size, "Leading and trailing zeros are trimmed, hence have no size.", GUIDE + "HowItWorks.NamingRulesDataTypes.html"),
    ("Local returns whole attributes", is_whole_attribute, "Only the updated attributes are returned: of a nested one the path to it.", API + "API_UpdateItem.html"),
    ("Landfall leaves nulls out of sets", is_null_in_set, "Not AWS's way: null members of a set are not there.", API + "API_AttributeValue.html"),
    ("Landfall leaves nulls out of names", is_null_among_names, "Not AWS's way: null members of AttributesToGet are not there.", API + "API_GetItem.html"),
    ("Landfall cuts long messages", is_cut_at_length, "Not AWS's way: a message of Landfall's has at most 1,023 bytes.", API + "CommonErrors.html"),
    ("Landfall cuts messages at U+0000", is_cut_at_nul, "Not AWS's way: a message of Landfall's ends where a text that it quotes has U+0000.",
     GUIDE + "Programming.Errors.html"),
    ("Local takes index keys of any type", is_mistyped_index_key, "Key attributes of indexes have their type.", GUIDE + "GSI.html"),
    ("Local lacks reserved words", is_new_word, "CONVERT is in the list.", GUIDE + "ReservedWords.html"),
    ("Local takes digits of other scripts", is_other_digits, "Numbers are sent as decimal strings.", API + "API_AttributeValue.html"),
    ("Local checks updates late", is_late_check, "What is wrong with a request by itself is said before its condition is tried.", API + "API_UpdateItem.html"),
    ("Local takes paths into keys in ConditionChecks", is_unchecked_path, "Key attributes are scalars, in each action's condition.", API + "API_ConditionCheck.html"),
    ("Local mixes the parameters of tables", is_mixed_over_tables, "Each table of a batch has its own AttributesToGet or ProjectionExpression.",
     API + "API_KeysAndAttributes.html"),
    ("Local ignores unknown values", is_unknown_value, "Enumerations have the values that are listed, lists their least length.", GUIDE + "Programming.Errors.html"),
    ("Local looks at values late", is_late_value, "A value that DynamoDB cannot hold makes a request invalid, whatever else is wrong with it.",
     GUIDE + "HowItWorks.NamingRulesDataTypes.html"),
    ("Local fails on huge limits", is_huge_limit, "Limit is an integer of 1 or more.", API + "API_Query.html"),
    ("Local compares keys as they are written", is_same_number_twice, "2 and 2.0 are the same number, hence the same key.", API + "API_BatchGetItem.html"),
    ("Local keeps a number of a set twice", is_respelled_set, "2 and 2.0 are the same number, hence one member of a set; Local refuses an ADD of one that the set has "
     "in another spelling.", GUIDE + "HowItWorks.NamingRulesDataTypes.html"),
]
