"""Scans, page by page, while PostgreSQL is away for a gateway that goes on without it: which side gave out a start key."""
from dynamodb import Refused
from harness import unittest
from live import item_of
from outage import BEAT, OutageCase

KEPT = "SELECT count(*) FROM landfall.page"
IN_AN_HOUR = "UPDATE landfall.page SET given_at = given_at - interval '1 hour'"
ALL = sorted(item_of(number)["pk"]["S"] for number in range(30))
LIMIT = 7


class Pages(OutageCase):
    def page(self, client, start=None):
        return client("Scan", TableName="things", Limit=LIMIT, **({"ExclusiveStartKey": start} if start else {}))

    def rest(self, client, page):
        """The keys of this page and all behind it."""
        found = []
        while True:
            found += [item["pk"]["S"] for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                return sorted(found)
            page = self.page(client, page["LastEvaluatedKey"])

    def wait_for_looks(self):
        """Two beats from now have ended, so that one of them began after this."""
        for _ in range(2):
            before = self.sql(BEAT)
            self.wait_for(lambda: self.sql(BEAT) != before)

    def test_a_scan_goes_on_without_postgres(self):
        self.reads_moved()
        ours = self.page(self.gateway)
        self.assertEqual(self.rest(self.gateway, ours), ALL)
        self.assertNotEqual(self.sql(KEPT), "0")
        ours = self.page(self.gateway)
        self.serve_alone()
        self.assertEqual(self.rest(self.gateway, self.page(self.gateway)), ALL)
        self.assertEqual(self.rest(self.alone, self.page(self.alone)), ALL)
        self.assertRaises(Refused, self.rest, self.gateway, ours)
        self.door.shut()
        self.wait_until_it_goes_on()
        theirs = self.page(self.alone)
        self.assertRaises(Refused, self.rest, self.alone, ours)
        self.assertRaises(Refused, self.rest, self.alone, theirs)
        self.door.open()
        self.wait_until_told()
        self.assertEqual(self.rest(self.alone, theirs), ALL)
        self.sql(IN_AN_HOUR)
        self.wait_for_looks()
        self.assertEqual(self.rest(self.gateway, self.page(self.gateway)), ALL)
        self.assertEqual(self.sql(f"{KEPT} WHERE given_at > now() - interval '50 minutes'"), "0")
        before = self.page(self.alone)
        self.door.shut()
        self.wait_until_it_goes_on()
        self.assertEqual(self.rest(self.alone, before), ALL)
        self.assertEqual(self.rest(self.alone, self.page(self.alone)), ALL)
        self.assertEqual(self.rest(self.gateway, self.page(self.alone)), ALL)


if __name__ == "__main__":
    unittest.main()
