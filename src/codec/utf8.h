/* utf8: validation (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF) and counting. Pure. */
#pragma once

#include "base/arena.h"
#include "base/span.h"

/* The offset of the first byte that is not part of a valid character, or span.len when all is valid. */
size_t utf8_invalid_at(struct span text);

/* The longest prefix of at most `bytes_max` bytes that does not end inside a character; for texts quoted in messages. */
struct span utf8_cut(struct span text, size_t bytes_max);

/* Encodes a code point (not a surrogate, <= 0x10FFFF) into out[4]; returns the number of bytes. */
size_t utf8_encode(unsigned code_point, char out[4]);

/* The least text, in order of bytes and among those that PostgreSQL can hold (valid, without U+0000), that is not less than the
 * bytes: borrowed from them where they are such a text, else in the arena. ptr NULL when there is none. LF_MEMORY only. */
enum lf_code utf8_ceiling(struct span bytes, struct arena *arena, struct span *ret_text, struct err *err) MUST_CHECK;
