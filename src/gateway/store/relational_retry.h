/* relational_retry: items that a constraint kept in landfall.item go to their tables once nothing is in their way any more. */
#pragma once

#include "gateway/store/store.h"

/* Tries some of the table's, from a place that `random` picks. */
enum lf_code relational_retry(struct worker *worker, const struct table *table, uint64_t random, struct arena *arena,
                              struct err *err) MUST_CHECK;
