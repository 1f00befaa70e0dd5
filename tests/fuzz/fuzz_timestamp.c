/* Timestamps, dates and uuids: what is parsed is formatted to the very same text, and any value in range comes back. */
#include "codec/timestamp.h"
#include "codec/uuid.h"
#include "fuzz.h"

static void check_text(struct span text)
{
    char again[TIMESTAMP_TEXT_BYTES];
    for (enum timestamp_format format = 0; format < TIMESTAMP_FORMATS; format++) {
        int64_t us;
        if (!timestamp_parse(text, format, &us))
            continue;
        CHECK(timestamp_in_range(us) && timestamp_detect(text) == format);
        CHECK(span_equal(span_of(again, timestamp_format(us, format, again)), text));
    }
    int32_t days;
    if (date_parse(text, &days)) {
        CHECK(date_in_range(days));
        CHECK(span_equal(span_of(again, date_format(days, again)), text));
    }
    char bytes[UUID_BYTES], uuid[UUID_TEXT_BYTES];
    if (uuid_parse(text, bytes)) {
        uuid_format(bytes, uuid);
        CHECK(span_equal(span_of(uuid, sizeof uuid), text));
    }
}

static void check_instant(int64_t us)
{
    char text[TIMESTAMP_TEXT_BYTES];
    int64_t again;
    if (!timestamp_in_range(us))
        return;
    size_t len = timestamp_format(us, TIMESTAMP_ISO8601_US, text);
    CHECK(timestamp_parse(span_of(text, len), TIMESTAMP_ISO8601_US, &again) && again == us);
}

static void check_day(int32_t days)
{
    char text[TIMESTAMP_TEXT_BYTES];
    int32_t again;
    if (!date_in_range(days))
        return;
    size_t len = date_format(days, text);
    CHECK(date_parse(span_of(text, len), &again) && again == days);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check_text(fuzz_input(data, size));
    int64_t number = 0;
    memcpy(&number, data, size < sizeof number ? size : sizeof number);
    check_instant(number);
    check_day((int32_t)number);
    return 0;
}
