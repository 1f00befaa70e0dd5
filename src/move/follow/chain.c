#include "move/follow/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "aws/dynamodb_items.h"
#include "base/limits.h"
#include "codec/timestamp.h"
#include "item/copy.h"
#include "move/follow/chain_position.h"
#include "move/follow/export_request.h"
#include "move/follow/waiting.h"
#include "source/exports.h"
#include "source/records.h"

enum { CHUNK_ARENA_BYTES = 512 * 1024 * 1024, RECORDS_MIN = 1024, GAP_BYTES = 512 };

#define US_PER_SECOND INT64_C(1000000)
#define NS_PER_MS INT64_C(1000000)

struct chain {
    struct chain_options options;
    struct pg_conn *conn;   /* owned; the thread's, as what follows */
    struct exports exports; /* what was seen in the place */
    struct chain_position position;
    struct export_request request;
    char expires_by[LIMIT_KEY_NAME_BYTES]; /* DynamoDB's time to live goes by this attribute; */
    size_t expires_by_len;                 /* 0: there is none, or it was not told */
    struct arena arena;                    /* of a chunk, or of an answer */
    struct stream_record *records;         /* owned, malloc: of a chunk */
    size_t capacity;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t changed;
    bool is_stopping;
    struct capture_status status;
    struct err failure;
};

static bool is_stopping(struct chain *chain)
{
    pthread_mutex_lock(&chain->mutex);
    bool stopping = chain->is_stopping;
    pthread_mutex_unlock(&chain->mutex);
    return stopping;
}

/* Where it is -------------------------------------------------------------------------------------------------------------- */

/* The clock of DynamoDB may differ from the database's. */
static int64_t captured_to_us(const struct chain_position *position)
{
    return position->to_us + (TIMESTAMP_EPOCH_UNIX_SECONDS - CAPTURE_MARGIN_SECONDS) * US_PER_SECOND;
}

static void note(struct chain *chain, size_t records, bool is_at_end)
{
    pthread_mutex_lock(&chain->mutex);
    chain->status.shards = chain->status.open = 1;
    chain->status.records += records;
    chain->status.captured_to_us = captured_to_us(&chain->position);
    chain->status.is_at_end = is_at_end;
    pthread_mutex_unlock(&chain->mutex);
}

static enum lf_code read_position(struct chain *chain, struct err *err)
{
    static const char sql[] = "SELECT sequence_number FROM landfall.stream_shard"
                              " WHERE table_name = $1 AND stream_arn = $2 AND shard_id = '" CHAIN_SHARD "'";
    struct spool_stream stream = chain->options.stream;
    const struct pg_field values[] = { pg_text_field(stream.table), pg_text_field(stream.arn) };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(chain->conn, sql, &(struct pg_params){ .values = values, .count = 2 }, &rows, err));
    if (!pg_result_rows(rows))
        return ERR(err, LF_PRECONDITION, "table %.*s does not follow the exports in %.*s any more", SPAN_ARG(stream.table),
                   SPAN_ARG(stream.arn));
    return chain_position_parse(pg_result_span(rows, 0, 0), &chain->position, err);
}

/* With no records: the window is through. */
static enum lf_code move_to(struct chain *chain, const struct chain_position *to, const struct stream_records *records,
                            struct err *err)
{
    char from_text[CHAIN_POSITION_BYTES], to_text[CHAIN_POSITION_BYTES];
    const struct spool_move move = { SPAN(CHAIN_SHARD), chain_position_text(&chain->position, from_text),
                                     chain_position_text(to, to_text) };
    size_t kept = 0;
    TRY(records ? spool_append(chain->conn, chain->options.stream, &move, records, INT64_MIN, &kept, err)
                : spool_pass(chain->conn, chain->options.stream, &move, captured_to_us(to), err));
    chain->position = *to;
    note(chain, kept, false);
    return LF_OK;
}

/* An export ---------------------------------------------------------------------------------------------------------------- */

static enum lf_code make_room(struct chain *chain, size_t count, struct err *err)
{
    if (count < chain->capacity)
        return LF_OK;
    size_t capacity = chain->capacity ? 2 * chain->capacity : RECORDS_MIN;
    struct stream_record *records = realloc(chain->records, capacity * sizeof *records);
    if (!records)
        return ERR(err, LF_MEMORY, "out of memory for %zu changes", capacity);
    chain->records = records;
    chain->capacity = capacity;
    return LF_OK;
}

/* Exports do not say who has removed an item: whoever it was, its time was over. */
static bool is_expiry(const struct chain *chain, const struct item_change *change, int64_t unix_s)
{
    int64_t expires_s;
    const struct value *expires = NULL;
    if (change->is_delete && change->has_old_image && chain->expires_by_len)
        expires = item_get(&change->old_image, span_of(chain->expires_by, chain->expires_by_len));
    return expires && expires->type == VALUE_N && number_to_int64(expires->number, &expires_s) && expires_s <= unix_s;
}

/* As the record of a stream. Symbol tables of binary Ion do not outlive the next record, so names and texts are copied. */
static enum lf_code take_change(struct chain *chain, const struct item_change *change, int64_t window_end_us,
                                struct stream_record *record, struct err *err)
{
    struct key key;
    int64_t written_us = change->written_us ? change->written_us : window_end_us + TIMESTAMP_EPOCH_UNIX_SECONDS * US_PER_SECOND;
    *record = (struct stream_record){
        .event = change->is_delete ? STREAM_REMOVE : STREAM_MODIFY,
        .created_unix_s = written_us / US_PER_SECOND,
        .has_new_image = !change->is_delete,
        .is_expiry = is_expiry(chain, change, written_us / US_PER_SECOND),
    };
    TRY(key_of_item(&chain->options.table->key, &change->keys, &chain->arena, &key, err));
    TRY(item_copy(&change->keys, &chain->arena, &record->keys, err));
    return change->is_delete ? LF_OK : item_copy(&change->image, &chain->arena, &record->new_image, err);
}

static enum lf_code read_records(struct chain *chain, const struct source_window *window, struct source_records *records,
                                 size_t *ret_count, struct err *err)
{
    for (*ret_count = 0;; ++*ret_count) {
        struct item_change change;
        bool end;
        TRY(source_records_next(records, &end, err));
        if (end)
            return LF_OK;
        TRY(make_room(chain, *ret_count, err));
        TRY(source_records_change(records, &chain->arena, &change, err));
        TRY(take_change(chain, &change, window->to_us, &chain->records[*ret_count], err));
    }
}

static enum lf_code take_chunk(struct chain *chain, const struct source_window *window, const struct source_chunk *chunk,
                               const struct chain_position *to, struct err *err)
{
    struct source_records records;
    struct stream_records taken = { 0 };
    arena_reset(&chain->arena);
    source_records_init(&records, chunk);
    enum lf_code code = read_records(chain, window, &records, &taken.count, err);
    if (code)
        code = source_records_name_place(&records, &window->changes->files[chunk->file], err);
    source_records_done(&records);
    TRY(code);
    taken.records = chain->records;
    return move_to(chain, to, &taken, err);
}

/* Chunks are the same on every run. Those captured before are read over. */
static enum lf_code take_chunks(struct chain *chain, const struct source_window *window, uint64_t export,
                                struct source_chunk *chunk, bool *ret_whole, struct err *err)
{
    struct chain_position to = chain->position;
    uint64_t captured = to.export == export ? to.chunks : 0;
    to.export = export;
    *ret_whole = false;
    for (to.chunks = 0; !is_stopping(chain);) {
        bool end;
        TRY(source_next(window->changes, chunk, &end, err));
        if (end) {
            *ret_whole = true;
            return LF_OK;
        }
        if (to.chunks++ >= captured)
            TRY(take_chunk(chain, window, chunk, &to, err));
    }
    return LF_OK;
}

/* Who may not ask takes what expires for removed by somebody. */
static void read_expires_by(struct chain *chain)
{
    struct err ignored = ERR_INIT;
    struct span attribute = { 0 };
    arena_reset(&chain->arena);
    if (dynamodb_describe_time_to_live(chain->options.client, chain->options.stream.table, &chain->arena, &attribute, &ignored) ||
        attribute.len > sizeof chain->expires_by)
        attribute.len = 0;
    memcpy(chain->expires_by, attribute.len ? attribute.ptr : "", attribute.len);
    chain->expires_by_len = attribute.len;
}

static enum lf_code take_window(struct chain *chain, const struct source_window *window, uint64_t export, struct err *err)
{
    struct source_chunk chunk;
    bool is_whole;
    read_expires_by(chain);
    source_chunk_init(&chunk);
    enum lf_code code = take_chunks(chain, window, export, &chunk, &is_whole, err);
    source_chunk_done(&chunk);
    TRY(code);
    const struct chain_position to = { .from_us = window->from_us, .to_us = window->to_us };
    return is_whole ? move_to(chain, &to, NULL, err) : LF_OK;
}

static enum lf_code take_export(struct chain *chain, const struct export_found *found, struct err *err)
{
    const struct source_only only = { found->name, chain->options.table->key };
    const struct source_options options = { .only = &only };
    struct span place = chain->options.stream.arn;
    struct source source;
    TRY(source_open(place.ptr, &options, &source, err));
    enum lf_code code = take_window(chain, &source.windows[0], chain_export_hash(found->name), err);
    source_close(&source);
    return code;
}

/* Gaps --------------------------------------------------------------------------------------------------------------------- */

static struct span time_text(int64_t us, char text[TIMESTAMP_TEXT_BYTES])
{
    return span_of(text, timestamp_format(us, TIMESTAMP_ISO8601_MS, text));
}

static void describe_gap(const struct chain *chain, const struct export_found *found, char what[GAP_BYTES])
{
    char last[2][TIMESTAMP_TEXT_BYTES], next[2][TIMESTAMP_TEXT_BYTES];
    const struct chain_position *position = &chain->position;
    struct span begin = time_text(position->from_us, last[0]), end = time_text(position->to_us, last[1]);
    struct span from = time_text(found->from_us, next[0]), to = time_text(found->to_us, next[1]);
    (void)snprintf(what, GAP_BYTES,
                   "no export has what changed from %.*s to %.*s: the last one ends there that begins at %.*s, and the "
                   "next one, %.*s, is of %.*s to %.*s",
                   SPAN_ARG(end), SPAN_ARG(from), SPAN_ARG(begin), SPAN_ARG(found->name), SPAN_ARG(from), SPAN_ARG(to));
}

/* Behind it the chain goes on as if it began there. */
static enum lf_code meet_gap(struct chain *chain, const struct export_found *found, struct err *err)
{
    char what[GAP_BYTES];
    struct spool_stream stream = chain->options.stream;
    const struct chain_position behind = { .from_us = found->from_us, .to_us = found->from_us };
    describe_gap(chain, found, what);
    if (chain->options.gaps == CAPTURE_GAPS_FAIL)
        return ERR(err, LF_PRECONDITION,
                   "table %.*s: %s. Put there what is missing, or `landfall follow --skip-gaps` goes on behind it, and `landfall "
                   "verify dynamodb://%.*s --repair` then mends what had changed",
                   SPAN_ARG(stream.table), what, SPAN_ARG(stream.table));
    TRY(spool_write_gap(chain->conn, stream, SPAN(CHAIN_SHARD), what, err));
    return move_to(chain, &behind, NULL, err);
}

/* Rounds ------------------------------------------------------------------------------------------------------------------- */

/* One of which some is captured goes on, whatever else has come. */
static const struct export_found *find_begun(const struct chain *chain)
{
    const struct exports *exports = &chain->exports;
    for (size_t i = 0; chain->position.export && i < exports->count; i++) {
        const struct export_found *item = &exports->items[i];
        if (item->is_ours && !item->is_full && chain_export_hash(item->name) == chain->position.export)
            return item;
    }
    return NULL;
}

/* *ret_more false: nothing that is there follows. */
static enum lf_code take_next(struct chain *chain, bool *ret_more, struct err *err)
{
    size_t at = 0;
    const struct export_found *begun = find_begun(chain);
    *ret_more = true;
    if (begun)
        return take_export(chain, begun, err);
    switch (exports_next(chain->exports.items, chain->exports.count, chain->position.to_us, &at)) {
    case EXPORT_NEXT:
        return take_export(chain, &chain->exports.items[at], err);
    case EXPORT_GAP:
        *ret_more = !chain->exports.has_unfinished;
        return *ret_more ? meet_gap(chain, &chain->exports.items[at], err) : LF_OK;
    case EXPORT_NONE:
        *ret_more = false;
    }
    return LF_OK;
}

static enum lf_code take_all(struct chain *chain, struct err *err)
{
    struct spool_stream stream = chain->options.stream;
    bool more = true;
    TRY(exports_look(&chain->exports, stream.arn.ptr, stream.table, err));
    while (more && !is_stopping(chain))
        TRY(take_next(chain, &more, err));
    note(chain, 0, !more);
    return LF_OK;
}

static void wait_to_look(struct chain *chain)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + chain->options.look_ms * NS_PER_MS;
    until.tv_sec += ns / (1000 * NS_PER_MS);
    until.tv_nsec = ns % (1000 * NS_PER_MS);
    pthread_mutex_lock(&chain->mutex);
    while (!chain->is_stopping && !pthread_cond_timedwait(&chain->changed, &chain->mutex, &until))
        continue;
    pthread_mutex_unlock(&chain->mutex);
}

static enum lf_code run_round(struct chain *chain, struct err *err)
{
    bool has_completed = false;
    TRY(take_all(chain, err));
    arena_reset(&chain->arena);
    if (chain->options.request_seconds && !is_stopping(chain))
        TRY(export_request_step(&chain->request, chain->conn, chain->position.to_us, &chain->arena, &has_completed, err));
    if (!has_completed)
        wait_to_look(chain);
    return LF_OK;
}

static enum lf_code work(struct chain *chain, struct err *err)
{
    TRY(pg_connect(chain->options.postgres, &chain->conn, err));
    /* What a crash of the server loses, positions with their records, is read again. */
    TRY(pg_exec(chain->conn, "SET synchronous_commit = off", err));
    TRY(read_position(chain, err));
    note(chain, 0, false);
    while (!is_stopping(chain))
        TRY(run_round(chain, err));
    return LF_OK;
}

static void *run(void *argument)
{
    struct chain *chain = argument;
    struct err err = ERR_INIT;
    if (work(chain, &err)) {
        pthread_mutex_lock(&chain->mutex);
        chain->failure = err;
        pthread_mutex_unlock(&chain->mutex);
    }
    return NULL;
}

/* Starting and stopping ---------------------------------------------------------------------------------------------------- */

enum lf_code chain_start(const struct chain_options *options, struct chain **ret_chain, struct err *err)
{
    struct chain *chain = calloc(1, sizeof *chain);
    if (!chain)
        return ERR(err, LF_MEMORY, "out of memory for a chain of exports");
    chain->options = *options;
    chain->request = (struct export_request){
        .client = options->client,
        .table = options->table,
        .place = options->stream.arn,
        .seconds_min = options->request_seconds,
    };
    if (waiting_init(&chain->mutex, &chain->changed, err)) {
        free(chain);
        return err->code;
    }
    exports_init(&chain->exports);
    arena_init(&chain->arena, CHUNK_ARENA_BYTES);
    chain->has_thread = !pthread_create(&chain->thread, NULL, run, chain);
    if (!chain->has_thread) {
        chain_stop(chain);
        return ERR(err, LF_MEMORY, "cannot start a thread");
    }
    *ret_chain = chain;
    return LF_OK;
}

void chain_stop(struct chain *chain)
{
    if (!chain)
        return;
    pthread_mutex_lock(&chain->mutex);
    chain->is_stopping = true;
    pthread_cond_broadcast(&chain->changed);
    pthread_mutex_unlock(&chain->mutex);
    if (chain->has_thread)
        pthread_join(chain->thread, NULL);
    pthread_mutex_destroy(&chain->mutex);
    pthread_cond_destroy(&chain->changed);
    pg_close(chain->conn);
    exports_done(&chain->exports);
    arena_done(&chain->arena);
    free(chain->records);
    free(chain);
}

void chain_read_status(struct chain *chain, struct capture_status *ret_status)
{
    pthread_mutex_lock(&chain->mutex);
    *ret_status = chain->status;
    pthread_mutex_unlock(&chain->mutex);
}

enum lf_code chain_failure(struct chain *chain, struct err *err)
{
    pthread_mutex_lock(&chain->mutex);
    enum lf_code code = chain->failure.code;
    if (code)
        *err = chain->failure;
    pthread_mutex_unlock(&chain->mutex);
    return code;
}
