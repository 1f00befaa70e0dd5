/*
 * control: whether the control schema (sql/control.sql) is there, and if not, why: what people should do differs.
 */
#pragma once

#include "map/model.h"
#include "pg/conn.h"

enum { UNMAPPED_TABLES_BYTES = 256 };

/* LF_PRECONDITION: no migration was applied, the contract was, or a schema landfall of somebody else's is in the way. */
enum lf_code control_check(struct pg_conn *conn, const struct map *map, struct err *err) MUST_CHECK;

/* The same for whoever reads no map. */
enum lf_code control_check_there(struct pg_conn *conn, struct err *err) MUST_CHECK;

/* Only the last of these. */
enum lf_code control_check_owner(struct pg_conn *conn, struct err *err) MUST_CHECK;

/* Items in landfall.item of DynamoDB tables that the map does not have: nothing compares or exports them. */
struct unmapped {
    uint64_t items;
    char tables[UNMAPPED_TABLES_BYTES]; /* their names, cut when too long */
};
enum lf_code control_unmapped(struct pg_conn *conn, const struct map *map, struct unmapped *ret_unmapped,
                              struct err *err) MUST_CHECK;
