#include "gateway/store/db.h"

#include <assert.h>
#include <stdlib.h>

#include "gateway/store/db_connection.h"
#include "gateway/store/db_statements.h"

enum {
    SETTINGS_BYTES_MAX = 4096,
    SILENCE_MS = 5 * 1000, /* beyond the statement timeout */
};

/* Who asks for a write connection: to send statements among those of others, or to have it alone for a transaction. Lives on the
 * stack of its fiber, which waits until it is done. */
struct request {
    struct request *next; /* in the queue */
    struct fiber *fiber;
    struct db_step *steps;
    size_t count, answered;             /* of steps */
    struct db_transaction *transaction; /* instead of steps */
    bool is_waiting;                    /* the fiber is suspended */
    bool is_done;
    enum lf_code code;
    struct err *err;
};

struct write_connection {
    struct db_connection connection;
    struct db_transaction *owner; /* NULL: everybody may write on it */
};

struct db_transaction {
    struct db *db;
    struct write_connection *on;
    uint64_t session;
    bool has_begun; /* BEGIN goes with the first statement */
    bool has_failed;
};

struct db {
    struct loop *loop; /* borrowed */
    char *postgres;    /* owned */
    struct buf settings;
    struct db_connection *reads; /* owned */
    size_t read_count;
    struct write_connection *writes; /* owned */
    size_t write_count;
    struct request *first, **end; /* of those that wait for a transaction to end */
    struct db_statements statements;
};

/* --- requests --- */

static void finish(struct request *request, enum lf_code code)
{
    request->code = code;
    request->is_done = true;
    if (request->is_waiting)
        fiber_wake(request->fiber);
}

static void on_answer(void *context, struct pg_result *result, const struct err *err)
{
    struct request *request = context;
    request->steps[request->answered++].result = result;
    if (err)
        *request->err = *err;
    if (request->answered == request->count)
        finish(request, err ? err->code : LF_OK);
}

static void ignore_answer(void *context, struct pg_result *result, const struct err *err)
{
    (void)context, (void)err;
    pg_result_free(result);
}

/* What has been sent of a unit must not be followed by what is another's. */
static enum lf_code give_up(struct db_connection *connection, struct request *request)
{
    struct err failure = *request->err;
    db_connection_drop(connection);
    *request->err = failure;
    return failure.code;
}

static enum lf_code send_request(struct db_connection *connection, struct request *request)
{
    for (size_t i = 0; i < request->count; i++) {
        const struct db_step *step = &request->steps[i];
        const struct pg_send_options options = { .binary_result = true, .holds = i + 1 < request->count };
        if (db_connection_send(connection, step->statement, &step->params, options, on_answer, request, request->err))
            return i ? give_up(connection, request) : request->err->code;
    }
    return LF_OK;
}

static struct db_step step_of(const struct pg_statement *statement, const struct pg_params *params)
{
    return (struct db_step){ .statement = statement, .params = params ? *params : (struct pg_params){ 0 } };
}

static struct request request_of(struct db_step *steps, size_t count, struct err *err)
{
    assert(fiber_self());
    return (struct request){ .fiber = fiber_self(), .steps = steps, .count = count, .err = err };
}

static enum lf_code await(struct request *request)
{
    request->is_waiting = true;
    while (!request->is_done)
        fiber_suspend();
    return request->code;
}

/* Of a request of one step. */
static enum lf_code await_result(struct request *request, struct pg_result **ret_result)
{
    TRY(await(request));
    if (ret_result)
        *ret_result = request->steps[0].result;
    else
        pg_result_free(request->steps[0].result);
    return LF_OK;
}

/* The tables have changed under a prepared statement, or the server has lost it. Nothing has happened, and the next use prepares
 * it anew. */
static bool is_outdated(enum lf_code code, const struct err *err)
{
    return code == LF_SQL && (strcmp(err->sqlstate, "0A000") == 0 || strcmp(err->sqlstate, "26000") == 0);
}

/* --- reads --- */

static struct db_connection *choose_read(const struct db *db)
{
    struct db_connection *best = NULL;
    for (size_t i = 0; i < db->read_count; i++) {
        struct db_connection *connection = &db->reads[i];
        if (connection->is_open && (!best || pg_pipeline_depth(connection->pipeline) < pg_pipeline_depth(best->pipeline)))
            best = connection;
    }
    return best;
}

static enum lf_code read_once(struct db *db, const struct pg_statement *statement, const struct pg_params *params,
                              struct pg_result **ret_result, struct err *err)
{
    struct db_step step = step_of(statement, params);
    struct request request = request_of(&step, 1, err);
    struct db_connection *connection = choose_read(db);
    if (!connection)
        return ERR(err, LF_CONNECT, "there is no connection to PostgreSQL at the moment");
    TRY(send_request(connection, &request));
    return await_result(&request, ret_result);
}

enum lf_code db_query(struct db *db, const struct pg_statement *statement, const struct pg_params *params,
                      struct pg_result **ret_result, struct err *err)
{
    enum lf_code code = read_once(db, statement, params, ret_result, err);
    return is_outdated(code, err) ? read_once(db, statement, params, ret_result, err) : code;
}

/* --- writes --- */

/* An open one that no transaction has, the least busy; NULL when there is none. */
static struct write_connection *choose_write(const struct db *db)
{
    struct write_connection *best = NULL;
    for (size_t i = 0; i < db->write_count; i++) {
        struct write_connection *write = &db->writes[i];
        if (write->connection.is_open && !write->owner &&
            (!best || pg_pipeline_depth(write->connection.pipeline) < pg_pipeline_depth(best->connection.pipeline)))
            best = write;
    }
    return best;
}

static bool can_write(const struct db *db)
{
    for (size_t i = 0; i < db->write_count; i++)
        if (db->writes[i].connection.is_open)
            return true;
    return false;
}

static void give_to_transaction(struct write_connection *write, struct request *request)
{
    struct db_transaction *transaction = request->transaction;
    write->owner = transaction;
    transaction->on = write;
    transaction->session = write->connection.session;
    finish(request, LF_OK);
}

/* A statement is sent here, on behalf of its fiber: by the time that runs, the connection may be a transaction's. What is under
 * way on a connection when a transaction gets it comes before its BEGIN. */
static void start_on(struct write_connection *write, struct request *request)
{
    if (request->transaction) {
        give_to_transaction(write, request);
        return;
    }
    enum lf_code code = send_request(&write->connection, request);
    if (code != LF_OK)
        finish(request, code);
}

/* Until a transaction ends. */
static bool has_to_wait(const struct db *db)
{
    return !choose_write(db) && can_write(db);
}

static void start_write(struct db *db, struct request *request)
{
    struct write_connection *write = choose_write(db);
    if (write)
        start_on(write, request);
    else
        finish(request, ERR(request->err, LF_CONNECT, "there is no connection to PostgreSQL at the moment"));
}

/* A request leaves the queue before it starts, for this may be called again by what it meets. */
static void start_waiting(void *context)
{
    struct db *db = context;
    while (db->first && !has_to_wait(db)) {
        struct request *request = db->first;
        db->first = request->next;
        if (!db->first)
            db->end = &db->first;
        request->next = NULL;
        start_write(db, request);
    }
}

/* Not inlined: gcc does not see that a request has left the queue by the time its fiber goes on. */
static __attribute__((noinline)) void enqueue(struct db *db, struct request *request)
{
    *db->end = request;
    db->end = &request->next;
}

/* In turn: nobody overtakes those that wait. */
static enum lf_code write_in_turn(struct db *db, struct request *request)
{
    if (db->first || has_to_wait(db))
        enqueue(db, request);
    else
        start_write(db, request);
    return await(request);
}

static enum lf_code write_once(struct db *db, struct db_step *steps, size_t count, struct err *err)
{
    struct request request = request_of(steps, count, err);
    return write_in_turn(db, &request);
}

enum lf_code db_write_all(struct db *db, struct db_step *steps, size_t count, struct err *err)
{
    enum lf_code code = write_once(db, steps, count, err);
    return is_outdated(code, err) ? write_once(db, steps, count, err) : code;
}

enum lf_code db_write(struct db *db, const struct pg_statement *statement, const struct pg_params *params,
                      struct pg_result **ret_result, struct err *err)
{
    struct db_step step = step_of(statement, params);
    TRY(db_write_all(db, &step, 1, err));
    *ret_result = step.result;
    return LF_OK;
}

/* --- transactions --- */

static const struct pg_statement begin = { .sql = "BEGIN" };
static const struct pg_statement commit = { .sql = "COMMIT" };
static const struct pg_statement rollback = { .sql = "ROLLBACK" };

static bool is_alive(const struct db_transaction *transaction)
{
    const struct db_connection *connection = &transaction->on->connection;
    return connection->is_open && connection->session == transaction->session;
}

enum lf_code db_begin(struct db *db, struct db_transaction **ret_transaction, struct err *err)
{
    struct db_transaction *transaction = calloc(1, sizeof *transaction);
    if (!transaction)
        return ERR(err, LF_MEMORY, "out of memory for a transaction");
    transaction->db = db;
    struct request request = request_of(NULL, 0, err);
    request.transaction = transaction;
    enum lf_code code = write_in_turn(db, &request);
    if (code == LF_OK)
        *ret_transaction = transaction;
    else
        free(transaction);
    return code;
}

static enum lf_code check_alive(const struct db_transaction *transaction, struct err *err)
{
    if (is_alive(transaction))
        return LF_OK;
    return ERR(err, LF_CONNECT, "the connection to PostgreSQL was lost in a transaction");
}

/* BEGIN and the first statement are one unit, so a transaction costs no round trip of its own to begin. */
static enum lf_code begin_once(struct db_transaction *transaction, struct err *err)
{
    if (transaction->has_begun)
        return LF_OK;
    transaction->has_begun = true;
    return db_connection_send(&transaction->on->connection, &begin, NULL, (struct pg_send_options){ .holds = true },
                              ignore_answer, NULL, err);
}

static enum lf_code query_in(struct db_transaction *transaction, const struct pg_statement *statement,
                             const struct pg_params *params, struct pg_result **ret_result, struct err *err)
{
    struct db_step step = step_of(statement, params);
    struct request request = request_of(&step, 1, err);
    TRY(check_alive(transaction, err));
    TRY(begin_once(transaction, err));
    TRY(send_request(&transaction->on->connection, &request));
    return await_result(&request, ret_result);
}

enum lf_code db_tx_query(struct db_transaction *transaction, const struct pg_statement *statement, const struct pg_params *params,
                         struct pg_result **ret_result, struct err *err)
{
    enum lf_code code = query_in(transaction, statement, params, ret_result, err);
    if (code != LF_OK)
        transaction->has_failed = true;
    return code;
}

/* Goes along with the statement that comes next. */
static enum lf_code send_along(struct db_transaction *transaction, const struct pg_statement *statement, struct err *err)
{
    TRY(check_alive(transaction, err));
    TRY(begin_once(transaction, err));
    return db_connection_send(&transaction->on->connection, statement, NULL, (struct pg_send_options){ .holds = true },
                              ignore_answer, NULL, err);
}

enum lf_code db_savepoint(struct db_transaction *transaction, struct err *err)
{
    static const struct pg_statement savepoint = { .sql = "SAVEPOINT here" };
    return send_along(transaction, &savepoint, err);
}

enum lf_code db_release_savepoint(struct db_transaction *transaction, struct err *err)
{
    static const struct pg_statement release = { .sql = "RELEASE SAVEPOINT here" };
    return send_along(transaction, &release, err);
}

enum lf_code db_rollback_to_savepoint(struct db_transaction *transaction, struct err *err)
{
    static const struct pg_statement back = { .sql = "ROLLBACK TO SAVEPOINT here" };
    TRY(send_along(transaction, &back, err));
    transaction->has_failed = false;
    return db_release_savepoint(transaction, err);
}

static void end_transaction(struct db_transaction *transaction)
{
    struct db *db = transaction->db;
    transaction->on->owner = NULL;
    free(transaction);
    start_waiting(db);
}

static enum lf_code refuse_commit(struct err *err)
{
    (void)ERR(err, LF_SQL, "a statement of the transaction has failed, so it is rolled back (SQLSTATE 25P02)");
    memcpy(err->sqlstate, "25P02", sizeof "25P02");
    return LF_SQL;
}

/* Once COMMIT may have left, only its answer tells what became of it. If it did not leave, the session ends with the transaction
 * in it. */
static enum lf_code send_commit(struct db_transaction *transaction, bool *ret_is_certain, struct err *err)
{
    struct db_step step = step_of(&commit, NULL);
    struct request request = request_of(&step, 1, err);
    enum lf_code code = send_request(&transaction->on->connection, &request);
    if (code == LF_OK)
        code = await_result(&request, NULL);
    else
        db_connection_drop(&transaction->on->connection);
    *ret_is_certain = code != LF_CONNECT;
    return code;
}

enum lf_code db_commit(struct db_transaction *transaction, bool *ret_is_certain, struct err *err)
{
    *ret_is_certain = true;
    enum lf_code code = LF_OK;
    if (transaction->has_failed)
        code = is_alive(transaction) ? refuse_commit(err) : check_alive(transaction, err);
    else if (transaction->has_begun)
        code = check_alive(transaction, err);
    if (code != LF_OK) {
        db_rollback(transaction);
        return code;
    }
    if (transaction->has_begun)
        code = send_commit(transaction, ret_is_certain, err);
    end_transaction(transaction);
    return code;
}

static enum lf_code send_rollback(struct db_transaction *transaction, struct err *err)
{
    return db_connection_send(&transaction->on->connection, &rollback, NULL, (struct pg_send_options){ 0 }, ignore_answer, NULL,
                              err);
}

void db_rollback(struct db_transaction *transaction)
{
    if (!transaction)
        return;
    struct err err = ERR_INIT;
    /* Nobody waits for it: what comes next on this connection comes behind it. */
    if (transaction->has_begun && is_alive(transaction) && send_rollback(transaction, &err) != LF_OK)
        db_connection_drop(&transaction->on->connection);
    end_transaction(transaction);
}

/* --- statements --- */

enum lf_code db_statement(struct db *db, struct span sql, const struct pg_statement **ret_statement, struct err *err)
{
    return db_statements_get(&db->statements, sql, ret_statement, err);
}

enum lf_code db_step_of(struct db *db, const struct binary_sql *sql, struct db_step *ret_step, struct err *err)
{
    struct db_step step = { 0 };
    TRY(binary_sql_params(sql, &step.params, err));
    TRY(db_statement(db, buf_span(&sql->text), &step.statement, err));
    *ret_step = step;
    return LF_OK;
}

enum lf_code db_run(struct db *db, struct db_transaction *transaction, const struct binary_sql *sql,
                    struct pg_result **ret_result, struct err *err)
{
    struct db_step step;
    TRY(db_step_of(db, sql, &step, err));
    return transaction ? db_tx_query(transaction, step.statement, &step.params, ret_result, err)
                       : db_query(db, step.statement, &step.params, ret_result, err);
}

/* --- life --- */

/* A generic plan made on an empty table would otherwise keep its Seq Scan for ever. A session whose gateway has vanished must not
 * keep its locks, so an idle transaction has no more time than a statement. */
static void put_settings(struct buf *settings, int64_t statement_timeout_ms)
{
    buf_printf(settings,
               "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off "
               "-c jit=off -c default_transaction_isolation=read\\ committed -c statement_timeout=%lld "
               "-c idle_in_transaction_session_timeout=%lld",
               (long long)statement_timeout_ms, (long long)statement_timeout_ms);
}

static enum lf_code connect_all(struct db *db, const struct db_connection_options *options, const struct db_options *wanted,
                                struct err *err)
{
    db->reads = calloc(wanted->read_connections, sizeof *db->reads);
    db->writes = calloc(wanted->write_connections, sizeof *db->writes);
    if (!db->reads || !db->writes)
        return ERR(err, LF_MEMORY, "out of memory for connections");
    db->read_count = wanted->read_connections;
    db->write_count = wanted->write_connections;
    for (size_t i = 0; i < db->read_count; i++)
        TRY(db_connection_init(&db->reads[i], db->loop, options, err));
    for (size_t i = 0; i < db->write_count; i++)
        TRY(db_connection_init(&db->writes[i].connection, db->loop, options, err));
    return LF_OK;
}

static enum lf_code fill(struct db *db, const struct db_options *options, struct err *err)
{
    if (options->postgres && !(db->postgres = strdup(options->postgres)))
        return ERR(err, LF_MEMORY, "out of memory for connections");
    put_settings(&db->settings, options->statement_timeout_ms);
    TRY(buf_check(&db->settings, err));
    struct db_connection_options each = {
        .pipeline = { .uri = db->postgres, .settings = buf_cstr(&db->settings), .unprepared = options->unprepared },
        .silence_ms_max = options->statement_timeout_ms ? options->statement_timeout_ms + SILENCE_MS : 0,
        .begins_lost = options->begins_lost,
        .changed = start_waiting,
        .context = db,
    };
    return connect_all(db, &each, options, err);
}

enum lf_code db_new(struct loop *loop, const struct db_options *options, struct db **ret_db, struct err *err)
{
    assert(options->read_connections && options->write_connections);
    struct db *db = calloc(1, sizeof *db);
    if (!db)
        return ERR(err, LF_MEMORY, "out of memory for connections");
    db->loop = loop;
    db->end = &db->first;
    buf_init(&db->settings, SETTINGS_BYTES_MAX);
    enum lf_code code = fill(db, options, err);
    if (code == LF_OK)
        *ret_db = db;
    else
        db_free(db);
    return code;
}

void db_free(struct db *db)
{
    if (!db)
        return;
    for (size_t i = 0; i < db->read_count; i++)
        db_connection_done(&db->reads[i]);
    for (size_t i = 0; i < db->write_count; i++)
        db_connection_done(&db->writes[i].connection);
    db_statements_done(&db->statements);
    buf_done(&db->settings);
    free(db->reads);
    free(db->writes);
    free(db->postgres);
    free(db);
}

struct loop *db_loop(struct db *db)
{
    return db->loop;
}

struct db *db_of(const struct db_transaction *transaction)
{
    return transaction->db;
}

bool db_is_connected(const struct db *db)
{
    for (size_t i = 0; i < db->read_count; i++)
        if (db->reads[i].is_open)
            return can_write(db);
    return false;
}
