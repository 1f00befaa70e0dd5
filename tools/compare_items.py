#!/usr/bin/env python3
"""Compares the items of two folders under DynamoDB's equality, without any of Landfall's code.

    compare_items.py SOURCE_DIR EXPORT_DIR [--show N]

Either folder may hold exports of DynamoDB to S3 (manifest-summary.json; counts and MD5s are checked), bare files of DynamoDB JSON
(*.json, *.json.gz) with or without table.json, or sub-folders of these. Tables are matched by name; where both sides hold one table,
the names do not matter. Numbers are equal by value, sets and maps without order, lists with order, binaries by their bytes.
Prints a line per table and `N items, D differences` at the end; exit status 0 when there is none, 1 when there are, 2 when a folder
cannot be read.
"""
import argparse
import base64
import gzip
import hashlib
import json
import os
import sys
from collections import Counter
from decimal import Decimal

TYPES = {"S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"}
MEMBER_TYPES = {"SS": "S", "NS": "N", "BS": "B"}


class Unreadable(Exception):
    """A file that is not what its place says."""


def number_text(text):
    """One text per value: sign, digits without zeros at either end, exponent."""
    sign, digits, exponent = Decimal(text).as_tuple()
    if not isinstance(exponent, int):
        raise Unreadable(f"{text!r} is not a number")
    digits = "".join(map(str, digits)).lstrip("0")
    stripped = digits.rstrip("0")
    if not stripped:
        return "0"
    return f"{'-' if sign else ''}{stripped}E{exponent + len(digits) - len(stripped)}"


def canonical(value):
    """A value as a tuple that equals another's exactly when DynamoDB calls the values equal."""
    if not isinstance(value, dict) or len(value) != 1:
        raise Unreadable(f"not an attribute value: {str(value)[:80]}")
    (kind, content), = value.items()
    if kind == "S" or kind == "BOOL" or kind == "NULL":
        return kind, content
    if kind == "N":
        return kind, number_text(content)
    if kind == "B":
        return kind, base64.b64decode(content, validate=True)
    if kind in MEMBER_TYPES:
        return kind, tuple(sorted(canonical({MEMBER_TYPES[kind]: member}) for member in content))
    if kind == "L":
        return kind, tuple(canonical(member) for member in content)
    if kind == "M":
        return kind, canonical_attributes(content)
    raise Unreadable(f"unknown type {kind!r}")


def canonical_attributes(attributes):
    return tuple(sorted((name, canonical(value)) for name, value in attributes.items()))


def digest(canonical_form):
    return hashlib.sha256(repr(canonical_form).encode("utf-8", "surrogatepass")).digest()[:16]


def unique_pairs(pairs):
    result = dict(pairs)
    if len(result) != len(pairs):
        raise Unreadable("a name stands twice in one object")
    return result


def parse_line(text):
    """The item of a line, or None when the text is JSON of another kind."""
    parsed = json.loads(text, object_pairs_hook=unique_pairs)
    if isinstance(parsed, dict) and set(parsed) == {"Item"} and not set(parsed["Item"]) <= TYPES:
        return parsed["Item"]
    return parsed if looks_like_item(parsed) else None


def looks_like_item(parsed):
    return (isinstance(parsed, dict) and bool(parsed)
            and all(isinstance(v, dict) and len(v) == 1 and set(v) <= TYPES for v in parsed.values()))


def read_items(path):
    opened = gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb")
    with opened as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                item = parse_line(line.decode("utf-8"))
                if item is None:
                    raise Unreadable("not an item")
                yield item
            except (ValueError, ArithmeticError, Unreadable) as error:
                raise Unreadable(f"{path}:{number}: {error}") from error


def is_data_file(path):
    """Every *.json.gz; a *.json whose first line is an item."""
    if path.endswith(".json.gz"):
        return True
    if not path.endswith(".json"):
        return False
    with open(path, "rb") as file:
        first = file.readline()
    try:
        return parse_line(first.decode("utf-8")) is not None
    except (ValueError, Unreadable):
        return False


def md5_base64(path):
    with open(path, "rb") as file:
        return base64.b64encode(hashlib.md5(file.read()).digest()).decode()


class Table:
    def __init__(self, name, key):
        self.name = name
        self.key = key  # names of the key's attributes, None when not known
        self.files = []  # (path, items by the manifest or None)

    def items(self):
        for path, expected in self.files:
            count = 0
            for item in read_items(path):
                count += 1
                yield item
            if expected is not None and count != expected:
                raise Unreadable(f"{path}: {count} items, its manifest says {expected}")


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def table_description(folder):
    """(name, key attribute names) from the folder's table.json, else (None, None)."""
    path = os.path.join(folder, "table.json")
    if not os.path.exists(path):
        return None, None
    description = read_json(path)
    description = description.get("Table", description)
    return description.get("TableName"), [part["AttributeName"] for part in description["KeySchema"]]


def check_md5_file(path):
    with open(os.path.splitext(path)[0] + ".md5", encoding="ascii") as file:
        if file.read() != md5_base64(path):
            raise Unreadable(f"{path}: MD5 differs from its .md5 file")


def read_manifest(folder):
    """The table of an export: the files that manifest-files.json lists, whose keys are relative to where AWSDynamoDB lies."""
    summary_path = os.path.join(folder, "manifest-summary.json")
    files_path = os.path.join(folder, "manifest-files.json")
    check_md5_file(summary_path)
    check_md5_file(files_path)
    summary = read_json(summary_path)
    if summary.get("outputFormat") != "DYNAMODB_JSON" or summary.get("exportType", "FULL_EXPORT") != "FULL_EXPORT":
        raise Unreadable(f"{summary_path}: only full exports in DynamoDB JSON are compared")
    above = os.path.dirname(os.path.dirname(folder))
    table = Table(summary["tableArn"].rsplit("table/", 1)[1], table_description(above)[1])
    with open(files_path, encoding="utf-8") as file:
        for entry in map(json.loads, file):
            key = entry["dataFileS3Key"]
            path = os.path.join(above, key[key.rindex("AWSDynamoDB/"):])
            if md5_base64(path) != entry["md5Checksum"]:
                raise Unreadable(f"{path}: MD5 differs from the manifest")
            table.files.append((path, entry["itemCount"]))
    total = sum(count for _, count in table.files)
    if total != summary["itemCount"]:
        raise Unreadable(f"{summary_path}: itemCount {summary['itemCount']}, its files have {total}")
    return table


def read_bare(folder, files):
    """The table of a folder without a manifest, or None."""
    paths = [os.path.join(folder, name) for name in sorted(files) if name != "table.json"]
    data = [(path, None) for path in paths if is_data_file(path)]
    if not data:
        return None
    name, key = table_description(folder)
    table = Table(name or os.path.basename(folder), key)
    table.files = data
    return table


def find_tables(folder):
    """All tables in and below a folder. Below AWSDynamoDB only what a manifest lists is data."""
    tables = []
    for current, folders, files in os.walk(os.path.abspath(folder)):
        folders.sort()
        if "manifest-summary.json" in files:
            tables.append(read_manifest(current))
            folders.clear()
        elif "AWSDynamoDB" not in os.path.relpath(current, folder).split(os.sep):
            table = read_bare(current, files)
            tables += [table] if table else []
    return merge_by_name(tables)


def merge_by_name(tables):
    merged = {}
    for table in tables:
        if table.name in merged:
            raise Unreadable(f"table {table.name} is there twice")
        merged[table.name] = table
    return merged


def key_of(item, key):
    """The key for comparison; the whole item where no key schema is known."""
    if key is None:
        return digest(canonical_attributes(item))
    try:
        return tuple(canonical(item[name]) for name in key)
    except KeyError as error:
        raise Unreadable(f"an item has no key attribute {error}") from error


def load(table, key):
    """{key: digests of the items with it}; a key should have one."""
    result = {}
    count = 0
    for item in table.items() if table else ():
        count += 1
        result.setdefault(key_of(item, key), []).append(digest(canonical_attributes(item)))
    return result, count


def compare_table(source, export, show):
    """Returns (items of the source, differences)."""
    key = (source.key if source else None) or (export.key if export else None)
    ours, count = load(source, key)
    theirs, _ = load(export, key)
    differences = 0
    for item_key in ours.keys() | theirs.keys():
        left, right = Counter(ours.get(item_key, ())), Counter(theirs.get(item_key, ()))
        if left == right:
            continue
        found = max((left - right).total(), (right - left).total())
        kind = "missing in the export" if not right else "only in the export" if not left else "different"
        if differences < show:
            print(f"  {kind}: {item_key if key else 'an item'}", file=sys.stderr)
        differences += found
    return count, differences


def pair_tables(sources, exports):
    if len(sources) == 1 and len(exports) == 1:
        return [(next(iter(sources.values())), next(iter(exports.values())))]
    return [(sources.get(name), exports.get(name)) for name in sorted(sources.keys() | exports.keys())]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source")
    parser.add_argument("export")
    parser.add_argument("--show", type=int, default=10, help="differences named per table (10)")
    options = parser.parse_args()
    try:
        sides = []
        for folder in (options.source, options.export):
            tables = find_tables(folder)
            if not tables:
                raise Unreadable(f"{folder}: no table in it")
            sides.append(tables)
        items = differences = 0
        for source, export in pair_tables(*sides):
            count, found = compare_table(source, export, options.show)
            print(f"{(source or export).name}: {count} items, {found} differences")
            items += count
            differences += found
    except (OSError, EOFError, ValueError, KeyError, Unreadable) as error:
        print(f"compare_items: {error}", file=sys.stderr)
        return 2
    print(f"{items} items, {differences} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
