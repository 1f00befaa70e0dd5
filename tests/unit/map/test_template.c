#include "../base/unit.h"

#include "base/limits.h"
#include "generate.h"
#include "map/template.h"

#include "../base/scratch.h"

enum { ROUNDS = 5000 };

static struct template parsed(const char *source)
{
    struct err err = ERR_INIT;
    struct template template;
    assert_ok(err, template_parse(span_from_cstr(source), &arena, &template, &err));
    for (size_t i = 0, variables = 0; i < template.count; i++)
        template.parts[i].column = template.parts[i].is_variable ? (unsigned)variables++ : 0;
    return template;
}

/* ---- reading and writing ---- */

static void test_parts(void **state)
{
    (void)state;
    struct template template = parsed("{{case}}|{docket_number|lower}#{a|optional|lower}");
    assert_int_equal(template.count, 4);
    assert_false(template.parts[0].is_variable);
    assert_span(template.parts[0].literal, SPAN("{case}|"));
    assert_true(template.parts[1].is_variable && template.parts[1].lower && !template.parts[1].optional);
    assert_span(template.parts[1].name, SPAN("docket_number"));
    assert_span(template.parts[2].literal, SPAN("#"));
    assert_true(template.parts[3].lower && template.parts[3].optional);
    assert_int_equal(parsed("").count, 0);
    assert_int_equal(parsed("{a}{b}").count, 2);
}

static void test_writing_gives_the_text_back(void **state)
{
    (void)state;
    static const char *const sources[] = {
        "", "x", "{a}", "{{", "}}", "{{{a}}}", "a|{b}|c", "{a|lower}{b|optional}", "{a|lower|optional}"
    };
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        struct template template = parsed(sources[i]);
        buf_reset(&scratch);
        template_put(&scratch, &template);
        assert_string_equal(buf_cstr(&scratch), sources[i]);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        int64_t offset;
        const char *message;
    } cases[] = {
        { "}", 0, "'}' without '{'" },
        { "a}b", 1, "'}' without '{'" },
        { "{a}}", 3, "'}' without '{'" },
        { "{", 1, "'}' is missing" },
        { "x{ab", 4, "'}' is missing" },
        { "{a{b}}", 2, "'}' is missing" },
        { "{a|", 3, "'}' is missing" },
        { "{}", 1, "a column is missing" },
        { "{|lower}", 1, "a column is missing" },
        { "{a|}", 3, "a filter is missing" },
        { "{a||lower}", 3, "a filter is missing" },
        { "{a|upper}", 3, "unknown filter \"upper\"" },
        { "{a|lower|lower}", 9, "stands twice" },
        { "{a|optional|lower|optional}", 18, "stands twice" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = ERR_INIT;
        struct template template;
        enum lf_code code = template_parse(span_from_cstr(cases[i].source), &arena, &template, &err);
        if (code != LF_SYNTAX || err.offset != cases[i].offset || !strstr(err.message, cases[i].message))
            fail_msg("%s: code %d, \"%s\" at %lld", cases[i].source, code, err.message, (long long)err.offset);
    }
}

/* Literals and variables in turn. */
static struct span template_of_parts(size_t parts)
{
    buf_reset(&scratch);
    for (size_t i = 0; i < parts; i++)
        buf_put_cstr(&scratch, i % 2 ? "{a}" : "|");
    return buf_span(&scratch);
}

static void test_limit_of_parts(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    struct template template;
    assert_ok(err, template_parse(template_of_parts(LIMIT_TEMPLATE_PARTS - 1), &arena, &template, &err));
    assert_ok(err, template_parse(template_of_parts(LIMIT_TEMPLATE_PARTS), &arena, &template, &err));
    assert_int_equal(template.count, LIMIT_TEMPLATE_PARTS);
    assert_code(err, LF_LIMIT, template_parse(template_of_parts(LIMIT_TEMPLATE_PARTS + 1), &arena, &template, &err));
}

/* ---- rendering ---- */

/* One text per column; NULL is absent. */
static bool look_up(void *context, unsigned column, struct span *ret_text)
{
    const char *const *texts = context;
    *ret_text = span_from_cstr(texts[column]);
    return texts[column] != NULL;
}

static void check_render(const char *source, const char *const *texts, const char *expected)
{
    struct err err = ERR_INIT;
    struct template template = parsed(source);
    bool is_present;
    struct span rendered;
    assert_ok(err, template_render(&template, look_up, (void *)texts, &arena, &is_present, &rendered, &err));
    assert_int_equal(is_present, expected != NULL);
    if (expected)
        assert_span(rendered, span_from_cstr(expected));
}

static void test_rendering(void **state)
{
    (void)state;
    static const char *const texts[] = { "A-1", "\xC3\x84z", NULL };
    check_render("", texts, "");
    check_render("case", texts, "case");
    check_render("{a}", texts, "A-1");
    check_render("{a|lower}", texts, "a-1");
    check_render("case|{a}#{b}", texts, "case|A-1#\xC3\x84z");
    check_render("X{a|lower}{b|lower}", texts, "Xa-1\xC3\x84z");
    check_render("{a}|{b}|{c}", texts, NULL);
    check_render("{a}|{b}|{c|optional}", texts, "A-1|\xC3\x84z|");
    check_render("{{{a}}}", texts, "{A-1}");
    check_render("{c}", texts + 2, NULL);
    check_render("{c|optional}", texts + 2, "");
}

/* Nothing is copied that need not be. */
static void test_a_lone_variable_is_what_the_lookup_gave(void **state)
{
    (void)state;
    static const char *const texts[] = { "A" };
    struct err err = ERR_INIT;
    struct template template = parsed("{a}");
    bool is_present;
    struct span rendered;
    assert_ok(err, template_render(&template, look_up, (void *)texts, &arena, &is_present, &rendered, &err));
    assert_ptr_equal(rendered.ptr, texts[0]);
}

/* ---- matching ---- */

/* `expected` has a text per part, or is NULL where the template does not fit. */
static void check_match(const char *source, const char *whole, const char *const *expected)
{
    struct template template = parsed(source);
    struct span parts[LIMIT_TEMPLATE_PARTS];
    if (template_match(&template, span_from_cstr(whole), parts) != (expected != NULL))
        fail_msg("%s with %s", source, whole);
    for (size_t i = 0; expected && i < template.count; i++)
        assert_span(parts[i], span_from_cstr(expected[i]));
}

#define PARTS(...) ((const char *const[]){ __VA_ARGS__ })

static void test_matching(void **state)
{
    (void)state;
    check_match("", "", PARTS(NULL));
    check_match("", "x", NULL);
    check_match("case", "case", PARTS("case"));
    check_match("case", "cases", NULL);
    check_match("case", "cas", NULL);
    check_match("{a}", "", PARTS(""));
    check_match("{a}", "x|y", PARTS("x|y"));
    check_match("case|{a}", "case|1|2", PARTS("case|", "1|2"));
    check_match("case|{a}", "message|1", NULL);
    check_match("{a}|{b}", "1|2|3", PARTS("1", "|", "2|3"));
    check_match("{a}|{b}", "12", NULL);
    check_match("{a}|{b}", "|", PARTS("", "|", ""));
    check_match("u#{a}#o#{b}", "u#1#o#2", PARTS("u#", "1", "#o#", "2"));
    check_match("u#{a}#o#{b}", "u#1##o#2", PARTS("u#", "1#", "#o#", "2"));
    /* The last variable goes up to the closing literal. */
    check_match("{a}|", "1|2|", PARTS("1|2", "|"));
    check_match("{a}|", "1|2", NULL);
    check_match("x{a}xx", "xx", NULL);
    /* Where one ends and the next begins, nothing says. */
    check_match("{a}{b}", "12", NULL);
}

/* A template of distinct separators and texts without them. */
static struct span random_source(struct generator *generator)
{
    static const char separators[] = "|#:/$@";
    size_t variables = 1 + generate_below(generator, sizeof separators - 1);
    buf_reset(&scratch);
    if (generate_below(generator, 2))
        buf_put_cstr(&scratch, "kind^");
    for (size_t i = 0; i < variables; i++) {
        if (i)
            buf_put_byte(&scratch, separators[i]);
        buf_printf(&scratch, "{c%zu}", i);
    }
    if (generate_below(generator, 4) == 0)
        buf_put_cstr(&scratch, "^end");
    return buf_span(&scratch);
}

static void test_matching_undoes_rendering(void **state)
{
    (void)state;
    struct generator generator;
    generator_init(&generator, generator_seed());
    for (int round = 0; round < ROUNDS; round++) {
        arena_reset(&arena);
        struct err err = ERR_INIT;
        struct span source, rendered, parts[LIMIT_TEMPLATE_PARTS];
        assert_ok(err, arena_copy(&arena, random_source(&generator), &source, &err));
        struct template template = parsed(source.ptr);
        char texts[6][8];
        const char *given[6];
        for (size_t i = 0; i < 6; i++) {
            (void)snprintf(texts[i], sizeof texts[i], "%zu", generate_below(&generator, 10000));
            given[i] = texts[i] + generate_below(&generator, 2) * strlen(texts[i]);
        }
        bool is_present;
        assert_ok(err, template_render(&template, look_up, given, &arena, &is_present, &rendered, &err));
        assert_true(is_present && template_match(&template, rendered, parts));
        for (size_t i = 0; i < template.count; i++) {
            if (template.parts[i].is_variable)
                assert_span(parts[i], span_from_cstr(given[template.parts[i].column]));
        }
    }
}

static void test_keeping_order(void **state)
{
    (void)state;
    static const struct {
        const char *source;
        bool keeps;
    } cases[] = {
        { "{a}", true },    { "x|{a}", true },      { "", false },
        { "x", false },     { "{a}x", false },      { "{a}{b}", false },
        { "x{a}y", false }, { "{a|lower}", false }, { "x{a|optional}", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct template template = parsed(cases[i].source);
        assert_int_equal(template_keeps_order(&template), cases[i].keeps);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),         cmocka_unit_test(test_writing_gives_the_text_back),
        cmocka_unit_test(test_refusals),      cmocka_unit_test(test_limit_of_parts),
        cmocka_unit_test(test_rendering),     cmocka_unit_test(test_a_lone_variable_is_what_the_lookup_gave),
        cmocka_unit_test(test_matching),      cmocka_unit_test(test_matching_undoes_rendering),
        cmocka_unit_test(test_keeping_order),
    };
    return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
