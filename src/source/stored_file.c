#include "source/stored_file.h"

#include <stdlib.h>

#include "source/gzip_engine.h"

enum { INPUT_BYTES = 256 * 1024 };
static const char gzip_magic[2] = { '\x1f', '\x8b' };

struct stored_file {
    struct span path;         /* borrowed, NUL-terminated */
    struct tree *tree;        /* borrowed */
    struct tree_file *stored; /* owned */
    bool at_end;
    int64_t offset;              /* stored bytes read */
    _Atomic int64_t *bytes_read; /* borrowed */
    struct md5 *md5;             /* owned */
    struct gzip_engine *engine;  /* owned; NULL for a plain file */
    bool in_member;
    uint64_t members;
    struct span input; /* what is not inflated yet, in input_bytes */
    char input_bytes[INPUT_BYTES];
};

enum lf_code stored_file_open(struct tree *tree, struct span path, _Atomic int64_t *bytes_read, struct stored_file **ret_file,
                              struct err *err)
{
    struct stored_file *file = malloc(sizeof *file);
    if (!file)
        return ERR(err, LF_MEMORY, "cannot read %s: out of memory", path.ptr);
    bool is_gzip = span_ends_with(path, SPAN(".gz"));
    *file = (struct stored_file){ .path = path, .tree = tree, .bytes_read = bytes_read };
    file->md5 = md5_new();
    file->engine = is_gzip ? gzip_engine_new() : NULL;
    enum lf_code code = LF_OK;
    if (!file->md5 || (is_gzip && !file->engine))
        code = ERR(err, LF_MEMORY, "cannot read %s: out of memory", path.ptr);
    else
        code = tree->functions->open(tree, path, &file->stored, err);
    if (code == LF_OK)
        *ret_file = file;
    else
        stored_file_close(file);
    return code;
}

void stored_file_close(struct stored_file *file)
{
    if (!file)
        return;
    file->tree->functions->close(file->stored);
    md5_free(file->md5);
    gzip_engine_free(file->engine);
    free(file);
}

static enum lf_code read_stored(struct stored_file *file, char *room, size_t capacity, size_t *ret_len, struct err *err)
{
    size_t len = 0;
    TRY(file->tree->functions->read(file->stored, room, capacity, &len, err));
    md5_update(file->md5, span_of(room, len));
    file->offset += (int64_t)len;
    atomic_fetch_add_explicit(file->bytes_read, (int64_t)len, memory_order_relaxed);
    file->at_end = len == 0;
    *ret_len = len;
    return LF_OK;
}

/* Keeps what is left of the input and reads more behind it. */
static enum lf_code refill(struct stored_file *file, struct err *err)
{
    if (file->at_end)
        return LF_OK;
    if (file->input.len)
        memmove(file->input_bytes, file->input.ptr, file->input.len);
    size_t len = 0;
    TRY(read_stored(file, file->input_bytes + file->input.len, INPUT_BYTES - file->input.len, &len, err));
    file->input = span_of(file->input_bytes, file->input.len + len);
    return LF_OK;
}

static long long compressed_offset(const struct stored_file *file)
{
    return (long long)file->offset - (long long)file->input.len;
}

static enum lf_code truncated(const struct stored_file *file, struct err *err)
{
    return ERR_AT(err, LF_TRUNCATED, file->offset, "%s: the gzip data end in the middle, at byte %lld", file->path.ptr,
                  (long long)file->offset);
}

/* At a member's start, with as much of its magic bytes as there is. */
static enum lf_code begin_member(struct stored_file *file, struct err *err)
{
    size_t len = file->input.len < sizeof gzip_magic ? file->input.len : sizeof gzip_magic;
    if (memcmp(file->input.ptr, gzip_magic, len) != 0)
        return ERR_AT(err, LF_SOURCE, compressed_offset(file), "%s: %s at byte %lld", file->path.ptr,
                      file->members ? "bytes behind the last gzip member" : "is not a gzip file", compressed_offset(file));
    if (len < sizeof gzip_magic)
        return truncated(file, err);
    if (file->members)
        gzip_engine_reset(file->engine);
    file->in_member = true;
    return LF_OK;
}

/* Between members: the next one, or the end of the file. */
static enum lf_code next_member(struct stored_file *file, bool *ret_end, struct err *err)
{
    while (file->input.len < sizeof gzip_magic && !file->at_end)
        TRY(refill(file, err));
    if (file->input.len > 0)
        return begin_member(file, err);
    if (file->members == 0)
        return truncated(file, err);
    *ret_end = true;
    return LF_OK;
}

static enum lf_code inflate_some(struct stored_file *file, char *room, size_t capacity, size_t *ret_len, struct err *err)
{
    if (file->input.len == 0)
        TRY(refill(file, err));
    enum gzip_step step = gzip_engine_step(file->engine, &file->input, room, capacity, ret_len);
    if (step == GZIP_DAMAGED)
        return ERR_AT(err, LF_SOURCE, compressed_offset(file), "%s: the gzip data are damaged before byte %lld", file->path.ptr,
                      compressed_offset(file));
    if (step == GZIP_MEMBER_END) {
        file->in_member = false;
        file->members++;
    } else if (*ret_len == 0 && file->input.len == 0 && file->at_end) {
        return truncated(file, err);
    }
    return LF_OK;
}

enum lf_code stored_file_read(struct stored_file *file, char *room, size_t capacity, size_t *ret_len, struct err *err)
{
    if (!file->engine)
        return read_stored(file, room, capacity, ret_len, err);
    size_t len = 0;
    bool end = false;
    while (len == 0 && !end) {
        if (!file->in_member)
            TRY(next_member(file, &end, err));
        if (!end)
            TRY(inflate_some(file, room, capacity, &len, err));
    }
    *ret_len = len;
    return LF_OK;
}

void stored_file_md5(struct stored_file *file, char ret_base64[MD5_BASE64_BYTES + 1])
{
    md5_finish(file->md5, ret_base64);
}
