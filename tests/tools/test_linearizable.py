"""linearizable.py must accept what could have happened and refuse what could not."""
import os
import random
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "chaos"))
from linearizable import NEVER, Impossible, NotLinearizable, Operation, check  # noqa: E402


def write(start, end, value):
    return Operation(start, end, lambda _: value, name=f"write {value}")


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


if __name__ == "__main__":
    unittest.main()
