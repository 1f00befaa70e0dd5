/*
 * chain_position: how far a chain of incremental exports has been captured, as landfall.stream_shard's sequence_number says it.
 *
 *     2026-01-02T03:00:00.000000Z/2026-01-02T03:15:00.000000Z                        this window whole, nothing of the next
 *     2026-01-02T03:00:00.000000Z/2026-01-02T03:15:00.000000Z 0123456789abcdef 7     and 7 chunks of the export of that name's
 * hash
 *
 * At the beginning both times are that of the beginning. Pure.
 */
#pragma once

#include "base/err.h"
#include "base/span.h"

enum { CHAIN_POSITION_BYTES = 128 };

struct chain_position {
    int64_t from_us, to_us; /* as of timestamp.h: the last window that was captured whole */
    uint64_t export;        /* hash of the name of the export that comes next; 0: nothing of it yet */
    uint64_t chunks;        /* of it that are captured */
};

uint64_t chain_export_hash(struct span name); /* never 0 */

struct span chain_position_text(const struct chain_position *position, char out[CHAIN_POSITION_BYTES]);
/* LF_ROW when it is no position. */
enum lf_code chain_position_parse(struct span text, struct chain_position *ret_position, struct err *err) MUST_CHECK;
