"""Whether two refusals of one request are both true. AWS leaves open which of several faults of a request is told; a fault that is none must be found all the same.

The request is sent again without parts of itself. It has two faults when there is a part without which both sides tell Local's, another without which both tell
ours, and when without both parts neither is told: then each side knows each fault, and no part was missed by the request itself."""
import copy
import re

import explained_tables
import malformed
from explained_items import is_same_text, plain_text
from normalise import walk

NAME = "Each tells another of several faults"
PROBES_MAX = 400
PAIRS_MAX = 5
INSTEAD = ("instead",)
DEPTH_MAX = 7
EXPRESSIONS = re.compile(r"\w+Expression|Statement")
# Actions, terms and clauses of expressions, with what parts them.
PIECES = re.compile(r"(\s*,\s*(?![^(]*\))|\s+AND\s+|\s+OR\s+|\s+(?=(?:SET|REMOVE|ADD|DELETE)\s))", re.IGNORECASE)
CLAUSE = re.compile(r"\s*(?:SET|REMOVE|ADD|DELETE)\s+", re.IGNORECASE)


def told(outcome):
    """What is said to be wrong: (type, message), and of a cancelled transaction each reason."""
    reasons = [(reason["Code"], reason.get("Message")) for reason in outcome.answer.get("CancellationReasons") or [] if reason.get("Code") != "None"]
    return reasons or [(outcome.type, outcome.message)]


def tells(outcome, fault, is_ours, is_our_fault):
    """Whether a side tells a fault, in its own words if the fault is the other's."""
    def is_same(one, other):
        if is_ours == is_our_fault:
            return plain_text(str(one)) == plain_text(str(other))
        texts = (other, one) if is_ours else (one, other)
        return is_same_text(*texts) or explained_tables.is_same_text(*texts)
    return not outcome.ok and any(is_same(message, known) for _, message in told(outcome) for _, known in fault)


# ---- parts of requests ----

def outer_parts_of(body):
    """Without one of them a request is whole, or lacks a member of its own or an attribute of its item: nothing within a value goes. Of a list three stay, so that
    two with a fault can still go and leave one without."""
    return [path for path in malformed.places(body) if len(path) == 1 or path[:-1] == ("Item",) or (
        len(path) <= 4 and isinstance(path[-1], int) and len(malformed.parent_of(body, path)) > 3)]


def parts_of(body):
    """Lists of paths: of a member, of two that go together, of a table that another takes the place of, which ends in INSTEAD, or of a piece of an expression,
    which ends in ("piece", number)."""
    for path in malformed.places(body):
        value = malformed.parent_of(body, path)[path[-1]]
        if len(path) <= DEPTH_MAX:
            yield [path]
        if path == ("Segment",):
            yield [path, ("TotalSegments",)]
        if path[-1] == "TableName":
            yield [(*path, INSTEAD)]
        if isinstance(value, str) and EXPRESSIONS.fullmatch(str(path[-1])):
            count = len(PIECES.split(value)[::2])
            yield from ([(*path, ("piece", number))] for number in range(count) if count > 1)


def without(body, paths, table=None):
    """The body without these parts, and without the names and values that nothing uses any more; `table` is there for one that is not."""
    body = copy.deepcopy(body)
    once_used = set().union(*(used for _, used in holders_of(body)))
    for part in sorted(paths, key=order_of, reverse=True):
        if part[-1] == INSTEAD:
            malformed.parent_of(body, part[:-1])[part[-2]] = table
        elif isinstance(part[-1], tuple):
            drop_piece(body, part)
        else:
            holder = malformed.parent_of(body, part)
            holder.pop(part[-1], None) if isinstance(holder, dict) else holder.pop(part[-1])
    drop_unused(body, once_used)
    return body


def order_of(part):
    """So that what is later in a list goes first."""
    return [(not isinstance(step, tuple), str(step) if not isinstance(step, int) else f"{step:06}") for step in part]


def drop_piece(body, part):
    """The word that begins a clause stays with the actions that are left of it."""
    holder, name, number = malformed.parent_of(body, part[:-1]), part[-2], part[-1][1]
    pieces = PIECES.split(holder[name])
    dropped = pieces[2 * number]
    start = max(0, 2 * number - 1)
    del pieces[start:start + 2]
    clause = CLAUSE.match(dropped)
    if clause and 2 * number < len(pieces) and not CLAUSE.match(pieces[2 * number]):
        pieces[2 * number] = clause[0] + pieces[2 * number]
    holder[name] = "".join(pieces)


def holders_of(body):
    """Each object with expressions, and the names and values that they use."""
    for found in walk(body):
        text = " ".join(str(found[name]) for name in found if EXPRESSIONS.fullmatch(name))
        yield found, set(re.findall(r"[#:]\w+", text))


def drop_unused(body, once_used):
    for holder, used in holders_of(body):
        for member in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
            if isinstance(holder.get(member), dict):
                left = {name: value for name, value in holder[member].items() if name in used or name not in once_used}
                holder.update({member: left}) if left or not holder[member] else holder.pop(member)


# ---- two faults ----

class Probe:
    """A request that both sides refused, for different faults."""

    def __init__(self, pair, difference):
        self.pair, self.difference, self.left = pair, difference, PROBES_MAX
        self.step = {name: value for name, value in difference.step.items() if name != "keys"}
        self.faults = [told(difference.theirs), told(difference.ours)]

    def verdicts(self, paths):
        """Of each side, of the request without these: which of the two faults it tells."""
        self.left -= 1
        body = without(self.step["body"], paths, next(iter(self.pair.keys), "missing"))
        outcomes = self.pair.outcomes({**self.step, "body": body})
        return [[tells(outcome, fault, is_ours, is_our_fault) for is_our_fault, fault in enumerate(self.faults)] for is_ours, outcome in enumerate(outcomes)]

    def verdict(self, paths):
        """Which of the two faults both sides tell: 0 or 1, None for neither, "both" where they differ on it."""
        verdicts = self.verdicts(paths)
        if not any(map(any, verdicts)):
            return None
        return next((number for number in (0, 1) if all(verdict[number] and not verdict[1 - number] for verdict in verdicts)), "both")

    def drop_what_does_not_matter(self):
        """So that a third fault is not told when one of the two is gone."""
        keys = self.pair.keys.get(self.step["body"].get("TableName"), {}).get(None, ())
        tried = {("Item", name) for name in keys}
        while part := next((part for part in outer_parts_of(self.step["body"]) if part not in tried), None):
            tried.add(part)
            if self.left > PROBES_MAX // 2 and self.verdicts([part]) == [[True, False], [False, True]]:
                self.step = {**self.step, "body": without(self.step["body"], [part])}
                # A list's later places have moved.
                tried = {known for known in tried if len(known) == 1 or known[0] == "Item"}

    def lacks_table(self, number):
        """A table that is not there needs no other proof."""
        return any(kind == "ResourceNotFoundException" for kind, _ in self.faults[number]) and self.step["body"].get("TableName") not in self.pair.keys

    def has_both(self):
        self.drop_what_does_not_matter()
        found = {0: [], 1: []}
        for part in parts_of(self.step["body"]):
            if self.left <= 0:
                return False
            verdict = self.verdict(part)
            if verdict not in found:
                continue
            # The other fault was this part's, whether its table is there or not.
            if self.lacks_table(verdict) or (part[0][-1] == INSTEAD and self.lacks_table(1 - verdict)):
                return True
            if any(are_apart(part, other) and self.verdict(part + other) is None for other in found[1 - verdict][:PAIRS_MAX]):
                return True
            found[verdict].append(part)
        return False


def are_apart(part, other):
    return all(one[:len(two)] != two and two[:len(one)] != one for one in part for two in other)


def is_refused_twice(difference):
    return all(400 <= outcome.status < 500 for outcome in (difference.theirs, difference.ours)) and isinstance(difference.step.get("body"), dict)


def are_both_true(pair, difference):
    """Whether the request of a difference has the faults that both sides tell. It may change the tables."""
    return is_refused_twice(difference) and Probe(pair, difference).has_both()
