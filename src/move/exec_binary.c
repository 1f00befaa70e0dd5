#include "move/exec_binary.h"

enum lf_code exec_binary(struct pg_conn *conn, const char *sql, const struct pg_field *values, size_t count,
                         int64_t *ret_affected, struct err *err)
{
    bool binary[EXEC_PARAMETERS_MAX];
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    if (count > EXEC_PARAMETERS_MAX)
        return ERR(err, LF_LIMIT, "a statement of %zu parameters, more than %d", count, EXEC_PARAMETERS_MAX);
    memset(binary, true, sizeof binary);
    TRY(pg_query(conn, sql, &(struct pg_params){ .values = values, .binary = binary, .count = count }, &result, err));
    if (ret_affected)
        *ret_affected = pg_result_affected(result);
    return LF_OK;
}
