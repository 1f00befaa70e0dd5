/* ion_types: what Ion's two forms have in common. Inside item/ only. */
#pragma once

#include "item/value.h"

/* True and the set's type for "$dynamodb_SS", "$dynamodb_NS", "$dynamodb_BS". */
static inline bool ion_set_of_annotation(struct span annotation, enum value_type *ret_type)
{
    const struct span prefix = SPAN("$dynamodb_");
    return span_starts_with(annotation, prefix) && value_type_from_name(span_from(annotation, prefix.len), ret_type) &&
           value_member_type(*ret_type) != VALUE_TYPES;
}
