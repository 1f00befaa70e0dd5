/*
 * tree: files in folders, wherever they lie: on this host (local_tree.c) or in a bucket of S3 (s3_tree.c). What finds exports and
 * reads their data is written once, against this. Paths are as the user gave them, continued by '/' and names:
 * "export/data/x.gz", "s3://bucket/export/data/x.gz"; "/.." at the end of one leads up. They are NUL-terminated.
 *
 * Adding a place: a file that fills `struct tree_functions`, a line in tree_open.
 */
#pragma once

#include "base/arena.h"

enum tree_kind { TREE_NOTHING, TREE_FILE, TREE_FOLDER };

struct tree_names {
    struct span *files; /* sorted; hidden ones (".…") are left out, and what is neither file nor folder */
    size_t file_count;
    struct span *folders;
    size_t folder_count;
};

struct tree;
struct tree_file;

struct tree_functions {
    /* What there is, and the size of a file. Errors: LF_IO; LF_NETWORK, … as of aws/s3.h. */
    enum lf_code (*look)(struct tree *tree, struct span path, enum tree_kind *ret_kind, int64_t *ret_bytes, struct err *err);
    /* What lies in a folder; everything is in the arena. Errors: LF_NOT_FOUND, LF_IO, …, LF_MEMORY. */
    enum lf_code (*list)(struct tree *tree, struct span path, struct arena *arena, struct tree_names *ret_names, struct err *err);
    /* A folder's own name, also when the path ends in "." or "..", and the path to name what lies in it by. */
    enum lf_code (*resolve)(struct tree *tree, struct span path, struct arena *arena, struct span *ret_path,
                            struct span *ret_base, struct err *err);
    /* Any thread, once the tree has been walked. `path` must outlive the file. Errors: LF_NOT_FOUND, LF_IO, LF_MEMORY. */
    enum lf_code (*open)(struct tree *tree, struct span path, struct tree_file **ret_file, struct err *err);
    /* Some bytes, at most `capacity` (> 0); *ret_len 0 at the end. */
    enum lf_code (*read)(struct tree_file *file, char *room, size_t capacity, size_t *ret_len, struct err *err);
    void (*close)(struct tree_file *file); /* NULL is fine */
    void (*free)(struct tree *tree);
};

struct tree {
    const struct tree_functions *functions;
};

/* The files of this host. Owns nothing, may be given out many times. */
struct tree *local_tree(void);

/* What lies in a bucket below "s3://bucket/prefix" is listed at once, and read in large ranges. Errors: as of s3_list; LF_USAGE
 * without a bucket. */
enum lf_code s3_tree_new(struct span path, struct tree **ret_tree, struct err *err) MUST_CHECK;

/* The tree that the path is of. Errors: of s3_tree_new; LF_SOURCE for a scheme that is no place of exports. */
enum lf_code tree_open(struct span path, struct tree **ret_tree, struct err *err) MUST_CHECK;

static inline void tree_close(struct tree *tree) /* NULL is fine */
{
    if (tree)
        tree->functions->free(tree);
}

/* At most `capacity` bytes from the start of a file. */
enum lf_code tree_read_start(struct tree *tree, struct span path, char *room, size_t capacity, size_t *ret_len,
                             struct err *err) MUST_CHECK;

/* A small file whole, in the arena. Errors: LF_NOT_FOUND, LF_LIMIT past `limit_bytes`, LF_IO, …, LF_MEMORY. */
enum lf_code tree_read_text(struct tree *tree, struct span path, size_t limit_bytes, struct arena *arena, struct span *ret_text,
                            struct err *err) MUST_CHECK;
