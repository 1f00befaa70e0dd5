#include "../../base/unit.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "gateway/runtime/loop.h"

enum { FIBERS = 16, TIMERS = 2000, THREADS = 4, POSTS = 2000, DRAIN_MS = 5000 };

struct fixture {
    struct loop *loop;
    struct err err;
    char log[256];
    size_t log_len;
};

static void open_loop(struct fixture *f)
{
    *f = (struct fixture){ .err = ERR_INIT };
    assert_ok(f->err, loop_new(FIBERS, &f->loop, &f->err));
}

static void run_loop(struct fixture *f)
{
    assert_ok(f->err, loop_run(f->loop, DRAIN_MS, &f->err));
}

static void note(struct fixture *f, char c)
{
    f->log[f->log_len++] = c;
    f->log[f->log_len] = '\0';
}

static void stop(void *context)
{
    loop_stop(context);
}

/* Timers -------------------------------------------------------------------------------------------------------------------- */

struct timers;

struct one_timer {
    struct loop_timer timer;
    struct timers *all;
    bool is_wanted, fired;
};

struct timers {
    struct fixture f;
    struct one_timer each[TIMERS];
    size_t wanted, fired;
    int64_t last_due_ms;
};

static void on_timer(void *context)
{
    struct one_timer *one = context;
    struct timers *all = one->all;
    assert_true(one->is_wanted && !one->fired);
    assert_true(one->timer.due_ms >= all->last_due_ms);
    assert_true(one->timer.due_ms <= loop_now_ms(all->f.loop));
    assert_int_equal(one->timer.heap_slot, 0);
    one->fired = true;
    all->last_due_ms = one->timer.due_ms;
    if (++all->fired == all->wanted)
        loop_stop(all->f.loop);
}

static void test_timers_fire_in_order(void **state)
{
    (void)state;
    static struct timers all;
    all = (struct timers){ 0 };
    open_loop(&all.f);
    for (size_t i = 0; i < TIMERS; i++) {
        all.each[i] = (struct one_timer){ .timer = { .fire = on_timer, .context = &all.each[i] }, .all = &all };
        loop_timer_set(all.f.loop, &all.each[i].timer, 1 + random_below(40));
    }
    for (unsigned i = 0; i < TIMERS; i++) {
        struct one_timer *one = &all.each[random_below(TIMERS)];
        if (random_below(2))
            loop_timer_cancel(all.f.loop, &one->timer);
        else
            loop_timer_set(all.f.loop, &one->timer, 1 + random_below(40));
    }
    for (size_t i = 0; i < TIMERS; i++) {
        all.each[i].is_wanted = all.each[i].timer.heap_slot != 0;
        all.wanted += all.each[i].is_wanted;
    }
    run_loop(&all.f);
    assert_true(all.wanted > TIMERS / 4);
    assert_int_equal(all.fired, all.wanted);
    loop_free(all.f.loop);
}

struct ticker {
    struct fixture f;
    struct loop_timer timer, end;
    unsigned ticks;
};

static void tick(void *context)
{
    struct ticker *ticker = context;
    ticker->ticks++;
    loop_timer_set(ticker->f.loop, &ticker->timer, 0);
}

/* One that sets itself at once does not keep others from their turn. */
static void test_a_timer_may_set_itself_again(void **state)
{
    (void)state;
    struct ticker ticker = { 0 };
    open_loop(&ticker.f);
    ticker.timer = (struct loop_timer){ .fire = tick, .context = &ticker };
    ticker.end = (struct loop_timer){ .fire = stop, .context = ticker.f.loop };
    loop_timer_set(ticker.f.loop, &ticker.timer, 0);
    loop_timer_set(ticker.f.loop, &ticker.end, 20);
    run_loop(&ticker.f);
    assert_in_range(ticker.ticks, 1, 21);
    loop_free(ticker.f.loop);
}

/* Tasks --------------------------------------------------------------------------------------------------------------------- */

struct poster {
    struct fixture f;
    pthread_t loop_thread;
    atomic_uint left;
    struct post {
        struct loop_task task;
        struct poster *poster;
        atomic_uint runs;
    } posts[THREADS][POSTS];
};

static void on_post(void *context)
{
    struct post *post = context;
    struct poster *poster = post->poster;
    assert_true(pthread_equal(pthread_self(), poster->loop_thread));
    atomic_fetch_add(&post->runs, 1);
    if (atomic_fetch_sub(&poster->left, 1) == 1)
        loop_stop(poster->f.loop);
}

struct posting {
    struct poster *poster;
    size_t thread;
};

static void *post_all(void *context)
{
    struct posting *posting = context;
    for (size_t i = 0; i < POSTS; i++)
        loop_post(posting->poster->f.loop, &posting->poster->posts[posting->thread][i].task);
    return NULL;
}

static void test_tasks_come_from_other_threads(void **state)
{
    (void)state;
    static struct poster poster;
    struct posting postings[THREADS];
    pthread_t threads[THREADS];
    open_loop(&poster.f);
    poster.loop_thread = pthread_self();
    atomic_store(&poster.left, THREADS * POSTS);
    for (size_t t = 0; t < THREADS; t++)
        for (size_t i = 0; i < POSTS; i++) {
            poster.posts[t][i].poster = &poster;
            poster.posts[t][i].task = (struct loop_task){ .run = on_post, .context = &poster.posts[t][i] };
        }
    for (size_t t = 0; t < THREADS; t++) {
        postings[t] = (struct posting){ &poster, t };
        assert_int_equal(pthread_create(&threads[t], NULL, post_all, &postings[t]), 0);
    }
    run_loop(&poster.f);
    for (size_t t = 0; t < THREADS; t++)
        (void)pthread_join(threads[t], NULL);
    for (size_t t = 0; t < THREADS; t++)
        for (size_t i = 0; i < POSTS; i++)
            assert_int_equal(atomic_load(&poster.posts[t][i].runs), 1);
    loop_free(poster.f.loop);
}

struct turn {
    struct fixture f;
    struct loop_task first, second, again;
    struct fiber *waiting;
    unsigned rounds;
};

static void note_first(void *context)
{
    struct turn *turn = context;
    note(&turn->f, '1');
    if (turn->waiting)
        fiber_wake(turn->waiting);
    turn->waiting = NULL;
}

static void note_second(void *context)
{
    struct turn *turn = context;
    note(&turn->f, '2');
    if (turn->rounds--)
        loop_at_turn_end(turn->f.loop, &turn->second);
    else
        loop_stop(turn->f.loop);
}

static void be_queued(void *context)
{
    struct turn *turn = context;
    loop_at_turn_end(turn->f.loop, &turn->first);
    loop_at_turn_end(turn->f.loop, &turn->second);
    loop_at_turn_end(turn->f.loop, &turn->first);
    turn->waiting = fiber_self();
    note(&turn->f, 'a');
    fiber_suspend();
    note(&turn->f, 'b');
}

static void start_fiber(void *context)
{
    struct turn *turn = context;
    assert_ok(turn->f.err, fiber_start(loop_fibers(turn->f.loop), be_queued, turn, &turn->f.err));
    note(&turn->f, 'l'); /* the loop goes on first */
}

/* What a fiber asks for at the end of the turn runs once, behind all fibers, and what it wakes runs in the same turn. */
static void test_tasks_at_the_end_of_a_turn(void **state)
{
    (void)state;
    struct turn turn = { .rounds = 2 };
    open_loop(&turn.f);
    turn.first = (struct loop_task){ .run = note_first, .context = &turn };
    turn.second = (struct loop_task){ .run = note_second, .context = &turn };
    turn.again = (struct loop_task){ .run = start_fiber, .context = &turn };
    loop_post(turn.f.loop, &turn.again);
    loop_post(turn.f.loop, &turn.again);
    run_loop(&turn.f);
    assert_string_equal(turn.f.log, "al12b22");
    loop_free(turn.f.loop);
}

/* Descriptors --------------------------------------------------------------------------------------------------------------- */

struct pipes {
    struct fixture f;
    struct loop_watch *watches[2];
    unsigned calls;
};

static void end_both(void *context, unsigned events)
{
    struct pipes *pipes = context;
    assert_int_equal(events, LOOP_READ);
    pipes->calls++;
    for (int i = 0; i < 2; i++) {
        loop_watch_end(pipes->f.loop, pipes->watches[i]);
        free(pipes->watches[i]);
    }
    loop_stop(pipes->f.loop);
}

/* Both are ready in one turn; the first to be called ends both, and the loop does not look at the other any more. */
static void test_an_ended_watch_is_not_called(void **state)
{
    (void)state;
    struct pipes pipes = { 0 };
    int fds[2][2];
    open_loop(&pipes.f);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pipe(fds[i]), 0);
        assert_int_equal(write(fds[i][1], "x", 1), 1);
        pipes.watches[i] = calloc(1, sizeof *pipes.watches[i]);
        assert_non_null(pipes.watches[i]);
        *pipes.watches[i] = (struct loop_watch){ .fd = fds[i][0], .ready = end_both, .context = &pipes };
        assert_ok(pipes.f.err, loop_watch_set(pipes.f.loop, pipes.watches[i], LOOP_READ, &pipes.f.err));
    }
    run_loop(&pipes.f);
    assert_int_equal(pipes.calls, 1);
    for (int i = 0; i < 2; i++) {
        (void)close(fds[i][0]);
        (void)close(fds[i][1]);
    }
    loop_free(pipes.f.loop);
}

struct echo {
    struct fixture f;
    struct loop_watch watch;
};

static void on_writable(void *context, unsigned events)
{
    struct echo *echo = context;
    note(&echo->f, events & LOOP_WRITE ? 'w' : '?');
    note(&echo->f, events & LOOP_READ ? 'r' : '-');
    loop_stop(echo->f.loop);
}

/* A peer that is gone calls whatever is watched, so that the owner finds out by writing. */
static void test_a_hang_up_is_told_as_what_is_watched(void **state)
{
    (void)state;
    struct echo echo = { 0 };
    int fds[2];
    open_loop(&echo.f);
    assert_int_equal(pipe(fds), 0);
    (void)close(fds[0]);
    echo.watch = (struct loop_watch){ .fd = fds[1], .ready = on_writable, .context = &echo };
    assert_ok(echo.f.err, loop_watch_set(echo.f.loop, &echo.watch, LOOP_WRITE, &echo.f.err));
    run_loop(&echo.f);
    assert_string_equal(echo.f.log, "w-");
    loop_watch_end(echo.f.loop, &echo.watch);
    (void)close(fds[1]);
    assert_code(echo.f.err, LF_IO, loop_watch_set(echo.f.loop, &echo.watch, LOOP_WRITE, &echo.f.err));
    loop_free(echo.f.loop);
}

/* Stopping ------------------------------------------------------------------------------------------------------------------ */

struct sleeper {
    struct fixture f;
    struct loop_task start;
    int64_t ms;
    bool ended;
};

static void sleep_and_end(void *context)
{
    struct sleeper *sleeper = context;
    loop_stop(sleeper->f.loop);
    fiber_sleep(sleeper->f.loop, sleeper->ms);
    sleeper->ended = true;
}

static void start_sleeper(void *context)
{
    struct sleeper *sleeper = context;
    assert_ok(sleeper->f.err, fiber_start(loop_fibers(sleeper->f.loop), sleep_and_end, sleeper, &sleeper->f.err));
}

static void run_sleeper(struct sleeper *sleeper, int64_t drain_ms)
{
    open_loop(&sleeper->f);
    sleeper->start = (struct loop_task){ .run = start_sleeper, .context = sleeper };
    loop_post(sleeper->f.loop, &sleeper->start);
    assert_ok(sleeper->f.err, loop_run(sleeper->f.loop, drain_ms, &sleeper->f.err));
}

static void test_fibers_end_before_the_loop(void **state)
{
    (void)state;
    struct sleeper sleeper = { .ms = 30 };
    run_sleeper(&sleeper, DRAIN_MS);
    assert_true(sleeper.ended);
    assert_int_equal(fiber_pool_count(loop_fibers(sleeper.f.loop)), 0);
    loop_free(sleeper.f.loop);
}

static void test_the_loop_does_not_wait_for_ever(void **state)
{
    (void)state;
    struct sleeper sleeper = { .ms = 1000000 };
    run_sleeper(&sleeper, 20);
    assert_false(sleeper.ended);
    assert_int_equal(fiber_pool_count(loop_fibers(sleeper.f.loop)), 1);
    loop_free(sleeper.f.loop);
}

static struct loop *signalled_loop;

static void on_signal(int number)
{
    (void)number;
    loop_stop(signalled_loop);
}

static void raise_signal(void *context)
{
    (void)context;
    (void)raise(SIGUSR1);
}

static void test_a_signal_handler_stops_it(void **state)
{
    (void)state;
    struct fixture f;
    open_loop(&f);
    signalled_loop = f.loop;
    (void)signal(SIGUSR1, on_signal);
    struct loop_timer timer = { .fire = raise_signal };
    loop_timer_set(f.loop, &timer, 5);
    run_loop(&f);
    assert_int_equal(timer.heap_slot, 0);
    loop_free(f.loop);
}

static void *stop_soon(void *loop)
{
    loop_stop(loop);
    return NULL;
}

static void test_another_thread_stops_it(void **state)
{
    (void)state;
    struct fixture f;
    pthread_t thread;
    open_loop(&f);
    for (int i = 0; i < 2; i++) { /* and it can run again */
        assert_int_equal(pthread_create(&thread, NULL, stop_soon, f.loop), 0);
        run_loop(&f);
        (void)pthread_join(thread, NULL);
    }
    loop_free(f.loop);
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timers_fire_in_order),          cmocka_unit_test(test_a_timer_may_set_itself_again),
        cmocka_unit_test(test_tasks_come_from_other_threads), cmocka_unit_test(test_tasks_at_the_end_of_a_turn),
        cmocka_unit_test(test_an_ended_watch_is_not_called),  cmocka_unit_test(test_a_hang_up_is_told_as_what_is_watched),
        cmocka_unit_test(test_fibers_end_before_the_loop),    cmocka_unit_test(test_the_loop_does_not_wait_for_ever),
        cmocka_unit_test(test_a_signal_handler_stops_it),     cmocka_unit_test(test_another_thread_stops_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
