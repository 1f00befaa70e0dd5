#include "gateway/store/relational_triggers.h"

#include "base/hash.h"
#include "codec/utf8.h"
#include "map/ddl.h"
#include "map/key_search.h"

enum { SQL_BYTES_MAX = 4 * 1024 * 1024, NAME_BYTES_MAX = 40 };

/* Upper case, so that it runs before the triggers of foreign keys ("RI_…") delete the rows of child tables. */
#define TRIGGER_NAME "LANDFALL_change"

struct maker {
    struct pg_conn *conn;
    const struct map *map;
    const struct entity *entity;
    const struct child *child; /* NULL: the entity's own table */
    const char *event;         /* of a child's trigger, which there is one of for each */
};

static const char insert_event[] = "insert", update_event[] = "update", delete_event[] = "delete";

/* Names -----------------------------------------------------------------------------------------------------------------------
 */

static struct span table_of(const struct maker *maker)
{
    return maker->child ? maker->child->table : maker->entity->table;
}

/* landfall."message_0123456789abcdef_changed": the hash tells apart what begins alike. */
static void put_function(struct buf *sql, const struct maker *maker)
{
    struct span table = table_of(maker), begin = utf8_cut(table, NAME_BYTES_MAX);
    uint64_t hash = hash64(table, hash64(maker->map->schema, 0));
    buf_put_cstr(sql, "landfall.\"");
    for (size_t i = 0; i < begin.len; i++)
        buf_put_byte(sql, begin.ptr[i] == '"' ? '_' : begin.ptr[i]);
    buf_printf(sql, "_%016llx_%s\"", (unsigned long long)hash, maker->event ? maker->event : "changed");
}

static void put_trigger_name(struct buf *sql, const struct maker *maker)
{
    buf_printf(sql, TRIGGER_NAME "%s%s", maker->event ? "_" : "", maker->event ? maker->event : "");
}

/* Images ----------------------------------------------------------------------------------------------------------------------
 */

static void put_key_bytes(struct buf *sql, const struct key_search_part *part)
{
    static const char *const functions[] = { [VALUE_S] = "convert_to(", [VALUE_N] = "landfall.number_key(", [VALUE_B] = "(" };
    struct key_operand operand = { part, true };
    buf_put_cstr(sql, functions[part->type]);
    key_operand_put(sql, &operand);
    buf_put_cstr(sql, part->type == VALUE_S ? ", 'UTF8')" : ")");
}

/* The key's place as in the item store: h, sk. */
static void put_place(struct buf *sql, const struct key_search *key)
{
    buf_put_cstr(sql, "substring(sha256(");
    put_key_bytes(sql, &key->parts[0]);
    buf_put_cstr(sql, ") FROM 1 FOR 16), ");
    if (key->count > 1)
        put_key_bytes(sql, &key->parts[1]);
    else
        buf_put_cstr(sql, "''::bytea");
}

static void put_image(struct buf *sql, const struct maker *maker, struct span child_source)
{
    buf_put_cstr(sql, "record_send(ROW(");
    ddl_put_fields_with(sql, maker->map, maker->entity, maker->child, child_source);
    buf_put_cstr(sql, "))");
}

static void put_arguments(struct buf *sql, const struct maker *maker)
{
    ddl_put_literal(sql, maker->entity->dynamodb_table->name);
    buf_put_cstr(sql, ", ");
    ddl_put_literal(sql, maker->entity->name);
}

/* Functions -------------------------------------------------------------------------------------------------------------------
 */

static void put_header(struct buf *sql, const struct maker *maker)
{
    buf_put_cstr(sql, "CREATE OR REPLACE FUNCTION ");
    put_function(sql, maker);
    buf_put_cstr(sql, "() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $landfall$\n"
                      "#variable_conflict use_column\n");
}

static void put_selection(struct buf *sql, const struct maker *maker, const struct key_search *key, const char *which,
                          const char *except)
{
    buf_printf(sql, "    IF TG_OP <> '%s' THEN\n        SELECT ", except);
    put_place(sql, key);
    buf_put_cstr(sql, ", ");
    put_image(sql, maker, SPAN(""));
    buf_printf(sql, "\n        INTO landfall_%s_h, landfall_%s_sk, landfall_%s_row FROM (SELECT (%s).*) AS t;\n    END IF;\n",
               which, which, which, which);
}

static void put_row_function(struct buf *sql, const struct maker *maker, const struct key_search *key)
{
    put_header(sql, maker);
    buf_put_cstr(sql, "DECLARE\n"
                      "    landfall_old_h bytea; landfall_old_sk bytea; landfall_old_row bytea;\n"
                      "    landfall_new_h bytea; landfall_new_sk bytea; landfall_new_row bytea;\n"
                      "BEGIN\n"
                      "    IF NOT landfall.has_stream(");
    ddl_put_literal(sql, maker->entity->dynamodb_table->name);
    buf_put_cstr(sql, ") THEN\n        RETURN NULL;\n    END IF;\n");
    put_selection(sql, maker, key, "old", "INSERT");
    put_selection(sql, maker, key, "new", "DELETE");
    buf_put_cstr(sql, "    PERFORM landfall.put_change(");
    put_arguments(sql, maker);
    buf_put_cstr(sql, ", landfall_old_h, landfall_old_sk, landfall_old_row, landfall_new_h, landfall_new_sk, landfall_new_row);\n"
                      "    RETURN NULL;\nEND $landfall$;\n");
}

/* "a.id, a.position" */
static void put_child_key(struct buf *sql, const struct entity *entity, const char *alias, bool has_position)
{
    for (size_t i = 0; i < entity->primary_key_count; i++) {
        buf_printf(sql, "%s%s.", i ? ", " : "", alias);
        ddl_put_identifier(sql, entity->columns[entity->primary_key[i]].name);
    }
    if (has_position)
        buf_printf(sql, ", %s.\"position\"", alias);
}

static void put_columns_of_child(struct buf *sql, const struct maker *maker, const char *alias)
{
    put_child_key(sql, maker->entity, alias, true);
    for (size_t i = 0; i < maker->child->column_count; i++) {
        buf_printf(sql, ", %s.", alias);
        ddl_put_identifier(sql, maker->child->columns[i].name);
    }
}

/* The child's table as it was: without the new rows, and with the old ones. */
static void put_rows_before(struct buf *sql, const struct maker *maker)
{
    buf_put_cstr(sql, "(SELECT ");
    put_columns_of_child(sql, maker, "r");
    buf_put_cstr(sql, " FROM ");
    ddl_put_table(sql, maker->map, maker->child->table);
    buf_put_cstr(sql, " AS r");
    if (maker->event != delete_event) {
        buf_put_cstr(sql, " WHERE (");
        put_child_key(sql, maker->entity, "r", true);
        buf_put_cstr(sql, ") NOT IN (SELECT ");
        put_child_key(sql, maker->entity, "n", true);
        buf_put_cstr(sql, " FROM landfall_after AS n)");
    }
    if (maker->event != insert_event) {
        buf_put_cstr(sql, " UNION ALL SELECT ");
        put_columns_of_child(sql, maker, "o");
        buf_put_cstr(sql, " FROM landfall_before AS o");
    }
    buf_put_cstr(sql, ")");
}

/* "(t.id) IN (SELECT … of the rows that changed)" */
static void put_is_parent(struct buf *sql, const struct maker *maker)
{
    buf_put_cstr(sql, "(");
    put_child_key(sql, maker->entity, "t", false);
    buf_put_cstr(sql, ") IN (SELECT ");
    put_child_key(sql, maker->entity, "n", false);
    buf_printf(sql, " FROM %s AS n", maker->event == delete_event ? "landfall_before" : "landfall_after");
    if (maker->event == update_event) {
        buf_put_cstr(sql, " UNION ALL SELECT ");
        put_child_key(sql, maker->entity, "o", false);
        buf_put_cstr(sql, " FROM landfall_before AS o");
    }
    buf_put_cstr(sql, ")");
}

static void put_parent(struct buf *sql, const struct maker *maker)
{
    ddl_put_table(sql, maker->map, maker->entity->table);
    buf_put_cstr(sql, " AS t");
}

static void put_change_of_parent(struct buf *sql, const struct maker *maker, const struct key_search *key)
{
    struct buf before;
    buf_init(&before, SQL_BYTES_MAX);
    put_rows_before(&before, maker);
    sql->failed |= before.failed;
    buf_put_cstr(sql, "    PERFORM landfall.put_change(");
    put_arguments(sql, maker);
    buf_put_cstr(sql, ", ");
    put_place(sql, key);
    buf_put_cstr(sql, ", ");
    put_image(sql, maker, buf_span(&before));
    buf_done(&before);
    buf_put_cstr(sql, ", ");
    put_place(sql, key);
    buf_put_cstr(sql, ", ");
    put_image(sql, maker, SPAN(""));
    buf_put_cstr(sql, ")\n    FROM ");
    put_parent(sql, maker);
    buf_put_cstr(sql, " WHERE landfall.has_stream(");
    ddl_put_literal(sql, maker->entity->dynamodb_table->name);
    buf_put_cstr(sql, ") AND ");
    put_is_parent(sql, maker);
}

/* The parent's own trigger has nothing to say of it. */
static void put_child_function(struct buf *sql, const struct maker *maker, const struct key_search *key)
{
    put_header(sql, maker);
    buf_put_cstr(sql, "BEGIN\n    PERFORM set_config('landfall.writer', 'gateway', true);\n    UPDATE ");
    put_parent(sql, maker);
    buf_put_cstr(sql, " SET ddb_extra = t.ddb_extra WHERE ");
    put_is_parent(sql, maker);
    buf_put_cstr(sql, ";\n    PERFORM set_config('landfall.writer', '', true);\n");
    put_change_of_parent(sql, maker, key);
    buf_put_cstr(sql, ";\n    RETURN NULL;\nEND $landfall$;\n");
}

/* Triggers --------------------------------------------------------------------------------------------------------------------
 */

static void put_events(struct buf *sql, const struct maker *maker)
{
    if (!maker->event) {
        buf_put_cstr(sql, "INSERT OR UPDATE OR DELETE ON ");
        ddl_put_table(sql, maker->map, maker->entity->table);
        buf_put_cstr(sql, " FOR EACH ROW");
        return;
    }
    buf_printf(sql, "%s ON ", maker->event);
    ddl_put_table(sql, maker->map, maker->child->table);
    buf_put_cstr(sql, " REFERENCING");
    if (maker->event != insert_event)
        buf_put_cstr(sql, " OLD TABLE AS landfall_before");
    if (maker->event != delete_event)
        buf_put_cstr(sql, " NEW TABLE AS landfall_after");
    buf_put_cstr(sql, " FOR EACH STATEMENT");
}

/* Making one keeps writers out for a moment, so it is left alone where it is. */
static void put_trigger(struct buf *sql, const struct maker *maker)
{
    struct buf table;
    buf_init(&table, SQL_BYTES_MAX);
    ddl_put_table(&table, maker->map, table_of(maker));
    sql->failed |= table.failed;
    buf_put_cstr(sql, "DO $landfall$ BEGIN\n    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgname = '");
    put_trigger_name(sql, maker);
    buf_put_cstr(sql, "' AND tgrelid = ");
    ddl_put_literal(sql, buf_span(&table));
    buf_done(&table);
    buf_put_cstr(sql, "::regclass) THEN\n        CREATE TRIGGER \"");
    put_trigger_name(sql, maker);
    buf_put_cstr(sql, "\" AFTER ");
    put_events(sql, maker);
    buf_put_cstr(sql, " WHEN (current_setting('landfall.writer', true) IS DISTINCT FROM 'gateway') EXECUTE FUNCTION ");
    put_function(sql, maker);
    buf_put_cstr(sql, "();\n    END IF;\nEND $landfall$;\n");
}

static enum lf_code run(const struct maker *maker, struct buf *sql, struct err *err)
{
    TRY(buf_check(sql, err));
    if (pg_exec(maker->conn, buf_cstr(sql), err))
        return err_while(err, "making a trigger of table %.*s", SPAN_ARG(table_of(maker)));
    return LF_OK;
}

static enum lf_code make(const struct maker *maker, struct err *err)
{
    struct key_search key;
    struct buf sql;
    if (!key_search_find(maker->entity, &maker->entity->dynamodb_table->key, &key))
        return ERR(err, LF_MAP, "entity %.*s has no template of the table's key", SPAN_ARG(maker->entity->name));
    buf_init(&sql, SQL_BYTES_MAX);
    if (maker->child)
        put_child_function(&sql, maker, &key);
    else
        put_row_function(&sql, maker, &key);
    put_trigger(&sql, maker);
    enum lf_code code = run(maker, &sql, err);
    buf_done(&sql);
    return code;
}

static enum lf_code make_for_child(struct maker maker, struct err *err)
{
    const char *const events[] = { insert_event, update_event, delete_event };
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        maker.event = events[i];
        TRY(make(&maker, err));
    }
    return LF_OK;
}

enum lf_code relational_make_triggers(struct pg_conn *conn, const struct map *map, const struct map_table *table, struct err *err)
{
    for (size_t i = 0; i < table->entity_count; i++) {
        struct maker maker = { .conn = conn, .map = map, .entity = &table->entities[i] };
        TRY(make(&maker, err));
        for (size_t c = 0; c < maker.entity->child_count; c++) {
            maker.child = &maker.entity->children[c];
            TRY(make_for_child(maker, err));
            maker.child = NULL;
        }
    }
    return LF_OK;
}
