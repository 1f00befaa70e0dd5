#include "item/export_record.h"

#include "item/ddbjson.h"
#include "item/ion.h"

static const char *const part_names[EXPORT_PARTS] = {
    [EXPORT_ITEM] = "Item",          [EXPORT_METADATA] = "Metadata",  [EXPORT_KEYS] = "Keys",
    [EXPORT_OLD_IMAGE] = "OldImage", [EXPORT_NEW_IMAGE] = "NewImage",
};

enum lf_code export_record_begin(struct export_record *record, struct span name, size_t offset, enum export_part *ret_part,
                                 struct err *err)
{
    enum export_part part = 0;
    while (part < EXPORT_PARTS && !span_equal(name, span_from_cstr(part_names[part])))
        part++;
    if (part == EXPORT_PARTS)
        return ERR_AT(err, LF_ITEM, offset, "a record has Item, or Metadata, Keys, OldImage and NewImage, but no \"%.*s\"",
                      SPAN_ARG(name));
    if (export_record_has(record, part))
        return ERR_AT(err, LF_ITEM, offset, "%s occurs twice", part_names[part]);
    record->present |= 1u << part;
    *ret_part = part;
    return LF_OK;
}

static enum lf_code read_json(struct span line, struct arena *arena, struct export_record *ret_record, struct err *err)
{
    struct json_reader reader;
    struct json_token token;
    struct export_record record = { 0 };
    json_init(&reader, line, arena);
    TRY(json_next(&reader, &token, err));
    if (token.kind != JSON_OBJECT_BEGIN)
        return ERR_AT(err, LF_ITEM, token.offset, "expected a record such as {\"Keys\": {…}}");
    for (;;) {
        enum export_part part;
        TRY(json_next(&reader, &token, err));
        if (token.kind == JSON_OBJECT_END)
            break;
        TRY(export_record_begin(&record, token.text, token.offset, &part, err));
        TRY(ddbjson_read_item(&reader, &record.parts[part], err));
    }
    TRY(json_end(&reader, err));
    *ret_record = record;
    return LF_OK;
}

enum lf_code export_record_item(const struct export_record *record, struct item *ret_item, struct err *err)
{
    if (record->present != 1u << EXPORT_ITEM)
        return ERR_AT(err, LF_ITEM, 0, "a record of a full export has an Item and nothing else");
    *ret_item = record->parts[EXPORT_ITEM];
    return LF_OK;
}

static int64_t written_us(const struct item *metadata)
{
    int64_t us;
    const struct value *written = item_get(metadata, SPAN("WriteTimestampMicros"));
    return written && written->type == VALUE_N && number_to_int64(written->number, &us) ? us : 0;
}

enum lf_code export_record_change(const struct export_record *record, struct item_change *ret_change, struct err *err)
{
    if (export_record_has(record, EXPORT_ITEM))
        return ERR_AT(err, LF_ITEM, 0, "a record with an Item is of a full export, not of an incremental one");
    if (!export_record_has(record, EXPORT_KEYS))
        return ERR_AT(err, LF_ITEM, 0, "a record of an incremental export has Keys");
    *ret_change = (struct item_change){
        .keys = record->parts[EXPORT_KEYS],
        .is_delete = !export_record_has(record, EXPORT_NEW_IMAGE),
        .image = record->parts[EXPORT_NEW_IMAGE],
        .has_old_image = export_record_has(record, EXPORT_OLD_IMAGE),
        .old_image = record->parts[EXPORT_OLD_IMAGE],
        .written_us = written_us(&record->parts[EXPORT_METADATA]),
    };
    return LF_OK;
}

enum lf_code export_read_item(enum export_format format, struct span line, struct arena *arena, struct item *ret_item,
                              struct err *err)
{
    struct export_record record;
    if (format == EXPORT_DYNAMODB_JSON)
        return ddbjson_read_line(line, arena, ret_item, err);
    TRY(ion_text_read_record(line, arena, &record, err));
    return export_record_item(&record, ret_item, err);
}

enum lf_code export_read_change(enum export_format format, struct span line, struct arena *arena, struct item_change *ret_change,
                                struct err *err)
{
    struct export_record record;
    TRY(format == EXPORT_DYNAMODB_JSON ? read_json(line, arena, &record, err) : ion_text_read_record(line, arena, &record, err));
    return export_record_change(&record, ret_change, err);
}
