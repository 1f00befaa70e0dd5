/*
 * relational_reads: items of mapped tables by their keys.
 *
 * A key is looked for in the sources whose templates it may come from, and in landfall.item, by one statement:
 *
 *     SELECT k.n, s.* FROM (SELECT unnest($1) AS n, unnest($2) AS a, unnest($3) AS b) AS k
 *     CROSS JOIN LATERAL (SELECT … FROM court.case AS t WHERE …) AS s
 *     UNION ALL …
 */
#pragma once

#include "gateway/store/relational_table.h"
#include "pg/binary_sql.h"

/* Callbacks of store.h. `lock` also deletes rows that SQL has put beside the one that has the item. */
enum lf_code relational_get(struct worker *worker, const struct table *table, const struct item_key *keys, size_t count,
                            struct arena *arena, struct stored_item *ret_items, struct err *err) MUST_CHECK;
enum lf_code relational_get_in(struct db_transaction *transaction, const struct table *table, const struct item_key *keys,
                               size_t count, struct arena *arena, struct stored_item *ret_items, struct err *err) MUST_CHECK;
enum lf_code relational_lock(struct db_transaction *transaction, const struct table *table, const struct item_key *keys,
                             size_t count, struct arena *arena, struct stored_item *ret_items, struct err *err) MUST_CHECK;
/* As `lock`, without what the items hold: whether they are there, and their versions. */
enum lf_code relational_lock_places(struct db_transaction *transaction, const struct table *table, const struct item_key *keys,
                                    size_t count, struct arena *arena, struct stored_item *ret_items, struct err *err) MUST_CHECK;

/* A key as the values that an entity's rows are searched by (key_search_value), one or two. Not held: no row has it. */
enum lf_code relational_key_values(const struct relational_source *source, const struct key *key, struct arena *arena,
                                   struct pg_field *fields, bool *ret_held, struct err *err) MUST_CHECK;

/* Rows at these places of a source, which have not changed since they were read: LF_TRANSACTION_CONFLICT otherwise. */
enum lf_code relational_delete(struct db_transaction *transaction, const struct table *table, size_t source,
                               const struct stored_item *const *rows, size_t count, struct arena *arena,
                               struct err *err) MUST_CHECK;
/* "unnest($n::tid[]) AS place, unnest($m::xid[]) AS version" */
enum lf_code relational_put_places(struct binary_sql *sql, const struct stored_item *const *rows, size_t count,
                                   struct err *err) MUST_CHECK;
