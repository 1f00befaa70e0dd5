#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"
#include "codec/utf8.h"
#include "item/canonical.h"
#include "map/codec_functions.h"
#include "map/entity_index.h"
#include "map/row.h"
#include "map/row_text.h"

/*
 * A row is at most 8,160 bytes after PostgreSQL has moved what it can out of line. What it cannot move is at most 24 bytes of a
 * column and its alignment, so no row of an allowed number of columns is too wide and nobody has to look.
 */
enum { INLINE_BYTES_MAX = 24 + 7, ROW_HEADER_BYTES_MAX = 23 + LIMIT_COLUMNS / 8 + 8, ROW_BYTES_MAX = 8160 };
_Static_assert((LIMIT_COLUMNS + 1) * INLINE_BYTES_MAX + ROW_HEADER_BYTES_MAX <= ROW_BYTES_MAX, "a row may be too wide");

/* How near an entity came to claiming the item; the reason of the nearest is kept. */
enum closeness { CLOSE_NOT, CLOSE_MATCHES, CLOSE_HAS_KEY };

enum { REASON_VALUE_BYTES = 60 };

struct refusal {
    enum closeness closeness;
    struct span text; /* in the arena */
};

struct encoder {
    const struct entity *entity;
    const struct item *item;
    struct arena *arena;
    struct refusal *refusal;
    bool refused;
    const struct value **values; /* per slot: of the item, NULL when absent */
    struct held_values held;
    struct pg_field *fields;
    struct row_child *children;
    struct attribute *extra;
    size_t extra_count;
    size_t text_bytes; /* of the item's own strings and binaries */
};

/* ---- refusing ---- */

/* The beginning of a text from the data, without U+0000, for a sentence that PostgreSQL will store. */
static struct span short_text(struct span text)
{
    size_t len = text.len ? span_find_byte(text, '\0') : 0;
    return utf8_cut(span_of(text.ptr, len), REASON_VALUE_BYTES);
}

/* Notes that the entity does not claim the item, and why, unless another came closer. */
PRINTF_LIKE(4, 5)
static enum lf_code refuse(struct encoder *encoder, enum closeness closeness, struct err *err, const char *format, ...)
{
    encoder->refused = true;
    if (encoder->refusal->text.ptr && closeness <= encoder->refusal->closeness)
        return LF_OK;
    char why[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, sizeof why, format, args);
    va_end(args);
    why[utf8_invalid_at(span_from_cstr(why))] = '\0'; /* where it was cut */
    encoder->refusal->closeness = closeness;
    return arena_printf(encoder->arena, &encoder->refusal->text, err, "%.*s: %s", SPAN_ARG(encoder->entity->name), why);
}

/* ---- whether to try ---- */

static bool match_holds(const struct match *match, const struct item *item)
{
    const struct value *value = item_get(item, match->attr);
    return value && value_equal(value, &match->value);
}

static bool matches_hold(const struct entity *entity, const struct item *item)
{
    for (size_t i = 0; i < entity->match_count; i++)
        if (!match_holds(&entity->matches[i], item))
            return false;
    return true;
}

/* Without rendering: a key that lacks the first or last literal is not from this template. */
static bool may_be_rendered(const struct template *template, const struct value *value)
{
    if (!value)
        return false;
    if (value->type != VALUE_S || template->count == 0)
        return true;
    const struct template_part *first = &template->parts[0], *last = &template->parts[template->count - 1];
    return (first->is_variable || span_starts_with(value->bytes, first->literal)) &&
           (last->is_variable || span_ends_with(value->bytes, last->literal));
}

static enum lf_code check_key_shape(struct encoder *encoder, struct err *err)
{
    const struct entity *entity = encoder->entity;
    for (size_t i = 0; i < entity_key_count(entity); i++) {
        const struct key_template *key = &entity->templates[i];
        if (!may_be_rendered(&key->template, item_get(encoder->item, key->attr)))
            return refuse(encoder, entity->match_count ? CLOSE_MATCHES : CLOSE_NOT, err, "%.*s is not as its template has it",
                          SPAN_ARG(key->attr));
    }
    return LF_OK;
}

/* ---- attributes to slots ---- */

static void add_extra(struct encoder *encoder, struct span name, const struct value *value)
{
    encoder->extra[encoder->extra_count++] = (struct attribute){ .name = name, .value = *value };
}

static void sort_attributes(struct encoder *encoder)
{
    const struct entity_index *index = encoder->entity->index;
    for (size_t i = 0; i < encoder->item->count; i++) {
        const struct attribute *attribute = &encoder->item->attributes[i];
        unsigned slot = name_table_find(&index->names, attribute->name);
        if (slot == NAME_NONE)
            add_extra(encoder, attribute->name, &attribute->value);
        else
            encoder->values[slot] = &attribute->value;
        if (attribute->value.type == VALUE_S || attribute->value.type == VALUE_B)
            encoder->text_bytes += attribute->value.bytes.len;
    }
}

static enum lf_code encoder_init(struct encoder *encoder, struct err *err)
{
    const struct entity *entity = encoder->entity;
    struct arena *arena = encoder->arena;
    encoder->values = arena_calloc(arena, entity->index->slot_count, sizeof *encoder->values, err);
    encoder->held = (struct held_values){ arena_calloc(arena, entity->column_count, sizeof *encoder->held.columns, err), arena };
    encoder->fields = arena_calloc(arena, entity->column_count + 1, sizeof *encoder->fields, err);
    encoder->children = arena_calloc(arena, entity->child_count, sizeof *encoder->children, err);
    encoder->extra = arena_alloc(arena, (encoder->item->count + entity->template_count) * sizeof *encoder->extra, err);
    if (!encoder->values || !encoder->held.columns || !encoder->fields || !encoder->children || !encoder->extra)
        return err->code;
    sort_attributes(encoder);
    return LF_OK;
}

/* ---- columns ---- */

/* Puts the value in the column if it fits. `value` must live as long as the row. */
static enum lf_code encode_column(struct encoder *encoder, size_t at, const struct value *value, bool *ret_held, struct err *err)
{
    TRY(encoder->entity->columns[at].codec->to_row(value, encoder->arena, ret_held, &encoder->fields[at], err));
    if (*ret_held)
        encoder->held.columns[at] = value;
    return LF_OK;
}

/* Every entry of a map that is not empty, each in its column, or nothing. */
static enum lf_code encode_members(struct encoder *encoder, const struct flatten *flatten, const struct value *map,
                                   bool *ret_held, struct err *err)
{
    *ret_held = map->type == VALUE_M && map->map.count > 0;
    for (size_t i = 0; *ret_held && i < map->map.count; i++) {
        const struct attribute *entry = &map->map.attributes[i];
        unsigned column = name_table_find(&flatten->members, entry->name);
        if (column == NAME_NONE)
            *ret_held = false;
        else
            TRY(encode_column(encoder, column, &entry->value, ret_held, err));
    }
    return LF_OK;
}

static enum lf_code encode_flatten(struct encoder *encoder, const struct flatten *flatten, const struct value *map,
                                   bool *ret_held, struct err *err)
{
    TRY(encode_members(encoder, flatten, map, ret_held, err));
    for (size_t i = 0; !*ret_held && i < flatten->column_count; i++) {
        encoder->fields[flatten->columns[i]] = PG_NULL;
        encoder->held.columns[flatten->columns[i]] = NULL;
    }
    return LF_OK;
}

static enum lf_code encode_columns(struct encoder *encoder, struct err *err)
{
    const struct entity_index *index = encoder->entity->index;
    for (size_t i = 0; i < index->slot_count; i++) {
        const struct attribute_slot *slot = &index->slots[i];
        const struct value *value = encoder->values[i];
        bool is_held = true;
        if (value && slot->role == ROLE_COLUMN)
            TRY(encode_column(encoder, slot->at, value, &is_held, err));
        else if (value && slot->role == ROLE_FLATTEN)
            TRY(encode_flatten(encoder, &index->flattens[slot->at], value, &is_held, err));
        if (!is_held)
            add_extra(encoder, slot->name, value);
    }
    return LF_OK;
}

/* ---- columns that only a key holds ---- */

/* A value of the type the codec takes; false when the key's text is none. */
static bool value_of_key_text(const struct column_codec *codec, struct span text, struct value *ret_value)
{
    struct err ignored = ERR_INIT;
    *ret_value = (struct value){ .type = codec->value };
    switch (codec->value) {
    case VALUE_S:
        ret_value->bytes = text;
        return true;
    case VALUE_N:
        return number_parse(text, &ret_value->number, &ignored) == LF_OK;
    case VALUE_BOOL:
        ret_value->boolean = span_equal(text, SPAN("true"));
        return ret_value->boolean || span_equal(text, SPAN("false"));
    default:
        return false;
    }
}

static enum lf_code encode_key_variable(struct encoder *encoder, unsigned column, struct span text, struct err *err)
{
    bool is_held;
    struct value *value = arena_alloc(encoder->arena, sizeof *value, err);
    if (!value)
        return err->code;
    if (!value_of_key_text(encoder->entity->columns[column].codec, text, value))
        return LF_OK;
    return encode_column(encoder, column, value, &is_held, err);
}

/* The columns that template `at` gives, from its attribute; numbers and binaries are columns themselves. */
static enum lf_code encode_key_variables(struct encoder *encoder, unsigned at, const struct value *value, struct err *err)
{
    const struct entity_index *index = encoder->entity->index;
    const struct template *template = &encoder->entity->templates[at].template;
    struct span texts[LIMIT_TEMPLATE_PARTS];
    if (value->type != VALUE_S || !template_match(template, value->bytes, texts))
        return LF_OK;
    for (size_t i = 0; i < template->count; i++) {
        const struct template_part *part = &template->parts[i];
        bool is_source = part->is_variable && index->column_templates[part->column] == at;
        bool is_absent = part->optional && texts[i].len == 0;
        if (is_source && !is_absent)
            TRY(encode_key_variable(encoder, part->column, texts[i], err));
    }
    return LF_OK;
}

static enum lf_code encode_key_columns(struct encoder *encoder, struct err *err)
{
    const struct entity_index *index = encoder->entity->index;
    for (unsigned i = 0; i < encoder->entity->template_count; i++) {
        const struct value *value = encoder->values[index->templates[i].slot];
        if (index->templates[i].gives_columns && value)
            TRY(encode_key_variables(encoder, i, value, err));
    }
    return LF_OK;
}

/* ---- what must be true of the row ---- */

/* Of a key attribute in an index; other types are no keys. */
static size_t key_bytes(const struct value *value)
{
    if (value && value->type == VALUE_N)
        return NUMBER_TEXT_BYTES;
    return value && (value->type == VALUE_S || value->type == VALUE_B) ? value->bytes.len : 0;
}

static enum lf_code check_key(struct encoder *encoder, struct err *err)
{
    const struct entity *entity = encoder->entity;
    size_t bytes = 0;
    for (size_t i = 0; i < entity_key_count(entity); i++) {
        struct span attr = entity->templates[i].attr;
        bool is_present;
        struct value rendered;
        TRY(render_attribute(entity, i, &encoder->held, &is_present, &rendered, err));
        if (!is_present)
            return refuse(encoder, CLOSE_MATCHES, err, "%.*s cannot be rebuilt, a column it is made of is empty", SPAN_ARG(attr));
        if (!value_equal(&rendered, encoder->values[entity->index->templates[i].slot]))
            return refuse(encoder, CLOSE_MATCHES, err, "%.*s is not what its columns give", SPAN_ARG(attr));
        bytes += key_bytes(&rendered);
    }
    if (bytes > LIMIT_INDEX_KEY_BYTES)
        return refuse(encoder, CLOSE_HAS_KEY, err, "its key has %zu bytes, at most %d fit an index", bytes,
                      LIMIT_INDEX_KEY_BYTES);
    return LF_OK;
}

static bool is_allowed(const struct column *column, struct pg_field field)
{
    if (column->check_count == 0 || !field.data)
        return true;
    for (size_t i = 0; i < column->check_count; i++)
        if (span_equal(column->check[i], field_bytes(field)))
            return true;
    return false;
}

static enum lf_code check_columns(struct encoder *encoder, struct err *err)
{
    for (size_t i = 0; i < encoder->entity->column_count; i++) {
        const struct column *column = &encoder->entity->columns[i];
        struct pg_field field = encoder->fields[i];
        if (column->not_null && !field.data)
            return refuse(encoder, CLOSE_HAS_KEY, err,
                          "column %.*s may not be null, and its attribute is absent or of another form", SPAN_ARG(column->name));
        if (!is_allowed(column, field)) {
            struct span text = short_text(field_bytes(field));
            return refuse(encoder, CLOSE_HAS_KEY, err, "%.*s '%.*s' is not one of the values the map allows",
                          SPAN_ARG(column->name), SPAN_ARG(text));
        }
    }
    return LF_OK;
}

static enum lf_code check_index(struct encoder *encoder, const unsigned *columns, size_t count, struct err *err)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += encoder->fields[columns[i]].len;
    if (bytes <= LIMIT_INDEX_KEY_BYTES)
        return LF_OK;
    return refuse(encoder, CLOSE_HAS_KEY, err, "the index that begins with column %.*s would have %zu bytes, at most %d fit",
                  SPAN_ARG(encoder->entity->columns[columns[0]].name), bytes, LIMIT_INDEX_KEY_BYTES);
}

/* The keys of secondary indexes are the item's, whether templates give them or ddb_extra. */
static enum lf_code check_secondary_indexes(struct encoder *encoder, struct err *err)
{
    const struct map_table *table = encoder->entity->dynamodb_table;
    if (encoder->text_bytes <= LIMIT_INDEX_KEY_BYTES - 2 * NUMBER_TEXT_BYTES)
        return LF_OK;
    for (size_t i = 0; i < table->index_count; i++) {
        const struct key_schema *key = &table->indexes[i].key;
        size_t bytes = key_bytes(item_get(encoder->item, key->partition.name));
        if (key_schema_has_sort(key))
            bytes += key_bytes(item_get(encoder->item, key->sort.name));
        if (bytes > LIMIT_INDEX_KEY_BYTES)
            return refuse(encoder, CLOSE_HAS_KEY, err, "its key of index %.*s has %zu bytes, at most %d fit",
                          SPAN_ARG(table->indexes[i].name), bytes, LIMIT_INDEX_KEY_BYTES);
    }
    return LF_OK;
}

static bool has_key(const struct item *item, const struct key_schema *key)
{
    const struct value *partition = item_get(item, key->partition.name);
    const struct value *sort = key_schema_has_sort(key) ? item_get(item, key->sort.name) : NULL;
    return partition && partition->type == key->partition.type &&
           (!key_schema_has_sort(key) || (sort && sort->type == key->sort.type));
}

/* Whether the index finds the attribute: in its column; or by its template, which lets ddb_extra say otherwise. */
static bool is_found(const struct encoder *encoder, const struct key_attribute *attribute)
{
    const struct entity *entity = encoder->entity;
    unsigned at = name_table_find(&entity->index->names, attribute->name);
    const struct attribute_slot *slot = at == NAME_NONE ? NULL : &entity->index->slots[at];
    if (slot && slot->role == ROLE_COLUMN)
        return encoder->held.columns[slot->at] && entity->columns[slot->at].codec->value == attribute->type;
    if (slot && slot->role == ROLE_TEMPLATE)
        return attribute->type == VALUE_S && is_postgres_text(encoder->values[at]->bytes) && is_postgres_text(slot->name);
    return slot && slot->role == ROLE_MATCH;
}

/* An item must be in the indexes that it has the key of. */
static enum lf_code check_index_attributes(struct encoder *encoder, struct err *err)
{
    const struct map_table *table = encoder->entity->dynamodb_table;
    for (size_t i = 0; i < table->index_count && !encoder->refused; i++) {
        const struct key_schema *key = &table->indexes[i].key;
        if (!has_key(encoder->item, key))
            continue;
        bool is_in = is_found(encoder, &key->partition) && (!key_schema_has_sort(key) || is_found(encoder, &key->sort));
        if (!is_in)
            TRY(refuse(encoder, CLOSE_HAS_KEY, err, "neither a column nor a template gives its key of index %.*s",
                       SPAN_ARG(table->indexes[i].name)));
    }
    return LF_OK;
}

static enum lf_code check_indexes(struct encoder *encoder, struct err *err)
{
    const struct entity *entity = encoder->entity;
    TRY(check_index(encoder, entity->primary_key, entity->primary_key_count, err));
    for (size_t i = 0; i < entity->index_count; i++)
        TRY(check_index(encoder, entity->indexes[i].columns, entity->indexes[i].count, err));
    for (size_t i = 0; i < entity->foreign_key_count; i++)
        TRY(check_index(encoder, entity->foreign_keys[i].columns, entity->foreign_keys[i].count, err));
    TRY(check_index_attributes(encoder, err));
    return check_secondary_indexes(encoder, err);
}

/* ---- children ---- */

/* One value into one field of a child row; `ret_held` also says no where the child's constraints do. */
static enum lf_code encode_child_field(const struct column *column, const struct value *value, struct arena *arena,
                                       bool *ret_held, struct pg_field *ret_field, struct err *err)
{
    TRY(column->codec->to_row(value, arena, ret_held, ret_field, err));
    *ret_held = *ret_held && is_allowed(column, *ret_field);
    return LF_OK;
}

static enum lf_code encode_entries(const struct child *child, const struct child_index *index, const struct value *map,
                                   struct arena *arena, bool *ret_held, struct pg_field *fields, struct err *err)
{
    *ret_held = map->type == VALUE_M && map->map.count > 0;
    for (size_t i = 0; *ret_held && i < map->map.count; i++) {
        const struct attribute *entry = &map->map.attributes[i];
        unsigned column = name_table_find(&index->members, entry->name);
        if (column == NAME_NONE)
            *ret_held = false;
        else
            TRY(encode_child_field(&child->columns[column], &entry->value, arena, ret_held, &fields[column], err));
    }
    for (size_t i = 0; *ret_held && i < child->column_count; i++)
        *ret_held = !child->columns[i].not_null || fields[i].data;
    return LF_OK;
}

static enum lf_code encode_element(const struct child *child, const struct child_index *index, const struct value *element,
                                   struct arena *arena, bool *ret_held, struct pg_field *fields, struct err *err)
{
    if (index->element == NAME_NONE)
        return encode_entries(child, index, element, arena, ret_held, fields, err);
    return encode_child_field(&child->columns[index->element], element, arena, ret_held, &fields[index->element], err);
}

/* The fields in front of a child's own: the parent's primary key and the position. */
static enum lf_code encode_position(struct encoder *encoder, size_t position, struct pg_field *fields, struct err *err)
{
    const struct entity *entity = encoder->entity;
    for (size_t i = 0; i < entity->primary_key_count; i++)
        fields[i] = encoder->fields[entity->primary_key[i]];
    return field_of_int32((int32_t)position, encoder->arena, &fields[entity->primary_key_count], err);
}

static enum lf_code encode_child(struct encoder *encoder, size_t at, const struct value *list, bool *ret_held, struct err *err)
{
    const struct child *child = &encoder->entity->children[at];
    size_t own_at = encoder->entity->primary_key_count + 1, field_count = own_at + child->column_count;
    *ret_held = list->type == VALUE_L && list->list.count > 0;
    if (!*ret_held)
        return LF_OK;
    struct pg_field *fields = arena_calloc(encoder->arena, list->list.count, field_count * sizeof *fields, err);
    if (!fields)
        return err->code;
    for (size_t i = 0; *ret_held && i < list->list.count; i++) {
        struct pg_field *row = fields + i * field_count;
        TRY(encode_position(encoder, i, row, err));
        TRY(encode_element(child, &encoder->entity->index->children[at], &list->list.values[i], encoder->arena, ret_held,
                           row + own_at, err));
    }
    if (*ret_held)
        encoder->children[at] = (struct row_child){ fields, list->list.count, field_count };
    return LF_OK;
}

static enum lf_code encode_children(struct encoder *encoder, struct err *err)
{
    const struct entity_index *index = encoder->entity->index;
    for (size_t i = 0; i < index->slot_count; i++) {
        const struct attribute_slot *slot = &index->slots[i];
        if (slot->role != ROLE_CHILD || !encoder->values[i])
            continue;
        bool is_held;
        TRY(encode_child(encoder, slot->at, encoder->values[i], &is_held, err));
        if (!is_held)
            add_extra(encoder, slot->name, encoder->values[i]);
    }
    return LF_OK;
}

/* ---- leftovers ---- */

/* Templates beyond the table's key may be wrong: what they do not give, or give too much, is left over. */
static enum lf_code encode_templates(struct encoder *encoder, struct err *err)
{
    static const struct value absent = { .type = VALUE_TYPES };
    const struct entity *entity = encoder->entity;
    for (size_t i = entity_key_count(entity); i < entity->template_count; i++) {
        unsigned slot = entity->index->templates[i].slot;
        if (entity->index->slots[slot].role != ROLE_TEMPLATE)
            continue;
        const struct value *value = encoder->values[slot];
        bool is_present;
        struct value rendered;
        TRY(render_attribute(entity, i, &encoder->held, &is_present, &rendered, err));
        if (value && !(is_present && value_equal(&rendered, value)))
            add_extra(encoder, entity->templates[i].attr, value);
        else if (!value && is_present)
            add_extra(encoder, entity->templates[i].attr, &absent);
    }
    return LF_OK;
}

static enum lf_code encode_extra(struct encoder *encoder, struct err *err)
{
    if (encoder->extra_count == 0)
        return LF_OK;
    struct buf buf;
    struct err why = ERR_INIT;
    buf_init(&buf, JSONB_BYTES_MAX);
    buf_put_byte(&buf, JSONB_VERSION);
    if (extra_put(&buf, encoder->extra, encoder->extra_count, &why) == LF_OK)
        return field_take(&buf, encoder->arena, &encoder->fields[encoder->entity->column_count], err);
    buf_done(&buf);
    return refuse(encoder, CLOSE_HAS_KEY, err, "%s", why.message);
}

/* ---- the whole ---- */

typedef enum lf_code encode_step(struct encoder *encoder, struct err *err);

static encode_step *const encode_steps[] = {
    check_key_shape, encoder_init,  encode_columns,  encode_key_columns, check_key,
    check_columns,   check_indexes, encode_children, encode_templates,   encode_extra,
};

static enum lf_code encode_entity(struct encoder *encoder, struct err *err)
{
    for (size_t i = 0; !encoder->refused && i < sizeof encode_steps / sizeof encode_steps[0]; i++)
        TRY(encode_steps[i](encoder, err));
    return LF_OK;
}

enum lf_code row_encode(const struct map_table *table, const struct item *item, struct arena *arena, struct row *ret_row,
                        struct err *err)
{
    struct refusal refusal = { 0 };
    for (size_t i = 0; i < table->entity_count; i++) {
        const struct entity *entity = &table->entities[i];
        if (!matches_hold(entity, item))
            continue;
        struct encoder encoder = { .entity = entity, .item = item, .arena = arena, .refusal = &refusal };
        TRY(encode_entity(&encoder, err));
        if (!encoder.refused) {
            *ret_row = (struct row){ .entity = entity, .fields = encoder.fields, .children = encoder.children };
            return LF_OK;
        }
    }
    *ret_row = (struct row){ .reason = refusal.text.ptr ? refusal.text : SPAN("no entity of the map has its constants") };
    return LF_OK;
}
