/*
 * credentials: who we are to AWS, found as every AWS program finds it. Source: AWS SDKs and Tools Reference Guide, "Standardized
 * credential providers". The first of these that is set up counts; if it then fails, that is an error, not a reason to go on:
 *
 *   1. environment        AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
 *   2. web identity       AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME (EKS service accounts)
 *   3. profile            AWS_PROFILE, else "default": keys; role_arn with source_profile, credential_source or
 *                         web_identity_token_file
 *   4. container          AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI (ECS, EKS pod identity), with its token
 *   5. instance           the metadata service of EC2, version 2, unless AWS_EC2_METADATA_DISABLED=true
 *
 * What expires is renewed five minutes before it does; while that fails, what is still valid goes on being used. The environment
 * is read when credentials are, so it must not be changed by other threads. A session may be used by any thread.
 */
#pragma once

#include "aws/http.h"
#include "base/secret.h"

/* Immutable, shared by reference; wiped with the last one. */
struct aws_credentials {
    struct span access_key_id;
    struct secret secret_key;
    struct secret session_token; /* empty: none */
    int64_t expires_unix_s;      /* INT64_MAX: never */
};
void aws_credentials_unref(const struct aws_credentials *credentials); /* NULL is fine */

struct aws_session;

/* `http` must outlive it. Reads the files, looks for no credentials yet. Errors: as of profile_files_read; LF_CREDENTIALS for a
 * profile that is not there. */
enum lf_code aws_session_new(struct http *http, struct aws_session **ret_session, struct err *err) MUST_CHECK;
void aws_session_free(struct aws_session *session); /* NULL is fine */

/* A reference to credentials that are valid now. Errors: LF_CREDENTIALS, which says what was tried; LF_NETWORK; LF_AWS. */
enum lf_code aws_session_credentials(struct aws_session *session, const struct aws_credentials **ret_credentials,
                                     struct err *err) MUST_CHECK;

/* AWS_REGION, AWS_DEFAULT_REGION, the profile's; "" when none says it. Borrowed from the session. */
struct span aws_session_region(const struct aws_session *session);

/* AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the profile's endpoint_url, without '/' at its end; "" when none says it. */
struct span aws_session_endpoint(const struct aws_session *session, const char *service_upper_case);
