#include "gateway/runtime/loop.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    EVENTS_PER_TURN = 256,
    /* Address space is set aside for so many at once, so that setting a timer cannot fail. */
    TIMERS_MAX = 1024 * 1024,
    TIMER_HEAP_BYTES = (TIMERS_MAX + 1) * sizeof(struct loop_timer *),
};

/* First in, first out. */
struct task_queue {
    struct loop_task *first, *last;
    size_t count;
};

struct loop {
    int epoll_fd, wake_fd;
    struct fiber_pool *fibers; /* owned */
    int64_t now_ms;
    struct epoll_event ready[EVENTS_PER_TURN]; /* of this turn; those from ready_at on are still to come */
    int ready_at, ready_count;
    struct loop_timer **timers; /* a binary heap by due_ms, from 1 on */
    size_t timer_count;
    struct task_queue turn_end;
    atomic_bool is_stopped;
    pthread_mutex_t posted_lock; /* guards posted and the tasks in it */
    struct task_queue posted;
};

static void task_push(struct task_queue *queue, struct loop_task *task)
{
    if (task->is_queued)
        return;
    task->is_queued = true;
    task->next = NULL;
    if (queue->last)
        queue->last->next = task;
    else
        queue->first = task;
    queue->last = task;
    queue->count++;
}

static struct loop_task *task_pop(struct task_queue *queue)
{
    struct loop_task *task = queue->first;
    if (!task)
        return NULL;
    queue->first = task->next;
    if (!queue->first)
        queue->last = NULL;
    queue->count--;
    task->is_queued = false;
    return task;
}

static int64_t monotonic_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Life ---------------------------------------------------------------------------------------------------------------------- */

static enum lf_code open_descriptors(struct loop *loop, struct err *err)
{
    loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll_fd < 0)
        return ERR(err, LF_IO, "cannot make an epoll descriptor: %s", strerror(errno));
    loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (loop->wake_fd < 0)
        return ERR(err, LF_IO, "cannot make an event descriptor: %s", strerror(errno));
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = loop };
    if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->wake_fd, &event) != 0)
        return ERR(err, LF_IO, "cannot watch an event descriptor: %s", strerror(errno));
    return LF_OK;
}

static enum lf_code fill_loop(struct loop *loop, size_t fibers_max, struct err *err)
{
    loop->epoll_fd = loop->wake_fd = -1;
    loop->now_ms = monotonic_ms();
    if (pthread_mutex_init(&loop->posted_lock, NULL) != 0)
        return ERR(err, LF_MEMORY, "cannot make a mutex");
    void *timers = mmap(NULL, TIMER_HEAP_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (timers == MAP_FAILED)
        return ERR(err, LF_MEMORY, "cannot map room for timers");
    loop->timers = timers;
    TRY(open_descriptors(loop, err));
    return fiber_pool_new(fibers_max, &loop->fibers, err);
}

enum lf_code loop_new(size_t fibers_max, struct loop **ret_loop, struct err *err)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return ERR(err, LF_MEMORY, "out of memory for an event loop");
    enum lf_code code = fill_loop(loop, fibers_max, err);
    if (code != LF_OK) {
        loop_free(loop);
        return code;
    }
    *ret_loop = loop;
    return LF_OK;
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    fiber_pool_free(loop->fibers);
    if (loop->wake_fd >= 0)
        (void)close(loop->wake_fd);
    if (loop->epoll_fd >= 0)
        (void)close(loop->epoll_fd);
    if (loop->timers)
        (void)munmap(loop->timers, TIMER_HEAP_BYTES);
    (void)pthread_mutex_destroy(&loop->posted_lock);
    free(loop);
}

/* Descriptors --------------------------------------------------------------------------------------------------------------- */

/* What epoll has already said of this turn must not reach a watch that has gone. */
static void forget_ready(struct loop *loop, const struct loop_watch *watch)
{
    for (int i = loop->ready_at; i < loop->ready_count; i++)
        if (loop->ready[i].data.ptr == watch)
            loop->ready[i].data.ptr = NULL;
}

enum lf_code loop_watch_set(struct loop *loop, struct loop_watch *watch, unsigned events, struct err *err)
{
    if (events == watch->events)
        return LF_OK;
    struct epoll_event event = { .data.ptr = watch };
    event.events = (events & LOOP_READ ? EPOLLIN : 0u) | (events & LOOP_WRITE ? EPOLLOUT : 0u);
    if (!events) {
        loop_watch_end(loop, watch);
        return LF_OK;
    }
    if (epoll_ctl(loop->epoll_fd, watch->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, watch->fd, &event) != 0)
        return ERR(err, LF_IO, "cannot watch descriptor %d: %s", watch->fd, strerror(errno));
    watch->events = events;
    return LF_OK;
}

/* Fails only for a descriptor that is closed, which epoll has forgotten. */
void loop_watch_end(struct loop *loop, struct loop_watch *watch)
{
    if (!watch->events)
        return;
    (void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
    forget_ready(loop, watch);
    watch->events = 0;
}

static void drain_wake_fd(struct loop *loop)
{
    uint64_t count;
    while (read(loop->wake_fd, &count, sizeof count) < 0 && errno == EINTR)
        continue;
}

/* An error or a hang-up shows itself to whoever reads or writes next, so it counts as both. */
static void call_ready(const struct epoll_event *event)
{
    struct loop_watch *watch = event->data.ptr;
    unsigned events = (event->events & EPOLLIN ? LOOP_READ : 0u) | (event->events & EPOLLOUT ? LOOP_WRITE : 0u);
    if (event->events & (EPOLLERR | EPOLLHUP))
        events = LOOP_READ | LOOP_WRITE;
    events &= watch->events;
    if (events)
        watch->ready(watch->context, events);
}

static void call_all_ready(struct loop *loop)
{
    for (loop->ready_at = 0; loop->ready_at < loop->ready_count;) {
        const struct epoll_event *event = &loop->ready[loop->ready_at++];
        if (event->data.ptr == loop)
            drain_wake_fd(loop);
        else if (event->data.ptr)
            call_ready(event);
    }
    loop->ready_at = loop->ready_count = 0;
}

/* Timers -------------------------------------------------------------------------------------------------------------------- */

static void timer_place(struct loop *loop, struct loop_timer *timer, size_t slot)
{
    loop->timers[slot] = timer;
    timer->heap_slot = slot;
}

static void timer_sift_up(struct loop *loop, struct loop_timer *timer, size_t slot)
{
    for (; slot > 1 && loop->timers[slot / 2]->due_ms > timer->due_ms; slot /= 2)
        timer_place(loop, loop->timers[slot / 2], slot);
    timer_place(loop, timer, slot);
}

static void timer_sift_down(struct loop *loop, struct loop_timer *timer, size_t slot)
{
    for (size_t child = slot * 2; child <= loop->timer_count; slot = child, child *= 2) {
        if (child < loop->timer_count && loop->timers[child + 1]->due_ms < loop->timers[child]->due_ms)
            child++;
        if (loop->timers[child]->due_ms >= timer->due_ms)
            break;
        timer_place(loop, loop->timers[child], slot);
    }
    timer_place(loop, timer, slot);
}

void loop_timer_cancel(struct loop *loop, struct loop_timer *timer)
{
    size_t slot = timer->heap_slot;
    if (!slot)
        return;
    struct loop_timer *last = loop->timers[loop->timer_count--];
    timer->heap_slot = 0;
    if (last == timer)
        return;
    if (last->due_ms < timer->due_ms)
        timer_sift_up(loop, last, slot);
    else
        timer_sift_down(loop, last, slot);
}

/* At least 1 ms, so that a timer that sets itself again does not keep its turn from ending. */
void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t after_ms)
{
    loop_timer_cancel(loop, timer);
    assert(loop->timer_count < TIMERS_MAX);
    timer->due_ms = loop->now_ms + (after_ms > 1 ? after_ms : 1);
    timer_sift_up(loop, timer, ++loop->timer_count);
}

static void fire_due(struct loop *loop)
{
    while (loop->timer_count && loop->timers[1]->due_ms <= loop->now_ms) {
        struct loop_timer *timer = loop->timers[1];
        loop_timer_cancel(loop, timer);
        timer->fire(timer->context);
    }
}

int64_t loop_now_ms(const struct loop *loop)
{
    return loop->now_ms;
}

static void wake_sleeper(void *fiber)
{
    fiber_wake(fiber);
}

void fiber_sleep(struct loop *loop, int64_t ms)
{
    struct loop_timer timer = { .fire = wake_sleeper, .context = fiber_self() };
    loop_timer_set(loop, &timer, ms);
    fiber_suspend();
}

/* Tasks --------------------------------------------------------------------------------------------------------------------- */

void loop_at_turn_end(struct loop *loop, struct loop_task *task)
{
    task_push(&loop->turn_end, task);
}

/* Async-signal-safe. The counter of the descriptor cannot overflow in the life of a process. */
static void wake(struct loop *loop)
{
    int saved_errno = errno;
    uint64_t one = 1;
    while (write(loop->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        continue;
    errno = saved_errno;
}

void loop_post(struct loop *loop, struct loop_task *task)
{
    (void)pthread_mutex_lock(&loop->posted_lock);
    task_push(&loop->posted, task);
    (void)pthread_mutex_unlock(&loop->posted_lock);
    wake(loop);
}

static struct loop_task *take_posted(struct loop *loop)
{
    (void)pthread_mutex_lock(&loop->posted_lock);
    struct loop_task *task = task_pop(&loop->posted);
    (void)pthread_mutex_unlock(&loop->posted_lock);
    return task;
}

static size_t count_posted(struct loop *loop)
{
    (void)pthread_mutex_lock(&loop->posted_lock);
    size_t count = loop->posted.count;
    (void)pthread_mutex_unlock(&loop->posted_lock);
    return count;
}

/* Those that were there; what they post in turn comes next turn. */
static void run_posted(struct loop *loop)
{
    for (size_t left = count_posted(loop); left; left--) {
        struct loop_task *task = take_posted(loop);
        task->run(task->context);
    }
}

static bool run_turn_end(struct loop *loop)
{
    size_t left = loop->turn_end.count;
    if (!left)
        return false;
    for (; left; left--) {
        struct loop_task *task = task_pop(&loop->turn_end);
        task->run(task->context);
    }
    return true;
}

static void settle(struct loop *loop)
{
    bool made_work;
    do {
        made_work = fiber_pool_run_ready(loop->fibers);
        made_work = run_turn_end(loop) || made_work;
    } while (made_work);
}

/* Turns --------------------------------------------------------------------------------------------------------------------- */

/* Until the next timer is due or `until_ms` has come; -1 when there is neither. */
static int wait_ms(const struct loop *loop, int64_t until_ms)
{
    if (loop->timer_count && loop->timers[1]->due_ms < until_ms)
        until_ms = loop->timers[1]->due_ms;
    if (until_ms == INT64_MAX)
        return -1;
    int64_t wait = until_ms - monotonic_ms();
    return wait < 0 ? 0 : wait > INT_MAX ? INT_MAX : (int)wait;
}

static enum lf_code turn(struct loop *loop, int64_t until_ms, struct err *err)
{
    loop->ready_count = epoll_wait(loop->epoll_fd, loop->ready, EVENTS_PER_TURN, wait_ms(loop, until_ms));
    if (loop->ready_count < 0) {
        loop->ready_count = 0;
        if (errno != EINTR)
            return ERR(err, LF_IO, "cannot wait for events: %s", strerror(errno));
    }
    loop->now_ms = monotonic_ms();
    call_all_ready(loop);
    fire_due(loop);
    run_posted(loop);
    settle(loop);
    return LF_OK;
}

static enum lf_code drain(struct loop *loop, int64_t drain_ms, struct err *err)
{
    int64_t until_ms = drain_ms < INT64_MAX - loop->now_ms ? loop->now_ms + drain_ms : INT64_MAX;
    while (fiber_pool_count(loop->fibers) && loop->now_ms < until_ms)
        TRY(turn(loop, until_ms, err));
    return LF_OK;
}

enum lf_code loop_run(struct loop *loop, int64_t drain_ms, struct err *err)
{
    settle(loop); /* what was queued before it ran */
    while (!atomic_load_explicit(&loop->is_stopped, memory_order_acquire))
        TRY(turn(loop, INT64_MAX, err));
    TRY(drain(loop, drain_ms, err));
    atomic_store(&loop->is_stopped, false);
    return LF_OK;
}

void loop_stop(struct loop *loop)
{
    atomic_store_explicit(&loop->is_stopped, true, memory_order_release);
    wake(loop);
}

struct fiber_pool *loop_fibers(struct loop *loop)
{
    return loop->fibers;
}
