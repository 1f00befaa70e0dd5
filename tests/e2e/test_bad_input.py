"""Every row of "Bad input": an error that says where, or, for single items, a reject; never a silent skip, never half a row."""
import base64
import hashlib
import json
import shutil

from harness import *

FAILED, REJECTED, PRECONDITION = 1, 3, 4
KILOBYTE = 1024

BAD_LINES = {
    "not JSON": '{"Item":{"pk":{"S":"thing|x"},"sk":',
    "no type of DynamoDB": '{"Item":{"pk":{"S":"thing|x"},"sk":{"Q":"thing|x"}}}',
    "two types": '{"Item":{"pk":{"S":"thing|x"},"sk":{"S":"thing|x"},"a":{"S":"1","N":"1"}}}',
    "39 digits": '{"Item":{"pk":{"S":"thing|x"},"sk":{"S":"thing|x"},"a":{"N":"1' + 37 * "0" + '1"}}}',
    "an empty set": '{"Item":{"pk":{"S":"thing|x"},"sk":{"S":"thing|x"},"a":{"SS":[]}}}',
    "more behind the item": thing(9999) + " {}",
    "no sort key": '{"Item":{"pk":{"S":"thing|x"}}}',
    "a key of another type": '{"Item":{"pk":{"S":"thing|x"},"sk":{"N":"1"}}}',
    "not UTF-8": thing(9999).replace("number", "n\udc80mber").encode("utf-8", "surrogateescape"),
    "over 400 KB": thing(9999, note={"S": "x" * (400 * KILOBYTE)}),
}


class BadLine(DatabaseCase):
    """The bad line is the third; its neighbours are good."""

    def source_with(self, bad):
        bad = bad if isinstance(bad, bytes) else bad.encode()
        lines = [line.encode() for line in things(20)]
        lines.insert(2, bad)
        self.write("good/items.jsonl", text_of(things(20)))
        self.write("bad/items.jsonl", b"\n".join(lines) + b"\n")
        return bad

    def test_stops_the_command_with_its_place(self):
        for name, bad in BAD_LINES.items():
            with self.subTest(name):
                self.setUp()
                self.source_with(bad)
                self.prepare("good", *KEY)
                errors = self.landfall("backfill", "bad", *KEY, status=FAILED)
                self.assertRegex(errors, r"^landfall backfill: bad/items\.jsonl:3: ")
                self.assertEqual(self.sql("SELECT count(*) FROM things.thing"), "0", "a chunk is loaded whole or not at all")

    def test_inspect_says_the_same(self):
        for name in ("not JSON", "no type of DynamoDB", "over 400 KB"):
            with self.subTest(name):
                self.source_with(BAD_LINES[name])
                self.assertRegex(self.landfall("inspect", "bad", *KEY, status=FAILED), r"^landfall inspect: bad/items\.jsonl:3: ")
                self.assertFalse((self.folder / "landfall.yaml").exists())

    def test_the_byte_is_told(self):
        self.source_with(BAD_LINES["not JSON"])
        self.assertRegex(self.landfall("inspect", "bad", *KEY, status=FAILED), r"byte \d+")

    def test_goes_verbatim_to_the_rejects(self):
        for name, bad in BAD_LINES.items():
            with self.subTest(name):
                self.setUp()
                bad = self.source_with(bad)
                self.prepare("good", *KEY)
                errors = self.landfall("backfill", "bad", *KEY, "--rejects", "rejects.json", status=REJECTED)
                self.assertIn("1 line was rejected", errors)
                self.assertEqual((self.folder / "rejects.json").read_bytes(), bad + b"\n")
                self.assertEqual(self.sql("SELECT file, line, encode(content, 'hex') FROM landfall.reject"), f"items.jsonl|3|{bad.hex()}")
                self.assertEqual(self.sql("SELECT count(*) FROM things.thing"), "20")

    def test_400_kb_and_a_byte(self):
        names = "pk" + "sk" + "entityName" + "thingId" + "count" + "label" + "note"
        strings = "thing|9999" + "thing|9999" + "Thing" + "9999" + "number 9999"
        count_bytes = 2  # a number of one digit
        room = 400 * KILOBYTE - len(names) - len(strings) - count_bytes
        self.write("largest/items.jsonl", text_of(things(20) + [thing(9999, note={"S": "x" * room})]))
        self.write("larger/items.jsonl", text_of(things(20) + [thing(9999, note={"S": "x" * (room + 1)})]))
        self.prepare("largest", *KEY)
        self.assertRegex(self.landfall("backfill", "larger", *KEY, status=FAILED), r"items\.jsonl:21: ")
        self.landfall("backfill", "largest", *KEY)
        self.assertEqual(self.sql("SELECT count(*) FROM things.thing"), "21")


class BadFile(DatabaseCase):
    def test_a_truncated_gzip_member(self):
        whole = gzip_of(things(2000))
        self.write("good/items.json.gz", whole)
        self.write("bad/items.json.gz", whole[: len(whole) // 2])
        self.prepare("good", *KEY)
        for options in ([], ["--rejects", "rejects.json"]):
            errors = self.landfall("backfill", "bad", *KEY, *options, status=FAILED)
            self.assertRegex(errors, r"items\.json\.gz.*byte \d+")
        self.assertRegex(self.landfall("inspect", "bad", "-o", "other.yaml", *KEY, status=FAILED), r"items\.json\.gz")

    def court(self, change):
        """A copy of the sample export, changed by `change(folder of the manifest)`."""
        copy = self.folder / "court"
        shutil.copytree(COURT, copy, ignore=shutil.ignore_patterns("*.py"))
        change(next((copy / "AWSDynamoDB").iterdir()))
        self.prepare(COURT)
        return self.landfall("backfill", "court", status=FAILED)

    @staticmethod
    def rewrite(path, change):
        """Changes the first line of a manifest; its checksum goes with it."""
        first, *others = path.read_text().splitlines()
        values = json.loads(first)
        change(values)
        path.write_text(text_of([json.dumps(values), *others]))
        path.with_suffix(".md5").write_text(base64.b64encode(hashlib.md5(path.read_bytes()).digest()).decode())

    @staticmethod
    def one_more(values):
        values["itemCount"] += 1

    def test_a_file_whose_count_does_not_match(self):
        def change(folder):
            self.rewrite(folder / "manifest-files.json", self.one_more)
            self.rewrite(folder / "manifest-summary.json", self.one_more)

        self.assertRegex(self.court(change), r"\.json\.gz.*items")

    def test_manifests_that_do_not_match(self):
        errors = self.court(lambda folder: self.rewrite(folder / "manifest-summary.json", self.one_more))
        self.assertRegex(errors, r"manifest-summary\.json.*1993")

    def test_a_file_whose_md5_does_not_match(self):
        errors = self.court(lambda folder: self.rewrite(folder / "manifest-files.json", lambda file: file.update(md5Checksum="1B2M2Y8AsgTpgAmY7PhCfg==")))
        self.assertRegex(errors, r"\.json\.gz.*MD5")

    def test_a_manifest_that_was_changed(self):
        def change(folder):
            path = folder / "manifest-summary.json"
            path.write_text(path.read_text().replace("example-bucket", "other-bucket"))

        self.assertRegex(self.court(change), r"manifest-summary\.json.*MD5")

    def test_a_data_file_that_is_missing(self):
        errors = self.court(lambda folder: next((folder / "data").iterdir()).unlink())
        self.assertRegex(errors, r"\.json\.gz")


class BadMap(DatabaseCase):
    def setUp(self):
        super().setUp()
        self.write("data/items.jsonl", text_of(things(20)))
        self.landfall("inspect", "data", *KEY)
        self.map = self.folder / "landfall.yaml"

    def line_of(self, text):
        lines = self.map.read_text().splitlines()
        return 1 + next(number for number, line in enumerate(lines) if text in line)

    def test_a_column_that_the_table_lacks(self):
        self.landfall("plan")
        self.landfall("migrate", "up")
        self.map.write_text(self.map.read_text().replace("          label:", "          colour: { attr: colour, type: text }\n          label:", 1))
        line = self.line_of("colour:")
        errors = self.landfall("backfill", "data", *KEY, status=FAILED)
        self.assertRegex(errors, rf"landfall\.yaml:{line}\b.*colour|line {line}\b.*colour")
        self.assertEqual(self.sql("SELECT count(*) FROM things.thing"), "0")

    def test_a_key_template_that_names_no_column(self):
        self.map.write_text(self.map.read_text().replace("{thing_id}", "{no_such_column}", 1))
        line = self.line_of("{no_such_column}")
        self.assertRegex(self.landfall("plan", status=FAILED), rf"landfall\.yaml:{line}\b.*no_such_column|line {line}\b.*no_such_column")

    def test_yaml_that_is_none(self):
        self.map.write_text("version: 1\ntables: [\n")
        self.assertRegex(self.landfall("plan", status=FAILED), r"landfall\.yaml:\d+")

    def test_no_map(self):
        self.map.unlink()
        self.assertIn("landfall inspect SOURCE", self.landfall("plan", status=FAILED))


class BadOrder(DatabaseCase):
    def test_a_load_before_the_tables(self):
        self.write("data/items.jsonl", text_of(things(20)))
        self.landfall("inspect", "data", *KEY)
        self.landfall("plan")
        self.assertIn("migrate up", self.landfall("backfill", "data", *KEY, status=PRECONDITION))

    def test_a_migration_edited_after_it_was_applied(self):
        self.write("data/items.jsonl", text_of(things(20)))
        self.prepare("data", *KEY)
        tables = next((self.folder / "migrations").glob("*_expand_tables.sql"))
        tables.write_text(tables.read_text() + "-- later\n")
        self.assertIn(tables.name, self.landfall("migrate", "up", status=PRECONDITION))

    def test_a_source_that_is_not_there(self):
        self.assertIn("nowhere", self.landfall("inspect", "nowhere", status=FAILED))

    def test_a_source_without_a_key(self):
        self.write("data/items.jsonl", text_of(things(20)))
        self.assertIn("--key", self.landfall("inspect", "data", status=FAILED))

    def test_a_folder_that_is_left_out_is_named(self):
        shutil.copytree(COURT, self.folder / "data" / "court", ignore=shutil.ignore_patterns("*.py"))
        self.write("data/notes/items.jsonl", text_of(things(20)))
        process = self.start("inspect", "data")
        output, errors = process.communicate(timeout=SECONDS_MAX)
        self.assertEqual(process.returncode, 0, errors)
        self.assertRegex(errors, r"data/notes: left out, .*table\.json")
        self.assertNotIn("notes", output)


if __name__ == "__main__":
    unittest.main()
