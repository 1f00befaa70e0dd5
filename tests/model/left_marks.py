"""A key of unknown outcome that goes on being written (docs/live.md): the next gateway, or the repairer, takes over the mark that was left.

Three gateways write one key once each. Whenever the key has no mark, both sides must hold the same.
"""
from collections import namedtuple

from search import Model, prove, put

State = namedtuple("State", "dynamodb postgres mark gateways flying answered repairer")
Mark = namedtuple("Mark", "token is_left may_land")
WRITERS = (0, 1, 2)


class LeftMarks(Model):
    """A gateway: idle, marked, sent, unknown, or done. may_land: whether something could land when the mark was taken.

    Each takes the mark once, so its number stands for the token; 0 is the repairer's, who takes it again only when it has given it up.
    """

    initial = State(0, 0, None, (("idle",),) * 3, frozenset(), frozenset(), None)

    def wrong(self, s):
        if s.mark is None and s.dynamodb != s.postgres:
            return f"a clean key is {s.dynamodb} in DynamoDB and {s.postgres} in PostgreSQL"
        return None

    def steps(self, s):
        for who in WRITERS:
            yield from self.gateway_steps(s, who)
        for value in s.flying:
            yield f"DynamoDB takes {value}", s._replace(dynamodb=value, flying=s.flying - {value}, answered=s.answered | {value})
            if s.gateways[value - 1] == ("unknown",):
                yield f"the signature of {value} runs out", s._replace(flying=s.flying - {value})
        yield from self.repairer_steps(s)

    def could_land(self, s):
        return any(s.gateways[value - 1] == ("unknown",) for value in s.flying)

    def take(self, s, token):
        """What the repairer holds counts as left. What could land when it took the mark, and has, its successor knows of by the time."""
        pending = bool(s.mark and s.mark.token == 0 and s.repairer and s.mark.may_land)
        return s._replace(mark=Mark(token, token == 0, pending or self.could_land(s)))

    def settle(self, s, value):
        """Row and mark in one transaction; the mark stays if what landed since it was taken is not known."""
        if not s.mark:  # somebody without a token has taken it away
            return s._replace(postgres=value)
        lands = s.mark.may_land if self.has("what could land when the mark was taken") else self.could_land(s)
        stays = lands and self.has("the mark stays")
        return s._replace(postgres=value, mark=s.mark._replace(is_left=True) if stays else None)

    def gateway_steps(self, s, who):
        value, step = who + 1, s.gateways[who]
        if step[0] == "idle" and (s.mark is None or s.mark.is_left):
            yield f"gateway {value} marks the key", self.take(s, value)._replace(gateways=put(s.gateways, who, ("marked",)))
        if step[0] == "marked":
            yield f"gateway {value} sends", s._replace(flying=s.flying | {value}, gateways=put(s.gateways, who, ("sent",)))
        if step[0] == "sent" and value in s.answered:
            yield f"gateway {value} has its answer", self.settle(s._replace(gateways=put(s.gateways, who, ("done",))), value)
        if step[0] == "sent":
            left = s._replace(gateways=put(s.gateways, who, ("unknown",)), mark=s.mark and s.mark._replace(is_left=True))
            yield f"gateway {value} does not know, and leaves the mark", left

    def repairer_steps(self, s):
        if s.repairer is None and s.mark and s.mark.is_left:
            yield "the repairer takes the mark and reads", self.take(s, 0)._replace(repairer=(s.dynamodb,))
        if s.repairer:
            idle = s._replace(repairer=None)
            is_ours = s.mark is not None and s.mark.token == 0
            if is_ours or not self.has("the repairer's token"):
                idle = self.settle(idle, s.repairer[0])
            yield "the repairer settles", idle


prove(LeftMarks, ["the mark stays", "what could land when the mark was taken", "the repairer's token"])
