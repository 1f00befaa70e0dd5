/* scratch: the arena and the buffer that tests put what they make into. Both are empty when a test, or a group of tests, begins:
 * `cmocka_run_group_tests(tests, scratch_open, scratch_close)`. Included last, because headers have parameters of these names. */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

enum { SCRATCH_BYTES = 256 * 1024 * 1024 };

static struct arena arena;
static struct buf scratch;

static int scratch_open(void **state)
{
    (void)state;
    arena_init(&arena, SCRATCH_BYTES);
    buf_init(&scratch, SCRATCH_BYTES);
    return 0;
}

static int scratch_close(void **state)
{
    (void)state;
    arena_done(&arena);
    buf_done(&scratch);
    return 0;
}
