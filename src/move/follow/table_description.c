#include "move/follow/table_description.h"

#include "aws/answer.h"
#include "aws/dynamodb_items.h"
#include "source/table_json.h"

static bool has_same_key(const struct key_schema *a, const struct key_schema *b)
{
    return span_equal(a->partition.name, b->partition.name) && a->partition.type == b->partition.type &&
           span_equal(a->sort.name, b->sort.name) && (!a->sort.name.len || a->sort.type == b->sort.type);
}

static enum lf_code check_key(const struct map_table *table, struct span text, struct arena *arena, struct err *err)
{
    struct map_table described;
    TRY(table_json_parse(text, arena, &described, err));
    if (!has_same_key(&table->key, &described.key))
        return ERR(err, LF_PRECONDITION, "the map has another key for table %.*s than DynamoDB", SPAN_ARG(table->name));
    return LF_OK;
}

static enum lf_code read_description(struct span text, struct arena *arena, struct table_description *ret_description,
                                     struct err *err)
{
    struct answer_field outer = { .name = SPAN("Table") };
    struct answer_field stream[] = { { .name = SPAN("StreamEnabled") }, { .name = SPAN("StreamViewType") } };
    struct answer_field fields[] = {
        { .name = SPAN("LatestStreamArn") },
        { .name = SPAN("StreamSpecification") },
        { .name = SPAN("TableStatus") },
        { .name = SPAN("TableArn") },
    };
    struct span status;
    TRY(answer_fields(text, arena, &outer, 1, err));
    TRY(answer_fields(outer.value, arena, fields, 4, err));
    TRY(answer_fields(fields[1].value, arena, stream, 2, err));
    TRY(answer_text(fields[0].value, arena, &ret_description->stream_arn, err));
    TRY(answer_text(fields[2].value, arena, &status, err));
    TRY(answer_text(fields[3].value, arena, &ret_description->arn, err));
    TRY(answer_text(stream[1].value, arena, &ret_description->stream_view, err));
    ret_description->has_stream = span_equal(stream[0].value, SPAN("true")) && ret_description->stream_arn.len;
    ret_description->is_active = span_equal(status, SPAN("ACTIVE"));
    return LF_OK;
}

enum lf_code table_describe(struct dynamodb *client, const struct map_table *table, struct arena *arena,
                            struct table_description *ret_description, struct err *err)
{
    struct span text;
    TRY(dynamodb_describe_table(client, table->name, arena, &text, err));
    TRY(check_key(table, text, arena, err));
    return read_description(text, arena, ret_description, err);
}
