/* path: document paths among themselves and in messages. Inside expression/ only. Pure. */
#pragma once

#include "expression/expression.h"

enum {
    PATH_ELEMENTS_MAX = 32,              /* names and indexes of a path */
    PATH_TEXT_BYTES = ERR_MESSAGE_BYTES, /* of a path or value in a message, which is cut where this is; with its NUL */
    VALUE_TEXT_BYTES = PATH_TEXT_BYTES,
};

static inline bool path_element_is_index(const struct path_element *element)
{
    return element->name.ptr == NULL;
}

bool path_element_equal(const struct path_element *a, const struct path_element *b);
bool document_path_equal(const struct document_path *a, const struct document_path *b);

/* "[a, b, [3]]", in `out`, which is returned. */
const char *document_path_text(const struct document_path *path, char out[PATH_TEXT_BYTES]);

/* "AttributeValue: {S:text}", in `out`, which is returned. Of an S, N or B. */
const char *expression_value_text(const struct value *value, char out[VALUE_TEXT_BYTES]);

/* From the last path to `first`: none overlaps with one behind it (one begins with the other) or conflicts with it (one takes for
 * a list what the other takes for a map). */
enum lf_code document_paths_check(const struct document_path *paths, size_t count, size_t first, enum expression_kind kind,
                                  struct err *err) MUST_CHECK;

/* The child of a map or list that the element names; NULL when there is none. */
const struct value *path_element_get(const struct path_element *element, const struct value *parent);
