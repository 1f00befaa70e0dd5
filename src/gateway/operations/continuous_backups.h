/*
 * continuous_backups: the ContinuousBackupsDescription of a table.
 *
 * Recovery to a point in time is PostgreSQL's own (continuous archiving); what DynamoDB is told here is kept and shown, so that
 * tools that demand it find it.
 */
#pragma once

#include "gateway/call.h"

/* The whole answer. LF_TABLE_NOT_FOUND. */
enum lf_code continuous_backups_answer(struct call *call, struct span name, struct err *err) MUST_CHECK;
