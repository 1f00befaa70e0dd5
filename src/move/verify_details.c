#include "move/verify_details.h"

#include <pthread.h>
#include <stdlib.h>

#include "item/canonical.h"
#include "item/ddbjson.h"

enum { DETAIL_TEXT_BYTES = 4 * LIMIT_LINE_BYTES };

/* Both sides of the first `count` differences as they come by. */
struct details {
    const struct comparison *comparison;
    const struct key_differences *differences;
    struct verify_difference *items; /* in arena, as many as `count` */
    size_t count;
    pthread_mutex_t mutex; /* of arena and items */
    struct arena *arena;
};

static enum verify_kind kind_of(const struct key_difference *difference)
{
    if (difference->different)
        return VERIFY_DIFFERENT;
    return difference->missing ? VERIFY_MISSING : VERIFY_EXTRA;
}

static enum lf_code keep(struct details *details, struct verify_difference *detail, const struct scan_item *item,
                         struct span json, struct span key, struct err *err)
{
    TRY(arena_copy(details->arena, json, item->side == SCAN_SOURCE ? &detail->source_json : &detail->target_json, err));
    return detail->key.ptr ? LF_OK : arena_copy(details->arena, key, &detail->key, err);
}

static enum lf_code keep_locked(struct details *details, struct verify_difference *detail, const struct scan_item *item,
                                struct err *err)
{
    struct buf json, key;
    buf_init(&json, DETAIL_TEXT_BYTES);
    buf_init(&key, DETAIL_TEXT_BYTES);
    ddbjson_put_item(&json, item->item);
    key_describe(&details->comparison->map->tables[item->table].key, item->item, &key);
    enum lf_code code = buf_check(&json, err);
    if (code == LF_OK)
        code = buf_check(&key, err);
    if (code == LF_OK) {
        pthread_mutex_lock(&details->mutex);
        code = keep(details, detail, item, buf_span(&json), buf_span(&key), err);
        pthread_mutex_unlock(&details->mutex);
    }
    buf_done(&json);
    buf_done(&key);
    return code;
}

static enum lf_code keep_item(void *context, unsigned worker, const struct scan_item *item, struct err *err)
{
    (void)worker;
    struct details *details = context;
    const struct key_difference *difference = key_differences_find(details->differences, item->table, &item->key);
    size_t index = difference ? (size_t)(difference - details->differences->items) : SIZE_MAX;
    if (index >= details->count)
        return LF_OK;
    return keep_locked(details, &details->items[index], item, err);
}

static int compare_names(const void *left, const void *right)
{
    return span_compare(*(const struct span *)left, *(const struct span *)right);
}

/* Attributes of `item` that `other` lacks or, when `values` is set, has with another value. */
static void add_names(const struct item *item, const struct item *other, bool values, struct verify_difference *difference)
{
    for (size_t i = 0; i < item->count; i++) {
        const struct value *value = item_get(other, item->attributes[i].name);
        if (!value || (values && !value_equal(value, &item->attributes[i].value)))
            difference->attributes[difference->attribute_count++] = item->attributes[i].name;
    }
}

enum lf_code attributes_compare(const struct item *source, const struct item *target, struct arena *arena,
                                struct verify_difference *ret_difference, struct err *err)
{
    ret_difference->attributes = arena_calloc(arena, source->count + target->count, sizeof *ret_difference->attributes, err);
    if (!ret_difference->attributes)
        return err->code;
    ret_difference->attribute_count = 0;
    add_names(source, target, true, ret_difference);
    add_names(target, source, false, ret_difference);
    if (ret_difference->attribute_count)
        qsort(ret_difference->attributes, ret_difference->attribute_count, sizeof *ret_difference->attributes, compare_names);
    return LF_OK;
}

static enum lf_code read_json(struct span json, struct arena *arena, struct item *ret_item, struct err *err)
{
    struct json_reader reader;
    json_init(&reader, json, arena);
    return ddbjson_read_item(&reader, ret_item, err);
}

static enum lf_code name_attributes(struct verify_difference *detail, struct arena *arena, struct err *err)
{
    struct item source, target;
    if (detail->kind != VERIFY_DIFFERENT || detail->source_json.len == 0 || detail->target_json.len == 0)
        return LF_OK;
    TRY(read_json(detail->source_json, arena, &source, err));
    TRY(read_json(detail->target_json, arena, &target, err));
    return attributes_compare(&source, &target, arena, detail, err);
}

static enum lf_code scan_details(struct comparison *comparison, struct details *details, struct err *err)
{
    struct scan scan = comparison_scan(comparison, keep_item, details);
    TRY(scan_run(&scan, err));
    for (size_t i = 0; i < details->count; i++)
        TRY(name_attributes(&details->items[i], details->arena, err));
    return LF_OK;
}

enum lf_code details_collect(struct comparison *comparison, const struct key_differences *differences, struct arena *arena,
                             struct verify_result *result, struct err *err)
{
    size_t room = comparison->options->details_max - result->detail_count;
    struct details details = {
        .comparison = comparison,
        .differences = differences,
        .items = result->details + result->detail_count,
        .count = differences->count < room ? differences->count : room,
        .arena = arena,
    };
    if (details.count == 0)
        return LF_OK;
    for (size_t i = 0; i < details.count; i++)
        details.items[i] = (struct verify_difference){ .kind = kind_of(&differences->items[i]),
                                                       .table = comparison->map->tables[differences->items[i].table].name };
    if (pthread_mutex_init(&details.mutex, NULL) != 0)
        return ERR(err, LF_MEMORY, "cannot make a mutex");
    enum lf_code code = scan_details(comparison, &details, err);
    pthread_mutex_destroy(&details.mutex);
    if (code == LF_OK)
        result->detail_count += details.count;
    return code;
}
