#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "../aws/http_server.h"
#include "codec/json.h"
#include "source/records.h"
#include "source/table_scan.h"

/* A table whose segment s holds items s.0 … s.(n-1), PAGE_ITEMS to a page, and whose last pages are now and then empty. */
enum { ITEMS_MAX = 200, PAGE_ITEMS = 7, ANSWER_BYTES = 64 * 1024 };

static struct {
    unsigned counts[SCAN_SEGMENTS];
    _Atomic unsigned pages, limit; /* the last Limit that was asked for; 0: none */
    unsigned read_units;
    bool is_broken;
} table;

static struct http_server *server;
static struct source source;
static unsigned seen[SCAN_SEGMENTS][ITEMS_MAX]; /* how often each item was read */
static pthread_mutex_t seen_mutex = PTHREAD_MUTEX_INITIALIZER;

/* The number behind a name in a request, or `otherwise`. */
static unsigned number_of(struct span request, const char *name, unsigned otherwise)
{
    struct span needle = span_from_cstr(name);
    size_t at = span_find(request, needle);
    return at < request.len ? (unsigned)strtoul(request.ptr + at + needle.len, NULL, 10) : otherwise;
}

static void put_page(struct span request, struct buf *body)
{
    unsigned segment = number_of(request, "\"Segment\":", 0), total = number_of(request, "\"TotalSegments\":", 0);
    unsigned first = number_of(request, "\"ExclusiveStartKey\":{\"pk\":{\"N\":\"", 0), left = table.counts[segment] - first;
    unsigned count = left < PAGE_ITEMS ? left : PAGE_ITEMS;
    assert_int_equal(total, SCAN_SEGMENTS);
    atomic_store(&table.limit, number_of(request, "\"Limit\":", 0));
    atomic_fetch_add(&table.pages, 1);
    buf_put_cstr(body, "{\"Items\":[");
    for (unsigned i = 0; i < count; i++)
        buf_printf(body, "%s{\"pk\":{\"N\":\"%u\"},\"segment\":{\"N\":\"%u\"}}", i ? "," : "", first + i, segment);
    buf_printf(body, "],\"ConsumedCapacity\":{\"CapacityUnits\":%.1f}", 0.5);
    if (first + count < table.counts[segment] || (count == PAGE_ITEMS && first + count == table.counts[segment]))
        buf_printf(body, ",\"LastEvaluatedKey\":{\"pk\":{\"N\":\"%u\"}}", first + count);
    buf_put_cstr(body, "}");
}

static void put_description(struct buf *body)
{
    buf_printf(
        body,
        "{\"Table\":{\"TableName\":\"Numbers\",\"TableArn\":\"arn:aws:dynamodb:eu-west-1:1:table/Numbers\",\"TableId\":\"an-id\","
        "\"KeySchema\":[{\"AttributeName\":\"pk\",\"KeyType\":\"HASH\"}],"
        "\"AttributeDefinitions\":[{\"AttributeName\":\"pk\",\"AttributeType\":\"N\"}],\"TableStatus\":\"ACTIVE\","
        "\"ProvisionedThroughput\":{\"ReadCapacityUnits\":%u},\"TableSizeBytes\":640000,\"ItemCount\":640}}",
        table.read_units);
}

static void serve(void *context, unsigned number, struct span request, struct buf *answer)
{
    struct buf body;
    (void)context, (void)number;
    buf_init(&body, ANSWER_BYTES);
    if (table.is_broken)
        buf_put_cstr(&body, "{\"__type\":\"a#AccessDeniedException\",\"message\":\"no\"}");
    else if (span_find(request, SPAN(".Scan\r\n")) < request.len)
        put_page(request, &body);
    else
        put_description(&body);
    http_server_put(answer, table.is_broken ? "400 Bad Request" : "200 OK", "", buf_span(&body));
    buf_done(&body);
}

static enum lf_code open_table(const char *path, const char *max_rcu, struct err *err)
{
    const struct source_options options = { .region = "eu-west-1", .endpoint = http_server_url(server), .max_rcu = max_rcu };
    return source_open(path, &options, &source, err);
}

static int set_up(void **state)
{
    (void)state;
    memset(&table, 0, sizeof table);
    memset(seen, 0, sizeof seen);
    for (unsigned i = 0; i < SCAN_SEGMENTS; i++)
        table.counts[i] = random_below(4) ? random_below(ITEMS_MAX) : PAGE_ITEMS * random_below(3);
    server = http_server_start(serve, NULL);
    (void)setenv("AWS_ACCESS_KEY_ID", "AKIA", 1);
    (void)setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
    (void)setenv("HOME", "/nonexistent", 1);
    (void)setenv("no_proxy", "127.0.0.1", 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    source_close(&source);
    http_server_stop(server);
    return 0;
}

/* Reads the chunk's items, which must be of its segment. */
static void note(const struct source_chunk *chunk)
{
    struct source_records records;
    struct arena arena;
    struct err err = ERR_INIT;
    bool end = false;
    arena_init(&arena, 1024 * 1024);
    source_records_init(&records, chunk);
    for (;;) {
        struct item item;
        assert_ok(err, source_records_next(&records, &end, &err));
        if (end)
            break;
        assert_ok(err, source_records_item(&records, &arena, &item, &err));
        unsigned segment = (unsigned)item_get(&item, SPAN("segment"))->number.coefficient;
        for (int i = 0; i < item_get(&item, SPAN("segment"))->number.exponent; i++)
            segment *= 10;
        struct number pk = item_get(&item, SPAN("pk"))->number;
        unsigned number = (unsigned)pk.coefficient;
        for (int i = 0; i < pk.exponent; i++)
            number *= 10;
        assert_int_equal(segment, chunk->file);
        (void)pthread_mutex_lock(&seen_mutex);
        seen[segment][number]++;
        (void)pthread_mutex_unlock(&seen_mutex);
    }
    source_records_done(&records);
    arena_done(&arena);
}

static void assert_each_once(void)
{
    for (unsigned s = 0; s < SCAN_SEGMENTS; s++)
        for (unsigned i = 0; i < ITEMS_MAX; i++)
            if (seen[s][i] != (i < table.counts[s]))
                fail_msg("item %u.%u of %u was read %u times", s, i, table.counts[s], seen[s][i]);
}

static void *read_all(void *context)
{
    struct source_chunk chunk;
    struct err err = ERR_INIT;
    (void)context;
    source_chunk_init(&chunk);
    for (bool end = false; !end;) {
        assert_ok(err, source_next(&source, &chunk, &end, &err));
        if (!end)
            note(&chunk);
    }
    source_chunk_done(&chunk);
    return NULL;
}

static void the_table_is_described(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    assert_ok(err, open_table("dynamodb://Numbers", NULL, &err));
    assert_true(source_is_live(&source));
    assert_int_equal(source.file_count, SCAN_SEGMENTS);
    assert_int_equal(source.table_count, 1);
    assert_span(source.tables[0].name, SPAN("Numbers"));
    assert_span(source.tables[0].key.partition.name, SPAN("pk"));
    assert_span(source.identity, SPAN("arn:aws:dynamodb:eu-west-1:1:table/Numbers an-id"));
    for (size_t i = 1; i < source.file_count; i++)
        assert_true(span_compare(source.files[i - 1].name, source.files[i].name) < 0);
}

static void several_threads_read_each_item_once(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    struct err err = ERR_INIT;
    pthread_t threads[THREADS];
    assert_ok(err, open_table("dynamodb://Numbers", NULL, &err));
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_all, NULL), 0);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_each_once();
    source_rewind(&source);
    memset(seen, 0, sizeof seen);
    read_all(NULL);
    assert_each_once();
}

/* At a slow pace chunks end by time, so that a segment has several. */
static void read_part_of_the_first_segment(struct source_chunk *chunk, bool *end)
{
    struct err err = ERR_INIT;
    memset(table.counts, 0, sizeof table.counts);
    table.counts[0] = 5 * PAGE_ITEMS;
    assert_ok(err, open_table("dynamodb://Numbers", "0.25", &err));
    source_chunk_init(chunk);
    assert_ok(err, source_next(&source, chunk, end, &err));
}

static void a_segment_goes_on_where_a_chunk_ended(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct source_chunk chunk;
    bool end;
    read_part_of_the_first_segment(&chunk, &end);
    assert_true(!end && chunk.file == 0 && chunk.number == 0 && !chunk.is_last);
    assert_int_equal(chunk.start.len, 0);
    note(&chunk);
    struct span position = buf_span(&chunk.end);
    assert_true(position.len > 0 && atomic_load(&table.pages) < 5);
    char kept[64];
    assert_true(position.len < sizeof kept);
    memcpy(kept, position.ptr, position.len);
    position.ptr = kept;
    source_chunk_done(&chunk);

    source_close(&source);
    assert_ok(err, open_table("dynamodb://Numbers", NULL, &err));
    assert_ok(err, source_resume(&source, 0, 1, position, &err));
    source_chunk_init(&chunk);
    assert_ok(err, source_next(&source, &chunk, &end, &err));
    assert_int_equal(chunk.number, 1);
    assert_span(buf_span(&chunk.start), position);
    assert_true(chunk.is_last && chunk.end.len == 0);
    note(&chunk);
    source_chunk_done(&chunk);
    for (unsigned i = 0; i < table.counts[0]; i++)
        assert_int_equal(seen[0][i], 1);
}

static void a_chunk_keeps_its_segment(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct source_chunk first, second;
    bool end;
    assert_ok(err, open_table("dynamodb://Numbers", NULL, &err));
    source_chunk_init(&first);
    source_chunk_init(&second);
    assert_ok(err, source_next(&source, &first, &end, &err));
    assert_ok(err, source_next(&source, &second, &end, &err));
    assert_int_not_equal(first.file, second.file);
    source_chunk_done(&first);
    source_chunk_done(&second);
}

/* What is left of a segment that somebody else is at is not read. */
static void a_segment_may_be_left(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct source_chunk chunk;
    bool end;
    read_part_of_the_first_segment(&chunk, &end);
    assert_false(chunk.is_last);
    source_leave(&chunk);
    assert_ok(err, source_next(&source, &chunk, &end, &err));
    assert_true(!end && chunk.file == 1);
    source_chunk_done(&chunk);
}

static enum lf_code only_even(void *context, size_t file, bool *ret_open, struct err *err)
{
    (void)context, (void)err;
    *ret_open = file % 2 == 0;
    return LF_OK;
}

static void a_gate_is_asked_for_segments(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    assert_ok(err, open_table("dynamodb://Numbers", NULL, &err));
    source_set_gate(&source, only_even, NULL);
    read_all(NULL);
    for (unsigned s = 0; s < SCAN_SEGMENTS; s++)
        for (unsigned i = 0; i < table.counts[s]; i++)
            assert_int_equal(seen[s][i], s % 2 == 0);
}

static void pages_are_small_at_a_slow_pace(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct source_chunk chunk;
    bool end;
    table.read_units = 1000;
    assert_ok(err, open_table("dynamodb://Numbers", "1%", &err)); /* 10 units of 8 KB, in items of 1,000 bytes */
    source_chunk_init(&chunk);
    assert_ok(err, source_next(&source, &chunk, &end, &err));
    assert_int_equal(atomic_load(&table.limit), 81);
    source_chunk_done(&chunk);
    source_close(&source);
    assert_ok(err, open_table("dynamodb://Numbers", "1000", &err));
    source_chunk_init(&chunk);
    assert_ok(err, source_next(&source, &chunk, &end, &err));
    assert_int_equal(atomic_load(&table.limit), 0);
    source_chunk_done(&chunk);
}

static void what_is_no_table_or_pace_is_refused(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    static const char *const paths[] = { "dynamodb://", "dynamodb://a/b", "dynamodb://a b", "dynamodb://a?b" };
    static const char *const rates[] = { "", "x", "0", "-1", "10x", "101%", "0%", "%", "10%" /* on demand */, "nan" };
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        assert_code(err, LF_USAGE, open_table(paths[i], NULL, &err));
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++)
        assert_code(err, LF_USAGE, open_table("dynamodb://Numbers", rates[i], &err));
}

static void a_refusal_stays(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct source_chunk chunk;
    bool end;
    assert_ok(err, open_table("dynamodb://Numbers", NULL, &err));
    table.is_broken = true;
    source_chunk_init(&chunk);
    assert_code(err, LF_ACCESS_DENIED, source_next(&source, &chunk, &end, &err));
    assert_true(strstr(err.message, "scanning Numbers") != NULL);
    table.is_broken = false;
    assert_code(err, LF_ACCESS_DENIED, source_next(&source, &chunk, &end, &err));
    source_chunk_done(&chunk);
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_table_is_described, set_up, tear_down),
        cmocka_unit_test_setup_teardown(several_threads_read_each_item_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_segment_goes_on_where_a_chunk_ended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_chunk_keeps_its_segment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_segment_may_be_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_gate_is_asked_for_segments, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pages_are_small_at_a_slow_pace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_table_or_pace_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_refusal_stays, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
