#include "../base/unit.h"

#include "codec/sigv4.h"

enum { ARENA_BYTES_MAX = 16 * 1024 * 1024, HEADERS_MAX = 8 };

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define UNRESERVED "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* AWS's published examples. */
struct example {
    const char *name, *method, *path, *query;
    const char *headers[HEADERS_MAX][2];
    const char *body;
    const char *signed_headers, *signature;
};

/* The "Signature Version 4 test suite"; every request has host and x-amz-date too. */
static const struct example suite[] = {
    { "get-vanilla",
      "GET",
      "/",
      "",
      { { 0 } },
      "",
      "host;x-amz-date",
      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
    { "get-vanilla with an empty path",
      "GET",
      "",
      "",
      { { 0 } },
      "",
      "host;x-amz-date",
      "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
    { "get-vanilla-empty-query-key",
      "GET",
      "/",
      "Param1=value1",
      { { 0 } },
      "",
      "host;x-amz-date",
      "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb" },
    { "get-vanilla-query-order-key-case",
      "GET",
      "/",
      "Param2=value2&Param1=value1",
      { { 0 } },
      "",
      "host;x-amz-date",
      "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
    { "get-vanilla-query-order-value",
      "GET",
      "/",
      "Param1=value2&Param1=value1",
      { { 0 } },
      "",
      "host;x-amz-date",
      "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694" },
    { "get-vanilla-query-unreserved",
      "GET",
      "/",
      UNRESERVED "=" UNRESERVED,
      { { 0 } },
      "",
      "host;x-amz-date",
      "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197" },
    { "get-vanilla-utf8-query",
      "GET",
      "/",
      "\xE1\x88\xB4=bar",
      { { 0 } },
      "",
      "host;x-amz-date",
      "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04" },
    { "get-vanilla-utf8-query, encoded",
      "GET",
      "/",
      "%e1%88%B4=bar",
      { { 0 } },
      "",
      "host;x-amz-date",
      "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04" },
    { "get-unreserved",
      "GET",
      "/" UNRESERVED,
      "",
      { { 0 } },
      "",
      "host;x-amz-date",
      "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f" },
    { "get-utf8",
      "GET",
      "/\xE1\x88\xB4",
      "",
      { { 0 } },
      "",
      "host;x-amz-date",
      "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85" },
    { "get-header-key-duplicate",
      "GET",
      "/",
      "",
      { { "My-Header1", "value2" }, { "My-Header1", "value2" }, { "My-Header1", "value1" } },
      "",
      "host;my-header1;x-amz-date",
      "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea" },
    { "get-header-value-trim",
      "GET",
      "/",
      "",
      { { "My-Header2", "\t\"a   b   c\" " }, { "My-Header1", " value1" } },
      "",
      "host;my-header1;my-header2;x-amz-date",
      "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736" },
    { "post-vanilla",
      "POST",
      "/",
      "",
      { { 0 } },
      "",
      "host;x-amz-date",
      "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
    { "post-x-www-form-urlencoded",
      "POST",
      "/",
      "",
      { { "Content-Type", "application/x-www-form-urlencoded" } },
      "Param1=value1",
      "content-type;host;x-amz-date",
      "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a" },
};

/* Amazon S3's, in the same order as in its manual; every request has host, x-amz-content-sha256 and x-amz-date. */
static const struct example s3_examples[] = {
    { "GET Object",
      "GET",
      "/test.txt",
      "",
      { { "Range", "bytes=0-9" } },
      "",
      "host;range;x-amz-content-sha256;x-amz-date",
      "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
    { "PUT Object",
      "PUT",
      "/test%24file.text",
      "",
      { { "Date", "Fri, 24 May 2013 00:00:00 GMT" }, { "x-amz-storage-class", "REDUCED_REDUNDANCY" } },
      "Welcome to Amazon S3.",
      "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
    { "PUT Object, not encoded",
      "PUT",
      "/test$file.text",
      "",
      { { "Date", "Fri, 24 May 2013 00:00:00 GMT" }, { "x-amz-storage-class", "REDUCED_REDUNDANCY" } },
      "Welcome to Amazon S3.",
      "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
      "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
    { "GET Bucket Lifecycle",
      "GET",
      "/",
      "lifecycle",
      { { 0 } },
      "",
      "host;x-amz-content-sha256;x-amz-date",
      "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
    { "List Objects",
      "GET",
      "/",
      "max-keys=2&prefix=J",
      { { 0 } },
      "",
      "host;x-amz-content-sha256;x-amz-date",
      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
};

static const struct sigv4_scope suite_scope = { { "20150830T123600Z", 16 }, { "us-east-1", 9 }, { "service", 7 } };
static const struct sigv4_scope s3_scope = { { "20130524T000000Z", 16 }, { "us-east-1", 9 }, { "s3", 2 } };

static struct arena arena;

static int init_arena(void **state)
{
    (void)state;
    arena_init(&arena, ARENA_BYTES_MAX);
    return 0;
}

static int done_arena(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

static size_t headers_of(const struct example *example, const struct sigv4_header *common, size_t common_count,
                         struct sigv4_header *headers)
{
    size_t count = 0;
    for (; count < HEADERS_MAX && example->headers[count][0]; count++)
        headers[count] =
            (struct sigv4_header){ span_from_cstr(example->headers[count][0]), span_from_cstr(example->headers[count][1]) };
    memcpy(headers + count, common, common_count * sizeof *common);
    return count + common_count;
}

static void check_example(const struct example *example, const struct sigv4_request *request, const struct sigv4_scope *scope,
                          struct span secret)
{
    struct err err = ERR_INIT;
    struct sigv4_signature signature;
    assert_ok(err, sigv4_sign(request, scope, secret_of(secret), &arena, &signature, &err));
    if (!span_equal(signature.text, span_from_cstr(example->signature)))
        fail_msg("%s: %.*s, not %s, of\n%.*s", example->name, SPAN_ARG(signature.text), example->signature,
                 SPAN_ARG(signature.canonical_request));
    assert_span(signature.signed_headers, span_from_cstr(example->signed_headers));
}

static struct sigv4_request request_of(const struct example *example, struct span payload_hash)
{
    return (struct sigv4_request){ .method = span_from_cstr(example->method),
                                   .path = span_from_cstr(example->path),
                                   .query = span_from_cstr(example->query),
                                   .payload_hash = payload_hash };
}

static struct span hash_of(const char *body)
{
    struct err err = ERR_INIT;
    struct span hash;
    assert_ok(err, sigv4_payload_hash(span_from_cstr(body), &arena, &hash, &err));
    return hash;
}

static void the_test_suite(void **state)
{
    (void)state;
    const struct sigv4_header common[] = { { SPAN("X-Amz-Date"), suite_scope.time },
                                           { SPAN("Host"), SPAN("example.amazonaws.com") } };
    for (size_t i = 0; i < sizeof suite / sizeof *suite; i++) {
        struct sigv4_header headers[HEADERS_MAX + 2];
        struct sigv4_request request = request_of(&suite[i], hash_of(suite[i].body));
        request.headers = headers;
        request.header_count = headers_of(&suite[i], common, 2, headers);
        check_example(&suite[i], &request, &suite_scope, SPAN("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"));
    }
}

static void examples_of_s3(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof s3_examples / sizeof *s3_examples; i++) {
        struct span hash = hash_of(s3_examples[i].body);
        const struct sigv4_header common[] = { { SPAN("host"), SPAN("examplebucket.s3.amazonaws.com") },
                                               { SPAN("x-amz-content-sha256"), hash },
                                               { SPAN("x-amz-date"), s3_scope.time } };
        struct sigv4_header headers[HEADERS_MAX + 3];
        struct sigv4_request request = request_of(&s3_examples[i], hash);
        request.headers = headers;
        request.header_count = headers_of(&s3_examples[i], common, 3, headers);
        request.is_s3 = true;
        check_example(&s3_examples[i], &request, &s3_scope, SPAN("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"));
    }
}

static void the_authorization_header(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct span value;
    const struct sigv4_signature signature = { .text = SPAN("abc"), .signed_headers = SPAN("host;x-amz-date") };
    assert_ok(err, sigv4_authorization(&signature, &s3_scope, SPAN("AKIAIOSFODNN7EXAMPLE"), &arena, &value, &err));
    assert_span(value, SPAN("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
                            "SignedHeaders=host;x-amz-date, Signature=abc"));
}

/* S3 takes a path as it names the object; other services encode it once more. */
static void paths_of_s3_and_others(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct sigv4_request request = { .method = SPAN("GET"), .path = SPAN("/a%20b/%C3%A9/..//c+"), .payload_hash = SPAN("x") };
    struct sigv4_signature signature;
    assert_ok(err, sigv4_sign(&request, &s3_scope, secret_of(SPAN("k")), &arena, &signature, &err));
    assert_span(signature.canonical_request, SPAN("GET\n/a%2520b/%25C3%25A9/..//c%2B\n\n\n\n\nx"));
    request.is_s3 = true;
    assert_ok(err, sigv4_sign(&request, &s3_scope, secret_of(SPAN("k")), &arena, &signature, &err));
    assert_span(signature.canonical_request, SPAN("GET\n/a%20b/%C3%A9/..//c%2B\n\n\n\n\nx"));
}

static void odd_queries(void **state)
{
    (void)state;
    static const char *const queries[][2] = {
        { "&&", "" },
        { "a", "a=" },
        { "a=b=c", "a=b%3Dc" },
        { "b&a&a=", "a=&a=&b=" },
        { "%zz=%4", "%25zz=%254" },
        { "a=x/y", "a=x%2Fy" },
        { "%41=%61", "A=a" },
        { "aa=1&a-=2&a=3", "a=3&a-=2&aa=1" },
    };
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        struct err err = ERR_INIT;
        struct sigv4_request request = { .query = span_from_cstr(queries[i][0]), .payload_hash = SPAN("x") };
        struct sigv4_signature signature;
        struct span expected;
        assert_ok(err, arena_printf(&arena, &expected, &err, "\n/\n%s\n\n\n\nx", queries[i][1]));
        assert_ok(err, sigv4_sign(&request, &s3_scope, secret_of(SPAN("k")), &arena, &signature, &err));
        assert_span(signature.canonical_request, expected);
    }
}

static void times_that_are_none(void **state)
{
    (void)state;
    static const char *const times[] = {
        "", "20130524", "20130524T00000Z", "20130524T0000000Z", "20130524 000000Z", "20130524T000000+", "2013-524T000000Z"
    };
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        struct err err = ERR_INIT;
        struct sigv4_request request = { .payload_hash = SPAN("x") };
        struct sigv4_scope scope = { .time = span_from_cstr(times[i]) };
        struct sigv4_signature signature;
        assert_code(err, LF_USAGE, sigv4_sign(&request, &scope, secret_of(SPAN("k")), &arena, &signature, &err));
    }
}

/* One request with every part, each of which can be changed by number. */
enum { PARTS = 13 };
static struct span sign_with_change(unsigned changed)
{
    struct err err = ERR_INIT;
    static const char *const parts[PARTS] = { "GET",
                                              "/a/b",
                                              "x=1&y=2",
                                              "host",
                                              "h.example",
                                              "x-amz-security-token",
                                              "token",
                                              "UNSIGNED-PAYLOAD",
                                              "20150830T123600Z",
                                              "us-east-1",
                                              "s3",
                                              "secret",
                                              "v" };
    static const char *const others[PARTS] = {
        "PUT",       "/a/c", "x=1&y=3", "hosts", "i.example", "x-amz-security-tokens", "Token", EMPTY_HASH, "20150830T123601Z",
        "us-east-2", "sts",  "Secret",  "w"
    };
    struct span p[PARTS];
    for (unsigned i = 0; i < PARTS; i++)
        p[i] = span_from_cstr(i == changed ? others[i] : parts[i]);
    const struct sigv4_header headers[] = { { p[3], p[4] }, { p[5], p[6] }, { SPAN("x-amz-meta-a"), p[12] } };
    struct sigv4_request request = {
        .method = p[0], .path = p[1], .query = p[2], .headers = headers, .header_count = 3, .payload_hash = p[7], .is_s3 = true
    };
    struct sigv4_scope scope = { p[8], p[9], p[10] };
    struct sigv4_signature signature;
    assert_ok(err, sigv4_sign(&request, &scope, secret_of(p[11]), &arena, &signature, &err));
    return signature.text;
}

static void every_part_changes_the_signature(void **state)
{
    (void)state;
    struct span signatures[PARTS + 1];
    for (unsigned i = 0; i <= PARTS; i++)
        signatures[i] = sign_with_change(i);
    assert_span(sign_with_change(PARTS), signatures[PARTS]);
    for (unsigned i = 0; i <= PARTS; i++)
        for (unsigned j = 0; j < i; j++)
            if (span_equal(signatures[i], signatures[j]))
                fail_msg("parts %u and %u make no difference", i, j);
}

static struct span sign_random(struct span method, struct span path, struct span query, struct span value, bool is_s3)
{
    struct err err = ERR_INIT;
    const struct sigv4_header header = { SPAN("host"), value };
    struct sigv4_request request = { .method = method,
                                     .path = path,
                                     .query = query,
                                     .headers = &header,
                                     .header_count = 1,
                                     .payload_hash = SPAN(EMPTY_HASH),
                                     .is_s3 = is_s3 };
    struct sigv4_signature signature;
    assert_ok(err, sigv4_sign(&request, &s3_scope, secret_of(SPAN("k")), &arena, &signature, &err));
    return signature.text;
}

/* A byte changed to one that means something else changes the signature. */
static void random_bytes_matter(void **state)
{
    (void)state;
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    for (unsigned round = 0; round < 500; round++) {
        char text[4][16];
        struct span parts[4];
        for (unsigned part = 0; part < 4; part++) {
            parts[part] = span_of(text[part], sizeof text[part]);
            for (size_t i = 0; i < sizeof text[part]; i++)
                text[part][i] = letters[random_below(26)];
        }
        bool is_s3 = random_below(2);
        struct span before = sign_random(parts[0], parts[1], parts[2], parts[3], is_s3);
        char *byte = &text[random_below(4)][random_below(16)];
        *byte = *byte == 'z' ? 'a' : (char)(*byte + 1);
        assert_false(span_equal(before, sign_random(parts[0], parts[1], parts[2], parts[3], is_s3)));
    }
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_test_suite, init_arena, done_arena),
        cmocka_unit_test_setup_teardown(examples_of_s3, init_arena, done_arena),
        cmocka_unit_test_setup_teardown(the_authorization_header, init_arena, done_arena),
        cmocka_unit_test_setup_teardown(paths_of_s3_and_others, init_arena, done_arena),
        cmocka_unit_test_setup_teardown(odd_queries, init_arena, done_arena),
        cmocka_unit_test_setup_teardown(times_that_are_none, init_arena, done_arena),
        cmocka_unit_test_setup_teardown(every_part_changes_the_signature, init_arena, done_arena),
        cmocka_unit_test_setup_teardown(random_bytes_matter, init_arena, done_arena),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
