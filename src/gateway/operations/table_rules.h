/*
 * table_rules: what DynamoDB demands of a table's definition, beyond the shape of its request, in its order and its words.
 *
 * Errors: LF_VALIDATION, LF_LIMIT_EXCEEDED, LF_MEMORY. Pure.
 */
#pragma once

#include "gateway/catalog.h"

/* A new table. */
enum lf_code table_rules_check(const struct create_table_request *definition, struct arena *arena, struct err *err) MUST_CHECK;

/* A new global index of a table: its keys and projection; `is_on_demand` is the table's. */
enum lf_code table_rules_check_global(const struct api_global_secondary_index *index,
                                      const struct api_attribute_definition_list *attributes, bool is_on_demand,
                                      struct arena *arena, struct err *err) MUST_CHECK;

/* At most INDEX_PROJECTED_MAX non-key attributes in all indexes together. */
enum lf_code table_rules_check_projected(const struct create_table_request *definition, struct err *err) MUST_CHECK;

enum lf_code table_rules_check_throughput(const struct api_provisioned_throughput *throughput, struct err *err) MUST_CHECK;
enum lf_code table_rules_check_stream(const struct api_stream_specification *stream, struct err *err) MUST_CHECK;
enum lf_code table_rules_check_tags(const struct api_tag_list *tags, struct err *err) MUST_CHECK;
