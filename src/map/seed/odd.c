#include "codec/timestamp.h"
#include "map/codec_functions.h"
#include "map/entity_index.h"
#include "map/seed/plan.h"

/* Ways to be odd, in turn until one fits the attribute; the last one always does. */
typedef bool odd_way(struct value *value, const struct column *column, struct draw *draw);

static bool another_time_format(struct value *value, const struct column *column, struct draw *draw)
{
    static const char *const formats[] = { "12/31/2023", "2023-11-05 14:30", "yesterday", "1699194600000" };
    if (column->type != COLUMN_TIMESTAMPTZ && column->type != COLUMN_DATE)
        return false;
    *value = value_string(span_from_cstr(formats[draw_below(draw, sizeof formats / sizeof *formats)]));
    return true;
}

static bool with_nul(struct value *value, const struct column *column, struct draw *draw)
{
    (void)column, (void)draw;
    if (value->type != VALUE_S)
        return false;
    *value = value_string(SPAN("before\0after"));
    return true;
}

static bool another_type(struct value *value, const struct column *column, struct draw *draw)
{
    (void)column;
    if (value->type == VALUE_S || draw_below(draw, 3) == 0)
        *value = value_number(number_from_int64((int64_t)draw_below(draw, 1000)));
    else
        *value = value_string(SPAN("n/a"));
    return true;
}

/* Keys of the table and its indexes have one type in DynamoDB; what others refer to, and what decides on the entity, must stay.
 */
static bool is_key_attribute(const struct map_table *table, struct span name)
{
    if (span_equal(table->key.partition.name, name) || span_equal(table->key.sort.name, name))
        return true;
    for (size_t i = 0; i < table->index_count; i++)
        if (span_equal(table->indexes[i].key.partition.name, name) || span_equal(table->indexes[i].key.sort.name, name))
            return true;
    return false;
}

static bool is_constant(const struct entity *entity, struct span name)
{
    for (size_t i = 0; i < entity->match_count; i++)
        if (span_equal(entity->matches[i].attr, name))
            return true;
    return false;
}

/* Not what decides on the entity, or that there is a row others refer to. */
static bool may_be_odd(const struct seed_entity *entity, const struct attribute *attribute, const struct column **ret_column)
{
    const struct entity *of = entity->entity;
    unsigned slot = name_table_find(&of->index->names, attribute->name);
    if (slot == NAME_NONE || of->index->slots[slot].role != ROLE_COLUMN || is_constant(of, attribute->name) ||
        is_key_attribute(of->dynamodb_table, attribute->name))
        return false;
    const struct seed_column *column = &entity->columns[of->index->slots[slot].at];
    *ret_column = column->field.column;
    return !column->is_key && !column->field.is_unique && !(column->is_needed && entity->is_parent);
}

static enum lf_code add_unknown(struct item *item, struct draw *draw, struct arena *arena, struct err *err)
{
    struct span name;
    TRY(arena_printf(arena, &name, err, "legacy_%s", seed_noun(draw_next(draw))));
    if (!item_get(item, name))
        item->attributes[item->count++] = (struct attribute){ name, value_string(SPAN("from the old system")) };
    return LF_OK;
}

enum lf_code seed_make_odd(const struct seed_entity *entity, struct draw *draw, struct item *item, struct arena *arena,
                           struct err *err)
{
    static odd_way *const ways[] = { another_time_format, with_nul, another_type };
    enum { WAYS = sizeof ways / sizeof *ways };
    const struct column *column;
    struct attribute *attribute = item->count ? &item->attributes[draw_below(draw, item->count)] : NULL;
    uint64_t way = draw_below(draw, WAYS + 1);
    if (way == WAYS || !attribute || !may_be_odd(entity, attribute, &column))
        return add_unknown(item, draw, arena, err);
    while (!ways[way](&attribute->value, column, draw))
        way = (way + 1) % WAYS;
    return LF_OK;
}
