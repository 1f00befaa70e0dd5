/*
 * repair_key: makes the row of one key that of DynamoDB, while others may write the key on both sides.
 *
 *     mark the key (landfall.dirty_key) ─► consistent read ─► one transaction: row, and the mark is deleted if it is still ours
 *
 * A mark that somebody else has put is left alone: whoever it is writes the row; but for one of a row that no gateway can
 * write, because others refer to it, which is taken over. Each step of its own is committed, so a process
 * that dies leaves a mark, which the gateways' repairer takes over with a higher token. One connection, one thread.
 */
#pragma once

#include "aws/dynamodb_items.h"
#include "move/follow/key_writer.h"

enum { KEY_REPAIR_OWNER_BYTES = 40 };

struct key_repairer {
    struct key_writer *writer;          /* borrowed; its connection is used */
    struct dynamodb *client;            /* borrowed */
    char owner[KEY_REPAIR_OWNER_BYTES]; /* a UUID, of landfall.dirty_key */
};

/* Makes up an owner. */
enum lf_code key_repairer_init(struct key_repairer *repairer, struct key_writer *writer, struct dynamodb *client,
                               struct err *err) MUST_CHECK;

enum key_repair { KEY_REPAIRED, KEY_TAKEN /* somebody else's mark was there, or took ours over: nothing has been written */ };

/* What else is done in the transaction of the row; LF_TRANSACTION_CONFLICT gives the repair up: KEY_TAKEN. May be NULL. */
typedef enum lf_code key_repair_more(void *context, struct pg_conn *conn, struct err *err);

/* In no transaction. `key` has the key attributes alone. Errors: LF_SQL, LF_CONNECT, those of dynamodb_call. */
enum lf_code key_repair(struct key_repairer *repairer, const struct item *key, key_repair_more *more, void *context,
                        struct arena *arena, enum key_repair *ret_outcome, struct err *err) MUST_CHECK;
