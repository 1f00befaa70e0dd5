"""What chaos_gateway.py says of streams and of writes without an answer: it must accept what could have happened and refuse what could not."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "chaos"))
from clients import History, IfVersion, Puts, add_unseen, added, finds  # noqa: E402
from linearizable import NEVER, NotLinearizable, check  # noqa: E402
from streams import Reader, check_snapshots, check_table  # noqa: E402

ONE, TWO, THREE = (1, "w1"), (2, "w2"), (3, "w3")


def records_of(*states, key="r0"):
    """One after the other; numbered."""
    return [(key, old, new, f"{number:03}") for number, (old, new) in enumerate(zip((None, *states), states))]


class Streams(unittest.TestCase):
    def history(self, *writes, key="r0", table="streamed"):
        history = History()
        for write, start, end in writes:
            history.wrote(table, key, write, start, end)
        return history

    def refuse(self, what, records, history):
        with self.assertRaisesRegex(AssertionError, what):
            check_table("streamed", records, history)

    def test_whole_streams(self):
        acknowledged = self.history(("w1", 0, 1), ("w2", 2, 3), ("w3", 2, NEVER))
        self.assertEqual(check_table("streamed", records_of(ONE, TWO), acknowledged), {"r0": [ONE, TWO]})
        check_table("streamed", records_of(ONE, THREE, TWO), acknowledged)
        check_table("streamed", records_of(ONE, None, TWO), acknowledged)

    def test_what_is_lost(self):
        acknowledged = self.history(("w1", 0, 1), ("w2", 2, 3), ("w3", 4, 5))
        self.refuse("not in the stream: .'w3'", records_of(ONE, TWO), acknowledged)
        self.refuse("not in the stream", [], acknowledged)
        self.refuse("the record says", [record for record in records_of(ONE, TWO, THREE) if record[2] != TWO], acknowledged)
        removed = self.history(("w1", 0, 1))
        removed.removals.append(("streamed", "r0", "w1"))
        self.refuse("deletions are not in the stream", records_of(ONE), removed)
        check_table("streamed", records_of(ONE, None), removed)

    def test_what_is_doubled(self):
        acknowledged = self.history(("w1", 0, 1), ("w2", 2, 3))
        self.refuse("the record says", records_of(ONE, TWO) + records_of(ONE, TWO)[1:], acknowledged)
        self.refuse("comes twice", records_of(ONE, TWO, ONE), acknowledged)

    def test_what_is_out_of_order(self):
        acknowledged = self.history(("w1", 0, 1), ("w2", 2, 3))
        self.refuse("the record says", records_of(ONE, TWO)[::-1], acknowledged)
        self.refuse("had ended before", records_of(TWO, ONE), acknowledged)

    def test_what_nobody_wrote(self):
        self.refuse("nobody wrote w2", records_of(ONE, TWO), self.history(("w1", 0, 1)))

    def test_numbers_and_events_of_records(self):
        reader = Reader([], "streamed")

        def record(number, event, **images):
            items = {name: {"pk": {"S": "r0"}, "n": {"N": str(state[0])}, "w": {"S": state[1]}} for name, state in images.items()}
            return {"eventName": event, "dynamodb": {"Keys": {"pk": {"S": "r0"}}, "SequenceNumber": number, **items}}

        reader.take("shard", record("02", "INSERT", NewImage=ONE))
        reader.take("another shard", record("01", "MODIFY", OldImage=ONE, NewImage=TWO))
        for wrong in (record("02", "MODIFY", OldImage=ONE, NewImage=TWO), record("01", "MODIFY", OldImage=ONE, NewImage=TWO), record("03", "INSERT", OldImage=ONE, NewImage=TWO),
                      record("04", "MODIFY", OldImage=ONE), record("05", "REMOVE", NewImage=ONE)):
            with self.assertRaises(AssertionError):
                reader.take("shard", wrong)

    def test_half_of_a_transfer(self):
        history = History()
        history.transfers.append(("w9", ("a0", "a1")))
        chains = {"a0": [(1, "w1"), (2, "w9")], "a1": [(1, "w2"), (0, "w9")]}
        for seen in ({"a0": "w1", "a1": "w2"}, {"a0": "w9", "a1": "w9"}):
            history.snapshots.append(seen)
        check_snapshots(chains, history)
        history.snapshots.append({"a0": "w9", "a1": "w2"})
        with self.assertRaisesRegex(AssertionError, "half of transfer w9"):
            check_snapshots(chains, history)


class Unanswered(unittest.TestCase):
    def check(self, history, table="plain", key="r0"):
        check(history.to_check(table, key), None)

    def test_a_write_that_was_seen_has_happened_by_then(self):
        history = History()
        history.add("plain", "r0", 0, NEVER, Puts(ONE), "put", "w1")
        history.add("plain", "r0", 5, 6, finds(ONE, TWO), "swap", "w2")
        history.saw(ONE, 6)
        self.check(history)
        history.add("plain", "r0", 7, 8, finds(None, THREE), "create", "w3")
        with self.assertRaises(NotLinearizable):
            self.check(history)

    def test_a_write_that_began_after_it_was_seen(self):
        history = History()
        history.add("plain", "r0", 5, NEVER, Puts(ONE), "put", "w1")
        history.add("plain", "r0", 1, 2, finds(ONE, TWO), "swap", "w2")
        history.saw(ONE, 2)
        with self.assertRaises(NotLinearizable):
            self.check(history)

    def test_a_swap_that_could_not_pass(self):
        history = History()
        history.add("plain", "r0", 0, 1, Puts(ONE), "put", "w1")
        history.add("plain", "r0", 2, NEVER, IfVersion(7, TWO), "swap", "w2")
        self.check(history)
        history.add("plain", "r0", 4, 5, finds(TWO, THREE), "put", "w3")
        history.saw(TWO, 5)
        with self.assertRaises(NotLinearizable):
            self.check(history)

    def test_an_addition_that_nobody_saw_counts(self):
        history = History()
        history.add("plain", "c0", 0, NEVER, add_unseen, "add", "w1")
        history.add("plain", "c0", 2, 3, added(2, "w2"), "add", "w2")
        self.check(history, key="c0")
        history.add("plain", "c0", 4, 5, added(4, "w4"), "add", "w4")
        with self.assertRaises(NotLinearizable):
            self.check(history, key="c0")


class Keys(unittest.TestCase):
    def test_the_key_that_is_wrong_is_told_with_what_came_before(self):
        history = History()
        history.add("plain", "r0", 0, 1, Puts(ONE), "put one", "w1")
        history.check({})
        history.add("plain", "r1", 0, 1, Puts(TWO), "put two", "w2")
        history.add("plain", "r1", 2, 3, finds(ONE, THREE), "swap", "w3")
        history.add("plain", "r1", 4, 5, Puts(ONE), "put later", "w4")
        with self.assertRaisesRegex(AssertionError, r"^plain r1: swap .* cannot be after .*\n    put two .*\n    swap \[2\.0000, 3\.0000\]$"):
            history.check({})

    def test_additions(self):
        history = History()
        history.adds["plain", "c0"] = [2, 1]
        for number in (2, 3):
            history.check({("plain", "c0"): number})
        for number in (None, 1, 4):
            with self.assertRaisesRegex(AssertionError, f"plain c0 is {number or 0} after 2 and 1 additions"):
                history.check({("plain", "c0"): number})


if __name__ == "__main__":
    unittest.main()
