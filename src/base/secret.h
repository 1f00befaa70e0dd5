/*
 * secret: bytes that must not be seen: secret keys, session tokens, passwords.
 *
 * A type of its own, so that none gets into a message or a log by mistake: no formatter takes it, and `secret_reveal` says in so
 * many words where the bytes are used. A secret never owns its bytes; who does wipes them (`secret_wipe`).
 */
#pragma once

#include "base/span.h"

struct secret {
    struct span hidden; /* borrowed */
};

static inline struct secret secret_of(struct span bytes)
{
    return (struct secret){ bytes };
}

static inline struct span secret_reveal(struct secret secret)
{
    return secret.hidden;
}

/* Zeroes memory that held a secret; the compiler does not leave it out. NULL with length 0 is fine. */
static inline void secret_wipe(void *bytes, size_t len)
{
    if (bytes)
        explicit_bzero(bytes, len);
}
