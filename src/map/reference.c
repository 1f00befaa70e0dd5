#include "map/reference.h"

#include "codec/utf8.h"
#include "map/ddl.h"

enum { REFERENCE_COLUMNS_MAX = 32 };

/* What is left of the text. */
struct cursor {
    const char *pos, *end;
};

static bool is_name_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '_' ||
           (unsigned char)byte >= 0x80;
}

static void skip_spaces(struct cursor *cursor)
{
    while (cursor->pos < cursor->end && *cursor->pos == ' ')
        cursor->pos++;
}

static bool take_byte(struct cursor *cursor, char byte)
{
    skip_spaces(cursor);
    if (cursor->pos == cursor->end || *cursor->pos != byte)
        return false;
    cursor->pos++;
    return true;
}

/* Behind the opening quote: up to the closing one into `out`, which has room. Returns the length, 0 when there is no such name.
 */
static size_t take_quoted(struct cursor *cursor, char *out)
{
    size_t len = 0;
    while (cursor->pos < cursor->end) {
        char byte = *cursor->pos++;
        if (byte == '"' && (cursor->pos == cursor->end || *cursor->pos != '"'))
            return len;
        if (byte == '"')
            cursor->pos++;
        out[len++] = byte;
    }
    return 0;
}

static enum lf_code take_name(struct cursor *cursor, struct arena *arena, struct span *ret_name, struct err *err)
{
    char *out = arena_alloc(arena, (size_t)(cursor->end - cursor->pos), err);
    if (!out)
        return err->code;
    size_t len = 0;
    if (take_byte(cursor, '"'))
        len = take_quoted(cursor, out);
    else
        while (cursor->pos < cursor->end && is_name_byte(*cursor->pos))
            out[len++] = *cursor->pos++;
    if (len == 0)
        return ERR(err, LF_SYNTAX, "a name is missing");
    *ret_name = span_of(out, len);
    return LF_OK;
}

static enum lf_code take_reference(struct cursor *cursor, struct arena *arena, struct reference *reference, struct err *err)
{
    TRY(take_name(cursor, arena, &reference->table, err));
    if (!take_byte(cursor, '('))
        return ERR(err, LF_SYNTAX, "a '(' is missing");
    do {
        if (reference->count == REFERENCE_COLUMNS_MAX)
            return ERR(err, LF_LIMIT, "more than %d columns", REFERENCE_COLUMNS_MAX);
        TRY(take_name(cursor, arena, &reference->columns[reference->count++], err));
    } while (take_byte(cursor, ','));
    if (!take_byte(cursor, ')'))
        return ERR(err, LF_SYNTAX, "a ')' is missing");
    skip_spaces(cursor);
    return cursor->pos == cursor->end ? LF_OK : ERR(err, LF_SYNTAX, "there is something behind the ')'");
}

enum lf_code reference_parse(struct span text, struct arena *arena, struct reference *ret_reference, struct err *err)
{
    struct reference reference = { .columns = arena_calloc(arena, REFERENCE_COLUMNS_MAX, sizeof(struct span), err) };
    if (!reference.columns)
        return err->code;
    struct cursor cursor = { text.ptr, text.ptr + text.len };
    if (take_reference(&cursor, arena, &reference, err))
        return err_while(err, "reading '%.*s'; it must look like table(column, column)", SPAN_ARG(utf8_cut(text, 200)));
    *ret_reference = reference;
    return LF_OK;
}

static void put_name(struct buf *buf, struct span name)
{
    bool is_plain = true;
    for (size_t i = 0; i < name.len; i++)
        is_plain = is_plain && is_name_byte(name.ptr[i]);
    (is_plain ? buf_put_span : ddl_put_quoted)(buf, name);
}

void reference_put(struct buf *buf, const struct foreign_key *key)
{
    put_name(buf, key->parent->table);
    for (size_t i = 0; i < key->count; i++) {
        buf_put_cstr(buf, i ? ", " : "(");
        put_name(buf, key->parent->columns[key->references[i]].name);
    }
    buf_put_byte(buf, ')');
}
