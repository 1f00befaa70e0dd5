#include "expression/expression.h"

static bool is_among(struct span name, const struct span *names, size_t name_count)
{
    for (size_t i = 0; i < name_count; i++)
        if (span_equal(name, names[i]))
            return true;
    return false;
}

static enum lf_code check_path(const struct document_path *path, const struct span *key_names, size_t key_name_count,
                               struct err *err)
{
    struct span name = path->elements[0].name;
    if (!is_among(name, key_names, key_name_count))
        return LF_OK;
    if (path->count > 1)
        return ERR(err, LF_VALIDATION,
                   "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: Key: %.*s",
                   SPAN_ARG(name));
    return ERR(err, LF_VALIDATION, "Filter Expression can only contain non-primary key attributes: Primary key attribute: %.*s",
               SPAN_ARG(name));
}

enum lf_code expression_check_filter(const struct expression_node *root, const struct span *key_names, size_t key_name_count,
                                     struct err *err)
{
    if (root->kind == NODE_PATH)
        return check_path(&root->path, key_names, key_name_count, err);
    if (root->kind == NODE_VALUE)
        return LF_OK;
    for (size_t i = 0; i < root->operand_count; i++)
        TRY(expression_check_filter(&root->operands[i], key_names, key_name_count, err));
    return LF_OK;
}
