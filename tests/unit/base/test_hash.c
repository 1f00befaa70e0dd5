#include "unit.h"

#include "base/hash.h"

/* Stored checksums must stay comparable from one version of xxHash or Landfall to the next. */
static void test_known_values(void **state)
{
    (void)state;
    assert_true(hash64(SPAN("landfall"), 0) == UINT64_C(0x15ac79834f500ed3));
    struct hash128 hash = hash128(SPAN("landfall"), 0);
    assert_true(hash.high == UINT64_C(0x292f3ea17a364687) && hash.low == UINT64_C(0x12f478013236aaf0));
    assert_true(hash64(span_of(NULL, 0), 0) == hash64(SPAN(""), 0));
    assert_true(hash64(SPAN("landfall"), 1) != hash64(SPAN("landfall"), 0));
}

static void test_sums_carry(void **state)
{
    (void)state;
    struct hash128 sum = hash128_add((struct hash128){ UINT64_MAX, 1 }, (struct hash128){ 1, 2 });
    assert_true(hash128_equal(sum, (struct hash128){ 0, 4 }));
    sum = hash128_add((struct hash128){ UINT64_MAX, UINT64_MAX }, (struct hash128){ 1, 0 });
    assert_true(hash128_equal(sum, (struct hash128){ 0, 0 }));
}

/* In any order and any grouping the sum is the same, and a pair does not cancel out. */
static void test_sums_commute(void **state)
{
    (void)state;
    for (int round = 0; round < 1000; round++) {
        struct hash128 a = { random_u64(), random_u64() }, b = { random_u64(), random_u64() }, c = { random_u64(), random_u64() };
        struct hash128 left = hash128_add(hash128_add(a, b), c), right = hash128_add(b, hash128_add(c, a));
        assert_true(hash128_equal(left, right));
        assert_false(hash128_equal(hash128_add(a, a), (struct hash128){ 0, 0 }));
    }
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_sums_carry),
        cmocka_unit_test(test_sums_commute),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
