#include "gateway/route_split.h"

#include "gateway/json_members.h"
#include "gateway/shape_write.h"

enum { PART_BYTES_MAX = 32 * 1024 * 1024 };

/* A part of the request: what `request_items` of either operation is, a map by table. */
static enum lf_code cut(const struct call *call, const void *request, const struct route_tables *tables, bool of_dynamodb,
                        void **ret_part, struct err *err)
{
    const struct shape_member *member = call->operation->table_member;
    size_t entry_size = member->shape->entry_size;
    char *part = arena_alloc(call->arena, call->operation->request->size, err);
    const struct api_string_map *whole = (const void *)((const char *)request + member->offset);
    char *entries = part ? arena_calloc(call->arena, whole->count + 1, entry_size, err) : NULL;
    if (!entries)
        return err->code;
    memcpy(part, request, call->operation->request->size);
    struct api_string_map *kept = (void *)(part + member->offset);
    kept->count = 0;
    kept->entries = (void *)entries;
    for (size_t i = 0; i < whole->count; i++) {
        const char *entry = (const char *)whole->entries + i * entry_size;
        const struct route_table *table = route_tables_get(tables, *(const struct span *)(const void *)entry);
        if (table && route_table_is_dynamodbs(table) == of_dynamodb)
            memcpy(entries + kept->count++ * entry_size, entry, entry_size);
    }
    *ret_part = part;
    return LF_OK;
}

static enum lf_code ask_theirs(struct call *call, const void *part, const struct route_tables *tables, operation_run *run,
                               route_answer_part *theirs, struct span *ret_answer, struct err *err)
{
    struct buf body;
    struct span whole = call->body;
    buf_init(&body, PART_BYTES_MAX);
    shape_write(call->operation->request, part, &body);
    enum lf_code code = buf_check(&body, err);
    call->body = buf_span(&body);
    if (!code)
        code = theirs(call, part, tables, run, err);
    if (!code)
        code = arena_copy(call->arena, buf_span(call->reply->buf), ret_answer, err);
    call->body = whole;
    buf_done(&body);
    return code;
}

enum lf_code route_split(struct call *call, const void *request, const struct route_tables *tables, operation_run *run,
                         route_answer_part *theirs, struct err *err)
{
    void *part = NULL;
    struct span first, second;
    TRY(cut(call, request, tables, true, &part, err));
    TRY(ask_theirs(call, part, tables, run, theirs, &first, err));
    if (call->status && call->status != 200)
        return LF_OK;
    buf_reset(call->reply->buf);
    reply_init(call->reply, call->reply->buf);
    TRY(cut(call, request, tables, false, &part, err));
    TRY(run(call, part, err));
    TRY(arena_copy(call->arena, buf_span(call->reply->buf), &second, err));
    buf_reset(call->reply->buf);
    return json_members_merge(first, second, call->arena, call->reply->buf, err);
}
