/*
 * read_page: which side gave out a LastEvaluatedKey, where the order behind it is not the same on both (landfall.page).
 *
 * PostgreSQL's are kept for an hour, unless DynamoDB gives out the same; all others are DynamoDB's. Errors: those of db_write and
 * db_query, LF_MEMORY.
 */
#pragma once

#include "gateway/read_keys.h"

enum read_page_side { READ_PAGE_OF_DYNAMODB, READ_PAGE_OF_POSTGRES };

/* Remembers whose the LastEvaluatedKey of an answer is, if it has one. */
enum lf_code read_page_note(struct call *call, const struct read_keys *keys, enum read_page_side side, struct span answer,
                            struct err *err) MUST_CHECK;

/* Whether PostgreSQL gave out the start key. */
enum lf_code read_page_is_ours(struct call *call, const struct read_keys *keys, bool *ret_ours, struct err *err) MUST_CHECK;
