"""A short sequence of steps that still shows a difference: steps are left out, then members of their requests, as long as it stays the same difference."""
import copy

import malformed

REPLAYS_MAX = 250


class Shrinker:
    def __init__(self, replay, signature):
        """replay(steps) runs them on empty endpoints and gives the difference of the last step, or nothing."""
        self.replay, self.signature, self.replays = replay, signature, 0

    def shows(self, steps):
        if self.replays >= REPLAYS_MAX:
            return False
        self.replays += 1
        difference = self.replay(steps)
        return difference is not None and difference.signature() == self.signature

    def shrink(self, steps):
        """A request that names less needs fewer steps before it."""
        return self.without_steps(self.without_members(self.without_steps(steps)))

    def without_steps(self, steps):
        """Delta debugging: pieces of falling size are left out; the last step stays."""
        before, last = list(steps[:-1]), steps[-1]
        size = max(1, len(before) // 2)
        while before:
            smaller = self.first_that_shows(before, last, size)
            if smaller is not None:
                before = smaller
                size = min(size, max(1, len(before) // 2))
            elif size == 1:
                break
            else:
                size //= 2
        return before + [last]

    def first_that_shows(self, before, last, size):
        for start in range(0, len(before), size):
            candidate = before[:start] + before[start + size:]
            if self.shows(candidate + [last]):
                return candidate
        return None

    def without_members(self, steps):
        """Members of requests, outermost first, from the last step to the first."""
        for number in range(len(steps) - 1, -1, -1):
            steps = self.simplify_step(steps, number)
        return steps

    def simplify_step(self, steps, number):
        tried = set()
        while (path := next((path for path in self.places(steps[number]) if path not in tried), None)) is not None:
            tried.add(path)
            candidate = copy.deepcopy(steps)
            malformed.parent_of(candidate[number]["body"], path).pop(path[-1])
            if self.shows(candidate):
                # A list's later places have moved.
                steps, tried = candidate, {known for known in tried if not isinstance(path[-1], int)}
        return steps

    @staticmethod
    def places(step):
        return sorted((path for path in malformed.places(step.get("body", {})) if len(path) <= 4), key=len)
