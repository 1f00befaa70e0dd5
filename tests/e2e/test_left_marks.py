"""What is left behind when PostgreSQL is away, or a gateway is killed: it holds up nobody for long."""
import http.client
import signal
import threading

from dynamodb import Client, Refused, read_url
from harness import unittest
from live import PHASE, MovingCase, item_of

GATEWAYS = "SELECT count(*) FROM landfall.gateway"
MARKS = "SELECT count(*) FROM landfall.dirty_key"


class LeftMarks(MovingCase):
    def write_while_postgres_goes_away(self):
        """DynamoDB's answer comes when PostgreSQL is not there to be told."""
        self.dynamodb.process.send_signal(signal.SIGSTOP)
        writer = threading.Thread(target=self.write_once)
        writer.start()
        self.wait_for(lambda: self.sql(MARKS) == "1")
        self.server.crash()
        self.dynamodb.process.send_signal(signal.SIGCONT)
        writer.join()
        self.server.start()

    def write_once(self):
        client = Client(self.url)
        try:
            self.put(3, client, label={"S": "while PostgreSQL was away"})
        except (Refused, http.client.HTTPException, OSError):
            pass  # that nobody knows is a good answer, too
        client.close()

    def test_they_are_repaired_as_soon_as_postgres_is_back(self):
        self.reads_moved()
        self.write_while_postgres_goes_away()
        self.wait_for(lambda: self.sql(MARKS) == "0")
        self.assertEqual(self.there(3), item_of(3, label={"S": "while PostgreSQL was away"}))
        self.assert_same()
        self.put(3, self.gateway, label={"S": "and again"})
        self.assert_same()

    def test_a_gateway_that_was_killed_is_forgotten_before_it_holds_up_a_fence(self):
        self.reads_moved()
        other = self.start("serve", "--map", "landfall.yaml", "--upstream", "--endpoint", self.proxy.url, "--jobs", "1", "--listen", "127.0.0.1:0")
        read_url(other)
        self.assertEqual(self.sql(GATEWAYS), "2")
        other.kill()
        other.communicate()
        self.wait_for(lambda: self.sql(GATEWAYS) == "1")
        self.landfall("cutover", "writes", "--fence", "5")
        self.assertEqual(self.sql(PHASE), "postgres")


if __name__ == "__main__":
    unittest.main()
