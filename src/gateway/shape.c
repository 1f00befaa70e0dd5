#include "gateway/shape.h"

#include "gateway/shape_parts.h"

enum { NAME_BYTES_MIN = 3, NAME_BYTES_MAX = 255 };

const struct shape_member *shape_find_member(const struct shape *structure, struct span name)
{
    if (structure->member_count == 0)
        return NULL;
    unsigned number = structure->slots[shape_slot(name, structure->slot_factor, structure->slot_mask)];
    const struct shape_member *member = structure->members + number - 1;
    return number && span_equal(member->name, name) ? member : NULL;
}

const struct operation_info *operation_info(enum operation operation)
{
    return &operation_infos[operation];
}

bool operation_find(struct span target, enum operation *ret_operation)
{
    struct span name = span_from(target, span_find_byte(target, '.') + 1);
    unsigned number = operation_slots[shape_slot(name, operation_slot_factor, operation_slot_mask)];
    if (number == 0 || !span_equal(operation_infos[number - 1].target, target))
        return false;
    *ret_operation = (enum operation)(number - 1);
    return true;
}

enum lf_code shape_check_values(const struct shape_head *head, struct err *err)
{
    if (!head->value_error)
        return LF_OK;
    *err = *head->value_error;
    return err->code;
}

static bool is_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '_' ||
           byte == '-' || byte == '.';
}

static bool is_table_name(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!is_name_byte(name.ptr[i]))
            return false;
    }
    return name.len >= NAME_BYTES_MIN && name.len <= NAME_BYTES_MAX;
}

bool shape_table_name(struct span name_or_arn, struct span *ret_name)
{
    static const struct span begin = { "arn:", 4 }, table = { ":table/", 7 };
    struct span name = name_or_arn;
    if (span_starts_with(name, begin)) {
        name = span_from(name, span_find(name, table) + table.len);
        name.len = span_find_byte(name, '/');
    }
    if (!is_table_name(name))
        return false;
    *ret_name = name;
    return true;
}
