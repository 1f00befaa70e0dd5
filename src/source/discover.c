#include "source/discover.h"

#include <stdlib.h>

#include "codec/utf8.h"
#include "source/definition.h"
#include "source/manifest.h"
#include "source/windows.h"

enum { NOTICE_BYTES_MAX = 64 * 1024, SNIFF_BYTES = 4096 };

struct found_table {
    struct found_table *next;
    struct map_table table;
    struct span from;       /* folder, for messages */
    struct span definition; /* path of its table.json, empty with --key */
    bool is_export;
    int64_t as_of_us; /* of an export, MANIFEST_TIME_UNKNOWN when not given */
    size_t index;
};

struct found_file {
    struct found_file *next;
    struct source_file file;
};

/* An incremental export. Which of the tables it belongs to is known when all are found. */
struct found_window {
    struct found_window *next;
    struct found_table table; /* in case no other folder holds it */
    struct span name;
    int64_t from_us, to_us;
    struct found_file *files;
    size_t file_count;
};

struct discovery {
    struct arena *arena;
    struct tree *tree; /* borrowed */
    const struct source_options *options;
    struct found_table *tables; /* newest first */
    size_t table_count;
    struct found_file *files;
    size_t file_count;
    struct found_window *windows;
    size_t window_count;
    struct buf notice;
    struct span without_key; /* the first bare folder that has data but no key schema */
};

enum name_kind { NAME_OTHER, NAME_DATA, NAME_PERHAPS_DATA };

static bool is_ion_name(struct span name)
{
    return span_ends_with(name, SPAN(".ion")) || span_ends_with(name, SPAN(".ion.gz")) || span_ends_with(name, SPAN(".10n")) ||
           span_ends_with(name, SPAN(".10n.gz"));
}

static enum name_kind kind_of_name(struct span name)
{
    if (span_starts_with(name, SPAN("manifest-")) || span_equal(name, SPAN("table.json")) ||
        (span_starts_with(name, SPAN("table.")) && span_ends_with(name, SPAN(".json"))))
        return NAME_OTHER;
    if (is_ion_name(name) || span_ends_with(name, SPAN(".json.gz")) || span_ends_with(name, SPAN(".jsonl")) ||
        span_ends_with(name, SPAN(".jsonl.gz")) || span_ends_with(name, SPAN(".ddb.json")))
        return NAME_DATA;
    return span_ends_with(name, SPAN(".json")) ? NAME_PERHAPS_DATA : NAME_OTHER;
}

/* Tables ------------------------------------------------------------------------------------------------------------------- */

static enum lf_code add_table(struct discovery *d, const struct found_table *table, size_t *ret_index, struct err *err)
{
    struct found_table *found = arena_alloc(d->arena, sizeof *found, err);
    if (!found)
        return err->code;
    *found = *table;
    found->index = d->table_count++;
    found->next = d->tables;
    d->tables = found;
    *ret_index = found->index;
    return LF_OK;
}

/* `--key`, with its names in the arena. */
static enum lf_code key_of_options(const struct discovery *d, struct key_schema *ret_key, struct err *err)
{
    struct span key;
    TRY(arena_copy(d->arena, span_from_cstr(d->options->key), &key, err));
    return key_schema_parse(key, ret_key, err);
}

/* Bare folders below one table.json are one table. */
static const struct found_table *find_by_definition(const struct discovery *d, struct span definition)
{
    for (const struct found_table *table = d->tables; table; table = table->next)
        if (!table->is_export && definition.len && span_equal(table->definition, definition))
            return table;
    return NULL;
}

static enum lf_code bare_table_without_definition(struct discovery *d, struct span from, struct span name, size_t *ret_index,
                                                  struct err *err)
{
    struct found_table found = { .from = from };
    struct span given = span_from_cstr(d->options->table);
    TRY(key_of_options(d, &found.table.key, err));
    TRY(arena_copy(d->arena, given.len ? given : name, &found.table.name, err));
    return add_table(d, &found, ret_index, err);
}

/* The table of a folder's (or file's) data; *ret_known false when nothing says its key. */
static enum lf_code bare_table(struct discovery *d, const struct folder *folder, struct span name, bool *ret_known,
                               size_t *ret_index, struct err *err)
{
    struct definition definition;
    TRY(definition_find(folder, name, false, d->arena, &definition, err));
    *ret_known = definition.path.len || d->options->key;
    if (!*ret_known)
        return LF_OK;
    if (!definition.path.len)
        return bare_table_without_definition(d, folder->path, name, ret_index, err);
    const struct found_table *same = find_by_definition(d, definition.path);
    if (same) {
        *ret_index = same->index;
        return LF_OK;
    }
    struct found_table found = { .table = definition.table, .from = folder->path, .definition = definition.path };
    return add_table(d, &found, ret_index, err);
}

static enum lf_code export_table(struct discovery *d, const struct folder *folder, const struct manifest *manifest,
                                 struct found_table *ret_table, struct err *err)
{
    struct definition definition;
    struct found_table found = { .from = folder->path, .is_export = true, .as_of_us = MANIFEST_TIME_UNKNOWN };
    if (!manifest->is_incremental)
        found.as_of_us = manifest->to_us;
    if (d->options->only) {
        found.table = (struct map_table){ .name = manifest->table, .key = d->options->only->key };
        *ret_table = found;
        return LF_OK;
    }
    TRY(definition_find(folder, manifest->table, true, d->arena, &definition, err));
    if (!definition.path.len && !d->options->key)
        return ERR(err, LF_SOURCE, "%s has no table.json; say --key pk:S,sk:S", folder->path.ptr);
    found.table = definition.table;
    if (!definition.path.len)
        TRY(key_of_options(d, &found.table.key, err));
    found.table.name = manifest->table; /* a definition may have been taken of a copy that is called otherwise */
    *ret_table = found;
    return LF_OK;
}

/* Files -------------------------------------------------------------------------------------------------------------------- */

static enum lf_code find_file(const struct discovery *d, const struct source_file *file, struct found_file **ret_found,
                              struct err *err)
{
    enum tree_kind kind;
    struct found_file *found = arena_alloc(d->arena, sizeof *found, err);
    if (!found)
        return err->code;
    *found = (struct found_file){ .file = *file };
    found->file.format = is_ion_name(file->name) ? EXPORT_ION_TEXT : EXPORT_DYNAMODB_JSON;
    TRY(d->tree->functions->look(d->tree, file->path, &kind, &found->file.size_bytes, err));
    if (kind != TREE_FILE)
        return ERR(err, LF_NOT_FOUND, "%s: is not there", file->path.ptr);
    if (utf8_invalid_at(file->name) < file->name.len)
        return ERR(err, LF_SOURCE, "%s: the name is not UTF-8", file->path.ptr);
    *ret_found = found;
    return LF_OK;
}

static enum lf_code add_file(struct discovery *d, const struct source_file *file, struct err *err)
{
    struct found_file *found;
    TRY(find_file(d, file, &found, err));
    found->next = d->files;
    d->files = found;
    d->file_count++;
    return LF_OK;
}

static enum lf_code add_file_of(struct discovery *d, const struct folder *folder, struct span name, struct source_file file,
                                struct err *err)
{
    TRY(folder_file_path(folder, name, d->arena, &file.path, err));
    TRY(folder_file_name(folder, name, d->arena, &file.name, err));
    return add_file(d, &file, err);
}

/* A document written for people has nothing behind its first brace; a line of DynamoDB JSON goes on. */
static bool begins_like_lines(struct span text)
{
    size_t at = 0;
    while (at < text.len && strchr(" \t\r\n", text.ptr[at]))
        at++;
    if (at == text.len)
        return true;
    if (text.ptr[at++] != '{')
        return false;
    while (at < text.len && strchr(" \t", text.ptr[at]))
        at++;
    return at < text.len && (text.ptr[at] == '"' || text.ptr[at] == '}');
}

static enum lf_code sniff(const struct folder *folder, struct span name, struct arena *arena, bool *ret_is_data, struct err *err)
{
    char start[SNIFF_BYTES];
    struct span path;
    TRY(folder_file_path(folder, name, arena, &path, err));
    size_t len = 0;
    TRY(tree_read_start(folder->tree, path, start, sizeof start, &len, err));
    *ret_is_data = begins_like_lines(span_of(start, len));
    return LF_OK;
}

/* Marks the data files of a bare folder in `is_data`, one flag per file. */
static enum lf_code choose_data(const struct folder *folder, struct arena *arena, bool *is_data, size_t *ret_count,
                                struct err *err)
{
    size_t count = 0;
    for (size_t i = 0; i < folder->names.file_count; i++) {
        enum name_kind kind = kind_of_name(folder->names.files[i]);
        is_data[i] = kind == NAME_DATA;
        count += is_data[i];
    }
    bool only_perhaps = count == 0;
    for (size_t i = 0; only_perhaps && i < folder->names.file_count; i++) {
        if (kind_of_name(folder->names.files[i]) == NAME_PERHAPS_DATA)
            TRY(sniff(folder, folder->names.files[i], arena, &is_data[i], err));
        count += is_data[i];
    }
    *ret_count = count;
    return LF_OK;
}

static enum lf_code add_bare_files(struct discovery *d, const struct folder *folder, const bool *is_data, size_t table,
                                   struct err *err)
{
    for (size_t i = 0; i < folder->names.file_count; i++)
        if (is_data[i])
            TRY(add_file_of(d, folder, folder->names.files[i], (struct source_file){ .table = table, .item_count = -1 }, err));
    return LF_OK;
}

static enum lf_code add_bare(struct discovery *d, const struct folder *folder, struct err *err)
{
    size_t count = 0, table = 0;
    bool known = false;
    bool *is_data = arena_calloc(d->arena, folder->names.file_count, sizeof *is_data, err);
    if (!is_data)
        return err->code;
    TRY(choose_data(folder, d->arena, is_data, &count, err));
    if (count == 0) {
        if (folder_has_file(folder, SPAN("table.json")) && folder->names.folder_count == 0)
            buf_printf(&d->notice, "%s: left out, it has a table.json but no data\n", folder->path.ptr);
        return LF_OK;
    }
    TRY(bare_table(d, folder, folder->base, &known, &table, err));
    if (known)
        return add_bare_files(d, folder, is_data, table, err);
    if (!d->without_key.len)
        d->without_key = folder->path;
    buf_printf(&d->notice, "%s: left out, it has no table.json\n", folder->path.ptr);
    return LF_OK;
}

/* The folder that a folder lies in, by its path alone. */
static enum lf_code path_above(const struct folder *folder, struct arena *arena, struct span *ret_path, struct err *err)
{
    struct span path = folder->path;
    while (path.len > 1 && path.ptr[path.len - 1] == '/')
        path.len--;
    if (span_equal(path, SPAN(".")) || span_ends_with(path, SPAN("..")))
        return arena_printf(arena, ret_path, err, "%.*s/..", SPAN_ARG(path));
    while (path.len && path.ptr[path.len - 1] != '/')
        path.len--;
    return arena_copy(arena, path.len ? path : SPAN("./"), ret_path, err);
}

/* Data of incremental exports lie beside the folders of exports, in data/. */
static enum lf_code window_file(const struct discovery *d, const struct folder *folder, const struct manifest_file *listed,
                                struct found_file **ret_found, struct err *err)
{
    struct span above;
    struct source_file file = { .name = listed->path, .item_count = listed->item_count, .md5 = listed->md5 };
    TRY(path_above(folder, d->arena, &above, err));
    bool has_slash = span_ends_with(above, SPAN("/"));
    TRY(arena_printf(d->arena, &file.path, err, "%.*s%s%.*s", SPAN_ARG(above), has_slash ? "" : "/", SPAN_ARG(listed->path)));
    if (folder->parent)
        TRY(folder_file_name(folder->parent, listed->path, d->arena, &file.name, err));
    return find_file(d, &file, ret_found, err);
}

static enum lf_code add_window(struct discovery *d, const struct folder *folder, const struct manifest *manifest, struct err *err)
{
    struct found_window *window = arena_calloc(d->arena, 1, sizeof *window, err);
    if (!window)
        return err->code;
    TRY(export_table(d, folder, manifest, &window->table, err));
    window->name = folder->name.len ? folder->name : folder->path;
    window->from_us = manifest->from_us;
    window->to_us = manifest->to_us;
    for (size_t i = 0; i < manifest->file_count; i++) {
        struct found_file *found;
        TRY(window_file(d, folder, &manifest->files[i], &found, err));
        found->next = window->files;
        window->files = found;
        window->file_count++;
    }
    window->next = d->windows;
    d->windows = window;
    d->window_count++;
    return LF_OK;
}

static enum lf_code add_full(struct discovery *d, const struct folder *folder, const struct manifest *manifest, struct err *err)
{
    struct found_table found;
    size_t table = 0;
    TRY(export_table(d, folder, manifest, &found, err));
    TRY(add_table(d, &found, &table, err));
    for (size_t i = 0; i < manifest->file_count; i++) {
        const struct manifest_file *listed = &manifest->files[i];
        struct source_file file = { .table = table, .item_count = listed->item_count, .md5 = listed->md5 };
        if (add_file_of(d, folder, listed->path, file, err) != LF_OK)
            return err_while(err, "looking for the files of %s/manifest-files.json", folder->path.ptr);
    }
    return LF_OK;
}

static enum lf_code add_export(struct discovery *d, const struct folder *folder, struct err *err)
{
    struct manifest manifest;
    TRY(manifest_read(folder->tree, folder->path, d->arena, &manifest, err));
    return manifest.is_incremental ? add_window(d, folder, &manifest, err) : add_full(d, folder, &manifest, err);
}

/* Walking ------------------------------------------------------------------------------------------------------------------ */

/* Below AWSDynamoDB/ only exports count: data/ there belongs to incremental ones. */
static bool is_unfinished_export(const struct folder *folder)
{
    return folder->parent && span_equal(folder->parent->base, SPAN("AWSDynamoDB")) && folder_has_file(folder, SPAN("_started"));
}

static enum lf_code walk_children(struct discovery *d, const struct folder *folder, unsigned depth, struct err *err);

/* The one export that counts. */
static enum lf_code walk_to_only(struct discovery *d, const struct folder *folder, unsigned depth, struct err *err)
{
    struct span only = d->options->only->folder;
    if (span_equal(folder->name, only))
        return add_export(d, folder, err);
    bool leads_there = !folder->name.len || (span_starts_with(only, folder->name) && only.ptr[folder->name.len] == '/');
    return leads_there ? walk_children(d, folder, depth, err) : LF_OK;
}

static enum lf_code walk(struct discovery *d, const struct folder *folder, unsigned depth, struct err *err)
{
    if (d->options->only)
        return walk_to_only(d, folder, depth, err);
    if (folder_has_file(folder, SPAN("manifest-summary.json")))
        return add_export(d, folder, err);
    if (is_unfinished_export(folder))
        return ERR(err, LF_SOURCE, "%s has no manifest-summary.json: the export is not complete", folder->path.ptr);
    if (depth == SOURCE_DEPTH_MAX)
        return ERR(err, LF_LIMIT, "%s: more than %d folders below each other", folder->path.ptr, SOURCE_DEPTH_MAX);
    TRY(add_bare(d, folder, err));
    return walk_children(d, folder, depth, err);
}

static enum lf_code walk_children(struct discovery *d, const struct folder *folder, unsigned depth, struct err *err)
{
    for (size_t i = 0; i < folder->names.folder_count; i++) {
        struct folder child;
        if (span_equal(folder->base, SPAN("AWSDynamoDB")) && span_equal(folder->names.folders[i], SPAN("data")))
            continue;
        TRY(folder_open_child(folder, folder->names.folders[i], d->arena, &child, err));
        TRY(walk(d, &child, depth + 1, err));
    }
    return LF_OK;
}

/* The name of a file without its suffixes. */
static struct span stem_of(struct span file)
{
    return span_of(file.ptr, span_find_byte(file, '.'));
}

static enum lf_code add_single_file(struct discovery *d, struct span path, struct err *err)
{
    const char *slash = strrchr(path.ptr, '/');
    struct span dir = slash ? span_of(path.ptr, (size_t)(slash - path.ptr) + 1) : SPAN(".");
    struct span base = slash ? span_from_cstr(slash + 1) : path;
    struct folder folder;
    struct source_file file = { .path = path, .name = base, .item_count = -1 };
    bool known = false;
    TRY(folder_open(d->tree, dir, d->arena, &folder, err));
    TRY(bare_table(d, &folder, stem_of(base), &known, &file.table, err));
    if (!known)
        return ERR(err, LF_SOURCE, "%s has no table.json beside it; say --key pk:S,sk:S", path.ptr);
    return add_file(d, &file, err);
}

static enum lf_code walk_path(struct discovery *d, struct span path, struct err *err)
{
    enum tree_kind kind;
    int64_t size;
    struct folder top;
    TRY(d->tree->functions->look(d->tree, path, &kind, &size, err));
    if (kind == TREE_NOTHING)
        return ERR(err, LF_NOT_FOUND, "%s: is not there", path.ptr);
    if (kind == TREE_FILE)
        return add_single_file(d, path, err);
    TRY(folder_open(d->tree, path, d->arena, &top, err));
    return walk(d, &top, 0, err);
}

/* Result ------------------------------------------------------------------------------------------------------------------- */

static int compare_files(const void *a, const void *b)
{
    return span_compare(((const struct source_file *)a)->name, ((const struct source_file *)b)->name);
}

/* Only now: that one of the two cannot be read at all is the better message. */
static enum lf_code check_distinct(const struct discovery *d, struct err *err)
{
    for (const struct found_table *a = d->tables; a; a = a->next)
        for (const struct found_table *b = a->next; b; b = b->next)
            if (span_equal(a->table.name, b->table.name))
                return ERR(err, LF_SOURCE, "%s and %s both hold table %.*s; name the one to read", b->from.ptr, a->from.ptr,
                           SPAN_ARG(a->table.name));
    return LF_OK;
}

static enum lf_code put_tables(const struct discovery *d, struct source *source, struct err *err)
{
    source->table_count = d->table_count;
    source->tables = arena_calloc(d->arena, d->table_count, sizeof *source->tables, err);
    source->table_times = source->tables ? arena_calloc(d->arena, d->table_count, sizeof *source->table_times, err) : NULL;
    if (!source->table_times)
        return err->code;
    for (const struct found_table *found = d->tables; found; found = found->next) {
        source->tables[found->index] = found->table;
        source->table_times[found->index] = found->is_export ? found->as_of_us : MANIFEST_TIME_UNKNOWN;
    }
    return LF_OK;
}

/* `files` of `source` from a list, with their totals. */
static enum lf_code put_files(struct arena *arena, const struct found_file *files, size_t count, struct source *source,
                              struct err *err)
{
    source->files = arena_calloc(arena, count, sizeof *source->files, err);
    if (!source->files)
        return err->code;
    for (const struct found_file *found = files; found; found = found->next) {
        const struct source_file *file = &found->file;
        source->files[source->file_count++] = *file;
        source->size_bytes += file->size_bytes;
        bool unknown = source->item_count < 0 || file->item_count < 0;
        source->item_count = unknown ? -1 : source->item_count + file->item_count;
    }
    if (count)
        qsort(source->files, count, sizeof *source->files, compare_files);
    return LF_OK;
}

/* The table that a window belongs to: one that another folder holds, or its own. */
static enum lf_code table_of_window(struct discovery *d, const struct found_window *window, size_t *ret_index, struct err *err)
{
    for (const struct found_table *table = d->tables; table; table = table->next)
        if (span_equal(table->table.name, window->table.table.name)) {
            *ret_index = table->index;
            return LF_OK;
        }
    return add_table(d, &window->table, ret_index, err);
}

static enum lf_code put_window(struct discovery *d, const struct found_window *found, struct source *source, struct err *err)
{
    struct source_window window = { .name = found->name, .from_us = found->from_us, .to_us = found->to_us };
    window.changes = arena_calloc(d->arena, 1, sizeof *window.changes, err);
    if (!window.changes)
        return err->code;
    TRY(table_of_window(d, found, &window.table, err));
    TRY(put_files(d->arena, found->files, found->file_count, window.changes, err));
    for (size_t i = 0; i < window.changes->file_count; i++)
        window.changes->files[i].table = window.table;
    window.changes->path = found->name;
    window.changes->tree = d->tree;
    source->windows[source->window_count++] = window;
    return LF_OK;
}

/* Also the tables, which windows may add to. */
static enum lf_code put_windows(struct discovery *d, struct source *source, struct err *err)
{
    source->windows = arena_calloc(d->arena, d->window_count, sizeof *source->windows, err);
    if (!source->windows)
        return err->code;
    for (const struct found_window *found = d->windows; found; found = found->next)
        TRY(put_window(d, found, source, err));
    TRY(put_tables(d, source, err));
    for (size_t i = 0; i < source->window_count; i++) {
        source->windows[i].changes->tables = source->tables;
        source->windows[i].changes->table_count = source->table_count;
    }
    return windows_order(source, &d->notice, err);
}

static enum lf_code finish(struct discovery *d, struct span path, struct source *source, struct err *err)
{
    bool is_empty = d->file_count == 0 && d->window_count == 0;
    if (is_empty && d->without_key.len)
        return ERR(err, LF_SOURCE, "%s has no table.json; say --key pk:S,sk:S", d->without_key.ptr);
    if (is_empty)
        return ERR(err, LF_SOURCE, "%s has no data: no export, no *.json.gz, *.jsonl, *.ion.gz or *.json with a line per item",
                   path.ptr);
    TRY(check_distinct(d, err));
    source->path = path;
    TRY(put_files(d->arena, d->files, d->file_count, source, err));
    TRY(put_windows(d, source, err));
    return arena_copy(d->arena, buf_span(&d->notice), &source->notice, err);
}

enum lf_code discover(const char *path, const struct source_options *options, struct source *source, struct err *err)
{
    struct discovery d = { .arena = &source->arena, .options = options };
    struct span top;
    TRY(arena_copy(d.arena, span_from_cstr(path), &top, err));
    TRY(tree_open(top, &source->tree, err));
    d.tree = source->tree;
    buf_init(&d.notice, NOTICE_BYTES_MAX);
    enum lf_code code = walk_path(&d, top, err);
    if (code == LF_OK)
        code = finish(&d, top, source, err);
    buf_done(&d.notice);
    return code;
}
