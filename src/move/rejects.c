#include "move/rejects.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "move/copy_rows.h"

static enum lf_code part_path(const char *path, char part[PATH_MAX], struct err *err)
{
    int len = snprintf(part, PATH_MAX, "%s.part", path);
    return len < PATH_MAX ? LF_OK : ERR(err, LF_IO, "%s: the name is too long", path);
}

static enum lf_code open_part(const char *part, FILE **ret_file, struct err *err)
{
    *ret_file = fopen(part, "we");
    return *ret_file ? LF_OK : ERR(err, LF_IO, "%s: %s", part, strerror(errno));
}

enum lf_code rejects_check(const char *path, struct err *err)
{
    char part[PATH_MAX];
    FILE *file;
    TRY(part_path(path, part, err));
    TRY(open_part(part, &file, err));
    (void)fclose(file);
    (void)unlink(part);
    return LF_OK;
}

/* Binary Ion came with its symbol tables, and one after the other these make a file again. What follows a line is its newline. */
static bool is_line(const struct pg_field *content)
{
    return !span_starts_with(span_of(content->data, content->len), SPAN("\xE0\x01\x00\xEA"));
}

static enum lf_code write_records(struct copy_rows *rows, FILE *file, struct err *err)
{
    for (;;) {
        bool end = false;
        struct pg_field content;
        TRY(copy_rows_next(rows, &content, 1, &end, err));
        if (end)
            return LF_OK;
        (void)fwrite(content.data, 1, content.len, file);
        if (is_line(&content))
            (void)putc('\n', file);
    }
}

static enum lf_code write_all(struct pg_conn *conn, int64_t load, FILE *file, struct err *err)
{
    char sql[256];
    struct copy_rows rows;
    (void)snprintf(sql, sizeof sql,
                   "COPY (SELECT content FROM landfall.reject WHERE load_id = %lld ORDER BY file COLLATE \"C\", line)"
                   " TO STDOUT (FORMAT binary)",
                   (long long)load);
    TRY(copy_rows_begin(conn, sql, &rows, err));
    return write_records(&rows, file, err);
}

enum lf_code rejects_write(struct pg_conn *conn, int64_t load, const char *path, struct err *err)
{
    char part[PATH_MAX];
    FILE *file;
    TRY(part_path(path, part, err));
    TRY(open_part(part, &file, err));
    enum lf_code code = write_all(conn, load, file, err);
    bool failed = fflush(file) != 0 || ferror(file) || fsync(fileno(file)) != 0;
    failed |= fclose(file) != 0;
    if (code == LF_OK && (failed || rename(part, path) != 0))
        code = ERR(err, LF_IO, "%s: %s", path, strerror(errno));
    return code;
}
