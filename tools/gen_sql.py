#!/usr/bin/env python3
"""Turns sql/NAME.sql into C strings sql_NAME: gen_sql.py {header|source} OUTPUT FILE..."""
import pathlib
import sys


def literal(line):
    return '"' + line.replace("\\", "\\\\").replace('"', '\\"').replace("?", "\\?") + '\\n"'


def header(files):
    lines = ["/* Made from sql/. */", "#pragma once", ""]
    return lines + [f"extern const char sql_{file.stem}[];" for file in files]


def source(files):
    lines = ["/* Made from sql/. */", '#include "pg/sql_gen.h"']
    for file in files:
        text = file.read_text(encoding="utf-8").splitlines()
        lines += ["", f"const char sql_{file.stem}[] ="] + ["    " + literal(line) for line in text]
        lines[-1] += ";"
    return lines


def main():
    kind, output, *names = sys.argv[1:]
    files = [pathlib.Path(name) for name in names]
    lines = {"header": header, "source": source}[kind](files)
    pathlib.Path(output).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
