#include "../base/unit.h"

#include "base/limits.h"
#include "codec/number.h"

static struct number parsed(const char *text)
{
    struct number number = { 0 };
    struct err err = ERR_INIT;
    if (number_parse(span_from_cstr(text), &number, &err) != LF_OK)
        fail_msg("%s: %s", text, err.message);
    return number;
}

static void assert_text(struct number number, const char *expected)
{
    char out[NUMBER_TEXT_BYTES];
    assert_span(span_of(out, number_format(number, out)), span_from_cstr(expected));
}

static void test_texts(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        { "0", "0" },
        { "-0", "0" },
        { "+0", "0" },
        { "0.000", "0" },
        { "0e999", "0" },
        { "-0E-999999", "0" },
        { "000", "0" },
        { "1", "1" },
        { "+1", "1" },
        { "-1", "-1" },
        { "007", "7" },
        { "100", "100" },
        { "1.50", "1.5" },
        { "-12.340", "-12.34" },
        { ".5", "0.5" },
        { "-.5", "-0.5" },
        { "5.", "5" },
        { "1e2", "100" },
        { "1E+2", "100" },
        { "1e-2", "0.01" },
        { "12.5e1", "125" },
        { "12.5e3", "12500" },
        { "12.5e-1", "1.25" },
        { "0.001e3", "1" },
        { "10e-1", "1" },
        { "1000e-5", "0.01" },
        { "1e0000000000001", "10" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_text(parsed(cases[i][0]), cases[i][1]);
}

static void test_one_form_per_value(void **state)
{
    (void)state;
    struct number zero = parsed("-0.00e5");
    assert_true(zero.coefficient == 0 && zero.exponent == 0 && !zero.negative);
    struct number number = parsed("-001200.00");
    assert_true(number.coefficient == 12 && number.exponent == 2 && number.negative);
    assert_true(number_equal(parsed("1.50"), parsed("15e-1")));
    assert_false(number_equal(parsed("1.5"), parsed("-1.5")));
    assert_false(number_equal(parsed("1.5"), parsed("15")));
}

static void test_not_a_number(void **state)
{
    (void)state;
    static const char *const texts[] = { "abc", "-",   "+",     ".",        "e5", ".e5",   "1e",    "1e+",
                                         "--1", "+-1", "1.2.3", " 1",       "1 ", "1\n",   "1e1.5", "0x1",
                                         "1_0", "1,0", "NaN",   "Infinity", "1d", "1e5e5", "1-",    "\xD9\xA3" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct err err;
        struct number number;
        assert_code(err, LF_ITEM, number_parse(span_from_cstr(texts[i]), &number, &err));
        char expected[200];
        (void)snprintf(expected, sizeof expected, "The parameter cannot be converted to a numeric value: %s", texts[i]);
        assert_string_equal(err.message, expected);
    }
    struct err err;
    struct number number;
    assert_code(err, LF_ITEM, number_parse(span_of(NULL, 0), &number, &err));
    assert_string_equal(err.message, "The parameter cannot be converted to a numeric value");
    assert_code(err, LF_ITEM, number_parse(SPAN("1\0"), &number, &err));
}

/* A text as long as an item must leave room in the message for what the caller adds. */
static void test_long_texts_are_quoted_in_part(void **state)
{
    (void)state;
    static char text[100000];
    for (size_t i = 0; i + 1 < sizeof text; i += 2)
        memcpy(text + i, "\xC3\xA9", 2);
    struct err err;
    struct number number;
    assert_code(err, LF_ITEM, number_parse(span_of(text, sizeof text), &number, &err));
    assert_true(strlen(err.message) < 200);
    assert_code(err, LF_ITEM, number_parse(span_of(text + 1, sizeof text - 1), &number, &err));
}

static void assert_limit(const char *text, const char *message)
{
    struct err err;
    struct number number;
    assert_code(err, LF_LIMIT, number_parse(span_from_cstr(text), &number, &err));
    assert_string_equal(err.message, message);
}

static void test_digits_limit(void **state)
{
    (void)state;
    static const char too_many[] = "Attempting to store more than 38 significant digits in a Number";
    assert_text(parsed("9999999999999999999999999999999999999"), "9999999999999999999999999999999999999");
    assert_text(parsed("99999999999999999999999999999999999999"), "99999999999999999999999999999999999999");
    assert_limit("999999999999999999999999999999999999999", too_many);
    assert_limit("0.999999999999999999999999999999999999999", too_many);
    assert_limit("100000000000000000000000000000000000001", too_many);
    assert_limit("10000000000000000000000000000000000000000000000000000000000000001", too_many);
    assert_limit("999999999999999999999999999999999999999999999999999999999999999999999999999999", too_many);
    assert_text(parsed("00.0999999999999999999999999999999999999990000"), "0.099999999999999999999999999999999999999");
    assert_text(parsed("99999999999999999999999999999999999999000"), "99999999999999999999999999999999999999000");
}

static void test_magnitude_limits(void **state)
{
    (void)state;
    static const char overflow[] = "Number overflow. Attempting to store a number with magnitude larger than supported range";
    static const char underflow[] = "Number underflow. Attempting to store a number with magnitude smaller than supported range";
    assert_true(parsed("1e124").exponent == 124);
    assert_true(parsed("-1e125").exponent == 125);
    assert_true(parsed("9.9999999999999999999999999999999999999E+125").exponent == 88);
    assert_limit("1e126", overflow);
    assert_limit("-10e125", overflow);
    assert_limit("9.9999999999999999999999999999999999999E+126", overflow);
    assert_limit("1e999999999999999999999999", overflow);
    assert_true(parsed("1e-129").exponent == -129);
    assert_true(parsed("-1e-130").exponent == -130);
    assert_true(parsed("1.2345678901234567890123456789012345678e-130").exponent == -167);
    assert_limit("9.9e-131", underflow);
    assert_limit("-0.1e-130", underflow);
    assert_limit("1e-999999999999999999999999", underflow);
}

/* The longest texts, in a buffer of exactly the size the header promises. */
static void test_longest_texts(void **state)
{
    (void)state;
    char *out = malloc(NUMBER_TEXT_BYTES);
    assert_non_null(out);
    size_t smallest = number_format(parsed("-1.2345678901234567890123456789012345678e-130"), out);
    assert_int_equal(smallest, 1 + 2 + 129 + 38);
    assert_int_equal(number_format(parsed("-9.9999999999999999999999999999999999999e125"), out), 1 + 126);
    free(out);
}

static void test_int64(void **state)
{
    (void)state;
    static const int64_t values[] = { 0,
                                      1,
                                      -1,
                                      10,
                                      -1200,
                                      INT32_MAX,
                                      INT32_MIN,
                                      INT64_MAX,
                                      INT64_MIN,
                                      1LL << 62,
                                      INT64_MIN + 1,
                                      INT64_MAX - 7,
                                      1000000000000000000 };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char expected[32];
        (void)snprintf(expected, sizeof expected, "%lld", (long long)values[i]);
        struct number number = number_from_int64(values[i]);
        assert_text(number, expected);
        assert_true(number_equal(number, parsed(expected)));
        int64_t back;
        assert_true(number_to_int64(number, &back));
        assert_true(back == values[i]);
    }
    static const char *const others[] = { "9223372036854775808",  "-9223372036854775809", "0.5",   "1e19", "-1e19", "1e125",
                                          "99999999999999999999", "1.0000000000001",      "1e-130" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        int64_t back = 42;
        assert_false(number_to_int64(parsed(others[i]), &back));
        assert_int_equal(back, 42);
    }
}

static struct number random_number(void)
{
    unsigned digits = 1 + random_below(LIMIT_NUMBER_DIGITS);
    char text[64];
    size_t len = 0;
    if (random_below(2))
        text[len++] = '-';
    text[len++] = (char)('1' + random_below(9));
    if (digits > 1)
        text[len++] = '.';
    unsigned kind = random_below(3); /* few different digits make near neighbours */
    for (unsigned i = 1; i < digits; i++)
        text[len++] = kind == 0 ? '9' : kind == 1 ? (char)('0' + random_below(2)) : (char)('0' + random_below(10));
    int exponent = random_below(2) ? (int)random_below(256) - 130 : (int)random_below(5) - 2;
    (void)snprintf(text + len, sizeof text - len, "e%d", exponent);
    return random_below(50) ? parsed(text) : (struct number){ 0 };
}

/* The text is plain and short, and parses to the same struct. */
static void test_format_round_trips(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 50000; round++) {
        struct number number = random_number(), again;
        char out[NUMBER_TEXT_BYTES];
        struct span text = span_of(out, number_format(number, out));
        struct err err = ERR_INIT;
        assert_ok(err, number_parse(text, &again, &err));
        assert_true(number_equal(number, again));
        assert_int_equal(span_find_byte(text, 'e'), text.len);
        bool fraction = span_find_byte(text, '.') < text.len;
        assert_false(fraction && (span_ends_with(text, SPAN("0")) || span_ends_with(text, SPAN("."))));
        assert_false(text.len > 1 && out[0] == '0' && out[1] != '.');
    }
}

/* Zeros in front and behind, a point moved and an exponent that moves it back: the same value. */
static void test_many_texts_of_one_value(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        struct number number = random_number(), again;
        char plain[NUMBER_TEXT_BYTES], text[600];
        struct span rest = span_of(plain, number_format(number, plain));
        bool negative = span_starts_with(rest, SPAN("-"));
        rest = span_from(rest, negative);
        struct span whole = span_of(rest.ptr, span_find_byte(rest, '.')), fraction = span_from(rest, whole.len + 1);
        int shift = (int)random_below(100);
        size_t len = (size_t)snprintf(text, sizeof text, "%s%.*s%.*s%.*s%.*s%se%d", negative ? "-" : "", (int)random_below(9),
                                      "000000000", SPAN_ARG(whole), SPAN_ARG(fraction), shift,
                                      "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
                                      "0000000000000000",
                                      random_below(2) ? "." : "", -shift - (int)fraction.len);
        struct err err = ERR_INIT;
        assert_ok(err, number_parse(span_of(text, len), &again, &err));
        assert_true(number_equal(number, again));
    }
}

/* Order by plain texts, digit by digit: what a person would do. */
static int compare_texts(struct number a, struct number b)
{
    char text_a[NUMBER_TEXT_BYTES], text_b[NUMBER_TEXT_BYTES];
    struct span left = span_of(text_a, number_format(a, text_a)), right = span_of(text_b, number_format(b, text_b));
    int sign_a = left.ptr[0] == '-' ? -1 : !span_equal(left, SPAN("0")),
        sign_b = right.ptr[0] == '-' ? -1 : !span_equal(right, SPAN("0"));
    if (sign_a != sign_b || sign_a == 0)
        return sign_a - sign_b;
    left = span_from(left, sign_a < 0);
    right = span_from(right, sign_a < 0);
    size_t whole_a = span_find_byte(left, '.'), whole_b = span_find_byte(right, '.');
    if (whole_a != whole_b)
        return whole_a > whole_b ? sign_a : -sign_a;
    return sign_a * span_compare(left, right);
}

static int sign_of(int value)
{
    return (value > 0) - (value < 0);
}

static void assert_order(struct number a, struct number b)
{
    char key_a[NUMBER_KEY_BYTES_MAX], key_b[NUMBER_KEY_BYTES_MAX];
    struct span left = span_of(key_a, number_key(a, key_a)), right = span_of(key_b, number_key(b, key_b));
    int expected = sign_of(compare_texts(a, b));
    assert_true(left.len <= NUMBER_KEY_BYTES_MAX);
    assert_int_equal(sign_of(number_compare(a, b)), expected);
    assert_int_equal(sign_of(span_compare(left, right)), expected);
    assert_int_equal(number_equal(a, b), expected == 0);
}

static void test_order_of_any_two(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 100000; round++)
        assert_order(random_number(), random_number());
}

/* Neighbours: the same digits cut short, or with another last one. */
static void test_order_of_neighbours(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 100000; round++) {
        struct number a = random_number(), b;
        char text[NUMBER_TEXT_BYTES + 1];
        size_t len = number_format(a, text);
        struct err err = ERR_INIT;
        if (random_below(2))
            text[len - 1] = (char)('0' + random_below(10));
        else
            text[len++] = (char)('0' + random_below(10));
        if (number_parse(span_of(text, len), &b, &err) == LF_OK) {
            assert_order(a, b);
            assert_order(b, a);
        }
    }
}

static void test_keys_in_known_order(void **state)
{
    (void)state;
    static const char *const ascending[] = {
        "-9.9999999999999999999999999999999999999e125",
        "-1e125",
        "-100",
        "-99.5",
        "-99",
        "-10",
        "-9.5",
        "-9",
        "-1.05",
        "-1",
        "-0.1",
        "-1e-130",
        "0",
        "1e-130",
        "1.5e-130",
        "0.1",
        "0.99",
        "1",
        "1.0001",
        "1.01",
        "1.1",
        "9",
        "9.9",
        "10",
        "10.1",
        "99",
        "100",
        "1e125",
        "9.9999999999999999999999999999999999999e125",
    };
    size_t count = sizeof ascending / sizeof *ascending;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            struct number a = parsed(ascending[i]), b = parsed(ascending[j]);
            assert_int_equal(sign_of(number_compare(a, b)), (i > j) - (i < j));
            assert_order(a, b);
        }
}

static void test_digit_by_digit(void **state)
{
    (void)state;
    struct number_digits digits = { 0 };
    for (const char *c = "00120300"; *c; c++)
        number_digits_add(&digits, (unsigned)(*c - '0'));
    struct number number;
    struct err err = ERR_INIT;
    assert_ok(err, number_from_digits(&digits, -4, true, &number, &err));
    assert_text(number, "-12.03");
    digits = (struct number_digits){ 0 };
    assert_ok(err, number_from_digits(&digits, INT64_MAX, true, &number, &err));
    assert_text(number, "0");
}

static void check_sum(const char *a, const char *b, const char *sum)
{
    struct number result;
    struct err err = ERR_INIT;
    assert_ok(err, number_add(parsed(a), parsed(b), &result, &err));
    assert_text(result, sum);
    assert_ok(err, number_add(parsed(b), parsed(a), &result, &err));
    assert_text(result, sum);
}

static void check_no_sum(const char *a, const char *b, const char *message)
{
    struct number result;
    struct err err = ERR_INIT;
    assert_int_equal(number_add(parsed(a), parsed(b), &result, &err), LF_LIMIT);
    assert_string_equal(err.message, message);
}

#define DIGITS_38 "99999999999999999999999999999999999999"

static void test_sums(void **state)
{
    (void)state;
    check_sum("1", "2", "3");
    check_sum("1", "-1", "0");
    check_sum("0", "-0.5", "-0.5");
    check_sum("0.1", "0.2", "0.3");
    check_sum("5", "5", "10");
    check_sum("1e38", "-1", DIGITS_38);
    check_sum(DIGITS_38, "1", "100000000000000000000000000000000000000");
    check_sum("1e37", "1", "10000000000000000000000000000000000001");
    check_sum("9.9e125", "-9.8e125",
              "1"
              "0000000000000000000000000000000000000000"
              "0000000000000000000000000000000000000000"
              "0000000000000000000000000000000000000000"
              "0000");
}

static void test_sums_out_of_range(void **state)
{
    (void)state;
    static const char precision[] = "DynamoDB only supports precision up to 38 digits";
    check_no_sum("1e38", "1", precision);
    check_no_sum(DIGITS_38, DIGITS_38, precision);
    check_no_sum("2e38", "-1", precision);
    check_no_sum("9e38", "-1", precision);
    check_no_sum("1e125", "1e-130", precision);
    check_no_sum("9.9e125", "9.9e125",
                 "Number overflow. Attempting to store a number with magnitude larger than supported range");
    check_no_sum("1.1e-130", "-1e-130",
                 "Number underflow. Attempting to store a number with magnitude smaller than supported range");
}

static void test_differences_undo_sums(void **state)
{
    (void)state;
    enum { RUNS = 100 * 1000 };
    size_t exact = 0;
    for (int run = 0; run < RUNS; run++) {
        struct number a = random_number(), b = random_number(), sum, back;
        struct err err = ERR_INIT;
        if (a.coefficient && b.coefficient)
            b.exponent = a.exponent; /* so that many sums fit */
        if (number_add(a, b, &sum, &err) != LF_OK)
            continue;
        exact++;
        assert_ok(err, number_subtract(sum, b, &back, &err));
        assert_true(number_equal(a, back));
        assert_int_equal(sign_of(number_compare(sum, a)), b.coefficient == 0 ? 0 : b.negative ? -1 : 1);
    }
    assert_true(exact > RUNS / 100);
}

static void test_keys_give_their_number_back(void **state)
{
    (void)state;
    enum { RUNS = 100 * 1000 };
    static const char *const edges[] = { "0", "9.9999999999999999999999999999999999999e125", "-1e-130", "1e-130", "-10", "100" };
    char key[NUMBER_KEY_BYTES_MAX];
    struct err err = ERR_INIT;
    for (size_t run = 0; run < RUNS; run++) {
        struct number back, number = run < sizeof edges / sizeof *edges ? parsed(edges[run]) : random_number();
        assert_ok(err, number_from_key(span_of(key, number_key(number, key)), &back, &err));
        assert_true(number_equal(number, back));
    }
}

/* Of all bytes only keys are taken: one that is changed is refused, or the key of another number. */
static void test_bytes_that_are_no_key(void **state)
{
    (void)state;
    enum { RUNS = 100 * 1000 };
    const struct span refused[] = {
        SPAN(""),
        SPAN("\x80\x01"),
        SPAN("\x81"),
        SPAN("\x81\x82"),
        SPAN("\x81\x82\x01"),
        SPAN("\x81\x82\x02"),
        SPAN("\x81\x82\x65"),
        SPAN("\x7F\x7D\xF4"),
        SPAN("\x7F\x7D\xFE"),
        SPAN("\x7F\x7D\xF4\xFE"),
        SPAN("\x82\x82\x0B"),
        SPAN("\x81\x82\x0B\x01"),
    };
    struct number number, back;
    struct err err = ERR_INIT;
    char key[NUMBER_KEY_BYTES_MAX], again[NUMBER_KEY_BYTES_MAX];
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_code(err, LF_ITEM, number_from_key(refused[i], &number, &err));
    size_t taken = 0;
    for (size_t run = 0; run < RUNS; run++) {
        struct span bytes = span_of(key, number_key(random_number(), key));
        key[random_below((unsigned)bytes.len)] = (char)random_u64();
        if (number_from_key(bytes, &back, &err))
            continue;
        taken++;
        assert_span(span_of(again, number_key(back, again)), bytes);
    }
    assert_true(taken > RUNS / 100 && taken < RUNS);
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_one_form_per_value),
        cmocka_unit_test(test_not_a_number),
        cmocka_unit_test(test_long_texts_are_quoted_in_part),
        cmocka_unit_test(test_digits_limit),
        cmocka_unit_test(test_magnitude_limits),
        cmocka_unit_test(test_longest_texts),
        cmocka_unit_test(test_int64),
        cmocka_unit_test(test_format_round_trips),
        cmocka_unit_test(test_many_texts_of_one_value),
        cmocka_unit_test(test_order_of_any_two),
        cmocka_unit_test(test_order_of_neighbours),
        cmocka_unit_test(test_keys_in_known_order),
        cmocka_unit_test(test_keys_give_their_number_back),
        cmocka_unit_test(test_bytes_that_are_no_key),
        cmocka_unit_test(test_digit_by_digit),
        cmocka_unit_test(test_sums),
        cmocka_unit_test(test_sums_out_of_range),
        cmocka_unit_test(test_differences_undo_sums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
