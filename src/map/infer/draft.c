#include "map/infer/draft.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "item/canonical.h"
#include "map/naming.h"

enum lf_code infer_doubt(struct draft *draft, struct draft_entity *entity, struct err *err, const char *format, ...)
{
    if (entity->evidence->uncertain_count == UNCERTAIN_MAX)
        return LF_OK;
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return arena_copy(draft->arena, span_from_cstr(text), &entity->evidence->uncertain[entity->evidence->uncertain_count++], err);
}

/* ---- items of kinds that the sample did not show ---- */

struct late_item {
    struct item item;
    size_t table;
    struct hash128 hash;
};

static int compare_late(const void *a, const void *b)
{
    const struct late_item *x = a, *y = b;
    if (x->table != y->table)
        return x->table < y->table ? -1 : 1;
    return hash128_compare(x->hash, y->hash);
}

/* In an order that does not depend on threads. */
static enum lf_code sort_late(struct draft *draft, struct infer_worker *sum, struct late_item **ret_late, struct err *err)
{
    struct late_item *late = arena_calloc(&draft->infer->arena, sum->late_count, sizeof *late, err);
    if (!late)
        return err->code;
    for (size_t i = 0; i < sum->late_count; i++)
        late[i] = (struct late_item){ sum->late_items[i], sum->late_tables[i], item_hash(&sum->late_items[i]) };
    if (sum->late_count)
        qsort(late, sum->late_count, sizeof *late, compare_late);
    *ret_late = late;
    return LF_OK;
}

static enum lf_code add_late_kinds(struct draft *draft, const struct late_item *late, size_t count, struct err *err)
{
    struct item *items = arena_calloc(&draft->infer->arena, count, sizeof *items, err);
    if (!items)
        return err->code;
    for (size_t first = 0; first < count;) {
        size_t table = late[first].table, n = 0;
        while (first + n < count && late[first + n].table == table) {
            items[n] = late[first + n].item;
            n++;
        }
        TRY(infer_add_kinds(draft->infer, &draft->infer->models[table], items, n, err));
        first += n;
    }
    return infer_plan_tuples(draft->infer, err);
}

static enum lf_code observe_late(struct draft *draft, struct err *err)
{
    struct infer_worker *sum = draft->sum;
    size_t count = sum->late_count;
    if (count == 0)
        return LF_OK;
    struct late_item *late;
    TRY(sort_late(draft, sum, &late, err));
    TRY(add_late_kinds(draft, late, count, err));
    sum->late_count = 0;
    for (size_t i = 0; i < count; i++) {
        sum->items[late[i].table]--; /* counted when it was kept */
        TRY(infer_observe(sum, late[i].table, &late[i].item, err));
    }
    return LF_OK;
}

static enum lf_code add_up(struct draft *draft, struct infer_worker **workers, size_t worker_count, struct err *err)
{
    draft->sum = workers[0];
    for (size_t i = 1; i < worker_count; i++)
        TRY(infer_merge_worker(workers[0], workers[i], err));
    return observe_late(draft, err);
}

/* ---- entities ---- */

static size_t count_entities(const struct draft *draft, size_t table)
{
    size_t count = 0;
    for (size_t k = 0; k < draft->infer->models[table].kind_count; k++)
        count += draft->sum->kinds[table][k] != NULL;
    return count;
}

/* issue_comment -> IssueComment */
static enum lf_code entity_name(struct draft *draft, struct span snake, struct span *ret_name, struct err *err)
{
    char *name = arena_alloc(draft->arena, snake.len + 1, err);
    if (!name)
        return err->code;
    size_t len = 0;
    bool upper = true;
    for (size_t i = 0; i < snake.len; i++) {
        if (snake.ptr[i] == '_') {
            upper = true;
            continue;
        }
        name[len++] = upper ? (char)toupper((unsigned char)snake.ptr[i]) : snake.ptr[i];
        upper = false;
    }
    name[len] = '\0';
    *ret_name = span_of(name, len);
    return LF_OK;
}

static enum lf_code note_entity(struct draft *draft, struct draft_entity *entity, struct err *err)
{
    char items[COUNT_TEXT_BYTES], unclaimed[COUNT_TEXT_BYTES];
    struct entity_evidence *evidence = entity->evidence;
    TRY(arena_printf(draft->arena, &entity->entity->note, err, "%s items", infer_count_text(evidence->items, items)));
    if (evidence->unclaimed == 0)
        return LF_OK;
    TRY(infer_doubt(draft, entity, err,
                    "%s of %s items have keys that the templates do not rebuild: they will live in landfall.item",
                    infer_count_text(evidence->unclaimed, unclaimed), infer_count_text(evidence->items, items)));
    return LF_OK;
}

static enum lf_code begin_entity(struct draft *draft, size_t table, size_t kind, struct entity *entity,
                                 struct entity_evidence *evidence, struct err *err)
{
    struct table_model *model = &draft->infer->models[table];
    struct draft_entity *d = &draft->entities[draft->entity_count];
    *d = (struct draft_entity){ .model = model,
                                .kind = &model->kinds[kind],
                                .stats = draft->sum->kinds[table][kind],
                                .table = table,
                                .kind_index = kind,
                                .entity = entity,
                                .evidence = evidence };
    entity->dynamodb_table = &draft->map->tables[table];
    TRY(arena_copy(draft->arena, d->kind->name, &entity->table, err));
    TRY(entity_name(draft, entity->table, &entity->name, err));
    evidence->uncertain = arena_calloc(draft->arena, UNCERTAIN_MAX, sizeof *evidence->uncertain, err);
    if (!evidence->uncertain)
        return err->code;
    draft->entity_count++;
    TRY(infer_draft_columns(draft, d, err));
    evidence->items = d->stats->items;
    evidence->unclaimed = d->identity_key ? 0 : d->stats->unclaimed;
    TRY(note_entity(draft, d, err));
    return infer_draft_keys(draft, d, err);
}

static bool has_literal(const struct template *template)
{
    for (size_t p = 0; p < template->count; p++)
        if (!template->parts[p].is_variable)
            return true;
    return false;
}

/* How many parts of the table key may be anything. With more of them an entity is tried later, so that USER#{id} / {sk} leaves
 * USER#{id} / ORDER#{id} its items. A marker says whose an item is. */
static unsigned open_parts(const struct kind *kind, const struct kind_stats *stats, unsigned key_count)
{
    if (kind->marker.ptr)
        return 0;
    if (!infer_key_templates_hold(stats))
        return key_count;
    unsigned open = 0;
    for (unsigned t = 0; t < key_count; t++)
        open += t >= kind->template_count || !has_literal(&kind->templates[t].template);
    return open;
}

/* ORDER#{o}#ITEM#{i} before ORDER#{o}, whose variable would take in the rest. */
static bool is_inner(const struct kind *kind)
{
    return kind->inner[0].ptr || kind->inner[1].ptr;
}

struct entity_order {
    size_t kind;
    unsigned open_parts;
    bool is_inner;
    struct span name;
};

static int compare_order(const void *a, const void *b)
{
    const struct entity_order *x = a, *y = b;
    if (x->open_parts != y->open_parts)
        return x->open_parts < y->open_parts ? -1 : 1;
    if (x->is_inner != y->is_inner)
        return x->is_inner ? -1 : 1;
    return span_compare(x->name, y->name);
}

static enum lf_code order_kinds(struct draft *draft, size_t table, struct entity_order **ret_order, size_t *ret_count,
                                struct err *err)
{
    const struct table_model *model = &draft->infer->models[table];
    struct entity_order *order = arena_calloc(draft->arena, model->kind_count, sizeof *order, err);
    if (!order)
        return err->code;
    unsigned key_count = key_schema_has_sort(&model->table->key) ? 2 : 1;
    size_t count = 0;
    for (size_t k = 0; k < model->kind_count; k++) {
        const struct kind *kind = &model->kinds[k];
        const struct kind_stats *stats = draft->sum->kinds[table][k];
        if (!stats)
            continue;
        order[count++] = (struct entity_order){ k, open_parts(kind, stats, key_count), is_inner(kind), kind->name };
    }
    if (count)
        qsort(order, count, sizeof *order, compare_order);
    *ret_order = order;
    *ret_count = count;
    return LF_OK;
}

static enum lf_code note_table(struct draft *draft, size_t table, struct err *err)
{
    const struct table_evidence *evidence = &draft->evidence->tables[table];
    char items[COUNT_TEXT_BYTES];
    return arena_printf(draft->arena, &draft->map->tables[table].note, err, "%s items; %.*s",
                        infer_count_text(evidence->items, items), SPAN_ARG(evidence->decided_by));
}

/* Kinds of one or two items are not drafted. */
static enum lf_code explain_odd_items(struct draft *draft, size_t table, struct err *err)
{
    struct table_evidence *evidence = &draft->evidence->tables[table];
    uint64_t odd = evidence->items;
    for (size_t i = 0; i < draft->map->tables[table].entity_count; i++)
        odd -= evidence->entities[i].items;
    if (odd == 0)
        return LF_OK;
    char count[COUNT_TEXT_BYTES];
    return arena_printf(draft->arena, &evidence->decided_by, err,
                        "%.*s; %s of no kind of their own: landfall.item keeps what no entity claims",
                        SPAN_ARG(evidence->decided_by), infer_count_text(odd, count));
}

static enum lf_code draft_table(struct draft *draft, size_t table, struct err *err)
{
    const struct table_model *model = &draft->infer->models[table];
    struct map_table *t = &draft->map->tables[table];
    struct table_evidence *evidence = &draft->evidence->tables[table];
    *t = *model->table;
    struct entity_order *order;
    TRY(order_kinds(draft, table, &order, &t->entity_count, err));
    t->entities = arena_calloc(draft->arena, t->entity_count, sizeof *t->entities, err);
    evidence->entities = arena_calloc(draft->arena, t->entity_count, sizeof *evidence->entities, err);
    if (!t->entities || !evidence->entities)
        return err->code;
    evidence->items = draft->sum->items[table];
    TRY(arena_copy(draft->arena, model->decided_by, &evidence->decided_by, err));
    for (size_t i = 0; i < t->entity_count; i++)
        TRY(begin_entity(draft, table, order[i].kind, &t->entities[i], &evidence->entities[i], err));
    TRY(explain_odd_items(draft, table, err));
    return note_table(draft, table, err);
}

/* ---- the whole ---- */

static bool is_system_schema(struct span name)
{
    return span_equal(name, SPAN("landfall")) || span_equal(name, SPAN("information_schema")) ||
           span_starts_with(name, SPAN("pg_"));
}

/* What all tables begin with, else the only table's name, else "app". */
static enum lf_code choose_schema(struct draft *draft, struct err *err)
{
    const struct infer *infer = draft->infer;
    struct span name = infer->options.schema;
    if (name.len == 0 && infer->model_count == 1)
        TRY(name_snake_case(infer->models[0].table->name, draft->arena, &name, err));
    if (name.len == 0 && infer->model_count > 1) {
        TRY(name_snake_case(infer->models[0].table->name, draft->arena, &name, err));
        name.len = span_find_byte(name, '_');
        for (size_t m = 1; m < infer->model_count; m++) {
            struct span other;
            TRY(name_snake_case(infer->models[m].table->name, draft->arena, &other, err));
            if (!span_equal(name, span_of(other.ptr, span_find_byte(other, '_'))))
                name.len = 0;
        }
    }
    if (name.len == 0 || is_system_schema(name))
        name = SPAN("app");
    return arena_copy(draft->arena, name, &draft->map->schema, err);
}

static enum lf_code note_map(struct draft *draft, struct err *err)
{
    uint64_t items = 0;
    for (size_t i = 0; i < draft->map->table_count; i++)
        items += draft->evidence->tables[i].items;
    char count[COUNT_TEXT_BYTES];
    return arena_printf(draft->arena, &draft->map->note, err,
                        "How items of DynamoDB become rows of PostgreSQL. Drafted by `landfall inspect` from %s items;\n"
                        "edit it freely: every other command obeys this file. Comments are the evidence for each decision.",
                        infer_count_text(items, count));
}

enum lf_code infer_finish(struct infer *infer, struct infer_worker **workers, size_t worker_count, struct arena *arena,
                          struct map *ret_map, struct evidence *ret_evidence, struct err *err)
{
    struct map map = { .table_count = infer->model_count };
    struct evidence evidence;
    struct draft draft = { .infer = infer, .arena = arena, .map = &map, .evidence = &evidence };
    map.tables = arena_calloc(arena, infer->model_count, sizeof *map.tables, err);
    evidence.tables = arena_calloc(arena, infer->model_count, sizeof *evidence.tables, err);
    if (!map.tables || !evidence.tables)
        return err->code;
    TRY(add_up(&draft, workers, worker_count, err));
    size_t entities = 0;
    for (size_t t = 0; t < map.table_count; t++)
        entities += count_entities(&draft, t);
    draft.entities = arena_calloc(arena, entities, sizeof *draft.entities, err);
    if (!draft.entities)
        return err->code;
    for (size_t t = 0; t < map.table_count; t++)
        TRY(draft_table(&draft, t, err));
    TRY(infer_draft_relations(&draft, err));
    TRY(infer_doubt_copies(&draft, err));
    for (size_t i = 0; i < draft.entity_count; i++)
        TRY(infer_draft_checks(&draft, &draft.entities[i], err));
    TRY(choose_schema(&draft, err));
    TRY(note_map(&draft, err));
    TRY(map_finish(&map, arena, err));
    *ret_map = map;
    *ret_evidence = evidence;
    return LF_OK;
}
