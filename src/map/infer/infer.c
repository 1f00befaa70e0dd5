#include "map/infer.h"

#include <stdlib.h>

#include "item/copy.h"
#include "map/infer/internal.h"

enum { INFER_ARENA_BYTES = 128 * 1024 * 1024 };

enum lf_code infer_new(const struct map_table *tables, size_t table_count, const struct infer_options *options,
                       struct infer **ret_infer, struct err *err)
{
    struct infer *infer = calloc(1, sizeof *infer);
    if (!infer)
        return ERR(err, LF_MEMORY, "out of memory");
    arena_init(&infer->arena, INFER_ARENA_BYTES);
    infer->options = *options;
    infer->models = arena_calloc(&infer->arena, table_count, sizeof *infer->models, err);
    if (!infer->models) {
        infer_free(infer);
        return err->code;
    }
    infer->model_count = table_count;
    for (size_t i = 0; i < table_count; i++)
        infer->models[i].table = &tables[i];
    *ret_infer = infer;
    return LF_OK;
}

void infer_free(struct infer *infer)
{
    if (!infer)
        return;
    for (size_t i = 0; infer->models && i < infer->model_count; i++)
        free(infer->models[i].sample);
    arena_done(&infer->arena);
    free(infer);
}

bool infer_wants_sample(const struct infer *infer, size_t table)
{
    return infer->models[table].sample_count < INFER_SAMPLE_ITEMS && infer->sample_bytes < INFER_SAMPLE_BYTES;
}

static enum lf_code grow_sample(struct table_model *model, struct err *err)
{
    size_t capacity = model->sample_capacity ? model->sample_capacity * 2 : 256;
    struct item *sample = realloc(model->sample, capacity * sizeof *sample);
    if (!sample)
        return ERR(err, LF_MEMORY, "out of memory for a sample of %zu items", capacity);
    model->sample = sample;
    model->sample_capacity = capacity;
    return LF_OK;
}

enum lf_code infer_sample(struct infer *infer, size_t table, const struct item *item, struct err *err)
{
    struct table_model *model = &infer->models[table];
    if (model->sample_count == model->sample_capacity)
        TRY(grow_sample(model, err));
    TRY(item_copy(item, &infer->arena, &model->sample[model->sample_count], err));
    model->sample_count++;
    infer->sample_bytes += item_size(item);
    return LF_OK;
}

enum lf_code infer_discover(struct infer *infer, struct err *err)
{
    for (size_t i = 0; i < infer->model_count; i++) {
        struct table_model *model = &infer->models[i];
        TRY(infer_find_marker(infer, model, err));
        TRY(infer_add_kinds(infer, model, model->sample, model->sample_count, err));
    }
    TRY(infer_plan_tuples(infer, err));
    infer->discovered = true;
    return LF_OK;
}

bool infer_value_text(const struct value *value, char number[NUMBER_TEXT_BYTES], struct span *ret_text)
{
    switch (value->type) {
    case VALUE_S:
        *ret_text = value->bytes;
        return true;
    case VALUE_N:
        *ret_text = span_of(number, number_format(value->number, number));
        return true;
    case VALUE_BOOL:
        *ret_text = value->boolean ? SPAN("true") : SPAN("false");
        return true;
    default:
        return false;
    }
}
