#include "move/row_identity.h"

#include "map/ddl.h"
#include "move/exec_binary.h"

enum { IDENTITY_SQL_BYTES = 1024 * 1024 };

enum lf_code row_identity_of(const struct target_item *row, struct arena *arena, struct row_identity *ret_identity,
                             struct err *err)
{
    const struct entity *entity = row->part->entity;
    struct row_identity identity = { .table = row->part->table, .entity = entity };
    identity.field_count = entity ? entity->primary_key_count : TARGET_ITEM_FIELDS - 1;
    identity.fields = arena_calloc(arena, identity.field_count, sizeof *identity.fields, err);
    if (!identity.fields)
        return err->code;
    for (size_t i = 0; i < identity.field_count; i++)
        TRY(pg_field_copy(row->fields[entity ? entity->primary_key[i] : i + 1], arena, &identity.fields[i], err));
    *ret_identity = identity;
    return LF_OK;
}

bool row_identity_fits(const struct row_identity *identity, const struct entity *entity, const struct pg_field *fields)
{
    if (!entity || identity->entity != entity)
        return false;
    for (size_t i = 0; i < identity->field_count; i++) {
        struct pg_field a = identity->fields[i], b = fields[entity->primary_key[i]];
        if (!a.data || !b.data || !span_equal(span_of(a.data, a.len), span_of(b.data, b.len)))
            return false;
    }
    return true;
}

void row_identity_put_where(struct buf *sql, const struct entity *entity, size_t first)
{
    for (size_t i = 0; i < entity->primary_key_count; i++) {
        buf_put_cstr(sql, i ? " AND " : "");
        ddl_put_identifier(sql, entity->columns[entity->primary_key[i]].name);
        buf_printf(sql, " = $%zu", first + i);
    }
}

/* A child's rows carry their parent's primary key under the same names. */
static enum lf_code delete_from(struct pg_conn *conn, const struct map *map, const struct row_identity *identity,
                                struct span table, struct err *err)
{
    struct buf sql;
    buf_init(&sql, IDENTITY_SQL_BYTES);
    buf_put_cstr(&sql, "DELETE FROM ");
    ddl_put_table(&sql, map, table);
    buf_put_cstr(&sql, " WHERE ");
    row_identity_put_where(&sql, identity->entity, 1);
    enum lf_code code = buf_check(&sql, err);
    if (code == LF_OK)
        code = exec_binary(conn, buf_cstr(&sql), identity->fields, identity->field_count, NULL, err);
    buf_done(&sql);
    return code;
}

enum lf_code row_identity_delete_children(struct pg_conn *conn, const struct map *map, const struct row_identity *identity,
                                          struct err *err)
{
    for (size_t i = 0; i < identity->entity->child_count; i++)
        TRY(delete_from(conn, map, identity, identity->entity->children[i].table, err));
    return LF_OK;
}

static enum lf_code delete_unclaimed(struct pg_conn *conn, const struct row_identity *identity, struct err *err)
{
    struct span table = identity->table->name;
    const struct pg_field values[] = { { table.ptr, table.len }, identity->fields[0], identity->fields[1] };
    return exec_binary(conn, "DELETE FROM landfall.item WHERE table_name = $1 AND h = $2 AND sk = $3", values, 3, NULL, err);
}

enum lf_code row_identity_delete(struct pg_conn *conn, const struct map *map, const struct row_identity *identity,
                                 struct err *err)
{
    if (!identity->entity)
        return delete_unclaimed(conn, identity, err);
    TRY(row_identity_delete_children(conn, map, identity, err));
    return delete_from(conn, map, identity, identity->entity->table, err);
}
