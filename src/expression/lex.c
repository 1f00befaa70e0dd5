#include "expression/lex.h"

#include <strings.h>

#include "codec/utf8.h"

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_letter(c) || is_digit(c) || c == '_';
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t word_len(struct span text)
{
    size_t len = 0;
    while (len < text.len && is_word(text.ptr[len]))
        len++;
    return len;
}

static const struct {
    const char *word;
    enum token_kind kind;
} keywords[] = {
    { "and", TOKEN_AND }, { "or", TOKEN_OR },         { "not", TOKEN_NOT }, { "between", TOKEN_BETWEEN }, { "in", TOKEN_IN },
    { "set", TOKEN_SET }, { "remove", TOKEN_REMOVE }, { "add", TOKEN_ADD }, { "delete", TOKEN_DELETE },
};

static enum token_kind word_kind(struct span word)
{
    enum { KEYWORD_BYTES_MAX = sizeof "between" - 1, CASE_BIT = 0x20 };
    if (word.len > KEYWORD_BYTES_MAX)
        return TOKEN_NAME;
    for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++)
        if ((word.ptr[0] | CASE_BIT) == keywords[i].word[0] && strncasecmp(keywords[i].word, word.ptr, word.len) == 0 &&
            keywords[i].word[word.len] == '\0')
            return keywords[i].kind;
    return TOKEN_NAME;
}

/* '=', '<>', '<', '<=', '>' and '>='. */
static struct token comparator(struct span rest, size_t at)
{
    char second = rest.len > 1 ? rest.ptr[1] : '\0';
    switch (rest.ptr[0]) {
    case '<':
        if (second == '>')
            return (struct token){ TOKEN_NOT_EQUAL, at, 2 };
        return second == '=' ? (struct token){ TOKEN_LESS_OR_EQUAL, at, 2 } : (struct token){ TOKEN_LESS, at, 1 };
    case '>':
        return second == '=' ? (struct token){ TOKEN_GREATER_OR_EQUAL, at, 2 } : (struct token){ TOKEN_GREATER, at, 1 };
    default:
        return (struct token){ TOKEN_EQUAL, at, 1 };
    }
}

static enum token_kind punctuation(char c)
{
    switch (c) {
    case '(':
        return TOKEN_OPEN;
    case ')':
        return TOKEN_CLOSE;
    case '[':
        return TOKEN_BRACKET_OPEN;
    case ']':
        return TOKEN_BRACKET_CLOSE;
    case ',':
        return TOKEN_COMMA;
    case '.':
        return TOKEN_DOT;
    case '+':
        return TOKEN_PLUS;
    case '-':
        return TOKEN_MINUS;
    default:
        return TOKEN_UNKNOWN;
    }
}

static size_t index_len(struct span rest)
{
    size_t len = 1;
    while (rest.ptr[0] != '0' && len < rest.len && is_digit(rest.ptr[len]))
        len++;
    return len;
}

/* Bytes of the character at the front: of what is not UTF-8, one. */
static size_t character_len(struct span rest)
{
    enum { CHARACTER_BYTES_MAX = 4 };
    for (size_t len = 1; len <= CHARACTER_BYTES_MAX && len <= rest.len; len++)
        if (utf8_invalid_at(span_of(rest.ptr, len)) == len)
            return len;
    return 1;
}

struct token lex_token(struct span text, size_t at)
{
    while (at < text.len && is_space(text.ptr[at]))
        at++;
    struct span rest = span_from(text, at);
    if (rest.len == 0)
        return (struct token){ TOKEN_END, at, 0 };
    char first = rest.ptr[0];
    if (is_letter(first)) {
        size_t len = word_len(rest);
        return (struct token){ word_kind(span_of(rest.ptr, len)), at, len };
    }
    if (first == '#' || first == ':') {
        size_t len = 1 + word_len(span_from(rest, 1));
        enum token_kind kind = first == '#' ? TOKEN_NAME_PLACEHOLDER : TOKEN_VALUE;
        return (struct token){ len > 1 ? kind : TOKEN_UNKNOWN, at, len };
    }
    if (first == '=' || first == '<' || first == '>')
        return comparator(rest, at);
    if (is_digit(first))
        return (struct token){ TOKEN_INDEX, at, index_len(rest) };
    enum token_kind kind = punctuation(first);
    return (struct token){ kind, at, kind == TOKEN_UNKNOWN ? character_len(rest) : 1 };
}

bool lex_is_placeholder(struct span text, char marker)
{
    return text.len > 1 && text.ptr[0] == marker && word_len(span_from(text, 1)) == text.len - 1;
}
