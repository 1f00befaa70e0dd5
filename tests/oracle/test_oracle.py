#!/usr/bin/env python3
"""Landfall beside DynamoDB Local, shortly: a thousand random operations on each store. LANDFALL names the binary."""
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import oracle  # noqa: E402
import relational  # noqa: E402
import servers  # noqa: E402

LANDFALL = os.environ.get("LANDFALL", str(servers.HERE.parent.parent / "build" / "landfall"))
OPERATIONS = "1000"


@unittest.skipIf(servers.lacks(), servers.lacks())
class LandfallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.local = servers.DynamoDbLocal()
        cls.addClassCleanup(cls.local.stop)

    def check(self, *more):
        self.assertEqual(oracle.main(["--theirs", self.local.url, "--ours", LANDFALL, "--operations", OPERATIONS, "--no-shrink", *more]), 0)

    def test_item_store(self):
        self.check("--store", "item")

    def test_relational_store(self):
        for name in relational.MAPS:
            with self.subTest(name):
                self.check("--store", "relational", "--map", name)


if __name__ == "__main__":
    unittest.main()
