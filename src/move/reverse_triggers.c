#include "move/reverse_triggers.h"

#include "base/hash.h"
#include "codec/utf8.h"
#include "map/ddl.h"
#include "map/key_search.h"
#include "pg/retry.h"

enum { SQL_BYTES_MAX = 4 * 1024 * 1024, NAME_BYTES_MAX = 40, LOCK_TIMEOUT_MS = 500 };

struct maker {
    struct buf sql;
    const struct map *map;
    const struct entity *entity;
    const struct child *child; /* NULL: the entity's own table */
};

static struct span table_of(const struct maker *maker)
{
    return maker->child ? maker->child->table : maker->entity->table;
}

/* landfall."message_0123456789abcdef_reverse": the hash tells apart what begins alike. */
static void put_function(struct maker *maker)
{
    struct span table = table_of(maker), begin = utf8_cut(table, NAME_BYTES_MAX);
    buf_put_cstr(&maker->sql, "landfall.\"");
    for (size_t i = 0; i < begin.len; i++)
        buf_put_byte(&maker->sql, begin.ptr[i] == '"' ? '_' : begin.ptr[i]);
    buf_printf(&maker->sql, "_%016llx_reverse\"", (unsigned long long)hash64(table, hash64(maker->map->schema, 0)));
}

/* Keys ------------------------------------------------------------------------------------------------------------------------
 */

static void put_value(struct buf *sql, const struct key_search_part *part)
{
    struct key_operand operand = { part, part->column == NULL || part->type != VALUE_B };
    key_operand_put(sql, &operand);
}

/* 'pk', json_build_object('S', …) */
static void put_attribute(struct buf *sql, const struct key_attribute *attribute, const struct key_search_part *part)
{
    static const char *const before[] = { [VALUE_S] = "'S', ", [VALUE_N] = "'N', (", [VALUE_B] = "'B', translate(encode(" };
    static const char *const behind[] = { [VALUE_S] = ")", [VALUE_N] = ")::text)", [VALUE_B] = ", 'base64'), E'\\n', ''))" };
    ddl_put_literal(sql, attribute->name);
    buf_put_cstr(sql, ", json_build_object(");
    buf_put_cstr(sql, before[part->type]);
    put_value(sql, part);
    buf_put_cstr(sql, behind[part->type]);
}

/* Of the row `t`; no row where a part is NULL: it is no item. */
static void put_key(struct maker *maker, const struct key_search *key)
{
    const struct key_schema *schema = &maker->entity->dynamodb_table->key;
    const struct key_attribute *const attributes[] = { &schema->partition, &schema->sort };
    buf_put_cstr(&maker->sql, "json_build_object(");
    for (size_t i = 0; i < key->count; i++) {
        buf_put_cstr(&maker->sql, i ? ", " : "");
        put_attribute(&maker->sql, attributes[i], &key->parts[i]);
    }
    buf_put_byte(&maker->sql, ')');
}

static void put_is_item(struct maker *maker, const struct key_search *key)
{
    for (size_t i = 0; i < key->count; i++) {
        buf_put_cstr(&maker->sql, i ? " AND (" : "(");
        put_value(&maker->sql, &key->parts[i]);
        buf_put_cstr(&maker->sql, ") IS NOT NULL");
    }
}

/* The row itself, or that of the parent. */
static void put_source(struct maker *maker, const char *row)
{
    const struct entity *entity = maker->entity;
    if (!maker->child) {
        buf_printf(&maker->sql, "(SELECT (%s).*) AS t WHERE ", row);
        return;
    }
    ddl_put_table(&maker->sql, maker->map, entity->table);
    buf_put_cstr(&maker->sql, " AS t WHERE ");
    for (size_t i = 0; i < entity->primary_key_count; i++) {
        struct span name = entity->columns[entity->primary_key[i]].name;
        buf_put_cstr(&maker->sql, "t.");
        ddl_put_identifier(&maker->sql, name);
        buf_printf(&maker->sql, " = %s.", row);
        ddl_put_identifier(&maker->sql, name);
        buf_put_cstr(&maker->sql, " AND ");
    }
}

static void put_selection(struct maker *maker, const struct key_search *key, const char *row, const char *except)
{
    buf_printf(&maker->sql, "    IF TG_OP <> '%s' THEN\n        landfall_%s := (SELECT ", except, row);
    put_key(maker, key);
    buf_put_cstr(&maker->sql, " FROM ");
    put_source(maker, row);
    put_is_item(maker, key);
    buf_put_cstr(&maker->sql, ");\n    END IF;\n");
}

/* Functions and triggers ------------------------------------------------------------------------------------------------------
 */

static void put_make_function(struct maker *maker, const struct key_search *key)
{
    struct span table = maker->entity->dynamodb_table->name;
    buf_put_cstr(&maker->sql, "CREATE OR REPLACE FUNCTION ");
    put_function(maker);
    buf_put_cstr(&maker->sql, "() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $landfall$\n"
                              "#variable_conflict use_column\n"
                              "DECLARE\n    landfall_OLD json; landfall_NEW json;\nBEGIN\n    IF NOT landfall.is_reversed(");
    ddl_put_literal(&maker->sql, table);
    buf_put_cstr(&maker->sql, ", ");
    ddl_put_literal(&maker->sql, maker->entity->name);
    buf_put_cstr(&maker->sql, ") THEN\n        RETURN NULL;\n    END IF;\n");
    put_selection(maker, key, "OLD", "INSERT");
    put_selection(maker, key, "NEW", "DELETE");
    buf_put_cstr(&maker->sql, "    PERFORM landfall.note_reverse(");
    ddl_put_literal(&maker->sql, table);
    buf_put_cstr(&maker->sql, ", landfall_OLD, landfall_NEW);\n    RETURN NULL;\nEND $landfall$;\n");
}

static void put_make_trigger(struct buf *sql, const char *name, const char *event, struct span table, const char *level,
                             struct span function)
{
    buf_printf(sql, "CREATE OR REPLACE TRIGGER \"%s\" %s ON %.*s FOR EACH %s EXECUTE FUNCTION %.*s;\n", name, event,
               SPAN_ARG(table), level, SPAN_ARG(function));
    buf_printf(sql, "ALTER TABLE %.*s ENABLE ALWAYS TRIGGER \"%s\";\n", SPAN_ARG(table), name);
}

/* "LANDFALL" in upper case runs before the triggers of foreign keys ("RI_…") delete the rows of child tables. */
static void put_triggers(struct maker *maker)
{
    struct span dynamodb_table = maker->entity->dynamodb_table->name;
    struct maker names = { .map = maker->map, .entity = maker->entity, .child = maker->child };
    struct buf table, refusal;
    buf_init(&names.sql, SQL_BYTES_MAX);
    buf_init(&table, SQL_BYTES_MAX);
    buf_init(&refusal, SQL_BYTES_MAX);
    put_function(&names);
    buf_put_cstr(&names.sql, "()");
    ddl_put_table(&table, maker->map, table_of(maker));
    buf_put_cstr(&refusal, "landfall.refuse_truncate(");
    ddl_put_literal(&refusal, dynamodb_table);
    buf_put_cstr(&refusal, ", ");
    ddl_put_literal(&refusal, maker->entity->name);
    buf_put_byte(&refusal, ')');
    put_make_trigger(&maker->sql, "LANDFALL_reverse", "AFTER INSERT OR UPDATE OR DELETE", buf_span(&table), "ROW",
                     buf_span(&names.sql));
    put_make_trigger(&maker->sql, "LANDFALL_truncate", "BEFORE TRUNCATE", buf_span(&table), "STATEMENT", buf_span(&refusal));
    maker->sql.failed |= names.sql.failed || table.failed || refusal.failed;
    buf_done(&names.sql);
    buf_done(&table);
    buf_done(&refusal);
}

static void put_drop(struct maker *maker)
{
    static const char *const names[] = { "LANDFALL_reverse", "LANDFALL_truncate" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        buf_printf(&maker->sql, "DROP TRIGGER IF EXISTS \"%s\" ON ", names[i]);
        ddl_put_table(&maker->sql, maker->map, table_of(maker));
        buf_put_cstr(&maker->sql, ";\n");
    }
    buf_put_cstr(&maker->sql, "DROP FUNCTION IF EXISTS ");
    put_function(maker);
    buf_put_cstr(&maker->sql, "();\n");
}

/* Running ---------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code put_make(struct maker *maker, struct err *err)
{
    struct key_search key;
    if (!key_search_find(maker->entity, &maker->entity->dynamodb_table->key, &key))
        return ERR(err, LF_MAP, "entity %.*s has no template of the table's key", SPAN_ARG(maker->entity->name));
    put_make_function(maker, &key);
    put_triggers(maker);
    return LF_OK;
}

static enum lf_code put_one(struct maker *maker, bool is_drop, struct err *err)
{
    if (!is_drop)
        return put_make(maker, err);
    put_drop(maker);
    return LF_OK;
}

static enum lf_code execute(void *context, struct pg_conn *conn, struct err *err)
{
    return pg_exec(conn, context, err);
}

static enum lf_code exec_patiently(struct pg_conn *conn, const char *sql, struct err *err)
{
    static const struct pg_retry_policy policy = {
        .attempts_max = 20, .lock_timeout_ms = LOCK_TIMEOUT_MS, .delay_ms_min = 50, .delay_ms_max = 2000
    };
    return pg_retry_transaction(conn, &policy, execute, (void *)(uintptr_t)sql, err);
}

/* A table at a time, so that no lock is held while another is waited for. */
static enum lf_code run(struct pg_conn *conn, struct maker *maker, bool is_drop, struct err *err)
{
    buf_init(&maker->sql, SQL_BYTES_MAX);
    enum lf_code code = put_one(maker, is_drop, err);
    if (!code)
        code = buf_check(&maker->sql, err);
    if (!code)
        code = exec_patiently(conn, buf_cstr(&maker->sql), err);
    buf_done(&maker->sql);
    return code ? err_while(err, "%s the triggers of table %.*s", is_drop ? "dropping" : "making", SPAN_ARG(table_of(maker)))
                : LF_OK;
}

static enum lf_code run_all(struct pg_conn *conn, const struct map *map, const struct map_table *table, bool is_drop,
                            struct err *err)
{
    for (size_t i = 0; i < table->entity_count; i++) {
        struct maker maker = { .map = map, .entity = &table->entities[i] };
        TRY(run(conn, &maker, is_drop, err));
        for (size_t c = 0; c < table->entities[i].child_count; c++) {
            maker.child = &table->entities[i].children[c];
            TRY(run(conn, &maker, is_drop, err));
        }
    }
    return LF_OK;
}

enum lf_code reverse_triggers_make(struct pg_conn *conn, const struct map *map, const struct map_table *table, struct err *err)
{
    static const char items[] =
        "CREATE OR REPLACE TRIGGER \"LANDFALL_reverse\" AFTER INSERT OR UPDATE OR DELETE ON landfall.item FOR EACH ROW EXECUTE "
        "FUNCTION landfall.note_reverse_item(); ALTER TABLE landfall.item ENABLE ALWAYS TRIGGER \"LANDFALL_reverse\"";
    TRY(exec_patiently(conn, items, err));
    return run_all(conn, map, table, false, err);
}

enum lf_code reverse_triggers_drop(struct pg_conn *conn, const struct map *map, const struct map_table *table, struct err *err)
{
    return run_all(conn, map, table, true, err);
}

void reverse_triggers_put_tables(struct buf *sql, const struct map *map, const struct key_group *group)
{
    const char *comma = "";
    for (size_t i = 0; i < group->table->entity_count; i++) {
        const struct entity *entity = &group->table->entities[i];
        if (!group->has[i])
            continue;
        buf_put_cstr(sql, comma);
        ddl_put_table(sql, map, entity->table);
        comma = ", ";
        for (size_t c = 0; c < entity->child_count; c++) {
            buf_put_cstr(sql, comma);
            ddl_put_table(sql, map, entity->children[c].table);
        }
    }
}
