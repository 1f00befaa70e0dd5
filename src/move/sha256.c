#include "move/sha256.h"

#include <openssl/evp.h>

enum lf_code sha256(struct span bytes, unsigned char ret_digest[SHA256_BYTES], struct err *err)
{
    if (EVP_Digest(bytes.ptr, bytes.len, ret_digest, NULL, EVP_sha256(), NULL) != 1)
        return ERR(err, LF_MEMORY, "cannot set up a SHA-256 digest");
    return LF_OK;
}

enum lf_code sha256_hex(struct span bytes, char ret_text[SHA256_HEX_BYTES + 1], struct err *err)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[SHA256_BYTES];
    TRY(sha256(bytes, digest, err));
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        ret_text[2 * i] = digits[digest[i] >> 4];
        ret_text[2 * i + 1] = digits[digest[i] & 15];
    }
    ret_text[SHA256_HEX_BYTES] = '\0';
    return LF_OK;
}
