#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source/tree.h"

/* Folders ------------------------------------------------------------------------------------------------------------------ */

struct entry {
    struct entry *next;
    struct span name;
    bool is_folder;
};

static void close_dir(DIR **dir)
{
    if (*dir)
        (void)closedir(*dir);
}

static int compare_names(const void *a, const void *b)
{
    return span_compare(*(const struct span *)a, *(const struct span *)b);
}

/* Links are followed. What is neither file nor folder (or a link to nothing) is left out. */
static enum lf_code read_entry(DIR *dir, const struct dirent *found, struct arena *arena, struct entry **entries, struct err *err)
{
    struct stat stat_buffer;
    if (found->d_name[0] == '.' || fstatat(dirfd(dir), found->d_name, &stat_buffer, 0) != 0 ||
        (!S_ISREG(stat_buffer.st_mode) && !S_ISDIR(stat_buffer.st_mode)))
        return LF_OK;
    struct entry *entry = arena_calloc(arena, 1, sizeof *entry, err);
    if (!entry)
        return err->code;
    TRY(arena_copy(arena, span_from_cstr(found->d_name), &entry->name, err));
    entry->is_folder = S_ISDIR(stat_buffer.st_mode);
    entry->next = *entries;
    *entries = entry;
    return LF_OK;
}

/* Splits the entries in files and folders, each sorted. */
static enum lf_code sort_entries(struct tree_names *names, const struct entry *entries, struct arena *arena, struct err *err)
{
    size_t count = 0;
    for (const struct entry *entry = entries; entry; entry = entry->next)
        count++;
    names->files = arena_calloc(arena, count, sizeof *names->files, err);
    names->folders = names->files ? arena_calloc(arena, count, sizeof *names->folders, err) : NULL;
    if (!names->folders)
        return err->code;
    for (const struct entry *entry = entries; entry; entry = entry->next) {
        if (entry->is_folder)
            names->folders[names->folder_count++] = entry->name;
        else
            names->files[names->file_count++] = entry->name;
    }
    qsort(names->files, names->file_count, sizeof *names->files, compare_names);
    qsort(names->folders, names->folder_count, sizeof *names->folders, compare_names);
    return LF_OK;
}

static enum lf_code local_list(struct tree *tree, struct span path, struct arena *arena, struct tree_names *ret_names,
                               struct err *err)
{
    (void)tree;
    __attribute__((cleanup(close_dir))) DIR *dir = opendir(path.ptr);
    struct entry *entries = NULL;
    const struct dirent *found = NULL;
    struct tree_names names = { 0 };
    if (!dir)
        return ERR(err, errno == ENOENT ? LF_NOT_FOUND : LF_IO, "%s: %s", path.ptr, strerror(errno));
    do {
        errno = 0;
        found = readdir(dir);
        if (found)
            TRY(read_entry(dir, found, arena, &entries, err));
        else if (errno)
            return ERR(err, LF_IO, "%s: %s", path.ptr, strerror(errno));
    } while (found);
    TRY(sort_entries(&names, entries, arena, err));
    *ret_names = names;
    return LF_OK;
}

/* The last component of the real path: "." and ".." have names too. */
static enum lf_code local_resolve(struct tree *tree, struct span path, struct arena *arena, struct span *ret_path,
                                  struct span *ret_base, struct err *err)
{
    (void)tree;
    char real[PATH_MAX];
    if (!realpath(path.ptr, real))
        return ERR(err, errno == ENOENT ? LF_NOT_FOUND : LF_IO, "%s: %s", path.ptr, strerror(errno));
    *ret_path = path;
    return arena_copy(arena, span_from_cstr(strrchr(real, '/') + 1), ret_base, err);
}

static enum lf_code local_look(struct tree *tree, struct span path, enum tree_kind *ret_kind, int64_t *ret_bytes, struct err *err)
{
    (void)tree;
    struct stat stat_buffer;
    bool exists = stat(path.ptr, &stat_buffer) == 0;
    if (!exists && errno != ENOENT && errno != ENOTDIR)
        return ERR(err, LF_IO, "%s: %s", path.ptr, strerror(errno));
    bool is_file = exists && S_ISREG(stat_buffer.st_mode);
    *ret_kind = is_file ? TREE_FILE : exists && S_ISDIR(stat_buffer.st_mode) ? TREE_FOLDER : TREE_NOTHING;
    *ret_bytes = is_file ? (int64_t)stat_buffer.st_size : 0;
    return LF_OK;
}

/* Files -------------------------------------------------------------------------------------------------------------------- */

struct tree_file {
    struct span path; /* borrowed */
    int fd;
    int64_t offset;
};

static enum lf_code local_open(struct tree *tree, struct span path, struct tree_file **ret_file, struct err *err)
{
    (void)tree;
    struct tree_file *file = malloc(sizeof *file);
    if (!file)
        return ERR(err, LF_MEMORY, "cannot read %s: out of memory", path.ptr);
    *file = (struct tree_file){ .path = path, .fd = open(path.ptr, O_RDONLY | O_CLOEXEC) };
    if (file->fd < 0) {
        free(file);
        return ERR(err, errno == ENOENT ? LF_NOT_FOUND : LF_IO, "%s: %s", path.ptr, strerror(errno));
    }
    *ret_file = file;
    return LF_OK;
}

static enum lf_code local_read(struct tree_file *file, char *room, size_t capacity, size_t *ret_len, struct err *err)
{
    ssize_t len;
    do
        len = read(file->fd, room, capacity);
    while (len < 0 && errno == EINTR);
    if (len < 0)
        return ERR_AT(err, LF_IO, file->offset, "%s: %s at byte %lld", file->path.ptr, strerror(errno), (long long)file->offset);
    file->offset += len;
    *ret_len = (size_t)len;
    return LF_OK;
}

static void local_close(struct tree_file *file)
{
    if (file)
        (void)close(file->fd);
    free(file);
}

static void local_free(struct tree *tree)
{
    (void)tree;
}

struct tree *local_tree(void)
{
    static const struct tree_functions functions = {
        .look = local_look,
        .list = local_list,
        .resolve = local_resolve,
        .open = local_open,
        .read = local_read,
        .close = local_close,
        .free = local_free,
    };
    static struct tree tree = { .functions = &functions };
    return &tree;
}
