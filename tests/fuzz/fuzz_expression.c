/*
 * Expressions of every kind over one item. The first byte tells the kind: c condition, k key condition, p projection, u update,
 * q a PartiQL statement.
 * What is accepted is evaluated; a projection of an item is a part of it, and an update leaves its old item alone.
 */
#include "fuzz.h"

#include "expression/evaluate.h"
#include "expression/key_condition.h"
#include "expression/partiql.h"
#include "item/canonical.h"
#include "item/ddbjson.h"

enum { VALUES_MAX = 16 };

static const char item_json[] = "{\"pk\":{\"S\":\"a\"},\"s\":{\"S\":\"text\"},\"n\":{\"N\":\"5\"},\"ss\":{\"SS\":[\"x\",\"y\"]},"
                                "\"l\":{\"L\":[{\"N\":\"1\"},{\"L\":[{\"S\":\"two\"}]},{\"M\":{\"x\":{\"N\":\"3\"}}}]},"
                                "\"m\":{\"M\":{\"x\":{\"N\":\"1\"},\"y\":{\"M\":{\"z\":{\"S\":\"deep\"}}}}}}";
static const char values_json[] =
    "{\":s\":{\"S\":\"text\"},\":n\":{\"N\":\"9.9E125\"},\":b\":{\"B\":\"YWJj\"},\":t\":{\"BOOL\":true},"
    "\":x\":{\"SS\":[\"x\"]},\":l\":{\"L\":[{\"S\":\"p\"}]},\":m\":{\"M\":{}},\":z\":{\"S\":\"z\"}}";

struct fuzz_case {
    struct span text;
    struct arena *arena;
    struct item item;
    struct expression_inputs inputs;
};

static void check_error(enum lf_code code, const struct err *err)
{
    CHECK(code == LF_VALIDATION && err->code == code && err->message[0] != '\0');
}

static void run_condition(struct fuzz_case *c, enum expression_kind kind)
{
    struct err err = ERR_INIT;
    const struct expression_node *root;
    enum lf_code code = expression_parse_condition(c->text, kind, &c->inputs, c->arena, &root, &err);
    if (code != LF_OK) {
        check_error(code, &err);
        return;
    }
    struct expression_node negation = { .kind = NODE_NOT, .operands = root, .operand_count = 1 };
    CHECK(condition_holds(root, &c->item) != condition_holds(&negation, &c->item));
    (void)condition_holds(root, NULL);
    if (kind != EXPRESSION_KEY_CONDITION)
        return;
    const struct key_schema schema = { { SPAN("pk"), VALUE_S }, { SPAN("n"), VALUE_N } };
    const struct key_condition_schema wanted = key_condition_schema_of(&schema);
    struct key_condition condition;
    code = key_condition_reduce(root, &wanted, &condition, &err);
    if (code != LF_OK)
        check_error(code, &err);
    else
        CHECK(condition.sort_count <= 1 && condition.partition[0].type == VALUE_S);
}

static void run_projection(struct fuzz_case *c)
{
    struct err err = ERR_INIT;
    struct projection projection;
    struct item part, again;
    enum lf_code code = projection_parse(c->text, &c->inputs, c->arena, &projection, &err);
    if (code != LF_OK) {
        check_error(code, &err);
        return;
    }
    CHECK(projection_apply(&projection, &c->item, c->arena, &part, &err) == LF_OK);
    CHECK(item_size(&part) <= item_size(&c->item));
    for (size_t i = 0; i < part.count; i++)
        CHECK(item_get(&c->item, part.attributes[i].name) != NULL);
    CHECK(projection_apply(&projection, &c->item, c->arena, &again, &err) == LF_OK && item_equal(&part, &again));
}

static void run_update(struct fuzz_case *c)
{
    struct err err = ERR_INIT;
    struct update update;
    struct item changed, part;
    struct projection projection;
    const struct hash128 before = item_hash(&c->item);
    enum lf_code code = update_parse(c->text, &c->inputs, c->arena, &update, &err);
    if (code == LF_OK)
        code = update_apply(&update, &c->item, NULL, c->arena, &changed, &err);
    CHECK(hash128_equal(before, item_hash(&c->item)));
    if (code != LF_OK) {
        check_error(code, &err);
        return;
    }
    CHECK(update_projection(&update, c->arena, &projection, &err) == LF_OK);
    CHECK(projection_apply(&projection, &changed, c->arena, &part, &err) == LF_OK);
    CHECK(item_size(&part) <= item_size(&changed));
}

static void run_partiql_where(struct fuzz_case *c, const struct expression_node *where)
{
    struct err err = ERR_INIT;
    const struct key_schema schema = { { SPAN("pk"), VALUE_S }, { SPAN("n"), VALUE_N } };
    const struct key_condition_schema wanted = key_condition_schema_of(&schema);
    struct partiql_target target;
    (void)condition_holds(where, &c->item);
    enum lf_code code = partiql_reduce(where, &wanted, c->arena, &target, &err);
    if (code != LF_OK) {
        check_error(code, &err);
        return;
    }
    CHECK(target.count || (where != NULL) == (target.filter != NULL));
    (void)condition_holds(target.filter, &c->item);
}

static void run_partiql(struct fuzz_case *c)
{
    struct err err = ERR_INIT;
    const struct value parameters[] = { value_string(SPAN("a")), value_number(number_from_int64(5)) };
    struct partiql_statement statement;
    struct item changed;
    enum lf_code code = partiql_parse(c->text, parameters, 2, c->arena, &statement, &err);
    if (code != LF_OK)
        code = partiql_parse(c->text, NULL, 0, c->arena, &statement, &err);
    if (code != LF_OK) {
        check_error(code, &err);
        return;
    }
    run_partiql_where(c, statement.where);
    if (statement.verb != PARTIQL_UPDATE)
        return;
    code = update_apply(&statement.update, &c->item, NULL, c->arena, &changed, &err);
    if (code != LF_OK)
        check_error(code, &err);
}

static void run(struct fuzz_case *c, char kind)
{
    switch (kind) {
    case 'k':
        run_condition(c, EXPRESSION_KEY_CONDITION);
        break;
    case 'p':
        run_projection(c);
        break;
    case 'q':
        run_partiql(c);
        break;
    case 'u':
        run_update(c);
        break;
    default:
        run_condition(c, EXPRESSION_CONDITION);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct expression_name names[] = { { SPAN("#n"), SPAN("n"), false }, { SPAN("#m"), SPAN("m"), false } };
    struct expression_value values[VALUES_MAX];
    struct arena arena;
    struct err err = ERR_INIT;
    struct item given;
    if (size == 0)
        return 0;
    arena_init(&arena, FUZZ_MEMORY_BYTES);
    struct fuzz_case c = { .text = span_from(fuzz_input(data, size), 1), .arena = &arena };
    CHECK(ddbjson_read_line(span_from_cstr(item_json), &arena, &c.item, &err) == LF_OK);
    CHECK(ddbjson_read_line(span_from_cstr(values_json), &arena, &given, &err) == LF_OK);
    for (size_t i = 0; i < given.count; i++)
        values[i] = (struct expression_value){ given.attributes[i].name, given.attributes[i].value, false };
    c.inputs = (struct expression_inputs){ .names = names, .name_count = 2, .values = values, .value_count = given.count };
    run(&c, (char)data[0]);
    arena_done(&arena);
    return 0;
}
