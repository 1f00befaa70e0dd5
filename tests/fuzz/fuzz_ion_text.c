/* A line of text Ion: what is read is an item like any other, and the same when written as DynamoDB JSON; errors lie in the text.
 */
#include "fuzz.h"

#include "base/limits.h"
#include "item/canonical.h"
#include "item/ddbjson.h"
#include "item/ion.h"

static void check_part(const struct item *item, struct arena *arena, struct buf *buf)
{
    struct err err = ERR_INIT;
    struct item back;
    CHECK(item_size(item) <= LIMIT_ITEM_BYTES);
    buf_reset(buf);
    buf_put_cstr(buf, "{\"Item\":");
    ddbjson_put_item(buf, item);
    buf_put_byte(buf, '}');
    CHECK(buf_check(buf, &err) == LF_OK);
    CHECK(ddbjson_read_line(buf_span(buf), arena, &back, &err) == LF_OK);
    CHECK(item_equal(item, &back));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct buf buf;
    struct err err = ERR_INIT;
    struct export_record record;
    arena_init(&arena, FUZZ_MEMORY_BYTES);
    buf_init(&buf, FUZZ_MEMORY_BYTES);
    if (ion_text_read_record(fuzz_input(data, size), &arena, &record, &err) == LF_OK) {
        for (enum export_part part = 0; part < EXPORT_PARTS; part++)
            if (export_record_has(&record, part))
                check_part(&record.parts[part], &arena, &buf);
    } else {
        CHECK(err.code != LF_OK && err.message[0] != '\0');
        CHECK(err.offset >= 0 && (uint64_t)err.offset <= size);
    }
    buf_done(&buf);
    arena_done(&arena);
    return 0;
}
