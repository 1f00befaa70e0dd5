#include "gateway/store/row_arrays.h"

#include <assert.h>

enum { NULL_LENGTH = -1 };

void row_arrays_init(struct row_arrays *arrays)
{
    arrays->count = 0;
    arrays->next = 0;
}

void row_arrays_add(struct row_arrays *arrays, enum pg_oid element, size_t rows)
{
    assert(arrays->count < ROW_ARRAYS_COLUMNS_MAX);
    struct buf *column = &arrays->columns[arrays->count];
    arrays->binary[arrays->count++] = true;
    buf_init(column, ROW_ARRAYS_BYTES_MAX);
    pg_put_array_header(column, element, rows);
}

void row_arrays_done(struct row_arrays *arrays)
{
    for (size_t i = 0; i < arrays->count; i++)
        buf_done(&arrays->columns[i]);
}

static struct buf *next_column(struct row_arrays *arrays)
{
    struct buf *column = &arrays->columns[arrays->next];
    arrays->next = (arrays->next + 1) % arrays->count;
    return column;
}

void row_arrays_put(struct row_arrays *arrays, struct pg_field field)
{
    struct buf *column = next_column(arrays);
    if (field.data)
        pg_put_element(column, span_of(field.data, field.len));
    else
        pg_put_int32(column, NULL_LENGTH);
}

void row_arrays_put_span(struct row_arrays *arrays, struct span bytes)
{
    row_arrays_put(arrays, (struct pg_field){ bytes.ptr, bytes.len });
}

void row_arrays_put_int32(struct row_arrays *arrays, int32_t value)
{
    struct buf *column = next_column(arrays);
    pg_put_int32(column, sizeof value);
    pg_put_int32(column, value);
}

void row_arrays_put_int64(struct row_arrays *arrays, int64_t value)
{
    struct buf *column = next_column(arrays);
    pg_put_int32(column, sizeof value);
    pg_put_int64(column, value);
}

void row_arrays_put_boolean(struct row_arrays *arrays, bool value)
{
    row_arrays_put(arrays, (struct pg_field){ value ? "\1" : "\0", 1 });
}

enum lf_code row_arrays_params(struct row_arrays *arrays, struct pg_params *ret_params, struct err *err)
{
    assert(arrays->next == 0);
    for (size_t i = 0; i < arrays->count; i++) {
        TRY(buf_check(&arrays->columns[i], err));
        arrays->values[i] = (struct pg_field){ arrays->columns[i].data, arrays->columns[i].len };
    }
    *ret_params = (struct pg_params){ .values = arrays->values, .binary = arrays->binary, .count = arrays->count };
    return LF_OK;
}
