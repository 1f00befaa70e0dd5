#include "../base/unit.h"

#include "map/key_group.h"

/* All texts of a and b up to this length stand for all there are: templates are shorter. */
enum { ARENA_BYTES = 64 * 1024 * 1024, ROUNDS = 1500, TEXT_MAX = 9, TEXTS = (1 << (TEXT_MAX + 1)) - 1, PATTERN_MAX = 16 };

static struct arena arena;
static char texts[TEXTS][TEXT_MAX + 1];

static int setup(void **state)
{
    (void)state;
    size_t count = 0;
    arena_init(&arena, ARENA_BYTES);
    for (unsigned len = 0; len <= TEXT_MAX; len++)
        for (unsigned bits = 0; bits < 1u << len; bits++, count++) {
            for (unsigned i = 0; i < len; i++)
                texts[count][i] = bits >> i & 1 ? 'b' : 'a';
            texts[count][len] = '\0';
        }
    assert_int_equal(count, TEXTS);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_done(&arena);
    return 0;
}

/* Two entities of one table, whose partition keys are alike: Moving and Staying. */
struct pair {
    char patterns[2][PATTERN_MAX]; /* of the sort keys: a, b, and * for a variable */
    struct key_template templates[2][2];
    struct entity entities[2];
    struct map_table table;
    struct key_group group;
};

static struct template template_of(const char *pattern)
{
    struct err err = ERR_INIT;
    struct template template;
    struct buf text;
    buf_init(&text, ARENA_BYTES);
    for (const char *at = pattern; *at; at++)
        buf_printf(&text, *at == '*' ? "{x}" : "%c", *at);
    struct span copy;
    assert_ok(err, arena_copy(&arena, buf_span(&text), &copy, &err));
    assert_ok(err, template_parse(copy, &arena, &template, &err));
    buf_done(&text);
    return template;
}

static void make_pair(struct pair *pair)
{
    struct err err = ERR_INIT;
    static const char *const names[] = { "Moving", "Staying" };
    pair->table = (struct map_table){ .name = SPAN("t"), .entities = pair->entities, .entity_count = 2 };
    pair->table.key = (struct key_schema){ { SPAN("pk"), VALUE_S }, { SPAN("sk"), VALUE_S } };
    for (size_t i = 0; i < 2; i++) {
        pair->templates[i][0] = (struct key_template){ .attr = SPAN("pk"), .template = template_of("a*") };
        pair->templates[i][1] = (struct key_template){ .attr = SPAN("sk"), .template = template_of(pair->patterns[i]) };
        pair->entities[i] = (struct entity){
            .name = span_from_cstr(names[i]), .dynamodb_table = &pair->table, .templates = pair->templates[i], .template_count = 2
        };
    }
    assert_ok(err, key_group_make(&pair->table, SPAN("Moving"), &arena, &pair->group, &err));
}

static void random_pattern(char pattern[PATTERN_MAX])
{
    unsigned len = random_below(5);
    for (unsigned i = 0; i < len; i++)
        pattern[i] = "ab*"[random_below(3)];
    pattern[len] = '\0';
}

/* By trying everything, in another way than the code. */
static bool matches(const char *pattern, const char *text)
{
    if (*pattern == '*')
        return matches(pattern + 1, text) || (*text && matches(pattern, text + 1));
    return *pattern == *text && (!*text || matches(pattern + 1, text + 1));
}

static bool has(const struct pair *pair, const char *partition, const char *sort)
{
    struct attribute attributes[] = { { SPAN("pk"), value_string(span_from_cstr(partition)) },
                                      { SPAN("sk"), value_string(span_from_cstr(sort)) } };
    return key_group_has(&pair->group, &(struct item){ attributes, 2 });
}

static void test_keys_are_told_apart_by_their_shape(void **state)
{
    (void)state;
    struct pair pair;
    for (unsigned round = 0; round < ROUNDS; round++) {
        random_pattern(pair.patterns[0]);
        random_pattern(pair.patterns[1]);
        make_pair(&pair);
        for (size_t i = 0; i < TEXTS; i++)
            if (has(&pair, "ab", texts[i]) != matches(pair.patterns[0], texts[i]))
                fail_msg("%s %s", pair.patterns[0], texts[i]);
        assert_false(has(&pair, "ba", "a"));
        arena_reset(&arena);
    }
}

static void test_groups_are_apart_only_if_no_key_is_of_both(void **state)
{
    (void)state;
    struct pair pair;
    unsigned apart = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct err err = ERR_INIT;
        bool has_common = false;
        random_pattern(pair.patterns[0]);
        random_pattern(pair.patterns[1]);
        make_pair(&pair);
        for (size_t i = 0; i < TEXTS; i++)
            has_common |= matches(pair.patterns[0], texts[i]) && matches(pair.patterns[1], texts[i]);
        if ((key_group_check(&pair.group, &err) != LF_OK) != has_common)
            fail_msg("%s and %s", pair.patterns[0], pair.patterns[1]);
        assert_true(!has_common || err.code == LF_PRECONDITION);
        apart += !has_common;
        arena_reset(&arena);
    }
    assert_in_range(apart, ROUNDS / 20, ROUNDS - ROUNDS / 20);
}

static bool is_within(const struct key_bounds *bounds, const char *text)
{
    struct span bytes = span_from_cstr(text);
    int order = bounds->to.ptr ? span_compare(bytes, bounds->to) : -1;
    bool has_to = bounds->has_to || (bounds->from.ptr && span_equal(bounds->from, bounds->to));
    return (!bounds->from.ptr || span_compare(bytes, bounds->from) >= 0) && (order < 0 || (order == 0 && has_to));
}

/* Up to a text, or to the successor of a beginning. */
static struct key_bounds random_bounds(char successor[TEXT_MAX + 1])
{
    const char *from = texts[random_below(63)], *to = texts[random_below(63)];
    struct key_bounds bounds = { .has_to = random_below(2) };
    if (random_below(4))
        bounds.from = span_from_cstr(from);
    if (random_below(3))
        bounds.to = span_from_cstr(to);
    if (random_below(3) == 0 && *from) {
        strcpy(successor, from);
        successor[strlen(from) - 1]++;
        bounds = (struct key_bounds){ span_from_cstr(from), span_from_cstr(successor), .has_to = random_below(2) };
    }
    return bounds;
}

static void test_a_side_is_left_out_only_if_nothing_there_can_be_its(void **state)
{
    (void)state;
    struct pair pair;
    unsigned counts[KEY_GROUP_ALL + 1] = { 0 };
    for (unsigned round = 0; round < ROUNDS; round++) {
        char successor[TEXT_MAX + 1];
        const struct value partition = value_string(SPAN("ab"));
        struct key_bounds bounds = random_bounds(successor);
        bool has_any = false, has_all = true;
        random_pattern(pair.patterns[0]);
        random_pattern(pair.patterns[1]);
        make_pair(&pair);
        for (size_t i = 0; i < TEXTS; i++) {
            if (!is_within(&bounds, texts[i]))
                continue;
            has_any |= matches(pair.patterns[0], texts[i]);
            has_all &= matches(pair.patterns[0], texts[i]);
        }
        if (bounds.to.ptr == successor && bounds.has_to) { /* of another letter */
            has_any |= matches(pair.patterns[0], successor);
            has_all &= matches(pair.patterns[0], successor);
        }
        enum key_group_reach reach = key_group_reach(&pair.group, &partition, &bounds);
        counts[reach]++;
        if ((reach == KEY_GROUP_NONE && has_any) || (reach == KEY_GROUP_ALL && !has_all))
            fail_msg("%s from '%.*s' to '%.*s'%s: %d", pair.patterns[0], SPAN_ARG(bounds.from), SPAN_ARG(bounds.to),
                     bounds.has_to ? "" : " without", (int)reach);
        arena_reset(&arena);
    }
    for (size_t i = 0; i <= KEY_GROUP_ALL; i++)
        assert_in_range(counts[i], ROUNDS / 50, ROUNDS);
    const struct value other = value_string(SPAN("b"));
    make_pair(&pair);
    assert_int_equal(key_group_reach(&pair.group, &other, &(struct key_bounds){ 0 }), KEY_GROUP_NONE);
}

static void test_names(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct key_group group;
    struct pair pair = { .patterns = { "a*", "b*" } };
    make_pair(&pair);
    assert_ok(err, key_group_make(&pair.table, SPAN("Staying\nMoving"), &arena, &group, &err));
    assert_true(group.has[0] && group.has[1]);
    assert_ok(err, key_group_check(&group, &err));
    assert_code(err, LF_MAP, key_group_make(&pair.table, SPAN("Moving\nElse"), &arena, &group, &err));
    strcpy(pair.patterns[1], "*a");
    make_pair(&pair);
    assert_code(err, LF_PRECONDITION, key_group_check(&pair.group, &err));
    assert_non_null(strstr(err.message, "Moving { pk: \"a{x}\", sk: \"a{x}\" } and Staying { pk: \"a{x}\", sk: \"{x}a\" }"));
}

/* As lines of their names. */
static void assert_without(struct pair *pair, const char *group_names, const char *other_names, const char *left)
{
    struct err err = ERR_INIT;
    struct key_group group, other, rest;
    struct span names;
    assert_ok(err, key_group_make(&pair->table, span_from_cstr(group_names), &arena, &group, &err));
    assert_ok(err, key_group_make(&pair->table, span_from_cstr(other_names), &arena, &other, &err));
    assert_ok(err, key_group_without(&group, &other, &arena, &rest, &err));
    assert_ok(err, key_group_names(&rest, &arena, &names, &err));
    assert_span(names, span_from_cstr(left));
    assert_ok(err, key_group_make(&pair->table, names, &arena, &other, &err));
    assert_memory_equal(other.has, rest.has, 2 * sizeof *rest.has);
}

static void test_what_is_left_without_others(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct key_group all;
    struct span names;
    struct pair pair = { .patterns = { "a*", "b*" } };
    make_pair(&pair);
    assert_ok(err, key_group_all(&pair.table, &arena, &all, &err));
    assert_ok(err, key_group_names(&all, &arena, &names, &err));
    assert_span(names, SPAN("Moving\nStaying"));
    assert_without(&pair, "Staying\nMoving", "", "Moving\nStaying");
    assert_without(&pair, "Staying\nMoving", "Staying", "Moving");
    assert_without(&pair, "Moving", "Staying", "Moving");
    assert_without(&pair, "Moving", "Moving\nStaying", "");
    assert_without(&pair, "", "Moving", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_keys_are_told_apart_by_their_shape, setup, teardown),
        cmocka_unit_test_setup_teardown(test_groups_are_apart_only_if_no_key_is_of_both, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_side_is_left_out_only_if_nothing_there_can_be_its, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_left_without_others, setup, teardown),
    };
    random_seed();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
