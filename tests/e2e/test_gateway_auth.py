"""Who may call the gateway, and what they may do: signatures, clocks, access keys, and the grant of each operation of api/operations.yaml."""
import dataclasses
import datetime
import hashlib
import hmac
import json
import time

import yaml

from gateway import *
from harness import *

SERVICE = "com.amazon.coral.service#"
FAILED = 1
TABLE = {"KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}], "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
         "BillingMode": "PAY_PER_REQUEST"}


@dataclasses.dataclass
class Signature:
    """AWS Signature Version 4, with each of its parts open to be wrong; it follows AWS's text, not Landfall's code."""
    key: str
    secret: str
    minutes: float = 0
    region: str = "eu-central-1"
    service: str = "dynamodb"
    signed: tuple = ("content-type", "host", "x-amz-date", "x-amz-target")
    more: dict = dataclasses.field(default_factory=dict)
    scope_date: str = None
    terminator: str = "aws4_request"
    algorithm: str = "AWS4-HMAC-SHA256"
    payload: str = None  # instead of the body's hash

    def headers(self, host, target, body):
        now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=self.minutes)
        date = now.strftime("%Y%m%dT%H%M%SZ")
        headers = {"content-type": "application/x-amz-json-1.0", "host": host, "x-amz-date": date, "x-amz-target": target,
                   **{name.lower(): value for name, value in self.more.items()}}
        scope = f"{self.scope_date or date[:8]}/{self.region}/{self.service}/{self.terminator}"
        names = ";".join(self.signed)
        canonical = "POST\n/\n\n" + "".join(f"{name}:{headers.get(name, '')}\n" for name in self.signed) + f"\n{names}\n{self.payload or hashlib.sha256(body).hexdigest()}"
        text = f"{self.algorithm}\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = ("AWS4" + self.secret).encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        return {"Authorization": f"{self.algorithm} Credential={self.key}/{scope}, SignedHeaders={names}, Signature={signature}", "X-Amz-Date": date, **self.more}


class AuthCase(DatabaseCase):
    def setUp(self):
        super().setUp()
        self.key_file = self.folder / "landfall.key"
        self.access = self.new_key()
        self.gateway = Gateway("--auth", "sigv4", "--key-file", self.key_file, environment=self.environment)
        self.addCleanup(self.gateway.stop)
        self.client = self.client_of(*self.access)

    def new_key(self, *grants):
        """Its id and secret; with grants for everything when there are none."""
        options = ["--grants", json.dumps([{"table": table, "allow": allow} for table, allow in grants])] if grants else []
        made = self.landfall_json("access-key", "create", "--key-file", self.key_file, *options)
        return made["access_key_id"], made["secret_access_key"]

    def client_of(self, key, secret, **parts):
        client = Client(self.gateway, signer=Signature(key, secret, **parts))
        self.addCleanup(client.close)
        return client

    def error(self, answer, kind, message=None):
        self.assertEqual((answer.status, answer.json().get("__type")), (400, SERVICE + kind), answer.body)
        if message:
            self.assertRegex(answer.json()["message"], message)

    def eventually(self, ask):
        deadline = time.monotonic() + SECONDS_MAX
        while not (found := ask()):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        return found

    def make_table(self, name, **more):
        table = self.client.ask("CreateTable", TableName=name, **TABLE, **more)["TableDescription"]
        self.eventually(lambda: self.client.ask("DescribeTable", TableName=name)["Table"]["TableStatus"] == "ACTIVE")
        return table


class Signatures(AuthCase):
    def refused(self, kind, message=None, **parts):
        key, secret = parts.pop("access", self.access)
        with self.subTest(kind=kind, **parts):
            self.error(self.client_of(key, secret, **parts).call("ListTables", {}), kind, message)

    def test_signatures(self):
        key, secret = self.access
        for minutes in (0, -4.7, 4.7):
            self.assertEqual(self.client_of(key, secret, minutes=minutes).ask("ListTables"), {"TableNames": []})
        self.client_of(key, secret, region="x").ask("ListTables")
        token = {"X-Amz-Security-Token": "of a session"}
        self.client_of(key, secret, more=token, signed=("content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target")).ask("ListTables")

        self.refused("InvalidSignatureException", "does not match the signature you provided", access=(key, secret[:-1] + "?"))
        self.refused("UnrecognizedClientException", "security token included in the request is invalid", access=("AKIANOTTHERE", secret))
        self.refused("InvalidSignatureException", "Signature expired: .* is now earlier than", minutes=-5.3)
        self.refused("InvalidSignatureException", "Signature not yet current: .* is still later than", minutes=5.3)
        self.refused("InvalidSignatureException", "'Host' or 'X-Amz-Date' must be a 'SignedHeader'", signed=("content-type", "x-amz-date", "x-amz-target"))
        self.refused("InvalidSignatureException", "'Host' or 'X-Amz-Date' must be a 'SignedHeader'", signed=("content-type", "host", "x-amz-target"))
        self.refused("InvalidSignatureException", "not among the request's headers", signed=("host", "x-amz-date", "x-amz-nothing"))
        self.refused("InvalidSignatureException", "scoped to correct service: 'dynamodb'", service="s3")
        self.refused("InvalidSignatureException", "Date in Credential scope does not match", scope_date="20200101")
        self.refused("IncompleteSignatureException", "5 slash-delimited elements", terminator="aws4")
        self.refused("IncompleteSignatureException", "Unsupported AWS 'algorithm'", algorithm="AWS3-HMAC-SHA256")

    def test_the_payload_is_what_came(self):
        """Neither no hash nor the hash of another body, however well signed: DynamoDB takes no unsigned and no streamed payload."""
        signed = ("content-type", "host", "x-amz-content-sha256", "x-amz-date", "x-amz-target")
        good = hashlib.sha256(b"{}").hexdigest()
        self.client_of(*self.access, more={"X-Amz-Content-Sha256": good}, signed=signed).ask("ListTables")
        for payload in ("UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", hashlib.sha256(b"").hexdigest(), good.upper()):
            self.refused("InvalidSignatureException", "does not match", payload=payload)
            self.refused("InvalidSignatureException", "does not match", payload=payload, more={"X-Amz-Content-Sha256": payload}, signed=signed)

    def raw(self, body, **changes):
        """A good request, but for its changes."""
        host, target = self.client.host, target_of("ListTables")
        headers = {"Host": host, "X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0", **Signature(*self.access).headers(host, target, b"{}"),
                   **changes, "Content-Length": len(body)}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items() if value is not None)
        self.client.write(b"POST / HTTP/1.1\r\n" + head.encode() + b"\r\n" + body)
        return self.client.receive()

    def test_a_signature_is_of_one_request_only(self):
        self.assertEqual(self.raw(b"{}").status, 200)
        self.error(self.raw(b'{"Limit":1}'), "InvalidSignatureException", "does not match")
        self.error(self.raw(b"{}", **{"X-Amz-Target": target_of("DescribeLimits")}), "InvalidSignatureException", "does not match")
        self.error(self.raw(b"{}", Host="elsewhere"), "InvalidSignatureException", "does not match")
        other = (datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(seconds=9)).strftime("%Y%m%dT%H%M%SZ")
        self.error(self.raw(b"{}", **{"X-Amz-Date": other}), "InvalidSignatureException", "does not match")

    def test_authorization_headers_that_are_none(self):
        good = Signature(*self.access).headers(self.client.host, target_of("ListTables"), b"{}")["Authorization"]
        self.error(self.raw(b"{}", Authorization=None), "MissingAuthenticationTokenException", "Request is missing Authentication Token")
        self.error(self.raw(b"{}", **{"X-Amz-Date": None}), "IncompleteSignatureException")
        self.error(self.raw(b"{}", **{"X-Amz-Date": "yesterday"}), "IncompleteSignatureException", "ISO-8601")
        for wrong in ("", "x", "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA256 ,,,===", "Basic dXNlcjpwYXNz", good.replace("Signature=", "Sign="), good.replace("SignedHeaders=", "x="),
                      good.replace("Credential=", "Cred="), good.replace("/", "//"), "AWS4-HMAC-SHA256 " + "Credential=" * 500):
            with self.subTest(authorization=wrong[:60]):
                answer = self.raw(b"{}", Authorization=wrong)
                self.assertEqual(answer.status, 400)
                self.assertIn(answer.json()["__type"], [SERVICE + kind for kind in ("IncompleteSignatureException", "InvalidSignatureException",
                                                                                   "MissingAuthenticationTokenException", "UnrecognizedClientException")])
        for end in ("", "0", "zz"):
            self.error(self.raw(b"{}", Authorization=good[:-2] + end), "InvalidSignatureException", "does not match")
        self.assertEqual(self.raw(b"{}").status, 200)


class Keys(AuthCase):
    def test_keys_come_and_go_while_the_gateway_runs(self):
        key, secret = self.new_key(("*", ["read"]))
        client = self.client_of(key, secret)
        self.eventually(lambda: client.call("ListTables", {}).status == 200)
        listed = {row["access_key_id"]: row for row in self.landfall_json("access-key", "list")}
        self.assertEqual(set(listed), {key, self.access[0]})
        self.assertEqual(json.loads(listed[key]["grants"]), [{"table": "*", "allow": ["read"]}])
        self.assertNotIn(secret, json.dumps(listed))
        self.landfall("access-key", "disable", key)
        self.eventually(lambda: client.call("ListTables", {}).status != 200)
        self.error(client.call("ListTables", {}), "UnrecognizedClientException")
        self.assertTrue({row["access_key_id"]: row for row in self.landfall_json("access-key", "list")}[key]["disabled"])
        self.client.ask("ListTables")

    def test_keys_that_cannot_be_used_are_left_out(self):
        """One of another key file, one whose grants are none: whoever comes and goes after them is known of all the same."""
        key, secret = self.new_key()
        wrong, wrong_secret = self.new_key()
        self.sql(f"INSERT INTO landfall.access_key (id, secret, grants) SELECT 'LFKA0' || id, secret, grants FROM landfall.access_key WHERE id = '{key}'")
        self.sql(f"INSERT INTO landfall.access_key (id, secret, grants) SELECT 'LFKA1', '\\x00', grants FROM landfall.access_key WHERE id = '{key}'")
        self.sql(f"UPDATE landfall.access_key SET grants = '[7]' WHERE id = '{wrong}'")
        client = self.client_of(key, secret)
        self.eventually(lambda: client.call("ListTables", {}).status == 200)
        self.eventually(lambda: self.client_of(wrong, wrong_secret).call("ListTables", {}).status != 200)
        self.eventually(lambda: f"access key LFKA0{key} was encrypted with another key file" in self.gateway.log())
        self.landfall("access-key", "disable", key)
        self.eventually(lambda: client.call("ListTables", {}).status != 200)
        self.client.ask("ListTables")
        again = Gateway("--auth", "sigv4", "--key-file", self.key_file, environment=self.environment)
        self.addCleanup(again.stop)

    def test_secrets_are_not_in_the_database_and_not_in_the_log(self):
        stored = self.sql("SELECT a::text FROM landfall.access_key a")
        self.assertIn(self.access[0], stored)
        self.assertNotIn(self.access[1], stored)
        self.assertNotIn(self.access[1].encode().hex(), stored)
        self.assertEqual(self.key_file.stat().st_mode & 0o077, 0)
        self.assertNotIn(self.access[1], self.gateway.log())

    def test_what_access_key_refuses(self):
        self.assertIn("no access key", self.landfall("access-key", "disable", "AKIANOBODY", status=1))
        for grants in ("", "{}", "[1]", '[{"table": "x", "allow": []}]', '[{"table": "x"}]', '[{"table": "x", "allow": ["fly"]}]', '[{"table": "", "allow": ["read"]}]'):
            with self.subTest(grants=grants):
                self.landfall("access-key", "create", "--key-file", self.key_file, "--grants", grants, status=2)

    def test_a_key_file_that_is_missing_or_anothers(self):
        other = self.write("other.key", "ab" * 32)
        other.chmod(0o600)
        for path in (other, self.folder / "none.key"):
            with self.assertRaisesRegex(RuntimeError, "landfall serve did not start"):
                Gateway("--auth", "sigv4", "--key-file", path, environment=self.environment)
        self.assertIn("encrypted with another key file", self.landfall("access-key", "create", "--key-file", other, status=FAILED))
        self.eventually(lambda: self.client.call("ListTables", {}).status == 200)


KEY = {"pk": {"S": "a"}}


def requests_of(table, arn, stream, iterator):
    """A request of each operation, about this table."""
    statement = {"Statement": f"SELECT * FROM \"{table}\" WHERE pk = 'a'"}
    named = {"TableName": table}
    return {
        "GetItem": {**named, "Key": KEY},
        "PutItem": {**named, "Item": KEY},
        "UpdateItem": {**named, "Key": KEY},
        "DeleteItem": {**named, "Key": KEY},
        "Query": {**named, "KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}},
        "Scan": named,
        "BatchGetItem": {"RequestItems": {table: {"Keys": [KEY]}}},
        "BatchWriteItem": {"RequestItems": {table: [{"PutRequest": {"Item": KEY}}]}},
        "TransactGetItems": {"TransactItems": [{"Get": {**named, "Key": KEY}}]},
        "TransactWriteItems": {"TransactItems": [{"Put": {**named, "Item": KEY}}]},
        "CreateTable": {**named, **TABLE},
        "DescribeTable": named,
        "ListTables": {},
        "UpdateTable": {**named, "DeletionProtectionEnabled": False},
        "UpdateTimeToLive": {**named, "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True}},
        "DescribeTimeToLive": named,
        "TagResource": {"ResourceArn": arn, "Tags": [{"Key": "a", "Value": "b"}]},
        "UntagResource": {"ResourceArn": arn, "TagKeys": ["a"]},
        "ListTagsOfResource": {"ResourceArn": arn},
        "DescribeLimits": {},
        "DescribeEndpoints": {},
        "ListStreams": {},
        "DescribeStream": {"StreamArn": stream},
        "GetShardIterator": {"StreamArn": stream, "ShardId": "shardId-00000000000000000000-00000000", "ShardIteratorType": "LATEST"},
        "GetRecords": {"ShardIterator": iterator},
        "ExecuteStatement": statement,
        "BatchExecuteStatement": {"Statements": [statement]},
        "ExecuteTransaction": {"TransactStatements": [statement]},
        "ExportTableToPointInTime": {"TableArn": arn, "S3Bucket": "bucket"},
        "DescribeExport": {"ExportArn": f"{arn}/export/01695353076000-06e2188f"},
        "ListExports": {"TableArn": arn},
        "ImportTable": {"S3BucketSource": {"S3Bucket": "bucket"}, "InputFormat": "DYNAMODB_JSON", "TableCreationParameters": {**named, **TABLE}},
        "DescribeImport": {"ImportArn": f"{arn}/import/01695353076000-06e2188f"},
        "ListImports": {"TableArn": arn},
        "CreateBackup": {**named, "BackupName": "backup"},
        "DescribeBackup": {"BackupArn": f"{arn}/backup/01695353076000-06e2188f"},
        "ListBackups": named,
        "DeleteBackup": {"BackupArn": f"{arn}/backup/01695353076000-06e2188f"},
        "RestoreTableFromBackup": {"TargetTableName": table, "BackupArn": f"{arn}/backup/01695353076000-06e2188f"},
        "DescribeContinuousBackups": named,
        "UpdateContinuousBackups": {**named, "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}},
        "DeleteTable": named,
    }


class Grants(AuthCase):
    def setUp(self):
        super().setUp()
        with open(ROOT / "api" / "operations.yaml", encoding="utf-8") as file:
            self.operations = {name: each for name, each in yaml.safe_load(file)["operations"].items() if each.get("served", True)}
        table = self.make_table("granted", StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"})
        stream = self.eventually(lambda: self.client.ask("DescribeTable", TableName="granted")["Table"].get("LatestStreamArn"))
        shard = self.client.ask("DescribeStream", StreamArn=stream)["StreamDescription"]["Shards"][0]["ShardId"]
        iterator = self.client.ask("GetShardIterator", StreamArn=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        self.requests = requests_of("granted", table["TableArn"], stream, iterator)

    def refuses(self, client, operation):
        answer = client.call(operation, self.requests[operation]).json()
        if operation == "BatchExecuteStatement" and "Responses" in answer:
            return answer["Responses"][0].get("Error", {}).get("Code") == "AccessDenied"
        return answer.get("__type") == SERVICE + "AccessDeniedException"

    def client_with(self, *grants):
        client = self.client_of(*self.new_key(*grants))
        self.eventually(lambda: client.call("ListTables", {}).json().get("__type") != SERVICE + "UnrecognizedClientException")
        return client

    @staticmethod
    def reads(operation):
        """PartiQL's grant is its statement's, which selects here."""
        return "Statement" in operation or operation == "ExecuteTransaction"

    def test_every_operation_needs_its_grant(self):
        self.assertEqual(set(self.operations) - set(self.requests), set())
        for grants in ([], ["read"], ["write"], ["admin"], ["read", "write"]):
            client = self.client_with(("*" if grants else "another", grants or ["read"]))
            for operation, declared in self.operations.items():
                needed = "read" if self.reads(operation) else declared["grant"]
                if needed == "admin" and "admin" in grants and operation == "DeleteTable":
                    continue
                with self.subTest(operation=operation, grants=grants):
                    self.assertEqual(self.refuses(client, operation), needed not in grants)
        self.client_with(("*", ["admin"])).ask("DeleteTable", TableName="granted")

    def test_a_statement_needs_the_grant_of_what_it_does(self):
        reader, writer = self.client_with(("*", ["read"])), self.client_with(("*", ["write"]))
        for statement in ("INSERT INTO \"granted\" VALUE {'pk': 'p'}", "UPDATE \"granted\" SET n = 1 WHERE pk = 'p'", "DELETE FROM \"granted\" WHERE pk = 'p'"):
            for operation, body in (("ExecuteStatement", {"Statement": statement}), ("BatchExecuteStatement", {"Statements": [{"Statement": statement}]}),
                                    ("ExecuteTransaction", {"TransactStatements": [{"Statement": statement}]})):
                with self.subTest(operation=operation, statement=statement):
                    self.requests[operation] = body
                    self.assertTrue(self.refuses(reader, operation))
                    self.assertFalse(self.refuses(writer, operation))

    def test_grants_are_for_tables(self):
        self.make_table("other")
        client = self.client_with(("gran*", ["read", "write"]), ("oth?r", ["read"]))
        self.assertFalse(self.refuses(client, "PutItem"))
        self.assertEqual(client.call("GetItem", {"TableName": "other", "Key": KEY}).status, 200)
        write_other = {"TransactItems": [{"Put": {"TableName": "granted", "Item": {"pk": {"S": "both"}}}}, {"Put": {"TableName": "other", "Item": KEY}}]}
        for operation, body in (("PutItem", {"TableName": "other", "Item": KEY}), ("TransactWriteItems", write_other),
                                ("BatchWriteItem", {"RequestItems": {"granted": [{"PutRequest": {"Item": {"pk": {"S": "both"}}}}],
                                                                     "other": [{"PutRequest": {"Item": KEY}}]}}),
                                ("GetItem", {"TableName": "third", "Key": KEY}), ("ListTables", {}), ("DescribeLimits", {})):
            with self.subTest(operation=operation):
                self.error(client.call(operation, body), "AccessDeniedException", f"{client.signer.key} is not authorized to perform: dynamodb:{operation}")
        self.assertEqual(self.client.ask("GetItem", TableName="granted", Key={"pk": {"S": "both"}}), {})

    def test_an_arn_names_its_table(self):
        client = self.client_with(("another", ["read", "write", "admin"]))
        for name in (self.requests["TagResource"]["ResourceArn"], "granted"):
            with self.subTest(name=name):
                self.error(client.call("GetItem", {"TableName": name, "Key": KEY}), "AccessDeniedException")


if __name__ == "__main__":
    unittest.main()
