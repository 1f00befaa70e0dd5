#include "move/follow/waiting.h"

#include <time.h>

enum lf_code waiting_init(pthread_mutex_t *mutex, pthread_cond_t *changed, struct err *err)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes))
        return ERR(err, LF_MEMORY, "cannot make a condition variable");
    int failed = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) || pthread_cond_init(changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (failed)
        return ERR(err, LF_MEMORY, "cannot make a condition variable");
    if (!pthread_mutex_init(mutex, NULL))
        return LF_OK;
    pthread_cond_destroy(changed);
    return ERR(err, LF_MEMORY, "cannot make a mutex");
}
