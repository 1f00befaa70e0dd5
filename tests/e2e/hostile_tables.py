"""DynamoDB tables as nobody would make them and DynamoDB would take them, made from a seed.

Each table has its own mixture: names that mean something to SQL, YAML, templates or Landfall itself, keys with the delimiters that
templates are made of, kinds of items that look alike and kinds that do not, values at every limit, attributes that change type from item
to item. Keys are distinct as DynamoDB sees them; every item is one that DynamoDB stores.
"""
import base64
import json
import random
import string
from decimal import Decimal

NESTING_MAX = 31  # lists and maps in one another, the item's own map being the 32nd level
PARTITION_BYTES, SORT_BYTES, ITEM_BYTES = 2048, 1024, 300_000

SQL_WORDS = ["select", "user", "order", "table", "group", "check", "column", "default", "primary", "references", "null", "true", "end", "all",
             "ctid", "xmin", "oid", "tableoid", "public", "pg_catalog", "array", "position", "row", "value"]
OWN_WORDS = ["ddb_extra", "item", "h", "sk", "pk", "reason", "table_name", "landfall", "ddb_extra_2", "id", "parent_id", "data", "type", "key"]
YAML_WORDS = ["~", "yes", "no", "on", "- x", "a: b", "# c", "[x]", "*a", "&b", "!tag", "|", ">", "%s", "@", "`", "? q", "'", '"', "0x1", "1e3", ".inf", "<<"]
COLLIDING = ["fooBar", "foo_bar", "FooBar", "foo-bar", "foo bar", "foo.bar", "FOO_BAR", "foo__bar", "foo_bar_2", "foo bar ", "fooBar2", "foobar"]
TEMPLATE_TEXTS = ["{braces}", "{{x}}", "}", "{", "${x}", "$", "$$", "{a|lower}", "{a|optional}", "$_1", "#{x}", "|", "#", "{}", "\\{x\\}"]
UNICODE = ["\u202ertl", "شارع", "é", "e\u0301", "😀", "\u0000", "nul\u0000byte", "\u0001", "\t", "a\nb", "\u2028", "\ufeffbom", "ß", "İ", "名前", "\u200b", "\\u0041"]
INJECTIONS = ["'; DROP TABLE x; --", "\"; --", "$1", "\\", "\\.", "\\N", "a'b", 'a"b', "/* x */", "--", "%", "_", "COPY x FROM stdin"]
WORDS = ["USER", "ORDER", "acme", "globex", "initech", "Invoice", "line", "META", "profile", "PROFILE", "a", "z9", "tenant-one", "tenant_two", "v1"]
MARKERS = ["type", "entityName", "_et", "kind", "__typename", "Entity Type", "model"]
SEPARATORS = ["#", "|", ":", "/", "_", "$", "@", "##", "::", "-"]
NUMBERS = ["0", "-0", "0.0", "1", "1.0", "1E0", "100e-2", "-1", "12345678901234567890123456789012345678", "-0.00000000000000000000000000000000000001",
           "1E125", "9.9999999999999999999999999999999999999E+125", "-9.9999999999999999999999999999999999999E+125", "1E-130", "-1E-130", "2147483647",
           "2147483648", "-2147483649", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1700000000", "1700000000000", "00012",
           "0.1", "3.1400", "1e10", "253402300800", "-62135596801"]
TIMES = ["2024-02-29T12:00:00Z", "2024-02-29T12:00:00.000Z", "2024-02-29T12:00:00.123456Z", "2024-02-29T12:00:00+02:00", "2024-02-30T00:00:00Z", "2024-02-29",
         "0001-01-01", "9999-12-31T23:59:59.999Z", "2024-13-01", "2024-02-29 12:00:00", "2016-12-31T23:59:60Z", "+10000-01-01", "2024-02-29T24:00:00Z"]
UUIDS = ["00000000-0000-0000-0000-000000000000", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6", "f81d4fae7dec11d0a76500a0c91e6bf6"]


class HostileTable:
    """`items` (attribute maps in DynamoDB JSON), `key` ([(name, type), …]), `indexes` and `name`."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.name = self.table_name()
        self.items, self.seen = [], set()
        self.key = self.key_schema()
        self.marker = self.some(MARKERS) if self.chance(0.6) else None
        self.separator = self.some(SEPARATORS)
        self.indexes = [(f"gsi{n}", [(f"gsi{n}pk", "S")] + ([(f"gsi{n}sk", self.some("SN"))] if self.chance(0.6) else [])) for n in range(self.random.choice([0, 0, 1, 2]))]
        kinds = [Kind(self, number) for number in range(self.random.choice([1, 1, 2, 3, 5]))]
        for _ in range(self.random.choice([1, 3, 20, 60, 150, 250])):
            self.add(self.some(kinds).item())

    def chance(self, share):
        return self.random.random() < share

    def some(self, values):
        return self.random.choice(values)

    def table_name(self):
        return self.some(["things", "select", "My-Table", "a.b.c", "landfall", "public", "pg_catalog", "x" * 255, "_" * 3, "1st", "item", "Tab.le_2-x", "ddb_extra", "pg_toast", "user"])

    def key_schema(self):
        names = self.some([("pk", "sk"), ("PK", "SK"), ("id", "range"), ("user", "order"), ("ddb_extra", "item"), ("p{k}", "s|k"), ("#pk", "$sk"), ("h", "reason"), ("é", "名前"), ("a b", "a_b")])
        types = self.some(["S", "SS", "SS", "SS", "SN", "N", "NN", "B", "BS", "SB", "NS"])
        return list(zip(names, types))

    # --- names and values ---

    def attribute_name(self):
        pools = [SQL_WORDS, OWN_WORDS, YAML_WORDS, COLLIDING, COLLIDING, TEMPLATE_TEXTS, UNICODE, INJECTIONS]
        pick = self.random.random()
        if pick < 0.06:
            return "long" + "x" * self.some([59, 60, 200, 1000]) + self.some(["", "1", "2", "é"])
        if pick < 0.3:
            return self.some(["status", "createdAt", "total", "email", "isOpen", "tags", "payload", "tenantId", "userId", "amount", "note"])
        if pick < 0.35:
            return "".join(self.some(string.printable) for _ in range(self.random.randint(1, 12)))
        return self.some(self.some(pools))

    def text(self):
        pick = self.random.random()
        if pick < 0.15:
            return self.some(self.some([UNICODE, INJECTIONS, TEMPLATE_TEXTS, YAML_WORDS]))
        if pick < 0.25:
            return self.some(TIMES)
        if pick < 0.32:
            return self.some(UUIDS)
        if pick < 0.36:
            return self.some(["", " ", "x" * 3000, "null", "true", "12", "012", "1.0", "{}", "[]", '{"S":"x"}'])
        if pick < 0.6:
            return self.some(WORDS)
        return f"{self.some(WORDS)}{self.some(SEPARATORS)}{self.random.randint(0, 99)}"

    def number(self):
        pick = self.random.random()
        if pick < 0.4:
            return self.some(NUMBERS)
        if pick < 0.5:
            return str(self.random.randint(-10 ** 37, 10 ** 37))
        if pick < 0.6:
            return f"{self.random.randint(1, 10 ** 20)}.{self.random.randint(0, 10 ** 16)}"
        return str(self.random.randint(0, 500))

    def binary(self):
        size = self.some([1, 2, 16, 300])
        return base64.b64encode(self.some([bytes(size), b"\xff" * size, self.random.randbytes(size)])).decode()

    def nested(self, depth):
        value = self.scalar()
        for level in range(depth):
            value = {"L": [value]} if (level + depth) % 3 == 0 else {"M": {self.attribute_name(): value}}
        return value

    def scalar(self):
        return self.some([lambda: {"S": self.text()}, lambda: {"N": self.number()}, lambda: {"B": self.binary()}, lambda: {"BOOL": self.chance(0.5)},
                          lambda: {"NULL": True}])()

    def set_of(self, kind):
        make = {"SS": self.text, "NS": self.number, "BS": self.binary}[kind]
        members = {}
        for _ in range(self.random.randint(1, 6)):
            member = make()
            members.setdefault(Decimal(member) if kind == "NS" else member, member)
        return {kind: list(members.values())}

    def document(self, depth):
        pick = self.random.random()
        if depth == 0 or pick < 0.4:
            return self.scalar()
        if pick < 0.5:
            return self.set_of(self.some(["SS", "NS", "BS"]))
        if pick < 0.75:
            return {"L": [self.document(depth - 1) for _ in range(self.random.randint(0, 4))]}
        return {"M": {self.attribute_name(): self.document(depth - 1) for _ in range(self.random.randint(0, 4))}}

    # --- keys ---

    def key_value(self, kind, is_sort, text):
        if kind == "N":
            return {"N": self.number()}
        if kind == "B":
            return {"B": self.binary()}
        limit = SORT_BYTES if is_sort else PARTITION_BYTES
        if self.chance(0.02):
            text += "é" + "k" * limit
        if self.chance(0.01):
            text = "\U0001f600" * (limit // 4)
        return {"S": cut(text or "-", limit)}

    def add(self, item):
        identity = tuple(identity_of(item[name]) for name, _ in self.key)
        if identity not in self.seen and len(json.dumps(item)) < ITEM_BYTES:
            self.seen.add(identity)
            self.items.append(item)

    # --- files ---

    def definition(self):
        attributes = dict(self.key)
        for _, key in self.indexes:
            attributes.update(key)
        schema = lambda key: [{"AttributeName": name, "KeyType": role} for (name, _), role in zip(key, ["HASH", "RANGE"])]
        table = {"TableName": self.name, "KeySchema": schema(self.key),
                 "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in attributes.items()]}
        if self.indexes:
            table["GlobalSecondaryIndexes"] = [{"IndexName": name, "KeySchema": schema(key)} for name, key in self.indexes]
        return json.dumps({"Table": table})

    def lines(self):
        ascii_only = self.chance(0.5)
        return [json.dumps({"Item": item}, separators=(",", ":"), ensure_ascii=ascii_only) for item in self.items]


class Kind:
    """Items of one shape: a template for each text of the key, attributes with a maker each."""

    def __init__(self, table, number):
        self.table = table
        self.name = table.some([f"Kind{number}", table.some(WORDS), table.some(SQL_WORDS), table.some(UNICODE + TEMPLATE_TEXTS), "same"])
        names = [table.attribute_name() for _ in range(table.random.randint(0, 10))]
        self.attributes = {name: self.maker() for name in names if name and name not in dict(table.key) and not name.startswith("gsi")}
        self.templates = [self.template() for _ in range(2)]
        self.optional = table.random.random() * 0.4
        self.mixes = table.chance(0.3)

    def maker(self):
        """A type that all have, mostly; now and then another one (item)."""
        table = self.table
        return table.some([
            lambda: {"S": table.text()}, lambda: {"S": table.some(WORDS)}, lambda: {"S": table.some(UUIDS[:2])}, lambda: {"S": table.some(TIMES[:2])},
            lambda: {"N": table.number()}, lambda: {"N": str(table.random.randint(0, 9))}, lambda: {"BOOL": table.chance(0.5)}, lambda: {"B": table.binary()},
            lambda: table.set_of("SS"), lambda: table.set_of("NS"), lambda: table.set_of("BS"), lambda: table.document(3), lambda: table.document(2),
            lambda: {"L": [{"M": {"sku": {"S": table.text()}, "n": {"N": table.number()}}} for _ in range(table.random.randint(0, 3))]},
            lambda: table.nested(table.some([5, NESTING_MAX - 1, NESTING_MAX])), lambda: {"NULL": True}, table.scalar])

    def template(self):
        """Literals and variables: the names of attributes, or things that stand in the key alone."""
        table = self.table
        parts = []
        for _ in range(table.random.randint(1, 3)):
            parts.append(table.some([("literal", table.some(WORDS)), ("literal", self.name), ("literal", table.some(TEMPLATE_TEXTS)), ("literal", ""), ("tenant", None), ("number", None),
                                     ("attribute", table.some(list(self.attributes))) if self.attributes else ("number", None), ("any", None)]))
        if all(kind == "literal" for kind, _ in parts) and table.chance(0.9):
            parts.append(("number", None))
        return parts

    def text_of(self, template, item):
        table = self.table
        texts = []
        for kind, what in template:
            value = item.get(what) or {}
            texts.append({"literal": lambda: what, "tenant": lambda: table.some(WORDS), "number": lambda: str(table.random.randint(0, 400)), "any": table.text,
                          "attribute": lambda: str(value.get("S", value.get("N", "")))}[kind]())
        return table.separator.join(texts)

    def item(self):
        table = self.table
        item = {name: make() for name, make in self.attributes.items() if not table.chance(self.optional)}
        if self.mixes and item and table.chance(0.2):
            item[table.some(list(item))] = table.document(2)
        if table.chance(0.03):
            item[table.attribute_name()] = table.document(4)
        if table.marker and table.chance(0.98):
            item[table.marker] = {"S": self.name} if table.chance(0.99) else table.scalar()
        for number, (name, kind) in enumerate(table.key):
            item[name] = table.key_value(kind, number == 1, self.text_of(self.templates[number], item))
        for _, key in table.indexes:
            for name, kind in key:
                item.pop(name, None)
                if table.chance(0.7) and name not in dict(table.key):
                    item[name] = table.key_value(kind, False, table.text())
        return item


def cut(text, limit):
    return text.encode()[:limit].decode(errors="ignore")


def identity_of(value):
    (kind, content), = value.items()
    return (kind, Decimal(content)) if kind == "N" else (kind, content)
