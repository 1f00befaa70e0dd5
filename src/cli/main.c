/* landfall: finds the command, runs it, prints its error once and exits with the error's status. */
#include <stdio.h>
#include <string.h>

#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/output.h"

enum { STATUS_USAGE = 2 };

static int report(const char *command, const struct err *err, bool debug)
{
    fflush(stdout);
    fprintf(stderr, "landfall%s%s: %s", command ? " " : "", command ? command : "", err->message);
    if (debug)
        fprintf(stderr, " [%s:%d %s]", err->file, err->line, lf_code_info(err->code)->name);
    fputc('\n', stderr);
    return lf_code_info(err->code)->exit_status;
}

static enum lf_code run(const struct command_def *command, int argc, char **argv, bool *ret_debug, struct err *err)
{
    struct cli_options options;
    TRY(options_parse(command, argc, argv, &options, err));
    *ret_debug = options.debug;
    if (options.help)
        fputs(command->help, stdout);
    else
        TRY(command->run(&options, err));
    return output_flush(err);
}

static int print(const char *text)
{
    struct err err = ERR_INIT;
    fputs(text, stdout);
    return output_flush(&err) ? report(NULL, &err, false) : 0;
}

int main(int argc, char **argv)
{
    struct err err = ERR_INIT;
    const struct command_def *command;
    bool debug = false;
    if (argc < 2) {
        fputs(program_help, stderr);
        return STATUS_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        return print(program_help);
    if (!strcmp(argv[1], "--version"))
        return print("landfall " LANDFALL_VERSION "\n");
    if (command_find(argv[1], &command, &err))
        return report(NULL, &err, false);
    interrupt_catch();
    if (run(command, argc - 2, argv + 2, &debug, &err))
        return report(command->name, &err, debug);
    return 0;
}
