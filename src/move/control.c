#include "move/control.h"

#include <stdio.h>
#include <string.h>

#include "pg/catalog.h"

enum { CATALOG_BYTES_MAX = 64 * 1024 * 1024 };

enum { CONTROL_THERE, CONTROL_ABSENT, CONTROL_FOREIGN };

/* An empty schema of that name may become ours. */
static enum lf_code look(struct pg_conn *conn, int64_t *ret_state, struct err *err)
{
    static const char sql[] =
        "SELECT CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_attribute a"
        "   WHERE a.attrelid = pg_catalog.to_regclass('landfall.control') AND a.attname = 'only_row') THEN 0"
        " WHEN EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.relnamespace = pg_catalog.to_regnamespace('landfall')) THEN 2"
        " ELSE 1 END";
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    TRY(pg_query(conn, sql, NULL, &result, err));
    *ret_state = pg_result_int64(result, 0, 0);
    return LF_OK;
}

static enum lf_code foreign(struct err *err)
{
    return ERR(
        err, LF_PRECONDITION,
        "the database has a schema landfall that is not Landfall's, which needs the name: rename it (ALTER SCHEMA landfall "
        "RENAME TO …) or take another database");
}

enum lf_code control_check_owner(struct pg_conn *conn, struct err *err)
{
    int64_t state;
    TRY(look(conn, &state, err));
    return state == CONTROL_FOREIGN ? foreign(err) : LF_OK;
}

/* An entity's table without its ddb_extra is what the contract leaves. */
static enum lf_code has_contract(struct pg_conn *conn, const struct map *map, struct arena *arena, bool *ret_has, struct err *err)
{
    *ret_has = false;
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count; e++) {
            struct catalog_table table;
            TRY(catalog_read_table(conn, map->schema, map->tables[t].entities[e].table, arena, &table, err));
            *ret_has |= table.exists && !catalog_find_column(&table, SPAN("ddb_extra"));
        }
    return LF_OK;
}

static enum lf_code absent(struct pg_conn *conn, const struct map *map, struct err *err)
{
    struct arena arena;
    bool contract;
    arena_init(&arena, CATALOG_BYTES_MAX);
    enum lf_code code = has_contract(conn, map, &arena, &contract, err);
    arena_done(&arena);
    TRY(code);
    if (contract)
        return ERR(
            err, LF_PRECONDITION,
            "the contract migration was applied: the tables are PostgreSQL's alone, and what it takes to make items of their "
            "rows is gone");
    return ERR(err, LF_PRECONDITION, "the schema landfall is not there; run `landfall migrate up` first");
}

enum lf_code control_check(struct pg_conn *conn, const struct map *map, struct err *err)
{
    int64_t state;
    TRY(look(conn, &state, err));
    if (state == CONTROL_THERE)
        return LF_OK;
    return state == CONTROL_FOREIGN ? foreign(err) : absent(conn, map, err);
}

enum lf_code control_check_there(struct pg_conn *conn, struct err *err)
{
    static const struct map none;
    return control_check(conn, &none, err);
}

static bool is_mapped(const struct map *map, struct pg_field name)
{
    return map_find_table(map, span_of(name.data, name.len)) != NULL;
}

enum lf_code control_unmapped(struct pg_conn *conn, const struct map *map, struct unmapped *ret_unmapped, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    struct unmapped unmapped = { 0 };
    TRY(pg_query(conn, "SELECT table_name, count(*) FROM landfall.item GROUP BY 1 ORDER BY 1", NULL, &result, err));
    for (size_t row = 0; row < pg_result_rows(result); row++) {
        if (is_mapped(map, pg_result_get(result, row, 0)))
            continue;
        size_t len = strlen(unmapped.tables);
        (void)snprintf(unmapped.tables + len, sizeof unmapped.tables - len, "%s%s", len ? ", " : "",
                       pg_result_text(result, row, 0));
        unmapped.items += (uint64_t)pg_result_int64(result, row, 1);
    }
    *ret_unmapped = unmapped;
    return LF_OK;
}
