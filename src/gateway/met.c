#include "gateway/met.h"

#include <stdlib.h>

#include "base/hash.h"
#include "gateway/route_keys.h"
#include "map/key_group.h"

enum { PAIRS_MAX = 256 };

/* Hashes of what has been noted; forgotten, and noted again, when there is no more room. */
struct met {
    uint64_t pairs[PAIRS_MAX];
    size_t count;
};

enum lf_code met_new(struct met **ret_met, struct err *err)
{
    struct met *met = calloc(1, sizeof *met);
    if (!met)
        return ERR(err, LF_MEMORY, "no memory for what meets in transactions");
    *ret_met = met;
    return LF_OK;
}

void met_free(struct met *met)
{
    free(met);
}

static bool is_noted(const struct met *met, uint64_t pair)
{
    for (size_t i = 0; i < met->count; i++)
        if (met->pairs[i] == pair)
            return true;
    return false;
}

static enum lf_code write_pair(struct worker *worker, const struct table *table, struct span first, struct span second,
                               struct err *err)
{
    static const struct pg_statement note = {
        .sql = "INSERT INTO landfall.met (table_name, entity, other) VALUES ($1::text, $2::text, $3::text) ON CONFLICT DO "
               "NOTHING",
    };
    PG_RESULT_CLEANUP struct pg_result *rows = NULL;
    const struct pg_field values[] = { { table->name.ptr, table->name.len },
                                       { first.len ? first.ptr : "", first.len },
                                       { second.ptr, second.len } };
    return db_write(worker->db, &note, &(struct pg_params){ .values = values, .count = 3 }, &rows, err);
}

static void note_pair(struct call *call, const struct table *table, struct span one, struct span other)
{
    struct met *met = call->worker->met;
    struct err err = ERR_INIT;
    bool is_sorted = span_compare(one, other) < 0;
    struct span first = is_sorted ? one : other, second = is_sorted ? other : one;
    uint64_t pair = hash64(second, hash64(first, hash64(table->name, 0)));
    if (is_noted(met, pair))
        return;
    if (write_pair(call->worker, table, first, second, &err)) {
        worker_log(call->worker, call->request_id, &err);
        return;
    }
    met->count = met->count == PAIRS_MAX ? 0 : met->count;
    met->pairs[met->count++] = pair;
}

static struct span entity_name(const struct route_key *key)
{
    const struct entity *entity = key_group_entity(key->table->table->map, key->item);
    return entity ? entity->name : SPAN("");
}

static bool is_moving_table(const struct table *table)
{
    return table->move.has_phase && table->move.phase != PHASE_DECOMMISSIONED && table->map;
}

static bool has_moving(const struct route_tables *tables)
{
    for (size_t i = 0; i < tables->count; i++)
        if (tables->tables[i].table && is_moving_table(tables->tables[i].table))
            return true;
    return false;
}

static bool is_moving(const struct route_key *key)
{
    const struct table *table = key->table->table;
    return table && is_moving_table(table) && key->item;
}

/* Each with those before it that have another name; alike ones meet whom the first of them has met. */
static void note_key(struct call *call, const struct route_keys *keys, const struct span *names, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (keys->keys[i].table == keys->keys[at].table && is_moving(&keys->keys[i]) && !span_equal(names[i], names[at]))
            note_pair(call, keys->keys[at].table->table, names[i], names[at]);
}

static enum lf_code note_all(struct call *call, const void *request, const struct route_tables *tables, struct err *err)
{
    struct route_keys keys;
    TRY(route_keys_find(call, request, tables, &keys, err));
    struct span *names = arena_calloc(call->arena, keys.count + 1, sizeof *names, err);
    if (!names)
        return err->code;
    for (size_t i = 0; i < keys.count; i++) {
        if (!is_moving(&keys.keys[i]))
            continue;
        names[i] = entity_name(&keys.keys[i]);
        note_key(call, &keys, names, i);
    }
    return LF_OK;
}

void met_note(struct call *call, const void *request, const struct route_tables *tables)
{
    struct err err = ERR_INIT;
    const struct operation_info *info = call->operation;
    if (info != operation_info(OPERATION_TRANSACT_WRITE_ITEMS) && info != operation_info(OPERATION_TRANSACT_GET_ITEMS) &&
        info != operation_info(OPERATION_EXECUTE_TRANSACTION))
        return;
    if (!has_moving(tables))
        return;
    if (catalog_check_fresh(call->worker->catalog, &err))
        return; /* without PostgreSQL there is nowhere to note it */
    if (note_all(call, request, tables, &err))
        worker_log(call->worker, call->request_id, &err);
}
