#include "move/overlay.h"

#include <stdlib.h>

#include "source/records.h"

enum { LINE_ARENA_BYTES = 64 * 1024 * 1024, SLOTS_MIN = 1024 };

void overlay_done(struct overlay *overlay)
{
    free(overlay->slots);
    *overlay = (struct overlay){ 0 };
}

/* The slot of the key, or the free one where it would be put; there is always one. */
static struct overlay_key *find_slot(const struct overlay *overlay, size_t table, struct hash128 key)
{
    size_t mask = overlay->slot_count - 1, at = key.low & mask;
    for (;; at = (at + 1) & mask) {
        struct overlay_key *slot = &overlay->slots[at];
        if (slot->window == 0 || (slot->table == table && hash128_equal(slot->key, key)))
            return slot;
    }
}

const struct overlay_key *overlay_find(const struct overlay *overlay, size_t table, const struct key *key)
{
    if (overlay->count == 0)
        return NULL;
    const struct overlay_key *slot = find_slot(overlay, table, key_hash128(key));
    return slot->window ? slot : NULL;
}

static enum lf_code grow(struct overlay *overlay, struct err *err)
{
    struct overlay larger = { .slot_count = overlay->slot_count ? 2 * overlay->slot_count : SLOTS_MIN, .count = overlay->count };
    larger.slots = calloc(larger.slot_count, sizeof *larger.slots);
    if (!larger.slots)
        return ERR(err, LF_MEMORY, "out of memory for %zu changed keys", overlay->count);
    for (size_t i = 0; i < overlay->slot_count; i++)
        if (overlay->slots[i].window)
            *find_slot(&larger, overlay->slots[i].table, overlay->slots[i].key) = overlay->slots[i];
    free(overlay->slots);
    *overlay = larger;
    return LF_OK;
}

static enum lf_code put(struct overlay *overlay, const struct overlay_key *key, struct err *err)
{
    if (overlay->count >= OVERLAY_KEYS_MAX)
        return ERR(err, LF_LIMIT, "the incremental exports change more than %d keys; take a full export instead",
                   OVERLAY_KEYS_MAX);
    if (overlay->count >= overlay->slot_count / 2)
        TRY(grow(overlay, err));
    struct overlay_key *slot = find_slot(overlay, key->table, key->key);
    overlay->count += slot->window == 0;
    *slot = *key;
    return LF_OK;
}

/* What is read from, and where it goes. */
struct reading {
    const struct map *map;
    const struct source *changes;
    const size_t *map_tables;
    uint32_t window;
    struct overlay *overlay;
    struct arena arena;
};

static enum lf_code read_record(struct reading *reading, const struct source_file *file, const struct source_records *records,
                                struct err *err)
{
    struct item_change change;
    struct key key;
    size_t table = reading->map_tables[file->table];
    arena_reset(&reading->arena);
    TRY(source_records_change(records, &reading->arena, &change, err));
    TRY(key_of_item(&reading->map->tables[table].key, &change.keys, &reading->arena, &key, err));
    struct overlay_key put_key = {
        .key = key_hash128(&key), .table = (uint32_t)table, .window = reading->window, .is_delete = change.is_delete
    };
    return put(reading->overlay, &put_key, err);
}

static enum lf_code read_records(struct reading *reading, const struct source_file *file, struct source_records *records,
                                 struct err *err)
{
    for (;;) {
        bool end;
        TRY(source_records_next(records, &end, err));
        if (end)
            return LF_OK;
        if (read_record(reading, file, records, err) != LF_OK)
            return source_records_name_place(records, file, err);
    }
}

static enum lf_code read_chunk(struct reading *reading, const struct source_chunk *chunk, struct err *err)
{
    struct source_records records;
    source_records_init(&records, chunk);
    enum lf_code code = read_records(reading, &reading->changes->files[chunk->file], &records, err);
    source_records_done(&records);
    return code;
}

static enum lf_code read_chunks(struct reading *reading, struct source *changes, struct source_chunk *chunk, struct err *err)
{
    for (;;) {
        bool end;
        TRY(source_next(changes, chunk, &end, err));
        if (end)
            return LF_OK;
        TRY(read_chunk(reading, chunk, err));
    }
}

static enum lf_code read_window(struct reading *reading, struct source *changes, struct err *err)
{
    struct source_chunk chunk;
    source_chunk_init(&chunk);
    source_rewind(changes);
    reading->changes = changes;
    enum lf_code code = read_chunks(reading, changes, &chunk, err);
    source_chunk_done(&chunk);
    return code;
}

enum lf_code overlay_read(const struct map *map, const struct source *source, const size_t *map_tables, const bool *pending,
                          struct overlay *ret_overlay, struct err *err)
{
    struct overlay overlay = { 0 };
    struct reading reading = { .map = map, .map_tables = map_tables, .overlay = &overlay };
    enum lf_code code = LF_OK;
    arena_init(&reading.arena, LINE_ARENA_BYTES);
    for (size_t i = 0; code == LF_OK && i < source->window_count; i++) {
        reading.window = (uint32_t)i + 1;
        if (pending[i])
            code = read_window(&reading, source->windows[i].changes, err);
    }
    arena_done(&reading.arena);
    if (code == LF_OK)
        *ret_overlay = overlay;
    else
        overlay_done(&overlay);
    return code;
}

enum lf_code overlay_differences(const struct overlay *overlay, struct key_differences *ret_differences, struct err *err)
{
    struct key_entry *entries = calloc(overlay->count + 1, sizeof *entries);
    size_t count = 0;
    if (!entries)
        return ERR(err, LF_MEMORY, "out of memory for %zu changed keys", overlay->count);
    for (size_t i = 0; i < overlay->slot_count; i++) {
        const struct overlay_key *slot = &overlay->slots[i];
        enum scan_side side = slot->is_delete ? SCAN_TARGET : SCAN_SOURCE;
        if (slot->window)
            entries[count++] = (struct key_entry){ .key = slot->key, .table = slot->table, .side = side };
    }
    enum lf_code code = key_entries_merge(entries, count, ret_differences, err);
    free(entries);
    return code;
}
