#include "gateway/table_change.h"

#include <stdio.h>

#include "gateway/shape_write.h"
#include "gateway/store/store.h"

enum { DEFINITION_BYTES_MAX = 4 * 1024 * 1024, NUMBER_BYTES = 24, VALUES_MAX = 8 };

/* Transaction -----------------------------------------------------------------------------------------------------------------
 */

enum lf_code table_change_begin(struct worker *worker, struct table_change *ret_change, struct err *err)
{
    struct table_change change = { .worker = worker };
    TRY(db_begin(worker->db, &change.transaction, err));
    enum lf_code code = catalog_begin_change(change.transaction, &change.version, err);
    if (code)
        db_rollback(change.transaction);
    else
        *ret_change = change;
    return code;
}

enum lf_code table_change_end(struct table_change *change, enum lf_code code, struct err *err)
{
    bool is_certain = true;
    if (code) {
        db_rollback(change->transaction);
        return code;
    }
    TRY(db_commit(change->transaction, &is_certain, err));
    return catalog_refresh(change->worker->catalog, change->worker->db, err);
}

void table_change_cancel(struct table_change *change)
{
    db_rollback(change->transaction);
}

/* Statements ------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code query(struct table_change *change, const struct pg_statement *statement, const struct span *values,
                          size_t count, struct pg_result **ret_rows, struct err *err)
{
    struct pg_field fields[VALUES_MAX];
    for (size_t i = 0; i < count; i++)
        fields[i] = (struct pg_field){ values[i].ptr, values[i].len };
    return db_tx_query(change->transaction, statement, &(struct pg_params){ .values = fields, .count = count }, ret_rows, err);
}

/* A statement with text parameters; its rows are thrown away. */
static enum lf_code execute(struct table_change *change, const struct pg_statement *statement, const struct span *values,
                            size_t count, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    return query(change, statement, values, count, &rows, err);
}

struct number_text {
    char text[NUMBER_BYTES];
};

static struct span number_span(int64_t number, struct number_text *text)
{
    int len = snprintf(text->text, sizeof text->text, "%lld", (long long)number);
    return span_of(text->text, (size_t)len);
}

static struct span flag(bool is_set)
{
    return is_set ? SPAN("true") : SPAN("false");
}

#define STREAM_LABEL "to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS')"

/* Reading ---------------------------------------------------------------------------------------------------------------------
 */

enum lf_code table_change_read(struct table_change *change, struct span name, const struct table **ret_table, struct err *err)
{
    static const struct pg_statement named = { .sql = table_select_named };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    struct table *table = NULL;
    struct span values[] = { SPAN("0"), name };
    TRY(query(change, &named, values, 2, &rows, err));
    if (pg_result_rows(rows))
        TRY(table_new(rows, 0, catalog_map(change->worker->catalog), &table, err));
    *ret_table = table;
    return LF_OK;
}

enum lf_code table_change_read_live(struct table_change *change, struct span name, const struct table **ret_table,
                                    struct err *err)
{
    const struct table *table = NULL;
    struct span short_name = name;
    if (!shape_table_name(name, &short_name))
        short_name = name;
    TRY(table_change_read(change, short_name, &table, err));
    if (!table)
        return ERR(err, LF_RESOURCE_NOT_FOUND, "Requested resource not found: Table: %.*s not found", SPAN_ARG(short_name));
    if (table->status == TABLE_DELETING) {
        table_unref(table);
        return ERR(err, LF_RESOURCE_IN_USE, "Attempt to change a resource which is still in use: Table is being deleted: %.*s",
                   SPAN_ARG(short_name));
    }
    *ret_table = table;
    return LF_OK;
}

/* Tables ----------------------------------------------------------------------------------------------------------------------
 */

typedef enum lf_code with_json(struct table_change *change, struct span json, const void *context, struct err *err);

static enum lf_code with_definition(struct table_change *change, const struct create_table_request *definition, with_json *run,
                                    const void *context, struct err *err)
{
    struct buf json;
    buf_init(&json, DEFINITION_BYTES_MAX);
    shape_write(&shape_create_table_request, definition, &json);
    enum lf_code code = buf_check(&json, err);
    if (!code)
        code = run(change, buf_span(&json), context, err);
    buf_done(&json);
    return code;
}

static bool has_stream(const struct create_table_request *definition)
{
    return definition->stream_specification && definition->stream_specification->stream_enabled;
}

static enum lf_code insert_table(struct table_change *change, struct span json, const void *context, struct err *err)
{
    static const struct pg_statement insert = {
        .sql = "INSERT INTO landfall.dynamodb_table (name, status, definition, version, stream_label, on_demand_at) VALUES ($1, "
               "'ACTIVE', $2::text::json, $3::text::bigint, CASE WHEN $4::text::boolean THEN " STREAM_LABEL
               " END, CASE WHEN $5::text::boolean THEN now() END)",
    };
    const struct create_table_request *definition = context;
    bool is_on_demand = definition->billing_mode == API_BILLING_MODE_PAY_PER_REQUEST;
    struct number_text version;
    struct span values[] = {
        definition->table_name, json, number_span(change->version, &version), flag(has_stream(definition)), flag(is_on_demand),
    };
    return execute(change, &insert, values, 5, err);
}

static enum lf_code insert_indexes(struct table_change *change, const struct create_table_request *definition, struct err *err)
{
    static const struct pg_statement insert = {
        .sql = "INSERT INTO landfall.dynamodb_index (table_id, name, slot, status) SELECT t.id, $2, $3::text::integer, 'ACTIVE' "
               "FROM landfall.dynamodb_table t WHERE t.name = $1",
    };
    const struct api_global_secondary_index_list *global = &definition->global_secondary_indexes;
    const struct api_local_secondary_index_list *local = &definition->local_secondary_indexes;
    for (size_t slot = 0; slot < global->count + local->count; slot++) {
        struct number_text text;
        struct span name =
            slot < global->count ? global->values[slot].index_name : local->values[slot - global->count].index_name;
        struct span values[] = { definition->table_name, name, number_span((int64_t)slot, &text) };
        TRY(execute(change, &insert, values, 3, err));
    }
    return LF_OK;
}

enum lf_code table_change_create(struct table_change *change, const struct create_table_request *definition,
                                 const struct table **ret_table, struct err *err)
{
    const struct table *table = NULL;
    TRY(table_change_read(change, definition->table_name, &table, err));
    table_unref(table);
    if (table)
        return ERR(err, LF_RESOURCE_IN_USE, "Table already exists: %.*s", SPAN_ARG(definition->table_name));
    TRY(with_definition(change, definition, insert_table, definition, err));
    TRY(insert_indexes(change, definition, err));
    TRY(table_change_read(change, definition->table_name, &table, err));
    enum lf_code code = table->store->create(change->transaction, table, err);
    if (code)
        table_unref(table);
    else
        *ret_table = table;
    return code;
}

static enum lf_code update_table(struct table_change *change, struct span json, const void *context, struct err *err)
{
    static const struct pg_statement update = {
        .sql = "UPDATE landfall.dynamodb_table SET definition = $2::text::json, version = $3::text::bigint WHERE id = "
               "$1::text::bigint",
    };
    const struct table *table = context;
    struct number_text id, version;
    struct span values[] = { number_span(table->id, &id), json, number_span(change->version, &version) };
    return execute(change, &update, values, 3, err);
}

enum lf_code table_change_save(struct table_change *change, const struct table *table,
                               const struct create_table_request *definition, struct err *err)
{
    return with_definition(change, definition, update_table, table, err);
}

enum lf_code table_change_set_status(struct table_change *change, const struct table *table, enum table_status status,
                                     struct err *err)
{
    static const struct pg_statement update = {
        .sql = "UPDATE landfall.dynamodb_table SET status = $2, version = $3::text::bigint WHERE id = $1::text::bigint",
    };
    struct number_text id, version;
    struct span values[] = { number_span(table->id, &id), span_from_cstr(table_status_name(status)),
                             number_span(change->version, &version) };
    return execute(change, &update, values, 3, err);
}

enum lf_code table_change_note(struct table_change *change, const struct table *table, const struct table_notes *notes,
                               struct err *err)
{
    static const struct pg_statement update = {
        .sql =
            "UPDATE landfall.dynamodb_table SET on_demand_at = CASE WHEN $2::text::boolean THEN now() ELSE on_demand_at END, "
            "increased_at = CASE WHEN $3::text::boolean THEN now() ELSE increased_at END, decreases_today = CASE WHEN NOT "
            "$4::text::boolean THEN decreases_today WHEN decreased_at::date = now()::date THEN decreases_today + 1 ELSE 1 END, "
            "decreased_at = CASE WHEN $4::text::boolean THEN now() ELSE decreased_at END, class_changed_at = CASE WHEN "
            "$5::text::boolean THEN now() ELSE class_changed_at END, stream_label = CASE WHEN $6::text::boolean "
            "THEN " STREAM_LABEL " ELSE stream_label END WHERE id = $1::text::bigint",
    };
    struct number_text id;
    struct span values[] = { number_span(table->id, &id), flag(notes->became_on_demand), flag(notes->increased),
                             flag(notes->decreased),      flag(notes->class_changed),    flag(notes->new_stream) };
    return execute(change, &update, values, 6, err);
}

enum lf_code table_change_remove(struct table_change *change, const struct table *table, struct err *err)
{
    static const struct pg_statement delete = { .sql = "DELETE FROM landfall.dynamodb_table WHERE id = $1::text::bigint" };
    struct number_text id;
    struct span value = number_span(table->id, &id);
    return execute(change, &delete, &value, 1, err);
}

enum lf_code table_change_set_ttl(struct table_change *change, const struct table *table, struct span attribute, struct err *err)
{
    static const struct pg_statement update = {
        .sql = "UPDATE landfall.dynamodb_table SET ttl_attribute = nullif($2, ''), ttl_is_filling = $4::text::boolean, "
               "ttl_position_h = "
               "NULL, ttl_position_sk = NULL, version = $3::text::bigint WHERE id = $1::text::bigint",
    };
    struct number_text id, version;
    bool fills = attribute.len && table->store->fill_ttl;
    struct span values[] = { number_span(table->id, &id), attribute, number_span(change->version, &version), flag(fills) };
    return execute(change, &update, values, 4, err);
}

enum lf_code table_change_end_ttl_fill(struct table_change *change, const struct table *table, struct err *err)
{
    static const struct pg_statement update = {
        .sql =
            "UPDATE landfall.dynamodb_table SET ttl_is_filling = false, version = $2::text::bigint WHERE id = $1::text::bigint",
    };
    struct number_text id, version;
    struct span values[] = { number_span(table->id, &id), number_span(change->version, &version) };
    return execute(change, &update, values, 2, err);
}

/* Definitions -----------------------------------------------------------------------------------------------------------------
 */

static bool has_key(const struct api_key_schema_element_list *keys, struct span name)
{
    for (size_t i = 0; i < keys->count; i++)
        if (span_equal(keys->values[i].attribute_name, name))
            return true;
    return false;
}

bool definition_uses_attribute(const struct create_table_request *definition, struct span name)
{
    const struct api_local_secondary_index_list *local = &definition->local_secondary_indexes;
    const struct api_global_secondary_index_list *global = &definition->global_secondary_indexes;
    bool is_used = has_key(&definition->key_schema, name);
    for (size_t i = 0; !is_used && i < local->count; i++)
        is_used = has_key(&local->values[i].key_schema, name);
    for (size_t i = 0; !is_used && i < global->count; i++)
        is_used = has_key(&global->values[i].key_schema, name);
    return is_used;
}

enum lf_code definition_keep_used(struct create_table_request *definition, struct arena *arena, struct err *err)
{
    const struct api_attribute_definition_list attributes = definition->attribute_definitions;
    struct api_attribute_definition_list used = { arena_calloc(arena, attributes.count, sizeof *used.values, err), 0 };
    if (!used.values)
        return err->code;
    for (size_t i = 0; i < attributes.count; i++)
        if (definition_uses_attribute(definition, attributes.values[i].attribute_name))
            used.values[used.count++] = attributes.values[i];
    definition->attribute_definitions = used;
    return LF_OK;
}

enum lf_code definition_remove_index(struct create_table_request *definition, struct span index, struct arena *arena,
                                     struct err *err)
{
    const struct api_global_secondary_index_list indexes = definition->global_secondary_indexes;
    struct api_global_secondary_index_list kept = { arena_calloc(arena, indexes.count, sizeof *kept.values, err), 0 };
    if (!kept.values)
        return err->code;
    for (size_t i = 0; i < indexes.count; i++)
        if (!span_equal(indexes.values[i].index_name, index))
            kept.values[kept.count++] = indexes.values[i];
    if (!kept.count)
        kept.values = NULL;
    definition->global_secondary_indexes = kept;
    return definition_keep_used(definition, arena, err);
}

/* Indexes ---------------------------------------------------------------------------------------------------------------------
 */

enum lf_code table_change_add_index(struct table_change *change, const struct table *table, struct span index,
                                    enum table_status status, struct err *err)
{
    static const struct pg_statement insert = {
        .sql = "INSERT INTO landfall.dynamodb_index (table_id, name, slot, status) SELECT $1::text::bigint, $2, min(n), $3 FROM "
               "generate_series(0, (SELECT count(*) FROM landfall.dynamodb_index WHERE table_id = $1::text::bigint)) AS n WHERE "
               "n NOT IN (SELECT slot FROM landfall.dynamodb_index WHERE table_id = $1::text::bigint)",
    };
    struct number_text id;
    struct span values[] = { number_span(table->id, &id), index, span_from_cstr(table_status_name(status)) };
    return execute(change, &insert, values, 3, err);
}

enum lf_code table_change_set_index(struct table_change *change, const struct table *table, struct span index,
                                    enum table_status status, bool is_backfilling, struct err *err)
{
    static const struct pg_statement update = {
        .sql =
            "WITH changed AS (UPDATE landfall.dynamodb_index SET status = $3, is_backfilling = $4::text::boolean WHERE "
            "table_id = $1::text::bigint AND name = $2) UPDATE landfall.dynamodb_table SET version = $5::text::bigint WHERE id "
            "= $1::text::bigint",
    };
    struct number_text id, version;
    struct span values[] = { number_span(table->id, &id), index, span_from_cstr(table_status_name(status)), flag(is_backfilling),
                             number_span(change->version, &version) };
    return execute(change, &update, values, 5, err);
}

enum lf_code table_change_remove_index(struct table_change *change, const struct table *table, struct span index, struct err *err)
{
    static const struct pg_statement delete = {
        .sql = "DELETE FROM landfall.dynamodb_index WHERE table_id = $1::text::bigint AND name = $2",
    };
    struct number_text id;
    struct span values[] = { number_span(table->id, &id), index };
    return execute(change, &delete, values, 2, err);
}
