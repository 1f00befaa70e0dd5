#include "gateway/operations/key_paths.h"

/* Where the paths come from, and whether one of them leads into the attribute. */
typedef bool leads_into(const void *paths, struct span name);

static bool path_leads_into(const struct document_path *path, struct span name)
{
    return path->count > 1 && span_equal(path->elements[0].name, name);
}

static bool tree_leads_into(const void *paths, struct span name)
{
    const struct expression_node *node = paths;
    if (node->kind == NODE_PATH)
        return path_leads_into(&node->path, name);
    if (node->kind == NODE_VALUE)
        return false;
    for (size_t i = 0; i < node->operand_count; i++)
        if (tree_leads_into(&node->operands[i], name))
            return true;
    return false;
}

static bool projection_leads_into(const void *paths, struct span name)
{
    const struct projection *projection = paths;
    for (const struct projection_step *step = projection->steps; step; step = step->next)
        if (step->steps && span_equal(step->element.name, name))
            return true;
    return false;
}

static bool update_leads_into(const void *paths, struct span name)
{
    const struct update *update = paths;
    for (size_t i = 0; i < update->count; i++) {
        const struct update_action *action = &update->actions[i];
        if (path_leads_into(&action->path, name) || (action->operand && tree_leads_into(action->operand, name)))
            return true;
    }
    return false;
}

static enum lf_code check_name(leads_into *leads, const void *paths, const char *what, struct span name, struct err *err)
{
    if (!name.ptr || !leads(paths, name))
        return LF_OK;
    return ERR(err, LF_VALIDATION,
               "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: %s: %.*s", what,
               SPAN_ARG(name));
}

static enum lf_code check(const struct table *table, leads_into *leads, const void *paths, struct err *err)
{
    TRY(check_name(leads, paths, "Key", table->key.partition.name, err));
    TRY(check_name(leads, paths, "Key", table->key.sort.name, err));
    for (size_t i = 0; i < table->index_count; i++) {
        const struct table_index *index = &table->indexes[i];
        for (size_t k = 0; k < index->partition_count; k++)
            TRY(check_name(leads, paths, "IndexKey", index->partition[k].name, err));
        for (size_t k = 0; k < index->sort_count; k++)
            TRY(check_name(leads, paths, "IndexKey", index->sort[k].name, err));
    }
    return LF_OK;
}

enum lf_code key_paths_check(const struct table *table, const struct expression_node *condition, struct err *err)
{
    return condition ? check(table, tree_leads_into, condition, err) : LF_OK;
}

enum lf_code key_paths_check_projection(const struct table *table, const struct projection *projection, struct err *err)
{
    return check(table, projection_leads_into, projection, err);
}

enum lf_code key_paths_check_update(const struct table *table, const struct update *update, struct err *err)
{
    return check(table, update_leads_into, update, err);
}
