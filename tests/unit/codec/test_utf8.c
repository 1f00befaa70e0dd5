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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_code_point),
        cmocka_unit_test(test_every_short_sequence),
        cmocka_unit_test(test_position_in_long_texts),
        cmocka_unit_test(test_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
