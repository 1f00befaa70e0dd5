/*
 * unit: what every unit test needs: cmocka with the headers it forgets, checks that print Landfall's error, and random values
 * whose seed is printed and can be given back: `LANDFALL_TEST_SEED=123 build/tests/unit/codec/test_number`.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/span.h"

/* The call must succeed; `error` is the struct err it fills. */
#define assert_ok(error, call)                          \
    do {                                                \
        if ((call) != LF_OK)                            \
            fail_msg("%s: %s", #call, (error).message); \
    } while (0)

/* The call must fail with the code and fill the struct. */
#define assert_code(error, expected, call)          \
    do {                                            \
        (error) = (struct err)ERR_INIT;             \
        assert_int_equal((call), (expected));       \
        assert_int_equal((error).code, (expected)); \
        assert_true((error).message[0] != '\0');    \
    } while (0)

#define assert_span(actual, expected)                                                     \
    do {                                                                                  \
        struct span actual_ = (actual), expected_ = (expected);                           \
        if (!span_equal(actual_, expected_))                                              \
            fail_msg("\"%.*s\" is not \"%.*s\"", SPAN_ARG(actual_), SPAN_ARG(expected_)); \
    } while (0)

static uint64_t random_state;

/* Call first in main. */
static inline void random_seed(void)
{
    const char *given = getenv("LANDFALL_TEST_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    printf("seed %llu\n", (unsigned long long)seed);
    random_state = seed * 2 + 1;
}

/* splitmix64 */
static inline uint64_t random_u64(void)
{
    uint64_t z = random_state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* 0 … bound - 1 */
static inline unsigned random_below(unsigned bound)
{
    return (unsigned)(random_u64() % bound);
}

static inline void random_bytes(char *out, size_t len)
{
    for (size_t i = 0; i < len; i++)
        out[i] = (char)random_u64();
}
