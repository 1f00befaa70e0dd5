/* When two answers to a read say the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/shadow_compare.h"

enum { ARENA_BYTES = 1024 * 1024 };

static bool same_by(const char *first, const char *second, const struct shadow_order *order)
{
    struct err err = ERR_INIT;
    struct arena arena;
    bool is_same = false;
    arena_init(&arena, ARENA_BYTES);
    assert_int_equal(shadow_compare(span_from_cstr(first), span_from_cstr(second), order, &arena, &is_same, &err), LF_OK);
    arena_done(&arena);
    return is_same;
}

static bool same(const char *first, const char *second, bool is_ordered)
{
    return same_by(first, second, &(struct shadow_order){ .is_ordered = is_ordered, .by = SPAN("a") });
}

static void test_items(void **state)
{
    (void)state;
    assert_true(same("{}", "{}", true));
    assert_true(same("{\"Item\":{\"a\":{\"N\":\"1\"},\"b\":{\"SS\":[\"x\",\"y\"]}}}",
                     "{\"ConsumedCapacity\":{},\"Item\":{\"b\":{\"SS\":[\"y\",\"x\"]},\"a\":{\"N\":\"1.0\"}}}", true));
    assert_false(same("{\"Item\":{\"a\":{\"N\":\"1\"}}}", "{}", true));
    assert_false(same("{\"Item\":{\"a\":{\"N\":\"1\"}}}", "{\"Item\":{\"a\":{\"S\":\"1\"}}}", true));
    assert_false(same("{\"error\":\"x\"}", "{\"Item\":{\"a\":{\"S\":\"1\"}}}", true));
}

static const char in_order[] = "{\"Items\":[{\"a\":{\"S\":\"1\"}},{\"a\":{\"S\":\"2\"}}],\"Count\":2,\"ScannedCount\":2}";
static const char turned[] = "{\"Count\":2,\"Items\":[{\"a\":{\"S\":\"2\"}},{\"a\":{\"S\":\"1\"}}],\"ScannedCount\":2}";

static void test_pages(void **state)
{
    (void)state;
    assert_true(same(in_order, in_order, true));
    assert_false(same(in_order, turned, true));
    assert_true(same(in_order, turned, false));
    assert_false(
        same(in_order, "{\"Items\":[{\"a\":{\"S\":\"1\"}},{\"a\":{\"S\":\"1\"}}],\"Count\":2,\"ScannedCount\":2}", false));
    assert_false(same("{\"Count\":2,\"ScannedCount\":2}", "{\"Count\":2,\"ScannedCount\":3}", true));
    assert_false(same("{\"Count\":0,\"LastEvaluatedKey\":{\"a\":{\"S\":\"1\"}}}", "{\"Count\":0}", true));
}

/* A page of an index, its items as "day key", that ends at `end`. */
#define ITEM(day, key) "{\"day\":{\"S\":\"" day "\"},\"key\":{\"S\":\"" key "\"}}"
#define PAGE(items, scanned, end) "{\"Items\":[" items "],\"ScannedCount\":" scanned ",\"LastEvaluatedKey\":" end "}"

static void test_pages_that_end_among_equal_keys(void **state)
{
    (void)state;
    const struct shadow_order by_day = { .by = SPAN("day") }, of_one_key = { 0 }, of_table = { .is_ordered = true };
    const char *page = PAGE(ITEM("1", "x") "," ITEM("2", "y"), "2", ITEM("2", "y"));
    assert_true(same_by(page, PAGE(ITEM("1", "x") "," ITEM("2", "z"), "2", ITEM("2", "z")), &by_day));
    assert_true(same_by(page, PAGE(ITEM("1", "x"), "2", ITEM("2", "z")), &by_day)); /* a filter leaves out z */
    assert_false(same_by(page, PAGE(ITEM("1", "w") "," ITEM("2", "y"), "2", ITEM("2", "y")), &by_day));
    assert_false(same_by(page, PAGE(ITEM("2", "y"), "2", ITEM("2", "y")), &by_day));
    assert_false(same_by(page, PAGE(ITEM("1", "x") "," ITEM("3", "y"), "2", ITEM("3", "y")), &by_day));
    assert_false(same_by(page, PAGE(ITEM("1", "x") "," ITEM("2", "y"), "3", ITEM("2", "y")), &by_day));
    assert_false(same_by(page, PAGE(ITEM("1", "x") "," ITEM("2", "z"), "2", ITEM("2", "z")), &of_table));
    assert_true(same_by(page, PAGE(ITEM("1", "v") "," ITEM("2", "w"), "2", ITEM("2", "w")), &of_one_key));
    assert_false(same_by("{\"Items\":[" ITEM("2", "y") "]}", "{\"Items\":[" ITEM("2", "z") "]}", &by_day));
}

static void test_batches(void **state)
{
    (void)state;
    assert_true(same("{\"Responses\":{\"t\":[{\"a\":{\"S\":\"1\"}},{\"a\":{\"S\":\"2\"}}],\"u\":[]}}",
                     "{\"Responses\":{\"u\":[],\"t\":[{\"a\":{\"S\":\"2\"}},{\"a\":{\"S\":\"1\"}}]}}", true));
    assert_false(same("{\"Responses\":{\"t\":[{\"a\":{\"S\":\"1\"}}]}}", "{\"Responses\":{\"t\":[]}}", true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_pages_that_end_among_equal_keys),
        cmocka_unit_test(test_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
