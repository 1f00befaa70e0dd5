#include "move/export_manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "codec/base64.h"
#include "codec/json.h"

static void put_time(struct buf *buf, int64_t since_1970_ms)
{
    time_t seconds = (time_t)(since_1970_ms / 1000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    buf_printf(buf, "\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
               tm.tm_min, tm.tm_sec, (int)(since_1970_ms % 1000));
}

/* The part of a string between its quotes. */
static void put_escaped(struct buf *buf, struct span text)
{
    struct buf quoted;
    buf_init(&quoted, SIZE_MAX);
    json_put_string(&quoted, text);
    if (quoted.failed)
        buf->failed = true;
    else
        buf_put(buf, quoted.data + 1, quoted.len - 2);
    buf_done(&quoted);
}

static void put_table_arn(struct buf *buf, const struct export_manifest *manifest)
{
    buf_put_cstr(buf, "arn:aws:dynamodb:local:000000000000:table/");
    put_escaped(buf, manifest->table->name);
}

/* The prefix is the table's folder, so that the whole export can be copied into a bucket as it is. */
static void put_folder(struct buf *buf, const struct export_manifest *manifest)
{
    put_escaped(buf, manifest->table->name);
    buf_printf(buf, "/AWSDynamoDB/%s", manifest->id);
}

static uint64_t count_items(const struct export_manifest *manifest)
{
    uint64_t count = 0;
    for (size_t i = 0; i < manifest->entry_count; i++)
        count += manifest->entries[i].items;
    return count;
}

void manifest_put_summary(struct buf *buf, const struct export_manifest *manifest)
{
    buf_put_cstr(buf, "{\"version\":\"2020-06-30\",\"exportArn\":\"");
    put_table_arn(buf, manifest);
    buf_printf(buf, "/export/%s\",\"startTime\":", manifest->id);
    put_time(buf, manifest->start_ms);
    buf_put_cstr(buf, ",\"endTime\":");
    put_time(buf, manifest->end_ms);
    buf_put_cstr(buf, ",\"tableArn\":\"");
    put_table_arn(buf, manifest);
    buf_printf(buf, "\",\"tableId\":\"%s\",\"exportTime\":", manifest->table_id);
    put_time(buf, manifest->start_ms);
    buf_put_cstr(buf, ",\"s3Bucket\":\"local\",\"s3Prefix\":\"");
    put_escaped(buf, manifest->table->name);
    buf_put_cstr(buf, "\",\"s3SseAlgorithm\":\"AES256\",\"s3SseKmsKeyId\":null,\"manifestFilesS3Key\":\"");
    put_folder(buf, manifest);
    buf_printf(buf,
               "/manifest-files.json\",\"billedSizeBytes\":0,\"itemCount\":%" PRIu64 ",\"outputFormat\":\"DYNAMODB_JSON\"}\n",
               count_items(manifest));
}

/* S3's ETag of an object uploaded in one part: its MD5 in hexadecimal. */
static void put_etag(struct buf *buf, const struct export_entry *entry)
{
    enum { ETAG_ARENA_BYTES = 64 * 1024 };
    struct err err = ERR_INIT;
    struct arena arena;
    struct span md5;
    arena_init(&arena, ETAG_ARENA_BYTES);
    if (base64_decode(span_from_cstr(entry->md5), &arena, &md5, &err) == LF_OK)
        for (size_t i = 0; i < md5.len; i++)
            buf_printf(buf, "%02x", (unsigned char)md5.ptr[i]);
    else
        buf->failed = true;
    arena_done(&arena);
}

void manifest_put_files(struct buf *buf, const struct export_manifest *manifest)
{
    for (size_t i = 0; i < manifest->entry_count; i++) {
        const struct export_entry *entry = &manifest->entries[i];
        buf_printf(buf, "{\"itemCount\":%" PRIu64 ",\"md5Checksum\":\"%s\",\"etag\":\"", entry->items, entry->md5);
        put_etag(buf, entry);
        buf_put_cstr(buf, "\",\"dataFileS3Key\":\"");
        put_folder(buf, manifest);
        buf_printf(buf, "/data/%s\"}\n", entry->name);
    }
}

/* Key attributes of a table and its indexes, each once. */
struct definitions {
    struct buf *buf;
    size_t written;
};

static bool same_attribute(const struct key_attribute *a, const struct key_attribute *b)
{
    return a->name.ptr && b->name.ptr && span_equal(a->name, b->name);
}

static bool is_in(const struct key_schema *schema, const struct key_attribute *attribute)
{
    return same_attribute(&schema->partition, attribute) || same_attribute(&schema->sort, attribute);
}

/* Whether the table's key or an index before `index` has it. */
static bool is_defined(const struct map_table *table, size_t index, const struct key_attribute *attribute)
{
    if (is_in(&table->key, attribute))
        return true;
    for (size_t i = 0; i < index; i++)
        if (is_in(&table->indexes[i].key, attribute))
            return true;
    return false;
}

static void put_definition(struct definitions *definitions, const struct key_attribute *attribute)
{
    buf_put_cstr(definitions->buf, definitions->written++ ? ",{\"AttributeName\":" : "{\"AttributeName\":");
    json_put_string(definitions->buf, attribute->name);
    buf_printf(definitions->buf, ",\"AttributeType\":\"%s\"}", value_type_name(attribute->type));
}

static void put_definitions(struct buf *buf, const struct map_table *table)
{
    struct definitions definitions = { .buf = buf };
    put_definition(&definitions, &table->key.partition);
    if (key_schema_has_sort(&table->key))
        put_definition(&definitions, &table->key.sort);
    for (size_t i = 0; i < table->index_count; i++) {
        const struct key_schema *key = &table->indexes[i].key;
        if (!is_defined(table, i, &key->partition))
            put_definition(&definitions, &key->partition);
        if (key_schema_has_sort(key) && !is_defined(table, i, &key->sort))
            put_definition(&definitions, &key->sort);
    }
}

static void put_key_schema(struct buf *buf, const struct key_schema *key)
{
    buf_put_cstr(buf, "\"KeySchema\":[{\"AttributeName\":");
    json_put_string(buf, key->partition.name);
    buf_put_cstr(buf, ",\"KeyType\":\"HASH\"}");
    if (key_schema_has_sort(key)) {
        buf_put_cstr(buf, ",{\"AttributeName\":");
        json_put_string(buf, key->sort.name);
        buf_put_cstr(buf, ",\"KeyType\":\"RANGE\"}");
    }
    buf_put_byte(buf, ']');
}

static void put_projection(struct buf *buf, const struct secondary_index *index)
{
    const char *partial = index->included_count ? "INCLUDE" : "KEYS_ONLY";
    buf_printf(buf, "\"Projection\":{\"ProjectionType\":\"%s\"", index->is_partial ? partial : "ALL");
    for (size_t i = 0; i < index->included_count; i++) {
        buf_put_cstr(buf, i ? "," : ",\"NonKeyAttributes\":[");
        json_put_string(buf, index->included[i]);
    }
    buf_put_cstr(buf, index->included_count ? "]}" : "}");
}

static void put_indexes(struct buf *buf, const struct map_table *table, bool is_local)
{
    size_t written = 0;
    for (size_t i = 0; i < table->index_count; i++) {
        if (table->indexes[i].is_local != is_local)
            continue;
        if (written++ == 0)
            buf_printf(buf, ",\"%sSecondaryIndexes\":[{\"IndexName\":", is_local ? "Local" : "Global");
        else
            buf_put_cstr(buf, ",{\"IndexName\":");
        json_put_string(buf, table->indexes[i].name);
        buf_put_byte(buf, ',');
        put_key_schema(buf, &table->indexes[i].key);
        buf_put_byte(buf, ',');
        put_projection(buf, &table->indexes[i]);
        buf_put_byte(buf, '}');
    }
    if (written)
        buf_put_byte(buf, ']');
}

void manifest_put_table(struct buf *buf, const struct map_table *table)
{
    buf_put_cstr(buf, "{\"TableName\":");
    json_put_string(buf, table->name);
    buf_put_cstr(buf, ",\"AttributeDefinitions\":[");
    put_definitions(buf, table);
    buf_put_cstr(buf, "],");
    put_key_schema(buf, &table->key);
    buf_put_cstr(buf, ",\"BillingMode\":\"PAY_PER_REQUEST\"");
    put_indexes(buf, table, false);
    put_indexes(buf, table, true);
    buf_put_cstr(buf, "}\n");
}
