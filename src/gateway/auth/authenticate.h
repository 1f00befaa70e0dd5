/*
 * authenticate: whose request it is, by AWS Signature Version 4.
 *
 *     Authorization ─► credential, scope, signed headers, signature
 *     request ─► canonical request ─► string to sign ─► HMAC with the cached signing key ─► compared in constant time
 *
 * Checked: the algorithm, scope's service and date, skew of x-amz-date (5 minutes), host and x-amz-date signed, the payload's
 * hash. Signing keys are derived once per access key, day and region. Errors, in AWS's words: LF_MISSING_AUTHENTICATION_TOKEN,
 * LF_INCOMPLETE_SIGNATURE, LF_UNRECOGNIZED_CLIENT, LF_INVALID_SIGNATURE (with the skew, where that is why). Source: AWS, "Create
 * a signed AWS API request" and "Common errors". One cache, one worker.
 */
#pragma once

#include "gateway/auth/access_key.h"
#include "gateway/http/server.h"

enum { AUTH_SKEW_S_MAX = 300 };

struct auth_cache;
enum lf_code auth_cache_new(struct auth_cache **ret_cache, struct err *err) MUST_CHECK;
void auth_cache_free(struct auth_cache *cache); /* wipes; NULL is fine */

/* `now_s` since 1970. */
enum lf_code authenticate(struct auth_cache *cache, const struct access_keys *keys, const struct http_request *request,
                          int64_t now_s, const struct access_key **ret_key, struct err *err) MUST_CHECK;
