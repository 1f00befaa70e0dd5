"""The AWS CLI over the gateway, as people call it by hand and in scripts."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "e2e"))
from gateway import Gateway  # noqa: E402

if not shutil.which("aws"):
    print("skipped: the AWS CLI is not installed: tools/deps check")
    sys.exit(77)

CLIENT_ERROR = (254, 255)  # of version 2 and 1
KEY = '{"pk": {"S": "a"}}'


class AwsCli(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway()
        cls.addClassCleanup(cls.gateway.stop)
        home = tempfile.mkdtemp(prefix="landfall-aws-")
        cls.addClassCleanup(shutil.rmtree, home)
        cls.environment = {**os.environ, "HOME": home, "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_DEFAULT_REGION": "us-east-1",
                           "AWS_CONFIG_FILE": f"{home}/config", "AWS_PAGER": "", "AWS_EC2_METADATA_DISABLED": "true"}

    def run_aws(self, service, *arguments):
        command = ["aws", service, *arguments, "--endpoint-url", self.gateway.url, "--output", "json"]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=180)

    def aws(self, *arguments, service="dynamodb"):
        done = self.run_aws(service, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else None

    def refusal(self, *arguments):
        done = self.run_aws("dynamodb", *arguments)
        self.assertIn(done.returncode, CLIENT_ERROR)
        return done.stderr

    def test_the_life_of_a_table(self):
        self.aws("create-table", "--table-name", "cli", "--attribute-definitions", "AttributeName=pk,AttributeType=S", "--key-schema", "AttributeName=pk,KeyType=HASH",
                 "--billing-mode", "PAY_PER_REQUEST", "--stream-specification", "StreamEnabled=true,StreamViewType=NEW_IMAGE")
        self.aws("wait", "table-exists", "--table-name", "cli")
        self.assertEqual(self.aws("list-tables")["TableNames"], ["cli"])
        self.aws("put-item", "--table-name", "cli", "--item", '{"pk": {"S": "a"}, "n": {"N": "1"}}')
        self.assertIn("ConditionalCheckFailedException", self.refusal("put-item", "--table-name", "cli", "--item", KEY, "--condition-expression", "attribute_not_exists(pk)"))
        updated = self.aws("update-item", "--table-name", "cli", "--key", KEY, "--update-expression", "ADD n :one", "--expression-attribute-values", '{":one": {"N": "1"}}',
                           "--return-values", "UPDATED_NEW")
        self.assertEqual(updated, {"Attributes": {"n": {"N": "2"}}})
        self.assertEqual(self.aws("get-item", "--table-name", "cli", "--key", KEY)["Item"], {"pk": {"S": "a"}, "n": {"N": "2"}})
        requests = [{"PutRequest": {"Item": {"pk": {"S": f"p{i}"}, "n": {"N": str(i)}}}} for i in range(9)]
        self.aws("batch-write-item", "--request-items", json.dumps({"cli": requests}))
        self.assertEqual(self.aws("scan", "--table-name", "cli", "--page-size", "3", "--query", "length(Items)"), 10)
        self.assertEqual(self.aws("query", "--table-name", "cli", "--key-condition-expression", "pk = :p", "--expression-attribute-values", '{":p": {"S": "p7"}}')["Count"], 1)
        arn = self.aws("describe-table", "--table-name", "cli", "--query", "Table.LatestStreamArn")
        shard = self.aws("describe-stream", "--stream-arn", arn, service="dynamodbstreams")["StreamDescription"]["Shards"][0]["ShardId"]
        self.assertIn("ShardIterator", self.aws("get-shard-iterator", "--stream-arn", arn, "--shard-id", shard, "--shard-iterator-type", "LATEST", service="dynamodbstreams"))
        self.aws("delete-table", "--table-name", "cli")
        self.aws("wait", "table-not-exists", "--table-name", "cli")
        self.assertIn("ResourceNotFoundException", self.refusal("describe-table", "--table-name", "cli"))


if __name__ == "__main__":
    unittest.main()
