/*
 * s3: the three things that reading an export from a bucket takes: what is there, an object whole, part of an object.
 *
 * Where to: https://BUCKET.s3.REGION.amazonaws.com, or ENDPOINT/BUCKET with AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL. A bucket in
 * another region than ours is found by what S3 answers. Transient failures are tried again; an object is gone on with where the
 * connection was cut, as long as it is still the same object (If-Match). Source: AWS, "Amazon S3 API reference". Any thread.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"

struct s3;

/* Errors: those of aws_session_new. */
enum lf_code s3_new(struct span bucket, struct s3 **ret_s3, struct err *err) MUST_CHECK;
void s3_free(struct s3 *s3); /* NULL is fine */

struct s3_object {
    struct span key;
    struct span etag; /* with its quotes */
    int64_t size_bytes;
};

struct s3_listing {
    struct s3_object *objects; /* in order of keys, as S3 gives them */
    size_t object_count;
};

/* All objects whose key begins with `prefix`; with `is_flat` only those without a '/' behind it. Everything is in the arena.
 * Errors: LF_NOT_FOUND (bucket), LF_AWS, LF_CREDENTIALS, LF_NETWORK, LF_TLS, LF_MEMORY. */
enum lf_code s3_list(struct s3 *s3, struct span prefix, bool is_flat, struct arena *arena, struct s3_listing *ret_listing,
                     struct err *err) MUST_CHECK;

/* Appends `len` bytes from `offset` on to `out`; all of them, or it fails. Errors as above; LF_SOURCE when the object is no
 * longer the one that was listed. */
enum lf_code s3_get_range(struct s3 *s3, const struct s3_object *object, int64_t offset, size_t len, struct buf *out,
                          struct err *err) MUST_CHECK;
