/*
 * crew: worker threads that do one thing together, each with its own connection in one shared snapshot.
 *
 *     calling thread:  snapshot_open ── crew_run ──────────────── report, four times a second ──────── join ── snapshot_close
 *     workers:                             └─ connect, SET TRANSACTION SNAPSHOT, work until there is none ─┘
 *
 * The first error of a worker stops the others and is what crew_run gives back; a report that answers true stops all of them with
 * LF_INTERRUPTED. Workers share only what their context says; the crew's counters are atomic.
 */
#pragma once

#include <stdatomic.h>

#include "base/stage_clock.h"
#include "pg/conn.h"

/* A view of the database that several connections can share. It lasts as long as its own connection. */
struct snapshot {
    struct pg_conn *conn; /* owned; inside the transaction, may be used for reading */
    char name[64];
    int64_t backend; /* its process in the server */
};

enum lf_code snapshot_open(const char *postgres, struct snapshot *ret_snapshot, struct err *err) MUST_CHECK;
/* The view that another process, on any host, holds open under this name; it lasts without that from here on. LF_SQL when the
 * other is gone. */
enum lf_code snapshot_join(const char *postgres, const char *name, struct snapshot *ret_snapshot, struct err *err) MUST_CHECK;
void snapshot_close(struct snapshot *snapshot); /* safe on a zeroed one */

typedef bool crew_report(void *context, uint64_t items_done, uint64_t items_total);

struct crew {
    const char *postgres;
    const struct pg_conn *like;    /* borrowed; instead of `postgres`: connections as this one's */
    const char *snapshot;          /* name; NULL: connections are in no transaction */
    bool needs_no_connection;      /* workers get NULL */
    unsigned jobs;                 /* 1 … LIMIT_JOBS */
    struct stage_profile *profile; /* NULL: none; else each worker begins in STAGE_REST */
    crew_report *report;           /* may be NULL */
    void *report_context;
    uint64_t items_total;
    _Atomic uint64_t items_done;
    _Atomic bool stop;
};

/* Counts one item; LF_INTERRUPTED when the crew is to stop. */
enum lf_code crew_count(struct crew *crew, struct err *err) MUST_CHECK;

/* `worker` is 0 … jobs - 1. */
typedef enum lf_code crew_work(void *context, unsigned worker, struct pg_conn *conn, struct err *err);
enum lf_code crew_run(struct crew *crew, crew_work *work, void *context, struct err *err) MUST_CHECK;
