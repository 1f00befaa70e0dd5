#include "gateway/jobs/ttl.h"

#include <time.h>

#include "gateway/store/store.h"

static enum lf_code read_keys(const struct table *table, struct store_page *page, struct arena *arena, struct store_write *writes,
                              struct err *err)
{
    for (size_t i = 0; i < page->count; i++) {
        struct item item;
        writes[i] = (struct store_write){ .old = &page->items[i], .guard = WRITE_VERSION, .by_ttl = true };
        TRY(stored_item_parse(&page->items[i], arena, &item, err));
        TRY(key_of_item(&table->key, &item, arena, &writes[i].key.bytes, err));
        writes[i].key.attributes = item;
    }
    return LF_OK;
}

static enum lf_code expire(struct worker *worker, const struct table *table, struct arena *arena, bool *ret_more, struct err *err)
{
    struct store_page page = { 0 };
    TRY(table->store->expired(worker, table, (int64_t)time(NULL), TTL_BATCH_ITEMS, arena, &page, err));
    struct store_write *writes = arena_calloc(arena, page.count + 1, sizeof *writes, err);
    bool *applied = writes ? arena_calloc(arena, page.count + 1, sizeof *applied, err) : NULL;
    if (!applied)
        return err->code;
    TRY(read_keys(table, &page, arena, writes, err));
    *ret_more |= page.count == TTL_BATCH_ITEMS;
    return page.count ? table->store->write(worker, table, writes, page.count, arena, applied, err) : LF_OK;
}

enum lf_code ttl_step(struct worker *worker, const struct leadership *leadership, struct arena *arena, bool *ret_more,
                      struct err *err)
{
    const struct table **tables = NULL;
    size_t count = 0;
    enum lf_code code = LF_OK;
    (void)leadership; /* guards make a second leader harmless */
    TRY(catalog_check_fresh(worker->catalog, err));
    TRY(catalog_all(worker->catalog, arena, &tables, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (!code && tables[i]->ttl_attribute.len && tables[i]->status == TABLE_ACTIVE && !tables[i]->move.is_fenced &&
            (table_is_mixed(tables[i]) || !table_is_dynamodbs(tables[i])))
            code = expire(worker, tables[i], arena, ret_more, err);
        table_unref(tables[i]);
    }
    return code;
}
