#include "gateway/read_keys.h"

#include "gateway/named_items.h"
#include "gateway/operations/item_key.h"
#include "gateway/operations/key_range.h"
#include "gateway/operations/page.h"
#include "gateway/operations/parameters.h"
#include "gateway/store/mixed_pages.h"

unsigned read_key_percentile(const struct read_key *key)
{
    const unsigned char *h = (const unsigned char *)key->place.h.ptr;
    return (unsigned)(((unsigned)h[12] << 24 | (unsigned)h[13] << 16 | (unsigned)h[14] << 8 | h[15]) % 100);
}

static enum lf_code make_room(struct read_keys *keys, size_t room, struct arena *arena, struct err *err)
{
    keys->keys = arena_calloc(arena, room + 1, sizeof *keys->keys, err);
    return keys->keys ? LF_OK : err->code;
}

static enum lf_code add_key(struct read_keys *keys, const struct table *table, const struct item *attributes, struct arena *arena,
                            struct err *err)
{
    struct item_key key;
    struct read_key *next = &keys->keys[keys->count];
    next->table = table;
    next->is_shared = !table->shared || key_group_has(table->shared, attributes);
    TRY(item_key_of_request(table, attributes, arena, &key, err));
    TRY(item_place(&key.bytes, arena, &next->place, err));
    keys->count++;
    return LF_OK;
}

static enum lf_code of_items(const struct call *call, const void *request, const struct route_tables *tables,
                             struct read_keys *keys, struct err *err)
{
    struct named_items named;
    keys->has_places = true;
    TRY(named_items_find(call->operation, request, call->arena, &named, err));
    TRY(make_room(keys, named.count, call->arena, err));
    for (size_t i = 0; i < named.count; i++) {
        const struct route_table *table = route_tables_get(tables, named.items[i].table_name);
        if (table)
            TRY(add_key(keys, table->table, named.items[i].item, call->arena, err));
    }
    return LF_OK;
}

/* Query ------------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code read_condition(const struct query_request *request, const struct key_condition_schema *schema,
                                   struct arena *arena, struct key_condition *ret_condition, struct err *err)
{
    struct expression_inputs inputs;
    const struct expression_node *node = NULL;
    struct legacy_condition *conditions = NULL;
    if (!request->key_condition_expression.ptr) {
        TRY(parameters_conditions(&request->key_conditions, arena, &conditions, err));
        return legacy_key_conditions(conditions, request->key_conditions.count, schema, ret_condition, err);
    }
    TRY(parameters_inputs(&request->expression_attribute_names, &request->expression_attribute_values, arena, &inputs, err));
    TRY(expression_parse_condition(request->key_condition_expression, EXPRESSION_KEY_CONDITION, &inputs, arena, &node, err));
    return key_condition_reduce(node, schema, ret_condition, err);
}

static enum lf_code of_query(const struct query_request *request, const struct table *table, struct arena *arena,
                             struct read_keys *keys, struct err *err)
{
    struct span bytes;
    const struct table_index *index = NULL;
    struct key_condition condition = { 0 };
    struct store_range range = { 0 };
    TRY(page_find_index(table, request->index_name, &index, err));
    struct key_condition_schema schema = key_range_schema(table, index);
    TRY(make_room(keys, 1, arena, err));
    TRY(read_condition(request, &schema, arena, &condition, err));
    TRY(key_range_of(&schema, &condition, arena, &range, err));
    TRY(item_key_bytes(schema.partition, schema.partition_count, &range.partition, arena, &bytes, err));
    keys->keys[0].table = table;
    keys->keys[0].place.sk = SPAN("");
    keys->keys[0].is_shared = !table->shared || (!index && mixed_reach(table->shared, &range) == KEY_GROUP_ALL);
    keys->count = 1;
    keys->has_places = keys->is_partition = !index || index->is_local;
    keys->has_own_order = index != NULL;
    if (index && index->sort_count)
        keys->index_order = index->sort[0].name;
    keys->start = request->exclusive_start_key.attributes ? &request->exclusive_start_key : NULL;
    return place_hash(bytes, arena, &keys->keys[0].place.h, err);
}

static enum lf_code of_scan(const struct scan_request *request, const struct table *table, struct arena *arena,
                            struct read_keys *keys, struct err *err)
{
    struct span what;
    TRY(make_room(keys, 1, arena, err));
    TRY(arena_printf(arena, &what, err, "%.*s|%.*s|%lld|%lld", SPAN_ARG(table->name), SPAN_ARG(request->index_name),
                     (long long)request->segment, (long long)request->total_segments));
    keys->keys[0].table = table;
    keys->keys[0].place.sk = SPAN("");
    keys->keys[0].is_shared = !table->shared;
    keys->count = 1;
    keys->has_own_order = true;
    keys->start = request->exclusive_start_key.attributes ? &request->exclusive_start_key : NULL;
    return place_hash(what, arena, &keys->keys[0].place.h, err);
}

enum lf_code read_keys_find(const struct call *call, const void *request, const struct route_tables *tables,
                            struct read_keys *ret_keys, bool *ret_is_read, struct err *err)
{
    const struct operation_info *info = call->operation;
    const struct table *table = tables->tables[0].table;
    *ret_keys = (struct read_keys){ 0 };
    *ret_is_read = true;
    TRY(shape_check_values(request, err));
    if (info == operation_info(OPERATION_GET_ITEM) || info == operation_info(OPERATION_BATCH_GET_ITEM))
        return of_items(call, request, tables, ret_keys, err);
    if (info == operation_info(OPERATION_QUERY))
        return of_query(request, table, call->arena, ret_keys, err);
    if (info == operation_info(OPERATION_SCAN))
        return of_scan(request, table, call->arena, ret_keys, err);
    *ret_is_read = false;
    return LF_OK;
}
