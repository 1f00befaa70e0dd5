/* The shards of a stream: what is read when, what counts as read, and what is missing. */
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <setjmp.h>

#include <cmocka.h>

#include "move/follow/lineage.h"

enum { ARENA_BYTES = 1024 * 1024, SECOND_US = 1000000 };

struct fixture {
    struct arena arena;
    struct shards shards;
};

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    arena_init(&fixture->arena, ARENA_BYTES);
    shards_init(&fixture->shards, &fixture->arena);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    shards_done(&fixture->shards);
    arena_done(&fixture->arena);
    free(fixture);
    return 0;
}

static struct shard *add(struct fixture *fixture, const char *id, const char *parent)
{
    struct shard *shard = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(shards_add(&fixture->shards, span_from_cstr(id), span_from_cstr(parent), span_of(NULL, 0), &shard, &err),
                     LF_OK);
    shard->is_listed = true;
    return shard;
}

static void children_wait_for_their_parent(void **state)
{
    struct fixture *fixture = *state;
    struct shard *child = add(fixture, "b", "a"), *parent = add(fixture, "a", "");
    shards_link(&fixture->shards);
    assert_ptr_equal(shards_next(&fixture->shards), parent);
    parent->is_busy = true;
    assert_null(shards_next(&fixture->shards));
    parent->is_busy = false;
    parent->is_ended = true;
    assert_ptr_equal(shards_next(&fixture->shards), child);
    child->is_ended = true;
    assert_null(shards_next(&fixture->shards));
}

static void a_parent_that_is_not_known_is_not_waited_for(void **state)
{
    struct fixture *fixture = *state;
    struct shard *child = add(fixture, "b", "a");
    shards_link(&fixture->shards);
    assert_ptr_equal(shards_next(&fixture->shards), child);
}

static void what_is_due_first_is_read_first(void **state)
{
    struct fixture *fixture = *state;
    struct shard *late = add(fixture, "a", ""), *early = add(fixture, "b", "");
    late->due_us = 2;
    early->due_us = 1;
    assert_ptr_equal(shards_next(&fixture->shards), early);
    early->due_us = 3;
    assert_ptr_equal(shards_next(&fixture->shards), late);
}

/* Whatever the order of ending, each shard is read, and after its parent. */
static void random_families_are_read_in_order(void **state)
{
    enum { SHARDS = 200 };
    struct fixture *fixture = *state;
    unsigned seed = (unsigned)time(NULL);
    char id[16], parent[16];
    print_message("seed %u\n", seed);
    srand(seed);
    for (int i = SHARDS - 1; i >= 0; i--) {
        int of = i ? rand() % i : -1;
        (void)snprintf(id, sizeof id, "s%d", i);
        (void)snprintf(parent, sizeof parent, of >= 0 ? "s%d" : "", of);
        add(fixture, id, parent);
    }
    shards_link(&fixture->shards);
    for (int read = 0; read < SHARDS; read++) {
        struct shard *shard = shards_next(&fixture->shards);
        assert_non_null(shard);
        assert_true(!shard->parent || shard->parent->is_ended);
        shard->is_ended = true;
    }
    assert_null(shards_next(&fixture->shards));
}

static void gaps_are_shards_that_are_gone_and_parents_never_seen(void **state)
{
    struct fixture *fixture = *state;
    struct shard *old = add(fixture, "a", "before"), *young = NULL;
    shards_link(&fixture->shards);
    assert_null(shards_find_gap(&fixture->shards, 0));
    assert_null(shards_find_gap(&fixture->shards, 1));
    old->is_listed = false;
    assert_ptr_equal(shards_find_gap(&fixture->shards, 1), old);
    old->is_ended = true;
    assert_null(shards_find_gap(&fixture->shards, 1));
    young = add(fixture, "c", "b");
    shards_link(&fixture->shards);
    assert_ptr_equal(shards_find_gap(&fixture->shards, 1), young);
    assert_null(shards_find_gap(&fixture->shards, 0));
    (void)add(fixture, "b", "a");
    shards_link(&fixture->shards);
    assert_null(shards_find_gap(&fixture->shards, 1));
}

static void the_least_shard_says_how_far_all_are(void **state)
{
    struct fixture *fixture = *state;
    assert_true(shards_captured_to(&fixture->shards) == INT64_MAX);
    struct shard *a = add(fixture, "a", ""), *b = add(fixture, "b", "a");
    a->captured_to_us = 7;
    assert_int_equal(shards_captured_to(&fixture->shards), 0);
    b->captured_to_us = 9;
    assert_int_equal(shards_captured_to(&fixture->shards), 7);
    a->is_ended = true;
    assert_int_equal(shards_captured_to(&fixture->shards), 7);
    a->is_drained = true;
    assert_int_equal(shards_captured_to(&fixture->shards), 9);
}

static void silence_counts_after_it_has_lasted(void **state)
{
    struct fixture *fixture = *state;
    struct shard *shard = add(fixture, "a", "");
    const int64_t settle = 2 * SECOND_US, offset = 1000 * (int64_t)SECOND_US;
    shard_note_empty(shard, 5 * SECOND_US, 5 * SECOND_US + offset, settle);
    assert_int_equal(shard->captured_to_us, 0);
    shard_note_empty(shard, 7 * SECOND_US - 1, 7 * SECOND_US - 1 + offset, settle);
    assert_int_equal(shard->captured_to_us, 0);
    shard_note_empty(shard, 7 * SECOND_US, 7 * SECOND_US + offset, settle);
    assert_int_equal(shard->captured_to_us, 5 * SECOND_US + offset);
    shard_note_records(shard, 6 * SECOND_US + offset, SECOND_US / 2);
    assert_int_equal(shard->captured_to_us, 6 * SECOND_US + offset - SECOND_US / 2);
    shard_note_records(shard, 2 * SECOND_US + offset, SECOND_US / 2);
    assert_int_equal(shard->captured_to_us, 6 * SECOND_US + offset - SECOND_US / 2);
    shard_note_empty(shard, 8 * SECOND_US, 8 * SECOND_US + offset, settle);
    assert_int_equal(shard->captured_to_us, 6 * SECOND_US + offset - SECOND_US / 2);
}

static void sequence_numbers_have_a_limit(void **state)
{
    struct fixture *fixture = *state;
    char number[SHARD_NUMBER_BYTES + 1];
    struct shard *shard = NULL;
    struct err err = ERR_INIT;
    memset(number, '1', sizeof number);
    assert_int_equal(shards_add(&fixture->shards, SPAN("a"), SPAN(""), span_of(number, SHARD_NUMBER_BYTES - 1), &shard, &err),
                     LF_OK);
    assert_int_equal(strlen(shard->sequence_number), SHARD_NUMBER_BYTES - 1);
    assert_int_equal(shards_add(&fixture->shards, SPAN("b"), SPAN(""), span_of(number, SHARD_NUMBER_BYTES), &shard, &err),
                     LF_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(children_wait_for_their_parent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_parent_that_is_not_known_is_not_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_due_first_is_read_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(random_families_are_read_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(gaps_are_shards_that_are_gone_and_parents_never_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_least_shard_says_how_far_all_are, set_up, tear_down),
        cmocka_unit_test_setup_teardown(silence_counts_after_it_has_lasted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sequence_numbers_have_a_limit, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
