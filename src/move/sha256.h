/* sha256: SHA-256 by OpenSSL, for what must name the same thing on every host. */
#pragma once

#include "base/err.h"
#include "base/span.h"

enum { SHA256_BYTES = 32, SHA256_HEX_BYTES = 64 };

enum lf_code sha256(struct span bytes, unsigned char ret_digest[SHA256_BYTES], struct err *err) MUST_CHECK;

/* In lower-case hexadecimal, with a NUL. */
enum lf_code sha256_hex(struct span bytes, char ret_text[SHA256_HEX_BYTES + 1], struct err *err) MUST_CHECK;
