#include "gateway/route_split.h"

#include "gateway/json_members.h"
#include "gateway/named_items.h"
#include "gateway/route_keys.h"
#include "gateway/shape_write.h"

enum { PART_BYTES_MAX = 32 * 1024 * 1024 };

static bool is_of_side(const struct route_table *table, const struct item *item, bool of_dynamodb)
{
    return item && route_key_is_dynamodbs(&(struct route_key){ table, item }) == of_dynamodb;
}

static enum lf_code keep_keys(struct api_keys_and_attributes_entry *entry, const struct route_table *table, bool of_dynamodb,
                              struct arena *arena, struct err *err)
{
    const struct item *all = entry->value.keys.values;
    size_t count = entry->value.keys.count;
    struct item *kept = arena_calloc(arena, count + 1, sizeof *kept, err);
    if (!kept)
        return err->code;
    entry->value.keys.values = kept;
    entry->value.keys.count = 0;
    for (size_t i = 0; i < count; i++)
        if (is_of_side(table, &all[i], of_dynamodb))
            kept[entry->value.keys.count++] = all[i];
    return LF_OK;
}

static enum lf_code keep_writes(struct api_write_request_list_entry *entry, const struct route_table *table, bool of_dynamodb,
                                struct arena *arena, struct err *err)
{
    const struct api_write_request *all = entry->value.values;
    size_t count = entry->value.count;
    struct api_write_request *kept = arena_calloc(arena, count + 1, sizeof *kept, err);
    if (!kept)
        return err->code;
    entry->value.values = kept;
    entry->value.count = 0;
    for (size_t i = 0; i < count; i++)
        if (is_of_side(table, named_written_item(&all[i]), of_dynamodb))
            kept[entry->value.count++] = all[i];
    return LF_OK;
}

/* An entry of the request, or of a mixed table what is of the side; *ret_any false: nothing. */
static enum lf_code keep(const struct call *call, void *entry, const struct route_table *table, bool of_dynamodb, bool *ret_any,
                         struct err *err)
{
    struct api_keys_and_attributes_entry *keys = entry;
    struct api_write_request_list_entry *writes = entry;
    *ret_any = route_table_is_dynamodbs(table) == of_dynamodb;
    if (!table->table || !table_is_mixed(table->table))
        return LF_OK;
    if (call->operation == operation_info(OPERATION_BATCH_GET_ITEM)) {
        TRY(keep_keys(keys, table, of_dynamodb, call->arena, err));
        *ret_any = keys->value.keys.count > 0;
    } else {
        TRY(keep_writes(writes, table, of_dynamodb, call->arena, err));
        *ret_any = writes->value.count > 0;
    }
    return LF_OK;
}

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
        bool has_any = false;
        char *entry = entries + kept->count * entry_size;
        memcpy(entry, (const char *)whole->entries + i * entry_size, entry_size);
        const struct route_table *table = route_tables_get(tables, *(const struct span *)(void *)entry);
        if (table)
            TRY(keep(call, entry, table, of_dynamodb, &has_any, err));
        kept->count += has_any;
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
