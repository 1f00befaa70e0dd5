#include "gateway/catalog.h"

enum lf_code catalog_begin_change(struct db_transaction *transaction, int64_t *ret_version, struct err *err)
{
    static const struct pg_statement bump = {
        .sql = "UPDATE landfall.catalog SET version = version + 1 RETURNING version::text",
    };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(db_tx_query(transaction, &bump, &(struct pg_params){ 0 }, &rows, err));
    *ret_version = pg_result_int64(rows, 0, 0);
    return LF_OK;
}

static enum lf_code change_table_in(struct db_transaction *transaction, const struct pg_statement *statement, struct span table,
                                    struct err *err)
{
    int64_t version = 0;
    struct pg_field name = pg_text_field(table);
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    TRY(catalog_begin_change(transaction, &version, err));
    return db_tx_query(transaction, statement, &(struct pg_params){ .values = &name, .count = 1 }, &rows, err);
}

enum lf_code catalog_change_table(struct db *db, const struct pg_statement *statement, struct span table, struct err *err)
{
    bool is_certain = false;
    struct db_transaction *transaction = NULL;
    TRY(db_begin(db, &transaction, err));
    enum lf_code code = change_table_in(transaction, statement, table, err);
    if (!code)
        return db_commit(transaction, &is_certain, err);
    db_rollback(transaction);
    return code;
}
