/* text[] literals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "move/verify_record.h"

static void expect_array(const struct span *texts, size_t count, const char *expected)
{
    struct buf buf;
    buf_init(&buf, 1024);
    record_put_array(&buf, texts, count);
    assert_string_equal(buf_cstr(&buf), expected);
    buf_done(&buf);
}

static void test_array(void **state)
{
    (void)state;
    const struct span texts[] = { SPAN("a"), SPAN(""), SPAN("NULL"), SPAN("b,{\"\\}"), SPAN("\xC3\xA9"), SPAN("x\0y") };
    expect_array(texts, 0, "{}");
    expect_array(texts, 1, "{\"a\"}");
    expect_array(texts, 6, "{\"a\",\"\",\"NULL\",\"b,{\\\"\\\\}\",\"\xC3\xA9\",\"x\xEF\xBF\xBDy\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_array),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
