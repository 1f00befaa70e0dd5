/* Examples of FIPS 180-4 and RFC 4231, and OpenSSL's other way on texts of every length up to some blocks. */
#include "../base/unit.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "codec/sha256.h"

enum { BYTES_MAX = 300 };

static void test_examples(void **state)
{
    (void)state;
    char hex[SHA256_HEX_BYTES + 1];
    unsigned char digest[SHA256_BYTES];
    sha256_hex(SPAN("abc"), hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    hmac_sha256(SPAN("Jefe"), SPAN("what do ya want for nothing?"), digest);
    sha256_put_hex(digest, hex);
    assert_string_equal(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void test_every_length(void **state)
{
    (void)state;
    char bytes[BYTES_MAX];
    unsigned char ours[SHA256_BYTES], theirs[SHA256_BYTES];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 37 + 11);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        struct span text = span_of(bytes, len), key = span_of(bytes, BYTES_MAX - len);
        sha256(text, ours);
        assert_int_equal(EVP_Digest(text.ptr, len, theirs, NULL, EVP_sha256(), NULL), 1);
        assert_memory_equal(ours, theirs, sizeof ours);
        hmac_sha256(key, text, ours);
        assert_non_null(HMAC(EVP_sha256(), key.ptr, (int)key.len, (const unsigned char *)text.ptr, len, theirs, NULL));
        assert_memory_equal(ours, theirs, sizeof ours);
    }
}

static void test_the_digest_may_be_where_the_key_is(void **state)
{
    (void)state;
    unsigned char key[SHA256_BYTES] = { 1, 2, 3 }, digest[SHA256_BYTES];
    hmac_sha256(span_of((const char *)key, sizeof key), SPAN("text"), digest);
    hmac_sha256(span_of((const char *)key, sizeof key), SPAN("text"), key);
    assert_memory_equal(key, digest, sizeof key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_every_length),
        cmocka_unit_test(test_the_digest_may_be_where_the_key_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
