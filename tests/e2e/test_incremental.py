"""A full export and the incremental ones that follow it end as the items that the table had in the end, in every format and view."""
import json
import lzma
import shutil
import subprocess
import time
import unittest.mock

from exports import ION_BINARY, ION_TEXT, JSON, export_files, json_line
from harness import *

CHAIN = json.loads(lzma.open(ROOT / "tests" / "data" / "electrodb-chain" / "chain.json.xz").read())
TABLE = "electro"
PRECONDITION = 4
EQUAL = " 0 differences, 0 missing, 0 extra"


def new_image_only(record):
    """A record of the view NEW_IMAGE."""
    return {part: content for part, content in record.items() if part != "OldImage"}


class Incremental(DatabaseCase):
    def write_export(self, folder, name, records, form, summary):
        for key, content in export_files(name, TABLE, records, summary, form).items():
            self.write(f"{folder}/{key}", content)

    def write_full(self, folder, form=JSON):
        self.write(f"{folder}/table.json", json.dumps(CHAIN["table"]))
        self.write_export(folder, "0-full", [{"Item": item} for item in CHAIN["full"]["items"]], form, {"exportTime": CHAIN["full"]["time"]})

    def write_window(self, folder, number, form=JSON, view=lambda record: record):
        self.write(f"{folder}/table.json", json.dumps(CHAIN["table"]))
        window = CHAIN["windows"][number]
        summary = {"exportType": "INCREMENTAL_EXPORT", "exportFromTime": window["from"], "exportToTime": window["to"]}
        self.write_export(folder, f"1-window{number:02}", list(map(view, window["changes"])), form, summary)

    def write_chain(self, folder, **how):
        self.write_full(folder, form=how.get("form", JSON))
        for number in range(len(CHAIN["windows"])):
            self.write_window(folder, number, **how)

    def assert_is_final(self):
        self.write("final/table.json", json.dumps(CHAIN["table"]))
        self.write("final/items.json.gz", gzip_of(json_line({"Item": item}) for item in CHAIN["final"]))
        self.assertIn(f"{len(CHAIN['final']):,} items compared,{EQUAL}", self.landfall("verify", "final"))

    def check_whole_chain(self, **how):
        self.write_chain("source", **how)
        self.prepare("source")
        result = self.landfall_json("backfill", "source")
        self.assertEqual([result["items"], result["windows"]], [len(CHAIN["full"]["items"]), len(CHAIN["windows"])])
        self.assert_is_final()
        self.assertIn(EQUAL, self.landfall("verify", "source"))
        again = self.landfall_json("backfill", "source")
        self.assertEqual([again["windows"], again["changes_written"], again["changes_deleted"]], [0, 0, 0])
        self.assertIn("incremental exports were applied since", self.landfall("verify", status=PRECONDITION))

    def test_new_and_old_images(self):
        self.check_whole_chain()

    def test_new_images(self):
        self.check_whole_chain(view=new_image_only)

    def test_ion(self):
        self.check_whole_chain(form=ION_TEXT)

    def test_binary_ion(self):
        self.check_whole_chain(form=ION_BINARY)

    def test_windows_by_and_by(self):
        """Each window from a folder of its own, against a target with its indexes and constraints."""
        self.write_full("full")
        self.prepare("full")
        self.landfall("backfill", "full")
        for number in range(len(CHAIN["windows"])):
            self.write_window(f"window{number}", number)
            self.assertIn("1 incremental export applied", self.landfall("backfill", f"window{number}"))
        self.assert_is_final()
        self.assertIn("holds incremental exports only", self.landfall("verify", "window3", status=1))
        self.assertIn("holds incremental exports only", self.landfall("inspect", "window3", "--force", status=1))

    def test_a_window_and_its_last_images_are_there_together_or_not(self):
        self.write_full("full")
        self.prepare("full")
        self.landfall("backfill", "full")
        self.write_window("window0", 0)
        self.sql("""CREATE FUNCTION landfall.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION $$refused$$; END';
                    CREATE TRIGGER refuse BEFORE INSERT ON landfall.window FOR EACH ROW EXECUTE FUNCTION landfall.refuse()""")
        self.assertIn("refused", self.landfall("backfill", "window0", "--jobs", 1, status=1))
        process = self.start("verify", "full", "--json")
        result = json.loads(process.communicate(timeout=SECONDS_MAX)[0])
        self.assertEqual([result["different"], result["extra"]], [0, 0], "less than a batch of images, and none of them is there")
        self.sql("DROP FUNCTION landfall.refuse() CASCADE")
        self.assertIn("1 incremental export applied", self.landfall("backfill", "window0"))

    def test_a_missing_window_is_refused(self):
        self.write_chain("source")
        shutil.rmtree(self.folder / "source/AWSDynamoDB/1-window05")
        message = self.landfall("inspect", "source", status=1)
        for time_of_gap in (CHAIN["windows"][4]["to"], CHAIN["windows"][6]["from"]):
            self.assertIn(time_of_gap, message)

    def test_a_window_that_does_not_follow_what_is_loaded_is_refused(self):
        self.write_window("second", 1)
        self.write_full("full")
        self.prepare("full")
        self.assertIn("no full export of table electro", self.landfall("backfill", "second", status=PRECONDITION))
        self.landfall("backfill", "full")
        message = self.landfall("backfill", "second", status=1)
        for time_of_gap in (CHAIN["full"]["time"], CHAIN["windows"][1]["from"]):
            self.assertIn(time_of_gap, message)

    def test_a_bad_change_is_named_and_nothing_applied(self):
        self.write_full("source")
        self.prepare("source")
        self.landfall("backfill", "source")
        rows = self.sql("SELECT count(*) FROM electro.task")
        bad = dict(CHAIN["windows"][0], changes=[*CHAIN["windows"][0]["changes"], {"Keys": {"pk": {"S": "a"}}}])
        with unittest.mock.patch.dict(CHAIN, windows=[bad]):
            self.write_window("source", 0)
        self.assertRegex(self.landfall("backfill", "source", status=1), r"1-window00-1\.json\.gz:\d+: .*sk")
        self.assertEqual(self.sql("SELECT count(*) FROM electro.task"), rows)

    def test_killed_while_applying(self):
        """The load is done; a lock lets some changes in and not others, and the process dies."""
        self.write_full("source")
        self.prepare("source")
        self.landfall("backfill", "source")
        self.write_chain("source")
        holder = self.psql(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        holder.stdin.write("BEGIN; LOCK TABLE electro.genre IN SHARE MODE; SELECT 'held';\n")
        holder.stdin.flush()
        self.assertEqual(holder.stdout.readline(), "held\n")
        process = self.start("backfill", "source", "--jobs", "2")
        self.wait_for("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'electro.genre'::regclass")
        process.kill()
        process.communicate(timeout=SECONDS_MAX)
        holder.communicate("ROLLBACK;\n", timeout=SECONDS_MAX)
        self.assertEqual(self.sql("SELECT count(*) FROM landfall.window WHERE from_time IS NOT NULL"), "0")
        self.assertEqual(self.landfall_json("backfill", "source")["windows"], len(CHAIN["windows"]))
        self.assert_is_final()

    def wait_for(self, count):
        deadline = time.monotonic() + SECONDS_MAX
        while self.sql(count) == "0":
            self.assertLess(time.monotonic(), deadline, "not in time")
            time.sleep(0.05)


if __name__ == "__main__":
    unittest.main()
