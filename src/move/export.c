#include "move/export.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "move/crew.h"
#include "move/export_manifest.h"
#include "move/target.h"

enum {
    EXPORT_PAGES_PER_PART = 2048, /* 16 MB */
    EXPORT_ARENA_BYTES = 256 * 1024 * 1024,
    EXPORT_TEXT_BYTES = 64 * 1024 * 1024, /* of a manifest */
    FOLDER_MODE = 0755,
};

/* The files of one table, as they are finished. */
struct export_table {
    struct span root;   /* DIR/<table> */
    struct span folder; /* DIR/<table>/AWSDynamoDB/<id> */
    struct span data;   /* …/data */
    struct export_entry *entries;
    size_t entry_count, entry_capacity;
};

struct export
{
    const struct map *map;
    const struct export_options *options;
    char id[EXPORT_ID_BYTES];
    int64_t start_ms;
    struct snapshot snapshot;
    struct target_parts parts;
    _Atomic size_t next_part;
    struct crew crew;
    pthread_mutex_t mutex; /* of tables and arena while the crew runs */
    struct export_table *tables;
    struct arena arena;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static enum lf_code random_bytes(void *bytes, size_t len, struct err *err)
{
    return getentropy(bytes, len) == 0 ? LF_OK : ERR(err, LF_IO, "no random bytes for the export's id");
}

/* Folders. */

static enum lf_code make_folder(const char *path, struct err *err)
{
    return mkdir(path, FOLDER_MODE) == 0 ? LF_OK : ERR(err, LF_IO, "cannot make folder %s: %s", path, strerror(errno));
}

static enum lf_code check_empty(const char *path, struct err *err)
{
    DIR *dir = opendir(path);
    if (!dir)
        return ERR(err, LF_IO, "cannot read folder %s: %s", path, strerror(errno));
    bool empty = true;
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        empty &= strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    closedir(dir);
    return empty ? LF_OK : ERR(err, LF_PRECONDITION, "folder %s is not empty", path);
}

static enum lf_code make_root(const char *path, struct err *err)
{
    if (mkdir(path, FOLDER_MODE) == 0)
        return LF_OK;
    return errno == EEXIST ? check_empty(path, err) : ERR(err, LF_IO, "cannot make folder %s: %s", path, strerror(errno));
}

/* A table's name becomes a folder's. DynamoDB's own names are harmless; those of a map need not be. */
static enum lf_code check_name(struct span name, struct err *err)
{
    bool bad = name.len == 0 || span_equal(name, SPAN(".")) || span_equal(name, SPAN(".."));
    if (bad || span_find_byte(name, '/') < name.len || span_find_byte(name, '\0') < name.len)
        return ERR(err, LF_MAP, "table %.*s cannot be the name of a folder", SPAN_ARG(name));
    return LF_OK;
}

/* A file in one of the export's folders. */
static enum lf_code write_file(struct export *export, struct span folder, const char *name, struct span content, struct err *err)
{
    struct span path;
    TRY(arena_printf(&export->arena, &path, err, "%.*s/%s", SPAN_ARG(folder), name));
    return export_write_whole(path.ptr, content, err);
}

static enum lf_code write_table_json(struct export *export, size_t index, struct err *err)
{
    struct buf text;
    buf_init(&text, EXPORT_TEXT_BYTES);
    manifest_put_table(&text, &export->map->tables[index]);
    enum lf_code code = buf_check(&text, err);
    if (code == LF_OK)
        code = write_file(export, export->tables[index].root, "table.json", buf_span(&text), err);
    buf_done(&text);
    return code;
}

static enum lf_code make_table_folders(struct export *export, size_t index, struct err *err)
{
    struct export_table *table = &export->tables[index];
    struct span name = export->map->tables[index].name;
    struct span above;
    TRY(check_name(name, err));
    TRY(arena_printf(&export->arena, &table->root, err, "%s/%.*s", export->options->dir, SPAN_ARG(name)));
    TRY(arena_printf(&export->arena, &above, err, "%s/AWSDynamoDB", table->root.ptr));
    TRY(arena_printf(&export->arena, &table->folder, err, "%s/%s", above.ptr, export->id));
    TRY(arena_printf(&export->arena, &table->data, err, "%s/data", table->folder.ptr));
    TRY(make_folder(table->root.ptr, err));
    TRY(make_folder(above.ptr, err));
    TRY(make_folder(table->folder.ptr, err));
    TRY(make_folder(table->data.ptr, err));
    TRY(write_file(export, table->folder, "_started", SPAN(""), err));
    return write_table_json(export, index, err);
}

static enum lf_code make_folders(struct export *export, struct err *err)
{
    uint32_t random;
    TRY(random_bytes(&random, sizeof random, err));
    export->start_ms = now_ms();
    (void)snprintf(export->id, sizeof export->id, "%014lld-%08x", (long long)export->start_ms, (unsigned)random);
    export->tables = arena_calloc(&export->arena, export->map->table_count, sizeof *export->tables, err);
    if (!export->tables)
        return err->code;
    TRY(make_root(export->options->dir, err));
    for (size_t t = 0; t < export->map->table_count; t++)
        TRY(make_table_folders(export, t, err));
    return LF_OK;
}

/* Data: each worker fills one file at a time, of the table whose part it reads. */

struct writer {
    struct export *export;
    size_t table;
    struct export_file *file; /* owned; NULL: none open */
};

static enum lf_code add_entry(struct export *export, struct export_table *table, const struct export_entry *entry,
                              struct err *err)
{
    enum { FIRST_ENTRIES = 16 };
    if (table->entry_count == table->entry_capacity) {
        size_t capacity = table->entry_capacity ? 2 * table->entry_capacity : FIRST_ENTRIES;
        struct export_entry *entries = arena_calloc(&export->arena, capacity, sizeof *entries, err);
        if (!entries)
            return err->code;
        if (table->entry_count)
            memcpy(entries, table->entries, table->entry_count * sizeof *entries);
        table->entries = entries;
        table->entry_capacity = capacity;
    }
    table->entries[table->entry_count++] = *entry;
    return LF_OK;
}

static enum lf_code finish_file(struct writer *writer, struct err *err)
{
    struct export *export = writer->export;
    struct export_entry entry;
    if (!writer->file)
        return LF_OK;
    TRY(export_file_finish(writer->file, &entry, err));
    export_file_free(writer->file);
    writer->file = NULL;
    pthread_mutex_lock(&export->mutex);
    enum lf_code code = add_entry(export, &export->tables[writer->table], &entry, err);
    pthread_mutex_unlock(&export->mutex);
    return code;
}

static enum lf_code write_item(void *context, const struct target_item *row, struct err *err)
{
    struct writer *writer = context;
    if (!writer->file)
        TRY(export_file_new(writer->export->tables[writer->table].data, &writer->file, err));
    TRY(export_file_put(writer->file, row->item, err));
    TRY(crew_count(&writer->export->crew, err));
    return export_file_is_full(writer->file) ? finish_file(writer, err) : LF_OK;
}

static enum lf_code write_parts(struct writer *writer, struct pg_conn *conn, struct err *err)
{
    struct export *export = writer->export;
    for (;;) {
        size_t next = atomic_fetch_add(&export->next_part, 1);
        if (next >= export->parts.count)
            return finish_file(writer, err);
        const struct target_part *part = &export->parts.items[next];
        size_t table = (size_t)(part->table - export->map->tables);
        if (table != writer->table)
            TRY(finish_file(writer, err));
        writer->table = table;
        TRY(target_read(conn, export->map, part, write_item, writer, err));
    }
}

static enum lf_code work(void *context, unsigned worker, struct pg_conn *conn, struct err *err)
{
    (void)worker;
    struct writer writer = { .export = context };
    enum lf_code code = write_parts(&writer, conn, err);
    export_file_free(writer.file);
    return code;
}

/* A table without items has one file nevertheless, as AWS's exports do. */
static enum lf_code write_empty(struct export *export, size_t index, struct err *err)
{
    struct writer writer = { .export = export, .table = index };
    if (export->tables[index].entry_count)
        return LF_OK;
    TRY(export_file_new(export->tables[index].data, &writer.file, err));
    enum lf_code code = finish_file(&writer, err);
    export_file_free(writer.file);
    return code;
}

/* Manifests. */

static enum lf_code write_manifest(struct export *export, const struct export_table *table, const char *name, struct span text,
                                   struct err *err)
{
    char md5[MD5_BASE64_BYTES + 1];
    struct span json_name, md5_name;
    TRY(md5_of(text, md5, err));
    TRY(arena_printf(&export->arena, &json_name, err, "%s.json", name));
    TRY(arena_printf(&export->arena, &md5_name, err, "%s.md5", name));
    TRY(write_file(export, table->folder, md5_name.ptr, span_from_cstr(md5), err));
    return write_file(export, table->folder, json_name.ptr, text, err);
}

static enum lf_code fill_manifest(const struct export *export, size_t index, struct export_manifest *manifest, struct err *err)
{
    uint16_t r[8];
    TRY(random_bytes(r, sizeof r, err));
    *manifest = (struct export_manifest){
        .table = &export->map->tables[index],
        .start_ms = export->start_ms,
        .end_ms = now_ms(),
        .entries = export->tables[index].entries,
        .entry_count = export->tables[index].entry_count,
    };
    memcpy(manifest->id, export->id, sizeof manifest->id);
    (void)snprintf(manifest->table_id, sizeof manifest->table_id, "%04x%04x-%04x-4%03x-%04x-%04x%04x%04x", r[0], r[1], r[2],
                   r[3] & 0xfffu, (r[4] & 0x3fffu) | 0x8000u, r[5], r[6], r[7]);
    return LF_OK;
}

static enum lf_code write_manifests(struct export *export, size_t index, struct buf *text, struct err *err)
{
    struct export_manifest manifest;
    TRY(fill_manifest(export, index, &manifest, err));
    manifest_put_files(text, &manifest);
    TRY(buf_check(text, err));
    TRY(write_manifest(export, &export->tables[index], "manifest-files", buf_span(text), err));
    buf_reset(text);
    manifest_put_summary(text, &manifest);
    TRY(buf_check(text, err));
    return write_manifest(export, &export->tables[index], "manifest-summary", buf_span(text), err);
}

static enum lf_code finish_table(struct export *export, size_t index, struct err *err)
{
    struct buf text;
    TRY(write_empty(export, index, err));
    buf_init(&text, EXPORT_TEXT_BYTES);
    enum lf_code code = write_manifests(export, index, &text, err);
    buf_done(&text);
    return code;
}

static void add_up(const struct export *export, struct export_result *result)
{
    for (size_t t = 0; t < export->map->table_count; t++) {
        const struct export_table *table = &export->tables[t];
        result->files += table->entry_count;
        for (size_t i = 0; i < table->entry_count; i++) {
            result->items += table->entries[i].items;
            result->bytes += table->entries[i].bytes;
        }
    }
}

static enum lf_code run(struct export *export, struct err *err)
{
    TRY(snapshot_open(export->options->postgres, &export->snapshot, err));
    export->crew.snapshot = export->snapshot.name;
    TRY(target_plan(export->snapshot.conn, export->map, EXPORT_PAGES_PER_PART, &export->arena, &export->parts, err));
    export->crew.items_total = export->parts.row_estimate;
    TRY(make_folders(export, err));
    TRY(crew_run(&export->crew, work, export, err));
    for (size_t t = 0; t < export->map->table_count; t++)
        TRY(finish_table(export, t, err));
    return LF_OK;
}

enum lf_code export_run(const struct map *map, const struct export_options *options, export_report *report, void *context,
                        struct export_result *ret_result, struct err *err)
{
    struct export export = {
        .map = map,
        .options = options,
        .crew = { .postgres = options->postgres, .jobs = options->jobs, .report = report, .report_context = context },
    };
    struct export_result result = { 0 };
    int64_t start_ms = now_ms();
    if (pthread_mutex_init(&export.mutex, NULL) != 0)
        return ERR(err, LF_MEMORY, "cannot make a mutex");
    arena_init(&export.arena, EXPORT_ARENA_BYTES);
    enum lf_code code = run(&export, err);
    if (code == LF_OK)
        add_up(&export, &result);
    snapshot_close(&export.snapshot);
    arena_done(&export.arena);
    pthread_mutex_destroy(&export.mutex);
    TRY(code);
    result.seconds = (double)(now_ms() - start_ms) / 1000;
    *ret_result = result;
    return LF_OK;
}
