/*
 * load_plan: where the items of a source go: its tables in the map, the target's tables that belong to them, and their COPY
 * statements. Made once, then immutable; threads share it.
 */
#pragma once

#include "map/model.h"
#include "pg/conn.h"
#include "source/source.h"

struct load_target {
    struct span schema, table; /* names as they are */
    struct span qualified;     /* as SQL writes them */
    const char *copy;          /* COPY … FROM STDIN (FORMAT binary) */
};

struct load_table {
    const struct map_table *table;
    size_t *targets; /* of each entity: the index of its target; those of its children follow */
};

struct load_plan {
    const struct map *map;
    struct load_target *targets;
    size_t target_count;       /* entities and children, then landfall.item, then landfall.reject */
    size_t item, reject;       /* indexes of these two */
    struct load_table *tables; /* by index of source->tables */
    size_t table_count;
};

/* Errors: LF_MAP (a table of the source that the map lacks or knows with another key), LF_MEMORY. */
enum lf_code load_plan_make(const struct map *map, const struct source *source, struct arena *arena, struct load_plan *ret_plan,
                            struct err *err) MUST_CHECK;

/* Compares with the database. Errors: LF_PRECONDITION (no tables), LF_MAP (a column that is not there or has another type, with
 * its line). */
enum lf_code load_plan_check(const struct load_plan *plan, struct pg_conn *conn, struct err *err) MUST_CHECK;

/* No table that the source's items would go to may hold rows: LF_PRECONDITION. */
enum lf_code load_plan_check_empty(const struct load_plan *plan, struct pg_conn *conn, struct err *err) MUST_CHECK;
