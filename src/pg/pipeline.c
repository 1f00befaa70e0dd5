#include "pg/pipeline.h"

#include <assert.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "pg/libpq.h"
#include "pg/prepared.h"

enum {
    ARENA_BYTES_MAX = INT_MAX,      /* of the parameters of one statement */
    ARENA_BYTES_KEPT = 1024 * 1024, /* for the next one */
    PREPARED_MAX = 1000,            /* statements of one connection; each costs the server some 10 KB */
};

enum state {
    CONNECTING,
    OPEN,
    BROKEN, /* sending failed halfway: what libpq expects is no longer what `waiting` says */
    LOST,   /* whoever waited has been called back */
};

/* A statement that was sent and not yet answered. */
struct waiting {
    struct waiting *next;
    const struct pg_statement *statement;
    pg_pipeline_done *done;
    void *context;
    PGresult *result; /* owned, until its unit is over */
    bool prepares;    /* its preparation goes before it and is still to be answered */
    bool ends_unit;   /* a sync point follows */
};

/*
 *     first ─► [ answered ] [ answered ] [ being answered ] [ holds ] [ ends_unit ] ─► [ … the next unit … ] ◄─ *end
 *                               ^ answered
 */
struct pg_pipeline {
    PGconn *pg; /* owned */
    enum state state;
    PostgresPollingStatusType polling; /* while connecting: what libpq waits for */
    bool wants_write;
    bool unprepared;

    struct waiting *first, **end;
    struct waiting *answered; /* the last of the first unit that has been answered; NULL at its beginning */
    bool amid_answer;         /* a result has come, the NULL that ends the answer has not */
    struct err unit_err;      /* of the first unit; LF_OK: none yet */
    size_t depth;
    struct waiting *spare; /* owned, for the next statements */

    struct prepared_set prepared;
    struct arena arena; /* parameters of the statement that is being sent */
};

/* --- opening and closing --- */

static struct pg_pipeline *pipeline_new(const struct pg_pipeline_options *options)
{
    struct pg_pipeline *pipeline = calloc(1, sizeof *pipeline);
    if (!pipeline)
        return NULL;
    pipeline->end = &pipeline->first;
    pipeline->unprepared = options->unprepared;
    pipeline->polling = PGRES_POLLING_WRITING;
    arena_init(&pipeline->arena, ARENA_BYTES_MAX);
    return pipeline;
}

static enum lf_code enter_pipeline(struct pg_pipeline *pipeline, struct err *err)
{
    if (PQsetnonblocking(pipeline->pg, 1) != 0 || PQenterPipelineMode(pipeline->pg) != 1)
        return ERR(err, LF_CONNECT, "the connection to PostgreSQL does not take many statements at once");
    pipeline->state = OPEN;
    return LF_OK;
}

static enum lf_code connect_now(struct pg_pipeline *pipeline, const struct pg_pipeline_options *options, struct err *err)
{
    TRY(libpq_open(options->uri, options->settings, &pipeline->pg, err));
    return enter_pipeline(pipeline, err);
}

static enum lf_code connect_begin(struct pg_pipeline *pipeline, const struct pg_pipeline_options *options, struct err *err)
{
    return libpq_open_begin(options->uri, options->settings, &pipeline->pg, err);
}

typedef enum lf_code connect_how(struct pg_pipeline *pipeline, const struct pg_pipeline_options *options, struct err *err);

static enum lf_code open_by(connect_how *how, const struct pg_pipeline_options *options, struct pg_pipeline **ret_pipeline,
                            struct err *err)
{
    struct pg_pipeline *pipeline = pipeline_new(options);
    if (!pipeline)
        return ERR(err, LF_MEMORY, "out of memory connecting to PostgreSQL");
    enum lf_code code = how(pipeline, options, err);
    if (code == LF_OK)
        *ret_pipeline = pipeline;
    else
        pg_pipeline_close(pipeline);
    return code;
}

enum lf_code pg_pipeline_open(const struct pg_pipeline_options *options, struct pg_pipeline **ret_pipeline, struct err *err)
{
    return open_by(connect_now, options, ret_pipeline, err);
}

enum lf_code pg_pipeline_start(const struct pg_pipeline_options *options, struct pg_pipeline **ret_pipeline, struct err *err)
{
    return open_by(connect_begin, options, ret_pipeline, err);
}

/* Calls back all who wait: nothing more will come. */
static void lose(struct pg_pipeline *pipeline, const struct err *err)
{
    struct waiting *waiting = pipeline->first;
    pipeline->state = LOST;
    pipeline->wants_write = false;
    pipeline->first = NULL;
    pipeline->end = &pipeline->first;
    pipeline->answered = NULL;
    pipeline->depth = 0;
    for (struct waiting *next; waiting; waiting = next) {
        next = waiting->next;
        PQclear(waiting->result);
        waiting->done(waiting->context, NULL, err);
        free(waiting);
    }
}

static void free_spare(struct pg_pipeline *pipeline)
{
    for (struct waiting *next; pipeline->spare; pipeline->spare = next) {
        next = pipeline->spare->next;
        free(pipeline->spare);
    }
}

void pg_pipeline_close(struct pg_pipeline *pipeline)
{
    if (!pipeline)
        return;
    struct err err = ERR_INIT;
    (void)ERR(&err, LF_CONNECT, "the connection to PostgreSQL was closed");
    lose(pipeline, &err);
    PQfinish(pipeline->pg);
    free_spare(pipeline);
    prepared_done(&pipeline->prepared);
    arena_done(&pipeline->arena);
    free(pipeline);
}

bool pg_pipeline_is_open(const struct pg_pipeline *pipeline)
{
    return pipeline->state == OPEN;
}

int pg_pipeline_fd(const struct pg_pipeline *pipeline)
{
    return PQsocket(pipeline->pg);
}

bool pg_pipeline_wants_write(const struct pg_pipeline *pipeline)
{
    return pipeline->state == CONNECTING ? pipeline->polling == PGRES_POLLING_WRITING : pipeline->wants_write;
}

size_t pg_pipeline_depth(const struct pg_pipeline *pipeline)
{
    return pipeline->depth;
}

/* --- sending --- */

static struct waiting *take_spare(struct pg_pipeline *pipeline)
{
    struct waiting *waiting = pipeline->spare;
    if (!waiting)
        return malloc(sizeof *waiting);
    pipeline->spare = waiting->next;
    return waiting;
}

static void give_spare(struct pg_pipeline *pipeline, struct waiting *waiting)
{
    waiting->next = pipeline->spare;
    pipeline->spare = waiting;
}

static void append(struct pg_pipeline *pipeline, struct waiting *waiting)
{
    *pipeline->end = waiting;
    pipeline->end = &waiting->next;
    pipeline->depth++;
}

static bool send_text(struct pg_pipeline *pipeline, const struct pg_statement *statement, const struct libpq_params *bound,
                      size_t count, bool binary_result)
{
    /* A parameter beyond the declared ones is inferred: PostgreSQL takes fewer types than parameters, libpq wants as many. */
    const Oid *types = statement->type_count >= count ? statement->types : NULL;
    return PQsendQueryParams(pipeline->pg, statement->sql, (int)count, types, bound->values, bound->lengths, bound->formats,
                             binary_result) == 1;
}

static bool send_preparation(struct pg_pipeline *pipeline, const struct pg_statement *statement, const char *name)
{
    return PQsendPrepare(pipeline->pg, name, statement->sql, (int)statement->type_count, statement->types) == 1;
}

static bool send_prepared(struct pg_pipeline *pipeline, const char *name, const struct libpq_params *bound, size_t count,
                          bool binary_result)
{
    return PQsendQueryPrepared(pipeline->pg, name, (int)count, bound->values, bound->lengths, bound->formats, binary_result) == 1;
}

static bool is_prepared(const struct pg_pipeline *pipeline, const struct pg_statement *statement)
{
    return !pipeline->unprepared && !statement->is_once;
}

/* Prepares it if this is its first use. Whether the server has it is unknown until it has answered; those that come in between
 * cannot rely on it, since a unit that fails skips what it prepares. */
static bool send_statement(struct pg_pipeline *pipeline, struct waiting *waiting, const struct libpq_params *bound, size_t count,
                           bool binary_result)
{
    const struct pg_statement *statement = waiting->statement;
    struct prepared *prepared = is_prepared(pipeline, statement) ? prepared_get(&pipeline->prepared, statement) : NULL;
    if (!prepared || prepared->state == PREPARED_ASKED)
        return send_text(pipeline, statement, bound, count, binary_result);

    struct prepared_name name = prepared_name(prepared);
    if (prepared->state == PREPARED_NOT) {
        if (!send_preparation(pipeline, statement, name.text))
            return false;
        prepared->state = PREPARED_ASKED;
        waiting->prepares = true;
    }
    return send_prepared(pipeline, name.text, bound, count, binary_result);
}

static enum lf_code break_off(struct pg_pipeline *pipeline, struct err *err)
{
    pipeline->state = BROKEN;
    (void)libpq_connection_error(pipeline->pg, err);
    return err->code = LF_CONNECT;
}

static enum lf_code bind_and_send(struct pg_pipeline *pipeline, struct waiting *waiting, const struct pg_params *params,
                                  bool binary_result, struct err *err)
{
    struct libpq_params bound = { 0 };
    TRY(libpq_bind(params, &pipeline->arena, &bound, err));
    if (!send_statement(pipeline, waiting, &bound, params->count, binary_result))
        return break_off(pipeline, err);
    if (waiting->ends_unit && PQpipelineSync(pipeline->pg) != 1)
        return break_off(pipeline, err);
    /* A failure to write shows when the next pump reads. */
    pipeline->wants_write = PQflush(pipeline->pg) == 1;
    return LF_OK;
}

static void forget_params(struct pg_pipeline *pipeline)
{
    if (pipeline->arena.held_bytes <= ARENA_BYTES_KEPT) {
        arena_reset(&pipeline->arena);
        return;
    }
    arena_done(&pipeline->arena);
    arena_init(&pipeline->arena, ARENA_BYTES_MAX);
}

static enum lf_code send_one(struct pg_pipeline *pipeline, const struct pg_statement *statement, const struct pg_params *params,
                             struct pg_send_options options, pg_pipeline_done *done, void *context, struct err *err)
{
    struct waiting *waiting = take_spare(pipeline);
    if (!waiting)
        return ERR(err, LF_MEMORY, "out of memory sending a statement");
    *waiting = (struct waiting){ .statement = statement, .done = done, .context = context, .ends_unit = !options.holds };
    const struct pg_params *given = params ? params : &(struct pg_params){ 0 };
    enum lf_code code = bind_and_send(pipeline, waiting, given, options.binary_result, err);
    forget_params(pipeline);
    if (code == LF_OK)
        append(pipeline, waiting);
    else
        give_spare(pipeline, waiting);
    return code;
}

static void ignore_answer(void *context, struct pg_result *result, const struct err *err)
{
    (void)context, (void)err;
    pg_result_free(result);
}

/* Tables that come and go leave their statements behind. */
static enum lf_code forget_statements(struct pg_pipeline *pipeline, struct err *err)
{
    static const struct pg_statement forget = { .sql = "DEALLOCATE ALL", .is_once = true };
    TRY(send_one(pipeline, &forget, NULL, (struct pg_send_options){ 0 }, ignore_answer, NULL, err));
    prepared_done(&pipeline->prepared);
    return LF_OK;
}

enum lf_code pg_pipeline_send(struct pg_pipeline *pipeline, const struct pg_statement *statement, const struct pg_params *params,
                              struct pg_send_options options, pg_pipeline_done *done, void *context, struct err *err)
{
    if (pipeline->state != OPEN)
        return ERR(err, LF_CONNECT, "there is no connection to PostgreSQL at the moment");
    if (pipeline->depth == 0 && pipeline->prepared.count >= PREPARED_MAX)
        TRY(forget_statements(pipeline, err));
    return send_one(pipeline, statement, params, options, done, context, err);
}

/* --- receiving --- */

/* The first unit's sync point has been reached: all of it is answered. Callbacks may send, so the list is in order before the
 * first one is called. */
static void finish_unit(struct pg_pipeline *pipeline)
{
    struct err unit_err = pipeline->unit_err;
    struct waiting *first = pipeline->first, *last = pipeline->answered;
    assert(last && last->ends_unit);
    pipeline->first = last->next;
    if (!pipeline->first)
        pipeline->end = &pipeline->first;
    last->next = NULL;
    pipeline->answered = NULL;
    pipeline->unit_err = (struct err)ERR_INIT;

    for (struct waiting *next; first; first = next) {
        next = first->next;
        pipeline->depth--;
        bool is_good = unit_err.code == LF_OK;
        if (!is_good)
            PQclear(first->result);
        first->done(first->context, is_good ? libpq_wrap(first->result) : NULL, is_good ? NULL : &unit_err);
        give_spare(pipeline, first);
    }
}

/* The statement that the next result belongs to; NULL when the sync point is next, or what holds is not yet followed. */
static struct waiting *being_answered(const struct pg_pipeline *pipeline)
{
    const struct waiting *answered = pipeline->answered;
    if (!answered)
        return pipeline->first;
    return answered->ends_unit ? NULL : answered->next;
}

static void take_error(struct pg_pipeline *pipeline, const struct waiting *waiting, const PGresult *result)
{
    if (pipeline->unit_err.code == LF_OK)
        (void)libpq_result_error(pipeline->pg, result, waiting ? waiting->statement->sql : NULL, &pipeline->unit_err);
    if (waiting && is_prepared(pipeline, waiting->statement))
        prepared_failed(&pipeline->prepared, waiting->statement, pipeline->unit_err.sqlstate);
}

/* A COPY that nobody asked for: the pipeline would wait for its data for ever. */
static bool is_copy(ExecStatusType status)
{
    return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

static void take_good(struct pg_pipeline *pipeline, struct waiting *waiting, PGresult *result)
{
    if (waiting->prepares) {
        prepared_confirm(&pipeline->prepared, waiting->statement, true);
        PQclear(result);
        return;
    }
    if (is_prepared(pipeline, waiting->statement))
        prepared_used(&pipeline->prepared, waiting->statement);
    PQclear(waiting->result);
    waiting->result = result;
}

static void take_bad(struct pg_pipeline *pipeline, struct waiting *waiting, PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    if (waiting && waiting->prepares)
        prepared_confirm(&pipeline->prepared, waiting->statement, false);
    if (is_copy(status)) {
        (void)ERR(&pipeline->unit_err, LF_CONNECT, "a COPY from or to the client where none belongs");
        pipeline->state = BROKEN;
    } else if (status != PGRES_PIPELINE_ABORTED) {
        take_error(pipeline, waiting, result);
    }
    PQclear(result);
}

/* A result that is not a sync point: of the statement that is being answered, of its preparation, or of the commit. */
static void take_result(struct pg_pipeline *pipeline, PGresult *result)
{
    struct waiting *waiting = being_answered(pipeline);
    ExecStatusType status = PQresultStatus(result);
    pipeline->amid_answer = true;
    if (waiting && (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY))
        take_good(pipeline, waiting, result);
    else
        take_bad(pipeline, waiting, result);
}

static void finish_answer(struct pg_pipeline *pipeline)
{
    struct waiting *waiting = being_answered(pipeline);
    pipeline->amid_answer = false;
    if (waiting && waiting->prepares)
        waiting->prepares = false;
    else if (waiting)
        pipeline->answered = waiting;
}

/* False when there is nothing more to read at the moment. */
static bool take_next(struct pg_pipeline *pipeline)
{
    if (pipeline->state != OPEN || pipeline->depth == 0 || PQisBusy(pipeline->pg))
        return false;
    PGresult *result = PQgetResult(pipeline->pg);
    if (!result && !pipeline->amid_answer)
        return false; /* what holds waits for the statement that follows it */
    if (!result) {
        finish_answer(pipeline);
    } else if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
        PQclear(result);
        finish_unit(pipeline);
    } else {
        take_result(pipeline, result);
    }
    return PQstatus(pipeline->pg) == CONNECTION_OK;
}

/* What the server still said before it hung up is read first. */
static void exchange(struct pg_pipeline *pipeline)
{
    bool is_alive = PQconsumeInput(pipeline->pg) == 1;
    while (take_next(pipeline))
        ;
    int flushed = PQflush(pipeline->pg);
    pipeline->wants_write = flushed == 1;
    if (!is_alive || flushed < 0 || PQstatus(pipeline->pg) != CONNECTION_OK)
        pipeline->state = BROKEN;
}

static enum lf_code hang_up(struct pg_pipeline *pipeline, struct err *err)
{
    struct err lost = pipeline->unit_err;
    if (lost.code != LF_CONNECT) {
        lost = (struct err)ERR_INIT;
        (void)libpq_connection_error(pipeline->pg, &lost);
        lost.code = LF_CONNECT;
    }
    lose(pipeline, &lost);
    *err = lost;
    return LF_CONNECT;
}

/* libpq must not be called before the descriptor is ready for what it waits for. */
static bool is_ready(const struct pg_pipeline *pipeline)
{
    short wanted = pipeline->polling == PGRES_POLLING_WRITING ? POLLOUT : POLLIN;
    struct pollfd descriptor = { .fd = PQsocket(pipeline->pg), .events = wanted };
    return PQstatus(pipeline->pg) == CONNECTION_BAD || poll(&descriptor, 1, 0) != 0;
}

static enum lf_code go_on_connecting(struct pg_pipeline *pipeline, struct err *err)
{
    if (!is_ready(pipeline))
        return LF_OK;
    pipeline->polling = PQconnectPoll(pipeline->pg);
    if (pipeline->polling == PGRES_POLLING_READING || pipeline->polling == PGRES_POLLING_WRITING)
        return LF_OK;
    pipeline->state = LOST;
    if (pipeline->polling != PGRES_POLLING_OK)
        return libpq_connection_error(pipeline->pg, err);
    TRY(libpq_check_server(pipeline->pg, err));
    return enter_pipeline(pipeline, err);
}

enum lf_code pg_pipeline_pump(struct pg_pipeline *pipeline, struct err *err)
{
    if (pipeline->state == CONNECTING)
        return go_on_connecting(pipeline, err);
    if (pipeline->state == OPEN)
        exchange(pipeline);
    return pipeline->state == OPEN ? LF_OK : hang_up(pipeline, err);
}
