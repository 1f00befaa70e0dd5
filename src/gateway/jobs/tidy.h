/*
 * tidy: forgets the tokens of transactions after ten minutes, and gateways that have been silent for as long.
 */
#pragma once

#include "gateway/jobs/jobs.h"

enum lf_code tidy_step(struct worker *worker, const struct leadership *leadership, struct arena *arena, bool *ret_more,
                       struct err *err) MUST_CHECK;
