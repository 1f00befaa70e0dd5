#include "gateway/upstream/upstream_page.h"

#include "aws/answer.h"
#include "gateway/operations/key_range.h"
#include "gateway/upstream/upstream.h"
#include "item/copy.h"
#include "item/ddbjson.h"

enum { BODY_BYTES_MAX = 64 * 1024, SCRATCH_BYTES_MAX = 256 * 1024 * 1024 };

/* Requests --------------------------------------------------------------------------------------------------------------------
 */

/* What both have. */
struct reading {
    const struct table *table;
    const struct table_index *index;
    const struct item *start;
    size_t items_max;
    bool is_consistent;
};

static void put_reading(struct buf *body, const struct reading *reading)
{
    const struct table_index *index = reading->index;
    buf_put_cstr(body, "{\"TableName\":");
    json_put_string(body, reading->table->name);
    if (index) {
        buf_put_cstr(body, ",\"IndexName\":");
        json_put_string(body, index->name);
    }
    if (index && index->is_local && index->projection != API_PROJECTION_TYPE_ALL)
        buf_put_cstr(body, ",\"Select\":\"ALL_ATTRIBUTES\"");
    if (reading->is_consistent)
        buf_put_cstr(body, ",\"ConsistentRead\":true");
    if (reading->items_max)
        buf_printf(body, ",\"Limit\":%zu", reading->items_max);
    if (reading->start) {
        buf_put_cstr(body, ",\"ExclusiveStartKey\":");
        ddbjson_put_item(body, reading->start);
    }
}

/* A condition under way: `#k0 = :v0 AND …`, and the names and values that it speaks of. */
struct condition {
    struct buf *text;
    const struct key_attribute *names[2 * KEY_PART_ATTRIBUTES_MAX];
    const struct value *values[2 * KEY_PART_ATTRIBUTES_MAX + 1];
    size_t name_count, value_count;
};

static void add_equality(struct condition *condition, const struct key_attribute *attribute, const struct value *value)
{
    buf_printf(condition->text, "%s#k%zu = :v%zu", condition->name_count ? " AND " : "", condition->name_count,
               condition->value_count);
    condition->names[condition->name_count++] = attribute;
    condition->values[condition->value_count++] = value;
}

static void add_range(struct condition *condition, const struct key_attribute *attribute, const struct key_condition *from)
{
    static const char *const comparators[] = {
        [KEY_RANGE_LESS] = "<",
        [KEY_RANGE_LESS_OR_EQUAL] = "<=",
        [KEY_RANGE_GREATER] = ">",
        [KEY_RANGE_GREATER_OR_EQUAL] = ">=",
    };
    size_t name = condition->name_count, value = condition->value_count;
    if (from->range == KEY_RANGE_BEGINS_WITH)
        buf_printf(condition->text, " AND begins_with(#k%zu, :v%zu)", name, value);
    else if (from->range == KEY_RANGE_BETWEEN)
        buf_printf(condition->text, " AND #k%zu BETWEEN :v%zu AND :v%zu", name, value, value + 1);
    else
        buf_printf(condition->text, " AND #k%zu %s :v%zu", name, comparators[from->range], value);
    condition->names[condition->name_count++] = attribute;
    condition->values[condition->value_count++] = &from->range_value;
    if (from->range == KEY_RANGE_BETWEEN)
        condition->values[condition->value_count++] = &from->range_upper;
}

static void put_names(struct buf *body, const struct condition *condition)
{
    buf_put_cstr(body, ",\"ExpressionAttributeNames\":{");
    for (size_t i = 0; i < condition->name_count; i++) {
        buf_printf(body, "%s\"#k%zu\":", i ? "," : "", i);
        json_put_string(body, condition->names[i]->name);
    }
    buf_put_cstr(body, "},\"ExpressionAttributeValues\":{");
    for (size_t i = 0; i < condition->value_count; i++) {
        buf_printf(body, "%s\":v%zu\":", i ? "," : "", i);
        ddbjson_put_value(body, condition->values[i]);
    }
    buf_put_byte(body, '}');
}

static void put_condition(struct buf *body, const struct key_condition_schema *schema, const struct key_condition *from)
{
    struct condition condition = { .text = body };
    buf_put_cstr(body, ",\"KeyConditionExpression\":\"");
    for (size_t i = 0; i < schema->partition_count; i++)
        add_equality(&condition, &schema->partition[i], &from->partition[i]);
    for (size_t i = 0; i < from->sort_count; i++)
        add_equality(&condition, &schema->sort[i], &from->sort[i]);
    if (from->range != KEY_RANGE_ALL)
        add_range(&condition, &schema->sort[from->sort_count], from);
    buf_put_byte(body, '"');
    put_names(body, &condition);
}

/* Answers ---------------------------------------------------------------------------------------------------------------------
 */

/* The answer and what is read of it are in scratch, the page in the arena. */
struct answer {
    const struct table *table;
    struct arena *arena, scratch;
    struct upstream_page page;
};

static enum lf_code read_item(struct answer *answer, struct span json, struct err *err)
{
    struct item item;
    struct store_page *page = &answer->page.page;
    struct stored_item *stored = &page->items[page->count];
    TRY(answer_item(json, &answer->scratch, &item, err));
    if (!table_key_is_dynamodbs(answer->table, &item))
        return LF_OK;
    *stored = (struct stored_item){ .is_present = true, .size_bytes = (uint32_t)item_size(&item) };
    page->count++;
    return arena_copy(answer->arena, json, &stored->json, err);
}

static enum lf_code read_items(struct answer *answer, struct span array, struct err *err)
{
    size_t count = 0;
    struct span *elements = NULL;
    struct store_page *page = &answer->page.page;
    TRY(answer_elements(array, &answer->scratch, &elements, &count, err));
    struct stored_item *read = page->items = arena_calloc(&answer->scratch, count + 1, sizeof *read, err);
    if (!read)
        return err->code;
    for (size_t i = 0; i < count; i++)
        TRY(read_item(answer, elements[i], err));
    page->items = arena_calloc(answer->arena, page->count, sizeof *read, err);
    if (!page->items)
        return err->code;
    memcpy(page->items, read, page->count * sizeof *read);
    return LF_OK;
}

static enum lf_code read_next(struct answer *answer, struct span key, struct err *err)
{
    struct item read, *next = arena_calloc(answer->arena, 1, sizeof *next, err);
    if (!next)
        return err->code;
    TRY(answer_item(key, &answer->scratch, &read, err));
    TRY(item_copy(&read, answer->arena, next, err));
    answer->page.next = next;
    answer->page.page.has_more = true;
    return LF_OK;
}

static enum lf_code read_answer(struct answer *answer, struct span body, struct err *err)
{
    struct answer_field fields[] = { { .name = SPAN("Items") }, { .name = SPAN("LastEvaluatedKey") } };
    TRY(answer_fields(body, &answer->scratch, fields, 2, err));
    TRY(read_items(answer, fields[0].value, err));
    return fields[1].value.len ? read_next(answer, fields[1].value, err) : LF_OK;
}

/* Under the gateway's lease: somebody may have moved the authority since. */
static enum lf_code ask_in(struct worker *worker, const char *operation, const struct buf *body, struct answer *answer,
                           struct err *err)
{
    struct dynamodb_answer given;
    const struct upstream_request request = {
        .service = DYNAMODB_TABLES, .operation = operation, .body = buf_span(body), .is_read = true, .lease = worker->catalog
    };
    TRY(buf_check(body, err));
    TRY(upstream_call(worker->upstream, &request, &answer->scratch, &given, err));
    TRY(catalog_check_fresh(worker->catalog, err));
    return read_answer(answer, given.body, err);
}

static enum lf_code ask(struct worker *worker, const struct table *table, const char *operation, const struct buf *body,
                        struct arena *arena, struct upstream_page *ret_page, struct err *err)
{
    struct answer answer = { .table = table, .arena = arena };
    arena_init(&answer.scratch, SCRATCH_BYTES_MAX);
    enum lf_code code = ask_in(worker, operation, body, &answer, err);
    arena_done(&answer.scratch);
    *ret_page = answer.page;
    return code;
}

enum lf_code upstream_query(struct worker *worker, const struct table *table, const struct store_range *range,
                            struct arena *arena, struct upstream_page *ret_page, struct err *err)
{
    const struct key_condition_schema schema = key_range_schema(table, range->index);
    BUF_CLEANUP struct buf body;
    buf_init(&body, BODY_BYTES_MAX);
    put_reading(&body, &(struct reading){ table, range->index, range->start, range->items_max, range->is_consistent });
    if (range->is_descending)
        buf_put_cstr(&body, ",\"ScanIndexForward\":false");
    put_condition(&body, &schema, range->condition);
    buf_put_byte(&body, '}');
    return ask(worker, table, "Query", &body, arena, ret_page, err);
}

enum lf_code upstream_scan(struct worker *worker, const struct table *table, const struct store_scan *scan, struct arena *arena,
                           struct upstream_page *ret_page, struct err *err)
{
    BUF_CLEANUP struct buf body;
    buf_init(&body, BODY_BYTES_MAX);
    put_reading(&body, &(struct reading){ table, scan->index, scan->start, scan->items_max, scan->is_consistent });
    if (scan->segments > 1)
        buf_printf(&body, ",\"Segment\":%u,\"TotalSegments\":%u", scan->segment, scan->segments);
    buf_put_byte(&body, '}');
    return ask(worker, table, "Scan", &body, arena, ret_page, err);
}
