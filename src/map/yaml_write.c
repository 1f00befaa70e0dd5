#include "base/limits.h"
#include "map/column_codec.h"
#include "map/map_yaml.h"
#include "map/reference.h"
#include "map/yaml_text.h"

/* Levels of indentation, in spaces. */
enum { IN_TABLES = 2, IN_TABLE = 4, IN_ENTITIES = 6, IN_ENTITY = 8, IN_COLUMNS = 10, IN_CHILD = 12, IN_CHILD_COLUMNS = 14 };

static void put_spaces(struct buf *buf, size_t count)
{
    while (count--)
        buf_put_byte(buf, ' ');
}

/* A comment block, one line per line of the note. */
static void put_note_above(struct buf *buf, size_t indent, struct span note)
{
    while (note.len) {
        size_t end = span_find_byte(note, '\n');
        put_spaces(buf, indent);
        yaml_put_comment(buf, span_of(note.ptr, end));
        buf_put_byte(buf, '\n');
        note = span_from(note, end + 1);
    }
}

static void put_line_end(struct buf *buf, struct span note)
{
    if (note.len) {
        buf_put_cstr(buf, "  ");
        yaml_put_comment(buf, note);
    }
    buf_put_byte(buf, '\n');
}

static void put_block_key(struct buf *buf, size_t indent, struct span name)
{
    put_spaces(buf, indent);
    yaml_put_scalar(buf, name);
    buf_put_byte(buf, ':');
}

/* Keys */

static void put_key_schema(struct buf *buf, const struct key_schema *key)
{
    buf_put_cstr(buf, " { ");
    yaml_put_flow_key(buf, key->partition.name);
    buf_put_cstr(buf, value_type_name(key->partition.type));
    if (key_schema_has_sort(key)) {
        buf_put_cstr(buf, ", ");
        yaml_put_flow_key(buf, key->sort.name);
        buf_put_cstr(buf, value_type_name(key->sort.type));
    }
    buf_put_cstr(buf, " }\n");
}

static void put_secondary_indexes(struct buf *buf, const struct map_table *table, bool is_local, const char *name)
{
    bool is_first = true;
    for (size_t i = 0; i < table->index_count; i++) {
        const struct secondary_index *index = &table->indexes[i];
        if (index->is_local != is_local)
            continue;
        if (is_first)
            put_block_key(buf, IN_TABLE, span_from_cstr(name));
        buf_put_cstr(buf, is_first ? "\n" : "");
        is_first = false;
        put_block_key(buf, IN_TABLE + 2, index->name);
        put_key_schema(buf, &index->key);
    }
}

static void put_included(struct buf *buf, const struct secondary_index *index)
{
    buf_put_cstr(buf, " [");
    for (size_t i = 0; i < index->included_count; i++) {
        buf_put_cstr(buf, i ? ", " : "");
        yaml_put_scalar(buf, index->included[i]);
    }
    buf_put_cstr(buf, "]\n");
}

static void put_projections(struct buf *buf, const struct map_table *table)
{
    bool is_first = true;
    for (size_t i = 0; i < table->index_count; i++) {
        if (!table->indexes[i].is_partial)
            continue;
        if (is_first)
            put_block_key(buf, IN_TABLE, SPAN("projections"));
        buf_put_cstr(buf, is_first ? "\n" : "");
        is_first = false;
        put_block_key(buf, IN_TABLE + 2, table->indexes[i].name);
        put_included(buf, &table->indexes[i]);
    }
}

static void put_constant(struct buf *buf, const struct value *value)
{
    if (value->type == VALUE_S) {
        yaml_put_scalar(buf, value->bytes);
        return;
    }
    char text[NUMBER_TEXT_BYTES];
    buf_put_cstr(buf, "{ N: ");
    yaml_put_quoted(buf, span_of(text, number_format(value->number, text)));
    buf_put_cstr(buf, " }");
}

static void put_matches(struct buf *buf, const struct entity *entity)
{
    if (entity->match_count == 0)
        return;
    put_block_key(buf, IN_ENTITY, SPAN("match"));
    for (size_t i = 0; i < entity->match_count; i++) {
        buf_put_cstr(buf, i ? ", " : " { ");
        yaml_put_flow_key(buf, entity->matches[i].attr);
        put_constant(buf, &entity->matches[i].value);
    }
    buf_put_cstr(buf, " }\n");
}

static void put_template_note(struct buf *buf, const struct key_template *key)
{
    if (key->note.len == 0)
        return;
    struct buf note;
    buf_init(&note, LIMIT_MAP_BYTES);
    buf_put_span(&note, key->attr);
    buf_put_cstr(&note, ": ");
    buf_put_span(&note, key->note);
    buf->failed |= note.failed;
    put_note_above(buf, IN_ENTITY, buf_span(&note));
    buf_done(&note);
}

static void put_template(struct buf *buf, const struct key_template *key)
{
    struct buf text;
    buf_init(&text, LIMIT_MAP_BYTES);
    template_put(&text, &key->template);
    buf->failed |= text.failed;
    yaml_put_flow_key(buf, key->attr);
    yaml_put_quoted(buf, buf_span(&text));
    buf_done(&text);
}

static void put_templates(struct buf *buf, const struct entity *entity, size_t first, size_t end, struct span name)
{
    if (first == end)
        return;
    for (size_t i = first; i < end; i++)
        put_template_note(buf, &entity->templates[i]);
    put_block_key(buf, IN_ENTITY, name);
    for (size_t i = first; i < end; i++) {
        buf_put_cstr(buf, i > first ? ", " : " { ");
        put_template(buf, &entity->templates[i]);
    }
    buf_put_cstr(buf, " }\n");
}

/* Columns */

static void put_check(struct buf *buf, const struct column *column)
{
    for (size_t i = 0; i < column->check_count; i++) {
        buf_put_cstr(buf, i ? ", " : ", check: [");
        yaml_put_scalar(buf, column->check[i]);
    }
    if (column->check_count)
        buf_put_byte(buf, ']');
}

/* `width` is that of the widest name beside it. */
static void put_column(struct buf *buf, size_t indent, size_t width, const struct column *column)
{
    size_t start = buf->len;
    put_block_key(buf, indent, column->name);
    size_t written = buf->len - start - indent;
    put_spaces(buf, 1 + (written < width ? width - written : 0));
    buf_put_cstr(buf, "{ ");
    if (column->source == COLUMN_FROM_ATTRIBUTE || column->source == COLUMN_FROM_MEMBER) {
        buf_put_cstr(buf, "attr: ");
        yaml_put_scalar(buf, column->source == COLUMN_FROM_MEMBER ? column->member : column->attr);
        buf_put_cstr(buf, ", ");
    }
    buf_put_cstr(buf, "type: ");
    yaml_put_scalar(buf, span_from_cstr(column_type_name(column->type)));
    if (column->codec != column_codec_find(column->type, span_of(NULL, 0))) {
        buf_put_cstr(buf, ", codec: ");
        yaml_put_scalar(buf, span_from_cstr(column->codec->name));
    }
    if (column->not_null)
        buf_put_cstr(buf, ", null: false");
    put_check(buf, column);
    buf_put_cstr(buf, " }");
    put_line_end(buf, column->note);
}

void map_put_yaml_column(struct buf *buf, const struct column *column)
{
    put_column(buf, IN_COLUMNS, 0, column);
}

static size_t column_width(const struct column *columns, size_t count)
{
    size_t width = 0;
    for (size_t i = 0; i < count; i++)
        if (columns[i].name.len + 1 > width)
            width = columns[i].name.len + 1;
    return width;
}

/* How many columns from here on are entries of the same attribute; 1 for a column of its own. */
static size_t run_length(const struct entity *entity, size_t first)
{
    const struct column *column = &entity->columns[first];
    size_t end = first + 1;
    while (column->source == COLUMN_FROM_MEMBER && end < entity->column_count &&
           entity->columns[end].source == COLUMN_FROM_MEMBER && span_equal(entity->columns[end].attr, column->attr))
        end++;
    return end - first;
}

/* The attribute's name, unless it is long, a column's, or of an earlier run: then the name of the first column. */
static struct span flatten_label(const struct entity *entity, size_t first)
{
    struct span attr = entity->columns[first].attr;
    bool is_taken = attr.len > LIMIT_IDENTIFIER_BYTES || entity_find_column(entity, attr) < entity->column_count;
    for (size_t i = 0; i < first; i++)
        is_taken = is_taken || (entity->columns[i].source == COLUMN_FROM_MEMBER && span_equal(entity->columns[i].attr, attr));
    return is_taken ? entity->columns[first].name : attr;
}

static void put_flatten(struct buf *buf, const struct entity *entity, size_t first, size_t count)
{
    put_block_key(buf, IN_COLUMNS, flatten_label(entity, first));
    buf_put_byte(buf, '\n');
    put_spaces(buf, IN_COLUMNS + 2);
    buf_put_cstr(buf, "attr: ");
    yaml_put_scalar(buf, entity->columns[first].attr);
    buf_put_byte(buf, '\n');
    put_spaces(buf, IN_COLUMNS + 2);
    buf_put_cstr(buf, "flatten:\n");
    size_t width = column_width(entity->columns + first, count);
    for (size_t i = first; i < first + count; i++)
        put_column(buf, IN_COLUMNS + 4, width, &entity->columns[i]);
}

static void put_columns(struct buf *buf, const struct entity *entity)
{
    put_block_key(buf, IN_ENTITY, SPAN("columns"));
    buf_put_cstr(buf, entity->column_count ? "\n" : " {}\n");
    size_t width = column_width(entity->columns, entity->column_count);
    for (size_t i = 0; i < entity->column_count;) {
        size_t count = run_length(entity, i);
        if (entity->columns[i].source == COLUMN_FROM_MEMBER)
            put_flatten(buf, entity, i, count);
        else
            put_column(buf, IN_COLUMNS, width, &entity->columns[i]);
        i += count;
    }
}

/* What hangs on columns */

static void put_column_list(struct buf *buf, const struct entity *entity, const unsigned *columns, size_t count)
{
    buf_put_byte(buf, '[');
    for (size_t i = 0; i < count; i++) {
        buf_put_cstr(buf, i ? ", " : "");
        yaml_put_scalar(buf, entity->columns[columns[i]].name);
    }
    buf_put_byte(buf, ']');
}

static void put_named_list(struct buf *buf, const struct entity *entity, struct span name, const unsigned *columns, size_t count)
{
    if (count == 0)
        return;
    put_block_key(buf, IN_ENTITY, name);
    buf_put_byte(buf, ' ');
    put_column_list(buf, entity, columns, count);
    buf_put_byte(buf, '\n');
}

/* Labels are for people: the attributes' names, or the tables' where an attribute's name is long. */
static bool labels_are_tables(const struct entity *entity)
{
    for (size_t i = 0; i < entity->child_count; i++)
        if (entity->children[i].attr.len > LIMIT_IDENTIFIER_BYTES)
            return true;
    return false;
}

static void put_child(struct buf *buf, struct span label, const struct child *child)
{
    put_note_above(buf, IN_COLUMNS, child->note);
    put_block_key(buf, IN_COLUMNS, label);
    buf_put_byte(buf, '\n');
    put_block_key(buf, IN_CHILD, SPAN("attr"));
    buf_put_byte(buf, ' ');
    yaml_put_scalar(buf, child->attr);
    buf_put_byte(buf, '\n');
    put_block_key(buf, IN_CHILD, SPAN("table"));
    buf_put_byte(buf, ' ');
    yaml_put_scalar(buf, child->table);
    buf_put_byte(buf, '\n');
    put_block_key(buf, IN_CHILD, SPAN("columns"));
    buf_put_byte(buf, '\n');
    size_t width = column_width(child->columns, child->column_count);
    for (size_t i = 0; i < child->column_count; i++)
        put_column(buf, IN_CHILD_COLUMNS, width, &child->columns[i]);
}

static void put_children(struct buf *buf, const struct entity *entity)
{
    if (entity->child_count == 0)
        return;
    put_block_key(buf, IN_ENTITY, SPAN("children"));
    buf_put_byte(buf, '\n');
    bool by_table = labels_are_tables(entity);
    for (size_t i = 0; i < entity->child_count; i++)
        put_child(buf, by_table ? entity->children[i].table : entity->children[i].attr, &entity->children[i]);
}

static void put_foreign_key(struct buf *buf, const struct entity *entity, const struct foreign_key *key)
{
    struct buf text;
    buf_init(&text, LIMIT_MAP_BYTES);
    reference_put(&text, key);
    buf->failed |= text.failed;
    put_note_above(buf, IN_COLUMNS, key->note);
    put_spaces(buf, IN_COLUMNS);
    buf_put_cstr(buf, "- { columns: ");
    put_column_list(buf, entity, key->columns, key->count);
    buf_put_cstr(buf, ", references: ");
    yaml_put_scalar(buf, buf_span(&text));
    buf_put_cstr(buf, key->enforce == ENFORCE_NOW ? ", enforce: now }\n" : " }\n");
    buf_done(&text);
}

static void put_foreign_keys(struct buf *buf, const struct entity *entity)
{
    if (entity->foreign_key_count == 0)
        return;
    put_block_key(buf, IN_ENTITY, SPAN("foreign_keys"));
    buf_put_byte(buf, '\n');
    for (size_t i = 0; i < entity->foreign_key_count; i++)
        put_foreign_key(buf, entity, &entity->foreign_keys[i]);
}

static void put_indexes(struct buf *buf, const struct entity *entity, bool is_unique)
{
    bool is_first = true;
    for (size_t i = 0; i < entity->index_count; i++) {
        const struct index_def *index = &entity->indexes[i];
        if (index->unique != is_unique)
            continue;
        if (is_first)
            put_block_key(buf, IN_ENTITY, is_unique ? SPAN("unique") : SPAN("indexes"));
        buf_put_cstr(buf, is_first ? "\n" : "");
        is_first = false;
        put_spaces(buf, IN_COLUMNS);
        buf_put_cstr(buf, "- ");
        put_column_list(buf, entity, index->columns, index->count);
        put_line_end(buf, index->note);
    }
}

/* Entities and tables */

static void put_entity(struct buf *buf, const struct entity *entity)
{
    size_t key_count = entity_key_count(entity);
    put_note_above(buf, IN_ENTITIES, entity->note);
    put_block_key(buf, IN_ENTITIES, entity->name);
    buf_put_byte(buf, '\n');
    put_matches(buf, entity);
    put_templates(buf, entity, 0, key_count, SPAN("key"));
    put_templates(buf, entity, key_count, entity->template_count, SPAN("keys"));
    put_block_key(buf, IN_ENTITY, SPAN("table"));
    buf_put_byte(buf, ' ');
    yaml_put_scalar(buf, entity->table);
    buf_put_byte(buf, '\n');
    put_named_list(buf, entity, SPAN("primary_key"), entity->primary_key, entity->primary_key_count);
    put_columns(buf, entity);
    put_children(buf, entity);
    put_foreign_keys(buf, entity);
    put_indexes(buf, entity, false);
    put_indexes(buf, entity, true);
    put_named_list(buf, entity, SPAN("search"), entity->search, entity->search_count);
    if (entity->distribute_by.len) {
        put_block_key(buf, IN_ENTITY, SPAN("distribute_by"));
        buf_put_byte(buf, ' ');
        yaml_put_scalar(buf, entity->distribute_by);
        buf_put_byte(buf, '\n');
    }
}

static void put_table(struct buf *buf, const struct map_table *table)
{
    put_note_above(buf, IN_TABLES, table->note);
    put_block_key(buf, IN_TABLES, table->name);
    buf_put_byte(buf, '\n');
    put_block_key(buf, IN_TABLE, SPAN("key"));
    put_key_schema(buf, &table->key);
    put_secondary_indexes(buf, table, false, "indexes");
    put_secondary_indexes(buf, table, true, "local_indexes");
    put_projections(buf, table);
    put_block_key(buf, IN_TABLE, SPAN("entities"));
    buf_put_cstr(buf, table->entity_count ? "\n" : " {}\n");
    for (size_t i = 0; i < table->entity_count; i++)
        put_entity(buf, &table->entities[i]);
}

void map_put_yaml(struct buf *buf, const struct map *map)
{
    put_note_above(buf, 0, map->note);
    buf_put_cstr(buf, "version: 1\nschema: ");
    yaml_put_scalar(buf, map->schema);
    buf_put_cstr(buf, map->table_count ? "\ntables:\n" : "\ntables: {}\n");
    for (size_t i = 0; i < map->table_count; i++)
        put_table(buf, &map->tables[i]);
}
