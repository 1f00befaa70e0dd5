/* When two answers to a read say the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "gateway/shadow_compare.h"

enum { ARENA_BYTES = 1024 * 1024 };

static bool same(const char *first, const char *second, bool is_ordered)
{
    struct err err = ERR_INIT;
    struct arena arena;
    bool is_same = false;
    arena_init(&arena, ARENA_BYTES);
    assert_int_equal(shadow_compare(span_from_cstr(first), span_from_cstr(second), is_ordered, &arena, &is_same, &err), LF_OK);
    arena_done(&arena);
    return is_same;
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
        cmocka_unit_test(test_batches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
