/*
 * route_tables: the tables that a request names, each once, and who has the authority over them.
 *
 * The references are kept until the request is answered: a change of phase takes effect when none of an older description is left
 * (catalog.h). Tables that the catalog does not know are DynamoDB's.
 */
#pragma once

#include "gateway/call.h"

struct route_table {
    struct span name;
    const struct table *table; /* reference; NULL: unknown to the catalog */
    bool is_written;
};

struct route_tables {
    struct route_table *tables; /* in the arena */
    size_t count;
};

enum route_authority {
    ROUTE_NOBODY, /* no table is named */
    ROUTE_POSTGRES,
    ROUTE_DYNAMODB,
    ROUTE_BOTH, /* some tables here, some there */
};

/* End it with route_tables_done, also after errors. What is no name, or no statement, is left out: the operation says what is
 * wrong with it. LF_MEMORY. */
enum lf_code route_tables_find(const struct call *call, const void *request, struct route_tables *tables,
                               struct err *err) MUST_CHECK;
void route_tables_done(struct route_tables *tables);

enum route_authority route_tables_authority(const struct route_tables *tables);
bool route_table_is_dynamodbs(const struct route_table *table);

/* NULL when the request does not name it. `name` may be an ARN. */
const struct route_table *route_tables_get(const struct route_tables *tables, struct span name);
