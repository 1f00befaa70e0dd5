#include "move/precondition.h"

#include "item/ddbjson.h"
#include "map/key_group.h"

enum { GROUP_ARENA_BYTES = 64 * 1024 * 1024, SENTENCE_BYTES_MAX = 4 * 1024 * 1024 };

#define STEP(step) (1u << (step))

enum {
    FORWARD = STEP(STEP_READS) | STEP(STEP_WRITES),
    ONWARD = FORWARD | STEP(STEP_BOTH_SIDES),
    BEHIND = STEP(STEP_ROLLBACK_WRITES) | STEP(STEP_DECOMMISSION)
};

/* `sql`: a row with a text while it does not hold; $1 is the table's name, $2 the entities that will have moved. */
struct precondition {
    const char *name;
    unsigned steps;
    bool is_firm; /* --force does not help */
    const char *sql;
    bool takes_entities;
    bool is_of_keys; /* rows are a key each, and why it must not go back */
};

#define LAG_BOUND "interval '10 seconds'"
_Static_assert(PRECONDITION_LAG_SECONDS == 10 && PRECONDITION_MARK_SECONDS == 10, "the statements say so");

static const struct precondition preconditions[] = {
    { "not readable", ONWARD, true,
      "SELECT CASE WHEN p.applies_since IS NULL THEN 'no backfill has ended since `landfall follow` began; run `landfall "
      "backfill`' "
      "ELSE '`landfall follow` has not yet applied all that happened until the backfill ended; let it run and see `landfall "
      "status`' "
      "END FROM landfall.phase p WHERE p.table_name = $1 AND p.readable_at IS NULL" },
    { "parity not proven", FORWARD, false,
      "SELECT 'no `landfall verify` has found 0 differences since ' || to_char(since, 'YYYY-MM-DD HH24:MI:SS') || '; run it, "
      "with "
      "--repair where there are some' FROM (SELECT coalesce(greatest(p.applies_since, p.flipped_at), p.follows_since) AS since "
      "FROM "
      "landfall.phase p WHERE p.table_name = $1) p WHERE NOT EXISTS (SELECT FROM landfall.parity_run r WHERE $1 = ANY (r.tables) "
      "AND "
      "r.finished_at >= p.since AND r.different + r.missing + r.extra = 0)" },
    { "reads not moved", STEP(STEP_WRITES), false,
      "SELECT CASE WHEN p.reads_entities IS NULL THEN 'only ' || p.reads_percent || ' % of its eventual reads come from "
      "PostgreSQL' ELSE 'only eventual reads of ' || array_to_string(p.reads_entities, ', ') || ' come from PostgreSQL, ' || "
      "p.reads_percent || ' % of them' END || CASE WHEN p.moved_entities IS NULL THEN '; run ' ELSE ', and reads of a mixed "
      "table do not move; run `landfall rollback writes ' || p.table_name || '`, then ' END || '`landfall cutover reads ' || "
      "p.table_name || CASE $2::text WHEN '' THEN '' ELSE ' --entity ' || replace($2::text, E'\\n', ',') END || ' --percent "
      "100`' FROM landfall.phase p WHERE p.table_name = $1 AND (p.reads_percent < 100 OR (p.reads_entities IS NOT "
      "NULL AND ($2::text = '' OR NOT string_to_array($2::text, E'\\n') <@ (p.reads_entities || p.moved_entities))))",
      .takes_entities = true },
    { "not followed", ONWARD | BEHIND, false,
      "SELECT '`landfall follow` does not run' WHERE NOT EXISTS (SELECT FROM landfall.worker w WHERE w.work = 'follow' AND "
      "$1::text IS NOT NULL AND w.expires_at > clock_timestamp())" },
    { "gap in the stream", ONWARD, false,
      "SELECT 'changes were lost before they could be read: ' || min(s.gap) || '; run `landfall verify --repair`, then "
      "`landfall "
      "verify`' FROM landfall.stream_shard s WHERE s.table_name = $1 AND s.gap IS NOT NULL HAVING count(*) > 0" },
    /* What changed before gateways wrote both sides is in no row before the exports have passed that. */
    { "exports behind", FORWARD, true,
      "SELECT CASE WHEN p.phase = 'follow' THEN 'rows are as old as the last export; have gateways write both sides first: "
      "`landfall cutover reads --percent 0`' WHEN p.written_since IS NULL THEN 'not all gateways are known to write both sides; "
      "run "
      "`landfall cutover reads --percent 0`' ELSE 'gateways write both sides since ' || to_char(p.written_since, 'YYYY-MM-DD "
      "HH24:MI:SS') || ', and the exports that are applied end at ' || to_char(s.captured_to, 'YYYY-MM-DD HH24:MI:SS') || '; "
      "wait "
      "for later ones' END FROM landfall.phase p JOIN landfall.stream_shard s USING (table_name, stream_arn) WHERE p.table_name "
      "= "
      "$1 AND p.by_exports AND (p.phase = 'follow' OR p.written_since IS NULL OR s.captured_to <= p.written_since OR EXISTS "
      "(SELECT "
      "FROM landfall.spool r WHERE r.table_name = p.table_name AND r.changed_at <= p.written_since))" },
    { "exports not through", STEP(STEP_DECOMMISSION), false,
      "SELECT 'the exports end at ' || to_char(s.captured_to, 'YYYY-MM-DD HH24:MI:SS') || ', and PostgreSQL has the authority "
      "since ' "
      "|| to_char(p.flipped_at, 'YYYY-MM-DD HH24:MI:SS') || ': who has written to DynamoDB since is not known' FROM "
      "landfall.phase p "
      "JOIN landfall.stream_shard s USING (table_name, stream_arn) WHERE p.table_name = $1 AND p.by_exports AND s.captured_to <= "
      "p.flipped_at" },
    { "lag", ONWARD, false,
      "SELECT 'the oldest change that is not applied is ' || round(extract(epoch FROM clock_timestamp() - min(s.captured_at))) "
      "|| ' s old; "
      "wait for `landfall follow`' FROM landfall.spool s WHERE s.table_name = $1 HAVING min(s.captured_at) < clock_timestamp() "
      "- " LAG_BOUND },
    { "shadow differences", FORWARD, false,
      "SELECT count(*) || ' reads had different answers from the two sides since the last `landfall verify` without differences; "
      "see "
      "landfall.shadow_difference, then verify' FROM landfall.shadow_difference d WHERE d.table_name = $1 AND d.at > "
      "coalesce((SELECT "
      "max(r.finished_at) FROM landfall.parity_run r WHERE $1 = ANY (r.tables) AND r.different + r.missing + r.extra = 0), "
      "'-infinity') HAVING count(*) "
      "> 0" },
    { "keys of unknown outcome", ONWARD, false,
      "SELECT count(*) || ' keys have writes to DynamoDB whose outcome is not known; the last of them can land until ' || "
      "to_char(max(k.settled_at), 'HH24:MI:SS') FROM landfall.dirty_key k WHERE k.table_name = $1 AND k.settled_at IS NOT NULL "
      "AND k.refused IS NULL HAVING "
      "count(*) > 0" },
    { "dirty keys", ONWARD, false,
      "SELECT count(*) || ' keys have been waiting for repair since ' || to_char(min(k.marked_at), 'HH24:MI:SS') || '; a gateway "
      "must "
      "run to repair them' FROM landfall.dirty_key k WHERE k.table_name = $1 AND k.settled_at IS NULL AND k.refused IS NULL AND "
      "k.marked_at < "
      "clock_timestamp() - interval '10 seconds' HAVING count(*) > 0" },
    { "rows that others refer to", ONWARD, false,
      "SELECT count(*) || ' keys, such as ' || (array_agg(k.key::text ORDER BY k.marked_at))[1] || ', have a row that has to go; "
      "`landfall follow` brings what refers to it into landfall.item, and must run: ' || (array_agg(k.refused ORDER BY "
      "k.marked_at))[1] FROM landfall.dirty_key k WHERE k.table_name = $1 AND k.refused IS NOT NULL HAVING count(*) > 0" },
    /* Whom somebody has parted before, by force, this step does not part. */
    { "entities meet", STEP(STEP_WRITES) | STEP(STEP_ROLLBACK_WRITES), false,
      "SELECT string_agg(CASE m.entity WHEN '' THEN 'items of no entity' ELSE m.entity END || ' and ' || m.other, ', ' ORDER BY "
      "m.entity, m.other) || ' "
      "have "
      "met in transactions, which are refused once they are in different databases; move them together' FROM landfall.met m "
      "JOIN landfall.phase p USING (table_name) WHERE m.table_name = $1 AND $2::text <> '' AND (m.entity = ANY "
      "(string_to_array($2::text, E'\\n'))) <> (m.other = ANY (string_to_array($2::text, E'\\n'))) AND ((m.entity = ANY "
      "(p.moved_entities)) <> (m.other = ANY (p.moved_entities))) IS NOT TRUE HAVING count(*) > 0",
      .takes_entities = true },
    { "entities that stay", STEP(STEP_DECOMMISSION), true,
      "SELECT 'DynamoDB has the authority over all but ' || array_to_string(p.moved_entities, ', ') || '; `landfall cutover "
      "writes ' "
      "|| p.table_name || '` moves the rest' FROM landfall.phase p WHERE p.table_name = $1 AND p.moved_entities IS NOT NULL" },
    { "late writers", STEP(STEP_ROLLBACK_WRITES), false,
      "SELECT w.key::text, 'changed in DynamoDB after PostgreSQL had the authority; find who still writes there, then see "
      "`landfall late-writes list`' FROM landfall.late_write w WHERE w.table_name = $1 AND w.resolved_at IS NULL GROUP BY 1",
      .is_of_keys = true },
    { "late writers", STEP(STEP_WRITES) | STEP(STEP_DECOMMISSION), false,
      "SELECT count(*) || ' changes were made in DynamoDB after PostgreSQL had the authority; find who still writes there, then "
      "see "
      "`landfall late-writes list`' FROM landfall.late_write w WHERE w.table_name = $1 AND w.resolved_at IS NULL HAVING count(*) "
      "> 0" },
    { "rejects", STEP(STEP_WRITES) | STEP(STEP_DECOMMISSION), false,
      "SELECT count(*) || ' lines of the backfill were no items; see landfall.reject' FROM landfall.reject WHERE $1::text IS NOT "
      "NULL HAVING count(*) > 0" },
    { "items without a row", STEP(STEP_DECOMMISSION), false,
      "SELECT count(*) || ' items are whole in landfall.item, one of them because: ' || min(i.reason) || '; mend that, or export "
      "them' "
      "FROM landfall.item i WHERE i.table_name = $1 HAVING count(*) > 0" },
    { "items that DynamoDB cannot hold", STEP(STEP_ROLLBACK_WRITES), false,
      "SELECT c.key::text, min(c.refused) FROM landfall.reverse_change c WHERE c.table_name = $1 AND c.refused IS NOT NULL GROUP "
      "BY 1",
      .is_of_keys = true },
    { "reverse sync of unknown outcome", STEP(STEP_ROLLBACK_WRITES), false,
      "SELECT count(*) || ' writes of reverse sync may still land in DynamoDB; the last of them until ' || "
      "to_char(max(s.again_at), "
      "'HH24:MI:SS') FROM landfall.reverse_sent s WHERE s.table_name = $1 AND " PRECONDITION_UNANSWERED " HAVING count(*) > 0" },
    { "reverse sync behind", BEHIND, false,
      "SELECT 'the oldest change that is not in DynamoDB is ' || round(extract(epoch FROM clock_timestamp() - "
      "min(c.changed_at))) || ' s "
      "old; a gateway must run to send it' FROM landfall.reverse_change c WHERE c.table_name = $1 AND c.refused IS NULL HAVING "
      "min(c.changed_at) < clock_timestamp() - " LAG_BOUND },
};

/* Keys that go back -----------------------------------------------------------------------------------------------------------
 */

struct going_back {
    bool is_whole; /* all of the table has moved */
    struct key_group moved, kept;
};

static enum lf_code find_groups(const struct precondition_subject *subject, struct arena *arena, struct going_back *ret_groups,
                                struct err *err)
{
    ret_groups->is_whole = !subject->moved.len;
    TRY(key_group_make(subject->table, subject->moved, arena, &ret_groups->moved, err));
    return key_group_make(subject->table, subject->entities, arena, &ret_groups->kept, err);
}

static bool goes_back(const struct going_back *groups, const struct item *key)
{
    return (groups->is_whole || key_group_has(&groups->moved, key)) && !key_group_has(&groups->kept, key);
}

static enum lf_code check_keys(const struct precondition_subject *subject, const struct pg_result *rows, struct buf *sentence,
                               struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    struct going_back groups;
    size_t count = 0, first = 0;
    arena_init(&arena, GROUP_ARENA_BYTES);
    TRY(find_groups(subject, &arena, &groups, err));
    for (size_t i = 0; i < pg_result_rows(rows); i++) {
        struct item key;
        struct arena_mark mark = arena_mark(&arena);
        TRY(ddbjson_read_line(pg_result_span(rows, i, 0), &arena, &key, err));
        if (goes_back(&groups, &key) && count++ == 0)
            first = i;
        arena_rewind(&arena, mark);
    }
    if (count)
        buf_printf(sentence, "%zu key%s, such as %s: %s", count, count > 1 ? "s" : "", pg_result_text(rows, first, 0),
                   pg_result_text(rows, first, 1));
    return LF_OK;
}

/* -----------------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code ask(struct pg_conn *conn, const struct precondition_subject *subject, const struct precondition *precondition,
                        struct buf *sentence, struct err *err)
{
    struct span table = subject->table->name, entities = subject->entities;
    const struct pg_field values[] = { { table.ptr, table.len }, { entities.len ? entities.ptr : "", entities.len } };
    const struct pg_params params = { .values = values, .count = precondition->takes_entities ? 2 : 1 };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn, precondition->sql, &params, &rows, err));
    if (precondition->is_of_keys)
        return check_keys(subject, rows, sentence, err);
    if (pg_result_rows(rows))
        buf_put_cstr(sentence, pg_result_text(rows, 0, 0));
    return LF_OK;
}

static enum lf_code check(struct pg_conn *conn, const struct precondition_subject *subject,
                          const struct precondition *precondition, struct buf *failures, bool *ret_failed, struct err *err)
{
    BUF_CLEANUP struct buf sentence;
    buf_init(&sentence, SENTENCE_BYTES_MAX);
    TRY(ask(conn, subject, precondition, &sentence, err));
    TRY(buf_check(&sentence, err));
    *ret_failed = sentence.len > 0;
    if (*ret_failed)
        buf_printf(failures, "%s%s: %.*s", failures->len ? "\n  " : "", precondition->name, SPAN_ARG(buf_span(&sentence)));
    return LF_OK;
}

enum lf_code precondition_check(struct pg_conn *conn, const struct precondition_subject *subject, enum phase_step step,
                                struct buf *failures, size_t *ret_failed, size_t *ret_firm, struct err *err)
{
    size_t failed = 0, firm = 0;
    for (size_t i = 0; i < sizeof preconditions / sizeof *preconditions; i++) {
        bool fails = false;
        if (!(preconditions[i].steps & STEP(step)))
            continue;
        TRY(check(conn, subject, &preconditions[i], failures, &fails, err));
        failed += fails;
        firm += fails && preconditions[i].is_firm;
    }
    *ret_failed = failed;
    *ret_firm = firm;
    return buf_check(failures, err);
}
