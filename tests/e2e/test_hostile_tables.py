"""Tables from hostile_tables.py go the whole way and come back the same: HOSTILE_TABLES of them (20), from a seed that is printed.

HOSTILE_SEED=S repeats a run, HOSTILE_FIRST=N begins with its table N. What comes back is compared by tools/compare_items.py, which has none
of Landfall's code.
"""
import os
import random
import subprocess
import sys

from harness import *
from hostile_tables import HostileTable

TABLES = int(os.environ.get("HOSTILE_TABLES", "20"))
FIRST = int(os.environ.get("HOSTILE_FIRST", "0"))
SEED = os.environ.get("HOSTILE_SEED") or str(random.randrange(10 ** 9))


class HostileTables(DatabaseCase):
    items = unclaimed = 0

    def test_the_whole_way(self):
        print(f"HOSTILE_SEED={SEED}", flush=True)
        for number in range(FIRST, FIRST + TABLES):
            with self.subTest(f"HOSTILE_SEED={SEED} HOSTILE_FIRST={number} HOSTILE_TABLES=1"):
                self.there_and_back(number, HostileTable(f"{SEED}:{number}"))
        print(f"{TABLES} tables, {self.items} items, {self.unclaimed} of them claimed by no entity")
        self.assertLess(self.unclaimed, self.items / 2)

    def test_a_literal_with_a_nul(self):
        """What all keys have in common is no literal of the template when PostgreSQL cannot hold it."""
        table = HostileTable("nul")
        table.key, table.indexes = [("pk", "S"), ("sk", "S")], []
        table.items = [{"pk": {"S": "nul\0byte#acme"}, "sk": {"S": f"a#{n}"}, "n": {"N": str(n)}} for n in range(20)]
        self.there_and_back(0, table)

    def there_and_back(self, number, table):
        place = self.folder / str(number)
        place.mkdir()
        source, database = place / "source", f"hostile{number}"
        self.write(source / "items.json.gz", gzip_of(table.lines()))
        self.write(source / "table.json", table.definition())
        self.environment["PGDATABASE"] = "postgres"
        self.sql(f"CREATE DATABASE {database}")
        self.environment["PGDATABASE"] = database
        at = lambda name: place / name
        self.landfall("inspect", source, "-o", at("map.yaml"))
        self.landfall("plan", "--map", at("map.yaml"), "-o", at("migrations"))
        self.landfall("migrate", "up", "--migrations", at("migrations"))
        loaded = self.landfall_json("backfill", source, "--map", at("map.yaml"), "--migrations", at("migrations"))
        self.assertEqual([loaded["items"], loaded["rejected"]], [len(table.items), 0])
        self.items += loaded["items"]
        self.unclaimed += loaded["unclaimed"]
        verified = self.landfall("verify", source, "--reread", "--map", at("map.yaml"))
        self.assertEqual(verified, f"{len(table.items):,} items compared, 0 differences, 0 missing, 0 extra\n")
        self.landfall("export", "--map", at("map.yaml"), "-o", at("back"))
        compared = subprocess.run([sys.executable, ROOT / "tools" / "compare_items.py", source, at("back")], text=True, stdout=subprocess.PIPE)
        self.assertEqual(compared.returncode, 0, compared.stdout)
        self.assertIn(f"{len(table.items):,} items, 0 differences", compared.stdout)
        self.environment["PGDATABASE"] = "postgres"
        self.sql(f"DROP DATABASE {database}")


if __name__ == "__main__":
    unittest.main()
