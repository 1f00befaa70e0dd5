/*
 * route_split: a BatchGetItem or BatchWriteItem that names tables, or items of mixed tables, of both sides, as two requests and
 * one answer.
 *
 * DynamoDB is asked first; its refusal, or error, is the answer to the whole. Of a BatchWriteItem either part may then have been
 * done, as a batch is no transaction.
 */
#pragma once

#include "gateway/dispatch.h"
#include "gateway/route_tables.h"

/* Answers a request whose items are all DynamoDB's. */
typedef enum lf_code route_answer_part(struct call *call, const void *request, const struct route_tables *tables,
                                       operation_run *run, struct err *err);

enum lf_code route_split(struct call *call, const void *request, const struct route_tables *tables, operation_run *run,
                         route_answer_part *theirs, struct err *err) MUST_CHECK;
