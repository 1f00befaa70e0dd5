/*
 * export_record: one record of a data file of an export, in whichever format it was written.
 *
 *     full:         {Item: {…}}
 *     incremental:  {Metadata: {WriteTimestampMicros: …}, Keys: {…}, OldImage: {…}, NewImage: {…}}
 *
 * An incremental record with a NewImage is the item as it is at the end of the window; one without it is a deletion. OldImage
 * is in the view NEW_AND_OLD_IMAGES only, and not when the item is new. Source: AWS, "DynamoDB table export output format". Pure.
 */
#pragma once

#include "item/value.h"

/* Of the first two a record is one line of text, of the last one value (ion.h). */
enum export_format { EXPORT_DYNAMODB_JSON, EXPORT_ION_TEXT, EXPORT_ION_BINARY };

enum export_part { EXPORT_ITEM, EXPORT_METADATA, EXPORT_KEYS, EXPORT_OLD_IMAGE, EXPORT_NEW_IMAGE, EXPORT_PARTS };

struct export_record {
    struct item parts[EXPORT_PARTS];
    unsigned present; /* bits 1 << part */
};

/* What an incremental record asks for. */
struct item_change {
    struct item keys;
    bool is_delete;
    struct item image;  /* unless it is a deletion */
    bool has_old_image; /* the view has them, and the item is not new */
    struct item old_image;
    int64_t written_us; /* since 1970; 0: the record does not say */
};

static inline bool export_record_has(const struct export_record *record, enum export_part part)
{
    return (record->present >> part & 1) != 0;
}

/* The part of that name, which must not have been there before; it becomes present. For decoders. Error: LF_ITEM at `offset`. */
enum lf_code export_record_begin(struct export_record *record, struct span name, size_t offset, enum export_part *ret_part,
                                 struct err *err) MUST_CHECK;

/* The item of a record of a full export, the change of an incremental one. Error: LF_ITEM when the record is none. */
enum lf_code export_record_item(const struct export_record *record, struct item *ret_item, struct err *err) MUST_CHECK;
enum lf_code export_record_change(const struct export_record *record, struct item_change *ret_change, struct err *err) MUST_CHECK;

/* A line of text of a full export, and one of an incremental one. Errors as of ddbjson_read_line and ion_text_read_record. */
enum lf_code export_read_item(enum export_format format, struct span line, struct arena *arena, struct item *ret_item,
                              struct err *err) MUST_CHECK;
enum lf_code export_read_change(enum export_format format, struct span line, struct arena *arena, struct item_change *ret_change,
                                struct err *err) MUST_CHECK;
