#include "move/migrate.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/sha256.h"
#include "move/migrate_file.h"

enum {
    MIGRATIONS_MAX = 4096,                       /* files of one folder */
    MIGRATION_FILE_BYTES_MAX = 64 * 1024 * 1024, /* as migrate_plan writes at most */
};

/* --- the folder --- */

static int compare_versions(const void *left, const void *right)
{
    const struct migration *a = left, *b = right;
    return span_compare(a->version, b->version);
}

static enum lf_code list_entries(DIR *folder, const char *dir, struct arena *arena, struct migration_list *list, struct err *err)
{
    for (struct dirent *entry; (entry = readdir(folder));) {
        struct span file = span_from_cstr(entry->d_name), version, name;
        if (!migrate_file_name(file, &version, &name))
            continue;
        if (list->count == MIGRATIONS_MAX)
            return ERR(err, LF_LIMIT, "%s holds more than %d migrations", dir, MIGRATIONS_MAX);
        struct migration *migration = &list->items[list->count++];
        TRY(arena_printf(arena, &migration->path, err, "%s/%s", dir, entry->d_name));
        struct span copy = span_from(migration->path, migration->path.len - file.len);
        (void)migrate_file_name(copy, &migration->version, &migration->name);
    }
    return LF_OK;
}

static enum lf_code list_folder(const char *dir, struct arena *arena, struct migration_list *list, struct err *err)
{
    list->items = arena_calloc(arena, MIGRATIONS_MAX, sizeof *list->items, err);
    if (!list->items)
        return err->code;
    DIR *folder = opendir(dir);
    if (!folder)
        return errno == ENOENT ? ERR(err, LF_PRECONDITION, "there is no folder of migrations %s: run `landfall plan`", dir)
                               : ERR(err, LF_IO, "cannot read the folder of migrations %s: %s", dir, strerror(errno));
    enum lf_code code = list_entries(folder, dir, arena, list, err);
    (void)closedir(folder);
    return code;
}

static enum lf_code sort_by_version(struct migration_list *list, struct err *err)
{
    qsort(list->items, list->count, sizeof *list->items, compare_versions);
    for (size_t i = 1; i < list->count; i++)
        if (span_equal(list->items[i - 1].version, list->items[i].version))
            return ERR(err, LF_MIGRATION, "%.*s and %.*s have the same version", SPAN_ARG(list->items[i - 1].path),
                       SPAN_ARG(list->items[i].path));
    return LF_OK;
}

/* --- one file --- */

static enum lf_code read_bytes(FILE *file, struct buf *buf, struct err *err)
{
    while (buf_reserve(buf, 8192)) {
        size_t len = fread(buf->data + buf->len, 1, 8192, file);
        buf->len += len;
        if (len == 0)
            return ferror(file) ? ERR(err, LF_IO, "%s", strerror(errno)) : LF_OK;
    }
    return buf_check(buf, err);
}

static enum lf_code read_file(const char *path, struct arena *arena, struct span *ret_text, struct err *err)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return ERR(err, LF_IO, "%s", strerror(errno));
    struct buf buf;
    buf_init(&buf, MIGRATION_FILE_BYTES_MAX + 8192);
    enum lf_code code = read_bytes(file, &buf, err);
    (void)fclose(file);
    if (code == LF_OK)
        code = arena_copy(arena, buf_span(&buf), ret_text, err);
    buf_done(&buf);
    return code;
}

static enum migration_step step_by_name(struct span name)
{
    enum migration_step step = MIGRATION_TABLES;
    while (step < MIGRATION_STEPS && !span_equal(name, span_from_cstr(migration_step_name(step))))
        step++;
    return step;
}

/* The SQL is copied out of the text to end in a NUL, as libpq wants it. */
static enum lf_code load(struct migration *migration, struct arena *arena, struct err *err)
{
    struct span text;
    struct migrate_file file;
    char checksum[SHA256_HEX_BYTES + 1];
    TRY(read_file(migration->path.ptr, arena, &text, err));
    TRY(migrate_file_parse(text, &file, err));
    sha256_hex(text, checksum);
    TRY(arena_copy(arena, span_from_cstr(checksum), &migration->checksum, err));
    TRY(arena_copy(arena, file.up, &migration->up, err));
    TRY(arena_copy(arena, file.down, &migration->down, err));
    migration->up_line = file.up_line;
    migration->down_line = file.down_line;
    migration->up_alone = file.up_alone;
    migration->down_alone = file.down_alone;
    migration->step = step_by_name(migration->name);
    return LF_OK;
}

static enum lf_code read_folder(const char *dir, struct arena *arena, struct migration_list *ret_list, struct err *err)
{
    struct migration_list list = { 0 };
    TRY(list_folder(dir, arena, &list, err));
    TRY(sort_by_version(&list, err));
    for (size_t i = 0; i < list.count; i++)
        if (load(&list.items[i], arena, err) != LF_OK)
            return err_while(err, "reading %.*s", SPAN_ARG(list.items[i].path));
    *ret_list = list;
    return LF_OK;
}

/* --- what is applied --- */

static struct migration *find_version(const struct migration_list *list, const char *version)
{
    struct migration wanted = { .version = span_from_cstr(version) };
    return bsearch(&wanted, list->items, list->count, sizeof *list->items, compare_versions);
}

/* A row: version; name and checksum, which are NULL when it was not Landfall that applied it. */
static enum lf_code mark_row(const struct migration_list *list, const char *dir, const struct pg_result *rows, size_t row,
                             struct err *err)
{
    const char *version = pg_result_text(rows, row, 0);
    struct pg_field checksum = pg_result_get(rows, row, 2);
    struct migration *migration = find_version(list, version);
    if (!migration)
        return checksum.data ? ERR(err, LF_MIGRATION, "%s_%s.sql was applied and is missing from %s", version,
                                   pg_result_text(rows, row, 1), dir)
                             : LF_OK; /* of another folder that dbmate applies */
    if (checksum.data && !span_equal(migration->checksum, span_of(checksum.data, checksum.len)))
        return ERR(err, LF_MIGRATION,
                   "%.*s was edited after it was applied: restore it, and write a migration of its own for the change",
                   SPAN_ARG(migration->path));
    migration->applied = true;
    return LF_OK;
}

static enum lf_code query_applied(struct pg_conn *conn, struct pg_result **ret_rows, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *tables = NULL;
    TRY(pg_query(conn,
                 "SELECT (pg_catalog.to_regclass('public.schema_migrations') IS NOT NULL)::integer,"
                 " (pg_catalog.to_regclass('landfall.migration') IS NOT NULL)::integer",
                 NULL, &tables, err));
    if (pg_result_int64(tables, 0, 0) == 0)
        return pg_query(conn, "SELECT NULL, NULL, NULL WHERE false", NULL, ret_rows, err);
    if (pg_result_int64(tables, 0, 1) == 0)
        return pg_query(conn, "SELECT version, NULL, NULL FROM public.schema_migrations", NULL, ret_rows, err);
    return pg_query(conn,
                    "SELECT s.version, m.name, m.checksum FROM public.schema_migrations s"
                    " LEFT JOIN landfall.migration m ON m.version = s.version::text",
                    NULL, ret_rows, err);
}

/* What is applied must be the first of the files. */
static enum lf_code check_order(const struct migration_list *list, struct err *err)
{
    const struct migration *skipped = NULL;
    for (size_t i = 0; i < list->count; i++) {
        const struct migration *migration = &list->items[i];
        if (!migration->applied && !skipped)
            skipped = migration;
        if (migration->applied && skipped)
            return ERR(err, LF_MIGRATION, "%.*s comes before %.*s, which is applied: give it a later version",
                       SPAN_ARG(skipped->path), SPAN_ARG(migration->path));
    }
    return LF_OK;
}

static enum lf_code mark_applied(const struct migration_list *list, const char *dir, struct pg_conn *conn, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(query_applied(conn, &rows, err));
    for (size_t row = 0; row < pg_result_rows(rows); row++)
        TRY(mark_row(list, dir, rows, row, err));
    return check_order(list, err);
}

enum lf_code migrate_read(const char *dir, struct pg_conn *conn, struct arena *arena, struct migration_list *ret_list,
                          struct err *err)
{
    struct migration_list list;
    TRY(read_folder(dir, arena, &list, err));
    if (conn)
        TRY(mark_applied(&list, dir, conn, err));
    *ret_list = list;
    return LF_OK;
}
