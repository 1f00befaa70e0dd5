/*
 * db_connection: a pipeline on a loop, which comes back by itself.
 *
 *     open ──(lost, or silent for too long)──► resting ──(backoff)──► connecting ──► open
 *                                                 ▲                       │ refused, or slow
 *                                                 └───────────────────────┘
 *
 * Belongs to db.h. Connecting does not block the loop, but for the resolver where PostgreSQL is given by a host name.
 */
#pragma once

#include "base/backoff.h"
#include "gateway/runtime/loop.h"
#include "pg/pipeline.h"

typedef void db_connection_changed(void *context);

struct db_connection_options {
    struct pg_pipeline_options pipeline; /* strings borrowed */
    int64_t silence_ms_max;              /* without a word while somebody waits, it counts as lost; 0: never */
    bool begins_lost;                    /* to be connected when the loop runs */
    db_connection_changed *changed;      /* when it has opened or was lost */
    void *context;
};

struct db_connection {
    struct loop *loop; /* borrowed */
    struct db_connection_options options;
    struct pg_pipeline *pipeline; /* owned; NULL while resting */
    uint64_t session;             /* counts up with each that opens */
    bool is_open;
    struct loop_watch watch;
    struct loop_timer timer; /* resting: when to try again; connecting: until when; open: when to look whether it is silent */
    struct loop_task attend; /* watches for what the sends of this turn made necessary */
    struct backoff backoff;
    int64_t heard_ms;
};

/* Blocks while connecting, unless it begins lost. Errors: those of pg_connect, LF_IO. */
enum lf_code db_connection_init(struct db_connection *connection, struct loop *loop, const struct db_connection_options *options,
                                struct err *err) MUST_CHECK;
/* Whoever waits is called back with LF_CONNECT. Safe on a zeroed or half-initialised one. */
void db_connection_done(struct db_connection *connection);

/* Counts it as lost, for a session whose state is not what it should be. */
void db_connection_drop(struct db_connection *connection);

/* As pg_pipeline_send. */
enum lf_code db_connection_send(struct db_connection *connection, const struct pg_statement *statement,
                                const struct pg_params *params, struct pg_send_options options, pg_pipeline_done *done,
                                void *context, struct err *err) MUST_CHECK;
