#include "gateway/operations/key_range.h"

#include "gateway/store/item_columns.h"
#include "item/canonical.h"

enum { TERMINATOR_BYTES = 2 }; /* what join_key_parts ends a part with */

struct key_condition_schema key_range_schema(const struct table *table, const struct table_index *index)
{
    struct key_condition_schema schema;
    if (!index)
        return key_condition_schema_of(&table->key);
    memset(&schema, 0, sizeof schema);
    memcpy(schema.partition, index->partition, sizeof schema.partition);
    memcpy(schema.sort, index->sort, sizeof schema.sort);
    schema.partition_count = index->partition_count;
    schema.sort_count = index->sort_count;
    schema.index_name = index->name;
    return schema;
}

/* Bounds ------------------------------------------------------------------------------------------------------------------- */

/* The first bytes behind all that begin with these; ptr NULL when there are none such. */
static enum lf_code successor(struct span bytes, struct arena *arena, struct span *ret_next, struct err *err)
{
    while (bytes.len > 0 && (unsigned char)bytes.ptr[bytes.len - 1] == 0xff)
        bytes.len--;
    if (bytes.len == 0) {
        *ret_next = span_of(NULL, 0);
        return LF_OK;
    }
    TRY(arena_copy(arena, bytes, ret_next, err));
    char *last = (char *)ret_next->ptr + bytes.len - 1;
    *last = (char)(*last + 1);
    return LF_OK;
}

/* The sort key as the condition gives it: parts by equality, and one more. */
struct sort_parts {
    struct span parts[KEY_PART_ATTRIBUTES_MAX];
    size_t count; /* by equality */
    bool is_last; /* whether the next part ends the key */
    struct arena *arena;
};

/* The key bytes of the parts by equality with `value` behind them; `value` NULL: without. */
static enum lf_code join(struct sort_parts *sort, const struct value *value, struct span *ret_bytes, struct err *err)
{
    size_t count = sort->count;
    if (value)
        TRY(value_key_bytes(value, sort->arena, &sort->parts[count++], err));
    bool is_prefix = value ? !sort->is_last : true;
    return join_key_parts(sort->parts, count, is_prefix, sort->arena, ret_bytes, err);
}

/* All that begin with `bytes`. */
static enum lf_code set_prefix(struct span bytes, struct arena *arena, struct store_range *range, struct err *err)
{
    range->from = (struct store_bound){ bytes, true };
    range->to = (struct store_bound){ .is_inclusive = false };
    return successor(bytes, arena, &range->to.bytes, err);
}

static enum lf_code set_lower(struct sort_parts *sort, const struct value *value, bool is_inclusive, struct store_range *range,
                              struct err *err)
{
    struct span bytes;
    TRY(join(sort, value, &bytes, err));
    range->from = (struct store_bound){ bytes, is_inclusive };
    if (is_inclusive || sort->is_last)
        return LF_OK;
    range->from.is_inclusive = true;
    return successor(bytes, sort->arena, &range->from.bytes, err);
}

static enum lf_code set_upper(struct sort_parts *sort, const struct value *value, bool is_inclusive, struct store_range *range,
                              struct err *err)
{
    struct span bytes;
    TRY(join(sort, value, &bytes, err));
    range->to = (struct store_bound){ bytes, is_inclusive };
    if (!is_inclusive || sort->is_last)
        return LF_OK;
    range->to.is_inclusive = false;
    return successor(bytes, sort->arena, &range->to.bytes, err);
}

static enum lf_code set_beginning(struct sort_parts *sort, const struct value *value, struct store_range *range, struct err *err)
{
    struct span bytes;
    TRY(join(sort, value, &bytes, err));
    if (!sort->is_last)
        bytes.len -= TERMINATOR_BYTES;
    return set_prefix(bytes, sort->arena, range, err);
}

static enum lf_code set_range(struct sort_parts *sort, const struct key_condition *condition, struct store_range *range,
                              struct err *err)
{
    const struct value *value = &condition->range_value;
    switch (condition->range) {
    case KEY_RANGE_LESS:
        return set_upper(sort, value, false, range, err);
    case KEY_RANGE_LESS_OR_EQUAL:
        return set_upper(sort, value, true, range, err);
    case KEY_RANGE_GREATER:
        return set_lower(sort, value, false, range, err);
    case KEY_RANGE_GREATER_OR_EQUAL:
        return set_lower(sort, value, true, range, err);
    case KEY_RANGE_BETWEEN:
        TRY(set_lower(sort, value, true, range, err));
        return set_upper(sort, &condition->range_upper, true, range, err);
    case KEY_RANGE_BEGINS_WITH:
        return set_beginning(sort, value, range, err);
    case KEY_RANGE_ALL:
        return LF_OK;
    }
    return LF_OK;
}

static enum lf_code set_sort(const struct key_condition_schema *schema, const struct key_condition *condition,
                             struct arena *arena, struct store_range *range, struct err *err)
{
    struct sort_parts sort = { .count = condition->sort_count, .arena = arena };
    struct span bytes;
    sort.is_last = sort.count + 1 == schema->sort_count;
    for (size_t i = 0; i < sort.count; i++)
        TRY(value_key_bytes(&condition->sort[i], arena, &sort.parts[i], err));
    if (sort.count && sort.count == schema->sort_count) {
        TRY(join_key_parts(sort.parts, sort.count, false, arena, &bytes, err));
        range->from = range->to = (struct store_bound){ bytes, true };
        return LF_OK;
    }
    if (sort.count) {
        TRY(join(&sort, NULL, &bytes, err));
        TRY(set_prefix(bytes, arena, range, err));
    }
    return set_range(&sort, condition, range, err);
}

enum lf_code key_range_of(const struct key_condition_schema *schema, const struct key_condition *condition, struct arena *arena,
                          struct store_range *ret_range, struct err *err)
{
    struct attribute *attributes = arena_calloc(arena, schema->partition_count, sizeof *attributes, err);
    if (!attributes)
        return err->code;
    for (size_t i = 0; i < schema->partition_count; i++)
        attributes[i] = (struct attribute){ schema->partition[i].name, condition->partition[i] };
    ret_range->partition = (struct item){ attributes, schema->partition_count };
    ret_range->condition = condition;
    return set_sort(schema, condition, arena, ret_range, err);
}

/* Start keys --------------------------------------------------------------------------------------------------------------- */

static bool is_within(const struct store_range *range, struct span bytes)
{
    int from = range->from.bytes.ptr ? span_compare(bytes, range->from.bytes) : 1;
    int to = range->to.bytes.ptr ? span_compare(bytes, range->to.bytes) : -1;
    return (from > 0 || (from == 0 && range->from.is_inclusive)) && (to < 0 || (to == 0 && range->to.is_inclusive));
}

enum lf_code key_range_check_start(const struct key_condition_schema *schema, const struct store_range *range,
                                   const struct item *start, struct arena *arena, struct err *err)
{
    struct span bytes = SPAN("");
    bool has_sort_condition = range->from.bytes.ptr || range->to.bytes.ptr;
    if (schema->sort_count)
        TRY(item_key_bytes(schema->sort, schema->sort_count, start, arena, &bytes, err));
    if (has_sort_condition && !is_within(range, bytes))
        return ERR(err, LF_VALIDATION, "The provided starting key does not match the range key predicate");
    for (size_t i = 0; i < range->partition.count; i++)
        if (!value_equal(item_get(start, range->partition.attributes[i].name), &range->partition.attributes[i].value))
            return ERR(err, LF_VALIDATION, "%s",
                       has_sort_condition ? "The query can return at most one row and cannot be restarted"
                                          : "The provided starting key is outside query boundaries based on provided conditions");
    return LF_OK;
}
