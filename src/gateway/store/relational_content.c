#include "gateway/store/relational_content.h"

#include "map/ddl.h"

enum { LITERAL_BYTES_MAX = 16 * 1024 * 1024 };

/* Arrays as text ---------------------------------------------------------------------------------------------------------------
 */

static void put_quoted(struct buf *buf, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '"' || text.ptr[i] == '\\')
            buf_put_byte(buf, '\\');
        buf_put_byte(buf, text.ptr[i]);
    }
}

static void put_hex(struct buf *buf, struct span bytes)
{
    buf_put_cstr(buf, "\\\\x");
    for (size_t i = 0; i < bytes.len; i++)
        buf_printf(buf, "%02x", (unsigned char)bytes.ptr[i]);
}

static enum lf_code put_element(struct buf *buf, enum column_type type, struct span bytes, struct err *err)
{
    struct number number;
    char text[NUMBER_TEXT_BYTES];
    buf_put_byte(buf, '"');
    if (type == COLUMN_NUMERIC_ARRAY) {
        TRY(pg_read_numeric(bytes, &number, err));
        buf_put(buf, text, number_format(number, text));
    } else if (type == COLUMN_BYTEA_ARRAY) {
        put_hex(buf, bytes);
    } else {
        put_quoted(buf, bytes);
    }
    buf_put_byte(buf, '"');
    return LF_OK;
}

static enum lf_code put_literal(struct buf *buf, enum column_type type, struct pg_field field, struct err *err)
{
    static const enum pg_oid elements[COLUMN_TYPES] = {
        [COLUMN_TEXT_ARRAY] = PG_OID_TEXT,
        [COLUMN_NUMERIC_ARRAY] = PG_OID_NUMERIC,
        [COLUMN_BYTEA_ARRAY] = PG_OID_BYTEA,
    };
    struct pg_reader reader;
    struct pg_field element;
    size_t count = 0;
    TRY(pg_read_array(span_of(field.data, field.len), elements[type], &reader, &count, err));
    buf_put_byte(buf, '{');
    for (size_t i = 0; i < count; i++) {
        TRY(pg_get_field(&reader, &element, err));
        buf_put_cstr(buf, i ? "," : "");
        TRY(put_element(buf, type, span_of(element.data, element.len), err));
    }
    buf_put_byte(buf, '}');
    return buf_check(buf, err);
}

static bool is_array(enum column_type type)
{
    return type == COLUMN_TEXT_ARRAY || type == COLUMN_NUMERIC_ARRAY || type == COLUMN_BYTEA_ARRAY;
}

static enum lf_code literal_of(enum column_type type, struct pg_field *field, struct arena *arena, struct err *err)
{
    struct buf buf;
    struct span text;
    if (!field->data)
        return LF_OK;
    buf_init(&buf, LITERAL_BYTES_MAX);
    enum lf_code code = put_literal(&buf, type, *field, err);
    if (!code)
        code = arena_copy(arena, buf_span(&buf), &text, err);
    buf_done(&buf);
    TRY(code);
    *field = (struct pg_field){ text.ptr, text.len };
    return LF_OK;
}

/* Columns ----------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code put_column(struct binary_sql *sql, enum column_type type, struct pg_field *fields, size_t count,
                               size_t number, struct err *err)
{
    for (size_t i = 0; is_array(type) && i < count; i++)
        TRY(literal_of(type, &fields[i], sql->arena, err));
    binary_sql_put(sql, number ? ", unnest(" : "unnest(");
    binary_sql_array(sql, fields, count, 1, column_type_oid(type), is_array(type) ? "text" : column_type_name(type));
    buf_printf(&sql->text, ") AS n%zu", number);
    return LF_OK;
}

static enum lf_code put_row_column(struct binary_sql *sql, enum column_type type, size_t column, const struct row *const *rows,
                                   size_t count, size_t number, struct err *err)
{
    struct pg_field *fields = arena_calloc(sql->arena, count + 1, sizeof *fields, err);
    if (!fields)
        return err->code;
    for (size_t i = 0; i < count; i++)
        fields[i] = rows[i]->fields[column];
    return put_column(sql, type, fields, count, number, err);
}

enum lf_code relational_put_columns(struct binary_sql *sql, const struct entity *entity, const struct row *const *rows,
                                    size_t count, struct err *err)
{
    for (size_t i = 0; i < entity->column_count; i++)
        TRY(put_row_column(sql, entity->columns[i].type, i, rows, count, i, err));
    return put_row_column(sql, COLUMN_JSONB, entity->column_count, rows, count, entity->column_count, err);
}

enum lf_code relational_put_primary_keys(struct binary_sql *sql, const struct entity *entity, const struct row *const *rows,
                                         size_t count, struct err *err)
{
    for (size_t i = 0; i < entity->primary_key_count; i++) {
        unsigned column = entity->primary_key[i];
        TRY(put_row_column(sql, entity->columns[column].type, column, rows, count, i, err));
    }
    return LF_OK;
}

size_t relational_child_rows(const struct row *const *rows, size_t count, size_t child)
{
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += rows[i]->children[child].row_count;
    return total;
}

static enum lf_code put_child_column(struct binary_sql *sql, enum column_type type, size_t column, size_t child,
                                     const struct row *const *rows, size_t count, struct err *err)
{
    size_t total = relational_child_rows(rows, count, child), at = 0;
    struct pg_field *fields = arena_calloc(sql->arena, total + 1, sizeof *fields, err);
    if (!fields)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        const struct row_child *of = &rows[i]->children[child];
        for (size_t k = 0; k < of->row_count; k++)
            fields[at++] = of->fields[k * of->field_count + column];
    }
    return put_column(sql, type, fields, total, column, err);
}

enum lf_code relational_put_child_columns(struct binary_sql *sql, const struct entity *entity, size_t child,
                                          const struct row *const *rows, size_t count, struct err *err)
{
    const struct child *of = &entity->children[child];
    size_t position = entity->primary_key_count;
    for (size_t i = 0; i < position; i++)
        TRY(put_child_column(sql, entity->columns[entity->primary_key[i]].type, i, child, rows, count, err));
    TRY(put_child_column(sql, COLUMN_INTEGER, position, child, rows, count, err));
    for (size_t i = 0; i < of->column_count; i++)
        TRY(put_child_column(sql, of->columns[i].type, position + 1 + i, child, rows, count, err));
    return LF_OK;
}

void relational_put_value(struct binary_sql *sql, enum column_type type, size_t number)
{
    buf_printf(&sql->text, "k.n%zu%s%s", number, is_array(type) ? "::" : "", is_array(type) ? column_type_name(type) : "");
}
