/*
 * start_key: ExclusiveStartKey and LastEvaluatedKey: the attributes of the table's key and, behind an index, of the index's key,
 * each once. Errors: LF_VALIDATION in AWS's words, LF_MEMORY. Pure.
 */
#pragma once

#include "gateway/catalog.h"

/* Whether the request's key has exactly these attributes, in their types. `index` NULL: of the table. */
enum lf_code start_key_check(const struct table *table, const struct table_index *index, const struct item *key,
                             struct err *err) MUST_CHECK;

/* That of an item, whose values it shares. */
enum lf_code start_key_of(const struct table *table, const struct table_index *index, const struct item *item,
                          struct arena *arena, struct item *ret_key, struct err *err) MUST_CHECK;
