"""compare_items.py must see each kind of difference, and none where DynamoDB sees none."""
import base64
import gzip
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import unittest

CHECKER = os.path.join(os.path.dirname(__file__), "..", "..", "tools", "compare_items.py")
TABLE = {"Table": {"TableName": "t", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]}}


def item(key, value):
    return {"pk": {"S": key}, "v": value}


def md5(data):
    return base64.b64encode(hashlib.md5(data).digest()).decode()


class CompareItems(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self.temporary.cleanup)

    def folder(self, name):
        path = os.path.join(self.temporary.name, name)
        os.makedirs(path, exist_ok=True)
        return path

    def write(self, name, items):
        folder = self.folder(name)
        with gzip.open(os.path.join(folder, "items.ddb.json.gz"), "wt") as file:
            file.writelines(json.dumps({"Item": each}) + "\n" for each in items)
        with open(os.path.join(folder, "table.json"), "w") as file:
            json.dump(TABLE, file)
        return folder

    def write_export(self, name, items, count=None, md5_of=None):
        above = self.folder(name)
        folder = self.folder(f"{name}/AWSDynamoDB/01-ab")
        self.folder(f"{name}/AWSDynamoDB/01-ab/data")
        data = gzip.compress("".join(json.dumps({"Item": each}) + "\n" for each in items).encode())
        with open(os.path.join(folder, "data", "a.json.gz"), "wb") as file:
            file.write(data)
        entry = {"itemCount": len(items) if count is None else count, "md5Checksum": md5(md5_of or data),
                 "dataFileS3Key": "prefix/AWSDynamoDB/01-ab/data/a.json.gz"}
        summary = {"tableArn": "arn:aws:dynamodb:local:0:table/t", "itemCount": entry["itemCount"], "outputFormat": "DYNAMODB_JSON"}
        for manifest, content in (("summary", summary), ("files", entry)):
            text = json.dumps(content) + "\n"
            with open(os.path.join(folder, f"manifest-{manifest}.json"), "w") as file:
                file.write(text)
            with open(os.path.join(folder, f"manifest-{manifest}.md5"), "w") as file:
                file.write(md5(text.encode()))
        return above

    def compare(self, source, export):
        done = subprocess.run([sys.executable, CHECKER, source, export], capture_output=True, text=True, check=False)
        return done.returncode, (done.stdout.splitlines() or [""])[-1]

    def values(self, ours, theirs):
        return self.compare(self.write("a", [item("1", ours)]), self.write("b", [item("1", theirs)]))

    def test_equal(self):
        for ours, theirs in (
                ({"N": "1.50"}, {"N": "1.5"}), ({"N": "100"}, {"N": "1E2"}), ({"N": "-0"}, {"N": "0.00"}),
                ({"N": "1" * 38}, {"N": "1" * 38 + ".0"}), ({"NS": ["1", "2"]}, {"NS": ["2.0", "1"]}),
                ({"SS": ["a", "b"]}, {"SS": ["b", "a"]}), ({"M": {"a": {"S": "1"}, "b": {"S": "2"}}}, {"M": {"b": {"S": "2"}, "a": {"S": "1"}}})):
            self.assertEqual(self.values(ours, theirs), (0, "1 items, 0 differences"), f"{ours} {theirs}")

    def test_different(self):
        for ours, theirs in (
                ({"N": "1" * 37 + "1"}, {"N": "1" * 37 + "2"}), ({"N": "1"}, {"S": "1"}), ({"N": "1"}, {"N": "-1"}), ({"N": "1"}, {"N": "10"}),
                ({"L": [{"S": "a"}, {"S": "b"}]}, {"L": [{"S": "b"}, {"S": "a"}]}), ({"SS": ["a"]}, {"L": [{"S": "a"}]}),
                ({"B": "AA=="}, {"B": "AQ=="}), ({"BOOL": True}, {"BOOL": False}), ({"S": ""}, {"NULL": True}), ({"S": "a"}, {"S": "a\u0000"})):
            self.assertEqual(self.values(ours, theirs), (1, "1 items, 1 differences"), f"{ours} {theirs}")

    def test_missing_extra_and_twice(self):
        one, two = item("1", {"S": "x"}), item("2", {"S": "x"})
        both = self.write("both", [one, two])
        self.assertEqual(self.compare(both, self.write("less", [one])), (1, "2 items, 1 differences"))
        self.assertEqual(self.compare(self.write("less", [one]), both), (1, "1 items, 1 differences"))
        self.assertEqual(self.compare(both, self.write("twice", [one, two, two])), (1, "2 items, 1 differences"))

    def test_tables_by_name(self):
        self.write("many/x", [item("1", {"S": "x"})])
        other = self.write("many/y", [item("1", {"S": "y"})])
        with open(os.path.join(other, "table.json"), "w") as file:
            json.dump({"Table": {**TABLE["Table"], "TableName": "u"}}, file)
        many = self.folder("many")
        self.assertEqual(self.compare(many, many), (0, "2 items, 0 differences"))
        self.assertEqual(self.compare(many, self.write("one", [item("1", {"S": "x"})])), (1, "2 items, 1 differences"))

    def test_export_layout(self):
        items = [item("1", {"S": "x"}), item("2", {"S": "y"})]
        source = self.write("source", items)
        self.assertEqual(self.compare(source, self.write_export("good", items)), (0, "2 items, 0 differences"))
        self.assertEqual(self.compare(source, self.write_export("count", items, count=3))[0], 2)
        self.assertEqual(self.compare(source, self.write_export("md5", items, md5_of=b"other"))[0], 2)

    def test_unreadable(self):
        source = self.write("source", [item("1", {"S": "x"})])
        self.assertEqual(self.compare(source, self.write("type", [item("1", {"X": "x"})]))[0], 2)
        self.assertEqual(self.compare(source, self.folder("empty"))[0], 2)


if __name__ == "__main__":
    unittest.main()
