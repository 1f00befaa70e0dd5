#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/options.h"

/* A table of the test's own, with an option of each type. */
static const char *const to_choices[] = { "tables", "indexes", "constraints", "contract", NULL };
static const struct option_def def_source = { .name = "SOURCE",
                                              .type = OPTION_STRING,
                                              .offset = offsetof(struct cli_options, source) };
static const struct option_def def_help = {
    .name = "help", .short_name = 'h', .type = OPTION_FLAG, .offset = offsetof(struct cli_options, help)
};
static const struct option_def def_jobs = { .name = "jobs",
                                            .short_name = 'j',
                                            .type = OPTION_INTEGER,
                                            .offset = offsetof(struct cli_options, jobs),
                                            .environment = "LANDFALL_TEST_JOBS",
                                            .min = 1,
                                            .max = 64 };
static const struct option_def def_share = {
    .name = "type-share", .type = OPTION_PERCENT, .offset = offsetof(struct cli_options, type_share), .min = 50, .max = 100
};
static const struct option_def def_to = {
    .name = "to", .type = OPTION_CHOICE, .offset = offsetof(struct cli_options, to), .choices = to_choices
};
static const struct option_def def_output = {
    .name = "output", .short_name = 'o', .type = OPTION_PATH, .offset = offsetof(struct cli_options, output)
};
static const struct option_use load_arguments[] = { { &def_source, NULL, true } };
static const struct option_use load_options[] = {
    { &def_help, NULL, false }, { &def_jobs, "4", false },   { &def_share, "99.9", false },
    { &def_to, NULL, false },   { &def_output, NULL, true },
};
const struct command_def commands[] = {
    { "load", "", "landfall load SOURCE", "", load_arguments, 1, load_options, 5, NULL },
    { "verify", "", "landfall verify", "", NULL, 0, NULL, 0, NULL },
};
const size_t command_count = 2;

enum { WORDS_MAX = 8 };

static enum lf_code parse(const char *line, struct cli_options *options, struct err *err)
{
    static char text[256]; /* the options borrow from it */
    char *words[WORDS_MAX];
    int count = 0;
    snprintf(text, sizeof text, "%s", line);
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        words[count++] = word;
    *err = (struct err)ERR_INIT;
    return options_parse(&commands[0], count, words, options, err);
}

static void assert_fails(const char *line, const char *message)
{
    struct cli_options options;
    struct err err;
    assert_int_equal(parse(line, &options, &err), LF_USAGE);
    if (!strstr(err.message, message))
        fail_msg("\"%s\" gives \"%s\", which lacks \"%s\"", line, err.message, message);
}

static void test_forms_of_a_value(void **state)
{
    static const char *const lines[] = { "x --output y --jobs 7", "--output=y --jobs=7 x", "-o y -j 7 x", "-oy x -j7",
                                         "-j3 -o z x --jobs 7 -o y" };
    struct cli_options options;
    struct err err;
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_int_equal(parse(lines[i], &options, &err), LF_OK);
        assert_string_equal(options.source, "x");
        assert_string_equal(options.output, "y");
        assert_int_equal(options.jobs, 7);
    }
}

static void test_defaults_and_environment(void **state)
{
    struct cli_options options;
    struct err err;
    (void)state;
    assert_int_equal(parse("x -o y", &options, &err), LF_OK);
    assert_int_equal(options.jobs, 4);
    assert_true(options.type_share > 0.99899 && options.type_share < 0.99901);
    assert_int_equal(options.to, CLI_TO_UNSET);
    setenv("LANDFALL_TEST_JOBS", "9", 1);
    assert_int_equal(parse("x -o y", &options, &err), LF_OK);
    assert_int_equal(options.jobs, 9);
    assert_int_equal(parse("x -o y -j 2", &options, &err), LF_OK);
    assert_int_equal(options.jobs, 2);
    setenv("LANDFALL_TEST_JOBS", "many", 1);
    assert_fails("x -o y", "LANDFALL_TEST_JOBS: \"many\" is not a whole number from 1 to 64");
    unsetenv("LANDFALL_TEST_JOBS");
}

static void test_ranges(void **state)
{
    struct cli_options options;
    struct err err;
    (void)state;
    assert_int_equal(parse("x -o y -j 1", &options, &err), LF_OK);
    assert_int_equal(parse("x -o y -j 64", &options, &err), LF_OK);
    assert_fails("x -o y -j 0", "--jobs: \"0\" is not a whole number from 1 to 64");
    assert_fails("x -o y -j 65", "\"65\"");
    assert_fails("x -o y -j 3x", "\"3x\"");
    assert_fails("x -o y -j 99999999999999999999", "not a whole number");
    assert_int_equal(parse("x -o y --type-share 50%", &options, &err), LF_OK);
    assert_true(options.type_share > 0.4999 && options.type_share < 0.5001);
    assert_fails("x -o y --type-share 49.9", "percentage from 50 to 100");
    assert_fails("x -o y --type-share nan", "percentage");
}

static void test_choices(void **state)
{
    struct cli_options options;
    struct err err;
    (void)state;
    assert_int_equal(parse("x -o y --to tables", &options, &err), LF_OK);
    assert_int_equal(options.to, CLI_TO_TABLES);
    assert_int_equal(parse("x -o y --to=contract", &options, &err), LF_OK);
    assert_int_equal(options.to, CLI_TO_CONTRACT);
    assert_fails("x -o y --to index", "\"index\" is none of tables, indexes, constraints or contract");
}

static void test_two_dashes_end_options(void **state)
{
    struct cli_options options;
    struct err err;
    (void)state;
    assert_int_equal(parse("-o y -- --jobs", &options, &err), LF_OK);
    assert_string_equal(options.source, "--jobs");
    assert_int_equal(parse("-o y -", &options, &err), LF_OK);
    assert_string_equal(options.source, "-");
}

static void test_mistakes(void **state)
{
    (void)state;
    assert_fails("x --outptu y", "did you mean --output?");
    assert_fails("x --nothing-like-it", "`landfall load --help` lists them");
    assert_fails("x -q", "no option is called -q");
    assert_fails("x", "--output is missing");
    assert_fails("-o y", "SOURCE is missing; usage: landfall load SOURCE");
    assert_fails("x -o y z", "\"z\" is one argument too many");
    assert_fails("x -o", "--output needs a value");
    assert_fails("x --output=", "--output: a path cannot be empty");
    assert_fails("x --help=yes", "--help takes no value");
}

static void test_help_asks_for_nothing_else(void **state)
{
    struct cli_options options;
    struct err err;
    (void)state;
    assert_int_equal(parse("--help --nonsense", &options, &err), LF_OK);
    assert_true(options.help);
}

static void test_commands_are_found(void **state)
{
    const struct command_def *command;
    struct err err = ERR_INIT;
    (void)state;
    assert_int_equal(command_find("verify", &command, &err), LF_OK);
    assert_ptr_equal(command, &commands[1]);
    assert_int_equal(command_find("verfy", &command, &err), LF_USAGE);
    assert_non_null(strstr(err.message, "did you mean `landfall verify`?"));
    assert_int_equal(command_find("fly", &command, &err), LF_USAGE);
    assert_null(strstr(err.message, "did you mean"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms_of_a_value),
        cmocka_unit_test(test_defaults_and_environment),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_two_dashes_end_options),
        cmocka_unit_test(test_mistakes),
        cmocka_unit_test(test_help_asks_for_nothing_else),
        cmocka_unit_test(test_commands_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
