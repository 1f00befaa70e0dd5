"""Texts that would break out of SQL, sent wherever a request holds one: names, paths, values, tags, tokens, statements; in both stores. And more clients than there is
room for: they are told to come again, and those that are in are answered."""
import base64
import concurrent.futures
import statistics
import time

from gateway import *
from harness import *

HOSTILE = [
    "'; DROP TABLE public.canary; --", '"; DROP TABLE public.canary; --', "'); DELETE FROM public.canary; SELECT ('", "' OR '1'='1", "\\'; DROP TABLE public.canary; --",
    "$$; DROP TABLE public.canary; $$", "$1", "$1::text", "%s%n%1$s", "{}", '{"a","b"}', '",NULL,"', "NULL", "}'::text[]; --", "E'\\047", "U&'\\0027'", "\\x00", "\\", "'", '"',
    "'||pg_sleep(5)||'", "*/ DROP TABLE public.canary; /*", "a\nDROP TABLE public.canary;\n", "ʼ; DROP TABLE public.canary; --", "\ufeff'", "\x01\x1f\x7f'"]
ONLY_ITEM_STORE = ["nul\0'; DROP TABLE public.canary; --"]  # the relational store keeps it too, but in no column
STATUS_OURS = 500


def quoted(text, quote):
    return quote + text.replace(quote, quote * 2) + quote


class SafetyCase(DatabaseCase):
    def setUp(self):
        super().setUp()
        self.sql("CREATE TABLE public.canary (here int); INSERT INTO public.canary VALUES (1)")

    def serve(self, *options):
        self.gateway = Gateway(*options, environment=self.environment)
        self.addCleanup(self.gateway.stop)
        self.record = Record()
        self.addCleanup(self.record.check)
        self.client = Client(self.gateway, self.record)
        self.addCleanup(self.client.close)

    def make_table(self, name, partition="pk", sort=None, **more):
        names = [partition, *([sort] if sort else []), *more.pop("indexed", [])]
        self.client.ask("CreateTable", TableName=name, BillingMode="PAY_PER_REQUEST",
                        KeySchema=[{"AttributeName": each, "KeyType": kind} for each, kind in zip([partition, sort], ("HASH", "RANGE")) if each],
                        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in dict.fromkeys(names)], **more)
        while self.client.ask("DescribeTable", TableName=name)["Table"]["TableStatus"] != "ACTIVE":
            time.sleep(0.02)

    def call(self, operation, **body):
        """An answer that is not our fault, whatever it says."""
        answer = self.client.call(operation, body)
        self.assertLess(answer.status, STATUS_OURS, f"{operation} {body}: {answer.body}")
        return answer

    def refuse(self, operation, **body):
        answer = self.call(operation, **body)
        self.assertEqual(answer.status, 400, f"{operation} {body}: {answer.body}")

    def unharmed(self, tables):
        self.assertEqual(self.sql("SELECT sum(here) FROM public.canary"), "1")
        self.assertEqual(sorted(self.client.ask("ListTables")["TableNames"]), sorted(tables))
        self.assertEqual(self.gateway.log(), "")


class Injection(SafetyCase):
    def setUp(self):
        super().setUp()
        self.serve()
        self.make_table("things", StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})

    def test_names_of_tables(self):
        key = {"pk": {"S": "a"}}
        for text in HOSTILE + ONLY_ITEM_STORE:
            if text == "NULL":
                continue  # a name like any other
            for name in (text, f"things{text}", f"arn:aws:dynamodb:us-east-1:000000000000:table/{text}"):
                self.refuse("GetItem", TableName=name, Key=key)
                self.refuse("PutItem", TableName=name, Item=key)
                self.refuse("Scan", TableName=name)
                self.refuse("BatchGetItem", RequestItems={name: {"Keys": [key]}})
                self.refuse("TransactWriteItems", TransactItems=[{"Put": {"TableName": name, "Item": key}}])
                self.refuse("CreateTable", TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}])
                self.refuse("DescribeTable", TableName=name)
                self.refuse("DeleteTable", TableName=name)
                self.refuse("DescribeTimeToLive", TableName=name)
                self.call("ListTables", ExclusiveStartTableName=name)
                self.refuse("ExecuteStatement", Statement=f"SELECT * FROM {quoted(name, chr(34))}")
            self.refuse("Query", TableName="things", IndexName=text, KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": "a"}})
            self.refuse("UpdateTable", TableName="things", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": text}}])
        self.unharmed(["things"])

    def test_names_of_attributes(self):
        """As keys of a table and of its index, in items, and by every way of naming a path."""
        for number, text in enumerate(HOSTILE):
            other, table = f"{text}2", f"named{number}"
            self.make_table(table, text, other, indexed=[other, text], GlobalSecondaryIndexes=[
                {"IndexName": "back", "KeySchema": [{"AttributeName": other, "KeyType": "HASH"}, {"AttributeName": text, "KeyType": "RANGE"}],
                 "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": [f"{text}3"]}}])
            key, names = {text: {"S": text}, other: {"S": text}}, {"#k": text, "#o": other, "#m": f"{text}3"}
            self.client.ask("PutItem", TableName=table, Item=key)
            self.client.ask("UpdateItem", TableName=table, Key=key, UpdateExpression="SET #m = :m", ConditionExpression="attribute_exists(#k) AND NOT contains(#o, :no)",
                            ExpressionAttributeNames=names, ExpressionAttributeValues={":m": {"M": {text: {"L": [{"S": text}]}}}, ":no": {"S": "never"}})
            self.client.ask("UpdateItem", TableName=table, Key=key, UpdateExpression="SET #m.#k[1] = :v",
                            ExpressionAttributeNames={"#m": f"{text}3", "#k": text}, ExpressionAttributeValues={":v": {"SS": [text]}})
            item = {**key, f"{text}3": {"M": {text: {"L": [{"S": text}, {"SS": [text]}]}}}}
            self.assertEqual(self.client.ask("GetItem", TableName=table, Key=key), {"Item": item})
            found = self.client.ask("Query", TableName=table, IndexName="back", KeyConditionExpression="#o = :t AND begins_with(#k, :t)", FilterExpression="size(#m) = :one",
                                    ExpressionAttributeNames=names, ExpressionAttributeValues={":t": {"S": text}, ":one": {"N": "1"}})
            self.assertEqual(found["Items"], [item])
            self.client.ask("UpdateTimeToLive", TableName=table, TimeToLiveSpecification={"AttributeName": f"{text}4", "Enabled": True})
            self.client.ask("DeleteItem", TableName=table, Key=key)
            self.client.ask("DeleteTable", TableName=table)
        while len(self.client.ask("ListTables")["TableNames"]) > 1:
            time.sleep(0.02)
        self.unharmed(["things"])

    def test_values(self):
        items = []
        for text in HOSTILE + ONLY_ITEM_STORE:
            binary = base64.b64encode(text.encode()).decode()
            items.append({"pk": {"S": text}, "s": {"S": text}, "b": {"B": binary}, "ss": {"SS": [text]}, "bs": {"BS": [binary]}, "l": {"L": [{"S": text}]}, "m": {"M": {text: {"S": text}}}})
        self.client.ask("BatchWriteItem", RequestItems={"things": [{"PutRequest": {"Item": item}} for item in items[:25]]})
        for item in items[25:]:
            self.client.ask("PutItem", TableName="things", Item=item)
        for item in items:
            key = {"pk": item["pk"]}
            self.assertEqual(self.client.ask("GetItem", TableName="things", Key=key), {"Item": item})
            self.assertEqual(self.client.ask("Scan", TableName="things", FilterExpression="s = :s", ExpressionAttributeValues={":s": item["s"]})["Items"], [item])
            self.client.ask("TransactWriteItems", TransactItems=[{"Update": {"TableName": "things", "Key": key, "UpdateExpression": "SET s = :s, t = :s",
                                                                            "ConditionExpression": "s = :s", "ExpressionAttributeValues": {":s": item["s"]}}}])
            self.assertEqual(self.client.ask("DeleteItem", TableName="things", Key=key, ReturnValues="ALL_OLD")["Attributes"], {**item, "t": item["s"]})
            self.refuse("PutItem", TableName="things", Item={"pk": {"N": item["s"]["S"]}})
            self.refuse("PutItem", TableName="things", Item={"pk": {"S": "n"}, "n": {"N": item["s"]["S"]}})
        self.assertEqual(self.client.ask("Scan", TableName="things")["Items"], [])
        self.assertEqual(self.records(), [[item for item in items for _ in range(2)], len(items) * 3])
        self.unharmed(["things"])

    def records(self):
        """The images that were there, of the first two changes of each key in order, and how many records there are."""
        arn = self.client.ask("DescribeTable", TableName="things")["Table"]["LatestStreamArn"]
        shards = self.client.ask("DescribeStream", StreamArn=arn)["StreamDescription"]["Shards"]
        deadline, records = time.monotonic() + SECONDS_MAX, []
        while len(records) < 3 * len(HOSTILE + ONLY_ITEM_STORE) and time.monotonic() < deadline:
            records = []
            for shard in shards:
                iterator = self.client.ask("GetShardIterator", StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
                records += [record["dynamodb"] for record in self.client.ask("GetRecords", ShardIterator=iterator)["Records"]]
        by_key = {text: [record for record in records if record["Keys"]["pk"]["S"] == text] for text in HOSTILE + ONLY_ITEM_STORE}
        return [[image for each in by_key.values() for image in (each[0]["NewImage"], each[1]["OldImage"])], len(records)]

    def test_expressions_statements_tokens_and_tags(self):
        key, arn = {"pk": {"S": "a"}}, self.client.ask("DescribeTable", TableName="things")["Table"]["TableArn"]
        self.client.ask("PutItem", TableName="things", Item=key)
        for text in HOSTILE + ONLY_ITEM_STORE:
            self.call("UpdateItem", TableName="things", Key=key, UpdateExpression=f"SET x = {text}")
            self.call("PutItem", TableName="things", Item=key, ConditionExpression=f"pk = {text}")
            self.call("Scan", TableName="things", FilterExpression=text, ProjectionExpression=text)
            self.call("Query", TableName="things", KeyConditionExpression=f"pk = :p {text}", ExpressionAttributeValues={":p": {"S": "a"}})
            self.call("ExecuteStatement", Statement=text)
            self.call("ExecuteStatement", Statement=f"SELECT * FROM things WHERE pk = {text}")
            self.call("ExecuteStatement", Statement="SELECT * FROM things", NextToken=text)
            self.call("TransactWriteItems", ClientRequestToken=text[:36], TransactItems=[{"Put": {"TableName": "things", "Item": {**key, "s": {"S": text}}}}])
            self.call("TagResource", ResourceArn=arn, Tags=[{"Key": text[:128], "Value": text[:256]}])
            self.call("UntagResource", ResourceArn=arn, TagKeys=[text[:128]])
            self.call("CreateBackup", TableName="things", BackupName=text)
            self.call("ListBackups", TableName=text, ExclusiveStartBackupArn=text * 3)
            self.call("ListBackups", ExclusiveStartBackupArn=text * 3)
            self.call("DescribeBackup", BackupArn=text * 3)
            for stream in (text, f"{arn}/stream/{text}"):
                self.call("DescribeStream", StreamArn=stream.ljust(40))
                self.call("GetShardIterator", StreamArn=stream.ljust(40), ShardId=text.ljust(40), ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=text.ljust(21))
            self.call("GetRecords", ShardIterator=text)
            literal = quoted(text, "'")
            if "\0" not in text:
                self.client.ask("ExecuteStatement", Statement=f"INSERT INTO things VALUE {{'pk': {literal}, 'v': ?}}", Parameters=[{"S": text}])
                found = self.client.ask("ExecuteStatement", Statement=f"SELECT * FROM things WHERE pk = {literal} AND v = {literal}")
                self.assertEqual(found["Items"], [{"pk": {"S": text}, "v": {"S": text}}])
        self.unharmed(["things"])


class InjectionIntoRows(SafetyCase):
    """Texts in columns, arrays, documents and templates of a mapped table."""

    def setUp(self):
        super().setUp()
        shop = ROOT / "tests" / "oracle" / "maps" / "shop.yaml"
        self.landfall("plan", "--map", shop)
        self.landfall("migrate", "up", "--map", shop, "--to", "constraints")
        self.serve("--map", shop)

    def test_values_and_names(self):
        for text in HOSTILE + ONLY_ITEM_STORE:
            key = {"pk": {"S": f"$shop#sku_{text}"}, "sk": {"S": "$product_1"}}
            index = {"gsi1pk": {"S": f"$shop#kind_{text.lower()}"}, "gsi1sk": {"S": f"$product_1#sku_{text}"}}
            item = {**key, **index, "__edb_e__": {"S": "product"}, "__edb_v__": {"S": "1"}, "sku": {"S": text}, "kind": {"S": text}, "price": {"N": "1"},
                    "synonyms": {"L": [{"S": text}, {"S": "x"}]}, text: {"M": {text: {"S": text}}}}
            self.client.ask("PutItem", TableName="shop", Item=item)
            self.assertEqual(self.client.ask("GetItem", TableName="shop", Key=key), {"Item": item})
            values = {":k": index["gsi1pk"], ":s": index["gsi1sk"]}
            for operator in ("=", ">="):
                found = self.client.ask("Query", TableName="shop", IndexName="gsi1", KeyConditionExpression=f"gsi1pk = :k AND gsi1sk {operator} :s",
                                        ExpressionAttributeValues=values)
                self.assertEqual(found["Items"], [item])
            found = self.client.ask("Query", TableName="shop", KeyConditionExpression="pk = :p AND begins_with(sk, :b)",
                                    ExpressionAttributeValues={":p": key["pk"], ":b": {"S": "$pro"}})
            self.assertEqual(found["Items"], [item])
            self.client.ask("UpdateItem", TableName="shop", Key=key, UpdateExpression="SET #t.#t = :v, price = price + :one", ConditionExpression="sku = :v",
                            ExpressionAttributeNames={"#t": text}, ExpressionAttributeValues={":v": {"S": text}, ":one": {"N": "1"}})
            self.client.ask("Scan", TableName="shop", ExclusiveStartKey=key)
            self.client.ask("TransactWriteItems", TransactItems=[{"Delete": {"TableName": "shop", "Key": key, "ConditionExpression": "price = :two",
                                                                            "ExpressionAttributeValues": {":two": {"N": "2"}}}}])
        self.assertEqual(self.client.ask("Scan", TableName="shop", Select="COUNT")["Count"], 0)
        self.unharmed(["shop"])


class Overload(SafetyCase):
    CONNECTIONS, CLIENTS, SECONDS, P99_SECONDS_MAX = 24, 72, 3, 30

    def setUp(self):
        super().setUp()
        self.serve("--max-connections", self.CONNECTIONS, "--jobs", 1)
        self.make_table("things")

    def press(self, number):
        """One client that comes again when it is sent away: (type of the answer, seconds) of each request."""
        answers, until = [], time.monotonic() + self.SECONDS
        client = Client(self.gateway)
        while time.monotonic() < until:
            start = time.monotonic()
            try:
                answer = client.call("PutItem", {"TableName": "things", "Item": {"pk": {"S": f"{number % 7}"}, "text": {"S": "x" * 1000}}})
                kind = "" if answer.status == 200 else answer.json()["__type"]
            except Broken:
                kind = "broken"
            answers.append((kind, time.monotonic() - start))
        client.close()
        return answers

    def test_more_clients_than_connections(self):
        """Some get all they want, others are told at once to come again; when they have gone all is as before."""
        with concurrent.futures.ThreadPoolExecutor(self.CLIENTS) as pool:
            answers = [answer for client in pool.map(self.press, range(self.CLIENTS)) for answer in client]
        kinds = {kind for kind, _ in answers}
        self.assertEqual(kinds, {"", "com.amazon.coral.availability#ThrottlingException"})
        p99 = statistics.quantiles([seconds for _, seconds in answers], n=100)[98]
        self.assertLess(p99, self.P99_SECONDS_MAX)
        self.client.ask("PutItem", TableName="things", Item={"pk": {"S": "after"}})
        self.unharmed(["things"])


if __name__ == "__main__":
    unittest.main()
