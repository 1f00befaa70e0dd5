#include "../base/unit.h"

#include "base/limits.h"
#include "ion_write.h"
#include "item/canonical.h"
#include "item/ddbjson.h"
#include "item/ion.h"

#include "../base/scratch.h"

enum { ROUNDS = 2000 };

static struct item read_ok(struct span line)
{
    struct err err = ERR_INIT;
    struct export_record record;
    struct item item;
    assert_ok(err, ion_text_read_record(line, &arena, &record, &err));
    assert_ok(err, export_record_item(&record, &item, &err));
    return item;
}

static void assert_same(struct span ion, struct span json)
{
    struct err err = ERR_INIT;
    struct item item = read_ok(ion), expected;
    assert_ok(err, ddbjson_read_line(json, &arena, &expected, &err));
    if (!item_equal(&item, &expected))
        fail_msg("%.*s is not %.*s", SPAN_ARG(ion), SPAN_ARG(json));
}

/* ---- what is read ---- */

static void test_as_dynamodb_writes_it(void **state)
{
    (void)state;
    assert_same(
        SPAN("$ion_1_0 {Item:{Id:103.,Name:\"x\",Flag:false,Yes:true,Blob:{{AP8=}},Tags:$dynamodb_SS::[\"a\",\"b\"],"
             "Ns:$dynamodb_NS::[-15.,14.5,1d10],Bs:$dynamodb_BS::[{{AQ==}}],lang:null,'odd name':17000864d2,"
             "m:{volume:2.,l:[{pp:5.},\"\",{}]}}}"),
        SPAN("{\"Id\":{\"N\":\"103\"},\"Name\":{\"S\":\"x\"},\"Flag\":{\"BOOL\":false},\"Yes\":{\"BOOL\":true},"
             "\"Blob\":{\"B\":\"AP8=\"},\"Tags\":{\"SS\":[\"b\",\"a\"]},\"Ns\":{\"NS\":[\"14.5\",\"-15\",\"10000000000\"]},"
             "\"Bs\":{\"BS\":[\"AQ==\"]},\"lang\":{\"NULL\":true},\"odd name\":{\"N\":\"1700086400\"},"
             "\"m\":{\"M\":{\"volume\":{\"N\":\"2\"},\"l\":{\"L\":[{\"M\":{\"pp\":{\"N\":\"5\"}}},{\"S\":\"\"},"
             "{\"M\":{}}]}}}}"));
}

static void test_strings(void **state)
{
    (void)state;
    static const struct {
        const char *ion;
        struct span expected;
    } cases[] = {
        { "\"\"", SPAN("") },
        { "''''''", SPAN("") },
        { "'''a''' /* , */ '''b'''\t'''c'''", SPAN("abc") },
        { "'''it''s'''", SPAN("it''s") },
        { "\"\\0\\a\\b\\t\\n\\f\\r\\v\\\"\\'\\?\\\\\\/\"", SPAN("\0\a\b\t\n\f\r\v\"'?\\/") },
        { "\"\\x41\\xe9\\u20AC\\U0001F600\\ud83d\\ude00\"", SPAN("A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xF0\x9F\x98\x80") },
        { "\"// no /* comment\"", SPAN("// no /* comment") },
        { "\"\xF0\x9F\x98\x80\"", SPAN("\xF0\x9F\x98\x80") },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        buf_reset(&scratch);
        buf_printf(&scratch, "{Item:{a:%s}}", cases[i].ion);
        struct item item = read_ok(buf_span(&scratch));
        assert_int_equal(item.attributes[0].value.type, VALUE_S);
        assert_span(item.attributes[0].value.bytes, cases[i].expected);
    }
}

static void test_names(void **state)
{
    (void)state;
    struct item item = read_ok(SPAN("{Item:{bare:1.,'a b':2.,\"s\":3.,'''l''' '''ong''':4.,$d_1:5.,'null':6.,'$10':7.}}"));
    static const char *const names[] = { "bare", "a b", "s", "long", "$d_1", "null", "$10" };
    assert_int_equal(item.count, 7);
    for (size_t i = 0; i < 7; i++) {
        assert_span(item.attributes[i].name, span_from_cstr(names[i]));
        assert_true(number_equal(item.attributes[i].value.number, number_from_int64((int64_t)i + 1)));
    }
}

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *ion;
        const char *number;
    } cases[] = {
        { "0.", "0" },
        { "-0.", "0" },
        { "0d5", "0" },
        { "1.50", "1.5" },
        { "-15.", "-15" },
        { "2d1", "20" },
        { "17000864D2", "1700086400" },
        { "1.5d+3", "1500" },
        { "1.5d-3", "0.0015" },
        { "1d-130", "1E-130" },
        { "12345678901234567890123456789012345678.", "12345678901234567890123456789012345678" },
        { "9.9999999999999999999999999999999999999d125", "9.9999999999999999999999999999999999999E125" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = ERR_INIT;
        struct number expected;
        buf_reset(&scratch);
        buf_printf(&scratch, "{Item:{a:%s}}", cases[i].ion);
        struct item item = read_ok(buf_span(&scratch));
        assert_ok(err, number_parse(span_from_cstr(cases[i].number), &expected, &err));
        assert_int_equal(item.attributes[0].value.type, VALUE_N);
        assert_true(number_equal(item.attributes[0].value.number, expected));
    }
}

static void test_records(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct export_record record;
    struct item_change change;
    struct item item;
    assert_ok(err, ion_text_read_record(SPAN("$ion_1_0 {Metadata:{WriteTimestampMicros:1.},Keys:{k:\"1\"},OldImage:{k:\"1\"},"
                                             "NewImage:{k:\"1\",v:2.}}"),
                                        &arena, &record, &err));
    assert_ok(err, export_record_change(&record, &change, &err));
    assert_false(change.is_delete);
    assert_span(item_get(&change.keys, SPAN("k"))->bytes, SPAN("1"));
    assert_int_equal(change.image.count, 2);
    assert_code(err, LF_ITEM, export_record_item(&record, &item, &err));

    assert_ok(err, ion_text_read_record(SPAN("{Metadata:{},Keys:{k:\"1\"},OldImage:{k:\"1\"}}"), &arena, &record, &err));
    assert_ok(err, export_record_change(&record, &change, &err));
    assert_true(change.is_delete);

    assert_ok(err, ion_text_read_record(SPAN("{}"), &arena, &record, &err));
    assert_code(err, LF_ITEM, export_record_change(&record, &change, &err));
    assert_ok(err, ion_text_read_record(SPAN("{Item:{k:\"1\"}}"), &arena, &record, &err));
    assert_code(err, LF_ITEM, export_record_change(&record, &change, &err));
}

/* ---- what is refused ---- */

static void assert_refused(struct span line, enum lf_code code, int64_t offset, const char *message)
{
    struct err err = ERR_INIT;
    struct export_record record;
    enum lf_code found = ion_text_read_record(line, &arena, &record, &err);
    if (found != code || err.offset != offset || !strstr(err.message, message))
        fail_msg("%.*s: %d at %lld: %s", SPAN_ARG(line), (int)found, (long long)err.offset, err.message);
}

static void test_values_that_dynamodb_does_not_write(void **state)
{
    (void)state;
    static const struct {
        const char *value; /* at byte 9 */
        enum lf_code code;
        int64_t offset;
        const char *message;
    } cases[] = {
        { "12", LF_ITEM, 9, "no decimal" },
        { "-12", LF_ITEM, 9, "no decimal" },
        { "1e3", LF_ITEM, 9, "no decimal" },
        { "0x1F", LF_ITEM, 9, "no decimal" },
        { "01.", LF_ITEM, 9, "no decimal" },
        { "1_000.", LF_ITEM, 9, "no decimal" },
        { "+1.", LF_ITEM, 9, "no decimal" },
        { "1.d", LF_ITEM, 9, "no decimal" },
        { "+inf", LF_ITEM, 9, "no decimal" },
        { "nan", LF_ITEM, 9, "float" },
        { "2026-01-01T00:00:00Z", LF_ITEM, 9, "no decimal" },
        { "2026-01-01", LF_ITEM, 9, "no decimal" },
        { "sym", LF_ITEM, 9, "symbol" },
        { "'sym'", LF_ITEM, 9, "symbols" },
        { "$10", LF_ITEM, 9, "symbol" },
        { "(a b)", LF_ITEM, 9, "s-expressions" },
        { "{{\"clob\"}}", LF_ITEM, 9, "clobs" },
        { "{{'''clob'''}}", LF_ITEM, 9, "clobs" },
        { "null.string", LF_ITEM, 9, "typed nulls" },
        { "null.null", LF_ITEM, 9, "typed nulls" },
        { "note::\"x\"", LF_ITEM, 9, "annotation note" },
        { "$dynamodb_L::[]", LF_ITEM, 9, "annotation" },
        { "$dynamodb_SS::[]", LF_ITEM, 23, "may not be empty" },
        { "$dynamodb_SS::\"a\"", LF_SYNTAX, 23, "a list for a set" },
        { "$dynamodb_SS::[1.]", LF_ITEM, 24, "have the type S" },
        { "$dynamodb_SS::[null]", LF_ITEM, 24, "have the type S" },
        { "$dynamodb_NS::[1.,1.0]", LF_ITEM, 23, "duplicates" },
        { "$dynamodb_BS::[[]]", LF_ITEM, 24, "have the type B" },
        { "$dynamodb_SS::[$dynamodb_SS::[\"a\"]]", LF_ITEM, 24, "have the type S" },
        { "a::$dynamodb_SS::[\"a\"]", LF_ITEM, 9, "annotation a" },
        { "{a:1.,a:2.}", LF_ITEM, 9, "occurs twice" },
        { "{\"\":1.}", LF_ITEM, 10, "Empty attribute name" },
        { "{$10:1.}", LF_ITEM, 10, "has no text" },
        { "{{AP8}}", LF_ITEM, 9, "base64" },
        { "{{A!8=}}", LF_ITEM, 9, "base64" },
        { "123456789012345678901234567890123456789.", LF_LIMIT, 9, "38" },
        { "1d126", LF_LIMIT, 9, "overflow" },
        { "1d-131", LF_LIMIT, 9, "underflow" },
        { "1d99999999999999999999", LF_LIMIT, 9, "overflow" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        buf_reset(&scratch);
        buf_printf(&scratch, "{Item:{a:%s}}", cases[i].value);
        assert_refused(buf_span(&scratch), cases[i].code, cases[i].offset, cases[i].message);
    }
}

static void test_what_is_no_ion(void **state)
{
    (void)state;
    assert_refused(SPAN(""), LF_SYNTAX, 0, "a record");
    assert_refused(SPAN("$ion_1_0"), LF_SYNTAX, 8, "a record");
    assert_refused(SPAN("$ion_2_0 {}"), LF_SYNTAX, 0, "a record");
    assert_refused(SPAN("{Item:{}} {Item:{}}"), LF_SYNTAX, 10, "the end of the line");
    assert_refused(SPAN("{Item:{} /* "), LF_SYNTAX, 9, "comment");
    assert_refused(SPAN("{Item:{},Item:{}}"), LF_ITEM, 9, "Item occurs twice");
    assert_refused(SPAN("{Thing:{}}"), LF_ITEM, 1, "no \"Thing\"");
    assert_refused(SPAN("{Item:[]}"), LF_ITEM, 6, "expected a struct for Item");
    assert_refused(SPAN("{Item:{{AQ==}}}"), LF_ITEM, 6, "expected a struct for Item");
    assert_refused(SPAN("{Item:{a:\"x}}"), LF_SYNTAX, 9, "has no end");
    assert_refused(SPAN("{Item:{a:'''x''}}"), LF_SYNTAX, 9, "has no end");
    assert_refused(SPAN("{Item:{a:\"\\q\"}}"), LF_SYNTAX, 10, "none of Ion's");
    assert_refused(SPAN("{Item:{a:\"\\ud83d\"}}"), LF_SYNTAX, 10, "none of Ion's");
    assert_refused(SPAN("{Item:{a:\"\\udc00\"}}"), LF_SYNTAX, 10, "none of Ion's");
    assert_refused(SPAN("{Item:{a:\"\\U00110000\"}}"), LF_SYNTAX, 10, "none of Ion's");
    assert_refused(SPAN("{Item:{a:\"\\x4\"}}"), LF_SYNTAX, 10, "none of Ion's");
    assert_refused(SPAN("{Item:{a:\"b\nc\"}}"), LF_SYNTAX, 11, "control character");
    assert_refused(SPAN("{Item:{a:\"\xFF\"}}"), LF_SYNTAX, 10, "UTF-8");
    assert_refused(SPAN("{Item:{a 1.}}"), LF_SYNTAX, 9, "':'");
    assert_refused(SPAN("{Item:{a:1. b:2.}}"), LF_SYNTAX, 12, "','");
    assert_refused(SPAN("{Item:{a:[1. 2.]}}"), LF_SYNTAX, 13, "','");
    assert_refused(SPAN("{Item:{,}}"), LF_SYNTAX, 7, "a name");
    assert_refused(SPAN("{Item:{null:1.}}"), LF_SYNTAX, 7, "in quotes");
    assert_refused(SPAN("{Item:{a:}}"), LF_SYNTAX, 9, "a value");
    assert_refused(SPAN("{\"Item\":{\"a\":{\"S\":\"x\"}}"), LF_SYNTAX, 23, "','");
}

static void test_a_line_cut_anywhere(void **state)
{
    (void)state;
    struct span line = SPAN("$ion_1_0 {Item:{a:103.5d2,'b c':\"x\\u00e9\",c:'''y''',d:{{AP8=}},e:$dynamodb_SS::[\"a\"],f:[null,"
                            "{g:false}]/**/}}");
    (void)read_ok(line);
    for (size_t len = 0; len < line.len; len++) {
        struct err err = ERR_INIT;
        struct export_record record;
        char *exact = malloc(len + 1); /* so that a sanitizer sees a read beyond it */
        assert_non_null(exact);
        memcpy(exact + 1, line.ptr, len);
        assert_int_not_equal(ion_text_read_record(span_of(exact + 1, len), &arena, &record, &err), LF_OK);
        assert_in_range(err.offset, 0, len);
        free(exact);
    }
}

/* ---- limits ---- */

static struct span nested(unsigned levels, const char *open, const char *close)
{
    buf_reset(&scratch);
    buf_put_cstr(&scratch, "{Item:{a:");
    for (unsigned i = 0; i < levels; i++)
        buf_put_cstr(&scratch, open);
    for (unsigned i = 0; i < levels; i++)
        buf_put_cstr(&scratch, close);
    buf_put_cstr(&scratch, "}}");
    return buf_span(&scratch);
}

static void test_nesting(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct export_record record;
    (void)read_ok(nested(LIMIT_NESTING - 2, "[", "]"));
    (void)read_ok(nested(LIMIT_NESTING - 1, "[", "]"));
    assert_code(err, LF_LIMIT, ion_text_read_record(nested(LIMIT_NESTING, "[", "]"), &arena, &record, &err));
    (void)read_ok(nested(LIMIT_NESTING - 1, "[", "]"));
    assert_code(err, LF_LIMIT, ion_text_read_record(nested(100000, "[", "]"), &arena, &record, &err));
    assert_code(err, LF_LIMIT, ion_text_read_record(nested(100000, "{a:", "}"), &arena, &record, &err));
    assert_code(err, LF_ITEM, ion_text_read_record(nested(100000, "$dynamodb_SS::[", "]"), &arena, &record, &err));
}

static struct span of_size(size_t bytes)
{
    buf_reset(&scratch);
    buf_put_cstr(&scratch, "{Item:{a:\"");
    for (size_t i = 1; i < bytes; i++)
        buf_put_byte(&scratch, 'x');
    buf_put_cstr(&scratch, "\"}}");
    return buf_span(&scratch);
}

static void test_item_size(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct export_record record;
    (void)read_ok(of_size(LIMIT_ITEM_BYTES - 1));
    (void)read_ok(of_size(LIMIT_ITEM_BYTES));
    assert_code(err, LF_LIMIT, ion_text_read_record(of_size(LIMIT_ITEM_BYTES + 1), &arena, &record, &err));
}

/* ---- properties ---- */

static void test_generated_items_are_read_back(void **state)
{
    (void)state;
    struct generator generator;
    generator_init(&generator, generator_seed());
    for (int i = 0; i < ROUNDS; i++) {
        arena_reset(&arena);
        buf_reset(&scratch);
        struct item item = generate_item(&generator, &arena);
        ion_write_text(&scratch, &generator, &item);
        struct item back = read_ok(buf_span(&scratch));
        if (!item_equal(&item, &back))
            fail_msg("not read back: %.*s", SPAN_ARG(buf_span(&scratch)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_dynamodb_writes_it),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_values_that_dynamodb_does_not_write),
        cmocka_unit_test(test_what_is_no_ion),
        cmocka_unit_test(test_a_line_cut_anywhere),
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_item_size),
        cmocka_unit_test(test_generated_items_are_read_back),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
