#include "aws/dynamodb_exports.h"

#include <inttypes.h>

#include "aws/answer.h"
#include "base/buf.h"
#include "codec/json.h"

enum { REQUEST_BYTES_MAX = 64 * 1024 };

static void put_text(struct buf *request, const char *name, struct span text)
{
    buf_printf(request, "%s\"%s\":", request->len ? "," : "{", name);
    json_put_string(request, text);
}

/* Closes the request and makes the call: none of these does anything twice. */
static enum lf_code call(struct dynamodb *client, const char *operation, struct buf *request, struct arena *arena,
                         struct span *ret_body, struct err *err)
{
    struct dynamodb_answer answer;
    buf_put_byte(request, '}');
    TRY(buf_check(request, err));
    TRY(dynamodb_call(client, DYNAMODB_TABLES, operation, buf_span(request), DYNAMODB_REPEAT_ANY, arena, &answer, err));
    *ret_body = answer.body;
    return LF_OK;
}

static enum lf_code read_recovery(struct span text, struct arena *arena, struct recovery *ret_recovery, struct err *err)
{
    struct answer_field outer = { .name = SPAN("ContinuousBackupsDescription") };
    struct answer_field inner = { .name = SPAN("PointInTimeRecoveryDescription") };
    struct answer_field fields[] = { { .name = SPAN("PointInTimeRecoveryStatus") },
                                     { .name = SPAN("EarliestRestorableDateTime") },
                                     { .name = SPAN("LatestRestorableDateTime") } };
    struct span status;
    double earliest, latest;
    TRY(answer_fields(text, arena, &outer, 1, err));
    TRY(answer_fields(outer.value, arena, &inner, 1, err));
    TRY(answer_fields(inner.value, arena, fields, 3, err));
    TRY(answer_text(fields[0].value, arena, &status, err));
    TRY(answer_double(fields[1].value, arena, &earliest, err));
    TRY(answer_double(fields[2].value, arena, &latest, err));
    bool is_on = span_equal(status, SPAN("ENABLED"));
    int64_t earliest_s = (int64_t)earliest;
    *ret_recovery = (struct recovery){ is_on, earliest_s + ((double)earliest_s < earliest), (int64_t)latest };
    return LF_OK;
}

enum lf_code dynamodb_describe_recovery(struct dynamodb *client, struct span table, struct arena *arena,
                                        struct recovery *ret_recovery, struct err *err)
{
    BUF_CLEANUP struct buf request;
    struct span text;
    buf_init(&request, REQUEST_BYTES_MAX);
    put_text(&request, "TableName", table);
    TRY(call(client, "DescribeContinuousBackups", &request, arena, &text, err));
    return read_recovery(text, arena, ret_recovery, err);
}

static enum lf_code read_description(struct span text, struct arena *arena, struct answer_field *fields, size_t count,
                                     struct err *err)
{
    struct answer_field outer = { .name = SPAN("ExportDescription") };
    TRY(answer_fields(text, arena, &outer, 1, err));
    return answer_fields(outer.value, arena, fields, count, err);
}

enum lf_code dynamodb_order_export(struct dynamodb *client, const struct export_order *order, struct arena *arena,
                                   struct span *ret_export_arn, struct err *err)
{
    BUF_CLEANUP struct buf request;
    struct span text;
    struct answer_field arn = { .name = SPAN("ExportArn") };
    buf_init(&request, REQUEST_BYTES_MAX);
    put_text(&request, "TableArn", order->table_arn);
    put_text(&request, "ClientToken", order->token);
    put_text(&request, "S3Bucket", order->bucket);
    if (order->prefix.len)
        put_text(&request, "S3Prefix", order->prefix);
    buf_printf(&request,
               ",\"ExportFormat\":\"DYNAMODB_JSON\",\"ExportType\":\"INCREMENTAL_EXPORT\",\"IncrementalExportSpecification\":{"
               "\"ExportFromTime\":%" PRId64 ",\"ExportToTime\":%" PRId64 ",\"ExportViewType\":\"NEW_AND_OLD_IMAGES\"}",
               order->from_unix_s, order->to_unix_s);
    TRY(call(client, "ExportTableToPointInTime", &request, arena, &text, err));
    TRY(read_description(text, arena, &arn, 1, err));
    TRY(answer_text(arn.value, arena, ret_export_arn, err));
    return ret_export_arn->len ? LF_OK : ERR(err, LF_AWS, "ExportTableToPointInTime has answered without an ExportArn");
}

static enum lf_code read_failure(const struct answer_field *code, const struct answer_field *message, struct arena *arena,
                                 struct span *ret_failure, struct err *err)
{
    struct span code_text, message_text;
    TRY(answer_text(code->value, arena, &code_text, err));
    TRY(answer_text(message->value, arena, &message_text, err));
    return arena_printf(arena, ret_failure, err, "%.*s: %.*s", SPAN_ARG(code_text), SPAN_ARG(message_text));
}

enum lf_code dynamodb_describe_export(struct dynamodb *client, struct span export_arn, struct arena *arena,
                                      struct export_state *ret_state, struct err *err)
{
    BUF_CLEANUP struct buf request;
    struct span text, status;
    struct answer_field fields[] = { { .name = SPAN("ExportStatus") },
                                     { .name = SPAN("FailureCode") },
                                     { .name = SPAN("FailureMessage") } };
    buf_init(&request, REQUEST_BYTES_MAX);
    put_text(&request, "ExportArn", export_arn);
    TRY(call(client, "DescribeExport", &request, arena, &text, err));
    TRY(read_description(text, arena, fields, 3, err));
    TRY(answer_text(fields[0].value, arena, &status, err));
    ret_state->status = span_equal(status, SPAN("COMPLETED")) ? EXPORT_COMPLETED
                        : span_equal(status, SPAN("FAILED"))  ? EXPORT_FAILED
                                                              : EXPORT_IN_PROGRESS;
    return read_failure(&fields[1], &fields[2], arena, &ret_state->failure, err);
}
