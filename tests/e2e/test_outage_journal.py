"""The journal of a gateway that goes on without PostgreSQL: lost, without room, or in the wrong place."""
import pathlib
import resource
import shutil
import signal

from harness import unittest
from outage import OutageCase


class Journal(OutageCase):
    def test_a_journal_that_is_lost(self):
        self.reads_moved()
        process = self.serve_alone()
        gateway = next(each["id"] for each in self.landfall_json("gateway", "list") if each["journal"])
        self.assertIn("is at work", self.landfall("gateway", "forget", gateway, status=4))
        self.door.shut()
        self.wait_until_it_goes_on()
        self.put(5, self.alone, label={"S": "nobody knows"})
        process.kill()
        process.wait()
        shutil.rmtree(self.journal)
        self.assertIn("must follow", self.landfall("gateway", "forget", gateway))
        self.assertIn("no gateway", self.landfall("gateway", "forget", gateway, status=1))
        self.assertIn("parity not proven", self.landfall("cutover", "writes", status=4))
        self.wait_for(lambda: self.sql("SELECT readable_at IS NOT NULL FROM landfall.phase") == "t")
        self.assertEqual(self.label_here(5), "nobody knows")
        self.verify()
        self.landfall("cutover", "reads", "--percent", "50")

    def test_a_disk_that_is_full(self):
        """As far as the journal goes writes are done; then they are refused, and not sent."""
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))

        self.reads_moved()
        process = self.serve_alone(preexec_fn=limit)
        self.door.shut()
        self.wait_until_it_goes_on()
        done = [number for number in range(29) if self.succeeds(lambda: self.put(number, self.alone, label={"S": "noted"}))]
        self.assertIn(len(done), range(1, 28))
        for number in range(29):
            self.assertEqual(self.there(number).get("label") == {"S": "noted"}, number in done)
        self.put(done[0], self.alone, label={"S": "noted already"})
        self.door.open()
        self.wait_until_told()
        self.verify()
        process.kill()
        self.assertIn("write the journal", process.communicate()[1])

    def test_options(self):
        self.follow_and_serve()
        blocked = pathlib.Path(self.write("a file", "x")) / "journal"
        self.assertIn("belong together", self.landfall("serve", "--upstream", "--on-postgres-failure", "continue", status=2))
        self.assertIn("belong together", self.landfall("serve", "--upstream", "--journal", self.journal, status=2))
        self.assertIn("--upstream", self.landfall("serve", "--on-postgres-failure", "continue", "--journal", self.journal, status=2))
        process = self.serve("--on-postgres-failure", "continue", "--journal", blocked)
        self.assertIn("cannot make a folder for the journal", process.communicate()[1])
        self.serve_alone()
        process = self.serve("--on-postgres-failure", "continue", "--journal", self.journal)
        self.assertIn("another gateway's, which runs", process.communicate()[1])
        listed = self.landfall("gateway", "list")
        self.assertEqual((listed.count("refuses without PostgreSQL"), listed.count(f":{self.journal}")), (1, 1))
        self.assertIn("needs the gateway's id", self.landfall("gateway", "forget", status=2))


if __name__ == "__main__":
    unittest.main()
