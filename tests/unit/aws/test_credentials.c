#include <unistd.h>

#include "aws/credentials.h"
#include "http_server.h"

/* What each test sets up is gone after it: the environment is made new for every one. */
static char folder[64];
static struct http *http;
static struct http_server *server;

static void write_file(const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void set_path(const char *variable, const char *name)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(setenv(variable, path, 1), 0);
}

static const char json_keys[] =
    "{\"Code\":\"Success\",\"AccessKeyId\":\"ASIAJSON\",\"SecretAccessKey\":\"secret\",\"Token\":\"token\","
    "\"Expiration\":\"2099-01-02T03:04:05Z\",\"Other\":{\"a\":[1]}}";

static bool holds(struct span request, const char *text)
{
    struct span needle = span_from_cstr(text);
    return span_find(request, needle) < request.len;
}

static void put_sts(struct buf *answer, const char *action, const char *expiration)
{
    char body[1024];
    (void)snprintf(
        body, sizeof body,
        "<%sResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><%sResult><Credentials><AccessKeyId>ASIASTS"
        "</AccessKeyId><SecretAccessKey>secret&amp;sts</SecretAccessKey><SessionToken>token</SessionToken><Expiration>%s"
        "</Expiration></Credentials></%sResult></%sResponse>",
        action, action, expiration, action, action);
    http_server_put(answer, "200 OK", "", span_from_cstr(body));
}

/* STS, the container's agent and the metadata service in one; what is asked for without the right token gets 401. */
static void services(void *context, unsigned number, struct span request, struct buf *answer)
{
    (void)context, (void)number;
    if (holds(request, "Action=AssumeRoleWithWebIdentity&") && holds(request, "WebIdentityToken=jwt.token") &&
        !holds(request, "Authorization:"))
        put_sts(answer, "AssumeRoleWithWebIdentity", "2099-01-02T03:04:05Z");
    else if (holds(request, "Action=AssumeRole&") && holds(request, "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Freader") &&
             holds(request, "Credential=AKIAPROFILE/") && holds(request, "ExternalId=x%2F1"))
        put_sts(answer, "AssumeRole", "2099-01-02T03:04:05Z");
    else if (holds(request, "Action=AssumeRole&") && holds(request, "forbidden"))
        http_server_put(
            answer, "403 Forbidden", "",
            SPAN("<ErrorResponse><Error><Code>AccessDenied</Code><Message>not for you</Message></Error></ErrorResponse>"));
    else if (holds(request, "GET /container ") && holds(request, "Authorization: agent-token\r\n"))
        http_server_put(answer, "200 OK", "", span_from_cstr(json_keys));
    else if (holds(request, "PUT /latest/api/token ") && holds(request, "X-aws-ec2-metadata-token-ttl-seconds: 21600"))
        http_server_put(answer, "200 OK", "", SPAN("imds-token"));
    else if (holds(request, "GET /latest/meta-data/iam/security-credentials/ ") && holds(request, "token: imds-token\r\n"))
        http_server_put(answer, "200 OK", "", SPAN("my-role"));
    else if (holds(request, "GET /latest/meta-data/iam/security-credentials/my-role ") && holds(request, "token: imds-token\r\n"))
        http_server_put(answer, "200 OK", "", span_from_cstr(json_keys));
    else
        http_server_put(answer, "401 Unauthorized", "", SPAN(""));
}

static void set_up(http_server_answer *answer, void *context)
{
    static const char *const variables[] = {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_CONFIG_FILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_ROLE_ARN",
        "AWS_ROLE_SESSION_NAME",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL_STS",
    };
    struct err err = ERR_INIT;
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        assert_int_equal(unsetenv(variables[i]), 0);
    (void)snprintf(folder, sizeof folder, "/tmp/landfall-aws-XXXXXX");
    assert_non_null(mkdtemp(folder));
    server = http_server_start(answer, context);
    assert_int_equal(setenv("HOME", folder, 1), 0);
    assert_int_equal(setenv("AWS_ENDPOINT_URL_STS", http_server_url(server), 1), 0);
    assert_int_equal(setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", http_server_url(server), 1), 0);
    assert_int_equal(setenv("AWS_EC2_METADATA_DISABLED", "true", 1), 0);
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:9", 1), 0); /* link-local services are not asked through it */
    assert_int_equal(setenv("no_proxy", "127.0.0.1", 1), 0);
    assert_ok(err, http_new(&http, &err));
}

static int set_up_services(void **state)
{
    (void)state;
    set_up(services, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    http_free(http);
    http_server_stop(server);
    static const char *const files[] = { "credentials", "config", "token" };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

static void expect(const char *id, const char *key, const char *token, int64_t expires)
{
    struct err err = ERR_INIT;
    struct aws_session *session = NULL;
    const struct aws_credentials *found = NULL;
    assert_ok(err, aws_session_new(http, &session, &err));
    assert_ok(err, aws_session_credentials(session, &found, &err));
    assert_span(found->access_key_id, span_from_cstr(id));
    assert_span(secret_reveal(found->secret_key), span_from_cstr(key));
    assert_span(secret_reveal(found->session_token), span_from_cstr(token));
    assert_int_equal(found->expires_unix_s, expires);
    aws_session_free(session);
    assert_span(found->access_key_id, span_from_cstr(id)); /* our reference outlives the session */
    aws_credentials_unref(found);
}

static void expect_error(const char *text)
{
    struct err err = ERR_INIT;
    struct aws_session *session = NULL;
    const struct aws_credentials *found = NULL;
    enum lf_code code = aws_session_new(http, &session, &err);
    if (code == LF_OK)
        code = aws_session_credentials(session, &found, &err);
    aws_session_free(session);
    assert_int_not_equal(code, LF_OK);
    if (!strstr(err.message, text))
        fail_msg("\"%s\" lacks \"%s\"", err.message, text);
    assert_null(strstr(err.message, "hidden"));
}

static const int64_t expires_2099 = 4071006245; /* 2099-01-02T03:04:05Z */

static void from_the_environment(void **state)
{
    (void)state;
    (void)setenv("AWS_ACCESS_KEY_ID", "AKIAENV", 1);
    expect_error("AWS_SECRET_ACCESS_KEY");
    (void)setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    expect("AKIAENV", "secret", "", INT64_MAX);
    (void)setenv("AWS_SESSION_TOKEN", "token", 1);
    expect("AKIAENV", "secret", "token", INT64_MAX);
}

static void from_web_identity(void **state)
{
    (void)state;
    write_file("token", "jwt.token\n");
    set_path("AWS_WEB_IDENTITY_TOKEN_FILE", "token");
    expect_error("AWS_ROLE_ARN");
    (void)setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/reader", 1);
    expect("ASIASTS", "secret&sts", "token", expires_2099);
    write_file("token", "hidden.other\n");
    expect_error("assuming the role arn:aws:iam::1:role/reader");
}

static const char config[] =
    "# comment\n"
    "[default]\nregion = eu-west-1\n"
    "[profile reader]\nrole_arn = arn:aws:iam::1:role/reader\nsource_profile = keys\nexternal_id=x/1 # why\n"
    "region=eu-central-1\ns3 =\n  region = nested\n"
    "[profile forbidden]\nrole_arn = forbidden\nsource_profile = keys\n"
    "[profile circle]\nrole_arn = a\nsource_profile = circle2\n"
    "[profile circle2]\nrole_arn = a\nsource_profile = circle\n"
    "[profile alone]\nrole_arn = a\n"
    "[profile mfa]\nrole_arn = a\nsource_profile = keys\nmfa_serial = x\n"
    "[profile sso]\nsso_session = x\n"
    "[sso-session x]\naws_access_key_id = AKIANOPROFILE\n"
    "[profile imds]\nrole_arn = arn:aws:iam::1:role/reader\ncredential_source = Nowhere\n"
    "[profile empty]\n";

static void from_profiles(void **state)
{
    (void)state;
    write_file("config", config);
    write_file("credentials",
               "[keys]\naws_access_key_id=AKIAPROFILE\naws_secret_access_key = hidden+/= \n[half]\naws_access_key_id=A\n");
    set_path("AWS_CONFIG_FILE", "config");
    set_path("AWS_SHARED_CREDENTIALS_FILE", "credentials");
    expect_error("no AWS credentials");
    (void)setenv("AWS_PROFILE", "keys", 1);
    expect("AKIAPROFILE", "hidden+/=", "", INT64_MAX);
    (void)setenv("AWS_PROFILE", "reader", 1);
    expect("ASIASTS", "secret&sts", "token", expires_2099);
    static const char *const wrong[][2] = {
        { "missing", "missing" },
        { "forbidden", "AccessDenied: not for you" },
        { "circle", "name each other" },
        { "alone", "source_profile" },
        { "mfa", "mfa_serial" },
        { "sso", "export-credentials" },
        { "imds", "credential_source" },
        { "empty", "no keys and no role" },
        { "half", "aws_secret_access_key" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        (void)setenv("AWS_PROFILE", wrong[i][0], 1);
        expect_error(wrong[i][1]);
    }
    set_path("AWS_CONFIG_FILE", "nothing");
    expect_error("AWS_CONFIG_FILE");
}

static void from_the_container(void **state)
{
    (void)state;
    char url[128];
    (void)snprintf(url, sizeof url, "%s/container", http_server_url(server));
    (void)setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
    (void)unsetenv("no_proxy");
    expect_error("status 401");
    (void)setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "agent-token", 1);
    expect("ASIAJSON", "secret", "token", expires_2099);
    write_file("token", "agent-token\n");
    (void)setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "hidden", 1);
    expect_error("status 401");
    set_path("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "token");
    expect("ASIAJSON", "secret", "token", expires_2099);
    static const char *const foreign[] = { "http://example.com/", "http://127.0.0.1.example.com/", "http://localhosts/",
                                           "ftp://localhost/" };
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        (void)setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", foreign[i], 1);
        expect_error("neither https nor an address of this host");
    }
}

static void from_the_instance(void **state)
{
    (void)state;
    expect_error("no AWS credentials");
    assert_int_equal(http_server_requests(server), 0);
    (void)setenv("AWS_EC2_METADATA_DISABLED", "false", 1);
    (void)unsetenv("no_proxy");
    expect("ASIAJSON", "secret", "token", expires_2099);
}

static void the_first_in_order_counts(void **state)
{
    (void)state;
    char url[128];
    (void)snprintf(url, sizeof url, "%s/container", http_server_url(server));
    (void)setenv("AWS_EC2_METADATA_DISABLED", "false", 1);
    (void)setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
    (void)setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "agent-token", 1);
    write_file("credentials", "[default]\naws_access_key_id=AKIADEFAULT\naws_secret_access_key=s\n");
    set_path("AWS_SHARED_CREDENTIALS_FILE", "credentials");
    write_file("token", "jwt.token");
    set_path("AWS_WEB_IDENTITY_TOKEN_FILE", "token");
    (void)setenv("AWS_ROLE_ARN", "a", 1);
    (void)setenv("AWS_ACCESS_KEY_ID", "AKIAENV", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
    expect("AKIAENV", "s", "", INT64_MAX);
    (void)unsetenv("AWS_ACCESS_KEY_ID");
    expect("ASIASTS", "secret&sts", "token", expires_2099);
    (void)unsetenv("AWS_WEB_IDENTITY_TOKEN_FILE");
    expect("AKIADEFAULT", "s", "", INT64_MAX);
    write_file("credentials", "[default]\nregion=x\n");
    expect("ASIAJSON", "secret", "token", expires_2099);
    assert_int_equal(http_server_requests(server), 2);
}

static void region_and_endpoint(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *region;
    } steps[] = { { "AWS_PROFILE", "reader", "eu-central-1" },
                  { "AWS_DEFAULT_REGION", "us-west-1", "us-west-1" },
                  { "AWS_REGION", "us-west-2", "us-west-2" } };
    struct err err = ERR_INIT;
    write_file("config", config);
    set_path("AWS_CONFIG_FILE", "config");
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct aws_session *session = NULL;
        (void)setenv(steps[i].name, steps[i].value, 1);
        assert_ok(err, aws_session_new(http, &session, &err));
        assert_span(aws_session_region(session), span_from_cstr(steps[i].region));
        assert_span(aws_session_endpoint(session, "S3"), SPAN(""));
        (void)setenv("AWS_ENDPOINT_URL", "http://a/", 1);
        assert_span(aws_session_endpoint(session, "S3"), SPAN("http://a"));
        (void)setenv("AWS_ENDPOINT_URL_S3", "http://b", 1);
        assert_span(aws_session_endpoint(session, "S3"), SPAN("http://b"));
        (void)unsetenv("AWS_ENDPOINT_URL");
        (void)unsetenv("AWS_ENDPOINT_URL_S3");
        aws_session_free(session);
    }
}

/* The first answer is good for a minute more; all that follow fail. */
static void soon_expired(void *context, unsigned number, struct span request, struct buf *answer)
{
    (void)context, (void)request;
    char text[32];
    time_t soon = time(NULL) + (number == 0 ? 60 : -60);
    (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", gmtime(&soon));
    if (number % 2)
        http_server_put(answer, "403 Forbidden", "", SPAN(""));
    else
        put_sts(answer, "AssumeRoleWithWebIdentity", text);
}

static void valid_ones_are_used_while_renewal_fails(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct aws_session *session = NULL;
    const struct aws_credentials *found = NULL;
    set_up(soon_expired, NULL);
    write_file("token", "jwt");
    set_path("AWS_WEB_IDENTITY_TOKEN_FILE", "token");
    (void)setenv("AWS_ROLE_ARN", "a", 1);
    assert_ok(err, aws_session_new(http, &session, &err));
    for (unsigned asked = 1; asked <= 3; asked++) {
        assert_ok(err, aws_session_credentials(session, &found, &err));
        aws_credentials_unref(found);
        assert_int_equal(http_server_requests(server), asked);
    }
    /* the third answer was of one that has expired already: there is nothing valid left to fall back to */
    assert_code(err, LF_AWS, aws_session_credentials(session, &found, &err));
    aws_session_free(session);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(from_the_environment, set_up_services, tear_down),
        cmocka_unit_test_setup_teardown(from_web_identity, set_up_services, tear_down),
        cmocka_unit_test_setup_teardown(from_profiles, set_up_services, tear_down),
        cmocka_unit_test_setup_teardown(from_the_container, set_up_services, tear_down),
        cmocka_unit_test_setup_teardown(from_the_instance, set_up_services, tear_down),
        cmocka_unit_test_setup_teardown(the_first_in_order_counts, set_up_services, tear_down),
        cmocka_unit_test_setup_teardown(region_and_endpoint, set_up_services, tear_down),
        cmocka_unit_test_teardown(valid_ones_are_used_while_renewal_fails, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
