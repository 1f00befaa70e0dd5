/* landfall help: the text of a command's --help. */
#include <stdio.h>

#include "cli/options.h"

enum lf_code command_help(const struct cli_options *options, struct err *err)
{
    const struct command_def *command;
    if (!options->topic) {
        fputs(program_help, stdout);
        return LF_OK;
    }
    TRY(command_find(options->topic, &command, err));
    fputs(command->help, stdout);
    return LF_OK;
}
