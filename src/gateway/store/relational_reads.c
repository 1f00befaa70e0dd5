#include "gateway/store/relational_reads.h"

#include "gateway/store/gather.h"
#include "gateway/store/item_columns.h"
#include "gateway/store/relational_rows.h"
#include "gateway/worker.h"

enum { XID_BYTES = 4, TID_BYTES = 6, KEY_FIELDS = 3 };

/* Where the item of a key goes. */
struct wanted {
    struct stored_item *item;
    struct arena *arena;
};

/* Keys of one source: number, partition key, sort key of each. */
struct source_keys {
    struct pg_field *fields;
    size_t count;
};

struct lookup {
    const struct table *table;
    const struct relational_table *state;
    struct arena *arena;
    struct source_keys *sources;
    bool locks, places_only;
};

/* Candidates -------------------------------------------------------------------------------------------------------------------
 */

enum lf_code relational_key_values(const struct relational_source *source, const struct key *key, struct arena *arena,
                                   struct pg_field *fields, bool *ret_held, struct err *err)
{
    const struct span bytes[] = { key->partition, key->sort };
    *ret_held = true;
    for (size_t i = 0; i < source->key.count && *ret_held; i++)
        TRY(key_search_value(&source->key.parts[i], bytes[i], arena, ret_held, &fields[i], err));
    return LF_OK;
}

static enum lf_code item_key_fields(const struct lookup *lookup, const struct key *key, struct pg_field *fields, struct err *err)
{
    struct item_place place;
    TRY(item_place(key, lookup->arena, &place, err));
    fields[1] = (struct pg_field){ place.h.ptr, place.h.len };
    fields[2] = (struct pg_field){ place.sk.ptr, place.sk.len };
    return LF_OK;
}

static enum lf_code add_key(struct lookup *lookup, size_t source, const struct key *key, struct pg_field number, struct err *err)
{
    struct source_keys *keys = &lookup->sources[source];
    struct pg_field *fields = keys->fields + KEY_FIELDS * keys->count;
    bool is_held = true;
    fields[0] = number;
    if (lookup->state->sources[source].entity)
        TRY(relational_key_values(&lookup->state->sources[source], key, lookup->arena, fields + 1, &is_held, err));
    else
        TRY(item_key_fields(lookup, key, fields, err));
    keys->count += is_held;
    return LF_OK;
}

static enum lf_code add_keys(struct lookup *lookup, const struct item_key *keys, size_t count, struct err *err)
{
    lookup->sources = arena_calloc(lookup->arena, lookup->state->count, sizeof *lookup->sources, err);
    if (!lookup->sources)
        return err->code;
    for (size_t s = 0; s < lookup->state->count; s++) {
        lookup->sources[s].fields = arena_calloc(lookup->arena, count, KEY_FIELDS * sizeof(struct pg_field), err);
        if (!lookup->sources[s].fields)
            return err->code;
    }
    for (size_t i = 0; i < count; i++) {
        struct pg_field number;
        TRY(pg_field_int64((int64_t)i, lookup->arena, &number, err));
        for (size_t s = 0; s < lookup->state->count; s++)
            TRY(add_key(lookup, s, &keys[i].bytes, number, err));
    }
    return LF_OK;
}

/* The statement ----------------------------------------------------------------------------------------------------------------
 */

static void put_condition(struct binary_sql *sql, const struct key_search_part *part, const char *name)
{
    struct key_operand operand = key_search_operand(part);
    key_operand_put(&sql->text, &operand);
    buf_printf(&sql->text, " = k.%s", name);
}

static void put_entity_keys(struct binary_sql *sql, const struct key_search *search, const struct source_keys *keys)
{
    for (size_t i = 0; i < search->count; i++) {
        struct key_operand operand = key_search_operand(&search->parts[i]);
        binary_sql_put(sql, ", unnest(");
        binary_sql_array(sql, keys->fields + 1 + i, keys->count, KEY_FIELDS, key_operand_oid(&operand),
                         key_operand_type(&operand));
        binary_sql_put(sql, i ? ") AS b" : ") AS a");
    }
}

static void put_keys(struct binary_sql *sql, const struct relational_source *source, const struct source_keys *keys)
{
    binary_sql_put(sql, "(SELECT unnest(");
    binary_sql_array(sql, keys->fields, keys->count, KEY_FIELDS, PG_OID_INT8, "int8");
    binary_sql_put(sql, ") AS n");
    if (source->entity) {
        put_entity_keys(sql, &source->key, keys);
    } else {
        binary_sql_put(sql, ", unnest(");
        binary_sql_array(sql, keys->fields + 1, keys->count, KEY_FIELDS, PG_OID_BYTEA, "bytea");
        binary_sql_put(sql, ") AS a, unnest(");
        binary_sql_array(sql, keys->fields + 2, keys->count, KEY_FIELDS, PG_OID_BYTEA, "bytea");
        binary_sql_put(sql, ") AS b");
    }
    binary_sql_put(sql, ") AS k");
}

static void put_conditions(struct binary_sql *sql, const struct table *table, const struct relational_source *source)
{
    if (!source->entity) {
        binary_sql_put(sql, "t.table_name = ");
        binary_sql_span(sql, table->name, "text");
        binary_sql_put(sql, " AND t.h = k.a AND t.sk = k.b");
        return;
    }
    put_condition(sql, &source->key.parts[0], "a");
    if (source->key.count > 1) {
        binary_sql_put(sql, " AND ");
        put_condition(sql, &source->key.parts[1], "b");
    }
}

static void put_source(struct binary_sql *sql, const struct lookup *lookup, size_t number)
{
    const struct relational_source *source = &lookup->state->sources[number];
    binary_sql_put(sql, sql->text.len ? "\nUNION ALL SELECT k.n, s.* FROM " : "SELECT k.n, s.* FROM ");
    put_keys(sql, source, &lookup->sources[number]);
    binary_sql_put(sql, " CROSS JOIN LATERAL (SELECT " RELATIONAL_VERSION);
    if (lookup->places_only)
        buf_printf(&sql->text, "%zu", number);
    else
        buf_put_span(&sql->text, source->columns);
    binary_sql_put(sql, " FROM ");
    buf_put_span(&sql->text, source->name);
    binary_sql_put(sql, " AS t WHERE ");
    put_conditions(sql, lookup->table, source);
    binary_sql_put(sql, lookup->locks ? " FOR NO KEY UPDATE) AS s" : ") AS s");
}

static enum lf_code run(const struct lookup *lookup, struct db *db, struct db_transaction *transaction,
                        struct pg_result **ret_rows, struct err *err)
{
    BINARY_SQL_CLEANUP struct binary_sql sql;
    binary_sql_init(&sql, lookup->arena);
    for (size_t i = 0; i < lookup->state->count; i++)
        if (lookup->sources[i].count)
            put_source(&sql, lookup, i);
    return db_run(db, transaction, &sql, ret_rows, err);
}

/* Rows -------------------------------------------------------------------------------------------------------------------------
 */

/* Rows whose key another source has, too. */
struct rivals {
    struct stored_item *rows;
    size_t count;
};

static void settle(struct stored_item *item, struct stored_item row, struct rivals *rivals)
{
    bool comes_first = !item->is_present || relational_place_of(&row).source < relational_place_of(item).source;
    if (item->is_present)
        rivals->rows[rivals->count++] = comes_first ? *item : row;
    if (comes_first)
        *item = row;
}

static enum lf_code take_row(const struct lookup *lookup, const struct pg_result *rows, size_t row, struct arena *arena,
                             struct stored_item *ret_item, struct err *err)
{
    return lookup->places_only ? relational_row_read_place(lookup->table, rows, row, 1, ret_item, err)
                               : relational_row_read_version(lookup->table, rows, row, 1, arena, ret_item, err);
}

static enum lf_code take_rows(const struct lookup *lookup, const struct pg_result *rows, const struct wanted *wanted,
                              size_t count, struct rivals *rivals, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        *wanted[i].item = (struct stored_item){ 0 };
    rivals->count = 0;
    rivals->rows = arena_calloc(lookup->arena, pg_result_rows(rows) + 1, sizeof *rivals->rows, err);
    if (!rivals->rows)
        return err->code;
    for (size_t i = 0; i < pg_result_rows(rows); i++) {
        struct stored_item row;
        size_t number = 0;
        TRY(relational_row_number(rows, i, 0, count, &number, err));
        TRY(take_row(lookup, rows, i, wanted[number].arena, &row, err));
        settle(wanted[number].item, row, rivals);
    }
    return LF_OK;
}

static enum lf_code read_wanted(struct db *db, struct db_transaction *transaction, struct lookup *lookup,
                                const struct item_key *keys, const struct wanted *wanted, size_t count, struct rivals *rivals,
                                struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    lookup->state = relational_table_of(lookup->table);
    TRY(add_keys(lookup, keys, count, err));
    TRY(run(lookup, db, transaction, &rows, err));
    return take_rows(lookup, rows, wanted, count, rivals, err);
}

static enum lf_code read_keys(struct db *db, struct db_transaction *transaction, struct lookup *lookup,
                              const struct item_key *keys, size_t count, struct stored_item *ret_items, struct rivals *rivals,
                              struct err *err)
{
    struct wanted *wanted = arena_calloc(lookup->arena, count + 1, sizeof *wanted, err);
    if (!wanted)
        return err->code;
    for (size_t i = 0; i < count; i++)
        wanted[i] = (struct wanted){ &ret_items[i], lookup->arena };
    return read_wanted(db, transaction, lookup, keys, wanted, count, rivals, err);
}

/* Many requests as one statement ----------------------------------------------------------------------------------------------
 */

struct get {
    const struct item_key *keys;
    struct stored_item *items;
};

static enum lf_code get_batch(struct worker *worker, const struct table *table, struct gather_member *const *members,
                              size_t count, struct err *err)
{
    struct rivals rivals;
    struct lookup lookup = { .table = table, .arena = members[0]->arena };
    size_t total = gather_count(members, count), at = 0;
    struct item_key *keys = arena_calloc(lookup.arena, total, sizeof *keys, err);
    struct wanted *wanted = keys ? arena_calloc(lookup.arena, total, sizeof *wanted, err) : NULL;
    if (!wanted)
        return err->code;
    for (size_t i = 0; i < count; i++) {
        const struct get *get = members[i]->what;
        for (size_t k = 0; k < members[i]->count; k++, at++) {
            keys[at] = get->keys[k];
            wanted[at] = (struct wanted){ &get->items[k], members[i]->arena };
        }
    }
    return read_wanted(worker->db, NULL, &lookup, keys, wanted, total, &rivals, err);
}

enum lf_code relational_get(struct worker *worker, const struct table *table, const struct item_key *keys, size_t count,
                            struct arena *arena, struct stored_item *ret_items, struct err *err)
{
    struct get get = { keys, ret_items };
    struct gather_member member = { .what = &get, .arena = arena, .count = count };
    return gather_join(worker->reads, table, get_batch, 0, &member, err);
}

enum lf_code relational_get_in(struct db_transaction *transaction, const struct table *table, const struct item_key *keys,
                               size_t count, struct arena *arena, struct stored_item *ret_items, struct err *err)
{
    struct rivals rivals;
    struct lookup lookup = { .table = table, .arena = arena };
    return read_keys(db_of(transaction), transaction, &lookup, keys, count, ret_items, &rivals, err);
}

/* Locking ----------------------------------------------------------------------------------------------------------------------
 */

static enum lf_code put_place(const struct stored_item *row, struct binary_sql *sql, struct pg_field *fields, struct err *err)
{
    struct relational_place place = relational_place_of(row);
    struct buf buf;
    struct span bytes = { NULL, 0 };
    buf_init(&buf, TID_BYTES + XID_BYTES);
    pg_put_int32(&buf, (int32_t)place.block);
    pg_put_int16(&buf, (int16_t)place.offset);
    pg_put_int32(&buf, (int32_t)place.xmin);
    enum lf_code code = buf_check(&buf, err);
    if (!code)
        code = arena_copy(sql->arena, buf_span(&buf), &bytes, err);
    buf_done(&buf);
    TRY(code);
    fields[0] = (struct pg_field){ bytes.ptr, TID_BYTES };
    fields[1] = (struct pg_field){ bytes.ptr + TID_BYTES, XID_BYTES };
    return LF_OK;
}

enum lf_code relational_put_places(struct binary_sql *sql, const struct stored_item *const *rows, size_t count, struct err *err)
{
    struct pg_field *fields = arena_calloc(sql->arena, count, 2 * sizeof *fields, err);
    if (!fields)
        return err->code;
    for (size_t i = 0; i < count; i++)
        TRY(put_place(rows[i], sql, &fields[2 * i], err));
    binary_sql_put(sql, "unnest(");
    binary_sql_array(sql, fields, count, 2, PG_OID_TID, "tid");
    binary_sql_put(sql, ") AS place, unnest(");
    binary_sql_array(sql, fields + 1, count, 2, PG_OID_XID, "xid");
    binary_sql_put(sql, ") AS version");
    return LF_OK;
}

static enum lf_code run_delete(struct db_transaction *transaction, struct binary_sql *sql, size_t count, struct err *err)
{
    PG_RESULT_CLEANUP struct pg_result *deleted = NULL;
    TRY(db_run(db_of(transaction), transaction, sql, &deleted, err));
    if ((size_t)pg_result_affected(deleted) != count)
        return ERR(err, LF_TRANSACTION_CONFLICT, "a row changed although its key was locked: somebody writes the table by SQL");
    return LF_OK;
}

enum lf_code relational_delete(struct db_transaction *transaction, const struct table *table, size_t source,
                               const struct stored_item *const *rows, size_t count, struct arena *arena, struct err *err)
{
    BINARY_SQL_CLEANUP struct binary_sql sql;
    binary_sql_init(&sql, arena);
    binary_sql_put(&sql, "DELETE FROM ");
    buf_put_span(&sql.text, relational_table_of(table)->sources[source].name);
    binary_sql_put(&sql, " AS t USING (SELECT ");
    TRY(relational_put_places(&sql, rows, count, err));
    binary_sql_put(&sql, ") AS k WHERE t.ctid = k.place AND t.xmin = k.version");
    return run_delete(transaction, &sql, count, err);
}

static enum lf_code delete_rivals(struct db_transaction *transaction, const struct table *table, const struct rivals *rivals,
                                  struct arena *arena, struct err *err)
{
    for (size_t i = 0; i < rivals->count; i++) {
        const struct stored_item *row = &rivals->rows[i];
        TRY(relational_delete(transaction, table, relational_place_of(row).source, &row, 1, arena, err));
    }
    return LF_OK;
}

static bool has_children(const struct lookup *lookup)
{
    for (size_t i = 0; i + 1 < lookup->state->count; i++)
        if (lookup->sources[i].count && lookup->state->sources[i].entity->child_count)
            return true;
    return false;
}

/* A row that had to be waited for is the newest, the rows of its child tables beside it are not: they are read again. */
enum lf_code relational_lock(struct db_transaction *transaction, const struct table *table, const struct item_key *keys,
                             size_t count, struct arena *arena, struct stored_item *ret_items, struct err *err)
{
    struct rivals rivals;
    struct lookup lookup = { .table = table, .arena = arena, .locks = true };
    TRY(read_keys(db_of(transaction), transaction, &lookup, keys, count, ret_items, &rivals, err));
    if (has_children(&lookup)) {
        lookup.locks = false;
        TRY(read_keys(db_of(transaction), transaction, &lookup, keys, count, ret_items, &rivals, err));
    }
    return delete_rivals(transaction, table, &rivals, arena, err);
}

enum lf_code relational_lock_places(struct db_transaction *transaction, const struct table *table, const struct item_key *keys,
                                    size_t count, struct arena *arena, struct stored_item *ret_items, struct err *err)
{
    struct rivals rivals;
    struct lookup lookup = { .table = table, .arena = arena, .locks = true, .places_only = true };
    TRY(read_keys(db_of(transaction), transaction, &lookup, keys, count, ret_items, &rivals, err));
    return delete_rivals(transaction, table, &rivals, arena, err);
}
