#include "aws/s3.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "aws/request.h"
#include "aws/xml.h"
#include "codec/sigv4.h"

enum { REGION_BYTES_MAX = 64, URL_BYTES_MAX = 64 * 1024, CALL_BYTES_MAX = 1024 * 1024 };

static const struct http_policy s3_policy = {
    .attempts_max = 6, .delay_ms_min = 50, .delay_ms_max = 10000, .connect_ms_max = 10000, .stall_ms_max = 30000
};

struct s3 {
    struct http *http;           /* owned */
    struct aws_session *session; /* owned */
    struct arena arena;
    struct span bucket, endpoint; /* endpoint: of the environment, or "" */
    pthread_mutex_t lock;         /* guards `region` */
    char region[REGION_BYTES_MAX];
};

static void set_region(struct s3 *s3, struct span region)
{
    (void)pthread_mutex_lock(&s3->lock);
    memcpy(s3->region, region.ptr, region.len);
    s3->region[region.len] = '\0';
    (void)pthread_mutex_unlock(&s3->lock);
}

static enum lf_code init_s3(struct s3 *s3, struct span bucket, struct err *err)
{
    TRY(http_new(&s3->http, err));
    TRY(aws_session_new(s3->http, &s3->session, err));
    TRY(arena_copy(&s3->arena, bucket, &s3->bucket, err));
    TRY(arena_copy(&s3->arena, aws_session_endpoint(s3->session, "S3"), &s3->endpoint, err));
    struct span region = aws_session_region(s3->session);
    if (region.len >= REGION_BYTES_MAX)
        return ERR(err, LF_USAGE, "%.*s is no region of AWS", SPAN_ARG(region));
    set_region(s3, region.len ? region : SPAN("us-east-1"));
    return LF_OK;
}

enum lf_code s3_new(struct span bucket, struct s3 **ret_s3, struct err *err)
{
    struct s3 *s3 = calloc(1, sizeof *s3);
    if (!s3)
        return ERR(err, LF_MEMORY, "out of memory for a bucket");
    arena_init(&s3->arena, CALL_BYTES_MAX);
    (void)pthread_mutex_init(&s3->lock, NULL);
    enum lf_code code = init_s3(s3, bucket, err);
    if (code == LF_OK)
        *ret_s3 = s3;
    else
        s3_free(s3);
    return code;
}

void s3_free(struct s3 *s3)
{
    if (!s3)
        return;
    aws_session_free(s3->session);
    http_free(s3->http);
    (void)pthread_mutex_destroy(&s3->lock);
    arena_done(&s3->arena);
    free(s3);
}

/* One call ----------------------------------------------------------------------------------------------------------------- */

/* A request before it has a place and a signature. */
struct call {
    struct span key, query; /* key "": the bucket itself */
    const struct http_header *headers;
    size_t header_count;
    http_sink *sink;
    void *context;
    struct span what; /* "s3://bucket/key", for messages */
};

static enum lf_code region_of(struct s3 *s3, struct arena *arena, struct span *ret_region, struct err *err)
{
    (void)pthread_mutex_lock(&s3->lock);
    enum lf_code code = arena_copy(arena, span_from_cstr(s3->region), ret_region, err);
    (void)pthread_mutex_unlock(&s3->lock);
    return code;
}

/* The bucket is part of the host's name, unless dots in it would spoil the certificate, or the endpoint is another. */
static enum lf_code place(const struct s3 *s3, struct span region, struct span key, struct arena *arena,
                          struct span *ret_endpoint, struct span *ret_path, struct err *err)
{
    const char *china = span_starts_with(region, SPAN("cn-")) ? ".cn" : "";
    bool in_host = !s3->endpoint.len && span_find_byte(s3->bucket, '.') == s3->bucket.len;
    if (s3->endpoint.len)
        *ret_endpoint = s3->endpoint;
    else if (in_host)
        TRY(arena_printf(arena, ret_endpoint, err, "https://%.*s.s3.%.*s.amazonaws.com%s", SPAN_ARG(s3->bucket), SPAN_ARG(region),
                         china));
    else
        TRY(arena_printf(arena, ret_endpoint, err, "https://s3.%.*s.amazonaws.com%s", SPAN_ARG(region), china));
    struct buf path;
    buf_init(&path, URL_BYTES_MAX);
    buf_put_byte(&path, '/');
    if (!in_host)
        buf_put_span(&path, s3->bucket);
    if (!in_host && key.len)
        buf_put_byte(&path, '/');
    sigv4_put_encoded(&path, key, true);
    enum lf_code code = buf_check(&path, err);
    if (code == LF_OK)
        code = arena_copy(arena, buf_span(&path), ret_path, err);
    buf_done(&path);
    return code;
}

static enum lf_code send_call(struct s3 *s3, const struct call *call, struct span region,
                              const struct aws_credentials *credentials, struct arena *arena, struct http_answer *answer,
                              struct err *err)
{
    struct aws_request request = {
        .method = "GET",
        .query = call->query,
        .headers = call->headers,
        .header_count = call->header_count,
        .service = "s3",
        .region = region,
        .credentials = credentials,
        .policy = &s3_policy,
        .sink = call->sink,
        .context = call->context,
    };
    TRY(place(s3, region, call->key, arena, &request.endpoint, &request.path, err));
    return aws_request_send(s3->http, &request, answer, err);
}

struct told_region {
    struct arena *arena;
    struct span region;
};

static enum lf_code region_element(void *context, struct span path, struct span text, struct err *err)
{
    struct told_region *told = context;
    return span_equal(path, SPAN("Error/Region")) ? arena_copy(told->arena, text, &told->region, err) : LF_OK;
}

/* S3 says in which region a bucket is when it was looked for in another: in a header, or only in the text. */
static bool is_elsewhere(const struct http_answer *answer, struct span region, struct arena *arena, struct span *ret_region)
{
    struct err ignored = ERR_INIT; /* then nothing was told */
    struct told_region told = { .arena = arena, .region = http_answer_header(answer, SPAN("x-amz-bucket-region")) };
    if (answer->status != 301 && answer->status != 400)
        return false;
    if (!told.region.len)
        (void)!xml_read(buf_span(&answer->body), region_element, &told, &ignored);
    if (!told.region.len || told.region.len >= REGION_BYTES_MAX || span_equal(told.region, region))
        return false;
    return arena_copy(arena, told.region, ret_region, &ignored) == LF_OK;
}

static enum lf_code send_where_it_is(struct s3 *s3, const struct call *call, const struct aws_credentials *credentials,
                                     struct arena *arena, struct http_answer *answer, struct err *err)
{
    struct span region;
    TRY(region_of(s3, arena, &region, err));
    TRY(send_call(s3, call, region, credentials, arena, answer, err));
    if (!is_elsewhere(answer, region, arena, &region))
        return LF_OK;
    set_region(s3, region);
    return send_call(s3, call, region, credentials, arena, answer, err);
}

/* One attempt: LF_OK with a status of 2xx. */
static enum lf_code try_call(struct s3 *s3, const struct call *call, struct http_answer *answer, struct err *err)
{
    struct arena arena;
    const struct aws_credentials *credentials = NULL;
    TRY(aws_session_credentials(s3->session, &credentials, err));
    arena_init(&arena, CALL_BYTES_MAX);
    enum lf_code code = send_where_it_is(s3, call, credentials, &arena, answer, err);
    aws_credentials_unref(credentials);
    arena_done(&arena);
    TRY(code);
    return answer->status / 100 == 2 ? LF_OK : aws_request_error(answer, call->what, err);
}

/* Listing ------------------------------------------------------------------------------------------------------------------ */

struct listed {
    struct listed *next;
    struct s3_object object;
};

struct listing {
    struct arena *arena;
    struct listed *last; /* of a ring: last->next is the first */
    size_t count;
    struct s3_object object; /* the one that is being read */
    struct span token;       /* of the next page; empty: none */
    bool is_truncated;
};

static enum lf_code add_object(struct listing *listing, struct err *err)
{
    struct listed *listed = arena_alloc(listing->arena, sizeof *listed, err);
    if (!listed)
        return err->code;
    listed->object = listing->object;
    listed->next = listing->last ? listing->last->next : listed;
    if (listing->last)
        listing->last->next = listed;
    listing->last = listed;
    listing->count++;
    listing->object = (struct s3_object){ 0 };
    return LF_OK;
}

static enum lf_code read_size(struct span text, int64_t *ret_size, struct err *err)
{
    int64_t size = 0;
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || __builtin_mul_overflow(size, 10, &size) ||
            __builtin_add_overflow(size, text.ptr[i] - '0', &size))
            return ERR(err, LF_AWS, "the listing holds the size \"%.*s\"", SPAN_ARG(text));
    *ret_size = size;
    return LF_OK;
}

static enum lf_code listing_element(void *context, struct span path, struct span text, struct err *err)
{
    struct listing *listing = context;
    if (span_equal(path, SPAN("ListBucketResult/Contents/Key")))
        return arena_copy(listing->arena, text, &listing->object.key, err);
    if (span_equal(path, SPAN("ListBucketResult/Contents/ETag")))
        return arena_copy(listing->arena, text, &listing->object.etag, err);
    if (span_equal(path, SPAN("ListBucketResult/Contents/Size")))
        return read_size(text, &listing->object.size_bytes, err);
    if (span_equal(path, SPAN("ListBucketResult/Contents")))
        return add_object(listing, err);
    if (span_equal(path, SPAN("ListBucketResult/NextContinuationToken")))
        return arena_copy(listing->arena, text, &listing->token, err);
    if (span_equal(path, SPAN("ListBucketResult/IsTruncated")))
        listing->is_truncated = span_equal(text, SPAN("true"));
    return LF_OK;
}

static enum lf_code page_query(struct span prefix, bool is_flat, struct span token, struct arena *arena, struct span *ret_query,
                               struct err *err)
{
    struct buf query;
    buf_init(&query, URL_BYTES_MAX);
    if (token.len) {
        buf_put_cstr(&query, "continuation-token=");
        sigv4_put_encoded(&query, token, false);
        buf_put_byte(&query, '&');
    }
    buf_put_cstr(&query, is_flat ? "delimiter=%2F&list-type=2&prefix=" : "list-type=2&prefix=");
    sigv4_put_encoded(&query, prefix, false);
    enum lf_code code = buf_check(&query, err);
    if (code == LF_OK)
        code = arena_copy(arena, buf_span(&query), ret_query, err);
    buf_done(&query);
    return code;
}

static enum lf_code read_page(struct s3 *s3, const struct call *call, struct listing *listing, struct http_answer *answer,
                              struct err *err)
{
    struct http_attempts attempts;
    enum lf_code code;
    http_attempts_init(&attempts, &s3_policy);
    do
        code = try_call(s3, call, answer, err);
    while (code != LF_OK && http_again(&attempts, err));
    TRY(code);
    listing->token = SPAN("");
    listing->is_truncated = false;
    TRY(xml_read(buf_span(&answer->body), listing_element, listing, err));
    if (listing->is_truncated && !listing->token.len)
        return ERR(err, LF_AWS, "%.*s: a listing that goes on, but not where", SPAN_ARG(call->what));
    return LF_OK;
}

static enum lf_code read_pages(struct s3 *s3, struct span prefix, bool is_flat, struct listing *listing, struct err *err)
{
    struct http_answer answer;
    struct call call = { 0 };
    enum lf_code code = arena_printf(listing->arena, &call.what, err, "s3://%.*s/%.*s", SPAN_ARG(s3->bucket), SPAN_ARG(prefix));
    http_answer_init(&answer);
    do {
        if (code == LF_OK)
            code = page_query(prefix, is_flat, listing->token, listing->arena, &call.query, err);
        if (code == LF_OK)
            code = read_page(s3, &call, listing, &answer, err);
    } while (code == LF_OK && listing->is_truncated);
    http_answer_done(&answer);
    return code;
}

enum lf_code s3_list(struct s3 *s3, struct span prefix, bool is_flat, struct arena *arena, struct s3_listing *ret_listing,
                     struct err *err)
{
    struct listing listing = { .arena = arena };
    TRY(read_pages(s3, prefix, is_flat, &listing, err));
    struct s3_object *objects = arena_calloc(arena, listing.count, sizeof *objects, err);
    if (!objects)
        return err->code;
    const struct listed *listed = listing.last ? listing.last->next : NULL;
    for (size_t i = 0; i < listing.count; i++, listed = listed->next)
        objects[i] = listed->object;
    *ret_listing = (struct s3_listing){ objects, listing.count };
    return LF_OK;
}

/* Objects ------------------------------------------------------------------------------------------------------------------ */

/* A range under way: `out` grows with what has come, whatever happens to the connection. */
struct ranged {
    const struct s3_object *object;
    int64_t next; /* offset of the byte that comes next */
    int64_t end;
    struct buf *out;
    bool is_checked; /* that this answer begins at `next` */
};

/* "bytes 100-199/1000" must begin at the byte that was asked for; a server that ignores ranges sends the object from the start.
 */
static enum lf_code check_range(const struct ranged *ranged, const struct http_answer *answer, struct err *err)
{
    char expected[64];
    (void)snprintf(expected, sizeof expected, "bytes %lld-", (long long)ranged->next);
    bool is_whole = answer->status == 200 && ranged->next == 0 && ranged->end == ranged->object->size_bytes;
    bool is_part =
        answer->status == 206 && span_starts_with(http_answer_header(answer, SPAN("Content-Range")), span_from_cstr(expected));
    if (is_whole || is_part)
        return LF_OK;
    return ERR(err, LF_AWS, "the server does not give the bytes that were asked for (status %u)", answer->status);
}

static enum lf_code take_bytes(void *context, const struct http_answer *answer, struct span bytes, struct err *err)
{
    struct ranged *ranged = context;
    if (!ranged->is_checked)
        TRY(check_range(ranged, answer, err));
    ranged->is_checked = true;
    if ((int64_t)bytes.len > ranged->end - ranged->next)
        return ERR(err, LF_AWS, "the server gives more bytes than were asked for");
    buf_put_span(ranged->out, bytes);
    ranged->next += (int64_t)bytes.len;
    return buf_check(ranged->out, err);
}

static enum lf_code try_range(struct s3 *s3, struct ranged *ranged, struct span what, struct http_answer *answer, struct err *err)
{
    char range[64];
    (void)snprintf(range, sizeof range, "bytes=%lld-%lld", (long long)ranged->next, (long long)ranged->end - 1);
    const struct http_header headers[] = { { SPAN("Range"), span_from_cstr(range) }, { SPAN("If-Match"), ranged->object->etag } };
    const struct call call = {
        .key = ranged->object->key,
        .headers = headers,
        .header_count = ranged->object->etag.len ? 2 : 1,
        .sink = take_bytes,
        .context = ranged,
        .what = what,
    };
    ranged->is_checked = false;
    TRY(try_call(s3, &call, answer, err));
    return ranged->next == ranged->end ? LF_OK : ERR(err, LF_NETWORK, "%.*s: ended early", SPAN_ARG(what));
}

static enum lf_code read_range(struct s3 *s3, struct ranged *ranged, struct span what, struct http_answer *answer,
                               struct err *err)
{
    struct http_attempts attempts;
    enum lf_code code;
    int64_t before;
    http_attempts_init(&attempts, &s3_policy);
    do {
        before = ranged->next;
        code = try_range(s3, ranged, what, answer, err);
        if (ranged->next > before) /* it goes on: what failed before counts no more */
            http_attempts_init(&attempts, &s3_policy);
    } while (code != LF_OK && http_again(&attempts, err));
    if (answer->status == 412)
        return ERR(err, LF_SOURCE, "%.*s: was changed since it was listed", SPAN_ARG(what));
    return code;
}

enum lf_code s3_get_range(struct s3 *s3, const struct s3_object *object, int64_t offset, size_t len, struct buf *out,
                          struct err *err)
{
    struct arena arena;
    struct http_answer answer;
    struct ranged ranged = { .object = object, .next = offset, .end = offset + (int64_t)len, .out = out };
    struct span what = SPAN("");
    if (len == 0)
        return LF_OK;
    arena_init(&arena, CALL_BYTES_MAX);
    http_answer_init(&answer);
    enum lf_code code = arena_printf(&arena, &what, err, "s3://%.*s/%.*s", SPAN_ARG(s3->bucket), SPAN_ARG(object->key));
    if (code == LF_OK)
        code = read_range(s3, &ranged, what, &answer, err);
    http_answer_done(&answer);
    arena_done(&arena);
    return code;
}
