#include "move/follow/referrers.h"

#include "map/ddl.h"
#include "map/row.h"
#include "move/row_writer.h"
#include "pg/binary_sql.h"

enum { DEPTH_MAX = 64 };

struct moving {
    struct pg_conn *conn;
    const struct map *map;
    struct arena *arena;
    unsigned depth;
};

static enum lf_code move_referrers(struct moving *moving, const struct row_identity *row, struct err *err);

static struct pg_field value_of(const struct row_identity *row, unsigned column)
{
    for (size_t i = 0; i < row->entity->primary_key_count; i++)
        if (row->entity->primary_key[i] == column)
            return row->fields[i];
    return PG_NULL;
}

/* Held, because their gateways may be writing them. */
static enum lf_code find_referrers(const struct moving *moving, const struct row_identity *row, const struct entity *entity,
                                   const struct foreign_key *key, struct pg_result **ret_rows, struct err *err)
{
    BINARY_SQL_CLEANUP struct binary_sql sql;
    binary_sql_init(&sql, moving->arena);
    binary_sql_put(&sql, "SELECT ");
    ddl_put_fields(&sql.text, moving->map, entity);
    binary_sql_put(&sql, " FROM ");
    ddl_put_table(&sql.text, moving->map, entity->table);
    binary_sql_put(&sql, " AS t WHERE ");
    for (size_t i = 0; i < key->count; i++) {
        const struct column *column = &row->entity->columns[key->references[i]];
        binary_sql_put(&sql, i ? " AND t." : "t.");
        ddl_put_identifier(&sql.text, entity->columns[key->columns[i]].name);
        binary_sql_put(&sql, " = ");
        binary_sql_param(&sql, value_of(row, key->references[i]), column_type_name(column->type));
    }
    binary_sql_put(&sql, " FOR UPDATE OF t");
    return binary_sql_query(&sql, moving->conn, ret_rows, err);
}

static enum lf_code keep_item(const struct moving *moving, const struct entity *entity, const struct item *item,
                              const struct entity *parent, struct err *err)
{
    struct row_writer writer;
    struct span reason;
    TRY(arena_printf(moving->arena, &reason, err, "the row of %.*s that it refers to is gone", SPAN_ARG(parent->table)));
    row_writer_init(&writer, moving->map);
    enum lf_code code = row_writer_add_unclaimed(&writer, entity->dynamodb_table, item, reason, moving->arena, err);
    if (!code)
        code = row_writer_copy(&writer, moving->conn, err);
    row_writer_done(&writer);
    return code;
}

static enum lf_code move_row(struct moving *moving, const struct entity *entity, const struct pg_field *fields,
                             const struct entity *parent, struct err *err)
{
    struct item item;
    struct row_identity identity = { .table = entity->dynamodb_table, .entity = entity };
    identity.field_count = entity->primary_key_count;
    identity.fields = arena_calloc(moving->arena, identity.field_count, sizeof *identity.fields, err);
    if (!identity.fields)
        return err->code;
    for (size_t i = 0; i < identity.field_count; i++)
        identity.fields[i] = fields[entity->primary_key[i]];
    TRY(row_decode(entity, fields, moving->arena, &item, err));
    TRY(move_referrers(moving, &identity, err));
    TRY(row_identity_delete(moving->conn, moving->map, &identity, err));
    return keep_item(moving, entity, &item, parent, err);
}

static enum lf_code move_by(struct moving *moving, const struct row_identity *row, const struct entity *entity,
                            const struct foreign_key *key, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    size_t count = row_select_count(entity);
    struct pg_field *fields = arena_calloc(moving->arena, count, sizeof *fields, err);
    if (!fields)
        return err->code;
    TRY(find_referrers(moving, row, entity, key, &rows, err));
    for (size_t i = 0; i < pg_result_rows(rows); i++) {
        for (size_t k = 0; k < count; k++)
            fields[k] = pg_result_get(rows, i, k);
        TRY(move_row(moving, entity, fields, row->entity, err));
    }
    return LF_OK;
}

static enum lf_code move_from(struct moving *moving, const struct row_identity *row, const struct entity *entity, struct err *err)
{
    for (size_t i = 0; i < entity->foreign_key_count; i++) {
        const struct foreign_key *key = &entity->foreign_keys[i];
        if (key->parent == row->entity && key->enforce == ENFORCE_NOW)
            TRY(move_by(moving, row, entity, key, err));
    }
    return LF_OK;
}

static enum lf_code move_referrers(struct moving *moving, const struct row_identity *row, struct err *err)
{
    if (!row->entity)
        return LF_OK;
    if (moving->depth == DEPTH_MAX)
        return ERR(err, LF_LIMIT, "rows of %.*s refer to each other more than %d deep", SPAN_ARG(row->entity->table), DEPTH_MAX);
    moving->depth++;
    for (size_t t = 0; t < moving->map->table_count; t++)
        for (size_t e = 0; e < moving->map->tables[t].entity_count; e++)
            TRY(move_from(moving, row, &moving->map->tables[t].entities[e], err));
    moving->depth--;
    return LF_OK;
}

enum lf_code referrers_move(struct pg_conn *conn, const struct map *map, const struct row_identity *row, struct arena *arena,
                            struct err *err)
{
    struct moving moving = { conn, map, arena, 0 };
    return move_referrers(&moving, row, err);
}
