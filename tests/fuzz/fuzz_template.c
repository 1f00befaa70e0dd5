/* A key template and, behind a line feed, a text: templates go both ways, and what a match takes apart goes together again. */
#include <stdint.h>
#include <stdlib.h>

#include "base/limits.h"
#include "map/template.h"

enum { ARENA_BYTES = 16 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_parts(const struct template *template, struct span text)
{
    struct span parts[LIMIT_TEMPLATE_PARTS];
    if (!template_match(template, text, parts))
        return;
    size_t at = 0;
    for (size_t i = 0; i < template->count; i++) {
        if (!span_equal(parts[i], span_of(span_from(text, at).ptr, parts[i].len)))
            abort();
        if (!template->parts[i].is_variable && !span_equal(parts[i], template->parts[i].literal))
            abort();
        at += parts[i].len;
    }
    if (at != text.len)
        abort();
}

static void check_writing(const struct template *template, struct arena *arena)
{
    struct buf once, twice;
    struct err err = ERR_INIT;
    struct template back;
    buf_init(&once, ARENA_BYTES);
    buf_init(&twice, ARENA_BYTES);
    template_put(&once, template);
    if (template_parse(buf_span(&once), arena, &back, &err) != LF_OK || back.count != template->count)
        abort();
    template_put(&twice, &back);
    if (!span_equal(buf_span(&once), buf_span(&twice)))
        abort();
    buf_done(&once);
    buf_done(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct err err = ERR_INIT;
    struct template template;
    struct span input = span_of((const char *)data, size);
    size_t line = span_find_byte(input, '\n');
    arena_init(&arena, ARENA_BYTES);
    if (template_parse(span_of(input.ptr, line), &arena, &template, &err) == LF_OK) {
        check_writing(&template, &arena);
        check_parts(&template, span_from(input, line + 1));
    } else if (err.offset < 0 || (uint64_t)err.offset > line) {
        abort();
    }
    arena_done(&arena);
    return 0;
}
