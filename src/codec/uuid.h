/* uuid: the canonical text (lower case, 8-4-4-4-12) and its 16 bytes. Anything else is not a uuid here: it would not round-trip.
 * Pure. */
#pragma once

#include "base/span.h"

enum { UUID_BYTES = 16, UUID_TEXT_BYTES = 36 };

bool uuid_parse(struct span text, char ret_bytes[UUID_BYTES]);
void uuid_format(const char bytes[UUID_BYTES], char out[UUID_TEXT_BYTES]);
