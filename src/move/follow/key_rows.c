#include "move/follow/key_rows.h"

#include "item/ddbjson.h"
#include "map/ddl.h"
#include "map/key_search.h"
#include "map/row.h"
#include "move/item_row.h"
#include "move/key_merge.h"
#include "pg/binary_sql.h"

enum { KEY_FIELDS = 3, ITEM_FIELDS = 3 };

/* Rows as they are found, source by source. */
struct found {
    struct row_identity identity;
    struct item item;
    size_t key;
};

struct finding {
    struct pg_conn *conn;
    const struct map *map;
    const struct map_table *table;
    const struct key *keys;
    size_t count;
    enum key_rows_kind kind;
    struct arena *arena;
    struct found *found;
    size_t found_count, capacity;
};

/* Number, partition key, sort key of each key that a source may have. */
struct candidates {
    struct pg_field *fields;
    size_t count;
};

static enum lf_code make_room(struct finding *finding, size_t more, struct err *err)
{
    if (more <= finding->capacity - finding->found_count)
        return LF_OK;
    size_t capacity = 2 * finding->capacity + more;
    struct found *found = arena_calloc(finding->arena, capacity, sizeof *found, err);
    if (!found)
        return err->code;
    if (finding->found_count)
        memcpy(found, finding->found, finding->found_count * sizeof *found);
    finding->found = found;
    finding->capacity = capacity;
    return LF_OK;
}

/* Columns of a result from `first` on. */
static enum lf_code copy_fields(const struct pg_result *rows, size_t row, size_t first, size_t count, struct arena *arena,
                                struct pg_field **ret_fields, struct err *err)
{
    struct pg_field *fields = arena_calloc(arena, count, sizeof *fields, err);
    if (!fields)
        return err->code;
    for (size_t i = 0; i < count; i++)
        TRY(pg_field_copy(pg_result_get(rows, row, first + i), arena, &fields[i], err));
    *ret_fields = fields;
    return LF_OK;
}

static enum lf_code add_found(struct finding *finding, const struct pg_result *rows, size_t row, const struct entity *entity,
                              struct found **ret_found, struct err *err)
{
    int64_t number = 0;
    struct pg_field field = pg_result_get(rows, row, 0);
    TRY(pg_read_int64(span_of(field.data, field.len), &number, err));
    if (number < 0 || (size_t)number >= finding->count)
        return ERR(err, LF_ROW, "a row of key %lld, %zu were asked for", (long long)number, finding->count);
    struct found *found = &finding->found[finding->found_count++];
    *found = (struct found){ .key = (size_t)number };
    found->identity = (struct row_identity){
        .key = key_hash128(&finding->keys[number]),
        .table = finding->table,
        .entity = entity,
    };
    *ret_found = found;
    return LF_OK;
}

/* Entities ----------------------------------------------------------------------------------------------------------------- */

static enum lf_code add_candidate(const struct finding *finding, const struct key_search *search, size_t number,
                                  struct candidates *candidates, struct err *err)
{
    const struct span bytes[] = { finding->keys[number].partition, finding->keys[number].sort };
    struct pg_field *fields = candidates->fields + KEY_FIELDS * candidates->count;
    bool is_held = true;
    for (size_t i = 0; i < search->count && is_held; i++)
        TRY(key_search_value(&search->parts[i], bytes[i], finding->arena, &is_held, &fields[1 + i], err));
    if (!is_held)
        return LF_OK;
    candidates->count++;
    return pg_field_int64((int64_t)number, finding->arena, &fields[0], err);
}

static enum lf_code entity_candidates(const struct finding *finding, const struct key_search *search,
                                      struct candidates *ret_candidates, struct err *err)
{
    struct candidates candidates = { 0 };
    candidates.fields = arena_calloc(finding->arena, finding->count, KEY_FIELDS * sizeof(struct pg_field), err);
    if (!candidates.fields)
        return err->code;
    for (size_t i = 0; i < finding->count; i++)
        TRY(add_candidate(finding, search, i, &candidates, err));
    *ret_candidates = candidates;
    return LF_OK;
}

static void put_keys(struct binary_sql *sql, const struct key_search *search, const struct candidates *candidates)
{
    binary_sql_put(sql, "unnest(");
    binary_sql_array(sql, candidates->fields, candidates->count, KEY_FIELDS, PG_OID_INT8, "int8");
    for (size_t i = 0; i < search->count; i++) {
        struct key_operand operand = key_search_operand(&search->parts[i]);
        binary_sql_put(sql, ", ");
        binary_sql_array(sql, candidates->fields + 1 + i, candidates->count, KEY_FIELDS, key_operand_oid(&operand),
                         key_operand_type(&operand));
    }
    binary_sql_put(sql, search->count == 1 ? ") AS k (n, a)" : ") AS k (n, a, b)");
}

static void put_columns(struct binary_sql *sql, const struct finding *finding, const struct entity *entity)
{
    if (finding->kind == KEY_ROWS_ITEMS) {
        ddl_put_fields(&sql->text, finding->map, entity);
        return;
    }
    for (size_t i = 0; i < entity->primary_key_count; i++) {
        binary_sql_put(sql, i ? ", t." : "t.");
        ddl_put_identifier(&sql->text, entity->columns[entity->primary_key[i]].name);
    }
}

static void put_entity_query(struct binary_sql *sql, const struct finding *finding, const struct entity *entity,
                             const struct key_search *search, const struct candidates *candidates)
{
    binary_sql_put(sql, "SELECT k.n, s.* FROM ");
    put_keys(sql, search, candidates);
    binary_sql_put(sql, " CROSS JOIN LATERAL (SELECT ");
    put_columns(sql, finding, entity);
    binary_sql_put(sql, " FROM ");
    ddl_put_table(&sql->text, finding->map, entity->table);
    binary_sql_put(sql, " AS t WHERE ");
    for (size_t i = 0; i < search->count; i++) {
        struct key_operand operand = key_search_operand(&search->parts[i]);
        binary_sql_put(sql, i ? " AND " : "");
        key_operand_put(&sql->text, &operand);
        binary_sql_put(sql, i ? " = k.b" : " = k.a");
    }
    binary_sql_put(sql, ") AS s");
}

static enum lf_code take_item_row(const struct finding *finding, const struct pg_result *rows, size_t row,
                                  const struct entity *entity, struct found *found, struct err *err)
{
    struct pg_field *fields, *key = arena_calloc(finding->arena, entity->primary_key_count, sizeof *key, err);
    if (!key)
        return err->code;
    TRY(copy_fields(rows, row, 1, row_select_count(entity), finding->arena, &fields, err));
    for (size_t i = 0; i < entity->primary_key_count; i++)
        key[i] = fields[entity->primary_key[i]];
    found->identity.fields = key;
    return row_decode(entity, fields, finding->arena, &found->item, err);
}

static enum lf_code take_entity_row(struct finding *finding, const struct pg_result *rows, size_t row,
                                    const struct entity *entity, struct err *err)
{
    struct found *found;
    TRY(add_found(finding, rows, row, entity, &found, err));
    found->identity.field_count = entity->primary_key_count;
    if (finding->kind == KEY_ROWS_ITEMS)
        return take_item_row(finding, rows, row, entity, found, err);
    return copy_fields(rows, row, 1, entity->primary_key_count, finding->arena, &found->identity.fields, err);
}

static enum lf_code find_in_entity(struct finding *finding, const struct entity *entity, struct err *err)
{
    struct key_search search;
    struct candidates candidates;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    BINARY_SQL_CLEANUP struct binary_sql sql;
    binary_sql_init(&sql, finding->arena);
    if (!key_search_find(entity, &finding->table->key, &search))
        return ERR(err, LF_MAP, "no key of table %.*s finds rows of %.*s", SPAN_ARG(finding->table->name),
                   SPAN_ARG(entity->table));
    TRY(entity_candidates(finding, &search, &candidates, err));
    if (!candidates.count)
        return LF_OK;
    put_entity_query(&sql, finding, entity, &search, &candidates);
    TRY(binary_sql_query(&sql, finding->conn, &rows, err));
    TRY(make_room(finding, pg_result_rows(rows), err));
    for (size_t i = 0; i < pg_result_rows(rows); i++)
        TRY(take_entity_row(finding, rows, i, entity, err));
    return LF_OK;
}

/* landfall.item ------------------------------------------------------------------------------------------------------------ */

static enum lf_code unclaimed_candidates(const struct finding *finding, struct pg_field **ret_fields, struct err *err)
{
    struct pg_field *fields = arena_calloc(finding->arena, finding->count, KEY_FIELDS * sizeof *fields, err);
    if (!fields)
        return err->code;
    for (size_t i = 0; i < finding->count; i++) {
        struct item_row_place place;
        TRY(item_row_place(&finding->keys[i], finding->arena, &place, err));
        TRY(pg_field_int64((int64_t)i, finding->arena, &fields[KEY_FIELDS * i], err));
        fields[KEY_FIELDS * i + 1] = place.h;
        fields[KEY_FIELDS * i + 2] = place.sk;
    }
    *ret_fields = fields;
    return LF_OK;
}

static enum lf_code read_unclaimed(const struct finding *finding, const struct pg_result *rows, size_t row, struct found *found,
                                   struct err *err)
{
    struct pg_field *json;
    struct json_reader reader;
    if (finding->kind == KEY_ROWS_IDENTITIES)
        return LF_OK;
    TRY(copy_fields(rows, row, ITEM_FIELDS, 1, finding->arena, &json, err));
    json_init(&reader, span_of(json->data, json->len), finding->arena);
    return ddbjson_read_item(&reader, &found->item, err);
}

static enum lf_code find_unclaimed(struct finding *finding, struct err *err)
{
    struct pg_field *fields;
    struct found *found;
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    BINARY_SQL_CLEANUP struct binary_sql sql;
    binary_sql_init(&sql, finding->arena);
    TRY(unclaimed_candidates(finding, &fields, err));
    binary_sql_put(&sql, finding->kind == KEY_ROWS_ITEMS ? "SELECT k.n, t.h, t.sk, t.item" : "SELECT k.n, t.h, t.sk");
    binary_sql_put(&sql, " FROM unnest(");
    binary_sql_array(&sql, fields, finding->count, KEY_FIELDS, PG_OID_INT8, "int8");
    binary_sql_put(&sql, ", ");
    binary_sql_array(&sql, fields + 1, finding->count, KEY_FIELDS, PG_OID_BYTEA, "bytea");
    binary_sql_put(&sql, ", ");
    binary_sql_array(&sql, fields + 2, finding->count, KEY_FIELDS, PG_OID_BYTEA, "bytea");
    binary_sql_put(&sql, ") AS k (n, a, b) JOIN landfall.item AS t ON t.h = k.a AND t.sk = k.b AND t.table_name = ");
    binary_sql_text(&sql, finding->table->name);
    TRY(binary_sql_query(&sql, finding->conn, &rows, err));
    TRY(make_room(finding, pg_result_rows(rows), err));
    for (size_t i = 0; i < pg_result_rows(rows); i++) {
        TRY(add_found(finding, rows, i, NULL, &found, err));
        found->identity.field_count = ITEM_FIELDS - 1;
        TRY(copy_fields(rows, i, 1, ITEM_FIELDS - 1, finding->arena, &found->identity.fields, err));
        TRY(read_unclaimed(finding, rows, i, found, err));
    }
    return LF_OK;
}

/* All ---------------------------------------------------------------------------------------------------------------------- */

/* In the order of the keys; rows of one key stay in the order in which they were found. */
static enum lf_code sort_by_key(const struct finding *finding, struct key_rows *ret_rows, struct err *err)
{
    struct key_rows rows = { 0 };
    size_t *next = arena_calloc(finding->arena, finding->count + 1, sizeof *next, err);
    rows.first = next ? arena_calloc(finding->arena, finding->count + 1, sizeof *rows.first, err) : NULL;
    rows.identities = rows.first ? arena_calloc(finding->arena, finding->found_count, sizeof *rows.identities, err) : NULL;
    rows.items = rows.identities ? arena_calloc(finding->arena, finding->found_count, sizeof *rows.items, err) : NULL;
    if (!rows.items)
        return err->code;
    for (size_t i = 0; i < finding->found_count; i++)
        rows.first[finding->found[i].key + 1]++;
    for (size_t i = 0; i < finding->count; i++)
        rows.first[i + 1] += rows.first[i];
    memcpy(next, rows.first, finding->count * sizeof *next);
    for (size_t i = 0; i < finding->found_count; i++) {
        size_t at = next[finding->found[i].key]++;
        rows.identities[at] = finding->found[i].identity;
        rows.items[at] = finding->found[i].item;
    }
    if (finding->kind == KEY_ROWS_IDENTITIES)
        rows.items = NULL;
    *ret_rows = rows;
    return LF_OK;
}

enum lf_code key_rows_find(struct pg_conn *conn, const struct map *map, const struct map_table *table, const struct key *keys,
                           size_t count, enum key_rows_kind kind, struct arena *arena, struct key_rows *ret_rows, struct err *err)
{
    struct finding finding = { conn, map, table, keys, count, kind, arena, .found = NULL };
    for (size_t i = 0; i < table->entity_count; i++)
        TRY(find_in_entity(&finding, &table->entities[i], err));
    TRY(find_unclaimed(&finding, err));
    return sort_by_key(&finding, ret_rows, err);
}
