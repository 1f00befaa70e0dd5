"""A gateway that goes on without PostgreSQL (docs/live.md): its journal, another gateway that writes and reads the same key, a change of the
authority meanwhile. It is killed and begins again without PostgreSQL, as of what it has kept; or it ends as it should, and phases change without it.

Whenever the other may read the row, and when the authority changes, both sides must hold the same; afterwards nothing may land in DynamoDB.
"""
from collections import namedtuple

from search import Model, prove, put

State = namedtuple("State", "dynamodb postgres mark link fresh trusted view kept acked is_there row lone journal flying other repairer")
Mark = namedtuple("Mark", "owner may_land")
Row = namedtuple("Row", "phase is_fenced version is_behind")
LONE = (1, 2)
OTHER = 3
ROW = Row("dual", False, 0, False)


class Outage(Model):
    """link: whether the lone gateway reaches PostgreSQL; fresh: whether its lease holds; trusted: whether others take its last word for its
    state; view, kept, acked: the phase that it works under (None: it does not run), that it would begin with, the version that it has told of; is_there: whether
    the catalog has it. lone: its two writes without PostgreSQL, idle, noted,
    sent, unknown or done. journal: those whose key is on its disk and not yet a mark. other: the other gateway's write, idle, marked, sent, done.
    """

    initial = State(0, 0, None, True, True, True, ROW[:3], None, 0, True, ROW, ("idle",) * 2, frozenset(), frozenset(), "idle", None)

    def wrong(self, s):
        if s.row.phase == "postgres":
            return f"DynamoDB has {s.dynamodb}, the new authority {s.postgres}" if s.dynamodb != s.postgres else None
        if s.trusted and s.mark is None and s.dynamodb != s.postgres:
            return f"others read {s.postgres}, DynamoDB has {s.dynamodb}"
        return None

    def steps(self, s):
        for at in range(len(LONE)):
            yield from self.lone_steps(s, at)
        yield from self.link_steps(s)
        yield from self.other_steps(s)
        yield from self.repairer_steps(s)
        yield from self.command_steps(s)
        for value in s.flying:
            yield f"DynamoDB takes {value}", s._replace(dynamodb=value, flying=s.flying - {value})

    def lone_steps(self, s, at):
        value, step = LONE[at], s.lone[at]
        may_begin = s.view and s.view[0] == "dual" and not (s.view[1] and self.has("nothing while fenced"))
        if step == "idle" and may_begin and (not s.trusted or not self.has("others stop reading first")):
            noted = s._replace(lone=put(s.lone, at, "noted"))
            yield f"the lone gateway notes {value}", noted._replace(journal=s.journal | {value}) if self.has("the journal first") else noted
        if step == "noted":
            yield f"it sends {value}", s._replace(lone=put(s.lone, at, "sent"), flying=s.flying | {value})
        if step == "sent" and value not in s.flying:
            yield f"{value} is answered", s._replace(lone=put(s.lone, at, "done"), journal=s.journal | {value})
        if step == "sent":
            yield f"{value} is not answered", s._replace(lone=put(s.lone, at, "unknown"))
        if step == "unknown" and value in s.flying:
            yield f"the signature of {value} runs out", s._replace(flying=s.flying - {value})

    def link_steps(self, s):
        if s.link:
            yield "PostgreSQL is away", s._replace(link=False)
        if s.link and s.view:
            yield from self.beat_steps(s)
            yield from self.tell_steps(s)
        if not s.link:
            yield "PostgreSQL is back", s._replace(link=True)
            yield "the lease runs out", s._replace(fresh=False)
            yield "others find the lone gateway silent", s._replace(trusted=False)
        if s.view:
            ended = tuple("unknown" if step == "sent" else "done" if step == "noted" else step for step in s.lone)
            yield "it is killed", s._replace(lone=ended, view=None, fresh=False)
            yield from self.end_steps(s)
        else:
            yield from self.begin_steps(s)

    def end_steps(self, s):
        """As it should: it forgets what it has kept before the catalog forgets it."""
        if s.view != s.kept and s.is_there:
            yield "it keeps what it has read", s._replace(kept=s.view)
        is_idle = not any(step in ("noted", "sent") for step in s.lone)
        if s.link and s.fresh and is_idle and not s.journal:
            kept = None if self.has("nothing is kept of who has left") else s.kept
            yield "it ends", s._replace(view=None, fresh=False, kept=kept, is_there=False, trusted=True)

    @staticmethod
    def begin_steps(s):
        """With PostgreSQL what it has read counts as acknowledged by none yet, but what others have heard of its predecessor stands."""
        if s.link:
            yield "it begins", s._replace(view=s.row[:3], fresh=True, trusted=False, is_there=True, acked=s.acked if s.is_there else 0)
        elif s.kept:
            yield "it begins without PostgreSQL", s._replace(view=s.kept)

    def beat_steps(self, s):
        """It tells what it is, works under the newest row, and acknowledges what it has worked under when nothing older is left."""
        is_idle = not any(step in ("noted", "sent") for step in s.lone)
        is_behind = bool(s.journal) and self.has("behind until the journal is told")
        may_ack = is_idle and (s.kept == s.view or not self.has("kept before it is acknowledged"))
        acked = s.view[2] if may_ack else s.acked
        beaten = s._replace(fresh=True, trusted=not is_behind, acked=max(s.acked, acked), view=s.row[:3], row=s.row._replace(is_behind=is_behind))
        yield f"it beats, {'behind' if is_behind else 'with all told'}", beaten

    def tell_steps(self, s):
        """What it has written becomes a mark, unless somebody works under one: then later."""
        is_free = s.mark is None or s.mark.owner == "left" or not self.has("no mark of others is taken")
        ended = [value for value in s.journal if s.lone[value - 1] not in ("noted", "sent")]
        if ended and s.fresh and is_free and s.row.phase == "dual":
            may_land = bool(s.mark and s.mark.may_land) or any(s.lone[value - 1] == "unknown" and value in s.flying for value in ended)
            yield "the journal becomes marks", s._replace(journal=s.journal - set(ended), mark=Mark("left", may_land), repairer=None)

    def other_steps(self, s):
        if s.other == "idle" and s.row.phase == "dual" and not s.row.is_fenced and (s.mark is None or s.mark.owner == "left"):
            may_land = bool(s.mark and s.mark.may_land)
            yield "the other marks the key", s._replace(other="marked", mark=Mark("other", may_land), repairer=None)
        if s.other == "marked":
            yield f"it sends {OTHER}", s._replace(other="sent", flying=s.flying | {OTHER})
        if s.other == "sent" and OTHER not in s.flying:
            done = s._replace(other="done")
            is_ours = s.mark is not None and s.mark.owner == "other"
            yield "the other settles", self.settle(done, OTHER) if is_ours else done

    @staticmethod
    def settle(s, value):
        return s._replace(postgres=value, mark=Mark("left", True) if s.mark.may_land else None)

    def repairer_steps(self, s):
        if s.mark is None or s.mark.owner != "left" or s.row.phase != "dual":
            return
        can_land = any(s.lone[value - 1] == "unknown" and value in s.flying for value in LONE)
        if s.repairer is None:
            mark = s.mark if can_land else s.mark._replace(may_land=False)
            yield "the repairer reads", s._replace(mark=mark, repairer=(s.dynamodb,))
        else:
            yield "the repairer settles", self.settle(s._replace(repairer=None), s.repairer[0])

    def command_steps(self, s):
        phase, is_fenced, version, is_behind = s.row
        if phase != "dual":
            return
        if not is_fenced and version == 0:
            yield "fence on", s._replace(row=s.row._replace(is_fenced=True, version=1))
        has_acked = not s.is_there or s.acked >= version or (not s.link and not s.fresh and not self.has("it is never presumed dead"))
        is_drained = s.mark is None and s.other in ("idle", "done") and (not is_behind or not self.has("no change while it is behind"))
        if is_fenced and has_acked and is_drained:
            yield "the authority changes", s._replace(row=s.row._replace(phase="postgres", is_fenced=False, version=version + 1))


prove(
    Outage,
    [
        "the journal first",
        "others stop reading first",
        "behind until the journal is told",
        "no mark of others is taken",
        "nothing while fenced",
        "it is never presumed dead",
        "no change while it is behind",
        "kept before it is acknowledged",
        "nothing is kept of who has left",
    ],
)
