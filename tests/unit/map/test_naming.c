#include "../base/unit.h"

#include "base/limits.h"
#include "codec/utf8.h"
#include "generate.h"
#include "map/naming.h"

#include "../base/scratch.h"

enum { ROUNDS = 5000 };

struct pair {
    const char *from;
    const char *to;
};

static struct span snake_case(struct span text)
{
    struct err err = ERR_INIT;
    struct span name;
    assert_ok(err, name_snake_case(text, &arena, &name, &err));
    return name;
}

static struct span singular(const char *text)
{
    struct err err = ERR_INIT;
    struct span name;
    assert_ok(err, name_singular(span_from_cstr(text), &arena, &name, &err));
    return name;
}

static void check_pair(struct pair pair, struct span actual)
{
    if (!span_equal(actual, span_from_cstr(pair.to)))
        fail_msg("%s -> %.*s, not %s", pair.from, SPAN_ARG(actual), pair.to);
}

/* ---- snake_case ---- */

static void test_snake_case(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        { "name", "name" },
        { "docketNumber", "docket_number" },
        { "DocketNumber", "docket_number" },
        { "docket_number", "docket_number" },
        { "docket-number", "docket_number" },
        { "docket.number", "docket_number" },
        { "docket  number", "docket_number" },
        { "DOCKET_NUMBER", "docket_number" },
        { "Docket Number (old)", "docket_number_old" },
        { "s3URL", "s3_url" },
        { "S3Key", "s3_key" },
        { "HTMLParser", "html_parser" },
        { "parseHTML", "parse_html" },
        { "userID", "user_id" },
        { "userId", "user_id" },
        { "userIDs", "user_ids" },
        { "URL", "url" },
        { "URLs", "urls" },
        { "URLsSeen", "urls_seen" },
        { "imageURLs", "image_urls" },
        { "ipWhitelist", "ip_whitelist" },
        { "aB", "a_b" },
        { "AB", "ab" },
        { "aBC", "a_bc" },
        { "ABc", "a_bc" },
        /* One word where there are capitals and digits only, as people write index keys. */
        { "GSI1PK", "gsi1pk" },
        { "gsi1pk", "gsi1pk" },
        { "GSI1_PK", "gsi1_pk" },
        { "gsi1PK", "gsi1_pk" },
        { "line1", "line1" },
        { "address2Line", "address2_line" },
        { "SHA256Hash", "sha256_hash" },
        { "_ct", "ct" },
        { "__edb_e__", "edb_e" },
        { "_", "attribute" },
        { "", "attribute" },
        { "$%&", "attribute" },
        { "$id", "id" },
        { "1st", "_1st" },
        { "2FA", "_2fa" },
        { "42", "_42" },
        { "ctid", "_ctid" },
        { "xMin", "x_min" },
        { "xmin", "_xmin" },
        { "\xC3\xA4rger", "\xC3\xA4rger" },
        { "stra\xC3\x9F"
          "eName",
          "stra\xC3\x9F"
          "e_name" },
        { "\xE6\x97\xA5\xE6\x9C\xAC Name", "\xE6\x97\xA5\xE6\x9C\xAC_name" },
        { "select", "select" },
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        check_pair(pairs[i], snake_case(span_from_cstr(pairs[i].from)));
    assert_span(snake_case(SPAN("a\0b")), SPAN("a_b"));
    assert_span(snake_case(span_of(NULL, 0)), SPAN("attribute"));
}

/* `bytes` letters, the first being a digit where it should be. */
static struct span long_name(size_t bytes, char first)
{
    static char name[4 * LIMIT_IDENTIFIER_BYTES];
    memset(name, 'a', sizeof name);
    name[0] = first;
    return span_of(name, bytes);
}

static void test_names_end_at_the_limit(void **state)
{
    (void)state;
    assert_int_equal(snake_case(long_name(LIMIT_IDENTIFIER_BYTES - 1, 'a')).len, LIMIT_IDENTIFIER_BYTES - 1);
    assert_int_equal(snake_case(long_name(LIMIT_IDENTIFIER_BYTES, 'a')).len, LIMIT_IDENTIFIER_BYTES);
    assert_int_equal(snake_case(long_name(LIMIT_IDENTIFIER_BYTES + 1, 'a')).len, LIMIT_IDENTIFIER_BYTES);
    assert_int_equal(snake_case(long_name(4 * LIMIT_IDENTIFIER_BYTES, 'a')).len, LIMIT_IDENTIFIER_BYTES);
    /* The underscore in front of a digit counts. */
    assert_int_equal(snake_case(long_name(LIMIT_IDENTIFIER_BYTES - 1, '1')).len, LIMIT_IDENTIFIER_BYTES);
    assert_int_equal(snake_case(long_name(LIMIT_IDENTIFIER_BYTES, '1')).len, LIMIT_IDENTIFIER_BYTES);

    /* Neither a character nor an underscore is left half or hanging. */
    char name[LIMIT_IDENTIFIER_BYTES + 8];
    memset(name, 'a', sizeof name);
    memcpy(name + LIMIT_IDENTIFIER_BYTES - 1, "\xC3\xA4", 2);
    assert_int_equal(snake_case(span_of(name, LIMIT_IDENTIFIER_BYTES + 1)).len, LIMIT_IDENTIFIER_BYTES - 1);
    memset(name, 'a', sizeof name);
    name[LIMIT_IDENTIFIER_BYTES - 1] = '-';
    assert_int_equal(snake_case(span_of(name, sizeof name)).len, LIMIT_IDENTIFIER_BYTES - 1);
}

/* What is always so, whatever the text. */
static void test_names_are_names(void **state)
{
    (void)state;
    struct generator generator;
    generator_init(&generator, generator_seed());
    for (int round = 0; round < ROUNDS; round++) {
        arena_reset(&arena);
        struct span text = generate_text(&generator, &arena);
        struct span name = snake_case(text);
        assert_in_range(name.len, 1, LIMIT_IDENTIFIER_BYTES);
        assert_int_equal(utf8_invalid_at(name), name.len);
        assert_true(name.ptr[0] < '0' || name.ptr[0] > '9');
        assert_true(name.ptr[name.len - 1] != '_');
        assert_int_equal(span_find(name, SPAN("__")), name.len);
        for (size_t i = 0; i < name.len; i++)
            assert_false((name.ptr[i] >= 'A' && name.ptr[i] <= 'Z') || name.ptr[i] == ' ' || name.ptr[i] == '\0');
        assert_span(snake_case(name), name);
    }
}

/* ---- singular ---- */

static void test_singular(void **state)
{
    (void)state;
    static const struct pair pairs[] = {
        { "categories", "category" },
        { "statuses", "status" },
        { "boxes", "box" },
        { "addresses", "address" },
        { "people", "person" },
        { "children", "child" },
        { "data", "data" },
        { "news", "news" },
        { "series", "series" },
        { "species", "species" },
        { "status", "status" },
        { "bus", "bus" },
        { "buses", "bus" },
        { "analysis", "analysis" },
        { "analyses", "analysis" },
        { "likes", "like" },
        { "movies", "movie" },
        { "matches", "match" },
        { "keys", "key" },
        { "address", "address" },
        { "access", "access" },
        { "classes", "class" },
        { "users", "user" },
        { "uses", "use" },
        { "houses", "house" },
        { "warehouses", "warehouse" },
        { "clauses", "clause" },
        { "cases", "case" },
        { "databases", "database" },
        { "responses", "response" },
        { "courses", "course" },
        { "sizes", "size" },
        { "caches", "cache" },
        { "dishes", "dish" },
        { "heroes", "hero" },
        { "shoes", "shoe" },
        { "photos", "photo" },
        { "ties", "tie" },
        { "companies", "company" },
        { "days", "day" },
        { "archives", "archive" },
        { "shelves", "shelf" },
        { "indices", "index" },
        { "indexes", "index" },
        { "metadata", "metadata" },
        { "canvas", "canvas" },
        { "apis", "api" },
        { "menus", "menu" },
        { "schemas", "schema" },
        { "ids", "id" },
        { "os", "os" },
        { "s", "s" },
        { "", "" },
        { "order_items", "order_item" },
        { "order_statuses", "order_status" },
        { "users_data", "users_data" },
        { "sales_people", "sales_person" },
        { "person", "person" },
        { "\xC3\xA9t\xC3\xA9s", "\xC3\xA9t\xC3\xA9" },
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        check_pair(pairs[i], singular(pairs[i].from));
}

/* ---- unique ---- */

/* The first `count` names asked for are taken. */
struct taken {
    unsigned count;
};

static bool is_taken(void *context, struct span name)
{
    struct taken *taken = context;
    assert_in_range(name.len, 1, LIMIT_IDENTIFIER_BYTES);
    assert_int_equal(utf8_invalid_at(name), name.len);
    return taken->count-- > 0;
}

static struct span unique(struct span name, unsigned taken_count)
{
    struct err err = ERR_INIT;
    struct taken taken = { taken_count };
    struct span result;
    assert_ok(err, name_unique(name, is_taken, &taken, &arena, &result, &err));
    return result;
}

static void test_unique(void **state)
{
    (void)state;
    assert_span(unique(SPAN("user"), 0), SPAN("user"));
    assert_span(unique(SPAN("user"), 1), SPAN("user_2"));
    assert_span(unique(SPAN("user"), 10), SPAN("user_11"));
    struct span name = long_name(LIMIT_IDENTIFIER_BYTES, 'a');
    assert_span(unique(name, 0), name);
    struct span numbered = unique(name, 99);
    assert_int_equal(numbered.len, LIMIT_IDENTIFIER_BYTES);
    assert_true(span_ends_with(numbered, SPAN("a_100")));
    assert_int_equal(unique(long_name(LIMIT_IDENTIFIER_BYTES + 1, 'a'), 0).len, LIMIT_IDENTIFIER_BYTES);

    /* The number takes two bytes; the character of two that is cut for it goes whole. */
    char accented[LIMIT_IDENTIFIER_BYTES];
    memset(accented, 'a', sizeof accented);
    memcpy(accented + sizeof accented - 3, "\xC3\xA4z", 3);
    assert_int_equal(unique(span_of(accented, sizeof accented), 1).len, LIMIT_IDENTIFIER_BYTES - 1);
}

static bool all_taken(void *context, struct span name)
{
    (void)context;
    (void)name;
    return true;
}

static void test_unique_gives_up(void **state)
{
    (void)state;
    struct err err;
    struct span name;
    assert_code(err, LF_LIMIT, name_unique(SPAN("user"), all_taken, NULL, &arena, &name, &err));
}

/* ---- quotes ---- */

static void test_quotes(void **state)
{
    (void)state;
    /* First, last and neighbours of the table, words that became reserved late, and types. */
    static const char *const quoted[] = {
        "all",         "analyse", "xmltable",  "xmlserialize",  "user", "order",      "select",
        "table",       "between", "timestamp", "authorization", "json", "json_table", "merge_action",
        "system_user", "User",    "user id",   "1st",           "a-b",  "\xC3\xA4",   ""
    };
    static const char *const plain[] = { "name", "type", "value", "key",  "status", "case_number", "_1st",  "a1",
                                         "_",    "date", "text",  "uuid", "alll",   "al",          "users", "jsonb" };
    for (size_t i = 0; i < sizeof quoted / sizeof *quoted; i++) {
        if (!name_needs_quotes(span_from_cstr(quoted[i])))
            fail_msg("%s", quoted[i]);
    }
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        if (name_needs_quotes(span_from_cstr(plain[i])))
            fail_msg("%s", plain[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snake_case),      cmocka_unit_test(test_names_end_at_the_limit),
        cmocka_unit_test(test_names_are_names), cmocka_unit_test(test_singular),
        cmocka_unit_test(test_unique),          cmocka_unit_test(test_unique_gives_up),
        cmocka_unit_test(test_quotes),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
