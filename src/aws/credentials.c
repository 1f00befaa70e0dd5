#include "aws/credentials.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "aws/remote_credentials.h"

enum {
    ARENA_BYTES_MAX = 16 * 1024 * 1024,
    RENEW_SECONDS_BEFORE = 300,
    PROFILES_MAX = 8, /* that stand in for each other by source_profile */
};

struct aws_session {
    struct http *http; /* borrowed */
    struct arena arena;
    struct profile_files files;
    struct span profile;
    struct span region;
    pthread_mutex_t lock;                  /* guards `current` */
    const struct aws_credentials *current; /* a reference; NULL before the first */
};

static struct span environment(const char *name)
{
    return span_from_cstr(getenv(name));
}

/* Session ------------------------------------------------------------------------------------------------------------------ */

static enum lf_code init_session(struct aws_session *session, struct err *err)
{
    struct span named = environment("AWS_PROFILE"), region = environment("AWS_REGION");
    TRY(profile_files_read(&session->arena, &session->files, err));
    TRY(arena_copy(&session->arena, named.len ? named : SPAN("default"), &session->profile, err));
    if (named.len && !profile_exists(&session->files, named))
        return ERR(err, LF_CREDENTIALS, "AWS_PROFILE names the profile %s, which ~/.aws/config and ~/.aws/credentials lack",
                   session->profile.ptr);
    if (!region.len)
        region = environment("AWS_DEFAULT_REGION");
    if (!region.len)
        region = profile_setting(&session->files, session->profile, SPAN("region"));
    return arena_copy(&session->arena, region, &session->region, err);
}

enum lf_code aws_session_new(struct http *http, struct aws_session **ret_session, struct err *err)
{
    struct aws_session *session = calloc(1, sizeof *session);
    if (!session)
        return ERR(err, LF_MEMORY, "out of memory for credentials");
    session->http = http;
    arena_init(&session->arena, ARENA_BYTES_MAX);
    (void)pthread_mutex_init(&session->lock, NULL);
    enum lf_code code = init_session(session, err);
    if (code == LF_OK)
        *ret_session = session;
    else
        aws_session_free(session);
    return code;
}

void aws_session_free(struct aws_session *session)
{
    if (!session)
        return;
    aws_credentials_unref(session->current);
    (void)pthread_mutex_destroy(&session->lock);
    arena_done(&session->arena);
    free(session);
}

struct span aws_session_region(const struct aws_session *session)
{
    return session->region;
}

struct span aws_session_endpoint(const struct aws_session *session, const char *service_upper_case)
{
    char variable[64];
    (void)snprintf(variable, sizeof variable, "AWS_ENDPOINT_URL_%s", service_upper_case);
    struct span endpoint = environment(variable);
    if (!endpoint.len)
        endpoint = environment("AWS_ENDPOINT_URL");
    if (!endpoint.len)
        endpoint = profile_setting(&session->files, session->profile, SPAN("endpoint_url"));
    while (span_ends_with(endpoint, SPAN("/")))
        endpoint.len--;
    return endpoint;
}

/* Sources ------------------------------------------------------------------------------------------------------------------ */

static enum lf_code environment_credentials(const struct aws_credentials **ret_credentials, struct err *err)
{
    const struct aws_credentials fields = { .access_key_id = environment("AWS_ACCESS_KEY_ID"),
                                            .secret_key = secret_of(environment("AWS_SECRET_ACCESS_KEY")),
                                            .session_token = secret_of(environment("AWS_SESSION_TOKEN")),
                                            .expires_unix_s = INT64_MAX };
    if (!fields.secret_key.hidden.len)
        return ERR(err, LF_CREDENTIALS, "AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not");
    return aws_credentials_new(&fields, ret_credentials, err);
}

/* STS of the region, or of the first region where none is known. */
static enum lf_code sts_of(const struct aws_session *session, struct arena *arena, struct sts_role *role, struct err *err)
{
    struct span endpoint = aws_session_endpoint(session, "STS"), region = session->region;
    role->region = region.len ? region : SPAN("us-east-1");
    if (endpoint.len)
        return arena_copy(arena, endpoint, &role->endpoint, err);
    return arena_printf(arena, &role->endpoint, err, "https://sts.%.*s.amazonaws.com%s", SPAN_ARG(role->region),
                        span_starts_with(region, SPAN("cn-")) ? ".cn" : "");
}

static enum lf_code web_identity_credentials(const struct aws_session *session, struct arena *arena,
                                             const struct aws_credentials **ret_credentials, struct err *err)
{
    struct sts_role role = { .arn = environment("AWS_ROLE_ARN"),
                             .session_name = environment("AWS_ROLE_SESSION_NAME"),
                             .web_identity_token_file = environment("AWS_WEB_IDENTITY_TOKEN_FILE") };
    if (!role.arn.len)
        return ERR(err, LF_CREDENTIALS, "AWS_WEB_IDENTITY_TOKEN_FILE is set and AWS_ROLE_ARN is not");
    TRY(sts_of(session, arena, &role, err));
    return sts_assume_role(session->http, &role, ret_credentials, err);
}

static struct span setting(const struct aws_session *session, struct span profile, const char *name)
{
    return profile_setting(&session->files, profile, span_from_cstr(name));
}

static bool profile_has_keys(const struct aws_session *session, struct span profile)
{
    return setting(session, profile, "aws_access_key_id").len > 0;
}

static enum lf_code profile_keys(const struct aws_session *session, struct span profile,
                                 const struct aws_credentials **ret_credentials, struct err *err)
{
    const struct aws_credentials fields = { .access_key_id = setting(session, profile, "aws_access_key_id"),
                                            .secret_key = secret_of(setting(session, profile, "aws_secret_access_key")),
                                            .session_token = secret_of(setting(session, profile, "aws_session_token")),
                                            .expires_unix_s = INT64_MAX };
    if (!fields.secret_key.hidden.len)
        return ERR(err, LF_CREDENTIALS, "profile %.*s has aws_access_key_id and no aws_secret_access_key", SPAN_ARG(profile));
    return aws_credentials_new(&fields, ret_credentials, err);
}

static enum lf_code credential_source(const struct aws_session *session, struct span source,
                                      const struct aws_credentials **ret_credentials, struct err *err)
{
    if (span_equal(source, SPAN("Environment")))
        return environment_credentials(ret_credentials, err);
    if (span_equal(source, SPAN("EcsContainer")))
        return container_credentials(session->http, ret_credentials, err);
    if (span_equal(source, SPAN("Ec2InstanceMetadata")))
        return instance_credentials(session->http, ret_credentials, err);
    return ERR(err, LF_CREDENTIALS, "credential_source %.*s is none of Environment, EcsContainer, Ec2InstanceMetadata",
               SPAN_ARG(source));
}

static enum lf_code profile_credentials(const struct aws_session *session, struct span profile, unsigned depth,
                                        struct arena *arena, const struct aws_credentials **ret_credentials, struct err *err);

/* Who asks for a profile's role. A profile that names itself means its own keys. */
static enum lf_code role_caller(const struct aws_session *session, struct span profile, unsigned depth, struct arena *arena,
                                const struct aws_credentials **ret_credentials, struct err *err)
{
    struct span other = setting(session, profile, "source_profile"), source = setting(session, profile, "credential_source");
    if (source.len)
        return credential_source(session, source, ret_credentials, err);
    if (!other.len)
        return ERR(err, LF_CREDENTIALS, "profile %.*s has role_arn, but neither source_profile nor credential_source",
                   SPAN_ARG(profile));
    if (span_equal(other, profile))
        return profile_keys(session, profile, ret_credentials, err);
    return profile_credentials(session, other, depth + 1, arena, ret_credentials, err);
}

static enum lf_code profile_role(const struct aws_session *session, struct span profile, unsigned depth, struct arena *arena,
                                 const struct aws_credentials **ret_credentials, struct err *err)
{
    struct sts_role role = { .arn = setting(session, profile, "role_arn"),
                             .session_name = setting(session, profile, "role_session_name"),
                             .external_id = setting(session, profile, "external_id"),
                             .duration_seconds = setting(session, profile, "duration_seconds") };
    struct span token_file = setting(session, profile, "web_identity_token_file");
    if (setting(session, profile, "mfa_serial").len)
        return ERR(err, LF_CREDENTIALS,
                   "profile %.*s asks for a code of a device (mfa_serial); make keys with it first: "
                   "aws configure export-credentials --format env",
                   SPAN_ARG(profile));
    TRY(sts_of(session, arena, &role, err));
    if (token_file.len)
        TRY(arena_copy(arena, token_file, &role.web_identity_token_file, err));
    else
        TRY(role_caller(session, profile, depth, arena, &role.caller, err));
    enum lf_code code = sts_assume_role(session->http, &role, ret_credentials, err);
    aws_credentials_unref(role.caller);
    return code;
}

static bool profile_is_of_others(const struct aws_session *session, struct span profile)
{
    return setting(session, profile, "sso_session").len || setting(session, profile, "sso_start_url").len ||
           setting(session, profile, "credential_process").len;
}

static enum lf_code profile_credentials(const struct aws_session *session, struct span profile, unsigned depth,
                                        struct arena *arena, const struct aws_credentials **ret_credentials, struct err *err)
{
    if (depth >= PROFILES_MAX)
        return ERR(err, LF_CREDENTIALS, "more than %d profiles name each other as source_profile", PROFILES_MAX);
    if (setting(session, profile, "role_arn").len)
        return profile_role(session, profile, depth, arena, ret_credentials, err);
    if (profile_has_keys(session, profile))
        return profile_keys(session, profile, ret_credentials, err);
    if (profile_is_of_others(session, profile))
        return ERR(err, LF_CREDENTIALS,
                   "profile %.*s gets its keys by IAM Identity Center or a program; hand them over by: "
                   "eval \"$(aws configure export-credentials --profile %.*s --format env)\"",
                   SPAN_ARG(profile), SPAN_ARG(profile));
    return ERR(err, LF_CREDENTIALS, "profile %.*s has no keys and no role", SPAN_ARG(profile));
}

/* The chain ---------------------------------------------------------------------------------------------------------------- */

/* A default profile that only says a region stands in nobody's way. */
static bool profile_is_set_up(const struct aws_session *session)
{
    return environment("AWS_PROFILE").len || setting(session, session->profile, "role_arn").len ||
           profile_has_keys(session, session->profile) || profile_is_of_others(session, session->profile);
}

static enum lf_code last_resort(const struct aws_session *session, const struct aws_credentials **ret_credentials,
                                struct err *err)
{
    static const char nothing[] =
        "no AWS credentials: AWS_ACCESS_KEY_ID is not set, there is no profile default with keys or a role "
        "in ~/.aws, and neither a web identity nor a container gives any";
    struct err reason = ERR_INIT;
    if (instance_credentials_disabled())
        return ERR(err, LF_CREDENTIALS, "%s", nothing);
    if (instance_credentials(session->http, ret_credentials, &reason) == LF_OK)
        return LF_OK;
    return ERR(err, LF_CREDENTIALS, "%s; nor an instance (%s)", nothing, reason.message);
}

static enum lf_code find_credentials(const struct aws_session *session, struct arena *arena,
                                     const struct aws_credentials **ret_credentials, struct err *err)
{
    if (environment("AWS_ACCESS_KEY_ID").len)
        return environment_credentials(ret_credentials, err);
    if (environment("AWS_WEB_IDENTITY_TOKEN_FILE").len)
        return web_identity_credentials(session, arena, ret_credentials, err);
    if (profile_is_set_up(session))
        return profile_credentials(session, session->profile, 0, arena, ret_credentials, err);
    if (container_credentials_configured())
        return container_credentials(session->http, ret_credentials, err);
    return last_resort(session, ret_credentials, err);
}

static enum lf_code renew(struct aws_session *session, int64_t now, struct err *err)
{
    struct arena arena;
    const struct aws_credentials *found = NULL;
    arena_init(&arena, ARENA_BYTES_MAX);
    enum lf_code code = find_credentials(session, &arena, &found, err);
    arena_done(&arena);
    if (code != LF_OK)
        return session->current && session->current->expires_unix_s > now ? LF_OK : code;
    aws_credentials_unref(session->current);
    session->current = found;
    return LF_OK;
}

enum lf_code aws_session_credentials(struct aws_session *session, const struct aws_credentials **ret_credentials, struct err *err)
{
    enum lf_code code = LF_OK;
    int64_t now = time(NULL);
    (void)pthread_mutex_lock(&session->lock);
    if (!session->current || session->current->expires_unix_s - RENEW_SECONDS_BEFORE <= now)
        code = renew(session, now, err);
    if (code == LF_OK)
        *ret_credentials = aws_credentials_ref(session->current);
    (void)pthread_mutex_unlock(&session->lock);
    return code;
}
