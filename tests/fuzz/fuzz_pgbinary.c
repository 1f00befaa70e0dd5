/* PostgreSQL's binary formats: fields stay inside the bytes they were read from; numerics that are read are written and read
 * again. */
#include "codec/pgbinary.h"
#include "fuzz.h"

enum { FIELDS_MAX = 8 };

static void check_numeric(struct span field, struct buf *buf)
{
    struct err err = ERR_INIT;
    struct number number, again;
    enum lf_code code = pg_read_numeric(field, &number, &err);
    if (code != LF_OK) {
        CHECK(code == LF_ROW || code == LF_LIMIT);
        return;
    }
    buf_reset(buf);
    pg_put_numeric(buf, number);
    CHECK(pg_read_numeric(buf_span(buf), &again, &err) == LF_OK);
    CHECK(number_equal(number, again));
}

static void check_array(struct span field)
{
    struct err err = ERR_INIT;
    struct pg_reader elements;
    size_t count;
    if (pg_read_array(field, PG_OID_TEXT, &elements, &count, &err) != LF_OK)
        return;
    CHECK(count <= field.len / 4);
    for (size_t i = 0; i < count; i++) {
        struct pg_field element;
        if (pg_get_field(&elements, &element, &err) != LF_OK)
            return;
        CHECK(!element.data || fuzz_inside(span_of(element.data, element.len), field));
    }
}

/* Rows up to the trailer; each is written again to the same bytes. */
static void check_copy(struct span stream, size_t columns, struct buf *buf)
{
    struct pg_reader reader = { stream.ptr, stream.ptr + stream.len };
    struct pg_field fields[FIELDS_MAX];
    struct err err = ERR_INIT;
    bool end = false;
    for (const char *start = reader.pos; pg_get_copy_row(&reader, fields, columns, &end, &err) == LF_OK && !end;
         start = reader.pos) {
        buf_reset(buf);
        pg_put_copy_row(buf, fields, columns);
        CHECK(span_equal(buf_span(buf), span_of(start, (size_t)(reader.pos - start))));
    }
    CHECK(reader.pos <= reader.end);
}

/* The first byte chooses the number of columns. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct span bytes = span_from(fuzz_input(data, size), 1);
    struct buf buf;
    buf_init(&buf, FUZZ_MEMORY_BYTES);
    check_numeric(bytes, &buf);
    check_array(bytes);
    check_copy(bytes, data[0] % (FIELDS_MAX + 1), &buf);
    buf_done(&buf);
    return 0;
}
