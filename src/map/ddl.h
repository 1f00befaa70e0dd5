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
void ddl_put_quoted(struct buf *buf, struct span name); /* an identifier, with quotes whether it needs them or not */
void ddl_put_literal(struct buf *buf, struct span text);
/* schema.table */
void ddl_put_table(struct buf *buf, const struct map *map, struct span table);

/* COPY schema.table (columns, ddb_extra) FROM STDIN (FORMAT binary), in the order of struct row; `child` NULL for the main table.
 */
void ddl_put_copy_in(struct buf *buf, const struct map *map, const struct entity *entity, const struct child *child);

/* The fields of a row in the order of row_decode, "t.a, t.b, t.ddb_extra, ARRAY(…)"; the entity's table is `t`. */
void ddl_put_fields(struct buf *buf, const struct map *map, const struct entity *entity);
/* One of them. */
void ddl_put_field(struct buf *buf, const struct map *map, const struct entity *entity, size_t number);
/* The same with the rows of a child from `source`, "(SELECT …)", instead of its table. */
void ddl_put_fields_with(struct buf *buf, const struct map *map, const struct entity *entity, const struct child *child,
                         struct span source);

/* SELECT in the order of row_decode; each child as an array of records (position, its columns), in order. `where` is appended
 * when not empty ("ctid >= …"); the entity's table is `t` in it. */
void ddl_put_select(struct buf *buf, const struct map *map, const struct entity *entity, struct span where);

/*
 * The value of a key attribute as an SQL expression over the columns: text with COLLATE "C"; of a number or binary key the column
 * itself. Attributes other than the table's key look into ddb_extra first. The same bytes wherever it is used, so that an index
 * on expressions is found. (Where the table key or an index has its order from columns alone, expand_indexes makes an index on
 * these columns, or none beside the primary key; then search by columns.)
 */
void ddl_put_template(struct buf *buf, const struct entity *entity, const struct key_template *key);

/* A constant that must hold, as an SQL expression, when it is part of an index's key. */
void ddl_put_match(struct buf *buf, const struct match *match);
/* The text of the attribute that the column holds, as an SQL expression. */
void ddl_put_column_text(struct buf *buf, const struct column *column);
/* A string or number that the column holds, as an SQL expression that orders as the attribute does. */
void ddl_put_column_key(struct buf *buf, const struct column *column);

/* The tables and relations as a Mermaid erDiagram. */
void ddl_put_mermaid(struct buf *buf, const struct map *map);
