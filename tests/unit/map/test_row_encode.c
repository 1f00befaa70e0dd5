#include "row_fixture.h"

#include "base/limits.h"

/* ---- an ordinary entity ---- */

#define UUID1 "01234567-89ab-cdef-0123-456789abcdef"
#define UUID2 "11111111-2222-3333-4444-555555555555"
#define MESSAGE_ITEM(more)                                                                                   \
    "{\"pk\":{\"S\":\"case|7-20\"},\"sk\":{\"S\":\"message|" UUID1 "\"},\"entityName\":{\"S\":\"Message\"}," \
    "\"messageId\":{\"S\":\"" UUID1 "\"},\"docketNumber\":{\"S\":\"7-20\"}" more "}"

static void test_columns_hold_and_keys_are_not_stored(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD MESSAGE);
    struct row row = assert_claimed(fixture,
                                    MESSAGE_ITEM(",\"parentId\":{\"S\":\"" UUID2 "\"},\"gsi1pk\":{\"S\":\"message|" UUID2 "\"},"
                                                 "\"createdAt\":{\"S\":\"2000-01-01T00:00:00.001Z\"},"
                                                 "\"status\":{\"S\":\"open\"},\"attachments\":{\"L\":[{\"N\":\"1\"}]}"),
                                    "Message");
    assert_text(&row, "docket_number", "7-20");
    assert_text(&row, "status", "open");
    assert_int_equal(field_of_column(&row, "message_id").len, 16);
    assert_memory_equal(field_of_column(&row, "created_at").data, "\0\0\0\0\0\0\3\xe8", 8);
    assert_text(&row, "attachments", "\1[1]");
    assert_string_equal(extra_of(fixture, &row), "");
}

static void test_what_no_column_holds_is_left_over(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD MESSAGE);
    struct row row = assert_claimed(fixture,
                                    MESSAGE_ITEM(",\"createdAt\":{\"S\":\"yesterday\"},\"attachments\":{\"SS\":[\"b\",\"a\"]},"
                                                 "\"colour\":{\"S\":\"r\\u0000d\"}"),
                                    "Message");
    assert_text(&row, "created_at", NULL);
    assert_text(&row, "attachments", NULL);
    assert_string_equal(extra_of(fixture, &row), "{\"colour\":{\"S64\":\"cgBk\"},\"createdAt\":{\"S\":\"yesterday\"},"
                                                 "\"attachments\":{\"SS\":[\"b\",\"a\"]}}");
}

static void test_null_is_not_absent(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD MESSAGE);
    struct row row =
        assert_claimed(fixture, MESSAGE_ITEM(",\"status\":{\"NULL\":true},\"attachments\":{\"NULL\":true}"), "Message");
    assert_text(&row, "status", NULL);
    assert_text(&row, "attachments", "\1null");
    assert_string_equal(extra_of(fixture, &row), "{\"status\":{\"NULL\":true}}");
}

/* ---- templates beyond the table's key ---- */

static void test_a_template_may_be_wrong(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD MESSAGE);
    const struct {
        const char *item, *extra;
    } cases[] = {
        { MESSAGE_ITEM(""), "" },
        { MESSAGE_ITEM(",\"parentId\":{\"S\":\"" UUID2 "\"}"), "{\"gsi1pk\":null}" },
        { MESSAGE_ITEM(",\"parentId\":{\"S\":\"" UUID2 "\"},\"gsi1pk\":{\"S\":\"other\"}"), "{\"gsi1pk\":{\"S\":\"other\"}}" },
        { MESSAGE_ITEM(",\"parentId\":{\"S\":\"" UUID2 "\"},\"gsi1pk\":{\"NULL\":true}"), "{\"gsi1pk\":{\"NULL\":true}}" },
        { MESSAGE_ITEM(",\"gsi1pk\":{\"S\":\"message|\"}"), "{\"gsi1pk\":{\"S\":\"message|\"}}" },
        /* The column is NULL, so SQL cannot build the key, although the attribute would give it. */
        { MESSAGE_ITEM(",\"parentId\":{\"S\":\"ROOT\"},\"gsi1pk\":{\"S\":\"message|ROOT\"}"),
          "{\"parentId\":{\"S\":\"ROOT\"},\"gsi1pk\":{\"S\":\"message|ROOT\"}}" },
        { MESSAGE_ITEM(",\"parentId\":{\"S\":\"ROOT\"}"), "{\"parentId\":{\"S\":\"ROOT\"}}" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct row row = assert_claimed(fixture, cases[i].item, "Message");
        assert_string_equal(extra_of(fixture, &row), cases[i].extra);
    }
}

/* ---- not claimed ---- */

static void test_reasons(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD MESSAGE);
    assert_not_claimed(fixture, "{\"pk\":{\"S\":\"a\"},\"sk\":{\"S\":\"b\"}}", "no entity of the map has its constants");
    assert_not_claimed(fixture, "{\"pk\":{\"S\":\"a\"},\"sk\":{\"S\":\"b\"},\"entityName\":{\"S\":\"Message\"}}",
                       "Message: pk is not as its template has it");
    assert_not_claimed(fixture, MESSAGE_ITEM(",\"status\":{\"S\":\"archived\"}"),
                       "Message: status 'archived' is not one of the values the map allows");
    assert_not_claimed(fixture, MESSAGE_ITEM(",\"\\u0000\":{\"S\":\"x\"}"),
                       "Message: the name of an attribute contains U+0000, which PostgreSQL cannot hold");
    assert_not_claimed(fixture, MESSAGE_ITEM(",\"x\":{\"M\":{\"\\u0000\":{\"SS\":[\"x\"]}}}"),
                       "Message: the name of an attribute contains U+0000, which PostgreSQL cannot hold");
    assert_not_claimed(fixture,
                       "{\"pk\":{\"S\":\"case|7-20\"},\"sk\":{\"S\":\"message|" UUID2 "\"},\"entityName\":{\"S\":\"Message\"},"
                       "\"messageId\":{\"S\":\"" UUID1 "\"},\"docketNumber\":{\"S\":\"7-20\"}}",
                       "Message: sk is not what its columns give");
    assert_not_claimed(fixture,
                       "{\"pk\":{\"S\":\"case|7-20\"},\"sk\":{\"S\":\"message|X\"},\"entityName\":{\"S\":\"Message\"},"
                       "\"messageId\":{\"S\":\"X\"},\"docketNumber\":{\"S\":\"7-20\"}}",
                       "Message: sk cannot be rebuilt, a column it is made of is empty");
}

static void test_not_null(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD NOT_NULL);
    const char *reason = "Thing: column label may not be null, and its attribute is absent or of another form";
    assert_not_claimed(fixture, "{\"pk\":{\"S\":\"T#1\"},\"sk\":{\"S\":\"2\"}}", reason);
    assert_not_claimed(fixture, "{\"pk\":{\"S\":\"T#1\"},\"sk\":{\"S\":\"2\"},\"label\":{\"N\":\"1\"}}", reason);
    (void)assert_claimed(fixture, "{\"pk\":{\"S\":\"T#1\"},\"sk\":{\"S\":\"2\"},\"label\":{\"S\":\"\"}}", "Thing");
}

/* The reason is a text that PostgreSQL can store, whatever the value. */
static void test_reasons_quote_values_shortly(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD MESSAGE);
    assert_not_claimed(fixture,
                       MESSAGE_ITEM(",\"status\":{\"S\":\"x"
                                    "éééééééééééééééééééééééééééééééééééééééé"
                                    "\"}"),
                       "Message: status 'x"
                       "ééééééééééééééééééééééééééééé"
                       "' is not one of the values the map allows");
}

/* ---- columns that only the key holds ---- */

static void test_columns_from_the_key(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD NOT_NULL);
    struct row row = assert_claimed(fixture, "{\"pk\":{\"S\":\"T#a#b\"},\"sk\":{\"S\":\"-5\"},\"label\":{\"S\":\"l\"}}", "Thing");
    assert_text(&row, "id", "a#b");
    assert_memory_equal(field_of_column(&row, "seq").data, "\xff\xff\xff\xfb", 4);
    assert_string_equal(extra_of(fixture, &row), "");
    assert_not_claimed(fixture, "{\"pk\":{\"S\":\"T#1\"},\"sk\":{\"S\":\"05\"},\"label\":{\"S\":\"l\"}}",
                       "Thing: sk cannot be rebuilt, a column it is made of is empty");
    assert_not_claimed(fixture, "{\"pk\":{\"S\":\"U#1\"},\"sk\":{\"S\":\"5\"},\"label\":{\"S\":\"l\"}}",
                       "Thing: pk is not as its template has it");
    assert_not_claimed(fixture, "{\"pk\":{\"S\":\"T#a\\u0000\"},\"sk\":{\"S\":\"5\"},\"label\":{\"S\":\"l\"}}",
                       "Thing: pk cannot be rebuilt, a column it is made of is empty");
}

static void test_a_variable_that_contains_the_separator(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD "      Pair:\n"
                           "        key: { pk: \"{a}#{b}\", sk: \"{c|lower}#end\" }\n"
                           "        keys: { gsi1pk: \"{a}/{d|optional}\" }\n"
                           "        table: pair\n"
                           "        primary_key: [a, b]\n"
                           "        columns:\n"
                           "          a: { type: text, null: false }\n"
                           "          b: { attr: b, type: text, null: false }\n"
                           "          c: { attr: c, type: text, null: false }\n"
                           "          d: { attr: d, type: bigint }\n");
    struct row row = assert_claimed(fixture,
                                    "{\"pk\":{\"S\":\"x#y\"},\"sk\":{\"S\":\"abc#end\"},\"b\":{\"S\":\"y\"},"
                                    "\"c\":{\"S\":\"aBc\"},\"gsi1pk\":{\"S\":\"x/\"}}",
                                    "Pair");
    assert_string_equal(extra_of(fixture, &row), "");
    row = assert_claimed(fixture,
                         "{\"pk\":{\"S\":\"x#y\"},\"sk\":{\"S\":\"abc#end\"},\"b\":{\"S\":\"y\"},"
                         "\"c\":{\"S\":\"aBc\"},\"gsi1pk\":{\"S\":\"x/12\"},\"d\":{\"N\":\"12\"}}",
                         "Pair");
    assert_string_equal(extra_of(fixture, &row), "");
    assert_not_claimed(fixture, "{\"pk\":{\"S\":\"x#z#y\"},\"sk\":{\"S\":\"abc#end\"},\"b\":{\"S\":\"y\"},\"c\":{\"S\":\"aBc\"}}",
                       "Pair: pk is not what its columns give");
}

static void test_an_empty_part_of_the_key_is_a_null_column(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD "      Version:\n"
                           "        key: { pk: \"{id}\", sk: \"v#{label|optional}\" }\n"
                           "        keys: { gsi1pk: \"flag#{flag}\" }\n"
                           "        table: version\n"
                           "        primary_key: [id]\n"
                           "        columns:\n"
                           "          id: { attr: id, type: text, null: false }\n"
                           "          label: { type: text }\n"
                           "          flag: { type: boolean }\n");
    struct row row = assert_claimed(fixture, "{\"pk\":{\"S\":\"1\"},\"sk\":{\"S\":\"v#\"},\"id\":{\"S\":\"1\"}}", "Version");
    assert_text(&row, "label", NULL);
    assert_text(&row, "flag", NULL);
    row = assert_claimed(fixture,
                         "{\"pk\":{\"S\":\"1\"},\"sk\":{\"S\":\"v#x\"},\"id\":{\"S\":\"1\"},"
                         "\"gsi1pk\":{\"S\":\"flag#true\"}}",
                         "Version");
    assert_text(&row, "label", "x");
    assert_text(&row, "flag", "\1");
    assert_string_equal(extra_of(fixture, &row), "");
    row = assert_claimed(fixture,
                         "{\"pk\":{\"S\":\"1\"},\"sk\":{\"S\":\"v#x\"},\"id\":{\"S\":\"1\"},"
                         "\"gsi1pk\":{\"S\":\"flag#yes\"}}",
                         "Version");
    assert_text(&row, "flag", NULL);
    assert_string_equal(extra_of(fixture, &row), "{\"gsi1pk\":{\"S\":\"flag#yes\"}}");
}

/* ---- keys of numbers and binaries ---- */

static void test_number_and_binary_keys(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, "version: 1\nschema: app\ntables:\n  t:\n    key: { pk: B, sk: N }\n    entities:\n"
                      "      Blob:\n"
                      "        match: { kind: { N: \"7\" } }\n"
                      "        key: { pk: \"{hash}\", sk: \"{at}\" }\n"
                      "        table: blob\n"
                      "        primary_key: [hash, at]\n"
                      "        columns:\n"
                      "          hash: { attr: pk, type: bytea, null: false }\n"
                      "          at: { attr: sk, type: timestamptz, codec: epoch_s, null: false }\n");
    struct row row =
        assert_claimed(fixture, "{\"pk\":{\"B\":\"AP8=\"},\"sk\":{\"N\":\"946684800\"},\"kind\":{\"N\":\"7.0\"}}", "Blob");
    assert_int_equal(field_of_column(&row, "hash").len, 2);
    assert_memory_equal(field_of_column(&row, "hash").data, "\0\xff", 2);
    assert_string_equal(extra_of(fixture, &row), "");
    assert_not_claimed(fixture, "{\"pk\":{\"B\":\"AP8=\"},\"sk\":{\"N\":\"0.5\"},\"kind\":{\"N\":\"7\"}}",
                       "Blob: sk cannot be rebuilt, a column it is made of is empty");
    assert_not_claimed(fixture, "{\"pk\":{\"B\":\"AP8=\"},\"sk\":{\"N\":\"5\"},\"kind\":{\"S\":\"7\"}}",
                       "no entity of the map has its constants");
}

/* ---- flattened maps ---- */

static void test_a_map_is_flattened_when_every_entry_has_a_column(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD PERSON);
    struct row row = assert_claimed(
        fixture, PERSON_ITEM("Bonn", ",\"address\":{\"M\":{\"city\":{\"S\":\"Bonn\"},\"zip\":{\"N\":\"53111\"}}}"), "Person");
    assert_text(&row, "city", "Bonn");
    assert_memory_equal(field_of_column(&row, "zip").data, "\0\0\0\0\0\0\xcf\x77", 8);
    assert_string_equal(extra_of(fixture, &row), "");
    row = assert_claimed(fixture, PERSON_ITEM("Bonn", ",\"address\":{\"M\":{\"city\":{\"S\":\"Bonn\"}}}"), "Person");
    assert_text(&row, "zip", NULL);
    assert_string_equal(extra_of(fixture, &row), "");
}

static void test_a_map_that_does_not_fit_stays_whole(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD PERSON);
    static const char *const addresses[] = {
        "{\"M\":{}}",
        "{\"NULL\":true}",
        "{\"M\":{\"city\":{\"S\":\"Bonn\"},\"street\":{\"S\":\"x\"}}}",
        "{\"M\":{\"city\":{\"S\":\"Bonn\"},\"zip\":{\"S\":\"53111\"}}}",
        "{\"L\":[]}",
    };
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        char json[256], extra[256];
        snprintf(json, sizeof json, PERSON_ITEM("%s", ",\"address\":%s"), "", addresses[i]);
        snprintf(extra, sizeof extra, "{\"address\":%s}", addresses[i]);
        struct row row = assert_claimed(fixture, json, "Person");
        assert_text(&row, "city", NULL);
        assert_text(&row, "zip", NULL);
        assert_string_equal(extra_of(fixture, &row), extra);
    }
}

/* ---- children ---- */

static void test_a_list_becomes_rows(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD PERSON);
    struct row row =
        assert_claimed(fixture,
                       PERSON_ITEM("", ",\"phones\":{\"L\":[{\"M\":{\"number\":{\"S\":\"1\"},\"kind\":{\"S\":\"home\"}}},"
                                       "{\"M\":{\"number\":{\"S\":\"2\"}}}]},"
                                       "\"tags\":{\"L\":[{\"S\":\"b\"},{\"S\":\"\"},{\"S\":\"b\"}]}"),
                       "Person");
    assert_string_equal(extra_of(fixture, &row), "");
    const struct row_child *phones = &row.children[0], *tags = &row.children[1];
    assert_int_equal(phones->row_count, 2);
    assert_int_equal(phones->field_count, 4);
    const struct pg_field *second = phones->fields + phones->field_count;
    assert_memory_equal(second[0].data, "1", 1);
    assert_memory_equal(second[1].data, "\0\0\0\1", 4);
    assert_memory_equal(second[2].data, "2", 1);
    assert_null(second[3].data);
    assert_int_equal(tags->row_count, 3);
    assert_int_equal(tags->field_count, 3);
    assert_int_equal(tags->fields[1 * 3 + 2].len, 0);
    assert_non_null(tags->fields[1 * 3 + 2].data);
}

static void test_a_list_that_does_not_fit_stays_whole(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD PERSON);
    static const char *const phones[] = {
        "{\"L\":[]}",
        "{\"M\":{}}",
        "{\"SS\":[\"1\"]}",
        "{\"L\":[{\"M\":{}}]}",
        "{\"L\":[{\"M\":{\"kind\":{\"S\":\"home\"}}}]}",
        "{\"L\":[{\"M\":{\"number\":{\"N\":\"1\"}}}]}",
        "{\"L\":[{\"M\":{\"number\":{\"S\":\"1\"},\"kind\":{\"S\":\"mobile\"}}}]}",
        "{\"L\":[{\"M\":{\"number\":{\"S\":\"1\"}}},{\"M\":{\"number\":{\"S\":\"2\"},\"extension\":{\"S\":\"9\"}}}]}",
        "{\"L\":[{\"M\":{\"number\":{\"S\":\"1\"}}},{\"S\":\"2\"}]}",
    };
    for (size_t i = 0; i < sizeof phones / sizeof phones[0]; i++) {
        char json[256], extra[256];
        snprintf(json, sizeof json, PERSON_ITEM("", ",\"phones\":%s"), phones[i]);
        snprintf(extra, sizeof extra, "{\"phones\":%s}", phones[i]);
        struct row row = assert_claimed(fixture, json, "Person");
        assert_int_equal(row.children[0].row_count, 0);
        assert_string_equal(extra_of(fixture, &row), extra);
    }
    (void)assert_claimed(fixture, PERSON_ITEM("", ",\"tags\":{\"L\":[{\"S\":\"a\"},{\"N\":\"1\"}]}"), "Person");
}

/* ---- index entries ---- */

/* `json` has one %s where a text of 'x' goes, that many bytes. */
static struct row encode_long(struct fixture *fixture, const char *json, size_t bytes)
{
    struct buf text, line;
    buf_init(&text, ARENA_BYTES);
    buf_init(&line, ARENA_BYTES);
    for (size_t i = 0; i < bytes; i++)
        buf_put_byte(&text, 'x');
    const char *place = strstr(json, "%s");
    buf_put(&line, json, (size_t)(place - json));
    buf_put_span(&line, buf_span(&text));
    buf_put_cstr(&line, place + 2);
    struct span copy;
    assert_int_equal(arena_copy(&fixture->arena, buf_span(&line), &copy, &fixture->err), LF_OK);
    struct item item = item_from(fixture, copy.ptr);
    struct row row = encode(fixture, &item);
    if (row.entity)
        assert_comes_back(fixture, &item, &row);
    buf_done(&text);
    buf_done(&line);
    return row;
}

/* Entries of LIMIT_INDEX_KEY_BYTES fit, of one byte more do not; `other_bytes` are in the entry beside the long text. */
static void assert_index_limit(struct fixture *fixture, const char *json, size_t other_bytes)
{
    size_t limit = LIMIT_INDEX_KEY_BYTES - other_bytes;
    assert_non_null(encode_long(fixture, json, limit - 1).entity);
    assert_non_null(encode_long(fixture, json, limit).entity);
    struct row refused = encode_long(fixture, json, limit + 1);
    assert_null(refused.entity);
    assert_true(span_find(refused.reason, SPAN("at most 2600 fit")) < refused.reason.len);
}

#define INDEXED_ITEM(id, rest, more) \
    "{\"pk\":{\"S\":\"" id "\"},\"sk\":{\"S\":\"" rest "\"},\"id\":{\"S\":\"" id "\"},\"rest\":{\"S\":\"" rest "\"}" more "}"

static void test_index_entries_fit(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD INDEXED);
    assert_index_limit(fixture, INDEXED_ITEM("i", "r", ",\"number\":{\"N\":\"1\"},\"label\":{\"S\":\"%s\"}"), 8);
    assert_index_limit(fixture, INDEXED_ITEM("i", "r", ",\"parent\":{\"S\":\"%s\"}"), 0);
    assert_index_limit(fixture, INDEXED_ITEM("i", "r", ",\"gsi1pk\":{\"S\":\"%s\"}"), 1);
}

static void test_the_key_fits_its_index(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD LONG_KEY);
    assert_index_limit(fixture, "{\"pk\":{\"S\":\"%s\"},\"sk\":{\"S\":\"s1234\"}}", 5);
}

/* ---- several entities ---- */

static void test_the_first_that_claims_and_the_nearest_that_does_not(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD MESSAGE NOT_NULL LONG_KEY);
    (void)assert_claimed(fixture, "{\"pk\":{\"S\":\"T#1\"},\"sk\":{\"S\":\"2\"},\"label\":{\"S\":\"\"}}", "Thing");
    (void)assert_claimed(fixture, "{\"pk\":{\"S\":\"T#1\"},\"sk\":{\"S\":\"s\"}}", "Long");
    assert_not_claimed(fixture, "{\"pk\":{\"S\":\"T#1\"},\"sk\":{\"S\":\"2\"}}",
                       "Thing: column label may not be null, and its attribute is absent or of another form");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW_TEST(test_columns_hold_and_keys_are_not_stored),
        ROW_TEST(test_what_no_column_holds_is_left_over),
        ROW_TEST(test_null_is_not_absent),
        ROW_TEST(test_a_template_may_be_wrong),
        ROW_TEST(test_reasons),
        ROW_TEST(test_not_null),
        ROW_TEST(test_reasons_quote_values_shortly),
        ROW_TEST(test_columns_from_the_key),
        ROW_TEST(test_a_variable_that_contains_the_separator),
        ROW_TEST(test_an_empty_part_of_the_key_is_a_null_column),
        ROW_TEST(test_number_and_binary_keys),
        ROW_TEST(test_a_map_is_flattened_when_every_entry_has_a_column),
        ROW_TEST(test_a_map_that_does_not_fit_stays_whole),
        ROW_TEST(test_a_list_becomes_rows),
        ROW_TEST(test_a_list_that_does_not_fit_stays_whole),
        ROW_TEST(test_index_entries_fit),
        ROW_TEST(test_the_key_fits_its_index),
        ROW_TEST(test_the_first_that_claims_and_the_nearest_that_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
