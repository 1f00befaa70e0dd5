#include "map/infer/sketch.h"

#include <stdlib.h>

enum { SAMPLE_CAPACITY_MIN = 16 };

void hash_sample_init(struct hash_sample *sample, uint32_t limit)
{
    *sample = (struct hash_sample){ .limit = limit };
}

void hash_sample_done(struct hash_sample *sample)
{
    free(sample->slots);
    *sample = (struct hash_sample){ .limit = sample->limit };
}

static bool is_sampled(const struct hash_sample *sample, uint64_t hash)
{
    return (hash & ((UINT64_C(1) << sample->shift) - 1)) == 0;
}

/* The slot that holds the hash, or the free one where it belongs. Low bits choose the sample, so high bits choose the slot. */
static uint64_t *find_slot(const struct hash_sample *sample, uint64_t hash)
{
    uint32_t mask = sample->capacity - 1;
    uint32_t at = (uint32_t)(hash >> 32) & mask;
    while (sample->slots[at] && sample->slots[at] != hash)
        at = (at + 1) & mask;
    return &sample->slots[at];
}

static enum lf_code rebuild(struct hash_sample *sample, uint32_t capacity, struct err *err)
{
    uint64_t *old = sample->slots;
    uint32_t old_capacity = sample->capacity;
    uint64_t *slots = calloc(capacity, sizeof *slots);
    if (!slots)
        return ERR(err, LF_MEMORY, "out of memory for a sample of %u values", capacity);
    sample->slots = slots;
    sample->capacity = capacity;
    sample->count = 0;
    for (uint32_t i = 0; i < old_capacity; i++)
        if (old[i] && is_sampled(sample, old[i])) {
            *find_slot(sample, old[i]) = old[i];
            sample->count++;
        }
    free(old);
    return LF_OK;
}

static enum lf_code make_room(struct hash_sample *sample, struct err *err)
{
    if (sample->count >= sample->limit) {
        sample->shift++;
        return rebuild(sample, sample->capacity, err);
    }
    if (sample->count * 2 < sample->capacity)
        return LF_OK;
    return rebuild(sample, sample->capacity ? sample->capacity * 2 : SAMPLE_CAPACITY_MIN, err);
}

enum lf_code hash_sample_add(struct hash_sample *sample, uint64_t hash, bool *ret_was_there, struct err *err)
{
    if (ret_was_there)
        *ret_was_there = false;
    if (hash == 0)
        hash = UINT64_C(1) << 63;
    if (!is_sampled(sample, hash))
        return LF_OK;
    if (sample->capacity && *find_slot(sample, hash) == hash) {
        if (ret_was_there)
            *ret_was_there = true;
        return LF_OK;
    }
    TRY(make_room(sample, err));
    if (!is_sampled(sample, hash))
        return LF_OK;
    *find_slot(sample, hash) = hash;
    sample->count++;
    return LF_OK;
}

enum lf_code hash_sample_merge(struct hash_sample *sample, const struct hash_sample *other, bool *ret_overlaps, struct err *err)
{
    bool overlaps = false;
    while (sample->shift < other->shift) {
        sample->shift++;
        if (sample->capacity)
            TRY(rebuild(sample, sample->capacity, err));
    }
    for (uint32_t i = 0; i < other->capacity; i++) {
        bool was_there = false;
        if (other->slots[i])
            TRY(hash_sample_add(sample, other->slots[i], &was_there, err));
        overlaps = overlaps || was_there;
    }
    if (ret_overlaps)
        *ret_overlaps = overlaps;
    return LF_OK;
}

uint64_t hash_sample_distinct(const struct hash_sample *sample)
{
    return (uint64_t)sample->count << sample->shift;
}

bool hash_sample_is_exact(const struct hash_sample *sample)
{
    return sample->shift == 0;
}

struct containment hash_sample_contained(const struct hash_sample *child, const struct hash_sample *parent)
{
    struct containment result = { 0, 0 };
    for (uint32_t i = 0; i < child->capacity; i++) {
        uint64_t hash = child->slots[i];
        if (!hash || !is_sampled(parent, hash))
            continue;
        result.checked++;
        if (!parent->capacity || *find_slot(parent, hash) != hash)
            result.orphans++;
    }
    return result;
}

enum { UNIQUENESS_SEEN = 4096, UNIQUENESS_GROWTH_MIN = 1024 };

void uniqueness_init(struct uniqueness *uniqueness)
{
    *uniqueness = (struct uniqueness){ 0 };
    hash_sample_init(&uniqueness->seen, UNIQUENESS_SEEN);
}

void uniqueness_done(struct uniqueness *uniqueness)
{
    hash_sample_done(&uniqueness->seen);
    free(uniqueness->hashes);
    uniqueness->hashes = NULL;
    uniqueness->count = uniqueness->capacity = 0;
}

static void give_up(struct uniqueness *uniqueness)
{
    uniqueness->duplicate = true;
    uniqueness_done(uniqueness);
}

static enum lf_code grow(struct uniqueness *uniqueness, size_t need, struct err *err)
{
    size_t capacity = uniqueness->capacity ? uniqueness->capacity : UNIQUENESS_GROWTH_MIN;
    while (capacity < need)
        capacity += capacity / 2;
    uint64_t *hashes = realloc(uniqueness->hashes, capacity * sizeof *hashes);
    if (!hashes)
        return ERR(err, LF_MEMORY, "out of memory for %zu key hashes", capacity);
    uniqueness->hashes = hashes;
    uniqueness->capacity = capacity;
    return LF_OK;
}

enum lf_code uniqueness_add(struct uniqueness *uniqueness, uint64_t hash, _Atomic uint64_t *used_bytes, uint64_t budget_bytes,
                            struct err *err)
{
    if (uniqueness->duplicate)
        return LF_OK;
    bool was_there;
    TRY(hash_sample_add(&uniqueness->seen, hash, &was_there, err));
    if (was_there) {
        give_up(uniqueness);
        return LF_OK;
    }
    if (atomic_fetch_add_explicit(used_bytes, sizeof hash, memory_order_relaxed) >= budget_bytes)
        return LF_OK;
    if (uniqueness->count == uniqueness->capacity)
        TRY(grow(uniqueness, uniqueness->count + 1, err));
    uniqueness->hashes[uniqueness->count++] = hash;
    return LF_OK;
}

enum lf_code uniqueness_merge(struct uniqueness *uniqueness, struct uniqueness *other, struct err *err)
{
    if (uniqueness->duplicate)
        return LF_OK;
    bool overlaps = other->duplicate;
    if (!overlaps)
        TRY(hash_sample_merge(&uniqueness->seen, &other->seen, &overlaps, err));
    if (overlaps) {
        give_up(uniqueness);
        return LF_OK;
    }
    if (other->count) {
        TRY(grow(uniqueness, uniqueness->count + other->count, err));
        memcpy(uniqueness->hashes + uniqueness->count, other->hashes, other->count * sizeof *other->hashes);
        uniqueness->count += other->count;
    }
    uniqueness_done(other);
    return LF_OK;
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

bool uniqueness_prove(struct uniqueness *uniqueness, uint64_t expected)
{
    if (uniqueness->duplicate || uniqueness->count != expected)
        return false;
    if (uniqueness->count)
        qsort(uniqueness->hashes, uniqueness->count, sizeof *uniqueness->hashes, compare_hashes);
    for (size_t i = 1; i < uniqueness->count; i++)
        if (uniqueness->hashes[i - 1] == uniqueness->hashes[i])
            return false;
    return true;
}

static struct span small_set_value(const struct small_set *set, unsigned i)
{
    return span_of(set->values[i], set->lengths[i]);
}

void small_set_add(struct small_set *set, struct span value, uint64_t times)
{
    if (set->overflow)
        return;
    for (unsigned i = 0; i < set->count; i++)
        if (span_equal(small_set_value(set, i), value)) {
            set->counts[i] += times;
            return;
        }
    if (set->count == SMALL_SET_VALUES || value.len > SMALL_SET_VALUE_BYTES) {
        set->overflow = true;
        return;
    }
    if (value.len)
        memcpy(set->values[set->count], value.ptr, value.len);
    set->lengths[set->count] = (unsigned char)value.len;
    set->counts[set->count++] = times;
}

void small_set_merge(struct small_set *set, const struct small_set *other)
{
    set->overflow = set->overflow || other->overflow;
    for (unsigned i = 0; i < other->count; i++)
        small_set_add(set, small_set_value(other, i), other->counts[i]);
}

void small_set_sort(struct small_set *set)
{
    struct small_set sorted = { .overflow = set->overflow };
    for (unsigned done = 0; done < set->count; done++) {
        unsigned least = SMALL_SET_VALUES;
        for (unsigned i = 0; i < set->count; i++)
            if (set->counts[i] &&
                (least == SMALL_SET_VALUES || span_compare(small_set_value(set, i), small_set_value(set, least)) < 0))
                least = i;
        small_set_add(&sorted, small_set_value(set, least), set->counts[least]);
        set->counts[least] = 0;
    }
    *set = sorted;
}

/* At most EXAMPLE_BYTES of the text, cut at a character. */
static size_t example_length(struct span text)
{
    size_t len = text.len;
    if (len > EXAMPLE_BYTES) {
        len = EXAMPLE_BYTES;
        while (len > 0 && ((unsigned char)text.ptr[len] & 0xC0) == 0x80)
            len--;
    }
    return len;
}

void examples_add(struct examples *examples, uint64_t hash, struct span text)
{
    unsigned at = 0;
    while (at < examples->count && examples->hashes[at] < hash)
        at++;
    if (at == EXAMPLES || (at < examples->count && examples->hashes[at] == hash))
        return;
    if (examples->count < EXAMPLES)
        examples->count++;
    for (unsigned i = examples->count - 1; i > at; i--) {
        examples->hashes[i] = examples->hashes[i - 1];
        memcpy(examples->texts[i], examples->texts[i - 1], EXAMPLE_BYTES);
        examples->lengths[i] = examples->lengths[i - 1];
    }
    examples->hashes[at] = hash;
    size_t len = example_length(text);
    if (len)
        memcpy(examples->texts[at], text.ptr, len);
    examples->lengths[at] = (unsigned char)len;
}

void examples_merge(struct examples *examples, const struct examples *other)
{
    for (unsigned i = 0; i < other->count; i++)
        examples_add(examples, other->hashes[i], span_of(other->texts[i], other->lengths[i]));
}
