#!/usr/bin/env python3
"""Breaks backfill and verify at random points and looks whether anything is lost or doubled: chaos_load.py LANDFALL ROUNDS [SEED].

Each round loads an export into an empty database with one to three processes side by side. While they run, some are killed (-9) or halted, PostgreSQL crashes and
comes back, connections are cut, or the server's disk is full for a while. What only others were hit by must not stop a process; otherwise the same command runs
again, until one ends well, and all that end well must say the same. Then verify, broken likewise, must find every item and no difference, and every table must hold
exactly its items. Prints a summary; exit status 1 when a round fails."""
import collections
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
import harness  # noqa: E402

ITEMS = 60000
TRIES_MAX = 60
SECONDS_MAX = 120
DISK_MB = 1200
# Seconds from a command's start within which something breaks; a load takes about as long.
WINDOW = {"backfill": 0.8, "verify": 0.5}
PROCESSES_MAX = 3
# Halted processes are replaced after so long; it must be enough for one that is only slow.
LEASE_SECONDS = 5
# What differs between processes that share the work.
OWN = ("seconds", "load_seconds", "index_seconds", "changes_seconds", "resumed", "violations")


class Disk:
    """A file system of its own for the server, so that it can be full. Needs root; without, that fault is left out and said so."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="landfall-chaos-"))
        os.chmod(self.folder, 0o755)
        self.mounted = os.getuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=755", "tmpfs", self.folder], stderr=subprocess.DEVNULL).returncode == 0

    def fill(self):
        with open(self.folder / "balloon", "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(1024 * 1024))

    def relieve(self):
        (self.folder / "balloon").unlink(missing_ok=True)

    def remove(self):
        if self.mounted:
            subprocess.run(["umount", "-l", self.folder], check=True)
        shutil.rmtree(self.folder, ignore_errors=True)


class Chaos:
    def __init__(self, landfall, seed):
        self.landfall, self.random = os.path.abspath(landfall), random.Random(seed)
        self.disk = Disk()
        self.server = harness.Server(["max_wal_size=200MB", "log_min_messages=fatal"], self.disk.folder)
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="landfall-chaos-work-"))
        self.source = self.work / "items"
        subprocess.run([self.landfall, "seed", HERE.parent / "bench" / "court.yaml", "-n", str(ITEMS), "-o", self.source], check=True, capture_output=True)
        self.faults = {"kill -9": self.kill, "halt": self.halt, "crash of PostgreSQL": self.crash, "connections cut": self.cut}
        if self.disk.mounted:
            self.faults["disk full"] = self.full
        else:
            print("disk full is left out: it needs root to mount a file system of its own")
        self.broken, self.ends, self.side_by_side = collections.Counter(), collections.Counter(), collections.Counter()

    def close(self):
        self.server.stop()
        self.disk.remove()
        shutil.rmtree(self.work)

    def sql(self, statement, database="postgres"):
        return subprocess.run([self.server.client("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-c", statement], env=self.server.environment(database), check=True,
                              capture_output=True, text=True).stdout.strip()

    # ---- faults ----

    # Each hits the processes and gives those that it leaves nothing to say to.

    def kill(self, processes):
        hit = self.random.sample(processes, self.random.randint(1, len(processes)))
        for process in hit:
            process.kill()
        return hit

    def halt(self, processes):
        """One stays behind to do the work; what is halted is killed when that has ended."""
        hit = self.random.sample(processes, len(processes) - 1)
        for process in hit:
            process.send_signal(signal.SIGSTOP)
        for process in processes:
            if process not in hit:
                process.wait(SECONDS_MAX)
        for process in hit:
            process.kill()
        return hit

    def crash(self, processes):
        self.server.crash()
        self.server.start()
        return processes

    def cut(self, processes):
        self.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'landfall%'")
        return processes

    def full(self, processes):
        self.disk.fill()
        try:
            for process in processes:
                process.wait(SECONDS_MAX)
        finally:
            self.disk.relieve()
        self.server.run("pg_ctl", "-D", "data", "-m", "immediate", "stop") if self.is_up() else None
        self.server.start()
        return processes

    def is_up(self):
        return subprocess.run([self.server.client("pg_isready"), "-q"], env=self.server.environment("postgres")).returncode == 0

    # ---- one command, until it ends well ----

    def run(self, database, *arguments):
        return subprocess.run([self.landfall, *arguments], cwd=self.work, env=self.server.environment(database), check=True, capture_output=True, text=True).stdout

    def run_broken(self, database, *arguments):
        for attempt in range(TRIES_MAX):
            count = self.random.randint(1, PROCESSES_MAX)
            results = self.run_together(database, count, attempt < TRIES_MAX // 2, [*arguments, "--json", "--lease", str(LEASE_SECONDS)])
            if results:
                if any(result != results[0] for result in results):
                    raise AssertionError(f"{arguments[0]}: {len(results)} processes do not say the same: {results}")
                return results[0]
        raise AssertionError(f"{arguments[0]} did not end well in {TRIES_MAX} tries")

    def run_together(self, database, count, is_broken, arguments):
        """The results of those that ended well."""
        with contextlib.ExitStack() as stack:
            # Files and not pipes: nobody reads while something breaks.
            outputs = [stack.enter_context(tempfile.TemporaryFile("w+", dir=self.work)) for _ in range(count * 2)]
            processes = [subprocess.Popen([self.landfall, *arguments], cwd=self.work, env=self.server.environment(database), stdout=outputs[i], stderr=outputs[count + i])
                         for i in range(count)]
            for process in processes:
                stack.callback(process.kill)
            self.side_by_side[count] += 1
            hit = self.break_something(processes, WINDOW[arguments[0]]) if is_broken else []
            for process, output, errors in zip(processes, outputs, outputs[count:]):
                status = process.wait(SECONDS_MAX)
                self.ends[f"{arguments[0]} ended with {status}"] += 1
                if status != 0 and process not in hit:
                    errors.seek(0)
                    raise AssertionError(f"{arguments[0]} ended with {status} and was not hit: {errors.read()}")
            return [self.read(output) for process, output in zip(processes, outputs) if process.returncode == 0]

    @staticmethod
    def read(output):
        output.seek(0)
        return {name: value for name, value in json.load(output).items() if name not in OWN}

    def break_something(self, processes, window):
        """Gives the processes that may now end badly."""
        if self.random.random() < 0.2:
            return []
        time.sleep(self.random.random() * window)
        running = [process for process in processes if process.poll() is None]
        if not running:
            return []
        name = self.random.choice(sorted(self.faults))
        self.broken[name] += 1
        return self.faults[name](running)

    # ---- rounds ----

    def prepare(self):
        self.run("postgres", "inspect", self.source)
        self.run("postgres", "plan")

    def round(self, number):
        database = f"round{number}"
        self.sql(f"CREATE DATABASE {database}")
        self.run(database, "migrate", "up")
        self.run_broken(database, "backfill", self.source)
        result = self.run_broken(database, "verify", self.source, "--reread")
        rows = self.sql("SELECT (SELECT count(*) FROM court.\"case\"), (SELECT count(*) FROM court.docket_entry), (SELECT count(*) FROM court.message), "
                        "(SELECT count(*) FROM landfall.item), (SELECT sum(items) FROM landfall.segment)", database)
        case, entry, message, item, recorded = map(int, rows.split("|"))
        counts = [result["compared"], result["different"], result["missing"], result["extra"], case + entry + message + item, recorded]
        if counts != [ITEMS, 0, 0, 0, ITEMS, ITEMS]:
            raise AssertionError(f"round {number}: compared, different, missing, extra, rows, recorded are {counts}")
        self.sql(f"DROP DATABASE {database}")


def main():
    rounds, seed = int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else int(time.time())
    print(f"seed {seed}")
    chaos, passed, start = Chaos(sys.argv[1], seed), 0, time.monotonic()
    try:
        chaos.prepare()
        for number in range(rounds):
            chaos.round(number)
            passed += 1
    finally:
        chaos.close()
        together = {f"times {processes} side by side": times for processes, times in chaos.side_by_side.items()}
        for what, count in sorted([*chaos.broken.items(), *chaos.ends.items(), *together.items()]):
            print(f"  {count:5} {what}")
        print(f"{passed} of {rounds} rounds of {ITEMS:,} items: all there, none twice, 0 differences ({time.monotonic() - start:.0f} s)")


if __name__ == "__main__":
    main()
