/*
 * err: errors as data.
 *
 * A function that can fail returns `enum lf_code` (0, LF_OK, is success) and takes a `struct err *` as its last parameter, which
 * it fills on failure and leaves alone otherwise. The struct lives on the caller's stack, has a fixed size and owns nothing.
 * `ret_` parameters are set only on success. Codes, their exit status and whether a retry can help are declared once, in
 * api/errors.yaml. Library code never logs: the error travels up, each level that knows more adds a "while …", and the
 * command prints it once.
 */
#pragma once

#include <stdint.h>

#include "base/errors_gen.h" /* enum lf_code, made from api/errors.yaml */

enum { ERR_MESSAGE_BYTES = 1024, ERR_SQLSTATE_BYTES = 6 };

struct err {
    enum lf_code code;
    char message[ERR_MESSAGE_BYTES];   /* UTF-8, NUL-terminated, cut at a character boundary when too long */
    char sqlstate[ERR_SQLSTATE_BYTES]; /* of PostgreSQL, "" when the error is not from there */
    int64_t offset;                    /* byte offset into the input, -1 when it has none */
    const char *file;                  /* where in Landfall's source the error arose */
    int line;
};

#define ERR_INIT                    \
    {                               \
        .code = LF_OK, .offset = -1 \
    }

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_at, first_at) __attribute__((format(printf, format_at, first_at)))

/* Fill `err` and return `code`: `return ERR(err, LF_SYNTAX, "expected '%c'", c);`. Spans go in by "%.*s", SPAN_ARG(span). */
#define ERR(err, code, ...) err_set((err), (code), __FILE__, __LINE__, __VA_ARGS__)

/* The same with the byte offset of the input at which it happened. */
#define ERR_AT(err, code, at, ...) err_set_at((err), (code), (int64_t)(at), __FILE__, __LINE__, __VA_ARGS__)

/* Hand a failure up unchanged. The one macro of Landfall that returns from the function it stands in. */
#define TRY(expression)                        \
    do {                                       \
        enum lf_code try_code_ = (expression); \
        if (try_code_ != LF_OK)                \
            return try_code_;                  \
    } while (0)

enum lf_code err_set(struct err *err, enum lf_code code, const char *file, int line, const char *format, ...) PRINTF_LIKE(5, 6);
enum lf_code err_set_at(struct err *err, enum lf_code code, int64_t offset, const char *file, int line, const char *format, ...)
    PRINTF_LIKE(6, 7);

/* Append " while <text>" to the message and return the code unchanged, so that `return err_while(err, "reading %s", path);`
 * works. */
enum lf_code err_while(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* What api/errors.yaml says of a code. */
struct lf_code_info {
    const char *name;
    const char *summary;
    int exit_status;
    int retryable;
    int http_status;      /* 0 when the code is not one of the DynamoDB API */
    const char *api_type; /* `__type` as AWS spells it, else NULL */
};
const struct lf_code_info *lf_code_info(enum lf_code code);
