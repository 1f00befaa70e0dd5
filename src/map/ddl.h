/*
 * ddl: the SQL that a map means.
 *
 * Four migrations in dbmate's format, expand first, contract last: tables; then, after the load, indexes; constraints; and at the
 * very end the contract migration that drops ddb_extra, the shadow indexes and the schema `landfall`. Text in keys, ids and
 * indexes is COLLATE "C" in the DDL and in every expression. Statements are qualified; nothing depends on search_path.
 * Deterministic. Pure.
 */
#pragma once

#include "base/buf.h"
#include "map/model.h"

enum migration_step { MIGRATION_TABLES, MIGRATION_INDEXES, MIGRATION_CONSTRAINTS, MIGRATION_CONTRACT, MIGRATION_STEPS };

/* "expand_tables", … */
const char *migration_step_name(enum migration_step step);

/* The whole file: "-- migrate:up", statements, "-- migrate:down", statements. */
void ddl_put_migration(struct buf *buf, const struct map *map, enum migration_step step);

/* "name" quoted only where it must be (reserved word, upper case, odd characters). */
void ddl_put_identifier(struct buf *buf, struct span name);
void ddl_put_literal(struct buf *buf, struct span text);
/* schema.table */
void ddl_put_table(struct buf *buf, const struct map *map, struct span table);

/* COPY schema.table (columns, ddb_extra) FROM STDIN (FORMAT binary), in the order of struct row; `child` NULL for the main table.
 */
void ddl_put_copy_in(struct buf *buf, const struct map *map, const struct entity *entity, const struct child *child);

/* SELECT in the order of row_decode, children as arrays of records; `where` is appended when not empty ("ctid >= …"). */
void ddl_put_select(struct buf *buf, const struct map *map, const struct entity *entity, struct span where);

/* A template as an SQL expression over the columns, with COLLATE "C"; the same bytes wherever it is used, so that the index is
 * found. */
void ddl_put_template(struct buf *buf, const struct entity *entity, const struct key_template *key);

/* The tables and relations as a Mermaid erDiagram. */
void ddl_put_mermaid(struct buf *buf, const struct map *map);
