/*
 * naming: PostgreSQL names from DynamoDB's, as a person would choose them.
 *
 * docketNumber -> docket_number, s3URL -> s3_url, "user id" -> user_id, URLs -> urls; tables singular (categories -> category,
 * statuses -> status). At most 63 bytes, cut at a character. Names may be reserved words: DDL quotes them. Deterministic, pure.
 */
#pragma once

#include "base/arena.h"

/* Empty or all-symbol names give "attribute"; a leading digit, or a name PostgreSQL keeps for its system columns (ctid), gets an
 * underscore in front. */
enum lf_code name_snake_case(struct span text, struct arena *arena, struct span *ret_name, struct err *err) MUST_CHECK;

/* The singular of an English snake_case name (its last word). */
enum lf_code name_singular(struct span name, struct arena *arena, struct span *ret_name, struct err *err) MUST_CHECK;

/* `name`, or name_2, name_3, … : the first for which `taken` says no; kept within 63 bytes. */
typedef bool name_taken(void *context, struct span name);
enum lf_code name_unique(struct span name, name_taken *taken, void *context, struct arena *arena, struct span *ret_name,
                         struct err *err) MUST_CHECK;

/* Whether PostgreSQL 14-18 wants quotes around it (key word that is not unreserved, or not [a-z_][a-z0-9_]*). */
bool name_needs_quotes(struct span name);
