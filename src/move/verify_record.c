#include "move/verify_record.h"

#include <inttypes.h>
#include <stdio.h>

enum { RECORD_TEXT_BYTES = 64 * 1024 * 1024 };

enum lf_code record_begin(struct pg_conn *conn, int64_t *ret_run, struct err *err)
{
    static const char sql[] = "INSERT INTO landfall.parity_run DEFAULT VALUES RETURNING id";
    PG_RESULT_CLEANUP struct pg_result *run = NULL;
    TRY(pg_query(conn, sql, &(struct pg_params){ .count = 0 }, &run, err));
    *ret_run = pg_result_int64(run, 0, 0);
    return LF_OK;
}

static void put_char(struct buf *buf, char c)
{
    if (c == '\0')
        buf_put_cstr(buf, "\xEF\xBF\xBD");
    else
        buf_put_byte(buf, c);
}

static void put_text(struct buf *buf, struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        put_char(buf, text.ptr[i]);
}

void record_put_array(struct buf *buf, const struct span *texts, size_t count)
{
    buf_put_byte(buf, '{');
    for (size_t t = 0; t < count; t++) {
        buf_put_cstr(buf, t ? ",\"" : "\"");
        for (size_t i = 0; i < texts[t].len; i++) {
            char c = texts[t].ptr[i];
            if (c == '"' || c == '\\')
                buf_put_byte(buf, '\\');
            put_char(buf, c);
        }
        buf_put_byte(buf, '"');
    }
    buf_put_byte(buf, '}');
}

static const char *const kind_names[] = {
    [VERIFY_DIFFERENT] = "different",
    [VERIFY_MISSING] = "missing",
    [VERIFY_EXTRA] = "extra",
};

static struct pg_field json_field(struct span json)
{
    return json.len ? pg_text_field(json) : PG_NULL;
}

static enum lf_code insert_difference(struct pg_conn *conn, const char *run, const struct verify_difference *difference,
                                      struct buf *key, struct buf *attributes, struct err *err)
{
    put_text(key, difference->key);
    record_put_array(attributes, difference->attributes, difference->attribute_count);
    TRY(buf_check(key, err));
    TRY(buf_check(attributes, err));
    struct pg_field values[] = {
        pg_text_field(span_from_cstr(run)),  pg_text_field(difference->table),
        pg_text_field(buf_span(key)),        pg_text_field(span_from_cstr(kind_names[difference->kind])),
        pg_text_field(buf_span(attributes)), json_field(difference->source_json),
        json_field(difference->target_json),
    };
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    return pg_query(conn,
                    "INSERT INTO landfall.parity_diff (run_id, table_name, key, kind, attributes, source, target)"
                    " VALUES ($1, $2, $3, $4, $5, $6, $7)",
                    &(struct pg_params){ .values = values, .count = 7 }, &result, err);
}

static enum lf_code insert_differences(struct pg_conn *conn, int64_t run, const struct verify_result *result, struct err *err)
{
    char run_text[24];
    struct buf key, attributes;
    enum lf_code code = LF_OK;
    (void)snprintf(run_text, sizeof run_text, "%" PRId64, run);
    buf_init(&key, RECORD_TEXT_BYTES);
    buf_init(&attributes, RECORD_TEXT_BYTES);
    for (size_t i = 0; i < result->detail_count && code == LF_OK; i++) {
        buf_reset(&key);
        buf_reset(&attributes);
        code = insert_difference(conn, run_text, &result->details[i], &key, &attributes, err);
    }
    buf_done(&key);
    buf_done(&attributes);
    return code;
}

static enum lf_code set_tables(struct pg_conn *conn, int64_t run, const struct span *tables, size_t table_count, struct err *err)
{
    BUF_CLEANUP struct buf names;
    char number[PG_NUMBER_BYTES];
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    buf_init(&names, RECORD_TEXT_BYTES);
    record_put_array(&names, tables, table_count);
    TRY(buf_check(&names, err));
    const struct pg_field values[] = { pg_number_field(run, number), pg_text_field(buf_span(&names)) };
    return pg_query(conn, "UPDATE landfall.parity_run SET tables = $2::text[] WHERE id = $1",
                    &(struct pg_params){ .values = values, .count = 2 }, &rows, err);
}

enum lf_code record_end(struct pg_conn *conn, int64_t run, const struct span *tables, size_t table_count,
                        const struct verify_result *result, struct err *err)
{
    TRY(pg_exec(conn, "BEGIN", err));
    TRY(insert_differences(conn, run, result, err));
    TRY(set_tables(conn, run, tables, table_count, err));
    TRY(pg_execf(
        conn, err,
        "UPDATE landfall.parity_run SET finished_at = pg_catalog.now(), compared = %" PRIu64 ", different = %" PRIu64
        ", missing = %" PRIu64 ", extra = %" PRIu64 ", segments = %" PRIu64 ", segments_equal = %" PRIu64 " WHERE id = %" PRId64,
        result->compared, result->different, result->missing, result->extra, result->segments, result->segments_equal, run));
    return pg_exec(conn, "COMMIT", err);
}

/* Reading ------------------------------------------------------------------------------------------------------------------ */

static enum lf_code read_counts(struct pg_conn *conn, int64_t run, bool *ret_ended, struct verify_result *result, struct err *err)
{
    char number[PG_NUMBER_BYTES];
    struct pg_field value = pg_number_field(run, number);
    PG_RESULT_CLEANUP struct pg_result *row = NULL;
    TRY(pg_query(conn,
                 "SELECT compared, different, missing, extra, segments, segments_equal FROM landfall.parity_run"
                 " WHERE id = $1 AND finished_at IS NOT NULL",
                 &(struct pg_params){ .values = &value, .count = 1 }, &row, err));
    *ret_ended = pg_result_rows(row) > 0;
    if (!*ret_ended)
        return LF_OK;
    uint64_t *const counts[] = { &result->compared, &result->different, &result->missing,
                                 &result->extra,    &result->segments,  &result->segments_equal };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        *counts[i] = (uint64_t)pg_result_int64(row, 0, i);
    return LF_OK;
}

static enum verify_kind kind_of(const char *name)
{
    enum verify_kind kind = VERIFY_DIFFERENT;
    while (kind < VERIFY_EXTRA && strcmp(name, kind_names[kind]) != 0)
        kind++;
    return kind;
}

static enum lf_code copy_field(const struct pg_result *rows, size_t row, size_t column, struct arena *arena,
                               struct span *ret_text, struct err *err)
{
    struct pg_field field = pg_result_get(rows, row, column);
    return arena_copy(arena, span_of(field.data, field.len), ret_text, err);
}

/* Columns as of read_details; room for its attributes. */
static enum lf_code read_detail(const struct pg_result *rows, size_t row, struct arena *arena, struct verify_difference *detail,
                                struct err *err)
{
    *detail = (struct verify_difference){ .kind = kind_of(pg_result_text(rows, row, 1)) };
    TRY(copy_field(rows, row, 2, arena, &detail->table, err));
    TRY(copy_field(rows, row, 3, arena, &detail->key, err));
    TRY(copy_field(rows, row, 4, arena, &detail->source_json, err));
    TRY(copy_field(rows, row, 5, arena, &detail->target_json, err));
    detail->attributes = arena_calloc(arena, (size_t)pg_result_int64(rows, row, 6), sizeof *detail->attributes, err);
    return detail->attributes ? LF_OK : err->code;
}

/* One row for each attribute of a difference, one for a difference without. */
static enum lf_code put_details(const struct pg_result *rows, size_t details_max, struct arena *arena,
                                struct verify_result *result, struct err *err)
{
    for (size_t row = 0; row < pg_result_rows(rows); row++) {
        bool is_new = row == 0 || strcmp(pg_result_text(rows, row, 0), pg_result_text(rows, row - 1, 0)) != 0;
        if (is_new && result->detail_count == details_max)
            return LF_OK;
        if (is_new)
            TRY(read_detail(rows, row, arena, &result->details[result->detail_count++], err));
        struct verify_difference *detail = &result->details[result->detail_count - 1];
        if (pg_result_get(rows, row, 7).data)
            TRY(copy_field(rows, row, 7, arena, &detail->attributes[detail->attribute_count++], err));
    }
    return LF_OK;
}

static enum lf_code read_details(struct pg_conn *conn, int64_t run, size_t details_max, struct arena *arena,
                                 struct verify_result *result, struct err *err)
{
    char number[PG_NUMBER_BYTES];
    struct pg_field value = pg_number_field(run, number);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn,
                 "SELECT d.ctid, d.kind, d.table_name, d.key, d.source, d.target,"
                 " coalesce(pg_catalog.array_length(d.attributes, 1), 0), a.name"
                 " FROM landfall.parity_diff d"
                 " LEFT JOIN LATERAL pg_catalog.unnest(d.attributes) WITH ORDINALITY a (name, place) ON true"
                 " WHERE d.run_id = $1 ORDER BY d.ctid, a.place",
                 &(struct pg_params){ .values = &value, .count = 1 }, &rows, err));
    return put_details(rows, details_max, arena, result, err);
}

enum lf_code record_read(struct pg_conn *conn, int64_t run, size_t details_max, struct arena *arena, bool *ret_ended,
                         struct verify_result *result, struct err *err)
{
    TRY(read_counts(conn, run, ret_ended, result, err));
    return *ret_ended ? read_details(conn, run, details_max, arena, result, err) : LF_OK;
}
