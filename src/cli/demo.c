/* landfall demo: the whole way on the sample export, with an embedded PostgreSQL that is gone afterwards. */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file_text.h"
#include "cli/command.h"
#include "cli/draft.h"
#include "cli/files.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/plan.h"
#include "gateway/gateway.h"
#include "map/map_yaml.h"
#include "pg/cluster.h"

enum { NOTE_BYTES = 200 };

struct demo {
    const struct cli_options *options;
    struct arena arena;
    struct cluster *cluster;
    struct pg_conn *conn;
    char sample[PATH_MAX];
    char folder[PATH_MAX]; /* temporary: map and migrations */
    char map_path[PATH_MAX];
    char migrations[PATH_MAX];
    struct source source;
    struct map map;
    struct span map_yaml;
    struct backfill_result loaded;
    struct verify_result compared;
    char note[NOTE_BYTES]; /* what the step says of itself */
};

/* --- where the sample is, and where files go --- */

static bool beside_binary(char path[PATH_MAX])
{
    char binary[PATH_MAX / 2];
    ssize_t len = readlink("/proc/self/exe", binary, sizeof binary - 1);
    if (len <= 0)
        return false;
    binary[len] = '\0';
    char *name = strrchr(binary, '/');
    if (!name)
        return false;
    *name = '\0';
    snprintf(path, PATH_MAX, "%s/../share/landfall/examples/court", binary);
    return file_exists(path);
}

/* Installed, it lies beside the binary's folder; in a build, in the source tree. */
static enum lf_code find_sample(char path[PATH_MAX], struct err *err)
{
    if (beside_binary(path))
        return LF_OK;
    snprintf(path, PATH_MAX, "%s/court", LANDFALL_EXAMPLES);
    return file_exists(path) ? LF_OK : ERR(err, LF_NOT_FOUND, "%s: the sample export is not there", path);
}

static enum lf_code make_folder(struct demo *demo, struct err *err)
{
    const char *base = getenv("TMPDIR");
    char template[PATH_MAX / 2];
    snprintf(template, sizeof template, "%s/landfall-demo-XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(template))
        return ERR(err, LF_IO, "%s: a temporary folder could not be made", template);
    snprintf(demo->folder, sizeof demo->folder, "%s", template);
    snprintf(demo->map_path, sizeof demo->map_path, "%s/landfall.yaml", template);
    snprintf(demo->migrations, sizeof demo->migrations, "%s/migrations", template);
    return LF_OK;
}

/* --- the steps --- */

static enum lf_code step_start(struct demo *demo, struct err *err)
{
    const struct cluster_options options = { 0 };
    TRY(cluster_start(&options, &demo->cluster, err));
    TRY(pg_connect(cluster_uri(demo->cluster), &demo->conn, err));
    int version = pg_server_version(demo->conn);
    snprintf(demo->note, NOTE_BYTES, "PostgreSQL %d.%d, private, in a temporary folder", version / 10000, version % 10000);
    return LF_OK;
}

static size_t count_uncertain(const struct map *map, const struct evidence *evidence)
{
    size_t count = 0;
    for (size_t i = 0; i < map->table_count; i++)
        for (size_t j = 0; j < map->tables[i].entity_count; j++)
            count += evidence->tables[i].entities[j].uncertain_count;
    return count;
}

static enum lf_code step_inspect(struct demo *demo, struct err *err)
{
    const struct infer_options infer = { .type_share_min = 0.999 };
    const struct source_options source = { 0 };
    struct draft_result draft;
    char items[2 * COUNT_TEXT_BYTES];
    TRY(source_open(demo->sample, &source, &demo->source, err));
    TRY(draft_map(&demo->source, &infer, command_jobs(demo->options), NULL, &demo->arena, &draft, err));
    TRY(draft_write(demo->map_path, &draft.map, err));
    TRY(file_text_read(span_from_cstr(demo->map_path), LIMIT_MAP_BYTES, &demo->arena, &demo->map_yaml, err));
    TRY(map_read_yaml(demo->map_yaml, demo->map_path, &demo->arena, &demo->map, err));
    snprintf(demo->note, NOTE_BYTES, "%s in one DynamoDB table, %zu entities, %zu uncertain",
             count_of_text(draft.items, "item", "items", items), demo->map.tables[0].entity_count,
             count_uncertain(&draft.map, &draft.evidence));
    return LF_OK;
}

static enum lf_code step_plan(struct demo *demo, struct err *err)
{
    size_t written;
    TRY(plan_write(&demo->map, demo->migrations, false, &demo->arena, &written, err));
    snprintf(demo->note, NOTE_BYTES, "%zu migrations: tables, indexes, constraints, contract", written);
    return LF_OK;
}

static void count_migration(void *context, const struct migration *migration, double seconds)
{
    (void)migration;
    (void)seconds;
    ++*(size_t *)context;
}

static enum lf_code step_migrate(struct demo *demo, struct err *err)
{
    size_t applied = 0;
    const struct migrate_up_options up = {
        .dir = demo->migrations, .last = MIGRATION_TABLES, .progress = count_migration, .context = &applied
    };
    TRY(migrate_up(demo->conn, &up, err));
    snprintf(demo->note, NOTE_BYTES, "%zu applied: the tables, empty and without indexes", applied);
    return LF_OK;
}

static enum lf_code step_backfill(struct demo *demo, struct err *err)
{
    const struct backfill_options backfill = {
        .postgres = cluster_uri(demo->cluster),
        .migrations = demo->migrations,
        .map_yaml = demo->map_yaml,
        .jobs = command_jobs(demo->options),
    };
    char items[2 * COUNT_TEXT_BYTES];
    TRY(command_load(&demo->map, &demo->source, &backfill, &demo->arena, &demo->loaded, err));
    snprintf(demo->note, NOTE_BYTES, "%s into %zu tables, indexes and constraints built",
             count_of_text(demo->loaded.totals.items, "item", "items", items), demo->loaded.table_count);
    return LF_OK;
}

static enum lf_code step_verify(struct demo *demo, struct err *err)
{
    const struct verify_options verify = {
        .postgres = cluster_uri(demo->cluster), .jobs = command_jobs(demo->options), .reread = true, .details_max = 10
    };
    char items[2 * COUNT_TEXT_BYTES];
    TRY(command_compare(&demo->map, &demo->source, &verify, &demo->arena, &demo->compared, err));
    snprintf(demo->note, NOTE_BYTES, "%s read from both sides and compared",
             count_of_text(demo->compared.compared, "item", "items", items));
    return LF_OK;
}

struct demo_step {
    const char *name;
    enum lf_code (*run)(struct demo *demo, struct err *err);
};
static const struct demo_step steps[] = {
    { "start", step_start },     { "inspect", step_inspect },   { "plan", step_plan },
    { "migrate", step_migrate }, { "backfill", step_backfill }, { "verify", step_verify },
};

static enum lf_code run_step(struct demo *demo, const struct demo_step *step, struct err *err)
{
    char seconds[SECONDS_TEXT_BYTES];
    double started = clock_seconds();
    if (interrupt_asked())
        return ERR(err, LF_INTERRUPTED, "stopped; nothing of it is left");
    TRY(step->run(demo, err));
    printf("%s%-9s%s %-66s %8s\n", style_bold(), step->name, style_end(), demo->note,
           seconds_text(clock_seconds() - started, seconds));
    fflush(stdout);
    return LF_OK;
}

/* --- what SQL can ask now --- */

enum { QUERY_COLUMNS = 4 };

struct demo_query {
    const char *title;
    const char *sql;
    const char *headings[QUERY_COLUMNS];
};
static const struct demo_query queries[] = {
    { "Who files in which kind of case? (a join of three entities, grouped)",
      "SELECT u.role, c.case_type, count(*), sum(e.pages)\n"
      "FROM court.docket_entry e\n"
      "JOIN court.\"case\" c USING (docket_number)\n"
      "JOIN court.\"user\" u ON u.user_id = e.filed_by_user_id\n"
      "GROUP BY u.role, c.case_type ORDER BY count(*) DESC, 1, 2 LIMIT 4",
      { "role", "case_type", "entries", "pages" } },
    { "What is in dispute, city by city? (a median and a share)",
      "SELECT preferred_trial_city, count(*),\n"
      "       percentile_disc(0.5) WITHIN GROUP (ORDER BY amount_disputed),\n"
      "       round(100.0 * count(*) FILTER (WHERE status = 'Closed') / count(*))\n"
      "FROM court.\"case\" GROUP BY 1 ORDER BY 3 DESC",
      { "city", "cases", "median_amount", "closed_%" } },
    { "How many messages reach each part of the court, with all parts below it? (a recursive tree)",
      "WITH RECURSIVE below AS (\n"
      "    SELECT section_id AS top, section_id FROM court.section\n"
      "    UNION ALL\n"
      "    SELECT b.top, s.section_id FROM below b JOIN court.section s ON s.parent_section_id = b.section_id)\n"
      "SELECT b.top, count(DISTINCT b.section_id), count(DISTINCT u.user_id), count(m.message_id)\n"
      "FROM below b\n"
      "LEFT JOIN court.\"user\" u ON u.section_id = b.section_id\n"
      "LEFT JOIN court.message m ON m.to_user_id = u.user_id\n"
      "GROUP BY b.top ORDER BY 4 DESC, 1 LIMIT 5",
      { "section", "sections", "people", "messages" } },
};

static const char *result_cell(void *context, size_t row, size_t column)
{
    return pg_result_text(context, row, column);
}

static enum lf_code run_query(struct demo *demo, const struct demo_query *query, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    TRY(pg_query(demo->conn, query->sql, NULL, &result, err));
    printf("\n%s%s%s\n%s%s%s\n", style_bold(), query->title, style_end(), style_dim(), query->sql, style_end());
    output_table(query->headings, QUERY_COLUMNS, pg_result_rows(result), result_cell, result);
    return LF_OK;
}

/* --- what an application of DynamoDB sees --- */

/* No credentials of the user's are needed, and none are sent. */
static enum lf_code point_clients_at(const struct gateway *gateway, struct err *err)
{
    char endpoint[NOTE_BYTES];
    snprintf(endpoint, sizeof endpoint, "http://%s", gateway_address(gateway));
    const char *const variables[][2] = {
        { "AWS_ENDPOINT_URL_DYNAMODB", endpoint }, { "AWS_REGION", "us-east-1" },       { "AWS_DEFAULT_REGION", "us-east-1" },
        { "AWS_ACCESS_KEY_ID", "demo" },           { "AWS_SECRET_ACCESS_KEY", "demo" },
    };
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        if (setenv(variables[i][0], variables[i][1], true))
            return ERR(err, LF_LIMIT, "out of memory");
    unsetenv("AWS_SESSION_TOKEN");
    unsetenv("AWS_PROFILE");
    return LF_OK;
}

static enum lf_code run_client(const char *command, const struct gateway *gateway, struct err *err)
{
    TRY(point_clients_at(gateway, err));
    printf("\n%sThe same rows by DynamoDB's API, from PostgreSQL%s\n%s%s%s\n", style_bold(), style_end(), style_dim(), command,
           style_end());
    fflush(stdout);
    int status = system(command);
    if (status == 0)
        return LF_OK;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGINT)
        return ERR(err, LF_INTERRUPTED, "stopped; nothing of it is left");
    return ERR(err, LF_IO, "%s: it failed", command);
}

static enum lf_code serve_client(struct demo *demo, struct err *err)
{
    const struct gateway_options options = {
        .postgres = cluster_uri(demo->cluster),
        .listen = "127.0.0.1:0",
        .threads = 1,
        .map = &demo->map,
        .auth = AUTH_NONE,
        .connections_max = 100,
        .read_connections = 2,
        .write_connections = 2,
    };
    struct err stopping = ERR_INIT;
    struct gateway *gateway = NULL;
    TRY(gateway_start(&options, &gateway, err));
    enum lf_code code = run_client(demo->options->client, gateway, err);
    gateway_stop(gateway);
    if (gateway_wait(gateway, &stopping) && !code) {
        *err = stopping;
        code = stopping.code;
    }
    gateway_free(gateway);
    return code;
}

static enum lf_code print_parity(const struct verify_result *result, struct err *err)
{
    char items[2 * COUNT_TEXT_BYTES], differences[2 * COUNT_TEXT_BYTES];
    uint64_t count = result->different + result->missing + result->extra;
    printf("\nparity: %s, %s\n", count_of_text(result->compared, "item", "items", items),
           count_of_text(count, "difference", "differences", differences));
    return count == 0 ? LF_OK : ERR(err, LF_DIFFERENCES, "source and target differ");
}

static enum lf_code demonstrate(struct demo *demo, struct err *err)
{
    TRY(find_sample(demo->sample, err));
    TRY(make_folder(demo, err));
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        TRY(run_step(demo, &steps[i], err));
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        TRY(run_query(demo, &queries[i], err));
    if (demo->options->client)
        TRY(serve_client(demo, err));
    return print_parity(&demo->compared, err);
}

static enum lf_code clean_up(struct demo *demo, struct err *err)
{
    pg_close(demo->conn);
    cluster_stop(demo->cluster);
    source_close(&demo->source);
    arena_done(&demo->arena);
    return demo->folder[0] ? folder_remove(demo->folder, err) : LF_OK;
}

enum lf_code command_demo(const struct cli_options *options, struct err *err)
{
    struct demo demo = { .options = options };
    struct err cleaning = ERR_INIT;
    arena_init(&demo.arena, COMMAND_ARENA_BYTES);
    enum lf_code code = demonstrate(&demo, err);
    if (clean_up(&demo, &cleaning) && !code)
        *err = cleaning;
    return code ? code : cleaning.code;
}
