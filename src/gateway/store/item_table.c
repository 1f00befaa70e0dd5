#include "gateway/store/item_table.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    SQL_BYTES_MAX = 256 * 1024,
    TABLE_NAME_CUT = 40, /* PostgreSQL's names have at most 63 bytes */
    NAME_BYTES = 128,
};

struct item_state {
    struct item_statements statements;
    struct item_usage usage;
    struct buf texts[2 + 2 * ITEM_WRITES + 1]; /* owned */
    size_t text_count;
    char name[NAME_BYTES];
};

const struct item_statements *item_statements_of(const struct table *table)
{
    return &((const struct item_state *)table->store_state)->statements;
}

struct item_usage *item_usage_of(const struct table *table)
{
    return &((struct item_state *)table->store_state)->usage;
}

/* Names -----------------------------------------------------------------------------------------------------------------------
 */

/* Names of tables hold letters, digits, '_', '-' and '.' only: nothing that quoting would have to escape. */
static void put_name(const struct table *table, char name[NAME_BYTES])
{
    int len = table->name.len > TABLE_NAME_CUT ? TABLE_NAME_CUT : (int)table->name.len;
    (void)snprintf(name, NAME_BYTES, "dynamodb.\"%.*s_%lld\"", len, table->name.ptr, (long long)table->id);
}

static const char *separator(size_t number)
{
    return number ? ", " : "";
}

/* "g0h, g0s" or "l1s", with something before and after each name. */
static void put_index_columns(struct buf *sql, const struct table_index *index, const char *before, const char *after)
{
    if (!index->is_local)
        buf_printf(sql, "%sg%uh%s, ", before, index->slot, after);
    buf_printf(sql, "%s%c%us%s", before, index->is_local ? 'l' : 'g', index->slot, after);
}

/* Of each index, behind a comma. */
static void put_all_index_columns(struct buf *sql, const struct table *table, const char *before, const char *after)
{
    for (size_t i = 0; i < table->index_count; i++) {
        if (table->indexes[i].status == TABLE_DELETING)
            continue;
        buf_put_cstr(sql, ", ");
        put_index_columns(sql, &table->indexes[i], before, after);
    }
}

/* Statements ------------------------------------------------------------------------------------------------------------------
 */

struct array_column {
    const char *name, *type;
};

struct column_list {
    struct array_column columns[8];
    size_t count;
    bool is_numbered; /* also `n`, from 1 */
};

static void put_index_arrays(struct buf *sql, const struct table *table, size_t number)
{
    for (size_t i = 0; i < table->index_count; i++) {
        const struct table_index *index = &table->indexes[i];
        if (index->status == TABLE_DELETING)
            continue;
        if (!index->is_local)
            buf_printf(sql, ", unnest($%zu::bytea[]) AS g%uh", number++, index->slot);
        buf_printf(sql, ", unnest($%zu::bytea[]) AS %c%us", number++, index->is_local ? 'l' : 'g', index->slot);
    }
}

/* "(SELECT unnest($1::bytea[]) AS h, unnest($2::bytea[]) AS sk) AS k". One SELECT steps through all arrays together; as functions
 * in FROM each of them would first be copied to a store of tuples of its own, which is a fifth of what a write costs. */
static void put_arrays(struct buf *sql, const struct table *table, const struct column_list *list, bool with_indexes)
{
    buf_put_cstr(sql, "(SELECT ");
    for (size_t i = 0; i < list->count; i++)
        buf_printf(sql, "%sunnest($%zu::%s[]) AS %s", separator(i), i + 1, list->columns[i].type, list->columns[i].name);
    if (with_indexes)
        put_index_arrays(sql, table, list->count + 1);
    if (list->is_numbered)
        buf_put_cstr(sql, ", generate_subscripts($1, 1) AS n");
    buf_put_cstr(sql, ") AS k");
}

#define PLACE_COLUMNS \
    { "h", "bytea" }, \
    {                 \
        "sk", "bytea" \
    }
#define CONTENT_COLUMNS                                       \
    { "pk", "bytea" }, { "size", "int4" }, { "ttl", "int8" }, \
    {                                                         \
        "item", "json"                                        \
    }
static const struct column_list numbered_key_columns = { { PLACE_COLUMNS }, 2, .is_numbered = true };
static const struct column_list key_columns = { { PLACE_COLUMNS }, 2 };
static const struct column_list remove_columns = { { PLACE_COLUMNS, { "version", "xid" } }, 3 };
static const struct column_list remove_stream_columns = {
    { PLACE_COLUMNS, { "version", "xid" }, { "old_item", "json" }, { "by_ttl", "bool" } }, 5
};
static const struct column_list put_columns = { { PLACE_COLUMNS, { "lock", "int8" }, CONTENT_COLUMNS }, 7 };
static const struct column_list update_columns = { { PLACE_COLUMNS, { "version", "xid" }, CONTENT_COLUMNS }, 7 };
static const struct column_list update_stream_columns = {
    { PLACE_COLUMNS, { "version", "xid" }, CONTENT_COLUMNS, { "old_item", "json" } }, 8
};

static void put_get(struct buf *sql, const struct table *table, const char *name, const char *ending)
{
    buf_put_cstr(sql, "SELECT k.n, t.xmin, t.size, t.item FROM ");
    put_arrays(sql, table, &numbered_key_columns, false);
    buf_printf(sql, " JOIN %s AS t ON t.h = k.h AND t.sk = k.sk%s", name, ending);
}

/* First all locks, in order of their ids, as transactions take them; then the rows, in the order in which they come. */
static void put_insert(struct buf *sql, const struct table *table, const char *name, const char *on_conflict)
{
    buf_printf(sql, "INSERT INTO %s AS t (h, sk, pk, size, ttl, item", name);
    put_all_index_columns(sql, table, "", "");
    buf_put_cstr(sql, ") SELECT k.h, k.sk, k.pk, k.size, k.ttl, k.item");
    put_all_index_columns(sql, table, "k.", "");
    buf_put_cstr(sql,
                 " FROM (SELECT count(pg_advisory_xact_lock_shared(id)) AS taken FROM (SELECT id FROM unnest($3::int8[]) AS id "
                 "ORDER BY id) AS ids) AS locks, ");
    put_arrays(sql, table, &put_columns, true);
    buf_printf(sql, " WHERE locks.taken >= 0 ON CONFLICT (h, sk) DO %s", on_conflict);
}

static void put_upsert(struct buf *sql, const struct table *table, const char *name)
{
    put_insert(sql, table, name, "UPDATE SET size = excluded.size, ttl = excluded.ttl, item = excluded.item");
    for (size_t i = 0; i < table->index_count; i++) {
        const struct table_index *index = &table->indexes[i];
        if (index->status == TABLE_DELETING)
            continue;
        if (!index->is_local)
            buf_printf(sql, ", g%uh = excluded.g%uh", index->slot, index->slot);
        char kind = index->is_local ? 'l' : 'g';
        buf_printf(sql, ", %c%us = excluded.%c%us", kind, index->slot, kind, index->slot);
    }
}

static void put_update(struct buf *sql, const struct table *table, const char *name, const struct column_list *columns)
{
    buf_printf(sql, "UPDATE %s AS t SET size = k.size, ttl = k.ttl, item = k.item", name);
    for (size_t i = 0; i < table->index_count; i++) {
        const struct table_index *index = &table->indexes[i];
        if (index->status == TABLE_DELETING)
            continue;
        if (!index->is_local)
            buf_printf(sql, ", g%uh = k.g%uh", index->slot, index->slot);
        char kind = index->is_local ? 'l' : 'g';
        buf_printf(sql, ", %c%us = k.%c%us", kind, index->slot, kind, index->slot);
    }
    buf_put_cstr(sql, " FROM ");
    put_arrays(sql, table, columns, true);
    buf_put_cstr(sql, " WHERE t.h = k.h AND t.sk = k.sk AND t.xmin = k.version");
}

static void put_delete(struct buf *sql, const struct table *table, const char *name, const struct column_list *columns,
                       const char *guard)
{
    buf_printf(sql, "DELETE FROM %s AS t USING ", name);
    put_arrays(sql, table, columns, false);
    buf_printf(sql, " WHERE t.h = k.h AND t.sk = k.sk%s", guard);
}

static const char guard[] = " AND t.xmin = k.version";
static const char returning[] = " RETURNING t.h, t.sk";

/* The images of what `w` has written, numbered while its rows are locked. */
static void put_change(struct buf *sql, const struct table *table, const char *images)
{
    buf_printf(sql,
               ") INSERT INTO landfall.change_in (table_id, label, h, sk, old_item, new_item, by_ttl) SELECT %lld, '%.*s', w.h, "
               "w.sk, %s FROM w "
               "RETURNING h, sk",
               (long long)table->id, SPAN_ARG(table->stream_label), images);
}

static void put_write(struct buf *sql, const struct table *table, const char *name, enum item_write kind)
{
    switch (kind) {
    case ITEM_UPSERT:
        put_upsert(sql, table, name);
        break;
    case ITEM_INSERT:
        put_insert(sql, table, name, "NOTHING");
        break;
    case ITEM_UPDATE:
        put_update(sql, table, name, &update_columns);
        break;
    case ITEM_DELETE:
        put_delete(sql, table, name, &key_columns, "");
        break;
    default:
        put_delete(sql, table, name, &remove_columns, guard);
    }
    if (item_write_is_guarded(kind))
        buf_put_cstr(sql, returning);
}

static void put_write_stream(struct buf *sql, const struct table *table, const char *name, enum item_write kind)
{
    buf_put_cstr(sql, "WITH w AS (");
    if (kind == ITEM_INSERT) {
        put_insert(sql, table, name, "NOTHING RETURNING t.h, t.sk, t.item");
        put_change(sql, table, "NULL::json, w.item, false");
    } else if (kind == ITEM_UPDATE) {
        put_update(sql, table, name, &update_stream_columns);
        buf_put_cstr(sql, " RETURNING t.h, t.sk, k.old_item, k.item");
        put_change(sql, table, "w.old_item, w.item, false");
    } else {
        put_delete(sql, table, name, &remove_stream_columns, guard);
        buf_put_cstr(sql, " RETURNING t.h, t.sk, k.old_item, k.by_ttl");
        put_change(sql, table, "w.old_item, NULL::json, w.by_ttl");
    }
}

/* Opening ---------------------------------------------------------------------------------------------------------------------
 */

static struct buf *new_text(struct item_state *state)
{
    struct buf *sql = &state->texts[state->text_count++];
    buf_init(sql, SQL_BYTES_MAX);
    return sql;
}

static enum lf_code take_text(struct buf *sql, struct span *ret_text, struct err *err)
{
    TRY(buf_check(sql, err));
    *ret_text = buf_span(sql);
    return LF_OK;
}

static enum lf_code make_writes(struct item_state *state, const struct table *table, struct err *err)
{
    for (enum item_write kind = 0; kind < ITEM_WRITES; kind++) {
        struct buf *sql = new_text(state);
        put_write(sql, table, state->name, kind);
        TRY(take_text(sql, &state->statements.write[kind], err));
        if (kind == ITEM_UPSERT || kind == ITEM_DELETE)
            continue;
        sql = new_text(state);
        put_write_stream(sql, table, state->name, kind);
        TRY(take_text(sql, &state->statements.write_stream[kind], err));
    }
    return LF_OK;
}

static enum lf_code make_statements(struct item_state *state, const struct table *table, struct err *err)
{
    struct buf *get = new_text(state), *lock = new_text(state), *expired = new_text(state);
    put_get(get, table, state->name, "");
    put_get(lock, table, state->name, " FOR NO KEY UPDATE OF t");
    buf_printf(expired, "SELECT xmin, size, item FROM %s WHERE ttl <= $1::int8 ORDER BY ttl LIMIT $2::int8", state->name);
    TRY(take_text(get, &state->statements.get, err));
    TRY(take_text(lock, &state->statements.lock, err));
    TRY(take_text(expired, &state->statements.expired, err));
    return make_writes(state, table, err);
}

enum lf_code item_table_open(struct table *table, struct err *err)
{
    struct item_state *state = calloc(1, sizeof *state);
    if (!state)
        return ERR(err, LF_MEMORY, "no memory for the statements of a table");
    table->store_state = state;
    put_name(table, state->name);
    state->statements.name = span_from_cstr(state->name);
    return make_statements(state, table, err);
}

void item_table_close(struct table *table)
{
    struct item_state *state = table->store_state;
    for (size_t i = 0; state && i < state->text_count; i++)
        buf_done(&state->texts[i]);
    free(state);
    table->store_state = NULL;
}

/* Schema ----------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code run(struct db_transaction *transaction, struct buf *sql, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    enum lf_code code = buf_check(sql, err);
    if (!code) {
        struct pg_statement statement = { .sql = buf_cstr(sql), .is_once = true };
        code = db_tx_query(transaction, &statement, &(struct pg_params){ 0 }, &result, err);
    }
    buf_done(sql);
    return code;
}

/* lz4 is four times faster than pglz, where the server was built with it. */
static const char make_table[] =
    "DO $do$ BEGIN CREATE TABLE %s (h bytea NOT NULL, sk bytea NOT NULL, pk bytea NOT NULL, size int4 NOT NULL, ttl int8, item "
    "json "
    "NOT NULL, PRIMARY KEY (h, sk)); "
    "IF 'lz4' = ANY (ARRAY(SELECT unnest(enumvals) FROM pg_settings WHERE name = 'default_toast_compression')) THEN "
    "ALTER TABLE %s ALTER COLUMN item SET COMPRESSION lz4; END IF; END $do$";

static void put_index(struct buf *sql, const struct table *table, const char *name, const struct table_index *index)
{
    char kind = index->is_local ? 'l' : 'g';
    buf_printf(sql, "CREATE INDEX \"%lld_%c%u\" ON %s (", (long long)table->id, kind, index->slot, name);
    if (index->is_local)
        buf_printf(sql, "h, l%us, sk) WHERE l%us IS NOT NULL", index->slot, index->slot);
    else
        buf_printf(sql, "g%uh, g%us, h, sk) WHERE g%uh IS NOT NULL", index->slot, index->slot, index->slot);
}

enum lf_code item_table_add_index(struct db_transaction *transaction, const struct table *table, const struct table_index *index,
                                  struct err *err)
{
    char name[NAME_BYTES];
    struct buf sql;
    put_name(table, name);
    buf_init(&sql, SQL_BYTES_MAX);
    buf_printf(&sql, "ALTER TABLE %s ", name);
    put_index_columns(&sql, index, "ADD COLUMN ", " bytea");
    TRY(run(transaction, &sql, err));
    buf_init(&sql, SQL_BYTES_MAX);
    put_index(&sql, table, name, index);
    return run(transaction, &sql, err);
}

enum lf_code item_table_drop_index(struct db_transaction *transaction, const struct table *table, const struct table_index *index,
                                   struct err *err)
{
    char name[NAME_BYTES];
    struct buf sql;
    put_name(table, name);
    buf_init(&sql, SQL_BYTES_MAX);
    buf_printf(&sql, "ALTER TABLE %s ", name);
    put_index_columns(&sql, index, "DROP COLUMN IF EXISTS ", "");
    return run(transaction, &sql, err);
}

enum lf_code item_table_create(struct db_transaction *transaction, const struct table *table, struct err *err)
{
    char name[NAME_BYTES];
    struct buf sql;
    put_name(table, name);
    buf_init(&sql, SQL_BYTES_MAX);
    buf_printf(&sql, make_table, name, name);
    TRY(run(transaction, &sql, err));
    buf_init(&sql, SQL_BYTES_MAX);
    buf_printf(&sql, "CREATE INDEX \"%lld_ttl\" ON %s (ttl) WHERE ttl IS NOT NULL", (long long)table->id, name);
    TRY(run(transaction, &sql, err));
    for (size_t i = 0; i < table->index_count; i++)
        TRY(item_table_add_index(transaction, table, &table->indexes[i], err));
    return LF_OK;
}

enum lf_code item_table_drop(struct db_transaction *transaction, const struct table *table, struct err *err)
{
    char name[NAME_BYTES];
    struct buf sql;
    put_name(table, name);
    buf_init(&sql, SQL_BYTES_MAX);
    buf_printf(&sql, "DROP TABLE IF EXISTS %s", name);
    return run(transaction, &sql, err);
}
