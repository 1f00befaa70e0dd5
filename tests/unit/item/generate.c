#include "generate.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "codec/utf8.h"

enum { ELEMENTS_MAX = 6, ATTRIBUTES_MAX = 12, TEXT_CHARACTERS_MAX = 24, LEVELS_OF_ITEM = 5 };

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

uint64_t generator_seed(void)
{
    const char *given = getenv("LANDFALL_TEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    printf("seed %llu\n", (unsigned long long)seed);
    return seed;
}

void generator_init(struct generator *generator, uint64_t seed)
{
    generator->state = seed;
}

/* splitmix64 */
uint64_t generate_uint64(struct generator *generator)
{
    uint64_t z = generator->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

size_t generate_below(struct generator *generator, size_t below)
{
    return (size_t)(generate_uint64(generator) % below);
}

static void *allocate(struct arena *arena, size_t count, size_t size)
{
    struct err err = ERR_INIT;
    void *memory = arena_calloc(arena, count, size, &err);
    if (!memory) {
        (void)fprintf(stderr, "generate: %s\n", err.message);
        abort();
    }
    return memory;
}

/* ---- texts and bytes ---- */

static unsigned character(struct generator *generator)
{
    static const unsigned odd[] = { 0,      1,      '\t',   '\n',    '\r',    0x1F,     '"',   '\\',   '/',    '\'',
                                    0x7F,   0x80,   0xDF,   0x130,   0x301,   0x7FF,    0x800, 0x2028, 0xD7FF, 0xE000,
                                    0xFEFF, 0xFFFD, 0xFFFF, 0x10000, 0x1F600, 0x10FFFF, '{',   '}',    '|',    ',' };
    switch (generate_below(generator, 8)) {
    case 0:
        return odd[generate_below(generator, COUNT(odd))];
    case 1:
        return 0xA0 + (unsigned)generate_below(generator, 0x500);
    default:
        return 'a' + (unsigned)generate_below(generator, 26);
    }
}

static struct span random_text(struct generator *generator, struct arena *arena, size_t characters)
{
    char *text = allocate(arena, characters + 1, 4);
    size_t len = 0;
    for (size_t i = 0; i < characters; i++)
        len += utf8_encode(character(generator), text + len);
    return span_of(text, len);
}

struct span generate_text(struct generator *generator, struct arena *arena)
{
    static const struct span known[] = {
        { "", 0 },
        { " ", 1 },
        { "\0", 1 },
        { "a\0b", 3 },
        { "\\N", 2 },
        { "null", 4 },
        { "true", 4 },
        { "0", 1 },
        { "42", 2 },
        { "1.50", 4 },
        { "{\"a\":1}", 7 },
        { "[]", 2 },
        { "2024-02-29", 10 },
        { "2024-02-30", 10 },
        { "2024-01-02T03:04:05Z", 20 },
        { "2024-01-02T03:04:05.678Z", 24 },
        { "2024-01-02T03:04:05.678901+00:00", 32 },
        { "6f9619ff-8b86-d011-b42d-00cf4fc964ff", 36 },
        { "6F9619FF-8B86-D011-B42D-00CF4FC964FF", 36 },
    };
    if (generate_below(generator, 3) == 0)
        return known[generate_below(generator, COUNT(known))];
    return random_text(generator, arena, generate_below(generator, TEXT_CHARACTERS_MAX));
}

struct span generate_name(struct generator *generator, struct arena *arena)
{
    static const char *const known[] = { "pk",   "sk", "gsi1pk", "userId", "userid",   "user id",
                                         "Item", "S",  "M",      "select", "createdAt" };
    if (generate_below(generator, 2) == 0)
        return span_from_cstr(known[generate_below(generator, COUNT(known))]);
    return random_text(generator, arena, 1 + generate_below(generator, 12));
}

struct span generate_bytes(struct generator *generator, struct arena *arena)
{
    size_t len = generate_below(generator, 20);
    char *bytes = allocate(arena, len + 1, 1);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)generate_uint64(generator);
    return span_of(bytes, len);
}

/* ---- numbers ---- */

static struct number number_from_text(const char *text)
{
    struct number number;
    struct err err = ERR_INIT;
    if (number_parse(span_from_cstr(text), &number, &err) != LF_OK) {
        (void)fprintf(stderr, "generate: %s: %s\n", text, err.message);
        abort();
    }
    return number;
}

/* Up to 38 digits with an exponent that keeps all of them within range. */
static struct number number_of_digits(struct generator *generator, size_t digits)
{
    char text[64];
    size_t len = 0;
    if (generate_below(generator, 2))
        text[len++] = '-';
    text[len++] = (char)('1' + generate_below(generator, 9));
    for (size_t i = 1; i < digits; i++)
        text[len++] = (char)('0' + generate_below(generator, 10));
    int exponent = (int)generate_below(generator, 200) - 100 - (int)digits / 2;
    (void)snprintf(text + len, sizeof text - len, "E%d", exponent);
    return number_from_text(text);
}

struct number generate_number(struct generator *generator)
{
    static const char *const edges[] = {
        "0",
        "1",
        "-1",
        "0.1",
        "10",
        "1E-130",
        "-1E-130",
        "9.9999999999999999999999999999999999999E125",
        "-9.9999999999999999999999999999999999999E125",
        "12345678901234567890123456789012345678",
        "2147483647",
        "-2147483648",
        "2147483648",
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "1704164645",
        "1704164645678",
        "1704164645.5",
    };
    switch (generate_below(generator, 4)) {
    case 0:
        return number_from_text(edges[generate_below(generator, COUNT(edges))]);
    case 1:
        return number_of_digits(generator, 1 + generate_below(generator, 38));
    case 2:
        return number_from_int64((int64_t)generate_below(generator, 2001) - 1000);
    default:
        return number_from_int64((int64_t)generate_uint64(generator));
    }
}

/* ---- values ---- */

static struct value scalar_of(struct generator *generator, struct arena *arena, enum value_type type)
{
    if (type == VALUE_N)
        return value_number(generate_number(generator));
    struct span bytes = type == VALUE_S ? generate_text(generator, arena) : generate_bytes(generator, arena);
    return (struct value){ .type = type, .bytes = bytes };
}

static bool scalars_equal(const struct value *a, const struct value *b)
{
    return a->type == VALUE_N ? number_equal(a->number, b->number) : span_equal(a->bytes, b->bytes);
}

static bool contains_scalar(const struct value *values, size_t count, const struct value *value)
{
    for (size_t i = 0; i < count; i++) {
        if (scalars_equal(&values[i], value))
            return true;
    }
    return false;
}

static struct value set_of(struct generator *generator, struct arena *arena, enum value_type type)
{
    size_t wanted = 1 + generate_below(generator, ELEMENTS_MAX);
    struct value *values = allocate(arena, wanted, sizeof *values);
    size_t count = 0;
    for (size_t i = 0; i < wanted; i++) {
        struct value value = scalar_of(generator, arena, value_member_type(type));
        if (!contains_scalar(values, count, &value))
            values[count++] = value;
    }
    return (struct value){ .type = type, .list = { .values = values, .count = count } };
}

static struct value list_of(struct generator *generator, struct arena *arena, unsigned levels_max)
{
    size_t count = generate_below(generator, ELEMENTS_MAX);
    struct value *values = allocate(arena, count, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = generate_value(generator, arena, levels_max);
    return (struct value){ .type = VALUE_L, .list = { .values = values, .count = count } };
}

static bool contains_name(const struct attribute *attributes, size_t count, struct span name)
{
    for (size_t i = 0; i < count; i++) {
        if (span_equal(attributes[i].name, name))
            return true;
    }
    return false;
}

/* At most `wanted` attributes: names that come twice are left out. */
static size_t attributes_of(struct generator *generator, struct arena *arena, size_t wanted, unsigned levels_max,
                            struct attribute **ret_attributes)
{
    struct attribute *attributes = allocate(arena, wanted, sizeof *attributes);
    size_t count = 0;
    for (size_t i = 0; i < wanted; i++) {
        struct span name = generate_name(generator, arena);
        if (!contains_name(attributes, count, name))
            attributes[count++] = (struct attribute){ .name = name, .value = generate_value(generator, arena, levels_max) };
    }
    *ret_attributes = attributes;
    return count;
}

struct value generate_value(struct generator *generator, struct arena *arena, unsigned levels_max)
{
    struct value value = { .type = (enum value_type)generate_below(generator, levels_max ? VALUE_TYPES : VALUE_L) };
    switch (value.type) {
    case VALUE_BOOL:
        value.boolean = generate_below(generator, 2);
        return value;
    case VALUE_NULL:
        return value;
    case VALUE_SS:
    case VALUE_NS:
    case VALUE_BS:
        return set_of(generator, arena, value.type);
    case VALUE_L:
        return list_of(generator, arena, levels_max - 1);
    case VALUE_M:
        value.map.count =
            attributes_of(generator, arena, generate_below(generator, ELEMENTS_MAX), levels_max - 1, &value.map.attributes);
        return value;
    default:
        return scalar_of(generator, arena, value.type);
    }
}

struct item generate_item(struct generator *generator, struct arena *arena)
{
    struct item item;
    size_t wanted = 1 + generate_below(generator, ATTRIBUTES_MAX);
    item.count = attributes_of(generator, arena, wanted, LEVELS_OF_ITEM, &item.attributes);
    return item;
}

/* ---- the same in another order ---- */

static struct value shuffled_value(struct generator *generator, struct arena *arena, const struct value *value);

static struct attribute *shuffled_attributes(struct generator *generator, struct arena *arena, const struct attribute *attributes,
                                             size_t count)
{
    struct attribute *copy = allocate(arena, count, sizeof *copy);
    for (size_t i = 0; i < count; i++) {
        size_t at = generate_below(generator, i + 1);
        copy[i] = copy[at];
        copy[at] = (struct attribute){ attributes[i].name, shuffled_value(generator, arena, &attributes[i].value) };
    }
    return copy;
}

/* Lists keep their order, their elements do not keep theirs. */
static struct value *shuffled_values(struct generator *generator, struct arena *arena, const struct value *list)
{
    struct value *copy = allocate(arena, list->list.count, sizeof *copy);
    for (size_t i = 0; i < list->list.count; i++) {
        size_t at = list->type == VALUE_L ? i : generate_below(generator, i + 1);
        copy[i] = copy[at];
        copy[at] = shuffled_value(generator, arena, &list->list.values[i]);
    }
    return copy;
}

static struct value shuffled_value(struct generator *generator, struct arena *arena, const struct value *value)
{
    struct value copy = *value;
    if (value->type == VALUE_M)
        copy.map.attributes = shuffled_attributes(generator, arena, value->map.attributes, value->map.count);
    else if (value->type >= VALUE_SS)
        copy.list.values = shuffled_values(generator, arena, value);
    return copy;
}

struct item generate_shuffled(struct generator *generator, struct arena *arena, const struct item *item)
{
    return (struct item){ shuffled_attributes(generator, arena, item->attributes, item->count), item->count };
}

/* ---- with a change ---- */

static struct value changed_value(struct generator *generator, struct arena *arena, const struct value *value);

/* Another byte at the end: "" becomes "x". Set members and names become longer than before, so they need not stay distinct. */
static struct span changed_bytes(struct arena *arena, struct span bytes, size_t more)
{
    char *copy = allocate(arena, bytes.len + more, 1);
    if (bytes.len)
        memcpy(copy, bytes.ptr, bytes.len);
    memset(copy + bytes.len, 'x', more);
    return span_of(copy, bytes.len + more);
}

static struct number changed_number(struct generator *generator, struct number number)
{
    for (;;) {
        struct number other = generate_number(generator);
        if (!number_equal(number, other))
            return other;
    }
}

static size_t longest_name(const struct attribute *attributes, size_t count)
{
    size_t longest = 0;
    for (size_t i = 0; i < count; i++)
        longest = attributes[i].name.len > longest ? attributes[i].name.len : longest;
    return longest;
}

/* An attribute less, a name that is longer than all others, or a value changed. */
static size_t change_attributes(struct generator *generator, struct arena *arena, struct attribute **attributes, size_t count)
{
    struct attribute *copy = allocate(arena, count, sizeof *copy);
    memcpy(copy, *attributes, count * sizeof *copy);
    *attributes = copy;
    struct attribute *chosen = &copy[generate_below(generator, count)];
    switch (generate_below(generator, 8)) {
    case 0:
        *chosen = copy[count - 1];
        return count - 1;
    case 1:
        chosen->name = changed_bytes(arena, chosen->name, longest_name(copy, count));
        return count;
    default:
        chosen->value = changed_value(generator, arena, &chosen->value);
        return count;
    }
}

static struct value null_in_list(struct arena *arena)
{
    struct value *values = allocate(arena, 1, sizeof *values);
    values[0].type = VALUE_NULL;
    return (struct value){ .type = VALUE_L, .list = { .values = values, .count = 1 } };
}

/* Of a list: an element changed, or the last one gone. Of a set: a member gone, or as a list. */
static struct value changed_list(struct generator *generator, struct arena *arena, const struct value *value)
{
    struct value copy = *value;
    bool is_shortened = generate_below(generator, 2);
    copy.list.values = allocate(arena, value->list.count, sizeof *value);
    memcpy(copy.list.values, value->list.values, value->list.count * sizeof *value);
    if (value->type != VALUE_L && (value->list.count == 1 || !is_shortened)) {
        copy.type = VALUE_L;
    } else if (is_shortened) {
        copy.list.count--;
    } else {
        struct value *element = &copy.list.values[generate_below(generator, copy.list.count)];
        *element = changed_value(generator, arena, element);
    }
    return copy;
}

static struct value changed_value(struct generator *generator, struct arena *arena, const struct value *value)
{
    struct value copy = *value;
    switch (value->type) {
    case VALUE_S:
    case VALUE_B:
        if (value->type == VALUE_S && generate_below(generator, 4) == 0)
            copy.type = VALUE_B;
        else
            copy.bytes = changed_bytes(arena, value->bytes, 1);
        return copy;
    case VALUE_N:
        copy.number = changed_number(generator, value->number);
        return copy;
    case VALUE_BOOL:
        copy.boolean = !value->boolean;
        return copy;
    case VALUE_NULL:
        return value_string(SPAN(""));
    case VALUE_M:
        if (value->map.count == 0)
            return null_in_list(arena);
        copy.map.count = change_attributes(generator, arena, &copy.map.attributes, value->map.count);
        return copy;
    default:
        return value->list.count ? changed_list(generator, arena, value) : null_in_list(arena);
    }
}

struct item generate_changed(struct generator *generator, struct arena *arena, const struct item *item)
{
    struct item copy = *item;
    copy.count = change_attributes(generator, arena, &copy.attributes, item->count);
    return copy;
}
