/* A stream of binary Ion: entries lie in it one behind the other, records are items like any other; errors lie in the entry. */
#include "fuzz.h"

#include "base/limits.h"
#include "item/canonical.h"
#include "item/ddbjson.h"
#include "item/ion.h"

static void check_item(const struct item *item, struct arena *arena, struct buf *buf)
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

static enum lf_code read_record(struct span entry, const struct ion_symbols *symbols, struct arena *arena, struct buf *buf,
                                struct err *err)
{
    struct export_record record;
    TRY(ion_binary_read_record(entry, symbols, arena, &record, err));
    for (enum export_part part = 0; part < EXPORT_PARTS; part++)
        if (export_record_has(&record, part))
            check_item(&record.parts[part], arena, buf);
    return LF_OK;
}

/* One entry; *rest is what is behind it. */
static enum lf_code read_entry(struct span *rest, struct ion_symbols *symbols, struct arena *arena, struct buf *buf,
                               bool *ret_incomplete, struct err *err)
{
    enum ion_entry entry;
    size_t len;
    TRY(ion_binary_next(*rest, &entry, &len, err));
    *ret_incomplete = entry == ION_INCOMPLETE;
    if (*ret_incomplete)
        return LF_OK;
    CHECK(len > 0 && len <= rest->len);
    struct span whole = span_of(rest->ptr, len);
    *rest = span_from(*rest, len);
    if (entry == ION_PADDING)
        return LF_OK;
    return entry == ION_RECORD ? read_record(whole, symbols, arena, buf, err) : ion_symbols_apply(symbols, entry, whole, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct buf buf;
    struct err err = ERR_INIT;
    struct ion_symbols symbols;
    struct span rest = fuzz_input(data, size);
    bool is_incomplete = false;
    arena_init(&arena, FUZZ_MEMORY_BYTES);
    buf_init(&buf, FUZZ_MEMORY_BYTES);
    ion_symbols_init(&symbols, &arena);
    enum lf_code code = LF_OK;
    while (rest.len && !is_incomplete && code == LF_OK)
        code = read_entry(&rest, &symbols, &arena, &buf, &is_incomplete, &err);
    CHECK(code == LF_OK || (err.message[0] != '\0' && err.offset >= 0 && (uint64_t)err.offset <= size));
    buf_done(&buf);
    arena_done(&arena);
    return 0;
}
