#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "aws/dynamodb_exports.h"
#include "aws/dynamodb_items.h"
#include "aws/dynamodb_streams.h"
#include "base/backoff.h"
#include "http_server.h"
#include "item/ddbjson.h"

/* A server that gives one answer for the first `refusals` requests and another for those after. */
enum { ARENA_BYTES_MAX = 16 * 1024 * 1024, REQUEST_BYTES_KEPT = 8192, HEADERS_BYTES = 256 };

static struct {
    unsigned refusals;
    const char *status, *body; /* of the refusals; status "cut": the connection is closed, "slow": it stays silent */
    bool damages;              /* the checksum of refusals is another's */
    char date[64];             /* of refusals, in the header Date */
    const char *answer;        /* of what comes after */
    char last[REQUEST_BYTES_KEPT];
} service;

static struct arena arena;
static struct http_server *server;
static struct dynamodb *client;
static _Atomic bool is_over;

static void serve(void *context, unsigned number, struct span request, struct buf *answer)
{
    (void)context;
    bool refuses = number < service.refusals;
    const char *body = refuses ? service.body : service.answer;
    char headers[HEADERS_BYTES];
    unsigned long crc = crc32_z(0, (const unsigned char *)body, strlen(body));
    (void)snprintf(service.last, sizeof service.last, "%.*s", SPAN_ARG(request));
    (void)snprintf(headers, sizeof headers, "x-amz-crc32: %lu\r\n%s%s%s", crc ^ (refuses && service.damages),
                   *service.date ? "Date: " : "", service.date, *service.date ? "\r\n" : "");
    if (refuses && strcmp(service.status, "slow") == 0)
        http_server_keep_silent(answer);
    else if (!refuses || strcmp(service.status, "cut") != 0)
        http_server_put(answer, refuses ? service.status : "200 OK", headers, span_from_cstr(body));
}

static void open_impatient_client(unsigned attempts_max, unsigned answer_ms_max, const char *endpoint)
{
    struct err err = ERR_INIT;
    const struct dynamodb_options options = { .attempts_max = attempts_max,
                                              .delay_ms_max = 30,
                                              .answer_ms_max = answer_ms_max,
                                              .endpoint = endpoint,
                                              .is_over = &is_over };
    assert_ok(err, dynamodb_open(&options, &client, &err));
}

static void open_client(unsigned attempts_max, const char *endpoint)
{
    open_impatient_client(attempts_max, 60000, endpoint);
}

static int set_up(void **state)
{
    (void)state;
    memset(&service, 0, sizeof service);
    service.answer = "{}";
    service.body = "";
    atomic_store(&is_over, false);
    arena_init(&arena, ARENA_BYTES_MAX);
    server = http_server_start(serve, NULL);
    (void)setenv("AWS_ACCESS_KEY_ID", "AKIA", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    (void)setenv("AWS_REGION", "eu-west-1", 1);
    (void)setenv("HOME", "/nonexistent", 1);
    (void)setenv("no_proxy", "127.0.0.1", 1);
    (void)unsetenv("AWS_ENDPOINT_URL");
    (void)unsetenv("AWS_ENDPOINT_URL_DYNAMODB");
    (void)unsetenv("AWS_ENDPOINT_URL_DYNAMODB_STREAMS");
    open_client(3, http_server_url(server));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dynamodb_close(client);
    http_server_stop(server);
    arena_done(&arena);
    return 0;
}

static void refuse(unsigned refusals, const char *status, const char *body)
{
    service.refusals = http_server_requests(server) + refusals;
    service.status = status;
    service.body = body;
}

static enum lf_code call(enum dynamodb_repeat repeat, struct dynamodb_answer *answer, struct err *err)
{
    return dynamodb_call(client, DYNAMODB_TABLES, "PutItem", SPAN("{\"a\":1}"), repeat, &arena, answer, err);
}

static bool was_sent(const char *text)
{
    return strstr(service.last, text) != NULL;
}

/* What goes over the wire -------------------------------------------------------------------------------------------------- */

static void a_request_is_signed_and_named(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct dynamodb_answer answer;
    service.answer = "{\"Item\":{}}";
    assert_ok(err, call(DYNAMODB_REPEAT_NONE, &answer, &err));
    assert_int_equal(answer.outcome, DYNAMODB_DONE);
    assert_int_equal(answer.status, 200);
    assert_int_equal(answer.attempts, 1);
    assert_span(answer.body, SPAN("{\"Item\":{}}"));
    assert_true(was_sent("POST / HTTP/1.1\r\n"));
    assert_true(was_sent("X-Amz-Target: DynamoDB_20120810.PutItem\r\n"));
    assert_true(was_sent("Content-Type: application/x-amz-json-1.0\r\n"));
    assert_true(was_sent("/eu-west-1/dynamodb/aws4_request"));
    assert_true(was_sent("\r\n\r\n{\"a\":1}"));
}

static void streams_have_their_own_target(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct dynamodb_answer answer;
    assert_ok(err,
              dynamodb_call(client, DYNAMODB_STREAMS, "ListStreams", SPAN("{}"), DYNAMODB_REPEAT_ANY, &arena, &answer, &err));
    assert_true(was_sent("X-Amz-Target: DynamoDBStreams_20120810.ListStreams\r\n"));
    assert_true(was_sent("/eu-west-1/dynamodb/aws4_request"));
}

static void a_long_body_that_goes_once_arrives_whole(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct dynamodb_answer answer;
    enum { BODY_BYTES = 700 * 1000 };
    char *body = malloc(BODY_BYTES);
    assert_non_null(body);
    memset(body, 'x', BODY_BYTES);
    assert_ok(err, dynamodb_call(client, DYNAMODB_TABLES, "PutItem", span_of(body, BODY_BYTES), DYNAMODB_REPEAT_NONE, &arena,
                                 &answer, &err));
    free(body);
}

/* Repeats and outcomes ----------------------------------------------------------------------------------------------------- */

#define THROTTLED \
    "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException\",\"message\":\"slower\"}"
#define CONDITION "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException\",\"message\":\"no\"}"
#define IN_PROGRESS "{\"__type\":\"com.amazonaws.dynamodb.v20120810#TransactionInProgressException\",\"Message\":\"wait\"}"

struct failure {
    const char *status, *body;
    enum lf_code code;
    enum dynamodb_outcome outcome;
    bool may_pass;
};

static const struct failure failures[] = {
    { "400 Bad Request", THROTTLED, LF_PROVISIONED_THROUGHPUT_EXCEEDED, DYNAMODB_REFUSED, true },
    { "400 Bad Request", "{\"__type\":\"com.amazon.coral.availability#ThrottlingException\"}", LF_THROTTLING, DYNAMODB_REFUSED,
      true },
    { "400 Bad Request", CONDITION, LF_CONDITIONAL_CHECK_FAILED, DYNAMODB_REFUSED, false },
    { "400 Bad Request", "{\"__type\":\"com.amazon.coral.validate#ValidationException\"}", LF_VALIDATION, DYNAMODB_REFUSED,
      false },
    { "400 Bad Request", "{\"__type\":\"a.b#SomethingNewException\"}", LF_AWS, DYNAMODB_REFUSED, false },
    { "400 Bad Request", "{\"__type\":\"com.amazon.coral.service#ExpiredTokenException\"}", LF_CREDENTIALS, DYNAMODB_REFUSED,
      false },
    { "400 Bad Request", IN_PROGRESS, LF_TRANSACTION_IN_PROGRESS, DYNAMODB_UNKNOWN, true },
    { "400 Bad Request", "<html>", LF_AWS, DYNAMODB_UNKNOWN, false },
    { "500 Internal Server Error", "{\"__type\":\"com.amazonaws.dynamodb.v20120810#InternalServerError\"}", LF_INTERNAL_SERVER,
      DYNAMODB_UNKNOWN, true },
    { "500 Internal Server Error", "", LF_NETWORK, DYNAMODB_UNKNOWN, true },
    { "503 Service Unavailable", "{}", LF_NETWORK, DYNAMODB_UNKNOWN, true },
    { "cut", "", LF_NETWORK, DYNAMODB_UNKNOWN, true },
};
enum { FAILURES = sizeof failures / sizeof *failures };

static void each_failure_has_its_code_and_outcome(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAILURES; i++) {
        struct err err = ERR_INIT;
        struct dynamodb_answer answer;
        refuse(1, failures[i].status, failures[i].body);
        assert_code(err, failures[i].code, call(DYNAMODB_REPEAT_NONE, &answer, &err));
        assert_int_equal(answer.outcome, failures[i].outcome);
        assert_int_equal(answer.attempts, 1);
    }
}

static void reads_are_repeated_whatever_happened(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAILURES; i++) {
        struct err err = ERR_INIT;
        struct dynamodb_answer answer;
        refuse(2, failures[i].status, failures[i].body);
        enum lf_code code = call(DYNAMODB_REPEAT_ANY, &answer, &err);
        assert_int_equal(code, failures[i].may_pass ? LF_OK : failures[i].code);
        assert_int_equal(answer.attempts, failures[i].may_pass ? 3 : 1);
    }
}

static void writes_are_repeated_only_if_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAILURES; i++) {
        struct err err = ERR_INIT;
        struct dynamodb_answer answer;
        bool repeats = failures[i].may_pass && failures[i].outcome == DYNAMODB_REFUSED;
        refuse(2, failures[i].status, failures[i].body);
        enum lf_code code = call(DYNAMODB_REPEAT_REFUSED, &answer, &err);
        assert_int_equal(code, repeats ? LF_OK : failures[i].code);
        assert_int_equal(answer.attempts, repeats ? 3 : 1);
        assert_int_equal(answer.outcome, repeats ? DYNAMODB_DONE : failures[i].outcome);
    }
}

static void an_answer_is_not_waited_for_for_ever(void **state)
{
    (void)state;
    static const enum dynamodb_repeat repeats[] = { DYNAMODB_REPEAT_NONE, DYNAMODB_REPEAT_REFUSED, DYNAMODB_REPEAT_ANY };
    dynamodb_close(client);
    open_impatient_client(2, 1000, http_server_url(server));
    for (size_t i = 0; i < sizeof repeats / sizeof *repeats; i++) {
        struct err err = ERR_INIT;
        struct dynamodb_answer answer;
        refuse(2, "slow", "");
        assert_code(err, LF_NETWORK, call(repeats[i], &answer, &err));
        assert_int_equal(answer.outcome, DYNAMODB_UNKNOWN);
        assert_int_equal(answer.attempts, repeats[i] == DYNAMODB_REPEAT_ANY ? 2 : 1);
    }
}

static void attempts_end(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct dynamodb_answer answer;
    refuse(3, "400 Bad Request", THROTTLED);
    assert_code(err, LF_PROVISIONED_THROUGHPUT_EXCEEDED, call(DYNAMODB_REPEAT_ANY, &answer, &err));
    assert_int_equal(answer.attempts, 3);
    assert_string_equal(err.message, "PutItem: ProvisionedThroughputExceededException: slower while making attempt 3, the last");
    assert_span(answer.type, SPAN("ProvisionedThroughputExceededException"));
    assert_span(answer.body, SPAN(THROTTLED));
}

/* First 500, then a condition that fails: perhaps because the first attempt has made it so. */
static void serve_unknown(void *context, unsigned number, struct span request, struct buf *answer)
{
    (void)context, (void)request;
    http_server_put(answer, number == 0 ? "500 Internal Server Error" : "400 Bad Request", "",
                    span_from_cstr(number == 0 ? "{}" : CONDITION));
}

static void a_refusal_after_an_unknown_outcome_is_unknown(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct dynamodb_answer answer;
    struct http_server *other = http_server_start(serve_unknown, NULL);
    dynamodb_close(client);
    open_client(3, http_server_url(other));
    assert_code(err, LF_CONDITIONAL_CHECK_FAILED, call(DYNAMODB_REPEAT_ANY, &answer, &err));
    assert_int_equal(answer.outcome, DYNAMODB_UNKNOWN);
    assert_int_equal(answer.attempts, 2);
    http_server_stop(other);
}

static void nothing_is_sent_where_nobody_listens(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct dynamodb_answer answer;
    dynamodb_close(client);
    open_client(2, "http://127.0.0.1:1");
    assert_code(err, LF_NETWORK, call(DYNAMODB_REPEAT_REFUSED, &answer, &err));
    assert_int_equal(answer.outcome, DYNAMODB_REFUSED);
    assert_int_equal(answer.attempts, 2);
    assert_int_equal(answer.status, 0);
}

static void a_damaged_answer_is_asked_for_again(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct dynamodb_answer answer;
    service.damages = true;
    refuse(1, "200 OK", "{\"Item\":{\"a\":{\"S\":\"damaged\"}}}");
    assert_ok(err, call(DYNAMODB_REPEAT_ANY, &answer, &err));
    assert_int_equal(answer.attempts, 2);
    refuse(1, "200 OK", "{}");
    assert_code(err, LF_NETWORK, call(DYNAMODB_REPEAT_REFUSED, &answer, &err));
    assert_int_equal(answer.outcome, DYNAMODB_UNKNOWN);
}

static void a_stop_ends_the_attempts(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct dynamodb_answer answer;
    atomic_store(&is_over, true);
    refuse(1, "400 Bad Request", THROTTLED);
    assert_code(err, LF_INTERRUPTED, call(DYNAMODB_REPEAT_ANY, &answer, &err));
    assert_int_equal(answer.attempts, 1);
}

/* A server that answers the first request, keeps the connection, and closes it without a word when the next one has come. */
struct keeper {
    int fd;
    _Atomic unsigned requests;
};

/* Whether a whole request has come. */
static bool read_whole(int fd)
{
    char room[REQUEST_BYTES_KEPT];
    for (size_t got = 0; got < sizeof room - 1;) {
        ssize_t len = read(fd, room + got, sizeof room - 1 - got);
        if (len <= 0)
            return false;
        got += (size_t)len;
        room[got] = '\0';
        if (strstr(room, "{\"a\":1}"))
            return true;
    }
    return false;
}

static void *keep_and_close(void *context)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    struct keeper *keeper = context;
    for (int fd; (fd = accept(keeper->fd, NULL, NULL)) >= 0; (void)close(fd))
        while (read_whole(fd))
            if (atomic_fetch_add(&keeper->requests, 1) > 0 || write(fd, answer, sizeof answer - 1) < 0)
                break;
    return NULL;
}

static void a_write_on_a_closed_connection_is_not_sent_again(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct dynamodb_answer answer;
    struct keeper keeper = { .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    char url[64];
    pthread_t thread;
    assert_int_equal(bind(keeper.fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(keeper.fd, (struct sockaddr *)&address, &len), 0);
    assert_int_equal(listen(keeper.fd, 4), 0);
    assert_int_equal(pthread_create(&thread, NULL, keep_and_close, &keeper), 0);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", ntohs(address.sin_port));
    dynamodb_close(client);
    open_client(3, url);
    assert_ok(err, call(DYNAMODB_REPEAT_REFUSED, &answer, &err));
    assert_code(err, LF_NETWORK, call(DYNAMODB_REPEAT_REFUSED, &answer, &err));
    assert_int_equal(answer.outcome, DYNAMODB_UNKNOWN);
    assert_int_equal(atomic_load(&keeper.requests), 2);
    (void)shutdown(keeper.fd, SHUT_RDWR);
    dynamodb_close(client);
    open_client(3, http_server_url(server));
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)close(keeper.fd);
}

/* Clocks ------------------------------------------------------------------------------------------------------------------- */

static void set_service_clock(int64_t ahead_s)
{
    time_t now = time(NULL) + ahead_s;
    struct tm parts;
    assert_non_null(gmtime_r(&now, &parts));
    assert_true(strftime(service.date, sizeof service.date, "%a, %d %b %Y %H:%M:%S GMT", &parts) > 0);
}

#define EXPIRED \
    "{\"__type\":\"com.amazon.coral.service#InvalidSignatureException\",\"message\":\"Signature expired: a is now earlier\"}"

static void a_wrong_clock_is_corrected(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct dynamodb_answer answer;
    char hour[16];
    set_service_clock(3 * 3600);
    time_t theirs = time(NULL) + 3 * 3600;
    struct tm parts;
    assert_true(strftime(hour, sizeof hour, "%Y%m%dT%H", gmtime_r(&theirs, &parts)) > 0);
    refuse(1, "400 Bad Request", EXPIRED);
    assert_ok(err, call(DYNAMODB_REPEAT_REFUSED, &answer, &err));
    assert_int_equal(answer.attempts, 2);
    assert_true(was_sent(hour));
    assert_ok(err, call(DYNAMODB_REPEAT_REFUSED, &answer, &err));
    assert_int_equal(answer.attempts, 1);
    assert_true(was_sent(hour));
}

static void a_right_clock_is_not_why_a_signature_is_refused(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct dynamodb_answer answer;
    set_service_clock(0);
    refuse(1, "400 Bad Request", EXPIRED);
    assert_code(err, LF_INVALID_SIGNATURE, call(DYNAMODB_REPEAT_ANY, &answer, &err));
    assert_int_equal(answer.attempts, 1);
}

/* Places ------------------------------------------------------------------------------------------------------------------- */

static void reopen(const char *region, const char *endpoint)
{
    struct err err = ERR_INIT;
    const struct dynamodb_options options = { .region = region, .endpoint = endpoint };
    dynamodb_close(client);
    client = NULL;
    assert_ok(err, dynamodb_open(&options, &client, &err));
}

static void places(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct dynamodb *none;
    reopen(NULL, NULL);
    assert_span(dynamodb_endpoint(client), SPAN("https://dynamodb.eu-west-1.amazonaws.com"));
    reopen("cn-north-1", NULL);
    assert_span(dynamodb_endpoint(client), SPAN("https://dynamodb.cn-north-1.amazonaws.com.cn"));
    (void)setenv("AWS_ENDPOINT_URL_DYNAMODB", "http://localhost:8000/", 1);
    reopen(NULL, NULL);
    assert_span(dynamodb_endpoint(client), SPAN("http://localhost:8000"));
    reopen(NULL, "http://localhost:9000");
    assert_span(dynamodb_endpoint(client), SPAN("http://localhost:9000"));
    (void)unsetenv("AWS_REGION");
    (void)unsetenv("AWS_DEFAULT_REGION");
    reopen(NULL, NULL);
    assert_span(dynamodb_region(client), SPAN("us-east-1"));
    (void)unsetenv("AWS_ENDPOINT_URL_DYNAMODB");
    assert_code(err, LF_USAGE, dynamodb_open(NULL, &none, &err));
    assert_code(err, LF_USAGE, dynamodb_open(&(struct dynamodb_options){ .region = "not/one" }, &none, &err));
}

/* Typed calls -------------------------------------------------------------------------------------------------------------- */

static void a_page_of_a_scan(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct dynamodb_page page;
    const struct dynamodb_scan scan = {
        .table = SPAN("T\"1"), .segment = 3, .total_segments = 7, .limit = 9, .exclusive_key = SPAN("{\"pk\":{\"S\":\"k\"}}")
    };
    service.answer =
        "{\"Count\":2,\"Items\":[{\"pk\":{\"S\":\"a]\"}},\n {\"pk\":\n{\"S\":\"b\\n\"}}],\"ScannedCount\":2,"
        "\"LastEvaluatedKey\":{\"pk\":{\"S\":\"b\"}},\"ConsumedCapacity\":{\"TableName\":\"T\",\"CapacityUnits\":12.5}}";
    assert_ok(err, dynamodb_scan_page(client, &scan, &arena, &page, &err));
    assert_true(was_sent("{\"TableName\":\"T\\\"1\",\"ReturnConsumedCapacity\":\"TOTAL\",\"Segment\":3,\"TotalSegments\":7,"
                         "\"Limit\":9,\"ExclusiveStartKey\":{\"pk\":{\"S\":\"k\"}}}"));
    assert_int_equal(page.count, 2);
    assert_span(page.items[0], SPAN("{\"pk\":{\"S\":\"a]\"}}"));
    assert_span(page.items[1], SPAN("{\"pk\": {\"S\":\"b\\n\"}}"));
    assert_span(page.last_key, SPAN("{\"pk\":{\"S\":\"b\"}}"));
    assert_true(page.capacity == 12.5);
    service.answer = "{\"Count\":0,\"Items\":[],\"ScannedCount\":0}";
    assert_ok(err, dynamodb_scan_page(client, &scan, &arena, &page, &err));
    assert_int_equal(page.count, 0);
    assert_span(page.last_key, SPAN(""));
    service.answer = "{\"Items\":[";
    assert_code(err, LF_SYNTAX, dynamodb_scan_page(client, &scan, &arena, &page, &err));
}

static struct item item_of(const char *text)
{
    struct err err = ERR_INIT;
    struct item item;
    assert_ok(err, ddbjson_read_line(span_from_cstr(text), &arena, &item, &err));
    return item;
}

static void an_item_is_there_or_not(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct item item, key = item_of("{\"pk\":{\"S\":\"a\"}}");
    bool found;
    double capacity;
    service.answer = "{\"Item\":{\"pk\":{\"S\":\"a\"},\"n\":{\"N\":\"1\"}},\"ConsumedCapacity\":{\"CapacityUnits\":1.0}}";
    assert_ok(err, dynamodb_get_item(client, SPAN("T"), &key, &arena, &item, &found, &capacity, &err));
    assert_true(was_sent("\"ConsistentRead\":true"));
    assert_true(found && item.count == 2 && capacity == 1.0);
    service.answer = "{}";
    assert_ok(err, dynamodb_get_item(client, SPAN("T"), &key, &arena, &item, &found, NULL, &err));
    assert_false(found);
}

static void what_a_batch_left_over_is_told(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct dynamodb_answer answer;
    bool left[3];
    double capacity;
    const struct dynamodb_batch_write writes[] = { { .item = item_of("{\"pk\":{\"S\":\"a\"},\"n\":{\"N\":\"1.0\"}}") },
                                                   { .item = item_of("{\"pk\":{\"S\":\"b\"}}"), .is_delete = true },
                                                   { .item = item_of("{\"pk\":{\"S\":\"c\"}}") } };
    service.answer = "{\"UnprocessedItems\":{\"T\":[{\"DeleteRequest\":{\"Key\":{\"pk\":{\"S\":\"b\"}}}},"
                     "{\"PutRequest\":{\"Item\":{\"n\":{\"N\":\"1\"},\"pk\":{\"S\":\"a\"}}}}]},"
                     "\"ConsumedCapacity\":[{\"TableName\":\"T\",\"CapacityUnits\":2.0}]}";
    assert_ok(
        err, dynamodb_batch_write(client, SPAN("T"), writes, 3, DYNAMODB_REPEAT_REFUSED, &arena, &answer, left, &capacity, &err));
    assert_true(was_sent("\"RequestItems\":{\"T\":[{\"PutRequest\":{\"Item\":{"));
    assert_true(left[0] && left[1] && !left[2] && capacity == 2.0);
    service.answer = "{\"UnprocessedItems\":{\"T\":[{\"DeleteRequest\":{\"Key\":{\"pk\":{\"S\":\"c\"}}}}]}}";
    assert_code(
        err, LF_AWS,
        dynamodb_batch_write(client, SPAN("T"), writes, 3, DYNAMODB_REPEAT_REFUSED, &arena, &answer, left, &capacity, &err));
}

static void a_stream_is_described(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct stream_description stream;
    service.answer =
        "{\"StreamDescription\":{\"StreamArn\":\"arn\",\"TableName\":\"T\",\"StreamStatus\":\"ENABLED\","
        "\"StreamViewType\":\"NEW_IMAGE\",\"LastEvaluatedShardId\":\"s2\",\"Shards\":["
        "{\"ShardId\":\"s1\",\"SequenceNumberRange\":{\"StartingSequenceNumber\":\"1\",\"EndingSequenceNumber\":\"9\"}},"
        "{\"ShardId\":\"s2\",\"ParentShardId\":\"s1\",\"SequenceNumberRange\":{\"StartingSequenceNumber\":\"10\"}}]}}";
    assert_ok(err, dynamodb_describe_stream(client, SPAN("arn"), SPAN("s0"), &arena, &stream, &err));
    assert_true(was_sent("{\"StreamArn\":\"arn\",\"ExclusiveStartShardId\":\"s0\"}"));
    assert_int_equal(stream.shard_count, 2);
    assert_span(stream.view_type, SPAN("NEW_IMAGE"));
    assert_span(stream.shards[0].last_sequence_number, SPAN("9"));
    assert_span(stream.shards[1].parent_id, SPAN("s1"));
    assert_span(stream.shards[1].last_sequence_number, SPAN(""));
    assert_span(stream.last_shard_id, SPAN("s2"));
}

static void records_of_a_stream(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct stream_records records;
    service.answer =
        "{\"Records\":[{\"eventID\":\"e1\",\"eventName\":\"REMOVE\",\"eventVersion\":\"1.1\",\"userIdentity\":"
        "{\"principalId\":\"dynamodb.amazonaws.com\",\"type\":\"Service\"},\"dynamodb\":{\"ApproximateCreationDateTime\":1.7E9,"
        "\"Keys\":{\"pk\":{\"S\":\"a\"}},\"OldImage\":{\"pk\":{\"S\":\"a\"}},\"SequenceNumber\":\"100\",\"SizeBytes\":3}},"
        "{\"eventID\":\"e2\",\"eventName\":\"INSERT\",\"dynamodb\":{\"ApproximateCreationDateTime\":1700000001,"
        "\"Keys\":{\"pk\":{\"S\":\"b\"}},\"NewImage\":{\"pk\":{\"S\":\"b\"},\"x\":{\"BOOL\":true}},\"SequenceNumber\":\"101\"}}],"
        "\"NextShardIterator\":\"it2\"}";
    assert_ok(err, dynamodb_get_records(client, SPAN("it1"), 10, &arena, &records, &err));
    assert_true(was_sent("{\"ShardIterator\":\"it1\",\"Limit\":10}"));
    assert_int_equal(records.count, 2);
    const struct stream_record *removed = &records.records[0], *inserted = &records.records[1];
    assert_true(removed->event == STREAM_REMOVE && removed->is_expiry && removed->has_old_image && !removed->has_new_image);
    assert_int_equal(removed->created_unix_s, 1700000000);
    assert_true(inserted->event == STREAM_INSERT && !inserted->is_expiry && inserted->new_image.count == 2);
    assert_span(inserted->sequence_number, SPAN("101"));
    assert_span(records.next_iterator, SPAN("it2"));
    service.answer = "{\"Records\":[]}";
    assert_ok(err, dynamodb_get_records(client, SPAN("it1"), 0, &arena, &records, &err));
    assert_int_equal(records.count, 0);
    assert_span(records.next_iterator, SPAN(""));
}

static void an_export_is_ordered_and_described(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct span arn;
    struct export_state export;
    struct export_order order = {
        .table_arn = SPAN("arn:t"),
        .bucket = SPAN("b"),
        .token = SPAN("tok"),
        .from_unix_s = 1700000000,
        .to_unix_s = 1700000900,
    };
    service.answer = "{\"ExportDescription\":{\"ExportArn\":\"arn:e\",\"ExportStatus\":\"IN_PROGRESS\"}}";
    assert_ok(err, dynamodb_order_export(client, &order, &arena, &arn, &err));
    assert_span(arn, SPAN("arn:e"));
    assert_true(
        was_sent("{\"TableArn\":\"arn:t\",\"ClientToken\":\"tok\",\"S3Bucket\":\"b\",\"ExportFormat\":\"DYNAMODB_JSON\","
                 "\"ExportType\":\"INCREMENTAL_EXPORT\",\"IncrementalExportSpecification\":{\"ExportFromTime\":1700000000,"
                 "\"ExportToTime\":1700000900,\"ExportViewType\":\"NEW_AND_OLD_IMAGES\"}}"));
    assert_ok(err, dynamodb_describe_export(client, arn, &arena, &export, &err));
    assert_true(was_sent("{\"ExportArn\":\"arn:e\"}") && export.status == EXPORT_IN_PROGRESS);
    service.answer = "{\"ExportDescription\":{\"ExportArn\":\"arn:e\",\"ExportStatus\":\"COMPLETED\"}}";
    assert_ok(err, dynamodb_describe_export(client, arn, &arena, &export, &err));
    assert_true(export.status == EXPORT_COMPLETED);
    service.answer = "{\"ExportDescription\":{\"ExportStatus\":\"FAILED\",\"FailureCode\":\"C\",\"FailureMessage\":\"m\"}}";
    assert_ok(err, dynamodb_describe_export(client, arn, &arena, &export, &err));
    assert_true(export.status == EXPORT_FAILED);
    assert_span(export.failure, SPAN("C: m"));
    assert_code(err, LF_AWS, dynamodb_order_export(client, &order, &arena, &arn, &err));
}

/* Exports begin and end at whole seconds: within, never outside. */
static void recovery_is_described(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct recovery recovery;
    service.answer =
        "{\"ContinuousBackupsDescription\":{\"ContinuousBackupsStatus\":\"ENABLED\",\"PointInTimeRecoveryDescription\":{"
        "\"PointInTimeRecoveryStatus\":\"ENABLED\",\"EarliestRestorableDateTime\":1700000000.001,"
        "\"LatestRestorableDateTime\":1.700000900999E9}}}";
    assert_ok(err, dynamodb_describe_recovery(client, SPAN("T"), &arena, &recovery, &err));
    assert_true(was_sent("{\"TableName\":\"T\"}") && recovery.is_on);
    assert_int_equal(recovery.earliest_unix_s, 1700000001);
    assert_int_equal(recovery.latest_unix_s, 1700000900);
    service.answer =
        "{\"ContinuousBackupsDescription\":{\"ContinuousBackupsStatus\":\"ENABLED\",\"PointInTimeRecoveryDescription\":{"
        "\"PointInTimeRecoveryStatus\":\"DISABLED\"}}}";
    assert_ok(err, dynamodb_describe_recovery(client, SPAN("T"), &arena, &recovery, &err));
    assert_false(recovery.is_on);
}

/* Jitter ------------------------------------------------------------------------------------------------------------------- */

static void pauses_keep_their_bounds_and_differ(void **state)
{
    (void)state;
    unsigned seen_max = 0, previous = DYNAMODB_DELAY_MS_MIN;
    struct backoff backoff;
    backoff_init(&backoff, DYNAMODB_DELAY_MS_MIN, DYNAMODB_DELAY_MS_MAX, random_u64());
    for (int i = 0; i < 1000; i++) {
        unsigned pause = backoff_next_ms(&backoff);
        assert_true(pause >= DYNAMODB_DELAY_MS_MIN && pause <= DYNAMODB_DELAY_MS_MAX && pause <= 3 * previous);
        seen_max = pause > seen_max ? pause : seen_max;
        previous = pause;
    }
    assert_true(seen_max > DYNAMODB_DELAY_MS_MAX / 2);
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_request_is_signed_and_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(streams_have_their_own_target, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_long_body_that_goes_once_arrives_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(each_failure_has_its_code_and_outcome, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_are_repeated_whatever_happened, set_up, tear_down),
        cmocka_unit_test_setup_teardown(writes_are_repeated_only_if_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_answer_is_not_waited_for_for_ever, set_up, tear_down),
        cmocka_unit_test_setup_teardown(attempts_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refusal_after_an_unknown_outcome_is_unknown, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_is_sent_where_nobody_listens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_damaged_answer_is_asked_for_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stop_ends_the_attempts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_write_on_a_closed_connection_is_not_sent_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_clock_is_corrected, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_right_clock_is_not_why_a_signature_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(places, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_page_of_a_scan, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_item_is_there_or_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_batch_left_over_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stream_is_described, set_up, tear_down),
        cmocka_unit_test_setup_teardown(records_of_a_stream, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_export_is_ordered_and_described, set_up, tear_down),
        cmocka_unit_test_setup_teardown(recovery_is_described, set_up, tear_down),
        cmocka_unit_test(pauses_keep_their_bounds_and_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
