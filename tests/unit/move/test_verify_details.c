/* Which attributes differ, by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "item/ddbjson.h"
#include "move/verify_details.h"

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 1024 * 1024);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static struct item item_of(const char *json)
{
    struct err err = ERR_INIT;
    struct item item = { 0 };
    assert_int_equal(ddbjson_read_line(span_from_cstr(json), &arena, &item, &err), LF_OK);
    return item;
}

/* `names` are separated by commas. */
static void expect_names(const char *source, const char *target, const char *names)
{
    struct err err = ERR_INIT;
    struct item left = item_of(source), right = item_of(target);
    struct verify_difference difference = { 0 };
    struct buf found;
    assert_int_equal(attributes_compare(&left, &right, &arena, &difference, &err), LF_OK);
    buf_init(&found, 1024);
    for (size_t i = 0; i < difference.attribute_count; i++) {
        buf_put_cstr(&found, i ? "," : "");
        buf_put_span(&found, difference.attributes[i]);
    }
    assert_string_equal(buf_cstr(&found), names);
    buf_done(&found);
}

static void test_equal(void **state)
{
    (void)state;
    expect_names("{\"a\":{\"N\":\"1.50\"},\"s\":{\"SS\":[\"x\",\"y\"]}}", "{\"s\":{\"SS\":[\"y\",\"x\"]},\"a\":{\"N\":\"1.5\"}}",
                 "");
}

static void test_each_kind(void **state)
{
    (void)state;
    expect_names("{\"a\":{\"N\":\"1\"}}", "{\"a\":{\"N\":\"2\"}}", "a");
    expect_names("{\"a\":{\"N\":\"1\"}}", "{\"a\":{\"S\":\"1\"}}", "a");
    expect_names("{\"a\":{\"N\":\"1\"},\"b\":{\"NULL\":true}}", "{\"a\":{\"N\":\"1\"}}", "b");
    expect_names("{\"a\":{\"N\":\"1\"}}", "{\"a\":{\"N\":\"1\"},\"b\":{\"NULL\":true}}", "b");
}

static void test_names_are_sorted(void **state)
{
    (void)state;
    expect_names("{\"z\":{\"N\":\"1\"},\"m\":{\"N\":\"1\"},\"k\":{\"N\":\"1\"}}",
                 "{\"b\":{\"N\":\"1\"},\"m\":{\"N\":\"2\"},\"k\":{\"N\":\"1\"}}", "b,m,z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_equal, setup, teardown),
        cmocka_unit_test_setup_teardown(test_each_kind, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names_are_sorted, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
