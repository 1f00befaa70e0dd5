#include "map/ddl_plan.h"

#include "base/hash.h"
#include "base/limits.h"
#include "codec/utf8.h"
#include "map/column_codec.h"
#include "map/naming.h"

/* Names taken in the schema, by open addressing; at most half full. */
struct name_set {
    struct span *names;
    size_t mask;
};

static struct span *find_slot(const struct name_set *set, struct span name)
{
    size_t at = hash64(name, 0) & set->mask;
    while (set->names[at].len && !span_equal(set->names[at], name))
        at = (at + 1) & set->mask;
    return &set->names[at];
}

static bool is_taken(void *context, struct span name)
{
    return find_slot(context, name)->len != 0;
}

struct planner {
    struct arena *arena;
    struct name_set names;
    struct ddl_plan plan;
};

/* Key parts */

static const struct key_template *find_template(const struct entity *entity, struct span attr)
{
    for (size_t i = 0; i < entity->template_count; i++)
        if (span_equal(entity->templates[i].attr, attr))
            return &entity->templates[i];
    return NULL;
}

/* Whether the column's values are ordered as the attribute's, and are as many: texts of numbers order otherwise than numbers, and
 * SQL may write times that are finer than seconds or milliseconds say. */
static bool orders_as_attribute(const struct column *column)
{
    if (column->type == COLUMN_TIMESTAMPTZ)
        return strncmp(column->codec->name, "iso8601_us", strlen("iso8601_us")) == 0;
    return column->codec->value != VALUE_S || column->type == COLUMN_TEXT || column->type == COLUMN_UUID ||
           column->type == COLUMN_DATE;
}

static bool orders_as_text(const struct column *column)
{
    return column->codec->value == VALUE_S && orders_as_attribute(column);
}

static struct ddl_key_part part_of_template(const struct entity *entity, const struct key_template *key)
{
    struct ddl_key_part part = { .template = key, .is_constant = true };
    for (size_t i = 0; i < key->template.count; i++)
        if (key->template.parts[i].is_variable) {
            part.is_constant = false;
            part.column = key->template.parts[i].column;
        }
    bool is_exact = (size_t)(key - entity->templates) < entity_key_count(entity); /* others may stand in ddb_extra instead */
    bool has_order = is_exact && !part.is_constant && template_keeps_order(&key->template);
    part.is_native = key->is_column ? orders_as_attribute(&entity->columns[part.column])
                                    : has_order && orders_as_text(&entity->columns[part.column]);
    return part;
}

static const struct match *find_match(const struct entity *entity, struct span attr)
{
    for (size_t i = 0; i < entity->match_count; i++)
        if (span_equal(entity->matches[i].attr, attr))
            return &entity->matches[i];
    return NULL;
}

static bool is_of_key(const struct entity *entity, struct span attr)
{
    const struct key_schema *key = &entity->dynamodb_table->key;
    return span_equal(attr, key->partition.name) || span_equal(attr, key->sort.name);
}

/* As in entity_index.h: a column wins over a template, but for the table's key, and that over a constant. */
bool ddl_key_part_find(const struct entity *entity, struct span attr, struct ddl_key_part *ret_part)
{
    const struct key_template *template = find_template(entity, attr);
    const struct match *match = find_match(entity, attr);
    for (size_t i = 0; i < entity->column_count && !(template && is_of_key(entity, attr)); i++)
        if (entity->columns[i].source == COLUMN_FROM_ATTRIBUTE && span_equal(entity->columns[i].attr, attr)) {
            *ret_part = (struct ddl_key_part){ .is_native = orders_as_attribute(&entity->columns[i]), .column = (unsigned)i };
            return true;
        }
    if (template)
        *ret_part = part_of_template(entity, template);
    else if (match)
        *ret_part = (struct ddl_key_part){ .match = match, .is_constant = true };
    return template || match;
}

/* The parts of a key; 0 when the entity lacks one. */
static size_t find_key_parts(const struct entity *entity, const struct key_schema *key, struct ddl_key_part parts[2])
{
    if (!ddl_key_part_find(entity, key->partition.name, &parts[0]))
        return 0;
    if (!key_schema_has_sort(key))
        return 1;
    return ddl_key_part_find(entity, key->sort.name, &parts[1]) ? 2 : 0;
}

static bool contains(const unsigned *columns, size_t count, unsigned column)
{
    for (size_t i = 0; i < count; i++)
        if (columns[i] == column)
            return true;
    return false;
}

/* Adds the columns of native parts, each once, behind the `count` that are there; constants need none. False when a part is
 * neither. */
static bool native_columns(const struct ddl_key_part *parts, size_t part_count, unsigned *columns, size_t *count)
{
    for (size_t i = 0; i < part_count; i++) {
        if (!parts[i].is_native && !parts[i].is_constant)
            return false;
        if (parts[i].is_native && !contains(columns, *count, parts[i].column))
            columns[(*count)++] = parts[i].column;
    }
    return true;
}

static bool key_uses_column(const struct entity *entity, const struct key_schema *key, unsigned column)
{
    const struct span attrs[] = { key->partition.name, key->sort.name };
    struct ddl_key_part part;
    for (size_t i = 0; i < 2; i++)
        if (attrs[i].ptr && ddl_key_part_find(entity, attrs[i], &part) && part.is_native && part.column == column)
            return true;
    return false;
}

bool ddl_column_is_keyed(const struct entity *entity, unsigned column)
{
    if (entity->columns[column].check_count || contains(entity->primary_key, entity->primary_key_count, column) ||
        span_equal(entity->columns[column].name, entity->distribute_by))
        return true;
    for (size_t i = 0; i < entity->template_count; i++)
        for (size_t p = 0; p < entity->templates[i].template.count; p++) {
            const struct template_part *part = &entity->templates[i].template.parts[p];
            if (part->is_variable && part->column == column)
                return true;
        }
    for (size_t i = 0; i < entity->index_count; i++)
        if (contains(entity->indexes[i].columns, entity->indexes[i].count, column))
            return true;
    for (size_t i = 0; i < entity->foreign_key_count; i++)
        if (contains(entity->foreign_keys[i].columns, entity->foreign_keys[i].count, column))
            return true;
    for (size_t i = 0; i < entity->dynamodb_table->index_count; i++)
        if (key_uses_column(entity, &entity->dynamodb_table->indexes[i].key, column))
            return true;
    return false;
}

/* Names */

/* table_middle_suffix, cut in the middle to 63 bytes, numbered when it is taken. */
static enum lf_code make_name(struct planner *planner, struct span table, struct span middle, const char *suffix,
                              struct span *ret_name, struct err *err)
{
    struct span whole, kept;
    TRY(arena_printf(planner->arena, &whole, err, "%.*s%s%.*s", SPAN_ARG(table), middle.len ? "_" : "", SPAN_ARG(middle)));
    kept = utf8_cut(whole, LIMIT_IDENTIFIER_BYTES - strlen(suffix));
    TRY(arena_printf(planner->arena, &whole, err, "%.*s%s", SPAN_ARG(kept), suffix));
    TRY(name_unique(whole, is_taken, &planner->names, planner->arena, ret_name, err));
    *find_slot(&planner->names, *ret_name) = *ret_name;
    return LF_OK;
}

/* "docket_number_created_at" */
static enum lf_code join_columns(struct planner *planner, const struct entity *entity, const unsigned *columns, size_t count,
                                 struct span *ret_text, struct err *err)
{
    *ret_text = span_of(NULL, 0);
    for (size_t i = 0; i < count; i++)
        TRY(arena_printf(planner->arena, ret_text, err, "%.*s%s%.*s", SPAN_ARG(*ret_text), i ? "_" : "",
                         SPAN_ARG(entity->columns[columns[i]].name)));
    return LF_OK;
}

/* Indexes */

/* Whether an index that stays has these columns first. */
static bool is_served(const struct planner *planner, const struct entity *entity, const unsigned *columns, size_t count)
{
    for (size_t i = 0; i < planner->plan.index_count; i++) {
        const struct ddl_index *index = &planner->plan.indexes[i];
        bool is_plain = index->kind == DDL_PRIMARY_KEY || index->kind == DDL_INDEX;
        if (is_plain && index->entity == entity && !index->child && count <= index->column_count &&
            memcmp(index->columns, columns, count * sizeof *columns) == 0)
            return true;
    }
    return false;
}

/* On Citus every unique index has the distribution column; it goes first where the map does not name it. */
static enum lf_code with_distribution(struct planner *planner, const struct entity *entity, const unsigned *columns, size_t count,
                                      const unsigned **ret_columns, size_t *ret_count, struct err *err)
{
    *ret_columns = columns;
    *ret_count = count;
    unsigned distribution = (unsigned)entity_find_column(entity, entity->distribute_by);
    if (entity->distribute_by.len == 0 || contains(columns, count, distribution))
        return LF_OK;
    unsigned *more = arena_calloc(planner->arena, count + 1, sizeof *more, err);
    if (!more)
        return err->code;
    more[0] = distribution;
    if (count)
        memcpy(more + 1, columns, count * sizeof *columns);
    *ret_columns = more;
    *ret_count = count + 1;
    return LF_OK;
}

static void add_index(struct planner *planner, struct ddl_index index)
{
    planner->plan.indexes[planner->plan.index_count++] = index;
}

static enum lf_code plan_primary_keys(struct planner *planner, const struct entity *entity, struct err *err)
{
    if (entity->primary_key_count == 0)
        return LF_OK;
    struct ddl_index index = { .kind = DDL_PRIMARY_KEY, .entity = entity, .is_unique = true };
    TRY(with_distribution(planner, entity, entity->primary_key, entity->primary_key_count, &index.columns, &index.column_count,
                          err));
    TRY(make_name(planner, entity->table, span_of(NULL, 0), "_pkey", &index.name, err));
    add_index(planner, index);
    for (size_t i = 0; i < entity->child_count; i++) {
        index.child = &entity->children[i];
        TRY(make_name(planner, index.child->table, span_of(NULL, 0), "_pkey", &index.name, err));
        add_index(planner, index);
    }
    return LF_OK;
}

static enum lf_code plan_column_index(struct planner *planner, const struct entity *entity, const unsigned *columns, size_t count,
                                      bool is_unique, struct err *err)
{
    struct ddl_index index = { .kind = DDL_INDEX, .entity = entity, .is_unique = is_unique };
    struct span middle;
    index.columns = columns;
    index.column_count = count;
    if (is_unique)
        TRY(with_distribution(planner, entity, columns, count, &index.columns, &index.column_count, err));
    TRY(join_columns(planner, entity, columns, count, &middle, err));
    TRY(make_name(planner, entity->table, middle, is_unique ? "_key" : "_idx", &index.name, err));
    add_index(planner, index);
    return LF_OK;
}

static enum lf_code plan_column_indexes(struct planner *planner, const struct entity *entity, struct err *err)
{
    for (size_t i = 0; i < entity->index_count; i++) {
        const struct index_def *index = &entity->indexes[i];
        TRY(plan_column_index(planner, entity, index->columns, index->count, index->unique, err));
    }
    for (size_t i = 0; i < entity->foreign_key_count; i++) {
        const struct foreign_key *key = &entity->foreign_keys[i];
        if (!is_served(planner, entity, key->columns, key->count))
            TRY(plan_column_index(planner, entity, key->columns, key->count, false, err));
    }
    return LF_OK;
}

static enum lf_code plan_search(struct planner *planner, const struct entity *entity, struct err *err)
{
    if (entity->search_count == 0)
        return LF_OK;
    struct ddl_index index = { .kind = DDL_SEARCH, .entity = entity };
    index.columns = entity->search;
    index.column_count = entity->search_count;
    TRY(make_name(planner, entity->table, SPAN("search"), "_idx", &index.name, err));
    add_index(planner, index);
    return LF_OK;
}

/* A native key that is the primary key, column for column. */
static bool is_primary_key(const struct entity *entity, const unsigned *columns, size_t count)
{
    return count && count == entity->primary_key_count && memcmp(columns, entity->primary_key, count * sizeof *columns) == 0;
}

static bool has_primary_key(const struct entity *entity, const unsigned *columns, size_t count)
{
    for (size_t i = 0; i < entity->primary_key_count; i++)
        if (!contains(columns, count, entity->primary_key[i]))
            return false;
    return entity->primary_key_count > 0;
}

/* An index on the same columns can be the key's as well. It stays unique for good, so the primary key must make it so anyway. */
static struct ddl_index *find_index_for_key(struct planner *planner, const struct ddl_index *key)
{
    for (size_t i = 0; i < planner->plan.index_count; i++) {
        struct ddl_index *index = &planner->plan.indexes[i];
        if (index->kind == DDL_INDEX && index->entity == key->entity && index->column_count == key->column_count &&
            memcmp(index->columns, key->columns, key->column_count * sizeof *key->columns) == 0)
            return has_primary_key(key->entity, key->columns, key->column_count) ? index : NULL;
    }
    return NULL;
}

static enum lf_code plan_shadow_key(struct planner *planner, const struct entity *entity, struct err *err)
{
    struct ddl_key_part parts[2];
    size_t part_count = find_key_parts(entity, &entity->dynamodb_table->key, parts), count = 0;
    unsigned *columns = arena_calloc(planner->arena, 2, sizeof *columns, err);
    if (!columns)
        return err->code;
    bool is_native = native_columns(parts, part_count, columns, &count) && count;
    if (is_native && is_primary_key(entity, columns, count))
        return LF_OK;

    struct ddl_index index = { .kind = DDL_SHADOW, .entity = entity, .is_unique = true };
    index.key = is_native ? NULL : &entity->dynamodb_table->key;
    TRY(with_distribution(planner, entity, columns, is_native ? count : 0, &index.columns, &index.column_count, err));
    struct ddl_index *same = is_native ? find_index_for_key(planner, &index) : NULL;
    if (same) {
        same->is_unique = true;
        return LF_OK;
    }
    TRY(make_name(planner, entity->table, span_of(NULL, 0), "_ddb_key", &index.name, err));
    add_index(planner, index);
    return LF_OK;
}

static enum lf_code plan_shadow_index(struct planner *planner, const struct entity *entity,
                                      const struct secondary_index *secondary, struct err *err)
{
    struct ddl_key_part parts[2];
    size_t part_count = find_key_parts(entity, &secondary->key, parts), count = 0;
    if (part_count == 0)
        return LF_OK;
    unsigned *columns = arena_calloc(planner->arena, 2, sizeof *columns, err);
    if (!columns)
        return err->code;
    bool is_native = native_columns(parts, part_count, columns, &count) && count;
    if (is_native && is_served(planner, entity, columns, count))
        return LF_OK;

    struct ddl_index index = { .kind = DDL_SHADOW, .entity = entity, .columns = columns };
    index.column_count = is_native ? count : 0;
    index.key = is_native ? NULL : &secondary->key;
    struct span middle;
    TRY(name_snake_case(secondary->name, planner->arena, &middle, err));
    TRY(make_name(planner, entity->table, middle, "_ddb", &index.name, err));
    add_index(planner, index);
    return LF_OK;
}

static enum lf_code plan_indexes(struct planner *planner, const struct entity *entity, struct err *err)
{
    TRY(plan_primary_keys(planner, entity, err));
    TRY(plan_column_indexes(planner, entity, err));
    TRY(plan_search(planner, entity, err));
    TRY(plan_shadow_key(planner, entity, err));
    for (size_t i = 0; i < entity->dynamodb_table->index_count; i++)
        TRY(plan_shadow_index(planner, entity, &entity->dynamodb_table->indexes[i], err));
    return LF_OK;
}

/* Constraints */

/* `constraint` gets its name, of the table it is on. */
static enum lf_code add_constraint(struct planner *planner, struct ddl_constraint constraint, struct span middle,
                                   const char *suffix, struct err *err)
{
    struct span table = constraint.child ? constraint.child->table : constraint.entity->table;
    TRY(make_name(planner, table, middle, suffix, &constraint.name, err));
    planner->plan.constraints[planner->plan.constraint_count++] = constraint;
    return LF_OK;
}

static enum lf_code plan_checks(struct planner *planner, const struct entity *entity, const struct child *child,
                                const struct column *columns, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        struct ddl_constraint check = { .kind = DDL_CHECK, .entity = entity, .child = child, .column = &columns[i] };
        if (columns[i].check_count)
            TRY(add_constraint(planner, check, columns[i].name, "_check", err));
    }
    return LF_OK;
}

static enum lf_code plan_constraints(struct planner *planner, const struct entity *entity, struct err *err)
{
    TRY(plan_checks(planner, entity, NULL, entity->columns, entity->column_count, err));
    for (size_t i = 0; i < entity->child_count; i++) {
        const struct child *child = &entity->children[i];
        struct ddl_constraint parent = { .kind = DDL_PARENT, .entity = entity, .child = child };
        TRY(plan_checks(planner, entity, child, child->columns, child->column_count, err));
        TRY(add_constraint(planner, parent, entity->table, "_fkey", err));
    }
    for (size_t i = 0; i < entity->foreign_key_count; i++) {
        const struct foreign_key *key = &entity->foreign_keys[i];
        struct ddl_constraint foreign = { .kind = DDL_FOREIGN_KEY, .entity = entity, .foreign_key = key };
        struct span middle;
        TRY(join_columns(planner, entity, key->columns, key->count, &middle, err));
        TRY(add_constraint(planner, foreign, middle, "_fkey", err));
    }
    return LF_OK;
}

/* The whole map */

struct counts {
    size_t tables, indexes, constraints;
};

/* At most so many of each. */
static struct counts count_all(const struct map *map)
{
    struct counts counts = { 0 };
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count; e++) {
            const struct entity *entity = &map->tables[t].entities[e];
            counts.tables += 1 + entity->child_count;
            counts.indexes +=
                3 + entity->child_count + entity->index_count + entity->foreign_key_count + map->tables[t].index_count;
            counts.constraints += entity->child_count + entity->foreign_key_count + entity->column_count;
            for (size_t c = 0; c < entity->child_count; c++)
                counts.constraints += entity->children[c].column_count;
        }
    return counts;
}

static enum lf_code planner_init(struct planner *planner, const struct counts *counts, struct err *err)
{
    size_t names = counts->tables + counts->indexes + counts->constraints, size = 16;
    while (size < 2 * names)
        size *= 2;
    planner->names.mask = size - 1;
    planner->names.names = arena_calloc(planner->arena, size, sizeof(struct span), err);
    if (!planner->names.names)
        return err->code;
    planner->plan.indexes = arena_calloc(planner->arena, counts->indexes, sizeof(struct ddl_index), err);
    if (!planner->plan.indexes)
        return err->code;
    planner->plan.constraints = arena_calloc(planner->arena, counts->constraints, sizeof(struct ddl_constraint), err);
    return planner->plan.constraints ? LF_OK : err->code;
}

static void take_table_names(struct planner *planner, const struct map *map)
{
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count; e++) {
            const struct entity *entity = &map->tables[t].entities[e];
            *find_slot(&planner->names, entity->table) = entity->table;
            for (size_t c = 0; c < entity->child_count; c++)
                *find_slot(&planner->names, entity->children[c].table) = entity->children[c].table;
        }
}

enum lf_code ddl_plan_make(const struct map *map, struct arena *arena, struct ddl_plan *ret_plan, struct err *err)
{
    struct planner planner = { .arena = arena };
    struct counts counts = count_all(map);
    TRY(planner_init(&planner, &counts, err));
    take_table_names(&planner, map);
    for (size_t t = 0; t < map->table_count; t++)
        for (size_t e = 0; e < map->tables[t].entity_count; e++) {
            TRY(plan_indexes(&planner, &map->tables[t].entities[e], err));
            TRY(plan_constraints(&planner, &map->tables[t].entities[e], err));
        }
    *ret_plan = planner.plan;
    return LF_OK;
}
