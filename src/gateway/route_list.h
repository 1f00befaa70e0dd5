/*
 * route_list: ListTables of a gateway with DynamoDB behind it: the tables of both, each once, in order of their names.
 *
 * DynamoDB gives a page in order of names; what it has not told of yet bounds what we tell. Errors: those of route_ask.
 */
#pragma once

#include "gateway/call.h"

enum lf_code route_list_tables(struct call *call, const struct list_tables_request *request, struct err *err) MUST_CHECK;
