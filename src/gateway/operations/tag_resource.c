#include "gateway/operations/operations.h"
#include "gateway/operations/resource_tags.h"
#include "gateway/operations/table_rules.h"

static void put_tag(struct api_tag_list *tags, const struct api_tag *tag)
{
    size_t at = 0;
    while (at < tags->count && !span_equal(tags->values[at].key, tag->key))
        at++;
    tags->count += at == tags->count;
    tags->values[at] = *tag;
}

static enum lf_code add_tags(const void *context, const struct api_tag_list *before, struct arena *arena,
                             struct api_tag_list *ret_after, struct err *err)
{
    const struct tag_resource_request *request = context;
    struct api_tag_list after = { arena_calloc(arena, before->count + request->tags.count, sizeof *after.values, err), 0 };
    if (!after.values)
        return err->code;
    for (size_t i = 0; i < before->count; i++)
        after.values[after.count++] = before->values[i];
    for (size_t i = 0; i < request->tags.count; i++)
        put_tag(&after, &request->tags.values[i]);
    TRY(table_rules_check_tags(&after, err));
    *ret_after = after;
    return LF_OK;
}

enum lf_code operation_tag_resource(struct call *call, const struct tag_resource_request *request, struct err *err)
{
    if (!request->tags.count)
        return ERR(err, LF_VALIDATION, "Atleast one Tag needs to be provided as Input."); /* so DynamoDB spells it */
    TRY(table_rules_check_tags(&request->tags, err));
    TRY(resource_change_tags(call->worker, request->resource_arn, add_tags, request, call->arena, err));
    reply_object_begin(call->reply);
    reply_object_end(call->reply);
    return LF_OK;
}
