#!/usr/bin/env python3
"""Makes the table of src/expression/words.c from api/reserved_words.txt: gen_reserved_words.py api/reserved_words.txt OUTPUT.

The words stand in order of their buckets; a bucket's words begin at bucket_first[bucket]. The hash is that of words.c.
"""
import sys

BUCKETS = 1024
BUCKET_SHIFT = 22
MULTIPLIER = 2654435761


def bucket(word):
    value = len(word)
    for byte in word.lower().encode():
        value = value * 31 + byte & 0xFFFFFFFF
    return (value * MULTIPLIER & 0xFFFFFFFF) >> BUCKET_SHIFT


def table(words):
    words = sorted(words, key=lambda word: (bucket(word), word))
    buckets = [bucket(word) for word in words]
    first, count = [], 0
    for number in range(BUCKETS + 1):
        while count < len(words) and buckets[count] < number:
            count += 1
        first.append(count)
    lines = ["/* Made from api/reserved_words.txt. */", f"static const struct span words[{len(words)}] = {{"]
    lines += [f'    {{ "{word.lower()}", {len(word)} }},' for word in words]
    lines += ["};", f"static const unsigned short bucket_first[{BUCKETS + 1}] = {{", "    " + ", ".join(map(str, first)) + ",", "};"]
    return lines


def main():
    source, output = sys.argv[1:]
    with open(source, encoding="ascii") as file:
        words = [line.strip() for line in file if line.strip() and not line.startswith("#")]
    with open(output, "w", encoding="ascii") as file:
        file.write("\n".join(table(words)) + "\n")


if __name__ == "__main__":
    main()
