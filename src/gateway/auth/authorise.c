#include "gateway/auth/authorise.h"

#include "gateway/named_items.h"

enum lf_code authorise_table(const struct call *call, const struct operation_info *operation, enum operation_grant grant,
                             struct span table_name, struct err *err)
{
    if (!call->caller || access_key_allows(call->caller, grant, table_name))
        return LF_OK;
    return ERR(err, LF_ACCESS_DENIED,
               "User: %.*s is not authorized to perform: dynamodb:%.*s on resource: table/%.*s because no grant of the access "
               "key allows it",
               SPAN_ARG(call->caller->id), SPAN_ARG(operation->name), SPAN_ARG(table_name));
}

/* A name that is none cannot be granted; the operation says what is wrong with it. */
static enum lf_code check_name(const struct call *call, const struct operation_info *operation, struct span name_or_arn,
                               struct err *err)
{
    struct span name = name_or_arn;
    (void)shape_table_name(name_or_arn, &name);
    return authorise_table(call, operation, operation->grant, name, err);
}

/* Maps by table: their entries begin with the name. */
static enum lf_code check_map(const struct call *call, const struct operation_info *operation, const char *member,
                              struct err *err)
{
    const struct api_string_map *map = (const void *)member;
    const char *entry = (const char *)map->entries;
    for (size_t i = 0; i < map->count; i++, entry += operation->table_member->shape->entry_size)
        TRY(check_name(call, operation, *(const struct span *)(const void *)entry, err));
    return LF_OK;
}

static enum lf_code check_named(const struct call *call, const struct operation_info *operation, const void *request,
                                struct err *err)
{
    struct named_items named;
    TRY(named_items_find(operation, request, call->arena, &named, err));
    for (size_t i = 0; i < named.count; i++)
        TRY(check_name(call, operation, named.items[i].table_name, err));
    return LF_OK;
}

enum lf_code authorise(const struct call *call, const struct operation_info *operation, const void *request, struct err *err)
{
    const char *member = operation->table_member ? (const char *)request + operation->table_member->offset : NULL;
    if (!call->caller)
        return LF_OK;
    switch (operation->table) {
    case TABLE_IN_NONE:
        return authorise_table(call, operation, operation->grant, SPAN(""), err);
    case TABLE_IN_NAME:
    case TABLE_IN_ARN:
        return check_name(call, operation, *(const struct span *)(const void *)member, err);
    case TABLE_IN_REQUEST_ITEMS:
        return check_map(call, operation, member, err);
    case TABLE_IN_TRANSACT_ITEMS:
        return check_named(call, operation, request, err);
    case TABLE_IN_ITERATOR:
    case TABLE_IN_STATEMENT:
        break; /* the operation finds the tables, and asks */
    }
    return LF_OK;
}
