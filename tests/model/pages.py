"""Start keys of scans and indexes (src/gateway/read_page.h): a gateway that gives out PostgreSQL's, while one registers that will have to tell whose
they are without PostgreSQL.

No key of PostgreSQL's is with a client that the other would take for DynamoDB's. A key that is not kept any more, an hour later or because DynamoDB has
given out the same, is DynamoDB's for everybody.
"""
from collections import namedtuple

from search import Model, prove

State = namedtuple("State", "kept given page start other knows")
KEYS = 2


class Pages(Model):
    """kept: keys that landfall.page has. given: those that a client may come with. page: how far the page is that is being answered, which begins at
    `start` (0: the first page) and ends at the next key. other: the gateway with a journal, absent or registered; knows: it takes all keys for
    DynamoDB's.
    """

    initial = State(frozenset(), frozenset(), None, 0, "absent", False)

    def wrong(self, s):
        return f"{set(s.given)} of PostgreSQL is taken for DynamoDB's" if s.knows and s.given else None

    def steps(self, s):
        yield from self.page_steps(s)
        yield from self.other_steps(s)
        if s.given or s.kept:
            yield "an hour passes", s._replace(given=frozenset(), kept=frozenset())
        for key in s.kept:
            yield f"DynamoDB gives out {key}, too", s._replace(kept=s.kept - {key}, given=s.given - {key})

    def page_steps(self, s):
        key = s.start + 1
        if s.page is None:
            yield "a first page is answered", s._replace(page="answered", start=0)
            for start in s.kept & s.given:
                if start < KEYS:
                    yield f"the page behind {start} is answered", s._replace(page="answered", start=start)
        if s.page == "answered":
            yield f"{key} is kept", s._replace(page="kept", kept=s.kept | {key})
            if not self.has("kept before it is looked"):
                yield "nobody with a journal is found", s._replace(page="looked") if s.other == "absent" else s._replace(page=None)
        if s.page == "looked":
            yield f"{key} is kept and given out", s._replace(page=None, kept=s.kept | {key}, given=s.given | {key})
        if s.page == "kept":
            is_free = s.other != "registered" or not self.has("nothing once one is registered") or (s.start and not self.has("pages that go on, too"))
            yield "it is looked for journals", s._replace(page=None, given=s.given | ({key} & s.kept)) if is_free else s._replace(page=None)

    def other_steps(self, s):
        if s.other != "registered":
            yield "the other registers", s._replace(other="registered")
        may_look = s.other == "registered" or (s.other == "absent" and not self.has("registered before it looks"))
        if may_look and (not s.kept or not self.has("a look at what is kept")):
            yield "the other finds no keys", s._replace(knows=True)
        if s.other == "registered":
            yield "the other leaves", s._replace(other="absent", knows=False)


prove(
    Pages,
    [
        "kept before it is looked",
        "nothing once one is registered",
        "pages that go on, too",
        "registered before it looks",
        "a look at what is kept",
    ],
)
