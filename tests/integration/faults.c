#include "faults.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "pg/libpq.h"

/* What is armed does not change while it is. */
static enum fault_set armed_set;
static const char *armed_function; /* NULL: all of the set */
static enum fault_kind armed_kind;
static unsigned armed_n;
static _Atomic bool armed;
static _Atomic unsigned counted;
static _Atomic bool has_failed;
static char failed[120]; /* written once, by the thread whose call it was */

void faults_arm(enum fault_set set, enum fault_kind kind, unsigned n)
{
    faults_arm_function(set, NULL, kind, n);
}

void faults_arm_function(enum fault_set set, const char *function, enum fault_kind kind, unsigned n)
{
    armed_set = set;
    armed_function = function;
    armed_kind = kind;
    armed_n = n;
    counted = 0;
    has_failed = false;
    armed = true;
}

const char *faults_disarm(void)
{
    armed = false;
    return has_failed ? failed : NULL;
}

unsigned faults_counted(void)
{
    return counted;
}

/* Counts a call: whether it is to fail. `what` it does, may be "". */
static bool is_due_for(enum fault_set set, const char *function, const char *what)
{
    if (!armed || set != armed_set || (armed_function && strcmp(function, armed_function) != 0))
        return false;
    unsigned number = atomic_fetch_add(&counted, 1) + 1;
    if (number == armed_n) {
        (void)snprintf(failed, sizeof failed, "%s%s%.80s", function, *what ? ": " : "", what);
        has_failed = true;
    }
    return number == armed_n || (armed_kind == FAULT_LASTING && armed_n > 0 && number > armed_n);
}

static bool is_due(enum fault_set set, const char *function)
{
    return is_due_for(set, function, "");
}

/* --- libpq --- */

/* What follows of a call on a connection. */
enum course { GO_ON, REFUSE, LOSE };

static void cut(const PGconn *conn)
{
    (void)shutdown(PQsocket(conn), SHUT_RDWR);
}

static enum course course_of(const PGconn *conn, const char *function, const char *what)
{
    if (!is_due_for(FAULTS_LIBPQ, function, what))
        return GO_ON;
    if (armed_kind == FAULT_CUT)
        cut(conn);
    return armed_kind == FAULT_CUT ? GO_ON : armed_kind == FAULT_LOST ? LOSE : REFUSE;
}

#define WRAPPED(type, name, ...)     \
    type __real_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

WRAPPED(PQconninfoOption *, PQconndefaults, void)
{
    return armed_kind == FAULT_REFUSED && is_due(FAULTS_LIBPQ, "PQconndefaults") ? NULL : __real_PQconndefaults();
}

WRAPPED(PQconninfoOption *, PQconninfoParse, const char *text, char **ret_message)
{
    return armed_kind == FAULT_REFUSED && is_due(FAULTS_LIBPQ, "PQconninfoParse") ? NULL
                                                                                  : __real_PQconninfoParse(text, ret_message);
}

WRAPPED(PGconn *, PQconnectdbParams, const char *const *keywords, const char *const *values, int expand)
{
    static const char *const nowhere_keywords[] = { "host", NULL }, *const nowhere[] = { "/nonexistent", NULL };
    if (!is_due(FAULTS_LIBPQ, "PQconnectdbParams"))
        return __real_PQconnectdbParams(keywords, values, expand);
    if (armed_kind == FAULT_REFUSED)
        return NULL;
    if (armed_kind == FAULT_CUT)
        return __real_PQconnectdbParams(nowhere_keywords, nowhere, 0);
    PGconn *conn = __real_PQconnectdbParams(keywords, values, expand);
    cut(conn);
    return conn;
}

/* The same again, on the connection that is gone: libpq says itself what it finds. */
static PGresult *lose_result(PGconn *conn, PGresult *result)
{
    PQclear(result);
    cut(conn);
    return PQgetResult(conn);
}

WRAPPED(PGresult *, PQexec, PGconn *conn, const char *sql)
{
    enum course course = course_of(conn, "PQexec", sql);
    PGresult *result = course == REFUSE ? NULL : __real_PQexec(conn, sql);
    return course == LOSE ? lose_result(conn, result) : result;
}

WRAPPED(PGresult *, PQexecParams, PGconn *conn, const char *sql, int count, const Oid *types, const char *const *values,
        const int *lengths, const int *formats, int format)
{
    enum course course = course_of(conn, "PQexecParams", sql);
    PGresult *result = course == REFUSE ? NULL : __real_PQexecParams(conn, sql, count, types, values, lengths, formats, format);
    return course == LOSE ? lose_result(conn, result) : result;
}

/* Refused, libpq gives a result that says so, and the real ones after it. */
WRAPPED(PGresult *, PQgetResult, PGconn *conn)
{
    enum course course = course_of(conn, "PQgetResult", "");
    if (course == REFUSE)
        return PQmakeEmptyPGresult(conn, PGRES_FATAL_ERROR);
    PGresult *result = __real_PQgetResult(conn);
    if (course != LOSE)
        return result;
    PQclear(result);
    cut(conn);
    return __real_PQgetResult(conn);
}

WRAPPED(int, PQputCopyData, PGconn *conn, const char *bytes, int len)
{
    enum course course = course_of(conn, "PQputCopyData", "");
    int done = course == REFUSE ? -1 : __real_PQputCopyData(conn, bytes, len);
    if (course == LOSE)
        cut(conn);
    return done;
}

WRAPPED(int, PQputCopyEnd, PGconn *conn, const char *message)
{
    enum course course = course_of(conn, "PQputCopyEnd", "");
    int done = course == REFUSE ? -1 : __real_PQputCopyEnd(conn, message);
    if (course == LOSE)
        cut(conn);
    return done;
}

WRAPPED(int, PQgetCopyData, PGconn *conn, char **ret_bytes, int async)
{
    enum course course = course_of(conn, "PQgetCopyData", "");
    return course == GO_ON ? __real_PQgetCopyData(conn, ret_bytes, async) : -2;
}

WRAPPED(PGcancel *, PQgetCancel, PGconn *conn)
{
    return course_of(conn, "PQgetCancel", "") == REFUSE ? NULL : __real_PQgetCancel(conn);
}

/* --- memory --- */

static bool lacks_memory(const char *function)
{
    bool lacks = is_due(FAULTS_MEMORY, function);
    if (lacks)
        errno = ENOMEM;
    return lacks;
}

WRAPPED(void *, malloc, size_t size)
{
    return lacks_memory("malloc") ? NULL : __real_malloc(size);
}

WRAPPED(void *, calloc, size_t count, size_t size)
{
    return lacks_memory("calloc") ? NULL : __real_calloc(count, size);
}

WRAPPED(void *, realloc, void *memory, size_t size)
{
    return lacks_memory("realloc") ? NULL : __real_realloc(memory, size);
}

WRAPPED(char *, strdup, const char *text)
{
    return lacks_memory("strdup") ? NULL : __real_strdup(text);
}

/* --- system calls of pg/cluster.c --- */

static bool is_refused(const char *function, int reason)
{
    bool refused = is_due(FAULTS_SYSTEM, function);
    if (refused)
        errno = reason;
    return refused;
}

WRAPPED(struct passwd *, getpwnam, const char *name)
{
    return is_refused("getpwnam", ENOENT) ? NULL : __real_getpwnam(name);
}

WRAPPED(char *, realpath, const char *path, char *resolved)
{
    return is_refused("realpath", EACCES) ? NULL : __real_realpath(path, resolved);
}

WRAPPED(char *, mkdtemp, char *template)
{
    return is_refused("mkdtemp", ENOSPC) ? NULL : __real_mkdtemp(template);
}

WRAPPED(int, chown, const char *path, uid_t uid, gid_t gid)
{
    return is_refused("chown", EPERM) ? -1 : __real_chown(path, uid, gid);
}

WRAPPED(pid_t, fork, void)
{
    return is_refused("fork", EAGAIN) ? -1 : __real_fork();
}

WRAPPED(pid_t, setsid, void)
{
    return is_refused("setsid", EPERM) ? -1 : __real_setsid();
}

WRAPPED(int, setgroups, size_t count, const gid_t *groups)
{
    return is_refused("setgroups", EPERM) ? -1 : __real_setgroups(count, groups);
}

WRAPPED(int, setgid, gid_t gid)
{
    return is_refused("setgid", EAGAIN) ? -1 : __real_setgid(gid);
}

WRAPPED(int, setuid, uid_t uid)
{
    return is_refused("setuid", EAGAIN) ? -1 : __real_setuid(uid);
}

WRAPPED(int, dup2, int from, int to)
{
    return is_refused("dup2", EMFILE) ? -1 : __real_dup2(from, to);
}

WRAPPED(int, chdir, const char *path)
{
    return is_refused("chdir", EACCES) ? -1 : __real_chdir(path);
}

WRAPPED(int, setenv, const char *name, const char *value, int overwrite)
{
    return is_refused("setenv", ENOMEM) ? -1 : __real_setenv(name, value, overwrite);
}

WRAPPED(int, execv, const char *path, char *const *arguments)
{
    return is_refused("execv", EACCES) ? -1 : __real_execv(path, arguments);
}
