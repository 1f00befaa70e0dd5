#include "source/folder.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>

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
static enum lf_code sort_entries(struct folder *folder, const struct entry *entries, struct arena *arena, struct err *err)
{
    size_t count = 0;
    for (const struct entry *entry = entries; entry; entry = entry->next)
        count++;
    folder->files = arena_calloc(arena, count, sizeof *folder->files, err);
    folder->folders = folder->files ? arena_calloc(arena, count, sizeof *folder->folders, err) : NULL;
    if (!folder->folders)
        return err->code;
    for (const struct entry *entry = entries; entry; entry = entry->next) {
        if (entry->is_folder)
            folder->folders[folder->folder_count++] = entry->name;
        else
            folder->files[folder->file_count++] = entry->name;
    }
    qsort(folder->files, folder->file_count, sizeof *folder->files, compare_names);
    qsort(folder->folders, folder->folder_count, sizeof *folder->folders, compare_names);
    return LF_OK;
}

static enum lf_code read_folder(struct folder *folder, struct arena *arena, struct err *err)
{
    __attribute__((cleanup(close_dir))) DIR *dir = opendir(folder->path.ptr);
    struct entry *entries = NULL;
    const struct dirent *found = NULL;
    if (!dir)
        return ERR(err, errno == ENOENT ? LF_NOT_FOUND : LF_IO, "%s: %s", folder->path.ptr, strerror(errno));
    do {
        errno = 0;
        found = readdir(dir);
        if (found)
            TRY(read_entry(dir, found, arena, &entries, err));
        else if (errno)
            return ERR(err, LF_IO, "%s: %s", folder->path.ptr, strerror(errno));
    } while (found);
    return sort_entries(folder, entries, arena, err);
}

/* The last component of the real path: "." and ".." have names too. */
static enum lf_code real_base(struct span path, struct arena *arena, struct span *ret_base, struct err *err)
{
    char real[PATH_MAX];
    if (!realpath(path.ptr, real))
        return ERR(err, errno == ENOENT ? LF_NOT_FOUND : LF_IO, "%s: %s", path.ptr, strerror(errno));
    return arena_copy(arena, span_from_cstr(strrchr(real, '/') + 1), ret_base, err);
}

enum lf_code folder_open(struct span path, struct arena *arena, struct folder *ret_folder, struct err *err)
{
    struct folder folder = { 0 };
    while (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    TRY(arena_copy(arena, path, &folder.path, err));
    TRY(real_base(folder.path, arena, &folder.base, err));
    TRY(read_folder(&folder, arena, err));
    *ret_folder = folder;
    return LF_OK;
}

enum lf_code folder_open_child(const struct folder *parent, struct span name, struct arena *arena, struct folder *ret_folder,
                               struct err *err)
{
    struct folder folder = { .parent = parent, .base = name };
    TRY(folder_file_path(parent, name, arena, &folder.path, err));
    TRY(folder_file_name(parent, name, arena, &folder.name, err));
    TRY(read_folder(&folder, arena, err));
    *ret_folder = folder;
    return LF_OK;
}

bool folder_has_file(const struct folder *folder, struct span name)
{
    return bsearch(&name, folder->files, folder->file_count, sizeof name, compare_names) != NULL;
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
