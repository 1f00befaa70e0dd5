#include "move/chunk_load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "codec/utf8.h"
#include "map/row.h"
#include "move/item_row.h"
#include "source/records.h"

enum {
    ITEM_ARENA_BYTES = 512 * 1024 * 1024, /* an item of 400 KB may have very many rows in child tables */
    BUFFER_BYTES_MAX = 1024 * 1024 * 1024,
    KEPT_BYTES_MAX = 2 * CHUNK_LOAD_FLUSH_BYTES, /* of empty buffers between chunks */
    SUMS_BYTES_MAX = PARITY_SEGMENTS * 32,
    ROWS_BYTES_MAX = 16 * 1024 * 1024,
    REJECT_FIELDS = 5,
    NUMBER_BYTES = 24,
};

enum lf_code chunk_loader_init(struct chunk_loader *loader, const struct load_plan *plan, struct err *err)
{
    *loader = (struct chunk_loader){ .plan = plan };
    arena_init(&loader->arena, ITEM_ARENA_BYTES);
    loader->buffers = calloc(plan->target_count, sizeof *loader->buffers);
    loader->rows = calloc(plan->target_count, sizeof *loader->rows);
    if (!loader->buffers || !loader->rows) {
        chunk_loader_done(loader);
        return ERR(err, LF_MEMORY, "out of memory for %zu tables", plan->target_count);
    }
    for (size_t i = 0; i < plan->target_count; i++)
        buf_init(&loader->buffers[i], BUFFER_BYTES_MAX);
    return LF_OK;
}

void chunk_loader_done(struct chunk_loader *loader)
{
    for (size_t i = 0; loader->buffers && i < loader->plan->target_count; i++)
        buf_done(&loader->buffers[i]);
    free(loader->buffers);
    free(loader->rows);
    arena_done(&loader->arena);
    loader->buffers = NULL;
    loader->rows = NULL;
}

/* Buffers and COPY --------------------------------------------------------------------------------------------------------- */

static void put_row(struct chunk_loader *loader, size_t target, const struct pg_field *fields, size_t count)
{
    struct buf *buffer = &loader->buffers[target];
    size_t before = buffer->len;
    if (before == 0)
        pg_put_copy_header(buffer);
    pg_put_copy_row(buffer, fields, count);
    loader->buffered_bytes += buffer->len - before;
    loader->rows[target]++;
}

static enum lf_code send_buffer(struct chunk_loader *loader, size_t target, struct err *err)
{
    struct buf *buffer = &loader->buffers[target];
    pg_put_copy_trailer(buffer);
    TRY(buf_check(buffer, err));
    enum stage before = stage_enter(loader->clock, STAGE_SEND);
    enum lf_code code = pg_copy_in_begin(loader->conn, loader->plan->targets[target].copy, err);
    if (code == LF_OK)
        code = pg_copy_in_put(loader->conn, buf_span(buffer), err);
    if (code == LF_OK)
        code = pg_copy_in_end(loader->conn, NULL, err);
    (void)stage_enter(loader->clock, before);
    buf_reset(buffer);
    return code == LF_OK ? LF_OK : err_while(err, "loading %.*s", SPAN_ARG(loader->plan->targets[target].qualified));
}

static enum lf_code flush(struct chunk_loader *loader, struct err *err)
{
    for (size_t i = 0; i < loader->plan->target_count; i++)
        if (loader->buffers[i].len > 0 || loader->buffers[i].failed)
            TRY(send_buffer(loader, i, err));
    loader->buffered_bytes = 0;
    return LF_OK;
}

/* Empties the buffers. A run of chunks that each fill other tables must not keep the largest buffer of every table. */
static void reset_buffers(struct chunk_loader *loader)
{
    size_t kept = 0;
    for (size_t i = 0; i < loader->plan->target_count; i++) {
        buf_reset(&loader->buffers[i]);
        kept += loader->buffers[i].cap;
        if (kept > KEPT_BYTES_MAX)
            buf_done(&loader->buffers[i]);
    }
    loader->buffered_bytes = 0;
}

static void reset(struct chunk_loader *loader)
{
    reset_buffers(loader);
    memset(loader->rows, 0, loader->plan->target_count * sizeof *loader->rows);
    loader->counts = (struct chunk_counts){ 0 };
    loader->sums = (struct parity){ 0 };
}

/* Rejects ------------------------------------------------------------------------------------------------------------------ */

static void put_big_endian(char bytes[8], uint64_t number)
{
    for (size_t i = 0; i < 8; i++)
        bytes[i] = (char)(unsigned char)(number >> (56 - 8 * i));
}

static void put_reject(struct chunk_loader *loader, struct span file, uint64_t line, struct span reason, struct span content)
{
    char load[8], number[8];
    put_big_endian(load, (uint64_t)loader->load);
    put_big_endian(number, line);
    struct pg_field fields[REJECT_FIELDS] = {
        { load, sizeof load }, pg_text_field(file), { number, sizeof number }, pg_text_field(reason), pg_text_field(content),
    };
    put_row(loader, loader->plan->reject, fields, REJECT_FIELDS);
    loader->counts.rejected++;
}

/* Items -------------------------------------------------------------------------------------------------------------------- */

/* Where a record stands, and what it belongs to. */
struct place {
    const struct source_file *file;
    const struct load_table *table;
    struct source_records *records; /* at the record */
};

static enum lf_code put_unclaimed(struct chunk_loader *loader, const struct place *place, const struct key *key,
                                  const struct item *item, struct span reason, struct err *err)
{
    struct pg_field fields[ITEM_ROW_FIELDS];
    TRY(item_row_fields(place->table->table->name, key, item, reason, &loader->arena, fields, err));
    put_row(loader, loader->plan->item, fields, ITEM_ROW_FIELDS);
    loader->counts.unclaimed++;
    return LF_OK;
}

static void put_claimed(struct chunk_loader *loader, const struct place *place, const struct row *row)
{
    const struct entity *entity = row->entity;
    size_t target = place->table->targets[entity - place->table->table->entities];
    put_row(loader, target, row->fields, entity->column_count + 1);
    for (size_t c = 0; c < entity->child_count; c++) {
        const struct row_child *child = &row->children[c];
        for (size_t i = 0; i < child->row_count; i++)
            put_row(loader, target + 1 + c, child->fields + i * child->field_count, child->field_count);
    }
}

static bool breaks_constraint(const struct err *err)
{
    return err->code == LF_SQL && strncmp(err->sqlstate, "23", 2) == 0;
}

/* Takes the item's rows out of the counts again. */
static void uncount_claimed(struct chunk_loader *loader, const struct place *place, const struct row *row)
{
    size_t target = place->table->targets[row->entity - place->table->table->entities];
    loader->rows[target]--;
    for (size_t c = 0; c < row->entity->child_count; c++)
        loader->rows[target + 1 + c] -= row->children[c].row_count;
}

/* Sends what was put behind the savepoint, or takes it back, and *ret_sent is false. */
static enum lf_code send_or_take_back(struct chunk_loader *loader, bool *ret_sent, struct err *refused, struct err *err)
{
    *ret_sent = flush(loader, refused) == LF_OK;
    if (*ret_sent)
        return pg_exec(loader->conn, "RELEASE SAVEPOINT item", err);
    if (!breaks_constraint(refused)) {
        *err = *refused;
        return refused->code;
    }
    reset_buffers(loader);
    return pg_exec(loader->conn, "ROLLBACK TO SAVEPOINT item; RELEASE SAVEPOINT item", err);
}

/* An item whose key landfall.item has already: as violations.h keeps those that are found later. */
static enum lf_code put_repeated(struct chunk_loader *loader, const struct place *place, const struct key *key,
                                 const struct item *item, struct err *err)
{
    struct pg_field fields[ITEM_ROW_FIELDS];
    struct span reason, content;
    struct span table = place->table->table->name;
    TRY(arena_printf(&loader->arena, &reason, err, "%.*s:%" PRIu64 ": the source holds the DynamoDB key more than once",
                     SPAN_ARG(place->file->name), place->records->number));
    TRY(item_row_fields(table, key, item, reason, &loader->arena, fields, err));
    TRY(arena_printf(&loader->arena, &content, err, "{\"Item\":%.*s}", (int)fields[4].len, fields[4].data));
    put_reject(loader, table, 0, reason, content);
    parity_subtract_item(&loader->sums, key, item);
    loader->counts.items--;
    return LF_OK;
}

/* Alone behind a savepoint: what is in the buffers before is sent first. */
static enum lf_code unclaim_carefully(struct chunk_loader *loader, const struct place *place, const struct key *key,
                                      const struct item *item, struct span reason, struct err *err)
{
    struct err refused = ERR_INIT;
    bool is_sent;
    TRY(flush(loader, err));
    TRY(pg_exec(loader->conn, "SAVEPOINT item", err));
    TRY(put_unclaimed(loader, place, key, item, reason, err));
    TRY(send_or_take_back(loader, &is_sent, &refused, err));
    if (is_sent)
        return LF_OK;
    loader->rows[loader->plan->item]--;
    loader->counts.unclaimed--;
    return put_repeated(loader, place, key, item, err);
}

static enum lf_code load_carefully(struct chunk_loader *loader, const struct place *place, const struct key *key,
                                   const struct item *item, const struct row *row, struct err *err)
{
    struct err refused = ERR_INIT;
    bool is_sent;
    TRY(flush(loader, err));
    TRY(pg_exec(loader->conn, "SAVEPOINT item", err));
    put_claimed(loader, place, row);
    TRY(send_or_take_back(loader, &is_sent, &refused, err));
    if (is_sent)
        return LF_OK;
    uncount_claimed(loader, place, row);
    return unclaim_carefully(loader, place, key, item, span_from_cstr(refused.message), err);
}

static enum lf_code load_item(struct chunk_loader *loader, const struct place *place, const struct key *key,
                              const struct item *item, struct err *err)
{
    struct row row;
    stage_part(loader->clock, STAGE_ENCODE);
    TRY(row_encode(place->table->table, item, &loader->arena, &row, err));
    loader->counts.items++;
    stage_part(loader->clock, STAGE_SUMS);
    parity_add_item(&loader->sums, key, item);
    stage_part(loader->clock, STAGE_PUT);
    if (!row.entity)
        return (loader->is_careful ? unclaim_carefully : put_unclaimed)(loader, place, key, item, row.reason, err);
    if (loader->is_careful)
        return load_carefully(loader, place, key, item, &row, err);
    put_claimed(loader, place, &row);
    return loader->buffered_bytes > CHUNK_LOAD_FLUSH_BYTES ? flush(loader, err) : LF_OK;
}

/* Records ------------------------------------------------------------------------------------------------------------------ */

static enum lf_code read_record(struct chunk_loader *loader, const struct place *place, struct item *item, struct key *key,
                                struct err *err)
{
    TRY(source_records_item(place->records, &loader->arena, item, err));
    return key_of_item(&place->table->table->key, item, &loader->arena, key, err);
}

static bool is_bad_record(enum lf_code code)
{
    return code == LF_SYNTAX || code == LF_ITEM || code == LF_LIMIT;
}

/* What PostgreSQL cannot hold as text becomes question marks: a message may quote bytes of the record. */
static void make_storable(char *text, size_t len)
{
    for (size_t at; (at = utf8_invalid_at(span_of(text, len))) < len; text += at + 1, len -= at + 1)
        text[at] = '?';
}

/* "byte N: …", for landfall.reject and as the end of the error message. */
static enum lf_code describe(const struct err *bad, struct arena *arena, struct span *ret_text, struct err *err)
{
    char text[ERR_MESSAGE_BYTES + NUMBER_BYTES + sizeof "byte : "];
    int len = bad->offset < 0 ? snprintf(text, sizeof text, "%s", bad->message)
                              : snprintf(text, sizeof text, "byte %" PRId64 ": %s", bad->offset, bad->message);
    make_storable(text, (size_t)len);
    return arena_copy(arena, span_of(text, (size_t)len), ret_text, err);
}

static enum lf_code bad_record(struct chunk_loader *loader, const struct place *place, const struct err *bad, struct err *err)
{
    struct span reason, content;
    TRY(describe(bad, &loader->arena, &reason, err));
    if (loader->keeps_rejects) {
        TRY(source_records_verbatim(place->records, &loader->arena, &content, err));
        put_reject(loader, place->file->name, place->records->number, reason, content);
        return LF_OK;
    }
    return ERR_AT(err, bad->code, bad->offset, "%.*s:%" PRIu64 ": %.*s", SPAN_ARG(place->file->path), place->records->number,
                  SPAN_ARG(reason));
}

static enum lf_code load_record(struct chunk_loader *loader, const struct place *place, struct err *err)
{
    struct item item;
    struct key key;
    enum lf_code code = read_record(loader, place, &item, &key, err);
    if (code == LF_OK)
        return load_item(loader, place, &key, &item, err);
    if (!is_bad_record(code))
        return code;
    struct err bad = *err;
    *err = (struct err)ERR_INIT;
    return bad_record(loader, place, &bad, err);
}

static enum lf_code load_records(struct chunk_loader *loader, const struct place *place, struct err *err)
{
    for (;;) {
        bool end;
        TRY(source_records_next(place->records, &end, err));
        if (end)
            return flush(loader, err);
        if (atomic_load_explicit(loader->stop, memory_order_relaxed))
            return ERR(err, LF_INTERRUPTED, "stopped");
        stage_item(loader->clock, STAGE_PARSE);
        arena_reset(&loader->arena);
        TRY(load_record(loader, place, err));
    }
}

static enum lf_code load_all_records(struct chunk_loader *loader, const struct source_chunk *chunk, struct err *err)
{
    const struct source_file *file = &loader->source->files[chunk->file];
    struct source_records records;
    source_records_init(&records, chunk);
    const struct place place = { .file = file, .table = &loader->plan->tables[file->table], .records = &records };
    (void)stage_enter(loader->clock, STAGE_ITEMS);
    enum lf_code code = load_records(loader, &place, err);
    (void)stage_enter(loader->clock, STAGE_COMMIT);
    source_records_done(&records);
    return code;
}

/* Transaction -------------------------------------------------------------------------------------------------------------- */

static const char *number_text(char text[NUMBER_BYTES], uint64_t number)
{
    (void)snprintf(text, NUMBER_BYTES, "%" PRIu64, number);
    return text;
}

/* The lock says "somebody is at this chunk": without it the INSERT would wait for them. */
static int64_t chunk_lock(const struct chunk_loader *loader, const struct source_chunk *chunk)
{
    uint64_t numbers[] = { (uint64_t)loader->load, chunk->number };
    uint64_t seed = hash64(span_of((const char *)numbers, sizeof numbers), 0);
    return (int64_t)hash64(loader->source->files[chunk->file].name, seed);
}

static enum lf_code claim(struct chunk_loader *loader, const struct source_chunk *chunk, bool *ret_claimed, struct err *err)
{
    static const char sql[] =
        "INSERT INTO landfall.segment (load_id, file, chunk, is_last, table_name, items, unclaimed, rejected, rows, sums, "
        "position)"
        " SELECT $1, $2, $3::bigint, $4, $5, 0, 0, 0, '{}', '', $9::text WHERE ($6 OR pg_catalog.pg_try_advisory_xact_lock($7))"
        "  AND ($9 IS NULL OR $3::bigint = 0 OR EXISTS (SELECT FROM landfall.segment s WHERE s.load_id = $1 AND s.file = $2"
        "                                       AND s.chunk = $3::bigint - 1 AND s.position = $8))"
        " ON CONFLICT DO NOTHING";
    const struct source_file *file = &loader->source->files[chunk->file];
    bool is_live = source_is_live(loader->source);
    char load[NUMBER_BYTES], number[NUMBER_BYTES], lock[NUMBER_BYTES];
    (void)snprintf(lock, sizeof lock, "%" PRId64, chunk_lock(loader, chunk));
    struct pg_field values[] = {
        pg_text_field(span_from_cstr(number_text(load, (uint64_t)loader->load))),
        pg_text_field(file->name),
        pg_text_field(span_from_cstr(number_text(number, chunk->number))),
        pg_text_field(chunk->is_last ? SPAN("true") : SPAN("false")),
        pg_text_field(loader->source->tables[file->table].name),
        pg_text_field(loader->waits ? SPAN("true") : SPAN("false")),
        pg_text_field(span_from_cstr(lock)),
        is_live ? pg_text_field(buf_span(&chunk->start)) : PG_NULL,
        is_live ? pg_text_field(buf_span(&chunk->end)) : PG_NULL,
    };
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    TRY(pg_query(loader->conn, sql, &(struct pg_params){ .values = values, .count = 9 }, &result, err));
    *ret_claimed = pg_result_affected(result) == 1;
    return LF_OK;
}

static enum lf_code update_segment(struct chunk_loader *loader, const struct source_chunk *chunk, struct span rows,
                                   struct span sums, struct err *err)
{
    static const char sql[] = "UPDATE landfall.segment SET items = $4, unclaimed = $5, rejected = $6, rows = $7, sums = $8"
                              " WHERE load_id = $1 AND file = $2 AND chunk = $3";
    char load[NUMBER_BYTES], number[NUMBER_BYTES], items[NUMBER_BYTES], unclaimed[NUMBER_BYTES], rejected[NUMBER_BYTES];
    struct pg_field values[] = {
        pg_text_field(span_from_cstr(number_text(load, (uint64_t)loader->load))),
        pg_text_field(loader->source->files[chunk->file].name),
        pg_text_field(span_from_cstr(number_text(number, chunk->number))),
        pg_text_field(span_from_cstr(number_text(items, loader->counts.items))),
        pg_text_field(span_from_cstr(number_text(unclaimed, loader->counts.unclaimed))),
        pg_text_field(span_from_cstr(number_text(rejected, loader->counts.rejected))),
        pg_text_field(rows),
        pg_text_field(sums),
    };
    static const bool binary[] = { false, false, false, false, false, false, false, true };
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    return pg_query(loader->conn, sql, &(struct pg_params){ .values = values, .binary = binary, .count = 8 }, &result, err);
}

/* A bigint[]. */
static void put_rows(struct buf *text, const struct chunk_loader *loader)
{
    for (size_t i = 0; i < loader->plan->target_count; i++)
        buf_printf(text, "%c%" PRIu64, i == 0 ? '{' : ',', loader->rows[i]);
    buf_put_byte(text, '}');
}

static enum lf_code finish_segment(struct chunk_loader *loader, const struct source_chunk *chunk, struct err *err)
{
    struct buf sums, rows;
    buf_init(&sums, SUMS_BYTES_MAX);
    buf_init(&rows, ROWS_BYTES_MAX);
    parity_put(&sums, &loader->sums);
    put_rows(&rows, loader);
    enum lf_code code = buf_check(&sums, err);
    if (code == LF_OK)
        code = buf_check(&rows, err);
    if (code == LF_OK)
        code = update_segment(loader, chunk, buf_span(&rows), buf_span(&sums), err);
    buf_done(&sums);
    buf_done(&rows);
    return code;
}

static enum lf_code load_claimed(struct chunk_loader *loader, const struct source_chunk *chunk, struct err *err)
{
    TRY(load_all_records(loader, chunk, err));
    return finish_segment(loader, chunk, err);
}

/* BEGIN … COMMIT, or ROLLBACK; the error is the first one's. */
static enum lf_code load_once(struct chunk_loader *loader, const struct source_chunk *chunk, bool *ret_loaded, struct err *err)
{
    bool claimed = false;
    reset(loader);
    (void)stage_enter(loader->clock, STAGE_COMMIT);
    TRY(pg_exec(loader->conn, "BEGIN", err));
    enum lf_code code = claim(loader, chunk, &claimed, err);
    if (code == LF_OK && claimed)
        code = load_claimed(loader, chunk, err);
    if (code == LF_OK)
        code = pg_exec(loader->conn, claimed ? "COMMIT" : "ROLLBACK", err);
    if (code == LF_OK) {
        *ret_loaded = claimed;
    } else {
        struct err ignored = ERR_INIT;
        (void)!pg_exec(loader->conn, "ROLLBACK", &ignored);
    }
    return code;
}

enum lf_code chunk_load(struct chunk_loader *loader, const struct source_chunk *chunk, bool *ret_loaded, struct err *err)
{
    loader->is_careful = false;
    if (load_once(loader, chunk, ret_loaded, err) == LF_OK)
        return LF_OK;
    if (!breaks_constraint(err))
        return err->code;
    loader->is_careful = true;
    return load_once(loader, chunk, ret_loaded, err);
}
