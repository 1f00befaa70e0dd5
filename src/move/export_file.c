#include "move/export_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/limits.h"
#include "item/ddbjson.h"
#include "move/gzip_writer.h"

enum { OUT_BYTES = 256 * 1024, LINES_BYTES = 256 * 1024, PATH_BYTES = 4096, NAME_CHARACTERS = 26, FILE_MODE = 0644 };

struct export_file {
    int fd; /* -1 once closed */
    char name[40];
    char path[PATH_BYTES];           /* under its last name */
    char temporary_path[PATH_BYTES]; /* "" once renamed */
    struct gzip_writer *gzip;        /* owned */
    struct md5 *md5;                 /* owned */
    struct buf lines;                /* not yet compressed */
    uint64_t items, line_bytes, stored_bytes;
    char out[OUT_BYTES];
};

/* As S3's exports name their files. Five bits a character. */
static enum lf_code make_name(char *name, size_t size, struct err *err)
{
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
    unsigned char random[NAME_CHARACTERS];
    if (getentropy(random, sizeof random) != 0)
        return ERR(err, LF_IO, "no random bytes for the name of a file");
    for (size_t i = 0; i < NAME_CHARACTERS; i++)
        name[i] = alphabet[random[i] % 32];
    (void)snprintf(name + NAME_CHARACTERS, size - NAME_CHARACTERS, ".json.gz");
    return LF_OK;
}

static enum lf_code make_path(char *path, struct span folder, const char *name, const char *suffix, struct err *err)
{
    int len = snprintf(path, PATH_BYTES, "%.*s/%s%s", SPAN_ARG(folder), name, suffix);
    return len < 0 || len >= PATH_BYTES ? ERR(err, LF_LIMIT, "a path longer than %d bytes", PATH_BYTES) : LF_OK;
}

static enum lf_code create(const char *path, int *ret_fd, struct err *err)
{
    *ret_fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    return *ret_fd < 0 ? ERR(err, LF_IO, "cannot create %s: %s", path, strerror(errno)) : LF_OK;
}

static enum lf_code write_all(int fd, const char *path, struct span bytes, struct err *err)
{
    while (bytes.len) {
        ssize_t written = write(fd, bytes.ptr, bytes.len);
        if (written < 0 && errno != EINTR)
            return ERR(err, LF_IO, "cannot write %s: %s", path, strerror(errno));
        bytes = span_from(bytes, written < 0 ? 0 : (size_t)written);
    }
    return LF_OK;
}

/* To disk, closed and under its name. The descriptor is closed whatever happens. */
static enum lf_code publish(int fd, const char *temporary_path, const char *path, struct err *err)
{
    int sync_failed = fsync(fd) != 0 ? errno : 0;
    int close_failed = close(fd) != 0 ? errno : 0;
    int failed = sync_failed ? sync_failed : close_failed;
    if (!failed && rename(temporary_path, path) != 0)
        failed = errno;
    return failed ? ERR(err, LF_IO, "cannot finish %s: %s", path, strerror(failed)) : LF_OK;
}

static enum lf_code open_file(struct export_file *file, struct span folder, struct err *err)
{
    TRY(make_name(file->name, sizeof file->name, err));
    TRY(make_path(file->path, folder, file->name, "", err));
    TRY(make_path(file->temporary_path, folder, file->name, ".tmp", err));
    enum lf_code code = create(file->temporary_path, &file->fd, err);
    if (code != LF_OK)
        file->temporary_path[0] = '\0';
    return code;
}

enum lf_code export_file_new(struct span folder, struct export_file **ret_file, struct err *err)
{
    struct export_file *file = calloc(1, sizeof *file);
    if (!file)
        return ERR(err, LF_MEMORY, "out of memory for a data file");
    file->fd = -1;
    buf_init(&file->lines, LINES_BYTES + 2 * LIMIT_LINE_BYTES);
    file->gzip = gzip_writer_new();
    file->md5 = md5_new();
    enum lf_code code =
        file->gzip && file->md5 ? open_file(file, folder, err) : ERR(err, LF_MEMORY, "out of memory for a data file");
    if (code == LF_OK)
        *ret_file = file;
    else
        export_file_free(file);
    return code;
}

void export_file_free(struct export_file *file)
{
    if (!file)
        return;
    if (file->fd >= 0)
        (void)close(file->fd);
    if (file->temporary_path[0])
        (void)unlink(file->temporary_path);
    gzip_writer_free(file->gzip);
    md5_free(file->md5);
    buf_done(&file->lines);
    free(file);
}

static enum lf_code compress(struct export_file *file, struct span bytes, bool is_last, struct err *err)
{
    for (bool done = false; !done;) {
        size_t written;
        done = gzip_writer_step(file->gzip, &bytes, is_last, file->out, sizeof file->out, &written);
        struct span out = span_of(file->out, written);
        md5_update(file->md5, out);
        file->stored_bytes += written;
        TRY(write_all(file->fd, file->temporary_path, out, err));
    }
    return LF_OK;
}

static enum lf_code compress_lines(struct export_file *file, bool is_last, struct err *err)
{
    TRY(compress(file, buf_span(&file->lines), is_last, err));
    buf_reset(&file->lines);
    return LF_OK;
}

enum lf_code export_file_put(struct export_file *file, const struct item *item, struct err *err)
{
    size_t before = file->lines.len;
    buf_put_cstr(&file->lines, "{\"Item\":");
    ddbjson_put_item(&file->lines, item);
    buf_put_cstr(&file->lines, "}\n");
    TRY(buf_check(&file->lines, err));
    file->items++;
    file->line_bytes += file->lines.len - before;
    return file->lines.len < LINES_BYTES ? LF_OK : compress_lines(file, false, err);
}

bool export_file_is_full(const struct export_file *file)
{
    return file->line_bytes >= EXPORT_FILE_BYTES;
}

enum lf_code export_file_finish(struct export_file *file, struct export_entry *ret_entry, struct err *err)
{
    TRY(compress_lines(file, true, err));
    int fd = file->fd;
    file->fd = -1;
    TRY(publish(fd, file->temporary_path, file->path, err));
    file->temporary_path[0] = '\0';
    struct export_entry entry = { .items = file->items, .bytes = file->stored_bytes };
    memcpy(entry.name, file->name, sizeof entry.name);
    md5_finish(file->md5, entry.md5);
    *ret_entry = entry;
    return LF_OK;
}

static enum lf_code write_temporary(int fd, const char *temporary_path, const char *path, struct span content, struct err *err)
{
    enum lf_code code = write_all(fd, temporary_path, content, err);
    if (code != LF_OK) {
        (void)close(fd);
        return code;
    }
    return publish(fd, temporary_path, path, err);
}

enum lf_code export_write_whole(const char *path, struct span content, struct err *err)
{
    char temporary_path[PATH_BYTES];
    int fd;
    int len = snprintf(temporary_path, sizeof temporary_path, "%s.tmp", path);
    if (len < 0 || (size_t)len >= sizeof temporary_path)
        return ERR(err, LF_LIMIT, "a path longer than %d bytes", PATH_BYTES);
    TRY(create(temporary_path, &fd, err));
    enum lf_code code = write_temporary(fd, temporary_path, path, content, err);
    if (code != LF_OK)
        (void)unlink(temporary_path);
    return code;
}
