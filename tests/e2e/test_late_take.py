"""landfall late-writes take, while the application goes on: what it writes has one place afterwards, and what came last counts."""
import http.client
import subprocess
import threading

from dynamodb import Client, Refused
from harness import unittest
from live import MovingCase, item_of, key_of

# Whoever brings an item into landfall.item waits at this door.
DOOR = """CREATE FUNCTION wait_at_door() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NEW; END';
CREATE TRIGGER door BEFORE INSERT ON landfall.item FOR EACH ROW EXECUTE FUNCTION wait_at_door()"""
PLACES = "SELECT (SELECT count(*) FROM things.thing WHERE thing_id = '50'), (SELECT count(*) FROM landfall.item)"


class LateTake(MovingCase):
    def setUp(self):
        super().setUp()
        self.writes_moved()
        self.is_over = False
        self.addCleanup(setattr, self, "is_over", True)

    def write_late(self, item):
        self.client("PutItem", TableName="things", Item=item)
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.late_write WHERE resolved_at IS NULL") == "1")

    def put_until_done(self, number, **attributes):
        """As SDKs do."""
        while not self.is_over:
            client = Client(self.url)
            try:
                return self.put(number, client, **attributes)
            except (Refused, OSError, http.client.HTTPException):
                pass
            finally:
                client.close()

    def waits(self, query):
        return self.sql(f"SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND query LIKE '%{query}%'") != "0"

    def close_door(self):
        session = self.psql(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        session.stdin.write("SELECT pg_advisory_lock(4711) IS NULL;\n")
        session.stdin.flush()
        self.addCleanup(session.communicate)
        self.assertEqual(session.stdout.readline(), "f\n")
        return session

    def test_a_key_that_a_gateway_inserts_meanwhile_is_in_one_table(self):
        """The late item is no entity's, so its place is another one than that of what the application puts."""
        late = item_of(50)
        del late["entityName"]
        self.write_late(late)
        self.sql(DOOR)
        door = self.close_door()
        taking = self.run_beside("late-writes", "take")
        self.wait_for(lambda: self.waits("COPY landfall.item"))
        writer = threading.Thread(target=self.put_until_done, args=(50,), kwargs={"label": {"S": "the application's"}})
        writer.start()
        self.wait_for(lambda: self.waits("landfall.writer") or not writer.is_alive())
        door.communicate()
        writer.join()
        output, errors = taking.communicate(timeout=60)
        self.assertEqual((taking.returncode, output), (0, "1 late write taken\n"), errors)
        self.assertEqual(self.sql(PLACES), "1|0")
        self.assertEqual(self.gateway("GetItem", TableName="things", Key=key_of(50))["Item"]["label"]["S"], "the application's")
        self.wait_for_reverse_sync()
        self.assert_same()


if __name__ == "__main__":
    unittest.main()
