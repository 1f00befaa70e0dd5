#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/output.h"

static void test_counts(void **state)
{
    char text[COUNT_TEXT_BYTES], phrase[2 * COUNT_TEXT_BYTES];
    (void)state;
    assert_string_equal(count_text(0, text), "0");
    assert_string_equal(count_text(999, text), "999");
    assert_string_equal(count_text(1000, text), "1,000");
    assert_string_equal(count_text(1234567, text), "1,234,567");
    assert_string_equal(count_text(UINT64_MAX, text), "18,446,744,073,709,551,615");
    assert_string_equal(count_of_text(1, "item", "items", phrase), "1 item");
    assert_string_equal(count_of_text(2000, "item", "items", phrase), "2,000 items");
}

static void test_seconds(void **state)
{
    char text[SECONDS_TEXT_BYTES];
    (void)state;
    assert_string_equal(seconds_text(0.416, text), "0.42 s");
    assert_string_equal(seconds_text(12.34, text), "12.3 s");
    assert_string_equal(seconds_text(245, text), "4 min 05 s");
    assert_string_equal(seconds_text(7800, text), "2 h 10 min");
}

static void test_json(void **state)
{
    struct buf json;
    (void)state;
    buf_init(&json, 1024);
    json_out_open(&json, NULL, '{');
    json_out_count(&json, "items", 7);
    json_out_open(&json, "names", '[');
    json_out_text(&json, NULL, SPAN("a{"));
    json_out_text(&json, NULL, SPAN("\"["));
    json_out_close(&json, ']');
    json_out_bool(&json, "done", true);
    json_out_number(&json, "seconds", 1.5);
    json_out_raw(&json, "item", SPAN("{}"));
    json_out_close(&json, '}');
    assert_string_equal(buf_cstr(&json),
                        "{\"items\":7,\"names\":[\"a{\",\"\\\"[\"],\"done\":true,\"seconds\":1.500,\"item\":{}}");
    buf_done(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_seconds),
        cmocka_unit_test(test_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
