/*
 * court: a small source of two tables, its map, and databases with it loaded, for tests of what reads and repairs a target.
 *
 *     efcms:   CASES cases, each with two parties (rows of a child table) and MESSAGES messages (foreign key, enforced),
 *              ODDITIES items that no entity claims
 *     devices: DEVICES devices by a number, no sort key
 */
#pragma once

#include "harness.h"
#include "map/model.h"
#include "source/source.h"

enum { CASES = 20, MESSAGES = 9, ODDITIES = 3, DEVICES = 7, COURT_ITEMS = CASES * (1 + MESSAGES) + ODDITIES + DEVICES };

/* Group setup and teardown: the harness's, and the source's files. */
int court_start(void **state);
int court_stop(void **state);

const struct map *court_map(void);
struct span court_map_yaml(void);
const char *court_migrations_path(void);

/* Makes the tables, ready to be loaded. */
void court_migrate(struct pg_conn *conn);

/* An open source of the files; the caller closes it. */
void court_open_source(struct source *ret_source);

/* The folder it reads. */
const char *court_source_path(void);

/* A new database with everything loaded, indexes and constraints in place. Valid until the next call. */
const char *court_new_database(const char *name);
