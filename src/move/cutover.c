#include "move/cutover.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "codec/json.h"
#include "map/key_group.h"
#include "move/gateways.h"
#include "move/precondition.h"
#include "move/reverse_triggers.h"

enum { DRAIN_POLL_MS = 10, SQL_BYTES_MAX = 1024 * 1024, LOCK_MS = 5000, LACKS_BYTES = 256, GROUP_ARENA_BYTES = 64 * 1024 * 1024 };

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A change of the catalog ------------------------------------------------------------------------------------------------------
 */

/* `sql`: an UPDATE of landfall.phase whose $1 is the table, $2 the epoch, $3 and $4 its own, and $5 the entities if it takes
 * them. */
struct change {
    const char *what; /* of landfall.event */
    const char *sql;
    int64_t numbers[2];
    bool takes_entities;
    struct pg_conn *conn; /* NULL: the cutover's; another one holds the locks of the tables in a transaction */
    const char *unless; /* gives a row while the change must not be made, asked when nobody else holds the phase; NULL: it may */
};

static enum lf_code update(struct cutover *cutover, struct pg_conn *conn, const struct change *change, struct err *err)
{
    char texts[3][PG_NUMBER_BYTES];
    struct pg_field values[] = {
        { cutover->phase.table.ptr, cutover->phase.table.len },
        pg_number_field(cutover->phase.epoch, texts[0]),
        pg_number_field(change->numbers[0], texts[1]),
        pg_number_field(change->numbers[1], texts[2]),
        { cutover->entities.len ? cutover->entities.ptr : "", cutover->entities.len },
    };
    const struct pg_params params = { .values = values, .count = change->takes_entities ? 5 : 4 };
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    TRY(pg_query(conn, change->sql, &params, &result, err));
    if (pg_result_affected(result) == 1)
        return LF_OK;
    return ERR(err, LF_PRECONDITION,
               "the phase of table %.*s has changed meanwhile, or the time of its fence was up; see `landfall status`",
               SPAN_ARG(cutover->phase.table));
}

/* Table names hold letters, digits, '_', '-' and '.' only. */
static enum lf_code record(struct cutover *cutover, struct pg_conn *conn, const struct change *change, struct err *err)
{
    BUF_CLEANUP struct buf detail;
    struct span entities = change->takes_entities ? cutover->entities : SPAN("");
    buf_init(&detail, SQL_BYTES_MAX);
    buf_printf(&detail, "{\"table\":\"%.*s\",\"epoch\":%lld,\"values\":[%lld,%lld],\"entities\":[",
               SPAN_ARG(cutover->phase.table), (long long)cutover->phase.epoch, (long long)change->numbers[0],
               (long long)change->numbers[1]);
    while (entities.len) {
        json_put_string(&detail, span_cut_line(&entities));
        buf_put_cstr(&detail, entities.len ? "," : "");
    }
    buf_put_cstr(&detail, "]}");
    TRY(buf_check(&detail, err));
    return phase_record(conn, change->what, buf_span(&detail), err);
}

/* `lacks` empty: nothing. `sql`: a row while there is something; $1 the table. */
static enum lf_code look(struct cutover *cutover, struct pg_conn *conn, const char *sql, char *lacks, size_t size,
                         struct err *err)
{
    const struct pg_field table = pg_text_field(cutover->phase.table);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn, sql, &(struct pg_params){ .values = &table, .count = 1 }, &rows, err));
    (void)snprintf(lacks, size, "%s", pg_result_rows(rows) ? pg_result_text(rows, 0, 0) : "");
    return LF_OK;
}

static enum lf_code check_unless(struct cutover *cutover, struct pg_conn *conn, const struct change *change, struct err *err)
{
    char lacks[LACKS_BYTES] = "";
    if (change->unless)
        TRY(look(cutover, conn, change->unless, lacks, sizeof lacks, err));
    return lacks[0] ? ERR(err, LF_TRANSACTION_CONFLICT, "meanwhile there came %s", lacks) : LF_OK;
}

static enum lf_code change_in(struct cutover *cutover, struct pg_conn *conn, const struct change *change, int64_t *ret_version,
                              struct err *err)
{
    TRY(phase_begin_change(conn, ret_version, err));
    TRY(update(cutover, conn, change, err));
    TRY(check_unless(cutover, conn, change, err));
    TRY(record(cutover, conn, change, err));
    return pg_exec(conn, "COMMIT", err);
}

static enum lf_code apply(struct cutover *cutover, const struct change *change, int64_t *ret_version, struct err *err)
{
    struct pg_conn *conn = change->conn ? change->conn : cutover->conn;
    if (!change->conn)
        TRY(pg_exec(conn, "BEGIN", err));
    if (!change_in(cutover, conn, change, ret_version, err))
        return LF_OK;
    struct err ignored = ERR_INIT;
    if (pg_exec(conn, "ROLLBACK", &ignored)) {
        /* The connection is gone, and the transaction with it. */
    }
    return err->code;
}

static enum lf_code set_time_to_live(struct cutover *cutover, struct span attribute, bool *ret_set, struct err *err)
{
    static const char sql[] = "UPDATE landfall.dynamodb_table SET ttl_attribute = nullif($2, ''), version = $3::text::bigint "
                              "WHERE name = $1 AND is_mapped";
    char text[PG_NUMBER_BYTES];
    int64_t version;
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    TRY(phase_begin_change(cutover->conn, &version, err));
    const struct pg_field values[] = { { cutover->phase.table.ptr, cutover->phase.table.len },
                                       { attribute.len ? attribute.ptr : "", attribute.len },
                                       pg_number_field(version, text) };
    TRY(pg_query(cutover->conn, sql, &(struct pg_params){ .values = values, .count = 3 }, &result, err));
    *ret_set = pg_result_affected(result) > 0;
    return pg_exec(cutover->conn, "COMMIT", err);
}

enum lf_code cutover_set_time_to_live(struct cutover *cutover, struct span attribute, bool *ret_set, struct err *err)
{
    TRY(pg_exec(cutover->conn, "BEGIN", err));
    if (!set_time_to_live(cutover, attribute, ret_set, err))
        return LF_OK;
    struct err ignored = ERR_INIT;
    if (pg_exec(cutover->conn, "ROLLBACK", &ignored)) {
        /* The connection is gone, and the transaction with it. */
    }
    return err->code;
}

static enum lf_code apply_and_wait(struct cutover *cutover, const struct change *change, unsigned within_ms, struct err *err)
{
    int64_t version;
    TRY(apply(cutover, change, &version, err));
    return phase_wait(cutover->conn, version, within_ms, err);
}

/* Reads ------------------------------------------------------------------------------------------------------------------------
 */

/* All gateways have acknowledged the phase. */
static enum lf_code note_written_since(struct cutover *cutover, struct err *err)
{
    const struct pg_field table = pg_text_field(cutover->phase.table);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    return pg_query(
        cutover->conn,
        "UPDATE landfall.phase SET written_since = clock_timestamp() WHERE table_name = $1 AND phase = 'dual write' AND "
        "written_since IS NULL",
        &(struct pg_params){ .values = &table, .count = 1 }, &rows, err);
}

enum lf_code cutover_reads(struct cutover *cutover, unsigned reads_percent, unsigned shadow_percent, struct err *err)
{
    static const struct change dual_write = {
        .what = "dual write",
        .sql = "UPDATE landfall.phase SET phase = 'dual write', reads_percent = $3::text::integer, shadow_percent = "
               "$4::text::integer "
               "WHERE table_name = $1 AND epoch = $2::text::bigint AND phase = 'follow' AND fence IS NULL",
    };
    const struct change share = {
        .what = "cutover reads",
        .sql = "UPDATE landfall.phase SET reads_percent = $3::text::integer, shadow_percent = $4::text::integer, reads_entities "
               "= string_to_array(nullif($5::text, ''), E'\\n') WHERE table_name = $1 AND epoch = $2::text::bigint AND phase = "
               "'dual write' AND readable_at IS NOT NULL",
        .numbers = { reads_percent, shadow_percent },
        .takes_entities = true,
    };
    TRY(gateways_check(cutover->conn, err));
    if (cutover->phase.phase == PHASE_FOLLOW)
        TRY(apply_and_wait(cutover, &dual_write, CUTOVER_WAIT_MS, err));
    TRY(apply_and_wait(cutover, &share, CUTOVER_WAIT_MS, err));
    return note_written_since(cutover, err);
}

enum lf_code cutover_rollback_reads(struct cutover *cutover, struct err *err)
{
    static const struct change none = {
        .what = "reads rolled back",
        .sql = "UPDATE landfall.phase SET reads_percent = $3::text::integer, reads_entities = NULL, shadow_percent = "
               "$4::text::integer WHERE table_name = $1 AND epoch = $2::text::bigint AND phase = 'dual write' AND fence IS NULL",
    };
    static const struct change follow = {
        .what = "follow",
        .sql =
            "UPDATE landfall.phase SET phase = 'follow', applies_since = clock_timestamp(), readable_at = NULL, written_since = "
            "NULL, reads_entities = NULL, reads_percent = "
            "$3::text::integer, shadow_percent = $4::text::integer WHERE table_name = $1 AND epoch = $2::text::bigint AND phase "
            "= "
            "'dual write' AND fence IS NULL",
    };
    TRY(gateways_check(cutover->conn, err));
    TRY(apply_and_wait(cutover, &none, CUTOVER_WAIT_MS, err));
    return apply_and_wait(cutover, &follow, CUTOVER_WAIT_MS, err);
}

/* The fence --------------------------------------------------------------------------------------------------------------------
 */

/* What differs between the two directions. */
struct crossing {
    const char *what; /* of landfall.event */
    struct change fence;
    struct pg_conn *locks; /* that keeps other writers out of the tables until the authority has changed; NULL: it need not */
    const char *drained;   /* a row while the follower lacks something, with what it is; $1 the table */
    const char *hopeless;  /* likewise, what the follower will lack for longer than the fence stands */
};

static unsigned left_of(int64_t until_ms)
{
    int64_t left = until_ms - now_ms();
    return left > 0 ? (unsigned)left : 0;
}

/* Who holds writes back must not wait for what cannot come. */
static enum lf_code give_up_early(struct cutover *cutover, const struct crossing *crossing, struct err *err)
{
    char lacks[LACKS_BYTES];
    TRY(look(cutover, cutover->conn, crossing->hopeless, lacks, sizeof lacks, err));
    return lacks[0] ? ERR(err, LF_PRECONDITION, "%s, longer than writes are held back; the fence is taken away", lacks) : LF_OK;
}

static enum lf_code drain(struct cutover *cutover, const struct crossing *crossing, int64_t until_ms, struct err *err)
{
    const struct timespec pause = { .tv_nsec = DRAIN_POLL_MS * 1000000L };
    char lacks[LACKS_BYTES];
    for (;;) {
        TRY(look(cutover, cutover->conn, crossing->drained, lacks, sizeof lacks, err));
        if (!lacks[0])
            return LF_OK;
        TRY(give_up_early(cutover, crossing, err));
        if (cutover->stop && cutover->stop(cutover->context))
            return ERR(err, LF_INTERRUPTED, "stopped before the authority changed");
        if (!left_of(until_ms))
            return ERR(err, LF_PRECONDITION, "the time of the fence was up while waiting for %s", lacks);
        (void)nanosleep(&pause, NULL);
    }
}

/* In phase `postgres`. */
static enum lf_code moved_group(const struct cutover *cutover, struct arena *arena, struct key_group *ret_moved, struct err *err)
{
    if (!cutover->phase.moved.len)
        return key_group_all(cutover->table, arena, ret_moved, err);
    return key_group_make(cutover->table, cutover->phase.moved, arena, ret_moved, err);
}

/* Of what has not moved the follower writes the rows, while it holds the phase that we are about to change. */
static enum lf_code put_lock(struct cutover *cutover, struct buf *sql, struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    struct key_group moved;
    arena_init(&arena, GROUP_ARENA_BYTES);
    TRY(moved_group(cutover, &arena, &moved, err));
    buf_printf(sql, "BEGIN; SET LOCAL lock_timeout = %d; LOCK TABLE ", LOCK_MS);
    reverse_triggers_put_tables(sql, cutover->map, &moved);
    buf_put_cstr(sql, " IN SHARE MODE");
    return buf_check(sql, err);
}

/* Waits for open transactions of SQL writers and keeps new ones out until the authority has changed. */
static enum lf_code lock_tables(struct cutover *cutover, struct pg_conn *conn, struct err *err)
{
    BUF_CLEANUP struct buf sql;
    buf_init(&sql, SQL_BYTES_MAX);
    TRY(put_lock(cutover, &sql, err));
    return pg_exec(conn, buf_cstr(&sql), err) ? err_while(err, "keeping other writers out of the tables") : LF_OK;
}

/* Of each entity, whose keys others may have joined later, or left. */
#define MOVED_SINCE                                                                                                           \
    "CASE WHEN fence = 'dual write' THEN '{}' WHEN fence_entities IS NULL THEN moved_since ELSE (SELECT jsonb_object_agg(e, " \
    "CASE WHEN phase = 'postgres' AND (moved_entities IS NULL OR e = ANY (moved_entities)) THEN coalesce(moved_since -> e, "  \
    "to_jsonb(flipped_at)) ELSE to_jsonb(clock_timestamp()) END) FROM unnest(fence_entities) AS e) END"

/* The fence stays until all gateways read on the new side: a write that is acknowledged there must not be missing in a strong
 * read of a gateway that has not heard of it. That it is our fence matters to who was halted until it ran out: what was written
 * since has not been waited for, though another fence may stand there now. */
static enum lf_code flip(struct cutover *cutover, const struct crossing *crossing, int64_t fence, int64_t *ret_version,
                         struct err *err)
{
    static const char sql[] =
        "UPDATE landfall.phase SET phase = fence, moved_entities = fence_entities, moved_since = " MOVED_SINCE
        ", epoch = epoch + "
        "1, flipped_at = clock_timestamp(), fence_until = clock_timestamp() + $3::text::integer * interval '1 ms' WHERE "
        "table_name = $1 AND epoch = $2::text::bigint AND fence IS NOT NULL AND fence_version = $4::text::bigint";
    const struct change change = {
        .what = crossing->what,
        .sql = sql,
        .numbers = { CUTOVER_FENCE_MS, fence },
        .conn = crossing->locks,
        .unless = crossing->locks ? crossing->drained : NULL,
    };
    return apply(cutover, &change, ret_version, err);
}

/* Back: the leader, the follower and whoever repairs hold the phase while they give reverse sync something to do. What they have
 * given it since we looked would be sent when DynamoDB has newer writes. */
static enum lf_code flip_when_drained(struct cutover *cutover, const struct crossing *crossing, int64_t fence, int64_t until_ms,
                                      int64_t *ret_version, struct err *err)
{
    for (;;) {
        if (crossing->locks)
            TRY(lock_tables(cutover, crossing->locks, err));
        TRY(drain(cutover, crossing, until_ms, err));
        enum lf_code code = flip(cutover, crossing, fence, ret_version, err);
        if (code != LF_TRANSACTION_CONFLICT || !left_of(until_ms))
            return code;
        *err = (struct err)ERR_INIT;
    }
}

static enum lf_code change_authority(struct cutover *cutover, const struct crossing *crossing, int64_t *ret_version,
                                     struct err *err)
{
    int64_t fence;
    TRY(apply(cutover, &crossing->fence, &fence, err));
    int64_t until_ms = now_ms() + crossing->fence.numbers[0];
    TRY(phase_wait(cutover->conn, fence, left_of(until_ms), err));
    return flip_when_drained(cutover, crossing, fence, until_ms, ret_version, err);
}

static const char fence_off_sql[] =
    "UPDATE landfall.phase SET fence = NULL, fence_until = NULL WHERE table_name = $1 AND epoch = "
    "$2::text::bigint AND ($3::text || $4::text) IS NOT NULL";

/* What fails here is of no account: gateways take the fence away when its time is up. */
static void undo(struct cutover *cutover)
{
    struct err ignored = ERR_INIT;
    if (apply_and_wait(cutover, &(struct change){ .what = "fence taken away", .sql = fence_off_sql }, CUTOVER_WAIT_MS,
                       &ignored)) {
        /* See above. */
    }
}

/* Once the authority has changed there is no way back but the other command. */
static enum lf_code finish(struct cutover *cutover, int64_t version, struct err *err)
{
    cutover->phase.epoch++;
    TRY(phase_wait(cutover->conn, version, CUTOVER_WAIT_MS, err));
    return apply_and_wait(cutover, &(struct change){ .what = "fence off", .sql = fence_off_sql }, CUTOVER_WAIT_MS, err);
}

static enum lf_code cross(struct cutover *cutover, const struct crossing *crossing, unsigned *ret_pause_ms, struct err *err)
{
    int64_t version = 0, began_ms = now_ms();
    if (change_authority(cutover, crossing, &version, err)) {
        undo(cutover);
        return err->code;
    }
    if (finish(cutover, version, err))
        return err_while(err, "ending the fence; the authority has changed");
    *ret_pause_ms = (unsigned)(now_ms() - began_ms);
    return LF_OK;
}

#define FENCE_SQL(from, to)                                                                                        \
    "UPDATE landfall.phase SET fence = " to ", fence_until = clock_timestamp() + $3::text::integer * interval '1 " \
    "ms', fence_entities = string_to_array(nullif($5::text, ''), E'\\n'), fence_version = (SELECT version FROM "   \
    "landfall.catalog) WHERE table_name = $1 AND epoch = $2::text::bigint AND (" from ") AND $4::text IS NOT NULL"

static unsigned fence_ms(const struct cutover *cutover)
{
    return cutover->fence_ms ? cutover->fence_ms : CUTOVER_FENCE_MS;
}

/* Entities ---------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code compare_groups(const struct key_group *moved, const struct key_group *moving, bool *ret_more, struct err *err)
{
    *ret_more = false;
    for (size_t i = 0; i < moved->table->entity_count; i++) {
        struct span name = moved->table->entities[i].name;
        *ret_more |= moving->has[i] && !moved->has[i];
        if (moved->has[i] && !moving->has[i])
            return ERR(err, LF_PRECONDITION,
                       "%.*s has moved already; name it with the others, or take it back by `landfall rollback writes %.*s "
                       "--entity %.*s`",
                       SPAN_ARG(name), SPAN_ARG(moved->table->name), SPAN_ARG(name));
    }
    return LF_OK;
}

enum lf_code cutover_check_entities(const struct cutover *cutover, struct arena *arena, bool *ret_more, struct err *err)
{
    struct key_group moved, moving;
    *ret_more = true;
    if (!cutover->entities.len)
        return LF_OK;
    TRY(key_group_make(cutover->table, cutover->phase.moved, arena, &moved, err));
    TRY(key_group_make(cutover->table, cutover->entities, arena, &moving, err));
    TRY(key_group_check(&moving, err));
    return compare_groups(&moved, &moving, ret_more, err);
}

enum lf_code cutover_writes(struct cutover *cutover, unsigned *ret_pause_ms, struct err *err)
{
    const struct crossing crossing = {
        .what = "cutover writes",
        .fence = { .what = "fence on",
                   .sql = FENCE_SQL("phase = 'dual write' OR moved_entities IS NOT NULL", "'postgres'"),
                   .numbers = { fence_ms(cutover) },
                   .takes_entities = true },
        .drained = "SELECT count(*) || ' keys to be repaired' FROM landfall.dirty_key WHERE table_name = $1 HAVING count(*) > 0 "
                   "UNION ALL SELECT 'gateway ' || address || ', which has not yet told what it wrote without PostgreSQL' FROM "
                   "landfall.gateway WHERE is_behind LIMIT 1",
        .hopeless = "SELECT count(*) || ' keys have writes to DynamoDB that can land until ' || to_char(max(k.settled_at), "
                    "'HH24:MI:SS') FROM landfall.dirty_key k JOIN landfall.phase p USING (table_name) WHERE table_name = $1 AND "
                    "k.settled_at > p.fence_until HAVING count(*) > 0",
    };
    TRY(gateways_check(cutover->conn, err));
    TRY(reverse_triggers_make(cutover->conn, cutover->map, cutover->table, err));
    return cross(cutover, &crossing, ret_pause_ms, err);
}

/* Back -------------------------------------------------------------------------------------------------------------------------
 */

enum lf_code cutover_keep_entities(struct cutover *cutover, struct span named, struct arena *arena, bool *ret_more,
                                   struct err *err)
{
    struct key_group moved, back, kept;
    cutover->entities = SPAN("");
    *ret_more = true;
    if (!named.len)
        return LF_OK;
    TRY(moved_group(cutover, arena, &moved, err));
    TRY(key_group_make(cutover->table, named, arena, &back, err));
    TRY(key_group_without(&moved, &back, arena, &kept, err));
    TRY(key_group_check(&kept, err));
    *ret_more = memcmp(moved.has, kept.has, cutover->table->entity_count * sizeof *kept.has) != 0;
    return key_group_names(&kept, arena, &cutover->entities, err);
}

enum lf_code cutover_rollback_writes(struct cutover *cutover, unsigned *ret_pause_ms, struct err *err)
{
    PG_CONN_CLEANUP struct pg_conn *locks = NULL;
    TRY(gateways_check(cutover->conn, err));
    TRY(pg_connect_again(cutover->conn, &locks, err));
    const struct crossing crossing = {
        .what = "rollback writes",
        .fence = { .what = "fence on",
                   .sql = FENCE_SQL("phase = 'postgres'", "CASE $5::text WHEN '' THEN 'dual write' ELSE 'postgres' END"),
                   .numbers = { fence_ms(cutover) },
                   .takes_entities = true },
        .locks = locks,
        .drained =
            "SELECT lacks FROM (SELECT count(*) || ' changes to be sent to DynamoDB' AS lacks FROM landfall.reverse_change WHERE "
            "table_name = $1 AND refused IS NULL HAVING count(*) > 0 UNION ALL SELECT count(*) || ' answers of DynamoDB' FROM "
            "landfall.reverse_sent WHERE table_name = $1 AND again_at IS NOT NULL HAVING count(*) > 0) "
            "AS l LIMIT 1",
        .hopeless =
            "SELECT count(*) || ' writes of reverse sync can land in DynamoDB until ' || to_char(max(s.again_at), 'HH24:MI:SS') "
            "FROM landfall.reverse_sent s JOIN landfall.phase p USING (table_name) WHERE table_name = $1 AND s.again_at > "
            "p.fence_until AND " PRECONDITION_UNANSWERED " HAVING count(*) > 0",
    };
    return cross(cutover, &crossing, ret_pause_ms, err);
}

/* The end ----------------------------------------------------------------------------------------------------------------------
 */

enum lf_code cutover_end(struct cutover *cutover, struct err *err)
{
    static const struct change end = {
        .what = "decommission",
        .sql = "UPDATE landfall.phase SET phase = 'decommissioned', epoch = epoch + 1, flipped_at = clock_timestamp() WHERE "
               "table_name = "
               "$1 AND epoch = $2::text::bigint AND phase = 'postgres' AND moved_entities IS NULL AND fence IS NULL AND "
               "($3::text || $4::text) IS NOT NULL",
    };
    TRY(gateways_check(cutover->conn, err));
    TRY(apply_and_wait(cutover, &end, CUTOVER_WAIT_MS, err));
    return reverse_triggers_drop(cutover->conn, cutover->map, cutover->table, err);
}
