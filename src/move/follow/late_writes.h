/*
 * late_writes: records of DynamoDB's stream that come after the authority went to PostgreSQL, and that reverse sync has not made:
 * somebody still writes there (docs/live.md).
 *
 * A record is reverse sync's if landfall.reverse_sent has its key with the hash of its image. It is no news if the row is equal
 * already, nor if gateways can have made it before the authority over its key changed and the row was changed since, or DynamoDB
 * has what the row has. That an item was removed because its time was over is no write of anybody: its key is given to reverse
 * sync, which sends what PostgreSQL has. All others go to landfall.late_write.
 */
#pragma once

#include "aws/dynamodb_items.h"
#include "move/follow/key_writer.h"
#include "move/follow/spool.h"

/* The whole batch, in the caller's transaction. *ret_late: how many were found. Errors: LF_SQL, LF_CONNECT, LF_ROW, LF_ITEM,
 * those of dynamodb_call. */
enum lf_code late_writes_find(struct key_writer *writer, struct dynamodb *client, const struct spool_batch *batch,
                              struct arena *arena, size_t *ret_late, struct err *err) MUST_CHECK;

/* landfall.reverse_sent.image of an item: item_hash, 16 bytes, big-endian, in the arena. */
enum lf_code late_writes_image(const struct item *item, struct arena *arena, struct pg_field *ret_image,
                               struct err *err) MUST_CHECK;
