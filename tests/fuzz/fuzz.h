/*
 * fuzz: what every fuzz target needs.
 *
 * A target is fuzz_NAME.c with LLVMFuzzerTestOneInput, a row in meson.build and seeds in corpus/NAME/. It feeds the bytes to one
 * decoder and checks what must hold of whatever was accepted: it is written again and read the same, it lies inside its bounds.
 * Sanitizers see the rest.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"

enum { FUZZ_MEMORY_BYTES = 64 * 1024 * 1024 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An invariant of the code under test. */
#define CHECK(condition)                                                                  \
    do {                                                                                  \
        if (!(condition)) {                                                               \
            (void)fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
            abort();                                                                      \
        }                                                                                 \
    } while (0)

static inline struct span fuzz_input(const uint8_t *data, size_t size)
{
    return span_of((const char *)data, size);
}

/* True when `part` lies inside `whole`. */
static inline bool fuzz_inside(struct span part, struct span whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr && part.len <= (size_t)(whole.ptr + whole.len - part.ptr));
}
