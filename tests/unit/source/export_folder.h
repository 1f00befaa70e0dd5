/* export_folder: a small export of DynamoDB to S3, as AWS lays it out. */
#pragma once

#include "temp_folder.h"

#include "source/md5.h"

static inline void export_write_md5(const char *name, struct span bytes)
{
    char md5[MD5_BASE64_BYTES + 1];
    struct err err = ERR_INIT;
    assert_int_equal(md5_of(bytes, md5, &err), LF_OK);
    temp_write_text(name, md5);
}

/* A manifest file and its .md5, in `folder`. */
static inline void export_write_manifest(const char *folder, const char *name, const char *text)
{
    char file[TEMP_PATH_BYTES];
    snprintf(file, sizeof file, "%s/%s.json", folder, name);
    temp_write_text(file, text);
    snprintf(file, sizeof file, "%s/%s.md5", folder, name);
    export_write_md5(file, span_from_cstr(text));
}

static inline void export_write_summary(const char *folder, const char *table, unsigned items, const char *more)
{
    char text[1024];
    snprintf(text, sizeof text,
             "{\"version\":\"2020-06-30\",\"tableArn\":\"arn:aws:dynamodb:eu-west-1:123456789012:table/%s\",\"s3Prefix\":null,"
             "\"itemCount\":%u%s}",
             table, items, more);
    export_write_manifest(folder, "manifest-summary", text);
}

static const char *const EXPORT_JSON = ",\"outputFormat\":\"DYNAMODB_JSON\"";

/* `folder` ends in AWSDynamoDB/<id>; one gzip file per text, each with `items` lines. */
static inline void export_write(const char *folder, const char *table, const char *const *texts, unsigned files, unsigned items)
{
    char manifest[4096] = "", file[TEMP_PATH_BYTES], md5[MD5_BASE64_BYTES + 1];
    for (unsigned i = 0; i < files; i++) {
        struct err err = ERR_INIT;
        struct buf member;
        buf_init(&member, TEMP_DATA_BYTES_MAX);
        gzip_put(&member, span_from_cstr(texts[i]), 6);
        snprintf(file, sizeof file, "%s/data/file%u.json.gz", folder, i);
        temp_write(file, buf_span(&member));
        assert_int_equal(md5_of(buf_span(&member), md5, &err), LF_OK);
        size_t len = strlen(manifest);
        snprintf(manifest + len, sizeof manifest - len,
                 "{\"itemCount\":%u,\"md5Checksum\":\"%s\",\"etag\":\"x-1\",\"dataFileS3Key\":\"some/prefix/%s\"}\n", items, md5,
                 file);
        buf_done(&member);
    }
    export_write_manifest(folder, "manifest-files", manifest);
    export_write_summary(folder, table, items * files, EXPORT_JSON);
}
