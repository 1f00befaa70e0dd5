/*
 * request_token: ClientRequestToken, by which the same request takes effect once within ten minutes.
 *
 *     first  ─► claim: a row with the request's fingerprint ─► … ─► COMMIT: row and writes
 *     again, the same request                                       ─► was done
 *     again, with other parameters                                  ─► LF_IDEMPOTENT_PARAMETER_MISMATCH
 *     again, while the first is under way: waits for it, STORE_LOCK_WAIT_MS at most ─► LF_TRANSACTION_IN_PROGRESS
 *
 * Where the authority over tables moves (docs/live.md), what DynamoDB has done is noted, and found claimed once PostgreSQL has
 * the authority; what PostgreSQL has done is found once DynamoDB has it again.
 *
 * The fingerprint does not depend on the order of attributes and members of maps, which clients do not keep when they try again.
 * Source: AWS, "Managing complex workflows with DynamoDB transactions", idempotency.
 */
#pragma once

#include "codec/sha256.h"
#include "gateway/call.h"
#include "gateway/shape.h"
#include "gateway/store/db.h"

enum { FINGERPRINT_BYTES_MAX = 32 * 1024 * 1024, REQUEST_TOKEN_SECONDS = 10 * 60 };

struct request_token {
    struct span token;
    unsigned char fingerprint[SHA256_BYTES];
};

/* What a fingerprint is made of, one after the other. */
void fingerprint_put(struct buf *fingerprint, struct span bytes); /* ptr NULL differs from empty */
void fingerprint_put_item(struct buf *fingerprint, const struct item *item);
void fingerprint_put_value(struct buf *fingerprint, const struct value *value);
void fingerprint_put_names(struct buf *fingerprint, const struct api_string_map *names);
void fingerprint_put_number(struct buf *fingerprint, uint64_t number);
enum lf_code request_token_init(struct request_token *token, struct span text, const struct buf *fingerprint,
                                struct err *err) MUST_CHECK;

/* In the transaction of the writes, before them. */
enum lf_code request_token_claim(const struct request_token *token, struct db_transaction *transaction, bool *ret_was_done,
                                 struct err *err) MUST_CHECK;

/* Of what DynamoDB has done; what was claimed or noted within the window stays as it is. */
enum lf_code request_token_note(const struct request_token *token, struct db *db, struct err *err) MUST_CHECK;
/* Whether PostgreSQL has done it within the window. LF_IDEMPOTENT_PARAMETER_MISMATCH. */
enum lf_code request_token_find(const struct request_token *token, struct db *db, bool *ret_was_done, struct err *err) MUST_CHECK;

/* Of a TransactWriteItems or an ExecuteTransaction whose values are checked; any other request, and one without, has an empty
 * token. LF_VALIDATION, LF_MEMORY. */
enum lf_code request_token_read(const struct call *call, const void *request, struct request_token *ret_token,
                                struct err *err) MUST_CHECK;

/* The part of each operation in it. */
enum lf_code transact_write_items_token(const struct transact_write_items_request *request, struct request_token *ret_token,
                                        struct err *err) MUST_CHECK;
enum lf_code execute_transaction_token(const struct execute_transaction_request *request, struct request_token *ret_token,
                                       struct err *err) MUST_CHECK;
