/* The DDL of maps on a real PostgreSQL: every migration goes up and down, and keys are found by index. */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/map/generate_map.h"
#include "map/ddl.h"
#include "map/map_yaml.h"
#include "pg/sql_gen.h"

enum { ARENA_BYTES = 256 * 1024 * 1024, SQL_BYTES = 64 * 1024 * 1024, ROUNDS = 12 };

static struct arena arena;

static struct map read_map(const char *yaml)
{
    struct map map;
    struct err err = ERR_INIT;
    harness_check(map_read_yaml(span_from_cstr(yaml), "landfall.yaml", &arena, &map, &err), &err);
    return map;
}

/* The statements before or behind "-- migrate:down", in one transaction. */
static void apply(struct pg_conn *conn, const struct map *map, enum migration_step step, bool is_up)
{
    struct buf sql;
    buf_init(&sql, SQL_BYTES);
    ddl_put_migration(&sql, map, step);
    assert_false(sql.failed);
    char *text = strdup(buf_cstr(&sql)), *down = strstr(text, "\n-- migrate:down\n");
    assert_non_null(down);
    *down = '\0';
    buf_reset(&sql);
    buf_printf(&sql, "BEGIN;\n%s\nCOMMIT", is_up ? text : down + 1);
    struct err err = ERR_INIT;
    if (pg_exec(conn, buf_cstr(&sql), &err))
        fail_msg("%s %s: %s\n%s", migration_step_name(step), is_up ? "up" : "down", err.message, buf_cstr(&sql));
    free(text);
    buf_done(&sql);
}

/* A number that stands for the tables, columns, indexes and constraints of the application. */
static int64_t fingerprint(struct pg_conn *conn)
{
    return harness_int64(
        conn, "SELECT hashtextextended(coalesce(string_agg(what, E'\\n' ORDER BY what COLLATE \"C\"), ''), 0) FROM ("
              "SELECT i.indexdef AS what FROM pg_indexes AS i WHERE schemaname !~ '^(pg_|landfall$|information_schema$)' "
              "UNION ALL SELECT c.conrelid::text || c.conname || pg_get_constraintdef(c.oid) FROM pg_constraint AS c JOIN "
              "pg_namespace AS n ON n.oid = c.connamespace WHERE n.nspname !~ '^(pg_|landfall$|information_schema$)' "
              "UNION ALL SELECT a.attrelid::text || a.attname || format_type(a.atttypid, a.atttypmod) FROM pg_attribute AS a "
              "JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.relkind = 'r' "
              "AND a.attnum > 0 AND NOT a.attisdropped AND n.nspname !~ '^(pg_|landfall$|information_schema$)') AS everything");
}

/* Selects and COPY name what the tables have. */
static void check_statements(struct pg_conn *conn, const struct map *map)
{
    struct buf sql;
    buf_init(&sql, SQL_BYTES);
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count; e++) {
            const struct entity *entity = &map->tables[t].entities[e];
            ddl_put_select(&sql, map, entity, SPAN("ctid >= '(0,0)'::tid"));
            harness_exec(conn, buf_cstr(&sql));
            for (size_t c = 0; c <= entity->child_count; c++) {
                buf_reset(&sql);
                ddl_put_copy_in(&sql, map, entity, c ? &entity->children[c - 1] : NULL);
                struct err err = ERR_INIT;
                harness_check(pg_copy_in_begin(conn, buf_cstr(&sql), &err), &err);
                buf_reset(&sql);
                pg_put_copy_header(&sql);
                pg_put_copy_trailer(&sql);
                harness_check(pg_copy_in_put(conn, buf_span(&sql), &err), &err);
                harness_check(pg_copy_in_end(conn, NULL, &err), &err);
            }
            buf_reset(&sql);
        }
    buf_done(&sql);
}

static bool is_distributed(const struct map *map)
{
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count; e++)
            if (map->tables[t].entities[e].distribute_by.len)
                return true;
    return false;
}

/* Up, down and up again leaves what up alone left. */
static void check_steps(struct pg_conn *conn, const struct map *map)
{
    for (unsigned step = 0; step < MIGRATION_CONTRACT; step++) {
        int64_t before = fingerprint(conn);
        apply(conn, map, (enum migration_step)step, true);
        apply(conn, map, (enum migration_step)step, false);
        assert_int_equal(fingerprint(conn), before);
        apply(conn, map, (enum migration_step)step, true);
    }
    check_statements(conn, map);
    apply(conn, map, MIGRATION_CONTRACT, true);
    assert_int_equal(harness_int64(conn, "SELECT count(*) FROM pg_namespace WHERE nspname = 'landfall'"), 0);
    assert_int_equal(harness_int64(conn, "SELECT count(*) FROM pg_attribute WHERE attname = 'ddb_extra' AND NOT attisdropped"),
                     0);
    apply(conn, map, MIGRATION_CONTRACT, false);
}

static void test_generated_maps(void **state)
{
    (void)state;
    uint64_t seed = generator_seed();
    for (unsigned done = 0, i = 0; done < ROUNDS; i++) {
        struct generator generator;
        generator_init(&generator, seed + i);
        struct err err = ERR_INIT;
        char name[32];
        arena_init(&arena, ARENA_BYTES);
        struct map map = generate_map(&generator, &arena);
        harness_check(map_finish(&map, &arena, &err), &err);
        (void)snprintf(name, sizeof name, "generated_%u", i);
        if (!is_distributed(&map)) { /* needs Citus */
            PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_new_database(name));
            harness_exec(conn, sql_control);
            check_steps(conn, &map);
            done++;
        }
        arena_done(&arena);
    }
}

/* Keys on columns, on expressions, and beside ddb_extra. */
static const char shop[] = "version: 1\n"
                           "schema: shop\n"
                           "tables:\n"
                           "  shop:\n"
                           "    key: { pk: S, sk: S }\n"
                           "    indexes: { gsi1: { gsi1pk: S, gsi1sk: S } }\n"
                           "    entities:\n"
                           "      Order:\n"
                           "        key: { pk: \"tenant_{tenant|lower}#{order_id}\", sk: \"at#{created_at}#\" }\n"
                           "        keys: { gsi1pk: \"{status}#{tenant|optional}\", gsi1sk: \"ORDERS\" }\n"
                           "        table: order\n"
                           "        primary_key: [order_id]\n"
                           "        columns:\n"
                           "          order_id: { attr: orderId, type: bigint, null: false }\n"
                           "          tenant: { attr: tenant, type: text, null: false }\n"
                           "          created_at: { attr: createdAt, type: timestamptz, codec: iso8601_ms, null: false }\n"
                           "          status: { attr: status, type: text }\n";

/* The number of rows for which `key` is `text`; the plan must use the index. */
static int64_t count_by_template(struct pg_conn *conn, const struct map *map, size_t template_at, const char *text,
                                 const char *index)
{
    const struct entity *entity = &map->tables[0].entities[0];
    struct buf sql;
    buf_init(&sql, SQL_BYTES);
    buf_put_cstr(&sql, "SELECT count(*) FROM ");
    ddl_put_table(&sql, map, entity->table);
    buf_put_cstr(&sql, " WHERE ");
    ddl_put_template(&sql, entity, &entity->templates[template_at]);
    buf_put_cstr(&sql, " = ");
    ddl_put_literal(&sql, span_from_cstr(text));
    int64_t count = harness_int64(conn, buf_cstr(&sql));

    char *query = strdup(buf_cstr(&sql));
    buf_reset(&sql);
    buf_printf(&sql, "EXPLAIN (COSTS off) %s", query);
    struct err err = ERR_INIT;
    PG_RESULT_CLEANUP struct pg_result *plan = NULL;
    harness_check(pg_query(conn, buf_cstr(&sql), &(struct pg_params){ NULL, NULL, 0 }, &plan, &err), &err);
    bool names_index = false, has_condition = false;
    for (size_t row = 0; row < pg_result_rows(plan); row++) {
        names_index = names_index || strstr(pg_result_text(plan, row, 0), index);
        has_condition = has_condition || strstr(pg_result_text(plan, row, 0), "Index Cond: ");
    }
    if (!names_index || !has_condition)
        fail_msg("%s does not use %s", query, index);
    free(query);
    buf_done(&sql);
    return count;
}

static void test_templates_find_their_index(void **state)
{
    (void)state;
    arena_init(&arena, ARENA_BYTES);
    struct map map = read_map(shop);
    PG_CONN_CLEANUP struct pg_conn *conn = harness_connect(harness_new_database("shop"));
    harness_exec(conn, sql_control);
    apply(conn, &map, MIGRATION_TABLES, true);
    harness_exec(conn, "INSERT INTO shop.\"order\" SELECT n, 'Tenant' || n % 100, '2024-01-01T00:00:00Z'::timestamptz + n * "
                       "interval '1 ms', 'open', CASE n % 100 WHEN 3 THEN '{\"gsi1pk\": null}' WHEN 4 THEN "
                       "'{\"gsi1pk\": {\"S\": \"odd\"}}'::jsonb END FROM generate_series(1, 5000) AS n");
    apply(conn, &map, MIGRATION_INDEXES, true);
    harness_exec(conn, "ANALYZE shop.\"order\"");
    assert_int_equal(count_by_template(conn, &map, 0, "tenant_tenant7#107", "order_ddb_key"), 1);
    assert_int_equal(count_by_template(conn, &map, 0, "tenant_Tenant7#107", "order_ddb_key"), 0);
    assert_int_equal(count_by_template(conn, &map, 2, "open#Tenant7", "order_gsi1_ddb"), 50);
    assert_int_equal(count_by_template(conn, &map, 2, "open#Tenant3", "order_gsi1_ddb"), 0); /* absent */
    assert_int_equal(count_by_template(conn, &map, 2, "odd", "order_gsi1_ddb"), 50);
    assert_int_equal(harness_int64(conn,
                                   "SELECT count(*) FROM shop.\"order\" WHERE (('at#' || landfall.iso8601(created_at, 3, 'Z') "
                                   "|| '#') COLLATE \"C\") = 'at#2024-01-01T00:00:00.107Z#'"),
                     1);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generated_maps),
        cmocka_unit_test(test_templates_find_their_index),
    };
    return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
