#include "gateway/store/relational_retry.h"

#include "gateway/store/relational_reads.h"
#include "gateway/store/relational_rows.h"
#include "gateway/store/relational_writes.h"
#include "gateway/worker.h"

enum { ITEMS_MAX = 20, HASH_BEGIN_BYTES = 8 };

static void put_some(struct binary_sql *sql, const struct table *table, const char *sign, struct span begin)
{
    const struct relational_table *state = relational_table_of(table);
    binary_sql_put(sql, "(SELECT " RELATIONAL_VERSION);
    buf_put_span(&sql->text, state->sources[state->count - 1].columns);
    binary_sql_put(sql, " FROM landfall.item AS t WHERE t.table_name = ");
    binary_sql_span(sql, table->name, "text");
    binary_sql_put(sql, sign);
    binary_sql_span(sql, begin, "bytea");
    binary_sql_put(sql, " ORDER BY t.h, t.sk LIMIT ");
    binary_sql_int64(sql, ITEMS_MAX);
    binary_sql_put(sql, ")");
}

/* Behind the last item comes the first. */
static enum lf_code read_some(struct worker *worker, const struct table *table, uint64_t random, struct arena *arena,
                              struct pg_result **ret_rows, struct err *err)
{
    char begin[HASH_BEGIN_BYTES];
    for (size_t i = 0; i < sizeof begin; i++)
        begin[i] = (char)(random >> (8 * i));
    BINARY_SQL_CLEANUP struct binary_sql sql;
    binary_sql_init(&sql, arena);
    put_some(&sql, table, " AND t.h >= ", span_of(begin, sizeof begin));
    binary_sql_put(&sql, " UNION ALL ");
    put_some(&sql, table, " AND t.h < ", span_of(begin, sizeof begin));
    binary_sql_put(&sql, " LIMIT ");
    binary_sql_int64(&sql, ITEMS_MAX);
    return db_run(worker->db, NULL, &sql, ret_rows, err);
}

static enum lf_code retry(struct worker *worker, const struct table *table, const struct stored_item *stored, struct arena *arena,
                          struct err *err)
{
    struct store_write write = { .item = &stored->item, .old = stored, .guard = WRITE_VERSION };
    write.key.attributes = stored->item;
    TRY(key_of_item(&table->key, &stored->item, arena, &write.key.bytes, err));
    return relational_try(worker, table, &write, arena, err);
}

enum lf_code relational_retry(struct worker *worker, const struct table *table, uint64_t random, struct arena *arena,
                              struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(read_some(worker, table, random, arena, &rows, err));
    for (size_t i = 0; i < pg_result_rows(rows); i++) {
        struct stored_item stored;
        TRY(relational_row_read_version(table, rows, i, 0, arena, &stored, err));
        TRY(retry(worker, table, &stored, arena, err));
    }
    return LF_OK;
}
