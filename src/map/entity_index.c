#include "map/entity_index.h"

#include <stdint.h>

#include "base/hash.h"
#include "map/model_check.h"

enum { TABLE_SLOTS_MIN = 4, NAMES_MAX = 1 << 20 };

struct name_entry {
    struct span name; /* ptr NULL: free */
    unsigned number;
};

static enum lf_code name_table_init(struct name_table *table, size_t names, struct arena *arena, struct err *err)
{
    if (names > NAMES_MAX)
        return ERR(err, LF_LIMIT, "%zu names in one entity, at most %d are possible", names, NAMES_MAX);
    size_t size = TABLE_SLOTS_MIN;
    while (size < 2 * names)
        size *= 2;
    table->entries = arena_calloc(arena, size, sizeof *table->entries, err);
    table->mask = size - 1;
    return table->entries ? LF_OK : err->code;
}

static struct name_entry *find_entry(const struct name_table *table, struct span name)
{
    size_t at = hash_name(name) & table->mask;
    while (table->entries[at].name.ptr && !span_equal(table->entries[at].name, name))
        at = (at + 1) & table->mask;
    return &table->entries[at];
}

unsigned name_table_find(const struct name_table *table, struct span name)
{
    const struct name_entry *entry = find_entry(table, name);
    return entry->name.ptr ? entry->number : NAME_NONE;
}

/* The number the name has already, or NAME_NONE when it now has `number`. */
static unsigned name_table_add(struct name_table *table, struct span name, unsigned number)
{
    struct name_entry *entry = find_entry(table, name);
    if (entry->name.ptr)
        return entry->number;
    *entry = (struct name_entry){ span_of(name.ptr ? name.ptr : "", name.len), number };
    return NAME_NONE;
}

/* ---- slots ---- */

static enum lf_code claimed_twice(struct span attr, unsigned line, struct err *err)
{
    return ERR(err, LF_MAP, "%sthe attribute '%.*s' is named twice", AT_LINE(line), SPAN_ARG(attr));
}

/* A slot for the attribute; when it has one, the existing stays. Returns the slot. */
static unsigned add_slot(struct entity_index *index, struct span attr, enum attribute_role role, size_t at)
{
    unsigned number = (unsigned)index->slot_count;
    unsigned existing = name_table_add(&index->names, attr, number);
    if (existing != NAME_NONE)
        return existing;
    index->slots[index->slot_count++] = (struct attribute_slot){ attr, role, (unsigned)at };
    return number;
}

/* Only one thing can store an attribute. */
static enum lf_code add_only_slot(struct entity_index *index, struct span attr, enum attribute_role role, size_t at,
                                  unsigned line, struct err *err)
{
    size_t before = index->slot_count;
    (void)add_slot(index, attr, role, at);
    return index->slot_count > before ? LF_OK : claimed_twice(attr, line, err);
}

/* The flatten of an attribute, new where the column is the first of it. */
static enum lf_code flatten_of(struct entity_index *index, const struct entity *entity, const struct column *column,
                               struct arena *arena, struct flatten **ret_flatten, struct err *err)
{
    unsigned slot = add_slot(index, column->attr, ROLE_FLATTEN, index->flatten_count);
    if (index->slots[slot].role != ROLE_FLATTEN)
        return claimed_twice(column->attr, column->line, err);
    struct flatten *flatten = &index->flattens[index->slots[slot].at];
    *ret_flatten = flatten;
    if (index->slots[slot].at < index->flatten_count)
        return LF_OK;
    index->flatten_count++;
    flatten->columns = arena_calloc(arena, entity->column_count, sizeof *flatten->columns, err);
    return flatten->columns ? name_table_init(&flatten->members, entity->column_count, arena, err) : err->code;
}

static enum lf_code add_member(struct entity_index *index, const struct entity *entity, unsigned at, struct arena *arena,
                               struct err *err)
{
    const struct column *column = &entity->columns[at];
    struct flatten *flatten = NULL;
    TRY(flatten_of(index, entity, column, arena, &flatten, err));
    if (name_table_add(&flatten->members, column->member, at) != NAME_NONE)
        return claimed_twice(column->member, column->line, err);
    flatten->columns[flatten->column_count++] = at;
    return LF_OK;
}

static enum lf_code add_columns(struct entity_index *index, const struct entity *entity, struct arena *arena, struct err *err)
{
    for (unsigned i = 0; i < entity->column_count; i++) {
        const struct column *column = &entity->columns[i];
        if (column->source == COLUMN_FROM_ATTRIBUTE)
            TRY(add_only_slot(index, column->attr, ROLE_COLUMN, i, column->line, err));
        else if (column->source == COLUMN_FROM_MEMBER)
            TRY(add_member(index, entity, i, arena, err));
    }
    return LF_OK;
}

static enum lf_code add_child(struct child_index *index, const struct child *child, struct arena *arena, struct err *err)
{
    TRY(name_table_init(&index->members, child->column_count, arena, err));
    index->element = NAME_NONE;
    for (unsigned i = 0; i < child->column_count; i++) {
        const struct column *column = &child->columns[i];
        bool is_second;
        if (column->source == COLUMN_FROM_ELEMENT) {
            is_second = index->element != NAME_NONE;
            index->element = i;
        } else {
            is_second = name_table_add(&index->members, column->attr, i) != NAME_NONE;
        }
        if (is_second)
            return claimed_twice(column->attr, column->line, err);
    }
    return LF_OK;
}

static enum lf_code add_children(struct entity_index *index, const struct entity *entity, struct arena *arena, struct err *err)
{
    for (size_t i = 0; i < entity->child_count; i++) {
        const struct child *child = &entity->children[i];
        TRY(add_only_slot(index, child->attr, ROLE_CHILD, i, child->line, err));
        TRY(add_child(&index->children[i], child, arena, err));
    }
    return LF_OK;
}

/* ---- templates ---- */

static bool key_type(const struct key_schema *key, struct span attr, enum value_type *ret_type)
{
    bool is_partition = span_equal(key->partition.name, attr);
    if (!is_partition && !(key_schema_has_sort(key) && span_equal(key->sort.name, attr)))
        return false;
    *ret_type = is_partition ? key->partition.type : key->sort.type;
    return true;
}

/* A number or binary where the table's key or an index says so, else a string. */
static enum value_type template_type(const struct map_table *table, struct span attr)
{
    enum value_type type = VALUE_S;
    if (key_type(&table->key, attr, &type))
        return type;
    for (size_t i = 0; i < table->index_count; i++)
        if (key_type(&table->indexes[i].key, attr, &type))
            return type;
    return VALUE_S;
}

/* Columns without an attribute take their value from the first template that names them. */
static void note_sources(struct entity_index *index, const struct entity *entity, unsigned at)
{
    const struct template *template = &entity->templates[at].template;
    for (size_t i = 0; i < template->count; i++) {
        const struct template_part *part = &template->parts[i];
        if (!part->is_variable || entity->columns[part->column].source != COLUMN_FROM_KEY ||
            index->column_templates[part->column] != NAME_NONE)
            continue;
        index->column_templates[part->column] = at;
        index->templates[at].gives_columns = true;
    }
}

static enum lf_code add_templates(struct entity_index *index, const struct entity *entity, struct err *err)
{
    for (unsigned i = 0; i < entity->template_count; i++) {
        const struct key_template *key = &entity->templates[i];
        unsigned slot = add_slot(index, key->attr, ROLE_TEMPLATE, i);
        if (index->slots[slot].role == ROLE_TEMPLATE && index->slots[slot].at != i)
            return claimed_twice(key->attr, key->line, err);
        index->templates[i] = (struct template_index){ .slot = slot, .type = template_type(entity->dynamodb_table, key->attr) };
        note_sources(index, entity, i);
    }
    for (unsigned i = 0; i < entity->column_count; i++)
        if (entity->columns[i].source == COLUMN_FROM_KEY && index->column_templates[i] == NAME_NONE)
            return ERR(err, LF_MAP, "%scolumn %.*s has neither an attribute nor a template that gives it",
                       AT_LINE(entity->columns[i].line), SPAN_ARG(entity->columns[i].name));
    return LF_OK;
}

static enum lf_code add_matches(struct entity_index *index, const struct entity *entity, struct err *err)
{
    for (unsigned i = 0; i < entity->match_count; i++) {
        const struct match *match = &entity->matches[i];
        unsigned slot = add_slot(index, match->attr, ROLE_MATCH, i);
        if (index->slots[slot].role == ROLE_MATCH && index->slots[slot].at != i)
            return claimed_twice(match->attr, match->line, err);
    }
    return LF_OK;
}

static enum lf_code allocate(struct entity_index *index, const struct entity *entity, struct arena *arena, struct err *err)
{
    size_t names = entity->match_count + entity->template_count + entity->column_count + entity->child_count;
    TRY(name_table_init(&index->names, names, arena, err));
    index->slots = arena_calloc(arena, names, sizeof *index->slots, err);
    index->flattens = arena_calloc(arena, entity->column_count, sizeof *index->flattens, err);
    index->children = arena_calloc(arena, entity->child_count, sizeof *index->children, err);
    index->templates = arena_calloc(arena, entity->template_count, sizeof *index->templates, err);
    index->column_templates = arena_calloc(arena, entity->column_count, sizeof *index->column_templates, err);
    if (!index->slots || !index->flattens || !index->children || !index->templates || !index->column_templates)
        return err->code;
    for (size_t i = 0; i < entity->column_count; i++)
        index->column_templates[i] = NAME_NONE;
    return LF_OK;
}

enum lf_code entity_index_build(struct entity *entity, struct arena *arena, struct err *err)
{
    struct entity_index *index = arena_calloc(arena, 1, sizeof *index, err);
    if (!index)
        return err->code;
    TRY(allocate(index, entity, arena, err));
    TRY(add_columns(index, entity, arena, err)); /* first comes first: what stores wins over what rebuilds */
    TRY(add_children(index, entity, arena, err));
    TRY(add_templates(index, entity, err));
    TRY(add_matches(index, entity, err));
    entity->index = index;
    return LF_OK;
}
