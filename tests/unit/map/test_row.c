#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <setjmp.h>

#include <cmocka.h>

#include "base/limits.h"
#include "codec/utf8.h"
#include "generate_map.h"
#include "generate_row.h"
#include "item/canonical.h"
#include "item/ddbjson.h"
#include "map/map_yaml.h"
#include "map/row.h"

enum { ARENA_BYTES = 64 * 1024 * 1024 };

struct fixture {
    struct arena map_arena, arena;
    struct map map;
    struct err err;
};

static int setup(void **state)
{
    struct fixture *fixture = test_calloc(1, sizeof *fixture);
    arena_init(&fixture->map_arena, ARENA_BYTES);
    arena_init(&fixture->arena, ARENA_BYTES);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    arena_done(&fixture->map_arena);
    arena_done(&fixture->arena);
    test_free(fixture);
    return 0;
}

/* ---- maps, items, rows ---- */

static void read_map(struct fixture *fixture, const char *yaml)
{
    enum lf_code code = map_read_yaml(span_from_cstr(yaml), "test.yaml", &fixture->map_arena, &fixture->map, &fixture->err);
    if (code != LF_OK)
        fail_msg("%s", fixture->err.message);
}

static struct item item_from(struct fixture *fixture, const char *json)
{
    struct item item;
    if (ddbjson_read_line(span_from_cstr(json), &fixture->arena, &item, &fixture->err) != LF_OK)
        fail_msg("%s: %s", json, fixture->err.message);
    return item;
}

static struct row encode(struct fixture *fixture, const struct item *item)
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

/* What SELECT gives for a row that was loaded. */
static struct pg_field *selected(struct fixture *fixture, const struct row *row)
{
    const struct entity *entity = row->entity;
    struct pg_field *fields = arena_calloc(&fixture->arena, row_select_count(entity), sizeof *fields, &fixture->err);
    assert_non_null(fields);
    memcpy(fields, row->fields, (entity->column_count + 1) * sizeof *fields);
    for (size_t i = 0; i < entity->child_count; i++)
        fields[entity->column_count + 1 + i] = children_as_records(fixture, entity, &row->children[i]);
    return fields;
}

static void print_item(const struct item *item)
{
    struct buf buf;
    buf_init(&buf, ARENA_BYTES);
    ddbjson_put_item(&buf, item);
    print_error("%s\n", buf_cstr(&buf));
    buf_done(&buf);
}

static void assert_comes_back(struct fixture *fixture, const struct item *item, const struct row *row)
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

/* The entity that claims it, having come back equal. */
static struct row assert_claimed(struct fixture *fixture, const char *json, const char *entity)
{
    struct item item = item_from(fixture, json);
    struct row row = encode(fixture, &item);
    if (!row.entity)
        fail_msg("%s: %.*s", json, SPAN_ARG(row.reason));
    assert_true(span_equal(row.entity->name, span_from_cstr(entity)));
    assert_comes_back(fixture, &item, &row);
    return row;
}

static void assert_not_claimed(struct fixture *fixture, const char *json, const char *reason)
{
    struct item item = item_from(fixture, json);
    struct row row = encode(fixture, &item);
    assert_null(row.entity);
    char text[1024];
    snprintf(text, sizeof text, "%.*s", SPAN_ARG(row.reason));
    assert_string_equal(text, reason);
}

/* The text of ddb_extra, behind the version byte; "" when it is NULL. */
static const char *extra_of(struct fixture *fixture, const struct row *row)
{
    struct pg_field field = row->fields[row->entity->column_count];
    struct span text;
    if (!field.data)
        return "";
    assert_int_equal(field.data[0], 1);
    assert_int_equal(arena_copy(&fixture->arena, span_of(field.data + 1, field.len - 1), &text, &fixture->err), LF_OK);
    return text.ptr;
}

static struct pg_field field_of_column(const struct row *row, const char *name)
{
    size_t column = entity_find_column(row->entity, span_from_cstr(name));
    assert_true(column < row->entity->column_count);
    return row->fields[column];
}

static void assert_text(const struct row *row, const char *column, const char *text)
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

/* ---- an ordinary entity ---- */

#define HEAD                                        \
    "version: 1\n"                                  \
    "schema: app\n"                                 \
    "tables:\n"                                     \
    "  t:\n"                                        \
    "    key: { pk: S, sk: S }\n"                   \
    "    indexes: { gsi1: { gsi1pk: S, sk: S } }\n" \
    "    entities:\n"

#define MESSAGE                                                                         \
    "      Message:\n"                                                                  \
    "        match: { entityName: Message }\n"                                          \
    "        key: { pk: \"case|{docket_number}\", sk: \"message|{message_id}\" }\n"     \
    "        keys: { gsi1pk: \"message|{parent_id}\" }\n"                               \
    "        table: message\n"                                                          \
    "        primary_key: [message_id]\n"                                               \
    "        columns:\n"                                                                \
    "          message_id: { attr: messageId, type: uuid, null: false }\n"              \
    "          docket_number: { attr: docketNumber, type: text, null: false }\n"        \
    "          parent_id: { attr: parentId, type: uuid }\n"                             \
    "          created_at: { attr: createdAt, type: timestamptz, codec: iso8601_ms }\n" \
    "          status: { attr: status, type: text, check: [open, closed] }\n"           \
    "          attachments: { attr: attachments, type: jsonb }\n"                       \
    "        indexes: [ [docket_number, status] ]\n"

#define UUID1 "01234567-89ab-cdef-0123-456789abcdef"
#define UUID2 "11111111-2222-3333-4444-555555555555"
#define MESSAGE_ITEM(more)                                                                                   \
    "{\"pk\":{\"S\":\"case|7-20\"},\"sk\":{\"S\":\"message|" UUID1 "\"},\"entityName\":{\"S\":\"Message\"}," \
    "\"messageId\":{\"S\":\"" UUID1 "\"},\"docketNumber\":{\"S\":\"7-20\"}" more "}"

static void test_columns_hold_and_keys_are_not_stored(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD MESSAGE);
    struct row row = assert_claimed(fixture,
                                    MESSAGE_ITEM(",\"parentId\":{\"S\":\"" UUID2 "\"},\"gsi1pk\":{\"S\":\"message|" UUID2 "\"},"
                                                 "\"createdAt\":{\"S\":\"2000-01-01T00:00:00.001Z\"},"
                                                 "\"status\":{\"S\":\"open\"},\"attachments\":{\"L\":[{\"N\":\"1\"}]}"),
                                    "Message");
    assert_text(&row, "docket_number", "7-20");
    assert_text(&row, "status", "open");
    assert_int_equal(field_of_column(&row, "message_id").len, 16);
    assert_memory_equal(field_of_column(&row, "created_at").data, "\0\0\0\0\0\0\3\xe8", 8);
    assert_text(&row, "attachments", "\1[1]");
    assert_string_equal(extra_of(fixture, &row), "");
}

static void test_what_no_column_holds_is_left_over(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD MESSAGE);
    struct row row = assert_claimed(fixture,
                                    MESSAGE_ITEM(",\"createdAt\":{\"S\":\"yesterday\"},\"attachments\":{\"SS\":[\"b\",\"a\"]},"
                                                 "\"colour\":{\"S\":\"r\\u0000d\"}"),
                                    "Message");
    assert_text(&row, "created_at", NULL);
    assert_text(&row, "attachments", NULL);
    assert_string_equal(extra_of(fixture, &row), "{\"colour\":{\"S64\":\"cgBk\"},\"createdAt\":{\"S\":\"yesterday\"},"
                                                 "\"attachments\":{\"SS\":[\"b\",\"a\"]}}");
}

static void test_null_is_not_absent(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD MESSAGE);
    struct row row =
        assert_claimed(fixture, MESSAGE_ITEM(",\"status\":{\"NULL\":true},\"attachments\":{\"NULL\":true}"), "Message");
    assert_text(&row, "status", NULL);
    assert_text(&row, "attachments", "\1null");
    assert_string_equal(extra_of(fixture, &row), "{\"status\":{\"NULL\":true}}");
}

/* ---- templates beyond the table's key ---- */

static void test_a_template_may_be_wrong(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD MESSAGE);
    const struct {
        const char *item, *extra;
    } cases[] = {
        { MESSAGE_ITEM(""), "" },
        { MESSAGE_ITEM(",\"parentId\":{\"S\":\"" UUID2 "\"}"), "{\"gsi1pk\":null}" },
        { MESSAGE_ITEM(",\"parentId\":{\"S\":\"" UUID2 "\"},\"gsi1pk\":{\"S\":\"other\"}"), "{\"gsi1pk\":{\"S\":\"other\"}}" },
        { MESSAGE_ITEM(",\"parentId\":{\"S\":\"" UUID2 "\"},\"gsi1pk\":{\"NULL\":true}"), "{\"gsi1pk\":{\"NULL\":true}}" },
        { MESSAGE_ITEM(",\"gsi1pk\":{\"S\":\"message|\"}"), "{\"gsi1pk\":{\"S\":\"message|\"}}" },
        /* The column is NULL, so SQL cannot build the key, although the attribute would give it. */
        { MESSAGE_ITEM(",\"parentId\":{\"S\":\"ROOT\"},\"gsi1pk\":{\"S\":\"message|ROOT\"}"),
          "{\"parentId\":{\"S\":\"ROOT\"},\"gsi1pk\":{\"S\":\"message|ROOT\"}}" },
        { MESSAGE_ITEM(",\"parentId\":{\"S\":\"ROOT\"}"), "{\"parentId\":{\"S\":\"ROOT\"}}" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct row row = assert_claimed(fixture, cases[i].item, "Message");
        assert_string_equal(extra_of(fixture, &row), cases[i].extra);
    }
}

/* ---- not claimed ---- */

static void test_reasons(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD MESSAGE);
    assert_not_claimed(fixture, "{\"pk\":{\"S\":\"a\"},\"sk\":{\"S\":\"b\"}}", "no entity of the map has its constants");
    assert_not_claimed(fixture, "{\"pk\":{\"S\":\"a\"},\"sk\":{\"S\":\"b\"},\"entityName\":{\"S\":\"Message\"}}",
                       "Message: pk is not as its template has it");
    assert_not_claimed(fixture, MESSAGE_ITEM(",\"status\":{\"S\":\"archived\"}"),
                       "Message: status 'archived' is not one of the values the map allows");
    assert_not_claimed(fixture, MESSAGE_ITEM(",\"\\u0000\":{\"S\":\"x\"}"),
                       "Message: the name of an attribute contains U+0000, which PostgreSQL cannot hold");
    assert_not_claimed(fixture, MESSAGE_ITEM(",\"x\":{\"M\":{\"\\u0000\":{\"SS\":[\"x\"]}}}"),
                       "Message: the name of an attribute contains U+0000, which PostgreSQL cannot hold");
    assert_not_claimed(fixture,
                       "{\"pk\":{\"S\":\"case|7-20\"},\"sk\":{\"S\":\"message|" UUID2 "\"},\"entityName\":{\"S\":\"Message\"},"
                       "\"messageId\":{\"S\":\"" UUID1 "\"},\"docketNumber\":{\"S\":\"7-20\"}}",
                       "Message: sk is not what its columns give");
    assert_not_claimed(fixture,
                       "{\"pk\":{\"S\":\"case|7-20\"},\"sk\":{\"S\":\"message|X\"},\"entityName\":{\"S\":\"Message\"},"
                       "\"messageId\":{\"S\":\"X\"},\"docketNumber\":{\"S\":\"7-20\"}}",
                       "Message: sk cannot be rebuilt, a column it is made of is empty");
}

#define NOT_NULL                                                     \
    "      Thing:\n"                                                 \
    "        key: { pk: \"T#{id}\", sk: \"{seq}\" }\n"               \
    "        table: thing\n"                                         \
    "        primary_key: [id, seq]\n"                               \
    "        columns:\n"                                             \
    "          id: { type: text, null: false }\n"                    \
    "          seq: { type: integer, codec: string, null: false }\n" \
    "          label: { attr: label, type: text, null: false }\n"

static void test_not_null(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD NOT_NULL);
    const char *reason = "Thing: column label may not be null, and its attribute is absent or of another form";
    assert_not_claimed(fixture, "{\"pk\":{\"S\":\"T#1\"},\"sk\":{\"S\":\"2\"}}", reason);
    assert_not_claimed(fixture, "{\"pk\":{\"S\":\"T#1\"},\"sk\":{\"S\":\"2\"},\"label\":{\"N\":\"1\"}}", reason);
    (void)assert_claimed(fixture, "{\"pk\":{\"S\":\"T#1\"},\"sk\":{\"S\":\"2\"},\"label\":{\"S\":\"\"}}", "Thing");
}

/* The reason is a text that PostgreSQL can store, whatever the value. */
static void test_reasons_quote_values_shortly(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD MESSAGE);
    assert_not_claimed(fixture,
                       MESSAGE_ITEM(",\"status\":{\"S\":\"x"
                                    "éééééééééééééééééééééééééééééééééééééééé"
                                    "\"}"),
                       "Message: status 'x"
                       "ééééééééééééééééééééééééééééé"
                       "' is not one of the values the map allows");
}

/* ---- columns that only the key holds ---- */

static void test_columns_from_the_key(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD NOT_NULL);
    struct row row = assert_claimed(fixture, "{\"pk\":{\"S\":\"T#a#b\"},\"sk\":{\"S\":\"-5\"},\"label\":{\"S\":\"l\"}}", "Thing");
    assert_text(&row, "id", "a#b");
    assert_memory_equal(field_of_column(&row, "seq").data, "\xff\xff\xff\xfb", 4);
    assert_string_equal(extra_of(fixture, &row), "");
    assert_not_claimed(fixture, "{\"pk\":{\"S\":\"T#1\"},\"sk\":{\"S\":\"05\"},\"label\":{\"S\":\"l\"}}",
                       "Thing: sk cannot be rebuilt, a column it is made of is empty");
    assert_not_claimed(fixture, "{\"pk\":{\"S\":\"U#1\"},\"sk\":{\"S\":\"5\"},\"label\":{\"S\":\"l\"}}",
                       "Thing: pk is not as its template has it");
    assert_not_claimed(fixture, "{\"pk\":{\"S\":\"T#a\\u0000\"},\"sk\":{\"S\":\"5\"},\"label\":{\"S\":\"l\"}}",
                       "Thing: pk cannot be rebuilt, a column it is made of is empty");
}

static void test_a_variable_that_contains_the_separator(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD "      Pair:\n"
                           "        key: { pk: \"{a}#{b}\", sk: \"{c|lower}#end\" }\n"
                           "        keys: { gsi1pk: \"{a}/{d|optional}\" }\n"
                           "        table: pair\n"
                           "        primary_key: [a, b]\n"
                           "        columns:\n"
                           "          a: { type: text, null: false }\n"
                           "          b: { attr: b, type: text, null: false }\n"
                           "          c: { attr: c, type: text, null: false }\n"
                           "          d: { attr: d, type: bigint }\n");
    struct row row = assert_claimed(fixture,
                                    "{\"pk\":{\"S\":\"x#y\"},\"sk\":{\"S\":\"abc#end\"},\"b\":{\"S\":\"y\"},"
                                    "\"c\":{\"S\":\"aBc\"},\"gsi1pk\":{\"S\":\"x/\"}}",
                                    "Pair");
    assert_string_equal(extra_of(fixture, &row), "");
    row = assert_claimed(fixture,
                         "{\"pk\":{\"S\":\"x#y\"},\"sk\":{\"S\":\"abc#end\"},\"b\":{\"S\":\"y\"},"
                         "\"c\":{\"S\":\"aBc\"},\"gsi1pk\":{\"S\":\"x/12\"},\"d\":{\"N\":\"12\"}}",
                         "Pair");
    assert_string_equal(extra_of(fixture, &row), "");
    assert_not_claimed(fixture, "{\"pk\":{\"S\":\"x#z#y\"},\"sk\":{\"S\":\"abc#end\"},\"b\":{\"S\":\"y\"},\"c\":{\"S\":\"aBc\"}}",
                       "Pair: pk is not what its columns give");
}

static void test_an_empty_part_of_the_key_is_a_null_column(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD "      Version:\n"
                           "        key: { pk: \"{id}\", sk: \"v#{label|optional}\" }\n"
                           "        keys: { gsi1pk: \"flag#{flag}\" }\n"
                           "        table: version\n"
                           "        primary_key: [id]\n"
                           "        columns:\n"
                           "          id: { attr: id, type: text, null: false }\n"
                           "          label: { type: text }\n"
                           "          flag: { type: boolean }\n");
    struct row row = assert_claimed(fixture, "{\"pk\":{\"S\":\"1\"},\"sk\":{\"S\":\"v#\"},\"id\":{\"S\":\"1\"}}", "Version");
    assert_text(&row, "label", NULL);
    assert_text(&row, "flag", NULL);
    row = assert_claimed(fixture,
                         "{\"pk\":{\"S\":\"1\"},\"sk\":{\"S\":\"v#x\"},\"id\":{\"S\":\"1\"},"
                         "\"gsi1pk\":{\"S\":\"flag#true\"}}",
                         "Version");
    assert_text(&row, "label", "x");
    assert_text(&row, "flag", "\1");
    assert_string_equal(extra_of(fixture, &row), "");
    row = assert_claimed(fixture,
                         "{\"pk\":{\"S\":\"1\"},\"sk\":{\"S\":\"v#x\"},\"id\":{\"S\":\"1\"},"
                         "\"gsi1pk\":{\"S\":\"flag#yes\"}}",
                         "Version");
    assert_text(&row, "flag", NULL);
    assert_string_equal(extra_of(fixture, &row), "{\"gsi1pk\":{\"S\":\"flag#yes\"}}");
}

/* ---- keys of numbers and binaries ---- */

static void test_number_and_binary_keys(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, "version: 1\nschema: app\ntables:\n  t:\n    key: { pk: B, sk: N }\n    entities:\n"
                      "      Blob:\n"
                      "        match: { kind: { N: \"7\" } }\n"
                      "        key: { pk: \"{hash}\", sk: \"{at}\" }\n"
                      "        table: blob\n"
                      "        primary_key: [hash, at]\n"
                      "        columns:\n"
                      "          hash: { attr: pk, type: bytea, null: false }\n"
                      "          at: { attr: sk, type: timestamptz, codec: epoch_s, null: false }\n");
    struct row row =
        assert_claimed(fixture, "{\"pk\":{\"B\":\"AP8=\"},\"sk\":{\"N\":\"946684800\"},\"kind\":{\"N\":\"7.0\"}}", "Blob");
    assert_int_equal(field_of_column(&row, "hash").len, 2);
    assert_memory_equal(field_of_column(&row, "hash").data, "\0\xff", 2);
    assert_string_equal(extra_of(fixture, &row), "");
    assert_not_claimed(fixture, "{\"pk\":{\"B\":\"AP8=\"},\"sk\":{\"N\":\"0.5\"},\"kind\":{\"N\":\"7\"}}",
                       "Blob: sk cannot be rebuilt, a column it is made of is empty");
    assert_not_claimed(fixture, "{\"pk\":{\"B\":\"AP8=\"},\"sk\":{\"N\":\"5\"},\"kind\":{\"S\":\"7\"}}",
                       "no entity of the map has its constants");
}

/* ---- flattened maps ---- */

#define PERSON                                                              \
    "      Person:\n"                                                       \
    "        key: { pk: \"P#{id}\", sk: \"{city|optional}\" }\n"            \
    "        table: person\n"                                               \
    "        primary_key: [id]\n"                                           \
    "        columns:\n"                                                    \
    "          id: { attr: id, type: text, null: false }\n"                 \
    "          address:\n"                                                  \
    "            attr: address\n"                                           \
    "            flatten:\n"                                                \
    "              city: { attr: city, type: text }\n"                      \
    "              zip: { attr: zip, type: bigint }\n"                      \
    "        children:\n"                                                   \
    "          phones:\n"                                                   \
    "            attr: phones\n"                                            \
    "            table: person_phone\n"                                     \
    "            columns:\n"                                                \
    "              number: { attr: number, type: text, null: false }\n"     \
    "              kind: { attr: kind, type: text, check: [home, work] }\n" \
    "          tags:\n"                                                     \
    "            attr: tags\n"                                              \
    "            table: person_tag\n"                                       \
    "            columns:\n"                                                \
    "              tag: { type: text }\n"

#define PERSON_ITEM(sk, more) "{\"pk\":{\"S\":\"P#1\"},\"sk\":{\"S\":\"" sk "\"},\"id\":{\"S\":\"1\"}" more "}"

static void test_a_map_is_flattened_when_every_entry_has_a_column(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD PERSON);
    struct row row = assert_claimed(
        fixture, PERSON_ITEM("Bonn", ",\"address\":{\"M\":{\"city\":{\"S\":\"Bonn\"},\"zip\":{\"N\":\"53111\"}}}"), "Person");
    assert_text(&row, "city", "Bonn");
    assert_memory_equal(field_of_column(&row, "zip").data, "\0\0\0\0\0\0\xcf\x77", 8);
    assert_string_equal(extra_of(fixture, &row), "");
    row = assert_claimed(fixture, PERSON_ITEM("Bonn", ",\"address\":{\"M\":{\"city\":{\"S\":\"Bonn\"}}}"), "Person");
    assert_text(&row, "zip", NULL);
    assert_string_equal(extra_of(fixture, &row), "");
}

static void test_a_map_that_does_not_fit_stays_whole(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD PERSON);
    static const char *const addresses[] = {
        "{\"M\":{}}",
        "{\"NULL\":true}",
        "{\"M\":{\"city\":{\"S\":\"Bonn\"},\"street\":{\"S\":\"x\"}}}",
        "{\"M\":{\"city\":{\"S\":\"Bonn\"},\"zip\":{\"S\":\"53111\"}}}",
        "{\"L\":[]}",
    };
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        char json[256], extra[256];
        snprintf(json, sizeof json, PERSON_ITEM("%s", ",\"address\":%s"), "", addresses[i]);
        snprintf(extra, sizeof extra, "{\"address\":%s}", addresses[i]);
        struct row row = assert_claimed(fixture, json, "Person");
        assert_text(&row, "city", NULL);
        assert_text(&row, "zip", NULL);
        assert_string_equal(extra_of(fixture, &row), extra);
    }
}

/* ---- children ---- */

static void test_a_list_becomes_rows(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD PERSON);
    struct row row =
        assert_claimed(fixture,
                       PERSON_ITEM("", ",\"phones\":{\"L\":[{\"M\":{\"number\":{\"S\":\"1\"},\"kind\":{\"S\":\"home\"}}},"
                                       "{\"M\":{\"number\":{\"S\":\"2\"}}}]},"
                                       "\"tags\":{\"L\":[{\"S\":\"b\"},{\"S\":\"\"},{\"S\":\"b\"}]}"),
                       "Person");
    assert_string_equal(extra_of(fixture, &row), "");
    const struct row_child *phones = &row.children[0], *tags = &row.children[1];
    assert_int_equal(phones->row_count, 2);
    assert_int_equal(phones->field_count, 4);
    const struct pg_field *second = phones->fields + phones->field_count;
    assert_memory_equal(second[0].data, "1", 1);
    assert_memory_equal(second[1].data, "\0\0\0\1", 4);
    assert_memory_equal(second[2].data, "2", 1);
    assert_null(second[3].data);
    assert_int_equal(tags->row_count, 3);
    assert_int_equal(tags->field_count, 3);
    assert_int_equal(tags->fields[1 * 3 + 2].len, 0);
    assert_non_null(tags->fields[1 * 3 + 2].data);
}

static void test_a_list_that_does_not_fit_stays_whole(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD PERSON);
    static const char *const phones[] = {
        "{\"L\":[]}",
        "{\"M\":{}}",
        "{\"SS\":[\"1\"]}",
        "{\"L\":[{\"M\":{}}]}",
        "{\"L\":[{\"M\":{\"kind\":{\"S\":\"home\"}}}]}",
        "{\"L\":[{\"M\":{\"number\":{\"N\":\"1\"}}}]}",
        "{\"L\":[{\"M\":{\"number\":{\"S\":\"1\"},\"kind\":{\"S\":\"mobile\"}}}]}",
        "{\"L\":[{\"M\":{\"number\":{\"S\":\"1\"}}},{\"M\":{\"number\":{\"S\":\"2\"},\"extension\":{\"S\":\"9\"}}}]}",
        "{\"L\":[{\"M\":{\"number\":{\"S\":\"1\"}}},{\"S\":\"2\"}]}",
    };
    for (size_t i = 0; i < sizeof phones / sizeof phones[0]; i++) {
        char json[256], extra[256];
        snprintf(json, sizeof json, PERSON_ITEM("", ",\"phones\":%s"), phones[i]);
        snprintf(extra, sizeof extra, "{\"phones\":%s}", phones[i]);
        struct row row = assert_claimed(fixture, json, "Person");
        assert_int_equal(row.children[0].row_count, 0);
        assert_string_equal(extra_of(fixture, &row), extra);
    }
    (void)assert_claimed(fixture, PERSON_ITEM("", ",\"tags\":{\"L\":[{\"S\":\"a\"},{\"N\":\"1\"}]}"), "Person");
}

/* ---- index entries ---- */

/* `json` has one %s where a text of 'x' goes, that many bytes. */
static struct row encode_long(struct fixture *fixture, const char *json, size_t bytes)
{
    struct buf text, line;
    buf_init(&text, ARENA_BYTES);
    buf_init(&line, ARENA_BYTES);
    for (size_t i = 0; i < bytes; i++)
        buf_put_byte(&text, 'x');
    const char *place = strstr(json, "%s");
    buf_put(&line, json, (size_t)(place - json));
    buf_put_span(&line, buf_span(&text));
    buf_put_cstr(&line, place + 2);
    struct span copy;
    assert_int_equal(arena_copy(&fixture->arena, buf_span(&line), &copy, &fixture->err), LF_OK);
    struct item item = item_from(fixture, copy.ptr);
    struct row row = encode(fixture, &item);
    if (row.entity)
        assert_comes_back(fixture, &item, &row);
    buf_done(&text);
    buf_done(&line);
    return row;
}

/* Entries of LIMIT_INDEX_KEY_BYTES fit, of one byte more do not; `other_bytes` are in the entry beside the long text. */
static void assert_index_limit(struct fixture *fixture, const char *json, size_t other_bytes)
{
    size_t limit = LIMIT_INDEX_KEY_BYTES - other_bytes;
    assert_non_null(encode_long(fixture, json, limit - 1).entity);
    assert_non_null(encode_long(fixture, json, limit).entity);
    struct row refused = encode_long(fixture, json, limit + 1);
    assert_null(refused.entity);
    assert_true(span_find(refused.reason, SPAN("at most 2600 fit")) < refused.reason.len);
}

#define INDEXED                                                 \
    "      Indexed:\n"                                          \
    "        key: { pk: \"{id}\", sk: \"{rest}\" }\n"           \
    "        table: indexed\n"                                  \
    "        primary_key: [id]\n"                               \
    "        columns:\n"                                        \
    "          id: { attr: id, type: text, null: false }\n"     \
    "          rest: { attr: rest, type: text, null: false }\n" \
    "          number: { attr: number, type: bigint }\n"        \
    "          label: { attr: label, type: text }\n"            \
    "          parent: { attr: parent, type: text }\n"          \
    "        indexes: [ [number, label] ]\n"                    \
    "        foreign_keys: [ { columns: [parent], references: indexed(id) } ]\n"

#define INDEXED_ITEM(id, rest, more) \
    "{\"pk\":{\"S\":\"" id "\"},\"sk\":{\"S\":\"" rest "\"},\"id\":{\"S\":\"" id "\"},\"rest\":{\"S\":\"" rest "\"}" more "}"

static void test_index_entries_fit(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD INDEXED);
    assert_index_limit(fixture, INDEXED_ITEM("i", "r", ",\"number\":{\"N\":\"1\"},\"label\":{\"S\":\"%s\"}"), 8);
    assert_index_limit(fixture, INDEXED_ITEM("i", "r", ",\"parent\":{\"S\":\"%s\"}"), 0);
    assert_index_limit(fixture, INDEXED_ITEM("i", "r", ",\"gsi1pk\":{\"S\":\"%s\"}"), 1);
}

#define LONG_KEY                                            \
    "      Long:\n"                                         \
    "        key: { pk: \"{pk}\", sk: \"s{sk}\" }\n"        \
    "        table: long\n"                                 \
    "        primary_key: [pk]\n"                           \
    "        columns:\n"                                    \
    "          pk: { attr: pk, type: text, null: false }\n" \
    "          sk: { type: text, null: false }\n"

static void test_the_key_fits_its_index(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD LONG_KEY);
    assert_index_limit(fixture, "{\"pk\":{\"S\":\"%s\"},\"sk\":{\"S\":\"s1234\"}}", 5);
}

/* ---- several entities ---- */

static void test_the_first_that_claims_and_the_nearest_that_does_not(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD MESSAGE NOT_NULL LONG_KEY);
    (void)assert_claimed(fixture, "{\"pk\":{\"S\":\"T#1\"},\"sk\":{\"S\":\"2\"},\"label\":{\"S\":\"\"}}", "Thing");
    (void)assert_claimed(fixture, "{\"pk\":{\"S\":\"T#1\"},\"sk\":{\"S\":\"s\"}}", "Long");
    assert_not_claimed(fixture, "{\"pk\":{\"S\":\"T#1\"},\"sk\":{\"S\":\"2\"}}",
                       "Thing: column label may not be null, and its attribute is absent or of another form");
}

/* ---- rows that others wrote ---- */

static struct pg_field text_field(const char *text)
{
    return text ? (struct pg_field){ text, strlen(text) } : PG_NULL;
}

static void assert_decodes(struct fixture *fixture, const struct pg_field *fields, const char *json)
{
    struct item item, expected = item_from(fixture, json);
    const struct entity *entity = &fixture->map.tables[0].entities[0];
    if (row_decode(entity, fields, &fixture->arena, &item, &fixture->err) != LF_OK)
        fail_msg("%s", fixture->err.message);
    if (!item_equal(&item, &expected)) {
        print_item(&item);
        fail();
    }
}

static void test_a_column_wins_over_ddb_extra(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD LONG_KEY);
    struct pg_field fields[] = { text_field("a"), text_field("b"), text_field("\1{\"pk\": {\"S\": \"old\"}, \"gone\": null}") };
    assert_decodes(fixture, fields, "{\"pk\":{\"S\":\"a\"},\"sk\":{\"S\":\"sb\"}}");
}

static void test_rows_inserted_by_sql_have_keys(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD PERSON);
    struct pg_field fields[] = { text_field("1"), text_field("Bonn"), PG_NULL, PG_NULL, PG_NULL, PG_NULL };
    assert_decodes(fixture, fields, PERSON_ITEM("Bonn", ",\"address\":{\"M\":{\"city\":{\"S\":\"Bonn\"}}}"));
}

/* What PostgreSQL 15 sends for ARRAY(SELECT ROW(position, number, kind) …) of ('1', 'home') and ('2', NULL). */
static void test_children_as_postgres_sends_them(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD PERSON);
    struct span two = SPAN("\0\0\0\1\0\0\0\0\0\0\x08\xc9\0\0\0\2\0\0\0\1"
                           "\0\0\0\x25\0\0\0\3\0\0\0\x17\0\0\0\4\0\0\0\0\0\0\0\x19\0\0\0\1"
                           "1\0\0\0\x19\0\0\0\4home"
                           "\0\0\0\x21\0\0\0\3\0\0\0\x17\0\0\0\4\0\0\0\1\0\0\0\x19\0\0\0\1"
                           "2\0\0\0\x19\xff\xff\xff\xff");
    struct span none = SPAN("\0\0\0\0\0\0\0\0\0\0\x08\xc9");
    struct pg_field fields[] = { text_field("1"), PG_NULL, PG_NULL, PG_NULL, { two.ptr, two.len }, { none.ptr, none.len } };
    assert_decodes(fixture, fields,
                   PERSON_ITEM("", ",\"phones\":{\"L\":[{\"M\":{\"number\":{\"S\":\"1\"},\"kind\":{\"S\":\"home\"}}},"
                                   "{\"M\":{\"number\":{\"S\":\"2\"}}}]}"));
}

static void assert_row_error(struct fixture *fixture, const struct pg_field *fields, const char *message)
{
    struct item item;
    const struct entity *entity = &fixture->map.tables[0].entities[0];
    assert_int_equal(row_decode(entity, fields, &fixture->arena, &item, &fixture->err), LF_ROW);
    assert_non_null(strstr(fixture->err.message, message));
}

static void test_rows_that_are_not_as_the_map_says(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD PERSON);
    struct pg_field records = { "\0\0\0\1\0\0\0\0\0\0\x08\xc9\0\0\0\1\0\0\0\1\0\0\0\4\0\0\0\7", 28 };
    struct pg_field no_key[] = { PG_NULL, PG_NULL, PG_NULL, PG_NULL, PG_NULL, PG_NULL };
    struct pg_field bad_zip[] = { text_field("1"), PG_NULL, text_field("12"), PG_NULL, PG_NULL, PG_NULL };
    struct pg_field bad_version[] = { text_field("1"), PG_NULL, PG_NULL, text_field("\2{}"), PG_NULL, PG_NULL };
    struct pg_field bad_extra[] = { text_field("1"), PG_NULL, PG_NULL, text_field("\1{\"a\": 1}"), PG_NULL, PG_NULL };
    struct pg_field bad_child[] = { text_field("1"), PG_NULL, PG_NULL, PG_NULL, text_field("x"), PG_NULL };
    struct pg_field bad_record[] = { text_field("1"), PG_NULL, PG_NULL, PG_NULL, records, PG_NULL };
    assert_row_error(fixture, no_key, "the key attribute pk");
    assert_row_error(fixture, bad_zip, "while decoding column zip");
    assert_row_error(fixture, bad_version, "version");
    assert_row_error(fixture, bad_extra, "expected a value");
    assert_row_error(fixture, bad_child, "cut short");
    assert_row_error(fixture, bad_record, "a record of 7 fields, expected 3");
}

/* ---- maps that cannot be ---- */

static void assert_map_error(struct fixture *fixture, const char *yaml, const char *message)
{
    assert_int_equal(map_read_yaml(span_from_cstr(yaml), "test.yaml", &fixture->map_arena, &fixture->map, &fixture->err), LF_MAP);
    if (!strstr(fixture->err.message, message))
        fail_msg("%s", fixture->err.message);
}

static void test_an_attribute_is_stored_once(void **state)
{
    struct fixture *fixture = *state;
    assert_map_error(fixture, HEAD LONG_KEY "          again: { attr: pk, type: text }\n", "the attribute 'pk' is named twice");
    assert_map_error(fixture,
                     HEAD LONG_KEY "          a: { attr: m, type: jsonb }\n"
                                   "          b: { attr: m, flatten: { c: { attr: c, type: text } } }\n",
                     "the attribute 'm' is named twice");
    assert_map_error(fixture, HEAD LONG_KEY "          lonely: { type: text }\n",
                     "column lonely has neither an attribute nor a template that gives it");
}

/* What holds it wins: the constant only decides. */
static void test_a_constant_may_be_a_column_too(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD LONG_KEY "          kind: { attr: kind, type: text }\n"
                                    "        match: { kind: long }\n");
    struct row row = assert_claimed(fixture, "{\"pk\":{\"S\":\"1\"},\"sk\":{\"S\":\"s\"},\"kind\":{\"S\":\"long\"}}", "Long");
    assert_text(&row, "kind", "long");
    assert_not_claimed(fixture, "{\"pk\":{\"S\":\"1\"},\"sk\":{\"S\":\"s\"},\"kind\":{\"S\":\"short\"}}",
                       "no entity of the map has its constants");
}

/* ---- the round-trip rule ---- */

enum { MAPS = 150, ITEMS_PER_ENTITY = 20 };

struct tally {
    int items, claimed, with_extra, with_children;
};

static void check_item(struct fixture *fixture, const struct map_table *table, const struct item *item, struct tally *tally)
{
    struct row row;
    if (row_encode(table, item, &fixture->arena, &row, &fixture->err) != LF_OK)
        fail_msg("%s", fixture->err.message);
    tally->items++;
    if (!row.entity) {
        assert_true(row.reason.len > 0);
        assert_int_equal(utf8_invalid_at(row.reason), row.reason.len);
        assert_int_equal(span_find_byte(row.reason, '\0'), row.reason.len);
        return;
    }
    tally->claimed++;
    tally->with_extra += row.fields[row.entity->column_count].data != NULL;
    for (size_t i = 0; i < row.entity->child_count; i++)
        tally->with_children += row.children[i].row_count > 0;
    assert_comes_back(fixture, item, &row);
}

static void check_table(struct fixture *fixture, struct generator *generator, const struct map_table *table, struct tally *tally)
{
    for (size_t i = 0; i < table->entity_count; i++)
        for (int round = 0; round < ITEMS_PER_ENTITY; round++) {
            struct item item = generate_for_entity(generator, &fixture->arena, &table->entities[i]);
            check_item(fixture, table, &item, tally);
            arena_reset(&fixture->arena);
        }
}

static void test_items_come_back_through_any_map(void **state)
{
    struct fixture *fixture = *state;
    struct generator generator;
    struct tally tally = { 0 };
    generator_init(&generator, generator_seed());
    for (int i = 0; i < MAPS; i++) {
        struct random random = { generate_uint64(&generator) };
        fixture->map = generate_map(&random, &fixture->map_arena);
        if (map_finish(&fixture->map, &fixture->map_arena, &fixture->err) != LF_OK)
            fail_msg("%s", fixture->err.message);
        for (size_t t = 0; t < fixture->map.table_count; t++)
            check_table(fixture, &generator, &fixture->map.tables[t], &tally);
        arena_reset(&fixture->map_arena);
    }
    print_message("%d items, %d claimed, %d with ddb_extra, %d with children\n", tally.items, tally.claimed, tally.with_extra,
                  tally.with_children);
    assert_true(tally.claimed > tally.items / 4);
    assert_true(tally.with_extra > tally.claimed / 10 && tally.with_extra < tally.claimed);
    assert_true(tally.with_children > 0);
}

/* Equal items are equal rows, in whatever order their attributes came, up to the order inside ddb_extra and jsonb. */
static void test_the_order_of_attributes_changes_no_claim(void **state)
{
    struct fixture *fixture = *state;
    struct generator generator;
    generator_init(&generator, generator_seed());
    read_map(fixture, HEAD MESSAGE PERSON INDEXED);
    for (int round = 0; round < MAPS; round++) {
        const struct map_table *table = &fixture->map.tables[0];
        struct item item = generate_for_entity(&generator, &fixture->arena, &table->entities[generate_below(&generator, 3)]);
        struct item shuffled = generate_shuffled(&generator, &fixture->arena, &item);
        struct row row = encode(fixture, &item), other = encode(fixture, &shuffled);
        assert_ptr_equal(row.entity, other.entity);
        for (size_t i = 0; row.entity && i < row.entity->column_count; i++) {
            if (row.entity->columns[i].type == COLUMN_JSONB)
                continue;
            assert_int_equal(row.fields[i].len, other.fields[i].len);
            assert_true(!row.fields[i].data == !other.fields[i].data);
            if (row.fields[i].len)
                assert_memory_equal(row.fields[i].data, other.fields[i].data, row.fields[i].len);
        }
        arena_reset(&fixture->arena);
    }
}

/* ---- memory ---- */

/* With less memory than it takes every allocation fails once; each time LF_MEMORY comes back and nothing is lost. */
static void test_memory_runs_out_anywhere(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD PERSON);
    struct item item =
        item_from(fixture, PERSON_ITEM("Bonn", ",\"address\":{\"M\":{\"city\":{\"S\":\"Bonn\"}}},\"x\":{\"N\":\"1\"},"
                                               "\"tags\":{\"L\":[{\"S\":\"b\"}]}"));
    struct row row = encode(fixture, &item);
    const struct pg_field *fields = selected(fixture, &row);
    for (unsigned half = 0; half < 2; half++) {
        enum lf_code code = LF_MEMORY;
        size_t cap = 0;
        for (; code == LF_MEMORY; cap += 16) {
            struct arena small;
            struct item back;
            arena_init(&small, cap);
            code = half ? row_decode(row.entity, fields, &small, &back, &fixture->err)
                        : row_encode(&fixture->map.tables[0], &item, &small, &row, &fixture->err);
            arena_done(&small);
        }
        assert_int_equal(code, LF_OK);
        assert_true(cap > 256);
        row = encode(fixture, &item);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_columns_hold_and_keys_are_not_stored, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_no_column_holds_is_left_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_null_is_not_absent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_template_may_be_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reasons, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_null, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reasons_quote_values_shortly, setup, teardown),
        cmocka_unit_test_setup_teardown(test_columns_from_the_key, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_variable_that_contains_the_separator, setup, teardown),
        cmocka_unit_test_setup_teardown(test_number_and_binary_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_map_is_flattened_when_every_entry_has_a_column, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_map_that_does_not_fit_stays_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_list_becomes_rows, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_list_that_does_not_fit_stays_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_index_entries_fit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_key_fits_its_index, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_first_that_claims_and_the_nearest_that_does_not, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_column_wins_over_ddb_extra, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rows_inserted_by_sql_have_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rows_that_are_not_as_the_map_says, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_attribute_is_stored_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_constant_may_be_a_column_too, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_empty_part_of_the_key_is_a_null_column, setup, teardown),
        cmocka_unit_test_setup_teardown(test_children_as_postgres_sends_them, setup, teardown),
        cmocka_unit_test_setup_teardown(test_items_come_back_through_any_map, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_order_of_attributes_changes_no_claim, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memory_runs_out_anywhere, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
