/*
 * read_page: which side gave out a LastEvaluatedKey, where the order behind it is not the same on both (landfall.page).
 *
 *     PostgreSQL's ─► kept for an hour ─► is a gateway with a journal registered? ─ no ─► given out
 *                                                                                 └ yes ─► the page is DynamoDB's to answer
 *     DynamoDB's   ─► what was kept of the same key goes
 *
 * All that are not kept are DynamoDB's. A gateway with a journal goes on without PostgreSQL, and cannot look then. So once one is
 * registered nobody gives out PostgreSQL's, or keeps any for long; and if it has found none of the last hour after that, it knows
 * that there are none (catalog_pages_are_dynamodbs; tests/model/pages.py). Errors: those of db_write and db_query, LF_MEMORY.
 */
#pragma once

#include "gateway/read_keys.h"

/* Keeps the LastEvaluatedKey of an answer of PostgreSQL, if it has one. *ret_may_give false: the answer is not to be given. */
enum lf_code read_page_keep(struct call *call, const struct read_keys *keys, struct span answer, bool *ret_may_give,
                            struct err *err) MUST_CHECK;

/* That of an answer of DynamoDB is not PostgreSQL's any more. */
enum lf_code read_page_forget(struct call *call, const struct read_keys *keys, struct span answer, struct err *err) MUST_CHECK;

/* Whether PostgreSQL gave out the start key. */
enum lf_code read_page_is_ours(struct call *call, const struct read_keys *keys, bool *ret_ours, struct err *err) MUST_CHECK;
