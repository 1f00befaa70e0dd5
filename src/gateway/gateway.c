#include "gateway/gateway.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/hash.h"
#include "gateway/dispatch.h"
#include "gateway/http/tls.h"
#include "gateway/jobs/jobs.h"
#include "gateway/jobs/repair.h"
#include "gateway/kept.h"
#include "gateway/key_queue.h"
#include "gateway/mark.h"
#include "gateway/met.h"
#include "gateway/read_count.h"
#include "gateway/store/gather.h"
#include "map/model.h"
#include "move/phase.h"
#include "pg/rows.h"

enum {
    FIBERS_MAX = 4096, /* requests under way in one worker */
    DRAIN_MS = 10000,
    STATEMENT_TIMEOUT_MS = 30000,
    JOB_STATEMENT_TIMEOUT_MS = 600000,
    BODY_BYTES_MAX = 16 * 1024 * 1024,
    IN_FLIGHT_BYTES_MAX = 512 * 1024 * 1024, /* of one worker */
    IDLE_MS_MAX = 60000,
    REQUEST_MS_MAX = 30000,
    ARENA_BYTES_MAX = 256 * 1024 * 1024,
    RELOAD_SECONDS = 1,
};

/* Two transactions at a time keep PostgreSQL busy, and let what comes meanwhile share the next. */
static const struct gather_options gathered_reads = { .count_max = GATHER_MEMBERS_MAX, .bytes_max = SIZE_MAX },
                                   gathered_writes = { GATHER_MEMBERS_MAX, .bytes_max = 4 * 1024 * 1024, .under_way_max = 2 };

static const char kept_keys_name[] = "keys";

struct gateway_worker {
    struct worker worker;
    pthread_t thread;
    bool has_thread;
    struct loop_task stops;
    struct err err; /* what ended it */
};

struct gateway {
    struct gateway_options options;
    struct journal *journal;
    struct catalog *catalog;
    struct upstream_source *upstream;
    struct tls_files *tls;
    struct key_file *key_file;
    pthread_mutex_t mutex; /* of the keys, and of the wish to stop */
    pthread_cond_t stops;
    struct access_keys *keys;
    struct hash128 kept_keys; /* the reloader's, as the next */
    bool has_kept_keys;
    pthread_t reloader;
    bool has_reloader;
    _Atomic bool is_stopping;
    struct gateway_worker *workers; /* the last one is the jobs' */
    size_t worker_count;
};

/* Access keys and certificate, read again ------------------------------------------------------------------------------------
 */

struct access_keys *gateway_keys_take(struct gateway *gateway)
{
    (void)pthread_mutex_lock(&gateway->mutex);
    struct access_keys *keys = gateway->keys;
    if (keys)
        access_keys_ref(keys);
    (void)pthread_mutex_unlock(&gateway->mutex);
    return keys;
}

static enum lf_code take_keys(struct gateway *gateway, const struct pg_result *rows, struct err *ret_left_out, struct err *err)
{
    struct access_keys *fresh = NULL;
    TRY(access_keys_new(rows, gateway->key_file, &fresh, err));
    *ret_left_out = *access_keys_left_out(fresh);
    (void)pthread_mutex_lock(&gateway->mutex);
    struct access_keys *before = gateway->keys;
    gateway->keys = fresh;
    (void)pthread_mutex_unlock(&gateway->mutex);
    access_keys_unref(before);
    return LF_OK;
}

/* For when the gateway begins without PostgreSQL; what is the same is not written again. */
static enum lf_code keep_keys(struct gateway *gateway, const struct pg_result *rows, struct err *err)
{
    BUF_CLEANUP struct buf content;
    buf_init(&content, KEPT_BYTES_MAX);
    pg_rows_put(rows, &content);
    TRY(buf_check(&content, err));
    struct hash128 hash = hash128(buf_span(&content), 0);
    if (!gateway->journal || (gateway->has_kept_keys && hash128_equal(hash, gateway->kept_keys)))
        return LF_OK;
    TRY(kept_write(gateway->journal, kept_keys_name, 0, rows, err));
    gateway->has_kept_keys = true;
    gateway->kept_keys = hash;
    return LF_OK;
}

static enum lf_code read_keys(struct gateway *gateway, struct pg_conn *conn, struct err *ret_left_out, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(access_keys_ask(conn, &rows, err));
    TRY(take_keys(gateway, rows, ret_left_out, err));
    return keep_keys(gateway, rows, err);
}

static enum lf_code read_kept_keys(struct gateway *gateway, struct err *ret_left_out, struct err *err)
{
    int64_t note;
    struct err own = ERR_INIT;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    if (kept_read(gateway->journal, kept_keys_name, &note, &rows, &own))
        return ERR(err, LF_CONNECT, "PostgreSQL is away, and access keys are not to be had without it: %s", own.message);
    return take_keys(gateway, rows, ret_left_out, err);
}

static enum lf_code ask_for_keys(struct gateway *gateway, struct err *ret_left_out, struct err *err)
{
    PG_CONN_CLEANUP struct pg_conn *conn = NULL;
    if (catalog_began_alone(gateway->catalog))
        return read_kept_keys(gateway, ret_left_out, err);
    TRY(pg_connect(gateway->options.postgres, &conn, err));
    return read_keys(gateway, conn, ret_left_out, err);
}

/* When no key can be used the key file is the wrong one. */
static enum lf_code read_first_keys(struct gateway *gateway, struct err *err)
{
    struct err left_out = ERR_INIT;
    TRY(ask_for_keys(gateway, &left_out, err));
    if (!left_out.code || access_keys_count(gateway->keys))
        return LF_OK;
    *err = left_out;
    return err->code;
}

static bool goes_on(struct gateway *gateway)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += RELOAD_SECONDS;
    (void)pthread_mutex_lock(&gateway->mutex);
    if (!atomic_load(&gateway->is_stopping))
        (void)pthread_cond_timedwait(&gateway->stops, &gateway->mutex, &until);
    (void)pthread_mutex_unlock(&gateway->mutex);
    return !atomic_load(&gateway->is_stopping);
}

struct reloader {
    struct gateway *gateway;
    struct pg_conn *conn;
    struct err tls, keys; /* what was wrong the last time */
};

/* What stays wrong is logged once. */
static void note(struct reloader *reloader, struct err *last, const struct err *now)
{
    if (now->code && strcmp(last->message, now->message) != 0)
        worker_log(&reloader->gateway->workers[0].worker, SPAN(""), now);
    *last = *now;
}

static void reload_tls(struct reloader *reloader)
{
    struct err err = ERR_INIT;
    bool changed;
    (void)!tls_files_reload(reloader->gateway->tls, &changed, &err);
    note(reloader, &reloader->tls, &err);
}

static enum lf_code connect_and_read_keys(struct reloader *reloader, struct err *ret_left_out, struct err *err)
{
    if (!reloader->conn)
        TRY(pg_connect(reloader->gateway->options.postgres, &reloader->conn, err));
    return read_keys(reloader->gateway, reloader->conn, ret_left_out, err);
}

static void reload_keys(struct reloader *reloader)
{
    struct err err = ERR_INIT, left_out = ERR_INIT;
    if (connect_and_read_keys(reloader, &left_out, &err)) {
        pg_close(reloader->conn);
        reloader->conn = NULL;
    }
    note(reloader, &reloader->keys, err.code ? &err : &left_out);
}

static void *run_reloader(void *context)
{
    struct gateway *gateway = context;
    struct reloader reloader = { .gateway = gateway, .tls = ERR_INIT, .keys = ERR_INIT };
    while (goes_on(gateway)) {
        if (gateway->tls)
            reload_tls(&reloader);
        if (gateway->options.auth == AUTH_SIGV4)
            reload_keys(&reloader);
    }
    pg_close(reloader.conn);
    return NULL;
}

/* Workers ---------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code open_database(struct gateway *gateway, struct worker *worker, bool is_for_jobs, struct err *err)
{
    struct db_options options = {
        .postgres = gateway->options.postgres,
        .read_connections = is_for_jobs ? 1 : gateway->options.read_connections,
        .write_connections = is_for_jobs ? 2 : gateway->options.write_connections,
        .statement_timeout_ms = is_for_jobs ? JOB_STATEMENT_TIMEOUT_MS : STATEMENT_TIMEOUT_MS,
        .begins_lost = catalog_began_alone(gateway->catalog),
    };
    return db_new(worker->loop, &options, &worker->db, err);
}

static void report(void *context, const struct err *err)
{
    worker_log(context, SPAN(""), err);
}

static enum lf_code listen_on(struct gateway *gateway, struct worker *worker, struct err *err)
{
    const struct server *first = gateway->workers[0].worker.server;
    struct server_options options = {
        .address = first ? server_address(first) : gateway->options.listen,
        .joins = first != NULL,
        .tls = gateway->tls,
        .body_bytes_max = BODY_BYTES_MAX,
        .connections_max = gateway->options.connections_max / gateway->options.threads,
        .in_flight_bytes_max = IN_FLIGHT_BYTES_MAX,
        .idle_ms_max = IDLE_MS_MAX,
        .request_ms_max = REQUEST_MS_MAX,
        .request_arena_bytes_max = ARENA_BYTES_MAX,
        .handle = dispatch,
        .overloaded = dispatch_overloaded,
        .report = report,
        .context = worker,
    };
    return server_new(worker->loop, &options, &worker->server, err);
}

static enum lf_code open_upstream(struct gateway *gateway, struct worker *worker, struct err *err)
{
    TRY(upstream_new(worker->loop, gateway->upstream, &worker->upstream, err));
    TRY(marks_new(worker, &worker->marks, err));
    TRY(met_new(&worker->met, err));
    TRY(read_counts_new(worker, &worker->read_counts, err));
    return repair_new(&worker->repair, err);
}

static enum lf_code open_worker(struct gateway *gateway, size_t number, struct err *err)
{
    struct worker *worker = &gateway->workers[number].worker;
    bool is_for_jobs = number + 1 == gateway->worker_count;
    worker->gateway = gateway;
    worker->catalog = gateway->catalog;
    worker->number = (unsigned)number;
    worker->random = backoff_seed() | 1;
    TRY(loop_new(FIBERS_MAX, &worker->loop, err));
    TRY(open_database(gateway, worker, is_for_jobs, err));
    TRY(gather_new(worker, &gathered_reads, &worker->reads, err));
    TRY(gather_new(worker, &gathered_writes, &worker->writes, err));
    TRY(key_queue_new(&worker->keys, err));
    TRY(auth_cache_new(&worker->auth, err));
    if (gateway->upstream)
        TRY(open_upstream(gateway, worker, err));
    return is_for_jobs ? jobs_start(worker, &gateway->is_stopping, err) : listen_on(gateway, worker, err);
}

static void close_worker(struct worker *worker)
{
    server_free(worker->server);
    repair_free(worker->repair);
    read_counts_free(worker->read_counts);
    met_free(worker->met);
    marks_free(worker->marks);
    upstream_free(worker->upstream);
    auth_cache_free(worker->auth);
    key_queue_free(worker->keys);
    gather_free(worker->writes);
    gather_free(worker->reads);
    db_free(worker->db);
    loop_free(worker->loop);
}

static void *run_worker(void *context)
{
    struct gateway_worker *self = context;
    if (loop_run(self->worker.loop, DRAIN_MS, &self->err))
        worker_log(&self->worker, SPAN(""), &self->err);
    return NULL;
}

static void stop_worker(void *context)
{
    struct worker *worker = context;
    if (worker->server)
        server_stop(worker->server);
    loop_stop(worker->loop);
}

static enum lf_code run_workers(struct gateway *gateway, struct err *err)
{
    for (size_t i = 0; i < gateway->worker_count; i++) {
        struct gateway_worker *self = &gateway->workers[i];
        self->stops = (struct loop_task){ .run = stop_worker, .context = &self->worker };
        if (pthread_create(&self->thread, NULL, run_worker, self))
            return ERR(err, LF_MEMORY, "no thread for a worker of the gateway");
        self->has_thread = true;
    }
    if (pthread_create(&gateway->reloader, NULL, run_reloader, gateway))
        return ERR(err, LF_MEMORY, "no thread for the gateway");
    gateway->has_reloader = true;
    return LF_OK;
}

/* The gateway -----------------------------------------------------------------------------------------------------------------
 */

/* Two gateways that start at the same time take turns. */
enum lf_code gateway_prepare_schema(struct pg_conn *conn, struct err *err)
{
    return phase_prepare_schema(conn, err);
}

/* What a former process has sent may have been sent just now. */
static enum lf_code open_journal(struct gateway *gateway, struct err *err)
{
    const struct journal_options options = {
        .folder = gateway->options.journal,
        .bytes_max = JOURNAL_BYTES_MAX,
        .lands_ms = catalog_now_ms() + MARK_LANDING_SECONDS * 1000LL,
    };
    return gateway->options.journal ? journal_open(&options, &gateway->journal, err) : LF_OK;
}

static enum lf_code prepare_database(void *context, struct pg_conn *conn, struct err *err)
{
    const struct gateway *gateway = context;
    TRY(gateway_prepare_schema(conn, err));
    return gateway->options.map ? gateway_register_map(conn, gateway->options.map, err) : LF_OK;
}

static enum lf_code prepare(struct gateway *gateway, struct err *err)
{
    const struct gateway_options *options = &gateway->options;
    TRY(open_journal(gateway, err));
    if (options->tls_certificate)
        TRY(tls_files_open(options->tls_certificate, options->tls_key, &gateway->tls, err));
    if (options->upstream)
        TRY(upstream_source_new(options->upstream, &gateway->upstream, err));
    if (options->auth == AUTH_SIGV4)
        TRY(key_file_read(options->key_file, false, &gateway->key_file, err));
    struct catalog_options catalog = {
        .postgres = options->postgres,
        .prepare = prepare_database,
        .context = gateway,
        .address = options->listen,
        .map = options->map,
        .journal = gateway->journal,
    };
    TRY(catalog_new(&catalog, &gateway->catalog, err));
    return options->auth == AUTH_SIGV4 ? read_first_keys(gateway, err) : LF_OK;
}

static enum lf_code open_all(struct gateway *gateway, struct err *err)
{
    TRY(prepare(gateway, err));
    gateway->worker_count = gateway->options.threads + 1;
    gateway->workers = calloc(gateway->worker_count, sizeof *gateway->workers);
    if (!gateway->workers)
        return ERR(err, LF_MEMORY, "no memory for the gateway's workers");
    for (size_t i = 0; i < gateway->worker_count; i++)
        TRY(open_worker(gateway, i, err));
    if (catalog_began_alone(gateway->catalog))
        fprintf(stderr, "landfall serve: begins without PostgreSQL, as of what is kept in %s\n", journal_place(gateway->journal));
    return run_workers(gateway, err);
}

enum lf_code gateway_start(const struct gateway_options *options, struct gateway **ret_gateway, struct err *err)
{
    struct gateway *gateway = calloc(1, sizeof *gateway);
    if (!gateway)
        return ERR(err, LF_MEMORY, "no memory for the gateway");
    gateway->options = *options;
    (void)pthread_mutex_init(&gateway->mutex, NULL);
    (void)pthread_cond_init(&gateway->stops, NULL);
    enum lf_code code = open_all(gateway, err);
    if (code)
        gateway_free(gateway);
    else
        *ret_gateway = gateway;
    return code;
}

const char *gateway_address(const struct gateway *gateway)
{
    return server_address(gateway->workers[0].worker.server);
}

void gateway_stop(struct gateway *gateway)
{
    (void)pthread_mutex_lock(&gateway->mutex);
    bool stops_now = !atomic_exchange(&gateway->is_stopping, true);
    (void)pthread_cond_broadcast(&gateway->stops);
    (void)pthread_mutex_unlock(&gateway->mutex);
    for (size_t i = 0; stops_now && i < gateway->worker_count; i++)
        if (gateway->workers[i].has_thread)
            loop_post(gateway->workers[i].worker.loop, &gateway->workers[i].stops);
}

enum lf_code gateway_wait(struct gateway *gateway, struct err *err)
{
    enum lf_code code = LF_OK;
    for (size_t i = 0; i < gateway->worker_count; i++) {
        struct gateway_worker *self = &gateway->workers[i];
        if (self->has_thread)
            (void)pthread_join(self->thread, NULL);
        self->has_thread = false;
        if (!code && (code = self->err.code))
            *err = self->err;
    }
    if (gateway->has_reloader)
        (void)pthread_join(gateway->reloader, NULL);
    gateway->has_reloader = false;
    return code;
}

void gateway_free(struct gateway *gateway)
{
    struct err err = ERR_INIT;
    if (!gateway)
        return;
    gateway_stop(gateway);
    if (gateway_wait(gateway, &err)) {
        /* Whoever wanted to know has asked gateway_wait before. */
    }
    journal_stop(gateway->journal);
    for (size_t i = 0; gateway->workers && i < gateway->worker_count; i++)
        close_worker(&gateway->workers[i].worker);
    free(gateway->workers);
    catalog_free(gateway->catalog);
    journal_close(gateway->journal);
    upstream_source_free(gateway->upstream);
    access_keys_unref(gateway->keys);
    key_file_free(gateway->key_file);
    tls_files_close(gateway->tls);
    (void)pthread_mutex_destroy(&gateway->mutex);
    (void)pthread_cond_destroy(&gateway->stops);
    free(gateway);
}
