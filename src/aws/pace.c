#include "aws/pace.h"

#include <stdatomic.h>
#include <stddef.h>
#include <time.h>

#define SLICE_S 0.05

void pace_init(struct pace *pace, double units_per_s)
{
    *pace = (struct pace){ .units_per_s = units_per_s };
    (void)pthread_mutex_init(&pace->lock, NULL);
}

void pace_done(struct pace *pace)
{
    (void)pthread_mutex_destroy(&pace->lock);
}

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double pace_reserve(struct pace *pace, double units, double now)
{
    (void)pthread_mutex_lock(&pace->lock);
    double begin = pace->paid_s > now ? pace->paid_s : now;
    pace->paid_s = begin + units / pace->units_per_s;
    (void)pthread_mutex_unlock(&pace->lock);
    return begin - now;
}

static void sleep_for(double seconds)
{
    struct timespec pause = { .tv_sec = (time_t)seconds, .tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9) };
    (void)nanosleep(&pause, NULL);
}

void pace_wait(struct pace *pace, double expected_units, const _Atomic bool *is_over)
{
    if (pace->units_per_s <= 0)
        return;
    double left = pace_reserve(pace, expected_units, now_s());
    for (; left > 0 && !(is_over && atomic_load(is_over)); left -= SLICE_S)
        sleep_for(left < SLICE_S ? left : SLICE_S);
}

void pace_settle(struct pace *pace, double expected_units, double units)
{
    if (pace->units_per_s <= 0)
        return;
    (void)pthread_mutex_lock(&pace->lock);
    pace->paid_s += (units - expected_units) / pace->units_per_s;
    (void)pthread_mutex_unlock(&pace->lock);
}
