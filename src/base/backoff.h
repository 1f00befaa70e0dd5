/*
 * backoff: pauses between attempts, with decorrelated jitter: each is between `delay_ms_min` and three times the one before, at
 * most `delay_ms_max`. So many callers that failed at the same moment do not come back at the same moment. One thread.
 */
#pragma once

#include <stdint.h>

struct backoff {
    unsigned delay_ms_min, delay_ms_max;
    uint64_t random;
    unsigned delay_ms; /* of the last pause */
};

/* `seed` makes the pauses; equal seeds make equal pauses. */
void backoff_init(struct backoff *backoff, unsigned delay_ms_min, unsigned delay_ms_max, uint64_t seed);
/* The length of the next pause. Pure. */
unsigned backoff_next_ms(struct backoff *backoff);
/* Pauses for as long. */
void backoff_wait(struct backoff *backoff);
/* A seed that differs between processes and moments. */
uint64_t backoff_seed(void);
