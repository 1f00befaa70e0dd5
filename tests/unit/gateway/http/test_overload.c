#include "../../base/unit.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "live_server.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

static void start(struct live_server *live)
{
    live_options(live);
    live_start(live);
}

/* Overload ------------------------------------------------------------------------------------------------------------------ */

static void test_connections_beyond_the_limit(void **state)
{
    (void)state;
    struct live_server live;
    live_options(&live);
    live.options.connections_max = 2;
    live_start(&live);
    int fds[3];
    for (int i = 0; i < 2; i++) {
        fds[i] = live_connect(&live);
        send_text(fds[i], GET("/big?1"));
        expect_answer(fds[i], 200, "b");
    }
    fds[2] = live_connect(&live);
    send_text(fds[2], GET("/big?1"));
    expect_answer(fds[2], 503, "overloaded");
    expect_end(fds[2]);
    (void)close(fds[2]);
    (void)close(fds[0]);
    for (int status = 503, tries = 0; status != 200 && tries < 1000; tries++) { /* until the server has seen them go */
        struct answer answer;
        fds[0] = live_connect(&live);
        send_text(fds[0], GET("/big?1"));
        read_answer(fds[0], true, &answer);
        status = answer.status;
        assert_true(status == 200 || tries < 999);
        answer_done(&answer);
        (void)close(fds[0]);
    }
    send_text(fds[1], GET("/big?2"));
    expect_answer(fds[1], 200, "bb");
    (void)close(fds[1]);
    live_end(&live);
}

static void test_bytes_in_flight_beyond_the_limit(void **state)
{
    (void)state;
    struct live_server live;
    live_options(&live);
    live.options.in_flight_bytes_max = 100000;
    live_start(&live);
    int fd = live_connect(&live), other = live_connect(&live);
    send_text(fd, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n");
    expect_answer(fd, 503, "overloaded"); /* without its body */
    expect_end(fd);
    (void)close(fd);
    for (int i = 0; i < 3; i++) { /* one after the other they fit */
        send_text(other, GET("/big?99000"));
        expect_answer(other, 200, "");
    }
    (void)close(other);
    live_end(&live);
}

/* The next descriptor is the last: the client has it, and the server none for the connection until the limit is raised. */
static void test_no_descriptor_for_a_connection(void **state)
{
    (void)state;
    struct live_server live;
    struct rlimit usual, narrow;
    start(&live);
    int next = dup(STDERR_FILENO);
    assert_true(next >= 0);
    (void)close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
    narrow = usual;
    narrow.rlim_cur = (rlim_t)next + 1;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &narrow), 0);
    int fd = live_connect(&live);
    send_text(fd, GET("/big?1"));
    live_await_report(&live);
    live_expect_rest(&live);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &usual), 0);
    expect_answer(fd, 200, "b");
    (void)close(fd);
    live_end(&live);
}

static void test_requests_beyond_the_fibers(void **state)
{
    (void)state;
    struct live_server live;
    live_options(&live);
    live.fibers_max = 2;
    live_start(&live);
    int fds[3];
    for (unsigned i = 0; i < 2; i++) {
        fds[i] = live_connect(&live);
        send_text(fds[i], GET("/wait"));
        live_await_waiting(&live, i + 1);
    }
    fds[2] = live_connect(&live);
    send_text(fds[2], GET("/big?1"));
    expect_answer(fds[2], 503, "overloaded");
    live_release(&live);
    for (unsigned i = 0; i < 2; i++)
        expect_answer(fds[i], 200, "released ");
    send_text(fds[2], GET("/big?1")); /* the connection is still of use */
    expect_answer(fds[2], 200, "b");
    for (unsigned i = 0; i < 3; i++)
        (void)close(fds[i]);
    live_end(&live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connections_beyond_the_limit),
        cmocka_unit_test(test_bytes_in_flight_beyond_the_limit),
        cmocka_unit_test(test_no_descriptor_for_a_connection),
        cmocka_unit_test(test_requests_beyond_the_fibers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
