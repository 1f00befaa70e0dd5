#include <limits.h>

#include "map/infer/draft.h"

/*
 * A relation is a column whose values are all keys of another entity, and that says so: by its name, by standing in a key behind
 * the same word, or, where it says nothing, by values that cannot be there by chance (uuids; many long texts).
 */

enum { BY_VALUE_DISTINCT_MIN = 20, BY_VALUE_BYTES_MIN = 5, BY_UUID_DISTINCT_MIN = 1, GUARDS_MIN = 10, RELATIONS_MAX = 64 };

enum likeness { BY_VALUE, BY_KEY_WORD, BY_NAME_ENDING, BY_NAME };

struct relation {
    const struct draft_entity *parent;
    unsigned column;
    enum likeness likeness;
    struct containment containment;
};

/* What the values of a column hash to, whether an attribute or a piece of the key holds them. */
static const struct hash_sample *values_of(const struct draft_entity *entity, unsigned column)
{
    return &entity->columns[column]->distinct;
}

static bool is_single_parent(const struct draft_entity *parent)
{
    return parent->entity->primary_key_count == 1;
}

/* "id", "name", "gsi1sk": a name that says nothing of whose key it is. */
static bool is_plain_key_name(struct span name)
{
    static const char *const words[] = { "id",   "uuid", "name",    "code", "key",       "number", "slug", "title",
                                         "type", "date", "version", "time", "timestamp", "value",  NULL };
    for (const char *const *word = words; *word; word++)
        if (span_equal(name, span_from_cstr(*word)))
            return true;
    return infer_is_generic_key_name(name);
}

/* What a child calls a parent's key after its table: customer, customer_id, country_code. */
static bool is_ending_of(struct span rest, struct span key)
{
    return rest.len == 0 || span_equal(rest, SPAN("_id")) ||
           (rest.len == key.len + 1 && rest.ptr[0] == '_' && span_ends_with(rest, key));
}

/* Name of the parent's table and key, as a child would call it: customer_id, or the key's own name where that says more than
 * "id". */
static enum likeness likeness_of_names(const struct draft_entity *parent, struct span name)
{
    struct span key = parent->entity->columns[parent->entity->primary_key[0]].name;
    struct span table = parent->entity->table;
    bool key_is_plain = is_plain_key_name(key);
    if (!key_is_plain && span_equal(name, key))
        return BY_NAME;
    struct span rest = span_starts_with(name, table) ? span_from(name, table.len) : name;
    if (rest.len < name.len && (is_ending_of(rest, key) || span_equal(rest, SPAN("id"))))
        return BY_NAME;
    size_t at = name.len;
    for (size_t i = 1; i < name.len && at == name.len; i++)
        if (name.ptr[i - 1] == '_' && span_starts_with(span_from(name, i), table))
            at = i;
    if (at < name.len) {
        rest = span_from(name, at + table.len);
        if (is_ending_of(rest, key))
            return BY_NAME_ENDING;
    }
    if (!key_is_plain && span_ends_with(name, key) && name.len > key.len && name.ptr[name.len - key.len - 1] == '_')
        return BY_NAME_ENDING;
    return BY_VALUE;
}

/* The word before a column in one of the table key's templates. */
static struct span key_word(const struct draft_entity *entity, unsigned column)
{
    for (unsigned v = 0; v < entity->kind->variable_count; v++)
        if (entity->variables[v] == column)
            return entity->kind->variables[v].hint;
    return (struct span){ NULL, 0 };
}

static enum likeness likeness_of(const struct draft_entity *child, unsigned column, const struct draft_entity *parent)
{
    enum likeness likeness = likeness_of_names(parent, child->entity->columns[column].name);
    if (likeness != BY_VALUE || child->model != parent->model)
        return likeness;
    struct span word = key_word(child, column), parent_word = key_word(parent, parent->entity->primary_key[0]);
    return word.ptr && parent_word.ptr && span_equal(word, parent_word) ? BY_KEY_WORD : BY_VALUE;
}

static bool is_evidence(const struct draft_entity *child, unsigned column, enum likeness likeness, struct containment c)
{
    if (c.checked == 0)
        return false;
    if (likeness != BY_VALUE)
        return c.orphans * 10 <= c.checked;
    if (c.orphans)
        return false;
    const struct attr_stats *stats = child->columns[column];
    if (child->entity->columns[column].type == COLUMN_UUID)
        return c.checked >= BY_UUID_DISTINCT_MIN;
    return child->entity->columns[column].type == COLUMN_TEXT && c.checked >= BY_VALUE_DISTINCT_MIN &&
           stats->bytes_max >= BY_VALUE_BYTES_MIN && stats->integers == 0;
}

static bool is_primary_key(const struct draft_entity *entity, unsigned column)
{
    return entity->entity->primary_key_count == 1 && entity->entity->primary_key[0] == column;
}

/* A key that is a foreign key as well: the parent must be the thing itself, the child a side of it. */
static bool is_side_of(const struct draft_entity *child, const struct draft_entity *parent)
{
    if (child->stats->items != parent->stats->items)
        return child->stats->items < parent->stats->items;
    return child->entity->table.len > parent->entity->table.len;
}

static bool may_refer(const struct draft_entity *child, unsigned column, const struct draft_entity *parent)
{
    if (!is_single_parent(parent))
        return false;
    unsigned key = parent->entity->primary_key[0];
    if (child == parent && key == column)
        return false;
    if (child->entity->columns[column].type != parent->entity->columns[key].type)
        return false;
    return !is_primary_key(child, column) || is_side_of(child, parent);
}

static bool is_better(const struct relation *a, const struct relation *b)
{
    if (a->likeness != b->likeness)
        return a->likeness > b->likeness;
    if (a->containment.orphans != b->containment.orphans)
        return a->containment.orphans < b->containment.orphans;
    return span_compare(a->parent->entity->table, b->parent->entity->table) < 0;
}

/* What was found for one column; `contradicted` is a parent that it is named after although its values are not keys of it; such a
 * name rules out what is found by values alone. */
struct search {
    struct relation best;
    bool found;
    struct relation contradicted;
    bool contradiction;
};

static void consider_parent(const struct draft_entity *child, const struct draft_entity *parent, unsigned column,
                            struct search *search)
{
    struct relation relation = { .parent = parent, .column = column };
    if (!may_refer(child, column, parent))
        return;
    relation.likeness = likeness_of(child, column, parent);
    relation.containment = hash_sample_contained(values_of(child, column), values_of(parent, parent->entity->primary_key[0]));
    if (is_evidence(child, column, relation.likeness, relation.containment)) {
        if (!search->found || is_better(&relation, &search->best))
            search->best = relation;
        search->found = true;
    } else if (relation.likeness >= BY_NAME_ENDING && relation.containment.checked) {
        search->contradicted = relation;
        search->contradiction = true;
    }
}

static struct search find_relation(const struct draft *draft, const struct draft_entity *child, unsigned column)
{
    struct search search = { .found = false };
    for (size_t i = 0; i < draft->entity_count; i++)
        consider_parent(child, &draft->entities[i], column, &search);
    if (search.found && search.best.likeness == BY_VALUE && search.contradiction)
        search.found = false;
    return search;
}

/* ---- writing them down ---- */

static const char *describe_likeness(enum likeness likeness)
{
    static const char *const texts[] = { [BY_VALUE] = "found by its values",
                                         [BY_KEY_WORD] = "stands behind the same word in the key",
                                         [BY_NAME_ENDING] = "named after it",
                                         [BY_NAME] = "named after it" };
    return texts[likeness];
}

static enum lf_code note_relation(struct draft *draft, struct containment c, const char *why, const char *tree,
                                  struct span *ret_note, struct err *err)
{
    char checked[COUNT_TEXT_BYTES], orphans[COUNT_TEXT_BYTES];
    return arena_printf(draft->arena, ret_note, err, "%s%s; %s distinct values looked up, %s without a parent", tree, why,
                        infer_count_text(c.checked, checked), infer_count_text(c.orphans, orphans));
}

static enum lf_code doubt_relation(struct draft *draft, struct draft_entity *child, const struct foreign_key *key,
                                   struct containment c, struct err *err)
{
    if (c.orphans == 0)
        return LF_OK;
    char checked[COUNT_TEXT_BYTES], orphans[COUNT_TEXT_BYTES];
    return infer_doubt(draft, child, err,
                       "%.*s refers to %.*s, but %s of %s values have no parent: the contract migration will refuse them",
                       SPAN_ARG(child->entity->columns[key->columns[0]].name), SPAN_ARG(key->parent->table),
                       infer_count_text(c.orphans, orphans), infer_count_text(c.checked, checked));
}

static enum lf_code add_foreign_key(struct draft *draft, struct draft_entity *child, const struct draft_entity *parent,
                                    const unsigned *columns, struct containment c, const char *why, struct err *err)
{
    size_t count = parent->entity->primary_key_count;
    struct foreign_key key = { .count = count, .parent = parent->entity, .enforce = draft->infer->options.enforce };
    key.columns = arena_calloc(draft->arena, count, sizeof *key.columns, err);
    key.references = arena_calloc(draft->arena, count, sizeof *key.references, err);
    if (!key.columns || !key.references)
        return err->code;
    memcpy(key.columns, columns, count * sizeof *columns);
    memcpy(key.references, parent->entity->primary_key, count * sizeof *columns);
    if (c.orphans)
        key.enforce = ENFORCE_CONTRACT;
    TRY(note_relation(draft, c, why, child == parent ? "a tree; " : "", &key.note, err));
    child->references[child->entity->foreign_key_count] = (struct reference_evidence){ (size_t)(parent - draft->entities), c };
    child->entity->foreign_keys[child->entity->foreign_key_count++] = key;
    return LF_OK;
}

/* ---- guards ---- */

/* Items that DynamoDB applications write so that a value is there once, as EMAIL#ada@example.org / EMAIL#ada@example.org beside
 * the user: one for each, with nothing but the way back. In SQL that is a unique index. */

static bool all_are_keys_of(const struct hash_sample *values, const struct hash_sample *keys)
{
    struct containment c = hash_sample_contained(values, keys);
    return c.checked > 0 && c.orphans == 0;
}

static bool leads_back(const struct draft_entity *guard, unsigned column, const struct draft_entity *entity)
{
    for (size_t i = 0; i < entity->entity->primary_key_count; i++)
        if (all_are_keys_of(values_of(guard, column), values_of(entity, entity->entity->primary_key[i])))
            return true;
    return false;
}

static bool is_guard(const struct draft_entity *guard, const struct draft_entity *entity, unsigned column)
{
    const struct attr_stats *values = entity->columns[column];
    unsigned key = guard->entity->primary_key[0];
    if (guard == entity || is_primary_key(entity, column) || guard->stats->items < GUARDS_MIN ||
        values->types[VALUE_S] + values->types[VALUE_N] != guard->stats->items ||
        !all_are_keys_of(values_of(entity, column), values_of(guard, key)) ||
        !all_are_keys_of(values_of(guard, key), values_of(entity, column)))
        return false;
    for (unsigned c = 0; c < guard->entity->column_count; c++)
        if (c != key && !leads_back(guard, c, entity))
            return false;
    return true;
}

/* An index that is there on the column alone becomes unique. */
static struct index_def *index_on(struct entity *entity, unsigned column)
{
    for (size_t i = 0; i < entity->index_count; i++)
        if (entity->indexes[i].count == 1 && entity->indexes[i].columns[0] == column)
            return &entity->indexes[i];
    return NULL;
}

static enum lf_code add_unique(struct draft *draft, struct draft_entity *entity, unsigned column,
                               const struct draft_entity *guard, struct err *err)
{
    struct index_def *index = index_on(entity->entity, column);
    if (!index) {
        index = &entity->entity->indexes[entity->entity->index_count++];
        index->columns = arena_alloc(draft->arena, sizeof *index->columns, err);
        if (!index->columns)
            return err->code;
        index->columns[0] = column;
        index->count = 1;
    }
    index->unique = true;
    return arena_printf(draft->arena, &index->note, err, "%.*s guards it: one for each value", SPAN_ARG(guard->entity->table));
}

/* ---- composite keys ---- */

static const struct draft_entity *entity_of_kind(const struct draft *draft, size_t table, size_t kind)
{
    for (size_t i = 0; i < draft->entity_count; i++)
        if (draft->entities[i].table == table && draft->entities[i].kind_index == kind)
            return &draft->entities[i];
    return NULL;
}

static const struct hash_sample *own_tuple(const struct draft_entity *entity)
{
    for (size_t i = 0; i < entity->kind->tuple_count; i++)
        if (entity->kind->tuples[i].parent_table == entity->table && entity->kind->tuples[i].parent_kind == entity->kind_index)
            return &entity->stats->tuples[i];
    return NULL;
}

static unsigned column_of_part(const struct draft_entity *entity, const struct tuple *tuple, unsigned part)
{
    if (!tuple->parts[part].attr.ptr)
        return entity->variables[tuple->parts[part].variable];
    for (unsigned c = 0; c < entity->entity->column_count; c++)
        if (entity->entity->columns[c].source == COLUMN_FROM_ATTRIBUTE &&
            span_equal(entity->entity->columns[c].attr, tuple->parts[part].attr))
            return c;
    return UINT_MAX;
}

static bool columns_fit(const struct draft_entity *child, const struct draft_entity *parent, const unsigned *columns,
                        unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (columns[i] == UINT_MAX ||
            child->entity->columns[columns[i]].type != parent->entity->columns[parent->entity->primary_key[i]].type)
            return false;
    return true;
}

static enum lf_code draft_composite(struct draft *draft, struct draft_entity *child, size_t tuple_index, struct err *err)
{
    const struct tuple *tuple = &child->kind->tuples[tuple_index];
    const struct draft_entity *parent = entity_of_kind(draft, tuple->parent_table, tuple->parent_kind);
    if (!parent || parent == child || parent->entity->primary_key_count != tuple->count || !own_tuple(parent))
        return LF_OK;
    unsigned columns[INFER_TUPLE_PARTS_MAX];
    for (unsigned i = 0; i < tuple->count; i++)
        columns[i] = column_of_part(child, tuple, i);
    bool is_whole_key = child->entity->primary_key_count == tuple->count &&
                        memcmp(child->entity->primary_key, columns, tuple->count * sizeof *columns) == 0;
    if (!columns_fit(child, parent, columns, tuple->count) || (is_whole_key && !is_side_of(child, parent)))
        return LF_OK;
    struct containment c = hash_sample_contained(&child->stats->tuples[tuple_index], own_tuple(parent));
    if (c.checked == 0 || c.orphans * 10 > c.checked)
        return LF_OK;
    return add_foreign_key(draft, child, parent, columns, c, "the same attributes", err);
}

static enum lf_code draft_relation(struct draft *draft, struct draft_entity *child, unsigned column, struct err *err)
{
    struct search search = find_relation(draft, child, column);
    if (search.found && is_guard(search.best.parent, child, column))
        return add_unique(draft, child, column, search.best.parent, err);
    if (search.found)
        return add_foreign_key(draft, child, search.best.parent, &column, search.best.containment,
                               describe_likeness(search.best.likeness), err);
    if (!search.contradiction || is_primary_key(child, column))
        return LF_OK;
    char checked[COUNT_TEXT_BYTES], orphans[COUNT_TEXT_BYTES];
    return infer_doubt(draft, child, err, "%.*s is named after %.*s, but %s of %s values are no key of it: no foreign key",
                       SPAN_ARG(child->entity->columns[column].name), SPAN_ARG(search.contradicted.parent->entity->table),
                       infer_count_text(search.contradicted.containment.orphans, orphans),
                       infer_count_text(search.contradicted.containment.checked, checked));
}

/* ---- names that a relation corrects ---- */

static void rename_column(struct entity *entity, unsigned column, struct span name)
{
    entity->columns[column].name = name;
    for (size_t t = 0; t < entity->template_count; t++)
        for (size_t p = 0; p < entity->templates[t].template.count; p++) {
            struct template_part *part = &entity->templates[t].template.parts[p];
            if (part->is_variable && part->column == column)
                part->name = name;
        }
}

/* POST#{post_id} / LIKE#{like_id}, but what is behind LIKE# is a user: the key's word names the entity, not its piece. */
static void correct_names(struct entity *entity)
{
    for (size_t i = 0; i < entity->foreign_key_count; i++) {
        const struct foreign_key *key = &entity->foreign_keys[i];
        const struct column *column = &entity->columns[key->columns[0]];
        struct span name = key->parent->columns[key->references[0]].name;
        struct span rest = span_starts_with(column->name, entity->table) ? span_from(column->name, entity->table.len) : name;
        if (key->count == 1 && key->parent != entity && column->source == COLUMN_FROM_KEY && span_equal(rest, SPAN("_id")) &&
            !is_plain_key_name(name) && entity_find_column(entity, name) == entity->column_count)
            rename_column(entity, key->columns[0], name);
    }
}

static enum lf_code draft_relations_of(struct draft *draft, struct draft_entity *child, struct err *err)
{
    child->entity->foreign_keys = arena_calloc(draft->arena, RELATIONS_MAX, sizeof *child->entity->foreign_keys, err);
    child->references = arena_calloc(draft->arena, RELATIONS_MAX, sizeof *child->references, err);
    if (!child->entity->foreign_keys || !child->references)
        return err->code;
    for (size_t t = 0; t < child->kind->tuple_count && child->entity->foreign_key_count < RELATIONS_MAX; t++)
        TRY(draft_composite(draft, child, t, err));
    for (unsigned c = 0; c < child->entity->column_count && child->entity->foreign_key_count < RELATIONS_MAX; c++)
        TRY(draft_relation(draft, child, c, err));
    return LF_OK;
}

enum lf_code infer_draft_relations(struct draft *draft, struct err *err)
{
    for (size_t i = 0; i < draft->entity_count; i++)
        TRY(draft_relations_of(draft, &draft->entities[i], err));
    TRY(infer_break_circles(draft, err));
    infer_drop_implied(draft);
    for (size_t i = 0; i < draft->entity_count; i++)
        correct_names(draft->entities[i].entity);
    for (size_t i = 0; i < draft->entity_count; i++)
        for (size_t k = 0; k < draft->entities[i].entity->foreign_key_count; k++)
            TRY(doubt_relation(draft, &draft->entities[i], &draft->entities[i].entity->foreign_keys[k],
                               draft->entities[i].references[k].looked_up, err));
    return LF_OK;
}

/* ---- which tuples to follow, decided after the sample ---- */

static bool most_have(const struct kind *kind, struct span attr)
{
    size_t have = 0;
    for (size_t i = 0; i < kind->sample_count; i++)
        have += item_get(&kind->sample[i], attr) != NULL;
    return have * 2 >= kind->sample_count;
}

static void add_tuple_part(struct tuple *tuple, const struct kind *kind, unsigned variable)
{
    for (unsigned i = 0; i < tuple->count; i++)
        if (kind->variables[variable].attr.ptr ? span_equal(tuple->parts[i].attr, kind->variables[variable].attr)
                                               : !tuple->parts[i].attr.ptr && tuple->parts[i].variable == variable)
            return;
    if (tuple->count < INFER_TUPLE_PARTS_MAX) {
        tuple->parts[tuple->count].attr = kind->variables[variable].attr;
        tuple->parts[tuple->count].variable = variable;
    }
    tuple->count++;
}

/* The variables of the table key's templates; false when there is one, or too many. */
static bool key_tuple(const struct table_model *model, const struct kind *kind, struct tuple *ret_tuple)
{
    size_t key_count = key_schema_has_sort(&model->table->key) ? 2 : 1;
    ret_tuple->count = 0;
    for (size_t t = 0; t < key_count; t++)
        for (size_t p = 0; p < kind->templates[t].template.count; p++)
            if (kind->templates[t].template.parts[p].is_variable)
                add_tuple_part(ret_tuple, kind, kind->templates[t].template.parts[p].column);
    return ret_tuple->count > 1 && ret_tuple->count <= INFER_TUPLE_PARTS_MAX;
}

static bool may_hold_tuple(const struct kind *child, const struct tuple *tuple)
{
    for (unsigned i = 0; i < tuple->count; i++)
        if (!tuple->parts[i].attr.ptr || !most_have(child, tuple->parts[i].attr))
            return false;
    return true;
}

static void follow_parent(struct infer *infer, struct kind *child, size_t table, size_t kind_index, bool is_self)
{
    const struct table_model *model = &infer->models[table];
    struct tuple tuple = { .parent_table = table, .parent_kind = kind_index };
    if (child->tuple_count < INFER_TUPLES_MAX && key_tuple(model, &model->kinds[kind_index], &tuple) &&
        (is_self || may_hold_tuple(child, &tuple)))
        child->tuples[child->tuple_count++] = tuple;
}

enum lf_code infer_plan_tuples(struct infer *infer, struct err *err)
{
    for (size_t m = 0; m < infer->model_count; m++)
        for (size_t k = 0; k < infer->models[m].kind_count; k++) {
            struct kind *child = &infer->models[m].kinds[k];
            if (child->tuples)
                continue;
            child->tuples = arena_calloc(&infer->arena, INFER_TUPLES_MAX, sizeof *child->tuples, err);
            if (!child->tuples)
                return err->code;
            follow_parent(infer, child, m, k, true);
            for (size_t p = 0; p < infer->model_count; p++)
                for (size_t q = 0; q < infer->models[p].kind_count; q++)
                    if (p != m || q != k)
                        follow_parent(infer, child, p, q, false);
        }
    return LF_OK;
}
