#include "cli/interrupt.h"

#include <signal.h>
#include <stddef.h>

/* Without a lock, so a signal handler may set it. */
static _Atomic bool asked;
_Static_assert(ATOMIC_BOOL_LOCK_FREE == 2, "an atomic flag takes a lock");

static void remember(int signal)
{
    (void)signal;
    atomic_store(&asked, true);
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
    return atomic_load(&asked);
}

const _Atomic bool *interrupt_flag(void)
{
    return &asked;
}
