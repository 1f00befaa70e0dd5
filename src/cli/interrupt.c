#include "cli/interrupt.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t asked;

static void remember(int signal)
{
    (void)signal;
    asked = 1;
}

void interrupt_catch(void)
{
    /* SA_RESETHAND: the second signal finds the default action, which ends the process. */
    struct sigaction once = { .sa_handler = remember, .sa_flags = (int)SA_RESETHAND | SA_RESTART };
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigaction(SIGINT, &once, NULL);
    sigaction(SIGTERM, &once, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

bool interrupt_asked(void)
{
    return asked;
}
