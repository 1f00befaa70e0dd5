/* base64: what decodes encodes to the same text, and what was encoded decodes to the same bytes. */
#include "codec/base64.h"
#include "fuzz.h"

static void check_text(struct span text, struct arena *arena, struct buf *buf)
{
    struct err err = ERR_INIT;
    struct span bytes;
    if (base64_decode(text, arena, &bytes, &err) != LF_OK) {
        CHECK(err.code == LF_ITEM && err.offset >= 0 && (size_t)err.offset <= text.len);
        return;
    }
    buf_reset(buf);
    base64_put(buf, bytes);
    CHECK(span_equal(buf_span(buf), text));
}

static void check_bytes(struct span bytes, struct arena *arena, struct buf *buf)
{
    struct err err = ERR_INIT;
    struct span again;
    buf_reset(buf);
    base64_put(buf, bytes);
    CHECK(base64_decode(buf_span(buf), arena, &again, &err) == LF_OK);
    CHECK(span_equal(bytes, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct buf buf;
    arena_init(&arena, FUZZ_MEMORY_BYTES);
    buf_init(&buf, FUZZ_MEMORY_BYTES);
    check_text(fuzz_input(data, size), &arena, &buf);
    check_bytes(fuzz_input(data, size), &arena, &buf);
    buf_done(&buf);
    arena_done(&arena);
    return 0;
}
