#include "gateway/store/item_columns.h"

#include "codec/sha256.h"

enum { KEY_BYTES_MAX = 16 * 1024 };

enum lf_code place_hash(struct span partition, struct arena *arena, struct span *ret_hash, struct err *err)
{
    unsigned char digest[SHA256_BYTES];
    sha256(partition, digest);
    return arena_copy(arena, span_of((const char *)digest, ITEM_HASH_BYTES), ret_hash, err);
}

enum lf_code item_place(const struct key *key, struct arena *arena, struct item_place *ret_place, struct err *err)
{
    TRY(place_hash(key->partition, arena, &ret_place->h, err));
    ret_place->sk = key->sort.ptr ? key->sort : SPAN("");
    return LF_OK;
}

/* Segment i of n begins at i/n of the hashes' first 32 bits. */
static enum lf_code segment_bound(uint64_t segment, uint64_t segments, struct arena *arena, struct span *ret_bytes,
                                  struct err *err)
{
    uint64_t first = ((segment << 32) + segments - 1) / segments;
    char bytes[4] = { (char)(first >> 24), (char)(first >> 16), (char)(first >> 8), (char)first };
    return arena_copy(arena, span_of(bytes, sizeof bytes), ret_bytes, err);
}

enum lf_code place_segment(uint32_t segment, uint32_t segments, struct arena *arena, struct span *ret_from, struct span *ret_to,
                           struct err *err)
{
    *ret_to = span_of(NULL, 0);
    TRY(segment_bound(segment, segments, arena, ret_from, err));
    return segment + 1 < segments ? segment_bound(segment + 1, segments, arena, ret_to, err) : LF_OK;
}

/* Key bytes -------------------------------------------------------------------------------------------------------------------
 */

enum lf_code value_key_bytes(const struct value *value, struct arena *arena, struct span *ret_bytes, struct err *err)
{
    char bytes[NUMBER_KEY_BYTES_MAX];
    if (value->type == VALUE_N)
        return arena_copy(arena, span_of(bytes, number_key(value->number, bytes)), ret_bytes, err);
    *ret_bytes = value->bytes.ptr ? value->bytes : SPAN("");
    return LF_OK;
}

static void put_part(struct buf *buf, struct span part)
{
    for (size_t i = 0; i < part.len; i++) {
        buf_put_byte(buf, part.ptr[i]);
        if (part.ptr[i] == '\0')
            buf_put_byte(buf, '\xff');
    }
    buf_put(buf, "\0\1", 2);
}

enum lf_code join_key_parts(const struct span *parts, size_t count, bool is_prefix, struct arena *arena, struct span *ret_bytes,
                            struct err *err)
{
    struct buf joined;
    size_t ended = is_prefix || !count ? count : count - 1;
    if (count == 1 && !is_prefix) {
        *ret_bytes = parts[0];
        return LF_OK;
    }
    buf_init(&joined, KEY_BYTES_MAX);
    for (size_t i = 0; i < ended; i++)
        put_part(&joined, parts[i]);
    if (ended < count)
        buf_put_span(&joined, parts[ended]);
    enum lf_code code = buf_check(&joined, err);
    if (!code)
        code = arena_copy(arena, buf_span(&joined), ret_bytes, err);
    buf_done(&joined);
    return code;
}

enum lf_code item_key_bytes(const struct key_attribute *attributes, size_t count, const struct item *item, struct arena *arena,
                            struct span *ret_bytes, struct err *err)
{
    struct span parts[INDEX_KEY_ATTRIBUTES_MAX];
    for (size_t i = 0; i < count; i++) {
        const struct value *value = item_get(item, attributes[i].name);
        if (!value || value->type != attributes[i].type) {
            *ret_bytes = (struct span){ NULL, 0 };
            return LF_OK;
        }
        TRY(value_key_bytes(value, arena, &parts[i], err));
    }
    return join_key_parts(parts, count, false, arena, ret_bytes, err);
}

enum lf_code index_columns(const struct table_index *index, const struct item *item, struct arena *arena,
                           struct index_columns *ret_columns, struct err *err)
{
    struct index_columns columns = { 0 };
    struct span partition = { 0 };
    TRY(item_key_bytes(index->partition, index->partition_count, item, arena, &partition, err));
    if (partition.ptr && index->sort_count)
        TRY(item_key_bytes(index->sort, index->sort_count, item, arena, &columns.s, err));
    else if (partition.ptr)
        columns.s = SPAN("");
    if (columns.s.ptr && !index->is_local)
        TRY(place_hash(partition, arena, &columns.h, err));
    *ret_columns = columns;
    return LF_OK;
}

/* Time to live ----------------------------------------------------------------------------------------------------------------
 */

bool item_ttl(const struct table *table, const struct item *item, int64_t *ret_seconds)
{
    const struct value *value = table->ttl_attribute.len ? item_get(item, table->ttl_attribute) : NULL;
    return value && value->type == VALUE_N && number_to_int64(value->number, ret_seconds);
}
