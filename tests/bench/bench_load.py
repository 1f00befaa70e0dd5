#!/usr/bin/env python3
"""Times the main job beside what PostgreSQL itself can do: bench_load.py LANDFALL ITEMS [WORK_DIR].

Landfall's side: inspect, backfill (load, indexes, constraints, ANALYZE) and verify of an export in gzip files. PostgreSQL's side: one
connection that COPYs the finished rows, in binary format, into identical empty tables, then builds the same indexes and constraints and
analyses. And load.mjs, the script that one would write by hand, where its packages are installed. Each gets a new server, so that none
works in files that another's load made or has to be written back. Prints a table with seconds, rates, peak memory and ratios (docs/performance.md has the budgets), and the stages of Landfall's time.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../e2e"))
import harness  # noqa: E402

SETTINGS = ["shared_buffers=1GB", "maintenance_work_mem=512MB", "max_wal_size=16GB", "checkpoint_timeout=30min", "wal_level=minimal", "max_wal_senders=0", "jit=off",
            "autovacuum=off"]


def timed(command, **options):
    """Seconds, peak memory in MB and output of a command that must succeed."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise SystemExit(f"{' '.join(command)} failed with status {status}\n{output}")
    return time.monotonic() - start, usage.ru_maxrss / 1024, output


def seed(landfall, items, folder):
    """The same export for the same number: half a case in ten items, the rest docket entries and messages of about 800 bytes."""
    cases, entries = items // 20, items * 7 // 20
    counts = f"Case={cases},DocketEntry={entries},Message={items - cases - entries}"
    subprocess.run([landfall, "seed", os.path.join(HERE, "court.yaml"), "-n", str(items), "--counts", counts, "-o", folder], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def psql(database, *args):
    return subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, *args], check=True, capture_output=True, text=True).stdout


@contextlib.contextmanager
def new_server(work):
    os.sync()
    server = harness.Server(SETTINGS, work)
    os.environ.update(PGHOST=server.folder, PGUSER="landfall")
    try:
        yield server
    finally:
        server.stop()


def create_database(name):
    subprocess.run(["createdb", "-T", "template0", name], check=True)


def up_part(path):
    with open(path, encoding="utf-8") as file:
        return re.search(r"-- migrate:up[^\n]*\n(.*?)(?=-- migrate:down|\Z)", file.read(), re.S).group(1)


def migration(folder, name):
    return os.path.join(folder, next(f for f in sorted(os.listdir(folder)) if f.endswith(f"_{name}.sql")))


def loaded_tables(database):
    query = "select n.nspname || '.' || quote_ident(c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace " \
            "where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema', 'public', 'landfall') order by c.relname"
    return psql(database, "-c", query).split()


def count_rows(database):
    return sum(int(psql(database, "-c", f"select count(*) from {table}")) for table in loaded_tables(database))


def write_rows(work):
    """What Landfall has loaded, as files that COPY takes; how many rows it is."""
    folder = os.path.join(work, "rows")
    os.makedirs(folder)
    for table in loaded_tables("ours"):
        psql("ours", "-c", f"\\copy {table} to '{folder}/{table}' (format binary)")
    return count_rows("ours")


def landfall_side(landfall, source, work):
    create_database("ours")
    environment = dict(os.environ, PGDATABASE="ours")
    run = lambda *args: timed([landfall, *args], cwd=work, env=environment, stderr=subprocess.DEVNULL)
    profiled = lambda *args: run(*args, "--profile", "--json")
    results = {"inspect": profiled("inspect", source)}
    run("plan")
    run("migrate", "up")
    results["backfill"] = profiled("backfill", source)
    results["verify"] = profiled("verify")
    results["verify --reread"] = profiled("verify", source, "--reread")
    return results


def postgres_side(work):
    """COPY of the rows that Landfall made, then the same indexes: seconds of each."""
    migrations, rows = os.path.join(work, "migrations"), os.path.join(work, "rows")
    create_database("theirs")
    control = os.path.join(HERE, "../../sql/control.sql")
    psql("theirs", "-f", control, "-c", up_part(migration(migrations, "expand_tables")))
    script = os.path.join(work, "load.sql")
    with open(script, "w", encoding="utf-8") as file:
        for table in loaded_tables("theirs"):
            file.write(f"\\copy {table} from '{rows}/{table}' (format binary)\n")
    copy, _, _ = timed(["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", "theirs", "-f", script])
    with open(script, "w", encoding="utf-8") as file:
        file.write(up_part(migration(migrations, "expand_indexes")) + up_part(migration(migrations, "expand_constraints")) + ";\nANALYZE;\n")
    index, _, _ = timed(["psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", "theirs", "-f", script])
    shutil.rmtree(rows)
    return copy, index


def script_side(source, work, rows):
    """The same items by load.mjs into tables of their own: what `timed` gives, None without node and its packages."""
    if not shutil.which("node") or not os.path.isdir(os.path.join(HERE, "node_modules", "pg-copy-streams")):
        return None
    create_database("script")
    psql("script", "-c", up_part(migration(os.path.join(work, "migrations"), "expand_tables")))
    result = timed(["node", os.path.join(HERE, "load.mjs"), source], env=dict(os.environ, PGDATABASE="script"))
    loaded = count_rows("script")
    if rows != loaded:
        raise SystemExit(f"load.mjs loaded {loaded} rows, landfall {rows}")
    return result


def report_script(items, script, theirs):
    if not script:
        print("a careful Node script (load.mjs): install node, then `npm ci --prefix tests/bench`")
        return
    (copy, index), (seconds, memory, _) = theirs, script
    print(f"{'a careful Node script, load only':34}{seconds:9.2f}{items / seconds:11,.0f}{memory:9.0f}{seconds / copy:8.2f}")
    print(f"{'... and the same indexes':34}{seconds + index:9.2f}{items / (seconds + index):11,.0f}{'':9}{(seconds + index) / (copy + index):8.2f}")


def report_stages(ours):
    """Of each command the stages: seconds of CPU over all threads with their share, and seconds that threads waited."""
    print("\nstages: CPU seconds (share) + seconds waited, over all threads")
    for command, (_, _, output) in ours.items():
        stages = json.loads(output)["profile"]
        whole = sum(stage["cpu_seconds"] for stage in stages) or 1
        print(command)
        for stage in sorted(stages, key=lambda stage: -stage["cpu_seconds"] - stage["wait_seconds"]):
            if stage["cpu_seconds"] + stage["wait_seconds"] >= 0.01:
                print(f"    {stage['stage']:14}{stage['cpu_seconds']:8.2f} ({stage['cpu_seconds'] / whole:4.0%}) +{stage['wait_seconds']:8.2f}")


def machine():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "unknown")
    return f"{os.cpu_count()} x {model}"


def report(items, source, ours, theirs, version):
    size = sum(file.stat().st_size for file in pathlib.Path(source).rglob("*.json.gz")) / 1e6
    copy, index = theirs
    backfill = ours["backfill"][0]
    print(f"\n{items:,} items, {size:,.0f} MB of gzip; {machine()}; {version}")
    print(f"{'':34}{'seconds':>9}{'items/s':>11}{'peak MB':>9}{'ratio':>8}  budget")
    print(f"{'COPY of finished rows':34}{copy:9.2f}{items / copy:11,.0f}")
    print(f"{'the same indexes, constraints':34}{index:9.2f}")
    print(f"{'PostgreSQL alone':34}{copy + index:9.2f}{items / (copy + index):11,.0f}")
    rows = [("backfill", "landfall backfill", copy + index, 0.8), ("inspect", "landfall inspect", backfill, 0.5),
            ("verify", "landfall verify (sums on record)", backfill, 0.4), ("verify --reread", "landfall verify --reread", backfill, 0.4)]
    for key, label, against, budget in rows:
        seconds, memory, _ = ours[key]
        print(f"{label:34}{seconds:9.2f}{items / seconds:11,.0f}{memory:9.0f}{seconds / against:8.2f}  <= {budget}")


def main():
    landfall, items = os.path.abspath(sys.argv[1]), int(sys.argv[2])
    work = os.path.abspath(sys.argv[3]) if len(sys.argv) > 3 else tempfile.mkdtemp(prefix="landfall-bench-")
    os.makedirs(work, exist_ok=True)
    source = os.path.join(work, f"items-{items}")
    if not os.path.exists(source):
        seed(landfall, items, source)
    for leftover in ("landfall.yaml", "migrations"):
        path = os.path.join(work, leftover)
        shutil.rmtree(path, ignore_errors=True) if os.path.isdir(path) else os.path.exists(path) and os.remove(path)
    os.chmod(work, 0o755)
    with new_server(work):
        ours = landfall_side(landfall, source, work)
        rows = write_rows(work)
        version = psql("ours", "-c", "show server_version").strip()
    with new_server(work):
        theirs = postgres_side(work)
    with new_server(work):
        script = script_side(source, work, rows)
    report(items, source, ours, theirs, version)
    report_script(items, script, theirs)
    report_stages(ours)
    if len(sys.argv) <= 3:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
