/*
 * journal: the keys that a gateway writes while PostgreSQL is away (docs/live.md, "Without PostgreSQL").
 *
 *     journal_begin ─► on the disk ─► (DynamoDB is asked) ─► journal_end ─► settled ─► journal_list ─► a mark ─► journal_told
 *
 * A key is noted once, however often it is written before it is told. It has no outcome: after a restart whatever was sent for it
 * may still land. Requests that come together share a sync of the file.
 *
 * Nobody may read rows of what is noted here. So a gateway whose journal is empty claims so to the others (`journal_claim`), and
 * notes nothing until they have ceased to take its word for it: JOURNAL_OPENS_MS later.
 *
 * Threads: all workers share it, on fibers; claiming and telling is one thread's, that of the heartbeat. Times are by
 * catalog_now_ms.
 */
#pragma once

#include "gateway/journal_file.h"
#include "gateway/runtime/loop.h"

enum { JOURNAL_OPENS_MS = 5000, JOURNAL_BYTES_MAX = 1024 * 1024 * 1024 /* of memory */ };

struct journal;
struct journal_entry; /* of a key */

struct journal_options {
    const char *folder;
    size_t bytes_max;
    int64_t lands_ms; /* until when what a former process has sent may land */
};

/* Errors: those of journal_file_open and journal_file_read; LF_MEMORY. */
enum lf_code journal_open(const struct journal_options *options, struct journal **ret_journal, struct err *err) MUST_CHECK;
/* No fiber is woken any more; before the loops of those that wait are freed. */
void journal_stop(struct journal *journal);
void journal_close(struct journal *journal); /* NULL is fine */

const char *journal_id(const struct journal *journal);
const char *journal_place(const struct journal *journal);
const char *journal_folder(const struct journal *journal);

/* Suspends the fiber until the keys are on the disk; their entries are for journal_end. After an error nothing is noted. Errors:
 * LF_INTERNAL_SERVER before the journal is open, LF_LIMIT over bytes_max, LF_IO, LF_MEMORY. */
enum lf_code journal_begin(struct journal *journal, struct loop *loop, int64_t now_ms, const struct journal_record *keys,
                           size_t count, struct journal_entry **entries, struct err *err) MUST_CHECK;
/* What was sent for them cannot land any more from `lands_ms` on; 0: it has ended. */
void journal_end(struct journal *journal, struct journal_entry *const *entries, size_t count, int64_t lands_ms);

/* Whether nothing is noted; then nothing is for JOURNAL_OPENS_MS. */
bool journal_claim(struct journal *journal, int64_t now_ms);
bool journal_is_empty(struct journal *journal);
/* Notes nothing for JOURNAL_OPENS_MS: what a former process has claimed others may still believe. */
void journal_hold(struct journal *journal, int64_t now_ms);

/* Keys for which nothing is being sent, the oldest first, and, once they are marks, their end. */
struct journal_due {
    struct journal_entry *entry;
    struct journal_record key; /* valid until it is told */
    int64_t lands_ms;
    uint64_t uses;
    bool is_told; /* set by the caller */
};
size_t journal_list(struct journal *journal, struct journal_due *due, size_t due_max);
void journal_told(struct journal *journal, const struct journal_due *due, size_t count);
