#define _XOPEN_SOURCE 700 /* nftw */

#include "pg/cluster.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pg/conn.h"

enum {
    SOCKET_PATH_BYTES_MAX = 107, /* sun_path less its terminator */
    START_MS_MAX = 60 * 1000,
    STOP_MS_MAX = 30 * 1000,
    POLL_MS = 5,
    LOG_TAIL_BYTES = 700,
    ARGUMENTS_MAX = 80,
    OPEN_FOLDERS_MAX = 16,
};

static const char socket_name[] = "/.s.PGSQL.5432";

/* For one loader on one machine: memory for the load and its indexes, checkpoints far apart. */
static const char *const settings[] = {
    "listen_addresses=",
    "port=5432",
    "max_connections=100",
    "shared_buffers=256MB",
    "maintenance_work_mem=512MB",
    "max_wal_size=4GB",
    "checkpoint_timeout=30min",
    "jit=off",
    "huge_pages=off",
    "logging_collector=off",
    "log_destination=stderr",
    "timezone=UTC",
};

/* What is gone with its process need not survive a crash of the machine. */
static const char *const settings_ephemeral[] = {
    "fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0",
};

struct cluster {
    char bin_dir[PATH_MAX];
    char dir[PATH_MAX];          /* holds data/, log and the socket; "" before it is made */
    char uri[PATH_MAX * 3 + 64]; /* of the database landfall; a path may triple when encoded */
    char admin_uri[PATH_MAX * 3 + 64];
    bool durable;
    bool switches_user; /* we are root: the server runs as uid, gid */
    uid_t uid;
    gid_t gid;
    pid_t pid; /* of the server, 0 when there is none */
};

static void pause_ms(long ms)
{
    struct timespec pause = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
    (void)nanosleep(&pause, NULL);
}

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* snprintf that says whether all of it fitted. */
static bool PRINTF_LIKE(3, 4) format_path(char *path, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(path, size, format, args);
    va_end(args);
    return len >= 0 && (size_t)len < size;
}

/* --- finding PostgreSQL --- */

static bool is_program(const char *dir, const char *name)
{
    char path[PATH_MAX];
    struct stat info;
    return format_path(path, sizeof path, "%s/%s", dir, name) && stat(path, &info) == 0 && S_ISREG(info.st_mode) &&
           access(path, X_OK) == 0;
}

static bool take_bin_dir(struct cluster *cluster, const char *dir)
{
    return is_program(dir, "initdb") && is_program(dir, "postgres") &&
           format_path(cluster->bin_dir, sizeof cluster->bin_dir, "%s", dir);
}

/* Debian and its kin keep each version in a folder of its own, outside PATH. */
static bool find_in_debian(struct cluster *cluster)
{
    static const char root[] = "/usr/lib/postgresql";
    DIR *folder = opendir(root);
    long newest = 0;
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char dir[PATH_MAX];
        long version = strtol(entry->d_name, NULL, 10);
        if (version > newest && format_path(dir, sizeof dir, "%s/%ld/bin", root, version) && take_bin_dir(cluster, dir))
            newest = version;
    }
    if (folder)
        (void)closedir(folder);
    return newest > 0;
}

static bool find_by_pg_config(struct cluster *cluster)
{
    char dir[PATH_MAX] = "";
    FILE *output = popen("pg_config --bindir 2>/dev/null", "r");
    if (!output)
        return false;
    bool read = fgets(dir, sizeof dir, output) != NULL;
    bool done = pclose(output) == 0;
    dir[strcspn(dir, "\n")] = '\0';
    return read && done && take_bin_dir(cluster, dir);
}

static bool find_in_path(struct cluster *cluster)
{
    const char *path = getenv("PATH");
    while (path && *path) {
        char dir[PATH_MAX];
        size_t len = strcspn(path, ":");
        if (len > 0 && format_path(dir, sizeof dir, "%.*s", (int)len, path) && take_bin_dir(cluster, dir))
            return true;
        path += len + (path[len] == ':');
    }
    return false;
}

static enum lf_code find_binaries(struct cluster *cluster, const char *asked, struct err *err)
{
    if (!asked)
        asked = getenv("LANDFALL_PG_BIN");
    if (asked && *asked)
        return take_bin_dir(cluster, asked) ? LF_OK
                                            : ERR(err, LF_NOT_FOUND, "%s does not hold PostgreSQL's initdb and postgres", asked);
    if (find_in_debian(cluster) || find_by_pg_config(cluster) || find_in_path(cluster))
        return LF_OK;
    return ERR(err, LF_NOT_FOUND,
               "PostgreSQL's initdb and postgres are not installed (Debian, Ubuntu: apt-get install postgresql; elsewhere set "
               "LANDFALL_PG_BIN to the folder that holds them)");
}

/* --- the folder and its owner --- */

static enum lf_code choose_user(struct cluster *cluster, struct err *err)
{
    if (geteuid() != 0)
        return LF_OK;
    struct passwd *user = getpwnam("postgres");
    if (!user)
        user = getpwnam("nobody");
    if (!user)
        return ERR(err, LF_CLUSTER,
                   "PostgreSQL does not run as root, and there is neither a user postgres nor nobody to run it as");
    cluster->switches_user = true;
    cluster->uid = user->pw_uid;
    cluster->gid = user->pw_gid;
    return LF_OK;
}

static void put_uri(char *uri, size_t size, const char *database, const char *dir)
{
    size_t len = (size_t)snprintf(uri, size, "postgresql://landfall@/%s?port=5432&host=", database);
    for (; *dir && len < size - 4; dir++) {
        bool plain =
            (*dir >= 'a' && *dir <= 'z') || (*dir >= 'A' && *dir <= 'Z') || (*dir >= '0' && *dir <= '9') || strchr("/-_.", *dir);
        len += (size_t)snprintf(uri + len, size - len, plain ? "%c" : "%%%02X", (unsigned char)*dir);
    }
}

static enum lf_code make_folder(struct cluster *cluster, const char *base, struct err *err)
{
    if (!base)
        base = getenv("TMPDIR");
    if (!base || !*base)
        base = "/tmp";
    char dir[PATH_MAX], real_base[PATH_MAX];
    if (!realpath(base, real_base)) /* libpq takes only absolute paths for sockets */
        return ERR(err, LF_CLUSTER, "cannot make a folder in %s: %s", base, strerror(errno));
    if (!format_path(dir, sizeof dir, "%s/landfall-XXXXXX", real_base) ||
        strlen(dir) + strlen(socket_name) > SOCKET_PATH_BYTES_MAX)
        return ERR(err, LF_CLUSTER,
                   "the path %s is too long for a unix socket (%d bytes with its name): set TMPDIR to a shorter one", base,
                   SOCKET_PATH_BYTES_MAX);
    if (!mkdtemp(dir))
        return ERR(err, LF_CLUSTER, "cannot make a folder in %s: %s", base, strerror(errno));
    memcpy(cluster->dir, dir, strlen(dir) + 1);
    if (cluster->switches_user && chown(dir, cluster->uid, cluster->gid) != 0)
        return ERR(err, LF_CLUSTER, "cannot give %s to the user that runs PostgreSQL: %s", dir, strerror(errno));
    put_uri(cluster->uri, sizeof cluster->uri, "landfall", dir);
    put_uri(cluster->admin_uri, sizeof cluster->admin_uri, "postgres", dir);
    return LF_OK;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *position)
{
    (void)info, (void)type, (void)position;
    (void)remove(path);
    return 0;
}

static void remove_folder(const struct cluster *cluster)
{
    if (cluster->dir[0])
        (void)nftw(cluster->dir, remove_entry, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS);
}

/* The last lines of what initdb and the server wrote, on one line; "" when there is nothing. */
static void read_log_tail(const struct cluster *cluster, char tail[LOG_TAIL_BYTES])
{
    tail[0] = '\0';
    char path[PATH_MAX];
    FILE *log = format_path(path, sizeof path, "%s/log", cluster->dir) ? fopen(path, "r") : NULL;
    if (!log)
        return;
    if (fseek(log, -(LOG_TAIL_BYTES - 1), SEEK_END) != 0)
        rewind(log);
    size_t len = fread(tail, 1, LOG_TAIL_BYTES - 1, log);
    (void)fclose(log);
    while (len > 0 && tail[len - 1] == '\n')
        len--;
    tail[len] = '\0';
    for (char *newline = tail; (newline = strchr(newline, '\n'));)
        *newline = '|';
}

/* --- processes --- */

/* In the child. Its own session, so that Ctrl-C reaches the command and not the server under it. */
static bool become_server_user(const struct cluster *cluster)
{
    if (setsid() < 0)
        return false;
    return !cluster->switches_user || (setgroups(0, NULL) == 0 && setgid(cluster->gid) == 0 && setuid(cluster->uid) == 0);
}

static bool redirect(const char *log_path)
{
    int null = open("/dev/null", O_RDONLY);
    int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    return null >= 0 && log >= 0 && dup2(null, STDIN_FILENO) >= 0 && dup2(log, STDOUT_FILENO) >= 0 &&
           dup2(log, STDERR_FILENO) >= 0;
}

static _Noreturn void run_child(const struct cluster *cluster, char *const *arguments, int death_signal, pid_t parent)
{
    char log_path[PATH_MAX];
    sigset_t none;
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (!become_server_user(cluster) || !format_path(log_path, sizeof log_path, "%s/log", cluster->dir) || !redirect(log_path) ||
        chdir(cluster->dir) != 0 || setenv("LC_ALL", "C", 1) != 0)
        _exit(126);
    /* After setuid, which clears it; and the parent may have died before. */
    if (prctl(PR_SET_PDEATHSIG, death_signal) != 0 || getppid() != parent)
        _exit(126);
    (void)execv(arguments[0], arguments);
    fprintf(stderr, "cannot run %s: %s\n", arguments[0], strerror(errno));
    _exit(127);
}

static enum lf_code start_process(const struct cluster *cluster, char *const *arguments, int death_signal, pid_t *ret_pid,
                                  struct err *err)
{
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0)
        return ERR(err, LF_CLUSTER, "cannot fork: %s", strerror(errno));
    if (pid == 0)
        run_child(cluster, arguments, death_signal, parent);
    *ret_pid = pid;
    return LF_OK;
}

/* Waits without end: 0 when the process ended with status 0. */
static int wait_for_exit(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return status;
}

static bool has_exited(pid_t pid)
{
    int status;
    return waitpid(pid, &status, WNOHANG) != 0;
}

static enum lf_code run_initdb(const struct cluster *cluster, struct err *err)
{
    char program[PATH_MAX], data[PATH_MAX], tail[LOG_TAIL_BYTES];
    if (!format_path(program, sizeof program, "%s/initdb", cluster->bin_dir) ||
        !format_path(data, sizeof data, "%s/data", cluster->dir))
        return ERR(err, LF_CLUSTER, "the path of initdb is too long");
    char *arguments[] = { program, "-D",   data,         "-U",        "landfall",          "-A", "trust",
                          "-E",    "UTF8", "--locale=C", "--no-sync", "--no-instructions", NULL };
    pid_t pid = 0;
    TRY(start_process(cluster, arguments, SIGKILL, &pid, err));
    if (wait_for_exit(pid) == 0)
        return LF_OK;
    read_log_tail(cluster, tail);
    if (!tail[0])
        return ERR(err, LF_CLUSTER,
                   "the user with id %u that runs PostgreSQL cannot write to %s; are the folders above it open to it?",
                   (unsigned)(cluster->switches_user ? cluster->uid : geteuid()), cluster->dir);
    return ERR(err, LF_CLUSTER, "initdb failed: %s", tail);
}

static size_t add_settings(char **arguments, size_t count, const char *const *list, size_t list_count)
{
    for (size_t i = 0; i < list_count; i++) {
        arguments[count++] = "-c";
        arguments[count++] = (char *)list[i];
    }
    return count;
}

/* A clean end keeps what durable clusters are for; the others need none. */
static int stop_signal(const struct cluster *cluster)
{
    return cluster->durable ? SIGINT : SIGQUIT;
}

static enum lf_code start_server(struct cluster *cluster, struct err *err)
{
    char program[PATH_MAX], data[PATH_MAX];
    if (!format_path(program, sizeof program, "%s/postgres", cluster->bin_dir) ||
        !format_path(data, sizeof data, "%s/data", cluster->dir))
        return ERR(err, LF_CLUSTER, "the path of postgres is too long");
    char *arguments[ARGUMENTS_MAX] = { program, "-D", data, "-k", cluster->dir };
    size_t count = add_settings(arguments, 5, settings, sizeof settings / sizeof *settings);
    if (!cluster->durable)
        (void)add_settings(arguments, count, settings_ephemeral, sizeof settings_ephemeral / sizeof *settings_ephemeral);
    return start_process(cluster, arguments, stop_signal(cluster), &cluster->pid, err);
}

static enum lf_code wait_until_ready(struct cluster *cluster, struct pg_conn **ret_admin, struct err *err)
{
    char tail[LOG_TAIL_BYTES];
    int64_t deadline = now_ms() + START_MS_MAX;
    while (pg_connect(cluster->admin_uri, ret_admin, err) != LF_OK) {
        bool exited = has_exited(cluster->pid);
        if (exited)
            cluster->pid = 0;
        if (exited || now_ms() > deadline) {
            char reason[LOG_TAIL_BYTES];
            (void)snprintf(reason, sizeof reason, "%.300s", err->message);
            read_log_tail(cluster, tail);
            return ERR(err, LF_CLUSTER, "the server %s: %s", exited ? "ended" : "did not become ready", tail[0] ? tail : reason);
        }
        pause_ms(POLL_MS);
    }
    return LF_OK;
}

static enum lf_code start_into(struct cluster *cluster, const struct cluster_options *options, struct err *err)
{
    PG_CONN_CLEANUP struct pg_conn *admin = NULL;
    TRY(find_binaries(cluster, options->bin_dir, err));
    TRY(choose_user(cluster, err));
    TRY(make_folder(cluster, options->base_dir, err));
    TRY(run_initdb(cluster, err));
    TRY(start_server(cluster, err));
    TRY(wait_until_ready(cluster, &admin, err));
    return pg_exec(admin, "CREATE DATABASE landfall", err);
}

enum lf_code cluster_start(const struct cluster_options *options, struct cluster **ret_cluster, struct err *err)
{
    struct cluster *cluster = calloc(1, sizeof *cluster);
    if (!cluster)
        return ERR(err, LF_MEMORY, "out of memory starting PostgreSQL");
    cluster->durable = options && options->durable;
    enum lf_code code = start_into(cluster, options ? options : &(struct cluster_options){ 0 }, err);
    if (code != LF_OK) {
        cluster_stop(cluster);
        return err_while(err, "starting an embedded PostgreSQL");
    }
    *ret_cluster = cluster;
    return LF_OK;
}

const char *cluster_uri(const struct cluster *cluster)
{
    return cluster->uri;
}

int cluster_pid(const struct cluster *cluster)
{
    return cluster->pid;
}

static void stop_server(const struct cluster *cluster)
{
    int64_t deadline = now_ms() + STOP_MS_MAX;
    (void)kill(cluster->pid, stop_signal(cluster));
    while (!has_exited(cluster->pid)) {
        if (now_ms() > deadline) {
            (void)kill(cluster->pid, SIGKILL);
            (void)wait_for_exit(cluster->pid);
            return;
        }
        pause_ms(POLL_MS);
    }
}

void cluster_stop(struct cluster *cluster)
{
    if (!cluster)
        return;
    if (cluster->pid > 0)
        stop_server(cluster);
    remove_folder(cluster);
    free(cluster);
}
