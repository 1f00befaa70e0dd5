#include "move/live_keys.h"

#include "../base/unit.h"

enum { KEYS = 5000, KEY_BYTES = 12, BATCH_MAX = 300 };

static char bytes[KEYS][KEY_BYTES];
static struct key all[KEYS];

static void make_keys(void)
{
    for (size_t i = 0; i < KEYS; i++) {
        random_bytes(bytes[i], KEY_BYTES);
        all[i] = (struct key){ .partition = span_of(bytes[i], KEY_BYTES) };
    }
}

static void add_all(struct live_keys *keys)
{
    struct err err = ERR_INIT;
    for (size_t at = 0; at < KEYS;) {
        size_t count = random_below(BATCH_MAX);
        count = count < KEYS - at ? count : KEYS - at;
        assert_ok(err, live_keys_add(keys, &all[at], count, &err));
        at += count;
    }
}

static int compare_hashes(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static size_t count_in(const bool *segments)
{
    size_t count = 0;
    for (size_t i = 0; i < KEYS; i++)
        count += segments[key_segment(&all[i])];
    return count;
}

/* Every group has exactly the keys of its segments. */
static void check_group(const bool *segments, uint64_t *hashes, size_t count)
{
    assert_int_equal(count, count_in(segments));
    if (count)
        qsort(hashes, count, sizeof *hashes, compare_hashes);
    for (size_t i = 0; i < KEYS; i++) {
        uint64_t hash = key_hash(&all[i]);
        if (segments[key_segment(&all[i])])
            assert_non_null(bsearch(&hash, hashes, count, sizeof hash, compare_hashes));
    }
}

static unsigned take_all(struct live_keys *keys, uint64_t keys_max)
{
    unsigned groups = 0, times[PARITY_SEGMENTS] = { 0 };
    for (unsigned next = 0; next < PARITY_SEGMENTS; groups++) {
        struct err err = ERR_INIT;
        bool segments[PARITY_SEGMENTS];
        uint64_t *hashes;
        size_t count, in_group = 0;
        assert_ok(err, live_keys_take(keys, keys_max, &next, segments, &hashes, &count, &err));
        check_group(segments, hashes, count);
        free(hashes);
        for (size_t i = 0; i < PARITY_SEGMENTS; i++) {
            times[i] += segments[i];
            in_group += segments[i];
        }
        assert_true(in_group == 1 || count <= keys_max);
    }
    for (size_t i = 0; i < PARITY_SEGMENTS; i++)
        assert_int_equal(times[i], 1);
    return groups;
}

static void each_key_is_in_one_group(void **state)
{
    (void)state;
    struct live_keys keys;
    struct err err = ERR_INIT;
    make_keys();
    assert_ok(err, live_keys_open(&keys, &err));
    add_all(&keys);
    assert_int_equal(take_all(&keys, KEYS), 1);
    assert_int_equal(take_all(&keys, 0), PARITY_SEGMENTS);
    assert_true(take_all(&keys, KEYS - 1) == 2);
    for (int round = 0; round < 5; round++)
        (void)take_all(&keys, random_below(KEYS));
    live_keys_close(&keys);
}

static void nothing_seen_is_one_empty_group(void **state)
{
    (void)state;
    struct live_keys keys;
    struct err err = ERR_INIT;
    bool segments[PARITY_SEGMENTS];
    uint64_t *hashes;
    size_t count;
    unsigned next = 0;
    assert_ok(err, live_keys_open(&keys, &err));
    assert_ok(err, live_keys_take(&keys, 1, &next, segments, &hashes, &count, &err));
    assert_int_equal(next, PARITY_SEGMENTS);
    assert_int_equal(count, 0);
    free(hashes);
    live_keys_close(&keys);
    live_keys_close(&(struct live_keys){ 0 });
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_key_is_in_one_group),
                                        cmocka_unit_test(nothing_seen_is_one_empty_group) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
