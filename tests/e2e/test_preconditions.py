"""What is not as a command needs it is said in words that help, and nothing is left half done."""

from harness import *

FAILED, PRECONDITION = 1, 4


class Preconditions(DatabaseCase):
    def loaded(self):
        self.write("items/items.jsonl", text_of(things(20)))
        self.prepare("items", *KEY)
        self.landfall("backfill", "items", *KEY)

    def test_migrate_without_a_plan(self):
        for action in ("up", "status"):
            self.assertIn("there is no folder of migrations migrations: run `landfall plan`", self.landfall("migrate", action, status=PRECONDITION))

    def test_nothing_was_migrated(self):
        self.write("items/items.jsonl", text_of(things(20)))
        self.landfall("inspect", "items", *KEY)
        for command in (["backfill", "items", *KEY], ["verify", "items", *KEY], ["export", "-o", "back"]):
            self.assertIn("the schema landfall is not there; run `landfall migrate up` first", self.landfall(*command, status=PRECONDITION))
        self.assertFalse((self.folder / "back").exists())

    def test_the_contract_needs_a_load(self):
        self.write("items/items.jsonl", text_of(things(20)))
        self.prepare("items", *KEY)
        self.assertIn("nothing was loaded yet", self.landfall("migrate", "up", "--to", "contract", "--yes", status=PRECONDITION))
        self.landfall("backfill", "items", *KEY)
        self.landfall("migrate", "up", "--to", "contract", "--yes")
        self.assertEqual(self.landfall("migrate", "up", "--to", "contract", "--yes"), "nothing to do\n")

    def test_after_the_contract(self):
        self.loaded()
        self.landfall("migrate", "up", "--to", "contract", "--yes")
        for command in (["backfill", "items", *KEY], ["verify", "items", *KEY], ["export", "-o", "back"]):
            self.assertIn("the contract migration was applied", self.landfall(*command, status=PRECONDITION))
        self.assertFalse((self.folder / "back").exists())

    def test_a_schema_landfall_of_somebody_else(self):
        self.sql("CREATE SCHEMA landfall; CREATE TABLE landfall.migration (id integer)")
        self.write("items/items.jsonl", text_of(things(20)))
        self.landfall("inspect", "items", *KEY)
        self.landfall("plan")
        for command in (["migrate", "up"], ["backfill", "items", *KEY], ["verify", "items", *KEY]):
            self.assertIn("a schema landfall that is not Landfall's", self.landfall(*command, status=PRECONDITION))
        self.assertEqual(self.sql("SELECT count(*) FROM pg_class WHERE relnamespace = 'landfall'::regnamespace"), "1")
        self.sql("DROP TABLE landfall.migration")
        self.landfall("migrate", "up")

    def test_a_row_that_is_no_item_any_more_is_named(self):
        self.loaded()
        self.sql("""UPDATE things.thing SET ddb_extra = '{"a": {"Q": 1}}' WHERE thing_id = '7'""")
        for command in (["verify", "items", *KEY], ["export", "-o", "back"]):
            self.assertIn('reading the row of table thing with thing_id={"S":"7"}', self.landfall(*command, status=FAILED))
        self.assertFalse((self.folder / "back").exists(), "an export that fails leaves nothing")

    def test_an_export_that_fails_keeps_what_was_there(self):
        self.loaded()
        self.sql("""UPDATE things.thing SET ddb_extra = '{"a": {"Q": 1}}' WHERE thing_id = '7'""")
        (self.folder / "back").mkdir()
        self.landfall("export", "-o", "back", status=FAILED)
        self.assertEqual(list((self.folder / "back").iterdir()), [])
        self.sql("UPDATE things.thing SET ddb_extra = NULL")
        self.landfall("export", "-o", "back")
        self.landfall("export", "-o", "back", status=PRECONDITION)
        self.assertIn("20 items compared, 0 differences", self.landfall("verify", "back", "--reread"))

    def test_items_of_tables_that_the_map_does_not_have(self):
        self.loaded()
        self.sql("INSERT INTO landfall.item VALUES ('former', '\\x00', '\\x00', '\\x00', '{}', 'of a map before')")
        for command in (["verify", "items", *KEY], ["export", "-o", "back"]):
            process = self.start(*command)
            _, errors = process.communicate(timeout=SECONDS_MAX)
            self.assertEqual(process.returncode, 0)
            self.assertIn("left out: 1 item in landfall.item of tables that the map does not have (former)", errors)
        self.assertEqual(self.landfall_json("verify", "items", *KEY)["unmapped"], 1)


if __name__ == "__main__":
    unittest.main()
