/*
 * table: `struct table` (catalog.h) made from what the database says of it.
 *
 *     landfall.dynamodb_table, dynamodb_index ──table_select──► row of texts ──table_new──► struct table, refs 1
 */
#pragma once

#include "gateway/catalog.h"

/* Of every ARN; the rest is the table's name. */
#define TABLE_ARN_PREFIX SPAN("arn:aws:dynamodb:us-east-1:000000000000:table/")

/* The fields of a row, all as text. */
enum table_field {
    TABLE_FIELD_ID,
    TABLE_FIELD_VERSION,
    TABLE_FIELD_DEFINITION, /* NULL: unchanged since the version asked for, and so are the next */
    TABLE_FIELD_NAME,
    TABLE_FIELD_TABLE_ID,
    TABLE_FIELD_STATUS,
    TABLE_FIELD_IS_MAPPED,
    TABLE_FIELD_TTL_ATTRIBUTE,
    TABLE_FIELD_STREAM_LABEL,
    TABLE_FIELD_CREATED_MS,
    TABLE_FIELD_TTL_IS_FILLING,
    TABLE_FIELD_RESTORING,
    TABLE_FIELD_MOVE, /* "phase|epoch|fence|reads|shadow|readable|flipped|stream|its view|number of the first|entities of reads,
                         moved entities", one a line; empty without a phase */
    TABLE_FIELD_INDEXES, /* a line "name slot status backfilling" per index */
    TABLE_FIELDS,
};

/* All tables, one per row; $1 (text): the version that is known. */
extern const char table_select[];
/* The one of name $2. */
extern const char table_select_named[];

/* LF_ROW when the row makes no sense, LF_MEMORY. `map` NULL: no table is mapped. */
enum lf_code table_new(const struct pg_result *rows, size_t row, const struct map *map, struct table **ret_table,
                       struct err *err) MUST_CHECK;
/* The same of a row without definition: it is that of `present`. */
enum lf_code table_renew(const struct table *present, const struct pg_result *rows, size_t row, const struct map *map,
                         struct table **ret_table, struct err *err) MUST_CHECK;
/* Whether the row says of the table's move what `table` has. LF_ROW. */
enum lf_code table_moves_alike(const struct table *table, const struct pg_result *rows, size_t row, bool *ret_alike,
                               struct err *err) MUST_CHECK;
void table_ref(const struct table *table);
bool table_is_unused(const struct table *table); /* only the catalog's own reference is left */

const char *table_status_name(enum table_status status);
