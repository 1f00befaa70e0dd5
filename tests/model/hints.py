"""Records of the stream beside writes on both sides (docs/live.md): a gateway that writes a key under its mark, DynamoDB that removes the item by itself, a follower
for which records are hints, and images once reads were rolled back, and the repairer.

When nothing is left of a key, neither a mark nor a record, nor anybody at work, both sides must hold the same.
"""
from collections import namedtuple

from search import Model, prove

State = namedtuple("State", "dynamodb postgres stream phase mark token gateway repairer follower left_to_do")
Mark = namedtuple("Mark", "token is_left")
NOBODY = None


class Hints(Model):
    """stream: images that the follower has not taken out yet; gateway: idle, marked(token), sent(token, image); it may be halted for any time, so in phase `follow` it may
    still be at work. repairer: (token, what it read) or None. follower: None, saw(how many records, whether there was a mark) or repairs(how many, token, what it read).
    left_to_do: what else happens to the key in DynamoDB: its removal by time to live, and a write past the gateways, once these only pass on what they are asked.
    """

    initial = State(None, None, (), "dual write", NOBODY, 0, ("idle",), None, None, ("removal", "write"))

    def wrong(self, s):
        at_rest = s.mark is NOBODY and not s.stream and s.follower is None
        if at_rest and s.dynamodb != s.postgres:
            return f"DynamoDB has {s.dynamodb}, PostgreSQL {s.postgres}, and nothing tells"
        return None

    def steps(self, s):
        yield from self.dynamodb_steps(s)
        yield from self.gateway_steps(s)
        yield from self.repairer_steps(s)
        yield from self.image_steps(s) if s.phase == "follow" else self.hint_steps(s)
        if s.phase == "dual write" and s.follower is None:
            yield "reads are rolled back", s._replace(phase="follow")

    @staticmethod
    def changed(s, image):
        return s._replace(dynamodb=image, stream=s.stream + (image,))

    def dynamodb_steps(self, s):
        if "removal" in s.left_to_do and s.dynamodb:
            yield "DynamoDB removes what has expired", self.changed(s, None)._replace(left_to_do=tuple(what for what in s.left_to_do if what != "removal"))
        if "write" in s.left_to_do and s.phase == "follow":
            yield "a write is passed on", self.changed(s, "other")._replace(left_to_do=tuple(what for what in s.left_to_do if what != "write"))

    def take(self, s, is_left):
        return s._replace(mark=Mark(s.token + 1, is_left), token=s.token + 1)

    @staticmethod
    def settle(s, token, image):
        is_ours = s.mark is not NOBODY and s.mark.token == token
        return s._replace(postgres=image, mark=NOBODY) if is_ours else s

    def gateway_steps(self, s):
        step = s.gateway
        if step[0] == "idle" and s.mark is NOBODY and s.phase == "dual write":
            marked = self.take(s, False)
            yield "the gateway marks the key", marked._replace(gateway=("marked", marked.token))
        if step[0] == "marked":
            yield "the gateway's write is in DynamoDB", self.changed(s, "new")._replace(gateway=("sent", step[1]))
        if step[0] == "sent":
            yield "the gateway settles", self.settle(s, step[1], "new")._replace(gateway=("done",))
            if s.mark is not NOBODY and s.mark.token == step[1]:
                yield "PostgreSQL loses what the gateway settles", s._replace(mark=Mark(step[1], True), gateway=("done",))

    def repairer_steps(self, s):
        """Also from whom it takes for dead."""
        if s.repairer is None and s.mark is not NOBODY and s.token < 4:
            taken = self.take(s, True)
            yield "the repairer takes the mark and reads", taken._replace(repairer=(taken.token, s.dynamodb))
        if s.repairer:
            yield "the repairer settles", self.settle(s, *s.repairer)._replace(repairer=None)

    def image_steps(self, s):
        if not s.stream:
            return
        left = s._replace(postgres=s.stream[0], stream=s.stream[1:])
        if s.mark is not NOBODY and self.has("an image takes the mark from who has it"):
            left = self.take(left, True)
        yield "an image is applied", left

    def hint_steps(self, s):
        if s.follower is None and s.stream:
            yield "the follower reads records, and then the mark", s._replace(follower=("saw", len(s.stream), s.mark is not NOBODY))
        if s.follower and s.follower[0] == "saw":
            yield from self.seen_steps(s, *s.follower[1:])
        if s.follower and s.follower[0] == "repairs":
            count, token, read = s.follower[1:]
            is_ours = s.mark is not NOBODY and s.mark.token == token
            settled = self.settle(s, token, read)._replace(follower=None)
            yield "the follower settles", settled._replace(stream=s.stream[count:]) if is_ours else settled

    def seen_steps(self, s, count, was_marked):
        """Of several records of the key the last counts."""
        idle = s._replace(follower=None, stream=s.stream[count - 1 :])
        if was_marked and self.has("a marked key's record waits"):
            yield "the follower leaves the record", idle
        elif s.stream[count - 1] == s.postgres:
            yield "the follower drops the record", idle._replace(stream=s.stream[count:])
        elif s.mark is not NOBODY:
            yield "the follower leaves the record to who has the mark", idle
        else:
            taken = self.take(idle, False)
            yield "the follower marks the key and reads", taken._replace(follower=("repairs", 1, taken.token, s.dynamodb))


prove(Hints, ["a marked key's record waits", "an image takes the mark from who has it"])
