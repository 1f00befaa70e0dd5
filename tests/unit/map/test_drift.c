#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "item/ddbjson.h"
#include "map/column_codec.h"
#include "map/drift.h"
#include "map/map_yaml.h"

enum { ARENA_BYTES = 64 * 1024 * 1024, WORKERS = 3 };

static const char yaml[] = "version: 1\n"
                           "schema: shop\n"
                           "tables:\n"
                           "  shop:\n"
                           "    key: { pk: S, sk: S }\n"
                           "    indexes: { gsi1: { gsi1pk: S, gsi1sk: S } }\n"
                           "    entities:\n"
                           "      Order:\n"
                           "        match: { kind: Order }\n"
                           "        key: { pk: \"order|{id}\", sk: \"order|{id}\" }\n"
                           "        keys: { label: \"label|{state}\" }\n"
                           "        table: order\n"
                           "        primary_key: [id]\n"
                           "        columns:\n"
                           "          id: { attr: id, type: text, null: false }\n"
                           "          state: { attr: state, type: text, check: [open, done] }\n"
                           "          count: { attr: count, type: integer }\n";

struct fixture {
    struct arena arena, scratch;
    struct err err;
    struct map map;
    struct drift_worker *workers[WORKERS];
    struct drift_report report;
};

static void check(struct fixture *f, enum lf_code code)
{
    if (code != LF_OK)
        fail_msg("%s (%s:%d)", f->err.message, f->err.file, f->err.line);
}

static int setup(void **state)
{
    struct fixture *f = test_calloc(1, sizeof *f);
    f->err = (struct err)ERR_INIT;
    arena_init(&f->arena, ARENA_BYTES);
    arena_init(&f->scratch, ARENA_BYTES);
    check(f, map_read_yaml(span_from_cstr(yaml), "test.yaml", &f->arena, &f->map, &f->err));
    for (size_t i = 0; i < WORKERS; i++)
        check(f, drift_worker_new(&f->map, &f->workers[i], &f->err));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < WORKERS; i++)
        drift_worker_free(f->workers[i]);
    arena_done(&f->arena);
    arena_done(&f->scratch);
    test_free(f);
    return 0;
}

static void observe(struct fixture *f, size_t worker, const char *format, ...) PRINTF_LIKE(3, 4);
static void observe(struct fixture *f, size_t worker, const char *format, ...)
{
    char line[1024];
    struct item item;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    arena_reset(&f->scratch);
    check(f, ddbjson_read_line(span_from_cstr(line), &f->scratch, &item, &f->err));
    check(f, drift_observe(f->workers[worker], 0, &item, &f->err));
}

#define ORDER(extra) \
    "{\"pk\":{\"S\":\"order|%d\"},\"sk\":{\"S\":\"order|%d\"},\"kind\":{\"S\":\"Order\"},\"id\":{\"S\":\"%d\"}" extra "}"

static void finish(struct fixture *f)
{
    check(f, drift_finish(f->workers, WORKERS, 0.999, &f->arena, &f->report, &f->err));
}

static const struct drift_attribute *attribute(const struct fixture *f, const char *name)
{
    const struct drift_entity *entity = &f->report.tables[0].entities[0];
    for (size_t i = 0; i < entity->attribute_count; i++)
        if (span_equal(entity->attributes[i].attr, span_from_cstr(name)))
            return &entity->attributes[i];
    fail_msg("%s did not drift", name);
    return NULL;
}

static void test_items_that_fit_do_not_drift(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 10; i++)
        observe(f, (size_t)i % WORKERS, ORDER(",\"count\":{\"N\":\"7\"}"), i, i, i);
    finish(f);
    assert_int_equal(f->report.items, 10);
    assert_int_equal(f->report.drifted, 0);
    assert_int_equal(f->report.tables[0].entities[0].attribute_count, 0);
}

static void test_every_cause_is_told_apart(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 60; i++)
        observe(
            f, (size_t)i % WORKERS,
            ORDER(",\"count\":{\"N\":\"3000000000\"},\"state\":{\"S\":\"open\"},\"note\":{\"S\":\"x\"},\"gsi1pk\":{\"S\":\"g\"}"),
            i, i, i);
    observe(f, 0, ORDER(",\"label\":{\"S\":\"other\"},\"rare\":{\"BOOL\":true}"), 60, 60, 60);
    finish(f);
    assert_int_equal(f->report.drifted, 61);
    const struct drift_attribute *count = attribute(f, "count"), *label = attribute(f, "label");
    assert_int_equal(count->cause, DRIFT_NOT_HELD);
    assert_ptr_not_equal(count->wider, NULL);
    assert_int_equal(count->wider->type, COLUMN_BIGINT);
    assert_int_equal(attribute(f, "note")->cause, DRIFT_NO_COLUMN);
    assert_int_equal(attribute(f, "note")->proposal->type, COLUMN_TEXT);
    assert_int_equal(attribute(f, "gsi1pk")->is_index_key, true);
    assert_ptr_equal(attribute(f, "gsi1pk")->proposal, NULL);
    assert_ptr_equal(attribute(f, "rare")->proposal, NULL);
    assert_int_equal(label->cause, DRIFT_NOT_REBUILT);
}

static void test_what_a_template_gives_and_the_item_lacks_is_counted(void **state)
{
    struct fixture *f = *state;
    observe(f, 1, ORDER(",\"state\":{\"S\":\"open\"}"), 1, 1, 1);
    finish(f);
    assert_int_equal(attribute(f, "label")->items, 1);
    assert_int_equal(attribute(f, "label")->types.len, 0);
}

static void test_reasons_leave_out_the_data(void **state)
{
    struct fixture *f = *state;
    observe(f, 0, ORDER(",\"state\":{\"S\":\"lost\"}"), 1, 1, 1);
    observe(f, 1, ORDER(",\"state\":{\"S\":\"it's found\"}"), 2, 2, 2);
    finish(f);
    const struct drift_table *table = &f->report.tables[0];
    assert_int_equal(table->unclaimed, 2);
    assert_int_equal(table->reason_count, 1);
    assert_int_equal(table->reasons[0].items, 2);
    assert_int_equal(table->reasons[0].key_count, 2);
    assert_int_equal(table->entities[0].unclaimed, 2);
}

/* `kinds` new constants, each in two items, all by one worker or each by another. */
static void observe_kinds(struct fixture *f, int kinds, bool is_split)
{
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < kinds; i++)
            observe(f, is_split ? (size_t)(i + round) % WORKERS : 0,
                    "{\"pk\":{\"S\":\"p%d\"},\"sk\":{\"S\":\"s%d\"},\"kind\":{\"S\":\"Kind%d\"}}", i, round, i);
}

static void test_reasons_are_bounded(void **state)
{
    struct fixture *f = *state;
    observe_kinds(f, DRIFT_REASONS_MAX - 1, true);
    finish(f);
    assert_int_equal(f->report.tables[0].reason_count, DRIFT_REASONS_MAX - 1);
    assert_int_equal(f->report.tables[0].other_reasons, 0);
}

static void test_reasons_at_the_bound(void **state)
{
    struct fixture *f = *state;
    observe_kinds(f, DRIFT_REASONS_MAX, true);
    finish(f);
    assert_int_equal(f->report.tables[0].reason_count, DRIFT_REASONS_MAX);
    assert_int_equal(f->report.tables[0].other_reasons, 0);
}

static void test_reasons_past_the_bound_do_not_depend_on_the_split(void **state)
{
    struct fixture *split = *state, *whole;
    void *other;
    setup(&other);
    whole = other;
    observe_kinds(split, 5 * DRIFT_REASONS_MAX, true);
    observe_kinds(whole, 5 * DRIFT_REASONS_MAX, false);
    finish(split);
    finish(whole);
    const struct drift_table *a = &split->report.tables[0], *b = &whole->report.tables[0];
    assert_int_equal(a->reason_count, DRIFT_REASONS_MAX);
    assert_int_equal(a->other_reasons, 2 * 4 * DRIFT_REASONS_MAX);
    assert_int_equal(b->reason_count, a->reason_count);
    for (size_t i = 0; i < a->reason_count; i++) {
        assert_int_equal(a->reasons[i].items, 2);
        assert_int_equal(b->reasons[i].items, 2);
        assert_true(span_equal(a->reasons[i].text, b->reasons[i].text));
        for (size_t k = 0; k < a->reasons[i].key_count; k++)
            assert_true(span_equal(a->reasons[i].keys[k], b->reasons[i].keys[k]));
    }
    teardown(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_items_that_fit_do_not_drift, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_cause_is_told_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_a_template_gives_and_the_item_lacks_is_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reasons_leave_out_the_data, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reasons_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reasons_at_the_bound, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reasons_past_the_bound_do_not_depend_on_the_split, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
