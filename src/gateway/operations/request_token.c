#include "gateway/operations/request_token.h"

#include "gateway/store/store.h"
#include "item/canonical.h"

/* Fingerprints ------------------------------------------------------------------------------------------------------------- */

void fingerprint_put_number(struct buf *fingerprint, uint64_t number)
{
    buf_put(fingerprint, &number, sizeof number);
}

void fingerprint_put(struct buf *fingerprint, struct span bytes)
{
    fingerprint_put_number(fingerprint, bytes.ptr ? bytes.len + 1 : 0);
    buf_put_span(fingerprint, bytes);
}

static void put_hash(struct buf *fingerprint, struct hash128 hash)
{
    fingerprint_put_number(fingerprint, hash.low);
    fingerprint_put_number(fingerprint, hash.high);
}

void fingerprint_put_item(struct buf *fingerprint, const struct item *item)
{
    put_hash(fingerprint, item_hash(item));
}

void fingerprint_put_value(struct buf *fingerprint, const struct value *value)
{
    put_hash(fingerprint, value_hash(value));
}

/* Hashed as an item of strings. */
void fingerprint_put_names(struct buf *fingerprint, const struct api_string_map *names)
{
    struct hash128 sum = { 0 };
    for (size_t i = 0; i < names->count; i++) {
        struct attribute name = { names->entries[i].name, value_string(names->entries[i].value) };
        sum = hash128_add(sum, item_hash(&(struct item){ &name, 1 }));
    }
    put_hash(fingerprint, sum);
}

enum lf_code request_token_init(struct request_token *token, struct span text, const struct buf *fingerprint, struct err *err)
{
    token->token = text;
    TRY(buf_check(fingerprint, err));
    sha256(buf_span(fingerprint), token->fingerprint);
    return LF_OK;
}

/* Tokens ------------------------------------------------------------------------------------------------------------------- */

/* Waits while another transaction holds the token's row. U+0000 may be in a token, but not in a text. */
static const struct pg_statement claim_statement = {
    .sql =
        "INSERT INTO landfall.request_token AS t (token, fingerprint, by_dynamodb) SELECT encode($1::bytea, 'escape'), "
        "$2::bytea, $3::text::boolean FROM (SELECT set_config('lock_timeout', '5000', true)) AS setting ON CONFLICT (token) DO "
        "UPDATE SET fingerprint = excluded.fingerprint, answered_at = excluded.answered_at, by_dynamodb = "
        "excluded.by_dynamodb WHERE t.answered_at < now() - interval '10 minutes' RETURNING true",
};
_Static_assert(STORE_LOCK_WAIT_MS == 5000 && REQUEST_TOKEN_SECONDS == 10 * 60, "as in the statement");

/* The values of statements that have a token's text and fingerprint as $1 and $2, and of the claim. */
struct token_values {
    struct pg_field values[3];
    bool binary[3];
};

static struct pg_params claim_params(const struct request_token *token, bool by_dynamodb, struct token_values *values)
{
    *values = (struct token_values){
        .values = { { .data = token->token.ptr, .len = token->token.len },
                    { .data = (const char *)token->fingerprint, .len = sizeof token->fingerprint },
                    pg_text_field(by_dynamodb ? SPAN("true") : SPAN("false")) },
        .binary = { true, true },
    };
    return (struct pg_params){ .values = values->values, .binary = values->binary, .count = 3 };
}

static struct pg_params token_params(const struct request_token *token, struct token_values *values)
{
    struct pg_params params = claim_params(token, false, values);
    params.count = 2;
    return params;
}

static enum lf_code insert(const struct request_token *token, struct db_transaction *transaction, bool *ret_is_ours,
                           struct err *err)
{
    struct token_values values;
    const struct pg_params params = claim_params(token, false, &values);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    enum lf_code code = db_tx_query(transaction, &claim_statement, &params, &rows, err);
    if (code && store_is_conflict(code, err))
        return ERR(err, LF_TRANSACTION_IN_PROGRESS, "The transaction with the given request token is already in progress.");
    if (!code)
        *ret_is_ours = pg_result_rows(rows) == 1;
    return code;
}

static enum lf_code refuse_mismatch(struct err *err)
{
    return ERR(err, LF_IDEMPOTENT_PARAMETER_MISMATCH,
               "Specified idempotent token was used with different request parameters within the idempotency window");
}

static enum lf_code compare(const struct request_token *token, struct db_transaction *transaction, struct err *err)
{
    static const struct pg_statement same = {
        .sql = "SELECT true FROM landfall.request_token WHERE token = encode($1::bytea, 'escape') AND fingerprint = $2::bytea",
    };
    struct token_values values;
    const struct pg_params params = token_params(token, &values);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_tx_query(transaction, &same, &params, &rows, err));
    return pg_result_rows(rows) == 1 ? LF_OK : refuse_mismatch(err);
}

enum lf_code request_token_claim(const struct request_token *token, struct db_transaction *transaction, bool *ret_was_done,
                                 struct err *err)
{
    bool is_ours = false;
    TRY(insert(token, transaction, &is_ours, err));
    *ret_was_done = !is_ours;
    return is_ours ? LF_OK : compare(token, transaction, err);
}

/* Across changes of the authority ------------------------------------------------------------------------------------------ */

enum lf_code request_token_note(const struct request_token *token, struct db *db, struct err *err)
{
    struct token_values values;
    const struct pg_params params = claim_params(token, true, &values);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    return db_write(db, &claim_statement, &params, &rows, err);
}

enum lf_code request_token_find(const struct request_token *token, struct db *db, bool *ret_was_done, struct err *err)
{
    static const struct pg_statement look = {
        .sql =
            "SELECT (fingerprint = $2::bytea)::int::text FROM landfall.request_token WHERE token = encode($1::bytea, 'escape') "
            "AND NOT by_dynamodb AND answered_at >= now() - interval '10 minutes'",
    };
    struct token_values values;
    const struct pg_params params = token_params(token, &values);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_query(db, &look, &params, &rows, err));
    *ret_was_done = pg_result_rows(rows) == 1;
    return *ret_was_done && pg_result_int64(rows, 0, 0) != 1 ? refuse_mismatch(err) : LF_OK;
}

enum lf_code request_token_read(const struct call *call, const void *request, struct request_token *ret_token, struct err *err)
{
    ret_token->token = span_of(NULL, 0);
    if (call->operation == operation_info(OPERATION_TRANSACT_WRITE_ITEMS))
        return transact_write_items_token(request, ret_token, err);
    if (call->operation == operation_info(OPERATION_EXECUTE_TRANSACTION))
        return execute_transaction_token(request, ret_token, err);
    return LF_OK;
}
