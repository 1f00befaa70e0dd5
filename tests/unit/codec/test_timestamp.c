#include "../base/unit.h"

#include "codec/timestamp.h"

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_DAY (86400 * US_PER_SECOND)

static const struct {
    const char *text;
    enum timestamp_format format;
    int64_t us;
} known[] = {
    { "2000-01-01T00:00:00Z", TIMESTAMP_ISO8601, 0 },
    { "1970-01-01T00:00:00Z", TIMESTAMP_ISO8601, -TIMESTAMP_EPOCH_UNIX_SECONDS *US_PER_SECOND },
    { "1999-12-31T23:59:59.999999Z", TIMESTAMP_ISO8601_US, -1 },
    { "2000-02-29T00:00:00.001Z", TIMESTAMP_ISO8601_MS, 59 * US_PER_DAY + 1000 },
    { "2001-03-01T00:00:00+00:00", TIMESTAMP_ISO8601_OFFSET, (366 + 59) * US_PER_DAY },
    { "2024-01-02T03:04:05.678Z", TIMESTAMP_ISO8601_MS, INT64_C(757479845678000) },
    { "2024-01-02T03:04:05.678+00:00", TIMESTAMP_ISO8601_MS_OFFSET, INT64_C(757479845678000) },
    { "2024-01-02T03:04:05.678901+00:00", TIMESTAMP_ISO8601_US_OFFSET, INT64_C(757479845678901) },
    { "0001-01-01T00:00:00Z", TIMESTAMP_ISO8601, -730119 * US_PER_DAY },
    { "9999-12-31T23:59:59.999999Z", TIMESTAMP_ISO8601_US, INT64_C(2921940) * US_PER_DAY - 1 },
};

static void test_known(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        struct span text = span_from_cstr(known[i].text);
        assert_int_equal(timestamp_detect(text), known[i].format);
        for (enum timestamp_format format = 0; format < TIMESTAMP_FORMATS; format++) {
            int64_t us = 42;
            bool parsed = timestamp_parse(text, format, &us);
            if (parsed != (format == known[i].format) || us != (parsed ? known[i].us : 42))
                fail_msg("%s as format %d: %lld", known[i].text, (int)format, (long long)us);
        }
        char out[TIMESTAMP_TEXT_BYTES];
        assert_span(span_of(out, timestamp_format(known[i].us, known[i].format, out)), text);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "Z",
        "2024-01-02",
        "2024-01-02T03:04:05",
        "2024-01-02 03:04:05Z",
        "2024-01-02t03:04:05Z",
        "2024-01-02T03:04:05z",
        "2024-01-02T03:04:05.Z",
        "2024-01-02T03:04:05.6Z",
        "2024-01-02T03:04:05.67Z",
        "2024-01-02T03:04:05.6789Z",
        "2024-01-02T03:04:05.67890Z",
        "2024-01-02T03:04:05.6789012Z",
        "2024-01-02T03:04:05,678Z",
        "2024-01-02T03:04:05.+78Z",
        "2024-01-02T03:04:05+01:00",
        "2024-01-02T03:04:05-00:00",
        "2024-01-02T03:04:05+0000",
        "2024-01-02T03:04:05ZZ",
        "2024-1-02T03:04:05Z",
        "2024-00-02T03:04:05Z",
        "2024-13-02T03:04:05Z",
        "2024-01-00T03:04:05Z",
        "2024-01-32T03:04:05Z",
        "2024-04-31T03:04:05Z",
        "2023-02-29T03:04:05Z",
        "1900-02-29T03:04:05Z",
        "2024-02-30T03:04:05Z",
        "2024-01-02T24:00:00Z",
        "2024-01-02T23:60:00Z",
        "2016-12-31T23:59:60Z",
        "0000-12-31T00:00:00Z",
        "-001-01-01T00:00:00Z",
        "+2024-01-02T03:04:05Z",
        " 2024-01-02T03:04:05Z",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (timestamp_detect(span_from_cstr(texts[i])) != TIMESTAMP_FORMATS)
            fail_msg("%s", texts[i]);
}

/* A byte changed at random gives another instant or none: never the same one, and never another text for it. */
static void test_parsing_is_one_to_one(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 100000; round++) {
        char text[TIMESTAMP_TEXT_BYTES], again[TIMESTAMP_TEXT_BYTES];
        enum timestamp_format format = random_below(TIMESTAMP_FORMATS);
        int64_t us = (int64_t)(random_u64() % (UINT64_C(3652059) * US_PER_DAY)) - 730119 * US_PER_DAY;
        size_t len = timestamp_format(us, format, text);
        text[random_below((unsigned)len)] = "0123456789-:T.Z+ "[random_below(17)];
        int64_t parsed;
        if (timestamp_parse(span_of(text, len), format, &parsed)) {
            assert_true(timestamp_in_range(parsed));
            assert_span(span_of(again, timestamp_format(parsed, format, again)), span_of(text, len));
        }
    }
}

static void test_random_round_trips(void **state)
{
    (void)state;
    static const int64_t units[] = { US_PER_SECOND, 1000, 1, US_PER_SECOND, 1000, 1 };
    for (unsigned round = 0; round < 100000; round++) {
        enum timestamp_format format = random_below(TIMESTAMP_FORMATS);
        int64_t us = (int64_t)(random_u64() % (UINT64_C(3652059) * US_PER_DAY)) - 730119 * US_PER_DAY;
        us -= us % units[format];
        char text[TIMESTAMP_TEXT_BYTES];
        struct span written = span_of(text, timestamp_format(us, format, text));
        assert_true(written.len <= sizeof text);
        int64_t parsed;
        assert_true(timestamp_parse(written, format, &parsed));
        assert_true(parsed == us);
        assert_int_equal(timestamp_detect(written), format);
    }
}

/* The C library's calendar, which is another's work. */
static void test_against_gmtime(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        int64_t us = (int64_t)(random_u64() % (UINT64_C(3652059) * 86400)) * US_PER_SECOND - 730119 * US_PER_DAY;
        time_t unix_seconds = us / US_PER_SECOND + TIMESTAMP_EPOCH_UNIX_SECONDS;
        struct tm tm;
        assert_non_null(gmtime_r(&unix_seconds, &tm));
        char expected[80], text[TIMESTAMP_TEXT_BYTES];
        int len = snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
                           tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        assert_span(span_of(text, timestamp_format(us, TIMESTAMP_ISO8601, text)), span_of(expected, (size_t)len));
    }
}

/* Day after day through all 9,999 years: each date follows the one before. */
static void test_every_date(void **state)
{
    (void)state;
    char before[TIMESTAMP_TEXT_BYTES] = "0000-12-31";
    int32_t days = -730119;
    assert_false(date_in_range(days - 1));
    for (; date_in_range(days); days++) {
        char text[TIMESTAMP_TEXT_BYTES];
        int32_t parsed;
        size_t len = date_format(days, text);
        if (len != 10 || memcmp(before, text, 10) >= 0 || !date_parse(span_of(text, len), &parsed) || parsed != days)
            fail_msg("%d: %.10s after %.10s", days, text, before);
        memcpy(before, text, 10);
    }
    assert_int_equal(days, 2921940);
    assert_memory_equal(before, "9999-12-31", 10);
}

static void test_dates_refused(void **state)
{
    (void)state;
    static const char *const texts[] = { "",           "2024-01-2",  "2024-01-022", "2024/01/02", "2024-02-30",
                                         "2100-02-29", "0000-01-01", "2024-1-002",  "02-01-2024", "2024-01-02T00:00:00Z" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int32_t days;
        if (date_parse(span_from_cstr(texts[i]), &days))
            fail_msg("%s", texts[i]);
    }
}

static void test_range(void **state)
{
    (void)state;
    int64_t first = -730119 * US_PER_DAY, end = 2921940 * US_PER_DAY;
    assert_false(timestamp_in_range(first - 1));
    assert_true(timestamp_in_range(first));
    assert_true(timestamp_in_range(end - 1));
    assert_false(timestamp_in_range(end));
    assert_false(timestamp_in_range(INT64_MIN)); /* PostgreSQL's -infinity */
    assert_false(timestamp_in_range(INT64_MAX));
    assert_false(date_in_range(INT32_MIN));
    assert_false(date_in_range(INT32_MAX));
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_parsing_is_one_to_one),
        cmocka_unit_test(test_random_round_trips),
        cmocka_unit_test(test_against_gmtime),
        cmocka_unit_test(test_every_date),
        cmocka_unit_test(test_dates_refused),
        cmocka_unit_test(test_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
