"""New items that no longer fit the map: what is said about them, and that the proposals make them fit without losing anything."""
import json
import re
import shutil
import unittest

from harness import *

ITEMS = 400
DIFFERENT = 3
NO_DIFFERENCES = " 0 differences, 0 missing, 0 extra"
UUID = "0b51f5a4-93f4-4f0c-8f8e-{:012d}"
WORDS = ["low", "high", "urgent, very"]

NEW = {
    "token": lambda n: {"S": UUID.format(n)},
    "openedAt": lambda n: {"S": f"2024-02-{n % 29 + 1:02d}T10:11:12.{n % 1000:03d}Z"},
    "plainAt": lambda n: {"S": f"0001-01-{n % 31 + 1:02d}T23:59:59Z"},
    "microAt": lambda n: {"S": f"9999-12-31T23:59:59.{n:06d}Z"},
    "offsetAt": lambda n: {"S": f"2024-06-01T00:{n % 60:02d}:00+00:00"},
    "offsetMsAt": lambda n: {"S": f"2024-06-01T00:00:00.{n:03d}+00:00"},
    "offsetUsAt": lambda n: {"S": f"2024-06-01T00:00:00.{n:06d}+00:00"},
    "closedAt": lambda n: {"N": str(1700000000 + n)},
    "seenAt": lambda n: {"N": str(1700000000123 + n)},
    "birthday": lambda n: {"S": f"20{n % 90 + 10}-12-31"},
    "size": lambda n: {"N": str(n * 1000 - 5)},
    "huge": lambda n: {"N": str(-9000000000000000000 - n)},
    "price": lambda n: {"N": f"{n}.0625"},
    "active": lambda n: {"BOOL": n % 2 == 0},
    "raw": lambda n: {"B": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="},
    "tags": lambda n: {"SS": ["b", "a", f"ü{n}"]},
    "scores": lambda n: {"NS": ["10", "9", "-1.5"]},
    "blobs": lambda n: {"BS": ["/w==", "AA=="]},
    "steps": lambda n: {"L": [{"S": word} for word in WORDS[:n % 4]]},
    "o'dd \"na\\me": lambda n: {"S": f"text {n}"},
    "details": lambda n: {"M": {"a": {"N": f"{n}.5"}, "b": {"L": [{"S": "x"}, {"NULL": True}, {"BOOL": False}, {"L": []}, {"M": {}}]}}},
}
INSTANTS = ["opened_at", "plain_at", "micro_at", "offset_at", "offset_ms_at", "offset_us_at", "closed_at", "seen_at"]
COLUMNS = {**dict.fromkeys(INSTANTS, "timestamp with time zone"), "token": "uuid", "birthday": "date", "size": "integer", "huge": "bigint", "price": "numeric",
           "active": "boolean", "raw": "bytea", "tags": "ARRAY", "scores": "ARRAY", "blobs": "ARRAY", "steps": "ARRAY",
           "o_dd_na_me": "text", "details": "jsonb"}

# Beside values that fit, one of each that the column must not take.
ODD = {
    "token": {"S": UUID.format(1).upper()}, "openedAt": {"S": "2023-02-29T10:11:12.000Z"}, "closedAt": {"N": "1700000000.5"},
    "plainAt": {"S": "2024-01-01T24:00:00Z"}, "microAt": {"S": "2024-01-01T00:00:60.000000Z"}, "offsetAt": {"S": "2024-06-01T00:00:00+02:00"},
    "offsetMsAt": {"S": "2024-06-01T00:00:00.000-00:00"}, "offsetUsAt": {"S": "2024-13-01T00:00:00.000000+00:00"},
    "seenAt": {"N": "-99999999999999999"}, "birthday": {"S": "0000-01-01"}, "size": {"N": "2147483648"},
    "huge": {"N": "9223372036854775808"}, "price": {"S": "1"}, "active": {"NULL": True}, "raw": {"S": "AAEC"}, "tags": {"L": [{"S": "a"}]},
    "scores": {"SS": ["1"]}, "blobs": {"NULL": True}, "steps": {"L": [{"S": "a"}, {"N": "1"}]}, "o'dd \"na\\me": {"S": "nul\0"},
    "details": {"M": {"a": {"SS": ["x"]}}},
}


def grown(number, odd=()):
    return thing(number, **{**{name: make(number) for name, make in NEW.items()}, **dict(odd)})


class Drift(DatabaseCase):
    def setUp(self):
        super().setUp()
        self.write("old/items.jsonl", text_of(things(ITEMS)))
        self.prepare("old", *KEY)

    def drift(self, source, *options):
        process = self.start("inspect", source, *KEY, "--drift", "--json", *options)
        output, errors = process.communicate(timeout=SECONDS_MAX)
        self.assertEqual(process.returncode, DIFFERENT, errors)
        return json.loads(output)

    def assert_verified(self, *options):
        self.assertIn(NO_DIFFERENCES, self.landfall("verify", "new", *KEY, "--reread", *options))

    def apply_columns(self):
        """The lines of columns.yaml under the columns of the map's one entity."""
        lines = (self.folder / "drift/columns.yaml").read_text().splitlines(keepends=True)
        added = [line for line in lines if line.startswith(" " * 10) and "{ attr:" in line]
        text = (self.folder / "landfall.yaml").read_text()
        self.assertEqual(len(re.findall(r"^        columns:\n", text, re.M)), 1)
        self.write("new.yaml", re.sub(r"^        columns:\n", lambda match: match[0] + "".join(added), text, flags=re.M))

    def test_items_that_fit(self):
        for jobs in ("1", "3"):
            output = self.landfall("inspect", "old", *KEY, "--drift", "--jobs", jobs)
            self.assertEqual(output, f"no drift: {ITEMS} items fit the map\n")

    def test_the_split_does_not_matter(self):
        for part in range(8):
            lines = [grown(n) if n % 3 else thing(n, count={"S": f"{n}"}) for n in range(part * 50, part * 50 + 50)]
            self.write(f"parts/{part}.jsonl", text_of(lines))
        one, three = self.drift("parts", "--jobs", "1"), self.drift("parts", "--jobs", "3")
        self.assertEqual(one, three)

    def test_what_is_said(self):
        lines = things(ITEMS) + [thing(ITEMS + n, priority={"S": WORDS[n % 2]}) for n in range(40)]
        lines += [json.dumps({"Item": {"pk": {"S": f"bill|{n}"}, "sk": {"S": f"bill|{n}"}, "entityName": {"S": "Bill"}}}) for n in range(7)]
        self.write("new/items.jsonl", text_of(lines))
        result = self.drift("new")
        self.assertEqual([result["items"], result["drifted"]], [ITEMS + 47, 47])
        table = result["tables"][0]
        self.assertEqual(table["unclaimed"], 7)
        self.assertEqual(table["reasons"][0]["items"], 7)
        self.assertEqual(len(table["reasons"][0]["keys"]), 3)
        attribute = table["entities"][0]["attributes"][0]
        self.assertEqual([attribute["attribute"], attribute["items"], attribute["types"], attribute["column"], attribute["type"]],
                         ["priority", 40, "S 40", "priority", "text"])
        self.assertFalse((self.folder / "drift").exists(), "nothing is written without -o")

    def test_rare_attributes_get_no_column(self):
        self.write("new/items.jsonl", text_of(things(ITEMS) + [thing(ITEMS, rare={"S": "x"})]))
        attribute = self.drift("new", "-o", "drift")["tables"][0]["entities"][0]["attributes"][0]
        self.assertEqual(attribute["attribute"], "rare")
        self.assertNotIn("column", attribute)
        self.assertFalse((self.folder / "drift").exists())

    def test_a_column_that_is_too_narrow(self):
        text = (self.folder / "landfall.yaml").read_text()
        self.write("narrow.yaml", re.sub(r"(attr: count, type: integer), null: false", r"\1", text))
        self.write("new/items.jsonl", text_of(thing(n, count={"N": str(n + 2**31)}) for n in range(ITEMS)))
        attribute = self.drift("new", "--map", "narrow.yaml", "-o", "drift")["tables"][0]["entities"][0]["attributes"][0]
        self.assertEqual([attribute["attribute"], attribute["cause"], attribute["wider_type"]], ["count", "not_held", "bigint"])
        sql = next((self.folder / "drift").glob("*_drift.sql")).read_text()
        self.assertRegex(sql, r"-- ALTER TABLE things.thing ALTER COLUMN count TYPE bigint")
        self.assertNotRegex(sql, r"(?m)^ALTER")

    def test_the_proposals_there_and_back(self):
        lines = [grown(n) for n in range(ITEMS)] + things(2 * ITEMS)[ITEMS:]
        odd = [grown(2 * ITEMS + n, {name: value}) for n, (name, value) in enumerate(ODD.items())]
        self.write("new/items.jsonl", text_of(lines + odd))
        self.landfall("backfill", "new", *KEY)
        self.assert_verified()
        result = self.drift("new", "-o", "drift", "--type-share", "95")
        attributes = result["tables"][0]["entities"][0]["attributes"]
        self.assertEqual({a["column"] for a in attributes}, set(COLUMNS))
        migration = self.folder / result["migration"]
        shutil.copy(migration, self.folder / "migrations")
        self.landfall("migrate", "up")
        self.apply_columns()
        for column, kind in COLUMNS.items():
            self.assertEqual(self.sql("SELECT data_type FROM information_schema.columns WHERE table_schema = 'things'"
                                      f" AND table_name = 'thing' AND column_name = '{column}'"), kind, column)
            self.assertEqual(self.sql(f"SELECT count({column}) FROM things.thing"), str(ITEMS + len(ODD) - 1), column)
        self.assertEqual(self.sql("SELECT count(*) FROM things.thing WHERE ddb_extra IS NOT NULL"), str(len(ODD)))
        self.assertEqual(self.sql("SELECT opened_at AT TIME ZONE 'UTC', closed_at = to_timestamp(1700000003), size, price, details->'a'"
                                  " FROM things.thing WHERE thing_id = '3'"), "2024-02-04 10:11:12.003|t|2995|3.0625|3.5")
        self.assert_verified("--map", "new.yaml")
        self.landfall("migrate", "down", "--yes")
        self.assertEqual(self.sql("SELECT count(*) FROM things.thing WHERE ddb_extra IS NOT NULL"), str(ITEMS + len(ODD)))
        self.assert_verified()

    def test_the_proposed_map_fits(self):
        self.write("new/items.jsonl", text_of(grown(n) for n in range(ITEMS)))
        self.drift("new", "-o", "drift")
        self.apply_columns()
        self.assertIn("no drift", self.landfall("inspect", "new", *KEY, "--drift", "--map", "new.yaml"))


if __name__ == "__main__":
    unittest.main()
