"""Tables as the generator knows them: key types, secondary indexes, projections, and the requests that make them."""
import copy
import dataclasses

import values

# Attributes beside the keys have one usual type each, so that conditions and updates mostly fit, and sometimes do not.
ATTRIBUTES = {"n": "N", "m": "N", "s": "S", "t": "S", "flag": "BOOL", "tags": "SS", "nums": "NS", "bins": "BS", "entries": "L", "doc": "M", "bin": "B"}
RESERVED = ["status", "name", "size", "year", "order", "count", "Data", "USER"]
INDEX_KEYS = {"gs": "S", "gn": "N", "gb": "B"}


@dataclasses.dataclass
class Index:
    name: str
    key: dict
    projection: dict
    is_local: bool = False


@dataclasses.dataclass
class Table:
    name: str
    key: dict
    indexes: list = dataclasses.field(default_factory=list)
    stream: str = None
    billing: str = "PAY_PER_REQUEST"
    # Of each key attribute the few values that this table's keys have mostly.
    domain: dict = dataclasses.field(default_factory=dict)

    @property
    def partition(self):
        return next(iter(self.key))

    @property
    def sort(self):
        return list(self.key)[1] if len(self.key) > 1 else None

    def types(self):
        """Types of all key attributes, the indexes' too."""
        found = dict(self.key)
        for index in self.indexes:
            found.update(index.key)
        return found

    @property
    def attributes(self):
        """Attributes beside the keys, and the type each has most of the time."""
        return ATTRIBUTES

    @property
    def map_members(self):
        return "xyz"

    def attribute_value(self, random, name):
        return values.of_type(random, ATTRIBUTES[name]) if name in ATTRIBUTES and random.random() < 0.8 else values.any_value(random)

    def key_value(self, random, name):
        if random.random() < 0.03 or name not in self.domain:
            return values.key(random, self.types()[name])
        return values.respelled(random, random.choice(self.domain[name]))

    def make_key(self, random):
        return {name: self.key_value(random, name) for name in self.key}

    def make_item(self, random):
        item = self.make_key(random)
        for name, kind in self.types().items():
            if name not in item and random.random() < 0.6:
                item[name] = values.key(random, kind)
        for name in random.sample(list(ATTRIBUTES), random.randrange(0, len(ATTRIBUTES))):
            item[name] = self.attribute_value(random, name)
        if random.random() < 0.1:
            item[random.choice(RESERVED)] = values.any_value(random)
        return item

    def create_request(self):
        body = {"TableName": self.name, "AttributeDefinitions": definitions(self.types()), "KeySchema": key_schema(self.key), "BillingMode": self.billing}
        throughput = {"ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}} if self.billing == "PROVISIONED" else {}
        body.update(throughput)
        for index in self.indexes:
            member = "LocalSecondaryIndexes" if index.is_local else "GlobalSecondaryIndexes"
            body.setdefault(member, []).append({**index_request(index), **({} if index.is_local else throughput)})
        if self.stream:
            body["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": self.stream}
        return copy.deepcopy(body)


def definitions(types):
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]


def key_schema(key):
    return [{"AttributeName": name, "KeyType": role} for name, role in zip(key, ["HASH", "RANGE"])]


def index_request(index):
    return {"IndexName": index.name, "KeySchema": key_schema(index.key), "Projection": index.projection}


def projection(random):
    kind = random.choice(["ALL", "ALL", "KEYS_ONLY", "INCLUDE"])
    return {"ProjectionType": kind, **({"NonKeyAttributes": random.sample(["n", "s", "doc", "tags"], 2)} if kind == "INCLUDE" else {})}


def global_index(random, number, table_key):
    """Its keys are attributes that not every item has; sometimes the table's own."""
    candidates = {**INDEX_KEYS, **table_key}
    names = random.sample(list(candidates), random.choice([1, 2, 2]))
    return Index(f"global{number}", {name: candidates[name] for name in names}, projection(random))


def local_index(random, number, table_key):
    partition = next(iter(table_key))
    sort = random.choice(["gs", "gn", "gb"])
    return Index(f"local{number}", {partition: table_key[partition], sort: INDEX_KEYS[sort]}, projection(random), True)


def random_table(random, name):
    key = {"pk": random.choice("SSSNNB")}
    if random.random() < 0.7:
        key["sk"] = random.choice("SSSNNB")
    indexes = [global_index(random, number, key) for number in range(random.choice([0, 1, 1, 2]))]
    if len(key) == 2:
        indexes += [local_index(random, number, key) for number in range(random.choice([0, 0, 1, 2]))]
    stream = random.choice([None, None, "KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES"])
    table = Table(name, key, indexes, stream, random.choice(["PAY_PER_REQUEST", "PAY_PER_REQUEST", "PROVISIONED"]))
    if table.sort:
        table.domain = {table.partition: values.some_keys(random, key[table.partition], 3)}
    return table


def add_mistake(random, table, item):
    """Makes an item that DynamoDB refuses, or that stands at a limit."""
    mistakes = [lambda: item.pop(table.partition), lambda: item.update({table.partition: {"BOOL": True}}), lambda: item.update({"n": values.wrong(random)}),
                lambda: item.update({table.partition: values.key_at_limit(random, table.key[table.partition], True)}),
                lambda: item.update({"deep": values.nested(random)}),
                lambda: item.update({"": {"S": "x"}})]
    if table.sort:
        mistakes += [lambda: item.update({table.sort: values.key_at_limit(random, table.key[table.sort], False)}), lambda: item.pop(table.sort)]
    others = [name for name in table.types() if name not in table.key]
    if others:
        mistakes += [lambda: item.update({random.choice(others): random.choice([{"BOOL": True}, {"S": ""}, {"B": ""}, {"N": "1"}, {"S": "k" * 2049},
                                                                                {"NULL": True}])})] * 2
    random.choice(mistakes)()
    return item


def large_item(random, table):
    """An item of 400 KB, give or take a byte."""
    item = {name: ({"S": "a"} if kind == "S" else {"B": "YQ=="} if kind == "B" else {"N": "1"}) for name, kind in table.key.items()}
    taken = sum(len(name) + (2 if kind == "N" else 1) for name, kind in table.key.items()) + len("big")
    return {**item, "big": values.large(random, taken)}
