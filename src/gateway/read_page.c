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

static enum lf_code note(struct call *call, const struct read_keys *keys, enum read_page_side side, const struct item *key,
                         struct err *err)
{
    static const struct pg_statement forget = {
        .sql = "DELETE FROM landfall.page WHERE table_name = $1::text AND fingerprint = $2::bytea"
    };
    static const struct pg_statement keep = {
        .sql = "WITH old AS (DELETE FROM landfall.page WHERE given_at < now() - interval '1 hour') INSERT INTO landfall.page "
               "(table_name, "
               "fingerprint) VALUES ($1::text, $2::bytea) ON CONFLICT (table_name, fingerprint) DO UPDATE SET given_at = now()",
    };
    static const bool binary[] = { false, true };
    char fingerprint[2 * FINGERPRINT_BYTES];
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    struct span name = keys->keys[0].table->name;
    make_fingerprint(keys, key, fingerprint);
    const struct pg_field values[] = { { name.ptr, name.len }, { fingerprint, sizeof fingerprint } };
    return db_write(call->worker->db, side == READ_PAGE_OF_POSTGRES ? &keep : &forget,
                    &(struct pg_params){ .values = values, .binary = binary, .count = 2 }, &rows, err);
}

enum lf_code read_page_note(struct call *call, const struct read_keys *keys, enum read_page_side side, struct span answer,
                            struct err *err)
{
    struct json_members members;
    struct json_reader json;
    struct item key;
    TRY(json_members_read(answer, call->arena, &members, err));
    struct span last = json_members_get(&members, SPAN("LastEvaluatedKey"));
    if (!last.len)
        return LF_OK;
    json_init(&json, last, call->arena);
    TRY(ddbjson_read_item(&json, &key, err));
    return note(call, keys, side, &key, err);
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
    make_fingerprint(keys, keys->start, fingerprint);
    const struct pg_field values[] = { { name.ptr, name.len }, { fingerprint, sizeof fingerprint } };
    TRY(db_query(call->worker->db, &look, &(struct pg_params){ .values = values, .binary = binary, .count = 2 }, &rows, err));
    *ret_ours = pg_result_rows(rows) > 0;
    return LF_OK;
}
