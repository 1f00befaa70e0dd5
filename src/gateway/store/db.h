/*
 * db: a worker's connections to PostgreSQL, as fibers see them.
 *
 * Reads go over connections that all fibers share, many under way at once (pg/pipeline.h). A statement that writes, alone, goes
 * over a shared write connection (autocommit). A transaction takes a write connection for itself from begin to end; when none is
 * free the fiber waits its turn. What is lost is connected again with backoff; meanwhile statements fail with LF_CONNECT.
 *
 *     fibers ─► db_query  ─► reads:  [pipeline][pipeline]
 *            ─► db_write  ─► writes: [pipeline][pipeline][pipeline][pipeline] ◄─ one is a transaction's alone
 *
 * Every function here may suspend the calling fiber. Settings of each session: plan_cache_mode=force_generic_plan,
 * enable_seqscan, enable_hashjoin, enable_mergejoin and jit off (a generic plan made on an empty table otherwise keeps its Seq
 * Scan for ever), READ COMMITTED, and an end to transactions that idle for longer than a statement may take. They go in with the
 * start of the session; PgBouncer wants ignore_startup_parameters = options for that and drops them: then they belong to the role
 * (ALTER ROLE … SET). Its transaction mode knows prepared statements from 1.21 on (max_prepared_statements). One db, one thread.
 */
#pragma once

#include "gateway/runtime/loop.h"
#include "pg/binary_sql.h"
#include "pg/pipeline.h"

struct db;
struct db_transaction;

struct db_options {
    const char *postgres; /* as pg_connect */
    unsigned read_connections, write_connections;
    int64_t statement_timeout_ms; /* LF_SQL 57014 after that; 0: never */
    bool unprepared;              /* for poolers in transaction mode without prepared statements (pg/pipeline.h) */
    bool begins_lost;             /* as if PostgreSQL had just been lost */
};

/* Connects, unless it begins lost. Errors: those of pg_connect. */
enum lf_code db_new(struct loop *loop, const struct db_options *options, struct db **ret_db, struct err *err) MUST_CHECK;
/* NULL is fine. Not while the loop runs. */
void db_free(struct db *db);

struct loop *db_loop(struct db *db);
bool db_is_connected(const struct db *db); /* for health */

/* One statement in a snapshot of its own; results in binary format. Errors: LF_SQL with SQLSTATE, LF_CONNECT, LF_MEMORY. */
enum lf_code db_query(struct db *db, const struct pg_statement *statement, const struct pg_params *params,
                      struct pg_result **ret_result, struct err *err) MUST_CHECK;

/* The same for one that writes, in a transaction of its own. LF_CONNECT leaves open whether it took effect. */
enum lf_code db_write(struct db *db, const struct pg_statement *statement, const struct pg_params *params,
                      struct pg_result **ret_result, struct err *err) MUST_CHECK;

/* Statements of one transaction that is sent at once and takes one round trip: all take effect, or none, and each sees what was
 * committed when it began, as in READ COMMITTED. Errors as of db_write; no result is then set. */
struct db_step {
    const struct pg_statement *statement;
    struct pg_params params; /* borrowed */
    struct pg_result *result;
};
enum lf_code db_write_all(struct db *db, struct db_step *steps, size_t count, struct err *err) MUST_CHECK;

/* READ COMMITTED. A transaction ends with exactly one of commit, whatever it returns, and rollback (NULL is fine), which does not
 * suspend. After a statement has failed only rollback is left: commit rolls back and fails with SQLSTATE 25P02. A fiber has one
 * transaction at a time, and no db_write within it: both would wait for one another. */
enum lf_code db_begin(struct db *db, struct db_transaction **ret_transaction, struct err *err) MUST_CHECK;
enum lf_code db_tx_query(struct db_transaction *transaction, const struct pg_statement *statement, const struct pg_params *params,
                         struct pg_result **ret_result, struct err *err) MUST_CHECK;
/* Statements that may be refused without the end of the transaction: savepoint, statements, then release; or, after one of them
 * has failed with LF_SQL, back. A savepoint may stand in another. */
enum lf_code db_savepoint(struct db_transaction *transaction, struct err *err) MUST_CHECK;
enum lf_code db_release_savepoint(struct db_transaction *transaction, struct err *err) MUST_CHECK;
enum lf_code db_rollback_to_savepoint(struct db_transaction *transaction, struct err *err) MUST_CHECK;
/* `ret_is_certain`, set in any case, false: the connection went away while the answer to COMMIT was awaited. */
enum lf_code db_commit(struct db_transaction *transaction, bool *ret_is_certain, struct err *err) MUST_CHECK;
void db_rollback(struct db_transaction *transaction);
struct db *db_of(const struct db_transaction *transaction);

/* Text of a statement that is made at run time (names of relational tables): kept by its text, so that it is prepared once. The
 * statement lives as long as the db. */
enum lf_code db_statement(struct db *db, struct span sql, const struct pg_statement **ret_statement, struct err *err) MUST_CHECK;

/* A statement whose text is made at run time, as a step; valid as long as `sql` is. */
enum lf_code db_step_of(struct db *db, const struct binary_sql *sql, struct db_step *ret_step, struct err *err) MUST_CHECK;

/* One whose text is made at run time, in a transaction, or where that is NULL in a snapshot of its own. */
enum lf_code db_run(struct db *db, struct db_transaction *transaction, const struct binary_sql *sql,
                    struct pg_result **ret_result, struct err *err) MUST_CHECK;
