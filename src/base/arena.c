#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_POISONS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_POISONS 1
#endif
#endif
#ifdef ARENA_POISONS
/* Not <sanitizer/asan_interface.h>: its pointers to const make gcc warn of reading what is not yet written. */
void __asan_poison_memory_region(void *address, size_t size);
void __asan_unpoison_memory_region(void *address, size_t size);
#define POISON(ptr, size) __asan_poison_memory_region((ptr), (size))
#define UNPOISON(ptr, size) __asan_unpoison_memory_region((ptr), (size))
#else
#define POISON(ptr, size) ((void)(ptr), (void)(size))
#define UNPOISON(ptr, size) ((void)(ptr), (void)(size))
#endif

enum { BLOCK_BYTES_MIN = 16 * 1024, ALIGNMENT = 16 };

struct arena_block {
    struct arena_block *next;
    size_t size; /* of bytes[] */
    size_t at;   /* first free byte */
    _Alignas(ALIGNMENT) char bytes[];
};

void arena_init(struct arena *arena, size_t cap_bytes)
{
    /* No object can be larger than PTRDIFF_MAX; with that, sizes of blocks cannot overflow. */
    *arena = (struct arena){ .cap_bytes = cap_bytes < PTRDIFF_MAX ? cap_bytes : PTRDIFF_MAX };
}

/* Frees the blocks from `*link` on. */
static void arena_cut(struct arena *arena, struct arena_block **link)
{
    for (struct arena_block *block = *link; block;) {
        struct arena_block *next = block->next;
        arena->held_bytes -= block->size;
        UNPOISON(block->bytes, block->size);
        free(block);
        block = next;
    }
    *link = NULL;
}

void arena_done(struct arena *arena)
{
    arena_cut(arena, &arena->first);
    arena->current = NULL;
}

void arena_reset(struct arena *arena)
{
    arena_rewind(arena, (struct arena_mark){ .block = arena->first, .at = 0 });
}

struct arena_mark arena_mark(const struct arena *arena)
{
    struct arena_block *block = arena->current;
    if (!block || block->at == 0)
        return (struct arena_mark){ NULL, 0 };
    return (struct arena_mark){ block, block->at };
}

void arena_rewind(struct arena *arena, struct arena_mark mark)
{
    struct arena_block *block = mark.block ? mark.block : arena->first;
    size_t at = mark.block ? mark.at : 0;
    arena->current = block;
    for (; block; block = block->next, at = 0) {
        block->at = at;
        POISON(block->bytes + at, block->size - at);
    }
}

/* Kept blocks too small to be of use must not count against the cap. No mark names a block in which nothing is allocated (see
 * arena_mark); the current one is such a block only when it is the first. */
static void arena_release_unused(struct arena *arena)
{
    struct arena_block *current = arena->current;
    if (!current)
        return;
    if (current->at > 0) {
        arena_cut(arena, &current->next);
        return;
    }
    arena_cut(arena, &arena->first);
    arena->current = NULL;
}

/* A new block behind the current one. */
static struct arena_block *arena_add_block(struct arena *arena, size_t size, struct err *err)
{
    struct arena_block *block = malloc(sizeof *block + size);
    if (!block) {
        (void)ERR(err, LF_MEMORY, "out of memory allocating %zu bytes", size);
        return NULL;
    }
    struct arena_block **link = arena->current ? &arena->current->next : &arena->first;
    block->size = size;
    block->at = 0;
    block->next = *link;
    POISON(block->bytes, block->size);
    *link = block;
    arena->held_bytes += size;
    return block;
}

/* The next kept block if it is large enough, else a new one: as large as all before it, so that their number stays small. */
static struct arena_block *arena_grow(struct arena *arena, size_t need, struct err *err)
{
    struct arena_block *current = arena->current;
    if (current && current->next && current->next->size >= need)
        return arena->current = current->next;

    if (need > arena->cap_bytes - arena->held_bytes)
        arena_release_unused(arena);
    size_t available = arena->cap_bytes - arena->held_bytes;
    if (need > available) {
        (void)ERR(err, LF_MEMORY, "needs %zu bytes, %zu of %zu are left", need, available, arena->cap_bytes);
        return NULL;
    }
    size_t size = arena->held_bytes > BLOCK_BYTES_MIN ? arena->held_bytes : BLOCK_BYTES_MIN;
    if (size < need)
        size = need;
    if (size > available)
        size = available;
    struct arena_block *block = arena_add_block(arena, size, err);
    if (block)
        arena->current = block;
    return block;
}

void *arena_alloc(struct arena *arena, size_t size, struct err *err)
{
    if (size > SIZE_MAX - ALIGNMENT) {
        (void)ERR(err, LF_MEMORY, "allocation of %zu bytes", size);
        return NULL;
    }
    size_t need = size ? (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1) : ALIGNMENT;
    struct arena_block *block = arena->current;
    if (!block || need > block->size - block->at) {
        block = arena_grow(arena, need, err);
        if (!block)
            return NULL;
    }
    void *result = block->bytes + block->at;
    block->at += need;
    UNPOISON(result, size);
    return result;
}

void *arena_calloc(struct arena *arena, size_t count, size_t size, struct err *err)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        (void)ERR(err, LF_MEMORY, "allocation of %zu times %zu bytes", count, size);
        return NULL;
    }
    void *result = arena_alloc(arena, bytes, err);
    return result ? memset(result, 0, bytes) : NULL;
}

enum lf_code arena_copy(struct arena *arena, struct span bytes, struct span *ret_copy, struct err *err)
{
    char *copy = arena_alloc(arena, bytes.len + 1, err);
    if (!copy)
        return err->code;
    if (bytes.len)
        memcpy(copy, bytes.ptr, bytes.len);
    copy[bytes.len] = '\0';
    *ret_copy = span_of(copy, bytes.len);
    return LF_OK;
}

enum lf_code arena_join(struct arena *arena, const struct span *parts, size_t count, struct span *ret_text, struct err *err)
{
    size_t len = 0, at = 0;
    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    char *text = arena_alloc(arena, len + 1, err);
    if (!text)
        return err->code;
    for (size_t i = 0; i < count; at += parts[i++].len)
        if (parts[i].len)
            memcpy(text + at, parts[i].ptr, parts[i].len);
    text[len] = '\0';
    *ret_text = span_of(text, len);
    return LF_OK;
}

enum lf_code arena_printf(struct arena *arena, struct span *ret_text, struct err *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = len < 0 ? NULL : arena_alloc(arena, (size_t)len + 1, err);
    if (text) {
        (void)vsnprintf(text, (size_t)len + 1, format, again);
        *ret_text = span_of(text, (size_t)len);
    }
    va_end(again);
    if (len < 0)
        return ERR(err, LF_MEMORY, "cannot format a text");
    return text ? LF_OK : err->code;
}
