#include "source/definition.h"

#include "source/table_json.h"

/* "table.reviews.json" gives "reviews". */
static bool name_of_file(struct span file, struct span *ret_name)
{
    static const struct span head = { "table.", 6 }, tail = { ".json", 5 };
    if (file.len <= head.len + tail.len || !span_starts_with(file, head) || !span_ends_with(file, tail))
        return false;
    *ret_name = span_of(file.ptr + head.len, file.len - head.len - tail.len);
    return true;
}

/* Whether the name is the table's or that of a folder on the way from `above` (not itself) down to `folder`. */
static bool name_fits(struct span name, struct span table, const struct folder *above, const struct folder *folder)
{
    if (span_equal(name, table))
        return true;
    for (; folder && folder != above; folder = folder->parent)
        if (span_equal(name, folder->base))
            return true;
    return false;
}

/* The file in `above` that defines the table of `folder`; empty when there is none. */
static struct span find_in(const struct folder *above, const struct folder *folder, struct span table)
{
    struct span name;
    for (size_t i = 0; i < above->names.file_count; i++)
        if (name_of_file(above->names.files[i], &name) && name_fits(name, table, above, folder))
            return above->names.files[i];
    return folder_has_file(above, SPAN("table.json")) ? SPAN("table.json") : SPAN("");
}

static enum lf_code read_from(const struct folder *above, struct span file, struct arena *arena, struct definition *definition,
                              struct err *err)
{
    TRY(folder_file_path(above, file, arena, &definition->path, err));
    return table_json_read(above->tree, definition->path, arena, &definition->table, err);
}

/* An export may itself be the source; its table.json then stands beside AWSDynamoDB/, two folders up. */
static enum lf_code find_above_export(const struct folder *folder, struct span table, struct arena *arena,
                                      struct definition *definition, struct err *err)
{
    struct span path;
    struct folder parent, above;
    TRY(arena_printf(arena, &path, err, "%s/..", folder->path.ptr));
    TRY(folder_open(folder->tree, path, arena, &parent, err));
    if (!span_equal(parent.base, SPAN("AWSDynamoDB")))
        return LF_OK;
    TRY(arena_printf(arena, &path, err, "%s/../..", folder->path.ptr));
    TRY(folder_open(folder->tree, path, arena, &above, err));
    struct span file = find_in(&above, NULL, table);
    return file.len ? read_from(&above, file, arena, definition, err) : LF_OK;
}

enum lf_code definition_find(const struct folder *folder, struct span table, bool is_export, struct arena *arena,
                             struct definition *ret_definition, struct err *err)
{
    struct definition definition = { 0 };
    for (const struct folder *above = folder; above && !definition.path.len; above = above->parent) {
        struct span file = find_in(above, folder, table);
        if (file.len)
            TRY(read_from(above, file, arena, &definition, err));
    }
    if (!definition.path.len && is_export)
        TRY(find_above_export(folder, table, arena, &definition, err));
    *ret_definition = definition;
    return LF_OK;
}
