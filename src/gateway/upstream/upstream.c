#include "gateway/upstream/upstream.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "aws/dynamodb_attempt.h"
#include "aws/http_multi.h"

enum { KEEPER_SECONDS = 1, ATTEMPTS_MAX = 2 };

/* Credentials, kept by a thread ---------------------------------------------------------------------------------------------- */

struct upstream_source {
    struct dynamodb *client; /* owned */
    pthread_t keeper;
    bool has_keeper;
    pthread_mutex_t mutex; /* of what is below */
    pthread_cond_t stops;
    bool is_stopping;
    const struct aws_credentials *credentials; /* owned reference; NULL: there are none by now */
    struct err err;                            /* why not */
};

/* The session renews what is about to expire, and goes on with what is still good while that fails. */
static enum lf_code renew(struct upstream_source *source, struct err *err)
{
    const struct aws_credentials *fresh = NULL;
    enum lf_code code = aws_session_credentials(dynamodb_session(source->client), &fresh, err);
    (void)pthread_mutex_lock(&source->mutex);
    const struct aws_credentials *before = source->credentials;
    source->credentials = fresh;
    source->err = *err;
    (void)pthread_mutex_unlock(&source->mutex);
    aws_credentials_unref(before);
    return code;
}

static bool goes_on(struct upstream_source *source)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += KEEPER_SECONDS;
    (void)pthread_mutex_lock(&source->mutex);
    if (!source->is_stopping)
        (void)pthread_cond_timedwait(&source->stops, &source->mutex, &until);
    bool goes = !source->is_stopping;
    (void)pthread_mutex_unlock(&source->mutex);
    return goes;
}

static void *run_keeper(void *context)
{
    struct upstream_source *source = context;
    while (goes_on(source)) {
        struct err err = ERR_INIT;
        if (renew(source, &err)) {
            /* Requests say so. */
        }
    }
    return NULL;
}

static enum lf_code open_source(struct upstream_source *source, const struct upstream_options *options, struct err *err)
{
    const struct dynamodb_options client = {
        .region = options->region,
        .endpoint = options->endpoint,
        .connect_ms_max = UPSTREAM_CONNECT_MS,
        .answer_ms_max = UPSTREAM_ANSWER_MS,
    };
    TRY(dynamodb_open(&client, &source->client, err));
    TRY(renew(source, err));
    if (pthread_create(&source->keeper, NULL, run_keeper, source))
        return ERR(err, LF_MEMORY, "no thread for credentials");
    source->has_keeper = true;
    return LF_OK;
}

enum lf_code upstream_source_new(const struct upstream_options *options, struct upstream_source **ret_source, struct err *err)
{
    struct upstream_source *source = calloc(1, sizeof *source);
    if (!source)
        return ERR(err, LF_MEMORY, "no memory for a client of DynamoDB");
    (void)pthread_mutex_init(&source->mutex, NULL);
    (void)pthread_cond_init(&source->stops, NULL);
    enum lf_code code = open_source(source, options, err);
    if (code)
        upstream_source_free(source);
    else
        *ret_source = source;
    return code;
}

static void stop_keeper(struct upstream_source *source)
{
    (void)pthread_mutex_lock(&source->mutex);
    source->is_stopping = true;
    (void)pthread_cond_signal(&source->stops);
    (void)pthread_mutex_unlock(&source->mutex);
    (void)pthread_join(source->keeper, NULL);
}

void upstream_source_free(struct upstream_source *source)
{
    if (!source)
        return;
    if (source->has_keeper)
        stop_keeper(source);
    aws_credentials_unref(source->credentials);
    dynamodb_close(source->client);
    (void)pthread_mutex_destroy(&source->mutex);
    (void)pthread_cond_destroy(&source->stops);
    free(source);
}

static enum lf_code sign(struct upstream_source *source, const struct dynamodb_attempt *attempt, struct http_request *ret_request,
                         struct err *err)
{
    (void)pthread_mutex_lock(&source->mutex);
    enum lf_code code = source->credentials ? dynamodb_attempt_sign(attempt, source->credentials, ret_request, err)
                                            : ERR(err, LF_CREDENTIALS, "%s", source->err.message);
    (void)pthread_mutex_unlock(&source->mutex);
    return code;
}

/* On the loop ------------------------------------------------------------------------------------------------------------------
 */

struct upstream {
    struct loop *loop; /* borrowed, as the next */
    struct upstream_source *source;
    struct http_multi *multi; /* owned */
    struct loop_timer timer;
    struct loop_task task; /* due at once */
};

struct socket_watch {
    struct loop_watch watch;
    struct upstream *upstream;
};

static void on_ready(void *context, unsigned events)
{
    const struct socket_watch *socket = context;
    http_multi_ready(socket->upstream->multi, socket->watch.fd, events & LOOP_READ, events & LOOP_WRITE);
}

static struct socket_watch *new_watch(struct upstream *upstream, int fd)
{
    struct socket_watch *socket = calloc(1, sizeof *socket);
    if (socket) {
        socket->watch = (struct loop_watch){ .fd = fd, .ready = on_ready, .context = socket };
        socket->upstream = upstream;
    }
    return socket;
}

static void *watch_socket(void *context, int fd, bool reads, bool writes, void *before)
{
    struct upstream *upstream = context;
    struct err err = ERR_INIT;
    struct socket_watch *socket = before ? before : new_watch(upstream, fd);
    unsigned events = (reads ? LOOP_READ : 0u) | (writes ? LOOP_WRITE : 0u);
    if (socket && events && !loop_watch_set(upstream->loop, &socket->watch, events, &err))
        return socket;
    if (socket)
        loop_watch_end(upstream->loop, &socket->watch);
    free(socket);
    return NULL;
}

static void on_due(void *context)
{
    const struct upstream *upstream = context;
    http_multi_due(upstream->multi);
}

static void wake_after(void *context, long ms)
{
    struct upstream *upstream = context;
    loop_timer_cancel(upstream->loop, &upstream->timer);
    if (ms == 0)
        loop_at_turn_end(upstream->loop, &upstream->task);
    else if (ms > 0)
        loop_timer_set(upstream->loop, &upstream->timer, ms);
}

enum lf_code upstream_new(struct loop *loop, struct upstream_source *source, struct upstream **ret_upstream, struct err *err)
{
    struct upstream *upstream = calloc(1, sizeof *upstream);
    if (!upstream)
        return ERR(err, LF_MEMORY, "no memory for a client of DynamoDB");
    upstream->loop = loop;
    upstream->source = source;
    upstream->timer = (struct loop_timer){ .fire = on_due, .context = upstream };
    upstream->task = (struct loop_task){ .run = on_due, .context = upstream };
    const struct http_multi_hooks hooks = { .watch = watch_socket, .wake_after = wake_after, .context = upstream };
    enum lf_code code = http_multi_new(&hooks, &upstream->multi, err);
    if (code)
        upstream_free(upstream);
    else
        *ret_upstream = upstream;
    return code;
}

void upstream_free(struct upstream *upstream)
{
    if (!upstream)
        return;
    http_multi_free(upstream->multi);
    loop_timer_cancel(upstream->loop, &upstream->timer);
    free(upstream);
}

/* Calls ------------------------------------------------------------------------------------------------------------------------
 */

struct waiter {
    struct fiber *fiber;
    bool is_done;
};

static void wake_waiter(void *context)
{
    struct waiter *waiter = context;
    waiter->is_done = true;
    fiber_wake(waiter->fiber);
}

static enum lf_code send(struct upstream *upstream, const struct http_request *request, struct http_answer *http, struct err *err)
{
    struct waiter waiter = { .fiber = fiber_self() };
    struct http_multi_request sent = { .request = request, .answer = http, .done = wake_waiter, .context = &waiter };
    TRY(http_multi_begin(upstream->multi, &sent, err));
    while (!waiter.is_done)
        fiber_suspend();
    if (sent.err.code)
        *err = sent.err;
    return sent.err.code;
}

static enum lf_code send_and_judge(struct upstream *upstream, const struct dynamodb_attempt *attempt,
                                   const struct http_request *request, struct dynamodb_answer *answer, bool *ret_may_repeat,
                                   struct err *err)
{
    struct http_answer http;
    http_answer_init(&http);
    enum lf_code code = send(upstream, request, &http, err);
    if (!code)
        code = dynamodb_attempt_judge(attempt, &http, answer, ret_may_repeat, err);
    else if (http.was_sent)
        answer->outcome = DYNAMODB_UNKNOWN;
    http_answer_done(&http);
    return code;
}

/* What was paused between signing and sending must not go out under a lease that is over: the signature's age tells until when it
 * could land. */
static enum lf_code attempt_once(struct upstream *upstream, const struct upstream_request *request, struct arena *arena,
                                 struct dynamodb_answer *answer, bool *ret_may_repeat, struct err *err)
{
    struct http_request http;
    const struct dynamodb_attempt attempt = {
        .client = upstream->source->client,
        .service = request->service,
        .operation = request->operation,
        .request = request->body,
        .is_once = !request->is_read,
        .arena = arena,
    };
    *answer = (struct dynamodb_answer){ .outcome = DYNAMODB_REFUSED, .attempts = answer->attempts + 1 };
    TRY(sign(upstream->source, &attempt, &http, err));
    if (request->lease)
        TRY(catalog_check_fresh(request->lease, err));
    return send_and_judge(upstream, &attempt, &http, answer, ret_may_repeat, err);
}

/* What only reads is worth another try when there was no answer, anything when the clock by which it was signed is right now. The
 * rest the gateway's client repeats, as it would without us. */
static bool is_worth_another(const struct upstream_request *request, const struct dynamodb_answer *answer, enum lf_code code,
                             bool may_repeat)
{
    bool had_wrong_clock = may_repeat && answer->outcome == DYNAMODB_REFUSED && !lf_code_info(code)->retryable;
    return answer->attempts < ATTEMPTS_MAX && (had_wrong_clock || (request->is_read && code == LF_NETWORK));
}

enum lf_code upstream_call(struct upstream *upstream, const struct upstream_request *request, struct arena *arena,
                           struct dynamodb_answer *answer, struct err *err)
{
    bool may_repeat = false;
    *answer = (struct dynamodb_answer){ 0 };
    enum lf_code code = attempt_once(upstream, request, arena, answer, &may_repeat, err);
    if (code && is_worth_another(request, answer, code, may_repeat))
        code = attempt_once(upstream, request, arena, answer, &may_repeat, err);
    return code;
}
