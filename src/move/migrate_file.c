#include "move/migrate_file.h"

#include <ctype.h>
#include <strings.h>

/* --- names --- */

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

bool migrate_file_name(struct span file, struct span *ret_version, struct span *ret_name)
{
    size_t digits = 0;
    while (digits < file.len && is_digit(file.ptr[digits]))
        digits++;
    if (digits == 0 || !span_ends_with(file, SPAN(".sql")))
        return false;
    struct span name = span_of(file.ptr + digits, file.len - digits - strlen(".sql"));
    *ret_version = span_of(file.ptr, digits);
    *ret_name = name.len && name.ptr[0] == '_' ? span_from(name, 1) : name;
    return true;
}

/* --- blocks --- */

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n' || byte == '\f' || byte == '\v';
}

static struct span trim(struct span text)
{
    while (text.len && is_blank(text.ptr[0]))
        text = span_from(text, 1);
    while (text.len && is_blank(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

/* "-- migrate:up options": true, and what follows the marker. */
static bool is_marker(struct span line, struct span marker, struct span *ret_options)
{
    if (!span_starts_with(line, SPAN("--")))
        return false;
    line = trim(span_from(line, 2));
    if (!span_starts_with(line, marker) || (line.len > marker.len && !is_blank(line.ptr[marker.len])))
        return false;
    *ret_options = trim(span_from(line, marker.len));
    return true;
}

static enum lf_code parse_options(struct span options, unsigned line, bool *ret_alone, struct err *err)
{
    *ret_alone = span_equal(options, SPAN("transaction:false"));
    if (*ret_alone || options.len == 0 || span_equal(options, SPAN("transaction:true")))
        return LF_OK;
    return ERR(err, LF_MIGRATION, "line %u: \"%.*s\" is not an option of a migration; there is transaction:false", line,
               SPAN_ARG(options));
}

static enum lf_code open_block(struct span rest, struct span options, unsigned line, struct span *sql, unsigned *sql_line,
                               bool *alone, struct err *err)
{
    if (sql->ptr)
        return ERR(err, LF_MIGRATION, "line %u: a second block of the same kind", line);
    *sql = rest;
    *sql_line = line + 1;
    return parse_options(options, line, alone, err);
}

/* Only blanks and comments may stand before the first block. */
static enum lf_code check_before_blocks(struct span line, unsigned number, struct err *err)
{
    line = trim(line);
    return line.len == 0 || span_starts_with(line, SPAN("--"))
               ? LF_OK
               : ERR(err, LF_MIGRATION, "line %u: SQL before \"-- migrate:up\"", number);
}

static enum lf_code parse_line(struct span line, struct span rest, unsigned number, struct migrate_file *file, struct err *err)
{
    struct span options;
    if (is_marker(line, SPAN("migrate:up"), &options)) {
        if (file->down.ptr)
            return ERR(err, LF_MIGRATION, "line %u: \"-- migrate:up\" behind \"-- migrate:down\"", number);
        return open_block(rest, options, number, &file->up, &file->up_line, &file->up_alone, err);
    }
    if (is_marker(line, SPAN("migrate:down"), &options)) {
        if (!file->up.ptr)
            return ERR(err, LF_MIGRATION, "line %u: \"-- migrate:down\" before \"-- migrate:up\"", number);
        if (!file->down.ptr)
            file->up.len = (size_t)(line.ptr - file->up.ptr);
        return open_block(rest, options, number, &file->down, &file->down_line, &file->down_alone, err);
    }
    return file->up.ptr ? LF_OK : check_before_blocks(line, number, err);
}

enum lf_code migrate_file_parse(struct span text, struct migrate_file *ret_file, struct err *err)
{
    struct migrate_file file = { 0 };
    if (span_find_byte(text, '\0') < text.len)
        return ERR(err, LF_MIGRATION, "the file holds a NUL byte");
    struct span rest = text;
    for (unsigned number = 1; rest.len > 0; number++) {
        struct span line = span_cut_line(&rest);
        TRY(parse_line(line, rest, number, &file, err));
    }
    if (!file.up.ptr || !file.down.ptr)
        return ERR(err, LF_MIGRATION, "the file has no line \"-- migrate:%s\"", file.up.ptr ? "down" : "up");
    *ret_file = file;
    return LF_OK;
}

/* --- statements --- */

static bool is_identifier_start(char byte)
{
    return isalpha((unsigned char)byte) || byte == '_' || (byte & 0x80);
}

static bool is_identifier_part(char byte)
{
    return is_identifier_start(byte) || is_digit(byte) || byte == '$';
}

static size_t skip_quoted(struct span sql, size_t at, bool has_backslashes)
{
    char quote = sql.ptr[at];
    for (at++; at < sql.len; at++) {
        if (has_backslashes && sql.ptr[at] == '\\')
            at++;
        else if (sql.ptr[at] == quote)
            return at + 1; /* a doubled quote opens the next string right away, which comes to the same */
    }
    return sql.len;
}

static size_t skip_block_comment(struct span sql, size_t at)
{
    unsigned depth = 0;
    while (at < sql.len) {
        struct span rest = span_from(sql, at);
        if (span_starts_with(rest, SPAN("/*"))) {
            depth++;
            at += 2;
        } else if (span_starts_with(rest, SPAN("*/"))) {
            at += 2;
            if (--depth == 0)
                return at;
        } else {
            at++;
        }
    }
    return sql.len;
}

/* $tag$ … $tag$; a dollar that opens none (as of $1) is one byte. */
static size_t skip_dollar(struct span sql, size_t at)
{
    size_t end = at + 1;
    while (end < sql.len && is_identifier_part(sql.ptr[end]) && sql.ptr[end] != '$')
        end++;
    if (end >= sql.len || sql.ptr[end] != '$' || is_digit(sql.ptr[at + 1]))
        return at + 1;
    struct span tag = span_of(sql.ptr + at, end + 1 - at);
    struct span body = span_from(sql, end + 1);
    size_t close = span_find(body, tag);
    return close == body.len ? sql.len : end + 1 + close + tag.len;
}

static size_t skip_identifier(struct span sql, size_t at)
{
    size_t start = at;
    while (at < sql.len && is_identifier_part(sql.ptr[at]))
        at++;
    bool is_escape_string = at - start == 1 && (sql.ptr[start] | 0x20) == 'e' && at < sql.len && sql.ptr[at] == '\'';
    return is_escape_string ? skip_quoted(sql, at, true) : at;
}

static bool is_comment(struct span sql, size_t at)
{
    struct span rest = span_from(sql, at);
    return span_starts_with(rest, SPAN("--")) || span_starts_with(rest, SPAN("/*"));
}

/* The end of the token at `at`, which is before the end. A run of blanks is a token of one byte each. */
static size_t skip_token(struct span sql, size_t at)
{
    char byte = sql.ptr[at];
    if (is_comment(sql, at))
        return byte == '-' ? at + span_find_byte(span_from(sql, at), '\n') : skip_block_comment(sql, at);
    if (byte == '\'' || byte == '"')
        return skip_quoted(sql, at, false);
    if (byte == '$')
        return skip_dollar(sql, at);
    return is_identifier_start(byte) ? skip_identifier(sql, at) : at + 1;
}

static size_t skip_blanks(struct span sql, size_t at)
{
    while (at < sql.len && (is_blank(sql.ptr[at]) || is_comment(sql, at)))
        at = skip_token(sql, at);
    return at;
}

/* The semicolon outside of all parentheses, or the end. */
static size_t find_statement_end(struct span sql, size_t at)
{
    unsigned depth = 0;
    while (at < sql.len && !(sql.ptr[at] == ';' && depth == 0)) {
        if (sql.ptr[at] == '(')
            depth++;
        else if (sql.ptr[at] == ')' && depth > 0)
            depth--;
        at = skip_token(sql, at);
    }
    return at;
}

bool migrate_next_statement(struct span *rest, struct span *ret_statement)
{
    size_t start = skip_blanks(*rest, 0);
    while (start < rest->len && rest->ptr[start] == ';')
        start = skip_blanks(*rest, start + 1);
    if (start >= rest->len)
        return false;
    size_t end = find_statement_end(*rest, start);
    *ret_statement = span_of(rest->ptr + start, end - start);
    *rest = span_from(*rest, end + 1);
    return true;
}

/* --- CREATE INDEX and ALTER TABLE --- */

static struct span next_token(struct span sql, size_t *at)
{
    size_t start = skip_blanks(sql, *at);
    *at = start < sql.len ? skip_token(sql, start) : start;
    return span_of(sql.ptr + start, *at - start);
}

static bool is_word(struct span token, const char *word)
{
    return token.len == strlen(word) && strncasecmp(token.ptr, word, token.len) == 0;
}

/* Takes the word when it comes next. */
static bool take_word(struct span sql, size_t *at, const char *word)
{
    size_t behind = *at;
    if (!is_word(next_token(sql, &behind), word))
        return false;
    *at = behind;
    return true;
}

/* name or schema.name */
static bool take_name(struct span sql, size_t *at, struct span *ret_name)
{
    struct span first = next_token(sql, at);
    if (first.len == 0 || !(is_identifier_start(first.ptr[0]) || first.ptr[0] == '"'))
        return false;
    *ret_name = first;
    while (take_word(sql, at, ".")) {
        struct span part = next_token(sql, at);
        ret_name->len = (size_t)(part.ptr + part.len - first.ptr);
    }
    return true;
}

static bool take_create_index(struct span sql, size_t *at)
{
    if (!take_word(sql, at, "create"))
        return false;
    (void)take_word(sql, at, "unique");
    return take_word(sql, at, "index");
}

/* [IF NOT EXISTS] [name] ON [ONLY] table; without a name *ret_name is empty. */
static bool take_index_and_table(struct span sql, size_t *at, struct span *ret_name, struct span *ret_table)
{
    *ret_name = span_of(sql.ptr, 0);
    if (take_word(sql, at, "if") && !(take_word(sql, at, "not") && take_word(sql, at, "exists")))
        return false;
    if (!take_word(sql, at, "on") && !(take_name(sql, at, ret_name) && take_word(sql, at, "on")))
        return false;
    (void)take_word(sql, at, "only");
    return take_name(sql, at, ret_table);
}

bool migrate_concurrent_index(struct span statement, struct span *ret_name, struct span *ret_table)
{
    size_t at = 0;
    struct span name, table;
    if (!take_create_index(statement, &at) || !take_word(statement, &at, "concurrently") ||
        !take_index_and_table(statement, &at, &name, &table) || name.len == 0)
        return false;
    *ret_name = name;
    *ret_table = table;
    return true;
}

static bool take_alter_table(struct span sql, size_t *at, struct span *ret_table)
{
    if (!take_word(sql, at, "alter") || !take_word(sql, at, "table"))
        return false;
    if (take_word(sql, at, "if") && !take_word(sql, at, "exists"))
        return false;
    (void)take_word(sql, at, "only");
    return take_name(sql, at, ret_table);
}

static bool has_word(struct span sql, size_t at, const char *word)
{
    while (at < sql.len)
        if (is_word(next_token(sql, &at), word))
            return true;
    return false;
}

bool migrate_indexed_table(struct span statement, struct span *ret_table, bool *ret_alters)
{
    size_t at = 0;
    struct span name, table;
    *ret_alters = !take_create_index(statement, &at);
    if (!*ret_alters) {
        if (take_word(statement, &at, "concurrently") || !take_index_and_table(statement, &at, &name, &table))
            return false;
    } else {
        at = 0;
        if (!take_alter_table(statement, &at, &table) || has_word(statement, at, "references"))
            return false;
    }
    *ret_table = table;
    return true;
}
