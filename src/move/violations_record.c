#include "move/violations_record.h"

#include "move/verify_record.h"

enum { KEYS_BYTES_MAX = 1024 * 1024 };

static enum lf_code insert(struct pg_conn *conn, int64_t load, const struct violation *violation, struct buf *keys,
                           struct err *err)
{
    static const char sql[] = "INSERT INTO landfall.violation (load_id, table_name, constraint_name, is_rejected, items, keys)"
                              " VALUES ($1, $2, $3, $4, $5, $6)";
    char load_text[PG_NUMBER_BYTES], items_text[PG_NUMBER_BYTES];
    record_put_array(keys, violation->keys, violation->key_count);
    TRY(buf_check(keys, err));
    struct pg_field values[] = {
        pg_number_field(load, load_text),
        pg_text_field(violation->table),
        pg_text_field(violation->constraint),
        pg_text_field(violation->is_rejected ? SPAN("true") : SPAN("false")),
        pg_number_field((int64_t)violation->items, items_text),
        pg_text_field(buf_span(keys)),
    };
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    return pg_query(conn, sql, &(struct pg_params){ .values = values, .count = 6 }, &result, err);
}

enum lf_code violations_record(struct pg_conn *conn, int64_t load, const struct violations *violations, struct err *err)
{
    struct buf keys;
    TRY(pg_exec(conn, "BEGIN", err));
    buf_init(&keys, KEYS_BYTES_MAX);
    enum lf_code code = LF_OK;
    for (size_t i = 0; i < violations->count && code == LF_OK; i++) {
        buf_reset(&keys);
        code = insert(conn, load, &violations->items[i], &keys, err);
    }
    buf_done(&keys);
    TRY(code);
    return pg_exec(conn, "COMMIT", err);
}

/* Recalling ---------------------------------------------------------------------------------------------------------------- */

static enum lf_code copy_field(const struct pg_result *rows, size_t row, size_t column, struct arena *arena,
                               struct span *ret_text, struct err *err)
{
    struct pg_field field = pg_result_get(rows, row, column);
    return arena_copy(arena, span_of(field.data, field.len), ret_text, err);
}

/* Columns as of violations_recall. */
static enum lf_code read_violation(const struct pg_result *rows, size_t row, struct arena *arena, struct violation *violation,
                                   struct err *err)
{
    enum { FIRST_KEY = 4 };
    *violation = (struct violation){
        .is_rejected = pg_result_int64(rows, row, 2) != 0,
        .items = (uint64_t)pg_result_int64(rows, row, 3),
    };
    TRY(copy_field(rows, row, 0, arena, &violation->table, err));
    TRY(copy_field(rows, row, 1, arena, &violation->constraint, err));
    while (violation->key_count < VIOLATION_KEYS_MAX && pg_result_get(rows, row, FIRST_KEY + violation->key_count).data) {
        TRY(copy_field(rows, row, FIRST_KEY + violation->key_count, arena, &violation->keys[violation->key_count], err));
        violation->key_count++;
    }
    return LF_OK;
}

/* One list of what was there and of `rows`. */
static enum lf_code append(const struct pg_result *rows, struct violations *violations, struct err *err)
{
    size_t count = violations->count + pg_result_rows(rows);
    struct violation *items = arena_calloc(violations->arena, count, sizeof *items, err);
    if (!items)
        return err->code;
    for (size_t i = 0; i < violations->count; i++)
        items[i] = violations->items[i];
    for (size_t row = 0; row < pg_result_rows(rows); row++) {
        struct violation *violation = &items[violations->count + row];
        TRY(read_violation(rows, row, violations->arena, violation, err));
        *(violation->is_rejected ? &violations->rejected : &violations->moved) += violation->items;
    }
    violations->items = items;
    violations->count = count;
    return LF_OK;
}

enum lf_code violations_recall(struct pg_conn *conn, int64_t load, int64_t worker, struct violations *violations, struct err *err)
{
    _Static_assert(VIOLATION_KEYS_MAX == 3, "as many as there are in the statement");
    static const char sql[] = "SELECT table_name, constraint_name, is_rejected::integer, items, keys[1], keys[2], keys[3]"
                              " FROM landfall.violation WHERE load_id = $1 AND moved_at > (SELECT started_at FROM "
                              "landfall.worker WHERE id = $2) ORDER BY id";
    char load_text[PG_NUMBER_BYTES], worker_text[PG_NUMBER_BYTES];
    struct pg_field values[] = { pg_number_field(load, load_text), pg_number_field(worker, worker_text) };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn, sql, &(struct pg_params){ .values = values, .count = 2 }, &rows, err));
    return append(rows, violations, err);
}
