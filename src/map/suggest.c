#include "map/suggest.h"

#include <stdio.h>

enum { WORD_BYTES_MAX = 40, EDITS_MAX = 2 };

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Insertions, deletions, replacements; one row of the usual table at a time. Both words are at most WORD_BYTES_MAX long. */
static unsigned edit_distance(struct span a, struct span b)
{
    unsigned row[WORD_BYTES_MAX + 1];
    for (unsigned j = 0; j <= b.len; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            unsigned replaced = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
            diagonal = row[j];
            row[j] = min3(row[j] + 1, row[j - 1] + 1, replaced);
        }
    }
    return row[b.len];
}

static const char *nearest_name(struct span word, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    unsigned best = word.len < 3 * EDITS_MAX ? (unsigned)word.len / 3 + 1 : EDITS_MAX + 1;
    for (size_t i = 0; i < count; i++) {
        struct span name = span_from_cstr(names[i]);
        if (word.len > WORD_BYTES_MAX || name.len > WORD_BYTES_MAX)
            continue;
        unsigned distance = edit_distance(word, name);
        if (distance < best) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}

struct suggestion suggest_name(struct span word, const char *const *names, size_t count)
{
    struct suggestion suggestion = { "" };
    const char *nearest = nearest_name(word, names, count);
    if (nearest)
        (void)snprintf(suggestion.text, sizeof suggestion.text, "; did you mean '%s'?", nearest);
    return suggestion;
}
