/*
 * column_codec: how one attribute value becomes one column, and back.
 *
 * A codec has two halves. `to_row` gives the PostgreSQL binary form; when the value is not one the column can hold exactly it
 * says so (`*ret_held = false`), and the attribute goes verbatim to ddb_extra. `to_item` is the inverse. The round-trip rule of
 * docs/map.md: for every value that `to_row` holds, `to_item` gives an equal value (canonical.h). `row.c` relies on it,
 * tests/unit/map/test_column_codec.c proves it over generated values.
 *
 * To add a codec: its two functions in one of codec_*.c, a row in `column_codecs`, a generator in that test, a line in
 * docs/map.md. Pure.
 */
#pragma once

#include "codec/pgbinary.h"
#include "item/value.h"
#include "map/model.h"

/* `ret_field` is set when the value is held; its bytes are in the arena or borrowed from the value. Errors: LF_MEMORY only. */
typedef enum lf_code column_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                                   struct err *err);

/* `field` is not NULL. Where SQL wrote what the codec cannot say exactly (microseconds in an iso8601 of seconds) the value is cut
 * to the codec's form, as are members of a set that stand twice. Errors: LF_ROW when the bytes are not of the column's type or no
 * DynamoDB value (NaN, an empty set), LF_MEMORY. */
typedef enum lf_code column_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err);

struct column_codec {
    const char *name; /* in the map: `codec: iso8601_ms`; the first codec of a type is its default and not written */
    enum column_type type;
    enum value_type value; /* the DynamoDB type it holds; VALUE_TYPES for jsonb, which holds several */
    column_to_row *to_row;
    column_to_item *to_item;
    const char *text_sql; /* the attribute's text as an IMMUTABLE SQL expression of the column "%s", NULL when it cannot be in a
                             template */
};

extern const struct column_codec column_codecs[];
extern const size_t column_codec_count;

/* The default codec of a type; by name (empty: default), NULL when there is none. */
const struct column_codec *column_codec_find(enum column_type type, struct span name);
