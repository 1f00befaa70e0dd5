/*
 * Every system call that starts an embedded PostgreSQL fails in turn, in the command and in the processes that it forks: each
 * time cluster_start says so, and leaves no process, file or folder behind.
 */
#define _XOPEN_SOURCE 700

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults.h"
#include "pg/cluster.h"

static char base[] = "/tmp/landfall-test-XXXXXX";

static unsigned entries(const char *path)
{
    unsigned count = 0;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    assert_int_equal(closedir(folder), 0);
    return count;
}

static void check_nothing_left(void)
{
    assert_int_equal(entries(base), 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

/* Whether it started. `function` NULL: any of the set. */
static bool start_with(enum fault_set set, const char *function, unsigned n)
{
    struct err err = ERR_INIT;
    struct cluster *cluster = NULL;
    const struct cluster_options options = { .base_dir = base };
    unsigned files = entries("/proc/self/fd");
    faults_arm_function(set, function, FAULT_REFUSED, n);
    enum lf_code code = cluster_start(&options, &cluster, &err);
    const char *failed = faults_disarm();
    if (code == LF_OK) {
        cluster_stop(cluster);
    } else {
        assert_null(cluster);
        assert_int_equal(err.code, code);
        assert_non_null(strstr(err.message, "starting"));
        assert_null(strchr(err.message, '\n'));
        printf("call %u of %s: %s\n", n, failed ? failed : "a child", err.message);
    }
    check_nothing_left();
    assert_int_equal(entries("/proc/self/fd"), files);
    return code == LF_OK;
}

/* What a child calls is counted on from its parent's number, in the child: so one number fails in each of them, and the first of
 * them is initdb's. */
static void system_calls(void **state)
{
    (void)state;
    unsigned failures = 0;
    bool started = false;
    for (unsigned n = 1; n <= 2 || !started; n++) {
        started = start_with(FAULTS_SYSTEM, NULL, n);
        failures += !started;
        assert_true(!started || n == 1 || failures >= 10); /* root: without a user postgres there is still nobody */
    }
}

static void the_server_cannot_fork(void **state)
{
    (void)state;
    assert_false(start_with(FAULTS_SYSTEM, "fork", 1));
    assert_false(start_with(FAULTS_SYSTEM, "fork", 2));
    assert_true(start_with(FAULTS_SYSTEM, "fork", 3));
}

/* A connection that fails is tried again, for the server may not be ready. */
static void its_database_cannot_be_made(void **state)
{
    (void)state;
    assert_true(start_with(FAULTS_LIBPQ, "PQconnectdbParams", 1));
    assert_false(start_with(FAULTS_LIBPQ, "PQexec", 1));
    assert_true(start_with(FAULTS_LIBPQ, "PQexec", 2));
}

static void memory_is_short(void **state)
{
    (void)state;
    assert_false(start_with(FAULTS_MEMORY, "calloc", 1));
}

static int make_base(void **state)
{
    (void)state;
    return mkdtemp(base) && chmod(base, 0711) == 0 ? 0 : -1;
}

static int remove_base(void **state)
{
    (void)state;
    return rmdir(base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(system_calls),
        cmocka_unit_test(the_server_cannot_fork),
        cmocka_unit_test(its_database_cannot_be_made),
        cmocka_unit_test(memory_is_short),
    };
    return cmocka_run_group_tests(tests, make_base, remove_base);
}
