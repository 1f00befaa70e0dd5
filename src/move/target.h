/*
 * target: reads the items back from PostgreSQL, for verify and export.
 *
 * The work is a list of parts: a range of pages (ctid) of an entity's table, or a range of landfall.item. Parts are independent:
 * several threads, each with its own connection, read them. Reading is COPY (SELECT …) TO STDOUT in binary, decoded by
 * row_decode: exactly the codec that loaded.
 */
#pragma once

#include "base/stage_clock.h"
#include "map/model.h"
#include "pg/conn.h"

struct target_part {
    const struct map_table *table;
    const struct entity *entity;   /* NULL: items of landfall.item */
    uint64_t first_page, end_page; /* end_page is open-ended (UINT64_MAX) in the last part of a table */
};
struct target_parts {
    struct target_part *items;
    size_t count;
    uint64_t row_estimate; /* for progress */
};

/* What a plan depends on. */
struct target_sizes {
    uint64_t *pages; /* of each entity's table in the order of the map, then of landfall.item */
    uint64_t *rows;  /* estimates */
    size_t count;
};

/* Sizes now; equal sizes of a map give equal plans. Errors as of target_plan. */
enum lf_code target_measure(struct pg_conn *conn, const struct map *map, struct arena *arena, struct target_sizes *ret_sizes,
                            struct err *err) MUST_CHECK;
enum lf_code target_divide(const struct map *map, const struct target_sizes *sizes, uint64_t pages_per_part, struct arena *arena,
                           struct target_parts *ret_parts, struct err *err) MUST_CHECK;

/* Both. About `pages_per_part` pages each. Every table of the map must be there (LF_PRECONDITION). */
enum lf_code target_plan(struct pg_conn *conn, const struct map *map, uint64_t pages_per_part, struct arena *arena,
                         struct target_parts *ret_parts, struct err *err) MUST_CHECK;

enum { TARGET_ITEM_FIELDS = 3 };

/* What a visitor gets; all of it is valid until it returns (the arena is reset between items). */
struct target_item {
    const struct target_part *part;
    const struct item *item;
    const struct pg_field *fields; /* of the entity's row, in the order of row_decode; of landfall.item: item, h, sk */
    struct arena *arena;
};
typedef enum lf_code target_visit(void *context, const struct target_item *item, struct err *err);

/* Reads a part. Its rows are STAGE_ITEMS of `clock` (may be NULL): received, decoded, visited (STAGE_SUMS). An error of the
 * visitor ends it. Errors: LF_SQL, LF_CONNECT, LF_ROW (a row that its map does not describe). */
enum lf_code target_read(struct pg_conn *conn, const struct map *map, const struct target_part *part, struct stage_clock *clock,
                         target_visit *visit, void *context, struct err *err) MUST_CHECK;
