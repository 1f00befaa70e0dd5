#include "infer_fixture.h"

/* What a careful person would write for designs that are common in the field, where the plain rules would not. */

static bool has_unique(const struct entity *e, const char *name)
{
    for (size_t i = 0; i < e->index_count; i++)
        if (e->indexes[i].unique && e->indexes[i].count == 1 &&
            span_equal(e->columns[e->indexes[i].columns[0]].name, span_from_cstr(name)))
            return true;
    return false;
}

static bool is_doubted(struct fixture *f, const char *entity_name, const char *words)
{
    const struct map_table *table = &f->map.tables[0];
    for (size_t e = 0; e < table->entity_count; e++)
        for (size_t i = 0; i < f->evidence.tables[0].entities[e].uncertain_count; i++) {
            struct span text = f->evidence.tables[0].entities[e].uncertain[i];
            for (size_t at = 0; span_equal(table->entities[e].name, span_from_cstr(entity_name)) && at < text.len; at++)
                if (span_starts_with(span_from(text, at), span_from_cstr(words)))
                    return true;
        }
    return false;
}

/* ---- circles ---- */

static void add_user(struct fixture *f, int u, const char *more)
{
    add(f,
        "{\"pk\":{\"S\":\"USER#u%d\"},\"sk\":{\"S\":\"USER#u%d\"},\"userId\":{\"S\":\"u%d\"},\"name\":{\"S\":\"n%d\"},\"email\":{"
        "\"S\":\"e%d@b.org\"}%s}",
        u, u, u, u % 7, u, more);
}

static void a_guard_is_a_unique_index(void **state)
{
    struct fixture *f = *state;
    for (int u = 0; u < 40; u++) {
        add_user(f, u, "");
        add(f, "{\"pk\":{\"S\":\"EMAIL#e%d@b.org\"},\"sk\":{\"S\":\"EMAIL#e%d@b.org\"},\"userId\":{\"S\":\"u%d\"}}", u, u, u);
    }
    draft(f);
    assert_reference(f, "User", "email", NULL);
    assert_true(has_unique(entity(f, "User"), "email"));
    assert_reference(f, "Email", "user_id", "user");
    assert_template(f, "Email", "pk", "EMAIL#{email}");
    assert_all_claimed(f);
}

/* A value without its guard, or a guard without its value: who knows what the application means. */
static void a_guard_has_one_item_for_each_value(void **state)
{
    struct fixture *f = *state;
    for (int u = 0; u < 40; u++) {
        add_user(f, u, "");
        add(f, "{\"pk\":{\"S\":\"EMAIL#e%d@b.org\"},\"sk\":{\"S\":\"EMAIL#e%d@b.org\"},\"userId\":{\"S\":\"u%d\"}}", u + (u == 7),
            u + (u == 7), u);
    }
    draft(f);
    assert_false(has_unique(entity(f, "User"), "email"));
}

/* Each customer has an address, each address a customer: the address stands under the customer. */
static void add_customers(struct fixture *f, int homeless)
{
    for (int c = 0; c < 40; c++) {
        char home[64] = "";
        if (c >= homeless)
            (void)snprintf(home, sizeof home, ",\"homeAddressId\":{\"S\":\"a%d\"}", c * 2);
        add(f,
            "{\"pk\":{\"S\":\"CUSTOMER#c%d\"},\"sk\":{\"S\":\"PROFILE\"},\"customerId\":{\"S\":\"c%d\"},\"n\":{\"N\":\"%d\"}%s}",
            c, c, c % 5, home);
        for (int a = c * 2; a < c * 2 + 2; a++)
            add(f,
                "{\"pk\":{\"S\":\"CUSTOMER#c%d\"},\"sk\":{\"S\":\"ADDRESS#a%d\"},\"addressId\":{\"S\":\"a%d\"},\"customerId\":{"
                "\"S\":\"c%d\"},\"city\":{\"S\":\"x%d\"},\"zip\":{\"S\":\"z%d\"},\"street\":{\"S\":\"s%d\"}}",
                c, a, a, c, a % 3, a % 5, a % 7);
    }
}

static void a_circle_that_nothing_could_be_inserted_into_is_broken(void **state)
{
    struct fixture *f = *state;
    add_customers(f, 0);
    draft(f);
    assert_reference(f, "Address", "customer_id", "customer");
    assert_reference(f, "Customer", "home_address_id", NULL);
    assert_true(is_doubted(f, "Customer", "home_address_id holds keys of address"));
}

static void a_circle_with_a_way_in_stays(void **state)
{
    struct fixture *f = *state;
    add_customers(f, 1);
    draft(f);
    assert_reference(f, "Address", "customer_id", "customer");
    assert_reference(f, "Customer", "home_address_id", "address");
    assert_false(is_doubted(f, "Customer", "home_address_id"));
}

/* An order stands under its tenant's customer; that this is of the tenant the customer says already. */
static void add_order(struct fixture *f, int o, const char *tenant)
{
    add(f,
        "{\"pk\":{\"S\":\"TENANT#t%d#CUSTOMER#c%d\"},\"sk\":{\"S\":\"ORDER#o%d\"},\"tenant\":{\"S\":\"t%d\"},\"customer\":{\"S\":"
        "\"c%d\"},"
        "\"orderId\":{\"S\":\"o%d\"},\"seller\":{\"S\":\"%s\"}}",
        o % 4, o % 8, o, o % 4, o % 8, o, tenant);
}

static void what_another_reference_implies_is_none(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 60; i++) {
        if (i < 4)
            add(f, "{\"pk\":{\"S\":\"TENANT#t%d\"},\"sk\":{\"S\":\"INFO\"},\"plan\":{\"S\":\"pro\"},\"tenant\":{\"S\":\"t%d\"}}",
                i % 4, i % 4);
        if (i < 8)
            add(f,
                "{\"pk\":{\"S\":\"TENANT#t%d#CUSTOMER#c%d\"},\"sk\":{\"S\":\"INFO\"},\"tenant\":{\"S\":\"t%d\"},\"customer\":{"
                "\"S\":"
                "\"c%d\"},"
                "\"email\":{\"S\":\"e\"},\"phone\":{\"S\":\"1\"}}",
                i % 4, i % 8, i % 4, i % 8);
        add_order(f, i, i % 2 ? "t1" : "t2");
    }
    draft(f);
    assert_primary_key(f, "Customer", "tenant,customer");
    assert_reference(f, "Customer", "tenant", "tenant");
    const struct entity *order = entity(f, "Order");
    assert_int_equal(order->foreign_key_count, 1);
    assert_int_equal(order->foreign_keys[0].count, 2);
    assert_true(span_equal(order->foreign_keys[0].parent->table, SPAN("customer")));
}

/* ---- names ---- */

/* ITEM says nothing of the one item of a partition, but tells the several items of an order from it. */
static void several_items_of_a_thing_are_not_the_thing(void **state)
{
    struct fixture *f = *state;
    for (int o = 0; o < 40; o++) {
        add(f, "{\"pk\":{\"S\":\"CUSTOMER#c%d\"},\"sk\":{\"S\":\"ORDER#o%d\"},\"orderId\":{\"S\":\"o%d\"},\"n\":{\"N\":\"%d\"}}",
            o / 4, o, o, o % 4);
        for (int i = 0; i < 3; i++)
            add(f,
                "{\"pk\":{\"S\":\"ORDER#o%d\"},\"sk\":{\"S\":\"ITEM#00%d\"},\"orderId\":{\"S\":\"o%d\"},\"sku\":{\"S\":\"s%d\"}}",
                o, i, o, i);
    }
    draft(f);
    assert_primary_key(f, "Order", "order_id");
    assert_primary_key(f, "OrderItem", "order_id,item_id");
    assert_reference(f, "OrderItem", "order_id", "order");
    assert_all_claimed(f);
}

static void a_word_inside_the_key_that_says_enough_is_the_name(void **state)
{
    struct fixture *f = *state;
    for (int c = 0; c < 60; c++) {
        if (c % 3 == 0)
            add(f, "{\"pk\":{\"S\":\"TENANT#t%d\"},\"sk\":{\"S\":\"INFO\"},\"plan\":{\"S\":\"pro\"},\"seats\":{\"N\":\"1\"}}", c);
        add(f,
            "{\"pk\":{\"S\":\"TENANT#t%d#CUSTOMER#c%d\"},\"sk\":{\"S\":\"INFO\"},\"email\":{\"S\":\"e\"},\"phone\":{\"S\":\"1\"}"
            "}",
            c / 3 * 3, c);
    }
    draft(f);
    assert_template(f, "Customer", "pk", "TENANT#{tenant_id}#CUSTOMER#{customer_id}");
    assert_template(f, "Tenant", "pk", "TENANT#{tenant_id}");
    assert_all_claimed(f);
}

static void a_piece_that_refers_is_called_after_what_it_refers_to(void **state)
{
    struct fixture *f = *state;
    for (int u = 0; u < 40; u++) {
        add(f, "{\"pk\":{\"S\":\"USER#user%d\"},\"sk\":{\"S\":\"PROFILE\"},\"userId\":{\"S\":\"user%d\"},\"n\":{\"N\":\"1\"}}", u,
            u);
        add(f, "{\"pk\":{\"S\":\"USER#user%d\"},\"sk\":{\"S\":\"POST#p%d\"},\"postId\":{\"S\":\"p%d\"},\"text\":{\"S\":\"t%d\"}}",
            u, u, u, u);
        for (int l = 0; l < 3; l++)
            add(f, "{\"pk\":{\"S\":\"POST#p%d\"},\"sk\":{\"S\":\"LIKE#user%d\"},\"likedAt\":{\"S\":\"2024-01-02\"}}", u,
                (u * 3 + l) % 40);
    }
    draft(f);
    assert_template(f, "Like", "sk", "LIKE#{user_id}");
    assert_primary_key(f, "Like", "post_id,user_id");
    assert_reference(f, "Like", "user_id", "user");
    assert_all_claimed(f);
}

static void pieces_without_a_word_are_called_after_what_they_are(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 50; i++)
        add(f,
            "{\"pk\":{\"S\":\"SHARD#%d#2024-01-%02d\"},\"sk\":{\"S\":\"2024-01-02T03:04:%02d.678Z#d%d\"},\"v\":{\"N\":\"%d\"}}",
            i % 4, i % 28 + 1, i, i % 9, i);
    draft(f);
    assert_template(f, "Shop", "pk", "SHARD#{shard_id}#{date}");
    assert_template(f, "Shop", "sk", "{timestamp}#{sk}");
    assert_all_claimed(f);
}

/* ---- templates ---- */

/* OneTable's gs1pk is a key like gsi1pk: no key is made of it. */
static void index_keys_of_any_library_are_no_values(void **state)
{
    static const char *const pairs[][2] = {
        { "gs1pk", "gs1sk" },
        { "GSI1PK", "GSI1SK" },
        { "gsi1_partition_key", "gsi1_sort_key" },
        { "gsipk", "gsisk" },
    };
    struct fixture *f = *state;
    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++) {
        f->count = 0;
        for (int i = 0; i < 50; i++)
            add(f,
                "{\"pk\":{\"S\":\"account#a%d\"},\"sk\":{\"S\":\"invoice#i%d\"},\"id\":{\"S\":\"i%d\"},\"accountId\":{\"S\":\"a%"
                "d\"},"
                "\"%s\":{\"S\":\"invoice#i%d\"},\"%s\":{\"S\":\"invoice#\"}}",
                i % 7, i, i, i % 7, pairs[p][0], i, pairs[p][1]);
        draft(f);
        assert_template(f, "Shop", "sk", "invoice#{id}");
        assert_template(f, "Shop", pairs[p][0], "invoice#{id}");
        assert_template(f, "Shop", pairs[p][1], "invoice#");
        assert_primary_key(f, "Shop", "id");
    }
}

static void a_hash_of_a_key_is_a_value(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 50; i++)
        add(f, "{\"pk\":{\"S\":\"API#%d\"},\"sk\":{\"S\":\"HASH#x%d\"},\"keyHash\":{\"S\":\"x%d\"},\"n\":{\"N\":\"1\"}}", i % 7,
            i, i);
    draft(f);
    assert_template(f, "Shop", "sk", "HASH#{key_hash}");
}

static void an_attribute_called_sort_is_a_value(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 50; i++)
        add(f, "{\"pk\":{\"S\":\"LIST#%d\"},\"sk\":{\"S\":\"ENTRY#x%d\"},\"sort\":{\"S\":\"x%d\"}}", i % 7, i, i);
    draft(f);
    assert_template(f, "Shop", "sk", "ENTRY#{sort}");
}

/* One tenant so far, one domain so far: that the next one is claimed too, they are no literals. */
static void what_is_the_same_in_all_items_may_still_vary(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 50; i++)
        add(f,
            "{\"pk\":{\"S\":\"TENANT#acme\"},\"sk\":{\"S\":\"MAIL#m%d@example.com\"},\"tenantId\":{\"S\":\"acme\"},\"n\":{\"N\":"
            "\"%d\"}}",
            i, i);
    draft(f);
    assert_template(f, "Shop", "pk", "TENANT#{tenant_id}");
    assert_template(f, "Shop", "sk", "MAIL#{mail}");
    add(f,
        "{\"pk\":{\"S\":\"TENANT#globex\"},\"sk\":{\"S\":\"MAIL#x@b.org\"},\"tenantId\":{\"S\":\"globex\"},\"n\":{\"N\":\"1\"}}");
    assert_all_claimed(f);
}

/* A time has colons as the key does: where it ends the key alone does not say, but that the key begins with MSG it does. */
static void a_key_that_cannot_be_split_keeps_its_word(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 50; i++) {
        add(f, "{\"pk\":{\"S\":\"room:r%d\"},\"sk\":{\"S\":\"room:r%d\"},\"title\":{\"S\":\"t%d\"}}", i, i, i);
        add(f,
            "{\"pk\":{\"S\":\"room:r%d\"},\"sk\":{\"S\":\"msg:2024-01-02T03:04:%02d.678Z:m%d\"},\"sentAt\":{\"S\":\"2024-01-"
            "02T03:04:%"
            "02d.678Z\"},\"n\":{\"N\":\"%d\"}}",
            i % 3, i, i, i, i);
    }
    draft(f);
    assert_template(f, "Msg", "sk", "msg:{msg_id}");
    assert_all_claimed(f);
}

/* That a name in lower case is the key so far proves nothing, unless the key says that it is the name. */
static void lower_case_needs_a_reason(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 50; i++)
        add(f,
            "{\"pk\":{\"S\":\"TENANT#acme%d\"},\"sk\":{\"S\":\"MAIL#a%d\"},\"name\":{\"S\":\"Acme%d\"},\"mail\":{\"S\":\"A%d\"}}",
            i, i, i, i);
    draft(f);
    assert_template(f, "Shop", "pk", "TENANT#{tenant_id}");
    assert_template(f, "Shop", "sk", "MAIL#{mail|lower}");
}

/* ---- indexes ---- */

static void an_index_behind_the_whole_primary_key_is_none(void **state)
{
    struct fixture *f = *state;
    set_index(f,
              (struct secondary_index){ .name = SPAN("inverted"), .key = { { SPAN("sk"), VALUE_S }, { SPAN("pk"), VALUE_S } } });
    for (int i = 0; i < 50; i++)
        add(f, "{\"pk\":{\"S\":\"TEAM#t%d\"},\"sk\":{\"S\":\"USER#u%d\"},\"userId\":{\"S\":\"u%d\"},\"n\":{\"N\":\"%d\"}}", i % 7,
            i, i, i);
    draft(f);
    assert_primary_key(f, "Shop", "user_id");
    assert_int_equal(entity(f, "Shop")->index_count, 1); /* the users of a team */
    assert_int_equal(entity(f, "Shop")->indexes[0].count, 2);
    assert_true(span_equal(entity(f, "Shop")->columns[entity(f, "Shop")->indexes[0].columns[1]].name, SPAN("user_id")));
}

/* An order by price that no attribute writes as the key does: after the contract nobody would know what to write there. */
static void an_index_key_that_nothing_makes_may_be_null(void **state)
{
    struct fixture *f = *state;
    set_index(
        f, (struct secondary_index){ .name = SPAN("gsi1"), .key = { { SPAN("gsi1pk"), VALUE_S }, { SPAN("gsi1sk"), VALUE_S } } });
    for (int i = 0; i < 50; i++)
        add(f,
            "{\"pk\":{\"S\":\"T#%d\"},\"sk\":{\"S\":\"T#%d\"},\"price\":{\"N\":\"%d\"},\"city\":{\"S\":\"c%d\"},\"gsi1pk\":{"
            "\"S\":\"CITY#"
            "c%d\"},\"gsi1sk\":{\"S\":\"PRICE#%06d\"}}",
            i, i, i, i % 5, i % 5, i);
    draft(f);
    assert_false(column(f, "Shop", "gsi1sk")->not_null);
    assert_true(column(f, "Shop", "price")->not_null);
    assert_true(is_doubted(f, "Shop", "gsi1sk: no columns make this key of an index"));
    assert_all_claimed(f);
}

/* ---- kinds, types, relations ---- */

static void an_object_is_a_marker(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 60; i++)
        if (i % 2)
            add(f,
                "{\"pk\":{\"S\":\"cus_%d\"},\"sk\":{\"S\":\"cus_%d\"},\"object\":{\"S\":\"customer\"},\"id\":{\"S\":\"cus_%d\"},"
                "\"email\":{"
                "\"S\":\"e\"}}",
                i, i, i);
        else
            add(f,
                "{\"pk\":{\"S\":\"cus_%d\"},\"sk\":{\"S\":\"inv_%d\"},\"object\":{\"S\":\"invoice\"},\"id\":{\"S\":\"inv_%d\"},"
                "\"customer\":"
                "{\"S\":\"cus_%d\"},\"due\":{\"N\":\"1\"},\"paid\":{\"BOOL\":true}}",
                i + 1, i, i, i + 1);
    draft(f);
    assert_primary_key(f, "Customer", "id");
    assert_reference(f, "Invoice", "customer", "customer");
    assert_all_claimed(f);
}

static void past_participles_say_that_numbers_are_times(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 20; i++)
        add(f,
            "{\"pk\":{\"S\":\"p%d\"},\"sk\":{\"S\":\"s%d\"},\"issued\":{\"N\":\"1704164645\"},\"lastSeen\":{\"N\":"
            "\"1704164645678\"},"
            "\"bytes\":{\"N\":\"1704164645\"},\"speed\":{\"N\":\"17\"}}",
            i, i);
    draft(f);
    assert_string_equal(column(f, "Shop", "issued")->codec->name, "epoch_s");
    assert_string_equal(column(f, "Shop", "last_seen")->codec->name, "epoch_ms");
    assert_int_equal(column(f, "Shop", "bytes")->type, COLUMN_INTEGER);
    assert_int_equal(column(f, "Shop", "speed")->type, COLUMN_INTEGER);
}

static void a_key_called_name_is_not_referred_to_by_every_name(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 40; i++) {
        add(f, "{\"pk\":{\"S\":\"SHELF#n%d\"},\"sk\":{\"S\":\"SHELF\"},\"name\":{\"S\":\"n%d\"},\"width\":{\"N\":\"1\"}}", i, i);
        add(f,
            "{\"pk\":{\"S\":\"BOOK#b%d\"},\"sk\":{\"S\":\"BOOK\"},\"bookId\":{\"S\":\"b%d\"},\"name\":{\"S\":\"title "
            "%d\"},\"shelfName\":{\"S\":\"n%d\"}}",
            i, i, i, i % 9);
    }
    draft(f);
    assert_reference(f, "Book", "shelf_name", "shelf");
    assert_reference(f, "Book", "name", NULL);
    assert_false(is_doubted(f, "Book", "name is named after"));
}

/* ---- doubts ---- */

static void a_mix_of_types_is_doubted_and_a_null_is_not(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 50; i++)
        add(f, "{\"pk\":{\"S\":\"p%d\"},\"sk\":{\"S\":\"s%d\"},\"at\":{%s},\"seen\":{%s},\"tags\":{\"M\":{\"a\":{\"N\":\"1\"}}}}",
            i, i, i % 2 ? "\"S\":\"2024-01-02\"" : "\"N\":\"1704164645\"", i % 3 ? "\"S\":\"2024-01-02\"" : "\"NULL\":true");
    draft(f);
    assert_true(is_doubted(f, "Shop", "at is jsonb because its values are of several types (S 25, N 25)"));
    assert_false(is_doubted(f, "Shop", "seen"));
    assert_false(is_doubted(f, "Shop", "tags"));
}

static void a_copy_the_other_way_round_is_doubted(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 60; i++) {
        add(f, "{\"pk\":{\"S\":\"ROOM#r%d\"},\"sk\":{\"S\":\"MEMBER#u%d\"},\"role\":{\"S\":\"x\"},\"n\":{\"N\":\"1\"}}", i % 7,
            i % 11);
        add(f, "{\"pk\":{\"S\":\"USER#u%d\"},\"sk\":{\"S\":\"ROOM#r%d\"},\"unread\":{\"N\":\"1\"}}", i % 11, i % 7);
    }
    draft(f);
    assert_true(is_doubted(f, "Room", "as many items as member"));
    assert_false(is_doubted(f, "Member", "as many items"));
    add(f, "{\"pk\":{\"S\":\"ROOM#r8\"},\"sk\":{\"S\":\"MEMBER#u1\"},\"role\":{\"S\":\"x\"},\"n\":{\"N\":\"1\"}}");
    draft(f);
    assert_false(is_doubted(f, "Room", "as many items as member"));
}

/* A lone item that comes after the sample is as odd as one in it. */
static void a_lone_item_is_no_entity(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 300; i++)
        add(f, "{\"pk\":{\"S\":\"USER#u%d\"},\"sk\":{\"S\":\"USER#u%d\"},\"userId\":{\"S\":\"u%d\"}}", i, i, i);
    f->sampled = f->count;
    add(f, "{\"pk\":{\"S\":\"schema_version\"},\"sk\":{\"S\":\"7\"},\"value\":{\"N\":\"7\"}}");
    draft(f);
    assert_int_equal(f->map.tables[0].entity_count, 1);
    struct span decided = f->evidence.tables[0].decided_by;
    assert_true(span_ends_with(decided, SPAN("; 1 of no kind of their own: landfall.item keeps what no entity claims")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        INFER_TEST(a_guard_is_a_unique_index),
        INFER_TEST(a_guard_has_one_item_for_each_value),
        INFER_TEST(a_circle_that_nothing_could_be_inserted_into_is_broken),
        INFER_TEST(a_circle_with_a_way_in_stays),
        INFER_TEST(several_items_of_a_thing_are_not_the_thing),
        INFER_TEST(a_piece_that_refers_is_called_after_what_it_refers_to),
        INFER_TEST(pieces_without_a_word_are_called_after_what_they_are),
        INFER_TEST(index_keys_of_any_library_are_no_values),
        INFER_TEST(an_attribute_called_sort_is_a_value),
        INFER_TEST(a_hash_of_a_key_is_a_value),
        INFER_TEST(what_is_the_same_in_all_items_may_still_vary),
        INFER_TEST(a_key_that_cannot_be_split_keeps_its_word),
        INFER_TEST(lower_case_needs_a_reason),
        INFER_TEST(a_copy_the_other_way_round_is_doubted),
        INFER_TEST(a_word_inside_the_key_that_says_enough_is_the_name),
        INFER_TEST(what_another_reference_implies_is_none),
        INFER_TEST(an_index_key_that_nothing_makes_may_be_null),
        INFER_TEST(an_object_is_a_marker),
        INFER_TEST(past_participles_say_that_numbers_are_times),
        INFER_TEST(a_key_called_name_is_not_referred_to_by_every_name),
        INFER_TEST(an_index_behind_the_whole_primary_key_is_none),
        INFER_TEST(a_mix_of_types_is_doubted_and_a_null_is_not),
        INFER_TEST(a_lone_item_is_no_entity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
