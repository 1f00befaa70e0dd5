"""Requests that no SDK would send: missing members, wrong JSON types, broken JSON."""
import copy
import json

ODD_VALUES = [None, 1, "text", True, [], {}, [1], {"a": 1}, 1.5, [None], "", -1, [[]]]


def places(value, path=()):
    """Every place inside a JSON value."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield (*path, name)
        yield from places(member, (*path, name))


def parent_of(body, path):
    for name in path[:-1]:
        body = body[name]
    return body


def spoiled(random, body):
    """One member removed, or replaced by something odd."""
    body = copy.deepcopy(body)
    path = random.choice(list(places(body)) or [()])
    if not path:
        return body
    if random.random() < 0.4:
        parent_of(body, path).pop(path[-1])
    else:
        parent_of(body, path)[path[-1]] = random.choice(ODD_VALUES)
    return body


def broken_text(random, body):
    text = json.dumps(body)
    return random.choice([lambda: "", lambda: "null", lambda: "[]", lambda: "1", lambda: text[:random.randrange(len(text))], lambda: text + "x",
                          lambda: text.replace(":", "=", 1),
                          lambda: text.replace('"', "'"), lambda: text[:-1] + ', "TableName": "twice"}', lambda: text[:-1] + ', "Unknown": 1}',
                          lambda: " " + text + "\n"])()


def malform(random, step):
    """The step with a request that is not as it should be; the answers are compared all the same."""
    if step["call"] == "stream" or "segments" in step:
        return step
    if random.random() < 0.2:
        return {"call": step["call"], "raw": broken_text(random, step["body"]), "malformed": True}
    return {"call": step["call"], "body": spoiled(random, step["body"]), "malformed": True}
