"""Exports that lie in S3: the same maps and rows as from a folder, connections that are cut, and errors that say what is wrong."""
from harness import *
from s3_server import BUCKET, S3

FAILED = 1
PREFIX = "a b/team=1+1"  # a prefix whose characters must be escaped, differently in path and query
SOURCE = f"s3://{BUCKET}/{PREFIX}"
EXPORT = f"{SOURCE}/AWSDynamoDB/{next((COURT / 'AWSDynamoDB').iterdir()).name}"


class FromS3(DatabaseCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.s3 = S3()
        cls.addClassCleanup(cls.s3.stop)
        cls.s3.put_folder(COURT, PREFIX)

    def setUp(self):
        super().setUp()
        self.environment = {**self.s3.environment(), **{name: value for name, value in self.environment.items() if not name.startswith("AWS_")}}
        self.environment["HOME"] = self.s3.folder
        self.s3.gate.cut_after_bytes = self.s3.gate.cuts = 0

    def test_the_map_is_that_of_the_folder(self):
        self.landfall("inspect", COURT, "-o", "local.yaml")
        for source in (SOURCE, SOURCE + "/", f"{SOURCE}/AWSDynamoDB", EXPORT, EXPORT + "/"):
            with self.subTest(source):
                self.landfall("inspect", source, "-o", "s3.yaml", "--force")
                self.assertEqual((self.folder / "s3.yaml").read_text(), (self.folder / "local.yaml").read_text())

    def test_the_whole_way(self):
        self.prepare(SOURCE)
        self.landfall("backfill", SOURCE)
        self.assertIn("0 differences", self.landfall("verify", SOURCE, "--reread"))
        self.assertIn("0 differences", self.landfall("verify", COURT, "--reread"))

    def test_cut_connections_are_gone_on_with(self):
        self.prepare(SOURCE)
        self.s3.gate.cut_after_bytes = 10_000
        self.landfall("backfill", SOURCE)
        self.assertGreater(self.s3.gate.cuts, 4, "each data file is larger than that, so each was cut more than once")
        self.assertIn("0 differences", self.landfall("verify", COURT, "--reread"))

    def test_folders_and_files_without_a_manifest(self):
        for number in range(3):
            self.s3.put(f"bare/part {number}.json.gz", gzip_of(things(1200)[number * 400 : number * 400 + 400]))
        self.s3.put("bare/.hidden.json.gz", b"not gzip")
        self.s3.put("bare/", b"")
        self.s3.put("barely/items.jsonl", "not of it")
        self.assertEqual(self.landfall_json("inspect", f"s3://{BUCKET}/bare", *KEY)["items"], 1200)
        self.assertEqual(self.landfall_json("inspect", f"s3://{BUCKET}/bare/part 1.json.gz", "-o", "one.yaml", *KEY)["items"], 400)

    def test_more_objects_than_a_page_has(self):
        for number in range(1010):
            self.s3.put(f"many/{number:04}.jsonl", text_of([thing(number)]))
        self.assertEqual(self.landfall_json("inspect", f"s3://{BUCKET}/many", *KEY)["items"], 1010)

    def error(self, *arguments, **environment):
        self.environment.update(environment)
        return self.landfall("inspect", *arguments, status=FAILED)

    def test_a_key_that_is_wrong(self):
        self.assertIn("SignatureDoesNotMatch", self.error(SOURCE, AWS_SECRET_ACCESS_KEY="another secret"))
        errors = self.error(SOURCE, AWS_ACCESS_KEY_ID="AKIANOBODY")
        self.assertIn("InvalidAccessKeyId", errors)
        self.assertNotIn("another secret", errors)

    def test_no_credentials(self):
        del self.environment["AWS_ACCESS_KEY_ID"]
        self.assertIn("no AWS credentials", self.error(SOURCE))

    def test_a_bucket_that_is_not_there(self):
        self.assertIn("NoSuchBucket", self.error("s3://nobody/x"))

    def test_a_prefix_below_which_nothing_lies(self):
        self.assertIn(f"s3://{BUCKET}/nowhere: is not there", self.error(f"s3://{BUCKET}/nowhere"))

    def test_a_server_that_is_not_there(self):
        self.assertIn("127.0.0.1:9", self.error(SOURCE, AWS_ENDPOINT_URL_S3="http://127.0.0.1:9"))


if __name__ == "__main__":
    unittest.main()
