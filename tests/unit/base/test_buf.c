#include "unit.h"

#include "base/buf.h"

static void test_empty(void **state)
{
    (void)state;
    struct buf buf;
    struct err err = ERR_INIT;
    buf_init(&buf, 10);
    assert_int_equal(buf_span(&buf).len, 0);
    assert_string_equal(buf_cstr(&buf), "");
    buf_put(&buf, NULL, 0);
    buf_printf(&buf, "%s", "");
    assert_ok(err, buf_check(&buf, &err));
    buf_done(&buf);
    struct buf zeroed = { 0 };
    buf_done(&zeroed);
}

static void test_limit(void **state)
{
    (void)state;
    static const size_t limits[] = { 1, 10, 255, 256, 257, 5000 };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        for (size_t len = limits[i] - 1; len <= limits[i] + 1; len++) {
            struct buf buf;
            struct err err = ERR_INIT;
            buf_init(&buf, limits[i]);
            for (size_t at = 0; at < len; at++)
                buf_put_byte(&buf, 'x');
            bool fits = len <= limits[i];
            assert_int_equal(buf.len, fits ? len : limits[i]);
            assert_int_equal(buf_check(&buf, &err), fits ? LF_OK : LF_MEMORY);
            assert_int_equal(strlen(buf_cstr(&buf)), fits ? len : 0);
            buf_done(&buf);
        }
    }
}

static void test_limit_in_one_write(void **state)
{
    (void)state;
    for (size_t len = 999; len <= 1001; len++) {
        struct buf buf;
        buf_init(&buf, 1000);
        char bytes[1001] = { 0 };
        buf_put(&buf, bytes, len);
        assert_int_equal(buf.failed, len > 1000);
        buf_reset(&buf);
        buf_printf(&buf, "%*d", (int)len, 7);
        assert_int_equal(buf.failed, len > 1000);
        assert_int_equal(buf.len, len > 1000 ? 0 : len);
        buf_done(&buf);
    }
}

static void test_failure_is_sticky_until_reset(void **state)
{
    (void)state;
    struct buf buf;
    struct err err = ERR_INIT;
    buf_init(&buf, 4);
    buf_put_cstr(&buf, "abc");
    buf_put_cstr(&buf, "too long");
    buf_put_byte(&buf, 'd');
    buf_printf(&buf, "%d", 1);
    assert_span(buf_span(&buf), SPAN("abc"));
    assert_string_equal(buf_cstr(&buf), "");
    assert_code(err, LF_MEMORY, buf_check(&buf, &err));
    assert_false(buf_reserve(&buf, 0));
    buf_reset(&buf);
    err = (struct err)ERR_INIT;
    buf_put_cstr(&buf, "abcd");
    assert_string_equal(buf_cstr(&buf), "abcd");
    assert_ok(err, buf_check(&buf, &err));
    buf_done(&buf);
}

static void test_enormous_needs_fail(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, SIZE_MAX);
    assert_false(buf_reserve(&buf, SIZE_MAX));
    buf_reset(&buf);
    assert_false(buf_reserve(&buf, PTRDIFF_MAX));
    buf_reset(&buf);
    buf_put_byte(&buf, 'x');
    assert_false(buf_reserve(&buf, SIZE_MAX));
    buf_done(&buf);
}

static void test_printf_appends(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, 100000);
    buf_put_span(&buf, SPAN("a\0"));
    buf_printf(&buf, "%d:%s", 12, "x");
    assert_span(buf_span(&buf), SPAN("a\00012:x"));
    buf_printf(&buf, "%*d", 50000, 1);
    assert_int_equal(buf.len, 6 + 50000);
    assert_int_equal(buf.data[buf.len - 1], '1');
    buf_done(&buf);
}

/* Random writes against a plain array. */
static void test_random_writes(void **state)
{
    (void)state;
    enum { LIMIT = 100000 };
    static char model[LIMIT];
    size_t len = 0;
    struct buf buf;
    buf_init(&buf, LIMIT);
    for (;;) {
        char bytes[700];
        size_t count = random_below(sizeof bytes);
        random_bytes(bytes, count);
        buf_put(&buf, bytes, count);
        if (count > LIMIT - len)
            break;
        memcpy(model + len, bytes, count);
        len += count;
        assert_false(buf.failed);
    }
    assert_true(buf.failed);
    assert_span(buf_span(&buf), span_of(model, len));
    buf_done(&buf);
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_limit_in_one_write),
        cmocka_unit_test(test_failure_is_sticky_until_reset),
        cmocka_unit_test(test_enormous_needs_fail),
        cmocka_unit_test(test_printf_appends),
        cmocka_unit_test(test_random_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
