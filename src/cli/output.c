#include "cli/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "codec/json.h"

const char *count_text(uint64_t count, char out[COUNT_TEXT_BYTES])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count);
    char *to = out;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return out;
}

const char *count_of_text(uint64_t count, const char *singular, const char *plural, char out[2 * COUNT_TEXT_BYTES])
{
    char number[COUNT_TEXT_BYTES];
    snprintf(out, (size_t)2 * COUNT_TEXT_BYTES, "%s %s", count_text(count, number), count == 1 ? singular : plural);
    return out;
}

const char *seconds_text(double seconds, char out[SECONDS_TEXT_BYTES])
{
    unsigned whole = (unsigned)(seconds + 0.5);
    if (seconds < 10)
        snprintf(out, SECONDS_TEXT_BYTES, "%.2f s", seconds);
    else if (seconds < 60)
        snprintf(out, SECONDS_TEXT_BYTES, "%.1f s", seconds);
    else if (whole < 3600)
        snprintf(out, SECONDS_TEXT_BYTES, "%u min %02u s", whole / 60, whole % 60);
    else
        snprintf(out, SECONDS_TEXT_BYTES, "%u h %02u min", whole / 3600, whole % 3600 / 60);
    return out;
}

double clock_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static const char *style(const char *code)
{
    const char *no_color = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && !(no_color && *no_color) ? code : "";
}

const char *style_bold(void)
{
    return style("\033[1m");
}

const char *style_dim(void)
{
    return style("\033[2m");
}

const char *style_end(void)
{
    return style("\033[0m");
}

/* Characters, not bytes, so that columns with accents line up. */
static size_t text_width(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

static bool is_number(const char *text)
{
    return *text && strspn(text, "0123456789,.-") == strlen(text) && strpbrk(text, "0123456789");
}

static void print_cell(const char *text, size_t width, bool right, bool last)
{
    int padding = (int)(width - text_width(text));
    if (right)
        printf("%*s%s%s", padding, "", text, last ? "" : "  ");
    else
        printf("%s%*s", text, last ? 0 : padding + 2, "");
}

struct table_layout {
    size_t width[TABLE_COLUMNS_MAX];
    bool right[TABLE_COLUMNS_MAX];
};

static struct table_layout table_measure(const char *const *headings, size_t columns, size_t rows, table_cell *cell,
                                         void *context)
{
    struct table_layout layout = { 0 };
    for (size_t column = 0; column < columns; column++) {
        layout.width[column] = text_width(headings[column]);
        layout.right[column] = rows > 0;
        for (size_t row = 0; row < rows; row++) {
            const char *text = cell(context, row, column);
            if (text_width(text) > layout.width[column])
                layout.width[column] = text_width(text);
            layout.right[column] = layout.right[column] && (!*text || is_number(text));
        }
    }
    return layout;
}

void output_table(const char *const *headings, size_t columns, size_t rows, table_cell *cell, void *context)
{
    struct table_layout layout = table_measure(headings, columns, rows, cell, context);
    printf("  %s", style_dim());
    for (size_t column = 0; column < columns; column++)
        print_cell(headings[column], layout.width[column], layout.right[column], column + 1 == columns);
    printf("%s\n", style_end());
    for (size_t row = 0; row < rows; row++) {
        printf("  ");
        for (size_t column = 0; column < columns; column++)
            print_cell(cell(context, row, column), layout.width[column], layout.right[column], column + 1 == columns);
        printf("\n");
    }
}

static void json_out_name(struct buf *json, const char *name)
{
    if (json->len > 0 && !strchr("{[", json->data[json->len - 1]))
        buf_put_byte(json, ',');
    if (name) {
        json_put_string(json, span_from_cstr(name));
        buf_put_byte(json, ':');
    }
}

void json_out_open(struct buf *json, const char *name, char bracket)
{
    json_out_name(json, name);
    buf_put_byte(json, bracket);
}

void json_out_close(struct buf *json, char bracket)
{
    buf_put_byte(json, bracket);
}

void json_out_text(struct buf *json, const char *name, struct span text)
{
    json_out_name(json, name);
    json_put_string(json, text);
}

void json_out_count(struct buf *json, const char *name, uint64_t count)
{
    json_out_name(json, name);
    buf_printf(json, "%llu", (unsigned long long)count);
}

void json_out_number(struct buf *json, const char *name, double number)
{
    json_out_name(json, name);
    buf_printf(json, "%.3f", number);
}

void json_out_bool(struct buf *json, const char *name, bool value)
{
    json_out_name(json, name);
    buf_put_cstr(json, value ? "true" : "false");
}

void json_out_raw(struct buf *json, const char *name, struct span text)
{
    json_out_name(json, name);
    buf_put_span(json, text);
}

enum lf_code output_json(const struct buf *json, struct err *err)
{
    TRY(buf_check(json, err));
    fwrite(json->data, 1, json->len, stdout);
    putchar('\n');
    return output_flush(err);
}

enum lf_code output_flush(struct err *err)
{
    if (fflush(stdout) || ferror(stdout))
        return ERR(err, LF_IO, "standard output: %s", strerror(errno));
    return LF_OK;
}
