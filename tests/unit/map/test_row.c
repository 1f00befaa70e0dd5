#include "row_fixture.h"

#include "codec/utf8.h"
#include "generate_map.h"
#include "generate_row.h"

/* ---- the round-trip rule ---- */

enum { MAPS = 150, ITEMS_PER_ENTITY = 20 };

struct tally {
    int items, claimed, with_extra, with_children;
};

static void check_item(struct fixture *fixture, const struct map_table *table, const struct item *item, struct tally *tally)
{
    struct row row;
    if (row_encode(table, item, &fixture->arena, &row, &fixture->err) != LF_OK)
        fail_msg("%s", fixture->err.message);
    tally->items++;
    if (!row.entity) {
        assert_true(row.reason.len > 0);
        assert_int_equal(utf8_invalid_at(row.reason), row.reason.len);
        assert_int_equal(span_find_byte(row.reason, '\0'), row.reason.len);
        return;
    }
    tally->claimed++;
    tally->with_extra += row.fields[row.entity->column_count].data != NULL;
    for (size_t i = 0; i < row.entity->child_count; i++)
        tally->with_children += row.children[i].row_count > 0;
    assert_comes_back(fixture, item, &row);
}

static void check_table(struct fixture *fixture, struct generator *generator, const struct map_table *table, struct tally *tally)
{
    for (size_t i = 0; i < table->entity_count; i++)
        for (int round = 0; round < ITEMS_PER_ENTITY; round++) {
            struct item item = generate_for_entity(generator, &fixture->arena, &table->entities[i]);
            check_item(fixture, table, &item, tally);
            arena_reset(&fixture->arena);
        }
}

static void test_items_come_back_through_any_map(void **state)
{
    struct fixture *fixture = *state;
    struct generator generator;
    struct tally tally = { 0 };
    generator_init(&generator, generator_seed());
    for (int i = 0; i < MAPS; i++) {
        fixture->map = generate_map(&generator, &fixture->map_arena);
        if (map_finish(&fixture->map, &fixture->map_arena, &fixture->err) != LF_OK)
            fail_msg("%s", fixture->err.message);
        for (size_t t = 0; t < fixture->map.table_count; t++)
            check_table(fixture, &generator, &fixture->map.tables[t], &tally);
        arena_reset(&fixture->map_arena);
    }
    print_message("%d items, %d claimed, %d with ddb_extra, %d with children\n", tally.items, tally.claimed, tally.with_extra,
                  tally.with_children);
    assert_true(tally.claimed > tally.items / 4);
    assert_true(tally.with_extra > tally.claimed / 10 && tally.with_extra < tally.claimed);
    assert_true(tally.with_children > 0);
}

/* Equal items are equal rows, in whatever order their attributes came, up to the order inside ddb_extra and jsonb. */
static void test_the_order_of_attributes_changes_no_claim(void **state)
{
    struct fixture *fixture = *state;
    struct generator generator;
    generator_init(&generator, generator_seed());
    read_map(fixture, HEAD MESSAGE PERSON INDEXED);
    for (int round = 0; round < MAPS; round++) {
        const struct map_table *table = &fixture->map.tables[0];
        struct item item = generate_for_entity(&generator, &fixture->arena, &table->entities[generate_below(&generator, 3)]);
        struct item shuffled = generate_shuffled(&generator, &fixture->arena, &item);
        struct row row = encode(fixture, &item), other = encode(fixture, &shuffled);
        assert_ptr_equal(row.entity, other.entity);
        for (size_t i = 0; row.entity && i < row.entity->column_count; i++) {
            if (row.entity->columns[i].type == COLUMN_JSONB)
                continue;
            assert_int_equal(row.fields[i].len, other.fields[i].len);
            assert_true(!row.fields[i].data == !other.fields[i].data);
            if (row.fields[i].len)
                assert_memory_equal(row.fields[i].data, other.fields[i].data, row.fields[i].len);
        }
        arena_reset(&fixture->arena);
    }
}

/* ---- memory ---- */

/* With less memory than it takes every allocation fails once; each time LF_MEMORY comes back and nothing is lost. */
static void test_memory_runs_out_anywhere(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD PERSON);
    struct item item =
        item_from(fixture, PERSON_ITEM("Bonn", ",\"address\":{\"M\":{\"city\":{\"S\":\"Bonn\"}}},\"x\":{\"N\":\"1\"},"
                                               "\"tags\":{\"L\":[{\"S\":\"b\"}]}"));
    struct row row = encode(fixture, &item);
    const struct pg_field *fields = selected(fixture, &row);
    for (unsigned half = 0; half < 2; half++) {
        enum lf_code code = LF_MEMORY;
        size_t cap = 0;
        for (; code == LF_MEMORY; cap += 16) {
            struct arena small;
            struct item back;
            arena_init(&small, cap);
            code = half ? row_decode(row.entity, fields, &small, &back, &fixture->err)
                        : row_encode(&fixture->map.tables[0], &item, &small, &row, &fixture->err);
            arena_done(&small);
        }
        assert_int_equal(code, LF_OK);
        assert_true(cap > 256);
        row = encode(fixture, &item);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW_TEST(test_items_come_back_through_any_map),
        ROW_TEST(test_the_order_of_attributes_changes_no_claim),
        ROW_TEST(test_memory_runs_out_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
