"""Tables and items of the relational store, made from a map: items that fit its entities, and items that almost do.

The map alone says what fits: each column gives an attribute of its type and codec, from few values, and templates give the keys. docs/map.md is the reference."""
import dataclasses
import pathlib
import re

import yaml

import schema
import sequence
import tables
import values

FOLDER = pathlib.Path(__file__).resolve().parent / "maps"
MAPS = sorted(path.stem for path in FOLDER.glob("*.yaml"))
MISFIT = 0.06

TIMES = ["2024-01-02T03:04:05", "2024-12-31T23:59:59", "1969-07-20T20:17:40"]
UUIDS = ["0b8e5a4e-6c0f-4d55-9a32-0a4a1f8f9f01", "0b8e5a4e-6c0f-4d55-9a32-0a4a1f8f9f02", "ffffffff-ffff-4fff-bfff-ffffffffffff"]
TEXTS = ["a", "B", "c1", "é#1"]
# By codec: what a column holds.
FITTING = {
    "text": [{"S": text} for text in TEXTS], "uuid": [{"S": text} for text in UUIDS], "date": [{"S": "2024-02-29"}, {"S": "1999-12-31"}],
    "boolean": [{"BOOL": True}, {"BOOL": False}],
    "iso8601": [{"S": time + "Z"} for time in TIMES], "iso8601_ms": [{"S": time + ".678Z"} for time in TIMES],
    "iso8601_us": [{"S": time + ".678901Z"} for time in TIMES],
    "epoch_s": [{"N": "1704164645"}, {"N": "0"}, {"N": "-5"}], "epoch_ms": [{"N": "1704164645678"}, {"N": "0"}],
    "bytea": [{"B": "YQ=="}, {"B": "AAE="}, {"B": "/w=="}],
    "integer": [{"N": "1"}, {"N": "2"}, {"N": "2147483647"}, {"N": "-3"}], "bigint": [{"N": "1"}, {"N": "2"}, {"N": "9223372036854775807"}, {"N": "-3"}],
    "numeric": [{"N": "1"}, {"N": "1.5"}, {"N": "2"}, {"N": "9" * 38}, {"N": "1E-130"}], "string": [{"S": "12"}, {"S": "0"}, {"S": "-7"}],
    "json": [{"M": {"x": {"S": "a"}, "y": {"N": "1"}}}, {"L": [{"N": "1"}, {"NULL": True}, {"M": {}}]}, {"M": {}}],
    "text[] set": [{"SS": ["a", "b"]}, {"SS": ["b"]}], "numeric[] set": [{"NS": ["1", "2.5"]}, {"NS": ["10"]}],
    "bytea[] set": [{"BS": ["YQ=="]}, {"BS": ["YQ==", "YWI="]}],
    "text[] list": [{"L": [{"S": "a"}, {"S": "b"}]}, {"L": []}]}
# Values of the column's own kind that it does not hold, and so must be kept elsewhere.
ALMOST = {
    "text": [{"S": "x\u0000y"}, {"S": ""}, {"S": "k" * 2700}], "uuid": [{"S": UUIDS[0].upper()}, {"S": "{" + UUIDS[0] + "}"}, {"S": ""}],
    "date": [{"S": "2023-02-29"}, {"S": "2024-2-9"}],
    "iso8601": [{"S": TIMES[0]}, {"S": TIMES[0] + ".000Z"}, {"S": "2024-01-02T03:04:60Z"}], "iso8601_ms": [{"S": TIMES[0] + "Z"}, {"S": TIMES[0] + ".678+00:00"}],
    "iso8601_us": [{"S": TIMES[0] + "Z"}], "epoch_s": [{"N": "1.5"}, {"N": "1E30"}], "epoch_ms": [{"N": "0.001"}, {"N": "1E40"}],
    "integer": [{"N": "2147483648"}, {"N": "1.5"}],
    "bigint": [{"N": "9223372036854775808"}, {"N": "0.5"}], "string": [{"S": "007"}, {"S": "1.50"}, {"S": "+1"}],
    "json": [{"M": {"b": {"B": "YQ=="}}}, {"L": [{"SS": ["a"]}]}, {"M": {"u": {"S": "\u0000"}}}],
    "text[] list": [{"L": [{"N": "1"}]}, {"SS": ["a"]}], "text[] set": [{"SS": ["a", "\u0000"]}, {"L": [{"S": "a"}]}]}
DEFAULT_CODEC = {"timestamptz": "iso8601", "jsonb": "json", "text[]": "set", "numeric[]": "set", "bytea[]": "set"}


def codec_of(column):
    codec = column.get("codec") or DEFAULT_CODEC.get(column["type"], column["type"])
    return f"{column['type']} {codec}" if column["type"].endswith("[]") else codec


def text_of(value):
    """What a template writes for a value; None where it has nothing to write."""
    content = value and (value.get("S") or value.get("N"))
    return content if isinstance(content, str) else None


def constant(value):
    return value if isinstance(value, dict) else {"S": value}


@dataclasses.dataclass
class Entity:
    name: str
    match: dict
    templates: dict
    columns: dict
    lists: dict

    @classmethod
    def read(cls, name, entity):
        lists = {child["attr"]: list(child["columns"].values()) for child in entity.get("children", {}).values()}
        return cls(name, entity.get("match", {}), {**entity["key"], **entity.get("keys", {})}, entity["columns"], lists)

    def plain_columns(self):
        return {name: column for name, column in self.columns.items() if "flatten" not in column}

    # ---- items ----

    def make(self, random, is_exact=False):
        """An item; not exact, some of its attributes are absent or do not fit."""
        item = {name: constant(value) for name, value in self.match.items()}
        for column in self.columns.values():
            if is_exact or column.get("null") is False or random.random() < 0.7:
                item[column["attr"]] = self.column_value(random, column, is_exact)
        for attribute, columns in self.lists.items():
            if random.random() < 0.5:
                item[attribute] = {"L": [self.element(random, columns, is_exact) for _ in range(random.randrange(4))]}
        item.update(self.keys(item))
        return item

    def column_value(self, random, column, is_exact):
        if "flatten" in column:
            return {"M": {entry["attr"]: self.column_value(random, entry, is_exact) for entry in column["flatten"].values() if random.random() < 0.8}}
        if "check" in column and (is_exact or random.random() > MISFIT):
            return {"S": random.choice(column["check"])}
        codec = codec_of(column)
        if is_exact or random.random() > MISFIT:
            return random.choice(FITTING[codec])
        return random.choice(ALMOST.get(codec, [])) if codec in ALMOST and random.random() < 0.7 else values.any_value(random)

    def element(self, random, columns, is_exact):
        return {"M": {column["attr"]: self.column_value(random, column, is_exact) for column in columns}}

    def keys(self, item):
        """The attributes that templates make: absent when a variable is, unless that is optional."""
        found = {}
        for attribute, template in self.templates.items():
            if re.fullmatch(r"\{\w+\}", template) and self.columns[template[1:-1]]["attr"] == attribute:
                continue
            text = self.fill(template, item)
            if text is not None:
                found[attribute] = {"S": text}
        return found

    def fill(self, template, item):
        pieces = []
        for text, variable, filters in re.findall(r"([^{}]+)|\{(\w+)((?:\|\w+)*)\}", template):
            written = text or text_of(item.get(self.columns[variable]["attr"]))
            if written is None and "optional" not in filters:
                return None
            pieces.append((written or "").lower() if "lower" in filters else written or "")
        return "".join(pieces)

    def attribute_kinds(self):
        kinds = {column["attr"]: next(iter(FITTING[codec_of(column)][0])) for column in self.plain_columns().values()}
        kinds.update({column["attr"]: "M" for column in self.columns.values() if "flatten" in column})
        kinds.update({attribute: "L" for attribute in self.lists})
        return {**kinds, **{name: next(iter(constant(value))) for name, value in self.match.items()}}


class MappedTable(schema.Table):
    """A table of a map: its items are those of its entities."""

    def __init__(self, name, described):
        indexes = [schema.Index(index, key, {"ProjectionType": "ALL"}) for index, key in described.get("indexes", {}).items()]
        indexes += [schema.Index(index, key, {"ProjectionType": "ALL"}, True) for index, key in described.get("local_indexes", {}).items()]
        super().__init__(name, described["key"], indexes)
        self.entities = [Entity.read(entity, body) for entity, body in described["entities"].items()]
        self.kinds = {name: kind for entity in self.entities for name, kind in entity.attribute_kinds().items() if name not in self.key}

    @property
    def attributes(self):
        return {**self.kinds, "n": "N", "s": "S"}

    @property
    def map_members(self):
        return ["x", "y", "street", "city"]

    def attribute_value(self, random, name):
        """One that some entity has, or the word that tells entities apart."""
        roll = random.random()
        holders = [entity for entity in self.entities if name in entity.attribute_kinds()]
        if roll < 0.8 and holders:
            return random.choice(holders).make(random).get(name) or values.any_value(random)
        return values.of_type(random, self.attributes[name]) if name in self.attributes and roll < 0.95 else values.any_value(random)

    def key_value(self, random, name):
        for _ in range(5):
            made = random.choice(self.entities).make(random, is_exact=True).get(name)
            if made is not None:
                return values.respelled(random, made)
        return values.key(random, self.types()[name])

    def make_key(self, random):
        """The key of one entity, so that its parts belong together; now and then parts of two."""
        if random.random() < 0.05:
            return {name: self.key_value(random, name) for name in self.key}
        item = random.choice(self.entities).make(random, is_exact=True)
        return {name: values.respelled(random, item[name]) for name in self.key}

    def make_item(self, random):
        """Mostly an entity's item as it should be; else one of other types, with keys of another, with more or fewer attributes."""
        roll = random.random()
        item = random.choice(self.entities).make(random, is_exact=roll < 0.3)
        if roll > 0.92:
            item.update(self.make_key(random))
        if roll > 0.8:
            item[random.choice(["n", "s", "extra"])] = values.any_value(random)
        if 0.7 < roll < 0.8:
            item.pop(random.choice(list(item)))
        for name in self.key:
            if name not in item or self.key[name] not in item[name] or item[name] == {"S": ""}:
                item[name] = self.key_value(random, name)
        return item


ONE_TABLE = [entry for entry in sequence.ONE_TABLE if entry[1] not in (tables.update_table, tables.time_to_live, tables.tag, tables.stream_mistake)]


class Profile:
    """Sequences on the tables of one map, which stay; each sequence begins with none of their items."""

    def __init__(self, name):
        self.name, self.map_file = name, FOLDER / f"{name}.yaml"
        self.tables = [MappedTable(table, body) for table, body in yaml.safe_load(self.map_file.read_text())["tables"].items()]

    def make(self, seed, number, length):
        random = sequence.generator(f"{seed} {self.name}", number)
        steps = []
        while len(steps) < length - 3 * len(self.tables):
            steps.append(sequence.one_step(random, self.tables, ONE_TABLE))
        return steps + list(sequence.closing_steps(self.tables))

    def begin(self, pair):
        for table in self.tables:
            pair.require_table(table.create_request())
            pair.empty_table(table.name, table.key)


