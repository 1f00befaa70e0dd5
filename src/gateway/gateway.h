/*
 * gateway: `landfall serve` as a whole: workers, the catalog, background jobs.
 *
 *     gateway ─┬─ catalog (heartbeat thread)
 *              ├─ jobs: sequencer, TTL, indexes being filled (jobs/; a thread, elected among gateways)
 *              └─ worker × N: loop, HTTP server on the shared port, db, gathers ─► dispatch ─► route ─► operations/, upstream/
 *
 * Stops gracefully: no new connections, what is in flight is answered, then the workers end.
 */
#pragma once

#include "gateway/auth/access_key.h"
#include "gateway/catalog.h"
#include "gateway/upstream/upstream.h"

enum auth_mode { AUTH_NONE, AUTH_SIGV4 };

struct gateway_options {
    const char *postgres;  /* as pg_connect */
    const char *listen;    /* "127.0.0.1:8000" */
    unsigned threads;      /* workers */
    const struct map *map; /* borrowed; NULL: everything is in the item store */
    enum auth_mode auth;
    const char *key_file;        /* needed with AUTH_SIGV4 */
    const char *tls_certificate; /* PEM files; both or neither */
    const char *tls_key;
    const struct upstream_options *upstream;      /* DynamoDB behind the gateway; NULL: none */
    unsigned connections_max;                     /* of all workers */
    unsigned read_connections, write_connections; /* to PostgreSQL, per worker */
    const char *journal; /* folder of the keys that are written without PostgreSQL; NULL: then nothing is */
};

struct gateway;

/* Applies sql/control.sql and sql/gateway.sql, registers the map's tables, starts everything; the former two later where it
 * begins without PostgreSQL (catalog.h). Errors: those of pg_connect and server_new; LF_USAGE; LF_MAP when a table of the map is
 * not there as the map says. */
enum lf_code gateway_start(const struct gateway_options *options, struct gateway **ret_gateway, struct err *err) MUST_CHECK;
const char *gateway_address(const struct gateway *gateway); /* "127.0.0.1:8000" */

/* From any thread, not from a signal handler. */
void gateway_stop(struct gateway *gateway);
/* Until it has stopped; the error of a worker that ended by itself. */
enum lf_code gateway_wait(struct gateway *gateway, struct err *err) MUST_CHECK;
void gateway_free(struct gateway *gateway); /* NULL is fine */

/* sql/control.sql and sql/gateway.sql, where they are not there yet; harmless again. */
enum lf_code gateway_prepare_schema(struct pg_conn *conn, struct err *err) MUST_CHECK;

/* A DynamoDB table for each table of the map whose PostgreSQL tables are there; what exists is left alone. */
enum lf_code gateway_register_map(struct pg_conn *conn, const struct map *map, struct err *err) MUST_CHECK;
