#include "base/stage_clock.h"

#include <time.h>

static uint64_t read_ns(clockid_t clock)
{
    struct timespec now = { 0 };
    (void)clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static struct stage_time time_now(void)
{
    return (struct stage_time){ read_ns(CLOCK_THREAD_CPUTIME_ID), read_ns(CLOCK_MONOTONIC) };
}

static void add(struct stage_time *sum, struct stage_time time)
{
    sum->cpu_ns += time.cpu_ns;
    sum->wall_ns += time.wall_ns;
}

static void book(struct stage_time *sum, struct stage_time from, struct stage_time to)
{
    add(sum, (struct stage_time){ to.cpu_ns - from.cpu_ns, to.wall_ns - from.wall_ns });
}

/* The part that is under way ends now. */
static void end_part(struct stage_clock *clock, struct stage_time now)
{
    if (clock->is_sampling)
        book(&clock->sampled[clock->part], clock->part_at, now);
    clock->is_sampling = false;
}

static void begin_part(struct stage_clock *clock, enum stage part, struct stage_time now)
{
    clock->is_sampling = true;
    clock->part = part;
    clock->part_at = now;
}

void stage_clock_begin(struct stage_clock *clock, enum stage stage)
{
    if (!clock)
        return;
    clock->is_running = true;
    clock->stage = stage;
    clock->at = time_now();
}

void stage_clock_end(struct stage_clock *clock)
{
    if (!clock)
        return;
    stage_clock_enter(clock, STAGE_REST);
    clock->is_running = false;
}

/* A sampled item that leaves STAGE_ITEMS, to send what is full, counts up to there. */
void stage_clock_enter(struct stage_clock *clock, enum stage stage)
{
    if (!clock->is_running)
        return;
    struct stage_time now = time_now();
    end_part(clock, now);
    book(&clock->times[clock->stage], clock->at, now);
    clock->stage = stage;
    clock->at = now;
}

void stage_clock_item(struct stage_clock *clock, enum stage part)
{
    if (clock->is_sampling)
        end_part(clock, time_now());
    if (clock->items++ % STAGE_SAMPLE_EVERY == 0 && clock->stage == STAGE_ITEMS)
        begin_part(clock, part, time_now());
}

void stage_clock_part(struct stage_clock *clock, enum stage part)
{
    struct stage_time now = time_now();
    end_part(clock, now);
    begin_part(clock, part, now);
}

static uint64_t scaled(uint64_t whole, uint64_t part, uint64_t parts)
{
    return parts ? (uint64_t)((double)whole * (double)part / (double)parts) : 0;
}

/* Without a sample all of it is the rest. */
static void split_items(struct stage_time times[STAGES], const struct stage_time sampled[STAGES])
{
    struct stage_time whole = times[STAGE_ITEMS], parts = { 0 }, given = { 0 };
    for (size_t i = 0; i < STAGES; i++)
        add(&parts, sampled[i]);
    for (size_t i = 0; i < STAGES; i++) {
        struct stage_time share = { scaled(whole.cpu_ns, sampled[i].cpu_ns, parts.cpu_ns),
                                    scaled(whole.wall_ns, sampled[i].wall_ns, parts.wall_ns) };
        add(&times[i], share);
        add(&given, share);
    }
    if (parts.cpu_ns == 0)
        times[STAGE_REST].cpu_ns += whole.cpu_ns - given.cpu_ns;
    if (parts.wall_ns == 0)
        times[STAGE_REST].wall_ns += whole.wall_ns - given.wall_ns;
    times[STAGE_ITEMS] = (struct stage_time){ 0 };
}

static void add_clock(const struct stage_clock *clock, struct stage_time times[STAGES], struct stage_time sampled[STAGES])
{
    for (size_t i = 0; i < STAGES; i++) {
        add(&times[i], clock->times[i]);
        add(&sampled[i], clock->sampled[i]);
    }
}

void stage_profile_sum(const struct stage_profile *profile, struct stage_time ret_times[STAGES])
{
    struct stage_time sampled[STAGES] = { 0 };
    for (size_t i = 0; i < STAGES; i++)
        ret_times[i] = (struct stage_time){ 0 };
    add_clock(&profile->main, ret_times, sampled);
    for (size_t i = 0; i < LIMIT_JOBS; i++)
        add_clock(&profile->workers[i], ret_times, sampled);
    split_items(ret_times, sampled);
}

const char *stage_name(enum stage stage)
{
    static const char *const names[STAGES] = {
        [STAGE_REST] = "rest",     [STAGE_READ] = "read",       [STAGE_ITEMS] = "items",     [STAGE_PARSE] = "parse",
        [STAGE_ENCODE] = "encode", [STAGE_PUT] = "copy format", [STAGE_SUMS] = "sums",       [STAGE_RECEIVE] = "receive",
        [STAGE_DECODE] = "decode", [STAGE_OBSERVE] = "observe", [STAGE_SEND] = "send",       [STAGE_COMMIT] = "commit",
        [STAGE_DRAFT] = "draft",   [STAGE_INDEX] = "index",     [STAGE_ANALYSE] = "analyse",
    };
    return names[stage];
}
