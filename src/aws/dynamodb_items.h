/*
 * dynamodb_items: typed calls that read and write items. Items and texts of answers are in the arena given. Errors: those of
 * dynamodb_call; LF_SYNTAX, LF_ITEM, LF_LIMIT for an answer that cannot be read. Any thread.
 */
#pragma once

#include "aws/dynamodb.h"
#include "item/value.h"

/* The answer of DescribeTable as it came: {"Table": {…}}. */
enum lf_code dynamodb_describe_table(struct dynamodb *client, struct span table, struct arena *arena, struct span *ret_text,
                                     struct err *err) MUST_CHECK;

/* By which attribute items expire; empty: they do not. */
enum lf_code dynamodb_describe_time_to_live(struct dynamodb *client, struct span table, struct arena *arena,
                                            struct span *ret_attribute, struct err *err) MUST_CHECK;

struct dynamodb_scan {
    struct span table;
    unsigned segment, total_segments;
    unsigned limit;            /* items of a page; 0: what fits in 1 MB */
    bool is_consistent;        /* costs twice as much */
    struct span exclusive_key; /* DynamoDB JSON of the last key of the page before: {"pk":{"S":"a"}}; empty: from the start */
};

struct dynamodb_page {
    struct span *items; /* each as DynamoDB JSON, without a newline: {"pk":{"S":"a"}} */
    size_t count;
    struct span last_key; /* DynamoDB JSON; empty: this is the last page */
    double capacity;      /* read units that it has cost */
};

/* One page of a parallel scan. */
enum lf_code dynamodb_scan_page(struct dynamodb *client, const struct dynamodb_scan *scan, struct arena *arena,
                                struct dynamodb_page *ret_page, struct err *err) MUST_CHECK;

/* A consistent read; `key` holds the key attributes alone. *ret_found false: there is no such item. `ret_capacity` may be NULL.
 */
enum lf_code dynamodb_get_item(struct dynamodb *client, struct span table, const struct item *key, struct arena *arena,
                               struct item *ret_item, bool *ret_found, double *ret_capacity, struct err *err) MUST_CHECK;

enum { DYNAMODB_BATCH_ITEMS_MAX = 25 };

struct dynamodb_batch_write {
    struct item item; /* a put: the whole item; a deletion: its key attributes alone */
    bool is_delete;
};

/*
 * One attempt of a BatchWriteItem on one table, 1 … DYNAMODB_BATCH_ITEMS_MAX writes of distinct keys. `answer` as of
 * dynamodb_call; on LF_OK `ret_is_unprocessed[i]` tells which were not done and may be sent again, and *ret_capacity what it cost
 * in write units.
 */
enum lf_code dynamodb_batch_write(struct dynamodb *client, struct span table, const struct dynamodb_batch_write *writes,
                                  size_t count, enum dynamodb_repeat repeat, struct arena *arena, struct dynamodb_answer *answer,
                                  bool *ret_is_unprocessed, double *ret_capacity, struct err *err) MUST_CHECK;
