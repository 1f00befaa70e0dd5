#include "../base/unit.h"

#include "codec/utf8.h"

/* The definition of RFC 3629, written the slow way: decode, then look whether encoding again gives the same bytes. */
static size_t character_bytes_naively(const unsigned char *at, size_t available)
{
    static const struct {
        unsigned char mask, lead;
        unsigned smallest;
    } forms[] = { { 0x80, 0x00, 0 }, { 0xE0, 0xC0, 0x80 }, { 0xF0, 0xE0, 0x800 }, { 0xF8, 0xF0, 0x10000 } };
    for (size_t len = 1; len <= 4; len++) {
        if ((at[0] & forms[len - 1].mask) != forms[len - 1].lead)
            continue;
        if (len > available)
            return 0;
        unsigned code_point = at[0] & (unsigned char)~forms[len - 1].mask;
        for (size_t i = 1; i < len; i++) {
            if ((at[i] & 0xC0) != 0x80)
                return 0;
            code_point = code_point << 6 | (at[i] & 0x3Fu);
        }
        bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
        return code_point < forms[len - 1].smallest || surrogate || code_point > 0x10FFFF ? 0 : len;
    }
    return 0;
}

static size_t invalid_at_naively(struct span text)
{
    size_t at = 0;
    while (at < text.len) {
        size_t len = character_bytes_naively((const unsigned char *)text.ptr + at, text.len - at);
        if (len == 0)
            break;
        at += len;
    }
    return at;
}

static void test_every_code_point(void **state)
{
    (void)state;
    for (unsigned code_point = 0; code_point <= 0x10FFFF; code_point++) {
        if (code_point >= 0xD800 && code_point <= 0xDFFF)
            continue;
        char text[4];
        size_t len = utf8_encode(code_point, text);
        if (len != (code_point < 0x80 ? 1u : code_point < 0x800 ? 2u : code_point < 0x10000 ? 3u : 4u))
            fail_msg("U+%04X has %zu bytes", code_point, len);
        if (utf8_invalid_at(span_of(text, len)) != len || invalid_at_naively(span_of(text, len)) != len)
            fail_msg("U+%04X is refused", code_point);
    }
}

/* Every sequence of up to three bytes, and four bytes with the second and last varied. */
static void test_every_short_sequence(void **state)
{
    (void)state;
    for (unsigned word = 0; word < 1u << 24; word++) {
        char text[3] = { (char)(word >> 16), (char)(word >> 8), (char)word };
        if ((word >> 16) < 0x80 && (word & 0xFF) != 0x41)
            continue; /* ASCII in front changes nothing: a few of these are enough */
        size_t at = utf8_invalid_at(span_of(text, 3));
        if (at != invalid_at_naively(span_of(text, 3)))
            fail_msg("bytes %06X: invalid at %zu", word, at);
    }
    for (unsigned word = 0; word < 1u << 24; word++) {
        char text[4] = { (char)(0xE0 | (word & 0x1F)), (char)(word >> 16), (char)0x80, (char)(word >> 8) };
        size_t at = utf8_invalid_at(span_of(text, 4));
        if (at != invalid_at_naively(span_of(text, 4)))
            fail_msg("bytes %02X %02X 80 %02X: invalid at %zu", (unsigned char)text[0], (unsigned char)text[1],
                     (unsigned char)text[3], at);
    }
}

/* A fault at each place of texts of each length: the eight-byte steps must not hide it. */
static void test_position_in_long_texts(void **state)
{
    (void)state;
    char text[70];
    for (size_t len = 0; len <= sizeof text; len++) {
        memset(text, 'a', sizeof text);
        assert_int_equal(utf8_invalid_at(span_of(text, len)), len);
        for (size_t at = 0; at < len; at++) {
            text[at] = (char)0xFF;
            assert_int_equal(utf8_invalid_at(span_of(text, len)), at);
            text[at] = 'a';
        }
    }
    assert_int_equal(utf8_invalid_at(span_of(NULL, 0)), 0);
}

static void test_cut(void **state)
{
    (void)state;
    struct span text = SPAN("a\xC3\xA9\xF0\x9F\x98\x80z"); /* 1 + 2 + 4 + 1 bytes */
    static const size_t lengths[] = { 0, 1, 1, 3, 3, 3, 3, 7, 8, 8 };
    for (size_t max = 0; max < sizeof lengths / sizeof *lengths; max++)
        assert_int_equal(utf8_cut(text, max).len, lengths[max]);
    assert_int_equal(utf8_cut(span_of(NULL, 0), 5).len, 0);
    assert_int_equal(utf8_cut(SPAN("\x80\x80\x80"), 2).len, 0);
}

/* Bytes near the borders of characters, now and then whole ones. */
static size_t random_text(char *out)
{
    static const char *const pieces[] = {
        "a",   "z", "\x7F", "\xC2\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF",
        "\x01"
    };
    size_t len = 0;
    for (unsigned count = random_below(4); count > 0; count--) {
        const char *piece = pieces[random_below(sizeof pieces / sizeof *pieces)];
        memcpy(out + len, piece, strlen(piece));
        len += strlen(piece);
    }
    return len;
}

static size_t random_near(char *out)
{
    static const unsigned char borders[] = { 0, 1, 0x7F, 0x80, 0xBF, 0xC0, 0xC2, 0xE0, 0xED, 0xA0, 0xF4, 0x8F, 0x90, 0xFF };
    size_t len = random_text(out);
    if (len && random_below(2))
        len -= random_below((unsigned)len);
    if (random_below(2))
        out[len++] = (char)borders[random_below(sizeof borders)];
    if (len && random_below(3) == 0)
        out[random_below((unsigned)len)] = (char)borders[random_below(sizeof borders)];
    return len;
}

static bool is_held(struct span text)
{
    return utf8_invalid_at(text) == text.len && span_find_byte(text, '\0') == text.len;
}

/* The ceiling is a text, is not less than the bytes, and no text lies between the two. */
static void test_ceiling(void **state)
{
    (void)state;
    enum { CEILINGS = 200 * 1000 };
    size_t raised = 0, without = 0;
    for (int run = 0; run < CEILINGS; run++) {
        char bytes[32], other[32];
        struct arena arena;
        struct err err = ERR_INIT;
        struct span ceiling, from = span_of(bytes, random_near(bytes)), text = span_of(other, random_near(other));
        arena_init(&arena, 4096);
        assert_ok(err, utf8_ceiling(from, &arena, &ceiling, &err));
        bool is_there = ceiling.ptr != NULL;
        if (is_there)
            assert_true(is_held(ceiling) && span_compare(ceiling, from) >= 0);
        if (is_held(from))
            assert_span(ceiling, from);
        if (is_held(text) && span_compare(text, from) >= 0)
            assert_true(is_there && span_compare(text, ceiling) >= 0);
        raised += is_there && !span_equal(ceiling, from);
        without += !is_there;
        arena_done(&arena);
    }
    assert_true(raised > CEILINGS / 20 && without > 10);
}

static void test_known_ceilings(void **state)
{
    (void)state;
    const struct span cases[][2] = {
        { SPAN(""), SPAN("") },
        { SPAN("a"), SPAN("a") },
        { SPAN("\0"), SPAN("\x01") },
        { SPAN("a\0b"), SPAN("a\x01") },
        { SPAN("a\x80"), SPAN("a\xC2\x80") },
        { SPAN("\xED\xA0"), SPAN("\xEE\x80\x80") },
        { SPAN("a\xFF"), SPAN("b") },
        { SPAN("a\xF4\x8F\xBF\xC0"), SPAN("b") },
        { SPAN("\x7F\xFF"), SPAN("\xC2\x80") },
        { SPAN("\xED\x9F\xBF\xFF"), SPAN("\xEE\x80\x80") },
    };
    struct arena arena;
    struct err err = ERR_INIT;
    struct span ceiling;
    arena_init(&arena, 4096);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_ok(err, utf8_ceiling(cases[i][0], &arena, &ceiling, &err));
        assert_span(ceiling, cases[i][1]);
    }
    assert_ok(err, utf8_ceiling(SPAN("\xF4\x8F\xBF\xBF\xFF"), &arena, &ceiling, &err));
    assert_null(ceiling.ptr);
    assert_ok(err, utf8_ceiling(SPAN("\xFF"), &arena, &ceiling, &err));
    assert_null(ceiling.ptr);
    arena_done(&arena);
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_every_short_sequence),
        cmocka_unit_test(test_position_in_long_texts),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_ceiling),
        cmocka_unit_test(test_known_ceilings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
