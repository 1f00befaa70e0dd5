#!/usr/bin/env python3
"""The training run of a release (tools/release): train.py LANDFALL HTTP_LOAD.

Does for some seconds what Landfall does for hours: the sample's whole way, the main job on made items, and requests of every hot kind to both stores, signed and not.
The compiler then knows which branches are taken and what is called by whom."""
import os
import shutil
import subprocess
import sys
import tempfile

import bench_gateway
import bench_load

ITEMS, SECONDS, CREDENTIALS = 30_000, 1, ("train", "train")


def run_main_job(landfall, work):
    subprocess.run([landfall, "demo"], check=True, stdout=subprocess.DEVNULL)
    folder = os.path.join(work, "job")
    source = os.path.join(folder, "items")
    os.mkdir(folder)
    bench_load.seed(landfall, ITEMS, source)
    bench_load.landfall_side(landfall, source, folder)


def ask(load, gateway, work, credentials, with_stream):
    requests = os.path.join(work, "requests")
    for operation, streamed, _ in bench_gateway.BUDGETS:
        if with_stream or not streamed:
            bodies = bench_gateway.bodies(operation, "bench", "streamed" if streamed else None)
            bench_gateway.write_requests(requests, gateway.address, operation, bodies, credentials)
            bench_gateway.run_load(load, gateway.address, requests, SECONDS)


def serve_item_store(landfall, load, work):
    key_file = os.path.join(work, "landfall.key")
    gateway = bench_gateway.Gateway(landfall)
    for name in ("bench", "streamed"):
        bench_gateway.create(gateway.address, name, CREDENTIALS, name == "streamed")
        bench_gateway.fill(gateway.address, name, CREDENTIALS)
    ask(load, gateway, work, CREDENTIALS, True)
    gateway.stop()
    credentials = bench_gateway.make_access_key(landfall, key_file)
    gateway = bench_gateway.Gateway(landfall, "--auth", "sigv4", "--key-file", key_file)
    ask(load, gateway, work, credentials, True)
    gateway.stop()


def serve_relational_store(landfall, load, work):
    bench_gateway.make_mapped_tables(landfall, work)
    gateway = bench_gateway.Gateway(landfall, "--map", bench_gateway.MAP)
    bench_gateway.fill(gateway.address, "bench", CREDENTIALS)
    ask(load, gateway, work, CREDENTIALS, False)
    gateway.stop()


def main():
    landfall, load = map(os.path.abspath, sys.argv[1:])
    work = tempfile.mkdtemp(prefix="landfall-train-")
    os.chmod(work, 0o755)
    try:
        with bench_load.new_server(work):
            os.environ["PGDATABASE"] = "postgres"
            run_main_job(landfall, work)
            serve_item_store(landfall, load, work)
            serve_relational_store(landfall, load, work)
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
