/*
 * bench_http: what the HTTP layer alone can do on one core.
 *
 *     bench_http HTTP_LOAD [at_once|waits] [OPTION OF http_load]…
 *
 * A server with a trivial handler on one core, http_load on another. `waits`: each request waits for the end of its turn, as one
 * that asks PostgreSQL does. Prints http_load's line and the CPU time of the server per request, which noise on the machine
 * hardly touches.
 */
#define _GNU_SOURCE /* CPU affinity */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gateway/http/server.h"

enum { ARGUMENTS_MAX = 16, FIBERS_MAX = 20000 };

static const char request_text[] = "POST / HTTP/1.1\r\n"
                                   "host: dynamodb.eu-central-1.amazonaws.com\r\n"
                                   "content-type: application/x-amz-json-1.0\r\n"
                                   "x-amz-target: DynamoDB_20120810.GetItem\r\n"
                                   "user-agent: aws-sdk-js/3.540.0 ua/2.0 os/linux#6.1 lang/js md/nodejs#20.11.1\r\n"
                                   "amz-sdk-invocation-id: 3f6b0d9e-1f0a-4b57-8a3a-0c8f2f4f3c11\r\n"
                                   "amz-sdk-request: attempt=1; max=3\r\n"
                                   "x-amz-date: 20260101T000000Z\r\n"
                                   "content-length: 73\r\n\r\n"
                                   "{\"TableName\":\"messages\",\"Key\":{\"pk\":{\"S\":\"USER#1\"},\"sk\":{\"S\":\"M#00001\"}}}";

struct bench {
    struct loop *loop;
    struct server *server;
    bool waits;
    struct waiter *waiters; /* fibers that wait for the end of the turn */
    struct loop_task turn_end;
    uint64_t handled;
    char path[64];
};

struct waiter {
    struct fiber *fiber;
    struct waiter *next;
};

static void wake_all(void *context)
{
    struct bench *bench = context;
    for (struct waiter *waiter = bench->waiters; waiter;) {
        struct waiter *next = waiter->next;
        fiber_wake(waiter->fiber);
        waiter = next;
    }
    bench->waiters = NULL;
}

static void wait_for_turn_end(struct bench *bench)
{
    struct waiter waiter = { .fiber = fiber_self(), .next = bench->waiters };
    bench->waiters = &waiter;
    loop_at_turn_end(bench->loop, &bench->turn_end);
    fiber_suspend();
}

static void handle(void *context, const struct http_request *request, struct http_response *response)
{
    struct bench *bench = context;
    (void)request;
    if (bench->waits)
        wait_for_turn_end(bench);
    bench->handled++;
    response->status = 200;
    response->content_type = SPAN("application/x-amz-json-1.0");
    buf_put_span(response->body,
                 SPAN("{\"Item\":{\"pk\":{\"S\":\"USER#1\"},\"sk\":{\"S\":\"M#00001\"},\"body\":{\"S\":\"hello\"}}}"));
}

static void handle_overload(void *context, const struct http_request *request, struct http_response *response)
{
    (void)context, (void)request;
    response->status = 503;
}

static void use_core(int core)
{
    cpu_set_t cores;
    CPU_ZERO(&cores);
    CPU_SET(core, &cores);
    (void)sched_setaffinity(0, sizeof cores, &cores); /* with one core only, both share it */
}

static enum lf_code write_requests(struct bench *bench, struct err *err)
{
    (void)snprintf(bench->path, sizeof bench->path, "/tmp/bench_http.XXXXXX");
    int fd = mkstemp(bench->path);
    FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
    size_t len = sizeof request_text - 1;
    const unsigned char length[4] = { 0, 0, (unsigned char)(len >> 8), (unsigned char)len };
    bool good = file && fwrite(length, sizeof length, 1, file) == 1 && fwrite(request_text, len, 1, file) == 1;
    return (file && fclose(file) != 0) || !good ? ERR(err, LF_IO, "cannot write %s", bench->path) : LF_OK;
}

static enum lf_code start_server(struct bench *bench, struct err *err)
{
    struct server_options options = {
        .address = "127.0.0.1:0",
        .body_bytes_max = 16 * 1024 * 1024,
        .connections_max = 10000,
        .in_flight_bytes_max = 256 * 1024 * 1024,
        .idle_ms_max = 60000,
        .request_ms_max = 10000,
        .request_arena_bytes_max = 64 * 1024 * 1024,
        .handle = handle,
        .overloaded = handle_overload,
        .context = bench,
    };
    bench->turn_end = (struct loop_task){ .run = wake_all, .context = bench };
    TRY(loop_new(FIBERS_MAX, &bench->loop, err));
    return server_new(bench->loop, &options, &bench->server, err);
}

static pid_t start_load(const struct bench *bench, int argc, char **argv)
{
    char *arguments[ARGUMENTS_MAX + 4] = { argv[1], (char *)server_address(bench->server), (char *)bench->path };
    for (int i = 3; i < argc && i < ARGUMENTS_MAX; i++)
        arguments[i] = argv[i];
    pid_t pid = fork();
    if (pid == 0) {
        use_core(1);
        (void)execv(arguments[0], arguments);
        _exit(127);
    }
    return pid;
}

struct child {
    pid_t pid;
    struct loop *loop;
    int status;
};

static void *wait_for_load(void *context)
{
    struct child *child = context;
    while (waitpid(child->pid, &child->status, 0) < 0 && errno == EINTR)
        continue;
    loop_stop(child->loop);
    return NULL;
}

static double cpu_seconds(void)
{
    struct timespec used;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (double)used.tv_sec + (double)used.tv_nsec / 1e9;
}

static enum lf_code measure(struct bench *bench, int argc, char **argv, struct err *err)
{
    pthread_t thread;
    struct child child = { .pid = start_load(bench, argc, argv), .loop = bench->loop };
    use_core(0);
    if (child.pid < 0 || pthread_create(&thread, NULL, wait_for_load, &child) != 0)
        return ERR(err, LF_IO, "cannot start %s", argv[1]);
    double before = cpu_seconds();
    TRY(loop_run(bench->loop, 1000, err));
    double used = cpu_seconds() - before;
    (void)pthread_join(thread, NULL);
    if (child.status != 0)
        return ERR(err, LF_IO, "%s did not end well", argv[1]);
    printf("server: %.2f us of CPU time per request, %.0f requests per CPU second\n", used * 1e6 / (double)bench->handled,
           (double)bench->handled / used);
    return LF_OK;
}

static enum lf_code run(struct bench *bench, int argc, char **argv, struct err *err)
{
    if (argc < 2)
        return ERR(err, LF_USAGE, "bench_http HTTP_LOAD [at_once|waits] [OPTION OF http_load]…");
    bench->waits = argc > 2 && strcmp(argv[2], "waits") == 0;
    TRY(write_requests(bench, err));
    TRY(start_server(bench, err));
    return measure(bench, argc, argv, err);
}

int main(int argc, char **argv)
{
    struct bench bench = { 0 };
    struct err err = ERR_INIT;
    if (run(&bench, argc, argv, &err) != LF_OK)
        (void)fprintf(stderr, "%s\n", err.message);
    if (bench.path[0])
        (void)unlink(bench.path);
    server_free(bench.server);
    loop_free(bench.loop);
    return lf_code_info(err.code)->exit_status;
}
