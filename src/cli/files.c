#define _XOPEN_SOURCE 700 /* nftw */

#include "cli/files.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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
