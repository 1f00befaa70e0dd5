#include "gateway/jobs/reverse.h"

#include <stdio.h>
#include <string.h>

#include "aws/answer.h"
#include "codec/json.h"
#include "gateway/mark.h"
#include "gateway/runtime/loop.h"
#include "gateway/store/store.h"
#include "gateway/upstream/upstream.h"
#include "item/ddbjson.h"
#include "move/follow/late_writes.h"
#include "move/item_row.h"
#include "pg/binary_sql.h"

enum { REQUEST_BYTES_MAX = 20 * 1024 * 1024, PAUSE_MS_MIN = 20, PAUSE_MS_MAX = 640 };

/* A key, and what was read for it. */
struct sending {
    struct item_key key;
    struct span key_json; /* of the key's attributes alone */
    struct pg_field h, sk, image;
};

struct batch {
    struct worker *worker;
    const struct leadership *leadership;
    const struct table *table;
    struct arena *arena;
    size_t items_max;
    int64_t number;                           /* of landfall.reverse_batch */
    struct pg_field ids[REVERSE_BATCH_ITEMS]; /* rows of landfall.reverse_change that it answers */
    size_t id_count;
    struct sending sendings[REVERSE_BATCH_ITEMS]; /* whose keys differ */
    struct item_key keys[REVERSE_BATCH_ITEMS];    /* theirs, as the store wants them */
    struct stored_item items[REVERSE_BATCH_ITEMS];
    size_t count;
};

/* Statements -------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code run(struct db_transaction *transaction, const char *sql, const struct pg_field *values, size_t count,
                        struct pg_result **ret_rows, struct err *err)
{
    const struct pg_statement *statement = NULL;
    struct pg_params params = { .values = values, .count = count };
    TRY(db_statement(db_of(transaction), span_from_cstr(sql), &statement, err));
    return db_tx_query(transaction, statement, &params, ret_rows, err);
}

/* "{1,2,3}" */
static enum lf_code ids_array(const struct batch *batch, struct pg_field *ret_array, struct err *err)
{
    struct buf text;
    struct span copy;
    buf_init(&text, REVERSE_BATCH_ITEMS * PG_NUMBER_BYTES);
    for (size_t i = 0; i < batch->id_count; i++) {
        buf_put_byte(&text, i ? ',' : '{');
        buf_put(&text, batch->ids[i].data, batch->ids[i].len);
    }
    buf_put_byte(&text, '}');
    enum lf_code code = buf_check(&text, err);
    if (!code)
        code = arena_copy(batch->arena, buf_span(&text), &copy, err);
    buf_done(&text);
    TRY(code);
    *ret_array = pg_text_or_null(copy);
    return LF_OK;
}

/* Taking: a transaction that says what is about to be sent ----------------------------------------------------------------------
 */

/* A change of phase waits for the transaction, and finds what it is about to send. In another epoch other keys may have moved. */
static enum lf_code hold_phase(struct db_transaction *transaction, const struct batch *batch, bool *ret_holds, struct err *err)
{
    char epoch[PG_NUMBER_BYTES];
    struct pg_field values[] = { pg_text_or_null(batch->table->name), pg_number_field(batch->table->move.epoch, epoch) };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(run(transaction,
            "SELECT 1 FROM landfall.phase WHERE table_name = $1::text AND epoch = $2::text::bigint AND phase = 'postgres' FOR "
            "SHARE",
            values, 2, &rows, err));
    *ret_holds = pg_result_rows(rows) > 0;
    return LF_OK;
}

/* What may have landed late is sent again. It stays noted as sent, for its record may yet come. */
static enum lf_code queue_again(struct db_transaction *transaction, const struct batch *batch, struct err *err)
{
    struct pg_field name = pg_text_or_null(batch->table->name);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    return run(transaction,
               "WITH due AS (UPDATE landfall.reverse_sent SET again_at = NULL WHERE table_name = $1::text AND "
               "again_at < clock_timestamp() AND key IS NOT NULL RETURNING key) INSERT INTO landfall.reverse_change (table_name, "
               "key) SELECT $1::text, key FROM due",
               &name, 1, &rows, err);
}

static bool is_known(const struct batch *batch, const struct key *key)
{
    for (size_t i = 0; i < batch->count; i++)
        if (span_equal(batch->keys[i].bytes.partition, key->partition) && span_equal(batch->keys[i].bytes.sort, key->sort))
            return true;
    return false;
}

/* The key's attributes alone, of an item that may have more. */
static enum lf_code cut_key(const struct key_schema *schema, const struct item *item, struct arena *arena, struct item *ret_key,
                            struct err *err)
{
    const struct key_attribute *const parts[] = { &schema->partition, &schema->sort };
    struct item key = { .count = 0 };
    key.attributes = arena_calloc(arena, 2, sizeof *key.attributes, err);
    if (!key.attributes)
        return err->code;
    for (size_t i = 0; i < (key_schema_has_sort(schema) ? 2u : 1u); i++) {
        const struct value *value = item_get(item, parts[i]->name);
        if (!value)
            return ERR(err, LF_ITEM, "landfall.reverse_change has a key without %.*s", SPAN_ARG(parts[i]->name));
        key.attributes[key.count].name = parts[i]->name;
        key.attributes[key.count++].value = *value;
    }
    *ret_key = key;
    return LF_OK;
}

static enum lf_code add_key(struct batch *batch, struct pg_field json, struct err *err)
{
    struct item item, attributes;
    struct key key;
    struct span copy;
    TRY(arena_copy(batch->arena, span_of(json.data, json.len), &copy, err));
    TRY(ddbjson_read_line(copy, batch->arena, &item, err));
    TRY(cut_key(&batch->table->key, &item, batch->arena, &attributes, err));
    TRY(key_of_item(&batch->table->key, &attributes, batch->arena, &key, err));
    if (table_key_is_dynamodbs(batch->table, &attributes) || is_known(batch, &key))
        return LF_OK;
    batch->keys[batch->count] = (struct item_key){ .bytes = key, .attributes = attributes };
    batch->sendings[batch->count].key = batch->keys[batch->count];
    batch->count++;
    return LF_OK;
}

static enum lf_code take_changes(struct db_transaction *transaction, struct batch *batch, struct err *err)
{
    char limit[PG_NUMBER_BYTES];
    struct pg_field values[] = { pg_text_or_null(batch->table->name), pg_number_field((int64_t)batch->items_max, limit) };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(run(transaction,
            "SELECT id::text, key::text FROM landfall.reverse_change WHERE table_name = $1::text AND refused IS NULL ORDER BY id "
            "LIMIT "
            "$2::text::bigint",
            values, 2, &rows, err));
    for (size_t i = 0; i < pg_result_rows(rows); i++) {
        struct span id;
        struct pg_field field = pg_result_get(rows, i, 0);
        TRY(arena_copy(batch->arena, span_of(field.data, field.len), &id, err));
        batch->ids[batch->id_count++] = pg_text_or_null(id);
        TRY(add_key(batch, pg_result_get(rows, i, 1), err));
    }
    return LF_OK;
}

/* Of a mixed table: keys that have not moved. */
static enum lf_code drop_changes(struct db_transaction *transaction, const struct batch *batch, struct err *err)
{
    struct pg_field ids;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    if (batch->id_count == 0)
        return LF_OK;
    TRY(ids_array(batch, &ids, err));
    return run(transaction, "DELETE FROM landfall.reverse_change WHERE id = ANY($1::text::bigint[])", &ids, 1, &rows, err);
}

static enum lf_code describe(struct batch *batch, size_t at, struct err *err)
{
    struct sending *sending = &batch->sendings[at];
    struct item_row_place place;
    struct item item;
    TRY(item_row_place(&sending->key.bytes, batch->arena, &place, err));
    sending->h = place.h;
    sending->sk = place.sk;
    sending->image = PG_NULL;
    TRY(ddbjson_item_text(&sending->key.attributes, REQUEST_BYTES_MAX, batch->arena, &sending->key_json, err));
    if (!batch->items[at].is_present)
        return LF_OK;
    TRY(stored_item_parse(&batch->items[at], batch->arena, &item, err));
    return late_writes_image(&item, batch->arena, &sending->image, err);
}

static enum lf_code put_sent(struct binary_sql *sql, struct batch *batch, struct err *err)
{
    struct pg_field *keys = arena_calloc(batch->arena, batch->count, sizeof *keys, err);
    const size_t stride = sizeof(struct sending) / sizeof(struct pg_field);
    _Static_assert(sizeof(struct sending) % sizeof(struct pg_field) == 0, "fields lie whole strides apart");
    if (!keys)
        return err->code;
    for (size_t i = 0; i < batch->count; i++)
        keys[i] = pg_text_or_null(batch->sendings[i].key_json);
    binary_sql_put(sql, "INSERT INTO landfall.reverse_sent (table_name, batch, again_at, h, sk, image, key) SELECT ");
    binary_sql_span(sql, batch->table->name, "text");
    binary_sql_put(sql, ", ");
    binary_sql_int64(sql, batch->number);
    binary_sql_put(sql, ", clock_timestamp() + interval '1 s' * ");
    binary_sql_int64(sql, MARK_LANDING_SECONDS); /* the signature is made after this */
    binary_sql_put(sql, ", k.* FROM unnest(");
    binary_sql_array(sql, &batch->sendings[0].h, batch->count, stride, PG_OID_BYTEA, "bytea");
    binary_sql_put(sql, ", ");
    binary_sql_array(sql, &batch->sendings[0].sk, batch->count, stride, PG_OID_BYTEA, "bytea");
    binary_sql_put(sql, ", ");
    binary_sql_array(sql, &batch->sendings[0].image, batch->count, stride, PG_OID_BYTEA, "bytea");
    binary_sql_put(sql, ", ");
    binary_sql_array(sql, keys, batch->count, 1, PG_OID_JSON, "json");
    binary_sql_put(sql, ") AS k");
    return LF_OK;
}

static enum lf_code note_sent(struct db_transaction *transaction, struct batch *batch, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    BINARY_SQL_CLEANUP struct binary_sql sql;
    binary_sql_init(&sql, batch->arena);
    TRY(put_sent(&sql, batch, err));
    return db_run(db_of(transaction), transaction, &sql, &rows, err);
}

static enum lf_code draw_number(struct db_transaction *transaction, struct batch *batch, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(run(transaction, "SELECT nextval('landfall.reverse_batch')::text", NULL, 0, &rows, err));
    batch->number = pg_result_int64(rows, 0, 0);
    return LF_OK;
}

static enum lf_code take_in(struct db_transaction *transaction, struct batch *batch, struct err *err)
{
    bool holds = false;
    TRY(leader_lock(transaction, batch->leadership, err));
    TRY(hold_phase(transaction, batch, &holds, err));
    if (!holds)
        return LF_OK;
    TRY(queue_again(transaction, batch, err));
    TRY(take_changes(transaction, batch, err));
    if (batch->count == 0)
        return drop_changes(transaction, batch, err);
    TRY(draw_number(transaction, batch, err));
    TRY(batch->table->store->get_in(transaction, batch->table, batch->keys, batch->count, batch->arena, batch->items, err));
    for (size_t i = 0; i < batch->count; i++)
        TRY(describe(batch, i, err));
    return note_sent(transaction, batch, err);
}

typedef enum lf_code batch_work(struct db_transaction *transaction, struct batch *batch, struct err *err);

static enum lf_code in_transaction(struct batch *batch, batch_work *work, struct err *err)
{
    bool is_certain = true;
    struct db_transaction *transaction = NULL;
    TRY(db_begin(batch->worker->db, &transaction, err));
    enum lf_code code = work(transaction, batch, err);
    if (!code)
        return db_commit(transaction, &is_certain, err);
    db_rollback(transaction);
    return code;
}

/* Sending ----------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code put_write(struct buf *json, struct batch *batch, size_t at, struct err *err)
{
    struct span item;
    if (!batch->items[at].is_present) {
        buf_put_cstr(json, "{\"DeleteRequest\":{\"Key\":");
        buf_put_span(json, batch->sendings[at].key_json);
    } else {
        TRY(stored_item_json(&batch->items[at], batch->arena, &item, err));
        buf_put_cstr(json, "{\"PutRequest\":{\"Item\":");
        buf_put_span(json, item);
    }
    buf_put_cstr(json, "}}");
    return LF_OK;
}

static enum lf_code put_request(struct buf *json, struct batch *batch, struct err *err)
{
    buf_put_cstr(json, "{\"RequestItems\":{");
    json_put_string(json, batch->table->name);
    buf_put_cstr(json, ":[");
    for (size_t i = 0; i < batch->count; i++) {
        buf_put_cstr(json, i ? "," : "");
        TRY(put_write(json, batch, i, err));
    }
    buf_put_cstr(json, "]}}");
    return buf_check(json, err);
}

static enum lf_code send(struct batch *batch, struct dynamodb_answer *answer, struct err *err)
{
    struct buf json;
    buf_init(&json, REQUEST_BYTES_MAX);
    enum lf_code code = put_request(&json, batch, err);
    struct upstream_request request = {
        .service = DYNAMODB_TABLES, .operation = "BatchWriteItem", .body = buf_span(&json), .lease = batch->worker->catalog
    };
    *answer = (struct dynamodb_answer){ .outcome = DYNAMODB_REFUSED };
    if (!code)
        code = upstream_call(batch->worker->upstream, &request, batch->arena, answer, err);
    buf_done(&json);
    return code;
}

/* What an answer means ---------------------------------------------------------------------------------------------------------
 */

static enum lf_code has_unprocessed(struct batch *batch, struct span body, bool *ret_has, struct err *err)
{
    struct answer_field unprocessed = { .name = SPAN("UnprocessedItems") };
    struct answer_field of_table = { .name = batch->table->name };
    TRY(answer_fields(body, batch->arena, &unprocessed, 1, err));
    TRY(answer_fields(unprocessed.value, batch->arena, &of_table, 1, err));
    *ret_has = of_table.value.len > 0;
    return LF_OK;
}

static enum lf_code set_again(struct db_transaction *transaction, const struct batch *batch, const char *again, struct err *err)
{
    char number[PG_NUMBER_BYTES], sql[160];
    struct pg_field value = pg_number_field(batch->number, number);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    (void)snprintf(sql, sizeof sql,
                   "UPDATE landfall.reverse_sent SET again_at = %s WHERE batch = $1::text::bigint AND again_at IS NOT NULL",
                   again);
    return run(transaction, sql, &value, 1, &rows, err);
}

/* Nothing that was sent is under way any more. */
static enum lf_code confirm_in(struct db_transaction *transaction, struct batch *batch, struct err *err)
{
    TRY(leader_lock(transaction, batch->leadership, err));
    return set_again(transaction, batch, "NULL", err);
}

/* Who leads no longer must not say that a key is done: what the next leader has sent may have landed before. It is to be sent
 * again. */
static enum lf_code hand_over_in(struct db_transaction *transaction, struct batch *batch, struct err *err)
{
    return set_again(transaction, batch, "clock_timestamp()", err);
}

static enum lf_code finish_in(struct db_transaction *transaction, struct batch *batch, struct err *err)
{
    struct pg_field ids;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(ids_array(batch, &ids, err));
    TRY(run(
        transaction,
        "WITH sent AS (DELETE FROM landfall.reverse_change WHERE id = ANY($1::text::bigint[]) RETURNING table_name, key) DELETE "
        "FROM "
        "landfall.reverse_change c USING sent WHERE c.refused IS NOT NULL AND c.table_name = sent.table_name AND c.key::text = "
        "sent.key::text",
        &ids, 1, &rows, err));
    return confirm_in(transaction, batch, err);
}

/* Of a batch of one: the item itself is to blame. */
static enum lf_code refuse(struct batch *batch, const struct err *why, struct err *err)
{
    struct pg_field values[2] = { { why->message, strlen(why->message) } };
    const struct pg_statement *statement = NULL;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(ids_array(batch, &values[1], err));
    TRY(db_statement(batch->worker->db,
                     SPAN("UPDATE landfall.reverse_change SET refused = $1::text WHERE id = ANY($2::text::bigint[])"), &statement,
                     err));
    return db_write(batch->worker->db, statement, &(struct pg_params){ .values = values, .count = 2 }, &rows, err);
}

/* After an answer. LF_PRECONDITION: somebody else leads. */
static enum lf_code conclude(struct batch *batch, batch_work *work, struct err *err)
{
    enum lf_code code = in_transaction(batch, work, err);
    return code == LF_PRECONDITION ? in_transaction(batch, hand_over_in, err) : code;
}

static bool is_throttled(enum lf_code code)
{
    return code == LF_PROVISIONED_THROUGHPUT_EXCEEDED || code == LF_THROTTLING || code == LF_REQUEST_LIMIT_EXCEEDED;
}

/* A row that makes no item, or an item that DynamoDB does not take. */
static bool is_of_item(enum lf_code code)
{
    return code == LF_VALIDATION || code == LF_ROW || code == LF_ITEM || code == LF_LIMIT ||
           code == LF_ITEM_COLLECTION_SIZE_LIMIT;
}

/* The pace: how many items a batch has, and the pause after one that was throttled. */
struct pace {
    size_t items_max;
    unsigned pause_ms;
};

static void slow_down(struct pace *pace, struct worker *worker)
{
    pace->items_max = pace->items_max > 1 ? pace->items_max / 2 : 1;
    fiber_sleep(worker->loop, pace->pause_ms);
    pace->pause_ms = pace->pause_ms * 2 < PAUSE_MS_MAX ? pace->pause_ms * 2 : PAUSE_MS_MAX;
}

static enum lf_code settle(struct batch *batch, const struct dynamodb_answer *answer, struct pace *pace, struct err *err)
{
    bool again = false;
    TRY(has_unprocessed(batch, answer->body, &again, err));
    if (!again)
        return conclude(batch, finish_in, err);
    TRY(conclude(batch, confirm_in, err));
    slow_down(pace, batch->worker);
    return LF_OK;
}

/* With a batch of several, the next are of one, to find it. */
static enum lf_code blame(struct batch *batch, struct pace *pace, const struct err *why, struct err *err)
{
    if (batch->id_count == 1)
        return refuse(batch, why, err);
    pace->items_max = 1;
    return LF_OK;
}

static enum lf_code settle_refusal(struct batch *batch, struct pace *pace, const struct err *why, struct err *err)
{
    TRY(conclude(batch, confirm_in, err));
    if (is_throttled(why->code)) {
        slow_down(pace, batch->worker);
        return LF_OK;
    }
    if (is_of_item(why->code))
        return blame(batch, pace, why, err);
    *err = *why;
    return err->code;
}

static enum lf_code send_batch(struct batch *batch, struct pace *pace, struct err *err)
{
    struct dynamodb_answer answer;
    struct err why = ERR_INIT;
    enum lf_code code = send(batch, &answer, &why);
    if (!code)
        return settle(batch, &answer, pace, err);
    if (answer.outcome == DYNAMODB_REFUSED)
        return settle_refusal(batch, pace, &why, err);
    *err = why;
    return err_while(err, "sending changes of table %.*s to DynamoDB", SPAN_ARG(batch->table->name));
}

/* A step -----------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code take(struct batch *batch, struct pace *pace, struct err *err)
{
    struct err why = ERR_INIT;
    enum lf_code code = in_transaction(batch, take_in, &why);
    if (!code)
        return LF_OK;
    batch->count = 0;
    if (is_of_item(code) && batch->id_count)
        return blame(batch, pace, &why, err);
    *err = why;
    return code;
}

static enum lf_code sync_once(struct worker *worker, const struct leadership *leadership, const struct table *table,
                              struct arena *arena, struct pace *pace, bool *ret_any, struct err *err)
{
    struct batch *batch = arena_calloc(arena, 1, sizeof *batch, err);
    if (!batch)
        return err->code;
    batch->worker = worker;
    batch->leadership = leadership;
    batch->table = table;
    batch->arena = arena;
    batch->items_max = pace->items_max;
    TRY(take(batch, pace, err));
    *ret_any = batch->id_count > 0;
    return batch->count ? send_batch(batch, pace, err) : LF_OK;
}

/* Until nothing is left or it is time to look at the leadership. */
static enum lf_code sync_table(struct worker *worker, const struct leadership *leadership, const struct table *table,
                               struct arena *arena, bool *ret_more, struct err *err)
{
    struct pace pace = { .items_max = REVERSE_BATCH_ITEMS, .pause_ms = PAUSE_MS_MIN };
    int64_t until_ms = loop_now_ms(worker->loop) + REVERSE_STEP_MS;
    bool any = true;
    while (any && loop_now_ms(worker->loop) < until_ms) {
        struct arena_mark mark = arena_mark(arena);
        TRY(sync_once(worker, leadership, table, arena, &pace, &any, err));
        arena_rewind(arena, mark);
    }
    *ret_more |= any;
    return LF_OK;
}

enum lf_code reverse_step(struct worker *worker, const struct leadership *leadership, struct arena *arena, bool *ret_more,
                          struct err *err)
{
    const struct table **tables = NULL;
    size_t count = 0;
    enum lf_code code = LF_OK;
    if (!worker->upstream)
        return LF_OK;
    TRY(catalog_check_fresh(worker->catalog, err));
    TRY(catalog_all(worker->catalog, arena, &tables, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (!code && tables[i]->move.has_phase && tables[i]->move.phase == PHASE_POSTGRES)
            code = sync_table(worker, leadership, tables[i], arena, ret_more, err);
        table_unref(tables[i]);
    }
    return code;
}
