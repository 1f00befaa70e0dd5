#include "harness.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { WAIT_MS_MAX = 20 * 1000 };

static const char *setting(struct pg_conn *conn, const char *name)
{
    static char value[256];
    struct err err = ERR_INIT;
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    struct pg_field field = { name, strlen(name) };
    harness_check(pg_query(conn, "SELECT current_setting($1)", &(struct pg_params){ &field, NULL, 1 }, &result, &err), &err);
    (void)snprintf(value, sizeof value, "%s", pg_result_text(result, 0, 0));
    return value;
}

static struct cluster *start(const struct cluster_options *options)
{
    struct cluster *cluster = NULL;
    struct err err = ERR_INIT;
    harness_check(cluster_start(options, &cluster, &err), &err);
    return cluster;
}

/* The folder of the cluster, which is that of its socket. */
static const char *folder(const struct cluster *cluster)
{
    return strstr(cluster_uri(cluster), "host=") + strlen("host=");
}

/* Whether the process is there and not a zombie that nobody has waited for. */
static bool runs(int pid)
{
    char path[64], state = 'X';
    (void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = 'X';
    (void)fclose(file);
    return state != 'Z' && state != 'X';
}

static bool ends_in_time(int pid)
{
    struct timespec pause = { .tv_nsec = 5000000 };
    for (int waited_ms = 0; waited_ms < WAIT_MS_MAX; waited_ms += 5) {
        if (!runs(pid))
            return true;
        (void)nanosleep(&pause, NULL);
    }
    return false;
}

static void serves_and_leaves_nothing(void **state)
{
    (void)state;
    struct cluster *cluster = start(&(struct cluster_options){ .base_dir = harness_dir() });
    struct pg_conn *conn = harness_connect(cluster_uri(cluster));
    assert_string_equal(setting(conn, "fsync"), "off");
    assert_string_equal(setting(conn, "wal_level"), "minimal");
    assert_string_equal(setting(conn, "listen_addresses"), "");
    assert_string_equal(setting(conn, "server_encoding"), "UTF8");
    assert_int_equal(
        harness_int64(conn, "SELECT (datcollate = 'C')::integer FROM pg_database WHERE datname = current_database()"), 1);
    assert_int_equal(harness_int64(conn, "SELECT rolsuper::integer FROM pg_roles WHERE rolname = current_user"), 1);
    pg_close(conn);

    char dir[512];
    struct stat info;
    (void)snprintf(dir, sizeof dir, "%s", folder(cluster));
    int pid = cluster_pid(cluster);
    assert_int_equal(stat(dir, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    assert_true(info.st_uid != 0);
    cluster_stop(cluster);
    assert_false(runs(pid));
    assert_int_equal(stat(dir, &info), -1);
    assert_int_equal(errno, ENOENT);
    cluster_stop(NULL);
}

static void two_at_once_and_a_durable_one(void **state)
{
    (void)state;
    struct cluster *first = start(NULL);
    struct cluster *second = start(&(struct cluster_options){ .durable = true });
    struct pg_conn *conn = harness_connect(cluster_uri(second));
    assert_string_not_equal(cluster_uri(first), cluster_uri(second));
    assert_string_equal(setting(conn, "fsync"), "on");
    assert_string_equal(setting(conn, "synchronous_commit"), "on");
    assert_string_equal(setting(conn, "full_page_writes"), "on");
    /* Stops although a session is open. */
    cluster_stop(second);
    struct err err = ERR_INIT;
    assert_int_equal(pg_exec(conn, "SELECT 1", &err), LF_CONNECT);
    pg_close(conn);
    cluster_stop(first);
}

/* A path with every kind of character that a connection URI would take for itself. */
static void odd_folder_names(void **state)
{
    (void)state;
    char dir[256];
    (void)snprintf(dir, sizeof dir, "%s/ü&a=%%20?#", harness_dir());
    assert_int_equal(mkdir(dir, 0711), 0);
    struct cluster *cluster = start(&(struct cluster_options){ .base_dir = dir });
    pg_close(harness_connect(cluster_uri(cluster)));
    cluster_stop(cluster);
    assert_int_equal(rmdir(dir), 0);
}

static void fails_with(const struct cluster_options *options, enum lf_code code, const char *words)
{
    struct cluster *cluster = NULL;
    struct err err = ERR_INIT;
    assert_int_equal(cluster_start(options, &cluster, &err), code);
    if (!strstr(err.message, words))
        fail_msg("\"%s\" is not in: %s", words, err.message);
    assert_null(cluster);
}

static void write_program(const char *dir, const char *name, const char *script)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fprintf(file, "#!/bin/sh\n%s\n", script) > 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, 0755), 0);
}

static void failures_say_what_happened(void **state)
{
    (void)state;
    char bin[256];
    fails_with(&(struct cluster_options){ .bin_dir = "/nowhere" }, LF_NOT_FOUND, "/nowhere");
    fails_with(&(struct cluster_options){ .base_dir = "/nowhere" }, LF_CLUSTER, "/nowhere");

    (void)snprintf(bin, sizeof bin, "%s/closed", harness_dir());
    assert_int_equal(mkdir(bin, 0700), 0);
    if (geteuid() == 0)
        fails_with(&(struct cluster_options){ .base_dir = bin }, LF_CLUSTER, "are the folders above it open");

    (void)snprintf(bin, sizeof bin, "%s/bin", harness_dir());
    assert_int_equal(mkdir(bin, 0755), 0);
    write_program(bin, "initdb", "echo first; echo the disk is on fire >&2; exit 1");
    fails_with(&(struct cluster_options){ .bin_dir = bin }, LF_NOT_FOUND, bin);
    write_program(bin, "postgres", "echo no shared memory >&2; exit 1");
    fails_with(&(struct cluster_options){ .bin_dir = bin }, LF_CLUSTER, "the disk is on fire");
    write_program(bin, "initdb", "exit 0");
    fails_with(&(struct cluster_options){ .bin_dir = bin }, LF_CLUSTER, "no shared memory");

    assert_int_equal(setenv("LANDFALL_PG_BIN", "/elsewhere", 1), 0);
    fails_with(NULL, LF_NOT_FOUND, "/elsewhere");
    assert_int_equal(unsetenv("LANDFALL_PG_BIN"), 0);
}

/* The path of a socket may have 107 bytes. */
static void long_paths(void **state)
{
    (void)state;
    enum { BASE_BYTES_MAX = 107 - sizeof "/landfall-XXXXXX/.s.PGSQL.5432" + 1 };
    char base[BASE_BYTES_MAX + 2];
    int used = snprintf(base, sizeof base, "%s/", harness_dir());
    memset(base + used, 'd', sizeof base - (size_t)used);
    base[BASE_BYTES_MAX + 1] = '\0';
    assert_int_equal(mkdir(base, 0755), 0);
    fails_with(&(struct cluster_options){ .base_dir = base }, LF_CLUSTER, "too long");
    base[BASE_BYTES_MAX] = '\0';
    assert_int_equal(mkdir(base, 0755), 0);
    struct cluster *cluster = start(&(struct cluster_options){ .base_dir = base });
    pg_close(harness_connect(cluster_uri(cluster)));
    cluster_stop(cluster);
}

/* A child starts a cluster, tells its pid and waits to be killed. */
static void start_and_wait(int tell)
{
    struct cluster *cluster = NULL;
    struct err err = ERR_INIT;
    int pid =
        cluster_start(&(struct cluster_options){ .base_dir = harness_dir() }, &cluster, &err) == LF_OK ? cluster_pid(cluster) : 0;
    if (write(tell, &pid, sizeof pid) == sizeof pid)
        (void)pause();
    _exit(1);
}

static void dies_with_its_parent(void **state)
{
    (void)state;
    int ends[2], pid = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t parent = fork();
    assert_true(parent >= 0);
    if (parent == 0)
        start_and_wait(ends[1]);
    assert_int_equal(read(ends[0], &pid, sizeof pid), sizeof pid);
    assert_true(pid > 0);
    assert_true(runs(pid));
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    assert_true(ends_in_time(pid));
    (void)close(ends[0]);
    (void)close(ends[1]);
}

/* Ctrl-C on a terminal goes to the whole group of the command in front; the server is the command's to stop. */
static void is_not_in_the_group_of_its_parent(void **state)
{
    (void)state;
    struct cluster *cluster = start(NULL);
    assert_int_equal(getpgid(cluster_pid(cluster)), cluster_pid(cluster));
    assert_int_not_equal(getsid(cluster_pid(cluster)), getsid(0));
    cluster_stop(cluster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serves_and_leaves_nothing),
        cmocka_unit_test(two_at_once_and_a_durable_one),
        cmocka_unit_test(odd_folder_names),
        cmocka_unit_test(failures_say_what_happened),
        cmocka_unit_test(long_paths),
        cmocka_unit_test(dies_with_its_parent),
        cmocka_unit_test(is_not_in_the_group_of_its_parent),
    };
    return cmocka_run_group_tests(tests, harness_start, harness_stop);
}
