#include "cli/options.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUGGEST_DISTANCE_MAX = 2, SUGGEST_NAME_BYTES = 32, COMMAND_OPTIONS_MAX = 64 };

/* --- the nearest name --- */

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* Levenshtein's distance; names are short, so one row on the stack does. */
static size_t name_distance(const char *a, const char *b)
{
    size_t row[SUGGEST_NAME_BYTES + 1], len = strlen(b);
    if (strlen(a) > SUGGEST_NAME_BYTES || len > SUGGEST_NAME_BYTES)
        return SUGGEST_NAME_BYTES;
    for (size_t i = 0; i <= len; i++)
        row[i] = i;
    for (size_t at = 0; a[at]; at++) {
        size_t diagonal = row[0];
        row[0] = at + 1;
        for (size_t i = 1; i <= len; i++) {
            size_t above = row[i];
            row[i] = smallest(above + 1, row[i - 1] + 1, diagonal + (a[at] != b[i - 1]));
            diagonal = above;
        }
    }
    return row[len];
}

struct suggestion {
    const char *name;
    size_t distance;
};

static void consider(struct suggestion *best, const char *typed, const char *name)
{
    size_t distance = name_distance(typed, name);
    if (distance <= SUGGEST_DISTANCE_MAX && distance < strlen(name) && (!best->name || distance < best->distance))
        *best = (struct suggestion){ name, distance };
}

enum lf_code command_find(const char *name, const struct command_def **ret_command, struct err *err)
{
    struct suggestion best = { NULL, 0 };
    for (size_t i = 0; i < command_count; i++) {
        if (!strcmp(commands[i].name, name)) {
            *ret_command = &commands[i];
            return LF_OK;
        }
        consider(&best, name, commands[i].name);
    }
    if (best.name)
        return ERR(err, LF_USAGE, "no command is called \"%s\"; did you mean `landfall %s`?", name, best.name);
    return ERR(err, LF_USAGE, "no command is called \"%s\"; `landfall help` lists them", name);
}

/* --- values --- */

/* How messages call it: "--jobs", or "SOURCE". */
struct label {
    const char *dashes;
    const char *name;
};
#define LABEL_ARG(label) (label).dashes, (label).name

static void *member_of(struct cli_options *options, const struct option_def *def)
{
    return (char *)options + def->offset;
}

static enum lf_code set_integer(const struct option_def *def, struct label label, const char *text, void *member, struct err *err)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value < def->min || value > def->max)
        return ERR(err, LF_USAGE, "%s%s: \"%s\" is not a whole number from %lld to %lld", LABEL_ARG(label), text,
                   (long long)def->min, (long long)def->max);
    *(int64_t *)member = value;
    return LF_OK;
}

static enum lf_code set_percent(const struct option_def *def, struct label label, const char *text, void *member, struct err *err)
{
    char *end;
    double value = strtod(text, &end);
    if (end != text && *end == '%')
        end++;
    if (end == text || *end || isnan(value) || value < (double)def->min || value > (double)def->max)
        return ERR(err, LF_USAGE, "%s%s: \"%s\" is not a percentage from %lld to %lld", LABEL_ARG(label), text,
                   (long long)def->min, (long long)def->max);
    *(double *)member = value / 100;
    return LF_OK;
}

static void list_choices(const struct option_def *def, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; def->choices[i] && used < size; i++) {
        const char *joint = i == 0 ? "" : def->choices[i + 1] ? ", " : " or ";
        used += (size_t)snprintf(out + used, size - used, "%s%s", joint, def->choices[i]);
    }
}

/* The generated enums count from 1 in the order of the choices; 0 is "unset". */
static enum lf_code set_choice(const struct option_def *def, struct label label, const char *text, void *member, struct err *err)
{
    for (int i = 0; def->choices[i]; i++)
        if (!strcmp(def->choices[i], text)) {
            int value = i + 1;
            memcpy(member, &value, sizeof value);
            return LF_OK;
        }
    char choices[256];
    list_choices(def, choices, sizeof choices);
    return ERR(err, LF_USAGE, "%s%s: \"%s\" is none of %s", LABEL_ARG(label), text, choices);
}

static enum lf_code set_value(const struct option_def *def, struct label label, const char *text, struct cli_options *options,
                              struct err *err)
{
    void *member = member_of(options, def);
    switch (def->type) {
    case OPTION_FLAG:
        *(bool *)member = true;
        return LF_OK;
    case OPTION_INTEGER:
        return set_integer(def, label, text, member, err);
    case OPTION_PERCENT:
        return set_percent(def, label, text, member, err);
    case OPTION_CHOICE:
        return set_choice(def, label, text, member, err);
    case OPTION_PATH:
        if (!*text)
            return ERR(err, LF_USAGE, "%s%s: a path cannot be empty", LABEL_ARG(label));
        break;
    case OPTION_STRING:
        break;
    }
    *(const char **)member = text;
    return LF_OK;
}

static enum lf_code set_defaults(const struct command_def *command, struct cli_options *options, struct err *err)
{
    for (size_t i = 0; i < command->option_count; i++) {
        const struct option_use *use = &command->options[i];
        const char *variable = use->def->environment;
        const char *value = variable ? getenv(variable) : NULL;
        if (value && *value)
            TRY(set_value(use->def, (struct label){ "", variable }, value, options, err));
        else if (use->default_text)
            TRY(set_value(use->def, (struct label){ "--", use->def->name }, use->default_text, options, err));
    }
    return LF_OK;
}

/* --- the walk over argv --- */

struct parse {
    const struct command_def *command;
    struct cli_options *options;
    char **argv; /* what is left of it */
    int argc;
    size_t arguments;               /* seen so far */
    bool seen[COMMAND_OPTIONS_MAX]; /* options given, by their place in command->options */
};

static enum lf_code unknown_option(const struct command_def *command, const char *dashes, const char *name, struct err *err)
{
    struct suggestion best = { NULL, 0 };
    for (size_t i = 0; i < command->option_count; i++)
        consider(&best, name, command->options[i].def->name);
    if (best.name)
        return ERR(err, LF_USAGE, "no option is called %s%s; did you mean --%s?", dashes, name, best.name);
    return ERR(err, LF_USAGE, "no option is called %s%s; `landfall %s --help` lists them", dashes, name, command->name);
}

/* Sets the option from `value` (behind "=" or the short name; NULL: none there), else from the next word. */
static enum lf_code take_option(struct parse *parse, size_t index, const char *value, struct err *err)
{
    const struct option_def *def = parse->command->options[index].def;
    struct label label = { "--", def->name };
    if (def->type == OPTION_FLAG && value)
        return ERR(err, LF_USAGE, "--%s takes no value", def->name);
    if (def->type != OPTION_FLAG && !value) {
        if (parse->argc == 0)
            return ERR(err, LF_USAGE, "--%s needs a value", def->name);
        value = *parse->argv;
        parse->argv++;
        parse->argc--;
    }
    parse->seen[index] = true;
    return set_value(def, label, value, parse->options, err);
}

static enum lf_code take_long(struct parse *parse, char *word, struct err *err)
{
    char *equals = strchr(word, '=');
    size_t len = equals ? (size_t)(equals - word) : strlen(word);
    for (size_t i = 0; i < parse->command->option_count; i++) {
        const char *name = parse->command->options[i].def->name;
        if (strlen(name) == len && !memcmp(name, word, len))
            return take_option(parse, i, equals ? equals + 1 : NULL, err);
    }
    char typed[SUGGEST_NAME_BYTES * 2];
    snprintf(typed, sizeof typed, "%.*s", (int)(len < sizeof typed ? len : sizeof typed - 1), word);
    return unknown_option(parse->command, "--", typed, err);
}

static enum lf_code take_short(struct parse *parse, char *word, struct err *err)
{
    for (size_t i = 0; i < parse->command->option_count; i++)
        if (parse->command->options[i].def->short_name == word[0])
            return take_option(parse, i, word[1] ? word + 1 : NULL, err);
    return ERR(err, LF_USAGE, "no option is called -%s; `landfall %s --help` lists them", word, parse->command->name);
}

static enum lf_code take_argument(struct parse *parse, const char *word, struct err *err)
{
    const struct command_def *command = parse->command;
    if (parse->arguments == command->argument_count)
        return ERR(err, LF_USAGE, "\"%s\" is one argument too many; usage: %s", word, command->usage);
    const struct option_def *def = command->arguments[parse->arguments++].def;
    return set_value(def, (struct label){ "", def->name }, word, parse->options, err);
}

static enum lf_code check_required(const struct parse *parse, struct err *err)
{
    const struct command_def *command = parse->command;
    for (size_t i = parse->arguments; i < command->argument_count; i++)
        if (command->arguments[i].required)
            return ERR(err, LF_USAGE, "%s is missing; usage: %s", command->arguments[i].def->name, command->usage);
    for (size_t i = 0; i < command->option_count; i++)
        if (command->options[i].required && !parse->seen[i])
            return ERR(err, LF_USAGE, "--%s is missing; usage: %s", command->options[i].def->name, command->usage);
    return LF_OK;
}

enum lf_code options_parse(const struct command_def *command, int argc, char **argv, struct cli_options *ret_options,
                           struct err *err)
{
    struct cli_options options = { 0 };
    struct parse parse = { .command = command, .options = &options, .argv = argv, .argc = argc };
    bool options_ended = false;
    assert(command->option_count <= COMMAND_OPTIONS_MAX);
    TRY(set_defaults(command, &options, err));
    while (parse.argc > 0 && !options.help) {
        char *word = *parse.argv++;
        parse.argc--;
        if (options_ended || word[0] != '-' || !word[1])
            TRY(take_argument(&parse, word, err));
        else if (!strcmp(word, "--"))
            options_ended = true;
        else if (word[1] == '-')
            TRY(take_long(&parse, word + 2, err));
        else
            TRY(take_short(&parse, word + 1, err));
    }
    if (!options.help)
        TRY(check_required(&parse, err));
    *ret_options = options;
    return LF_OK;
}
