/*
 * row_fixture: maps from YAML, items from JSON, and rows as COPY takes and SELECT gives them; for the tests of rows.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <setjmp.h>

#include <cmocka.h>

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

/* For cmocka: *state is a struct fixture. */
int row_setup(void **state);
int row_teardown(void **state);

#define ROW_TEST(function) cmocka_unit_test_setup_teardown(function, row_setup, row_teardown)

void read_map(struct fixture *fixture, const char *yaml);
struct item item_from(struct fixture *fixture, const char *json);

/* By the map's first table. */
struct row encode(struct fixture *fixture, const struct item *item);

/* What SELECT gives for a row that was loaded. */
struct pg_field *selected(struct fixture *fixture, const struct row *row);

void print_item(const struct item *item);
void assert_comes_back(struct fixture *fixture, const struct item *item, const struct row *row);

/* The row of an item that this entity claims and that comes back equal. */
struct row assert_claimed(struct fixture *fixture, const char *json, const char *entity);
void assert_not_claimed(struct fixture *fixture, const char *json, const char *reason);

/* The text of ddb_extra, behind the version byte; "" when it is NULL. */
const char *extra_of(struct fixture *fixture, const struct row *row);

struct pg_field field_of_column(const struct row *row, const char *name);
/* `text` NULL: the field is. */
void assert_text(const struct row *row, const char *column, const char *text);

/* ---- a map: HEAD, then entities ---- */

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

#define NOT_NULL                                                     \
    "      Thing:\n"                                                 \
    "        key: { pk: \"T#{id}\", sk: \"{seq}\" }\n"               \
    "        table: thing\n"                                         \
    "        primary_key: [id, seq]\n"                               \
    "        columns:\n"                                             \
    "          id: { type: text, null: false }\n"                    \
    "          seq: { type: integer, codec: string, null: false }\n" \
    "          label: { attr: label, type: text, null: false }\n"

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

#define INDEXED                                                 \
    "      Indexed:\n"                                          \
    "        key: { pk: \"{id}\", sk: \"{rest}\" }\n"           \
    "        keys: { gsi1pk: \"n{label}\" }\n"                  \
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

#define LONG_KEY                                            \
    "      Long:\n"                                         \
    "        key: { pk: \"{pk}\", sk: \"s{sk}\" }\n"        \
    "        table: long\n"                                 \
    "        primary_key: [pk]\n"                           \
    "        columns:\n"                                    \
    "          pk: { attr: pk, type: text, null: false }\n" \
    "          sk: { type: text, null: false }\n"
