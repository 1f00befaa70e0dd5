"""A table followed by its exports (docs/live.md): rows are as old as the last window, until gateways write both sides and the exports have passed that.

One key. When the authority moves, both sides must hold the same: no export brings anything over after that.
"""
from collections import namedtuple

from search import Model, prove

State = namedtuple("State", "writes before dynamodb postgres phase has_changed windows place spool passed")
WRITES = WINDOWS = 3


class ExportChain(Model):
    """before: writes that gateways did not make; place: exports that are there and not captured, each the key's image or None, and whether all gateways wrote both sides at its end."""

    initial = State(0, 0, 0, 0, "follow", False, 0, (), (), False)

    def wrong(self, s):
        if s.phase == "postgres" and s.dynamodb != s.postgres:
            return f"PostgreSQL has the authority and {s.postgres}, DynamoDB {s.dynamodb}"
        return None

    def steps(self, s):
        if s.writes < WRITES and s.phase != "postgres":
            yield self.write(s)
        if s.windows < WINDOWS:
            made = (s.dynamodb if s.has_changed else None, s.phase != "follow")
            yield f"a window ends with {made[0]}", s._replace(windows=s.windows + 1, has_changed=False, place=s.place + (made,))
        if s.place:
            image, has_passed = s.place[0]
            captured = s._replace(place=s.place[1:], spool=s.spool + ((image,) if image else ()), passed=s.passed or has_passed)
            yield "an export is captured", captured
        if s.spool and s.phase != "postgres":
            yield f"{s.spool[0]} is applied", self.apply(s, s.spool[0])
        if s.phase == "follow":
            yield "all gateways write both sides", s._replace(phase="dual write", before=s.writes)
        if s.phase == "dual write" and self.may_move(s):
            yield "the writes move", s._replace(phase="postgres")

    def write(self, s):
        """How a gateway keeps the two sides together is dual_write.py's."""
        value = s.writes + 1
        row = value if s.phase == "dual write" else s.postgres
        return f"{value} is written", s._replace(writes=value, dynamodb=value, postgres=row, has_changed=True)

    def apply(self, s, image):
        is_hint = s.phase == "dual write" and self.has("images are hints")
        row = image if not is_hint or image == s.postgres else s.dynamodb
        return s._replace(spool=s.spool[1:], postgres=row)

    def may_move(self, s):
        is_applied = all(image > s.before for image in s.spool)
        return (s.passed or not self.has("exports past the gateways")) and (is_applied or not self.has("what is older applied"))


prove(ExportChain, ["exports past the gateways", "what is older applied", "images are hints"])
