#include "gateway/trust.h"

static struct trusted *find(struct trust *trust, struct span id, int64_t beat)
{
    size_t i = 0;
    while (i < trust->count && memcmp(trust->gateways[i].id, id.ptr, TRUST_ID_BYTES) != 0)
        i++;
    if (i == TRUST_GATEWAYS_MAX)
        return NULL;
    if (i == trust->count) {
        trust->gateways[trust->count++] = (struct trusted){ .beat = beat };
        memcpy(trust->gateways[i].id, id.ptr, TRUST_ID_BYTES);
    }
    return &trust->gateways[i];
}

/* One that is seen for the first time may have beaten last at any time. */
static int64_t look_at(struct trust *trust, struct span line)
{
    struct span id = span_cut(&line, ' ');
    int64_t beat = span_to_number(span_cut(&line, ' '));
    struct trusted *trusted = id.len == TRUST_ID_BYTES ? find(trust, id, beat) : NULL;
    if (!trusted)
        return 0;
    trusted->is_there = true;
    if (trusted->beat != beat)
        trusted->moved_ms = trust->looked_ms;
    trusted->beat = beat;
    bool is_behind = !span_equal(line, SPAN("0"));
    return is_behind || !trusted->moved_ms ? 0 : trusted->moved_ms + TRUST_MS;
}

static void forget_gone(struct trust *trust)
{
    size_t kept = 0;
    for (size_t i = 0; i < trust->count; i++)
        if (trust->gateways[i].is_there)
            trust->gateways[kept++] = trust->gateways[i];
    trust->count = kept;
}

int64_t trust_until(struct trust *trust, struct span lines, int64_t now_ms)
{
    int64_t until_ms = INT64_MAX;
    for (size_t i = 0; i < trust->count; i++)
        trust->gateways[i].is_there = false;
    while (lines.len) {
        int64_t each_ms = look_at(trust, span_cut_line(&lines));
        until_ms = each_ms < until_ms ? each_ms : until_ms;
    }
    forget_gone(trust);
    trust->looked_ms = now_ms;
    return until_ms;
}
