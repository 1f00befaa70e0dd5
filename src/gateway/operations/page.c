#include "gateway/operations/page.h"

#include "expression/evaluate.h"
#include "gateway/operations/index_projection.h"
#include "gateway/operations/start_key.h"

#define INVALID "One or more parameter values were invalid: "

/* Indexes ------------------------------------------------------------------------------------------------------------------ */

enum lf_code page_find_index(const struct table *table, struct span name, const struct table_index **ret_index, struct err *err)
{
    const struct table_index *index = name.ptr ? table_find_index(table, name) : NULL;
    if (name.ptr && (!index || index->status == TABLE_DELETING))
        return ERR(err, LF_VALIDATION, "The table does not have the specified index: %.*s", SPAN_ARG(name));
    if (index && index->status == TABLE_CREATING)
        return ERR(err, LF_VALIDATION, "Cannot read from backfilling global secondary index: %.*s", SPAN_ARG(name));
    *ret_index = index;
    return LF_OK;
}

static bool is_global(const struct page *page)
{
    return page->index && !page->index->is_local;
}

static bool has_projection(const struct page *page)
{
    return page->has_projection_expression || page->has_attributes_to_get;
}

enum lf_code page_check_consistency(const struct page *page, struct err *err)
{
    if (page->is_consistent && is_global(page))
        return ERR(err, LF_VALIDATION, "Consistent read cannot be true when %s a GSI",
                   page->is_query && !page->is_statement ? "querying" : "scanning");
    return LF_OK;
}

/* What the index lacks ----------------------------------------------------------------------------------------------------- */

enum { NAMES_LISTED_MAX = 100, NAMES_BYTES_MAX = 8 * 1024 };

/* Names that the index does not project, sorted, each once. */
struct missing_names {
    const struct page *page;
    struct span names[NAMES_LISTED_MAX + 1];
    size_t count;
};

static void note(struct missing_names *missing, struct span name)
{
    size_t at = 0;
    if (missing->count == NAMES_LISTED_MAX || index_projects(missing->page->table, missing->page->index, name))
        return;
    while (at < missing->count && span_compare(missing->names[at], name) < 0)
        at++;
    if (at < missing->count && span_equal(missing->names[at], name))
        return;
    memmove(&missing->names[at + 1], &missing->names[at], (missing->count - at) * sizeof missing->names[0]);
    missing->names[at] = name;
    missing->count++;
}

static void note_tree(struct missing_names *missing, const struct expression_node *node)
{
    if (node->kind == NODE_PATH)
        note(missing, node->path.elements[0].name);
    else if (node->kind != NODE_VALUE)
        for (size_t i = 0; i < node->operand_count; i++)
            note_tree(missing, &node->operands[i]);
}

static void note_projection(struct missing_names *missing, const struct projection *projection)
{
    for (const struct projection_step *step = projection->steps; step; step = step->next)
        note(missing, step->element.name);
}

static enum lf_code refuse_missing(const struct missing_names *missing, const char *whose, const char *what, struct err *err)
{
    struct buf names;
    if (!missing->count)
        return LF_OK;
    buf_init(&names, NAMES_BYTES_MAX);
    for (size_t i = 0; i < missing->count && names.len < ERR_MESSAGE_BYTES; i++) {
        buf_put_cstr(&names, i ? ", " : "");
        buf_put_span(&names, missing->names[i]);
    }
    enum lf_code code = ERR(err, LF_VALIDATION, INVALID "%s %.*s does not project %s[%s]", whose,
                            SPAN_ARG(missing->page->index->name), what, buf_cstr(&names));
    buf_done(&names);
    return code;
}

static enum lf_code check_filter(const struct page *page, struct err *err)
{
    struct missing_names missing = { .page = page };
    if (!page->is_query || page->is_statement || !page->index || !page->filter)
        return LF_OK;
    note_tree(&missing, page->filter);
    return refuse_missing(&missing, "Secondary index", "one or more filter attributes: ", err);
}

static enum lf_code check_global_index(const struct page *page, struct err *err)
{
    struct missing_names missing = { .page = page };
    if (page->select == API_SELECT_ALL_ATTRIBUTES && page->index->projection != API_PROJECTION_TYPE_ALL)
        return ERR(err, LF_VALIDATION,
                   INVALID "Select type ALL_ATTRIBUTES is not supported for global secondary index %.*s because its projection "
                           "type is not ALL",
                   SPAN_ARG(page->index->name));
    if (has_projection(page))
        note_projection(&missing, &page->projection);
    return refuse_missing(&missing, "Global secondary index", "", err);
}

/* Select ------------------------------------------------------------------------------------------------------------------- */

static const char *select_text(enum api_select select)
{
    switch (select) {
    case API_SELECT_COUNT:
        return "only the Count";
    case API_SELECT_ALL_ATTRIBUTES:
        return "ALL_ATTRIBUTES";
    default:
        return "ALL_PROJECTED_ATTRIBUTES";
    }
}

enum lf_code page_check_select(const struct page *page, struct err *err)
{
    bool takes_projection = page->select == API_SELECT_UNSET || page->select == API_SELECT_SPECIFIC_ATTRIBUTES;
    TRY(check_filter(page, err));
    if (has_projection(page) && !takes_projection)
        return ERR(err, LF_VALIDATION, "Cannot specify the %s when choosing to get %s",
                   page->has_projection_expression ? "ProjectionExpression" : "AttributesToGet", select_text(page->select));
    if (page->select == API_SELECT_SPECIFIC_ATTRIBUTES && !has_projection(page))
        return ERR(err, LF_VALIDATION,
                   "Must specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES");
    if (page->select == API_SELECT_ALL_PROJECTED_ATTRIBUTES && !page->index)
        return ERR(err, LF_VALIDATION, "ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName");
    return is_global(page) ? check_global_index(page, err) : LF_OK;
}

/* Items -------------------------------------------------------------------------------------------------------------------- */

static enum page_view view_of(const struct page *page)
{
    if (page->select == API_SELECT_COUNT)
        return VIEW_NOTHING;
    if (has_projection(page))
        return VIEW_PROJECTED;
    bool is_whole =
        !page->index || page->select == API_SELECT_ALL_ATTRIBUTES || page->index->projection == API_PROJECTION_TYPE_ALL;
    return is_whole ? VIEW_WHOLE : VIEW_OF_INDEX;
}

/* Whether a local index has to go to the table for each item. */
static bool needs_table(const struct page *page)
{
    if (!page->index || page->index->projection == API_PROJECTION_TYPE_ALL || is_global(page))
        return false;
    struct missing_names missing = { .page = page };
    if (has_projection(page))
        note_projection(&missing, &page->projection);
    return page->select == API_SELECT_ALL_ATTRIBUTES || missing.count > 0;
}

enum lf_code page_take_columns(const struct partiql_column *columns, size_t count, const struct item *item, struct arena *arena,
                               struct item *ret_item, struct err *err)
{
    size_t taken = 0;
    struct attribute *attributes = arena_calloc(arena, count, sizeof *attributes, err);
    if (!attributes)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        const struct value *value = document_path_get(&columns[i].path, item);
        if (value)
            attributes[taken++] = (struct attribute){ columns[i].name, *value };
    }
    *ret_item = (struct item){ attributes, taken };
    return LF_OK;
}

static enum lf_code put_view(struct page_writer *writer, struct stored_item *stored, struct err *err)
{
    struct arena *arena = writer->call->arena;
    struct item item;
    if (writer->view == VIEW_WHOLE) {
        stored_item_reply(stored, writer->call->reply);
        return LF_OK;
    }
    TRY(stored_item_parse(stored, arena, &item, err));
    if (writer->view == VIEW_OF_INDEX)
        TRY(index_project(writer->page->table, writer->page->index, &item, arena, &item, err));
    else if (writer->page->column_count)
        TRY(page_take_columns(writer->page->columns, writer->page->column_count, &item, arena, &item, err));
    else
        TRY(projection_apply(&writer->page->projection, &item, arena, &item, err));
    reply_item(writer->call->reply, &item);
    return LF_OK;
}

static enum lf_code measure(struct page_writer *writer, struct stored_item *stored, struct err *err)
{
    const struct page *page = writer->page;
    struct item item;
    if (!page->index || page->index->projection == API_PROJECTION_TYPE_ALL) {
        writer->size_bytes += stored->size_bytes;
        return LF_OK;
    }
    TRY(stored_item_parse(stored, writer->call->arena, &item, err));
    writer->size_bytes += index_item_size(page->table, page->index, &item);
    if (writer->needs_table)
        capacity_add_read(&writer->capacity, NULL, capacity_read_units(stored->size_bytes, page->is_consistent));
    return LF_OK;
}

static enum lf_code put_item(struct page_writer *writer, struct stored_item *stored, struct err *err)
{
    struct item item;
    bool is_wanted = true;
    if (writer->is_measured)
        TRY(measure(writer, stored, err));
    if (writer->page->filter) {
        TRY(stored_item_parse(stored, writer->call->arena, &item, err));
        is_wanted = condition_holds(writer->page->filter, &item);
    }
    writer->returned += is_wanted;
    return is_wanted && writer->view != VIEW_NOTHING ? put_view(writer, stored, err) : LF_OK;
}

enum lf_code page_writer_init(struct page_writer *writer, struct call *call, const struct page *page, struct err *err)
{
    *writer = (struct page_writer){
        .call = call,
        .page = page,
        .view = view_of(page),
        .is_measured = capacity_is_asked(page->return_consumed_capacity),
        .needs_table = needs_table(page),
    };
    return capacity_init(&writer->capacity, page->table, false, false, call->arena, err);
}

/* What an item needs while it is written is given back with it: a page of a megabyte, parsed, would be many. */
enum lf_code page_put_items(struct page_writer *writer, const struct store_page *found, struct err *err)
{
    const struct page *page = writer->page;
    writer->size_bytes = 0;
    for (size_t i = 0; i < found->count; i++) {
        struct stored_item stored = found->items[i];
        struct arena_mark mark = arena_mark(writer->call->arena);
        TRY(put_item(writer, &stored, err));
        arena_rewind(writer->call->arena, mark);
    }
    double units = found->count ? capacity_read_units(writer->size_bytes, page->is_consistent) : 0;
    capacity_add_read(&writer->capacity, page->index, units);
    return LF_OK;
}

/* Answers ------------------------------------------------------------------------------------------------------------------ */

static enum lf_code put_last_key(const struct page_writer *writer, const struct store_page *found, struct err *err)
{
    struct arena *arena = writer->call->arena;
    struct item item, key;
    if (!found->has_more || !found->count)
        return LF_OK;
    TRY(stored_item_parse(&found->items[found->count - 1], arena, &item, err));
    TRY(start_key_of(writer->page->table, writer->page->index, &item, arena, &key, err));
    reply_member_item(writer->call->reply, SPAN("LastEvaluatedKey"), &key);
    return LF_OK;
}

enum lf_code page_put_capacity(const struct page_writer *writer, struct err *err)
{
    return capacity_put_member(&writer->capacity, writer->page->return_consumed_capacity, writer->call->reply,
                               writer->call->arena, err);
}

static enum lf_code put_array(struct page_writer *writer, const struct store_page *found, struct err *err)
{
    struct reply *reply = writer->call->reply;
    if (writer->view == VIEW_NOTHING)
        return page_put_items(writer, found, err);
    reply_name(reply, SPAN("Items"));
    reply_array_begin(reply);
    TRY(page_put_items(writer, found, err));
    reply_array_end(reply);
    return LF_OK;
}

enum lf_code page_answer(struct call *call, const struct page *page, const struct store_page *found, struct err *err)
{
    struct page_writer writer;
    TRY(page_writer_init(&writer, call, page, err));
    reply_object_begin(call->reply);
    TRY(put_array(&writer, found, err));
    reply_member_integer(call->reply, SPAN("Count"), writer.returned);
    reply_member_integer(call->reply, SPAN("ScannedCount"), (int64_t)found->count);
    TRY(put_last_key(&writer, found, err));
    TRY(page_put_capacity(&writer, err));
    reply_object_end(call->reply);
    return LF_OK;
}
