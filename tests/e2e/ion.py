"""Records of an export as Amazon Ion, text and binary, written from their DynamoDB JSON as the specification of Ion says."""
import base64
import json
from decimal import Decimal

MARKER = b"\xe0\x01\x00\xea"
DECIMAL, STRING, BLOB, LIST, STRUCT, ANNOTATION = 5, 8, 10, 11, 13, 14
ION_SYMBOL_TABLE, IMPORTS, SYMBOLS, FIRST_LOCAL = 3, 6, 7, 10
SETS = ("SS", "NS", "BS")


# --- text ---

def text_of_value(value):
    """An attribute value as DynamoDB writes it in Ion."""
    (kind, content), = value.items()
    if kind == "S":
        return json.dumps(content, ensure_ascii=False)
    if kind == "N":
        sign, digits, exponent = Decimal(content).as_tuple()
        return f"{'-' * sign}{''.join(map(str, digits))}{'.' if exponent == 0 else f'd{exponent}'}"
    if kind == "B":
        return "{{" + content + "}}"
    if kind in SETS:
        return f"$dynamodb_{kind}::[" + ",".join(text_of_value({kind[0]: member}) for member in content) + "]"
    if kind == "L":
        return "[" + ",".join(map(text_of_value, content)) + "]"
    return text_of_struct(content) if kind == "M" else "null" if kind == "NULL" else str(content).lower()


def text_of_struct(attributes):
    return "{" + ",".join(f"'{name}':{text_of_value(value)}" for name, value in attributes.items()) + "}"


def text_line(record):
    return "$ion_1_0 {" + ",".join(f"{part}:{text_of_struct(content)}" for part, content in record.items()) + "}"


# --- binary ---

def varuint(number):
    digits = [number & 0x7F | 0x80]
    while number := number >> 7:
        digits.insert(0, number & 0x7F)
    return bytes(digits)


def typed(kind, body):
    head = bytes([kind << 4 | min(len(body), 14)])
    return head + (varuint(len(body)) if len(body) >= 14 else b"") + body


def struct(fields):
    """One of one byte would say that its fields are sorted; there is none: a field takes two."""
    return typed(STRUCT, b"".join(varuint(symbol) + value for symbol, value in fields))


def varint(number):
    """Its first byte has the sign and six bits."""
    digits = list(varuint(abs(number)))
    if digits[0] & 0x40:
        digits.insert(0, 0)
    digits[0] |= 0x40 if number < 0 else 0
    return bytes(digits)


def decimal(text):
    """A coefficient of 0 is none, and 0 with exponent 0 is no bytes at all."""
    sign, digits, exponent = Decimal(text).as_tuple()
    coefficient = int("".join(map(str, digits)))
    body = bytearray(coefficient.to_bytes(coefficient.bit_length() // 8 + 1, "big")) if coefficient else bytearray()
    if sign and body:
        body[0] |= 0x80
    return typed(DECIMAL, varint(exponent) + body if body or exponent else b"")


class Writer:
    """A stream of records; their names go to symbol tables that are appended when a record has new ones."""

    def __init__(self):
        self.symbols = {}
        self.new = []

    def symbol(self, name):
        if name not in self.symbols:
            self.symbols[name] = FIRST_LOCAL + len(self.symbols)
            self.new.append(name)
        return self.symbols[name]

    def annotated(self, annotation, value):
        symbol = varuint(self.symbol(annotation))
        return typed(ANNOTATION, varuint(len(symbol)) + symbol + value)

    def value(self, value):
        (kind, content), = value.items()
        if kind == "S":
            return typed(STRING, content.encode("utf-8", "surrogateescape"))
        if kind == "N":
            return decimal(content)
        if kind == "B":
            return typed(BLOB, base64.b64decode(content))
        if kind in SETS:
            members = b"".join(self.value({kind[0]: member}) for member in content)
            return self.annotated(f"$dynamodb_{kind}", typed(LIST, members))
        if kind == "L":
            return typed(LIST, b"".join(map(self.value, content)))
        return self.struct(content) if kind == "M" else b"\x0f" if kind == "NULL" else b"\x11" if content else b"\x10"

    def struct(self, attributes):
        return struct((self.symbol(name), self.value(value)) for name, value in attributes.items())

    def table(self):
        names = b"".join(typed(STRING, name.encode()) for name in self.new)
        fields = struct([(IMPORTS, b"\x71\x03"), (SYMBOLS, typed(LIST, names))])
        return typed(ANNOTATION, b"\x81" + varuint(ION_SYMBOL_TABLE) + fields)

    def record(self, record):
        """With the symbol table that it needs in front."""
        body = struct((self.symbol(part), self.struct(content)) for part, content in record.items())
        table = self.table() if self.new else b""
        self.new = []
        return table + body


def binary(records):
    writer = Writer()
    return MARKER + b"".join(map(writer.record, records))
