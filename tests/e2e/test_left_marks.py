"""Marks of keys whose settling PostgreSQL did not hear of, because it was away just then: they are not there for good."""
import http.client
import signal
import threading

from dynamodb import Client, Refused
from harness import unittest
from live import MovingCase, item_of

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


if __name__ == "__main__":
    unittest.main()
