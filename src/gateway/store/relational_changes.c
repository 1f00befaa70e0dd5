#include "gateway/store/relational_changes.h"

#include "gateway/store/item_columns.h"
#include "gateway/store/relational_content.h"
#include "gateway/store/relational_reads.h"
#include "gateway/store/relational_rows.h"
#include "item/canonical.h"
#include "map/ddl.h"
#include "move/item_row.h"

/* Rows of a statement, all of one entity. */
struct group {
    struct db_transaction *transaction;
    const struct table *table;
    const struct entity *entity;
    struct relational_change **changes;
    const struct row **rows;
    size_t count;
    struct arena *arena;
};

static enum lf_code make_group(struct group *group, struct err *err)
{
    group->entity = group->changes[0]->row.entity;
    group->rows = arena_calloc(group->arena, group->count, sizeof *group->rows, err);
    for (size_t i = 0; group->rows && i < group->count; i++)
        group->rows[i] = &group->changes[i]->row;
    return group->rows ? LF_OK : err->code;
}

void relational_change_meets(struct relational_change *change, const struct stored_item *old)
{
    change->old = old;
    change->is_update = change->write->item && old && old->is_present && relational_place_of(old).source == change->source;
}

enum lf_code relational_changes_of(const struct table *table, const struct store_write *writes, size_t count, struct arena *arena,
                                   struct relational_change **ret_changes, struct err *err)
{
    struct relational_change *changes = arena_calloc(arena, count + 1, sizeof *changes, err);
    if (!changes)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        changes[i].write = &writes[i];
        if (writes[i].item) {
            TRY(row_encode(table->map, writes[i].item, arena, &changes[i].row, err));
            changes[i].source = relational_source_of(table, changes[i].row.entity);
        }
        relational_change_meets(&changes[i], writes[i].old);
    }
    *ret_changes = changes;
    return LF_OK;
}

/* Adds the parameters, and what follows, to a statement that has begun. */
typedef enum lf_code put_rest(struct binary_sql *sql, const struct group *group, size_t child, struct err *err);

static enum lf_code run(const struct group *group, const char *begin, struct span table, put_rest *put, size_t child,
                        struct pg_result **ret_rows, struct err *err)
{
    BINARY_SQL_CLEANUP struct binary_sql sql;
    binary_sql_init(&sql, group->arena);
    binary_sql_put(&sql, begin);
    ddl_put_table(&sql.text, group->table->whole_map, table);
    TRY(put(&sql, group, child, err));
    return db_run(db_of(group->transaction), group->transaction, &sql, ret_rows, err);
}

static enum lf_code run_blindly(const struct group *group, const char *begin, struct span table, put_rest *put, size_t child,
                                struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *nothing = NULL;
    return run(group, begin, table, put, child, &nothing, err);
}

/* Child tables -----------------------------------------------------------------------------------------------------------------
 */

static void put_name(struct binary_sql *sql, const struct column *column)
{
    ddl_put_identifier(&sql->text, column->name);
    binary_sql_put(sql, ", ");
}

static void put_primary_key_names(struct binary_sql *sql, const struct entity *entity)
{
    for (size_t i = 0; i < entity->primary_key_count; i++)
        put_name(sql, &entity->columns[entity->primary_key[i]]);
}

static enum lf_code put_child_insert(struct binary_sql *sql, const struct group *group, size_t at, struct err *err)
{
    const struct entity *entity = group->entity;
    const struct child *child = &entity->children[at];
    size_t number = 0;
    binary_sql_put(sql, " (");
    put_primary_key_names(sql, entity);
    for (size_t i = 0; i < child->column_count; i++)
        put_name(sql, &child->columns[i]);
    binary_sql_put(sql, "\"position\") SELECT ");
    for (size_t i = 0; i < entity->primary_key_count; i++) {
        relational_put_value(sql, entity->columns[entity->primary_key[i]].type, number++);
        binary_sql_put(sql, ", ");
    }
    size_t position = number++;
    for (size_t i = 0; i < child->column_count; i++) {
        relational_put_value(sql, child->columns[i].type, number++);
        binary_sql_put(sql, ", ");
    }
    relational_put_value(sql, COLUMN_INTEGER, position);
    binary_sql_put(sql, " FROM (SELECT ");
    TRY(relational_put_child_columns(sql, entity, at, group->rows, group->count, err));
    binary_sql_put(sql, ") AS k");
    return LF_OK;
}

static enum lf_code insert_children(const struct group *group, struct err *err)
{
    for (size_t i = 0; i < group->entity->child_count; i++)
        if (relational_child_rows(group->rows, group->count, i))
            TRY(run_blindly(group, "INSERT INTO ", group->entity->children[i].table, put_child_insert, i, err));
    return LF_OK;
}

/* t."id" = k.n0 AND …, the first being n`first`. */
static void put_same_primary_key(struct binary_sql *sql, const struct entity *entity, size_t first, const char *before)
{
    for (size_t i = 0; i < entity->primary_key_count; i++) {
        binary_sql_put(sql, i ? " AND t." : before);
        ddl_put_identifier(&sql->text, entity->columns[entity->primary_key[i]].name);
        buf_printf(&sql->text, " = k.n%zu", first ? (size_t)entity->primary_key[i] : i);
    }
}

static enum lf_code put_child_delete(struct binary_sql *sql, const struct group *group, size_t at, struct err *err)
{
    (void)at;
    binary_sql_put(sql, " AS t USING (SELECT ");
    TRY(relational_put_primary_keys(sql, group->entity, group->rows, group->count, err));
    binary_sql_put(sql, ") AS k WHERE ");
    put_same_primary_key(sql, group->entity, 0, "t.");
    return LF_OK;
}

static enum lf_code delete_children(const struct group *group, struct err *err)
{
    for (size_t i = 0; i < group->entity->child_count; i++)
        TRY(run_blindly(group, "DELETE FROM ", group->entity->children[i].table, put_child_delete, i, err));
    return LF_OK;
}

/* Insert -----------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code put_insert(struct binary_sql *sql, const struct group *group, size_t child, struct err *err)
{
    const struct entity *entity = group->entity;
    (void)child;
    binary_sql_put(sql, " (");
    for (size_t i = 0; i < entity->column_count; i++)
        put_name(sql, &entity->columns[i]);
    binary_sql_put(sql, "ddb_extra) SELECT ");
    for (size_t i = 0; i < entity->column_count; i++) {
        relational_put_value(sql, entity->columns[i].type, i);
        binary_sql_put(sql, ", ");
    }
    relational_put_value(sql, COLUMN_JSONB, entity->column_count);
    binary_sql_put(sql, " FROM (SELECT ");
    TRY(relational_put_columns(sql, entity, group->rows, group->count, err));
    binary_sql_put(sql, ") AS k");
    return LF_OK;
}

enum lf_code relational_insert(struct db_transaction *transaction, const struct table *table, struct relational_change **changes,
                               size_t count, struct arena *arena, struct err *err)
{
    struct group group = { .transaction = transaction, .table = table, .changes = changes, .count = count, .arena = arena };
    TRY(make_group(&group, err));
    TRY(run_blindly(&group, "INSERT INTO ", group.entity->table, put_insert, 0, err));
    return insert_children(&group, err);
}

/* Update -----------------------------------------------------------------------------------------------------------------------
 */

static bool is_in_primary_key(const struct entity *entity, size_t column)
{
    for (size_t i = 0; i < entity->primary_key_count; i++)
        if (entity->primary_key[i] == column)
            return true;
    return false;
}

static void put_assignments(struct binary_sql *sql, const struct entity *entity)
{
    for (size_t i = 0; i < entity->column_count; i++) {
        if (is_in_primary_key(entity, i))
            continue;
        ddl_put_identifier(&sql->text, entity->columns[i].name);
        binary_sql_put(sql, " = ");
        relational_put_value(sql, entity->columns[i].type, i);
        binary_sql_put(sql, ", ");
    }
    binary_sql_put(sql, "ddb_extra = ");
    relational_put_value(sql, COLUMN_JSONB, entity->column_count);
}

static enum lf_code put_old_places(struct binary_sql *sql, const struct group *group, struct err *err)
{
    const struct stored_item **old = arena_calloc(group->arena, group->count, sizeof *old, err);
    if (!old)
        return err->code;
    for (size_t i = 0; i < group->count; i++)
        old[i] = group->changes[i]->old;
    return relational_put_places(sql, old, group->count, err);
}

static enum lf_code put_numbers(struct binary_sql *sql, size_t count, struct err *err)
{
    struct pg_field *numbers = arena_calloc(sql->arena, count, sizeof *numbers, err);
    if (!numbers)
        return err->code;
    for (size_t i = 0; i < count; i++)
        TRY(pg_field_int64((int64_t)i, sql->arena, &numbers[i], err));
    binary_sql_put(sql, "unnest(");
    binary_sql_array(sql, numbers, count, 1, PG_OID_INT8, "int8");
    binary_sql_put(sql, ") AS number");
    return LF_OK;
}

static enum lf_code put_update(struct binary_sql *sql, const struct group *group, size_t child, struct err *err)
{
    const struct entity *entity = group->entity;
    (void)child;
    binary_sql_put(sql, " AS t SET ");
    put_assignments(sql, entity);
    binary_sql_put(sql, " FROM (SELECT ");
    TRY(relational_put_columns(sql, entity, group->rows, group->count, err));
    binary_sql_put(sql, ", ");
    TRY(put_numbers(sql, group->count, err));
    binary_sql_put(sql, ", ");
    TRY(put_old_places(sql, group, err));
    binary_sql_put(sql, ") AS k WHERE t.ctid = k.place AND t.xmin = k.version");
    put_same_primary_key(sql, entity, 1, " AND t.");
    binary_sql_put(sql, " RETURNING k.number");
    return LF_OK;
}

enum lf_code relational_put_update(struct binary_sql *sql, const struct table *table, struct relational_change **changes,
                                   size_t count, struct err *err)
{
    struct group group = { .table = table, .changes = changes, .count = count, .arena = sql->arena };
    TRY(make_group(&group, err));
    binary_sql_put(sql, "UPDATE ");
    ddl_put_table(&sql->text, table->whole_map, group.entity->table);
    return put_update(sql, &group, 0, err);
}

enum lf_code relational_note_updated(struct relational_change **changes, size_t count, const struct pg_result *updated,
                                     struct err *err)
{
    for (size_t i = 0; i < count; i++)
        changes[i]->is_written = false;
    for (size_t i = 0; i < pg_result_rows(updated); i++) {
        size_t number = 0;
        TRY(relational_row_number(updated, i, 0, count, &number, err));
        changes[number]->is_written = true;
    }
    return LF_OK;
}

static void keep_written(struct group *group)
{
    size_t kept = 0;
    for (size_t i = 0; i < group->count; i++)
        if (group->changes[i]->is_written)
            group->rows[kept++] = &group->changes[i]->row;
    group->count = kept;
}

enum lf_code relational_update(struct db_transaction *transaction, const struct table *table, struct relational_change **changes,
                               size_t count, struct arena *arena, struct err *err)
{
    struct group group = { .transaction = transaction, .table = table, .changes = changes, .count = count, .arena = arena };
    PG_RESULT_CLEANUP struct pg_result *updated = NULL;
    TRY(make_group(&group, err));
    TRY(run(&group, "UPDATE ", group.entity->table, put_update, 0, &updated, err));
    TRY(relational_note_updated(changes, count, updated, err));
    keep_written(&group);
    if (group.count)
        TRY(delete_children(&group, err));
    return insert_children(&group, err);
}

/* Insert or update -------------------------------------------------------------------------------------------------------------
 */

static enum lf_code put_item_places(struct binary_sql *sql, const struct group *group, struct err *err)
{
    struct pg_field *fields = arena_calloc(group->arena, group->count, 2 * sizeof *fields, err);
    if (!fields)
        return err->code;
    for (size_t i = 0; i < group->count; i++) {
        struct item_place place;
        TRY(item_place(&group->changes[i]->write->key.bytes, group->arena, &place, err));
        fields[2 * i] = (struct pg_field){ place.h.ptr, place.h.len };
        fields[2 * i + 1] = (struct pg_field){ place.sk.ptr, place.sk.len };
    }
    binary_sql_put(sql, "(SELECT unnest(");
    binary_sql_array(sql, fields, group->count, 2, PG_OID_BYTEA, "bytea");
    binary_sql_put(sql, ") AS h, unnest(");
    binary_sql_array(sql, fields + 1, group->count, 2, PG_OID_BYTEA, "bytea");
    binary_sql_put(sql, ") AS sk) AS k");
    return LF_OK;
}

static enum lf_code put_item_delete(struct binary_sql *sql, const struct group *group, struct err *err)
{
    binary_sql_put(sql, "DELETE FROM landfall.item AS t USING ");
    TRY(put_item_places(sql, group, err));
    binary_sql_put(sql, " WHERE t.table_name = ");
    binary_sql_span(sql, group->table->name, "text");
    binary_sql_put(sql, " AND t.h = k.h AND t.sk = k.sk");
    return LF_OK;
}

static void put_conflict(struct binary_sql *sql, const struct entity *entity)
{
    binary_sql_put(sql, " ON CONFLICT (");
    for (size_t i = 0; i < entity->primary_key_count; i++) {
        binary_sql_put(sql, i ? ", " : "");
        ddl_put_identifier(&sql->text, entity->columns[entity->primary_key[i]].name);
    }
    binary_sql_put(sql, ") DO UPDATE SET ");
    for (size_t i = 0; i < entity->column_count; i++) {
        if (is_in_primary_key(entity, i))
            continue;
        ddl_put_identifier(&sql->text, entity->columns[i].name);
        binary_sql_put(sql, " = excluded.");
        put_name(sql, &entity->columns[i]);
    }
    binary_sql_put(sql, "ddb_extra = excluded.ddb_extra");
}

enum lf_code relational_put_upsert(struct binary_sql *sql, const struct table *table, struct relational_change **changes,
                                   size_t count, struct err *err)
{
    struct group group = { .table = table, .changes = changes, .count = count, .arena = sql->arena };
    TRY(make_group(&group, err));
    binary_sql_put(sql, "WITH gone AS (");
    TRY(put_item_delete(sql, &group, err));
    binary_sql_put(sql, ") INSERT INTO ");
    ddl_put_table(&sql->text, table->whole_map, group.entity->table);
    TRY(put_insert(sql, &group, 0, err));
    put_conflict(sql, group.entity);
    return LF_OK;
}

/* landfall.item ----------------------------------------------------------------------------------------------------------------
 */

enum lf_code relational_insert_items(struct db_transaction *transaction, const struct table *table,
                                     struct relational_change **changes, size_t count, struct arena *arena, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *nothing = NULL;
    struct pg_field *fields = arena_calloc(arena, count, ITEM_ROW_FIELDS * sizeof *fields, err);
    if (!fields)
        return err->code;
    for (size_t i = 0; i < count; i++)
        TRY(item_row_fields(table->name, &changes[i]->write->key.bytes, changes[i]->write->item, changes[i]->row.reason, arena,
                            fields + i * ITEM_ROW_FIELDS, err));
    BINARY_SQL_CLEANUP struct binary_sql sql;
    binary_sql_init(&sql, arena);
    binary_sql_put(&sql, "INSERT INTO landfall.item AS t (table_name, h, sk, pk, item, reason) SELECT ");
    static const enum pg_oid oids[ITEM_ROW_FIELDS] = { PG_OID_TEXT,  PG_OID_BYTEA, PG_OID_BYTEA,
                                                       PG_OID_BYTEA, PG_OID_JSON,  PG_OID_TEXT };
    static const char *const types[ITEM_ROW_FIELDS] = { "text", "bytea", "bytea", "bytea", "json", "text" };
    for (size_t i = 0; i < ITEM_ROW_FIELDS; i++) {
        binary_sql_put(&sql, i ? ", unnest(" : "unnest(");
        binary_sql_array(&sql, fields + i, count, ITEM_ROW_FIELDS, oids[i], types[i]);
        binary_sql_put(&sql, ")");
    }
    binary_sql_put(&sql, " ON CONFLICT (table_name, h, sk) DO UPDATE SET item = excluded.item, reason = excluded.reason");
    return db_run(db_of(transaction), transaction, &sql, &nothing, err);
}

/* Streams ----------------------------------------------------------------------------------------------------------------------
 */

enum { IMAGE_H, IMAGE_SK, IMAGE_OLD, IMAGE_NEW, IMAGE_BY_TTL, IMAGE_FIELDS };

static enum lf_code item_json(const struct item *item, struct arena *arena, struct pg_field *ret_json, struct err *err)
{
    struct stored_item stored = { .has_item = true, .item = *item };
    struct span json;
    TRY(stored_item_json(&stored, arena, &json, err));
    *ret_json = (struct pg_field){ json.ptr, json.len };
    return LF_OK;
}

static enum lf_code image_fields(const struct relational_change *change, struct arena *arena, struct pg_field *fields,
                                 struct err *err)
{
    const struct store_write *write = change->write;
    struct item_place place;
    TRY(item_place(&write->key.bytes, arena, &place, err));
    fields[IMAGE_H] = (struct pg_field){ place.h.ptr, place.h.len };
    fields[IMAGE_SK] = (struct pg_field){ place.sk.ptr, place.sk.len };
    fields[IMAGE_BY_TTL] = (struct pg_field){ write->by_ttl ? "\1" : "\0", 1 };
    if (change->old->is_present)
        TRY(item_json(&change->old->item, arena, &fields[IMAGE_OLD], err));
    return write->item ? item_json(write->item, arena, &fields[IMAGE_NEW], err) : LF_OK;
}

static bool makes_record(const struct relational_change *change)
{
    if (change->write->item && change->old->is_present)
        return !item_equal(&change->old->item, change->write->item);
    return change->write->item || change->old->is_present;
}

static void put_images(struct binary_sql *sql, const struct table *table, const struct pg_field *fields, size_t count)
{
    static const enum pg_oid oids[IMAGE_FIELDS] = { PG_OID_BYTEA, PG_OID_BYTEA, PG_OID_JSON, PG_OID_JSON, PG_OID_BOOL };
    static const char *const types[IMAGE_FIELDS] = { "bytea", "bytea", "json", "json", "bool" };
    binary_sql_put(sql, "INSERT INTO landfall.change_in (table_id, label, h, sk, old_item, new_item, by_ttl) SELECT ");
    binary_sql_int64(sql, table->id);
    binary_sql_put(sql, ", ");
    binary_sql_span(sql, table->stream_label, "text");
    for (size_t i = 0; i < IMAGE_FIELDS; i++) {
        binary_sql_put(sql, ", unnest(");
        binary_sql_array(sql, fields + i, count, IMAGE_FIELDS, oids[i], types[i]);
        binary_sql_put(sql, ")");
    }
}

enum lf_code relational_insert_images(struct db_transaction *transaction, const struct table *table,
                                      const struct relational_change *changes, size_t count, struct arena *arena, struct err *err)
{
    size_t images = 0;
    PG_RESULT_CLEANUP struct pg_result *nothing = NULL;
    if (table->stream == API_STREAM_VIEW_TYPE_UNSET)
        return LF_OK;
    struct pg_field *fields = arena_calloc(arena, count, IMAGE_FIELDS * sizeof *fields, err);
    if (!fields)
        return err->code;
    for (size_t i = 0; i < count; i++)
        if (makes_record(&changes[i]))
            TRY(image_fields(&changes[i], arena, fields + IMAGE_FIELDS * images++, err));
    if (!images)
        return LF_OK;
    BINARY_SQL_CLEANUP struct binary_sql sql;
    binary_sql_init(&sql, arena);
    put_images(&sql, table, fields, images);
    return db_run(db_of(transaction), transaction, &sql, &nothing, err);
}
