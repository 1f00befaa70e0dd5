"""The sequencer of streams (src/gateway/stream/sequencer.h): three transactions draw ids, one process numbers what is settled.

No committed change may be passed over, and the changes of a key must be numbered in the order in which they were committed.
"""
from collections import namedtuple

from search import Model, prove, put

State = namedtuple("State", "writers lock next_id next_xid commits mark seen position numbered")
KEYS = ("a", "a", "b")


class Sequencer(Model):
    """A writer: new, locked(xid), drawn(xid, id), ended. Its xid comes with the row's lock; the id is drawn under it.

    mark: (id, xid) that waits to be settled; seen: what the sequencer has read of the two; commits: ids in commit order.
    """

    initial = State((("new",),) * 3, frozenset(), 1, 1, (), None, None, 0, ())

    def wrong(self, s):
        committed = {number for _, number in s.commits}
        passed = [number for number in committed if number <= s.position and number not in s.numbered]
        if passed:
            return f"change {passed[0]} was passed over"
        for key in set(KEYS):
            order = [number for of, number in s.commits if of == key and number in s.numbered]
            if order != [number for number in s.numbered if number in order]:
                return f"the changes of key {key} are out of order"
        return None

    def steps(self, s):
        for who in range(len(KEYS)):
            yield from self.writer_steps(s, who)
        yield from self.sequencer_steps(s)

    def writer_steps(self, s, who):
        step, key = s.writers[who], KEYS[who]
        if self.has("the lock before the id"):
            if step[0] == "new" and key not in s.lock:
                yield f"{who} locks {key}", s._replace(writers=put(s.writers, who, ("locked", s.next_xid)), lock=s.lock | {key}, next_xid=s.next_xid + 1)
            if step[0] == "locked":
                yield f"{who} draws {s.next_id}", s._replace(writers=put(s.writers, who, ("drawn", step[1], s.next_id)), next_id=s.next_id + 1)
        else:
            if step[0] == "new":
                yield f"{who} draws {s.next_id}", s._replace(writers=put(s.writers, who, ("early", s.next_id)), next_id=s.next_id + 1)
            if step[0] == "early" and key not in s.lock:
                yield f"{who} locks {key}", s._replace(writers=put(s.writers, who, ("drawn", s.next_xid, step[1])), lock=s.lock | {key}, next_xid=s.next_xid + 1)
        if step[0] == "drawn":
            ended = s._replace(writers=put(s.writers, who, ("ended",)), lock=s.lock - {key})
            yield f"{who} commits {step[2]}", ended._replace(commits=s.commits + ((key, step[2]),))
            yield f"{who} rolls back", ended

    def sequencer_steps(self, s):
        if s.mark is None:
            yield from self.marking_steps(s)
        elif not self.has("waiting until it is settled") or all(w[0] not in ("locked", "drawn") or w[1] >= s.mark[1] for w in s.writers):
            new = tuple(sorted(number for _, number in s.commits if s.position < number <= s.mark[0]))
            yield f"numbers to {s.mark[0]}", s._replace(numbered=s.numbered + new, position=s.mark[0], mark=None)

    def marking_steps(self, s):
        """The last id first, then a transaction id of its own."""
        first, second = ("id", "xid") if self.has("the id before the transaction id") else ("xid", "id")
        now = {"id": s.next_id - 1, "xid": s.next_xid}
        taken = s._replace(next_xid=s.next_xid + 1)
        if s.seen is None and s.next_id - 1 > s.position:
            yield f"reads the {first}", (taken if first == "xid" else s)._replace(seen=now[first])
        if s.seen is not None:
            mark = (s.seen, now["xid"]) if first == "id" else (now["id"], s.seen)
            yield f"reads the {second}", (taken if second == "xid" else s)._replace(seen=None, mark=mark)


prove(Sequencer, ["waiting until it is settled", "the id before the transaction id", "the lock before the id"])
