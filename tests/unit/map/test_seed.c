/* Items of a seed: claimed by their entity, with distinct keys and parents that exist, whoever makes them in whatever order. */
#include "map/seed.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "generate_map.h"
#include "item/canonical.h"
#include "map/entity_index.h"
#include "map/seed/random.h"
#include "row_fixture.h"

/* Each column type and codec; a tree; foreign keys of two columns, in a key alone, and of a closed list. */
static const char every_type[] =
    "version: 1\n"
    "schema: shop\n"
    "tables:\n"
    "  shop:\n"
    "    key: { pk: S, sk: S }\n"
    "    indexes: { gsi1: { gsi1pk: S, gsi1sk: S }, gsi2: { email: S } }\n"
    "    entities:\n"
    "      Customer:\n"
    "        match: { __edb_e__: customer, __edb_v__: '1' }\n"
    "        key: { pk: '$shop#customer_{customer_id}', sk: '$customer_1#region_{region}' }\n"
    "        table: customer\n"
    "        primary_key: [customer_id]\n"
    "        columns:\n"
    "          customer_id: { attr: customerId, type: uuid, null: false }\n"
    "          region: { attr: region, type: text, null: false, check: [eu, us, asia] }\n"
    "          email: { attr: email, type: text, null: false }\n"
    "          referred_by: { attr: referredBy, type: uuid }\n"
    "          full_name: { attr: fullName, type: text }\n"
    "          birthday: { attr: birthday, type: date }\n"
    "          t0: { attr: t0, type: timestamptz }\n"
    "          t1: { attr: t1, type: timestamptz, codec: iso8601_ms }\n"
    "          t2: { attr: t2, type: timestamptz, codec: iso8601_us }\n"
    "          t3: { attr: t3, type: timestamptz, codec: iso8601_offset }\n"
    "          t4: { attr: t4, type: timestamptz, codec: iso8601_ms_offset }\n"
    "          t5: { attr: t5, type: timestamptz, codec: iso8601_us_offset }\n"
    "          t6: { attr: t6, type: timestamptz, codec: epoch_s, null: false }\n"
    "          t7: { attr: t7, type: timestamptz, codec: epoch_ms }\n"
    "          visits: { attr: visits, type: bigint }\n"
    "          visits_text: { attr: visitsText, type: bigint, codec: string }\n"
    "          level: { attr: level, type: integer }\n"
    "          level_text: { attr: levelText, type: integer, codec: string }\n"
    "          balance: { attr: balance, type: numeric }\n"
    "          balance_text: { attr: balanceText, type: numeric, codec: string }\n"
    "          latitude: { attr: latitude, type: numeric }\n"
    "          is_active: { attr: isActive, type: boolean }\n"
    "          avatar: { attr: avatar, type: bytea }\n"
    "          settings: { attr: settings, type: jsonb, null: false }\n"
    "          tags: { attr: tags, type: 'text[]' }\n"
    "          history: { attr: history, type: 'text[]', codec: list }\n"
    "          scores: { attr: scores, type: 'numeric[]' }\n"
    "          digests: { attr: digests, type: 'bytea[]' }\n"
    "          address: { attr: address, flatten: { address_street: { attr: street, type: text },\n"
    "                                               address_city: { attr: city, type: text } } }\n"
    "        children:\n"
    "          phones: { attr: phones, table: customer_phone, columns: { phone: { type: text } } }\n"
    "          cards: { attr: cards, table: customer_card, columns: { brand: { attr: brand, type: text, check: [visa, amex] },\n"
    "                                                                 last_four: { attr: last, type: integer, null: false } } }\n"
    "        foreign_keys: [ { columns: [referred_by], references: customer(customer_id) } ]\n"
    "        unique: [ [email] ]\n"
    "      Order:\n"
    "        match: { __edb_e__: order }\n"
    "        key: { pk: '$shop#customer_{customer_id}', sk: '$order_1#number_{number}' }\n"
    "        keys: { gsi1pk: 'status#{status|lower}', gsi1sk: '{placed_at}' }\n"
    "        table: order\n"
    "        primary_key: [customer_id, number]\n"
    "        columns:\n"
    "          customer_id: { attr: customerId, type: uuid, null: false }\n"
    "          number: { attr: number, type: bigint, null: false }\n"
    "          status: { attr: status, type: text }\n"
    "          placed_at: { attr: placedAt, type: timestamptz, codec: iso8601_ms }\n"
    "        foreign_keys: [ { columns: [customer_id], references: customer(customer_id) } ]\n"
    "      Line:\n"
    "        match: { __edb_e__: line }\n"
    "        key: { pk: 'order#{customer_id}#{order_number}', sk: 'line#{line_id}' }\n"
    "        table: line\n"
    "        primary_key: [line_id]\n"
    "        columns:\n"
    "          customer_id: { type: uuid, null: false }\n"
    "          order_number: { type: bigint, null: false }\n"
    "          line_id: { type: text, null: false }\n"
    "          price: { attr: price, type: numeric, null: false }\n"
    "        foreign_keys: [ { columns: [customer_id, order_number], references: 'order(customer_id, number)' },\n"
    "                        { columns: [customer_id], references: customer(customer_id) } ]\n"
    "      Rating:\n"
    "        key: { pk: 'rating#{customer_id}', sk: 'rating#{stars}' }\n"
    "        table: rating\n"
    "        primary_key: [customer_id, stars]\n"
    "        columns:\n"
    "          customer_id: { attr: customerId, type: uuid, null: false }\n"
    "          stars: { attr: stars, type: text, null: false, check: ['1', '2', '3'] }\n"
    "        foreign_keys: [ { columns: [customer_id], references: customer(customer_id) } ]\n"
    "      Config:\n"
    "        key: { pk: CONFIG, sk: CONFIG }\n"
    "        table: config\n"
    "        columns: { colour: { attr: colour, type: text } }\n"
    "  numbers:\n"
    "    key: { id: N, at: B }\n"
    "    entities:\n"
    "      Number:\n"
    "        key: { id: '{id}', at: '{at}' }\n"
    "        table: number\n"
    "        primary_key: [id, at]\n"
    "        columns:\n"
    "          id: { attr: id, type: numeric, null: false }\n"
    "          at: { attr: at, type: bytea, null: false }\n";

enum { ITEMS = 4000, ODD_EVERY = 50 };

static const struct seed *new_seed(struct fixture *fixture, struct seed_options options)
{
    const struct seed *seed;
    if (seed_new(&fixture->map, &options, &fixture->map_arena, &seed, &fixture->err) != LF_OK)
        fail_msg("%s", fixture->err.message);
    return seed;
}

static enum lf_code seed_error(struct fixture *fixture, uint64_t items, const char *counts)
{
    const struct seed *seed;
    struct seed_options options = { .items = items, .seed = 1, .counts = span_from_cstr(counts) };
    return seed_new(&fixture->map, &options, &fixture->map_arena, &seed, &fixture->err);
}

/* All items of a run, in the fixture's arena; tables one after another. */
struct made {
    struct seed_item *items;
    struct row *rows;
    size_t count;
};

static struct seed_item make_at(struct fixture *fixture, const struct seed *seed, size_t table, uint64_t n)
{
    struct seed_item item;
    if (seed_make(seed, table, n, &fixture->arena, &item, &fixture->err) != LF_OK)
        fail_msg("%s", fixture->err.message);
    return item;
}

static void add_table(struct fixture *fixture, const struct seed *seed, size_t table, struct made *made)
{
    for (uint64_t n = 0; n < seed_table_items(seed, table); n++, made->count++) {
        made->items[made->count] = make_at(fixture, seed, table, n);
        struct row *row = &made->rows[made->count];
        const struct item *item = &made->items[made->count].item;
        if (row_encode(&fixture->map.tables[table], item, &fixture->arena, row, &fixture->err) != LF_OK)
            fail_msg("%s", fixture->err.message);
    }
}

static struct made make_all(struct fixture *fixture, const struct seed *seed, size_t count)
{
    struct made made = { arena_calloc(&fixture->arena, count, sizeof *made.items, &fixture->err),
                         arena_calloc(&fixture->arena, count, sizeof *made.rows, &fixture->err), 0 };
    assert_true(made.items && made.rows);
    for (size_t t = 0; t < fixture->map.table_count; t++)
        add_table(fixture, seed, t, &made);
    assert_int_equal(made.count, count);
    return made;
}

/* ---- what holds of every item ---- */

static void test_items_are_claimed_and_come_back(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, every_type);
    struct made made = make_all(fixture, new_seed(fixture, (struct seed_options){ .items = ITEMS, .seed = 1 }), ITEMS);
    for (size_t i = 0; i < made.count; i++) {
        if (made.rows[i].entity != made.items[i].entity) {
            print_item(&made.items[i].item);
            fail_msg("%.*s", SPAN_ARG(made.rows[i].reason));
        }
        assert_string_equal(extra_of(fixture, &made.rows[i]), "");
        assert_false(made.items[i].is_odd);
    }
}

/* Every column is there sometimes, and those that may be NULL are absent sometimes. */
static void test_columns_are_filled(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, every_type);
    struct made made = make_all(fixture, new_seed(fixture, (struct seed_options){ .items = ITEMS, .seed = 1 }), ITEMS);
    const struct entity *customer = map_find_entity(&fixture->map, SPAN("Customer"));
    size_t filled[LIMIT_COLUMNS] = { 0 }, children[2] = { 0 }, total = 0;
    for (size_t i = 0; i < made.count; i++) {
        if (made.items[i].entity != customer)
            continue;
        total++;
        for (size_t c = 0; c < customer->column_count; c++)
            filled[c] += made.rows[i].fields[c].data != NULL;
        for (size_t c = 0; c < customer->child_count; c++)
            children[c] += made.rows[i].children[c].row_count > 0;
    }
    for (size_t c = 0; c < customer->column_count; c++)
        if (filled[c] == 0 || (customer->columns[c].not_null && filled[c] < total))
            fail_msg("%.*s: %zu of %zu", SPAN_ARG(customer->columns[c].name), filled[c], total);
    assert_in_range(children[0], 1, total - 1);
    assert_in_range(children[1], 1, total - 1);
}

/* ---- keys ---- */

static int compare_spans(const void *left, const void *right)
{
    return span_compare(*(const struct span *)left, *(const struct span *)right);
}

/* The fields' bytes and lengths as one text; ptr NULL when one is NULL. */
static struct span tuple(struct fixture *fixture, const struct row *row, const unsigned *columns, size_t count)
{
    struct buf buf;
    struct span copy;
    buf_init(&buf, 1 << 20);
    for (size_t i = 0; i < count; i++) {
        struct pg_field field = row->fields[columns[i]];
        if (!field.data) {
            buf_done(&buf);
            return (struct span){ 0 };
        }
        buf_printf(&buf, "%zu:", field.len);
        buf_put(&buf, field.data, field.len);
    }
    assert_int_equal(arena_copy(&fixture->arena, buf_span(&buf), &copy, &fixture->err), LF_OK);
    buf_done(&buf);
    return copy;
}

/* Tuples of one entity, sorted. */
static size_t tuples(struct fixture *fixture, const struct made *made, const struct entity *entity, const unsigned *columns,
                     size_t count, struct span *ret_tuples)
{
    size_t found = 0;
    for (size_t i = 0; i < made->count; i++) {
        if (made->rows[i].entity != entity)
            continue;
        struct span text = tuple(fixture, &made->rows[i], columns, count);
        if (text.ptr)
            ret_tuples[found++] = text;
    }
    qsort(ret_tuples, found, sizeof *ret_tuples, compare_spans);
    return found;
}

static void assert_distinct(const struct span *sorted, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (span_equal(sorted[i - 1], sorted[i]))
            fail_msg("twice: %.*s", SPAN_ARG(sorted[i]));
}

static void assert_keys_of_table_are_distinct(struct fixture *fixture, const struct made *made, size_t table)
{
    struct span *keys = arena_calloc(&fixture->arena, made->count, sizeof *keys, &fixture->err);
    size_t count = 0;
    for (size_t i = 0; i < made->count; i++) {
        struct key key;
        const struct map_table *of = made->items[i].entity->dynamodb_table;
        if (of != &fixture->map.tables[table])
            continue;
        assert_int_equal(key_of_item(&of->key, &made->items[i].item, &fixture->arena, &key, &fixture->err), LF_OK);
        assert_int_equal(arena_printf(&fixture->arena, &keys[count++], &fixture->err, "%zu:%.*s%.*s", key.partition.len,
                                      SPAN_ARG(key.partition), SPAN_ARG(key.sort)),
                         LF_OK);
    }
    qsort(keys, count, sizeof *keys, compare_spans);
    assert_distinct(keys, count);
}

static void test_keys_are_distinct(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, every_type);
    struct seed_options options = { .items = ITEMS, .seed = 7, .counts = SPAN("Customer=40,Rating=120") };
    struct made made = make_all(fixture, new_seed(fixture, options), ITEMS);
    struct span *texts = arena_calloc(&fixture->arena, made.count, sizeof *texts, &fixture->err);
    assert_keys_of_table_are_distinct(fixture, &made, 0);
    for (size_t e = 0; e < fixture->map.tables[0].entity_count; e++) {
        const struct entity *entity = &fixture->map.tables[0].entities[e];
        if (entity->primary_key_count)
            assert_distinct(texts, tuples(fixture, &made, entity, entity->primary_key, entity->primary_key_count, texts));
        for (size_t i = 0; i < entity->index_count; i++)
            if (entity->indexes[i].unique)
                assert_distinct(texts,
                                tuples(fixture, &made, entity, entity->indexes[i].columns, entity->indexes[i].count, texts));
    }
}

/* ---- relations ---- */

static void assert_parents_exist(struct fixture *fixture, const struct made *made, const struct entity *entity,
                                 const struct foreign_key *key)
{
    struct span *parents = arena_calloc(&fixture->arena, made->count, sizeof *parents, &fixture->err);
    struct span *wanted = arena_calloc(&fixture->arena, made->count, sizeof *wanted, &fixture->err);
    size_t parent_count = tuples(fixture, made, key->parent, key->references, key->count, parents);
    size_t wanted_count = tuples(fixture, made, entity, key->columns, key->count, wanted);
    assert_true(wanted_count > 0);
    for (size_t i = 0; i < wanted_count; i++)
        assert_non_null(bsearch(&wanted[i], parents, parent_count, sizeof *parents, compare_spans));
}

static void test_parents_exist(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, every_type);
    struct seed_options options = { .items = ITEMS, .seed = 3, .odd_every = ODD_EVERY };
    struct made made = make_all(fixture, new_seed(fixture, options), ITEMS);
    for (size_t e = 0; e < fixture->map.tables[0].entity_count; e++)
        for (size_t i = 0; i < fixture->map.tables[0].entities[e].foreign_key_count; i++)
            assert_parents_exist(fixture, &made, &fixture->map.tables[0].entities[e],
                                 &fixture->map.tables[0].entities[e].foreign_keys[i]);
}

/* Following referred_by from any customer ends. */
static void test_a_tree_is_one(void **state)
{
    enum { TREE_ITEMS = 600 };
    struct fixture *fixture = *state;
    read_map(fixture, every_type);
    struct made made = make_all(fixture, new_seed(fixture, (struct seed_options){ .items = TREE_ITEMS, .seed = 5 }), TREE_ITEMS);
    const struct entity *customer = map_find_entity(&fixture->map, SPAN("Customer"));
    size_t steps_max = seed_entity_items(new_seed(fixture, (struct seed_options){ .items = TREE_ITEMS, .seed = 5 }), customer);
    for (size_t start = 0; start < made.count; start++) {
        size_t at = start, steps = 0;
        while (made.items[at].entity == customer && made.rows[at].fields[3].data) {
            struct pg_field parent = made.rows[at].fields[3];
            for (at = 0; made.items[at].entity != customer || memcmp(made.rows[at].fields[0].data, parent.data, 16) != 0; at++)
                continue;
            assert_in_range(++steps, 1, steps_max);
        }
    }
}

/* A few customers have far more orders than most. */
static void test_some_parents_have_many_children(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, every_type);
    struct seed_options options = { .items = ITEMS, .seed = 3, .counts = SPAN("Customer=100,Order=2000") };
    struct made made = make_all(fixture, new_seed(fixture, options), ITEMS);
    const struct entity *order = map_find_entity(&fixture->map, SPAN("Order"));
    struct span *customers = arena_calloc(&fixture->arena, made.count, sizeof *customers, &fixture->err);
    unsigned column = 0;
    size_t count = tuples(fixture, &made, order, &column, 1, customers), most = 0, run = 1;
    assert_int_equal(count, 2000);
    for (size_t i = 1; i < count; i++) {
        run = span_equal(customers[i - 1], customers[i]) ? run + 1 : 1;
        most = run > most ? run : most;
    }
    assert_in_range(most, 10 * count / 100, count / 2);
}

/* ---- determinism ---- */

static void test_an_item_follows_from_its_number(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, every_type);
    struct seed_options options = { .items = ITEMS, .seed = 11, .odd_every = ODD_EVERY };
    const struct seed *first = new_seed(fixture, options), *second = new_seed(fixture, options);
    options.seed = 12;
    const struct seed *other = new_seed(fixture, options);
    size_t same = 0;
    for (uint64_t n = seed_table_items(first, 0); n > 0; n--) {
        make_at(fixture, second, 0, seed_table_items(first, 0) - n);
        struct seed_item a = make_at(fixture, first, 0, n - 1), b = make_at(fixture, second, 0, n - 1);
        struct seed_item c = make_at(fixture, other, 0, n - 1);
        assert_true(a.entity == b.entity && a.is_odd == b.is_odd && item_equal(&a.item, &b.item));
        same += item_equal(&a.item, &c.item);
    }
    assert_true(same < 3);
}

/* The same on every machine: what one run gave when this was written. */
static void test_items_are_those_of_yesterday(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, every_type);
    struct made made = make_all(fixture, new_seed(fixture, (struct seed_options){ .items = ITEMS, .seed = 1 }), ITEMS);
    struct hash128 sum = { 0 };
    for (size_t i = 0; i < made.count; i++)
        sum = hash128_add(sum, item_hash(&made.items[i].item));
    char text[40];
    snprintf(text, sizeof text, "%016llx%016llx", (unsigned long long)sum.high, (unsigned long long)sum.low);
    assert_string_equal(text, "aaab20b245e54f0c9bff6332c419ed6e");
}

/* ---- odd ones ---- */

static void test_odd_items_are_as_many_as_asked(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, every_type);
    struct seed_options options = { .items = ITEMS, .seed = 1, .odd_every = ODD_EVERY };
    struct made made = make_all(fixture, new_seed(fixture, options), ITEMS);
    size_t odd = 0, kept = 0, refused = 0;
    for (size_t i = 0; i < made.count; i++) {
        bool has_extra = made.rows[i].entity && extra_of(fixture, &made.rows[i])[0];
        odd += made.items[i].is_odd;
        kept += has_extra;
        refused += !made.rows[i].entity;
        assert_true(made.items[i].is_odd || (made.rows[i].entity && !has_extra)); /* jsonb holds odd values too */
    }
    assert_in_range(odd, ITEMS / ODD_EVERY / 2, 2 * ITEMS / ODD_EVERY);
    assert_true(kept > 0 && refused > 0);
}

/* ---- counts and limits ---- */

static uint64_t items_of(struct fixture *fixture, const struct seed *seed, const char *entity)
{
    return seed_entity_items(seed, map_find_entity(&fixture->map, span_from_cstr(entity)));
}

static void test_children_are_more_than_parents(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, every_type);
    const struct seed *seed = new_seed(fixture, (struct seed_options){ .items = ITEMS, .seed = 1 });
    assert_true(items_of(fixture, seed, "Customer") < items_of(fixture, seed, "Order"));
    assert_true(items_of(fixture, seed, "Order") < items_of(fixture, seed, "Line"));
    assert_int_equal(items_of(fixture, seed, "Config"), 1);
    assert_int_equal(seed_table_items(seed, 0) + seed_table_items(seed, 1), ITEMS);
}

static void test_counts_are_obeyed(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, every_type);
    struct seed_options options = { .items = 1000, .seed = 1, .counts = SPAN("Customer=5,Line=0,Config=0") };
    const struct seed *seed = new_seed(fixture, options);
    assert_int_equal(items_of(fixture, seed, "Customer"), 5);
    assert_int_equal(items_of(fixture, seed, "Line"), 0);
    assert_int_equal(items_of(fixture, seed, "Config"), 0);
    assert_int_equal(seed_error(fixture, 1000, "Nobody=5"), LF_USAGE);
    assert_int_equal(seed_error(fixture, 1000, "Customer"), LF_USAGE);
    assert_int_equal(seed_error(fixture, 1000, "Customer=x"), LF_USAGE);
    assert_int_equal(seed_error(fixture, 1000, "Customer=-1"), LF_USAGE);
    assert_int_equal(seed_error(fixture, 1000, "Customer=1001"), LF_USAGE);
    assert_int_equal(seed_error(fixture, 1000, "Customer=1000"), LF_OK);
}

/* Three stars of ten customers, one configuration. */
static void test_keys_limit_the_items(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, every_type);
    assert_int_equal(seed_error(fixture, 1000, "Customer=10,Rating=29"), LF_OK);
    assert_int_equal(seed_error(fixture, 1000, "Customer=10,Rating=30"), LF_OK);
    assert_int_equal(seed_error(fixture, 1000, "Customer=10,Rating=31"), LF_LIMIT);
    assert_int_equal(seed_error(fixture, 1000, "Config=1"), LF_OK);
    assert_int_equal(seed_error(fixture, 1000, "Config=2"), LF_LIMIT);
    assert_int_equal(seed_error(fixture, 41, "Customer=10,Order=0,Line=0,Number=0"), LF_OK);
    assert_int_equal(seed_error(fixture, 42, "Customer=10,Order=0,Line=0,Number=0"), LF_LIMIT);
}

static void test_few_items(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, every_type);
    for (uint64_t items = 1; items < 20; items++)
        make_all(fixture, new_seed(fixture, (struct seed_options){ .items = items, .seed = items }), items);
}

/* Who is never claimed is told so. */
static void test_an_entity_in_the_shade(void **state)
{
    struct fixture *fixture = *state;
    read_map(
        fixture,
        "version: 1\nschema: s\ntables:\n  t:\n    key: { pk: S }\n    entities:\n"
        "      All: { key: { pk: '{pk}' }, table: a, primary_key: [pk], columns: { pk: { attr: pk, type: text, null: false } } "
        "}\n"
        "      One: { key: { pk: 'one#{id}' }, table: b, primary_key: [id], columns: { id: { type: text, null: false } } }\n");
    assert_int_equal(seed_error(fixture, 100, ""), LF_MAP);
    assert_non_null(strstr(fixture->err.message, "--counts One=0"));
    assert_int_equal(seed_error(fixture, 100, "One=0"), LF_OK);
}

/* ---- random maps ---- */

/* Either the map is refused with a reason, or all that it promises holds. */
static void test_random_maps(void **state)
{
    enum { MAPS = 60, MAP_ITEMS = 60 };
    struct fixture *fixture = *state;
    size_t made_maps = 0;
    for (uint64_t i = 0; i < MAPS; i++) {
        struct generator generator;
        struct seed_options options = { .items = MAP_ITEMS, .seed = i };
        const struct seed *seed;
        generator_init(&generator, i);
        arena_reset(&fixture->arena);
        arena_reset(&fixture->map_arena);
        fixture->map = generate_map(&generator, &fixture->map_arena);
        assert_int_equal(map_finish(&fixture->map, &fixture->map_arena, &fixture->err), LF_OK);
        enum lf_code code = seed_new(&fixture->map, &options, &fixture->map_arena, &seed, &fixture->err);
        assert_true(code == LF_OK || code == LF_MAP || code == LF_LIMIT);
        if (code != LF_OK)
            continue;
        struct made made = make_all(fixture, seed, MAP_ITEMS);
        for (size_t n = 0; n < made.count; n++)
            assert_ptr_equal(made.rows[n].entity, made.items[n].entity);
        made_maps++;
    }
    print_message("%zu of %d random maps\n", made_maps, MAPS);
    assert_true(made_maps > MAPS / 20);
}

static void test_permutations_are_bijections(void **state)
{
    (void)state;
    enum { SIZE_MAX_TRIED = 300 };
    for (uint64_t size = 1; size <= SIZE_MAX_TRIED; size++) {
        bool seen[SIZE_MAX_TRIED] = { false };
        for (uint64_t at = 0; at < size; at++) {
            uint64_t to = seed_permute(size, size, at);
            assert_in_range(to, 0, size - 1);
            assert_false(seen[to]);
            seen[to] = true;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_items_are_claimed_and_come_back, row_setup, row_teardown),
        cmocka_unit_test_setup_teardown(test_columns_are_filled, row_setup, row_teardown),
        cmocka_unit_test_setup_teardown(test_keys_are_distinct, row_setup, row_teardown),
        cmocka_unit_test_setup_teardown(test_parents_exist, row_setup, row_teardown),
        cmocka_unit_test_setup_teardown(test_a_tree_is_one, row_setup, row_teardown),
        cmocka_unit_test_setup_teardown(test_some_parents_have_many_children, row_setup, row_teardown),
        cmocka_unit_test_setup_teardown(test_an_item_follows_from_its_number, row_setup, row_teardown),
        cmocka_unit_test_setup_teardown(test_items_are_those_of_yesterday, row_setup, row_teardown),
        cmocka_unit_test_setup_teardown(test_odd_items_are_as_many_as_asked, row_setup, row_teardown),
        cmocka_unit_test_setup_teardown(test_children_are_more_than_parents, row_setup, row_teardown),
        cmocka_unit_test_setup_teardown(test_counts_are_obeyed, row_setup, row_teardown),
        cmocka_unit_test_setup_teardown(test_keys_limit_the_items, row_setup, row_teardown),
        cmocka_unit_test_setup_teardown(test_few_items, row_setup, row_teardown),
        cmocka_unit_test_setup_teardown(test_an_entity_in_the_shade, row_setup, row_teardown),
        cmocka_unit_test_setup_teardown(test_random_maps, row_setup, row_teardown),
        cmocka_unit_test(test_permutations_are_bijections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
