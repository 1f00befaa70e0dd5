#include "source/manifest.h"

#include "codec/json.h"
#include "codec/timestamp.h"
#include "source/md5.h"
#include "source/source.h"

/* A flat JSON object's members; what is not a string or number is skipped. */
struct members {
    struct json_reader json;
    struct span name;
    struct json_token value;
};

static enum lf_code members_begin(struct members *members, struct span text, struct arena *arena, struct err *err)
{
    struct json_token first;
    json_init(&members->json, text, arena);
    return json_expect(&members->json, JSON_OBJECT_BEGIN, &first, err);
}

static enum lf_code members_next(struct members *members, bool *ret_more, struct err *err)
{
    struct json_token name;
    TRY(json_next(&members->json, &name, err));
    *ret_more = name.kind != JSON_OBJECT_END;
    if (!*ret_more)
        return json_end(&members->json, err);
    members->name = name.text;
    TRY(json_next(&members->json, &members->value, err));
    return json_skip(&members->json, &members->value, err);
}

/* The string if the member is called so; the rest is for the next in line. */
static bool member_string(const struct members *members, struct span name, struct span *ret_text)
{
    if (!span_equal(members->name, name) || members->value.kind != JSON_STRING)
        return false;
    *ret_text = members->value.text;
    return true;
}

static enum lf_code member_count(const struct members *members, struct span name, int64_t *ret_count, struct err *err)
{
    if (!span_equal(members->name, name))
        return LF_OK;
    struct span digits = members->value.kind == JSON_NUMBER ? members->value.text : SPAN("");
    int64_t count = digits.len ? 0 : -1;
    for (size_t i = 0; count >= 0 && i < digits.len; i++) {
        char digit = digits.ptr[i];
        if (digit < '0' || digit > '9' || __builtin_mul_overflow(count, 10, &count) ||
            __builtin_add_overflow(count, digit - '0', &count))
            count = -1;
    }
    if (count < 0)
        return ERR(err, LF_SOURCE, "%.*s is not a count", SPAN_ARG(name));
    *ret_count = count;
    return LF_OK;
}

/* Compares with "<name>.md5" beside "<name>.json", where there is one. */
static enum lf_code check_md5(struct tree *tree, struct span folder, const char *name, struct span text, struct arena *arena,
                              struct err *err)
{
    struct span path, want;
    enum tree_kind kind;
    int64_t size;
    TRY(arena_printf(arena, &path, err, "%s/%s.md5", folder.ptr, name));
    TRY(tree->functions->look(tree, path, &kind, &size, err));
    if (kind != TREE_FILE)
        return LF_OK;
    TRY(tree_read_text(tree, path, MANIFEST_SUMMARY_BYTES_MAX, arena, &want, err));
    while (want.len && strchr(" \r\n", want.ptr[want.len - 1]))
        want.len--;
    char md5[MD5_BASE64_BYTES + 1];
    TRY(md5_of(text, md5, err));
    if (!span_equal(want, span_from_cstr(md5)))
        return ERR(err, LF_CHECKSUM, "%s/%s.json: its MD5 is %s, %s.md5 says %.*s", folder.ptr, name, md5, name, SPAN_ARG(want));
    return LF_OK;
}

static enum lf_code read_checked(struct tree *tree, struct span folder, const char *name, size_t limit_bytes, struct arena *arena,
                                 struct span *ret_text, struct err *err)
{
    struct span path;
    TRY(arena_printf(arena, &path, err, "%s/%s.json", folder.ptr, name));
    TRY(tree_read_text(tree, path, limit_bytes, arena, ret_text, err));
    return check_md5(tree, folder, name, *ret_text, arena, err);
}

struct summary {
    struct span table_arn, format, type, export_time, from_time, to_time;
    int64_t item_count;
};

static enum lf_code parse_summary(struct span text, struct arena *arena, struct summary *summary, struct err *err)
{
    struct members members;
    bool more;
    TRY(members_begin(&members, text, arena, err));
    for (;;) {
        TRY(members_next(&members, &more, err));
        if (!more)
            return LF_OK;
        (void)(member_string(&members, SPAN("tableArn"), &summary->table_arn) ||
               member_string(&members, SPAN("outputFormat"), &summary->format) ||
               member_string(&members, SPAN("exportType"), &summary->type) ||
               member_string(&members, SPAN("exportTime"), &summary->export_time) ||
               member_string(&members, SPAN("exportFromTime"), &summary->from_time) ||
               member_string(&members, SPAN("exportToTime"), &summary->to_time));
        TRY(member_count(&members, SPAN("itemCount"), &summary->item_count, err));
    }
}

/* arn:aws:dynamodb:region:account:table/NAME */
static enum lf_code table_of_arn(struct span arn, struct arena *arena, struct span *ret_table, struct err *err)
{
    size_t at = span_find(arn, SPAN(":table/"));
    struct span name = span_from(arn, at + sizeof ":table/" - 1);
    name.len = span_find_byte(name, '/');
    if (name.len == 0)
        return ERR(err, LF_SOURCE, "tableArn is not the ARN of a table");
    return arena_copy(arena, name, ret_table, err);
}

static enum lf_code check_summary(struct span folder, const struct summary *summary, struct err *err)
{
    if (!span_equal(summary->format, SPAN("DYNAMODB_JSON")) && !span_equal(summary->format, SPAN("ION")))
        return ERR(err, LF_SOURCE, "%s/manifest-summary.json: outputFormat is neither DYNAMODB_JSON nor ION", folder.ptr);
    return LF_OK;
}

static enum lf_code read_time(struct span text, const char *name, int64_t *ret_us, struct err *err)
{
    enum timestamp_format format = timestamp_detect(text);
    if (format == TIMESTAMP_FORMATS || !timestamp_parse(text, format, ret_us))
        return ERR(err, LF_SOURCE, "%s \"%.*s\" is not a time", name, SPAN_ARG(text));
    return LF_OK;
}

static enum lf_code read_times(const struct summary *summary, struct manifest *manifest, struct err *err)
{
    manifest->is_incremental = span_equal(summary->type, SPAN("INCREMENTAL_EXPORT"));
    manifest->from_us = manifest->to_us = MANIFEST_TIME_UNKNOWN;
    if (!manifest->is_incremental)
        return summary->export_time.len ? read_time(summary->export_time, "exportTime", &manifest->to_us, err) : LF_OK;
    TRY(read_time(summary->from_time, "exportFromTime", &manifest->from_us, err));
    TRY(read_time(summary->to_time, "exportToTime", &manifest->to_us, err));
    if (manifest->from_us >= manifest->to_us)
        return ERR(err, LF_SOURCE, "exportFromTime is not before exportToTime");
    return LF_OK;
}

static enum lf_code read_summary(struct tree *tree, struct span folder, struct arena *arena, struct manifest *manifest,
                                 struct err *err)
{
    struct span text;
    struct summary summary = { .item_count = -1 };
    TRY(read_checked(tree, folder, "manifest-summary", MANIFEST_SUMMARY_BYTES_MAX, arena, &text, err));
    if (parse_summary(text, arena, &summary, err) != LF_OK ||
        table_of_arn(summary.table_arn, arena, &manifest->table, err) != LF_OK || read_times(&summary, manifest, err) != LF_OK)
        return err_while(err, "reading %s/manifest-summary.json", folder.ptr);
    manifest->item_count = summary.item_count;
    return check_summary(folder, &summary, err);
}

enum lf_code manifest_read_summary(struct tree *tree, struct span folder, struct arena *arena, struct manifest *ret_manifest,
                                   struct err *err)
{
    struct manifest manifest = { 0 };
    TRY(read_summary(tree, folder, arena, &manifest, err));
    *ret_manifest = manifest;
    return LF_OK;
}

/* Whether a component of the path is "..", or it is absolute. */
static bool leaves_folder(struct span path)
{
    if (span_starts_with(path, SPAN("/")))
        return true;
    while (path.len) {
        size_t end = span_find_byte(path, '/');
        if (span_equal(span_of(path.ptr, end), SPAN("..")))
            return true;
        path = span_from(path, end + 1);
    }
    return false;
}

/* "prefix/AWSDynamoDB/<id>/data/x.json.gz" gives "data/x.json.gz", and so does "prefix/AWSDynamoDB/data/x.json.gz" of an
 * incremental export. The prefix may hold the word too: the last one counts. */
static enum lf_code path_of_key(struct span key, bool is_incremental, struct arena *arena, struct span *ret_path, struct err *err)
{
    static const struct span marker = { "AWSDynamoDB/", 12 };
    struct span rest = key;
    for (size_t at; (at = span_find(rest, marker)) < rest.len;)
        rest = span_from(rest, at + marker.len);
    bool has_marker = rest.ptr != key.ptr;
    if (!is_incremental)
        rest = span_from(rest, span_find_byte(rest, '/') + 1);
    if (!has_marker || rest.len == 0 || span_find_byte(rest, '\0') < rest.len || leaves_folder(rest))
        return ERR(err, LF_SOURCE, "dataFileS3Key %.*s is not below AWSDynamoDB/%s", SPAN_ARG(key),
                   is_incremental ? "" : "<id>/");
    return arena_copy(arena, rest, ret_path, err);
}

static enum lf_code parse_file(struct span line, bool is_incremental, struct arena *arena, struct manifest_file *file,
                               struct err *err)
{
    struct members members;
    struct span key = { 0 }, md5 = { 0 };
    bool more = true;
    file->item_count = -1;
    TRY(members_begin(&members, line, arena, err));
    while (more) {
        TRY(members_next(&members, &more, err));
        if (!more)
            break;
        (void)(member_string(&members, SPAN("dataFileS3Key"), &key) || member_string(&members, SPAN("md5Checksum"), &md5));
        TRY(member_count(&members, SPAN("itemCount"), &file->item_count, err));
    }
    TRY(arena_copy(arena, md5, &file->md5, err));
    return path_of_key(key, is_incremental, arena, &file->path, err);
}

static size_t count_lines(struct span text)
{
    struct span line;
    size_t lines = 0;
    while (source_next_line(&text, &line))
        lines += line.len > 0;
    return lines;
}

static enum lf_code parse_files(struct span text, struct arena *arena, struct manifest *manifest, struct err *err)
{
    struct span line;
    manifest->files = arena_calloc(arena, count_lines(text), sizeof *manifest->files, err);
    if (!manifest->files)
        return err->code;
    for (unsigned number = 1; source_next_line(&text, &line); number++) {
        if (line.len && parse_file(line, manifest->is_incremental, arena, &manifest->files[manifest->file_count++], err) != LF_OK)
            return err_while(err, "reading line %u", number);
    }
    return LF_OK;
}

static enum lf_code check_counts(struct span folder, const struct manifest *manifest, struct err *err)
{
    int64_t sum = 0;
    for (size_t i = 0; i < manifest->file_count; i++) {
        if (manifest->files[i].item_count < 0 || __builtin_add_overflow(sum, manifest->files[i].item_count, &sum))
            return LF_OK;
    }
    if (manifest->item_count >= 0 && sum != manifest->item_count)
        return ERR(err, LF_CHECKSUM, "%s: manifest-files.json lists %lld items, manifest-summary.json says %lld", folder.ptr,
                   (long long)sum, (long long)manifest->item_count);
    return LF_OK;
}

enum lf_code manifest_read(struct tree *tree, struct span folder, struct arena *arena, struct manifest *ret_manifest,
                           struct err *err)
{
    struct span text;
    struct manifest manifest = { 0 };
    TRY(read_summary(tree, folder, arena, &manifest, err));
    TRY(read_checked(tree, folder, "manifest-files", MANIFEST_FILES_BYTES_MAX, arena, &text, err));
    if (parse_files(text, arena, &manifest, err) != LF_OK)
        return err_while(err, "reading %s/manifest-files.json", folder.ptr);
    TRY(check_counts(folder, &manifest, err));
    *ret_manifest = manifest;
    return LF_OK;
}
