"""Reads of some entities come from PostgreSQL before those of the others. Each side is told from the other by rows that SQL has changed."""
import json

from harness import unittest
from mixed import ENTITIES, MOVED, TABLE, MixedCase, items_of, key_of, pages_of

SHARE = "SELECT reads_percent || ' ' || coalesce(array_to_string(reads_entities, ','), '-') FROM landfall.phase"
SIDES = {True: "postgres", False: "dynamodb"}


def side_of(item):
    return SIDES["label" in item]


class MixedReads(MixedCase):
    def make_rows_differ(self):
        for name in ENTITIES:
            self.sql(f"UPDATE court.{name.lower()} SET label = 'a row'")
        self.sql("UPDATE landfall.item SET item = (item::jsonb || '{\"label\": {\"S\": \"a row\"}}')::json")

    def share(self, percent, *names):
        return self.landfall("cutover", "reads", TABLE, "--percent", str(percent), *(("--entity", ",".join(names)) if names else ()))

    def get(self, key, **options):
        return side_of(self.gateway("GetItem", TableName=TABLE, Key=key, **options)["Item"])

    def gets(self):
        """Of each entity, and of items that none claims: in the shape of an event, and of nothing."""
        odd = {sort: {"pk": {"S": "case|90"}, "sk": {"S": sort}} for sort in ("at|001x|event", "zz")}
        return {name: self.get(key) for name, key in {**{name: key_of(name, 90, 1) for name in ENTITIES}, **odd}.items()}

    def batch(self, *names):
        answer = self.gateway("BatchGetItem", RequestItems={TABLE: {"Keys": [key_of(name, 90, number) for name in names for number in (1, 2)]}})
        items = answer["Responses"][TABLE]
        self.assertEqual(len(items), 2 * len(names))
        return self.one_side(items)

    def one_side(self, items):
        sides = {side_of(item) for item in items}
        self.assertEqual(len(sides), 1, items)
        return sides.pop()

    def query(self, condition="", *values, **options):
        found = {f":{name}": {"S": value} for name, value in zip("ab", values)}
        pages = pages_of(self.gateway, "Query", TableName=TABLE, KeyConditionExpression="pk = :pk" + condition, ExpressionAttributeValues={":pk": {"S": "case|90"}, **found}, **options)
        return self.one_side(items_of(pages))

    def scan(self, **options):
        return self.one_side(items_of(pages_of(self.gateway, "Scan", TableName=TABLE, **options)))

    def query_index(self):
        return self.one_side(items_of(pages_of(self.gateway, "Query", TableName=TABLE, IndexName="kind", KeyConditionExpression="gsi2pk = :a",
                                               ExpressionAttributeValues={":a": {"S": "kind|x"}})))

    def test_reads_of_some_entities_move(self):
        self.reads_moved()
        self.make_rows_differ()
        self.assertEqual({*self.gets().values(), self.query(), self.scan(), self.query_index()}, {"postgres"})
        self.assertIn("and Copy", self.landfall("cutover", "reads", TABLE, "--entity", "Message", status=4))
        self.assertIn("no entity Messages", self.landfall("cutover", "reads", TABLE, "--entity", "Messages", status=1))
        self.assertIn("say which table", self.landfall("cutover", "reads", "--entity", "Event", status=2))
        self.assertEqual(self.sql(SHARE), "100 -")
        self.assert_events_are_read_here()
        self.assert_messages_are_read_here()
        self.assert_pages_stay_on_their_side()
        self.share(0, "Event")
        self.assertEqual({*self.gets().values()}, {"dynamodb"})
        self.landfall("rollback", "reads", TABLE)
        self.assertEqual(self.sql(SHARE), "0 -")

    def assert_events_are_read_here(self):
        self.assertEqual(self.share(100, "Event"), "court: 100 % of reads of Event from PostgreSQL, 0 % compared\n")
        self.assertEqual(self.gets(), {"Case": "dynamodb", "Event": "postgres", "Memo": "dynamodb", "Message": "dynamodb", "Copy": "dynamodb",
                                       "at|001x|event": "postgres", "zz": "dynamodb"})
        self.assertEqual(self.get(key_of("Event", 90, 1), ConsistentRead=True), "dynamodb")
        self.assertEqual([self.batch("Event"), self.batch("Event", "Memo"), self.batch("Memo")], ["postgres", "dynamodb", "dynamodb"])
        self.assertEqual([self.query(" AND sk = :a", "at|001|event"), self.query(" AND sk = :a", "at|001|memo"), self.query(" AND begins_with(sk, :a)", "at|")],
                         ["postgres", "dynamodb", "dynamodb"])
        self.assertEqual(json.loads(self.sql("SELECT detail -> 'entities' FROM landfall.event WHERE what = 'cutover reads' ORDER BY id DESC LIMIT 1")), ["Event"])
        self.assertEqual(self.landfall_json("status")["tables"][0]["reads %"], "100 of Event")

    def assert_messages_are_read_here(self):
        """Ranges of which the templates say that nothing else is there; those of which they do not, the whole partition, an index and the table."""
        self.share(100, "Message", "Copy")
        self.assertEqual({name for name, side in self.gets().items() if side == "postgres"}, {"Message", "Copy"})
        self.assertEqual(self.batch("Message", "Copy"), "postgres")
        for condition, *values in ((" AND begins_with(sk, :a)", "message|"), (" AND sk BETWEEN :a AND :b", "message|", "message|002"), (" AND begins_with(sk, :a)", "message|001")):
            for options in ({}, {"Limit": 1}, {"ScanIndexForward": False}):
                self.assertEqual(self.query(condition, *values, **options), "postgres", condition)
            self.assertEqual(self.query(condition, *values, ConsistentRead=True), "dynamodb")
        for condition, *values in (("",), (" AND begins_with(sk, :a)", "mess"), (" AND sk > :a", "message|"), (" AND sk BETWEEN :a AND :b", "message|", "n"),
                                   (" AND begins_with(sk, :a)", "at|")):
            self.assertEqual(self.query(condition, *values), "dynamodb", condition)
        self.assertEqual([self.scan(), self.scan(Limit=3), self.query_index()], ["dynamodb"] * 3)

    def assert_pages_stay_on_their_side(self):
        """A Scan that begins while one share holds and goes on under another."""
        for before, after, side in (((), ("Event",), "postgres"), (("Event",), (), "dynamodb")):
            self.share(100, *before)
            page = self.gateway("Scan", TableName=TABLE, Limit=5)
            self.share(100, *after)
            rest = pages_of(lambda operation, **request: self.gateway(operation, **{"ExclusiveStartKey": page["LastEvaluatedKey"], **request}), "Scan", TableName=TABLE, Limit=5)
            self.assertEqual(self.one_side([*page["Items"], *items_of(rest)]), side)

    def test_reads_that_fail_go_back_and_writes_wait_for_them(self):
        self.reads_moved()
        self.share(100, "Message", "Copy")
        self.sql("ALTER TABLE court.message RENAME TO away")
        self.wait_for(lambda: self.read_messages() and self.sql(SHARE) == "0 Message,Copy")
        self.sql("ALTER TABLE court.away RENAME TO message")
        self.assertEqual(self.landfall_json("status")["tables"][0]["reads %"], "0 of Message, Copy")
        self.assert_writes_wait("Event", "only eventual reads of Message, Copy come from PostgreSQL, 0 % of them; run `landfall cutover reads court --entity Event --percent 100`")
        self.share(10)
        self.assert_writes_wait("Event", "only 10 % of its eventual reads come from PostgreSQL; run `landfall cutover reads court --entity Event --percent 100`")
        self.share(100, "Event")
        self.assert_writes_wait(None, "only eventual reads of Event come from PostgreSQL, 100 % of them; run `landfall cutover reads court --percent 100`")
        self.assert_writes_wait("Event,Memo", "run `landfall cutover reads court --entity Event,Memo --percent 100`")
        self.forth("Event")
        self.assertEqual(self.sql(MOVED), "postgres Event")
        self.assertIn("only from phase dual write can one move reads", self.landfall("cutover", "reads", TABLE, "--entity", "Event,Memo", status=4))
        self.assert_writes_wait("Event,Memo", "and reads of a mixed table do not move; run `landfall rollback writes court`, then `landfall cutover reads court "
                                "--entity Event,Memo --percent 100`")
        self.assert_equal_to_reference()
        self.landfall("rollback", "writes", TABLE)
        self.verify()
        self.share(100, "Event", "Memo")
        self.forth("Event")
        self.forth("Event", "Memo")
        self.assertEqual(self.sql(MOVED), "postgres Event,Memo")

    def read_messages(self):
        """As many times as must fail within ten seconds."""
        return [self.gateway("GetItem", TableName=TABLE, Key=key_of("Message", 90, 1)) for _ in range(20)]

    def assert_writes_wait(self, names, sentence):
        self.assertIn(f"reads not moved: {sentence}" if sentence.startswith("only") else sentence,
                      self.landfall("cutover", "writes", TABLE, *(("--entity", names) if names else ()), status=4))


if __name__ == "__main__":
    unittest.main()
