#include "../base/unit.h"

#include "base/limits.h"
#include "ion_write.h"
#include "item/canonical.h"
#include "item/ion.h"

#include "../base/scratch.h"

enum { ROUNDS = 500, ITEMS_PER_STREAM = 4 };

/* Symbols: Item 10, a 11, $dynamodb_SS 12, $dynamodb_L 13. */
#define PREFIX "\xE0\x01\x00\xEA\xEE\xA7\x81\x83\xDE\xA3\x87\xBE\xA0\x84Item\x81\x61\x8C$dynamodb_SS\x8B$dynamodb_L"

/* Reads up to the first record, or to an error. LF_TRUNCATED when the stream ends in a value, LF_NOT_FOUND when it has no more.
 */
static enum lf_code next_record(struct span *rest, struct ion_symbols *symbols, struct export_record *record, struct err *err)
{
    while (rest->len) {
        enum ion_entry entry;
        size_t len;
        TRY(ion_binary_next(*rest, &entry, &len, err));
        if (entry == ION_INCOMPLETE)
            return ERR(err, LF_TRUNCATED, "cut off");
        struct span whole = span_of(rest->ptr, len);
        *rest = span_from(*rest, len);
        if (entry == ION_RECORD)
            return ion_binary_read_record(whole, symbols, &arena, record, err);
        if (entry != ION_PADDING)
            TRY(ion_symbols_apply(symbols, entry, whole, err));
    }
    return ERR(err, LF_NOT_FOUND, "the end");
}

static enum lf_code read_first(struct span stream, struct item *item, struct err *err)
{
    struct ion_symbols symbols;
    struct export_record record = { 0 };
    ion_symbols_init(&symbols, &arena);
    TRY(next_record(&stream, &symbols, &record, err));
    return export_record_item(&record, item, err);
}

/* {Item:{a: value}} behind the symbol table. */
static struct span stream_of(struct span value)
{
    buf_reset(&scratch);
    buf_put(&scratch, PREFIX, sizeof PREFIX - 1);
    const char record[] = { '\xDE', (char)(0x80 | (value.len + 4)), '\x8A', '\xDE', (char)(0x80 | (value.len + 1)), '\x8B' };
    buf_put(&scratch, record, sizeof record);
    buf_put_span(&scratch, value);
    return buf_span(&scratch);
}

static struct value read_value(struct span value)
{
    struct err err = ERR_INIT;
    struct item item;
    assert_ok(err, read_first(stream_of(value), &item, &err));
    assert_int_equal(item.count, 1);
    assert_span(item.attributes[0].name, SPAN("a"));
    return item.attributes[0].value;
}

/* ---- what is read ---- */

static void assert_number(struct span value, struct number expected)
{
    struct value found = read_value(value);
    assert_int_equal(found.type, VALUE_N);
    assert_true(number_equal(found.number, expected));
}

static void test_scalars(void **state)
{
    (void)state;
    assert_int_equal(read_value(SPAN("\x0F")).type, VALUE_NULL);
    assert_true(read_value(SPAN("\x11")).boolean);
    assert_false(read_value(SPAN("\x10")).boolean);
    assert_span(read_value(SPAN("\x80")).bytes, SPAN(""));
    assert_span(read_value(SPAN("\x82hi")).bytes, SPAN("hi"));
    assert_span(read_value(SPAN("\x8E\x82hi")).bytes, SPAN("hi"));
    assert_span(read_value(SPAN("\xA2\x00\xFF")).bytes, SPAN("\x00\xFF"));
    assert_int_equal(read_value(SPAN("\xA0")).type, VALUE_B);
}

static void test_decimals(void **state)
{
    (void)state;
    assert_number(SPAN("\x50"), (struct number){ 0 });
    assert_number(SPAN("\x51\xC1"), (struct number){ 0 });
    assert_number(SPAN("\x52\xC1\x80"), (struct number){ 0 }); /* -0.0 */
    assert_number(SPAN("\x52\xC1\x0F"), (struct number){ 15, -1, false });
    assert_number(SPAN("\x52\xC1\x8F"), (struct number){ 15, -1, true });
    assert_number(SPAN("\x53\x80\x00\xFF"), (struct number){ 255, 0, false });
    assert_number(SPAN("\x52\x82\x0A"), (struct number){ 1, 3, false });
    assert_number(SPAN("\x53\x41\x82\x01"), (struct number){ 1, -130, false });
    assert_number(SPAN("\x54\x00\x00\x81\x01"), (struct number){ 1, 1, false }); /* an exponent longer than need be */
}

static void test_containers(void **state)
{
    (void)state;
    struct value list = read_value(SPAN("\xB6\x00\x81x\x01!\x0F"));
    assert_int_equal(list.type, VALUE_L);
    assert_int_equal(list.list.count, 2);
    assert_span(list.list.values[0].bytes, SPAN("x"));
    struct value set = read_value(SPAN("\xE7\x81\x8C\xB4\x81x\x81y"));
    assert_int_equal(set.type, VALUE_SS);
    assert_int_equal(set.list.count, 2);
    struct value map = read_value(SPAN("\xD1\x83\x8B\x81x"));
    assert_int_equal(map.type, VALUE_M);
    assert_span(map_get(&map, SPAN("a"))->bytes, SPAN("x"));
    assert_int_equal(read_value(SPAN("\xD0")).map.count, 0);
    assert_int_equal(read_value(SPAN("\xB0")).list.count, 0);
    struct value system = read_value(SPAN("\xD3\x84\x81x"));
    assert_span(map_get(&system, SPAN("name"))->bytes, SPAN("x"));
}

/* A table in place of another, one that appends, a version marker that forgets. */
static void test_symbol_tables(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct item item;
    assert_ok(err, read_first(SPAN("\xE0\x01\x00\xEA\xE9\x81\x83\xD6\x87\xB4\x81z\x81y\xEC\x81\x83\xD9\x87\xB7\x84Item\x81q"
                                   "\xD5\x8A\xD3\x8B\x81x"),
                              &item, &err));
    assert_span(item.attributes[0].name, SPAN("q"));
    assert_ok(err, read_first(SPAN("\xE0\x01\x00\xEA\xEA\x81\x83\xD7\x87\xB5\x84Item\xEA\x81\x83\xD7\x86\x71\x03\x87\xB2\x81q"
                                   "\xD5\x8A\xD3\x8B\x81x"),
                              &item, &err));
    assert_span(item.attributes[0].name, SPAN("q"));
    assert_code(err, LF_ITEM,
                read_first(SPAN("\xE0\x01\x00\xEA\xEA\x81\x83\xD7\x87\xB5\x84Item\xE0\x01\x00\xEA\xD2\x8A\xD0"), &item, &err));
    /* A symbol that is no text has none. */
    assert_code(err, LF_ITEM, read_first(SPAN("\xE0\x01\x00\xEA\xE6\x81\x83\xD3\x87\xB1\x0F\xD2\x8A\xD0"), &item, &err));
}

/* ---- what is refused ---- */

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        struct span value; /* at byte 5 of the record */
        enum lf_code code;
        const char *message;
    } cases[] = {
        { SPAN("\x21\x05"), LF_ITEM, "no ints" },
        { SPAN("\x31\x05"), LF_ITEM, "no ints" },
        { SPAN("\x20"), LF_ITEM, "no ints" },
        { SPAN("\x40"), LF_ITEM, "no floats" },
        { SPAN("\x63\xC0\x0F\xD0"), LF_ITEM, "no timestamps" },
        { SPAN("\x71\x0B"), LF_ITEM, "no symbols" },
        { SPAN("\x91x"), LF_ITEM, "no clobs" },
        { SPAN("\xC1\x0F"), LF_ITEM, "no s-expressions" },
        { SPAN("\x8F"), LF_ITEM, "no typed nulls" },
        { SPAN("\x1F"), LF_ITEM, "no typed nulls" },
        { SPAN("\xDF"), LF_ITEM, "no typed nulls" },
        { SPAN("\xE4\x81\x8D\xB1\x0F"), LF_ITEM, "no such annotations" },
        { SPAN("\xE4\x81\x8B\x81x"), LF_ITEM, "no such annotations" },
        { SPAN("\xE6\x82\x8C\x8C\xB2\x81x"), LF_ITEM, "no such annotations" },
        { SPAN("\xE3\x81\x8C\xB0"), LF_ITEM, "may not be empty" },
        { SPAN("\xE4\x81\x8C\xB1\x0F"), LF_ITEM, "have the type S" },
        { SPAN("\xE7\x81\x8C\xB4\x81x\x81x"), LF_ITEM, "duplicates" },
        { SPAN("\xE9\x81\x8C\xB6\xE5\x81\x8C\xB2\x81x"), LF_ITEM, "have the type S" },
        { SPAN("\xD4\x8B\x0F\x8B\x0F"), LF_ITEM, "occurs twice" },
        { SPAN("\xD2\xFF\x0F"), LF_ITEM, "has no text" },
        { SPAN("\xD2\x80\x0F"), LF_ITEM, "has no text" },
        { SPAN("\x12"), LF_SYNTAX, "no value of Ion" },
        { SPAN("\xF0"), LF_SYNTAX, "no value of Ion" },
        { SPAN("\x85xy"), LF_SYNTAX, "goes on beyond" },
        { SPAN("\xB2\x82x"), LF_SYNTAX, "goes on beyond" },
        { SPAN("\x8E"), LF_SYNTAX, "goes on beyond" },
        { SPAN("\x8E\x01\x01\x01\x01\x01\x01\x01\x01\x81"), LF_SYNTAX, "VarUInt" },
        { SPAN("\x81\xFF"), LF_SYNTAX, "UTF-8" },
        { SPAN("\xE3\x80\x81x"), LF_SYNTAX, "wrong length" },
        { SPAN("\xE4\x81\x8C\x0F\x0F"), LF_SYNTAX, "no single value" },
        { SPAN("\x52\x00\x01"), LF_SYNTAX, "goes on beyond" },
        { SPAN("\x52\x40\xFF\xFF"), LF_SYNTAX, "goes on beyond" },
        { SPAN("\x53\x00\xFE\x01"), LF_LIMIT, "overflow" },
        { SPAN("\x53\x41\x83\x01"), LF_LIMIT, "underflow" },
        { SPAN("\x5E\x93\x80\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), LF_LIMIT, "38" },
        { SPAN("\x5E\x91\x80\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), LF_LIMIT, "38" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = ERR_INIT;
        struct item item;
        enum lf_code code = read_first(stream_of(cases[i].value), &item, &err);
        if (code != cases[i].code || !strstr(err.message, cases[i].message) || err.offset < 5)
            fail_msg("case %zu: %d at %lld: %s", i, (int)code, (long long)err.offset, err.message);
    }
}

static void test_what_is_no_stream(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct item item;
    assert_code(err, LF_SYNTAX, read_first(SPAN("\xE0\x02\x00\xEA"), &item, &err));
    assert_code(err, LF_TRUNCATED, read_first(SPAN("\xE0\x01"), &item, &err));
    assert_code(err, LF_ITEM, read_first(SPAN("\x0F"), &item, &err));
    assert_code(err, LF_ITEM, read_first(SPAN("\xD2\x84\xD0"), &item, &err));                                     /* {name:{}} */
    assert_code(err, LF_ITEM, read_first(SPAN("\xE0\x01\x00\xEA\xE7\x81\x83\xD4\x86\xB2\xD0\x0F"), &item, &err)); /* imports */
    assert_code(err, LF_LIMIT, read_first(SPAN("\x8E\x02\x00\x00\x81"), &item, &err));                            /* 4 MiB + 1 */
    assert_code(err, LF_TRUNCATED, read_first(SPAN("\x8E\x02\x00\x00\x80"), &item, &err));
}

static struct span whole_stream(void)
{
    buf_reset(&scratch);
    buf_put(&scratch, PREFIX, sizeof PREFIX - 1);
    buf_put_span(&scratch,
                 SPAN("\xDE\x9C\x8A\xDE\x99\x8B\xDE\x96\x84\x52\xC1\x0F\x85\xE7\x81\x8C\xB4\x81x\x81y\x86\xB4\xA2\x01\x02\x0F"
                      "\x80\x01!"));
    return buf_span(&scratch);
}

/* Cut off anywhere it is never taken for whole, nor read beyond. */
static void test_a_stream_cut_anywhere(void **state)
{
    (void)state;
    struct span stream = whole_stream();
    struct item item;
    struct err whole_err = ERR_INIT;
    assert_ok(whole_err, read_first(stream, &item, &whole_err));
    for (size_t len = 0; len < stream.len; len++) {
        struct err err = ERR_INIT;
        char *exact = malloc(len + 1);
        assert_non_null(exact);
        memcpy(exact + 1, stream.ptr, len);
        enum lf_code code = read_first(span_of(exact + 1, len), &item, &err);
        assert_true(code == LF_TRUNCATED || code == LF_NOT_FOUND);
        free(exact);
    }
}

static void test_a_record_cut_anywhere(void **state)
{
    (void)state;
    struct ion_symbols none;
    ion_symbols_init(&none, &arena);
    struct span record = span_from(whole_stream(), sizeof PREFIX - 1);
    for (size_t len = 0; len < record.len; len++) {
        struct err err = ERR_INIT;
        struct export_record read;
        char *exact = malloc(len + 1);
        assert_non_null(exact);
        memcpy(exact + 1, record.ptr, len);
        assert_int_not_equal(ion_binary_read_record(span_of(exact + 1, len), &none, &arena, &read, &err), LF_OK);
        assert_in_range(err.offset, 0, len);
        free(exact);
    }
}

/* ---- limits ---- */

static enum lf_code read_nested(unsigned levels, struct err *err)
{
    struct item item;
    struct buf inner;
    buf_init(&inner, 1 << 10);
    for (unsigned i = 0; i < levels; i++) {
        char old[128];
        size_t len = inner.len;
        memcpy(old, inner.data ? inner.data : old, len);
        buf_reset(&inner);
        buf_put_byte(&inner, '\xBE');
        buf_put_byte(&inner, (char)(0x80 | len));
        buf_put(&inner, old, len);
    }
    enum lf_code code = read_first(stream_of(buf_span(&inner)), &item, err);
    buf_done(&inner);
    return code;
}

static void test_nesting(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    assert_ok(err, read_nested(LIMIT_NESTING - 2, &err));
    assert_ok(err, read_nested(LIMIT_NESTING - 1, &err));
    assert_code(err, LF_LIMIT, read_nested(LIMIT_NESTING, &err));
}

/* ---- properties ---- */

static void test_generated_items_are_read_back(void **state)
{
    (void)state;
    static struct ion_names names;
    struct generator generator;
    generator_init(&generator, generator_seed());
    for (int round = 0; round < ROUNDS; round++) {
        arena_reset(&arena);
        buf_reset(&scratch);
        struct item items[ITEMS_PER_STREAM];
        ion_write_version_marker(&scratch, &names);
        for (size_t i = 0; i < ITEMS_PER_STREAM; i++) {
            items[i] = generate_item(&generator, &arena);
            ion_write_binary(&scratch, &generator, &names, &items[i]);
        }
        struct span rest = buf_span(&scratch);
        struct ion_symbols symbols;
        ion_symbols_init(&symbols, &arena);
        for (size_t i = 0; i < ITEMS_PER_STREAM; i++) {
            struct err err = ERR_INIT;
            struct export_record record;
            assert_ok(err, next_record(&rest, &symbols, &record, &err));
            assert_true(item_equal(&record.parts[EXPORT_ITEM], &items[i]));
        }
        assert_int_equal(rest.len, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_decimals),
        cmocka_unit_test(test_containers),
        cmocka_unit_test(test_symbol_tables),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_what_is_no_stream),
        cmocka_unit_test(test_a_stream_cut_anywhere),
        cmocka_unit_test(test_a_record_cut_anywhere),
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_generated_items_are_read_back),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
