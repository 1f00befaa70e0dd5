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
             '    [LF_OK] = { "ok", "done", 0, 0, 0, NULL },']
    for e in errors:
        kind = f'"{e["type"]}"' if "type" in e else "NULL"
        lines.append(f"    [{constant(e['name'])}] = {{ \"{e['name']}\", \"{e['summary']}\", {e['exit']}, {int(e['retryable'])}, {e.get('http', 0)}, {kind} }},")
    return lines + ["};", "", "const struct lf_code_info *lf_code_info(enum lf_code code)", "{",
                    "    return &codes[(size_t)code < LF_CODES ? code : LF_OK];", "}"]


def retry(error):
    return "yes" if error["retryable"] else "no"


def docs(errors):
    commands = [e for e in errors if "type" not in e]
    answers = [e for e in errors if "type" in e]
    lines = ["# Errors", "", "Made from `api/errors.yaml`.", "", "## Of commands", "", "| code | exit status | retry can help | means |", "|---|---|---|---|"]
    lines += [f"| `{e['name']}` | {e['exit']} | {retry(e)} | {e['summary']} |" for e in commands]
    lines += ["", "## Of the DynamoDB API", "", "What the gateway answers; a command that meets one of them ends with status 1. The other codes are answered as `internal_server`.",
              "", "| code | HTTP status | `__type` | retry can help | means |", "|---|---|---|---|---|"]
    return lines + [f"| `{e['name']}` | {e['http']} | `{e['type']}` | {retry(e)} | {e['summary']} |" for e in answers]


def main():
    kind, source, output = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        errors = yaml.safe_load(file)["errors"]
    lines = {"header": header, "table": table, "docs": docs}[kind](errors)
    with open(output, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
