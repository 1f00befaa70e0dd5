#include "move/load_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/sha256.h"
#include "move/backfill.h"
#include "move/changes.h"
#include "move/follow/loadable.h"
#include "move/lease.h"

enum { FINGERPRINT_BYTES_MAX = 1024 * 1024 * 1024, NUMBER_BYTES = 24 };

/* "backfill" in ASCII: of several that begin a load at once, one does it. */
#define BEGIN_LOCK "7089056601388706924"

enum lf_code backfill_fingerprint(const struct source *source, struct arena *arena, struct span *ret_fingerprint, struct err *err)
{
    struct buf text;
    char hex[SHA256_HEX_BYTES + 1];
    buf_init(&text, FINGERPRINT_BYTES_MAX);
    for (size_t i = 0; i < source->table_count; i++)
        buf_printf(&text, "table %.*s\n", SPAN_ARG(source->tables[i].name));
    if (source_is_live(source))
        buf_printf(&text, "scan %.*s\n", SPAN_ARG(source->identity));
    for (size_t i = 0; i < source->file_count && !source_is_live(source); i++) {
        const struct source_file *file = &source->files[i];
        buf_printf(&text, "file %.*s %lld %.*s\n", SPAN_ARG(file->name), (long long)file->size_bytes, SPAN_ARG(file->md5));
    }
    enum lf_code code = buf_check(&text, err);
    sha256_hex(buf_span(&text), hex);
    buf_done(&text);
    return code == LF_OK ? arena_copy(arena, span_of(hex, SHA256_HEX_BYTES), ret_fingerprint, err) : code;
}

/* Opening ------------------------------------------------------------------------------------------------------------------ */

/* Its id is 0 when there is none. */
static enum lf_code find_load(struct pg_conn *conn, struct span fingerprint, struct span map_hash, struct load_record *ret_load,
                              struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    struct pg_field value = pg_text_field(fingerprint);
    TRY(pg_query(conn, "SELECT id, map_hash, chunk_bytes FROM landfall.load WHERE fingerprint = $1",
                 &(struct pg_params){ .values = &value, .count = 1 }, &result, err));
    *ret_load = (struct load_record){ 0 };
    if (pg_result_rows(result) == 0)
        return LF_OK;
    if (!span_equal(span_from_cstr(pg_result_text(result, 0, 1)), map_hash))
        return ERR(
            err, LF_PRECONDITION,
            "the load of this source was begun with another map; use that one (it is in landfall.map), or take the tables back "
            "with `landfall migrate down` and begin again");
    *ret_load = (struct load_record){ pg_result_int64(result, 0, 0), (size_t)pg_result_int64(result, 0, 2) };
    return LF_OK;
}

static enum lf_code insert_load(struct pg_conn *conn, struct span fingerprint, struct span source, struct span map_hash,
                                struct span map_yaml, size_t chunk_bytes, struct load_record *ret_load, struct err *err)
{
    char number[NUMBER_BYTES];
    struct span chunk = { number, (size_t)snprintf(number, sizeof number, "%zu", chunk_bytes) };
    PG_RESULT_CLEANUP struct pg_result *map = NULL;
    PG_RESULT_CLEANUP struct pg_result *load = NULL;
    struct pg_field map_values[] = { pg_text_field(map_hash), pg_text_field(map_yaml) };
    struct pg_field load_values[] = { pg_text_field(fingerprint), pg_text_field(source), pg_text_field(map_hash),
                                      pg_text_field(chunk) };
    TRY(pg_query(conn, "INSERT INTO landfall.map (hash, yaml) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                 &(struct pg_params){ .values = map_values, .count = 2 }, &map, err));
    TRY(pg_query(conn,
                 "INSERT INTO landfall.load (fingerprint, source, map_hash, chunk_bytes) VALUES ($1, $2, $3, $4) RETURNING id",
                 &(struct pg_params){ .values = load_values, .count = 4 }, &load, err));
    *ret_load = (struct load_record){ pg_result_int64(load, 0, 0), chunk_bytes };
    return LF_OK;
}

/* Of a load that has ended nothing is left to do. */
static enum lf_code check_followed(struct pg_conn *conn, const struct source *source, int64_t load, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *open = NULL;
    char number[NUMBER_BYTES];
    struct pg_field value = { number, (size_t)snprintf(number, sizeof number, "%" PRId64, load) };
    TRY(pg_query(conn, "SELECT FROM landfall.load WHERE id = $1 AND finished_at IS NOT NULL",
                 &(struct pg_params){ .values = &value, .count = 1 }, &open, err));
    return pg_result_rows(open) ? LF_OK : loadable_check(conn, source, load, err);
}

static enum lf_code find_or_begin(struct pg_conn *conn, const struct load_plan *plan, struct span fingerprint,
                                  const struct source *source, struct span map_yaml, size_t chunk_bytes,
                                  struct load_record *ret_load, struct err *err)
{
    char map_hash[SHA256_HEX_BYTES + 1];
    sha256_hex(map_yaml, map_hash);
    TRY(find_load(conn, fingerprint, span_from_cstr(map_hash), ret_load, err));
    TRY(check_followed(conn, source, ret_load->id, err));
    if (ret_load->id)
        return LF_OK;
    TRY(load_plan_check_empty(plan, conn, err));
    return insert_load(conn, fingerprint, source->path, span_from_cstr(map_hash), map_yaml, chunk_bytes, ret_load, err);
}

enum lf_code load_state_open(struct pg_conn *conn, const struct load_plan *plan, const struct source *source,
                             struct span map_yaml, size_t chunk_bytes, struct arena *arena, struct load_record *ret_load,
                             struct err *err)
{
    struct span fingerprint;
    TRY(backfill_fingerprint(source, arena, &fingerprint, err));
    TRY(lease_begin_short(conn, err));
    TRY(pg_exec(conn, "SELECT pg_catalog.pg_advisory_xact_lock(" BEGIN_LOCK ")", err));
    TRY(find_or_begin(conn, plan, fingerprint, source, map_yaml, chunk_bytes, ret_load, err));
    return pg_exec(conn, "COMMIT", err);
}

/* Reading ------------------------------------------------------------------------------------------------------------------ */

static int compare_file_name(const void *name, const void *file)
{
    return span_compare(*(const struct span *)name, ((const struct source_file *)file)->name);
}

static enum lf_code find_file(const struct source *source, struct pg_field name, size_t *ret_file, struct err *err)
{
    struct span key = span_of(name.data, name.len);
    const struct source_file *file =
        source->file_count ? bsearch(&key, source->files, source->file_count, sizeof *file, compare_file_name) : NULL;
    if (!file)
        return ERR(err, LF_PRECONDITION, "landfall.segment names file %.*s, which the source does not have", SPAN_ARG(key));
    *ret_file = (size_t)(file - source->files);
    return LF_OK;
}

/* Of several chunks of a segment the last one's stays. */
static enum lf_code keep_position(struct pg_field position, struct loaded_end *end, uint64_t number, struct arena *arena,
                                  struct err *err)
{
    end->chunks = number + 1;
    return arena_copy(arena, span_of(position.data, position.len), &end->position, err);
}

/* Chunks come in order of file and number, so a file whose last chunk has number n is complete when n + 1 are there. */
static enum lf_code read_chunks(const struct pg_result *result, const struct source *source, struct load_state *state,
                                struct arena *arena, struct err *err)
{
    enum { POSITION = 6 };
    uint64_t seen = 0;
    size_t last_file = source->file_count;
    for (size_t row = 0; row < state->chunk_count; row++) {
        struct loaded_chunk *chunk = &state->chunks[row];
        TRY(find_file(source, pg_result_get(result, row, 0), &chunk->file, err));
        chunk->number = (uint64_t)pg_result_int64(result, row, 1);
        seen = chunk->file == last_file ? seen + 1 : 1;
        last_file = chunk->file;
        if (pg_result_int64(result, row, 2) && seen == chunk->number + 1)
            state->is_complete[chunk->file] = true;
        if (source_is_live(source))
            TRY(keep_position(pg_result_get(result, row, POSITION), &state->ends[chunk->file], chunk->number, arena, err));
        state->items += (uint64_t)pg_result_int64(result, row, 3);
        state->unclaimed += (uint64_t)pg_result_int64(result, row, 4);
        state->rejected += (uint64_t)pg_result_int64(result, row, 5);
    }
    return LF_OK;
}

enum lf_code load_state_read(struct pg_conn *conn, int64_t load, const struct source *source, struct arena *arena,
                             struct load_state *ret_state, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    struct load_state state = { .id = load, .all_complete = true };
    struct span id;
    TRY(arena_printf(arena, &id, err, "%lld", (long long)load));
    struct pg_field value = pg_text_field(id);
    TRY(pg_query(
        conn,
        "SELECT file, chunk, is_last::integer, items, unclaimed, rejected, position FROM landfall.segment WHERE load_id = $1"
        " ORDER BY file COLLATE \"C\", chunk",
        &(struct pg_params){ .values = &value, .count = 1 }, &result, err));
    state.chunk_count = pg_result_rows(result);
    state.chunks = arena_calloc(arena, state.chunk_count, sizeof *state.chunks, err);
    state.is_complete = state.chunks ? arena_calloc(arena, source->file_count, sizeof *state.is_complete, err) : NULL;
    state.ends = state.is_complete ? arena_calloc(arena, source->file_count, sizeof *state.ends, err) : NULL;
    if (!state.ends)
        return err->code;
    TRY(read_chunks(result, source, &state, arena, err));
    for (size_t i = 0; i < source->file_count; i++)
        state.all_complete &= state.is_complete[i];
    *ret_state = state;
    return LF_OK;
}

static int compare_chunks(const void *a, const void *b)
{
    const struct loaded_chunk *left = a, *right = b;
    if (left->file != right->file)
        return left->file < right->file ? -1 : 1;
    return (left->number > right->number) - (left->number < right->number);
}

bool load_state_has(const struct load_state *state, size_t file, uint64_t number)
{
    struct loaded_chunk chunk = { file, number };
    return state->chunk_count && bsearch(&chunk, state->chunks, state->chunk_count, sizeof chunk, compare_chunks);
}

enum lf_code load_state_add_rows(struct pg_conn *conn, int64_t load, uint64_t *rows, size_t target_count, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    char number[NUMBER_BYTES];
    struct pg_field value = { number, (size_t)snprintf(number, sizeof number, "%" PRId64, load) };
    TRY(pg_query(conn,
                 "SELECT r.target - 1, pg_catalog.sum(r.count)::bigint"
                 " FROM landfall.segment s, pg_catalog.unnest(s.rows) WITH ORDINALITY r (count, target)"
                 " WHERE s.load_id = $1 GROUP BY r.target",
                 &(struct pg_params){ .values = &value, .count = 1 }, &result, err));
    for (size_t row = 0; row < pg_result_rows(result); row++) {
        uint64_t target = (uint64_t)pg_result_int64(result, row, 0);
        if (target >= target_count)
            return ERR(err, LF_PRECONDITION, "landfall.segment counts rows of more than %zu tables", target_count);
        rows[target] += (uint64_t)pg_result_int64(result, row, 1);
    }
    return LF_OK;
}

enum lf_code load_state_mark_indexed(struct pg_conn *conn, int64_t load, struct err *err)
{
    return pg_execf(conn, err, "UPDATE landfall.load SET indexed_at = pg_catalog.clock_timestamp() WHERE id = %" PRId64, load);
}

enum lf_code load_state_is_indexed(struct pg_conn *conn, int64_t load, int64_t worker, bool *ret_indexed, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    char numbers[2][NUMBER_BYTES];
    struct pg_field values[] = {
        { numbers[0], (size_t)snprintf(numbers[0], NUMBER_BYTES, "%" PRId64, load) },
        { numbers[1], (size_t)snprintf(numbers[1], NUMBER_BYTES, "%" PRId64, worker) },
    };
    TRY(pg_query(
        conn, "SELECT FROM landfall.load l JOIN landfall.worker w ON w.id = $2 WHERE l.id = $1 AND l.indexed_at > w.started_at",
        &(struct pg_params){ .values = values, .count = 2 }, &result, err));
    *ret_indexed = pg_result_rows(result) > 0;
    return LF_OK;
}

enum lf_code load_state_finish(struct pg_conn *conn, int64_t load, const struct source *source, struct err *err)
{
    TRY(pg_exec(conn, "BEGIN", err));
    for (size_t i = 0; i < source->table_count; i++)
        if (source->table_times[i] != MANIFEST_TIME_UNKNOWN)
            TRY(changes_record_full(conn, source->tables[i].name, source->table_times[i], err));
    TRY(pg_execf(conn, err, "UPDATE landfall.load SET finished_at = pg_catalog.now() WHERE id = %lld AND finished_at IS NULL",
                 (long long)load));
    return pg_exec(conn, "COMMIT", err);
}
