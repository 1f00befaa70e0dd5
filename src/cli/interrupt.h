/*
 * interrupt: Ctrl-C asks a command to stop at the next safe point; a second Ctrl-C ends the process at once.
 *
 * Handles SIGINT and SIGTERM. SIGPIPE is ignored, so that a closed pipe is an error of the write.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

void interrupt_catch(void);

/* Whether the user asked to stop. Any thread. */
bool interrupt_asked(void);

/* The same for those who look themselves. */
const _Atomic bool *interrupt_flag(void);
