/*
 * jansson_oracle: what jansson makes of a JSON text, as a flat text that can be compared.
 *
 * In a file of its own because jansson and codec/json.h use the same names. The flat text has one line per token: `{`, `}`, `[`,
 * `]`, `N` and `S` with the bytes in hexadecimal (a member's name, a string), `I` an integer, `R` a real, `T`, `F`, `0`.
 */
#pragma once

#include "base/buf.h"

enum oracle_verdict {
    ORACLE_ACCEPTS,
    ORACLE_REFUSES,
    /* Refused for what is no matter of the grammar and differs on purpose: numbers that no int64 or double holds (here they are
     * text), names used twice (here the caller's business), U+0000 in names, more than 2,048 levels (here JSON_DEPTH_MAX). */
    ORACLE_CANNOT_SAY,
};

enum oracle_verdict oracle_read(struct span text, struct buf *out);

void oracle_put_bytes(struct buf *out, char kind, struct span bytes);
void oracle_put_integer(struct buf *out, long long value);
void oracle_put_real(struct buf *out, double value);
