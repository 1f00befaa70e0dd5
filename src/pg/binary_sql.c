#include "pg/binary_sql.h"

enum { TEXT_BYTES_MAX = 16 * 1024 * 1024, ARRAY_BYTES_MAX = 256 * 1024 * 1024, FIRST_PARAMS = 16, NULL_LENGTH = -1 };

void binary_sql_init(struct binary_sql *sql, struct arena *arena)
{
    *sql = (struct binary_sql){ .arena = arena };
    buf_init(&sql->text, TEXT_BYTES_MAX);
}

void binary_sql_done(struct binary_sql *sql)
{
    buf_done(&sql->text);
}

static bool make_room(struct binary_sql *sql)
{
    struct err ignored = ERR_INIT;
    size_t capacity = sql->capacity ? 2 * sql->capacity : FIRST_PARAMS;
    if (sql->count < sql->capacity)
        return true;
    struct pg_field *values =
        capacity > BINARY_SQL_PARAMS_MAX ? NULL : arena_calloc(sql->arena, capacity, sizeof *values, &ignored);
    bool *binary = values ? arena_calloc(sql->arena, capacity, sizeof *binary, &ignored) : NULL;
    if (!binary)
        return false;
    if (sql->count)
        memcpy(values, sql->values, sql->count * sizeof *values);
    memset(binary, true, capacity);
    sql->values = values;
    sql->binary = binary;
    sql->capacity = capacity;
    return true;
}

void binary_sql_param(struct binary_sql *sql, struct pg_field value, const char *type)
{
    if (!make_room(sql)) {
        sql->failed = true;
        return;
    }
    sql->values[sql->count++] = value;
    buf_printf(&sql->text, "$%zu::%s", sql->count, type);
}

void binary_sql_span(struct binary_sql *sql, struct span bytes, const char *type)
{
    binary_sql_param(sql, (struct pg_field){ bytes.ptr, bytes.len }, type);
}

void binary_sql_text(struct binary_sql *sql, struct span text)
{
    binary_sql_param(sql, (struct pg_field){ text.ptr ? text.ptr : "", text.len }, "text");
}

/* Takes what has been written into the arena. */
static struct pg_field take(struct binary_sql *sql, struct buf *buf)
{
    struct err ignored = ERR_INIT;
    struct span bytes = { NULL, 0 };
    if (buf->failed || arena_copy(sql->arena, buf_span(buf), &bytes, &ignored))
        sql->failed = true;
    buf_done(buf);
    return (struct pg_field){ bytes.ptr, bytes.len };
}

void binary_sql_int64(struct binary_sql *sql, int64_t value)
{
    struct buf buf;
    buf_init(&buf, sizeof value);
    pg_put_int64(&buf, value);
    binary_sql_param(sql, take(sql, &buf), "int8");
}

static void put_array(struct binary_sql *sql, struct buf *buf, const char *type)
{
    binary_sql_param(sql, take(sql, buf), type);
    binary_sql_put(sql, "[]");
}

void binary_sql_array(struct binary_sql *sql, const struct pg_field *first, size_t count, size_t stride, enum pg_oid element,
                      const char *type)
{
    struct buf buf;
    buf_init(&buf, ARRAY_BYTES_MAX);
    pg_put_array_header(&buf, element, count);
    for (size_t i = 0; i < count; i++) {
        struct pg_field field = first[i * stride];
        if (field.data)
            pg_put_element(&buf, span_of(field.data, field.len));
        else
            pg_put_int32(&buf, NULL_LENGTH);
    }
    put_array(sql, &buf, type);
}

void binary_sql_int64s(struct binary_sql *sql, const int64_t *numbers, size_t count)
{
    struct buf buf;
    buf_init(&buf, ARRAY_BYTES_MAX);
    pg_put_array_header(&buf, PG_OID_INT8, count);
    for (size_t i = 0; i < count; i++) {
        pg_put_int32(&buf, (int32_t)sizeof *numbers);
        pg_put_int64(&buf, numbers[i]);
    }
    put_array(sql, &buf, "int8");
}

enum lf_code binary_sql_params(const struct binary_sql *sql, struct pg_params *ret_params, struct err *err)
{
    if (sql->failed)
        return ERR(err, LF_MEMORY, "no memory for the parameters of a statement");
    TRY(buf_check(&sql->text, err));
    *ret_params = (struct pg_params){ .values = sql->values, .binary = sql->binary, .count = sql->count };
    return LF_OK;
}

enum lf_code binary_sql_query(struct binary_sql *sql, struct pg_conn *conn, struct pg_result **ret_result, struct err *err)
{
    struct pg_params params;
    TRY(binary_sql_params(sql, &params, err));
    return pg_query_binary(conn, buf_cstr(&sql->text), &params, ret_result, err);
}

enum lf_code binary_sql_exec(struct binary_sql *sql, struct pg_conn *conn, int64_t *ret_affected, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    TRY(binary_sql_query(sql, conn, &result, err));
    if (ret_affected)
        *ret_affected = pg_result_affected(result);
    return LF_OK;
}
