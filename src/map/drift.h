/*
 * drift: what items no longer fit a map, and what would make them fit (`landfall inspect --drift`).
 *
 * A map stays lossless when the application changes: new attributes go to ddb_extra, items that no entity claims to
 * landfall.item. Drift counts both over new items with the encoder itself (row.h), and proposes a column for each unknown
 * attribute that enough items have, by the thresholds and types of the first draft (infer.h).
 *
 *     drift_worker_new ─ drift_observe(item)* ─┐
 *     one per thread …                         ┴─ drift_finish ── report ──┬─ drift_put_columns     lines for landfall.yaml
 *                                                                          └─ drift_put_migration   dbmate file
 *
 * Workers are owned by one thread each; sums do not depend on how items were spread, up to INFER_ATTRIBUTES_MAX names of an
 * entity. The map must outlive workers and report. Pure.
 */
#pragma once

#include "base/buf.h"
#include "map/infer.h"

struct drift_worker;

enum { DRIFT_REASONS_MAX = 64 }; /* distinct ones of a table; more are only counted */

enum lf_code drift_worker_new(const struct map *map, struct drift_worker **ret_worker, struct err *err) MUST_CHECK;
void drift_worker_free(struct drift_worker *worker);

/* `table` indexes map->tables. */
enum lf_code drift_observe(struct drift_worker *worker, size_t table, const struct item *item, struct err *err) MUST_CHECK;

enum drift_cause {
    DRIFT_NO_COLUMN,   /* the map does not name the attribute */
    DRIFT_NOT_HELD,    /* its column cannot hold the value exactly */
    DRIFT_NOT_WHOLE,   /* flattened columns or a child table do not take every entry */
    DRIFT_NOT_REBUILT, /* its template gives another value, or one where the item has none */
};

/* An attribute of claimed items that went to ddb_extra. */
struct drift_attribute {
    struct span attr;
    enum drift_cause cause;
    uint64_t items;
    struct span types; /* "S 500, NULL 3"; empty when the items lack what the template gives */
    struct span examples[EXAMPLE_COUNT];
    size_t example_count;
    const struct column *column; /* DRIFT_NOT_HELD: the column */
    const struct column_codec
        *wider;                    /* DRIFT_NOT_HELD: would hold old and new values; NULL: none, or too few values ask for it */
    const struct column *proposal; /* DRIFT_NO_COLUMN: the column to add; NULL: too rare, no room, or a key of an index */
    bool is_index_key;             /* of a secondary index: a template is wanted, which people must write */
};

struct drift_entity {
    const struct entity *entity;
    uint64_t items;                     /* claimed */
    uint64_t drifted;                   /* of these, with something in ddb_extra */
    uint64_t unclaimed;                 /* came closest to this entity */
    struct drift_attribute *attributes; /* the most frequent first */
    size_t attribute_count;
};

/* Why items were not claimed; texts from the data are left out of it. */
struct drift_reason {
    struct span text;
    uint64_t items;
    struct span keys[EXAMPLE_COUNT]; /* of some of the items */
    size_t key_count;
};

struct drift_table {
    const struct map_table *table;
    uint64_t items, unclaimed;
    struct drift_reason *reasons; /* the most frequent first */
    size_t reason_count;
    uint64_t other_reasons;        /* items whose reason is beyond DRIFT_REASONS_MAX */
    struct drift_entity *entities; /* the most drifted first */
    size_t entity_count;
};

struct drift_report {
    const struct map *map;
    uint64_t items, drifted; /* unclaimed or with something in ddb_extra */
    size_t proposal_count, wider_count;
    struct drift_table *tables; /* as map->tables */
};

/* Adds the workers up. Everything it returns is in `arena`. */
enum lf_code drift_finish(struct drift_worker **workers, size_t count, double type_share_min, struct arena *arena,
                          struct drift_report *ret_report, struct err *err) MUST_CHECK;

/* The columns to add, nested as in landfall.yaml; what would have to be widened as comments. Empty without proposals. */
void drift_put_columns(struct buf *buf, const struct drift_report *report);

/*
 * The migration that goes with them: adds the columns and moves into them, from ddb_extra, every value that the column holds
 * exactly, by the rule of the codec; down puts the values back. Values that a pattern of SQL cannot tell to be exact stay in
 * ddb_extra, which is as good: a row gives back its item either way. To be applied before the contract migration.
 */
void drift_put_migration(struct buf *buf, const struct drift_report *report);
