#!/usr/bin/env python3
"""Adds up what meson's tests ran: test_summary.py build/meson-logs/testlog.json.

Prints "N passed, N failed" alone on the last line. A test program that says how many tests it ran (cmocka, unittest, node) counts as
that many, any other as one. Exit status 1 when something failed or nothing ran.
"""
import json
import re
import sys

FINISHED_WELL = ("OK", "EXPECTEDFAIL")
NOT_RUN = ("SKIP",)
CMOCKA_RAN = re.compile(r"^\[=+\] .*?(\d+) test\(s\) run\.", re.MULTILINE)
CMOCKA_FAILED = re.compile(r"^\[  FAILED  \] .*?(\d+) test\(s\), listed below", re.MULTILINE)
UNITTEST_RAN = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)
NODE_RAN = re.compile(r"^# tests (\d+)$", re.MULTILINE)
NODE_FAILED = re.compile(r"^# fail (\d+)$", re.MULTILINE)
UNITTEST_FAILED = re.compile(r"^FAILED \((?:failures=(\d+))?(?:, )?(?:errors=(\d+))?", re.MULTILINE)


def total(pattern, text):
    return sum(int(group) for match in pattern.finditer(text) for group in match.groups() if group)


def count(test):
    """Passed and failed tests of one program."""
    if test["result"] in NOT_RUN:
        return 0, 0
    text = test.get("stdout", "") + "\n" + test.get("stderr", "")
    ran = total(CMOCKA_RAN, text) + total(UNITTEST_RAN, text) + total(NODE_RAN, text) or 1
    failed = total(CMOCKA_FAILED, text) + total(UNITTEST_FAILED, text) + total(NODE_FAILED, text)
    if test["result"] not in FINISHED_WELL:
        failed = max(failed, 1)
    return max(ran - failed, 0), failed


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        counts = [count(json.loads(line)) for line in file if line.strip()]
    passed, failed = (sum(column) for column in zip(*counts)) if counts else (0, 0)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
