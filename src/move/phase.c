#include "move/phase.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pg/sql_gen.h"

enum { NUMBER_BYTES = 24, GATEWAY_ID_BYTES = 40, GATEWAYS_MAX = 256, WAIT_POLL_MS = 20 };

#define SCHEMA_LOCK 0x6c616e6466616c6cLL /* of whoever makes the schema */

const char *const phase_names[PHASES] = {
    [PHASE_FOLLOW] = "follow",
    [PHASE_DUAL_WRITE] = "dual write",
    [PHASE_POSTGRES] = "postgres",
    [PHASE_DECOMMISSIONED] = "decommissioned",
};

/* Schema ----------------------------------------------------------------------------------------------------------------------
 */

enum lf_code phase_prepare_schema(struct pg_conn *conn, struct err *err)
{
    static const char *const scripts[] = { sql_control, sql_gateway, sql_live, "COMMIT" };
    TRY(pg_execf(conn, err, "BEGIN; SELECT pg_advisory_xact_lock(%lld)", SCHEMA_LOCK));
    enum lf_code code = LF_OK;
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts && !code; i++)
        code = pg_exec(conn, scripts[i], err);
    if (!code)
        return LF_OK;
    struct err ignored = ERR_INIT;
    if (pg_exec(conn, "ROLLBACK", &ignored)) {
        /* The connection is gone, and the transaction with it. */
    }
    return code;
}

/* Reading ---------------------------------------------------------------------------------------------------------------------
 */

#define MICROSECONDS(column) "coalesce((extract(epoch FROM p." column ") * 1000000)::bigint, 0)"

enum field {
    FIELD_NAME,
    FIELD_PHASE,
    FIELD_EPOCH,
    FIELD_FENCE,
    FIELD_READS,
    FIELD_SHADOW,
    FIELD_REGION,
    FIELD_ENDPOINT,
    FIELD_STREAM,
    FIELD_FOLLOWS,
    FIELD_APPLIES,
    FIELD_READABLE,
    FIELD_FLIPPED,
    FIELD_BY_EXPORTS,
    FIELD_MOVED,
    FIELD_READS_ENTITIES,
};

static const char select_sql[] =
    "SELECT p.table_name, p.phase, p.epoch, p.fence, p.reads_percent, p.shadow_percent, p.region, p.endpoint, "
    "p.stream_arn, " MICROSECONDS("follows_since") ", " MICROSECONDS("applies_since") ", " MICROSECONDS(
        "readable_at") ", " MICROSECONDS("flipped_at") ", p.by_exports::integer, coalesce(array_to_string(p.moved_entities, "
                                                       "E'\\n'), ''), coalesce(array_to_string(p.reads_entities, E'\\n'), '') "
                                                       "FROM landfall.phase p";

static enum lf_code read_name(const struct pg_result *rows, size_t row, enum field field, enum phase *ret_phase, struct err *err)
{
    const char *name = pg_result_text(rows, row, field);
    for (enum phase phase = PHASE_FOLLOW; phase < PHASES; phase++)
        if (!strcmp(name, phase_names[phase])) {
            *ret_phase = phase;
            return LF_OK;
        }
    return ERR(err, LF_ROW, "landfall.phase names a phase '%s'", name);
}

static enum lf_code copy_text(const struct pg_result *rows, size_t row, enum field field, struct arena *arena,
                              struct span *ret_text, struct err *err)
{
    struct pg_field text = pg_result_get(rows, row, field);
    return arena_copy(arena, span_of(text.data, text.data ? text.len : 0), ret_text, err);
}

static enum lf_code read_row(const struct pg_result *rows, size_t row, struct arena *arena, struct table_phase *ret_phase,
                             struct err *err)
{
    struct table_phase phase = {
        .epoch = pg_result_int64(rows, row, FIELD_EPOCH),
        .is_fenced = pg_result_get(rows, row, FIELD_FENCE).data != NULL,
        .reads_percent = (unsigned)pg_result_int64(rows, row, FIELD_READS),
        .shadow_percent = (unsigned)pg_result_int64(rows, row, FIELD_SHADOW),
        .follows_since_us = pg_result_int64(rows, row, FIELD_FOLLOWS),
        .applies_since_us = pg_result_int64(rows, row, FIELD_APPLIES),
        .readable_at_us = pg_result_int64(rows, row, FIELD_READABLE),
        .flipped_at_us = pg_result_int64(rows, row, FIELD_FLIPPED),
        .by_exports = pg_result_int64(rows, row, FIELD_BY_EXPORTS) != 0,
    };
    TRY(read_name(rows, row, FIELD_PHASE, &phase.phase, err));
    phase.fence = phase.phase;
    if (phase.is_fenced)
        TRY(read_name(rows, row, FIELD_FENCE, &phase.fence, err));
    TRY(copy_text(rows, row, FIELD_NAME, arena, &phase.table, err));
    TRY(copy_text(rows, row, FIELD_REGION, arena, &phase.region, err));
    TRY(copy_text(rows, row, FIELD_ENDPOINT, arena, &phase.endpoint, err));
    TRY(copy_text(rows, row, FIELD_STREAM, arena, &phase.stream_arn, err));
    TRY(copy_text(rows, row, FIELD_MOVED, arena, &phase.moved, err));
    TRY(copy_text(rows, row, FIELD_READS_ENTITIES, arena, &phase.reads_entities, err));
    *ret_phase = phase;
    return LF_OK;
}

static enum lf_code select_phases(struct pg_conn *conn, const char *rest, const struct pg_params *params,
                                  struct pg_result **ret_rows, struct err *err)
{
    char sql[sizeof select_sql + 64];
    (void)snprintf(sql, sizeof sql, "%s %s", select_sql, rest);
    return pg_query(conn, sql, params, ret_rows, err);
}

enum lf_code phase_read(struct pg_conn *conn, struct span table, bool for_share, struct arena *arena,
                        struct table_phase *ret_phase, bool *ret_found, struct err *err)
{
    struct pg_field name = { table.ptr, table.len };
    struct pg_params params = { .values = &name, .count = 1 };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(select_phases(conn, for_share ? "WHERE p.table_name = $1 FOR SHARE" : "WHERE p.table_name = $1", &params, &rows, err));
    bool found = pg_result_rows(rows) > 0;
    if (found)
        TRY(read_row(rows, 0, arena, ret_phase, err));
    *ret_found = found;
    return LF_OK;
}

/* Change ----------------------------------------------------------------------------------------------------------------------
 */

enum lf_code phase_begin_change(struct pg_conn *conn, int64_t *ret_version, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn, "UPDATE landfall.catalog SET version = version + 1 RETURNING version", &(struct pg_params){ 0 }, &rows,
                 err));
    *ret_version = pg_result_int64(rows, 0, 0);
    return LF_OK;
}

enum lf_code phase_record(struct pg_conn *conn, const char *what, struct span detail, struct err *err)
{
    struct pg_field values[] = { { what, strlen(what) }, { detail.ptr, detail.len } };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    return pg_query(conn, "INSERT INTO landfall.event (what, detail) VALUES ($1, $2::jsonb)",
                    &(struct pg_params){ .values = values, .count = 2 }, &rows, err);
}

/* Waiting ---------------------------------------------------------------------------------------------------------------------
 */

/* A gateway that has not acknowledged, and when its beat last moved, by our clock. */
struct late_gateway {
    char id[GATEWAY_ID_BYTES];
    int64_t beat, moved_ms;
};

struct wait {
    struct late_gateway gateways[GATEWAYS_MAX];
    size_t count;
    char late[256]; /* addresses of those that live, as last seen */
};

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* More gateways than there is room for all count as alive. */
static bool is_alive(struct wait *wait, const char *id, int64_t beat, int64_t now)
{
    size_t i = 0;
    while (i < wait->count && strcmp(wait->gateways[i].id, id) != 0)
        i++;
    if (i == GATEWAYS_MAX)
        return true;
    struct late_gateway *gateway = &wait->gateways[i];
    if (i == wait->count) {
        wait->count++;
        (void)snprintf(gateway->id, sizeof gateway->id, "%s", id);
        gateway->beat = beat - 1;
    }
    if (gateway->beat != beat) {
        gateway->beat = beat;
        gateway->moved_ms = now;
    }
    return now - gateway->moved_ms <= PHASE_GATEWAY_SILENT_MS;
}

static enum lf_code look(struct pg_conn *conn, int64_t version, struct wait *wait, struct err *err)
{
    char text[NUMBER_BYTES];
    struct pg_field value = { text, (size_t)snprintf(text, sizeof text, "%lld", (long long)version) };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn,
                 "SELECT id, beat, address, (journal IS NOT NULL)::integer FROM landfall.gateway WHERE catalog_version < "
                 "$1::bigint",
                 &(struct pg_params){ .values = &value, .count = 1 }, &rows, err));
    wait->late[0] = '\0';
    for (size_t i = 0; i < pg_result_rows(rows); i++) {
        bool may_be_silent = pg_result_int64(rows, i, 3) != 0;
        if (!is_alive(wait, pg_result_text(rows, i, 0), pg_result_int64(rows, i, 1), now_ms()) && !may_be_silent)
            continue;
        size_t len = strlen(wait->late);
        (void)snprintf(wait->late + len, sizeof wait->late - len, "%s%s", len ? ", " : "", pg_result_text(rows, i, 2));
    }
    return LF_OK;
}

static enum lf_code wait_for(struct pg_conn *conn, int64_t version, unsigned within_ms, struct wait *wait, struct err *err)
{
    const struct timespec pause = { .tv_nsec = WAIT_POLL_MS * 1000000L };
    int64_t until_ms = now_ms() + within_ms;
    for (;;) {
        TRY(look(conn, version, wait, err));
        if (!wait->late[0])
            return LF_OK;
        if (now_ms() >= until_ms)
            return ERR(err, LF_PRECONDITION, "not all gateways work under version %lld of the catalog after %u ms: %s",
                       (long long)version, within_ms, wait->late);
        (void)nanosleep(&pause, NULL);
    }
}

enum lf_code phase_wait(struct pg_conn *conn, int64_t version, unsigned within_ms, struct err *err)
{
    struct wait *wait = calloc(1, sizeof *wait);
    if (!wait)
        return ERR(err, LF_MEMORY, "no memory to wait for gateways");
    enum lf_code code = wait_for(conn, version, within_ms, wait, err);
    free(wait);
    return code;
}

enum lf_code phase_is_known(struct pg_conn *conn, bool *ret_known, struct err *err)
{
    static const char sql[] = "SELECT FROM landfall.gateway AS g, landfall.catalog AS c WHERE g.catalog_version < c.version AND "
                              "g.beat_at > clock_timestamp() - $1::integer * interval '1 ms' LIMIT 1";
    char text[NUMBER_BYTES];
    struct pg_field value = { text, (size_t)snprintf(text, sizeof text, "%d", PHASE_GATEWAY_SILENT_MS) };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn, sql, &(struct pg_params){ .values = &value, .count = 1 }, &rows, err));
    *ret_known = pg_result_rows(rows) == 0;
    return LF_OK;
}
