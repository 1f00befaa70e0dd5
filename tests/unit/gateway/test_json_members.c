/* Objects taken apart and joined as texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/json_members.h"

#include "../base/scratch.h"

static void assert_span(struct span found, const char *expected)
{
    assert_int_equal(found.len, strlen(expected));
    assert_memory_equal(found.ptr, expected, found.len);
}

static void test_members(void **state)
{
    struct err err = ERR_INIT;
    struct json_members members;
    (void)state;
    assert_int_equal(
        json_members_read(SPAN(" { \"a\" : [1, {\"b\":2}] ,\"c\":\"x\\\"y\", \"d\":null } "), &arena, &members, &err), LF_OK);
    assert_int_equal(members.count, 3);
    assert_span(json_members_get(&members, SPAN("a")), "[1, {\"b\":2}]");
    assert_span(json_members_get(&members, SPAN("c")), "\"x\\\"y\"");
    assert_span(json_members_get(&members, SPAN("d")), "null");
    assert_int_equal(json_members_get(&members, SPAN("b")).len, 0);
}

static enum lf_code read_many(size_t count)
{
    struct err err = ERR_INIT;
    struct json_members members;
    buf_reset(&scratch);
    buf_put_byte(&scratch, '{');
    for (size_t i = 0; i < count; i++)
        buf_printf(&scratch, "%s\"m%zu\":%zu", i ? "," : "", i, i);
    buf_put_byte(&scratch, '}');
    return json_members_read(buf_span(&scratch), &arena, &members, &err);
}

static void test_limits(void **state)
{
    (void)state;
    assert_int_equal(read_many(0), LF_OK);
    assert_int_equal(read_many(JSON_MEMBERS_MAX - 1), LF_OK);
    assert_int_equal(read_many(JSON_MEMBERS_MAX), LF_OK);
    assert_int_equal(read_many(JSON_MEMBERS_MAX + 1), LF_LIMIT);
}

static void test_what_is_no_object(void **state)
{
    static const char *const texts[] = { "", "[]", "{", "{\"a\"}", "{\"a\":1,}", "{} {}", "1" };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct err err = ERR_INIT;
        struct json_members members;
        assert_int_equal(json_members_read(span_from_cstr(texts[i]), &arena, &members, &err), LF_SYNTAX);
    }
}

static void test_elements(void **state)
{
    struct err err = ERR_INIT;
    struct span *elements = NULL;
    size_t count = 9;
    (void)state;
    assert_int_equal(json_elements_read(SPAN("[ ]"), &arena, &elements, &count, &err), LF_OK);
    assert_int_equal(count, 0);
    assert_int_equal(json_elements_read(SPAN("[{\"a\":[1]}, \"x,]\" ,3]"), &arena, &elements, &count, &err), LF_OK);
    assert_int_equal(count, 3);
    assert_span(elements[0], "{\"a\":[1]}");
    assert_span(elements[1], "\"x,]\"");
    assert_span(elements[2], "3");
    assert_int_equal(json_elements_read(SPAN("{}"), &arena, &elements, &count, &err), LF_SYNTAX);
    assert_int_equal(json_elements_read(SPAN("[1"), &arena, &elements, &count, &err), LF_SYNTAX);
}

static void check_merged(const char *first, const char *second, const char *expected)
{
    struct err err = ERR_INIT;
    buf_reset(&scratch);
    assert_int_equal(json_members_merge(span_from_cstr(first), span_from_cstr(second), &arena, &scratch, &err), LF_OK);
    assert_span(buf_span(&scratch), expected);
}

static void test_merging(void **state)
{
    (void)state;
    check_merged("{}", "{}", "{}");
    check_merged("{\"a\":1}", "{}", "{\"a\":1}");
    check_merged("{}", "{\"a\":1}", "{\"a\":1}");
    check_merged("{\"R\":{\"t\":[1]},\"U\":{ }}", "{\"R\":{\"u\":[2]},\"U\":{\"v\":[]}}",
                 "{\"R\":{\"t\":[1],\"u\":[2]},\"U\":{\"v\":[]}}");
    check_merged("{\"C\":[1]}", "{\"C\":[2,3],\"D\":4}", "{\"C\":[1,2,3],\"D\":4}");
    check_merged("{\"C\":[]}", "{\"C\":[ ]}", "{\"C\":[]}");
    check_merged("{\"R\":{\"t\":[1],\"u\":[]}}", "{\"R\":{\"t\":[2]}}", "{\"R\":{\"t\":[1,2],\"u\":[]}}");
    check_merged("{\"U\":{\"t\":{\"Keys\":[1],\"P\":\"a\"}}}", "{\"U\":{\"t\":{\"Keys\":[2],\"P\":\"a\"}}}",
                 "{\"U\":{\"t\":{\"Keys\":[1,2],\"P\":\"a\"}}}");
    check_merged("{\"x\":1}", "{\"x\":[2]}", "{\"x\":1}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_members, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_limits, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_what_is_no_object, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_elements, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_merging, scratch_open, scratch_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
