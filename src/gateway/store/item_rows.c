#include "gateway/store/item_rows.h"

enum lf_code item_row_number(const struct pg_result *rows, size_t row, size_t count, size_t *ret_number, struct err *err)
{
    int32_t number = 0;
    TRY(pg_read_int32(pg_result_span(rows, row, ITEM_COLUMN_NUMBER), &number, err));
    if (number < 1 || (size_t)number > count)
        return ERR(err, LF_ROW, "row %d of %zu was not asked for", (int)number, count);
    *ret_number = (size_t)number - 1;
    return LF_OK;
}

enum lf_code item_row_read(const struct pg_result *rows, size_t row, size_t column, struct arena *arena,
                           struct stored_item *ret_item, struct err *err)
{
    struct stored_item item = { .is_present = true };
    int32_t version = 0, size = 0;
    TRY(pg_read_int32(pg_result_span(rows, row, column), &version, err));
    TRY(pg_read_int32(pg_result_span(rows, row, column + 1), &size, err));
    TRY(arena_copy(arena, pg_result_span(rows, row, column + 2), &item.json, err));
    item.version[0] = (uint32_t)version;
    item.size_bytes = (uint32_t)size;
    *ret_item = item;
    return LF_OK;
}
