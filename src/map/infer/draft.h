/*
 * draft: the map while it is being drafted, shared by draft.c, columns.c, keys.c and relations.c.
 *
 * For every entity of the map, `drafts` remembers the kind and the counters it comes from; columns remember their attribute's
 * counters.
 */
#pragma once

#include "map/infer/internal.h"

/* What the draft knows of a foreign key. */
struct reference_evidence {
    size_t parent; /* among the draft's entities */
    struct containment looked_up;
};

struct draft_entity {
    const struct table_model *model;
    const struct kind *kind;
    struct kind_stats *stats;
    size_t table, kind_index;
    struct entity *entity;
    const struct attr_stats **columns; /* by column */
    struct entity_evidence *evidence;
    unsigned *variables;   /* column of each of the kind's variables, UINT_MAX: none */
    bool identity_key;     /* the templates did not hold: key attributes are columns */
    unsigned *key_columns; /* columns of the table key, in order of the key */
    size_t key_column_count;
    struct reference_evidence *references; /* by foreign key */
};

struct draft {
    struct infer *infer;
    struct infer_worker *sum;
    struct arena *arena; /* of the map */
    struct map *map;
    struct evidence *evidence;
    struct draft_entity *entities; /* of all tables */
    size_t entity_count;
};

enum { UNCERTAIN_MAX = 64, NOT_NULL_ITEMS_MIN = 5, FEW_ITEMS = 50 };

/* Whether the templates of the table key rebuild nearly all keys; else the key attributes become columns. */
bool infer_key_templates_hold(const struct kind_stats *stats);
/* Columns, templates and matches of one entity. */
enum lf_code infer_draft_columns(struct draft *draft, struct draft_entity *entity, struct err *err) MUST_CHECK;
/* Its primary key and the indexes of the table's access paths. */
enum lf_code infer_draft_keys(struct draft *draft, struct draft_entity *entity, struct err *err) MUST_CHECK;
/* Foreign keys among all entities. */
enum lf_code infer_draft_relations(struct draft *draft, struct err *err) MUST_CHECK;
/* Takes foreign keys away until no row needs another to be there first that needs it. */
enum lf_code infer_break_circles(struct draft *draft, struct err *err) MUST_CHECK;
/* Takes away those that others imply. */
void infer_drop_implied(struct draft *draft);

/* Which entities look like copies of others. */
enum lf_code infer_doubt_copies(struct draft *draft, struct err *err) MUST_CHECK;

/* CHECKs of columns that are neither keys nor references; after the relations. */
enum lf_code infer_draft_checks(struct draft *draft, struct draft_entity *entity, struct err *err) MUST_CHECK;

/* A sentence for people about something doubtful. Past UNCERTAIN_MAX sentences more are dropped. */
enum lf_code infer_doubt(struct draft *draft, struct draft_entity *entity, struct err *err, const char *format, ...)
    PRINTF_LIKE(4, 5) MUST_CHECK;

/* "48,211" */
enum { COUNT_TEXT_BYTES = 28 };
const char *infer_count_text(uint64_t count, char out[COUNT_TEXT_BYTES]);

/* The narrowest type that holds `type_share_min` of the attribute's values; `name` is the column's and may say what it means. */
const struct column_codec *infer_choose_codec(const struct attr_stats *stats, struct span name, double type_share_min);

/* Whether enough of the entity's items have the attribute for a column of its own. */
bool infer_is_common(const struct attr_stats *stats, uint64_t items);
bool infer_is_index_key(const struct map_table *table, struct span attr);

/* "S 500, NULL 3" */
enum lf_code infer_describe_types(const struct attr_stats *stats, struct arena *arena, struct span *ret_text,
                                  struct err *err) MUST_CHECK;
