#include <limits.h>

#include "base/limits.h"
#include "map/infer/draft.h"

enum { UNIQUE_ITEMS_MIN = 10 };

/* ---- primary keys ---- */

/* "id", "<entity>_id", "<entity>", "<entity>_name", … : called after the entity. */
static bool is_called_after(const struct draft_entity *entity, struct span column)
{
    static const char *const endings[] = { "_id", "id", "_key", "_number", "_name", "_uuid", "" };
    if (span_equal(column, SPAN("id")) || span_equal(column, SPAN("uuid")))
        return true;
    struct span name = entity->entity->table;
    if (!span_starts_with(column, name))
        return false;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (span_equal(span_from(column, name.len), span_from_cstr(endings[i])))
            return true;
    return false;
}

/* What people make keys of, whatever the entity is called. */
static bool is_called_like_key(struct span column)
{
    static const char *const endings[] = { "id",    "uuid", "key",  "number", "code", "username",
                                           "email", "slug", "isbn", "sku",    "hash" };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (span_ends_with(column, span_from_cstr(endings[i])))
            return true;
    return false;
}

static unsigned variable_of_column(const struct draft_entity *entity, unsigned column)
{
    for (unsigned v = 0; v < entity->kind->variable_count; v++)
        if (entity->variables[v] == column)
            return v;
    return UINT_MAX;
}

static bool is_unique(const struct draft_entity *entity, unsigned column)
{
    unsigned variable = variable_of_column(entity, column);
    return variable != UINT_MAX && uniqueness_prove(&entity->stats->unique[variable], entity->stats->items);
}

/* Higher is better; 0 is no candidate. */
static int preference(const struct draft_entity *entity, unsigned column)
{
    struct span name = entity->entity->columns[column].name;
    bool called_after = is_called_after(entity, name);
    if (!called_after && entity->stats->items < UNIQUE_ITEMS_MIN)
        return 0;
    if (!is_unique(entity, column))
        return 0;
    if (called_after)
        return span_ends_with(name, SPAN("id")) ? 4 : 3;
    if (span_ends_with(name, SPAN("id")))
        return 2;
    return is_called_like_key(name) || entity->entity->columns[column].type == COLUMN_UUID ? 1 : 0;
}

/* The one column that is distinct over all items and best named, or UINT_MAX. Later key columns (the sort key's) win ties. */
static unsigned single_key(const struct draft_entity *entity)
{
    unsigned best = UINT_MAX;
    int best_preference = 0;
    for (size_t i = 0; i < entity->key_column_count; i++) {
        int is = preference(entity, entity->key_columns[i]);
        if (is && is >= best_preference) {
            best_preference = is;
            best = entity->key_columns[i];
        }
    }
    return best;
}

/* ---- items of other kinds ---- */

/* Whether every key that the part's template makes is of the kind's class, and so of no other class. */
static bool keeps_to_class(const struct draft_entity *entity, size_t part)
{
    struct span class = entity->kind->classes[part];
    if (!class.ptr || part >= entity->entity->template_count)
        return false;
    const struct template *template = &entity->entity->templates[part].template;
    if (template->count == 0 || template->parts[0].is_variable)
        return false;
    return entity->kind->whole[part] ? span_equal(template->parts[0].literal, class) && template->count == 1
                                     : span_starts_with(template->parts[0].literal, class);
}

/* Whether the entity's constants and key templates refuse every item of another kind. */
static bool refuses_kind(const struct draft_entity *entity, const struct kind *other)
{
    struct span marker = entity->kind->marker;
    if (marker.ptr && !(other->marker.ptr && span_equal(marker, other->marker)))
        return true;
    for (size_t part = 0; part < 2; part++)
        if (keeps_to_class(entity, part) &&
            !(other->classes[part].ptr && span_equal(entity->kind->classes[part], other->classes[part])))
            return true;
    return false;
}

/* Whether an entity that is tried earlier takes every item of the kind. */
static bool is_taken_before(const struct draft *draft, const struct draft_entity *entity, size_t kind)
{
    for (const struct draft_entity *other = draft->entities; other < entity; other++)
        if (other->table == entity->table && other->kind_index == kind)
            return other->evidence->unclaimed == 0;
    return false;
}

/* Items of kinds too rare to be drafted, which went uncounted. */
static bool has_odd_items(const struct draft *draft, size_t table)
{
    uint64_t counted = 0;
    for (size_t k = 0; k < draft->infer->models[table].kind_count; k++)
        counted += draft->sum->kinds[table][k] ? draft->sum->kinds[table][k]->items : 0;
    return counted < draft->sum->items[table];
}

/* What is distinct in the items of its kind need not be in all that the entity will claim. */
static bool claims_only_its_kind(const struct draft *draft, const struct draft_entity *entity)
{
    const struct table_model *model = entity->model;
    bool keeps = entity->kind->marker.ptr || (!model->marker.ptr && keeps_to_class(entity, 0) &&
                                              (!key_schema_has_sort(&model->table->key) || keeps_to_class(entity, 1)));
    if (!keeps && has_odd_items(draft, entity->table))
        return false;
    for (size_t k = 0; k < model->kind_count; k++)
        if (k != entity->kind_index && draft->sum->kinds[entity->table][k] && !refuses_kind(entity, &model->kinds[k]) &&
            !is_taken_before(draft, entity, k))
            return false;
    return true;
}

static enum lf_code doubt_key(struct draft *draft, struct draft_entity *entity, struct err *err)
{
    char items[COUNT_TEXT_BYTES];
    if (entity->stats->items >= FEW_ITEMS)
        return LF_OK;
    return infer_doubt(draft, entity, err, "only %s items speak for the primary key and for NOT NULL",
                       infer_count_text(entity->stats->items, items));
}

static enum lf_code draft_primary_key(struct draft *draft, struct draft_entity *entity, struct err *err)
{
    struct entity *e = entity->entity;
    e->primary_key = arena_calloc(draft->arena, entity->key_column_count, sizeof *e->primary_key, err);
    if (!e->primary_key)
        return err->code;
    bool shorten = entity->key_column_count > 1 && claims_only_its_kind(draft, entity);
    unsigned single = shorten ? single_key(entity) : UINT_MAX;
    if (single != UINT_MAX) {
        e->primary_key[0] = single;
        e->primary_key_count = 1;
    } else {
        memcpy(e->primary_key, entity->key_columns, entity->key_column_count * sizeof *e->primary_key);
        e->primary_key_count = entity->key_column_count;
    }
    return doubt_key(draft, entity, err);
}

/* ---- indexes ---- */

static bool append_attribute_columns(const struct entity *entity, struct span attr, struct index_def *index)
{
    for (size_t t = 0; t < entity->template_count; t++) {
        if (!span_equal(entity->templates[t].attr, attr))
            continue;
        for (size_t p = 0; p < entity->templates[t].template.count; p++)
            if (entity->templates[t].template.parts[p].is_variable)
                index->columns[index->count++] = entity->templates[t].template.parts[p].column;
        return true;
    }
    for (unsigned c = 0; c < entity->column_count; c++)
        if (entity->columns[c].source == COLUMN_FROM_ATTRIBUTE && span_equal(entity->columns[c].attr, attr)) {
            index->columns[index->count++] = c;
            return true;
        }
    return false;
}

static void drop_repeated(struct index_def *index)
{
    size_t kept = 0;
    for (size_t i = 0; i < index->count; i++) {
        bool repeated = false;
        for (size_t j = 0; j < kept; j++)
            repeated = repeated || index->columns[j] == index->columns[i];
        if (!repeated)
            index->columns[kept++] = index->columns[i];
    }
    index->count = kept;
}

static bool is_prefix(const unsigned *prefix, size_t prefix_count, const unsigned *columns, size_t count)
{
    return prefix_count <= count && memcmp(prefix, columns, prefix_count * sizeof *prefix) == 0;
}

/* Whether an index with these columns is there already, the primary key begins with them, or they begin with the primary key:
 * then there is one row to find, which that finds. */
static bool is_covered(const struct entity *entity, const struct index_def *index)
{
    if (is_prefix(index->columns, index->count, entity->primary_key, entity->primary_key_count) ||
        is_prefix(entity->primary_key, entity->primary_key_count, index->columns, index->count))
        return true;
    for (size_t i = 0; i < entity->index_count; i++)
        if (is_prefix(index->columns, index->count, entity->indexes[i].columns, entity->indexes[i].count))
            return true;
    return false;
}

static bool is_indexable(const struct entity *entity, const struct index_def *index)
{
    for (size_t i = 0; i < index->count; i++)
        if (entity->columns[index->columns[i]].type >= COLUMN_JSONB)
            return false;
    return index->count > 0;
}

static enum lf_code add_access_path(struct draft *draft, struct draft_entity *entity, struct span partition, struct span sort,
                                    struct span note, struct err *err)
{
    struct entity *e = entity->entity;
    struct index_def index = { .note = note };
    size_t capacity = 2 * LIMIT_TEMPLATE_PARTS;
    index.columns = arena_calloc(draft->arena, capacity, sizeof *index.columns, err);
    if (!index.columns)
        return err->code;
    if (!append_attribute_columns(e, partition, &index) || (sort.ptr && !append_attribute_columns(e, sort, &index)))
        return LF_OK;
    drop_repeated(&index);
    if (is_indexable(e, &index) && !is_covered(e, &index))
        e->indexes[e->index_count++] = index;
    return LF_OK;
}

static enum lf_code draft_indexes(struct draft *draft, struct draft_entity *entity, struct err *err)
{
    const struct map_table *table = entity->model->table;
    size_t capacity = 1 + table->index_count + entity->entity->column_count; /* each column may be found to be unique */
    entity->entity->indexes = arena_calloc(draft->arena, capacity, sizeof *entity->entity->indexes, err);
    if (!entity->entity->indexes)
        return err->code;
    TRY(add_access_path(draft, entity, table->key.partition.name, table->key.sort.name, SPAN("the table's key"), err));
    for (size_t i = 0; i < table->index_count; i++) {
        struct span note;
        TRY(arena_printf(draft->arena, &note, err, "%.*s", SPAN_ARG(table->indexes[i].name)));
        TRY(add_access_path(draft, entity, table->indexes[i].key.partition.name, table->indexes[i].key.sort.name, note, err));
    }
    return LF_OK;
}

enum lf_code infer_draft_keys(struct draft *draft, struct draft_entity *entity, struct err *err)
{
    TRY(draft_primary_key(draft, entity, err));
    return draft_indexes(draft, entity, err);
}
