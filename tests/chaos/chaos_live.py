#!/usr/bin/env python3
"""Breaks a move from DynamoDB to PostgreSQL under load: chaos_live.py LANDFALL ROUNDS [--seed N] [--first N] [--parallel N] [--clients N] [--keep].

Each round an application works on three tables through two gateways, in front of DynamoDB Local, while they go from phase `follow` over backfill, dual write and
reads to PostgreSQL, back, and forward again: whole or, in about half of the rounds, first some entities of a table, now and then with their reads alone. Meanwhile gateways, the follower and commands are
killed (-9) or halted, PostgreSQL crashes or is away for seconds, for all or for one gateway, DynamoDB Local is killed and comes back, requests to DynamoDB are throttled,
dropped, cut or land late, and connections to PostgreSQL are delayed, cut, half closed or go dumb. In about half of the rounds gateways are told to continue without
PostgreSQL: then it is away once for longer than their leases, and they are killed on what they noted.

What must hold: histories linearizable, no acknowledged write lost, both sides equal at each rest, all failures of kinds that clients try again, nothing that ends by
itself, and writes that are done while PostgreSQL is away where they are to be.

What was sent to DynamoDB cannot land any more when the proxy has none of it: the quarter of an hour until its signature expires is cut short then.
Several rounds run at a time, each lane with servers of its own: most of a round is waiting. Prints a summary; exit status 1 when a round fails."""
import argparse
import asyncio
import collections
import multiprocessing
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e"), str(HERE.parent / "oracle")]
import harness  # noqa: E402
from live_round import Round  # noqa: E402
from servers import DynamoDbLocal, lacks  # noqa: E402

SKIPPED = 77


class Lane:
    """The servers of rounds that run one after the other, and what they count."""

    def __init__(self, arguments):
        self.landfall, self.arguments = os.path.abspath(arguments.landfall), arguments
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="landfall-chaos-"))
        shutil.copy(HERE / "gateway.yaml", self.folder / "landfall.yaml")
        subprocess.run([self.landfall, "plan"], cwd=self.folder, check=True, capture_output=True)
        self.server = harness.Server(["log_min_messages=fatal", "max_connections=200"])
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.kept = tempfile.mkdtemp(prefix="landfall-chaos-", dir=memory)
        self.dynamodb_local = DynamoDbLocal(self.kept)
        self.broken, self.failures, self.ends = (collections.Counter() for _ in range(3))
        self.requests = self.passed = 0

    def close(self):
        self.dynamodb_local.stop()
        self.server.stop()
        shutil.rmtree(self.kept)
        if not self.arguments.keep:
            shutil.rmtree(self.folder)

    @staticmethod
    def say(text):
        print(text, flush=True)

    def is_through(self, number):
        """Whether round `number` passes."""
        try:
            asyncio.run(Round(self, number).go())
        except (Exception, BaseExceptionGroup) as failed:
            for failure in leaves(failed):
                self.say(f"round {number} fails: {type(failure).__name__}: {failure}")
            return False
        self.passed += 1
        return True


def leaves(failure):
    """Of a group of exceptions, those that tell something."""
    if isinstance(failure, BaseExceptionGroup):
        return [leaf for each in failure.exceptions for leaf in leaves(each)]
    return [failure]


def take_number(shared, end):
    """The next round, or nothing when all are taken or one has failed."""
    with shared.get_lock():
        number = shared.value
        shared.value += 1
    return number if number < end else None


def run_lane(arguments, shared, results):
    """In a process of its own: rounds until there are no more."""
    end, lane = arguments.first + arguments.rounds, Lane(arguments)
    try:
        while (number := take_number(shared, end)) is not None:
            if not lane.is_through(number):
                shared.value = end
    finally:
        lane.close()
        results.put((lane.passed, lane.requests, lane.broken, lane.ends, lane.failures))


def run_lanes(arguments):
    """Their results."""
    shared, results = multiprocessing.Value("q", arguments.first), multiprocessing.SimpleQueue()
    lanes = [multiprocessing.Process(target=run_lane, args=(arguments, shared, results)) for _ in range(min(arguments.parallel, arguments.rounds))]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join()
    while not results.empty():
        yield results.get()


def read_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("landfall")
    parser.add_argument("rounds", type=int)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--first", type=int, default=0, help="round")
    parser.add_argument("--parallel", type=int, default=os.cpu_count(), help="rounds at a time")
    parser.add_argument("--clients", type=int, default=10)
    parser.add_argument("--calm", type=float, default=2, help="mean of the seconds between two faults")
    parser.add_argument("--keep", action="store_true", help="keep the folders with logs")
    return parser.parse_args()


def summarise(arguments, results, seconds):
    """Whether all have passed."""
    passed, requests = sum(each[0] for each in results), sum(each[1] for each in results)
    broken, ends, failures = (sum((each[which] for each in results), collections.Counter()) for which in (2, 3, 4))
    for count, what in sorted((count, what) for what, count in (*broken.items(), *ends.items(), *((f"failures that a client saw: {what}", count) for what, count in failures.items()))):
        print(f"  {count:7} {what}")
    is_passed = passed == arguments.rounds
    print(f"{passed} of {arguments.rounds} rounds" + (f": {requests:,} requests, {sum(failures.values()):,} failed, all retryable; lost 0, differences 0" if is_passed else "") +
          f", seed {arguments.seed} ({seconds:.0f} s)", flush=True)
    return is_passed


def main():
    arguments = read_arguments()
    if missing := lacks():
        print(f"skipped: {missing}")
        return SKIPPED
    print(f"seed {arguments.seed}, {arguments.parallel} rounds at a time", flush=True)
    start = time.monotonic()
    return 0 if summarise(arguments, list(run_lanes(arguments)), time.monotonic() - start) else 1


if __name__ == "__main__":
    sys.exit(main())
