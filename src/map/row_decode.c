#include "map/codec_functions.h"
#include "map/entity_index.h"
#include "map/row.h"
#include "map/row_text.h"

struct decoder {
    const struct entity *entity;
    const struct pg_field *fields;
    struct arena *arena;
    struct value *values; /* per column: what it holds */
    struct held_values held;
    struct attribute **extra; /* per slot: what ddb_extra has of it */
    struct item item;         /* so far */
};

static enum lf_code decoder_init(struct decoder *decoder, size_t extra_count, struct err *err)
{
    const struct entity *entity = decoder->entity;
    const struct entity_index *index = entity->index;
    struct arena *arena = decoder->arena;
    decoder->values = arena_alloc(arena, entity->column_count * sizeof *decoder->values, err);
    decoder->held = (struct held_values){ arena_calloc(arena, entity->column_count, sizeof *decoder->held.columns, err), arena };
    decoder->extra = arena_calloc(arena, index->slot_count, sizeof *decoder->extra, err);
    decoder->item.attributes = arena_alloc(arena, (index->slot_count + extra_count) * sizeof *decoder->item.attributes, err);
    return decoder->values && decoder->held.columns && decoder->extra && decoder->item.attributes ? LF_OK : err->code;
}

static void emit(struct decoder *decoder, struct span name, const struct value *value)
{
    decoder->item.attributes[decoder->item.count++] = (struct attribute){ .name = name, .value = *value };
}

/* ---- ddb_extra ---- */

static enum lf_code read_extra(struct decoder *decoder, struct item *ret_extra, struct err *err)
{
    *ret_extra = (struct item){ 0 };
    struct pg_field field = decoder->fields[decoder->entity->column_count];
    struct span json;
    if (!field.data)
        return LF_OK;
    TRY(jsonb_text(field, &json, err));
    return field_error(extra_read(json, decoder->arena, ret_extra, err), err);
}

/* Leftovers with a slot wait for it, the others are attributes already. */
static void sort_extra(struct decoder *decoder, const struct item *extra)
{
    for (size_t i = 0; i < extra->count; i++) {
        struct attribute *attribute = &extra->attributes[i];
        unsigned slot = name_table_find(&decoder->entity->index->names, attribute->name);
        if (slot != NAME_NONE)
            decoder->extra[slot] = attribute;
        else if (attribute->value.type != VALUE_TYPES)
            emit(decoder, attribute->name, &attribute->value);
    }
}

static void emit_extra(struct decoder *decoder, size_t slot)
{
    const struct attribute *attribute = decoder->extra[slot];
    if (attribute && attribute->value.type != VALUE_TYPES)
        emit(decoder, attribute->name, &attribute->value);
}

/* ---- columns ---- */

static enum lf_code decode_field(const struct column *column, struct pg_field field, struct arena *arena, struct value *ret_value,
                                 struct err *err)
{
    if (column->codec->to_item(field, arena, ret_value, err) == LF_OK)
        return LF_OK;
    return err_while(err, "decoding column %.*s", SPAN_ARG(column->name));
}

/* DynamoDB has no empty sets: where SQL has taken the last member away, the attribute is gone. */
static bool is_empty_set(const struct column *column, struct pg_field field)
{
    struct err ignored = ERR_INIT;
    enum value_type type = column->codec->value;
    struct pg_reader reader = { field.data, (const char *)field.data + field.len };
    int32_t dimensions;
    return (type == VALUE_SS || type == VALUE_NS || type == VALUE_BS) && !pg_get_int32(&reader, &dimensions, &ignored) &&
           dimensions == 0;
}

static enum lf_code decode_columns(struct decoder *decoder, struct err *err)
{
    for (size_t i = 0; i < decoder->entity->column_count; i++) {
        if (!decoder->fields[i].data || is_empty_set(&decoder->entity->columns[i], decoder->fields[i]))
            continue;
        TRY(decode_field(&decoder->entity->columns[i], decoder->fields[i], decoder->arena, &decoder->values[i], err));
        decoder->held.columns[i] = &decoder->values[i];
    }
    return LF_OK;
}

static void emit_column(struct decoder *decoder, size_t slot, unsigned column)
{
    if (decoder->held.columns[column])
        emit(decoder, decoder->entity->columns[column].attr, decoder->held.columns[column]);
    else if (!decoder->fields[column].data)
        emit_extra(decoder, slot);
}

static enum lf_code emit_flatten(struct decoder *decoder, size_t slot, const struct flatten *flatten, struct err *err)
{
    struct attribute *entries = arena_alloc(decoder->arena, flatten->column_count * sizeof *entries, err);
    if (!entries)
        return err->code;
    size_t count = 0;
    for (size_t i = 0; i < flatten->column_count; i++) {
        unsigned column = flatten->columns[i];
        if (decoder->held.columns[column])
            entries[count++] =
                (struct attribute){ .name = decoder->entity->columns[column].member, .value = *decoder->held.columns[column] };
    }
    struct value map = { .type = VALUE_M, .map = { entries, count } };
    if (count > 0)
        emit(decoder, decoder->entity->index->slots[slot].name, &map);
    else
        emit_extra(decoder, slot);
    return LF_OK;
}

/* ---- templates ---- */

static enum lf_code emit_key(struct decoder *decoder, size_t at, struct err *err)
{
    struct span attr = decoder->entity->templates[at].attr;
    struct value value;
    bool is_present;
    TRY(render_attribute(decoder->entity, at, &decoder->held, &is_present, &value, err));
    if (!is_present)
        return ERR(err, LF_ROW, "a column that the key attribute %.*s is made of is NULL", SPAN_ARG(attr));
    emit(decoder, attr, &value);
    return LF_OK;
}

static enum lf_code emit_template(struct decoder *decoder, size_t slot, size_t at, struct err *err)
{
    if (at < entity_key_count(decoder->entity))
        return emit_key(decoder, at, err);
    if (decoder->extra[slot]) {
        emit_extra(decoder, slot);
        return LF_OK;
    }
    struct value value;
    bool is_present;
    TRY(render_attribute(decoder->entity, at, &decoder->held, &is_present, &value, err));
    if (is_present)
        emit(decoder, decoder->entity->templates[at].attr, &value);
    return LF_OK;
}

/* ---- children ---- */

/* The entries of an element that is a map: the columns that are not NULL. */
static enum lf_code decode_entries(const struct child *child, const struct pg_field *fields, struct arena *arena,
                                   struct value *ret_element, struct err *err)
{
    struct attribute *entries = arena_alloc(arena, child->column_count * sizeof *entries, err);
    if (!entries)
        return err->code;
    size_t count = 0;
    for (size_t i = 0; i < child->column_count; i++) {
        if (!fields[i].data || is_empty_set(&child->columns[i], fields[i]))
            continue;
        struct attribute *entry = &entries[count++];
        entry->name = child->columns[i].attr;
        TRY(decode_field(&child->columns[i], fields[i], arena, &entry->value, err));
    }
    *ret_element = (struct value){ .type = VALUE_M, .map = { entries, count } };
    return LF_OK;
}

static enum lf_code decode_element(const struct child *child, const struct child_index *index, const struct pg_field *fields,
                                   struct arena *arena, struct value *ret_element, struct err *err)
{
    if (index->element == NAME_NONE)
        return decode_entries(child, fields, arena, ret_element, err);
    if (!fields[index->element].data)
        return ERR(err, LF_ROW, "a row of %.*s without an element", SPAN_ARG(child->table));
    return decode_field(&child->columns[index->element], fields[index->element], arena, ret_element, err);
}

/* A record: number of fields(4), then oid(4) length(4) bytes of each; the position comes first and is only for ORDER BY. */
static enum lf_code read_record(struct span record, size_t column_count, struct pg_field *fields, struct err *err)
{
    struct pg_reader reader = { record.ptr, record.ptr + record.len };
    struct pg_field position;
    int32_t count, oid;
    TRY(pg_get_int32(&reader, &count, err));
    if (count < 0 || (size_t)count != column_count + 1)
        return ERR(err, LF_ROW, "a record of %d fields, expected %zu", (int)count, column_count + 1);
    for (size_t i = 0; i <= column_count; i++) {
        TRY(pg_get_int32(&reader, &oid, err));
        TRY(pg_get_field(&reader, i == 0 ? &position : &fields[i - 1], err));
    }
    return LF_OK;
}

static enum lf_code decode_elements(struct decoder *decoder, size_t at, struct pg_reader *reader, struct value *elements,
                                    size_t count, struct err *err)
{
    const struct child *child = &decoder->entity->children[at];
    struct pg_field record, *fields = arena_calloc(decoder->arena, child->column_count, sizeof *fields, err);
    if (!fields)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        TRY(pg_get_field(reader, &record, err));
        if (!record.data)
            return ERR(err, LF_ROW, "a NULL among the rows of %.*s", SPAN_ARG(child->table));
        TRY(read_record(field_bytes(record), child->column_count, fields, err));
        TRY(decode_element(child, &decoder->entity->index->children[at], fields, decoder->arena, &elements[i], err));
    }
    return LF_OK;
}

static enum lf_code decode_child(struct decoder *decoder, size_t at, struct value *ret_list, struct err *err)
{
    struct pg_field field = decoder->fields[decoder->entity->column_count + 1 + at];
    *ret_list = (struct value){ .type = VALUE_L };
    if (!field.data)
        return LF_OK;
    struct pg_reader reader;
    size_t count;
    TRY(pg_read_array(field_bytes(field), PG_OID_RECORD, &reader, &count, err));
    ret_list->list.values = arena_calloc(decoder->arena, count, sizeof *ret_list->list.values, err);
    if (!ret_list->list.values)
        return err->code;
    ret_list->list.count = count;
    return decode_elements(decoder, at, &reader, ret_list->list.values, count, err);
}

static enum lf_code emit_child(struct decoder *decoder, size_t slot, size_t at, struct err *err)
{
    struct value list;
    TRY(field_error(decode_child(decoder, at, &list, err), err));
    if (list.list.count > 0)
        emit(decoder, decoder->entity->children[at].attr, &list);
    else
        emit_extra(decoder, slot);
    return LF_OK;
}

/* ---- the whole ---- */

static enum lf_code emit_slot(struct decoder *decoder, size_t at, struct err *err)
{
    const struct attribute_slot *slot = &decoder->entity->index->slots[at];
    switch (slot->role) {
    case ROLE_COLUMN:
        emit_column(decoder, at, slot->at);
        return LF_OK;
    case ROLE_FLATTEN:
        return emit_flatten(decoder, at, &decoder->entity->index->flattens[slot->at], err);
    case ROLE_CHILD:
        return emit_child(decoder, at, slot->at, err);
    case ROLE_TEMPLATE:
        return emit_template(decoder, at, slot->at, err);
    case ROLE_MATCH:
        emit(decoder, slot->name, &decoder->entity->matches[slot->at].value);
        return LF_OK;
    }
    return LF_OK;
}

enum lf_code row_decode(const struct entity *entity, const struct pg_field *fields, struct arena *arena, struct item *ret_item,
                        struct err *err)
{
    struct decoder decoder = { .entity = entity, .fields = fields, .arena = arena };
    struct item extra;
    TRY(read_extra(&decoder, &extra, err));
    TRY(decoder_init(&decoder, extra.count, err));
    sort_extra(&decoder, &extra);
    TRY(decode_columns(&decoder, err));
    for (size_t i = 0; i < entity->index->slot_count; i++)
        TRY(emit_slot(&decoder, i, err));
    *ret_item = decoder.item;
    return LF_OK;
}
