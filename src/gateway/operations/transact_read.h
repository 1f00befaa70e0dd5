/*
 * transact_read: items of any tables as they are at one moment: a statement when they are of one table, a snapshot otherwise.
 *
 * Transactions that write take effect at once, so none is seen half done. Source: AWS, "TransactGetItems".
 */
#pragma once

#include "expression/partiql.h"
#include "gateway/operations/table_parts.h"
#include "gateway/reply.h"

struct transact_get {
    const struct table *table;
    struct item_key key;
    bool is_projected;
    struct projection projection;
    const struct partiql_column *columns; /* of a statement */
    size_t column_count;
};

/* Answers with Responses and, if it is asked for, ConsumedCapacity. Errors: LF_VALIDATION when an item is asked for twice, or the
 * items are larger than 4 MB together; those of stores. */
enum lf_code transact_read(struct call *call, const struct transact_get *gets, size_t count,
                           enum api_return_consumed_capacity asked, struct err *err) MUST_CHECK;
