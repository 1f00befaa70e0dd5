"""A table of DynamoDB and its stream, whose shards do what a test says: split, close, lose their records, expire iterators."""
import http.server
import json
import threading

STREAM = "arn:aws:dynamodb:eu-central-1:000000000000:table/things/stream/2026-01-01T00:00:00.000"


class Refusal(Exception):
    def __init__(self, type, message="refused", status=400):
        super().__init__(message)
        self.type, self.status = type, status


class Shard:
    def __init__(self, id, parent=None):
        self.id, self.parent, self.records, self.is_closed, self.trimmed = id, parent, [], False, 0


class StreamServer:
    """Calls of `on` (operation -> function(request)) come before the answer: they may raise a Refusal, or change the stream."""

    def __init__(self, shards_per_page=100, records_per_page=1000):
        self.lock = threading.RLock()
        self.shards, self.items, self.number, self.on, self.calls = {}, {}, 0, {}, []
        self.shards_per_page, self.records_per_page = shards_per_page, records_per_page
        self.stream, self.status, self.now = STREAM, "ENABLED", 0
        self.iterators, self.cuts = {}, 0
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, answer = server.answer(self.headers["X-Amz-Target"].partition(".")[2], body)
                if status == 0:
                    self.close_connection = True
                    return
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def stop(self):
        self.http.shutdown()
        self.http.server_close()

    # What tests do

    def add_shard(self, id, parent=None):
        with self.lock:
            self.shards[id] = Shard(id, parent)

    def close_shard(self, id):
        with self.lock:
            self.shards[id].is_closed = True

    def split(self, id, *children):
        with self.lock:
            self.close_shard(id)
            for child in children:
                self.add_shard(child, id)

    def drop_shard(self, id):
        with self.lock:
            del self.shards[id]

    def trim(self, id, count):
        """The oldest records are gone."""
        with self.lock:
            self.shards[id].trimmed = max(self.shards[id].trimmed, count)

    def expire_iterators(self):
        with self.lock:
            self.iterators.clear()

    def write(self, shard, key, item, old=None):
        """A change of an item ({name: value}); None removes it."""
        import time
        with self.lock:
            self.number += 1
            change = {"SequenceNumber": f"{self.number:021}", "ApproximateCreationDateTime": int(time.time()), "Keys": key, "StreamViewType": "NEW_AND_OLD_IMAGES"}
            if item is not None:
                change["NewImage"] = item
            if old is not None:
                change["OldImage"] = old
            event = "REMOVE" if item is None else "MODIFY" if old else "INSERT"
            self.shards[shard].records.append({"eventID": str(self.number), "eventName": event, "dynamodb": change})
            self.items[json.dumps(key, sort_keys=True)] = item

    # What clients ask

    def answer(self, operation, body):
        with self.lock:
            self.calls.append(operation)
            try:
                if operation in self.on:
                    self.on[operation](body)
                answer = getattr(self, operation)(body)
            except Refusal as refusal:
                return refusal.status, {"__type": f"com.amazonaws.dynamodb.v20120810#{refusal.type}", "message": str(refusal)}
            if self.cuts and operation == "GetRecords" and answer["Records"]:
                self.cuts -= 1
                return 0, None
            return 200, answer

    def DescribeTable(self, body):
        return {"Table": {"TableName": body["TableName"], "TableStatus": "ACTIVE", "LatestStreamArn": self.stream,
                          "StreamSpecification": {"StreamEnabled": self.status == "ENABLED", "StreamViewType": "NEW_AND_OLD_IMAGES"},
                          "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
                          "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]}}

    def DescribeStream(self, body):
        ids = sorted(self.shards)
        after = body.get("ExclusiveStartShardId")
        ids = [id for id in ids if after is None or id > after]
        page = ids[:self.shards_per_page]
        answer = {"StreamArn": self.stream, "TableName": "things", "StreamStatus": self.status, "StreamViewType": "NEW_AND_OLD_IMAGES", "Shards": []}
        for id in page:
            shard = self.shards[id]
            numbers = {"StartingSequenceNumber": "000000000000000000001"}
            if shard.is_closed:
                numbers["EndingSequenceNumber"] = f"{self.number:021}"
            answer["Shards"].append({"ShardId": id, "SequenceNumberRange": numbers, **({"ParentShardId": shard.parent} if shard.parent else {})})
        if len(ids) > len(page):
            answer["LastEvaluatedShardId"] = page[-1]
        return {"StreamDescription": answer}

    def iterator(self, shard, position):
        self.now += 1
        self.iterators[f"iterator-{self.now}"] = (shard, position)
        return f"iterator-{self.now}"

    def GetShardIterator(self, body):
        shard = self.shards.get(body["ShardId"])
        if not shard:
            raise Refusal("ResourceNotFoundException", "no such shard")
        if body["ShardIteratorType"] == "TRIM_HORIZON":
            return {"ShardIterator": self.iterator(shard.id, shard.trimmed)}
        assert body["ShardIteratorType"] == "AFTER_SEQUENCE_NUMBER", body
        position = sum(record["dynamodb"]["SequenceNumber"] <= body["SequenceNumber"] for record in shard.records)
        if position < shard.trimmed:
            raise Refusal("TrimmedDataAccessException", "beyond the trim horizon")
        return {"ShardIterator": self.iterator(shard.id, position)}

    def GetRecords(self, body):
        if body["ShardIterator"] not in self.iterators:
            raise Refusal("ExpiredIteratorException", "too old")
        id, position = self.iterators[body["ShardIterator"]]
        shard = self.shards[id]
        if position < shard.trimmed:
            raise Refusal("TrimmedDataAccessException", "beyond the trim horizon")
        records = shard.records[position:position + self.records_per_page]
        answer = {"Records": records}
        if not shard.is_closed or position + len(records) < len(shard.records):
            answer["NextShardIterator"] = self.iterator(id, position + len(records))
        return answer

    def GetItem(self, body):
        item = self.items.get(json.dumps(body["Key"], sort_keys=True))
        return {"Item": item} if item else {}

    def Scan(self, body):
        items = [item for item in self.items.values() if item] if body.get("Segment", 0) == 0 else []
        return {"Items": items, "Count": len(items), "ScannedCount": len(items)}
