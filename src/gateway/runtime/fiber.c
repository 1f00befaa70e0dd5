/* The checked longjmp of _FORTIFY_SOURCE takes a jump to another stack for an error. */
#undef _FORTIFY_SOURCE
#include "gateway/runtime/fiber.h"

#include <assert.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define FIBER_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define FIBER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FIBER_ASAN 1
#elif __has_feature(thread_sanitizer)
#define FIBER_TSAN 1
#endif
#endif
#ifdef FIBER_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef FIBER_TSAN
#include <sanitizer/tsan_interface.h>
#endif

enum fiber_state { FIBER_SPARE, FIBER_RUNNING, FIBER_WAITING, FIBER_READY };

/* What a sanitizer knows of one stack: a fiber's, or the loop's own. */
struct stack_view {
    const void *bottom;
    size_t size;
    void *sanitizer; /* ASan: the fake stack while another runs; TSan: its name of the fiber */
};

struct fiber {
    struct fiber *next;     /* of the spare or of the ready */
    struct fiber *next_all; /* of all whose stack is mapped */
    struct fiber_pool *pool;
    fiber_main *main;
    void *context;
    enum fiber_state state;
    bool is_new; /* nothing has run on its stack yet: it begins at `first`, not `here` */
    ucontext_t first;
    jmp_buf here;
    struct stack_view stack;
};

struct fiber_pool {
    size_t fibers_max, count;
    struct fiber *all, *spare; /* the spare last used first: its stack is in the cache */
    struct fiber *ready_first, *ready_last;
    jmp_buf loop; /* where the thread goes on when a fiber suspends */
    struct stack_view loop_stack;
};

static _Thread_local struct fiber *running;

/* Sanitizers ---------------------------------------------------------------------------------------------------------------- */

/* Before the thread leaves the stack `from` for the stack `to`. */
static void switch_begins(struct stack_view *from, const struct stack_view *to)
{
#if defined(FIBER_ASAN)
    __sanitizer_start_switch_fiber(&from->sanitizer, to->bottom, to->size);
#elif defined(FIBER_TSAN)
    from->sanitizer = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(to->sanitizer, 0);
#else
    (void)from, (void)to;
#endif
}

/* On the stack `here`, which was left by switch_begins or is new; `before` is where the thread was. */
static void switch_ended(const struct stack_view *here, struct stack_view *before)
{
#ifdef FIBER_ASAN
    __sanitizer_finish_switch_fiber(here->sanitizer, &before->bottom, &before->size);
#else
    (void)here, (void)before;
#endif
}

static void introduce_stack(struct stack_view *stack)
{
#ifdef FIBER_TSAN
    stack->sanitizer = __tsan_create_fiber(0);
#else
    (void)stack;
#endif
}

static void forget_stack(struct stack_view *stack)
{
#ifdef FIBER_TSAN
    __tsan_destroy_fiber(stack->sanitizer);
#else
    (void)stack;
#endif
}

/* Switching ----------------------------------------------------------------------------------------------------------------- *
 * A context of makecontext begins a stack. From then on _setjmp and _longjmp switch: swapcontext would set the signal mask by a
 * system call each time, two a turn of a fiber. */

/* Back to the loop; returns when the loop comes to this fiber again. */
static void leave(struct fiber *fiber)
{
    struct fiber_pool *pool = fiber->pool;
    if (_setjmp(fiber->here) == 0) {
        switch_begins(&fiber->stack, &pool->loop_stack);
        _longjmp(pool->loop, 1);
    }
    switch_ended(&fiber->stack, &pool->loop_stack);
}

/* The bottom frame of every stack: it ends one fiber and begins the next that gets this stack. */
static void run_fibers(void)
{
    struct fiber *fiber = running;
    switch_ended(&fiber->stack, &fiber->pool->loop_stack);
    for (;;) {
        fiber->main(fiber->context);
        fiber->state = FIBER_SPARE;
        leave(fiber);
    }
}

/* Where a new stack begins. */
static void prepare_stack(struct fiber *fiber)
{
    (void)getcontext(&fiber->first);
    fiber->first.uc_stack.ss_sp = (void *)fiber->stack.bottom;
    fiber->first.uc_stack.ss_size = fiber->stack.size;
    fiber->first.uc_link = NULL;
    makecontext(&fiber->first, run_fibers, 0);
    fiber->is_new = true;
}

static void go_on(struct fiber *fiber)
{
    if (fiber->is_new) {
        fiber->is_new = false;
        (void)setcontext(&fiber->first);
    }
    _longjmp(fiber->here, 1);
}

static void give_back(struct fiber *fiber)
{
    struct fiber_pool *pool = fiber->pool;
    fiber->next = pool->spare;
    pool->spare = fiber;
    pool->count--;
}

/* Runs it until it suspends or ends. */
static void run(struct fiber *fiber)
{
    struct fiber_pool *pool = fiber->pool;
    fiber->state = FIBER_RUNNING;
    running = fiber;
    if (_setjmp(pool->loop) == 0) {
        switch_begins(&pool->loop_stack, &fiber->stack);
        go_on(fiber);
    }
    struct fiber *left = running; /* not `fiber`, which may have been in a register */
    switch_ended(&left->pool->loop_stack, &left->stack);
    running = NULL;
    if (left->state == FIBER_SPARE)
        give_back(left);
}

/* Stacks -------------------------------------------------------------------------------------------------------------------- */

static size_t guard_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static enum lf_code map_stack(struct stack_view *stack, struct err *err)
{
    size_t guard = guard_bytes();
    char *bytes =
        mmap(NULL, guard + FIBER_STACK_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (bytes == MAP_FAILED)
        return ERR(err, LF_MEMORY, "cannot map the stack of a fiber");
    if (mprotect(bytes + guard, FIBER_STACK_BYTES, PROT_READ | PROT_WRITE) != 0) {
        (void)munmap(bytes, guard + FIBER_STACK_BYTES);
        return ERR(err, LF_MEMORY, "cannot map the stack of a fiber and its guard page");
    }
    *stack = (struct stack_view){ .bottom = bytes + guard, .size = FIBER_STACK_BYTES };
    return LF_OK;
}

static void unmap_stack(const struct stack_view *stack)
{
    size_t guard = guard_bytes();
    (void)munmap((char *)stack->bottom - guard, guard + FIBER_STACK_BYTES);
}

static enum lf_code add_fiber(struct fiber_pool *pool, struct err *err)
{
    struct fiber *fiber = calloc(1, sizeof *fiber);
    if (!fiber)
        return ERR(err, LF_MEMORY, "out of memory for a fiber");
    enum lf_code code = map_stack(&fiber->stack, err);
    if (code != LF_OK) {
        free(fiber);
        return code;
    }
    introduce_stack(&fiber->stack);
    fiber->pool = pool;
    prepare_stack(fiber);
    fiber->next_all = pool->all;
    pool->all = fiber;
    pool->spare = fiber;
    return LF_OK;
}

enum lf_code fiber_pool_new(size_t fibers_max, struct fiber_pool **ret_pool, struct err *err)
{
    struct fiber_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return ERR(err, LF_MEMORY, "out of memory for fibers");
    pool->fibers_max = fibers_max;
    *ret_pool = pool;
    return LF_OK;
}

void fiber_pool_free(struct fiber_pool *pool)
{
    if (!pool)
        return;
    for (struct fiber *fiber = pool->all; fiber;) {
        struct fiber *next = fiber->next_all;
        forget_stack(&fiber->stack);
        unmap_stack(&fiber->stack);
        free(fiber);
        fiber = next;
    }
    free(pool);
}

/* Running ------------------------------------------------------------------------------------------------------------------- */

enum lf_code fiber_start(struct fiber_pool *pool, fiber_main *main, void *context, struct err *err)
{
    assert(!running);
    if (pool->count >= pool->fibers_max)
        return ERR(err, LF_LIMIT, "%zu fibers run, no more may", pool->count);
    if (!pool->spare)
        TRY(add_fiber(pool, err));
    struct fiber *fiber = pool->spare;
    pool->spare = fiber->next;
    pool->count++;
    fiber->main = main;
    fiber->context = context;
    run(fiber);
    return LF_OK;
}

struct fiber *fiber_self(void)
{
    return running;
}

void fiber_suspend(void)
{
    assert(running);
    running->state = FIBER_WAITING;
    leave(running);
}

void fiber_wake(struct fiber *fiber)
{
    assert(fiber->state == FIBER_WAITING);
    struct fiber_pool *pool = fiber->pool;
    fiber->state = FIBER_READY;
    fiber->next = NULL;
    if (pool->ready_last)
        pool->ready_last->next = fiber;
    else
        pool->ready_first = fiber;
    pool->ready_last = fiber;
}

static struct fiber *take_ready(struct fiber_pool *pool)
{
    struct fiber *fiber = pool->ready_first;
    if (!fiber)
        return NULL;
    pool->ready_first = fiber->next;
    if (!pool->ready_first)
        pool->ready_last = NULL;
    return fiber;
}

bool fiber_pool_run_ready(struct fiber_pool *pool)
{
    struct fiber *fiber = take_ready(pool);
    if (!fiber)
        return false;
    for (; fiber; fiber = take_ready(pool))
        run(fiber);
    return true;
}

size_t fiber_pool_count(const struct fiber_pool *pool)
{
    return pool->count;
}
