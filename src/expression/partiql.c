#include "expression/partiql_parser.h"
#include "expression/path.h"

/* --- clauses that statements share --- */

static enum lf_code refuse_alias(struct partiql_parser *parser, struct err *err)
{
    bool is_alias = partiql_is_word(parser->token, "as") || parser->token.kind == PARTIQL_QUOTED ||
                    (parser->token.kind == PARTIQL_WORD && !partiql_is_keyword(parser->token));
    return is_alias ? ERR(err, LF_VALIDATION, "Aliasing is not supported") : LF_OK;
}

/* "table" or "table"."index" */
static enum lf_code take_table(struct partiql_parser *parser, struct partiql_statement *statement, struct err *err)
{
    TRY(partiql_name(parser, &statement->table, err));
    return partiql_take_symbol(parser, ".") ? partiql_name(parser, &statement->index, err) : LF_OK;
}

static enum lf_code refuse_index(const struct partiql_statement *statement, struct err *err)
{
    return statement->index.ptr ? ERR(err, LF_VALIDATION, "This operation is not supported on an index") : LF_OK;
}

static enum lf_code take_where(struct partiql_parser *parser, struct partiql_statement *statement, struct err *err)
{
    if (!partiql_take_word(parser, "where"))
        return LF_OK;
    struct expression_node *where = arena_calloc(parser->arena, 1, sizeof *where, err);
    if (!where)
        return err->code;
    parser->is_assignment = false;
    TRY(partiql_condition(parser, where, err));
    TRY(partiql_require_condition(where, err));
    statement->where = where;
    return LF_OK;
}

static enum lf_code take_returning(struct partiql_parser *parser, struct partiql_statement *statement, struct err *err)
{
    if (!partiql_take_word(parser, "returning"))
        return LF_OK;
    bool is_all = partiql_take_word(parser, "all");
    if (!is_all)
        TRY(partiql_expect_word(parser, "modified", err));
    bool is_old = partiql_take_word(parser, "old");
    if (!is_old)
        TRY(partiql_expect_word(parser, "new", err));
    TRY(partiql_expect_symbol(parser, "*", err));
    statement->returning = is_all ? (is_old ? PARTIQL_RETURNING_ALL_OLD : PARTIQL_RETURNING_ALL_NEW)
                                  : (is_old ? PARTIQL_RETURNING_MODIFIED_OLD : PARTIQL_RETURNING_MODIFIED_NEW);
    bool is_refused = statement->verb == PARTIQL_DELETE && statement->returning != PARTIQL_RETURNING_ALL_OLD;
    return !is_refused ? LF_OK
                       : ERR(err, LF_VALIDATION,
                             "Invalid returning clause: RETURNING %s %s *. Only RETURNING ALL OLD * is allowed in DELETE "
                             "statements.",
                             is_all ? "ALL" : "MODIFIED", is_old ? "OLD" : "NEW");
}

/* --- SELECT --- */

static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

/* Refuses the token, and says where it is: line, column and length in characters. */
static enum lf_code refuse_at(const struct partiql_parser *parser, const char *what, struct err *err)
{
    size_t line = 1, column = 1, length = 0;
    for (const char *at = parser->text.ptr; at < parser->token.text.ptr; at++) {
        line += *at == '\n';
        column = *at == '\n' ? 1 : column + begins_character(*at);
    }
    for (size_t i = 0; i < parser->token.text.len; i++)
        length += begins_character(parser->token.text.ptr[i]);
    return ERR(err, LF_VALIDATION, "%s at %zu:%zu:%zu", what, line, column, length);
}

/* Columns are paths: nothing is computed. */
static enum lf_code refuse_computed(const struct partiql_parser *parser, struct err *err)
{
    struct span rest = parser->rest;
    bool is_call = parser->token.kind == PARTIQL_WORD && partiql_is_symbol(partiql_lex(&rest), "(");
    bool is_literal = parser->token.kind == PARTIQL_STRING || parser->token.kind == PARTIQL_NUMBER;
    return is_call || is_literal ? refuse_at(parser, "Unexpected path component", err) : LF_OK;
}

/* The last name; behind an index also what comes after the last name: b[3] for a.b[3]. */
static enum lf_code column_name(const struct document_path *path, struct arena *arena, struct span *ret_name, struct err *err)
{
    size_t last = path->count - 1;
    while (path_element_is_index(&path->elements[last]))
        last--;
    *ret_name = path->elements[last].name;
    for (size_t i = last + 1; i < path->count; i++)
        TRY(arena_printf(arena, ret_name, err, "%.*s[%zu]", SPAN_ARG(*ret_name), path->elements[i].index));
    return LF_OK;
}

static enum lf_code check_new_name(const struct partiql_column *columns, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (span_equal(columns[i].name, columns[count].name))
            return ERR(err, LF_VALIDATION, "Duplicate identifiers in select clause: %.*s", SPAN_ARG(columns[i].name));
    return LF_OK;
}

static size_t commas(struct span text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == ',';
    return count;
}

/* DynamoDB looks at columns from the last to the first. */
static enum lf_code check_columns(const struct partiql_column *columns, size_t count, struct arena *arena, struct err *err)
{
    struct document_path *paths = arena_calloc(arena, count, sizeof *paths, err);
    if (!paths)
        return err->code;
    for (size_t i = 0; i < count; i++)
        paths[i] = columns[count - 1 - i].path;
    return partiql_plain(document_paths_check(paths, count, 0, EXPRESSION_PROJECTION, err), err);
}

static enum lf_code take_columns(struct partiql_parser *parser, struct partiql_statement *statement, struct err *err)
{
    if (partiql_take_symbol(parser, "*"))
        return LF_OK;
    struct partiql_column *columns = arena_calloc(parser->arena, commas(parser->text) + 1, sizeof *columns, err);
    if (!columns)
        return err->code;
    size_t count = 0;
    do {
        TRY(refuse_computed(parser, err));
        TRY(partiql_path(parser, &columns[count].path, err));
        TRY(column_name(&columns[count].path, parser->arena, &columns[count].name, err));
        TRY(refuse_alias(parser, err));
        TRY(check_new_name(columns, count, err));
        count++;
    } while (partiql_take_symbol(parser, ","));
    statement->columns = columns;
    statement->column_count = count;
    return check_columns(columns, count, parser->arena, err);
}

static enum lf_code take_order(struct partiql_parser *parser, struct partiql_statement *statement, struct err *err)
{
    if (!partiql_take_word(parser, "order"))
        return LF_OK;
    TRY(partiql_expect_word(parser, "by", err));
    TRY(partiql_name(parser, &statement->order_by, err));
    statement->is_descending = partiql_take_word(parser, "desc");
    if (!statement->is_descending)
        (void)partiql_take_word(parser, "asc");
    return statement->where ? LF_OK
                            : ERR(err, LF_VALIDATION, "Must have WHERE clause in the statement when using ORDER BY clause.");
}

static enum lf_code refuse_clauses(struct partiql_parser *parser, struct err *err)
{
    if (partiql_is_symbol(parser->token, ","))
        return ERR(err, LF_VALIDATION, "Only select from a single table or index is supported.");
    if (partiql_take_word(parser, "limit"))
        return parser->token.kind == PARTIQL_END ? partiql_malformed(parser, err)
                                                 : refuse_at(parser, "Unsupported clause: LIMIT", err);
    if (partiql_is_word(parser->token, "group"))
        return ERR(err, LF_VALIDATION, "Unsupported clause: GROUP BY");
    return LF_OK;
}

static enum lf_code take_select(struct partiql_parser *parser, struct partiql_statement *statement, struct err *err)
{
    statement->verb = PARTIQL_SELECT;
    if (partiql_is_word(parser->token, "value"))
        return ERR(err, LF_VALIDATION, "Select projection doesn't support value or pivot keywords");
    if (partiql_is_word(parser->token, "distinct"))
        return ERR(err, LF_VALIDATION, "Unsupported token in expression: DISTINCT");
    TRY(take_columns(parser, statement, err));
    TRY(partiql_expect_word(parser, "from", err));
    TRY(take_table(parser, statement, err));
    TRY(refuse_alias(parser, err));
    TRY(refuse_clauses(parser, err));
    TRY(take_where(parser, statement, err));
    TRY(take_order(parser, statement, err));
    return refuse_clauses(parser, err);
}

static enum lf_code take_exists(struct partiql_parser *parser, struct partiql_statement *statement, struct err *err)
{
    statement->is_exists = true;
    TRY(partiql_expect_symbol(parser, "(", err));
    TRY(partiql_expect_word(parser, "select", err));
    TRY(take_select(parser, statement, err));
    return partiql_expect_symbol(parser, ")", err);
}

/* --- INSERT and DELETE --- */

static enum lf_code take_insert(struct partiql_parser *parser, struct partiql_statement *statement, struct err *err)
{
    struct value item;
    statement->verb = PARTIQL_INSERT;
    TRY(partiql_expect_word(parser, "into", err));
    TRY(take_table(parser, statement, err));
    if (statement->index.ptr)
        return ERR(err, LF_VALIDATION, "FROM clause may only contain a single table name in data manipulation statements");
    TRY(partiql_expect_word(parser, "value", err));
    if (!partiql_is_symbol(parser->token, "{"))
        return ERR(err, LF_VALIDATION,
                   "Unsupported format in item expression. Please use struct format {...} to express item values for insert "
                   "statement.");
    TRY(partiql_value(parser, &item, err));
    statement->item = (struct item){ item.map.attributes, item.map.count };
    return LF_OK;
}

static enum lf_code take_delete(struct partiql_parser *parser, struct partiql_statement *statement, struct err *err)
{
    statement->verb = PARTIQL_DELETE;
    TRY(partiql_expect_word(parser, "from", err));
    TRY(take_table(parser, statement, err));
    TRY(refuse_index(statement, err));
    TRY(take_where(parser, statement, err));
    return take_returning(parser, statement, err);
}

/* --- UPDATE --- */

/* set_add(path, <<…>>) and set_delete(path, <<…>>), where the path is the one that is assigned to, are ADD and DELETE. */
static enum lf_code take_set_function(struct partiql_parser *parser, struct update_action *action,
                                      struct expression_node *operand, bool *ret_is_taken, struct err *err)
{
    struct document_path path;
    bool is_add = partiql_is_word(parser->token, "set_add");
    *ret_is_taken = is_add || partiql_is_word(parser->token, "set_delete");
    if (!*ret_is_taken)
        return LF_OK;
    partiql_advance(parser);
    TRY(partiql_expect_symbol(parser, "(", err));
    TRY(partiql_path(parser, &path, err));
    TRY(partiql_expect_symbol(parser, ",", err));
    TRY(partiql_operand(parser, operand, err));
    bool is_set = operand->kind == NODE_VALUE && value_member_type(operand->value->type) != VALUE_TYPES;
    if (!is_set || !document_path_equal(&path, &action->path))
        return partiql_malformed(parser, err);
    action->verb = is_add ? UPDATE_ADD : UPDATE_DELETE;
    return partiql_expect_symbol(parser, ")", err);
}

static enum lf_code take_sum(struct partiql_parser *parser, struct expression_node *operand, struct err *err)
{
    struct expression_node operands[2];
    TRY(partiql_operand(parser, operand, err));
    bool is_plus = partiql_take_symbol(parser, "+");
    if (!is_plus && !partiql_take_symbol(parser, "-"))
        return LF_OK;
    operands[0] = *operand;
    TRY(partiql_operand(parser, &operands[1], err));
    return partiql_operator(parser, is_plus ? NODE_PLUS : NODE_MINUS, operands, 2, operand, err);
}

static enum lf_code take_assignment(struct partiql_parser *parser, struct update_action *action, struct err *err)
{
    bool is_taken;
    struct expression_node *operand = arena_calloc(parser->arena, 1, sizeof *operand, err);
    if (!operand)
        return err->code;
    *action = (struct update_action){ .verb = UPDATE_SET, .operand = operand };
    parser->is_assignment = true;
    TRY(partiql_path(parser, &action->path, err));
    TRY(partiql_expect_symbol(parser, "=", err));
    TRY(take_set_function(parser, action, operand, &is_taken, err));
    return is_taken ? LF_OK : take_sum(parser, operand, err);
}

static enum lf_code take_removal(struct partiql_parser *parser, struct update_action *action, struct err *err)
{
    *action = (struct update_action){ .verb = UPDATE_REMOVE };
    return partiql_path(parser, &action->path, err);
}

static enum lf_code take_actions(struct partiql_parser *parser, struct update_action *actions, size_t *ret_count, struct err *err)
{
    size_t count = 0;
    for (;;) {
        if (partiql_take_word(parser, "set"))
            do {
                TRY(take_assignment(parser, &actions[count++], err));
            } while (partiql_take_symbol(parser, ","));
        else if (partiql_take_word(parser, "remove"))
            TRY(take_removal(parser, &actions[count++], err));
        else
            break;
    }
    *ret_count = count;
    return count ? LF_OK : partiql_malformed(parser, err);
}

static enum lf_code check_overlaps(const struct update_action *actions, size_t count, struct arena *arena, struct err *err)
{
    struct document_path *paths = arena_calloc(arena, count, sizeof *paths, err);
    if (!paths)
        return err->code;
    for (size_t i = 0; i < count; i++)
        paths[i] = actions[i].path;
    return partiql_plain(document_paths_check(paths, count, 0, EXPRESSION_UPDATE, err), err);
}

static enum lf_code take_update(struct partiql_parser *parser, struct partiql_statement *statement, struct err *err)
{
    enum { ACTION_BYTES_MIN = 4 }; /* ",a=b" */
    size_t count, count_max = parser->text.len / ACTION_BYTES_MIN + 1;
    struct update_action *actions = arena_alloc(parser->arena, count_max * sizeof *actions, err);
    if (!actions)
        return err->code;
    statement->verb = PARTIQL_UPDATE;
    TRY(take_table(parser, statement, err));
    TRY(refuse_index(statement, err));
    TRY(take_actions(parser, actions, &count, err));
    TRY(check_overlaps(actions, count, parser->arena, err));
    statement->update = (struct update){ .actions = actions, .count = count };
    TRY(take_where(parser, statement, err));
    return take_returning(parser, statement, err);
}

/* --- whole statements --- */

/* Tables and indexes are made and dropped by operations of their own. */
static enum lf_code refuse_definition(struct partiql_parser parser, struct err *err)
{
    bool drops = partiql_take_word(&parser, "drop");
    if (!drops && !partiql_take_word(&parser, "create"))
        return LF_OK;
    bool is_table = partiql_is_word(parser.token, "table");
    if (!is_table && !partiql_is_word(parser.token, "index"))
        return LF_OK;
    return ERR(err, LF_VALIDATION, "Unsupported operation: %s%s", drops ? "Drop" : "Create", is_table ? "Table" : "Index");
}

static enum lf_code take_statement(struct partiql_parser *parser, struct partiql_statement *statement, struct err *err)
{
    if (partiql_take_word(parser, "select"))
        return take_select(parser, statement, err);
    if (partiql_take_word(parser, "insert"))
        return take_insert(parser, statement, err);
    if (partiql_take_word(parser, "update"))
        return take_update(parser, statement, err);
    if (partiql_take_word(parser, "delete"))
        return take_delete(parser, statement, err);
    TRY(refuse_definition(*parser, err));
    return partiql_take_word(parser, "exists") ? take_exists(parser, statement, err) : partiql_malformed(parser, err);
}

enum lf_code partiql_parse(struct span text, const struct value *parameters, size_t parameter_count, struct arena *arena,
                           struct partiql_statement *ret_statement, struct err *err)
{
    struct partiql_statement statement = { 0 };
    struct partiql_parser parser = {
        .text = text, .rest = text, .parameters = parameters, .parameter_count = parameter_count, .arena = arena
    };
    if (text.len > PARTIQL_STATEMENT_BYTES_MAX)
        return ERR(err, LF_VALIDATION, "Member must have length less than or equal to %d", PARTIQL_STATEMENT_BYTES_MAX);
    partiql_advance(&parser);
    TRY(take_statement(&parser, &statement, err));
    (void)partiql_take_symbol(&parser, ";");
    if (parser.token.kind != PARTIQL_END)
        return partiql_malformed(&parser, err);
    if (parser.parameters_used != parameter_count)
        return ERR(err, LF_VALIDATION, "Number of parameters in request and statement don't match.");
    *ret_statement = statement;
    return LF_OK;
}
