#include "move/violations.h"

#include <string.h>

#include "move/exec_binary.h"
#include "move/violations_move.h"

/* A move may uncover violations of another constraint, and another process may have moved the rows: this often without progress
 * is the end. */
enum { FRUITLESS_ROUNDS_MAX = 2 };

void violations_init(struct violations *violations, struct arena *arena)
{
    *violations = (struct violations){ .arena = arena };
}

static enum ddl_violation_kind kind_of(const struct err *refusal, bool is_contract)
{
    static const char unique[] = "23505", foreign_key[] = "23503";
    if (strcmp(refusal->sqlstate, unique) == 0)
        return DDL_VIOLATES_UNIQUE;
    if (strcmp(refusal->sqlstate, foreign_key) == 0)
        return is_contract ? DDL_VIOLATES_CONTRACT : DDL_VIOLATES_REFERENCES;
    return DDL_VIOLATES_VALUES;
}

/* Up to `last`, as often as moving items makes a difference. When it makes none the refusal is the error. */
static enum lf_code migrate_and_move(struct pg_conn *conn, const struct violations_options *options, enum migration_step last,
                                     struct violations *violations, struct err *err)
{
    struct migrate_up_options up = options->up;
    up.last = last;
    for (unsigned fruitless = 0;;) {
        struct err refusal = ERR_INIT;
        uint64_t moved = 0;
        if (migrate_up(conn, &up, &refusal) == LF_OK)
            return LF_OK;
        if (is_constraint_violation(&refusal) && options->map)
            TRY(violations_move(conn, options->map, kind_of(&refusal, false), violations, &moved, err));
        fruitless = moved ? 0 : fruitless + 1;
        if (!is_constraint_violation(&refusal) || !options->map || fruitless == FRUITLESS_ROUNDS_MAX) {
            *err = refusal;
            return err->code;
        }
    }
}

static enum lf_code contract(struct pg_conn *conn, const struct violations_options *options, struct violations *violations,
                             struct err *err)
{
    struct err refusal = ERR_INIT;
    uint64_t moved = 0;
    if (migrate_up(conn, &options->up, &refusal) == LF_OK)
        return LF_OK;
    if (is_constraint_violation(&refusal) && options->map)
        TRY(violations_move(conn, options->map, kind_of(&refusal, true), violations, &moved, err));
    if (moved)
        return ERR(
            err, LF_REJECTS,
            "%llu rows break constraints of the contract and were moved to landfall.item, which the contract drops: repair "
            "or let go of them, then run it again",
            (unsigned long long)moved);
    *err = refusal;
    return err->code;
}

enum lf_code violations_migrate_up(struct pg_conn *conn, const struct violations_options *options, struct violations *violations,
                                   struct err *err)
{
    if (options->up.last != MIGRATION_CONTRACT)
        return migrate_and_move(conn, options, options->up.last, violations, err);
    TRY(migrate_and_move(conn, options, MIGRATION_CONSTRAINTS, violations, err));
    return contract(conn, options, violations, err);
}
