/*
 * item_key: whether keys and items fit the table, in AWS's words.
 *
 *     Key of a request ──► item_key_of_request ──► struct item_key
 *     Item to be put   ──► item_key_of_item ─────► struct item_key;  item_check_index_keys, item_check_size
 *
 * All errors are LF_VALIDATION, or LF_MEMORY. Source: AWS, "Quotas in Amazon DynamoDB", and DynamoDB's answers. Pure.
 */
#pragma once

#include "gateway/catalog.h"
#include "gateway/store/store.h"

/* Of a Key parameter: exactly the table's key attributes. */
enum lf_code item_key_of_request(const struct table *table, const struct item *key, struct arena *arena, struct item_key *ret_key,
                                 struct err *err) MUST_CHECK;

/* Of an item, which has the key's attributes among others. */
enum lf_code item_key_of_item(const struct table *table, const struct item *item, struct arena *arena, struct item_key *ret_key,
                              struct err *err) MUST_CHECK;

/* Whether an item has the table's key attributes in their types; nothing about empty or long values. */
bool item_has_key(const struct table *table, const struct item *item);

/* Key attributes of indexes that the item has are of their type, not empty and not too long. */
enum lf_code item_check_index_keys(const struct table *table, const struct item *item, struct err *err) MUST_CHECK;

/* At most 400 KB. */
enum lf_code item_check_size(const struct item *item, struct err *err) MUST_CHECK;

/* Of what an update made of an item: index keys, size, nesting. */
enum lf_code item_check_updated(const struct table *table, const struct item *item, struct err *err) MUST_CHECK;
