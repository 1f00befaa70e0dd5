/*
 * named_items: the items that a request names, in its order: by a key, by an item to be put, or by a statement.
 *
 * As they stand in the request: what is wrong with a name, a key or a statement its reader says, or leaves to the operation.
 * Requests for ranges (Query, Scan) and of tables name none. LF_MEMORY. Pure.
 */
#pragma once

#include "gateway/shape.h"

enum named_kind { NAMED_READ, NAMED_PUT, NAMED_UPDATE, NAMED_DELETE, NAMED_CHECK, NAMED_STATEMENT };

struct named_item {
    enum named_kind kind;
    struct span table_name;  /* or an ARN; empty: the statement says it */
    const struct item *item; /* to be put, or the key; NULL: a statement, or a member of a batch that asks for nothing */
    struct span statement;
    const struct api_value_list *parameters;
};

struct named_items {
    struct named_item *items; /* in the arena; they point into the request */
    size_t count;
};

enum lf_code named_items_find(const struct operation_info *operation, const void *request, struct arena *arena,
                              struct named_items *ret_items, struct err *err) MUST_CHECK;

/* What a member of a BatchWriteItem puts, or the key that it deletes; NULL: neither. */
const struct item *named_written_item(const struct api_write_request *write);
