"""Exhaustive search of a protocol's model: every order in which its steps can happen.

A subclass of Model has
    initial      the first state, a named tuple
    steps(s)     the states that can follow, as (what happens, state)
    wrong(s)     what is violated in a state, or None
and asks has(rule) where a rule makes a difference.
`prove` asserts that nothing is violated with all rules, and that each rule left out violates something: a search that finds nothing
in a broken protocol proves nothing of a whole one.
"""
import collections


class Model:
    """A protocol as it is built, or with one rule left out."""

    def __init__(self, left_out=None):
        self.left_out = left_out

    def has(self, rule):
        return rule != self.left_out


def search(model):
    """(number of states, None) or (number, (violation, steps that lead there))."""
    came_from = {model.initial: None}
    queue = collections.deque(came_from)
    while queue:
        state = queue.popleft()
        violation = model.wrong(state)
        if violation:
            return len(came_from), (violation, path_to(state, came_from))
        for what, following in model.steps(state):
            if following not in came_from:
                came_from[following] = (what, state)
                queue.append(following)
    return len(came_from), None


def path_to(state, came_from):
    path = []
    while came_from[state]:
        what, state = came_from[state]
        path.append(what)
    return path[::-1]


def prove(model, rules):
    states, found = search(model())
    if found:
        lines = "\n".join(f"  {number}. {what}" for number, what in enumerate(found[1], 1))
        raise SystemExit(f"{model.__name__}: {found[0]}:\n{lines}")
    print(f"{model.__name__}: nothing violated in {states} states")
    for rule in rules:
        states, found = search(model(rule))
        if not found:
            raise SystemExit(f"{model.__name__} without '{rule}': nothing violated in {states} states, so the search cannot tell")
        print(f"{model.__name__} without '{rule}': {found[0]} after {len(found[1])} steps")


def put(values, at, value):
    """The tuple with one value replaced."""
    return values[:at] + (value,) + values[at + 1 :]
