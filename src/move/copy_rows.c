#include "move/copy_rows.h"

static const char signature[11] = "PGCOPY\n\377\r\n"; /* its last byte is the terminating NUL */

enum lf_code copy_rows_begin(struct pg_conn *conn, const char *sql, struct copy_rows *ret_rows, struct err *err)
{
    TRY(pg_copy_out_begin(conn, sql, err));
    *ret_rows = (struct copy_rows){ .conn = conn };
    return LF_OK;
}

void copy_rows_abort(struct copy_rows *rows)
{
    pg_copy_out_abort(rows->conn);
}

static enum lf_code skip_header(struct pg_reader *reader, struct err *err)
{
    struct span bytes;
    int32_t flags, extension;
    TRY(pg_get_bytes(reader, sizeof signature, &bytes, err));
    if (memcmp(bytes.ptr, signature, sizeof signature) != 0)
        return ERR(err, LF_ROW, "the answer of COPY is not in binary format");
    TRY(pg_get_int32(reader, &flags, err));
    TRY(pg_get_int32(reader, &extension, err));
    if (extension < 0)
        return ERR(err, LF_ROW, "the header of COPY has an extension of %d bytes", (int)extension);
    return pg_get_bytes(reader, (size_t)extension, &bytes, err);
}

/* The bytes of the next message that has any; *ret_end when the stream is over. */
static enum lf_code fill(struct copy_rows *rows, bool *ret_end, struct err *err)
{
    struct span message;
    *ret_end = false;
    while (rows->rest.pos == rows->rest.end && !*ret_end) {
        TRY(pg_copy_out_next(rows->conn, &message, ret_end, err));
        if (*ret_end)
            break;
        rows->rest = (struct pg_reader){ message.ptr, message.ptr + message.len };
        if (!rows->header_read)
            TRY(skip_header(&rows->rest, err));
        rows->header_read = true;
    }
    return LF_OK;
}

/* Behind the trailer the server still says how the COPY ended. */
static enum lf_code drain(struct copy_rows *rows, struct err *err)
{
    for (bool end = false; !end;) {
        struct span message;
        TRY(pg_copy_out_next(rows->conn, &message, &end, err));
    }
    return LF_OK;
}

enum lf_code copy_rows_next(struct copy_rows *rows, struct pg_field *fields, size_t field_count, bool *ret_end, struct err *err)
{
    TRY(fill(rows, ret_end, err));
    if (*ret_end)
        return LF_OK;
    enum lf_code code = pg_get_copy_row(&rows->rest, fields, field_count, ret_end, err);
    if (code != LF_OK) {
        copy_rows_abort(rows);
        return code;
    }
    return *ret_end ? drain(rows, err) : LF_OK;
}
