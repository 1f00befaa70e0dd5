#include "aws/remote_credentials.h"

#include <stdlib.h>

#include "aws/request.h"
#include "aws/xml.h"
#include "base/file_text.h"
#include "codec/json.h"
#include "codec/sigv4.h"
#include "codec/timestamp.h"

enum { ARENA_BYTES_MAX = 4 * 1024 * 1024, TOKEN_BYTES_MAX = 64 * 1024 };

static const struct http_policy sts_policy = {
    .attempts_max = 4, .delay_ms_min = 100, .delay_ms_max = 3000, .connect_ms_max = 5000, .stall_ms_max = 20000
};
/* Where there is no metadata service nothing answers at all: do not wait long. */
static const struct http_policy local_policy = {
    .attempts_max = 3, .delay_ms_min = 50, .delay_ms_max = 500, .connect_ms_max = 1000, .stall_ms_max = 5000
};

/* Credentials -------------------------------------------------------------------------------------------------------------- */

/* One allocation, with its bytes behind it. */
struct shared_credentials {
    struct aws_credentials fields; /* first, so that a pointer to one is a pointer to the other */
    _Atomic unsigned references;
    size_t len;
    char bytes[];
};

static struct span put(struct shared_credentials *shared, struct span bytes)
{
    char *at = shared->bytes + shared->len;
    if (bytes.len)
        memcpy(at, bytes.ptr, bytes.len);
    shared->len += bytes.len;
    return span_of(at, bytes.len);
}

enum lf_code aws_credentials_new(const struct aws_credentials *fields, const struct aws_credentials **ret_credentials,
                                 struct err *err)
{
    struct span key = secret_reveal(fields->secret_key), token = secret_reveal(fields->session_token);
    struct shared_credentials *shared = calloc(1, sizeof *shared + fields->access_key_id.len + key.len + token.len);
    if (!shared)
        return ERR(err, LF_MEMORY, "out of memory for credentials");
    shared->references = 1;
    shared->fields.access_key_id = put(shared, fields->access_key_id);
    shared->fields.secret_key = secret_of(put(shared, key));
    shared->fields.session_token = secret_of(put(shared, token));
    shared->fields.expires_unix_s = fields->expires_unix_s;
    *ret_credentials = &shared->fields;
    return LF_OK;
}

const struct aws_credentials *aws_credentials_ref(const struct aws_credentials *credentials)
{
    struct shared_credentials *shared = (struct shared_credentials *)(uintptr_t)credentials;
    shared->references++;
    return credentials;
}

void aws_credentials_unref(const struct aws_credentials *credentials)
{
    struct shared_credentials *shared = (struct shared_credentials *)(uintptr_t)credentials;
    if (!shared || --shared->references)
        return;
    secret_wipe(shared->bytes, shared->len);
    free(shared);
}

/* What a service answered, before it is known to be whole. */
struct answer_fields {
    struct arena *arena;
    struct span access_key_id, secret_key, token, expiration, message;
};

static enum lf_code set_field(struct answer_fields *fields, struct span name, struct span text, struct err *err)
{
    const struct {
        struct span name;
        struct span *field;
    } known[] = {
        { SPAN("AccessKeyId"), &fields->access_key_id },
        { SPAN("SecretAccessKey"), &fields->secret_key },
        { SPAN("Token"), &fields->token },
        { SPAN("SessionToken"), &fields->token },
        { SPAN("Expiration"), &fields->expiration },
        { SPAN("Message"), &fields->message },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (span_equal(known[i].name, name))
            return arena_copy(fields->arena, text, known[i].field, err);
    return LF_OK;
}

/* "2024-01-02T03:04:05Z", with or without fractions. */
static enum lf_code read_expiration(struct span text, int64_t *ret_unix_s, struct err *err)
{
    int64_t us;
    enum timestamp_format format = timestamp_detect(text);
    if (format == TIMESTAMP_FORMATS || !timestamp_parse(text, format, &us))
        return ERR(err, LF_CREDENTIALS, "Expiration is not a time: \"%.*s\"", SPAN_ARG(text));
    *ret_unix_s = us / 1000000 + TIMESTAMP_EPOCH_UNIX_SECONDS;
    return LF_OK;
}

static enum lf_code finish(const struct answer_fields *fields, const struct aws_credentials **ret_credentials, struct err *err)
{
    struct aws_credentials credentials = { .access_key_id = fields->access_key_id,
                                           .secret_key = secret_of(fields->secret_key),
                                           .session_token = secret_of(fields->token),
                                           .expires_unix_s = INT64_MAX };
    if (!fields->access_key_id.len || !fields->secret_key.len)
        return ERR(err, LF_CREDENTIALS, "the answer holds no keys%s%.*s", fields->message.len ? ": " : "",
                   SPAN_ARG(fields->message));
    if (fields->expiration.len)
        TRY(read_expiration(fields->expiration, &credentials.expires_unix_s, err));
    return aws_credentials_new(&credentials, ret_credentials, err);
}

/* STS ---------------------------------------------------------------------------------------------------------------------- */

static void put_parameter(struct buf *body, const char *name, struct span value)
{
    if (!value.len)
        return;
    buf_printf(body, "%s%s=", body->len ? "&" : "", name);
    sigv4_put_encoded(body, value, false);
}

static enum lf_code put_token(struct buf *body, struct span path, struct arena *arena, struct err *err)
{
    struct span token;
    TRY(file_text_read(path, TOKEN_BYTES_MAX, arena, &token, err));
    while (token.len && strchr(" \r\n", token.ptr[token.len - 1]))
        token.len--;
    put_parameter(body, "WebIdentityToken", token);
    return LF_OK;
}

static enum lf_code put_role(struct buf *body, const struct sts_role *role, struct arena *arena, struct err *err)
{
    bool has_token = role->web_identity_token_file.len > 0;
    put_parameter(body, "Action", has_token ? SPAN("AssumeRoleWithWebIdentity") : SPAN("AssumeRole"));
    put_parameter(body, "Version", SPAN("2011-06-15"));
    put_parameter(body, "RoleArn", role->arn);
    put_parameter(body, "RoleSessionName", role->session_name.len ? role->session_name : SPAN("landfall"));
    put_parameter(body, "DurationSeconds", role->duration_seconds);
    put_parameter(body, "ExternalId", role->external_id);
    if (has_token)
        TRY(put_token(body, role->web_identity_token_file, arena, err));
    return buf_check(body, err);
}

static enum lf_code sts_element(void *context, struct span path, struct span text, struct err *err)
{
    struct answer_fields *fields = context;
    size_t at = span_find(path, SPAN("/Credentials/"));
    return at < path.len ? set_field(fields, span_from(path, at + sizeof "/Credentials/" - 1), text, err) : LF_OK;
}

static enum lf_code sts_attempt(struct http *http, const struct sts_role *role, struct span body, struct http_answer *answer,
                                struct err *err)
{
    const struct http_header form = { SPAN("Content-Type"), SPAN("application/x-www-form-urlencoded") };
    const struct aws_request request = {
        .method = "POST",
        .endpoint = role->endpoint,
        .path = SPAN("/"),
        .headers = &form,
        .header_count = 1,
        .body = body,
        .service = "sts",
        .region = role->region,
        .credentials = role->caller,
        .policy = &sts_policy,
    };
    TRY(aws_request_send(http, &request, answer, err));
    return answer->status == 200 ? LF_OK : aws_request_error(answer, role->endpoint, err);
}

static enum lf_code sts_ask(struct http *http, const struct sts_role *role, struct buf *body, struct http_answer *answer,
                            struct answer_fields *fields, struct err *err)
{
    struct http_attempts attempts;
    enum lf_code code;
    TRY(put_role(body, role, fields->arena, err));
    http_attempts_init(&attempts, &sts_policy);
    do
        code = sts_attempt(http, role, buf_span(body), answer, err);
    while (code != LF_OK && http_again(&attempts, err));
    TRY(code);
    return xml_read(buf_span(&answer->body), sts_element, fields, err);
}

enum lf_code sts_assume_role(struct http *http, const struct sts_role *role, const struct aws_credentials **ret_credentials,
                             struct err *err)
{
    struct arena arena;
    struct http_answer answer;
    struct buf body;
    arena_init(&arena, ARENA_BYTES_MAX);
    http_answer_init(&answer);
    buf_init(&body, ARENA_BYTES_MAX);
    struct answer_fields fields = { .arena = &arena };
    enum lf_code code = sts_ask(http, role, &body, &answer, &fields, err);
    if (code == LF_OK)
        code = finish(&fields, ret_credentials, err);
    secret_wipe(body.data, body.len);
    buf_done(&body);
    http_answer_done(&answer);
    arena_done(&arena);
    return code == LF_OK ? LF_OK : err_while(err, "assuming the role %.*s", SPAN_ARG(role->arn));
}

/* Container and instance --------------------------------------------------------------------------------------------------- */

static enum lf_code read_json(struct span text, struct answer_fields *fields, struct err *err)
{
    struct json_reader json;
    struct json_token name, value;
    json_init(&json, text, fields->arena);
    TRY(json_expect(&json, JSON_OBJECT_BEGIN, &name, err));
    for (;;) {
        TRY(json_next(&json, &name, err));
        if (name.kind == JSON_OBJECT_END)
            return json_end(&json, err);
        TRY(json_next(&json, &value, err));
        if (value.kind == JSON_STRING)
            TRY(set_field(fields, name.text, value.text, err));
        TRY(json_skip(&json, &value, err));
    }
}

static enum lf_code local_attempt(struct http *http, const struct http_request *request, struct http_answer *answer,
                                  struct err *err)
{
    TRY(http_send(http, request, answer, err));
    if (answer->status == 200)
        return LF_OK;
    return ERR(err, http_status_is_transient(answer->status) ? LF_NETWORK : LF_CREDENTIALS, "%s: status %u", request->url.ptr,
               answer->status);
}

static enum lf_code ask_local(struct http *http, const char *method, struct span url, const struct http_header *header,
                              struct http_answer *answer, struct err *err)
{
    const struct http_request request = {
        .method = method,
        .url = url,
        .headers = header,
        .header_count = header->value.len ? 1 : 0,
        .connect_ms_max = local_policy.connect_ms_max,
        .stall_ms_max = local_policy.stall_ms_max,
        .is_link_local = true,
    };
    struct http_attempts attempts;
    enum lf_code code;
    http_attempts_init(&attempts, &local_policy);
    do
        code = local_attempt(http, &request, answer, err);
    while (code != LF_OK && http_again(&attempts, err));
    return code;
}

static struct span environment(const char *name)
{
    return span_from_cstr(getenv(name));
}

bool container_credentials_configured(void)
{
    return environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").len || environment("AWS_CONTAINER_CREDENTIALS_FULL_URI").len;
}

/* The token must not go out in the clear to just any host: only to this one, and to the agents of ECS and EKS. */
static bool may_be_asked(struct span url)
{
    static const char *const hosts[] = { "http://localhost",     "http://127.0.0.1",      "http://[::1]",
                                         "http://169.254.170.2", "http://169.254.170.23", "http://[fd00:ec2::23]" };
    if (span_starts_with(url, SPAN("https://")))
        return true;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        struct span host = span_from_cstr(hosts[i]);
        if (span_starts_with(url, host) && (url.len == host.len || strchr(":/?", url.ptr[host.len])))
            return true;
    }
    return false;
}

static enum lf_code container_url(struct arena *arena, struct span *ret_url, struct err *err)
{
    struct span relative = environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    struct span full = environment("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    if (relative.len)
        return arena_printf(arena, ret_url, err, "http://169.254.170.2%.*s", SPAN_ARG(relative));
    if (!may_be_asked(full))
        return ERR(err, LF_CREDENTIALS, "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor an address of this host");
    return arena_copy(arena, full, ret_url, err);
}

static enum lf_code container_token(struct arena *arena, struct span *ret_token, struct err *err)
{
    struct span path = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    *ret_token = environment("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    if (!path.len)
        return LF_OK;
    TRY(file_text_read(path, TOKEN_BYTES_MAX, arena, ret_token, err));
    while (ret_token->len && strchr(" \r\n", ret_token->ptr[ret_token->len - 1]))
        ret_token->len--;
    return LF_OK;
}

static enum lf_code ask_container(struct http *http, struct http_answer *answer, struct answer_fields *fields, struct err *err)
{
    struct span url;
    struct http_header authorization = { .name = SPAN("Authorization") };
    TRY(container_url(fields->arena, &url, err));
    TRY(container_token(fields->arena, &authorization.value, err));
    TRY(ask_local(http, "GET", url, &authorization, answer, err));
    return read_json(buf_span(&answer->body), fields, err);
}

bool instance_credentials_disabled(void)
{
    return span_equal(environment("AWS_EC2_METADATA_DISABLED"), SPAN("true"));
}

static enum lf_code instance_url(const char *path, struct span last, struct arena *arena, struct span *ret_url, struct err *err)
{
    struct span endpoint = environment("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    if (!endpoint.len)
        endpoint = SPAN("http://169.254.169.254");
    while (span_ends_with(endpoint, SPAN("/")))
        endpoint.len--;
    return arena_printf(arena, ret_url, err, "%.*s%s%.*s", SPAN_ARG(endpoint), path, SPAN_ARG(last));
}

/* PUT for a token, GET for the role's name, GET for its keys. */
static enum lf_code ask_instance(struct http *http, struct http_answer *answer, struct answer_fields *fields, struct err *err)
{
    static const char roles[] = "/latest/meta-data/iam/security-credentials/";
    struct span url, role;
    struct http_header ttl = { SPAN("X-aws-ec2-metadata-token-ttl-seconds"), SPAN("21600") };
    struct http_header token = { .name = SPAN("X-aws-ec2-metadata-token") };
    TRY(instance_url("/latest/api/token", SPAN(""), fields->arena, &url, err));
    TRY(ask_local(http, "PUT", url, &ttl, answer, err));
    TRY(arena_copy(fields->arena, buf_span(&answer->body), &token.value, err));
    TRY(instance_url(roles, SPAN(""), fields->arena, &url, err));
    TRY(ask_local(http, "GET", url, &token, answer, err));
    role = span_of(answer->body.data, span_find_byte(buf_span(&answer->body), '\n'));
    if (!role.len)
        return ERR(err, LF_CREDENTIALS, "%s: the instance has no role", url.ptr);
    TRY(instance_url(roles, role, fields->arena, &url, err));
    TRY(ask_local(http, "GET", url, &token, answer, err));
    return read_json(buf_span(&answer->body), fields, err);
}

typedef enum lf_code ask_service(struct http *http, struct http_answer *answer, struct answer_fields *fields, struct err *err);

static enum lf_code credentials_of(ask_service *ask, struct http *http, const struct aws_credentials **ret_credentials,
                                   struct err *err)
{
    struct arena arena;
    struct http_answer answer;
    arena_init(&arena, ARENA_BYTES_MAX);
    http_answer_init(&answer);
    struct answer_fields fields = { .arena = &arena };
    enum lf_code code = ask(http, &answer, &fields, err);
    if (code == LF_OK)
        code = finish(&fields, ret_credentials, err);
    http_answer_done(&answer);
    arena_done(&arena);
    return code;
}

enum lf_code container_credentials(struct http *http, const struct aws_credentials **ret_credentials, struct err *err)
{
    if (credentials_of(ask_container, http, ret_credentials, err) == LF_OK)
        return LF_OK;
    return err_while(err, "asking the container for credentials");
}

enum lf_code instance_credentials(struct http *http, const struct aws_credentials **ret_credentials, struct err *err)
{
    if (credentials_of(ask_instance, http, ret_credentials, err) == LF_OK)
        return LF_OK;
    return err_while(err, "asking the instance's metadata service for credentials");
}
