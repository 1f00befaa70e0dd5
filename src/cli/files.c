#define _XOPEN_SOURCE 700 /* nftw */

#include "cli/files.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_file(FILE **file)
{
    if (*file)
        fclose(*file);
}
#define FILE_CLEANUP __attribute__((cleanup(close_file)))

enum lf_code file_read(const char *path, size_t limit_bytes, struct arena *arena, struct span *ret_bytes, struct err *err)
{
    FILE_CLEANUP FILE *file = fopen(path, "rb");
    struct stat status;
    if (!file)
        return ERR(err, errno == ENOENT ? LF_NOT_FOUND : LF_IO, "%s: %s", path, strerror(errno));
    if (fstat(fileno(file), &status))
        return ERR(err, LF_IO, "%s: %s", path, strerror(errno));
    if ((uint64_t)status.st_size > limit_bytes)
        return ERR(err, LF_LIMIT, "%s: longer than %zu bytes", path, limit_bytes);
    size_t size = (size_t)status.st_size;
    char *bytes = arena_alloc(arena, size, err);
    if (!bytes)
        return LF_MEMORY;
    if (fread(bytes, 1, size, file) != size)
        return ERR(err, LF_IO, "%s: %s", path, ferror(file) ? strerror(errno) : "became shorter while it was read");
    *ret_bytes = span_of(bytes, size);
    return LF_OK;
}

static bool write_and_sync(const char *path, struct span bytes)
{
    FILE *file = fopen(path, "wb");
    if (!file)
        return false;
    bool written = fwrite(bytes.ptr, 1, bytes.len, file) == bytes.len && !fflush(file) && !fsync(fileno(file));
    return !fclose(file) && written;
}

enum lf_code file_write(const char *path, struct span bytes, struct err *err)
{
    char beside[PATH_MAX];
    if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside)
        return ERR(err, LF_IO, "%s: %s", path, strerror(ENAMETOOLONG));
    if (write_and_sync(beside, bytes) && !rename(beside, path))
        return LF_OK;
    ERR(err, LF_IO, "%s: %s", path, strerror(errno));
    unlink(beside);
    return err->code;
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

enum lf_code folder_remove(const char *path, struct err *err)
{
    enum { OPEN_FOLDERS_MAX = 16 };
    if (nftw(path, remove_entry, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
        return ERR(err, LF_IO, "%s: %s", path, strerror(errno));
    return LF_OK;
}
