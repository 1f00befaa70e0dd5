/*
 * relational_at_once: writes to mapped tables that need no look at what is there, in one round trip:
 *
 *     locks of the keys of rows that are put ─► rows of each source put ─► rows of each source changed       one transaction
 *
 * A row is *changed* where the item was read (WRITE_VERSION) in the table that its new row belongs to: if it is still that
 * version, under that primary key. A row is *put* with WRITE_ALWAYS where the primary key is the item's key (is_by_key) and no
 * other entity may have it: inserted, or changed, and whatever landfall.item has of the key is deleted. Neither where there are
 * child tables, nor with a stream, which tells what was there before.
 */
#pragma once

#include "gateway/store/relational_changes.h"

/* Whether all of the changes are so. LF_MEMORY. */
enum lf_code relational_are_at_once(const struct table *table, const struct relational_change *changes, size_t count,
                                    struct arena *arena, bool *ret_are, struct err *err) MUST_CHECK;

/* is_written false: the guard did not hold, or the row's primary key is another. After an error nothing was written, but
 * LF_CONNECT leaves that open. Errors: those of db_write. */
enum lf_code relational_write_at_once(struct worker *worker, const struct table *table, struct relational_change **changes,
                                      size_t count, struct arena *arena, struct err *err) MUST_CHECK;
