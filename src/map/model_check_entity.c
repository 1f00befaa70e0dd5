#include "base/limits.h"
#include "codec/utf8.h"
#include "map/column_codec.h"
#include "map/model_check.h"

/* "entity Message", for messages. */
#define ENTITY_FORMAT "%sentity %.*s: "
#define ENTITY_ARG(line, entity) AT_LINE(line), SPAN_ARG((entity)->name)

/* Columns that every PostgreSQL table has. */
static bool is_system_column(struct span name)
{
    static const char *const names[] = { "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (span_equal(name, span_from_cstr(names[i])))
            return true;
    return false;
}

static enum lf_code check_allowed_values(const struct column *column, struct arena *arena, struct err *err)
{
    if (!column->check_count)
        return LF_OK;
    if (column->type != COLUMN_TEXT)
        return ERR(err, LF_MAP, "%scolumn %.*s: only text columns have a check", AT_LINE(column->line), SPAN_ARG(column->name));
    struct named *values = arena_calloc(arena, column->check_count, sizeof *values, err);
    if (!values)
        return err->code;
    for (size_t i = 0; i < column->check_count; i++) {
        if (span_find_byte(column->check[i], '\0') < column->check[i].len)
            return ERR(err, LF_MAP, "%scolumn %.*s: PostgreSQL cannot hold U+0000", AT_LINE(column->line),
                       SPAN_ARG(column->name));
        values[i] = (struct named){ column->check[i], column->line };
    }
    return check_distinct(values, column->check_count, "values", err);
}

static enum lf_code check_column(const struct column *column, struct arena *arena, struct err *err)
{
    TRY(check_identifier(column->name, "a column", column->line, err));
    if (span_equal(column->name, SPAN("ddb_extra")) || is_system_column(column->name))
        return ERR(err, LF_MAP, "%sthe column name '%.*s' is taken", AT_LINE(column->line), SPAN_ARG(column->name));
    if (column->type >= COLUMN_TYPES || !column->codec || column->codec->type != column->type)
        return ERR(err, LF_MAP, "%scolumn %.*s: the codec does not fit the type", AT_LINE(column->line), SPAN_ARG(column->name));
    if (column->source == COLUMN_FROM_ATTRIBUTE || column->source == COLUMN_FROM_MEMBER)
        TRY(check_name(column->attr, LIMIT_ATTRIBUTE_NAME_BYTES, "an attribute", column->line, err));
    return check_allowed_values(column, arena, err);
}

static enum lf_code check_columns(const struct entity *entity, struct arena *arena, struct err *err)
{
    if (entity->column_count + 1 > LIMIT_COLUMNS)
        return ERR(err, LF_LIMIT, ENTITY_FORMAT "%zu columns and ddb_extra, at most %d are allowed",
                   ENTITY_ARG(entity->line, entity), entity->column_count, LIMIT_COLUMNS);
    struct named *names = arena_calloc(arena, entity->column_count, sizeof *names, err);
    if (!names)
        return err->code;
    for (size_t i = 0; i < entity->column_count; i++) {
        const struct column *column = &entity->columns[i];
        TRY(check_column(column, arena, err));
        if (column->source == COLUMN_FROM_ELEMENT)
            return ERR(err, LF_MAP, ENTITY_FORMAT "column %.*s is an element, but not in a child table",
                       ENTITY_ARG(column->line, entity), SPAN_ARG(column->name));
        names[i] = (struct named){ column->name, column->line };
    }
    return check_distinct(names, entity->column_count, "columns", err);
}

/* The type of a key attribute in the table's key or one of its indexes; other attributes are strings. */
static enum value_type key_attribute_type(const struct map_table *table, struct span attr)
{
    for (size_t i = 0; i <= table->index_count; i++) {
        const struct key_schema *key = i ? &table->indexes[i - 1].key : &table->key;
        if (span_equal(key->partition.name, attr))
            return key->partition.type;
        if (key_schema_has_sort(key) && span_equal(key->sort.name, attr))
            return key->sort.type;
    }
    return VALUE_S;
}

static bool is_own_column(const struct entity *entity, const struct key_template *key)
{
    const struct template_part *part = key->template.parts;
    if (key->template.count != 1 || !part->is_variable || part->lower || part->optional)
        return false;
    const struct column *column = &entity->columns[part->column];
    return column->source == COLUMN_FROM_ATTRIBUTE && span_equal(column->attr, key->attr);
}

static enum lf_code check_literal(const struct entity *entity, const struct key_template *key, struct span literal,
                                  struct err *err)
{
    if (span_find_byte(literal, '\0') < literal.len || utf8_invalid_at(literal) < literal.len)
        return ERR(err, LF_MAP, ENTITY_FORMAT "the template of '%.*s' has text that PostgreSQL cannot hold",
                   ENTITY_ARG(key->line, entity), SPAN_ARG(key->attr));
    return LF_OK;
}

static enum lf_code resolve_variable(const struct entity *entity, const struct key_template *key, struct template_part *part,
                                     struct err *err)
{
    size_t column = entity_find_column(entity, part->name);
    if (column == entity->column_count)
        return ERR(err, LF_MAP, ENTITY_FORMAT "the template of '%.*s' names no column '%.*s'", ENTITY_ARG(key->line, entity),
                   SPAN_ARG(key->attr), SPAN_ARG(part->name));
    for (size_t i = 0; i < part->name.len; i++)
        if (memchr("{|}", part->name.ptr[i], 3))
            return ERR(err, LF_MAP, ENTITY_FORMAT "the name '%.*s' cannot stand in a template", ENTITY_ARG(key->line, entity),
                       SPAN_ARG(part->name));
    part->column = (unsigned)column;
    return LF_OK;
}

static enum lf_code resolve_template(const struct entity *entity, struct key_template *key, struct err *err)
{
    const struct template *template = &key->template;
    if (template->count == 0)
        return ERR(err, LF_MAP, ENTITY_FORMAT "the template of '%.*s' is empty", ENTITY_ARG(key->line, entity),
                   SPAN_ARG(key->attr));
    if (template->count > LIMIT_TEMPLATE_PARTS)
        return ERR(err, LF_LIMIT, ENTITY_FORMAT "the template of '%.*s' has %zu parts, at most %d are allowed",
                   ENTITY_ARG(key->line, entity), SPAN_ARG(key->attr), template->count, LIMIT_TEMPLATE_PARTS);
    for (size_t i = 0; i < template->count; i++) {
        struct template_part *part = &template->parts[i];
        TRY(part->is_variable ? resolve_variable(entity, key, part, err) : check_literal(entity, key, part->literal, err));
    }
    key->is_column = is_own_column(entity, key);
    return LF_OK;
}

/* A string key is made from texts; a number or binary key is a column that holds it. */
static enum lf_code check_template_types(const struct entity *entity, const struct key_template *key, struct err *err)
{
    enum value_type type = key_attribute_type(entity->dynamodb_table, key->attr);
    if (type != VALUE_S && !key->is_column)
        return ERR(err, LF_MAP, ENTITY_FORMAT "'%.*s' is of type %s: its template must be the column of that attribute alone",
                   ENTITY_ARG(key->line, entity), SPAN_ARG(key->attr), value_type_name(type));
    for (size_t i = 0; i < key->template.count; i++) {
        const struct template_part *part = &key->template.parts[i];
        const struct column *column = part->is_variable ? &entity->columns[part->column] : NULL;
        if (column && key->is_column && column->codec->value != type)
            return ERR(err, LF_MAP, ENTITY_FORMAT "column %.*s cannot hold the %s of the key '%.*s'",
                       ENTITY_ARG(column->line, entity), SPAN_ARG(column->name), value_type_name(type), SPAN_ARG(key->attr));
        if (column && !key->is_column && !column->codec->text_sql)
            return ERR(err, LF_MAP, ENTITY_FORMAT "column %.*s of type %s cannot be part of the key '%.*s'",
                       ENTITY_ARG(column->line, entity), SPAN_ARG(column->name), column_type_name(column->type),
                       SPAN_ARG(key->attr));
    }
    return LF_OK;
}

/* A row is found by the expression of its table key, which must not be NULL. */
static enum lf_code check_key_not_null(const struct entity *entity, const struct key_template *key, struct err *err)
{
    for (size_t i = 0; i < key->template.count; i++) {
        const struct template_part *part = &key->template.parts[i];
        const struct column *column = part->is_variable ? &entity->columns[part->column] : NULL;
        if (column && !part->optional && !column->not_null)
            return ERR(err, LF_MAP, ENTITY_FORMAT "column %.*s is part of the table key and needs 'null: false'",
                       ENTITY_ARG(column->line, entity), SPAN_ARG(column->name));
    }
    return LF_OK;
}

static enum lf_code check_templates(struct entity *entity, struct err *err)
{
    const struct key_schema *schema = &entity->dynamodb_table->key;
    const struct key_attribute *attributes[] = { &schema->partition, &schema->sort };
    size_t key_count = entity_key_count(entity);
    for (size_t i = 0; i < key_count; i++)
        if (i >= entity->template_count || !span_equal(entity->templates[i].attr, attributes[i]->name))
            return ERR(err, LF_MAP, ENTITY_FORMAT "the key has no template of '%.*s'", ENTITY_ARG(entity->line, entity),
                       SPAN_ARG(attributes[i]->name));
    for (size_t i = 0; i < entity->template_count; i++) {
        struct key_template *key = &entity->templates[i];
        TRY(check_name(key->attr, LIMIT_ATTRIBUTE_NAME_BYTES, "an attribute", key->line, err));
        TRY(resolve_template(entity, key, err));
        TRY(check_template_types(entity, key, err));
        if (i < key_count)
            TRY(check_key_not_null(entity, key, err));
    }
    return LF_OK;
}

static enum lf_code check_matches(const struct entity *entity, struct arena *arena, struct err *err)
{
    struct named *names = arena_calloc(arena, entity->match_count, sizeof *names, err);
    if (!names)
        return err->code;
    for (size_t i = 0; i < entity->match_count; i++) {
        const struct match *match = &entity->matches[i];
        TRY(check_name(match->attr, LIMIT_ATTRIBUTE_NAME_BYTES, "an attribute", match->line, err));
        if (match->value.type != VALUE_S && match->value.type != VALUE_N)
            return ERR(err, LF_MAP, ENTITY_FORMAT "the constant of '%.*s' is neither S nor N", ENTITY_ARG(match->line, entity),
                       SPAN_ARG(match->attr));
        if (match->value.type == VALUE_S && utf8_invalid_at(match->value.bytes) < match->value.bytes.len)
            return ERR(err, LF_MAP, ENTITY_FORMAT "the constant of '%.*s' is not UTF-8", ENTITY_ARG(match->line, entity),
                       SPAN_ARG(match->attr));
        names[i] = (struct named){ match->attr, match->line };
    }
    return check_distinct(names, entity->match_count, "matched attributes", err);
}

/* A list of columns, each once. `what`: "the primary key", … */
static enum lf_code check_column_list(const struct entity *entity, const unsigned *columns, size_t count, const char *what,
                                      unsigned line, struct err *err)
{
    bool seen[LIMIT_COLUMNS] = { false };
    for (size_t i = 0; i < count; i++) {
        if (columns[i] >= entity->column_count)
            return ERR(err, LF_MAP, ENTITY_FORMAT "%s has a column that does not exist", ENTITY_ARG(line, entity), what);
        if (seen[columns[i]])
            return ERR(err, LF_MAP, ENTITY_FORMAT "%s has column %.*s twice", ENTITY_ARG(line, entity), what,
                       SPAN_ARG(entity->columns[columns[i]].name));
        seen[columns[i]] = true;
    }
    return LF_OK;
}

static enum lf_code check_index_columns(const struct entity *entity, const unsigned *columns, size_t count, const char *what,
                                        unsigned line, struct err *err)
{
    if (count > INDEX_COLUMNS_MAX)
        return ERR(err, LF_LIMIT, ENTITY_FORMAT "%s has %zu columns, PostgreSQL allows %d", ENTITY_ARG(line, entity), what, count,
                   INDEX_COLUMNS_MAX);
    return check_column_list(entity, columns, count, what, line, err);
}

static enum lf_code check_primary_key(const struct entity *entity, struct err *err)
{
    TRY(check_index_columns(entity, entity->primary_key, entity->primary_key_count, "the primary key", entity->line, err));
    for (size_t i = 0; i < entity->primary_key_count; i++) {
        const struct column *column = &entity->columns[entity->primary_key[i]];
        if (!column->not_null)
            return ERR(err, LF_MAP, ENTITY_FORMAT "column %.*s is in the primary key and needs 'null: false'",
                       ENTITY_ARG(column->line, entity), SPAN_ARG(column->name));
    }
    return LF_OK;
}

static enum lf_code check_indexes(const struct entity *entity, struct err *err)
{
    for (size_t i = 0; i < entity->index_count; i++) {
        const struct index_def *index = &entity->indexes[i];
        if (index->count == 0)
            return ERR(err, LF_MAP, ENTITY_FORMAT "an index has no columns", ENTITY_ARG(index->line, entity));
        TRY(check_index_columns(entity, index->columns, index->count, "an index", index->line, err));
    }
    TRY(check_column_list(entity, entity->search, entity->search_count, "search", entity->line, err));
    for (size_t i = 0; i < entity->search_count; i++) {
        const struct column *column = &entity->columns[entity->search[i]];
        if (column->type != COLUMN_TEXT)
            return ERR(err, LF_MAP, ENTITY_FORMAT "search: column %.*s is not text", ENTITY_ARG(entity->line, entity),
                       SPAN_ARG(column->name));
    }
    return LF_OK;
}

/* Elements are either maps, whose entries are columns, or one value, which is one column. */
static enum lf_code check_child_sources(const struct entity *entity, const struct child *child, struct err *err)
{
    for (size_t i = 0; i < child->column_count; i++) {
        const struct column *column = &child->columns[i];
        if (column->source != COLUMN_FROM_ATTRIBUTE && column->source != COLUMN_FROM_ELEMENT)
            return ERR(err, LF_MAP, ENTITY_FORMAT "column %.*s cannot be in a child table", ENTITY_ARG(column->line, entity),
                       SPAN_ARG(column->name));
        if (column->source == COLUMN_FROM_ELEMENT && child->column_count > 1)
            return ERR(err, LF_MAP, ENTITY_FORMAT "column %.*s holds the element and must be the only column of %.*s",
                       ENTITY_ARG(column->line, entity), SPAN_ARG(column->name), SPAN_ARG(child->table));
    }
    return LF_OK;
}

static enum lf_code check_child_columns(const struct entity *entity, const struct child *child, struct arena *arena,
                                        struct err *err)
{
    size_t key_count = entity->primary_key_count, count = key_count + 1 + child->column_count;
    if (child->column_count == 0)
        return ERR(err, LF_MAP, ENTITY_FORMAT "the child table %.*s has no columns", ENTITY_ARG(child->line, entity),
                   SPAN_ARG(child->table));
    if (count > LIMIT_COLUMNS)
        return ERR(err, LF_LIMIT, ENTITY_FORMAT "the child table %.*s has %zu columns, at most %d are allowed",
                   ENTITY_ARG(child->line, entity), SPAN_ARG(child->table), count, LIMIT_COLUMNS);
    struct named *names = arena_calloc(arena, count, sizeof *names, err);
    if (!names)
        return err->code;
    for (size_t i = 0; i < key_count; i++)
        names[i] = (struct named){ entity->columns[entity->primary_key[i]].name, child->line };
    names[key_count] = (struct named){ SPAN("position"), child->line };
    for (size_t i = 0; i < child->column_count; i++) {
        TRY(check_column(&child->columns[i], arena, err));
        names[key_count + 1 + i] = (struct named){ child->columns[i].name, child->columns[i].line };
    }
    return check_distinct(names, count, "columns", err);
}

static enum lf_code check_child(const struct entity *entity, const struct child *child, struct arena *arena, struct err *err)
{
    TRY(check_name(child->attr, LIMIT_ATTRIBUTE_NAME_BYTES, "an attribute", child->line, err));
    TRY(check_identifier(child->table, "a child table", child->line, err));
    if (entity->primary_key_count == 0)
        return ERR(err, LF_MAP, ENTITY_FORMAT "a child table needs the primary key of its parent",
                   ENTITY_ARG(child->line, entity));
    if (entity->primary_key_count + 1 > INDEX_COLUMNS_MAX)
        return ERR(err, LF_LIMIT, ENTITY_FORMAT "the primary key of %.*s has %zu columns, PostgreSQL allows %d",
                   ENTITY_ARG(child->line, entity), SPAN_ARG(child->table), entity->primary_key_count + 1, INDEX_COLUMNS_MAX);
    TRY(check_child_sources(entity, child, err));
    return check_child_columns(entity, child, arena, err);
}

enum lf_code check_entity(struct entity *entity, struct arena *arena, struct err *err)
{
    TRY(check_name(entity->name, LIMIT_KEY_NAME_BYTES, "an entity's name", entity->line, err));
    TRY(check_identifier(entity->table, "a table", entity->line, err));
    TRY(check_matches(entity, arena, err));
    TRY(check_columns(entity, arena, err));
    TRY(check_templates(entity, err));
    TRY(check_primary_key(entity, err));
    TRY(check_indexes(entity, err));
    for (size_t i = 0; i < entity->child_count; i++)
        TRY(check_child(entity, &entity->children[i], arena, err));
    return LF_OK;
}

static enum lf_code check_foreign_key(const struct entity *entity, const struct foreign_key *key, struct err *err)
{
    const struct entity *parent = key->parent;
    if (key->count == 0 || !parent)
        return ERR(err, LF_MAP, ENTITY_FORMAT "a foreign key without columns or parent", ENTITY_ARG(key->line, entity));
    TRY(check_index_columns(entity, key->columns, key->count, "a foreign key", key->line, err));
    if (key->count != parent->primary_key_count ||
        memcmp(key->references, parent->primary_key, key->count * sizeof *key->references) != 0)
        return ERR(err, LF_MAP, ENTITY_FORMAT "a foreign key must reference the primary key of %.*s, in its order",
                   ENTITY_ARG(key->line, entity), SPAN_ARG(parent->table));
    for (size_t i = 0; i < key->count; i++) {
        const struct column *from = &entity->columns[key->columns[i]], *to = &parent->columns[key->references[i]];
        if (from->type != to->type)
            return ERR(err, LF_MAP, ENTITY_FORMAT "column %.*s is %s, but %.*s.%.*s is %s", ENTITY_ARG(key->line, entity),
                       SPAN_ARG(from->name), column_type_name(from->type), SPAN_ARG(parent->table), SPAN_ARG(to->name),
                       column_type_name(to->type));
    }
    return LF_OK;
}

static bool key_has_distribution_column(const struct entity *entity)
{
    for (size_t i = 0; i < entity->primary_key_count; i++)
        if (span_equal(entity->columns[entity->primary_key[i]].name, entity->distribute_by))
            return true;
    return false;
}

enum lf_code check_foreign_keys(const struct entity *entity, struct err *err)
{
    for (size_t i = 0; i < entity->foreign_key_count; i++) {
        const struct foreign_key *key = &entity->foreign_keys[i];
        TRY(check_foreign_key(entity, key, err));
        if (key->parent->distribute_by.len && !key_has_distribution_column(key->parent))
            return ERR(err, LF_MAP, ENTITY_FORMAT "the primary key of %.*s must have its distribution column to be referenced",
                       ENTITY_ARG(key->line, entity), SPAN_ARG(key->parent->table));
    }
    return LF_OK;
}

enum lf_code check_distribution(const struct entity *entity, struct err *err)
{
    if (entity->distribute_by.len == 0)
        return LF_OK;
    if (entity_find_column(entity, entity->distribute_by) == entity->column_count)
        return ERR(err, LF_MAP, ENTITY_FORMAT "distribute_by names no column '%.*s'", ENTITY_ARG(entity->line, entity),
                   SPAN_ARG(entity->distribute_by));
    if (entity->child_count && !key_has_distribution_column(entity))
        return ERR(err, LF_MAP, ENTITY_FORMAT "the primary key must have the distribution column: child tables share it",
                   ENTITY_ARG(entity->line, entity));
    return LF_OK;
}
