/*
 * xml: the answers of S3 and STS, over expat. A document type, and with it every entity but the five predefined, is refused.
 */
#pragma once

#include "base/arena.h"

/* An element has ended. `path` holds the names from the root down, without namespaces ("ListBucketResult/Contents/Key"); `text`
 * is its own text if it has no elements in it. Both are gone after the call. */
typedef enum lf_code xml_element(void *context, struct span path, struct span text, struct err *err);

/* Errors: LF_SYNTAX with offset, LF_LIMIT (depth), LF_MEMORY, those of `element`. */
enum lf_code xml_read(struct span document, xml_element *element, void *context, struct err *err) MUST_CHECK;
