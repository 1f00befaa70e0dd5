/*
 * items: the items of a source, one after the other or on several threads, for commands that only look at them.
 *
 * Each thread owns a chunk and an arena that holds one item; what it visits with is its own too. What is wrong in a record is
 * reported as "file:line: byte N: …". Progress goes to standard error.
 */
#pragma once

#include "base/stage_clock.h"
#include "source/source.h"

enum { LINE_ARENA_BYTES = 64 * 1024 * 1024 }; /* of one item, parsed */

/* The item goes away with the next one. */
typedef enum lf_code items_visit(void *context, const struct source_file *file, const struct item *item, struct err *err);

/* Every item of a chunk; the visit is STAGE_OBSERVE of `clock` (may be NULL). */
enum lf_code items_of_chunk(const struct source *source, const struct source_chunk *chunk, struct arena *arena,
                            struct stage_clock *clock, items_visit *visit, void *context, struct err *err) MUST_CHECK;

/* Every item of the source, to its end or until Ctrl-C (see interrupt.h), on `jobs` threads; the n-th visits with contexts[n].
 * The first error stops all. `profile` may be NULL. */
enum lf_code items_read(struct source *source, items_visit *visit, void *const *contexts, unsigned jobs,
                        struct stage_profile *profile, uint64_t *ret_items, struct err *err) MUST_CHECK;
