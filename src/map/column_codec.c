#include "map/column_codec.h"

#include "map/codec_functions.h"

/* Of each type the first is the default. */
const struct column_codec column_codecs[] = {
    { "text", COLUMN_TEXT, VALUE_S, text_to_row, text_to_item, "%s" },
    { "uuid", COLUMN_UUID, VALUE_S, uuid_to_row, uuid_to_item, "%s::text" },
    { "iso8601", COLUMN_TIMESTAMPTZ, VALUE_S, iso8601_to_row, iso8601_to_item, "landfall.iso8601(%s, 0, 'Z')" },
    { "iso8601_ms", COLUMN_TIMESTAMPTZ, VALUE_S, iso8601_ms_to_row, iso8601_ms_to_item, "landfall.iso8601(%s, 3, 'Z')" },
    { "iso8601_us", COLUMN_TIMESTAMPTZ, VALUE_S, iso8601_us_to_row, iso8601_us_to_item, "landfall.iso8601(%s, 6, 'Z')" },
    { "iso8601_offset", COLUMN_TIMESTAMPTZ, VALUE_S, iso8601_offset_to_row, iso8601_offset_to_item,
      "landfall.iso8601(%s, 0, '+00:00')" },
    { "iso8601_ms_offset", COLUMN_TIMESTAMPTZ, VALUE_S, iso8601_ms_offset_to_row, iso8601_ms_offset_to_item,
      "landfall.iso8601(%s, 3, '+00:00')" },
    { "iso8601_us_offset", COLUMN_TIMESTAMPTZ, VALUE_S, iso8601_us_offset_to_row, iso8601_us_offset_to_item,
      "landfall.iso8601(%s, 6, '+00:00')" },
    { "epoch_s", COLUMN_TIMESTAMPTZ, VALUE_N, epoch_s_to_row, epoch_s_to_item, "landfall.epoch(%s, 1)" },
    { "epoch_ms", COLUMN_TIMESTAMPTZ, VALUE_N, epoch_ms_to_row, epoch_ms_to_item, "landfall.epoch(%s, 1000)" },
    { "date", COLUMN_DATE, VALUE_S, date_to_row, date_to_item, "landfall.iso8601_date(%s)" },
    { "bigint", COLUMN_BIGINT, VALUE_N, bigint_to_row, bigint_to_item, "%s::text" },
    { "string", COLUMN_BIGINT, VALUE_S, bigint_string_to_row, bigint_string_to_item, "%s::text" },
    { "integer", COLUMN_INTEGER, VALUE_N, integer_to_row, integer_to_item, "%s::text" },
    { "string", COLUMN_INTEGER, VALUE_S, integer_string_to_row, integer_string_to_item, "%s::text" },
    { "numeric", COLUMN_NUMERIC, VALUE_N, numeric_to_row, numeric_to_item, "trim_scale(%s)::text" },
    { "string", COLUMN_NUMERIC, VALUE_S, numeric_string_to_row, numeric_string_to_item, "trim_scale(%s)::text" },
    { "boolean", COLUMN_BOOLEAN, VALUE_BOOL, boolean_to_row, boolean_to_item, "%s::text" },
    { "bytea", COLUMN_BYTEA, VALUE_B, bytea_to_row, bytea_to_item, NULL },
    { "json", COLUMN_JSONB, VALUE_TYPES, jsonb_to_row, jsonb_to_item, NULL },
    { "set", COLUMN_TEXT_ARRAY, VALUE_SS, text_set_to_row, text_set_to_item, NULL },
    { "list", COLUMN_TEXT_ARRAY, VALUE_L, text_list_to_row, text_list_to_item, NULL },
    { "set", COLUMN_NUMERIC_ARRAY, VALUE_NS, numeric_set_to_row, numeric_set_to_item, NULL },
    { "set", COLUMN_BYTEA_ARRAY, VALUE_BS, bytea_set_to_row, bytea_set_to_item, NULL },
};
const size_t column_codec_count = sizeof column_codecs / sizeof column_codecs[0];

const struct column_codec *column_codec_find(enum column_type type, struct span name)
{
    for (size_t i = 0; i < column_codec_count; i++) {
        const struct column_codec *codec = &column_codecs[i];
        if (codec->type == type && (name.len == 0 || span_equal(name, span_from_cstr(codec->name))))
            return codec;
    }
    return NULL;
}
