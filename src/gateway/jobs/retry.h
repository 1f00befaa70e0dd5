/* retry: items of mapped tables that broke a constraint are tried again, since their parent or their rival may have changed. */
#pragma once

#include "gateway/jobs/jobs.h"

enum lf_code retry_step(struct worker *worker, const struct leadership *leadership, struct arena *arena, bool *ret_more,
                        struct err *err) MUST_CHECK;
