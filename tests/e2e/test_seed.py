"""Seeded items: the same whoever makes them, and equal to what the database gives back."""
import gzip
import json

from harness import *

LIMIT_STATUS, USAGE = 1, 2
TYPES = """
version: 1
schema: shop
tables:
  shop:
    key: { pk: S, sk: S }
    indexes: { gsi1: { gsi1pk: S } }
    entities:
      Customer:
        match: { __edb_e__: customer, __edb_v__: "1" }
        key: { pk: "$shop#customer_{customer_id}", sk: "$customer_1#region_{region}" }
        table: customer
        primary_key: [customer_id]
        columns:
          customer_id: { attr: customerId, type: uuid, null: false }
          region: { attr: region, type: text, null: false, check: [eu, us, asia] }
          email: { attr: email, type: text, null: false }
          referred_by: { attr: referredBy, type: uuid }
          birthday: { attr: birthday, type: date }
          t0: { attr: t0, type: timestamptz }
          t1: { attr: t1, type: timestamptz, codec: iso8601_ms }
          t2: { attr: t2, type: timestamptz, codec: iso8601_us }
          t3: { attr: t3, type: timestamptz, codec: iso8601_offset }
          t4: { attr: t4, type: timestamptz, codec: iso8601_ms_offset }
          t5: { attr: t5, type: timestamptz, codec: iso8601_us_offset }
          t6: { attr: t6, type: timestamptz, codec: epoch_s }
          t7: { attr: t7, type: timestamptz, codec: epoch_ms }
          visits: { attr: visits, type: bigint }
          visits_text: { attr: visitsText, type: bigint, codec: string }
          level: { attr: level, type: integer }
          level_text: { attr: levelText, type: integer, codec: string }
          balance: { attr: balance, type: numeric }
          balance_text: { attr: balanceText, type: numeric, codec: string }
          is_active: { attr: isActive, type: boolean }
          avatar: { attr: avatar, type: bytea }
          settings: { attr: settings, type: jsonb }
          tags: { attr: tags, type: "text[]" }
          history: { attr: history, type: "text[]", codec: list }
          scores: { attr: scores, type: "numeric[]" }
          digests: { attr: digests, type: "bytea[]" }
          address: { attr: address, flatten: { street: { attr: street, type: text }, city: { attr: city, type: text } } }
        children:
          phones: { attr: phones, table: customer_phone, columns: { phone: { type: text } } }
        foreign_keys: [ { columns: [referred_by], references: customer(customer_id), enforce: now } ]
        unique: [ [email] ]
      Order:
        match: { __edb_e__: order }
        key: { pk: "$shop#customer_{customer_id}", sk: "$order_1#number_{number}" }
        keys: { gsi1pk: "status#{status|lower}" }
        table: order
        primary_key: [customer_id, number]
        columns:
          customer_id: { attr: customerId, type: uuid, null: false }
          number: { attr: number, type: bigint, null: false }
          status: { attr: status, type: text }
        foreign_keys: [ { columns: [customer_id], references: customer(customer_id), enforce: now } ]
"""


def lines_of(folder):
    return sorted(line for path in folder.rglob("*.json.gz") for line in gzip.open(path, "rt", encoding="utf-8").read().split("\n") if line)


class Seed(DatabaseCase):
    def whole_way(self, *options):
        """Seeds, loads and compares; gives what verify says."""
        made = self.landfall_json("seed", "landfall.yaml", "-o", "seeded", *options)
        self.landfall("plan")
        self.landfall("migrate", "up")
        self.landfall("backfill", "seeded")
        verified = self.landfall_json("verify", "seeded")
        return made, verified

    def assert_equal(self, verified):
        self.assertEqual([verified["missing"], verified["extra"], verified["different"]], [0, 0, 0], verified)

    def test_the_sample_map_goes_the_whole_way(self):
        self.landfall("inspect", COURT, "--enforce", "now")
        made, verified = self.whole_way("-n", "6000", "--odd", "0")
        self.assertEqual(made["items"], 6000)
        self.assertEqual(self.sql("SELECT count(*) FROM court.message"), str(made["entities"]["Message"]))
        self.assert_equal(verified)
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.item"), "0")

    def test_every_type_goes_the_whole_way_with_odd_ones(self):
        self.write("landfall.yaml", TYPES)
        made, verified = self.whole_way("-n", "5000", "--odd", "40", "--seed", "3")
        self.assertEqual(made["items"], 5000)
        self.assert_equal(verified)
        self.assertNotEqual(self.sql("SELECT count(*) FROM shop.customer WHERE ddb_extra IS NOT NULL"), "0")

    def test_a_seeded_export_can_be_inspected(self):
        self.write("landfall.yaml", TYPES)
        self.landfall("seed", "landfall.yaml", "-n", "3000", "-o", "seeded")
        drafted = self.landfall_json("inspect", "seeded", "-o", "drafted.yaml")
        self.assertEqual(drafted["items"], 3000)
        self.assertEqual(len(drafted["tables"][0]["entities"]), 2)


class Determinism(Case):
    def test_threads_and_runs_change_nothing(self):
        self.write("landfall.yaml", TYPES)
        for name, jobs, seed in (("one", 1, 1), ("three", 3, 1), ("other", 3, 2)):
            self.landfall("seed", "landfall.yaml", "-n", "120000", "-o", name, "--jobs", jobs, "--seed", seed)
        one, three, other = (lines_of(self.folder / name) for name in ("one", "three", "other"))
        self.assertEqual(len(one), 120000)
        self.assertEqual(one, three)
        self.assertNotEqual(one, other)
        keys = {(item["pk"]["S"], item["sk"]["S"]) for item in (json.loads(line)["Item"] for line in one)}
        self.assertEqual(len(keys), 120000)

    def test_what_cannot_be_made(self):
        self.write("landfall.yaml", TYPES)
        self.assertIn("no entity 'Nobody'", self.landfall("seed", "landfall.yaml", "-o", "a", "--counts", "Nobody=1", status=USAGE))
        self.assertIn("not-there.yaml", self.landfall("seed", "not-there.yaml", "-o", "a", status=LIMIT_STATUS))
        self.landfall("seed", "landfall.yaml", "-n", "0", "-o", "a", status=USAGE)
        self.assertFalse((self.folder / "a").exists())


if __name__ == "__main__":
    unittest.main()
