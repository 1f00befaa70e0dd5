#include "shape_unit.h"

#include "gateway/dual_keys.h"

#define KEY(value) "{\"pk\":{\"S\":\"" value "\"}}"
#define PUT(value) "\"Put\":{\"TableName\":\"moving\",\"Item\":{\"n\":{\"N\":\"1\"},\"pk\":{\"S\":\"" value "\"}}}"
#define UPDATE(value) "\"Update\":{\"TableName\":\"moving\",\"UpdateExpression\":\"REMOVE n\",\"Key\":" KEY(value) "}"
#define DELETE(table, value) "\"Delete\":{\"TableName\":\"" table "\",\"Key\":" KEY(value) "}"
#define CHECK(value) "\"ConditionCheck\":{\"TableName\":\"moving\",\"ConditionExpression\":\"n = n\",\"Key\":" KEY(value) "}"

static const struct table moving = {
    .name = { "moving", 6 },
    .key = { .partition = { { "pk", 2 }, VALUE_S } },
    .move = { .has_phase = true, .phase = PHASE_DUAL_WRITE },
};
static const struct table ours = { .name = { "ours", 4 }, .key = { .partition = { { "pk", 2 }, VALUE_S } } };

static enum lf_code find(enum operation operation, const char *body, struct dual_keys *ret_keys, struct err *err)
{
    union any_request request;
    struct route_table of[] = { { .name = moving.name, .table = &moving }, { .name = ours.name, .table = &ours } };
    struct call call = { .operation = operation_info(operation), .arena = &arena };
    read_request(call.operation->request, body, &request);
    return dual_keys_find(&call, &request, &(struct route_tables){ of, 2 }, ret_keys, err);
}

/* "a=" its item is known, "a-" that there is none is, "a?" neither. */
static void assert_keys(enum operation operation, const char *body, const char *expected)
{
    struct err err = ERR_INIT;
    struct dual_keys keys;
    struct buf found;
    buf_init(&found, SHAPE_ARENA_BYTES);
    assert_ok(err, find(operation, body, &keys, &err));
    for (size_t i = 0; i < keys.count; i++) {
        const struct dual_key *key = &keys.keys[i];
        assert_ptr_equal(key->table, &moving);
        assert_span(item_get(&key->key.attributes, SPAN("pk"))->bytes, key->key.bytes.partition);
        buf_put_span(&found, key->key.bytes.partition);
        buf_put_byte(&found, !key->is_known ? '?' : key->item ? '=' : '-');
    }
    assert_span(buf_span(&found), span_from_cstr(expected));
    buf_done(&found);
}

static void test_single_items(void **state)
{
    (void)state;
    assert_keys(OPERATION_PUT_ITEM, "{\"TableName\":\"moving\",\"Item\":" KEY("a") "}", "a=");
    assert_keys(OPERATION_DELETE_ITEM, "{\"TableName\":\"moving\",\"Key\":" KEY("a") "}", "a-");
    assert_keys(OPERATION_UPDATE_ITEM, "{\"TableName\":\"moving\",\"Key\":" KEY("a") "}", "a?");
    assert_keys(OPERATION_PUT_ITEM, "{\"TableName\":\"ours\",\"Item\":" KEY("a") "}", "");
}

static void test_batches(void **state)
{
    (void)state;
    assert_keys(
        OPERATION_BATCH_WRITE_ITEM,
        "{\"RequestItems\":{\"ours\":[{\"PutRequest\":{\"Item\":" KEY("a") "}}],\"moving\":[{\"PutRequest\":{\"Item\":" KEY(
            "b") "}},{},{\"DeleteRequest\":{\"Key\":" KEY("c") "}}]}}",
        "b=c-");
}

static void test_transactions(void **state)
{
    (void)state;
    assert_keys(OPERATION_TRANSACT_WRITE_ITEMS,
                "{\"TransactItems\":[{" PUT("a") "},{" UPDATE("b") "},{" DELETE("moving", "c") "},{" CHECK("d") "},{" DELETE(
                    "ours", "e") "}]}",
                "a=b?c-");
    assert_keys(OPERATION_TRANSACT_WRITE_ITEMS, "{\"ClientRequestToken\":\"t\",\"TransactItems\":[{" PUT("a") "}]}", "a?");
    assert_keys(OPERATION_TRANSACT_WRITE_ITEMS, "{\"TransactItems\":[{" PUT("a") "},{" DELETE("moving", "a") "}]}", "a=");
}

/* Such a request is refused; until then its keys need room, too. */
static void test_members_that_ask_for_several_things(void **state)
{
    (void)state;
    assert_keys(OPERATION_TRANSACT_WRITE_ITEMS,
                "{\"TransactItems\":[{" PUT("a") "," UPDATE("b") "," DELETE("moving", "c") "," CHECK("d") "},{" PUT(
                    "e") "," UPDATE("f") "," DELETE("moving", "g") "}]}",
                "a=b?c-e=f?g-");
}

static void test_statements(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct dual_keys keys;
    assert_keys(OPERATION_EXECUTE_STATEMENT, "{\"Statement\":\"INSERT INTO moving VALUE {'pk': 'a'}\"}", "a?");
    assert_keys(OPERATION_EXECUTE_STATEMENT, "{\"Statement\":\"SELECT * FROM moving WHERE pk = 'a'\"}", "");
    assert_keys(OPERATION_EXECUTE_TRANSACTION,
                "{\"TransactStatements\":[{\"Statement\":\"INSERT INTO moving VALUE {'pk': 'a'}\"},{\"Statement\":\"DELETE FROM "
                "moving WHERE pk = 'b'\"}]}",
                "a?b?");
    assert_keys(OPERATION_BATCH_EXECUTE_STATEMENT, "{\"Statements\":[{\"Statement\":\"DELETE FROM moving WHERE pk = 'b'\"}]}",
                "b?");
    assert_int_equal(find(OPERATION_BATCH_EXECUTE_STATEMENT,
                          "{\"Statements\":[{\"Statement\":\"DELETE FROM moving\"},{\"Statement\":\"DELETE FROM moving WHERE "
                          "pk = 'b'\"}]}",
                          &keys, &err),
                     LF_VALIDATION);
    assert_int_equal(find(OPERATION_EXECUTE_STATEMENT, "{\"Statement\":\"DELETE FROM moving\"}", &keys, &err), LF_VALIDATION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_single_items, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_batches, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_transactions, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_members_that_ask_for_several_things, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_statements, shape_setup, shape_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
