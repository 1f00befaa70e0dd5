#include "gateway/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_text.h"
#include "base/folder_sync.h"
#include "base/hash.h"
#include "pg/rows.h"

enum { PATH_BYTES = PATH_MAX + 64, HASH_BYTES = 8 };

static const char magic[] = "landfall kept 1 ";
enum { MAGIC_BYTES = sizeof magic - 1, HEADER_BYTES = MAGIC_BYTES + JOURNAL_ID_BYTES };

static void make_path(const struct journal *journal, const char *name, const char *suffix, char path[PATH_BYTES])
{
    (void)snprintf(path, PATH_BYTES, "%s/gateway.%s%s", journal_folder(journal), name, suffix);
}

static enum lf_code io_error(const char *path, const char *what, struct err *err)
{
    return ERR(err, LF_IO, "cannot %s %s: %s", what, path, strerror(errno));
}

/* Writing ---------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code put_content(const struct journal *journal, int64_t note, const struct pg_result *rows, struct buf *file,
                                struct err *err)
{
    BUF_CLEANUP struct buf content;
    buf_init(&content, KEPT_BYTES_MAX);
    pg_put_int64(&content, note);
    pg_rows_put(rows, &content);
    TRY(buf_check(&content, err));
    buf_printf(file, "%s%s\n", magic, journal_id(journal));
    pg_put_int64(file, (int64_t)hash64(buf_span(&content), 0));
    buf_put_span(file, buf_span(&content));
    return buf_check(file, err);
}

static bool write_all(int fd, struct span bytes)
{
    while (bytes.len) {
        ssize_t done = write(fd, bytes.ptr, bytes.len);
        if (done < 0 && errno != EINTR)
            return false;
        bytes = span_from(bytes, done > 0 ? (size_t)done : 0);
    }
    return fsync(fd) == 0;
}

static enum lf_code write_file(const char *path, struct span bytes, struct err *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return io_error(path, "open", err);
    enum lf_code code = write_all(fd, bytes) ? LF_OK : io_error(path, "write", err);
    (void)close(fd);
    return code;
}

static enum lf_code sync_folder(const struct journal *journal, struct err *err)
{
    return folder_sync(journal_folder(journal)) ? LF_OK : io_error(journal_folder(journal), "keep", err);
}

enum lf_code kept_write(const struct journal *journal, const char *name, int64_t note, const struct pg_result *rows,
                        struct err *err)
{
    BUF_CLEANUP struct buf file;
    char path[PATH_BYTES], beside[PATH_BYTES];
    make_path(journal, name, "", path);
    make_path(journal, name, ".new", beside);
    buf_init(&file, KEPT_BYTES_MAX);
    TRY(put_content(journal, note, rows, &file, err));
    TRY(write_file(beside, buf_span(&file), err));
    if (rename(beside, path))
        return io_error(path, "replace", err);
    return sync_folder(journal, err);
}

enum lf_code kept_forget(const struct journal *journal, const char *name, struct err *err)
{
    char path[PATH_BYTES];
    make_path(journal, name, "", path);
    if (unlink(path) && errno != ENOENT)
        return io_error(path, "remove", err);
    return sync_folder(journal, err);
}

/* Reading ---------------------------------------------------------------------------------------------------------------------
 */

static bool is_of_journal(const struct journal *journal, struct span header)
{
    return header.len == HEADER_BYTES && span_starts_with(header, span_of(magic, MAGIC_BYTES)) &&
           header.ptr[HEADER_BYTES - 1] == '\n' &&
           span_equal(span_of(header.ptr + MAGIC_BYTES, JOURNAL_ID_BYTES - 1), span_from_cstr(journal_id(journal)));
}

/* The header has been looked at. */
static enum lf_code read_content(struct span bytes, int64_t *ret_note, struct pg_result **ret_rows, struct err *err)
{
    int64_t hash, note;
    struct pg_reader reader = { bytes.ptr, bytes.ptr + bytes.len };
    TRY(pg_get_int64(&reader, &hash, err));
    if ((uint64_t)hash != hash64(span_from(bytes, HASH_BYTES), 0))
        return ERR(err, LF_ROW, "its hash is another");
    TRY(pg_get_int64(&reader, &note, err));
    TRY(pg_rows_get(span_of(reader.pos, (size_t)(reader.end - reader.pos)), ret_rows, err));
    *ret_note = note;
    return LF_OK;
}

enum lf_code kept_read(const struct journal *journal, const char *name, int64_t *ret_note, struct pg_result **ret_rows,
                       struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    char path[PATH_BYTES];
    struct span bytes;
    make_path(journal, name, "", path);
    arena_init(&arena, 2 * (size_t)KEPT_BYTES_MAX);
    if (file_text_read(span_from_cstr(path), KEPT_BYTES_MAX, &arena, &bytes, err))
        return err->code == LF_NOT_FOUND
                   ? ERR(err, LF_NOT_FOUND, "there is no %s: the gateway ended as it should, or has not begun yet", path)
                   : err->code;
    struct span header = span_of(bytes.ptr, bytes.len < HEADER_BYTES ? bytes.len : HEADER_BYTES);
    if (!is_of_journal(journal, header))
        return ERR(err, LF_SOURCE, "%s was not kept with the journal that is there", path);
    if (!read_content(span_from(bytes, HEADER_BYTES), ret_note, ret_rows, err))
        return LF_OK;
    return err->code == LF_ROW ? ERR(err, LF_SOURCE, "%s is damaged", path) : err->code;
}
