"""Which keys reverse sync hears of when SQL changes rows: of entities, of their child tables, of landfall.item, with keys of every type."""
import json

from harness import DatabaseCase, unittest

MAP = """version: 1
schema: shop
tables:
  Orders:
    key: { pk: S, sk: N }
    entities:
      Order:
        key: { pk: "order|{order_id}", sk: "{revision}" }
        table: order
        primary_key: [order_id, revision]
        columns:
          order_id: { attr: orderId, type: text, null: false }
          revision: { attr: sk, type: integer, null: false }
          label: { attr: label, type: text }
        children:
          lines:
            attr: lines
            table: order_line
            columns:
              name: { attr: name, type: text }
  Blobs:
    key: { id: B }
    entities:
      Blob:
        key: { id: "{id}" }
        table: blob
        primary_key: [id]
        columns:
          id: { attr: id, type: bytea, null: false }
          label: { attr: label, type: text }
"""


def order(name, revision):
    return {"pk": {"S": f"order|{name}"}, "sk": {"N": str(revision)}}


class ReverseTriggers(DatabaseCase):
    def setUp(self):
        super().setUp()
        self.write("landfall.yaml", MAP)
        self.landfall("plan")
        self.landfall("migrate", "up", "--to", "constraints")
        self.landfall("status")
        self.sql("INSERT INTO landfall.phase (table_name, phase, reads_percent, region, stream_arn, applies_since, readable_at) "
                 "SELECT name, 'dual write', 100, 'us-east-1', 'none', now(), now() FROM (VALUES ('Orders'), ('Blobs')) AS t (name)")
        self.sql("INSERT INTO shop.order (order_id, revision, label) VALUES ('before', 1, 'in dual write')")
        self.landfall("cutover", "writes", "--force")

    def heard(self, statement):
        """The keys that a statement is told of, each once, whatever the number of rows."""
        self.sql("DELETE FROM landfall.reverse_change")
        self.sql(statement)
        rows = self.sql("SELECT table_name || ' ' || key::text FROM landfall.reverse_change").splitlines()
        return sorted({row.split(" ", 1)[0] + " " + json.dumps(json.loads(row.split(" ", 1)[1])) for row in rows})

    def expect(self, statement, *keys):
        self.assertEqual(self.heard(statement), sorted(f"{table} {json.dumps(key)}" for table, key in keys))

    def test_rows(self):
        self.expect("INSERT INTO shop.order (order_id, revision) VALUES ('a', 1), ('b', 2)", ("Orders", order("a", 1)), ("Orders", order("b", 2)))
        self.expect("UPDATE shop.order SET label = 'new' WHERE order_id = 'a'", ("Orders", order("a", 1)))
        self.expect("UPDATE shop.order SET revision = 7 WHERE order_id = 'a'", ("Orders", order("a", 1)), ("Orders", order("a", 7)))
        self.expect("DELETE FROM shop.order WHERE order_id = 'b'", ("Orders", order("b", 2)))
        self.expect("SET session_replication_role = replica; DELETE FROM shop.order WHERE order_id = 'a'", ("Orders", order("a", 7)))

    def test_child_tables(self):
        self.sql("INSERT INTO shop.order (order_id, revision) VALUES ('a', 1), ('b', 2)")
        self.expect("INSERT INTO shop.order_line (order_id, revision, position, name) VALUES ('a', 1, 0, 'x')", ("Orders", order("a", 1)))
        self.expect("UPDATE shop.order_line SET name = 'y'", ("Orders", order("a", 1)))
        self.expect("UPDATE shop.order_line SET order_id = 'b', revision = 2", ("Orders", order("a", 1)), ("Orders", order("b", 2)))
        self.expect("DELETE FROM shop.order_line", ("Orders", order("b", 2)))
        self.sql("INSERT INTO shop.order_line (order_id, revision, position, name) VALUES ('a', 1, 0, 'x')")
        self.expect("DELETE FROM shop.order WHERE order_id = 'a'", ("Orders", order("a", 1)))

    def test_binary_keys_and_items_without_a_row(self):
        self.expect("INSERT INTO shop.blob (id) VALUES (decode(repeat('ff', 60), 'hex'))", ("Blobs", {"id": {"B": "/" * 80}}))
        item = json.dumps({"id": {"B": "AA=="}, "odd": {"S": "\0"}})
        place = "'Blobs', '\\x00', '', '\\x00'"
        self.expect(f"INSERT INTO landfall.item (table_name, h, sk, pk, item, reason) VALUES ({place}, '{item}', 'test')", ("Blobs", json.loads(item)))
        self.expect("DELETE FROM landfall.item", ("Blobs", json.loads(item)))

    def test_tables_that_are_not_postgres_s_make_no_noise(self):
        self.landfall("rollback", "writes", "--force")
        self.expect("UPDATE shop.order SET label = 'quiet'; TRUNCATE shop.order_line")

    def test_truncate_is_refused(self):
        for table in ("order", "order_line", "blob"):
            with self.assertRaisesRegex(AssertionError, "TRUNCATE does not tell reverse sync"):
                self.sql(f"TRUNCATE shop.{table} CASCADE")


if __name__ == "__main__":
    unittest.main()
