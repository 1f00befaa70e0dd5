#include "aws/s3.h"
#include "http_server.h"

/* A bucket with one object of random bytes, served by rules that each test sets. */
enum { OBJECT_BYTES = 100 * 1000, ARENA_BYTES_MAX = 16 * 1024 * 1024, PAGES = 3 };

static struct {
    char bytes[OBJECT_BYTES];
    unsigned cut_every;  /* bytes after which the connection is cut; 0: never */
    unsigned refusals;   /* requests that are refused first */
    const char *refusal; /* status */
    const char *headers; /* of the refusal */
    const char *body;    /* of the refusal */
    bool ignores_ranges;
    char region[32]; /* in which the last request was signed */
} bucket;

static struct arena arena;
static struct http_server *server;
static struct s3 *s3;

static bool holds(struct span request, const char *text)
{
    struct span needle = span_from_cstr(text);
    return span_find(request, needle) < request.len;
}

/* Page n of PAGES has two objects; the token of the next is its number, with characters that must be escaped. */
static void put_page(struct span request, struct buf *answer)
{
    unsigned page = holds(request, "continuation-token=%2B%2F1") ? 1 : holds(request, "continuation-token=%2B%2F2") ? 2 : 0;
    char body[1024], more[128] = "<IsTruncated>false</IsTruncated>";
    if (page + 1 < PAGES)
        (void)snprintf(more, sizeof more, "<IsTruncated>true</IsTruncated><NextContinuationToken>+/%u</NextContinuationToken>",
                       page + 1);
    (void)snprintf(
        body, sizeof body,
        "<?xml version=\"1.0\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Prefix>a b/</Prefix>%s"
        "<Contents><Key>a b/%u&amp;x</Key><Size>%u</Size><ETag>&quot;e%u&quot;</ETag><Owner><ID>i</ID></Owner></Contents>"
        "<Contents><Key>a b/%u\xC3\xA9</Key><Size>0</Size></Contents></ListBucketResult>",
        more, page, page * 10, page, page);
    http_server_put(answer, "200 OK", "", span_from_cstr(body));
}

static void put_range(struct span request, struct buf *answer)
{
    struct span range = span_from(request, span_find(request, SPAN("Range: bytes=")) + sizeof "Range: bytes=" - 1);
    char *end;
    unsigned long first = strtoul(range.ptr, &end, 10), last = strtoul(end + 1, NULL, 10);
    unsigned long cut = last + 1 - first;
    if (bucket.cut_every && cut > bucket.cut_every)
        cut = bucket.cut_every;
    if (!holds(request, "If-Match: \"the one\"\r\n"))
        http_server_put(answer, "412 Precondition Failed", "", SPAN(""));
    else if (bucket.ignores_ranges)
        http_server_put(answer, "200 OK", "", span_of(bucket.bytes, OBJECT_BYTES));
    else {
        buf_printf(answer, "HTTP/1.1 206 Partial Content\r\nContent-Length: %lu\r\nContent-Range: bytes %lu-%lu/%d\r\n\r\n",
                   last + 1 - first, first, last, OBJECT_BYTES);
        buf_put(answer, bucket.bytes + first, cut);
    }
}

static void serve(void *context, unsigned number, struct span request, struct buf *answer)
{
    (void)context;
    struct span scope = span_from(request, span_find(request, SPAN("Credential=AKIA/")) + sizeof "Credential=AKIA/20130524/" - 1);
    (void)snprintf(bucket.region, sizeof bucket.region, "%.*s", (int)span_find_byte(scope, '/'), scope.ptr);
    if (number < bucket.refusals && strcmp(bucket.refusal, "cut") == 0)
        buf_put_cstr(answer, "HTTP/1.1 200 OK\r\nContent-Le");
    else if (number < bucket.refusals)
        http_server_put(answer, bucket.refusal, bucket.headers, span_from_cstr(bucket.body));
    else if (holds(request, "list-type=2"))
        put_page(request, answer);
    else
        put_range(request, answer);
}

static int set_up(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    memset(&bucket, 0, sizeof bucket);
    bucket.headers = bucket.body = "";
    random_bytes(bucket.bytes, sizeof bucket.bytes);
    arena_init(&arena, ARENA_BYTES_MAX);
    server = http_server_start(serve, NULL);
    (void)setenv("AWS_ENDPOINT_URL_S3", http_server_url(server), 1);
    (void)setenv("AWS_ACCESS_KEY_ID", "AKIA", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    (void)setenv("AWS_REGION", "eu-west-1", 1);
    (void)setenv("HOME", "/nonexistent", 1);
    (void)setenv("no_proxy", "127.0.0.1", 1);
    assert_ok(err, s3_new(SPAN("my-bucket"), &s3, &err));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    s3_free(s3);
    http_server_stop(server);
    arena_done(&arena);
    return 0;
}

static enum lf_code list(struct s3_listing *listing, struct err *err)
{
    return s3_list(s3, SPAN("a b/"), false, &arena, listing, err);
}

static void pages_are_put_together(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct s3_listing listing;
    assert_ok(err, list(&listing, &err));
    assert_int_equal(listing.object_count, 2 * PAGES);
    assert_span(listing.objects[0].key, SPAN("a b/0&x"));
    assert_span(listing.objects[4].etag, SPAN("\"e2\""));
    assert_int_equal(listing.objects[4].size_bytes, 20);
    assert_span(listing.objects[5].key, SPAN("a b/2\xC3\xA9"));
    assert_span(listing.objects[5].etag, SPAN(""));
    assert_int_equal(http_server_requests(server), PAGES);
}

static void refuse(unsigned refusals, const char *status, const char *headers, const char *body)
{
    bucket.refusals = refusals;
    bucket.refusal = status;
    bucket.headers = headers;
    bucket.body = body;
}

static void what_may_pass_is_tried_again(void **state)
{
    static const char *const kinds[][2] = {
        { "500 Internal Server Error", "" },
        { "503 Slow Down", "<Error><Code>SlowDown</Code></Error>" },
        { "429 Too Many Requests", "" },
        { "400 Bad Request", "<Error><Code>RequestTimeout</Code></Error>" },
        { "cut", "" },
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct err err = ERR_INIT;
        struct s3_listing listing;
        if (i) {
            (void)tear_down(state);
            (void)set_up(state);
        }
        refuse(2, kinds[i][0], "", kinds[i][1]);
        assert_ok(err, list(&listing, &err));
        assert_int_equal(http_server_requests(server), 2 + PAGES);
    }
}

static void refusals_are_told(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct s3_listing listing;
    refuse(1, "404 Not Found", "", "<Error><Code>NoSuchBucket</Code><Message>The bucket does not exist</Message></Error>");
    assert_code(err, LF_NOT_FOUND, list(&listing, &err));
    assert_string_equal(err.message, "s3://my-bucket/a b/: status 404, NoSuchBucket: The bucket does not exist");
    refuse(2, "403 Forbidden", "", "<html>");
    assert_code(err, LF_AWS, list(&listing, &err));
    assert_string_equal(err.message, "s3://my-bucket/a b/: status 403");
    refuse(3, "200 OK", "", "<ListBucketResult><Contents>");
    assert_code(err, LF_SYNTAX, list(&listing, &err));
    refuse(4, "200 OK", "", "<!DOCTYPE a [<!ENTITY b 'c'>]><ListBucketResult/>");
    assert_code(err, LF_SYNTAX, list(&listing, &err));
    refuse(5, "200 OK", "", "<ListBucketResult><Contents><Size>-1</Size></Contents></ListBucketResult>");
    assert_code(err, LF_AWS, list(&listing, &err));
    refuse(6, "200 OK", "", "<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>");
    assert_code(err, LF_AWS, list(&listing, &err));
    assert_int_equal(http_server_requests(server), 6);
}

static void a_bucket_in_another_region_is_found(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct s3_listing listing;
    refuse(1, "301 Moved Permanently", "x-amz-bucket-region: ap-south-1\r\n", "");
    assert_ok(err, list(&listing, &err));
    assert_string_equal(bucket.region, "ap-south-1");
    assert_int_equal(http_server_requests(server), 1 + PAGES);
}

static void a_region_told_in_the_text_only(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct s3_listing listing;
    refuse(1, "400 Bad Request", "", "<Error><Code>AuthorizationHeaderMalformed</Code><Region>ap-south-2</Region></Error>");
    assert_ok(err, list(&listing, &err));
    assert_string_equal(bucket.region, "ap-south-2");
}

static const struct s3_object object = { { "x", 1 }, { "\"the one\"", 9 }, OBJECT_BYTES };

static void check_range(int64_t offset, size_t len)
{
    struct err err = ERR_INIT;
    struct buf out;
    buf_init(&out, OBJECT_BYTES);
    assert_ok(err, s3_get_range(s3, &object, offset, len, &out, &err));
    assert_int_equal(out.len, len);
    assert_true(len == 0 || memcmp(out.data, bucket.bytes + offset, len) == 0);
    buf_done(&out);
}

static void ranges(void **state)
{
    (void)state;
    check_range(0, OBJECT_BYTES);
    check_range(0, 1);
    check_range(OBJECT_BYTES - 1, 1);
    check_range(OBJECT_BYTES, 0);
    for (int round = 0; round < 20; round++) {
        unsigned offset = random_below(OBJECT_BYTES);
        check_range(offset, random_below(OBJECT_BYTES - offset + 1));
    }
}

/* More cuts than there are attempts: each that gets some bytes further is a new beginning. */
static void a_cut_object_is_gone_on_with(void **state)
{
    (void)state;
    bucket.cut_every = OBJECT_BYTES / 10;
    check_range(0, OBJECT_BYTES);
    assert_int_equal(http_server_requests(server), 10);
    bucket.cut_every = 777;
    check_range(12345, 7777);
}

static void code_of_range(enum lf_code expected, struct s3_object wanted, int64_t offset, size_t len)
{
    struct err err = ERR_INIT;
    struct buf out;
    buf_init(&out, OBJECT_BYTES);
    assert_code(err, expected, s3_get_range(s3, &wanted, offset, len, &out, &err));
    buf_done(&out);
}

static void an_object_that_changed_is_refused(void **state)
{
    (void)state;
    struct s3_object other = object;
    other.etag = SPAN("\"another\"");
    code_of_range(LF_SOURCE, other, 0, 10);
}

static void a_server_that_ignores_ranges(void **state)
{
    (void)state;
    bucket.ignores_ranges = true;
    check_range(0, OBJECT_BYTES);
    code_of_range(LF_AWS, object, 1, 10);
    code_of_range(LF_AWS, object, 0, 10);
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pages_are_put_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_may_pass_is_tried_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refusals_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bucket_in_another_region_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_region_told_in_the_text_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ranges, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_cut_object_is_gone_on_with, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_object_that_changed_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_server_that_ignores_ranges, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
