"""Exports of DynamoDB to S3 as AWS writes them, and a server that makes them: what is asked of it besides goes on to a DynamoDB."""
import base64
import gzip
import hashlib
import json
import time
import uuid

import ion
from dynamodb import Client
from dynamodb_proxy import Proxy
from harness import gzip_of, text_of


def json_line(record):
    return json.dumps(record, separators=(",", ":"))


def lines(put):
    return lambda records: gzip_of(map(put, records))


# What a format is called in the manifest, in files' names, and how records are written in it.
JSON = ("DYNAMODB_JSON", "json.gz", lines(json_line))
ION_TEXT = ("ION", "ion.gz", lines(ion.text_line))
ION_BINARY = ("ION", "ion.gz", lambda records: gzip.compress(ion.binary(records)))


def md5(content):
    return base64.b64encode(hashlib.md5(content).digest()).decode()


def export_files(name, table, records, summary, form=JSON, data_files=2):
    """Keys below the prefix and their contents, the manifest's summary last; incremental ones keep their data in data/ beside their folders."""
    called, suffix, put = form
    where = "data" if "exportType" in summary else f"{name}/data"
    contents, files = {}, []
    for number in range(data_files):
        part = records[number::data_files]
        data = put(part)
        key = f"AWSDynamoDB/{where}/{name}-{number}.{suffix}"
        contents[key] = data
        files.append({"itemCount": len(part), "md5Checksum": md5(data), "etag": "x-1", "dataFileS3Key": key})
    manifest = {"tableArn": f"arn:aws:dynamodb:us-east-1:123456789012:table/{table}", "itemCount": len(records), "outputFormat": called, **summary}
    for manifest_name, content in (("manifest-files", text_of(map(json.dumps, files))), ("manifest-summary", json.dumps(manifest))):
        contents[f"AWSDynamoDB/{name}/{manifest_name}.md5"] = md5(content.encode()).encode()
        contents[f"AWSDynamoDB/{name}/{manifest_name}.json"] = content.encode()
    return contents


def time_text(unix_seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(unix_seconds)) + ".000Z"


def window_summary(begin, end):
    return {"exportType": "INCREMENTAL_EXPORT", "exportFromTime": time_text(begin), "exportToTime": time_text(end)}


def changes_between(before, after, written=None):
    """Records of an incremental export; items by their keys."""
    metadata = {"Metadata": {"WriteTimestampMicros": {"N": str(int((written or time.time()) * 1e6))}}}
    changes = []
    for key in sorted(set(before) | set(after)):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        keys = {name: (new or old)[name] for name in ("pk", "sk")}
        changes.append({**metadata, "Keys": keys, **({"OldImage": old} if old else {}), **({"NewImage": new} if new else {})})
    return changes


class ExportServer(Proxy):
    """In front of a DynamoDB: ExportTableToPointInTime, DescribeExport and DescribeContinuousBackups in AWS's shapes. An export holds what differs
    from the one before, and is in the bucket when DescribeExport has been asked `polls` times. `now` is its clock: exports may end then."""

    def __init__(self, upstream, headers, put):
        super().__init__(upstream)
        self.client, self.put = Client(upstream, headers), put
        self.now, self.earliest, self.is_on, self.polls = int(time.time()), 0, True, 1
        self.seen, self.exports, self.tokens, self.orders = {}, {}, {}, []
        self.fails_next, self.before_answer = None, None

    def stop(self):
        super().stop()
        self.client.close()

    def answer_itself(self, target, request):
        operation = getattr(self, target.partition(".")[2], None)
        if target.partition(".")[2] not in ("ExportTableToPointInTime", "DescribeExport", "DescribeContinuousBackups"):
            return None
        with self.lock:
            answer = operation(json.loads(request))
        if self.before_answer and operation == self.ExportTableToPointInTime:
            self.before_answer()
        return answer

    def refuse(self, name, message):
        return 400, {"__type": f"com.amazonaws.dynamodb.v20120810#{name}", "message": message}

    def DescribeContinuousBackups(self, body):
        recovery = {"PointInTimeRecoveryStatus": "DISABLED"}
        if self.is_on:
            recovery = {"PointInTimeRecoveryStatus": "ENABLED", "RecoveryPeriodInDays": 35, "EarliestRestorableDateTime": self.earliest + 0.5,
                        "LatestRestorableDateTime": self.now + 0.25}
        return 200, {"ContinuousBackupsDescription": {"ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": recovery}}

    def items(self, table):
        items, start = {}, {}
        while True:
            page = self.client("Scan", TableName=table, ConsistentRead=True, **start)
            items.update({(item["pk"]["S"], item["sk"]["S"]): item for item in page["Items"]})
            if "LastEvaluatedKey" not in page:
                return items
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def ExportTableToPointInTime(self, body):
        self.orders.append(body)
        if not self.is_on:
            return self.refuse("PointInTimeRecoveryUnavailableException", "Point in time recovery is not enabled for table")
        arn = self.tokens.get(body["ClientToken"])
        if arn and self.exports[arn]["order"] != body:
            return self.refuse("ExportConflictException", "the token was used for another export")
        if not arn:
            window = body["IncrementalExportSpecification"]
            seconds = window["ExportToTime"] - window["ExportFromTime"]
            if body["ExportType"] != "INCREMENTAL_EXPORT" or not 900 <= seconds <= 86400 or window["ExportToTime"] > self.now:
                return self.refuse("InvalidExportTimeException", f"{body}")
            arn = f"{body['TableArn']}/export/{uuid.uuid4().hex[:16]}"
            self.tokens[body["ClientToken"]] = arn
            items = self.items(body["TableArn"].rpartition("/")[2])
            self.exports[arn] = {"order": body, "changes": changes_between(self.seen, items), "polls": self.polls, "failure": self.fails_next}
            self.seen, self.fails_next = (items if not self.fails_next else self.seen), None
        return 200, {"ExportDescription": {"ExportArn": arn, "ExportStatus": "IN_PROGRESS", "ExportType": "INCREMENTAL_EXPORT", "TableArn": body["TableArn"]}}

    def DescribeExport(self, body):
        export = self.exports.get(body["ExportArn"])
        if not export:
            return self.refuse("ExportNotFoundException", "no such export")
        description = {"ExportArn": body["ExportArn"], "ExportStatus": "IN_PROGRESS", "ExportType": "INCREMENTAL_EXPORT"}
        if export["failure"]:
            return 200, {"ExportDescription": {**description, "ExportStatus": "FAILED", "FailureCode": "S3AccessDenied", "FailureMessage": export["failure"]}}
        export["polls"] -= 1
        if export["polls"] == 0:
            self.write(body["ExportArn"], export)
        return 200, {"ExportDescription": {**description, "ExportStatus": "COMPLETED" if export["polls"] <= 0 else "IN_PROGRESS"}}

    def write(self, arn, export):
        order = export["order"]
        window = order["IncrementalExportSpecification"]
        summary = window_summary(window["ExportFromTime"], window["ExportToTime"])
        prefix = f"{order['S3Prefix']}/" if order.get("S3Prefix") else ""
        for key, content in export_files(arn.rpartition("/")[2], order["TableArn"].rpartition("/")[2], export["changes"], summary).items():
            self.put(prefix + key, content)
