#include "map/template.h"

#include "base/limits.h"

/* ---- reading ---- */

struct parser {
    struct span text;
    size_t at;
    struct arena *arena;
    struct template_part parts[LIMIT_TEMPLATE_PARTS];
    size_t count;
};

static bool is_at(const struct parser *parser, char byte)
{
    return parser->at < parser->text.len && parser->text.ptr[parser->at] == byte;
}

/* "{{" or "}}": a brace that stands for itself. */
static bool is_at_doubled(const struct parser *parser, char brace)
{
    return is_at(parser, brace) && parser->at + 1 < parser->text.len && parser->text.ptr[parser->at + 1] == brace;
}

/* Up to the next variable or the end; doubled braces become single ones. */
static enum lf_code parse_literal(struct parser *parser, struct span *ret_literal, struct err *err)
{
    char *literal = arena_alloc(parser->arena, parser->text.len - parser->at, err);
    if (!literal)
        return err->code;
    size_t len = 0;
    while (parser->at < parser->text.len) {
        bool is_doubled = is_at_doubled(parser, '{') || is_at_doubled(parser, '}');
        if (!is_doubled && is_at(parser, '{'))
            break;
        if (!is_doubled && is_at(parser, '}'))
            return ERR_AT(err, LF_SYNTAX, parser->at, "'}' without '{' in template \"%.*s\", write \"}}\" for a brace itself",
                          SPAN_ARG(parser->text));
        literal[len++] = parser->text.ptr[parser->at];
        parser->at += is_doubled ? 2 : 1;
    }
    *ret_literal = span_of(literal, len);
    return LF_OK;
}

/* The column or a filter: up to '|' or '}'. */
static enum lf_code parse_word(struct parser *parser, const char *what, struct span *ret_word, struct err *err)
{
    size_t start = parser->at;
    while (parser->at < parser->text.len && !is_at(parser, '|') && !is_at(parser, '}') && !is_at(parser, '{'))
        parser->at++;
    if (!is_at(parser, '|') && !is_at(parser, '}'))
        return ERR_AT(err, LF_SYNTAX, parser->at, "'}' is missing in template \"%.*s\"", SPAN_ARG(parser->text));
    if (parser->at == start)
        return ERR_AT(err, LF_SYNTAX, start, "a %s is missing in template \"%.*s\"", what, SPAN_ARG(parser->text));
    *ret_word = span_of(parser->text.ptr + start, parser->at - start);
    return LF_OK;
}

static enum lf_code parse_filter(struct parser *parser, struct template_part *part, struct err *err)
{
    size_t start = parser->at;
    struct span filter;
    TRY(parse_word(parser, "filter", &filter, err));
    bool *flag = span_equal(filter, SPAN("lower")) ? &part->lower : span_equal(filter, SPAN("optional")) ? &part->optional : NULL;
    if (!flag)
        return ERR_AT(err, LF_SYNTAX, start, "unknown filter \"%.*s\", there are lower and optional", SPAN_ARG(filter));
    if (*flag)
        return ERR_AT(err, LF_SYNTAX, start, "filter \"%.*s\" stands twice", SPAN_ARG(filter));
    *flag = true;
    return LF_OK;
}

static enum lf_code parse_variable(struct parser *parser, struct template_part *part, struct err *err)
{
    part->is_variable = true;
    parser->at++;
    TRY(parse_word(parser, "column", &part->name, err));
    while (is_at(parser, '|')) {
        parser->at++;
        TRY(parse_filter(parser, part, err));
    }
    parser->at++; /* parse_word stops nowhere else */
    return LF_OK;
}

static enum lf_code parse_parts(struct parser *parser, struct err *err)
{
    while (parser->at < parser->text.len) {
        if (parser->count == LIMIT_TEMPLATE_PARTS)
            return ERR_AT(err, LF_LIMIT, parser->at, "template \"%.*s\" has more than %d parts", SPAN_ARG(parser->text),
                          LIMIT_TEMPLATE_PARTS);
        struct template_part *part = &parser->parts[parser->count];
        if (is_at(parser, '{') && !is_at_doubled(parser, '{'))
            TRY(parse_variable(parser, part, err));
        else
            TRY(parse_literal(parser, &part->literal, err));
        parser->count++;
    }
    return LF_OK;
}

enum lf_code template_parse(struct span text, struct arena *arena, struct template *ret_template, struct err *err)
{
    struct parser parser = { .text = text, .arena = arena };
    TRY(parse_parts(&parser, err));
    struct template_part *parts = arena_calloc(arena, parser.count, sizeof *parts, err);
    if (!parts)
        return err->code;
    memcpy(parts, parser.parts, parser.count * sizeof *parts);
    *ret_template = (struct template){ .parts = parts, .count = parser.count };
    return LF_OK;
}

/* ---- writing ---- */

static void put_literal(struct buf *buf, struct span literal)
{
    for (size_t i = 0; i < literal.len; i++) {
        char byte = literal.ptr[i];
        if (byte == '{' || byte == '}')
            buf_put_byte(buf, byte);
        buf_put_byte(buf, byte);
    }
}

static void put_variable(struct buf *buf, const struct template_part *part)
{
    buf_put_byte(buf, '{');
    buf_put_span(buf, part->name);
    if (part->lower)
        buf_put_cstr(buf, "|lower");
    if (part->optional)
        buf_put_cstr(buf, "|optional");
    buf_put_byte(buf, '}');
}

void template_put(struct buf *buf, const struct template *template)
{
    for (size_t i = 0; i < template->count; i++) {
        if (template->parts[i].is_variable)
            put_variable(buf, &template->parts[i]);
        else
            put_literal(buf, template->parts[i].literal);
    }
}

/* ---- rendering ---- */

/* Each part's text before filters; false when one that has to be there is absent. */
static bool look_up_parts(const struct template *template, template_lookup *lookup, void *context, struct span *texts)
{
    for (size_t i = 0; i < template->count; i++) {
        const struct template_part *part = &template->parts[i];
        if (!part->is_variable) {
            texts[i] = part->literal;
        } else if (!lookup(context, part->column, &texts[i])) {
            if (!part->optional)
                return false;
            texts[i] = SPAN("");
        }
    }
    return true;
}

static char fold_ascii(char byte)
{
    return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte;
}

static size_t copy_text(char *out, struct span text, bool lower)
{
    if (lower) {
        for (size_t i = 0; i < text.len; i++)
            out[i] = fold_ascii(text.ptr[i]);
    } else if (text.len) {
        memcpy(out, text.ptr, text.len);
    }
    return text.len;
}

static enum lf_code join_parts(const struct template *template, const struct span *texts, struct arena *arena,
                               struct span *ret_text, struct err *err)
{
    size_t size = 0;
    for (size_t i = 0; i < template->count; i++)
        size += texts[i].len;
    char *out = arena_alloc(arena, size, err);
    if (!out)
        return err->code;
    size_t len = 0;
    for (size_t i = 0; i < template->count; i++)
        len += copy_text(out + len, texts[i], template->parts[i].lower);
    *ret_text = span_of(out, len);
    return LF_OK;
}

enum lf_code template_render(const struct template *template, template_lookup *lookup, void *context, struct arena *arena,
                             bool *ret_present, struct span *ret_text, struct err *err)
{
    struct span texts[LIMIT_TEMPLATE_PARTS];
    struct span text = SPAN("");
    bool is_present = look_up_parts(template, lookup, context, texts);
    if (is_present && template->count == 1 && !template->parts[0].lower)
        text = texts[0];
    else if (is_present)
        TRY(join_parts(template, texts, arena, &text, err));
    *ret_present = is_present;
    *ret_text = text;
    return LF_OK;
}

/* ---- matching ---- */

/* How much of `rest` the variable `at` takes; false when the literal behind it does not follow. */
static bool find_variable_end(const struct template *template, size_t at, struct span rest, size_t *ret_len)
{
    if (at + 1 == template->count) {
        *ret_len = rest.len;
        return true;
    }
    /* Nothing says where one of two neighbours ends. */
    if (template->parts[at + 1].is_variable)
        return false;
    struct span separator = template->parts[at + 1].literal;
    if (at + 2 == template->count) { /* the text has to end with it, so it is not the next but the last one */
        *ret_len = span_ends_with(rest, separator) ? rest.len - separator.len : rest.len;
        return span_ends_with(rest, separator);
    }
    *ret_len = span_find(rest, separator);
    return *ret_len < rest.len;
}

bool template_match(const struct template *template, struct span text, struct span *ret_parts)
{
    struct span rest = text;
    for (size_t i = 0; i < template->count; i++) {
        const struct template_part *part = &template->parts[i];
        size_t len = part->literal.len;
        bool fits = part->is_variable ? find_variable_end(template, i, rest, &len) : span_starts_with(rest, part->literal);
        if (!fits)
            return false;
        ret_parts[i] = span_of(rest.ptr, len);
        rest = span_from(rest, len);
    }
    return rest.len == 0;
}

bool template_keeps_order(const struct template *template)
{
    if (template->count == 0 || template->count > 2)
        return false;
    const struct template_part *last = &template->parts[template->count - 1];
    bool has_prefix_only = template->count == 1 || !template->parts[0].is_variable;
    return has_prefix_only && last->is_variable && !last->lower && !last->optional;
}
