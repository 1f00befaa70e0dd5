/* Keys on the disk: what is promised survives, what is not is not there, and nothing is noted while others trust the gateway. */
#include "../base/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/journal.h"

enum { FIBERS = 16, DRAIN_MS = 5000, KEYS_MAX = 64, LANDS_MS = 777000, NOW_MS = 1000000, PATH_BYTES = 64 };

struct fixture {
    char folder[PATH_BYTES], path[2 * PATH_BYTES];
    struct loop *loop;
    struct loop_task task;
    struct journal *journal;
    void (*body)(struct fixture *f);
};

static void open_with(struct fixture *f, size_t bytes_max)
{
    struct err err = ERR_INIT;
    const struct journal_options options = { .folder = f->folder, .bytes_max = bytes_max, .lands_ms = LANDS_MS };
    assert_ok(err, journal_open(&options, &f->journal, &err));
}

static void open_again(struct fixture *f)
{
    journal_close(f->journal);
    open_with(f, JOURNAL_BYTES_MAX);
}

static int setup(void **state)
{
    static struct fixture fixture;
    struct err err = ERR_INIT;
    fixture = (struct fixture){ .folder = "/tmp/landfall-journal-XXXXXX" };
    if (!mkdtemp(fixture.folder) || loop_new(FIBERS, &fixture.loop, &err))
        return -1;
    (void)snprintf(fixture.path, sizeof fixture.path, "%s/gateway.journal", fixture.folder);
    open_with(&fixture, JOURNAL_BYTES_MAX);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    journal_close(f->journal);
    loop_free(f->loop);
    return unlink(f->path) || rmdir(f->folder);
}

/* Runs a test's body on a fiber. */
static void run_body(void *context)
{
    struct fixture *f = context;
    f->body(f);
    loop_stop(f->loop);
}

static void start_body(void *context)
{
    struct fixture *f = context;
    struct err err = ERR_INIT;
    assert_ok(err, fiber_start(loop_fibers(f->loop), run_body, f, &err));
}

static void on_fiber(void **state, void (*body)(struct fixture *f))
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    f->body = body;
    f->task = (struct loop_task){ .run = start_body, .context = f };
    loop_post(f->loop, &f->task);
    assert_ok(err, loop_run(f->loop, DRAIN_MS, &err));
}

static struct journal_record key_of(size_t number)
{
    static char texts[KEYS_MAX][16];
    (void)snprintf(texts[number], sizeof texts[number], "key %02zu", number);
    return (struct journal_record){ SPAN("things"), SPAN("0123456789abcdef"), span_from_cstr(texts[number]), SPAN("{\"pk\":1}") };
}

static enum lf_code begin_at(struct fixture *f, int64_t now_ms, size_t first, size_t count, struct journal_entry **entries)
{
    struct err err = ERR_INIT;
    struct journal_record keys[KEYS_MAX];
    for (size_t i = 0; i < count; i++)
        keys[i] = key_of(first + i);
    return journal_begin(f->journal, f->loop, now_ms, keys, count, entries, &err);
}

/* Begun and ended. */
static enum lf_code note(struct fixture *f, size_t first, size_t count)
{
    struct journal_entry *entries[KEYS_MAX];
    enum lf_code code = begin_at(f, NOW_MS, first, count, entries);
    if (!code)
        journal_end(f->journal, entries, count, 0);
    return code;
}

static size_t count_of(struct fixture *f)
{
    struct journal_due due[KEYS_MAX];
    return journal_list(f->journal, due, KEYS_MAX);
}

/* What is noted is there again
 * -----------------------------------------------------------------------------------------------------
 */

static void note_and_open_again(struct fixture *f)
{
    struct journal_due due[KEYS_MAX];
    char id[JOURNAL_ID_BYTES];
    (void)snprintf(id, sizeof id, "%s", journal_id(f->journal));
    assert_int_equal(note(f, 0, 3), LF_OK);
    assert_int_equal(note(f, 2, 2), LF_OK);
    open_again(f);
    assert_string_equal(journal_id(f->journal), id);
    assert_int_equal(journal_list(f->journal, due, KEYS_MAX), 4);
    for (size_t i = 0; i < 4; i++) {
        struct journal_record key = key_of(i);
        assert_true(span_equal(due[i].key.table, key.table) && span_equal(due[i].key.h, key.h));
        assert_true(span_equal(due[i].key.sk, key.sk) && span_equal(due[i].key.key, key.key));
        assert_int_equal(due[i].lands_ms, LANDS_MS);
    }
}

static void test_kept(void **state)
{
    on_fiber(state, note_and_open_again);
}

static size_t size_of(const struct fixture *f)
{
    struct stat status;
    assert_int_equal(stat(f->path, &status), 0);
    return (size_t)status.st_size;
}

/* A crash may leave any part of what was being written, and zeros or other bytes behind it. */
static void tear(struct fixture *f)
{
    size_t sizes[4];
    for (size_t i = 0; i < 3; i++) {
        sizes[i] = size_of(f);
        assert_int_equal(note(f, i, 1), LF_OK);
    }
    sizes[3] = size_of(f);
    for (size_t size = sizes[3]; size >= sizes[0]; size--) {
        journal_close(f->journal);
        assert_int_equal(truncate(f->path, (off_t)size), 0);
        assert_int_equal(truncate(f->path, (off_t)size + (size % 2 ? 0 : 40)), 0);
        open_with(f, JOURNAL_BYTES_MAX);
        assert_int_equal(count_of(f), size < sizes[1] ? 0 : size < sizes[2] ? 1 : size < sizes[3] ? 2 : 3);
    }
    assert_int_equal(note(f, 5, 1), LF_OK);
    open_again(f);
    assert_int_equal(count_of(f), 1);
}

static void test_torn(void **state)
{
    on_fiber(state, tear);
}

static void flip_a_bit(const struct fixture *f, off_t at)
{
    char byte;
    int fd = open(f->path, O_RDWR);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 4;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    (void)close(fd);
}

static void damage(struct fixture *f)
{
    assert_int_equal(note(f, 0, 1), LF_OK);
    size_t size = size_of(f);
    assert_int_equal(note(f, 1, 1), LF_OK);
    journal_close(f->journal);
    flip_a_bit(f, (off_t)size + 20);
    open_with(f, JOURNAL_BYTES_MAX);
    assert_int_equal(count_of(f), 1);
}

static void test_damaged(void **state)
{
    on_fiber(state, damage);
}

static void test_not_ours(void **state)
{
    struct fixture *f = *state;
    struct err err = ERR_INIT;
    struct journal *second = NULL;
    const struct journal_options options = { .folder = f->folder, .bytes_max = JOURNAL_BYTES_MAX };
    assert_int_equal(journal_open(&options, &second, &err), LF_PRECONDITION);
    journal_close(f->journal);
    f->journal = NULL;
    flip_a_bit(f, 3);
    err = (struct err)ERR_INIT;
    assert_int_equal(journal_open(&options, &second, &err), LF_SOURCE);
}

/* Limits
 * ---------------------------------------------------------------------------------------------------------------------------
 */

/* Of memory that a key takes, by trial. */
static size_t bytes_of_key(struct fixture *f)
{
    size_t bytes = 0;
    do {
        journal_close(f->journal);
        open_with(f, ++bytes);
    } while (note(f, 0, 1));
    return bytes;
}

static void fill(struct fixture *f)
{
    size_t bytes = bytes_of_key(f);
    journal_close(f->journal);
    (void)unlink(f->path);
    open_with(f, 3 * bytes);
    assert_int_equal(note(f, 0, 4), LF_LIMIT);
    assert_true(journal_is_empty(f->journal));
    assert_int_equal(note(f, 0, 3), LF_OK);
    assert_int_equal(note(f, 3, 1), LF_LIMIT);
    assert_int_equal(note(f, 0, 3), LF_OK);
    journal_close(f->journal);
    open_with(f, bytes);
    assert_int_equal(count_of(f), 3);
}

static void test_full(void **state)
{
    on_fiber(state, fill);
}

static void set_file_size(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void refuse(struct fixture *f)
{
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(note(f, 0, 1), LF_OK);
    set_file_size(size_of(f) + 10);
    assert_int_equal(note(f, 1, 2), LF_IO);
    assert_int_equal(count_of(f), 1);
    assert_int_equal(note(f, 0, 1), LF_OK);
    set_file_size(RLIM_INFINITY);
    assert_int_equal(note(f, 3, 1), LF_OK);
    open_again(f);
    assert_int_equal(count_of(f), 2);
}

static void test_disk_full(void **state)
{
    on_fiber(state, refuse);
}

/* Others
 * -------------------------------------------------------------------------------------------------------------------------
 */

static void claim(struct fixture *f)
{
    struct journal_entry *entries[1];
    assert_true(journal_claim(f->journal, NOW_MS));
    assert_int_equal(begin_at(f, NOW_MS + JOURNAL_OPENS_MS - 1, 0, 1, entries), LF_INTERNAL_SERVER);
    assert_true(journal_is_empty(f->journal));
    assert_int_equal(begin_at(f, NOW_MS + JOURNAL_OPENS_MS, 0, 1, entries), LF_OK);
    assert_false(journal_claim(f->journal, NOW_MS + JOURNAL_OPENS_MS));
    assert_int_equal(count_of(f), 0);
    journal_end(f->journal, entries, 1, LANDS_MS);
    assert_int_equal(count_of(f), 1);
    assert_false(journal_claim(f->journal, NOW_MS + JOURNAL_OPENS_MS));
}

static void test_claim(void **state)
{
    on_fiber(state, claim);
}

/* Also what is noted already does not make others believe any less what the former process has claimed. */
static void hold(struct fixture *f)
{
    struct journal_entry *entries[1];
    assert_int_equal(note(f, 0, 1), LF_OK);
    open_again(f);
    journal_hold(f->journal, NOW_MS);
    assert_int_equal(begin_at(f, NOW_MS + JOURNAL_OPENS_MS - 1, 0, 1, entries), LF_INTERNAL_SERVER);
    assert_int_equal(begin_at(f, NOW_MS + JOURNAL_OPENS_MS, 0, 1, entries), LF_OK);
}

static void test_hold(void **state)
{
    on_fiber(state, hold);
}

static void tell(struct fixture *f)
{
    struct journal_due due[KEYS_MAX];
    assert_int_equal(note(f, 0, 4), LF_OK);
    assert_int_equal(journal_list(f->journal, due, 3), 3);
    due[1].is_told = due[2].is_told = true;
    assert_int_equal(note(f, 2, 1), LF_OK); /* written again while it is being told */
    journal_told(f->journal, due, 3);
    assert_int_equal(journal_list(f->journal, due, KEYS_MAX), 3);
    assert_true(span_equal(due[0].key.sk, key_of(3).sk)); /* what had to wait stands behind */
    assert_true(span_equal(due[1].key.sk, key_of(0).sk));
    for (size_t i = 0; i < 3; i++)
        due[i].is_told = true;
    journal_told(f->journal, due, 3);
    assert_true(journal_claim(f->journal, 0));
    open_again(f);
    assert_true(journal_is_empty(f->journal));
}

static void test_told(void **state)
{
    on_fiber(state, tell);
}

/* The latest time until which something may land stays. */
static void end_twice(struct fixture *f)
{
    struct journal_entry *first[1], *second[1];
    struct journal_due due[1];
    assert_int_equal(begin_at(f, NOW_MS, 0, 1, first), LF_OK);
    assert_int_equal(begin_at(f, NOW_MS, 0, 1, second), LF_OK);
    journal_end(f->journal, first, 1, LANDS_MS);
    assert_int_equal(count_of(f), 0);
    journal_end(f->journal, second, 1, 0);
    assert_int_equal(journal_list(f->journal, due, 1), 1);
    assert_int_equal(due[0].lands_ms, LANDS_MS);
}

static void test_two_writes_of_a_key(void **state)
{
    on_fiber(state, end_twice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_torn, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_ours, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_disk_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_claim, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hold, setup, teardown),
        cmocka_unit_test_setup_teardown(test_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_writes_of_a_key, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
