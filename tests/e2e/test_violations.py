"""Items that break what comes after the load, indexes and constraints, are moved out of their tables whole, and nothing is lost."""
import json

from harness import *

REJECTED, FAILED, PRECONDITION = 3, 1, 4
EQUAL = " 0 differences, 0 missing, 0 extra"


def line(item):
    return json.dumps({"Item": item}, separators=(",", ":"))


def node(key, **attributes):
    values = {name: {"S": value} for name, value in attributes.items() if isinstance(value, str)}
    values |= {name: value for name, value in attributes.items() if not isinstance(value, str)}
    return line({"pk": {"S": f"node|{key}"}, "sk": {"S": f"node|{key}"}, "type": {"S": "Node"}, "nodeId": {"S": key}, **values})


TREE = """
version: 1
schema: things
tables:
  things:
    key: { pk: S, sk: S }
    entities:
      Node:
        match: { type: Node }
        key: { pk: "node|{key}", sk: "node|{key}" }
        table: node
        primary_key: [node_id]
        columns:
          key: { type: text, null: false }
          node_id: { attr: nodeId, type: text, null: false }
          parent_id: { attr: parentId, type: text }
          email: { attr: email, type: text }
          tags: { attr: tags, type: "text[]", codec: list }
        foreign_keys: [ { columns: [parent_id], references: node(node_id), enforce: ENFORCE } ]
        unique: [ [email] ]
"""


class Violations(DatabaseCase):
    def ready(self, lines, enforce="now", text=TREE):
        self.write("landfall.yaml", text.replace("ENFORCE", enforce))
        self.write("items/items.jsonl", text_of(lines))
        self.landfall("plan")
        self.landfall("migrate", "up")

    def load(self, *options):
        """Standard output and standard error of a load that moves something."""
        process = self.start("backfill", "items", *KEY, *options)
        output, errors = process.communicate(timeout=SECONDS_MAX)
        self.assertEqual(process.returncode, REJECTED, output + errors)
        return output, errors

    def assert_equal(self, count):
        for arguments in (["items", "--reread", *KEY], ["items", *KEY], []):
            self.assertIn(f"{count:,} items compared,{EQUAL}", self.landfall("verify", *arguments))

    def test_one_of_two_with_a_primary_key_stays(self):
        self.ready([node("b", nodeId="1", note="second"), node("a", nodeId="1", note="first"), node("c", nodeId="2"), node("d", nodeId="1")])
        output, errors = self.load()
        self.assertIn('2 rows of node moved to landfall.item (node_pkey): pk="node|b", sk="node|b"; pk="node|d", sk="node|d"', output)
        self.assertIn("2 items break constraints; see reason in landfall.item", errors)
        self.assertEqual(self.sql("SELECT key FROM things.node ORDER BY 1"), "a\nc")
        self.assertEqual(self.sql("SELECT reason, item->'note'->>'S' FROM landfall.item ORDER BY h, sk LIMIT 1").split("|")[0],
                         'duplicate key value violates unique constraint "node_pkey"; Key (node_id)=(1) already exists.')
        self.assert_equal(4)
        self.assertEqual(self.sql("SELECT count(*) FROM pg_indexes WHERE indexname = 'node_pkey'"), "1")
        self.assertIn("nothing was left to do", self.landfall("backfill", "items", *KEY))

    def test_unique_indexes_and_nulls(self):
        self.ready([node("a", email="x"), node("b", email="x"), node("c"), node("d"), node("e", email="y")])
        self.assertIn("1 row of node moved to landfall.item (node_email_key)", self.load()[0])
        self.assertEqual(self.sql("SELECT key FROM things.node ORDER BY 1"), "a\nc\nd\ne")
        self.assert_equal(5)

    def test_the_same_key_twice(self):
        lines = [node("a", email="x"), node("a", email="y"), node("a", email="x"), node("b"), node("b")]
        self.ready(lines)
        output, errors = self.load("--rejects", "rejects.json")
        self.assertIn("3 rows of node moved to landfall.reject (the DynamoDB key)", output)
        self.assertIn("3 rejected", output)
        self.assertIn("3 items have a DynamoDB key that another item has", errors)
        self.assertEqual(self.sql("SELECT key, email FROM things.node ORDER BY 1"), "a|x\nb|")
        self.assertEqual(sorted(map(self.canonical, (self.folder / "rejects.json").read_text().splitlines())),
                         sorted(map(self.canonical, [lines[1], lines[2], lines[4]])))
        self.assert_equal(2)
        self.landfall("export", "-o", "back")
        self.assertIn(f"2 items compared,{EQUAL}", self.landfall("verify", "back", "--reread", *KEY))
        self.assertIn("3 lines were rejected", self.landfall("backfill", "items", *KEY, status=REJECTED))

    @staticmethod
    def canonical(text):
        return json.dumps(json.loads(text), sort_keys=True)

    def test_the_same_key_twice_where_no_entity_claims_it(self):
        odd = [line({"pk": {"S": "odd"}, "sk": {"S": "1"}, "n": {"N": str(n)}}) for n in (1, 2, 2)]
        self.ready([*odd, node("a")])
        self.assertIn("2 lines were rejected", self.load()[1])
        self.assertEqual(self.sql("SELECT item->'n'->>'N' FROM landfall.item"), "1")
        self.assertEqual(self.sql("SELECT file, line FROM landfall.reject"), "things|0\nthings|0")
        self.assertIn("items.jsonl:2: ", self.sql("SELECT reason FROM landfall.reject ORDER BY id LIMIT 1"))
        self.assert_equal(2)

    def test_broken_foreign_keys_and_those_that_hang_on_them(self):
        chain = [node("a", parentId="missing"), node("b", parentId="a"), node("c", parentId="b"), node("d"), node("e", parentId="d")]
        self.ready(chain)
        self.assertIn("3 rows of node moved to landfall.item (node_parent_id_fkey)", self.load()[0])
        self.assertEqual(self.sql("SELECT key FROM things.node ORDER BY 1"), "d\ne")
        self.assertIn('Key (parent_id)=(missing) is not present in table "node".', self.sql("SELECT string_agg(reason, ' ') FROM landfall.item"))
        self.assert_equal(5)

    def test_a_duplicate_that_others_refer_to(self):
        """The one that stays has the id, so children keep their parent."""
        self.ready([node("a", nodeId="1"), node("b", nodeId="1"), node("c", parentId="1")])
        self.assertIn("1 row of node moved to landfall.item (node_pkey)", self.load()[0])
        self.assertEqual(self.sql("SELECT key FROM things.node ORDER BY 1"), "a\nc")
        self.assert_equal(3)

    def test_the_contract_waits_for_people(self):
        self.ready([node("a", parentId="missing"), node("b", parentId="a"), node("c")], enforce="contract")
        self.landfall("backfill", "items", *KEY)
        process = self.start("migrate", "up", "--to", "contract", "--yes")
        output, errors = process.communicate(timeout=SECONDS_MAX)
        self.assertEqual(process.returncode, REJECTED, errors)
        self.assertIn("2 rows of node moved to landfall.item (node_parent_id_fkey)", output)
        self.assertIn("which the contract drops", errors)
        self.assert_equal(3)
        self.assertIn("2 items that no table holds", self.landfall("migrate", "up", "--to", "contract", status=2))
        self.landfall("migrate", "up", "--to", "contract", "--yes")
        self.assertEqual(self.sql("SELECT key FROM things.node"), "c")

    def test_null_and_check_that_the_map_came_to_promise(self):
        """A migration of people's own, behind the constraints, and the map that goes with it."""
        self.ready([node("a", email="x"), node("b"), node("c", email="z"), node("d", email="y")])
        self.landfall("backfill", "items", *KEY)
        constraints, = (self.folder / "migrations").glob("*_expand_constraints.sql")
        version = constraints.name.split("_")[0]
        self.write("landfall.yaml", TREE.replace("ENFORCE", "now").replace("{ attr: email, type: text }",
                                                                           "{ attr: email, type: text, null: false, check: [x, y] }"))
        self.write(f"migrations/{version}1_email.sql", "-- migrate:up\nALTER TABLE things.node ALTER email SET NOT NULL;\n"
                   "ALTER TABLE things.node ADD CHECK (email IN ('x', 'y'));\n-- migrate:down\nSELECT 1;\n")
        process = self.start("migrate", "up")
        output, errors = process.communicate(timeout=SECONDS_MAX)
        self.assertEqual(process.returncode, REJECTED, errors)
        self.assertIn('1 row of node moved to landfall.item (null value in column "email" violates not-null constraint): pk="node|b"', output)
        self.assertIn('1 row of node moved to landfall.item (the value in column "email" violates its check constraint): pk="node|c"', output)
        self.assertIn("2 items break constraints", errors)
        self.assertEqual(self.sql("SELECT key FROM things.node ORDER BY 1"), "a\nd")
        self.assert_equal(4)

    def test_many_at_once(self):
        lines = [node(f"k{number:05}", nodeId=str(number // 3), tags={"L": [{"S": str(number)}]}) for number in range(3000)]
        self.ready(lines)
        self.assertIn("2,000 rows of node moved to landfall.item (node_pkey)", self.load()[0])
        self.assertEqual(self.sql("SELECT count(*), min(key) FROM things.node"), "1000|k00000")
        self.assert_equal(3000)

    def test_what_cannot_be_taken_apart_stops_the_load(self):
        """Rows of a child table belong to a primary key: of two items with the same one nobody could say which."""
        text = TREE.replace("          tags: { attr: tags, type: \"text[]\", codec: list }\n", "").replace(
            "        foreign_keys:", "        children:\n          tags: { attr: tags, table: node_tag, columns: { tag: { type: text } } }\n        foreign_keys:")
        tags = {"L": [{"S": "x"}, {"S": "y"}]}
        self.ready([node("a", nodeId="1", tags=tags), node("b", nodeId="1", tags=tags), node("c", nodeId="2", tags=tags), node("d", nodeId="2x")], text=text)
        self.assertIn("names too few columns", self.landfall("backfill", "items", *KEY, status=FAILED))
        self.assertEqual(self.sql("SELECT (SELECT count(*) FROM things.node), (SELECT count(*) FROM things.node_tag)"), "4|6")


if __name__ == "__main__":
    unittest.main()
