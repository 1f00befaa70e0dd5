#include "move/follow/capture.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "move/follow/waiting.h"

enum {
    SHARD_ARENA_BYTES = 64 * 1024 * 1024,
    PAGE_ARENA_BYTES = 256 * 1024 * 1024,
    GAP_BYTES = 256,
    RECORD_CAPTURED_MS = 1000, /* between writes of captured_to */
};

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_MS INT64_C(1000)

struct capture {
    struct capture_options options;
    struct arena arena; /* owns the shards' texts, as the next only under the mutex */
    struct shards shards;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool is_stopping, is_discovering;
    int64_t discovery_due_us, record_due_us;
    int64_t database_offset_us; /* the database's clock, since 1970, less the forward clock; never too late */
    uint64_t records;
    struct err failure;
    unsigned thread_count;
    pthread_t threads[]; /* room for options.jobs */
};

/* One thread. */
struct reader {
    struct capture *capture;
    struct pg_conn *conn; /* owned */
    struct arena arena;
};

static int64_t forward_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

/* The answer was on its way when the forward clock is read, so what is made of it is too early rather than too late. */
static enum lf_code read_offset(struct pg_conn *conn, int64_t *ret_offset_us, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *now = NULL;
    TRY(pg_query(conn, "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::int8", NULL, &now, err));
    *ret_offset_us = pg_result_int64(now, 0, 0) - forward_us();
    return LF_OK;
}

/* Gaps --------------------------------------------------------------------------------------------------------------------- */

static enum lf_code fail_for_gap(const struct capture *capture, const char *what, struct err *err)
{
    struct span table = capture->options.stream.table;
    return ERR(err, LF_PRECONDITION,
               "changes of table %.*s are lost: %s. `landfall follow --skip-gaps` goes on behind them, and `landfall verify "
               "dynamodb://%.*s --repair` then mends what they had changed",
               SPAN_ARG(table), what, SPAN_ARG(table));
}

static enum lf_code note_gap(struct reader *reader, struct span shard, const char *what, struct err *err)
{
    const struct capture_options *options = &reader->capture->options;
    TRY(spool_write_gap(reader->conn, options->stream, shard, what, err));
    return options->gaps == CAPTURE_GAPS_FAIL ? fail_for_gap(reader->capture, what, err) : LF_OK;
}

/* Discovery ---------------------------------------------------------------------------------------------------------------- */

/* Under the mutex. */
static enum lf_code merge_page(struct capture *capture, const struct stream_description *page, struct err *err)
{
    for (size_t i = 0; i < page->shard_count; i++) {
        const struct stream_shard *listed = &page->shards[i];
        struct shard *shard = shards_find(&capture->shards, listed->id);
        if (!shard)
            TRY(shards_add(&capture->shards, listed->id, listed->parent_id, span_of(NULL, 0), &shard, err));
        shard->is_listed = true;
    }
    return LF_OK;
}

static enum lf_code list_shards(struct reader *reader, struct span *ret_status, struct err *err)
{
    struct capture *capture = reader->capture;
    struct stream_description page = { 0 };
    do {
        struct span after = page.last_shard_id;
        TRY(dynamodb_describe_stream(capture->options.client, capture->options.stream.arn, after, &reader->arena, &page, err));
        pthread_mutex_lock(&capture->mutex);
        enum lf_code code = merge_page(capture, &page, err);
        pthread_mutex_unlock(&capture->mutex);
        TRY(code);
    } while (page.last_shard_id.len && !capture->is_stopping);
    *ret_status = page.status;
    return LF_OK;
}

static enum lf_code record_gaps(struct reader *reader, size_t known, struct err *err)
{
    char what[GAP_BYTES];
    struct shards *shards = &reader->capture->shards;
    for (struct shard *shard; (shard = shards_find_gap(shards, known));) {
        if (!shard->is_listed)
            (void)snprintf(what, sizeof what, "shard %.*s is gone, and was read only up to %s", SPAN_ARG(shard->id),
                           shard->sequence_number[0] ? shard->sequence_number : "its beginning");
        else
            (void)snprintf(what, sizeof what, "shard %.*s, the parent of %.*s, came and went unread", SPAN_ARG(shard->parent_id),
                           SPAN_ARG(shard->id));
        TRY(note_gap(reader, shard->id, what, err));
        if (!shard->is_listed)
            shard->is_ended = true;
        shard->parent_id.len = 0;
    }
    return LF_OK;
}

/* Nothing is read meanwhile: shards_find_gap and spool_write_shards look at all shards. */
static enum lf_code settle_shards(struct reader *reader, size_t known, struct span status, struct err *err)
{
    struct capture *capture = reader->capture;
    shards_link(&capture->shards);
    TRY(spool_write_shards(reader->conn, capture->options.stream, &capture->shards, known, err));
    TRY(record_gaps(reader, known, err));
    bool is_on = span_equal(status, SPAN("ENABLED")) || span_equal(status, SPAN("ENABLING"));
    if (!is_on && shards_captured_to(&capture->shards) == INT64_MAX)
        return fail_for_gap(capture, "its stream was switched off", err);
    return LF_OK;
}

/* Of shards that come later no thread takes one before they are on record: they are not linked, and the mutex is held. */
static enum lf_code discover(struct reader *reader, struct err *err)
{
    struct capture *capture = reader->capture;
    struct span status = SPAN("");
    pthread_mutex_lock(&capture->mutex);
    size_t known = capture->shards.count;
    for (size_t i = 0; i < known; i++) {
        capture->shards.items[i]->is_listed = false;
        capture->shards.items[i]->may_drain = capture->shards.items[i]->is_ended;
    }
    pthread_mutex_unlock(&capture->mutex);
    TRY(list_shards(reader, &status, err));
    pthread_mutex_lock(&capture->mutex);
    enum lf_code code = capture->is_stopping ? LF_OK : settle_shards(reader, known, status, err);
    pthread_mutex_unlock(&capture->mutex);
    return code;
}

/* Reading ------------------------------------------------------------------------------------------------------------------ */

static enum lf_code keep_iterator(struct shard *shard, struct span iterator, struct err *err)
{
    free(shard->iterator);
    shard->iterator = iterator.len ? strndup(iterator.ptr, iterator.len) : NULL;
    return iterator.len && !shard->iterator ? ERR(err, LF_MEMORY, "out of memory for an iterator") : LF_OK;
}

static enum lf_code ask_iterator(struct reader *reader, struct shard *shard, bool from_oldest, struct err *err)
{
    const struct capture_options *options = &reader->capture->options;
    struct span number = from_oldest ? span_of(NULL, 0) : span_from_cstr(shard->sequence_number), iterator;
    enum stream_iterator_type type = number.len ? STREAM_AFTER_SEQUENCE_NUMBER : STREAM_TRIM_HORIZON;
    TRY(dynamodb_get_shard_iterator(options->client, options->stream.arn, shard->id, type, number, &reader->arena, &iterator,
                                    err));
    return keep_iterator(shard, iterator, err);
}

static bool is_trimmed(enum lf_code code)
{
    return code == LF_TRIMMED_DATA_ACCESS;
}

/* What came behind the last record read has been dropped by the stream. */
static enum lf_code skip_trimmed(struct reader *reader, struct shard *shard, struct err *err)
{
    char what[GAP_BYTES];
    (void)snprintf(what, sizeof what, "the stream has dropped what follows %s in shard %.*s",
                   shard->sequence_number[0] ? shard->sequence_number : "the beginning", SPAN_ARG(shard->id));
    TRY(note_gap(reader, shard->id, what, err));
    return ask_iterator(reader, shard, true, err);
}

static enum lf_code open_iterator(struct reader *reader, struct shard *shard, struct err *err)
{
    struct err refusal = ERR_INIT;
    if (shard->iterator)
        return LF_OK;
    enum lf_code code = ask_iterator(reader, shard, false, &refusal);
    if (is_trimmed(code))
        return skip_trimmed(reader, shard, err);
    if (code)
        *err = refusal;
    return code;
}

/* *ret_again: the iterator was renewed, nothing was read. */
static enum lf_code get_records(struct reader *reader, struct shard *shard, struct stream_records *ret_records, bool *ret_again,
                                struct err *err)
{
    struct err refusal = ERR_INIT;
    TRY(open_iterator(reader, shard, err));
    enum lf_code code = dynamodb_get_records(reader->capture->options.client, span_from_cstr(shard->iterator), 0, &reader->arena,
                                             ret_records, &refusal);
    *ret_again = code == LF_EXPIRED_ITERATOR || is_trimmed(code);
    if (!code)
        return LF_OK;
    if (*ret_again) {
        free(shard->iterator);
        shard->iterator = NULL;
        return is_trimmed(code) ? skip_trimmed(reader, shard, err) : LF_OK;
    }
    *err = refusal;
    return code;
}

static enum lf_code take_records(struct reader *reader, struct shard *shard, const struct stream_records *records,
                                 struct err *err)
{
    struct capture *capture = reader->capture;
    int64_t margin_us = capture->options.settle_ms * US_PER_MS + CAPTURE_MARGIN_SECONDS * US_PER_SECOND;
    const struct stream_record *last = &records->records[records->count - 1];
    const struct spool_move move = { shard->id, span_from_cstr(shard->sequence_number), last->sequence_number };
    size_t kept;
    TRY(spool_append(reader->conn, capture->options.stream, &move, records,
                     capture->options.follows_since_unix_s - CAPTURE_OLD_SECONDS, &kept, err));
    pthread_mutex_lock(&capture->mutex);
    (void)snprintf(shard->sequence_number, sizeof shard->sequence_number, "%.*s", SPAN_ARG(last->sequence_number));
    shard_note_records(shard, last->created_unix_s * US_PER_SECOND, margin_us);
    capture->records += kept;
    pthread_mutex_unlock(&capture->mutex);
    return LF_OK;
}

static void take_nothing(struct reader *reader, struct shard *shard, int64_t began_us)
{
    struct capture *capture = reader->capture;
    pthread_mutex_lock(&capture->mutex);
    shard_note_empty(shard, began_us, began_us + capture->database_offset_us, capture->options.settle_ms * US_PER_MS);
    shard->due_us = forward_us() + CAPTURE_IDLE_MS * US_PER_MS;
    pthread_mutex_unlock(&capture->mutex);
}

/* What comes behind it is looked for at once. */
static void end_shard(struct reader *reader, struct shard *shard)
{
    struct capture *capture = reader->capture;
    pthread_mutex_lock(&capture->mutex);
    shard->is_ended = true;
    capture->discovery_due_us = 0;
    pthread_mutex_unlock(&capture->mutex);
}

static enum lf_code read_shard(struct reader *reader, struct shard *shard, struct err *err)
{
    struct stream_records records;
    bool again = false;
    int64_t began_us = forward_us();
    TRY(get_records(reader, shard, &records, &again, err));
    if (again)
        return LF_OK;
    if (records.count)
        TRY(take_records(reader, shard, &records, err));
    TRY(keep_iterator(shard, records.next_iterator, err));
    if (!records.next_iterator.len)
        end_shard(reader, shard);
    else if (!records.count)
        take_nothing(reader, shard, began_us);
    return LF_OK;
}

/* How far it is, on record --------------------------------------------------------------------------------------------------- */

static enum lf_code record_captured(struct reader *reader, struct err *err)
{
    struct capture *capture = reader->capture;
    size_t count = 0;
    pthread_mutex_lock(&capture->mutex);
    struct shard **shards = arena_calloc(&reader->arena, capture->shards.count, sizeof(struct shard *), err);
    int64_t *times = shards ? arena_calloc(&reader->arena, capture->shards.count, sizeof *times, err) : NULL;
    for (size_t i = 0; times && i < capture->shards.count; i++) {
        struct shard *shard = capture->shards.items[i];
        if (shard->captured_to_us <= shard->recorded_to_us)
            continue;
        shards[count] = shard;
        times[count++] = shard->recorded_to_us = shard->captured_to_us;
    }
    pthread_mutex_unlock(&capture->mutex);
    if (!times)
        return err->code;
    return count ? spool_write_captured_to(reader->conn, capture->options.stream, shards, times, count, err) : LF_OK;
}

/* The offset is made anew each time: clocks drift. */
static enum lf_code keep_record(struct reader *reader, struct err *err)
{
    int64_t offset_us;
    TRY(read_offset(reader->conn, &offset_us, err));
    pthread_mutex_lock(&reader->capture->mutex);
    reader->capture->database_offset_us = offset_us;
    pthread_mutex_unlock(&reader->capture->mutex);
    return record_captured(reader, err);
}

/* Threads ------------------------------------------------------------------------------------------------------------------ */

enum task { TASK_STOP, TASK_DISCOVER, TASK_RECORD, TASK_READ };

static void wait_until(struct capture *capture, int64_t until_us)
{
    struct timespec at = { .tv_sec = (time_t)(until_us / US_PER_SECOND), .tv_nsec = (long)(until_us % US_PER_SECOND * 1000) };
    (void)pthread_cond_timedwait(&capture->changed, &capture->mutex, &at);
}

/* Under the mutex, which it gives up while it waits. */
static enum task next_task(struct capture *capture, struct shard **ret_shard)
{
    for (;;) {
        int64_t now_us = forward_us(), until_us = now_us + CAPTURE_IDLE_MS * US_PER_MS;
        if (capture->is_stopping)
            return TASK_STOP;
        if (!capture->is_discovering && capture->discovery_due_us <= now_us) {
            capture->is_discovering = true;
            return TASK_DISCOVER;
        }
        if (capture->record_due_us <= now_us) {
            capture->record_due_us = now_us + RECORD_CAPTURED_MS * US_PER_MS;
            return TASK_RECORD;
        }
        struct shard *shard = capture->is_discovering ? NULL : shards_next(&capture->shards);
        if (shard && shard->due_us <= now_us) {
            shard->is_busy = true;
            *ret_shard = shard;
            return TASK_READ;
        }
        if (shard && shard->due_us < until_us)
            until_us = shard->due_us;
        wait_until(capture, until_us);
    }
}

static enum lf_code run_task(struct reader *reader, enum task task, struct shard *shard, struct err *err)
{
    struct capture *capture = reader->capture;
    arena_reset(&reader->arena);
    enum lf_code code = task == TASK_DISCOVER ? discover(reader, err)
                        : task == TASK_RECORD ? keep_record(reader, err)
                                              : read_shard(reader, shard, err);
    pthread_mutex_lock(&capture->mutex);
    if (task == TASK_READ)
        shard->is_busy = false;
    if (task == TASK_DISCOVER) {
        capture->is_discovering = false;
        capture->discovery_due_us = forward_us() + CAPTURE_DISCOVERY_MS * US_PER_MS;
    }
    pthread_cond_broadcast(&capture->changed);
    pthread_mutex_unlock(&capture->mutex);
    return code;
}

static enum lf_code work(struct reader *reader, struct err *err)
{
    struct capture *capture = reader->capture;
    TRY(pg_connect(capture->options.postgres, &reader->conn, err));
    /* What a crash of the server loses, positions with their records, is read again. */
    TRY(pg_exec(reader->conn, "SET synchronous_commit = off", err));
    for (;;) {
        struct shard *shard = NULL;
        pthread_mutex_lock(&capture->mutex);
        enum task task = next_task(capture, &shard);
        pthread_mutex_unlock(&capture->mutex);
        if (task == TASK_STOP)
            return LF_OK;
        TRY(run_task(reader, task, shard, err));
    }
}

static void *run(void *argument)
{
    struct reader reader = { .capture = argument };
    struct capture *capture = reader.capture;
    struct err err = ERR_INIT;
    arena_init(&reader.arena, PAGE_ARENA_BYTES);
    if (work(&reader, &err)) {
        pthread_mutex_lock(&capture->mutex);
        if (!capture->failure.code)
            capture->failure = err;
        capture->is_stopping = true;
        pthread_cond_broadcast(&capture->changed);
        pthread_mutex_unlock(&capture->mutex);
    }
    pg_close(reader.conn);
    arena_done(&reader.arena);
    return NULL;
}

/* Starting and stopping ---------------------------------------------------------------------------------------------------- */

/* A gap stays on record, and in the way, until a verify has mended it. */
static enum lf_code check_gaps(struct capture *capture, struct pg_conn *conn, struct err *err)
{
    struct span gap;
    if (capture->options.gaps == CAPTURE_GAPS_SKIP)
        return LF_OK;
    TRY(spool_heal_gaps(conn, capture->options.stream.table, err));
    TRY(spool_read_gap(conn, capture->options.stream, &capture->arena, &gap, err));
    return gap.len ? fail_for_gap(capture, gap.ptr, err) : LF_OK;
}

static enum lf_code read_state(struct capture *capture, struct err *err)
{
    PG_CONN_CLEANUP struct pg_conn *conn = NULL;
    TRY(pg_connect(capture->options.postgres, &conn, err));
    TRY(check_gaps(capture, conn, err));
    TRY(read_offset(conn, &capture->database_offset_us, err));
    return spool_read_shards(conn, capture->options.stream, &capture->shards, err);
}

static enum lf_code start_threads(struct capture *capture, struct err *err)
{
    TRY(read_state(capture, err));
    for (; capture->thread_count < capture->options.jobs; capture->thread_count++)
        if (pthread_create(&capture->threads[capture->thread_count], NULL, run, capture))
            return ERR(err, LF_MEMORY, "cannot start a thread");
    return LF_OK;
}

enum lf_code capture_start(const struct capture_options *options, struct capture **ret_capture, struct err *err)
{
    struct capture *capture = calloc(1, sizeof *capture + options->jobs * sizeof *capture->threads);
    if (!capture)
        return ERR(err, LF_MEMORY, "out of memory for the capture of a stream");
    capture->options = *options;
    if (waiting_init(&capture->mutex, &capture->changed, err)) {
        free(capture);
        return err->code;
    }
    arena_init(&capture->arena, SHARD_ARENA_BYTES);
    shards_init(&capture->shards, &capture->arena);
    if (start_threads(capture, err)) {
        capture_stop(capture);
        return err->code;
    }
    *ret_capture = capture;
    return LF_OK;
}

void capture_stop(struct capture *capture)
{
    if (!capture)
        return;
    pthread_mutex_lock(&capture->mutex);
    capture->is_stopping = true;
    pthread_cond_broadcast(&capture->changed);
    pthread_mutex_unlock(&capture->mutex);
    for (unsigned i = 0; i < capture->thread_count; i++)
        pthread_join(capture->threads[i], NULL);
    pthread_mutex_destroy(&capture->mutex);
    pthread_cond_destroy(&capture->changed);
    shards_done(&capture->shards);
    arena_done(&capture->arena);
    free(capture);
}

void capture_read_status(struct capture *capture, struct capture_status *ret_status)
{
    struct capture_status status = { .is_at_end = true };
    pthread_mutex_lock(&capture->mutex);
    status.records = capture->records;
    status.shards = capture->shards.count;
    status.captured_to_us = capture->shards.count ? shards_captured_to(&capture->shards) : 0;
    for (size_t i = 0; i < capture->shards.count; i++) {
        const struct shard *shard = capture->shards.items[i];
        status.open += !shard->is_ended;
        status.is_at_end &= shard->is_ended || shard->empty_since_us;
    }
    status.is_at_end &= status.shards > 0;
    pthread_mutex_unlock(&capture->mutex);
    *ret_status = status;
}

enum lf_code capture_failure(struct capture *capture, struct err *err)
{
    pthread_mutex_lock(&capture->mutex);
    if (capture->failure.code)
        *err = capture->failure;
    enum lf_code code = capture->failure.code;
    pthread_mutex_unlock(&capture->mutex);
    return code;
}
