#include "gateway/http/answer.h"

#include <stdio.h>
#include <time.h>

static struct span reason_phrase(int status)
{
    static const struct {
        int status;
        struct span phrase;
    } phrases[] = {
        { 200, SPAN("OK") },
        { 400, SPAN("Bad Request") },
        { 401, SPAN("Unauthorized") },
        { 403, SPAN("Forbidden") },
        { 404, SPAN("Not Found") },
        { 405, SPAN("Method Not Allowed") },
        { 408, SPAN("Request Timeout") },
        { 413, SPAN("Content Too Large") },
        { 414, SPAN("URI Too Long") },
        { 417, SPAN("Expectation Failed") },
        { 431, SPAN("Request Header Fields Too Large") },
        { 500, SPAN("Internal Server Error") },
        { 501, SPAN("Not Implemented") },
        { 503, SPAN("Service Unavailable") },
        { 505, SPAN("HTTP Version Not Supported") },
    };
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return SPAN("");
}

/* IMF-fixdate of RFC 9110. Not strftime, which speaks the locale's language. */
static void format_date(char *text, time_t at)
{
    static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    struct tm tm;
    if (!gmtime_r(&at, &tm))
        return;
    (void)snprintf(text, ANSWER_DATE_BYTES + 1, "%s, %02u %s %04u %02u:%02u:%02u GMT", days[tm.tm_wday], tm.tm_mday % 100u,
                   months[tm.tm_mon], (tm.tm_year + 1900u) % 10000u, tm.tm_hour % 100u, tm.tm_min % 100u, tm.tm_sec % 100u);
}

void answer_clock_set(struct answer_clock *clock, int64_t now_ms)
{
    int64_t second = now_ms / 1000;
    if (clock->date[0] && clock->second == second)
        return;
    clock->second = second;
    format_date(clock->date, time(NULL));
}

static void put_number(struct buf *out, size_t number)
{
    char digits[SPAN_DIGITS_MAX];
    buf_put_span(out, span_of_number(number, digits));
}

static void put_field(struct buf *out, struct span name, struct span value)
{
    buf_put_span(out, name);
    buf_put_span(out, SPAN(": "));
    buf_put_span(out, value);
    buf_put_span(out, SPAN("\r\n"));
}

void answer_put_head(struct buf *out, const struct answer_clock *clock, const struct http_response *response, size_t body_len,
                     enum answer_connection connection)
{
    buf_put_span(out, SPAN("HTTP/1.1 "));
    put_number(out, (size_t)response->status);
    buf_put_byte(out, ' ');
    buf_put_span(out, reason_phrase(response->status));
    buf_put_span(out, SPAN("\r\nContent-Length: "));
    put_number(out, body_len);
    buf_put_span(out, SPAN("\r\n"));
    put_field(out, SPAN("Date"), span_of(clock->date, ANSWER_DATE_BYTES));
    if (response->content_type.len)
        put_field(out, SPAN("Content-Type"), response->content_type);
    if (connection != ANSWER_STAYS)
        put_field(out, SPAN("Connection"), connection == ANSWER_CLOSES ? SPAN("close") : SPAN("keep-alive"));
    for (size_t i = 0; i < response->header_count; i++)
        put_field(out, response->headers[i].name, response->headers[i].value);
    buf_put_span(out, SPAN("\r\n"));
}
