#include "row_fixture.h"

int row_setup(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof *fixture);
    arena_init(&fixture->map_arena, ARENA_BYTES);
    arena_init(&fixture->arena, ARENA_BYTES);
    *state = fixture;
    return 0;
}

int row_teardown(void **state)
{
    struct fixture *fixture = *state;
    arena_done(&fixture->map_arena);
    arena_done(&fixture->arena);
    test_free(fixture);
    return 0;
}

void read_map(struct fixture *fixture, const char *yaml)
{
    enum lf_code code = map_read_yaml(span_from_cstr(yaml), "test.yaml", &fixture->map_arena, &fixture->map, &fixture->err);
    if (code != LF_OK)
        fail_msg("%s", fixture->err.message);
}

struct item item_from(struct fixture *fixture, const char *json)
{
    struct item item;
    if (ddbjson_read_line(span_from_cstr(json), &fixture->arena, &item, &fixture->err) != LF_OK)
        fail_msg("%s: %s", json, fixture->err.message);
    return item;
}

struct row encode(struct fixture *fixture, const struct item *item)
{
    struct row row;
    if (row_encode(&fixture->map.tables[0], item, &fixture->arena, &row, &fixture->err) != LF_OK)
        fail_msg("%s", fixture->err.message);
    return row;
}

/* A child's rows as ARRAY(SELECT ROW(position, columns …)) sends them. */
static struct pg_field children_as_records(struct fixture *fixture, const struct entity *entity, const struct row_child *child)
{
    struct buf buf;
    buf_init(&buf, ARENA_BYTES);
    pg_put_array_header(&buf, PG_OID_RECORD, child->row_count);
    for (size_t i = 0; i < child->row_count; i++) {
        const struct pg_field *fields = child->fields + i * child->field_count;
        struct buf record;
        buf_init(&record, ARENA_BYTES);
        pg_put_int32(&record, (int32_t)(child->field_count - entity->primary_key_count));
        for (size_t f = entity->primary_key_count; f < child->field_count; f++) {
            pg_put_int32(&record, PG_OID_TEXT);
            if (fields[f].data)
                pg_put_element(&record, span_of(fields[f].data, fields[f].len));
            else
                pg_put_int32(&record, -1);
        }
        pg_put_element(&buf, buf_span(&record));
        buf_done(&record);
    }
    struct span copy;
    assert_int_equal(arena_copy(&fixture->arena, buf_span(&buf), &copy, &fixture->err), LF_OK);
    buf_done(&buf);
    return (struct pg_field){ copy.ptr, copy.len };
}

struct pg_field *selected(struct fixture *fixture, const struct row *row)
{
    const struct entity *entity = row->entity;
    struct pg_field *fields = arena_calloc(&fixture->arena, row_select_count(entity), sizeof *fields, &fixture->err);
    assert_non_null(fields);
    memcpy(fields, row->fields, (entity->column_count + 1) * sizeof *fields);
    for (size_t i = 0; i < entity->child_count; i++)
        fields[entity->column_count + 1 + i] = children_as_records(fixture, entity, &row->children[i]);
    return fields;
}

void print_item(const struct item *item)
{
    struct buf buf;
    buf_init(&buf, ARENA_BYTES);
    ddbjson_put_item(&buf, item);
    print_error("%s\n", buf_cstr(&buf));
    buf_done(&buf);
}

void assert_comes_back(struct fixture *fixture, const struct item *item, const struct row *row)
{
    struct item back;
    if (row_decode(row->entity, selected(fixture, row), &fixture->arena, &back, &fixture->err) != LF_OK)
        fail_msg("%s", fixture->err.message);
    if (!item_equal(&back, item)) {
        print_item(item);
        print_item(&back);
        fail();
    }
}

struct row assert_claimed(struct fixture *fixture, const char *json, const char *entity)
{
    struct item item = item_from(fixture, json);
    struct row row = encode(fixture, &item);
    if (!row.entity)
        fail_msg("%s: %.*s", json, SPAN_ARG(row.reason));
    assert_true(span_equal(row.entity->name, span_from_cstr(entity)));
    assert_comes_back(fixture, &item, &row);
    return row;
}

void assert_not_claimed(struct fixture *fixture, const char *json, const char *reason)
{
    struct item item = item_from(fixture, json);
    struct row row = encode(fixture, &item);
    assert_null(row.entity);
    char text[1024];
    snprintf(text, sizeof text, "%.*s", SPAN_ARG(row.reason));
    assert_string_equal(text, reason);
}

const char *extra_of(struct fixture *fixture, const struct row *row)
{
    struct pg_field field = row->fields[row->entity->column_count];
    struct span text;
    if (!field.data)
        return "";
    assert_int_equal(field.data[0], 1);
    assert_int_equal(arena_copy(&fixture->arena, span_of(field.data + 1, field.len - 1), &text, &fixture->err), LF_OK);
    return text.ptr;
}

struct pg_field field_of_column(const struct row *row, const char *name)
{
    size_t column = entity_find_column(row->entity, span_from_cstr(name));
    assert_true(column < row->entity->column_count);
    return row->fields[column];
}

void assert_text(const struct row *row, const char *column, const char *text)
{
    struct pg_field field = field_of_column(row, column);
    if (!text) {
        assert_null(field.data);
        return;
    }
    assert_non_null(field.data);
    assert_int_equal(field.len, strlen(text));
    assert_memory_equal(field.data, text, field.len);
}
