#!/usr/bin/env python3
"""Makes C and documentation from api/errors.yaml: gen_errors.py {header|table|docs} api/errors.yaml OUTPUT."""
import sys

import yaml


def constant(name):
    return "LF_" + name.upper()


def header(errors):
    lines = ["/* Made from api/errors.yaml. */", "#pragma once", "", "enum lf_code {", "    LF_OK,"]
    lines += [f"    {constant(e['name'])}, /* {e['summary']} */" for e in errors]
    return lines + ["    LF_CODES,", "};"]


def table(errors):
    lines = ["/* Made from api/errors.yaml. */", '#include "base/err.h"', "", "#include <stddef.h>", "", "static const struct lf_code_info codes[LF_CODES] = {",
             '    [LF_OK] = { "ok", "done", 0, 0 },']
    for e in errors:
        lines.append(f"    [{constant(e['name'])}] = {{ \"{e['name']}\", \"{e['summary']}\", {e['exit']}, {int(e['retryable'])} }},")
    return lines + ["};", "", "const struct lf_code_info *lf_code_info(enum lf_code code)", "{",
                    "    return &codes[(size_t)code < LF_CODES ? code : LF_OK];", "}"]


def docs(errors):
    lines = ["# Errors", "", "Made from `api/errors.yaml`.", "", "| code | exit status | retry can help | means |", "|---|---|---|---|"]
    return lines + [f"| `{e['name']}` | {e['exit']} | {'yes' if e['retryable'] else 'no'} | {e['summary']} |" for e in errors]


def main():
    kind, source, output = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        errors = yaml.safe_load(file)["errors"]
    lines = {"header": header, "table": table, "docs": docs}[kind](errors)
    with open(output, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
