#include "../base/unit.h"

#include "codec/uuid.h"

static void test_known(void **state)
{
    (void)state;
    char bytes[UUID_BYTES], text[UUID_TEXT_BYTES];
    assert_true(uuid_parse(SPAN("00112233-4455-6677-8899-aabbccddeeff"), bytes));
    assert_memory_equal(bytes, "\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xAA\xBB\xCC\xDD\xEE\xFF", UUID_BYTES);
    uuid_format(bytes, text);
    assert_span(span_of(text, sizeof text), SPAN("00112233-4455-6677-8899-aabbccddeeff"));
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "00112233-4455-6677-8899-aabbccddeef",
        "00112233-4455-6677-8899-aabbccddeeff0",
        "00112233-4455-6677-8899-AABBCCDDEEFF",
        "00112233-4455-6677-8899-aabbccddeefF",
        "00112233445566778899aabbccddeeff",
        "{0112233-4455-6677-8899-aabbccddeef}",
        "001122334-455-6677-8899-aabbccddeeff",
        "00112233-4455-6677-8899-aabbccddeeg0",
        "00112233-4455-6677-8899 aabbccddeeff",
        "00112233-4455-6677-889--aabbccddeeff",
        " 0112233-4455-6677-8899-aabbccddeeff",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char bytes[UUID_BYTES] = "unchanged";
        if (uuid_parse(span_from_cstr(texts[i]), bytes))
            fail_msg("%s", texts[i]);
        assert_string_equal(bytes, "unchanged");
    }
}

/* Any byte in any place but the right kind of one is refused. */
static void test_every_byte_in_every_place(void **state)
{
    (void)state;
    char text[] = "00112233-4455-6677-8899-aabbccddeeff";
    for (size_t at = 0; at < UUID_TEXT_BYTES; at++) {
        char right = text[at];
        for (unsigned byte = 0; byte < 256; byte++) {
            text[at] = (char)byte;
            bool hex = byte && strchr("0123456789abcdef", (int)byte) != NULL;
            char bytes[UUID_BYTES];
            assert_int_equal(uuid_parse(span_of(text, UUID_TEXT_BYTES), bytes), right == '-' ? byte == '-' : hex);
        }
        text[at] = right;
    }
}

static void test_random_round_trips(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 10000; round++) {
        char bytes[UUID_BYTES], again[UUID_BYTES], text[UUID_TEXT_BYTES];
        random_bytes(bytes, sizeof bytes);
        uuid_format(bytes, text);
        assert_true(uuid_parse(span_of(text, sizeof text), again));
        assert_memory_equal(bytes, again, sizeof bytes);
    }
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_every_byte_in_every_place),
        cmocka_unit_test(test_random_round_trips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
