"""Differences between two answers, or between two lists of pages."""
import dataclasses
import re

import normalise

DIFFERENCES_MAX = 5
BESIDE = (".ConsumedCapacity", ".faults", ".ItemCollectionMetrics")


@dataclasses.dataclass
class Outcome:
    """What one side answered to a step: the normalised answer, and what a report shows."""
    status: int
    answer: dict

    @property
    def ok(self):
        return self.status == 200

    @property
    def type(self):
        return self.answer.get("__type")

    @property
    def message(self):
        return self.answer.get("message")


@dataclasses.dataclass
class Difference:
    step: dict
    theirs: Outcome
    ours: Outcome
    places: list

    def signature(self):
        """Differences of one kind have the same: the operation, where it is, and texts without what is the request's own."""
        path, theirs, ours = self.places[0]
        plain_path = re.sub(r"\[\d+\]", "[]", re.sub(r"\.(Items|Item|Attributes|Responses|NewImage|OldImage)\b.*", r".\1", path))
        if self.theirs.ok and self.ours.ok:
            return f"{self.step['call']} {plain_path}"
        return f"{self.step['call']} {describe(self.theirs)} / {describe(self.ours)}"

    def diverged(self):
        """Whether the tables may hold different things from here on: not if both refused, nor if only figures beside the items differ."""
        if self.theirs.ok != self.ours.ok:
            return True
        return self.theirs.ok and not all(path.startswith(BESIDE) for path, _, _ in self.places)


def describe(outcome):
    if outcome.ok:
        return "accepted"
    message = re.sub(r"'[^']*'|\"[^\"]*\"|(?<=: )[#:\w.\[\]-]+|\{.*?\}|\[.*\]|\d+", "*", str(outcome.message))
    return f"{outcome.status} {outcome.type}: {message}"


def differences(theirs, ours, path=""):
    """(path, theirs, ours) of each place where two JSON values differ."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name in sorted(theirs.keys() | ours.keys()):
            if name not in theirs or name not in ours:
                yield f"{path}.{name}", theirs.get(name, "(absent)"), ours.get(name, "(absent)")
            else:
                yield from differences(theirs[name], ours[name], f"{path}.{name}")
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for number, (one, other) in enumerate(zip(theirs, ours)):
            yield from differences(one, other, f"{path}[{number}]")
    elif theirs != ours or isinstance(theirs, bool) != isinstance(ours, bool):
        yield path, theirs, ours


def compare(step, theirs, ours):
    """A Difference, or nothing."""
    places = [] if theirs.status == ours.status else [(".status", theirs.status, ours.status)]
    for place in differences(theirs.answer, ours.answer):
        places.append(place)
        if len(places) >= DIFFERENCES_MAX:
            break
    return Difference(step, theirs, ours, places) if places else None


# ---- pages ----

def combine(step, pages, schema):
    """Pages of one reading as one outcome. Where the order of items is the endpoint's own, the pages' borders are so too: then only the whole is compared."""
    last = pages[-1]
    if last.ok and step["call"] == "ExecuteStatement" and normalise.has_free_order(step["body"]):
        return Outcome(last.status, {**last.answer, "Items": sorted((item for page in pages for item in page.answer["Items"]), key=normalise.key_text)})
    if not last.ok or step["call"] not in ("Query", "Scan"):
        return last if len(pages) == 1 else Outcome(last.status, {**last.answer, "pages": [page.answer for page in pages[:-1]]})
    answer, key = dict(last.answer), normalise.index_key(schema, step)
    items = [item for page in pages for item in page.answer.get("Items", [])]
    free_order = step["call"] == "Scan" or "IndexName" in step["body"]
    answer["Count"], answer["ScannedCount"] = (sum(page.answer.get(name, 0) for page in pages) for name in ("Count", "ScannedCount"))
    if "Items" in answer:
        answer["Items"] = order(step, items, key)
    if not free_order:
        answer["pages"] = [{name: page.answer.get(name) for name in ("Count", "ScannedCount", "LastEvaluatedKey", "ConsumedCapacity")} for page in pages[:-1]]
    elif len(pages) > 1:
        answer.pop("ConsumedCapacity", None)
    return Outcome(last.status, answer)


def order(step, items, key):
    """Projections may leave the keys out; then nothing tells which items may change places."""
    has_keys = all(name in item for item in items for name in key)
    if step["call"] == "Scan":
        return normalise.scan_order(normalise.tie_order(items, key), key if has_keys else None)
    if "IndexName" not in step["body"]:
        return items
    return normalise.tie_order(items, key) if has_keys else sorted(items, key=normalise.key_text)
