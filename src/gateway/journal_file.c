#include "gateway/journal_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/folder_sync.h"
#include "codec/uuid.h"

enum { HEAD_BYTES = 8, FIELDS = 4, FIELD_BYTES_MAX = 1024 * 1024, HOST_BYTES = 256 };

static const char magic[] = "landfall journal 1 ";
enum { MAGIC_BYTES = sizeof magic - 1, HEADER_BYTES = MAGIC_BYTES + UUID_TEXT_BYTES + 1 };

struct journal_file {
    int fd;
    off_t size; /* up to which records count */
    char id[JOURNAL_ID_BYTES];
    char place[HOST_BYTES + PATH_MAX + 1];
    char folder[PATH_MAX];
    char path[PATH_MAX + 32];
};

static enum lf_code io_error(const struct journal_file *file, const char *what, struct err *err)
{
    return ERR(err, LF_IO, "cannot %s the journal %s: %s", what, file->path, strerror(errno));
}

/* Records ---------------------------------------------------------------------------------------------------------------------
 */

static void put_number(struct buf *buf, uint32_t number)
{
    const unsigned char bytes[] = { (unsigned char)(number >> 24), (unsigned char)(number >> 16), (unsigned char)(number >> 8),
                                    (unsigned char)number };
    buf_put(buf, bytes, sizeof bytes);
}

static uint32_t number_at(const char *at)
{
    const unsigned char *bytes = (const unsigned char *)at;
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint32_t checksum(struct span bytes)
{
    return (uint32_t)crc32_z(0, (const unsigned char *)bytes.ptr, bytes.len);
}

void journal_record_put(struct buf *buf, const struct journal_record *record)
{
    const struct span fields[FIELDS] = { record->table, record->h, record->sk, record->key };
    size_t begin = buf->len, len = 0;
    for (size_t i = 0; i < FIELDS; i++)
        len += sizeof(uint32_t) + fields[i].len;
    put_number(buf, (uint32_t)len);
    put_number(buf, 0);
    for (size_t i = 0; i < FIELDS; i++) {
        put_number(buf, (uint32_t)fields[i].len);
        buf_put_span(buf, fields[i]);
    }
    if (buf->failed)
        return;
    struct buf sum;
    buf_init(&sum, sizeof(uint32_t));
    put_number(&sum, checksum(span_of(buf->data + begin + HEAD_BYTES, len)));
    if (!sum.failed)
        memcpy(buf->data + begin + sizeof(uint32_t), sum.data, sizeof(uint32_t));
    buf->failed = sum.failed;
    buf_done(&sum);
}

static bool cut_field(struct span *rest, struct span *ret_field)
{
    if (rest->len < sizeof(uint32_t))
        return false;
    uint32_t len = number_at(rest->ptr);
    struct span behind = span_from(*rest, sizeof(uint32_t));
    if (len > behind.len)
        return false;
    *ret_field = span_of(behind.ptr, len);
    *rest = span_from(behind, len);
    return true;
}

/* False at the first that is torn, and at the end. */
static bool cut_record(struct span *rest, struct journal_record *ret_record)
{
    if (rest->len < HEAD_BYTES)
        return false;
    uint32_t len = number_at(rest->ptr);
    if (len > FIELDS * FIELD_BYTES_MAX || len > rest->len - HEAD_BYTES)
        return false;
    struct span fields = span_of(rest->ptr + HEAD_BYTES, len);
    if (checksum(fields) != number_at(rest->ptr + sizeof(uint32_t)))
        return false;
    *rest = span_from(*rest, HEAD_BYTES + len);
    return cut_field(&fields, &ret_record->table) && cut_field(&fields, &ret_record->h) && cut_field(&fields, &ret_record->sk) &&
           cut_field(&fields, &ret_record->key);
}

/* Bytes -----------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code write_at(struct journal_file *file, struct span bytes, off_t at, struct err *err)
{
    while (bytes.len) {
        ssize_t done = pwrite(file->fd, bytes.ptr, bytes.len, at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return io_error(file, "write", err);
        bytes = span_from(bytes, (size_t)done);
        at += done;
    }
    return fdatasync(file->fd) ? io_error(file, "sync", err) : LF_OK;
}

/* The same place is written again after a failure, because what a sync has lost the next one does not know of. */
enum lf_code journal_file_append(struct journal_file *file, struct span records, struct err *err)
{
    TRY(write_at(file, records, file->size, err));
    file->size += (off_t)records.len;
    return LF_OK;
}

void journal_file_clear(struct journal_file *file)
{
    if (file->size > HEADER_BYTES && !ftruncate(file->fd, HEADER_BYTES))
        file->size = HEADER_BYTES;
}

static enum lf_code read_bytes(struct journal_file *file, char *bytes, size_t len, struct err *err)
{
    for (size_t at = 0; at < len;) {
        ssize_t done = pread(file->fd, bytes + at, len - at, (off_t)at);
        if (done == 0 || (done < 0 && errno != EINTR))
            return io_error(file, "read", err);
        at += done > 0 ? (size_t)done : 0;
    }
    return LF_OK;
}

static enum lf_code visit_all(struct journal_file *file, struct span bytes, journal_visit *visit, void *context, struct err *err)
{
    struct journal_record record;
    struct span rest = span_from(bytes, HEADER_BYTES);
    while (cut_record(&rest, &record)) {
        file->size = (off_t)(bytes.len - rest.len);
        TRY(visit(context, &record, err));
    }
    return ftruncate(file->fd, file->size) ? io_error(file, "cut", err) : LF_OK;
}

static enum lf_code size_of(const struct journal_file *file, size_t *ret_size, struct err *err)
{
    struct stat status;
    if (fstat(file->fd, &status))
        return io_error(file, "read", err);
    *ret_size = (size_t)status.st_size;
    return LF_OK;
}

enum lf_code journal_file_read(struct journal_file *file, journal_visit *visit, void *context, struct err *err)
{
    size_t size;
    TRY(size_of(file, &size, err));
    char *bytes = malloc(size + 1);
    if (!bytes)
        return ERR(err, LF_MEMORY, "no memory for the journal %s", file->path);
    enum lf_code code = read_bytes(file, bytes, size, err);
    if (!code)
        code = visit_all(file, span_of(bytes, size), visit, context, err);
    free(bytes);
    return code;
}

/* Opening ---------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code begin(struct journal_file *file, const char *folder, struct err *err)
{
    char bytes[UUID_BYTES], header[HEADER_BYTES];
    if (RAND_bytes((unsigned char *)bytes, sizeof bytes) != 1)
        return ERR(err, LF_IO, "no random bytes for the journal %s", file->path);
    memcpy(header, magic, MAGIC_BYTES);
    uuid_format(bytes, header + MAGIC_BYTES);
    header[HEADER_BYTES - 1] = '\n';
    memcpy(file->id, header + MAGIC_BYTES, UUID_TEXT_BYTES);
    TRY(write_at(file, span_of(header, sizeof header), 0, err));
    return folder_sync(folder) ? LF_OK : io_error(file, "keep", err);
}

static enum lf_code read_header(struct journal_file *file, struct err *err)
{
    char header[HEADER_BYTES], bytes[UUID_BYTES];
    TRY(read_bytes(file, header, sizeof header, err));
    if (memcmp(header, magic, MAGIC_BYTES) != 0 || !uuid_parse(span_of(header + MAGIC_BYTES, UUID_TEXT_BYTES), bytes))
        return ERR(err, LF_SOURCE, "%s is no journal of a gateway", file->path);
    memcpy(file->id, header + MAGIC_BYTES, UUID_TEXT_BYTES);
    return LF_OK;
}

/* Nothing was promised before the header was durable. */
static enum lf_code read_or_begin(struct journal_file *file, const char *folder, struct err *err)
{
    size_t size;
    file->size = HEADER_BYTES;
    TRY(size_of(file, &size, err));
    return size < HEADER_BYTES ? begin(file, folder, err) : read_header(file, err);
}

static void note_place(struct journal_file *file, const char *folder)
{
    char host[HOST_BYTES] = "", whole[PATH_MAX];
    (void)gethostname(host, sizeof host - 1);
    (void)snprintf(file->place, sizeof file->place, "%s:%s", host, realpath(folder, whole) ? whole : folder);
}

static enum lf_code open_file(struct journal_file *file, const char *folder, struct err *err)
{
    (void)snprintf(file->folder, sizeof file->folder, "%s", folder);
    (void)snprintf(file->path, sizeof file->path, "%s/gateway.journal", folder);
    if (mkdir(folder, S_IRWXU) && errno != EEXIST)
        return io_error(file, "make a folder for", err);
    file->fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file->fd < 0)
        return io_error(file, "open", err);
    if (flock(file->fd, LOCK_EX | LOCK_NB))
        return ERR(err, LF_PRECONDITION, "the journal %s is another gateway's, which runs", file->path);
    note_place(file, folder);
    return read_or_begin(file, folder, err);
}

enum lf_code journal_file_open(const char *folder, struct journal_file **ret_file, struct err *err)
{
    struct journal_file *file = calloc(1, sizeof *file);
    if (!file)
        return ERR(err, LF_MEMORY, "no memory for a journal");
    file->fd = -1;
    enum lf_code code = open_file(file, folder, err);
    if (code)
        journal_file_close(file);
    else
        *ret_file = file;
    return code;
}

void journal_file_close(struct journal_file *file)
{
    if (!file)
        return;
    if (file->fd >= 0)
        (void)close(file->fd);
    free(file);
}

const char *journal_file_id(const struct journal_file *file)
{
    return file->id;
}

const char *journal_file_place(const struct journal_file *file)
{
    return file->place;
}

const char *journal_file_folder(const struct journal_file *file)
{
    return file->folder;
}
