#include "gateway/operations/operations.h"
#include "gateway/operations/resource_tags.h"

static bool is_named(const struct api_string_list *keys, struct span key)
{
    for (size_t i = 0; i < keys->count; i++)
        if (span_equal(keys->values[i], key))
            return true;
    return false;
}

static enum lf_code remove_tags(const void *context, const struct api_tag_list *before, struct arena *arena,
                                struct api_tag_list *ret_after, struct err *err)
{
    const struct untag_resource_request *request = context;
    struct api_tag_list after = { arena_calloc(arena, before->count, sizeof *after.values, err), 0 };
    if (!after.values)
        return err->code;
    for (size_t i = 0; i < before->count; i++)
        if (!is_named(&request->tag_keys, before->values[i].key))
            after.values[after.count++] = before->values[i];
    *ret_after = after;
    return LF_OK;
}

enum lf_code operation_untag_resource(struct call *call, const struct untag_resource_request *request, struct err *err)
{
    if (!request->tag_keys.count)
        return ERR(err, LF_VALIDATION, "Atleast one Tag Key needs to be provided as Input."); /* so DynamoDB spells it */
    TRY(resource_change_tags(call->worker, request->resource_arn, remove_tags, request, call->arena, err));
    reply_object_begin(call->reply);
    reply_object_end(call->reply);
    return LF_OK;
}
