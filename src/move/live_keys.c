#include "move/live_keys.h"

#include <errno.h>
#include <stdlib.h>

/* As in the file. */
struct entry {
    uint64_t hash;
    uint64_t segment;
};

enum { ENTRIES_AT_ONCE = 4096 };

enum lf_code live_keys_open(struct live_keys *keys, struct err *err)
{
    *keys = (struct live_keys){ .file = tmpfile() };
    if (!keys->file)
        return ERR(err, LF_IO, "cannot make a temporary file: %s", strerror(errno));
    (void)pthread_mutex_init(&keys->mutex, NULL);
    keys->is_open = true;
    return LF_OK;
}

void live_keys_close(struct live_keys *keys)
{
    if (!keys->is_open)
        return;
    (void)fclose(keys->file);
    (void)pthread_mutex_destroy(&keys->mutex);
    keys->is_open = false;
}

static enum lf_code add(struct live_keys *keys, const struct key *added, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct entry entry = { key_hash(&added[i]), key_segment(&added[i]) };
        if (fwrite(&entry, sizeof entry, 1, keys->file) != 1)
            return ERR(err, LF_IO, "writing a temporary file: %s", strerror(errno));
        keys->counts[entry.segment]++;
    }
    return LF_OK;
}

enum lf_code live_keys_add(struct live_keys *keys, const struct key *added, size_t count, struct err *err)
{
    (void)pthread_mutex_lock(&keys->mutex);
    enum lf_code code = add(keys, added, count, err);
    (void)pthread_mutex_unlock(&keys->mutex);
    return code;
}

/* Chooses the segments; gives how many keys they have. */
static uint64_t choose(const struct live_keys *keys, uint64_t keys_max, unsigned *next, bool segments[PARITY_SEGMENTS])
{
    uint64_t total = 0;
    memset(segments, 0, PARITY_SEGMENTS * sizeof *segments);
    for (unsigned first = *next; *next < PARITY_SEGMENTS && (*next == first || total + keys->counts[*next] <= keys_max);
         ++*next) {
        segments[*next] = true;
        total += keys->counts[*next];
    }
    return total;
}

static enum lf_code read_hashes(struct live_keys *keys, const bool *segments, uint64_t *hashes, size_t *ret_count,
                                struct err *err)
{
    struct entry entries[ENTRIES_AT_ONCE];
    size_t got, count = 0;
    rewind(keys->file);
    while ((got = fread(entries, sizeof *entries, ENTRIES_AT_ONCE, keys->file)) > 0)
        for (size_t i = 0; i < got; i++)
            if (segments[entries[i].segment])
                hashes[count++] = entries[i].hash;
    *ret_count = count;
    return ferror(keys->file) ? ERR(err, LF_IO, "reading a temporary file: %s", strerror(errno)) : LF_OK;
}

enum lf_code live_keys_take(struct live_keys *keys, uint64_t keys_max, unsigned *next, bool ret_segments[PARITY_SEGMENTS],
                            uint64_t **ret_hashes, size_t *ret_count, struct err *err)
{
    uint64_t total = choose(keys, keys_max, next, ret_segments);
    uint64_t *hashes = calloc((size_t)total + 1, sizeof *hashes); /* never none: calloc may give NULL for that */
    if (!hashes)
        return ERR(err, LF_MEMORY, "out of memory for %llu keys", (unsigned long long)total);
    enum lf_code code = read_hashes(keys, ret_segments, hashes, ret_count, err);
    if (code == LF_OK)
        *ret_hashes = hashes;
    else
        free(hashes);
    return code;
}
