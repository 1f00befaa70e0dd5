#include "move/violations_move.h"

#include <inttypes.h>
#include <stdio.h>

#include "item/ddbjson.h"
#include "map/ddl.h"
#include "map/row.h"
#include "move/copy_rows.h"
#include "move/item_row.h"
#include "move/parity.h"

enum {
    BATCH_ROWS = 256,
    BATCH_ARENA_BYTES = 1024 * 1024 * 1024,
    SQL_BYTES_MAX = 256 * 1024 * 1024,
    ROWS_BYTES_MAX = 1024 * 1024 * 1024,
    SUMS_BYTES_MAX = PARITY_SEGMENTS * 32,
    LEADING_FIELDS = 4, /* n, what, reason, again */
};

struct moving {
    struct pg_conn *conn;
    const struct map *map;
    struct violations *violations;
    struct arena arena; /* of one batch */
    struct buf sql, rows;
};

static enum lf_code run_sql(struct moving *moving, struct err *err)
{
    TRY(buf_check(&moving->sql, err));
    enum lf_code code = moving->sql.len ? pg_exec(moving->conn, buf_cstr(&moving->sql), err) : LF_OK;
    buf_reset(&moving->sql);
    return code;
}

/* Finding ----------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code count_listed(struct pg_conn *conn, uint64_t *ret_count, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    TRY(pg_query(conn, "SELECT count(*) FROM pg_temp.landfall_violation", NULL, &result, err));
    *ret_count = (uint64_t)pg_result_int64(result, 0, 0);
    return LF_OK;
}

/* Rows whose parent is listed are orphans in the next round. */
static enum lf_code find(struct moving *moving, enum ddl_violation_kind kind, uint64_t *ret_count, struct err *err)
{
    bool repeats = kind == DDL_VIOLATES_REFERENCES || kind == DDL_VIOLATES_CONTRACT;
    uint64_t before, count = 0;
    do {
        before = count;
        ddl_put_violations_find(&moving->sql, moving->map, kind);
        TRY(run_sql(moving, err));
        TRY(count_listed(moving->conn, &count, err));
    } while (repeats && count > before);
    *ret_count = count;
    return LF_OK;
}

/* The report -------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code find_violation(struct violations *violations, struct span table, struct span constraint, bool is_rejected,
                                   struct violation **ret_violation, struct err *err)
{
    for (size_t i = 0; i < violations->count; i++) {
        struct violation *known = &violations->items[i];
        if (span_equal(known->table, table) && span_equal(known->constraint, constraint) && known->is_rejected == is_rejected) {
            *ret_violation = known;
            return LF_OK;
        }
    }
    struct violation *items = arena_calloc(violations->arena, violations->count + 1, sizeof *items, err);
    if (!items)
        return err->code;
    if (violations->count)
        memcpy(items, violations->items, violations->count * sizeof *items);
    violations->items = items;
    struct violation *added = &items[violations->count++];
    *added = (struct violation){ .is_rejected = is_rejected };
    TRY(arena_copy(violations->arena, table, &added->table, err));
    TRY(arena_copy(violations->arena, constraint, &added->constraint, err));
    *ret_violation = added;
    return LF_OK;
}

static enum lf_code add_key(struct violations *violations, struct violation *violation, const struct entity *entity,
                            const struct item *item, struct err *err)
{
    struct buf key;
    if (violation->key_count == VIOLATION_KEYS_MAX)
        return LF_OK;
    buf_init(&key, SQL_BYTES_MAX);
    key_describe(&entity->dynamodb_table->key, item, &key);
    enum lf_code code = buf_check(&key, err);
    if (code == LF_OK)
        code = arena_copy(violations->arena, buf_span(&key), &violation->keys[violation->key_count], err);
    violation->key_count += code == LF_OK;
    buf_done(&key);
    return code;
}

/* Moving -----------------------------------------------------------------------------------------------------------------------
 */

/* Rows on their way to landfall.item or landfall.reject. */
static const char sql_make_moved[] = "CREATE TEMPORARY TABLE landfall_moved (table_name text, h bytea, sk bytea, pk bytea,"
                                     " item json, reason text, again boolean) ON COMMIT DROP";
static const char sql_copy_moved[] =
    "COPY pg_temp.landfall_moved (table_name, h, sk, pk, item, reason, again) FROM STDIN (FORMAT binary)";

/* An item whose key landfall.item has already is there more than once, too. */
#define SQL_HAS_ITEM \
    "EXISTS (SELECT FROM landfall.item i WHERE i.table_name = m.table_name AND i.h = m.h AND i.sk = m.sk AND i.pk = m.pk)"
static const char sql_put_rejects[] =
    "INSERT INTO landfall.reject (load_id, file, line, reason, content)"
    " SELECT (SELECT max(s.load_id) FROM landfall.segment s WHERE s.table_name = m.table_name), m.table_name, 0, m.reason,"
    "  pg_catalog.convert_to('{\"Item\":' || m.item::text || '}', 'UTF8')"
    " FROM pg_temp.landfall_moved m WHERE m.again OR " SQL_HAS_ITEM
    " RETURNING load_id, pg_catalog.convert_from(content, 'UTF8')";
static const char sql_put_items[] = "INSERT INTO landfall.item (table_name, h, sk, pk, item, reason)"
                                    " SELECT m.table_name, m.h, m.sk, m.pk, m.item, m.reason FROM pg_temp.landfall_moved m"
                                    " WHERE NOT m.again AND NOT " SQL_HAS_ITEM;

static struct span text_of(const struct pg_field *field)
{
    return span_of(field->data, field->len);
}

/* One row that was found, as a row of landfall_moved and in the report. */
static enum lf_code take_row(struct moving *moving, const struct entity *entity, const struct pg_field *fields, struct err *err)
{
    struct item item;
    struct key key;
    struct violation *violation;
    struct pg_field moved[ITEM_ROW_FIELDS + 1];
    struct span table = entity->dynamodb_table->name;
    bool again = fields[3].data[0] != 0;
    TRY(row_decode(entity, fields + LEADING_FIELDS, &moving->arena, &item, err));
    TRY(key_of_item(&entity->dynamodb_table->key, &item, &moving->arena, &key, err));
    TRY(item_row_fields(table, &key, &item, text_of(&fields[2]), &moving->arena, moved, err));
    moved[ITEM_ROW_FIELDS] = fields[3];
    pg_put_copy_row(&moving->rows, moved, ITEM_ROW_FIELDS + 1);
    TRY(find_violation(moving->violations, entity->table, text_of(&fields[1]), again, &violation, err));
    violation->items++;
    *(again ? &moving->violations->rejected : &moving->violations->moved) += 1;
    return add_key(moving->violations, violation, entity, &item, err);
}

static enum lf_code take_rows(struct moving *moving, const struct entity *entity, struct copy_rows *rows, int64_t *last,
                              unsigned *ret_count, struct err *err)
{
    size_t field_count = LEADING_FIELDS + row_select_count(entity);
    struct pg_field *fields = arena_calloc(&moving->arena, field_count, sizeof *fields, err);
    *ret_count = 0;
    for (bool end = false; fields;) {
        TRY(copy_rows_next(rows, fields, field_count, &end, err));
        if (end)
            return LF_OK;
        if (take_row(moving, entity, fields, err) != LF_OK)
            break;
        struct pg_reader n = { fields[0].data, fields[0].data + fields[0].len };
        if (pg_get_int64(&n, last, err) != LF_OK)
            break;
        *ret_count += 1;
    }
    copy_rows_abort(rows);
    return err->code;
}

static enum lf_code read_batch(struct moving *moving, size_t number, int64_t *last, unsigned *ret_count, struct err *err)
{
    struct copy_rows rows;
    buf_put_cstr(&moving->sql, "COPY (");
    ddl_put_violations_select(&moving->sql, moving->map, number, *last, BATCH_ROWS);
    buf_put_cstr(&moving->sql, ") TO STDOUT (FORMAT binary)");
    TRY(buf_check(&moving->sql, err));
    TRY(copy_rows_begin(moving->conn, buf_cstr(&moving->sql), &rows, err));
    buf_reset(&moving->sql);
    buf_reset(&moving->rows);
    pg_put_copy_header(&moving->rows);
    TRY(take_rows(moving, ddl_violation_entity(moving->map, number), &rows, last, ret_count, err));
    pg_put_copy_trailer(&moving->rows);
    return buf_check(&moving->rows, err);
}

/* Sums -------------------------------------------------------------------------------------------------------------------------
 */

/* What rejected items of one DynamoDB table amount to. */
struct rejected {
    int64_t load;
    uint64_t count;
    struct parity sums;
};

static enum lf_code add_rejected(struct moving *moving, const struct map_table *table, const struct pg_result *result,
                                 struct rejected *rejected, struct err *err)
{
    for (size_t row = 0; row < pg_result_rows(result); row++) {
        struct item item;
        struct key key;
        struct pg_field content = pg_result_get(result, row, 1);
        TRY(ddbjson_read_line(text_of(&content), &moving->arena, &item, err));
        TRY(key_of_item(&table->key, &item, &moving->arena, &key, err));
        parity_add_item(&rejected->sums, &key, &item);
        rejected->load = pg_result_int64(result, row, 0);
        rejected->count++;
    }
    return LF_OK;
}

static enum lf_code read_sums(struct copy_rows *rows, struct parity *sums, struct err *err)
{
    for (;;) {
        bool end;
        struct pg_field field;
        struct parity chunk;
        TRY(copy_rows_next(rows, &field, 1, &end, err));
        if (end)
            return LF_OK;
        if (parity_read(text_of(&field), &chunk, err) != LF_OK) {
            copy_rows_abort(rows);
            return err->code;
        }
        parity_add(sums, &chunk);
    }
}

/* All of the table's sums go to its first chunk, so that no chunk holds less than nothing. */
static enum lf_code write_sums(struct pg_conn *conn, struct span table, const struct rejected *rejected, struct span sums,
                               struct err *err)
{
    static const char sql[] =
        "WITH first AS (SELECT file, chunk FROM landfall.segment WHERE load_id = $1 AND table_name = $2 ORDER BY file, chunk "
        "LIMIT 1)"
        " UPDATE landfall.segment s SET sums = CASE WHEN (s.file, s.chunk) = (f.file, f.chunk) THEN $4 ELSE ''::bytea END,"
        " items = s.items - CASE WHEN (s.file, s.chunk) = (f.file, f.chunk) THEN $3::bigint ELSE 0 END,"
        " rejected = s.rejected + CASE WHEN (s.file, s.chunk) = (f.file, f.chunk) THEN $3::bigint ELSE 0 END"
        " FROM first f WHERE s.load_id = $1 AND s.table_name = $2";
    static const bool binary[] = { false, false, false, true };
    char load[PG_NUMBER_BYTES], count[PG_NUMBER_BYTES];
    struct pg_field values[] = { pg_number_field(rejected->load, load),
                                 { table.ptr, table.len },
                                 pg_number_field((int64_t)rejected->count, count),
                                 { sums.ptr ? sums.ptr : "", sums.len } };
    PG_RESULT_CLEANUP struct pg_result *result = NULL;
    return pg_query(conn, sql, &(struct pg_params){ .values = values, .binary = binary, .count = 4 }, &result, err);
}

static enum lf_code subtract(struct moving *moving, struct span table, const struct rejected *rejected, struct err *err)
{
    struct copy_rows rows;
    struct parity sums = { 0 };
    buf_printf(&moving->sql,
               "COPY (SELECT sums FROM landfall.segment WHERE load_id = %" PRId64 " AND table_name = ", rejected->load);
    ddl_put_literal(&moving->sql, table);
    buf_put_cstr(&moving->sql, ") TO STDOUT (FORMAT binary)");
    TRY(buf_check(&moving->sql, err));
    TRY(copy_rows_begin(moving->conn, buf_cstr(&moving->sql), &rows, err));
    buf_reset(&moving->sql);
    TRY(read_sums(&rows, &sums, err));
    parity_subtract(&sums, &rejected->sums);
    buf_reset(&moving->rows);
    parity_put(&moving->rows, &sums);
    TRY(buf_check(&moving->rows, err));
    return write_sums(moving->conn, table, rejected, buf_span(&moving->rows), err);
}

/* One batch
 * ---------------------------------------------------------------------------------------------------------------------- */

static enum lf_code put_batch(struct moving *moving, const struct map_table *table, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *rejects = NULL;
    struct rejected rejected = { 0 };
    TRY(pg_copy_in_begin(moving->conn, sql_copy_moved, err));
    TRY(pg_copy_in_put(moving->conn, buf_span(&moving->rows), err));
    TRY(pg_copy_in_end(moving->conn, NULL, err));
    TRY(pg_query(moving->conn, sql_put_rejects, NULL, &rejects, err));
    TRY(pg_exec(moving->conn, sql_put_items, err));
    TRY(pg_exec(moving->conn, "TRUNCATE pg_temp.landfall_moved", err));
    TRY(add_rejected(moving, table, rejects, &rejected, err));
    return rejected.count ? subtract(moving, table->name, &rejected, err) : LF_OK;
}

static enum lf_code move_entity(struct moving *moving, size_t number, struct err *err)
{
    const struct map_table *table = ddl_violation_entity(moving->map, number)->dynamodb_table;
    unsigned count = BATCH_ROWS;
    for (int64_t last = 0; count == BATCH_ROWS;) {
        arena_reset(&moving->arena);
        TRY(read_batch(moving, number, &last, &count, err));
        TRY(put_batch(moving, table, err));
    }
    return LF_OK;
}

static enum lf_code move_entities(struct moving *moving, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *entities = NULL;
    TRY(pg_exec(moving->conn, sql_make_moved, err));
    TRY(pg_exec(moving->conn, "ANALYZE pg_temp.landfall_violation", err));
    TRY(pg_query(moving->conn, "SELECT DISTINCT entity FROM pg_temp.landfall_violation ORDER BY 1", NULL, &entities, err));
    size_t count = pg_result_rows(entities);
    size_t *numbers = arena_calloc(moving->violations->arena, count, sizeof *numbers, err);
    if (!numbers)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        numbers[i] = (size_t)pg_result_int64(entities, i, 0);
        TRY(move_entity(moving, numbers[i], err));
    }
    ddl_put_violations_delete(&moving->sql, moving->map, numbers, count);
    return run_sql(moving, err);
}

static enum lf_code find_and_move(struct moving *moving, enum ddl_violation_kind kind, uint64_t *ret_moved, struct err *err)
{
    uint64_t count;
    buf_put_cstr(&moving->sql, "BEGIN;\n");
    ddl_put_violations_begin(&moving->sql, moving->map);
    TRY(run_sql(moving, err));
    TRY(find(moving, kind, &count, err));
    if (count)
        TRY(move_entities(moving, err));
    TRY(pg_exec(moving->conn, "COMMIT", err));
    *ret_moved = count;
    return LF_OK;
}

enum lf_code violations_move(struct pg_conn *conn, const struct map *map, enum ddl_violation_kind kind,
                             struct violations *violations, uint64_t *ret_moved, struct err *err)
{
    struct moving moving = { .conn = conn, .map = map, .violations = violations };
    struct violations before = *violations;
    arena_init(&moving.arena, BATCH_ARENA_BYTES);
    buf_init(&moving.sql, SQL_BYTES_MAX);
    buf_init(&moving.rows, ROWS_BYTES_MAX);
    enum lf_code code = find_and_move(&moving, kind, ret_moved, err);
    if (code != LF_OK) {
        struct err ignored = ERR_INIT;
        (void)!pg_exec(conn, "ROLLBACK", &ignored);
        *violations = before;
    }
    buf_done(&moving.rows);
    buf_done(&moving.sql);
    arena_done(&moving.arena);
    return code == LF_OK ? LF_OK : err_while(err, "moving rows that break constraints to landfall.item");
}
