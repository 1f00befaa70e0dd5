#include "unit.h"

#include "base/arena.h"

enum { CAP = 64 * 1024, ALIGNMENT = 16 };

static void set_up(struct arena *arena, struct err *err)
{
    arena_init(arena, CAP);
    *err = (struct err)ERR_INIT;
}

static void test_zeroed_arena_is_safe(void **state)
{
    (void)state;
    struct arena arena = { 0 };
    struct err err = ERR_INIT;
    arena_reset(&arena);
    arena_rewind(&arena, arena_mark(&arena));
    assert_null(arena_alloc(&arena, 1, &err));
    assert_int_equal(err.code, LF_MEMORY);
    arena_done(&arena);
    arena_done(&arena);
}

static void test_one_allocation_up_to_the_cap(void **state)
{
    (void)state;
    static const struct {
        size_t size;
        bool fits;
    } cases[] = { { CAP - 1, true }, { CAP, true }, { CAP + 1, false }, { SIZE_MAX, false }, { SIZE_MAX - ALIGNMENT, false } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct arena arena;
        struct err err;
        set_up(&arena, &err);
        char *bytes = arena_alloc(&arena, cases[i].size, &err);
        assert_int_equal(bytes != NULL, cases[i].fits);
        assert_int_equal(err.code, cases[i].fits ? LF_OK : LF_MEMORY);
        if (bytes)
            memset(bytes, 1, cases[i].size);
        arena_done(&arena);
    }
}

static void test_cap_is_the_sum_of_all(void **state)
{
    (void)state;
    struct arena arena;
    struct err err;
    set_up(&arena, &err);
    size_t total = 0;
    while (arena_alloc(&arena, 1024, &err))
        total += 1024;
    assert_int_equal(total, CAP);
    assert_int_equal(err.code, LF_MEMORY);
    assert_true(arena.held_bytes <= CAP);
    assert_null(arena_alloc(&arena, 1, &err));
    arena_done(&arena);
    assert_int_equal(arena.held_bytes, 0);
}

static void test_huge_cap_does_not_overflow(void **state)
{
    (void)state;
    struct arena arena;
    struct err err = ERR_INIT;
    arena_init(&arena, SIZE_MAX);
    assert_null(arena_alloc(&arena, SIZE_MAX - 2 * ALIGNMENT, &err));
    assert_int_equal(err.code, LF_MEMORY);
    assert_non_null(arena_alloc(&arena, 100, &err));
    arena_done(&arena);
}

static void test_allocations_are_aligned_and_apart(void **state)
{
    (void)state;
    struct arena arena;
    struct err err;
    set_up(&arena, &err);
    char *blocks[200];
    for (unsigned i = 0; i < 200; i++) {
        blocks[i] = arena_alloc(&arena, i, &err);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % ALIGNMENT, 0);
        memset(blocks[i], (int)i, i);
    }
    for (unsigned i = 0; i < 200; i++)
        for (unsigned j = 0; j < i; j++)
            assert_int_equal((unsigned char)blocks[i][j], i);
    arena_done(&arena);
}

static void test_zeroed_elements(void **state)
{
    (void)state;
    struct arena arena;
    struct err err;
    set_up(&arena, &err);
    memset(arena_alloc(&arena, 1000, &err), 0xFF, 1000);
    arena_reset(&arena);
    char *zeros = arena_calloc(&arena, 10, 100, &err);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(zeros[i], 0);
    assert_null(arena_calloc(&arena, SIZE_MAX / 2, 3, &err));
    assert_int_equal(err.code, LF_MEMORY);
    assert_null(arena_calloc(&arena, CAP, 2, &err));
    arena_done(&arena);
}

static void test_reset_keeps_memory(void **state)
{
    (void)state;
    struct arena arena;
    struct err err;
    set_up(&arena, &err);
    char *first = arena_alloc(&arena, 10, &err);
    for (int i = 0; i < 30; i++)
        assert_non_null(arena_alloc(&arena, 1000, &err));
    size_t held = arena.held_bytes;
    for (int round = 0; round < 100; round++) {
        arena_reset(&arena);
        assert_ptr_equal(arena_alloc(&arena, 10, &err), first);
        for (int i = 0; i < 30; i++)
            assert_non_null(arena_alloc(&arena, 1000, &err));
        assert_int_equal(arena.held_bytes, held);
    }
    arena_done(&arena);
}

/* Small blocks that are kept must not stand in the way of one large allocation. */
static void test_reset_gives_the_whole_cap_again(void **state)
{
    (void)state;
    struct arena arena;
    struct err err;
    set_up(&arena, &err);
    for (int i = 0; i < CAP / 1024; i++)
        assert_non_null(arena_alloc(&arena, 1024, &err));
    arena_reset(&arena);
    struct arena_mark mark = arena_mark(&arena);
    char *large = arena_alloc(&arena, CAP, &err);
    assert_non_null(large);
    memset(large, 1, CAP);
    assert_int_equal(arena.held_bytes, CAP);
    arena_rewind(&arena, mark);
    assert_ptr_equal(arena_alloc(&arena, CAP, &err), large);
    arena_done(&arena);
}

static void test_blocks_behind_the_current_are_given_up_for_a_large_one(void **state)
{
    (void)state;
    struct arena arena;
    struct err err;
    set_up(&arena, &err);
    char *kept = arena_alloc(&arena, 1024, &err);
    memset(kept, 7, 1024);
    struct arena_mark mark = arena_mark(&arena);
    for (int i = 1; i < CAP / 1024; i++)
        assert_non_null(arena_alloc(&arena, 1024, &err));
    arena_rewind(&arena, mark);
    size_t first_block = 16 * 1024;
    assert_non_null(arena_alloc(&arena, CAP - first_block, &err));
    for (int i = 0; i < 1024; i++)
        assert_int_equal(kept[i], 7);
    arena_done(&arena);
}

static void test_rewind_gives_up_what_came_after_the_mark(void **state)
{
    (void)state;
    struct arena arena;
    struct err err;
    set_up(&arena, &err);
    char *before = arena_alloc(&arena, 100, &err);
    memset(before, 3, 100);
    struct arena_mark mark = arena_mark(&arena);
    char *after = arena_alloc(&arena, 100, &err);
    for (int i = 0; i < 40; i++)
        assert_non_null(arena_alloc(&arena, 1000, &err));
    arena_rewind(&arena, mark);
    assert_ptr_equal(arena_alloc(&arena, 100, &err), after);
    assert_int_equal(before[0], 3);
    assert_int_equal(before[99], 3);
    arena_done(&arena);
}

static void test_rewind_to_a_mark_of_the_empty_arena(void **state)
{
    (void)state;
    struct arena arena;
    struct err err;
    set_up(&arena, &err);
    struct arena_mark mark = arena_mark(&arena);
    char *first = arena_alloc(&arena, 100, &err);
    assert_non_null(arena_alloc(&arena, 30000, &err));
    arena_rewind(&arena, mark);
    assert_ptr_equal(arena_alloc(&arena, 100, &err), first);
    arena_done(&arena);
}

static void test_copy_is_a_c_string_too(void **state)
{
    (void)state;
    struct arena arena;
    struct err err;
    set_up(&arena, &err);
    struct span copy;
    assert_ok(err, arena_copy(&arena, SPAN("a\0b"), &copy, &err));
    assert_span(copy, SPAN("a\0b"));
    assert_int_equal(copy.ptr[3], '\0');
    assert_ok(err, arena_copy(&arena, span_of(NULL, 0), &copy, &err));
    assert_ok(err, arena_join(&arena, (const struct span[]){ SPAN("a"), span_of(NULL, 0), SPAN("bc") }, 3, &copy, &err));
    assert_string_equal(copy.ptr, "abc");
    assert_int_equal(copy.len, 3);
    assert_ok(err, arena_join(&arena, NULL, 0, &copy, &err));
    assert_int_equal(copy.len, 0);
    assert_int_equal(copy.len, 0);
    assert_string_equal(copy.ptr, "");
    arena_done(&arena);

    arena_init(&arena, 16);
    assert_ok(err, arena_copy(&arena, SPAN("fifteen bytes.."), &copy, &err));
    arena_reset(&arena);
    assert_code(err, LF_MEMORY, arena_copy(&arena, SPAN("sixteen bytes..."), &copy, &err));
    arena_done(&arena);
}

static void test_printf(void **state)
{
    (void)state;
    struct arena arena;
    struct err err;
    set_up(&arena, &err);
    struct span text;
    assert_ok(err, arena_printf(&arena, &text, &err, "%s-%05d", "abc", 42));
    assert_span(text, SPAN("abc-00042"));
    assert_int_equal(text.ptr[text.len], '\0');
    assert_ok(err, arena_printf(&arena, &text, &err, "%*d", CAP / 2, 1));
    assert_int_equal(text.len, CAP / 2);
    assert_code(err, LF_MEMORY, arena_printf(&arena, &text, &err, "%*d", CAP, 1));
    arena_done(&arena);
}

/* A model beside the arena: random allocations, marks and rewinds; what is still allowed must still hold its bytes. */
static void test_random_marks_and_rewinds(void **state)
{
    (void)state;
    enum { LIVE_MAX = 300 };
    struct arena arena;
    struct err err;
    set_up(&arena, &err);
    struct {
        unsigned char *bytes;
        size_t size;
        struct arena_mark before;
    } live[LIVE_MAX];
    unsigned count = 0;
    for (unsigned step = 0; step < 20000; step++) {
        if (count == LIVE_MAX || (count && random_below(20) == 0)) {
            count = random_below(count);
            arena_rewind(&arena, live[count].before);
        }
        size_t size = random_below(random_below(50) ? 100 : 20000);
        live[count].before = arena_mark(&arena);
        live[count].bytes = arena_alloc(&arena, size, &err);
        if (!live[count].bytes)
            continue;
        live[count].size = size;
        memset(live[count].bytes, (int)(count & 0xFF), size);
        count++;
        unsigned any = random_below(count);
        for (size_t i = 0; i < live[any].size; i++)
            assert_int_equal(live[any].bytes[i], any & 0xFF);
        assert_true(arena.held_bytes <= CAP);
    }
    arena_done(&arena);
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_zeroed_arena_is_safe),
        cmocka_unit_test(test_one_allocation_up_to_the_cap),
        cmocka_unit_test(test_cap_is_the_sum_of_all),
        cmocka_unit_test(test_huge_cap_does_not_overflow),
        cmocka_unit_test(test_allocations_are_aligned_and_apart),
        cmocka_unit_test(test_zeroed_elements),
        cmocka_unit_test(test_reset_keeps_memory),
        cmocka_unit_test(test_reset_gives_the_whole_cap_again),
        cmocka_unit_test(test_blocks_behind_the_current_are_given_up_for_a_large_one),
        cmocka_unit_test(test_rewind_gives_up_what_came_after_the_mark),
        cmocka_unit_test(test_rewind_to_a_mark_of_the_empty_arena),
        cmocka_unit_test(test_copy_is_a_c_string_too),
        cmocka_unit_test(test_printf),
        cmocka_unit_test(test_random_marks_and_rewinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
