#include "gateway/operations/statement.h"

#include "gateway/auth/authorise.h"
#include "gateway/operations/item_key.h"
#include "gateway/operations/key_paths.h"
#include "gateway/operations/key_range.h"
#include "gateway/operations/page.h"
#include "gateway/operations/update_check.h"

/* The statement by itself -------------------------------------------------------------------------------------------------- */

/* No ARN, other than everywhere else. */
static enum lf_code check_table_name(struct span name, struct err *err)
{
    struct span plain;
    if (shape_table_name(name, &plain) && plain.len == name.len)
        return LF_OK;
    return ERR(err, LF_VALIDATION,
               "Table name should be within the length [3, 255] and only contain 'a-z', 'A-Z', '0-9', '-', '_', '.'.");
}

enum lf_code statement_parse(struct span text, const struct api_value_list *parameters, struct arena *arena,
                             struct statement *ret_statement, struct err *err)
{
    *ret_statement = (struct statement){ 0 };
    TRY(partiql_parse(text, parameters->values, parameters->count, arena, &ret_statement->parsed, err));
    return check_table_name(ret_statement->parsed.table, err);
}

bool statement_is_read(const struct statement *statement)
{
    return statement->parsed.verb == PARTIQL_SELECT && !statement->parsed.is_exists;
}

enum lf_code statement_find_table(struct statement *statement, struct call *call, enum operation operation,
                                  struct request_tables *tables, struct err *err)
{
    bool is_to_write = statement->parsed.verb != PARTIQL_SELECT;
    TRY(authorise_table(call, operation_info(operation), is_to_write ? GRANT_WRITE : GRANT_READ, statement->parsed.table, err));
    return request_tables_get(tables, call, statement->parsed.table, is_to_write, &statement->table, err);
}

/* SELECT ------------------------------------------------------------------------------------------------------------------- */

static enum lf_code check_order(const struct statement *statement, struct err *err)
{
    struct span name = statement->parsed.order_by;
    const struct key_condition_schema *schema = &statement->schema;
    bool is_key = false;
    if (!name.ptr)
        return LF_OK;
    for (size_t i = 0; i < schema->partition_count; i++)
        is_key |= span_equal(schema->partition[i].name, name);
    for (size_t i = 0; i < schema->sort_count; i++)
        is_key |= span_equal(schema->sort[i].name, name);
    if (!statement->target.count)
        return ERR(err, LF_VALIDATION,
                   "Must have at least one non-optional hash key condition in WHERE clause when using ORDER BY clause.");
    if (!is_key)
        return ERR(err, LF_VALIDATION, "Variable reference %.*s in ORDER BY clause must be part of the primary key",
                   SPAN_ARG(name));
    return LF_OK;
}

static enum lf_code check_columns(const struct statement *statement, struct err *err)
{
    for (size_t i = 0; i < statement->parsed.column_count; i++) {
        const struct expression_node column = { .kind = NODE_PATH, .path = statement->parsed.columns[i].path };
        TRY(key_paths_check(statement->table, &column, err));
    }
    return LF_OK;
}

enum lf_code statement_reduce(struct statement *statement, struct arena *arena, struct err *err)
{
    const struct partiql_statement *parsed = &statement->parsed;
    TRY(page_find_index(statement->table, parsed->index, &statement->index, err));
    statement->schema = key_range_schema(statement->table, statement->index);
    TRY(partiql_reduce(parsed->where, &statement->schema, arena, &statement->target, err));
    TRY(check_order(statement, err));
    TRY(key_paths_check(statement->table, parsed->where, err));
    return check_columns(statement, err);
}

/* Keys --------------------------------------------------------------------------------------------------------------------- */

bool statement_is_of_item(const struct statement *statement)
{
    return !statement->index && !statement->target.filter && partiql_target_is_item(&statement->target, &statement->schema);
}

enum lf_code statement_key(const struct statement *statement, struct arena *arena, struct item_key *ret_key, struct err *err)
{
    const struct key_schema *names = &statement->table->key;
    const struct key_condition *condition = &statement->target.conditions[0];
    struct attribute attributes[2] = { { names->partition.name, condition->partition[0] } };
    size_t count = 1;
    if (key_schema_has_sort(names))
        attributes[count++] = (struct attribute){ names->sort.name, condition->sort[0] };
    return item_key_of_item(statement->table, &(struct item){ attributes, count }, arena, ret_key, err);
}

static enum lf_code check_key_attribute(const struct key_attribute *attribute, const struct item *item, struct err *err)
{
    const struct value *value = item_get(item, attribute->name);
    if (!value)
        return ERR(err, LF_VALIDATION, "Key attribute should be present in the item: Key %.*s", SPAN_ARG(attribute->name));
    if (value->type != attribute->type)
        return ERR(err, LF_VALIDATION, "Key attribute's data type should match its data type in table's schema: Key %.*s",
                   SPAN_ARG(attribute->name));
    return LF_OK;
}

/* Conditions --------------------------------------------------------------------------------------------------------------- */

/* That there is an item, and that `more` holds for it; or that there is none, or else `more` holds. `more` may be NULL. */
static enum lf_code make_condition(const struct table *table, enum expression_node_kind kind, const struct expression_node *more,
                                   struct arena *arena, const struct expression_node **ret_condition, struct err *err)
{
    struct path_element *name = arena_calloc(arena, 1, sizeof *name, err);
    struct expression_node *nodes = name ? arena_calloc(arena, 4, sizeof *nodes, err) : NULL;
    if (!nodes)
        return err->code;
    name->name = table->key.partition.name;
    enum expression_node_kind join = kind == NODE_ATTRIBUTE_EXISTS ? NODE_AND : NODE_OR;
    nodes[0] = (struct expression_node){ .kind = join, .operands = &nodes[1], .operand_count = more ? 2 : 1 };
    nodes[1] = (struct expression_node){ .kind = kind, .operands = &nodes[3], .operand_count = 1 };
    if (more)
        nodes[2] = *more;
    nodes[3] = (struct expression_node){ .kind = NODE_PATH, .path = { .elements = name, .count = 1 } };
    *ret_condition = nodes;
    return LF_OK;
}

/* Writes ------------------------------------------------------------------------------------------------------------------- */

static enum lf_code insert(struct statement *statement, struct arena *arena, struct item_change *change, struct err *err)
{
    const struct table *table = statement->table;
    const struct item *item = &statement->parsed.item;
    change->kind = CHANGE_PUT;
    change->item = item;
    TRY(check_key_attribute(&table->key.partition, item, err));
    if (key_schema_has_sort(&table->key))
        TRY(check_key_attribute(&table->key.sort, item, err));
    TRY(item_check_size(item, err));
    TRY(item_key_of_item(table, item, arena, &change->key, err));
    TRY(item_check_index_keys(table, item, err));
    return make_condition(table, NODE_ATTRIBUTE_NOT_EXISTS, NULL, arena, &change->condition, err);
}

static enum lf_code reduce_to_key(struct statement *statement, struct arena *arena, struct item_change *change, struct err *err)
{
    statement->schema = key_range_schema(statement->table, NULL);
    TRY(partiql_reduce_to_item(statement->parsed.where, &statement->schema, arena, &statement->target, err));
    TRY(statement_key(statement, arena, &change->key, err));
    return key_paths_check(statement->table, statement->parsed.where, err);
}

static enum lf_code update(struct statement *statement, struct arena *arena, struct item_change *change, struct err *err)
{
    change->kind = CHANGE_UPDATE;
    change->update = statement->parsed.update;
    TRY(reduce_to_key(statement, arena, change, err));
    TRY(update_check(statement->table, &change->update, NULL, err));
    return make_condition(statement->table, NODE_ATTRIBUTE_EXISTS, statement->target.filter, arena, &change->condition, err);
}

/* Deleting what is not there succeeds, whatever the condition. */
static enum lf_code delete_item(struct statement *statement, struct arena *arena, struct item_change *change, struct err *err)
{
    change->kind = CHANGE_DELETE;
    TRY(reduce_to_key(statement, arena, change, err));
    if (!statement->target.filter)
        return LF_OK;
    return make_condition(statement->table, NODE_ATTRIBUTE_NOT_EXISTS, statement->target.filter, arena, &change->condition, err);
}

static enum lf_code exists(struct statement *statement, struct arena *arena, struct item_change *change, struct err *err)
{
    change->kind = CHANGE_CHECK;
    TRY(statement_reduce(statement, arena, err));
    bool is_one = !statement->index && partiql_target_is_item(&statement->target, &statement->schema);
    if (!is_one || !statement->target.filter)
        return ERR(err, LF_VALIDATION, "EXISTS() must contain a single item read with additional condition");
    TRY(statement_key(statement, arena, &change->key, err));
    return make_condition(statement->table, NODE_ATTRIBUTE_EXISTS, statement->target.filter, arena, &change->condition, err);
}

enum lf_code statement_change(struct statement *statement, struct arena *arena, struct item_change *ret_change, struct err *err)
{
    *ret_change = (struct item_change){ .table = statement->table };
    switch (statement->parsed.verb) {
    case PARTIQL_INSERT:
        return insert(statement, arena, ret_change, err);
    case PARTIQL_UPDATE:
        return update(statement, arena, ret_change, err);
    case PARTIQL_DELETE:
        return delete_item(statement, arena, ret_change, err);
    case PARTIQL_SELECT:
        return exists(statement, arena, ret_change, err);
    }
    return LF_OK;
}

enum lf_code statement_failed(const struct statement *statement, enum lf_code code, struct err *err)
{
    if (code == LF_CONDITIONAL_CHECK_FAILED && statement->parsed.verb == PARTIQL_INSERT)
        return ERR(err, LF_DUPLICATE_ITEM, "Duplicate primary key exists in table");
    return code;
}

enum api_return_value statement_return_values(const struct statement *statement)
{
    static const enum api_return_value values[] = {
        [PARTIQL_RETURNING_NONE] = API_RETURN_VALUE_NONE,
        [PARTIQL_RETURNING_ALL_OLD] = API_RETURN_VALUE_ALL_OLD,
        [PARTIQL_RETURNING_MODIFIED_OLD] = API_RETURN_VALUE_UPDATED_OLD,
        [PARTIQL_RETURNING_ALL_NEW] = API_RETURN_VALUE_ALL_NEW,
        [PARTIQL_RETURNING_MODIFIED_NEW] = API_RETURN_VALUE_UPDATED_NEW,
    };
    return values[statement->parsed.returning];
}
