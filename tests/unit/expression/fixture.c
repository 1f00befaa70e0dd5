#include "../base/unit.h"

#include "fixture.h"

#include "item/canonical.h"
#include "item/ddbjson.h"

enum { MEMORY_BYTES = 64 * 1024 * 1024 };

static const char item_json[] =
    "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"b\":{\"B\":\"YWJj\"},"
    "\"bo\":{\"BOOL\":true},\"nu\":{\"NULL\":true},\"ss\":{\"SS\":[\"x\",\"y\"]},\"ns\":{\"NS\":[\"1\",\"2\"]},"
    "\"l\":{\"L\":[{\"N\":\"1\"},{\"S\":\"two\"},{\"M\":{\"x\":{\"N\":\"3\"}}}]},\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{"
    "\"z\":{\"S\":\"deep\"}}}}}}";

static const char values_json[] =
    "{\":s\":{\"S\":\"text\"},\":n\":{\"N\":\"5\"},\":m\":{\"M\":{}},\":l\":{\"L\":[]},"
    "\":b\":{\"B\":\"YWJj\"},\":t\":{\"BOOL\":true},\":nu\":{\"NULL\":true},\":ss\":{\"SS\":[\"x\"]},"
    "\":ns\":{\"NS\":[\"1\"]},\":n9\":{\"N\":\"9\"},\":n1\":{\"N\":\"1\"},\":S\":{\"S\":\"S\"},"
    "\":e\":{\"S\":\"\"},\":z\":{\"S\":\"zzz\"},\":bs\":{\"BS\":[\"YWJj\"]},\":n2\":{\"N\":\"2\"},"
    "\":big\":{\"N\":\"9.9E125\"},\":tiny\":{\"N\":\"1E-130\"},\":lst\":{\"L\":[{\"S\":\"p\"},{\"S\":\"q\"}]},"
    "\":nsx\":{\"NS\":[\"2\",\"7\"]},\":ssx\":{\"SS\":[\"x\",\"y\"]},\":ssn\":{\"SS\":[\"new\"]},"
    "\":d38\":{\"N\":\"1.0000000000000000000000000000000000001\"},\":n3\":{\"N\":\"3\"},"
    "\":n4\":{\"N\":\"4\"},\":n7\":{\"N\":\"7\"},\":yb\":{\"B\":\"YmM=\"},\":es\":{\"S\":\"\"},"
    "\":m3\":{\"M\":{\"x\":{\"N\":\"3.0\"}}},\":ssyx\":{\"SS\":[\"y\",\"x\"]},\":N\":{\"S\":\"N\"},"
    "\":empty\":{\"S\":\"\"}}";

static const struct {
    const char *placeholder, *name;
} names[] = { { "#a", "a" }, { "#n", "n" }, { "#s", "s" }, { "#dot", "a.b" }, { "#res", "name" }, { "#l", "l" } };

struct item fixture_item(struct fixture *fixture, const char *json)
{
    struct err err = ERR_INIT;
    struct item item = { 0 };
    if (ddbjson_read_line(span_from_cstr(json), &fixture->arena, &item, &err) != LF_OK)
        fail_msg("%s: %s", json, err.message);
    return item;
}

struct value fixture_value(struct fixture *fixture, const char *json)
{
    struct err err = ERR_INIT;
    struct value value = { 0 };
    if (ddbjson_read_value(span_from_cstr(json), &fixture->arena, &value, &err) != LF_OK)
        fail_msg("%s: %s", json, err.message);
    return value;
}

static void init_names(struct fixture *fixture)
{
    static struct expression_name entries[ROWS(names)];
    for (size_t i = 0; i < ROWS(names); i++)
        entries[i] = (struct expression_name){ span_from_cstr(names[i].placeholder), span_from_cstr(names[i].name), false };
    fixture->inputs.names = entries;
    fixture->inputs.name_count = ROWS(names);
    fixture->inputs.has_names = true;
}

static void init_values(struct fixture *fixture)
{
    static struct expression_value entries[64];
    struct item values = fixture_item(fixture, values_json);
    assert_true(values.count <= ROWS(entries));
    for (size_t i = 0; i < values.count; i++)
        entries[i] = (struct expression_value){ values.attributes[i].name, values.attributes[i].value, false };
    fixture->inputs.values = entries;
    fixture->inputs.value_count = values.count;
    fixture->inputs.has_values = true;
}

void fixture_init(struct fixture *fixture)
{
    arena_init(&fixture->arena, MEMORY_BYTES);
    fixture->item = fixture_item(fixture, item_json);
    init_names(fixture);
    init_values(fixture);
}

void fixture_done(struct fixture *fixture)
{
    arena_done(&fixture->arena);
}

bool fixture_same(struct fixture *fixture, const struct item *item, const char *json)
{
    struct item expected = fixture_item(fixture, json);
    return item_equal(item, &expected);
}

void fixture_check_error(const struct row *row, enum lf_code code, const struct err *err)
{
    if (code == LF_VALIDATION && err->code == code && strcmp(err->message, row->result) == 0)
        return;
    fail_msg("%s\n  gives  %s\n  not    %s", row->expression, err->message, row->result);
}
