#include "row_fixture.h"

/* ---- rows that others wrote ---- */

static struct pg_field text_field(const char *text)
{
    return text ? (struct pg_field){ text, strlen(text) } : PG_NULL;
}

static void assert_decodes(struct fixture *fixture, const struct pg_field *fields, const char *json)
{
    struct item item, expected = item_from(fixture, json);
    const struct entity *entity = &fixture->map.tables[0].entities[0];
    if (row_decode(entity, fields, &fixture->arena, &item, &fixture->err) != LF_OK)
        fail_msg("%s", fixture->err.message);
    if (!item_equal(&item, &expected)) {
        print_item(&item);
        fail();
    }
}

static void test_a_column_wins_over_ddb_extra(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD LONG_KEY);
    struct pg_field fields[] = { text_field("a"), text_field("b"), text_field("\1{\"pk\": {\"S\": \"old\"}, \"gone\": null}") };
    assert_decodes(fixture, fields, "{\"pk\":{\"S\":\"a\"},\"sk\":{\"S\":\"sb\"}}");
}

static void test_rows_inserted_by_sql_have_keys(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD PERSON);
    struct pg_field fields[] = { text_field("1"), text_field("Bonn"), PG_NULL, PG_NULL, PG_NULL, PG_NULL };
    assert_decodes(fixture, fields, PERSON_ITEM("Bonn", ",\"address\":{\"M\":{\"city\":{\"S\":\"Bonn\"}}}"));
}

/* As SQL leaves it that takes the last member away; what ddb_extra has of the attribute is older. */
static void test_a_set_without_members_is_absent(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD "      Tagged:\n"
                           "        key: { pk: \"{pk}\", sk: \"s\" }\n"
                           "        table: tagged\n"
                           "        primary_key: [pk]\n"
                           "        columns:\n"
                           "          pk: { attr: pk, type: text, null: false }\n"
                           "          tags: { attr: tags, type: \"text[]\" }\n"
                           "          sizes: { attr: sizes, type: \"numeric[]\" }\n");
    struct span empty = SPAN("\0\0\0\0\0\0\0\0\0\0\0\x19"), extra = SPAN("\1{\"tags\": {\"S\": \"x\"}}");
    struct pg_field fields[] = { text_field("a"), { empty.ptr, empty.len }, { empty.ptr, empty.len }, { extra.ptr, extra.len } };
    assert_decodes(fixture, fields, "{\"pk\":{\"S\":\"a\"},\"sk\":{\"S\":\"s\"}}");
}

/* What PostgreSQL 15 sends for ARRAY(SELECT ROW(position, number, kind) …) of ('1', 'home') and ('2', NULL). */
static void test_children_as_postgres_sends_them(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD PERSON);
    struct span two = SPAN("\0\0\0\1\0\0\0\0\0\0\x08\xc9\0\0\0\2\0\0\0\1"
                           "\0\0\0\x25\0\0\0\3\0\0\0\x17\0\0\0\4\0\0\0\0\0\0\0\x19\0\0\0\1"
                           "1\0\0\0\x19\0\0\0\4home"
                           "\0\0\0\x21\0\0\0\3\0\0\0\x17\0\0\0\4\0\0\0\1\0\0\0\x19\0\0\0\1"
                           "2\0\0\0\x19\xff\xff\xff\xff");
    struct span none = SPAN("\0\0\0\0\0\0\0\0\0\0\x08\xc9");
    struct pg_field fields[] = { text_field("1"), PG_NULL, PG_NULL, PG_NULL, { two.ptr, two.len }, { none.ptr, none.len } };
    assert_decodes(fixture, fields,
                   PERSON_ITEM("", ",\"phones\":{\"L\":[{\"M\":{\"number\":{\"S\":\"1\"},\"kind\":{\"S\":\"home\"}}},"
                                   "{\"M\":{\"number\":{\"S\":\"2\"}}}]}"));
}

static void assert_row_error(struct fixture *fixture, const struct pg_field *fields, const char *message)
{
    struct item item;
    const struct entity *entity = &fixture->map.tables[0].entities[0];
    assert_int_equal(row_decode(entity, fields, &fixture->arena, &item, &fixture->err), LF_ROW);
    assert_non_null(strstr(fixture->err.message, message));
}

static void test_rows_that_are_not_as_the_map_says(void **state)
{
    struct fixture *fixture = *state;
    read_map(fixture, HEAD PERSON);
    struct pg_field records = { "\0\0\0\1\0\0\0\0\0\0\x08\xc9\0\0\0\1\0\0\0\1\0\0\0\4\0\0\0\7", 28 };
    struct pg_field no_key[] = { PG_NULL, PG_NULL, PG_NULL, PG_NULL, PG_NULL, PG_NULL };
    struct pg_field bad_zip[] = { text_field("1"), PG_NULL, text_field("12"), PG_NULL, PG_NULL, PG_NULL };
    struct pg_field bad_version[] = { text_field("1"), PG_NULL, PG_NULL, text_field("\2{}"), PG_NULL, PG_NULL };
    struct pg_field bad_extra[] = { text_field("1"), PG_NULL, PG_NULL, text_field("\1{\"a\": 1}"), PG_NULL, PG_NULL };
    struct pg_field bad_child[] = { text_field("1"), PG_NULL, PG_NULL, PG_NULL, text_field("x"), PG_NULL };
    struct pg_field bad_record[] = { text_field("1"), PG_NULL, PG_NULL, PG_NULL, records, PG_NULL };
    assert_row_error(fixture, no_key, "the key attribute pk");
    assert_row_error(fixture, bad_zip, "while decoding column zip");
    assert_row_error(fixture, bad_version, "version");
    assert_row_error(fixture, bad_extra, "expected a value");
    assert_row_error(fixture, bad_child, "cut short");
    assert_row_error(fixture, bad_record, "a record of 7 fields, expected 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW_TEST(test_a_column_wins_over_ddb_extra),      ROW_TEST(test_rows_inserted_by_sql_have_keys),
        ROW_TEST(test_a_set_without_members_is_absent),   ROW_TEST(test_children_as_postgres_sends_them),
        ROW_TEST(test_rows_that_are_not_as_the_map_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
