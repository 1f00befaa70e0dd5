/*
 * value_list: values and attributes of which nobody knows the number yet, collected in an arena while JSON is read.
 *
 * They double; what they outgrow stays in the arena until it is reset. Pure.
 */
#pragma once

#include "item/value.h"

struct value_list {
    struct value *values;
    size_t count;
    size_t capacity;
};

struct attribute_list {
    struct attribute *attributes;
    size_t count;
    size_t capacity;
};

/* Room for one more at the end, already counted; valid until the next. Error: LF_MEMORY. */
enum lf_code value_list_add(struct value_list *list, struct arena *arena, struct value **ret_value, struct err *err) MUST_CHECK;
enum lf_code attribute_list_add(struct attribute_list *list, struct arena *arena, struct attribute **ret_attribute,
                                struct err *err) MUST_CHECK;

/* Puts S, N or B values in order (strings and binaries by bytes, numbers by value); false when two are equal. */
bool set_sort(struct value *values, size_t count);
/* The same, and keeps one of those that are equal; how many stay. */
size_t set_unite(struct value *values, size_t count);
