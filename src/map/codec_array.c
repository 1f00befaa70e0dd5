/*
 * text[], numeric[], bytea[]: the sets SS, NS, BS, and the list of strings.
 *
 * A set is stored in order, so that equal sets are equal arrays and SQL sees one order; reading takes any order. The list keeps
 * the order it has.
 */
#include "map/codec_functions.h"
#include "map/value_list.h"

enum { ARRAY_BYTES_MAX = 64 * LIMIT_ITEM_BYTES }; /* a one-digit number is 2 bytes to DynamoDB and 14 in an array */

static enum pg_oid element_oid(enum value_type member)
{
    return member == VALUE_S ? PG_OID_TEXT : member == VALUE_N ? PG_OID_NUMERIC : PG_OID_BYTEA;
}

static void put_member(struct buf *buf, const struct value *member)
{
    if (member->type != VALUE_N) {
        pg_put_element(buf, member->bytes);
        return;
    }
    char bytes[NUMERIC_BYTES_MAX];
    struct buf numeric = { .data = bytes, .cap = sizeof bytes, .limit = sizeof bytes };
    pg_put_numeric(&numeric, member->number);
    buf->failed |= numeric.failed;
    pg_put_element(buf, buf_span(&numeric));
}

static enum lf_code members_to_array(const struct value *members, size_t count, enum value_type member, struct arena *arena,
                                     struct pg_field *ret_field, struct err *err)
{
    struct buf buf;
    buf_init(&buf, ARRAY_BYTES_MAX);
    pg_put_array_header(&buf, element_oid(member), count);
    for (size_t i = 0; i < count; i++)
        put_member(&buf, &members[i]);
    return field_take(&buf, arena, ret_field, err);
}

/* PostgreSQL's text takes no U+0000; numbers and binaries are always fine. */
static bool are_members(const struct value *list, enum value_type member)
{
    for (size_t i = 0; i < list->list.count; i++) {
        const struct value *value = &list->list.values[i];
        if (value->type != member || (member == VALUE_S && !is_postgres_text(value->bytes)))
            return false;
    }
    return true;
}

static enum lf_code set_to_row(const struct value *value, enum value_type set, struct arena *arena, bool *ret_held,
                               struct pg_field *ret_field, struct err *err)
{
    enum value_type member = value_member_type(set);
    *ret_held = value->type == set && value->list.count > 0 && are_members(value, member);
    if (!*ret_held)
        return LF_OK;
    size_t count = value->list.count;
    struct value *sorted = arena_alloc(arena, count * sizeof *sorted, err);
    if (!sorted)
        return err->code;
    memcpy(sorted, value->list.values, count * sizeof *sorted);
    *ret_held = set_sort(sorted, count);
    return *ret_held ? members_to_array(sorted, count, member, arena, ret_field, err) : LF_OK;
}

static enum lf_code read_member(struct pg_reader *reader, enum value_type member, struct value *ret_value, struct err *err)
{
    struct pg_field field;
    TRY(pg_get_field(reader, &field, err));
    if (!field.data)
        return ERR(err, LF_ROW, "a NULL inside an array");
    *ret_value = (struct value){ .type = member };
    if (member == VALUE_N)
        return pg_read_numeric(field_bytes(field), &ret_value->number, err);
    ret_value->bytes = field_bytes(field);
    return LF_OK;
}

static enum lf_code array_to_members(struct pg_field field, enum value_type member, struct arena *arena, struct value *list,
                                     struct err *err)
{
    struct pg_reader reader;
    size_t count;
    TRY(pg_read_array(field_bytes(field), element_oid(member), &reader, &count, err));
    struct value *values = arena_calloc(arena, count, sizeof *values, err);
    if (!values)
        return err->code;
    for (size_t i = 0; i < count; i++)
        TRY(read_member(&reader, member, &values[i], err));
    if (reader.pos != reader.end)
        return ERR(err, LF_ROW, "%zu bytes behind an array", (size_t)(reader.end - reader.pos));
    list->list.values = values;
    list->list.count = count;
    return LF_OK;
}

static enum lf_code array_to_set(struct pg_field field, enum value_type set, struct arena *arena, struct value *ret_value,
                                 struct err *err)
{
    struct value value = { .type = set };
    TRY(field_error(array_to_members(field, value_member_type(set), arena, &value, err), err));
    if (value.list.count == 0)
        return ERR(err, LF_ROW, "an empty array where DynamoDB has a set, which is never empty");
    value.list.count = set_unite(value.list.values, value.list.count);
    *ret_value = value;
    return LF_OK;
}

enum lf_code text_set_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                             struct err *err)
{
    return set_to_row(value, VALUE_SS, arena, ret_held, ret_field, err);
}

enum lf_code text_set_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err)
{
    return array_to_set(field, VALUE_SS, arena, ret_value, err);
}

enum lf_code numeric_set_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                                struct err *err)
{
    return set_to_row(value, VALUE_NS, arena, ret_held, ret_field, err);
}

enum lf_code numeric_set_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err)
{
    return array_to_set(field, VALUE_NS, arena, ret_value, err);
}

enum lf_code bytea_set_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                              struct err *err)
{
    return set_to_row(value, VALUE_BS, arena, ret_held, ret_field, err);
}

enum lf_code bytea_set_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err)
{
    return array_to_set(field, VALUE_BS, arena, ret_value, err);
}

enum lf_code text_list_to_row(const struct value *value, struct arena *arena, bool *ret_held, struct pg_field *ret_field,
                              struct err *err)
{
    *ret_held = value->type == VALUE_L && are_members(value, VALUE_S);
    return *ret_held ? members_to_array(value->list.values, value->list.count, VALUE_S, arena, ret_field, err) : LF_OK;
}

enum lf_code text_list_to_item(struct pg_field field, struct arena *arena, struct value *ret_value, struct err *err)
{
    struct value value = { .type = VALUE_L };
    TRY(field_error(array_to_members(field, VALUE_S, arena, &value, err), err));
    *ret_value = value;
    return LF_OK;
}
