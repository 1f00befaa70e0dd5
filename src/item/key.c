#include "item/key.h"

#include "base/limits.h"
#include "item/ddbjson.h"

static enum lf_code check_key_value(const struct key_attribute *attribute, const struct value *value, struct err *err)
{
    if (!value)
        return ERR(err, LF_ITEM, "One or more parameter values were invalid: Missing the key %.*s in the item",
                   SPAN_ARG(attribute->name));
    if (value->type != attribute->type)
        return ERR(err, LF_ITEM, "One or more parameter values were invalid: Type mismatch for key %.*s expected: %s actual: %s",
                   SPAN_ARG(attribute->name), value_type_name(attribute->type), value_type_name(value->type));
    if (value->type != VALUE_N && value->bytes.len == 0)
        return ERR(err, LF_ITEM,
                   "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "
                   "%s value. Key: %.*s",
                   value->type == VALUE_S ? "string" : "binary", SPAN_ARG(attribute->name));
    return LF_OK;
}

static enum lf_code number_bytes(struct number number, struct arena *arena, struct span *ret_bytes, struct err *err)
{
    char bytes[NUMBER_KEY_BYTES_MAX];
    return arena_copy(arena, span_of(bytes, number_key(number, bytes)), ret_bytes, err);
}

static enum lf_code read_part(const struct key_attribute *attribute, const struct item *item, struct arena *arena,
                              struct span *ret_bytes, struct err *err)
{
    const struct value *value = item_get(item, attribute->name);
    TRY(check_key_value(attribute, value, err));
    if (value->type == VALUE_N)
        return number_bytes(value->number, arena, ret_bytes, err);
    *ret_bytes = value->bytes;
    return LF_OK;
}

static enum lf_code check_key_limits(const struct key *key, struct err *err)
{
    if (key->partition.len > LIMIT_PARTITION_KEY_BYTES)
        return ERR(err, LF_LIMIT,
                   "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of%d bytes",
                   LIMIT_PARTITION_KEY_BYTES);
    if (key->sort.len > LIMIT_SORT_KEY_BYTES)
        return ERR(err, LF_LIMIT,
                   "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of "
                   "%d bytes",
                   LIMIT_SORT_KEY_BYTES);
    return LF_OK;
}

enum lf_code key_of_item(const struct key_schema *schema, const struct item *item, struct arena *arena, struct key *ret_key,
                         struct err *err)
{
    struct key key = { 0 };
    TRY(read_part(&schema->partition, item, arena, &key.partition, err));
    if (key_schema_has_sort(schema))
        TRY(read_part(&schema->sort, item, arena, &key.sort, err));
    TRY(check_key_limits(&key, err));
    *ret_key = key;
    return LF_OK;
}

uint64_t key_hash(const struct key *key)
{
    return hash64(key->sort, hash64(key->partition, 0));
}

unsigned key_segment(const struct key *key)
{
    return (unsigned)(key_hash(key) % PARITY_SEGMENTS);
}

/* Names may contain a colon, types do not: the last one separates. */
static size_t find_last_colon(struct span text)
{
    size_t at = text.len;
    while (at > 0 && text.ptr[at - 1] != ':')
        at--;
    return at ? at - 1 : text.len;
}

static enum lf_code parse_attribute(struct span text, struct key_attribute *ret_attribute, struct err *err)
{
    size_t colon = find_last_colon(text);
    enum value_type type;
    if (colon == 0 || colon == text.len || span_find_byte(text, ',') < text.len)
        return ERR(err, LF_USAGE, "\"%.*s\" is no key attribute, write name:S, name:N or name:B", SPAN_ARG(text));
    if (!value_type_from_name(span_from(text, colon + 1), &type) || type > VALUE_B)
        return ERR(err, LF_USAGE, "\"%.*s\" is no type of a key attribute, write S, N or B",
                   SPAN_ARG(span_from(text, colon + 1)));
    *ret_attribute = (struct key_attribute){ .name = span_of(text.ptr, colon), .type = type };
    return LF_OK;
}

enum lf_code key_schema_parse(struct span text, struct key_schema *ret_schema, struct err *err)
{
    struct key_schema schema = { 0 };
    size_t comma = span_find_byte(text, ',');
    TRY(parse_attribute(span_of(text.ptr, comma), &schema.partition, err));
    if (comma < text.len)
        TRY(parse_attribute(span_from(text, comma + 1), &schema.sort, err));
    if (key_schema_has_sort(&schema) && span_equal(schema.partition.name, schema.sort.name))
        return ERR(err, LF_USAGE, "partition and sort key are both named \"%.*s\"", SPAN_ARG(schema.sort.name));
    *ret_schema = schema;
    return LF_OK;
}

static void put_hex(struct buf *buf, struct span bytes)
{
    static const char digits[] = "0123456789abcdef";
    buf_put_cstr(buf, "0x");
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char byte = (unsigned char)bytes.ptr[i];
        buf_put_byte(buf, digits[byte >> 4]);
        buf_put_byte(buf, digits[byte & 15]);
    }
}

static void put_key_value(struct buf *buf, const struct value *value)
{
    char text[NUMBER_TEXT_BYTES];
    if (!value)
        buf_put_cstr(buf, "(absent)");
    else if (value->type == VALUE_S)
        json_put_string(buf, value->bytes);
    else if (value->type == VALUE_N)
        buf_put(buf, text, number_format(value->number, text));
    else if (value->type == VALUE_B)
        put_hex(buf, value->bytes);
    else
        ddbjson_put_value(buf, value);
}

static void describe_part(const struct key_attribute *attribute, const struct item *item, struct buf *buf)
{
    buf_put_span(buf, attribute->name);
    buf_put_byte(buf, '=');
    put_key_value(buf, item_get(item, attribute->name));
}

void key_describe(const struct key_schema *schema, const struct item *item, struct buf *buf)
{
    describe_part(&schema->partition, item, buf);
    if (key_schema_has_sort(schema)) {
        buf_put_cstr(buf, ", ");
        describe_part(&schema->sort, item, buf);
    }
}
