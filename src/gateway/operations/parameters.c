#include "gateway/operations/parameters.h"

enum { LISTED_BYTES_MAX = 512 };

/* What may stand together -------------------------------------------------------------------------------------------------- */

static bool is_any_given(const struct parameter *parameters, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (parameters[i].is_given)
            return true;
    return false;
}

static void list_given(const struct parameter *parameters, size_t count, struct buf *text)
{
    const char *separator = "{";
    for (size_t i = 0; i < count; i++) {
        if (!parameters[i].is_given)
            continue;
        buf_put_cstr(text, separator);
        buf_put_cstr(text, parameters[i].name);
        separator = ", ";
    }
    buf_put_byte(text, '}');
}

static enum lf_code mixed(const struct parameters *parameters, struct err *err)
{
    struct buf text;
    buf_init(&text, LISTED_BYTES_MAX);
    buf_put_cstr(&text, "Non-expression parameters: ");
    list_given(parameters->legacy, parameters->legacy_count, &text);
    buf_put_cstr(&text, " Expression parameters: ");
    list_given(parameters->expressions, parameters->expression_count, &text);
    enum lf_code code = ERR(err, LF_VALIDATION,
                            "Can not use both expression and non-expression parameters in the same request: %s", buf_cstr(&text));
    buf_done(&text);
    return code;
}

static bool uses_values(const struct parameters *parameters)
{
    for (size_t i = 0; i < parameters->expression_count; i++)
        if (parameters->expressions[i].is_given && strcmp(parameters->expressions[i].name, "ProjectionExpression") != 0)
            return true;
    return false;
}

enum lf_code parameters_check(const struct parameters *parameters, const struct expression_inputs *inputs, struct err *err)
{
    bool has_expression = is_any_given(parameters->expressions, parameters->expression_count);
    if (has_expression && is_any_given(parameters->legacy, parameters->legacy_count))
        return mixed(parameters, err);
    return expression_inputs_check(inputs, has_expression, uses_values(parameters) ? NULL : parameters->absent_expressions, err);
}

/* Inputs of expressions ---------------------------------------------------------------------------------------------------- */

static enum lf_code take_names(const struct api_string_map *names, struct arena *arena, struct expression_inputs *inputs,
                               struct err *err)
{
    inputs->has_names = names->entries != NULL;
    inputs->name_count = names->count;
    if (!names->count)
        return LF_OK;
    inputs->names = arena_calloc(arena, names->count, sizeof *inputs->names, err);
    if (!inputs->names)
        return err->code;
    for (size_t i = 0; i < names->count; i++)
        inputs->names[i] = (struct expression_name){ .placeholder = names->entries[i].name, .name = names->entries[i].value };
    return LF_OK;
}

static enum lf_code take_values(const struct item *values, struct arena *arena, struct expression_inputs *inputs, struct err *err)
{
    inputs->has_values = values->attributes != NULL;
    inputs->value_count = values->count;
    if (!values->count)
        return LF_OK;
    inputs->values = arena_calloc(arena, values->count, sizeof *inputs->values, err);
    if (!inputs->values)
        return err->code;
    for (size_t i = 0; i < values->count; i++)
        inputs->values[i] =
            (struct expression_value){ .placeholder = values->attributes[i].name, .value = values->attributes[i].value };
    return LF_OK;
}

enum lf_code parameters_inputs(const struct api_string_map *names, const struct item *values, struct arena *arena,
                               struct expression_inputs *ret_inputs, struct err *err)
{
    struct expression_inputs inputs = { 0 };
    TRY(take_names(names, arena, &inputs, err));
    if (values)
        TRY(take_values(values, arena, &inputs, err));
    *ret_inputs = inputs;
    return LF_OK;
}

/* Legacy parameters -------------------------------------------------------------------------------------------------------- */

/* The text of an enum's value; ptr NULL when unset. */
static struct span enum_text(const struct shape *shape, unsigned value)
{
    return value ? shape->enum_values[value - 1] : (struct span){ NULL, 0 };
}

struct span parameters_conditional_operator(enum api_conditional_operator conditional_operator)
{
    return enum_text(&shape_api_conditional_operator, conditional_operator);
}

static struct legacy_condition condition_of(struct span name, enum api_comparison_operator comparison,
                                            const struct api_value_list *values)
{
    return (struct legacy_condition){
        .name = name,
        .comparison = enum_text(&shape_api_comparison_operator, comparison),
        .values = values->values,
        .value_count = values->count,
    };
}

enum lf_code parameters_conditions(const struct api_condition_map *map, struct arena *arena,
                                   struct legacy_condition **ret_conditions, struct err *err)
{
    struct legacy_condition *conditions = arena_calloc(arena, map->count + 1, sizeof *conditions, err);
    if (!conditions)
        return err->code;
    for (size_t i = 0; i < map->count; i++)
        conditions[i] = condition_of(map->entries[i].name, map->entries[i].value.comparison_operator,
                                     &map->entries[i].value.attribute_value_list);
    *ret_conditions = conditions;
    return LF_OK;
}

static enum lf_code read_expected(const struct api_expected_attribute_value_map *map, struct arena *arena,
                                  struct legacy_expected **ret_expected, struct err *err)
{
    struct legacy_expected *expected = arena_calloc(arena, map->count + 1, sizeof *expected, err);
    if (!expected)
        return err->code;
    for (size_t i = 0; i < map->count; i++) {
        const struct api_expected_attribute_value *value = &map->entries[i].value;
        expected[i] = (struct legacy_expected){
            .condition = condition_of(map->entries[i].name, value->comparison_operator, &value->attribute_value_list),
            .has_values = value->attribute_value_list.values != NULL,
            .value = value->value,
            .has_exists = value->has_exists,
            .exists = value->exists,
        };
    }
    *ret_expected = expected;
    return LF_OK;
}

enum lf_code parameters_expected(const struct api_expected_attribute_value_map *map,
                                 enum api_conditional_operator conditional_operator, struct arena *arena,
                                 const struct expression_node **ret_root, struct err *err)
{
    struct legacy_expected *expected;
    TRY(read_expected(map, arena, &expected, err));
    return legacy_expect(expected, map->count, parameters_conditional_operator(conditional_operator), arena, ret_root, err);
}

enum lf_code parameters_check_expected(const struct shape_head *head, const struct api_expected_attribute_value_map *map,
                                       struct arena *arena, struct err *err)
{
    struct legacy_expected *expected;
    const struct expression_node *unused;
    TRY(read_expected(map, arena, &expected, err));
    if (head->value_error)
        return legacy_check_expected_members(expected, map->count, err);
    return legacy_expect(expected, map->count, (struct span){ 0 }, arena, &unused, err);
}

enum lf_code parameters_updates(const struct api_attribute_value_update_map *map, struct arena *arena, struct update *ret_update,
                                struct err *err)
{
    struct legacy_update *updates = arena_calloc(arena, map->count + 1, sizeof *updates, err);
    if (!updates)
        return err->code;
    for (size_t i = 0; i < map->count; i++)
        updates[i] = (struct legacy_update){
            .name = map->entries[i].name,
            .action = enum_text(&shape_api_attribute_action, map->entries[i].value.action),
            .value = map->entries[i].value.value,
        };
    return legacy_updates(updates, map->count, arena, ret_update, err);
}

static enum lf_code check_attributes_to_get(const struct api_string_list *names, struct err *err)
{
    for (size_t i = 0; i < names->count; i++)
        if (names->values[i].len == 0)
            return ERR(err, LF_VALIDATION, "Empty attribute name");
    return LF_OK;
}

enum lf_code parameters_projection(struct span expression, const struct api_string_list *attributes_to_get,
                                   struct expression_inputs *inputs, struct arena *arena, struct projection *ret_projection,
                                   bool *ret_is_projected, struct err *err)
{
    *ret_is_projected = expression.ptr || attributes_to_get->values;
    if (expression.ptr)
        return projection_parse(expression, inputs, arena, ret_projection, err);
    TRY(check_attributes_to_get(attributes_to_get, err));
    if (attributes_to_get->values)
        return legacy_attributes_to_get(attributes_to_get->values, attributes_to_get->count, arena, ret_projection, err);
    return LF_OK;
}
