#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "item/ddbjson.h"
#include "map/report.h"

enum { ARENA_BYTES = 64 * 1024 * 1024, ITEMS = 30 };

struct fixture {
    struct arena arena;
    struct buf html;
    struct err err;
};

static int setup(void **state)
{
    struct fixture *f = test_calloc(1, sizeof *f);
    arena_init(&f->arena, ARENA_BYTES);
    buf_init(&f->html, ARENA_BYTES);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    arena_done(&f->arena);
    buf_done(&f->html);
    test_free(f);
    return 0;
}

static void check(struct fixture *f, enum lf_code code)
{
    if (code != LF_OK)
        fail_msg("%s", f->err.message);
}

/* The report of ITEMS equal items, but for their key. */
static const char *report_of(struct fixture *f, const char *attribute)
{
    struct map_table table = { .name = SPAN("shop<i>"), .key = { { SPAN("id"), VALUE_S }, { { NULL, 0 }, VALUE_S } } };
    struct infer_options options = { .type_share_min = 0.999, .enforce = ENFORCE_CONTRACT };
    struct infer *infer;
    struct infer_worker *worker;
    check(f, infer_new(&table, 1, &options, &infer, &f->err));
    struct item items[ITEMS];
    for (int i = 0; i < ITEMS; i++) {
        struct span line;
        check(f, arena_printf(&f->arena, &line, &f->err, "{\"id\":{\"S\":\"i%d\"},%s}", i, attribute));
        check(f, ddbjson_read_line(line, &f->arena, &items[i], &f->err));
        check(f, infer_sample(infer, 0, &items[i], &f->err));
    }
    check(f, infer_discover(infer, &f->err));
    check(f, infer_worker_new(infer, &worker, &f->err));
    for (int i = 0; i < ITEMS; i++)
        check(f, infer_observe(worker, 0, &items[i], &f->err));
    struct map map;
    struct evidence evidence;
    check(f, infer_finish(infer, &worker, 1, &f->arena, &map, &evidence, &f->err));
    report_put_html(&f->html, &map, &evidence);
    infer_worker_free(worker);
    infer_free(infer);
    return buf_cstr(&f->html);
}

static void texts_of_the_data_are_escaped(void **state)
{
    const char *html = report_of(*state, "\"<b>name\":{\"S\":\"<script>alert(1)</script>&\\\"\"}");
    assert_null(strstr(html, "<script"));
    assert_null(strstr(html, "<b>name"));
    assert_null(strstr(html, "shop<i>"));
    assert_non_null(strstr(html, "&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;"));
}

static void nothing_is_fetched(void **state)
{
    const char *html = report_of(*state, "\"v\":{\"N\":\"1\"}");
    assert_null(strstr(html, "src="));
    assert_null(strstr(html, "@import"));
    assert_null(strstr(html, "<link"));
}

static void doubts_come_first(void **state)
{
    const char *html = report_of(*state, "\"v\":{\"S\":\"a\\u0000b\"}");
    const char *doubts = strstr(html, "id=\"uncertain\""), *relations = strstr(html, "<h2>Relations");
    assert_non_null(doubts);
    assert_non_null(relations);
    assert_true(doubts < relations);
}

static void what_fits_is_said_to_fit(void **state)
{
    struct fixture *f = *state;
    /* 30 items are few for a primary key, which is a doubt; so look at the column's count of exceptions instead. */
    const char *html = report_of(f, "\"v\":{\"S\":\"a\"}");
    assert_non_null(strstr(html, "S 30"));
    assert_null(strstr(html, "does not hold"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(texts_of_the_data_are_escaped, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_fetched, setup, teardown),
        cmocka_unit_test_setup_teardown(doubts_come_first, setup, teardown),
        cmocka_unit_test_setup_teardown(what_fits_is_said_to_fit, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
