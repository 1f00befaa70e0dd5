#include "base/limits.h"
#include "expression/partiql_parser.h"
#include "expression/path.h"
#include "item/canonical.h"

/* --- tokens --- */

void partiql_advance(struct partiql_parser *parser)
{
    parser->token = partiql_lex(&parser->rest);
}

bool partiql_take_word(struct partiql_parser *parser, const char *keyword)
{
    bool is_there = partiql_is_word(parser->token, keyword);
    if (is_there)
        partiql_advance(parser);
    return is_there;
}

bool partiql_take_symbol(struct partiql_parser *parser, const char *symbol)
{
    bool is_there = partiql_is_symbol(parser->token, symbol);
    if (is_there)
        partiql_advance(parser);
    return is_there;
}

enum lf_code partiql_malformed(const struct partiql_parser *parser, struct err *err)
{
    return ERR(err, LF_VALIDATION, "Statement wasn't well formed, can't be processed: %.*s", SPAN_ARG(parser->text));
}

enum lf_code partiql_expect_word(struct partiql_parser *parser, const char *keyword, struct err *err)
{
    return partiql_take_word(parser, keyword) ? LF_OK : partiql_malformed(parser, err);
}

enum lf_code partiql_expect_symbol(struct partiql_parser *parser, const char *symbol, struct err *err)
{
    return partiql_take_symbol(parser, symbol) ? LF_OK : partiql_malformed(parser, err);
}

enum lf_code partiql_enter(struct partiql_parser *parser, struct err *err)
{
    enum { DEPTH_MAX = 128 };
    if (++parser->depth <= DEPTH_MAX)
        return LF_OK;
    return ERR(err, LF_VALIDATION, "Nesting Levels have exceeded supported limits");
}

/* --- names and paths --- */

enum lf_code partiql_name(struct partiql_parser *parser, struct span *ret_name, struct err *err)
{
    struct partiql_token token = parser->token;
    if (token.kind == PARTIQL_QUOTED) {
        TRY(partiql_unquote(token, parser->arena, ret_name, err));
    } else {
        if (token.kind != PARTIQL_WORD || partiql_is_keyword(token))
            return partiql_malformed(parser, err);
        *ret_name = token.text;
    }
    partiql_advance(parser);
    return LF_OK;
}

/* Behind the '[': 3 or 'name'. */
static enum lf_code subscript(struct partiql_parser *parser, struct path_element *ret_element, struct err *err)
{
    int64_t index = 0;
    struct number number;
    struct path_element element = { 0 };
    if (parser->token.kind == PARTIQL_STRING) {
        TRY(partiql_unquote(parser->token, parser->arena, &element.name, err));
    } else {
        bool is_index = parser->token.kind == PARTIQL_NUMBER && number_parse(parser->token.text, &number, err) == LF_OK &&
                        number_to_int64(number, &index) && index >= 0 && index <= INT32_MAX;
        if (!is_index)
            return partiql_malformed(parser, err);
        element.index = (size_t)index;
    }
    partiql_advance(parser);
    *ret_element = element;
    return partiql_expect_symbol(parser, "]", err);
}

enum lf_code partiql_path(struct partiql_parser *parser, struct document_path *ret_path, struct err *err)
{
    struct path_element elements[PATH_ELEMENTS_MAX] = { 0 };
    size_t count = 0;
    TRY(partiql_name(parser, &elements[count++].name, err));
    for (;;) {
        bool is_name = partiql_take_symbol(parser, ".");
        if (!is_name && !partiql_take_symbol(parser, "["))
            break;
        if (count == PATH_ELEMENTS_MAX)
            return ERR(err, LF_VALIDATION, "The document path has too many nesting levels; nesting levels: %zu", count + 1);
        TRY(is_name ? partiql_name(parser, &elements[count].name, err) : subscript(parser, &elements[count], err));
        count++;
    }
    struct path_element *copy = arena_alloc(parser->arena, count * sizeof *copy, err);
    if (!copy)
        return err->code;
    memcpy(copy, elements, count * sizeof *copy);
    *ret_path = (struct document_path){ copy, count };
    return LF_OK;
}

/* --- literals --- */

bool partiql_at_value(const struct partiql_parser *parser)
{
    static const char *const symbols[] = { "?", "{", "[", "<<", "-", "+" };
    static const char *const words[] = { "true", "false", "null" };
    if (parser->token.kind == PARTIQL_STRING || parser->token.kind == PARTIQL_NUMBER)
        return true;
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
        if (partiql_is_symbol(parser->token, symbols[i]))
            return true;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (partiql_is_word(parser->token, words[i]))
            return true;
    return false;
}

static enum lf_code unsupported(const struct partiql_parser *parser, struct err *err)
{
    if (parser->token.kind != PARTIQL_WORD && parser->token.kind != PARTIQL_QUOTED)
        return partiql_malformed(parser, err);
    return ERR(err, LF_VALIDATION, "Unsupported data type: %.*s", SPAN_ARG(parser->token.text));
}

static enum lf_code signed_number(struct partiql_parser *parser, bool is_negative, struct value *ret_value, struct err *err)
{
    struct number number;
    if (parser->token.kind != PARTIQL_NUMBER)
        return partiql_malformed(parser, err);
    if (number_parse(parser->token.text, &number, err) != LF_OK)
        return err->code = LF_VALIDATION;
    number.negative = is_negative && number.coefficient != 0;
    *ret_value = value_number(number);
    partiql_advance(parser);
    return LF_OK;
}

static enum lf_code parameter(struct partiql_parser *parser, struct value *ret_value, struct err *err)
{
    if (parser->parameters_used == parser->parameter_count)
        return ERR(err, LF_VALIDATION, "Number of parameters in request and statement don't match.");
    *ret_value = parser->parameters[parser->parameters_used++];
    return LF_OK;
}

/* Room for one more behind `count`: arrays double at powers of two. */
static enum lf_code grow(struct arena *arena, void **array, size_t count, size_t element_size, struct err *err)
{
    if (count & (count - 1))
        return LF_OK;
    void *larger = arena_alloc(arena, (count ? 2 * count : 1) * element_size, err);
    if (!larger)
        return err->code;
    if (count)
        memcpy(larger, *array, count * element_size);
    *array = larger;
    return LF_OK;
}

/* The elements up to `close`. */
static enum lf_code elements(struct partiql_parser *parser, const char *close, struct value *list, struct err *err)
{
    void *values = NULL;
    list->list.count = 0;
    TRY(partiql_enter(parser, err));
    if (!partiql_is_symbol(parser->token, close))
        do {
            TRY(grow(parser->arena, &values, list->list.count, sizeof(struct value), err));
            list->list.values = values;
            TRY(partiql_value(parser, &list->list.values[list->list.count++], err));
        } while (partiql_take_symbol(parser, ","));
    parser->depth--;
    return partiql_expect_symbol(parser, close, err);
}

static enum lf_code set_type(const struct value *members, size_t count, enum value_type *ret_type, struct err *err)
{
    if (count == 0)
        return ERR(err, LF_VALIDATION, "Empty bags are not supported");
    for (size_t i = 0; i < count; i++) {
        if (members[i].type > VALUE_B || members[i].type != members[0].type)
            return ERR(err, LF_VALIDATION,
                       "Unsupported data type in Bag. DynamoDB only supports either numbers or strings in bags");
        for (size_t earlier = 0; earlier < i; earlier++)
            if (value_equal(&members[earlier], &members[i]))
                return ERR(err, LF_VALIDATION, "Input collection contains duplicates");
    }
    *ret_type = (enum value_type)(VALUE_SS + members[0].type);
    return LF_OK;
}

static enum lf_code set_literal(struct partiql_parser *parser, struct value *ret_value, struct err *err)
{
    TRY(elements(parser, ">>", ret_value, err));
    return set_type(ret_value->list.values, ret_value->list.count, &ret_value->type, err);
}

static enum lf_code entry(struct partiql_parser *parser, struct value *map, struct err *err)
{
    struct attribute *attribute = &map->map.attributes[map->map.count];
    if (parser->token.kind != PARTIQL_STRING)
        return ERR(err, LF_VALIDATION, "Tuple keys must be of type String.");
    TRY(partiql_unquote(parser->token, parser->arena, &attribute->name, err));
    if (map_get(map, attribute->name))
        return ERR(err, LF_VALIDATION, "Duplicate keys in tuple. Key: %.*s", SPAN_ARG(attribute->name));
    partiql_advance(parser);
    TRY(partiql_expect_symbol(parser, ":", err));
    TRY(partiql_value(parser, &attribute->value, err));
    map->map.count++;
    return LF_OK;
}

static enum lf_code map_literal(struct partiql_parser *parser, struct value *ret_value, struct err *err)
{
    void *attributes = NULL;
    struct value map = { .type = VALUE_M };
    TRY(partiql_enter(parser, err));
    if (!partiql_is_symbol(parser->token, "}"))
        do {
            TRY(grow(parser->arena, &attributes, map.map.count, sizeof(struct attribute), err));
            map.map.attributes = attributes;
            TRY(entry(parser, &map, err));
        } while (partiql_take_symbol(parser, ","));
    parser->depth--;
    *ret_value = map;
    return partiql_expect_symbol(parser, "}", err);
}

static enum lf_code string_literal(struct partiql_parser *parser, struct value *ret_value, struct err *err)
{
    ret_value->type = VALUE_S;
    TRY(partiql_unquote(parser->token, parser->arena, &ret_value->bytes, err));
    partiql_advance(parser);
    return LF_OK;
}

static bool word_literal(struct partiql_parser *parser, struct value *ret_value)
{
    bool is_true = partiql_is_word(parser->token, "true");
    if (is_true || partiql_is_word(parser->token, "false"))
        *ret_value = (struct value){ .type = VALUE_BOOL, .boolean = is_true };
    else if (partiql_is_word(parser->token, "null"))
        *ret_value = (struct value){ .type = VALUE_NULL };
    else
        return false;
    partiql_advance(parser);
    return true;
}

enum lf_code partiql_value(struct partiql_parser *parser, struct value *ret_value, struct err *err)
{
    *ret_value = (struct value){ .type = VALUE_L };
    if (parser->token.kind == PARTIQL_STRING)
        return string_literal(parser, ret_value, err);
    if (partiql_take_symbol(parser, "?"))
        return parameter(parser, ret_value, err);
    if (partiql_take_symbol(parser, "["))
        return elements(parser, "]", ret_value, err);
    if (partiql_take_symbol(parser, "<<"))
        return set_literal(parser, ret_value, err);
    if (partiql_take_symbol(parser, "{"))
        return map_literal(parser, ret_value, err);
    if (word_literal(parser, ret_value))
        return LF_OK;
    bool is_negative = partiql_take_symbol(parser, "-");
    if (is_negative || partiql_take_symbol(parser, "+") || parser->token.kind == PARTIQL_NUMBER)
        return signed_number(parser, is_negative, ret_value, err);
    return unsupported(parser, err);
}
