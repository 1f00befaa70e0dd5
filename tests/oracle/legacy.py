"""The parameters of before expressions: Expected, AttributeUpdates, KeyConditions, QueryFilter, ScanFilter, AttributesToGet."""
import values

OPERATORS = {"EQ": 1, "NE": 1, "LE": 1, "LT": 1, "GE": 1, "GT": 1, "NOT_NULL": 0, "NULL": 0, "CONTAINS": 1, "NOT_CONTAINS": 1, "BEGINS_WITH": 1,
             "IN": 2, "BETWEEN": 2}


def attributes_to_get(random, table):
    return random.sample(list(table.attributes) + [table.partition, "absent"],
                         random.choice([1, 2, 3])) if random.random() < 0.95 else random.choice([[], ["twice", "twice"], [""]])


def comparison(random, value):
    """One comparison; value() gives what to compare with."""
    operator = random.choice(list(OPERATORS))
    count = OPERATORS[operator] if random.random() < 0.93 else random.randrange(3)
    return {"ComparisonOperator": operator if random.random() < 0.98 else "LIKE", **({"AttributeValueList": [value() for _ in range(count)]} if count else {})}


def conditions(random, table, count):
    found = {}
    for name in random.sample(list(table.attributes), count):
        found[name] = comparison(random, lambda name=name: table.attribute_value(random, name))
    return found


def add_expected(random, table, body):
    expected = {}
    for name in random.sample(list(table.attributes) + [table.partition], random.choice([1, 1, 2])):
        value = table.attribute_value(random, name)
        expected[name] = random.choice([
            lambda: {"Exists": False}, lambda: {"Value": value}, lambda: {"Exists": True, "Value": value}, lambda: comparison(random, lambda: value),
            lambda: comparison(random, lambda: value), lambda: random.choice([{"Exists": True}, {"Exists": False, "Value": value}, {}])])()
    body["Expected"] = expected
    if random.random() < 0.3:
        body["ConditionalOperator"] = random.choice(["AND", "OR"])
    if random.random() < 0.8:
        body.pop("ConditionExpression", None)
        body.pop("ReturnValuesOnConditionCheckFailure", None)
    return body


def add_updates(random, table, body):
    updates = {}
    for name in random.sample(list(table.attributes) + list(table.types()), random.choice([1, 1, 2, 3])):
        action = random.choice(["PUT", "PUT", "ADD", "DELETE", None])
        updates[name] = {**({"Action": action} if action else {}),
                         **({} if action == "DELETE" and random.random() < 0.5 else {"Value": table.attribute_value(random, name)})}
    body["AttributeUpdates"] = updates
    if random.random() < 0.3:
        add_expected(random, table, body)
    return body


def add_key_conditions(random, table, key, body):
    names = list(key)
    found = {names[0]: {"ComparisonOperator": "EQ" if random.random() < 0.95 else "LT", "AttributeValueList": [table.key_value(random, names[0])]}}
    if len(names) > 1 and random.random() < 0.6:
        found[names[1]] = comparison(random, lambda: table.key_value(random, names[1]))
    body["KeyConditions"] = found
    return add_filter(random, table, body, "QueryFilter")


def add_scan_filter(random, table, body):
    return add_filter(random, table, body, "ScanFilter")


def add_filter(random, table, body, member):
    if random.random() < 0.6:
        body[member] = conditions(random, table, random.choice([1, 1, 2]))
        if random.random() < 0.4:
            body["ConditionalOperator"] = random.choice(["AND", "OR"])
    if random.random() < 0.2 and "Select" not in body:
        body["AttributesToGet"] = attributes_to_get(random, table)
    return body
