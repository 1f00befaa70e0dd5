"""Operations on tables: making, changing, describing and dropping them, right and wrong; time to live, tags, limits, streams."""
import copy

import schema
from operations import step


def create_table(table):
    return step("CreateTable", table.create_request())


def wrong_create(random, table):
    """A CreateTable request with one mistake."""
    body = table.create_request()
    body["TableName"] = "other"
    global_indexes, local_indexes = body.get("GlobalSecondaryIndexes"), body.get("LocalSecondaryIndexes")
    ways = [lambda: body.pop("KeySchema"), lambda: body.pop("AttributeDefinitions"),
            lambda: body["AttributeDefinitions"].append({"AttributeName": "unused", "AttributeType": "S"}),
            lambda: body["AttributeDefinitions"].pop(), lambda: body.update(TableName=random.choice(["ab", "", "a" * 256, "with space", "ünicode", "a/b"])),
            lambda: body["KeySchema"].append({"AttributeName": "third", "KeyType": "RANGE"}), lambda: body.update(KeySchema=[]),
            lambda: body.update(BillingMode="FREE"),
            lambda: body["AttributeDefinitions"][0].update(AttributeType="BOOL"), lambda: body["KeySchema"][0].update(KeyType="RANGE"),
            lambda: body["KeySchema"][0].update(KeyType="SORT"),
            lambda: body.update(BillingMode="PROVISIONED"), lambda: body.update(ProvisionedThroughput={"ReadCapacityUnits": random.choice([0, 1]),
                "WriteCapacityUnits": 0}),
            lambda: body.update(StreamSpecification={"StreamEnabled": True}),
            lambda: body.update(StreamSpecification={"StreamEnabled": False, "StreamViewType": "NEW_IMAGE"}),
            lambda: body.update(StreamSpecification={"StreamEnabled": True, "StreamViewType": "SOME"}), lambda: body.update(GlobalSecondaryIndexes=[]),
            lambda: body.update(LocalSecondaryIndexes=[]),
            lambda: body["AttributeDefinitions"].append(copy.deepcopy(body["AttributeDefinitions"][0])), lambda: body.update(TableName=table.name)]
    for indexes in filter(None, (global_indexes, local_indexes)):
        ways += [lambda indexes=indexes: indexes.append(copy.deepcopy(indexes[0])), lambda indexes=indexes: indexes[0].update(IndexName="i"),
                 lambda indexes=indexes: indexes[0].pop("Projection"),
                 lambda indexes=indexes: indexes[0].update(Projection={"ProjectionType": "INCLUDE"}), lambda indexes=indexes: indexes[0].update(Projection={}),
                 lambda indexes=indexes: indexes[0].update(Projection={"ProjectionType": "ALL", "NonKeyAttributes": ["a"]}),
                 lambda indexes=indexes: indexes[0].pop("KeySchema"),
                 lambda indexes=indexes: indexes[0]["KeySchema"][0].update(AttributeName="undefined"),
                 lambda indexes=indexes: indexes[0].update(Projection={"ProjectionType": "INCLUDE", "NonKeyAttributes": [f"a{n}" for n in range(101)]})]
    if local_indexes:
        ways.append(lambda: local_indexes[0]["KeySchema"].pop())
    random.choice(ways)()
    return step("CreateTable", body)


def add_index(random, table):
    """UpdateTable with a new index, which the table has from then on."""
    index = schema.global_index(random, next(n for n in range(9) if f"global{n}" not in [index.name for index in table.indexes]), table.key)
    table.indexes.append(index)
    request = schema.index_request(index)
    if table.billing == "PROVISIONED":
        request["ProvisionedThroughput"] = {"ReadCapacityUnits": 2, "WriteCapacityUnits": 2}
    return step("UpdateTable", {"TableName": table.name, "AttributeDefinitions": schema.definitions(table.types()),
                                "GlobalSecondaryIndexUpdates": [{"Create": request}]})


def droppable(table):
    """Global indexes on attributes of their own: DynamoDB Local never ends dropping one on the table's key."""
    return [index for index in table.indexes if not index.is_local and not index.key.keys() & table.key.keys()]


def drop_index(random, table):
    index = random.choice(droppable(table))
    table.indexes.remove(index)
    return step("UpdateTable", {"TableName": table.name, "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": index.name}}]})


def update_table(random, table):
    global_count = sum(not index.is_local for index in table.indexes)
    roll = random.random()
    if roll < 0.12 and global_count < 3:
        return add_index(random, table)
    if roll < 0.2 and droppable(table):
        return drop_index(random, table)
    return other_update(random, table)


def other_update(random, table):
    body = {"TableName": table.name}
    roll = random.random()
    if roll < 0.15:
        body["StreamSpecification"] = {"StreamEnabled": False} if table.stream else {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
        table.stream = None if table.stream else "NEW_AND_OLD_IMAGES"
    elif roll < 0.3:
        body["DeletionProtectionEnabled"] = False
    else:
        body.update(random.choice([
            {}, {"TableName": "missing", "BillingMode": "PAY_PER_REQUEST"}, {"BillingMode": table.billing}, {"BillingMode": "FREE"},
            {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "missing"}}]}, {"GlobalSecondaryIndexUpdates": []}, {"GlobalSecondaryIndexUpdates": [{}]},
            {"StreamSpecification": {"StreamEnabled": bool(table.stream), **({"StreamViewType": "NEW_IMAGE"} if table.stream else {})}},
            {"ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}},
            {"ProvisionedThroughput": {"ReadCapacityUnits": 0, "WriteCapacityUnits": 5}},
            {"GlobalSecondaryIndexUpdates": [{"Create": {"IndexName": "newone", "KeySchema": [{"AttributeName": "undefined", "KeyType": "HASH"}],
                                                         "Projection": {"ProjectionType": "ALL"}}}]}]))
    return step("UpdateTable", body)


def describe(random, table):
    return random.choice([
        lambda: step("DescribeTable", {"TableName": table.name}), lambda: step("DescribeTable", {"TableName": table.name}),
        lambda: step("DescribeTable", {"TableName": "missing"}),
        lambda: step("DescribeTimeToLive", {"TableName": table.name}), lambda: step("DescribeLimits", {}),
        lambda: step("ListTables", random.choice([{}, {"Limit": 1}, {"ExclusiveStartTableName": table.name}, {"ExclusiveStartTableName": "t"}, {"Limit": 100},
                                                  {"Limit": 0}, {"Limit": 101}])),
        lambda: step("DescribeContinuousBackups", {"TableName": table.name}), lambda: step("DeleteTable", {"TableName": "missing"}),
        lambda: step("NoSuchOperation", {}), lambda: step("ListStreams", {"TableName": table.name})])()


def time_to_live(random, table):
    return step("UpdateTimeToLive", {"TableName": table.name, "TimeToLiveSpecification": random.choice([
        {"Enabled": True, "AttributeName": "expires"}, {"Enabled": False, "AttributeName": "expires"}, {"Enabled": True, "AttributeName": ""},
        {"Enabled": True}, {"Enabled": True, "AttributeName": "other"}])})


def tag(random, table):
    arn = f"arn:aws:dynamodb:us-east-1:000000000000:table/{table.name}"
    return random.choice([lambda: step("TagResource", {"ResourceArn": arn, "Tags": [{"Key": random.choice("ab"), "Value": random.choice("xyz")}]}),
                          lambda: step("UntagResource", {"ResourceArn": arn, "TagKeys": ["a"]}), lambda: step("ListTagsOfResource", {"ResourceArn": arn})])()


def read_stream(_, table):
    """All records of the table's stream; the runner knows how to get there."""
    return {"call": "stream", "body": {"TableName": table.name}}


def stream_mistake(random, table):
    arn = f"arn:aws:dynamodb:us-east-1:000000000000:table/{table.name}/stream/2020-01-01T00:00:00.000"
    shard = "shardId-00000000000000000000-00000000"
    return random.choice([
        lambda: step("DescribeStream", {"StreamArn": arn}), lambda: step("DescribeStream", {}), lambda: step("GetRecords", {"ShardIterator": "nonsense"}),
        lambda: step("GetRecords", {}),
        lambda: step("GetShardIterator", {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}),
        lambda: step("GetShardIterator", {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "SOMEWHERE"}), lambda: step("ListStreams", {"Limit": 0})])()
