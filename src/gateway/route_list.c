#include "gateway/route_list.h"

#include <stdlib.h>

#include "gateway/json_members.h"
#include "gateway/route_ask.h"

enum { TABLES_MAX = 100 };

struct list {
    struct span *names;
    size_t count;
    struct span last; /* what DynamoDB has not told of begins behind this name; empty: it has told of all */
};

static enum lf_code read_theirs(struct span body, struct arena *arena, struct list *list, struct err *err)
{
    struct json_members members;
    struct json_reader json;
    struct json_token token;
    TRY(json_members_read(body, arena, &members, err));
    json_init(&json, json_members_get(&members, SPAN("TableNames")), arena);
    TRY(json_expect(&json, JSON_ARRAY_BEGIN, &token, err));
    for (;;) {
        TRY(json_next(&json, &token, err));
        if (token.kind != JSON_STRING)
            break;
        if (list->count < TABLES_MAX)
            list->names[list->count++] = token.text;
    }
    if (json_members_get(&members, SPAN("LastEvaluatedTableName")).len && list->count)
        list->last = list->names[list->count - 1];
    return LF_OK;
}

static int compare(const void *a, const void *b)
{
    return span_compare(*(const struct span *)a, *(const struct span *)b);
}

static bool is_wanted(const struct list *list, struct span start, struct span name)
{
    return (!start.ptr || span_compare(name, start) > 0) && (!list->last.ptr || span_compare(name, list->last) <= 0);
}

/* Those that are not on the page yet. */
static enum lf_code add_ours(struct call *call, struct span start, struct list *list, struct err *err)
{
    const struct table **tables = NULL;
    size_t count = 0, theirs = list->count;
    TRY(catalog_all(call->worker->catalog, call->arena, &tables, &count, err));
    struct span *names = arena_calloc(call->arena, theirs + count + 1, sizeof *names, err);
    for (size_t i = 0; names && i < theirs; i++)
        names[i] = list->names[i];
    for (size_t i = 0; names && i < count; i++)
        if (is_wanted(list, start, tables[i]->name) && !bsearch(&tables[i]->name, names, theirs, sizeof *names, compare))
            if (!arena_copy(call->arena, tables[i]->name, &names[list->count], err))
                list->count++;
    for (size_t i = 0; i < count; i++)
        table_unref(tables[i]);
    list->names = names;
    return names ? LF_OK : err->code;
}

static void put(struct reply *reply, const struct list *list, size_t limit)
{
    size_t end = list->count < limit ? list->count : limit;
    buf_reset(reply->buf);
    reply_init(reply, reply->buf);
    reply_object_begin(reply);
    reply_name(reply, SPAN("TableNames"));
    reply_array_begin(reply);
    for (size_t i = 0; i < end; i++)
        reply_string(reply, list->names[i]);
    reply_array_end(reply);
    if (end && (end < list->count || list->last.ptr))
        reply_member_string(reply, SPAN("LastEvaluatedTableName"), list->names[end - 1]);
    reply_object_end(reply);
}

enum lf_code route_list_tables(struct call *call, const struct list_tables_request *request, struct err *err)
{
    struct dynamodb_answer answer;
    struct list list = { 0 };
    TRY(route_ask(call, request, call->body, &answer, err));
    route_answer(call, &answer);
    if (answer.outcome != DYNAMODB_DONE)
        return LF_OK;
    list.names = arena_calloc(call->arena, TABLES_MAX, sizeof *list.names, err);
    if (!list.names)
        return err->code;
    TRY(read_theirs(answer.body, call->arena, &list, err));
    qsort(list.names, list.count, sizeof *list.names, compare);
    TRY(add_ours(call, request->exclusive_start_table_name, &list, err));
    qsort(list.names, list.count, sizeof *list.names, compare);
    put(call->reply, &list, request->has_limit ? (size_t)request->limit : TABLES_MAX);
    return LF_OK;
}
