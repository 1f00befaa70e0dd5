#include "gateway/shadow_compare.h"

#include "gateway/json_members.h"
#include "item/canonical.h"
#include "item/ddbjson.h"

/* What is compared of an answer. */
struct digest {
    struct hash128 items;
    size_t count;
    struct span counts[2]; /* Count, ScannedCount */
    bool has_more;
};

static enum lf_code read_item(struct span text, struct arena *arena, struct item *ret_item, struct err *err)
{
    struct json_reader json;
    json_init(&json, text, arena);
    return ddbjson_read_item(&json, ret_item, err);
}

/* Where the order counts, so does the place. */
static struct hash128 placed(struct hash128 hash, size_t place)
{
    uint64_t odd = 2 * (uint64_t)place + 1;
    return (struct hash128){ .low = hash.low * odd, .high = hash.high * odd + place };
}

static enum lf_code add_item(struct digest *digest, struct span text, bool is_ordered, struct arena *arena, struct err *err)
{
    struct item item;
    TRY(read_item(text, arena, &item, err));
    struct hash128 hash = item_hash(&item);
    digest->items = hash128_add(digest->items, is_ordered ? placed(hash, digest->count) : hash);
    digest->count++;
    return LF_OK;
}

static enum lf_code add_items(struct digest *digest, struct span array, bool is_ordered, struct arena *arena, struct err *err)
{
    struct span *elements = NULL;
    size_t count = 0;
    TRY(json_elements_read(array, arena, &elements, &count, err));
    for (size_t i = 0; i < count; i++)
        TRY(add_item(digest, elements[i], is_ordered, arena, err));
    return LF_OK;
}

/* Items of equal keys are told apart by their tables' schemas, or are equal: tables need not be named in the sum. */
static enum lf_code add_responses(struct digest *digest, struct span object, struct arena *arena, struct err *err)
{
    struct json_reader json;
    struct json_token token;
    json_init(&json, object, arena);
    TRY(json_expect(&json, JSON_OBJECT_BEGIN, &token, err));
    for (;;) {
        TRY(json_next(&json, &token, err));
        if (token.kind == JSON_OBJECT_END)
            return LF_OK;
        TRY(json_next(&json, &token, err));
        size_t begin = token.offset;
        TRY(json_skip(&json, &token, err));
        TRY(add_items(digest, span_of(object.ptr + begin, json_offset(&json) - begin), false, arena, err));
    }
}

static enum lf_code digest_of(struct span answer, bool is_ordered, struct arena *arena, struct digest *ret_digest,
                              struct err *err)
{
    struct json_members members;
    struct digest digest = { 0 };
    TRY(json_members_read(answer, arena, &members, err));
    struct span item = json_members_get(&members, SPAN("Item")), items = json_members_get(&members, SPAN("Items"));
    struct span responses = json_members_get(&members, SPAN("Responses"));
    if (item.len)
        TRY(add_item(&digest, item, false, arena, err));
    if (items.len)
        TRY(add_items(&digest, items, is_ordered, arena, err));
    if (responses.len)
        TRY(add_responses(&digest, responses, arena, err));
    digest.counts[0] = json_members_get(&members, SPAN("Count"));
    digest.counts[1] = json_members_get(&members, SPAN("ScannedCount"));
    digest.has_more = json_members_get(&members, SPAN("LastEvaluatedKey")).len > 0;
    *ret_digest = digest;
    return LF_OK;
}

enum lf_code shadow_compare(struct span first, struct span second, bool is_ordered, struct arena *arena, bool *ret_same,
                            struct err *err)
{
    struct digest left, right;
    TRY(digest_of(first, is_ordered, arena, &left, err));
    TRY(digest_of(second, is_ordered, arena, &right, err));
    *ret_same = left.items.low == right.items.low && left.items.high == right.items.high && left.count == right.count &&
                span_equal(left.counts[0], right.counts[0]) && span_equal(left.counts[1], right.counts[1]) &&
                left.has_more == right.has_more;
    return LF_OK;
}
