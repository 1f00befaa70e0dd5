#include <stdlib.h>

#include "aws/s3.h"
#include "base/buf.h"
#include "source/tree.h"

/*
 * A bucket knows keys, not folders: a folder is what keys have in common up to a '/'. All keys below the source are listed once,
 * in order, so that looking costs nothing; a folder above the source (where a table.json may lie) is listed when it is asked for.
 */
enum {
    LISTINGS_BYTES_MAX = 1024 * 1024 * 1024,
    PART_BYTES = 4 * 1024 * 1024, /* of an object, in one request */
};

static const struct span scheme = { "s3://", 5 };

/* What is known of the keys that begin with `prefix`. */
struct known {
    struct known *next;
    struct span prefix;
    struct s3_listing listing;
};

struct s3_tree {
    struct tree tree;   /* first, so that a pointer to one is a pointer to the other */
    struct s3 *s3;      /* owned */
    struct arena arena; /* listings */
    struct known *known;
};

/* Keys --------------------------------------------------------------------------------------------------------------------- */

static struct span without_slashes(struct span key)
{
    while (span_ends_with(key, SPAN("/")))
        key.len--;
    return key;
}

/* "a/b" gives "a", "a" gives "". */
static struct span parent_of(struct span key)
{
    while (key.len && key.ptr[key.len - 1] != '/')
        key.len--;
    return without_slashes(key);
}

/* "s3://bucket/a/b/../.." gives "" of bucket; slashes at the end do not count. */
static struct span key_of(struct span path)
{
    struct span rest = span_from(path, scheme.len);
    struct span key = without_slashes(span_from(rest, span_find_byte(rest, '/') + 1));
    unsigned up = 0;
    for (; span_ends_with(key, SPAN("/..")); up++)
        key = without_slashes(span_of(key.ptr, key.len - 3));
    for (; up; up--)
        key = parent_of(key);
    return key;
}

/* "a/b" gives "a/b/", the bucket itself gives "". */
static enum lf_code prefix_of(struct span key, struct arena *arena, struct span *ret_prefix, struct err *err)
{
    return arena_printf(arena, ret_prefix, err, "%.*s%s", SPAN_ARG(key), key.len ? "/" : "");
}

/* The first object whose key is not before `key`. */
static size_t lower_bound(const struct s3_listing *listing, struct span key)
{
    size_t low = 0, high = listing->object_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (span_compare(listing->objects[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct s3_object *find_object(const struct s3_tree *tree, struct span key)
{
    for (const struct known *known = tree->known; known; known = known->next) {
        size_t at = lower_bound(&known->listing, key);
        if (at < known->listing.object_count && span_equal(known->listing.objects[at].key, key))
            return &known->listing.objects[at];
    }
    return NULL;
}

static int compare_objects(const void *a, const void *b)
{
    return span_compare(((const struct s3_object *)a)->key, ((const struct s3_object *)b)->key);
}

/* Buckets of the "directory" kind list in no order. */
static enum lf_code learn(struct s3_tree *tree, struct span prefix, bool is_flat, struct known **ret_known, struct err *err)
{
    struct known *known = arena_calloc(&tree->arena, 1, sizeof *known, err);
    if (!known)
        return err->code;
    TRY(arena_copy(&tree->arena, prefix, &known->prefix, err));
    TRY(s3_list(tree->s3, known->prefix, is_flat, &tree->arena, &known->listing, err));
    qsort(known->listing.objects, known->listing.object_count, sizeof *known->listing.objects, compare_objects);
    known->next = tree->known;
    tree->known = known;
    *ret_known = known;
    return LF_OK;
}

/* Folders ------------------------------------------------------------------------------------------------------------------ */

static enum lf_code s3_look(struct tree *any, struct span path, enum tree_kind *ret_kind, int64_t *ret_bytes, struct err *err)
{
    struct s3_tree *tree = (struct s3_tree *)any;
    struct span key = key_of(path), prefix;
    const struct s3_object *object = find_object(tree, key);
    *ret_kind = object ? TREE_FILE : TREE_NOTHING;
    *ret_bytes = object ? object->size_bytes : 0;
    TRY(prefix_of(key, &tree->arena, &prefix, err));
    for (const struct known *known = tree->known; known && !object; known = known->next) {
        size_t at = lower_bound(&known->listing, prefix);
        if (at < known->listing.object_count && span_starts_with(known->listing.objects[at].key, prefix))
            *ret_kind = TREE_FOLDER;
    }
    return LF_OK;
}

/* Folders' names come once for each key in them, one after another. A name that is empty or hidden is left out; the key of the
 * folder itself, which consoles make, has such a name. */
static void add_name(struct tree_names *names, struct span rest)
{
    size_t slash = span_find_byte(rest, '/');
    struct span name = span_of(rest.ptr, slash);
    if (name.len == 0 || name.ptr[0] == '.')
        return;
    if (slash == rest.len)
        names->files[names->file_count++] = name;
    else if (!names->folder_count || !span_equal(names->folders[names->folder_count - 1], name))
        names->folders[names->folder_count++] = name;
}

static size_t count_below(const struct s3_listing *listing, size_t first, struct span prefix)
{
    size_t at = first;
    while (at < listing->object_count && span_starts_with(listing->objects[at].key, prefix))
        at++;
    return at - first;
}

static enum lf_code names_below(const struct s3_listing *listing, struct span prefix, struct arena *arena,
                                struct tree_names *ret_names, struct err *err)
{
    struct tree_names names = { 0 };
    size_t first = lower_bound(listing, prefix), count = count_below(listing, first, prefix);
    names.files = arena_calloc(arena, count, sizeof *names.files, err);
    names.folders = names.files ? arena_calloc(arena, count, sizeof *names.folders, err) : NULL;
    if (!names.folders)
        return err->code;
    for (size_t i = 0; i < count; i++)
        add_name(&names, span_from(listing->objects[first + i].key, prefix.len));
    *ret_names = names;
    return LF_OK;
}

static enum lf_code s3_list_folder(struct tree *any, struct span path, struct arena *arena, struct tree_names *ret_names,
                                   struct err *err)
{
    struct s3_tree *tree = (struct s3_tree *)any;
    struct known *known = tree->known;
    struct span prefix;
    TRY(prefix_of(key_of(path), &tree->arena, &prefix, err));
    while (known && !span_starts_with(prefix, known->prefix))
        known = known->next;
    if (!known)
        TRY(learn(tree, prefix, true, &known, err));
    return names_below(&known->listing, prefix, arena, ret_names, err);
}

static enum lf_code s3_resolve(struct tree *any, struct span path, struct arena *arena, struct span *ret_path,
                               struct span *ret_base, struct err *err)
{
    (void)any;
    struct span key = key_of(path), bucket = span_from(path, scheme.len);
    bucket.len = span_find_byte(bucket, '/');
    struct span base = key.len ? span_from(key, parent_of(key).len) : bucket;
    while (span_starts_with(base, SPAN("/")))
        base = span_from(base, 1);
    TRY(arena_copy(arena, base, ret_base, err));
    return arena_printf(arena, ret_path, err, "%.*s%.*s%s%.*s", SPAN_ARG(scheme), SPAN_ARG(bucket), key.len ? "/" : "",
                        SPAN_ARG(key));
}

/* Files -------------------------------------------------------------------------------------------------------------------- */

struct tree_file {
    struct s3 *s3;                  /* borrowed */
    const struct s3_object *object; /* borrowed from the tree */
    int64_t next;                   /* offset of the part that comes next */
    struct buf part;
    size_t taken; /* of the part */
};

static enum lf_code s3_open(struct tree *any, struct span path, struct tree_file **ret_file, struct err *err)
{
    struct s3_tree *tree = (struct s3_tree *)any;
    const struct s3_object *object = find_object(tree, key_of(path));
    if (!object)
        return ERR(err, LF_NOT_FOUND, "%s: is not there", path.ptr);
    struct tree_file *file = malloc(sizeof *file);
    if (!file)
        return ERR(err, LF_MEMORY, "cannot read %s: out of memory", path.ptr);
    *file = (struct tree_file){ .s3 = tree->s3, .object = object };
    buf_init(&file->part, PART_BYTES);
    *ret_file = file;
    return LF_OK;
}

static enum lf_code next_part(struct tree_file *file, struct err *err)
{
    int64_t left = file->object->size_bytes - file->next;
    size_t len = left < PART_BYTES ? (size_t)left : PART_BYTES;
    buf_reset(&file->part);
    file->taken = 0;
    TRY(s3_get_range(file->s3, file->object, file->next, len, &file->part, err));
    file->next += (int64_t)len;
    return LF_OK;
}

static enum lf_code s3_read(struct tree_file *file, char *room, size_t capacity, size_t *ret_len, struct err *err)
{
    if (file->taken == file->part.len)
        TRY(next_part(file, err));
    size_t len = file->part.len - file->taken;
    if (len > capacity)
        len = capacity;
    if (len)
        memcpy(room, file->part.data + file->taken, len);
    file->taken += len;
    *ret_len = len;
    return LF_OK;
}

static void s3_close(struct tree_file *file)
{
    if (file)
        buf_done(&file->part);
    free(file);
}

/* Tree --------------------------------------------------------------------------------------------------------------------- */

static void s3_tree_free(struct tree *any)
{
    struct s3_tree *tree = (struct s3_tree *)any;
    s3_free(tree->s3);
    arena_done(&tree->arena);
    free(tree);
}

/* The source is a folder, or else a single object, whose folder is then listed. */
static enum lf_code list_source(struct s3_tree *tree, struct span path, struct err *err)
{
    struct span rest = span_from(path, scheme.len), key = key_of(path), prefix;
    struct span bucket = span_of(rest.ptr, span_find_byte(rest, '/'));
    struct known *known;
    if (!bucket.len)
        return ERR(err, LF_USAGE, "%s names no bucket; say s3://BUCKET/PREFIX", path.ptr);
    TRY(s3_new(bucket, &tree->s3, err));
    TRY(prefix_of(key, &tree->arena, &prefix, err));
    TRY(learn(tree, prefix, false, &known, err));
    if (known->listing.object_count || !key.len)
        return LF_OK;
    tree->known = NULL;
    TRY(prefix_of(parent_of(key), &tree->arena, &prefix, err));
    return learn(tree, prefix, true, &known, err);
}

enum lf_code s3_tree_new(struct span path, struct tree **ret_tree, struct err *err)
{
    static const struct tree_functions functions = {
        .look = s3_look,
        .list = s3_list_folder,
        .resolve = s3_resolve,
        .open = s3_open,
        .read = s3_read,
        .close = s3_close,
        .free = s3_tree_free,
    };
    struct s3_tree *tree = calloc(1, sizeof *tree);
    if (!tree)
        return ERR(err, LF_MEMORY, "out of memory for %s", path.ptr);
    tree->tree.functions = &functions;
    arena_init(&tree->arena, LISTINGS_BYTES_MAX);
    enum lf_code code = list_source(tree, path, err);
    if (code == LF_OK)
        *ret_tree = &tree->tree;
    else
        s3_tree_free(&tree->tree);
    return code;
}
