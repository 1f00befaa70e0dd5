/*
 * index_projection: what an index holds of an item: the table's key, its own key, and what it projects beside them.
 *
 * The item store keeps indexes as columns of the item's row, so every index could give every attribute. Clients see, and pay for,
 * what the index projects. Pure.
 */
#pragma once

#include "gateway/catalog.h"

bool index_projects(const struct table *table, const struct table_index *index, struct span name);

/* Whether the item is in the index: it has all attributes of its key, in their types. */
bool index_has_item(const struct table_index *index, const struct item *item);

/* The item as the index has it; shares its values. LF_MEMORY. */
enum lf_code index_project(const struct table *table, const struct table_index *index, const struct item *item,
                           struct arena *arena, struct item *ret_item, struct err *err) MUST_CHECK;

/* As item_size of what index_project gives. */
size_t index_item_size(const struct table *table, const struct table_index *index, const struct item *item);
