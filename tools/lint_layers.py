#!/usr/bin/env python3
"""Checks what the compiler does not: lint_layers.py [ROOT].

A layer includes only itself and the layers before it; libpq stays in src/pg, libcurl and expat in src/aws; files stay under 800
lines; nothing generated is committed. Exit status 1 and a line per finding.
"""
import pathlib
import re
import subprocess
import sys

# Each layer may include itself and those on its left (docs/architecture.md).
LAYERS = ["base", "codec", "item", "expression", "map", "pg", "aws", "source", "move", "gateway", "ops", "cli"]
LINES_MAX = 800
CODE = {".c", ".h", ".py", ".sh", ".sql"}
GENERATED = re.compile(r"(_gen\.[ch]|\.[1-8]|\.o|\.pyc)$")
INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]')


def committed(root):
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, stdout=subprocess.PIPE)
    return [name for name in listing.stdout.decode().split("\0") if name and (root / name).is_file()]


def layer_of(path):
    parts = pathlib.PurePath(path).parts
    return parts[1] if len(parts) > 2 and parts[0] == "src" else None


def check_include(path, number, included):
    layer = layer_of(path)
    if included == "libpq-fe.h" and layer != "pg":
        yield f"{path}:{number}: libpq belongs to src/pg"
    if included.startswith(("curl/", "expat")) and layer != "aws":
        yield f"{path}:{number}: libcurl and expat belong to src/aws"
    target = included.split("/")[0]
    if layer is None or "/" not in included or target not in LAYERS:
        return
    if LAYERS.index(target) > LAYERS.index(layer):
        yield f"{path}:{number}: {layer} may not include {included}: {target} is above it"


def check_file(path, text):
    lines = text.splitlines()
    if len(lines) > LINES_MAX and pathlib.PurePath(path).suffix in CODE:
        yield f"{path}: {len(lines)} lines, more than {LINES_MAX}"
    if layer_of(path) not in [None, *LAYERS]:
        yield f"{path}: no such layer"
    if pathlib.PurePath(path).suffix in {".c", ".h"}:
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if match:
                yield from check_include(path, number, match.group(1))


def check(root):
    for name in committed(root):
        if GENERATED.search(name):
            yield f"{name}: generated files are built, not committed"
        elif pathlib.PurePath(name).suffix in CODE:
            yield from check_file(name, (root / name).read_text(encoding="utf-8"))


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent)
    findings = list(check(root))
    for finding in findings:
        print(finding, file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
