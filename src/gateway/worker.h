/*
 * worker: one thread of the gateway and what it owns. Everything a request needs is here; nothing of it is shared with other
 * workers but the gateway and the catalog.
 */
#pragma once

#include "gateway/auth/authenticate.h"
#include "gateway/catalog.h"

struct gateway;

struct worker {
    struct loop *loop;
    struct db *db;
    struct gateway *gateway; /* borrowed, as the next */
    struct catalog *catalog;
    struct gather *reads;   /* point reads, store/gather.h */
    struct gather *writes;  /* writes that are transactions of their own */
    struct key_queue *keys; /* key_queue.h */
    struct auth_cache *auth;
    struct upstream *upstream;       /* DynamoDB; NULL: there is none behind this gateway */
    struct marks *marks;             /* keys that are written on both sides, mark.h; NULL without upstream */
    struct met *met;                 /* entities in transactions, met.h */
    struct read_counts *read_counts; /* by table and side, read_count.h */
    struct repair *repair;           /* what the job of that name has seen, jobs/repair.h */
    struct server *server;           /* NULL: the worker of the background jobs */
    unsigned shadows;                /* reads that are being compared, shadow.h */
    uint64_t random;
    unsigned number;
};

uint64_t worker_random(struct worker *worker);

/* A line to standard error, at most some a second: what failed in a request and is not the client's fault. */
void worker_log(struct worker *worker, struct span request_id, const struct err *err);

/* Set used for authentication; unref it. NULL: no authentication. */
struct access_keys *gateway_keys_take(struct gateway *gateway);
