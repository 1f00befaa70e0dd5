#include "item/ion.h"

#include "codec/base64.h"
#include "codec/utf8.h"
#include "item/build.h"
#include "item/ion_types.h"

struct reader {
    const char *start, *pos, *end; /* the line, borrowed */
    struct arena *arena;
};

/* `level` as in ddbjson.c: 1 for the attributes of an item and one more in every list and struct. */
static enum lf_code read_value(struct reader *reader, unsigned level, struct value *ret_value, struct err *err);

/* ---- bytes ---- */

static size_t offset_of(const struct reader *reader)
{
    return (size_t)(reader->pos - reader->start);
}

/* The byte `ahead` of the position; 0, which is nowhere valid outside of comments, at the end. */
static char peek_at(const struct reader *reader, size_t ahead)
{
    return ahead < (size_t)(reader->end - reader->pos) ? reader->pos[ahead] : '\0';
}

static char peek(const struct reader *reader)
{
    return peek_at(reader, 0);
}

static bool looking_at(const struct reader *reader, struct span text)
{
    return span_starts_with(span_of(reader->pos, (size_t)(reader->end - reader->pos)), text);
}

static enum lf_code expected(const struct reader *reader, const char *what, struct err *err)
{
    size_t at = offset_of(reader);
    if (reader->pos == reader->end)
        return ERR_AT(err, LF_SYNTAX, at, "expected %s, but the text ends at byte %zu", what, at);
    unsigned char found = (unsigned char)*reader->pos;
    if (found <= 0x20 || found > 0x7E)
        return ERR_AT(err, LF_SYNTAX, at, "expected %s at byte %zu, found byte 0x%02X", what, at, found);
    return ERR_AT(err, LF_SYNTAX, at, "expected %s at byte %zu, found '%c'", what, at, found);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static enum lf_code skip_comment(struct reader *reader, struct err *err)
{
    struct span rest = span_of(reader->pos, (size_t)(reader->end - reader->pos));
    if (peek_at(reader, 1) == '/') {
        reader->pos += span_find_byte(rest, '\n');
        return LF_OK;
    }
    size_t close = 2 + span_find(span_from(rest, 2), SPAN("*/"));
    if (close == rest.len)
        return ERR_AT(err, LF_SYNTAX, offset_of(reader), "the comment at byte %zu has no end", offset_of(reader));
    reader->pos += close + 2;
    return LF_OK;
}

static enum lf_code skip_space(struct reader *reader, struct err *err)
{
    for (;;) {
        while (is_space(peek(reader)))
            reader->pos++;
        if (!looking_at(reader, SPAN("//")) && !looking_at(reader, SPAN("/*")))
            return LF_OK;
        TRY(skip_comment(reader, err));
    }
}

/* ---- strings and quoted symbols ---- */

static bool is_control(char c)
{
    return (unsigned char)c < 0x20 && c != '\t' && c != '\v' && c != '\f';
}

/* The closing quote, from the position on; NULL when there is none. */
static const char *find_close(const struct reader *reader, struct span quote, bool *ret_has_escapes)
{
    *ret_has_escapes = false;
    for (const char *at = reader->pos; at < reader->end; at++) {
        if (*at == '\\') {
            *ret_has_escapes = true;
            at++;
        } else if (span_starts_with(span_of(at, (size_t)(reader->end - at)), quote)) {
            return at;
        }
    }
    return NULL;
}

static enum lf_code bad_escape(const struct reader *reader, const char *at, struct err *err)
{
    size_t offset = (size_t)(at - reader->start);
    return ERR_AT(err, LF_SYNTAX, offset, "the escape at byte %zu is none of Ion's", offset);
}

/* `count` hexadecimal digits. */
static bool read_hex(const char *at, const char *end, unsigned count, unsigned *ret_value)
{
    unsigned value = 0;
    if (count > (size_t)(end - at))
        return false;
    for (unsigned i = 0; i < count; i++) {
        char c = at[i];
        bool is_digit = c >= '0' && c <= '9', is_upper = c >= 'A' && c <= 'F', is_lower = c >= 'a' && c <= 'f';
        if (!is_digit && !is_upper && !is_lower)
            return false;
        value = value << 4 | (unsigned)(is_digit ? c - '0' : is_upper ? c - 'A' + 10 : c - 'a' + 10);
    }
    *ret_value = value;
    return true;
}

/* A code point by number: \xHH, \uHHHH (two of them for a surrogate pair), \UHHHHHHHH; `at` is behind the letter and moves on. */
static bool read_code_point(const char **at, const char *end, char letter, unsigned *ret_code_point)
{
    unsigned digits = letter == 'x' ? 2 : letter == 'u' ? 4 : 8, code_point, low;
    if (!read_hex(*at, end, digits, &code_point))
        return false;
    *at += digits;
    if (letter == 'u' && code_point >= 0xD800 && code_point < 0xDC00) {
        bool is_pair = end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u' && read_hex(*at + 2, end, 4, &low) &&
                       low >= 0xDC00 && low < 0xE000;
        if (!is_pair)
            return false;
        *at += 6;
        code_point = 0x10000 + ((code_point - 0xD800) << 10) + (low - 0xDC00);
    }
    *ret_code_point = code_point;
    return code_point <= 0x10FFFF && (code_point < 0xD800 || code_point >= 0xE000);
}

/* The byte that a one-letter escape stands for, or -1. */
static int simple_escape(char letter)
{
    static const char letters[] = "0abtnfrv\"'?\\/", bytes[] = "\0\a\b\t\n\f\r\v\"'?\\/";
    const char *found = letter ? strchr(letters, letter) : NULL;
    return found ? bytes[found - letters] : -1;
}

/* The escape whose backslash is at *at. */
static enum lf_code unescape(const struct reader *reader, const char **at, const char *end, char **out, struct err *err)
{
    const char *backslash = *at;
    char letter = backslash[1]; /* find_close saw that there is one */
    unsigned code_point;
    *at += 2;
    int byte = simple_escape(letter);
    if (byte >= 0) {
        *(*out)++ = (char)byte;
        return LF_OK;
    }
    bool is_numeric = letter == 'x' || letter == 'u' || letter == 'U';
    if (!is_numeric || !read_code_point(at, end, letter, &code_point))
        return bad_escape(reader, backslash, err);
    *out += utf8_encode(code_point, *out);
    return LF_OK;
}

/* Appends what stands between the position and `close` without its escapes. */
static enum lf_code copy_unescaped(const struct reader *reader, const char *close, char **out, struct err *err)
{
    for (const char *at = reader->pos; at < close;) {
        if (*at == '\\')
            TRY(unescape(reader, &at, close, out, err));
        else
            *(*out)++ = *at++;
    }
    return LF_OK;
}

static enum lf_code check_controls(const struct reader *reader, const char *close, struct err *err)
{
    for (const char *at = reader->pos; at < close; at++)
        if (is_control(*at))
            return ERR_AT(err, LF_SYNTAX, at - reader->start, "control character 0x%02X in a string at byte %zu",
                          (unsigned char)*at, (size_t)(at - reader->start));
    return LF_OK;
}

/* Opens a quoted text: the position goes behind the opening quote. */
static enum lf_code open_quoted(struct reader *reader, struct span quote, const char **ret_close, bool *ret_has_escapes,
                                struct err *err)
{
    size_t at = offset_of(reader);
    reader->pos += quote.len;
    const char *close = find_close(reader, quote, ret_has_escapes);
    if (!close)
        return ERR_AT(err, LF_SYNTAX, at, "the text in quotes at byte %zu has no end", at);
    *ret_close = close;
    return check_controls(reader, close, err);
}

/* "…" or '…'; no escape is shorter than what it stands for. */
static enum lf_code read_quoted(struct reader *reader, struct span quote, struct span *ret_text, struct err *err)
{
    const char *close;
    bool has_escapes;
    TRY(open_quoted(reader, quote, &close, &has_escapes, err));
    struct span text = span_of(reader->pos, (size_t)(close - reader->pos));
    if (has_escapes) {
        char *bytes = arena_alloc(reader->arena, text.len, err), *out = bytes;
        if (!bytes)
            return err->code;
        TRY(copy_unescaped(reader, close, &out, err));
        text = span_of(bytes, (size_t)(out - bytes));
    }
    reader->pos = close + quote.len;
    *ret_text = text;
    return LF_OK;
}

/* One segment of '''…''' '''…'''; `out` NULL only measures. */
static enum lf_code read_segment(struct reader *reader, char **out, size_t *len, struct err *err)
{
    const struct span quote = SPAN("'''");
    const char *close;
    bool has_escapes;
    TRY(open_quoted(reader, quote, &close, &has_escapes, err));
    *len += (size_t)(close - reader->pos);
    if (out)
        TRY(copy_unescaped(reader, close, out, err));
    reader->pos = close + quote.len;
    return skip_space(reader, err);
}

/* All segments of a long string: once to know how much room they take at most, once to write. */
static enum lf_code read_long(struct reader *reader, struct span *ret_text, struct err *err)
{
    struct reader ahead = *reader;
    size_t len = 0, ignored = 0;
    while (looking_at(&ahead, SPAN("'''")))
        TRY(read_segment(&ahead, NULL, &len, err));
    char *bytes = arena_alloc(reader->arena, len, err), *out = bytes;
    if (!bytes)
        return err->code;
    while (looking_at(reader, SPAN("'''")))
        TRY(read_segment(reader, &out, &ignored, err));
    *ret_text = span_of(bytes, (size_t)(out - bytes));
    return LF_OK;
}

static enum lf_code read_string(struct reader *reader, struct span *ret_text, struct err *err)
{
    return peek(reader) == '"' ? read_quoted(reader, SPAN("\""), ret_text, err) : read_long(reader, ret_text, err);
}

/* ---- words: identifiers and keywords ---- */

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$';
}

static bool is_word_start(char c)
{
    return is_word_byte(c) && !(c >= '0' && c <= '9');
}

/* Takes letters, digits, _ and $ off the front. */
static struct span take_word(struct reader *reader)
{
    const char *start = reader->pos;
    while (is_word_byte(peek(reader)))
        reader->pos++;
    return span_of(start, (size_t)(reader->pos - start));
}

static bool is_keyword(struct span word)
{
    return span_equal(word, SPAN("null")) || span_equal(word, SPAN("true")) || span_equal(word, SPAN("false")) ||
           span_equal(word, SPAN("nan"));
}

/* $10: a symbol by its number, whose text stands in a table that a line of an export does not have. */
static bool is_symbol_id(struct span word)
{
    if (word.len < 2 || word.ptr[0] != '$')
        return false;
    for (size_t i = 1; i < word.len; i++)
        if (word.ptr[i] < '0' || word.ptr[i] > '9')
            return false;
    return true;
}

static enum lf_code read_symbol(struct reader *reader, struct span *ret_text, struct err *err)
{
    if (peek(reader) == '\'')
        return read_quoted(reader, SPAN("'"), ret_text, err);
    size_t at = offset_of(reader);
    struct span word = take_word(reader);
    if (is_symbol_id(word))
        return ERR_AT(err, LF_ITEM, at, "symbol %.*s has no text", SPAN_ARG(word));
    if (is_keyword(word))
        return ERR_AT(err, LF_SYNTAX, at, "%.*s is no name unless in quotes", SPAN_ARG(word));
    *ret_text = word;
    return LF_OK;
}

/* ---- scalars ---- */

static bool take_digits(struct span *rest, struct number_digits *digits, size_t *ret_count)
{
    size_t count = 0;
    for (; count < rest->len && rest->ptr[count] >= '0' && rest->ptr[count] <= '9'; count++)
        number_digits_add(digits, (unsigned)(rest->ptr[count] - '0'));
    *rest = span_from(*rest, count);
    *ret_count = count;
    return count > 0;
}

static bool take_byte(struct span *rest, char byte)
{
    if (rest->len == 0 || rest->ptr[0] != byte)
        return false;
    *rest = span_from(*rest, 1);
    return true;
}

/* d[+-]digits or nothing; saturates far out of DynamoDB's range. */
static bool take_exponent(struct span *rest, int64_t *ret_exponent)
{
    enum { EXPONENT_MAX = 1000 * 1000 * 1000 };
    *ret_exponent = 0;
    if (!take_byte(rest, 'd') && !take_byte(rest, 'D'))
        return true;
    bool negative = take_byte(rest, '-');
    if (!negative)
        (void)take_byte(rest, '+');
    int64_t exponent = 0;
    size_t count = 0;
    for (; count < rest->len && rest->ptr[count] >= '0' && rest->ptr[count] <= '9'; count++)
        if (exponent < EXPONENT_MAX)
            exponent = exponent * 10 + (rest->ptr[count] - '0');
    *rest = span_from(*rest, count);
    *ret_exponent = negative ? -exponent : exponent;
    return count > 0;
}

/* -? digits [. digits*] [d exponent], with a point or a d: what has neither is an int. */
static bool parse_decimal(struct span text, struct number_digits *digits, int64_t *ret_exponent, bool *ret_negative)
{
    struct span rest = text;
    size_t whole, fraction = 0;
    *ret_negative = take_byte(&rest, '-');
    bool leading_zero = rest.len > 1 && rest.ptr[0] == '0' && rest.ptr[1] >= '0' && rest.ptr[1] <= '9';
    if (!take_digits(&rest, digits, &whole) || leading_zero || rest.len == 0)
        return false;
    if (take_byte(&rest, '.'))
        (void)take_digits(&rest, digits, &fraction);
    if (!take_exponent(&rest, ret_exponent) || rest.len)
        return false;
    *ret_exponent -= (int64_t)fraction;
    return true;
}

static bool is_number_byte(char c)
{
    return is_word_byte(c) || c == '.' || c == '-' || c == '+' || c == ':';
}

static enum lf_code read_number(struct reader *reader, struct value *ret_value, struct err *err)
{
    enum { SHOWN_BYTES = 60 };
    size_t at = offset_of(reader);
    const char *start = reader->pos;
    while (is_number_byte(peek(reader)))
        reader->pos++;
    struct span text = span_of(start, (size_t)(reader->pos - start));
    struct number_digits digits = { 0 };
    int64_t exponent = 0;
    bool negative = false;
    if (!parse_decimal(text, &digits, &exponent, &negative))
        return ERR_AT(err, LF_ITEM, at, "\"%.*s\" is no decimal: DynamoDB writes no ints, floats or timestamps",
                      SPAN_ARG(utf8_cut(text, SHOWN_BYTES)));
    ret_value->type = VALUE_N;
    if (number_from_digits(&digits, exponent, negative, &ret_value->number, err) == LF_OK)
        return LF_OK;
    err->offset = (int64_t)at;
    return err->code;
}

/* base64 in which there may be white space. */
static enum lf_code without_space(const struct reader *reader, struct span text, struct span *ret_text, struct err *err)
{
    char *bytes = arena_alloc(reader->arena, text.len, err), *out = bytes;
    if (!bytes)
        return err->code;
    for (size_t i = 0; i < text.len; i++)
        if (!is_space(text.ptr[i]))
            *out++ = text.ptr[i];
    *ret_text = span_of(bytes, (size_t)(out - bytes));
    return LF_OK;
}

static enum lf_code read_blob(struct reader *reader, struct value *ret_value, struct err *err)
{
    size_t at = offset_of(reader);
    struct span rest = span_of(reader->pos + 2, (size_t)(reader->end - reader->pos) - 2);
    struct span text = span_of(rest.ptr, span_find(rest, SPAN("}}")));
    if (text.len == rest.len)
        return ERR_AT(err, LF_SYNTAX, at, "the blob at byte %zu has no end", at);
    if (span_find_byte(text, '"') < text.len || span_find_byte(text, '\'') < text.len)
        return ERR_AT(err, LF_ITEM, at, "DynamoDB writes no clobs");
    TRY(without_space(reader, text, &text, err));
    ret_value->type = VALUE_B;
    if (base64_decode(text, reader->arena, &ret_value->bytes, err) != LF_OK) {
        err->offset = (int64_t)at;
        return err->code;
    }
    reader->pos = rest.ptr + span_find(rest, SPAN("}}")) + 2;
    return LF_OK;
}

/* true, false, null; a symbol is none of DynamoDB's types. */
static enum lf_code read_keyword(struct span word, size_t at, struct value *ret_value, struct err *err)
{
    enum { SHOWN_BYTES = 60 };
    bool is_true = span_equal(word, SPAN("true"));
    if (is_true || span_equal(word, SPAN("false"))) {
        *ret_value = (struct value){ .type = VALUE_BOOL, .boolean = is_true };
        return LF_OK;
    }
    if (!span_equal(word, SPAN("null")))
        return ERR_AT(err, LF_ITEM, at, "%.*s is a symbol or float, which DynamoDB does not write",
                      SPAN_ARG(utf8_cut(word, SHOWN_BYTES)));
    *ret_value = (struct value){ .type = VALUE_NULL };
    return LF_OK;
}

/* ---- containers ---- */

/* Behind an element: true when a comma was taken, false at the closing byte, which is taken too. */
static enum lf_code next_element(struct reader *reader, char close, bool *ret_more, struct err *err)
{
    TRY(skip_space(reader, err));
    if (peek(reader) != ',' && peek(reader) != close)
        return expected(reader, close == '}' ? "',' or '}'" : "',' or ']'", err);
    *ret_more = *reader->pos++ == ',';
    return LF_OK;
}

/* Whether the container ends here, as it may before its first element and behind a comma; takes the closing byte. */
static enum lf_code at_close(struct reader *reader, char close, bool *ret_end, struct err *err)
{
    TRY(skip_space(reader, err));
    *ret_end = peek(reader) == close;
    reader->pos += *ret_end;
    return LF_OK;
}

static enum lf_code read_name(struct reader *reader, struct span *ret_name, struct err *err)
{
    char c = peek(reader);
    if (c == '"' || looking_at(reader, SPAN("'''")))
        TRY(read_string(reader, ret_name, err));
    else if (c == '\'' || is_word_start(c))
        TRY(read_symbol(reader, ret_name, err));
    else
        return expected(reader, "a name", err);
    TRY(skip_space(reader, err));
    if (peek(reader) != ':' || peek_at(reader, 1) == ':')
        return expected(reader, "':'", err);
    reader->pos++;
    return LF_OK;
}

/* The attributes behind an opening brace, and the closing one; `begin` is where the struct begins. */
static enum lf_code read_attributes(struct reader *reader, unsigned level, size_t begin, struct attribute **ret_attributes,
                                    size_t *ret_count, struct err *err)
{
    void *array = NULL;
    size_t count = 0;
    bool end = false, more = true;
    TRY(at_close(reader, '}', &end, err));
    while (!end) {
        TRY(build_room(reader->arena, &array, count, sizeof(struct attribute), err));
        struct attribute *attribute = (struct attribute *)array + count;
        size_t at = offset_of(reader);
        TRY(read_name(reader, &attribute->name, err));
        TRY(build_check_name(attribute->name, at, err));
        TRY(read_value(reader, level, &attribute->value, err));
        count++;
        TRY(next_element(reader, '}', &more, err));
        end = !more;
        if (more)
            TRY(at_close(reader, '}', &end, err));
    }
    TRY(build_check_distinct(array, count, begin, err));
    *ret_attributes = array;
    *ret_count = count;
    return LF_OK;
}

static enum lf_code read_map(struct reader *reader, unsigned level, struct value *ret_value, struct err *err)
{
    size_t begin = offset_of(reader);
    TRY(build_check_level(level, begin, err));
    reader->pos++;
    ret_value->type = VALUE_M;
    return read_attributes(reader, level + 1, begin, &ret_value->map.attributes, &ret_value->map.count, err);
}

/* A string, decimal or blob; *ret_is_scalar is false, and nothing read, when something else stands there. */
static enum lf_code read_scalar(struct reader *reader, bool *ret_is_scalar, struct value *ret_value, struct err *err)
{
    char c = peek(reader);
    *ret_is_scalar = true;
    if (c == '"' || looking_at(reader, SPAN("'''"))) {
        ret_value->type = VALUE_S;
        return read_string(reader, &ret_value->bytes, err);
    }
    if ((c >= '0' && c <= '9') || c == '-' || c == '+')
        return read_number(reader, ret_value, err);
    if (looking_at(reader, SPAN("{{")))
        return read_blob(reader, ret_value, err);
    *ret_is_scalar = false;
    return LF_OK;
}

static enum lf_code read_member(struct reader *reader, enum value_type type, struct value *ret_value, struct err *err)
{
    bool is_scalar;
    size_t at = offset_of(reader);
    TRY(read_scalar(reader, &is_scalar, ret_value, err));
    if (!is_scalar || ret_value->type != type)
        return ERR_AT(err, LF_ITEM, at, "members of this set have the type %s", value_type_name(type));
    return LF_OK;
}

/* The elements behind '[', which are members of that type in a set, any values (VALUE_TYPES) in a list, and the bracket that
 * closes it. */
static enum lf_code read_elements(struct reader *reader, unsigned level, enum value_type member, struct value **ret_values,
                                  size_t *ret_count, struct err *err)
{
    void *array = NULL;
    size_t count = 0;
    bool end = false, more = true;
    reader->pos++;
    TRY(at_close(reader, ']', &end, err));
    while (!end) {
        TRY(build_room(reader->arena, &array, count, sizeof(struct value), err));
        struct value *value = (struct value *)array + count;
        TRY(member == VALUE_TYPES ? read_value(reader, level, value, err) : read_member(reader, member, value, err));
        count++;
        TRY(next_element(reader, ']', &more, err));
        end = !more;
        if (more)
            TRY(at_close(reader, ']', &end, err));
    }
    *ret_values = array;
    *ret_count = count;
    return LF_OK;
}

static enum lf_code read_list(struct reader *reader, unsigned level, struct value *ret_value, struct err *err)
{
    TRY(build_check_level(level, offset_of(reader), err));
    struct value list = { .type = VALUE_L };
    TRY(read_elements(reader, level + 1, VALUE_TYPES, &list.list.values, &list.list.count, err));
    *ret_value = list;
    return LF_OK;
}

static enum lf_code read_set(struct reader *reader, enum value_type type, struct value *ret_value, struct err *err)
{
    struct value *members;
    size_t count, begin = offset_of(reader);
    if (peek(reader) != '[')
        return expected(reader, "a list for a set", err);
    TRY(read_elements(reader, 0, value_member_type(type), &members, &count, err));
    return build_set(type, members, count, begin, ret_value, err);
}

/* Behind an annotation and its colons. */
static enum lf_code read_annotated(struct reader *reader, struct span annotation, size_t at, struct value *ret_value,
                                   struct err *err)
{
    enum { SHOWN_BYTES = 60 };
    enum value_type type;
    reader->pos += 2;
    TRY(skip_space(reader, err));
    if (!ion_set_of_annotation(annotation, &type))
        return ERR_AT(err, LF_ITEM, at, "annotation %.*s is none of DynamoDB's", SPAN_ARG(utf8_cut(annotation, SHOWN_BYTES)));
    return read_set(reader, type, ret_value, err);
}

static enum lf_code read_word(struct reader *reader, struct value *ret_value, struct err *err)
{
    size_t at = offset_of(reader);
    bool is_quoted = peek(reader) == '\'';
    struct span text;
    if (is_quoted)
        TRY(read_quoted(reader, SPAN("'"), &text, err));
    else
        text = take_word(reader);
    if (!is_quoted && peek(reader) == '.')
        return ERR_AT(err, LF_ITEM, at, "DynamoDB writes no typed nulls");
    TRY(skip_space(reader, err));
    if (looking_at(reader, SPAN("::")))
        return read_annotated(reader, text, at, ret_value, err);
    return is_quoted ? ERR_AT(err, LF_ITEM, at, "DynamoDB writes no symbols") : read_keyword(text, at, ret_value, err);
}

static enum lf_code read_value(struct reader *reader, unsigned level, struct value *ret_value, struct err *err)
{
    bool is_scalar;
    TRY(skip_space(reader, err));
    TRY(read_scalar(reader, &is_scalar, ret_value, err));
    if (is_scalar)
        return LF_OK;
    switch (peek(reader)) {
    case '{':
        return read_map(reader, level, ret_value, err);
    case '[':
        return read_list(reader, level, ret_value, err);
    case '(':
        return ERR_AT(err, LF_ITEM, offset_of(reader), "DynamoDB writes no s-expressions");
    default:
        if (peek(reader) == '\'' || is_word_start(peek(reader)))
            return read_word(reader, ret_value, err);
        return expected(reader, "a value", err);
    }
}

/* ---- records ---- */

static enum lf_code read_part(struct reader *reader, struct export_record *record, struct err *err)
{
    struct span name;
    enum export_part part;
    size_t at = offset_of(reader);
    TRY(read_name(reader, &name, err));
    TRY(export_record_begin(record, name, at, &part, err));
    TRY(skip_space(reader, err));
    size_t begin = offset_of(reader);
    if (peek(reader) != '{' || peek_at(reader, 1) == '{')
        return ERR_AT(err, LF_ITEM, begin, "expected a struct for %.*s", SPAN_ARG(name));
    reader->pos++;
    struct item *item = &record->parts[part];
    TRY(read_attributes(reader, 1, begin, &item->attributes, &item->count, err));
    return build_check_item(item, begin, err);
}

static enum lf_code skip_version_marker(struct reader *reader, struct err *err)
{
    struct reader ahead = *reader;
    if (!is_word_start(peek(reader)) || !span_equal(take_word(&ahead), SPAN("$ion_1_0")) || looking_at(&ahead, SPAN("::")))
        return LF_OK;
    *reader = ahead;
    return skip_space(reader, err);
}

enum lf_code ion_text_read_record(struct span line, struct arena *arena, struct export_record *ret_record, struct err *err)
{
    const char *start = line.len ? line.ptr : "";
    struct reader reader = { start, start, start + line.len, arena };
    struct export_record record = { 0 };
    bool end = false, more = true;
    size_t invalid = utf8_invalid_at(line);
    if (invalid < line.len)
        return ERR_AT(err, LF_SYNTAX, invalid, "invalid UTF-8 at byte %zu", invalid);
    TRY(skip_space(&reader, err));
    TRY(skip_version_marker(&reader, err));
    if (peek(&reader) != '{')
        return expected(&reader, "a record such as {Item:{…}}", err);
    reader.pos++;
    TRY(at_close(&reader, '}', &end, err));
    while (!end) {
        TRY(read_part(&reader, &record, err));
        TRY(next_element(&reader, '}', &more, err));
        end = !more;
        if (more)
            TRY(at_close(&reader, '}', &end, err));
    }
    TRY(skip_space(&reader, err));
    if (reader.pos < reader.end)
        return expected(&reader, "the end of the line", err);
    *ret_record = record;
    return LF_OK;
}
