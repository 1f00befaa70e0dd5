#include "map/seed/plan.h"

#include "base/hash.h"
#include "map/ddl_plan.h"
#include "map/row.h"

enum { PROBE_ITEMS = 16, PROBE_ARENA_BYTES = 16 * 1024 * 1024 };

/* ---- columns ---- */

static const struct value *constant_of(const struct entity *entity, struct span attr)
{
    for (size_t i = 0; i < entity->match_count; i++)
        if (span_equal(entity->matches[i].attr, attr))
            return &entity->matches[i].value;
    return NULL;
}

static unsigned template_of(const struct entity *entity, struct span attr)
{
    for (unsigned i = 0; i < entity->template_count; i++)
        if (!entity->templates[i].is_column && span_equal(entity->templates[i].attr, attr))
            return i;
    return SEED_NONE;
}

/* Of the entity's keys and templates; what a table's index has as its key is short too. */
static bool is_short(const struct entity *entity, unsigned at)
{
    const struct map_table *table = entity->dynamodb_table;
    struct span attr = entity->columns[at].attr;
    for (size_t i = 0; i < table->index_count; i++)
        if (span_equal(table->indexes[i].key.partition.name, attr) || span_equal(table->indexes[i].key.sort.name, attr))
            return true;
    return ddl_column_is_keyed(entity, at);
}

static void begin_column(struct seed_entity *entity, unsigned at)
{
    const struct column *column = &entity->entity->columns[at];
    struct seed_column *own = &entity->columns[at];
    *own = (struct seed_column){
        .field = { .column = column,
                   .check = column->check,
                   .check_count = column->check_count,
                   .salt = hash64(column->name, entity->salt),
                   .is_short = is_short(entity->entity, at),
                   .is_plain = column->source == COLUMN_FROM_KEY },
        .template_at = SEED_NONE,
        .relation = SEED_NONE,
        .digit = SEED_NONE,
        .is_needed = column->not_null,
    };
    if (column->source != COLUMN_FROM_ATTRIBUTE)
        return;
    own->constant = constant_of(entity->entity, column->attr);
    own->template_at = template_of(entity->entity, column->attr);
    if (own->constant)
        own->source = SEED_CONSTANT;
    else if (own->template_at != SEED_NONE)
        own->source = SEED_TEMPLATE;
}

/* A key needs all its variables, and small letters where it folds them: two texts must not become one. */
static void note_keys(struct seed_entity *entity)
{
    for (size_t i = 0; i < entity->entity->template_count; i++) {
        const struct template *template = &entity->entity->templates[i].template;
        for (size_t p = 0; p < template->count; p++) {
            const struct template_part *part = &template->parts[p];
            if (!part->is_variable)
                continue;
            entity->columns[part->column].field.is_plain |= part->lower;
            entity->columns[part->column].is_needed |= i < entity_key_count(entity->entity);
            entity->columns[part->column].is_key |= i < entity_key_count(entity->entity);
        }
    }
    for (size_t i = 0; i < entity->entity->primary_key_count; i++)
        entity->columns[entity->entity->primary_key[i]].is_key = true;
}

static enum lf_code begin_children(struct seed_entity *entity, struct arena *arena, struct err *err)
{
    for (size_t i = 0; i < entity->entity->child_count; i++) {
        const struct child *child = &entity->entity->children[i];
        entity->children[i] = arena_calloc(arena, child->column_count, sizeof **entity->children, err);
        if (!entity->children[i])
            return err->code;
        for (size_t c = 0; c < child->column_count; c++) {
            const struct column *column = &child->columns[c];
            struct seed_field *field = &entity->children[i][c];
            *field = (struct seed_field){ .column = column,
                                          .check = column->check,
                                          .check_count = column->check_count,
                                          .salt = hash64(column->name, hash64(child->table, entity->salt)) };
            seed_field_choose(field);
        }
    }
    return LF_OK;
}

static enum lf_code begin_entity(struct seed *seed, struct seed_entity *entity, struct arena *arena, struct err *err)
{
    const struct entity *of = entity->entity;
    entity->salt = hash64(of->name, seed->options.seed);
    entity->columns = arena_calloc(arena, of->column_count, sizeof *entity->columns, err);
    entity->children = arena_calloc(arena, of->child_count, sizeof *entity->children, err);
    entity->relations = arena_calloc(arena, of->foreign_key_count, sizeof *entity->relations, err);
    entity->digits = arena_calloc(arena, of->column_count + of->foreign_key_count, sizeof *entity->digits, err);
    if (!entity->columns || !entity->children || !entity->relations || !entity->digits)
        return err->code;
    for (unsigned i = 0; i < of->column_count; i++)
        begin_column(entity, i);
    note_keys(entity);
    return begin_children(entity, arena, err);
}

/* ---- relations ---- */

static bool leads_back(const struct seed_entity *entity, unsigned column, const struct seed_entity *from, unsigned at);

static bool template_leads_back(const struct seed_entity *entity, unsigned column, const struct seed_entity *from,
                                const struct template *template)
{
    for (size_t i = 0; i < template->count; i++) {
        const struct template_part *part = &template->parts[i];
        if (part->is_variable && from->columns[part->column].source != SEED_TEMPLATE &&
            leads_back(entity, column, from, part->column))
            return true;
    }
    return false;
}

/* Whether the value of column `at` would in the end be taken from `column`. What is settled so far goes round in no circle. */
static bool leads_back(const struct seed_entity *entity, unsigned column, const struct seed_entity *from, unsigned at)
{
    const struct seed_column *next = &from->columns[at];
    if (from == entity && at == column)
        return true;
    if (next->source == SEED_TEMPLATE)
        return template_leads_back(entity, column, from, &from->entity->templates[next->template_at].template);
    return next->source == SEED_PARENT && leads_back(entity, column, from->relations[next->relation].parent, next->reference);
}

static void take_back(struct seed_entity *entity, const struct seed_relation *relation, size_t count)
{
    for (size_t i = 0; i < count; i++)
        entity->columns[relation->key->columns[i]].source = SEED_OWN;
}

/* Lets the foreign key decide all its columns, or none; each is settled before the next is looked at. */
static bool drive(struct seed_entity *entity, unsigned at)
{
    struct seed_relation *relation = &entity->relations[at];
    for (size_t i = 0; i < relation->key->count; i++) {
        unsigned column = relation->key->columns[i], reference = relation->key->references[i];
        struct seed_column *own = &entity->columns[column];
        if (own->source != SEED_OWN || leads_back(entity, column, relation->parent, reference)) {
            take_back(entity, relation, i);
            return false;
        }
        own->source = SEED_PARENT;
        own->relation = at;
        own->reference = reference;
    }
    relation->is_driver = true;
    for (size_t i = 0; i < relation->key->count; i++)
        relation->is_needed |= entity->columns[relation->key->columns[i]].is_needed;
    return true;
}

static bool has_own_columns(const struct seed_entity *entity, const struct seed_relation *relation)
{
    for (size_t i = 0; i < relation->key->count; i++)
        if (entity->columns[relation->key->columns[i]].source == SEED_OWN)
            return true;
    return false;
}

/* Some columns are another key's: the others could only be right by chance, so one that may be NULL is. */
static enum lf_code give_up(struct seed_entity *entity, const struct seed_relation *relation, struct err *err)
{
    for (size_t i = 0; i < relation->key->count; i++) {
        struct seed_column *column = &entity->columns[relation->key->columns[i]];
        if (column->source == SEED_OWN && !column->is_needed) {
            column->source = SEED_NEVER;
            return LF_OK;
        }
    }
    return ERR(
        err, LF_MAP,
        "entity %.*s: its foreign key to %.*s shares columns with another one and cannot be NULL; no items can be made for "
        "it (--counts %.*s=0 leaves it out)",
        SPAN_ARG(entity->entity->name), SPAN_ARG(relation->key->parent->table), SPAN_ARG(entity->entity->name));
}

/* A key whose columns are all settled holds as far as theirs do. */
static enum lf_code relate(struct seed_entity *entity, unsigned at, struct err *err)
{
    if (!drive(entity, at) && has_own_columns(entity, &entity->relations[at]))
        return give_up(entity, &entity->relations[at], err);
    return LF_OK;
}

static unsigned relation_absent_share(const struct seed_relation *relation)
{
    static const unsigned shares[] = { 0, 50, 200, 400 };
    enum { ROOTS_SHARE = 256 };
    if (relation->is_needed)
        return 0;
    return relation->is_tree ? ROOTS_SHARE : shares[relation->salt % (sizeof shares / sizeof *shares)];
}

/* The widest first: what they say of a column holds for the narrower ones too. */
static enum lf_code relate_all(const struct seed *seed, struct seed_entity *entity, struct err *err)
{
    const struct entity *of = entity->entity;
    for (size_t i = 0; i < of->foreign_key_count; i++) {
        const struct foreign_key *key = &of->foreign_keys[i];
        struct seed_entity *parent = seed_own_entity(seed, key->parent);
        entity->relations[i] = (struct seed_relation){
            .key = key, .parent = parent, .is_tree = parent == entity, .digit = SEED_NONE, .salt = seed_mix(entity->salt, i)
        };
        parent->is_parent |= parent != entity;
    }
    for (size_t width = LIMIT_COLUMNS; width > 0; width--)
        for (unsigned i = 0; i < of->foreign_key_count; i++)
            if (of->foreign_keys[i].count == width)
                TRY(relate(entity, i, err));
    for (size_t i = 0; i < of->foreign_key_count; i++)
        entity->relations[i].absent_share = relation_absent_share(&entity->relations[i]);
    return LF_OK;
}

/* The column whose own value this one has in the end. */
static struct seed_column *origin_of(struct seed_entity *entity, unsigned at)
{
    struct seed_column *column = &entity->columns[at];
    while (column->source == SEED_PARENT) {
        entity = entity->relations[column->relation].parent;
        column = &entity->columns[column->reference];
    }
    return column;
}

/* Where only some values may refer, only these may be referred to. */
static void hand_up_checks(struct seed_entity *entity)
{
    for (unsigned i = 0; i < entity->entity->column_count; i++) {
        const struct column *column = &entity->entity->columns[i];
        struct seed_column *origin = origin_of(entity, i);
        if (column->check_count == 0 || origin->field.check_count)
            continue;
        origin->field.check = column->check;
        origin->field.check_count = column->check_count;
    }
}

/* ---- the whole ---- */

static void choose_fields(struct seed_entity *entity)
{
    for (size_t i = 0; i < entity->entity->column_count; i++) {
        struct seed_column *column = &entity->columns[i];
        seed_field_choose(&column->field);
        if (column->is_needed || column->digit != SEED_NONE)
            column->field.absent_share = 0;
    }
}

static enum lf_code allocate(struct seed *seed, struct arena *arena, struct err *err)
{
    const struct map *map = seed->map;
    for (size_t t = 0; t < map->table_count; t++)
        seed->entity_count += map->tables[t].entity_count;
    seed->entities = arena_calloc(arena, seed->entity_count, sizeof *seed->entities, err);
    seed->tables = arena_calloc(arena, map->table_count, sizeof *seed->tables, err);
    if (!seed->entities || !seed->tables)
        return err->code;
    struct seed_entity *next = seed->entities;
    for (size_t t = 0; t < map->table_count; t++) {
        seed->tables[t] = (struct seed_table){ .entities = next, .salt = hash64(map->tables[t].name, seed->options.seed) };
        for (size_t e = 0; e < map->tables[t].entity_count; e++, next++)
            next->entity = &map->tables[t].entities[e];
    }
    return LF_OK;
}

/* Whether the entity claims the item: an earlier one may, or none. */
static enum lf_code probe_item(const struct seed *seed, const struct seed_entity *entity, uint64_t number, struct arena *arena,
                               struct err *err)
{
    struct item item;
    struct row row;
    TRY(seed_plain_item(seed, entity, number, arena, &item, err));
    TRY(row_encode(entity->entity->dynamodb_table, &item, arena, &row, err));
    if (row.entity == entity->entity)
        return LF_OK;
    struct span name = entity->entity->name;
    if (row.entity)
        return ERR(err, LF_MAP, "entity %.*s: %.*s, which stands before it, claims its items too (--counts %.*s=0 leaves it out)",
                   SPAN_ARG(name), SPAN_ARG(row.entity->name), SPAN_ARG(name));
    return ERR(err, LF_MAP, "no items can be made for entity %.*s (--counts %.*s=0 leaves it out): %.*s", SPAN_ARG(name),
               SPAN_ARG(name), SPAN_ARG(row.reason));
}

static enum lf_code probe_entity(const struct seed *seed, const struct seed_entity *entity, struct err *err)
{
    struct arena arena;
    enum lf_code code = LF_OK;
    uint64_t tries = entity->count < PROBE_ITEMS ? entity->count : PROBE_ITEMS;
    arena_init(&arena, PROBE_ARENA_BYTES);
    for (uint64_t i = 0; code == LF_OK && i < tries; i++) {
        code = probe_item(seed, entity, seed_scale(seed_mix(entity->salt, i), entity->count), &arena, err);
        arena_reset(&arena);
    }
    arena_done(&arena);
    return code;
}

static enum lf_code plan_entities(struct seed *seed, struct arena *arena, struct err *err)
{
    for (size_t i = 0; i < seed->entity_count; i++)
        TRY(begin_entity(seed, &seed->entities[i], arena, err));
    TRY(seed_read_counts(seed, err));
    for (size_t i = 0; i < seed->entity_count; i++)
        if (!seed_is_left_out(&seed->entities[i]))
            TRY(relate_all(seed, &seed->entities[i], err));
    for (size_t i = 0; i < seed->entity_count; i++)
        hand_up_checks(&seed->entities[i]);
    for (size_t i = 0; i < seed->entity_count; i++) {
        if (!seed_is_left_out(&seed->entities[i]))
            TRY(seed_make_unique(&seed->entities[i], err));
        choose_fields(&seed->entities[i]);
    }
    return LF_OK;
}

enum lf_code seed_new(const struct map *map, const struct seed_options *options, struct arena *arena,
                      const struct seed **ret_seed, struct err *err)
{
    struct seed *seed = arena_calloc(arena, 1, sizeof *seed, err);
    if (!seed)
        return err->code;
    seed->map = map;
    seed->options = *options;
    TRY(allocate(seed, arena, err));
    TRY(plan_entities(seed, arena, err));
    TRY(seed_count_items(seed, arena, err));
    for (size_t i = 0; i < seed->entity_count; i++)
        TRY(probe_entity(seed, &seed->entities[i], err));
    *ret_seed = seed;
    return LF_OK;
}

uint64_t seed_table_items(const struct seed *seed, size_t table)
{
    return seed->tables[table].items;
}

uint64_t seed_entity_items(const struct seed *seed, const struct entity *entity)
{
    return seed_own_entity(seed, entity)->count;
}
