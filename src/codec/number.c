#include "codec/number.h"

#include "base/limits.h"
#include "codec/utf8.h"

enum {
    QUOTED_BYTES_MAX = 100,                 /* of a text that is no number, in the message */
    EXPONENT_TEXT_MAX = 1000 * 1000 * 1000, /* where an exponent's text saturates: far out of range, far from overflow */
    KEY_NEGATIVE = 0x7F,                    /* first byte of number_key */
    KEY_ZERO = 0x80,
    KEY_POSITIVE = 0x81,
};

#define TEN_TO_19 ((uint128)10000000000000000000u)

static const uint128 powers_of_ten[LIMIT_NUMBER_DIGITS + 1] = {
    1u,
    10u,
    100u,
    1000u,
    10000u,
    100000u,
    1000000u,
    10000000u,
    100000000u,
    1000000000u,
    10000000000u,
    100000000000u,
    1000000000000u,
    10000000000000u,
    100000000000000u,
    1000000000000000u,
    10000000000000000u,
    100000000000000000u,
    1000000000000000000u,
    TEN_TO_19,
    TEN_TO_19 * 10u,
    TEN_TO_19 * 100u,
    TEN_TO_19 * 1000u,
    TEN_TO_19 * 10000u,
    TEN_TO_19 * 100000u,
    TEN_TO_19 * 1000000u,
    TEN_TO_19 * 10000000u,
    TEN_TO_19 * 100000000u,
    TEN_TO_19 * 1000000000u,
    TEN_TO_19 * 10000000000u,
    TEN_TO_19 * 100000000000u,
    TEN_TO_19 * 1000000000000u,
    TEN_TO_19 * 10000000000000u,
    TEN_TO_19 * 100000000000000u,
    TEN_TO_19 * 1000000000000000u,
    TEN_TO_19 * 10000000000000000u,
    TEN_TO_19 * 100000000000000000u,
    TEN_TO_19 * 1000000000000000000u,
    TEN_TO_19 *TEN_TO_19,
};

/* Decimal digits of a coefficient; 1 for zero. 1233 / 4096 is log10(2), a little too small: at most one digit is missing. */
static unsigned digit_count(uint128 coefficient)
{
    uint64_t high = (uint64_t)(coefficient >> 64);
    uint64_t low = (uint64_t)coefficient | 1;
    unsigned bits = high ? 128 - (unsigned)__builtin_clzll(high) : 64 - (unsigned)__builtin_clzll(low);
    unsigned digits = bits * 1233 >> 12;
    return digits + (coefficient >= powers_of_ten[digits] || digits == 0);
}

/* The power of ten of the most significant digit: 2 for 100 to 999. */
static int magnitude(struct number number)
{
    return (int)digit_count(number.coefficient) - 1 + number.exponent;
}

/* --- reading --- */

void number_digits_add(struct number_digits *digits, unsigned digit)
{
    if (digit == 0) {
        digits->zeros_pending++;
        return;
    }
    uint64_t places = digits->count ? digits->zeros_pending + 1 : 1;
    digits->count += places;
    digits->zeros_pending = 0;
    if (digits->count <= LIMIT_NUMBER_DIGITS)
        digits->coefficient = digits->coefficient * powers_of_ten[places] + digit;
}

static enum lf_code check_magnitude(int64_t leading, struct err *err)
{
    if (leading > LIMIT_NUMBER_EXPONENT_MAX)
        return ERR(err, LF_LIMIT, "Number overflow. Attempting to store a number with magnitude larger than supported range");
    if (leading < LIMIT_NUMBER_EXPONENT_MIN)
        return ERR(err, LF_LIMIT, "Number underflow. Attempting to store a number with magnitude smaller than supported range");
    return LF_OK;
}

enum lf_code number_from_digits(const struct number_digits *digits, int64_t exponent, bool negative, struct number *ret_number,
                                struct err *err)
{
    if (digits->count == 0) {
        *ret_number = (struct number){ 0 };
        return LF_OK;
    }
    if (digits->count > LIMIT_NUMBER_DIGITS)
        return ERR(err, LF_LIMIT, "Attempting to store more than %d significant digits in a Number", LIMIT_NUMBER_DIGITS);
    int64_t exponent_stripped = exponent + (int64_t)digits->zeros_pending;
    TRY(check_magnitude(exponent_stripped + (int64_t)digits->count - 1, err));
    *ret_number = (struct number){ digits->coefficient, (int)exponent_stripped, negative };
    return LF_OK;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes a sign off the front of `rest`; true for minus. */
static bool take_sign(struct span *rest)
{
    if (rest->len == 0 || (rest->ptr[0] != '-' && rest->ptr[0] != '+'))
        return false;
    bool negative = rest->ptr[0] == '-';
    *rest = span_from(*rest, 1);
    return negative;
}

/* Takes the digits off the front of `rest`; returns how many. */
static size_t take_digits(struct span *rest, struct number_digits *digits)
{
    size_t count = 0;
    for (; count < rest->len && is_digit(rest->ptr[count]); count++)
        number_digits_add(digits, (unsigned)(rest->ptr[count] - '0'));
    *rest = span_from(*rest, count);
    return count;
}

/* Takes `e[+-]digits`, or nothing, off the front of `rest`; false when there is an e and no digit. */
static bool take_exponent(struct span *rest, int64_t *ret_exponent)
{
    *ret_exponent = 0;
    if (rest->len == 0 || (rest->ptr[0] != 'e' && rest->ptr[0] != 'E'))
        return true;
    *rest = span_from(*rest, 1);
    bool negative = take_sign(rest);
    int64_t exponent = 0;
    size_t count = 0;
    for (; count < rest->len && is_digit(rest->ptr[count]); count++)
        if (exponent < EXPONENT_TEXT_MAX)
            exponent = exponent * 10 + (rest->ptr[count] - '0');
    *rest = span_from(*rest, count);
    *ret_exponent = negative ? -exponent : exponent;
    return count > 0;
}

/* Takes digits with at most one point off the front of `rest`; false when there is no digit. */
static bool take_decimal(struct span *rest, struct number_digits *digits, int64_t *ret_exponent)
{
    size_t whole = take_digits(rest, digits), fraction = 0;
    if (rest->len && rest->ptr[0] == '.') {
        *rest = span_from(*rest, 1);
        fraction = take_digits(rest, digits);
    }
    *ret_exponent = -(int64_t)fraction;
    return whole + fraction > 0;
}

enum lf_code number_parse(struct span text, struct number *ret_number, struct err *err)
{
    struct span rest = text;
    struct number_digits digits = { 0 };
    bool negative = take_sign(&rest);
    int64_t places, exponent;
    if (!take_decimal(&rest, &digits, &places) || !take_exponent(&rest, &exponent) || rest.len != 0) {
        struct span quoted = utf8_cut(text, QUOTED_BYTES_MAX);
        return ERR(err, LF_ITEM, "The parameter cannot be converted to a numeric value%s%.*s", text.len ? ": " : "",
                   SPAN_ARG(quoted));
    }
    return number_from_digits(&digits, places + exponent, negative, ret_number, err);
}

/* --- writing --- */

/* The last `count` decimal digits of `value`, with leading zeros. */
static void put_digits(uint64_t value, unsigned count, char *out)
{
    for (unsigned i = count; i > 0; i--, value /= 10)
        out[i - 1] = (char)('0' + value % 10);
}

/* All digits of the coefficient, without leading zeros; returns how many. */
static unsigned coefficient_digits(uint128 coefficient, char out[LIMIT_NUMBER_DIGITS])
{
    enum { LOW_DIGITS = 19 };
    unsigned count = digit_count(coefficient);
    if (count <= LOW_DIGITS) {
        put_digits((uint64_t)coefficient, count, out);
        return count;
    }
    uint64_t high = (uint64_t)(coefficient / TEN_TO_19);
    put_digits(high, count - LOW_DIGITS, out);
    put_digits((uint64_t)(coefficient - high * TEN_TO_19), LOW_DIGITS, out + count - LOW_DIGITS);
    return count;
}

static char *append(char *at, const char *bytes, size_t len)
{
    memcpy(at, bytes, len);
    return at + len;
}

static char *append_zeros(char *at, size_t count)
{
    memset(at, '0', count);
    return at + count;
}

size_t number_format(struct number number, char out[NUMBER_TEXT_BYTES])
{
    char digits[LIMIT_NUMBER_DIGITS];
    unsigned count = coefficient_digits(number.coefficient, digits);
    int whole = (int)count + number.exponent; /* digits before the point, when positive */
    char *at = out;
    if (number.negative)
        *at++ = '-';
    if (number.exponent >= 0) {
        at = append(at, digits, count);
        at = append_zeros(at, (size_t)number.exponent);
    } else if (whole > 0) {
        at = append(at, digits, (size_t)whole);
        *at++ = '.';
        at = append(at, digits + whole, count - (size_t)whole);
    } else {
        at = append(at, "0.", 2);
        at = append_zeros(at, (size_t)-whole);
        at = append(at, digits, count);
    }
    return (size_t)(at - out);
}

/* --- integers --- */

struct number number_from_int64(int64_t value)
{
    if (value == 0)
        return (struct number){ 0 };
    uint64_t coefficient = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    int exponent = 0;
    for (; coefficient % 10 == 0; coefficient /= 10)
        exponent++;
    return (struct number){ coefficient, exponent, value < 0 };
}

bool number_to_int64(struct number number, int64_t *ret_value)
{
    enum { INT64_DIGITS = 19 };
    if (number.exponent < 0 || magnitude(number) >= INT64_DIGITS)
        return false;
    uint128 absolute = number.coefficient * powers_of_ten[number.exponent];
    if (absolute > (uint128)INT64_MAX + number.negative)
        return false;
    *ret_value = (int64_t)(number.negative ? 0 - (uint64_t)absolute : (uint64_t)absolute);
    return true;
}

/* --- arithmetic --- */

/* No operand of an exact result is larger: of operands aligned at the lower exponent the one that stands there has 38 digits at
 * most, and the other can only lose its 39th by losing a leading 1. */
#define ALIGNED_MAX (2u * powers_of_ten[LIMIT_NUMBER_DIGITS])

static enum lf_code too_precise(struct err *err)
{
    return ERR(err, LF_LIMIT, "DynamoDB only supports precision up to %d digits", LIMIT_NUMBER_DIGITS);
}

/* The coefficient at this exponent, which is not above the number's own. */
static enum lf_code align(struct number number, int exponent, uint128 *ret_coefficient, struct err *err)
{
    int places = number.exponent - exponent;
    if (places > LIMIT_NUMBER_DIGITS || number.coefficient > ALIGNED_MAX / powers_of_ten[places])
        return too_precise(err);
    *ret_coefficient = number.coefficient * powers_of_ten[places];
    return LF_OK;
}

/* In its one form. */
static enum lf_code normalize(uint128 coefficient, int exponent, bool negative, struct number *ret_number, struct err *err)
{
    if (coefficient == 0) {
        *ret_number = (struct number){ 0 };
        return LF_OK;
    }
    for (; coefficient % 10 == 0; coefficient /= 10)
        exponent++;
    if (coefficient >= powers_of_ten[LIMIT_NUMBER_DIGITS])
        return too_precise(err);
    struct number number = { coefficient, exponent, negative };
    TRY(check_magnitude(magnitude(number), err));
    *ret_number = number;
    return LF_OK;
}

enum lf_code number_add(struct number a, struct number b, struct number *ret_sum, struct err *err)
{
    if (a.coefficient == 0 || b.coefficient == 0) {
        *ret_sum = a.coefficient ? a : b;
        return LF_OK;
    }
    int exponent = a.exponent < b.exponent ? a.exponent : b.exponent;
    uint128 left, right;
    TRY(align(a, exponent, &left, err));
    TRY(align(b, exponent, &right, err));
    if (a.negative == b.negative)
        return normalize(left + right, exponent, a.negative, ret_sum, err);
    return left >= right ? normalize(left - right, exponent, a.negative, ret_sum, err)
                         : normalize(right - left, exponent, b.negative, ret_sum, err);
}

enum lf_code number_subtract(struct number a, struct number b, struct number *ret_difference, struct err *err)
{
    b.negative = !b.negative && b.coefficient != 0;
    return number_add(a, b, ret_difference, err);
}

/* --- order --- */

bool number_equal(struct number a, struct number b)
{
    return a.coefficient == b.coefficient && a.exponent == b.exponent && a.negative == b.negative;
}

/* With leading zeros cut and the first digit moved to the 38th place, coefficients of one magnitude compare as integers. */
static uint128 aligned_left(uint128 coefficient)
{
    return coefficient * powers_of_ten[LIMIT_NUMBER_DIGITS - digit_count(coefficient)];
}

static int sign(struct number number)
{
    return number.coefficient == 0 ? 0 : number.negative ? -1 : 1;
}

static int compare_absolute(struct number a, struct number b)
{
    int order = magnitude(a) - magnitude(b);
    if (order != 0)
        return order;
    uint128 left = aligned_left(a.coefficient), right = aligned_left(b.coefficient);
    return (left > right) - (left < right);
}

int number_compare(struct number a, struct number b)
{
    int sign_a = sign(a), sign_b = sign(b);
    if (sign_a != sign_b)
        return sign_a - sign_b;
    return sign_a == 0 ? 0 : sign_a * compare_absolute(a, b);
}

/*
 *     positive:  0x81  magnitude + 130        { two digits + 1 }*
 *     zero:      0x80
 *     negative:  0x7F  the positive form's other bytes inverted, then 0xFF, so that more digits come before fewer
 *
 * Digits start with the most significant; a last odd digit is followed by 0. No pair is 0, so fewer digits come before more.
 */
size_t number_key(struct number number, char out[NUMBER_KEY_BYTES_MAX])
{
    if (number.coefficient == 0) {
        out[0] = (char)KEY_ZERO;
        return 1;
    }
    char digits[LIMIT_NUMBER_DIGITS + 1];
    unsigned count = coefficient_digits(number.coefficient, digits);
    digits[count] = '0';
    unsigned char invert = number.negative ? 0xFF : 0;
    size_t len = 0;
    out[len++] = (char)(number.negative ? KEY_NEGATIVE : KEY_POSITIVE);
    out[len++] = (char)((magnitude(number) - LIMIT_NUMBER_EXPONENT_MIN) ^ invert);
    for (unsigned i = 0; i < count; i += 2)
        out[len++] = (char)(((digits[i] - '0') * 10 + (digits[i + 1] - '0') + 1) ^ invert);
    if (number.negative)
        out[len++] = (char)0xFF;
    return len;
}

static enum lf_code refuse_key(struct err *err)
{
    return ERR(err, LF_ITEM, "these bytes are not the key of a number");
}

/* The digits between the two leading bytes and, of negative numbers, the last one. */
static enum lf_code read_key_digits(struct span pairs, unsigned char invert, struct number_digits *digits, struct err *err)
{
    if (pairs.len == 0 || pairs.len > NUMBER_KEY_BYTES_MAX)
        return refuse_key(err);
    for (size_t i = 0; i < pairs.len; i++) {
        unsigned pair = ((unsigned char)pairs.ptr[i] ^ invert) - 1u;
        if (pair > 99)
            return refuse_key(err);
        number_digits_add(digits, pair / 10);
        number_digits_add(digits, pair % 10);
    }
    return LF_OK;
}

enum lf_code number_from_key(struct span bytes, struct number *ret_number, struct err *err)
{
    struct number_digits digits = { 0 };
    unsigned first = bytes.len ? (unsigned char)bytes.ptr[0] : 0;
    bool is_negative = first == KEY_NEGATIVE;
    unsigned char invert = is_negative ? 0xFF : 0;
    if (first == KEY_ZERO && bytes.len == 1) {
        *ret_number = (struct number){ 0 };
        return LF_OK;
    }
    if ((first != KEY_NEGATIVE && first != KEY_POSITIVE) || bytes.len < 3u + is_negative)
        return refuse_key(err);
    struct span pairs = span_of(bytes.ptr + 2, bytes.len - 2 - is_negative);
    TRY(read_key_digits(pairs, invert, &digits, err));
    int64_t magnitude = (int64_t)((unsigned char)bytes.ptr[1] ^ invert) + LIMIT_NUMBER_EXPONENT_MIN;
    if (number_from_digits(&digits, magnitude - 2 * (int64_t)pairs.len + 1, is_negative, ret_number, err))
        return refuse_key(err);
    char again[NUMBER_KEY_BYTES_MAX];
    return span_equal(span_of(again, number_key(*ret_number, again)), bytes) ? LF_OK : refuse_key(err);
}
