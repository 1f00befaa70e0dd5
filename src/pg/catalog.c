#include "pg/catalog.h"

enum { STATEMENT_BYTES_MAX = 1024 };

/* One row when the table exists. Rows per page are the statistics', or 50 (rows of about 160 bytes) before the first ANALYZE. */
static const char sql_table[] =
    "WITH part AS ("
    "  SELECT c.reltuples, c.relpages,"
    "         pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::bigint AS pages"
    "    FROM pg_catalog.pg_class t"
    "    JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace"
    "    LEFT JOIN LATERAL pg_catalog.pg_partition_tree(t.oid) tree ON t.relkind = 'p'"
    "    JOIN pg_catalog.pg_class c ON c.oid = CASE WHEN t.relkind = 'p' THEN tree.relid::oid ELSE t.oid END"
    "   WHERE n.nspname = $1 AND t.relname = $2 AND t.relkind IN ('r', 'p'))"
    " SELECT pg_catalog.sum(pages)::bigint,"
    "        pg_catalog.sum(pages * CASE WHEN reltuples >= 0 AND relpages > 0 THEN reltuples / relpages ELSE 50 END)::bigint"
    "   FROM part HAVING pg_catalog.count(*) > 0";

static const char sql_columns[] =
    "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.atttypid, a.attnotnull::integer,"
    "       (a.attgenerated <> '' OR a.attidentity = 'a')::integer"
    "  FROM pg_catalog.pg_attribute a"
    "  JOIN pg_catalog.pg_class c ON c.oid = a.attrelid"
    "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped"
    " ORDER BY a.attnum";

static enum lf_code query_table(struct pg_conn *conn, const char *sql, struct span schema, struct span table,
                                struct pg_result **ret_result, struct err *err)
{
    struct pg_field values[] = { { schema.ptr ? schema.ptr : "", schema.len }, { table.ptr ? table.ptr : "", table.len } };
    return pg_query(conn, sql, &(struct pg_params){ .values = values, .count = 2 }, ret_result, err);
}

static enum lf_code copy_text(const struct pg_result *result, size_t row, size_t column, struct arena *arena,
                              struct span *ret_text, struct err *err)
{
    struct pg_field field = pg_result_get(result, row, column);
    return arena_copy(arena, span_of(field.data, field.len), ret_text, err);
}

static enum lf_code read_columns(const struct pg_result *result, struct arena *arena, struct catalog_table *table,
                                 struct err *err)
{
    table->column_count = pg_result_rows(result);
    table->columns = arena_calloc(arena, table->column_count, sizeof *table->columns, err);
    if (!table->columns)
        return err->code;
    for (size_t i = 0; i < table->column_count; i++) {
        struct catalog_column *column = &table->columns[i];
        TRY(copy_text(result, i, 0, arena, &column->name, err));
        TRY(copy_text(result, i, 1, arena, &column->type, err));
        column->type_oid = (uint32_t)pg_result_int64(result, i, 2);
        column->not_null = pg_result_int64(result, i, 3) != 0;
        column->generated = pg_result_int64(result, i, 4) != 0;
    }
    return LF_OK;
}

enum lf_code catalog_read_table(struct pg_conn *conn, struct span schema, struct span table, struct arena *arena,
                                struct catalog_table *ret_table, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *sizes = NULL;
    PG_RESULT_CLEANUP struct pg_result *columns = NULL;
    TRY(query_table(conn, sql_table, schema, table, &sizes, err));
    struct catalog_table read = { .exists = pg_result_rows(sizes) == 1 };
    if (read.exists) {
        read.pages = (uint64_t)pg_result_int64(sizes, 0, 0);
        read.row_estimate = (uint64_t)pg_result_int64(sizes, 0, 1);
        TRY(query_table(conn, sql_columns, schema, table, &columns, err));
        TRY(read_columns(columns, arena, &read, err));
    }
    *ret_table = read;
    return LF_OK;
}

const struct catalog_column *catalog_find_column(const struct catalog_table *table, struct span name)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (span_equal(table->columns[i].name, name))
            return &table->columns[i];
    return NULL;
}

static void put_quoted(struct buf *buf, struct span name)
{
    buf_put_byte(buf, '"');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '"')
            buf_put_byte(buf, '"');
        buf_put_byte(buf, name.ptr[i]);
    }
    buf_put_byte(buf, '"');
}

static enum lf_code query_has_rows(struct pg_conn *conn, struct buf *sql, bool *ret_has_rows, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    TRY(buf_check(sql, err));
    TRY(pg_query(conn, buf_cstr(sql), NULL, &result, err));
    *ret_has_rows = pg_result_int64(result, 0, 0) != 0;
    return LF_OK;
}

enum lf_code catalog_has_rows(struct pg_conn *conn, struct span schema, struct span table, bool *ret_has_rows, struct err *err)
{
    struct buf sql;
    buf_init(&sql, STATEMENT_BYTES_MAX);
    buf_put_cstr(&sql, "SELECT EXISTS (SELECT FROM ");
    put_quoted(&sql, schema);
    buf_put_byte(&sql, '.');
    put_quoted(&sql, table);
    buf_put_cstr(&sql, ")::integer");
    enum lf_code code = query_has_rows(conn, &sql, ret_has_rows, err);
    buf_done(&sql);
    return code;
}
