#include <inttypes.h>
#include <stdio.h>

#include "base/file_text.h"
#include "cli/command.h"
#include "cli/draft.h"
#include "cli/files.h"
#include "map/map_yaml.h"

/* The last line of a draft carries the hash of what stands before it, so that an edited map is known from an untouched one. */
static const char draft_mark[] = "# as drafted, while this matches: ";
enum { DRAFT_HASH_DIGITS = 16 };

static void put_mark(struct buf *yaml)
{
    buf_printf(yaml, "%s%016" PRIx64 "\n", draft_mark, hash64(buf_span(yaml), 0));
}

static bool is_untouched_draft(struct span text)
{
    const size_t tail = sizeof draft_mark - 1 + DRAFT_HASH_DIGITS + 1;
    char expected[sizeof draft_mark + DRAFT_HASH_DIGITS + 1];
    if (text.len < tail)
        return false;
    struct span body = span_of(text.ptr, text.len - tail);
    snprintf(expected, sizeof expected, "%s%016" PRIx64 "\n", draft_mark, hash64(body, 0));
    return span_equal(span_from(text, body.len), span_of(expected, tail));
}

enum lf_code draft_check_overwrite(const char *path, struct arena *arena, struct err *err)
{
    struct span text;
    if (!file_exists(path))
        return LF_OK;
    TRY(file_text_read(span_from_cstr(path), LIMIT_MAP_BYTES, arena, &text, err));
    if (is_untouched_draft(text))
        return LF_OK;
    return ERR(err, LF_PRECONDITION, "%s was edited since it was drafted; --force overwrites it, -o writes elsewhere", path);
}

enum lf_code draft_write(const char *path, const struct map *map, struct err *err)
{
    BUF_CLEANUP struct buf yaml;
    buf_init(&yaml, LIMIT_MAP_BYTES);
    map_put_yaml(&yaml, map);
    put_mark(&yaml);
    TRY(buf_check(&yaml, err));
    return file_write(path, buf_span(&yaml), err);
}
