/* copy: items that outlive what they were read from. Pure. */
#pragma once

#include "item/value.h"

/* A deep copy in the arena. LF_MEMORY only. */
enum lf_code item_copy(const struct item *item, struct arena *arena, struct item *ret_copy, struct err *err) MUST_CHECK;
enum lf_code value_copy(const struct value *value, struct arena *arena, struct value *ret_copy, struct err *err) MUST_CHECK;
