#include "gateway/store/relational_rows.h"

#include "item/ddbjson.h"
#include "map/row.h"

enum { SOURCE_SHIFT = 48, BLOCK_SHIFT = 16 };

/* Versions ---------------------------------------------------------------------------------------------------------------------
 */

struct relational_place relational_place_of(const struct stored_item *item)
{
    return (struct relational_place){
        .source = (size_t)(item->version[1] >> SOURCE_SHIFT),
        .xmin = (uint32_t)item->version[0],
        .block = (uint32_t)(item->version[1] >> BLOCK_SHIFT),
        .offset = (uint16_t)item->version[1],
    };
}

/* ctid: block(4) offset(2). */
static enum lf_code read_version(const struct pg_result *rows, size_t row, size_t column, struct stored_item *item,
                                 struct err *err)
{
    struct span ctid = pg_result_span(rows, row, column + RELATIONAL_CTID);
    struct pg_reader reader = { ctid.ptr, ctid.ptr + ctid.len };
    int32_t block = 0, xmin = 0;
    int16_t offset = 0;
    TRY(pg_get_int32(&reader, &block, err));
    TRY(pg_get_int16(&reader, &offset, err));
    TRY(pg_read_int32(pg_result_span(rows, row, column + RELATIONAL_XMIN), &xmin, err));
    item->version[0] = (uint32_t)xmin;
    item->version[1] |= (uint64_t)(uint32_t)block << BLOCK_SHIFT | (uint16_t)offset;
    return LF_OK;
}

/* Items ------------------------------------------------------------------------------------------------------------------------
 */

/* A record: number of fields(4), then oid(4) length(4) bytes of each. */
static enum lf_code read_fields(struct span record, size_t count, struct arena *arena, struct pg_field **ret_fields,
                                struct err *err)
{
    struct pg_reader reader = { record.ptr, record.ptr + record.len };
    struct pg_field *fields = arena_calloc(arena, count, sizeof *fields, err);
    int32_t found = 0, oid = 0;
    if (!fields)
        return err->code;
    TRY(pg_get_int32(&reader, &found, err));
    if (found < 0 || (size_t)found != count)
        return ERR(err, LF_ROW, "a row of %d fields, expected %zu", (int)found, count);
    for (size_t i = 0; i < count; i++) {
        TRY(pg_get_int32(&reader, &oid, err));
        TRY(pg_get_field(&reader, &fields[i], err));
    }
    *ret_fields = fields;
    return LF_OK;
}

static enum lf_code read_json(struct pg_field field, struct arena *arena, struct stored_item *item, struct err *err)
{
    struct json_reader reader;
    item->json = span_of(field.data, field.len);
    json_init(&reader, item->json, arena);
    return ddbjson_read_item(&reader, &item->item, err);
}

/* The fields of a row whose source's number is at `column`. */
static enum lf_code copy_fields(const struct relational_source *source, const struct pg_result *rows, size_t row, size_t column,
                                struct arena *arena, struct pg_field **ret_fields, struct err *err)
{
    size_t bytes = 0;
    struct pg_field *fields = arena_alloc(arena, source->field_count * sizeof *fields, err);
    for (size_t i = 0; fields && i < source->field_count; i++) {
        fields[i] = pg_result_get(rows, row, column + source->field_columns[i]);
        bytes += fields[i].len;
    }
    char *copy = fields ? arena_alloc(arena, bytes, err) : NULL;
    if (!copy)
        return err->code;
    for (size_t i = 0; i < source->field_count; i++)
        if (fields[i].data) {
            fields[i].data = memcpy(copy, fields[i].data, fields[i].len);
            copy += fields[i].len;
        }
    *ret_fields = fields;
    return LF_OK;
}

static enum lf_code read_item(const struct relational_source *source, const struct pg_field *fields, struct arena *arena,
                              struct stored_item *item, struct err *err)
{
    TRY(source->entity ? row_decode(source->entity, fields, arena, &item->item, err) : read_json(fields[0], arena, item, err));
    item->has_item = true;
    item->size_bytes = (uint32_t)item_size(&item->item);
    return LF_OK;
}

static enum lf_code read_source(const struct table *table, const struct pg_result *rows, size_t row, size_t column,
                                struct stored_item *ret_item, struct err *err)
{
    const struct relational_table *state = relational_table_of(table);
    int32_t number = 0;
    TRY(pg_read_int32(pg_result_span(rows, row, column), &number, err));
    if (number < 0 || (size_t)number >= state->count)
        return ERR(err, LF_ROW, "a row of source %d, there are %zu", (int)number, state->count);
    *ret_item = (struct stored_item){ .is_present = true, .version[1] = (uint64_t)number << SOURCE_SHIFT };
    return LF_OK;
}

enum lf_code relational_row_read(const struct table *table, const struct pg_result *rows, size_t row, size_t column,
                                 struct arena *arena, struct stored_item *ret_item, struct err *err)
{
    struct stored_item item;
    struct pg_field *fields = NULL;
    TRY(read_source(table, rows, row, column, &item, err));
    const struct relational_source *source = &relational_table_of(table)->sources[relational_place_of(&item).source];
    TRY(copy_fields(source, rows, row, column, arena, &fields, err));
    if (read_item(source, fields, arena, &item, err))
        return err_while(err, "reading a row of %.*s", SPAN_ARG(source->name));
    *ret_item = item;
    return LF_OK;
}

enum lf_code relational_row_read_version(const struct table *table, const struct pg_result *rows, size_t row, size_t column,
                                         struct arena *arena, struct stored_item *ret_item, struct err *err)
{
    TRY(relational_row_read(table, rows, row, column + RELATIONAL_VERSION_COLUMNS, arena, ret_item, err));
    return read_version(rows, row, column, ret_item, err);
}

enum lf_code relational_row_read_place(const struct table *table, const struct pg_result *rows, size_t row, size_t column,
                                       struct stored_item *ret_item, struct err *err)
{
    TRY(read_source(table, rows, row, column + RELATIONAL_VERSION_COLUMNS, ret_item, err));
    return read_version(rows, row, column, ret_item, err);
}

static const struct relational_source *source_named(const struct table *table, struct span entity)
{
    const struct relational_table *state = table->map ? relational_table_of(table) : NULL;
    for (size_t i = 0; state && i + 1 < state->count; i++)
        if (span_equal(state->sources[i].entity->name, entity))
            return &state->sources[i];
    return NULL;
}

enum lf_code relational_row_image(const struct table *table, struct pg_field entity, struct pg_field image, struct arena *arena,
                                  struct item *ret_item, struct err *err)
{
    struct stored_item item = { 0 };
    struct pg_field *fields = NULL;
    struct span record, name = span_of(entity.data, entity.len);
    const struct relational_source *source = source_named(table, name);
    if (!source)
        return ERR(err, LF_ROW, "a change of entity %.*s, which the map does not have", SPAN_ARG(name));
    TRY(arena_copy(arena, span_of(image.data, image.len), &record, err));
    TRY(read_fields(record, source->field_count, arena, &fields, err));
    if (read_item(source, fields, arena, &item, err))
        return err_while(err, "reading a change of %.*s", SPAN_ARG(source->name));
    *ret_item = item.item;
    return LF_OK;
}

enum lf_code relational_row_number(const struct pg_result *rows, size_t row, size_t column, size_t count, size_t *ret_number,
                                   struct err *err)
{
    int64_t number = 0;
    TRY(pg_read_int64(pg_result_span(rows, row, column), &number, err));
    if (number < 0 || (size_t)number >= count)
        return ERR(err, LF_ROW, "row %lld of %zu was not asked for", (long long)number, count);
    *ret_number = (size_t)number;
    return LF_OK;
}
