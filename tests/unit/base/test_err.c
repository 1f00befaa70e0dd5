#include "unit.h"

static enum lf_code refuse(struct err *err)
{
    return ERR_AT(err, LF_SYNTAX, 17, "expected '%c'", '}');
}

static enum lf_code hand_up(struct err *err)
{
    TRY(refuse(err));
    return LF_OK;
}

static void test_fills_everything(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    assert_int_equal(err.code, LF_OK);
    assert_int_equal(err.offset, -1);
    assert_int_equal(hand_up(&err), LF_SYNTAX);
    assert_int_equal(err.code, LF_SYNTAX);
    assert_string_equal(err.message, "expected '}'");
    assert_int_equal(err.offset, 17);
    assert_string_equal(err.sqlstate, "");
    assert_non_null(strstr(err.file, "test_err.c"));
    assert_true(err.line > 0);
    assert_int_equal(ERR(&err, LF_IO, "no"), LF_IO);
    assert_int_equal(err.offset, -1);
}

static void test_while_chain(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    (void)refuse(&err);
    assert_int_equal(err_while(&err, "reading line %d", 3), LF_SYNTAX);
    assert_int_equal(err_while(&err, "loading %s", "a.json"), LF_SYNTAX);
    assert_string_equal(err.message, "expected '}' while reading line 3 while loading a.json");
    assert_int_equal(err.offset, 17);
}

/* A message of ASCII is cut at limit + 1 and not before. */
static void test_cut_of_ascii(void **state)
{
    (void)state;
    static char text[ERR_MESSAGE_BYTES + 1];
    for (size_t len = ERR_MESSAGE_BYTES - 2; len <= ERR_MESSAGE_BYTES; len++) {
        memset(text, 'x', len);
        text[len] = '\0';
        struct err err = ERR_INIT;
        (void)ERR(&err, LF_IO, "%s", text);
        assert_int_equal(strlen(err.message), len < ERR_MESSAGE_BYTES ? len : ERR_MESSAGE_BYTES - 1);
    }
}

/* However the cut falls into a text of long characters, only whole ones are left. */
static void test_cut_at_a_character(void **state)
{
    (void)state;
    static const char *const characters[] = { "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80" };
    for (size_t i = 0; i < 3; i++) {
        size_t size = strlen(characters[i]);
        for (size_t shift = 0; shift < 4; shift++) {
            char text[ERR_MESSAGE_BYTES * 2] = "";
            memset(text, 'x', shift);
            for (size_t at = shift; at + size < sizeof text; at += size)
                memcpy(text + at, characters[i], size);
            struct err err = ERR_INIT;
            (void)ERR(&err, LF_IO, "%s", text);
            size_t len = strlen(err.message);
            assert_true(len > ERR_MESSAGE_BYTES - 10 && len < ERR_MESSAGE_BYTES);
            assert_int_equal((len - shift) % size, 0);
        }
    }
}

static void test_while_on_a_full_message(void **state)
{
    (void)state;
    for (size_t room = 0; room < 20; room++) {
        char text[ERR_MESSAGE_BYTES];
        memset(text, 'x', sizeof text);
        text[sizeof text - 1 - room] = '\0';
        struct err err = ERR_INIT;
        (void)ERR(&err, LF_IO, "%s", text);
        assert_int_equal(err_while(&err, "%s", "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"), LF_IO);
        size_t len = strlen(err.message);
        assert_true(len >= sizeof text - 1 - room && len < sizeof text);
        assert_true(((unsigned char)err.message[len - 1] & 0xC0) != 0xC0);
    }
}

static void test_codes_have_their_info(void **state)
{
    (void)state;
    assert_string_equal(lf_code_info(LF_USAGE)->name, "usage");
    assert_int_equal(lf_code_info(LF_USAGE)->exit_status, 2);
    assert_int_equal(lf_code_info(LF_INTERRUPTED)->exit_status, 130);
    assert_int_equal(lf_code_info(LF_OK)->exit_status, 0);
    assert_true(lf_code_info(LF_CONNECT)->retryable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills_everything),
        cmocka_unit_test(test_while_chain),
        cmocka_unit_test(test_cut_of_ascii),
        cmocka_unit_test(test_cut_at_a_character),
        cmocka_unit_test(test_while_on_a_full_message),
        cmocka_unit_test(test_codes_have_their_info),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
