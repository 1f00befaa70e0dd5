/*
 * arena: memory that is given back all at once.
 *
 * One arena per request, batch or parse; always a parameter, never ambient. An arena has a cap in bytes: what would pass it is an
 * error (LF_MEMORY) for that request, not the end of the process. Blocks come from malloc and are kept across
 * `arena_reset`, so a loop over items settles into no allocation at all. Under AddressSanitizer reset memory is poisoned.
 *
 *     block:  | used ........ | free .......... |
 *             ^ bytes         ^ at              ^ end
 *
 * Not thread-safe: one thread owns an arena at a time.
 */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "base/err.h"
#include "base/span.h"

struct arena_block;

struct arena {
    struct arena_block *first;   /* owned, all blocks in order of use */
    struct arena_block *current; /* the block that is being filled */
    size_t cap_bytes;            /* sum of block sizes may not pass this */
    size_t held_bytes;           /* sum of block sizes now */
};

/* An empty arena; takes no memory until the first allocation. */
void arena_init(struct arena *arena, size_t cap_bytes);

/* Gives all memory back to malloc. Safe on a zeroed arena. */
void arena_done(struct arena *arena);
#define ARENA_CLEANUP __attribute__((cleanup(arena_done)))

/* Forgets all allocations, keeps the blocks. What was allocated before must not be used again. */
void arena_reset(struct arena *arena);

/* `size` bytes aligned for any type, not zeroed; NULL and LF_MEMORY in `err` past the cap. size 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size, struct err *err);

/* `count` zeroed elements of `size` bytes; the product is checked for overflow. */
void *arena_calloc(struct arena *arena, size_t count, size_t size, struct err *err);

/* A copy of the bytes in the arena (followed by a NUL that the span does not count, so that ptr can be passed as a C string). */
enum lf_code arena_copy(struct arena *arena, struct span bytes, struct span *ret_copy, struct err *err) MUST_CHECK;

/* The parts one after the other, as arena_copy. */
enum lf_code arena_join(struct arena *arena, const struct span *parts, size_t count, struct span *ret_text,
                        struct err *err) MUST_CHECK;

/* printf into the arena; the result is NUL-terminated behind its last byte. */
enum lf_code arena_printf(struct arena *arena, struct span *ret_text, struct err *err, const char *format, ...)
    PRINTF_LIKE(4, 5) MUST_CHECK;

/* A mark to which `arena_rewind` goes back, giving up everything allocated since. */
struct arena_mark {
    struct arena_block *block;
    size_t at;
};
struct arena_mark arena_mark(const struct arena *arena);
void arena_rewind(struct arena *arena, struct arena_mark mark);
