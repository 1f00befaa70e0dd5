/* shape_unit: reading a request in a test: into *ret_request, or expecting an error's code and whole text. */
#pragma once

#include "../base/unit.h"

#include "gateway/shape.h"

enum { SHAPE_ARENA_BYTES = 256 * 1024 * 1024 };

static struct arena arena;

static inline int shape_setup(void **state)
{
    (void)state;
    arena_init(&arena, SHAPE_ARENA_BYTES);
    return 0;
}

static inline int shape_teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static inline void read_request(const struct shape *shape, const char *body, void *ret_request)
{
    struct err err = ERR_INIT;
    assert_ok(err, shape_read(shape, span_from_cstr(body), &arena, ret_request, &err));
}

/* Any request fits into it. */
union any_request {
    struct shape_head head;
    struct scan_request scan;
    struct query_request query;
    struct create_table_request create_table;
    char bytes[4096];
};

static inline void assert_refused(const struct shape *shape, const char *body, enum lf_code code, const char *message)
{
    union any_request request;
    struct err err = ERR_INIT;
    assert_true(shape->size <= sizeof request);
    assert_int_equal(shape_read(shape, span_from_cstr(body), &arena, &request, &err), code);
    assert_string_equal(err.message, message);
    assert_int_equal(err.code, code);
}
