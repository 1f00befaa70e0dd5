/*
 * output: what commands print on standard output: text for people, or one JSON object with --json.
 *
 * Text goes by printf; styles are empty strings where standard output is no terminal or NO_COLOR is set. JSON is built in a buf
 * by the json_out_ functions, which put commas themselves, and written whole. Main thread only.
 */
#pragma once

#include "base/buf.h"

/* "1,234,567" */
enum { COUNT_TEXT_BYTES = 32 };
const char *count_text(uint64_t count, char out[COUNT_TEXT_BYTES]);

/* "0.42 s", "12.3 s", "4 min 05 s", "2 h 10 min" */
enum { SECONDS_TEXT_BYTES = 32 };
const char *seconds_text(double seconds, char out[SECONDS_TEXT_BYTES]);

/* "1 item", "2,000 items" */
const char *count_of_text(uint64_t count, const char *singular, const char *plural, char out[2 * COUNT_TEXT_BYTES]);

/* Seconds of a clock that only goes forward. */
double clock_seconds(void);

const char *style_bold(void);
const char *style_dim(void);
const char *style_end(void);

/* A table with a heading, columns as wide as their longest cell, numbers (cells of digits, commas and points) to the right. */
enum { TABLE_COLUMNS_MAX = 8 };
typedef const char *table_cell(void *context, size_t row, size_t column);
void output_table(const char *const *headings, size_t columns, size_t rows, table_cell *cell, void *context);

/* JSON. `name` NULL inside an array. */
void json_out_open(struct buf *json, const char *name, char bracket);
void json_out_close(struct buf *json, char bracket);
void json_out_text(struct buf *json, const char *name, struct span text);
void json_out_count(struct buf *json, const char *name, uint64_t count);
void json_out_number(struct buf *json, const char *name, double number); /* three decimals */
void json_out_bool(struct buf *json, const char *name, bool value);
/* `text` is JSON already. */
void json_out_raw(struct buf *json, const char *name, struct span text);

/* Writes the buf and a newline; LF_MEMORY when the buf failed, LF_IO when standard output did. */
enum lf_code output_json(const struct buf *json, struct err *err) MUST_CHECK;

/* LF_IO when anything printed before could not be written. */
enum lf_code output_flush(struct err *err) MUST_CHECK;
