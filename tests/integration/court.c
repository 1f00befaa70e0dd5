#include "court.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "map/map_yaml.h"
#include "move/backfill.h"

enum { PATH_BYTES = 512, MAP_ARENA_BYTES = 16 * 1024 * 1024 };

static const char map_yaml[] =
    "version: 1\n"
    "schema: court\n"
    "tables:\n"
    "  efcms:\n"
    "    key: { pk: S, sk: S }\n"
    "    indexes: { by_kind: { entityName: S, sk: S } }\n"
    "    entities:\n"
    "      Case:\n"
    "        match: { entityName: Case }\n"
    "        key: { pk: \"case|{docket_number}\", sk: \"case|{docket_number}\" }\n"
    "        table: case_file\n"
    "        primary_key: [docket_number]\n"
    "        columns:\n"
    "          docket_number: { attr: docketNumber, type: text, null: false }\n"
    "          caption: { attr: caption, type: text }\n"
    "          filed: { attr: filed, type: bigint }\n"
    "          tags: { attr: tags, type: 'text[]' }\n"
    "          data: { attr: data, type: jsonb }\n"
    "        children:\n"
    "          parties:\n"
    "            attr: parties\n"
    "            table: party\n"
    "            columns: { name: { attr: name, type: text }, age: { attr: age, type: integer } }\n"
    "      Message:\n"
    "        match: { entityName: Message }\n"
    "        key: { pk: \"case|{docket_number}\", sk: \"message|{message_id}\" }\n"
    "        table: message\n"
    "        primary_key: [message_id]\n"
    "        columns:\n"
    "          message_id: { attr: messageId, type: text, null: false }\n"
    "          docket_number: { attr: docketNumber, type: text, null: false }\n"
    "          subject: { attr: subject, type: text }\n"
    "          is_read: { attr: isRead, type: boolean }\n"
    "        foreign_keys: [ { columns: [docket_number], references: case_file(docket_number), enforce: now } ]\n"
    "  devices:\n"
    "    key: { id: N }\n"
    "    entities:\n"
    "      Device:\n"
    "        key: { id: \"{id}\" }\n"
    "        table: device\n"
    "        primary_key: [id]\n"
    "        columns:\n"
    "          id: { attr: id, type: bigint, null: false }\n"
    "          weight: { attr: weight, type: numeric }\n";

static char source_path[PATH_BYTES], migrations_path[PATH_BYTES];
static struct arena map_arena;
static struct map map;

static FILE *create(const char *folder, const char *name)
{
    char path[4 * PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    return file;
}

static void write_case(FILE *file, int number)
{
    fprintf(
        file,
        "{\"Item\":{\"pk\":{\"S\":\"case|%d-26\"},\"sk\":{\"S\":\"case|%d-26\"},\"entityName\":{\"S\":\"Case\"},"
        "\"docketNumber\":{\"S\":\"%d-26\"},\"caption\":{\"S\":\"Case %d\"},\"filed\":{\"N\":\"%d\"},"
        "\"tags\":{\"SS\":[\"open\",\"tax %d\"]},\"data\":{\"M\":{\"rooms\":{\"L\":[{\"N\":\"%d\"},{\"BOOL\":true}]}}},"
        "\"odd\":{\"B\":\"AAEC\"},"
        "\"parties\":{\"L\":[{\"M\":{\"name\":{\"S\":\"Ada\"},\"age\":{\"N\":\"%d\"}}},{\"M\":{\"name\":{\"S\":\"Bo\"}}}]}}}\n",
        number, number, number, number, number, number, number, 20 + number);
    for (int message = 0; message < MESSAGES; message++)
        fprintf(file,
                "{\"Item\":{\"pk\":{\"S\":\"case|%d-26\"},\"sk\":{\"S\":\"message|m%d-%d\"},\"entityName\":{\"S\":\"Message\"},"
                "\"docketNumber\":{\"S\":\"%d-26\"},\"messageId\":{\"S\":\"m%d-%d\"},\"subject\":{\"S\":\"re: %d\"},"
                "\"isRead\":{\"BOOL\":%s}}}\n",
                number, number, message, number, number, message, message, message % 2 ? "true" : "false");
}

static void write_efcms(const char *folder)
{
    FILE *file = create(folder, "items.json");
    for (int number = 0; number < CASES; number++)
        write_case(file, number);
    for (int odd = 0; odd < ODDITIES; odd++)
        fprintf(file,
                "{\"Item\":{\"pk\":{\"S\":\"odd|%d\"},\"sk\":{\"S\":\"\\u0000\"},\"Item\":{\"M\":{\"S\":{\"S\":\"x\"}}}}}\n",
                odd);
    fclose(file);
    file = create(folder, "table.json");
    fputs("{\"Table\":{\"TableName\":\"efcms\",\"AttributeDefinitions\":[{\"AttributeName\":\"pk\",\"AttributeType\":\"S\"},"
          "{\"AttributeName\":\"sk\",\"AttributeType\":\"S\"}],\"KeySchema\":[{\"AttributeName\":\"pk\",\"KeyType\":\"HASH\"},"
          "{\"AttributeName\":\"sk\",\"KeyType\":\"RANGE\"}]}}",
          file);
    fclose(file);
}

static void write_devices(const char *folder)
{
    FILE *file = create(folder, "items.json");
    for (int device = 0; device < DEVICES; device++)
        fprintf(file, "{\"Item\":{\"id\":{\"N\":\"%d\"},\"weight\":{\"N\":\"%d.250\"}}}\n", device * 1000, device);
    fclose(file);
    file = create(folder, "table.json");
    fputs("{\"Table\":{\"TableName\":\"devices\",\"AttributeDefinitions\":[{\"AttributeName\":\"id\",\"AttributeType\":\"N\"}],"
          "\"KeySchema\":[{\"AttributeName\":\"id\",\"KeyType\":\"HASH\"}]}}",
          file);
    fclose(file);
}

static void write_source(void)
{
    char folder[2 * PATH_BYTES];
    (void)snprintf(source_path, sizeof source_path, "%s/source", harness_dir());
    assert_int_equal(mkdir(source_path, 0755), 0);
    (void)snprintf(folder, sizeof folder, "%s/efcms", source_path);
    assert_int_equal(mkdir(folder, 0755), 0);
    write_efcms(folder);
    (void)snprintf(folder, sizeof folder, "%s/devices", source_path);
    assert_int_equal(mkdir(folder, 0755), 0);
    write_devices(folder);
}

static void plan_migrations(void)
{
    struct err err = ERR_INIT;
    size_t written;
    (void)snprintf(migrations_path, sizeof migrations_path, "%s/migrations", harness_dir());
    struct migrate_plan_options options = { .dir = migrations_path, .version_base = 20261121090000 };
    harness_check(migrate_plan(&map, &options, &written, &err), &err);
}

int court_start(void **state)
{
    struct err err = ERR_INIT;
    if (harness_start(state) != 0)
        return -1;
    arena_init(&map_arena, MAP_ARENA_BYTES);
    if (map_read_yaml(span_from_cstr(map_yaml), "landfall.yaml", &map_arena, &map, &err) != LF_OK) {
        print_error("%s\n", err.message);
        return -1;
    }
    write_source();
    plan_migrations();
    return 0;
}

int court_stop(void **state)
{
    arena_done(&map_arena);
    return harness_stop(state);
}

const struct map *court_map(void)
{
    return &map;
}

struct span court_map_yaml(void)
{
    return span_from_cstr(map_yaml);
}

const char *court_migrations_path(void)
{
    return migrations_path;
}

void court_migrate(struct pg_conn *conn)
{
    struct err err = ERR_INIT;
    harness_check(migrate_up(conn, &(struct migrate_up_options){ .dir = migrations_path, .last = MIGRATION_TABLES }, &err), &err);
}

const char *court_source_path(void)
{
    return source_path;
}

void court_open_source(struct source *ret_source)
{
    struct err err = ERR_INIT;
    harness_check(source_open(source_path, &(struct source_options){ 0 }, ret_source, &err), &err);
}

static bool go_on(void *context, const struct backfill_progress *progress)
{
    (void)context, (void)progress;
    return false;
}

const char *court_new_database(const char *name)
{
    struct err err = ERR_INIT;
    struct source source;
    struct arena arena;
    struct backfill_result result;
    const char *uri = harness_new_database(name);
    struct pg_conn *conn = harness_connect(uri);
    court_migrate(conn);
    pg_close(conn);

    struct backfill_options options = {
        .postgres = uri, .migrations = migrations_path, .map_yaml = span_from_cstr(map_yaml), .jobs = 2
    };
    court_open_source(&source);
    arena_init(&arena, MAP_ARENA_BYTES);
    harness_check(backfill_run(&map, &source, &options, go_on, NULL, &arena, &result, &err), &err);
    assert_int_equal(result.totals.items, COURT_ITEMS);
    assert_int_equal(result.totals.unclaimed, ODDITIES);
    arena_done(&arena);
    source_close(&source);
    return uri;
}
