#include "gateway/operations/resource_tags.h"

enum lf_code resource_table_name(struct span arn, struct span *ret_name, struct err *err)
{
    if (!span_starts_with(arn, SPAN("arn:")) || !shape_table_name(arn, ret_name))
        return ERR(err, LF_VALIDATION, "Invalid TableArn: Invalid ResourceArn provided as input %.*s", SPAN_ARG(arn));
    return LF_OK;
}

enum lf_code resource_not_found(struct span arn, struct err *err)
{
    return ERR(err, LF_RESOURCE_NOT_FOUND, "Requested resource not found: ResourcArn: %.*s not found", SPAN_ARG(arn));
}

static enum lf_code save(struct table_change *change, const struct table *table, change_tags *run, const void *request,
                         struct arena *arena, struct err *err)
{
    struct create_table_request definition = *table->definition;
    TRY(run(request, &table->definition->tags, arena, &definition.tags, err));
    return table_change_save(change, table, &definition, err);
}

static enum lf_code apply(struct table_change *change, struct span name, struct span arn, change_tags *run, const void *request,
                          struct arena *arena, struct err *err)
{
    const struct table *table = NULL;
    TRY(table_change_read(change, name, &table, err));
    if (!table)
        return resource_not_found(arn, err);
    enum lf_code code = save(change, table, run, request, arena, err);
    table_unref(table);
    return code;
}

enum lf_code resource_change_tags(struct worker *worker, struct span arn, change_tags *run, const void *request,
                                  struct arena *arena, struct err *err)
{
    struct table_change change;
    struct span name;
    TRY(resource_table_name(arn, &name, err));
    TRY(table_change_begin(worker, &change, err));
    return table_change_end(&change, apply(&change, name, arn, run, request, arena, err), err);
}
