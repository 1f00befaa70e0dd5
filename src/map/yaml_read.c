#include "base/limits.h"
#include "codec/utf8.h"
#include "map/column_codec.h"
#include "map/map_yaml.h"
#include "map/reference.h"
#include "map/suggest.h"
#include "map/yaml_tree.h"

/* A foreign key whose parent is looked up when all entities are read. */
struct open_reference {
    struct open_reference *next;
    const struct yaml_node *node; /* "case(docket_number)" */
    struct foreign_key *key;
};

struct reader {
    const char *file;
    struct arena *arena;
    struct map *map;
    struct open_reference *references; /* in the order of the file */
    struct open_reference **references_end;
};

#define ERR_NODE(err, code, reader, node, format, ...) \
    ERR(err, code, "%s:%u:%u: " format, (reader)->file, (node)->line, (node)->column, __VA_ARGS__)

/* One key of a mapping that has a fixed set of keys. They are read in the order of the table, not of the file. */
struct field {
    const char *name;
    bool is_required;
    enum lf_code (*read)(struct reader *reader, const struct yaml_node *node, void *target, struct err *err);
};
struct field_set {
    const char *what; /* "entity" */
    const struct field *fields;
    size_t count;
};
#define FIELD_SET(what, fields)                         \
    {                                                   \
        what, fields, sizeof(fields) / sizeof *(fields) \
    }
enum { FIELDS_MAX = 16 };

static enum lf_code expect_kind(struct reader *reader, const struct yaml_node *node, enum node_kind kind, const char *what,
                                struct err *err)
{
    static const char *const names[] = { "a text", "a list", "a mapping" };
    if (node->kind == kind)
        return LF_OK;
    return ERR_NODE(err, LF_MAP, reader, node, "%s must be %s, not %s", what, names[kind], yaml_kind_name(node));
}

static enum lf_code unknown_key(struct reader *reader, const struct yaml_node *key, const struct field_set *set, struct span name,
                                struct err *err)
{
    const char *names[FIELDS_MAX];
    for (size_t i = 0; i < set->count; i++)
        names[i] = set->fields[i].name;
    return ERR_NODE(err, LF_MAP, reader, key, "unknown key '%.*s' in %s%s%.*s%s", SPAN_ARG(utf8_cut(key->text, 80)), set->what,
                    name.len ? " " : "", SPAN_ARG(utf8_cut(name, 80)), suggest_name(key->text, names, set->count).text);
}

static bool has_field(const struct field_set *set, struct span name)
{
    for (size_t i = 0; i < set->count; i++)
        if (span_equal(name, span_from_cstr(set->fields[i].name)))
            return true;
    return false;
}

/* Reads a mapping into `target` by its field set; `name` says of what, for messages. */
static enum lf_code read_fields(struct reader *reader, const struct yaml_node *node, const struct field_set *set,
                                struct span name, void *target, struct err *err)
{
    TRY(expect_kind(reader, node, NODE_MAPPING, set->what, err));
    for (size_t i = 0; i < node->count; i++)
        if (!has_field(set, yaml_key(node, i)->text))
            return unknown_key(reader, yaml_key(node, i), set, name, err);
    for (size_t i = 0; i < set->count; i++) {
        const struct field *field = &set->fields[i];
        const struct yaml_node *value = yaml_get(node, span_from_cstr(field->name));
        if (value)
            TRY(field->read(reader, value, target, err));
        else if (field->is_required)
            return ERR_NODE(err, LF_MAP, reader, node, "%s%s%.*s has no '%s'", set->what, name.len ? " " : "",
                            SPAN_ARG(utf8_cut(name, 80)), field->name);
    }
    return LF_OK;
}

/* A scalar; an empty one only in quotes. */
static enum lf_code read_text(struct reader *reader, const struct yaml_node *node, const char *what, struct span *ret_text,
                              struct err *err)
{
    TRY(expect_kind(reader, node, NODE_SCALAR, what, err));
    if (node->is_plain && node->text.len == 0)
        return ERR_NODE(err, LF_MAP, reader, node, "%s must be a text, not nothing", what);
    *ret_text = node->text;
    return LF_OK;
}

static enum lf_code read_bool(struct reader *reader, const struct yaml_node *node, const char *what, bool *ret_value,
                              struct err *err)
{
    bool is_true = span_equal(node->text, SPAN("true"));
    if (node->kind != NODE_SCALAR || !node->is_plain || (!is_true && !span_equal(node->text, SPAN("false"))))
        return ERR_NODE(err, LF_MAP, reader, node, "%s must be true or false", what);
    *ret_value = is_true;
    return LF_OK;
}

/* Puts the place in front of a message that came from elsewhere. */
static enum lf_code place_error(const struct reader *reader, const struct yaml_node *node, struct err *err)
{
    char message[ERR_MESSAGE_BYTES];
    memcpy(message, err->message, sizeof message);
    return ERR_NODE(err, err->code, reader, node, "%s", message);
}

static void *new_array(struct reader *reader, size_t count, size_t size, struct err *err)
{
    return arena_calloc(reader->arena, count, size, err);
}

/* Columns */

static enum lf_code read_column_attr(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct column *column = target;
    return read_text(reader, node, "attr", &column->attr, err);
}

static enum lf_code read_column_type(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct column *column = target;
    struct span name;
    TRY(read_text(reader, node, "type", &name, err));
    if (!column_type_from_name(name, &column->type)) {
        const char *names[COLUMN_TYPES];
        for (unsigned i = 0; i < COLUMN_TYPES; i++)
            names[i] = column_type_name((enum column_type)i);
        return ERR_NODE(err, LF_MAP, reader, node, "unknown type '%.*s'%s", SPAN_ARG(utf8_cut(name, 80)),
                        suggest_name(name, names, COLUMN_TYPES).text);
    }
    column->codec = column_codec_find(column->type, span_of(NULL, 0));
    return LF_OK;
}

static enum lf_code unknown_codec(struct reader *reader, const struct yaml_node *node, enum column_type type, struct err *err)
{
    const char **names = new_array(reader, column_codec_count, sizeof *names, err);
    if (!names)
        return err->code;
    size_t count = 0;
    for (size_t i = 0; i < column_codec_count; i++)
        if (column_codecs[i].type == type)
            names[count++] = column_codecs[i].name;
    return ERR_NODE(err, LF_MAP, reader, node, "no codec '%.*s' of type %s%s", SPAN_ARG(utf8_cut(node->text, 80)),
                    column_type_name(type), suggest_name(node->text, names, count).text);
}

static enum lf_code read_column_codec(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct column *column = target;
    struct span name;
    TRY(read_text(reader, node, "codec", &name, err));
    column->codec = name.len ? column_codec_find(column->type, name) : NULL;
    return column->codec ? LF_OK : unknown_codec(reader, node, column->type, err);
}

static enum lf_code read_column_null(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct column *column = target;
    bool null = true;
    TRY(read_bool(reader, node, "null", &null, err));
    column->not_null = !null;
    return LF_OK;
}

static enum lf_code read_column_check(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct column *column = target;
    TRY(expect_kind(reader, node, NODE_SEQUENCE, "check", err));
    if (node->count == 0)
        return ERR_NODE(err, LF_MAP, reader, node, "%s", "check allows no value");
    column->check = new_array(reader, node->count, sizeof *column->check, err);
    if (!column->check)
        return err->code;
    column->check_count = node->count;
    for (size_t i = 0; i < node->count; i++)
        TRY(read_text(reader, &node->items[i], "a value", &column->check[i], err));
    return LF_OK;
}

/* `codec` after `type`, which it depends on. */
static const struct field column_fields[] = {
    { "attr", false, read_column_attr }, { "type", true, read_column_type },    { "codec", false, read_column_codec },
    { "null", false, read_column_null }, { "check", false, read_column_check },
};
static const struct field_set column_set = FIELD_SET("column", column_fields);

/* `without_attr` is where the value comes from when the column names no attribute. */
static enum lf_code read_column(struct reader *reader, const struct yaml_node *mapping, size_t at,
                                enum column_source without_attr, struct column *column, struct err *err)
{
    const struct yaml_node *key = yaml_key(mapping, at), *value = yaml_value(mapping, at);
    column->name = key->text;
    column->line = key->line;
    TRY(read_fields(reader, value, &column_set, column->name, column, err));
    column->source = yaml_get(value, SPAN("attr")) ? COLUMN_FROM_ATTRIBUTE : without_attr;
    return LF_OK;
}

/* The two keys of `scope: { attr: scope, flatten: { … } }`. */
struct flatten_keys {
    struct span attr;
    const struct yaml_node *members;
};

static enum lf_code read_flatten_attr(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct flatten_keys *flatten = target;
    return read_text(reader, node, "attr", &flatten->attr, err);
}

static enum lf_code read_flatten_members(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct flatten_keys *flatten = target;
    flatten->members = node;
    return expect_kind(reader, node, NODE_MAPPING, "flatten", err);
}

static const struct field flatten_fields[] = {
    { "attr", true, read_flatten_attr },
    { "flatten", true, read_flatten_members },
};
static const struct field_set flatten_set = FIELD_SET("flattened attribute", flatten_fields);

static const struct yaml_node *flatten_node(const struct yaml_node *column)
{
    return column->kind == NODE_MAPPING ? yaml_get(column, SPAN("flatten")) : NULL;
}

/* Reads the entries into `columns`; how many there are was counted before. */
static enum lf_code read_flatten(struct reader *reader, const struct yaml_node *mapping, size_t at, struct column *columns,
                                 struct err *err)
{
    struct flatten_keys flatten;
    TRY(read_fields(reader, yaml_value(mapping, at), &flatten_set, yaml_key(mapping, at)->text, &flatten, err));
    for (size_t i = 0; i < flatten.members->count; i++) {
        TRY(read_column(reader, flatten.members, i, COLUMN_FROM_KEY, &columns[i], err));
        const struct yaml_node *key = yaml_key(flatten.members, i);
        if (columns[i].source != COLUMN_FROM_ATTRIBUTE)
            return ERR_NODE(err, LF_MAP, reader, key, "column %.*s of a flattened attribute has no 'attr'",
                            SPAN_ARG(utf8_cut(key->text, 80)));
        columns[i].source = COLUMN_FROM_MEMBER;
        columns[i].member = columns[i].attr;
        columns[i].attr = flatten.attr;
    }
    return LF_OK;
}

static size_t count_columns(const struct yaml_node *mapping)
{
    size_t count = 0;
    for (size_t i = 0; i < mapping->count; i++) {
        const struct yaml_node *members = flatten_node(yaml_value(mapping, i));
        count += members ? members->count : 1;
    }
    return count;
}

static enum lf_code read_entity_columns(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct entity *entity = target;
    TRY(expect_kind(reader, node, NODE_MAPPING, "columns", err));
    entity->columns = new_array(reader, count_columns(node), sizeof *entity->columns, err);
    if (!entity->columns)
        return err->code;
    for (size_t i = 0; i < node->count; i++) {
        struct column *next = &entity->columns[entity->column_count];
        const struct yaml_node *members = flatten_node(yaml_value(node, i));
        TRY(members ? read_flatten(reader, node, i, next, err) : read_column(reader, node, i, COLUMN_FROM_KEY, next, err));
        entity->column_count += members ? members->count : 1;
    }
    return LF_OK;
}

/* A list of columns of the entity, by name. */
static enum lf_code read_column_list(struct reader *reader, const struct yaml_node *node, const struct entity *entity,
                                     const char *what, unsigned **ret_columns, size_t *ret_count, struct err *err)
{
    TRY(expect_kind(reader, node, NODE_SEQUENCE, what, err));
    unsigned *columns = new_array(reader, node->count, sizeof *columns, err);
    if (!columns)
        return err->code;
    for (size_t i = 0; i < node->count; i++) {
        struct span name;
        TRY(read_text(reader, &node->items[i], "a column", &name, err));
        size_t column = entity_find_column(entity, name);
        if (column == entity->column_count)
            return ERR_NODE(err, LF_MAP, reader, &node->items[i], "%s: entity %.*s has no column '%.*s'", what,
                            SPAN_ARG(utf8_cut(entity->name, 80)), SPAN_ARG(utf8_cut(name, 80)));
        columns[i] = (unsigned)column;
    }
    *ret_columns = columns;
    *ret_count = node->count;
    return LF_OK;
}

/* Entities: what claims an item, and its key */

static enum lf_code read_number_constant(struct reader *reader, const struct yaml_node *node, struct match *match,
                                         struct err *err)
{
    const struct yaml_node *text = node->count == 1 ? yaml_get(node, SPAN("N")) : NULL;
    if (!text || text->kind != NODE_SCALAR)
        return ERR_NODE(err, LF_MAP, reader, node, "%s", "a constant is a text or { N: \"number\" }");
    match->value = (struct value){ .type = VALUE_N };
    return number_parse(text->text, &match->value.number, err) ? place_error(reader, text, err) : LF_OK;
}

static enum lf_code read_matches(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct entity *entity = target;
    TRY(expect_kind(reader, node, NODE_MAPPING, "match", err));
    entity->matches = new_array(reader, node->count, sizeof *entity->matches, err);
    if (!entity->matches)
        return err->code;
    entity->match_count = node->count;
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_node *key = yaml_key(node, i), *value = yaml_value(node, i);
        struct match *match = &entity->matches[i];
        match->attr = key->text;
        match->line = key->line;
        if (value->kind == NODE_MAPPING) {
            TRY(read_number_constant(reader, value, match, err));
            continue;
        }
        match->value.type = VALUE_S;
        TRY(read_text(reader, value, "a constant", &match->value.bytes, err));
    }
    return LF_OK;
}

static enum lf_code read_template(struct reader *reader, const struct yaml_node *mapping, size_t at, struct key_template *key,
                                  struct err *err)
{
    const struct yaml_node *name = yaml_key(mapping, at), *value = yaml_value(mapping, at);
    struct span text;
    TRY(read_text(reader, value, "a template", &text, err));
    key->attr = name->text;
    key->line = name->line;
    if (template_parse(text, reader->arena, &key->template, err)) {
        (void)err_while(err, "reading the template of '%.*s'", SPAN_ARG(utf8_cut(name->text, 80)));
        return place_error(reader, value, err);
    }
    return LF_OK;
}

/* Partition key first, whatever the order in the file. */
static enum lf_code read_key(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct entity *entity = target;
    TRY(expect_kind(reader, node, NODE_MAPPING, "key", err));
    entity->template_count = entity_key_count(entity);
    entity->templates = new_array(reader, entity->template_count, sizeof *entity->templates, err);
    if (!entity->templates)
        return err->code;
    const struct key_schema *schema = &entity->dynamodb_table->key;
    for (size_t i = 0; i < node->count; i++) {
        struct span attr = yaml_key(node, i)->text;
        bool is_partition = span_equal(attr, schema->partition.name);
        if (!is_partition && !(key_schema_has_sort(schema) && span_equal(attr, schema->sort.name)))
            return ERR_NODE(err, LF_MAP, reader, yaml_key(node, i), "'%.*s' is not in the key of table %.*s",
                            SPAN_ARG(utf8_cut(attr, 80)), SPAN_ARG(utf8_cut(entity->dynamodb_table->name, 80)));
        TRY(read_template(reader, node, i, &entity->templates[is_partition ? 0 : 1], err));
    }
    if (node->count < entity->template_count)
        return ERR_NODE(err, LF_MAP, reader, node, "the key of table %.*s has two attributes, here is one template",
                        SPAN_ARG(utf8_cut(entity->dynamodb_table->name, 80)));
    return LF_OK;
}

static enum lf_code read_keys(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct entity *entity = target;
    TRY(expect_kind(reader, node, NODE_MAPPING, "keys", err));
    struct key_template *templates = new_array(reader, entity->template_count + node->count, sizeof *templates, err);
    if (!templates)
        return err->code;
    memcpy(templates, entity->templates, entity->template_count * sizeof *templates);
    for (size_t i = 0; i < node->count; i++)
        TRY(read_template(reader, node, i, &templates[entity->template_count + i], err));
    entity->templates = templates;
    entity->template_count += node->count;
    return LF_OK;
}

/* Entities: their PostgreSQL table */

static enum lf_code read_entity_table(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct entity *entity = target;
    return read_text(reader, node, "table", &entity->table, err);
}

static enum lf_code read_primary_key(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct entity *entity = target;
    return read_column_list(reader, node, entity, "primary_key", &entity->primary_key, &entity->primary_key_count, err);
}

static enum lf_code read_search(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct entity *entity = target;
    return read_column_list(reader, node, entity, "search", &entity->search, &entity->search_count, err);
}

static enum lf_code read_distribute_by(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct entity *entity = target;
    return read_text(reader, node, "distribute_by", &entity->distribute_by, err);
}

static enum lf_code append_indexes(struct reader *reader, const struct yaml_node *node, struct entity *entity, bool is_unique,
                                   struct err *err)
{
    const char *what = is_unique ? "unique" : "indexes";
    TRY(expect_kind(reader, node, NODE_SEQUENCE, what, err));
    struct index_def *indexes = new_array(reader, entity->index_count + node->count, sizeof *indexes, err);
    if (!indexes)
        return err->code;
    if (entity->index_count)
        memcpy(indexes, entity->indexes, entity->index_count * sizeof *indexes);
    for (size_t i = 0; i < node->count; i++) {
        struct index_def *index = &indexes[entity->index_count + i];
        index->unique = is_unique;
        index->line = node->items[i].line;
        TRY(read_column_list(reader, &node->items[i], entity, what, &index->columns, &index->count, err));
    }
    entity->indexes = indexes;
    entity->index_count += node->count;
    return LF_OK;
}

static enum lf_code read_indexes(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    return append_indexes(reader, node, target, false, err);
}

static enum lf_code read_unique(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    return append_indexes(reader, node, target, true, err);
}

/* Children */

static enum lf_code read_child_attr(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct child *child = target;
    return read_text(reader, node, "attr", &child->attr, err);
}

static enum lf_code read_child_table(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct child *child = target;
    return read_text(reader, node, "table", &child->table, err);
}

static enum lf_code read_child_columns(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct child *child = target;
    TRY(expect_kind(reader, node, NODE_MAPPING, "columns", err));
    child->columns = new_array(reader, node->count, sizeof *child->columns, err);
    if (!child->columns)
        return err->code;
    child->column_count = node->count;
    for (size_t i = 0; i < node->count; i++)
        TRY(read_column(reader, node, i, COLUMN_FROM_ELEMENT, &child->columns[i], err));
    return LF_OK;
}

static const struct field child_fields[] = {
    { "attr", true, read_child_attr },
    { "table", true, read_child_table },
    { "columns", true, read_child_columns },
};
static const struct field_set child_set = FIELD_SET("child", child_fields);

static enum lf_code read_children(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct entity *entity = target;
    TRY(expect_kind(reader, node, NODE_MAPPING, "children", err));
    entity->children = new_array(reader, node->count, sizeof *entity->children, err);
    if (!entity->children)
        return err->code;
    entity->child_count = node->count;
    for (size_t i = 0; i < node->count; i++) {
        entity->children[i].line = yaml_key(node, i)->line;
        TRY(read_fields(reader, yaml_value(node, i), &child_set, yaml_key(node, i)->text, &entity->children[i], err));
    }
    return LF_OK;
}

/* Foreign keys */

struct foreign_key_keys {
    const struct entity *entity;
    struct foreign_key *key;
};

static enum lf_code read_foreign_key_columns(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct foreign_key_keys *keys = target;
    return read_column_list(reader, node, keys->entity, "columns", &keys->key->columns, &keys->key->count, err);
}

static enum lf_code read_references(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct foreign_key_keys *keys = target;
    TRY(expect_kind(reader, node, NODE_SCALAR, "references", err));
    struct open_reference *reference = new_array(reader, 1, sizeof *reference, err);
    if (!reference)
        return err->code;
    *reference = (struct open_reference){ .node = node, .key = keys->key };
    *reader->references_end = reference;
    reader->references_end = &reference->next;
    return LF_OK;
}

static enum lf_code read_enforce(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct foreign_key_keys *keys = target;
    bool is_now = span_equal(node->text, SPAN("now"));
    if (node->kind != NODE_SCALAR || (!is_now && !span_equal(node->text, SPAN("contract"))))
        return ERR_NODE(err, LF_MAP, reader, node, "%s", "enforce must be contract or now");
    keys->key->enforce = is_now ? ENFORCE_NOW : ENFORCE_CONTRACT;
    return LF_OK;
}

static const struct field foreign_key_fields[] = {
    { "columns", true, read_foreign_key_columns },
    { "references", true, read_references },
    { "enforce", false, read_enforce },
};
static const struct field_set foreign_key_set = FIELD_SET("foreign key", foreign_key_fields);

static enum lf_code read_foreign_keys(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct entity *entity = target;
    TRY(expect_kind(reader, node, NODE_SEQUENCE, "foreign_keys", err));
    entity->foreign_keys = new_array(reader, node->count, sizeof *entity->foreign_keys, err);
    if (!entity->foreign_keys)
        return err->code;
    entity->foreign_key_count = node->count;
    for (size_t i = 0; i < node->count; i++) {
        struct foreign_key_keys keys = { entity, &entity->foreign_keys[i] };
        keys.key->line = node->items[i].line;
        TRY(read_fields(reader, &node->items[i], &foreign_key_set, span_of(NULL, 0), &keys, err));
    }
    return LF_OK;
}

static struct entity *find_entity_of_table(const struct map *map, struct span table)
{
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count; e++)
            if (span_equal(map->tables[t].entities[e].table, table))
                return &map->tables[t].entities[e];
    return NULL;
}

/* Fills parent and references; that they are its primary key is for map_finish to say. */
static enum lf_code resolve_reference(struct reader *reader, const struct open_reference *open, struct err *err)
{
    const struct yaml_node *node = open->node;
    struct reference reference;
    if (reference_parse(node->text, reader->arena, &reference, err))
        return place_error(reader, node, err);
    struct foreign_key *key = open->key;
    key->parent = find_entity_of_table(reader->map, reference.table);
    if (!key->parent)
        return ERR_NODE(err, LF_MAP, reader, node, "no entity has the table '%.*s'", SPAN_ARG(utf8_cut(reference.table, 80)));
    if (reference.count != key->count)
        return ERR_NODE(err, LF_MAP, reader, node, "%zu columns cannot reference %zu", key->count, reference.count);
    key->references = new_array(reader, key->count, sizeof *key->references, err);
    if (!key->references)
        return err->code;
    for (size_t i = 0; i < key->count; i++) {
        size_t column = entity_find_column(key->parent, reference.columns[i]);
        if (column == key->parent->column_count)
            return ERR_NODE(err, LF_MAP, reader, node, "the table %.*s has no column '%.*s'",
                            SPAN_ARG(utf8_cut(reference.table, 80)), SPAN_ARG(utf8_cut(reference.columns[i], 80)));
        key->references[i] = (unsigned)column;
    }
    return LF_OK;
}

/* Entities and tables */

/* `columns` first: what follows names them; `key` before `keys`. */
static const struct field entity_fields[] = {
    { "columns", true, read_entity_columns },
    { "match", false, read_matches },
    { "key", true, read_key },
    { "keys", false, read_keys },
    { "table", true, read_entity_table },
    { "primary_key", false, read_primary_key },
    { "children", false, read_children },
    { "foreign_keys", false, read_foreign_keys },
    { "indexes", false, read_indexes },
    { "unique", false, read_unique },
    { "search", false, read_search },
    { "distribute_by", false, read_distribute_by },
};
static const struct field_set entity_set = FIELD_SET("entity", entity_fields);

static enum lf_code read_entities(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct map_table *table = target;
    TRY(expect_kind(reader, node, NODE_MAPPING, "entities", err));
    table->entities = new_array(reader, node->count, sizeof *table->entities, err);
    if (!table->entities)
        return err->code;
    table->entity_count = node->count;
    for (size_t i = 0; i < node->count; i++) {
        struct entity *entity = &table->entities[i];
        entity->name = yaml_key(node, i)->text;
        entity->line = yaml_key(node, i)->line;
        entity->dynamodb_table = table;
        TRY(read_fields(reader, yaml_value(node, i), &entity_set, entity->name, entity, err));
    }
    return LF_OK;
}

static enum lf_code read_key_attribute(struct reader *reader, const struct yaml_node *mapping, size_t at,
                                       struct key_attribute *attribute, struct err *err)
{
    struct span type;
    attribute->name = yaml_key(mapping, at)->text;
    TRY(read_text(reader, yaml_value(mapping, at), "a key attribute's type", &type, err));
    if (!value_type_from_name(type, &attribute->type) || attribute->type > VALUE_B)
        return ERR_NODE(err, LF_MAP, reader, yaml_value(mapping, at), "a key attribute's type is S, N or B, not '%.*s'",
                        SPAN_ARG(utf8_cut(type, 80)));
    return LF_OK;
}

/* { pk: S, sk: S }: the partition key, then the sort key. */
static enum lf_code read_key_schema(struct reader *reader, const struct yaml_node *node, struct key_schema *key, struct err *err)
{
    TRY(expect_kind(reader, node, NODE_MAPPING, "a key", err));
    if (node->count < 1 || node->count > 2)
        return ERR_NODE(err, LF_MAP, reader, node, "a key has one or two attributes, not %zu", node->count);
    TRY(read_key_attribute(reader, node, 0, &key->partition, err));
    return node->count == 2 ? read_key_attribute(reader, node, 1, &key->sort, err) : LF_OK;
}

static enum lf_code read_table_key(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct map_table *table = target;
    return read_key_schema(reader, node, &table->key, err);
}

static enum lf_code append_secondary(struct reader *reader, const struct yaml_node *node, struct map_table *table, bool is_local,
                                     struct err *err)
{
    TRY(expect_kind(reader, node, NODE_MAPPING, is_local ? "local_indexes" : "indexes", err));
    struct secondary_index *indexes = new_array(reader, table->index_count + node->count, sizeof *indexes, err);
    if (!indexes)
        return err->code;
    if (table->index_count)
        memcpy(indexes, table->indexes, table->index_count * sizeof *indexes);
    for (size_t i = 0; i < node->count; i++) {
        struct secondary_index *index = &indexes[table->index_count + i];
        index->name = yaml_key(node, i)->text;
        index->is_local = is_local;
        TRY(read_key_schema(reader, yaml_value(node, i), &index->key, err));
    }
    table->indexes = indexes;
    table->index_count += node->count;
    return LF_OK;
}

static enum lf_code read_global_indexes(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    return append_secondary(reader, node, target, false, err);
}

static enum lf_code read_local_indexes(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    return append_secondary(reader, node, target, true, err);
}

static enum lf_code read_included(struct reader *reader, const struct yaml_node *node, struct secondary_index *index,
                                  struct err *err)
{
    TRY(expect_kind(reader, node, NODE_SEQUENCE, "a projection", err));
    index->included = new_array(reader, node->count, sizeof *index->included, err);
    if (!index->included)
        return err->code;
    index->is_partial = true;
    index->included_count = node->count;
    for (size_t i = 0; i < node->count; i++)
        TRY(read_text(reader, &node->items[i], "a projected attribute", &index->included[i], err));
    return LF_OK;
}

static enum lf_code read_projections(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct map_table *table = target;
    TRY(expect_kind(reader, node, NODE_MAPPING, "projections", err));
    for (size_t i = 0; i < node->count; i++) {
        size_t at = map_table_find_index(table, yaml_key(node, i)->text);
        if (at == table->index_count)
            return ERR_NODE(err, LF_MAP, reader, yaml_key(node, i), "no index has the name '%.*s'",
                            SPAN_ARG(utf8_cut(yaml_key(node, i)->text, 80)));
        TRY(read_included(reader, yaml_value(node, i), &table->indexes[at], err));
    }
    return LF_OK;
}

/* `projections` after the indexes, which it names. */
static const struct field table_fields[] = {
    { "key", true, read_table_key },
    { "indexes", false, read_global_indexes },
    { "local_indexes", false, read_local_indexes },
    { "projections", false, read_projections },
    { "entities", true, read_entities },
};
static const struct field_set table_set = FIELD_SET("table", table_fields);

static enum lf_code read_version(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    (void)target;
    if (node->kind != NODE_SCALAR || !span_equal(node->text, SPAN("1")))
        return ERR_NODE(err, LF_MAP, reader, node, "%s", "this program reads version 1 of the map");
    return LF_OK;
}

static enum lf_code read_schema(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct map *map = target;
    return read_text(reader, node, "schema", &map->schema, err);
}

static enum lf_code read_tables(struct reader *reader, const struct yaml_node *node, void *target, struct err *err)
{
    struct map *map = target;
    TRY(expect_kind(reader, node, NODE_MAPPING, "tables", err));
    map->tables = new_array(reader, node->count, sizeof *map->tables, err);
    if (!map->tables)
        return err->code;
    map->table_count = node->count;
    for (size_t i = 0; i < node->count; i++) {
        struct map_table *table = &map->tables[i];
        table->name = yaml_key(node, i)->text;
        table->line = yaml_key(node, i)->line;
        TRY(read_fields(reader, yaml_value(node, i), &table_set, table->name, table, err));
    }
    return LF_OK;
}

static const struct field map_fields[] = {
    { "version", true, read_version },
    { "schema", true, read_schema },
    { "tables", true, read_tables },
};
static const struct field_set map_set = FIELD_SET("the map", map_fields);

/* "line 12: …" of map_finish becomes "landfall.yaml:12: …". */
static enum lf_code place_finish_error(const struct reader *reader, struct err *err)
{
    char message[ERR_MESSAGE_BYTES];
    memcpy(message, err->message, sizeof message);
    bool has_line = strncmp(message, "line ", 5) == 0;
    return ERR(err, err->code, "%s:%s%s", reader->file, has_line ? "" : " ", message + (has_line ? 5 : 0));
}

enum lf_code map_read_yaml(struct span text, const char *file, struct arena *arena, struct map *ret_map, struct err *err)
{
    struct yaml_node root;
    TRY(yaml_parse(text, file, arena, &root, err));
    struct map map = { 0 };
    struct reader reader = { .file = file, .arena = arena, .map = &map };
    reader.references_end = &reader.references;
    TRY(read_fields(&reader, &root, &map_set, span_of(NULL, 0), &map, err));
    for (const struct open_reference *open = reader.references; open; open = open->next)
        TRY(resolve_reference(&reader, open, err));
    if (map_finish(&map, arena, err))
        return place_finish_error(&reader, err);
    *ret_map = map;
    return LF_OK;
}
