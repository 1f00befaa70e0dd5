/*
 * ddbjson: DynamoDB JSON, `{"name": {"S": "text"}, …}`, both ways.
 *
 * Reading is strict: exactly one type per value, NULL only true, BOOL only true or false, sets not empty and without duplicates,
 * numbers within 38 digits, names not empty inside maps, at most 32 levels, and the item at most LIMIT_ITEM_BYTES. Source: AWS,
 * "DynamoDB low-level API: Data type descriptors". Errors carry the byte offset in the text: LF_SYNTAX (not JSON), LF_ITEM (JSON
 * that is no item), LF_LIMIT, LF_MEMORY. Pure.
 */
#pragma once

#include "base/buf.h"
#include "codec/json.h"
#include "item/value.h"

/* An item whose opening brace is the next token. Strings are borrowed from the reader's text or in its arena. */
enum lf_code ddbjson_read_item(struct json_reader *reader, struct item *ret_item, struct err *err) MUST_CHECK;

/* A value that comes next. */
enum lf_code ddbjson_next_value(struct json_reader *reader, struct value *ret_value, struct err *err) MUST_CHECK;

/* A line of an export: `{"Item": {…}}`, or a bare item `{…}` as `aws dynamodb scan` prints its Items. */
enum lf_code ddbjson_read_line(struct span line, struct arena *arena, struct item *ret_item, struct err *err) MUST_CHECK;

/* A value `{"S": "…"}`; the whole text must be it. */
enum lf_code ddbjson_read_value(struct span text, struct arena *arena, struct value *ret_value, struct err *err) MUST_CHECK;

/* Appends; attributes in the order they have, no white space. */
void ddbjson_put_item(struct buf *buf, const struct item *item);
/* The same in the arena. LF_MEMORY, also over bytes_max. */
enum lf_code ddbjson_item_text(const struct item *item, size_t bytes_max, struct arena *arena, struct span *ret_text,
                               struct err *err) MUST_CHECK;
void ddbjson_put_value(struct buf *buf, const struct value *value);
