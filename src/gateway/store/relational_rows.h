/*
 * relational_rows: rows of sources (relational_table.h) as items.
 *
 * A stored item's version says which row it is: version[0] its xmin, version[1] its source and its place (ctid) there; of items
 * that are only read, the source. A row's place stays while its xmin does, and while a transaction has it locked.
 */
#pragma once

#include "gateway/store/relational_table.h"

/* The columns of its source from `column` on; the item is in the arena. */
enum lf_code relational_row_read(const struct table *table, const struct pg_result *rows, size_t row, size_t column,
                                 struct arena *arena, struct stored_item *ret_item, struct err *err) MUST_CHECK;
/* The same with RELATIONAL_VERSION before them. */
enum lf_code relational_row_read_version(const struct table *table, const struct pg_result *rows, size_t row, size_t column,
                                         struct arena *arena, struct stored_item *ret_item, struct err *err) MUST_CHECK;
/* RELATIONAL_VERSION and the source's number alone. */
enum lf_code relational_row_read_place(const struct table *table, const struct pg_result *rows, size_t row, size_t column,
                                       struct stored_item *ret_item, struct err *err) MUST_CHECK;

/* The item of a row that a trigger has put into landfall.change_in. LF_ROW when the map has changed since. */
enum lf_code relational_row_image(const struct table *table, struct pg_field entity, struct pg_field image, struct arena *arena,
                                  struct item *ret_item, struct err *err) MUST_CHECK;

struct relational_place {
    size_t source;
    uint32_t xmin;
    uint32_t block;
    uint16_t offset;
};
struct relational_place relational_place_of(const struct stored_item *item);

/* A number of the row, at `column`: less than `count`, LF_ROW otherwise. */
enum lf_code relational_row_number(const struct pg_result *rows, size_t row, size_t column, size_t count, size_t *ret_number,
                                   struct err *err) MUST_CHECK;
