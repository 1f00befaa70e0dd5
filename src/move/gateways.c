#include "move/gateways.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "move/phase.h"

enum { GATEWAYS_MAX = 256, ID_BYTES = 40, POLL_MS = 50, NAMES_BYTES = 512 };

struct seen {
    char id[ID_BYTES];
    int64_t beat;
};

struct watch {
    struct seen gateways[GATEWAYS_MAX];
    size_t count;
    bool is_any_silent;
    char names[NAMES_BYTES]; /* of those that are silent or behind, as last seen */
};

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_a_little(void)
{
    const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
    (void)nanosleep(&pause, NULL);
}

/* Whether its beat has moved since it was first seen. More gateways than there is room for never have. */
static bool has_beaten(struct watch *watch, const char *id, int64_t beat)
{
    size_t i = 0;
    while (i < watch->count && strcmp(watch->gateways[i].id, id) != 0)
        i++;
    if (i == GATEWAYS_MAX)
        return false;
    if (i == watch->count) {
        (void)snprintf(watch->gateways[watch->count++].id, ID_BYTES, "%s", id);
        watch->gateways[i].beat = beat;
    }
    return watch->gateways[i].beat != beat;
}

enum { FIELD_ID, FIELD_BEAT, FIELD_ADDRESS, FIELD_PLACE, FIELD_BEHIND };

static void add_name(struct watch *watch, const struct pg_result *rows, size_t row)
{
    size_t len = strlen(watch->names);
    (void)snprintf(watch->names + len, sizeof watch->names - len, "%s%s at %s (journal %s)", len ? ", " : "",
                   pg_result_text(rows, row, FIELD_ID), pg_result_text(rows, row, FIELD_ADDRESS),
                   pg_result_text(rows, row, FIELD_PLACE));
}

static enum lf_code look(struct pg_conn *conn, struct watch *watch, struct err *err)
{
    static const char sql[] =
        "SELECT id, beat, address, journal_place, is_behind::integer FROM landfall.gateway WHERE journal IS NOT NULL";
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn, sql, &(struct pg_params){ 0 }, &rows, err));
    watch->names[0] = '\0';
    watch->is_any_silent = false;
    for (size_t i = 0; i < pg_result_rows(rows); i++) {
        bool beats = has_beaten(watch, pg_result_text(rows, i, FIELD_ID), pg_result_int64(rows, i, FIELD_BEAT));
        if (!beats || pg_result_int64(rows, i, FIELD_BEHIND))
            add_name(watch, rows, i);
        watch->is_any_silent |= !beats;
    }
    return LF_OK;
}

static enum lf_code check(struct pg_conn *conn, struct watch *watch, struct err *err)
{
    int64_t began_ms = now_ms();
    for (;;) {
        TRY(look(conn, watch, err));
        if (!watch->names[0])
            return LF_OK;
        if (now_ms() - began_ms >= (watch->is_any_silent ? GATEWAYS_BEAT_MS : GATEWAYS_TELL_MS))
            return ERR(err, LF_PRECONDITION,
                       "gateway %s is silent, or has not yet told what it wrote without PostgreSQL: it may be writing to "
                       "DynamoDB. Start it on its journal again; where that is lost, see `landfall gateway forget`",
                       watch->names);
        pause_a_little();
    }
}

enum lf_code gateways_check(struct pg_conn *conn, struct err *err)
{
    struct watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        return ERR(err, LF_MEMORY, "no memory to look at gateways");
    enum lf_code code = check(conn, watch, err);
    free(watch);
    return code;
}

/* Forgetting ------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code read_beat(struct pg_conn *conn, const char *id, int64_t *ret_beat, struct err *err)
{
    const struct pg_field value = { id, strlen(id) };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn, "SELECT beat FROM landfall.gateway WHERE id::text = $1",
                 &(struct pg_params){ .values = &value, .count = 1 }, &rows, err));
    if (!pg_result_rows(rows))
        return ERR(err, LF_NOT_FOUND, "there is no gateway %s; see `landfall gateway list`", id);
    *ret_beat = pg_result_int64(rows, 0, 0);
    return LF_OK;
}

static enum lf_code check_silent(struct pg_conn *conn, const char *id, int64_t *ret_beat, struct err *err)
{
    int64_t until_ms = now_ms() + GATEWAYS_BEAT_MS, beat;
    TRY(read_beat(conn, id, ret_beat, err));
    while (now_ms() < until_ms) {
        pause_a_little();
        TRY(read_beat(conn, id, &beat, err));
        if (beat != *ret_beat)
            return ERR(err, LF_PRECONDITION, "gateway %s is at work", id);
    }
    return LF_OK;
}

/* As after a rollback, rows may lack what only the stream has; and what was sent may still land, which exports have to reach. */
static const char forget_sql[] =
    "WITH gone AS (DELETE FROM landfall.gateway WHERE id::text = $1 AND beat = $2::bigint RETURNING id, address, journal), "
    "hidden "
    "AS (UPDATE landfall.phase SET readable_at = NULL, applies_since = CASE WHEN applies_since IS NOT NULL THEN "
    "clock_timestamp() END, written_since = CASE WHEN written_since IS NOT NULL THEN clock_timestamp() + interval '16 minutes' "
    "END WHERE phase IN ('follow', 'dual write') AND EXISTS (SELECT FROM gone WHERE journal IS NOT NULL) "
    "RETURNING table_name), told AS (INSERT INTO landfall.event (what, detail) SELECT 'gateway forgotten', "
    "jsonb_build_object('gateway', id, 'address', address) FROM gone) SELECT (SELECT count(*) FROM gone), (SELECT count(*) FROM "
    "hidden)";

static enum lf_code forget(struct pg_conn *conn, const char *id, int64_t beat, uint64_t *ret_hidden, struct err *err)
{
    char text[PG_NUMBER_BYTES];
    int64_t version;
    const struct pg_field values[] = { { id, strlen(id) }, pg_number_field(beat, text) };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(phase_begin_change(conn, &version, err));
    TRY(pg_query(conn, forget_sql, &(struct pg_params){ .values = values, .count = 2 }, &rows, err));
    if (!pg_result_int64(rows, 0, 0))
        return ERR(err, LF_PRECONDITION, "gateway %s is at work", id);
    *ret_hidden = (uint64_t)pg_result_int64(rows, 0, 1);
    return pg_exec(conn, "COMMIT", err);
}

enum lf_code gateways_forget(struct pg_conn *conn, const char *id, uint64_t *ret_hidden, struct err *err)
{
    int64_t beat;
    TRY(check_silent(conn, id, &beat, err));
    TRY(pg_exec(conn, "BEGIN", err));
    if (!forget(conn, id, beat, ret_hidden, err))
        return LF_OK;
    struct err ignored = ERR_INIT;
    if (pg_exec(conn, "ROLLBACK", &ignored)) {
        /* The connection is gone, and the transaction with it. */
    }
    return err->code;
}
