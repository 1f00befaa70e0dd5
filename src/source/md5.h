/* md5: the digest that S3 and the manifests of an export speak of, in base64 as they write it. Not for security. */
#pragma once

#include "base/err.h"
#include "base/span.h"

enum { MD5_BASE64_BYTES = 24 };

struct md5;

/* NULL when out of memory. */
struct md5 *md5_new(void);
void md5_free(struct md5 *md5); /* NULL is fine */
void md5_update(struct md5 *md5, struct span bytes);

/* Ends it; only md5_free may follow. */
void md5_finish(struct md5 *md5, char ret_base64[MD5_BASE64_BYTES + 1]);

enum lf_code md5_of(struct span bytes, char ret_base64[MD5_BASE64_BYTES + 1], struct err *err) MUST_CHECK;
