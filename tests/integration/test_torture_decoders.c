/*
 * Every decoder with arenas of every size, and with every allocation failing in turn, over the seeds of the fuzz targets: either
 * it is short of memory and says so, or it comes to what it comes to with plenty.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/file_text.h"
#include "faults.h"
#include "item/ion.h"
#include "map/ddl.h"
#include "map/map_yaml.h"
#include "map/row.h"

enum { PLENTY_BYTES = 64 * 1024 * 1024, CAP_STEP_BYTES = 16, PATH_BYTES = 512, SEED_BYTES_MAX = 1 << 20 };

typedef enum lf_code decoder(struct span input, struct arena *arena, struct err *err);

static enum lf_code decode_ddbjson(struct span input, struct arena *arena, struct err *err)
{
    struct item item;
    return export_read_item(EXPORT_DYNAMODB_JSON, input, arena, &item, err);
}

static enum lf_code decode_ion_text(struct span input, struct arena *arena, struct err *err)
{
    struct export_record record;
    return ion_text_read_record(input, arena, &record, err);
}

static enum lf_code decode_ion_entry(struct span *rest, struct ion_symbols *symbols, struct arena *arena, struct err *err)
{
    enum ion_entry entry;
    struct export_record record;
    size_t len = rest->len;
    TRY(ion_binary_next(*rest, &entry, &len, err));
    struct span whole = span_of(rest->ptr, len);
    *rest = span_from(*rest, len);
    if (entry == ION_INCOMPLETE || entry == ION_PADDING)
        return LF_OK;
    return entry == ION_RECORD ? ion_binary_read_record(whole, symbols, arena, &record, err)
                               : ion_symbols_apply(symbols, entry, whole, err);
}

static enum lf_code decode_ion_binary(struct span input, struct arena *arena, struct err *err)
{
    struct ion_symbols symbols;
    ion_symbols_init(&symbols, arena);
    while (input.len > 0)
        TRY(decode_ion_entry(&input, &symbols, arena, err));
    return LF_OK;
}

static enum lf_code decode_extra(struct span input, struct arena *arena, struct err *err)
{
    struct item item;
    struct buf back;
    TRY(extra_read(input, arena, &item, err));
    buf_init(&back, PLENTY_BYTES);
    enum lf_code code = extra_put(&back, item.attributes, item.count, err);
    if (code == LF_OK)
        code = buf_check(&back, err);
    buf_done(&back);
    return code;
}

static enum lf_code put_migrations(const struct map *map, struct err *err)
{
    struct buf sql;
    buf_init(&sql, PLENTY_BYTES);
    for (unsigned step = 0; step < MIGRATION_STEPS; step++)
        ddl_put_migration(&sql, map, (enum migration_step)step);
    enum lf_code code = buf_check(&sql, err);
    buf_done(&sql);
    return code;
}

static enum lf_code decode_map(struct span input, struct arena *arena, struct err *err)
{
    struct map map;
    TRY(map_read_yaml(input, "input", arena, &map, err));
    return put_migrations(&map, err);
}

/* What it comes to with `cap_bytes`. */
static enum lf_code decode(decoder *read, struct span input, size_t cap_bytes, struct err *err)
{
    struct arena arena;
    *err = (struct err)ERR_INIT;
    arena_init(&arena, cap_bytes);
    enum lf_code code = read(input, &arena, err);
    arena_done(&arena);
    assert_int_equal(err->code, code);
    assert_true(code == LF_OK || err->message[0]);
    return code;
}

/* The number of caps that were too small. */
static unsigned starve(decoder *read, struct span input, enum lf_code wanted)
{
    struct err err;
    unsigned failures = 0;
    size_t cap_bytes = 0;
    for (; decode(read, input, cap_bytes, &err) == LF_MEMORY; cap_bytes += CAP_STEP_BYTES + cap_bytes / 64)
        failures++;
    if (err.code != wanted)
        fail_msg("with %zu bytes: %s", cap_bytes, err.message);
    assert_true(cap_bytes < PLENTY_BYTES);
    return failures;
}

/* The number of allocations, of which each failed once. */
static unsigned refuse(decoder *read, struct span input, enum lf_code wanted, enum fault_kind kind)
{
    struct err err;
    for (unsigned n = 1;; n++) {
        faults_arm(FAULTS_MEMORY, kind, n);
        enum lf_code code = decode(read, input, PLENTY_BYTES, &err);
        if (!faults_disarm()) {
            assert_int_equal(code, wanted);
            return n - 1;
        }
        if (code != LF_MEMORY && code != wanted)
            fail_msg("allocation %u: %s", n, err.message);
    }
}

static void torture(decoder *read, const char *path)
{
    struct arena arena;
    struct err err = ERR_INIT;
    struct span input;
    arena_init(&arena, SEED_BYTES_MAX);
    assert_int_equal(file_text_read(span_from_cstr(path), SEED_BYTES_MAX, &arena, &input, &err), LF_OK);
    enum lf_code wanted = decode(read, input, PLENTY_BYTES, &err);
    unsigned caps = starve(read, input, wanted);
    unsigned once = refuse(read, input, wanted, FAULT_REFUSED), lasting = refuse(read, input, wanted, FAULT_LASTING);
    printf("%s: %u caps too small, %u allocations\n", strrchr(path, '/') + 1, caps, once > lasting ? once : lasting);
    arena_done(&arena);
}

/* Every seed of a fuzz target. */
static void torture_all(decoder *read, const char *name)
{
    char folder_path[PATH_BYTES], path[2 * PATH_BYTES];
    unsigned seeds = 0;
    (void)snprintf(folder_path, sizeof folder_path, "%s/%s", FUZZ_CORPUS, name);
    DIR *folder = opendir(folder_path);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder_path, entry->d_name);
        torture(read, path);
        seeds++;
    }
    assert_int_equal(closedir(folder), 0);
    assert_true(seeds > 0);
}

static void dynamodb_json(void **state)
{
    (void)state;
    torture_all(decode_ddbjson, "ddbjson");
}

static void ion_text(void **state)
{
    (void)state;
    torture_all(decode_ion_text, "ion_text");
}

static void ion_binary(void **state)
{
    (void)state;
    torture_all(decode_ion_binary, "ion_binary");
}

static void leftovers(void **state)
{
    (void)state;
    torture_all(decode_extra, "extra");
}

static void maps(void **state)
{
    (void)state;
    torture_all(decode_map, "map_yaml");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dynamodb_json), cmocka_unit_test(ion_text), cmocka_unit_test(ion_binary),
        cmocka_unit_test(leftovers),     cmocka_unit_test(maps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
