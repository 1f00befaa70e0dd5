#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/limits.h"
#include "generate_map.h"
#include "map/column_codec.h"
#include "map/map_yaml.h"
#include "map/yaml_tree.h"

#include "../base/scratch.h"

enum { ROUNDS = 400 };

/* Equality but for notes, lines and what map_finish derives. */

static void assert_span(struct span a, struct span b)
{
    if (!span_equal(a, b))
        fail_msg("'%.*s' is not '%.*s'", SPAN_ARG(a), SPAN_ARG(b));
}

static void assert_key_schema(const struct key_schema *a, const struct key_schema *b)
{
    assert_span(a->partition.name, b->partition.name);
    assert_int_equal(a->partition.type, b->partition.type);
    assert_int_equal(key_schema_has_sort(a), key_schema_has_sort(b));
    assert_span(a->sort.name, b->sort.name);
    assert_int_equal(a->sort.type, b->sort.type);
}

static void assert_column(const struct column *a, const struct column *b)
{
    assert_span(a->name, b->name);
    assert_int_equal(a->source, b->source);
    assert_span(a->attr, b->attr);
    assert_span(a->member, b->member);
    assert_int_equal(a->type, b->type);
    assert_ptr_equal(a->codec, b->codec);
    assert_int_equal(a->not_null, b->not_null);
    assert_int_equal(a->check_count, b->check_count);
    for (size_t i = 0; i < a->check_count; i++)
        assert_span(a->check[i], b->check[i]);
}

static void assert_columns(const struct column *a, size_t a_count, const struct column *b, size_t b_count)
{
    assert_int_equal(a_count, b_count);
    for (size_t i = 0; i < a_count; i++)
        assert_column(&a[i], &b[i]);
}

static void assert_template(const struct key_template *a, const struct key_template *b)
{
    assert_span(a->attr, b->attr);
    assert_int_equal(a->is_column, b->is_column);
    assert_int_equal(a->template.count, b->template.count);
    for (size_t i = 0; i < a->template.count; i++) {
        const struct template_part *p = &a->template.parts[i], *q = &b->template.parts[i];
        assert_int_equal(p->is_variable, q->is_variable);
        assert_span(p->literal, q->literal);
        assert_span(p->name, q->name);
        assert_int_equal(p->column, q->column);
        assert_int_equal(p->lower, q->lower);
        assert_int_equal(p->optional, q->optional);
    }
}

static void assert_list(const unsigned *a, size_t a_count, const unsigned *b, size_t b_count)
{
    assert_int_equal(a_count, b_count);
    for (size_t i = 0; i < a_count; i++)
        assert_int_equal(a[i], b[i]);
}

static void assert_match(const struct match *a, const struct match *b)
{
    assert_span(a->attr, b->attr);
    assert_int_equal(a->value.type, b->value.type);
    if (a->value.type == VALUE_S)
        assert_span(a->value.bytes, b->value.bytes);
    else
        assert_true(number_equal(a->value.number, b->value.number));
}

static void assert_entity(const struct entity *a, const struct entity *b)
{
    assert_span(a->name, b->name);
    assert_span(a->table, b->table);
    assert_span(a->distribute_by, b->distribute_by);
    assert_int_equal(a->match_count, b->match_count);
    for (size_t i = 0; i < a->match_count; i++)
        assert_match(&a->matches[i], &b->matches[i]);
    assert_int_equal(a->template_count, b->template_count);
    for (size_t i = 0; i < a->template_count; i++)
        assert_template(&a->templates[i], &b->templates[i]);
    assert_columns(a->columns, a->column_count, b->columns, b->column_count);
    assert_list(a->primary_key, a->primary_key_count, b->primary_key, b->primary_key_count);
    assert_list(a->search, a->search_count, b->search, b->search_count);
    assert_int_equal(a->foreign_key_count, b->foreign_key_count);
    for (size_t i = 0; i < a->foreign_key_count; i++) {
        const struct foreign_key *p = &a->foreign_keys[i], *q = &b->foreign_keys[i];
        assert_list(p->columns, p->count, q->columns, q->count);
        assert_list(p->references, p->count, q->references, q->count);
        assert_span(p->parent->name, q->parent->name);
        assert_int_equal(p->enforce, q->enforce);
    }
    assert_int_equal(a->index_count, b->index_count);
    for (size_t i = 0; i < a->index_count; i++) {
        assert_list(a->indexes[i].columns, a->indexes[i].count, b->indexes[i].columns, b->indexes[i].count);
        assert_int_equal(a->indexes[i].unique, b->indexes[i].unique);
    }
    assert_int_equal(a->child_count, b->child_count);
    for (size_t i = 0; i < a->child_count; i++) {
        const struct child *p = &a->children[i], *q = &b->children[i];
        assert_span(p->attr, q->attr);
        assert_span(p->table, q->table);
        assert_columns(p->columns, p->column_count, q->columns, q->column_count);
    }
}

static void assert_map(const struct map *a, const struct map *b)
{
    assert_span(a->schema, b->schema);
    assert_int_equal(a->table_count, b->table_count);
    for (size_t t = 0; t < a->table_count; t++) {
        const struct map_table *p = &a->tables[t], *q = &b->tables[t];
        assert_span(p->name, q->name);
        assert_key_schema(&p->key, &q->key);
        assert_int_equal(p->index_count, q->index_count);
        for (size_t i = 0; i < p->index_count; i++) {
            assert_span(p->indexes[i].name, q->indexes[i].name);
            assert_key_schema(&p->indexes[i].key, &q->indexes[i].key);
            assert_int_equal(p->indexes[i].is_local, q->indexes[i].is_local);
            assert_int_equal(p->indexes[i].is_partial, q->indexes[i].is_partial);
            assert_int_equal(p->indexes[i].included_count, q->indexes[i].included_count);
            for (size_t n = 0; n < p->indexes[i].included_count; n++)
                assert_span(p->indexes[i].included[n], q->indexes[i].included[n]);
        }
        assert_int_equal(p->entity_count, q->entity_count);
        for (size_t e = 0; e < p->entity_count; e++)
            assert_entity(&p->entities[e], &q->entities[e]);
    }
}

static void read_ok(struct span text, struct map *ret_map)
{
    struct err err = ERR_INIT;
    if (map_read_yaml(text, "landfall.yaml", &arena, ret_map, &err))
        fail_msg("%s\n%.*s", err.message, SPAN_ARG(text));
}

/* What was written is read as the same map, and written as the same bytes. */
static void check_round_trip(const struct map *map)
{
    struct buf first, second;
    buf_init(&first, LIMIT_MAP_BYTES);
    buf_init(&second, LIMIT_MAP_BYTES);
    map_put_yaml(&first, map);
    struct map again;
    read_ok(buf_span(&first), &again);
    assert_map(map, &again);

    map_put_yaml(&second, &again);
    struct map third;
    read_ok(buf_span(&second), &third);
    buf_reset(&first);
    map_put_yaml(&first, &third);
    assert_span(buf_span(&first), buf_span(&second));
    buf_done(&first);
    buf_done(&second);
}

static void test_generated_maps_round_trip(void **state)
{
    (void)state;
    uint64_t seed = generator_seed();
    for (int i = 0; i < ROUNDS; i++) {
        struct generator generator;
        generator_init(&generator, seed + (uint64_t)i);
        arena_reset(&arena);
        struct map map = generate_map(&generator, &arena);
        struct err err = ERR_INIT;
        if (map_finish(&map, &arena, &err))
            fail_msg("seed %llu: %s", (unsigned long long)seed + (unsigned long long)i, err.message);
        check_round_trip(&map);
    }
}

static const char example[] =
    "version: 1\n"
    "schema: court                       # target PostgreSQL schema\n"
    "tables:\n"
    "  efcms:\n"
    "    key: { pk: S, sk: S }\n"
    "    indexes: { gsi1: { gsi1pk: S, sk: S } }\n"
    "    entities:\n"
    "      Message:\n"
    "        match: { entityName: Message, version: { N: \"1.50\" } }\n"
    "        key: { sk: \"message|{message_id}\", pk: \"case|{docket_number}\" }\n"
    "        keys: { gsi1pk: \"message|{parent_message_id}\" }\n"
    "        table: message\n"
    "        primary_key: [message_id]\n"
    "        columns:\n"
    "          message_id: { attr: messageId, type: uuid, null: false }\n"
    "          docket_number: { attr: docketNumber, type: text, null: false }\n"
    "          parent_message_id: { attr: parentMessageId, type: uuid }\n"
    "          created_at: { attr: createdAt, type: timestamptz, codec: iso8601_ms }\n"
    "          is_read: { attr: isRead, type: boolean }\n"
    "          scope: { attr: scope, flatten: { scope_type: { attr: type, type: text, check: [a, \"b c\"] } } }\n"
    "        children:\n"
    "          documents: { attr: documents, table: message_document, columns: { name: { attr: name, type: text } } }\n"
    "          tags: { attr: tags, table: message_tag, columns: { tag: { type: text } } }\n"
    "        foreign_keys: [ { columns: [docket_number], references: case(docket_number), enforce: now },\n"
    "                        { columns: [parent_message_id], references: message(message_id) } ]\n"
    "        indexes: [ [docket_number, created_at] ]\n"
    "        unique: [ [parent_message_id] ]\n"
    "        search: [docket_number]\n"
    "      Case:\n"
    "        key: { pk: \"case|{docket_number}\", sk: \"case|{docket_number}\" }\n"
    "        table: case\n"
    "        primary_key: [docket_number]\n"
    "        columns:\n"
    "          docket_number: { type: text, null: false }\n";

static void test_reads_projections(void **state)
{
    (void)state;
    struct map map;
    read_ok(SPAN("version: 1\nschema: s\ntables:\n  t:\n    key: { pk: S, sk: S }\n    indexes: { a: { x: S }, b: { x: S }, c: { "
                 "x: S } }\n"
                 "    projections: { b: [title, \"a b\"], a: [] }\n    entities: {}\n"),
            &map);
    const struct secondary_index *indexes = map.tables[0].indexes;
    assert_true(indexes[0].is_partial && indexes[0].included_count == 0);
    assert_true(indexes[1].is_partial && indexes[1].included_count == 2);
    assert_span(indexes[1].included[1], SPAN("a b"));
    assert_false(indexes[2].is_partial);
    check_round_trip(&map);
}

static void test_reads_the_example(void **state)
{
    (void)state;
    struct map map;
    read_ok(span_from_cstr(example), &map);
    const struct entity *message = map_find_entity(&map, SPAN("Message")), *court_case = map_find_entity(&map, SPAN("Case"));
    assert_non_null(message);
    assert_non_null(court_case);
    assert_span(map.schema, SPAN("court"));
    assert_ptr_equal(message->dynamodb_table, map_find_table(&map, SPAN("efcms")));
    assert_null(map_find_table(&map, SPAN("other")));
    assert_null(map_find_entity(&map, SPAN("Other")));

    assert_span(message->templates[0].attr, SPAN("pk"));
    assert_span(message->templates[1].attr, SPAN("sk"));
    assert_span(message->templates[2].attr, SPAN("gsi1pk"));
    assert_int_equal(message->templates[1].template.parts[1].column, 0);
    assert_int_equal(message->match_count, 2);
    assert_true(message->matches[1].value.type == VALUE_N && message->matches[1].value.number.exponent == -1);
    assert_int_equal(message->column_count, 6);
    assert_true(message->columns[0].not_null);
    assert_string_equal(message->columns[3].codec->name, "iso8601_ms");
    assert_int_equal(message->columns[5].source, COLUMN_FROM_MEMBER);
    assert_span(message->columns[5].attr, SPAN("scope"));
    assert_span(message->columns[5].member, SPAN("type"));
    assert_int_equal(message->columns[5].check_count, 2);
    assert_int_equal(court_case->columns[0].source, COLUMN_FROM_KEY);
    assert_int_equal(message->children[1].columns[0].source, COLUMN_FROM_ELEMENT);
    assert_ptr_equal(message->foreign_keys[0].parent, court_case);
    assert_ptr_equal(message->foreign_keys[1].parent, message);
    assert_int_equal(message->foreign_keys[0].enforce, ENFORCE_NOW);
    assert_int_equal(message->foreign_keys[1].enforce, ENFORCE_CONTRACT);
    assert_true(message->indexes[1].unique && !message->indexes[0].unique);
    assert_int_equal(message->line, 8);
    assert_int_equal(message->columns[0].line, 15);
    check_round_trip(&map);
}

static void test_writes_what_people_would(void **state)
{
    (void)state;
    struct map map;
    read_ok(span_from_cstr(example), &map);
    map.note = SPAN("Drafted from an export.\nChange what you like.");
    map_find_entity(&map, SPAN("Case"))->note = SPAN("12 items");
    map_find_entity(&map, SPAN("Case"))->templates[0].note = SPAN("12/12");
    map_find_entity(&map, SPAN("Case"))->columns[0].note = SPAN("12/12 distinct");
    struct buf buf;
    buf_init(&buf, LIMIT_MAP_BYTES);
    map_put_yaml(&buf, &map);
    static const char expected[] = "# Drafted from an export.\n"
                                   "# Change what you like.\n"
                                   "version: 1\n"
                                   "schema: court\n"
                                   "tables:\n"
                                   "  efcms:\n"
                                   "    key: { pk: S, sk: S }\n"
                                   "    indexes:\n"
                                   "      gsi1: { gsi1pk: S, sk: S }\n"
                                   "    entities:\n"
                                   "      Message:\n"
                                   "        match: { entityName: Message, version: { N: \"1.5\" } }\n"
                                   "        key: { pk: \"case|{docket_number}\", sk: \"message|{message_id}\" }\n"
                                   "        keys: { gsi1pk: \"message|{parent_message_id}\" }\n"
                                   "        table: message\n"
                                   "        primary_key: [message_id]\n"
                                   "        columns:\n"
                                   "          message_id:        { attr: messageId, type: uuid, null: false }\n"
                                   "          docket_number:     { attr: docketNumber, type: text, null: false }\n"
                                   "          parent_message_id: { attr: parentMessageId, type: uuid }\n"
                                   "          created_at:        { attr: createdAt, type: timestamptz, codec: iso8601_ms }\n"
                                   "          is_read:           { attr: isRead, type: boolean }\n"
                                   "          scope:\n"
                                   "            attr: scope\n"
                                   "            flatten:\n"
                                   "              scope_type: { attr: type, type: text, check: [a, \"b c\"] }\n"
                                   "        children:\n"
                                   "          documents:\n"
                                   "            attr: documents\n"
                                   "            table: message_document\n"
                                   "            columns:\n"
                                   "              name: { attr: name, type: text }\n"
                                   "          tags:\n"
                                   "            attr: tags\n"
                                   "            table: message_tag\n"
                                   "            columns:\n"
                                   "              tag: { type: text }\n"
                                   "        foreign_keys:\n"
                                   "          - { columns: [docket_number], references: case(docket_number), enforce: now }\n"
                                   "          - { columns: [parent_message_id], references: message(message_id) }\n"
                                   "        indexes:\n"
                                   "          - [docket_number, created_at]\n"
                                   "        unique:\n"
                                   "          - [parent_message_id]\n"
                                   "        search: [docket_number]\n"
                                   "      # 12 items\n"
                                   "      Case:\n"
                                   "        # pk: 12/12\n"
                                   "        key: { pk: \"case|{docket_number}\", sk: \"case|{docket_number}\" }\n"
                                   "        table: case\n"
                                   "        primary_key: [docket_number]\n"
                                   "        columns:\n"
                                   "          docket_number: { type: text, null: false }  # 12/12 distinct\n";
    assert_span(buf_span(&buf), span_from_cstr(expected));
    buf_done(&buf);
}

/* Each replaces the first `find` of the example by `put`. */
struct bad_map {
    const char *find, *put;
    enum lf_code code;
    const char *message;
};

static const struct bad_map bad_maps[] = {
    { "version: 1", "version: 2", LF_MAP, "landfall.yaml:1:10: this program reads version 1 of the map" },
    { "version: 1\n", "", LF_MAP, "landfall.yaml:1:1: the map has no 'version'" },
    { "schema: court", "shema: court", LF_MAP, "landfall.yaml:2:1: unknown key 'shema' in the map; did you mean 'schema'?" },
    { "schema: court", "schema: landfall", LF_MAP, "landfall.yaml: the schema 'landfall' is not for tables of an application" },
    { "schema: court", "schema: [court]", LF_MAP, "landfall.yaml:2:9: schema must be a text, not a list" },
    { "schema: court", "schema: court\nschema: court", LF_MAP,
      "landfall.yaml:3:1: the key 'schema' stands here twice (first in line 2)" },
    { "schema: court", "schema: &s court", LF_MAP, "landfall.yaml:2:9: an anchor: not in a map" },
    { "schema: court", "schema: *s", LF_MAP, "landfall.yaml:2:9: an alias: not in a map" },
    { "schema: court", "schema: !!str court", LF_MAP, "landfall.yaml:2:9: a tag: not in a map" },
    { "schema: court", "schema: \"co", LF_SYNTAX, "landfall.yaml:9:54: " },
    { "schema: court", "schema: \x01", LF_SYNTAX, "landfall.yaml: byte " },
    { "schema: court", "schema: \xff", LF_SYNTAX, "landfall.yaml: byte 19 is not UTF-8" },
    { "        columns:", "        colums:", LF_MAP,
      "landfall.yaml:14:9: unknown key 'colums' in entity Message; did you mean 'columns'?" },
    { "        columns:", "        zzz:", LF_MAP, "landfall.yaml:14:9: unknown key 'zzz' in entity Message" },
    { "        table: message\n", "", LF_MAP, "landfall.yaml:9:9: entity Message has no 'table'" },
    { "        table: message\n", "        table:\n", LF_MAP, "landfall.yaml:12:15: table must be a text, not nothing" },
    { "key: { pk: S, sk: S }", "key: { pk: S, sk: SS }", LF_MAP,
      "landfall.yaml:5:23: a key attribute's type is S, N or B, not 'SS'" },
    { "key: { pk: S, sk: S }", "key: { pk: X, sk: S }", LF_MAP,
      "landfall.yaml:5:16: a key attribute's type is S, N or B, not 'X'" },
    { "key: { pk: S, sk: S }", "key: { }", LF_MAP, "landfall.yaml:5:10: a key has one or two attributes, not 0" },
    { "sk: \"message|{message_id}\", ", "", LF_MAP,
      "landfall.yaml:10:14: the key of table efcms has two attributes, here is one template" },
    { "sk: \"message|{message_id}\"", "sx: \"m\"", LF_MAP, "landfall.yaml:10:16: 'sx' is not in the key of table efcms" },
    { "message|{message_id}", "message|{message_id", LF_SYNTAX, "landfall.yaml:10:20: " },
    { "message|{message_id}", "message|{mesage_id}", LF_MAP,
      "landfall.yaml:10: entity Message: the template of 'sk' names no column 'mesage_id'" },
    { "attr: parentMessageId, type: uuid", "attr: parentMessageId, type: bytea", LF_MAP,
      "landfall.yaml:17: entity Message: column parent_message_id of type bytea cannot be part of the key 'gsi1pk'" },
    { "type: uuid, null: false", "type: uuid", LF_MAP,
      "landfall.yaml:15: entity Message: column message_id is part of the table key and needs 'null: false'" },
    { "type: uuid, null: false", "type: uid", LF_MAP, "landfall.yaml:15:48: unknown type 'uid'; did you mean 'uuid'?" },
    { "type: uuid, null: false", "type: uuid, null: \"false\"", LF_MAP, "landfall.yaml:15:60: null must be true or false" },
    { "codec: iso8601_ms", "codec: iso8601_mx", LF_MAP,
      "landfall.yaml:18:68: no codec 'iso8601_mx' of type timestamptz; did you mean 'iso8601_ms'?" },
    { "codec: iso8601_ms", "codec: \"\"", LF_MAP, "landfall.yaml:18:68: no codec '' of type timestamptz" },
    { "codec: iso8601_ms", "codec: date", LF_MAP, "landfall.yaml:18:68: no codec 'date' of type timestamptz" },
    { "type: boolean", "type: boolean, check: [a]", LF_MAP, "landfall.yaml:19: column is_read: only text columns have a check" },
    { "[a, \"b c\"]", "[a, a]", LF_MAP, "landfall.yaml:20: 'a' stands twice among the values" },
    { "[a, \"b c\"]", "[]", LF_MAP, "landfall.yaml:20:89: check allows no value" },
    { "scope_type: { attr: type, ", "scope_type: { ", LF_MAP,
      "landfall.yaml:20:44: column scope_type of a flattened attribute has no 'attr'" },
    { "is_read:", "ddb_extra:", LF_MAP, "landfall.yaml:19: the column name 'ddb_extra' is taken" },
    { "is_read:", "ctid:", LF_MAP, "landfall.yaml:19: the column name 'ctid' is taken" },
    { "is_read:", "\"is\\nread\":", LF_MAP, "landfall.yaml:19: a column has a control character" },
    { "is_read:", "\"\":", LF_MAP, "landfall.yaml:19: a column is empty" },
    { "attr: isRead", "attr: createdAt", LF_MAP, "landfall.yaml:19: " },
    { "attr: isRead, ", "", LF_MAP, "landfall.yaml:19: " },
    { "primary_key: [message_id]", "primary_key: [mesage]", LF_MAP,
      "landfall.yaml:13:23: primary_key: entity Message has no column 'mesage'" },
    { "primary_key: [message_id]", "primary_key: [message_id, message_id]", LF_MAP,
      "landfall.yaml:8: entity Message: the primary key has column message_id twice" },
    { "primary_key: [message_id]", "primary_key: [is_read]", LF_MAP,
      "landfall.yaml:19: entity Message: column is_read is in the primary key and needs 'null: false'" },
    { "references: case(docket_number)", "references: court(docket_number)", LF_MAP,
      "landfall.yaml:24:65: no entity has the table 'court'" },
    { "references: case(docket_number)", "references: case(docket)", LF_MAP,
      "landfall.yaml:24:65: the table case has no column 'docket'" },
    { "references: case(docket_number)", "references: \"case(docket_number\"", LF_SYNTAX,
      "landfall.yaml:24:65: a ')' is missing while reading 'case(docket_number'; it must look like table(column, column)" },
    { "references: case(docket_number)", "references: \"case(docket_number, docket_number)\"", LF_MAP,
      "landfall.yaml:24:65: 1 columns cannot reference 2" },
    { "references: case(docket_number)", "references: message(docket_number)", LF_MAP,
      "landfall.yaml:24: entity Message: a foreign key must reference the primary key of message, in its order" },
    { "columns: [docket_number], references", "columns: [message_id], references", LF_MAP,
      "landfall.yaml:24: entity Message: column message_id is uuid, but case.docket_number is text" },
    { "enforce: now", "enforce: later", LF_MAP, "landfall.yaml:24:95: enforce must be contract or now" },
    { "columns: { tag: { type: text } }", "columns: { tag: { type: text }, x: { attr: x, type: text } }", LF_MAP,
      "landfall.yaml:23: entity Message: column tag holds the element and must be the only column of message_tag" },
    { "columns: { tag: { type: text } }", "columns: { message_id: { type: text } }", LF_MAP,
      "landfall.yaml:23: 'message_id' stands twice among the columns" },
    { "columns: { tag: { type: text } }", "columns: { position: { type: text } }", LF_MAP,
      "landfall.yaml:23: 'position' stands twice among the columns" },
    { "columns: { tag: { type: text } }", "columns: { }", LF_MAP,
      "landfall.yaml:23: entity Message: the child table message_tag has no columns" },
    { "table: message_tag", "table: case", LF_MAP, "landfall.yaml:29: 'case' stands twice among the PostgreSQL tables" },
    { "search: [docket_number]", "search: [is_read]", LF_MAP,
      "landfall.yaml:8: entity Message: search: column is_read is not text" },
    { "search: [docket_number]", "distribute_by: nothing", LF_MAP,
      "landfall.yaml:8: entity Message: distribute_by names no column 'nothing'" },
    { "search: [docket_number]", "distribute_by: docket_number", LF_MAP,
      "landfall.yaml:8: entity Message: the primary key must have the distribution column: child tables share it" },
    { "indexes: [ [docket_number, created_at] ]", "indexes: [ [] ]", LF_MAP,
      "landfall.yaml:26: entity Message: an index has no columns" },
    { "indexes: [ [docket_number, created_at] ]", "indexes: docket_number", LF_MAP,
      "landfall.yaml:26:18: indexes must be a list, not a text" },
    { "entityName: Message", "entityName: { S: Message }", LF_MAP,
      "landfall.yaml:9:30: a constant is a text or { N: \"number\" }" },
    { "N: \"1.50\"", "N: \"1.5x\"", LF_ITEM, "landfall.yaml:9:53: " },
    { "sk: S } }", "sk: S } }\n    projections: { gsi2: [] }", LF_MAP, "landfall.yaml:7:20: no index has the name 'gsi2'" },
    { "sk: S } }", "sk: S } }\n    projections: { gsi1: all }", LF_MAP,
      "landfall.yaml:7:26: a projection must be a list, not a text" },
    { "sk: S } }", "sk: S } }\n    projections: { gsi1: [ \"\" ] }", LF_MAP, "landfall.yaml:4: a projected attribute is empty" },
    { "indexes: { gsi1:", "local_indexes: { gsi1:", LF_MAP,
      "landfall.yaml:4: local index gsi1: its key must be the table's partition key and another attribute" },
    { "gsi1pk: S, sk: S", "gsi1pk: S, sk: N", LF_MAP, "landfall.yaml:4: table efcms: the key attribute 'sk' is of type S and N" },
    { "gsi1pk: S, sk: S", "gsi1pk: N, sk: S", LF_MAP,
      "landfall.yaml:11: entity Message: 'gsi1pk' is of type N: its template must be the column of that attribute alone" },
};

static struct span replace_first(const char *text, const char *find, const char *put)
{
    const char *at = strstr(text, find);
    assert_non_null(at);
    struct span result;
    struct err err = ERR_INIT;
    assert_int_equal(arena_printf(&arena, &result, &err, "%.*s%s%s", (int)(at - text), text, put, at + strlen(find)), LF_OK);
    return result;
}

static void test_errors_name_the_place(void **state)
{
    (void)state;
    int wrong = 0;
    for (size_t i = 0; i < sizeof bad_maps / sizeof *bad_maps; i++) {
        const struct bad_map *bad = &bad_maps[i];
        struct map map;
        struct err err = ERR_INIT;
        struct span text = replace_first(example, bad->find, bad->put);
        enum lf_code code = map_read_yaml(text, "landfall.yaml", &arena, &map, &err);
        if (code == bad->code && strncmp(err.message, bad->message, strlen(bad->message)) == 0)
            continue;
        print_error("'%s' gave %d '%s' instead of '%s'\n", bad->put, (int)code, code ? err.message : "no error", bad->message);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void assert_refused(struct span text, enum lf_code code, const char *message)
{
    struct map map;
    struct err err = ERR_INIT;
    assert_int_equal(map_read_yaml(text, "landfall.yaml", &arena, &map, &err), code);
    if (strncmp(err.message, message, strlen(message)) != 0)
        fail_msg("'%s' instead of '%s'", err.message, message);
}

static void test_files_that_are_no_map(void **state)
{
    (void)state;
    assert_refused(SPAN(""), LF_SYNTAX, "landfall.yaml:1:1: the file is empty");
    assert_refused(span_of(NULL, 0), LF_SYNTAX, "landfall.yaml:1:1: the file is empty");
    assert_refused(SPAN("# nothing\n"), LF_SYNTAX, "landfall.yaml:");
    assert_refused(SPAN("- a\n"), LF_MAP, "landfall.yaml:1:1: the map must be a mapping, not a list");
    assert_refused(SPAN("{ [a]: b }"), LF_MAP, "landfall.yaml:1:3: a key must be a text, not a list");
    assert_refused(SPAN("a: b: c"), LF_SYNTAX, "landfall.yaml:1:5: ");
    assert_refused(SPAN("version: 1\nschema: a\ntables: {}\n--- b\n"), LF_SYNTAX, "landfall.yaml:4:1: a map is one document");
}

static void test_byte_order_mark(void **state)
{
    (void)state;
    struct map map;
    read_ok(SPAN("\xef\xbb\xbfversion: 1\nschema: a\ntables: {}\n"), &map);
    assert_int_equal(map.table_count, 0);
}

/* Limits of a text: each at its edge and one beyond. */

static struct span nested(size_t depth)
{
    struct buf buf;
    buf_init(&buf, LIMIT_MAP_BYTES);
    for (size_t i = 0; i < depth; i++)
        buf_put_byte(&buf, '[');
    for (size_t i = 0; i < depth; i++)
        buf_put_byte(&buf, ']');
    struct span text;
    struct err err = ERR_INIT;
    assert_int_equal(arena_copy(&arena, buf_span(&buf), &text, &err), LF_OK);
    buf_done(&buf);
    return text;
}

static void test_nesting_limit(void **state)
{
    (void)state;
    assert_refused(nested(YAML_DEPTH_MAX - 1), LF_MAP, "landfall.yaml:1:1: the map must be");
    assert_refused(nested(YAML_DEPTH_MAX), LF_MAP, "landfall.yaml:1:1: the map must be");
    assert_refused(nested(YAML_DEPTH_MAX + 1), LF_LIMIT, "landfall.yaml:1:17: nested deeper than 16 levels");
}

static struct span list_of(size_t count)
{
    struct buf buf;
    buf_init(&buf, LIMIT_MAP_BYTES);
    for (size_t i = 0; i < count; i++)
        buf_put_cstr(&buf, i ? ",a" : "[a");
    buf_put_byte(&buf, ']');
    struct span text;
    struct err err = ERR_INIT;
    assert_int_equal(arena_copy(&arena, buf_span(&buf), &text, &err), LF_OK);
    buf_done(&buf);
    return text;
}

static void test_entries_limit(void **state)
{
    (void)state;
    assert_refused(list_of(YAML_COUNT_MAX - 1), LF_MAP, "landfall.yaml:1:1: the map must be");
    assert_refused(list_of(YAML_COUNT_MAX), LF_MAP, "landfall.yaml:1:1: the map must be");
    assert_refused(list_of(YAML_COUNT_MAX + 1), LF_LIMIT, "landfall.yaml:1:16386: more than 8192 entries");
}

static void test_size_limit(void **state)
{
    (void)state;
    static const char head[] = "version: 1\nschema: a\ntables: {}\n#";
    char *text = malloc(LIMIT_MAP_BYTES + 1);
    assert_non_null(text);
    memset(text, 'x', LIMIT_MAP_BYTES + 1);
    memcpy(text, head, sizeof head - 1);
    struct map map;
    read_ok(span_of(text, LIMIT_MAP_BYTES - 1), &map);
    read_ok(span_of(text, LIMIT_MAP_BYTES), &map);
    assert_refused(span_of(text, LIMIT_MAP_BYTES + 1), LF_LIMIT, "landfall.yaml: 16777217 bytes, at most 16777216");
    free(text);
}

static void test_memory_limit(void **state)
{
    (void)state;
    /* every cap up to the one that is enough: an error each, never a crash */
    bool was_read = false;
    for (size_t cap = 0; cap < 256 * 1024 && !was_read; cap += 1024) {
        struct arena small;
        arena_init(&small, cap);
        struct map map;
        struct err err = ERR_INIT;
        enum lf_code code = map_read_yaml(span_from_cstr(example), "landfall.yaml", &small, &map, &err);
        was_read = code == LF_OK;
        assert_true(was_read || code == LF_MEMORY);
        arena_done(&small);
    }
    assert_true(was_read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reads_the_example, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_reads_projections, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_writes_what_people_would, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_generated_maps_round_trip, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_errors_name_the_place, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_files_that_are_no_map, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_byte_order_mark, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_nesting_limit, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_entries_limit, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_size_limit, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_memory_limit, scratch_open, scratch_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
