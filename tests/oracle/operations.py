"""The data operations: one function for each, (random, table or tables) -> step. A step is what a replay repeats: {"call": operation, "body": request}, with
"pages": True where the runner follows LastEvaluatedKey to the end."""
import expressions
import legacy
import schema
import values
import words
from expressions import Writer

CAPACITY = [None, None, None, "TOTAL", "INDEXES", "INDEXES", "NONE"]


def step(call, body, **more):
    return {"call": call, "body": body, **more}


def maybe(random, body, member, choices):
    value = random.choice(choices)
    if value is not None:
        body[member] = value


def add_condition(random, writer, body, chance=0.3):
    """A condition, now and then a wrong one."""
    if random.random() >= chance:
        return
    if values.mistaken(random, 0.06):
        text, writer_values = expressions.wrong(random, "condition")
        writer.values.update(writer_values)
    else:
        text = writer.condition()
    body["ConditionExpression"] = text
    maybe(random, body, "ReturnValuesOnConditionCheckFailure", [None, None, "ALL_OLD", "NONE"])


def finish(random, writer, body, member, chance=0.03):
    """Gives the request its names and values, and spoils it now and then."""
    body.update(writer.request_members())
    if body.get(member) and values.mistaken(random, chance):
        expressions.spoil(random, body, member)
    return body


def add_return_members(random, body, return_values):
    maybe(random, body, "ReturnConsumedCapacity", CAPACITY)
    maybe(random, body, "ReturnItemCollectionMetrics", [None, None, None, "SIZE", "NONE"])
    maybe(random, body, "ReturnValues", return_values)


# ---- one item ----

def new_item(random, table):
    if random.random() < 0.003:
        return schema.large_item(random, table)
    item = table.make_item(random)
    return schema.add_mistake(random, table, item) if values.mistaken(random, 0.05) else item


def key_of(random, table):
    """A key; now and then one that does not fit the table."""
    key = table.make_key(random)
    if values.mistaken(random, 0.02):
        random.choice([lambda: key.pop(table.partition), lambda: key.update({"other": {"S": "x"}}), lambda: key.update({table.partition: values.any_value(random)}),
                       lambda: key.update({list(key)[-1]: values.key_at_limit(random, list(table.key.values())[-1], len(key) == 1)})])()
    return key


def put_item(random, table):
    body = {"TableName": table.name, "Item": new_item(random, table)}
    writer = Writer(random, table)
    add_condition(random, writer, body)
    add_return_members(random, body, [None, None, "ALL_OLD", "NONE"] if not values.mistaken(random, 0.02) else ["ALL_NEW", "UPDATED_OLD", "SOME"])
    if random.random() < 0.08:
        legacy.add_expected(random, table, body)
    return step("PutItem", finish(random, writer, body, "ConditionExpression"))


def delete_item(random, table):
    body = {"TableName": table.name, "Key": key_of(random, table)}
    writer = Writer(random, table)
    add_condition(random, writer, body)
    add_return_members(random, body, [None, None, "ALL_OLD", "NONE"])
    if random.random() < 0.08:
        legacy.add_expected(random, table, body)
    return step("DeleteItem", finish(random, writer, body, "ConditionExpression"))


def update_item(random, table):
    body = {"TableName": table.name, "Key": key_of(random, table)}
    add_return_members(random, body, [None, "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW", "ALL_NEW", "NONE"])
    if random.random() < 0.12:
        return step("UpdateItem", legacy.add_updates(random, table, body))
    writer = Writer(random, table)
    if values.mistaken(random, 0.06):
        body["UpdateExpression"], used = expressions.wrong(random, "update")
        writer.values.update(used)
    elif random.random() < 0.97:
        body["UpdateExpression"] = writer.update()
    add_condition(random, writer, body, 0.2)
    return step("UpdateItem", finish(random, writer, body, "UpdateExpression"))


def add_projection(random, table, writer, body):
    roll = random.random()
    if values.mistaken(random, 0.02):
        body["ProjectionExpression"], used = expressions.wrong(random, "projection")
        writer.values.update(used if "KeyConditionExpression" in body else {})
    elif roll < 0.3:
        body["ProjectionExpression"] = writer.projection()
    elif roll < 0.34 and ("FilterExpression" not in body and "KeyConditionExpression" not in body or roll < 0.305):
        body["AttributesToGet"] = legacy.attributes_to_get(random, table)


def get_item(random, table):
    body = {"TableName": table.name, "Key": key_of(random, table)}
    writer = Writer(random, table)
    add_projection(random, table, writer, body)
    maybe(random, body, "ConsistentRead", [None, True, False])
    maybe(random, body, "ReturnConsumedCapacity", CAPACITY)
    return step("GetItem", finish(random, writer, body, "ProjectionExpression"))


def get_word(random, table):
    """Whether a word may stand in an expression as it is."""
    word = random.choice(words.WORDS)
    return step("GetItem", {"TableName": table.name, "Key": table.make_key(random), "ProjectionExpression": random.choice([word, word.lower(), f"a.{word}"])})


# ---- many items ----

def choose_index(random, table, body):
    """The key to read by, and the index in the request."""
    if not table.indexes or random.random() < 0.45:
        return table.key
    index = random.choice(table.indexes)
    body["IndexName"] = index.name
    return index.key


def add_read_members(random, body):
    maybe(random, body, "ConsistentRead", [None, None, None, False] if "IndexName" in body and not values.mistaken(random, 0.1) else [None, True, False])
    maybe(random, body, "ReturnConsumedCapacity", CAPACITY)
    maybe(random, body, "Limit", [None, None, 1, 2, 3, 5, 100] + ([0, -1, 2147483648] if values.mistaken(random, 0.03) else []))
    if random.random() < 0.12:
        body["Select"] = random.choice(["COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES", "SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "SOME"])


def add_filter(random, writer, body, chance):
    if random.random() < chance:
        if values.mistaken(random, 0.04):
            body["FilterExpression"], used = expressions.wrong(random, "condition")
            writer.values.update(used)
        else:
            body["FilterExpression"] = writer.condition()


def query(random, table):
    body = {"TableName": table.name}
    key = choose_index(random, table, body)
    add_read_members(random, body)
    maybe(random, body, "ScanIndexForward", [None, None, True, False, False])
    if random.random() < 0.08:
        return step("Query", legacy.add_key_conditions(random, table, key, body), pages=True)
    writer = Writer(random, table)
    body["KeyConditionExpression"] = wrong_key_condition(random, writer, key) if values.mistaken(random, 0.05) else writer.key_condition(key)
    add_filter(random, writer, body, 0.25)
    if body.get("Select") in (None, "SPECIFIC_ATTRIBUTES"):
        add_projection(random, table, writer, body)
    finish(random, writer, body, "KeyConditionExpression")
    if values.mistaken(random, 0.06):
        body["ExclusiveStartKey"] = start_key(random, table, key)
    return step("Query", body, pages=True)


def wrong_key_condition(random, writer, key):
    names = list(key)
    other = names[-1]

    def bound():
        return writer.value(values.key(random, key[names[0]]))
    return random.choice([
        lambda: "", lambda: f"{names[0]} > {bound()}", lambda: f"{names[0]} = {bound()} OR {other} = {bound()}", lambda: f"{names[0]} = {bound()} AND n = {bound()}",
        lambda: f"{other} = {bound()}", lambda: f"NOT {names[0]} = {bound()}", lambda: f"{names[0]} = {bound()} AND {names[0]} = {bound()}",
        lambda: f"{bound()} = {names[0]}",
        lambda: f"{names[0]} = {writer.value({'BOOL': True})}", lambda: f"{names[0]} = {bound()} AND {other} <> {bound()}", lambda: f"size({names[0]}) = {bound()}",
        lambda: f"{names[0]} = {bound()} AND attribute_exists({other})", lambda: f"{names[0]} = {bound()} AND {other} IN ({bound()})",
        lambda: f"{names[0]}.x = {bound()}",
        lambda: f"{names[0]} = {bound()} AND {other} BETWEEN {writer.value(values.key(random, key[other]))} AND {writer.value(values.key(random, key[other]))}",
        lambda: f"begins_with({names[0]}, {bound()})", lambda: f"{names[0]} = {names[0]}", lambda: f"{names[0]} = {writer.value({'S': ''})}",
        lambda: f"contains({names[0]}, {bound()})"])()


def start_key(random, table, key):
    """Where a page would start: a whole key, one that lacks something, one of another partition."""
    start = {**{name: table.key_value(random, name) for name in key}, **table.make_key(random)}
    if random.random() < 0.3 or len(start) > len(table.key):
        # Among an index's items with equal keys, which come after this one is the endpoint's own.
        start.pop(random.choice(list(start)))
    if random.random() < 0.1:
        start["other"] = {"S": "x"}
    return start


def scan(random, table):
    body = {"TableName": table.name}
    choose_index(random, table, body)
    add_read_members(random, body)
    if random.random() < 0.08:
        return step("Scan", legacy.add_scan_filter(random, table, body), pages=True)
    writer = Writer(random, table)
    add_filter(random, writer, body, 0.4)
    if body.get("Select") in (None, "SPECIFIC_ATTRIBUTES"):
        add_projection(random, table, writer, body)
    finish(random, writer, body, "FilterExpression")
    if random.random() < 0.15:
        return step("Scan", body, pages=True, segments=random.choice([1, 2, 3, 5]))
    if values.mistaken(random, 0.05):
        body.update(random.choice([{"Segment": 1}, {"TotalSegments": 2}, {"Segment": 2, "TotalSegments": 2}, {"Segment": -1, "TotalSegments": 2},
                                   {"Segment": 0, "TotalSegments": 0}, {"Segment": 0, "TotalSegments": 1000001}]))
    return step("Scan", body, pages=True)


def bulky(random, table):
    """More than fits a page of 1 MB: items of one partition, read by every operation that pages, and deleted."""
    key = table.make_key(random)
    keys = [{**key, table.sort: values.numbered(table.key[table.sort], number)} for number in range(4)]
    for item in keys:
        yield step("PutItem", {"TableName": table.name, "Item": {**item, "big": {"S": "x" * random.choice([250000, 300000, 350000])}}, "ReturnConsumedCapacity": "INDEXES"})
    writer = Writer(random, table)
    body = {"TableName": table.name, "KeyConditionExpression": f"{table.partition} = {writer.value(key[table.partition])}", "ReturnConsumedCapacity": "TOTAL"}
    yield step("Query", {**body, **writer.request_members()}, pages=True)
    yield step("Query", {**body, **writer.request_members(), "ScanIndexForward": False, "Select": "COUNT"}, pages=True)
    yield step("Scan", {"TableName": table.name, "ProjectionExpression": table.sort}, pages=True)
    yield step("BatchGetItem", {"RequestItems": {table.name: {"Keys": keys}}, "ReturnConsumedCapacity": "TOTAL"})
    for item in keys:
        yield step("DeleteItem", {"TableName": table.name, "Key": item, "ReturnConsumedCapacity": "TOTAL"})


# ---- batches ----

def batch_get(random, tables):
    requests = {}
    for table in random.sample(tables, random.randrange(1, min(len(tables), 2) + 1)):
        writer = Writer(random, table)
        count = random.choice([1, 2, 4, 8]) if random.random() < 0.99 else random.choice([0, 101])
        keys = [key_of(random, table) if count < 9 else {**table.make_key(random), table.partition: values.numbered(table.key[table.partition], n)} for n in range(count)]
        entry = {"Keys": keys if values.mistaken(random, 0.03) else distinct_keys(keys)}
        add_projection(random, table, writer, entry)
        maybe(random, entry, "ConsistentRead", [None, None, True])
        requests[table.name] = finish(random, writer, entry, "ProjectionExpression")
    body = {"RequestItems": requests}
    maybe(random, body, "ReturnConsumedCapacity", CAPACITY)
    return step("BatchGetItem", body)


def canonical_number(text):
    for canonical, spellings in values.NUMBERS.items():
        if text in spellings:
            return canonical
    return text


def distinct_keys(keys):
    """Without equal ones, because DynamoDB refuses these."""
    seen, kept = set(), []
    for key in keys:
        identity = repr(sorted((name, kind, canonical_number(content) if kind == "N" else str(content)) for name, value in key.items() for kind,
                               content in value.items()))
        if identity not in seen:
            seen.add(identity)
            kept.append(key)
    return kept


def batch_write(random, tables):
    requests = {}
    for table in random.sample(tables, random.randrange(1, min(len(tables), 2) + 1)):
        count = random.choice([1, 2, 5, 10]) if random.random() < 0.99 else random.choice([0, 26])
        keys = [table.make_key(random) if count < 26 else {**table.make_key(random), table.partition: values.numbered(table.key[table.partition], n)} for n in range(count)]
        keys = keys if values.mistaken(random, 0.03) else distinct_keys(keys)
        requests[table.name] = [write_request(random, table, key) for key in keys]
    body = {"RequestItems": requests}
    maybe(random, body, "ReturnConsumedCapacity", CAPACITY)
    maybe(random, body, "ReturnItemCollectionMetrics", [None, None, None, "SIZE"])
    return step("BatchWriteItem", body)


def write_request(random, table, key):
    if random.random() < 0.4:
        return {"DeleteRequest": {"Key": key}}
    request = {"PutRequest": {"Item": {**new_item(random, table), **key}}}
    return {**request, "DeleteRequest": {"Key": key}} if values.mistaken(random, 0.01) else request


# ---- transactions ----

def transact_get(random, tables):
    items = []
    for key, table in transaction_keys(random, tables):
        writer = Writer(random, table)
        get = {"TableName": table.name, "Key": key}
        if random.random() < 0.2:
            get["ProjectionExpression"] = writer.projection()
        items.append({"Get": finish(random, writer, get, "ProjectionExpression")})
    body = {"TransactItems": items}
    maybe(random, body, "ReturnConsumedCapacity", CAPACITY)
    return step("TransactGetItems", body)


def transaction_keys(random, tables):
    """Distinct keys, now and then one twice."""
    chosen = {table.name: [] for table in tables}
    by_name = {table.name: table for table in tables}
    for _ in range(random.choice([1, 2, 2, 3, 5])):
        table = random.choice(tables)
        chosen[table.name].append(table.make_key(random) if random.random() < 0.98 else key_of(random, table))
    for name, keys in chosen.items():
        for key in keys if values.mistaken(random, 0.06) else distinct_keys(keys):
            yield key, by_name[name]


def transact_write(random, tables):
    items = [transact_action(random, table, key) for key, table in transaction_keys(random, tables)]
    random.shuffle(items)
    body = {"TransactItems": items}
    if values.mistaken(random, 0.02):
        body["TransactItems"] = random.choice([[], items * 101, [{}], [{**items[0], "Delete": {"TableName": tables[0].name, "Key": tables[0].make_key(random)}}]])
    maybe(random, body, "ReturnConsumedCapacity", CAPACITY)
    maybe(random, body, "ReturnItemCollectionMetrics", [None, None, None, "SIZE"])
    if random.random() < 0.2:
        body["ClientRequestToken"] = f"token-{random.randrange(4)}" if random.random() < 0.95 else random.choice(["", "token-" + "x" * 11, "token-" + "x" * 12])
    return step("TransactWriteItems", body)


def transact_action(random, table, key):
    writer = Writer(random, table)
    action, entry = random.choice(["Put", "Put", "Delete", "Update", "Update", "ConditionCheck"]), {"TableName": table.name}
    if action == "Put":
        entry["Item"] = {**new_item(random, table), **key}
    else:
        entry["Key"] = key
    if action == "Update":
        entry["UpdateExpression"] = writer.update()
    add_condition(random, writer, entry, 1 if action == "ConditionCheck" else 0.15)
    return {action: finish(random, writer, entry, "UpdateExpression" if action == "Update" else "ConditionExpression", 0.02)}
