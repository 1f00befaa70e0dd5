#!/usr/bin/env python3
"""Makes C from api/operations.yaml: gen_operations.py {header|table|runs} api/operations.yaml OUTPUT.

header: enums, structs of requests, declarations. table: the descriptors that src/gateway/shape.h explains. runs: the functions of the
operations by number, for dispatch. The grammar of operations.yaml stands at its top.
"""
import re
import sys

import yaml

PLAIN = ["string", "integer", "long", "double", "boolean", "timestamp", "blob", "item", "value"]
NUMBERS = {"integer": "int64_t", "long": "int64_t", "double": "double", "boolean": "bool", "timestamp": "int64_t"}
POINTED = {"value": "const struct value *", "structure": "const struct {} *"}
INLINE = {"string": "struct span", "blob": "struct span", "item": "struct item"}
GRANTS = {"read", "write", "admin"}
PLACES = {"none", "name", "request_items", "transact_items", "arn", "iterator", "statement"}
ROLES = {"none", "table_name", "managed_table_name", "expression_values", "start_key"}
KEYWORDS = {"bool", "null"}
WORD = (1 << 64) - 1
FACTOR = 0x9E3779B97F4A7C15
SHAPE_TEXT = re.compile(
    r"(?P<kind>[a-z]+)(?: of (?P<of>\w+))?(?P<values>(?: [A-Za-z0-9_]+)*?)(?: (?P<min>\d*)\.\.(?P<max>\d*))?"
    r"(?: keys (?P<keys>\w+))?(?: role (?P<role>\w+))?(?: pattern (?P<pattern>.+))?")


def fail(text):
    raise SystemExit("operations.yaml: " + text)


# --- names ---


def snake(name):
    """GetItem -> get_item, SSEType -> sse_type, SizeEstimateRangeGB -> size_estimate_range_gb."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def c_member(name, shape):
    name = snake(name)
    if shape["kind"] == "timestamp":
        return name + "_ms"
    return name + "_" if name in KEYWORDS else name


def constant(*words):
    return "_".join(snake(word).upper() if word.isalpha() and not word.isupper() else word.upper() for word in words)


def c_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def span(text):
    return f"{{ {c_string(text)}, {len(text)} }}"


# --- patterns ---


def escaped(text, at):
    """The set behind a backslash at text[at - 1], and where it ends."""
    if text[at] == "w":
        return {chr(c) for c in range(128) if chr(c).isalnum() or c == ord("_")}, at + 1
    if text[at] == "t":
        return {"\t"}, at + 1
    if text[at] == "x":
        return {chr(int(text[at + 1:at + 3], 16))}, at + 3
    return {text[at]}, at + 1


def bracketed(text, at):
    """The set of text[at:], which is behind '[', whether it is negated, and where it ends."""
    negated = text[at] == "^"
    at += negated
    chars, last = set(), None
    while text[at] != "]":
        if text[at] == "-" and last is not None and text[at + 1] != "]":
            at += 1
            chosen, at = escaped(text, at + 1) if text[at] == "\\" else ({text[at]}, at + 1)
            chars |= {chr(c) for c in range(ord(last), ord(min(chosen)) + 1)}
            last = None
            continue
        chosen, at = escaped(text, at + 1) if text[at] == "\\" else ({text[at]}, at + 1)
        chars |= chosen
        last = min(chosen) if len(chosen) == 1 else None
    return chars, negated, at + 1


def quantified(text, at):
    """How often: min, max (0: any number), and where it ends."""
    if at < len(text) and text[at] in "+*":
        return int(text[at] == "+"), 0, at + 1
    if at < len(text) and text[at] == "{":
        end = text.index("}", at)
        return int(text[at + 1:end]), int(text[at + 1:end]), end + 1
    return 1, 1, at


def pattern_parts(pattern):
    parts, at = [], 0
    text = pattern.removeprefix("^").removesuffix("$")
    while at < len(text):
        negated = False
        if text[at] == "[":
            chars, negated, at = bracketed(text, at + 1)
        elif text[at] == "\\":
            chars, at = escaped(text, at + 1)
        else:
            chars, at = {text[at]}, at + 1
        least, most, at = quantified(text, at)
        bits = sum(1 << code for code in range(128) if (chr(code) in chars) != negated)
        parts.append(f"{{ {{ UINT64_C({bits & (1 << 64) - 1:#x}), UINT64_C({bits >> 64:#x}) }}, {str(negated).lower()}, {least}, {most} }}")
    return parts


# --- the model ---


def shape_of(name, text):
    match = SHAPE_TEXT.fullmatch(text.strip())
    if not match or match["kind"] not in PLAIN + ["enum", "list", "map"] or (match["role"] or "none") not in ROLES:
        fail(f"{name}: cannot be read: {text}")
    shape = {"name": name, "kind": match["kind"], "of": match["of"], "keys": match["keys"], "pattern": match["pattern"],
             "role": match["role"] or "none", "values": match["values"].split(), "members": []}
    for bound in ("min", "max"):
        shape[bound] = int(match[bound]) if match[bound] else None
    return shape


def members_of(where, members, shapes):
    result = []
    for name, text in members.items():
        shape = text.removesuffix("!")
        if shape not in shapes:
            fail(f"{where}.{name}: no shape {shape}")
        result.append({"name": name, "shape": shape, "required": text.endswith("!")})
    return result


def structure(name, c_name):
    return {"name": name, "kind": "structure", "c_name": c_name, "members": [], "role": "none"}


def load(path):
    with open(path, encoding="utf-8") as file:
        model = yaml.safe_load(file)
    shapes = {name: {"name": name.capitalize(), "kind": name, "members": [], "role": "none"} for name in PLAIN}
    for name, text in model["shapes"].items():
        shapes[name] = shape_of(name, text)
    for name in model["structures"]:
        shapes[name] = structure(name, "api_" + snake(name))
    for name, members in model["structures"].items():
        shapes[name]["members"] = members_of(name, members, shapes)
    for name, operation in model["operations"].items():
        complete_operation(name, operation, model, shapes)
    for shape in shapes.values():
        shape.setdefault("c_name", "api_" + snake(shape["name"]))
        for part in ("of", "keys"):
            if shape.get(part) and shape[part] not in shapes:
                fail(f"{shape['name']}: no shape {shape[part]}")
    model["shapes"] = shapes
    return model


def complete_operation(name, operation, model, shapes):
    operation["name"] = name
    operation["target"] = model["targets"][operation.get("service", "dynamodb")] + "." + name
    operation.setdefault("in", "none")
    operation.setdefault("served", True)
    if operation["grant"] not in GRANTS or operation["in"] not in PLACES:
        fail(f"{name}: no such grant or place of the table")
    for side in ("request", "reply"):
        shape = structure(name + side.capitalize(), f"{snake(name)}_{side}")
        shape["members"] = members_of(f"{name} {side}", operation[side], shapes)
        shapes[shape["name"]] = operation[side] = shape
    names = [member["name"] for member in operation["request"]["members"]]
    if operation["table"] != "none" and operation["table"] not in names:
        fail(f"{name}: the request has no {operation['table']}")


def reachable(model):
    """The shapes that requests are made of, each before those that it stands in where C needs that."""
    found = {}

    def visit(shape):
        if shape["name"] in found:
            return
        found[shape["name"]] = shape
        for part in ("of", "keys"):
            if shape.get(part):
                visit(model["shapes"][shape[part]])
        for member in shape["members"]:
            visit(model["shapes"][member["shape"]])

    for operation in model["operations"].values():
        visit(operation["request"])
    visit(model["shapes"]["AttributeValueMap"])
    return list(found.values())


# --- C types ---


def collection(shape, shapes):
    """The name of the struct for a list or map: api_string_list, api_condition_map."""
    of = shapes[shape["of"]]
    inner = collection(of, shapes) if of["kind"] in ("list", "map") else of["c_name"] if of["kind"] == "structure" else "api_" + of["kind"]
    return f"{inner}_{shape['kind']}"


def element_type(shape, shapes):
    """Of an element of a list or the value of a map's entry."""
    if shape["kind"] == "structure":
        return f"struct {shape['c_name']}"
    if shape["kind"] == "value":
        return "struct value"
    return member_type(shape, shapes)


def member_type(shape, shapes):
    kind = shape["kind"]
    if kind in NUMBERS:
        return NUMBERS[kind]
    if kind in POINTED:
        return POINTED[kind].format(shape.get("c_name"))
    if kind in INLINE:
        return INLINE[kind]
    if kind == "enum":
        return f"enum {shape['c_name']}"
    return f"struct {collection(shape, shapes)}"


def declare(c_type, name):
    return f"    {c_type}{'' if c_type.endswith('*') else ' '}{name};"


def struct_lines(shape, shapes, is_request):
    lines = [f"struct {shape['c_name']} {{"]
    if is_request:
        lines.append("    struct shape_head head;")
    for member in shape["members"]:
        inner = shapes[member["shape"]]
        name = c_member(member["name"], inner)
        lines.append(declare(member_type(inner, shapes), name))
        if inner["kind"] in NUMBERS:
            lines.append(declare("bool", "has_" + snake(member["name"])))
    if len(lines) == 1:
        fail(f"{shape['name']} has no members")
    return lines + ["};", ""]


def enum_lines(shape):
    prefix = shape["c_name"].upper()
    values = [f"{prefix}_UNSET"] + [f"{prefix}_{constant(value)}" for value in shape["values"]]
    return [f"enum {shape['c_name']} {{"] + [f"    {value}," for value in values] + ["};", ""]


def collection_lines(shapes_used, shapes):
    """Lists and maps, each once; the entries of maps follow when all structs are complete."""
    done, lines, entries = set(), [], []
    for shape in shapes_used:
        if shape["kind"] not in ("list", "map") or collection(shape, shapes) in done:
            continue
        name = collection(shape, shapes)
        done.add(name)
        c_type = element_type(shapes[shape["of"]], shapes)
        if shape["kind"] == "list":
            lines += [f"struct {name} {{", declare(c_type + " *", "values"), "    size_t count;", "};", ""]
        else:
            entry = name.removesuffix("_map") + "_entry"
            lines += [f"struct {name} {{", declare(f"struct {entry} *", "entries"), "    size_t count;", "};", ""]
            entries += [f"struct {entry} {{", "    struct span name;", declare(c_type, "value"), "};", ""]
    return lines, entries


def header(model):
    shapes = model["shapes"]
    used = reachable(model)
    requests = {operation["request"]["name"] for operation in model["operations"].values()}
    lines = ["/* Made from api/operations.yaml. */", "#pragma once", "", '#include "gateway/shape.h"', "", "enum operation {"]
    lines += [f"    OPERATION_{constant(name)}," for name in model["operations"]] + ["    OPERATIONS,", "};", ""]
    for shape in used:
        if shape["kind"] == "enum":
            lines += enum_lines(shape)
    collections, entries = collection_lines(used, shapes)
    lines += collections
    for shape in used:
        if shape["kind"] == "structure":
            lines += struct_lines(shape, shapes, shape["name"] in requests)
    lines += entries + [f"extern const struct shape shape_{shape['c_name']};" for shape in shapes.values()] + ["", "struct call;"]
    return lines + [run_prototype(operation) + ";" for operation in model["operations"].values()]


# --- descriptors ---


def slot(name, factor, mask):
    """As shape_slot of shape_parts.h."""
    code = name.encode()
    head = int.from_bytes(code[:8], "little")
    tail = int.from_bytes(code[-8:], "little") if len(code) >= 8 else 0
    turned = (tail << 29 | tail >> 35) & WORD
    return (((head ^ turned) + len(code)) * factor & WORD) >> 40 & mask


def slots(names):
    """A table without collisions of 1 + the index of each name: its cells, the factor and the mask."""
    size = 1
    while size < len(names):
        size *= 2
    while size <= 1024:
        for factor in range(FACTOR, FACTOR + 4000, 2):
            taken = [slot(name, factor, size - 1) for name in names]
            if len(set(taken)) == len(names):
                cells = [0] * size
                for number, cell in enumerate(taken, 1):
                    cells[cell] = number
                return cells, factor, size - 1
        size *= 2
    return fail("no hash table without collisions for " + ", ".join(names))


def member_lines(shape, shapes, is_used):
    lines = [f"static const struct shape_member {shape['c_name']}_members[] = {{"]
    for member in shape["members"]:
        inner = shapes[member["shape"]]
        offset = has_offset = "0"
        if is_used:
            offset = f"offsetof(struct {shape['c_name']}, {c_member(member['name'], inner)})"
            if inner["kind"] in NUMBERS:
                has_offset = f"offsetof(struct {shape['c_name']}, has_{snake(member['name'])})"
        lines.append(f"    {{ {span(member['name'])}, &shape_{inner['c_name']}, {offset}, {has_offset}, {str(member['required']).lower()} }},")
    return lines + ["};"]


def structure_lines(shape, shapes, is_used):
    """What stands before the descriptor, and its lines."""
    if not shape["members"]:
        return [], []
    cells, factor, mask = slots([member["name"] for member in shape["members"]])
    lines = member_lines(shape, shapes, is_used)
    lines.append(f"static const uint8_t {shape['c_name']}_slots[] = {{ {', '.join(map(str, cells))} }};")
    return lines, [f"    .members = {shape['c_name']}_members, .member_count = {len(shape['members'])},",
                   f"    .slots = {shape['c_name']}_slots, .slot_mask = {mask}, .slot_factor = UINT64_C({factor}),"]


def constraint_lines(shape):
    lines = [f"    .has_{bound} = true, .{bound} = {shape[bound]}," for bound in ("min", "max") if shape.get(bound) is not None]
    if shape.get("pattern"):
        lines.append(f"    .pattern = {c_string(shape['pattern'])}, .pattern_parts = {shape['c_name']}_pattern,"
                     f" .pattern_part_count = {len(pattern_parts(shape['pattern']))},")
    if shape.get("keys"):
        lines.append(f"    .key = &shape_{shape['keys_c_name']},")
    return lines


def parts_before(shape):
    lines = []
    if shape.get("pattern"):
        lines.append(f"static const struct shape_pattern_part {shape['c_name']}_pattern[] = {{ {', '.join(pattern_parts(shape['pattern']))} }};")
    if shape["kind"] == "enum":
        lines.append(f"static const struct span {shape['c_name']}_values[] = {{ {', '.join(map(span, shape['values']))} }};")
    return lines


def descriptor(shape, shapes, is_used):
    if shape.get("keys"):
        shape["keys_c_name"] = shapes[shape["keys"]]["c_name"]
    lines, inside = structure_lines(shape, shapes, is_used)
    lines += parts_before(shape) + [f"const struct shape shape_{shape['c_name']} = {{",
                                    f"    .name = {span(shape['name'])}, .type = SHAPE_{shape['kind'].upper()}, .role = SHAPE_ROLE_{shape['role'].upper()},"]
    if is_used:
        lines.append(f"    .size = sizeof({element_type(shape, shapes)}),")
    if shape["kind"] == "enum":
        lines.append(f"    .enum_values = {shape['c_name']}_values, .enum_value_count = {len(shape['values'])},")
    if shape.get("of"):
        lines.append(f"    .element = &shape_{shapes[shape['of']]['c_name']},")
    if is_used and shape["kind"] == "map":
        entry = collection(shape, shapes).removesuffix("_map") + "_entry"
        lines.append(f"    .entry_size = sizeof(struct {entry}), .entry_value_offset = offsetof(struct {entry}, value),")
    return lines + constraint_lines(shape) + inside + ["};", ""]


def operation_lines(operation):
    request, reply = operation["request"], operation["reply"]
    names = [member["name"] for member in request["members"]]
    member = f"&{request['c_name']}_members[{names.index(operation['table'])}]" if operation["table"] != "none" else "NULL"
    return [f"    [OPERATION_{constant(operation['name'])}] = {{ {span(operation['name'])}, {span(operation['target'])},",
            f"        GRANT_{operation['grant'].upper()}, TABLE_IN_{operation['in'].upper()}, {member}, &shape_{request['c_name']}, &shape_{reply['c_name']} }},"]


def table(model):
    shapes = model["shapes"]
    used = {shape["name"] for shape in reachable(model)}
    lines = ["/* Made from api/operations.yaml. */", '#include "gateway/shape.h"', "", "#include <stddef.h>", "", '#include "gateway/shape_parts.h"', ""]
    for shape in shapes.values():
        lines += descriptor(shape, shapes, shape["name"] in used)
    lines.append("const struct operation_info operation_infos[OPERATIONS] = {")
    for operation in model["operations"].values():
        lines += operation_lines(operation)
    cells, factor, mask = slots(list(model["operations"]))
    return lines + ["};", "", f"const uint8_t operation_slots[] = {{ {', '.join(map(str, cells))} }};",
                    f"const unsigned operation_slot_mask = {mask};", f"const uint64_t operation_slot_factor = UINT64_C({factor});"]


# --- functions ---


def run_prototype(operation):
    name = snake(operation["name"])
    return f"enum lf_code operation_{name}(struct call *call, const struct {name}_request *request, struct err *err)"


def runs(model):
    """What dispatch calls takes any request; each function takes its own."""
    lines = ["/* Made from api/operations.yaml. */", '#include "gateway/dispatch.h"', ""]
    served = [operation for operation in model["operations"].values() if operation["served"]]
    for operation in served:
        name = snake(operation["name"])
        lines += [f"static enum lf_code run_{name}(struct call *call, const void *request, struct err *err)", "{",
                  f"    return operation_{name}(call, request, err);", "}", ""]
    lines.append("operation_run *const operation_runs[OPERATIONS] = {")
    lines += [f"    [OPERATION_{constant(operation['name'])}] = run_{snake(operation['name'])}," for operation in served]
    return lines + ["};"]


def main():
    kind, source, output = sys.argv[1:]
    lines = {"header": header, "table": table, "runs": runs}[kind](load(source))
    with open(output, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
