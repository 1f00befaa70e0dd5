#include "base/hash.h"
#include "gateway/store/row_arrays.h"
#include "gateway/store/store.h"

int64_t store_lock_id(const struct table *table, const struct key *key)
{
    uint64_t id = (uint64_t)table->id;
    return (int64_t)hash64(span_of((const char *)&id, sizeof id), key_hash(key));
}

enum lf_code store_lock_keys(struct db_transaction *transaction, const struct store_lock *locks, size_t count, struct err *err)
{
    static const struct pg_statement take = {
        .sql = "SELECT count(pg_advisory_xact_lock(id)) FROM (SELECT id FROM unnest($1::int8[]) AS id ORDER BY id) AS ids",
    };
    struct row_arrays arrays;
    struct pg_params params;
    PG_RESULT_CLEANUP struct pg_result *taken = NULL;
    row_arrays_init(&arrays);
    row_arrays_add(&arrays, PG_OID_INT8, count);
    for (size_t i = 0; i < count; i++)
        row_arrays_put_int64(&arrays, store_lock_id(locks[i].table, &locks[i].key));
    enum lf_code code = row_arrays_params(&arrays, &params, err);
    if (!code)
        code = db_tx_query(transaction, &take, &params, &taken, err);
    row_arrays_done(&arrays);
    return code;
}
