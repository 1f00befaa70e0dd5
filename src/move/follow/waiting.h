/* waiting: a mutex, and a condition to wait on by the clock that only goes forward (CLOCK_MONOTONIC). */
#pragma once

#include <pthread.h>

#include "base/err.h"

/* LF_MEMORY. */
enum lf_code waiting_init(pthread_mutex_t *mutex, pthread_cond_t *changed, struct err *err) MUST_CHECK;
