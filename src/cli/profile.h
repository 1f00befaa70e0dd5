/*
 * profile: what --profile prints: per stage (base/stage_clock.h) the seconds of CPU over all threads of the command, their share
 * of the whole, and the seconds that threads waited: for PostgreSQL, a file, each other, or a processor.
 */
#pragma once

#include "base/buf.h"
#include "base/stage_clock.h"

/* Both do nothing without a profile (NULL). Stages that took no time are left out. */
void profile_print(const struct stage_profile *profile);
void profile_put_json(struct buf *json, const struct stage_profile *profile);
