#include "expression/projection.h"

#include "expression/parser.h"
#include "expression/path.h"

/* --- from paths to steps --- */

/* The place in the list where the element is, or belongs: names at the end, indexes in their order. */
static struct projection_step **find_step(struct projection_step **steps, const struct path_element *element, bool *ret_found)
{
    *ret_found = false;
    for (; *steps; steps = (struct projection_step **)&(*steps)->next) {
        *ret_found = path_element_equal(&(*steps)->element, element);
        bool is_behind = path_element_is_index(element) && (*steps)->element.index > element->index;
        if (*ret_found || is_behind)
            break;
    }
    return steps;
}

static enum lf_code add_path(struct projection_step **steps, const struct document_path *paths, size_t number,
                             struct arena *arena, struct err *err)
{
    const struct document_path *path = &paths[number];
    for (size_t i = 0; i < path->count; i++) {
        bool found;
        struct projection_step **at = find_step(steps, &path->elements[i], &found);
        if (!found) {
            struct projection_step *step = arena_alloc(arena, sizeof *step, err);
            if (!step)
                return err->code;
            *step = (struct projection_step){ .element = path->elements[i], .next = *at, .path = number };
            *at = step;
        }
        steps = (struct projection_step **)&(*at)->steps;
    }
    return LF_OK;
}

enum lf_code projection_of_paths(const struct document_path *paths, size_t count, struct arena *arena,
                                 struct projection *ret_projection, struct err *err)
{
    struct projection_step *steps = NULL;
    for (size_t i = 0; i < count; i++)
        TRY(add_path(&steps, paths, i, arena, err));
    *ret_projection = (struct projection){ steps };
    return LF_OK;
}

/* --- parsing --- */

enum lf_code projection_parse(struct span text, struct expression_inputs *inputs, struct arena *arena,
                              struct projection *ret_projection, struct err *err)
{
    struct parser parser;
    struct path_list list;
    TRY(parser_init(&parser, text, EXPRESSION_PROJECTION, inputs, arena, err));
    TRY(path_list_init(&list, &parser, err));
    do {
        TRY(path_list_take(&list, &parser, err));
    } while (parser_take(&parser, TOKEN_COMMA));
    TRY(parser_finish(&parser, &list, err));
    return projection_of_paths(list.paths, list.count, arena, ret_projection, err);
}

/* --- applying --- */

static size_t step_count(const struct projection_step *step)
{
    size_t count = 0;
    for (; step; step = step->next)
        count++;
    return count;
}

/* What the steps leave of a map or list; *ret_found is false when that is nothing. */
static enum lf_code apply_steps(const struct projection_step *steps, const struct value *value, struct arena *arena,
                                struct value *ret_value, bool *ret_found, struct err *err);

static enum lf_code apply_step(const struct projection_step *step, const struct value *parent, struct arena *arena,
                               struct value *ret_value, bool *ret_found, struct err *err)
{
    const struct value *value = path_element_get(&step->element, parent);
    *ret_found = value != NULL;
    if (!value)
        return LF_OK;
    if (step->steps)
        return apply_steps(step->steps, value, arena, ret_value, ret_found, err);
    *ret_value = *value;
    return LF_OK;
}

static enum lf_code apply_to_map(const struct projection_step *steps, const struct value *map, struct arena *arena,
                                 struct value *ret_map, struct err *err)
{
    struct attribute *attributes = arena_alloc(arena, step_count(steps) * sizeof *attributes, err);
    if (!attributes)
        return err->code;
    size_t count = 0;
    for (const struct projection_step *step = steps; step; step = step->next) {
        bool found;
        TRY(apply_step(step, map, arena, &attributes[count].value, &found, err));
        attributes[count].name = step->element.name;
        count += found;
    }
    *ret_map = (struct value){ .type = VALUE_M, .map = { attributes, count } };
    return LF_OK;
}

static enum lf_code apply_to_list(const struct projection_step *steps, const struct value *list, struct arena *arena,
                                  struct value *ret_list, struct err *err)
{
    struct value *values = arena_alloc(arena, step_count(steps) * sizeof *values, err);
    if (!values)
        return err->code;
    size_t count = 0;
    for (const struct projection_step *step = steps; step; step = step->next) {
        bool found;
        TRY(apply_step(step, list, arena, &values[count], &found, err));
        count += found;
    }
    *ret_list = (struct value){ .type = VALUE_L, .list = { values, count } };
    return LF_OK;
}

static enum lf_code apply_steps(const struct projection_step *steps, const struct value *value, struct arena *arena,
                                struct value *ret_value, bool *ret_found, struct err *err)
{
    *ret_found = false;
    if (value->type == VALUE_M) {
        TRY(apply_to_map(steps, value, arena, ret_value, err));
        *ret_found = ret_value->map.count > 0;
    } else if (value->type == VALUE_L) {
        TRY(apply_to_list(steps, value, arena, ret_value, err));
        *ret_found = ret_value->list.count > 0;
    }
    return LF_OK;
}

enum lf_code projection_apply(const struct projection *projection, const struct item *item, struct arena *arena,
                              struct item *ret_item, struct err *err)
{
    const struct value whole = { .type = VALUE_M, .map = { item->attributes, item->count } };
    struct value projected;
    TRY(apply_to_map(projection->steps, &whole, arena, &projected, err));
    *ret_item = (struct item){ projected.map.attributes, projected.map.count };
    return LF_OK;
}
