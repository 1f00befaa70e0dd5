#include "move/verify_share.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "codec/sha256.h"
#include "move/backfill.h"

enum {
    PAGES_PER_PART_MIN = 2048, /* 16 MB */
    TARGET_PARTS_MAX = 4096,   /* about so many: each is a row of landfall.lease */
    SUBJECT_BYTES_MAX = 64 * 1024 * 1024,
    WORK_NAME_BYTES = 32,
};

/* "verify" in ASCII: of several that begin a run at once, one does it. */
#define BEGIN_LOCK "130227996878457"

/* How processes come into a run. */
struct entry {
    struct comparison *comparison;
    struct pg_conn *conn;
    char subject[SHA256_HEX_BYTES + 1];
    struct pg_result *before; /* owned: changes of the target before its view was opened, and whether it is quiet */
    struct pg_result *now;    /* owned: after it */
    struct pg_result *run;    /* owned: the one that was found; no row: none */
    bool begins;
};

/* The subject ------------------------------------------------------------------------------------------------------------- */

static void put_subject(struct buf *text, const struct comparison *comparison, struct span fingerprint, bool read_source)
{
    buf_printf(text, "%d %.*s %d\n", comparison->source != NULL, SPAN_ARG(fingerprint), read_source);
    buf_put_span(text, comparison->options->map_yaml);
    for (size_t t = 0; t < comparison->map->table_count; t++)
        if (comparison->wanted[t] && !read_source)
            parity_put(text, &comparison->source_sums[t]);
}

static enum lf_code name_subject(struct entry *entry, bool read_source, struct err *err)
{
    struct comparison *comparison = entry->comparison;
    struct span fingerprint = SPAN("");
    struct buf text;
    if (comparison->source)
        TRY(backfill_fingerprint(comparison->source, &comparison->arena, &fingerprint, err));
    buf_init(&text, SUBJECT_BYTES_MAX);
    put_subject(&text, comparison, fingerprint, read_source);
    enum lf_code code = buf_check(&text, err);
    sha256_hex(buf_span(&text), entry->subject);
    buf_done(&text);
    return code;
}

/* Changes of the target --------------------------------------------------------------------------------------------------- */

/*
 * The counters of all tables, with what says that they went on counting: no restart or crash, which forgets them, and no
 * truncation or rewriting, which they do not count. NULL when they do not count, or when that cannot be seen. Sessions send their
 * counts when they come to rest, at the latest 10 seconds after: whether all others are at rest for longer is told, too.
 */
static enum lf_code read_changes(struct entry *entry, struct pg_result **ret_changes, struct err *err)
{
    static const char sql[] =
        "SELECT CASE WHEN pg_catalog.current_setting('track_counts')::boolean THEN"
        "  (SELECT pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat_ws(' ', c.oid, pg_catalog.pg_relation_filenode(c.oid),"
        "     pg_catalog.pg_stat_get_tuples_inserted(c.oid), pg_catalog.pg_stat_get_tuples_updated(c.oid),"
        "     pg_catalog.pg_stat_get_tuples_deleted(c.oid)), ',' ORDER BY c.oid))"
        "   FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        "   WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'"
        "     AND (n.nspname <> 'landfall' OR c.relname = 'item'))"
        "  || ' ' || (SELECT min(backend_start) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'checkpointer') END,"
        " (NOT EXISTS (SELECT FROM pg_catalog.pg_stat_activity a WHERE a.datname = pg_catalog.current_database()"
        "   AND coalesce(a.backend_type, 'client backend') = 'client backend'"
        "   AND a.pid <> pg_catalog.pg_backend_pid() AND a.pid <> $1::integer"
        "   AND (a.state_change IS NULL OR a.xact_start IS NOT NULL"
        "        OR a.state_change > pg_catalog.clock_timestamp() - interval '11 seconds')))::integer";
    char backend[PG_NUMBER_BYTES];
    struct pg_field value = pg_number_field(entry->comparison->snapshot.backend, backend);
    return pg_query(entry->conn, sql, &(struct pg_params){ .values = &value, .count = 1 }, ret_changes, err);
}

static bool target_rests(const struct entry *entry)
{
    enum { RUN_CHANGES = 2 };
    struct pg_field then = pg_result_get(entry->run, 0, RUN_CHANGES), now = pg_result_get(entry->now, 0, 0);
    return then.data && now.data && span_equal(span_of(then.data, then.len), span_of(now.data, now.len)) &&
           pg_result_int64(entry->now, 0, 1) == 1;
}

/* Sizes of the target ------------------------------------------------------------------------------------------------------ */

/* A bigint[] of as many numbers as there are sizes. */
static enum lf_code read_pages(const char *text, struct target_sizes *sizes, struct err *err)
{
    for (size_t i = 0; i < sizes->count; i++) {
        char *end;
        if (*text != (i == 0 ? '{' : ','))
            return ERR(err, LF_PRECONDITION, "landfall.parity_run has sizes of other tables");
        sizes->pages[i] = strtoull(text + 1, &end, 10);
        text = end;
    }
    return LF_OK;
}

static void put_pages(struct buf *text, const struct target_sizes *sizes)
{
    for (size_t i = 0; i < sizes->count; i++)
        buf_printf(text, "%c%" PRIu64, i == 0 ? '{' : ',', sizes->pages[i]);
    buf_put_byte(text, '}');
}

static uint64_t pages_per_part(const struct target_sizes *sizes)
{
    uint64_t pages = 0;
    for (size_t i = 0; i < sizes->count; i++)
        pages += sizes->pages[i];
    return pages / TARGET_PARTS_MAX > PAGES_PER_PART_MIN ? pages / TARGET_PARTS_MAX : PAGES_PER_PART_MIN;
}

/* Entering ----------------------------------------------------------------------------------------------------------------- */

static enum lf_code find_run(struct entry *entry, struct err *err)
{
    struct pg_field subject = pg_text_field(span_from_cstr(entry->subject));
    return pg_query(entry->conn,
                    "SELECT id, pages, changes FROM landfall.parity_run WHERE subject = $1 AND finished_at IS NULL"
                    " ORDER BY id DESC LIMIT 1",
                    &(struct pg_params){ .values = &subject, .count = 1 }, &entry->run, err);
}

/* In the place of the comparison's own view that of somebody who is at the run; *ret_joined false when nobody is. */
static enum lf_code join_view(struct entry *entry, const char *work, bool *ret_joined, struct err *err)
{
    struct snapshot *own = &entry->comparison->snapshot;
    struct pg_field name = pg_text_field(span_from_cstr(work));
    PG_RESULT_CLEANUP struct pg_result *others = NULL;
    TRY(pg_query(entry->conn, "SELECT snapshot FROM landfall.worker WHERE work = $1 AND snapshot IS NOT NULL ORDER BY id",
                 &(struct pg_params){ .values = &name, .count = 1 }, &others, err));
    *ret_joined = false;
    for (size_t row = 0; row < pg_result_rows(others) && !*ret_joined; row++) {
        struct snapshot view;
        struct err gone = ERR_INIT;
        if (snapshot_join(entry->comparison->options->postgres, pg_result_text(others, row, 0), &view, &gone) != LF_OK)
            continue;
        snapshot_close(own);
        *own = view;
        *ret_joined = true;
    }
    return LF_OK;
}

/* Nobody finds it any more. */
static enum lf_code give_up(const struct entry *entry, int64_t run, const char *work, struct err *err)
{
    TRY(pg_execf(entry->conn, err, "UPDATE landfall.parity_run SET subject = NULL WHERE id = %" PRId64, run));
    return pg_execf(entry->conn, err, "DELETE FROM landfall.lease WHERE work = '%s'", work);
}

static enum lf_code begin_run(struct entry *entry, const struct target_sizes *sizes, int64_t *ret_run, struct err *err)
{
    struct buf pages;
    PG_RESULT_CLEANUP struct pg_result *run = NULL;
    buf_init(&pages, SUBJECT_BYTES_MAX);
    put_pages(&pages, sizes);
    enum lf_code code = buf_check(&pages, err);
    if (code == LF_OK) {
        struct pg_field values[] = { pg_text_field(span_from_cstr(entry->subject)), pg_text_field(buf_span(&pages)),
                                     pg_result_get(entry->before, 0, 0) };
        code = pg_query(entry->conn, "INSERT INTO landfall.parity_run (subject, pages, changes) VALUES ($1, $2, $3) RETURNING id",
                        &(struct pg_params){ .values = values, .count = 3 }, &run, err);
    }
    if (code == LF_OK)
        *ret_run = pg_result_int64(run, 0, 0);
    buf_done(&pages);
    return code;
}

static void name_work(int64_t run, char work[WORK_NAME_BYTES])
{
    (void)snprintf(work, WORK_NAME_BYTES, "verify %" PRId64, run);
}

/* Which run this process takes part in, and the sizes that its parts are made from. */
static enum lf_code choose_run(struct entry *entry, struct target_sizes *sizes, int64_t *ret_run, struct err *err)
{
    bool joined = false;
    char work[WORK_NAME_BYTES];
    TRY(find_run(entry, err));
    entry->begins = pg_result_rows(entry->run) == 0;
    if (!entry->begins) {
        *ret_run = pg_result_int64(entry->run, 0, 0);
        name_work(*ret_run, work);
        TRY(join_view(entry, work, &joined, err));
    }
    if (!entry->begins && !joined) {
        TRY(read_changes(entry, &entry->now, err));
        entry->begins = !target_rests(entry);
    }
    if (!entry->begins)
        return read_pages(pg_result_text(entry->run, 0, 1), sizes, err);
    if (pg_result_rows(entry->run) > 0)
        TRY(give_up(entry, *ret_run, work, err));
    return begin_run(entry, sizes, ret_run, err);
}

static enum lf_code show_view(const struct entry *entry, const struct share *share, struct err *err)
{
    char worker[PG_NUMBER_BYTES];
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    struct pg_field values[] = { pg_number_field(lease_worker(share->lease), worker),
                                 pg_text_field(span_from_cstr(entry->comparison->snapshot.name)) };
    return pg_query(entry->conn, "UPDATE landfall.worker SET snapshot = $2 WHERE id = $1",
                    &(struct pg_params){ .values = values, .count = 2 }, &result, err);
}

/* One process at a time, so that those that come later find the run with its parts and its view. */
static enum lf_code enter(struct entry *entry, struct share *share, struct err *err)
{
    struct comparison *comparison = entry->comparison;
    struct target_sizes sizes;
    char work[WORK_NAME_BYTES];
    TRY(target_measure(comparison->snapshot.conn, comparison->map, &comparison->arena, &sizes, err));
    TRY(lease_begin_short(entry->conn, err));
    TRY(pg_exec(entry->conn, "SELECT pg_catalog.pg_advisory_xact_lock(" BEGIN_LOCK ")", err));
    TRY(choose_run(entry, &sizes, &share->run, err));
    TRY(target_divide(comparison->map, &sizes, pages_per_part(&sizes), &comparison->arena, &comparison->parts, err));
    share->parts = share->files + comparison->parts.count;
    name_work(share->run, work);
    TRY(lease_join(comparison->options->postgres, work, comparison->options->lease_seconds, &share->lease, err));
    if (entry->begins)
        TRY(lease_offer(share->lease, share->parts, err));
    TRY(show_view(entry, share, err));
    return pg_exec(entry->conn, "COMMIT", err);
}

static enum lf_code open_and_enter(struct entry *entry, struct share *share, struct err *err)
{
    TRY(pg_exec(entry->conn, "SELECT landfall.bury_workers()", err));
    TRY(read_changes(entry, &entry->before, err));
    TRY(snapshot_open(entry->comparison->options->postgres, &entry->comparison->snapshot, err));
    return enter(entry, share, err);
}

enum lf_code share_open(struct comparison *comparison, struct pg_conn *conn, bool read_source, struct share *ret_share,
                        struct err *err)
{
    struct entry entry = { .comparison = comparison, .conn = conn };
    struct share share = { .files = read_source ? comparison->source->file_count : 0 };
    TRY(name_subject(&entry, read_source, err));
    enum lf_code code = open_and_enter(&entry, &share, err);
    pg_result_free(entry.before);
    pg_result_free(entry.now);
    pg_result_free(entry.run);
    if (code == LF_OK) {
        *ret_share = share;
        return LF_OK;
    }
    struct err ignored = ERR_INIT;
    (void)!pg_exec(conn, "ROLLBACK", &ignored); /* leaving would wait for its lock on the worker's row */
    share_close(&share);
    return code;
}

void share_close(struct share *share)
{
    lease_leave(share->lease);
    *share = (struct share){ 0 };
}
