/*
 * cutover: changes of a table's phase, as docs/live.md tells them.
 *
 *     follow ── cutover_reads ──► dual write ── cutover_writes ──► postgres ── cutover_end ──► decommissioned
 *            ◄─ rollback_reads ─             ◄─ rollback_writes ─
 *
 * Writes move under a fence:
 *
 *     fence on ─► all gateways hold writes ─► the follower has all ─► phase, epoch + 1 ─► all gateways read there ─► fence off
 *        └─────────── time is up, or stopped: fence off, everything as it was ──┘
 *
 * Writes of some entities may move before those of others, and some may go back while others stay: the table is mixed then, and
 * moves on, or back, by the same calls with more of them, or fewer. Both directions may lead to phase `postgres`, so a change of
 * the authority names the fence under which it was prepared.
 *
 * A process that dies leaves a fence that gateways take away when its time is up; the same call begins again.
 */
#pragma once

#include "map/model.h"
#include "move/phase.h"

typedef bool cutover_stop(void *context); /* whether the user asked to stop */

struct cutover {
    struct pg_conn *conn;          /* borrowed; in no transaction */
    const struct map *map;         /* borrowed */
    const struct map_table *table; /* borrowed */
    struct table_phase phase;      /* as it was read */
    struct span entities;          /* that have moved afterwards, or whose reads a share is of, one a line; empty: all, or after
                                      going back none */
    unsigned fence_ms;             /* after which writes go on as before; 0: CUTOVER_FENCE_MS */
    cutover_stop *stop;
    void *context;
};

enum { CUTOVER_FENCE_MS = 10000, CUTOVER_WAIT_MS = 30000 };

/* Shares of reads, that of PostgreSQL's of cutover->entities (cutover_check_entities); begins to write both sides where that was
 * not so. */
enum lf_code cutover_reads(struct cutover *cutover, unsigned reads_percent, unsigned shadow_percent, struct err *err) MUST_CHECK;
/* Everything to DynamoDB alone; the rows have to catch up again before they may be read. */
enum lf_code cutover_rollback_reads(struct cutover *cutover, struct err *err) MUST_CHECK;

/* By which attribute PostgreSQL lets items expire from when it has the authority; empty: none. What DynamoDB does is for the
 * caller to find out. A table that no gateway serves yet has no such setting: *ret_set is false. */
enum lf_code cutover_set_time_to_live(struct cutover *cutover, struct span attribute, bool *ret_set, struct err *err) MUST_CHECK;

/* Whether the entities can move by themselves, and *ret_more, whether any of them has not moved yet. LF_PRECONDITION when a key
 * of theirs may be one of others, or they leave out some that have moved; LF_MAP when there is no such entity; LF_MEMORY. */
enum lf_code cutover_check_entities(const struct cutover *cutover, struct arena *arena, bool *ret_more,
                                    struct err *err) MUST_CHECK;

/* Going back: cutover->entities, in the arena, of those that have moved all but the named ones, one a line (empty: all go back),
 * and *ret_more, whether any goes back. What no entity claims goes back with the first of them. Errors as above. */
enum lf_code cutover_keep_entities(struct cutover *cutover, struct span named, struct arena *arena, bool *ret_more,
                                   struct err *err) MUST_CHECK;

/* *ret_pause_ms: how long writes were held. Errors: LF_PRECONDITION when the fence's time was up, LF_INTERRUPTED; then everything
 * is as it was. After the change of the authority, errors say that it has happened. */
enum lf_code cutover_writes(struct cutover *cutover, unsigned *ret_pause_ms, struct err *err) MUST_CHECK;
enum lf_code cutover_rollback_writes(struct cutover *cutover, unsigned *ret_pause_ms, struct err *err) MUST_CHECK;

/* Nothing follows, nothing is sent back any more. */
enum lf_code cutover_end(struct cutover *cutover, struct err *err) MUST_CHECK;
