"""PartiQL: ExecuteStatement, BatchExecuteStatement and ExecuteTransaction."""
import json

import values
from operations import CAPACITY, distinct_keys, maybe, step

# Names that need no quotes, whatever words PartiQL reserves.
PLAIN = {"pk", "sk", "n", "m", "s", "t", "tags", "nums", "bins"}


class Statement:
    """A statement and its parameters: a value is written into the text or as a question mark."""

    def __init__(self, random, table):
        self.random, self.table, self.parameters = random, table, []

    def value(self, value):
        literal = self.literal(value) if self.random.random() < 0.4 else None
        if literal is not None:
            return literal
        self.parameters.append(value)
        return "?"

    def literal(self, value):
        (kind, content), = value.items()
        if kind == "S":
            return "'" + content.replace("'", "''") + "'" if content.isalnum() and content.isascii() else None
        if kind == "N":
            return content if content.isdigit() and content == str(int(content)) else None
        if kind == "BOOL":
            return json.dumps(content)
        return "NULL" if kind == "NULL" else None

    def key_condition(self, key, only=None):
        terms = [f"{self.quoted(name)} = {self.value(value)}" for name, value in key.items() if only is None or name in only]
        return " AND ".join(terms)

    def quoted(self, name):
        return f'"{name}"' if self.random.random() < 0.3 or name not in PLAIN else name

    def source(self):
        name = f'"{self.table.name}"' if self.random.random() < 0.7 else self.table.name
        if self.table.indexes and self.random.random() < 0.15:
            return f'"{self.table.name}"."{self.random.choice(self.table.indexes).name}"'
        return name

    def attribute(self):
        return self.random.choice(list(self.table.attributes))

    def condition(self):
        name = self.attribute()
        value = self.table.attribute_value(self.random, name)
        return self.random.choice([
            lambda: f"{self.quoted(name)} {self.random.choice(['=', '<>', '<', '>', '<=', '>='])} {self.value(value)}",
            lambda: f"{self.quoted(name)} BETWEEN {self.value(value)} AND {self.value(self.table.attribute_value(self.random, name))}",
            lambda: f"{self.quoted(name)} IN [{self.value(value)}, {self.value(self.table.attribute_value(self.random, name))}]",
            lambda: f"{self.quoted(name)} IS {self.random.choice(['', 'NOT '])}MISSING", lambda: f"begins_with(s, {self.value(values.of_type(self.random, 'S'))})",
            lambda: f"contains({self.quoted(name)}, {self.value(values.of_type(self.random, 'S'))})",
            lambda: f"attribute_type({self.quoted(name)}, 'S')", lambda: f"size({self.quoted(name)}) > 1"])()

    # ---- kinds ----

    def select(self):
        columns = self.random.choice(["*", "*", "n, s", "doc.x", "pk, tags", '"entries"[0]'])
        text = f"SELECT {columns} FROM {self.source()}"
        terms = []
        if self.random.random() < 0.85:
            terms.append(self.key_condition(self.table.make_key(self.random), [self.table.partition] if self.random.random() < 0.4 else None))
        if self.random.random() < 0.3:
            terms.append(self.condition())
        return text + (" WHERE " + " AND ".join(terms) if terms else "")

    def insert(self, key=None):
        item = {**self.table.make_item(self.random), **(key or {})}
        members = [f"'{name}': {self.value(value)}" for name, value in item.items() if "'" not in name]
        return f"INSERT INTO {self.quoted_table()} VALUE {{{', '.join(members)}}}"

    def quoted_table(self):
        return f'"{self.table.name}"'

    def update(self, key=None):
        name = self.attribute()
        changes = self.random.choice([
            lambda: f"SET {self.quoted(name)} = {self.value(self.table.attribute_value(self.random, name))}", lambda: f"SET n = n + {self.value({'N': '1'})}",
            lambda: f"REMOVE {self.quoted(name)}", lambda: f"SET tags = set_add(tags, {self.value(values.of_type(self.random, 'SS'))})",
            lambda: f'SET "entries" = list_append("entries", {self.value(values.of_type(self.random, "L"))})'])()
        text = f"UPDATE {self.quoted_table()} {changes} WHERE {self.key_condition(key or self.table.make_key(self.random))}"
        if self.random.random() < 0.2:
            text += f" AND {self.condition()}"
        return text + self.random.choice(["", "", " RETURNING ALL OLD *", " RETURNING ALL NEW *", " RETURNING MODIFIED NEW *",
                                          " RETURNING MODIFIED OLD *"] if key is None else [""])

    def delete(self, key=None):
        text = f"DELETE FROM {self.quoted_table()} WHERE {self.key_condition(key or self.table.make_key(self.random))}"
        if self.random.random() < 0.2:
            text += f" AND {self.condition()}"
        return text + (self.random.choice(["", "", " RETURNING ALL OLD *"]) if key is None else "")

    def exists(self, key):
        return f"EXISTS(SELECT * FROM {self.quoted_table()} WHERE {self.key_condition(key)} AND {self.condition()})"

    def wrong(self):
        name = self.quoted_table()
        return self.random.choice([
            "", "SELECT", f"SELECT * FROM {name} WHERE", f"SELECT FROM {name}", "SELECT * FROM nowhere", f"DELETE FROM {name}", f"UPDATE {name} SET n = 1",
            f"SELECT * FROM {name} WHERE pk = ?",
            f"INSERT INTO {name} VALUE {{}}", f"SELECT * FROM {name} ORDER BY n", f"SELECT count(*) FROM {name}", f"DROP TABLE {name}",
            f"SELECT * FROM {name} LIMIT 1",
            f"SELECT * FROM {name}, {name}", f"UPDATE {name} SET pk = 'x' WHERE pk = 'a'", f"INSERT INTO {name} VALUES {{'pk': 'a'}}"])

    def members(self, text):
        return {"Statement": text, **({"Parameters": self.parameters} if self.parameters else {})}


def execute_statement(random, table):
    statement = Statement(random, table)
    text = random.choice([statement.select, statement.select, statement.insert, statement.update,
                          statement.delete])() if not values.mistaken(random, 0.07) else statement.wrong()
    body = statement.members(text)
    maybe(random, body, "ReturnConsumedCapacity", CAPACITY)
    if text.startswith("SELECT"):
        maybe(random, body, "ConsistentRead", [None, None, True])
        maybe(random, body, "Limit", [None, None, None, 1, 2])
    if values.mistaken(random, 0.02):
        body["Parameters"] = [*body.get("Parameters", []), {"S": "more"}]
    return step("ExecuteStatement", body, pages="NextToken")


def batch_execute(random, tables):
    """Reads or writes, on distinct keys most of the time."""
    reads = random.random() < 0.5
    statements = []
    # Of writes to one item in a batch, which it refuses, Local does the first.
    for key, table in keys_of(random, tables, can_repeat=reads):
        statement = Statement(random, table)
        text = f"SELECT * FROM {statement.quoted_table()} WHERE {statement.key_condition(key)}" if reads or values.mistaken(random, 0.03) else write(random, statement, key)
        statements.append(statement.members(text))
    body = {"Statements": statements}
    maybe(random, body, "ReturnConsumedCapacity", CAPACITY)
    return step("BatchExecuteStatement", body)


def write(random, statement, key):
    return random.choice([statement.insert, statement.update, statement.delete])(key)


def keys_of(random, tables, can_repeat=True):
    table = random.choice(tables)
    keys = [table.make_key(random) for _ in range(random.choice([1, 2, 3, 5]))]
    return [(key, table) for key in (keys if can_repeat and values.mistaken(random, 0.05) else distinct_keys(keys))]


def execute_transaction(random, tables):
    reads = random.random() < 0.4
    statements = []
    for key, table in keys_of(random, tables):
        statement = Statement(random, table)
        if reads:
            text = f"SELECT * FROM {statement.quoted_table()} WHERE {statement.key_condition(key)}"
        else:
            text = statement.exists(key) if random.random() < 0.15 else write(random, statement, key)
        statements.append(statement.members(text))
    body = {"TransactStatements": statements}
    maybe(random, body, "ReturnConsumedCapacity", CAPACITY)
    if random.random() < 0.1:
        body["ClientRequestToken"] = f"token-{random.randrange(4)}"
    return step("ExecuteTransaction", body)
