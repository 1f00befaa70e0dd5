/* violations: what commands say of items that break constraints and were moved out of their tables. */
#pragma once

#include "base/buf.h"
#include "move/violations.h"

/* A line for each constraint, with the first keys; nothing when there is none. */
void violations_print(const struct violations *violations);

/* "violations": […] */
void violations_put_json(struct buf *json, const struct violations *violations);

/* LF_REJECTS when there are any, saying how many and where they are; else LF_OK. */
enum lf_code violations_check(const struct violations *violations, struct err *err) MUST_CHECK;
