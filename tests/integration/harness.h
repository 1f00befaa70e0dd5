/*
 * harness: a PostgreSQL of its own for each test process.
 *
 * `harness_start` and `harness_stop` are a cmocka group's setup and teardown. Tests that must not see each other's tables take a
 * database each. What goes wrong here fails the test at once.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pg/cluster.h"
#include "pg/conn.h"

int harness_start(void **state);
int harness_stop(void **state);

/* Connection string of the cluster's database `landfall`. */
const char *harness_uri(void);

/* Creates an empty database (a lower-case name) and gives its connection string, valid until the next call. */
const char *harness_new_database(const char *name);

/* The same as a copy of another one, to which nobody may be connected. */
const char *harness_copy_database(const char *name, const char *original);

/* An open connection; the caller closes it. */
struct pg_conn *harness_connect(const char *uri);

/* Fails the test with the error's message unless `code` is LF_OK. */
void harness_check(enum lf_code code, const struct err *err);
void harness_exec(struct pg_conn *conn, const char *sql);
int64_t harness_int64(struct pg_conn *conn, const char *sql);

/* An empty folder for files of the test, removed by harness_stop. */
const char *harness_dir(void);
