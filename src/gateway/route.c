#include "gateway/route.h"

#include "gateway/auth/authorise.h"
#include "gateway/dual_write.h"
#include "gateway/fence.h"
#include "gateway/met.h"
#include "gateway/named_items.h"
#include "gateway/operations/statement.h"
#include "gateway/read_share.h"
#include "gateway/route_ask.h"
#include "gateway/route_keys.h"
#include "gateway/route_list.h"
#include "gateway/route_split.h"
#include "gateway/route_stream.h"
#include "gateway/route_tables.h"

static bool is(const struct call *call, enum operation operation)
{
    return call->operation == operation_info(operation);
}

/* Requests that name no table -------------------------------------------------------------------------------------------------
 */

/* What is wrong with a name or a statement the operation itself says best. */
static enum lf_code run_unnamed(struct call *call, const void *request, operation_run *run, struct err *err)
{
    const struct operation_info *info = call->operation;
    if (is(call, OPERATION_LIST_TABLES))
        return route_list_tables(call, request, err);
    if (is(call, OPERATION_LIST_STREAMS))
        return route_list_streams(call, request, run, err);
    if (is(call, OPERATION_LIST_BACKUPS) && !((const struct list_backups_request *)request)->table_name.ptr)
        return route_forward(call, request, err);
    if (info->table != TABLE_IN_ITERATOR)
        return run(call, request, err);
    TRY(authorise_table(call, info, GRANT_ADMIN, SPAN(""), err));
    return route_forward(call, request, err);
}

/* Requests that name tables ---------------------------------------------------------------------------------------------------
 */

/* Of statements and iterators only we have seen the tables: DynamoDB does not know our callers. */
static enum lf_code authorise_found(const struct call *call, const struct route_tables *tables, struct err *err)
{
    const struct operation_info *info = call->operation;
    if (info->table != TABLE_IN_STATEMENT && info->table != TABLE_IN_ITERATOR)
        return LF_OK;
    for (size_t i = 0; i < tables->count; i++)
        TRY(authorise_table(call, info, tables->tables[i].is_written ? GRANT_WRITE : GRANT_READ, tables->tables[i].name, err));
    return LF_OK;
}

static bool has_phase(const struct route_tables *tables)
{
    for (size_t i = 0; i < tables->count; i++)
        if (tables->tables[i].table && tables->tables[i].table->move.has_phase)
            return true;
    return false;
}

/* One that we cannot read DynamoDB might do all the same: whichever table it is about, whatever its caller may do there, and
 * without a mark. */
static enum lf_code check_statements(const struct call *call, const void *request, struct err *err)
{
    struct named_items named;
    if (call->operation->table != TABLE_IN_STATEMENT)
        return LF_OK;
    TRY(named_items_find(call->operation, request, call->arena, &named, err));
    for (size_t i = 0; i < named.count; i++) {
        struct statement *statement = arena_calloc(call->arena, 1, sizeof *statement, err);
        if (!statement)
            return err->code;
        if (statement_parse(named.items[i].statement, named.items[i].parameters, call->arena, statement, err))
            return err_while(err, "reading statement %zu of the request, which is not passed on to DynamoDB", i + 1);
    }
    return LF_OK;
}

static enum lf_code run_at_dynamodb(struct call *call, const void *request, const struct route_tables *tables, operation_run *run,
                                    struct err *err)
{
    TRY(check_statements(call, request, err));
    met_note(call, request, tables);
    if (is(call, OPERATION_DELETE_TABLE) && has_phase(tables))
        return ERR(err, LF_RESOURCE_IN_USE, "Attempt to change a resource which is still in use: Table is being moved: %.*s",
                   SPAN_ARG(tables->tables[0].name));
    if (call->operation->grant == GRANT_WRITE)
        return dual_write(call, request, tables, run, err);
    return read_share(call, request, tables, run, err);
}

static enum lf_code run_at_postgres(struct call *call, const void *request, const struct route_tables *tables, operation_run *run,
                                    struct err *err)
{
    TRY(authorise_found(call, tables, err));
    met_note(call, request, tables);
    return run(call, request, err);
}

static enum lf_code run_at_both(struct call *call, const void *request, const struct route_tables *tables, operation_run *run,
                                struct err *err)
{
    if (is(call, OPERATION_BATCH_GET_ITEM) || is(call, OPERATION_BATCH_WRITE_ITEM))
        return route_split(call, request, tables, run, run_at_dynamodb, err);
    return ERR(err, LF_VALIDATION,
               "The items of this request are in different databases: a transaction or a batch of statements must name items "
               "of DynamoDB only, or of PostgreSQL only");
}

/* Nobody takes the authority away from DynamoDB before a gateway with a journal has agreed, and held its writes. */
static bool needs_no_lease(const struct call *call, const struct route_tables *tables)
{
    if (!catalog_journal(call->worker->catalog) || call->operation->grant == GRANT_ADMIN)
        return false;
    for (size_t i = 0; i < tables->count; i++)
        if (!route_table_is_dynamodbs(&tables->tables[i]) || (tables->tables[i].table && tables->tables[i].table->move.is_fenced))
            return false;
    return tables->count > 0;
}

/* Mixed tables ------------------------------------------------------------------------------------------------------------------
 */

static bool is_mixed(const struct route_tables *tables)
{
    for (size_t i = 0; i < tables->count; i++)
        if (tables->tables[i].table && table_is_mixed(tables->tables[i].table))
            return true;
    return false;
}

/* Of the rest, what is no item is DynamoDB's still: the table's description, its stream, its settings. */
static bool is_of_items(const struct call *call)
{
    static const enum operation operations[] = {
        OPERATION_GET_ITEM,
        OPERATION_PUT_ITEM,
        OPERATION_UPDATE_ITEM,
        OPERATION_DELETE_ITEM,
        OPERATION_QUERY,
        OPERATION_SCAN,
        OPERATION_BATCH_GET_ITEM,
        OPERATION_BATCH_WRITE_ITEM,
        OPERATION_TRANSACT_GET_ITEMS,
        OPERATION_TRANSACT_WRITE_ITEMS,
        OPERATION_EXECUTE_STATEMENT,
        OPERATION_BATCH_EXECUTE_STATEMENT,
        OPERATION_EXECUTE_TRANSACTION,
    };
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        if (is(call, operations[i]))
            return true;
    return false;
}

/* What names no keys reads a range, of both sides (store/mixed_pages.h). */
static enum lf_code run_mixed(struct call *call, const void *request, const struct route_tables *tables, operation_run *run,
                              struct err *err)
{
    struct route_keys keys;
    size_t theirs = 0;
    TRY(route_keys_find(call, request, tables, &keys, err));
    for (size_t i = 0; i < keys.count; i++)
        theirs += route_key_is_dynamodbs(&keys.keys[i]);
    if (theirs == 0)
        return run_at_postgres(call, request, tables, run, err);
    TRY(authorise_found(call, tables, err));
    return theirs == keys.count ? run_at_dynamodb(call, request, tables, run, err) : run_at_both(call, request, tables, run, err);
}

/* Who changes a table waits until nobody works under its present description, so the request itself must not. */
static enum lf_code run_here(struct call *call, const void *request, struct route_tables *tables, operation_run *run,
                             struct err *err)
{
    if (call->operation->grant != GRANT_ADMIN)
        return run_at_postgres(call, request, tables, run, err);
    route_tables_done(tables);
    return run(call, request, err);
}

static enum lf_code run_routed(struct call *call, const void *request, struct route_tables *tables, operation_run *run,
                               struct err *err)
{
    enum route_authority authority = route_tables_authority(tables);
    if (authority == ROUTE_NOBODY)
        return run_unnamed(call, request, run, err);
    if (route_is_of_stream(call, tables)) {
        TRY(authorise_found(call, tables, err));
        return route_stream(call, request, tables, run, err);
    }
    if (authority == ROUTE_POSTGRES)
        return run_here(call, request, tables, run, err);
    if (is_mixed(tables) && is_of_items(call))
        return run_mixed(call, request, tables, run, err);
    TRY(authorise_found(call, tables, err));
    call->needs_no_lease = needs_no_lease(call, tables);
    return authority == ROUTE_BOTH ? run_at_both(call, request, tables, run, err)
                                   : run_at_dynamodb(call, request, tables, run, err);
}

/* Without DynamoDB behind it, a gateway must not answer for it. */
static enum lf_code check_ours(const struct route_tables *tables, struct err *err)
{
    for (size_t i = 0; i < tables->count; i++)
        if (tables->tables[i].table && table_is_dynamodbs(tables->tables[i].table))
            return ERR(err, LF_INTERNAL_SERVER, "table %.*s is DynamoDB's still, and this gateway was started without --upstream",
                       SPAN_ARG(tables->tables[i].name));
    return LF_OK;
}

enum lf_code route_run(struct call *call, const void *request, operation_run *run, struct err *err)
{
    struct route_tables tables = { 0 };
    if (!call->worker->upstream && !catalog_has_phases(call->worker->catalog))
        return run(call, request, err);
    enum lf_code code = fence_pass(call, request, &tables, err);
    if (!code && call->worker->upstream)
        code = run_routed(call, request, &tables, run, err);
    else if (!code && !(code = check_ours(&tables, err)))
        code = run_here(call, request, &tables, run, err);
    route_tables_done(&tables);
    return code;
}

/* Operations that are DynamoDB's alone ----------------------------------------------------------------------------------------
 */

static bool is_target(struct span target)
{
    return span_starts_with(target, SPAN("DynamoDB_20120810.")) || span_starts_with(target, SPAN("DynamoDBStreams_20120810."));
}

enum lf_code route_unknown(struct call *call, struct span target, struct err *err)
{
    const struct operation_info info = {
        .name = span_from(target, span_find_byte(target, '.') + 1),
        .target = target,
        .grant = GRANT_ADMIN,
    };
    if (!is_target(target))
        return ERR(err, LF_UNKNOWN_OPERATION, "%s", "");
    TRY(authorise_table(call, &info, GRANT_ADMIN, SPAN(""), err));
    call->operation = &info;
    enum lf_code code = route_forward(call, NULL, err);
    call->operation = NULL;
    return code;
}
