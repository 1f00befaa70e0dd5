#include "gateway/shadow_compare.h"

#include "gateway/json_members.h"
#include "item/canonical.h"
#include "item/ddbjson.h"

/* What is compared of an answer. */
struct digest {
    struct hash128 items;
    size_t count;
    struct span counts[2]; /* Count, where no page ends among equal keys; ScannedCount */
    bool has_more;
    struct hash128 end; /* the key that a page of an index ends at */
};

/* How one answer is read. */
struct reading {
    bool is_ordered;
    bool is_cut;             /* the page may end among equal keys: */
    struct span by;          /* of this attribute */
    const struct value *end; /* and this value; NULL: the index has one key for all */
    struct arena *arena;
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

/* Whether each side may have another item in its place; also where the answer leaves out what would tell. */
static bool may_differ(const struct reading *reading, const struct item *item)
{
    const struct value *key = reading->end ? item_get(item, reading->by) : NULL;
    return reading->is_cut && (!key || value_equal(key, reading->end));
}

static enum lf_code add_item(struct digest *digest, struct span text, const struct reading *reading, struct err *err)
{
    struct item item;
    TRY(read_item(text, reading->arena, &item, err));
    if (may_differ(reading, &item))
        return LF_OK;
    struct hash128 hash = item_hash(&item);
    digest->items = hash128_add(digest->items, reading->is_ordered ? placed(hash, digest->count) : hash);
    digest->count++;
    return LF_OK;
}

static enum lf_code add_items(struct digest *digest, struct span array, const struct reading *reading, struct err *err)
{
    struct span *elements = NULL;
    size_t count = 0;
    TRY(json_elements_read(array, reading->arena, &elements, &count, err));
    for (size_t i = 0; i < count; i++)
        TRY(add_item(digest, elements[i], reading, err));
    return LF_OK;
}

/* Items of equal keys are told apart by their tables' schemas, or are equal: tables need not be named in the sum. */
static enum lf_code add_responses(struct digest *digest, struct span object, struct arena *arena, struct err *err)
{
    struct json_reader json;
    struct json_token token;
    const struct reading reading = { .arena = arena };
    json_init(&json, object, arena);
    TRY(json_expect(&json, JSON_OBJECT_BEGIN, &token, err));
    for (;;) {
        TRY(json_next(&json, &token, err));
        if (token.kind == JSON_OBJECT_END)
            return LF_OK;
        TRY(json_next(&json, &token, err));
        size_t begin = token.offset;
        TRY(json_skip(&json, &token, err));
        TRY(add_items(digest, span_of(object.ptr + begin, json_offset(&json) - begin), &reading, err));
    }
}

/* Of a page that goes on. */
static enum lf_code read_end(struct span last, const struct shadow_order *order, struct reading *reading, struct digest *digest,
                             struct err *err)
{
    struct item *key = arena_alloc(reading->arena, sizeof *key, err);
    if (!key)
        return err->code;
    TRY(read_item(last, reading->arena, key, err));
    reading->is_cut = true;
    reading->by = order->by;
    reading->end = order->by.len ? item_get(key, order->by) : NULL;
    if (reading->end)
        digest->end = value_hash(reading->end);
    return LF_OK;
}

static enum lf_code digest_of(struct span answer, const struct shadow_order *order, struct arena *arena,
                              struct digest *ret_digest, struct err *err)
{
    struct json_members members;
    struct digest digest = { 0 };
    struct reading reading = { .is_ordered = order->is_ordered, .arena = arena };
    TRY(json_members_read(answer, arena, &members, err));
    struct span item = json_members_get(&members, SPAN("Item")), items = json_members_get(&members, SPAN("Items"));
    struct span responses = json_members_get(&members, SPAN("Responses"));
    struct span last = json_members_get(&members, SPAN("LastEvaluatedKey"));
    if (last.len && !order->is_ordered)
        TRY(read_end(last, order, &reading, &digest, err));
    if (item.len)
        TRY(add_item(&digest, item, &reading, err));
    if (items.len)
        TRY(add_items(&digest, items, &reading, err));
    if (responses.len)
        TRY(add_responses(&digest, responses, arena, err));
    if (!reading.is_cut)
        digest.counts[0] = json_members_get(&members, SPAN("Count"));
    digest.counts[1] = json_members_get(&members, SPAN("ScannedCount"));
    digest.has_more = last.len > 0;
    *ret_digest = digest;
    return LF_OK;
}

enum lf_code shadow_compare(struct span first, struct span second, const struct shadow_order *order, struct arena *arena,
                            bool *ret_same, struct err *err)
{
    struct digest left, right;
    TRY(digest_of(first, order, arena, &left, err));
    TRY(digest_of(second, order, arena, &right, err));
    *ret_same = hash128_equal(left.items, right.items) && left.count == right.count && hash128_equal(left.end, right.end) &&
                span_equal(left.counts[0], right.counts[0]) && span_equal(left.counts[1], right.counts[1]) &&
                left.has_more == right.has_more;
    return LF_OK;
}
