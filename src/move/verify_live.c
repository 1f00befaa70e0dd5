#include "move/verify_live.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "aws/dynamodb_items.h"
#include "item/canonical.h"
#include "item/copy.h"
#include "item/ddbjson.h"
#include "map/key_group.h"
#include "move/follow/key_rows.h"
#include "move/key_asks.h"
#include "move/live_keys.h"
#include "move/phase.h"
#include "move/verify_details.h"
#include "source/records.h"
#include "source/table_scan.h"

enum {
    BATCH_ITEMS = 200,
    BATCH_ARENA_BYTES = 512 * 1024 * 1024, /* items of 400 KB, of both sides */
    SUSPECTS_BYTES_MAX = 1024 * 1024 * 1024,
    DETAIL_TEXT_BYTES = 4 * LIMIT_LINE_BYTES,
    SETTLE_MS_MIN = 500,
    SETTLE_MS_MAX = 5000,
    SETTLE_TIMES_MAX = 12, /* the time to settle begins again so often for keys that are written all the while */
};

/* A key that was not the same on both sides when it was last looked at. */
struct suspect {
    struct item key; /* its key attributes */
    enum verify_kind kind;
    bool is_settled;
    struct hash128 source; /* of its item in DynamoDB when it was last looked at; 0: there was none */
    int64_t since_ms;      /* it has been that, and differed */
};

struct live {
    struct comparison *comparison;
    const struct map_table *table; /* of the map */
    struct live_keys keys;         /* that the scan has seen */
    const uint64_t *sorted;        /* those that rows are held against now, and of which segments they are */
    size_t sorted_count;
    const bool *segments;
    pthread_mutex_t mutex; /* of what follows, while the crew works */
    struct arena arena;    /* of suspects */
    struct suspect *suspects;
    size_t suspect_count;
    uint64_t unsettled[VERIFY_EXTRA + 1]; /* beyond LIVE_SUSPECTS_MAX */
    _Atomic uint64_t compared;
    _Atomic size_t next; /* suspect, or part of the target */
    struct verify_result *result;
    struct arena *details; /* in which the result's details are */
    bool keeps_details;    /* the last look */
};

/* Suspects ---------------------------------------------------------------------------------------------------------------- */

static enum lf_code key_item_of(const struct key_schema *schema, const struct item *item, struct arena *arena,
                                struct item *ret_key, struct err *err)
{
    struct attribute attributes[2];
    struct item key = { .attributes = attributes };
    const struct span names[2] = { schema->partition.name, schema->sort.name };
    for (size_t i = 0; i < (key_schema_has_sort(schema) ? 2u : 1u); i++) {
        const struct value *value = item_get(item, names[i]);
        if (!value)
            return ERR(err, LF_ITEM, "an item without its key attribute %.*s", SPAN_ARG(names[i]));
        attributes[key.count++] = (struct attribute){ names[i], *value };
    }
    return item_copy(&key, arena, ret_key, err);
}

static enum lf_code keep_suspect(struct live *live, const struct item *item, enum verify_kind kind, struct err *err)
{
    if (live->suspect_count == LIVE_SUSPECTS_MAX) {
        live->unsettled[kind]++;
        return LF_OK;
    }
    struct suspect *suspect = &live->suspects[live->suspect_count];
    TRY(key_item_of(&live->table->key, item, &live->arena, &suspect->key, err));
    suspect->kind = kind;
    suspect->is_settled = false;
    live->suspect_count++;
    return LF_OK;
}

static enum lf_code add_suspect(struct live *live, const struct item *item, enum verify_kind kind, struct err *err)
{
    (void)pthread_mutex_lock(&live->mutex);
    enum lf_code code = keep_suspect(live, item, kind, err);
    (void)pthread_mutex_unlock(&live->mutex);
    return code;
}

/* The scan ---------------------------------------------------------------------------------------------------------------- */

struct batch {
    struct item items[BATCH_ITEMS];
    struct key keys[BATCH_ITEMS];
    size_t count;
    struct arena arena;
};

/* LF_OK and *ret_differs, which says how. */
static void judge_rows(const struct key_rows *rows, size_t key, const struct item *item, bool *ret_differs,
                       enum verify_kind *ret_kind)
{
    size_t count = key_rows_count(rows, key);
    *ret_differs = count != 1 || !item_equal(item, &rows->items[rows->first[key]]);
    *ret_kind = count == 0 ? VERIFY_MISSING : count > 1 ? VERIFY_EXTRA : VERIFY_DIFFERENT;
}

static enum lf_code compare_batch(struct live *live, struct pg_conn *conn, struct batch *batch, struct err *err)
{
    struct key_rows rows;
    TRY(key_rows_find(conn, live->comparison->map, live->table, batch->keys, batch->count, KEY_ROWS_ITEMS, &batch->arena, &rows,
                      err));
    for (size_t i = 0; i < batch->count; i++) {
        bool differs;
        enum verify_kind kind;
        judge_rows(&rows, i, &batch->items[i], &differs, &kind);
        if (differs)
            TRY(add_suspect(live, &batch->items[i], kind, err));
        TRY(crew_count(&live->comparison->crew, err));
    }
    TRY(live_keys_add(&live->keys, batch->keys, batch->count, err));
    atomic_fetch_add(&live->compared, batch->count);
    batch->count = 0;
    arena_reset(&batch->arena);
    return LF_OK;
}

/* The chunk outlives its batches, and of lines of text items borrow from nothing else. */
static enum lf_code compare_records(struct live *live, struct pg_conn *conn, struct source_records *records, struct batch *batch,
                                    struct err *err)
{
    for (;;) {
        bool end;
        TRY(source_records_next(records, &end, err));
        if (end)
            return batch->count ? compare_batch(live, conn, batch, err) : LF_OK;
        struct item *item = &batch->items[batch->count];
        TRY(source_records_item(records, &batch->arena, item, err));
        TRY(key_of_item(&live->table->key, item, &batch->arena, &batch->keys[batch->count], err));
        if (++batch->count == BATCH_ITEMS)
            TRY(compare_batch(live, conn, batch, err));
    }
}

static enum lf_code compare_chunks(struct live *live, struct pg_conn *conn, struct source_chunk *chunk, struct batch *batch,
                                   struct err *err)
{
    for (;;) {
        struct source_records records;
        bool end;
        TRY(source_next(live->comparison->source, chunk, &end, err));
        if (end)
            return LF_OK;
        source_records_init(&records, chunk);
        enum lf_code code = compare_records(live, conn, &records, batch, err);
        if (code != LF_OK)
            code = source_records_name_place(&records, &live->comparison->source->files[chunk->file], err);
        source_records_done(&records);
        TRY(code);
    }
}

static enum lf_code work_source(void *context, unsigned worker, struct pg_conn *conn, struct err *err)
{
    struct source_chunk chunk;
    struct batch *batch = calloc(1, sizeof *batch);
    (void)worker;
    if (!batch)
        return ERR(err, LF_MEMORY, "out of memory for a batch of items");
    arena_init(&batch->arena, BATCH_ARENA_BYTES);
    source_chunk_init(&chunk);
    enum lf_code code = compare_chunks(context, conn, &chunk, batch, err);
    source_chunk_done(&chunk);
    arena_done(&batch->arena);
    free(batch);
    return code;
}

/* Extra rows -------------------------------------------------------------------------------------------------------------- */

static int compare_hashes(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static enum lf_code check_row(void *context, const struct target_item *row, struct err *err)
{
    struct live *live = context;
    struct key key;
    TRY(crew_count(&live->comparison->crew, err));
    TRY(key_of_item(&live->table->key, row->item, row->arena, &key, err));
    uint64_t hash = key_hash(&key);
    if (!live->segments[key_segment(&key)])
        return LF_OK;
    if (live->sorted_count && bsearch(&hash, live->sorted, live->sorted_count, sizeof hash, compare_hashes))
        return LF_OK;
    return add_suspect(live, row->item, VERIFY_EXTRA, err);
}

static enum lf_code work_target(void *context, unsigned worker, struct pg_conn *conn, struct err *err)
{
    struct live *live = context;
    const struct target_parts *parts = &live->comparison->parts;
    (void)worker;
    for (size_t i; (i = atomic_fetch_add(&live->next, 1)) < parts->count;)
        if (parts->items[i].table == live->table)
            TRY(target_read(conn, live->comparison->map, &parts->items[i], NULL, check_row, live, err));
    return LF_OK;
}

static enum lf_code find_extra_of(struct live *live, uint64_t *hashes, size_t count, const bool *segments, struct err *err)
{
    if (count)
        qsort(hashes, count, sizeof *hashes, compare_hashes);
    live->sorted = hashes;
    live->sorted_count = count;
    live->segments = segments;
    atomic_store(&live->next, 0);
    return crew_run(&live->comparison->crew, work_target, live, err);
}

static enum lf_code find_extra(struct live *live, struct err *err)
{
    bool segments[PARITY_SEGMENTS], is_end = false;
    for (unsigned next = 0; !is_end;) {
        uint64_t *hashes = NULL;
        size_t count;
        TRY(live_keys_take(&live->keys, LIVE_KEYS_AT_ONCE, &next, segments, &hashes, &count, err));
        enum lf_code code = find_extra_of(live, hashes, count, segments, err);
        free(hashes);
        TRY(code);
        is_end = next == PARITY_SEGMENTS;
    }
    return LF_OK;
}

/* Looking again ----------------------------------------------------------------------------------------------------------- */

/* Both sides of a suspect now. */
struct sides {
    bool in_source;
    struct item source;
    size_t rows;
    struct item target; /* the first row's */
};

static enum lf_code read_sides(struct live *live, struct pg_conn *conn, const struct suspect *suspect, struct arena *arena,
                               struct sides *ret_sides, struct err *err)
{
    struct key key;
    struct key_rows rows;
    struct sides sides = { 0 };
    TRY(key_of_item(&live->table->key, &suspect->key, arena, &key, err));
    TRY(table_scan_read_item(live->comparison->source->scan, &suspect->key, arena, &sides.source, &sides.in_source, err));
    TRY(key_rows_find(conn, live->comparison->map, live->table, &key, 1, KEY_ROWS_ITEMS, arena, &rows, err));
    sides.rows = key_rows_count(&rows, 0);
    if (sides.rows)
        sides.target = rows.items[0];
    *ret_sides = sides;
    return LF_OK;
}

static bool sides_agree(const struct sides *sides)
{
    if (!sides->in_source || sides->rows != 1)
        return !sides->in_source && sides->rows == 0;
    return item_equal(&sides->source, &sides->target);
}

static enum verify_kind kind_of(const struct sides *sides)
{
    if (!sides->in_source || sides->rows > 1)
        return VERIFY_EXTRA;
    return sides->rows == 0 ? VERIFY_MISSING : VERIFY_DIFFERENT;
}

static enum lf_code key_text(const struct key_schema *schema, const struct item *key, struct arena *arena, struct span *ret_text,
                             struct err *err)
{
    struct buf text;
    buf_init(&text, DETAIL_TEXT_BYTES);
    key_describe(schema, key, &text);
    enum lf_code code = buf_check(&text, err);
    if (code == LF_OK)
        code = arena_copy(arena, buf_span(&text), ret_text, err);
    buf_done(&text);
    return code;
}

/* Names of attributes are copied by comparing copies. */
static enum lf_code fill_detail(struct live *live, const struct suspect *suspect, const struct sides *sides,
                                struct verify_difference *detail, struct err *err)
{
    struct item source, target;
    *detail = (struct verify_difference){ .kind = suspect->kind, .table = live->table->name };
    TRY(key_text(&live->table->key, &suspect->key, live->details, &detail->key, err));
    if (sides->in_source)
        TRY(ddbjson_item_text(&sides->source, DETAIL_TEXT_BYTES, live->details, &detail->source_json, err));
    if (sides->rows)
        TRY(ddbjson_item_text(&sides->target, DETAIL_TEXT_BYTES, live->details, &detail->target_json, err));
    if (!sides->in_source || !sides->rows)
        return LF_OK;
    TRY(item_copy(&sides->source, live->details, &source, err));
    TRY(item_copy(&sides->target, live->details, &target, err));
    return attributes_compare(&source, &target, live->details, detail, err);
}

static enum lf_code keep_detail(struct live *live, const struct suspect *suspect, const struct sides *sides, struct err *err)
{
    struct verify_result *result = live->result;
    enum lf_code code = LF_OK;
    (void)pthread_mutex_lock(&live->mutex);
    if (result->detail_count < live->comparison->options->details_max)
        code = fill_detail(live, suspect, sides, &result->details[result->detail_count++], err);
    (void)pthread_mutex_unlock(&live->mutex);
    return code;
}

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A key that is written again and again is behind whenever one looks. */
static void note_source(struct suspect *suspect, const struct sides *sides)
{
    struct hash128 source = { 0 };
    if (sides->in_source)
        source = item_hash(&sides->source);
    if (source.high == suspect->source.high && source.low == suspect->source.low)
        return;
    suspect->source = source;
    suspect->since_ms = now_ms();
}

static enum lf_code look_again(struct live *live, struct pg_conn *conn, struct suspect *suspect, struct arena *arena,
                               struct err *err)
{
    struct sides sides;
    TRY(read_sides(live, conn, suspect, arena, &sides, err));
    suspect->is_settled = sides_agree(&sides);
    if (suspect->is_settled)
        return LF_OK;
    suspect->kind = kind_of(&sides);
    note_source(suspect, &sides);
    return live->keeps_details ? keep_detail(live, suspect, &sides, err) : LF_OK;
}

static enum lf_code look_at_suspects(struct live *live, struct pg_conn *conn, struct arena *arena, struct err *err)
{
    for (size_t i; (i = atomic_fetch_add(&live->next, 1)) < live->suspect_count;) {
        arena_reset(arena);
        if (!live->suspects[i].is_settled)
            TRY(look_again(live, conn, &live->suspects[i], arena, err));
        if (atomic_load(&live->comparison->crew.stop))
            return ERR(err, LF_INTERRUPTED, "stopped");
    }
    return LF_OK;
}

static enum lf_code work_suspects(void *context, unsigned worker, struct pg_conn *conn, struct err *err)
{
    struct arena arena;
    (void)worker;
    arena_init(&arena, BATCH_ARENA_BYTES);
    enum lf_code code = look_at_suspects(context, conn, &arena, err);
    arena_done(&arena);
    return code;
}

static size_t count_unsettled(const struct live *live)
{
    size_t count = 0;
    for (size_t i = 0; i < live->suspect_count; i++)
        count += !live->suspects[i].is_settled;
    return count;
}

static enum lf_code rest(struct live *live, int64_t ms, struct err *err)
{
    const struct timespec pause = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000 };
    struct crew *crew = &live->comparison->crew;
    (void)nanosleep(&pause, NULL);
    if (crew->report && crew->report(crew->report_context, atomic_load(&crew->items_done), crew->items_total))
        return ERR(err, LF_INTERRUPTED, "stopped while differences were settling");
    return LF_OK;
}

static void begin_to_settle(struct live *live)
{
    int64_t since_ms = now_ms();
    for (size_t i = 0; i < live->suspect_count; i++) {
        live->suspects[i].source = (struct hash128){ 0 };
        live->suspects[i].since_ms = since_ms;
    }
}

/* Until all that differ have done so for long enough, but no longer than `end_ms`. */
static int64_t left_to_settle(const struct live *live, int64_t settle_ms, int64_t end_ms)
{
    int64_t due_ms = 0;
    for (size_t i = 0; i < live->suspect_count; i++)
        if (!live->suspects[i].is_settled && live->suspects[i].since_ms + settle_ms > due_ms)
            due_ms = live->suspects[i].since_ms + settle_ms;
    return (due_ms < end_ms ? due_ms : end_ms) - now_ms();
}

/* At once, then less and less often, and for the last time when the time is up. */
static enum lf_code settle(struct live *live, bool keeps_details, struct err *err)
{
    int64_t settle_ms = (int64_t)live->comparison->options->settle_seconds * 1000, pause_ms = SETTLE_MS_MIN;
    int64_t end_ms = now_ms() + SETTLE_TIMES_MAX * settle_ms;
    size_t details_before = live->result->detail_count;
    begin_to_settle(live);
    while (count_unsettled(live)) {
        int64_t left_ms = left_to_settle(live, settle_ms, end_ms);
        live->keeps_details = keeps_details && left_ms <= 0;
        live->result->detail_count = details_before;
        atomic_store(&live->next, 0);
        TRY(crew_run(&live->comparison->crew, work_suspects, live, err));
        bool was_last = left_ms <= 0;
        left_ms = left_to_settle(live, settle_ms, end_ms);
        if (was_last && left_ms <= 0)
            break;
        if (left_ms > 0)
            TRY(rest(live, pause_ms < left_ms ? pause_ms : left_ms, err));
        pause_ms = 2 * pause_ms < SETTLE_MS_MAX ? 2 * pause_ms : SETTLE_MS_MAX;
    }
    return LF_OK;
}

/* Keys of suspects, by who has the authority over them. */
struct mending {
    struct item *dynamodbs, *postgres;
    size_t dynamodbs_count, postgres_count;
};

static enum lf_code sort_suspects(struct live *live, const struct table_phase *phase, struct mending *mending, struct err *err)
{
    struct key_group moved;
    size_t found = count_unsettled(live);
    bool is_postgres = phase->phase == PHASE_POSTGRES, is_mixed = phase->moved.len > 0;
    mending->dynamodbs = arena_calloc(&live->arena, found, sizeof *mending->dynamodbs, err);
    mending->postgres = mending->dynamodbs ? arena_calloc(&live->arena, found, sizeof *mending->postgres, err) : NULL;
    if (!mending->postgres)
        return err->code;
    TRY(key_group_make(live->table, phase->moved, &live->arena, &moved, err));
    for (size_t i = 0; i < live->suspect_count; i++) {
        const struct item *key = &live->suspects[i].key;
        if (live->suspects[i].is_settled)
            continue;
        if (is_postgres && (!is_mixed || key_group_has(&moved, key)))
            mending->postgres[mending->postgres_count++] = *key;
        else
            mending->dynamodbs[mending->dynamodbs_count++] = *key;
    }
    return LF_OK;
}

/* The phase is held, so that it is that of the keys. */
static enum lf_code ask_in(struct live *live, struct pg_conn *conn, struct err *err)
{
    struct mending mending = { 0 };
    struct table_phase phase = { 0 };
    bool is_there;
    TRY(phase_read(conn, live->table->name, true, &live->arena, &phase, &is_there, err));
    TRY(sort_suspects(live, &phase, &mending, err));
    if (mending.postgres_count)
        TRY(key_asks_gateways(conn, live->table->name, mending.postgres, mending.postgres_count, err));
    return mending.dynamodbs_count ? key_asks_follower(conn, live->table->name, mending.dynamodbs, mending.dynamodbs_count, err)
                                   : LF_OK;
}

static enum lf_code repair(struct live *live, struct err *err)
{
    PG_CONN_CLEANUP struct pg_conn *conn = NULL;
    size_t found = count_unsettled(live);
    TRY(pg_connect(live->comparison->options->postgres, &conn, err));
    TRY(pg_exec(conn, "BEGIN", err));
    TRY(ask_in(live, conn, err));
    TRY(pg_exec(conn, "COMMIT", err));
    TRY(settle(live, false, err));
    live->result->repaired = found - count_unsettled(live);
    return LF_OK;
}

static void count_differences(const struct live *live)
{
    uint64_t counts[VERIFY_EXTRA + 1];
    memcpy(counts, live->unsettled, sizeof counts);
    for (size_t i = 0; i < live->suspect_count; i++)
        if (!live->suspects[i].is_settled)
            counts[live->suspects[i].kind]++;
    live->result->compared = atomic_load(&live->compared);
    live->result->different = counts[VERIFY_DIFFERENT];
    live->result->missing = counts[VERIFY_MISSING];
    live->result->extra = counts[VERIFY_EXTRA];
}

/* All of it --------------------------------------------------------------------------------------------------------------- */

static enum lf_code compare_both(struct live *live, struct err *err)
{
    struct comparison *comparison = live->comparison;
    source_rewind(comparison->source);
    comparison->crew.items_total = 2 * comparison->parts.row_estimate;
    TRY(crew_run(&comparison->crew, work_source, live, err));
    TRY(find_extra(live, err));
    TRY(settle(live, true, err));
    count_differences(live);
    return comparison->options->repair && count_unsettled(live) ? repair(live, err) : LF_OK;
}

static enum lf_code compare_with_room(struct live *live, struct err *err)
{
    live->suspects = calloc(LIVE_SUSPECTS_MAX, sizeof *live->suspects);
    if (!live->suspects)
        return ERR(err, LF_MEMORY, "out of memory for %d suspects", LIVE_SUSPECTS_MAX);
    enum lf_code code = live_keys_open(&live->keys, err);
    if (code == LF_OK)
        code = compare_both(live, err);
    live_keys_close(&live->keys);
    free(live->suspects);
    return code;
}

enum lf_code live_compare(struct comparison *comparison, struct arena *arena, struct verify_result *result, struct err *err)
{
    size_t tables[LIMIT_TABLES];
    struct live live = { .comparison = comparison, .result = result, .details = arena };
    TRY(scan_match_tables(comparison->map, comparison->source, tables, err));
    live.table = &comparison->map->tables[tables[0]];
    if (pthread_mutex_init(&live.mutex, NULL) != 0)
        return ERR(err, LF_MEMORY, "cannot make a mutex");
    arena_init(&live.arena, SUSPECTS_BYTES_MAX);
    enum lf_code code = compare_with_room(&live, err);
    arena_done(&live.arena);
    (void)pthread_mutex_destroy(&live.mutex);
    return code;
}
