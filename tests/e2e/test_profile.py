"""--profile: where the time went, by stage."""
from harness import *

ITEMS = 3000


class Profile(DatabaseCase):
    def setUp(self):
        super().setUp()
        self.write("items.json.gz", gzip_of(things(ITEMS)))

    def stages(self, *arguments):
        rows = self.landfall_json(*arguments, "--profile")["profile"]
        for row in rows:
            self.assertGreaterEqual(row["cpu_seconds"], 0)
            self.assertGreaterEqual(row["wait_seconds"], 0)
        self.assertGreater(sum(row["cpu_seconds"] + row["wait_seconds"] for row in rows), 0)
        return {row["stage"] for row in rows}

    def test_every_stage_is_there_and_nothing_unasked(self):
        self.assertLessEqual({"read", "parse", "observe", "draft"}, self.stages("inspect", "items.json.gz", *KEY))
        self.landfall("plan")
        self.landfall("migrate", "up")
        loaded = self.stages("backfill", "items.json.gz", *KEY)
        self.assertLessEqual({"read", "parse", "encode", "sums", "copy format", "send", "commit", "index", "analyse"}, loaded)
        self.assertLessEqual({"receive", "decode", "sums"}, self.stages("verify"))
        self.assertLessEqual({"read", "parse", "receive", "decode"}, self.stages("verify", "items.json.gz", "--reread", *KEY))
        self.assertNotIn("profile", self.landfall_json("verify"))

    def test_for_people(self):
        text = self.landfall("inspect", "items.json.gz", *KEY, "--profile")
        self.assertRegex(text, r"(?m)^  stage +CPU s +CPU % +waiting s$")
        self.assertRegex(text, r"(?m)^  parse +\d+\.\d\d +\d+ +\d+\.\d\d$")

    def test_not_with_drift(self):
        self.assertIn("--profile is of drafting", self.landfall("inspect", "items.json.gz", *KEY, "--drift", "--profile", status=2))


if __name__ == "__main__":
    unittest.main()
