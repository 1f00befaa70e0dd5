/*
 * catalog: the tables that the gateway serves, and what DynamoDB knows of each.
 *
 * A table's description is a row of landfall.dynamodb_table. Processes keep immutable copies; operations take a reference for as
 * long as they need one, so a table may be altered or dropped while requests are under way.
 *
 *     landfall.dynamodb_table ── read when the version moved, or the name is unknown ──► struct table (refs) ──► operations
 *
 * Several gateways agree on a description before it takes effect: whoever changes it raises the version and waits until every
 * live gateway (landfall.gateway, heartbeat) has acknowledged it, so that no one writes rows without an index that another has
 * begun to fill. A gateway that could not read the version for CATALOG_STALE_MS refuses to write until it has.
 *
 * One that has a journal (journal.h) goes on with tables over which DynamoDB has the authority. It is never taken for dead by who
 * changes a phase, and rows are not read while it is silent, or its beat says that its journal is not told (docs/live.md). It
 * keeps what it reads beside the journal before it acknowledges it (kept.h), so that it can also begin without PostgreSQL:
 *
 *     read ─► kept ─► acknowledged         killed, begun again ─► as of what was kept      ended as it should ─► nothing is kept
 *
 * Threads: the catalog is shared by all workers; its functions may be called from any of them, on a fiber.
 */
#pragma once

#include "gateway/journal.h"
#include "gateway/shape.h"
#include "gateway/store/db.h"
#include "item/key.h"
#include "move/phase.h"

enum {
    CATALOG_POLL_MS = 200,
    CATALOG_AWAITED_MS = 20, /* while somebody waits for this gateway to acknowledge, or a table is fenced */
    CATALOG_STALE_MS = 5000,
    TABLE_NAME_BYTES_MIN = 3,
    TABLE_NAME_BYTES_MAX = 255,
    TABLE_GSI_MAX = 20,
    TABLE_LSI_MAX = 5,
    INDEX_KEY_ATTRIBUTES_MAX = 4, /* partition, and as many sort key attributes, of a global index */
    INDEX_PROJECTED_MAX = 100,    /* names, over all indexes of a table */
};

enum table_status { TABLE_CREATING, TABLE_ACTIVE, TABLE_UPDATING, TABLE_DELETING };
struct table_index {
    struct span name;
    bool is_local;
    enum table_status status; /* CREATING while it is filled: written, not yet read */
    bool is_backfilling;
    unsigned slot; /* its columns in the item store: g<slot>h, g<slot>s or l<slot>s */
    struct key_attribute partition[INDEX_KEY_ATTRIBUTES_MAX];
    size_t partition_count;
    struct key_attribute sort[INDEX_KEY_ATTRIBUTES_MAX];
    size_t sort_count;
    enum api_projection_type projection;
    struct span *included; /* names, for INCLUDE */
    size_t included_count;
};

/* What landfall.phase says of a table that is moving from DynamoDB, or has. */
struct table_move {
    bool has_phase; /* false: the table is PostgreSQL's and always was */
    enum phase phase;
    int64_t epoch;
    bool is_fenced; /* writes wait until the description changes */
    unsigned reads_percent, shadow_percent;
    struct span reads_entities;          /* that reads_percent is of, one a line; borrowed; empty: of the whole table */
    bool is_readable;                    /* the rows have caught up once */
    int64_t flipped_ms;                  /* since 1970, when the authority last changed; 0: it has not */
    struct span stream_arn, stream_view; /* DynamoDB's stream of it, and NEW_AND_OLD_IMAGES, …; borrowed; empty: none */
    struct span moved_entities;          /* of a mixed table, one a line; borrowed; empty: the phase is the whole table's */
};

struct store;
struct map_table;
struct key_group;

struct table {
    int64_t id; /* of landfall.dynamodb_table */
    struct span name;
    struct span table_id; /* a uuid, as text */
    struct span arn;
    enum table_status status;
    struct key_schema key;
    struct table_index *indexes; /* global and local */
    size_t index_count;
    enum api_stream_view_type stream;      /* UNSET: no stream */
    enum api_stream_view_type stream_view; /* of this stream, or of the last one */
    struct span stream_label;              /* also of the last stream after it was switched off; empty: there never was one */
    struct span ttl_attribute;             /* empty: nothing expires */
    bool ttl_is_filling;                   /* items from before it was switched on are still being looked through */
    int64_t restoring;                     /* landfall.backup whose items are being copied here; 0: none */
    int64_t created_ms;                    /* since 1970 */
    int64_t version;
    struct table_move move;
    const struct key_group *moved;  /* keys of a mixed table over which PostgreSQL has the authority; NULL: it is not mixed */
    const struct key_group *shared; /* keys that move.reads_percent is of; NULL: all of the table */
    const struct create_table_request *definition; /* that would make the table as it is now */
    const struct map_table *map; /* NULL: all its items are in the item store; borrowed from the gateway's map */
    const struct map *whole_map; /* that `map` is of */
    const struct store *store;
    void *store_state; /* the store's own: texts of its statements; freed with the table */
};

struct catalog;

typedef enum lf_code catalog_prepare(void *context, struct pg_conn *conn, struct err *err);

struct catalog_options {
    const char *postgres;
    catalog_prepare *prepare; /* the database, before the gateway is registered there */
    void *context;
    const char *address;     /* of this gateway, for people */
    const struct map *map;   /* borrowed; NULL: no table is mapped */
    struct journal *journal; /* borrowed; NULL: nothing is written without PostgreSQL */
};

/* Registers this gateway and begins to read the catalog in a thread of its own. Where PostgreSQL is away it begins as of what it
 * has kept beside its journal, and is registered later. Errors: those of pg_connect, pg_query and `prepare`; LF_IO when nothing
 * can be kept. */
enum lf_code catalog_new(const struct catalog_options *options, struct catalog **ret_catalog, struct err *err) MUST_CHECK;
void catalog_free(struct catalog *catalog); /* NULL is fine; no table may be in use */

/* A reference to the table, as of now; unref it. `name` may be an ARN. Errors: LF_RESOURCE_NOT_FOUND with DynamoDB's text; those
 * of db_query. */
enum lf_code catalog_get(struct catalog *catalog, struct db *db, struct span name, const struct table **ret_table,
                         struct err *err) MUST_CHECK;
void table_unref(const struct table *table); /* NULL is fine */

/* The same of what this process knows already, without a look at the database; NULL: no such table. */
const struct table *catalog_find(struct catalog *catalog, struct span name);

/* Whether PostgreSQL has the authority over some entities of the table and DynamoDB over the rest, which is in phase `dual write`
 * (docs/live.md, "Mixed tables"). */
static inline bool table_is_mixed(const struct table *table)
{
    return table->moved != NULL;
}

/* Whether DynamoDB has the authority over the table's items, of a mixed table over those that have not moved. */
static inline bool table_is_dynamodbs(const struct table *table)
{
    return table->move.has_phase &&
           (table->move.phase == PHASE_FOLLOW || table->move.phase == PHASE_DUAL_WRITE || table_is_mixed(table));
}

/* Whether DynamoDB has the authority over this key, or item of a key. */
bool table_key_is_dynamodbs(const struct table *table, const struct item *item);

/* Whether gateways write the table, of a mixed one what has not moved, on both sides. */
static inline bool table_is_dual(const struct table *table)
{
    return table->move.has_phase && (table->move.phase == PHASE_DUAL_WRITE || table_is_mixed(table));
}

/* Whether PostgreSQL was away when it began. */
bool catalog_began_alone(const struct catalog *catalog);

/* Whether any table has a phase. */
bool catalog_has_phases(const struct catalog *catalog);

/* As given in the options. */
const struct map *catalog_map(const struct catalog *catalog);

/* NULL when there is none. */
const struct table_index *table_find_index(const struct table *table, struct span name);

/* References to all tables, in the arena; unref each. */
enum lf_code catalog_all(struct catalog *catalog, struct arena *arena, const struct table ***ret_tables, size_t *ret_count,
                         struct err *err) MUST_CHECK;

/* The id of this gateway in landfall.gateway: a uuid. */
const char *catalog_gateway_id(const struct catalog *catalog);

/* LF_INTERNAL_SERVER when the catalog has not been read for CATALOG_STALE_MS: asked before every write. */
enum lf_code catalog_check_fresh(const struct catalog *catalog, struct err *err) MUST_CHECK;

/* What leases are timed by: it goes on while the machine sleeps. */
int64_t catalog_now_ms(void);

/* As given in the options. */
struct journal *catalog_journal(const struct catalog *catalog);

/* Whether this gateway, or any other that its last beat found, has a journal. */
bool catalog_has_journals(const struct catalog *catalog);

/* Whether all that gateways have written to DynamoDB is in rows or named by marks, while DynamoDB has the authority. */
bool catalog_rows_are_whole(const struct catalog *catalog);

/* Whether no start key of the last hour is PostgreSQL's, nor will be (read_page.h). */
bool catalog_pages_are_dynamodbs(const struct catalog *catalog);

/* False while this gateway could answer requests of all its tables without PostgreSQL. */
bool catalog_needs_postgres(const struct catalog *catalog);

/* Change ------------------------------------------------------------------------------------------------------------------- */

/* In the transaction of a change: takes the catalog's row, so that changes follow one another; the version that the change will
 * have. */
enum lf_code catalog_begin_change(struct db_transaction *transaction, int64_t *ret_version, struct err *err) MUST_CHECK;

/* A change that is one statement with a table's name as $1. */
enum lf_code catalog_change_table(struct db *db, const struct pg_statement *statement, struct span table,
                                  struct err *err) MUST_CHECK;

/* After its commit: this process reads the change at once … */
enum lf_code catalog_refresh(struct catalog *catalog, struct db *db, struct err *err) MUST_CHECK;
/* … and this suspends the fiber until every live gateway has acknowledged the version: none works under an older one. */
enum lf_code catalog_wait(struct catalog *catalog, struct db *db, int64_t version, struct err *err) MUST_CHECK;
