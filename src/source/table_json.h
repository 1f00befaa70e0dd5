/*
 * table_json: name, key schema and indexes of a table, from a DescribeTable or CreateTable answer (`{"Table": {…}}`,
 * `{"TableDescription": {…}}`) or from CreateTable's parameters (the same members at the top). Source: AWS, "DynamoDB API
 * reference: TableDescription". Members that do not matter here are skipped.
 */
#pragma once

#include "map/model.h"
#include "source/tree.h"

enum { TABLE_JSON_BYTES_MAX = 1024 * 1024 };

/* Everything is in the arena. Errors: LF_SYNTAX with offset, LF_SOURCE (a member is missing or wrong), LF_LIMIT, LF_MEMORY. */
enum lf_code table_json_parse(struct span text, struct arena *arena, struct map_table *ret_table, struct err *err) MUST_CHECK;

/* The same of a file; errors name it. */
enum lf_code table_json_read(struct tree *tree, struct span path, struct arena *arena, struct map_table *ret_table,
                             struct err *err) MUST_CHECK;
