#!/usr/bin/env python3
"""Random operations on DynamoDB Local and on Landfall, every answer compared.

The run is a row of sequences, each of a few hundred steps on tables of its own, each made from the seed and its number alone. A difference that no rule in
explained.py explains is printed once for its kind, with a short script that shows it; `--replay FILE` runs such a script again. Exit status 1 when there was one."""
import argparse
import collections
import contextlib
import json
import pathlib
import sys
import time

import explained
import faults
import relational
import runner
import sequence
import servers
import shrink

STEPS = 250
# Local looks through all streams that it ever had, those of dropped tables too, whenever an item is written: after so many sequences another one takes its place.
SEQUENCES_OF_ONE_LOCAL = 50
PROGRESS_EVERY = 10000


def is_unsure(difference):
    """Local may refuse a malformed request and yet do what it asks for; it then gives another exception, or calls the key that is there missing."""
    theirs = difference.theirs
    return bool(difference.step.get("malformed")) and not theirs.ok and (
        theirs.type != difference.ours.type or str(theirs.message).startswith("Cannot have null key for"))


class Run:
    def __init__(self, pair, profile, options, renew=None):
        """renew() puts a fresh endpoint in the place of theirs."""
        self.pair, self.profile, self.options, self.renew = pair, profile, options, renew
        self.operations, self.sequences, self.told = 0, 0, 0
        self.unexplained, self.explained, self.calls = collections.Counter(), collections.Counter(), collections.Counter()
        self.started = time.monotonic()

    def run(self):
        while self.operations < self.options.operations and len(self.unexplained) < self.options.kinds:
            length = min(STEPS, self.options.operations - self.operations)
            steps = self.profile.make(self.options.seed, self.options.first + self.sequences, max(length, 10))
            try:
                self.run_sequence(steps[:self.options.operations - self.operations])
            except runner.Unsettled as error:
                self.count_unsettled(error)
            except OSError as error:
                self.report_loss(error, steps)
                break
            self.sequences += 1
            self.tell_progress()
            if self.renew and self.sequences % SEQUENCES_OF_ONE_LOCAL == 0:
                self.renew()
        return self.summary()

    def tell_progress(self):
        if self.operations // PROGRESS_EVERY > self.told:
            self.told = self.operations // PROGRESS_EVERY
            print(f"{self.operations:,} operations, {sum(self.unexplained.values()):,} unexplained differences, {time.monotonic() - self.started:,.0f} s")

    def report_loss(self, error, steps):
        """An endpoint that answers no more ends the run; the sequence that it was in is kept."""
        self.unexplained["an endpoint is gone"] += 1
        print(f"\nGONE: {error}\n  seed {self.options.seed}, sequence {self.options.first + self.sequences}: {self.write_script('an endpoint is gone', steps)}")

    def count_unsettled(self, error):
        """Local does not finish every index on a table that holds items; the sequence ends there."""
        if error.side is self.pair.sides[0]:
            self.explained["Local leaves an index unfinished"] += 1
            return
        self.unexplained["a table stays in transition"] += 1
        print(f"\nUNSETTLED: {error}\n  seed {self.options.seed}, sequence {self.options.first + self.sequences}")

    def run_sequence(self, steps):
        """To its end, or until the two sides may hold different things."""
        self.profile.begin(self.pair)
        for position, step in enumerate(steps):
            difference = self.pair.run(step)
            self.operations += 1
            self.calls[step["call"]] += 1
            if difference and self.judge(difference, steps[:position + 1]):
                return

    def judge(self, difference, steps):
        """Counts a difference; True when the sequence cannot go on."""
        name = explained.explain(difference)
        if name:
            self.explained[name] += 1
            return not explained.leaves_same_tables(name, difference.step) and (difference.theirs.ok != difference.ours.ok or is_unsure(difference))
        if faults.are_both_true(self.pair, difference):
            self.explained[faults.NAME] += 1
            return True
        signature = difference.signature()
        self.unexplained[signature] += 1
        if self.unexplained[signature] == 1:
            self.report(difference, signature, steps)
            return True
        return difference.diverged()

    # ---- reports ----

    def report(self, difference, signature, steps):
        number = self.options.first + self.sequences
        print(f"\nDIFFERENCE {len(self.unexplained)}: {signature}")
        print(f"  seed {self.options.seed}, sequence {number}, step {len(steps) - 1}, operation {self.operations}")
        print_difference(difference)
        if self.options.shrink:
            steps = shrink.Shrinker(self.replay, signature).shrink(steps)
        file = self.write_script(signature, steps)
        print(f"  {len(steps)} step(s) show it: {file}")
        for step in steps[-6:]:
            print(f"    {step['call']} {shortened(step.get('raw') or step.get('body'))}")
        sys.stdout.flush()

    def replay(self, steps):
        self.profile.begin(self.pair)
        for step in steps[:-1]:
            self.pair.run(step)
        return self.pair.run(steps[-1])

    def write_script(self, signature, steps):
        self.options.scripts.mkdir(parents=True, exist_ok=True)
        file = self.options.scripts / f"difference-{self.options.seed}-{len(self.unexplained)}.json"
        file.write_text(json.dumps({"difference": signature, "store": self.options.store, "map": self.options.map, "steps": steps}, indent=1))
        return file

    def summary(self):
        seconds = time.monotonic() - self.started
        if self.options.verbose:
            print("\n".join(f"  {count:7,} {call}" for call, count in self.calls.most_common()))
        if self.unexplained:
            print("\nunexplained, by kind:\n" + "\n".join(f"  {count:5,} {signature}" for signature, count in self.unexplained.most_common()))
        by_rule = ", ".join(f"{name} {count:,}" for name, count in self.explained.most_common())
        print(f"seed {self.options.seed}, {self.sequences:,} sequences, {self.pair.requests:,} requests, {self.operations / seconds:,.0f} operations/s")
        print(f"{self.operations:,} operations, {sum(self.unexplained.values()):,} unexplained differences, "
              f"{sum(self.explained.values()):,} explained" + (f" (by rule: {by_rule})" if by_rule else ""))
        return 1 if self.unexplained else 0


def shortened(value, size=600):
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= size else f"{text[:size]}… ({len(text):,} characters)"


def print_difference(difference):
    print(f"  request  {difference.step['call']} {shortened(difference.step.get('raw') or difference.step.get('body'), 2000)}")
    for path, theirs, ours in difference.places:
        print(f"  {path}\n    theirs {shortened(theirs)}\n    ours   {shortened(ours)}")
    for name, outcome in (("theirs", difference.theirs), ("ours", difference.ours)):
        print(f"  {name:8} {outcome.status} {shortened(outcome.answer, 2000)}")


def replay_script(options, pair):
    """Runs a script that a report named, and prints each difference in it."""
    script = json.loads(pathlib.Path(options.replay).read_text())
    profile_of(script["store"], script.get("map")).begin(pair)
    found = 0
    for number, step in enumerate(script["steps"]):
        difference = pair.run(step)
        if difference:
            found += 1
            name = explained.explain(difference) or faults.are_both_true(pair, difference) and faults.NAME
            print(f"\nstep {number}: {difference.signature()}{f' ({name})' if name else ''}")
            print_difference(difference)
    print(f"{len(script['steps'])} steps, {found} differences")
    return 1 if found else 0


class ItemStore:
    """Tables of any kind, made and dropped by each sequence."""
    map_file = None
    make = staticmethod(sequence.make)

    @staticmethod
    def begin(pair):
        pair.clear()


def profile_of(store, map_name):
    return ItemStore if store == "item" else relational.Profile(map_name or relational.MAPS[0])


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--theirs", default="local", help="URL of DynamoDB Local, or `local` to start one (default)")
    parser.add_argument("--ours", required=True, help="URL of the endpoint to judge, the path of a landfall binary, or `local`")
    parser.add_argument("--operations", type=int, default=1000)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--first", type=int, default=0, help="number of the first sequence")
    parser.add_argument("--store", choices=["item", "relational"], default="item")
    parser.add_argument("--map", choices=relational.MAPS, help="the map of the relational store")
    parser.add_argument("--kinds", type=int, default=50, help="stop after so many kinds of differences")
    parser.add_argument("--no-shrink", dest="shrink", action="store_false", help="report the whole sequence up to a difference")
    parser.add_argument("--scripts", type=pathlib.Path, default=pathlib.Path("oracle-differences"), help="folder for the scripts that show differences")
    parser.add_argument("--replay", metavar="FILE", help="run such a script")
    parser.add_argument("--verbose", action="store_true", help="count the operations by name")
    return parser.parse_args(arguments)


def main(arguments):
    options = parse(arguments)
    if "local" in (options.theirs, options.ours) and (lacking := servers.lacks()):
        sys.exit(lacking)
    if options.replay:
        script = json.loads(pathlib.Path(options.replay).read_text())
        options.store, options.map = script["store"], script.get("map")
    profile = profile_of(options.store, options.map)
    with contextlib.ExitStack() as stack:
        local = stack.enter_context(contextlib.ExitStack())
        theirs, ours = (started(local, options.theirs), started(stack, options.ours, profile.map_file))
        pair = stack.enter_context(contextlib.closing(runner.Pair(theirs.url, ours.url, (None, servers.signer_from_environment()))))

        def renew():
            local.close()
            pair.replace_theirs(started(local, options.theirs).url)
        return replay_script(options, pair) if options.replay else Run(pair, profile, options, renew if options.theirs == "local" else None).run()


def started(stack, place, map_file=None):
    server = servers.start(place, map_file)
    stack.callback(server.stop)
    return server


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
