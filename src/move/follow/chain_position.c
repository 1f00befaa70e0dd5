#include "move/follow/chain_position.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "codec/timestamp.h"

enum { PROGRESS_BYTES = 48 };

uint64_t chain_export_hash(struct span name)
{
    uint64_t hash = hash64(name, 0);
    return hash ? hash : 1;
}

struct span chain_position_text(const struct chain_position *position, char out[CHAIN_POSITION_BYTES])
{
    char progress[PROGRESS_BYTES] = "";
    size_t len = timestamp_format(position->from_us, TIMESTAMP_ISO8601_US, out);
    out[len++] = '/';
    len += timestamp_format(position->to_us, TIMESTAMP_ISO8601_US, out + len);
    if (position->export)
        (void)snprintf(progress, sizeof progress, " %016" PRIx64 " %" PRIu64, position->export, position->chunks);
    size_t progress_len = strlen(progress);
    memcpy(out + len, progress, progress_len);
    return span_of(out, len + progress_len);
}

static bool parse_progress(struct span text, struct chain_position *position)
{
    char copy[PROGRESS_BYTES], *hash_end, *end;
    if (!text.len)
        return true;
    if (text.len >= sizeof copy)
        return false;
    memcpy(copy, text.ptr, text.len);
    copy[text.len] = '\0';
    position->export = strtoull(copy, &hash_end, 16);
    if (*hash_end != ' ')
        return false;
    position->chunks = strtoull(hash_end + 1, &end, 10);
    return end > hash_end + 1 && !*end && position->export;
}

enum lf_code chain_position_parse(struct span text, struct chain_position *ret_position, struct err *err)
{
    struct chain_position position = { 0 };
    size_t slash = span_find_byte(text, '/'), space = span_find_byte(text, ' ');
    struct span from = span_of(text.ptr, slash), to = span_from(span_of(text.ptr, space), slash + 1);
    if (!timestamp_parse(from, TIMESTAMP_ISO8601_US, &position.from_us) ||
        !timestamp_parse(to, TIMESTAMP_ISO8601_US, &position.to_us) || !parse_progress(span_from(text, space + 1), &position))
        return ERR(err, LF_ROW, "landfall.stream_shard has \"%.*s\", which is no position in a chain of exports", SPAN_ARG(text));
    *ret_position = position;
    return LF_OK;
}
