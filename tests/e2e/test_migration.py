"""The whole way on the sample export: each command, what it prints, and that it can be repeated."""
import json
import pathlib
import re
import subprocess
import sys

from harness import *

ITEMS = 1992
FAILED, DIFFERENT, REJECTED, PRECONDITION, USAGE, INTERRUPTED = 1, 3, 3, 4, 2, 130


class Draft(Case):
    def test_the_same_data_give_the_same_map(self):
        for name, jobs in (("one", 1), ("three", 3)):
            self.landfall("inspect", COURT, "-o", f"{name}.yaml", "--jobs", jobs)
        self.assertEqual((self.folder / "one.yaml").read_bytes(), (self.folder / "three.yaml").read_bytes())

    def test_an_edited_map_is_not_overwritten(self):
        path = self.folder / "landfall.yaml"
        self.landfall("inspect", COURT)
        draft = path.read_text()
        self.landfall("inspect", COURT)
        path.write_text(draft.replace("schema: court", "schema: tribunal"))
        self.assertIn("--force", self.landfall("inspect", COURT, status=PRECONDITION))
        self.assertIn("schema: tribunal", path.read_text())
        self.landfall("inspect", COURT, "--force")
        self.assertEqual(path.read_text(), draft)

    def test_entities_of_the_sample(self):
        result = self.landfall_json("inspect", COURT, "--report", "report.html")
        self.assertEqual(result["items"], ITEMS)
        counts = {entity["entity"]: entity["items"] for entity in result["tables"][0]["entities"]}
        self.assertEqual(counts, {"Case": 100, "DocketEntry": 1150, "Message": 420, "Section": 12, "User": 60, "UserCase": 250})
        self.assertIn("DocketEntry", (self.folder / "report.html").read_text())

    def test_a_plan_is_written_once(self):
        self.landfall("inspect", COURT)
        first = self.landfall_json("plan", "--mermaid", "court.mmd")
        self.assertEqual([len(first["files"]), first["written"]], [4, 4])
        self.assertIn("erDiagram", (self.folder / "court.mmd").read_text())
        self.assertEqual(self.landfall_json("plan"), {**first, "written": 0})
        (self.folder / "landfall.yaml").write_text((self.folder / "landfall.yaml").read_text().replace("schema: court", "schema: tribunal"))
        self.landfall("plan", status=PRECONDITION)
        self.assertEqual(self.landfall_json("plan", "--force")["files"], first["files"])

    def test_the_sql_can_be_looked_at(self):
        self.landfall("inspect", COURT)
        sql = self.landfall("plan", "--sql")
        self.assertIn("CREATE TABLE court.docket_entry", sql)
        self.assertFalse((self.folder / "migrations").exists())


class Demo(Case):
    def setUp(self):
        super().setUp()
        self.temporary = self.folder / "tmp"
        self.temporary.mkdir()
        for folder in (self.folder, self.temporary):
            folder.chmod(0o777)
        self.environment["TMPDIR"] = str(self.temporary)

    def test_to_the_end(self):
        output = self.landfall("demo")
        self.assertEqual(output.splitlines()[-1], f"parity: {ITEMS:,} items, 0 differences")
        for step in ("start", "inspect", "plan", "migrate", "backfill", "verify"):
            self.assertRegex(output, rf"(?m)^{step} .* s$")
        self.assertEqual(len(re.findall(r"^SELECT|^WITH RECURSIVE", output, re.MULTILINE)), 4)
        self.assert_nothing_left()

    def test_a_client_of_dynamodb_at_the_end(self):
        output = self.landfall("demo", "--client", f"node {ROOT}/examples/aws-sdk/read.mjs")
        self.assertRegex(output, "GetItem case.135-22: {\n  docketNumber: '135-22',")
        self.assertRegex(output, "Query case.135-22: 18 items of 3 entities, from 3 tables: Case, DocketEntry, Message")
        self.assertEqual(output.splitlines()[-1], f"parity: {ITEMS:,} items, 0 differences")
        self.assert_nothing_left()

    def test_a_client_that_fails(self):
        self.assertIn("exit 3: it failed", self.landfall("demo", "--client", "exit 3", status=1))
        self.assert_nothing_left()

    def test_interrupted(self):
        process = self.start("demo")
        self.assertRegex(process.stdout.readline(), "^start ")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=SECONDS_MAX)
        self.assertEqual(process.returncode, INTERRUPTED, errors)
        self.assert_nothing_left()

    def assert_nothing_left(self):
        self.assertEqual(list(self.temporary.iterdir()), [])
        self.assertFalse([command for command in self.running() if str(self.temporary) in command])

    @staticmethod
    def running():
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                yield path.read_bytes().decode(errors="replace")
            except OSError:
                continue  # ended meanwhile


class WholeWay(DatabaseCase):
    def load(self):
        self.prepare(COURT)
        return self.landfall_json("backfill", COURT)

    def test_there_and_back(self):
        loaded = self.load()
        self.assertEqual([loaded["items"], loaded["unclaimed"], loaded["rejected"]], [ITEMS, 1, 0])
        self.assertEqual(sum(table["rows"] for table in loaded["tables"]), ITEMS)
        self.assertEqual(self.landfall("verify", COURT), f"{ITEMS:,} items compared, 0 differences, 0 missing, 0 extra\n")
        self.assertIn("0 differences", self.landfall("verify"))
        self.landfall("export", "-o", "back")
        compare = subprocess.run([sys.executable, ROOT / "tools" / "compare_items.py", COURT, self.folder / "back"], text=True, stdout=subprocess.PIPE)
        self.assertEqual(compare.returncode, 0, compare.stdout)
        self.assertRegex(compare.stdout, r"1,?992 items, 0 differences")
        self.assertIn("back", self.landfall("export", "-o", "back", status=PRECONDITION))

    def test_what_is_exported_loads_again(self):
        self.load()
        self.landfall("export", "-o", "back")
        database = self.environment["PGDATABASE"]
        self.sql(f"CREATE DATABASE {database}_again")
        self.environment["PGDATABASE"] = f"{database}_again"
        self.landfall("migrate", "up")
        self.assertEqual(self.landfall_json("backfill", "back")["items"], ITEMS)
        self.assertIn(" 0 differences, 0 missing, 0 extra", self.landfall("verify", COURT, "--reread"))

    def test_loading_twice_loads_once(self):
        self.load()
        again = self.landfall_json("backfill", COURT)
        self.assertEqual([again["items"], again["resumed"]], [ITEMS, ITEMS])
        self.assertEqual(self.sql("SELECT count(*) FROM court.docket_entry"), "1149")

    def test_differences_are_found_listed_and_repaired(self):
        self.load()
        self.sql("UPDATE court.section SET name = 'Elsewhere' WHERE section_id = 'docket';"
                 "DELETE FROM court.section WHERE section_id = 'chambers-south';"
                 "INSERT INTO court.section (section_id, name) VALUES ('attic', 'Attic')")
        process = self.start("verify", COURT, "--json")
        output, _ = process.communicate(timeout=SECONDS_MAX)
        self.assertEqual(process.returncode, DIFFERENT)
        result = json.loads(output)
        self.assertEqual([result[name] for name in ("different", "missing", "extra")], [1, 1, 1])
        found = {difference["kind"]: difference for difference in result["differences"]}
        self.assertEqual(found["different"]["attributes"], ["name"])
        self.assertIn("chambers-south", found["missing"]["key"])
        self.assertIn("attic", found["extra"]["key"])
        self.landfall("verify", COURT, "--repair", status=USAGE)
        self.assertIn("3 repaired", self.landfall("verify", COURT, "--repair", "--yes"))
        self.assertIn(" 0 differences, 0 missing, 0 extra", self.landfall("verify", COURT))

    def test_migrations_step_by_step(self):
        self.landfall("inspect", COURT)
        self.landfall("plan")
        self.assertEqual(self.states(), [False] * 4)
        self.landfall("migrate", "up")
        self.assertEqual(self.states(), [True, False, False, False], "nothing is loaded")
        self.assertIn("--yes", self.landfall("migrate", "down", status=USAGE))
        self.assertRegex(self.landfall("migrate", "down", "--yes"), r"^took back \d+_expand_tables")
        self.assertEqual(self.states(), [False] * 4)
        self.landfall("migrate", "up")
        self.landfall("backfill", COURT)
        self.assertEqual(self.states(), [True, True, True, False], "the load builds them")
        self.assertEqual(self.landfall("migrate", "up"), "nothing to do\n")
        self.assertIn("with 1 item that no table holds", self.landfall("migrate", "up", "--to", "contract", status=USAGE))

    def test_tables_that_were_taken_back_are_loaded_again(self):
        self.landfall("inspect", COURT)
        self.landfall("plan")
        self.landfall("migrate", "up")
        self.landfall("backfill", COURT)
        for _ in range(3):
            self.landfall("migrate", "down", "--yes")
        self.assertEqual(self.sql("SELECT (SELECT count(*) FROM landfall.load) + (SELECT count(*) FROM landfall.item)"), "0")
        self.landfall("migrate", "up")
        self.assertEqual(self.states(), [True, False, False, False], "nothing is loaded")
        self.landfall("backfill", COURT)
        self.assertIn(" 0 differences, 0 missing, 0 extra", self.landfall("verify", COURT))

    def test_a_key_that_is_none_can_be_put_right(self):
        self.landfall("inspect", COURT)
        map_file = self.folder / "landfall.yaml"
        drafted = map_file.read_text()
        map_file.write_text(drafted.replace("primary_key: [docket_entry_id]", "primary_key: [docket_number]"))
        self.landfall("plan")
        self.landfall("migrate", "up")
        errors = self.landfall("backfill", COURT, status=REJECTED)
        self.assertRegex(errors, r"^landfall backfill: [0-9,]+ items break constraints; see reason in landfall.item .*`primary_key`")
        self.assertIn(" 0 differences, 0 missing, 0 extra", self.landfall("verify", COURT))
        for _ in ("constraints", "indexes", "tables"):
            self.landfall("migrate", "down", "--yes")
        map_file.write_text(drafted)
        self.landfall("plan", "--force")
        self.landfall("migrate", "up")
        self.landfall("backfill", COURT)
        self.assertIn(" 0 differences, 0 missing, 0 extra", self.landfall("verify", COURT))

    def states(self):
        return [migration["applied"] for migration in self.landfall_json("migrate", "status")["migrations"]]


if __name__ == "__main__":
    unittest.main()
