/* JSON: what is accepted is valid UTF-8, and written again without white space it reads and writes the same. */
#include "codec/json.h"
#include "codec/utf8.h"
#include "fuzz.h"

static const char *mark(enum json_kind kind)
{
    static const char *const marks[] = {
        [JSON_OBJECT_BEGIN] = "{", [JSON_OBJECT_END] = "}", [JSON_ARRAY_BEGIN] = "[", [JSON_ARRAY_END] = "]",
        [JSON_TRUE] = "true",      [JSON_FALSE] = "false",  [JSON_NULL] = "null"
    };
    return marks[kind];
}

static void put_token(struct buf *out, const struct json_token *token)
{
    if (token->kind == JSON_STRING || token->kind == JSON_NAME) {
        CHECK(utf8_invalid_at(token->text) == token->text.len);
        json_put_string(out, token->text);
        if (token->kind == JSON_NAME)
            buf_put_byte(out, ':');
    } else if (token->kind == JSON_NUMBER) {
        buf_put_span(out, token->text);
    } else {
        buf_put_cstr(out, mark(token->kind));
    }
}

static bool needs_comma(const struct json_token *before, const struct json_token *token)
{
    bool opened = before->kind == JSON_OBJECT_BEGIN || before->kind == JSON_ARRAY_BEGIN || before->kind == JSON_NAME;
    return !opened && token->kind != JSON_OBJECT_END && token->kind != JSON_ARRAY_END;
}

/* The text without white space and with escapes only where they must be. */
static enum lf_code rewrite(struct span text, struct arena *arena, struct buf *out, struct err *err)
{
    struct json_reader reader;
    struct json_token token, before;
    json_init(&reader, text, arena);
    TRY(json_next(&reader, &token, err));
    put_token(out, &token);
    while (reader.depth > 0) {
        before = token;
        TRY(json_next(&reader, &token, err));
        CHECK(token.offset < text.len && json_offset(&reader) <= text.len);
        if (needs_comma(&before, &token))
            buf_put_byte(out, ',');
        put_token(out, &token);
    }
    return json_end(&reader, err);
}

/* Skipping a value accepts and refuses as reading it does. */
static enum lf_code skip(struct span text, struct arena *arena, struct err *err)
{
    struct json_reader reader;
    struct json_token token;
    json_init(&reader, text, arena);
    TRY(json_next(&reader, &token, err));
    TRY(json_skip(&reader, &token, err));
    return json_end(&reader, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = fuzz_input(data, size);
    struct arena arena;
    struct buf once, twice;
    struct err err = ERR_INIT, err_skip = ERR_INIT;
    arena_init(&arena, FUZZ_MEMORY_BYTES);
    buf_init(&once, FUZZ_MEMORY_BYTES);
    buf_init(&twice, FUZZ_MEMORY_BYTES);
    enum lf_code code = rewrite(text, &arena, &once, &err);
    CHECK(skip(text, &arena, &err_skip) == code && err.offset == err_skip.offset);
    if (code == LF_OK) {
        CHECK(rewrite(buf_span(&once), &arena, &twice, &err) == LF_OK);
        CHECK(span_equal(buf_span(&once), buf_span(&twice)));
    } else {
        CHECK(err.offset >= 0 && (size_t)err.offset <= size);
    }
    buf_done(&twice);
    buf_done(&once);
    arena_done(&arena);
    return 0;
}
