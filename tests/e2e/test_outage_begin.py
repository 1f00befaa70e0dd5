"""A gateway that goes on without PostgreSQL begins without it, too, as of what it knew last; and only then."""
from dynamodb import Client, Refused, read_url
from harness import unittest
from outage import OutageCase, Steady

JOURNALS = "SELECT count(*) FROM landfall.gateway WHERE journal IS NOT NULL"


class Begin(OutageCase):
    def check_all_told(self, failed, last):
        self.wait_until_told()
        self.assertEqual(failed, [])
        for number, label in last.items():
            self.assertEqual(self.there(number)["label"]["S"], label)
        self.assertEqual(self.sql(JOURNALS), "1")
        self.verify()

    def test_killed_while_postgres_is_away(self):
        self.reads_moved()
        process = self.alone_and_known()
        self.server.crash()
        self.kill(process)
        process = self.serve_alone()
        self.assertEqual(self.health(), (200, "healthy: landfall, without PostgreSQL"))
        self.assertEqual(self.get(self.alone, 28, strong=True), "number 28")
        self.wait_until_it_goes_on()
        for number in range(30):
            self.put(number, self.alone, label={"S": f"of the second {number}"})
        self.kill(process)
        self.serve_alone()
        self.wait_until_it_goes_on()
        for number in range(20, 29):
            self.put(number, self.alone, label={"S": f"of the third {number}"})
        writer = Steady(self, self.alone_url)
        self.server.start()
        self.wait_until_told()
        failed = writer.stop()
        written = {**{number: f"of the second {number}" for number in range(20)}, **{number: f"of the third {number}" for number in range(20, 29)}}
        self.check_all_told(failed, {**written, **writer.last})

    def test_replaced_while_postgres_is_away(self):
        self.reads_moved()
        process = self.alone_and_known()
        self.door.shut()
        self.wait_until_it_goes_on()
        self.put(7, self.alone, label={"S": "before"})
        self.end(process)
        self.serve_alone()
        self.wait_until_it_goes_on()
        self.put(8, self.alone, label={"S": "behind"})
        self.assertIn("is silent", self.landfall("cutover", "reads", "--percent", "50", status=4))
        self.door.open()
        self.check_all_told([], {7: "before", 8: "behind"})

    def test_what_has_left_knows_nothing(self):
        """Phases change without it from then on."""
        self.reads_moved()
        self.end(self.alone_and_known())
        self.assertEqual(self.sql(JOURNALS), "0")
        self.door.shut()
        process, said = self.begin_in_vain()
        self.assertRegex(said, "having nothing to begin with: .*the gateway ended as it should, or has not begun yet; trying again")
        self.landfall("cutover", "writes")
        self.door.open()
        alone = Client(read_url(process))
        self.addCleanup(alone.close)
        self.put(9, alone, label={"S": "PostgreSQL's"})
        self.wait_for(lambda: self.there(9)["label"]["S"] == "PostgreSQL's")
        self.kill(process)
        self.door.shut()
        self.serve_alone()
        self.assertRaises(Refused, self.put, 9, self.alone, label={"S": "nobody's"})
        self.assertRaises(Refused, self.get, self.alone, 9, strong=True)
        self.assertEqual(self.there(9)["label"]["S"], "PostgreSQL's")


if __name__ == "__main__":
    unittest.main()
