#include "move/row_set.h"

#include "map/ddl.h"
#include "pg/binary_sql.h"

enum { COPY_BYTES_MAX = 512 * 1024 * 1024, SQL_BYTES_MAX = 1024 * 1024 };

/* Deleting ----------------------------------------------------------------------------------------------------------------- */

/* Rows of one entity, or of landfall.item: their identities' fields behind each other. */
struct group {
    const struct entity *entity; /* NULL: landfall.item */
    const struct map_table *table;
    struct pg_field *fields;
    size_t count, field_count;
};

struct groups {
    struct group *items;
    size_t count;
};

static struct group *find_group(struct groups *groups, const struct row_identity *row)
{
    for (size_t i = 0; i < groups->count; i++)
        if (groups->items[i].entity == row->entity && groups->items[i].table == row->table)
            return &groups->items[i];
    groups->items[groups->count] = (struct group){ .entity = row->entity, .table = row->table, .field_count = row->field_count };
    return &groups->items[groups->count++];
}

static enum lf_code make_groups(const struct row_identity *const *rows, size_t count, struct arena *arena,
                                struct groups *ret_groups, struct err *err)
{
    struct groups groups = { .items = arena_calloc(arena, count, sizeof *groups.items, err) };
    if (!groups.items)
        return err->code;
    for (size_t i = 0; i < count; i++)
        find_group(&groups, rows[i])->count++;
    for (size_t i = 0; i < groups.count; i++) {
        struct group *group = &groups.items[i];
        group->fields = arena_calloc(arena, group->count * group->field_count, sizeof *group->fields, err);
        if (!group->fields)
            return err->code;
        group->count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        struct group *group = find_group(&groups, rows[i]);
        memcpy(group->fields + group->count++ * group->field_count, rows[i]->fields, group->field_count * sizeof *group->fields);
    }
    *ret_groups = groups;
    return LF_OK;
}

static void put_key_arrays(struct binary_sql *sql, const struct group *group)
{
    for (size_t i = 0; i < group->field_count; i++) {
        enum column_type type = group->entity ? group->entity->columns[group->entity->primary_key[i]].type : COLUMN_BYTEA;
        binary_sql_put(sql, i ? ", " : "");
        binary_sql_array(sql, group->fields + i, group->count, group->field_count, column_type_oid(type), column_type_name(type));
    }
}

/* A child's rows carry their parent's primary key under the same names. */
static enum lf_code delete_from(struct pg_conn *conn, const struct map *map, const struct group *group, struct span table,
                                struct arena *arena, struct err *err)
{
    BINARY_SQL_CLEANUP struct binary_sql sql;
    binary_sql_init(&sql, arena);
    binary_sql_put(&sql, "DELETE FROM ");
    ddl_put_table(&sql.text, map, table);
    binary_sql_put(&sql, " AS t USING unnest(");
    put_key_arrays(&sql, group);
    binary_sql_put(&sql, ") AS k (");
    for (size_t i = 0; i < group->field_count; i++)
        buf_printf(&sql.text, "%sn%zu", i ? ", " : "", i);
    binary_sql_put(&sql, ") WHERE ");
    for (size_t i = 0; i < group->field_count; i++) {
        binary_sql_put(&sql, i ? " AND t." : "t.");
        ddl_put_identifier(&sql.text, group->entity->columns[group->entity->primary_key[i]].name);
        buf_printf(&sql.text, " = k.n%zu", i);
    }
    return binary_sql_exec(&sql, conn, NULL, err);
}

static enum lf_code delete_unclaimed(struct pg_conn *conn, const struct group *group, struct arena *arena, struct err *err)
{
    BINARY_SQL_CLEANUP struct binary_sql sql;
    binary_sql_init(&sql, arena);
    binary_sql_put(&sql, "DELETE FROM landfall.item AS t USING unnest(");
    put_key_arrays(&sql, group);
    binary_sql_put(&sql, ") AS k (h, sk) WHERE t.h = k.h AND t.sk = k.sk AND t.table_name = ");
    binary_sql_text(&sql, group->table->name);
    return binary_sql_exec(&sql, conn, NULL, err);
}

static enum lf_code delete_group(struct pg_conn *conn, const struct map *map, const struct group *group, struct arena *arena,
                                 struct err *err)
{
    if (!group->entity)
        return delete_unclaimed(conn, group, arena, err);
    for (size_t i = 0; i < group->entity->child_count; i++)
        TRY(delete_from(conn, map, group, group->entity->children[i].table, arena, err));
    return delete_from(conn, map, group, group->entity->table, arena, err);
}

static bool refers_to(const struct entity *entity, const struct entity *other)
{
    for (size_t i = 0; entity && i < entity->foreign_key_count; i++)
        if (entity != other && entity->foreign_keys[i].parent == other)
            return true;
    return false;
}

/* One that no other refers to; any where they refer to each other in a circle. */
static size_t next_group(const struct groups *groups)
{
    for (size_t i = 0; i < groups->count; i++) {
        bool is_wanted = false;
        for (size_t k = 0; k < groups->count && !is_wanted; k++)
            is_wanted = refers_to(groups->items[k].entity, groups->items[i].entity);
        if (!is_wanted)
            return i;
    }
    return 0;
}

enum lf_code row_set_delete(struct pg_conn *conn, const struct map *map, const struct row_identity *const *rows, size_t count,
                            struct arena *arena, struct err *err)
{
    struct groups groups;
    TRY(make_groups(rows, count, arena, &groups, err));
    while (groups.count) {
        size_t at = next_group(&groups);
        TRY(delete_group(conn, map, &groups.items[at], arena, err));
        groups.items[at] = groups.items[--groups.count];
    }
    return LF_OK;
}

/* Changing ----------------------------------------------------------------------------------------------------------------- */

static void put_columns(struct buf *sql, const struct entity *entity)
{
    for (size_t i = 0; i < entity->column_count; i++) {
        ddl_put_identifier(sql, entity->columns[i].name);
        buf_put_cstr(sql, ", ");
    }
    buf_put_cstr(sql, "ddb_extra");
}

static void put_staging(struct buf *sql, const struct entity *entity)
{
    buf_put_cstr(sql, "pg_temp.");
    ddl_put_identifier(sql, entity->table);
}

static bool is_key(const struct entity *entity, size_t column)
{
    for (size_t i = 0; i < entity->primary_key_count; i++)
        if (entity->primary_key[i] == column)
            return true;
    return false;
}

static void put_same_key(struct buf *sql, const struct entity *entity)
{
    for (size_t i = 0; i < entity->primary_key_count; i++) {
        struct span name = entity->columns[entity->primary_key[i]].name;
        buf_put_cstr(sql, i ? " AND t." : " WHERE t.");
        ddl_put_identifier(sql, name);
        buf_put_cstr(sql, " = s.");
        ddl_put_identifier(sql, name);
    }
}

static enum lf_code run_text(struct pg_conn *conn, struct buf *sql, struct err *err)
{
    TRY(buf_check(sql, err));
    return pg_exec(conn, buf_cstr(sql), err);
}

static enum lf_code make_staging(struct pg_conn *conn, const struct map *map, const struct entity *entity, struct buf *sql,
                                 struct err *err)
{
    buf_put_cstr(sql, "CREATE TEMPORARY TABLE IF NOT EXISTS ");
    put_staging(sql, entity);
    buf_put_cstr(sql, " ON COMMIT DELETE ROWS AS SELECT ");
    put_columns(sql, entity);
    buf_put_cstr(sql, " FROM ");
    ddl_put_table(sql, map, entity->table);
    buf_put_cstr(sql, " WITH NO DATA");
    return run_text(conn, sql, err);
}

static enum lf_code put_rows(const struct row *const *rows, size_t count, struct buf *bytes, struct err *err)
{
    pg_put_copy_header(bytes);
    for (size_t i = 0; i < count; i++)
        pg_put_copy_row(bytes, rows[i]->fields, rows[i]->entity->column_count + 1);
    pg_put_copy_trailer(bytes);
    return buf_check(bytes, err);
}

/* Rows of an earlier call in the same transaction are still there. */
static enum lf_code fill_staging(struct pg_conn *conn, const struct row *const *rows, size_t count, struct buf *sql,
                                 struct err *err)
{
    const struct entity *entity = rows[0]->entity;
    struct buf bytes;
    buf_put_cstr(sql, "DELETE FROM ");
    put_staging(sql, entity);
    TRY(run_text(conn, sql, err));
    buf_reset(sql);
    buf_put_cstr(sql, "COPY ");
    put_staging(sql, entity);
    buf_put_cstr(sql, " FROM STDIN (FORMAT binary)");
    TRY(buf_check(sql, err));
    TRY(pg_copy_in_begin(conn, buf_cstr(sql), err));
    buf_init(&bytes, COPY_BYTES_MAX);
    enum lf_code code = put_rows(rows, count, &bytes, err);
    if (!code)
        code = pg_copy_in_put(conn, buf_span(&bytes), err);
    buf_done(&bytes);
    return code ? code : pg_copy_in_end(conn, NULL, err);
}

static enum lf_code delete_children(struct pg_conn *conn, const struct map *map, const struct entity *entity, struct buf *sql,
                                    struct err *err)
{
    for (size_t i = 0; i < entity->child_count; i++) {
        buf_reset(sql);
        buf_put_cstr(sql, "DELETE FROM ");
        ddl_put_table(sql, map, entity->children[i].table);
        buf_put_cstr(sql, " AS t USING ");
        put_staging(sql, entity);
        buf_put_cstr(sql, " AS s");
        put_same_key(sql, entity);
        TRY(run_text(conn, sql, err));
    }
    return LF_OK;
}

static enum lf_code update_from_staging(struct pg_conn *conn, const struct map *map, const struct entity *entity, struct buf *sql,
                                        size_t *ret_changed, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    buf_reset(sql);
    buf_put_cstr(sql, "UPDATE ");
    ddl_put_table(sql, map, entity->table);
    buf_put_cstr(sql, " AS t SET ");
    for (size_t i = 0; i < entity->column_count; i++) {
        if (is_key(entity, i))
            continue;
        ddl_put_identifier(sql, entity->columns[i].name);
        buf_put_cstr(sql, " = s.");
        ddl_put_identifier(sql, entity->columns[i].name);
        buf_put_cstr(sql, ", ");
    }
    buf_put_cstr(sql, "ddb_extra = s.ddb_extra FROM ");
    put_staging(sql, entity);
    buf_put_cstr(sql, " AS s");
    put_same_key(sql, entity);
    TRY(buf_check(sql, err));
    TRY(pg_query(conn, buf_cstr(sql), NULL, &result, err));
    *ret_changed = (size_t)pg_result_affected(result);
    return LF_OK;
}

static enum lf_code update(struct pg_conn *conn, const struct map *map, const struct row *const *rows, size_t count,
                           struct buf *sql, size_t *ret_changed, struct err *err)
{
    const struct entity *entity = rows[0]->entity;
    TRY(make_staging(conn, map, entity, sql, err));
    buf_reset(sql);
    TRY(fill_staging(conn, rows, count, sql, err));
    TRY(delete_children(conn, map, entity, sql, err));
    return update_from_staging(conn, map, entity, sql, ret_changed, err);
}

enum lf_code row_set_update(struct pg_conn *conn, const struct map *map, const struct row *const *rows, size_t count,
                            size_t *ret_changed, struct err *err)
{
    struct buf sql;
    buf_init(&sql, SQL_BYTES_MAX);
    enum lf_code code = update(conn, map, rows, count, &sql, ret_changed, err);
    buf_done(&sql);
    return code;
}
