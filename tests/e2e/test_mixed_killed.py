"""What becomes of a way back of one entity whose command dies, and what it waits for at the last moment."""
import json
import subprocess

from dynamodb_proxy import Proxy
from harness import unittest
from mixed import MOVED, TABLE, MixedCase, item_of, key_of

FENCES = "SELECT count(*) FROM landfall.event WHERE what = 'fence on'"
KNOWN = "SELECT bool_and(g.catalog_version >= c.version) FROM landfall.gateway g, landfall.catalog c"
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE landfall.phase SET phase = fence%'"


def note(case):
    """Gives reverse sync an event to send."""
    return f"INSERT INTO landfall.reverse_change (table_name, key) VALUES ('{TABLE}', '{json.dumps(key_of('Event', case, 1))}')"


class MixedKilled(MixedCase):
    def test_a_command_that_dies(self):
        self.proxy = Proxy(self.dynamodb.url)
        self.addCleanup(self.proxy.stop)
        self.reads_moved(self.proxy.url)
        self.landfall("cutover", "writes", TABLE)
        self.assert_killed_while_sql_writes()
        self.assert_killed_before_reverse_sync_is_done()
        self.assert_killed_after_the_change()
        self.forth()
        self.assert_nothing_is_sent_after_the_change()

    def begin(self, names):
        """Until all gateways hold writes."""
        fences = int(self.sql(FENCES))
        process = self.start("rollback", "writes", TABLE, "--entity", names, "--fence", "20")
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        self.wait_for(lambda: int(self.sql(FENCES)) > fences and self.sql(KNOWN) == "t")
        return process

    def kill(self, process):
        process.kill()
        process.wait()

    def open_session(self, statement):
        """In a transaction."""
        session = self.psql(stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self.addCleanup(session.communicate)
        session.stdin.write(f"BEGIN; {statement};\n")
        session.stdin.flush()
        self.wait_for(lambda: self.sql("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND application_name = 'psql'") != "0")
        return session

    def assert_fence_goes(self, seconds):
        """Its time is up, so long ago: who writes takes it away."""
        self.sql(f"UPDATE landfall.phase SET fence_until = clock_timestamp() - interval '{seconds} s' WHERE fence IS NOT NULL")
        item = item_of("Event", 90, 5)
        self.gateway("PutItem", TableName=TABLE, Item=item)
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.phase WHERE fence IS NULL"), "1")
        self.assertEqual(self.here("Event", 90, 5), item)
        self.wait_for(lambda: self.there("Event", 90, 5) == item)

    def assert_killed_while_sql_writes(self):
        writer = self.open_session("UPDATE court.event SET count = 6 WHERE case_id = '90'")
        self.kill(self.begin("Event"))
        writer.communicate("ROLLBACK;\n")
        self.assert_fence_goes(0)
        self.assertEqual(self.sql(MOVED), "postgres -")

    def assert_killed_before_reverse_sync_is_done(self):
        self.proxy.shares = [("throttle", 1)]
        self.sql("UPDATE court.event SET count = 5 WHERE case_id = '90' AND id = '001'")
        self.kill(self.begin("Event"))
        self.proxy.shares = []
        self.assert_fence_goes(0)
        self.assertEqual(self.sql(MOVED), "postgres -")
        self.wait_for(lambda: self.there("Event", 90, 1)["count"] == {"N": "5"})

    def assert_killed_after_the_change(self):
        """A gateway, of which there is no more than its row, does not say that it knows, so that the fence is left up."""
        self.wait_until_still()
        self.sql("INSERT INTO landfall.gateway (id, address, catalog_version) VALUES (gen_random_uuid(), 'slow', 1000000)")
        self.sql("INSERT INTO landfall.reverse_sent (table_name, h, sk, sent_at, again_at) "
                 f"SELECT '{TABLE}', '', '', at, at FROM (SELECT clock_timestamp() + interval '10 minutes') AS t (at)")
        process = self.begin("Event")
        self.sql("UPDATE landfall.gateway g SET catalog_version = c.version FROM landfall.catalog c WHERE g.address = 'slow'; DELETE FROM landfall.reverse_sent WHERE h = ''")
        self.wait_for(lambda: self.sql(MOVED) == "postgres Case,Memo,Message,Copy")
        self.kill(process)
        self.sql("DELETE FROM landfall.gateway WHERE address = 'slow'")
        self.assertIn("already over Case,Memo,Message,Copy", self.back("Event"))
        self.assert_fence_goes(11)

    def assert_nothing_is_sent_after_the_change(self):
        """What is given to reverse sync after the command has found it drained, and before it holds the phase, is waited for."""
        self.wait_until_still()
        self.change_unheard("event", "UPDATE court.event SET count = 4 WHERE case_id = '90' AND id = '001'")
        self.proxy.shares = [("throttle", 1)]
        self.sql(note(91))
        process = self.begin("Event")
        other = self.open_session("SELECT FROM landfall.phase FOR SHARE; " + note(90))
        self.proxy.shares = []
        self.wait_for(lambda: process.poll() is not None or self.sql(WAITS) == "1")
        other.communicate("COMMIT;\n")
        self.assertEqual(process.wait(60), 0)
        self.assertEqual(self.sql(MOVED), "postgres Case,Memo,Message,Copy")
        self.assertEqual(self.there("Event", 90, 1)["count"], {"N": "4"})


if __name__ == "__main__":
    unittest.main()
