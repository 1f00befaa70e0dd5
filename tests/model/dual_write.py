"""Writes on both sides (docs/live.md): two gateways write one key, and DynamoDB may refuse what they send; what they leave the next writer takes over, or a repairer.

In every state in which the key has no mark, and could be read from PostgreSQL, both sides must hold the same.
"""
from collections import namedtuple

from search import Model, prove, put

State = namedtuple("State", "dynamodb postgres mark is_left token gateways flying answered refused dead repairer")
WRITERS = (0, 1)


class DualWrite(Model):
    """A gateway: idle, marked(token, whether it was taken over, whether something sent before could then still land), sent(the same), done, or gone (it died, or does not
    know the outcome).

    mark: None or its token; is_left: anybody may take it over; token: the last one drawn; flying: writes under way to DynamoDB; dead: whose signature can run out.
    """

    initial = State(0, 0, None, False, 0, (("idle",),) * 2, frozenset(), frozenset(), frozenset(), frozenset(), None)

    def wrong(self, s):
        if s.mark is None and s.dynamodb != s.postgres:
            return f"a clean key is {s.dynamodb} in DynamoDB and {s.postgres} in PostgreSQL"
        return None

    def steps(self, s):
        for who in WRITERS:
            yield from self.gateway_steps(s, who)
        for value in s.flying:
            yield f"DynamoDB takes {value}", s._replace(dynamodb=value, flying=s.flying - {value}, answered=s.answered | {value})
            yield f"DynamoDB refuses {value}", s._replace(flying=s.flying - {value}, refused=s.refused | {value})
            if value - 1 in s.dead:
                yield f"the signature of {value} runs out", s._replace(flying=s.flying - {value})
        yield from self.repairer_steps(s)

    def gateway_steps(self, s, who):
        value, step = who + 1, s.gateways[who]
        if step[0] == "idle" and (s.mark is None or s.is_left or not self.has("waiting for the mark")):
            yield f"gateway {value} marks the key", self.take(s, who)
        if step[0] == "marked" and who not in s.dead:
            yield f"gateway {value} sends", s._replace(flying=s.flying | {value}, gateways=put(s.gateways, who, ("sent", *step[1:])))
        if step[0] == "sent" and value in s.answered | s.refused:
            yield self.finish(s, who)
        if step[0] == "sent" and value in s.answered and s.mark == step[1]:
            yield f"PostgreSQL loses what gateway {value} wrote", s._replace(is_left=True, gateways=put(s.gateways, who, ("done",)))
        if step[0] in ("marked", "sent") and who not in s.dead:
            yield f"gateway {value} is paused or dies", s._replace(dead=s.dead | {who})

    def take(self, s, who):
        if not self.has("a mark"):
            return s._replace(gateways=put(s.gateways, who, ("marked", None, False, False)))
        token, may_land = s.token + 1, any(other + 1 in s.flying for other in s.dead)
        return s._replace(mark=token, is_left=False, token=token, gateways=put(s.gateways, who, ("marked", token, s.is_left, may_land)))

    def finish(self, s, who):
        """Row and mark in one transaction, if the mark is still ours. What was refused has no row, but for what somebody else had left."""
        value, (_, token, was_left, may_land) = who + 1, s.gateways[who]
        done = s._replace(gateways=put(s.gateways, who, ("done",)))
        if self.has("the mark's token") and s.mark != token:
            return f"gateway {value} finds another mark", done
        row = value if value in s.answered else s.dynamodb if was_left and self.has("a refused write repairs what it took over") else s.postgres
        if may_land and self.has("leaving it again while something may land"):
            return f"gateway {value} leaves the mark", done._replace(postgres=row, is_left=True)
        return f"gateway {value} takes its mark away", done._replace(postgres=row, mark=None, is_left=False)

    def repairer_steps(self, s):
        owner = next((who for who in WRITERS if s.gateways[who][0] in ("marked", "sent") and s.gateways[who][1] == s.mark), None)
        if s.repairer is None and s.mark is not None and (s.is_left or owner in s.dead):
            token = s.token + 1 if self.has("the mark's token") else s.mark
            yield "the repairer takes the mark and reads", s._replace(mark=token, is_left=True, token=max(s.token, token), repairer=(token, s.dynamodb))
        if s.repairer is None:
            return
        token, read = s.repairer
        if s.mark != token:
            yield "the repairer finds another mark", s._replace(repairer=None)
        elif self.has("repair once nothing can land") and any(who + 1 in s.flying for who in s.dead):
            return
        elif self.has("repair once nothing can land") and read != s.dynamodb:
            yield "the repairer reads again", s._replace(repairer=(token, s.dynamodb))
        else:
            yield "the repairer writes the row", s._replace(postgres=read, mark=None, is_left=False, repairer=None)


prove(DualWrite, ["a mark", "waiting for the mark", "the mark's token", "repair once nothing can land", "leaving it again while something may land", "a refused write repairs what it took over"])
