"""linearizable.py must accept what could have happened and refuse what could not."""
import os
import random
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "chaos"))
from linearizable import NEVER, Impossible, NotLinearizable, Operation, check  # noqa: E402


def write(start, end, value):
    return Operation(start, end, lambda _: value, overwrites=True, name=f"write {value}")


def read(start, end, value):
    def step(state):
        if state != value:
            raise Impossible
        return state
    return Operation(start, end, step, observes=True, name=f"read {value}")


def swap(start, end, old, new):
    def step(state):
        if state != old:
            raise Impossible
        return new
    return Operation(start, end, step, name=f"swap {old} {new}")


class Linearizable(unittest.TestCase):
    def refuse(self, *operations):
        with self.assertRaises(NotLinearizable):
            check(operations, None)

    def test_one_after_the_other(self):
        check([write(0, 1, "a"), read(2, 3, "a"), write(4, 5, "b"), read(6, 7, "b")], None)
        self.refuse(write(0, 1, "a"), write(2, 3, "b"), read(4, 5, "a"))
        self.refuse(read(0, 1, "a"), write(2, 3, "a"))

    def test_at_the_same_time(self):
        check([write(0, 10, "a"), read(1, 2, None), read(3, 4, "a")], None)
        self.refuse(write(0, 10, "a"), read(1, 2, "a"), read(3, 4, None))
        check([write(0, 10, "a"), write(0, 10, "b"), read(11, 12, "a")], None)
        self.refuse(write(0, 10, "a"), write(0, 10, "b"), read(11, 12, "a"), read(13, 14, "b"))

    def test_one_of_two_swaps_wins(self):
        check([swap(0, 10, None, "a"), swap(0, 10, "a", "b"), read(11, 12, "b")], None)
        self.refuse(swap(0, 10, None, "a"), swap(0, 10, None, "b"))

    def test_what_had_no_answer_may_have_happened_or_not(self):
        check([write(0, NEVER, "a"), read(1, 2, None), read(3, 4, "a")], None)
        check([write(0, NEVER, "a"), read(3, 4, None)], None)
        self.refuse(write(0, NEVER, "a"), read(1, 2, "a"), read(3, 4, None))
        self.refuse(write(5, NEVER, "a"), read(1, 2, "a"))

    def test_what_was_made_by_moments_is_accepted_and_a_stale_read_is_not(self):
        pick = random.Random(5)
        for _ in range(50):
            moments = sorted(pick.sample(range(10, 10_000), 60))
            state, operations = None, []
            for number, moment in enumerate(moments):
                start, end = moment - pick.randrange(1, 300), moment + pick.randrange(1, 300)
                if pick.random() < 0.4:
                    state = number
                    operations.append(write(start, end, number))
                else:
                    operations.append(read(start, end, state))
            check(operations, None)
            self.refuse(*operations, write(20_000, 20_001, "x"), read(20_002, 20_003, state))

    def test_against_all_orders(self):
        """Small histories, right ones and wrong ones, by trying every order that their times allow."""
        pick, results = random.Random(7), []
        for _ in range(600):
            operations = generated(pick)
            try:
                check(operations, None)
                results.append(True)
            except NotLinearizable:
                results.append(False)
            self.assertEqual(results[-1], has_an_order(operations), operations)
        self.assertGreater(results.count(True), 100)
        self.assertGreater(results.count(False), 100)


def generated(pick):
    """Writes, reads and swaps of few values, each written once; of some nobody knows whether they happened."""
    operations, values, seen = [], [None], set()
    for number in range(pick.randrange(3, 7)):
        start = pick.randrange(20)
        end = NEVER if pick.random() < 0.15 else start + pick.randrange(1, 15)
        kind, value = pick.random(), pick.choice(values)
        if kind < 0.5:
            operations.append(write(start, end, number))
            values.append(number)
        elif kind < 0.75:
            operations.append(read(start, min(end, 40), value))
            seen.add(value)
        else:
            operations.append(swap(start, end, value, number))
            values.append(number)
            seen.add(value)
        operations[-1].value = number
    for each in operations:
        each.unseen = each.overwrites and each.value not in seen
    return operations


def has_an_order(operations, state=None):
    """Depth first: next may be whatever began before all that are left have ended."""
    left = [each for each in operations if each.end != NEVER]
    if not left:
        return True
    first_end = min(each.end for each in left)
    for each in operations:
        if each.start <= first_end:
            try:
                after = each.step(state)
            except Impossible:
                continue
            if has_an_order([other for other in operations if other is not each], after):
                return True
    return False


if __name__ == "__main__":
    unittest.main()
