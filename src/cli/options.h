/*
 * options: the command line, read by tables that api/options.yaml declares.
 *
 * A command is one row of `commands` (made from the YAML), which names its arguments and options, their types and defaults.
 * Parsing fills a struct cli_options, whose members are typed; a default comes first, then the option's environment variable,
 * then what stands on the command line, where the last one wins. `--name VALUE`, `--name=VALUE`, `-o VALUE`, `-oVALUE`;
 * options and arguments in any order; `--` ends the options. Texts are borrowed from argv and the environment.
 *
 * A new option is an entry of api/options.yaml. A new command is an entry there, src/cli/NAME.c with `command_NAME`, its name in
 * src/cli/meson.build, and a test in tests/e2e.
 */
#pragma once

#include <stddef.h>

#include "cli/options_gen.h" /* struct cli_options and the command_… functions, made from api/options.yaml */

enum option_type {
    OPTION_FLAG,
    OPTION_STRING,
    OPTION_PATH, /* a string that must not be empty */
    OPTION_INTEGER,
    OPTION_PERCENT,
    OPTION_CHOICE,
};

struct option_def {
    const char *name; /* "jobs"; of an argument what usage calls it: "SOURCE" */
    char short_name;  /* 0: none */
    enum option_type type;
    size_t offset;              /* of its member in struct cli_options */
    const char *environment;    /* variable that stands in for it, or NULL */
    int64_t min, max;           /* of integers and percents */
    const char *const *choices; /* NULL-terminated */
};

/* An option or argument as one command takes it. */
struct option_use {
    const struct option_def *def;
    const char *default_text; /* or NULL */
    bool required;
};

struct command_def {
    const char *name;
    const char *summary;
    const char *usage; /* one line */
    const char *help;  /* the whole text of --help */
    const struct option_use *arguments;
    size_t argument_count;
    const struct option_use *options;
    size_t option_count;
    enum lf_code (*run)(const struct cli_options *options, struct err *err);
};

extern const struct command_def commands[];
extern const size_t command_count;
extern const char program_help[];

/* Error: LF_USAGE, with the nearest name when a command is unknown. */
enum lf_code command_find(const char *name, const struct command_def **ret_command, struct err *err) MUST_CHECK;

/* `argv` starts behind the command's name. With --help nothing else is checked. Errors: LF_USAGE. */
enum lf_code options_parse(const struct command_def *command, int argc, char **argv, struct cli_options *ret_options,
                           struct err *err) MUST_CHECK;
