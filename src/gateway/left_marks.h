/*
 * left_marks: marks that their request cannot settle, until the repairer may have them (mark.h).
 *
 * They are left by a statement that PostgreSQL may not take just now: what marks were written, or not removed, when it went away
 * is kept here and told when it is back, or else nobody would touch their keys for as long as this gateway lives. Of marks whose
 * taking had no answer the token is not known; they are found by their attempt, for as long as the statement may still be done.
 * One worker.
 */
#pragma once

#include "gateway/mark.h"

enum { LEFT_MARKS_AGAIN_MS = 500, LEFT_MARKS_TAKING_MS = 60000 };

struct left_marks;
enum lf_code left_marks_new(struct worker *worker, struct left_marks **ret_left, struct err *err) MUST_CHECK;
void left_marks_free(struct left_marks *left); /* NULL is fine. Not while the loop runs. */

/* As of marks_leave; `is_taking`: they may not be there yet. On a fiber. */
void left_marks_add(struct left_marks *left, const struct mark *marks, size_t count, unsigned seconds, bool is_taking);
