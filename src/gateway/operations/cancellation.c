#include "gateway/operations/cancellation.h"

static const struct {
    enum lf_code code;
    const char *name;
} names[] = {
    { LF_OK, "None" },
    { LF_CONDITIONAL_CHECK_FAILED, "ConditionalCheckFailed" },
    { LF_VALIDATION, "ValidationError" },
    { LF_DUPLICATE_ITEM, "DuplicateItem" },
    { LF_TRANSACTION_CONFLICT, "TransactionConflict" },
};

/* NULL for what is no reason. */
static const char *name_of(enum lf_code code)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].code == code)
            return names[i].name;
    return NULL;
}

static bool is_about_empty(const struct err *err)
{
    return span_starts_with(span_from_cstr(err->message), SPAN("One or more parameter values are not valid. "));
}

enum lf_code cancellation_take(enum lf_code code, struct arena *arena, struct cancellation_reason *reason, struct err *err)
{
    if (!code || !name_of(code) || is_about_empty(err))
        return code;
    reason->code = code;
    return arena_copy(arena, span_from_cstr(err->message), &reason->message, err);
}

static void put_reason(const struct cancellation_reason *reason, struct reply *reply)
{
    reply_object_begin(reply);
    reply_member_string(reply, SPAN("Code"), span_from_cstr(name_of(reason->code)));
    if (reason->code)
        reply_member_string(reply, SPAN("Message"), reason->message);
    if (reason->item.ptr)
        reply_member_raw(reply, SPAN("Item"), reason->item);
    reply_object_end(reply);
}

static void put_summary(const struct cancellation_reason *reasons, size_t count, struct buf *summary)
{
    buf_put_cstr(summary, "Transaction cancelled, please refer cancellation reasons for specific reasons [");
    for (size_t i = 0; i < count; i++)
        buf_printf(summary, "%s%s", i ? ", " : "", name_of(reasons[i].code));
    buf_put_byte(summary, ']');
}

enum { SUMMARY_BYTES_MAX = 8192 };

static enum lf_code cancel(struct call *call, const struct cancellation_reason *reasons, size_t count, struct err *err)
{
    struct buf summary;
    struct reply reply = { .buf = call->error_members, .needs_comma = true };
    buf_init(&summary, SUMMARY_BYTES_MAX);
    put_summary(reasons, count, &summary);
    reply_name(&reply, SPAN("CancellationReasons"));
    reply_array_begin(&reply);
    for (size_t i = 0; i < count; i++)
        put_reason(&reasons[i], &reply);
    reply_array_end(&reply);
    reply_member_string(&reply, SPAN("Message"), buf_span(&summary));
    call->has_error_message = true;
    enum lf_code code = ERR(err, LF_TRANSACTION_CANCELED, "%s", buf_cstr(&summary));
    enum lf_code memory = buf_check(&summary, err);
    buf_done(&summary);
    TRY(memory);
    TRY(buf_check(call->error_members, err));
    return code;
}

enum lf_code cancellation_check(struct call *call, const struct cancellation_reason *reasons, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (reasons[i].code)
            return cancel(call, reasons, count, err);
    return LF_OK;
}

enum lf_code cancellation_of_conflict(struct call *call, size_t count, struct err *err)
{
    struct cancellation_reason *reasons = arena_calloc(call->arena, count + 1, sizeof *reasons, err);
    if (!reasons)
        return err->code;
    for (size_t i = 0; i < count; i++)
        reasons[i] = (struct cancellation_reason){ .code = LF_TRANSACTION_CONFLICT,
                                                   .message = SPAN("Transaction is ongoing for the item") };
    return cancel(call, reasons, count, err);
}
