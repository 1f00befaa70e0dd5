"""Whether a history of operations on one object is linearizable: whether each could have taken effect at one moment between its start and its end.

Just-in-time linearization (Lowe, "Testing for linearizability", 2017), depth first: walks through starts and ends in order of time with a configuration, that is the
object's state and those of the running operations that have taken effect in it. When an operation ends it must have taken effect: at the latest then, and after as few
others as will do. Where that leads nowhere, another way is tried.
"""
import collections
import math

CONFIGURATIONS_MAX, TOLD_MAX = 2_000_000, 30
NEVER = math.inf


class Operation:
    """`step(state)` is the state afterwards, or raises Impossible when the operation's answer does not fit that state. An end of NEVER: nobody knows whether, or
    when, it took effect; those of one `kind` do the same. An operation that only observes leaves every state as it is, one that overwrites leaves the same after any;
    of one that overwrites and is unseen no other operation's answer tells."""

    def __init__(self, start, end, step, observes=False, overwrites=False, unseen=False, name="", kind=None):
        self.start, self.end, self.step, self.name, self.kind = start, end, step, name, kind
        self.observes, self.overwrites, self.unseen = observes, overwrites, overwrites and unseen

    def __repr__(self):
        return f"{self.name} [{self.start:.4f}, {self.end:.4f}]"


class Impossible(Exception):
    pass


class NotLinearizable(Exception):
    pass


def after(operation, state):
    """[state afterwards], or nothing."""
    try:
        return [operation.step(state)]
    except Impossible:
        return []


def observe(state, done, running):
    """An observation that fits takes effect at once: that never spoils what comes."""
    seen = [operation for operation in running if operation.observes and operation not in done and after(operation, state)]
    return done.union(seen) if seen else done


def overwritten(operation, running):
    """What nobody has seen is best done right before something overwrites it: the one place where it is never in the way."""
    return [each for each in running if each.unseen] if operation.overwrites else []


def choices(done, running):
    """Of those that are alike and have no end, the one that began first."""
    kinds = set()
    for operation in running:
        if operation.observes or operation in done or operation.end == NEVER and operation.kind in kinds:
            continue
        if operation.kind:
            kinds.add(operation.kind)
        yield operation


def ways(operation, state, done, running):
    """The configurations in which it has taken effect, without it; those first in which few others have."""
    known, left = {(state, done)}, collections.deque([(state, done)])
    while left:
        state, done = left.popleft()
        if operation in done:
            yield state, done - {operation}
            continue
        for other in choices(done, running):
            for new_state in after(other, state):
                configuration = (new_state, observe(new_state, done.union([other], overwritten(other, running)), running))
                if configuration not in known:
                    known.add(configuration)
                    if len(known) > CONFIGURATIONS_MAX:
                        raise RuntimeError(f"too many possibilities of {operation} among {len(running)}")
                    left.append(configuration)


class Search:
    def __init__(self, operations):
        self.operations = operations
        self.events = sorted([(operation.start, 0, number) for number, operation in enumerate(operations)] +
                             [(operation.end, 1, number) for number, operation in enumerate(operations) if operation.end != NEVER])
        self.running, running = [], []
        for _, is_end, number in self.events:
            running = [each for each in running if each is not operations[number]] if is_end else [*running, operations[number]]
            self.running.append(running)
        self.known = set()

    def next(self, at, state, done):
        """The configurations after event `at`."""
        _, is_end, number = self.events[at]
        operation = self.operations[number]
        if is_end:
            yield from ways(operation, state, done, self.running[at - 1])
        else:
            yield state, observe(state, done, self.running[at])

    def run(self, state):
        """How many events can be walked through, and the states in which the next cannot be."""
        path, furthest, states = [self.next(0, state, frozenset())], 0, set()
        while path:
            if len(path) - 1 > furthest:
                furthest, states = len(path) - 1, set()
            configuration = next(path[-1], None)
            if configuration is None:
                path.pop()
            elif len(path) == len(self.events):
                return len(path), states
            elif (len(path), configuration) not in self.known:
                self.known.add((len(path), configuration))
                if len(self.known) > CONFIGURATIONS_MAX:
                    raise RuntimeError(f"too many possibilities up to {self.operations[self.events[furthest][2]]}")
                if len(path) >= furthest:
                    states.add(configuration[0])
                path.append(self.next(len(path), *configuration))
        return furthest, states


def told(operations, end):
    """Those that had begun, the last of them."""
    begun = sorted((each for each in operations if each.start <= end), key=lambda each: each.start)
    return "".join(f"\n    {each}" for each in begun[-TOLD_MAX:])


def check(operations, state):
    """Raises NotLinearizable at the operation whose answer cannot be; `state` is hashable, as before the first operation."""
    search = Search(operations)
    reached, states = search.run(state) if operations else (0, None)
    if reached < len(search.events):
        operation = search.operations[search.events[reached][2]]
        raise NotLinearizable(f"{operation} cannot be after {sorted(map(str, states))}; running: {search.running[reached - 1]}; before: "
                              f"{told(operations, operation.end)}")
