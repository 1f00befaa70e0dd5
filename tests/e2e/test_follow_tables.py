"""landfall follow where tables refer to each other, items expire, several tables are followed at once, and another process does the work."""
import json
import subprocess
import time

from dynamodb import Client, read_url
from harness import unittest
from live import CREDENTIALS, HEADERS, LiveCase

MAP = """
version: 1
schema: things
tables:
  TABLE:
    key: { pk: S, sk: S }
    entities:
      NodeOfTABLE:
        match: { type: Node }
        key: { pk: "node|{key}", sk: "node|{key}" }
        table: TABLE_node
        primary_key: [node_id]
        columns:
          key: { type: text, null: false }
          node_id: { attr: nodeId, type: text, null: false }
          parent_id: { attr: parentId, type: text }
        foreign_keys: [ { columns: [parent_id], references: TABLE_node(node_id), enforce: now } ]
"""
KEY_OF_GONE = "SELECT item -> 'nodeId' ->> 'S', reason FROM landfall.item ORDER BY 1"


def map_of(*tables):
    """One map of several tables that are alike."""
    head, table = MAP.split("  TABLE:\n")
    return head + "".join(f"  {name}:\n" + table.replace("TABLE", name) for name in tables)


def node(name, parent=None, **attributes):
    item = {"pk": {"S": f"node|{name}"}, "sk": {"S": f"node|{name}"}, "type": {"S": "Node"}, "nodeId": {"S": name}, **attributes}
    return {**item, "parentId": {"S": parent}} if parent else item


class TableCase(LiveCase):
    TABLES = ("things",)

    def setUp(self):
        super(LiveCase, self).setUp()
        self.client = Client(self.dynamodb.url, HEADERS)
        self.addCleanup(self.client.close)
        self.environment.update(CREDENTIALS, AWS_ENDPOINT_URL_DYNAMODB=self.dynamodb.url)
        for self.TABLE in self.TABLES:
            self.create_table()
        self.write("landfall.yaml", map_of(*self.TABLES))
        self.landfall("plan")
        self.landfall("migrate", "up")

    def put_node(self, *arguments, table="things", **attributes):
        self.client("PutItem", TableName=table, Item=node(*arguments, **attributes))

    def delete_node(self, name):
        item = node(name)
        self.client("DeleteItem", TableName="things", Key={"pk": item["pk"], "sk": item["sk"]})

    def nodes(self, table="things"):
        return self.sql(f"SELECT node_id FROM things.{table}_node ORDER BY 1").split()

    def load(self):
        self.landfall("follow", "--until-caught-up")
        for table in self.TABLES:
            self.landfall("backfill", f"dynamodb://{table}")
        self.landfall("follow", "--until-caught-up")


class Referrers(TableCase):
    """DynamoDB lets a parent go first. What refers to it is kept in landfall.item until it changes again."""

    def setUp(self):
        super().setUp()
        for name, parent in (("a", None), ("b", "a"), ("c", "b"), ("d", "a"), ("e", None), ("f", "e")):
            self.put_node(name, parent)
        self.load()
        self.assertEqual(self.nodes(), list("abcdef"))

    def test_all_that_refer_to_a_row_that_goes_are_kept_however_deep(self):
        self.delete_node("a")
        self.catch_up()
        self.assertEqual(self.nodes(), ["e", "f"])
        self.assertEqual(self.sql(KEY_OF_GONE), "\n".join(f"{name}|the row of things_node that it refers to is gone" for name in "bcd"))
        self.assert_same()
        self.assertIn("5 items compared, 0 differences, 0 missing, 0 extra", self.landfall("verify", "dynamodb://things"))

    def test_they_come_back_when_they_change(self):
        self.delete_node("a")
        self.catch_up()
        self.put_node("a")
        self.put_node("d")
        self.catch_up()
        self.put_node("b", "a", note={"S": "a put that changes nothing is in no stream"})
        self.catch_up()
        self.assertEqual(self.nodes(), list("abdef"))
        self.assertEqual(self.sql(KEY_OF_GONE), "c|the row of things_node that it refers to is gone")
        self.delete_node("c")
        self.catch_up()
        self.assertEqual(self.sql(KEY_OF_GONE), "")
        self.assert_same()

    def test_a_parent_whose_identity_changes_lets_its_children_go(self):
        self.put_node("a", nodeId={"S": "other"})
        self.catch_up()
        self.assertEqual(self.nodes(), ["e", "f", "other"])
        self.assert_same()

    def test_parent_and_children_that_go_in_one_batch_leave_nothing_behind(self):
        for name in "abcd":
            self.delete_node(name)
        self.catch_up()
        self.assertEqual((self.nodes(), self.sql(KEY_OF_GONE)), (["e", "f"], ""))
        self.assert_same()


    def waiters(self, text):
        return self.sql(f"SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%{text}%'")

    def begin(self, statements):
        """A session in whose transaction these are done."""
        session = self.psql(stdin=subprocess.PIPE)
        session.stdin.write(f"BEGIN; {statements}\n")
        session.stdin.flush()
        self.wait_for(lambda: self.sql("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'") != "0")
        return session

    def follow_beside(self):
        follower = self.start("follow", "dynamodb://things")
        self.addCleanup(follower.communicate)
        self.addCleanup(follower.terminate)
        self.wait_for_worker()
        return follower

    def test_what_is_kept_is_what_a_gateway_has_written_meanwhile(self):
        before = self.sql("SELECT ddb_extra FROM things.things_node WHERE node_id = 'b'")
        self.put_node("b", "a", note={"S": "new"})
        self.catch_up()
        written = self.sql("SELECT ddb_extra FROM things.things_node WHERE node_id = 'b'")
        self.sql(f"UPDATE landfall.phase SET phase = 'dual write', epoch = epoch + 1; UPDATE things.things_node SET ddb_extra = nullif('{before}', '')::jsonb WHERE node_id = 'b'")
        gateway = self.begin(f"UPDATE things.things_node SET ddb_extra = '{written}'::jsonb WHERE node_id = 'b';")
        self.follow_beside()
        self.delete_node("a")
        self.wait_for(lambda: self.waiters("things_node") != "0")
        gateway.communicate("COMMIT")
        self.wait_for(lambda: self.nodes() == ["e", "f"])
        self.assert_same()

    def test_what_goes_while_it_is_tried_again_is_gone(self):
        """An item that a constraint had kept from its table is on its way there when the follower deletes it."""
        self.delete_node("a")
        self.catch_up()
        gateway = self.start("serve", "--map", "landfall.yaml", "--upstream", "--endpoint", self.dynamodb.url, "--jobs", "1", "--listen", "127.0.0.1:0")
        self.addCleanup(gateway.communicate)
        self.addCleanup(gateway.terminate)
        read_url(gateway)
        rival = self.begin("INSERT INTO things.things_node (node_id, key) VALUES ('d', 'd');")
        self.follow_beside()
        self.put_node("a")
        self.wait_for(lambda: self.waiters("INSERT INTO%things_node") == "1")
        self.delete_node("d")
        self.wait_for(lambda: self.waiters("") == "2" or "d" not in self.sql(KEY_OF_GONE))
        rival.communicate("ROLLBACK")
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.spool") == "0" and self.nodes() == list("abcef"))
        self.assert_same()


class Expiry(TableCase):
    def test_what_dynamodb_lets_expire_is_no_late_write_and_sent_again(self):
        self.put_node("a")
        self.put_node("b")
        self.load()
        self.sql("UPDATE landfall.phase SET phase = 'postgres', epoch = epoch + 1, flipped_at = clock_timestamp() - interval '1 minute'")
        self.client("UpdateTimeToLive", TableName="things", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expiresAt"})
        self.sql("INSERT INTO landfall.reverse_sent (table_name, h, sk) SELECT 'things', substr(sha256('node|b'), 1, 16), 'node|b'")
        self.put_node("a", expiresAt={"N": str(int(time.time()) - 60)})
        self.wait_for(lambda: "node|a" not in {key[0] for key in self.items_there()})
        last = self.catch_up()
        self.assertEqual(last["late"], 1)
        self.assertEqual(self.sql("SELECT item -> 'nodeId' ->> 'S', is_removed FROM landfall.late_write"), "a|f")
        self.assertEqual(self.sql("SELECT key ->> 'pk' FROM landfall.reverse_change"), '{"S":"node|a"}')
        self.assertEqual(self.nodes(), ["a", "b"])


class Gateways(TableCase):
    def test_nothing_is_applied_while_a_gateway_may_still_write_rows_under_an_older_phase(self):
        self.put_node("a")
        self.load()
        self.sql("INSERT INTO landfall.gateway (id, address, beat_at, catalog_version) SELECT gen_random_uuid(), 'there', now() + interval '1 hour', version - 1 FROM landfall.catalog")
        follower = self.start("follow")
        self.wait_for_worker()
        self.put_node("b")
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.spool") == "1")
        time.sleep(1)
        self.assertEqual(self.nodes(), ["a"])
        self.sql("UPDATE landfall.gateway SET beat_at = now() - interval '11 seconds'")
        self.wait_for(lambda: self.nodes() == ["a", "b"])
        follower.terminate()
        follower.communicate(timeout=60)


class Several(TableCase):
    TABLES = ("others", "things")

    def test_one_process_follows_all_tables_of_the_map(self):
        self.put_node("a")
        self.put_node("x", table="others")
        self.load()
        self.put_node("b")
        self.put_node("y", table="others")
        last = json.loads(self.landfall("follow", "--until-caught-up", "--json").splitlines()[-1])
        self.assertEqual([(table["table"], table["state"], table["applied"]) for table in last["tables"]], [("others", "readable", 1), ("things", "readable", 1)])
        self.assertEqual((self.nodes(), self.nodes("others")), (["a", "b"], ["x", "y"]))

    def test_a_comparison_proves_nothing_of_other_tables(self):
        for table in self.TABLES:
            self.put_node("a", table=table)
        self.load()
        self.sql("UPDATE landfall.stream_shard SET gap = 'records are lost' WHERE table_name = 'things'")
        self.sql("""INSERT INTO landfall.event (what, detail) VALUES ('gap', '{"table": "things"}')""")
        self.landfall("verify", "dynamodb://others")
        self.assertIn("records are lost", self.landfall("follow", "--until-caught-up", status=4))
        refusal = self.landfall("cutover", "reads", "things", "--percent", "10", status=4)
        self.assertIn("parity not proven", refusal)
        self.assertNotIn("parity not proven", self.landfall("cutover", "reads", "others", "--percent", "10", status=4))
        self.landfall("verify", "dynamodb://things")
        self.landfall("follow", "--until-caught-up")
        self.assertNotIn("parity not proven", self.landfall("cutover", "reads", "things", "--percent", "10", status=4))

    def test_it_ends_when_the_last_of_them_is_over(self):
        self.load()
        follower = self.start("follow")
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.lease l JOIN landfall.worker w ON w.id = l.holder WHERE l.work = 'follow'") == "2")
        self.sql("UPDATE landfall.phase SET phase = 'decommissioned' WHERE table_name = 'others'")
        self.client("DeleteTable", TableName="others")
        self.put_node("b")
        self.wait_for(lambda: self.nodes() == ["b"])
        self.assertIsNone(follower.poll())
        self.sql("UPDATE landfall.phase SET phase = 'decommissioned'")
        self.client("DeleteTable", TableName="things")
        errors = follower.communicate(timeout=60)[1]
        self.assertEqual(follower.returncode, 0, errors)
        for table in self.TABLES:
            self.assertIn(f"{table}: decommissioned, there is nothing left to follow", errors)
        self.assertEqual(self.landfall("follow", "--until-caught-up"), "")


class Beside(TableCase):
    """--until-caught-up where another process does the work."""

    def test_it_ends_when_the_other_has_caught_up(self):
        self.put_node("a")
        self.load()
        follower = self.start("follow", "dynamodb://things")
        self.wait_for_worker()
        for number in range(20):
            self.put_node(f"n{number}", "a")
        last = self.catch_up()
        self.assertEqual((last["state"], last["caught_up"], len(self.nodes())), ("stands by", True, 21))
        follower.terminate()
        follower.communicate(timeout=60)

    def test_it_waits_while_the_other_is_behind(self):
        self.put_node("a")
        self.load()
        follower = self.start("follow", "dynamodb://things")
        self.wait_for_worker()
        held = self.psql(stdin=-1, stdout=-1)
        held.stdin.write("BEGIN; SELECT phase FROM landfall.phase FOR NO KEY UPDATE;\n")
        held.stdin.flush()
        self.assertEqual(held.stdout.readline(), "follow\n")
        self.put_node("b")
        waiting = self.start("follow", "dynamodb://things", "--until-caught-up")
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.spool") == "1")
        self.wait_for(lambda: self.sql("SELECT min(captured_to) > max(changed_at) + interval '2 seconds' FROM landfall.stream_shard, landfall.spool") == "t")
        self.assertIsNone(waiting.poll())
        held.communicate("COMMIT;\n")
        self.assertEqual(waiting.wait(60), 0)
        waiting.communicate()
        self.assertEqual(self.nodes(), ["a", "b"])
        follower.terminate()
        follower.communicate(timeout=60)


if __name__ == "__main__":
    unittest.main()
