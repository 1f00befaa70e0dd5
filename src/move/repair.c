#include "move/repair.h"

#include <stdlib.h>

#include "move/exec_binary.h"
#include "move/repair_batch.h"

enum { IDENTITY_ARENA_BYTES = 512 * 1024 * 1024 };

/* The rows that hold differing keys. Listed by one thread each, then sorted by key in the first list. */
struct identity_list {
    struct row_identity *items; /* owned, malloc */
    size_t count, capacity;
    struct arena arena; /* owns their fields */
};

struct repairing {
    const struct repair *repair;
    const struct key_differences *differences;
    bool *deleted;     /* by index of the differences: its rows are gone */
    bool *is_finished; /* borrowed: repair->finish was committed */
    struct identity_list lists[LIMIT_JOBS];
    struct repair_batch *batches[LIMIT_JOBS]; /* owned; NULL until the worker has something to write */
    struct pg_conn *conns[LIMIT_JOBS];        /* owned; theirs */
};

static enum lf_code identity_list_reserve(struct identity_list *list, size_t more, struct err *err)
{
    enum { FIRST_IDENTITIES = 256 };
    if (more <= list->capacity - list->count)
        return LF_OK;
    size_t capacity = list->capacity ? 2 * list->capacity : FIRST_IDENTITIES;
    if (capacity - list->count < more)
        capacity = list->count + more;
    struct row_identity *items = realloc(list->items, capacity * sizeof *items);
    if (!items)
        return ERR(err, LF_MEMORY, "out of memory for a list of %zu rows", capacity);
    list->items = items;
    list->capacity = capacity;
    return LF_OK;
}

static enum lf_code note_row(void *context, unsigned worker, const struct scan_item *item, struct err *err)
{
    struct repairing *repairing = context;
    struct identity_list *list = &repairing->lists[worker];
    if (!key_differences_find(repairing->differences, item->table, &item->key))
        return LF_OK;
    TRY(identity_list_reserve(list, 1, err));
    TRY(row_identity_of(item->row, &list->arena, &list->items[list->count], err));
    list->items[list->count++].key = key_hash128(&item->key);
    return LF_OK;
}

static int compare_identity(const void *left, const void *right)
{
    const struct row_identity *a = left, *b = right;
    int order = (a->table > b->table) - (a->table < b->table);
    return order ? order : hash128_compare(a->key, b->key);
}

static enum lf_code gather(struct repairing *repairing, struct err *err)
{
    struct identity_list *all = &repairing->lists[0];
    for (unsigned worker = 1; worker < repairing->repair->crew->jobs; worker++) {
        const struct identity_list *list = &repairing->lists[worker];
        if (list->count == 0)
            continue;
        TRY(identity_list_reserve(all, list->count, err));
        memcpy(all->items + all->count, list->items, list->count * sizeof *list->items);
        all->count += list->count;
    }
    if (all->count)
        qsort(all->items, all->count, sizeof *all->items, compare_identity);
    return LF_OK;
}

/* The rows of one key: the first and how many. */
static const struct row_identity *find_rows(const struct repairing *repairing, const struct map_table *table, struct hash128 key,
                                            size_t *ret_count)
{
    const struct identity_list *all = &repairing->lists[0];
    const struct row_identity wanted = { .table = table, .key = key };
    size_t low = 0, high = all->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_identity(&all->items[middle], &wanted) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t end = low;
    while (end < all->count && compare_identity(&all->items[end], &wanted) == 0)
        end++;
    *ret_count = end - low;
    return all->items + low;
}

/* Rows whose key the source does not have. */
static enum lf_code delete_key(struct repairing *repairing, struct pg_conn *conn, const struct key_difference *difference,
                               struct err *err)
{
    const struct map *map = repairing->repair->map;
    size_t count;
    const struct row_identity *rows = find_rows(repairing, &map->tables[difference->table], difference->key, &count);
    for (size_t i = 0; i < count; i++)
        TRY(row_identity_delete(conn, map, &rows[i], err));
    return LF_OK;
}

/* Deletes a key unless a row that is still there refers to it: then *ret_deleted is false and `refusal` says which. */
static enum lf_code try_delete_key(struct repairing *repairing, struct pg_conn *conn, const struct key_difference *difference,
                                   bool *ret_deleted, struct err *refusal, struct err *err)
{
    TRY(pg_exec(conn, "SAVEPOINT key", err));
    *ret_deleted = delete_key(repairing, conn, difference, refusal) == LF_OK;
    if (*ret_deleted)
        return pg_exec(conn, "RELEASE key", err);
    if (!is_constraint_violation(refusal)) {
        *err = *refusal;
        return err->code;
    }
    return pg_exec(conn, "ROLLBACK TO key; RELEASE key", err);
}

/* Goes once through the extra keys that are left. */
static enum lf_code delete_round(struct repairing *repairing, struct pg_conn *conn, size_t *ret_deleted, size_t *ret_refused,
                                 struct err *refusal, struct err *err)
{
    *ret_deleted = *ret_refused = 0;
    for (size_t i = 0; i < repairing->differences->count; i++) {
        const struct key_difference *difference = &repairing->differences->items[i];
        bool *deleted = &repairing->deleted[i];
        if (difference->in_source || *deleted)
            continue;
        TRY(try_delete_key(repairing, conn, difference, deleted, refusal, err));
        *(*deleted ? ret_deleted : ret_refused) += 1;
        if (*deleted && *ret_deleted % REPAIR_BATCH_ITEMS == 0)
            TRY(pg_exec(conn, "COMMIT; BEGIN", err));
    }
    return LF_OK;
}

/* Rows that others refer to go when those have gone, in a later round. *ret_refused: some are left, and `refusal` says why. */
static enum lf_code delete_rounds(struct repairing *repairing, struct pg_conn *conn, bool *ret_refused, struct err *refusal,
                                  struct err *err)
{
    size_t now, refused;
    do {
        *refusal = (struct err)ERR_INIT;
        TRY(pg_exec(conn, "BEGIN", err));
        TRY(delete_round(repairing, conn, &now, &refused, refusal, err));
        TRY(pg_exec(conn, "COMMIT", err));
    } while (refused && now);
    *ret_refused = refused > 0;
    return LF_OK;
}

static enum lf_code delete_extra(struct repairing *repairing, bool *ret_refused, struct err *refusal, struct err *err)
{
    PG_CONN_CLEANUP struct pg_conn *conn = NULL;
    TRY(pg_connect(repairing->repair->postgres, &conn, err));
    return delete_rounds(repairing, conn, ret_refused, refusal, err);
}

/* Each worker writes by a connection of its own, opened when it first has something to write. */
static enum lf_code open_batch(struct repairing *repairing, unsigned worker, struct err *err)
{
    if (repairing->batches[worker])
        return LF_OK;
    TRY(pg_connect(repairing->repair->postgres, &repairing->conns[worker], err));
    struct repair_batch *batch = malloc(sizeof *batch);
    if (!batch)
        return ERR(err, LF_MEMORY, "out of memory for a batch");
    repair_batch_init(batch, repairing->repair->map, repairing->conns[worker]);
    repairing->batches[worker] = batch;
    return LF_OK;
}

static enum lf_code write_item(void *context, unsigned worker, const struct scan_item *item, struct err *err)
{
    struct repairing *repairing = context;
    const struct key_difference *difference = key_differences_find(repairing->differences, item->table, &item->key);
    if (!difference)
        return LF_OK;
    const struct map_table *table = &repairing->repair->map->tables[item->table];
    size_t count;
    const struct row_identity *rows = find_rows(repairing, table, difference->key, &count);
    TRY(open_batch(repairing, worker, err));
    return repair_batch_add(repairing->batches[worker], table, difference, item->item, rows, count, err);
}

static enum lf_code scan_target(struct repairing *repairing, struct err *err)
{
    const struct repair *repair = repairing->repair;
    struct scan scan = {
        .map = repair->map,
        .target = repair->target,
        .wanted = repair->wanted,
        .crew = repair->crew,
        .visit = note_row,
        .context = repairing,
    };
    TRY(scan_run(&scan, err));
    return gather(repairing, err);
}

static enum lf_code scan_source(struct repairing *repairing, struct err *err)
{
    const struct repair *repair = repairing->repair;
    struct scan scan = {
        .map = repair->map,
        .source = repair->source,
        .overlay = repair->overlay,
        .changes_only = repair->changes_only,
        .wanted = repair->wanted,
        .crew = repair->crew,
        .visit = write_item,
        .context = repairing,
    };
    return scan_run(&scan, err);
}

/* With the last batch, unless items were refused: then it is not the last. */
static enum lf_code finish_last(void *context, struct pg_conn *conn, struct err *err)
{
    struct repairing *repairing = context;
    for (unsigned worker = 0; worker < LIMIT_JOBS; worker++)
        if (repairing->batches[worker] && repairing->batches[worker]->refused_count)
            return LF_OK;
    TRY(repairing->repair->finish(repairing->repair->finish_context, conn, err));
    *repairing->is_finished = true;
    return LF_OK;
}

static enum lf_code flush_batches(struct repairing *repairing, bool may_finish, struct err *err)
{
    struct repair_batch *last = NULL;
    for (unsigned worker = 0; worker < LIMIT_JOBS; worker++) {
        struct repair_batch *batch = repairing->batches[worker];
        if (!batch || !batch->count)
            continue;
        if (last)
            TRY(repair_batch_flush(last, NULL, NULL, err));
        last = batch;
    }
    return last ? repair_batch_flush(last, may_finish ? finish_last : NULL, repairing, err) : LF_OK;
}

static enum lf_code replace_rows(struct repairing *repairing, struct err *err)
{
    struct err refusal = ERR_INIT;
    bool refused;
    TRY(scan_target(repairing, err));
    TRY(delete_extra(repairing, &refused, &refusal, err));
    TRY(scan_source(repairing, err));
    TRY(flush_batches(repairing, repairing->repair->finish && !refused, err));
    if (refused)
        TRY(delete_extra(repairing, &refused, &refusal, err));
    if (!refused)
        return LF_OK;
    *err = refusal;
    return err_while(err, "deleting rows that the source does not have");
}

static void repairing_done(struct repairing *repairing)
{
    free(repairing->deleted);
    for (unsigned worker = 0; worker < LIMIT_JOBS; worker++) {
        free(repairing->lists[worker].items);
        arena_done(&repairing->lists[worker].arena);
        if (repairing->batches[worker])
            repair_batch_done(repairing->batches[worker]);
        free(repairing->batches[worker]);
        pg_close(repairing->conns[worker]);
    }
}

/* The keys of items that went to landfall.item because they broke a constraint. */
static enum lf_code gather_refused(const struct repairing *repairing, struct key_differences *ret_refused, struct err *err)
{
    size_t count = 0;
    for (unsigned worker = 0; worker < LIMIT_JOBS; worker++)
        count += repairing->batches[worker] ? repairing->batches[worker]->refused_count : 0;
    struct key_entry *entries = calloc(count + 1, sizeof *entries);
    if (!entries)
        return ERR(err, LF_MEMORY, "out of memory for %zu keys", count);
    count = 0;
    for (unsigned worker = 0; worker < LIMIT_JOBS; worker++) {
        const struct repair_batch *batch = repairing->batches[worker];
        for (size_t i = 0; batch && i < batch->refused_count; i++)
            entries[count++] = batch->refused[i];
    }
    enum lf_code code = key_entries_merge(entries, count, ret_refused, err);
    free(entries);
    return code;
}

static enum lf_code repair_once(const struct repair *repair, const struct key_differences *differences, bool *is_finished,
                                struct key_differences *ret_refused, struct err *err)
{
    struct repairing *repairing = calloc(1, sizeof *repairing);
    bool *deleted = calloc(differences->count, sizeof *deleted);
    if (!repairing || !deleted) {
        free(repairing);
        free(deleted);
        return ERR(err, LF_MEMORY, "out of memory for a repair of %zu keys", differences->count);
    }
    *repairing =
        (struct repairing){ .repair = repair, .differences = differences, .deleted = deleted, .is_finished = is_finished };
    for (unsigned worker = 0; worker < LIMIT_JOBS; worker++)
        arena_init(&repairing->lists[worker].arena, IDENTITY_ARENA_BYTES);
    enum lf_code code = replace_rows(repairing, err);
    if (code == LF_OK)
        code = gather_refused(repairing, ret_refused, err);
    repairing_done(repairing);
    free(repairing);
    return code;
}

/* What was refused may fit now that the rest is there: again, while there are fewer each time. */
static enum lf_code repair_repeatedly(const struct repair *repair, const struct key_differences *differences, bool *is_finished,
                                      struct err *err)
{
    struct key_differences left = { 0 };
    size_t before = differences->count + 1;
    enum lf_code code = repair_once(repair, differences, is_finished, &left, err);
    while (code == LF_OK && left.count && left.count < before) {
        struct key_differences refused = { 0 };
        before = left.count;
        code = repair_once(repair, &left, is_finished, &refused, err);
        key_differences_done(&left);
        left = refused;
    }
    key_differences_done(&left);
    return code;
}

static enum lf_code finish_alone(const struct repair *repair, struct err *err)
{
    PG_CONN_CLEANUP struct pg_conn *conn = NULL;
    TRY(pg_connect(repair->postgres, &conn, err));
    TRY(pg_exec(conn, "BEGIN", err));
    TRY(repair->finish(repair->finish_context, conn, err));
    return pg_exec(conn, "COMMIT", err);
}

/* The target as it is now, not as the crew's snapshot has it: a second time has to see what the first one wrote. */
enum lf_code repair_run(const struct repair *repair, const struct key_differences *differences, struct err *err)
{
    const char *snapshot = repair->crew->snapshot;
    bool is_finished = false;
    enum lf_code code = LF_OK;
    repair->crew->snapshot = NULL;
    if (differences->count)
        code = repair_repeatedly(repair, differences, &is_finished, err);
    repair->crew->snapshot = snapshot;
    return code == LF_OK && repair->finish && !is_finished ? finish_alone(repair, err) : code;
}
