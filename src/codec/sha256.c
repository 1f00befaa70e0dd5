/* The functions without a provider: they neither allocate nor fail, and a gateway hashes several short texts per request, for
 * which finding the algorithm by name each time costs more than the hash. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include "codec/sha256.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

void sha256(struct span bytes, unsigned char ret_digest[SHA256_BYTES])
{
    SHA256_CTX context;
    (void)SHA256_Init(&context);
    (void)SHA256_Update(&context, bytes.ptr, bytes.len);
    (void)SHA256_Final(ret_digest, &context);
}

void sha256_put_hex(const unsigned char digest[SHA256_BYTES], char ret_text[SHA256_HEX_BYTES + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        ret_text[2 * i] = digits[digest[i] >> 4];
        ret_text[2 * i + 1] = digits[digest[i] & 15];
    }
    ret_text[SHA256_HEX_BYTES] = '\0';
}

void sha256_hex(struct span bytes, char ret_text[SHA256_HEX_BYTES + 1])
{
    unsigned char digest[SHA256_BYTES];
    sha256(bytes, digest);
    sha256_put_hex(digest, ret_text);
}

/* The hash of the key, each byte with `pad`, and the text. */
static void padded_hash(const unsigned char key[SHA256_CBLOCK], unsigned char pad, struct span text,
                        unsigned char ret_digest[SHA256_BYTES])
{
    SHA256_CTX context;
    unsigned char block[SHA256_CBLOCK];
    for (size_t i = 0; i < SHA256_CBLOCK; i++)
        block[i] = key[i] ^ pad;
    (void)SHA256_Init(&context);
    (void)SHA256_Update(&context, block, sizeof block);
    (void)SHA256_Update(&context, text.ptr, text.len);
    (void)SHA256_Final(ret_digest, &context);
    OPENSSL_cleanse(block, sizeof block);
    OPENSSL_cleanse(&context, sizeof context);
}

void hmac_sha256(struct span key, struct span text, unsigned char ret_digest[SHA256_BYTES])
{
    unsigned char block[SHA256_CBLOCK] = { 0 }, inner[SHA256_BYTES];
    if (key.len > SHA256_CBLOCK)
        sha256(key, block);
    else
        memcpy(block, key.ptr, key.len);
    padded_hash(block, 0x36, text, inner);
    padded_hash(block, 0x5c, span_of((const char *)inner, sizeof inner), ret_digest);
    OPENSSL_cleanse(block, sizeof block);
}
