/* suggest: "; did you mean 'columns'?", by edit distance over bytes. Pure. */
#pragma once

#include "base/span.h"

/* The end of a message, "" when no name is near: at most two edits, and a third of the word, away. By value, so that it lives as
 * long as the ERR(…) it stands in. */
struct suggestion {
    char text[64];
};
struct suggestion suggest_name(struct span word, const char *const *names, size_t count);
