/*
 * sigv4: AWS Signature Version 4. Source: AWS, "Create a signed AWS API request" and, for what is different there,
 * "Authenticating requests: using the Authorization header" of Amazon S3.
 *
 *     request ──► canonical request ──SHA-256──► string to sign ──HMAC──► signature
 *                                                secret ──HMAC x 4──► signing key ──┘
 *
 * Client and server compute the same: a client signs what it is about to send, a server signs what it received with the headers
 * that the client says it signed, and compares. What goes in is therefore the request as it is on the wire. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/buf.h"
#include "base/secret.h"

enum { SIGV4_SIGNATURE_BYTES = 64, SIGV4_TIME_BYTES = 16 };

struct sigv4_header {
    struct span name; /* in any case */
    struct span value;
};

struct sigv4_request {
    struct span method;
    struct span path;  /* as on the request line, "" is "/" */
    struct span query; /* as on the request line, without '?' */
    /* The headers to sign, in any order; of a name given twice the values are joined in their order. `host` and every x-amz-*
     * that is sent (x-amz-date, x-amz-security-token, …) belong here. */
    const struct sigv4_header *headers;
    size_t header_count;
    struct span payload_hash; /* sigv4_payload_hash of the body, or "UNSIGNED-PAYLOAD" */
    bool is_s3;               /* the path is encoded once; all other services encode it once more */
};

struct sigv4_scope {
    struct span time; /* "20130524T000000Z", as in x-amz-date */
    struct span region;
    struct span service; /* "s3", "sts", "dynamodb" */
};

struct sigv4_signature {
    struct span text;              /* 64 digits, lower-case hexadecimal */
    struct span signed_headers;    /* "host;x-amz-date" */
    struct span canonical_request; /* for people who look for a difference; holds no secret key, but a session token */
};

/* What the secret key becomes for one day, region and service: whoever signs or checks often keeps it, and wipes it. */
struct sigv4_key {
    unsigned char bytes[32];
};
enum lf_code sigv4_key_derive(struct secret secret_key, const struct sigv4_scope *scope, struct sigv4_key *ret_key,
                              struct err *err) MUST_CHECK;

/* Everything is in the arena. Errors: LF_USAGE when the time is none, LF_MEMORY. */
enum lf_code sigv4_sign_with(const struct sigv4_request *request, const struct sigv4_scope *scope, const struct sigv4_key *key,
                             struct arena *arena, struct sigv4_signature *ret_signature, struct err *err) MUST_CHECK;

/* Both in one. */
enum lf_code sigv4_sign(const struct sigv4_request *request, const struct sigv4_scope *scope, struct secret secret_key,
                        struct arena *arena, struct sigv4_signature *ret_signature, struct err *err) MUST_CHECK;

/* The value of the Authorization header. */
enum lf_code sigv4_authorization(const struct sigv4_signature *signature, const struct sigv4_scope *scope,
                                 struct span access_key_id, struct arena *arena, struct span *ret_value,
                                 struct err *err) MUST_CHECK;

/* SHA-256 in lower-case hexadecimal, as in x-amz-content-sha256. */
enum lf_code sigv4_payload_hash(struct span body, struct arena *arena, struct span *ret_hash, struct err *err) MUST_CHECK;

/* Writes `text` percent-encoded: all but letters, digits and "-._~" (and '/', when `keep_slash`). */
void sigv4_put_encoded(struct buf *buf, struct span text, bool keep_slash);
