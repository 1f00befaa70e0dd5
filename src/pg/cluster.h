/*
 * cluster: an embedded PostgreSQL of one's own: initdb in a temporary folder, a unix socket, nothing left behind.
 *
 * Binaries: $LANDFALL_PG_BIN, then the newest /usr/lib/postgresql/N/bin, then pg_config --bindir, then PATH. initdb refuses root:
 * then an unprivileged user runs it (postgres, else nobody). The server dies with the thread that started it
 * (PR_SET_PDEATHSIG), so that is the main one, before any other runs (fork); its folder is removed by cluster_stop and stays when
 * the process was killed. It is not in the caller's process group: Ctrl-C is the caller's to handle.
 */
#pragma once

#include "base/arena.h"

struct cluster;

struct cluster_options {
    const char *bin_dir;  /* NULL: find it */
    const char *base_dir; /* where the temporary folder goes; NULL: $TMPDIR or /tmp */
    bool durable;         /* fsync on (tests of durability); off for demo and ephemeral use */
};

/* Ready for connections on return. Errors: LF_CLUSTER with the server's last log lines, LF_NOT_FOUND with what to install. */
enum lf_code cluster_start(const struct cluster_options *options, struct cluster **ret_cluster, struct err *err) MUST_CHECK;

/* Connection string of its database `landfall` as superuser. */
const char *cluster_uri(const struct cluster *cluster);
int cluster_pid(const struct cluster *cluster);

/* Stops the server (immediate, waits) and removes its folder. NULL is fine. */
void cluster_stop(struct cluster *cluster);
