#include "aws/dynamodb_items.h"

#include "aws/answer.h"
#include "base/buf.h"
#include "codec/json.h"
#include "item/canonical.h"
#include "item/ddbjson.h"

enum { REQUEST_BYTES_MAX = 32 * 1024 * 1024 };

static void put_name(struct buf *request, const char *name)
{
    buf_put_byte(request, request->len ? ',' : '{');
    buf_printf(request, "\"%s\":", name);
}

static void put_text(struct buf *request, const char *name, struct span text)
{
    put_name(request, name);
    json_put_string(request, text);
}

/* Closes the request and makes the call. */
static enum lf_code call(struct dynamodb *client, const char *operation, struct buf *request, enum dynamodb_repeat repeat,
                         struct arena *arena, struct dynamodb_answer *answer, struct err *err)
{
    buf_put_byte(request, '}');
    enum lf_code code = buf_check(request, err);
    if (code == LF_OK)
        code = dynamodb_call(client, DYNAMODB_TABLES, operation, buf_span(request), repeat, arena, answer, err);
    buf_done(request);
    return code;
}

enum lf_code dynamodb_describe_table(struct dynamodb *client, struct span table, struct arena *arena, struct span *ret_text,
                                     struct err *err)
{
    struct dynamodb_answer answer;
    struct buf request;
    buf_init(&request, REQUEST_BYTES_MAX);
    put_text(&request, "TableName", table);
    TRY(call(client, "DescribeTable", &request, DYNAMODB_REPEAT_ANY, arena, &answer, err));
    *ret_text = answer.body;
    return LF_OK;
}

static enum lf_code read_time_to_live(struct span text, struct arena *arena, struct span *ret_attribute, struct err *err)
{
    struct answer_field description = { .name = SPAN("TimeToLiveDescription") };
    struct answer_field fields[] = { { .name = SPAN("TimeToLiveStatus") }, { .name = SPAN("AttributeName") } };
    struct span status;
    TRY(answer_fields(text, arena, &description, 1, err));
    TRY(answer_fields(description.value, arena, fields, 2, err));
    TRY(answer_text(fields[0].value, arena, &status, err));
    *ret_attribute = span_of(NULL, 0);
    if (span_equal(status, SPAN("ENABLED")) || span_equal(status, SPAN("ENABLING")))
        TRY(answer_text(fields[1].value, arena, ret_attribute, err));
    return LF_OK;
}

enum lf_code dynamodb_describe_time_to_live(struct dynamodb *client, struct span table, struct arena *arena,
                                            struct span *ret_attribute, struct err *err)
{
    struct dynamodb_answer answer;
    struct buf request;
    buf_init(&request, REQUEST_BYTES_MAX);
    put_text(&request, "TableName", table);
    TRY(call(client, "DescribeTimeToLive", &request, DYNAMODB_REPEAT_ANY, arena, &answer, err));
    return read_time_to_live(answer.body, arena, ret_attribute, err);
}

static enum lf_code capacity_of(struct span consumed, struct arena *arena, double *ret_capacity, struct err *err)
{
    struct answer_field units = { .name = SPAN("CapacityUnits") };
    TRY(answer_fields(consumed, arena, &units, 1, err));
    return answer_double(units.value, arena, ret_capacity, err);
}

/* Scan -------------------------------------------------------------------------------------------------------------------- */

static void put_scan(struct buf *request, const struct dynamodb_scan *scan)
{
    put_text(request, "TableName", scan->table);
    put_text(request, "ReturnConsumedCapacity", SPAN("TOTAL"));
    put_name(request, "Segment");
    buf_printf(request, "%u,\"TotalSegments\":%u", scan->segment, scan->total_segments);
    if (scan->limit)
        buf_printf(request, ",\"Limit\":%u", scan->limit);
    if (scan->is_consistent)
        buf_put_cstr(request, ",\"ConsistentRead\":true");
    if (!scan->exclusive_key.len)
        return;
    put_name(request, "ExclusiveStartKey");
    buf_put_span(request, scan->exclusive_key);
}

/* JSON may be written with newlines between its tokens; there they are as good as spaces. */
static enum lf_code to_one_line(struct span *text, struct arena *arena, struct err *err)
{
    char *copy;
    if (span_find_byte(*text, '\n') == text->len)
        return LF_OK;
    if (!(copy = arena_alloc(arena, text->len, err)))
        return err->code;
    for (size_t i = 0; i < text->len; i++)
        copy[i] = text->ptr[i] == '\n' ? ' ' : text->ptr[i];
    text->ptr = copy;
    return LF_OK;
}

static enum lf_code read_page(struct span body, struct arena *arena, struct dynamodb_page *ret_page, struct err *err)
{
    enum { ITEMS, LAST_KEY, CAPACITY, FIELDS };
    struct answer_field fields[FIELDS] = { [ITEMS] = { .name = SPAN("Items") },
                                           [LAST_KEY] = { .name = SPAN("LastEvaluatedKey") },
                                           [CAPACITY] = { .name = SPAN("ConsumedCapacity") } };
    struct dynamodb_page page = { 0 };
    TRY(answer_fields(body, arena, fields, FIELDS, err));
    TRY(answer_elements(fields[ITEMS].value, arena, &page.items, &page.count, err));
    for (size_t i = 0; i < page.count; i++)
        TRY(to_one_line(&page.items[i], arena, err));
    TRY(capacity_of(fields[CAPACITY].value, arena, &page.capacity, err));
    page.last_key = fields[LAST_KEY].value;
    *ret_page = page;
    return LF_OK;
}

enum lf_code dynamodb_scan_page(struct dynamodb *client, const struct dynamodb_scan *scan, struct arena *arena,
                                struct dynamodb_page *ret_page, struct err *err)
{
    struct dynamodb_answer answer;
    struct buf request;
    buf_init(&request, REQUEST_BYTES_MAX);
    put_scan(&request, scan);
    TRY(call(client, "Scan", &request, DYNAMODB_REPEAT_ANY, arena, &answer, err));
    return read_page(answer.body, arena, ret_page, err) == LF_OK ? LF_OK : err_while(err, "reading a page of the scan");
}

/* One item ---------------------------------------------------------------------------------------------------------------- */

enum lf_code dynamodb_get_item(struct dynamodb *client, struct span table, const struct item *key, struct arena *arena,
                               struct item *ret_item, bool *ret_found, double *ret_capacity, struct err *err)
{
    struct answer_field fields[] = { { .name = SPAN("Item") }, { .name = SPAN("ConsumedCapacity") } };
    struct dynamodb_answer answer;
    struct buf request;
    buf_init(&request, REQUEST_BYTES_MAX);
    put_text(&request, "TableName", table);
    buf_put_cstr(&request, ",\"ConsistentRead\":true,\"ReturnConsumedCapacity\":\"TOTAL\"");
    put_name(&request, "Key");
    ddbjson_put_item(&request, key);
    TRY(call(client, "GetItem", &request, DYNAMODB_REPEAT_ANY, arena, &answer, err));
    TRY(answer_fields(answer.body, arena, fields, 2, err));
    TRY(answer_item(fields[0].value, arena, ret_item, err));
    *ret_found = fields[0].value.len > 0;
    return ret_capacity ? capacity_of(fields[1].value, arena, ret_capacity, err) : LF_OK;
}

/* Batches of writes ------------------------------------------------------------------------------------------------------- */

static void put_write(struct buf *request, const struct dynamodb_batch_write *write)
{
    buf_put_cstr(request, write->is_delete ? "{\"DeleteRequest\":{\"Key\":" : "{\"PutRequest\":{\"Item\":");
    ddbjson_put_item(request, &write->item);
    buf_put_cstr(request, "}}");
}

static void put_batch(struct buf *request, struct span table, const struct dynamodb_batch_write *writes, size_t count)
{
    put_text(request, "ReturnConsumedCapacity", SPAN("TOTAL"));
    put_name(request, "RequestItems");
    buf_put_byte(request, '{');
    json_put_string(request, table);
    buf_put_cstr(request, ":[");
    for (size_t i = 0; i < count; i++) {
        if (i)
            buf_put_byte(request, ',');
        put_write(request, &writes[i]);
    }
    buf_put_cstr(request, "]}");
}

/* Marks the write that came back. */
static enum lf_code mark_write(struct span returned, const struct dynamodb_batch_write *writes, size_t count, struct arena *arena,
                               bool *is_unprocessed, struct err *err)
{
    struct answer_field kinds[] = { { .name = SPAN("PutRequest") }, { .name = SPAN("DeleteRequest") } };
    struct item item;
    TRY(answer_fields(returned, arena, kinds, 2, err));
    bool is_delete = kinds[1].value.len > 0;
    struct answer_field inner = { .name = is_delete ? SPAN("Key") : SPAN("Item") };
    TRY(answer_fields(kinds[is_delete].value, arena, &inner, 1, err));
    TRY(answer_item(inner.value, arena, &item, err));
    for (size_t i = 0; i < count; i++)
        if (writes[i].is_delete == is_delete && item_equal(&writes[i].item, &item)) {
            is_unprocessed[i] = true;
            return LF_OK;
        }
    return ERR(err, LF_AWS, "BatchWriteItem: UnprocessedItems holds a request that was not made");
}

static enum lf_code read_batch(struct span body, struct span table, const struct dynamodb_batch_write *writes, size_t count,
                               struct arena *arena, bool *is_unprocessed, double *ret_capacity, struct err *err)
{
    struct answer_field fields[] = { { .name = SPAN("UnprocessedItems") }, { .name = SPAN("ConsumedCapacity") } };
    struct answer_field of_table = { .name = table };
    struct span *returned, *consumed;
    size_t returned_count, consumed_count;
    TRY(answer_fields(body, arena, fields, 2, err));
    TRY(answer_fields(fields[0].value, arena, &of_table, 1, err));
    TRY(answer_elements(of_table.value, arena, &returned, &returned_count, err));
    memset(is_unprocessed, 0, count * sizeof *is_unprocessed);
    for (size_t i = 0; i < returned_count; i++)
        TRY(mark_write(returned[i], writes, count, arena, is_unprocessed, err));
    TRY(answer_elements(fields[1].value, arena, &consumed, &consumed_count, err));
    return capacity_of(consumed_count ? consumed[0] : SPAN(""), arena, ret_capacity, err);
}

enum lf_code dynamodb_batch_write(struct dynamodb *client, struct span table, const struct dynamodb_batch_write *writes,
                                  size_t count, enum dynamodb_repeat repeat, struct arena *arena, struct dynamodb_answer *answer,
                                  bool *ret_is_unprocessed, double *ret_capacity, struct err *err)
{
    struct buf request;
    buf_init(&request, REQUEST_BYTES_MAX);
    put_batch(&request, table, writes, count);
    TRY(call(client, "BatchWriteItem", &request, repeat, arena, answer, err));
    return read_batch(answer->body, table, writes, count, arena, ret_is_unprocessed, ret_capacity, err);
}
