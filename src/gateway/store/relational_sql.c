#include "gateway/store/relational_sql.h"

enum { TEXT_BYTES_MAX = 16 * 1024 * 1024, ARRAY_BYTES_MAX = 256 * 1024 * 1024, FIRST_PARAMS = 16, NULL_LENGTH = -1 };

void relational_sql_init(struct relational_sql *sql, struct arena *arena)
{
    *sql = (struct relational_sql){ .arena = arena };
    buf_init(&sql->text, TEXT_BYTES_MAX);
}

void relational_sql_done(struct relational_sql *sql)
{
    buf_done(&sql->text);
}

static bool make_room(struct relational_sql *sql)
{
    struct err ignored = ERR_INIT;
    size_t capacity = sql->capacity ? 2 * sql->capacity : FIRST_PARAMS;
    if (sql->count < sql->capacity)
        return true;
    struct pg_field *values =
        capacity > RELATIONAL_PARAMS_MAX ? NULL : arena_calloc(sql->arena, capacity, sizeof *values, &ignored);
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

void relational_sql_param(struct relational_sql *sql, struct pg_field value, const char *type)
{
    if (!make_room(sql)) {
        sql->failed = true;
        return;
    }
    sql->values[sql->count++] = value;
    buf_printf(&sql->text, "$%zu::%s", sql->count, type);
}

void relational_sql_span(struct relational_sql *sql, struct span bytes, const char *type)
{
    relational_sql_param(sql, (struct pg_field){ bytes.ptr, bytes.len }, type);
}

/* Takes what has been written into the arena. */
static struct pg_field take(struct relational_sql *sql, struct buf *buf)
{
    struct err ignored = ERR_INIT;
    struct span bytes = { NULL, 0 };
    if (buf->failed || arena_copy(sql->arena, buf_span(buf), &bytes, &ignored))
        sql->failed = true;
    buf_done(buf);
    return (struct pg_field){ bytes.ptr, bytes.len };
}

void relational_sql_int64(struct relational_sql *sql, int64_t value)
{
    struct buf buf;
    buf_init(&buf, sizeof value);
    pg_put_int64(&buf, value);
    relational_sql_param(sql, take(sql, &buf), "int8");
}

void relational_sql_array(struct relational_sql *sql, const struct pg_field *first, size_t count, size_t stride,
                          enum pg_oid element, const char *type)
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
    relational_sql_param(sql, take(sql, &buf), type);
    buf_put_cstr(&sql->text, "[]");
}

enum lf_code relational_sql_get(struct relational_sql *sql, struct db *db, const struct pg_statement **ret_statement,
                                struct pg_params *ret_params, struct err *err)
{
    if (sql->failed)
        return ERR(err, LF_MEMORY, "no memory for the parameters of a statement");
    TRY(buf_check(&sql->text, err));
    *ret_params = (struct pg_params){ .values = sql->values, .binary = sql->binary, .count = sql->count };
    return db_statement(db, buf_span(&sql->text), ret_statement, err);
}
