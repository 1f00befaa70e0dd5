#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <setjmp.h>

#include <cmocka.h>

#include "generate_row.h"
#include "item/canonical.h"
#include "item/ddbjson.h"

enum { ARENA_BYTES = 64 * 1024 * 1024, HEX_BYTES_MAX = 1024 };

struct fixture {
    struct arena arena;
    struct err err;
};

static int setup(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof *fixture);
    arena_init(&fixture->arena, ARENA_BYTES);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    arena_done(&fixture->arena);
    test_free(fixture);
    return 0;
}

static struct value value_from(struct fixture *fixture, const char *json)
{
    struct value value;
    if (ddbjson_read_value(span_from_cstr(json), &fixture->arena, &value, &fixture->err) != LF_OK)
        fail_msg("%s: %s", json, fixture->err.message);
    return value;
}

static const struct column_codec *codec_of(enum column_type type, const char *name)
{
    const struct column_codec *codec = column_codec_find(type, span_from_cstr(name));
    assert_non_null(codec);
    return codec;
}

static void to_hex(struct pg_field field, char hex[HEX_BYTES_MAX])
{
    assert_true(field.len * 2 < HEX_BYTES_MAX);
    hex[0] = '\0';
    for (size_t i = 0; i < field.len; i++)
        snprintf(hex + 2 * i, 3, "%02x", (unsigned char)field.data[i]);
}

/* ---- the table ---- */

static void test_each_type_has_a_default(void **state)
{
    (void)state;
    for (unsigned type = 0; type < COLUMN_TYPES; type++) {
        const struct column_codec *codec = column_codec_find((enum column_type)type, SPAN(""));
        assert_non_null(codec);
        assert_int_equal(codec->type, type);
    }
    assert_null(column_codec_find(COLUMN_DATE, SPAN("iso8601")));
    assert_string_equal(column_codec_find(COLUMN_TIMESTAMPTZ, SPAN(""))->name, "iso8601");
    assert_string_equal(column_codec_find(COLUMN_NUMERIC, SPAN("string"))->name, "string");
}

static void test_names_are_distinct_within_a_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < column_codec_count; i++)
        assert_ptr_equal(column_codec_find(column_codecs[i].type, span_from_cstr(column_codecs[i].name)), &column_codecs[i]);
}

static void test_text_sql_takes_the_column_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < column_codec_count; i++) {
        const char *sql = column_codecs[i].text_sql;
        if (!sql)
            continue;
        const char *place = strchr(sql, '%');
        assert_non_null(place);
        assert_int_equal(place[1], 's');
        assert_null(strchr(place + 1, '%'));
    }
}

/* ---- bytes ---- */

struct example {
    enum column_type type;
    const char *codec, *value, *hex;
};

/* What PostgreSQL's send functions give for the same values (SELECT encode(timestamptz_send(…), 'hex') and so on). */
static const struct example examples[] = {
    { COLUMN_TEXT, "", "{\"S\":\"h\\u00e9\"}", "68c3a9" },
    { COLUMN_TEXT, "", "{\"S\":\"\"}", "" },
    { COLUMN_UUID, "", "{\"S\":\"01234567-89ab-cdef-0123-456789abcdef\"}", "0123456789abcdef0123456789abcdef" },
    { COLUMN_TIMESTAMPTZ, "", "{\"S\":\"2000-01-01T00:00:01Z\"}", "00000000000f4240" },
    { COLUMN_TIMESTAMPTZ, "iso8601_ms", "{\"S\":\"2000-01-01T00:00:00.001Z\"}", "00000000000003e8" },
    { COLUMN_TIMESTAMPTZ, "iso8601_us", "{\"S\":\"1999-12-31T23:59:59.999999Z\"}", "ffffffffffffffff" },
    { COLUMN_TIMESTAMPTZ, "iso8601_offset", "{\"S\":\"2000-01-01T00:00:01+00:00\"}", "00000000000f4240" },
    { COLUMN_TIMESTAMPTZ, "iso8601_ms_offset", "{\"S\":\"2000-01-01T00:00:00.001+00:00\"}", "00000000000003e8" },
    { COLUMN_TIMESTAMPTZ, "iso8601_us_offset", "{\"S\":\"2000-01-01T00:00:00.000001+00:00\"}", "0000000000000001" },
    { COLUMN_TIMESTAMPTZ, "epoch_s", "{\"N\":\"946684801\"}", "00000000000f4240" },
    { COLUMN_TIMESTAMPTZ, "epoch_s", "{\"N\":\"0\"}", "fffca2fec4c82000" },
    { COLUMN_TIMESTAMPTZ, "epoch_ms", "{\"N\":\"946684799999\"}", "fffffffffffffc18" },
    { COLUMN_DATE, "", "{\"S\":\"2000-01-02\"}", "00000001" },
    { COLUMN_DATE, "", "{\"S\":\"1999-12-31\"}", "ffffffff" },
    { COLUMN_BIGINT, "", "{\"N\":\"-9223372036854775808\"}", "8000000000000000" },
    { COLUMN_BIGINT, "string", "{\"S\":\"9223372036854775807\"}", "7fffffffffffffff" },
    { COLUMN_INTEGER, "", "{\"N\":\"2147483647\"}", "7fffffff" },
    { COLUMN_INTEGER, "string", "{\"S\":\"-1\"}", "ffffffff" },
    { COLUMN_NUMERIC, "", "{\"N\":\"1.5\"}", "000200000000000100011388" },
    { COLUMN_NUMERIC, "string", "{\"S\":\"-10000\"}",
      "0001000140000000"
      "0001" },
    { COLUMN_BOOLEAN, "", "{\"BOOL\":true}", "01" },
    { COLUMN_BOOLEAN, "", "{\"BOOL\":false}", "00" },
    { COLUMN_BYTEA, "", "{\"B\":\"AAH/\"}", "0001ff" },
    { COLUMN_JSONB, "", "{\"NULL\":true}", "016e756c6c" },
    { COLUMN_JSONB, "", "{\"M\":{\"a\":{\"L\":[{\"N\":\"1E+2\"},{\"BOOL\":true}]}}}", "017b2261223a5b3130302c747275655d7d" },
    { COLUMN_TEXT_ARRAY, "set", "{\"SS\":[\"b\",\"a\"]}",
      "00000001000000000000001900000002000000010000000161000000"
      "0162" },
    { COLUMN_TEXT_ARRAY, "list", "{\"L\":[{\"S\":\"b\"},{\"S\":\"a\"}]}",
      "00000001000000000000001900000002000000010000000162000000"
      "0161" },
    { COLUMN_TEXT_ARRAY, "list", "{\"L\":[]}", "000000000000000000000019" },
    { COLUMN_NUMERIC_ARRAY, "", "{\"NS\":[\"2\",\"-1\"]}",
      "0000000100000000000006a40000000200000001"
      "0000000a00010000400000000001"
      "0000000a00010000000000000002" },
    { COLUMN_BYTEA_ARRAY, "", "{\"BS\":[\"/w==\",\"AA==\"]}",
      "0000000100000000000000110000000200000001"
      "0000000100"
      "00000001ff" },
};

static void test_examples_have_postgres_bytes(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        const struct example *example = &examples[i];
        const struct column_codec *codec = codec_of(example->type, example->codec);
        struct value value = value_from(fixture, example->value), back;
        struct pg_field field = PG_NULL;
        bool is_held;
        char hex[HEX_BYTES_MAX];
        assert_int_equal(codec->to_row(&value, &fixture->arena, &is_held, &field, &fixture->err), LF_OK);
        if (!is_held)
            fail_msg("%s is not held", example->value);
        assert_non_null(field.data);
        to_hex(field, hex);
        assert_string_equal(hex, example->hex);
        assert_int_equal(codec->to_item(field, &fixture->arena, &back, &fixture->err), LF_OK);
        assert_true(value_equal(&back, &value));
    }
}

/* ---- what a column does not hold ---- */

static const struct example refusals[] = {
    { COLUMN_TEXT, "", "{\"S\":\"a\\u0000b\"}", NULL },
    { COLUMN_TEXT, "", "{\"N\":\"1\"}", NULL },
    { COLUMN_UUID, "", "{\"S\":\"01234567-89AB-cdef-0123-456789abcdef\"}", NULL },
    { COLUMN_UUID, "", "{\"S\":\"system\"}", NULL },
    { COLUMN_TIMESTAMPTZ, "", "{\"S\":\"2000-01-01T00:00:01.000Z\"}", NULL },
    { COLUMN_TIMESTAMPTZ, "", "{\"S\":\"2000-01-01T00:00:01+00:00\"}", NULL },
    { COLUMN_TIMESTAMPTZ, "iso8601_offset", "{\"S\":\"2000-01-01T02:00:01+02:00\"}", NULL },
    { COLUMN_TIMESTAMPTZ, "iso8601_ms", "{\"N\":\"1\"}", NULL },
    { COLUMN_TIMESTAMPTZ, "epoch_s", "{\"N\":\"1.5\"}", NULL },
    { COLUMN_TIMESTAMPTZ, "epoch_s", "{\"N\":\"253402300800\"}", NULL },
    { COLUMN_TIMESTAMPTZ, "epoch_ms", "{\"N\":\"9223372036854775807\"}", NULL },
    { COLUMN_TIMESTAMPTZ, "epoch_ms", "{\"S\":\"1\"}", NULL },
    { COLUMN_DATE, "", "{\"S\":\"2023-02-29\"}", NULL },
    { COLUMN_BIGINT, "", "{\"N\":\"9223372036854775808\"}", NULL },
    { COLUMN_BIGINT, "", "{\"N\":\"0.5\"}", NULL },
    { COLUMN_BIGINT, "string", "{\"S\":\"007\"}", NULL },
    { COLUMN_BIGINT, "string", "{\"S\":\"1.5\"}", NULL },
    { COLUMN_BIGINT, "string", "{\"S\":\"+1\"}", NULL },
    { COLUMN_BIGINT, "string", "{\"S\":\"-0\"}", NULL },
    { COLUMN_BIGINT, "string", "{\"S\":\"\"}", NULL },
    { COLUMN_INTEGER, "", "{\"N\":\"2147483648\"}", NULL },
    { COLUMN_INTEGER, "", "{\"N\":\"-2147483649\"}", NULL },
    { COLUMN_INTEGER, "string", "{\"S\":\"2147483648\"}", NULL },
    { COLUMN_NUMERIC, "", "{\"S\":\"1\"}", NULL },
    { COLUMN_NUMERIC, "string", "{\"S\":\"1500.0\"}", NULL },
    { COLUMN_NUMERIC, "string", "{\"S\":\"1e3\"}", NULL },
    { COLUMN_NUMERIC, "string", "{\"S\":\"$7,087,796.00 \"}", NULL },
    { COLUMN_BOOLEAN, "", "{\"S\":\"true\"}", NULL },
    { COLUMN_BYTEA, "", "{\"S\":\"x\"}", NULL },
    { COLUMN_TEXT_ARRAY, "set", "{\"L\":[{\"S\":\"a\"}]}", NULL },
    { COLUMN_TEXT_ARRAY, "set", "{\"SS\":[\"a\",\"\\u0000\"]}", NULL },
    { COLUMN_TEXT_ARRAY, "list", "{\"SS\":[\"a\"]}", NULL },
    { COLUMN_TEXT_ARRAY, "list", "{\"L\":[{\"S\":\"a\"},{\"NULL\":true}]}", NULL },
    { COLUMN_TEXT_ARRAY, "list", "{\"L\":[{\"S\":\"\\u0000\"}]}", NULL },
    { COLUMN_NUMERIC_ARRAY, "", "{\"N\":\"1\"}", NULL },
    { COLUMN_JSONB, "", "{\"B\":\"AA==\"}", NULL },
    { COLUMN_JSONB, "", "{\"SS\":[\"a\"]}", NULL },
    { COLUMN_JSONB, "", "{\"L\":[{\"M\":{\"a\":{\"NS\":[\"1\"]}}}]}", NULL },
    { COLUMN_JSONB, "", "{\"L\":[{\"S\":\"\\u0000\"}]}", NULL },
    { COLUMN_JSONB, "", "{\"M\":{\"\\u0000\":{\"N\":\"1\"}}}", NULL },
};

static void test_refusals(void **state)
{
    struct fixture *fixture = *state;
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        struct value value = value_from(fixture, refusals[i].value);
        struct pg_field field = PG_NULL;
        bool is_held;
        const struct column_codec *codec = codec_of(refusals[i].type, refusals[i].codec);
        assert_int_equal(codec->to_row(&value, &fixture->arena, &is_held, &field, &fixture->err), LF_OK);
        if (is_held)
            fail_msg("%s %s holds %s", column_type_name(refusals[i].type), codec->name, refusals[i].value);
    }
}

/* ---- what PostgreSQL may give back ---- */

static void assert_reads(struct fixture *fixture, enum column_type type, struct span bytes, const char *expected)
{
    struct value value, want = value_from(fixture, expected);
    const struct column_codec *codec = column_codec_find(type, SPAN(""));
    if (codec->to_item((struct pg_field){ bytes.ptr, bytes.len }, &fixture->arena, &value, &fixture->err) != LF_OK)
        fail_msg("%s", fixture->err.message);
    assert_true(value_equal(&value, &want));
}

static void test_jsonb_comes_back_in_postgres_own_text(void **state)
{
    assert_reads(*state, COLUMN_JSONB, SPAN("\1{\"a\": 100, \"bb\": [1.50, null, \"x\"]}"),
                 "{\"M\":{\"bb\":{\"L\":[{\"N\":\"1.5\"},{\"NULL\":true},{\"S\":\"x\"}]},\"a\":{\"N\":\"1E2\"}}}");
    assert_reads(*state, COLUMN_JSONB, SPAN("\1{}"), "{\"M\":{}}");
    assert_reads(*state, COLUMN_JSONB, SPAN("\1[]"), "{\"L\":[]}");
    assert_reads(*state, COLUMN_JSONB, SPAN("\1\"\""), "{\"S\":\"\"}");
}

static void assert_row_error(struct fixture *fixture, enum column_type type, const char *codec, struct span bytes)
{
    struct value value;
    struct pg_field field = { bytes.ptr, bytes.len };
    assert_int_equal(codec_of(type, codec)->to_item(field, &fixture->arena, &value, &fixture->err), LF_ROW);
}

static void test_fields_of_another_type(void **state)
{
    struct fixture *fixture = *state;
    assert_row_error(fixture, COLUMN_UUID, "", SPAN("0123456789abcde"));
    assert_row_error(fixture, COLUMN_UUID, "", SPAN("0123456789abcdefg"));
    assert_row_error(fixture, COLUMN_BOOLEAN, "", SPAN("\2"));
    assert_row_error(fixture, COLUMN_BOOLEAN, "", SPAN("\0\0"));
    assert_row_error(fixture, COLUMN_BIGINT, "", SPAN("\0\0\0\1"));
    assert_row_error(fixture, COLUMN_INTEGER, "", SPAN("\0\0\0\0\0\0\0\1"));
    assert_row_error(fixture, COLUMN_DATE, "", SPAN("\x7f\xff\xff\xff"));                        /* infinity */
    assert_row_error(fixture, COLUMN_TIMESTAMPTZ, "", SPAN("\x7f\xff\xff\xff\xff\xff\xff\xff")); /* infinity */
    assert_row_error(fixture, COLUMN_NUMERIC, "", SPAN("\0\0\0\0\xc0\0\0\0"));                   /* NaN */
    assert_row_error(fixture, COLUMN_JSONB, "", SPAN("\2{}"));
    assert_row_error(fixture, COLUMN_JSONB, "", SPAN("\1{"));
    assert_row_error(fixture, COLUMN_JSONB, "",
                     SPAN("\1"
                          "1e999"));
    assert_row_error(fixture, COLUMN_JSONB, "", SPAN(""));
}

#define ARRAY_OF_TEXT(count) "\0\0\0\1\0\0\0\0\0\0\0\x19\0\0\0" count "\0\0\0\1"

static void test_arrays_that_are_no_sets(void **state)
{
    struct fixture *fixture = *state;
    struct span empty = SPAN("\0\0\0\0\0\0\0\0\0\0\0\x19");
    struct span twice = SPAN(ARRAY_OF_TEXT("\3") "\0\0\0\1a\0\0\0\1b\0\0\0\1a");
    struct span null = SPAN(ARRAY_OF_TEXT("\1") "\xff\xff\xff\xff");
    struct span behind = SPAN(ARRAY_OF_TEXT("\1") "\0\0\0\1a!");
    assert_row_error(fixture, COLUMN_TEXT_ARRAY, "set", empty);
    assert_row_error(fixture, COLUMN_TEXT_ARRAY, "set", null);
    assert_row_error(fixture, COLUMN_TEXT_ARRAY, "set", behind);
    assert_row_error(fixture, COLUMN_TEXT_ARRAY, "list", null);
    assert_row_error(fixture, COLUMN_NUMERIC_ARRAY, "set", twice);
    assert_reads(fixture, COLUMN_TEXT_ARRAY, twice, "{\"SS\":[\"a\",\"b\"]}");
    assert_reads(fixture, COLUMN_TEXT_ARRAY, SPAN(ARRAY_OF_TEXT("\2") "\0\0\0\1b\0\0\0\1a"), "{\"SS\":[\"a\",\"b\"]}");
}

/* SQL may write finer instants than the attribute's format can say. */
static void assert_cut(struct fixture *fixture, const char *codec_name, struct span bytes, const char *expected)
{
    struct value value, want = value_from(fixture, expected);
    const struct column_codec *codec = codec_of(COLUMN_TIMESTAMPTZ, codec_name);
    struct pg_field field = { bytes.ptr, bytes.len };
    assert_int_equal(codec->to_item(field, &fixture->arena, &value, &fixture->err), LF_OK);
    assert_true(value_equal(&value, &want));
}

static void test_instants_are_cut_to_their_format(void **state)
{
    struct span before_2000 = SPAN("\xff\xff\xff\xff\xff\xf0\xbd\xbf"); /* -1000001 us */
    struct span before_1970 = SPAN("\xff\xfc\xa2\xfe\xc4\xc8\x1f\xff"); /* 1 us */
    assert_cut(*state, "iso8601", before_2000, "{\"S\":\"1999-12-31T23:59:58Z\"}");
    assert_cut(*state, "iso8601_ms", before_2000, "{\"S\":\"1999-12-31T23:59:58.999Z\"}");
    assert_cut(*state, "epoch_s", before_2000, "{\"N\":\"946684798\"}");
    assert_cut(*state, "epoch_ms", before_2000, "{\"N\":\"946684798999\"}");
    assert_cut(*state, "epoch_s", before_1970, "{\"N\":\"-1\"}");
    assert_cut(*state, "epoch_ms", before_1970, "{\"N\":\"-1\"}");
}

/* ---- the round-trip rule ---- */

/* The value comes back equal, or is not held; returns whether it was. A prefix of the bytes is never read past its end. */
static bool check_round_trip(struct fixture *fixture, const struct column_codec *codec, const struct value *value)
{
    struct pg_field field = PG_NULL;
    struct value back;
    bool is_held;
    assert_int_equal(codec->to_row(value, &fixture->arena, &is_held, &field, &fixture->err), LF_OK);
    if (!is_held)
        return false;
    assert_non_null(field.data);
    assert_true(codec->value == VALUE_TYPES || value->type == codec->value);
    if (codec->to_item(field, &fixture->arena, &back, &fixture->err) != LF_OK || !value_equal(&back, value)) {
        struct buf buf;
        buf_init(&buf, ARENA_BYTES);
        ddbjson_put_value(&buf, value);
        fail_msg("%s %s: %s", column_type_name(codec->type), codec->name, buf_cstr(&buf));
    }
    return true;
}

enum { ROUNDS = 400 };

static void test_values_of_any_kind_come_back(void **state)
{
    struct fixture *fixture = *state;
    struct generator generator;
    generator_init(&generator, generator_seed());
    for (int round = 0; round < ROUNDS; round++) {
        struct value value = generate_value(&generator, &fixture->arena, 4);
        for (size_t i = 0; i < column_codec_count; i++)
            (void)check_round_trip(fixture, &column_codecs[i], &value);
        arena_reset(&fixture->arena);
    }
}

/* Most values made for a codec are held, so that the property says something of each. */
static void test_values_made_for_a_codec_come_back(void **state)
{
    struct fixture *fixture = *state;
    struct generator generator;
    generator_init(&generator, generator_seed());
    for (size_t i = 0; i < column_codec_count; i++) {
        int held = 0;
        for (int round = 0; round < ROUNDS; round++) {
            struct value value = generate_for_codec(&generator, &fixture->arena, &column_codecs[i]);
            held += check_round_trip(fixture, &column_codecs[i], &value);
            arena_reset(&fixture->arena);
        }
        if (held < ROUNDS / 4)
            fail_msg("%s %s held %d of %d", column_type_name(column_codecs[i].type), column_codecs[i].name, held, ROUNDS);
    }
}

/* Equal sets are equal arrays, in whatever order their members came. */
static void test_equal_sets_have_equal_bytes(void **state)
{
    struct fixture *fixture = *state;
    struct generator generator;
    generator_init(&generator, generator_seed());
    const struct column_codec *codec = codec_of(COLUMN_NUMERIC_ARRAY, "set");
    for (int round = 0; round < ROUNDS; round++) {
        struct attribute set = { .name = SPAN("s"), .value = generate_for_codec(&generator, &fixture->arena, codec) };
        struct item other = generate_shuffled(&generator, &fixture->arena, &(struct item){ &set, 1 });
        struct pg_field fields[2];
        bool is_held;
        assert_int_equal(codec->to_row(&set.value, &fixture->arena, &is_held, &fields[0], &fixture->err), LF_OK);
        assert_int_equal(codec->to_row(&other.attributes[0].value, &fixture->arena, &is_held, &fields[1], &fixture->err), LF_OK);
        assert_int_equal(fields[0].len, fields[1].len);
        assert_memory_equal(fields[0].data, fields[1].data, fields[0].len);
        arena_reset(&fixture->arena);
    }
}

/* A field cut anywhere, or with a byte changed, is read within its bounds: a value or LF_ROW. */
static void check_damaged(struct fixture *fixture, struct generator *generator, const struct column_codec *codec,
                          struct pg_field field)
{
    size_t len = generate_below(generator, field.len + 1);
    char *bytes = test_malloc(len + 1); /* of its own, so that AddressSanitizer sees its end */
    memcpy(bytes, field.data, len);
    if (len && generate_below(generator, 2))
        bytes[generate_below(generator, len)] = (char)generate_uint64(generator);
    struct value value;
    enum lf_code code = codec->to_item((struct pg_field){ bytes, len }, &fixture->arena, &value, &fixture->err);
    assert_true(code == LF_OK || code == LF_ROW);
    test_free(bytes);
}

static void test_damaged_fields(void **state)
{
    struct fixture *fixture = *state;
    struct generator generator;
    generator_init(&generator, generator_seed());
    for (size_t i = 0; i < column_codec_count; i++)
        for (int round = 0; round < ROUNDS; round++) {
            struct value value = generate_for_codec(&generator, &fixture->arena, &column_codecs[i]);
            struct pg_field field = PG_NULL;
            bool is_held;
            assert_int_equal(column_codecs[i].to_row(&value, &fixture->arena, &is_held, &field, &fixture->err), LF_OK);
            if (is_held)
                check_damaged(fixture, &generator, &column_codecs[i], field);
            arena_reset(&fixture->arena);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_type_has_a_default, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names_are_distinct_within_a_type, setup, teardown),
        cmocka_unit_test_setup_teardown(test_text_sql_takes_the_column_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_examples_have_postgres_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_jsonb_comes_back_in_postgres_own_text, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fields_of_another_type, setup, teardown),
        cmocka_unit_test_setup_teardown(test_arrays_that_are_no_sets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_instants_are_cut_to_their_format, setup, teardown),
        cmocka_unit_test_setup_teardown(test_values_of_any_kind_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_values_made_for_a_codec_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_equal_sets_have_equal_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_fields, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
