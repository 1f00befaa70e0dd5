#!/usr/bin/env python3
"""Whether the gateway's memory stays flat at full load: soak_gateway.py LANDFALL HTTP_LOAD [SECONDS].

64 connections send every kind of request without a pause: reads, writes, pages, transactions, statements that are all different, items of a hundred kilobytes, mistakes.
Beside them tables come and go, streams are read, and clients connect for one request. Prints the resident memory after each fifth of the time; exit status 1 when the
last exceeds the first by more than GROWTH_MB, or a request fails."""
import http.client
import json
import os
import pathlib
import random
import re
import struct
import subprocess
import sys
import tempfile
import threading
import time

import bench_gateway as bench
from bench_gateway import harness

STEPS, GROWTH_MB, REQUESTS = 5, 10, 6000
CREDENTIALS = ("soak", "soak")
LOAD = re.compile(r"requests (\d+) .*p50_us (\d+) p99_us (\d+) .*max_us (\d+) not_2xx (\d+) failed (\d+)")


def any_request(pick, number):
    """The operation and its body."""
    n = pick.randrange(bench.ITEMS // 10)
    key, item = bench.item_key(n), bench.item(n)
    named, partition = {"TableName": "streamed" if number % 3 else "bench"}, {":pk": key["pk"]}
    large = {**key, "message": {"S": "x" * 100_000}}
    makers = [
        lambda: ("GetItem", {**named, "Key": key}),
        lambda: ("PutItem", {**named, "Item": item}),
        lambda: ("PutItem", {**named, "Item": large} if number % 50 == 0 else {**named, "Item": item, "ReturnValues": "ALL_OLD"}),
        lambda: ("UpdateItem", {**named, "Key": key, "UpdateExpression": "ADD page :one", "ExpressionAttributeValues": {":one": {"N": "1"}}, "ReturnValues": "ALL_NEW"}),
        lambda: ("DeleteItem", {**named, "Key": key, "ConditionExpression": "attribute_not_exists(pk)"}),
        lambda: ("Query", {**named, "KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": partition, "ReturnConsumedCapacity": "TOTAL"}),
        lambda: ("Scan", {**named, "Limit": 20, "ExclusiveStartKey": key}),
        lambda: ("BatchGetItem", {"RequestItems": {named["TableName"]: {"Keys": [bench.item_key(n + more) for more in range(10)]}}}),
        lambda: ("BatchWriteItem", {"RequestItems": {named["TableName"]: [{"PutRequest": {"Item": bench.item(n + more)}} for more in range(10)]}}),
        lambda: ("TransactWriteItems", {"TransactItems": [{"Put": {**named, "Item": item}}, {"Put": {**named, "Item": bench.item(n + 1)}}]}),
        lambda: ("TransactGetItems", {"TransactItems": [{"Get": {**named, "Key": key}}]}),
        lambda: ("ExecuteStatement", {"Statement": f"SELECT page FROM {named['TableName']} WHERE pk = '{key['pk']['S']}' AND page < {number}"}),
        lambda: ("DescribeTable", named),
        lambda: ("GetItem", {"TableName": f"nowhere{number}", "Key": key}),
        lambda: ("UpdateItem", {**named, "Key": key, "UpdateExpression": "SET page = "}),
    ]
    return makers[number % len(makers)]()


def write_requests(path, address):
    pick = random.Random(11)
    with open(path, "wb") as file:
        for number in range(REQUESTS):
            request = bench.raw_request(address, *any_request(pick, number), CREDENTIALS)
            file.write(struct.pack(">I", len(request)) + request)


def ask(address, operation, body):
    """On a connection of its own."""
    service = "DynamoDBStreams" if operation in ("DescribeStream", "GetShardIterator", "GetRecords") else "DynamoDB"
    connection = http.client.HTTPConnection(address, timeout=60)
    connection.request("POST", "/", json.dumps(body), {"X-Amz-Target": f"{service}_20120810.{operation}", "Content-Type": "application/x-amz-json-1.0"})
    answer = connection.getresponse()
    text = json.loads(answer.read())
    connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{operation}: {text}")
    return text


def read_stream(address):
    arn = ask(address, "DescribeTable", {"TableName": "streamed"})["Table"]["LatestStreamArn"]
    for shard in ask(address, "DescribeStream", {"StreamArn": arn})["StreamDescription"]["Shards"]:
        iterator = ask(address, "GetShardIterator", {"StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"})["ShardIterator"]
        ask(address, "GetRecords", {"ShardIterator": iterator})


def come_and_go(address, stops, failures):
    """Beside the load; one failure ends it."""
    number = 0
    try:
        while not stops.wait(0.2):
            number += 1
            name = f"passing{number}"
            bench.create(address, name, CREDENTIALS, streamed=True)
            ask(address, "PutItem", {"TableName": name, "Item": bench.item(number)})
            read_stream(address)
            ask(address, "DeleteTable", {"TableName": name})
    except Exception as failure:
        failures.append(failure)


def rss_mb(process):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{process.pid}/status").read_text()).group(1)) / 1024


def soak(gateway, load, work, seconds):
    """The resident memory after each step; prints it."""
    path, measured = os.path.join(work, "requests"), []
    write_requests(path, gateway.address)
    for step in range(STEPS):
        output = subprocess.run([load, gateway.address, path, f"connections={bench.CONNECTIONS}", f"seconds={seconds / STEPS}"], check=True, capture_output=True,
                                text=True).stdout
        requests, p50, p99, longest, refused, failed = map(int, LOAD.search(output).groups())
        measured.append(rss_mb(gateway.process))
        print(f"{(step + 1) * seconds / STEPS:6.0f} s  {measured[-1]:7.1f} MB  {requests:9,} requests, {refused:,} mistakes answered, {failed} failed, "
              f"p50 {p50 / 1000:.1f} ms, p99 {p99 / 1000:.1f} ms, longest {longest / 1000:.0f} ms", flush=True)
        if failed:
            raise SystemExit(f"{failed} requests failed")
    return measured


def run(gateway, load, work, seconds):
    stops, failures = threading.Event(), []
    for name in ("bench", "streamed"):
        bench.create(gateway.address, name, CREDENTIALS, name == "streamed")
        bench.fill(gateway.address, name, CREDENTIALS, bench.ITEMS // 10)
    passing = threading.Thread(target=come_and_go, args=(gateway.address, stops, failures))
    passing.start()
    try:
        measured = soak(gateway, load, work, seconds)
    finally:
        stops.set()
        passing.join()
    if failures:
        raise failures[0]
    return measured


def main():
    landfall, load = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 600
    with tempfile.TemporaryDirectory(prefix="landfall-soak-") as work:
        os.chmod(work, 0o755)
        server = harness.Server(bench.SETTINGS, work)
        os.environ.update(PGHOST=server.folder, PGUSER="landfall", PGDATABASE="postgres")
        try:
            gateway = bench.Gateway(landfall)
            try:
                measured = run(gateway, load, work, seconds)
            finally:
                gateway.stop()
        finally:
            server.stop()
    growth = measured[-1] - measured[0]
    print(f"memory grew by {growth:.1f} MB from the first fifth to the last of {seconds} s (at most {GROWTH_MB} MB)")
    sys.exit(growth > GROWTH_MB)


if __name__ == "__main__":
    main()
