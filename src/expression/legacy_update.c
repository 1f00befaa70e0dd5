#include "expression/legacy.h"
#include "expression/operators.h"

static enum lf_code verb_of(const struct legacy_update *update, enum update_verb *ret_verb, struct err *err)
{
    if (!update->action.ptr || span_equal(update->action, SPAN("PUT")))
        *ret_verb = UPDATE_SET;
    else if (span_equal(update->action, SPAN("ADD")))
        *ret_verb = UPDATE_ADD;
    else if (span_equal(update->action, SPAN("DELETE")))
        *ret_verb = update->value ? UPDATE_DELETE : UPDATE_REMOVE;
    else
        return ERR(err, LF_VALIDATION, "Member must satisfy enum value set: [ADD, DELETE, PUT]");
    return LF_OK;
}

static enum lf_code check_value(const struct legacy_update *update, enum update_verb verb, struct err *err)
{
    if (!update->value)
        return verb == UPDATE_REMOVE ? LF_OK
                                     : ERR(err, LF_VALIDATION,
                                           "One or more parameter values were invalid: Only DELETE action is allowed when no "
                                           "attribute value is specified");
    enum value_type type = update->value->type;
    bool is_set = value_member_type(type) != VALUE_TYPES;
    if (verb == UPDATE_DELETE && !is_set)
        return ERR(err, LF_VALIDATION,
                   "One or more parameter values were invalid: DELETE action with value is not supported for the type %s",
                   value_type_word(type));
    if (verb == UPDATE_ADD && !is_set && type != VALUE_N && type != VALUE_L)
        return ERR(err, LF_VALIDATION, "One or more parameter values were invalid: ADD action is not supported for the type %s",
                   value_type_word(type));
    return LF_OK;
}

/* Room for a path and an operand that belong together. */
struct action_parts {
    struct path_element element;
    struct expression_node operand;
};

enum lf_code legacy_updates(const struct legacy_update *updates, size_t count, struct arena *arena, struct update *ret_update,
                            struct err *err)
{
    struct update_action *actions = arena_calloc(arena, count, sizeof *actions, err);
    struct action_parts *parts = actions ? arena_calloc(arena, count, sizeof *parts, err) : NULL;
    if (!parts)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        enum update_verb verb;
        TRY(verb_of(&updates[i], &verb, err));
        TRY(check_value(&updates[i], verb, err));
        parts[i].element = (struct path_element){ .name = updates[i].name };
        parts[i].operand = (struct expression_node){ .kind = NODE_VALUE, .value = updates[i].value };
        actions[i] = (struct update_action){ .verb = verb,
                                             .path = { &parts[i].element, 1 },
                                             .operand = updates[i].value ? &parts[i].operand : NULL };
    }
    *ret_update = (struct update){ .actions = actions, .count = count, .is_legacy = true };
    return LF_OK;
}

enum lf_code legacy_attributes_to_get(const struct span *names, size_t count, struct arena *arena,
                                      struct projection *ret_projection, struct err *err)
{
    struct path_element *elements = arena_calloc(arena, count, sizeof *elements, err);
    struct document_path *paths = elements ? arena_calloc(arena, count, sizeof *paths, err) : NULL;
    if (!paths)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        for (size_t earlier = 0; earlier < i; earlier++)
            if (span_equal(names[earlier], names[i]))
                return ERR(err, LF_VALIDATION,
                           "One or more parameter values were invalid: Duplicate value in attribute name: %.*s",
                           SPAN_ARG(names[i]));
        elements[i].name = names[i];
        paths[i] = (struct document_path){ &elements[i], 1 };
    }
    return projection_of_paths(paths, count, arena, ret_projection, err);
}
