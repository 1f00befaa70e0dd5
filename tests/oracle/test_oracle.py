#!/usr/bin/env python3
"""Landfall beside DynamoDB Local, shortly: a few hundred random operations on each store, always the same. LANDFALL names the binary."""
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import oracle  # noqa: E402
import relational  # noqa: E402
import servers  # noqa: E402

LANDFALL = os.environ.get("LANDFALL", str(servers.HERE.parent.parent / "build" / "landfall"))
OPERATIONS = "500"


@unittest.skipIf(servers.lacks(), servers.lacks())
class LandfallTest(unittest.TestCase):
    def check(self, *more):
        with tempfile.TemporaryDirectory() as scripts:
            self.assertEqual(oracle.main(["--theirs", "local", "--ours", LANDFALL, "--operations", OPERATIONS, "--no-shrink", "--scripts", scripts, *more]), 0)

    def test_item_store(self):
        self.check("--store", "item")

    def test_relational_store(self):
        for name in relational.MAPS:
            with self.subTest(name):
                self.check("--store", "relational", "--map", name)


if __name__ == "__main__":
    unittest.main()
