#include "map/codec_functions.h"
#include "map/entity_index.h"
#include "map/row_text.h"
#include "map/seed/plan.h"

/* What a number is mixed with, so that different questions get different answers. */
enum { SALT_BEGIN = 1, SALT_ABSENT, SALT_CHILDREN, SALT_ODD };

enum { SHARE_WHOLE = 1024 };

/* ---- parents ---- */

static uint64_t digit_of(const struct seed_entity *entity, uint64_t number, unsigned at)
{
    uint64_t rest = seed_permute(entity->salt, entity->digit_product, number);
    for (unsigned i = 0; i < at; i++)
        rest /= entity->digits[i].base;
    return rest % entity->digits[at].base;
}

/* A parent in a tree has a smaller number, so there is no circle; the first item, where it must have one, is its own. */
static uint64_t parent_number(const struct seed_entity *entity, const struct seed_relation *relation, uint64_t number)
{
    uint64_t fraction = seed_mix(relation->salt, number);
    if (relation->digit != SEED_NONE)
        return digit_of(entity, number, relation->digit);
    if (relation->is_tree)
        return number ? seed_scale(fraction, number) : 0;
    return seed_permute(relation->salt, relation->parent->count, seed_skewed(fraction, relation->parent->count));
}

static bool has_no_parent(const struct seed_relation *relation, uint64_t number)
{
    if (relation->is_needed)
        return false;
    if (relation->is_tree && number == 0)
        return true;
    return relation->parent->count == 0 || seed_mix(relation->salt + SALT_ABSENT, number) % SHARE_WHOLE < relation->absent_share;
}

/* The parent's value as this column's codec would have it. */
static enum lf_code convert(const struct column *from, const struct column *to, struct arena *arena, struct value *value,
                            struct err *err)
{
    bool is_held;
    struct pg_field field;
    struct value original = *value;
    if (from->codec == to->codec)
        return LF_OK;
    TRY(from->codec->to_row(&original, arena, &is_held, &field, err));
    return is_held ? to->codec->to_item(field, arena, value, err) : LF_OK;
}

static enum lf_code value_of_parent(const struct seed *seed, const struct seed_entity *entity, const struct seed_column *column,
                                    uint64_t number, struct arena *arena, bool *ret_present, struct value *ret_value,
                                    struct err *err)
{
    const struct seed_relation *relation = &entity->relations[column->relation];
    *ret_present = false;
    if ((!column->is_needed && has_no_parent(relation, number)) || relation->parent->count == 0)
        return LF_OK;
    TRY(seed_column_value(seed, relation->parent, column->reference, parent_number(entity, relation, number), arena, ret_present,
                          ret_value, err));
    if (!*ret_present)
        return LF_OK;
    return convert(relation->parent->columns[column->reference].field.column, column->field.column, arena, ret_value, err);
}

/* ---- columns ---- */

static struct seed_subject subject_of(const struct seed_entity *entity, const struct seed_column *column, uint64_t number)
{
    return (struct seed_subject){
        .number = entity->first + number,
        .pick = column && column->digit != SEED_NONE ? (int64_t)digit_of(entity, number, column->digit) : SEED_PICK_ANY,
        .begin_us = seed_begin_us(seed_mix(entity->salt + SALT_BEGIN, number)),
    };
}

static enum lf_code make_field(const struct seed_field *field, const struct seed_subject *subject, struct draw *draw,
                               struct arena *arena, bool *ret_present, struct value *ret_value, struct err *err)
{
    *ret_present = draw_below(draw, SHARE_WHOLE) >= field->absent_share;
    return *ret_present ? field->make(field, subject, draw, arena, ret_value, err) : LF_OK;
}

static enum lf_code value_of_own(const struct seed_entity *entity, const struct seed_column *column, uint64_t number,
                                 struct arena *arena, bool *ret_present, struct value *ret_value, struct err *err)
{
    struct seed_subject subject = subject_of(entity, column, number);
    struct draw draw = { seed_mix(column->field.salt, number) };
    return make_field(&column->field, &subject, &draw, arena, ret_present, ret_value, err);
}

/* The template from its own variables, whatever else the item has. */
static enum lf_code value_of_template(const struct seed *seed, const struct seed_entity *entity, unsigned at, uint64_t number,
                                      struct arena *arena, bool *ret_present, struct value *ret_value, struct err *err)
{
    const struct template *template = &entity->entity->templates[at].template;
    struct held_values held = { arena_calloc(arena, entity->entity->column_count, sizeof *held.columns, err), arena };
    struct value *values = arena_calloc(arena, template->count, sizeof *values, err);
    if (!held.columns || !values)
        return err->code;
    for (size_t i = 0; i < template->count; i++) {
        const struct template_part *part = &template->parts[i];
        bool is_present = false;
        if (part->is_variable && entity->columns[part->column].source != SEED_TEMPLATE)
            TRY(seed_column_value(seed, entity, part->column, number, arena, &is_present, &values[i], err));
        if (is_present)
            held.columns[part->column] = &values[i];
    }
    return render_attribute(entity->entity, at, &held, ret_present, ret_value, err);
}

enum lf_code seed_column_value(const struct seed *seed, const struct seed_entity *entity, size_t at, uint64_t number,
                               struct arena *arena, bool *ret_present, struct value *ret_value, struct err *err)
{
    const struct seed_column *column = &entity->columns[at];
    *ret_present = false;
    switch (column->source) {
    case SEED_OWN:
        return value_of_own(entity, column, number, arena, ret_present, ret_value, err);
    case SEED_PARENT:
        return value_of_parent(seed, entity, column, number, arena, ret_present, ret_value, err);
    case SEED_TEMPLATE:
        return value_of_template(seed, entity, column->template_at, number, arena, ret_present, ret_value, err);
    case SEED_CONSTANT:
        *ret_present = true;
        *ret_value = *column->constant;
        return LF_OK;
    case SEED_NEVER:
        return LF_OK;
    }
    return LF_OK;
}

/* ---- items ---- */

struct maker {
    const struct seed *seed;
    const struct seed_entity *entity;
    uint64_t number;
    struct arena *arena;
    struct held_values held;
    struct item item;
};

static enum lf_code make_columns(struct maker *maker, struct err *err)
{
    const struct entity *of = maker->entity->entity;
    struct value *values = arena_alloc(maker->arena, of->column_count * sizeof *values, err);
    maker->held =
        (struct held_values){ arena_calloc(maker->arena, of->column_count, sizeof *maker->held.columns, err), maker->arena };
    if (!values || !maker->held.columns)
        return err->code;
    for (size_t i = 0; i < of->column_count; i++) {
        bool is_present;
        TRY(seed_column_value(maker->seed, maker->entity, i, maker->number, maker->arena, &is_present, &values[i], err));
        if (is_present)
            maker->held.columns[i] = &values[i];
    }
    return LF_OK;
}

/* The entries that are there; a map without any is left out, as no column can tell it from none. */
static enum lf_code make_flatten(struct maker *maker, const struct flatten *flatten, bool *ret_present, struct value *ret_value,
                                 struct err *err)
{
    struct attribute *entries = arena_alloc(maker->arena, flatten->column_count * sizeof *entries, err);
    if (!entries)
        return err->code;
    size_t count = 0;
    for (size_t i = 0; i < flatten->column_count; i++) {
        unsigned column = flatten->columns[i];
        if (maker->held.columns[column])
            entries[count++] = (struct attribute){ maker->entity->entity->columns[column].member, *maker->held.columns[column] };
    }
    *ret_value = (struct value){ .type = VALUE_M };
    ret_value->map.attributes = entries;
    ret_value->map.count = count;
    *ret_present = count > 0;
    return LF_OK;
}

static enum lf_code make_entries(const struct child *child, const struct seed_field *fields, const struct seed_subject *subject,
                                 struct draw *draw, struct arena *arena, struct value *ret_value, struct err *err)
{
    struct attribute *entries = arena_alloc(arena, child->column_count * sizeof *entries, err);
    if (!entries)
        return err->code;
    size_t count = 0;
    for (size_t i = 0; i < child->column_count; i++) {
        bool is_present;
        TRY(make_field(&fields[i], subject, draw, arena, &is_present, &entries[count].value, err));
        entries[count].name = child->columns[i].attr;
        count += is_present;
    }
    if (count == 0) { /* no column could tell an empty map from none */
        entries[0].name = child->columns[0].attr;
        TRY(fields[0].make(&fields[0], subject, draw, arena, &entries[0].value, err));
        count = 1;
    }
    *ret_value = (struct value){ .type = VALUE_M };
    ret_value->map.attributes = entries;
    ret_value->map.count = count;
    return LF_OK;
}

static enum lf_code make_child(struct maker *maker, size_t at, bool *ret_present, struct value *ret_value, struct err *err)
{
    enum { ELEMENTS_MAX = 12 };
    const struct child *child = &maker->entity->entity->children[at];
    const struct seed_field *fields = maker->entity->children[at];
    struct seed_subject subject = subject_of(maker->entity, NULL, maker->number);
    struct draw draw = { seed_mix(fields->salt + SALT_CHILDREN, maker->number) };
    size_t count = draw_skewed(&draw, ELEMENTS_MAX + 1);
    struct value *elements = arena_calloc(maker->arena, count, sizeof *elements, err);
    if (!elements)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        if (child->columns[0].source == COLUMN_FROM_ELEMENT)
            TRY(fields->make(fields, &subject, &draw, maker->arena, &elements[i], err));
        else
            TRY(make_entries(child, fields, &subject, &draw, maker->arena, &elements[i], err));
    }
    *ret_value = (struct value){ .type = VALUE_L };
    ret_value->list.values = elements;
    ret_value->list.count = count;
    *ret_present = count > 0;
    return LF_OK;
}

static enum lf_code make_attribute(struct maker *maker, const struct attribute_slot *slot, bool *ret_present,
                                   struct value *ret_value, struct err *err)
{
    const struct entity *of = maker->entity->entity;
    switch (slot->role) {
    case ROLE_COLUMN:
        *ret_present = maker->held.columns[slot->at] != NULL;
        if (*ret_present)
            *ret_value = *maker->held.columns[slot->at];
        return LF_OK;
    case ROLE_FLATTEN:
        return make_flatten(maker, &of->index->flattens[slot->at], ret_present, ret_value, err);
    case ROLE_CHILD:
        return make_child(maker, slot->at, ret_present, ret_value, err);
    case ROLE_TEMPLATE:
        return render_attribute(of, slot->at, &maker->held, ret_present, ret_value, err);
    case ROLE_MATCH:
        *ret_present = true;
        *ret_value = of->matches[slot->at].value;
        return LF_OK;
    }
    return LF_OK;
}

static enum lf_code make_attributes(struct maker *maker, struct err *err)
{
    const struct entity_index *index = maker->entity->entity->index;
    enum { ROOM_FOR_ODD = 1 };
    maker->item.attributes = arena_alloc(maker->arena, (index->slot_count + ROOM_FOR_ODD) * sizeof(struct attribute), err);
    if (!maker->item.attributes)
        return err->code;
    for (size_t i = 0; i < index->slot_count; i++) {
        bool is_present;
        struct attribute *attribute = &maker->item.attributes[maker->item.count];
        TRY(make_attribute(maker, &index->slots[i], &is_present, &attribute->value, err));
        attribute->name = index->slots[i].name;
        maker->item.count += is_present;
    }
    return LF_OK;
}

enum lf_code seed_plain_item(const struct seed *seed, const struct seed_entity *entity, uint64_t number, struct arena *arena,
                             struct item *ret_item, struct err *err)
{
    struct maker maker = { .seed = seed, .entity = entity, .number = number, .arena = arena };
    TRY(make_columns(&maker, err));
    TRY(make_attributes(&maker, err));
    *ret_item = maker.item;
    return LF_OK;
}

/* ---- the run ---- */

/* Whose item `at` of the table is, in the order of entities; `at` becomes the entity's number. */
static const struct seed_entity *entity_at(const struct seed *seed, size_t table, uint64_t *at)
{
    const struct seed_entity *entity = seed->tables[table].entities;
    for (; *at >= entity->count; entity++)
        *at -= entity->count;
    return entity;
}

/* Entities are mixed, as by DynamoDB's hash of the key. */
enum lf_code seed_make(const struct seed *seed, size_t table, uint64_t n, struct arena *arena, struct seed_item *ret_item,
                       struct err *err)
{
    uint64_t number = seed_permute(seed->tables[table].salt, seed->tables[table].items, n);
    const struct seed_entity *entity = entity_at(seed, table, &number);
    struct seed_item made = { .entity = entity->entity };
    struct draw draw = { seed_mix(entity->salt + SALT_ODD, number) };
    TRY(seed_plain_item(seed, entity, number, arena, &made.item, err));
    made.is_odd = seed->options.odd_every && draw_below(&draw, seed->options.odd_every) == 0;
    if (made.is_odd)
        TRY(seed_make_odd(entity, &draw, &made.item, arena, err));
    *ret_item = made;
    return LF_OK;
}
