/*
 * trust: whether other gateways may be writing without PostgreSQL, as far as their beats tell (landfall.gateway, docs/live.md).
 *
 *     a beat that says "behind", or none for TRUST_MS ─► rows may lack what that gateway has written
 *
 * Only gateways with a journal count. A beat is timed by the look before the one that found it: it came after that. So others
 * have ceased to believe a gateway long before its journal opens (JOURNAL_OPENS_MS), unless its last beat took seconds to be
 * committed; no more than an eventual read depends on that. One thread.
 */
#pragma once

#include "base/span.h"

enum { TRUST_MS = 2000, TRUST_GATEWAYS_MAX = 256, TRUST_ID_BYTES = 36 };

struct trust {
    struct trusted {
        char id[TRUST_ID_BYTES];
        int64_t beat, moved_ms;
        bool is_there;
    } gateways[TRUST_GATEWAYS_MAX];
    size_t count;
    int64_t looked_ms; /* 0: not yet */
};

/* `lines`: of each gateway with a journal "ID BEAT BEHIND", BEHIND 0 or 1; the look at them began at `now_ms`. Until when their
 * word stands: INT64_MAX where there is none, 0 when one is behind, or has not been seen to beat. Pure. */
int64_t trust_until(struct trust *trust, struct span lines, int64_t now_ms);
