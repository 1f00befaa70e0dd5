/*
 * table_description: what DynamoDB tells of a table: the TableDescription of CreateTable, DescribeTable, UpdateTable, DeleteTable
 * and RestoreTableFromBackup.
 *
 * Made of the table's definition, its state in the catalog, times kept in landfall.dynamodb_table, and the store's measures.
 */
#pragma once

#include "gateway/call.h"

/* The whole answer: {"<member>":{…}}, with the description of `table`. */
enum lf_code table_description_answer(struct call *call, struct span member, const struct table *table,
                                      struct err *err) MUST_CHECK;

/* The same of the table of this name as it is now. LF_RESOURCE_NOT_FOUND. */
enum lf_code table_description_answer_now(struct call *call, struct span member, struct span name, struct err *err) MUST_CHECK;

/* Members that other descriptions have as well: {"KeySchema":[…]}, {"Projection":{…}}. */
void put_key_schema(struct reply *reply, const struct api_key_schema_element_list *keys);
void put_projection(struct reply *reply, const struct api_projection *projection);
