#include "gateway/shadow.h"

#include <stdlib.h>

#include "codec/json.h"
#include "gateway/read_count.h"
#include "gateway/read_share.h"
#include "gateway/route_ask.h"
#include "gateway/shadow_compare.h"

enum { ARENA_BYTES_MAX = 128 * 1024 * 1024, BODY_BYTES_MAX = 32 * 1024 * 1024 };

struct shadow {
    struct worker *worker;
    struct loop_task task;
    struct arena arena;
    const struct operation_info *operation;
    operation_run *run;
    struct span body;
    struct span dynamodb, postgres; /* answers; ptr NULL: not asked */
    struct shadow_order order;
    void *request;
    struct route_tables tables;
};

/* Both sides --------------------------------------------------------------------------------------------------------------------
 */

static struct call make_call(struct shadow *shadow, struct reply *reply, struct buf *error_members)
{
    return (struct call){
        .worker = shadow->worker,
        .arena = &shadow->arena,
        .reply = reply,
        .error_members = error_members,
        .request_id = SPAN("shadow"),
        .operation = shadow->operation,
        .body = shadow->body,
    };
}

/* What PostgreSQL refuses, while DynamoDB answers, is an answer that differs; that it cannot be asked is none. */
static enum lf_code take_refusal(struct shadow *shadow, const struct err *failed, struct err *err)
{
    struct buf text;
    buf_init(&text, BODY_BYTES_MAX);
    buf_put_cstr(&text, "{\"error\":");
    json_put_string(&text, span_from_cstr(failed->message));
    buf_put_byte(&text, '}');
    enum lf_code code = buf_check(&text, err);
    if (!code)
        code = arena_copy(&shadow->arena, buf_span(&text), &shadow->postgres, err);
    buf_done(&text);
    return code;
}

static enum lf_code ask_postgres(struct shadow *shadow, struct err *err)
{
    struct buf body, error_members;
    struct reply reply;
    struct err failed = ERR_INIT;
    buf_init(&body, BODY_BYTES_MAX);
    buf_init(&error_members, BODY_BYTES_MAX);
    reply_init(&reply, &body);
    struct call call = make_call(shadow, &reply, &error_members);
    enum lf_code code = shadow->run(&call, shadow->request, &failed);
    if (code == LF_CONNECT)
        *err = failed;
    else
        code = code ? take_refusal(shadow, &failed, err) : arena_copy(&shadow->arena, buf_span(&body), &shadow->postgres, err);
    buf_done(&error_members);
    buf_done(&body);
    return code;
}

static enum lf_code ask_dynamodb(struct shadow *shadow, struct err *err)
{
    struct dynamodb_answer answer;
    struct call call = make_call(shadow, NULL, NULL);
    TRY(route_ask(&call, shadow->request, shadow->body, &answer, err));
    if (answer.outcome != DYNAMODB_DONE)
        return ERR(err, LF_AWS, "DynamoDB refuses a read that is shadowed: %.*s", SPAN_ARG(answer.body));
    shadow->dynamodb = answer.body;
    return LF_OK;
}

static enum lf_code ask_both(struct shadow *shadow, struct err *err)
{
    if (!shadow->dynamodb.ptr)
        TRY(ask_dynamodb(shadow, err));
    return shadow->postgres.ptr ? LF_OK : ask_postgres(shadow, err);
}

/* Comparing
 * ----------------------------------------------------------------------------------------------------------------------- */

static enum lf_code keep_difference(const struct shadow *shadow, struct err *err)
{
    static const struct pg_statement keep = {
        .sql = "INSERT INTO landfall.shadow_difference (table_name, operation, request, dynamodb, postgres) VALUES ($1::text, "
               "$2::text, "
               "$3::text::json, $4::text::json, $5::text::json)",
    };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    struct span name = shadow->tables.tables[0].name, operation = shadow->operation->name;
    const struct pg_field values[] = {
        { name.ptr, name.len },
        { operation.ptr, operation.len },
        { shadow->body.ptr, shadow->body.len },
        { shadow->dynamodb.ptr, shadow->dynamodb.len },
        { shadow->postgres.ptr, shadow->postgres.len },
    };
    read_count(shadow->worker, shadow->tables.tables[0].table, READ_DIFFERENT);
    return db_write(shadow->worker->db, &keep, &(struct pg_params){ .values = values, .count = 5 }, &rows, err);
}

static enum lf_code is_marked(struct shadow *shadow, bool *ret_marked, struct err *err)
{
    struct read_keys keys;
    bool is_read;
    struct call call = make_call(shadow, NULL, NULL);
    TRY(read_keys_find(&call, shadow->request, &shadow->tables, &keys, &is_read, err));
    return read_share_is_marked(&call, &keys, ret_marked, err);
}

/* Whether both sides still say what they said, of keys that nobody was about to write in between: what is written all the time,
 * or waits for its repair, cannot be compared. */
static enum lf_code is_lasting(struct shadow *shadow, bool *ret_lasting, struct err *err)
{
    bool marked, there = false, here = false;
    struct span dynamodb = shadow->dynamodb, postgres = shadow->postgres;
    TRY(is_marked(shadow, &marked, err));
    shadow->dynamodb = shadow->postgres = span_of(NULL, 0);
    TRY(ask_both(shadow, err));
    TRY(shadow_compare(dynamodb, shadow->dynamodb, &shadow->order, &shadow->arena, &there, err));
    TRY(shadow_compare(postgres, shadow->postgres, &shadow->order, &shadow->arena, &here, err));
    *ret_lasting = !marked && there && here && catalog_rows_are_whole(shadow->worker->catalog);
    return LF_OK;
}

static enum lf_code conclude(struct shadow *shadow, struct err *err)
{
    bool is_difference;
    TRY(is_lasting(shadow, &is_difference, err));
    return is_difference ? keep_difference(shadow, err) : LF_OK;
}

static enum lf_code compare(struct shadow *shadow, struct err *err)
{
    bool is_same = false;
    int64_t pause_ms = SHADOW_PAUSE_MS;
    read_count(shadow->worker, shadow->tables.tables[0].table, READ_SHADOWED);
    for (unsigned tries = 1;; tries++, pause_ms *= 2) {
        TRY(ask_both(shadow, err));
        TRY(shadow_compare(shadow->dynamodb, shadow->postgres, &shadow->order, &shadow->arena, &is_same, err));
        if (is_same)
            return LF_OK;
        if (tries == SHADOW_TRIES_MAX)
            return conclude(shadow, err);
        fiber_sleep(shadow->worker->loop, pause_ms);
        shadow->dynamodb = shadow->postgres = span_of(NULL, 0);
    }
}

static enum lf_code prepare(struct shadow *shadow, struct err *err)
{
    struct call call = make_call(shadow, NULL, NULL);
    shadow->request = arena_calloc(&shadow->arena, 1, shadow->operation->request->size, err);
    if (!shadow->request)
        return err->code;
    TRY(shape_read(shadow->operation->request, shadow->body, &shadow->arena, shadow->request, err));
    return route_tables_find(&call, shadow->request, &shadow->tables, err);
}

/* The tables may have gone on to another phase meanwhile. */
static bool is_still_dual(const struct route_tables *tables)
{
    for (size_t i = 0; i < tables->count; i++)
        if (!tables->tables[i].table || !table_is_dynamodbs(tables->tables[i].table))
            return false;
    return tables->count > 0;
}

static void end(struct shadow *shadow)
{
    shadow->worker->shadows--;
    arena_done(&shadow->arena);
    free(shadow);
}

static void run_shadow(void *context)
{
    struct shadow *shadow = context;
    struct err err = ERR_INIT;
    enum lf_code code = prepare(shadow, &err);
    if (!code && is_still_dual(&shadow->tables))
        code = compare(shadow, &err);
    if (code)
        worker_log(shadow->worker, SPAN("shadow"), &err);
    route_tables_done(&shadow->tables);
    end(shadow);
}

static void begin(void *context)
{
    struct shadow *shadow = context;
    struct err err = ERR_INIT;
    if (fiber_start(loop_fibers(shadow->worker->loop), run_shadow, shadow, &err))
        end(shadow);
}

/* Sampling
 * -------------------------------------------------------------------------------------------------------------------------- */

static bool is_sampled(const struct call *call, const struct read_keys *keys)
{
    unsigned percent = keys->keys[0].table->move.shadow_percent;
    bool is_answered = !call->status || call->status == 200;
    bool goes_on = keys->has_own_order && keys->start;
    return percent && is_answered && !goes_on && call->worker->shadows < SHADOWS_MAX &&
           call->operation != operation_info(OPERATION_SCAN) && worker_random(call->worker) % 100 < percent;
}

/* A status of its own has the answer of DynamoDB. */
static enum lf_code copy_call(struct shadow *shadow, const struct call *call, const struct read_keys *keys, struct err *err)
{
    struct span *answer = call->status ? &shadow->dynamodb : &shadow->postgres;
    TRY(arena_copy(&shadow->arena, call->body, &shadow->body, err));
    TRY(arena_copy(&shadow->arena, keys->index_order, &shadow->order.by, err));
    shadow->order.is_ordered = !keys->has_own_order;
    return arena_copy(&shadow->arena, buf_span(call->reply->buf), answer, err);
}

void shadow_read(const struct call *call, const struct read_keys *keys, operation_run *run)
{
    struct err err = ERR_INIT;
    struct shadow *shadow = is_sampled(call, keys) ? calloc(1, sizeof *shadow) : NULL;
    if (!shadow)
        return;
    *shadow = (struct shadow){ .worker = call->worker, .operation = call->operation, .run = run };
    shadow->task = (struct loop_task){ .run = begin, .context = shadow };
    arena_init(&shadow->arena, ARENA_BYTES_MAX);
    call->worker->shadows++;
    if (copy_call(shadow, call, keys, &err))
        end(shadow);
    else
        loop_at_turn_end(call->worker->loop, &shadow->task);
}
