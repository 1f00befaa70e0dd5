/* lex: the words of an expression, one after the other. Inside expression/ only. Pure, no allocation. */
#pragma once

#include "base/span.h"

enum token_kind {
    TOKEN_END,
    TOKEN_NAME,             /* artist */
    TOKEN_NAME_PLACEHOLDER, /* #a */
    TOKEN_VALUE,            /* :v */
    TOKEN_INDEX,            /* 0, 17: no leading zeros */
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_BRACKET_OPEN,
    TOKEN_BRACKET_CLOSE,
    TOKEN_COMMA,
    TOKEN_DOT,
    TOKEN_PLUS,
    TOKEN_MINUS,
    TOKEN_EQUAL,
    TOKEN_NOT_EQUAL,
    TOKEN_LESS,
    TOKEN_LESS_OR_EQUAL,
    TOKEN_GREATER,
    TOKEN_GREATER_OR_EQUAL,
    TOKEN_AND, /* keywords, in any case */
    TOKEN_OR,
    TOKEN_NOT,
    TOKEN_BETWEEN,
    TOKEN_IN,
    TOKEN_SET,
    TOKEN_REMOVE,
    TOKEN_ADD,
    TOKEN_DELETE,
    TOKEN_UNKNOWN, /* a character that begins nothing */
};

struct token {
    enum token_kind kind;
    size_t at; /* first byte in the text */
    size_t len;
};

/* The token at or after byte `at`. */
struct token lex_token(struct span text, size_t at);

/* Whether the text is the marker ('#' or ':') and letters, digits or underscores behind it. */
bool lex_is_placeholder(struct span text, char marker);

static inline struct span token_text(struct span text, struct token token)
{
    return span_of(text.ptr + token.at, token.len);
}
