"""A gateway goes on while PostgreSQL is away: nothing fails, nobody reads what it has left behind, nothing is lost."""
from dynamodb import Refused
from harness import unittest
from live import PHASE, item_of
from outage import BEHIND, OutageCase, Steady

READS_HERE = "SELECT sum(reads) FROM landfall.read_count WHERE kind = 'postgres'"


class Outage(OutageCase):
    def test_postgres_is_gone_for_all_and_comes_back_under_writes(self):
        self.reads_moved()
        self.serve_alone()
        self.server.crash()
        self.wait_until_it_goes_on()
        self.assertEqual(self.health(), (200, "healthy: landfall, without PostgreSQL"))
        writer = Steady(self, self.alone_url)
        for number in range(100):
            self.put(28, self.alone, label={"S": f"strong {number}"})
            self.assertEqual(self.get(self.alone, 28, strong=True), f"strong {number}")
        self.assertRaises(Refused, self.put, 27, self.gateway)
        with self.assertRaises(Refused) as refused:
            self.alone("PutItem", TableName="things", Item=item_of(28), ConditionExpression="attribute_not_exists(pk)")
        self.assertEqual(refused.exception.type, "ConditionalCheckFailedException")
        self.server.start()
        self.wait_until_told()
        self.assertEqual(writer.stop(), [])
        self.wait_for(lambda: self.sql("SELECT count(*) FROM landfall.dirty_key") == "0")
        for number, label in writer.last.items():
            self.assertEqual(self.there(number)["label"]["S"], label)
        self.verify()
        self.landfall("cutover", "writes")
        self.assertEqual(self.sql(PHASE), "postgres")

    def test_one_gateway_is_cut_off_then_killed_and_begins_again_on_its_journal(self):
        self.reads_moved()
        process = self.serve_alone()
        self.wait_for(lambda: self.sql(BEHIND) == "f")
        self.door.shut()
        self.wait_until_it_goes_on()
        for number in range(20):
            self.put(number, self.alone, label={"S": f"alone {number}"})
            self.assertEqual(self.label_here(number), f"alone {number}")
            self.put(number, self.gateway, label={"S": f"both {number}"})
            self.put(number, self.alone, label={"S": f"last {number}"})
            self.assertEqual(self.label_here(number), f"last {number}")
        self.assertIn("is silent", self.landfall("cutover", "reads", "--percent", "50", status=4))
        self.assertIn("journal", self.landfall("cutover", "writes", status=4))
        self.assertEqual(self.sql(PHASE), "dual write")
        process.kill()
        process.wait()
        self.door.open()
        listed = [each for each in self.landfall_json("gateway", "list") if each["journal"]]
        self.assertTrue(listed[0]["journal"].endswith(str(self.journal)))
        self.assertEqual(self.label_here(3), "last 3")
        self.serve_alone()
        self.wait_until_told()
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.gateway WHERE journal IS NOT NULL"), "1")
        before = self.sql(READS_HERE)
        self.wait_for(lambda: self.label_here(25) == "number 25" and self.sql(READS_HERE) != before)
        self.assertEqual([self.label_here(number) for number in range(20)], [f"last {number}" for number in range(20)])
        self.verify()


if __name__ == "__main__":
    unittest.main()
