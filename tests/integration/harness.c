#define _XOPEN_SOURCE 700 /* nftw */

#include "harness.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct cluster *cluster;
static char dir[] = "/tmp/landfall-test-XXXXXX";
static char database_uri[8192];

void harness_check(enum lf_code code, const struct err *err)
{
    if (code != LF_OK)
        fail_msg("%s: %s (%s:%d)", lf_code_info(code)->name, err->message, err->file, err->line);
}

int harness_start(void **state)
{
    (void)state;
    struct err err = ERR_INIT;
    /* Servers that the tests start in it run as another user. */
    if (!mkdtemp(dir) || chmod(dir, 0711) != 0 || cluster_start(NULL, &cluster, &err) != LF_OK) {
        print_error("no PostgreSQL to test with: %s\n", err.message);
        return -1;
    }
    return 0;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *position)
{
    (void)info, (void)type, (void)position;
    return remove(path);
}

int harness_stop(void **state)
{
    (void)state;
    cluster_stop(cluster);
    cluster = NULL;
    return nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *harness_uri(void)
{
    return cluster_uri(cluster);
}

const char *harness_new_database(const char *name)
{
    return harness_copy_database(name, "template1");
}

const char *harness_copy_database(const char *name, const char *original)
{
    static const char before[] = "postgresql://landfall@/landfall?";
    struct err err = ERR_INIT;
    struct pg_conn *conn = harness_connect(harness_uri());
    harness_check(pg_execf(conn, &err, "CREATE DATABASE %s TEMPLATE %s", name, original), &err);
    pg_close(conn);
    assert_memory_equal(harness_uri(), before, sizeof before - 1);
    (void)snprintf(database_uri, sizeof database_uri, "postgresql://landfall@/%s?%s", name, harness_uri() + sizeof before - 1);
    return database_uri;
}

struct pg_conn *harness_connect(const char *uri)
{
    struct err err = ERR_INIT;
    struct pg_conn *conn = NULL;
    harness_check(pg_connect(uri, &conn, &err), &err);
    /* A test that failed may have left locks behind: the next fails then and does not hang. */
    harness_exec(conn, "SET lock_timeout = '20s'");
    return conn;
}

void harness_exec(struct pg_conn *conn, const char *sql)
{
    struct err err = ERR_INIT;
    harness_check(pg_exec(conn, sql, &err), &err);
}

int64_t harness_int64(struct pg_conn *conn, const char *sql)
{
    struct err err = ERR_INIT;
    struct pg_result *result = NULL;
    harness_check(pg_query(conn, sql, NULL, &result, &err), &err);
    int64_t value = pg_result_int64(result, 0, 0);
    pg_result_free(result);
    return value;
}

const char *harness_dir(void)
{
    return dir;
}
