#include "gateway/catalog.h"

#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/backoff.h"
#include "codec/uuid.h"
#include "gateway/journal_tell.h"
#include "gateway/kept.h"
#include "gateway/table.h"
#include "gateway/trust.h"
#include "pg/conn.h"
#include "pg/retry.h"

enum {
    ID_BYTES = 40,
    NUMBER_BYTES = 24,
    WAIT_POLL_MS = 20,
    DELAY_MS_MAX = 2000,
    BACK_MS = 10000, /* longer than a connection rests between attempts */
    NEVER_MS = -CATALOG_STALE_MS - 1,
};

static const char kept_name[] = "catalog";

/* Tables as of one version, in order of their names. */
struct tables {
    struct table **values;
    size_t count;
};

struct catalog {
    struct catalog_options options;
    char id[ID_BYTES]; /* of this gateway */
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mutex; /* of all below up to the atomics */
    pthread_cond_t stops;
    bool is_stopping;
    bool is_hurried; /* somebody waits for the next beat */
    struct tables tables;
    struct tables retired;     /* replaced or dropped, perhaps still in use */
    int64_t version;           /* of the tables */
    _Atomic int64_t read_ms;   /* when the version was last found to be the newest */
    _Atomic int64_t whole_ms;  /* until when rows have what other gateways have written */
    _Atomic bool has_phases;   /* of any table */
    _Atomic bool has_ours;     /* tables that are PostgreSQL's, or about to be */
    _Atomic bool has_no_pages; /* of PostgreSQL's, nor will */
    struct trust trust;        /* the heartbeat's, as all below */
    bool is_registered;
    bool has_joined, began_alone; /* the latter is anybody's */
    int64_t seen_version;         /* of a beat */
    int64_t kept_version;
    bool has_kept_no_pages;
    int64_t beat;
    int64_t back_ms; /* when the database was last found to be there again */
};

int64_t catalog_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Tables ----------------------------------------------------------------------------------------------------------------------
 */

static int compare_names(const void *key, const void *element)
{
    return span_compare(*(const struct span *)key, (*(struct table *const *)element)->name);
}

static struct table *find(const struct tables *tables, struct span name)
{
    if (!tables->count)
        return NULL;
    struct table *const *found = bsearch(&name, tables->values, tables->count, sizeof *tables->values, compare_names);
    return found ? *found : NULL;
}

static enum lf_code tables_reserve(struct tables *tables, size_t count, struct err *err)
{
    void *larger = realloc(tables->values, (count + 1) * sizeof(struct table *));
    if (!larger)
        return ERR(err, LF_MEMORY, "no memory for the list of tables");
    tables->values = larger;
    return LF_OK;
}

static void release(struct tables *tables)
{
    for (size_t i = 0; i < tables->count; i++)
        table_unref(tables->values[i]);
    free(tables->values);
    *tables = (struct tables){ 0 };
}

/* Those of the retired that nobody uses are freed; whether none is left. */
static bool sweep(struct tables *retired)
{
    size_t kept = 0;
    for (size_t i = 0; i < retired->count; i++) {
        if (table_is_unused(retired->values[i]))
            table_unref(retired->values[i]);
        else
            retired->values[kept++] = retired->values[i];
    }
    retired->count = kept;
    return kept == 0;
}

/* Reading ----------------------------------------------------------------------------------------------------------------------
 */

/* A table whose definition is as it was, and perhaps its phase is not. */
static enum lf_code take_again(const struct catalog *catalog, struct table *present, const struct pg_result *rows, size_t row,
                               struct table **ret_table, struct err *err)
{
    bool is_alike = false;
    TRY(table_moves_alike(present, rows, row, &is_alike, err));
    if (!is_alike)
        return table_renew(present, rows, row, catalog->options.map, ret_table, err);
    table_ref(present);
    *ret_table = present;
    return LF_OK;
}

/* A row is either unchanged, then the table is taken over from the present list, or a new description. */
static enum lf_code take_row(const struct catalog *catalog, const struct pg_result *rows, size_t row, struct tables *next,
                             struct err *err)
{
    struct table *table = NULL;
    struct pg_field name = pg_result_get(rows, row, TABLE_FIELD_NAME);
    struct table *present = find(&catalog->tables, span_of(name.data, name.len));
    if (present && present->version == pg_result_int64(rows, row, TABLE_FIELD_VERSION))
        TRY(take_again(catalog, present, rows, row, &table, err));
    else
        TRY(table_new(rows, row, catalog->options.map, &table, err));
    next->values[next->count++] = table;
    return LF_OK;
}

static enum lf_code take_rows(const struct catalog *catalog, const struct pg_result *rows, struct tables *next, struct err *err)
{
    TRY(tables_reserve(next, pg_result_rows(rows), err));
    for (size_t i = 0; i < pg_result_rows(rows); i++)
        TRY(take_row(catalog, rows, i, next, err));
    return LF_OK;
}

/* Tables of the present list that the next has not got are retired, the others lose the reference of the present one. */
static enum lf_code replace(struct catalog *catalog, struct tables *next, struct err *err)
{
    TRY(tables_reserve(&catalog->retired, catalog->retired.count + catalog->tables.count, err));
    for (size_t i = 0; i < catalog->tables.count; i++) {
        struct table *table = catalog->tables.values[i];
        if (find(next, table->name) == table)
            table_unref(table);
        else
            catalog->retired.values[catalog->retired.count++] = table;
    }
    free(catalog->tables.values);
    catalog->tables = *next;
    *next = (struct tables){ 0 };
    return LF_OK;
}

static void note_phases(struct catalog *catalog)
{
    bool has_any = false, has_ours = false;
    for (size_t i = 0; i < catalog->tables.count; i++) {
        const struct table *table = catalog->tables.values[i];
        has_any |= table->move.has_phase;
        has_ours |= !table_is_dynamodbs(table) || table_is_mixed(table) || table->move.is_fenced;
    }
    atomic_store(&catalog->has_phases, has_any);
    atomic_store(&catalog->has_ours, has_ours);
}

/* Under the mutex. The rows are of `version` or newer. */
static enum lf_code take_version(struct catalog *catalog, const struct pg_result *rows, int64_t version, struct err *err)
{
    struct tables next = { 0 };
    enum lf_code code = take_rows(catalog, rows, &next, err);
    if (!code)
        code = replace(catalog, &next, err);
    release(&next);
    if (!code) {
        catalog->version = version;
        note_phases(catalog);
    }
    return code;
}

static enum lf_code put_rows(struct catalog *catalog, const struct pg_result *rows, int64_t version, struct err *err)
{
    (void)pthread_mutex_lock(&catalog->mutex);
    enum lf_code code = version > catalog->version ? take_version(catalog, rows, version, err) : LF_OK;
    (void)pthread_mutex_unlock(&catalog->mutex);
    return code;
}

static int64_t version_known(struct catalog *catalog)
{
    (void)pthread_mutex_lock(&catalog->mutex);
    int64_t version = catalog->version;
    (void)pthread_mutex_unlock(&catalog->mutex);
    return version;
}

static struct pg_field number_field(int64_t number, char text[NUMBER_BYTES])
{
    int len = snprintf(text, NUMBER_BYTES, "%lld", (long long)number);
    return (struct pg_field){ text, (size_t)len };
}

static const char version_select[] = "SELECT version::text FROM landfall.catalog";

/* The heartbeat: what is acknowledged goes out, the newest version comes back ---------------------------------------------------
 */

/* The version under which no request works with an older description, nor would after a crash. */
static int64_t acknowledged(struct catalog *catalog, int64_t before)
{
    (void)pthread_mutex_lock(&catalog->mutex);
    bool is_kept = !catalog->options.journal || catalog->version <= catalog->kept_version;
    int64_t version = sweep(&catalog->retired) && is_kept ? catalog->version : before;
    (void)pthread_mutex_unlock(&catalog->mutex);
    return version;
}

static enum lf_code read_tables(struct catalog *catalog, struct pg_conn *conn, int64_t version, struct err *err)
{
    char text[NUMBER_BYTES];
    struct pg_field known = number_field(version_known(catalog), text);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn, table_select, &(struct pg_params){ .values = &known, .count = 1 }, &rows, err));
    return put_rows(catalog, rows, version, err);
}

/* What a beat brings back. */
enum { BEATEN_VERSION, BEATEN_IS_NEW, BEATEN_OTHERS, BEATEN_HAS_NO_PAGES };

/* Who has just been registered asks for the version once more: a change that was committed meanwhile has not waited for it. */
static enum lf_code ask_version(struct pg_conn *conn, struct pg_result *beaten, int64_t *ret_version, struct err *err)
{
    bool is_new = pg_result_int64(beaten, 0, BEATEN_IS_NEW) != 0;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    if (is_new)
        TRY(pg_query(conn, version_select, &(struct pg_params){ 0 }, &rows, err));
    *ret_version = pg_result_int64(is_new ? rows : beaten, 0, BEATEN_VERSION);
    return LF_OK;
}

/* What is sent now may be committed late, after another of ours that was sent behind it: the number keeps their order. */
static const char beat_sql[] =
    "WITH life AS (INSERT INTO landfall.server_life DEFAULT VALUES ON CONFLICT DO NOTHING) INSERT INTO landfall.gateway AS g "
    "(id, catalog_version, address, beat, journal, journal_place, is_behind) VALUES ($1::uuid, $2::bigint, $3, $4::bigint, "
    "$5::uuid, $6, $7::boolean) ON CONFLICT (id) DO UPDATE SET beat = excluded.beat, beat_at = now(), catalog_version = "
    "excluded.catalog_version, is_behind = excluded.is_behind WHERE g.beat < excluded.beat RETURNING (SELECT version FROM "
    "landfall.catalog), (g.xmax = 0)::integer, (SELECT string_agg(o.id || ' ' || o.beat || ' ' || o.is_behind::integer, E'\\n') "
    "FROM landfall.gateway o WHERE o.journal IS NOT NULL AND o.id <> $1::uuid), ($5 IS NOT NULL AND NOT EXISTS (SELECT FROM "
    "landfall.page WHERE given_at > now() - interval '1 hour'))::integer";

/* Only who has its lease, and nothing noted, may be taken at its word; and not before the workers' connections are back, because
 * until then the journal has to be open. */
static bool is_behind(struct catalog *catalog, int64_t asked_ms)
{
    struct err ignored = ERR_INIT;
    struct journal *journal = catalog->options.journal;
    bool is_stale = journal && catalog_check_fresh(catalog, &ignored);
    if (is_stale && (catalog->beat > 0 || catalog->began_alone))
        catalog->back_ms = asked_ms;
    return journal && (is_stale || asked_ms - catalog->back_ms < BACK_MS || !journal_claim(journal, asked_ms));
}

static enum lf_code send_beat(struct catalog *catalog, struct pg_conn *conn, int64_t acked, int64_t asked_ms,
                              struct pg_result **ret_rows, struct err *err)
{
    char texts[2][NUMBER_BYTES];
    const struct journal *journal = catalog->options.journal;
    const char *behind = is_behind(catalog, asked_ms) ? "true" : "false";
    const struct pg_field values[] = {
        { catalog->id, strlen(catalog->id) },
        number_field(acked, texts[0]),
        { catalog->options.address, strlen(catalog->options.address) },
        number_field(++catalog->beat, texts[1]),
        journal ? pg_text_field(span_from_cstr(journal_id(journal))) : PG_NULL,
        journal ? pg_text_field(span_from_cstr(journal_place(journal))) : PG_NULL,
        { behind, strlen(behind) },
    };
    return pg_query(conn, beat_sql, &(struct pg_params){ .values = values, .count = 7 }, ret_rows, err);
}

/* Only a look that begins when our row is there finds all that will ever be given out. */
static void note_pages(struct catalog *catalog, const struct pg_result *rows)
{
    bool is_new = pg_result_int64(rows, 0, BEATEN_IS_NEW) != 0, has_none = pg_result_int64(rows, 0, BEATEN_HAS_NO_PAGES) != 0;
    if (is_new)
        atomic_store(&catalog->has_no_pages, false);
    else if (catalog->is_registered && has_none)
        atomic_store(&catalog->has_no_pages, true);
    catalog->is_registered = true;
}

static enum lf_code beat(struct catalog *catalog, struct pg_conn *conn, int64_t *acked, struct err *err)
{
    int64_t asked_ms = catalog_now_ms(), version = 0;
    *acked = acknowledged(catalog, *acked);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(send_beat(catalog, conn, *acked, asked_ms, &rows, err));
    if (!pg_result_rows(rows))
        return ERR(err, LF_PRECONDITION, "a later beat of this gateway has come first");
    note_pages(catalog, rows);
    TRY(ask_version(conn, rows, &version, err));
    if (version > version_known(catalog))
        TRY(read_tables(catalog, conn, version, err));
    catalog->seen_version = version;
    atomic_store(&catalog->whole_ms, trust_until(&catalog->trust, pg_result_span(rows, 0, BEATEN_OTHERS), asked_ms));
    atomic_store(&catalog->read_ms, asked_ms);
    return LF_OK;
}

/* All descriptions, as of the version that was seen or later. */
static enum lf_code keep(struct catalog *catalog, struct pg_conn *conn, struct err *err)
{
    const struct journal *journal = catalog->options.journal;
    bool has_no_pages = atomic_load(&catalog->has_no_pages);
    struct pg_field none = pg_text_field(SPAN("0"));
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    if (!journal || (catalog->kept_version == catalog->seen_version && catalog->has_kept_no_pages == has_no_pages))
        return LF_OK;
    TRY(pg_query(conn, table_select, &(struct pg_params){ .values = &none, .count = 1 }, &rows, err));
    if (kept_write(journal, kept_name, has_no_pages, rows, err))
        return err_while(err, "keeping what is known, without which no change of it can be acknowledged");
    catalog->kept_version = catalog->seen_version;
    catalog->has_kept_no_pages = has_no_pages;
    return LF_OK;
}

/* We stand for who had the journal before, now that our row is there. */
static enum lf_code succeed(struct catalog *catalog, struct pg_conn *conn, struct err *err)
{
    const struct journal *journal = catalog->options.journal;
    return journal ? pg_execf(conn, err, "DELETE FROM landfall.gateway WHERE journal = '%s' AND id <> '%s'", journal_id(journal),
                              catalog->id)
                   : LF_OK;
}

/* As a process that has just begun: nothing that was kept is taken for read. */
static enum lf_code join(struct catalog *catalog, struct pg_conn *conn, int64_t *acked, struct err *err)
{
    TRY(catalog->options.prepare(catalog->options.context, conn, err));
    TRY(beat(catalog, conn, acked, err));
    TRY(succeed(catalog, conn, err));
    catalog->has_joined = true;
    return LF_OK;
}

static enum lf_code tell(struct catalog *catalog, struct pg_conn *conn, size_t *ret_told, struct err *err)
{
    if (!journal_tell(catalog->options.journal, conn, catalog->id, catalog_now_ms(), ret_told, err))
        return LF_OK;
    return err_while(err, "making marks of what was written without PostgreSQL");
}

/* Marks of what was written without PostgreSQL: once all is told, the next beat says so. */
static enum lf_code beat_and_tell(struct catalog *catalog, struct pg_conn *conn, int64_t *acked, bool *ret_more, struct err *err)
{
    size_t told = 0;
    TRY(catalog->has_joined ? beat(catalog, conn, acked, err) : join(catalog, conn, acked, err));
    if (catalog->options.journal)
        TRY(tell(catalog, conn, &told, err));
    *ret_more = told > 0;
    return keep(catalog, conn, err);
}

/* What people want to know of a gateway that goes on without PostgreSQL, once each. */
static void say_how_it_is(bool *is_alone, struct catalog *catalog, const struct err *err)
{
    struct journal *journal = catalog->options.journal;
    if (!journal || *is_alone == !journal_is_empty(journal))
        return;
    *is_alone = !*is_alone;
    if (*is_alone)
        fprintf(stderr, "landfall serve: goes on without PostgreSQL, and notes the keys that are written in %s: %s\n",
                journal_place(journal), err->code ? err->message : "the journal was not empty");
    else
        fprintf(stderr, "landfall serve: PostgreSQL knows of all that was written without it\n");
}

static bool pause_ms(struct catalog *catalog, unsigned ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    (void)pthread_mutex_lock(&catalog->mutex);
    if (!catalog->is_stopping && !catalog->is_hurried)
        (void)pthread_cond_timedwait(&catalog->stops, &catalog->mutex, &until);
    catalog->is_hurried = false;
    bool goes_on = !catalog->is_stopping;
    (void)pthread_mutex_unlock(&catalog->mutex);
    return goes_on;
}

/* Lets the heartbeat acknowledge at once what this process works under. */
static void hurry(struct catalog *catalog)
{
    (void)pthread_mutex_lock(&catalog->mutex);
    catalog->is_hurried = true;
    (void)pthread_cond_signal(&catalog->stops);
    (void)pthread_mutex_unlock(&catalog->mutex);
}

/* Others wait for what is not acknowledged, and requests for the end of a fence. */
static unsigned rest_ms(struct catalog *catalog, int64_t acked)
{
    (void)pthread_mutex_lock(&catalog->mutex);
    bool is_awaited = acked < catalog->version;
    for (size_t i = 0; i < catalog->tables.count; i++)
        is_awaited |= catalog->tables.values[i]->move.is_fenced;
    (void)pthread_mutex_unlock(&catalog->mutex);
    return is_awaited ? CATALOG_AWAITED_MS : CATALOG_POLL_MS;
}

static enum lf_code tell_all(struct catalog *catalog, struct pg_conn *conn, struct err *err)
{
    size_t told = 1;
    while (catalog->options.journal && told)
        TRY(journal_tell(catalog->options.journal, conn, catalog->id, catalog_now_ms(), &told, err));
    return LF_OK;
}

/* Who has a journal that is not empty comes back with it. Once our row is gone what is kept is not to be believed any more. */
static void leave(struct catalog *catalog, struct pg_conn *conn)
{
    struct err ignored = ERR_INIT;
    struct journal *journal = catalog->options.journal;
    if (!tell_all(catalog, conn, &ignored) &&
        (!journal || (journal_is_empty(journal) && !kept_forget(journal, kept_name, &ignored))) &&
        pg_execf(conn, &ignored, "DELETE FROM landfall.gateway WHERE id = '%s'", catalog->id)) {
        /* Others see that it beats no more. */
    }
}

/* Connects again and again; a gateway without its database refuses requests by itself (catalog_check_fresh). */
static void *run_heartbeat(void *context)
{
    struct catalog *catalog = context;
    struct pg_conn *conn = NULL;
    struct backoff backoff;
    int64_t acked = 0;
    backoff_init(&backoff, CATALOG_POLL_MS, DELAY_MS_MAX, backoff_seed());
    unsigned delay_ms = 0;
    bool is_alone = false;
    while (pause_ms(catalog, delay_ms)) {
        bool is_telling = false;
        struct err err = ERR_INIT;
        enum lf_code code = conn ? LF_OK : pg_connect(catalog->options.postgres, &conn, &err);
        if (!code)
            code = beat_and_tell(catalog, conn, &acked, &is_telling, &err);
        say_how_it_is(&is_alone, catalog, &err);
        if (code && code != LF_CONNECT)
            fprintf(stderr, "landfall serve: %s\n", err.message);
        delay_ms = code ? backoff_next_ms(&backoff) : is_telling ? 0 : rest_ms(catalog, acked);
        if (code) {
            pg_close(conn);
            conn = NULL;
        }
    }
    if (conn)
        leave(catalog, conn);
    pg_close(conn);
    return NULL;
}

/* Life -------------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code name_gateway(struct catalog *catalog, struct err *err)
{
    char bytes[UUID_BYTES];
    if (RAND_bytes((unsigned char *)bytes, sizeof bytes) != 1)
        return ERR(err, LF_IO, "no random bytes for the name of a gateway");
    uuid_format(bytes, catalog->id);
    return LF_OK;
}

static enum lf_code first_read(struct catalog *catalog, struct err *err)
{
    int64_t acked = 0;
    PG_CONN_CLEANUP struct pg_conn *conn = NULL;
    TRY(pg_connect(catalog->options.postgres, &conn, err));
    TRY(join(catalog, conn, &acked, err));
    if (keep(catalog, conn, err))
        leave(catalog, conn);
    return err->code;
}

static enum lf_code take_kept(struct catalog *catalog, struct err *err)
{
    int64_t has_no_pages = 0;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(kept_read(catalog->options.journal, kept_name, &has_no_pages, &rows, err));
    TRY(take_version(catalog, rows, 0, err));
    atomic_store(&catalog->has_no_pages, has_no_pages != 0);
    return LF_OK;
}

/* Nobody has taken the authority from DynamoDB since, because we would have had to acknowledge that (tests/model/outage.py). No
 * version is known, so that all is read anew, and nothing acknowledged until then. */
static enum lf_code begin_alone(struct catalog *catalog, const struct err *away, struct err *err)
{
    struct err own = ERR_INIT;
    struct journal *journal = catalog->options.journal;
    if (take_kept(catalog, &own)) {
        bool is_waited_for = own.code == LF_NOT_FOUND || own.code == LF_SOURCE;
        *err = is_waited_for ? *away : own;
        return is_waited_for ? err_while(err, "having nothing to begin with: %s", own.message) : err->code;
    }
    catalog->began_alone = true;
    journal_hold(journal, catalog_now_ms());
    return LF_OK;
}

static enum lf_code begin(struct catalog *catalog, struct err *err)
{
    struct err away = ERR_INIT;
    TRY(name_gateway(catalog, err));
    if (!first_read(catalog, &away))
        return LF_OK;
    if (catalog->options.journal && !catalog->is_registered && pg_error_may_pass(&away))
        return begin_alone(catalog, &away, err);
    *err = away;
    return err->code;
}

enum lf_code catalog_new(const struct catalog_options *options, struct catalog **ret_catalog, struct err *err)
{
    struct catalog *catalog = calloc(1, sizeof *catalog);
    if (!catalog)
        return ERR(err, LF_MEMORY, "no memory for the catalog of tables");
    catalog->options = *options;
    (void)pthread_mutex_init(&catalog->mutex, NULL);
    (void)pthread_cond_init(&catalog->stops, NULL);
    atomic_store(&catalog->read_ms, NEVER_MS);
    enum lf_code code = begin(catalog, err);
    if (!code && pthread_create(&catalog->thread, NULL, run_heartbeat, catalog))
        code = ERR(err, LF_MEMORY, "no thread for the catalog of tables");
    catalog->has_thread = !code;
    if (code)
        catalog_free(catalog);
    else
        *ret_catalog = catalog;
    return code;
}

static void stop_heartbeat(struct catalog *catalog)
{
    (void)pthread_mutex_lock(&catalog->mutex);
    catalog->is_stopping = true;
    (void)pthread_cond_signal(&catalog->stops);
    (void)pthread_mutex_unlock(&catalog->mutex);
    (void)pthread_join(catalog->thread, NULL);
}

void catalog_free(struct catalog *catalog)
{
    if (!catalog)
        return;
    if (catalog->has_thread)
        stop_heartbeat(catalog);
    release(&catalog->tables);
    release(&catalog->retired);
    (void)pthread_mutex_destroy(&catalog->mutex);
    (void)pthread_cond_destroy(&catalog->stops);
    free(catalog);
}

/* Use --------------------------------------------------------------------------------------------------------------------------
 */

static const struct table *take(struct catalog *catalog, struct span name)
{
    (void)pthread_mutex_lock(&catalog->mutex);
    struct table *table = find(&catalog->tables, name);
    if (table)
        table_ref(table);
    (void)pthread_mutex_unlock(&catalog->mutex);
    return table;
}

/* "arn:aws:dynamodb:REGION:ACCOUNT:table/NAME[/…]" names a table, too. */
static struct span name_of(struct span name)
{
    static const char mark[] = ":table/";
    if (!span_starts_with(name, SPAN("arn:")))
        return name;
    struct span rest = span_from(name, span_find(name, SPAN(":table/")) + sizeof mark - 1);
    size_t slash = span_find_byte(rest, '/');
    return span_of(rest.ptr, slash < rest.len ? slash : rest.len);
}

enum lf_code catalog_get(struct catalog *catalog, struct db *db, struct span name, const struct table **ret_table,
                         struct err *err)
{
    struct span short_name = name_of(name);
    const struct table *table = take(catalog, short_name);
    if (!table) {
        TRY(catalog_refresh(catalog, db, err));
        table = take(catalog, short_name);
    }
    if (!table)
        return ERR(err, LF_RESOURCE_NOT_FOUND, "Requested resource not found: Table: %.*s not found", SPAN_ARG(short_name));
    *ret_table = table;
    return LF_OK;
}

const struct table *catalog_find(struct catalog *catalog, struct span name)
{
    return take(catalog, name_of(name));
}

bool catalog_began_alone(const struct catalog *catalog)
{
    return catalog->began_alone;
}

bool catalog_has_phases(const struct catalog *catalog)
{
    return atomic_load(&catalog->has_phases);
}

enum lf_code catalog_all(struct catalog *catalog, struct arena *arena, const struct table ***ret_tables, size_t *ret_count,
                         struct err *err)
{
    (void)pthread_mutex_lock(&catalog->mutex);
    size_t count = catalog->tables.count;
    const struct table **tables = arena_calloc(arena, count + 1, sizeof *tables, err);
    for (size_t i = 0; tables && i < count; i++) {
        tables[i] = catalog->tables.values[i];
        table_ref(tables[i]);
    }
    (void)pthread_mutex_unlock(&catalog->mutex);
    if (!tables)
        return err->code;
    *ret_tables = tables;
    *ret_count = count;
    return LF_OK;
}

const char *catalog_gateway_id(const struct catalog *catalog)
{
    return catalog->id;
}

const struct map *catalog_map(const struct catalog *catalog)
{
    return catalog->options.map;
}

enum lf_code catalog_check_fresh(const struct catalog *catalog, struct err *err)
{
    if (catalog_now_ms() - atomic_load(&catalog->read_ms) <= CATALOG_STALE_MS)
        return LF_OK;
    return ERR(err, LF_INTERNAL_SERVER, "the gateway has not reached its database for %d s", CATALOG_STALE_MS / 1000);
}

struct journal *catalog_journal(const struct catalog *catalog)
{
    return catalog->options.journal;
}

bool catalog_has_journals(const struct catalog *catalog)
{
    return catalog->options.journal || atomic_load(&catalog->whole_ms) != INT64_MAX;
}

bool catalog_rows_are_whole(const struct catalog *catalog)
{
    struct err ignored = ERR_INIT;
    struct journal *journal = catalog->options.journal;
    bool is_own_whole = !journal || (journal_is_empty(journal) && !catalog_check_fresh(catalog, &ignored));
    return is_own_whole && catalog_now_ms() <= atomic_load(&catalog->whole_ms);
}

bool catalog_pages_are_dynamodbs(const struct catalog *catalog)
{
    return atomic_load(&catalog->has_no_pages);
}

bool catalog_needs_postgres(const struct catalog *catalog)
{
    return !catalog->options.journal || atomic_load(&catalog->has_ours);
}

/* Change -----------------------------------------------------------------------------------------------------------------------
 */

/* The version is read first: rows that are newer than it do no harm. */
enum lf_code catalog_refresh(struct catalog *catalog, struct db *db, struct err *err)
{
    static const struct pg_statement newest = { .sql = version_select };
    static const struct pg_statement all = { .sql = table_select };
    PG_RESULT_CLEANUP struct pg_result *version = NULL;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    char text[NUMBER_BYTES];
    TRY(db_query(db, &newest, &(struct pg_params){ 0 }, &version, err));
    int64_t known = version_known(catalog);
    if (pg_result_int64(version, 0, 0) <= known)
        return LF_OK;
    struct pg_field parameter = number_field(known, text);
    TRY(db_query(db, &all, &(struct pg_params){ .values = &parameter, .count = 1 }, &rows, err));
    return put_rows(catalog, rows, pg_result_int64(version, 0, 0), err);
}

/* A gateway is dead for us once its beat has not moved for twice the time after which it refuses to write. */
struct watched {
    char id[ID_BYTES];
    int64_t beat, moved_ms;
};

enum { GATEWAYS_MAX = 256 };

static bool is_alive(struct watched *watched, size_t *count, const char *id, int64_t beat, int64_t now)
{
    size_t i = 0;
    while (i < *count && strcmp(watched[i].id, id) != 0)
        i++;
    if (i == GATEWAYS_MAX)
        return true;
    if (i == *count) {
        (void)snprintf(watched[(*count)++].id, ID_BYTES, "%s", id);
        watched[i].beat = beat - 1;
    }
    if (watched[i].beat != beat) {
        watched[i].beat = beat;
        watched[i].moved_ms = now;
    }
    return now - watched[i].moved_ms <= 2 * CATALOG_STALE_MS;
}

static enum lf_code all_acknowledge(struct db *db, int64_t version, struct watched *watched, size_t *count, bool *ret_all,
                                    struct err *err)
{
    static const struct pg_statement late = {
        .sql = "SELECT id::text, beat::text FROM landfall.gateway WHERE catalog_version < $1::text::bigint",
    };
    char text[NUMBER_BYTES];
    struct pg_field parameter = number_field(version, text);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_query(db, &late, &(struct pg_params){ .values = &parameter, .count = 1 }, &rows, err));
    *ret_all = true;
    for (size_t i = 0; i < pg_result_rows(rows); i++)
        if (is_alive(watched, count, pg_result_text(rows, i, 0), pg_result_int64(rows, i, 1), loop_now_ms(db_loop(db))))
            *ret_all = false;
    return LF_OK;
}

enum lf_code catalog_wait(struct catalog *catalog, struct db *db, int64_t version, struct err *err)
{
    bool all = false;
    size_t count = 0;
    struct watched *watched = calloc(GATEWAYS_MAX, sizeof *watched);
    if (!watched)
        return ERR(err, LF_MEMORY, "no memory to wait for other gateways");
    enum lf_code code = catalog_refresh(catalog, db, err);
    while (!code && !(code = all_acknowledge(db, version, watched, &count, &all, err)) && !all) {
        hurry(catalog);
        fiber_sleep(db_loop(db), WAIT_POLL_MS);
    }
    free(watched);
    return code;
}
