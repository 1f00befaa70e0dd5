/* A line of an export: what is read is written again and read as an equal item of the same hash and size; errors lie in the text.
 */
#include "fuzz.h"

#include "base/limits.h"
#include "item/canonical.h"
#include "item/ddbjson.h"

static void check_error(const struct err *err, size_t size)
{
    CHECK(err->code != LF_OK && err->message[0] != '\0');
    CHECK(err->offset >= 0 && (uint64_t)err->offset <= size);
}

static void check_item(const struct item *item, struct arena *arena, struct buf *buf)
{
    struct err err = ERR_INIT;
    struct item back;
    CHECK(item_size(item) <= LIMIT_ITEM_BYTES);
    ddbjson_put_item(buf, item);
    CHECK(buf_check(buf, &err) == LF_OK);
    CHECK(ddbjson_read_line(buf_span(buf), arena, &back, &err) == LF_OK);
    CHECK(item_equal(item, &back));
    CHECK(hash128_equal(item_hash(item), item_hash(&back)));
    CHECK(item_size(item) == item_size(&back));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct buf buf;
    struct err err = ERR_INIT;
    struct item item;
    arena_init(&arena, FUZZ_MEMORY_BYTES);
    buf_init(&buf, FUZZ_MEMORY_BYTES);
    if (ddbjson_read_line(fuzz_input(data, size), &arena, &item, &err) == LF_OK)
        check_item(&item, &arena, &buf);
    else
        check_error(&err, size);
    buf_done(&buf);
    arena_done(&arena);
    return 0;
}
