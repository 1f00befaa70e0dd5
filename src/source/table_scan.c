#include "source/table_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "aws/answer.h"
#include "aws/dynamodb_items.h"
#include "aws/pace.h"
#include "base/limits.h"
#include "source/table_json.h"

enum {
    PAGE_ARENA_BYTES = 256 * 1024 * 1024,
    POSITION_BYTES_MAX = 64 * 1024,
    CHUNK_SECONDS = 3,     /* of reading, at a slow pace: what a crash may cost */
    OPEN_ATTEMPTS = 5,     /* who waits for a first answer wants to know */
    SCAN_ATTEMPTS = 40,    /* under throttling; with pauses of at most 10 s, some minutes */
    UNIT_BYTES = 2 * 4096, /* of an eventually consistent read of one unit of capacity */
    PAGE_BYTES = 1024 * 1024,
    PERCENT_MAX = 100,
};

static const char scheme[] = "dynamodb://";

/* Where the scan of a segment stands. The thread that reads it owns it. */
struct segment_reader {
    struct buf position; /* LastEvaluatedKey; empty: at the beginning */
    uint64_t number;     /* of the next chunk */
    uint64_t lines;      /* before it */
    uint64_t offset;     /* of its first byte, among the bytes read by this process */
    bool has_begun;
    double page_units; /* that the last page has cost; 0: none was read */
};

struct table_scan {
    struct dynamodb *client; /* owned */
    struct span table;       /* in the source's arena */
    struct pace pace;
    const _Atomic bool *is_over; /* borrowed, may be NULL */
    double item_units;           /* that an item costs by the table's description, at least a little */
    double segment_units;        /* that a segment costs by it */
    _Atomic double first_units;  /* that the first page of a segment has cost, of the last that was begun; 0: none */
    struct segment_reader segments[SCAN_SEGMENTS];
};

/* The table --------------------------------------------------------------------------------------------------------------- */

bool table_scan_is_meant(const char *path)
{
    return strncmp(path, scheme, sizeof scheme - 1) == 0;
}

static bool is_table_name(struct span name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
    bool is_arn = span_starts_with(name, SPAN("arn:"));
    for (size_t i = 0; !is_arn && i < name.len; i++)
        if (!memchr(allowed, name.ptr[i], sizeof allowed - 1))
            return false;
    return name.len > 0;
}

/* What a description says besides keys and indexes. */
struct description {
    struct span arn, id, created, status;
    double size_bytes, items, read_units;
};

static enum lf_code read_description(struct span text, struct arena *arena, struct description *ret_description, struct err *err)
{
    enum { ARN, ID, CREATED, STATUS, BYTES, ITEMS, THROUGHPUT, FIELDS };
    struct answer_field fields[FIELDS] = { [ARN] = { .name = SPAN("TableArn") },
                                           [ID] = { .name = SPAN("TableId") },
                                           [CREATED] = { .name = SPAN("CreationDateTime") },
                                           [STATUS] = { .name = SPAN("TableStatus") },
                                           [BYTES] = { .name = SPAN("TableSizeBytes") },
                                           [ITEMS] = { .name = SPAN("ItemCount") },
                                           [THROUGHPUT] = { .name = SPAN("ProvisionedThroughput") } };
    struct answer_field table = { .name = SPAN("Table") }, units = { .name = SPAN("ReadCapacityUnits") };
    struct description description;
    TRY(answer_fields(text, arena, &table, 1, err));
    TRY(answer_fields(table.value, arena, fields, FIELDS, err));
    TRY(answer_fields(fields[THROUGHPUT].value, arena, &units, 1, err));
    TRY(answer_text(fields[ARN].value, arena, &description.arn, err));
    TRY(answer_text(fields[ID].value, arena, &description.id, err));
    TRY(answer_text(fields[CREATED].value, arena, &description.created, err));
    TRY(answer_text(fields[STATUS].value, arena, &description.status, err));
    TRY(answer_double(fields[BYTES].value, arena, &description.size_bytes, err));
    TRY(answer_double(fields[ITEMS].value, arena, &description.items, err));
    TRY(answer_double(units.value, arena, &description.read_units, err));
    *ret_description = description;
    return LF_OK;
}

/* A table that is made anew under the same name is another one. */
static enum lf_code set_identity(struct source *source, const struct description *description, struct err *err)
{
    struct span which = description->id.len ? description->id : description->created;
    return arena_printf(&source->arena, &source->identity, err, "%.*s %.*s", SPAN_ARG(description->arn), SPAN_ARG(which));
}

static enum lf_code set_table(struct source *source, struct span text, struct err *err)
{
    source->tables = arena_calloc(&source->arena, 1, sizeof *source->tables, err);
    source->table_times = source->tables ? arena_calloc(&source->arena, 1, sizeof *source->table_times, err) : NULL;
    if (!source->table_times)
        return err->code;
    source->table_count = 1;
    source->table_times[0] = MANIFEST_TIME_UNKNOWN;
    return table_json_parse(text, &source->arena, &source->tables[0], err);
}

static enum lf_code set_files(struct source *source, struct err *err)
{
    source->files = arena_calloc(&source->arena, SCAN_SEGMENTS, sizeof *source->files, err);
    if (!source->files)
        return err->code;
    source->file_count = SCAN_SEGMENTS;
    for (size_t i = 0; i < SCAN_SEGMENTS; i++) {
        struct source_file *file = &source->files[i];
        *file = (struct source_file){ .item_count = -1, .size_bytes = source->size_bytes / SCAN_SEGMENTS };
        TRY(arena_printf(&source->arena, &file->name, err, "segment %02zu of %d", i, SCAN_SEGMENTS));
        TRY(arena_printf(&source->arena, &file->path, err, "%.*s, segment %zu", SPAN_ARG(source->path), i));
    }
    return LF_OK;
}

/* The pace ---------------------------------------------------------------------------------------------------------------- */

static enum lf_code read_rate(const char *text, const struct description *description, double *ret_units_per_s, struct err *err)
{
    char *end = NULL;
    double number = text ? strtod(text, &end) : 0;
    bool is_percent = text && end != text && strcmp(end, "%") == 0;
    *ret_units_per_s = is_percent ? number / PERCENT_MAX * description->read_units : number;
    if (!text)
        return LF_OK;
    if (end == text || (*end && !is_percent) || !(number > 0) || (is_percent && number > PERCENT_MAX))
        return ERR(err, LF_USAGE, "--max-rcu %s: neither units a second, as 500, nor a share of what is provisioned, as 20%%",
                   text);
    if (is_percent && description->read_units <= 0)
        return ERR(err, LF_USAGE, "--max-rcu %s: the table has no provisioned capacity (it is on demand); give units a second",
                   text);
    return LF_OK;
}

static double item_units_of(const struct description *description)
{
    double mean = description->items > 0 ? description->size_bytes / description->items : UNIT_BYTES;
    return (mean > 1 ? mean : 1) / UNIT_BYTES;
}

/* Opening ----------------------------------------------------------------------------------------------------------------- */

static enum lf_code describe(struct table_scan *scan, struct source *source, struct span *ret_text, struct err *err)
{
    if (dynamodb_describe_table(scan->client, scan->table, &source->arena, ret_text, err) == LF_OK)
        return LF_OK;
    return err_while(err, "asking %.*s (region %.*s) for table %.*s", SPAN_ARG(dynamodb_endpoint(scan->client)),
                     SPAN_ARG(dynamodb_region(scan->client)), SPAN_ARG(scan->table));
}

static enum lf_code fill_source(struct table_scan *scan, const struct source_options *options, struct source *source,
                                struct err *err)
{
    struct span text;
    struct description description;
    double units_per_s;
    TRY(describe(scan, source, &text, err));
    TRY(read_description(text, &source->arena, &description, err));
    TRY(read_rate(options->max_rcu, &description, &units_per_s, err));
    scan->pace.units_per_s = units_per_s;
    scan->item_units = item_units_of(&description);
    scan->segment_units = description.size_bytes / UNIT_BYTES / SCAN_SEGMENTS;
    source->size_bytes = (int64_t)description.size_bytes;
    source->item_count = -1; /* the table's count is of hours ago */
    TRY(set_identity(source, &description, err));
    TRY(set_table(source, text, err));
    return set_files(source, err);
}

static enum lf_code init_scan(struct table_scan *scan, const struct source_options *options, struct source *source,
                              struct err *err)
{
    const struct dynamodb_options client = {
        .region = options->region, .endpoint = options->endpoint, .attempts_max = OPEN_ATTEMPTS, .is_over = options->is_over
    };
    scan->table = span_from(source->path, sizeof scheme - 1);
    if (!is_table_name(scan->table))
        return ERR(err, LF_USAGE, "%s names no table; a table is dynamodb://NAME", source->path.ptr);
    TRY(dynamodb_open(&client, &scan->client, err));
    TRY(fill_source(scan, options, source, err));
    dynamodb_set_attempts(scan->client, SCAN_ATTEMPTS);
    return LF_OK;
}

enum lf_code table_scan_open(const char *path, const struct source_options *options, struct source *source, struct err *err)
{
    struct table_scan *scan = calloc(1, sizeof *scan);
    if (!scan)
        return ERR(err, LF_MEMORY, "out of memory for a scan");
    pace_init(&scan->pace, 0);
    scan->is_over = options->is_over;
    for (size_t i = 0; i < SCAN_SEGMENTS; i++)
        buf_init(&scan->segments[i].position, POSITION_BYTES_MAX);
    source->scan = scan;
    TRY(arena_copy(&source->arena, span_from_cstr(path), &source->path, err));
    return init_scan(scan, options, source, err);
}

void table_scan_close(struct table_scan *scan)
{
    if (!scan)
        return;
    for (size_t i = 0; i < SCAN_SEGMENTS; i++)
        buf_done(&scan->segments[i].position);
    dynamodb_close(scan->client);
    pace_done(&scan->pace);
    free(scan);
}

enum lf_code table_scan_read_item(struct table_scan *scan, const struct item *key, struct arena *arena, struct item *ret_item,
                                  bool *ret_found, struct err *err)
{
    double expected = 2 * scan->item_units, units = 0; /* twice: consistent */
    pace_wait(&scan->pace, expected, scan->is_over);
    enum lf_code code = dynamodb_get_item(scan->client, scan->table, key, arena, ret_item, ret_found, &units, err);
    pace_settle(&scan->pace, expected, units);
    return code;
}

/* Reading ----------------------------------------------------------------------------------------------------------------- */

static void reset(struct segment_reader *reader)
{
    struct buf position = reader->position;
    buf_reset(&position);
    *reader = (struct segment_reader){ .position = position };
}

void table_scan_rewind(struct table_scan *scan)
{
    for (size_t i = 0; i < SCAN_SEGMENTS; i++)
        reset(&scan->segments[i]);
}

enum lf_code table_scan_resume(struct table_scan *scan, size_t segment, uint64_t number, struct span position, struct err *err)
{
    struct segment_reader *reader = &scan->segments[segment];
    reset(reader);
    reader->number = number;
    buf_put_span(&reader->position, position);
    return buf_check(&reader->position, err);
}

bool table_scan_has_begun(const struct table_scan *scan, size_t segment)
{
    return scan->segments[segment].has_begun;
}

/* At a slow pace a page must not cost more than a second's worth: items of a page, 0: as many as fit. */
static unsigned page_limit(const struct table_scan *scan)
{
    double units_per_s = scan->pace.units_per_s;
    if (units_per_s <= 0 || units_per_s >= (double)PAGE_BYTES / UNIT_BYTES)
        return 0;
    double items = units_per_s / scan->item_units;
    return items < 1 ? 1 : (unsigned)items;
}

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

/* What a page will cost: as the one before, as that of another segment, or as much as the description says. */
static double expected_units(const struct table_scan *scan, const struct segment_reader *reader)
{
    double first = atomic_load(&scan->first_units);
    if (reader->page_units > 0)
        return reader->page_units;
    if (first > 0)
        return first;
    return smaller(smaller(scan->segment_units, (double)PAGE_BYTES / UNIT_BYTES), scan->pace.units_per_s);
}

static void put_lines(const struct dynamodb_page *page, struct buf *lines)
{
    for (size_t i = 0; i < page->count; i++) {
        buf_put_cstr(lines, "{\"Item\":");
        buf_put_span(lines, page->items[i]);
        buf_put_cstr(lines, "}\n");
    }
}

/* Servers that do not tell what a page has cost cost nothing; progress then goes by the bytes of its text. */
static int64_t bytes_of(const struct dynamodb_page *page, size_t text_bytes)
{
    return page->capacity > 0 ? (int64_t)(page->capacity * UNIT_BYTES) : (int64_t)text_bytes;
}

static enum lf_code read_page(struct table_scan *scan, unsigned segment, struct arena *arena, _Atomic int64_t *bytes_read,
                              struct source_chunk *chunk, struct err *err)
{
    struct segment_reader *reader = &scan->segments[segment];
    const struct dynamodb_scan request = { .table = scan->table,
                                           .segment = segment,
                                           .total_segments = SCAN_SEGMENTS,
                                           .limit = page_limit(scan),
                                           .exclusive_key = buf_span(&chunk->end) };
    struct dynamodb_page page = { 0 };
    double expected = expected_units(scan, reader);
    size_t before = chunk->data.len;
    pace_wait(&scan->pace, expected, scan->is_over);
    enum lf_code code = dynamodb_scan_page(scan->client, &request, arena, &page, err);
    pace_settle(&scan->pace, expected, page.capacity);
    TRY(code);
    put_lines(&page, &chunk->data);
    if (reader->page_units <= 0)
        atomic_store(&scan->first_units, page.capacity);
    reader->page_units = page.capacity;
    reader->lines += page.count;
    atomic_fetch_add(bytes_read, bytes_of(&page, chunk->data.len - before));
    buf_reset(&chunk->end);
    buf_put_span(&chunk->end, page.last_key);
    return buf_check(&chunk->end, err);
}

static double now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static enum lf_code read_pages(struct table_scan *scan, unsigned segment, _Atomic int64_t *bytes_read, struct source_chunk *chunk,
                               struct err *err)
{
    struct arena arena;
    double until_s = now_s() + CHUNK_SECONDS;
    enum lf_code code;
    arena_init(&arena, PAGE_ARENA_BYTES);
    do {
        arena_reset(&arena);
        code = read_page(scan, segment, &arena, bytes_read, chunk, err);
    } while (code == LF_OK && chunk->end.len && chunk->data.len < SOURCE_CHUNK_BYTES && now_s() < until_s);
    arena_done(&arena);
    return code == LF_OK ? buf_check(&chunk->data, err) : code;
}

static void begin_chunk(struct segment_reader *reader, struct source_chunk *chunk)
{
    reader->has_begun = true;
    chunk->format = EXPORT_DYNAMODB_JSON;
    chunk->number = reader->number;
    chunk->first_line = reader->lines + 1;
    chunk->offset = reader->offset;
    buf_reset(&chunk->data);
    buf_reset(&chunk->start);
    buf_reset(&chunk->end);
    buf_put_span(&chunk->start, buf_span(&reader->position));
    buf_put_span(&chunk->end, buf_span(&reader->position));
}

enum lf_code table_scan_next(struct table_scan *scan, size_t segment, _Atomic int64_t *bytes_read, struct source_chunk *chunk,
                             struct err *err)
{
    struct segment_reader *reader = &scan->segments[segment];
    begin_chunk(reader, chunk);
    if (read_pages(scan, (unsigned)segment, bytes_read, chunk, err) != LF_OK)
        return err_while(err, "scanning %.*s", SPAN_ARG(scan->table));
    chunk->is_last = chunk->end.len == 0;
    reader->number++;
    reader->offset += chunk->data.len;
    buf_reset(&reader->position);
    buf_put_span(&reader->position, buf_span(&chunk->end));
    return buf_check(&reader->position, err);
}
