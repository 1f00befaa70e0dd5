/*
 * Requests made at random from the shapes of every operation: what keeps all constraints is read, and is there; what breaks one
 * is refused; what is cut off, or has a byte changed, is refused or read but never harms.
 */
#include "shape_unit.h"

#include "codec/json.h"

enum { ROUNDS = 200, NESTING_MAX = 6, TEXT_BYTES_MAX = 16 * 1024 * 1024, REQUEST_BYTES_MAX = 4096 };

static struct buf text;

/* ---- texts that keep a shape's constraints ---- */

static void put_shape(const struct shape *shape, unsigned level);

/* A character of the set, printable ASCII. */
static char character_of(const struct shape_pattern_part *part)
{
    for (;;) {
        unsigned char code = (unsigned char)(' ' + random_below('~' - ' ' + 1));
        if ((part->ascii[code / 64] >> (code % 64) & 1) && code != '"' && code != '\\')
            return (char)code;
    }
}

static size_t length_for(const struct shape *shape, size_t usual)
{
    size_t min = shape->has_min ? (size_t)shape->min : 0, max = shape->has_max ? (size_t)shape->max : min + usual;
    if (random_below(4) == 0)
        return min;
    return min + random_below((unsigned)(max - min < usual ? max - min : usual) + 1);
}

static void put_pattern(const struct shape *shape)
{
    size_t count = shape->pattern_part_count, wanted = length_for(shape, 8);
    for (size_t i = 0; i < count; i++) {
        const struct shape_pattern_part *part = &shape->pattern_parts[i];
        size_t repeats = part->max ? part->max : count == 1 && wanted > part->min ? wanted : part->min;
        for (size_t n = 0; n < repeats; n++)
            buf_put_byte(&text, character_of(part));
    }
}

/* Without the quotes. */
static void put_string(const struct shape *shape)
{
    static const struct shape_pattern_part letters = { { 0, UINT64_C(0x7fffffe07fffffe) }, false, 0, 0 };
    if (shape->role == SHAPE_ROLE_TABLE_NAME || shape->role == SHAPE_ROLE_MANAGED_TABLE_NAME)
        buf_put_cstr(&text, "tab");
    if (shape->pattern) {
        put_pattern(shape);
        return;
    }
    for (size_t left = length_for(shape, 12); left; left--)
        buf_put_byte(&text, character_of(&letters));
}

static void put_integer(const struct shape *shape)
{
    int64_t min = shape->has_min ? shape->min : -5, max = shape->has_max ? shape->max : min + 1000;
    int64_t values[] = { min, max, min + (int64_t)random_below((unsigned)(max - min) + 1) };
    buf_printf(&text, "%lld", (long long)values[random_below(3)]);
}

static void put_enum(const struct shape *shape)
{
    buf_put_byte(&text, '"');
    buf_put_span(&text, shape->enum_values[random_below((unsigned)shape->enum_value_count)]);
    buf_put_byte(&text, '"');
}

static void put_value(void)
{
    static const char *const values[] = { "{\"S\":\"\"}",     "{\"N\":\"1\"}",       "{\"M\":{\"a\":{\"L\":[]}}}",
                                          "{\"SS\":[\"a\"]}", "{ \"NULL\" : true }", "{\"B\":\"AA==\",\"X\":1}" };
    buf_put_cstr(&text, values[random_below(sizeof values / sizeof *values)]);
}

static void put_elements(const struct shape *shape, unsigned level)
{
    bool is_list = shape->type == SHAPE_LIST;
    buf_put_byte(&text, is_list ? '[' : '{');
    for (size_t i = 0, count = length_for(shape, 3); i < count; i++) {
        buf_put_cstr(&text, i ? " ," : "");
        if (!is_list) {
            buf_put_byte(&text, '"');
            if (shape->key)
                put_string(shape->key);
            buf_printf(&text, "%zu\":", i);
        }
        if (shape->type == SHAPE_ITEM)
            put_value();
        else
            put_shape(shape->element, level);
    }
    buf_put_byte(&text, is_list ? ']' : '}');
}

/* Half of the members that may be left out are, in any place; `skipped` is left out though it may not. */
static void put_members(const struct shape *shape, unsigned level, const struct shape_member *skipped)
{
    size_t first = shape->member_count ? random_below((unsigned)shape->member_count) : 0;
    buf_put_cstr(&text, "{\"Stranger\":[{}]");
    for (size_t i = 0; i < shape->member_count; i++) {
        const struct shape_member *member = &shape->members[(first + i) % shape->member_count];
        bool may_lack = !member->is_required && (level > NESTING_MAX || random_below(2));
        if (may_lack || member == skipped)
            continue;
        buf_printf(&text, ", \"%.*s\":", SPAN_ARG(member->name));
        put_shape(member->shape, level + 1);
    }
    buf_put_byte(&text, '}');
}

static void put_shape(const struct shape *shape, unsigned level)
{
    switch (shape->type) {
    case SHAPE_STRING:
        buf_put_byte(&text, '"');
        put_string(shape);
        buf_put_byte(&text, '"');
        break;
    case SHAPE_ENUM:
        put_enum(shape);
        break;
    case SHAPE_INTEGER:
    case SHAPE_LONG:
        put_integer(shape);
        break;
    case SHAPE_BOOLEAN:
        buf_put_cstr(&text, random_below(2) ? "true" : "false");
        break;
    case SHAPE_STRUCTURE:
        put_members(shape, level, NULL);
        break;
    case SHAPE_LIST:
    case SHAPE_MAP:
    case SHAPE_ITEM:
        put_elements(shape, level);
        break;
    case SHAPE_VALUE:
        put_value();
        break;
    default:
        buf_printf(&text, "%u.%u", random_below(2000000000), random_below(1000));
    }
}

/* ---- properties ---- */

static enum lf_code read_text(const struct shape *shape, void *request, struct err *err)
{
    arena_reset(&arena);
    assert_true(shape->size <= REQUEST_BYTES_MAX);
    return shape_read(shape, buf_span(&text), &arena, request, err);
}

static void test_requests_that_keep_all_constraints(void **state)
{
    (void)state;
    max_align_t request[REQUEST_BYTES_MAX / sizeof(max_align_t)];
    for (int round = 0; round < ROUNDS * OPERATIONS; round++) {
        const struct shape *shape = operation_info((enum operation)(round % OPERATIONS))->request;
        struct err err = ERR_INIT;
        buf_reset(&text);
        put_shape(shape, 0);
        if (read_text(shape, request, &err) != LF_OK)
            fail_msg("%s: %s", buf_cstr(&text), err.message);
        assert_ok(err, shape_check_values((const struct shape_head *)request, &err));
    }
}

static void test_requests_that_lack_a_member(void **state)
{
    (void)state;
    max_align_t request[REQUEST_BYTES_MAX / sizeof(max_align_t)];
    for (enum operation operation = 0; operation < OPERATIONS; operation++) {
        const struct shape *shape = operation_info(operation)->request;
        for (size_t i = 0; i < shape->member_count; i++) {
            struct err err = ERR_INIT;
            buf_reset(&text);
            put_members(shape, 0, &shape->members[i]);
            assert_int_equal(read_text(shape, request, &err), shape->members[i].is_required ? LF_VALIDATION : LF_OK);
        }
    }
}

static void spoil(void)
{
    if (random_below(2))
        text.len = random_below((unsigned)text.len);
    for (unsigned changes = random_below(3); changes && text.len; changes--)
        text.data[random_below((unsigned)text.len)] = "{}[]\",:0a \\\n"[random_below(12)];
}

static void test_requests_that_are_spoiled(void **state)
{
    (void)state;
    max_align_t request[REQUEST_BYTES_MAX / sizeof(max_align_t)];
    for (int round = 0; round < ROUNDS * OPERATIONS; round++) {
        const struct shape *shape = operation_info((enum operation)(round % OPERATIONS))->request;
        struct err err = ERR_INIT;
        buf_reset(&text);
        put_shape(shape, 0);
        spoil();
        enum lf_code code = read_text(shape, request, &err);
        assert_true(code == LF_OK || code == LF_SERIALIZATION || code == LF_VALIDATION);
        assert_int_equal(code, err.code);
        assert_int_equal(code == LF_OK, err.message[0] == '\0');
    }
}

/* Each is found by its name, though what follows is no JSON. */
static void test_members_of_replies_are_found(void **state)
{
    (void)state;
    for (enum operation operation = 0; operation < OPERATIONS; operation++) {
        const struct operation_info *info = operation_info(operation);
        for (size_t i = 0; i < info->reply->member_count; i++) {
            struct err err = ERR_INIT;
            buf_reset(&text);
            buf_printf(&text, "{\"%.*s\":\x01}", SPAN_ARG(info->reply->members[i].name));
            assert_code(err, LF_SYNTAX, shape_check_reply(info->reply, buf_span(&text), &arena, &err));
            assert_null(strstr(err.message, "has no member"));
        }
    }
}

int main(void)
{
    random_seed();
    buf_init(&text, TEXT_BYTES_MAX);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_requests_that_keep_all_constraints, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_requests_that_lack_a_member, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_requests_that_are_spoiled, shape_setup, shape_teardown),
        cmocka_unit_test_setup_teardown(test_members_of_replies_are_found, shape_setup, shape_teardown),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_done(&text);
    return failed;
}
