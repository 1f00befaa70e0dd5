#include "ion_write.h"

#include <stdlib.h>

#include "codec/base64.h"
#include "codec/utf8.h"

static bool one_in(struct generator *generator, size_t count)
{
    return generate_below(generator, count) == 0;
}

static const char *annotation(enum value_type type)
{
    return type == VALUE_SS ? "$dynamodb_SS" : type == VALUE_NS ? "$dynamodb_NS" : "$dynamodb_BS";
}

/* ---- text ---- */

static void put_space(struct buf *buf, struct generator *generator)
{
    static const char *const spaces[] = { " ", "\t", " /* } ] */ ", "\v", "/**/" };
    if (one_in(generator, 6))
        buf_put_cstr(buf, spaces[generate_below(generator, sizeof spaces / sizeof spaces[0])]);
}

static void put_byte_escaped(struct buf *buf, struct generator *generator, char byte)
{
    static const char letters[] = "0abtnfrv\"'?\\/", bytes[] = "\0\a\b\t\n\f\r\v\"'?\\/";
    const char *found = memchr(bytes, byte, sizeof bytes - 1);
    bool must = (unsigned char)byte < 0x20 || byte == '"' || byte == '\'' || byte == '\\';
    bool is_ascii = (unsigned char)byte < 0x80;
    if (found && (must || one_in(generator, 8)))
        buf_printf(buf, "\\%c", letters[found - bytes]);
    else if (must || (is_ascii && one_in(generator, 20)))
        buf_printf(buf, one_in(generator, 2) ? "\\x%02x" : "\\u%04X", (unsigned char)byte);
    else
        buf_put_byte(buf, byte);
}

static void put_escaped(struct buf *buf, struct generator *generator, struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        put_byte_escaped(buf, generator, text.ptr[i]);
}

/* Cut anywhere but inside a character. */
static void put_long(struct buf *buf, struct generator *generator, struct span text)
{
    struct span first = utf8_cut(text, text.len ? generate_below(generator, text.len) : 0);
    buf_put_cstr(buf, "'''");
    put_escaped(buf, generator, first);
    buf_put_cstr(buf, "''' '''");
    put_escaped(buf, generator, span_from(text, first.len));
    buf_put_cstr(buf, "'''");
}

static void put_string(struct buf *buf, struct generator *generator, struct span text)
{
    if (one_in(generator, 8)) {
        put_long(buf, generator, text);
        return;
    }
    buf_put_byte(buf, '"');
    put_escaped(buf, generator, text);
    buf_put_byte(buf, '"');
}

static bool is_bare_name(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!is_letter && !(i && c >= '0' && c <= '9'))
            return false;
    }
    return !span_equal(name, SPAN("null")) && !span_equal(name, SPAN("true")) && !span_equal(name, SPAN("false")) &&
           !span_equal(name, SPAN("nan"));
}

static void put_name(struct buf *buf, struct generator *generator, struct span name)
{
    if (is_bare_name(name) && !one_in(generator, 4)) {
        buf_put_span(buf, name);
    } else if (one_in(generator, 3)) {
        put_string(buf, generator, name);
    } else {
        buf_put_byte(buf, '\'');
        put_escaped(buf, generator, name);
        buf_put_byte(buf, '\'');
    }
}

static void put_number(struct buf *buf, struct generator *generator, struct number number)
{
    char text[NUMBER_TEXT_BYTES];
    int exponent = number.exponent;
    size_t len = number_format(number, text);
    if (one_in(generator, 2)) {
        buf_put(buf, text, len);
        buf_put_cstr(buf, memchr(text, '.', len) ? "" : ".");
        return;
    }
    number.exponent = 0;
    len = number_format(number, text);
    buf_put(buf, text, len);
    buf_printf(buf, "%s%c%s%d", one_in(generator, 2) ? "." : "", one_in(generator, 2) ? 'd' : 'D',
               exponent >= 0 && one_in(generator, 2) ? "+" : "", exponent);
}

static void put_value(struct buf *buf, struct generator *generator, const struct value *value);

static void put_elements(struct buf *buf, struct generator *generator, const struct value *list)
{
    buf_put_byte(buf, '[');
    for (size_t i = 0; i < list->list.count; i++) {
        put_value(buf, generator, &list->list.values[i]);
        buf_put_cstr(buf, i + 1 < list->list.count || one_in(generator, 4) ? "," : "");
    }
    put_space(buf, generator);
    buf_put_byte(buf, ']');
}

static void put_attributes(struct buf *buf, struct generator *generator, const struct attribute *attributes, size_t count)
{
    buf_put_byte(buf, '{');
    for (size_t i = 0; i < count; i++) {
        put_space(buf, generator);
        put_name(buf, generator, attributes[i].name);
        put_space(buf, generator);
        buf_put_byte(buf, ':');
        put_value(buf, generator, &attributes[i].value);
        buf_put_cstr(buf, i + 1 < count || one_in(generator, 4) ? "," : "");
    }
    put_space(buf, generator);
    buf_put_byte(buf, '}');
}

static void put_value(struct buf *buf, struct generator *generator, const struct value *value)
{
    put_space(buf, generator);
    switch (value->type) {
    case VALUE_S:
        put_string(buf, generator, value->bytes);
        break;
    case VALUE_N:
        put_number(buf, generator, value->number);
        break;
    case VALUE_B:
        buf_put_cstr(buf, one_in(generator, 2) ? "{{ " : "{{");
        base64_put(buf, value->bytes);
        buf_put_cstr(buf, one_in(generator, 2) ? " }}" : "}}");
        break;
    case VALUE_BOOL:
        buf_put_cstr(buf, value->boolean ? "true" : "false");
        break;
    case VALUE_NULL:
        buf_put_cstr(buf, "null");
        break;
    case VALUE_L:
        put_elements(buf, generator, value);
        break;
    case VALUE_M:
        put_attributes(buf, generator, value->map.attributes, value->map.count);
        break;
    default:
        buf_printf(buf, one_in(generator, 2) ? "%s::" : "'%s' :: ", annotation(value->type));
        put_elements(buf, generator, value);
    }
    put_space(buf, generator);
}

void ion_write_text(struct buf *buf, struct generator *generator, const struct item *item)
{
    buf_put_cstr(buf, one_in(generator, 4) ? "" : "$ion_1_0 ");
    put_space(buf, generator);
    buf_put_cstr(buf, one_in(generator, 4) ? "{ 'Item' : " : "{Item:");
    put_attributes(buf, generator, item->attributes, item->count);
    buf_put_byte(buf, '}');
}

/* ---- binary ---- */

static void put_varuint(struct buf *buf, uint64_t value)
{
    char bytes[10];
    size_t at = sizeof bytes;
    bytes[--at] = (char)(0x80 | (value & 0x7F));
    while (value >>= 7)
        bytes[--at] = (char)(value & 0x7F);
    buf_put(buf, bytes + at, sizeof bytes - at);
}

/* A body behind its header. A struct may not have the length 1 in its first byte: that says that it is sorted. */
static void put_body(struct buf *buf, unsigned type, const struct buf *body)
{
    bool is_short = body->len < 14 && !(type == 13 && body->len == 1);
    buf_put_byte(buf, (char)(type << 4 | (is_short ? body->len : 14)));
    if (!is_short)
        put_varuint(buf, body->len);
    buf_put_span(buf, buf_span(body));
}

static void put_bytes(struct buf *buf, unsigned type, struct span bytes)
{
    struct buf body;
    buf_init(&body, 1 << 20);
    buf_put_span(&body, bytes);
    put_body(buf, type, &body);
    buf_done(&body);
}

static uint64_t symbol_of(struct ion_names *names, struct span name)
{
    enum { FIRST_LOCAL = 10 };
    size_t i = 0;
    while (i < names->count && !span_equal(names->names[i], name))
        i++;
    if (i == ION_WRITE_NAMES_MAX)
        abort();
    if (i == names->count)
        names->names[names->count++] = name;
    return i + FIRST_LOCAL;
}

static void put_padding(struct buf *buf, struct generator *generator)
{
    static const char paddings[][3] = { { '\x00' }, { '\x02', 'x', 'y' }, { '\x0E', '\x81', 'z' } };
    static const size_t lengths[] = { 1, 3, 3 };
    size_t which = generate_below(generator, 24);
    if (which < 3)
        buf_put(buf, paddings[which], lengths[which]);
}

static void put_decimal(struct buf *buf, struct generator *generator, struct number number)
{
    enum { COEFFICIENT_BYTES = 20 };
    struct buf body;
    buf_init(&body, 1 << 10);
    unsigned magnitude = (unsigned)abs(number.exponent), sign = number.exponent < 0 ? 0x40 : 0;
    if (magnitude > 0x3F) {
        buf_put_byte(&body, (char)(sign | magnitude >> 7));
        buf_put_byte(&body, (char)(0x80 | (magnitude & 0x7F)));
    } else {
        buf_put_byte(&body, (char)(0x80 | sign | magnitude));
    }
    unsigned char bytes[COEFFICIENT_BYTES] = { 0 };
    size_t at = COEFFICIENT_BYTES;
    for (uint128 left = number.coefficient; left; left >>= 8)
        bytes[--at] = (unsigned char)left;
    if (at == COEFFICIENT_BYTES || (bytes[at] & 0x80) || one_in(generator, 4))
        at--;
    bytes[at] |= number.negative ? 0x80 : 0;
    bool is_zero = number.coefficient == 0 && one_in(generator, 2);
    buf_put(&body, bytes + at, is_zero ? 0 : COEFFICIENT_BYTES - at);
    if (is_zero && one_in(generator, 2))
        buf_reset(&body);
    put_body(buf, 5, &body);
    buf_done(&body);
}

static void put_binary_value(struct buf *buf, struct generator *generator, struct ion_names *names, const struct value *value);

static void put_binary_list(struct buf *buf, struct generator *generator, struct ion_names *names, const struct value *list)
{
    struct buf body;
    buf_init(&body, 1 << 20);
    for (size_t i = 0; i < list->list.count; i++) {
        put_padding(&body, generator);
        put_binary_value(&body, generator, names, &list->list.values[i]);
    }
    put_padding(&body, generator);
    put_body(buf, 11, &body);
    buf_done(&body);
}

static void put_binary_set(struct buf *buf, struct generator *generator, struct ion_names *names, const struct value *set)
{
    struct buf body, symbol;
    buf_init(&body, 1 << 20);
    buf_init(&symbol, 16);
    put_varuint(&symbol, symbol_of(names, span_from_cstr(annotation(set->type))));
    put_varuint(&body, symbol.len);
    buf_put_span(&body, buf_span(&symbol));
    put_binary_list(&body, generator, names, set);
    put_body(buf, 14, &body);
    buf_done(&symbol);
    buf_done(&body);
}

static void put_binary_struct(struct buf *buf, struct generator *generator, struct ion_names *names,
                              const struct attribute *attributes, size_t count)
{
    struct buf body;
    buf_init(&body, 1 << 20);
    for (size_t i = 0; i < count; i++) {
        if (one_in(generator, 10))
            buf_put(&body, "\x80\x01?", 3); /* padding as a field */
        put_varuint(&body, symbol_of(names, attributes[i].name));
        put_binary_value(&body, generator, names, &attributes[i].value);
    }
    if (count == 1 && one_in(generator, 2)) { /* sorted, as one field always is */
        buf_put_byte(buf, '\xD1');
        put_varuint(buf, body.len);
        buf_put_span(buf, buf_span(&body));
    } else {
        put_body(buf, 13, &body);
    }
    buf_done(&body);
}

static void put_binary_value(struct buf *buf, struct generator *generator, struct ion_names *names, const struct value *value)
{
    switch (value->type) {
    case VALUE_S:
        put_bytes(buf, 8, value->bytes);
        break;
    case VALUE_N:
        put_decimal(buf, generator, value->number);
        break;
    case VALUE_B:
        put_bytes(buf, 10, value->bytes);
        break;
    case VALUE_BOOL:
        buf_put_byte(buf, value->boolean ? '\x11' : '\x10');
        break;
    case VALUE_NULL:
        buf_put_byte(buf, '\x0F');
        break;
    case VALUE_L:
        put_binary_list(buf, generator, names, value);
        break;
    case VALUE_M:
        put_binary_struct(buf, generator, names, value->map.attributes, value->map.count);
        break;
    default:
        put_binary_set(buf, generator, names, value);
    }
}

/* $ion_symbol_table::{imports: $ion_symbol_table, symbols: […]} */
static void declare_names(struct buf *buf, struct ion_names *names)
{
    struct buf list, table, wrapper;
    buf_init(&list, 1 << 20);
    buf_init(&table, 1 << 20);
    buf_init(&wrapper, 1 << 20);
    for (; names->declared < names->count; names->declared++)
        put_bytes(&list, 8, names->names[names->declared]);
    buf_put(&table, "\x86\x71\x03\x87", 4);
    put_body(&table, 11, &list);
    buf_put(&wrapper, "\x81\x83", 2);
    put_body(&wrapper, 13, &table);
    put_body(buf, 14, &wrapper);
    buf_done(&list);
    buf_done(&table);
    buf_done(&wrapper);
}

void ion_write_version_marker(struct buf *buf, struct ion_names *names)
{
    buf_put(buf, "\xE0\x01\x00\xEA", 4);
    names->count = names->declared = 0;
}

void ion_write_binary(struct buf *buf, struct generator *generator, struct ion_names *names, const struct item *item)
{
    struct buf body;
    buf_init(&body, 1 << 20);
    put_varuint(&body, symbol_of(names, SPAN("Item")));
    put_binary_struct(&body, generator, names, item->attributes, item->count);
    if (names->declared < names->count)
        declare_names(buf, names);
    put_padding(buf, generator);
    put_body(buf, 13, &body);
    buf_done(&body);
}
