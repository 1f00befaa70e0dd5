#include "unit.h"

#define EMPTY ((struct span){ NULL, 0 })

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void test_construction(void **state)
{
    (void)state;
    assert_int_equal(SPAN("a\0b").len, 3);
    assert_int_equal(span_from_cstr("abc").len, 3);
    assert_int_equal(span_from_cstr(NULL).len, 0);
    assert_span(span_from(SPAN("abc"), 1), SPAN("bc"));
    assert_int_equal(span_from(SPAN("abc"), 3).len, 0);
    assert_int_equal(span_from(SPAN("abc"), 4).len, 0);
    assert_int_equal(span_from(EMPTY, 4).len, 0);
}

static void test_equality_and_order(void **state)
{
    (void)state;
    static const struct {
        struct span a, b;
        int order;
    } cases[] = {
        { { "", 0 }, { NULL, 0 }, 0 },   { { "a", 1 }, { NULL, 0 }, 1 },       { { "a", 1 }, { "ab", 2 }, -1 },
        { { "b", 1 }, { "ab", 2 }, 1 },  { { "\x7F", 1 }, { "\x80", 1 }, -1 }, { { "a\0b", 3 }, { "a\0c", 3 }, -1 },
        { { "a\0", 2 }, { "a", 1 }, 1 }, { { "same", 4 }, { "same", 4 }, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(sign(span_compare(cases[i].a, cases[i].b)), cases[i].order);
        assert_int_equal(sign(span_compare(cases[i].b, cases[i].a)), -cases[i].order);
        assert_int_equal(span_equal(cases[i].a, cases[i].b), cases[i].order == 0);
    }
}

static void test_ends(void **state)
{
    (void)state;
    assert_true(span_starts_with(SPAN("abc"), SPAN("ab")));
    assert_true(span_starts_with(SPAN("abc"), EMPTY));
    assert_true(span_starts_with(EMPTY, EMPTY));
    assert_false(span_starts_with(SPAN("a"), SPAN("ab")));
    assert_true(span_ends_with(SPAN("abc"), SPAN("bc")));
    assert_true(span_ends_with(SPAN("abc"), SPAN("abc")));
    assert_true(span_ends_with(EMPTY, EMPTY));
    assert_false(span_ends_with(SPAN("bc"), SPAN("abc")));
    assert_false(span_ends_with(SPAN("abc"), SPAN("ab")));
}

static void test_find_byte(void **state)
{
    (void)state;
    assert_int_equal(span_find_byte(SPAN("abcb"), 'b'), 1);
    assert_int_equal(span_find_byte(SPAN("abc"), 'x'), 3);
    assert_int_equal(span_find_byte(SPAN("a\0"), '\0'), 1);
    assert_int_equal(span_find_byte(EMPTY, 'x'), 0);
}

static size_t find_naively(struct span haystack, struct span needle)
{
    for (size_t at = 0; at + needle.len <= haystack.len; at++)
        if (needle.len == 0 || memcmp(haystack.ptr + at, needle.ptr, needle.len) == 0)
            return at;
    return haystack.len;
}

/* Of two letters, so that near misses are many. */
static void test_find(void **state)
{
    (void)state;
    assert_int_equal(span_find(EMPTY, EMPTY), 0);
    assert_int_equal(span_find(EMPTY, SPAN("a")), 0);
    assert_int_equal(span_find(SPAN("abc"), EMPTY), 0);
    for (int round = 0; round < 20000; round++) {
        char haystack[20], needle[5];
        struct span in = span_of(haystack, random_below(sizeof haystack + 1));
        struct span what = span_of(needle, random_below(sizeof needle + 1));
        for (size_t i = 0; i < in.len; i++)
            haystack[i] = (char)('a' + random_below(2));
        for (size_t i = 0; i < what.len; i++)
            needle[i] = (char)('a' + random_below(2));
        assert_int_equal(span_find(in, what), find_naively(in, what));
    }
}

static void test_cut_line(void **state)
{
    (void)state;
    struct span rest = SPAN("one\n\nthree");
    assert_span(span_cut_line(&rest), SPAN("one"));
    assert_span(span_cut_line(&rest), SPAN(""));
    assert_span(span_cut_line(&rest), SPAN("three"));
    assert_int_equal(rest.len, 0);
}

static void test_cut(void **state)
{
    (void)state;
    struct span rest = SPAN("a b  c"), last = SPAN("a b ");
    for (size_t i = 0; i < 4; i++)
        assert_span(span_cut(&rest, ' '), ((const struct span[]){ SPAN("a"), SPAN("b"), SPAN(""), SPAN("c") })[i]);
    assert_int_equal(rest.len, 0);
    assert_span(span_cut(&last, 'b'), SPAN("a "));
    assert_span(last, SPAN(" "));
}

static void assert_number(uint64_t number, const char *expected)
{
    char digits[SPAN_DIGITS_MAX];
    assert_true(span_equal(span_of_number(number, digits), span_from_cstr(expected)));
}

static void test_numbers(void **state)
{
    (void)state;
    assert_number(0, "0");
    assert_number(10, "10");
    assert_number(UINT64_MAX, "18446744073709551615");
    assert_int_equal(span_to_number(SPAN("0")), 0);
    assert_int_equal(span_to_number(SPAN("9223372036854775807")), INT64_MAX);
}

static void test_hexadecimal_digits(void **state)
{
    (void)state;
    static const char digits[] = "0123456789abcdefABCDEF";
    for (int byte = 0; byte <= UINT8_MAX; byte++) {
        const char *at = byte ? strchr(digits, byte) : NULL;
        int expected = !at ? -1 : at - digits < 16 ? (int)(at - digits) : (int)(at - digits) - 6;
        assert_int_equal(span_hex_digit((char)byte), expected);
    }
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_cut_line),
        cmocka_unit_test(test_construction),
        cmocka_unit_test(test_equality_and_order),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_hexadecimal_digits),
        cmocka_unit_test(test_find_byte),
        cmocka_unit_test(test_find),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
