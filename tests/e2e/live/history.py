"""What the application's processes asked and heard: failures, and whether each register's history is linearizable."""
import collections
import json
import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent.parent / "chaos"))
from linearizable import NEVER, Impossible, NotLinearizable, Operation, check  # noqa: E402


def read(files):
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def reads(value):
    def step(state):
        if state != value:
            raise Impossible
        return state
    return step


def writes(value, request):
    """A condition that was evaluated must have held, or must not."""
    def step(state):
        if "expected" in request and (state == request["expected"]) != (request["outcome"] == "done"):
            raise Impossible
        return value if request["outcome"] != "refused" else state
    return step


def operations(requests):
    """By register. A write that was refused without a condition, by a transaction under way, has not happened."""
    found = collections.defaultdict(list)
    for request in requests:
        if request["kind"] == "read" and request["outcome"] == "done":
            step, observes = reads(request.get("read")), True
        elif request["kind"] == "write" and (request["outcome"] != "refused" or "expected" in request):
            step, observes = writes(request.get("written"), request), request["outcome"] == "refused"
        else:
            continue
        if request["outcome"] == "refused" and "ConditionalCheckFailed" not in request["error"]:
            continue
        end = request["end"] if request["outcome"] != "failed" else NEVER
        for register in request["registers"]:
            found[register].append(Operation(request["start"], end, step, observes, f"{request['name']} {request.get('written', request.get('read'))}"))
    return found


def check_registers(requests):
    """The violations, as texts."""
    violations = []
    for register, history in sorted(operations(requests).items()):
        try:
            check(history, None)
        except NotLinearizable as error:
            violations.append(f"register {register}: {error}")
    return violations


def check_glances(requests):
    """An eventual read gives nothing that nobody wrote."""
    written = {(register, request["written"]) for request in requests if request["kind"] == "write" for register in request["registers"]}
    return [f"register {request['registers'][0]}: nobody wrote {request['read']}" for request in requests
            if request["kind"] == "glance" and request.get("read") and (request["registers"][0], request["read"]) not in written]


def failed(requests):
    return [request for request in requests if request["outcome"] == "failed"]
