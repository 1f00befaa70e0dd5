"""The fence (docs/live.md): the authority goes from DynamoDB to PostgreSQL while two gateways write and read, and a follower repairs.

A side is the set of writes that it holds. No acknowledged write may be missing where the authority is, or in a strong read that
began after it was acknowledged.
"""
from collections import namedtuple

from search import Model, prove, put

State = namedtuple("State", "dynamodb postgres row views acknowledged writes reads acked follower is_bad")
NOTHING = frozenset()
OPEN_ROW = ("dual", False, 0)


class Fence(Model):
    """row: landfall.phase as (phase, is fenced); views: what each gateway works under; acknowledged: the row's version that it has
    told of; writes: idle, sent (DynamoDB has it), done; reads: None, (writes acknowledged before, its side), done.
    """

    initial = State(NOTHING, NOTHING, OPEN_ROW, (OPEN_ROW,) * 2, (0, 0), ("idle",) * 2, (None,) * 2, NOTHING, None, None)

    def wrong(self, s):
        if s.is_bad:
            return s.is_bad
        authority = s.dynamodb if s.row[0] == "dual" else s.postgres
        if s.acked - authority:
            return f"write {min(s.acked - authority)} was acknowledged and is not in {s.row[0]}"
        return None

    def steps(self, s):
        for who in (0, 1):
            yield from self.write_steps(s, who)
            yield from self.read_steps(s, who)
            yield from self.view_steps(s, who)
        yield from self.follower_steps(s)
        yield from self.command_steps(s)

    def write_steps(self, s, who):
        phase, is_fenced, _ = s.views[who]
        mine = frozenset({who + 1})
        if s.writes[who] == "idle" and phase == "dual" and not is_fenced:
            bad = "DynamoDB takes a write though PostgreSQL has the authority" if s.row[0] == "postgres" else s.is_bad
            yield f"{who + 1} is in DynamoDB", s._replace(dynamodb=s.dynamodb | mine, writes=put(s.writes, who, "sent"), is_bad=bad)
        if s.writes[who] == "sent":
            yield f"{who + 1} is in the row", s._replace(postgres=s.postgres | mine, writes=put(s.writes, who, "done"), acked=s.acked | mine)
        if s.writes[who] == "idle" and phase == "postgres" and not (is_fenced and self.has("writes held until all read there")):
            yield f"{who + 1} is written to PostgreSQL", s._replace(postgres=s.postgres | mine, writes=put(s.writes, who, "done"), acked=s.acked | mine)

    def read_steps(self, s, who):
        if s.reads[who] is None:
            yield f"gateway {who + 1} begins a strong read", s._replace(reads=put(s.reads, who, (s.acked, s.views[who][0])))
        if isinstance(s.reads[who], tuple):
            before, side = s.reads[who]
            missing = before - (s.dynamodb if side == "dual" else s.postgres)
            bad = f"a strong read of {side} lacks write {min(missing)}" if missing else s.is_bad
            yield f"gateway {who + 1} answers from {side}", s._replace(reads=put(s.reads, who, "done"), is_bad=bad)

    def view_steps(self, s, who):
        """It works under the newest row; it acknowledges when nothing is left that began under an older one."""
        if s.views[who] != s.row:
            yield f"gateway {who + 1} sees {s.row}", s._replace(views=put(s.views, who, s.row))
        is_idle = s.writes[who] != "sent" and not isinstance(s.reads[who], tuple)
        if s.views[who] == s.row and s.acknowledged[who] < s.row[2] and is_idle:
            yield f"gateway {who + 1} acknowledges {s.row}", s._replace(acknowledged=put(s.acknowledged, who, s.row[2]))
        if not self.has("an undoing in the row") and s.views[who][1] and s.views[who][0] == "dual":
            yield f"gateway {who + 1} thinks that the time is up", s._replace(views=put(s.views, who, ("dual", False, s.views[who][2])))

    def follower_steps(self, s):
        """It reads DynamoDB and writes the row while it holds the phase's row, unless the phase is another."""
        if s.follower is None and s.row[0] == "dual":
            yield f"the follower reads {set(s.dynamodb)}", s._replace(follower=s.dynamodb)
        if s.follower is not None:
            yield f"the follower writes {set(s.follower)}", s._replace(postgres=s.follower, follower=None)

    def all_acknowledge(self, s):
        return all(version >= s.row[2] for version in s.acknowledged)

    def command_steps(self, s):
        phase, is_fenced, version = s.row
        is_free = s.follower is None or not self.has("the follower's lock")
        if (phase, is_fenced) == ("dual", False) and version == 0 and is_free:
            yield "fence on", s._replace(row=("dual", True, 1))
        if (phase, is_fenced) == ("dual", True):
            if is_free and (self.all_acknowledge(s) or not self.has("a fence that all acknowledge")) and s.dynamodb <= s.postgres:
                yield "the authority changes", s._replace(row=("postgres", True, version + 1))
            if is_free:
                yield "the time is up", s._replace(row=("dual", False, version + 1))
        if (phase, is_fenced) == ("postgres", True) and self.all_acknowledge(s):
            yield "fence off", s._replace(row=("postgres", False, version + 1))


prove(
    Fence,
    ["a fence that all acknowledge", "writes held until all read there", "the follower's lock", "an undoing in the row"],
)
