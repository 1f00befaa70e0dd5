/*
 * resource_tags: tags of tables, which are part of their definitions.
 */
#pragma once

#include "gateway/table_change.h"

/* The name of the table of a ResourceArn. LF_VALIDATION when it is no table's. */
enum lf_code resource_table_name(struct span arn, struct span *ret_name, struct err *err) MUST_CHECK;
/* "… not found", as the operations on tags say it. */
enum lf_code resource_not_found(struct span arn, struct err *err) MUST_CHECK;

/* A change of a table's tags: gives the list as it shall be, in the arena. */
typedef enum lf_code change_tags(const void *request, const struct api_tag_list *before, struct arena *arena,
                                 struct api_tag_list *ret_after, struct err *err);
enum lf_code resource_change_tags(struct worker *worker, struct span arn, change_tags *run, const void *request,
                                  struct arena *arena, struct err *err) MUST_CHECK;
