/*
 * relational_table: where the items of a mapped table are: a *source* for each entity, in the map's order, and last
 * landfall.item, which has what no entity claims.
 *
 *     source 0        1         …    n: landfall.item
 *     court.case      court.message  (table_name, h, sk, pk, item, reason)
 *
 * Every source gives its rows in one form, so that statements can read several of them by UNION ALL. There are as many columns of
 * each type as the source with most of them has; where one has fewer, or none, it gives NULL:
 *
 *     source int4 │ text      │ text   │ integer │ jsonb       │ … │ json      the fields of row_decode, or the item
 *     0           │ t.number  │ t.city │ NULL    │ t.ddb_extra │   │ NULL
 *     1           │ t.number  │ NULL   │ t.page  │ t.ddb_extra │   │ NULL
 *     2           │ NULL      │ NULL   │ NULL    │ NULL        │   │ t.item
 *
 * (One column, ROW(…), costs PostgreSQL half as much again for each row.) Before them stands RELATIONAL_VERSION, in statements
 * whose items may be written.
 *
 * A key is mostly in one source. Where it is in several, because SQL inserted a row, the first one has the item. Made when the
 * catalog reads a table; immutable afterwards, shared by all workers.
 */
#pragma once

#include <stdatomic.h>

#include "gateway/store/store.h"
#include "map/key_search.h"
#include "pg/binary_sql.h"

struct relational_source {
    const struct entity *entity; /* NULL: landfall.item */
    struct span columns;         /* "0, t.number, …, NULL::json" */
    struct span name;            /* court.case */
    struct key_search key;       /* of the table; not of landfall.item */
    struct key_search *indexes;  /* as table->map->indexes; count 0: the entity is not in it */
    bool is_by_key;              /* rows with the same primary key have the same key, and the other way round */
    size_t field_count;
    unsigned *field_columns; /* where each field is, the source's number being 0 */
};

struct relational_table {
    struct arena arena;
    struct relational_source *sources;
    size_t count;
    size_t *parents_first;            /* numbers of sources: what enforced foreign keys refer to comes before what refers to it */
    _Atomic uint32_t size_bytes_mean; /* of items that pages have read; 0: none yet */
};

#define RELATIONAL_VERSION "t.ctid, t.xmin, "
enum relational_version { RELATIONAL_CTID, RELATIONAL_XMIN, RELATIONAL_VERSION_COLUMNS };

static inline struct relational_table *relational_table_of(const struct table *table)
{
    return table->store_state;
}

/* Whether PostgreSQL has the authority over items of the source; of landfall.item over those that relational_put_ours finds. */
bool relational_source_is_ours(const struct table *table, const struct relational_source *source);
/* The condition for them on rows `t` of a source that has some: "true", or of landfall.item the table, and of a mixed table the
 * shapes of keys that have moved. LF_MEMORY. */
enum lf_code relational_put_ours(struct binary_sql *sql, const struct table *table, const struct relational_source *source,
                                 struct err *err) MUST_CHECK;

/* The source of an entity; NULL: landfall.item. */
size_t relational_source_of(const struct table *table, const struct entity *entity);

/* The number of an index in table->map. */
size_t relational_index_of(const struct table *table, const struct table_index *index);

enum lf_code relational_table_open(struct table *table, struct err *err) MUST_CHECK;
void relational_table_close(struct table *table);
