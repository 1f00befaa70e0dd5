/*
 * item_row: an item as a row of landfall.item, where items live that no entity's table holds.
 *
 *     table_name │ h (16 bytes of SHA-256 of the partition key) │ sk │ pk │ item (DynamoDB JSON) │ reason
 */
#pragma once

#include "codec/pgbinary.h"
#include "item/key.h"

enum { ITEM_ROW_FIELDS = 6 };

/* For a COPY of such rows. */
#define ITEM_ROW_COPY "COPY landfall.item (table_name, h, sk, pk, item, reason) FROM STDIN (FORMAT binary)"

/* Fields in binary format, in the arena or borrowed from the parameters. U+0000 ends the reason, which PostgreSQL could not hold.
 */
enum lf_code item_row_fields(struct span table_name, const struct key *key, const struct item *item, struct span reason,
                             struct arena *arena, struct pg_field ret_fields[ITEM_ROW_FIELDS], struct err *err) MUST_CHECK;

/* h and sk of a key, as above. */
struct item_row_place {
    struct pg_field h, sk;
};
enum lf_code item_row_place(const struct key *key, struct arena *arena, struct item_row_place *ret_place,
                            struct err *err) MUST_CHECK;
