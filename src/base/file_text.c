#include "base/file_text.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

/* Reads until `capacity` or the end. */
static enum lf_code read_all(int fd, struct span path, char *room, size_t capacity, size_t *ret_len, struct err *err)
{
    size_t len = 0;
    while (len < capacity) {
        ssize_t part = read(fd, room + len, capacity - len);
        if (part < 0 && errno == EINTR)
            continue;
        if (part < 0)
            return ERR(err, LF_IO, "%s: %s", path.ptr, strerror(errno));
        if (part == 0)
            break;
        len += (size_t)part;
    }
    *ret_len = len;
    return LF_OK;
}

enum lf_code file_text_read(struct span path, size_t limit_bytes, struct arena *arena, struct span *ret_text, struct err *err)
{
    __attribute__((cleanup(close_fd))) int fd = open(path.ptr, O_RDONLY | O_CLOEXEC);
    struct stat stat_buffer;
    if (fd < 0 || fstat(fd, &stat_buffer) != 0)
        return ERR(err, errno == ENOENT ? LF_NOT_FOUND : LF_IO, "%s: %s", path.ptr, strerror(errno));
    if (!S_ISREG(stat_buffer.st_mode))
        return ERR(err, LF_IO, "%s: is not a file", path.ptr);
    size_t size = (size_t)stat_buffer.st_size;
    if (size > limit_bytes)
        return ERR(err, LF_LIMIT, "%s: has %zu bytes, at most %zu are read", path.ptr, size, limit_bytes);
    char *room = arena_alloc(arena, size, err);
    if (!room)
        return err->code;
    size_t len = 0;
    TRY(read_all(fd, path, room, size, &len, err));
    *ret_text = span_of(room, len);
    return LF_OK;
}
