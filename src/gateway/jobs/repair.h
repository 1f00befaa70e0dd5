/*
 * repair: brings the rows of marked keys up to DynamoDB's items, where whoever marked them cannot (docs/live.md).
 *
 *     owner silent, unknown outcome, or very old ─► mark taken over, higher token ─► consistent read ─► row
 *         └─ what was sent may still land ─► the mark stays; once more when it cannot ─► mark gone
 *
 * A gateway is silent when its beat has not moved for twice its lease, on this process's clock: by then it sends nothing that is
 * under its lease, and what it has sent can land for MARK_LANDING_SECONDS more. It is then taken out of landfall.gateway, so that
 * changes of phases do not wait for it; unless it has a journal, and may go on without PostgreSQL.
 */
#pragma once

#include "gateway/jobs/jobs.h"

struct repair;
enum lf_code repair_new(struct repair **ret_repair, struct err *err) MUST_CHECK;
void repair_free(struct repair *repair); /* NULL is fine */

enum lf_code repair_step(struct worker *worker, const struct leadership *leadership, struct arena *arena, bool *ret_more,
                         struct err *err) MUST_CHECK;
