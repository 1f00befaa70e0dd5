#!/usr/bin/env python3
"""Times the gateway beside pgbench and DynamoDB Local: bench_gateway.py LANDFALL HTTP_LOAD [SECONDS].

One line per operation, store and way of signing: requests a second of ours, statements a second of pgbench for the same work on the same
server with as many connections, and the ratio, beside its budget (docs/performance.md). Then latencies at half load, beside pgbench's at
the same rate, and DynamoDB Local's rates, where it is installed. Everything runs on the same cores, one after the other.
"""
import datetime
import hashlib
import hmac
import http.client
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))
import harness  # noqa: E402

ITEMS, ITEMS_OF_LOCAL, CONNECTIONS, ITEMS_OF_QUERY = 100_000, 10_000, 64, 50
MAP = os.path.join(HERE, "gateway.yaml")
SETTINGS = ["shared_buffers=1GB", "max_wal_size=8GB", "checkpoint_timeout=30min", "synchronous_commit=on", "fsync=on", "jit=off", "max_connections=200"]
EMULATOR = os.path.join(HERE, "../oracle/node_modules/amplify-dynamodb-simulator/emulator")

LOAD = re.compile(r"requests (\d+) seconds ([\d.]+) rate (\d+) p50_us (\d+) p99_us (\d+) p999_us (\d+).* not_2xx (\d+) failed (\d+)")


# Requests ------------------------------------------------------------------------------------------------------------------------

def signature(key, secret, host, target, body):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{now[:8]}/us-east-1/dynamodb/aws4_request"
    names = "host;x-amz-date;x-amz-target"
    canonical = f"POST\n/\n\nhost:{host}\nx-amz-date:{now}\nx-amz-target:{target}\n\n{names}\n{hashlib.sha256(body).hexdigest()}"
    to_sign = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    secret_key = ("AWS4" + secret).encode()
    for part in (now[:8], "us-east-1", "dynamodb", "aws4_request"):
        secret_key = hmac.new(secret_key, part.encode(), hashlib.sha256).digest()
    digest = hmac.new(secret_key, to_sign.encode(), hashlib.sha256).hexdigest()
    return f"X-Amz-Date: {now}\r\nAuthorization: AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={names}, Signature={digest}\r\n"


def raw_request(address, operation, body, credentials):
    target, body = f"DynamoDB_20120810.{operation}", json.dumps(body, separators=(",", ":")).encode()
    authorization = signature(*credentials, address, target, body)
    head = f"POST / HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Target: {target}\r\n" \
           f"{authorization}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def write_requests(path, address, operation, bodies, credentials):
    with open(path, "wb") as file:
        for body in bodies:
            request = raw_request(address, operation, body, credentials)
            file.write(struct.pack(">I", len(request)) + request)


def call(address, operation, body, credentials):
    connection = http.client.HTTPConnection(address, timeout=60)
    raw = raw_request(address, operation, body, credentials)
    head, payload = raw.split(b"\r\n\r\n", 1)
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    connection.request("POST", "/", payload, headers)
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{operation} was answered by {answer.status} {text.decode()}")
    return json.loads(text)


# Data: collections of ITEMS_OF_QUERY items of about 300 bytes ---------------------------------------------------------------------

def item_key(number):
    return {"pk": {"S": f"case|{number // ITEMS_OF_QUERY:06}"}, "sk": {"S": f"message|{number % ITEMS_OF_QUERY:04}"}}


def item(number):
    return {**item_key(number), "subject": {"S": f"Motion {number} of the petitioner"}, "isRead": {"BOOL": number % 3 == 0},
            "page": {"N": str(number % 97)}, "message": {"S": "The respondent is asked to answer within thirty days. " * 3}}


def bodies(operation, table, streamed, count=20_000, items=ITEMS):
    pick = random.Random(7)
    numbers = [pick.randrange(items) for _ in range(count)]
    make = {
        "GetItem": lambda n: {"TableName": table, "Key": item_key(n)},
        "PutItem": lambda n: {"TableName": streamed or table, "Item": item(n)},
        "UpdateItem": lambda n: {"TableName": table, "Key": item_key(n), "UpdateExpression": "SET #p = :p",
                                 "ConditionExpression": "attribute_exists(pk)", "ExpressionAttributeNames": {"#p": "page"},
                                 "ExpressionAttributeValues": {":p": {"N": str(n % 89)}}},
        "Query": lambda n: {"TableName": table, "KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": item_key(n)["pk"]}},
    }[operation]
    return [make(n) for n in numbers]


def create(address, name, credentials, streamed=False):
    body = {"TableName": name, "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "sk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]}
    if streamed:
        body["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    call(address, "CreateTable", body, credentials)


def fill(address, table, credentials, items=ITEMS):
    batches = [{"RequestItems": {table: [{"PutRequest": {"Item": item(n)}} for n in range(first, min(first + 25, items))]}} for first in range(0, items, 25)]
    connection = http.client.HTTPConnection(address, timeout=60)
    for batch in batches:
        raw = raw_request(address, "BatchWriteItem", batch, credentials)
        head, payload = raw.split(b"\r\n\r\n", 1)
        connection.request("POST", "/", payload, dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:]))
        answer = connection.getresponse()
        if answer.status != 200 or json.loads(answer.read()).get("UnprocessedItems"):
            raise SystemExit(f"BatchWriteItem was answered by {answer.status}")


def run_load(load, address, path, seconds, rate=0):
    output = subprocess.run([load, address, path, f"connections={CONNECTIONS}", f"seconds={seconds}", f"rate={rate}"], check=True, capture_output=True, text=True).stdout
    requests, _, rate, p50, p99, p999, bad, failed = LOAD.search(output).groups()
    if int(bad) or int(failed):
        raise SystemExit(f"{bad} of {requests} requests were refused, {failed} failed: {output}")
    return {"rate": int(rate), "p50": int(p50), "p99": int(p99), "p999": int(p999)}


# PostgreSQL's side ----------------------------------------------------------------------------------------------------------------

def psql(*args):
    return subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", *args], check=True, capture_output=True, text=True).stdout


PGBENCH = {
    "GetItem": "\\set n random(0, {last})\nSELECT item FROM bench_rows WHERE k = :n;\n",
    "PutItem": "\\set n random(0, {last})\nINSERT INTO bench_rows (k, g, s, item) VALUES (:n, :n / {each}, :n % {each}, '{item}') "
               "ON CONFLICT (k) DO UPDATE SET item = excluded.item;\n",
    "UpdateItem": "\\set n random(0, {last})\nBEGIN;\nSELECT item FROM bench_rows WHERE k = :n;\nUPDATE bench_rows SET item = '{item}' WHERE k = :n;\nCOMMIT;\n",
    "Query": "\\set n random(0, {collections})\nSELECT item FROM bench_rows WHERE g = :n ORDER BY s;\n",
}


def make_rows():
    text = json.dumps(item(1)).replace("'", "''")
    psql("-c", f"create table bench_rows (k bigint primary key, g bigint not null, s bigint not null, item json not null); insert into bench_rows select n, n / "
               f"{ITEMS_OF_QUERY}, n % {ITEMS_OF_QUERY}, '{text}' from generate_series(0, {ITEMS - 1}) n; create index on bench_rows (g, s); analyze bench_rows")


def run_pgbench(operation, seconds, work, *options):
    script = os.path.join(work, "pgbench.sql")
    with open(script, "w", encoding="utf-8") as file:
        file.write(PGBENCH[operation].format(last=ITEMS - 1, each=ITEMS_OF_QUERY, collections=ITEMS // ITEMS_OF_QUERY - 1, item=json.dumps(item(1))))
    return subprocess.run(["pgbench", "-n", "-M", "prepared", "-c", str(CONNECTIONS), "-j", "2", "-T", str(seconds), "-f", script, *options], check=True,
                          capture_output=True, text=True).stdout


def pgbench(operation, seconds, work):
    return float(re.search(r"tps = ([\d.]+)", run_pgbench(operation, seconds, work)).group(1))


def pgbench_at(operation, rate, seconds, work):
    """p50 and p99 in µs, counted from the moments at which transactions should have begun, as http_load counts."""
    with tempfile.TemporaryDirectory(dir=work) as folder:
        run_pgbench(operation, seconds, work, "--rate", str(rate), "--log", "--log-prefix", os.path.join(folder, "log"))
        latencies = sorted(int(line.split()[2]) for name in os.listdir(folder) for line in open(os.path.join(folder, name), encoding="utf-8"))
    return {"p50": latencies[len(latencies) // 2], "p99": latencies[len(latencies) * 99 // 100]}


def make_mapped_tables(landfall, work):
    """In a database of their own; what follows works on it."""
    psql("-c", "create database mapped")
    os.environ["PGDATABASE"] = "mapped"
    migrations = os.path.join(work, "migrations")
    for command in (["plan", "-o", migrations], ["migrate", "up", "--migrations", migrations, "--to", "constraints"]):
        subprocess.run([landfall, *command, "--map", MAP], check=True, capture_output=True)


# Servers --------------------------------------------------------------------------------------------------------------------------

class Gateway:
    def __init__(self, landfall, *options):
        self.process = subprocess.Popen([landfall, "serve", "--listen", "127.0.0.1:0", *options], stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        match = re.search(r"http://(\S+)", line)
        if not match:
            raise SystemExit(f"landfall serve did not get ready: {line}")
        self.address = match.group(1)

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def make_access_key(landfall, key_file):
    made = json.loads(subprocess.run([landfall, "access-key", "create", "--json", "--key-file", key_file], check=True, capture_output=True, text=True).stdout)
    return made["access_key_id"], made["secret_access_key"]


class Local:
    def __init__(self):
        self.address = "127.0.0.1:8391"
        self.process = subprocess.Popen(["java", "-Djava.library.path=DynamoDBLocal_lib", "-jar", "DynamoDBLocal.jar", "-inMemory", "-sharedDb", "-port", "8391"],
                                        cwd=EMULATOR, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(200):
            try:
                call(self.address, "ListTables", {}, ("local", "local"))
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("DynamoDB Local did not get ready")

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


# The run --------------------------------------------------------------------------------------------------------------------------

BUDGETS = [("GetItem", False, 1.5), ("PutItem", False, 2.0), ("PutItem", True, 1.2), ("UpdateItem", False, 1.0), ("Query", False, 0.8)]
OF_ITEM_STORE = 0.7  # the relational store's budget


def measure(load, address, credentials, seconds, work, theirs, label):
    rates = {}
    for operation, streamed, budget in BUDGETS:
        path = os.path.join(work, "requests")
        write_requests(path, address, operation, bodies(operation, "bench", "streamed" if streamed else None), credentials)
        result = run_load(load, address, path, seconds)
        name = operation + (" (stream)" if streamed else "")
        rates[name] = result["rate"]
        ratio = result["rate"] / theirs[operation]
        print(f"{name:22}{label:22}{result['rate']:9,}/s{theirs[operation]:11,.0f}/s  ratio {ratio:5.2f}  >= {budget}   p50 {result['p50'] / 1000:.1f} ms, p99 {result['p99'] / 1000:.1f} ms", flush=True)
    return rates


def measure_relational(load, gateway, credentials, seconds, work, item_store):
    """Beside the item store on the same server, one after the other."""
    for operation, streamed, _ in BUDGETS:
        if streamed:
            continue
        path = os.path.join(work, "requests")
        write_requests(path, gateway.address, operation, bodies(operation, "bench", None), credentials)
        rate = run_load(load, gateway.address, path, seconds)["rate"]
        print(f"{operation:22}{'relational store':22}{rate:9,}/s{item_store[operation]:11,}/s  ratio {rate / item_store[operation]:5.2f}  >= {OF_ITEM_STORE} of the item store", flush=True)


def at_half_load(load, address, credentials, seconds, work, rates):
    for operation in ("GetItem", "PutItem"):
        path = os.path.join(work, "requests")
        write_requests(path, address, operation, bodies(operation, "bench", None), credentials)
        rate = rates[operation] // 2
        half, theirs = run_load(load, address, path, seconds, rate=rate), pgbench_at(operation, rate, seconds, work)
        print(f"{operation:22}{'at half load':22}{half['rate']:9,}/s   p50 {half['p50'] / 1000:.2f} ms, p99 {half['p99'] / 1000:.2f} ms (<= 5), p99.9 {half['p999'] / 1000:.2f} ms; "
              f"pgbench p50 {theirs['p50'] / 1000:.2f} ms, p99 {theirs['p99'] / 1000:.2f} ms", flush=True)


def bench_local(load, seconds, work):
    if not shutil.which("java") or not os.path.isdir(EMULATOR):
        print("DynamoDB Local: install java, then `npm ci --prefix tests/oracle`")
        return
    local, credentials = Local(), ("local", "local")
    try:
        create(local.address, "bench", credentials)
        fill(local.address, "bench", credentials, ITEMS_OF_LOCAL)
        for operation in ("GetItem", "PutItem", "UpdateItem", "Query"):
            path = os.path.join(work, "requests")
            write_requests(path, local.address, operation, bodies(operation, "bench", None, items=ITEMS_OF_LOCAL), credentials)
            print(f"{operation:22}{'DynamoDB Local':22}{run_load(load, local.address, path, seconds)['rate']:9,}/s", flush=True)
    finally:
        local.stop()


def main():
    landfall, load = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    work = tempfile.mkdtemp(prefix="landfall-bench-")
    os.chmod(work, 0o755)
    server = harness.Server(SETTINGS, work)
    os.environ.update(PGHOST=server.folder, PGUSER="landfall", PGDATABASE="postgres")
    gateway = None
    try:
        make_rows()
        theirs = {operation: pgbench(operation, seconds, work) for operation in PGBENCH}
        gateway, credentials = Gateway(landfall), ("bench", "bench")
        for name in ("bench", "streamed"):
            create(gateway.address, name, credentials, name == "streamed")
            fill(gateway.address, name, credentials)
        psql("-c", "vacuum analyze")
        rates = measure(load, gateway.address, credentials, seconds, work, theirs, "item store")
        at_half_load(load, gateway.address, credentials, seconds, work, rates)
        gateway.stop()
        key_file = os.path.join(work, "landfall.key")
        access_key = make_access_key(landfall, key_file)
        gateway = Gateway(landfall, "--auth", "sigv4", "--key-file", key_file)
        measure(load, gateway.address, access_key, seconds, work, theirs, "item store, SigV4")
        gateway.stop()
        make_mapped_tables(landfall, work)
        gateway = Gateway(landfall, "--map", MAP)
        fill(gateway.address, "bench", credentials)
        psql("-c", "vacuum analyze")
        measure_relational(load, gateway, credentials, seconds, work, rates)
    finally:
        if gateway:
            gateway.stop()
        server.stop()
        shutil.rmtree(work)
    bench_local(load, seconds, tempfile.gettempdir())


if __name__ == "__main__":
    main()
