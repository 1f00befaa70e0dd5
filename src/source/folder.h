/* folder: what lies in a folder, in order of names, and where the folder stands below the source. */
#pragma once

#include "source/tree.h"

struct folder {
    struct tree *tree;           /* borrowed */
    const struct folder *parent; /* borrowed; NULL at the top of the source */
    struct span path;            /* as opened, NUL-terminated */
    struct span name;            /* relative to the source, "" at the top */
    struct span base;            /* its own name */
    struct tree_names names;     /* of what lies in it */
};

/* The folder at the top of a source. Errors: those of the tree; everything is in the arena. */
enum lf_code folder_open(struct tree *tree, struct span path, struct arena *arena, struct folder *ret_folder,
                         struct err *err) MUST_CHECK;

/* A folder in `parent`, which must outlive it. */
enum lf_code folder_open_child(const struct folder *parent, struct span name, struct arena *arena, struct folder *ret_folder,
                               struct err *err) MUST_CHECK;

bool folder_has_file(const struct folder *folder, struct span name);

/* Path as opened, and name relative to the source, of a file in it. */
enum lf_code folder_file_path(const struct folder *folder, struct span file, struct arena *arena, struct span *ret_path,
                              struct err *err) MUST_CHECK;
enum lf_code folder_file_name(const struct folder *folder, struct span file, struct arena *arena, struct span *ret_name,
                              struct err *err) MUST_CHECK;
