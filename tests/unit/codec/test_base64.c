#include "../base/unit.h"

#include "codec/base64.h"

enum { CAP = 1 << 20 };

static void assert_pair(struct span bytes, struct span text)
{
    struct arena arena;
    struct buf buf;
    struct err err = ERR_INIT;
    arena_init(&arena, CAP);
    buf_init(&buf, CAP);
    base64_put(&buf, bytes);
    assert_span(buf_span(&buf), text);
    struct span decoded;
    assert_ok(err, base64_decode(text, &arena, &decoded, &err));
    assert_span(decoded, bytes);
    buf_done(&buf);
    arena_done(&arena);
}

/* RFC 4648, section 10, and the two characters above the letters and digits. */
static void test_known_pairs(void **state)
{
    (void)state;
    assert_pair(SPAN(""), SPAN(""));
    assert_pair(SPAN("f"), SPAN("Zg=="));
    assert_pair(SPAN("fo"), SPAN("Zm8="));
    assert_pair(SPAN("foo"), SPAN("Zm9v"));
    assert_pair(SPAN("foob"), SPAN("Zm9vYg=="));
    assert_pair(SPAN("fooba"), SPAN("Zm9vYmE="));
    assert_pair(SPAN("foobar"), SPAN("Zm9vYmFy"));
    assert_pair(SPAN("\xFB\xFF\0"), SPAN("+/8A"));
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int offset;
    } cases[] = {
        { "A", 1 },    { "AA", 2 },   { "AAA", 3 },  { "AAAAA", 5 },      { "=", 1 },           { "====", 0 },
        { "A===", 1 }, { "AA=A", 2 }, { "=AAA", 0 }, { "AA==AAAA", 2 },   { "AAA=AAAA", 3 },    { "AAAA====", 4 },
        { "A-AA", 1 }, { "A_AA", 1 }, { "AA A", 2 }, { "AAA\n", 3 },      { "AAAA\nAAA", 4 },   { "Zh==", 1 },
        { "Zm9=", 2 }, { "AB==", 1 }, { "AAB=", 2 }, { "AA\xC3\xA9", 2 }, { "AAAAA\x7F==", 5 },
    };
    struct arena arena;
    arena_init(&arena, CAP);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err;
        struct span decoded;
        assert_code(err, LF_ITEM, base64_decode(span_from_cstr(cases[i].text), &arena, &decoded, &err));
        if (err.offset != cases[i].offset)
            fail_msg("%s: offset %d", cases[i].text, (int)err.offset);
    }
    arena_done(&arena);
}

static void test_random_round_trips(void **state)
{
    (void)state;
    struct arena arena;
    struct buf buf;
    struct err err = ERR_INIT;
    arena_init(&arena, CAP);
    buf_init(&buf, CAP);
    for (unsigned round = 0; round < 5000; round++) {
        char bytes[200];
        struct span all = span_of(bytes, random_below(sizeof bytes));
        random_bytes(bytes, all.len);
        buf_reset(&buf);
        base64_put(&buf, all);
        assert_int_equal(buf.len, (all.len + 2) / 3 * 4);
        struct span decoded;
        assert_ok(err, base64_decode(buf_span(&buf), &arena, &decoded, &err));
        assert_span(decoded, all);
        arena_reset(&arena);
    }
    buf_done(&buf);
    arena_done(&arena);
}

/* There is one text per value: whatever decodes encodes to the same text. */
static void test_decoding_is_one_to_one(void **state)
{
    (void)state;
    static const char letters[] = "AQgw/+9z=";
    struct arena arena;
    struct buf buf;
    arena_init(&arena, CAP);
    buf_init(&buf, CAP);
    unsigned accepted = 0;
    for (unsigned round = 0; round < 20000; round++) {
        char text[8];
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = letters[random_below(sizeof letters - 1)];
        struct span all = span_of(text, random_below(3) * 4), decoded;
        struct err err = ERR_INIT;
        if (base64_decode(all, &arena, &decoded, &err) == LF_OK) {
            accepted++;
            buf_reset(&buf);
            base64_put(&buf, decoded);
            assert_span(buf_span(&buf), all);
        }
        arena_reset(&arena);
    }
    assert_true(accepted > 1000);
    buf_done(&buf);
    arena_done(&arena);
}

static void test_memory_limits(void **state)
{
    (void)state;
    struct arena arena;
    struct err err;
    struct span decoded;
    arena_init(&arena, 16);
    assert_code(err, LF_MEMORY, base64_decode(SPAN("AAAAAAAAAAAAAAAAAAAAAAAA"), &arena, &decoded, &err));
    arena_done(&arena);
    for (size_t limit = 3; limit <= 5; limit++) {
        struct buf buf;
        buf_init(&buf, limit);
        base64_put(&buf, SPAN("foo"));
        assert_int_equal(buf.failed, limit < 4);
        buf_done(&buf);
    }
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_pairs),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_random_round_trips), cmocka_unit_test(test_decoding_is_one_to_one),
        cmocka_unit_test(test_memory_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
