/*
 * number: DynamoDB's decimals. 38 significant digits, magnitudes 1E-130 to 9.99…E+125, exact; never a double.
 *
 * The one form of a value: value = coefficient * 10^exponent, the coefficient without trailing zeros, zero as {0, 0, false}. So
 * equal numbers are equal structs. Rules: AWS, "Supported data types and naming rules", Number. Pure.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"

__extension__ typedef unsigned __int128 uint128;

struct number {
    uint128 coefficient; /* < 10^38, no trailing decimal zero */
    int exponent;        /* of ten */
    bool negative;
};

enum {
    NUMBER_TEXT_BYTES = 180,   /* the longest text of number_format: sign, 130 zeros, point, 38 digits */
    NUMBER_KEY_BYTES_MAX = 24, /* the longest order-preserving form */
};

/* Decimal text, what DynamoDB takes for a number: [+-], digits with at most one point among them or at either end, [e|E [+-]
 * digits]. Errors: LF_ITEM (not a number), LF_LIMIT (more than 38 digits, magnitude out of range), each as DynamoDB words it.
 * Leading and trailing zeros do not count as digits. */
enum lf_code number_parse(struct span text, struct number *ret_number, struct err *err) MUST_CHECK;

/* The text DynamoDB answers with: plain decimal digits, no exponent, no trailing zeros ("100", "-0.001"). Returns its length. */
size_t number_format(struct number number, char out[NUMBER_TEXT_BYTES]);

/* A coefficient that is still being read, digit by digit from the most significant; start from zeros. Any number of zeros may
 * lead or trail. */
struct number_digits {
    uint128 coefficient;    /* up to the last digit that was not zero; meaningless once count is above 38 */
    uint64_t count;         /* of its digits */
    uint64_t zeros_pending; /* read since */
};
void number_digits_add(struct number_digits *digits, unsigned digit);

/* The digits times 10^exponent. Errors: LF_LIMIT as for number_parse. */
enum lf_code number_from_digits(const struct number_digits *digits, int64_t exponent, bool negative, struct number *ret_number,
                                struct err *err) MUST_CHECK;

struct number number_from_int64(int64_t value);

/* True and the value when the number is an integer that fits. */
bool number_to_int64(struct number number, int64_t *ret_value);

/* The exact sum or difference. Errors: LF_LIMIT when it has more than 38 digits or its magnitude is out of range, in DynamoDB's
 * words. */
enum lf_code number_add(struct number a, struct number b, struct number *ret_sum, struct err *err) MUST_CHECK;
enum lf_code number_subtract(struct number a, struct number b, struct number *ret_difference, struct err *err) MUST_CHECK;

bool number_equal(struct number a, struct number b);
int number_compare(struct number a, struct number b); /* negative, 0, positive */

/* Bytes whose memcmp order is the numbers' order; equal numbers give equal bytes. Returns the length. */
size_t number_key(struct number number, char out[NUMBER_KEY_BYTES_MAX]);
/* The inverse. LF_ITEM when no number has these bytes. */
enum lf_code number_from_key(struct span bytes, struct number *ret_number, struct err *err) MUST_CHECK;
