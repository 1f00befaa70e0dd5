#include "gateway/reply.h"

#include <inttypes.h>

#include "codec/json.h"
#include "item/ddbjson.h"

void reply_init(struct reply *reply, struct buf *buf)
{
    *reply = (struct reply){ .buf = buf };
}

/* ---- structure ---- */

static void before_value(struct reply *reply)
{
    if (reply->needs_comma)
        buf_put_byte(reply->buf, ',');
    reply->needs_comma = true;
}

static void begin(struct reply *reply, char bracket)
{
    before_value(reply);
    buf_put_byte(reply->buf, bracket);
    reply->needs_comma = false;
}

static void end(struct reply *reply, char bracket)
{
    buf_put_byte(reply->buf, bracket);
    reply->needs_comma = true;
}

void reply_object_begin(struct reply *reply)
{
    begin(reply, '{');
}

void reply_object_end(struct reply *reply)
{
    end(reply, '}');
}

void reply_array_begin(struct reply *reply)
{
    begin(reply, '[');
}

void reply_array_end(struct reply *reply)
{
    end(reply, ']');
}

void reply_name(struct reply *reply, struct span name)
{
    before_value(reply);
    buf_put_byte(reply->buf, '"');
    buf_put_span(reply->buf, name);
    buf_put(reply->buf, "\":", 2);
    reply->needs_comma = false;
}

void reply_user_name(struct reply *reply, struct span name)
{
    before_value(reply);
    json_put_string(reply->buf, name);
    buf_put_byte(reply->buf, ':');
    reply->needs_comma = false;
}

/* ---- values ---- */

void reply_string(struct reply *reply, struct span text)
{
    before_value(reply);
    json_put_string(reply->buf, text);
}

void reply_integer(struct reply *reply, int64_t value)
{
    before_value(reply);
    buf_printf(reply->buf, "%" PRId64, value);
}

void reply_double(struct reply *reply, double value)
{
    enum { DIGITS = 15, EXACT_MAX = 1000000000 };
    before_value(reply);
    bool is_whole = value > -EXACT_MAX && value < EXACT_MAX && value == (double)(int64_t)value;
    if (is_whole)
        buf_printf(reply->buf, "%.1f", value);
    else
        buf_printf(reply->buf, "%.*g", DIGITS, value);
}

void reply_timestamp(struct reply *reply, int64_t unix_ms)
{
    enum { MS_PER_SECOND = 1000 };
    int64_t seconds = unix_ms / MS_PER_SECOND, rest = unix_ms % MS_PER_SECOND;
    const char *sign = unix_ms < 0 && seconds == 0 ? "-" : "";
    before_value(reply);
    buf_printf(reply->buf, "%s%" PRId64 ".%03" PRId64, sign, seconds, rest < 0 ? -rest : rest);
}

void reply_boolean(struct reply *reply, bool value)
{
    before_value(reply);
    buf_put_cstr(reply->buf, value ? "true" : "false");
}

void reply_item(struct reply *reply, const struct item *item)
{
    before_value(reply);
    ddbjson_put_item(reply->buf, item);
}

void reply_value(struct reply *reply, const struct value *value)
{
    before_value(reply);
    ddbjson_put_value(reply->buf, value);
}

void reply_raw(struct reply *reply, struct span json)
{
    before_value(reply);
    buf_put_span(reply->buf, json);
}

/* ---- members ---- */

void reply_member_string(struct reply *reply, struct span name, struct span text)
{
    reply_name(reply, name);
    reply_string(reply, text);
}

void reply_member_integer(struct reply *reply, struct span name, int64_t value)
{
    reply_name(reply, name);
    reply_integer(reply, value);
}

static void put_double_member(struct reply *reply, struct span name, double value)
{
    reply_name(reply, name);
    reply_double(reply, value);
}

void reply_member_timestamp(struct reply *reply, struct span name, int64_t unix_ms)
{
    reply_name(reply, name);
    reply_timestamp(reply, unix_ms);
}

void reply_member_boolean(struct reply *reply, struct span name, bool value)
{
    reply_name(reply, name);
    reply_boolean(reply, value);
}

void reply_member_item(struct reply *reply, struct span name, const struct item *item)
{
    reply_name(reply, name);
    reply_item(reply, item);
}

void reply_member_raw(struct reply *reply, struct span name, struct span json)
{
    reply_name(reply, name);
    reply_raw(reply, json);
}

/* ---- ConsumedCapacity ---- */

/* The members of a Capacity. */
static void put_units(struct reply *reply, const struct consumed_capacity *capacity, double units)
{
    put_double_member(reply, SPAN("CapacityUnits"), units);
    if (capacity->is_transaction)
        put_double_member(reply, capacity->is_write ? SPAN("WriteCapacityUnits") : SPAN("ReadCapacityUnits"), units);
}

static void put_capacity(struct reply *reply, const struct consumed_capacity *capacity, double units)
{
    reply_object_begin(reply);
    put_units(reply, capacity, units);
    reply_object_end(reply);
}

static void put_indexes(struct reply *reply, const struct consumed_capacity *capacity, bool is_local)
{
    bool has_begun = false;
    for (size_t i = 0; i < capacity->index_count; i++) {
        const struct consumed_index *index = &capacity->indexes[i];
        if (index->is_local != is_local)
            continue;
        if (!has_begun) {
            reply_name(reply, is_local ? SPAN("LocalSecondaryIndexes") : SPAN("GlobalSecondaryIndexes"));
            reply_object_begin(reply);
            has_begun = true;
        }
        reply_user_name(reply, index->name);
        put_capacity(reply, capacity, index->units);
    }
    if (has_begun)
        reply_object_end(reply);
}

static double total_units(const struct consumed_capacity *capacity)
{
    double units = capacity->table_units;
    for (size_t i = 0; i < capacity->index_count; i++)
        units += capacity->indexes[i].units;
    return units;
}

void reply_capacity(struct reply *reply, const struct consumed_capacity *capacity, enum capacity_detail detail)
{
    reply_object_begin(reply);
    reply_member_string(reply, SPAN("TableName"), capacity->table_name);
    put_units(reply, capacity, total_units(capacity));
    if (detail == CAPACITY_INDEXES) {
        reply_name(reply, SPAN("Table"));
        put_capacity(reply, capacity, capacity->table_units);
        put_indexes(reply, capacity, true);
        put_indexes(reply, capacity, false);
    }
    reply_object_end(reply);
}
