/*
 * remote_credentials: those that a service gives: STS for a role, the container's agent, the instance's metadata. Each is asked
 * once per call, with a few attempts. Results are new references.
 */
#pragma once

#include "aws/credentials.h"
#include "aws/profile.h"

/* Copies what it is given. Errors: LF_MEMORY. */
enum lf_code aws_credentials_new(const struct aws_credentials *fields, const struct aws_credentials **ret_credentials,
                                 struct err *err) MUST_CHECK;

/* One more reference. */
const struct aws_credentials *aws_credentials_ref(const struct aws_credentials *credentials);

struct sts_role {
    struct span endpoint, region; /* of STS */
    struct span arn, session_name, external_id, duration_seconds;
    const struct aws_credentials *caller; /* who asks; NULL with a token */
    struct span web_identity_token_file;  /* NUL-terminated */
};
/* AssumeRole, AssumeRoleWithWebIdentity. */
enum lf_code sts_assume_role(struct http *http, const struct sts_role *role, const struct aws_credentials **ret_credentials,
                             struct err *err) MUST_CHECK;

bool container_credentials_configured(void);
enum lf_code container_credentials(struct http *http, const struct aws_credentials **ret_credentials, struct err *err) MUST_CHECK;

bool instance_credentials_disabled(void);
enum lf_code instance_credentials(struct http *http, const struct aws_credentials **ret_credentials, struct err *err) MUST_CHECK;
