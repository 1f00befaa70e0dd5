#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "map/infer/sketch.h"

static struct err err;

static uint64_t hash_of(uint64_t number)
{
    return hash64(span_of((const char *)&number, sizeof number), 7);
}

static void add_range(struct hash_sample *sample, uint64_t first, uint64_t end)
{
    for (uint64_t i = first; i < end; i++)
        assert_int_equal(hash_sample_add(sample, hash_of(i), NULL, &err), LF_OK);
}

static void samples_are_exact_up_to_their_limit(void **state)
{
    (void)state;
    for (uint64_t count = 1023; count <= 1025; count++) {
        struct hash_sample sample;
        hash_sample_init(&sample, 1024);
        add_range(&sample, 0, count);
        add_range(&sample, 0, count);
        assert_int_equal(hash_sample_is_exact(&sample), count <= 1024);
        if (count <= 1024)
            assert_int_equal(hash_sample_distinct(&sample), count);
        hash_sample_done(&sample);
    }
}

static void full_samples_estimate(void **state)
{
    (void)state;
    struct hash_sample sample;
    hash_sample_init(&sample, 1024);
    add_range(&sample, 0, 100000);
    assert_in_range(hash_sample_distinct(&sample), 90000, 110000);
    assert_true(sample.count <= 1024);
    hash_sample_done(&sample);
}

static void merging_is_as_if_one_had_seen_all(void **state)
{
    (void)state;
    struct hash_sample whole, left, right;
    hash_sample_init(&whole, 512);
    hash_sample_init(&left, 512);
    hash_sample_init(&right, 512);
    add_range(&whole, 0, 30000);
    add_range(&left, 0, 100);
    add_range(&right, 50, 30000);
    bool overlaps;
    assert_int_equal(hash_sample_merge(&left, &right, &overlaps, &err), LF_OK);
    assert_int_equal(hash_sample_distinct(&left), hash_sample_distinct(&whole));
    struct containment c = hash_sample_contained(&left, &whole);
    assert_int_equal(c.checked, whole.count);
    assert_int_equal(c.orphans, 0);
    hash_sample_done(&whole);
    hash_sample_done(&left);
    hash_sample_done(&right);
}

static void orphans_are_found_across_sample_rates(void **state)
{
    (void)state;
    struct hash_sample parent, child;
    hash_sample_init(&parent, 512);
    hash_sample_init(&child, 512);
    add_range(&parent, 0, 20000);
    add_range(&child, 0, 300);
    assert_int_equal(hash_sample_contained(&child, &parent).orphans, 0);
    add_range(&child, 20000, 20300);
    struct containment c = hash_sample_contained(&child, &parent);
    assert_true(c.checked > 0);
    assert_true(c.orphans > 0);
    hash_sample_done(&parent);
    hash_sample_done(&child);
}

static bool all_distinct(uint64_t count, uint64_t duplicate_of, uint64_t budget, uint64_t split)
{
    _Atomic uint64_t used = 0;
    struct uniqueness left, right;
    uniqueness_init(&left);
    uniqueness_init(&right);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t value = i + 1 == count && duplicate_of < count ? duplicate_of : i;
        assert_int_equal(uniqueness_add(i < split ? &left : &right, hash_of(value), &used, budget, &err), LF_OK);
    }
    assert_int_equal(uniqueness_merge(&left, &right, &err), LF_OK);
    bool proven = uniqueness_prove(&left, count);
    uniqueness_done(&left);
    uniqueness_done(&right);
    return proven;
}

static void one_duplicate_in_many_is_found(void **state)
{
    (void)state;
    assert_true(all_distinct(50000, UINT64_MAX, 1 << 20, 20000));
    assert_false(all_distinct(50000, 123, 1 << 20, 20000));
    assert_false(all_distinct(50000, 30000, 1 << 20, 20000));
    assert_false(all_distinct(50000, 49998, 1 << 20, 50000));
}

static void nothing_is_proven_past_the_budget(void **state)
{
    (void)state;
    assert_true(all_distinct(1000, UINT64_MAX, 8 * 1000, 500));
    assert_false(all_distinct(1001, UINT64_MAX, 8 * 1000, 500));
}

static void small_sets_overflow_at_their_size(void **state)
{
    (void)state;
    struct small_set set = { .count = 0 };
    for (unsigned i = 0; i < SMALL_SET_VALUES; i++) {
        char text = (char)('z' - i);
        small_set_add(&set, span_of(&text, 1), 2);
    }
    assert_false(set.overflow);
    small_set_sort(&set);
    assert_int_equal(set.values[0][0], 'z' - SMALL_SET_VALUES + 1);
    assert_int_equal(set.counts[0], 2);
    small_set_add(&set, SPAN("A"), 1);
    assert_true(set.overflow);
}

static void long_values_are_no_small_set(void **state)
{
    (void)state;
    char text[SMALL_SET_VALUE_BYTES + 1];
    memset(text, 'x', sizeof text);
    struct small_set set = { .count = 0 };
    small_set_add(&set, span_of(text, SMALL_SET_VALUE_BYTES), 1);
    assert_false(set.overflow);
    small_set_add(&set, span_of(text, SMALL_SET_VALUE_BYTES + 1), 1);
    assert_true(set.overflow);
}

static void examples_do_not_depend_on_order(void **state)
{
    (void)state;
    struct examples forward = { .count = 0 }, backward = { .count = 0 };
    const char *texts[] = { "one", "two", "three", "four", "five", "one" };
    for (size_t i = 0; i < 6; i++) {
        struct span f = span_from_cstr(texts[i]), b = span_from_cstr(texts[5 - i]);
        examples_add(&forward, hash64(f, 0), f);
        examples_add(&backward, hash64(b, 0), b);
    }
    assert_int_equal(forward.count, EXAMPLES);
    for (unsigned i = 0; i < EXAMPLES; i++)
        assert_true(span_equal(span_of(forward.texts[i], forward.lengths[i]), span_of(backward.texts[i], backward.lengths[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_exact_up_to_their_limit), cmocka_unit_test(full_samples_estimate),
        cmocka_unit_test(merging_is_as_if_one_had_seen_all),   cmocka_unit_test(orphans_are_found_across_sample_rates),
        cmocka_unit_test(one_duplicate_in_many_is_found),      cmocka_unit_test(nothing_is_proven_past_the_budget),
        cmocka_unit_test(small_sets_overflow_at_their_size),   cmocka_unit_test(long_values_are_no_small_set),
        cmocka_unit_test(examples_do_not_depend_on_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
