#include "gateway/read_page.h"

#include "gateway/json_members.h"
#include "item/canonical.h"
#include "item/ddbjson.h"

enum { FINGERPRINT_BYTES = 16 };

/* Of the key and what is read from there. */
static void make_fingerprint(const struct read_keys *keys, const struct item *key, char fingerprint[2 * FINGERPRINT_BYTES])
{
    struct hash128 hash = item_hash(key);
    memcpy(fingerprint, &hash.low, sizeof hash.low);
    memcpy(fingerprint + sizeof hash.low, &hash.high, sizeof hash.high);
    memcpy(fingerprint + FINGERPRINT_BYTES, keys->keys[0].place.h.ptr, FINGERPRINT_BYTES);
}

static enum lf_code run(struct call *call, const struct read_keys *keys, const struct pg_statement *statement,
                        const struct item *key, struct err *err)
{
    static const bool binary[] = { false, true };
    char fingerprint[2 * FINGERPRINT_BYTES];
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    struct span name = keys->keys[0].table->name;
    make_fingerprint(keys, key, fingerprint);
    const struct pg_field values[] = { { name.ptr, name.len }, { fingerprint, sizeof fingerprint } };
    return db_write(call->worker->db, statement, &(struct pg_params){ .values = values, .binary = binary, .count = 2 }, &rows,
                    err);
}

static enum lf_code read_last(struct call *call, struct span answer, struct item *ret_key, bool *ret_has_more, struct err *err)
{
    struct json_members members;
    struct json_reader json;
    TRY(json_members_read(answer, call->arena, &members, err));
    struct span last = json_members_get(&members, SPAN("LastEvaluatedKey"));
    *ret_has_more = last.len > 0;
    if (!last.len)
        return LF_OK;
    json_init(&json, last, call->arena);
    return ddbjson_read_item(&json, ret_key, err);
}

/* In a statement behind that which keeps the key: who registers after it finds the key. */
static enum lf_code has_journals(struct db *db, bool *ret_has, struct err *err)
{
    static const struct pg_statement look = { .sql = "SELECT 1 FROM landfall.gateway WHERE journal IS NOT NULL LIMIT 1" };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_query(db, &look, &(struct pg_params){ 0 }, &rows, err));
    *ret_has = pg_result_rows(rows) > 0;
    return LF_OK;
}

enum lf_code read_page_keep(struct call *call, const struct read_keys *keys, struct span answer, bool *ret_may_give,
                            struct err *err)
{
    static const struct pg_statement keep = {
        .sql = "WITH old AS (DELETE FROM landfall.page WHERE given_at < now() - interval '1 hour') INSERT INTO landfall.page "
               "(table_name, "
               "fingerprint) VALUES ($1::text, $2::bytea) ON CONFLICT (table_name, fingerprint) DO UPDATE SET given_at = now()",
    };
    struct item key;
    bool has_more = false, has = catalog_has_journals(call->worker->catalog);
    TRY(read_last(call, answer, &key, &has_more, err));
    if (has_more && !has) {
        TRY(run(call, keys, &keep, &key, err));
        TRY(has_journals(call->worker->db, &has, err));
    }
    *ret_may_give = !has_more || !has;
    return LF_OK;
}

enum lf_code read_page_forget(struct call *call, const struct read_keys *keys, struct span answer, struct err *err)
{
    static const struct pg_statement forget = {
        .sql = "DELETE FROM landfall.page WHERE table_name = $1::text AND fingerprint = $2::bytea"
    };
    struct item key;
    bool has_more = false;
    if (catalog_pages_are_dynamodbs(call->worker->catalog))
        return LF_OK;
    TRY(read_last(call, answer, &key, &has_more, err));
    return has_more ? run(call, keys, &forget, &key, err) : LF_OK;
}

enum lf_code read_page_is_ours(struct call *call, const struct read_keys *keys, bool *ret_ours, struct err *err)
{
    static const struct pg_statement look = {
        .sql = "SELECT 1 FROM landfall.page WHERE table_name = $1::text AND fingerprint = $2::bytea AND given_at > now() - "
               "interval '1 "
               "hour'",
    };
    static const bool binary[] = { false, true };
    char fingerprint[2 * FINGERPRINT_BYTES];
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    struct span name = keys->keys[0].table->name;
    *ret_ours = false;
    if (catalog_pages_are_dynamodbs(call->worker->catalog))
        return LF_OK;
    make_fingerprint(keys, keys->start, fingerprint);
    const struct pg_field values[] = { { name.ptr, name.len }, { fingerprint, sizeof fingerprint } };
    TRY(db_query(call->worker->db, &look, &(struct pg_params){ .values = values, .binary = binary, .count = 2 }, &rows, err));
    *ret_ours = pg_result_rows(rows) > 0;
    return LF_OK;
}
