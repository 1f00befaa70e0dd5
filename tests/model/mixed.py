"""Mixed tables (docs/live.md): one command takes a key that has moved back to DynamoDB while another, which may take the first for dead, moves a second key.

Each key is written once, by a gateway that may be behind. An acknowledged write has to be where the authority over its key is.
"""
from collections import namedtuple

from search import Model, prove, put

State = namedtuple("State", "moved fence version view told writes dynamodb postgres commands is_bad")
BACK, FORTH = 0, 1
KEYS = "ab"


class Mixed(Model):
    """moved: keys over which PostgreSQL has the authority; fence: what they will be, or None; view: (moved, is fenced, version) that the gateway works under; told: the
    version that it has acknowledged; writes: idle, sent (DynamoDB has it, the row not yet), left (and nobody works on the row, but a mark is there),
    done; commands: the version that each has put its fence up by, and whether
    it has found drained what it waits for.
    """

    initial = State(frozenset("a"), None, 0, (frozenset("a"), False, 0), 0, ("idle",) * 2, frozenset(), frozenset(), ((0, False),) * 2, None)

    def wrong(self, s):
        if s.is_bad:
            return s.is_bad
        for at, key in enumerate(KEYS):
            if s.writes[at] == "done" and key not in (s.postgres if key in s.moved else s.dynamodb):
                return f"the write of {key} is not where the authority is"
            if s.writes[at] == "left" and key in s.moved:
                return f"the row of {key} is older than what DynamoDB has, and nobody mends it"
        return None

    @staticmethod
    def is_queued(s, key):
        """For reverse sync."""
        return s.writes[KEYS.index(key)] == "done" and key in s.postgres and key not in s.dynamodb

    def steps(self, s):
        for at, key in enumerate(KEYS):
            yield from self.write_steps(s, at, key)
        yield from self.view_steps(s)
        for who in (BACK, FORTH):
            yield from self.command_steps(s, who)
        yield from self.fence_steps(s)

    def write_steps(self, s, at, key):
        moved, is_fenced, _ = s.view
        if s.writes[at] == "idle" and not is_fenced:
            bad = s.is_bad if (key in moved) == (key in s.moved) else f"{key} is written where the authority is not"
            if key in moved:
                yield f"{key} is written to PostgreSQL", s._replace(writes=put(s.writes, at, "done"), postgres=s.postgres | {key}, is_bad=bad)
            else:
                yield f"{key} is in DynamoDB", s._replace(writes=put(s.writes, at, "sent"), dynamodb=s.dynamodb | {key}, is_bad=bad)
        if s.writes[at] == "sent":
            yield f"the gateway does not hear what became of {key}", s._replace(writes=put(s.writes, at, "left"))
        if s.writes[at] in ("sent", "left"):
            yield f"{key} is in the row", s._replace(writes=put(s.writes, at, "done"), postgres=s.postgres | {key})
        if key in s.moved and self.is_queued(s, key):
            yield f"reverse sync sends {key}", s._replace(dynamodb=s.dynamodb | {key})

    def view_steps(self, s):
        row = (s.moved, s.fence is not None, s.version)
        if s.view != row:
            yield f"the gateway sees {row[1:]}", s._replace(view=row)
        if s.view == row and s.told < s.version and "sent" not in s.writes:
            yield f"the gateway acknowledges {s.version}", s._replace(told=s.version)

    def is_drained(self, s, who):
        if who == BACK:
            return not any(self.is_queued(s, key) for key in KEYS) or not self.has("a way back that waits for reverse sync")
        return not {"sent", "left"} & set(s.writes) or not self.has("a way forth that waits for marks")

    def command_steps(self, s, who):
        fence, is_drained = s.commands[who]
        target = s.moved - {"a"} if who == BACK else s.moved | {"b"}
        if not fence:
            named = s._replace(fence=target, version=s.version + 1, commands=put(s.commands, who, (s.version + 1, False)))
            yield f"command {who} puts a fence up", named
        are_told = s.told >= fence or not self.has("a fence that all acknowledge")
        if fence and not is_drained and are_told and self.is_drained(s, who):
            yield f"command {who} finds all drained", s._replace(commands=put(s.commands, who, (fence, True)))
        is_ours = s.version == fence or not self.has("a change that names its fence")
        if is_drained and s.fence is not None and s.fence != s.moved and is_ours:
            yield f"command {who} changes the authority", s._replace(moved=s.fence, version=s.version + 1)

    def fence_steps(self, s):
        """Before the change its time may be up; behind it all have to read on the new side."""
        if s.fence is not None and (s.fence != s.moved or s.told == s.version):
            yield "fence off", s._replace(fence=None, version=s.version + 1)


prove(
    Mixed,
    ["a fence that all acknowledge", "a way back that waits for reverse sync", "a way forth that waits for marks", "a change that names its fence"],
)
