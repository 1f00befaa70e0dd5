#include "move/row_writer.h"

#include <stdlib.h>

#include "map/ddl.h"
#include "move/item_row.h"

enum {
    BUFFER_BYTES = 512 * 1024 * 1024, /* rows of one table in one transaction */
    COPY_SQL_BYTES = 1024 * 1024,
};

struct row_buffer {
    const struct entity *entity; /* NULL: landfall.item */
    const struct child *child;   /* NULL: the entity's own table */
    size_t rows;                 /* 0 once they are sent */
    struct buf bytes;
};

void row_writer_init(struct row_writer *writer, const struct map *map)
{
    *writer = (struct row_writer){ .map = map };
}

void row_writer_done(struct row_writer *writer)
{
    for (size_t i = 0; i < writer->buffer_count; i++)
        buf_done(&writer->buffers[i].bytes);
    free(writer->buffers);
    *writer = (struct row_writer){ .map = writer->map };
}

void row_writer_reset(struct row_writer *writer)
{
    for (size_t i = 0; i < writer->buffer_count; i++) {
        buf_reset(&writer->buffers[i].bytes);
        writer->buffers[i].rows = 0;
    }
}

static enum lf_code find_buffer(struct row_writer *writer, const struct entity *entity, const struct child *child,
                                struct row_buffer **ret_buffer, struct err *err)
{
    for (size_t i = 0; i < writer->buffer_count; i++)
        if (writer->buffers[i].entity == entity && writer->buffers[i].child == child) {
            *ret_buffer = &writer->buffers[i];
            return LF_OK;
        }
    struct row_buffer *buffers = realloc(writer->buffers, (writer->buffer_count + 1) * sizeof *buffers);
    if (!buffers)
        return ERR(err, LF_MEMORY, "out of memory for the rows of another table");
    writer->buffers = buffers;
    *ret_buffer = &buffers[writer->buffer_count++];
    **ret_buffer = (struct row_buffer){ .entity = entity, .child = child };
    buf_init(&(*ret_buffer)->bytes, BUFFER_BYTES);
    return LF_OK;
}

static void put_row(struct row_buffer *buffer, const struct pg_field *fields, size_t count)
{
    if (buffer->rows++ == 0)
        pg_put_copy_header(&buffer->bytes);
    pg_put_copy_row(&buffer->bytes, fields, count);
}

static enum lf_code add_child(struct row_writer *writer, const struct row *row, size_t index, struct err *err)
{
    const struct row_child *rows = &row->children[index];
    struct row_buffer *buffer;
    if (rows->row_count == 0)
        return LF_OK;
    TRY(find_buffer(writer, row->entity, &row->entity->children[index], &buffer, err));
    for (size_t i = 0; i < rows->row_count; i++)
        put_row(buffer, rows->fields + i * rows->field_count, rows->field_count);
    return buf_check(&buffer->bytes, err);
}

enum lf_code row_writer_add(struct row_writer *writer, const struct row *row, bool main_row, struct err *err)
{
    struct row_buffer *buffer;
    if (main_row) {
        TRY(find_buffer(writer, row->entity, NULL, &buffer, err));
        put_row(buffer, row->fields, row->entity->column_count + 1);
        TRY(buf_check(&buffer->bytes, err));
    }
    for (size_t i = 0; i < row->entity->child_count; i++)
        TRY(add_child(writer, row, i, err));
    return LF_OK;
}

enum lf_code row_writer_add_unclaimed(struct row_writer *writer, const struct map_table *table, const struct item *item,
                                      struct span reason, struct arena *arena, struct err *err)
{
    struct key key;
    struct pg_field fields[ITEM_ROW_FIELDS];
    struct row_buffer *buffer;
    TRY(key_of_item(&table->key, item, arena, &key, err));
    TRY(item_row_fields(table->name, &key, item, reason, arena, fields, err));
    TRY(find_buffer(writer, NULL, NULL, &buffer, err));
    put_row(buffer, fields, ITEM_ROW_FIELDS);
    return buf_check(&buffer->bytes, err);
}

static void put_copy_in(struct buf *sql, const struct map *map, const struct row_buffer *buffer)
{
    if (buffer->entity)
        ddl_put_copy_in(sql, map, buffer->entity, buffer->child);
    else
        buf_put_cstr(sql, ITEM_ROW_COPY);
}

static enum lf_code send(struct row_buffer *buffer, struct pg_conn *conn, struct err *err)
{
    pg_put_copy_trailer(&buffer->bytes);
    TRY(buf_check(&buffer->bytes, err));
    TRY(pg_copy_in_put(conn, buf_span(&buffer->bytes), err));
    TRY(pg_copy_in_end(conn, NULL, err));
    buffer->rows = 0;
    return LF_OK;
}

static enum lf_code copy_buffer(const struct row_writer *writer, struct row_buffer *buffer, struct pg_conn *conn, struct err *err)
{
    struct buf sql;
    buf_init(&sql, COPY_SQL_BYTES);
    put_copy_in(&sql, writer->map, buffer);
    enum lf_code code = buf_check(&sql, err);
    if (code == LF_OK)
        code = pg_copy_in_begin(conn, buf_cstr(&sql), err);
    buf_done(&sql);
    return code == LF_OK ? send(buffer, conn, err) : code;
}

/* Whether rows of the buffer refer to rows of the other one. */
static bool refers_to(const struct row_buffer *buffer, const struct row_buffer *other)
{
    if (!buffer->entity || !other->entity || other->child)
        return false;
    if (buffer->child)
        return buffer->entity == other->entity;
    for (size_t i = 0; i < buffer->entity->foreign_key_count; i++)
        if (buffer->entity->foreign_keys[i].parent == other->entity && other->entity != buffer->entity)
            return true;
    return false;
}

static bool must_wait(const struct row_writer *writer, const struct row_buffer *buffer)
{
    for (size_t i = 0; i < writer->buffer_count; i++)
        if (writer->buffers[i].rows && refers_to(buffer, &writer->buffers[i]))
            return true;
    return false;
}

/* The next to send: one that waits for no other; any when they refer to each other in a circle; NULL when all are sent. */
static struct row_buffer *next_buffer(const struct row_writer *writer)
{
    struct row_buffer *waiting = NULL;
    for (size_t i = 0; i < writer->buffer_count; i++) {
        struct row_buffer *buffer = &writer->buffers[i];
        if (buffer->rows == 0)
            continue;
        if (!must_wait(writer, buffer))
            return buffer;
        waiting = buffer;
    }
    return waiting;
}

enum lf_code row_writer_copy(struct row_writer *writer, struct pg_conn *conn, struct err *err)
{
    for (struct row_buffer *buffer = next_buffer(writer); buffer; buffer = next_buffer(writer))
        TRY(copy_buffer(writer, buffer, conn, err));
    return LF_OK;
}
