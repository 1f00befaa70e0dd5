#include "map/key_group.h"

enum { TEXT_BYTES_MAX = 64 * 1024, NAMES_BYTES_MAX = 16 * 1024 * 1024 };

/* Shapes ----------------------------------------------------------------------------------------------------------------------
 */

static struct span first_literal(const struct template *shape)
{
    return shape->count && !shape->parts[0].is_variable ? shape->parts[0].literal : SPAN("");
}

static struct span last_literal(const struct template *shape)
{
    size_t last = shape->count - 1;
    return shape->count && !shape->parts[last].is_variable ? shape->parts[last].literal : SPAN("");
}

/* One literal, or nothing at all. */
static bool is_constant(const struct template *shape)
{
    return shape->count == 0 || (shape->count == 1 && !shape->parts[0].is_variable);
}

/* Literals between variables: each as early as it comes, which leaves the most for those behind it. */
static bool has_middle(const struct template *shape, struct span rest)
{
    for (size_t i = 1; i + 1 < shape->count; i++) {
        size_t at = shape->parts[i].is_variable ? 0 : span_find(rest, shape->parts[i].literal);
        if (!shape->parts[i].is_variable && at == rest.len)
            return false;
        rest = span_from(rest, shape->parts[i].is_variable ? 0 : at + shape->parts[i].literal.len);
    }
    return true;
}

static bool has_shape(const struct template *shape, struct span text)
{
    struct span begin = first_literal(shape), end = last_literal(shape);
    if (is_constant(shape))
        return span_equal(text, begin);
    if (text.len < begin.len + end.len || !span_starts_with(text, begin) || !span_ends_with(text, end))
        return false;
    return has_middle(shape, span_of(text.ptr + begin.len, text.len - begin.len - end.len));
}

static bool is_one_prefix_of_other(struct span a, struct span b)
{
    return span_starts_with(a, b) || span_starts_with(b, a);
}

static bool is_one_suffix_of_other(struct span a, struct span b)
{
    return span_ends_with(a, b) || span_ends_with(b, a);
}

/* Of two shapes with variables, the longer beginning, the literals between of both, and the longer end make a common text. */
static bool have_common_text(const struct template *a, const struct template *b)
{
    if (is_constant(a))
        return has_shape(b, first_literal(a));
    if (is_constant(b))
        return has_shape(a, first_literal(b));
    return is_one_prefix_of_other(first_literal(a), first_literal(b)) && is_one_suffix_of_other(last_literal(a), last_literal(b));
}

/* Keys ------------------------------------------------------------------------------------------------------------------------
 */

/* A number or a binary has the one template there can be: a variable. */
static bool fits(const struct key_template *key, const struct key_attribute *attribute, const struct value *value)
{
    return value && value->type == attribute->type && (value->type != VALUE_S || has_shape(&key->template, value->bytes));
}

static bool entity_fits(const struct entity *entity, const struct item *item)
{
    const struct key_schema *schema = &entity->dynamodb_table->key;
    if (!fits(&entity->templates[0], &schema->partition, item_get(item, schema->partition.name)))
        return false;
    return !key_schema_has_sort(schema) || fits(&entity->templates[1], &schema->sort, item_get(item, schema->sort.name));
}

const struct entity *key_group_entity(const struct map_table *table, const struct item *item)
{
    for (size_t i = 0; i < table->entity_count; i++)
        if (entity_fits(&table->entities[i], item))
            return &table->entities[i];
    return NULL;
}

bool key_group_has(const struct key_group *group, const struct item *item)
{
    for (size_t i = 0; i < group->table->entity_count; i++)
        if (group->has[i] && entity_fits(&group->table->entities[i], item))
            return true;
    return false;
}

static void put_literal(struct buf *pattern, struct span literal)
{
    for (size_t i = 0; i < literal.len; i++) {
        char byte = literal.ptr[i];
        if (byte == '%' || byte == '_' || byte == '\\')
            buf_put_byte(pattern, '\\');
        buf_put_byte(pattern, byte);
    }
}

enum lf_code key_group_pattern(const struct key_template *key, const struct key_attribute *attribute, struct arena *arena,
                               struct span *ret_pattern, struct err *err)
{
    BUF_CLEANUP struct buf pattern;
    const struct template *shape = &key->template;
    buf_init(&pattern, TEXT_BYTES_MAX);
    for (size_t i = 0; i < shape->count && attribute->type == VALUE_S; i++) {
        if (shape->parts[i].is_variable)
            buf_put_byte(&pattern, '%');
        else
            put_literal(&pattern, shape->parts[i].literal);
    }
    if (attribute->type != VALUE_S)
        buf_put_byte(&pattern, '%');
    TRY(buf_check(&pattern, err));
    return arena_copy(arena, buf_span(&pattern), ret_pattern, err);
}

/* Ranges ----------------------------------------------------------------------------------------------------------------------
 */

/* What begins with the prefix lies from it up to its successor, the upper bound of a begins_with. */
static bool is_successor(struct span bound, struct span prefix)
{
    return bound.len > 0 && bound.len == prefix.len && memcmp(bound.ptr, prefix.ptr, prefix.len - 1) == 0 &&
           (unsigned char)bound.ptr[bound.len - 1] == (unsigned char)prefix.ptr[prefix.len - 1] + 1;
}

static bool may_meet(struct span prefix, const struct key_bounds *bounds)
{
    struct span from = bounds->from;
    bool is_below = bounds->to.ptr && span_compare(bounds->to, prefix) < 0;
    bool is_above = from.ptr && span_compare(from, prefix) > 0 && !span_starts_with(from, prefix);
    return !is_below && !is_above;
}

/* Whether all between the bounds begins with the prefix. */
static bool is_inside(struct span prefix, const struct key_bounds *bounds)
{
    bool is_up_to_successor = !bounds->has_to && is_successor(bounds->to, prefix);
    return prefix.len == 0 || (bounds->from.ptr && bounds->to.ptr && span_starts_with(bounds->from, prefix) &&
                               (span_starts_with(bounds->to, prefix) || is_up_to_successor));
}

static enum key_group_reach reach_of_sort(const struct template *shape, const struct key_bounds *bounds)
{
    bool is_point = bounds->from.ptr && bounds->to.ptr && span_equal(bounds->from, bounds->to);
    bool is_prefix_only = shape->count && shape->count <= 2 && shape->parts[shape->count - 1].is_variable;
    if (is_point)
        return has_shape(shape, bounds->from) ? KEY_GROUP_ALL : KEY_GROUP_NONE;
    if (!may_meet(first_literal(shape), bounds))
        return KEY_GROUP_NONE;
    return is_prefix_only && is_inside(first_literal(shape), bounds) ? KEY_GROUP_ALL : KEY_GROUP_SOME;
}

static enum key_group_reach reach_of(const struct entity *entity, const struct value *partition, const struct key_bounds *bounds)
{
    const struct key_schema *schema = &entity->dynamodb_table->key;
    if (!fits(&entity->templates[0], &schema->partition, partition))
        return KEY_GROUP_NONE;
    if (!key_schema_has_sort(schema) || schema->sort.type != VALUE_S)
        return KEY_GROUP_ALL;
    return reach_of_sort(&entity->templates[1].template, bounds);
}

enum key_group_reach key_group_reach(const struct key_group *group, const struct value *partition,
                                     const struct key_bounds *bounds)
{
    enum key_group_reach reach = KEY_GROUP_NONE;
    for (size_t i = 0; i < group->table->entity_count && reach != KEY_GROUP_ALL; i++) {
        enum key_group_reach own = group->has[i] ? reach_of(&group->table->entities[i], partition, bounds) : KEY_GROUP_NONE;
        reach = own > reach ? own : reach;
    }
    return reach;
}

/* Groups ----------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code add(struct key_group *group, struct span name, struct err *err)
{
    for (size_t i = 0; i < group->table->entity_count; i++)
        if (span_equal(group->table->entities[i].name, name)) {
            group->has[i] = true;
            return LF_OK;
        }
    return ERR(err, LF_MAP, "table %.*s has no entity %.*s in the map", SPAN_ARG(group->table->name), SPAN_ARG(name));
}

enum lf_code key_group_make(const struct map_table *table, struct span names, struct arena *arena, struct key_group *ret_group,
                            struct err *err)
{
    struct key_group group = { .table = table };
    group.has = arena_calloc(arena, table->entity_count + 1, sizeof *group.has, err);
    if (!group.has)
        return err->code;
    while (names.len)
        TRY(add(&group, span_cut_line(&names), err));
    *ret_group = group;
    return LF_OK;
}

enum lf_code key_group_all(const struct map_table *table, struct arena *arena, struct key_group *ret_group, struct err *err)
{
    TRY(key_group_make(table, SPAN(""), arena, ret_group, err));
    for (size_t i = 0; i < table->entity_count; i++)
        ret_group->has[i] = true;
    return LF_OK;
}

enum lf_code key_group_without(const struct key_group *group, const struct key_group *other, struct arena *arena,
                               struct key_group *ret_group, struct err *err)
{
    TRY(key_group_make(group->table, SPAN(""), arena, ret_group, err));
    for (size_t i = 0; i < group->table->entity_count; i++)
        ret_group->has[i] = group->has[i] && !other->has[i];
    return LF_OK;
}

enum lf_code key_group_names(const struct key_group *group, struct arena *arena, struct span *ret_names, struct err *err)
{
    BUF_CLEANUP struct buf names;
    buf_init(&names, NAMES_BYTES_MAX);
    for (size_t i = 0; i < group->table->entity_count; i++)
        if (group->has[i])
            buf_printf(&names, "%s%.*s", names.len ? "\n" : "", SPAN_ARG(group->table->entities[i].name));
    TRY(buf_check(&names, err));
    return arena_copy(arena, buf_span(&names), ret_names, err);
}

static bool have_common_key(const struct entity *a, const struct entity *b)
{
    const struct key_schema *schema = &a->dynamodb_table->key;
    for (size_t i = 0; i < (key_schema_has_sort(schema) ? 2u : 1u); i++)
        if (!have_common_text(&a->templates[i].template, &b->templates[i].template))
            return false;
    return true;
}

static void put_key(struct buf *text, const struct entity *entity)
{
    buf_printf(text, "%.*s { ", SPAN_ARG(entity->name));
    for (size_t i = 0; i < entity_key_count(entity); i++) {
        buf_printf(text, "%s%.*s: \"", i ? ", " : "", SPAN_ARG(entity->templates[i].attr));
        template_put(text, &entity->templates[i].template);
        buf_put_cstr(text, "\"");
    }
    buf_put_cstr(text, " }");
}

static enum lf_code refuse(const struct entity *moving, const struct entity *staying, struct err *err)
{
    BUF_CLEANUP struct buf text;
    buf_init(&text, TEXT_BYTES_MAX);
    put_key(&text, moving);
    buf_put_cstr(&text, " and ");
    put_key(&text, staying);
    return ERR(err, LF_PRECONDITION, "a key may be one of either: %s; they move together", buf_cstr(&text));
}

enum lf_code key_group_check(const struct key_group *group, struct err *err)
{
    for (size_t i = 0; i < group->table->entity_count; i++)
        for (size_t k = 0; k < group->table->entity_count; k++)
            if (group->has[i] && !group->has[k] && have_common_key(&group->table->entities[i], &group->table->entities[k]))
                return refuse(&group->table->entities[i], &group->table->entities[k], err);
    return LF_OK;
}
