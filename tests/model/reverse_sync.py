"""Reverse sync (src/gateway/jobs/reverse.h): a row changes twice, two leaders send it, requests land late.

At rest DynamoDB must hold what PostgreSQL holds; after a rollback nothing may land any more; and whatever lands must be in
landfall.reverse_sent, or it would be taken for a late writer's.
"""
from collections import namedtuple

from search import Model, prove, put

State = namedtuple("State", "postgres dynamodb queue sent again leaders leader batches flying landed refused is_rolled_back")
CHANGES, BATCHES = 2, 3


def enqueue(s, entry):
    """A new one, though it be called as one that a leader has taken."""
    leaders = tuple((*step[:3], step[3] - {entry}) if len(step) == 4 else step for step in s.leaders)
    return s._replace(queue=s.queue | {entry}, leaders=leaders)


class ReverseSync(Model):
    """queue: the entries by which the key waits; sent: values noted; again: batches whose outcome is not known, as (value, number); batches: the last number drawn;
    flying: batches under way; landed: those that have; refused: those that DynamoDB has not taken, for want of capacity say; leaders: idle, or taken(value, number,
    entries), sent(the same), of each. A leader that is asleep may wake.
    """

    initial = State(0, 0, frozenset(), frozenset(), frozenset(), (("idle",),) * 2, 0, 0, frozenset(), frozenset(), frozenset(), False)

    def wrong(self, s):
        unknown = {value for value, _ in s.landed} - s.sent
        if unknown:
            return f"{min(unknown)} would be taken for a late writer's"
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
        for batch in s.flying:
            yield f"{batch} lands", s._replace(dynamodb=batch[0], flying=s.flying - {batch}, landed=s.landed | {batch})
            yield f"DynamoDB refuses {batch}", s._replace(flying=s.flying - {batch}, refused=s.refused | {batch})
        yield from self.clock_steps(s)
        if not s.queue and (not s.again or not self.has("a rollback that waits for answers")) and all(step[0] != "taken" for step in s.leaders):
            yield "writes are rolled back", s._replace(is_rolled_back=True)

    def leader_steps(self, s, who):
        step = s.leaders[who]
        if step[0] == "idle" and s.queue and who == s.leader and s.batches < BATCHES:
            value, number = s.postgres, s.batches + 1
            noted = s._replace(batches=number, leaders=put(s.leaders, who, ("taken", value, number, s.queue)))
            if self.has("noting before sending"):
                noted = noted._replace(sent=s.sent | {value}, again=s.again | {(value, number)})
            yield f"{who} takes {value} as {number}", noted
        if step[0] == "taken":
            yield f"{who} sends {step[1:3]}", s._replace(leaders=put(s.leaders, who, ("sent", *step[1:])), flying=s.flying | {step[1:3]})
        if step[0] == "sent":
            yield from self.answer_steps(s, who, step[1:3], step[3])

    def answer_steps(self, s, who, batch, entries):
        """An answer takes away the entries that were there when the item was read, unless it is a refusal, and the batch from what is not known. Of one that leads no
        more it only says that the key is to be sent again: what the next one has sent may have landed before."""
        idle = s._replace(leaders=put(s.leaders, who, ("idle",)))
        is_heard = who == s.leader or not self.has("the leader's token")
        is_done = batch in s.landed or not self.has("what is refused stays queued")
        if batch in s.landed | s.refused and is_heard:
            confirmed = idle._replace(again=s.again - {batch}, sent=s.sent | {batch[0]} if is_done else s.sent)
            left = s.queue - entries if self.has("its own entries only") else frozenset()
            yield f"{who} hears what became of {batch}", confirmed._replace(queue=left) if is_done else confirmed
        if batch in s.landed | s.refused and not is_heard:
            yield f"{who}, which leads no more, hands {batch} over", self.send_again(idle, batch)
        if self.has("an unknown outcome that stays unknown"):
            yield f"{who} does not hear of {batch}", idle
        else:
            yield f"{who} takes silence for a refusal of {batch}", idle._replace(again=s.again - {batch})

    def send_again(self, s, batch):
        """It may have landed, and its record may be read later."""
        sent = s.sent if self.has("what was sent stays noted") else s.sent - {batch[0]}
        return enqueue(s._replace(again=s.again - {batch}, sent=sent), f"{batch} again")

    def clock_steps(self, s):
        """A signature runs out; only then is the key sent again for good."""
        waited_for = {step[1:3] for step in s.leaders if len(step) == 4}
        for batch in s.again - s.flying - waited_for:
            yield f"the time of {batch} is up", self.send_again(s, batch)
        for batch in s.flying - waited_for:
            yield f"{batch} is lost", s._replace(flying=s.flying - {batch})


prove(
    ReverseSync,
    ["noting before sending", "the leader's token", "a rollback that waits for answers", "its own entries only", "an unknown outcome that stays unknown",
     "what was sent stays noted", "what is refused stays queued"],
)
