/*
 * request_tables: the tables of a request that names several, each found once, so that all its parts see one description of it.
 */
#pragma once

#include "gateway/call.h"

struct request_tables {
    const struct table **tables; /* references, room for all that the request can name */
    size_t count;
};

/* Room for `count`; end it with request_tables_done, also after errors. LF_MEMORY. */
enum lf_code request_tables_init(struct request_tables *tables, size_t count, struct arena *arena, struct err *err) MUST_CHECK;
void request_tables_done(struct request_tables *tables);

/* As request_table and request_table_to_write. */
enum lf_code request_tables_get(struct request_tables *tables, struct call *call, struct span name, bool is_to_write,
                                const struct table **ret_table, struct err *err) MUST_CHECK;
