#include "infer_fixture.h"

/* ---- kinds ---- */

static void kinds_by_key_words(void **state)
{
    struct fixture *f = *state;
    for (int u = 0; u < 30; u++) {
        add(f,
            "{\"pk\":{\"S\":\"USER#u%d\"},\"sk\":{\"S\":\"PROFILE\"},\"userId\":{\"S\":\"u%d\"},\"email\":{\"S\":\"u%d@example."
            "org\"}}",
            u, u, u);
        for (int o = 0; o < 3; o++)
            add(f,
                "{\"pk\":{\"S\":\"USER#u%d\"},\"sk\":{\"S\":\"ORDER#%d\"},\"userId\":{\"S\":\"u%d\"},\"orderId\":{\"N\":\"%d\"},"
                "\"total\":{\"N\":\"%d.5\"}}",
                u, u * 10 + o, u, u * 10 + o, o);
    }
    draft(f);
    assert_int_equal(f->map.tables[0].entity_count, 2);
    assert_template(f, "User", "pk", "USER#{user_id}");
    assert_template(f, "User", "sk", "PROFILE");
    assert_template(f, "Order", "sk", "ORDER#{order_id}");
    assert_primary_key(f, "User", "user_id");
    assert_primary_key(f, "Order", "order_id");
    assert_reference(f, "Order", "user_id", "user");
    assert_int_equal(column(f, "Order", "total")->type, COLUMN_NUMERIC);
    assert_all_claimed(f);
}

static void kinds_by_a_word_inside_the_key(void **state)
{
    struct fixture *f = *state;
    for (int o = 0; o < 60; o++) {
        add(f,
            "{\"pk\":{\"S\":\"USER#u%d\"},\"sk\":{\"S\":\"ORDER#%d\"},\"total\":{\"N\":\"%d\"},\"placedAt\":{\"S\":\"2024-01-"
            "02\"}}",
            o % 9, o, o + 500);
        for (int i = 0; i < 3; i++)
            add(f,
                "{\"pk\":{\"S\":\"USER#u%d\"},\"sk\":{\"S\":\"ORDER#%d#ITEM#%d\"},\"sku\":{\"S\":\"s%d\"},\"quantity\":{\"N\":"
                "\"2\"}}",
                o % 9, o, i, o * i);
    }
    draft(f);
    assert_int_equal(f->map.tables[0].entity_count, 2);
    assert_template(f, "OrderItem", "sk", "ORDER#{order_id}#ITEM#{item_id}");
    assert_template(f, "Order", "sk", "ORDER#{order_id}");
    assert_all_claimed(f);
    struct item item;
    struct row row;
    check(f, ddbjson_read_line(f->lines[1], &f->arena, &item, &f->err));
    check(f, row_encode(&f->map.tables[0], &item, &f->arena, &row, &f->err));
    assert_ptr_equal(row.entity, entity(f, "OrderItem"));
}

/* alice and bob are words with a separator behind them, but what they have is alike. */
static void names_inside_the_key_are_no_kinds(void **state)
{
    struct fixture *f = *state;
    for (int o = 0; o < 60; o++)
        add(f, "{\"pk\":{\"S\":\"USER#%s#ORDER#%d\"},\"sk\":{\"S\":\"x\"},\"total\":{\"N\":\"%d\"}}", o % 2 ? "alice" : "bob", o,
            o + 500);
    draft(f);
    assert_int_equal(f->map.tables[0].entity_count, 1);
}

static void kinds_by_library_marker(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 40; i++) {
        add(f,
            "{\"pk\":{\"S\":\"$app#taskid_%d\"},\"sk\":{\"S\":\"$task_1#owner_ada "
            "lovelace%d\"},\"__edb_e__\":{\"S\":\"task\"},\"__edb_v__\":{\"S\":\"1\"},"
            "\"taskId\":{\"S\":\"%d\"},\"owner\":{\"S\":\"Ada Lovelace%d\"},\"done\":{\"BOOL\":%s}}",
            i, i % 7, i, i % 7, i % 2 ? "true" : "false");
        add(f,
            "{\"pk\":{\"S\":\"$app#officename_o%d\"},\"sk\":{\"S\":\"$office_1\"},\"__edb_e__\":{\"S\":\"office\"},\"__edb_v__\":"
            "{\"S\":\"1\"},\"officeName\":{\"S\":\"O%d\"}}",
            i, i);
    }
    draft(f);
    assert_int_equal(f->map.tables[0].entity_count, 2);
    assert_template(f, "Task", "sk", "$task_1#owner_{owner|lower}");
    assert_template(f, "Office", "pk", "$app#officename_{office_name|lower}");
    assert_template(f, "Office", "__edb_v__", "1");
    assert_primary_key(f, "Task", "task_id");
    assert_all_claimed(f);
}

static void kinds_by_discriminator(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 30; i++) {
        add(f,
            "{\"pk\":{\"S\":\"%d\"},\"sk\":{\"S\":\"a\"},\"type\":{\"S\":\"Car\"},\"wheels\":{\"N\":\"4\"},\"plate\":{\"S\":\"P%"
            "d\"}}",
            i, i);
        add(f,
            "{\"pk\":{\"S\":\"%d\"},\"sk\":{\"S\":\"b\"},\"type\":{\"S\":\"Boat\"},\"sails\":{\"N\":\"2\"},\"harbour\":{\"S\":"
            "\"H%d\"}}",
            i + 100, i);
    }
    draft(f);
    assert_int_equal(entity(f, "Car")->match_count, 1);
    assert_int_equal(entity(f, "Boat")->match_count, 1);
    assert_all_claimed(f);
}

static const char *const tenants[] = { "acme", "globex", "hooli", "initech", "piper", "stark", "umbrella" };

static void add_of_tenant(struct fixture *f, const char *tenant, int i, const char *more)
{
    add(f,
        "{\"pk\":{\"S\":\"%s#USER#%d\"},\"sk\":{\"S\":\"PROFILE\"},\"type\":{\"S\":\"User\"},\"userId\":{\"N\":\"%d\"},"
        "\"email\":{\"S\":\"e%d\"}%s}",
        tenant, i, i, i, more);
    add(f,
        "{\"pk\":{\"S\":\"%s#ORDER#%d\"},\"sk\":{\"S\":\"ORDER\"},\"type\":{\"S\":\"Order\"},\"orderId\":{\"N\":\"%d\"},"
        "\"total\":{\"N\":\"%d\"}%s}",
        tenant, i, i, i, more);
}

/* The marker tells the kinds; the first word of their keys, which an attribute holds, is a value. */
static void tenants_that_an_attribute_names_are_no_kinds(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 60; i++) {
        char more[64];
        (void)snprintf(more, sizeof more, ",\"tenantId\":{\"S\":\"%s\"}", tenants[i % 2]);
        add_of_tenant(f, tenants[i % 2], i, more);
    }
    draft(f);
    assert_int_equal(f->map.tables[0].entity_count, 2);
    assert_template(f, "User", "pk", "{tenant_id}#USER#{user_id}");
    assert_template(f, "Order", "pk", "{tenant_id}#ORDER#{order_id}");
    assert_all_claimed(f);
}

/* The same where the key alone says it: all kinds are spread over these words. */
static void tenants_in_keys_alone_are_no_kinds(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 140; i++)
        add_of_tenant(f, tenants[i % 7], i, "");
    draft(f);
    assert_int_equal(f->map.tables[0].entity_count, 2);
    assert_template(f, "User", "pk", "{pk}#USER#{user_id}");
    assert_all_claimed(f);
}

/* Copies for another access path have the marker of what they copy: few words, and another key behind each. */
static void copies_under_another_word_are_kinds(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 60; i++) {
        add_of_tenant(f, "case", i, "");
        add(f,
            "{\"pk\":{\"S\":\"mail#e%d\"},\"sk\":{\"S\":\"USER#%d\"},\"type\":{\"S\":\"User\"},\"userId\":{\"N\":\"%d\"},"
            "\"email\":{\"S\":\"e%d\"}}",
            i, i, i, i);
    }
    draft(f);
    assert_int_equal(f->map.tables[0].entity_count, 3);
    assert_all_claimed(f);
}

/* A status explains which attributes are there as well, but it is no type: one kind in two states. */
static void a_state_is_no_kind(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 60; i++)
        if (i % 2)
            add(f, "{\"pk\":{\"S\":\"%d\"},\"sk\":{\"S\":\"x%d\"},\"status\":{\"S\":\"DRAFT\"}}", i, i);
        else
            add(f,
                "{\"pk\":{\"S\":\"%d\"},\"sk\":{\"S\":\"x%d\"},\"status\":{\"S\":\"SUBMITTED\"},\"a\":{\"S\":\"1\"},\"b\":{\"S\":"
                "\"2\"},\"c\":{\"S\":\"3\"}}",
                i, i);
    draft(f);
    assert_int_equal(f->map.tables[0].entity_count, 1);
}

/* METER and GATEWAY of one table with the same attributes are values, not entities. */
static void a_type_of_alike_items_is_a_column(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 60; i++)
        add(f,
            "{\"pk\":{\"S\":\"t%d\"},\"sk\":{\"S\":\"d%d\"},\"type\":{\"S\":\"%s\"},\"name\":{\"S\":\"n\"},\"serial\":{\"S\":\"s%"
            "d\"}}",
            i % 3, i, i % 2 ? "METER" : "GATEWAY", i);
    draft(f);
    assert_int_equal(f->map.tables[0].entity_count, 1);
    assert_int_equal(column(f, "Shop", "type")->type, COLUMN_TEXT);
}

static void kinds_that_come_after_the_sample_are_drafted(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 300; i++)
        add(f, "{\"pk\":{\"S\":\"USER#u%d\"},\"sk\":{\"S\":\"USER#u%d\"},\"userId\":{\"S\":\"u%d\"}}", i, i, i);
    f->sampled = f->count;
    for (int i = 0; i < 50; i++)
        add(f, "{\"pk\":{\"S\":\"%d\"},\"sk\":{\"S\":\"late%d\"},\"colour\":{\"S\":\"blue\"}}", i, i);
    draft(f);
    assert_int_equal(f->map.tables[0].entity_count, 2);
    assert_int_equal(f->evidence.tables[0].items, 350);
    assert_all_claimed(f);
}

/* ---- types ---- */

static void draft_values(struct fixture *f, int count, int odd, const char *value, const char *odd_value)
{
    f->count = 0;
    for (int i = 0; i < count; i++)
        add(f, "{\"pk\":{\"S\":\"p%d\"},\"sk\":{\"S\":\"s%d\"},\"v\":%s}", i, i, i < odd ? odd_value : value);
    draft(f);
}

static void the_share_of_a_type_counts(void **state)
{
    struct fixture *f = *state;
    draft_values(f, 1000, 1, "{\"S\":\"2024-01-02T03:04:05.678Z\"}", "{\"S\":\"yesterday\"}");
    assert_int_equal(column(f, "Shop", "v")->type, COLUMN_TIMESTAMPTZ);
    assert_false(column(f, "Shop", "v")->not_null);
    draft_values(f, 1000, 2, "{\"S\":\"2024-01-02T03:04:05.678Z\"}", "{\"S\":\"yesterday\"}");
    assert_int_equal(column(f, "Shop", "v")->type, COLUMN_TEXT);
}

static void types_of_values(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *value;
        enum column_type type;
    } cases[] = {
        { "{\"S\":\"\"}", COLUMN_TEXT },
        { "{\"S\":\"3f2504e0-4f89-41d3-9a0c-0305e82c3301\"}", COLUMN_UUID },
        { "{\"S\":\"3F2504E0-4F89-41D3-9A0C-0305E82C3301\"}", COLUMN_TEXT },
        { "{\"S\":\"2024-02-29\"}", COLUMN_DATE },
        { "{\"S\":\"2023-02-29\"}", COLUMN_TEXT },
        { "{\"N\":\"7\"}", COLUMN_INTEGER },
        { "{\"N\":\"2147483648\"}", COLUMN_BIGINT },
        { "{\"N\":\"9223372036854775808\"}", COLUMN_NUMERIC },
        { "{\"N\":\"0.5\"}", COLUMN_NUMERIC },
        { "{\"BOOL\":true}", COLUMN_BOOLEAN },
        { "{\"B\":\"AAEC\"}", COLUMN_BYTEA },
        { "{\"SS\":[\"a\"]}", COLUMN_TEXT_ARRAY },
        { "{\"NS\":[\"1\"]}", COLUMN_NUMERIC_ARRAY },
        { "{\"BS\":[\"AA==\"]}", COLUMN_BYTEA_ARRAY },
        { "{\"L\":[{\"S\":\"a\"}]}", COLUMN_TEXT_ARRAY },
        { "{\"L\":[]}", COLUMN_JSONB },
        { "{\"M\":{\"a\":{\"N\":\"1\"}}}", COLUMN_JSONB },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        draft_values(f, 20, 0, cases[i].value, "");
        if (column(f, "Shop", "v")->type != cases[i].type)
            fail_msg("%s is %s", cases[i].value, column_type_name(column(f, "Shop", "v")->type));
        assert_all_claimed(f);
    }
}

static void several_types_make_jsonb(void **state)
{
    struct fixture *f = *state;
    draft_values(f, 20, 10, "{\"S\":\"a\"}", "{\"N\":\"1\"}");
    assert_int_equal(column(f, "Shop", "v")->type, COLUMN_JSONB);
}

static void strings_that_text_cannot_hold_do_not_make_jsonb(void **state)
{
    struct fixture *f = *state;
    draft_values(f, 20, 3, "{\"S\":\"a\"}", "{\"S\":\"a\\u0000b\"}");
    assert_int_equal(column(f, "Shop", "v")->type, COLUMN_TEXT);
    assert_false(column(f, "Shop", "v")->not_null);
}

static void not_null_needs_enough_items(void **state)
{
    struct fixture *f = *state;
    draft_values(f, 4, 0, "{\"S\":\"a\"}", "");
    assert_false(column(f, "Shop", "v")->not_null);
    draft_values(f, 5, 0, "{\"S\":\"a\"}", "");
    assert_true(column(f, "Shop", "v")->not_null);
}

static void closed_sets_are_checked(void **state)
{
    struct fixture *f = *state;
    draft_values(f, 100, 50, "{\"S\":\"OPEN\"}", "{\"S\":\"CLOSED\"}");
    assert_int_equal(column(f, "Shop", "v")->check_count, 2);
    draft_values(f, 100, 9, "{\"S\":\"OPEN\"}", "{\"S\":\"CLOSED\"}");
    assert_int_equal(column(f, "Shop", "v")->check_count, 0);
}

/* ---- keys and relations ---- */

static void a_tree_refers_to_itself(void **state)
{
    struct fixture *f = *state;
    f->table.key.sort = (struct key_attribute){ { NULL, 0 }, VALUE_S };
    f->table.key.partition.name = SPAN("id");
    for (int i = 1; i < 60; i++)
        if (i == 1)
            add(f, "{\"id\":{\"S\":\"n%d\"},\"title\":{\"S\":\"root\"}}", i);
        else
            add(f, "{\"id\":{\"S\":\"n%d\"},\"title\":{\"S\":\"t%d\"},\"parentShopId\":{\"S\":\"n%d\"}}", i, i, i / 2);
    draft(f);
    assert_reference(f, "Shop", "parent_shop_id", "shop");
}

static void orphans_past_a_tenth_are_no_relation(void **state)
{
    struct fixture *f = *state;
    for (int u = 0; u < 20; u++)
        add(f, "{\"pk\":{\"S\":\"USER#u%d\"},\"sk\":{\"S\":\"USER#u%d\"},\"userId\":{\"S\":\"u%d\"}}", u, u, u);
    for (int n = 0; n < 40; n++)
        add(f, "{\"pk\":{\"S\":\"NOTE#%d\"},\"sk\":{\"S\":\"NOTE#%d\"},\"noteId\":{\"N\":\"%d\"},\"userId\":{\"S\":\"u%d\"}}", n,
            n, n, n % 23);
    draft(f);
    assert_reference(f, "Note", "user_id", NULL);
}

static void the_whole_key_where_no_part_is_unique(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 100; i++)
        add(f,
            "{\"pk\":{\"S\":\"GAME#g%d\"},\"sk\":{\"S\":\"PLAYER#p%d\"},\"gameId\":{\"S\":\"g%d\"},\"playerId\":{\"S\":\"p%d\"},"
            "\"score\":{\"N\":\"%d\"}}",
            i / 10, i % 10, i / 10, i % 10, i);
    draft(f);
    assert_primary_key(f, "Shop", "game_id,player_id");
}

static void words_before_weak_separators_tell_kinds_apart(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 30; i++) {
        add(f, "{\"pk\":{\"S\":\"USER:%d\"},\"sk\":{\"S\":\"ORDER:%d\"},\"size\":{\"N\":\"%d\"}}", i / 3, i, i % 4);
        add(f, "{\"pk\":{\"S\":\"TEAM:%d\"},\"sk\":{\"S\":\"TEAM:%d\"},\"size\":{\"N\":\"%d\"}}", i, i, i % 4);
    }
    draft(f);
    assert_claimed_by(f, 0, "Order");
    assert_claimed_by(f, 1, "Team");
}

static void an_open_sort_key_claims_after_others(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 30; i++) {
        add(f, "{\"pk\":{\"S\":\"ACCOUNT#%d\"},\"sk\":{\"S\":\"e%d\"},\"size\":{\"N\":\"%d\"}}", i, i + 1, i % 4);
        add(f, "{\"pk\":{\"S\":\"ACCOUNT#%d\"},\"sk\":{\"S\":\"ORDER#%d\"},\"size\":{\"N\":\"%d\"}}", i / 3, i, i % 4);
    }
    draft(f);
    assert_claimed_by(f, 0, "Account");
    assert_claimed_by(f, 1, "Order");
}

/* The template of Order's key holds for the sample only; then its key is two open columns, and Account, tried before, takes what
 * is in an account: more than one item each. */
static void a_part_is_no_key_where_other_items_repeat_it(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 300; i++) {
        add(f, "{\"pk\":{\"S\":\"ACCOUNT#%d\"},\"sk\":{\"S\":\"2024 %d\"},\"accountId\":{\"S\":\"%d\"}}", i, i / 2, i);
        add(f, "{\"pk\":{\"S\":\"ACCOUNT#%d\"},\"sk\":{\"S\":\"ORDER#%d\"},\"accountId\":{\"S\":\"%d\"},\"n\":{\"N\":\"1\"}}",
            i / 3, i, i < 250 ? i / 3 : -1);
    }
    f->sampled = 400;
    draft(f);
    assert_claimed_by(f, 1, "Account");
    assert_primary_key(f, "Account", "account_id,sk");
    assert_all_claimed(f);
}

static void a_key_that_no_template_makes_claims_last(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 300; i++) {
        add(f, "{\"pk\":{\"S\":\"APP#%d\"},\"sk\":{\"S\":\"APP#%d\"},\"appId\":{\"S\":\"%d\"}}", i, i, i < 250 ? i : -i);
        add(f, "{\"pk\":{\"S\":\"ZOO#%d\"},\"sk\":{\"S\":\"ZOO#%d\"},\"zooId\":{\"S\":\"%d\"},\"size\":{\"N\":\"1\"}}", i, i, i);
    }
    f->sampled = 400;
    draft(f);
    assert_true(span_equal(f->map.tables[0].entities[0].name, SPAN("Zoo")));
    assert_all_claimed(f);
}

static void key_words_need_not_be_ascii(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 20; i++)
        add(f, "{\"pk\":{\"S\":\"日本#%c\"},\"sk\":{\"S\":\"x\"}}", 'a' + i);
    draft(f);
    (void)column(f, "Shop", "日本");
    assert_all_claimed(f);
}

static void a_piece_of_the_key_becomes_a_column(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 50; i++) {
        add(f,
            "{\"pk\":{\"S\":\"I#%d\"},\"sk\":{\"S\":\"root\"},\"InvoiceDate\":{\"S\":\"1/%d/"
            "17\"},\"InvoiceTotal\":{\"N\":\"%d\"}}",
            i, i, i + 1000);
        add(f, "{\"pk\":{\"S\":\"I#%d\"},\"sk\":{\"S\":\"B#%d\"},\"BillAmount\":{\"N\":\"%d\"}}", i, i * 2, i + 2000);
    }
    draft(f);
    assert_template(f, "Invoice", "pk", "I#{invoice_id}");
    assert_int_equal(column(f, "Invoice", "invoice_id")->source, COLUMN_FROM_KEY);
    assert_all_claimed(f);
}

static void the_same_piece_twice_is_one_column(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 30; i++) {
        add(f, "{\"pk\":{\"S\":\"TEAM#%d\"},\"sk\":{\"S\":\"TEAM#%d\"},\"motto\":{\"S\":\"m%d\"}}", i, i, i);
        for (int g = 0; g < 2; g++)
            add(f, "{\"pk\":{\"S\":\"TEAM#%d\"},\"sk\":{\"S\":\"GAME#%d\"},\"goals\":{\"N\":\"%d\"}}", i, i % 7 + g * 50 + 50,
                i + 900);
    }
    draft(f);
    assert_template(f, "Team", "pk", "TEAM#{team_id}");
    assert_template(f, "Team", "sk", "TEAM#{team_id}");
    assert_primary_key(f, "Team", "team_id");
    assert_template(f, "Game", "sk", "GAME#{game_id}");
    assert_all_claimed(f);
}

/* One tenant only, so far: its id is a value, not a literal of the template. */
static void a_constant_id_stays_a_column(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 50; i++)
        add(f, "{\"pk\":{\"S\":\"3f2504e0-4f89-41d3-9a0c-0305e82c3301\"},\"sk\":{\"S\":\"d%d\"},\"n\":{\"N\":\"%d\"}}", i, i);
    draft(f);
    assert_template(f, "Shop", "pk", "{pk}");
}

static void index_keys_become_templates_and_indexes(void **state)
{
    struct fixture *f = *state;
    set_index(
        f, (struct secondary_index){ .name = SPAN("gsi1"), .key = { { SPAN("gsi1pk"), VALUE_S }, { SPAN("gsi1sk"), VALUE_S } } });
    for (int i = 0; i < 50; i++)
        add(f,
            "{\"pk\":{\"S\":\"T#%d\"},\"sk\":{\"S\":\"T#%d\"},\"ticketId\":{\"N\":\"%d\"},\"city\":{\"S\":\"c%d\"},\"day\":{"
            "\"S\":\"2024-01-%02d\"},"
            "\"gsi1pk\":{\"S\":\"CITY#c%d\"},\"gsi1sk\":{\"S\":\"DAY#2024-01-%02d\"}}",
            i, i, i, i % 5, i % 28 + 1, i % 5, i % 28 + 1);
    draft(f);
    const struct entity *e = &f->map.tables[0].entities[0];
    assert_template(f, "Shop", "gsi1pk", "CITY#{city}");
    assert_template(f, "Shop", "gsi1sk", "DAY#{day}");
    assert_int_equal(e->index_count, 1);
    assert_int_equal(e->indexes[0].count, 2);
    assert_all_claimed(f);
}

/* ---- the same data, the same file ---- */

static void the_draft_does_not_depend_on_threads(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 12000; i++) {
        add(f,
            "{\"pk\":{\"S\":\"USER#u%d\"},\"sk\":{\"S\":\"ORDER#%d\"},\"userId\":{\"S\":\"u%d\"},\"orderId\":{\"N\":\"%d\"},"
            "\"note\":{\"S\":\"n%d\"}}",
            i / 3, i, i / 3, i, i * 31 % 5000);
        if (i % 400 == 0)
            add(f, "{\"pk\":{\"S\":\"%d\"},\"sk\":{\"S\":\"z%d\"},\"rare\":{\"N\":\"%d\"}}", i, i, i);
    }
    f->sampled = 100;
    draft_with(f, 1);
    struct span one;
    check(f, arena_copy(&f->arena, buf_span(&f->yaml), &one, &f->err));
    for (size_t workers = 2; workers <= WORKERS_MAX; workers++) {
        draft_with(f, workers);
        assert_int_equal(f->yaml.len, one.len);
        assert_memory_equal(f->yaml.data, one.ptr, one.len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INFER_TEST(kinds_by_key_words),
        INFER_TEST(kinds_by_a_word_inside_the_key),
        INFER_TEST(names_inside_the_key_are_no_kinds),
        INFER_TEST(kinds_by_library_marker),
        INFER_TEST(kinds_by_discriminator),
        INFER_TEST(tenants_that_an_attribute_names_are_no_kinds),
        INFER_TEST(tenants_in_keys_alone_are_no_kinds),
        INFER_TEST(copies_under_another_word_are_kinds),
        INFER_TEST(a_state_is_no_kind),
        INFER_TEST(a_type_of_alike_items_is_a_column),
        INFER_TEST(kinds_that_come_after_the_sample_are_drafted),
        INFER_TEST(the_share_of_a_type_counts),
        INFER_TEST(types_of_values),
        INFER_TEST(several_types_make_jsonb),
        INFER_TEST(strings_that_text_cannot_hold_do_not_make_jsonb),
        INFER_TEST(not_null_needs_enough_items),
        INFER_TEST(closed_sets_are_checked),
        INFER_TEST(a_tree_refers_to_itself),
        INFER_TEST(orphans_past_a_tenth_are_no_relation),
        INFER_TEST(the_whole_key_where_no_part_is_unique),
        INFER_TEST(words_before_weak_separators_tell_kinds_apart),
        INFER_TEST(an_open_sort_key_claims_after_others),
        INFER_TEST(a_part_is_no_key_where_other_items_repeat_it),
        INFER_TEST(a_key_that_no_template_makes_claims_last),
        INFER_TEST(key_words_need_not_be_ascii),
        INFER_TEST(a_piece_of_the_key_becomes_a_column),
        INFER_TEST(the_same_piece_twice_is_one_column),
        INFER_TEST(a_constant_id_stays_a_column),
        INFER_TEST(index_keys_become_templates_and_indexes),
        INFER_TEST(the_draft_does_not_depend_on_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
