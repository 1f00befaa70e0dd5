#include "expression/update.h"

#include "expression/path.h"
#include "item/canonical.h"

/* One application: what the actions give, each computed from the old item, which nothing changes. */
struct application {
    const struct update *update;
    const struct item *old;
    struct arena *arena;
};

static enum lf_code wrong_type(const struct update *update, struct err *err)
{
    return ERR(err, LF_VALIDATION, "%s",
               update->is_legacy ? "Type mismatch for attribute to update"
                                 : "An operand in the update expression has an incorrect data type");
}

static enum lf_code wrong_path(struct err *err)
{
    return ERR(err, LF_VALIDATION, "The document path provided in the update expression is invalid for update");
}

/* --- operands --- */

static enum lf_code operand_value(const struct application *application, const struct expression_node *operand,
                                  const struct value **ret_value, struct err *err);

static enum lf_code keep_value(const struct value *value, struct arena *arena, const struct value **ret_value, struct err *err)
{
    struct value *copy = arena_alloc(arena, sizeof *copy, err);
    if (!copy)
        return err->code;
    *copy = *value;
    *ret_value = copy;
    return LF_OK;
}

static enum lf_code in_range(enum lf_code code, struct err *err)
{
    if (code == LF_LIMIT)
        err->code = code = LF_VALIDATION;
    return code;
}

static enum lf_code sum(const struct application *application, enum expression_node_kind kind, const struct value *a,
                        const struct value *b, const struct value **ret_value, struct err *err)
{
    struct value result = { .type = VALUE_N };
    enum lf_code code = kind == NODE_PLUS ? number_add(a->number, b->number, &result.number, err)
                                          : number_subtract(a->number, b->number, &result.number, err);
    TRY(in_range(code, err));
    return keep_value(&result, application->arena, ret_value, err);
}

/* The members of both, those of `a` first. */
static enum lf_code joined(const struct value *a, const struct value *b, struct arena *arena, struct value *ret_value,
                           struct err *err)
{
    struct value *values = arena_alloc(arena, (a->list.count + b->list.count) * sizeof *values, err);
    if (!values)
        return err->code;
    if (a->list.count)
        memcpy(values, a->list.values, a->list.count * sizeof *values);
    if (b->list.count)
        memcpy(values + a->list.count, b->list.values, b->list.count * sizeof *values);
    *ret_value = (struct value){ .type = a->type, .list = { values, a->list.count + b->list.count } };
    return LF_OK;
}

static enum lf_code list_append(const struct application *application, const struct value *a, const struct value *b,
                                const struct value **ret_value, struct err *err)
{
    struct value result;
    TRY(joined(a, b, application->arena, &result, err));
    return keep_value(&result, application->arena, ret_value, err);
}

static enum lf_code path_value(const struct application *application, const struct expression_node *path,
                               const struct value **ret_value, struct err *err)
{
    *ret_value = document_path_get(&path->path, application->old);
    return *ret_value ? LF_OK
                      : ERR(err, LF_VALIDATION, "The provided expression refers to an attribute that does not exist in the item");
}

/* The second operand must have a value even where the first one's path is there. */
static enum lf_code if_not_exists(const struct application *application, const struct expression_node *node,
                                  const struct value **ret_value, struct err *err)
{
    const struct value *there = document_path_get(&node->operands[0].path, application->old), *otherwise;
    TRY(operand_value(application, &node->operands[1], &otherwise, err));
    *ret_value = there ? there : otherwise;
    return LF_OK;
}

static enum lf_code typed_value(const struct application *application, const struct expression_node *operand,
                                enum value_type type, const struct value **ret_value, struct err *err)
{
    TRY(operand_value(application, operand, ret_value, err));
    return (*ret_value)->type == type ? LF_OK : wrong_type(application->update, err);
}

static enum lf_code pair_value(const struct application *application, const struct expression_node *node,
                               const struct value **ret_value, struct err *err)
{
    const struct value *a, *b;
    enum value_type type = node->kind == NODE_LIST_APPEND ? VALUE_L : VALUE_N;
    TRY(typed_value(application, &node->operands[0], type, &a, err));
    TRY(typed_value(application, &node->operands[1], type, &b, err));
    return node->kind == NODE_LIST_APPEND ? list_append(application, a, b, ret_value, err)
                                          : sum(application, node->kind, a, b, ret_value, err);
}

static enum lf_code operand_value(const struct application *application, const struct expression_node *operand,
                                  const struct value **ret_value, struct err *err)
{
    switch (operand->kind) {
    case NODE_VALUE:
        *ret_value = operand->value;
        return LF_OK;
    case NODE_PATH:
        return path_value(application, operand, ret_value, err);
    case NODE_IF_NOT_EXISTS:
        return if_not_exists(application, operand, ret_value, err);
    default:
        return pair_value(application, operand, ret_value, err);
    }
}

/* --- one action on what is at its path --- */

static bool has_member(const struct value *set, const struct value *member)
{
    for (size_t i = 0; i < set->list.count; i++)
        if (value_equal(&set->list.values[i], member))
            return true;
    return false;
}

/* The members of `set` that are not in `other`. */
static enum lf_code difference(const struct value *set, const struct value *other, struct arena *arena, struct value *ret_set,
                               struct err *err)
{
    struct value *values = arena_alloc(arena, set->list.count * sizeof *values, err);
    if (!values)
        return err->code;
    size_t count = 0;
    for (size_t i = 0; i < set->list.count; i++)
        if (!has_member(other, &set->list.values[i]))
            values[count++] = set->list.values[i];
    *ret_set = (struct value){ .type = set->type, .list = { values, count } };
    return LF_OK;
}

static enum lf_code add(const struct application *application, const struct value *there, const struct value *operand,
                        struct value *ret_value, struct err *err)
{
    bool is_list = operand->type == VALUE_L && application->update->is_legacy;
    struct value fresh;
    *ret_value = *operand;
    if (!there)
        return LF_OK;
    if (there->type != operand->type)
        return wrong_type(application->update, err);
    if (operand->type == VALUE_N)
        return in_range(number_add(there->number, operand->number, &ret_value->number, err), err);
    if (is_list)
        return joined(there, operand, application->arena, ret_value, err);
    TRY(difference(operand, there, application->arena, &fresh, err));
    return joined(there, &fresh, application->arena, ret_value, err);
}

static enum lf_code subtract(const struct application *application, const struct value *there, const struct value *operand,
                             struct value *ret_value, bool *ret_is_there, struct err *err)
{
    *ret_is_there = false;
    if (!there)
        return LF_OK;
    if (there->type != operand->type)
        return wrong_type(application->update, err);
    TRY(difference(there, operand, application->arena, ret_value, err));
    *ret_is_there = ret_value->list.count > 0;
    return LF_OK;
}

/* `there` is NULL when there is nothing at the path; *ret_is_there is false when nothing is to be left. */
static enum lf_code act(const struct application *application, const struct update_action *action, const struct value *there,
                        struct value *ret_value, bool *ret_is_there, struct err *err)
{
    const struct value *operand;
    *ret_is_there = action->verb != UPDATE_REMOVE;
    if (action->verb == UPDATE_REMOVE)
        return LF_OK;
    TRY(operand_value(application, action->operand, &operand, err));
    if (action->verb == UPDATE_ADD)
        return add(application, there, operand, ret_value, err);
    if (action->verb == UPDATE_DELETE)
        return subtract(application, there, operand, ret_value, ret_is_there, err);
    *ret_value = *operand;
    return LF_OK;
}

/* --- maps and lists on the way --- */

static enum lf_code change(const struct application *application, const struct projection_step *step, const struct value *there,
                           struct value *ret_value, bool *ret_is_there, struct err *err);

static size_t step_count(const struct projection_step *step)
{
    size_t count = 0;
    for (; step; step = step->next)
        count++;
    return count;
}

static size_t find_attribute(const struct attribute *attributes, size_t count, struct span name)
{
    size_t i = 0;
    while (i < count && !span_equal(attributes[i].name, name))
        i++;
    return i;
}

static enum lf_code change_map(const struct application *application, const struct projection_step *steps,
                               const struct value *map, struct value *ret_map, struct err *err)
{
    size_t count = map->map.count;
    struct attribute *attributes = arena_alloc(application->arena, (count + step_count(steps)) * sizeof *attributes, err);
    if (!attributes)
        return err->code;
    if (count)
        memcpy(attributes, map->map.attributes, count * sizeof *attributes);
    for (const struct projection_step *step = steps; step; step = step->next) {
        struct attribute changed = { .name = step->element.name };
        size_t at = find_attribute(attributes, count, changed.name);
        bool is_there;
        TRY(change(application, step, at < count ? &attributes[at].value : NULL, &changed.value, &is_there, err));
        if (is_there)
            attributes[at] = changed;
        else if (at < count)
            attributes[at] = attributes[count - 1];
        count = is_there ? count + (at == count) : count - (at < count);
    }
    *ret_map = (struct value){ .type = VALUE_M, .map = { attributes, count } };
    return LF_OK;
}

/* Indexes are those of the old list, ascending: elements are left out on the way, what lies behind the end is appended. */
static enum lf_code change_list(const struct application *application, const struct projection_step *steps,
                                const struct value *list, struct value *ret_list, struct err *err)
{
    size_t taken = 0, count = 0;
    struct value *values = arena_alloc(application->arena, (list->list.count + step_count(steps)) * sizeof *values, err);
    if (!values)
        return err->code;
    for (const struct projection_step *step = steps; step; step = step->next) {
        for (; taken < list->list.count && taken < step->element.index; taken++)
            values[count++] = list->list.values[taken];
        const struct value *there = taken < list->list.count ? &list->list.values[taken++] : NULL;
        bool is_there;
        TRY(change(application, step, there, &values[count], &is_there, err));
        count += is_there;
    }
    for (; taken < list->list.count; taken++)
        values[count++] = list->list.values[taken];
    *ret_list = (struct value){ .type = VALUE_L, .list = { values, count } };
    return LF_OK;
}

static enum lf_code change(const struct application *application, const struct projection_step *step, const struct value *there,
                           struct value *ret_value, bool *ret_is_there, struct err *err)
{
    if (!step->steps)
        return act(application, &application->update->actions[step->path], there, ret_value, ret_is_there, err);
    *ret_is_there = true;
    bool is_of_list = path_element_is_index(&step->steps->element);
    if (!there || there->type != (is_of_list ? VALUE_L : VALUE_M))
        return wrong_path(err);
    return is_of_list ? change_list(application, step->steps, there, ret_value, err)
                      : change_map(application, step->steps, there, ret_value, err);
}

/* --- whole updates --- */

enum lf_code update_projection(const struct update *update, struct arena *arena, struct projection *ret_projection,
                               struct err *err)
{
    struct document_path *paths = arena_alloc(arena, update->count * sizeof *paths, err);
    if (!paths)
        return err->code;
    for (size_t i = 0; i < update->count; i++)
        paths[i] = update->actions[i].path;
    return projection_of_paths(paths, update->count, arena, ret_projection, err);
}

enum lf_code update_apply(const struct update *update, const struct item *old, const struct item *key, struct arena *arena,
                          struct item *ret_new, struct err *err)
{
    static const struct item nothing = { NULL, 0 };
    struct application application = { .update = update, .old = old ? old : &nothing, .arena = arena };
    const struct item *before = old ? old : key;
    struct value whole = { .type = VALUE_M, .map = { before->attributes, before->count } };
    struct projection touched;
    TRY(update_projection(update, arena, &touched, err));
    TRY(change_map(&application, touched.steps, &whole, &whole, err));
    *ret_new = (struct item){ whole.map.attributes, whole.map.count };
    return LF_OK;
}
