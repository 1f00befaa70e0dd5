/* The JSON reader beside jansson on the same texts: both must accept or refuse, and read the same values. */
#include "../base/unit.h"

#include "codec/json.h"
#include "jansson_oracle.h"

enum { CAP = 1 << 20, GENERATED_DEPTH_MAX = 6 };

struct comparison {
    struct arena arena;
    struct buf text, ours, theirs;
    unsigned accepted, refused, unsaid;
};

static void comparison_init(struct comparison *comparison)
{
    *comparison = (struct comparison){ 0 };
    arena_init(&comparison->arena, CAP);
    buf_init(&comparison->text, CAP);
    buf_init(&comparison->ours, CAP);
    buf_init(&comparison->theirs, CAP);
}

static void comparison_done(struct comparison *comparison)
{
    arena_done(&comparison->arena);
    buf_done(&comparison->text);
    buf_done(&comparison->ours);
    buf_done(&comparison->theirs);
}

static void put_number(struct buf *out, struct span text)
{
    char digits[2000];
    (void)snprintf(digits, sizeof digits, "%.*s", SPAN_ARG(text));
    if (strpbrk(digits, ".eE"))
        oracle_put_real(out, strtod(digits, NULL));
    else
        oracle_put_integer(out, strtoll(digits, NULL, 10));
}

static void put_token(struct buf *out, const struct json_token *token)
{
    static const char *const marks[] = {
        [JSON_OBJECT_BEGIN] = "{\n", [JSON_OBJECT_END] = "}\n", [JSON_ARRAY_BEGIN] = "[\n", [JSON_ARRAY_END] = "]\n",
        [JSON_TRUE] = "T\n",         [JSON_FALSE] = "F\n",      [JSON_NULL] = "0\n",
    };
    if (token->kind == JSON_NUMBER)
        put_number(out, token->text);
    else if (token->kind == JSON_NAME || token->kind == JSON_STRING)
        oracle_put_bytes(out, token->kind == JSON_NAME ? 'N' : 'S', token->text);
    else
        buf_put_cstr(out, marks[token->kind]);
}

static enum lf_code read_ours(struct span text, struct arena *arena, struct buf *out, struct err *err)
{
    struct json_reader reader;
    struct json_token token;
    json_init(&reader, text, arena);
    do {
        TRY(json_next(&reader, &token, err));
        put_token(out, &token);
    } while (reader.depth > 0);
    return json_end(&reader, err);
}

static void compare(struct comparison *c, struct span text)
{
    buf_reset(&c->ours);
    buf_reset(&c->theirs);
    arena_reset(&c->arena);
    struct err err = ERR_INIT;
    enum lf_code code = read_ours(text, &c->arena, &c->ours, &err);
    enum oracle_verdict verdict = oracle_read(text, &c->theirs);
    if (verdict == ORACLE_CANNOT_SAY || code == LF_LIMIT) {
        c->unsaid++;
        return;
    }
    if ((code == LF_OK) != (verdict == ORACLE_ACCEPTS))
        fail_msg("jansson %s, Landfall says \"%s\": %.*s", verdict == ORACLE_ACCEPTS ? "accepts" : "refuses", err.message,
                 SPAN_ARG(text));
    if (code != LF_OK) {
        assert_int_equal(code, LF_SYNTAX);
        assert_true(err.offset >= 0 && err.offset <= (int64_t)text.len);
        c->refused++;
        return;
    }
    if (!span_equal(buf_span(&c->ours), buf_span(&c->theirs)))
        fail_msg("read differently: %.*s", SPAN_ARG(text));
    c->accepted++;
}

/* --- texts --- */

static void put_space(struct buf *out)
{
    while (random_below(8) == 0)
        buf_put_byte(out, " \n\r\t"[random_below(4)]);
}

static void put_random_string(struct buf *out)
{
    static const char *const parts[] = {
        "a",       "xyz",     "0123456789", "\xC3\xA9",       "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
        "\x7F",    "\\n",     "\\\"",       "\\\\",           "\\/",          "\\b\\f\\r\\t",
        "\\u0041", "\\u0001", "\\u20AC",    "\\ud83d\\ude00", "\\u00e9",      "a long piece of text without any escape in it",
    };
    buf_put_byte(out, '"');
    for (unsigned count = random_below(5); count > 0; count--)
        buf_put_cstr(out, parts[random_below(sizeof parts / sizeof *parts)]);
    buf_put_byte(out, '"');
}

static void put_random_number(struct buf *out)
{
    if (random_below(2))
        buf_put_byte(out, '-');
    buf_printf(out, "%u", random_below(3) ? random_below(100000) : 0);
    if (random_below(3) == 0)
        buf_printf(out, ".%u", random_below(1000));
    if (random_below(3) == 0)
        buf_printf(
            out, "%c%s%u", "eE" [random_below(2)], (const char *[]) { "", "+", "-" }[random_below(3)], random_below(100));
}

static void put_random_value(struct buf *out, unsigned depth);

static void put_random_container(struct buf *out, unsigned depth)
{
    bool object = random_below(2);
    buf_put_byte(out, object ? '{' : '[');
    for (unsigned i = 0, count = random_below(5); i < count; i++) {
        if (i)
            buf_put_byte(out, ',');
        put_space(out);
        if (object) {
            buf_printf(out, "\"%s%u\"", (const char *[]){ "", "name", "\\u00e9", "\xC3\xA9" }[random_below(4)], i);
            put_space(out);
            buf_put_byte(out, ':');
        }
        put_random_value(out, depth + 1);
    }
    put_space(out);
    buf_put_byte(out, object ? '}' : ']');
}

static void put_random_value(struct buf *out, unsigned depth)
{
    put_space(out);
    switch (random_below(depth < GENERATED_DEPTH_MAX ? 6 : 3)) {
    case 0:
        put_random_string(out);
        break;
    case 1:
        put_random_number(out);
        break;
    case 2:
        buf_put_cstr(out, (const char *[]){ "true", "false", "null" }[random_below(3)]);
        break;
    default:
        put_random_container(out, depth);
    }
    put_space(out);
}

/* Some bytes replaced, taken out or put in. */
static void mutate(struct buf *text)
{
    static const char bytes[] = "{}[],:\"\\u0dD8eE+-. \n\x01\x1F\x7F\x80\xBF\xC3\xED\xF0\xFFtfn0123456789";
    for (unsigned count = 1 + random_below(3); count > 0 && text->len > 0; count--) {
        size_t at = random_below((unsigned)text->len);
        char byte = bytes[random_below(sizeof bytes)];
        switch (random_below(4)) {
        case 0:
            text->data[at] = byte;
            break;
        case 1:
            memmove(text->data + at, text->data + at + 1, --text->len - at);
            break;
        case 2:
            buf_put_byte(text, 0);
            memmove(text->data + at + 1, text->data + at, text->len - 1 - at);
            text->data[at] = byte;
            break;
        default:
            text->len = random_below(4) ? text->len : at;
        }
    }
}

/* --- tests --- */

static void test_generated_texts(void **state)
{
    (void)state;
    struct comparison c;
    comparison_init(&c);
    for (unsigned round = 0; round < 5000; round++) {
        buf_reset(&c.text);
        put_random_value(&c.text, 0);
        compare(&c, buf_span(&c.text));
    }
    assert_int_equal(c.accepted, 5000);
    comparison_done(&c);
}

static void test_mutated_texts(void **state)
{
    (void)state;
    struct comparison c;
    comparison_init(&c);
    for (unsigned round = 0; round < 30000; round++) {
        buf_reset(&c.text);
        put_random_value(&c.text, random_below(GENERATED_DEPTH_MAX));
        mutate(&c.text);
        compare(&c, buf_span(&c.text));
    }
    assert_true(c.accepted > 3000);
    assert_true(c.refused > 3000);
    assert_true(c.unsaid < 3000);
    comparison_done(&c);
}

/* Every pair and triple of the bytes that the grammar knows. */
static void test_every_short_text(void **state)
{
    (void)state;
    static const char bytes[] = "{}[],:\"\\ue0-+. \n1t\xC3\xA9";
    const size_t count = sizeof bytes; /* with the NUL */
    struct comparison c;
    comparison_init(&c);
    for (size_t i = 0; i < count * count * count * count; i++) {
        char text[4] = { bytes[i % count], bytes[i / count % count], bytes[i / count / count % count],
                         bytes[i / count / count / count] };
        compare(&c, span_of(text, 4));
        if (i < count * count * count)
            compare(&c, span_of(text, 3));
        if (i < count * count)
            compare(&c, span_of(text, 2));
    }
    compare(&c, span_of(NULL, 0));
    assert_true(c.accepted > 100);
    comparison_done(&c);
}

/* Each string of two \u escapes from the edges of the surrogates' ranges. */
static void test_surrogates(void **state)
{
    (void)state;
    static const unsigned units[] = { 0x0000, 0x001F, 0x0041, 0x007F, 0x0080, 0x07FF, 0x0800, 0xD7FF,
                                      0xD800, 0xDBFF, 0xDC00, 0xDFFF, 0xE000, 0xFFFD, 0xFFFE, 0xFFFF };
    const size_t count = sizeof units / sizeof *units;
    struct comparison c;
    comparison_init(&c);
    for (size_t i = 0; i < count * count; i++) {
        buf_reset(&c.text);
        buf_printf(&c.text, "\"\\u%04X\\u%04x\"", units[i % count], units[i / count]);
        compare(&c, buf_span(&c.text));
    }
    assert_int_equal(c.accepted, 12 * 12 + 2 * 2);
    comparison_done(&c);
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generated_texts),
        cmocka_unit_test(test_mutated_texts),
        cmocka_unit_test(test_every_short_text),
        cmocka_unit_test(test_surrogates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
