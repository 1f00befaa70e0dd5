/* landfall serve: the DynamoDB API, answered from PostgreSQL. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/backoff.h"
#include "cli/command.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "gateway/gateway.h"
#include "map/ddl.h"
#include "move/migrate_file.h"
#include "pg/cluster.h"
#include "pg/retry.h"

enum { POLL_MS = 50, WAIT_MS_MIN = 100, WAIT_MS_MAX = 5000 };

static bool is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strncmp(address, "[::1]", 5) == 0 || strncmp(address, "localhost:", 10) == 0;
}

static enum auth_mode auth_of(const struct cli_options *options)
{
    if (options->auth == CLI_AUTH_UNSET)
        return is_loopback(options->listen) ? AUTH_NONE : AUTH_SIGV4;
    return options->auth == CLI_AUTH_SIGV4 ? AUTH_SIGV4 : AUTH_NONE;
}

static enum lf_code check_options(const struct cli_options *options, struct err *err)
{
    if (!options->tls_certificate != !options->tls_key)
        return ERR(err, LF_USAGE, "--tls-certificate and --tls-key belong together");
    if (!options->upstream && (options->endpoint || options->region))
        return ERR(err, LF_USAGE, "--endpoint and --region are of the DynamoDB behind the gateway: give --upstream, too");
    if ((options->on_postgres_failure == CLI_ON_POSTGRES_FAILURE_CONTINUE) != (options->journal != NULL))
        return ERR(err, LF_USAGE, "--on-postgres-failure continue and --journal belong together");
    if (options->journal && !options->upstream)
        return ERR(err, LF_USAGE,
                   "--on-postgres-failure continue goes on with the DynamoDB behind the gateway: give --upstream, too");
    if (options->ephemeral && options->postgres)
        return ERR(err, LF_USAGE, "--ephemeral brings its own PostgreSQL; leave --postgres out");
    return LF_OK;
}

static enum lf_code print_ready(const struct cli_options *options, const struct gateway *gateway, struct err *err)
{
    const char *scheme = options->tls_certificate ? "https" : "http";
    const char *auth = auth_of(options) == AUTH_SIGV4 ? "sigv4" : "none";
    if (!options->json) {
        printf("ready: the DynamoDB API on %s://%s (authentication: %s)\n", scheme, gateway_address(gateway), auth);
        return fflush(stdout) ? ERR(err, LF_IO, "cannot write to standard output") : LF_OK;
    }
    BUF_CLEANUP struct buf json;
    char url[256];
    buf_init(&json, COMMAND_ARENA_BYTES);
    (void)snprintf(url, sizeof url, "%s://%s", scheme, gateway_address(gateway));
    json_out_open(&json, NULL, '{');
    json_out_text(&json, "endpoint", span_from_cstr(url));
    json_out_text(&json, "auth", span_from_cstr(auth));
    json_out_close(&json, '}');
    TRY(output_json(&json, err));
    return fflush(stdout) ? ERR(err, LF_IO, "cannot write to standard output") : LF_OK;
}

static void pause_ms(unsigned ms)
{
    for (unsigned waited_ms = 0; waited_ms < ms && !interrupt_asked(); waited_ms += POLL_MS)
        (void)usleep(POLL_MS * 1000);
}

/* A database that is away is waited for, as a gateway at work waits for it. *ret_gateway is NULL when it was told to stop
 * meanwhile. */
static enum lf_code start(const struct gateway_options *options, struct gateway **ret_gateway, struct err *err)
{
    struct backoff backoff;
    char told[ERR_MESSAGE_BYTES] = "";
    backoff_init(&backoff, WAIT_MS_MIN, WAIT_MS_MAX, backoff_seed());
    *ret_gateway = NULL;
    while (!interrupt_asked()) {
        struct err trouble = ERR_INIT;
        enum lf_code code = gateway_start(options, ret_gateway, &trouble);
        if (!code)
            return LF_OK;
        *err = trouble;
        if (!pg_error_may_pass(&trouble))
            return code;
        if (strcmp(told, trouble.message) != 0)
            fprintf(stderr, "serve  %s; trying again\n", trouble.message);
        (void)snprintf(told, sizeof told, "%s", trouble.message);
        pause_ms(backoff_next_ms(&backoff));
    }
    return LF_OK;
}

/* Ctrl-C and SIGTERM are how a server is meant to end. */
static enum lf_code run(const struct cli_options *options, const struct gateway_options *run_options, struct err *err)
{
    struct gateway *gateway = NULL;
    TRY(start(run_options, &gateway, err));
    if (!gateway)
        return LF_OK;
    enum lf_code code = print_ready(options, gateway, err);
    while (!code && !interrupt_asked())
        pause_ms(POLL_MS);
    gateway_stop(gateway);
    if (!code)
        code = gateway_wait(gateway, err);
    gateway_free(gateway);
    return code;
}

/* An ephemeral database has the tables of the map at once, as its migrations make them. */
static enum lf_code make_tables(struct pg_conn *conn, const struct map *map, enum migration_step step, struct err *err)
{
    BUF_CLEANUP struct buf migration, up;
    struct migrate_file file;
    buf_init(&migration, COMMAND_ARENA_BYTES);
    buf_init(&up, COMMAND_ARENA_BYTES);
    ddl_put_migration(&migration, map, step);
    TRY(buf_check(&migration, err));
    TRY(migrate_file_parse(buf_span(&migration), &file, err));
    buf_put_span(&up, file.up);
    TRY(buf_check(&up, err));
    return pg_exec(conn, buf_cstr(&up), err);
}

static enum lf_code make_all_tables(const char *postgres, const struct map *map, struct err *err)
{
    PG_CONN_CLEANUP struct pg_conn *conn = NULL;
    TRY(pg_connect(postgres, &conn, err));
    TRY(gateway_prepare_schema(conn, err));
    for (enum migration_step step = MIGRATION_TABLES; step < MIGRATION_CONTRACT; step++)
        TRY(make_tables(conn, map, step, err));
    return LF_OK;
}

static enum lf_code serve(const struct cli_options *options, const char *postgres, struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    struct map map;
    struct span yaml;
    arena_init(&arena, COMMAND_ARENA_BYTES);
    if (options->map)
        TRY(command_read_map(options, &arena, &map, &yaml, err));
    if (options->map && options->ephemeral)
        TRY(make_all_tables(postgres, &map, err));
    const struct upstream_options upstream = { .endpoint = options->endpoint, .region = options->region };
    struct gateway_options run_options = {
        .postgres = postgres,
        .listen = options->listen,
        .threads = command_jobs(options),
        .map = options->map ? &map : NULL,
        .auth = auth_of(options),
        .key_file = options->key_file,
        .tls_certificate = options->tls_certificate,
        .tls_key = options->tls_key,
        .upstream = options->upstream ? &upstream : NULL,
        .connections_max = (unsigned)options->max_connections,
        .read_connections = (unsigned)options->read_connections,
        .write_connections = (unsigned)options->write_connections,
        .journal = options->journal,
    };
    return run(options, &run_options, err);
}

enum lf_code command_serve(const struct cli_options *options, struct err *err)
{
    TRY(check_options(options, err));
    interrupt_catch();
    if (!options->ephemeral)
        return serve(options, options->postgres, err);
    struct cluster *cluster = NULL;
    TRY(cluster_start(&(struct cluster_options){ 0 }, &cluster, err));
    enum lf_code code = serve(options, cluster_uri(cluster), err);
    cluster_stop(cluster);
    return code;
}
