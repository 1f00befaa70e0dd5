/*
 * operations: what every operation's file includes. The functions are declared, one for each entry of api/operations.yaml, in
 * operations_gen.h: `enum lf_code operation_get_item(struct call *call, const struct get_item_request *request, struct err
 * *err);`
 */
#pragma once

#include "gateway/call.h"
