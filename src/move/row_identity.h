/*
 * row_identity: which row of the target holds a key.
 *
 * For an entity's table the values of its primary key, for landfall.item (h, sk), in PostgreSQL's binary format as they were
 * read. Identities stay valid while others change the table, unlike a row's place.
 */
#pragma once

#include "map/model.h"
#include "move/target.h"

struct row_identity {
    struct hash128 key; /* key_hash128 of the item */
    const struct map_table *table;
    const struct entity *entity; /* NULL: landfall.item */
    struct pg_field *fields;
    size_t field_count;
};

/* Copies the identity of a row that is being read into the arena; `key` is left to the caller. LF_MEMORY only. */
enum lf_code row_identity_of(const struct target_item *row, struct arena *arena, struct row_identity *ret_identity,
                             struct err *err) MUST_CHECK;

/* Whether the fields of a row (struct row) have this identity. */
bool row_identity_fits(const struct row_identity *identity, const struct entity *entity, const struct pg_field *fields);

/* Deletes the row and the rows of its child tables. */
enum lf_code row_identity_delete(struct pg_conn *conn, const struct map *map, const struct row_identity *identity,
                                 struct err *err) MUST_CHECK;

/* The rows of its child tables only. */
enum lf_code row_identity_delete_children(struct pg_conn *conn, const struct map *map, const struct row_identity *identity,
                                          struct err *err) MUST_CHECK;

/* "message_id" = $3 AND …, the first parameter being $first. */
void row_identity_put_where(struct buf *sql, const struct entity *entity, size_t first);
