/* A map: what is accepted is written, read again and written as the same bytes, and means some DDL. */
#include "fuzz.h"

#include "map/ddl.h"
#include "map/map_yaml.h"

static void check_writing(const struct map *map, struct arena *arena)
{
    struct buf once, twice;
    struct err err = ERR_INIT;
    struct map back;
    buf_init(&once, FUZZ_MEMORY_BYTES);
    buf_init(&twice, FUZZ_MEMORY_BYTES);
    map_put_yaml(&once, map);
    CHECK(map_read_yaml(buf_span(&once), "written", arena, &back, &err) == LF_OK);
    map_put_yaml(&twice, &back);
    CHECK(span_equal(buf_span(&once), buf_span(&twice)));
    buf_done(&once);
    buf_done(&twice);
}

static void check_ddl(const struct map *map)
{
    struct buf sql;
    buf_init(&sql, FUZZ_MEMORY_BYTES);
    for (unsigned step = 0; step < MIGRATION_STEPS; step++)
        ddl_put_migration(&sql, map, (enum migration_step)step);
    ddl_put_mermaid(&sql, map);
    CHECK(!sql.failed);
    buf_done(&sql);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct err err = ERR_INIT;
    struct map map;
    arena_init(&arena, FUZZ_MEMORY_BYTES);
    if (map_read_yaml(fuzz_input(data, size), "input", &arena, &map, &err) == LF_OK) {
        check_writing(&map, &arena);
        check_ddl(&map);
    } else {
        CHECK(err.message[0] != '\0');
    }
    arena_done(&arena);
    return 0;
}
