#include "generate_row.h"

#include <stdio.h>
#include <stdlib.h>

#include "codec/timestamp.h"
#include "codec/uuid.h"

static struct err fatal_err;

static void *must(void *memory)
{
    if (!memory) {
        fprintf(stderr, "out of memory: %s\n", fatal_err.message);
        abort();
    }
    return memory;
}

static bool one_in(struct generator *generator, size_t count)
{
    return generate_below(generator, count) == 0;
}

static struct value string_of(struct arena *arena, const char *text, size_t len)
{
    struct span copy;
    must(arena_copy(arena, span_of(text, len), &copy, &fatal_err) == LF_OK ? arena : NULL);
    return value_string(copy);
}

/* ---- values ---- */

static int64_t any_integer(struct generator *generator)
{
    int64_t integer = (int64_t)generate_uint64(generator);
    return one_in(generator, 8) ? integer : integer >> generate_below(generator, 64);
}

static struct value integer_for(struct generator *generator, struct arena *arena, const struct column_codec *codec)
{
    int64_t integer = any_integer(generator);
    if (codec->type == COLUMN_INTEGER)
        integer >>= 32;
    char text[NUMBER_TEXT_BYTES];
    struct number number = number_from_int64(integer);
    return codec->value == VALUE_N ? value_number(number) : string_of(arena, text, number_format(number, text));
}

static struct value numeric_for(struct generator *generator, struct arena *arena, const struct column_codec *codec)
{
    char text[NUMBER_TEXT_BYTES];
    struct number number = generate_number(generator);
    return codec->value == VALUE_N ? value_number(number) : string_of(arena, text, number_format(number, text));
}

static struct value uuid_for(struct generator *generator, struct arena *arena)
{
    uint64_t bytes[2] = { generate_uint64(generator), generate_uint64(generator) };
    char text[UUID_TEXT_BYTES];
    uuid_format((const char *)bytes, text);
    return string_of(arena, text, sizeof text);
}

/* Microseconds since 2000, within the years 1 to 9999, often at their ends. */
static int64_t any_instant(struct generator *generator)
{
    int64_t first = 0, last = 0;
    (void)timestamp_parse(SPAN("0001-01-01T00:00:00.000000Z"), TIMESTAMP_ISO8601_US, &first);
    (void)timestamp_parse(SPAN("9999-12-31T23:59:59.999999Z"), TIMESTAMP_ISO8601_US, &last);
    if (one_in(generator, 10))
        return one_in(generator, 2) ? first : last;
    return first + (int64_t)(generate_uint64(generator) % (uint64_t)(last - first));
}

static struct value instant_for(struct generator *generator, struct arena *arena, const struct column_codec *codec)
{
    static const char *const formats[TIMESTAMP_FORMATS] = { "iso8601",        "iso8601_ms",        "iso8601_us",
                                                            "iso8601_offset", "iso8601_ms_offset", "iso8601_us_offset" };
    int64_t us = any_instant(generator), unix_us = us + (int64_t)TIMESTAMP_EPOCH_UNIX_SECONDS * 1000000;
    char text[TIMESTAMP_TEXT_BYTES];
    for (unsigned i = 0; i < TIMESTAMP_FORMATS; i++)
        if (strcmp(codec->name, formats[i]) == 0)
            return string_of(arena, text, timestamp_format(us, (enum timestamp_format)i, text));
    bool is_seconds = strcmp(codec->name, "epoch_s") == 0;
    return value_number(number_from_int64(unix_us / (is_seconds ? 1000000 : 1000)));
}

static struct value date_for(struct generator *generator, struct arena *arena)
{
    char text[TIMESTAMP_TEXT_BYTES];
    int64_t day_us = (int64_t)24 * 60 * 60 * 1000000, us = any_instant(generator);
    return string_of(arena, text, date_format((int32_t)(us / day_us - (us % day_us < 0)), text));
}

static struct value texts_for(struct generator *generator, struct arena *arena)
{
    size_t count = generate_below(generator, 5);
    struct value *values = must(arena_calloc(arena, count, sizeof *values, &fatal_err));
    for (size_t i = 0; i < count; i++)
        values[i] = value_string(generate_text(generator, arena));
    return (struct value){ .type = VALUE_L, .list = { values, count } };
}

static struct value of_type(struct generator *generator, struct arena *arena, enum value_type type)
{
    for (;;) {
        struct value value = generate_value(generator, arena, 1);
        if (value.type == type)
            return value;
    }
}

struct value generate_for_codec(struct generator *generator, struct arena *arena, const struct column_codec *codec)
{
    switch (codec->type) {
    case COLUMN_UUID:
        return uuid_for(generator, arena);
    case COLUMN_TIMESTAMPTZ:
        return instant_for(generator, arena, codec);
    case COLUMN_DATE:
        return date_for(generator, arena);
    case COLUMN_BIGINT:
    case COLUMN_INTEGER:
        return integer_for(generator, arena, codec);
    case COLUMN_NUMERIC:
        return numeric_for(generator, arena, codec);
    case COLUMN_JSONB:
        return generate_value(generator, arena, 4);
    default:
        return codec->value == VALUE_L ? texts_for(generator, arena) : of_type(generator, arena, codec->value);
    }
}

/* ---- items ---- */

struct builder {
    struct generator *generator;
    struct arena *arena;
    const struct entity *entity;
    struct item item;
    struct value *key_values; /* per column: what a COLUMN_FROM_KEY stands for */
};

static bool is_text(const struct value *value)
{
    return value->type == VALUE_S && span_find_byte(value->bytes, '\0') == value->bytes.len;
}

/* A value that the column mostly holds and its check mostly allows. */
static struct value value_for(struct builder *b, const struct column *column)
{
    if (column->check_count && !one_in(b->generator, 30))
        return value_string(column->check[generate_below(b->generator, column->check_count)]);
    if (!column->not_null && one_in(b->generator, 12))
        return generate_value(b->generator, b->arena, 2);
    struct value value = generate_for_codec(b->generator, b->arena, column->codec);
    while (column->type == COLUMN_TEXT && !is_text(&value) && !one_in(b->generator, 20))
        value = generate_for_codec(b->generator, b->arena, column->codec);
    return value;
}

static bool has(const struct builder *b, struct span name)
{
    return item_get(&b->item, name) != NULL;
}

static void add(struct builder *b, struct span name, struct value value)
{
    if (!has(b, name))
        b->item.attributes[b->item.count++] = (struct attribute){ name, value };
}

static bool is_wanted(struct builder *b, const struct column *column)
{
    return column->not_null ? !one_in(b->generator, 200) : !one_in(b->generator, 5);
}

static void add_to_map(struct builder *b, struct value *map, struct span name, struct value value)
{
    size_t count = map->map.count;
    struct attribute *attributes = must(arena_calloc(b->arena, count + 1, sizeof *attributes, &fatal_err));
    if (count)
        memcpy(attributes, map->map.attributes, count * sizeof *attributes);
    attributes[count] = (struct attribute){ name, value };
    map->map.attributes = attributes;
    map->map.count = count + 1;
}

/* The whole map of a flattened attribute, when its first column is met. */
static void add_flattened(struct builder *b, struct span attr)
{
    struct value map = { .type = VALUE_M };
    if (has(b, attr) || one_in(b->generator, 6))
        return;
    for (size_t i = 0; i < b->entity->column_count; i++) {
        const struct column *column = &b->entity->columns[i];
        if (column->source == COLUMN_FROM_MEMBER && span_equal(column->attr, attr) && is_wanted(b, column))
            add_to_map(b, &map, column->member, value_for(b, column));
    }
    if (one_in(b->generator, 12))
        add_to_map(b, &map, SPAN("entry without a column"), generate_value(b->generator, b->arena, 1));
    add(b, attr, map);
}

static struct value element_for(struct builder *b, const struct child *child)
{
    struct value map = { .type = VALUE_M };
    if (one_in(b->generator, 40))
        return generate_value(b->generator, b->arena, 1);
    for (size_t i = 0; i < child->column_count; i++) {
        if (child->columns[i].source == COLUMN_FROM_ELEMENT)
            return value_for(b, &child->columns[i]);
        if (is_wanted(b, &child->columns[i]))
            add_to_map(b, &map, child->columns[i].attr, value_for(b, &child->columns[i]));
    }
    return map;
}

static void add_child(struct builder *b, const struct child *child)
{
    size_t count = generate_below(b->generator, 4);
    struct value *elements = must(arena_calloc(b->arena, count, sizeof *elements, &fatal_err));
    for (size_t i = 0; i < count; i++)
        elements[i] = element_for(b, child);
    if (!one_in(b->generator, 6))
        add(b, child->attr, (struct value){ .type = VALUE_L, .list = { elements, count } });
}

static void add_columns(struct builder *b)
{
    for (size_t i = 0; i < b->entity->column_count; i++) {
        const struct column *column = &b->entity->columns[i];
        if (column->source == COLUMN_FROM_KEY)
            b->key_values[i] = value_for(b, column);
        else if (column->source == COLUMN_FROM_MEMBER)
            add_flattened(b, column->attr);
        else if (is_wanted(b, column))
            add(b, column->attr, value_for(b, column));
    }
    for (size_t i = 0; i < b->entity->child_count; i++)
        add_child(b, &b->entity->children[i]);
}

static bool look_up(void *context, unsigned at, struct span *ret_text)
{
    struct builder *b = context;
    const struct column *column = &b->entity->columns[at];
    const struct value *value = column->source == COLUMN_FROM_KEY ? &b->key_values[at] : item_get(&b->item, column->attr);
    char text[NUMBER_TEXT_BYTES];
    if (value && value->type == VALUE_S)
        *ret_text = value->bytes;
    else if (value && value->type == VALUE_N)
        *ret_text = string_of(b->arena, text, number_format(value->number, text)).bytes;
    else if (value && value->type == VALUE_BOOL)
        *ret_text = value->boolean ? SPAN("true") : SPAN("false");
    else
        return false;
    return true;
}

/* Keys and other templates, a few of them wrong or left out. */
static void add_templates(struct builder *b)
{
    for (size_t i = 0; i < b->entity->template_count; i++) {
        const struct key_template *key = &b->entity->templates[i];
        bool is_key = i < entity_key_count(b->entity), is_present;
        struct span text;
        if (one_in(b->generator, is_key ? 60 : 6))
            add(b, key->attr, generate_value(b->generator, b->arena, 1));
        must(template_render(&key->template, look_up, b, b->arena, &is_present, &text, &fatal_err) == LF_OK ? b : NULL);
        if (is_present && (is_key || !one_in(b->generator, 6)))
            add(b, key->attr, value_string(text));
    }
}

static void add_leftovers(struct builder *b)
{
    if (one_in(b->generator, 2))
        return;
    struct item others = generate_item(b->generator, b->arena);
    for (size_t i = 0; i < others.count && i < 3; i++)
        add(b, others.attributes[i].name, others.attributes[i].value);
}

struct item generate_for_entity(struct generator *generator, struct arena *arena, const struct entity *entity)
{
    struct builder b = { .generator = generator, .arena = arena, .entity = entity };
    size_t most = entity->match_count + entity->template_count + entity->column_count + entity->child_count + 3;
    b.item.attributes = must(arena_calloc(arena, most, sizeof *b.item.attributes, &fatal_err));
    b.key_values = must(arena_calloc(arena, entity->column_count, sizeof *b.key_values, &fatal_err));
    for (size_t i = 0; i < entity->match_count; i++)
        if (!one_in(generator, 200))
            add(&b, entity->matches[i].attr, entity->matches[i].value);
    add_columns(&b);
    add_templates(&b);
    add_leftovers(&b);
    return b.item;
}
