"""The same items as DynamoDB JSON, as text Ion and as binary Ion: the same map, the same rows, and errors that name the place."""
import json

import ion
from harness import *

FAILED, REJECTED = 1, 3
TABLES = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'things' ORDER BY 1"


def odd_things():
    """Every type, and values that formats write in different ways."""
    values = [{"N": number} for number in ("0", "-7", "1.50", "1E-130", "-9.9999999999999999999999999999999999999E+125", "63", "64e-64", "128")]
    values += [{"S": text} for text in ("", "x" * 13, "y" * 14, "z" * 200, "\u0000\u0007\"'\\", "\U0001f600 \u00e9\u2028")]
    values += [{"NULL": True}, {"BOOL": True}, {"BOOL": False}, {"B": "AAECAwQ="}, {"B": ""}, {"L": []}, {"M": {}},
               {"SS": ["b", "a"]}, {"NS": ["1", "-2.5"]}, {"BS": ["AA==", "//8="]}, {"L": [{"N": "1"}, {"L": [{"M": {"a": {"S": "b"}}}]}]},
               {"M": {f"name {number}": {"N": str(number)} for number in range(200)}}]
    return [json.loads(thing(number, value=value)) for number, value in enumerate(values, 10000)] + list(map(json.loads, things(3000)))


class Ion(DatabaseCase):
    def write_formats(self, records):
        self.write("json/items.json.gz", gzip_of(map(json.dumps, records)))
        self.write("text/items.ion.gz", gzip_of(map(ion.text_line, records)))
        half = len(records) // 2
        self.write("binary/items.10n", ion.binary(records[:half]) + ion.binary(records[half:]))

    def dump(self):
        """All rows of all tables, as text."""
        return {table: self.sql(f"SELECT t::text FROM {table} t ORDER BY 1") for table in self.sql(TABLES).split() + ["landfall.item"]}

    def test_three_formats_give_the_same_rows(self):
        records = odd_things()
        self.write_formats(records)
        maps, dumps, drifts = [], [], []
        for name in ("json", "text", "binary"):
            self.setUp()
            self.write_formats(records)
            self.prepare(name, *KEY)
            self.landfall("backfill", name, *KEY)
            maps.append((self.folder / "landfall.yaml").read_text())
            dumps.append(self.dump())
            for source in ("json", "text", "binary"):
                self.assertIn(f"{len(records):,} items compared, 0 differences, 0 missing, 0 extra",
                              self.landfall("verify", source, "--reread", *KEY))
                drifts.append(self.start("inspect", source, "--drift", *KEY).communicate(timeout=SECONDS_MAX)[0])
        self.assertIn("items drifted", drifts[0])
        for seen in (maps, dumps, drifts):
            self.assertTrue(all(one == seen[0] for one in seen), "each format gives the same")

    def test_a_bad_record_has_a_place_and_can_be_rejected(self):
        good = list(map(json.loads, things(20)))
        large = [json.loads(thing(number, note={"S": "x" * 400 * 1024})) for number in (100, 101)]
        self.write("good/items.jsonl", text_of(things(20)))
        self.write("bad/items.ion", ion.binary(good[:2] + large[:1] + good[2:10] + large[1:] + good[10:]))
        self.prepare("good", *KEY)
        self.assertRegex(self.landfall("inspect", "bad", "-o", "other.yaml", *KEY, status=FAILED), r"bad/items\.ion:3: byte \d+: Item size")
        self.assertRegex(self.landfall("backfill", "bad", *KEY, status=FAILED), r"bad/items\.ion:3: byte \d+: Item size")
        self.landfall("backfill", "bad", *KEY, "--rejects", "rejects.ion", status=REJECTED)
        self.assertEqual(self.sql("SELECT file, line FROM landfall.reject ORDER BY 2"), "items.ion|3\nitems.ion|12")
        self.assertEqual(self.sql("SELECT count(*) FROM things.thing"), "20")
        rejects = (self.folder / "rejects.ion").read_bytes()
        self.assertTrue(rejects.startswith(ion.MARKER))
        self.assertRegex(self.landfall("inspect", "rejects.ion", "-o", "other.yaml", *KEY, status=FAILED), r"rejects\.ion:1: byte \d+: Item size")
        self.assertIn("20 items compared, 0 differences", self.landfall("verify", "bad", "--reread", *KEY))

    def test_a_file_that_ends_early_or_is_damaged_stops_the_command(self):
        stream = ion.binary(map(json.loads, things(20)))
        self.write("good/items.ion", stream)
        self.write("short/items.ion", stream[:-1])
        self.write("damaged/items.ion", stream + b"\xff" + stream)
        self.prepare("good", *KEY)
        for options in ([], ["--rejects", "rejects.ion"]):
            self.assertRegex(self.landfall("backfill", "short", *KEY, *options, status=FAILED), r"short/items\.ion: ends within the value at byte \d+")
            self.assertIn(f"damaged/items.ion: the value at byte {len(stream)}: 0xFF at byte 0 begins no value",
                          self.landfall("backfill", "damaged", *KEY, *options, status=FAILED))


if __name__ == "__main__":
    unittest.main()
