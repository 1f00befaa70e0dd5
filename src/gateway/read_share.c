#include "gateway/read_share.h"

#include "gateway/mark.h"
#include "gateway/read_count.h"
#include "gateway/read_keys.h"
#include "gateway/read_page.h"
#include "gateway/route_ask.h"
#include "gateway/shadow.h"

struct share {
    struct call *call;
    const void *request;
    operation_run *run;
    struct read_keys keys;
};

/* Which side --------------------------------------------------------------------------------------------------------------------
 */

/* Also with a percentage of 0 some keys that PostgreSQL gave out may be about. */
static bool has_own_order(const struct call *call, const void *request)
{
    bool is_query = call->operation == operation_info(OPERATION_QUERY);
    return call->operation == operation_info(OPERATION_SCAN) ||
           (is_query && ((const struct query_request *)request)->index_name.ptr);
}

static bool may_share(const struct call *call, const void *request, const struct route_tables *tables)
{
    bool shares = has_own_order(call, request);
    if (route_is_strong(call, request))
        return false;
    for (size_t i = 0; i < tables->count; i++) {
        const struct table *table = tables->tables[i].table;
        if (!table || !table->move.has_phase || table->move.phase != PHASE_DUAL_WRITE || !table->move.is_readable)
            return false;
        shares |= table->move.reads_percent > 0 || table->move.shadow_percent > 0;
    }
    return shares;
}

static bool is_of_share(const struct read_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        const struct read_key *key = &keys->keys[i];
        if (!key->is_shared || read_key_percentile(key) >= key->table->move.reads_percent)
            return false;
    }
    return keys->count > 0;
}

/* Of one table after the other. */
enum lf_code read_share_is_marked(const struct call *call, const struct read_keys *keys, bool *ret_any, struct err *err)
{
    struct item_place *places = arena_calloc(call->arena, keys->count, sizeof *places, err);
    *ret_any = false;
    if (!places)
        return err->code;
    for (size_t begin = 0, end; keys->has_places && begin < keys->count && !*ret_any; begin = end) {
        const struct table *table = keys->keys[begin].table;
        for (end = begin; end < keys->count && keys->keys[end].table == table; end++)
            places[end] = keys->keys[end].place;
        TRY(marks_are_there(call->worker, table, &places[begin], end - begin, keys->is_partition, ret_any, err));
    }
    return LF_OK;
}

static enum lf_code choose(const struct share *share, bool *ret_here, struct err *err)
{
    bool is_marked = false;
    *ret_here = false;
    if (share->keys.has_own_order && share->keys.start)
        return read_page_is_ours(share->call, &share->keys, ret_here, err);
    if (!is_of_share(&share->keys) || !catalog_rows_are_whole(share->call->worker->catalog))
        return LF_OK;
    TRY(catalog_check_fresh(share->call->worker->catalog, err));
    TRY(read_share_is_marked(share->call, &share->keys, &is_marked, err));
    *ret_here = !is_marked;
    return LF_OK;
}

/* Answering
 * ---------------------------------------------------------------------------------------------------------------------- */

static void begin_again(struct call *call)
{
    buf_reset(call->reply->buf);
    buf_reset(call->error_members);
    call->has_error_message = false;
    reply_init(call->reply, call->reply->buf);
}

/* *ret_here false: DynamoDB has to answer after all. What it cannot go on with, who reads has to begin again. */
static enum lf_code answer_here(const struct share *share, bool *ret_here, struct err *err)
{
    const struct read_keys *keys = &share->keys;
    TRY(share->run(share->call, share->request, err));
    if (!keys->has_own_order)
        return LF_OK;
    TRY(read_page_keep(share->call, keys, buf_span(share->call->reply->buf), ret_here, err));
    if (!*ret_here && keys->start)
        return ERR(err, LF_INTERNAL_SERVER,
                   "reading page by page has to begin again: a gateway may go on without PostgreSQL now");
    return LF_OK;
}

static void count(const struct share *share, enum read_kind kind)
{
    read_count(share->call->worker, share->keys.keys[0].table, kind);
}

/* With PostgreSQL away there is nothing to take back either, unless it gave out the same key within the hour. */
static void note_theirs(const struct share *share)
{
    struct err ignored = ERR_INIT;
    struct span answered = buf_span(share->call->reply->buf);
    (void)!read_page_forget(share->call, &share->keys, answered, &ignored);
}

/* What is the request's own fault DynamoDB says itself; it is no failure of ours. */
static enum lf_code answer_there(const struct share *share, enum lf_code failed, struct err *err)
{
    const struct lf_code_info *info = failed ? lf_code_info(failed) : NULL;
    bool is_fault = info && (!info->api_type || info->http_status >= 500);
    begin_again(share->call);
    *err = (struct err)ERR_INIT;
    count(share, is_fault ? READ_FALLBACK : READ_DYNAMODB);
    TRY(route_forward(share->call, share->request, err));
    if (share->keys.has_own_order && share->call->status == 200)
        note_theirs(share);
    return LF_OK;
}

static enum lf_code answer(const struct share *share, struct err *err)
{
    bool is_here = false;
    enum lf_code code = choose(share, &is_here, err);
    bool is_bound = share->keys.has_own_order && share->keys.start; /* to the side of the page before */
    if (!code && is_here)
        code = answer_here(share, &is_here, err);
    if (code && is_bound)
        return code;
    if (code || !is_here)
        return answer_there(share, code, err);
    count(share, READ_POSTGRES);
    return LF_OK;
}

enum lf_code read_share(struct call *call, const void *request, const struct route_tables *tables, operation_run *run,
                        struct err *err)
{
    bool is_read = false;
    struct err own = ERR_INIT;
    struct share share = { .call = call, .request = request, .run = run };
    if (!may_share(call, request, tables))
        return route_forward(call, request, err);
    if (read_keys_find(call, request, tables, &share.keys, &is_read, &own) || !is_read || !share.keys.count)
        return route_forward(call, request, err);
    TRY(answer(&share, err));
    if (catalog_rows_are_whole(call->worker->catalog))
        shadow_read(call, &share.keys, run);
    return LF_OK;
}
