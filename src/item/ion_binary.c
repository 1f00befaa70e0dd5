#include "item/ion.h"

#include "codec/utf8.h"
#include "item/build.h"
#include "item/ion_types.h"

/*
 *     value:    | type 4 bits, L 4 bits | length, a VarUInt, where L is 14 | body ... |
 *                 L 0-13 is the length itself, L 15 a null of the type
 *     wrapper:  | 0xE, L | length | length of annotations | symbols ... | value |
 *     VarUInt:  7 bits a byte, most significant first, the last byte has its top bit set
 */
enum ion_type {
    TYPE_NULL,
    TYPE_BOOL,
    TYPE_POSITIVE_INT,
    TYPE_NEGATIVE_INT,
    TYPE_FLOAT,
    TYPE_DECIMAL,
    TYPE_TIMESTAMP,
    TYPE_SYMBOL,
    TYPE_STRING,
    TYPE_CLOB,
    TYPE_BLOB,
    TYPE_LIST,
    TYPE_SEXP,
    TYPE_STRUCT,
    TYPE_ANNOTATION,
    TYPE_RESERVED,
};

enum { NIBBLE_LONG = 14, NIBBLE_NULL = 15, NIBBLE_SORTED_STRUCT = 1 };
enum { SYMBOL_ION_SYMBOL_TABLE = 3, SYMBOL_IMPORTS = 6, SYMBOL_SYMBOLS = 7, SYMBOL_FIRST_LOCAL = 10 };

static const struct span version_marker = SPAN("\xE0\x01\x00\xEA");

/* A part of the input: of the whole, or of one container's body. Offsets in errors count from `start`. */
struct cursor {
    const char *start, *pos, *end;
};

struct element {
    enum ion_type type;
    unsigned nibble;
    bool is_null;
    size_t at;          /* offset of its first byte */
    struct cursor body; /* start as of the whole input */
};

struct reader {
    const struct ion_symbols *symbols;
    struct arena *arena;
};

/* ---- bytes ---- */

static struct cursor cursor_of(struct span bytes)
{
    const char *start = bytes.len ? bytes.ptr : "";
    return (struct cursor){ start, start, start + bytes.len };
}

static size_t offset_of(const struct cursor *cursor)
{
    return (size_t)(cursor->pos - cursor->start);
}

static size_t left_of(const struct cursor *cursor)
{
    return (size_t)(cursor->end - cursor->pos);
}

static struct span rest_of(const struct cursor *cursor)
{
    return span_of(cursor->pos, left_of(cursor));
}

static enum lf_code cut_off(const struct cursor *cursor, struct err *err)
{
    size_t at = (size_t)(cursor->end - cursor->start);
    return ERR_AT(err, LF_SYNTAX, at, "a value goes on beyond what holds it, which ends at byte %zu", at);
}

/* *ret_complete is false, and nothing taken, when the bytes end first. */
static enum lf_code take_varuint(struct cursor *cursor, bool *ret_complete, uint64_t *ret_value, struct err *err)
{
    enum { BYTES_MAX = 8 };
    uint64_t value = 0;
    size_t len = 0;
    unsigned char byte = 0;
    while (!(byte & 0x80)) {
        if (len == left_of(cursor)) {
            *ret_complete = false;
            return LF_OK;
        }
        if (len == BYTES_MAX)
            return ERR_AT(err, LF_SYNTAX, offset_of(cursor), "VarUInt of more than %d bytes at byte %zu", BYTES_MAX,
                          offset_of(cursor));
        byte = (unsigned char)cursor->pos[len++];
        value = value << 7 | (byte & 0x7F);
    }
    cursor->pos += len;
    *ret_complete = true;
    *ret_value = value;
    return LF_OK;
}

static enum lf_code read_varuint(struct cursor *cursor, uint64_t *ret_value, struct err *err)
{
    bool is_complete;
    TRY(take_varuint(cursor, &is_complete, ret_value, err));
    return is_complete ? LF_OK : cut_off(cursor, err);
}

/* ---- values and their lengths ---- */

/* Lengths of these types follow however short they are. */
static bool has_long_length(enum ion_type type, unsigned nibble)
{
    return nibble == NIBBLE_LONG || (type == TYPE_STRUCT && nibble == NIBBLE_SORTED_STRUCT);
}

/* Type and length of the value at the position, which goes on to its body. The length may reach beyond the bytes. */
static enum lf_code take_header(struct cursor *cursor, bool *ret_complete, struct element *ret_element, uint64_t *ret_len,
                                struct err *err)
{
    *ret_complete = left_of(cursor) > 0;
    if (!*ret_complete)
        return LF_OK;
    struct element element = { .at = offset_of(cursor) };
    unsigned char byte = (unsigned char)*cursor->pos++;
    element.type = byte >> 4;
    element.nibble = byte & 0xF;
    element.is_null = element.nibble == NIBBLE_NULL;
    if (element.type == TYPE_RESERVED || (element.type == TYPE_BOOL && element.nibble > 1 && !element.is_null))
        return ERR_AT(err, LF_SYNTAX, element.at, "0x%02X at byte %zu begins no value of Ion", byte, element.at);
    uint64_t len = element.is_null || element.type == TYPE_BOOL ? 0 : element.nibble;
    if (has_long_length(element.type, element.nibble))
        TRY(take_varuint(cursor, ret_complete, &len, err));
    *ret_element = element;
    *ret_len = len;
    return LF_OK;
}

/* The value at the position, all of it. */
static enum lf_code read_element(struct cursor *cursor, struct element *ret_element, struct err *err)
{
    bool is_complete;
    struct element element;
    uint64_t len;
    TRY(take_header(cursor, &is_complete, &element, &len, err));
    if (!is_complete || len > left_of(cursor))
        return cut_off(cursor, err);
    element.body = (struct cursor){ cursor->start, cursor->pos, cursor->pos + len };
    cursor->pos += len;
    *ret_element = element;
    return LF_OK;
}

static bool is_padding(const struct element *element)
{
    return element->type == TYPE_NULL && !element->is_null;
}

/* The next field of a struct's body that is no padding; false in *ret_more when there is none. */
static enum lf_code next_field(struct cursor *body, bool *ret_more, uint64_t *ret_symbol, struct element *ret_element,
                               struct err *err)
{
    do {
        *ret_more = left_of(body) > 0;
        if (!*ret_more)
            return LF_OK;
        TRY(read_varuint(body, ret_symbol, err));
        TRY(read_element(body, ret_element, err));
    } while (is_padding(ret_element));
    return LF_OK;
}

static enum lf_code next_element(struct cursor *body, bool *ret_more, struct element *ret_element, struct err *err)
{
    do {
        *ret_more = left_of(body) > 0;
        if (*ret_more)
            TRY(read_element(body, ret_element, err));
    } while (*ret_more && is_padding(ret_element));
    return LF_OK;
}

/* The first annotation of a wrapper, how many there are, and the value in it. */
static enum lf_code open_wrapper(const struct element *wrapper, uint64_t *ret_symbol, unsigned *ret_count,
                                 struct element *ret_value, struct err *err)
{
    struct cursor body = wrapper->body;
    uint64_t len;
    unsigned count = 0;
    if (wrapper->is_null)
        return ERR_AT(err, LF_SYNTAX, wrapper->at, "an annotation without a value at byte %zu", wrapper->at);
    TRY(read_varuint(&body, &len, err));
    if (len == 0 || len > left_of(&body))
        return ERR_AT(err, LF_SYNTAX, wrapper->at, "an annotation of wrong length at byte %zu", wrapper->at);
    struct cursor annotations = { body.start, body.pos, body.pos + len };
    for (uint64_t symbol; left_of(&annotations); count++) {
        TRY(read_varuint(&annotations, &symbol, err));
        if (count == 0)
            *ret_symbol = symbol;
    }
    body.pos += len;
    TRY(read_element(&body, ret_value, err));
    if (left_of(&body) || ret_value->type == TYPE_ANNOTATION || is_padding(ret_value))
        return ERR_AT(err, LF_SYNTAX, wrapper->at, "an annotation around no single value at byte %zu", wrapper->at);
    *ret_count = count;
    return LF_OK;
}

/* ---- symbols ---- */

static uint64_t uint_of(struct span bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | (unsigned char)bytes.ptr[i];
    return value;
}

/* Whether an imports field asks for the symbols that are there already; shared tables are not to be had. */
static enum lf_code read_imports(const struct element *imports, bool *ret_appends, struct err *err)
{
    struct cursor body = imports->body;
    struct element first;
    bool any = false;
    *ret_appends = imports->type == TYPE_SYMBOL && !imports->is_null && left_of(&body) <= sizeof(uint64_t) &&
                   uint_of(rest_of(&body)) == SYMBOL_ION_SYMBOL_TABLE;
    if (imports->type == TYPE_LIST)
        TRY(next_element(&body, &any, &first, err));
    if (any)
        return ERR_AT(err, LF_ITEM, imports->at, "DynamoDB uses no shared symbol tables");
    return LF_OK;
}

static enum lf_code classify_table(const struct element *table, enum ion_entry *ret_entry, struct err *err)
{
    struct cursor body = table->body;
    struct element field;
    uint64_t symbol;
    bool more = false, appends = false;
    TRY(next_field(&body, &more, &symbol, &field, err));
    while (more) {
        if (symbol == SYMBOL_IMPORTS)
            TRY(read_imports(&field, &appends, err));
        TRY(next_field(&body, &more, &symbol, &field, err));
    }
    *ret_entry = appends ? ION_SYMBOLS_APPENDED : ION_SYMBOLS;
    return LF_OK;
}

static enum lf_code classify(const struct element *element, enum ion_entry *ret_entry, struct err *err)
{
    *ret_entry = is_padding(element) ? ION_PADDING : ION_RECORD;
    if (element->type != TYPE_ANNOTATION)
        return LF_OK;
    uint64_t symbol;
    unsigned count;
    struct element inner;
    TRY(open_wrapper(element, &symbol, &count, &inner, err));
    bool is_table = symbol == SYMBOL_ION_SYMBOL_TABLE && inner.type == TYPE_STRUCT && !inner.is_null;
    return is_table ? classify_table(&inner, ret_entry, err) : LF_OK;
}

static enum lf_code next_version_marker(struct span bytes, enum ion_entry *ret_entry, size_t *ret_len, struct err *err)
{
    size_t len = bytes.len < version_marker.len ? bytes.len : version_marker.len;
    if (!span_starts_with(version_marker, span_of(bytes.ptr, len)))
        return ERR_AT(err, LF_SYNTAX, 0, "neither a value nor the version marker of Ion 1.0");
    *ret_entry = len == version_marker.len ? ION_VERSION_MARKER : ION_INCOMPLETE;
    *ret_len = len;
    return LF_OK;
}

enum lf_code ion_binary_next(struct span bytes, enum ion_entry *ret_entry, size_t *ret_len, struct err *err)
{
    struct cursor cursor = cursor_of(bytes);
    struct element element;
    uint64_t len;
    bool is_complete;
    if (bytes.len && bytes.ptr[0] == version_marker.ptr[0])
        return next_version_marker(bytes, ret_entry, ret_len, err);
    TRY(take_header(&cursor, &is_complete, &element, &len, err));
    if (is_complete && len > ION_VALUE_BYTES_MAX)
        return ERR_AT(err, LF_LIMIT, 0, "a value of %llu bytes, at most %d are allowed", (unsigned long long)len,
                      ION_VALUE_BYTES_MAX);
    if (!is_complete || len > left_of(&cursor)) {
        *ret_entry = ION_INCOMPLETE;
        return LF_OK;
    }
    element.body = (struct cursor){ cursor.start, cursor.pos, cursor.pos + len };
    TRY(classify(&element, ret_entry, err));
    *ret_len = offset_of(&cursor) + (size_t)len;
    return LF_OK;
}

void ion_symbols_init(struct ion_symbols *symbols, struct arena *arena)
{
    *symbols = (struct ion_symbols){ .arena = arena };
}

static enum lf_code add_symbol(struct ion_symbols *symbols, const struct element *element, struct err *err)
{
    void *array = symbols->texts;
    struct span text = { 0 };
    if (symbols->count == ION_SYMBOLS_MAX)
        return ERR_AT(err, LF_LIMIT, element->at, "a symbol table of more than %d symbols", ION_SYMBOLS_MAX);
    if (element->type == TYPE_STRING && !element->is_null)
        text = rest_of(&element->body);
    size_t invalid = utf8_invalid_at(text);
    if (invalid < text.len)
        return ERR_AT(err, LF_SYNTAX, element->at, "invalid UTF-8 in the symbol at byte %zu", element->at);
    TRY(build_room(symbols->arena, &array, symbols->count, sizeof *symbols->texts, err));
    symbols->texts = array;
    symbols->texts[symbols->count++] = text;
    return LF_OK;
}

static enum lf_code add_symbols(struct ion_symbols *symbols, const struct element *list, struct err *err)
{
    struct cursor body = list->body;
    struct element element;
    bool more = list->type == TYPE_LIST;
    while (more) {
        TRY(next_element(&body, &more, &element, err));
        if (more)
            TRY(add_symbol(symbols, &element, err));
    }
    return LF_OK;
}

static enum lf_code add_table(struct ion_symbols *symbols, struct span bytes, struct err *err)
{
    struct cursor cursor = cursor_of(bytes);
    struct element wrapper, table, field;
    uint64_t symbol;
    unsigned count;
    bool more = true;
    TRY(read_element(&cursor, &wrapper, err));
    TRY(open_wrapper(&wrapper, &symbol, &count, &table, err));
    while (more) {
        TRY(next_field(&table.body, &more, &symbol, &field, err));
        if (more && symbol == SYMBOL_SYMBOLS)
            TRY(add_symbols(symbols, &field, err));
    }
    return LF_OK;
}

enum lf_code ion_symbols_apply(struct ion_symbols *symbols, enum ion_entry entry, struct span bytes, struct err *err)
{
    if (entry != ION_SYMBOLS_APPENDED)
        symbols->count = 0;
    return entry == ION_VERSION_MARKER ? LF_OK : add_table(symbols, bytes, err);
}

static enum lf_code symbol_text(const struct reader *reader, uint64_t symbol, size_t at, struct span *ret_text, struct err *err)
{
    static const char *const system_symbols[SYMBOL_FIRST_LOCAL] = {
        NULL,      "$ion",    "$ion_1_0", "$ion_symbol_table",        "name", "version",
        "imports", "symbols", "max_id",   "$ion_shared_symbol_table",
    };
    struct span text = { 0 };
    if (symbol < SYMBOL_FIRST_LOCAL)
        text = span_from_cstr(system_symbols[symbol]);
    else if (symbol - SYMBOL_FIRST_LOCAL < reader->symbols->count)
        text = reader->symbols->texts[symbol - SYMBOL_FIRST_LOCAL];
    if (!text.ptr)
        return ERR_AT(err, LF_ITEM, at, "symbol %llu at byte %zu has no text", (unsigned long long)symbol, at);
    *ret_text = text;
    return LF_OK;
}

/* ---- scalars ---- */

static enum lf_code read_string(const struct element *element, struct span *ret_text, struct err *err)
{
    struct span text = rest_of(&element->body);
    size_t invalid = utf8_invalid_at(text);
    if (invalid < text.len) {
        size_t at = offset_of(&element->body) + invalid;
        return ERR_AT(err, LF_SYNTAX, at, "invalid UTF-8 at byte %zu", at);
    }
    *ret_text = text;
    return LF_OK;
}

/* VarInt: as VarUInt, but the second bit of the first byte is the sign. Saturates far out of DynamoDB's range. */
static enum lf_code read_varint(struct cursor *cursor, int64_t *ret_value, struct err *err)
{
    enum { SATURATED = 1 << 30 };
    if (left_of(cursor) == 0)
        return cut_off(cursor, err);
    unsigned char byte = (unsigned char)*cursor->pos++;
    bool negative = byte & 0x40;
    int64_t value = byte & 0x3F;
    while (!(byte & 0x80)) {
        if (left_of(cursor) == 0)
            return cut_off(cursor, err);
        byte = (unsigned char)*cursor->pos++;
        value = value >= SATURATED ? SATURATED : value << 7 | (byte & 0x7F);
    }
    *ret_value = negative ? -value : value;
    return LF_OK;
}

static void add_coefficient(uint128 coefficient, struct number_digits *digits)
{
    enum { DIGITS_MAX = 39 };
    unsigned char decimal[DIGITS_MAX];
    size_t count = 0;
    for (; coefficient; coefficient /= 10)
        decimal[count++] = (unsigned char)(coefficient % 10);
    while (count)
        number_digits_add(digits, decimal[--count]);
}

/* An integer, most significant byte first, whose top bit is the sign. */
static enum lf_code read_coefficient(const struct cursor *body, size_t at, bool *ret_negative, struct number_digits *digits,
                                     struct err *err)
{
    uint128 coefficient = 0;
    *ret_negative = left_of(body) && (body->pos[0] & 0x80);
    for (const char *pos = body->pos; pos < body->end; pos++) {
        if (coefficient >> 120)
            return ERR_AT(err, LF_LIMIT, at, "Attempting to store more than 38 significant digits in a Number");
        unsigned mask = pos == body->pos ? 0x7F : 0xFF;
        coefficient = coefficient << 8 | ((unsigned char)*pos & mask);
    }
    add_coefficient(coefficient, digits);
    return LF_OK;
}

static enum lf_code read_decimal(const struct element *element, struct number *ret_number, struct err *err)
{
    struct cursor body = element->body;
    struct number_digits digits = { 0 };
    int64_t exponent = 0;
    bool negative = false;
    if (left_of(&body)) {
        TRY(read_varint(&body, &exponent, err));
        TRY(read_coefficient(&body, element->at, &negative, &digits, err));
    }
    if (number_from_digits(&digits, exponent, negative, ret_number, err) == LF_OK)
        return LF_OK;
    err->offset = (int64_t)element->at;
    return err->code;
}

static enum lf_code refuse(const struct element *element, struct err *err)
{
    static const char *const names[] = {
        [TYPE_POSITIVE_INT] = "ints",  [TYPE_NEGATIVE_INT] = "ints",
        [TYPE_FLOAT] = "floats",       [TYPE_TIMESTAMP] = "timestamps",
        [TYPE_SYMBOL] = "symbols",     [TYPE_CLOB] = "clobs",
        [TYPE_SEXP] = "s-expressions", [TYPE_ANNOTATION] = "such annotations",
    };
    const char *name = element->is_null ? "typed nulls" : names[element->type];
    return ERR_AT(err, LF_ITEM, element->at, "DynamoDB writes no %s here, at byte %zu", name, element->at);
}

/* A string, decimal or blob; *ret_is_scalar is false when the element is another type. */
static enum lf_code read_scalar(const struct element *element, bool *ret_is_scalar, struct value *ret_value, struct err *err)
{
    *ret_is_scalar = !element->is_null;
    switch (element->is_null ? TYPE_NULL : element->type) {
    case TYPE_STRING:
        ret_value->type = VALUE_S;
        return read_string(element, &ret_value->bytes, err);
    case TYPE_DECIMAL:
        ret_value->type = VALUE_N;
        return read_decimal(element, &ret_value->number, err);
    case TYPE_BLOB:
        *ret_value = (struct value){ .type = VALUE_B, .bytes = rest_of(&element->body) };
        return LF_OK;
    default:
        *ret_is_scalar = false;
        return LF_OK;
    }
}

/* ---- containers ---- */

/* `level` as in ion_text.c. */
static enum lf_code read_value(const struct reader *reader, unsigned level, const struct element *element,
                               struct value *ret_value, struct err *err);

static enum lf_code read_attributes(const struct reader *reader, unsigned level, const struct element *element,
                                    struct attribute **ret_attributes, size_t *ret_count, struct err *err)
{
    struct cursor body = element->body;
    void *array = NULL;
    size_t count = 0;
    for (;;) {
        bool more;
        uint64_t symbol;
        struct element field;
        TRY(next_field(&body, &more, &symbol, &field, err));
        if (!more)
            break;
        TRY(build_room(reader->arena, &array, count, sizeof(struct attribute), err));
        struct attribute *attribute = (struct attribute *)array + count;
        TRY(symbol_text(reader, symbol, field.at, &attribute->name, err));
        TRY(build_check_name(attribute->name, field.at, err));
        TRY(read_value(reader, level, &field, &attribute->value, err));
        count++;
    }
    TRY(build_check_distinct(array, count, element->at, err));
    *ret_attributes = array;
    *ret_count = count;
    return LF_OK;
}

static enum lf_code read_map(const struct reader *reader, unsigned level, const struct element *element, struct value *ret_value,
                             struct err *err)
{
    TRY(build_check_level(level, element->at, err));
    ret_value->type = VALUE_M;
    return read_attributes(reader, level + 1, element, &ret_value->map.attributes, &ret_value->map.count, err);
}

static enum lf_code read_member(const struct element *element, enum value_type type, struct value *ret_value, struct err *err)
{
    bool is_scalar;
    TRY(read_scalar(element, &is_scalar, ret_value, err));
    if (!is_scalar || ret_value->type != type)
        return ERR_AT(err, LF_ITEM, element->at, "members of this set have the type %s", value_type_name(type));
    return LF_OK;
}

/* Members of that type in a set, any values (VALUE_TYPES) in a list. */
static enum lf_code read_elements(const struct reader *reader, unsigned level, enum value_type member, const struct element *list,
                                  struct value **ret_values, size_t *ret_count, struct err *err)
{
    struct cursor body = list->body;
    void *array = NULL;
    size_t count = 0;
    for (;;) {
        bool more;
        struct element element;
        TRY(next_element(&body, &more, &element, err));
        if (!more)
            break;
        TRY(build_room(reader->arena, &array, count, sizeof(struct value), err));
        struct value *value = (struct value *)array + count;
        TRY(member == VALUE_TYPES ? read_value(reader, level, &element, value, err) : read_member(&element, member, value, err));
        count++;
    }
    *ret_values = array;
    *ret_count = count;
    return LF_OK;
}

static enum lf_code read_list(const struct reader *reader, unsigned level, const struct element *element, struct value *ret_value,
                              struct err *err)
{
    TRY(build_check_level(level, element->at, err));
    struct value list = { .type = VALUE_L };
    TRY(read_elements(reader, level + 1, VALUE_TYPES, element, &list.list.values, &list.list.count, err));
    *ret_value = list;
    return LF_OK;
}

static enum lf_code read_set(const struct reader *reader, const struct element *wrapper, struct value *ret_value, struct err *err)
{
    uint64_t symbol;
    unsigned annotations;
    struct element list;
    struct span name;
    enum value_type type;
    struct value *members;
    size_t count;
    TRY(open_wrapper(wrapper, &symbol, &annotations, &list, err));
    TRY(symbol_text(reader, symbol, wrapper->at, &name, err));
    if (annotations != 1 || !ion_set_of_annotation(name, &type) || list.type != TYPE_LIST || list.is_null)
        return refuse(wrapper, err);
    TRY(read_elements(reader, 0, value_member_type(type), &list, &members, &count, err));
    return build_set(type, members, count, wrapper->at, ret_value, err);
}

static enum lf_code read_value(const struct reader *reader, unsigned level, const struct element *element,
                               struct value *ret_value, struct err *err)
{
    bool is_scalar;
    TRY(read_scalar(element, &is_scalar, ret_value, err));
    if (is_scalar)
        return LF_OK;
    if (element->is_null && element->type != TYPE_NULL)
        return refuse(element, err);
    switch (element->type) {
    case TYPE_NULL:
        *ret_value = (struct value){ .type = VALUE_NULL };
        return LF_OK;
    case TYPE_BOOL:
        *ret_value = (struct value){ .type = VALUE_BOOL, .boolean = element->nibble == 1 };
        return LF_OK;
    case TYPE_LIST:
        return read_list(reader, level, element, ret_value, err);
    case TYPE_STRUCT:
        return read_map(reader, level, element, ret_value, err);
    case TYPE_ANNOTATION:
        return read_set(reader, element, ret_value, err);
    default:
        return refuse(element, err);
    }
}

/* ---- records ---- */

static enum lf_code read_part(const struct reader *reader, uint64_t symbol, const struct element *field,
                              struct export_record *record, struct err *err)
{
    struct span name;
    enum export_part part;
    TRY(symbol_text(reader, symbol, field->at, &name, err));
    TRY(export_record_begin(record, name, field->at, &part, err));
    if (field->type != TYPE_STRUCT || field->is_null)
        return ERR_AT(err, LF_ITEM, field->at, "expected a struct for %.*s", SPAN_ARG(name));
    struct item *item = &record->parts[part];
    TRY(read_attributes(reader, 1, field, &item->attributes, &item->count, err));
    return build_check_item(item, field->at, err);
}

enum lf_code ion_binary_read_record(struct span bytes, const struct ion_symbols *symbols, struct arena *arena,
                                    struct export_record *ret_record, struct err *err)
{
    struct reader reader = { symbols, arena };
    struct cursor cursor = cursor_of(bytes);
    struct element top, field;
    struct export_record record = { 0 };
    uint64_t symbol;
    bool more = true;
    TRY(read_element(&cursor, &top, err));
    if (left_of(&cursor) || top.type != TYPE_STRUCT || top.is_null)
        return ERR_AT(err, LF_ITEM, left_of(&cursor) ? offset_of(&cursor) : 0, "expected one record, a struct");
    while (more) {
        TRY(next_field(&top.body, &more, &symbol, &field, err));
        if (more)
            TRY(read_part(&reader, symbol, &field, &record, err));
    }
    *ret_record = record;
    return LF_OK;
}
