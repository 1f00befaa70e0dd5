/* sha256: SHA-256 and HMAC with it, by OpenSSL: for what must name the same thing on every host, and for signatures. Pure. */
#pragma once

#include "base/span.h"

enum { SHA256_BYTES = 32, SHA256_HEX_BYTES = 64 };

void sha256(struct span bytes, unsigned char ret_digest[SHA256_BYTES]);

/* In lower-case hexadecimal, with a NUL; and a digest so. */
void sha256_hex(struct span bytes, char ret_text[SHA256_HEX_BYTES + 1]);
void sha256_put_hex(const unsigned char digest[SHA256_BYTES], char ret_text[SHA256_HEX_BYTES + 1]);

/* RFC 2104. `ret_digest` may be where the key is. */
void hmac_sha256(struct span key, struct span text, unsigned char ret_digest[SHA256_BYTES]);
