/*
 * violations: rows that break a constraint which comes after the load.
 *
 * Tables are loaded without indexes and constraints. Where the data then refuse one of these, the rows that break it are found by
 * one statement per constraint, and their items are taken out of their tables and kept whole, in one transaction:
 *
 *     migrate_up ─ refused (SQLSTATE class 23) ─ find ─┬─ landfall.item, with the reason                ─ delete ─ migrate_up
 *                                                      └─ landfall.reject: another row has its DynamoDB key
 *
 * A load without violations pays nothing: nothing is looked for before PostgreSQL refuses. Of rows that repeat a key or another
 * unique value one stays (ddl_violations.h says which). A row whose parent is moved is moved, too.
 *
 * What goes to landfall.reject has line 0 and the table of DynamoDB as file: no place of a file, but an item, in DynamoDB JSON.
 * It is taken out of the sums of the load, so that `verify` without a source does not miss it.
 *
 * The contract drops landfall.item. So where that migration is refused, items are moved, and it is left to people: LF_REJECTS.
 */
#pragma once

#include "map/model.h"
#include "move/migrate.h"

enum { VIOLATION_KEYS_MAX = 3 };

struct violation {
    struct span table;      /* of PostgreSQL */
    struct span constraint; /* its name, or what it says */
    bool is_rejected;       /* in landfall.reject instead of landfall.item */
    uint64_t items;
    struct span keys[VIOLATION_KEYS_MAX]; /* of the first ones, for people */
    size_t key_count;
};

struct violations {
    struct arena *arena;     /* borrowed; owns all of it */
    struct violation *items; /* in the order in which they were found */
    size_t count;
    uint64_t moved, rejected; /* items, of landfall.item and landfall.reject */
};

struct violations_options {
    const struct map *map; /* NULL: nothing is moved, the refusal is the error */
    struct migrate_up_options up;
};

void violations_init(struct violations *violations, struct arena *arena);

/*
 * migrate_up, with items moved out of the way. `violations` is filled as far as it came, also on errors. Errors: those of
 * migrate_up; LF_REJECTS when the contract waits for people.
 */
enum lf_code violations_migrate_up(struct pg_conn *conn, const struct violations_options *options, struct violations *violations,
                                   struct err *err) MUST_CHECK;
