#include "map/ddl_violations.h"

#include <inttypes.h>

#include "map/ddl_steps.h"

enum { PLAN_BYTES_MAX = 512 * 1024 * 1024, TEXT_BYTES_MAX = 1024 * 1024 };

#define LIST "pg_temp.landfall_violation"

static size_t number_of(const struct map *map, const struct entity *entity)
{
    size_t number = 0;
    for (size_t t = 0; t < map->table_count; t++) {
        const struct map_table *table = &map->tables[t];
        if (entity >= table->entities && entity < table->entities + table->entity_count)
            return number + (size_t)(entity - table->entities);
        number += table->entity_count;
    }
    return number;
}

const struct entity *ddl_violation_entity(const struct map *map, size_t number)
{
    size_t t = 0;
    for (; number >= map->tables[t].entity_count; t++)
        number -= map->tables[t].entity_count;
    return &map->tables[t].entities[number];
}

/* Pieces ------------------------------------------------------------------------------------------------------------------- */

/* alias."column" */
static void put_of(struct buf *buf, const char *alias, const struct entity *entity, unsigned column)
{
    buf_printf(buf, "%s.", alias);
    ddl_put_identifier(buf, entity->columns[column].name);
}

/* a.x = b.y AND … */
static void put_equal(struct buf *buf, const char *a, const struct entity *a_entity, const unsigned *a_columns, const char *b,
                      const struct entity *b_entity, const unsigned *b_columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_put_cstr(buf, i ? " AND " : "");
        put_of(buf, a, a_entity, a_columns[i]);
        buf_put_cstr(buf, " = ");
        put_of(buf, b, b_entity, b_columns[i]);
    }
}

/* The same column names on both sides: rows of one primary key. */
static void put_same_key(struct buf *buf, const char *a, const char *b, const struct entity *entity)
{
    put_equal(buf, a, entity, entity->primary_key, b, entity, entity->primary_key, entity->primary_key_count);
}

/* Whether a row of the alias is on the list. */
static void put_listed(struct buf *buf, const char *alias, size_t number)
{
    buf_printf(buf, "EXISTS (SELECT FROM " LIST " AS v WHERE v.entity = %zu AND v.place = %s.ctid)", number, alias);
}

/* `before`, names and `after` as one literal. */
static void put_names_literal(struct buf *buf, const char *before, const struct entity *entity, const unsigned *columns,
                              size_t count, const char *after)
{
    struct buf text;
    buf_init(&text, TEXT_BYTES_MAX);
    buf_put_cstr(&text, before);
    for (size_t i = 0; i < count; i++) {
        buf_put_cstr(&text, i ? ", " : "");
        buf_put_span(&text, entity->columns[columns[i]].name);
    }
    buf_put_cstr(&text, after);
    ddl_put_literal(buf, buf_span(&text));
    buf->failed |= text.failed;
    buf_done(&text);
}

static void put_name_literal(struct buf *buf, const char *before, struct span name, const char *after)
{
    struct buf text;
    buf_init(&text, TEXT_BYTES_MAX);
    buf_put_cstr(&text, before);
    buf_put_span(&text, name);
    buf_put_cstr(&text, after);
    ddl_put_literal(buf, buf_span(&text));
    buf->failed |= text.failed;
    buf_done(&text);
}

static void put_insert(struct buf *buf)
{
    buf_put_cstr(buf, "INSERT INTO " LIST " (entity, place, what, reason, again)\n");
}

/* What is repeated ----------------------------------------------------------------------------------------------------------- */

/* Rows that share their primary key with others and have rows in child tables cannot be taken apart. */
static void put_separable(struct buf *buf, const struct map *map, const struct entity *entity)
{
    if (entity->child_count == 0)
        return;
    buf_put_cstr(buf, "\n        AND NOT ((");
    for (size_t i = 0; i < entity->child_count; i++) {
        buf_put_cstr(buf, i ? " OR EXISTS (SELECT FROM " : "EXISTS (SELECT FROM ");
        ddl_put_table(buf, map, entity->children[i].table);
        buf_put_cstr(buf, " AS c WHERE ");
        put_same_key(buf, "c", "t", entity);
        buf_put_byte(buf, ')');
    }
    buf_put_cstr(buf, ") AND EXISTS (SELECT FROM ");
    ddl_put_table(buf, map, entity->table);
    buf_put_cstr(buf, " AS o WHERE ");
    put_same_key(buf, "o", "t", entity);
    buf_put_cstr(buf, " AND o.ctid <> t.ctid))");
}

/* "d.x1, d.x2": `count` numbered names of an alias, with a suffix. */
static void put_numbered(struct buf *buf, const char *name, size_t count, const char *suffix)
{
    for (size_t i = 0; i < count; i++)
        buf_printf(buf, "%s%s%zu%s", i ? ", " : "", name, i + 1, suffix);
}

/* The attributes of the table's key over the columns, as x1, x2 or k1, k2. */
static void put_key_expressions(struct buf *buf, const struct entity *entity, const char *name)
{
    for (size_t i = 0; i < entity_key_count(entity); i++) {
        ddl_put_template(buf, entity, &entity->templates[i]);
        buf_printf(buf, " AS %s%zu, ", name, i + 1);
    }
}

/* What must be distinct: columns, or without any the DynamoDB key. */
struct distinct {
    const struct entity *entity;
    const unsigned *columns;
    size_t count;
    struct span name; /* of the index */
};

static void put_values(struct buf *buf, const struct distinct *distinct)
{
    for (size_t i = 0; i < distinct->count; i++) {
        ddl_put_identifier(buf, distinct->entity->columns[distinct->columns[i]].name);
        buf_printf(buf, " AS x%zu, ", i + 1);
    }
}

/* All rows with the number of those that are equal to them in x. */
static void put_counted(struct buf *buf, const struct map *map, const struct distinct *distinct, size_t number)
{
    const struct entity *entity = distinct->entity;
    buf_put_cstr(buf, "SELECT s.*, count(*) OVER (PARTITION BY ");
    put_numbered(buf, distinct->count ? "s.x" : "s.k", distinct->count ? distinct->count : entity_key_count(entity), "");
    buf_put_cstr(buf, ") AS c FROM (SELECT ");
    put_values(buf, distinct);
    put_key_expressions(buf, entity, "k");
    buf_put_cstr(buf, "t.ctid AS place FROM ");
    ddl_put_table(buf, map, entity->table);
    buf_put_cstr(buf, " AS t WHERE NOT ");
    put_listed(buf, "t", number);
    buf_put_cstr(buf, ") AS s");
}

/* Numbers the rows that are equal to each other; NULLs are not. */
static void put_ranked(struct buf *buf, const struct map *map, const struct distinct *distinct, size_t number)
{
    const struct entity *entity = distinct->entity;
    size_t keys = entity_key_count(entity), count = distinct->count ? distinct->count : keys;
    buf_put_cstr(buf, "SELECT d.*, row_number() OVER (PARTITION BY ");
    put_numbered(buf, distinct->count ? "d.x" : "d.k", count, "");
    buf_put_cstr(buf, " ORDER BY ");
    put_numbered(buf, "d.k", keys, "");
    buf_put_cstr(buf, ", (t.*)::text COLLATE \"C\", d.place) AS n\n    FROM (");
    put_counted(buf, map, distinct, number);
    buf_put_cstr(buf, ") AS d\n    JOIN ");
    ddl_put_table(buf, map, entity->table);
    buf_put_cstr(buf, " AS t ON t.ctid = d.place WHERE d.c > 1");
    for (size_t i = 0; i < count; i++)
        buf_printf(buf, " AND d.%c%zu IS NOT NULL", distinct->count ? 'x' : 'k', i + 1);
    put_separable(buf, map, entity);
}

/* Key (a, b)=(1, 2) … */
static void put_value_list(struct buf *buf, const char *name, size_t count, const char *after)
{
    for (size_t i = 0; i < count; i++)
        buf_printf(buf, " || %s%s%zu::text", i ? "', ' || " : "", name, i + 1);
    buf_put_cstr(buf, " || ");
    ddl_put_literal(buf, span_from_cstr(after));
}

static void put_repeated_reason(struct buf *buf, const struct distinct *distinct)
{
    if (distinct->count == 0) {
        buf_put_cstr(buf, "'the DynamoDB key', 'the source holds the DynamoDB key more than once: ('");
        put_value_list(buf, "r.k", entity_key_count(distinct->entity), ")");
        buf_put_cstr(buf, ", true");
        return;
    }
    ddl_put_literal(buf, distinct->name);
    buf_put_cstr(buf, ", ");
    put_name_literal(buf, "duplicate key value violates unique constraint \"", distinct->name, "\"; ");
    buf_put_cstr(buf, " || ");
    put_names_literal(buf, "Key (", distinct->entity, distinct->columns, distinct->count, ")=(");
    put_value_list(buf, "r.x", distinct->count, ") already exists.");
    buf_put_cstr(buf, ", false");
}

static void put_repeated(struct buf *buf, const struct map *map, const struct distinct *distinct)
{
    size_t number = number_of(map, distinct->entity);
    put_insert(buf);
    buf_printf(buf, "SELECT %zu, r.place, ", number);
    put_repeated_reason(buf, distinct);
    buf_put_cstr(buf, "\nFROM (");
    put_ranked(buf, map, distinct, number);
    buf_put_cstr(buf, ") AS r\nWHERE r.n > 1;\n");
}

static void put_all_repeated(struct buf *buf, const struct map *map, const struct ddl_plan *plan)
{
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count; e++)
            put_repeated(buf, map, &(struct distinct){ .entity = &map->tables[t].entities[e] });
    for (size_t i = 0; i < plan->index_count; i++) {
        const struct ddl_index *index = &plan->indexes[i];
        if (index->is_unique && !index->child && index->column_count && index->kind != DDL_SHADOW)
            put_repeated(buf, map, &(struct distinct){ index->entity, index->columns, index->column_count, index->name });
    }
}

/* Values --------------------------------------------------------------------------------------------------------------------- */

static void put_value_case(struct buf *buf, const struct column *column)
{
    if (column->not_null) {
        buf_put_cstr(buf, "\n        WHEN ");
        ddl_put_identifier(buf, column->name);
        buf_put_cstr(buf, " IS NULL THEN ");
        put_name_literal(buf, "null value in column \"", column->name, "\" violates not-null constraint");
    }
    for (size_t i = 0; i < column->check_count; i++) {
        buf_put_cstr(buf, i ? ", " : "\n        WHEN ");
        if (i == 0) {
            ddl_put_identifier(buf, column->name);
            buf_put_cstr(buf, " NOT IN (");
        }
        ddl_put_literal(buf, column->check[i]);
    }
    if (column->check_count) {
        buf_put_cstr(buf, ") THEN ");
        put_name_literal(buf, "the value in column \"", column->name, "\" violates its check constraint");
    }
}

static bool has_rules(const struct entity *entity)
{
    for (size_t i = 0; i < entity->column_count; i++)
        if (entity->columns[i].not_null || entity->columns[i].check_count)
            return true;
    return false;
}

static void put_broken_values(struct buf *buf, const struct map *map, const struct entity *entity)
{
    size_t number = number_of(map, entity);
    if (!has_rules(entity))
        return;
    put_insert(buf);
    buf_printf(buf, "SELECT %zu, r.place, r.reason, r.reason, false\nFROM (SELECT t.ctid AS place, CASE", number);
    for (size_t i = 0; i < entity->column_count; i++)
        put_value_case(buf, &entity->columns[i]);
    buf_put_cstr(buf, " END AS reason\n    FROM ");
    ddl_put_table(buf, map, entity->table);
    buf_put_cstr(buf, " AS t WHERE NOT ");
    put_listed(buf, "t", number);
    buf_put_cstr(buf, ") AS r\nWHERE r.reason IS NOT NULL;\n");
}

static void put_all_broken_values(struct buf *buf, const struct map *map)
{
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count; e++)
            put_broken_values(buf, map, &map->tables[t].entities[e]);
}

/* References --------------------------------------------------------------------------------------------------------------- */

static void put_orphan_reason(struct buf *buf, const struct ddl_constraint *constraint)
{
    const struct foreign_key *key = constraint->foreign_key;
    ddl_put_literal(buf, constraint->name);
    buf_put_cstr(buf, ", ");
    put_name_literal(buf, "violates foreign key constraint \"", constraint->name, "\"; ");
    buf_put_cstr(buf, " || ");
    put_names_literal(buf, "Key (", constraint->entity, key->columns, key->count, ")=(");
    for (size_t i = 0; i < key->count; i++) {
        buf_put_cstr(buf, i ? " || ', ' || " : " || ");
        put_of(buf, "t", constraint->entity, key->columns[i]);
        buf_put_cstr(buf, "::text");
    }
    buf_put_cstr(buf, " || ");
    put_name_literal(buf, ") is not present in table \"", key->parent->table, "\".");
}

/* Rows without a NULL in the key whose parent is not there, or is on the list. */
static void put_orphans(struct buf *buf, const struct map *map, const struct ddl_constraint *constraint)
{
    const struct entity *entity = constraint->entity;
    const struct foreign_key *key = constraint->foreign_key;
    size_t number = number_of(map, entity);
    put_insert(buf);
    buf_printf(buf, "SELECT %zu, t.ctid, ", number);
    put_orphan_reason(buf, constraint);
    buf_put_cstr(buf, ", false\nFROM ");
    ddl_put_table(buf, map, entity->table);
    buf_put_cstr(buf, " AS t\nWHERE ");
    for (size_t i = 0; i < key->count; i++) {
        put_of(buf, "t", entity, key->columns[i]);
        buf_put_cstr(buf, " IS NOT NULL AND ");
    }
    buf_put_cstr(buf, "NOT EXISTS (SELECT FROM ");
    ddl_put_table(buf, map, key->parent->table);
    buf_put_cstr(buf, " AS p WHERE ");
    put_equal(buf, "p", key->parent, key->references, "t", entity, key->columns, key->count);
    buf_put_cstr(buf, " AND NOT ");
    put_listed(buf, "p", number_of(map, key->parent));
    buf_put_cstr(buf, ")\n    AND NOT ");
    put_listed(buf, "t", number);
    buf_put_cstr(buf, ";\n");
}

static void put_all_orphans(struct buf *buf, const struct map *map, const struct ddl_plan *plan, bool of_contract)
{
    for (size_t i = 0; i < plan->constraint_count; i++) {
        const struct ddl_constraint *constraint = &plan->constraints[i];
        if (constraint->kind == DDL_FOREIGN_KEY && (of_contract || constraint->foreign_key->enforce == ENFORCE_NOW))
            put_orphans(buf, map, constraint);
    }
}

/* The list ------------------------------------------------------------------------------------------------------------------- */

void ddl_put_violations_begin(struct buf *buf, const struct map *map)
{
    buf_put_cstr(buf,
                 "CREATE TEMPORARY TABLE landfall_violation (n bigint GENERATED ALWAYS AS IDENTITY, entity integer, place tid,"
                 " what text, reason text, again boolean, PRIMARY KEY (entity, place)) ON COMMIT DROP;\n");
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count; e++) {
            buf_put_cstr(buf, "LOCK TABLE ");
            ddl_put_table(buf, map, map->tables[t].entities[e].table);
            buf_put_cstr(buf, " IN SHARE ROW EXCLUSIVE MODE;\n");
        }
}

void ddl_put_violations_find(struct buf *buf, const struct map *map, enum ddl_violation_kind kind)
{
    struct arena arena;
    struct ddl_plan plan;
    struct err err = ERR_INIT;
    arena_init(&arena, PLAN_BYTES_MAX);
    if (ddl_plan_make(map, &arena, &plan, &err) != LF_OK)
        buf->failed = true; /* memory: as when the text itself had no room */
    else if (kind == DDL_VIOLATES_UNIQUE)
        put_all_repeated(buf, map, &plan);
    else if (kind == DDL_VIOLATES_VALUES)
        put_all_broken_values(buf, map);
    else
        put_all_orphans(buf, map, &plan, kind == DDL_VIOLATES_CONTRACT);
    arena_done(&arena);
}

void ddl_put_violations_select(struct buf *buf, const struct map *map, size_t number, int64_t after, unsigned limit)
{
    buf_put_cstr(buf, "SELECT v.n, v.what, v.reason, v.again, r.* FROM " LIST " AS v CROSS JOIN LATERAL (");
    ddl_put_select(buf, map, ddl_violation_entity(map, number), SPAN("t.ctid = v.place"));
    buf_printf(buf, ") AS r\nWHERE v.entity = %zu AND v.n > %" PRId64 " ORDER BY v.n LIMIT %u", number, after, limit);
}

static void put_delete_children(struct buf *buf, const struct map *map, const struct entity *entity, size_t number)
{
    for (size_t i = 0; i < entity->child_count; i++) {
        buf_printf(buf, "c%zu_%zu AS (DELETE FROM ", number, i);
        ddl_put_table(buf, map, entity->children[i].table);
        buf_put_cstr(buf, " AS c USING ");
        ddl_put_table(buf, map, entity->table);
        buf_printf(buf, " AS t, " LIST " AS v WHERE v.entity = %zu AND t.ctid = v.place AND ", number);
        put_same_key(buf, "c", "t", entity);
        buf_put_cstr(buf, "),\n");
    }
}

void ddl_put_violations_delete(struct buf *buf, const struct map *map, const size_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct entity *entity = ddl_violation_entity(map, numbers[i]);
        buf_put_cstr(buf, i ? ",\n" : "WITH ");
        put_delete_children(buf, map, entity, numbers[i]);
        buf_printf(buf, "e%zu AS (DELETE FROM ", numbers[i]);
        ddl_put_table(buf, map, entity->table);
        buf_printf(buf, " AS t USING " LIST " AS v WHERE v.entity = %zu AND t.ctid = v.place)", numbers[i]);
    }
    buf_put_cstr(buf, "\nSELECT 1");
}
