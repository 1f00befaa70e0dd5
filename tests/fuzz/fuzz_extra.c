/* ddb_extra as PostgreSQL may give it back: what is read is written again and read the same, or not writable at all. */
#include "fuzz.h"

#include "map/row.h"

/* Reads `text` and writes what it says; false when it says nothing or cannot be written. */
static bool rewrite(struct span text, struct arena *arena, struct buf *buf)
{
    struct err err = ERR_INIT;
    struct item item;
    return extra_read(text, arena, &item, &err) == LF_OK && extra_put(buf, item.attributes, item.count, &err) == LF_OK &&
           buf_check(buf, &err) == LF_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct buf once, twice;
    arena_init(&arena, FUZZ_MEMORY_BYTES);
    buf_init(&once, FUZZ_MEMORY_BYTES);
    buf_init(&twice, FUZZ_MEMORY_BYTES);
    if (rewrite(fuzz_input(data, size), &arena, &once)) {
        CHECK(rewrite(buf_span(&once), &arena, &twice));
        CHECK(span_equal(buf_span(&once), buf_span(&twice)));
    }
    buf_done(&twice);
    buf_done(&once);
    arena_done(&arena);
    return 0;
}
