#include "codec/timestamp.h"

enum {
    DATE_BYTES = 10, /* 2024-01-02 */
    TIME_BYTES = 9,  /* T03:04:05 */
    DATE_TIME_BYTES = DATE_BYTES + TIME_BYTES,
    DAYS_BEFORE_2000 = 730119, /* from 0001-01-01 */
    DAYS_PER_400_YEARS = 146097,
    DAYS_PER_100_YEARS = 36524, /* where no leap year ends the century */
    DAYS_PER_4_YEARS = 1461,
    DAYS_PER_YEAR = 365,
    DAYS_MAX = 3652059, /* from 0001-01-01 to 10000-01-01 */
};

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_DAY (86400 * US_PER_SECOND)

/* What follows the seconds. */
struct shape {
    unsigned char fraction_digits;
    bool offset; /* "+00:00" instead of "Z" */
};

static const struct shape shapes[TIMESTAMP_FORMATS] = {
    [TIMESTAMP_ISO8601] = { 0, false },          [TIMESTAMP_ISO8601_MS] = { 3, false },
    [TIMESTAMP_ISO8601_US] = { 6, false },       [TIMESTAMP_ISO8601_OFFSET] = { 0, true },
    [TIMESTAMP_ISO8601_MS_OFFSET] = { 3, true }, [TIMESTAMP_ISO8601_US_OFFSET] = { 6, true },
};

static struct span shape_zone(struct shape shape)
{
    return shape.offset ? SPAN("+00:00") : SPAN("Z");
}

static size_t shape_bytes(struct shape shape)
{
    return DATE_TIME_BYTES + (shape.fraction_digits ? 1u + shape.fraction_digits : 0u) + shape_zone(shape).len;
}

/* --- calendar --- */

static bool is_leap(unsigned year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days of the year before the month, 1 to 12; for 13 the days of the year. */
static unsigned days_before_month(unsigned year, unsigned month)
{
    static const unsigned short days[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 };
    return days[month - 1] + (month > 2 && is_leap(year));
}

static unsigned days_of_month(unsigned year, unsigned month)
{
    return days_before_month(year, month + 1) - days_before_month(year, month);
}

/* Days from 0001-01-01 to the first of January. */
static unsigned days_before_year(unsigned year)
{
    unsigned years = year - 1;
    return years * DAYS_PER_YEAR + years / 4 - years / 100 + years / 400;
}

struct date {
    unsigned year, month, day;
};

static int32_t days_of_date(struct date date)
{
    return (int32_t)(days_before_year(date.year) + days_before_month(date.year, date.month) + date.day - 1) - DAYS_BEFORE_2000;
}

/* The year in which the day `days` after 0001-01-01 lies: whole cycles first. The last day of a leap year would begin a fifth
 * century or year of its cycle, hence the subtractions. */
static unsigned year_of_days(unsigned days)
{
    unsigned cycles = days / DAYS_PER_400_YEARS;
    days %= DAYS_PER_400_YEARS;
    unsigned centuries = days / DAYS_PER_100_YEARS;
    centuries -= centuries == 4;
    days -= centuries * DAYS_PER_100_YEARS;
    unsigned fours = days / DAYS_PER_4_YEARS;
    days %= DAYS_PER_4_YEARS;
    unsigned years = days / DAYS_PER_YEAR;
    years -= years == 4;
    return cycles * 400 + centuries * 100 + fours * 4 + years + 1;
}

static struct date date_of_days(int32_t days_since_2000)
{
    unsigned days = (unsigned)(days_since_2000 + DAYS_BEFORE_2000);
    unsigned year = year_of_days(days);
    unsigned day = days - days_before_year(year);
    unsigned month = day / 31 + 1; /* right, or one too small */
    month += day >= days_before_month(year, month + 1);
    return (struct date){ year, month, day - days_before_month(year, month) + 1 };
}

/* --- digits --- */

static bool parse_digits(const char *text, unsigned count, unsigned *ret_value)
{
    unsigned value = 0;
    for (unsigned i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (unsigned)(text[i] - '0');
    }
    *ret_value = value;
    return true;
}

static void put_digits(char *out, unsigned count, unsigned value)
{
    for (unsigned i = count; i > 0; i--, value /= 10)
        out[i - 1] = (char)('0' + value % 10);
}

/* --- dates --- */

/* The ten bytes of a date at `text`. */
static bool parse_date(const char *text, int32_t *ret_days)
{
    struct date date;
    if (text[4] != '-' || text[7] != '-' || !parse_digits(text, 4, &date.year) || !parse_digits(text + 5, 2, &date.month) ||
        !parse_digits(text + 8, 2, &date.day))
        return false;
    if (date.year < 1 || date.month < 1 || date.month > 12 || date.day < 1 || date.day > days_of_month(date.year, date.month))
        return false;
    *ret_days = days_of_date(date);
    return true;
}

bool date_parse(struct span text, int32_t *ret_days)
{
    return text.len == DATE_BYTES && parse_date(text.ptr, ret_days);
}

size_t date_format(int32_t days, char out[TIMESTAMP_TEXT_BYTES])
{
    struct date date = date_of_days(days);
    memcpy(out, "0000-00-00", DATE_BYTES);
    put_digits(out, 4, date.year);
    put_digits(out + 5, 2, date.month);
    put_digits(out + 8, 2, date.day);
    return DATE_BYTES;
}

bool date_in_range(int32_t days)
{
    return days >= -DAYS_BEFORE_2000 && days < DAYS_MAX - DAYS_BEFORE_2000;
}

/* --- instants --- */

/* The nine bytes "T03:04:05" at `text`. */
static bool parse_time(const char *text, unsigned *ret_seconds)
{
    unsigned hour, minute, second;
    if (text[0] != 'T' || text[3] != ':' || text[6] != ':' || !parse_digits(text + 1, 2, &hour) ||
        !parse_digits(text + 4, 2, &minute) || !parse_digits(text + 7, 2, &second))
        return false;
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    *ret_seconds = (hour * 60 + minute) * 60 + second;
    return true;
}

static unsigned us_per_unit(unsigned fraction_digits)
{
    return fraction_digits == 3 ? 1000 : 1;
}

/* The fraction and zone at `text`, all that is behind the seconds; the length is already right. */
static bool parse_rest(const char *text, struct shape shape, unsigned *ret_us)
{
    unsigned fraction = 0;
    if (shape.fraction_digits) {
        if (text[0] != '.' || !parse_digits(text + 1, shape.fraction_digits, &fraction))
            return false;
        text += 1 + shape.fraction_digits;
    }
    *ret_us = fraction * us_per_unit(shape.fraction_digits);
    struct span zone = shape_zone(shape);
    return memcmp(text, zone.ptr, zone.len) == 0;
}

bool timestamp_parse(struct span text, enum timestamp_format format, int64_t *ret_us)
{
    struct shape shape = shapes[format];
    int32_t days;
    unsigned seconds, us;
    if (text.len != shape_bytes(shape) || !parse_date(text.ptr, &days) || !parse_time(text.ptr + DATE_BYTES, &seconds) ||
        !parse_rest(text.ptr + DATE_TIME_BYTES, shape, &us))
        return false;
    *ret_us = days * US_PER_DAY + seconds * US_PER_SECOND + us;
    return true;
}

enum timestamp_format timestamp_detect(struct span text)
{
    enum timestamp_format format = 0;
    for (int64_t us; format < TIMESTAMP_FORMATS && !timestamp_parse(text, format, &us);)
        format++;
    return format;
}

size_t timestamp_format(int64_t us, enum timestamp_format format, char out[TIMESTAMP_TEXT_BYTES])
{
    struct shape shape = shapes[format];
    int64_t us_of_day = us % US_PER_DAY;
    us_of_day += us_of_day < 0 ? US_PER_DAY : 0;
    unsigned seconds = (unsigned)(us_of_day / US_PER_SECOND);
    size_t len = date_format((int32_t)((us - us_of_day) / US_PER_DAY), out);
    memcpy(out + len, "T00:00:00", TIME_BYTES);
    put_digits(out + len + 1, 2, seconds / 3600);
    put_digits(out + len + 4, 2, seconds / 60 % 60);
    put_digits(out + len + 7, 2, seconds % 60);
    len += TIME_BYTES;
    if (shape.fraction_digits) {
        out[len] = '.';
        put_digits(out + len + 1, shape.fraction_digits,
                   (unsigned)(us_of_day % US_PER_SECOND) / us_per_unit(shape.fraction_digits));
        len += 1u + shape.fraction_digits;
    }
    struct span zone = shape_zone(shape);
    memcpy(out + len, zone.ptr, zone.len);
    return len + zone.len;
}

bool timestamp_in_range(int64_t us)
{
    return us >= -DAYS_BEFORE_2000 * US_PER_DAY && us < (DAYS_MAX - DAYS_BEFORE_2000) * US_PER_DAY;
}
