/*
 * json: a pull parser and the writer's escapes (RFC 8259).
 *
 * The parser reads one text that lies whole in memory and hands out one token per call. Strings without escapes are spans of the
 * input, others are unescaped into the arena. Numbers come as the span of their text: nobody here turns one into a double.
 * Strict: UTF-8 must be valid, surrogates paired, control characters escaped, nesting at most JSON_DEPTH_MAX, one value with
 * nothing but white space behind it (use `json_end`). Every error carries its byte offset. Pure; one reader, one thread.
 *
 *     struct json_reader reader;
 *     struct json_token token;
 *     json_init(&reader, text, &arena);
 *     TRY(json_next(&reader, &token, err));          JSON_OBJECT_BEGIN
 *     TRY(json_next(&reader, &token, err));          JSON_NAME "Item"   … until JSON_OBJECT_END
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

enum { JSON_DEPTH_MAX = 128 };

enum json_kind {
    JSON_OBJECT_BEGIN,
    JSON_OBJECT_END,
    JSON_ARRAY_BEGIN,
    JSON_ARRAY_END,
    JSON_NAME,   /* of a member; its value is the next token */
    JSON_STRING, /* text: unescaped */
    JSON_NUMBER, /* text: as written */
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL,
};

struct json_token {
    enum json_kind kind;
    struct span text; /* of names, strings, numbers: borrowed from the input or in the arena */
    size_t offset;    /* of the token's first byte */
};

struct json_reader {
    const char *start, *pos, *end; /* the input, borrowed */
    struct arena *arena;           /* borrowed: unescaped strings go here */
    unsigned depth;
    unsigned char state;                     /* what may come next */
    unsigned char is_object[JSON_DEPTH_MAX]; /* per open level */
};

void json_init(struct json_reader *reader, struct span text, struct arena *arena);

/* The next token. Errors: LF_SYNTAX (with offset), LF_LIMIT (depth), LF_MEMORY. After the last token of the value: LF_SYNTAX. */
enum lf_code json_next(struct json_reader *reader, struct json_token *ret_token, struct err *err) MUST_CHECK;

/* The next token must be of this kind. Error: LF_SYNTAX that names both kinds. */
enum lf_code json_expect(struct json_reader *reader, enum json_kind kind, struct json_token *ret_token,
                         struct err *err) MUST_CHECK;

/*
 * The short way for the commonest value of DynamoDB JSON: when `{"X":"text"}` comes next, without white space and X being one of
 * `letters`, reads all of it; *ret_letter is X and ret_text the string's token. Otherwise *ret_letter is '\0', nothing has been
 * consumed, and json_next goes on. Errors: those of the string.
 */
enum lf_code json_next_tagged(struct json_reader *reader, const char *letters, char *ret_letter, struct json_token *ret_text,
                              struct err *err) MUST_CHECK;

/* Skips the value whose first token was just read (also a whole object or array). */
enum lf_code json_skip(struct json_reader *reader, const struct json_token *first, struct err *err) MUST_CHECK;

/* Only white space may be left. */
enum lf_code json_end(struct json_reader *reader, struct err *err) MUST_CHECK;

/* Bytes of the input consumed so far. */
static inline size_t json_offset(const struct json_reader *reader)
{
    return (size_t)(reader->pos - reader->start);
}

/* "text" with quotes; escapes only what JSON demands (quote, backslash, control characters as \u00XX). UTF-8 passes through. */
void json_put_string(struct buf *buf, struct span text);
