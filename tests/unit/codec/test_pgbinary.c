#include "../base/unit.h"

#include "codec/pgbinary.h"

enum { CAP = 1 << 20 };

static struct number parsed(const char *text)
{
    struct number number = { 0 };
    struct err err = ERR_INIT;
    assert_ok(err, number_parse(span_from_cstr(text), &number, &err));
    return number;
}

/* Bytes of a hexadecimal text. */
static struct span unhex(const char *hex, char *out)
{
    size_t len = strlen(hex) / 2;
    for (size_t i = 0; i < len; i++) {
        char pair[3] = { hex[2 * i], hex[2 * i + 1], '\0' };
        out[i] = (char)strtoul(pair, NULL, 16);
    }
    return span_of(out, len);
}

static void assert_bytes(const struct buf *buf, const char *hex)
{
    char expected[400];
    assert_false(buf->failed);
    assert_span(buf_span(buf), unhex(hex, expected));
}

/* What numeric_send of PostgreSQL 15 gives for each text. */
static const struct {
    const char *text, *hex;
} numerics[] = {
    { "0", "0000000000000000" },
    { "1", "00010000000000000001" },
    { "-1", "00010000400000000001" },
    { "9999", "0001000000000000270f" },
    { "10000", "00010001000000000001" },
    { "10001", "000200010000000000010001" },
    { "12340000", "000100010000000004d2" },
    { "12345.678", "0003000100000003000109291a7c" },
    { "0.00001", "0001fffe0000000503e8" },
    { "0.0001", "0001ffff000000040001" },
    { "0.00012", "0002ffff00000005000107d0" },
    { "-0.5", "0001ffff400000011388" },
    { "1e20", "00010005000000000001" },
    { "1e125", "0001001f00000000000a" },
    { "1e-130", "0001ffdf000000820064" },
    { "99999999999999999999999999999999999999", "000a0009000000000063270f270f270f270f270f270f270f270f270f" },
    { "-0.12345678901234567890123456789012345678", "000affff4000002604d2162e23340d801ed204d2162e23340d801e78" },
};

static void test_numeric_is_postgresqls(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, CAP);
    for (size_t i = 0; i < sizeof numerics / sizeof *numerics; i++) {
        struct number number = parsed(numerics[i].text), back;
        struct err err = ERR_INIT;
        buf_reset(&buf);
        pg_put_numeric(&buf, number);
        assert_bytes(&buf, numerics[i].hex);
        assert_ok(err, pg_read_numeric(buf_span(&buf), &back, &err));
        assert_true(number_equal(number, back));
    }
    buf_done(&buf);
}

/* Forms that PostgreSQL sends but this writer does not: zeros kept for the scale. */
static void test_numeric_with_scale(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *text;
    } cases[] = {
        { "000200000000000200011388", "1.5" }, /* 1.50 */
        { "0000000000000003", "0" },           /* 0.000 */
        { "0002000000000000000a0000", "10" },  /* a trailing zero group */
        { "000200010000000000000007", "7" },   /* a leading one */
        { "00000005400000000000", NULL },      /* a digit more than it says */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char bytes[100];
        struct number number;
        struct err err = ERR_INIT;
        struct span field = unhex(cases[i].hex, bytes);
        if (!cases[i].text) {
            assert_code(err, LF_ROW, pg_read_numeric(field, &number, &err));
            continue;
        }
        assert_ok(err, pg_read_numeric(field, &number, &err));
        assert_true(number_equal(number, parsed(cases[i].text)));
    }
}

static void test_numeric_refused(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum lf_code code;
    } cases[] = {
        { "", LF_ROW },
        { "00010000000000", LF_ROW },
        { "0001000000000000", LF_ROW },
        { "000100000000000000", LF_ROW },
        { "0001000000000000000100", LF_ROW },
        { "ffff000000000000", LF_ROW },
        { "00010000000000002710", LF_ROW },                                           /* the digit 10000 */
        { "0001000000000000ffff", LF_ROW },                                           /* the digit -1 */
        { "00010000123400000001", LF_ROW },                                           /* a sign that is none */
        { "00000000c0000000", LF_LIMIT },                                             /* NaN */
        { "00000000d0000020", LF_LIMIT },                                             /* Infinity */
        { "00000000f0000020", LF_LIMIT },                                             /* -Infinity */
        { "0001001f000000000064", LF_LIMIT },                                         /* 1e126 */
        { "0001ffdf00000083000a", LF_LIMIT },                                         /* 1e-131 */
        { "00017fff000000000001", LF_LIMIT },                                         /* 1e131068 */
        { "00018000000000000001", LF_LIMIT },                                         /* 1e-131072 */
        { "000a00090000000003e7270f270f270f270f270f270f270f270f270f", LF_LIMIT },     /* 39 nines */
        { "000b000a0000000000010000000000000000000000000000000000000001", LF_LIMIT }, /* 1e40 + 1 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char bytes[100];
        struct number number;
        struct err err = ERR_INIT;
        struct span field = unhex(cases[i].hex, bytes);
        enum lf_code code = pg_read_numeric(field, &number, &err);
        if (code != cases[i].code)
            fail_msg("%s: %d, %s", cases[i].hex, (int)code, err.message);
    }
}

static void test_numeric_round_trips(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, CAP);
    for (unsigned round = 0; round < 50000; round++) {
        char text[80];
        size_t len = 0;
        unsigned digits = 1 + random_below(38);
        if (random_below(2))
            text[len++] = '-';
        for (unsigned i = 0; i < digits; i++)
            text[len++] = (char)('0' + (random_below(3) ? random_below(10) : i == 0));
        (void)snprintf(text + len, sizeof text - len, "e%d", (int)random_below(256 - 38) - 130);
        struct number number, back;
        struct err err = ERR_INIT;
        if (number_parse(span_from_cstr(text), &number, &err) != LF_OK)
            continue;
        buf_reset(&buf);
        pg_put_numeric(&buf, number);
        assert_ok(err, pg_read_numeric(buf_span(&buf), &back, &err));
        assert_true(number_equal(number, back));
    }
    buf_done(&buf);
}

static void test_integers(void **state)
{
    (void)state;
    struct buf buf;
    struct err err = ERR_INIT;
    buf_init(&buf, CAP);
    pg_put_int16(&buf, INT16_MIN);
    pg_put_int32(&buf, -2);
    pg_put_int64(&buf, INT64_C(0x0102030405060708));
    assert_bytes(&buf, "8000fffffffe0102030405060708");
    struct pg_reader reader = { buf.data, buf.data + buf.len };
    int16_t small = 0;
    int32_t middle = 0;
    int64_t large = 0;
    assert_ok(err, pg_get_int16(&reader, &small, &err));
    assert_ok(err, pg_get_int32(&reader, &middle, &err));
    assert_ok(err, pg_get_int64(&reader, &large, &err));
    assert_int_equal(small, INT16_MIN);
    assert_int_equal(middle, -2);
    assert_true(large == INT64_C(0x0102030405060708));
    assert_code(err, LF_ROW, pg_get_int16(&reader, &small, &err));
    buf_done(&buf);
}

static void test_whole_integers(void **state)
{
    (void)state;
    char bytes[9] = { 0, 0, 0, 0, 0, 0, 1, 2, 3 };
    struct err err = ERR_INIT;
    int32_t middle;
    int64_t large;
    for (size_t len = 0; len <= sizeof bytes; len++) {
        assert_int_equal(pg_read_int32(span_of(bytes, len), &middle, &err), len == 4 ? LF_OK : LF_ROW);
        assert_int_equal(pg_read_int64(span_of(bytes, len), &large, &err), len == 8 ? LF_OK : LF_ROW);
    }
    assert_int_equal(middle, 0);
    assert_int_equal(large, 258);
    assert_code(err, LF_ROW, pg_read_int32(span_of(NULL, 0), &middle, &err));
    assert_code(err, LF_ROW, pg_read_numeric(span_of(NULL, 0), &(struct number){ 0 }, &err));
}

static void test_fields(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum lf_code code;
        bool null;
        size_t len;
    } cases[] = {
        { "ffffffff", LF_OK, true, 0 },        { "00000000", LF_OK, false, 0 },    { "0000000161", LF_OK, false, 1 },
        { "00000002616263", LF_OK, false, 2 }, { "0000000261", LF_ROW, false, 0 }, { "fffffffe", LF_ROW, false, 0 },
        { "80000000", LF_ROW, false, 0 },      { "7fffffff61", LF_ROW, false, 0 }, { "000000", LF_ROW, false, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char bytes[20];
        struct span all = unhex(cases[i].hex, bytes);
        struct pg_reader reader = { all.ptr, all.ptr + all.len };
        struct pg_field field = { NULL, 0 };
        struct err err = ERR_INIT;
        assert_int_equal(pg_get_field(&reader, &field, &err), cases[i].code);
        if (cases[i].code == LF_OK) {
            assert_int_equal(field.data == NULL, cases[i].null);
            assert_int_equal(field.len, cases[i].len);
        }
    }
}

/* The bytes that COPY (select i::int8, … 'x1', NULL, 'x3') TO STDOUT (FORMAT binary) gave. */
static void test_copy_is_postgresqls(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, CAP);
    pg_put_copy_header(&buf);
    for (char i = 1; i <= 3; i++) {
        char number[8] = { 0, 0, 0, 0, 0, 0, 0, i }, text[2] = { 'x', (char)('0' + i) };
        struct pg_field fields[] = { { number, 8 }, i == 2 ? PG_NULL : (struct pg_field){ text, 2 } };
        pg_put_copy_row(&buf, fields, 2);
    }
    pg_put_copy_trailer(&buf);
    assert_bytes(&buf, "5047434f50590aff0d0a000000000000000000"
                       "0002000000080000000000000001000000027831"
                       "0002000000080000000000000002ffffffff"
                       "0002000000080000000000000003000000027833"
                       "ffff");
    buf_done(&buf);
}

static void test_copy_rows_come_back(void **state)
{
    (void)state;
    struct buf buf;
    struct err err = ERR_INIT;
    buf_init(&buf, CAP);
    struct pg_field row[] = { { "ab", 2 }, PG_NULL, { "", 0 } }, fields[3];
    pg_put_copy_row(&buf, row, 3);
    pg_put_copy_row(&buf, NULL, 0);
    pg_put_copy_trailer(&buf);
    struct pg_reader reader = { buf.data, buf.data + buf.len };
    bool end = true;
    assert_ok(err, pg_get_copy_row(&reader, fields, 3, &end, &err));
    assert_false(end);
    assert_span(span_of(fields[0].data, fields[0].len), SPAN("ab"));
    assert_null(fields[1].data);
    assert_non_null(fields[2].data);
    assert_int_equal(fields[2].len, 0);
    struct pg_reader other = reader;
    assert_code(err, LF_ROW, pg_get_copy_row(&other, fields, 3, &end, &err));
    assert_ok(err, pg_get_copy_row(&reader, fields, 0, &end, &err));
    assert_false(end);
    assert_ok(err, pg_get_copy_row(&reader, fields, 3, &end, &err));
    assert_true(end);
    assert_ptr_equal(reader.pos, reader.end);
    assert_code(err, LF_ROW, pg_get_copy_row(&reader, fields, 3, &end, &err));
    buf_done(&buf);
}

/* Cut anywhere, a row is refused; nothing behind the cut is read (the copy is exactly as long, for AddressSanitizer). */
static void test_copy_row_cut_anywhere(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, CAP);
    struct pg_field row[] = { { "abc", 3 }, PG_NULL, { "", 0 }, { "de", 2 } }, fields[4];
    pg_put_copy_row(&buf, row, 4);
    for (size_t len = 0; len < buf.len; len++) {
        char *cut = malloc(len + 1);
        assert_non_null(cut);
        memcpy(cut + 1, buf.data, len); /* + 1: the end of the memory is the end of the bytes */
        struct pg_reader reader = { cut + 1, cut + 1 + len };
        bool end;
        struct err err;
        assert_code(err, LF_ROW, pg_get_copy_row(&reader, fields, 4, &end, &err));
        free(cut);
    }
    buf_done(&buf);
}

static void test_arrays(void **state)
{
    (void)state;
    struct buf buf;
    struct err err = ERR_INIT;
    buf_init(&buf, CAP);
    pg_put_array_header(&buf, PG_OID_NUMERIC, 0);
    assert_bytes(&buf, "0000000000000000000006a4");
    struct pg_reader elements;
    size_t count = 7;
    assert_ok(err, pg_read_array(buf_span(&buf), PG_OID_NUMERIC, &elements, &count, &err));
    assert_int_equal(count, 0);

    buf_reset(&buf);
    pg_put_array_header(&buf, PG_OID_TEXT, 2);
    pg_put_element(&buf, SPAN("a"));
    pg_put_element(&buf, SPAN(""));
    assert_bytes(&buf, "00000001000000000000001900000002000000010000000161"
                       "00000000");
    assert_ok(err, pg_read_array(buf_span(&buf), PG_OID_TEXT, &elements, &count, &err));
    assert_int_equal(count, 2);
    struct pg_field field;
    assert_ok(err, pg_get_field(&elements, &field, &err));
    assert_span(span_of(field.data, field.len), SPAN("a"));
    assert_ok(err, pg_get_field(&elements, &field, &err));
    assert_int_equal(field.len, 0);
    assert_ptr_equal(elements.pos, elements.end);
    buf_done(&buf);
}

static void test_arrays_read(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum lf_code code;
    } cases[] = {
        { "000000010000000100000019000000020000000100000001"
          "61ffffffff",
          LF_OK }, /* {a,NULL} */
        { "00000002000000000000001900000002000000010000000100000001"
          "0000000161",
          LF_ROW }, /* two dimensions */
        { "ffffffff0000000000000019", LF_ROW },
        { "0000000000000000000006a4", LF_ROW },                 /* numeric */
        { "00000001000000000000001900000002", LF_ROW },         /* no lower bound */
        { "0000000100000000000000190000000100000001", LF_ROW }, /* no element */
        { "0000000100000000000000197fffffff00000001"
          "00000000",
          LF_ROW },
        { "000000010000000000000019ffffffff00000001"
          "00000000",
          LF_ROW },
        { "00000001000000000000", LF_ROW },
        { "", LF_ROW },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char bytes[100];
        struct pg_reader elements;
        size_t count;
        struct err err = ERR_INIT;
        enum lf_code code = pg_read_array(unhex(cases[i].hex, bytes), PG_OID_TEXT, &elements, &count, &err);
        if (code != cases[i].code)
            fail_msg("%s: %d, %s", cases[i].hex, (int)code, err.message);
    }
}

static void test_what_is_too_long_fails_the_buffer(void **state)
{
    (void)state;
    struct buf buf;
    buf_init(&buf, CAP);
    pg_put_element(&buf, span_of("", (size_t)INT32_MAX + 1));
    assert_true(buf.failed);
    assert_int_equal(buf.len, 0);
    buf_reset(&buf);
    pg_put_array_header(&buf, PG_OID_TEXT, (size_t)INT32_MAX + 1);
    assert_true(buf.failed);
    buf_done(&buf);
}

int main(void)
{
    random_seed();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numeric_is_postgresqls),
        cmocka_unit_test(test_numeric_with_scale),
        cmocka_unit_test(test_numeric_refused),
        cmocka_unit_test(test_numeric_round_trips),
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_whole_integers),
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_copy_is_postgresqls),
        cmocka_unit_test(test_copy_rows_come_back),
        cmocka_unit_test(test_copy_row_cut_anywhere),
        cmocka_unit_test(test_arrays),
        cmocka_unit_test(test_arrays_read),
        cmocka_unit_test(test_what_is_too_long_fails_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
