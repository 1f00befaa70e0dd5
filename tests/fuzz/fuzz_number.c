/* Numbers: two texts with a NUL between. Each accepted one is formatted and parsed the same; their keys order as they do. */
#include "base/limits.h"
#include "codec/number.h"
#include "fuzz.h"

static bool read(struct span text, struct number *ret_number)
{
    struct err err = ERR_INIT;
    enum lf_code code = number_parse(text, ret_number, &err);
    CHECK(code == LF_OK || code == LF_ITEM || code == LF_LIMIT);
    return code == LF_OK;
}

static void check_one(struct number number)
{
    char text[NUMBER_TEXT_BYTES];
    size_t len = number_format(number, text);
    CHECK(len >= 1 && len <= sizeof text);
    struct number again;
    CHECK(read(span_of(text, len), &again));
    CHECK(number_equal(number, again) && number_compare(number, again) == 0);
    int64_t integer;
    if (number_to_int64(number, &integer))
        CHECK(number_equal(number_from_int64(integer), number));
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void check_two(struct number a, struct number b)
{
    char key_a[NUMBER_KEY_BYTES_MAX], key_b[NUMBER_KEY_BYTES_MAX];
    size_t len_a = number_key(a, key_a), len_b = number_key(b, key_b);
    CHECK(len_a <= sizeof key_a && len_b <= sizeof key_b);
    int order = sign(number_compare(a, b));
    CHECK(order == -sign(number_compare(b, a)));
    CHECK(order == sign(span_compare(span_of(key_a, len_a), span_of(key_b, len_b))));
    CHECK((order == 0) == number_equal(a, b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = fuzz_input(data, size);
    struct span first = span_of(text.ptr, span_find_byte(text, '\0'));
    struct number a, b;
    bool accepted_a = read(first, &a), accepted_b = read(span_from(text, first.len + 1), &b);
    if (accepted_a)
        check_one(a);
    if (accepted_b)
        check_one(b);
    if (accepted_a && accepted_b)
        check_two(a, b);
    return 0;
}
