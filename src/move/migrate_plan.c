#include "move/migrate.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "move/migrate_file.h"

enum { PLAN_BYTES_MAX = 64 * 1024 * 1024 };

/* One of the four files. */
struct planned {
    char path[PATH_MAX];
    struct buf sql;
    bool exists; /* with whatever content */
    bool equal;
};

static enum lf_code set_path(struct planned *planned, const char *dir, const char *name, struct err *err)
{
    int len = snprintf(planned->path, sizeof planned->path, "%s/%s", dir, name);
    return len < 0 || (size_t)len >= sizeof planned->path ? ERR(err, LF_IO, "the path %s/%s is too long", dir, name) : LF_OK;
}

static enum lf_code make_folder(const char *dir, struct err *err)
{
    char path[PATH_MAX];
    size_t len = strlen(dir);
    if (len >= sizeof path)
        return ERR(err, LF_IO, "the path %s is too long", dir);
    memcpy(path, dir, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        path[i] = '\0';
        if (mkdir(path, 0777) != 0 && errno != EEXIST)
            return ERR(err, LF_IO, "cannot create the folder %s: %s", path, strerror(errno));
        path[i] = dir[i];
    }
    return LF_OK;
}

/* A file of the step that is there already keeps its version; the first where there are several. */
static enum lf_code find_existing(const char *dir, const char *step, struct planned *planned, struct err *err)
{
    char first[NAME_MAX + 1] = "";
    DIR *folder = opendir(dir);
    if (!folder)
        return ERR(err, LF_IO, "cannot read the folder %s: %s", dir, strerror(errno));
    for (struct dirent *entry; (entry = readdir(folder));) {
        struct span version, name;
        bool is_step =
            migrate_file_name(span_from_cstr(entry->d_name), &version, &name) && span_equal(name, span_from_cstr(step));
        if (is_step && (!first[0] || strcmp(entry->d_name, first) < 0))
            (void)snprintf(first, sizeof first, "%s", entry->d_name);
    }
    (void)closedir(folder);
    planned->exists = first[0] != '\0';
    return planned->exists ? set_path(planned, dir, first, err) : LF_OK;
}

static enum lf_code compare_content(struct planned *planned, struct err *err)
{
    FILE *file = fopen(planned->path, "rb");
    if (!file)
        return ERR(err, LF_IO, "cannot read %s: %s", planned->path, strerror(errno));
    char bytes[8192];
    size_t at = 0, len;
    bool equal = true;
    while (equal && (len = fread(bytes, 1, sizeof bytes, file)) > 0) {
        equal = len <= planned->sql.len - at && memcmp(bytes, planned->sql.data + at, len) == 0;
        at += len;
    }
    bool failed = ferror(file);
    (void)fclose(file);
    if (failed)
        return ERR(err, LF_IO, "cannot read %s", planned->path);
    planned->equal = equal && at == planned->sql.len;
    return LF_OK;
}

static enum lf_code plan_step(const struct map *map, const struct migrate_plan_options *options, enum migration_step step,
                              struct planned *planned, struct err *err)
{
    ddl_put_migration(&planned->sql, map, step);
    TRY(buf_check(&planned->sql, err));
    TRY(find_existing(options->dir, migration_step_name(step), planned, err));
    if (planned->exists) {
        TRY(compare_content(planned, err));
        return planned->equal || options->replace
                   ? LF_OK
                   : ERR(err, LF_PRECONDITION, "%s holds another plan; replace it, or plan into another folder", planned->path);
    }
    char name[NAME_MAX + 1];
    (void)snprintf(name, sizeof name, "%" PRIu64 "_%s.sql", options->version_base + step, migration_step_name(step));
    return set_path(planned, options->dir, name, err);
}

/* Under another name first: a file is there whole or not at all. */
static enum lf_code write_file(const struct planned *planned, struct err *err)
{
    char partial[PATH_MAX + sizeof ".part"];
    (void)stpcpy(stpcpy(partial, planned->path), ".part");
    FILE *file = fopen(partial, "wb");
    if (!file)
        return ERR(err, LF_IO, "cannot write %s: %s", partial, strerror(errno));
    bool written = fwrite(planned->sql.data, 1, planned->sql.len, file) == planned->sql.len;
    written = fclose(file) == 0 && written;
    if (written && rename(partial, planned->path) == 0)
        return LF_OK;
    int reason = errno;
    (void)remove(partial);
    return ERR(err, LF_IO, "cannot write %s: %s", planned->path, strerror(reason));
}

/* Looks at all files before it writes the first: a plan that is refused leaves the folder as it was. */
static enum lf_code plan_all(const struct map *map, const struct migrate_plan_options *options, struct planned *planned,
                             size_t *ret_written, struct err *err)
{
    size_t written = 0;
    TRY(make_folder(options->dir, err));
    for (enum migration_step step = MIGRATION_TABLES; step < MIGRATION_STEPS; step++)
        TRY(plan_step(map, options, step, &planned[step], err));
    for (enum migration_step step = MIGRATION_TABLES; step < MIGRATION_STEPS; step++) {
        if (planned[step].equal)
            continue;
        TRY(write_file(&planned[step], err));
        written++;
    }
    *ret_written = written;
    return LF_OK;
}

enum lf_code migrate_plan(const struct map *map, const struct migrate_plan_options *options, size_t *ret_written, struct err *err)
{
    struct planned planned[MIGRATION_STEPS] = { 0 };
    for (size_t i = 0; i < MIGRATION_STEPS; i++)
        buf_init(&planned[i].sql, PLAN_BYTES_MAX);
    enum lf_code code = plan_all(map, options, planned, ret_written, err);
    for (size_t i = 0; i < MIGRATION_STEPS; i++)
        buf_done(&planned[i].sql);
    return code;
}
