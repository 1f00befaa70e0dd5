/* How rows are found by keys: for random maps and items, SQL compares with any key as key bytes compare. */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "../unit/map/generate_map.h"
#include "../unit/map/generate_row.h"
#include "map/ddl.h"
#include "map/key_search.h"
#include "map/row.h"
#include "pg/sql_gen.h"

enum { ARENA_BYTES = 256 * 1024 * 1024, SQL_BYTES = 16 * 1024 * 1024, MAPS = 10, ITEMS = 25, PROBES = 12 };

struct tally {
    size_t rows, equal, before, behind, known;
};

/* The rows of one entity's table, in the order in which they were loaded, and one attribute of a key. */
struct loaded {
    struct pg_conn *conn;
    const struct map *map;
    const struct entity *entity;
    struct item items[ITEMS];
    size_t count;
    struct arena *arena;
    struct generator *generator;
    struct tally *tally;
};

/* That needs Citus. */
static void undistribute(struct map *map)
{
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count; e++)
            map->tables[t].entities[e].distribute_by = span_of(NULL, 0);
}

static void make_tables(struct pg_conn *conn, const struct map *map)
{
    struct buf sql;
    struct err err = ERR_INIT;
    buf_init(&sql, SQL_BYTES);
    ddl_put_migration(&sql, map, MIGRATION_TABLES);
    *strstr(sql.data, "\n-- migrate:down\n") = '\0';
    harness_check(pg_exec(conn, sql.data, &err), &err);
    buf_done(&sql);
}

static void load(const struct loaded *loaded, const struct row *rows)
{
    struct buf buf;
    struct err err = ERR_INIT;
    buf_init(&buf, SQL_BYTES);
    buf_put_cstr(&buf, "ALTER TABLE ");
    ddl_put_table(&buf, loaded->map, loaded->entity->table);
    buf_put_cstr(&buf, " ADD COLUMN \"load order\" bigserial");
    harness_exec(loaded->conn, buf_cstr(&buf));
    buf_reset(&buf);
    ddl_put_copy_in(&buf, loaded->map, loaded->entity, NULL);
    harness_check(pg_copy_in_begin(loaded->conn, buf_cstr(&buf), &err), &err);
    buf_reset(&buf);
    pg_put_copy_header(&buf);
    for (size_t i = 0; i < loaded->count; i++)
        pg_put_copy_row(&buf, rows[i].fields, loaded->entity->column_count + 1);
    pg_put_copy_trailer(&buf);
    harness_check(pg_copy_in_put(loaded->conn, buf_span(&buf), &err), &err);
    harness_check(pg_copy_in_end(loaded->conn, NULL, &err), &err);
    buf_done(&buf);
}

static void stray(const struct loaded *loaded, struct item *item, const struct key_attribute *attribute)
{
    const struct key_schema *key = &loaded->entity->dynamodb_table->key;
    bool is_of_table = span_equal(attribute->name, key->partition.name) || span_equal(attribute->name, key->sort.name);
    bool is_there = item_get(item, attribute->name) != NULL;
    if (attribute->type != VALUE_S || is_of_table || (is_there && generate_below(loaded->generator, 4)))
        return;
    size_t at = 0;
    while (at < item->count && !span_equal(item->attributes[at].name, attribute->name))
        at++;
    item->count += !is_there;
    item->attributes[at] = (struct attribute){ .name = attribute->name, .value = value_string(SPAN("stray\xc3\xa9")) };
}

/* The item with keys of the indexes that are not what templates say. */
static struct item strayed(const struct loaded *loaded, const struct item *item)
{
    const struct map_table *table = loaded->entity->dynamodb_table;
    struct err err = ERR_INIT;
    struct item copy = { .count = item->count };
    copy.attributes = arena_calloc(loaded->arena, item->count + 2 * table->index_count, sizeof *copy.attributes, &err);
    assert_non_null(copy.attributes);
    memcpy(copy.attributes, item->attributes, item->count * sizeof *copy.attributes);
    for (size_t i = 0; i < table->index_count; i++) {
        stray(loaded, &copy, &table->indexes[i].key.partition);
        if (key_schema_has_sort(&table->indexes[i].key))
            stray(loaded, &copy, &table->indexes[i].key.sort);
    }
    return copy;
}

/* Of every other entity with stray keys. */
static void load_items(struct loaded *loaded)
{
    bool has_strays = generate_below(loaded->generator, 2);
    struct row rows[ITEMS];
    struct err err = ERR_INIT;
    loaded->count = 0;
    for (size_t i = 0; i < ITEMS; i++) {
        struct item item = generate_for_entity(loaded->generator, loaded->arena, loaded->entity);
        if (has_strays)
            item = strayed(loaded, &item);
        harness_check(row_encode(loaded->entity->dynamodb_table, &item, loaded->arena, &rows[loaded->count], &err), &err);
        if (rows[loaded->count].entity == loaded->entity)
            loaded->items[loaded->count++] = item;
    }
    load(loaded, rows);
}

/* ptr NULL when the item has no such attribute. */
static struct span key_bytes(const struct loaded *loaded, size_t number, const struct key_attribute *attribute)
{
    const struct value *value = item_get(&loaded->items[number], attribute->name);
    struct err err = ERR_INIT;
    struct span bytes;
    char key[NUMBER_KEY_BYTES_MAX];
    if (!value || value->type != attribute->type)
        return span_of(NULL, 0);
    if (attribute->type != VALUE_N)
        return value->bytes.ptr ? value->bytes : SPAN("");
    harness_check(arena_copy(loaded->arena, span_of(key, number_key(value->number, key)), &bytes, &err), &err);
    return bytes;
}

/* Bytes of a key, or near one; of numbers always a number's. */
static struct span probe(const struct loaded *loaded, const struct key_attribute *attribute)
{
    struct span bytes = key_bytes(loaded, generate_below(loaded->generator, loaded->count), attribute);
    struct err err = ERR_INIT;
    char key[NUMBER_KEY_BYTES_MAX];
    if (attribute->type == VALUE_N && (!bytes.ptr || generate_below(loaded->generator, 2) == 0))
        bytes = span_of(key, number_key(generate_number(loaded->generator), key));
    if (!bytes.ptr)
        bytes = generate_bytes(loaded->generator, loaded->arena);
    harness_check(arena_copy(loaded->arena, bytes, &bytes, &err), &err);
    if (attribute->type == VALUE_N || generate_below(loaded->generator, 3) == 0)
        return bytes;
    if (bytes.len && generate_below(loaded->generator, 2))
        bytes.len = generate_below(loaded->generator, bytes.len + 1);
    if (bytes.len && generate_below(loaded->generator, 2))
        ((char *)bytes.ptr)[generate_below(loaded->generator, bytes.len)] = (char)generate_uint64(loaded->generator);
    return bytes;
}

/* For each row: "operand" (a comparison, or whether it is NULL), in the order of loading. */
static struct pg_result *ask(const struct loaded *loaded, struct buf *operand, const struct pg_field *value)
{
    struct buf sql;
    struct err err = ERR_INIT;
    struct pg_result *rows = NULL;
    static const bool binary[] = { true };
    buf_init(&sql, SQL_BYTES);
    buf_put_cstr(&sql, "SELECT coalesce((");
    buf_put_span(&sql, buf_span(operand));
    buf_put_cstr(&sql, ")::int, -1) FROM ");
    ddl_put_table(&sql, loaded->map, loaded->entity->table);
    buf_put_cstr(&sql, " AS t ORDER BY t.\"load order\"");
    struct pg_params params = { .values = value, .binary = binary, .count = value ? 1 : 0 };
    if (pg_query(loaded->conn, buf_cstr(&sql), &params, &rows, &err))
        fail_msg("%s\n%s", err.message, buf_cstr(&sql));
    assert_int_equal(pg_result_rows(rows), loaded->count);
    buf_done(&sql);
    buf_done(operand);
    return rows;
}

static void put_comparison(struct buf *sql, const struct key_operand *operand, const char *sign)
{
    buf_init(sql, SQL_BYTES);
    key_operand_put(sql, operand);
    buf_printf(sql, " %s $1::%s", sign, key_operand_type(operand));
}

static void fail_on(const struct loaded *loaded, const struct key_search_part *part, const char *what, struct span a,
                    struct span b)
{
    struct key_operand operand = key_search_operand(part);
    struct buf text;
    buf_init(&text, SQL_BYTES);
    buf_printf(&text, "entity %.*s, ", SPAN_ARG(loaded->entity->name));
    key_operand_put(&text, &operand);
    buf_printf(&text, ": %s: ", what);
    for (size_t i = 0; i < a.len; i++)
        buf_printf(&text, "%02x", (unsigned char)a.ptr[i]);
    buf_put_cstr(&text, " and ");
    for (size_t i = 0; i < b.len; i++)
        buf_printf(&text, "%02x", (unsigned char)b.ptr[i]);
    fail_msg("%s", buf_cstr(&text));
}

/* What is equal has this key; what cannot be held is nobody's. */
static void check_equality(const struct loaded *loaded, const struct key_search_part *part, const struct key_attribute *attribute,
                           struct span bytes)
{
    struct err err = ERR_INIT;
    struct pg_field value;
    struct buf sql;
    bool is_held = false;
    harness_check(key_search_value(part, bytes, loaded->arena, &is_held, &value, &err), &err);
    struct key_operand operand = key_search_operand(part);
    struct pg_result *rows = NULL;
    if (is_held) {
        put_comparison(&sql, &operand, "=");
        rows = ask(loaded, &sql, &value);
    }
    for (size_t i = 0; i < loaded->count; i++) {
        struct span key = key_bytes(loaded, i, attribute);
        bool is_equal = key.ptr && span_equal(key, bytes);
        bool is_found = is_held && pg_result_int64(rows, i, 0) == 1;
        if (is_equal != is_found)
            fail_on(loaded, part, is_found ? "found" : "not found", key, bytes);
        loaded->tally->equal += is_equal;
    }
    pg_result_free(rows);
}

static void check_order(const struct loaded *loaded, const struct key_search_part *part, const struct key_attribute *attribute,
                        struct span bytes)
{
    struct err err = ERR_INIT;
    struct key_ceiling ceiling;
    struct buf sql;
    struct pg_result *rows = NULL;
    enum key_order known = key_search_order(part, bytes);
    harness_check(key_search_ceiling(part, bytes, loaded->arena, &ceiling, &err), &err);
    if (ceiling.field.data) {
        put_comparison(&sql, &ceiling.operand, ">=");
        rows = ask(loaded, &sql, &ceiling.field);
    }
    for (size_t i = 0; i < loaded->count; i++) {
        struct span key = key_bytes(loaded, i, attribute);
        if (!key.ptr)
            continue;
        int order = span_compare(key, bytes);
        bool is_behind = rows && pg_result_int64(rows, i, 0) == 1;
        if (known == KEY_MIXED && is_behind != (order >= 0))
            fail_on(loaded, part, is_behind ? "behind" : "before", key, bytes);
        if (known != KEY_MIXED)
            assert_int_equal((order > 0) - (order < 0), known == KEY_BEFORE ? -1 : known == KEY_BEHIND);
        loaded->tally->known += known != KEY_MIXED;
        loaded->tally->before += order < 0;
        loaded->tally->behind += order > 0;
    }
    pg_result_free(rows);
}

/* Rows have a place in the index when items have its key, and come in the order of their keys. */
static void check_ranks(const struct loaded *loaded, const struct key_search_part *part, const struct key_attribute *attribute)
{
    struct buf sql;
    struct key_operand operand = key_search_operand(part);
    buf_init(&sql, SQL_BYTES);
    buf_put_cstr(&sql, "CASE WHEN ");
    key_operand_put(&sql, &operand);
    buf_put_cstr(&sql, " IS NOT NULL THEN rank() OVER (ORDER BY ");
    key_operand_put(&sql, &operand);
    buf_put_cstr(&sql, ") END");
    struct pg_result *rows = ask(loaded, &sql, NULL);
    for (size_t i = 0; i < loaded->count; i++) {
        struct span key = key_bytes(loaded, i, attribute);
        assert_int_equal(pg_result_int64(rows, i, 0) > 0, key.ptr != NULL);
        for (size_t k = 0; k < i && key.ptr; k++) {
            struct span other = key_bytes(loaded, k, attribute);
            int64_t difference = pg_result_int64(rows, i, 0) - pg_result_int64(rows, k, 0);
            int order = other.ptr ? span_compare(key, other) : 0;
            if (other.ptr && (difference > 0) - (difference < 0) != (order > 0) - (order < 0))
                fail_on(loaded, part, "in the wrong order", key, other);
        }
    }
    pg_result_free(rows);
}

/* Items without one part of an index's key are not in it, and nobody asks for the other part. */
static bool has_all(const struct loaded *loaded, const struct key_schema *key)
{
    for (size_t i = 0; i < loaded->count; i++)
        if (!key_bytes(loaded, i, &key->partition).ptr || (key_schema_has_sort(key) && !key_bytes(loaded, i, &key->sort).ptr))
            return false;
    return true;
}

static void check_key(const struct loaded *loaded, const struct key_schema *key, bool is_of_table)
{
    struct key_search search;
    bool is_there = key_search_find(loaded->entity, key, &search);
    assert_true(is_there || !is_of_table);
    if (!is_there || loaded->count == 0 || !has_all(loaded, key))
        return;
    for (size_t part = 0; part < search.count; part++) {
        const struct key_attribute *attribute = part ? &key->sort : &key->partition;
        check_ranks(loaded, &search.parts[part], attribute);
        for (size_t i = 0; i < PROBES; i++) {
            struct span bytes = probe(loaded, attribute);
            check_equality(loaded, &search.parts[part], attribute, bytes);
            check_order(loaded, &search.parts[part], attribute, bytes);
        }
    }
}

static void check_entity(struct loaded *loaded)
{
    const struct map_table *table = loaded->entity->dynamodb_table;
    load_items(loaded);
    loaded->tally->rows += loaded->count;
    check_key(loaded, &table->key, true);
    for (size_t i = 0; i < table->index_count; i++)
        check_key(loaded, &table->indexes[i].key, false);
    arena_reset(loaded->arena);
}

static void test_sql_compares_as_keys_do(void **state)
{
    (void)state;
    struct generator generator;
    struct tally tally = { 0 };
    struct arena map_arena, arena;
    struct err err = ERR_INIT;
    arena_init(&map_arena, ARENA_BYTES);
    arena_init(&arena, ARENA_BYTES);
    generator_init(&generator, generator_seed());
    for (int i = 0; i < MAPS; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "keys%d", i);
        struct pg_conn *conn = harness_connect(harness_new_database(name));
        struct map map = generate_map(&generator, &map_arena);
        undistribute(&map);
        harness_check(map_finish(&map, &map_arena, &err), &err);
        harness_exec(conn, sql_control);
        make_tables(conn, &map);
        for (size_t t = 0; t < map.table_count; t++)
            for (size_t e = 0; e < map.tables[t].entity_count; e++)
                check_entity(&(struct loaded){ .conn = conn,
                                               .map = &map,
                                               .entity = &map.tables[t].entities[e],
                                               .arena = &arena,
                                               .generator = &generator,
                                               .tally = &tally });
        pg_close(conn);
        arena_reset(&map_arena);
    }
    print_message("%zu rows, %zu equal, %zu before, %zu behind, %zu known\n", tally.rows, tally.equal, tally.before, tally.behind,
                  tally.known);
    assert_true(tally.rows > MAPS * ITEMS / 2 && tally.equal > 100 && tally.before > 1000 && tally.behind > 1000 &&
                tally.known > 0);
    arena_done(&map_arena);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_sql_compares_as_keys_do) };
    return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
