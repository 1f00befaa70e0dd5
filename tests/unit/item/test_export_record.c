/* Records of incremental exports: what is asked for, and when it was written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "item/export_record.h"

#define KEYS "\"Keys\":{\"pk\":{\"S\":\"a\"}}"
#define METADATA(value) "\"Metadata\":{\"WriteTimestampMicros\":" value "},"

static void check(const char *line, bool is_delete, int64_t written_us)
{
    struct arena arena;
    struct item_change change;
    struct err err = ERR_INIT;
    arena_init(&arena, 1024 * 1024);
    assert_int_equal(export_read_change(EXPORT_DYNAMODB_JSON, span_from_cstr(line), &arena, &change, &err), LF_OK);
    assert_int_equal(change.is_delete, is_delete);
    assert_int_equal(change.written_us, written_us);
    arena_done(&arena);
}

static void a_change_says_when_it_was_written(void **state)
{
    (void)state;
    check("{" METADATA("{\"N\":\"1680109764000123\"}") KEYS ",\"NewImage\":{\"pk\":{\"S\":\"a\"}}}", false, 1680109764000123);
    check("{" METADATA("{\"N\":\"1680109764000000\"}") KEYS ",\"OldImage\":{\"pk\":{\"S\":\"a\"}}}", true, 1680109764000000);
}

static void when_it_was_written_may_not_be_known(void **state)
{
    (void)state;
    check("{" KEYS "}", true, 0);
    check("{\"Metadata\":{}," KEYS "}", true, 0);
    check("{" METADATA("{\"S\":\"1680109764000000\"}") KEYS "}", true, 0);
    check("{" METADATA("{\"N\":\"0.5\"}") KEYS "}", true, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_says_when_it_was_written),
        cmocka_unit_test(when_it_was_written_may_not_be_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
