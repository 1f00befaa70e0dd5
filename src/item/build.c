#include "item/build.h"

#include "base/limits.h"
#include "item/members.h"

enum lf_code build_check_name(struct span name, size_t offset, struct err *err)
{
    if (name.len == 0)
        return ERR_AT(err, LF_ITEM, offset, "Empty attribute name");
    if (name.len > LIMIT_ATTRIBUTE_NAME_BYTES)
        return ERR_AT(err, LF_LIMIT, offset, "attribute name of %zu bytes, at most %d are allowed", name.len,
                      LIMIT_ATTRIBUTE_NAME_BYTES);
    return LF_OK;
}

enum lf_code build_check_distinct(const struct attribute *attributes, size_t count, size_t offset, struct err *err)
{
    ptrdiff_t duplicate = count > 1 ? members_duplicate(members_of_map(attributes, count)) : MEMBERS_NONE;
    if (duplicate != MEMBERS_NONE)
        return ERR_AT(err, LF_ITEM, offset, "attribute name \"%.*s\" occurs twice", SPAN_ARG(attributes[duplicate].name));
    return LF_OK;
}

enum lf_code build_check_level(unsigned level, size_t offset, struct err *err)
{
    if (level >= LIMIT_NESTING)
        return ERR_AT(err, LF_LIMIT, offset,
                      "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels beyond supported "
                      "limit");
    return LF_OK;
}

/* In DynamoDB's words. */
static const char *empty_set_message(enum value_type type)
{
    switch (type) {
    case VALUE_SS:
        return "An string set  may not be empty";
    case VALUE_NS:
        return "An number set  may not be empty";
    default:
        return "Binary sets should not be empty";
    }
}

enum lf_code build_set(enum value_type type, struct value *members, size_t count, size_t offset, struct value *ret_value,
                       struct err *err)
{
    struct value set = { .type = type, .list = { .values = members, .count = count } };
    if (count == 0)
        return ERR_AT(err, LF_ITEM, offset, "One or more parameter values were invalid: %s", empty_set_message(type));
    if (members_duplicate(members_of_set(&set)) != MEMBERS_NONE)
        return ERR_AT(err, LF_ITEM, offset, "Input collection contains duplicates");
    *ret_value = set;
    return LF_OK;
}

enum lf_code build_check_item(const struct item *item, size_t offset, struct err *err)
{
    size_t size = item_size(item);
    if (size > LIMIT_ITEM_BYTES)
        return ERR_AT(err, LF_LIMIT, offset, "Item size has exceeded the maximum allowed size: %zu of %d bytes", size,
                      LIMIT_ITEM_BYTES);
    return LF_OK;
}
