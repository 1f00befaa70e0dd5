#include "move/rejected_items.h"

#include <stdlib.h>

#include "item/canonical.h"
#include "item/ddbjson.h"
#include "move/key_merge.h"

enum { LINE_ARENA_BYTES = 64 * 1024 * 1024 };

void rejected_items_done(struct rejected_items *rejected)
{
    free(rejected->items);
    *rejected = (struct rejected_items){ 0 };
}

static int compare(const void *left, const void *right)
{
    const struct rejected_item *a = left, *b = right;
    int order = (a->table > b->table) - (a->table < b->table);
    if (order == 0)
        order = hash128_compare(a->key, b->key);
    return order ? order : hash128_compare(a->item, b->item);
}

static enum lf_code read_item(const struct map *map, struct span table_name, struct span line, struct arena *arena,
                              struct rejected_item *ret_item, bool *ret_known, struct err *err)
{
    struct item item;
    struct key key;
    const struct map_table *table = map_find_table(map, table_name);
    *ret_known = table != NULL;
    if (!table)
        return LF_OK;
    TRY(ddbjson_read_line(line, arena, &item, err));
    TRY(key_of_item(&table->key, &item, arena, &key, err));
    ret_item->table = (size_t)(table - map->tables);
    ret_item->key = key_hash128(&key);
    ret_item->item = item_hash(&item);
    atomic_init(&ret_item->left, 1);
    return LF_OK;
}

static enum lf_code read_items(const struct pg_result *result, const struct map *map, struct rejected_items *rejected,
                               struct err *err)
{
    struct arena arena;
    enum lf_code code = LF_OK;
    arena_init(&arena, LINE_ARENA_BYTES);
    for (size_t row = 0; code == LF_OK && row < pg_result_rows(result); row++) {
        struct pg_field table = pg_result_get(result, row, 0), line = pg_result_get(result, row, 1);
        bool is_known;
        arena_reset(&arena);
        code = read_item(map, span_of(table.data, table.len), span_of(line.data, line.len), &arena,
                         &rejected->items[rejected->count], &is_known, err);
        rejected->count += code == LF_OK && is_known;
    }
    arena_done(&arena);
    return code == LF_OK ? LF_OK : err_while(err, "reading an item in landfall.reject");
}

/* Equal ones become one that is left out several times. */
static void sort_and_join(struct rejected_items *rejected)
{
    size_t kept = 0;
    if (rejected->count)
        qsort(rejected->items, rejected->count, sizeof *rejected->items, compare);
    for (size_t i = 0; i < rejected->count; i++) {
        struct rejected_item *last = kept ? &rejected->items[kept - 1] : NULL;
        if (last && compare(last, &rejected->items[i]) == 0)
            atomic_fetch_add(&last->left, 1);
        else
            memmove(&rejected->items[kept++], &rejected->items[i], sizeof *rejected->items);
    }
    rejected->count = kept;
}

enum lf_code rejected_items_read(struct pg_conn *conn, const struct map *map, struct span fingerprint,
                                 struct rejected_items *ret_rejected, struct err *err)
{
    static const char sql[] = "SELECT r.file, pg_catalog.convert_from(r.content, 'UTF8')"
                              " FROM landfall.reject r JOIN landfall.load l ON l.id = r.load_id"
                              " WHERE r.line = 0 AND l.fingerprint = $1";
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    struct rejected_items rejected = { 0 };
    struct pg_field value = { fingerprint.ptr, fingerprint.len };
    TRY(pg_query(conn, sql, &(struct pg_params){ .values = &value, .count = 1 }, &result, err));
    rejected.items = calloc(pg_result_rows(result) + 1, sizeof *rejected.items);
    if (!rejected.items)
        return ERR(err, LF_MEMORY, "out of memory for %zu rejected items", pg_result_rows(result));
    enum lf_code code = read_items(result, map, &rejected, err);
    sort_and_join(&rejected);
    if (code == LF_OK)
        *ret_rejected = rejected;
    else
        rejected_items_done(&rejected);
    return code;
}

static struct rejected_item *find(const struct rejected_items *rejected, size_t table, const struct key *key,
                                  const struct item *item)
{
    const struct rejected_item wanted = { .table = table, .key = key_hash128(key), .item = item_hash(item) };
    return bsearch(&wanted, rejected->items, rejected->count, sizeof wanted, compare);
}

bool rejected_items_take(struct rejected_items *rejected, size_t table, const struct key *key, const struct item *item)
{
    struct rejected_item *found = rejected->count ? find(rejected, table, key, item) : NULL;
    uint64_t left = found ? atomic_load(&found->left) : 0;
    while (left && !atomic_compare_exchange_weak(&found->left, &left, left - 1))
        continue;
    return left > 0;
}
