/* landfall access-key: the keys that applications sign their requests with. */
#include <stdio.h>

#include "cli/command.h"
#include "cli/output.h"
#include "gateway/auth/access_key.h"
#include "gateway/gateway.h"

static enum lf_code print_new(const struct cli_options *options, const struct access_key *key, struct err *err)
{
    struct span secret = secret_reveal(key->secret);
    if (!options->json) {
        printf("AWS_ACCESS_KEY_ID=%.*s\nAWS_SECRET_ACCESS_KEY=%.*s\n", SPAN_ARG(key->id), SPAN_ARG(secret));
        fprintf(stderr, "The secret is shown this once; only %s opens what the database keeps of it.\n", options->key_file);
        return LF_OK;
    }
    BUF_CLEANUP struct buf json;
    buf_init(&json, COMMAND_ARENA_BYTES);
    json_out_open(&json, NULL, '{');
    json_out_text(&json, "access_key_id", key->id);
    json_out_text(&json, "secret_access_key", secret);
    json_out_close(&json, '}');
    return output_json(&json, err);
}

static enum lf_code create(const struct cli_options *options, struct pg_conn *conn, struct err *err)
{
    ARENA_CLEANUP struct arena arena;
    struct key_file *file = NULL;
    struct access_key key;
    arena_init(&arena, COMMAND_ARENA_BYTES);
    TRY(key_file_read(options->key_file, true, &file, err));
    enum lf_code code =
        access_key_create(conn, file, span_from_cstr(options->grants), span_from_cstr(options->note), &arena, &key, err);
    key_file_free(file);
    TRY(code);
    code = print_new(options, &key, err);
    struct span secret = secret_reveal(key.secret);
    secret_wipe((char *)(uintptr_t)secret.ptr, secret.len);
    return code;
}

static const char *const columns[] = { "access_key_id", "grants", "note", "created", "disabled" };

static void put_row(struct buf *json, const struct pg_result *rows, size_t row)
{
    json_out_open(json, NULL, '{');
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        json_out_text(json, columns[i], span_from_cstr(pg_result_text(rows, row, i)));
    json_out_close(json, '}');
}

static enum lf_code list(const struct cli_options *options, struct pg_conn *conn, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(pg_query(conn, "SELECT id, grants, note, created_at, disabled_at FROM landfall.access_key ORDER BY created_at",
                 &(struct pg_params){ 0 }, &rows, err));
    if (options->json) {
        BUF_CLEANUP struct buf json;
        buf_init(&json, COMMAND_ARENA_BYTES);
        json_out_open(&json, NULL, '[');
        for (size_t i = 0; i < pg_result_rows(rows); i++)
            put_row(&json, rows, i);
        json_out_close(&json, ']');
        return output_json(&json, err);
    }
    for (size_t i = 0; i < pg_result_rows(rows); i++)
        printf("%s  %s  %s%s%s\n", pg_result_text(rows, i, 0), pg_result_text(rows, i, 4)[0] ? "disabled" : "enabled ",
               pg_result_text(rows, i, 1), pg_result_text(rows, i, 2)[0] ? "  " : "", pg_result_text(rows, i, 2));
    return LF_OK;
}

static enum lf_code disable(const struct cli_options *options, struct pg_conn *conn, struct err *err)
{
    if (!options->id)
        return ERR(err, LF_USAGE, "which key? Write `landfall access-key disable ID`; `landfall access-key list` shows them");
    struct pg_field id = { options->id, strlen(options->id) };
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    TRY(pg_query(conn, "UPDATE landfall.access_key SET disabled_at = coalesce(disabled_at, now()) WHERE id = $1",
                 &(struct pg_params){ .values = &id, .count = 1 }, &result, err));
    if (pg_result_affected(result) == 0)
        return ERR(err, LF_NOT_FOUND, "there is no access key %s", options->id);
    if (!options->json)
        printf("disabled %s\n", options->id);
    return LF_OK;
}

enum lf_code command_access_key(const struct cli_options *options, struct err *err)
{
    PG_CONN_CLEANUP struct pg_conn *conn = NULL;
    TRY(pg_connect(options->postgres, &conn, err));
    TRY(gateway_prepare_schema(conn, err));
    switch (options->key_action) {
    case CLI_KEY_ACTION_CREATE:
        return create(options, conn, err);
    case CLI_KEY_ACTION_LIST:
        return list(options, conn, err);
    default:
        return disable(options, conn, err);
    }
}
