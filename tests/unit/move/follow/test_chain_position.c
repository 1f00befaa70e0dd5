/* How far a chain of exports is, as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "move/follow/chain_position.h"

static void check(const struct chain_position *position, const char *text)
{
    char out[CHAIN_POSITION_BYTES];
    struct chain_position read = { 0 };
    struct err err = ERR_INIT;
    struct span written = chain_position_text(position, out);
    assert_true(span_equal(written, span_from_cstr(text)));
    assert_int_equal(chain_position_parse(written, &read, &err), LF_OK);
    assert_memory_equal(&read, position, sizeof read);
}

static void texts_come_back(void **state)
{
    (void)state;
    struct chain_position position = { .from_us = 0, .to_us = 900000001 };
    check(&position, "2000-01-01T00:00:00.000000Z/2000-01-01T00:15:00.000001Z");
    position.export = 1;
    check(&position, "2000-01-01T00:00:00.000000Z/2000-01-01T00:15:00.000001Z 0000000000000001 0");
    position.export = UINT64_MAX;
    position.chunks = UINT64_MAX;
    check(&position, "2000-01-01T00:00:00.000000Z/2000-01-01T00:15:00.000001Z ffffffffffffffff 18446744073709551615");
}

static void what_is_no_position_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "000000000000000000004",
        "2000-01-01T00:00:00.000000Z",
        "2000-01-01T00:00:00.000000Z/",
        "2000-01-01T00:00:00.000000Z/2000-01-01T00:15:00.000000Z x 1",
        "2000-01-01T00:00:00.000000Z/2000-01-01T00:15:00.000000Z 0000000000000001",
        "2000-01-01T00:00:00.000000Z/2000-01-01T00:15:00.000000Z 0000000000000001 ",
        "2000-01-01T00:00:00.000000Z/2000-01-01T00:15:00.000000Z 0000000000000001 1 ",
        "2000-01-01T00:00:00.000000Z/2000-01-01T00:15:00.000000Z 0000000000000000 1",
        "2000-01-01T00:00:00.000000Z/2000-01-01T00:15:00.000000Z 0000000000000001 000000000000000000000000000000000001",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct chain_position position;
        struct err err = ERR_INIT;
        assert_int_equal(chain_position_parse(span_from_cstr(texts[i]), &position, &err), LF_ROW);
    }
}

static void no_export_has_the_hash_of_none(void **state)
{
    (void)state;
    assert_true(chain_export_hash(SPAN("")) &&
                chain_export_hash(SPAN("AWSDynamoDB/1")) != chain_export_hash(SPAN("AWSDynamoDB/2")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_come_back),
        cmocka_unit_test(what_is_no_position_is_refused),
        cmocka_unit_test(no_export_has_the_hash_of_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
