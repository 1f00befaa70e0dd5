/* A line of an export: what is read is written again and read as an equal item of the same hash and size; errors lie in the text.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/limits.h"
#include "item/canonical.h"
#include "item/ddbjson.h"

enum { ARENA_BYTES = 64 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_error(const struct err *err, size_t size)
{
    if (err->code == LF_OK || err->message[0] == '\0' || err->offset < 0 || (uint64_t)err->offset > size)
        abort();
}

static void check_item(const struct item *item, struct arena *arena, struct buf *buf)
{
    struct err err = ERR_INIT;
    struct item back;
    ddbjson_put_item(buf, item);
    if (item_size(item) > LIMIT_ITEM_BYTES || buf_check(buf, &err) != LF_OK)
        abort();
    if (ddbjson_read_line(buf_span(buf), arena, &back, &err) != LF_OK)
        abort();
    if (!item_equal(item, &back) || !hash128_equal(item_hash(item), item_hash(&back)) || item_size(item) != item_size(&back))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct buf buf;
    struct err err = ERR_INIT;
    struct item item;
    arena_init(&arena, ARENA_BYTES);
    buf_init(&buf, ARENA_BYTES);
    if (ddbjson_read_line(span_of((const char *)data, size), &arena, &item, &err) == LF_OK)
        check_item(&item, &arena, &buf);
    else
        check_error(&err, size);
    buf_done(&buf);
    arena_done(&arena);
    return 0;
}
