#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "move/parity.h"

enum { ITEMS = 5000, ENTRY_BYTES = 26 };

static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return random_state >> 33;
}

static void seed_random(void)
{
    random_state = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)random_state);
}

typedef void change_parity(struct parity *parity, const struct key *key, const struct item *item);

/* By an item of two strings. */
static void change(change_parity *change_by, struct parity *parity, unsigned key_number, unsigned value_number)
{
    char key_text[32], value_text[32];
    int key_len = snprintf(key_text, sizeof key_text, "key#%u", key_number);
    int value_len = snprintf(value_text, sizeof value_text, "value %u", value_number);
    struct key key = { .partition = span_of(key_text, (size_t)key_len) };
    struct attribute attributes[] = {
        { SPAN("pk"), value_string(key.partition) },
        { SPAN("v"), value_string(span_of(value_text, (size_t)value_len)) },
    };
    change_by(parity, &key, &(struct item){ attributes, 2 });
}

static void add_item(struct parity *parity, unsigned key_number, unsigned value_number)
{
    change(parity_add_item, parity, key_number, value_number);
}

static bool parity_equal(const struct parity *a, const struct parity *b)
{
    for (size_t i = 0; i < PARITY_SEGMENTS; i++)
        if (a->segments[i].count != b->segments[i].count || !hash128_equal(a->segments[i].sum, b->segments[i].sum))
            return false;
    return true;
}

static void sums_do_not_depend_on_order_or_parts(void **state)
{
    (void)state;
    static struct parity forward, parts[3], sum;
    unsigned order[ITEMS];
    seed_random();
    for (unsigned i = 0; i < ITEMS; i++) {
        order[i] = i;
        add_item(&forward, i, i);
    }
    for (size_t i = ITEMS - 1; i > 0; i--) {
        size_t other = next_random() % (i + 1);
        unsigned swap = order[i];
        order[i] = order[other];
        order[other] = swap;
    }
    for (size_t i = 0; i < ITEMS; i++)
        add_item(&parts[next_random() % 3], order[i], order[i]);
    for (size_t i = 0; i < 3; i++)
        parity_add(&sum, &parts[i]);
    assert_true(parity_equal(&forward, &sum));
    assert_int_equal(parity_count(&sum), ITEMS);
}

static void every_difference_shows(void **state)
{
    (void)state;
    static struct parity a, b, twice;
    add_item(&a, 1, 1);
    add_item(&b, 1, 2);
    assert_false(parity_equal(&a, &b));
    add_item(&twice, 1, 1);
    add_item(&twice, 1, 1); /* equal pairs must not cancel out */
    assert_false(parity_equal(&a, &twice));
    assert_int_equal(parity_count(&twice), 2);
}

/* One by one or all at once, with borrows through both words of the sum. */
static void what_is_taken_away_was_never_there(void **state)
{
    (void)state;
    static struct parity kept, all, removed;
    seed_random();
    for (unsigned i = 0; i < ITEMS; i++) {
        bool is_kept = next_random() % 2;
        add_item(&all, i, i);
        add_item(is_kept ? &kept : &removed, i, i);
        if (!is_kept && next_random() % 2) {
            change(parity_subtract_item, &all, i, i);
            change(parity_subtract_item, &removed, i, i);
        }
    }
    parity_subtract(&all, &removed);
    assert_true(parity_equal(&all, &kept));
}

static void bytes_read_back_the_same(void **state)
{
    (void)state;
    static struct parity parity, read;
    struct err err = ERR_INIT;
    struct buf bytes;
    buf_init(&bytes, 1024 * 1024);
    parity_put(&bytes, &parity);
    assert_int_equal(bytes.len, 0);
    for (unsigned items = 1; items <= ITEMS; items *= 7) {
        buf_reset(&bytes);
        for (unsigned i = 0; i < items; i++)
            add_item(&parity, i, items);
        parity_put(&bytes, &parity);
        assert_int_equal(parity_read(buf_span(&bytes), &read, &err), LF_OK);
        assert_true(parity_equal(&parity, &read));
    }
    buf_done(&bytes);
}

static void layout_is_as_the_header_says(void **state)
{
    (void)state;
    static struct parity parity;
    parity.segments[255] = (struct parity_sum){ 258, { 3, 0x0405060708090a0b } };
    struct buf bytes;
    buf_init(&bytes, 1024);
    parity_put(&bytes, &parity);
    static const unsigned char want[ENTRY_BYTES] = { 0, 255, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0,  0,
                                                     0, 0,   0, 0, 3, 4, 5, 6, 7, 8, 9, 10, 11 };
    assert_int_equal(bytes.len, sizeof want);
    assert_memory_equal(bytes.data, want, sizeof want);
    buf_done(&bytes);
}

static void expect_refused(const unsigned char *bytes, size_t len)
{
    static struct parity parity;
    struct err err = ERR_INIT;
    assert_int_equal(parity_read(span_of((const char *)bytes, len), &parity, &err), LF_ROW);
}

static void other_bytes_are_refused(void **state)
{
    (void)state;
    unsigned char bytes[2 * ENTRY_BYTES] = { [1] = 5, [9] = 1, [ENTRY_BYTES + 1] = 6, [ENTRY_BYTES + 9] = 1 };
    static struct parity parity;
    struct err err = ERR_INIT;
    assert_int_equal(parity_read(span_of((const char *)bytes, sizeof bytes), &parity, &err), LF_OK);
    for (size_t len = 1; len < sizeof bytes; len++)
        if (len != ENTRY_BYTES)
            expect_refused(bytes, len);
    bytes[ENTRY_BYTES + 1] = 5; /* the same segment again */
    expect_refused(bytes, sizeof bytes);
    bytes[ENTRY_BYTES] = 1; /* segment 261 */
    expect_refused(bytes, sizeof bytes);
    bytes[ENTRY_BYTES] = 0;
    bytes[ENTRY_BYTES + 1] = 6;
    bytes[ENTRY_BYTES + 9] = 0; /* no items */
    expect_refused(bytes, sizeof bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_do_not_depend_on_order_or_parts), cmocka_unit_test(every_difference_shows),
        cmocka_unit_test(what_is_taken_away_was_never_there),   cmocka_unit_test(bytes_read_back_the_same),
        cmocka_unit_test(layout_is_as_the_header_says),         cmocka_unit_test(other_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
