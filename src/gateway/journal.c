#include "gateway/journal.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/hash.h"

enum { BUCKETS_MIN = 1024, RECORDS_BYTES_MAX = 256 * 1024 * 1024 };

struct journal_entry {
    struct journal_entry *next_in_bucket, *before, *behind; /* in order of their coming */
    struct journal_record key;                              /* behind this */
    uint64_t hash, uses;
    size_t bytes;
    int64_t lands_ms;
    unsigned in_flight;
    bool is_durable, is_being_written;
};

/* A fiber whose keys are on their way to the disk. */
struct waiting {
    struct waiting *next;
    struct loop *loop;
    struct loop_task task;
    struct fiber *fiber;
    struct journal_entry **entries;
    size_t count;
    struct err err;
    bool is_done;
};

struct journal {
    struct journal_file *file; /* the thread's, while somebody waits */
    size_t bytes_max;
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mutex; /* of all below */
    pthread_cond_t work;
    bool is_stopping;
    struct waiting *first, **last;
    struct journal_entry **buckets;
    size_t bucket_count, count, bytes;
    struct journal_entry *oldest, *newest;
    int64_t claimed_ms;
};

/* The set of keys
 * -----------------------------------------------------------------------------------------------------------------
 */

static uint64_t hash_of(const struct journal_record *key)
{
    return hash64(key->sk, hash64(key->h, hash64(key->table, 0)));
}

static struct journal_entry *find(const struct journal *journal, const struct journal_record *key, uint64_t hash)
{
    struct journal_entry *entry = journal->buckets[hash % journal->bucket_count];
    while (entry && !(entry->hash == hash && span_equal(entry->key.h, key->h) && span_equal(entry->key.sk, key->sk) &&
                      span_equal(entry->key.table, key->table)))
        entry = entry->next_in_bucket;
    return entry;
}

static enum lf_code grow(struct journal *journal, struct err *err)
{
    size_t count = journal->bucket_count ? 2 * journal->bucket_count : BUCKETS_MIN;
    struct journal_entry **buckets = calloc(count, sizeof(struct journal_entry *));
    if (!buckets)
        return ERR(err, LF_MEMORY, "no memory for the keys of a journal");
    for (struct journal_entry *entry = journal->oldest; entry; entry = entry->behind) {
        entry->next_in_bucket = buckets[entry->hash % count];
        buckets[entry->hash % count] = entry;
    }
    free(journal->buckets);
    journal->buckets = buckets;
    journal->bucket_count = count;
    return LF_OK;
}

static struct span copy(char **at, struct span bytes)
{
    char *begin = *at;
    if (bytes.len)
        memcpy(begin, bytes.ptr, bytes.len);
    *at += bytes.len;
    return span_of(begin, bytes.len);
}

static struct journal_entry *make(const struct journal_record *key, uint64_t hash, size_t bytes)
{
    struct journal_entry *entry = malloc(bytes);
    if (!entry)
        return NULL;
    char *at = (char *)(entry + 1);
    *entry = (struct journal_entry){ .hash = hash, .bytes = bytes };
    entry->key.table = copy(&at, key->table);
    entry->key.h = copy(&at, key->h);
    entry->key.sk = copy(&at, key->sk);
    entry->key.key = copy(&at, key->key);
    return entry;
}

static void queue(struct journal *journal, struct journal_entry *entry)
{
    entry->before = journal->newest;
    entry->behind = NULL;
    *(journal->newest ? &journal->newest->behind : &journal->oldest) = entry;
    journal->newest = entry;
}

static void unqueue(struct journal *journal, struct journal_entry *entry)
{
    *(entry->before ? &entry->before->behind : &journal->oldest) = entry->behind;
    *(entry->behind ? &entry->behind->before : &journal->newest) = entry->before;
}

static void link_entry(struct journal *journal, struct journal_entry *entry)
{
    struct journal_entry **bucket = &journal->buckets[entry->hash % journal->bucket_count];
    entry->next_in_bucket = *bucket;
    *bucket = entry;
    queue(journal, entry);
    journal->count++;
    journal->bytes += entry->bytes;
}

static enum lf_code add(struct journal *journal, const struct journal_record *key, uint64_t hash,
                        struct journal_entry **ret_entry, struct err *err)
{
    size_t bytes = sizeof **ret_entry + key->table.len + key->h.len + key->sk.len + key->key.len;
    if (journal->count == journal->bucket_count)
        TRY(grow(journal, err));
    if (bytes > journal->bytes_max - journal->bytes)
        return ERR(err, LF_LIMIT, "the journal of keys written without PostgreSQL is full: %zu keys", journal->count);
    struct journal_entry *entry = make(key, hash, bytes);
    if (!entry)
        return ERR(err, LF_MEMORY, "no memory for the keys of a journal");
    link_entry(journal, entry);
    *ret_entry = entry;
    return LF_OK;
}

static void take_out(struct journal *journal, struct journal_entry *entry)
{
    struct journal_entry **at = &journal->buckets[entry->hash % journal->bucket_count];
    while (*at != entry)
        at = &(*at)->next_in_bucket;
    *at = entry->next_in_bucket;
    unqueue(journal, entry);
    journal->count--;
    journal->bytes -= entry->bytes;
    free(entry);
}

/* Noting
 * ---------------------------------------------------------------------------------------------------------------------------
 */

/* What nobody has written, nor waits for, was never noted. */
static void release(struct journal *journal, struct journal_entry *const *entries, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (--entries[i]->in_flight == 0 && !entries[i]->is_durable)
            take_out(journal, entries[i]);
}

static enum lf_code hold(struct journal *journal, const struct journal_record *keys, size_t count, struct journal_entry **entries,
                         bool *ret_durable, struct err *err)
{
    *ret_durable = true;
    for (size_t i = 0; i < count; i++) {
        uint64_t hash = hash_of(&keys[i]);
        entries[i] = find(journal, &keys[i], hash);
        if (!entries[i] && add(journal, &keys[i], hash, &entries[i], err)) {
            release(journal, entries, i);
            return err->code;
        }
        entries[i]->in_flight++;
        entries[i]->uses++;
        *ret_durable &= entries[i]->is_durable;
    }
    return LF_OK;
}

static void on_done(void *context)
{
    struct waiting *waiting = context;
    waiting->is_done = true;
    fiber_wake(waiting->fiber);
}

/* Under the mutex. `waiting` NULL: there is nothing to wait for. */
static enum lf_code begin(struct journal *journal, int64_t now_ms, const struct journal_record *keys, struct waiting **waiting,
                          struct err *err)
{
    bool is_durable = false;
    if (now_ms - journal->claimed_ms < JOURNAL_OPENS_MS)
        return ERR(err, LF_INTERNAL_SERVER, "the gateway has not reached its database for a while, and goes on without it soon");
    TRY(hold(journal, keys, (*waiting)->count, (*waiting)->entries, &is_durable, err));
    if (is_durable) {
        *waiting = NULL;
        return LF_OK;
    }
    *journal->last = *waiting;
    journal->last = &(*waiting)->next;
    (void)pthread_cond_signal(&journal->work);
    return LF_OK;
}

enum lf_code journal_begin(struct journal *journal, struct loop *loop, int64_t now_ms, const struct journal_record *keys,
                           size_t count, struct journal_entry **entries, struct err *err)
{
    struct waiting own = { .loop = loop, .fiber = fiber_self(), .entries = entries, .count = count, .err = ERR_INIT };
    struct waiting *waiting = &own;
    own.task = (struct loop_task){ .run = on_done, .context = &own };
    (void)pthread_mutex_lock(&journal->mutex);
    enum lf_code code = begin(journal, now_ms, keys, &waiting, err);
    (void)pthread_mutex_unlock(&journal->mutex);
    if (code || !waiting)
        return code;
    while (!own.is_done)
        fiber_suspend();
    if (own.err.code)
        *err = own.err;
    return own.err.code;
}

void journal_end(struct journal *journal, struct journal_entry *const *entries, size_t count, int64_t lands_ms)
{
    (void)pthread_mutex_lock(&journal->mutex);
    for (size_t i = 0; i < count; i++)
        if (entries[i]->lands_ms < lands_ms)
            entries[i]->lands_ms = lands_ms;
    release(journal, entries, count);
    (void)pthread_mutex_unlock(&journal->mutex);
}

/* The disk
 * -------------------------------------------------------------------------------------------------------------------------
 */

/* Under the mutex, as the next. */
static void put_records(const struct waiting *waiting, struct buf *records)
{
    for (; waiting; waiting = waiting->next)
        for (size_t i = 0; i < waiting->count; i++) {
            struct journal_entry *entry = waiting->entries[i];
            if (entry->is_durable || entry->is_being_written)
                continue;
            entry->is_being_written = true;
            journal_record_put(records, &entry->key);
        }
}

static void note_outcome(struct journal *journal, struct waiting *waiting, const struct err *err)
{
    for (struct waiting *each = waiting; each; each = each->next)
        for (size_t i = 0; i < each->count; i++) {
            struct journal_entry *entry = each->entries[i];
            entry->is_durable |= entry->is_being_written && !err->code;
            entry->is_being_written = false;
        }
    for (; waiting; waiting = waiting->next) {
        waiting->err = *err;
        if (err->code)
            release(journal, waiting->entries, waiting->count);
    }
}

static enum lf_code write_records(struct journal *journal, const struct buf *records, struct err *err)
{
    TRY(buf_check(records, err));
    return records->len ? journal_file_append(journal->file, buf_span(records), err) : LF_OK;
}

/* A fiber may be gone as soon as its task is posted. */
static void wake_all(struct waiting *waiting)
{
    for (struct waiting *next; waiting; waiting = next) {
        next = waiting->next;
        loop_post(waiting->loop, &waiting->task);
    }
}

/* Under the mutex, which it gives back while it writes. */
static void write_for(struct journal *journal, struct waiting *waiting)
{
    struct err err = ERR_INIT;
    struct buf records;
    buf_init(&records, RECORDS_BYTES_MAX);
    put_records(waiting, &records);
    (void)pthread_mutex_unlock(&journal->mutex);
    (void)!write_records(journal, &records, &err);
    buf_done(&records);
    (void)pthread_mutex_lock(&journal->mutex);
    note_outcome(journal, waiting, &err);
    wake_all(waiting);
}

static void *run_writer(void *context)
{
    struct journal *journal = context;
    (void)pthread_mutex_lock(&journal->mutex);
    while (!journal->is_stopping) {
        struct waiting *waiting = journal->first;
        journal->first = NULL;
        journal->last = &journal->first;
        if (waiting)
            write_for(journal, waiting);
        else
            (void)pthread_cond_wait(&journal->work, &journal->mutex);
    }
    (void)pthread_mutex_unlock(&journal->mutex);
    return NULL;
}

/* Telling
 * --------------------------------------------------------------------------------------------------------------------------
 */

bool journal_claim(struct journal *journal, int64_t now_ms)
{
    (void)pthread_mutex_lock(&journal->mutex);
    bool is_empty = !journal->count;
    if (is_empty)
        journal->claimed_ms = now_ms;
    (void)pthread_mutex_unlock(&journal->mutex);
    return is_empty;
}

void journal_hold(struct journal *journal, int64_t now_ms)
{
    (void)pthread_mutex_lock(&journal->mutex);
    journal->claimed_ms = now_ms;
    (void)pthread_mutex_unlock(&journal->mutex);
}

bool journal_is_empty(struct journal *journal)
{
    (void)pthread_mutex_lock(&journal->mutex);
    bool is_empty = !journal->count;
    (void)pthread_mutex_unlock(&journal->mutex);
    return is_empty;
}

size_t journal_list(struct journal *journal, struct journal_due *due, size_t due_max)
{
    size_t count = 0;
    (void)pthread_mutex_lock(&journal->mutex);
    for (struct journal_entry *entry = journal->oldest; entry && count < due_max; entry = entry->behind)
        if (!entry->in_flight)
            due[count++] =
                (struct journal_due){ .entry = entry, .key = entry->key, .lands_ms = entry->lands_ms, .uses = entry->uses };
    (void)pthread_mutex_unlock(&journal->mutex);
    return count;
}

/* What has to wait must not hold up the others. */
static void settle(struct journal *journal, const struct journal_due *due)
{
    if (due->is_told && due->entry->uses == due->uses) {
        take_out(journal, due->entry);
        return;
    }
    unqueue(journal, due->entry);
    queue(journal, due->entry);
}

void journal_told(struct journal *journal, const struct journal_due *due, size_t count)
{
    (void)pthread_mutex_lock(&journal->mutex);
    for (size_t i = 0; i < count; i++)
        settle(journal, &due[i]);
    if (!journal->count)
        journal_file_clear(journal->file);
    (void)pthread_mutex_unlock(&journal->mutex);
}

/* Life
 * -----------------------------------------------------------------------------------------------------------------------------
 */

struct recovery {
    struct journal *journal;
    int64_t lands_ms;
};

static enum lf_code recover(void *context, const struct journal_record *record, struct err *err)
{
    const struct recovery *recovery = context;
    struct journal_entry *entry = NULL;
    uint64_t hash = hash_of(record);
    if (find(recovery->journal, record, hash))
        return LF_OK;
    TRY(add(recovery->journal, record, hash, &entry, err));
    entry->is_durable = true;
    entry->lands_ms = recovery->lands_ms;
    return LF_OK;
}

/* What was noted under another limit is taken all the same. */
static enum lf_code start(struct journal *journal, const struct journal_options *options, struct err *err)
{
    struct recovery recovery = { journal, options->lands_ms };
    journal->bytes_max = SIZE_MAX;
    TRY(grow(journal, err));
    TRY(journal_file_open(options->folder, &journal->file, err));
    TRY(journal_file_read(journal->file, recover, &recovery, err));
    journal->bytes_max = options->bytes_max > journal->bytes ? options->bytes_max : journal->bytes;
    if (pthread_create(&journal->thread, NULL, run_writer, journal))
        return ERR(err, LF_MEMORY, "no thread for the journal of a gateway");
    journal->has_thread = true;
    return LF_OK;
}

enum lf_code journal_open(const struct journal_options *options, struct journal **ret_journal, struct err *err)
{
    struct journal *journal = calloc(1, sizeof *journal);
    if (!journal)
        return ERR(err, LF_MEMORY, "no memory for the journal of a gateway");
    (void)pthread_mutex_init(&journal->mutex, NULL);
    (void)pthread_cond_init(&journal->work, NULL);
    journal->last = &journal->first;
    enum lf_code code = start(journal, options, err);
    if (code)
        journal_close(journal);
    else
        *ret_journal = journal;
    return code;
}

void journal_stop(struct journal *journal)
{
    if (!journal || !journal->has_thread)
        return;
    (void)pthread_mutex_lock(&journal->mutex);
    journal->is_stopping = true;
    (void)pthread_cond_signal(&journal->work);
    (void)pthread_mutex_unlock(&journal->mutex);
    (void)pthread_join(journal->thread, NULL);
    journal->has_thread = false;
}

void journal_close(struct journal *journal)
{
    if (!journal)
        return;
    journal_stop(journal);
    while (journal->oldest)
        take_out(journal, journal->oldest);
    free(journal->buckets);
    journal_file_close(journal->file);
    (void)pthread_cond_destroy(&journal->work);
    (void)pthread_mutex_destroy(&journal->mutex);
    free(journal);
}

const char *journal_id(const struct journal *journal)
{
    return journal_file_id(journal->file);
}

const char *journal_place(const struct journal *journal)
{
    return journal_file_place(journal->file);
}

const char *journal_folder(const struct journal *journal)
{
    return journal_file_folder(journal->file);
}
