#include "pg/rows.h"

#include "pg/libpq.h"

void pg_rows_put(const struct pg_result *result, struct buf *buf)
{
    size_t columns = (size_t)PQnfields(libpq_unwrap(result)), rows = pg_result_rows(result);
    pg_put_int32(buf, (int32_t)columns);
    pg_put_int32(buf, (int32_t)rows);
    for (size_t i = 0; i < rows * columns; i++) {
        struct pg_field field = pg_result_get(result, i / columns, i % columns);
        if (field.data)
            pg_put_element(buf, span_of(field.data, field.len));
        else
            pg_put_int32(buf, -1);
    }
}

static enum lf_code put_columns(PGresult *pg, int32_t columns, struct err *err)
{
    PGresAttDesc attributes[PG_ROWS_COLUMNS_MAX] = { 0 };
    static char no_name[] = "";
    for (int32_t i = 0; i < columns; i++)
        attributes[i].name = no_name;
    return PQsetResultAttrs(pg, columns, attributes) ? LF_OK : ERR(err, LF_MEMORY, "no memory for rows");
}

static enum lf_code put_fields(PGresult *pg, int32_t columns, int32_t rows, struct pg_reader *reader, struct err *err)
{
    for (int32_t row = 0; row < rows; row++)
        for (int32_t column = 0; column < columns; column++) {
            struct pg_field field;
            TRY(pg_get_field(reader, &field, err));
            char *value = (char *)(uintptr_t)field.data; /* is copied */
            if (!PQsetvalue(pg, row, column, value, field.data ? (int)field.len : -1))
                return ERR(err, LF_MEMORY, "no memory for rows");
        }
    return reader->pos == reader->end ? LF_OK : ERR(err, LF_ROW, "there are bytes behind the last row");
}

static enum lf_code read_rows(PGresult *pg, struct pg_reader *reader, struct err *err)
{
    int32_t columns, rows;
    TRY(pg_get_int32(reader, &columns, err));
    TRY(pg_get_int32(reader, &rows, err));
    if (columns < 1 || columns > PG_ROWS_COLUMNS_MAX || rows < 0)
        return ERR(err, LF_ROW, "there are no rows of %d columns", (int)columns);
    TRY(put_columns(pg, columns, err));
    return put_fields(pg, columns, rows, reader, err);
}

enum lf_code pg_rows_get(struct span bytes, struct pg_result **ret_result, struct err *err)
{
    struct pg_reader reader = { bytes.ptr, bytes.ptr + bytes.len };
    PGresult *pg = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    if (!pg)
        return ERR(err, LF_MEMORY, "no memory for rows");
    enum lf_code code = read_rows(pg, &reader, err);
    if (code)
        PQclear(pg);
    else
        *ret_result = libpq_wrap(pg);
    return code;
}
