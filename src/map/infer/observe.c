#include <stdlib.h>

#include "base/limits.h"
#include "codec/uuid.h"
#include "item/copy.h"
#include "map/infer/internal.h"

enum {
    DISTINCT_HASHES = 2048,
    TUPLE_HASHES = 16384,
    NAMES_BYTES = 64 * 1024 * 1024,
    SCRATCH_BYTES = 8 * 1024 * 1024,
    EPOCH_SECONDS_MIN = 946684800,  /* 2000-01-01 */
    EPOCH_SECONDS_MAX = 2147483647, /* 2038 */
};

/* ---- one value ---- */

static bool json_exact_attributes(const struct attribute *attributes, size_t count);

/* Whether plain JSON in jsonb gives the value back. */
static bool json_exact(const struct value *value)
{
    switch (value->type) {
    case VALUE_S:
        return span_find_byte(value->bytes, '\0') == value->bytes.len;
    case VALUE_N:
    case VALUE_BOOL:
    case VALUE_NULL:
        return true;
    case VALUE_L:
        for (size_t i = 0; i < value->list.count; i++)
            if (!json_exact(&value->list.values[i]))
                return false;
        return true;
    case VALUE_M:
        return json_exact_attributes(value->map.attributes, value->map.count);
    default:
        return false;
    }
}

static bool json_exact_attributes(const struct attribute *attributes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_find_byte(attributes[i].name, '\0') < attributes[i].name.len || !json_exact(&attributes[i].value))
            return false;
    return true;
}

static enum lf_code count_distinct(struct attr_stats *stats, uint64_t hash, struct span text, struct err *err)
{
    small_set_add(&stats->values, text, 1);
    examples_add(&stats->examples, hash, text);
    return hash_sample_add(&stats->distinct, hash, NULL, err);
}

static enum lf_code observe_string(struct attr_stats *stats, struct span text, struct err *err)
{
    char uuid[UUID_BYTES];
    int64_t us;
    int32_t days;
    if (text.len == 0)
        stats->empty_strings++;
    else if (span_find_byte(text, '\0') < text.len)
        stats->with_nul++;
    if (text.len == UUID_TEXT_BYTES && uuid_parse(text, uuid))
        stats->uuid++;
    if (text.len >= 20 && text.len <= TIMESTAMP_TEXT_BYTES && text.ptr[10] == 'T') {
        enum timestamp_format format = timestamp_detect(text);
        if (format < TIMESTAMP_FORMATS && timestamp_parse(text, format, &us))
            stats->timestamps[format]++;
    } else if (text.len == 10 && date_parse(text, &days)) {
        stats->dates++;
    }
    if (text.len > stats->bytes_max)
        stats->bytes_max = text.len;
    return count_distinct(stats, hash64(text, VALUE_S), text, err);
}

static enum lf_code observe_number(struct attr_stats *stats, struct number number, struct err *err)
{
    int64_t integer;
    if (number_to_int64(number, &integer)) {
        stats->integers++;
        stats->int32s += integer >= INT32_MIN && integer <= INT32_MAX;
        stats->epoch_seconds += integer >= EPOCH_SECONDS_MIN && integer <= EPOCH_SECONDS_MAX;
        stats->epoch_milliseconds += integer / 1000 >= EPOCH_SECONDS_MIN && integer / 1000 <= EPOCH_SECONDS_MAX;
    }
    char text[NUMBER_TEXT_BYTES];
    struct span span = span_of(text, number_format(number, text));
    return count_distinct(stats, hash64(span, VALUE_N), span, err);
}

static bool is_string_list(const struct value *list)
{
    for (size_t i = 0; i < list->list.count; i++)
        if (list->list.values[i].type != VALUE_S || !json_exact(&list->list.values[i]))
            return false;
    return true;
}

enum lf_code infer_observe_value(struct attr_stats *stats, const struct value *value, struct err *err)
{
    stats->present++;
    stats->types[value->type]++;
    switch (value->type) {
    case VALUE_S:
        TRY(observe_string(stats, value->bytes, err));
        stats->json_exact += span_find_byte(value->bytes, '\0') == value->bytes.len;
        return LF_OK;
    case VALUE_N:
        stats->json_exact++;
        return observe_number(stats, value->number, err);
    case VALUE_BOOL:
        stats->json_exact++;
        return count_distinct(stats, value->boolean, value->boolean ? SPAN("true") : SPAN("false"), err);
    case VALUE_L:
        stats->string_lists += is_string_list(value);
        stats->nonempty_lists += value->list.count > 0;
        break;
    default:
        break;
    }
    stats->json_exact += json_exact(value);
    return LF_OK;
}

/* ---- counters of a kind ---- */

static void attr_stats_init(struct attr_stats *stats, struct span name)
{
    *stats = (struct attr_stats){ .name = name, .name_hash = hash64(name, 0) };
    hash_sample_init(&stats->distinct, DISTINCT_HASHES);
}

enum lf_code infer_kind_stats_init(const struct kind *kind, struct kind_stats **ret_stats, struct err *err)
{
    struct kind_stats *stats = calloc(1, sizeof *stats);
    if (!stats)
        return ERR(err, LF_MEMORY, "out of memory");
    stats->pieces = calloc(kind->variable_count + 1, sizeof *stats->pieces);
    stats->templates = calloc(kind->template_count + 1, sizeof *stats->templates);
    stats->unique = calloc(kind->variable_count + 1, sizeof *stats->unique);
    stats->tuples = calloc(kind->tuple_count + 1, sizeof *stats->tuples);
    if (!stats->pieces || !stats->templates || !stats->unique || !stats->tuples) {
        infer_kind_stats_free(kind, stats);
        return ERR(err, LF_MEMORY, "out of memory");
    }
    for (size_t i = 0; i < kind->variable_count; i++) {
        attr_stats_init(&stats->pieces[i], (struct span){ NULL, 0 });
        uniqueness_init(&stats->unique[i]);
    }
    for (size_t i = 0; i < kind->tuple_count; i++)
        hash_sample_init(&stats->tuples[i], TUPLE_HASHES);
    *ret_stats = stats;
    return LF_OK;
}

void infer_kind_stats_free(const struct kind *kind, struct kind_stats *stats)
{
    if (!stats)
        return;
    for (size_t i = 0; i < stats->attribute_capacity; i++)
        if (stats->attributes[i]) {
            hash_sample_done(&stats->attributes[i]->distinct);
            free(stats->attributes[i]);
        }
    for (size_t i = 0; i < kind->variable_count && stats->pieces && stats->unique; i++) {
        hash_sample_done(&stats->pieces[i].distinct);
        uniqueness_done(&stats->unique[i]);
    }
    for (size_t i = 0; i < kind->tuple_count && stats->tuples; i++)
        hash_sample_done(&stats->tuples[i]);
    free(stats->attributes);
    free(stats->pieces);
    free(stats->templates);
    free(stats->unique);
    free(stats->tuples);
    free(stats);
}

static struct attr_stats **attribute_slot(const struct kind_stats *stats, struct span name, uint64_t hash)
{
    size_t mask = stats->attribute_capacity - 1;
    size_t at = (size_t)hash & mask;
    while (stats->attributes[at] && !(stats->attributes[at]->name_hash == hash && span_equal(stats->attributes[at]->name, name)))
        at = (at + 1) & mask;
    return &stats->attributes[at];
}

const struct attr_stats *infer_find_attribute(const struct kind_stats *stats, struct span name)
{
    return stats->attribute_capacity ? *attribute_slot(stats, name, hash64(name, 0)) : NULL;
}

static enum lf_code grow_attributes(struct kind_stats *stats, struct err *err)
{
    struct kind_stats bigger = *stats;
    bigger.attribute_capacity = stats->attribute_capacity ? stats->attribute_capacity * 2 : 64;
    bigger.attributes = calloc(bigger.attribute_capacity, sizeof(struct attr_stats *));
    if (!bigger.attributes)
        return ERR(err, LF_MEMORY, "out of memory");
    for (size_t i = 0; i < stats->attribute_capacity; i++)
        if (stats->attributes[i])
            *attribute_slot(&bigger, stats->attributes[i]->name, stats->attributes[i]->name_hash) = stats->attributes[i];
    free(stats->attributes);
    *stats = bigger;
    return LF_OK;
}

enum lf_code infer_attribute_of(struct kind_stats *stats, struct span name, struct arena *names, struct attr_stats **ret_stats,
                                struct err *err)
{
    if (stats->attribute_count * 2 >= stats->attribute_capacity)
        TRY(grow_attributes(stats, err));
    struct attr_stats **slot = attribute_slot(stats, name, hash64(name, 0));
    *ret_stats = *slot;
    if (*slot)
        return LF_OK;
    if (stats->attribute_count == INFER_ATTRIBUTES_MAX) {
        stats->attributes_beyond++;
        return LF_OK;
    }
    struct span copy;
    TRY(arena_copy(names, name, &copy, err));
    struct attr_stats *added = malloc(sizeof *added);
    if (!added)
        return ERR(err, LF_MEMORY, "out of memory");
    attr_stats_init(added, copy);
    stats->attribute_count++;
    *slot = *ret_stats = added;
    return LF_OK;
}

/* ---- one item ---- */

struct observation {
    struct infer_worker *worker;
    const struct kind *kind;
    struct kind_stats *stats;
    struct variable_lookup lookup;
    struct span texts[INFER_VARIABLES_MAX]; /* of variables; ptr NULL: absent */
};

static enum lf_code observe_attributes(struct observation *o, struct err *err)
{
    for (size_t i = 0; i < o->lookup.item->count; i++) {
        const struct attribute *attribute = &o->lookup.item->attributes[i];
        struct attr_stats *stats;
        TRY(infer_attribute_of(o->stats, attribute->name, &o->worker->names, &stats, err));
        if (stats)
            TRY(infer_observe_value(stats, &attribute->value, err));
    }
    return LF_OK;
}

static void find_texts(struct observation *o)
{
    for (unsigned v = 0; v < o->kind->variable_count; v++)
        if (!infer_lookup(&o->lookup, v, &o->texts[v]))
            o->texts[v] = (struct span){ NULL, 0 };
}

static bool text_of_variable(void *context, unsigned variable, struct span *ret_text)
{
    struct observation *o = context;
    *ret_text = o->texts[variable];
    return ret_text->ptr != NULL;
}

static enum lf_code observe_template(struct observation *o, size_t index, bool *ret_rebuilt, struct err *err)
{
    const struct kind_template *t = &o->kind->templates[index];
    struct template_stats *stats = &o->stats->templates[index];
    const struct value *value = item_get(o->lookup.item, t->attr);
    *ret_rebuilt = t->is_identity && value;
    if (t->is_identity)
        return LF_OK;
    struct span text;
    bool present;
    TRY(template_render(&t->template, text_of_variable, o, &o->worker->scratch, &present, &text, err));
    *ret_rebuilt = present && value && value->type == VALUE_S && span_equal(text, value->bytes);
    stats->present += value != NULL;
    stats->rebuilt += *ret_rebuilt;
    stats->phantom += present && !value;
    return LF_OK;
}

static enum lf_code observe_templates(struct observation *o, size_t key_count, struct err *err)
{
    bool claimed = true;
    for (size_t i = 0; i < o->kind->template_count; i++) {
        bool rebuilt;
        TRY(observe_template(o, i, &rebuilt, err));
        claimed = claimed && (i >= key_count || rebuilt);
    }
    o->stats->unclaimed += !claimed;
    return LF_OK;
}

static enum lf_code observe_variables(struct observation *o, struct err *err)
{
    for (unsigned v = 0; v < o->kind->variable_count; v++) {
        struct span text = o->texts[v];
        if (!text.ptr)
            continue;
        TRY(uniqueness_add(&o->stats->unique[v], hash64(text, VALUE_S), &o->worker->infer->hash_bytes, INFER_HASH_BUDGET_BYTES,
                           err));
        struct value piece = value_string(text);
        if (!o->kind->variables[v].attr.ptr)
            TRY(infer_observe_value(&o->stats->pieces[v], &piece, err));
    }
    return LF_OK;
}

static enum lf_code observe_tuples(struct observation *o, struct err *err)
{
    for (size_t t = 0; t < o->kind->tuple_count; t++) {
        const struct tuple *tuple = &o->kind->tuples[t];
        uint64_t hash = 0;
        bool whole = true;
        for (unsigned i = 0; i < tuple->count && whole; i++) {
            char number[NUMBER_TEXT_BYTES];
            struct span text = { NULL, 0 };
            const struct value *value = tuple->parts[i].attr.ptr ? item_get(o->lookup.item, tuple->parts[i].attr) : NULL;
            if (!tuple->parts[i].attr.ptr)
                text = o->texts[tuple->parts[i].variable];
            whole = value ? infer_value_text(value, number, &text) : text.ptr != NULL;
            hash = whole ? hash64(text, hash + i) : 0;
        }
        if (whole)
            TRY(hash_sample_add(&o->stats->tuples[t], hash, NULL, err));
    }
    return LF_OK;
}

static enum lf_code observe_kind(struct infer_worker *worker, size_t table, size_t kind, const struct item *item, struct err *err)
{
    const struct table_model *model = &worker->infer->models[table];
    char numbers[INFER_VARIABLES_MAX][NUMBER_TEXT_BYTES];
    struct observation o = { .worker = worker, .kind = &model->kinds[kind], .stats = worker->kinds[table][kind] };
    o.lookup = (struct variable_lookup){ .kind = o.kind, .item = item, .numbers = numbers };
    o.stats->items++;
    arena_reset(&worker->scratch);
    TRY(observe_attributes(&o, err));
    (void)infer_split_key(&o.lookup);
    find_texts(&o);
    TRY(observe_templates(&o, key_schema_has_sort(&model->table->key) ? 2 : 1, err));
    TRY(observe_variables(&o, err));
    return observe_tuples(&o, err);
}

/* ---- items of kinds that the sample did not show ---- */

static enum lf_code keep_late(struct infer_worker *worker, size_t table, const struct item *item, struct err *err)
{
    if (worker->late_count == worker->late_capacity) {
        size_t capacity = worker->late_capacity ? worker->late_capacity * 2 : 64;
        struct item *items = realloc(worker->late_items, capacity * sizeof *items);
        if (items)
            worker->late_items = items;
        size_t *tables = realloc(worker->late_tables, capacity * sizeof *tables);
        if (tables)
            worker->late_tables = tables;
        if (!items || !tables)
            return ERR(err, LF_MEMORY, "out of memory for items of rare kinds");
        worker->late_capacity = capacity;
    }
    struct err full = ERR_INIT;
    if (item_copy(item, &worker->late, &worker->late_items[worker->late_count], &full) != LF_OK) {
        worker->late_dropped[table]++;
        return LF_OK;
    }
    worker->late_tables[worker->late_count++] = table;
    return LF_OK;
}

enum lf_code infer_observe(struct infer_worker *worker, size_t table, const struct item *item, struct err *err)
{
    const struct table_model *model = &worker->infer->models[table];
    worker->items[table]++;
    size_t kind = infer_classify(model, item);
    if (kind == model->kind_count)
        return keep_late(worker, table, item, err);
    if (!worker->kinds[table][kind])
        TRY(infer_kind_stats_init(&model->kinds[kind], &worker->kinds[table][kind], err));
    return observe_kind(worker, table, kind, item, err);
}

/* ---- workers ---- */

enum lf_code infer_worker_new(const struct infer *infer, struct infer_worker **ret_worker, struct err *err)
{
    struct infer_worker *worker = calloc(1, sizeof *worker);
    if (!worker)
        return ERR(err, LF_MEMORY, "out of memory");
    worker->infer = (struct infer *)infer;
    arena_init(&worker->names, NAMES_BYTES);
    arena_init(&worker->scratch, SCRATCH_BYTES);
    arena_init(&worker->late, INFER_LATE_BYTES);
    worker->kinds = calloc(infer->model_count + 1, sizeof *worker->kinds);
    worker->items = calloc(infer->model_count + 1, sizeof *worker->items);
    worker->late_dropped = calloc(infer->model_count + 1, sizeof *worker->late_dropped);
    if (!worker->kinds || !worker->items || !worker->late_dropped) {
        infer_worker_free(worker);
        return ERR(err, LF_MEMORY, "out of memory");
    }
    *ret_worker = worker;
    return LF_OK;
}

void infer_worker_free(struct infer_worker *worker)
{
    if (!worker)
        return;
    for (size_t t = 0; worker->kinds && t < worker->infer->model_count; t++)
        for (size_t k = 0; k < worker->infer->models[t].kind_count; k++)
            infer_kind_stats_free(&worker->infer->models[t].kinds[k], worker->kinds[t][k]);
    arena_done(&worker->names);
    arena_done(&worker->scratch);
    arena_done(&worker->late);
    free(worker->kinds);
    free(worker->items);
    free(worker->late_dropped);
    free(worker->late_items);
    free(worker->late_tables);
    free(worker);
}

/* ---- sums ---- */

static enum lf_code merge_attr(struct attr_stats *into, const struct attr_stats *from, struct err *err)
{
    into->present += from->present;
    for (size_t i = 0; i < VALUE_TYPES; i++)
        into->types[i] += from->types[i];
    for (size_t i = 0; i < TIMESTAMP_FORMATS; i++)
        into->timestamps[i] += from->timestamps[i];
    into->uuid += from->uuid;
    into->dates += from->dates;
    into->with_nul += from->with_nul;
    into->empty_strings += from->empty_strings;
    into->integers += from->integers;
    into->int32s += from->int32s;
    into->epoch_seconds += from->epoch_seconds;
    into->epoch_milliseconds += from->epoch_milliseconds;
    into->string_lists += from->string_lists;
    into->nonempty_lists += from->nonempty_lists;
    into->json_exact += from->json_exact;
    if (into->bytes_max < from->bytes_max)
        into->bytes_max = from->bytes_max;
    small_set_merge(&into->values, &from->values);
    examples_merge(&into->examples, &from->examples);
    return hash_sample_merge(&into->distinct, &from->distinct, NULL, err);
}

enum lf_code infer_merge_kind(const struct kind *kind, struct kind_stats *into, struct kind_stats *from, struct arena *names,
                              struct err *err)
{
    into->items += from->items;
    into->unclaimed += from->unclaimed;
    into->attributes_beyond += from->attributes_beyond;
    for (size_t i = 0; i < from->attribute_capacity; i++) {
        struct attr_stats *stats = NULL;
        if (from->attributes[i])
            TRY(infer_attribute_of(into, from->attributes[i]->name, names, &stats, err));
        if (stats)
            TRY(merge_attr(stats, from->attributes[i], err));
    }
    for (size_t i = 0; i < kind->variable_count; i++) {
        TRY(merge_attr(&into->pieces[i], &from->pieces[i], err));
        TRY(uniqueness_merge(&into->unique[i], &from->unique[i], err));
    }
    for (size_t i = 0; i < kind->template_count; i++) {
        into->templates[i].present += from->templates[i].present;
        into->templates[i].rebuilt += from->templates[i].rebuilt;
        into->templates[i].phantom += from->templates[i].phantom;
    }
    for (size_t i = 0; i < kind->tuple_count; i++)
        TRY(hash_sample_merge(&into->tuples[i], &from->tuples[i], NULL, err));
    return LF_OK;
}

enum lf_code infer_merge_worker(struct infer_worker *into, struct infer_worker *from, struct err *err)
{
    for (size_t t = 0; t < into->infer->model_count; t++) {
        const struct table_model *model = &into->infer->models[t];
        into->items[t] += from->items[t];
        into->late_dropped[t] += from->late_dropped[t];
        for (size_t k = 0; k < model->kind_count; k++) {
            if (!from->kinds[t][k])
                continue;
            if (!into->kinds[t][k])
                TRY(infer_kind_stats_init(&model->kinds[k], &into->kinds[t][k], err));
            TRY(infer_merge_kind(&model->kinds[k], into->kinds[t][k], from->kinds[t][k], &into->names, err));
        }
    }
    for (size_t i = 0; i < from->late_count; i++)
        TRY(keep_late(into, from->late_tables[i], &from->late_items[i], err));
    return LF_OK;
}
