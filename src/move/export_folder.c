#include "move/export_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
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

static enum lf_code make_root(const char *path, bool *ret_made, struct err *err)
{
    *ret_made = mkdir(path, FOLDER_MODE) == 0;
    if (*ret_made)
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
static enum lf_code write_file(struct export_folder *folder, struct span within, const char *name, struct span content,
                               struct err *err)
{
    struct span path;
    TRY(arena_printf(&folder->arena, &path, err, "%.*s/%s", SPAN_ARG(within), name));
    return export_write_whole(path.ptr, content, err);
}

static enum lf_code write_table_json(struct export_folder *folder, size_t index, struct err *err)
{
    struct buf text;
    buf_init(&text, EXPORT_TEXT_BYTES);
    manifest_put_table(&text, &folder->map->tables[index]);
    enum lf_code code = buf_check(&text, err);
    if (code == LF_OK)
        code = write_file(folder, folder->tables[index].root, "table.json", buf_span(&text), err);
    buf_done(&text);
    return code;
}

static enum lf_code make_table_folders(struct export_folder *folder, size_t index, struct err *err)
{
    struct export_table *table = &folder->tables[index];
    struct span name = folder->map->tables[index].name;
    struct span above;
    TRY(check_name(name, err));
    TRY(arena_printf(&folder->arena, &table->root, err, "%s/%.*s", folder->dir, SPAN_ARG(name)));
    TRY(arena_printf(&folder->arena, &above, err, "%s/AWSDynamoDB", table->root.ptr));
    TRY(arena_printf(&folder->arena, &table->folder, err, "%s/%s", above.ptr, folder->id));
    TRY(arena_printf(&folder->arena, &table->data, err, "%s/data", table->folder.ptr));
    TRY(make_folder(table->root.ptr, err));
    TRY(make_folder(above.ptr, err));
    TRY(make_folder(table->folder.ptr, err));
    TRY(make_folder(table->data.ptr, err));
    TRY(write_file(folder, table->folder, "_started", SPAN(""), err));
    return write_table_json(folder, index, err);
}

static enum lf_code make_folders(struct export_folder *folder, struct err *err)
{
    uint32_t random;
    TRY(random_bytes(&random, sizeof random, err));
    folder->start_ms = now_ms();
    (void)snprintf(folder->id, sizeof folder->id, "%014lld-%08x", (long long)folder->start_ms, (unsigned)random);
    folder->tables = arena_calloc(&folder->arena, folder->map->table_count, sizeof *folder->tables, err);
    if (!folder->tables)
        return err->code;
    TRY(make_root(folder->dir, &folder->made_dir, err));
    for (size_t t = 0; t < folder->map->table_count; t++)
        TRY(make_table_folders(folder, t, err));
    return LF_OK;
}

enum lf_code export_folder_open(struct export_folder *folder, const struct map *map, const char *dir, struct err *err)
{
    struct export_folder opened = { .map = map, .dir = dir };
    if (pthread_mutex_init(&opened.mutex, NULL) != 0)
        return ERR(err, LF_MEMORY, "cannot make a mutex");
    arena_init(&opened.arena, EXPORT_ARENA_BYTES);
    *folder = opened;
    enum lf_code code = make_folders(folder, err);
    if (code != LF_OK)
        export_folder_close(folder);
    return code;
}

/* Whatever is in a folder that bears the export's own id. */
static void remove_files(const char *path)
{
    DIR *dir = opendir(path);
    for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir))
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    if (dir)
        (void)closedir(dir);
    (void)rmdir(path);
}

static void remove_within(struct export_folder *folder, struct span within, const char *name, int (*remove_one)(const char *))
{
    struct span path;
    struct err ignored = ERR_INIT;
    if (arena_printf(&folder->arena, &path, &ignored, "%.*s/%s", SPAN_ARG(within), name) == LF_OK)
        (void)remove_one(path.ptr);
}

/* Paths are made in the order of the folders, so the last one is there when all are. */
static void remove_table(struct export_folder *folder, const struct export_table *table)
{
    if (!table->data.ptr)
        return;
    remove_files(table->data.ptr);
    remove_files(table->folder.ptr);
    remove_within(folder, table->root, "AWSDynamoDB", rmdir);
    remove_within(folder, table->root, "table.json", unlink);
    (void)rmdir(table->root.ptr);
}

static void remove_unfinished(struct export_folder *folder)
{
    for (size_t t = 0; folder->tables && t < folder->map->table_count; t++)
        remove_table(folder, &folder->tables[t]);
    if (folder->made_dir)
        (void)rmdir(folder->dir);
}

void export_folder_close(struct export_folder *folder)
{
    if (!folder->map)
        return;
    if (!folder->is_finished)
        remove_unfinished(folder);
    arena_done(&folder->arena);
    pthread_mutex_destroy(&folder->mutex);
    *folder = (struct export_folder){ 0 };
}

/* Data. */

static enum lf_code add_entry(struct export_folder *folder, struct export_table *table, const struct export_entry *entry,
                              struct err *err)
{
    enum { FIRST_ENTRIES = 16 };
    if (table->entry_count == table->entry_capacity) {
        size_t capacity = table->entry_capacity ? 2 * table->entry_capacity : FIRST_ENTRIES;
        struct export_entry *entries = arena_calloc(&folder->arena, capacity, sizeof *entries, err);
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

enum lf_code export_writer_finish(struct export_writer *writer, struct err *err)
{
    struct export_folder *folder = writer->folder;
    struct export_entry entry;
    if (!writer->file)
        return LF_OK;
    TRY(export_file_finish(writer->file, &entry, err));
    export_file_free(writer->file);
    writer->file = NULL;
    pthread_mutex_lock(&folder->mutex);
    enum lf_code code = add_entry(folder, &folder->tables[writer->table], &entry, err);
    pthread_mutex_unlock(&folder->mutex);
    return code;
}

enum lf_code export_writer_turn(struct export_writer *writer, size_t table, struct err *err)
{
    if (table != writer->table)
        TRY(export_writer_finish(writer, err));
    writer->table = table;
    return LF_OK;
}

enum lf_code export_writer_put(struct export_writer *writer, const struct item *item, struct err *err)
{
    if (!writer->file)
        TRY(export_file_new(writer->folder->tables[writer->table].data, &writer->file, err));
    TRY(export_file_put(writer->file, item, err));
    return export_file_is_full(writer->file) ? export_writer_finish(writer, err) : LF_OK;
}

void export_writer_done(struct export_writer *writer)
{
    export_file_free(writer->file);
    writer->file = NULL;
}

/* A table without items has one file nevertheless, as AWS's exports do. */
static enum lf_code write_empty(struct export_folder *folder, size_t index, struct err *err)
{
    struct export_writer writer = { .folder = folder, .table = index };
    if (folder->tables[index].entry_count)
        return LF_OK;
    TRY(export_file_new(folder->tables[index].data, &writer.file, err));
    enum lf_code code = export_writer_finish(&writer, err);
    export_writer_done(&writer);
    return code;
}

/* Manifests. */

static enum lf_code write_manifest(struct export_folder *folder, const struct export_table *table, const char *name,
                                   struct span text, struct err *err)
{
    char md5[MD5_BASE64_BYTES + 1];
    struct span json_name, md5_name;
    TRY(md5_of(text, md5, err));
    TRY(arena_printf(&folder->arena, &json_name, err, "%s.json", name));
    TRY(arena_printf(&folder->arena, &md5_name, err, "%s.md5", name));
    TRY(write_file(folder, table->folder, md5_name.ptr, span_from_cstr(md5), err));
    return write_file(folder, table->folder, json_name.ptr, text, err);
}

static enum lf_code fill_manifest(const struct export_folder *folder, size_t index, struct export_manifest *manifest,
                                  struct err *err)
{
    uint16_t r[8];
    TRY(random_bytes(r, sizeof r, err));
    *manifest = (struct export_manifest){
        .table = &folder->map->tables[index],
        .start_ms = folder->start_ms,
        .end_ms = now_ms(),
        .entries = folder->tables[index].entries,
        .entry_count = folder->tables[index].entry_count,
    };
    memcpy(manifest->id, folder->id, sizeof manifest->id);
    (void)snprintf(manifest->table_id, sizeof manifest->table_id, "%04x%04x-%04x-4%03x-%04x-%04x%04x%04x", r[0], r[1], r[2],
                   r[3] & 0xfffu, (r[4] & 0x3fffu) | 0x8000u, r[5], r[6], r[7]);
    return LF_OK;
}

static enum lf_code write_manifests(struct export_folder *folder, size_t index, struct buf *text, struct err *err)
{
    struct export_manifest manifest;
    TRY(fill_manifest(folder, index, &manifest, err));
    manifest_put_files(text, &manifest);
    TRY(buf_check(text, err));
    TRY(write_manifest(folder, &folder->tables[index], "manifest-files", buf_span(text), err));
    buf_reset(text);
    manifest_put_summary(text, &manifest);
    TRY(buf_check(text, err));
    return write_manifest(folder, &folder->tables[index], "manifest-summary", buf_span(text), err);
}

static enum lf_code finish_table(struct export_folder *folder, size_t index, struct err *err)
{
    struct buf text;
    TRY(write_empty(folder, index, err));
    buf_init(&text, EXPORT_TEXT_BYTES);
    enum lf_code code = write_manifests(folder, index, &text, err);
    buf_done(&text);
    return code;
}

static void add_up(const struct export_folder *folder, struct export_result *result)
{
    for (size_t t = 0; t < folder->map->table_count; t++) {
        const struct export_table *table = &folder->tables[t];
        result->files += table->entry_count;
        for (size_t i = 0; i < table->entry_count; i++) {
            result->items += table->entries[i].items;
            result->bytes += table->entries[i].bytes;
        }
    }
}

enum lf_code export_folder_finish(struct export_folder *folder, struct export_result *ret_result, struct err *err)
{
    struct export_result result = { 0 };
    for (size_t t = 0; t < folder->map->table_count; t++)
        TRY(finish_table(folder, t, err));
    add_up(folder, &result);
    folder->is_finished = true;
    result.seconds = (double)(now_ms() - folder->start_ms) / 1000;
    *ret_result = result;
    return LF_OK;
}
