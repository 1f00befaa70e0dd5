#include "source/folder.h"

#include <stdlib.h>

static int compare_names(const void *a, const void *b)
{
    return span_compare(*(const struct span *)a, *(const struct span *)b);
}

enum lf_code folder_open(struct tree *tree, struct span path, struct arena *arena, struct folder *ret_folder, struct err *err)
{
    struct folder folder = { .tree = tree };
    while (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    TRY(arena_copy(arena, path, &folder.path, err));
    TRY(tree->functions->resolve(tree, folder.path, arena, &folder.path, &folder.base, err));
    TRY(tree->functions->list(tree, folder.path, arena, &folder.names, err));
    *ret_folder = folder;
    return LF_OK;
}

enum lf_code folder_open_child(const struct folder *parent, struct span name, struct arena *arena, struct folder *ret_folder,
                               struct err *err)
{
    struct folder folder = { .tree = parent->tree, .parent = parent, .base = name };
    TRY(folder_file_path(parent, name, arena, &folder.path, err));
    TRY(folder_file_name(parent, name, arena, &folder.name, err));
    TRY(folder.tree->functions->list(folder.tree, folder.path, arena, &folder.names, err));
    *ret_folder = folder;
    return LF_OK;
}

bool folder_has_file(const struct folder *folder, struct span name)
{
    return bsearch(&name, folder->names.files, folder->names.file_count, sizeof name, compare_names) != NULL;
}

enum lf_code folder_file_path(const struct folder *folder, struct span file, struct arena *arena, struct span *ret_path,
                              struct err *err)
{
    return arena_printf(arena, ret_path, err, "%.*s/%.*s", SPAN_ARG(folder->path), SPAN_ARG(file));
}

enum lf_code folder_file_name(const struct folder *folder, struct span file, struct arena *arena, struct span *ret_name,
                              struct err *err)
{
    return arena_printf(arena, ret_name, err, "%.*s%s%.*s", SPAN_ARG(folder->name), folder->name.len ? "/" : "", SPAN_ARG(file));
}
