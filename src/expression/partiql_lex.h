/* partiql_lex: the words of a PartiQL statement. Inside expression/ only. Pure. */
#pragma once

#include "base/arena.h"

enum partiql_token_kind {
    PARTIQL_END,
    PARTIQL_WORD,    /* keyword or name */
    PARTIQL_QUOTED,  /* "name" */
    PARTIQL_STRING,  /* 'text' */
    PARTIQL_NUMBER,  /* 1, 1.5, 5e0: no sign */
    PARTIQL_SYMBOL,  /* of one or two characters */
    PARTIQL_UNKNOWN, /* a character that begins nothing, a quote that is not closed */
};

struct partiql_token {
    enum partiql_token_kind kind;
    struct span text; /* with its quotes */
};

/* Cuts white space, comments and a token off the front of `rest`. */
struct partiql_token partiql_lex(struct span *rest);

bool partiql_is_word(struct partiql_token token, const char *keyword);
bool partiql_is_symbol(struct partiql_token token, const char *symbol);

/* Whether a word may not name an attribute or table. */
bool partiql_is_keyword(struct partiql_token token);

/* What stands between the quotes, doubled ones halved. */
enum lf_code partiql_unquote(struct partiql_token token, struct arena *arena, struct span *ret_text, struct err *err) MUST_CHECK;
