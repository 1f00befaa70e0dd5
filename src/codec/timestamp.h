/*
 * timestamp: the texts and numbers that applications write for an instant, and PostgreSQL's microseconds.
 *
 * An instant is int64 microseconds since 2000-01-01T00:00:00Z (PostgreSQL's timestamptz), a day is int32 days since 2000-01-01
 * (PostgreSQL's date). Every format is exact: `timestamp_format` of what `timestamp_parse` returned gives the same bytes, or
 * parsing refuses. Proleptic Gregorian calendar, years 0001 to 9999, no leap seconds, no 24:00. Pure.
 */
#pragma once

#include "base/span.h"

#include <stdint.h>

enum timestamp_format {
    TIMESTAMP_ISO8601,           /* 2024-01-02T03:04:05Z */
    TIMESTAMP_ISO8601_MS,        /* 2024-01-02T03:04:05.678Z       JavaScript's toISOString */
    TIMESTAMP_ISO8601_US,        /* 2024-01-02T03:04:05.678901Z */
    TIMESTAMP_ISO8601_OFFSET,    /* 2024-01-02T03:04:05+00:00 */
    TIMESTAMP_ISO8601_MS_OFFSET, /* 2024-01-02T03:04:05.678+00:00 */
    TIMESTAMP_ISO8601_US_OFFSET, /* 2024-01-02T03:04:05.678901+00:00  Python's isoformat */
    TIMESTAMP_FORMATS,
};

enum { TIMESTAMP_TEXT_BYTES = 40 };

/* 2000-01-01T00:00:00Z in Unix time. */
enum { TIMESTAMP_EPOCH_UNIX_SECONDS = 946684800 };

/* True and the instant when `text` is of exactly this format. */
bool timestamp_parse(struct span text, enum timestamp_format format, int64_t *ret_us);

/* The first format that `text` has, or TIMESTAMP_FORMATS. */
enum timestamp_format timestamp_detect(struct span text);

/* Writes the text and returns its length. `us` must be within years 0001 to 9999 (see timestamp_in_range). */
size_t timestamp_format(int64_t us, enum timestamp_format format, char out[TIMESTAMP_TEXT_BYTES]);
bool timestamp_in_range(int64_t us);

/* "2024-01-02", exactly. */
bool date_parse(struct span text, int32_t *ret_days);
size_t date_format(int32_t days, char out[TIMESTAMP_TEXT_BYTES]);
bool date_in_range(int32_t days);
