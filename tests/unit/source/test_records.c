/* Chunks of binary Ion and the records in them: whatever the chunks' size and the reads', the items are those that were written.
 */
#include "temp_folder.h"

#include "../base/unit.h"

#include "ion_write.h"
#include "item/canonical.h"
#include "source/chunk.h"
#include "source/records.h"

enum { ARENA_BYTES = 256 * 1024 * 1024, ITEMS = 40 };

/* A table in place of those before (Item 10, a 11), {Item:{a:"x"}} under it, and {Item:{a:1.5e0}}, a float. */
#define MARKER "\xE0\x01\x00\xEA"
#define TABLE "\xEE\x8D\x81\x83\xDE\x89\x87\xB7\x84Item\x81\x61"
#define RECORD "\xD5\x8A\xD3\x8B\x81x"
#define FLOAT_RECORD "\xD8\x8A\xD6\x8B\x44\x3F\xC0\x00\x00"

static _Atomic int64_t bytes_read;
static struct arena arena;
static struct buf stream;
static struct item items[ITEMS];

static int setup(void **state)
{
    (void)temp_open(state);
    arena_init(&arena, ARENA_BYTES);
    buf_init(&stream, ARENA_BYTES);
    return 0;
}

static int teardown(void **state)
{
    (void)temp_close(state);
    arena_done(&arena);
    buf_done(&stream);
    return 0;
}

/* Symbol tables that are appended, version markers between them and padding. */
static void write_stream(struct generator *generator)
{
    struct ion_names names = { 0 };
    for (size_t i = 0; i < ITEMS; i++) {
        items[i] = generate_item(generator, &arena);
        if (i == 0 || generate_below(generator, 10) == 0)
            ion_write_version_marker(&stream, &names);
        ion_write_binary(&stream, generator, &names, &items[i]);
    }
}

struct cuts {
    size_t items, chunks, chunk_bytes, step_bytes;
    uint64_t offset_sum;
};

static void expect_items(const struct source_chunk *chunk, struct cuts *cuts)
{
    struct source_records records;
    struct err err = ERR_INIT;
    source_records_init(&records, chunk);
    assert_int_equal(chunk->first_line, cuts->items + 1);
    for (;;) {
        bool end;
        struct item item;
        assert_ok(err, source_records_next(&records, &end, &err));
        if (end)
            break;
        struct arena_mark mark = arena_mark(&arena);
        assert_ok(err, source_records_item(&records, &arena, &item, &err));
        assert_true(cuts->items < ITEMS && item_equal(&item, &items[cuts->items]));
        assert_int_equal(records.number, ++cuts->items);
        arena_rewind(&arena, mark);
    }
    source_records_done(&records);
}

/* Each chunk is read as if it were alone. */
static void expect_chunks(struct cuts *cuts)
{
    struct source_file file = { .path = span_from_cstr(temp_path("a.ion")), .item_count = ITEMS };
    struct chunk_reader reader;
    struct source_chunk chunk;
    struct err err = ERR_INIT;
    chunk_reader_init(&reader, local_tree(), &file);
    source_chunk_init(&chunk);
    reader.chunk_bytes = cuts->chunk_bytes;
    reader.step_bytes = cuts->step_bytes;
    do {
        assert_ok(err, chunk_reader_next(&reader, &bytes_read, &chunk, &err));
        assert_int_equal(chunk.format, EXPORT_ION_BINARY);
        assert_int_equal(chunk.number, cuts->chunks++);
        expect_items(&chunk, cuts);
        cuts->offset_sum += chunk.offset * cuts->chunks;
    } while (!chunk.is_last);
    assert_int_equal(cuts->items, ITEMS);
    source_chunk_done(&chunk);
    chunk_reader_done(&reader);
}

static void chunks_of_every_size_hold_the_items(void **state)
{
    (void)state;
    struct generator generator;
    size_t chunks_before = SIZE_MAX;
    generator_init(&generator, generator_seed());
    write_stream(&generator);
    temp_write("a.ion", buf_span(&stream));
    for (size_t chunk_bytes = 1; chunk_bytes <= stream.len + 1; chunk_bytes += chunk_bytes < 300 ? 1 : chunk_bytes / 7) {
        struct cuts large_steps = { .chunk_bytes = chunk_bytes, .step_bytes = 64 * 1024 };
        struct cuts small_steps = { .chunk_bytes = chunk_bytes, .step_bytes = 1 + generate_below(&generator, 50) };
        expect_chunks(&large_steps);
        expect_chunks(&small_steps);
        assert_int_equal(large_steps.chunks, small_steps.chunks);
        assert_int_equal(large_steps.offset_sum, small_steps.offset_sum);
        assert_true(large_steps.chunks <= chunks_before);
        chunks_before = large_steps.chunks;
    }
    struct cuts whole = { .chunk_bytes = stream.len + 1, .step_bytes = 64 * 1024 };
    expect_chunks(&whole);
    assert_int_equal(whole.chunks, 1);
}

static enum lf_code read_all(struct span bytes, size_t *ret_records, struct err *err)
{
    temp_write("a.json", bytes);
    struct source_file file = { .path = span_from_cstr(temp_path("a.json")), .item_count = -1 };
    struct chunk_reader reader;
    struct source_chunk chunk;
    chunk_reader_init(&reader, local_tree(), &file);
    source_chunk_init(&chunk);
    reader.chunk_bytes = 7;
    enum lf_code code;
    do
        code = chunk_reader_next(&reader, &bytes_read, &chunk, err);
    while (code == LF_OK && !chunk.is_last);
    *ret_records = (size_t)reader.items;
    source_chunk_done(&chunk);
    chunk_reader_done(&reader);
    return code;
}

/* A file that is cut off gives what is whole, or says where the value that is not begins. */
static void a_file_cut_off_anywhere_is_told(void **state)
{
    (void)state;
    const struct span whole = SPAN(MARKER TABLE RECORD RECORD MARKER TABLE RECORD);
    static const size_t ends[] = { 4, 19, 25, 31, 35, 50, 56 };
    static const size_t records[] = { 0, 0, 1, 2, 2, 2, 3 };
    assert_int_equal(whole.len, 56);
    size_t entry = 0;
    for (size_t len = 4; len <= whole.len; len++) {
        struct err err = ERR_INIT;
        char place[64];
        size_t count;
        entry += entry + 1 < sizeof ends / sizeof *ends && len >= ends[entry + 1];
        enum lf_code code = read_all(span_of(whole.ptr, len), &count, &err);
        assert_int_equal(count, records[entry]);
        assert_int_equal(code, len == ends[entry] ? LF_OK : LF_TRUNCATED);
        (void)snprintf(place, sizeof place, "a.json: ends within the value at byte %zu", ends[entry]);
        assert_true(code == LF_OK || strstr(err.message, place));
    }
}

static void what_is_no_ion_names_the_byte(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    size_t count;
    assert_int_equal(read_all(SPAN(MARKER TABLE RECORD "\xF0"), &count, &err), LF_SYNTAX);
    assert_non_null(strstr(err.message, "a.json: the value at byte 25: 0xF0"));
    err = (struct err)ERR_INIT;
    /* A symbol that is no UTF-8: nothing behind it could be named. */
    assert_int_equal(read_all(SPAN(MARKER RECORD "\xE8\x81\x83\xD5\x87\xB3\x82\xFF\xFE" RECORD), &count, &err), LF_SYNTAX);
    assert_non_null(strstr(err.message, "a.json: the value at byte 10: invalid UTF-8"));
}

static void a_bad_record_has_a_place_and_is_kept_readable(void **state)
{
    (void)state;
    struct source_file file = { .path = SPAN("dir/a.ion") };
    struct source_chunk chunk;
    struct source_records records;
    struct err err = ERR_INIT;
    struct item item;
    struct span verbatim;
    bool end;
    source_chunk_init(&chunk);
    chunk.format = EXPORT_ION_BINARY;
    chunk.first_line = 1000;
    buf_put_span(&chunk.data, SPAN(MARKER TABLE RECORD FLOAT_RECORD RECORD));
    source_records_init(&records, &chunk);
    for (unsigned i = 0; i < 3; i++) {
        assert_ok(err, source_records_next(&records, &end, &err));
        assert_false(end);
        assert_int_equal(source_records_item(&records, &arena, &item, &err), i == 1 ? LF_ITEM : LF_OK);
        assert_ok(err, source_records_verbatim(&records, &arena, &verbatim, &err));
        if (i != 1)
            continue;
        (void)source_records_name_place(&records, &file, &err);
        assert_string_equal(err.message, "dir/a.ion:1001: byte 4: DynamoDB writes no floats here, at byte 4");
        assert_span(verbatim, SPAN(MARKER TABLE FLOAT_RECORD));
    }
    assert_span(verbatim, SPAN(MARKER TABLE RECORD));
    err = (struct err)ERR_INIT;
    assert_ok(err, source_records_next(&records, &end, &err));
    assert_true(end);
    source_records_done(&records);
    source_chunk_done(&chunk);
}

static void put_long(struct buf *out, size_t len)
{
    buf_put_byte(out, (char)(len >> 14 & 0x7F));
    buf_put_byte(out, (char)(len >> 7 & 0x7F));
    buf_put_byte(out, (char)((len & 0x7F) | 0x80));
}

/* A table of `bytes` bytes: one long symbol. */
static void put_table(struct buf *out, size_t bytes)
{
    buf_put_cstr(out, "\xEE");
    put_long(out, bytes - 4);
    buf_put_cstr(out, "\x81\x83\xDE");
    put_long(out, bytes - 10);
    buf_put_cstr(out, "\x87\xBE");
    put_long(out, bytes - 15);
    buf_put_cstr(out, "\x8E");
    put_long(out, bytes - 19);
    for (size_t i = 19; i < bytes; i++)
        buf_put_byte(out, 'x');
}

static void symbol_tables_have_a_limit_in_bytes(void **state)
{
    (void)state;
    for (int more = -1; more <= 1; more++) {
        struct err err = ERR_INIT;
        size_t count;
        buf_reset(&stream);
        buf_put_span(&stream, SPAN(MARKER));
        put_table(&stream, (size_t)(ION_SYMBOL_TABLE_BYTES - 4 + more));
        assert_int_equal(read_all(buf_span(&stream), &count, &err), more > 0 ? LF_LIMIT : LF_OK);
        assert_true(more <= 0 || strstr(err.message, "a.json: the value at byte 4: symbol tables of more than 1048576 bytes"));
    }
}

static void symbols_have_a_limit_in_number(void **state)
{
    (void)state;
    const struct span appended = SPAN("\xEB\x81\x83\xD8\x86\x71\x03\x87\xB3\x82\x61\x62");
    struct ion_tables tables;
    struct err err = ERR_INIT;
    ion_tables_init(&tables);
    assert_ok(err, ion_tables_take(&tables, ION_VERSION_MARKER, SPAN(MARKER), &err));
    for (size_t i = 0; i < ION_SYMBOLS_MAX; i++)
        assert_ok(err, ion_tables_take(&tables, ION_SYMBOLS_APPENDED, appended, &err));
    assert_int_equal(ion_tables_take(&tables, ION_SYMBOLS_APPENDED, appended, &err), LF_LIMIT);
    assert_ok(err, ion_tables_take(&tables, ION_SYMBOLS, SPAN(TABLE), &err));
    assert_int_equal(tables.symbols.count, 2);
    assert_span(buf_span(&tables.bytes), SPAN(MARKER TABLE));
    ion_tables_done(&tables);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(chunks_of_every_size_hold_the_items, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_cut_off_anywhere_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_ion_names_the_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bad_record_has_a_place_and_is_kept_readable, setup, teardown),
        cmocka_unit_test_setup_teardown(symbol_tables_have_a_limit_in_bytes, setup, teardown),
        cmocka_unit_test_setup_teardown(symbols_have_a_limit_in_number, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
