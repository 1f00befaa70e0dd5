/* A key template and, behind a line feed, a text: templates go both ways, and the parts of a match are the text. */
#include "fuzz.h"

#include "base/limits.h"
#include "map/template.h"

static void check_parts(const struct template *template, struct span text)
{
    struct span parts[LIMIT_TEMPLATE_PARTS];
    if (!template_match(template, text, parts))
        return;
    size_t at = 0;
    for (size_t i = 0; i < template->count; i++) {
        CHECK(fuzz_inside(parts[i], text));
        CHECK(span_equal(parts[i], span_of(span_from(text, at).ptr, parts[i].len)));
        CHECK(template->parts[i].is_variable || span_equal(parts[i], template->parts[i].literal));
        at += parts[i].len;
    }
    CHECK(at == text.len);
}

static void check_writing(const struct template *template, struct arena *arena)
{
    struct buf once, twice;
    struct err err = ERR_INIT;
    struct template back;
    buf_init(&once, FUZZ_MEMORY_BYTES);
    buf_init(&twice, FUZZ_MEMORY_BYTES);
    template_put(&once, template);
    CHECK(template_parse(buf_span(&once), arena, &back, &err) == LF_OK);
    CHECK(back.count == template->count);
    template_put(&twice, &back);
    CHECK(span_equal(buf_span(&once), buf_span(&twice)));
    buf_done(&once);
    buf_done(&twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct err err = ERR_INIT;
    struct template template;
    struct span input = fuzz_input(data, size);
    size_t line = span_find_byte(input, '\n');
    arena_init(&arena, FUZZ_MEMORY_BYTES);
    if (template_parse(span_of(input.ptr, line), &arena, &template, &err) == LF_OK) {
        check_writing(&template, &arena);
        check_parts(&template, span_from(input, line + 1));
    } else {
        CHECK(err.offset >= 0 && (uint64_t)err.offset <= line);
    }
    arena_done(&arena);
    return 0;
}
