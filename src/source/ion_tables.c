#include "source/ion_tables.h"

enum { ARENA_BYTES_MAX = 64 * 1024 * 1024 };

static const struct span version_marker = SPAN("\xE0\x01\x00\xEA");

void ion_tables_init(struct ion_tables *tables)
{
    *tables = (struct ion_tables){ 0 };
    arena_init(&tables->arena, ARENA_BYTES_MAX);
    buf_init(&tables->bytes, ION_SYMBOL_TABLE_BYTES);
}

void ion_tables_done(struct ion_tables *tables)
{
    buf_done(&tables->bytes);
    arena_done(&tables->arena);
}

/* Nothing is in force, not even a version. */
static void reset(struct ion_tables *tables)
{
    buf_reset(&tables->bytes);
    arena_reset(&tables->arena);
    ion_symbols_init(&tables->symbols, &tables->arena);
}

enum lf_code ion_tables_take(struct ion_tables *tables, enum ion_entry entry, struct span bytes, struct err *err)
{
    struct span copy;
    if (entry != ION_SYMBOLS_APPENDED) {
        reset(tables);
        buf_put_span(&tables->bytes, version_marker);
    }
    if (entry == ION_VERSION_MARKER)
        return LF_OK;
    buf_put_span(&tables->bytes, bytes);
    if (buf_check(&tables->bytes, err) != LF_OK)
        return ERR(err, LF_LIMIT, "symbol tables of more than %d bytes", ION_SYMBOL_TABLE_BYTES);
    TRY(arena_copy(&tables->arena, bytes, &copy, err));
    return ion_symbols_apply(&tables->symbols, entry, copy, err);
}
