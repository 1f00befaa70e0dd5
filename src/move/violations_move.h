/* violations_move: the transaction that finds rows which break the map's promises and moves their items; for violations.c. */
#pragma once

#include "map/ddl_violations.h"
#include "move/violations.h"

/* *ret_moved: how many rows. All or nothing. Errors: LF_SQL, LF_CONNECT, LF_ROW, LF_MEMORY. */
enum lf_code violations_move(struct pg_conn *conn, const struct map *map, enum ddl_violation_kind kind,
                             struct violations *violations, uint64_t *ret_moved, struct err *err) MUST_CHECK;
