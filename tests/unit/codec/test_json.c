#include "../base/unit.h"

#include "codec/json.h"

enum { CAP = 1 << 20 };

struct fixture {
    struct arena arena;
    struct json_reader reader;
    struct json_token token;
    struct err err;
};

static void open_text(struct fixture *fixture, struct span text)
{
    *fixture = (struct fixture){ .err = ERR_INIT };
    arena_init(&fixture->arena, CAP);
    json_init(&fixture->reader, text, &fixture->arena);
}

static void next_is(struct fixture *fixture, enum json_kind kind, struct span text, size_t offset)
{
    assert_ok(fixture->err, json_next(&fixture->reader, &fixture->token, &fixture->err));
    assert_int_equal(fixture->token.kind, kind);
    assert_span(fixture->token.text, text);
    assert_int_equal(fixture->token.offset, offset);
}

#define NO_TEXT span_of(NULL, 0)

static void test_tokens(void **state)
{
    (void)state;
    struct fixture f;
    open_text(&f, SPAN(" {\"a\" : [1, -2.5e+3,\"x\"],\n\t\"\":{} , \"b\":[[]],\"c\":true,\"d\":false,\"e\":null}\r\n"));
    next_is(&f, JSON_OBJECT_BEGIN, NO_TEXT, 1);
    next_is(&f, JSON_NAME, SPAN("a"), 2);
    next_is(&f, JSON_ARRAY_BEGIN, NO_TEXT, 8);
    next_is(&f, JSON_NUMBER, SPAN("1"), 9);
    next_is(&f, JSON_NUMBER, SPAN("-2.5e+3"), 12);
    next_is(&f, JSON_STRING, SPAN("x"), 20);
    next_is(&f, JSON_ARRAY_END, NO_TEXT, 23);
    next_is(&f, JSON_NAME, SPAN(""), 27);
    next_is(&f, JSON_OBJECT_BEGIN, NO_TEXT, 30);
    next_is(&f, JSON_OBJECT_END, NO_TEXT, 31);
    next_is(&f, JSON_NAME, SPAN("b"), 35);
    next_is(&f, JSON_ARRAY_BEGIN, NO_TEXT, 39);
    next_is(&f, JSON_ARRAY_BEGIN, NO_TEXT, 40);
    next_is(&f, JSON_ARRAY_END, NO_TEXT, 41);
    next_is(&f, JSON_ARRAY_END, NO_TEXT, 42);
    next_is(&f, JSON_NAME, SPAN("c"), 44);
    next_is(&f, JSON_TRUE, NO_TEXT, 48);
    next_is(&f, JSON_NAME, SPAN("d"), 53);
    next_is(&f, JSON_FALSE, NO_TEXT, 57);
    next_is(&f, JSON_NAME, SPAN("e"), 63);
    next_is(&f, JSON_NULL, NO_TEXT, 67);
    assert_code(f.err, LF_SYNTAX, json_end(&f.reader, &f.err));
    next_is(&f, JSON_OBJECT_END, NO_TEXT, 71);
    assert_int_equal(json_offset(&f.reader), 72);
    assert_ok(f.err, json_end(&f.reader, &f.err));
    assert_code(f.err, LF_SYNTAX, json_next(&f.reader, &f.token, &f.err));
    arena_done(&f.arena);
}

static void test_scalars_stand_alone(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum json_kind kind;
    } cases[] = { { "0", JSON_NUMBER },     { "-0", JSON_NUMBER },
                  { "0.0e0", JSON_NUMBER }, { "1E-5", JSON_NUMBER },
                  { "12", JSON_NUMBER },    { "\"\"", JSON_STRING },
                  { "true", JSON_TRUE },    { "false", JSON_FALSE },
                  { "null", JSON_NULL },    { "1234567890123456789012345678901234567890", JSON_NUMBER } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        open_text(&f, span_from_cstr(cases[i].text));
        assert_ok(f.err, json_expect(&f.reader, cases[i].kind, &f.token, &f.err));
        if (cases[i].kind == JSON_NUMBER)
            assert_span(f.token.text, span_from_cstr(cases[i].text));
        assert_ok(f.err, json_end(&f.reader, &f.err));
        arena_done(&f.arena);
    }
}

static enum lf_code read_all(struct fixture *fixture)
{
    do
        TRY(json_next(&fixture->reader, &fixture->token, &fixture->err));
    while (fixture->reader.depth > 0);
    return json_end(&fixture->reader, &fixture->err);
}

static void test_refused_with_offset(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int offset;
    } cases[] = {
        { "", 0 },
        { "  ", 2 },
        { "{", 1 },
        { "[", 1 },
        { "]", 0 },
        { "}", 0 },
        { ",", 0 },
        { "[}", 1 },
        { "{]", 1 },
        { "[1", 2 },
        { "[1,", 3 },
        { "[1,]", 3 },
        { "[,1]", 1 },
        { "[1 2]", 3 },
        { "[1}", 2 },
        { "{\"a\"", 4 },
        { "{\"a\":", 5 },
        { "{\"a\":}", 5 },
        { "{\"a\":1", 6 },
        { "{\"a\":1,", 7 },
        { "{\"a\":1,}", 7 },
        { "{\"a\" 1}", 5 },
        { "{a:1}", 1 },
        { "{1:1}", 1 },
        { "{\"a\":1]", 6 },
        { "{,}", 1 },
        { "1 2", 2 },
        { "[]]", 2 },
        { "{}{}", 2 },
        { "null,", 4 },
        { "tru", 0 },
        { "TRUE", 0 },
        { "nul", 0 },
        { "truex", 4 },
        { "NaN", 0 },
        { "01", 1 },
        { "-", 1 },
        { "-a", 1 },
        { "+1", 0 },
        { ".5", 0 },
        { "1.", 2 },
        { "1.e5", 2 },
        { "1e", 2 },
        { "1e+", 3 },
        { "0x1", 1 },
        { "-01", 2 },
        { "'a'", 0 },
        { "\"abc", 0 },
        { "[\"abc", 1 },
        { "\"a\\", 0 },
        { "\"\\x\"", 1 },
        { "\"a\\u12\"", 2 },
        { "\"\\u12g4\"", 1 },
        { "\"\\U1234\"", 1 },
        { "\"a\nb\"", 2 },
        { "\"\x1F\"", 1 },
        { "\"\\\n\"", 1 },
        { "\xEF\xBB\xBF{}", 0 },
        { "// x\n1", 0 },
        { "[1,\x0C 2]", 3 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        open_text(&f, span_from_cstr(cases[i].text));
        enum lf_code code = read_all(&f);
        if (code != LF_SYNTAX || f.err.offset != cases[i].offset)
            fail_msg("%s: code %d, offset %d, %s", cases[i].text, (int)code, (int)f.err.offset, f.err.message);
        arena_done(&f.arena);
    }
    struct fixture f;
    open_text(&f, SPAN("1\0"));
    assert_int_equal(read_all(&f), LF_SYNTAX);
    arena_done(&f.arena);
}

/* The texts that are strings of JSON and what they mean; refused ones have no meaning. */
static void test_escapes(void **state)
{
    (void)state;
    static const struct {
        struct span json, text;
    } cases[] = {
        { { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", 18 }, { "\"\\/\b\f\n\r\t", 8 } },
        { { "\"\\u0041\"", 8 }, { "A", 1 } },
        { { "\"\\u0000\"", 8 }, { "\0", 1 } },
        { { "\"a\\u0000b\"", 10 }, { "a\0b", 3 } },
        { { "\"\\u00e9\\u00E9\"", 14 }, { "\xC3\xA9\xC3\xA9", 4 } },
        { { "\"\\u20ac\"", 8 }, { "\xE2\x82\xAC", 3 } },
        { { "\"\\ud83d\\ude00\"", 14 }, { "\xF0\x9F\x98\x80", 4 } },
        { { "\"\\uD800\\uDC00\"", 14 }, { "\xF0\x90\x80\x80", 4 } },
        { { "\"\\uDBFF\\uDFFF\"", 14 }, { "\xF4\x8F\xBF\xBF", 4 } },
        { { "\"\\uFFFF\"", 8 }, { "\xEF\xBF\xBF", 3 } },
        { { "\"\\uD7FF\\uE000\"", 14 }, { "\xED\x9F\xBF\xEE\x80\x80", 6 } },
        { { "\"x\\\\u0041\"", 10 }, { "x\\u0041", 7 } },
        { { "\"\\ud83d\"", 8 }, { NULL, 0 } },
        { { "\"\\ude00\"", 8 }, { NULL, 0 } },
        { { "\"\\ude00\\ud83d\"", 14 }, { NULL, 0 } },
        { { "\"\\ud83d\\ud83d\"", 14 }, { NULL, 0 } },
        { { "\"\\ud83dx\"", 9 }, { NULL, 0 } },
        { { "\"\\ud83d\\n\"", 10 }, { NULL, 0 } },
        { { "\"\\ud83d\\u0041\"", 14 }, { NULL, 0 } },
        { { "\"\\ud83d\\u\"", 10 }, { NULL, 0 } },
        { { "\"\\u 041\"", 8 }, { NULL, 0 } },
        { { "\"\\u+041\"", 8 }, { NULL, 0 } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fixture f;
        open_text(&f, cases[i].json);
        if (!cases[i].text.ptr) {
            assert_code(f.err, LF_SYNTAX, json_next(&f.reader, &f.token, &f.err));
            assert_int_equal(f.err.offset, 1);
        } else {
            assert_ok(f.err, json_expect(&f.reader, JSON_STRING, &f.token, &f.err));
            assert_span(f.token.text, cases[i].text);
            assert_ok(f.err, json_end(&f.reader, &f.err));
        }
        arena_done(&f.arena);
    }
}

static void test_invalid_utf8(void **state)
{
    (void)state;
    static const char *const texts[] = { "\xFF", "\x80", "\xC3", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char text[40];
        (void)snprintf(text, sizeof text, "[\"0123456789\\n%s\"]", texts[i]);
        struct fixture f;
        open_text(&f, span_from_cstr(text));
        assert_int_equal(read_all(&f), LF_SYNTAX);
        assert_int_equal(f.err.offset, 14);
        arena_done(&f.arena);
    }
}

/* Strings without escapes are the input itself; names too. */
static void test_plain_strings_are_borrowed(void **state)
{
    (void)state;
    struct span text = SPAN("{\"name\":\"value \xC3\xA9\",\"n\\u0061me\":1}");
    struct fixture f;
    open_text(&f, text);
    next_is(&f, JSON_OBJECT_BEGIN, NO_TEXT, 0);
    next_is(&f, JSON_NAME, SPAN("name"), 1);
    assert_ptr_equal(f.token.text.ptr, text.ptr + 2);
    next_is(&f, JSON_STRING, SPAN("value \xC3\xA9"), 8);
    assert_ptr_equal(f.token.text.ptr, text.ptr + 9);
    assert_int_equal(f.arena.held_bytes, 0);
    next_is(&f, JSON_NAME, SPAN("name"), 19);
    assert_true(f.arena.held_bytes > 0);
    arena_done(&f.arena);
}

static void test_arena_limit(void **state)
{
    (void)state;
    struct fixture f;
    open_text(&f, SPAN("\"\\n0123456789abcdef\""));
    arena_init(&f.arena, 16);
    assert_code(f.err, LF_MEMORY, json_next(&f.reader, &f.token, &f.err));
    arena_done(&f.arena);
}

static void test_depth_limit(void **state)
{
    (void)state;
    for (size_t depth = JSON_DEPTH_MAX - 1; depth <= JSON_DEPTH_MAX + 1; depth++) {
        for (int object = 0; object < 2; object++) {
            char text[8 * JSON_DEPTH_MAX];
            size_t len = 0;
            for (size_t i = 0; i < depth; i++)
                len += (size_t)snprintf(text + len, sizeof text - len, object ? "{\"a\":" : "[");
            text[len++] = '1';
            for (size_t i = 0; i < depth; i++)
                text[len++] = object ? '}' : ']';
            struct fixture f;
            open_text(&f, span_of(text, len));
            assert_int_equal(read_all(&f), depth > JSON_DEPTH_MAX ? LF_LIMIT : LF_OK);
            if (depth > JSON_DEPTH_MAX)
                assert_int_equal(f.err.offset, JSON_DEPTH_MAX * (object ? 5 : 1));
            arena_done(&f.arena);
        }
    }
}

static void test_expect_names_both_kinds(void **state)
{
    (void)state;
    struct fixture f;
    open_text(&f, SPAN("[true]"));
    assert_ok(f.err, json_expect(&f.reader, JSON_ARRAY_BEGIN, &f.token, &f.err));
    assert_code(f.err, LF_SYNTAX, json_expect(&f.reader, JSON_STRING, &f.token, &f.err));
    assert_string_equal(f.err.message, "expected a string at byte 1, found true");
    assert_int_equal(f.err.offset, 1);
    arena_done(&f.arena);
}

static void test_skip(void **state)
{
    (void)state;
    struct fixture f;
    open_text(&f, SPAN("{\"a\":{\"b\":[1,{\"c\":\"\\n\"}]},\"d\":[],\"e\":\"x\",\"f\":7}"));
    next_is(&f, JSON_OBJECT_BEGIN, NO_TEXT, 0);
    next_is(&f, JSON_NAME, SPAN("a"), 1);
    next_is(&f, JSON_OBJECT_BEGIN, NO_TEXT, 5);
    assert_ok(f.err, json_skip(&f.reader, &f.token, &f.err));
    next_is(&f, JSON_NAME, SPAN("d"), 26);
    next_is(&f, JSON_ARRAY_BEGIN, NO_TEXT, 30);
    assert_ok(f.err, json_skip(&f.reader, &f.token, &f.err));
    next_is(&f, JSON_NAME, SPAN("e"), 33);
    next_is(&f, JSON_STRING, SPAN("x"), 37);
    assert_ok(f.err, json_skip(&f.reader, &f.token, &f.err));
    next_is(&f, JSON_NAME, SPAN("f"), 41);
    next_is(&f, JSON_NUMBER, SPAN("7"), 45);
    next_is(&f, JSON_OBJECT_END, NO_TEXT, 46);
    arena_done(&f.arena);

    open_text(&f, SPAN("[[1,[2,x]]]"));
    next_is(&f, JSON_ARRAY_BEGIN, NO_TEXT, 0);
    next_is(&f, JSON_ARRAY_BEGIN, NO_TEXT, 1);
    assert_code(f.err, LF_SYNTAX, json_skip(&f.reader, &f.token, &f.err));
    assert_int_equal(f.err.offset, 7);
    arena_done(&f.arena);
}

/* Many escaped strings that are skipped must not fill the arena, and what was read before them stays. */
static void test_skip_gives_memory_back(void **state)
{
    (void)state;
    struct buf text;
    buf_init(&text, CAP);
    buf_put_cstr(&text, "[\"kept\\n\"");
    for (int i = 0; i < 100; i++)
        buf_put_cstr(&text, ",[\"0123456789abcdef0123456789abcdef\\n\"]");
    buf_put_byte(&text, ']');
    struct fixture f;
    open_text(&f, buf_span(&text));
    arena_init(&f.arena, 128);
    next_is(&f, JSON_ARRAY_BEGIN, NO_TEXT, 0);
    next_is(&f, JSON_STRING, SPAN("kept\n"), 1);
    struct span kept = f.token.text;
    for (int i = 0; i < 100; i++) {
        assert_ok(f.err, json_expect(&f.reader, JSON_ARRAY_BEGIN, &f.token, &f.err));
        assert_ok(f.err, json_skip(&f.reader, &f.token, &f.err));
        assert_span(kept, SPAN("kept\n"));
    }
    assert_ok(f.err, json_expect(&f.reader, JSON_ARRAY_END, &f.token, &f.err));
    arena_done(&f.arena);
    buf_done(&text);
}

static void test_put_string(void **state)
{
    (void)state;
    static const struct {
        struct span text, json;
    } cases[] = {
        { { NULL, 0 }, { "\"\"", 2 } },
        { { "plain", 5 }, { "\"plain\"", 7 } },
        { { "\"\\/", 3 }, { "\"\\\"\\\\/\"", 7 } },
        { { "\0\n\x1F\x7F", 4 }, { "\"\\u0000\\u000a\\u001f\x7F\"", 21 } },
        { { "\xC3\xA9\xF0\x9F\x98\x80", 6 }, { "\"\xC3\xA9\xF0\x9F\x98\x80\"", 8 } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buf buf;
        buf_init(&buf, CAP);
        json_put_string(&buf, cases[i].text);
        assert_span(buf_span(&buf), cases[i].json);
        buf_done(&buf);
    }
}

/* Every ASCII character at every place of a string that spans three words: the word steps of the scanner miss nothing. */
static void test_specials_at_every_place(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, CAP);
    for (unsigned character = 0; character < 0x80; character++) {
        for (size_t at = 0; at < 24; at++) {
            char text[] = "abcdefghijklmnopqrstuvwx";
            text[at] = (char)character;
            buf_reset(&buf);
            json_put_string(&buf, span_of(text, 24));
            bool escaped = character < 0x20 || character == '"' || character == '\\';
            assert_int_equal(buf.len, 26 + (character < 0x20 ? 5 : escaped));
            struct fixture f;
            open_text(&f, buf_span(&buf));
            next_is(&f, JSON_STRING, span_of(text, 24), 0);
            arena_done(&f.arena);
        }
    }
    buf_done(&buf);
}

static void tagged_is(struct fixture *f, char letter, struct span text)
{
    char read;
    assert_ok(f->err, json_next_tagged(&f->reader, "SNB", &read, &f->token, &f->err));
    assert_int_equal(read, letter);
    if (letter)
        assert_span(f->token.text, text);
}

static void test_tagged_strings_in_one_step(void **state)
{
    (void)state;
    struct fixture f;
    open_text(&f, SPAN("{\"a\":{\"S\":\"x\\u00e9\"},\"b\":{\"N\":\"1\"},\"c\":[]}"));
    tagged_is(&f, '\0', NO_TEXT);
    next_is(&f, JSON_OBJECT_BEGIN, NO_TEXT, 0);
    tagged_is(&f, '\0', NO_TEXT);
    next_is(&f, JSON_NAME, SPAN("a"), 1);
    tagged_is(&f, 'S', SPAN("x\xC3\xA9"));
    assert_int_equal(f.token.offset, 10);
    next_is(&f, JSON_NAME, SPAN("b"), 21);
    tagged_is(&f, 'N', SPAN("1"));
    next_is(&f, JSON_NAME, SPAN("c"), 35);
    tagged_is(&f, '\0', NO_TEXT);
    next_is(&f, JSON_ARRAY_BEGIN, NO_TEXT, 39);
    next_is(&f, JSON_ARRAY_END, NO_TEXT, 40);
    next_is(&f, JSON_OBJECT_END, NO_TEXT, 41);
    assert_ok(f.err, json_end(&f.reader, &f.err));
    arena_done(&f.arena);
}

/* What has another shape is left for json_next, which reads it from its beginning. */
static void test_tagged_leaves_the_rest(void **state)
{
    (void)state;
    static const char *const texts[] = { "{\"X\":\"a\"}",
                                         "{ \"S\":\"a\"}",
                                         "{\"S\" :\"a\"}",
                                         "{\"S\":\"a\" }",
                                         "{\"S\":\"a\",\"N\":1}",
                                         "{\"SS\":[\"a\"]}",
                                         "{\"S\":1}",
                                         "{}",
                                         "\"S\"",
                                         "{\"S\":\"a\",\"S\":\"b\"}" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct fixture f;
        open_text(&f, span_from_cstr(texts[i]));
        tagged_is(&f, '\0', NO_TEXT);
        assert_int_equal(json_offset(&f.reader), 0);
        assert_ok(f.err, json_next(&f.reader, &f.token, &f.err));
        assert_ok(f.err, json_skip(&f.reader, &f.token, &f.err));
        assert_ok(f.err, json_end(&f.reader, &f.err));
        arena_done(&f.arena);
    }
}

static void test_tagged_refuses_what_next_refuses(void **state)
{
    (void)state;
    static const char *const texts[] = { "{\"S\":\"a", "{\"S\":\"\\x\"}", "{\"S\":\"\xFF\"}", "{\"S\":\"\n\"}",
                                         "{\"S\":\"12345678\xC0\"}" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct fixture f;
        char letter;
        open_text(&f, span_from_cstr(texts[i]));
        assert_code(f.err, LF_SYNTAX, json_next_tagged(&f.reader, "SNB", &letter, &f.token, &f.err));
        arena_done(&f.arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_scalars_stand_alone),
        cmocka_unit_test(test_refused_with_offset),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_invalid_utf8),
        cmocka_unit_test(test_plain_strings_are_borrowed),
        cmocka_unit_test(test_arena_limit),
        cmocka_unit_test(test_depth_limit),
        cmocka_unit_test(test_expect_names_both_kinds),
        cmocka_unit_test(test_skip),
        cmocka_unit_test(test_skip_gives_memory_back),
        cmocka_unit_test(test_put_string),
        cmocka_unit_test(test_specials_at_every_place),
        cmocka_unit_test(test_tagged_strings_in_one_step),
        cmocka_unit_test(test_tagged_leaves_the_rest),
        cmocka_unit_test(test_tagged_refuses_what_next_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
