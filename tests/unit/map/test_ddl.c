#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/limits.h"
#include "generate_map.h"
#include "map/column_codec.h"
#include "map/ddl.h"
#include "map/ddl_plan.h"
#include "map/map_yaml.h"

#include "../base/scratch.h"

enum { ROUNDS = 200 };

/* What has been written; empties the buffer at the next write. */
static const char *written(void)
{
    assert_false(scratch.failed);
    const char *text = buf_cstr(&scratch);
    buf_reset(&scratch);
    return text;
}

static struct map read_map(const char *yaml)
{
    struct map map;
    struct err err = ERR_INIT;
    if (map_read_yaml(span_from_cstr(yaml), "landfall.yaml", &arena, &map, &err))
        fail_msg("%s", err.message);
    return map;
}

/* Names and literals */

static void assert_identifier(struct span name, const char *expected)
{
    ddl_put_identifier(&scratch, name);
    assert_string_equal(written(), expected);
}

static void test_identifiers(void **state)
{
    (void)state;
    assert_identifier(SPAN("message"), "message");
    assert_identifier(SPAN("_a1"), "_a1");
    assert_identifier(SPAN("order"), "\"order\"");
    assert_identifier(SPAN("Mixed"), "\"Mixed\"");
    assert_identifier(SPAN("1a"), "\"1a\"");
    assert_identifier(SPAN("a b"), "\"a b\"");
    assert_identifier(SPAN("a\"b"), "\"a\"\"b\"");
    assert_identifier(SPAN("na\xc3\xafve"), "\"na\xc3\xafve\"");
}

static void assert_literal(struct span text, const char *expected)
{
    ddl_put_literal(&scratch, text);
    assert_string_equal(written(), expected);
}

static void test_literals(void **state)
{
    (void)state;
    assert_literal(SPAN(""), "''");
    assert_literal(SPAN("it's"), "'it''s'");
    assert_literal(SPAN("a\\b"), "E'a\\\\b'");
    assert_literal(SPAN("a\n'\x01\x7f"), "E'a\\x0A''\\x01\\x7F'");
    assert_literal(SPAN("na\xc3\xafve"), "'na\xc3\xafve'");
}

static void test_step_names(void **state)
{
    (void)state;
    assert_string_equal(migration_step_name(MIGRATION_TABLES), "expand_tables");
    assert_string_equal(migration_step_name(MIGRATION_INDEXES), "expand_indexes");
    assert_string_equal(migration_step_name(MIGRATION_CONSTRAINTS), "expand_constraints");
    assert_string_equal(migration_step_name(MIGRATION_CONTRACT), "contract_shadow");
}

/* A map with one of everything, and the SQL it means */

static const char example[] =
    "version: 1\n"
    "schema: court\n"
    "tables:\n"
    "  efcms:\n"
    "    key: { pk: S, sk: S }\n"
    "    indexes: { gsi1: { gsi1pk: S, sk: S }, GSI2: { gsi2pk: S, createdAt: S }, gsi3: { other: S } }\n"
    "    local_indexes: { lsi: { pk: S, level: N } }\n"
    "    entities:\n"
    "      Message:\n"
    "        match: { entityName: Message }\n"
    "        key: { pk: \"case|{docket_number}\", sk: \"message|{message_id}\" }\n"
    "        keys: { gsi1pk: \"message|{parent_message_id}\", gsi2pk: \"user|{sender|lower}\" }\n"
    "        table: message\n"
    "        primary_key: [message_id]\n"
    "        columns:\n"
    "          message_id: { attr: messageId, type: uuid, null: false }\n"
    "          docket_number: { attr: docketNumber, type: text, null: false }\n"
    "          parent_message_id: { attr: parentMessageId, type: uuid }\n"
    "          sender: { attr: sender, type: text }\n"
    "          created_at: { attr: createdAt, type: timestamptz, codec: iso8601_ms }\n"
    "          level: { attr: level, type: integer }\n"
    "          order: { attr: order, type: \"text[]\" }\n"
    "          body: { attr: body, type: text }\n"
    "          state: { attr: state, type: text, check: [new, \"it's\", \"back\\\\slash\"] }\n"
    "        children:\n"
    "          documents: { attr: documents, table: message_document, columns: { name: { attr: name, type: text, check: [x] } } "
    "}\n"
    "        foreign_keys: [ { columns: [docket_number], references: case(docket_number), enforce: now },\n"
    "                        { columns: [parent_message_id], references: message(message_id) } ]\n"
    "        indexes: [ [docket_number, created_at] ]\n"
    "        unique: [ [sender, level] ]\n"
    "        search: [sender, body]\n"
    "      Case:\n"
    "        key: { pk: \"case|{docket_number}\", sk: \"CASE\" }\n"
    "        table: case\n"
    "        primary_key: [docket_number]\n"
    "        columns:\n"
    "          docket_number: { type: text, null: false }\n"
    "      Event:\n"
    "        key: { pk: \"event|{at}|{number}\", sk: \"{sk}\" }\n"
    "        table: event\n"
    "        primary_key: [at]\n"
    "        distribute_by: number\n"
    "        columns:\n"
    "          at: { type: timestamptz, null: false }\n"
    "          number: { type: bigint, null: false }\n"
    "          sk: { attr: sk, type: text, null: false }\n";

static const char *const migrations[MIGRATION_STEPS] = {
    [MIGRATION_TABLES] = "-- migrate:up\n"
                         "\n"
                         "CREATE SCHEMA IF NOT EXISTS court;\n"
                         "\n"
                         "-- Entity Message of the DynamoDB table efcms\n"
                         "CREATE TABLE court.message (\n"
                         "    message_id         uuid NOT NULL,\n"
                         "    docket_number      text COLLATE \"C\" NOT NULL,\n"
                         "    parent_message_id  uuid,\n"
                         "    sender             text COLLATE \"C\",\n"
                         "    created_at         timestamptz,\n"
                         "    level              integer,\n"
                         "    \"order\"            text[],\n"
                         "    body               text,\n"
                         "    state              text COLLATE \"C\",\n"
                         "    ddb_extra          jsonb\n"
                         ");\n"
                         "\n"
                         "CREATE TABLE court.message_document (\n"
                         "    message_id  uuid NOT NULL,\n"
                         "    \"position\"  integer NOT NULL,\n"
                         "    name        text COLLATE \"C\"\n"
                         ");\n"
                         "\n"
                         "-- Entity Case of the DynamoDB table efcms\n"
                         "CREATE TABLE court.\"case\" (\n"
                         "    docket_number  text COLLATE \"C\" NOT NULL,\n"
                         "    ddb_extra      jsonb\n"
                         ");\n"
                         "\n"
                         "-- Entity Event of the DynamoDB table efcms\n"
                         "CREATE TABLE court.event (\n"
                         "    at         timestamptz NOT NULL,\n"
                         "    number     bigint NOT NULL,\n"
                         "    sk         text COLLATE \"C\" NOT NULL,\n"
                         "    ddb_extra  jsonb\n"
                         ");\n"
                         "SELECT create_distributed_table('court.event', 'number');\n"
                         "\n"
                         "-- migrate:down\n"
                         "\n"
                         "DROP TABLE court.event;\n"
                         "DROP TABLE court.\"case\";\n"
                         "DROP TABLE court.message_document;\n"
                         "DROP TABLE court.message;\n"
                         "-- The schema stays: it may have been there before.\n",
    [MIGRATION_INDEXES] = "-- migrate:up\n"
                          "\n"
                          "-- After the load, while nobody reads the tables yet: no CONCURRENTLY.\n"
                          "\n"
                          "ALTER TABLE court.message\n"
                          "    ADD CONSTRAINT message_pkey PRIMARY KEY (message_id);\n"
                          "ALTER TABLE court.message_document\n"
                          "    ADD CONSTRAINT message_document_pkey PRIMARY KEY (message_id, \"position\");\n"
                          "CREATE INDEX message_docket_number_created_at_idx ON court.message (docket_number, created_at);\n"
                          "CREATE UNIQUE INDEX message_sender_level_key ON court.message (sender, level);\n"
                          "CREATE INDEX message_parent_message_id_idx ON court.message (parent_message_id);\n"
                          "CREATE INDEX message_search_idx ON court.message USING gin (\n"
                          "    to_tsvector('english'::regconfig, coalesce(sender, '') || ' ' || coalesce(body, ''))\n"
                          ");\n"
                          "CREATE UNIQUE INDEX message_ddb_key ON court.message (docket_number, message_id);\n"
                          "CREATE INDEX message_gsi1_ddb ON court.message (\n"
                          "    (CASE WHEN ddb_extra ? 'gsi1pk' THEN ddb_extra->'gsi1pk'->>'S' ELSE 'message|' || "
                          "parent_message_id::text END COLLATE \"C\"),\n"
                          "    (('message|' || message_id::text) COLLATE \"C\")\n"
                          ");\n"
                          "CREATE INDEX message_gsi2_ddb ON court.message (\n"
                          "    (CASE WHEN ddb_extra ? 'gsi2pk' THEN ddb_extra->'gsi2pk'->>'S' ELSE 'user|' || lower(sender "
                          "COLLATE \"C\") END COLLATE \"C\"),\n"
                          "    (landfall.iso8601(created_at, 3, 'Z') COLLATE \"C\")\n"
                          ");\n"
                          "CREATE INDEX message_lsi_ddb ON court.message (docket_number, level);\n"
                          "\n"
                          "ALTER TABLE court.\"case\"\n"
                          "    ADD CONSTRAINT case_pkey PRIMARY KEY (docket_number);\n"
                          "\n"
                          "ALTER TABLE court.event\n"
                          "    ADD CONSTRAINT event_pkey PRIMARY KEY (number, at);\n"
                          "CREATE UNIQUE INDEX event_ddb_key ON court.event (\n"
                          "    number,\n"
                          "    (('event|' || landfall.iso8601(at, 0, 'Z') || '|' || number::text) COLLATE \"C\"),\n"
                          "    (sk COLLATE \"C\")\n"
                          ");\n"
                          "\n"
                          "-- migrate:down\n"
                          "\n"
                          "DROP INDEX court.event_ddb_key;\n"
                          "ALTER TABLE court.event DROP CONSTRAINT event_pkey;\n"
                          "ALTER TABLE court.\"case\" DROP CONSTRAINT case_pkey;\n"
                          "DROP INDEX court.message_lsi_ddb;\n"
                          "DROP INDEX court.message_gsi2_ddb;\n"
                          "DROP INDEX court.message_gsi1_ddb;\n"
                          "DROP INDEX court.message_ddb_key;\n"
                          "DROP INDEX court.message_search_idx;\n"
                          "DROP INDEX court.message_parent_message_id_idx;\n"
                          "DROP INDEX court.message_sender_level_key;\n"
                          "DROP INDEX court.message_docket_number_created_at_idx;\n"
                          "ALTER TABLE court.message_document DROP CONSTRAINT message_document_pkey;\n"
                          "ALTER TABLE court.message DROP CONSTRAINT message_pkey;\n",
    [MIGRATION_CONSTRAINTS] = "-- migrate:up\n"
                              "\n"
                              "ALTER TABLE court.message\n"
                              "    ADD CONSTRAINT message_state_check\n"
                              "    CHECK (state IN ('new', 'it''s', E'back\\\\slash')) NOT VALID;\n"
                              "ALTER TABLE court.message\n"
                              "    VALIDATE CONSTRAINT message_state_check;\n"
                              "ALTER TABLE court.message_document\n"
                              "    ADD CONSTRAINT message_document_name_check\n"
                              "    CHECK (name IN ('x')) NOT VALID;\n"
                              "ALTER TABLE court.message_document\n"
                              "    VALIDATE CONSTRAINT message_document_name_check;\n"
                              "ALTER TABLE court.message_document\n"
                              "    ADD CONSTRAINT message_document_message_fkey\n"
                              "    FOREIGN KEY (message_id) REFERENCES court.message (message_id) ON DELETE CASCADE NOT VALID;\n"
                              "ALTER TABLE court.message_document\n"
                              "    VALIDATE CONSTRAINT message_document_message_fkey;\n"
                              "ALTER TABLE court.message\n"
                              "    ADD CONSTRAINT message_docket_number_fkey\n"
                              "    FOREIGN KEY (docket_number) REFERENCES court.\"case\" (docket_number) NOT VALID;\n"
                              "ALTER TABLE court.message\n"
                              "    VALIDATE CONSTRAINT message_docket_number_fkey;\n"
                              "\n"
                              "-- migrate:down\n"
                              "\n"
                              "ALTER TABLE court.message DROP CONSTRAINT message_docket_number_fkey;\n"
                              "ALTER TABLE court.message_document DROP CONSTRAINT message_document_message_fkey;\n"
                              "ALTER TABLE court.message_document DROP CONSTRAINT message_document_name_check;\n"
                              "ALTER TABLE court.message DROP CONSTRAINT message_state_check;\n",
    [MIGRATION_CONTRACT] =
        "-- migrate:up\n"
        "\n"
        "-- The scaffolding comes down: what remains has no trace of DynamoDB.\n"
        "DROP INDEX court.message_ddb_key;\n"
        "DROP INDEX court.message_gsi1_ddb;\n"
        "DROP INDEX court.message_gsi2_ddb;\n"
        "DROP INDEX court.message_lsi_ddb;\n"
        "DROP INDEX court.event_ddb_key;\n"
        "ALTER TABLE court.message DROP COLUMN ddb_extra;\n"
        "ALTER TABLE court.\"case\" DROP COLUMN ddb_extra;\n"
        "ALTER TABLE court.event DROP COLUMN ddb_extra;\n"
        "ALTER TABLE court.message\n"
        "    ADD CONSTRAINT message_parent_message_id_fkey\n"
        "    FOREIGN KEY (parent_message_id) REFERENCES court.message (message_id) NOT VALID;\n"
        "ALTER TABLE court.message\n"
        "    VALIDATE CONSTRAINT message_parent_message_id_fkey;\n"
        "\nDO $landfall$\n"
        "DECLARE\n"
        "    changed regprocedure;\n"
        "BEGIN\n"
        "    IF to_regclass('landfall.dynamodb_table') IS NOT NULL THEN\n"
        "        IF EXISTS (SELECT FROM landfall.gateway WHERE beat_at > clock_timestamp() - interval '5 seconds')\n"
        "            AND EXISTS (SELECT FROM landfall.dynamodb_table WHERE is_mapped) THEN\n"
        "            RAISE EXCEPTION 'a gateway still serves these tables to applications: stop it first';\n"
        "        END IF;\n"
        "        DELETE FROM landfall.dynamodb_table WHERE is_mapped;\n"
        "        IF EXISTS (SELECT FROM landfall.dynamodb_table) THEN\n"
        "            FOR changed IN SELECT oid::regprocedure FROM pg_proc\n"
        "                WHERE pronamespace = 'landfall'::regnamespace AND prorettype = 'trigger'::regtype LOOP\n"
        "                EXECUTE format('DROP FUNCTION %s CASCADE', changed);\n"
        "            END LOOP;\n"
        "            DELETE FROM landfall.load;\n"
        "            DELETE FROM landfall.item;\n"
        "            DELETE FROM landfall.window;\n"
        "            RETURN;\n"
        "        END IF;\n"
        "    END IF;\n"
        "    DROP SCHEMA IF EXISTS landfall CASCADE;\n"
        "END $landfall$;\n"
        "\n"
        "-- migrate:down\n"
        "\n"
        "-- What cannot be taken back: the contents of ddb_extra and of the schema landfall.\n"
        "ALTER TABLE court.message DROP CONSTRAINT message_parent_message_id_fkey;\n"
        "ALTER TABLE court.message ADD COLUMN ddb_extra jsonb;\n"
        "ALTER TABLE court.\"case\" ADD COLUMN ddb_extra jsonb;\n"
        "ALTER TABLE court.event ADD COLUMN ddb_extra jsonb;\n"
        "CREATE UNIQUE INDEX message_ddb_key ON court.message (docket_number, message_id);\n"
        "CREATE INDEX message_gsi1_ddb ON court.message (\n"
        "    (CASE WHEN ddb_extra ? 'gsi1pk' THEN ddb_extra->'gsi1pk'->>'S' ELSE 'message|' || "
        "parent_message_id::text END COLLATE \"C\"),\n"
        "    (('message|' || message_id::text) COLLATE \"C\")\n"
        ");\n"
        "-- Not made again, it needs functions of the schema landfall: message_gsi2_ddb\n"
        "CREATE INDEX message_lsi_ddb ON court.message (docket_number, level);\n"
        "-- Not made again, it needs functions of the schema landfall: event_ddb_key\n",
};

static const char diagram[] = "erDiagram\n"
                              "    \"message\" {\n"
                              "        uuid message_id PK\n"
                              "        text docket_number FK\n"
                              "        uuid parent_message_id FK\n"
                              "        text sender\n"
                              "        timestamptz created_at\n"
                              "        integer level\n"
                              "        text[] order\n"
                              "        text body\n"
                              "        text state\n"
                              "    }\n"
                              "    \"message_document\" {\n"
                              "        uuid message_id PK, FK\n"
                              "        integer position PK\n"
                              "        text name\n"
                              "    }\n"
                              "    \"case\" {\n"
                              "        text docket_number PK\n"
                              "    }\n"
                              "    \"event\" {\n"
                              "        timestamptz at PK\n"
                              "        bigint number\n"
                              "        text sk\n"
                              "    }\n"
                              "    \"message\" ||--o{ \"message_document\" : \"documents\"\n"
                              "    \"case\" ||--o{ \"message\" : \"docket_number\"\n"
                              "    \"message\" |o--o{ \"message\" : \"parent_message_id\"\n";

static void test_migrations(void **state)
{
    (void)state;
    struct map map = read_map(example);
    for (unsigned step = 0; step < MIGRATION_STEPS; step++) {
        ddl_put_migration(&scratch, &map, (enum migration_step)step);
        assert_string_equal(written(), migrations[step]);
    }
}

static void test_mermaid(void **state)
{
    (void)state;
    struct map map = read_map(example);
    ddl_put_mermaid(&scratch, &map);
    assert_string_equal(written(), diagram);
}

static void test_copy_in(void **state)
{
    (void)state;
    struct map map = read_map(example);
    const struct entity *message = map_find_entity(&map, SPAN("Message"));
    ddl_put_copy_in(&scratch, &map, message, NULL);
    assert_string_equal(written(), "COPY court.message (message_id, docket_number, parent_message_id, sender, created_at, level, "
                                   "\"order\", body, state, ddb_extra) FROM STDIN (FORMAT binary)");
    ddl_put_copy_in(&scratch, &map, message, &message->children[0]);
    assert_string_equal(written(), "COPY court.message_document (message_id, \"position\", name) FROM STDIN (FORMAT binary)");
}

static void test_select(void **state)
{
    (void)state;
    struct map map = read_map(example);
    ddl_put_select(&scratch, &map, map_find_entity(&map, SPAN("Message")), SPAN("ctid >= '(0,0)'::tid"));
    assert_string_equal(written(), "SELECT t.message_id, t.docket_number, t.parent_message_id, t.sender, t.created_at, t.level, "
                                   "t.\"order\", t.body, t.state, t.ddb_extra,\n"
                                   "    ARRAY(SELECT ROW(c.\"position\", c.name) FROM court.message_document AS c WHERE "
                                   "c.message_id = t.message_id ORDER BY c.\"position\")\n"
                                   "FROM court.message AS t\n"
                                   "WHERE ctid >= '(0,0)'::tid");
    ddl_put_select(&scratch, &map, map_find_entity(&map, SPAN("Case")), span_of(NULL, 0));
    assert_string_equal(written(), "SELECT t.docket_number, t.ddb_extra\nFROM court.\"case\" AS t");
}

/* Templates */

static const char templates[] =
    "version: 1\n"
    "schema: s\n"
    "tables:\n"
    "  t:\n"
    "    key: { pk: S, sk: N }\n"
    "    entities:\n"
    "      E:\n"
    "        key: { pk: \"{Text}\", sk: \"{number}\" }\n"
    "        keys: { a: \"A#{Text|lower}{number}\", \"it's\": \"{at|optional|lower}\", c: \"C\", own: \"{own}\" }\n"
    "        table: e\n"
    "        columns:\n"
    "          Text: { attr: text, type: text, null: false }\n"
    "          number: { attr: sk, type: numeric, null: false }\n"
    "          at: { attr: at, type: timestamptz, codec: iso8601_us }\n"
    "          own: { attr: own, type: uuid }\n";

static void test_templates(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "(\"Text\" COLLATE \"C\")",
        "number",
        "(CASE WHEN ddb_extra ? 'a' THEN ddb_extra->'a'->>'S' "
        "ELSE 'A#' || lower(\"Text\" COLLATE \"C\") || trim_scale(number)::text END COLLATE \"C\")",
        "(CASE WHEN ddb_extra ? 'it''s' THEN ddb_extra->'it''s'->>'S' "
        "ELSE coalesce(lower(landfall.iso8601(at, 6, 'Z') COLLATE \"C\"), '') END COLLATE \"C\")",
        "(CASE WHEN ddb_extra ? 'c' THEN ddb_extra->'c'->>'S' ELSE 'C'::text END COLLATE \"C\")",
        "(own::text COLLATE \"C\")",
    };
    struct map map = read_map(templates);
    const struct entity *entity = &map.tables[0].entities[0];
    assert_int_equal(entity->template_count, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < entity->template_count; i++) {
        ddl_put_template(&scratch, entity, &entity->templates[i]);
        assert_string_equal(written(), expected[i]);
    }
}

/* Which index serves the table key: none beside the primary key, one on columns, or one on expressions */

static const char key_format[] = "version: 1\n"
                                 "schema: s\n"
                                 "tables:\n"
                                 "  t:\n"
                                 "    key: { pk: S, sk: S }\n"
                                 "    entities:\n"
                                 "      E:\n"
                                 "        key: { pk: \"%s\", sk: \"%s\" }\n"
                                 "        table: e\n"
                                 "        primary_key: [a, b]\n"
                                 "        columns:\n"
                                 "          a: { attr: a, type: text, null: false }\n"
                                 "          b: { attr: b, type: uuid, null: false }\n"
                                 "          n: { attr: n, type: bigint, null: false }\n";

static void assert_key_index(const char *pk, const char *sk, const char *expected)
{
    struct span yaml;
    struct err err = ERR_INIT;
    assert_int_equal(arena_printf(&arena, &yaml, &err, key_format, pk, sk), LF_OK);
    struct map map = read_map(yaml.ptr);
    ddl_put_migration(&scratch, &map, MIGRATION_INDEXES);
    const char *text = written(), *at = strstr(text, "CREATE UNIQUE INDEX e_ddb_key ON s.e ");
    if (!expected) {
        assert_null(at);
        return;
    }
    assert_non_null(at);
    at += strlen("CREATE UNIQUE INDEX e_ddb_key ON s.e ");
    if (strncmp(at, expected, strlen(expected)) != 0)
        fail_msg("%s", at);
}

static void test_index_of_the_table_key(void **state)
{
    (void)state;
    assert_key_index("A#{a}", "{b}", NULL);
    assert_key_index("{b}", "{a}", "(b, a);");
    assert_key_index("A#{a}", "A#{a}", "(a);");
    assert_key_index("A#{a}", "PROFILE", "(a);");
    assert_key_index("A#{a}#", "{b}", "(\n    (('A#' || a || '#') COLLATE \"C\"),\n    (b::text COLLATE \"C\")\n);");
    assert_key_index("{a|lower}", "{b}", "(\n    (lower(a COLLATE \"C\") COLLATE \"C\"),\n");
    assert_key_index("{a}{b}", "x", "(\n    ((a || b::text) COLLATE \"C\"),\n    ('x'::text COLLATE \"C\")\n);");
    /* the text of a number has another order than the number */
    assert_key_index("A#{a}", "{n}", "(\n    (('A#' || a) COLLATE \"C\"),\n    (n::text COLLATE \"C\")\n);");
    assert_key_index("x", "y", "(\n    ('x'::text COLLATE \"C\"),\n    ('y'::text COLLATE \"C\")\n);");
}

/* An access path on the key's columns. */
static const char path_format[] = "version: 1\n"
                                  "schema: s\n"
                                  "tables:\n"
                                  "  t:\n"
                                  "    key: { pk: S, sk: S }\n"
                                  "    entities:\n"
                                  "      E:\n"
                                  "        key: { pk: \"A#{a}\", sk: \"{b}\" }\n"
                                  "        table: e\n"
                                  "        primary_key: [%s]\n"
                                  "        columns:\n"
                                  "          a: { attr: a, type: text, null: false }\n"
                                  "          b: { attr: b, type: uuid, null: false }\n"
                                  "          n: { attr: n, type: bigint, null: false }\n"
                                  "        indexes: [ [a, b] ]\n";

static void assert_path_index(const char *primary_key, const char *expected)
{
    struct span yaml;
    struct err err = ERR_INIT;
    assert_int_equal(arena_printf(&arena, &yaml, &err, path_format, primary_key), LF_OK);
    struct map map = read_map(yaml.ptr);
    ddl_put_migration(&scratch, &map, MIGRATION_INDEXES);
    const char *text = written();
    if (!strstr(text, expected))
        fail_msg("%s", text);
}

static void test_one_index_for_a_path_and_the_table_key(void **state)
{
    (void)state;
    assert_path_index("b", "PRIMARY KEY (b);\nCREATE UNIQUE INDEX e_a_b_idx ON s.e (a, b);\n\n-- migrate:down\n");
    assert_path_index("n",
                      "CREATE INDEX e_a_b_idx ON s.e (a, b);\nCREATE UNIQUE INDEX e_ddb_key ON s.e (a, b);\n\n-- migrate:down\n");
}

/* Of generated maps */

static size_t count_lines(const char *text, const char *line)
{
    size_t count = 0;
    for (const char *at = text; at; at = strchr(at, '\n')) {
        at += *at == '\n';
        count += strncmp(at, line, strlen(line)) == 0;
    }
    return count;
}

static size_t count_words(const char *text, const char *end, const char *word)
{
    size_t count = 0;
    for (const char *at = strstr(text, word); at && at < end; at = strstr(at + 1, word))
        count++;
    return count;
}

/* dbmate finds each marker once, whatever names are like, and what is made is taken back. */
static void check_migration(const struct map *map, enum migration_step step)
{
    ddl_put_migration(&scratch, map, step);
    const char *text = written();
    assert_int_equal(strncmp(text, "-- migrate:up\n", 14), 0);
    assert_int_equal(count_lines(text, "-- migrate:"), 2);
    const char *down = strstr(text, "\n-- migrate:down\n"), *end = text + strlen(text);
    assert_non_null(down);
    if (step == MIGRATION_TABLES)
        assert_int_equal(count_lines(text, "CREATE TABLE "), count_lines(text, "DROP TABLE "));
    if (step == MIGRATION_INDEXES)
        assert_int_equal(count_words(text, down, "\nCREATE INDEX ") + count_words(text, down, "\nCREATE UNIQUE INDEX "),
                         count_words(down, end, "\nDROP INDEX "));
    if (step == MIGRATION_CONSTRAINTS)
        assert_int_equal(count_words(text, down, "\n    ADD CONSTRAINT "), count_words(down, end, " DROP CONSTRAINT "));
}

static int compare_names(const void *left, const void *right)
{
    const struct span *a = left, *b = right;
    return span_compare(*a, *b);
}

/* Names of tables, indexes and constraints are distinct and not cut by PostgreSQL. */
static void check_names(const struct map *map, const struct ddl_plan *plan)
{
    struct err err = ERR_INIT;
    struct span *names = arena_calloc(&arena, plan->index_count + plan->constraint_count + 1000, sizeof *names, &err);
    assert_non_null(names);
    size_t count = 0;
    for (size_t i = 0; i < plan->index_count; i++)
        names[count++] = plan->indexes[i].name;
    for (size_t i = 0; i < plan->constraint_count; i++)
        names[count++] = plan->constraints[i].name;
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count; e++)
            names[count++] = map->tables[t].entities[e].table;
    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 0; i < count; i++) {
        assert_in_range(names[i].len, 1, LIMIT_IDENTIFIER_BYTES);
        assert_true(i == 0 || !span_equal(names[i - 1], names[i]));
    }
}

/* Every foreign key finds an index whose first columns are its own. */
static void check_foreign_keys_are_indexed(const struct entity *entity, const struct ddl_plan *plan)
{
    for (size_t k = 0; k < entity->foreign_key_count; k++) {
        const struct foreign_key *key = &entity->foreign_keys[k];
        bool is_found = false;
        for (size_t i = 0; i < plan->index_count; i++) {
            const struct ddl_index *index = &plan->indexes[i];
            is_found = is_found || (index->entity == entity && !index->child && !index->key && index->kind != DDL_SHADOW &&
                                    index->kind != DDL_SEARCH && index->column_count >= key->count &&
                                    memcmp(index->columns, key->columns, key->count * sizeof *key->columns) == 0);
        }
        assert_true(is_found);
    }
}

static void test_generated_maps(void **state)
{
    (void)state;
    uint64_t seed = generator_seed();
    for (uint64_t i = 0; i < ROUNDS; i++) {
        struct generator generator;
        generator_init(&generator, seed + i);
        arena_reset(&arena);
        struct map map = generate_map(&generator, &arena);
        struct err err = ERR_INIT;
        struct ddl_plan plan;
        if (map_finish(&map, &arena, &err) || ddl_plan_make(&map, &arena, &plan, &err))
            fail_msg("seed %llu: %s", (unsigned long long)(seed + i), err.message);
        for (unsigned step = 0; step < MIGRATION_STEPS; step++)
            check_migration(&map, (enum migration_step)step);
        check_names(&map, &plan);
        for (size_t t = 0; t < map.table_count; t++)
            for (size_t e = 0; e < map.tables[t].entity_count; e++)
                check_foreign_keys_are_indexed(&map.tables[t].entities[e], &plan);
    }
}

static void test_no_room_is_sticky(void **state)
{
    (void)state;
    struct map map = read_map(example);
    for (size_t limit = 0; limit < 4000; limit += 37)
        for (unsigned step = 0; step < MIGRATION_STEPS; step++) {
            struct buf small;
            struct err err = ERR_INIT;
            buf_init(&small, limit);
            ddl_put_migration(&small, &map, (enum migration_step)step);
            bool has_room = strlen(migrations[step]) <= limit;
            assert_int_equal(buf_check(&small, &err), has_room ? LF_OK : LF_MEMORY);
            buf_done(&small);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_identifiers, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_literals, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_step_names, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_migrations, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_mermaid, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_copy_in, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_select, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_templates, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_index_of_the_table_key, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_one_index_for_a_path_and_the_table_key, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_generated_maps, scratch_open, scratch_close),
        cmocka_unit_test_setup_teardown(test_no_room_is_sticky, scratch_open, scratch_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
