#include "gateway/gateway.h"
#include "gateway/reply.h"
#include "gateway/store/relational_triggers.h"
#include "map/model.h"
#include "move/load_plan.h"

enum { DEFINITION_BYTES_MAX = 1024 * 1024, STATE_BYTES_MAX = 64 * 1024, PLAN_BYTES_MAX = 64 * 1024 * 1024 };

/* Definitions: CreateTable requests that would make the map's tables -----------------------------------------------------------
 */

static void put_attribute(struct reply *reply, const struct key_attribute *attribute, const struct map_table *table,
                          size_t before)
{
    const struct key_attribute *earlier[] = { &table->key.partition, &table->key.sort };
    for (size_t i = 0; i < 2 && before; i++)
        if (span_equal(earlier[i]->name, attribute->name))
            return;
    for (size_t i = 0; i + 1 < before; i++)
        if (span_equal(table->indexes[i].key.partition.name, attribute->name) ||
            span_equal(table->indexes[i].key.sort.name, attribute->name))
            return;
    reply_object_begin(reply);
    reply_member_string(reply, SPAN("AttributeName"), attribute->name);
    reply_member_string(reply, SPAN("AttributeType"), span_from_cstr(value_type_name(attribute->type)));
    reply_object_end(reply);
}

/* `before`: 0 for the table's key, 1 + its number for an index's; what stands in one before is not repeated. */
static void put_attributes(struct reply *reply, const struct key_schema *key, const struct map_table *table, size_t before)
{
    put_attribute(reply, &key->partition, table, before);
    if (key_schema_has_sort(key) && !span_equal(key->sort.name, key->partition.name))
        put_attribute(reply, &key->sort, table, before);
}

static void put_key_part(struct reply *reply, struct span name, struct span type)
{
    reply_object_begin(reply);
    reply_member_string(reply, SPAN("AttributeName"), name);
    reply_member_string(reply, SPAN("KeyType"), type);
    reply_object_end(reply);
}

static void put_key(struct reply *reply, const struct key_schema *key)
{
    reply_name(reply, SPAN("KeySchema"));
    reply_array_begin(reply);
    put_key_part(reply, key->partition.name, SPAN("HASH"));
    if (key_schema_has_sort(key))
        put_key_part(reply, key->sort.name, SPAN("RANGE"));
    reply_array_end(reply);
}

static void put_projection(struct reply *reply, const struct secondary_index *index)
{
    struct span partial = index->included_count ? SPAN("INCLUDE") : SPAN("KEYS_ONLY");
    reply_name(reply, SPAN("Projection"));
    reply_object_begin(reply);
    reply_member_string(reply, SPAN("ProjectionType"), index->is_partial ? partial : SPAN("ALL"));
    if (index->included_count) {
        reply_name(reply, SPAN("NonKeyAttributes"));
        reply_array_begin(reply);
        for (size_t i = 0; i < index->included_count; i++)
            reply_string(reply, index->included[i]);
        reply_array_end(reply);
    }
    reply_object_end(reply);
}

static bool has_index(const struct map_table *table, bool is_local)
{
    for (size_t i = 0; i < table->index_count; i++)
        if (table->indexes[i].is_local == is_local)
            return true;
    return false;
}

static void put_indexes(struct reply *reply, const struct map_table *table, bool is_local)
{
    if (!has_index(table, is_local))
        return;
    reply_name(reply, is_local ? SPAN("LocalSecondaryIndexes") : SPAN("GlobalSecondaryIndexes"));
    reply_array_begin(reply);
    for (size_t i = 0; i < table->index_count; i++) {
        if (table->indexes[i].is_local != is_local)
            continue;
        reply_object_begin(reply);
        reply_member_string(reply, SPAN("IndexName"), table->indexes[i].name);
        put_key(reply, &table->indexes[i].key);
        put_projection(reply, &table->indexes[i]);
        reply_object_end(reply);
    }
    reply_array_end(reply);
}

static void put_definition(struct buf *json, const struct map_table *table)
{
    struct reply reply;
    reply_init(&reply, json);
    reply_object_begin(&reply);
    reply_member_string(&reply, SPAN("TableName"), table->name);
    reply_name(&reply, SPAN("AttributeDefinitions"));
    reply_array_begin(&reply);
    put_attributes(&reply, &table->key, table, 0);
    for (size_t i = 0; i < table->index_count; i++)
        put_attributes(&reply, &table->indexes[i].key, table, i + 1);
    reply_array_end(&reply);
    put_key(&reply, &table->key);
    put_indexes(&reply, table, false);
    put_indexes(&reply, table, true);
    reply_member_string(&reply, SPAN("BillingMode"), SPAN("PAY_PER_REQUEST"));
    reply_object_end(&reply);
}

/* Rows ------------------------------------------------------------------------------------------------------------------------
 */

/* Names of indexes as a PostgreSQL array: they hold letters, digits, '_', '-' and '.' only. */
static void put_names(struct buf *names, const struct map_table *table)
{
    buf_put_byte(names, '{');
    for (size_t i = 0; i < table->index_count; i++)
        buf_printf(names, "%s\"%.*s\"", i ? "," : "", SPAN_ARG(table->indexes[i].name));
    buf_put_byte(names, '}');
}

/* The map says what keys and indexes a table has; what UpdateTable has made of the rest stays. No rows: that is as it was, or the
 * table is not the map's. */
static enum lf_code save_definition(struct pg_conn *conn, const struct map_table *table, struct buf *json, bool *ret_changed,
                                    struct err *err)
{
    static const char sql[] =
        "WITH merged AS (SELECT $2::jsonb || (t.definition::jsonb - "
        "'{AttributeDefinitions,KeySchema,GlobalSecondaryIndexes,LocalSecondaryIndexes}'::text[]) AS definition FROM (SELECT) "
        "AS always LEFT JOIN landfall.dynamodb_table t ON t.name = $1) "
        "INSERT INTO landfall.dynamodb_table AS t (name, status, is_mapped, definition, version, on_demand_at) SELECT $1, "
        "'ACTIVE', true, coalesce(m.definition, $2::jsonb)::json, c.version + 1, now() FROM merged m, landfall.catalog c "
        "ON CONFLICT (name) DO UPDATE SET definition = excluded.definition, version = excluded.version "
        "WHERE t.is_mapped AND t.definition::jsonb <> excluded.definition::jsonb RETURNING 1";
    struct pg_field values[] = { { table->name.ptr, table->name.len }, { json->data, json->len } };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn, sql, &(struct pg_params){ .values = values, .count = 2 }, &rows, err));
    *ret_changed = pg_result_rows(rows) > 0;
    return LF_OK;
}

/* The slots of mapped tables mean nothing, but are distinct. */
static enum lf_code save_indexes(struct pg_conn *conn, const struct map_table *table, const struct buf *names, struct err *err)
{
    static const char forget[] = "DELETE FROM landfall.dynamodb_index i USING landfall.dynamodb_table t WHERE t.name = $1 AND "
                                 "i.table_id = t.id";
    static const char insert[] =
        "INSERT INTO landfall.dynamodb_index (table_id, name, slot, status) SELECT t.id, n.name, n.slot, "
        "'ACTIVE' FROM landfall.dynamodb_table t, unnest($2::text[]) WITH ORDINALITY AS n (name, slot) "
        "WHERE t.name = $1";
    struct pg_field values[] = { { table->name.ptr, table->name.len }, { names->data, names->len } };
    PG_RESULT_CLEANUP struct pg_result *forgotten = NULL, *inserted = NULL;
    TRY(pg_query(conn, forget, &(struct pg_params){ .values = values, .count = 1 }, &forgotten, err));
    return pg_query(conn, insert, &(struct pg_params){ .values = values, .count = 2 }, &inserted, err);
}

/* A table made through the API before the map came keeps its items where they are. */
static enum lf_code check_mapped(struct pg_conn *conn, const struct map_table *table, struct err *err)
{
    struct pg_field name = { table->name.ptr, table->name.len };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn, "SELECT 1 FROM landfall.dynamodb_table WHERE name = $1 AND is_mapped",
                 &(struct pg_params){ .values = &name, .count = 1 }, &rows, err));
    if (pg_result_rows(rows) == 0)
        return ERR(err, LF_MAP, "table %.*s of the map was made through the API and has its items in the item store",
                   SPAN_ARG(table->name));
    return LF_OK;
}

static enum lf_code save(struct pg_conn *conn, const struct map_table *table, struct buf *json, struct buf *names,
                         struct err *err)
{
    bool is_changed = false;
    TRY(buf_check(json, err));
    TRY(buf_check(names, err));
    TRY(save_definition(conn, table, json, &is_changed, err));
    if (!is_changed)
        return check_mapped(conn, table, err);
    TRY(save_indexes(conn, table, names, err));
    return pg_exec(conn, "UPDATE landfall.catalog SET version = version + 1", err);
}

static enum lf_code register_table(struct pg_conn *conn, const struct map_table *table, struct err *err)
{
    struct buf json, names;
    buf_init(&json, DEFINITION_BYTES_MAX);
    buf_init(&names, STATE_BYTES_MAX);
    put_definition(&json, table);
    put_names(&names, table);
    enum lf_code code = save(conn, table, &json, &names, err);
    buf_done(&json);
    buf_done(&names);
    return code;
}

/* The map ---------------------------------------------------------------------------------------------------------------------
 */

/* Whether the tables of the map are there, with its columns. */
static enum lf_code check_tables(struct pg_conn *conn, const struct map *map, struct err *err)
{
    struct arena arena;
    struct load_plan plan;
    const struct source all = { .tables = map->tables, .table_count = map->table_count };
    arena_init(&arena, PLAN_BYTES_MAX);
    enum lf_code code = load_plan_make(map, &all, &arena, &plan, err);
    if (!code)
        code = load_plan_check(&plan, conn, err);
    arena_done(&arena);
    return code;
}

static enum lf_code register_all(struct pg_conn *conn, const struct map *map, struct err *err)
{
    TRY(pg_exec(conn, "BEGIN; SET LOCAL lock_timeout = '5s'; SELECT version FROM landfall.catalog FOR UPDATE", err));
    for (size_t i = 0; i < map->table_count; i++) {
        TRY(register_table(conn, &map->tables[i], err));
        TRY(relational_make_triggers(conn, map, &map->tables[i], err));
    }
    return pg_exec(conn, "COMMIT", err);
}

enum lf_code gateway_register_map(struct pg_conn *conn, const struct map *map, struct err *err)
{
    TRY(check_tables(conn, map, err));
    if (!register_all(conn, map, err))
        return LF_OK;
    struct err ignored = ERR_INIT;
    if (pg_exec(conn, "ROLLBACK", &ignored)) {
        /* The connection is gone, and the transaction with it. */
    }
    return err->code;
}
