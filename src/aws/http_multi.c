#include "aws/http_multi.h"

#include <stdlib.h>

#include "aws/http_transfer.h"

enum {
    IDLE_MAX = 256,
    CONNECTIONS_KEPT_MAX = 1024,
    CONNECTION_IDLE_SECONDS_MAX = 50, /* servers close theirs after a minute: better not to meet that moment */
};

/* A request's place in libcurl. */
struct http_job {
    struct http_transfer transfer;
    struct http_multi_request *request; /* borrowed */
    CURL *curl;                         /* owned */
    struct http_job *next, *before;     /* under way */
};

struct http_multi {
    struct http_multi_hooks hooks;
    CURLM *curl; /* owned */
    CURL *idle[IDLE_MAX];
    size_t idle_count;
    struct http_job *jobs; /* under way, owned */
};

/* libcurl's wishes ---------------------------------------------------------------------------------------------------------- */

static int on_socket(CURL *curl, curl_socket_t fd, int what, void *context, void *watch)
{
    struct http_multi *multi = context;
    bool reads = what == CURL_POLL_IN || what == CURL_POLL_INOUT;
    bool writes = what == CURL_POLL_OUT || what == CURL_POLL_INOUT;
    (void)curl;
    void *next = multi->hooks.watch(multi->hooks.context, fd, reads, writes, watch);
    if (what != CURL_POLL_REMOVE)
        (void)curl_multi_assign(multi->curl, fd, next);
    return 0;
}

static int on_timer(CURLM *curl, long ms, void *context)
{
    struct http_multi *multi = context;
    (void)curl;
    multi->hooks.wake_after(multi->hooks.context, ms);
    return 0;
}

/* Life ---------------------------------------------------------------------------------------------------------------------- */

static bool set_options(struct http_multi *multi)
{
    CURLMcode code = CURLM_OK;
#define SET(option, value) code = code ? code : curl_multi_setopt(multi->curl, (option), (value))
    SET(CURLMOPT_SOCKETFUNCTION, on_socket);
    SET(CURLMOPT_SOCKETDATA, multi);
    SET(CURLMOPT_TIMERFUNCTION, on_timer);
    SET(CURLMOPT_TIMERDATA, multi);
    SET(CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT_MAX);
    SET(CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
#undef SET
    return code == CURLM_OK;
}

enum lf_code http_multi_new(const struct http_multi_hooks *hooks, struct http_multi **ret_multi, struct err *err)
{
    struct http_multi *multi = http_transfer_init_library() ? calloc(1, sizeof *multi) : NULL;
    if (multi)
        multi->hooks = *hooks;
    if (multi && (multi->curl = curl_multi_init()) && set_options(multi)) {
        *ret_multi = multi;
        return LF_OK;
    }
    http_multi_free(multi);
    return ERR(err, LF_MEMORY, "cannot set up an HTTP client");
}

static void unlink_job(struct http_multi *multi, struct http_job *job)
{
    if (job->before)
        job->before->next = job->next;
    else
        multi->jobs = job->next;
    if (job->next)
        job->next->before = job->before;
}

static void link_job(struct http_multi *multi, struct http_job *job)
{
    job->next = multi->jobs;
    if (multi->jobs)
        multi->jobs->before = job;
    multi->jobs = job;
}

static void give_handle(struct http_multi *multi, CURL *curl)
{
    if (multi->idle_count == IDLE_MAX) {
        curl_easy_cleanup(curl);
        return;
    }
    curl_easy_reset(curl);
    multi->idle[multi->idle_count++] = curl;
}

static void free_job(struct http_multi *multi, struct http_job *job)
{
    (void)curl_multi_remove_handle(multi->curl, job->curl);
    http_transfer_done(&job->transfer);
    unlink_job(multi, job);
    give_handle(multi, job->curl);
    free(job);
}

void http_multi_free(struct http_multi *multi)
{
    if (!multi)
        return;
    while (multi->jobs)
        free_job(multi, multi->jobs);
    for (size_t i = 0; i < multi->idle_count; i++)
        curl_easy_cleanup(multi->idle[i]);
    if (multi->curl)
        (void)curl_multi_cleanup(multi->curl);
    free(multi);
}

/* Requests ------------------------------------------------------------------------------------------------------------------- */

static struct http_job *new_job(struct http_multi *multi, struct http_multi_request *request, struct err *err)
{
    struct http_job *job = calloc(1, sizeof *job);
    CURL *curl = multi->idle_count ? multi->idle[--multi->idle_count] : curl_easy_init();
    if (!job || !curl) {
        free(job);
        curl_easy_cleanup(curl);
        (void)ERR(err, LF_MEMORY, "cannot set up a request");
        return NULL;
    }
    job->curl = curl;
    job->request = request;
    link_job(multi, job);
    return job;
}

static enum lf_code add(struct http_multi *multi, struct http_job *job, struct err *err)
{
    const struct http_multi_request *request = job->request;
    TRY(http_transfer_begin(&job->transfer, job->curl, request->request, request->answer, err));
    CURLcode code = curl_easy_setopt(job->curl, CURLOPT_PRIVATE, job);
    if (!code)
        code = curl_easy_setopt(job->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    if (!code)
        code = curl_easy_setopt(job->curl, CURLOPT_MAXAGE_CONN, (long)CONNECTION_IDLE_SECONDS_MAX);
    if (code || curl_multi_add_handle(multi->curl, job->curl))
        return ERR(err, LF_MEMORY, "cannot set up a request");
    return LF_OK;
}

enum lf_code http_multi_begin(struct http_multi *multi, struct http_multi_request *request, struct err *err)
{
    struct http_job *job = new_job(multi, request, err);
    if (!job)
        return err->code;
    request->err = (struct err)ERR_INIT;
    request->job = job;
    enum lf_code code = add(multi, job, err);
    if (code)
        free_job(multi, job);
    return code;
}

static void finish(struct http_multi *multi, struct http_job *job, CURLcode result)
{
    struct http_multi_request *request = job->request;
    request->err.code = http_transfer_end(&job->transfer, result, &request->err);
    request->job = NULL;
    free_job(multi, job);
    request->done(request->context);
}

static void finish_all(struct http_multi *multi)
{
    int left = 0;
    const CURLMsg *message;
    while ((message = curl_multi_info_read(multi->curl, &left))) {
        char *job = NULL;
        CURLcode result = message->data.result; /* gone with the handle */
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &job);
        if (message->msg == CURLMSG_DONE)
            finish(multi, (struct http_job *)(void *)job, result);
    }
}

static void act(struct http_multi *multi, curl_socket_t fd, int events)
{
    int running = 0;
    (void)curl_multi_socket_action(multi->curl, fd, events, &running);
    finish_all(multi);
}

void http_multi_ready(struct http_multi *multi, int fd, bool reads, bool writes)
{
    act(multi, fd, (reads ? CURL_CSELECT_IN : 0) | (writes ? CURL_CSELECT_OUT : 0));
}

void http_multi_due(struct http_multi *multi)
{
    act(multi, CURL_SOCKET_TIMEOUT, 0);
}
