/*
 * check_replies: whether recorded answers of the gateway are what api/operations.yaml declares.
 *
 *     check_replies FILE
 *
 * FILE has one answer of status 200 a line: the value of X-Amz-Target, a tab, the body. Prints what is wrong with which, and how
 * many it has read; exit status 1 when any is wrong or there is none.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/file_text.h"
#include "gateway/shape.h"

enum { SHOWN_BYTES = 300, ARENA_BYTES = 256 * 1024 * 1024, FILE_BYTES_MAX = 1024 * 1024 * 1024 };

static bool is_good(struct span line, struct arena *arena)
{
    struct err err = ERR_INIT;
    enum operation operation;
    size_t tab = span_find_byte(line, '\t');
    struct span target = span_of(line.ptr, tab), body = span_from(line, tab + 1);
    if (!operation_find(target, &operation)) {
        printf("%.*s: no such operation\n", SPAN_ARG(target));
        return false;
    }
    if (!shape_check_reply(operation_info(operation)->reply, body, arena, &err))
        return true;
    printf("%.*s: %s\n  %.*s\n", SPAN_ARG(target), err.message, (int)(body.len < SHOWN_BYTES ? body.len : SHOWN_BYTES), body.ptr);
    return false;
}

static size_t check_all(struct span text, size_t *ret_wrong)
{
    struct arena arena;
    size_t count = 0, wrong = 0;
    arena_init(&arena, ARENA_BYTES);
    for (; text.len; count++) {
        struct span line = span_of(text.ptr, span_find_byte(text, '\n'));
        wrong += !is_good(line, &arena);
        arena_reset(&arena);
        text = span_from(text, line.len + 1);
    }
    arena_done(&arena);
    *ret_wrong = wrong;
    return count;
}

int main(int argc, char **argv)
{
    struct err err = ERR_INIT;
    struct span text;
    struct arena arena;
    size_t wrong = 0;
    arena_init(&arena, FILE_BYTES_MAX);
    if (argc != 2 || file_text_read(span_from_cstr(argv[1]), FILE_BYTES_MAX, &arena, &text, &err)) {
        (void)fprintf(stderr, "check_replies: %s\n", argc == 2 ? err.message : "which FILE?");
        return EXIT_FAILURE;
    }
    size_t count = check_all(text, &wrong);
    arena_done(&arena);
    printf("%zu replies, %zu wrong\n", count, wrong);
    return count && !wrong ? EXIT_SUCCESS : EXIT_FAILURE;
}
