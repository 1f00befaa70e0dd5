#!/usr/bin/env python3
"""Times `landfall follow` applying a spool beside pgbench: bench_follow.py LANDFALL [RECORDS].

Records of random items of a table of ITEMS, captured already, are applied: changed ones, one in ten new, one in ten removed; then, as while gateways write both
sides, records of what the rows hold. Beside them pgbench upserts random rows of the same table, each by a statement of its own, with 8 clients, no more durable than
the follower's transactions. Rates, their ratio, and its budget (docs/performance.md). Where it may, it runs at a high priority, so that what else the machine does
matters little.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))
import harness  # noqa: E402
from bench_gateway import MAP, SETTINGS, psql  # noqa: E402
from stream_server import StreamServer  # noqa: E402

ITEMS, ITEMS_OF_CASE, SECONDS, BUDGET, NICE = 100_000, 50, 6, 0.5, -15
DYNAMODB = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local", "AWS_REGION": "us-east-1"}
TEXT = "The respondent is asked to answer within thirty days. " * 3
CASE, MESSAGE = f"lpad(({{n}} / {ITEMS_OF_CASE})::text, 6, '0')", f"lpad(({{n}} % {ITEMS_OF_CASE})::text, 4, '0')"


def case(n):
    return CASE.format(n=n)


def message(n):
    return MESSAGE.format(n=n)


def make_rows():
    psql("-c", f"insert into court.message (case_number, message_number, subject, is_read, page, message) select {case('n')}, {message('n')}, 'Motion ' || n, "
               f"n % 3 = 0, n % 97, '{TEXT}' from generate_series(0, {ITEMS - 1}) n")
    psql("-c", "vacuum analyze")


KEY = f"json_build_object('pk', json_build_object('S', 'case|' || {case('n')}), 'sk', json_build_object('S', 'message|' || {message('n')}))"
ITEM = KEY[:-1] + (", 'subject', json_build_object('S', subject), 'isRead', json_build_object('BOOL', is_read), 'page', json_build_object('N', page::text), "
                   "'message', json_build_object('S', message))")
CHANGES = f"""select (case when i % 10 = 0 then {ITEMS} + i else random() * {ITEMS - 1} end)::integer as n, i % 10 = 1 as is_removed, 'Motion ' || i as subject, i % 2 = 0 as is_read,
              i % 89 as page, '{TEXT}' as message from generate_series(1, {{records}}) i"""
ROWS = f"""select case_number::integer * {ITEMS_OF_CASE} + message_number::integer as n, false as is_removed, subject, is_read, page, message from court.message limit {{records}}"""


def make_spool(records, source):
    """Id of the last."""
    psql("-c", f"insert into landfall.spool (table_name, shard_id, sequence_number, key, item, is_removed, is_expiry, changed_at) select 'bench', 'shard', '', {KEY}, "
               f"case when not is_removed then {ITEM} end, is_removed, false, clock_timestamp() from ({source.format(records=records)}) r")
    psql("-c", "analyze landfall.spool")
    return psql("-c", "select max(id) from landfall.spool").strip()


class Session:
    """A psql that stays, whose statements give one line each."""

    def __init__(self):
        self.process = subprocess.Popen(["psql", "-XAtq"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, statement):
        self.process.stdin.write(statement + ";\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def close(self):
        self.process.communicate()


def apply_spool(landfall, records, source):
    """Records a second, from when it may begin until the last is out of the spool."""
    last = make_spool(records, source)
    holder, watcher = Session(), Session()
    holder.ask("begin; select phase from landfall.phase for no key update")
    follower = subprocess.Popen([landfall, "follow", "--map", MAP], stderr=subprocess.DEVNULL)
    try:
        while watcher.ask("select count(*) from pg_stat_activity where application_name = 'landfall' and wait_event_type = 'Lock'") == "0":
            time.sleep(0.05)
        began = time.monotonic()
        holder.ask("commit; select 1")
        while watcher.ask(f"select count(*) from landfall.spool where table_name = 'bench' and id = {last}") != "0":
            if follower.poll() is not None:
                raise SystemExit("landfall follow ended")
            time.sleep(0.01)
        return records / (time.monotonic() - began)
    finally:
        follower.terminate()
        follower.wait()
        holder.close()
        watcher.close()


def pgbench(work):
    script = os.path.join(work, "pgbench.sql")
    with open(script, "w", encoding="utf-8") as file:
        file.write(f"\\set n random(0, {ITEMS - 1})\ninsert into court.message (case_number, message_number, subject, is_read, page, message) values ({case(':n')}, {message(':n')}, "
                   f"'Motion ' || :n, :n % 2 = 0, :n % 89, '{TEXT}') on conflict (case_number, message_number) do update set subject = excluded.subject, is_read = excluded.is_read, "
                   "page = excluded.page, message = excluded.message;\n")
    environment = {**os.environ, "PGOPTIONS": "-c synchronous_commit=off"}
    output = subprocess.run(["pgbench", "-n", "-M", "prepared", "-c", "8", "-j", "2", "-T", str(SECONDS), "-f", script], check=True, capture_output=True, text=True,
                            env=environment).stdout
    return float(re.search(r"tps = ([\d.]+)", output).group(1))


def prepare(landfall, work, url):
    os.environ.update(DYNAMODB, AWS_ENDPOINT_URL_DYNAMODB=url)
    migrations = os.path.join(work, "migrations")
    for command in (["plan", "-o", migrations], ["migrate", "up", "--migrations", migrations, "--to", "constraints"], ["follow", "--until-caught-up"]):
        subprocess.run([landfall, *command, *([] if command[0] == "migrate" else ["--map", MAP])], check=True, capture_output=True)
    psql("-c", "update landfall.phase set applies_since = now(), readable_at = now()")
    make_rows()


def main():
    landfall, records = os.path.abspath(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 60_000
    try:
        os.nice(NICE)
    except PermissionError:
        print("not allowed to run at a high priority: what else the machine does counts")
    work = tempfile.mkdtemp(prefix="landfall-bench-")
    os.chmod(work, 0o755)
    dynamodb = StreamServer()
    dynamodb.add_shard("shard")
    server = harness.Server(SETTINGS, work)
    os.environ.update(PGHOST=server.folder, PGUSER="landfall", PGDATABASE="postgres")
    try:
        prepare(landfall, work, dynamodb.url)
        rates = {"changes": apply_spool(landfall, records, CHANGES)}
        psql("-c", "update landfall.phase set phase = 'dual write'")
        rates["equal to the rows"] = apply_spool(landfall, records, ROWS)
        theirs = pgbench(work)
        for what, ours in rates.items():
            print(f"follow, {what:18}{ours:9,.0f} records/s   pgbench upserts, 8 clients {theirs:9,.0f}/s   ratio {ours / theirs:5.2f}  >= {BUDGET}")
    finally:
        server.stop()
        dynamodb.stop()
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
