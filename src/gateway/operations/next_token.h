/*
 * next_token: NextToken of ExecuteStatement: where a SELECT goes on, bound to its statement and parameters.
 *
 *     base64 ( 8 bytes: hash of statement and parameters │ key of the last item, as JSON )
 *
 * Opaque to clients, and no secret. Errors: LF_VALIDATION in AWS's words. Pure.
 */
#pragma once

#include "gateway/shape.h"

/* Of the request that goes on, or is to. */
uint64_t next_token_binding(struct span statement, const struct api_value_list *parameters);

enum lf_code next_token_make(uint64_t binding, const struct item *key, struct arena *arena, struct span *ret_token,
                             struct err *err) MUST_CHECK;
enum lf_code next_token_read(uint64_t binding, struct span token, struct arena *arena, struct item *ret_key,
                             struct err *err) MUST_CHECK;
