/*
 * row: an item as a row of its entity's table, and back.
 *
 * Encoding picks the first entity of the table that claims the item (constants match, table-key templates rebuild the key
 * exactly, no NOT NULL column is absent, CHECKs hold, indexed columns fit an index entry). What no column holds exactly goes to
 * ddb_extra, in DynamoDB JSON:
 *
 *     fields:   column 0 │ column 1 │ … │ column n-1 │ ddb_extra (jsonb, NULL when nothing is left over)
 *     children: per child table, rows of  parent's primary key │ position (integer, from 0) │ columns
 *
 * A flattened map is in its columns, and a list in its child rows, only as a whole: when it is not empty and every entry and
 * element is held by a column (and the child's constraints hold); otherwise the attribute goes to ddb_extra and the columns are
 * NULL. Constants and what templates give are not stored.
 *
 * ddb_extra is {"attr": {"S": "…"}}; "attr": null says that a template attribute is absent although the template would give
 * it; strings that PostgreSQL cannot hold (U+0000) are {"S64": base64}, sets of them {"SS64": […]}.
 *
 * Decoding: a column that is not NULL wins, else ddb_extra, else the attribute is absent. So decode(encode(item)) equals the
 * item, always; an item for which that cannot be had is not claimed and lives whole in landfall.item. Pure; results lie in the
 * arena or are borrowed from the item.
 */
#pragma once

#include "codec/pgbinary.h"
#include "map/model.h"

struct row_child {
    struct pg_field *fields; /* row_count * field_count */
    size_t row_count;
    size_t field_count; /* primary key columns + 1 + child columns */
};

struct row {
    const struct entity *entity; /* NULL: no entity claims the item */
    struct span reason;          /* then: why not, of the entity that came closest; for people */
    struct pg_field *fields;     /* entity->column_count + 1 */
    struct row_child *children;  /* entity->child_count */
};

/* Errors: LF_MEMORY only; every item has an answer. */
enum lf_code row_encode(const struct map_table *table, const struct item *item, struct arena *arena, struct row *ret_row,
                        struct err *err) MUST_CHECK;

/* Number of fields that row_decode takes: columns, ddb_extra, then one array of records per child (see ddl_put_select). */
static inline size_t row_select_count(const struct entity *entity)
{
    return entity->column_count + 1 + entity->child_count;
}

/* Errors: LF_ROW when a field is not what the map says (a type changed by hand), LF_MEMORY. */
enum lf_code row_decode(const struct entity *entity, const struct pg_field *fields, struct arena *arena, struct item *ret_item,
                        struct err *err) MUST_CHECK;

/* Leftovers as the JSON text of ddb_extra, and back. `absent` attributes have type VALUE_TYPES. LF_ITEM from put: a name that
 * jsonb cannot hold. */
enum lf_code extra_put(struct buf *buf, const struct attribute *attributes, size_t count, struct err *err) MUST_CHECK;
enum lf_code extra_read(struct span json, struct arena *arena, struct item *ret_attributes, struct err *err) MUST_CHECK;
