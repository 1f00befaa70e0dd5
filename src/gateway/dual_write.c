#include "gateway/dual_write.h"

#include <time.h>

#include "gateway/dual_keys.h"
#include "gateway/json_members.h"
#include "gateway/key_queue.h"
#include "gateway/mark.h"
#include "gateway/operations/request_token.h"
#include "gateway/route_ask.h"
#include "gateway/upstream/upstream.h"
#include "item/ddbjson.h"

enum { READ_BYTES_MAX = 16 * 1024, CLOCKS_DIFFER_SECONDS = 60 };

struct dual {
    struct call *call;
    const void *request;
    struct dual_keys keys;
    struct mark *marks; /* of the keys */
    struct span body;   /* that is sent under marks */
    bool adds_all_new;  /* the request is sent with ReturnValues ALL_NEW, which the client has not asked for */
    int64_t began_ms;
    struct request_token token; /* empty: none */
    bool token_is_noted;
    struct span answered; /* "Attributes" of an UpdateItem's answer that returns ALL_NEW; empty: none */
};

/* Items of DynamoDB ------------------------------------------------------------------------------------------------------------
 */

static enum lf_code parse_item(struct span json, struct arena *arena, const struct item **ret_item, struct err *err)
{
    struct json_reader reader;
    struct item *item = arena_calloc(arena, 1, sizeof *item, err);
    if (!item)
        return err->code;
    json_init(&reader, json, arena);
    TRY(ddbjson_read_item(&reader, item, err));
    *ret_item = item;
    return LF_OK;
}

static void put_get_item(struct buf *body, struct span table, const struct item *key)
{
    buf_put_cstr(body, "{\"ConsistentRead\":true,\"TableName\":");
    json_put_string(body, table);
    buf_put_cstr(body, ",\"Key\":");
    ddbjson_put_item(body, key);
    buf_put_byte(body, '}');
}

static enum lf_code ask_for_item(struct worker *worker, struct span body, struct arena *arena, const struct item **ret_item,
                                 struct err *err)
{
    struct dynamodb_answer answer;
    struct json_members members;
    const struct upstream_request asked = { .service = DYNAMODB_TABLES, .operation = "GetItem", .body = body, .is_read = true };
    TRY(upstream_call(worker->upstream, &asked, arena, &answer, err));
    TRY(json_members_read(answer.body, arena, &members, err));
    struct span item = json_members_get(&members, SPAN("Item"));
    *ret_item = NULL;
    return item.len ? parse_item(item, arena, ret_item, err) : LF_OK;
}

enum lf_code dual_read(struct worker *worker, const struct table *table, const struct item *key, struct arena *arena,
                       const struct item **ret_item, struct err *err)
{
    struct buf body;
    buf_init(&body, READ_BYTES_MAX);
    put_get_item(&body, table->name, key);
    enum lf_code code = buf_check(&body, err);
    if (!code)
        code = ask_for_item(worker, buf_span(&body), arena, ret_item, err);
    buf_done(&body);
    return code;
}

/* Asking ------------------------------------------------------------------------------------------------------------------------
 */

static const struct update_item_request *as_update(const struct dual *dual)
{
    bool is_update = dual->call->operation == operation_info(OPERATION_UPDATE_ITEM);
    return is_update ? dual->request : NULL;
}

/* Who wants no values back does not mind that we ask for the whole item, which costs nothing. */
static enum lf_code make_body(struct dual *dual, struct err *err)
{
    const struct update_item_request *update = as_update(dual);
    struct span body = dual->call->body;
    dual->body = body;
    dual->adds_all_new = update && !update->return_values && dual->keys.count;
    if (!dual->adds_all_new)
        return LF_OK;
    struct span rest = span_from(body, span_find_byte(body, '{') + 1);
    return arena_printf(dual->call->arena, &dual->body, err, "{\"ReturnValues\":\"ALL_NEW\",%.*s", SPAN_ARG(rest));
}

static void put_without_attributes(struct buf *out, const struct json_members *members)
{
    bool needs_comma = false;
    buf_put_byte(out, '{');
    for (size_t i = 0; i < members->count; i++) {
        if (span_equal(members->members[i].name, SPAN("Attributes")))
            continue;
        buf_put_cstr(out, needs_comma ? "," : "");
        json_put_string(out, members->members[i].name);
        buf_put_byte(out, ':');
        buf_put_span(out, members->members[i].value);
        needs_comma = true;
    }
    buf_put_byte(out, '}');
}

/* The client's answer, and what it tells us. */
static enum lf_code take_answer(struct dual *dual, const struct dynamodb_answer *answer, struct err *err)
{
    struct json_members members;
    const struct update_item_request *update = as_update(dual);
    route_answer(dual->call, answer);
    if (answer->outcome != DYNAMODB_DONE || !update)
        return LF_OK;
    if (!dual->adds_all_new && update->return_values != API_RETURN_VALUE_ALL_NEW)
        return LF_OK;
    TRY(json_members_read(answer->body, dual->call->arena, &members, err));
    dual->answered = json_members_get(&members, SPAN("Attributes"));
    if (!dual->adds_all_new)
        return LF_OK;
    buf_reset(dual->call->reply->buf);
    put_without_attributes(dual->call->reply->buf, &members);
    return buf_check(dual->call->reply->buf, err);
}

/* Afterwards
 * ---------------------------------------------------------------------------------------------------------------------- */

/* Some writes of a batch may not have been done. */
static bool is_whole(const struct dual *dual, const struct dynamodb_answer *answer)
{
    struct json_members members;
    struct err ignored = ERR_INIT;
    if (dual->call->operation != operation_info(OPERATION_BATCH_WRITE_ITEM))
        return true;
    if (json_members_read(answer->body, dual->call->arena, &members, &ignored))
        return false;
    struct span left = json_members_get(&members, SPAN("UnprocessedItems"));
    return !left.len || span_equal(left, SPAN("{}"));
}

static enum lf_code find_item(struct dual *dual, size_t at, bool is_whole_answer, struct err *err)
{
    const struct dual_key *key = &dual->keys.keys[at];
    struct mark *mark = &dual->marks[at];
    struct arena *arena = dual->call->arena;
    mark->writes = true;
    if (key->is_known && is_whole_answer) {
        mark->item = key->item;
        return LF_OK;
    }
    if (dual->answered.len)
        return parse_item(dual->answered, arena, &mark->item, err);
    return dual_read(dual->call->worker, key->table, &key->key.attributes, arena, &mark->item, err);
}

/* What was refused has changed nothing; but who left the mark that we took over may have, and relied on its being there. */
static enum lf_code find_items(struct dual *dual, const struct dynamodb_answer *answer, struct err *err)
{
    bool is_done = answer->outcome == DYNAMODB_DONE, is_whole_answer = is_done && is_whole(dual, answer);
    for (size_t i = 0; i < dual->keys.count; i++)
        if (is_done || dual->marks[i].was_left)
            TRY(find_item(dual, i, is_whole_answer, err));
    return LF_OK;
}

static enum lf_code note_token(struct dual *dual, struct err *err)
{
    if (dual->token.token.len)
        TRY(request_token_note(&dual->token, dual->call->worker->db, err));
    dual->token_is_noted = true;
    return LF_OK;
}

static enum lf_code settle(struct dual *dual, const struct dynamodb_answer *answer, struct err *err)
{
    if (answer->outcome == DYNAMODB_DONE)
        TRY(note_token(dual, err));
    TRY(find_items(dual, answer, err));
    return marks_settle(dual->call->worker, dual->marks, dual->keys.count, dual->call->arena, err);
}

/* How long the marks have to stay: whoever repairs their keys does not know of the token. */
static unsigned landing_seconds(const struct dual *dual, const struct dynamodb_answer *answer)
{
    if (answer->outcome == DYNAMODB_UNKNOWN)
        return MARK_LANDING_SECONDS;
    bool is_forgotten = answer->outcome == DYNAMODB_DONE && dual->token.token.len && !dual->token_is_noted;
    return is_forgotten ? REQUEST_TOKEN_SECONDS : 0;
}

static void settle_or_leave(struct dual *dual, const struct dynamodb_answer *answer)
{
    struct err err = ERR_INIT;
    if (answer->outcome != DYNAMODB_UNKNOWN) {
        if (!settle(dual, answer, &err))
            return;
        worker_log(dual->call->worker, dual->call->request_id, &err);
    }
    marks_leave(dual->call->worker, dual->marks, dual->keys.count, landing_seconds(dual, answer));
}

/* ----------------------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code take_marks(struct dual *dual, struct err *err)
{
    return marks_take(dual->call->worker, dual->marks, dual->keys.count, dual->began_ms, dual->call->arena, err);
}

static enum lf_code write_marked(struct dual *dual, struct err *err)
{
    struct dynamodb_answer answer;
    enum lf_code code = route_ask(dual->call, dual->request, dual->body, &answer, err);
    if (!code)
        code = take_answer(dual, &answer, err);
    settle_or_leave(dual, &answer);
    return code;
}

/* Without PostgreSQL ------------------------------------------------------------------------------------------------------------
 */

static enum lf_code make_record(const struct mark *mark, struct arena *arena, struct journal_record *ret_record, struct err *err)
{
    *ret_record = (struct journal_record){ .table = mark->table->name, .h = mark->place.h, .sk = mark->place.sk };
    return ddbjson_item_text(&mark->key->attributes, READ_BYTES_MAX, arena, &ret_record->key, err);
}

static enum lf_code note_keys(struct dual *dual, struct journal_entry ***ret_entries, struct err *err)
{
    struct worker *worker = dual->call->worker;
    struct arena *arena = dual->call->arena;
    size_t count = dual->keys.count;
    struct journal_entry **entries = arena_calloc(arena, count, sizeof *entries, err);
    struct journal_record *records = entries ? arena_calloc(arena, count, sizeof *records, err) : NULL;
    if (!records)
        return err->code;
    for (size_t i = 0; i < count; i++)
        TRY(make_record(&dual->marks[i], arena, &records[i], err));
    *ret_entries = entries;
    return journal_begin(catalog_journal(worker->catalog), worker->loop, catalog_now_ms(), records, count, entries, err);
}

static enum lf_code write_noted(struct dual *dual, struct err *err)
{
    struct journal_entry **entries = NULL;
    struct dynamodb_answer answer;
    struct call *call = dual->call;
    TRY(note_keys(dual, &entries, err));
    enum lf_code code = route_ask(call, dual->request, call->body, &answer, err);
    unsigned seconds = landing_seconds(dual, &answer);
    int64_t lands_ms = seconds ? catalog_now_ms() + seconds * 1000LL : 0;
    journal_end(catalog_journal(call->worker->catalog), entries, dual->keys.count, lands_ms);
    if (!code)
        route_answer(call, &answer);
    return code;
}

static enum lf_code make_marks(struct dual *dual, struct key_turn **ret_turns, struct err *err)
{
    struct arena *arena = dual->call->arena;
    size_t count = dual->keys.count;
    struct key_turn *turns = arena_calloc(arena, count, sizeof *turns, err);
    dual->marks = turns ? arena_calloc(arena, count, sizeof *dual->marks, err) : NULL;
    if (!dual->marks)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        const struct dual_key *key = &dual->keys.keys[i];
        turns[i].id = store_lock_id(key->table, &key->key.bytes);
        TRY(mark_init(key->table, &key->key, arena, &dual->marks[i], err));
    }
    *ret_turns = turns;
    return LF_OK;
}

/* When PostgreSQL comes back, this worker's connections may be behind the catalog's. */
static enum lf_code write_one_way(struct dual *dual, struct err *err)
{
    struct err own = ERR_INIT;
    bool may_note = dual->call->needs_no_lease;
    if (may_note && catalog_check_fresh(dual->call->worker->catalog, &own))
        return write_noted(dual, err);
    TRY(make_body(dual, err));
    if (!take_marks(dual, &own))
        return write_marked(dual, err);
    if (may_note && own.code == LF_CONNECT)
        return write_noted(dual, err);
    *err = own;
    return own.code;
}

/* Repeated transactions ---------------------------------------------------------------------------------------------------------
 */

/* For as long as a token is good. */
static bool has_just_come_back(const struct route_tables *tables)
{
    int64_t since_ms = ((int64_t)time(NULL) - REQUEST_TOKEN_SECONDS - CLOCKS_DIFFER_SECONDS) * 1000;
    for (size_t i = 0; i < tables->count; i++)
        if (tables->tables[i].table && tables->tables[i].table->move.flipped_ms > since_ms)
            return true;
    return false;
}

static enum lf_code find_token(struct dual *dual, const struct route_tables *tables, struct err *err)
{
    struct call *call = dual->call;
    TRY(request_token_read(call, dual->request, &dual->token, err));
    if (!dual->token.token.len || !has_just_come_back(tables))
        return LF_OK;
    return request_token_find(&dual->token, call->worker->db, &call->was_done, err);
}

enum lf_code dual_write(struct call *call, const void *request, const struct route_tables *tables, operation_run *run,
                        struct err *err)
{
    struct key_turn *turns = NULL;
    struct dual dual = { .call = call, .request = request, .began_ms = loop_now_ms(call->worker->loop) };
    TRY(shape_check_values(request, err));
    TRY(find_token(&dual, tables, err));
    if (call->was_done)
        return run(call, request, err);
    TRY(dual_keys_find(call, request, tables, &dual.keys, err));
    if (!dual.keys.count)
        return route_forward(call, request, err);
    if (!call->needs_no_lease)
        TRY(catalog_check_fresh(call->worker->catalog, err));
    TRY(make_marks(&dual, &turns, err));
    key_queue_enter(call->worker->keys, turns, dual.keys.count);
    enum lf_code code = write_one_way(&dual, err);
    key_queue_leave(call->worker->keys, turns, dual.keys.count);
    return code;
}
