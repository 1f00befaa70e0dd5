/*
 * infer: drafts a map from items (`landfall inspect`).
 *
 * Two looks at the data. A *sample* (the first items of every file, a fixed number, so the same data gives the same sample) shows
 * which entities there are: by known markers of libraries, else a discriminator attribute, else the shapes of the keys; and for
 * each the templates of its keys. Then one pass over *everything* counts, per entity and attribute, what is true of all items:
 * types, formats, ranges, distinct values, whether each template holds. Memory is bounded: counters, hash samples, and 64-bit
 * hashes for candidate keys within a budget.
 *
 *     infer_new ── infer_sample(item)* ── infer_discover ──┬─ infer_worker_new ─ infer_observe(item)* ─┐
 *                                                          └─ one per thread …                         ┴─ infer_finish ── map
 *
 * Workers are owned by one thread each; their sums do not depend on how items were spread, so the draft is deterministic. No I/O.
 */
#pragma once

#include "map/model.h"

struct infer;        /* all tables of one run */
struct infer_worker; /* one thread's counters */

enum {
    INFER_SAMPLE_ITEMS = 10000,                 /* per table */
    INFER_SAMPLE_BYTES = 12 * 1024 * 1024,      /* per run */
    INFER_HASH_BUDGET_BYTES = 96 * 1024 * 1024, /* of exact distinct counting of candidate keys */
};

struct infer_options {
    struct span schema;    /* target schema; empty: from the table's name */
    double type_share_min; /* share of values a type must round-trip (0.999) */
    enum enforce enforce;  /* of drafted foreign keys */
};

/* `tables` (name, key, indexes) is borrowed for as long as the infer lives; entities are ignored. */
enum lf_code infer_new(const struct map_table *tables, size_t table_count, const struct infer_options *options,
                       struct infer **ret_infer, struct err *err) MUST_CHECK;
void infer_free(struct infer *infer);

/* Whether table `table` still wants items for its sample. */
bool infer_wants_sample(const struct infer *infer, size_t table);
/* Copies the item. */
enum lf_code infer_sample(struct infer *infer, size_t table, const struct item *item, struct err *err) MUST_CHECK;
/* After the sample: decides entities and key templates. Afterwards `infer` is immutable until infer_finish. */
enum lf_code infer_discover(struct infer *infer, struct err *err) MUST_CHECK;

enum lf_code infer_worker_new(const struct infer *infer, struct infer_worker **ret_worker, struct err *err) MUST_CHECK;
void infer_worker_free(struct infer_worker *worker);
enum lf_code infer_observe(struct infer_worker *worker, size_t table, const struct item *item, struct err *err) MUST_CHECK;

/* What a report shows beside the map; index by table, entity, column as in the map. In the map's arena. */
enum { EXAMPLE_COUNT = 3 };
struct column_evidence {
    uint64_t present;                    /* items that have the attribute */
    uint64_t exceptions;                 /* of these, in ddb_extra: the codec does not hold them */
    uint64_t distinct;                   /* estimate */
    struct span types;                   /* "S 500, NULL 3" */
    struct span examples[EXAMPLE_COUNT]; /* short, for people; may be empty */
};
struct entity_evidence {
    uint64_t items;
    uint64_t unclaimed; /* items of this kind that will live in landfall.item */
    struct column_evidence *columns;
    struct span *uncertain; /* sentences, the most doubtful first */
    size_t uncertain_count;
};
struct table_evidence {
    uint64_t items;
    struct span decided_by; /* how entities were told apart, a sentence */
    struct entity_evidence *entities;
};
struct evidence {
    struct table_evidence *tables;
};

/* Adds the workers up and drafts the map, with notes. Everything it returns is in `arena`. */
enum lf_code infer_finish(struct infer *infer, struct infer_worker **workers, size_t worker_count, struct arena *arena,
                          struct map *ret_map, struct evidence *ret_evidence, struct err *err) MUST_CHECK;
