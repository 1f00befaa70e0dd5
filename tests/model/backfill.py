"""Backfill and capture (docs/live.md): an item is deleted and put again while a scan copies it; the spool is applied behind it.

When the rows are readable and nothing is left to apply, they must be what DynamoDB holds.
"""
from collections import namedtuple

from search import Model, prove

State = namedtuple("State", "writes dynamodb postgres stream captures spool scan readable")
HISTORY = (None, "new", None)


class Backfill(Model):
    """stream: records not yet captured; captures: whether capture has begun; scan: waiting, read(item), done."""

    initial = State(0, "old", None, (), False, (), ("waiting",), False)

    def wrong(self, s):
        at_rest = s.readable and s.writes == len(HISTORY) and not s.spool and not s.stream
        if at_rest and s.dynamodb != s.postgres:
            return f"PostgreSQL has {s.postgres}, DynamoDB {s.dynamodb}"
        return None

    def steps(self, s):
        if s.writes < len(HISTORY):
            value = HISTORY[s.writes]
            yield f"DynamoDB: {value or 'deleted'}", s._replace(writes=s.writes + 1, dynamodb=value, stream=s.stream + (value,))
        if not s.captures and (s.scan[0] == "waiting" or not self.has("capture before the scan")):
            yield "capture begins", s._replace(captures=True, stream=())
        if s.captures and s.stream:
            yield "a record goes into the spool", s._replace(stream=s.stream[1:], spool=s.spool + (s.stream[0],))
        if s.scan[0] == "waiting" and (s.captures or not self.has("capture before the scan")):
            yield f"the scan reads {s.dynamodb}", s._replace(scan=("read", s.dynamodb))
        if s.scan[0] == "read":
            yield "the copy is committed", s._replace(scan=("done",), postgres=s.scan[1] or s.postgres)
        if s.spool and (s.scan[0] == "done" or not self.has("the spool behind the copy")):
            yield f"{s.spool[0] or 'a deletion'} is applied", s._replace(spool=s.spool[1:], postgres=s.spool[0])
        if s.scan[0] == "done" and s.captures and not s.readable and not s.spool and not s.stream:
            yield "the rows are readable", s._replace(readable=True)


prove(Backfill, ["capture before the scan", "the spool behind the copy"])
