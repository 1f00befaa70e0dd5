"""The DynamoDB API of a gateway, for tests: raw requests over a connection that stays open, plain values to and from items."""
import http.client
import json
import re
import select
import time

SECONDS_TO_START = 180
OF_STREAMS = ("ListStreams", "DescribeStream", "GetShardIterator", "GetRecords")
SECONDS_IDLE_MAX = 20  # a server may have closed a connection that has been idle for longer, as the gateway does after 60 s


class Refused(Exception):
    """An exception of the API."""

    def __init__(self, answer):
        self.answer = answer
        self.type = answer["__type"].rpartition("#")[2]
        self.message = answer.get("message", answer.get("Message"))
        self.reasons = [reason["Code"] for reason in answer.get("CancellationReasons", [])]
        super().__init__(f"{self.type}: {self.message}")


class Client:
    """One connection; not for several threads."""

    def __init__(self, url, headers=None):
        self.headers = headers or {}
        self.connection = http.client.HTTPConnection(url.partition("//")[2], timeout=60)
        self.used_at = time.monotonic()

    def close(self):
        self.connection.close()

    def __call__(self, operation, **body):
        service = "DynamoDBStreams" if operation in OF_STREAMS else "DynamoDB"
        headers = {"X-Amz-Target": f"{service}_20120810.{operation}", "Content-Type": "application/x-amz-json-1.0", **self.headers}
        if time.monotonic() - self.used_at > SECONDS_IDLE_MAX:
            self.connection.close()
        self.connection.request("POST", "/", json.dumps(body), headers)
        response = self.connection.getresponse()
        answer = json.loads(response.read())
        self.used_at = time.monotonic()
        if response.status != 200:
            raise Refused(answer)
        return answer

    def create_table(self, name):
        self("CreateTable", TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
             AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}])
        while self("DescribeTable", TableName=name)["Table"]["TableStatus"] != "ACTIVE":
            time.sleep(0.05)


def key(name):
    return {"id": {"S": name}}


def number(value):
    return {"N": str(value)}


def read_url(process):
    """Of a gateway that has just been started, once it is ready."""
    deadline = time.monotonic() + SECONDS_TO_START
    while select.select([process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
        line = process.stdout.readline()
        if not line:
            break
        if found := re.search(r"http://[0-9.]+:[0-9]+", line):
            return found[0]
    process.kill()
    raise AssertionError(f"landfall serve did not say that it is ready: {process.communicate()}")
