/*
 * shadow: reads that are made on both sides and compared, after the client has its answer (docs/live.md, "Reads").
 *
 *     sampled read, its answer ─► the other side ─► same? ─ no ─► after a pause both sides again ─ … ─►
 * landfall.shadow_difference
 *
 * What is written meanwhile differs for a moment; only what goes on to differ counts, the same way twice, under no mark. Scans,
 * whose order is each side's own, are not shadowed, nor are pages of an index behind a start key, which is a place in that order.
 * At most SHADOWS_MAX are under way in a worker; beyond them the sample is let go.
 */
#pragma once

#include "gateway/dispatch.h"
#include "gateway/read_keys.h"

enum { SHADOWS_MAX = 32, SHADOW_TRIES_MAX = 4, SHADOW_PAUSE_MS = 500 /* then twice as long each time */ };

/* Samples the call, which has been answered. Does not suspend. */
void shadow_read(const struct call *call, const struct read_keys *keys, operation_run *run);
