"""Attribute values: few of each kind, so that operations meet the same ones again, and now and then one at a limit or beyond."""
import base64
import decimal

# Equal numbers in several spellings: DynamoDB has one key for all of them and gives back its own spelling.
NUMBERS = {"0": ["0", "-0", "0.0", "0E5", "00"], "1": ["1", "1.0", "1E0", "+1", "0.1e1", "01", "1."], "2": ["2", "2.00", "20e-1"],
           "10": ["10", "1E1", "1e+1", "10.0"],
           "-1": ["-1", "-1.0", "-1e0"], "0.5": ["0.5", ".5", "5e-1", "0.50"], "3": ["3"], "-3": ["-3"]}
NUMBERS_AT_LIMITS = ["9" * 38, "1" + "0" * 37, "-" + "9" * 38, "0." + "1" * 38, "1E125", "-1E125", "9.9999999999999999999999999999999999999E+125", "1E-130",
                     "-1E-130", "1.5E-129", "12345678901234567890.123456789012345678", "0." + "0" * 129 + "1", "1" + "0" * 125,
                     "100000000000000000000000000000000000001"]
NUMBERS_WRONG = ["9" * 39, "1E126", "-1E126", "1E-131", "abc", "", " 1", "1 ", "0x10", "NaN", "Infinity", "1e", "--1", "1,5", "1" + "0" * 126,
                 "1." + "0" * 38 + "1", "1_000", "١"]
STRINGS = ["a", "b", "ab", "abc", "B", "é", "日本", "😀", "a b", "10", "2", "x\u0000y", "\"q\"\\", "￿", "\t"]
KEY_STRINGS = ["a", "b", "ab", "é", "10", "2", "😀", "￿", "B"]
KEY_NUMBERS = ["0", "1", "2", "10", "-1", "0.5"]
KEY_BYTES = [b"\x00", b"\x00\x01", b"a", b"\xff", b"ab", b"\x7f"]
NESTING_LIMIT = 32


def number(random):
    roll = random.random()
    if roll < 0.04:
        return random.choice(NUMBERS_AT_LIMITS)
    if roll < 0.05:
        return random.choice(NUMBERS_WRONG)
    return random.choice(random.choice(list(NUMBERS.values())))


def encoded(data):
    return base64.b64encode(data).decode()


def binary(random):
    return encoded(random.choice([b"", b"a", b"ab", b"\x00", b"\xff\x00", bytes(range(20))]))


def string(random):
    return "" if random.random() < 0.05 else random.choice(STRINGS)


def key(random, kind):
    """A value of a key attribute; spelled in any way if a number."""
    if kind == "S":
        return {"S": random.choice(KEY_STRINGS)}
    if kind == "N":
        return {"N": random.choice(NUMBERS[random.choice(KEY_NUMBERS)])}
    return {"B": encoded(random.choice(KEY_BYTES))}


def some_keys(random, kind, count):
    pool = {"S": KEY_STRINGS, "N": KEY_NUMBERS, "B": [encoded(data) for data in KEY_BYTES]}[kind]
    return [{kind: content} for content in random.sample(pool, count)]


def respelled(random, value):
    """The same number in any of its spellings; other values as they are."""
    return {"N": random.choice(NUMBERS.get(value["N"], [value["N"]]))} if "N" in value else value


def numbered(kind, number):
    """A key for each number."""
    return {kind: encoded(str(number).encode()) if kind == "B" else str(number)}


def key_at_limit(random, kind, is_partition):
    """A key of a length around the limit of 2,048 or 1,024 bytes, an empty one, or a number at its limits."""
    if kind == "N":
        return {"N": random.choice(NUMBERS_AT_LIMITS + NUMBERS_WRONG)}
    size = random.choice([0, -1, 0, 1]) + (2048 if is_partition else 1024)
    size = 0 if random.random() < 0.3 else size
    if kind == "B":
        return {"B": encoded(b"k" * size)}
    return {"S": random.choice(["k" * size, "é" * (size // 2) + "k" * (size % 2)])}


def of_type(random, kind, depth=2):
    return {kind: CONTENTS[kind](random, depth)}


def distinct(random, make, count):
    chosen = []
    for _ in range(count):
        value = make(random)
        if value not in chosen:
            chosen.append(value)
    return chosen


def any_value(random, depth=2):
    kinds = "S S S N N N BOOL NULL B SS NS BS" + (" L M L M" if depth > 0 else "")
    return of_type(random, random.choice(kinds.split()), depth)


def list_of(random, depth):
    return [any_value(random, depth - 1) for _ in range(random.randrange(4))]


def map_of(random, depth):
    return {random.choice("xyz"): any_value(random, depth - 1) for _ in range(random.randrange(4))}


def number_set(random, _):
    """Of distinct numbers: equal ones in two spellings are a mistake, made elsewhere."""
    return [random.choice(NUMBERS[name]) for name in random.sample(list(NUMBERS), random.randrange(1, 4))]


CONTENTS = {
    "S": lambda random, depth: string(random), "N": lambda random, depth: number(random), "B": lambda random, depth: binary(random),
    "BOOL": lambda random, depth: random.random() < 0.5, "NULL": lambda random, depth: True,
    "SS": lambda random, depth: distinct(random, lambda r: r.choice(STRINGS[:5]), random.randrange(1, 4)), "NS": number_set,
    "BS": lambda random, depth: distinct(random, lambda r: r.choice(["YQ==", "YWI=", "/w=="]), random.randrange(1, 3)),
    "L": list_of, "M": map_of,
}


def nested(random):
    """A value as deep as the limit, or one more or less."""
    value = {"S": "deep"}
    for _ in range(NESTING_LIMIT + random.choice([-2, -1, 0, 1])):
        value = {"L": [value]} if random.random() < 0.5 else {"M": {"n": value}}
    return value


def mistaken(random, chance):
    """Whether to make a mistake now. A request has one at most, for which of several is told, AWS leaves open."""
    makes = random.random() < chance and not getattr(random, "has_mistaken", False)
    random.has_mistaken = makes or getattr(random, "has_mistaken", False)
    return makes


def wrong(random):
    """A value that no attribute may have."""
    return random.choice([
        {"SS": []}, {"NS": []}, {"BS": []}, {"SS": ["a", "a"]}, {"NS": ["1", "1.0"]}, {"BS": ["YQ==", "YQ=="]}, {"NULL": False}, {"N": random.choice(NUMBERS_WRONG)},
        {"S": "a", "N": "1"}, {}, {"L": [{"SS": []}]}, {"M": {"a": {}}}, {"M": {"": {"S": "x"}}}, {"NS": ["1", "x"]}, {"B": "***"}, {"B": "YQ"},
        {"M": {"a": {"N": ""}}},
        {"SS": [""]}, {"BS": [""]}, {"NS": [""]}])


def large(random, taken):
    """A string that brings an item of `taken` other bytes to the limit of 400 KB, or one byte beside it."""
    return {"S": "x" * (400 * 1024 - taken + random.choice([-1, 0, 1]))}


def size_of(value):
    """The size of a plain value as DynamoDB counts it, enough for keys and short attributes: text, bytes; numbers are avoided by the callers."""
    (kind, content), = value.items()
    return len(base64.b64decode(content)) if kind == "B" else len(content.encode())


def order(value):
    """A sort key for plain values of one type, good enough for the lower and the upper bound of BETWEEN."""
    (kind, content), = value.items()
    if kind == "N":
        try:
            number = decimal.Decimal(content)
        except decimal.InvalidOperation:
            return decimal.Decimal(0)
        return number if number.is_finite() else decimal.Decimal(0)
    return str(content)
