#include "gateway/jobs/repair.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/dual_write.h"
#include "gateway/mark.h"
#include "gateway/operations/item_key.h"
#include "item/ddbjson.h"
#include "move/key_asks.h"

enum { GATEWAYS_MAX = 256, ID_BYTES = 40, BATCH = 50 };

struct watched {
    char id[ID_BYTES];
    int64_t beat, moved_ms;
    bool is_there;
};

struct repair {
    struct watched gateways[GATEWAYS_MAX];
    size_t count;
    struct buf silent; /* their ids, as an array of PostgreSQL's */
    struct buf beats;  /* of these, likewise */
};

enum lf_code repair_new(struct repair **ret_repair, struct err *err)
{
    struct repair *repair = calloc(1, sizeof *repair);
    if (!repair)
        return ERR(err, LF_MEMORY, "no memory for the repairer");
    buf_init(&repair->silent, (GATEWAYS_MAX + 1) * (ID_BYTES + 1));
    buf_init(&repair->beats, (GATEWAYS_MAX + 1) * (ID_BYTES + 1));
    *ret_repair = repair;
    return LF_OK;
}

void repair_free(struct repair *repair)
{
    if (!repair)
        return;
    buf_done(&repair->silent);
    buf_done(&repair->beats);
    free(repair);
}

/* Gateways that are silent ------------------------------------------------------------------------------------------------------
 */

static void watch(struct repair *repair, const char *id, int64_t beat, int64_t now_ms)
{
    size_t i = 0;
    while (i < repair->count && strcmp(repair->gateways[i].id, id) != 0)
        i++;
    if (i == GATEWAYS_MAX)
        return;
    struct watched *watched = &repair->gateways[i];
    if (i == repair->count) {
        repair->count++;
        (void)snprintf(watched->id, sizeof watched->id, "%s", id);
        watched->beat = beat - 1;
    }
    if (watched->beat != beat)
        watched->moved_ms = now_ms;
    watched->beat = beat;
    watched->is_there = true;
}

static void forget_gone(struct repair *repair)
{
    size_t kept = 0;
    for (size_t i = 0; i < repair->count; i++)
        if (repair->gateways[i].is_there)
            repair->gateways[kept++] = repair->gateways[i];
    repair->count = kept;
}

static enum lf_code list_silent(struct repair *repair, int64_t now_ms, struct err *err)
{
    struct buf *silent = &repair->silent, *beats = &repair->beats;
    buf_reset(silent);
    buf_reset(beats);
    for (size_t i = 0; i < repair->count; i++) {
        const struct watched *watched = &repair->gateways[i];
        if (now_ms - watched->moved_ms <= 2 * CATALOG_STALE_MS)
            continue;
        buf_printf(silent, "%s%s", silent->len ? "," : "{", watched->id);
        buf_printf(beats, "%s%lld", beats->len ? "," : "{", (long long)watched->beat);
    }
    buf_put_cstr(silent, silent->len ? "}" : "{}");
    buf_put_cstr(beats, beats->len ? "}" : "{}");
    TRY(buf_check(beats, err));
    return buf_check(silent, err);
}

/* Who changes a phase would otherwise wait for each of them anew. One that wakes registers again, before it serves anything; one
 * that has a journal may be serving. */
static enum lf_code forget_silent(struct worker *worker, struct err *err)
{
    static const struct pg_statement forget = {
        .sql = "DELETE FROM landfall.gateway g USING unnest($1::text::text[], $2::text::text[]) AS k (id, beat) WHERE g.id = "
               "k.id::uuid AND "
               "g.beat = k.beat::bigint AND g.journal IS NULL",
    };
    const struct repair *repair = worker->repair;
    struct pg_field values[] = { { repair->silent.data, repair->silent.len }, { repair->beats.data, repair->beats.len } };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    if (repair->silent.len <= 2)
        return LF_OK;
    return db_write(worker->db, &forget, &(struct pg_params){ .values = values, .count = 2 }, &rows, err);
}

static enum lf_code find_silent(struct worker *worker, struct err *err)
{
    static const struct pg_statement beats = { .sql = "SELECT id::text, beat::text FROM landfall.gateway" };
    struct repair *repair = worker->repair;
    int64_t now_ms = loop_now_ms(worker->loop);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_query(worker->db, &beats, &(struct pg_params){ 0 }, &rows, err));
    for (size_t i = 0; i < repair->count; i++)
        repair->gateways[i].is_there = false;
    for (size_t i = 0; i < pg_result_rows(rows); i++)
        watch(repair, pg_result_text(rows, i, 0), pg_result_int64(rows, i, 1), now_ms);
    forget_gone(repair);
    return list_silent(repair, now_ms, err);
}

/* Marks that nobody else settles
 * ------------------------------------------------------------------------------------------------- */

/* Of owners that are no gateway (a follower, or one that has ended) it is the age that counts, and at last for all: a takeover
 * harms nobody, since whoever uses a mark names its token. It counts as left, so that who writes the key need not wait for us.
 * The oldest first: those that fail again and again hold up nobody. */
static const struct pg_statement take_over = {
    .sql = "UPDATE landfall.dirty_key d SET token = nextval('landfall.mark_token'), owner = $1::text::uuid, attempt = NULL, "
           "marked_at = "
           "clock_timestamp(), repaired_at = NULL, is_left = true, settled_at = CASE WHEN d.is_left THEN d.settled_at ELSE "
           "greatest(d.settled_at, clock_timestamp() + make_interval(secs => $3::text::int)) END FROM (SELECT m.table_name, m.h, "
           "m.sk FROM landfall.dirty_key m JOIN landfall.phase p ON p.table_name = m.table_name AND (p.phase IN ('follow', 'dual "
           "write') OR p.moved_entities IS NOT NULL) LEFT JOIN landfall.gateway g ON g.id = m.owner WHERE CASE WHEN m.is_left "
           "THEN m.refused IS NULL AND (m.repaired_at IS NULL OR "
           "m.settled_at <= clock_timestamp()) ELSE g.id = ANY ($2::text::uuid[]) OR m.marked_at < clock_timestamp() - CASE WHEN "
           "g.id IS NULL THEN interval '15 s' ELSE interval '20 min' END END ORDER BY m.marked_at LIMIT "
           "$4::text::int FOR UPDATE OF m SKIP LOCKED) AS k WHERE d.table_name = k.table_name AND d.h = k.h AND d.sk = k.sk "
           "RETURNING d.table_name::text, d.key::text, d.token::text",
};

enum { FIELD_TABLE, FIELD_KEY, FIELD_TOKEN };

static enum lf_code take(struct worker *worker, struct arena *arena, struct pg_result **ret_rows, struct err *err)
{
    struct span seconds, batch;
    const char *owner = catalog_gateway_id(worker->catalog);
    TRY(arena_printf(arena, &seconds, err, "%d", MARK_LANDING_SECONDS));
    TRY(arena_printf(arena, &batch, err, "%d", BATCH));
    struct pg_field values[] = {
        { owner, strlen(owner) },
        { worker->repair->silent.data, worker->repair->silent.len },
        { seconds.ptr, seconds.len },
        { batch.ptr, batch.len },
    };
    return db_write(worker->db, &take_over, &(struct pg_params){ .values = values, .count = 4 }, ret_rows, err);
}

/* Rows that refer to one that has to go are the follower's to move (move/follow/referrers.h): it takes the mark over. */
static enum lf_code refuse(struct worker *worker, const struct mark *mark, const struct err *why, struct arena *arena,
                           struct err *err)
{
    static const struct pg_statement refuse = {
        .sql = "WITH asked AS (UPDATE landfall.dirty_key SET refused = $3 WHERE table_name = $1 AND token = $2::text::int8 "
               "RETURNING table_name, key) " KEY_ASKS_FOLLOWER,
    };
    struct span token;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(arena_printf(arena, &token, err, "%lld", (long long)mark->token));
    const struct pg_field values[] = { pg_text_field(mark->table->name), pg_text_field(token),
                                       pg_text_field(span_from_cstr(why->message)) };
    return db_write(worker->db, &refuse, &(struct pg_params){ .values = values, .count = 3 }, &rows, err);
}

static enum lf_code settle(struct worker *worker, struct mark *mark, struct arena *arena, struct err *err)
{
    struct err own = ERR_INIT;
    enum lf_code code = marks_settle(worker, mark, 1, arena, &own);
    if (code == LF_VALIDATION)
        return refuse(worker, mark, &own, arena, err);
    *err = own;
    return code;
}

/* A mark of a key that has moved says nothing any more: its statement was committed long after it was given up. */
static enum lf_code repair_key(struct worker *worker, const struct table *table, const struct pg_result *rows, size_t row,
                               struct arena *arena, struct err *err)
{
    struct item attributes;
    struct item_key key;
    struct mark mark;
    TRY(ddbjson_read_line(pg_result_span(rows, row, FIELD_KEY), arena, &attributes, err));
    TRY(item_key_of_request(table, &attributes, arena, &key, err));
    TRY(mark_init(table, &key, arena, &mark, err));
    mark.token = pg_result_int64(rows, row, FIELD_TOKEN);
    mark.writes = table_key_is_dynamodbs(table, &key.attributes);
    if (mark.writes)
        TRY(dual_read(worker, table, &key.attributes, arena, &mark.item, err));
    return settle(worker, &mark, arena, err);
}

/* The reference holds off a change of phase. Marks of a table that is none of DynamoDB's any more, or not known here, stay. */
static enum lf_code repair_row(struct worker *worker, const struct pg_result *rows, size_t row, struct arena *arena,
                               struct err *err)
{
    const struct table *table = catalog_find(worker->catalog, pg_result_span(rows, row, FIELD_TABLE));
    enum lf_code code = LF_OK;
    if (table && table_is_dynamodbs(table))
        code = repair_key(worker, table, rows, row, arena, err);
    table_unref(table);
    return code;
}

enum lf_code repair_step(struct worker *worker, const struct leadership *leadership, struct arena *arena, bool *ret_more,
                         struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    enum lf_code code = LF_OK;
    (void)leadership; /* two repairers do no harm: each mark has its token */
    if (!worker->upstream || !catalog_has_phases(worker->catalog))
        return LF_OK;
    TRY(find_silent(worker, err));
    TRY(take(worker, arena, &rows, err));
    TRY(forget_silent(worker, err));
    for (size_t i = 0; i < pg_result_rows(rows); i++) {
        struct err own = ERR_INIT; /* one that fails must not hold up the others */
        if (repair_row(worker, rows, i, arena, &own)) {
            code = own.code;
            *err = own;
        }
    }
    *ret_more = pg_result_rows(rows) == BATCH;
    return code;
}
