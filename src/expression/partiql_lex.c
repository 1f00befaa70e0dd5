#include "expression/partiql_lex.h"

#include <strings.h>

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static struct span skip_space(struct span rest)
{
    for (;;) {
        while (rest.len && is_space(rest.ptr[0]))
            rest = span_from(rest, 1);
        if (!span_starts_with(rest, SPAN("--")))
            return rest;
        rest = span_from(rest, span_find_byte(rest, '\n'));
    }
}

static size_t word_len(struct span rest)
{
    size_t len = 0;
    while (len < rest.len && (is_letter(rest.ptr[len]) || is_digit(rest.ptr[len])))
        len++;
    return len;
}

static size_t digits_len(struct span rest, size_t at)
{
    while (at < rest.len && is_digit(rest.ptr[at]))
        at++;
    return at;
}

static size_t number_len(struct span rest)
{
    size_t len = digits_len(rest, 0);
    if (len < rest.len && rest.ptr[len] == '.')
        len = digits_len(rest, len + 1);
    if (len == rest.len || (rest.ptr[len] != 'e' && rest.ptr[len] != 'E'))
        return len;
    size_t sign = len + 1 < rest.len && (rest.ptr[len + 1] == '-' || rest.ptr[len + 1] == '+');
    return digits_len(rest, len + 1 + sign);
}

/* 0 when the quote is not closed. */
static size_t quoted_len(struct span rest)
{
    char quote = rest.ptr[0];
    for (size_t at = 1; at < rest.len; at++) {
        if (rest.ptr[at] != quote)
            continue;
        if (at + 1 == rest.len || rest.ptr[at + 1] != quote)
            return at + 1;
        at++;
    }
    return 0;
}

static struct partiql_token symbol(struct span rest)
{
    static const char *const pairs[] = { "<<", ">>", "<>", "<=", ">=", "!=" };
    static const char singles[] = "(){}[],.:;=<>+-*?";
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (span_starts_with(rest, span_of(pairs[i], 2)))
            return (struct partiql_token){ PARTIQL_SYMBOL, span_of(rest.ptr, 2) };
    bool is_known = rest.ptr[0] != '\0' && strchr(singles, rest.ptr[0]) != NULL;
    return (struct partiql_token){ is_known ? PARTIQL_SYMBOL : PARTIQL_UNKNOWN, span_of(rest.ptr, 1) };
}

static struct partiql_token first_token(struct span rest)
{
    char first = rest.ptr[0];
    if (is_letter(first))
        return (struct partiql_token){ PARTIQL_WORD, span_of(rest.ptr, word_len(rest)) };
    if (is_digit(first) || (first == '.' && rest.len > 1 && is_digit(rest.ptr[1])))
        return (struct partiql_token){ PARTIQL_NUMBER, span_of(rest.ptr, number_len(rest)) };
    if (first != '\'' && first != '"')
        return symbol(rest);
    size_t len = quoted_len(rest);
    if (len == 0)
        return (struct partiql_token){ PARTIQL_UNKNOWN, rest };
    return (struct partiql_token){ first == '"' ? PARTIQL_QUOTED : PARTIQL_STRING, span_of(rest.ptr, len) };
}

struct partiql_token partiql_lex(struct span *rest)
{
    *rest = skip_space(*rest);
    if (rest->len == 0)
        return (struct partiql_token){ PARTIQL_END, *rest };
    struct partiql_token token = first_token(*rest);
    *rest = span_from(*rest, token.text.len);
    return token;
}

bool partiql_is_word(struct partiql_token token, const char *keyword)
{
    return token.kind == PARTIQL_WORD && strlen(keyword) == token.text.len &&
           strncasecmp(keyword, token.text.ptr, token.text.len) == 0;
}

bool partiql_is_symbol(struct partiql_token token, const char *symbol_text)
{
    return token.kind == PARTIQL_SYMBOL && span_equal(token.text, span_from_cstr(symbol_text));
}

bool partiql_is_keyword(struct partiql_token token)
{
    static const char *const keywords[] = {
        "and",   "as",    "between", "by",        "delete", "desc", "distinct", "exists",  "false", "from",
        "group", "in",    "insert",  "into",      "is",     "like", "limit",    "missing", "not",   "null",
        "or",    "order", "remove",  "returning", "select", "set",  "true",     "update",  "value", "where",
    };
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if (partiql_is_word(token, keywords[i]))
            return true;
    return false;
}

enum lf_code partiql_unquote(struct partiql_token token, struct arena *arena, struct span *ret_text, struct err *err)
{
    char quote = token.text.ptr[0];
    struct span inside = span_of(token.text.ptr + 1, token.text.len - 2);
    if (span_find_byte(inside, quote) == inside.len) {
        *ret_text = inside;
        return LF_OK;
    }
    char *text = arena_alloc(arena, inside.len, err);
    if (!text)
        return err->code;
    size_t len = 0;
    for (size_t i = 0; i < inside.len; i++) {
        text[len++] = inside.ptr[i];
        i += inside.ptr[i] == quote;
    }
    *ret_text = span_of(text, len);
    return LF_OK;
}
