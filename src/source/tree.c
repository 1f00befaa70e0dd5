#include "source/tree.h"

static enum lf_code read_up_to(struct tree *tree, struct tree_file *file, char *room, size_t capacity, size_t *ret_len,
                               struct err *err)
{
    size_t len = 0, part = 1;
    while (len < capacity && part) {
        TRY(tree->functions->read(file, room + len, capacity - len, &part, err));
        len += part;
    }
    *ret_len = len;
    return LF_OK;
}

enum lf_code tree_read_start(struct tree *tree, struct span path, char *room, size_t capacity, size_t *ret_len, struct err *err)
{
    struct tree_file *file = NULL;
    TRY(tree->functions->open(tree, path, &file, err));
    enum lf_code code = read_up_to(tree, file, room, capacity, ret_len, err);
    tree->functions->close(file);
    return code;
}

enum lf_code tree_read_text(struct tree *tree, struct span path, size_t limit_bytes, struct arena *arena, struct span *ret_text,
                            struct err *err)
{
    enum tree_kind kind;
    int64_t size;
    size_t len = 0;
    TRY(tree->functions->look(tree, path, &kind, &size, err));
    if (kind == TREE_NOTHING)
        return ERR(err, LF_NOT_FOUND, "%s: is not there", path.ptr);
    if (kind != TREE_FILE)
        return ERR(err, LF_IO, "%s: is not a file", path.ptr);
    if ((uint64_t)size > limit_bytes)
        return ERR(err, LF_LIMIT, "%s: has %lld bytes, at most %zu are read", path.ptr, (long long)size, limit_bytes);
    char *room = arena_alloc(arena, (size_t)size, err);
    if (!room)
        return err->code;
    TRY(tree_read_start(tree, path, room, (size_t)size, &len, err));
    *ret_text = span_of(room, len);
    return LF_OK;
}
