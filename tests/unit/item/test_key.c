#include "../base/unit.h"

#include "base/limits.h"
#include "generate.h"
#include "item/ddbjson.h"
#include "item/key.h"

#include "../base/scratch.h"

static struct key_schema schema_of(const char *spec)
{
    struct err err = ERR_INIT;
    struct key_schema schema;
    assert_ok(err, key_schema_parse(span_from_cstr(spec), &schema, &err));
    return schema;
}

static struct item item_of(const char *json)
{
    struct err err = ERR_INIT;
    struct item item;
    assert_ok(err, ddbjson_read_line(span_from_cstr(json), &arena, &item, &err));
    return item;
}

static struct key key_of(const char *spec, const struct item *item)
{
    struct err err = ERR_INIT;
    struct key_schema schema = schema_of(spec);
    struct key key;
    assert_ok(err, key_of_item(&schema, item, &arena, &key, &err));
    return key;
}

/* ---- schemas ---- */

static void test_schemas(void **state)
{
    (void)state;
    struct key_schema schema = schema_of("pk:S,sk:N");
    assert_span(schema.partition.name, SPAN("pk"));
    assert_int_equal(schema.partition.type, VALUE_S);
    assert_true(key_schema_has_sort(&schema));
    assert_span(schema.sort.name, SPAN("sk"));
    assert_int_equal(schema.sort.type, VALUE_N);

    schema = schema_of("a:b:B");
    assert_span(schema.partition.name, SPAN("a:b"));
    assert_int_equal(schema.partition.type, VALUE_B);
    assert_false(key_schema_has_sort(&schema));
}

static void test_wrong_schemas(void **state)
{
    (void)state;
    static const char *const wrong[] = { "",      "pk",      ":S",        "pk:",   "pk:s",      "pk:BOOL",     "pk:SS",
                                         "pk:S,", "pk:S,sk", "pk:S,sk:X", ",sk:S", "pk:S,pk:S", "pk:S,a:S,b:S" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct err err = ERR_INIT;
        struct key_schema schema;
        if (key_schema_parse(span_from_cstr(wrong[i]), &schema, &err) != LF_USAGE || err.message[0] == '\0')
            fail_msg("\"%s\"", wrong[i]);
    }
}

/* ---- keys ---- */

static void test_bytes_of_keys(void **state)
{
    (void)state;
    struct item item = item_of("{\"pk\":{\"S\":\"case|1\\u0000\"},\"n\":{\"N\":\"-5\"},\"b\":{\"B\":\"AP8=\"}}");
    struct key key = key_of("pk:S", &item);
    assert_span(key.partition, SPAN("case|1\0"));
    assert_int_equal(key.sort.len, 0);
    assert_span(key_of("b:B,pk:S", &item).partition, SPAN("\x00\xFF"));
    char expected[NUMBER_KEY_BYTES_MAX];
    size_t len = number_key(number_from_int64(-5), expected);
    assert_span(key_of("pk:S,n:N", &item).sort, span_of(expected, len));
}

static void test_wrong_keys(void **state)
{
    (void)state;
    static const struct {
        const char *item;
        const char *message;
    } cases[] = {
        { "{\"sk\":{\"N\":\"1\"}}", "One or more parameter values were invalid: Missing the key pk in the item" },
        { "{\"pk\":{\"S\":\"a\"}}", "One or more parameter values were invalid: Missing the key sk in the item" },
        { "{\"pk\":{\"N\":\"1\"},\"sk\":{\"N\":\"1\"}}",
          "One or more parameter values were invalid: Type mismatch for key pk expected: S actual: N" },
        { "{\"pk\":{\"S\":\"a\"},\"sk\":{\"NULL\":true}}",
          "One or more parameter values were invalid: Type mismatch for key sk expected: N actual: NULL" },
        { "{\"pk\":{\"S\":\"\"},\"sk\":{\"N\":\"1\"}}", "One or more parameter values are not valid. The AttributeValue for a "
                                                        "key attribute cannot contain an empty string value. "
                                                        "Key: pk" },
    };
    struct key_schema schema = schema_of("pk:S,sk:N");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err;
        struct key key;
        struct item item = item_of(cases[i].item);
        assert_code(err, LF_ITEM, key_of_item(&schema, &item, &arena, &key, &err));
        assert_string_equal(err.message, cases[i].message);
    }
    struct err err;
    struct key key;
    struct item item = item_of("{\"pk\":{\"B\":\"\"}}");
    schema = schema_of("pk:B");
    assert_code(err, LF_ITEM, key_of_item(&schema, &item, &arena, &key, &err));
    assert_non_null(strstr(err.message, "empty binary value. Key: pk"));
}

static struct item item_with_key(size_t partition_bytes, size_t sort_bytes)
{
    struct err err = ERR_INIT;
    struct attribute *attributes = arena_calloc(&arena, 2, sizeof *attributes, &err);
    char *bytes = arena_calloc(&arena, partition_bytes + sort_bytes, 1, &err);
    assert_true(attributes && bytes);
    attributes[0] = (struct attribute){ SPAN("pk"), value_string(span_of(bytes, partition_bytes)) };
    attributes[1] = (struct attribute){ SPAN("sk"), value_string(span_of(bytes, sort_bytes)) };
    return (struct item){ attributes, 2 };
}

static void test_key_limits(void **state)
{
    (void)state;
    struct key_schema schema = schema_of("pk:S,sk:S");
    struct err err = ERR_INIT;
    struct key key;
    struct item item = item_with_key(LIMIT_PARTITION_KEY_BYTES - 1, LIMIT_SORT_KEY_BYTES - 1);
    assert_ok(err, key_of_item(&schema, &item, &arena, &key, &err));
    item = item_with_key(LIMIT_PARTITION_KEY_BYTES, LIMIT_SORT_KEY_BYTES);
    assert_ok(err, key_of_item(&schema, &item, &arena, &key, &err));
    item = item_with_key(LIMIT_PARTITION_KEY_BYTES + 1, 1);
    assert_code(err, LF_LIMIT, key_of_item(&schema, &item, &arena, &key, &err));
    assert_string_equal(err.message,
                        "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit "
                        "of2048 bytes");
    item = item_with_key(1, LIMIT_SORT_KEY_BYTES + 1);
    assert_code(err, LF_LIMIT, key_of_item(&schema, &item, &arena, &key, &err));
    assert_string_equal(err.message,
                        "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the "
                        "size limit of 1024 bytes");
}

static struct item item_with_number(struct attribute *attribute, struct number number)
{
    *attribute = (struct attribute){ SPAN("n"), value_number(number) };
    return (struct item){ attribute, 1 };
}

static void test_number_keys_order_by_value(void **state)
{
    (void)state;
    struct generator generator;
    generator_init(&generator, generator_seed());
    for (int round = 0; round < 3000; round++) {
        arena_reset(&arena);
        struct number x = generate_number(&generator), y = generate_number(&generator);
        struct attribute a, b;
        struct item first = item_with_number(&a, x), second = item_with_number(&b, y);
        int by_bytes = span_compare(key_of("n:N", &first).partition, key_of("n:N", &second).partition);
        int by_value = number_compare(x, y);
        assert_int_equal((by_bytes > 0) - (by_bytes < 0), (by_value > 0) - (by_value < 0));
    }
}

/* ---- hash and description ---- */

static void test_hash_takes_both_parts(void **state)
{
    (void)state;
    struct key a = { SPAN("ab"), SPAN("c") }, b = { SPAN("a"), SPAN("bc") }, c = { SPAN("c"), SPAN("ab") },
               d = { SPAN("abc"), SPAN("") };
    struct key *keys[] = { &a, &b, &c, &d };
    for (size_t i = 0; i < 4; i++) {
        for (size_t j = 0; j < 4; j++)
            assert_int_equal(key_hash(keys[i]) == key_hash(keys[j]), i == j);
    }
    /* Segments are named in checkpoints: a key stays in its own. */
    assert_int_equal(key_segment(&a), 0xa0);
}

static void test_segments_are_even(void **state)
{
    (void)state;
    enum { KEYS = 256 * PARITY_SEGMENTS };
    static unsigned counts[PARITY_SEGMENTS];
    for (int i = 0; i < KEYS; i++) {
        char name[32];
        struct key key = { .partition = { name, (size_t)snprintf(name, sizeof name, "case|%d", i) } };
        assert_true(key_segment(&key) < PARITY_SEGMENTS);
        counts[key_segment(&key)]++;
    }
    for (int i = 0; i < PARITY_SEGMENTS; i++)
        assert_in_range(counts[i], 256 / 2, 256 * 2);
}

static void check_description(const char *spec, const char *json, const char *expected)
{
    struct key_schema schema = schema_of(spec);
    struct item item = item_of(json);
    buf_reset(&scratch);
    key_describe(&schema, &item, &scratch);
    assert_string_equal(buf_cstr(&scratch), expected);
}

static void test_descriptions(void **state)
{
    (void)state;
    check_description("pk:S,sk:N", "{\"pk\":{\"S\":\"case|1\"},\"sk\":{\"N\":\"5.0\"}}", "pk=\"case|1\", sk=5");
    check_description("pk:S", "{\"pk\":{\"S\":\"a\\u0000\\\"\"}}", "pk=\"a\\u0000\\\"\"");
    check_description("id:B", "{\"id\":{\"B\":\"AP8=\"}}", "id=0x00ff");
    check_description("pk:S,sk:S", "{\"pk\":{\"BOOL\":true}}", "pk={\"BOOL\":true}, sk=(absent)");
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schemas),
        cmocka_unit_test(test_wrong_schemas),
        cmocka_unit_test(test_bytes_of_keys),
        cmocka_unit_test(test_wrong_keys),
        cmocka_unit_test(test_key_limits),
        cmocka_unit_test(test_number_keys_order_by_value),
        cmocka_unit_test(test_hash_takes_both_parts),
        cmocka_unit_test(test_segments_are_even),
        cmocka_unit_test(test_descriptions),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
