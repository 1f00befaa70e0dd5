#include "base/backoff.h"

#include <time.h>
#include <unistd.h>

void backoff_init(struct backoff *backoff, unsigned delay_ms_min, unsigned delay_ms_max, uint64_t seed)
{
    *backoff =
        (struct backoff){ .delay_ms_min = delay_ms_min, .delay_ms_max = delay_ms_max, .random = seed, .delay_ms = delay_ms_min };
}

/* splitmix64: any seed will do, zero as well. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t mixed = *state += 0x9E3779B97F4A7C15;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
    return mixed ^ (mixed >> 31);
}

unsigned backoff_next_ms(struct backoff *backoff)
{
    uint64_t longest = (uint64_t)backoff->delay_ms * 3;
    uint64_t span = longest > backoff->delay_ms_min ? longest - backoff->delay_ms_min : 0;
    uint64_t delay = backoff->delay_ms_min + next_random(&backoff->random) % (span + 1);
    backoff->delay_ms = delay < backoff->delay_ms_max ? (unsigned)delay : backoff->delay_ms_max;
    return backoff->delay_ms;
}

void backoff_wait(struct backoff *backoff)
{
    unsigned delay_ms = backoff_next_ms(backoff);
    struct timespec pause = { .tv_sec = delay_ms / 1000, .tv_nsec = (long)(delay_ms % 1000) * 1000000 };
    (void)nanosleep(&pause, NULL);
}

uint64_t backoff_seed(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 32 ^ (uint64_t)getpid() << 16;
}
