#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "item/ddbjson.h"
#include "map/map_yaml.h"
#include "move/backfill.h"
#include "move/parity.h"
#include "move/violations_record.h"

/*
 * The source: FILES files of FILE_ITEMS orders, numbered from 0, each with two lines (rows of a child table). Of ten, one has no
 * customer and belongs to no entity.
 */
enum { FILES = 40, FILE_ITEMS = 300, ITEMS = FILES * FILE_ITEMS, UNCLAIMED_EVERY = 10, ARENA_BYTES = 64 * 1024 * 1024 };
enum { CLAIMED = ITEMS - ITEMS / UNCLAIMED_EVERY, PATH_BYTES = 256, SQL_BYTES = 1024 };

static const char map_yaml[] =
    "version: 1\n"
    "schema: shop\n"
    "tables:\n"
    "  shop:\n"
    "    key: { pk: S, sk: S }\n"
    "    entities:\n"
    "      Order:\n"
    "        match: { type: order }\n"
    "        key: { pk: \"customer#{customer}\", sk: \"order#{number}\" }\n"
    "        table: orders\n"
    "        primary_key: [number]\n"
    "        columns:\n"
    "          number: { attr: number, type: bigint, null: false }\n"
    "          customer: { attr: customer, type: text, null: false }\n"
    "          note: { attr: note, type: text }\n"
    "          sizes: { attr: sizes, type: \"numeric[]\" }\n"
    "        children:\n"
    "          lines: { attr: lines, table: order_line, columns: { sku: { attr: sku, type: text } } }\n";

/* One test: a database with the map's tables, and a folder for its source, migrations and rejects. */
struct fixture {
    struct arena arena;
    struct map map;
    char uri[8192];
    char dir[PATH_BYTES], source_dir[PATH_BYTES], migrations[PATH_BYTES], rejects[PATH_BYTES];
    struct backfill_options options;
};

static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return random_state >> 33;
}

/* Files -------------------------------------------------------------------------------------------------------------------- */

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[2 * PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void put_order(struct buf *text, unsigned number)
{
    bool is_claimed = number % UNCLAIMED_EVERY != 0;
    buf_printf(text, "{\"Item\":{\"pk\":{\"S\":\"customer#c%u\"},\"sk\":{\"S\":\"order#%u\"},\"type\":{\"S\":\"order\"},",
               number % 97, number);
    if (is_claimed)
        buf_printf(text, "\"customer\":{\"S\":\"c%u\"},", number % 97);
    buf_printf(text,
               "\"number\":{\"N\":\"%u\"},\"note\":{\"S\":\"note %u\"},\"left_over\":{\"BOOL\":true},"
               "\"lines\":{\"L\":[{\"M\":{\"sku\":{\"S\":\"a%u\"}}},{\"M\":{\"sku\":{\"S\":\"b%u\"}}}]}}}\n",
               number, number, number, number);
}

static void write_orders(const struct fixture *fixture)
{
    struct buf text;
    buf_init(&text, ARENA_BYTES);
    for (unsigned file = 0; file < FILES; file++) {
        char name[32];
        snprintf(name, sizeof name, "%02u.jsonl", file);
        buf_reset(&text);
        for (unsigned i = 0; i < FILE_ITEMS; i++)
            put_order(&text, file * FILE_ITEMS + i);
        write_file(fixture->source_dir, name, buf_cstr(&text));
    }
    buf_done(&text);
}

/* Fixture ------------------------------------------------------------------------------------------------------------------ */

static void join_path(char path[PATH_BYTES], const char *dir, const char *name)
{
    int len = snprintf(path, PATH_BYTES, "%s/%s", dir, name);
    assert_true(len < PATH_BYTES);
}

static void make_dir(char path[PATH_BYTES], const char *dir, const char *name)
{
    join_path(path, dir, name);
    assert_int_equal(mkdir(path, 0777), 0);
}

static void read_map(struct fixture *fixture, const char *yaml)
{
    struct err err = ERR_INIT;
    fixture->options.map_yaml = span_from_cstr(yaml);
    harness_check(map_read_yaml(fixture->options.map_yaml, "landfall.yaml", &fixture->arena, &fixture->map, &err), &err);
}

static void migrate_tables(const struct fixture *fixture)
{
    struct err err = ERR_INIT;
    size_t written;
    struct migrate_plan_options plan = { .dir = fixture->migrations, .version_base = 20261121090000 };
    struct pg_conn *conn = harness_connect(fixture->uri);
    harness_check(migrate_plan(&fixture->map, &plan, &written, &err), &err);
    harness_check(migrate_up(conn, &(struct migrate_up_options){ .dir = fixture->migrations, .last = MIGRATION_TABLES }, &err),
                  &err);
    pg_close(conn);
}

/* Everything but the tables and the source's files. */
static void fixture_begin(struct fixture *fixture, const char *name)
{
    *fixture = (struct fixture){ 0 };
    arena_init(&fixture->arena, ARENA_BYTES);
    make_dir(fixture->dir, harness_dir(), name);
    make_dir(fixture->source_dir, fixture->dir, "source");
    join_path(fixture->migrations, fixture->dir, "migrations");
    join_path(fixture->rejects, fixture->dir, "rejects");
    write_file(fixture->source_dir, "table.json",
               "{\"TableName\":\"shop\",\"KeySchema\":[{\"AttributeName\":\"pk\",\"KeyType\":\"HASH\"},"
               "{\"AttributeName\":\"sk\",\"KeyType\":\"RANGE\"}],\"AttributeDefinitions\":[{\"AttributeName\":\"pk\","
               "\"AttributeType\":\"S\"},{\"AttributeName\":\"sk\",\"AttributeType\":\"S\"}]}");
    snprintf(fixture->uri, sizeof fixture->uri, "%s", harness_new_database(name));
    fixture->options = (struct backfill_options){ .postgres = fixture->uri, .migrations = fixture->migrations, .jobs = 2 };
    read_map(fixture, map_yaml);
}

static void fixture_begin_ready(struct fixture *fixture, const char *name)
{
    fixture_begin(fixture, name);
    migrate_tables(fixture);
    write_orders(fixture);
}

static enum lf_code run_backfill(struct fixture *fixture, backfill_report *report, void *context, struct backfill_result *result,
                                 struct err *err)
{
    struct source source;
    static const struct source_options options = { 0 };
    *err = (struct err)ERR_INIT;
    harness_check(source_open(fixture->source_dir, &options, &source, err), err);
    enum lf_code code = backfill_run(&fixture->map, &source, &fixture->options, report, context, &fixture->arena, result, err);
    source_close(&source);
    return code;
}

static void expect_loads(struct fixture *fixture, struct backfill_result *result)
{
    struct err err;
    harness_check(run_backfill(fixture, NULL, NULL, result, &err), &err);
}

static void expect_error(struct fixture *fixture, enum lf_code code, const char *part)
{
    struct err err;
    struct backfill_result result;
    assert_int_equal(run_backfill(fixture, NULL, NULL, &result, &err), code);
    if (!strstr(err.message, part))
        fail_msg("\"%s\" does not say \"%s\"", err.message, part);
}

static void expect_int64(const struct fixture *fixture, const char *sql, int64_t want)
{
    struct pg_conn *conn = harness_connect(fixture->uri);
    int64_t have = harness_int64(conn, sql);
    pg_close(conn);
    if (have != want)
        fail_msg("%s: %lld, not %lld", sql, (long long)have, (long long)want);
}

static void exec(const struct fixture *fixture, const char *sql)
{
    struct pg_conn *conn = harness_connect(fixture->uri);
    harness_exec(conn, sql);
    pg_close(conn);
}

/* What must be there ------------------------------------------------------------------------------------------------------- */

/* The sums that landfall.segment holds are those of the items of the source, read again. */
static void expect_sums(struct fixture *fixture)
{
    static struct parity stored, wanted, chunk;
    struct err err = ERR_INIT;
    struct pg_result *result;
    struct pg_conn *conn = harness_connect(fixture->uri);
    stored = wanted = (struct parity){ 0 };
    harness_check(pg_query(conn, "SELECT encode(sums, 'hex') FROM landfall.segment", &(struct pg_params){ 0 }, &result, &err),
                  &err);
    for (size_t row = 0; row < pg_result_rows(result); row++) {
        char bytes[PARITY_SEGMENTS * 26];
        const char *hex = pg_result_text(result, row, 0);
        size_t len = strlen(hex) / 2;
        assert_true(len <= sizeof bytes);
        for (size_t i = 0; i < len; i++) {
            char digits[] = { hex[2 * i], hex[2 * i + 1], '\0' };
            bytes[i] = (char)strtol(digits, NULL, 16);
        }
        harness_check(parity_read(span_of(bytes, len), &chunk, &err), &err);
        parity_add(&stored, &chunk);
    }
    pg_result_free(result);
    pg_close(conn);

    struct buf line;
    buf_init(&line, 4096);
    for (unsigned number = 0; number < ITEMS; number++) {
        struct item item;
        struct key key;
        struct arena_mark mark = arena_mark(&fixture->arena);
        buf_reset(&line);
        put_order(&line, number);
        harness_check(ddbjson_read_line(buf_span(&line), &fixture->arena, &item, &err), &err);
        harness_check(key_of_item(&fixture->map.tables[0].key, &item, &fixture->arena, &key, &err), &err);
        parity_add_item(&wanted, &key, &item);
        arena_rewind(&fixture->arena, mark);
    }
    buf_done(&line);
    assert_memory_equal(&stored, &wanted, sizeof stored);
}

/* No row twice, none missing, none wrong; the load is finished and its indexes are there. */
static void expect_all_orders(struct fixture *fixture)
{
    int64_t sum = (int64_t)ITEMS * (ITEMS - 1) / 2;
    for (int64_t number = 0; number < ITEMS; number += UNCLAIMED_EVERY)
        sum -= number;
    expect_int64(fixture, "SELECT count(*) FROM shop.orders", CLAIMED);
    expect_int64(fixture, "SELECT count(DISTINCT number) FROM shop.orders", CLAIMED);
    expect_int64(fixture, "SELECT sum(number)::bigint FROM shop.orders", sum);
    expect_int64(fixture,
                 "SELECT count(*) FROM shop.orders WHERE customer = 'c' || number % 97 AND note = 'note ' || number"
                 " AND ddb_extra = '{\"left_over\": {\"BOOL\": true}}'",
                 CLAIMED);
    expect_int64(fixture, "SELECT count(DISTINCT (number, position)) FROM shop.order_line", 2 * CLAIMED);
    expect_int64(fixture, "SELECT count(*) FROM shop.order_line WHERE sku = CASE position WHEN 0 THEN 'a' ELSE 'b' END || number",
                 2 * CLAIMED);
    expect_int64(fixture, "SELECT count(*) FROM shop.order_line", 2 * CLAIMED);
    expect_int64(fixture, "SELECT count(*) FROM landfall.item WHERE reason <> '' AND item -> 'number' ->> 'N' ~ '0$'",
                 ITEMS / UNCLAIMED_EVERY);
    expect_int64(fixture, "SELECT count(*) FROM landfall.item", ITEMS / UNCLAIMED_EVERY);
    expect_int64(fixture, "SELECT count(*) FROM landfall.segment WHERE is_last", FILES);
    expect_int64(fixture, "SELECT sum(items)::bigint FROM landfall.segment", ITEMS);
    expect_int64(fixture, "SELECT count(*) FROM landfall.load WHERE finished_at IS NOT NULL", 1);
    expect_int64(fixture, "SELECT count(*) FROM pg_class WHERE relname IN ('orders', 'order_line') AND reltuples <= 0", 0);
    expect_int64(fixture, "SELECT count(*) FROM pg_index WHERE indrelid = 'shop.orders'::regclass AND indisprimary", 1);
    expect_sums(fixture);
}

static uint64_t rows_of(const struct backfill_result *result, const char *table)
{
    for (size_t i = 0; i < result->table_count; i++)
        if (span_equal(result->tables[i].table, span_from_cstr(table)))
            return result->tables[i].rows;
    fail_msg("no rows of %s", table);
    return 0;
}

/* Tests -------------------------------------------------------------------------------------------------------------------- */

struct watch {
    unsigned calls;
    unsigned stop_at; /* the call that asks to stop, 0: none */
    struct backfill_progress last;
};

static bool watch_progress(void *context, const struct backfill_progress *progress)
{
    struct watch *watch = context;
    assert_true(progress->items >= watch->last.items);
    watch->last = *progress;
    return ++watch->calls == watch->stop_at;
}

static void loads_everything_once(void **state)
{
    (void)state;
    struct fixture fixture;
    struct backfill_result result;
    struct watch watch = { 0 };
    struct err err;
    fixture_begin_ready(&fixture, "once");
    harness_check(run_backfill(&fixture, watch_progress, &watch, &result, &err), &err);
    expect_all_orders(&fixture);
    assert_int_equal(result.totals.items, ITEMS);
    assert_int_equal(result.totals.unclaimed, ITEMS / UNCLAIMED_EVERY);
    assert_int_equal(result.totals.rejected, 0);
    assert_int_equal(result.items_resumed, 0);
    assert_int_equal(rows_of(&result, "orders"), CLAIMED);
    assert_int_equal(rows_of(&result, "order_line"), 2 * CLAIMED);
    assert_int_equal(rows_of(&result, "landfall.item"), ITEMS / UNCLAIMED_EVERY);
    assert_int_equal(watch.last.items, ITEMS);
    assert_int_equal(watch.last.bytes_read, watch.last.bytes_total);

    expect_loads(&fixture, &result); /* again: nothing to do */
    expect_all_orders(&fixture);
    assert_int_equal(result.totals.items, ITEMS);
    assert_int_equal(result.items_resumed, ITEMS);
    assert_int_equal(rows_of(&result, "orders"), CLAIMED);
    arena_done(&fixture.arena);
}

static void an_interrupted_load_goes_on(void **state)
{
    (void)state;
    struct fixture fixture;
    struct backfill_result result;
    struct watch watch = { .stop_at = 1 };
    struct err err;
    fixture_begin_ready(&fixture, "interrupted");
    assert_int_equal(run_backfill(&fixture, watch_progress, &watch, &result, &err), LF_INTERRUPTED);
    assert_non_null(strstr(err.message, "the same command goes on"));
    expect_int64(&fixture, "SELECT count(*) FROM landfall.load WHERE finished_at IS NULL", 1);
    expect_loads(&fixture, &result);
    expect_all_orders(&fixture);
    arena_done(&fixture.arena);
}

/* Small numbers take less room in JSON than in PostgreSQL's binary format, so a chunk of these is sent in several parts. */
static void put_wide_order(struct buf *text, unsigned number)
{
    enum { SIZES = 900 };
    buf_printf(text,
               "{\"Item\":{\"pk\":{\"S\":\"customer#w\"},\"sk\":{\"S\":\"order#%u\"},\"type\":{\"S\":\"order\"},"
               "\"customer\":{\"S\":\"w\"},\"number\":{\"N\":\"%u\"},\"sizes\":{\"NS\":[\"0\"",
               number, number);
    for (unsigned i = 1; i < SIZES; i++)
        buf_printf(text, ",\"%u\"", i);
    buf_put_cstr(text, "]}}}\n");
}

static void a_large_file_is_loaded_in_many_chunks(void **state)
{
    (void)state;
    enum { WIDE = 7600, CHUNKS = 3, CHUNK_BYTES = 16 * 1024 * 1024 };
    struct fixture fixture;
    struct backfill_result result;
    struct buf text;
    fixture_begin(&fixture, "large");
    fixture.options.chunk_bytes = CHUNK_BYTES;
    migrate_tables(&fixture);
    buf_init(&text, ARENA_BYTES);
    for (unsigned number = 0; number < WIDE; number++)
        put_wide_order(&text, number);
    assert_int_equal((text.len + CHUNK_BYTES - 1) / CHUNK_BYTES, CHUNKS);
    write_file(fixture.source_dir, "large.jsonl", buf_cstr(&text));
    buf_done(&text);
    expect_loads(&fixture, &result);
    assert_int_equal(rows_of(&result, "orders"), WIDE);
    expect_int64(&fixture, "SELECT count(*) FROM shop.orders WHERE cardinality(sizes) = 900", WIDE);
    expect_int64(&fixture, "SELECT sum(items)::bigint FROM landfall.segment", WIDE);
    expect_int64(&fixture, "SELECT count(*) FROM landfall.segment WHERE is_last = (chunk = 2)", CHUNKS);

    /* As if the process had ended between the first chunk and the last, which was quicker than the second. */
    exec(&fixture, "DELETE FROM shop.orders WHERE number BETWEEN (SELECT items FROM landfall.segment WHERE chunk = 0)"
                   " AND (SELECT sum(items) - 1 FROM landfall.segment WHERE chunk < 2);"
                   "DELETE FROM landfall.segment WHERE chunk = 1; UPDATE landfall.load SET finished_at = NULL");
    fixture.options.chunk_bytes = 0; /* that of the load is on record */
    expect_loads(&fixture, &result);
    assert_int_equal(result.totals.items, WIDE);
    assert_in_range(result.items_resumed, 1, WIDE - 1);
    assert_int_equal(rows_of(&result, "orders"), WIDE);
    expect_int64(&fixture, "SELECT count(*) FROM shop.orders", WIDE);
    arena_done(&fixture.arena);
}

/* A process of its own, so that it can be killed. */
static pid_t start_process(struct fixture *fixture)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct err err;
        struct backfill_result result;
        enum lf_code code = run_backfill(fixture, NULL, NULL, &result, &err);
        if (code != LF_OK)
            (void)fprintf(stderr, "backfill: %s\n", err.message);
        _exit(code == LF_OK ? 0 : 1);
    }
    return pid;
}

static bool wait_for_success(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status))
        return false;
    assert_int_equal(WEXITSTATUS(status), 0);
    return true;
}

static void sleep_us(uint64_t us)
{
    struct timespec time = { .tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000 };
    (void)nanosleep(&time, NULL);
}

/* How long a load takes here and now, so that kills fall into all of it. */
static uint64_t measure_load_us(void)
{
    struct fixture fixture;
    struct timespec start, end;
    fixture_begin_ready(&fixture, "measured");
    clock_gettime(CLOCK_MONOTONIC, &start);
    assert_true(wait_for_success(start_process(&fixture)));
    clock_gettime(CLOCK_MONOTONIC, &end);
    arena_done(&fixture.arena);
    return (uint64_t)((end.tv_sec - start.tv_sec) * 1000000 + (end.tv_nsec - start.tv_nsec) / 1000);
}

/* Starts and kills loads until one comes through; the number of those that did not. */
static unsigned load_under_fire(struct fixture *fixture, uint64_t load_us)
{
    enum { KILLS_MAX = 10 };
    for (unsigned kills = 0;; kills++) {
        pid_t pid = start_process(fixture);
        if (kills < KILLS_MAX) {
            sleep_us(next_random() % load_us);
            (void)kill(pid, SIGKILL);
        }
        if (wait_for_success(pid))
            return kills;
    }
}

static void kill_9_at_any_point_loses_and_doubles_nothing(void **state)
{
    (void)state;
    enum { ROUNDS = 6 };
    unsigned killed = 0;
    uint64_t load_us = measure_load_us();
    random_state = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)random_state);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct fixture fixture;
        char name[32];
        snprintf(name, sizeof name, "killed%u", round);
        fixture_begin_ready(&fixture, name);
        unsigned kills = load_under_fire(&fixture, load_us);
        killed += kills;
        load_us = kills ? load_us : load_us / 2; /* it was measured on a machine that was slower than now */
        expect_all_orders(&fixture);
        arena_done(&fixture.arena);
    }
    print_message("killed %u times, a load takes %llu us\n", killed, (unsigned long long)load_us);
    assert_true(killed > 0);
}

/* Waits until the query gives more than 0. */
static void wait_until(const struct fixture *fixture, const char *sql)
{
    enum { POLL_US = 2000, POLLS_MAX = 20000 };
    struct pg_conn *conn = harness_connect(fixture->uri);
    unsigned polls = 0;
    while (harness_int64(conn, sql) <= 0 && polls++ < POLLS_MAX)
        sleep_us(POLL_US);
    pg_close(conn);
    assert_true(polls < POLLS_MAX);
}

static void several_processes_share_a_load(void **state)
{
    (void)state;
    enum { PROCESSES = 3 };
    struct fixture fixture;
    pid_t pids[PROCESSES];
    fixture_begin_ready(&fixture, "shared");
    for (size_t i = 0; i < PROCESSES; i++)
        pids[i] = start_process(&fixture);
    sleep_us(50000);
    (void)kill(pids[0], SIGKILL); /* what it was at is done by the others */
    (void)wait_for_success(pids[0]);
    for (size_t i = 1; i < PROCESSES; i++)
        assert_true(wait_for_success(pids[i]));
    expect_all_orders(&fixture);
    /* The one that was killed may have had nothing in hand yet; then whoever comes next buries it. */
    wait_until(&fixture,
               "SELECT (NOT EXISTS (SELECT FROM landfall.worker w JOIN pg_stat_activity a ON a.pid = w.backend))::integer");
    exec(&fixture, "SELECT landfall.bury_workers()");
    expect_int64(&fixture, "SELECT count(*) FROM landfall.worker", 0);
    expect_int64(&fixture, "SELECT count(*) FROM landfall.lease", 0);
    arena_done(&fixture.arena);
}

/* A process that is halted keeps its sessions, and with them a chunk; when its time is up they are ended. */
static void a_process_that_hangs_is_replaced(void **state)
{
    (void)state;
    struct fixture fixture;
    struct backfill_result result;
    fixture_begin_ready(&fixture, "hangs");
    fixture.options.lease_seconds = 1;
    exec(&fixture, "CREATE FUNCTION public.wait() RETURNS trigger LANGUAGE plpgsql AS"
                   " 'BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NEW; END';"
                   "CREATE TRIGGER gate BEFORE INSERT ON shop.orders FOR EACH ROW EXECUTE FUNCTION public.wait()");
    struct pg_conn *gate = harness_connect(fixture.uri);
    harness_exec(gate, "SELECT pg_advisory_lock(1)");
    pid_t pid = start_process(&fixture);
    wait_until(&fixture, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted");
    assert_int_equal(kill(pid, SIGSTOP), 0);
    harness_exec(gate, "SELECT pg_advisory_unlock(1)");
    expect_loads(&fixture, &result);
    expect_all_orders(&fixture);
    (void)kill(pid, SIGKILL);
    (void)wait_for_success(pid);
    pg_close(gate);
    arena_done(&fixture.arena);
}

/* While one builds the indexes the others wait, and all give the same totals. */
static void one_process_builds_the_indexes(void **state)
{
    (void)state;
    struct fixture fixture;
    struct backfill_result result;
    fixture_begin_ready(&fixture, "indexes");
    expect_loads(&fixture, &result);
    exec(&fixture, "INSERT INTO landfall.worker (work, host, process, expires_at, backend, backend_start)"
                   " SELECT 'load 1', 'elsewhere', 1, now() + interval '1 hour', pid, backend_start FROM pg_stat_activity"
                   " WHERE backend_type = 'checkpointer';"
                   "INSERT INTO landfall.lease (work, part, holder) SELECT 'load 1', 2147483647, id FROM landfall.worker");
    pid_t pid = start_process(&fixture);
    wait_until(&fixture, "SELECT count(*) - 1 FROM landfall.worker");
    exec(&fixture, "UPDATE landfall.load SET indexed_at = clock_timestamp() + interval '1 hour'");
    exec(&fixture, "DELETE FROM landfall.worker WHERE host = 'elsewhere'");
    assert_true(wait_for_success(pid));
    expect_int64(&fixture, "SELECT count(*) FROM landfall.load WHERE indexed_at > now()", 1); /* it was not done again */
    arena_done(&fixture.arena);
}

/* Processes that waited say what the one that built them moved, but not what was moved before they began. */
static void moved_items_are_on_record_for_others(void **state)
{
    (void)state;
    struct fixture fixture;
    struct backfill_result result;
    struct violations before, recalled;
    struct err err = ERR_INIT;
    struct violation moved[] = {
        { .table = SPAN("orders"),
          .constraint = SPAN("orders_pkey"),
          .items = 3,
          .keys = { SPAN("a\"1\\"), SPAN("b") },
          .key_count = 2 },
        { .table = SPAN("order_line"), .constraint = SPAN("x"), .items = 1, .is_rejected = true },
    };
    fixture_begin_ready(&fixture, "recorded");
    expect_loads(&fixture, &result);
    struct pg_conn *conn = harness_connect(fixture.uri);
    violations_init(&before, &fixture.arena);
    violations_init(&recalled, &fixture.arena);
    before.items = moved;
    before.count = 2;
    harness_check(violations_record(conn, 1, &before, &err), &err);
    harness_exec(conn, "INSERT INTO landfall.worker (id, work, host, process, expires_at, backend, backend_start)"
                       " VALUES (77, 'load 1', '', 1, now(), 1, now())");
    harness_check(violations_recall(conn, 1, 77, &recalled, &err), &err);
    assert_int_equal(recalled.count, 0);
    harness_exec(conn, "UPDATE landfall.worker SET started_at = now() - interval '1 hour'");
    harness_check(violations_recall(conn, 1, 77, &recalled, &err), &err);
    assert_int_equal(recalled.count, 2);
    assert_int_equal(recalled.moved, 3);
    assert_int_equal(recalled.rejected, 1);
    assert_true(span_equal(recalled.items[0].table, moved[0].table));
    assert_true(span_equal(recalled.items[0].constraint, moved[0].constraint));
    assert_int_equal(recalled.items[0].key_count, 2);
    assert_true(span_equal(recalled.items[0].keys[0], moved[0].keys[0]));
    assert_true(span_equal(recalled.items[0].keys[1], moved[0].keys[1]));
    assert_true(recalled.items[1].is_rejected);
    assert_int_equal(recalled.items[1].key_count, 0);
    pg_close(conn);
    arena_done(&fixture.arena);
}

static void expect_text(const char *path, const char *want)
{
    char text[4096];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t len = fread(text, 1, sizeof text - 1, file);
    assert_int_equal(fclose(file), 0);
    text[len] = '\0';
    assert_string_equal(text, want);
}

static void bad_lines_stop_or_are_kept(void **state)
{
    (void)state;
    static const char good[] = "{\"Item\":{\"pk\":{\"S\":\"customer#a\"},\"sk\":{\"S\":\"order#1\"},\"type\":{\"S\":\"order\"},"
                               "\"customer\":{\"S\":\"a\"},\"number\":{\"N\":\"1\"},\"lines\":{\"L\":[]}}}\n";
    static const char bad[] = "{\"Item\":{\"pk\":{\"S\":7}}}\r\n"
                              "not JSON \xff\n"
                              "{\"Item\":{\"pk\":{\"S\":\"no sort key\"}}}\n";
    char text[2048];
    struct fixture fixture;
    struct backfill_result result;
    snprintf(text, sizeof text, "%s\n%s", good, bad);
    fixture_begin(&fixture, "bad_lines");
    migrate_tables(&fixture);
    write_file(fixture.source_dir, "a.jsonl", text);
    expect_error(&fixture, LF_ITEM, "source/a.jsonl:3: byte 19: ");
    expect_int64(&fixture, "SELECT count(*) FROM shop.orders", 0);
    expect_int64(&fixture, "SELECT count(*) FROM landfall.segment", 0);

    fixture.options.rejects = fixture.rejects;
    for (unsigned run = 0; run < 2; run++) {
        expect_loads(&fixture, &result);
        assert_int_equal(result.totals.items, 1);
        assert_int_equal(result.totals.rejected, 3);
        expect_text(fixture.rejects, bad);
        assert_int_equal(unlink(fixture.rejects), 0);
        expect_int64(&fixture, "SELECT count(*) FROM shop.orders", 1);
        expect_int64(&fixture, "SELECT count(*) FROM landfall.reject", 3);
        expect_int64(&fixture, "SELECT sum(line)::bigint FROM landfall.reject WHERE file = 'a.jsonl' AND reason <> ''",
                     3 + 4 + 5);
    }
    arena_done(&fixture.arena);
}

static void rejects_that_cannot_be_written_stop_before_the_load(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_begin_ready(&fixture, "no_rejects");
    join_path(fixture.rejects, fixture.dir, "absent/rejects");
    fixture.options.rejects = fixture.rejects;
    expect_error(&fixture, LF_IO, "absent/rejects");
    expect_int64(&fixture, "SELECT count(*) FROM landfall.load", 0);
    arena_done(&fixture.arena);
}

static void a_row_that_breaks_a_constraint_is_kept_whole(void **state)
{
    (void)state;
    struct fixture fixture;
    struct backfill_result result;
    fixture_begin_ready(&fixture, "breaks");
    exec(&fixture, "ALTER TABLE shop.orders ADD CONSTRAINT mine CHECK (number <> 777)");
    exec(&fixture, "ALTER TABLE shop.order_line ADD CONSTRAINT mine CHECK (sku <> 'b1234')");
    expect_loads(&fixture, &result);
    assert_int_equal(rows_of(&result, "orders"), CLAIMED - 2);
    assert_int_equal(rows_of(&result, "order_line"), 2 * (CLAIMED - 2));
    assert_int_equal(result.totals.unclaimed, ITEMS / UNCLAIMED_EVERY + 2);
    expect_int64(&fixture, "SELECT count(*) FROM shop.orders", CLAIMED - 2);
    expect_int64(&fixture, "SELECT count(*) FROM shop.order_line", 2 * (CLAIMED - 2));
    expect_int64(
        &fixture,
        "SELECT count(*) FROM landfall.item WHERE reason LIKE '%\"mine\"%' AND item -> 'number' ->> 'N' IN ('777', '1234')", 2);
    expect_sums(&fixture);
    arena_done(&fixture.arena);
}

static void refuses_what_was_not_prepared(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_begin(&fixture, "unprepared");
    write_orders(&fixture);
    expect_error(&fixture, LF_PRECONDITION, "migrate up");
    migrate_tables(&fixture);
    exec(&fixture, "INSERT INTO shop.orders (number, customer) VALUES (1, 'by hand')");
    expect_error(&fixture, LF_PRECONDITION, "shop.orders already holds rows");
    exec(&fixture, "DELETE FROM shop.orders;"
                   "INSERT INTO landfall.item VALUES ('shop', '', '', '', '{}', 'by hand')");
    expect_error(&fixture, LF_PRECONDITION, "landfall.item already holds rows");
    exec(&fixture, "DELETE FROM landfall.item");
    struct backfill_result result;
    expect_loads(&fixture, &result);
    expect_all_orders(&fixture);

    write_file(fixture.source_dir, "more.jsonl", "\n");
    expect_error(&fixture, LF_PRECONDITION, "no load of this source is on record");
    arena_done(&fixture.arena);
}

static void refuses_another_map_for_the_same_source(void **state)
{
    (void)state;
    struct fixture fixture;
    struct backfill_result result;
    fixture_begin_ready(&fixture, "other_map");
    expect_loads(&fixture, &result);
    char yaml[sizeof map_yaml + 32];
    snprintf(yaml, sizeof yaml, "# edited\n%s", map_yaml);
    read_map(&fixture, yaml);
    expect_error(&fixture, LF_PRECONDITION, "another map");
    arena_done(&fixture.arena);
}

static void compares_the_map_with_the_tables(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_begin_ready(&fixture, "columns");
    exec(&fixture, "ALTER TABLE shop.orders RENAME note TO remark");
    expect_error(&fixture, LF_MAP, "line 15 of the map: table shop.orders has no column note");
    exec(&fixture, "ALTER TABLE shop.orders ADD note varchar(20)");
    expect_error(&fixture, LF_MAP, "column note of table shop.orders is character varying(20), not text");
    exec(&fixture, "ALTER TABLE shop.orders DROP note, ADD note text GENERATED ALWAYS AS ('x') STORED");
    expect_error(&fixture, LF_MAP, "is generated");
    exec(&fixture,
         "ALTER TABLE shop.orders DROP note, ADD note text; ALTER TABLE shop.order_line ALTER sku TYPE bytea USING NULL");
    expect_error(&fixture, LF_MAP, "column sku of table shop.order_line is bytea, not text");
    exec(&fixture, "ALTER TABLE shop.order_line ALTER sku TYPE text USING NULL; ALTER TABLE shop.orders DROP ddb_extra");
    expect_error(&fixture, LF_PRECONDITION, "contract");
    arena_done(&fixture.arena);
}

static void the_source_must_be_in_the_map(void **state)
{
    (void)state;
    struct fixture fixture;
    fixture_begin_ready(&fixture, "not_in_map");
    char yaml[sizeof map_yaml];
    strcpy(yaml, map_yaml);
    memcpy(strstr(yaml, "  shop:\n    key"), "  shoe", 6);
    read_map(&fixture, yaml);
    expect_error(&fixture, LF_MAP, "the map has no table shop");
    arena_done(&fixture.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_everything_once),
        cmocka_unit_test(an_interrupted_load_goes_on),
        cmocka_unit_test(a_large_file_is_loaded_in_many_chunks),
        cmocka_unit_test(kill_9_at_any_point_loses_and_doubles_nothing),
        cmocka_unit_test(several_processes_share_a_load),
        cmocka_unit_test(a_process_that_hangs_is_replaced),
        cmocka_unit_test(one_process_builds_the_indexes),
        cmocka_unit_test(moved_items_are_on_record_for_others),
        cmocka_unit_test(bad_lines_stop_or_are_kept),
        cmocka_unit_test(rejects_that_cannot_be_written_stop_before_the_load),
        cmocka_unit_test(a_row_that_breaks_a_constraint_is_kept_whole),
        cmocka_unit_test(refuses_what_was_not_prepared),
        cmocka_unit_test(refuses_another_map_for_the_same_source),
        cmocka_unit_test(compares_the_map_with_the_tables),
        cmocka_unit_test(the_source_must_be_in_the_map),
    };
    return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
