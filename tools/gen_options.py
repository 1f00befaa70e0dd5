#!/usr/bin/env python3
"""Makes everything that api/options.yaml decides: gen_options.py {header|table|docs|man} api/options.yaml OUTPUT [VERSION].

header and table are the C of src/cli/options.h; docs is docs/cli.md; man writes landfall.1 and a page per command into the
folder OUTPUT.
"""
import pathlib
import re
import sys
import textwrap

import yaml

HELP_WIDTH = 80
HELP_INDENT = 24
TYPES = {"flag", "string", "path", "integer", "percent", "choice"}
MEMBERS = {"flag": "bool", "string": "const char *", "path": "const char *", "integer": "int64_t ", "percent": "double "}


# --- the model ---


def load(path):
    with open(path, encoding="utf-8") as file:
        model = yaml.safe_load(file)
    for option in model["options"]:
        check_option(option, model)
    for command in model["commands"]:
        complete_command(command, model["options"])
    return model


def check_option(option, model):
    if option["type"] not in TYPES:
        raise SystemExit(f"options.yaml: --{option['name']}: no such type: {option['type']}")
    names = [command["name"] for command in model["commands"]]
    if option["commands"] == "all":
        option["commands"] = names
    for name in set(option["commands"]) - set(names):
        raise SystemExit(f"options.yaml: --{option['name']}: no such command: {name}")


def complete_command(command, options):
    """Gives the command its arguments with their types and its options with what it says of them itself."""
    command.setdefault("arguments", [])
    for argument in command["arguments"]:
        argument["type"] = "choice" if "choices" in argument else "string"
    own = command.get("options", {})
    taken = [option for option in options if command["name"] in option["commands"]]
    for name in set(own) - {option["name"] for option in taken}:
        raise SystemExit(f"options.yaml: {command['name']} does not take --{name}")
    command["options"] = [{**option, **own.get(option["name"], {})} for option in taken]


def member(name):
    return name.replace("-", "_")


def one_line(text):
    return " ".join(text.split())


def argument_name(argument):
    if "choices" in argument:
        return "|".join(argument["choices"])
    return argument.get("argument", argument["name"].upper())


def usage(command):
    words = ["landfall", command["name"]]
    for argument in command["arguments"]:
        name = argument_name(argument)
        words.append(name if argument.get("required") else f"[{name}]")
    words += [f"--{option['name']} {option['argument']}" for option in command["options"] if option.get("required")]
    return " ".join(words + ["[options]"])


def option_title(option):
    title = f"--{option['name']}"
    if "argument" in option:
        title += f" {option['argument']}"
    return f"-{option['short']}, {title}" if "short" in option else title


def option_facts(option):
    """What help says behind an option's text: range, choices, default, environment."""
    facts = []
    if "choices" in option:
        facts.append(", ".join(option["choices"]))
    if "min" in option:
        facts.append(f"{option['min']} to {option['max']}")
    if option.get("required"):
        facts.append("required")
    default = option.get("default", option.get("default_text"))
    if default is not None:
        facts.append(f"default: {default}")
    if "environment" in option:
        facts.append(f"environment: {option['environment']}")
    return facts


def option_help(option):
    facts = option_facts(option)
    return one_line(option["help"]) + (f" ({'; '.join(facts)})" if facts else "")


# --- help ---


def help_entry(title, text):
    lines = textwrap.wrap(text, HELP_WIDTH - HELP_INDENT, break_on_hyphens=False)
    head = f"  {title}"
    if len(head) + 2 > HELP_INDENT:
        return [head] + [" " * HELP_INDENT + line for line in lines]
    return [head.ljust(HELP_INDENT) + lines[0]] + [" " * HELP_INDENT + line for line in lines[1:]]


def paragraphs(text):
    return [one_line(part) for part in text.strip().split("\n\n")]


def wrapped(text):
    return "\n\n".join(textwrap.fill(part, HELP_WIDTH, break_on_hyphens=False) for part in paragraphs(text)).split("\n")


def command_help(command):
    lines = [f"Usage: {usage(command)}", ""] + wrapped(command["description"])
    if command["arguments"]:
        lines += ["", "Arguments:"]
        for argument in command["arguments"]:
            lines += help_entry(argument_name(argument), one_line(argument["help"]))
    lines += ["", "Options:"]
    for option in command["options"]:
        lines += help_entry(option_title(option), option_help(option))
    lines += ["", "Examples:"]
    for example in command["examples"]:
        lines += [f"  {example['text']}", f"    {example['command']}"]
    return lines


def program_help(model):
    program = model["program"]
    lines = ["Usage: landfall COMMAND [arguments] [options]", ""] + wrapped(program["description"]) + ["", "Commands:"]
    for command in model["commands"]:
        lines += help_entry(command["name"], command["summary"])
    lines += ["", "`landfall COMMAND --help` explains a command; `landfall --version` prints the version.", "", "Environment:"]
    for variable in program["environment"]:
        lines += help_entry(variable["name"], one_line(variable["help"]))
    lines += ["", "Exit status:"]
    for status in program["exit_statuses"]:
        lines += help_entry(str(status["status"]), status["help"])
    return lines


# --- C ---


def c_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def c_text(lines):
    return "\n".join("        " + c_string(line + "\n").replace("\n", "\\n") for line in lines)


def c_optional(text):
    return "NULL" if text is None else c_string(str(text))


def declared(model):
    """Arguments and options as members of struct cli_options, each name once."""
    seen = {}
    for command in model["commands"]:
        for argument in command["arguments"]:
            seen.setdefault(argument["name"], argument)
    for option in model["options"]:
        seen.setdefault(option["name"], option)
    return list(seen.values())


def choice_enum(option):
    name = member(option["name"])
    values = ["UNSET"] + [choice.upper() for choice in option["choices"]]
    inside = ", ".join(f"CLI_{name.upper()}_{value}" for value in values)
    return f"enum cli_{name} {{ {inside} }};"


def header(model):
    fields = declared(model)
    lines = ["/* Made from api/options.yaml. */", "#pragma once", "", "#include <stdbool.h>", "#include <stdint.h>", "", '#include "base/err.h"', ""]
    lines += [choice_enum(field) for field in fields if field["type"] == "choice"]
    lines += ["", "/* What the command line said. Texts are NULL and integers 0 where neither it nor a default said anything; a percent is",
              " * a share of 1. */", "struct cli_options {"]
    for field in fields:
        name = member(field["name"])
        kind = f"enum cli_{name} " if field["type"] == "choice" else MEMBERS[field["type"]]
        lines.append(f"    {kind}{'' if kind.endswith(('*', ' ')) else ' '}{name};")
    lines += ["};", ""]
    return lines + [f"enum lf_code command_{member(c['name'])}(const struct cli_options *options, struct err *err) MUST_CHECK;" for c in model["commands"]]


def option_def(option, prefix):
    name = member(option["name"])
    shown = argument_name(option) if prefix == "argument" else option["name"]
    choices = f"{prefix}_{name}_choices" if "choices" in option else "NULL"
    lines = []
    if "choices" in option:
        lines.append(f"static const char *const {choices}[] = {{ {', '.join(map(c_string, option['choices']))}, NULL }};")
    return lines + [
        f"static const struct option_def {prefix}_{name} = {{",
        f"    .name = {c_string(shown)}, .short_name = {ord(option.get('short', chr(0)))}, .type = OPTION_{option['type'].upper()},",
        f"    .offset = offsetof(struct cli_options, {name}), .environment = {c_optional(option.get('environment'))},",
        f"    .min = {option.get('min', 0)}, .max = {option.get('max', 0)}, .choices = {choices},",
        "};",
    ]


def option_uses(name, prefix, options):
    if not options:
        return []
    lines = [f"static const struct option_use {name}[] = {{"]
    for option in options:
        required = "true" if option.get("required") else "false"
        lines.append(f"    {{ &{prefix}_{member(option['name'])}, {c_optional(option.get('default'))}, {required} }},")
    return lines + ["};"]


def command_entry(command):
    name = member(command["name"])
    arguments = f"{name}_arguments, {len(command['arguments'])}" if command["arguments"] else "NULL, 0"
    return [
        f"    {{ {c_string(command['name'])}, {c_string(command['summary'])}, {c_string(usage(command))},",
        c_text(command_help(command)) + ",",
        f"        {arguments}, {name}_options, {len(command['options'])}, command_{name} }},",
    ]


def table(model):
    lines = ["/* Made from api/options.yaml. */", '#include "cli/options.h"', "", "#include <stddef.h>", ""]
    arguments = {argument["name"]: argument for command in model["commands"] for argument in command["arguments"]}
    for argument in arguments.values():
        lines += option_def(argument, "argument")
    for option in model["options"]:
        lines += option_def(option, "option")
    for command in model["commands"]:
        lines += option_uses(member(command["name"]) + "_arguments", "argument", command["arguments"])
        lines += option_uses(member(command["name"]) + "_options", "option", command["options"])
    lines += ["", "const struct command_def commands[] = {"]
    for command in model["commands"]:
        lines += command_entry(command)
    lines += ["};", f"const size_t command_count = {len(model['commands'])};", "", "const char program_help[] ="]
    return lines + [c_text(program_help(model)) + ";"]


# --- docs/cli.md ---


def markdown_command(command):
    lines = ["", f"## landfall {command['name']}", "", f"{command['summary'][0].upper()}{command['summary'][1:]}.", "", f"    {usage(command)}", ""]
    lines += "\n\n".join(paragraphs(command["description"])).split("\n")
    rows = [(f"`{argument_name(a)}`", one_line(a["help"])) for a in command["arguments"]]
    rows += [(f"`{option_title(o)}`", option_help(o)) for o in command["options"] if o["name"] not in ("help", "debug")]
    if rows:
        lines += ["", "| option | means |", "|---|---|"]
        lines += [f"| {left.replace('|', chr(92) + '|')} | {right} |" for left, right in rows]
    lines.append("")
    for example in command["examples"]:
        lines += [example["text"], "", f"    {example['command']}", ""]
    return lines[:-1]


def docs(model):
    program = model["program"]
    lines = ["# The command line", "", "Made from `api/options.yaml` by `make docs`.", ""]
    lines += "\n\n".join(paragraphs(program["description"])).split("\n")
    lines += ["", "Every command also takes `--help` and `--debug`. Options are written `--name VALUE` or `--name=VALUE`; `--` ends them."]
    lines += ["", "| environment | means |", "|---|---|"]
    lines += [f"| `{variable['name']}` | {one_line(variable['help'])} |" for variable in program["environment"]]
    lines += ["", "| exit status | means |", "|---|---|"]
    lines += [f"| {status['status']} | {status['help']} |" for status in program["exit_statuses"]]
    for command in model["commands"]:
        lines += markdown_command(command)
    return lines


# --- man pages ---


def roff(text):
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    escaped = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", escaped)
    return "\\&" + escaped if escaped.startswith((".", "'")) else escaped


def man_head(name, summary, version):
    return [f'.TH {name.upper()} 1 "" "landfall {version}" "Landfall"', ".SH NAME", roff(f"{name} - {summary}"), ".SH SYNOPSIS"]


def man_paragraphs(text):
    lines = []
    for part in paragraphs(text):
        lines += [".PP", roff(part)]
    return lines


def man_terms(pairs):
    lines = []
    for term, text in pairs:
        lines += [".TP", f"\\fB{roff(term)}\\fR", roff(text)]
    return lines


def man_program(model, version):
    program = model["program"]
    lines = man_head("landfall", program["summary"], version) + ["\\fBlandfall\\fR COMMAND [arguments] [options]", ".SH DESCRIPTION"]
    lines += man_paragraphs(program["description"])
    lines += [".SH COMMANDS"] + man_terms((f"landfall-{c['name']}(1)", c["summary"]) for c in model["commands"])
    lines += [".SH ENVIRONMENT"] + man_terms((v["name"], one_line(v["help"])) for v in program["environment"])
    return lines + [".SH EXIT STATUS"] + man_terms((str(s["status"]), s["help"]) for s in program["exit_statuses"])


def man_command(command, model, version):
    lines = man_head("landfall-" + command["name"], command["summary"], version) + [roff(usage(command)), ".SH DESCRIPTION"]
    lines += man_paragraphs(command["description"])
    if command["arguments"]:
        lines += [".SH ARGUMENTS"] + man_terms((argument_name(a), one_line(a["help"])) for a in command["arguments"])
    lines += [".SH OPTIONS"] + man_terms((option_title(o), option_help(o)) for o in command["options"])
    lines += [".SH EXIT STATUS"] + man_terms((str(s["status"]), s["help"]) for s in model["program"]["exit_statuses"])
    lines.append(".SH EXAMPLES")
    for example in command["examples"]:
        lines += [".PP", roff(example["text"]), ".PP", ".RS 4", ".nf", roff(example["command"]), ".fi", ".RE"]
    return lines + [".SH SEE ALSO", "\\fBlandfall\\fR(1)"]


def write_man(model, folder, version):
    pages = {"landfall.1": man_program(model, version)}
    pages.update({f"landfall-{c['name']}.1": man_command(c, model, version) for c in model["commands"]})
    for name, lines in pages.items():
        write(pathlib.Path(folder) / name, lines)


def write(path, lines):
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def main():
    kind, source, output = sys.argv[1:4]
    model = load(source)
    if kind == "man":
        write_man(model, output, sys.argv[4])
    else:
        write(output, {"header": header, "table": table, "docs": docs}[kind](model))


if __name__ == "__main__":
    main()
