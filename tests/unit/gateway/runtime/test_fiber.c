#include "../../base/unit.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "gateway/runtime/fiber.h"

#if defined(__SANITIZE_THREAD__)
enum { MANY = 200 }; /* each is a thread to it, and slow to make */
#else
enum { MANY = 3000 };
#endif

enum {
    ROUNDS = 20,
    FRAME_BYTES = 1024, /* of the deep recursion */
};

struct fixture {
    struct fiber_pool *pool;
    struct err err;
    char log[256];
    size_t log_len;
};

static struct fixture open_pool(size_t fibers_max)
{
    struct fixture f = { .err = ERR_INIT };
    assert_ok(f.err, fiber_pool_new(fibers_max, &f.pool, &f.err));
    return f;
}

static void note(struct fixture *f, char c)
{
    f->log[f->log_len++] = c;
    f->log[f->log_len] = '\0';
}

struct walker {
    struct fixture *f;
    struct fiber *self, *wakes;
    char name;
    unsigned rounds;
};

static void walk(void *context)
{
    struct walker *walker = context;
    walker->self = fiber_self();
    for (unsigned i = 0; i < walker->rounds; i++) {
        note(walker->f, walker->name);
        if (walker->wakes)
            fiber_wake(walker->wakes);
        fiber_suspend();
    }
    note(walker->f, (char)(walker->name - 'a' + 'A'));
}

static void test_a_fiber_runs_until_it_suspends(void **state)
{
    (void)state;
    struct fixture f = open_pool(4);
    struct walker walker = { .f = &f, .name = 'a', .rounds = 2 };
    assert_null(fiber_self());
    assert_false(fiber_pool_run_ready(f.pool));
    assert_ok(f.err, fiber_start(f.pool, walk, &walker, &f.err));
    assert_string_equal(f.log, "a");
    assert_null(fiber_self());
    assert_non_null(walker.self);
    assert_int_equal(fiber_pool_count(f.pool), 1);
    assert_false(fiber_pool_run_ready(f.pool));
    fiber_wake(walker.self);
    assert_string_equal(f.log, "a"); /* waking is not running */
    assert_true(fiber_pool_run_ready(f.pool));
    assert_string_equal(f.log, "aa");
    fiber_wake(walker.self);
    assert_true(fiber_pool_run_ready(f.pool));
    assert_string_equal(f.log, "aaA");
    assert_int_equal(fiber_pool_count(f.pool), 0);
    fiber_pool_free(f.pool);
}

static void test_ready_fibers_run_in_the_order_of_waking(void **state)
{
    (void)state;
    struct fixture f = open_pool(4);
    struct walker walkers[3] = { { .f = &f, .name = 'a', .rounds = 1 },
                                 { .f = &f, .name = 'b', .rounds = 1 },
                                 { .f = &f, .name = 'c', .rounds = 1 } };
    for (int i = 0; i < 3; i++)
        assert_ok(f.err, fiber_start(f.pool, walk, &walkers[i], &f.err));
    fiber_wake(walkers[1].self);
    fiber_wake(walkers[2].self);
    fiber_wake(walkers[0].self);
    assert_true(fiber_pool_run_ready(f.pool));
    assert_string_equal(f.log, "abcBCA");
    fiber_pool_free(f.pool);
}

static void test_a_fiber_wakes_another_in_the_same_run(void **state)
{
    (void)state;
    struct fixture f = open_pool(4);
    struct walker a = { .f = &f, .name = 'a', .rounds = 1 };
    struct walker b = { .f = &f, .name = 'b', .rounds = 2 };
    assert_ok(f.err, fiber_start(f.pool, walk, &a, &f.err));
    assert_ok(f.err, fiber_start(f.pool, walk, &b, &f.err));
    b.wakes = a.self;
    fiber_wake(b.self);
    assert_true(fiber_pool_run_ready(f.pool));
    assert_string_equal(f.log, "abbA");
    b.wakes = NULL;
    fiber_wake(b.self);
    assert_true(fiber_pool_run_ready(f.pool));
    assert_string_equal(f.log, "abbAB");
    fiber_pool_free(f.pool);
}

/* Each keeps a state of its own, on its stack and in registers, whatever the others do between. */
struct counter {
    struct fiber *self;
    uint64_t seed, sum;
    bool ended;
};

static uint64_t step(uint64_t x)
{
    return x * UINT64_C(6364136223846793005) + 1442695040888963407u;
}

static void count(void *context)
{
    struct counter *counter = context;
    uint64_t x = counter->seed, sum = 0, kept[32];
    double real = (double)counter->seed;
    counter->self = fiber_self();
    for (unsigned round = 0; round < ROUNDS; round++) {
        x = step(x);
        kept[round % 32] = x;
        real = real / 3 + 1;
        fiber_suspend();
        sum += kept[round % 32] + (uint64_t)(real * 1000);
    }
    counter->sum = sum;
    counter->ended = true;
}

static uint64_t expected_sum(uint64_t x)
{
    uint64_t sum = 0;
    double real = (double)x;
    for (unsigned round = 0; round < ROUNDS; round++) {
        x = step(x);
        real = real / 3 + 1;
        sum += x + (uint64_t)(real * 1000);
    }
    return sum;
}

static void shuffle(struct counter **counters, size_t len)
{
    for (size_t i = len - 1; i > 0; i--) {
        size_t other = random_below((unsigned)i + 1);
        struct counter *swapped = counters[i];
        counters[i] = counters[other];
        counters[other] = swapped;
    }
}

static void test_thousands_keep_their_state(void **state)
{
    (void)state;
    static struct counter counters[MANY];
    static struct counter *order[MANY];
    struct fixture f = open_pool(MANY);
    for (size_t i = 0; i < MANY; i++) {
        counters[i] = (struct counter){ .seed = random_u64() >> 20 };
        order[i] = &counters[i];
        assert_ok(f.err, fiber_start(f.pool, count, &counters[i], &f.err));
    }
    assert_int_equal(fiber_pool_count(f.pool), MANY);
    for (unsigned round = 0; round < ROUNDS; round++) {
        shuffle(order, MANY);
        for (size_t i = 0; i < MANY; i++)
            fiber_wake(order[i]->self);
        assert_true(fiber_pool_run_ready(f.pool));
    }
    assert_int_equal(fiber_pool_count(f.pool), 0);
    for (size_t i = 0; i < MANY; i++) {
        assert_true(counters[i].ended);
        assert_int_equal(counters[i].sum, expected_sum(counters[i].seed));
    }
    fiber_pool_free(f.pool);
}

static void test_no_more_than_the_limit(void **state)
{
    (void)state;
    enum { LIMIT = 5 };
    struct fixture f = open_pool(LIMIT);
    struct walker walkers[LIMIT + 1] = { 0 };
    for (size_t i = 0; i < LIMIT; i++) {
        walkers[i] = (struct walker){ .f = &f, .name = (char)('a' + i), .rounds = 1 };
        assert_ok(f.err, fiber_start(f.pool, walk, &walkers[i], &f.err));
    }
    walkers[LIMIT] = (struct walker){ .f = &f, .name = 'z' };
    assert_code(f.err, LF_LIMIT, fiber_start(f.pool, walk, &walkers[LIMIT], &f.err));
    assert_string_equal(f.log, "abcde");
    fiber_wake(walkers[2].self);
    assert_true(fiber_pool_run_ready(f.pool));
    assert_ok(f.err, fiber_start(f.pool, walk, &walkers[LIMIT], &f.err));
    assert_string_equal(f.log, "abcdeCZ");
    fiber_pool_free(f.pool); /* the four that wait are forgotten */
}

/* The lowest address of a stack whose frames reach FRAME_BYTES times `depth` down, checked after a suspension. */
static uintptr_t recurse(unsigned depth)
{
    volatile char frame[FRAME_BYTES];
    for (size_t i = 0; i < sizeof frame; i++)
        frame[i] = (char)depth;
    if (depth == 0)
        fiber_suspend();
    uintptr_t lowest = depth ? recurse(depth - 1) : (uintptr_t)frame;
    for (size_t i = 0; i < sizeof frame; i++)
        if (frame[i] != (char)depth)
            return 0;
    return lowest;
}

struct diver {
    unsigned depth;
    struct fiber *self;
    uintptr_t top, lowest;
};

static void dive(void *context)
{
    struct diver *diver = context;
    char here;
    diver->self = fiber_self();
    diver->top = (uintptr_t)&here;
    diver->lowest = recurse(diver->depth);
}

static void test_a_stack_is_as_deep_as_promised(void **state)
{
    (void)state;
    struct fixture f = open_pool(2);
    struct diver divers[2] = { { .depth = 120 }, { .depth = 100 } };
    for (int i = 0; i < 2; i++)
        assert_ok(f.err, fiber_start(f.pool, dive, &divers[i], &f.err));
    for (int i = 0; i < 2; i++)
        fiber_wake(divers[i].self);
    assert_true(fiber_pool_run_ready(f.pool));
    for (int i = 0; i < 2; i++) {
        assert_true(divers[i].lowest != 0);
        assert_true(divers[i].top - divers[i].lowest >= divers[i].depth * FRAME_BYTES);
    }
    fiber_pool_free(f.pool);
}

static void overflow_in_child(void)
{
    struct err err = ERR_INIT;
    struct fiber_pool *pool;
    struct diver diver = { .depth = 2 * FIBER_STACK_BYTES / FRAME_BYTES };
    struct rlimit no_core = { 0 };
    (void)setrlimit(RLIMIT_CORE, &no_core);
    (void)close(STDERR_FILENO);
    if (fiber_pool_new(1, &pool, &err) == LF_OK && fiber_start(pool, dive, &diver, &err) == LF_OK)
        _exit(0);
    _exit(0);
}

static void test_too_deep_is_caught_by_the_guard_page(void **state)
{
    (void)state;
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        overflow_in_child();
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0); /* a sanitizer reports and exits */
}

static void keep_address(void *context)
{
    char here;
    *(uintptr_t *)context = (uintptr_t)&here;
}

static void test_stacks_are_used_again(void **state)
{
    (void)state;
    struct fixture f = open_pool(1);
    uintptr_t first = 0, next = 0;
    assert_ok(f.err, fiber_start(f.pool, keep_address, &first, &f.err));
    for (unsigned i = 0; i < 1000; i++) {
        assert_ok(f.err, fiber_start(f.pool, keep_address, &next, &f.err));
        assert_int_equal(next, first);
    }
    fiber_pool_free(f.pool);
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_fiber_runs_until_it_suspends),
        cmocka_unit_test(test_ready_fibers_run_in_the_order_of_waking),
        cmocka_unit_test(test_a_fiber_wakes_another_in_the_same_run),
        cmocka_unit_test(test_thousands_keep_their_state),
        cmocka_unit_test(test_no_more_than_the_limit),
        cmocka_unit_test(test_a_stack_is_as_deep_as_promised),
        cmocka_unit_test(test_too_deep_is_caught_by_the_guard_page),
        cmocka_unit_test(test_stacks_are_used_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
