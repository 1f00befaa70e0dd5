#include "move/verify_record.h"

#include <inttypes.h>
#include <stdio.h>

enum { RECORD_TEXT_BYTES = 64 * 1024 * 1024 };

enum lf_code record_check(struct pg_conn *conn, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *there = NULL;
    TRY(pg_query(conn, "SELECT pg_catalog.to_regclass('landfall.parity_run')", &(struct pg_params){ .count = 0 }, &there, err));
    if (!pg_result_get(there, 0, 0).data)
        return ERR(err, LF_PRECONDITION, "the schema landfall is not there; run `landfall migrate up`");
    return LF_OK;
}

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

static const char *kind_name(enum verify_kind kind)
{
    static const char *const names[] = {
        [VERIFY_DIFFERENT] = "different",
        [VERIFY_MISSING] = "missing",
        [VERIFY_EXTRA] = "extra",
    };
    return names[kind];
}

static struct pg_field text_field(struct span text)
{
    return (struct pg_field){ text.ptr ? text.ptr : "", text.len };
}

static enum lf_code insert_difference(struct pg_conn *conn, const char *run, const struct verify_difference *difference,
                                      struct buf *key, struct buf *attributes, struct err *err)
{
    put_text(key, difference->key);
    record_put_array(attributes, difference->attributes, difference->attribute_count);
    TRY(buf_check(key, err));
    TRY(buf_check(attributes, err));
    struct pg_field values[] = {
        text_field(span_from_cstr(run)),  text_field(difference->table),
        text_field(buf_span(key)),        text_field(span_from_cstr(kind_name(difference->kind))),
        text_field(buf_span(attributes)),
    };
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    return pg_query(conn,
                    "INSERT INTO landfall.parity_diff (run_id, table_name, key, kind, attributes)"
                    " VALUES ($1, $2, $3, $4, $5)",
                    &(struct pg_params){ .values = values, .count = 5 }, &result, err);
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

enum lf_code record_end(struct pg_conn *conn, int64_t run, const struct verify_result *result, struct err *err)
{
    TRY(pg_exec(conn, "BEGIN", err));
    TRY(insert_differences(conn, run, result, err));
    TRY(pg_execf(conn, err,
                 "UPDATE landfall.parity_run SET finished_at = pg_catalog.now(), compared = %" PRIu64 ", different = %" PRIu64
                 ", missing = %" PRIu64 ", extra = %" PRIu64 " WHERE id = %" PRId64,
                 result->compared, result->different, result->missing, result->extra, run));
    return pg_exec(conn, "COMMIT", err);
}
