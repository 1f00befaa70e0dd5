#include "map/row_text.h"

#include "map/entity_index.h"

static enum lf_code number_text(struct number number, struct arena *arena, struct span *ret_text, struct err *err)
{
    char *text = arena_alloc(arena, NUMBER_TEXT_BYTES, err);
    if (!text)
        return err->code;
    *ret_text = span_of(text, number_format(number, text));
    return LF_OK;
}

enum lf_code value_text(const struct value *value, struct arena *arena, bool *ret_present, struct span *ret_text, struct err *err)
{
    *ret_present = true;
    switch (value->type) {
    case VALUE_S:
    case VALUE_B:
        *ret_text = value->bytes;
        return LF_OK;
    case VALUE_N:
        return number_text(value->number, arena, ret_text, err);
    case VALUE_BOOL:
        *ret_text = value->boolean ? SPAN("true") : SPAN("false");
        return LF_OK;
    default:
        *ret_present = false;
        return LF_OK;
    }
}

/* The lookup of template_render says only yes or no, so an error waits here. */
struct lookup {
    const struct held_values *held;
    enum lf_code code;
    struct err *err;
};

static bool look_up(void *context, unsigned column, struct span *ret_text)
{
    struct lookup *lookup = context;
    const struct value *value = lookup->held->columns[column];
    bool is_present = false;
    if (value && lookup->code == LF_OK)
        lookup->code = value_text(value, lookup->held->arena, &is_present, ret_text, lookup->err);
    return is_present && lookup->code == LF_OK;
}

static bool value_of_type(enum value_type type, struct span text, struct value *ret_value)
{
    *ret_value = (struct value){ .type = type };
    if (type != VALUE_N) {
        ret_value->bytes = text;
        return true;
    }
    struct err ignored = ERR_INIT;
    return number_parse(text, &ret_value->number, &ignored) == LF_OK;
}

enum lf_code render_attribute(const struct entity *entity, size_t at, const struct held_values *held, bool *ret_present,
                              struct value *ret_value, struct err *err)
{
    struct lookup lookup = { .held = held, .code = LF_OK, .err = err };
    struct span text;
    bool is_present;
    TRY(template_render(&entity->templates[at].template, look_up, &lookup, held->arena, &is_present, &text, err));
    TRY(lookup.code);
    *ret_present = is_present && value_of_type(entity->index->templates[at].type, text, ret_value);
    return LF_OK;
}
