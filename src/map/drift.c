#include "map/drift.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "codec/utf8.h"
#include "map/codec_functions.h"
#include "map/entity_index.h"
#include "map/infer/draft.h"
#include "map/naming.h"
#include "map/row.h"

enum { NAMES_BYTES = 64 * 1024 * 1024, SCRATCH_BYTES = 256 * 1024 * 1024, REASON_BYTES = 200 };

/* Counters of attributes are those of inference, of a kind that has no keys to look at. */
static const struct kind plain_kind = { 0 };

struct reason {
    uint64_t hash, items;
    char text[REASON_BYTES];
    unsigned char length;
    struct examples keys;
};
_Static_assert(REASON_BYTES <= UINT8_MAX, "length does not fit");

/* The reasons with the smallest hashes, in order: one that belongs to them at the end has been counted from its first item on,
 * whichever worker saw it, so the counts are exact and do not depend on the split. */
struct reasons {
    struct reason kept[DRIFT_REASONS_MAX];
    size_t count;
};

struct entity_counts {
    struct kind_stats *stats; /* owned; its items are the claimed ones */
    uint64_t drifted, unclaimed;
    uint64_t *absent; /* owned, by template: given by it, and not there */
};

struct table_counts {
    uint64_t items, unclaimed;
    struct reasons reasons;
    struct entity_counts *entities; /* owned */
};

struct drift_worker {
    const struct map *map;
    struct arena names, scratch;
    struct table_counts *tables; /* owned */
};

/* ---- reasons ---- */

/* Where the reason is, or would be. */
static size_t reason_position(const struct reasons *reasons, uint64_t hash)
{
    size_t at = 0;
    while (at < reasons->count && reasons->kept[at].hash < hash)
        at++;
    return at;
}

/* NULL when DRIFT_REASONS_MAX smaller ones are there. */
static struct reason *reason_of(struct reasons *reasons, struct span text, uint64_t hash)
{
    size_t at = reason_position(reasons, hash);
    if (at == DRIFT_REASONS_MAX)
        return NULL;
    struct reason *reason = &reasons->kept[at];
    if (at < reasons->count && reason->hash == hash)
        return reason;
    reasons->count += reasons->count < DRIFT_REASONS_MAX;
    memmove(reason + 1, reason, (reasons->count - at - 1) * sizeof *reason);
    *reason = (struct reason){ .hash = hash, .length = (unsigned char)text.len };
    memcpy(reason->text, text.ptr, text.len);
    return reason;
}

/* Without what stands between quotes, which is from the data: "status '…' is not one of the values the map allows". */
static struct span general_reason(struct span reason, char out[REASON_BYTES])
{
    size_t open = span_find_byte(reason, '\''), close = reason.len;
    while (close > open && reason.ptr[close - 1] != '\'')
        close--;
    int len = close <= open + 1 ? snprintf(out, REASON_BYTES, "%.*s", SPAN_ARG(reason))
                                : snprintf(out, REASON_BYTES, "%.*s…%.*s", (int)open + 1, reason.ptr,
                                           (int)(reason.len - close + 1), reason.ptr + close - 1);
    return utf8_cut(span_of(out, strlen(out)), len < REASON_BYTES ? (size_t)len : REASON_BYTES - 4);
}

/* "case|1 / message|2" */
static enum lf_code key_text(const struct map_table *table, const struct item *item, struct arena *arena, struct span *ret_text,
                             struct err *err)
{
    char numbers[2][NUMBER_TEXT_BYTES];
    struct span parts[2] = { SPAN("?"), SPAN("?") };
    const struct value *partition = item_get(item, table->key.partition.name);
    const struct value *sort = key_schema_has_sort(&table->key) ? item_get(item, table->key.sort.name) : NULL;
    if (partition)
        (void)infer_value_text(partition, numbers[0], &parts[0]);
    if (!sort)
        return arena_copy(arena, parts[0], ret_text, err);
    (void)infer_value_text(sort, numbers[1], &parts[1]);
    return arena_printf(arena, ret_text, err, "%.*s / %.*s", SPAN_ARG(parts[0]), SPAN_ARG(parts[1]));
}

/* ---- one item ---- */

/* The entity that the reason begins with; entity_count when it speaks of none. */
static size_t nearest_entity(const struct map_table *table, struct span reason)
{
    for (size_t i = 0; i < table->entity_count; i++) {
        struct span name = table->entities[i].name;
        if (span_starts_with(reason, name) && span_starts_with(span_from(reason, name.len), SPAN(": ")))
            return i;
    }
    return table->entity_count;
}

/* New things come with a new constant, so that is what people want to read: "entityName is 'Invoice', which no entity has". */
static enum lf_code explain_constants(const struct map_table *table, const struct item *item, struct arena *arena,
                                      struct span *reason, struct err *err)
{
    for (size_t i = 0; i < table->entity_count; i++) {
        const struct entity *entity = &table->entities[i];
        const struct value *value = entity->match_count ? item_get(item, entity->matches[0].attr) : NULL;
        if (value && value->type == VALUE_S)
            return arena_printf(arena, reason, err, "%.*s is \"%.*s\", which no entity of the map has",
                                SPAN_ARG(entity->matches[0].attr), SPAN_ARG(utf8_cut(value->bytes, EXAMPLE_BYTES)));
    }
    return LF_OK;
}

static enum lf_code count_unclaimed(struct drift_worker *worker, size_t at, const struct item *item, struct span reason,
                                    struct err *err)
{
    const struct map_table *table = &worker->map->tables[at];
    struct table_counts *counts = &worker->tables[at];
    char general[REASON_BYTES];
    size_t nearest = nearest_entity(table, reason);
    counts->unclaimed++;
    if (nearest < table->entity_count)
        counts->entities[nearest].unclaimed++;
    else
        TRY(explain_constants(table, item, &worker->scratch, &reason, err));
    struct span text = general_reason(reason, general), key;
    struct reason *counted = reason_of(&counts->reasons, text, hash64(text, 0));
    if (!counted)
        return LF_OK;
    TRY(key_text(table, item, &worker->scratch, &key, err));
    counted->items++;
    examples_add(&counted->keys, hash64(key, 0), key);
    return LF_OK;
}

static enum lf_code count_extra(struct drift_worker *worker, const struct entity *entity, struct entity_counts *counts,
                                const struct attribute *extra, struct err *err)
{
    if (extra->value.type == VALUE_TYPES) {
        unsigned slot = name_table_find(&entity->index->names, extra->name);
        counts->absent[entity->index->slots[slot].at]++;
        return LF_OK;
    }
    struct attr_stats *stats;
    TRY(infer_attribute_of(counts->stats, extra->name, &worker->names, &stats, err));
    return stats ? infer_observe_value(stats, &extra->value, err) : LF_OK;
}

static enum lf_code count_claimed(struct drift_worker *worker, struct entity_counts *counts, const struct row *row,
                                  struct err *err)
{
    struct pg_field field = row->fields[row->entity->column_count];
    struct span json;
    struct item extra;
    counts->stats->items++;
    if (!field.data)
        return LF_OK;
    counts->drifted++;
    TRY(jsonb_text(field, &json, err));
    TRY(extra_read(json, &worker->scratch, &extra, err));
    for (size_t i = 0; i < extra.count; i++)
        TRY(count_extra(worker, row->entity, counts, &extra.attributes[i], err));
    return LF_OK;
}

enum lf_code drift_observe(struct drift_worker *worker, size_t table, const struct item *item, struct err *err)
{
    const struct map_table *map_table = &worker->map->tables[table];
    struct row row;
    arena_reset(&worker->scratch);
    worker->tables[table].items++;
    TRY(row_encode(map_table, item, &worker->scratch, &row, err));
    if (!row.entity)
        return count_unclaimed(worker, table, item, row.reason, err);
    return count_claimed(worker, &worker->tables[table].entities[row.entity - map_table->entities], &row, err);
}

/* ---- workers ---- */

static enum lf_code init_entity(const struct entity *entity, struct entity_counts *counts, struct err *err)
{
    counts->absent = calloc(entity->template_count + 1, sizeof *counts->absent);
    if (!counts->absent)
        return ERR(err, LF_MEMORY, "out of memory");
    return infer_kind_stats_init(&plain_kind, &counts->stats, err);
}

static enum lf_code init_table(const struct map_table *table, struct table_counts *counts, struct err *err)
{
    counts->entities = calloc(table->entity_count + 1, sizeof *counts->entities);
    if (!counts->entities)
        return ERR(err, LF_MEMORY, "out of memory");
    for (size_t i = 0; i < table->entity_count; i++)
        TRY(init_entity(&table->entities[i], &counts->entities[i], err));
    return LF_OK;
}

static enum lf_code init_tables(struct drift_worker *worker, struct err *err)
{
    worker->tables = calloc(worker->map->table_count + 1, sizeof *worker->tables);
    if (!worker->tables)
        return ERR(err, LF_MEMORY, "out of memory");
    for (size_t i = 0; i < worker->map->table_count; i++)
        TRY(init_table(&worker->map->tables[i], &worker->tables[i], err));
    return LF_OK;
}

enum lf_code drift_worker_new(const struct map *map, struct drift_worker **ret_worker, struct err *err)
{
    struct drift_worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return ERR(err, LF_MEMORY, "out of memory");
    worker->map = map;
    arena_init(&worker->names, NAMES_BYTES);
    arena_init(&worker->scratch, SCRATCH_BYTES);
    if (init_tables(worker, err)) {
        drift_worker_free(worker);
        return err->code;
    }
    *ret_worker = worker;
    return LF_OK;
}

void drift_worker_free(struct drift_worker *worker)
{
    if (!worker)
        return;
    for (size_t t = 0; worker->tables && t < worker->map->table_count; t++) {
        struct entity_counts *entities = worker->tables[t].entities;
        for (size_t e = 0; entities && e < worker->map->tables[t].entity_count; e++) {
            infer_kind_stats_free(&plain_kind, entities[e].stats);
            free(entities[e].absent);
        }
        free(entities);
    }
    arena_done(&worker->names);
    arena_done(&worker->scratch);
    free(worker->tables);
    free(worker);
}

/* ---- sums ---- */

static enum lf_code merge_entity(const struct entity *entity, struct entity_counts *into, const struct entity_counts *from,
                                 struct arena *names, struct err *err)
{
    into->drifted += from->drifted;
    into->unclaimed += from->unclaimed;
    for (size_t i = 0; i < entity->template_count; i++)
        into->absent[i] += from->absent[i];
    return infer_merge_kind(&plain_kind, into->stats, from->stats, names, err);
}

static void merge_reasons(struct reasons *into, const struct reasons *from)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct reason *reason = &from->kept[i];
        struct reason *sum = reason_of(into, span_of(reason->text, reason->length), reason->hash);
        if (!sum)
            continue;
        sum->items += reason->items;
        examples_merge(&sum->keys, &reason->keys);
    }
}

static enum lf_code merge_worker(struct drift_worker *into, const struct drift_worker *from, struct err *err)
{
    for (size_t t = 0; t < into->map->table_count; t++) {
        const struct map_table *table = &into->map->tables[t];
        into->tables[t].items += from->tables[t].items;
        into->tables[t].unclaimed += from->tables[t].unclaimed;
        merge_reasons(&into->tables[t].reasons, &from->tables[t].reasons);
        for (size_t e = 0; e < table->entity_count; e++)
            TRY(merge_entity(&table->entities[e], &into->tables[t].entities[e], &from->tables[t].entities[e], &into->names, err));
    }
    return LF_OK;
}

/* ---- the report ---- */

struct finish {
    double type_share_min;
    struct arena *arena;
    struct drift_report *report;
};

static enum lf_code copy_examples(const struct examples *examples, struct arena *arena, struct span *texts, size_t *ret_count,
                                  struct err *err)
{
    for (unsigned i = 0; i < examples->count; i++)
        TRY(arena_copy(arena, span_of(examples->texts[i], examples->lengths[i]), &texts[i], err));
    *ret_count = examples->count;
    return LF_OK;
}

static bool is_taken(void *context, struct span name)
{
    const struct entity *entity = context;
    return span_equal(name, SPAN("ddb_extra")) || entity_find_column(entity, name) < entity->column_count;
}

/* `grown` is the entity with the columns proposed so far, and room for more. */
static enum lf_code propose_column(const struct finish *finish, struct entity *grown, uint64_t items,
                                   const struct attr_stats *stats, struct drift_attribute *attribute, struct err *err)
{
    if (grown->column_count + 1 >= LIMIT_COLUMNS || attribute->is_index_key || !infer_is_common(stats, items))
        return LF_OK;
    struct span snake;
    struct column *column = arena_calloc(finish->arena, 1, sizeof *column, err);
    if (!column)
        return err->code;
    column->attr = attribute->attr;
    TRY(infer_name_attribute(stats->name, finish->arena, &snake, err));
    TRY(name_unique(snake, is_taken, grown, finish->arena, &column->name, err));
    column->codec = infer_choose_codec(stats, snake, finish->type_share_min);
    column->type = column->codec->type;
    TRY(arena_printf(finish->arena, &column->note, err, "new: %llu of %llu items; %.*s", (unsigned long long)stats->present,
                     (unsigned long long)items, SPAN_ARG(attribute->types)));
    grown->columns[grown->column_count++] = *column;
    attribute->proposal = column;
    finish->report->proposal_count++;
    return LF_OK;
}

/* A type of the same DynamoDB type that holds the column's values and those it did not hold. */
static const struct column_codec *wider_codec(const struct column *column, const struct attr_stats *stats)
{
    bool is_text = column->type == COLUMN_UUID || column->type == COLUMN_DATE || column->type == COLUMN_TIMESTAMPTZ;
    if (column->codec->value == VALUE_S && is_text && stats->types[VALUE_S] - stats->with_nul == stats->present)
        return column_codec_find(COLUMN_TEXT, SPAN(""));
    if (column->codec->value != VALUE_N || stats->types[VALUE_N] != stats->present)
        return NULL;
    if (column->type == COLUMN_INTEGER && stats->integers == stats->present)
        return column_codec_find(COLUMN_BIGINT, SPAN(""));
    bool is_integer = column->type == COLUMN_INTEGER || column->type == COLUMN_BIGINT;
    return is_integer ? column_codec_find(COLUMN_NUMERIC, SPAN("")) : NULL;
}

static void explain_slot(const struct finish *finish, const struct entity *entity, const struct attribute_slot *slot,
                         uint64_t items, const struct attr_stats *stats, struct drift_attribute *attribute)
{
    if (slot->role == ROLE_TEMPLATE) {
        attribute->cause = DRIFT_NOT_REBUILT;
        return;
    }
    if (slot->role != ROLE_COLUMN) {
        attribute->cause = DRIFT_NOT_WHOLE;
        return;
    }
    attribute->cause = DRIFT_NOT_HELD;
    attribute->column = &entity->columns[slot->at];
    if (infer_is_common(stats, items))
        attribute->wider = wider_codec(attribute->column, stats);
    finish->report->wider_count += attribute->wider != NULL;
}

static enum lf_code report_attribute(const struct finish *finish, struct entity *grown, uint64_t items,
                                     const struct attr_stats *stats, struct drift_attribute *ret_attribute, struct err *err)
{
    struct drift_attribute attribute = { .items = stats->present };
    TRY(arena_copy(finish->arena, stats->name, &attribute.attr, err));
    TRY(infer_describe_types(stats, finish->arena, &attribute.types, err));
    TRY(copy_examples(&stats->examples, finish->arena, attribute.examples, &attribute.example_count, err));
    attribute.is_index_key = infer_is_index_key(grown->dynamodb_table, stats->name);
    unsigned slot = name_table_find(&grown->index->names, stats->name);
    if (slot == NAME_NONE)
        TRY(propose_column(finish, grown, items, stats, &attribute, err));
    else
        explain_slot(finish, grown, &grown->index->slots[slot], items, stats, &attribute);
    *ret_attribute = attribute;
    return LF_OK;
}

static int compare_stats(const void *a, const void *b)
{
    const struct attr_stats *x = *(const struct attr_stats *const *)a, *y = *(const struct attr_stats *const *)b;
    if (x->present != y->present)
        return x->present > y->present ? -1 : 1;
    return span_compare(x->name, y->name);
}

/* The counters in the order of the report, so that names and room are given in it too. */
static enum lf_code sort_stats(const struct kind_stats *stats, struct arena *arena, const struct attr_stats ***ret_sorted,
                               struct err *err)
{
    const struct attr_stats **sorted = arena_calloc(arena, stats->attribute_count, sizeof(struct attr_stats *), err);
    size_t count = 0;
    if (!sorted)
        return err->code;
    for (size_t i = 0; i < stats->attribute_capacity; i++)
        if (stats->attributes[i])
            sorted[count++] = stats->attributes[i];
    qsort(sorted, count, sizeof(struct attr_stats *), compare_stats);
    *ret_sorted = sorted;
    return LF_OK;
}

static void report_absent(const struct entity *entity, const struct entity_counts *counts, struct drift_entity *drift)
{
    for (size_t i = 0; i < entity->template_count; i++)
        if (counts->absent[i])
            drift->attributes[drift->attribute_count++] = (struct drift_attribute){ .attr = entity->templates[i].attr,
                                                                                    .cause = DRIFT_NOT_REBUILT,
                                                                                    .items = counts->absent[i] };
}

static enum lf_code report_entity(const struct finish *finish, const struct entity *entity, const struct entity_counts *counts,
                                  struct drift_entity *drift, struct err *err)
{
    const struct kind_stats *stats = counts->stats;
    const struct attr_stats **sorted = NULL;
    struct entity grown = *entity;
    *drift = (struct drift_entity){
        .entity = entity, .items = stats->items, .drifted = counts->drifted, .unclaimed = counts->unclaimed
    };
    TRY(sort_stats(stats, finish->arena, &sorted, err));
    drift->attributes =
        arena_calloc(finish->arena, stats->attribute_count + entity->template_count, sizeof *drift->attributes, err);
    grown.columns = arena_calloc(finish->arena, entity->column_count + stats->attribute_count, sizeof *grown.columns, err);
    if (!drift->attributes || !grown.columns)
        return err->code;
    memcpy(grown.columns, entity->columns, entity->column_count * sizeof *grown.columns);
    for (size_t i = 0; i < stats->attribute_count; i++)
        TRY(report_attribute(finish, &grown, stats->items, sorted[i], &drift->attributes[i], err));
    drift->attribute_count = stats->attribute_count;
    report_absent(entity, counts, drift);
    return LF_OK;
}

static int compare_entities(const void *a, const void *b)
{
    const struct drift_entity *x = a, *y = b;
    uint64_t left = x->drifted + x->unclaimed, right = y->drifted + y->unclaimed;
    if (left != right)
        return left > right ? -1 : 1;
    return span_compare(x->entity->name, y->entity->name);
}

static int compare_reasons(const void *a, const void *b)
{
    const struct drift_reason *x = a, *y = b;
    if (x->items != y->items)
        return x->items > y->items ? -1 : 1;
    return span_compare(x->text, y->text);
}

static enum lf_code report_reasons(const struct finish *finish, const struct reasons *reasons, struct drift_table *drift,
                                   struct err *err)
{
    drift->other_reasons = drift->unclaimed;
    drift->reasons = arena_calloc(finish->arena, reasons->count, sizeof *drift->reasons, err);
    if (!drift->reasons)
        return err->code;
    for (size_t i = 0; i < reasons->count; i++) {
        struct drift_reason *reason = &drift->reasons[drift->reason_count++];
        reason->items = reasons->kept[i].items;
        drift->other_reasons -= reason->items;
        TRY(arena_copy(finish->arena, span_of(reasons->kept[i].text, reasons->kept[i].length), &reason->text, err));
        TRY(copy_examples(&reasons->kept[i].keys, finish->arena, reason->keys, &reason->key_count, err));
    }
    qsort(drift->reasons, drift->reason_count, sizeof *drift->reasons, compare_reasons);
    return LF_OK;
}

static enum lf_code report_table(const struct finish *finish, const struct map_table *table, const struct table_counts *counts,
                                 struct drift_table *drift, struct err *err)
{
    *drift = (struct drift_table){
        .table = table, .items = counts->items, .unclaimed = counts->unclaimed, .entity_count = table->entity_count
    };
    drift->entities = arena_calloc(finish->arena, table->entity_count, sizeof *drift->entities, err);
    if (!drift->entities)
        return err->code;
    finish->report->items += counts->items;
    finish->report->drifted += counts->unclaimed;
    for (size_t i = 0; i < table->entity_count; i++) {
        TRY(report_entity(finish, &table->entities[i], &counts->entities[i], &drift->entities[i], err));
        finish->report->drifted += counts->entities[i].drifted;
    }
    qsort(drift->entities, drift->entity_count, sizeof *drift->entities, compare_entities);
    return report_reasons(finish, &counts->reasons, drift, err);
}

enum lf_code drift_finish(struct drift_worker **workers, size_t count, double type_share_min, struct arena *arena,
                          struct drift_report *ret_report, struct err *err)
{
    struct drift_worker *sum = workers[0];
    struct finish finish = { type_share_min, arena, ret_report };
    for (size_t i = 1; i < count; i++)
        TRY(merge_worker(sum, workers[i], err));
    *ret_report = (struct drift_report){ .map = sum->map };
    ret_report->tables = arena_calloc(arena, sum->map->table_count, sizeof *ret_report->tables, err);
    if (!ret_report->tables)
        return err->code;
    for (size_t i = 0; i < sum->map->table_count; i++)
        TRY(report_table(&finish, &sum->map->tables[i], &sum->tables[i], &ret_report->tables[i], err));
    return LF_OK;
}
