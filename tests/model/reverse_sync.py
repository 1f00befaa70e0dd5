"""Reverse sync (src/gateway/jobs/reverse.h): a row changes twice, two leaders send it, requests land late.

At rest DynamoDB must hold what PostgreSQL holds; after a rollback nothing may land any more; and whatever lands must be in
landfall.reverse_sent, or it would be taken for a late writer's.
"""
from collections import namedtuple

from search import Model, prove, put

State = namedtuple("State", "postgres dynamodb queue sent again leaders leader flying landed is_rolled_back")
CHANGES = 2


def enqueue(s, entry):
    """A new one, though it be called as one that a leader has taken."""
    leaders = tuple((step[0], step[1], step[2] - {entry}) if len(step) == 3 else step for step in s.leaders)
    return s._replace(queue=s.queue | {entry}, leaders=leaders)


class ReverseSync(Model):
    """queue: the entries by which the key waits; sent: values noted; again: values whose outcome is not known; flying: requests under way, as
    (value, leader); leaders: idle, or taken(value, entries), sent(value,
    entries), of each. A leader that is asleep may wake.
    """

    initial = State(0, 0, frozenset(), frozenset(), frozenset(), (("idle",),) * 2, 0, frozenset(), frozenset(), False)

    def wrong(self, s):
        if s.landed - s.sent:
            return f"{min(s.landed - s.sent)} would be taken for a late writer's"
        if s.is_rolled_back and (s.flying or s.dynamodb != s.postgres):
            return "something may land after the rollback" if s.flying else f"DynamoDB has {s.dynamodb} of {s.postgres} after the rollback"
        is_at_rest = s.postgres == CHANGES and not (s.queue or s.again or s.flying) and all(step[0] == "idle" for step in s.leaders)
        if is_at_rest and s.dynamodb != s.postgres:
            return f"at rest DynamoDB has {s.dynamodb}, PostgreSQL {s.postgres}"
        return None

    def steps(self, s):
        if s.is_rolled_back:
            return
        if s.postgres < CHANGES:
            yield f"the row becomes {s.postgres + 1}", s._replace(postgres=s.postgres + 1, queue=s.queue | {s.postgres + 1})
        if s.leader == 0:
            yield "another leader takes over", s._replace(leader=1)
        for who in (0, 1):
            yield from self.leader_steps(s, who)
        for request in s.flying:
            value, who = request
            yield f"{value} of {who} lands", s._replace(dynamodb=value, flying=s.flying - {request}, landed=s.landed | {value})
        yield from self.clock_steps(s)
        if not s.queue and (not s.again or not self.has("a rollback that waits for answers")) and all(step[0] != "taken" for step in s.leaders):
            yield "writes are rolled back", s._replace(is_rolled_back=True)

    def leader_steps(self, s, who):
        step = s.leaders[who]
        if step[0] == "idle" and s.queue and who == s.leader:
            value = s.postgres
            noted = s._replace(leaders=put(s.leaders, who, ("taken", value, s.queue)))
            if self.has("noting before sending"):
                noted = noted._replace(sent=s.sent | {value}, again=s.again | {(value, who)})
            yield f"{who} takes {value}", noted
        if step[0] == "taken":
            yield f"{who} sends {step[1]}", s._replace(leaders=put(s.leaders, who, ("sent", *step[1:])), flying=s.flying | {(step[1], who)})
        if step[0] == "sent":
            yield from self.answer_steps(s, who, *step[1:])

    def answer_steps(self, s, who, value, entries):
        """An answer takes away the entries that were there when the item was read, and the request from what is not known. Of one that leads no
        more it only says that the key is to be sent again: what the next one has sent may have landed before."""
        idle = s._replace(leaders=put(s.leaders, who, ("idle",)))
        is_heard = who == s.leader or not self.has("the leader's token")
        if (value, who) not in s.flying and value in s.landed and is_heard:
            confirmed = idle._replace(again=s.again - {(value, who)}, sent=s.sent | {value})
            left = s.queue - entries if self.has("its own entries only") else frozenset()
            yield f"{who} hears that {value} is done", confirmed._replace(queue=left)
        if (value, who) not in s.flying and value in s.landed and not is_heard:
            yield f"{who}, which leads no more, hands {value} over", self.send_again(idle, value, who)
        if self.has("an unknown outcome that stays unknown"):
            yield f"{who} does not hear of {value}", idle
        else:
            yield f"{who} takes silence for a refusal of {value}", idle._replace(again=s.again - {(value, who)})

    def send_again(self, s, value, who):
        """It may have landed, and its record may be read later."""
        sent = s.sent if self.has("what was sent stays noted") else s.sent - {value}
        return enqueue(s._replace(again=s.again - {(value, who)}, sent=sent), f"{value} of {who} again")

    def clock_steps(self, s):
        """A signature runs out; only then is the key sent again for good."""
        for value, who in s.again:
            if (value, who) not in s.flying and s.leaders[who][0] == "idle":
                yield f"the time of {value} of {who} is up", self.send_again(s, value, who)
        for request in s.flying:
            if s.leaders[request[1]][0] == "idle":
                yield f"{request[0]} of {request[1]} is lost", s._replace(flying=s.flying - {request})


prove(
    ReverseSync,
    ["noting before sending", "the leader's token", "a rollback that waits for answers", "its own entries only", "an unknown outcome that stays unknown",
     "what was sent stays noted"],
)
