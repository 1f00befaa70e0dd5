#include "gateway/store/db_connection.h"

enum {
    CONNECT_MS_MAX = 10 * 1000,
    REST_MS_MIN = 50,
    REST_MS_MAX = 5 * 1000,
};

static void watch_nothing(struct db_connection *connection)
{
    struct err err = ERR_INIT;
    /* libpq may have closed the descriptor already, and with that ended the watch. */
    if (loop_watch_set(connection->loop, &connection->watch, 0, &err) != LF_OK)
        connection->watch.events = 0;
}

/* --- lost and found --- */

static void rest(struct db_connection *connection)
{
    loop_timer_set(connection->loop, &connection->timer, backoff_next_ms(&connection->backoff));
}

static void lose(struct db_connection *connection)
{
    struct pg_pipeline *pipeline = connection->pipeline;
    bool was_open = connection->is_open;
    watch_nothing(connection);
    connection->pipeline = NULL;
    connection->is_open = false;
    rest(connection);
    pg_pipeline_close(pipeline);
    if (was_open)
        connection->options.changed(connection->options.context);
}

static enum lf_code watch_pipeline(struct db_connection *connection, struct err *err)
{
    bool writes = pg_pipeline_wants_write(connection->pipeline);
    bool reads = connection->is_open || !writes;
    connection->watch.fd = pg_pipeline_fd(connection->pipeline);
    return loop_watch_set(connection->loop, &connection->watch, (reads ? LOOP_READ : 0u) | (writes ? LOOP_WRITE : 0u), err);
}

static void found(struct db_connection *connection)
{
    connection->is_open = true;
    connection->session++;
    loop_timer_cancel(connection->loop, &connection->timer);
    backoff_init(&connection->backoff, REST_MS_MIN, REST_MS_MAX, backoff_seed());
}

/* The descriptor may be another one after each step of connecting, even under the same number. */
static void go_on_connecting(struct db_connection *connection)
{
    struct err err = ERR_INIT;
    watch_nothing(connection);
    enum lf_code code = pg_pipeline_pump(connection->pipeline, &err);
    bool has_opened = code == LF_OK && pg_pipeline_is_open(connection->pipeline);
    if (has_opened)
        found(connection);
    if (code == LF_OK)
        code = watch_pipeline(connection, &err);
    if (code != LF_OK)
        lose(connection);
    else if (has_opened)
        connection->options.changed(connection->options.context);
}

static void connect_again(struct db_connection *connection)
{
    struct err err = ERR_INIT;
    if (pg_pipeline_start(&connection->options.pipeline, &connection->pipeline, &err) != LF_OK) {
        rest(connection);
        return;
    }
    loop_timer_set(connection->loop, &connection->timer, CONNECT_MS_MAX);
    if (watch_pipeline(connection, &err) != LF_OK)
        lose(connection);
}

void db_connection_drop(struct db_connection *connection)
{
    if (connection->is_open)
        lose(connection);
}

/* --- in use --- */

static void exchange(struct db_connection *connection)
{
    struct err err = ERR_INIT;
    connection->heard_ms = loop_now_ms(connection->loop);
    enum lf_code code = pg_pipeline_pump(connection->pipeline, &err);
    if (code == LF_OK)
        code = watch_pipeline(connection, &err);
    if (code != LF_OK)
        lose(connection);
}

static void on_ready(void *context, unsigned events)
{
    (void)events;
    struct db_connection *connection = context;
    if (connection->is_open)
        exchange(connection);
    else if (connection->pipeline)
        go_on_connecting(connection);
}

static void on_attend(void *context)
{
    struct db_connection *connection = context;
    if (connection->is_open)
        exchange(connection);
}

static void check_silence(struct db_connection *connection)
{
    int64_t silent_ms = loop_now_ms(connection->loop) - connection->heard_ms;
    if (pg_pipeline_depth(connection->pipeline) == 0)
        return;
    if (silent_ms >= connection->options.silence_ms_max)
        lose(connection);
    else
        loop_timer_set(connection->loop, &connection->timer, connection->options.silence_ms_max - silent_ms);
}

static void on_timer(void *context)
{
    struct db_connection *connection = context;
    if (!connection->pipeline)
        connect_again(connection);
    else if (connection->is_open)
        check_silence(connection);
    else
        lose(connection);
}

static void expect_answer(struct db_connection *connection)
{
    if (pg_pipeline_depth(connection->pipeline) == 1)
        connection->heard_ms = loop_now_ms(connection->loop);
    if (connection->options.silence_ms_max && !connection->timer.heap_slot)
        loop_timer_set(connection->loop, &connection->timer, connection->options.silence_ms_max);
}

enum lf_code db_connection_send(struct db_connection *connection, const struct pg_statement *statement,
                                const struct pg_params *params, struct pg_send_options options, pg_pipeline_done *done,
                                void *context, struct err *err)
{
    if (!connection->is_open)
        return ERR(err, LF_CONNECT, "there is no connection to PostgreSQL at the moment");
    enum lf_code code = pg_pipeline_send(connection->pipeline, statement, params, options, done, context, err);
    if (code == LF_OK)
        expect_answer(connection);
    /* The socket took less than everything, or the connection broke. */
    if (pg_pipeline_wants_write(connection->pipeline) || !pg_pipeline_is_open(connection->pipeline))
        loop_at_turn_end(connection->loop, &connection->attend);
    return code;
}

/* --- life --- */

enum lf_code db_connection_init(struct db_connection *connection, struct loop *loop, const struct db_connection_options *options,
                                struct err *err)
{
    *connection = (struct db_connection){ .loop = loop, .options = *options };
    connection->watch = (struct loop_watch){ .fd = -1, .ready = on_ready, .context = connection };
    connection->timer = (struct loop_timer){ .fire = on_timer, .context = connection };
    connection->attend = (struct loop_task){ .run = on_attend, .context = connection };
    backoff_init(&connection->backoff, REST_MS_MIN, REST_MS_MAX, backoff_seed());
    if (options->begins_lost) {
        rest(connection);
        return LF_OK;
    }
    TRY(pg_pipeline_open(&options->pipeline, &connection->pipeline, err));
    found(connection);
    return watch_pipeline(connection, err);
}

void db_connection_done(struct db_connection *connection)
{
    if (!connection->loop)
        return;
    watch_nothing(connection);
    loop_timer_cancel(connection->loop, &connection->timer);
    struct pg_pipeline *pipeline = connection->pipeline;
    connection->pipeline = NULL;
    connection->is_open = false;
    pg_pipeline_close(pipeline);
}
