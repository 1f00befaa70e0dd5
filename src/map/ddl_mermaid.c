#include "codec/utf8.h"
#include "map/ddl_steps.h"

/* Mermaid's own words for attributes; it does not tell them from names. */
static bool is_mermaid_word(struct span name)
{
    return name.len == 2 && ((name.ptr[0] | 0x20) == 'p' || (name.ptr[0] | 0x20) == 'f' || (name.ptr[0] | 0x20) == 'u') &&
           (name.ptr[1] | 0x20) == 'k';
}

static bool is_word_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '_';
}

/* A column's name as a word that Mermaid takes: anything else becomes "_". Returns whether it is the name itself. */
static bool put_word(struct buf *buf, struct span name)
{
    bool is_name = !is_mermaid_word(name);
    bool leads_with_digit = name.ptr[0] >= '0' && name.ptr[0] <= '9';
    buf_put_cstr(buf, leads_with_digit || !is_name ? "_" : "");
    for (size_t i = 0; i < name.len; i++) {
        bool is_word = is_word_byte(name.ptr[i]);
        is_name = is_name && is_word;
        buf_put_byte(buf, is_word ? name.ptr[i] : '_');
    }
    return is_name && !leads_with_digit;
}

/* In double quotes; Mermaid has no escapes there. */
static void put_quoted(struct buf *buf, struct span text)
{
    buf_put_byte(buf, '"');
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        bool is_bad = (unsigned char)byte < 0x20 || byte == 0x7f || memchr("\"%\\;#{}<>", byte, 9);
        buf_put_byte(buf, is_bad ? '_' : byte);
    }
    buf_put_byte(buf, '"');
}

static bool is_listed(const unsigned *columns, size_t count, size_t column)
{
    for (size_t i = 0; i < count; i++)
        if (columns[i] == column)
            return true;
    return false;
}

static bool is_foreign(const struct entity *entity, size_t column)
{
    for (size_t i = 0; i < entity->foreign_key_count; i++)
        if (is_listed(entity->foreign_keys[i].columns, entity->foreign_keys[i].count, column))
            return true;
    return false;
}

/* "        uuid message_id PK, FK" */
static void put_attribute(struct buf *buf, const struct column *column, bool is_primary, bool is_foreign_key)
{
    buf_printf(buf, "        %s ", column_type_name(column->type));
    bool is_name = put_word(buf, column->name);
    buf_put_cstr(buf, is_primary ? " PK" : "");
    if (is_foreign_key)
        buf_put_cstr(buf, is_primary ? ", FK" : " FK");
    if (!is_name) {
        buf_put_byte(buf, ' ');
        put_quoted(buf, column->name);
    }
    buf_put_byte(buf, '\n');
}

static void put_entity(struct buf *buf, const struct entity *entity)
{
    buf_put_cstr(buf, "    ");
    put_quoted(buf, entity->table);
    buf_put_cstr(buf, " {\n");
    for (size_t i = 0; i < entity->column_count; i++)
        put_attribute(buf, &entity->columns[i], is_listed(entity->primary_key, entity->primary_key_count, i),
                      is_foreign(entity, i));
    buf_put_cstr(buf, "    }\n");
}

static void put_child(struct buf *buf, const struct entity *entity, const struct child *child)
{
    buf_put_cstr(buf, "    ");
    put_quoted(buf, child->table);
    buf_put_cstr(buf, " {\n");
    for (size_t i = 0; i < entity->primary_key_count; i++)
        put_attribute(buf, &entity->columns[entity->primary_key[i]], true, true);
    buf_put_cstr(buf, "        integer position PK\n");
    for (size_t i = 0; i < child->column_count; i++)
        put_attribute(buf, &child->columns[i], false, false);
    buf_put_cstr(buf, "    }\n");
}

/* "parent" ||--o{ "child" : "columns": each child has one parent, or none where a column may be NULL. */
static void put_relation(struct buf *buf, const struct entity *entity, const struct foreign_key *key)
{
    bool is_optional = false;
    for (size_t i = 0; i < key->count; i++)
        is_optional = is_optional || !entity->columns[key->columns[i]].not_null;
    buf_put_cstr(buf, "    ");
    put_quoted(buf, key->parent->table);
    buf_put_cstr(buf, is_optional ? " |o--o{ " : " ||--o{ ");
    put_quoted(buf, entity->table);
    buf_put_cstr(buf, " : ");
    put_quoted(buf, entity->columns[key->columns[0]].name);
    buf_put_byte(buf, '\n');
}

static void put_relations(struct buf *buf, const struct entity *entity)
{
    for (size_t i = 0; i < entity->child_count; i++) {
        buf_put_cstr(buf, "    ");
        put_quoted(buf, entity->table);
        buf_put_cstr(buf, " ||--o{ ");
        put_quoted(buf, entity->children[i].table);
        buf_put_cstr(buf, " : ");
        put_quoted(buf, entity->children[i].attr.len ? entity->children[i].attr : SPAN("list"));
        buf_put_byte(buf, '\n');
    }
    for (size_t i = 0; i < entity->foreign_key_count; i++)
        put_relation(buf, entity, &entity->foreign_keys[i]);
}

void ddl_put_mermaid(struct buf *buf, const struct map *map)
{
    buf_put_cstr(buf, "erDiagram\n");
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count; e++) {
            const struct entity *entity = &map->tables[t].entities[e];
            put_entity(buf, entity);
            for (size_t c = 0; c < entity->child_count; c++)
                put_child(buf, entity, &entity->children[c]);
        }
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count; e++)
            put_relations(buf, &map->tables[t].entities[e]);
}
