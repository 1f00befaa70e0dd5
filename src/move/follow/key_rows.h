/*
 * key_rows: which rows of the target hold some keys of a DynamoDB table, found by the indexes that the map promises
 * (map/key_search.h), landfall.item included.
 *
 *     keys    0    1    2            first[0] = 0   first[1] = 1   first[2] = 1   first[3] = 3
 *     rows    0         1  2
 */
#pragma once

#include "move/row_identity.h"

struct key_rows {
    struct row_identity *identities; /* by key, then in the order of the map's entities, landfall.item last */
    struct item *items;              /* of each row; NULL: not asked for */
    size_t *first;                   /* of each key its first row, and one more at the end */
};

enum key_rows_kind { KEY_ROWS_IDENTITIES, KEY_ROWS_ITEMS };

/* Everything is in the arena. Errors: LF_SQL, LF_CONNECT, LF_ROW, LF_MAP, LF_MEMORY. */
enum lf_code key_rows_find(struct pg_conn *conn, const struct map *map, const struct map_table *table, const struct key *keys,
                           size_t count, enum key_rows_kind kind, struct arena *arena, struct key_rows *ret_rows,
                           struct err *err) MUST_CHECK;

static inline size_t key_rows_count(const struct key_rows *rows, size_t key)
{
    return rows->first[key + 1] - rows->first[key];
}
