#include "map/ddl.h"

#include "map/column_codec.h"
#include "map/ddl_steps.h"
#include "map/naming.h"

enum { PLAN_BYTES_MAX = 512 * 1024 * 1024 };

const char *migration_step_name(enum migration_step step)
{
    static const char *const names[MIGRATION_STEPS] = {
        [MIGRATION_TABLES] = "expand_tables",
        [MIGRATION_INDEXES] = "expand_indexes",
        [MIGRATION_CONSTRAINTS] = "expand_constraints",
        [MIGRATION_CONTRACT] = "contract_shadow",
    };
    return names[step];
}

/* Names and literals */

void ddl_put_quoted(struct buf *buf, struct span name)
{
    buf_put_byte(buf, '"');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '"')
            buf_put_byte(buf, '"');
        buf_put_byte(buf, name.ptr[i]);
    }
    buf_put_byte(buf, '"');
}

void ddl_put_identifier(struct buf *buf, struct span name)
{
    (name_needs_quotes(name) ? ddl_put_quoted : buf_put_span)(buf, name);
}

/* Control characters and backslashes go into an E'…': a literal never breaks a line, and means the same whatever
 * standard_conforming_strings is. */
static bool needs_escapes(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f || text.ptr[i] == '\\')
            return true;
    return false;
}

void ddl_put_literal(struct buf *buf, struct span text)
{
    buf_put_cstr(buf, needs_escapes(text) ? "E'" : "'");
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        if ((unsigned char)byte < 0x20 || byte == 0x7f) {
            buf_printf(buf, "\\x%02X", (unsigned char)byte);
            continue;
        }
        if (byte == '\'' || byte == '\\')
            buf_put_byte(buf, byte);
        buf_put_byte(buf, byte);
    }
    buf_put_byte(buf, '\'');
}

void ddl_put_table(struct buf *buf, const struct map *map, struct span table)
{
    ddl_put_identifier(buf, map->schema);
    buf_put_byte(buf, '.');
    ddl_put_identifier(buf, table);
}

void ddl_put_columns(struct buf *buf, const struct entity *entity, const unsigned *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buf_put_cstr(buf, i ? ", " : "");
        ddl_put_identifier(buf, entity->columns[columns[i]].name);
    }
}

/* Templates */

/* The codec's expression; its one %s stands for the column. */
void ddl_put_column_text(struct buf *buf, const struct column *column)
{
    const char *sql = column->codec->text_sql, *at = strstr(sql, "%s");
    buf_put(buf, sql, (size_t)(at - sql));
    ddl_put_identifier(buf, column->name);
    buf_put_cstr(buf, at + 2);
}

void ddl_put_column_key(struct buf *buf, const struct column *column)
{
    buf_put_cstr(buf, column->codec->value == VALUE_N ? "((" : "(");
    ddl_put_column_text(buf, column);
    buf_put_cstr(buf, column->codec->value == VALUE_N ? ")::numeric)" : " COLLATE \"C\")");
}

static void put_part(struct buf *buf, const struct entity *entity, const struct template_part *part)
{
    if (!part->is_variable) {
        ddl_put_literal(buf, part->literal);
        return;
    }
    buf_put_cstr(buf, part->optional ? "coalesce(" : "");
    buf_put_cstr(buf, part->lower ? "lower(" : "");
    ddl_put_column_text(buf, &entity->columns[part->column]);
    buf_put_cstr(buf, part->lower ? " COLLATE \"C\")" : "");
    buf_put_cstr(buf, part->optional ? ", '')" : "");
}

static void put_parts(struct buf *buf, const struct entity *entity, const struct template *template)
{
    for (size_t i = 0; i < template->count; i++) {
        buf_put_cstr(buf, i ? " || " : "");
        put_part(buf, entity, &template->parts[i]);
    }
    if (template->count == 1 && !template->parts[0].is_variable)
        buf_put_cstr(buf, "::text");
}

/* Keys of the table rebuild exactly or the item is no row; other attributes may stand in ddb_extra instead. A name with U+0000
 * cannot: jsonb has no such key. */
static bool may_be_extra(const struct entity *entity, const struct key_template *key)
{
    size_t at = (size_t)(key - entity->templates);
    return at >= entity_key_count(entity) && !key->is_column && span_find_byte(key->attr, '\0') == key->attr.len;
}

static void put_with_extra(struct buf *buf, const struct entity *entity, const struct key_template *key)
{
    buf_put_cstr(buf, "CASE WHEN ddb_extra ? ");
    ddl_put_literal(buf, key->attr);
    buf_put_cstr(buf, " THEN ddb_extra->");
    ddl_put_literal(buf, key->attr);
    buf_put_cstr(buf, "->>'S' ELSE ");
    put_parts(buf, entity, &key->template);
    buf_put_cstr(buf, " END");
}

void ddl_put_template(struct buf *buf, const struct entity *entity, const struct key_template *key)
{
    const struct column *own = key->is_column ? &entity->columns[key->template.parts[0].column] : NULL;
    if (own && own->codec->value != VALUE_S) {
        ddl_put_identifier(buf, own->name);
        return;
    }
    buf_put_byte(buf, '(');
    if (may_be_extra(entity, key)) {
        put_with_extra(buf, entity, key);
    } else {
        buf_put_cstr(buf, key->template.count > 1 ? "(" : "");
        put_parts(buf, entity, &key->template);
        buf_put_cstr(buf, key->template.count > 1 ? ")" : "");
    }
    buf_put_cstr(buf, " COLLATE \"C\")");
}

void ddl_put_match(struct buf *buf, const struct match *match)
{
    char number[NUMBER_TEXT_BYTES];
    if (match->value.type == VALUE_S) {
        buf_put_byte(buf, '(');
        ddl_put_literal(buf, match->value.bytes);
        buf_put_cstr(buf, "::text COLLATE \"C\")");
    } else {
        buf_put_byte(buf, '(');
        buf_put(buf, number, number_format(match->value.number, number));
        buf_put_cstr(buf, "::numeric)");
    }
}

/* Migrations */

void ddl_put_migration(struct buf *buf, const struct map *map, enum migration_step step)
{
    static ddl_put_step *const steps[MIGRATION_STEPS] = {
        [MIGRATION_TABLES] = ddl_put_tables,
        [MIGRATION_INDEXES] = ddl_put_indexes,
        [MIGRATION_CONSTRAINTS] = ddl_put_constraints,
        [MIGRATION_CONTRACT] = ddl_put_contract,
    };
    struct arena arena;
    arena_init(&arena, PLAN_BYTES_MAX);
    struct err err = ERR_INIT;
    struct ddl_plan plan;
    if (ddl_plan_make(map, &arena, &plan, &err))
        buf->failed = true; /* memory: as when the text itself had no room */
    else
        steps[step](buf, map, &plan);
    arena_done(&arena);
}
