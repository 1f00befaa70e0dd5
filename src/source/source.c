#include "source/source.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "source/chunk.h"
#include "source/discover.h"
#include "source/table_scan.h"

enum {
    NAMES_BYTES_MAX = 1024 * 1024 * 1024,
    DATA_BYTES_MAX = SOURCE_CHUNK_BYTES_MAX + 64 * 1024 * 1024,
    POSITION_BYTES_MAX = 64 * 1024
};

struct source_state {
    pthread_mutex_t lock;         /* guards all below but bytes_read; not held while a chunk is read */
    pthread_cond_t changed;       /* a reader became idle or done */
    size_t chunk_bytes;           /* not changed while threads read */
    struct chunk_reader *readers; /* owned, one per file; the thread that made one busy owns it until it makes it idle or done */
    size_t first_open;            /* all before are done */
    struct err failure;           /* the first; sticky */
    source_gate *gate;            /* may be NULL; not changed while threads read */
    void *gate_context;
    _Atomic int64_t bytes_read;
};

static void init_readers(const struct source *source)
{
    struct source_state *state = source->state;
    for (size_t i = 0; i < source->file_count; i++) {
        chunk_reader_init(&state->readers[i], source->tree, &source->files[i]);
        state->readers[i].chunk_bytes = state->chunk_bytes;
    }
}

static enum lf_code state_new(struct source *source, struct err *err)
{
    struct source_state *state = calloc(1, sizeof *state);
    struct chunk_reader *readers =
        calloc(source->file_count + 1, sizeof *readers); /* never none: calloc may give NULL for that */
    if (!state || !readers) {
        free(state);
        free(readers);
        return ERR(err, LF_MEMORY, "out of memory for %zu files", source->file_count);
    }
    (void)pthread_mutex_init(&state->lock, NULL);
    (void)pthread_cond_init(&state->changed, NULL);
    state->readers = readers;
    state->chunk_bytes = SOURCE_CHUNK_BYTES;
    source->state = state;
    init_readers(source);
    return LF_OK;
}

/* Of the source and of its windows. */
static enum lf_code open_state(struct source *source, struct err *err)
{
    TRY(state_new(source, err));
    for (size_t i = 0; i < source->window_count; i++)
        TRY(state_new(source->windows[i].changes, err));
    return LF_OK;
}

enum lf_code source_open(const char *path, const struct source_options *options, struct source *ret_source, struct err *err)
{
    struct source source = { 0 };
    arena_init(&source.arena, NAMES_BYTES_MAX);
    enum lf_code code = (table_scan_is_meant(path) ? table_scan_open : discover)(path, options, &source, err);
    if (code == LF_OK)
        code = open_state(&source, err);
    if (code == LF_OK)
        *ret_source = source;
    else
        source_close(&source);
    return code;
}

static void state_free(const struct source *source)
{
    struct source_state *state = source->state;
    if (!state)
        return;
    for (size_t i = 0; i < source->file_count; i++)
        chunk_reader_done(&state->readers[i]);
    (void)pthread_cond_destroy(&state->changed);
    (void)pthread_mutex_destroy(&state->lock);
    free(state->readers);
    free(state);
}

void source_close(struct source *source)
{
    for (size_t i = 0; i < source->window_count; i++)
        state_free(source->windows[i].changes);
    state_free(source);
    table_scan_close(source->scan);
    tree_close(source->tree);
    arena_done(&source->arena);
    *source = (struct source){ 0 };
}

/* The first file that nobody reads at the moment, so that no more files are open than there are threads; file_count when all
 * are busy or done. */
static size_t find_idle(const struct source *source, bool *ret_any_busy)
{
    struct source_state *state = source->state;
    while (state->first_open < source->file_count && state->readers[state->first_open].state == CHUNK_READER_DONE)
        state->first_open++;
    *ret_any_busy = false;
    for (size_t i = state->first_open; i < source->file_count; i++) {
        if (state->readers[i].state == CHUNK_READER_IDLE)
            return i;
        *ret_any_busy |= state->readers[i].state == CHUNK_READER_BUSY;
    }
    return source->file_count;
}

/* Takes a file for this thread, waiting for one; file_count when there is nothing left. */
static enum lf_code take_file(struct source *source, size_t *ret_file, struct err *err)
{
    struct source_state *state = source->state;
    enum lf_code code;
    (void)pthread_mutex_lock(&state->lock);
    for (;;) {
        bool any_busy = false;
        code = state->failure.code;
        *ret_file = code == LF_OK ? find_idle(source, &any_busy) : source->file_count;
        if (*ret_file < source->file_count || !any_busy)
            break;
        (void)pthread_cond_wait(&state->changed, &state->lock);
    }
    if (*ret_file < source->file_count)
        state->readers[*ret_file].state = CHUNK_READER_BUSY;
    if (code != LF_OK)
        *err = state->failure;
    (void)pthread_mutex_unlock(&state->lock);
    return code;
}

static void give_back(struct source_state *state, struct chunk_reader *reader, bool is_done, const struct err *failure)
{
    (void)pthread_mutex_lock(&state->lock);
    reader->state = is_done ? CHUNK_READER_DONE : CHUNK_READER_IDLE;
    if (failure && state->failure.code == LF_OK)
        state->failure = *failure;
    (void)pthread_cond_broadcast(&state->changed);
    (void)pthread_mutex_unlock(&state->lock);
}

/* The next chunk of a file that this thread has taken; *ret_read is false when the file is not to be read. */
static enum lf_code read_chunk(struct source *source, size_t file, struct source_chunk *chunk, bool *ret_read, struct err *err)
{
    struct source_state *state = source->state;
    struct chunk_reader *reader = &state->readers[file];
    bool has_begun = source->scan ? table_scan_has_begun(source->scan, file) : reader->number > 0;
    *ret_read = true;
    if (state->gate && !has_begun)
        TRY(state->gate(state->gate_context, file, ret_read, err));
    if (!*ret_read) {
        atomic_fetch_add(&state->bytes_read, source->files[file].size_bytes);
        return LF_OK;
    }
    chunk->file = file;
    if (source->scan)
        return table_scan_next(source->scan, file, &state->bytes_read, chunk, err);
    return chunk_reader_next(reader, &state->bytes_read, chunk, err);
}

/* A chunk of a live source keeps its file from being read on until it is back. */
static void release(struct source_chunk *chunk)
{
    if (!chunk->holds)
        return;
    struct source_state *state = chunk->holds->state;
    give_back(state, &state->readers[chunk->file], chunk->is_last, NULL);
    chunk->holds = NULL;
}

void source_chunk_init(struct source_chunk *chunk)
{
    *chunk = (struct source_chunk){ 0 };
    buf_init(&chunk->data, DATA_BYTES_MAX);
    buf_init(&chunk->start, POSITION_BYTES_MAX);
    buf_init(&chunk->end, POSITION_BYTES_MAX);
}

void source_chunk_done(struct source_chunk *chunk)
{
    release(chunk);
    buf_done(&chunk->data);
    buf_done(&chunk->start);
    buf_done(&chunk->end);
}

enum lf_code source_next(struct source *source, struct source_chunk *chunk, bool *ret_end, struct err *err)
{
    release(chunk);
    for (bool was_read = false; !was_read;) {
        size_t file;
        TRY(take_file(source, &file, err));
        *ret_end = file == source->file_count;
        if (*ret_end)
            return LF_OK;
        enum lf_code code = read_chunk(source, file, chunk, &was_read, err);
        bool is_done = code != LF_OK || !was_read || chunk->is_last;
        if (source->scan && !(code != LF_OK || !was_read))
            chunk->holds = source;
        else
            give_back(source->state, &source->state->readers[file], is_done, code == LF_OK ? NULL : err);
        TRY(code);
    }
    return LF_OK;
}

void source_set_gate(struct source *source, source_gate *gate, void *context)
{
    source->state->gate = gate;
    source->state->gate_context = context;
}

void source_set_chunk_bytes(struct source *source, size_t bytes)
{
    assert(bytes <= SOURCE_CHUNK_BYTES_MAX);
    source->state->chunk_bytes = bytes;
    init_readers(source);
}

void source_rewind(struct source *source)
{
    struct source_state *state = source->state;
    for (size_t i = 0; i < source->file_count; i++)
        chunk_reader_done(&state->readers[i]);
    init_readers(source);
    if (source->scan)
        table_scan_rewind(source->scan);
    state->first_open = 0;
    state->failure = (struct err)ERR_INIT;
    atomic_store(&state->bytes_read, 0);
    for (size_t i = 0; i < source->window_count; i++)
        source_rewind(source->windows[i].changes);
}

enum lf_code source_resume(struct source *source, size_t file, uint64_t number, struct span position, struct err *err)
{
    return table_scan_resume(source->scan, file, number, position, err);
}

void source_skip(struct source *source, size_t file)
{
    struct source_state *state = source->state;
    (void)pthread_mutex_lock(&state->lock);
    state->readers[file].state = CHUNK_READER_DONE;
    (void)pthread_mutex_unlock(&state->lock);
    atomic_fetch_add(&state->bytes_read, source->files[file].size_bytes);
}

void source_leave(struct source_chunk *chunk)
{
    chunk->is_last = true;
}

int64_t source_bytes_read(const struct source *source)
{
    return atomic_load_explicit(&source->state->bytes_read, memory_order_relaxed);
}

enum lf_code source_require_items(const struct source *source, struct err *err)
{
    if (source->file_count == 0)
        return ERR(err, LF_SOURCE, "%.*s holds incremental exports only; put the full export they follow in the same folder",
                   SPAN_ARG(source->path));
    return LF_OK;
}

bool source_next_line(struct span *rest, struct span *ret_line)
{
    if (rest->len == 0)
        return false;
    size_t end = span_find_byte(*rest, '\n');
    *ret_line = span_of(rest->ptr, end);
    *rest = span_from(*rest, end + 1);
    return true;
}

bool source_line_is_blank(struct span line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] != ' ' && line.ptr[i] != '\t' && line.ptr[i] != '\r')
            return false;
    return true;
}
