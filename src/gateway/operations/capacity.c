#include "gateway/operations/capacity.h"

#include "gateway/operations/index_projection.h"
#include "item/canonical.h"

enum { READ_UNIT_BYTES = 4096, WRITE_UNIT_BYTES = 1024 };

bool capacity_is_asked(enum api_return_consumed_capacity asked)
{
    return asked == API_RETURN_CONSUMED_CAPACITY_TOTAL || asked == API_RETURN_CONSUMED_CAPACITY_INDEXES;
}

enum lf_code capacity_init(struct capacity *capacity, const struct table *table, bool is_write, bool is_transaction,
                           struct arena *arena, struct err *err)
{
    *capacity = (struct capacity){ .table = table, .is_write = is_write, .is_transaction = is_transaction };
    capacity->indexes = arena_calloc(arena, table->index_count + 1, sizeof *capacity->indexes, err);
    return capacity->indexes ? LF_OK : err->code;
}

static double units(size_t size_bytes, size_t unit_bytes)
{
    size_t whole = (size_bytes + unit_bytes - 1) / unit_bytes;
    return (double)(whole ? whole : 1);
}

double capacity_read_units(size_t size_bytes, bool is_consistent)
{
    return units(size_bytes, READ_UNIT_BYTES) * (is_consistent ? 1.0 : 0.5);
}

static void add(struct capacity *capacity, const struct table_index *index, double more)
{
    more *= capacity->is_transaction ? 2 : 1;
    if (!index) {
        capacity->table_units += more;
        return;
    }
    struct capacity_of_index *of_index = &capacity->indexes[index - capacity->table->indexes];
    of_index->is_used = true;
    of_index->units += more;
}

void capacity_add_read(struct capacity *capacity, const struct table_index *index, double more)
{
    add(capacity, index, more);
}

/* Writes ------------------------------------------------------------------------------------------------------------------- */

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static bool same_attributes(const struct key_attribute *attributes, size_t count, const struct item *a, const struct item *b)
{
    for (size_t i = 0; i < count; i++)
        if (!value_equal(item_get(a, attributes[i].name), item_get(b, attributes[i].name)))
            return false;
    return true;
}

/* Whether all that the index has of `a` is also in `b`. */
static bool is_projection_within(const struct table *table, const struct table_index *index, const struct item *a,
                                 const struct item *b)
{
    for (size_t i = 0; i < a->count; i++) {
        if (!index_projects(table, index, a->attributes[i].name))
            continue;
        const struct value *other = item_get(b, a->attributes[i].name);
        if (!other || !value_equal(&a->attributes[i].value, other))
            return false;
    }
    return true;
}

static void add_index_write(struct capacity *capacity, const struct table_index *index, const struct item *old,
                            const struct item *new_item)
{
    const struct table *table = capacity->table;
    size_t old_size = old ? index_item_size(table, index, old) : 0;
    size_t new_size = new_item ? index_item_size(table, index, new_item) : 0;
    bool is_same_place = old && new_item && same_attributes(index->partition, index->partition_count, old, new_item) &&
                         same_attributes(index->sort, index->sort_count, old, new_item);
    if (is_same_place) {
        bool is_same = is_projection_within(table, index, old, new_item) && is_projection_within(table, index, new_item, old);
        if (!is_same)
            add(capacity, index, units(larger(old_size, new_size), WRITE_UNIT_BYTES));
        return;
    }
    if (old)
        add(capacity, index, units(old_size, WRITE_UNIT_BYTES));
    if (new_item)
        add(capacity, index, units(new_size, WRITE_UNIT_BYTES));
}

void capacity_add_write(struct capacity *capacity, const struct item *old, const struct item *new_item)
{
    size_t size = larger(old ? item_size(old) : 0, new_item ? item_size(new_item) : 0);
    add(capacity, NULL, units(size, WRITE_UNIT_BYTES));
    for (size_t i = 0; i < capacity->table->index_count; i++) {
        const struct table_index *index = &capacity->table->indexes[i];
        const struct item *old_entry = old && index_has_item(index, old) ? old : NULL;
        const struct item *new_entry = new_item && index_has_item(index, new_item) ? new_item : NULL;
        if (old_entry || new_entry)
            add_index_write(capacity, index, old_entry, new_entry);
    }
}

/* Replies ------------------------------------------------------------------------------------------------------------------ */

enum lf_code capacity_put(const struct capacity *capacity, enum api_return_consumed_capacity asked, struct reply *reply,
                          struct arena *arena, struct err *err)
{
    const struct table *table = capacity->table;
    struct consumed_index *indexes = arena_calloc(arena, table->index_count + 1, sizeof *indexes, err);
    if (!indexes)
        return err->code;
    struct consumed_capacity consumed = {
        .table_name = table->name,
        .table_units = capacity->table_units,
        .indexes = indexes,
        .is_transaction = capacity->is_transaction,
        .is_write = capacity->is_write,
    };
    for (size_t i = 0; i < table->index_count; i++)
        if (capacity->indexes[i].is_used)
            indexes[consumed.index_count++] =
                (struct consumed_index){ table->indexes[i].name, table->indexes[i].is_local, capacity->indexes[i].units };
    reply_capacity(reply, &consumed, asked == API_RETURN_CONSUMED_CAPACITY_INDEXES ? CAPACITY_INDEXES : CAPACITY_TOTAL);
    return LF_OK;
}

enum lf_code capacity_put_member(const struct capacity *capacity, enum api_return_consumed_capacity asked, struct reply *reply,
                                 struct arena *arena, struct err *err)
{
    if (!capacity_is_asked(asked))
        return LF_OK;
    reply_name(reply, SPAN("ConsumedCapacity"));
    return capacity_put(capacity, asked, reply, arena, err);
}
