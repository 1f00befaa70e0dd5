/*
 * transact: changes of several items of any tables, all or none.
 *
 *     turns of the keys ─► BEGIN ─► claim the token ─► key locks, exclusive ─► lock the rows ─► decide each
 *                            ─► any reason against it: ROLLBACK, TransactionCanceledException
 *                            ─► else write: table by table, deletes before puts ─► COMMIT
 *
 * READ COMMITTED suffices: what is read is locked, whether it is to be changed or only checked, and what is absent cannot appear
 * while its key's lock is held. A deadlock is tried once again; who waits too long for a lock is cancelled with
 * TransactionConflict. Source: AWS, "DynamoDB Transactions: How it works".
 */
#pragma once

#include "gateway/operations/cancellation.h"
#include "gateway/operations/item_change.h"
#include "gateway/operations/request_token.h"
#include "gateway/operations/table_parts.h"

enum { TRANSACT_BYTES_MAX = 4 * 1024 * 1024 };

struct transact_action {
    struct item_change change;
    bool is_insert;   /* of PartiQL: its failed condition is a DuplicateItem, unless the item is to be returned */
    bool returns_old; /* with the reason, when the condition fails */
    struct item_outcome outcome;
};

struct transact {
    struct call *call;
    struct transact_action *actions;
    size_t count;
    const struct request_token *token; /* NULL: none */
    struct table_parts parts;
    struct table_part **by_id;
    bool was_done; /* by an earlier request with the token: outcomes are empty */
};

/* Fills the outcomes. Errors: LF_VALIDATION for two actions on one item; LF_TRANSACTION_CANCELED; those of request_token.h and of
 * stores. */
enum lf_code transact_run(struct transact *transact, struct err *err) MUST_CHECK;

/* The members ConsumedCapacity and ItemCollectionMetrics, if they are asked for. Who comes again with a token reads the items. */
enum lf_code transact_put_capacity(const struct transact *transact, enum api_return_consumed_capacity asked,
                                   struct err *err) MUST_CHECK;
void transact_put_metrics(const struct transact *transact, enum api_return_item_collection_metrics asked);
