#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/limits.h"
#include "map/column_codec.h"
#include "map/model.h"

#include "../base/scratch.h"

static void *new_array(size_t count, size_t size)
{
    struct err err = ERR_INIT;
    void *array = arena_calloc(&arena, count, size, &err);
    assert_non_null(array);
    return array;
}

/* `len` bytes that begin with the number, so that names differ. */
static struct span name_of(unsigned number, size_t len)
{
    char *text = new_array(len + 16, 1);
    memset(text, 'x', len);
    int digits = snprintf(text, 16, "c%u", number);
    text[digits] = 'x';
    return span_of(text, (size_t)digits > len ? (size_t)digits : len);
}

static struct column column_of(struct span name, enum column_type type)
{
    return (struct column){ .name = name,
                            .source = COLUMN_FROM_ATTRIBUTE,
                            .attr = name,
                            .type = type,
                            .codec = column_codec_find(type, span_of(NULL, 0)),
                            .not_null = true };
}

static struct template_part variable(struct span name)
{
    return (struct template_part){ .is_variable = true, .name = name };
}

static struct template_part literal(const char *text)
{
    return (struct template_part){ .literal = span_from_cstr(text) };
}

/* pk: "{id}", primary key (id); room for more of everything. */
static struct entity entity_of(unsigned number)
{
    struct entity entity = { .name = name_of(number, 8), .table = name_of(number, 8), .line = number };
    entity.columns = new_array(LIMIT_COLUMNS + 1, sizeof *entity.columns);
    entity.columns[0] = column_of(SPAN("id"), COLUMN_TEXT);
    entity.column_count = 1;
    entity.templates = new_array(4, sizeof *entity.templates);
    entity.templates[0].attr = SPAN("pk");
    entity.templates[0].template.parts = new_array(LIMIT_TEMPLATE_PARTS + 1, sizeof(struct template_part));
    entity.templates[0].template.parts[0] = variable(SPAN("id"));
    entity.templates[0].template.count = 1;
    entity.template_count = 1;
    entity.primary_key = new_array(40, sizeof *entity.primary_key);
    entity.primary_key_count = 1;
    entity.children = new_array(2, sizeof *entity.children);
    entity.foreign_keys = new_array(2, sizeof *entity.foreign_keys);
    entity.indexes = new_array(2, sizeof *entity.indexes);
    return entity;
}

static struct map_table table_of(unsigned number, size_t entity_count)
{
    struct map_table table = { .name = name_of(number, 8), .key.partition = { SPAN("pk"), VALUE_S }, .line = 3 };
    table.entities = new_array(entity_count, sizeof *table.entities);
    table.entity_count = entity_count;
    table.indexes = new_array(4, sizeof *table.indexes);
    for (size_t i = 0; i < entity_count; i++)
        table.entities[i] = entity_of(number * LIMIT_ENTITIES + (unsigned)i);
    return table;
}

static struct map map_of(size_t table_count, size_t entity_count)
{
    struct map map = { .schema = SPAN("app") };
    map.tables = new_array(table_count, sizeof *map.tables);
    map.table_count = table_count;
    for (size_t i = 0; i < table_count; i++)
        map.tables[i] = table_of((unsigned)i + 1, entity_count);
    return map;
}

static void assert_ok(struct map *map)
{
    struct err err = ERR_INIT;
    if (map_finish(map, &arena, &err))
        fail_msg("%s", err.message);
}

static void assert_refused(struct map *map, enum lf_code code, const char *message)
{
    struct err err = ERR_INIT;
    assert_int_equal(map_finish(map, &arena, &err), code);
    if (!strstr(err.message, message))
        fail_msg("'%s' is not in '%s'", message, err.message);
}

/* What is derived */

static void test_type_names(void **state)
{
    (void)state;
    for (unsigned type = 0; type < COLUMN_TYPES; type++) {
        enum column_type back = COLUMN_TYPES;
        assert_true(column_type_from_name(span_from_cstr(column_type_name((enum column_type)type)), &back));
        assert_int_equal(back, type);
    }
    enum column_type untouched = COLUMN_DATE;
    assert_false(column_type_from_name(SPAN("varchar"), &untouched));
    assert_false(column_type_from_name(SPAN("text "), &untouched));
    assert_int_equal(untouched, COLUMN_DATE);
}

static void test_is_column(void **state)
{
    (void)state;
    struct map map = map_of(1, 1);
    struct entity *entity = &map.tables[0].entities[0];
    assert_ok(&map);
    assert_false(entity->templates[0].is_column); /* the column holds the attribute id, not pk */
    assert_ptr_equal(entity->dynamodb_table, &map.tables[0]);
    assert_non_null(entity->index);

    entity->columns[0].attr = SPAN("pk");
    assert_ok(&map);
    assert_true(entity->templates[0].is_column);
    entity->templates[0].template.parts[0].lower = true;
    assert_ok(&map);
    assert_false(entity->templates[0].is_column);
    entity->templates[0].template.parts[0].lower = false;
    entity->templates[0].template.parts[1] = literal("#");
    entity->templates[0].template.count = 2;
    assert_ok(&map);
    assert_false(entity->templates[0].is_column);
}

static void test_columns_of_templates(void **state)
{
    (void)state;
    struct map map = map_of(1, 1);
    struct entity *entity = &map.tables[0].entities[0];
    entity->columns[entity->column_count++] = column_of(SPAN("other"), COLUMN_UUID);
    entity->templates[0].template.parts[0] = literal("a#");
    entity->templates[0].template.parts[1] = variable(SPAN("other"));
    entity->templates[0].template.count = 2;
    assert_ok(&map);
    assert_int_equal(entity->templates[0].template.parts[1].column, 1);
    assert_int_equal(entity_find_column(entity, SPAN("other")), 1);
    assert_int_equal(entity_find_column(entity, SPAN("no")), 2);
}

/* What is refused; without a line where there is none */

static void test_lines_in_messages(void **state)
{
    (void)state;
    struct map map = map_of(1, 1);
    struct err err = ERR_INIT;
    map.tables[0].entities[0].line = 17;
    map.tables[0].entities[0].template_count = 0;
    assert_int_equal(map_finish(&map, &arena, &err), LF_MAP);
    assert_true(strncmp(err.message, "line 17: entity ", 16) == 0);
    map.tables[0].entities[0].line = 0;
    assert_int_equal(map_finish(&map, &arena, &err), LF_MAP);
    assert_true(strncmp(err.message, "entity ", 7) == 0);
}

static void test_text_that_postgresql_cannot_hold(void **state)
{
    (void)state;
    struct map map = map_of(1, 1);
    struct entity *entity = &map.tables[0].entities[0];
    struct template *template = &entity->templates[0].template;
    template->parts[1] = (struct template_part){ .literal = SPAN("a\0b") };
    template->count = 2;
    assert_refused(&map, LF_MAP, "has text that PostgreSQL cannot hold");
    template->parts[1].literal = SPAN("\xff");
    assert_refused(&map, LF_MAP, "has text that PostgreSQL cannot hold");
    template->count = 1;
    entity->columns[0].check = new_array(1, sizeof(struct span));
    entity->columns[0].check[0] = SPAN("\0");
    entity->columns[0].check_count = 1;
    assert_refused(&map, LF_MAP, "PostgreSQL cannot hold U+0000");
}

static void test_names_of_the_wrong_kind(void **state)
{
    (void)state;
    struct map map = map_of(1, 1);
    struct entity *entity = &map.tables[0].entities[0];
    static const char *const taken[] = { "ddb_extra", "ctid", "xmin", "xmax", "cmin", "cmax", "tableoid" };
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) {
        entity->columns[1] = column_of(span_from_cstr(taken[i]), COLUMN_TEXT);
        entity->column_count = 2;
        assert_refused(&map, LF_MAP, "is taken");
    }
    entity->column_count = 1;
    static const char *const schemas[] = { "landfall", "pg_x", "information_schema" };
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        map.schema = span_from_cstr(schemas[i]);
        assert_refused(&map, LF_MAP, "is not for tables of an application");
    }
    map.schema = SPAN("a\x1f");
    assert_refused(&map, LF_MAP, "control character");
    map.schema = SPAN("a\xc3");
    assert_refused(&map, LF_MAP, "not UTF-8");
    map.schema = span_of(NULL, 0);
    assert_refused(&map, LF_MAP, "is empty");
}

static void test_two_of_a_name(void **state)
{
    (void)state;
    struct map map = map_of(2, 2);
    assert_ok(&map);
    struct entity *first = &map.tables[0].entities[0], *last = &map.tables[1].entities[1];
    struct span name = last->name, table = last->table;
    last->table = first->table;
    assert_refused(&map, LF_MAP, "stands twice among the PostgreSQL tables");
    last->table = table;
    last->name = first->name;
    assert_refused(&map, LF_MAP, "stands twice among the entities");
    last->name = name;
    map.tables[1].name = map.tables[0].name;
    assert_refused(&map, LF_MAP, "stands twice among the DynamoDB tables");
}

static void test_number_and_binary_keys(void **state)
{
    (void)state;
    static const enum value_type types[] = { VALUE_N, VALUE_B };
    static const enum column_type columns[] = { COLUMN_NUMERIC, COLUMN_BYTEA };
    for (size_t i = 0; i < 2; i++) {
        struct map map = map_of(1, 1);
        struct entity *entity = &map.tables[0].entities[0];
        map.tables[0].key.partition.type = types[i];
        assert_refused(&map, LF_MAP, "its template must be the column of that attribute alone");
        entity->columns[0] = column_of(SPAN("id"), columns[i]);
        entity->columns[0].attr = SPAN("pk");
        assert_ok(&map);
        entity->columns[0] = column_of(SPAN("id"), COLUMN_TEXT);
        entity->columns[0].attr = SPAN("pk");
        assert_refused(&map, LF_MAP, "cannot hold the");
    }
}

static void test_codecs_that_do_not_fit(void **state)
{
    (void)state;
    struct map map = map_of(1, 1);
    struct entity *entity = &map.tables[0].entities[0];
    entity->columns[0].codec = column_codec_find(COLUMN_UUID, span_of(NULL, 0));
    assert_refused(&map, LF_MAP, "the codec does not fit the type");
    entity->columns[0].codec = NULL;
    assert_refused(&map, LF_MAP, "the codec does not fit the type");
}

/* Foreign keys and distribution */

static void test_distribution(void **state)
{
    (void)state;
    struct map map = map_of(1, 2);
    struct entity *child = &map.tables[0].entities[0], *parent = &map.tables[0].entities[1];
    parent->columns[parent->column_count++] = column_of(SPAN("tenant"), COLUMN_TEXT);
    child->foreign_keys[0] = (struct foreign_key){
        .columns = new_array(1, sizeof(unsigned)), .references = parent->primary_key, .count = 1, .parent = parent
    };
    child->foreign_key_count = 1;
    assert_ok(&map);
    parent->distribute_by = SPAN("id");
    assert_ok(&map);
    parent->distribute_by = SPAN("tenant");
    assert_refused(&map, LF_MAP, "must have its distribution column to be referenced");
    child->foreign_key_count = 0;
    assert_ok(&map);
}

/* Limits, each at the limit and one beyond */

static void test_identifier_limit(void **state)
{
    (void)state;
    struct map map = map_of(1, 1);
    struct entity *entity = &map.tables[0].entities[0];
    for (size_t len = LIMIT_IDENTIFIER_BYTES - 1; len <= LIMIT_IDENTIFIER_BYTES; len++) {
        map.schema = entity->table = name_of(1, len);
        entity->columns[1] = column_of(name_of(2, len), COLUMN_TEXT);
        entity->column_count = 2;
        assert_ok(&map);
    }
    struct span long_name = name_of(1, LIMIT_IDENTIFIER_BYTES + 1);
    entity->columns[1].name = long_name;
    assert_refused(&map, LF_LIMIT, "64 bytes, at most 63");
    entity->column_count = 1;
    entity->table = long_name;
    assert_refused(&map, LF_LIMIT, "64 bytes, at most 63");
    entity->table = SPAN("t");
    map.schema = long_name;
    assert_refused(&map, LF_LIMIT, "64 bytes, at most 63");
}

static void test_attribute_limit(void **state)
{
    (void)state;
    struct map map = map_of(1, 1);
    struct entity *entity = &map.tables[0].entities[0];
    entity->columns[0].attr = name_of(1, LIMIT_ATTRIBUTE_NAME_BYTES);
    assert_ok(&map);
    entity->columns[0].attr = name_of(1, LIMIT_ATTRIBUTE_NAME_BYTES + 1);
    assert_refused(&map, LF_LIMIT, "65536 bytes, at most 65535");
}

static void test_key_name_limit(void **state)
{
    (void)state;
    struct map map = map_of(1, 1);
    struct map_table *table = &map.tables[0];
    table->name = table->entities[0].name = name_of(1, LIMIT_KEY_NAME_BYTES);
    table->key.partition.name = table->entities[0].templates[0].attr = name_of(2, LIMIT_KEY_NAME_BYTES);
    assert_ok(&map);
    table->name = name_of(1, LIMIT_KEY_NAME_BYTES + 1);
    assert_refused(&map, LF_LIMIT, "256 bytes, at most 255");
    table->name = SPAN("t");
    table->key.partition.name = table->entities[0].templates[0].attr = name_of(2, LIMIT_KEY_NAME_BYTES + 1);
    assert_refused(&map, LF_LIMIT, "256 bytes, at most 255");
}

static void test_column_limit(void **state)
{
    (void)state;
    struct map map = map_of(1, 1);
    struct entity *entity = &map.tables[0].entities[0];
    for (unsigned i = 1; i < LIMIT_COLUMNS; i++)
        entity->columns[i] = column_of(name_of(i, 8), COLUMN_TEXT);
    entity->column_count = LIMIT_COLUMNS - 1; /* and ddb_extra */
    assert_ok(&map);
    entity->column_count = LIMIT_COLUMNS;
    assert_refused(&map, LF_LIMIT, "200 columns and ddb_extra, at most 200");
}

static void test_child_column_limit(void **state)
{
    (void)state;
    struct map map = map_of(1, 1);
    struct entity *entity = &map.tables[0].entities[0];
    struct child *child = &entity->children[0];
    *child = (struct child){ .attr = SPAN("list"), .table = SPAN("list"), .column_count = LIMIT_COLUMNS - 2 };
    child->columns = new_array(LIMIT_COLUMNS, sizeof *child->columns);
    for (unsigned i = 0; i < LIMIT_COLUMNS; i++)
        child->columns[i] = column_of(name_of(i, 8), COLUMN_TEXT);
    entity->child_count = 1;
    assert_ok(&map); /* with id and position */
    child->column_count++;
    assert_refused(&map, LF_LIMIT, "has 201 columns, at most 200");
    child->column_count = 1;
    entity->primary_key_count = 0;
    assert_refused(&map, LF_MAP, "needs the primary key of its parent");
}

static void test_index_limit(void **state)
{
    (void)state;
    struct map map = map_of(1, 1);
    struct entity *entity = &map.tables[0].entities[0];
    for (unsigned i = 1; i < 40; i++) {
        entity->columns[i] = column_of(name_of(i, 8), COLUMN_TEXT);
        entity->primary_key[i] = i;
    }
    entity->column_count = 40;
    entity->primary_key_count = 32;
    entity->indexes[0] = (struct index_def){ .columns = entity->primary_key, .count = 32 };
    entity->index_count = 1;
    assert_ok(&map);
    entity->indexes[0].count = 33;
    assert_refused(&map, LF_LIMIT, "an index has 33 columns, PostgreSQL allows 32");
    entity->index_count = 0;
    entity->primary_key_count = 33;
    assert_refused(&map, LF_LIMIT, "the primary key has 33 columns, PostgreSQL allows 32");
}

static void test_template_limit(void **state)
{
    (void)state;
    struct map map = map_of(1, 1);
    struct template *template = &map.tables[0].entities[0].templates[0].template;
    for (size_t i = 0; i <= LIMIT_TEMPLATE_PARTS; i++)
        template->parts[i] = variable(SPAN("id"));
    template->count = LIMIT_TEMPLATE_PARTS;
    assert_ok(&map);
    template->count = LIMIT_TEMPLATE_PARTS + 1;
    assert_refused(&map, LF_LIMIT, "has 33 parts, at most 32");
    template->count = 0;
    assert_refused(&map, LF_MAP, "is empty");
}

static void test_entity_and_table_limits(void **state)
{
    (void)state;
    struct map map = map_of(1, LIMIT_ENTITIES);
    assert_ok(&map);
    map = map_of(1, LIMIT_ENTITIES + 1);
    assert_refused(&map, LF_LIMIT, "has 513 entities, at most 512");
    map = map_of(LIMIT_TABLES, 1);
    assert_ok(&map);
    map = map_of(LIMIT_TABLES + 1, 1);
    assert_refused(&map, LF_LIMIT, "has 257 tables, at most 256");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_type_names, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_is_column, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_columns_of_templates, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_lines_in_messages, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_text_that_postgresql_cannot_hold, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_names_of_the_wrong_kind, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_two_of_a_name, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_number_and_binary_keys, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_codecs_that_do_not_fit, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_distribution, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_identifier_limit, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_attribute_limit, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_key_name_limit, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_column_limit, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_child_column_limit, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_index_limit, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_template_limit, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_entity_and_table_limits, scratch_open, scratch_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
