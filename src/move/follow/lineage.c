#include "move/follow/lineage.h"

#include <stdlib.h>

void shards_init(struct shards *shards, struct arena *arena)
{
    *shards = (struct shards){ .arena = arena };
}

void shards_done(struct shards *shards)
{
    for (size_t i = 0; i < shards->count; i++)
        free(shards->items[i]->iterator);
    free(shards->items);
    *shards = (struct shards){ .arena = shards->arena };
}

struct shard *shards_find(const struct shards *shards, struct span id)
{
    for (size_t i = 0; i < shards->count; i++)
        if (span_equal(shards->items[i]->id, id))
            return shards->items[i];
    return NULL;
}

static enum lf_code make_room(struct shards *shards, struct err *err)
{
    enum { FIRST_SHARDS = 16 };
    if (shards->count < shards->capacity)
        return LF_OK;
    size_t capacity = shards->capacity ? 2 * shards->capacity : FIRST_SHARDS;
    struct shard **items = realloc(shards->items, capacity * sizeof(struct shard *));
    if (!items)
        return ERR(err, LF_MEMORY, "out of memory for %zu shards", capacity);
    shards->items = items;
    shards->capacity = capacity;
    return LF_OK;
}

enum lf_code shards_add(struct shards *shards, struct span id, struct span parent_id, struct span sequence_number,
                        struct shard **ret_shard, struct err *err)
{
    if (sequence_number.len >= SHARD_NUMBER_BYTES)
        return ERR(err, LF_LIMIT, "a sequence number of %zu bytes", sequence_number.len);
    struct shard *shard = arena_calloc(shards->arena, 1, sizeof *shard, err);
    if (!shard)
        return err->code;
    TRY(make_room(shards, err));
    TRY(arena_copy(shards->arena, id, &shard->id, err));
    TRY(arena_copy(shards->arena, parent_id, &shard->parent_id, err));
    if (sequence_number.len)
        memcpy(shard->sequence_number, sequence_number.ptr, sequence_number.len);
    shards->items[shards->count++] = shard;
    *ret_shard = shard;
    return LF_OK;
}

void shards_link(struct shards *shards)
{
    for (size_t i = 0; i < shards->count; i++) {
        struct shard *shard = shards->items[i];
        if (!shard->parent && shard->parent_id.len)
            shard->parent = shards_find(shards, shard->parent_id);
    }
}

struct shard *shards_next(const struct shards *shards)
{
    struct shard *next = NULL;
    for (size_t i = 0; i < shards->count; i++) {
        struct shard *shard = shards->items[i];
        if (!shard->is_busy && shard_is_readable(shard) && (!next || shard->due_us < next->due_us))
            next = shard;
    }
    return next;
}

struct shard *shards_find_gap(const struct shards *shards, size_t known)
{
    for (size_t i = 0; i < shards->count; i++) {
        struct shard *shard = shards->items[i];
        if (!shard->is_listed && !shard->is_ended)
            return shard;
        if (known && i >= known && shard->parent_id.len && !shard->parent)
            return shard;
    }
    return NULL;
}

int64_t shards_captured_to(const struct shards *shards)
{
    int64_t least = INT64_MAX;
    for (size_t i = 0; i < shards->count; i++)
        if (!shards->items[i]->is_drained && shards->items[i]->captured_to_us < least)
            least = shards->items[i]->captured_to_us;
    return least;
}

static void raise_to(struct shard *shard, int64_t us)
{
    if (us > shard->captured_to_us)
        shard->captured_to_us = us;
}

void shard_note_empty(struct shard *shard, int64_t began_us, int64_t database_us, int64_t settle_us)
{
    if (!shard->empty_since_us)
        shard->empty_since_us = began_us;
    if (began_us - shard->empty_since_us >= settle_us)
        raise_to(shard, database_us - settle_us);
}

void shard_note_records(struct shard *shard, int64_t created_us, int64_t margin_us)
{
    shard->empty_since_us = 0;
    raise_to(shard, created_us - margin_us);
}
